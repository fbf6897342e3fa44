"""Directory roles over Graph: who holds them, and who is eligible for them or for membership of a group."""

import uuid
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError, bad_request
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.tenant.odata import list_page
from infra.local.tenant.people import log_pim, log_role, no_such_object
from infra.local.tenant.permissions import DIRECTORY_ROLES, GROUP_ELIGIBILITIES
from infra.local.tenant.tokens import Caller
from infra.local.world import Json

_PIM: Final = Caller(
    principal=world.MS_PIM,
    app_id=str(world.MS_PIM.client_id),
    roles=frozenset(),
    unthrottled=True,
    claims={},
)


def refuse_without_pim(call: Call) -> None:
    """Refuse, as PIM does, a tenant that has no licence for it; raises ApiError 400."""
    if call.directory.is_b2c or not call.settings.has_pim:
        message = "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."
        raise ApiError(HTTPStatus.BAD_REQUEST, "AadPremiumLicenseRequired", message)


async def _assignments(call: Call) -> web.Response:
    return list_page(
        call,
        list(call.directory.role_assignments.all_seen().values()),
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleAssignments",
        filters=("principalId", "roleDefinitionId"),
    )


async def _assignment(call: Call) -> web.Response:
    assignment = call.directory.role_assignments.seen(call.id)
    if assignment is None:
        raise no_such_object(call.id)
    context = call.context("roleManagement/directory/roleAssignments/$entity")
    return json_answer({"@odata.context": context} | assignment)


async def _assign(call: Call) -> web.Response:
    body = as_object(await call.json()) or {}
    wanted = {name: str(body.get(name, "")) for name in ("principalId", "roleDefinitionId", "directoryScopeId")}
    known = {*world.DIRECTORY_ROLE_NAMES, world.CUSTOM_DIRECTORY_ROLE}
    if not all(wanted.values()) or wanted["roleDefinitionId"] not in known:
        raise bad_request("The role assignment needs a principal, a known role and a scope.", "Request_BadRequest")
    for held in call.directory.role_assignments.all_current().values():
        if wanted.items() <= held.items():
            message = "A conflicting object with one or more of the specified property values is present."
            raise bad_request(message, "Request_BadRequest")
    assignment: Json = {"id": str(uuid.uuid4())} | wanted
    call.directory.role_assignments.put(assignment["id"], assignment)
    call.directory.roles_given[assignment["id"]] = now_ticks()
    log_role(call, "Add member to role", assignment, given=True)
    context = call.context("roleManagement/directory/roleAssignments/$entity")
    return json_answer({"@odata.context": context} | assignment, status=HTTPStatus.CREATED)


async def _unassign(call: Call) -> web.Response:
    assignment = call.met(call.directory.role_assignments, call.id)
    if assignment is None:
        raise no_such_object(call.id)
    _take(call, assignment)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _take(call: Call, assignment: Json) -> None:
    everywhere = call.directory.role_assignments.all_current().values()
    holders = [each for each in everywhere if each["roleDefinitionId"] == world.GLOBAL_ADMINISTRATOR]
    if holders == [assignment]:
        message = "The last Global Administrator can't be removed."
        raise bad_request(message, "Request_BadRequest")
    call.directory.role_assignments.put(assignment["id"], None)
    log_role(call, "Remove member from role", assignment, given=False)


async def _request(call: Call) -> web.Response:
    """Carry out a request to PIM; only removals are played here.

    PIM refuses to remove what isn't five minutes old, whoever gave it and however. The directory's record of what it
    removes names PIM's own service, and PIM's record who asked.
    """
    refuse_without_pim(call)
    body = as_object(await call.json()) or {}
    wanted = {name: str(body.get(name, "")) for name in ("principalId", "roleDefinitionId", "directoryScopeId")}
    if body.get("action") != "adminRemove" or not all(wanted.values()):
        raise bad_request("Only the action adminRemove is played here, with what it is about.", "InvalidRequest")
    held = call.directory.role_assignments.all_current().values()
    assignment = next((each for each in held if wanted.items() <= each.items()), None)
    if assignment is None:
        raise bad_request("The Role assignment does not exist.", "RoleAssignmentDoesNotExist")
    given_at = call.directory.roles_given.get(assignment["id"], 0)
    if now_ticks() < given_at + ticks(call.settings.pim_shortest_seconds):
        message = "The active duration is too short. Minimum required is 5 minutes."
        raise bad_request(message, "ActiveDurationTooShort")
    _take(replace(call, caller=_PIM), assignment)
    log_pim(call, "Remove member from role in PIM completed (permanent)", assignment, given=False)
    context = call.context("roleManagement/directory/roleAssignmentScheduleRequests/$entity")
    shown = wanted | {"id": str(uuid.uuid4()), "action": "adminRemove", "status": "Revoked"}
    return json_answer({"@odata.context": context} | shown, status=HTTPStatus.CREATED)


async def _eligibilities(call: Call) -> web.Response:
    refuse_without_pim(call)
    return list_page(
        call,
        list(call.directory.role_eligibilities.all_seen().values()),
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleEligibilityScheduleInstances",
        filters=("principalId", "roleDefinitionId"),
    )


async def _request_eligibility(call: Call) -> web.Response:
    """Carry out a request to PIM about who is eligible: the directory's record names PIM, and PIM's who asked."""
    refuse_without_pim(call)
    body = as_object(await call.json()) or {}
    wanted = {name: str(body.get(name, "")) for name in ("principalId", "roleDefinitionId", "directoryScopeId")}
    if body.get("action") not in {"adminAssign", "adminRemove"} or not all(wanted.values()):
        raise bad_request("Only adminAssign and adminRemove are played here, whole.", "InvalidRequest")
    held = call.directory.role_eligibilities.all_current().values()
    eligible = next((each for each in held if wanted.items() <= each.items()), None)
    is_given = body["action"] == "adminAssign"
    if is_given and eligible is not None:
        raise bad_request("The Role assignment already exists.", "RoleAssignmentExists")
    if not is_given and eligible is None:
        raise bad_request("The Role assignment does not exist.", "RoleAssignmentDoesNotExist")
    lasting: Json = {"startDateTime": instant(), "endDateTime": None, "memberType": "Direct"}
    made: Json = eligible or {"id": str(uuid.uuid4())} | wanted | lasting
    call.directory.role_eligibilities.put(made["id"], made if is_given else None)
    verb, place = ("Add", "to") if is_given else ("Remove", "from")
    by_pim = replace(call, caller=_PIM)
    log_role(by_pim, f"{verb} eligible member {place} role", made, given=is_given)
    log_pim(call, f"{verb} eligible member {place} role in PIM completed (permanent)", made, given=is_given)
    context = call.context("roleManagement/directory/roleEligibilityScheduleRequests/$entity")
    shown = wanted | {"id": str(uuid.uuid4()), "action": body["action"], "status": "Provisioned"}
    return json_answer({"@odata.context": context} | shown, status=HTTPStatus.CREATED)


def _definition(role: str, name: str, *, is_built_in: bool) -> Json:
    return {"id": role, "displayName": name, "isBuiltIn": is_built_in, "isEnabled": True, "templateId": role}


async def _definitions(call: Call) -> web.Response:
    roles = [_definition(role, name, is_built_in=True) for role, name in world.DIRECTORY_ROLE_NAMES.items()]
    if not call.directory.is_b2c:
        roles.append(_definition(world.CUSTOM_DIRECTORY_ROLE, "Credential rotator", is_built_in=False))
    return list_page(
        call,
        roles,
        size=call.settings.directory_page_size,
        context="roleManagement/directory/roleDefinitions",
        filters=("id", "displayName", "isBuiltIn"),
    )


async def _group_eligibilities(call: Call) -> web.Response:
    refuse_without_pim(call)
    if "$filter" not in call.request.query:
        raise bad_request("The request needs a filter by principalId or groupId.", "MissingParameters")
    shown: list[Json] = [
        {
            "id": f"{group.id}_member_{uuid.uuid5(uuid.NAMESPACE_URL, group.id + each)}",
            "accessId": "member",
            "groupId": group.id,
            "principalId": each,
            "memberType": "direct",
            "startDateTime": world.SEEDED_AT,
            "endDateTime": None,
        }
        for group in call.directory.groups.all_seen().values()
        for each in group.eligible
    ]
    return list_page(
        call,
        shown,
        size=call.settings.directory_page_size,
        context="identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
        filters=("groupId", "principalId"),
    )


OPERATIONS = (
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleAssignments", handle=_assignments),
    Operation(method="POST", path=f"{DIRECTORY_ROLES}/roleAssignments", handle=_assign),
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleAssignments/{{id}}", handle=_assignment),
    Operation(method="DELETE", path=f"{DIRECTORY_ROLES}/roleAssignments/{{id}}", handle=_unassign),
    Operation(method="POST", path=f"{DIRECTORY_ROLES}/roleAssignmentScheduleRequests", handle=_request),
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleEligibilityScheduleInstances", handle=_eligibilities),
    Operation(method="POST", path=f"{DIRECTORY_ROLES}/roleEligibilityScheduleRequests", handle=_request_eligibility),
    Operation(method="GET", path=f"{DIRECTORY_ROLES}/roleDefinitions", handle=_definitions),
    Operation(method="GET", path=GROUP_ELIGIBILITIES, handle=_group_eligibilities),
)
