"""Which application permissions each Graph call needs, from the permission tables of Microsoft's API pages.

Each entry lists alternatives; one of them has to be held in full. No alternative means that the call is not supported
app-only. People need no entry: the simulated ones have an administrator's rights.
"""

from http import HTTPStatus

from infra.local.tenant.api_error import ApiError
from infra.local.tenant.simulated import SERVED
from infra.local.tenant.simulated_kind import Alternatives
from infra.local.tenant.tokens import Caller

POLICIES = "/identity/conditionalAccess/policies"
DELETED_POLICIES = "/identity/conditionalAccess/deletedItems/policies"
NAMED_LOCATIONS = "/identity/conditionalAccess/namedLocations"
DELETED_LOCATIONS = "/identity/conditionalAccess/deletedItems/namedLocations"
CONTEXTS = "/identity/conditionalAccess/authenticationContextClassReferences"
STRENGTHS = ("/policies/authenticationStrengthPolicies", "/identity/conditionalAccess/authenticationStrength/policies")
"""The same strengths under two paths."""
CUSTOM_POLICIES = "/trustFramework/policies"
AUDITS = "/auditLogs/directoryAudits"
USERS = "/users"
ALL_REGISTRATIONS = "/reports/authenticationMethods/userRegistrationDetails"
REGISTRATIONS = f"{ALL_REGISTRATIONS}/{{id}}"
PIM_SETTINGS = "/policies/roleManagementPolicyAssignments"
SECURE_SCORES = "/security/secureScores"
PROVISIONING = "/auditLogs/provisioning"
ACCESS_REVIEWS = "/identityGovernance/accessReviews/definitions"
PIM_ALERTS = "/identityGovernance/roleManagementAlerts/alerts"
RESOURCE_ACTIONS = "/roleManagement/directory/resourceNamespaces/microsoft.directory/resourceActions"
DEVICE_REGISTRATION = "/policies/deviceRegistrationPolicy"
GROUPS = "/groups"
DIRECTORY_ROLES = "/roleManagement/directory"
GROUP_ELIGIBILITIES = "/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
SIGN_IN_LOG = "/auditLogs/signIns"
DOMAINS = "/domains"
SYNCHRONIZATION = "/directory/onPremisesSynchronization"
INBOX_RULES = "/users/{id}/mailFolders/inbox/messageRules"
MAILBOX_SETTINGS = "/users/{id}/mailboxSettings"
SERVICE_PRINCIPALS = "/servicePrincipals"
APP_ROLE_HOLDERS = f"{SERVICE_PRINCIPALS}/{{id}}/appRoleAssignedTo"
APP_ROLES_HELD = f"{SERVICE_PRINCIPALS}/{{id}}/appRoleAssignments"

_CA_READ = frozenset({"Policy.Read.All"})
_CA_DELETE = _CA_READ | {"Policy.ReadWrite.ConditionalAccess"}
_CA_WRITE = _CA_DELETE | {"Application.Read.All"}
_CUSTOM_READ = (frozenset({"Policy.Read.All"}), frozenset({"Policy.ReadWrite.TrustFramework"}))
_CUSTOM_WRITE = (frozenset({"Policy.ReadWrite.TrustFramework"}),)
_AUDIT_READ = (frozenset({"AuditLog.Read.All"}),)
_RISKY_WRITE = frozenset({"IdentityRiskyUser.ReadWrite.All"})
_DIRECTORY_READ = frozenset({"Directory.Read.All"})
_ROLES_READ = frozenset({"RoleManagement.Read.Directory"})
_GROUP_READ = (frozenset({"GroupMember.Read.All"}), frozenset({"Group.Read.All"}), _DIRECTORY_READ)
_MEMBERS_WRITE = (frozenset({"GroupMember.ReadWrite.All"}), frozenset({"Group.ReadWrite.All"}))
"""For a role-assignable group an application needs RoleManagement.ReadWrite.Directory as well."""
_MEMBERSHIPS_OF_USERS = (frozenset({"User.Read.All"}), *_GROUP_READ)
_MEMBERSHIPS_OF_OTHERS = (frozenset({"Application.Read.All"}), _DIRECTORY_READ)
_MEMBER_IDS_OF_USERS = (
    frozenset({"User.Read.All", "GroupMember.Read.All"}),
    frozenset({"User.ReadBasic.All", "GroupMember.Read.All"}),
    _DIRECTORY_READ,
)
_ROLES_WRITE = (frozenset({"RoleManagement.ReadWrite.Directory"}),)
_ROLES_REMOVE = (
    frozenset({"RoleAssignmentSchedule.Remove.Directory"}),
    frozenset({"RoleAssignmentSchedule.ReadWrite.Directory"}),
    *_ROLES_WRITE,
)
_SIGN_IN_READ = (frozenset({"AuditLog.Read.All", "Directory.Read.All"}),)

_DOMAIN_READ = (frozenset({"Domain.Read.All"}), _DIRECTORY_READ)
_FEDERATION_READ = (frozenset({"Domain.Read.All"}), frozenset({"Domain-InternalFederation.Read.All"}))
_MAILBOX_WRITE = (frozenset({"MailboxSettings.ReadWrite"}),)
_MAILBOX_READ = (frozenset({"MailboxSettings.Read"}), *_MAILBOX_WRITE)
_STRENGTH_WRITE = (
    frozenset({"Policy.ReadWrite.ConditionalAccess"}),
    frozenset({"Policy.ReadWrite.AuthenticationMethod"}),
)
_STRENGTH_READ = (frozenset({"Policy.Read.AuthenticationMethod"}), frozenset({"Policy.Read.All"}), *_STRENGTH_WRITE)
_CONTEXT_WRITE = (frozenset({"AuthenticationContext.ReadWrite.All"}),)
_CONTEXT_READ = (
    frozenset({"Policy.Read.ConditionalAccess"}),
    frozenset({"AuthenticationContext.Read.All"}),
    *_CONTEXT_WRITE,
)


def _of_strengths(root: str) -> dict[tuple[str, str], Alternatives]:
    one, configurations = f"{root}/{{id}}", f"{root}/{{id}}/combinationConfigurations"
    part = f"{configurations}/{{part}}"
    read = {("GET", path): _STRENGTH_READ for path in (root, one, configurations, part)}
    made = {("POST", path): _STRENGTH_WRITE for path in (root, f"{one}/updateAllowedCombinations", configurations)}
    changed = {(method, path): _STRENGTH_WRITE for method in ("PATCH", "DELETE") for path in (one, part)}
    return read | made | changed


NEEDS: dict[tuple[str, str], Alternatives] = {
    ("GET", POLICIES): (_CA_READ,),
    ("GET", f"{POLICIES}/{{id}}"): (_CA_READ,),
    ("POST", POLICIES): (_CA_WRITE,),
    ("PATCH", f"{POLICIES}/{{id}}"): (_CA_WRITE,),
    ("DELETE", f"{POLICIES}/{{id}}"): (_CA_DELETE,),
    ("GET", DELETED_POLICIES): (_CA_READ,),
    ("GET", f"{DELETED_POLICIES}/{{id}}"): (_CA_READ,),
    ("DELETE", f"{DELETED_POLICIES}/{{id}}"): (),
    ("POST", f"{DELETED_POLICIES}/{{id}}/restore"): (),
    ("GET", NAMED_LOCATIONS): (_CA_READ,),
    ("GET", f"{NAMED_LOCATIONS}/{{id}}"): (_CA_READ,),
    ("POST", NAMED_LOCATIONS): (_CA_DELETE,),
    ("PATCH", f"{NAMED_LOCATIONS}/{{id}}"): (_CA_DELETE,),
    ("DELETE", f"{NAMED_LOCATIONS}/{{id}}"): (_CA_DELETE,),
    ("GET", DELETED_LOCATIONS): (_CA_READ,),
    ("GET", f"{DELETED_LOCATIONS}/{{id}}"): (_CA_READ,),
    ("DELETE", f"{DELETED_LOCATIONS}/{{id}}"): (),
    ("POST", f"{DELETED_LOCATIONS}/{{id}}/restore"): (),
    ("GET", CONTEXTS): _CONTEXT_READ,
    ("GET", f"{CONTEXTS}/{{id}}"): _CONTEXT_READ,
    ("POST", CONTEXTS): _CONTEXT_WRITE,
    ("PATCH", f"{CONTEXTS}/{{id}}"): _CONTEXT_WRITE,
    ("DELETE", f"{CONTEXTS}/{{id}}"): _CONTEXT_WRITE,
    **_of_strengths(STRENGTHS[0]),
    **_of_strengths(STRENGTHS[1]),
    ("GET", CUSTOM_POLICIES): _CUSTOM_READ,
    ("GET", f"{CUSTOM_POLICIES}/{{id}}"): _CUSTOM_READ,
    ("GET", f"{CUSTOM_POLICIES}/{{id}}/$value"): _CUSTOM_READ,
    ("POST", CUSTOM_POLICIES): _CUSTOM_WRITE,
    ("PUT", f"{CUSTOM_POLICIES}/{{id}}/$value"): _CUSTOM_WRITE,
    ("DELETE", f"{CUSTOM_POLICIES}/{{id}}"): _CUSTOM_WRITE,
    ("GET", AUDITS): _AUDIT_READ,
    ("GET", f"{AUDITS}/{{id}}"): _AUDIT_READ,
    ("GET", SIGN_IN_LOG): _SIGN_IN_READ,
    ("GET", f"{SIGN_IN_LOG}/{{id}}"): _SIGN_IN_READ,
    ("GET", REGISTRATIONS): _AUDIT_READ,
    ("GET", ALL_REGISTRATIONS): _AUDIT_READ,
    ("GET", USERS): (frozenset({"User.Read.All"}), _DIRECTORY_READ),
    ("GET", f"{DIRECTORY_ROLES}/roleAssignmentScheduleInstances"): (
        frozenset({"RoleAssignmentSchedule.Read.Directory"}),
        _ROLES_READ,
    ),
    ("GET", PIM_SETTINGS): (frozenset({"RoleManagementPolicy.Read.Directory"}), _ROLES_READ),
    ("GET", SECURE_SCORES): (
        frozenset({"SecurityEvents.Read.All"}),
        frozenset({"SecurityEvents.ReadWrite.All"}),
    ),
    ("GET", PROVISIONING): _AUDIT_READ,
    ("GET", ACCESS_REVIEWS): (frozenset({"AccessReview.Read.All"}), frozenset({"AccessReview.ReadWrite.All"})),
    ("GET", PIM_ALERTS): (
        frozenset({"RoleManagementAlert.Read.Directory"}),
        frozenset({"RoleManagementAlert.ReadWrite.Directory"}),
    ),
    ("GET", RESOURCE_ACTIONS): (_ROLES_READ, frozenset({"RoleManagement.Read.All"}), *_ROLES_WRITE),
    ("GET", DEVICE_REGISTRATION): (
        frozenset({"Policy.Read.DeviceConfiguration"}),
        frozenset({"Policy.ReadWrite.DeviceConfiguration"}),
    ),
    ("GET", "/users/{id}"): (frozenset({"User.Read.All"}), _DIRECTORY_READ),
    ("GET", f"{DIRECTORY_ROLES}/roleAssignments"): (_ROLES_READ, _DIRECTORY_READ),
    ("GET", f"{DIRECTORY_ROLES}/roleAssignments/{{id}}"): (_ROLES_READ, _DIRECTORY_READ),
    ("POST", f"{DIRECTORY_ROLES}/roleAssignments"): _ROLES_WRITE,
    ("DELETE", f"{DIRECTORY_ROLES}/roleAssignments/{{id}}"): _ROLES_WRITE,
    ("POST", f"{DIRECTORY_ROLES}/roleAssignmentScheduleRequests"): _ROLES_REMOVE,
    ("POST", f"{DIRECTORY_ROLES}/roleEligibilityScheduleRequests"): (
        frozenset({"RoleEligibilitySchedule.Remove.Directory"}),
        frozenset({"RoleEligibilitySchedule.ReadWrite.Directory"}),
        *_ROLES_WRITE,
    ),
    ("GET", f"{DIRECTORY_ROLES}/roleDefinitions"): (_ROLES_READ, _DIRECTORY_READ),
    ("GET", f"{DIRECTORY_ROLES}/roleEligibilityScheduleInstances"): (
        frozenset({"RoleEligibilitySchedule.Read.Directory"}),
        _ROLES_READ,
    ),
    ("GET", GROUPS): _GROUP_READ,
    ("GET", f"{GROUPS}/{{id}}"): _GROUP_READ,
    ("GET", f"{GROUPS}/{{id}}/members"): _GROUP_READ,
    ("GET", f"{GROUPS}/{{id}}/transitiveMembers"): _GROUP_READ,
    ("POST", f"{GROUPS}/{{id}}/members/$ref"): _MEMBERS_WRITE,
    ("DELETE", f"{GROUPS}/{{id}}/members/{{part}}/$ref"): _MEMBERS_WRITE,
    ("GET", f"{GROUPS}/{{id}}/transitiveMemberOf"): _GROUP_READ,
    ("POST", f"{GROUPS}/{{id}}/owners/$ref"): (frozenset({"Group.ReadWrite.All"}),),
    ("DELETE", f"{GROUPS}/{{id}}/owners/{{part}}/$ref"): (frozenset({"Group.ReadWrite.All"}),),
    ("DELETE", f"{GROUPS}/{{id}}"): (frozenset({"Group.ReadWrite.All"}),),
    ("PATCH", "/users/{id}"): (frozenset({"User.EnableDisableAccount.All"}), frozenset({"User.ReadWrite.All"})),
    ("POST", "/users/{id}/revokeSignInSessions"): (frozenset({"User.RevokeSessions.All"}),),
    ("GET", "/identityProtection/riskyUsers/{id}"): (frozenset({"IdentityRiskyUser.Read.All"}), _RISKY_WRITE),
    ("POST", "/identityProtection/riskyUsers/confirmCompromised"): (_RISKY_WRITE,),
    ("POST", "/identityProtection/riskyUsers/dismiss"): (_RISKY_WRITE,),
    **{
        ("GET", f"/{collection}/{{id}}/{which}"): needs
        for collection, needs in (("users", _MEMBERSHIPS_OF_USERS), ("servicePrincipals", _MEMBERSHIPS_OF_OTHERS))
        for which in ("memberOf", "transitiveMemberOf")
    },
    **{
        ("POST", f"/{collection}/{{id}}/getMember{which}"): needs
        for collection, needs in (
            ("users", _MEMBER_IDS_OF_USERS),
            ("servicePrincipals", _MEMBERSHIPS_OF_OTHERS),
            ("groups", _GROUP_READ),
            ("directoryObjects", (_DIRECTORY_READ,)),
        )
        for which in ("Objects", "Groups")
    },
    ("GET", f"{GROUPS}/{{id}}/owners"): _GROUP_READ,
    ("GET", GROUP_ELIGIBILITIES): (frozenset({"PrivilegedEligibilitySchedule.Read.AzureADGroup"}),),
    ("GET", DOMAINS): _DOMAIN_READ,
    ("GET", f"{DOMAINS}/{{id}}"): _DOMAIN_READ,
    ("PATCH", f"{DOMAINS}/{{id}}"): (),
    ("GET", f"{DOMAINS}/{{id}}/federationConfiguration"): _FEDERATION_READ,
    ("POST", f"{DOMAINS}/{{id}}/federationConfiguration"): (),
    ("DELETE", f"{DOMAINS}/{{id}}/federationConfiguration/{{part}}"): (),
    ("GET", SYNCHRONIZATION): (),
    ("GET", INBOX_RULES): _MAILBOX_READ,
    ("POST", INBOX_RULES): _MAILBOX_WRITE,
    ("DELETE", f"{INBOX_RULES}/{{part}}"): _MAILBOX_WRITE,
    ("GET", MAILBOX_SETTINGS): _MAILBOX_READ,
    ("PATCH", MAILBOX_SETTINGS): _MAILBOX_WRITE,
    ("GET", APP_ROLE_HOLDERS): (frozenset({"Application.Read.All"}), _DIRECTORY_READ),
    ("GET", APP_ROLES_HELD): (frozenset({"Application.Read.All"}), _DIRECTORY_READ),
    ("DELETE", f"{APP_ROLE_HOLDERS}/{{part}}"): (frozenset({"AppRoleAssignment.ReadWrite.All"}),),
    ("POST", APP_ROLE_HOLDERS): (frozenset({"AppRoleAssignment.ReadWrite.All", "Application.Read.All"}),),
    ("GET", "/organization"): (frozenset({"Organization.Read.All"}), _DIRECTORY_READ),
    **{(route.method, route.path): route.needs for each in SERVED for route in each.routes},
}

RESTORE_WHERE_ALLOWED: Alternatives = (frozenset({"Policy.ReadWrite.ConditionalAccess"}),)
"""What a restore needs while the setting `restore_app_only` is on."""


FEDERATE_WHERE_ALLOWED: Alternatives = (
    frozenset({"Domain-InternalFederation.ReadWrite.All"}),
    frozenset({"Domain.ReadWrite.All"}),
)
"""What a change of a domain's federation needs while the setting `federation_app_only` is on."""

SYNCHRONIZATION_WHERE_ALLOWED: Alternatives = (frozenset({"OnPremDirectorySynchronization.Read.All"}),)
"""What reading the features of synchronization needs while the setting `synchronization_app_only` is on."""

REFUSAL = ("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
"""The directory's code and message for who lacks a permission; Exchange has others."""


def refuse_unpermitted(
    caller: Caller, granted: frozenset[str], alternatives: Alternatives, refusal: tuple[str, str] = REFUSAL
) -> None:
    """Raise Graph's 403, which never says which permission is missing."""
    if caller.principal.kind == "user" or any(needed <= granted for needed in alternatives):
        return
    raise ApiError(HTTPStatus.FORBIDDEN, *refusal)
