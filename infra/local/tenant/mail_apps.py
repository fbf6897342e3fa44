"""Which applications were given app roles, by whom of the APIs."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.app_roles import APP_ROLES, RESOURCES, app_role_assignment
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.odata import list_page
from infra.local.tenant.people import log_app_role, principal_in
from infra.local.tenant.permissions import APP_ROLE_HOLDERS, APP_ROLES_HELD

_PAGE: Final = 100


async def _list_holders(call: Call) -> web.Response:
    if call.id not in RESOURCES:
        principal_in(call, "servicePrincipal")
    held = [each for each in call.directory.app_roles if each["resourceId"] == call.id]
    return list_page(call, held, size=_PAGE, context="appRoleAssignments")


async def _grant(call: Call) -> web.Response:
    body = as_object(await call.json()) or {}
    if call.id not in RESOURCES:
        raise not_found(f"Resource '{call.id}' does not exist.", "Request_ResourceNotFound")
    role = next((name for name, key in APP_ROLES.items() if key == body.get("appRoleId")), "")
    app = next((each for each in world.PRINCIPALS if each.id == body.get("principalId")), None)
    if body.get("resourceId") != call.id or not role or app is None or app.kind != "servicePrincipal":
        raise bad_request("Permission being assigned was not found on application.", "Request_BadRequest")
    assignment = app_role_assignment(app, role, at=instant())
    if any(each["id"] == assignment["id"] for each in call.directory.app_roles):
        raise bad_request("Permission being assigned already exists on the object.", "Request_BadRequest")
    call.directory.app_roles.append(assignment)
    log_app_role(call, assignment, role, given=True)
    return json_answer(assignment, status=HTTPStatus.CREATED)


async def _list_held(call: Call) -> web.Response:
    if call.id not in RESOURCES:
        principal_in(call, "servicePrincipal")
    held = [each for each in call.directory.app_roles if each["principalId"] == call.id]
    return list_page(call, held, size=_PAGE, context="appRoleAssignments")


async def _take(call: Call) -> web.Response:
    part = call.request.match_info["part"]
    held = (each for each in call.directory.app_roles if (each["resourceId"], each["id"]) == (call.id, part))
    assignment = next(held, None)
    if assignment is None:
        raise not_found(f"Resource '{part}' does not exist.", "Request_ResourceNotFound")
    call.directory.app_roles.remove(assignment)
    role = next(name for name, key in APP_ROLES.items() if key == assignment["appRoleId"])
    log_app_role(call, assignment, role, given=False)
    return web.Response(status=HTTPStatus.NO_CONTENT)


OPERATIONS = (
    Operation(method="GET", path=APP_ROLE_HOLDERS, handle=_list_holders),
    Operation(method="POST", path=APP_ROLE_HOLDERS, handle=_grant),
    Operation(method="GET", path=APP_ROLES_HELD, handle=_list_held),
    Operation(method="DELETE", path=f"{APP_ROLE_HOLDERS}/{{part}}", handle=_take),
)
