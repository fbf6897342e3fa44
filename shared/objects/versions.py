"""What a change wrote, as far as it can be known: from its record, or from the versions that bracket it.

A record without whole values (custom policies, events of Azure resources, records that were cut short) wrote what
differs between the last version before it and the first later one that differs, unless another change may have had a
part in that.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    JudgedChange,
    Leaves,
    ObjectChange,
    ObjectState,
    Op,
    Provenance,
    Step,
    Version,
    property_of,
)
from shared.objects.comparing import carry_out, differences, is_same, unit_of

REPLICA_LAG: Final = timedelta(minutes=10)
"""A read may show an object as it was up to this long ago."""

_BEGINNING: Final = timedelta(microseconds=1)
"""How long before the first change a version is put that was worked back to."""


class WrittenChange(Struct, frozen=True, kw_only=True, eq=False):
    """A change with what it wrote as far as can be known. `is_all` says that it wrote nothing else."""

    judged: JudgedChange
    wrote: dict[str, Step]
    is_all: bool

    @property
    def change(self) -> ObjectChange:
        """The change itself."""
        return self.judged.change

    def is_bracketed(self, leaf: str) -> bool:
        """Whether only versions say that the change wrote this leaf."""
        return not self.change.is_whole and not self.change.is_ours and leaf not in recorded(self.change)


def recorded(change: ObjectChange) -> dict[str, Step]:
    """Give what a change wrote by its record alone; a deletion writes existence and nothing else."""
    match change.op:
        case Op.DELETE:
            return {EXISTS: (True, None)}
        case Op.CREATE:
            return {**change.wrote, EXISTS: (None, True)}
        case Op.UPDATE:
            return change.wrote


def is_past(state: ObjectState, change: ObjectChange) -> bool:
    """Whether a change lies in the past that was compacted: what it came to is in the baseline of `origin`."""
    return bool(state.accounted) and change.at <= state.origin.at


def first_version(state: ObjectState, history: Sequence[JudgedChange]) -> Version:
    """Give the version that the history starts from.

    That is the first one that was read, unless it was nobody's yet and changes are known from before it: those are
    worked back, since a creation's record proves that the object didn't exist, and an old value what stood.
    """
    origin = state.origin
    earlier = [judged.change for judged in history if judged.change.at <= origin.at]
    if not earlier or state.provenance is not Provenance.FIRST_SEEN or state.accounted:
        return origin
    leaves = dict(origin.leaves)
    left = list(earlier)
    while left:
        change = _latest_before(left, leaves)
        left.remove(change)
        leaves = _worked_back(leaves, change)
    return Version(at=earlier[0].at - _BEGINNING, leaves=leaves, source="worked back")


def all_versions(state: ObjectState, first: Version, seen: Version | None = None) -> tuple[Version, ...]:
    """Give all versions that are known, oldest first."""
    later = (state.origin, *state.versions) if seen is None else (state.origin, *state.versions, seen)
    return (first, *sorted((each for each in later if each.at > first.at), key=lambda each: each.at))


def written_changes(
    history: Sequence[JudgedChange], versions: Sequence[Version], rules: LeafRules
) -> tuple[WrittenChange, ...]:
    """Say of each change what it wrote. `history` and `versions` are in order."""
    return tuple(_written_change(position, history, versions, rules) for position in range(len(history)))


def needed_versions(
    history: Sequence[JudgedChange], versions: Sequence[Version], rules: LeafRules
) -> tuple[Version, ...]:
    """Give the versions that must be kept: the first, the last, and those that bracket changes without whole values."""
    keep = {0, len(versions) - 1} if versions else set[int]()
    for judged in history:
        if _is_known_by_its_record(judged.change):
            continue
        lower = _last_before(versions, judged.change.at)
        below = versions[lower] if lower is not None else Version(at=judged.change.at, leaves={})
        keep |= set() if lower is None else {lower}
        for position in range(0 if lower is None else lower + 1, len(versions)):
            keep.add(position)
            if differences(rules, below.leaves, versions[position].leaves):
                break
    return tuple(versions[position] for position in sorted(keep))


def _latest_before(changes: Sequence[ObjectChange], leaves: Leaves) -> ObjectChange:
    """Give the last change before these leaves stood; of several in its second, one that can have led to them.

    Records have no more than the second: a deletion leaves nothing there, and anything else something.
    """
    last = changes[-1]
    same = (each for each in reversed(changes) if each.at.replace(microsecond=0) == last.at.replace(microsecond=0))
    return next((each for each in same if (each.op is Op.DELETE) is not bool(leaves)), last)


def _worked_back(leaves: Leaves, change: ObjectChange) -> dict[str, Json]:
    """Give what stood before a change."""
    if change.op is Op.CREATE:
        return {}
    before = {**leaves, **{leaf: old for leaf, (old, _) in recorded(change).items()}}
    return {leaf: value for leaf, value in before.items() if value is not None}


def _is_known_by_its_record(change: ObjectChange) -> bool:
    return change.is_whole or change.is_ours or change.op is Op.DELETE


def _is_recorded_as_update(change: ObjectChange, rules: LeafRules) -> bool:
    """Whether a record says that the object was there. An event of an Azure resource says that it was written."""
    return change.op is Op.UPDATE and rules.tells_creations


def _written_change(
    position: int, history: Sequence[JudgedChange], versions: Sequence[Version], rules: LeafRules
) -> WrittenChange:
    judged = history[position]
    by_record = recorded(judged.change)
    if _is_known_by_its_record(judged.change):
        return WrittenChange(judged=judged, wrote=by_record, is_all=True)
    wrote, is_all = _bracketed(position, history, versions, rules) or ({}, False)
    # What differs in a property of which the record tells all is another's.
    known = set(judged.change.whole_properties)
    if _is_recorded_as_update(judged.change, rules):
        known.add(EXISTS)
    wrote = {leaf: step for leaf, step in wrote.items() if property_of(leaf) not in known}
    return WrittenChange(judged=judged, wrote={**wrote, **by_record}, is_all=is_all)


def _bracketed(
    position: int, history: Sequence[JudgedChange], versions: Sequence[Version], rules: LeafRules
) -> tuple[dict[str, Step], bool] | None:
    """Give what differs between the versions around a change, and whether that is all; None if it can't be known.

    Equal versions bracket nothing: the upper one may have come from a replica that was behind.
    """
    judged = history[position]
    lower = _lower(position, history, versions, rules)
    below = _below(position, history, versions[: 0 if lower is None else lower + 1], rules)
    if below is None:
        return None
    for above in versions[0 if lower is None else lower + 1 :]:
        # What was written while it was being read may be in it.
        later = [each for each in history[position + 1 :] if each.change.at <= (above.until or above.at)]
        if any(_may_hide(each, judged) for each in later):
            return None
        if not above.leaves and judged.change.op is Op.UPDATE:
            # An update leaves an object behind, so a deletion came after it, and what it wrote went with that.
            return (_made_anew(below, rules), True) if judged.is_live else None
        wrote, is_all = _above(below, above, later, rules)
        if above.at < judged.change.at and _is_contradicted(wrote, history[position + 1 :], rules):
            continue  # it was being read while the change was made, and gave what stood before it
        if wrote:
            return wrote, is_all and not _may_be_behind(above, judged.change, versions[: lower or 0], rules)
    return None


def _is_contradicted(wrote: Mapping[str, Step], later: Sequence[JudgedChange], rules: LeafRules) -> bool:
    """Whether the next record of a leaf says that something else stood before it."""
    for leaf, (_, new) in wrote.items():
        olds = (each.change.wrote[leaf][0] for each in later if leaf in each.change.wrote)
        if not is_same(rules, leaf, next(olds, new), new):
            return True
    return False


def _may_be_behind(above: Version, change: ObjectChange, earlier: Sequence[Version], rules: LeafRules) -> bool:
    """Whether a version after a change is as one was before it: a replica may give what stood before the change."""
    oldest = above.at - REPLICA_LAG
    if change.at <= oldest:
        return False
    begin = _last_before(earlier, oldest) or 0
    return any(not differences(rules, above.leaves, each.leaves) for each in earlier[begin:])


def _lower(position: int, history: Sequence[JudgedChange], versions: Sequence[Version], rules: LeafRules) -> int | None:
    """Give the position of the last version before a change.

    One that was being read while the change was made counts as before it where a later one differs from it, isn't as
    those before it (a replica may have been behind), and no other change is known that could explain that.
    """
    at = history[position].change.at
    lower = _last_before(versions, at)
    during = 0 if lower is None else lower + 1
    if during >= len(versions) or versions[during].at >= at:
        return lower
    known = [each.leaves for each in versions[max(during - 1, 0) : during + 1]]
    later = next(
        (each for each in versions[during + 1 :] if all(differences(rules, one, each.leaves) for one in known)), None
    )
    is_explained = later is None or any(each.change.at <= later.at for each in history[position + 1 :])
    return lower if is_explained else during


def _made_anew(below: "_Below", rules: LeafRules) -> dict[str, Step]:
    """Say that a write of what was gone made it, where records call that alike."""
    return {} if rules.tells_creations or EXISTS in below.leaves else {EXISTS: (None, True)}


class _Below(Struct, frozen=True):
    """What stood before a change, but for what the responder may have written before it: that is `masked`."""

    leaves: Leaves
    masked: frozenset[str] = frozenset()


def _below(
    position: int, history: Sequence[JudgedChange], earlier: Sequence[Version], rules: LeafRules
) -> _Below | None:
    """Give the version before a change with the known changes since; None if it can't be known what stood before it.

    `earlier` are the versions that were read before the change. Of changes that wrote together what no record tells,
    what the record of one tells is its own.
    """
    judged = history[position]
    if judged.change.op is Op.CREATE:
        return _Below({})  # its record proves that it didn't exist
    if not earlier:
        return None
    lower = earlier[-1]
    leaves: dict[str, Json] = dict(lower.leaves)
    masked = set[str]()
    for each in _unseen_before(position, history, lower):
        change = each.change
        if change.is_ours and not change.is_whole:
            masked |= _written_units(change) if change.at > lower.at else frozenset()
        elif not _is_known_by_its_record(change) and not _wrote_together(each, judged):
            return None
        else:
            _work_in(change, leaves, earlier, rules)
    return _Below(leaves, frozenset(masked))


def _work_in(change: ObjectChange, leaves: dict[str, Json], earlier: Sequence[Version], rules: LeafRules) -> None:
    """Carry out a change on the last of the earlier versions, as far as that one doesn't show it yet.

    Where a version before the last one shows it, the last one isn't behind it: somebody undid it, and no record says
    who.
    """
    if change.at > earlier[-1].at:
        carry_out(change, leaves)
        return
    shown = [version.leaves for version in earlier[:-1] if version.at > change.at]
    if change.op is not Op.UPDATE:
        if not any((EXISTS in each) is (change.op is Op.CREATE) for each in shown):
            carry_out(change, leaves)
        return
    for leaf, (old, new) in change.wrote.items():
        is_old = is_same(rules, leaf, leaves.get(leaf), old)
        if is_old and not any(is_same(rules, leaf, each.get(leaf), new) for each in shown):
            leaves[leaf] = new  # the version is behind this change


def _unseen_before(position: int, history: Sequence[JudgedChange], lower: Version) -> list[JudgedChange]:
    """Give the changes before this one that the version doesn't show, or may not show because a replica was behind."""
    found: list[JudgedChange] = []
    for each in reversed(history[:position]):
        if each.change.at <= lower.at:
            if each.change.at <= lower.at - REPLICA_LAG or not _is_known_by_its_record(each.change):
                break
            if (each.change.op is Op.CREATE) is (EXISTS in lower.leaves) and each.change.op is not Op.UPDATE:
                break  # the version is no older than it
        found.append(each)
    return found[::-1]


def _above(
    below: _Below, above: Version, later: Sequence[JudgedChange], rules: LeafRules
) -> tuple[dict[str, Step], bool]:
    """Give what differs from the later version, without what known changes after it wrote.

    Lists and leaves that the responder itself wrote after it tell nothing any more.
    """
    leaves, masked = dict(above.leaves), set(below.masked)
    for each in reversed(later):
        if each.change.is_ours:
            masked |= _written_units(each.change)
        elif each.change.is_whole or each.change.op is Op.UPDATE:
            leaves |= {leaf: old for leaf, (old, _) in each.change.wrote.items()}
    found = differences(rules, below.leaves, leaves)
    return {leaf: step for leaf, step in found.items() if unit_of(leaf) not in masked}, not masked


def _written_units(change: ObjectChange) -> frozenset[str]:
    return frozenset(unit_of(leaf) for leaf in change.wrote)


def _may_hide(other: JudgedChange, judged: JudgedChange) -> bool:
    """Whether a change after this one keeps secret what this one wrote."""
    if _wrote_together(other, judged):
        return False
    if other.change.op is not Op.UPDATE:
        return True
    return not _is_known_by_its_record(other.change)


def _wrote_together(one: JudgedChange, other: JudgedChange) -> bool:
    """Whether both are unapproved and live: it doesn't matter which of them wrote what."""
    return one.is_live and other.is_live


def _last_before(versions: Sequence[Version], at: datetime) -> int | None:
    """Give the position of the last version that had been read before an instant."""
    read = [position for position, version in enumerate(versions) if (version.until or version.at) < at]
    return read[-1] if read else None
