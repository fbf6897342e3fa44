"""Roles assigned and removed in the directory and in Azure, from the guide "Securing privileged access"."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import (
    MEMBER_ADDED,
    OF_DIRECTORY_ROLES,
    OUTSIDE_PIM,
    PIM_ACTIVATION,
    ROLE_GIVEN,
    ended,
    succeeded,
)
from responders.detections.application_grants import APP_ROLE_REMOVED
from responders.detections.azure_access import AZURE_ACCESS
from responders.detections.break_glass import BREAK_GLASS_CHANGED, BREAK_GLASS_UNPROTECTED, BREAK_GLASS_USED
from responders.detections.directory_samples import (
    APPLICATION,
    COLLEAGUE,
    EMERGENCY_GROUP,
    ROLE_ASSIGNABLE_GROUP,
    by_service,
    member_record,
    pim_record,
    role_record,
    target,
)
from responders.detections.own_installation import OWN_INSTALLATION
from responders.detections.roles_by_other_ways import ROLES_BY_OTHER_WAYS
from responders.detections.samples import (
    APP_CLAIMS,
    BY_APP,
    BY_USER,
    SUBSCRIPTION,
    activity_log_record,
    audit_record,
    cloud_event_record,
    diagnostic_record,
    event_grid_record,
    exported_activity_record,
)
from responders.detections.stopped_applications import APPLICATION_SWITCHED
from responders.remediations import (
    GIVE_DIRECTORY_ROLE_BY_HAND,
    RECREATE_ROLE_ASSIGNMENT,
    REMOVE_DIRECTORY_ROLE,
    REMOVE_ROLE_ASSIGNMENT,
    TAKE_OUT_OF_GROUP,
)
from shared.detect.fields import Audit
from shared.model.conditions import Not, all_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log, ResourceEvent
from shared.model.kinds import ApprovalList, Image, Risk

_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
_DELETE: Final = "Microsoft.Authorization/roleAssignments/delete"
_EVERY_ROLE: Final = (
    "The guide grades by role: high for roles that can assign roles, medium for others. Neither Event Grid's event nor "
    "the Activity Log's record of a deletion names the role, so every role is graded high."
)


_BY_COLLEAGUE: Final[Image] = {"user": BY_USER["user"] | {"id": COLLEAGUE}, "app": None}

ROLE_ASSIGNED: Detection[AuditEvent] = Detection(
    id="role-assigned",
    seed_row="privileged-access/role-assigned",
    title="Directory role assigned by an unapproved actor",
    why="Whoever holds the role can change the directory, also after the attacker's first way in is closed.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        *ROLE_GIVEN,
        also=(
            OF_DIRECTORY_ROLES,
            Not(Audit.principal_kind.is_("ServicePrincipal")),
            Not(all_of(Audit.activity.is_(PIM_ACTIVATION), Audit.actor_is_target.is_("self"))),
        ),
    ),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    contains=True,
    remediation=REMOVE_DIRECTORY_ROLE,
    deviates=(
        "Somebody who activates a role that they are eligible for doesn't count: the assignment of the eligibility "
        "counts. A role that is made longer or given back counts as assigned. What Core Directory logs as done by "
        "MS-PIM counts as done by whoever PIM's own record names. A role, or the eligibility for it, is taken away "
        "where it was given over the whole directory; roles over a part of it are paged."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(
        role_record("Add member to role"),
        role_record("Add Member to role\N{NO-BREAK SPACE}", initiatedBy=BY_APP),
        role_record("Add eligible member to role", "Group"),
        pim_record("Add eligible member to role in PIM completed (timebound)"),
        pim_record(PIM_ACTIVATION),
        role_record("Add role assignment to role definition"),
        role_record("Add EligibleRoleAssignment to RoleDefinition"),
        role_record("Add member to role scoped over Restricted Management Administrative Unit"),
        pim_record("Restore member from role in PIM completed"),
        diagnostic_record(role_record("Add scoped member to role", initiatedBy=by_service(APPLICATION, "MS-PIM"))),
    ),
    misses=(
        role_record("Add member to role", "ServicePrincipal", identity=APPLICATION),
        role_record("Add member to role", result="failure"),
        pim_record(PIM_ACTIVATION, initiatedBy=_BY_COLLEAGUE),
        pim_record("Add member to role requested (PIM activation)"),
        role_record("Remove member from role"),
    ),
)

ROLE_ASSIGNED_OUTSIDE_PIM: Detection[AuditEvent] = Detection(
    id="role-assigned-outside-pim",
    seed_row="privileged-access/role-assigned-outside-pim",
    title="Directory role assigned outside PIM by an unapproved actor",
    why="Nobody approved the assignment, it never expires, and PIM's access reviews don't cover it.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(OUTSIDE_PIM, also=(OF_DIRECTORY_ROLES, Not(Audit.principal_kind.is_("ServicePrincipal")))),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.PIM_ALERTS,
    hits=(pim_record(OUTSIDE_PIM), pim_record(OUTSIDE_PIM, "Group", initiatedBy=BY_APP)),
    misses=(
        pim_record(OUTSIDE_PIM, result="failure"),
        pim_record(OUTSIDE_PIM, "ServicePrincipal", identity=APPLICATION),
        pim_record("Add member to role in PIM completed (permanent)"),
    ),
)

_TAKEN: Final = (
    "Remove member from role",
    "Remove eligible member from role",
    "Remove scoped member from role",
    "Remove member from role scoped over Restricted Management Administrative Unit",
)

ROLE_REMOVED: Detection[AuditEvent] = Detection(
    id="role-removed",
    seed_row="privileged-access/role-removed",
    title="Directory role taken from somebody by an unapproved actor",
    why="An attacker may take roles from the administrators, so that they can't stop what comes next.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*_TAKEN),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    remediation=GIVE_DIRECTORY_ROLE_BY_HAND,
    deviates=(
        "The app never gives a role of the directory: the page has the command. What PIM ends by itself, and whoever "
        "gives up a role that he is eligible for, is only recorded."
    ),
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(
        role_record("Remove member from role"),
        role_record("Remove member from role", "ServicePrincipal", identity=APPLICATION, initiatedBy=BY_APP),
        role_record("Remove eligible member from role"),
        diagnostic_record(role_record("Remove scoped member from role")),
    ),
    misses=(
        role_record("Remove member from role", result="failure"),
        role_record("Remove eligible member from role", result="failure"),
        role_record("Add member to role"),
        pim_record("Remove member from role in PIM completed (permanent)"),
    ),
)

RBAC_ROLE_ASSIGNED: Detection[ResourceEvent] = Detection(
    id="rbac-role-assigned",
    seed_row="privileged-access/rbac-role-assigned",
    title="Azure role assigned by an unapproved actor",
    why="Whoever holds the role can change what is in its scope, also after the attacker's first way in is closed.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_WRITE),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    remediation=REMOVE_ROLE_ASSIGNMENT,
    deviates=(
        f"{_EVERY_ROLE} What Privileged Identity Management (PIM) writes counts as done by who asked it. Somebody who "
        "activates a role that they are eligible for, or gives it up, is only recorded: PIM has checked that, and "
        "rbac-role-made-eligible raises a case when somebody is made eligible."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.AZURE_ROLE_CHANGES,
    hits=(
        event_grid_record(_WRITE),
        cloud_event_record(_WRITE, claims=dict(APP_CLAIMS)),
        activity_log_record(_WRITE),
        exported_activity_record(_WRITE),
    ),
    misses=(
        event_grid_record(_WRITE, status="Failed"),
        activity_log_record(_WRITE, status="Started"),
        activity_log_record(_WRITE, status="Accepted"),
        exported_activity_record(_WRITE, result_type="Start"),
        event_grid_record("Microsoft.Authorization/roleDefinitions/write"),
        event_grid_record("Microsoft.Storage/storageAccounts/write"),
    ),
)

RBAC_ROLE_REMOVED: Detection[ResourceEvent] = Detection(
    id="rbac-role-removed",
    seed_row="privileged-access/rbac-role-removed",
    title="Azure role assignment removed by an unapproved actor",
    why="An attacker may take rights from the owners, or from the responder, so that they can't stop what comes next.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_DELETE),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    remediation=RECREATE_ROLE_ASSIGNMENT,
    deviates=_EVERY_ROLE,
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL,),
    reference=references.AZURE_ROLE_CHANGES,
    hits=(
        event_grid_record(_DELETE),
        cloud_event_record(_DELETE),
        activity_log_record(_DELETE),
        exported_activity_record(_DELETE),
    ),
    misses=(
        event_grid_record(_DELETE, status="Failed"),
        activity_log_record(_DELETE, status="Started"),
        exported_activity_record(_DELETE, result_type="Start"),
        activity_log_record("Microsoft.Compute/disks/delete"),
    ),
)

_DEFINITION: Final = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
    "c1f8d604-97ab-4e52-b30d-6a27e5f419d8"
)
_DEFINE: Final = "Microsoft.Authorization/roleDefinitions/write"
_DELETE_DEFINITION: Final = "Microsoft.Authorization/roleDefinitions/delete"

RBAC_ROLE_DEFINITION_CHANGED: Detection[ResourceEvent] = Detection(
    id="rbac-role-definition-changed",
    seed_row="privileged-access/rbac-role-definition-changed",
    title="Azure role definition changed or deleted by an unapproved actor",
    why="If a custom role is widened, everybody who holds it gets more rights without a new assignment.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_DEFINE, _DELETE_DEFINITION),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    deviates="The record doesn't say whether the role was widened or narrowed, so every change counts.",
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.AZURE_CUSTOM_ROLES,
    hits=(
        event_grid_record(_DEFINE, resourceUri=_DEFINITION),
        cloud_event_record(_DEFINE, resourceUri=_DEFINITION, claims=dict(APP_CLAIMS)),
        activity_log_record(_DEFINE, resourceId=_DEFINITION),
        exported_activity_record(_DEFINE),
        event_grid_record(_DELETE_DEFINITION, resourceUri=_DEFINITION),
    ),
    misses=(
        event_grid_record(_DEFINE, resourceUri=_DEFINITION, status="Failed"),
        activity_log_record(_DEFINE, status="Started"),
        event_grid_record("Microsoft.Authorization/policyDefinitions/write", resourceUri=_DEFINITION),
    ),
)

_ELEVATED: Final = "User has elevated their access to User Access Administrator for their Azure Resources"


def _elevation(activity: str, **differences: object) -> Image:
    fields = {"category": "AzureRBACRoleManagementElevateAccess", "loggedByService": "Azure RBAC (Elevated Access)"}
    return audit_record(activity, **fields | differences)


ELEVATE_ACCESS: Detection[AuditEvent] = Detection(
    id="elevate-access",
    seed_row="privileged-access/elevate-access",
    title="Global Administrator took the role User Access Administrator over all of Azure",
    why="The role gives rights over every subscription. It is meant for emergencies.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(_ELEVATED),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask why. Unless there is an emergency, remove the role User Access Administrator at scope / and check every "
        "role assignment made since."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.ELEVATED_ACCESS,
    hits=(
        _elevation(_ELEVATED),
        diagnostic_record(_elevation(_ELEVATED)),
    ),
    misses=(
        _elevation(_ELEVATED, result="failure"),
        _elevation(_ELEVATED.replace("elevated", "removed")),
    ),
)

ROLE_ASSIGNABLE_GROUP_MEMBER_ADDED: Detection[AuditEvent] = Detection(
    id="role-assignable-group-member-added",
    seed_row="privileged-access/role-assignable-group-member-added",
    title="Member added to a role-assignable group by an unapproved actor",
    why="Members of such a group hold the group's roles, and no record says that a role was assigned to them.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(MEMBER_ADDED, also=(Audit.group_level.is_("role-assignable"),)),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    remediation=TAKE_OUT_OF_GROUP,
    deviates=(
        "A group counts only if it is known to be role-assignable, because members are added to other groups all day. "
        "If a tenant's groups can't be read, a notice says so. When MS-PIM adds a member, somebody has activated a "
        "membership; MS-PIM is approved unless you withdraw it."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.ROLE_ASSIGNABLE_GROUPS,
    hits=(
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP.upper(), "ServicePrincipal", identity=APPLICATION),
        diagnostic_record(member_record("Add Member to group ", ROLE_ASSIGNABLE_GROUP, initiatedBy=BY_APP)),
        audit_record(MEMBER_ADDED, targetResources=[target(ROLE_ASSIGNABLE_GROUP, "Group"), target(COLLEAGUE, "User")]),
    ),
    misses=(
        member_record(MEMBER_ADDED, EMERGENCY_GROUP),
        member_record(MEMBER_ADDED, EMERGENCY_GROUP, "Group", identity=ROLE_ASSIGNABLE_GROUP),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP, result="failure"),
        member_record("Remove member from group", ROLE_ASSIGNABLE_GROUP),
    ),
)


def _pim_setting(activity: str, **differences: object) -> Image:
    role = target("e8611ab8-c189-46e8-94e1-60213ab1f814", "Role", name="Privileged Role Administrator")
    fields = {"category": "RoleManagement", "loggedByService": "PIM", "targetResources": [role]}
    return audit_record(activity, **fields | differences)


PIM_SETTINGS_WEAKENED: Detection[AuditEvent] = Detection(
    id="pim-settings-weakened",
    seed_row="privileged-access/pim-settings-weakened",
    title="PIM's alerts or role settings changed, or PIM switched off, by an unapproved actor",
    why=(
        "Without approval, second factor or time limit, anybody who is eligible for a role can use it at any time, and "
        "nobody is told."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Disable PIM alert",
        "Deactivate PIM alert",
        "Update PIM alert setting",
        "Update role setting in PIM",
        "PIM policy removed",
        "Offboarded resource from PIM",
        "Tenant offboarded from PIM",
    ),
    unless_actor_in=ApprovalList.PIM_SETTINGS,
    answer=Answer.PAGE,
    techniques=(attack.TEMPORARY_ELEVATED_CLOUD_ACCESS, attack.DISABLE_TOOLS),
    reference=references.PIM_SETTINGS,
    hits=(
        _pim_setting("Disable PIM alert"),
        _pim_setting("Update role setting in PIM", initiatedBy=BY_APP),
        _pim_setting("Update PIM alert setting"),
        _pim_setting("Offboarded resource from PIM", category="ResourceManagement"),
    ),
    misses=(
        _pim_setting("Update role setting in PIM", result="failure"),
        _pim_setting("Enable PIM alert"),
    ),
)

PRIVILEGED_ACCESS: Final[tuple[AnyDetection, ...]] = (
    ROLE_ASSIGNED,
    ROLE_ASSIGNED_OUTSIDE_PIM,
    ROLE_REMOVED,
    APP_ROLE_REMOVED,
    APPLICATION_SWITCHED,
    RBAC_ROLE_ASSIGNED,
    RBAC_ROLE_REMOVED,
    RBAC_ROLE_DEFINITION_CHANGED,
    *AZURE_ACCESS,
    ELEVATE_ACCESS,
    ROLE_ASSIGNABLE_GROUP_MEMBER_ADDED,
    *ROLES_BY_OTHER_WAYS,
    PIM_SETTINGS_WEAKENED,
    BREAK_GLASS_USED,
    BREAK_GLASS_CHANGED,
    BREAK_GLASS_UNPROTECTED,
    *OWN_INSTALLATION,
)
