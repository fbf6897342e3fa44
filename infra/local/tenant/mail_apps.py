"""Registrations and service principals of applications, and which of them were given app roles."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.app_roles import APP_ROLES, RESOURCES, app_role_assignment, roles_of
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.odata import list_page
from infra.local.tenant.people import log_app_role, principal_in
from infra.local.tenant.permissions import APP_ROLE_HOLDERS, APP_ROLES_HELD, APPLICATIONS, SERVICE_PRINCIPALS
from infra.local.world import Json

_PAGE: Final = 100
MICROSOFT: Final = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant of Microsoft's own services, whose registrations they are."""


def owner_of(principal: world.Principal) -> str:
    """Give the tenant that an application is registered in."""
    return MICROSOFT if principal.id == world.MS_PIM.id else principal.tenant


def _shown(service_principal: str) -> Json:
    app_id, name = RESOURCES[service_principal]
    return {
        "id": service_principal,
        "appId": app_id,
        "displayName": name,
        "servicePrincipalType": "Application",
        "appOwnerOrganizationId": MICROSOFT,
        "appRoles": [
            {"id": APP_ROLES[role], "value": role, "isEnabled": True, "allowedMemberTypes": ["Application"]}
            for role in roles_of(service_principal)
        ],
    }


async def _list_service_principals(call: Call) -> web.Response:
    shown = [_shown(each) for each in RESOURCES]
    shown += [
        {
            "id": each.id,
            "appId": each.client_id,
            "displayName": each.name,
            "appOwnerOrganizationId": owner_of(each),
            "appRoles": [],
        }
        for each in world.PRINCIPALS
        if each.kind == "servicePrincipal" and each.tenant == call.directory.tenant
    ]
    return list_page(call, shown, size=_PAGE, context="servicePrincipals", filters=("appId", "displayName"))


async def _list_applications(call: Call) -> web.Response:
    """Show the registration of each application of the tenant; none sends people anywhere."""
    nowhere: Json = {"redirectUris": []}
    shown = [
        {
            "id": each.id,
            "appId": each.client_id,
            "displayName": each.name,
            "web": {**nowhere, "logoutUrl": None},
            "spa": nowhere,
            "publicClient": nowhere,
        }
        for each in world.PRINCIPALS
        if each.kind == "servicePrincipal" and each.tenant == call.directory.tenant
    ]
    return list_page(call, shown, size=_PAGE, context="applications", filters=("appId", "displayName"))


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
    Operation(method="GET", path=SERVICE_PRINCIPALS, handle=_list_service_principals),
    Operation(method="GET", path=APPLICATIONS, handle=_list_applications),
    Operation(method="GET", path=APP_ROLE_HOLDERS, handle=_list_holders),
    Operation(method="POST", path=APP_ROLE_HOLDERS, handle=_grant),
    Operation(method="GET", path=APP_ROLES_HELD, handle=_list_held),
    Operation(method="DELETE", path=f"{APP_ROLE_HOLDERS}/{{part}}", handle=_take),
)
