"""User flows of Azure AD B2C, which Graph has in beta alone.

Graph has a flow's type, version, language, identity providers and API connectors. It has neither multifactor
authentication nor lifetimes of tokens nor pages.
"""

from typing import Final

from infra.local.tenant.simulated_kind import (
    BETA,
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

_PATH: Final = "/identity/b2cUserFlows"
_ONE: Final = f"{_PATH}/{{id}}"
_READ: Final[Alternatives] = (frozenset({"IdentityUserFlow.Read.All"}), frozenset({"IdentityUserFlow.ReadWrite.All"}))
_WRITE: Final[Alternatives] = (frozenset({"IdentityUserFlow.ReadWrite.All"}),)
_TYPES: Final = frozenset({"signUp", "signIn", "signUpOrSignIn", "passwordReset", "profileUpdate"})
_PREFIX: Final = "B2C_1_"


def _create(asked: Asked) -> Reply:
    body: Json = asked.body
    if body.get("userFlowType") not in _TYPES or not body.get("id") or "userFlowTypeVersion" not in body:
        raise Refusal(400, "AADB2C", "The user flow's type isn't known.")
    name = str(body["id"])
    name = name if name.startswith(_PREFIX) else f"{_PREFIX}{name}"
    if asked.shelf.current(name.lower()) is not None:
        raise Refusal(409, "AADB2C90077", f"A user flow with id '{name}' already exists.")
    flow: Json = {"isLanguageCustomizationEnabled": False, "defaultLanguageTag": None} | body | {"id": name}
    asked.shelf.put(name.lower(), flow)
    return Reply(status=201, body=flow)


def _update(asked: Asked) -> Reply:
    flow = asked.standing(asked.ids["id"])
    if unknown := asked.body.keys() - {"isLanguageCustomizationEnabled", "defaultLanguageTag"}:
        raise Refusal(400, "Request_BadRequest", f"Property '{min(unknown)}' can't be updated.")
    asked.shelf.put(asked.ids["id"].lower(), flow | asked.body)
    return NOTHING


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    verb = verb_of(before, after)
    name = (after or before or {"id": object_id})["id"]
    return Logged(
        activity=f"{verb} user flow",
        category="ResourceManagement",
        operation=verb,
        service="B2C",
        targets=[{"id": name, "displayName": name, "type": "Other", "modifiedProperties": []}],
        details=[{"key": "PolicyId", "value": name}],
    )


def _flow(name: str, **more: object) -> Json:
    flow: Json = {"id": f"{_PREFIX}{name}", "userFlowType": "signUpOrSignIn", "userFlowTypeVersion": 3}
    return flow | {"isLanguageCustomizationEnabled": False, "defaultLanguageTag": None} | more


SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.USER_FLOW,
    tenant_kind=TenantKind.B2C,
    routes=(
        Route(method="GET", path=_PATH, needs=_READ, answer=show_all, versions=BETA),
        Route(method="GET", path=_ONE, needs=_READ, answer=show_one, versions=BETA),
        Route(method="POST", path=_PATH, needs=_WRITE, answer=_create, versions=BETA),
        Route(method="PATCH", path=_ONE, needs=_WRITE, answer=_update, versions=BETA),
        Route(method="DELETE", path=_ONE, needs=_WRITE, answer=remove_one, versions=BETA),
    ),
    logged=_logged,
    samples=(
        Sample(object_id="b2c_1_signin", image=_flow("SignIn")),
        Sample(object_id="b2c_1_other", image=_flow("Other"), is_there=False),
    ),
    detected=frozenset({"create", "update", "delete"}),
    is_made_again=False,
    edits=({"isLanguageCustomizationEnabled": True}, {"defaultLanguageTag": "ko"}),
)
