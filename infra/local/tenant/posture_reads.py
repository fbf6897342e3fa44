"""What posture checks read besides: users, what they have registered, how roles are held, how PIM guards them."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.directory_roles import refuse_without_pim
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.tenant.odata import list_page
from infra.local.tenant.permissions import ALL_REGISTRATIONS, DIRECTORY_ROLES, PIM_SETTINGS, REFUSAL, USERS
from infra.local.tenant.reads import registration_of, user_of
from infra.local.world import Json, Principal

_A_DAY: Final = 24 * 3600.0
_SIGN_INS: Final = "signInActivity"
_OF_ROLES: Final = "scopeId eq '/' and scopeType eq 'DirectoryRole'"
_WITH_RULES: Final = "policy($expand=rules)"


def _people(call: Call) -> list[Principal]:
    return [
        each
        for each in world.PRINCIPALS
        if each.kind == "user"
        and each.tenant == call.directory.tenant
        and each.id not in call.settings.deleted_accounts
    ]


async def _users(call: Call) -> web.Response:
    """List users. Who asks for their sign-ins needs the log's permission besides."""
    is_about_sign_ins = _SIGN_INS in call.request.query.get("$select", "").split(",")
    if is_about_sign_ins and "AuditLog.Read.All" not in call.caller.roles:
        raise ApiError(HTTPStatus.FORBIDDEN, *REFUSAL)
    shown = [user_of(call, each) | _listed(call, each) for each in _people(call)]
    size = call.settings.directory_page_size
    return list_page(call, shown, size=size, context="users", filters=("id", "userPrincipalName"))


def _listed(call: Call, principal: Principal) -> Json:
    domain = call.directory.domain
    has_mailbox = principal.id in call.directory.mailboxes
    plan: Json = {"service": "exchange", "capabilityStatus": "Enabled", "assignedDateTime": world.SEEDED_AT}
    return {
        "identities": [{"signInType": "userPrincipalName", "issuer": domain, "issuerAssignedId": principal.upn}],
        "lastPasswordChangeDateTime": world.SEEDED_AT,
        "assignedPlans": [plan] if has_mailbox else [],
        _SIGN_INS: {"lastSuccessfulSignInDateTime": instant(now_ticks() - ticks(_A_DAY))},
    }


async def _registrations(call: Call) -> web.Response:
    """List what users have registered: a report, in which users who are disabled are missing."""
    enabled = [each for each in _people(call) if each.id not in call.settings.disabled_accounts]
    assigned = {str(each["principalId"]) for each in call.directory.role_assignments.all_seen().values()}
    shown = [registration_of(each) | {"isAdmin": each.id in assigned} for each in enabled]
    context = "reports/authenticationMethods/userRegistrationDetails"
    return list_page(call, shown, size=call.settings.directory_page_size, context=context, filters=("isAdmin",))


async def _instances(call: Call) -> web.Response:
    """List how roles are held: whatever is held here was assigned, without an end."""
    refuse_without_pim(call)
    held = call.directory.role_assignments.all_seen().values()
    lasting: Json = {"assignmentType": "Assigned", "memberType": "Direct", "endDateTime": None}
    return list_page(
        call,
        [each | lasting | {"startDateTime": world.SEEDED_AT} for each in held],
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleAssignmentScheduleInstances",
        filters=("principalId", "roleDefinitionId"),
    )


async def _settings(call: Call) -> web.Response:
    """Answer how PIM guards each role; only the query that names roles, with the rules, is played here."""
    refuse_without_pim(call)
    query = call.request.query
    if (query.get("$filter"), query.get("$expand")) != (_OF_ROLES, _WITH_RULES):
        raise bad_request("The filter is invalid.", "InvalidFilter")
    shown = [_guarded(call, role) for role in world.DIRECTORY_ROLE_NAMES]
    return json_answer({"@odata.context": call.context("policies/roleManagementPolicyAssignments"), "value": shown})


def _guarded(call: Call, role: str) -> Json:
    """Print a role's settings as PIM sets them at first: MFA isn't asked for, and nobody has to approve."""
    policy = f"DirectoryRole_{call.directory.tenant}_{role}"
    rules: list[Json] = [
        {"id": "Expiration_EndUser_Assignment", "isExpirationRequired": True, "maximumDuration": "PT8H"},
        {"id": "Enablement_EndUser_Assignment", "enabledRules": ["Justification"]},
        {"id": "AuthenticationContext_EndUser_Assignment", "isEnabled": False, "claimValue": ""},
        {"id": "Approval_EndUser_Assignment", "setting": {"isApprovalRequired": False, "approvalStages": []}},
        {
            "id": "Notification_Admin_EndUser_Assignment",
            "recipientType": "Admin",
            "isDefaultRecipientsEnabled": True,
            "notificationRecipients": [],
        },
    ]
    return {
        "id": f"{policy}_{role}",
        "policyId": policy,
        "scopeId": "/",
        "scopeType": "DirectoryRole",
        "roleDefinitionId": role,
        "policy": {"id": policy, "displayName": "DirectoryRole", "rules": rules},
    }


OPERATIONS = (
    Operation(method="GET", path=USERS, handle=_users),
    Operation(method="GET", path=ALL_REGISTRATIONS, handle=_registrations),
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleAssignmentScheduleInstances", handle=_instances),
    Operation(method="GET", path=PIM_SETTINGS, handle=_settings),
)
