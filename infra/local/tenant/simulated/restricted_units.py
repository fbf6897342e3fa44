"""Administrative units, and who is in a restricted one. Each member comes and goes by a request of its own."""

from typing import Final

from infra.local import world
from infra.local.tenant.simulated_kind import (
    Alternatives,
    Asked,
    Logged,
    Reply,
    Route,
    Sample,
    SimulatedKind,
    remove_one,
)
from infra.local.tenant.simulated_members import (
    MISSING,
    add_reference,
    list_references,
    referenced,
    remove_reference,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_PATH: Final = "/directory/administrativeUnits"
_ONE: Final = f"{_PATH}/{{id}}"
_MEMBERS: Final = "members"
_RESTRICTED: Final = "isMemberManagementRestricted"
_READ: Final[Alternatives] = tuple(
    frozenset({each})
    for each in ("AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All")
)
_WRITE: Final[Alternatives] = (frozenset({"AdministrativeUnit.ReadWrite.All"}),)


def _printed(unit: Json) -> Json:
    return {name: value for name, value in unit.items() if name != _MEMBERS}


def _list(asked: Asked) -> Reply:
    return Reply(values=[_printed(each) for each in asked.shelf.listed().values()])


def _get(asked: Asked) -> Reply:
    return Reply(body=_printed(asked.shown(asked.ids["id"], code=MISSING)))


# What the log says.


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    name = str((after or before or {}).get("displayName"))
    unit: Json = {"id": object_id, "displayName": name, "type": "AdministrativeUnit", "modifiedProperties": []}
    if before is None or after is None:
        return _made_or_deleted(unit, is_made=after is not None)
    was, now = set(before[_MEMBERS]), set(after[_MEMBERS])
    verb, place = ("Add", "to") if now - was else ("Remove", "from")
    said = {"AdministrativeUnit.ObjectID": object_id, "AdministrativeUnit.DisplayName": name}
    return Logged(
        activity=f"{verb} member {place} restricted management administrative unit",
        category="AdministrativeUnit",
        operation="Assign" if verb == "Add" else "Unassign",
        targets=[*referenced(was ^ now, said, is_added=verb == "Add"), unit],
    )


def _made_or_deleted(unit: Json, *, is_made: bool) -> Logged:
    restricted: Json = {"displayName": "IsMemberManagementRestricted", "oldValue": "[]", "newValue": "[true]"}
    return Logged(
        activity="Add administrative unit" if is_made else "Delete administrative unit",
        category="AdministrativeUnit",
        operation="Add" if is_made else "Delete",
        targets=[unit | {"modifiedProperties": [restricted] if is_made else []}],
    )


def _unit(object_id: str, name: str, *members: str, is_restricted: bool = True) -> Json:
    unit: Json = {"id": object_id, "displayName": name, _RESTRICTED: is_restricted, "visibility": None}
    return unit | {_MEMBERS: [*members]}


_DIRECTORS: Final = _unit("a7100000-2b6d-4f81-93c4-5e0d8a7f1b62", "Directors", world.ALICE.id, world.CAROL.id)
_HIDDEN: Final = _unit("a7100000-8c3e-4d17-b5a9-f46210e7d39b", "Service accounts")
_STRANGER: Final = "5b0f2e86-d417-4c3a-9e68-71a3c0d5f924"

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.RESTRICTED_UNIT,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(method="GET", path=_PATH, needs=_READ, answer=_list),
        Route(method="GET", path=_ONE, needs=_READ, answer=_get),
        Route(method="DELETE", path=_ONE, needs=_WRITE, answer=remove_one),
        Route(method="GET", path=f"{_ONE}/members", needs=_READ, answer=list_references(_MEMBERS)),
        Route(method="POST", path=f"{_ONE}/members/$ref", needs=_WRITE, answer=add_reference(_MEMBERS)),
        Route(method="DELETE", path=f"{_ONE}/members/{{part}}/$ref", needs=_WRITE, answer=remove_reference(_MEMBERS)),
    ),
    logged=_logged,
    samples=(
        Sample(object_id=_DIRECTORS["id"], image=_DIRECTORS),
        Sample(object_id=_HIDDEN["id"], image=_HIDDEN, is_there=False),
    ),
    detected=frozenset({"create", "update", "delete"}),
    is_made_again=False,
    edits=({f"{_MEMBERS}[{_STRANGER}]": True}, {f"{_MEMBERS}[{world.CAROL.id}]": None}),
    tells_values=True,
)
