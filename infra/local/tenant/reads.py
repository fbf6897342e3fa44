"""Graph reads of things that nobody changes here: the audit log, users, service principals, the organization."""

from http import HTTPStatus

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import ApiError, not_found
from infra.local.tenant.audit_query import parse_audit_query
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.odata import selected
from infra.local.tenant.permissions import AUDITS
from infra.local.world import Json, Principal, PrincipalKind


async def _audits(call: Call) -> web.Response:
    query = parse_audit_query(call.request.query)
    records, skiptoken = call.directory.audit.page(query)
    body: Json = {"@odata.context": call.context("auditLogs/directoryAudits"), "value": records}
    if skiptoken is not None:
        body["@odata.nextLink"] = str(call.request.url.update_query({"$skiptoken": skiptoken}))
    return web.json_response(body)


async def _audit(call: Call) -> web.Response:
    record = call.directory.audit.find(call.id)
    if record is None:
        raise not_found(f"Resource '{call.id}' does not exist.", "UnknownError")
    return web.json_response({"@odata.context": call.context("auditLogs/directoryAudits/$entity")} | record)


def _principal(call: Call, kind: PrincipalKind) -> Principal:
    for principal in world.PRINCIPALS:
        named = call.id in {principal.id, principal.upn}
        if named and principal.kind == kind and principal.tenant == call.directory.tenant:
            return principal
    raise _no_such_object(call)


def _no_such_object(call: Call) -> ApiError:
    message = f"Resource '{call.id}' does not exist or one of its queried reference-property objects are not present."
    return ApiError(HTTPStatus.NOT_FOUND, "Request_ResourceNotFound", message)


_SHOWN_UNASKED = (
    "id",
    "displayName",
    "givenName",
    "surname",
    "userPrincipalName",
    "mail",
    "jobTitle",
)
"""Graph gives a user's other properties only to who names them in `$select`."""


async def _user(call: Call) -> web.Response:
    principal = _principal(call, "user")
    if principal.id in call.settings.deleted_accounts:
        raise _no_such_object(call)
    user: Json = {
        "id": principal.id,
        "displayName": principal.name,
        "givenName": principal.name.split(" ", 1)[0],
        "surname": principal.name.rsplit(" ", 1)[-1],
        "userPrincipalName": principal.upn,
        "mail": principal.upn,
        "jobTitle": None,
        "accountEnabled": principal.id not in call.settings.disabled_accounts,
        "userType": "Member",
        "onPremisesSyncEnabled": None,
        "createdDateTime": world.SEEDED_AT,
    }
    shown = selected(call, user) if "$select" in call.request.query else {name: user[name] for name in _SHOWN_UNASKED}
    return web.json_response({"@odata.context": call.context("users/$entity")} | shown)


async def _service_principal(call: Call) -> web.Response:
    principal = _principal(call, "servicePrincipal")
    managed = principal is world.RESPONDER
    service_principal: Json = {
        "id": principal.id,
        "appId": principal.client_id,
        "displayName": principal.name,
        "appDisplayName": None if managed else principal.name,
        "servicePrincipalType": "ManagedIdentity" if managed else "Application",
        "accountEnabled": True,
        "appOwnerOrganizationId": None if managed else principal.tenant,
        "servicePrincipalNames": [principal.client_id],
        "createdDateTime": world.SEEDED_AT,
    }
    context = {"@odata.context": call.context("servicePrincipals/$entity")}
    return web.json_response(context | selected(call, service_principal))


async def _organization(call: Call) -> web.Response:
    directory = call.directory
    organization: Json = {
        "id": directory.tenant,
        "displayName": world.TENANT_NAMES[directory.tenant],
        "tenantType": "AAD B2C" if directory.is_b2c else "AAD",
        "createdDateTime": world.SEEDED_AT,
        "verifiedDomains": [
            {"name": directory.domain, "isDefault": True, "isInitial": True, "type": "Managed", "capabilities": "Email"}
        ],
    }
    context = call.context("organization")
    return web.json_response({"@odata.context": context, "value": [selected(call, organization)]})


OPERATIONS = (
    Operation(method="GET", path=AUDITS, handle=_audits, throttle="audit"),
    Operation(method="GET", path=f"{AUDITS}/{{id}}", handle=_audit, throttle="audit"),
    Operation(method="GET", path="/users/{id}", handle=_user),
    Operation(method="GET", path="/servicePrincipals/{id}", handle=_service_principal),
    Operation(method="GET", path="/organization", handle=_organization),
)
