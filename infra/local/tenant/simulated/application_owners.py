"""Owners of registrations and of service principals: people, or service principals.

An ownership is kept by our id of it: the collection, what is owned, and the owner.
"""

from functools import partial
from typing import Final

from infra.local import world
from infra.local.tenant.simulated import applications, service_principals
from infra.local.tenant.simulated_credentials import MISSING, change
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
from infra.local.tenant.simulated_owners import owners_of
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_READ: Final[Alternatives] = (
    frozenset({"Application.Read.All"}),
    frozenset({"Application.ReadWrite.All"}),
    frozenset({"Directory.Read.All"}),
)
_WRITE: Final[Alternatives] = (frozenset({"Application.ReadWrite.All"}),)
_KINDS: Final = {
    "applications": ObjectKind.APPLICATION,
    "servicePrincipals": ObjectKind.SERVICE_PRINCIPAL,
}


def _object_id(within: str, owned: str, owner: str) -> str:
    return f"{within}/{owned}/{owner}".lower()


def _ownership(within: str, owned: str, owner: str) -> Json:
    return {"id": _object_id(within, owned, owner), "ownedId": owned, "principalId": owner}


def _list(within: str, asked: Asked) -> Reply:
    owned = asked.ids["id"].lower()
    if asked.of(_KINDS[within]).seen(owned) is None:
        raise Refusal(404, MISSING, f"Resource '{owned}' does not exist.")
    return Reply(values=owners_of(asked.shelf, within, owned))


def _add(within: str, asked: Asked) -> Reply:
    owned, owner = asked.ids["id"].lower(), str(asked.body.get("@odata.id")).rpartition("/")[2].lower()
    object_id = _object_id(within, owned, owner)
    if asked.of(_KINDS[within]).current(owned) is None:
        raise Refusal(404, MISSING, f"Resource '{owned}' does not exist.")
    if asked.shelf.current(object_id) is not None:
        message = "One or more added object references already exist for the following modified properties: 'owners'."
        raise Refusal(400, "Request_BadRequest", message)
    asked.shelf.put(object_id, _ownership(within, owned, owner))
    return NOTHING


def _remove(within: str, asked: Asked) -> Reply:
    object_id = _object_id(within, asked.ids["id"], asked.ids["part"])
    asked.standing(object_id, code=MISSING)
    asked.shelf.put(object_id, None)
    return NOTHING


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    within, owned, owner = object_id.split("/")
    is_registration = within == "applications"
    what, kind = ("application", "Application") if is_registration else ("service principal", "ServicePrincipal")
    named = change(f"{kind}.ObjectID", owned if before else None, owned if after else None)
    activity, operation = (f"Add owner to {what}", "Assign") if after else (f"Remove owner from {what}", "Unassign")
    target: Json = {"id": owner, "displayName": None, "type": "User", "modifiedProperties": [named]}
    return Logged(
        activity=activity,
        category="ApplicationManagement",
        operation=operation,
        targets=[target, {"id": owned, "displayName": None, "type": kind, "modifiedProperties": []}],
    )


def _routes(within: str) -> tuple[Route, ...]:
    path = f"/{within}/{{id}}/owners"
    return (
        Route(method="GET", path=path, needs=_READ, answer=partial(_list, within)),
        Route(method="POST", path=f"{path}/$ref", needs=_WRITE, answer=partial(_add, within)),
        Route(method="DELETE", path=f"{path}/{{part}}/$ref", needs=_WRITE, answer=partial(_remove, within)),
    )


def _sample(within: str, owned: str, owner: str, *, is_there: bool = True) -> Sample:
    ownership = _ownership(within, owned, owner)
    return Sample(object_id=ownership["id"], image=ownership, is_there=is_there, holder=owner)


_APPLICATION: Final = applications.SIMULATED.samples[0].image
_SERVICE: Final = service_principals.SIMULATED.samples[0].image

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.APPLICATION_OWNER,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(*_routes("applications"), *_routes("servicePrincipals")),
    logged=_logged,
    samples=(
        _sample("servicePrincipals", _SERVICE["id"], world.ALICE.id),
        _sample("applications", _APPLICATION["id"], world.MALLORY.id, is_there=False),
        _sample("servicePrincipals", _SERVICE["id"], world.TRUDY.id, is_there=False),
    ),
    beside={ObjectKind.APPLICATION: (_APPLICATION,), ObjectKind.SERVICE_PRINCIPAL: (_SERVICE,)},
    detected=frozenset({"create"}),
    is_made_again=False,
    tells_values=True,
)
