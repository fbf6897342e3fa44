"""A group that roles can be given to, with its members and owners. The tenant over HTTP serves groups by itself.

Of each member or owner who comes or goes there is a request and a record of its own.
"""

from typing import Final

from infra.local import world
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
from infra.local.tenant.simulated_members import (
    MISSING,
    add_reference,
    list_references,
    referenced,
    remove_reference,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

_ONE: Final = "/groups/{id}"
_MEMBERS: Final = "members"
_MEMBER: Final = f"{_ONE}/members/{{part}}/$ref"
_OWNER: Final = f"{_ONE}/owners/{{part}}/$ref"
_OWNERS: Final = "owners"
_LAST: Final = "The group must have at least one owner, hence it can't go."
_READ: Final[Alternatives] = (frozenset({"GroupMember.Read.All"}), frozenset({"Group.Read.All"}))
_WRITE_MEMBERS: Final[Alternatives] = (frozenset({"GroupMember.ReadWrite.All", "RoleManagement.ReadWrite.Directory"}),)
_WRITE: Final[Alternatives] = (frozenset({"Group.ReadWrite.All"}),)


def _get(asked: Asked) -> Reply:
    shown = asked.shown(asked.ids["id"], code=MISSING)
    return Reply(body={name: value for name, value in shown.items() if name not in {_MEMBERS, _OWNERS}})


def _above(asked: Asked) -> Reply:
    asked.shown(asked.ids["id"], code=MISSING)
    return Reply(values=[])


def _update(asked: Asked) -> Reply:
    group = asked.standing(asked.ids["id"], code=MISSING)
    if asked.body.keys() != {"membershipRule"} or "DynamicMembership" not in group["groupTypes"]:
        raise Refusal(400, "Request_BadRequest", "Invalid value specified for property 'membershipRule'.")
    asked.shelf.put(asked.ids["id"].lower(), group | asked.body)
    return NOTHING


# What the log says.


def _logged(object_id: str, before: Json | None, after: Json | None) -> Logged:
    """Tell of who came or went: nobody changes more in one request."""
    old, new = before or {}, after or {}
    which = _MEMBERS if old.get(_MEMBERS) != new.get(_MEMBERS) else _OWNERS
    was, now = (sorted(group.get(which, [])) for group in (old, new))
    changed = sorted(set(was) ^ set(now))
    verb, place = ("Add", "to") if len(now) > len(was) else ("Remove", "from")
    name = str((after or before or {}).get("displayName"))
    said = {"Group.ObjectID": object_id, "Group.DisplayName": name}
    people = referenced({*changed}, said, is_added=verb == "Add")
    group: Json = {"id": object_id, "displayName": None, "type": "Group", "groupType": "azureAD"}
    return Logged(
        activity=f"{verb} {which.removesuffix('s')} {place} group",
        category="GroupManagement",
        operation="Assign" if verb == "Add" else "Unassign",
        targets=[*people, group | {"modifiedProperties": []}],
    )


_OPERATORS: Final[Json] = {
    "id": "64010000-5c2f-4d8e-97a1-b3e60f4d7c28",
    "displayName": "Directory operators",
    "isAssignableToRole": True,
    "groupTypes": [],
    "membershipRule": None,
    "onPremisesSyncEnabled": None,
    "visibility": "Private",
    "createdDateTime": "2026-01-12T08:00:00Z",
    _MEMBERS: [world.ALICE.id, world.TRUDY.id],
    _OWNERS: [world.ALICE.id],
}
_STRANGER: Final = "9d4e7b10-3f6a-4c85-b2d9-08e1f5a7c643"

SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.GUARDED_GROUP,
    tenant_kind=TenantKind.WORKFORCE,
    routes=(
        Route(method="GET", path=_ONE, needs=_READ, answer=_get),
        Route(method="PATCH", path=_ONE, needs=_WRITE, answer=_update),
        Route(method="GET", path=f"{_ONE}/members", needs=_READ, answer=list_references(_MEMBERS)),
        Route(method="GET", path=f"{_ONE}/owners", needs=_READ, answer=list_references(_OWNERS)),
        Route(method="GET", path=f"{_ONE}/transitiveMemberOf", needs=_READ, answer=_above),
        Route(method="POST", path=f"{_ONE}/members/$ref", needs=_WRITE_MEMBERS, answer=add_reference(_MEMBERS)),
        Route(
            method="DELETE",
            path=_MEMBER,
            needs=_WRITE_MEMBERS,
            answer=remove_reference(_MEMBERS),
        ),
        Route(
            method="DELETE",
            path=_OWNER,
            needs=_WRITE,
            answer=remove_reference(_OWNERS, last=_LAST),
        ),
    ),
    logged=_logged,
    samples=(Sample(object_id=_OPERATORS["id"], image=_OPERATORS),),
    detected=frozenset({"update"}),
    is_made_again=False,
    is_deleted=False,
    is_always_there=True,
    edits=({f"{_MEMBERS}[{_STRANGER}]": True}, {f"{_OWNERS}[{_STRANGER}]": True}),
    edits_to_page=({f"{_MEMBERS}[{world.TRUDY.id}]": None},),
    tells_values=True,
    has_routes_of_its_own=True,
)
