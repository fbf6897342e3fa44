"""Restricted management administrative units: who is in one is out of reach of administrators of the whole tenant.

Permissions of applications don't reach into one either (Microsoft's page on them). Attackers put a second account
there, and nobody can disable or reset it until it is taken out. So whoever somebody unapproved put in is taken out, who
was taken out is put in again, and a unit that somebody unapproved made is deleted. A deleted unit isn't made again: the
roles over it would be missing, which the page says.

A unit is guarded as long as it is restricted, which can't be changed after it was made. Emergency accounts and
protected principals are neither taken out nor put in: units are a good place for them.

`AdministrativeUnit.ReadWrite.All` is what Microsoft's page asks of an application. Older pages ask for the role
Privileged Role Administrator besides: where that is refused, people get the command.
"""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from responders.kinds.az_rest import GRAPH, az_rest, restoring
from responders.kinds.given_rights import recorded_op, value_in
from responders.kinds.json_leaves import GUID, member
from responders.kinds.member_references import add, reference
from shared.model.calls import Call, Permission, Service
from shared.model.errors import DoneAlready, Refused, Rejected
from shared.model.events import AuditEvent, Event, Log, Target, fold
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Objection, Op, Recorded, Step, list_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_UNITS: Final = "/directory/administrativeUnits"
_ONE: Final = f"{_UNITS}/{{id}}"


def _call(method: str, path: str, needs: Permission) -> Call:
    return Call(method=method, service=Service.GRAPH, path=path, needs=(needs,), repeatable=method != "POST")


LIST_UNITS: Final = _call("GET", _UNITS, Permission.DIRECTORY_READ)
GET_UNIT: Final = _call("GET", _ONE, Permission.DIRECTORY_READ)
LIST_UNIT_MEMBERS: Final = _call("GET", f"{_ONE}/members", Permission.DIRECTORY_READ)
DELETE_UNIT: Final = _call("DELETE", _ONE, Permission.UNIT_WRITE)
ADD_UNIT_MEMBER: Final = _call("POST", f"{_ONE}/members/$ref", Permission.UNIT_WRITE)
REMOVE_UNIT_MEMBER: Final = _call("DELETE", f"{_ONE}/members/{{member}}/$ref", Permission.UNIT_WRITE)
"""Without `/$ref` it would delete the account."""

MEMBERS: Final = "members"
_RESTRICTED: Final = "isMemberManagementRestricted"
_READ: Final = {"$select": f"id,displayName,{_RESTRICTED},visibility"}
_ID: Final = {"$select": "id"}
_HIDDEN: Final = "HiddenMembership"

_ADDED: Final = "add member to restricted management administrative unit"
_REMOVED: Final = "remove member from restricted management administrative unit"
_MADE: Final = "add administrative unit"
_ACTIVITIES: Final[Mapping[str, Op]] = {
    _ADDED: Op.UPDATE,
    _REMOVED: Op.UPDATE,
    _MADE: Op.CREATE,
    "delete administrative unit": Op.DELETE,
}
_UNIT_IN_LOG: Final = "administrativeunit.objectid"
_RESTRICTED_IN_LOG: Final = "ismembermanagementrestricted"

_RULES: Final = LeafRules(
    same=lambda _leaf, one, other: (one is None) is (other is None), is_joint=lambda leaf: leaf == EXISTS
)


def id_of(unit: Image) -> str:
    """Give a unit's id in lower case."""
    return str(unit["id"]).lower()


def _name_of(unit: Image) -> str:
    return str(unit.get("displayName") or unit["id"])


def _members(unit: Image) -> list[str]:
    return [str(each).lower() for each in cast("list[object]", unit.get(MEMBERS) or [])]


def leaves(unit: Image) -> dict[str, Json]:
    """Split a unit into its members."""
    found: dict[str, Json] = {EXISTS: True}
    return found | {member(MEMBERS, each): each for each in _members(unit)}


# What records say.


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say who came into a unit or left it, or that a restricted one was made; a deletion doesn't say if it was one."""
    op = recorded_op(event, _ACTIVITIES)
    if op is None or not isinstance(event, AuditEvent):
        return ()
    unit, people = _parts_of(event)
    if GUID.fullmatch(unit.id) is None or (fold(event.activity) == _MADE and not _is_restricted(unit)):
        return ()
    if op is not Op.UPDATE:
        there: dict[str, Step] = {EXISTS: (None, True) if op is Op.CREATE else (True, None)}
        return (_record(unit, op, there, is_whole=op is Op.CREATE),)
    known = [each.id.lower() for each in people if GUID.fullmatch(each.id)]
    wrote = {member(MEMBERS, each): _step(each, event) for each in known}
    return (_record(unit, op, wrote, is_whole=bool(known) and len(known) == len(people)),)


def _record(unit: Target, op: Op, wrote: dict[str, Step], *, is_whole: bool) -> Recorded:
    return Recorded(object_id=unit.id.lower(), name=unit.name or unit.id, op=op, wrote=wrote, is_whole=is_whole)


def _step(identity: str, event: AuditEvent) -> Step:
    return (None, identity) if fold(event.activity) == _ADDED else (identity, None)


def _parts_of(event: AuditEvent) -> tuple[Target, list[Target]]:
    """Give the unit of a record, and its other targets: it is a target by itself, or named by a property of them."""
    units = [each for each in event.targets if fold(each.kind) == "administrativeunit"]
    named = next(filter(None, (value_in(each, _UNIT_IN_LOG) for each in event.targets)), "")
    unit = units[0] if len(units) == 1 else Target(id=named)
    return unit, [each for each in event.targets if each not in units]


def _is_restricted(unit: Target) -> bool:
    said = value_in(unit, _RESTRICTED_IN_LOG)
    return said.strip('[]" ').lower() == "true"


# Reading.


def _read(api: TenantApi, unit_id: str) -> Image | None:
    """Read a unit with its members; None for one that isn't restricted, which isn't guarded. Raises EdgeError."""
    unit = api.get(GET_UNIT, query=_READ, id=unit_id)
    return _whole(api, unit) if unit is not None and unit.get(_RESTRICTED) is True else None


def read_all(api: TenantApi) -> Mapping[str, Image]:
    """Read every restricted unit with its members, by id. Raises Rejected for one that hides them, and EdgeError."""
    restricted = [each for each in api.list(LIST_UNITS, query=_READ) if each.get(_RESTRICTED) is True]
    return {id_of(each): _whole(api, each) for each in restricted}


def _whole(api: TenantApi, unit: Image) -> Image:
    if unit.get("visibility") == _HIDDEN:
        raise Rejected(f"unit {unit['id']} hides its members: they can't be listed")
    people = api.list(LIST_UNIT_MEMBERS, query=_ID, id=id_of(unit))
    return unit | {MEMBERS: sorted(str(each["id"]).lower() for each in people)}


# Guards.


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.CREATE:
        because = "a unit that comes out of the bin has to be given its roles again"
        by_hand = restoring(facts.object_id)
        return {WHOLE: Objection(guard="not-restored", because=because, can_pass=False, by_hand=by_hand)}
    kept = {*facts.emergency, *facts.protected, facts.tenant.responder_id.lower()}
    if facts.op is Op.DELETE and kept & {*_members(facts.stands_image or {})}:
        return {WHOLE: _theirs(az_rest("DELETE", f"{GRAPH}{_UNITS}/{facts.object_id}"))}
    found: dict[str, Objection] = {}
    for leaf, (old, new) in facts.steps.items():
        if list_of(leaf) == MEMBERS and str(new or old) in kept:
            found[leaf] = _theirs(moving(facts.object_id, new, str(new or old)))
    return found


def _theirs(command: str) -> Objection:
    because = "an emergency account or a protected principal is in it, which the responder leaves as they are"
    return Objection(guard="emergency-account", because=because, can_pass=False, by_hand=command)


# Writing, and commands for a person.


def moving(unit_id: str, new: object, identity: str) -> str:
    """Give the command that puts somebody into a unit, or with `new` None takes them out."""
    place = f"{GRAPH}{_UNITS}/{unit_id}/members"
    if new is None:
        return az_rest("DELETE", f"{place}/{identity}/$ref")
    return az_rest("POST", f"{place}/$ref", reference(identity))


def _write(api: TenantApi, write: Write) -> str:
    """Take members out of a unit and put them in again, or delete one.

    Raises:
        Refused: the permission isn't there, or the service wants a role besides; `by_hand` has a command a line.
        Rejected: one was to be made.
        DoneAlready: somebody was faster with all of it.
    """
    if write.op is Op.CREATE or write.stands is None:
        raise Rejected("the responder makes no administrative unit")
    try:
        if write.op is Op.DELETE:
            delete(api, DELETE_UNIT, write.object_id, id=write.object_id)
            return write.object_id
        if not any([*_carried_out(api, write)]):
            raise DoneAlready(write.object_id)
    except Refused as refused:
        refused.by_hand = "\n".join(_commands(write))
        raise
    return write.object_id


def _carried_out(api: TenantApi, write: Write) -> Iterator[bool]:
    """Write each leaf; says of each whether that was still to be done."""
    for _, (old, new) in sorted(write.steps.items()):
        identity = str(new or old)
        try:
            if new is None:
                delete(api, REMOVE_UNIT_MEMBER, write.object_id, id=write.object_id, member=identity)
            else:
                add(api, ADD_UNIT_MEMBER, write.object_id, identity)
        except DoneAlready:
            yield False
        else:
            yield True


def _commands(write: Write) -> Iterator[str]:
    if write.op is Op.DELETE:
        yield az_rest("DELETE", f"{GRAPH}{_UNITS}/{write.object_id}")
        return
    for _, (old, new) in sorted(write.steps.items()):
        yield moving(write.object_id, new, str(new or old))


RESTRICTED_UNIT: Final = Kind(
    kind=ObjectKind.RESTRICTED_UNIT,
    title="restricted management administrative unit",
    tenant_kind=TenantKind.WORKFORCE,
    rules=_RULES,
    calls=(LIST_UNITS, GET_UNIT, LIST_UNIT_MEMBERS, DELETE_UNIT, ADD_UNIT_MEMBER, REMOVE_UNIT_MEMBER),
    inventory=Inventory(
        kind=ObjectKind.RESTRICTED_UNIT,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(LIST_UNITS, LIST_UNIT_MEMBERS),
        read=read_all,
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_ACTIVITIES),
    recorded=_recorded,
    read=_read,
    objections=_objections,
    write=_write,
    limits=(
        "A deleted unit isn't made again: the page has the command that takes it out of the bin, and the roles over it "
        "are given again by hand. Emergency accounts and protected principals are neither taken out nor put in. A unit "
        "that hides its members is paged. It may take half an hour until a deleted unit protects nobody any more."
    ),
    undo=(
        "Put the member in again, or take them out, with the command on the card; a unit that was deleted comes out of "
        "the bin within 30 days: az rest --method POST --url "
        "https://graph.microsoft.com/v1.0/directory/deletedItems/ID/restore."
    ),
    read_probes=(
        ReadProbe(call=LIST_UNITS, kind=TenantKind.WORKFORCE, query=_READ),
        ReadProbe(call=LIST_UNIT_MEMBERS, kind=TenantKind.WORKFORCE, query=_ID, ids=first_of(LIST_UNITS, "id")),
        ReadProbe(
            call=GET_UNIT, kind=TenantKind.WORKFORCE, query=_READ, ids=first_of(LIST_UNITS, "id"), is_listing=False
        ),
    ),
)
