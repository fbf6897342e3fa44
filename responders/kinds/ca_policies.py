"""Conditional access policies.

A policy that shouldn't exist is switched off, never deleted: nobody is locked out by that, and what it was stays to be
looked at. So `removal` is a step of its state alone, and an unwanted policy that is switched off needs nothing more.
One that was deleted is taken out of the bin, else made again: switched off first, and switched on when it is there.

Policies are read through beta, since v1.0 leaves parts out without a word, or refuses policies that have such parts.
They are written through v1.0 unless they have such parts.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, cast

from responders.kinds import ca_context, sign_in_guard
from responders.kinds.ca_context import READ
from responders.kinds.ca_policy_leaves import (
    DISABLED,
    ENABLED,
    KNOWN,
    OPERATOR,
    SHAPE,
    STATE,
    change_body,
    is_grant,
    is_joint,
    is_readable,
    leaves,
    let_out,
    new_body,
    part_of,
    parts_beyond_v1,
    reached_anew,
)
from responders.kinds.conditional_access_lane import lane
from responders.kinds.json_leaves import as_made, without_filled
from responders.kinds.recorded_objects import RecordFormat, recorded_object
from responders.rosters import CA_POLICIES_IN_BETA, LIST_CA_POLICIES_WHOLE
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.errors import Refused, Rejected, Unreachable
from shared.model.events import Event, Log
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.object_kinds import CameBack, GuardFacts, Kind, LeafRules, Made, Objections, Search, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Recorded, Step, property_of
from shared.model.read_probes import ReadProbe, first_of
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi

_WRITE: Final = (Permission.POLICY_READ, Permission.POLICY_WRITE_CONDITIONAL_ACCESS, Permission.APPLICATION_READ)
"""Graph asks all three of an application that creates or updates a policy."""
_UNDELETE: Final = (Permission.POLICY_READ, Permission.POLICY_WRITE_CONDITIONAL_ACCESS)

_POLICIES: Final = "/identity/conditionalAccess/policies"
_BIN: Final = "/identity/conditionalAccess/deletedItems/policies"


def _call(method: str, path: str, needs: tuple[Permission, ...], service: Service = Service.GRAPH) -> Call:
    return Call(
        method=method,
        service=service,
        path=path,
        needs=needs,
        lane=Lane.CONDITIONAL_ACCESS,
        repeatable=method != "POST",
        why_beta=CA_POLICIES_IN_BETA if service is Service.GRAPH_BETA else "",
    )


GET_CA_POLICY: Final = _call("GET", f"{_POLICIES}/{{id}}", READ)
UPDATE_CA_POLICY: Final = _call("PATCH", f"{_POLICIES}/{{id}}", _WRITE)
CREATE_CA_POLICY: Final = _call("POST", _POLICIES, _WRITE)
LIST_DELETED_CA_POLICIES: Final = _call("GET", _BIN, READ)
UNDELETE_CA_POLICY: Final = _call("POST", f"{_BIN}/{{id}}/restore", _UNDELETE)
"""Not repeatable: a second one finds the bin empty, which would be taken for a policy that is gone for good."""

GET_CA_POLICY_WHOLE: Final = _call("GET", f"{_POLICIES}/{{id}}", READ, Service.GRAPH_BETA)
UPDATE_CA_POLICY_WHOLE: Final = _call("PATCH", f"{_POLICIES}/{{id}}", _WRITE, Service.GRAPH_BETA)
CREATE_CA_POLICY_WHOLE: Final = _call("POST", _POLICIES, _WRITE, Service.GRAPH_BETA)
LIST_DELETED_CA_POLICIES_WHOLE: Final = _call("GET", _BIN, READ, Service.GRAPH_BETA)
UNDELETE_CA_POLICY_WHOLE: Final = _call("POST", f"{_BIN}/{{id}}/restore", _UNDELETE, Service.GRAPH_BETA)

_PARTIAL: Final = "@odata.partial"
"""Marks a policy that only v1.0 could be asked for: it may have parts that aren't in it."""

_NOT_SERVED: Final = frozenset({400, 403, 404, 405})
"""What Graph answers where a version doesn't know the bin, or doesn't let applications at it; never 401, which passes
and says nothing about the bin."""

_OPS: Final[Mapping[str, Op]] = {
    "add conditional access policy": Op.CREATE,
    "create conditional access policy": Op.CREATE,
    "restore conditional access policy": Op.CREATE,
    "restore deleted conditional access policy": Op.CREATE,
    "update conditional access policy": Op.UPDATE,
    "delete conditional access policy": Op.DELETE,
    "soft delete conditional access policy": Op.DELETE,
}
"""A purge isn't among them: it takes a policy out of the bin, and the policy was gone before."""

_RECORDS: Final = RecordFormat(
    services=frozenset({"conditional access"}),
    activities=_OPS,
    properties=frozenset({"conditionalaccesspolicy"}),
    known=KNOWN,
    leaves=leaves,
    same=SHAPE.same,
    is_readable=is_readable,
)


def _recorded(event: Event) -> tuple[Recorded, ...]:
    return recorded_object(event, _RECORDS)


def id_of(policy: Image) -> str:
    """Give a policy's id in lower case."""
    return str(policy["id"]).lower()


def _name_of(policy: Image) -> str:
    return str(policy.get("displayName") or policy.get("id") or "")


# Reading.


def _read(api: TenantApi, policy_id: str) -> Image | None:
    """Read a policy whole; by v1.0, marked as such, where beta refuses. It is absent where both say so."""
    try:
        policy = api.get(GET_CA_POLICY_WHOLE, id=policy_id)
    except (Refused, Rejected) as refused:
        if refused.status not in _NOT_SERVED:
            raise
        known = api.get(GET_CA_POLICY, id=policy_id)
        return known and {**known, _PARTIAL: True}
    return policy if policy is not None else api.get(GET_CA_POLICY, id=policy_id)


def _find(api: TenantApi, search: Search) -> Image | None:
    """Search by id, then for a policy of the same name and content that isn't older than it can be.

    Whether it is switched on doesn't count: it is made switched off. A decoy has another content.
    """
    listed = api.list(LIST_CA_POLICIES_WHOLE)
    ids = {each.lower() for each in search.ids}
    twins = (each for each in listed if _is_twin(each, search))
    return next((each for each in listed if id_of(each) in ids), None) or next(twins, None)


def _is_twin(policy: Image, search: Search) -> bool:
    values = as_made(leaves(policy), search)
    if any(
        not SHAPE.same(leaf, values.get(leaf), search.target.get(leaf)) for leaf in _but_state(values, search.target)
    ):
        return False
    made_at = _made(policy).at
    return search.since is None or (made_at is not None and made_at >= search.since)


def _but_state(*sides: Leaves) -> Iterator[str]:
    return (leaf for side in sides for leaf in side if leaf != STATE)


def _made(policy: Image) -> Made:
    return Made(at=_instant(policy.get("createdDateTime")), changed_at=_instant(policy.get("modifiedDateTime")))


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(policy): policy for policy in api.list(LIST_CA_POLICIES_WHOLE)}


# Guards.


def _look_around(api: TenantApi, facts: GuardFacts) -> ca_context.CaContext:
    return ca_context.look_around(api, facts, decides_sign_ins=not _is_harmless(facts))


def _is_harmless(facts: GuardFacts) -> bool:
    """Switching a policy off locks nobody out, whatever else stands; nor does a name."""
    said = {leaf for leaf in facts.steps if leaf not in {"displayName", "description"}}
    is_off = facts.target.get(STATE) == DISABLED
    return not said or (said <= {STATE, EXISTS} and is_off) or not facts.target


def _objections(facts: GuardFacts) -> Objections:
    around = cast("ca_context.CaContext", facts.around)
    found = {**_toothless(facts), **ca_context.gone(facts, around), **_lossy(facts)}
    if _is_harmless(facts):
        return found
    # The object's own read is the latest: the listing may come from a replica that still shows it as it was.
    before = around.with_policy(facts.object_id, facts.stands_image)
    after = {**(facts.stands_image or {}), **_as_image(facts)}
    judged = sign_in_guard.objection(before, after=around.with_policy(facts.object_id, after))
    return found if judged is None else {**found, WHOLE: judged}


def _toothless(facts: GuardFacts) -> Objections:
    """Object to a part of a difference that would leave no control for the operator to join: Graph drops both then.

    The controls that an attacker put in place of others go only with those coming back.
    """
    if OPERATOR not in facts.target or any(leaf != OPERATOR and is_grant(leaf) for leaf in facts.target):
        return {}
    because = "it would take the last grant control away, and those before it don't come back yet"
    objection = Objection(guard="no-control-left", because=because, can_pass=True)
    return {leaf: objection for leaf in facts.steps if is_grant(leaf)}


def _as_image(facts: GuardFacts) -> Image:
    """Give the policy as it will be, as far as it decides about sign-ins."""
    names = {property_of(leaf) for leaf in (*facts.stands, *facts.target) if leaf != EXISTS}
    return {**change_body(names, facts.target, {}), "id": facts.object_id}


def _lossy(facts: GuardFacts) -> Objections:
    """Object where a write could lose parts of the policy that couldn't be read."""
    if not (facts.stands_image or {}).get(_PARTIAL):
        return {}
    because = (
        "beta of Graph could not be asked whether the policy has parts that v1.0 doesn't show, which would be lost"
    )
    objection = Objection(guard="parts-unread", because=because, can_pass=True)
    return {leaf: objection for leaf in facts.steps if property_of(leaf) in {"conditions", "sessionControls"}}


def _removal(values: Leaves) -> Mapping[str, Step]:
    state = values.get(STATE)
    return {} if SHAPE.same(STATE, state, DISABLED) else {STATE: (state, DISABLED)}


# Writing.


def _write(api: TenantApi, write: Write) -> str | CameBack:
    """Carry out a write and give the policy's id: another one where it had to be made again.

    Raises:
        Rejected: 400 where the policy names a group, user, location or strength that is gone (the text names it).
        Unreachable: the answer was lost; of a policy that was to be made, it may be there, switched off.
    """
    if write.op is Op.CREATE:
        return _bring_back(api, write)
    if write.op is Op.DELETE:
        api.send(UPDATE_CA_POLICY, body={STATE: DISABLED}, id=write.object_id)
        return write.object_id
    standing = {} if write.stands is None else leaves(write.stands)
    _change(api, write.object_id, standing, {property_of(leaf) for leaf in write.steps if leaf != EXISTS}, write.target)
    return write.object_id


def _change(api: TenantApi, policy_id: str, standing: Leaves, names: set[str], target: Leaves) -> None:
    if names:
        is_beyond = bool(parts_beyond_v1((*standing, *target)))
        call = UPDATE_CA_POLICY_WHOLE if is_beyond else UPDATE_CA_POLICY
        api.send(call, body=change_body(names, target, standing), id=policy_id)


def _bring_back(api: TenantApi, write: Write) -> str | CameBack:
    """Take a policy out of the bin, else make it again, unless it is there already."""
    binned = _in_bin(api, write.object_id)
    if binned is not None and _comes_back_safely(binned, write):
        policy = _undelete(api, write.object_id)
        if policy is not None:
            policy = policy or _read(api, write.object_id)
            came_back = _without_filled(binned, write)
            # Where it doesn't show yet, the next look amends it. So it does with what somebody has changed meanwhile:
            # only what came out of the bin was judged.
            if policy is None:
                return CameBack(tenants_id=write.object_id, leaves=came_back)
            _amend(api, policy, came_back, write.target)
            return write.object_id
    search = Search(
        ids=(write.object_id,),
        name=write.name,
        target=write.target,
        intent=write.intent,
        since=write.tried_since,
        filled=write.filled,
        was_tried=write.tried_since is not None,
    )
    found = _find(api, search)
    if found is not None:
        _amend(api, found, _without_filled(found, write), write.target)
        return id_of(found)
    made = _made_again(api, write.target)
    # Whatever else it has, Graph filled in just now.
    sent = {leaf: value for leaf, value in leaves(made).items() if leaf in write.target}
    _amend(api, made, sent, write.target)
    return id_of(made)


def _without_filled(policy: Image, write: Write) -> Leaves:
    return without_filled(leaves(policy), write.filled, write.target)


def _comes_back_safely(binned: Image, write: Write) -> bool:
    """Say whether what comes out of the bin was judged: it enforces at once what it was deleted with."""
    values, target = _without_filled(binned, write), write.target
    return values.get(STATE) != ENABLED or all(
        SHAPE.same(leaf, values.get(leaf), target.get(leaf)) for leaf in {*values, *target}
    )


def _in_bin(api: TenantApi, policy_id: str) -> Image | None:
    """Find a policy in the bin, where it lies for 30 days; None where it isn't, or the bin can't be looked into."""
    for call in (LIST_DELETED_CA_POLICIES_WHOLE, LIST_DELETED_CA_POLICIES):
        try:
            listed = api.list(call)
        except (Refused, Rejected) as refused:
            if refused.status not in _NOT_SERVED:
                raise
            continue
        return next((each for each in listed if id_of(each) == policy_id.lower()), None)
    return None


def _undelete(api: TenantApi, policy_id: str) -> Image | None:
    """Take a policy out of the bin; None where it can't be, {} where the answer doesn't say how it is now.

    Microsoft's page wraps the policy in `value`, the metadata doesn't; applications may not be let at all.
    """
    for call in (UNDELETE_CA_POLICY, UNDELETE_CA_POLICY_WHOLE):
        try:
            answer = api.send(call, id=policy_id) or {}
        except (Refused, Rejected) as refused:
            if refused.status not in _NOT_SERVED:
                raise
            continue
        policy = answer.get("value", answer)
        is_whole = isinstance(policy, dict) and call is UNDELETE_CA_POLICY_WHOLE
        return cast("Image", policy) if is_whole else {}
    return None


def _made_again(api: TenantApi, target: Leaves) -> Image:
    call = CREATE_CA_POLICY_WHOLE if parts_beyond_v1(target) else CREATE_CA_POLICY
    made = api.send(call, body=new_body(target))
    if not made or not made.get("id"):
        raise Unreachable("Graph made the policy and didn't say under which id")
    return {**made, STATE: DISABLED} if STATE not in made else made


def _amend(api: TenantApi, policy: Image, standing: Leaves, target: Leaves) -> None:
    """Make a policy that came back as it is to be; `standing` are its leaves that count."""
    differing = {
        property_of(leaf)
        for leaf in {*standing, *target} - {EXISTS}
        if not SHAPE.same(leaf, standing.get(leaf), target.get(leaf))
    }
    _change(api, id_of(policy), standing, differing, target)


INVENTORY: Final = Inventory(
    kind=ObjectKind.CA_POLICY,
    tenant_kind=TenantKind.WORKFORCE,
    calls=(LIST_CA_POLICIES_WHOLE,),
    read=_read_all,
)

CA_POLICY: Final = Kind(
    kind=ObjectKind.CA_POLICY,
    title="conditional access policy",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=SHAPE.same, is_joint=is_joint, part_of=part_of),
    calls=(
        *(GET_CA_POLICY_WHOLE, GET_CA_POLICY, UPDATE_CA_POLICY, UPDATE_CA_POLICY_WHOLE),
        *(LIST_DELETED_CA_POLICIES_WHOLE, LIST_DELETED_CA_POLICIES, UNDELETE_CA_POLICY, UNDELETE_CA_POLICY_WHOLE),
        *(CREATE_CA_POLICY, CREATE_CA_POLICY_WHOLE),
        *ca_context.CALLS,
    ),
    inventory=INVENTORY,
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.AUDIT,
    activities=frozenset(_OPS),
    recorded=_recorded,
    read=_read,
    find=_find,
    lane=lane,
    look_around=_look_around,
    objections=_objections,
    loses=reached_anew,
    gains=let_out,
    write=_write,
    has_bin=True,
    made_first={STATE: DISABLED},
    made=_made,
    limits=(
        "A policy that can't come out of the bin is made again under a new id. One that names a deleted group, location"
        " or user waits for people."
    ),
    undo="Set the policy's properties back to those of the version before, which the evidence container holds.",
    removal=_removal,
    read_probes=(
        *(
            ReadProbe(call=call, kind=TenantKind.WORKFORCE)
            for call in (LIST_CA_POLICIES_WHOLE, LIST_DELETED_CA_POLICIES, LIST_DELETED_CA_POLICIES_WHOLE)
        ),
        *(
            ReadProbe(
                call=call,
                kind=TenantKind.WORKFORCE,
                ids=first_of(LIST_CA_POLICIES_WHOLE, "id"),
                is_listing=False,
            )
            for call in (GET_CA_POLICY, GET_CA_POLICY_WHOLE)
        ),
        *ca_context.READ_PROBES,
    ),
)
