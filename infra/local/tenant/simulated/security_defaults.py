"""Security defaults: the one switch by which Microsoft asks everybody for a second factor.

The real service doesn't let it be switched on beside conditional access policies that are enabled; here it does.
"""

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
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_ID: Final = "00000000-0000-0000-0000-000000000005"
_PATH: Final = "/policies/identitySecurityDefaultsEnforcementPolicy"
_READ: Final[Alternatives] = (frozenset({"Policy.Read.All"}),)
_WRITE: Final[Alternatives] = (
    frozenset({"Policy.Read.All", "Policy.ReadWrite.SecurityDefaults"}),
    frozenset({"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"}),
)


def _get(asked: Asked) -> Reply:
    return Reply(body=asked.shown(_ID))


def _update(asked: Asked) -> Reply:
    if asked.body.keys() != {"isEnabled"} or not isinstance(asked.body["isEnabled"], bool):
        raise Refusal(400, "Request_BadRequest", "Only isEnabled can be updated.")
    asked.shelf.put(_ID, asked.standing(_ID) | asked.body)
    return NOTHING


def _logged(_object_id: str, _before: Json | None, _after: Json | None) -> Logged:
    return Logged(
        activity="Update security defaults",
        category="Policy",
        operation="Update",
        service="Conditional Access",
        targets=[{"id": None, "displayName": "Security Defaults", "type": "Policy", "modifiedProperties": []}],
    )


SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.SECURITY_DEFAULTS,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(method="GET", path=_PATH, needs=_READ, answer=_get),
        Route(method="PATCH", path=_PATH, needs=_WRITE, answer=_update),
    ),
    logged=_logged,
    samples=(Sample(object_id=_ID, image={"id": _ID, "displayName": "Security Defaults", "isEnabled": True}),),
    detected=frozenset({"update"}),
    is_made_again=False,
    is_deleted=False,
    is_always_there=True,
    edits=({"isEnabled": False}, {"isEnabled": True}),
)
