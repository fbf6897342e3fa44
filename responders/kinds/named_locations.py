"""Named locations: the networks and countries that conditional access policies include, leave out or trust.

A location that shouldn't exist is made untrusted, never deleted. Trust is all that it does by itself: policies name
"all trusted locations". Whatever else it does, a policy does that names it, and that policy is judged itself. Graph
deletes no location that is trusted or that a policy names, even one that is switched off, so a deletion could be kept
from happening; taking the trust away can't.

One that was deleted is taken out of the bin, else made again: untrusted first, and trusted when it is there.
"""

from collections.abc import Mapping
from typing import Final, cast

from responders.kinds import ca_context, graph_stamps, sign_in_guard
from responders.kinds.ca_context import LIST_NAMED_LOCATIONS, CaContext
from responders.kinds.conditional_access_lane import lane
from responders.kinds.json_leaves import as_made, without_filled
from responders.kinds.named_location_leaves import (
    KNOWN,
    NAME,
    SHAPE,
    TRUSTED,
    as_image,
    change_body,
    is_joint,
    is_readable,
    leaves,
    new_body,
    type_of,
)
from responders.kinds.recorded_objects import RecordFormat, recorded_object
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.errors import Refused, Rejected, Unreachable
from shared.model.events import Event, Log
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import CameBack, GuardFacts, Kind, LeafRules, Objections, Search, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Recorded, Step, property_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_READ: Final = (Permission.POLICY_READ,)
_WRITE: Final = (Permission.POLICY_READ, Permission.POLICY_WRITE_CONDITIONAL_ACCESS)
_LOCATIONS: Final = "/identity/conditionalAccess/namedLocations"
_BIN: Final = "/identity/conditionalAccess/deletedItems/namedLocations"

WHY_BETA: Final = "Microsoft documents the bin for beta alone; v1.0 may not serve it"


def _call(method: str, path: str, needs: tuple[Permission, ...], service: Service = Service.GRAPH) -> Call:
    return Call(
        method=method,
        service=service,
        path=path,
        needs=needs,
        lane=Lane.CONDITIONAL_ACCESS,
        repeatable=method != "POST",
        why_beta=WHY_BETA if service is Service.GRAPH_BETA else "",
    )


GET_NAMED_LOCATION: Final = _call("GET", f"{_LOCATIONS}/{{id}}", _READ)
UPDATE_NAMED_LOCATION: Final = _call("PATCH", f"{_LOCATIONS}/{{id}}", _WRITE)
CREATE_NAMED_LOCATION: Final = _call("POST", _LOCATIONS, _WRITE)
LIST_DELETED_LOCATIONS: Final = _call("GET", _BIN, _READ)
UNDELETE_LOCATION: Final = _call("POST", f"{_BIN}/{{id}}/restore", _WRITE)
"""Not repeatable: a second one finds the bin empty, which would be taken for a location that is gone for good."""

LIST_DELETED_LOCATIONS_BETA: Final = _call("GET", _BIN, _READ, Service.GRAPH_BETA)
UNDELETE_LOCATION_BETA: Final = _call("POST", f"{_BIN}/{{id}}/restore", _WRITE, Service.GRAPH_BETA)

_BINS: Final = (
    (LIST_DELETED_LOCATIONS, UNDELETE_LOCATION),
    (LIST_DELETED_LOCATIONS_BETA, UNDELETE_LOCATION_BETA),
)
_NOT_SERVED: Final = frozenset({400, 403, 404, 405})
"""What Graph answers where a version doesn't know the bin, or doesn't let applications at it; never 401, which passes
and says nothing about the bin."""

_RECORDS: Final = RecordFormat(
    services=frozenset({"conditional access"}),
    activities={
        "add named location": Op.CREATE,
        "create named location": Op.CREATE,
        "restore named location": Op.CREATE,
        "restore deleted named location": Op.CREATE,
        "update named location": Op.UPDATE,
        "delete named location": Op.DELETE,
        "soft delete named location": Op.DELETE,
    },
    properties=frozenset(),
    known=KNOWN,
    leaves=leaves,
    same=SHAPE.same,
    is_readable=is_readable,
)
"""Microsoft's list of activities has the first of each; in which property the location stands isn't documented."""


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_object(event, _RECORDS)


def id_of(location: Image) -> str:
    """Give a location's id in lower case."""
    return str(location["id"]).lower()


def _name_of(location: Image) -> str:
    return str(location.get(NAME) or location.get("id") or "")


# Reading.


def _read(api: TenantApi, location_id: str) -> Image | None:
    return api.get(GET_NAMED_LOCATION, id=location_id)


def _find(api: TenantApi, search: Search) -> Image | None:
    """Search by id, then for a location of the same name and content that isn't older than it can be.

    Whether it is trusted doesn't count: it is made untrusted. A decoy has another content.
    """
    listed = api.list(LIST_NAMED_LOCATIONS)
    ids = {each.lower() for each in search.ids}
    twins = (each for each in listed if _is_twin(each, search))
    return next((each for each in listed if id_of(each) in ids), None) or next(twins, None)


def _is_twin(location: Image, search: Search) -> bool:
    values = as_made(leaves(location), search)
    return _differing(values, search.target) <= {TRUSTED} and graph_stamps.is_since(location, search.since)


def _differing(one: Leaves, other: Leaves) -> set[str]:
    return {leaf for leaf in {*one, *other} if not SHAPE.same(leaf, one.get(leaf), other.get(leaf))}


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(location): location for location in api.list(LIST_NAMED_LOCATIONS)}


# Guards.


def _look_around(api: TenantApi, facts: GuardFacts) -> CaContext:
    return ca_context.look_around(api, facts, decides_sign_ins=_decides_sign_ins(facts))


def _decides_sign_ins(facts: GuardFacts) -> bool:
    """Say whether policies can come out otherwise. No policy names one that is new; it counts only if it is trusted."""
    if facts.op is Op.CREATE:
        return TRUSTED in facts.target
    return bool(facts.steps.keys() - {NAME})


def _objections(facts: GuardFacts) -> Objections:
    if facts.op is Op.CREATE and not type_of(facts.target):
        because = "Graph makes only locations of addresses or of countries, and this is neither"
        return {WHOLE: Objection(guard="kind-of-location", because=because, can_pass=False)}
    if not _decides_sign_ins(facts):
        return {}
    around = cast("CaContext", facts.around)
    if around.locations is None:
        because = f"the other named locations could not be read: {around.unread.get('named locations', 'unknown')}"
        return {WHOLE: Objection(guard=sign_in_guard.GUARD, because=because, can_pass=True)}
    judged = sign_in_guard.objection(
        around.with_location(facts.object_id, facts.stands_image),
        after=around.with_location(facts.object_id, _after(facts)),
    )
    return {} if judged is None else {WHOLE: judged}


def _after(facts: GuardFacts) -> Image:
    """Give the location as it will be: one that isn't to exist stays, without trust."""
    values = facts.target or {leaf: value for leaf, value in facts.stands.items() if leaf != TRUSTED}
    return as_image(facts.object_id, values, facts.stands_image)


def _removal(values: Leaves) -> Mapping[str, Step]:
    return {TRUSTED: (values[TRUSTED], None)} if TRUSTED in values else {}


# Writing.


def _write(api: TenantApi, write: Write) -> str | CameBack:
    """Carry out a write and give the location's id: another one where it had to be made again.

    Raises:
        Unreachable: the answer was lost; of a location that was to be made, it may be there, untrusted.
    """
    if write.op is Op.CREATE:
        return _bring_back(api, write)
    standing = write.stands or {}
    names = {property_of(leaf) for leaf in (_removal(leaves(standing)) if write.op is Op.DELETE else write.steps)}
    _change(api, write.object_id, standing, names, write.target)
    return write.object_id


def _change(api: TenantApi, location_id: str, standing: Image, names: set[str], target: Leaves) -> None:
    if names - {EXISTS}:
        api.send(UPDATE_NAMED_LOCATION, body=change_body(names, target, standing), id=location_id)


def _bring_back(api: TenantApi, write: Write) -> str | CameBack:
    """Take a location out of the bin, else make it again; then amend it. Who calls has searched for a twin."""
    undeleted = _undeleted(api, write)
    if undeleted is not None:
        binned, answer = undeleted
        location = answer or _read(api, write.object_id)
        came_back = without_filled(leaves(binned), write.filled, write.target)
        # Where it doesn't show yet, the next look amends it. So it does with what somebody has changed meanwhile: only
        # what came out of the bin was judged.
        if location is None:
            return CameBack(tenants_id=write.object_id, leaves=came_back)
        _amend(api, location, came_back, write.target)
        return write.object_id
    made = _made_again(api, write.target)
    # Whatever else it has, Graph filled in just now.
    sent = {leaf: value for leaf, value in leaves(made).items() if leaf in write.target}
    _amend(api, made, sent, write.target)
    return id_of(made)


def _undeleted(api: TenantApi, write: Write) -> tuple[Image, Image] | None:
    """Take a location out of the bin, where it lies for 30 days; None where it isn't there, or applications may not.

    Gives it as it lay there and as it is now: {} where the answer doesn't say that (Microsoft's page wraps it in
    `value`, the metadata doesn't).
    """
    for listing, undelete in _BINS:
        try:
            binned = next((each for each in api.list(listing) if id_of(each) == write.object_id.lower()), None)
            if binned is None or not _comes_back_safely(binned, write):
                return None
            answer = api.send(undelete, id=write.object_id) or {}
        except (Refused, Rejected) as refused:
            if refused.status not in _NOT_SERVED:
                raise
            continue
        location = answer.get("value", answer)
        is_said = isinstance(location, dict) and "id" in location
        return binned, cast("Image", location) if is_said else {}
    return None


def _comes_back_safely(binned: Image, write: Write) -> bool:
    """Say whether what comes out of the bin was judged: trust is back at once, for the ranges that it went with.

    Graph deletes no location that is trusted or that a policy names, so nothing else of it counts for anybody.
    """
    values = without_filled(leaves(binned), write.filled, write.target)
    return TRUSTED not in values or not _differing(values, write.target)


def _made_again(api: TenantApi, target: Leaves) -> Image:
    made = api.send(CREATE_NAMED_LOCATION, body=new_body(target))
    if not made or not made.get("id"):
        raise Unreachable("Graph made the location and didn't say under which id")
    return made


def _amend(api: TenantApi, location: Image, standing: Leaves, target: Leaves) -> None:
    """Make a location that came back as it is to be; `standing` are its leaves that count."""
    names = {property_of(leaf) for leaf in _differing(standing, target)}
    _change(api, id_of(location), location, names, target)


INVENTORY: Final = Inventory(
    kind=ObjectKind.NAMED_LOCATION,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_NAMED_LOCATIONS,),
    read=_read_all,
)

NAMED_LOCATION: Final = Kind(
    kind=ObjectKind.NAMED_LOCATION,
    title="named location",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=SHAPE.same, is_joint=is_joint),
    calls=(
        *(GET_NAMED_LOCATION, UPDATE_NAMED_LOCATION, CREATE_NAMED_LOCATION),
        *(call for pair in _BINS for call in pair),
        *ca_context.CALLS,
    ),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_RECORDS.activities),
    recorded=_recorded,
    read=_read,
    find=_find,
    lane=lane,
    look_around=_look_around,
    objections=_objections,
    write=_write,
    made=graph_stamps.made,
    limits=("A new location isn't deleted but made untrusted; one that was purged is made again under a new id."),
    has_bin=True,
    undo="Set the location's properties back to those of the version before, which the evidence container holds.",
    removal=_removal,
    read_probes=(
        *(ReadProbe(call=listing, kind=TenantKind.WORKFORCE) for listing, _ in _BINS),
        ReadProbe(
            call=GET_NAMED_LOCATION,
            kind=TenantKind.WORKFORCE,
            ids=first_of(LIST_NAMED_LOCATIONS, "id"),
            is_listing=False,
        ),
        *ca_context.READ_PROBES,
    ),
)
