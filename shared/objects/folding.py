"""Identity and order of changes: which records tell of the same action, and which action came first.

A change is named by its content and its second, never by its correlation id, behind which another one could hide.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from shared.model.cases import Standing
from shared.model.events import AuditEvent, CountEvent, Event, ResourceEvent, SignInEvent, Target, fold
from shared.model.kinds import Json, Risk
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, JudgedChange, Leaves, ObjectChange, Op, Recorded, property_of
from shared.objects.comparing import carry_out, is_same

COPIES_WITHIN: Final = timedelta(seconds=5)
"""Two logs stamp the same action with instants that are no farther apart."""

_MOST_TO_TRY: Final = 7
"""Changes of one second whose every order is tried; the order of more of them is decided one after the other."""

_RISKS: Final = tuple(Risk)


def change_id(event: Event, recorded: Recorded) -> str:
    """Name a change by its content and second: 24 hex digits.

    Its content is the activity and what it did to which object, the actor, every target and every modified property.
    """
    content = (
        _activity(event),
        recorded.op,
        recorded.object_id.lower(),
        (event.actor.id or event.actor.name).lower(),
        sorted(_target(target) for target in _targets(event)),
        event.request_body if isinstance(event, ResourceEvent) else "",
        int(event.at.timestamp()),
    )
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]


def history(changes: Iterable[JudgedChange], origin: Leaves, rules: LeafRules) -> tuple[JudgedChange, ...]:
    """Give the changes of an object in order, each action once, whatever order they came in.

    `origin` are the leaves that stood before the first of them.
    """
    return in_order(fold_copies(changes, rules), origin, rules)


def fold_copies(changes: Iterable[JudgedChange], rules: LeafRules) -> list[JudgedChange]:
    """Fold what two logs tell of the same action: the nth of one log is the nth of the other, within 5 seconds.

    Copies of one log never fold: the same change made again after a put-back is another one. What has the same id is
    one change, however often it was stored.
    """
    by_id: dict[str, _Witnessed] = {}
    for judged in changes:
        witnessed = _Witnessed(judged, frozenset({_source(judged.change)}))
        twin = by_id.get(judged.change.id)
        by_id[judged.change.id] = witnessed if twin is None else twin.joined(witnessed)
    theirs = [witnessed for witnessed in by_id.values() if not witnessed.judged.change.is_ours]
    if len(frozenset[str]().union(*(witnessed.sources for witnessed in theirs))) <= 1:
        return [witnessed.judged for witnessed in by_id.values()]
    folded = [witnessed.judged for witnessed in by_id.values() if witnessed.judged.change.is_ours]
    by_actor: dict[str, list[_Witnessed]] = {}
    for witnessed in theirs:
        actor = witnessed.judged.change.actor
        by_actor.setdefault((actor.id or actor.name).lower(), []).append(witnessed)
    for of_one_actor in by_actor.values():
        folded += [witnessed.judged for witnessed in _paired(of_one_actor, rules)]
    return folded


class _Witnessed(Struct, frozen=True):
    """An action, and which logs have a record of it: none of them has a second one."""

    judged: JudgedChange
    sources: frozenset[str]

    def joined(self, other: "_Witnessed") -> "_Witnessed":
        return _Witnessed(_merged(self.judged, other.judged), self.sources | other.sources)


def in_order(changes: Sequence[JudgedChange], origin: Leaves, rules: LeafRules) -> tuple[JudgedChange, ...]:
    """Order changes by their instants, and within a second by old and new values.

    Clocks of a service differ by less than a second, and some logs give no more than seconds.
    """
    ordered: list[JudgedChange] = []
    standing = _Standing(leaves=dict(origin))
    by_instant = sorted(changes, key=lambda judged: (judged.change.at, judged.change.id))
    for _, group in groupby(by_instant, key=lambda judged: int(judged.change.at.timestamp())):
        same_second = list(group)
        if len(same_second) > 1 and _may_share_a_leaf(same_second):
            same_second = _by_values(same_second, standing, rules)
        for judged in same_second:
            standing = standing.after(judged.change, rules)
        ordered += same_second
    return tuple(ordered)


def _paired(witnessed: list[_Witnessed], rules: LeafRules) -> list[_Witnessed]:
    """Pair the changes of one actor that different logs tell."""
    by_source: dict[str, list[_Witnessed]] = {}
    for one in _by_instant(witnessed):
        by_source.setdefault(min(one.sources), []).append(one)
    folded: list[_Witnessed] = []
    for source in sorted(by_source):
        folded = _pair_two(folded, by_source[source], rules)
    return folded


def _pair_two(ones: list[_Witnessed], others: list[_Witnessed], rules: LeafRules) -> list[_Witnessed]:
    """Pair each of the ones with the first of the others that may tell of the same action and has no partner yet.

    Those that tell the same go first: else a change without values could be paired with another one and hide behind it.
    """
    free, folded = list(others), dict[int, _Witnessed]()
    for may_be_copy in (_is_exact_copy, _is_partial_copy):
        for position, one in enumerate(ones):
            twin = next(
                (
                    each
                    for each in free
                    if one.sources.isdisjoint(each.sources)
                    and may_be_copy(one.judged.change, each.judged.change, rules)
                ),
                None,
            )
            if position not in folded and twin is not None:
                free.remove(twin)
                folded[position] = one.joined(twin)
    return _by_instant([*(folded.get(position, one) for position, one in enumerate(ones)), *free])


def _by_instant(witnessed: Iterable[_Witnessed]) -> list[_Witnessed]:
    return sorted(witnessed, key=lambda one: (one.judged.change.at, one.judged.change.id))


def _is_exact_copy(one: ObjectChange, other: ObjectChange, rules: LeafRules) -> bool:
    return (
        one.op is other.op
        and one.is_whole is other.is_whole
        and one.wrote.keys() == other.wrote.keys()
        and _agree(one, other, rules)
    )


def _is_partial_copy(one: ObjectChange, other: ObjectChange, rules: LeafRules) -> bool:
    """Whether two changes of which one tells less may be the same: both made or deleted it, or they share a leaf."""
    if one.is_whole and other.is_whole:
        return False
    less, more = (one, other) if other.is_whole or len(one.wrote) < len(other.wrote) else (other, one)
    is_one_op = one.op is other.op and one.op is not Op.UPDATE
    is_creation = {one.op, other.op} == {Op.CREATE, Op.UPDATE}  # events don't always tell them apart
    is_part = one.op is other.op and bool(less.wrote) and less.wrote.keys() <= more.wrote.keys()
    return (is_one_op or is_creation or is_part) and _agree(one, other, rules)


def _agree(one: ObjectChange, other: ObjectChange, rules: LeafRules) -> bool:
    """Whether two changes are close enough and say the same of every leaf that both tell of."""
    return abs(one.at - other.at) <= COPIES_WITHIN and all(
        is_same(rules, leaf, mine, theirs)
        for leaf in one.wrote.keys() & other.wrote.keys()
        for mine, theirs in zip(one.wrote[leaf], other.wrote[leaf], strict=True)
    )


def _merged(one: JudgedChange, other: JudgedChange) -> JudgedChange:
    """Join two copies: the name of the one that came first, the earlier instant, and all that either tells."""
    first, second = sorted((one, other), key=lambda judged: (judged.change.arrived_at, judged.change.id))
    a, b = first.change, second.change
    wrote = a.wrote if a.is_whole else b.wrote if b.is_whole else {**b.wrote, **a.wrote}
    cases = dict(zip(a.detections, a.cases, strict=False)) | dict(zip(b.detections, b.cases, strict=False))
    change = replace(
        a,
        at=min(a.at, b.at),
        op=Op.CREATE if Op.CREATE in {a.op, b.op} else a.op,
        wrote=wrote,
        is_whole=a.is_whole or b.is_whole,
        detections=tuple(dict.fromkeys((*a.detections, *b.detections))),
        cases=tuple(cases.values()) or a.cases or b.cases,
        risk=max(a.risk, b.risk, key=_RISKS.index),
        sent=a.sent or b.sent,
        whole_properties=tuple(sorted({*a.whole_properties, *b.whole_properties})),
        is_confirmed=a.is_confirmed or b.is_confirmed,
        is_expiry=a.is_expiry or b.is_expiry,
        is_own_use=a.is_own_use or b.is_own_use,
    )
    standing = first.standing if first.standing is second.standing else Standing.UNKNOWN
    return replace(first, change=change, standing=standing, is_live=first.is_live and second.is_live)


def _may_share_a_leaf(changes: Sequence[JudgedChange]) -> bool:
    """Whether the order of some changes matters: what a record doesn't tell may be a leaf of any other one."""
    leaves = [leaf for judged in changes for leaf in judged.change.wrote]
    are_known = all((one.is_whole or one.is_ours) and one.op is Op.UPDATE for one in (each.change for each in changes))
    return len(leaves) > len(set(leaves)) or not are_known


class _Standing(Struct, frozen=True, kw_only=True):
    """What stands after some changes, as far as their records tell; `is_whole` says that other leaves are absent."""

    leaves: dict[str, Json]
    is_whole: bool = True

    def after(self, change: ObjectChange, rules: LeafRules) -> "_Standing":
        leaves = dict(self.leaves)
        carry_out(change, leaves)
        if _may_make(change, rules):
            leaves[EXISTS] = True
        is_all_known = change.is_whole or change.is_ours or change.op is Op.DELETE
        if is_all_known:
            return _Standing(leaves=leaves, is_whole=self.is_whole or change.op is not Op.UPDATE)
        known = {leaf: value for leaf, value in leaves.items() if leaf == EXISTS or leaf in change.wrote}
        known |= {leaf: value for leaf, value in leaves.items() if property_of(leaf) in change.whole_properties}
        return _Standing(leaves=known, is_whole=False)

    def allows(self, change: ObjectChange, rules: LeafRules) -> bool:
        """Whether a change finds the old values that it tells."""
        if not _may_make(change, rules) and (change.op is Op.CREATE) is (self.leaves.get(EXISTS) is True):
            return False
        if change.op is Op.DELETE:
            return True
        return all(
            is_same(rules, leaf, self.leaves.get(leaf), old)
            for leaf, (old, _) in change.wrote.items()
            if self.is_whole or leaf in self.leaves
        )


def _may_make(change: ObjectChange, rules: LeafRules) -> bool:
    """Whether a record doesn't tell if its write found the object or made it."""
    return change.op is Op.UPDATE and not rules.tells_creations and not change.is_ours


def _by_values(changes: list[JudgedChange], standing: _Standing, rules: LeafRules) -> list[JudgedChange]:
    """Order the changes of one second so that each finds the old values that it tells, where there is such an order.

    Where there are several, the one that is nearest to the instants.
    """
    if len(changes) > _MOST_TO_TRY:
        return _one_after_the_other(changes, standing, rules)
    return _continued(changes, standing, rules) or changes


def _continued(left: list[JudgedChange], standing: _Standing, rules: LeafRules) -> list[JudgedChange] | None:
    if not left:
        return []
    for position, judged in enumerate(left):
        if standing.allows(judged.change, rules):
            rest = _continued(left[:position] + left[position + 1 :], standing.after(judged.change, rules), rules)
            if rest is not None:
                return [judged, *rest]
    return None


def _one_after_the_other(changes: list[JudgedChange], standing: _Standing, rules: LeafRules) -> list[JudgedChange]:
    left, now, ordered = list(changes), standing, list[JudgedChange]()
    while left:
        judged = next((each for each in left if now.allows(each.change, rules)), left[0])
        left.remove(judged)
        now = now.after(judged.change, rules)
        ordered.append(judged)
    return ordered


def _source(change: ObjectChange) -> str:
    return change.source or change.log


def _activity(event: Event) -> str:
    match event:
        case AuditEvent():
            return fold(event.activity)
        case ResourceEvent():
            return event.operation.lower()
        case SignInEvent() | CountEvent():
            return event.log


def _targets(event: Event) -> tuple[Target, ...]:
    return event.targets if isinstance(event, AuditEvent) else (event.target,)


def _target(target: Target) -> list[object]:
    properties = sorted([change.name, change.old or "", change.new or ""] for change in target.changes)
    return [(target.id or target.name).lower(), properties]
