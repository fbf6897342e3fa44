"""Authentication strengths: which combinations of methods satisfy a policy that asks for more than a second factor.

Those that a tenant made itself are guarded; Microsoft's own can't be changed by anybody. A strength that shouldn't
exist is deleted, which Graph does only while no policy names it: then nothing depends on it. Made again, it has another
id, which is no loss for the same reason. It does nothing by itself, so it can't be switched off either.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from responders.kinds import ca_context, graph_stamps, sign_in_guard
from responders.kinds.authentication_strength_leaves import (
    COMBINATIONS,
    CONFIGURATIONS,
    KNOWN,
    SHAPE,
    TEXTS,
    as_image,
    combinations_of,
    configurations,
    configurations_of,
    is_joint,
    is_whole,
    leaves,
    new_body,
    of_record,
)
from responders.kinds.ca_context import LIST_CONFIGURATIONS, LIST_STRENGTHS, CaContext, with_configurations
from responders.kinds.conditional_access_lane import lane
from responders.kinds.json_leaves import as_made
from responders.kinds.recorded_objects import RecordFormat, recorded_object
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Unreachable
from shared.model.events import Event, Log
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import GuardFacts, Kind, LeafRules, Objections, Search, Write
from shared.model.objects import WHOLE, Leaves, Objection, Op, Recorded, list_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi, delete

_READ: Final = (Permission.POLICY_READ,)
_WRITE: Final = (Permission.POLICY_WRITE_CONDITIONAL_ACCESS,)
_STRENGTHS: Final = "/policies/authenticationStrengthPolicies"
_PARTS: Final = f"{_STRENGTHS}/{{id}}/combinationConfigurations"


def _call(method: str, path: str, needs: tuple[Permission, ...]) -> Call:
    return Call(method=method, service=Service.GRAPH, path=path, needs=needs, repeatable=method != "POST")


GET_STRENGTH: Final = _call("GET", f"{_STRENGTHS}/{{id}}", _READ)
CREATE_STRENGTH: Final = _call("POST", _STRENGTHS, _WRITE)
UPDATE_STRENGTH: Final = _call("PATCH", f"{_STRENGTHS}/{{id}}", _WRITE)
"""Takes the name and the description only."""

UPDATE_COMBINATIONS: Final = _call("POST", f"{_STRENGTHS}/{{id}}/updateAllowedCombinations", _WRITE)
DELETE_STRENGTH: Final = _call("DELETE", f"{_STRENGTHS}/{{id}}", _WRITE)
CREATE_CONFIGURATION: Final = _call("POST", _PARTS, _WRITE)
UPDATE_CONFIGURATION: Final = _call("PATCH", f"{_PARTS}/{{configuration}}", _WRITE)
DELETE_CONFIGURATION: Final = _call("DELETE", f"{_PARTS}/{{configuration}}", _WRITE)

_BUILT_IN: Final = "builtin"
_SERVICES: Final = frozenset({"authentication methods"})

_OF_STRENGTHS: Final = RecordFormat(
    services=_SERVICES,
    activities={
        "authentication strength policy create": Op.CREATE,
        "authentication strength policy update": Op.UPDATE,
        "authentication strength policy delete": Op.DELETE,
    },
    properties=frozenset(),
    known=KNOWN,
    leaves=of_record,
    same=SHAPE.same,
    is_readable=is_whole,
)
_OF_CONFIGURATIONS: Final = RecordFormat(
    services=_SERVICES,
    activities={
        f"authentication strength combination configuration {verb}": Op.UPDATE
        for verb in ("create", "update", "delete")
    },
    properties=frozenset(),
    known=KNOWN,
    leaves=of_record,
    same=SHAPE.same,
    is_readable=is_whole,
)
"""A change of a configuration is one of the strength that has it. In which property of a record the strength stands, or
the configuration alone, isn't documented."""


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_object(event, _OF_STRENGTHS) or recorded_object(event, _OF_CONFIGURATIONS)


def id_of(strength: Image) -> str:
    """Give a strength's id in lower case."""
    return str(strength["id"]).lower()


def _name_of(strength: Image) -> str:
    return str(strength.get("displayName") or strength.get("id") or "")


# Reading.


def _read(api: TenantApi, strength_id: str) -> Image | None:
    strength = api.get(GET_STRENGTH, id=strength_id)
    return strength and with_configurations(api, strength)


def _find(api: TenantApi, search: Search) -> Image | None:
    """Search by id, then for a strength of the same name and combinations that isn't older than it can be.

    Its configurations don't count: they are made after it.
    """
    listed = _own(api)
    ids = {each.lower() for each in search.ids}
    twins = (each for each in listed if _is_twin(each, search))
    found = next((each for each in listed if id_of(each) in ids), None) or next(twins, None)
    return found and with_configurations(api, found)


def _own(api: TenantApi) -> list[Image]:
    return [each for each in api.list(LIST_STRENGTHS) if str(each.get("policyType")).lower() != _BUILT_IN]


def _is_twin(strength: Image, search: Search) -> bool:
    differing = _differing(as_made(leaves(strength), search), search.target)
    return all(_is_of_configurations(leaf) for leaf in differing) and graph_stamps.is_since(strength, search.since)


def _is_of_configurations(leaf: str) -> bool:
    return leaf.startswith(f"{CONFIGURATIONS}.")


def _differing(one: Leaves, other: Leaves) -> set[str]:
    return {leaf for leaf in {*one, *other} if not SHAPE.same(leaf, one.get(leaf), other.get(leaf))}


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): with_configurations(api, each) for each in _own(api)}


# Guards.


def _look_around(api: TenantApi, facts: GuardFacts) -> CaContext:
    return ca_context.look_around(api, facts, decides_sign_ins=_counts(facts))


def _counts(facts: GuardFacts) -> bool:
    """Say whether policies can come out otherwise, or a policy could forbid it. No policy names one that is new."""
    return facts.op is not Op.CREATE and bool(facts.steps.keys() - TEXTS)


def _objections(facts: GuardFacts) -> Objections:
    if not _counts(facts):
        return {}
    around = cast("CaContext", facts.around)
    objection = _used(facts, around) if facts.op is Op.DELETE else _keeps_out(facts, around)
    return {} if objection is None else {WHOLE: objection}


def _used(facts: GuardFacts, around: CaContext) -> Objection | None:
    """Say by what a strength is used: Graph deletes none that a policy names, be the policy switched off."""
    users = around.named_by("strength", facts.object_id)
    if users is None:
        because = f"which policies use it could not be read: {around.unread.get('policies', 'unknown')}"
        return Objection(guard="used", because=because, can_pass=True)
    if not users:
        return None
    because = f"these policies use it, and it can't be deleted until they don't: {', '.join(users)}"
    return Objection(guard="used", because=because, can_pass=True)


def _keeps_out(facts: GuardFacts, around: CaContext) -> Objection | None:
    if around.strengths is None:
        unread = around.unread.get("authentication strengths", "unknown")
        because = f"the authentication strengths could not be read: {unread}"
        return Objection(guard=sign_in_guard.GUARD, because=because, can_pass=True)
    return sign_in_guard.objection(
        around.with_strength(facts.object_id, facts.stands_image),
        after=around.with_strength(facts.object_id, as_image(facts.object_id, facts.target)),
    )


# Writing.


def _write(api: TenantApi, write: Write) -> str:
    """Carry out a write and give the strength's id: another one where it had to be made again.

    Raises:
        Rejected: 400 where a policy uses a strength that is to be deleted.
        DoneAlready: somebody was faster and deleted it.
        Unreachable: the answer was lost; of a strength that was to be made, it may be there, without configurations.
    """
    if write.op is Op.DELETE:
        delete(api, DELETE_STRENGTH, write.object_id, id=write.object_id)
        return write.object_id
    if write.op is Op.CREATE:
        made = _made_again(api, write.target)
        _change(api, made, write.target, _differing(leaves(made), write.target))
        return id_of(made)
    _change(api, {**(write.stands or {}), "id": write.object_id}, write.target, write.steps)
    return write.object_id


def _made_again(api: TenantApi, target: Leaves) -> Image:
    """Make a strength. Who calls has searched for a twin."""
    made = api.send(CREATE_STRENGTH, body=new_body(target))
    if not made or not made.get("id"):
        raise Unreachable("Graph made the strength and didn't say under which id")
    return made


def _change(api: TenantApi, standing: Image, target: Leaves, names: Iterable[str]) -> None:
    """Change a strength. A configuration is there only while its combination is, so it goes first and comes last."""
    strength_id, leaves_named = id_of(standing), set(names)
    if texts := sorted(leaves_named & TEXTS):
        api.send(UPDATE_STRENGTH, body={name: target.get(name) or "" for name in texts}, id=strength_id)
    there, wanted = configurations(standing), configurations_of(target)
    named = sorted(leaf for leaf in leaves_named if _is_of_configurations(leaf))
    for leaf in named:
        if leaf in there and leaf not in wanted:
            api.send(DELETE_CONFIGURATION, id=strength_id, configuration=str(there[leaf]["id"]))
    if any(list_of(leaf) == COMBINATIONS for leaf in leaves_named):
        api.send(UPDATE_COMBINATIONS, body={COMBINATIONS: combinations_of(target)}, id=strength_id)
    for leaf in named:
        if leaf in wanted and leaf in there:
            part = str(there[leaf]["id"])
            api.send(UPDATE_CONFIGURATION, body=wanted[leaf], id=strength_id, configuration=part)
        elif leaf in wanted:
            api.send(CREATE_CONFIGURATION, body=wanted[leaf], id=strength_id)


INVENTORY: Final = Inventory(
    kind=ObjectKind.AUTHENTICATION_STRENGTH,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_STRENGTHS, LIST_CONFIGURATIONS),
    read=_read_all,
)

AUTHENTICATION_STRENGTH: Final = Kind(
    kind=ObjectKind.AUTHENTICATION_STRENGTH,
    title="authentication strength",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=SHAPE.same, is_joint=is_joint),
    calls=(
        *(GET_STRENGTH, CREATE_STRENGTH, UPDATE_STRENGTH, UPDATE_COMBINATIONS, DELETE_STRENGTH),
        *(LIST_CONFIGURATIONS, CREATE_CONFIGURATION, UPDATE_CONFIGURATION, DELETE_CONFIGURATION),
        *ca_context.CALLS,
    ),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset({*_OF_STRENGTHS.activities, *_OF_CONFIGURATIONS.activities}),
    recorded=_recorded,
    read=_read,
    find=_find,
    lane=lane,
    look_around=_look_around,
    objections=_objections,
    write=_write,
    made=graph_stamps.made,
    limits=(
        "One that was deleted is made again under a new id. Microsoft's own strengths can't be changed by anybody."
    ),
    undo=(
        "Set the strength's properties back to those of the version before, which the evidence container holds; delete "
        "one that was made again."
    ),
    read_probes=(
        ReadProbe(call=GET_STRENGTH, kind=TenantKind.WORKFORCE, ids=first_of(LIST_STRENGTHS, "id"), is_listing=False),
        ReadProbe(call=LIST_CONFIGURATIONS, kind=TenantKind.WORKFORCE, ids=first_of(LIST_STRENGTHS, "id")),
        *ca_context.READ_PROBES,
    ),
)
