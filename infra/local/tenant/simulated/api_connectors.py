"""API connectors of Azure AD B2C. Whoever reads them sees how they sign in, without any secret."""

from typing import Final

from infra.local.tenant.simulated_kind import (
    NOTHING,
    Alternatives,
    Asked,
    Logged,
    Refusal,
    Reply,
    Route,
    Sample,
    SimulatedKind,
    remove_one,
    show_all,
    show_one,
    verb_of,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_PATH: Final = "/identity/apiConnectors"
_ONE: Final = f"{_PATH}/{{id}}"
_NEEDS: Final[Alternatives] = (frozenset({"APIConnectors.ReadWrite.All"}),)
_SIGN_IN: Final = "authenticationConfiguration"
_UPDATABLE: Final = frozenset({"displayName", "targetUrl", _SIGN_IN})
_BASIC: Final = "#microsoft.graph.basicAuthentication"


def _update(asked: Asked) -> Reply:
    connector, body = asked.standing(asked.ids["id"]), asked.body
    if unknown := body.keys() - _UPDATABLE:
        raise Refusal(400, "BadRequest", f"Property '{min(unknown)}' can't be updated.")
    if _SIGN_IN in body:
        if "password" not in (body[_SIGN_IN] or {}):
            raise Refusal(400, "BadRequest", "The password of the authentication configuration is missing.")
        body = {**body, _SIGN_IN: {name: value for name, value in body[_SIGN_IN].items() if name != "password"}}
    asked.shelf.put(asked.ids["id"].lower(), connector | body)
    return NOTHING


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    verb = verb_of(before, after)
    name = (after or before or {"displayName": object_id})["displayName"]
    return Logged(
        activity=f"{verb} API connector",
        category="ResourceManagement",
        operation=verb,
        service="B2C",
        targets=[{"id": object_id, "displayName": name, "type": "Other", "modifiedProperties": []}],
    )


def _connector(object_id: str, name: str) -> Json:
    return {
        "id": object_id,
        "displayName": name,
        "targetUrl": "https://customers.contoso.example/Check",
        _SIGN_IN: {"@odata.type": _BASIC, "username": "b2c"},
    }


_FIRST: Final = "a91c0001-52d7-4e0b-9f38-6b1d7c4e2a85"
_OTHER: Final = "a91c0002-7e4f-4c19-8d60-3f5a9b2c1e74"

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.API_CONNECTOR,
    tenant_kind=TenantKind.B2C,
    routes=(
        Route(method="GET", path=_PATH, needs=_NEEDS, answer=show_all),
        Route(method="GET", path=_ONE, needs=_NEEDS, answer=show_one),
        Route(method="PATCH", path=_ONE, needs=_NEEDS, answer=_update),
        Route(method="DELETE", path=_ONE, needs=_NEEDS, answer=remove_one),
    ),
    logged=_logged,
    samples=(
        Sample(object_id=_FIRST, image=_connector(_FIRST, "CheckCustomerNumber")),
        Sample(object_id=_OTHER, image=_connector(_OTHER, "Enrich"), is_there=False),
    ),
    detected=frozenset({"create", "update", "delete"}),
    is_made_again=False,
    edits=({"targetUrl": "https://evil.example/check"}, {"displayName": "Check"}),
    edits_to_page=({f"{_SIGN_IN}.username": "mallory"},),
)
