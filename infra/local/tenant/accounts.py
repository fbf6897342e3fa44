"""What is taken from a user's account, and given back: whether it is enabled, its sessions, how its risk is rated."""

from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.bodies import as_object, json_answer
from infra.local.tenant.graph import Call, Operation
from infra.local.tenant.instants import instant
from infra.local.tenant.people import log_change, person_target, principal_in
from infra.local.world import PRINCIPALS_BY_ID, Json

RISKY_USERS: Final = "/identityProtection/riskyUsers"
_CATEGORY: Final = "UserManagement"


async def _update_user(call: Call) -> web.Response:
    principal = principal_in(call, "user")
    body = as_object(await call.json()) or {}
    if body.keys() != {"accountEnabled"} or not isinstance(body["accountEnabled"], bool):
        raise bad_request("Only accountEnabled can be changed here.", "Request_BadRequest")
    disabled = call.settings.disabled_accounts
    was, enabled = principal.id not in disabled, body["accountEnabled"]
    call.settings.disabled_accounts = [each for each in disabled if each != principal.id]
    if not enabled:
        call.settings.disabled_accounts.append(principal.id)
    change = {
        "displayName": "AccountEnabled",
        "oldValue": f"[{str(was).lower()}]",
        "newValue": f"[{str(enabled).lower()}]",
    }
    target = person_target(principal.id) | {"modifiedProperties": [change]}
    log_change(call, "Enable account" if enabled else "Disable account", _CATEGORY, target, operation="Update")
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _revoke_sessions(call: Call) -> web.Response:
    principal = principal_in(call, "user")
    call.settings.sessions_valid_from[principal.id] = instant()
    unchanged: Json = {"modifiedProperties": []}
    target = person_target(principal.id) | unchanged
    log_change(call, "Update StsRefreshTokenValidFrom Timestamp", _CATEGORY, target, operation="Update")
    return json_answer({"@odata.context": call.context("Edm.Boolean"), "value": True})


async def _risky_user(call: Call) -> web.Response:
    state = call.settings.risky_users.get(call.id.lower())
    if state is None:
        raise not_found(f"Resource '{call.id}' does not exist.", "UnknownError")
    return json_answer({"@odata.context": call.context("riskyUsers/$entity"), "id": call.id, "riskState": state})


async def _rate(state: str, call: Call) -> web.Response:
    asked: list[object] = (as_object(await call.json()) or {}).get("userIds") or []
    ids = [each for each in map(str, asked) if each in PRINCIPALS_BY_ID]
    if not ids or len(ids) != len(asked):
        raise bad_request("userIds should be ids of users.", "BadRequest")
    call.settings.risky_users |= dict.fromkeys(ids, state)
    return web.Response(status=HTTPStatus.NO_CONTENT)


OPERATIONS = (
    Operation(method="PATCH", path="/users/{id}", handle=_update_user),
    Operation(method="POST", path="/users/{id}/revokeSignInSessions", handle=_revoke_sessions),
    Operation(method="GET", path=f"{RISKY_USERS}/{{id}}", handle=_risky_user, throttle="conditionalAccess"),
    *(
        Operation(
            method="POST",
            path=f"{RISKY_USERS}/{action}",
            handle=partial(_rate, state),
            throttle="conditionalAccess",
        )
        for action, state in (("confirmCompromised", "confirmedCompromised"), ("dismiss", "dismissed"))
    ),
)
