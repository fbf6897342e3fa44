"""Rights that somebody was given: they are there or aren't, nothing of them can be changed, and none is given back.

What they are is their id. A record tells the whole of them, and the holder is `principalId`.
"""

from collections.abc import Mapping
from typing import Final, TypeGuard

from shared.model.events import AuditEvent, Event, Target, fold
from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules, Objections
from shared.model.objects import EXISTS, WHOLE, Leaves, Objection, Op, Step

HOLDER: Final = "principalId"

_DONE_BY_DIRECTORY: Final = ("success", "core directory")

RULES: Final = LeafRules(same=lambda _leaf, one, other: one == other, is_joint=lambda leaf: leaf == EXISTS)


def tells_of_directory(event: Event) -> TypeGuard[AuditEvent]:
    """Whether an event is a record of Core Directory, and what it tells of was done."""
    return isinstance(event, AuditEvent) and (fold(event.outcome), fold(event.service)) == _DONE_BY_DIRECTORY


def recorded_op(event: Event, activities: Mapping[str, Op]) -> Op | None:
    """Say what a record of Core Directory did to a right; None where it is about none, or failed."""
    return activities.get(fold(event.activity)) if tells_of_directory(event) else None


def value_in(target: Target, name: str) -> str:
    """Give a property's value, which a record has as the new or as the old one; `name` is folded."""
    return next((each.new or each.old or "" for each in target.changes if fold(each.name) == name), "").strip(' "')


def steps(values: Mapping[str, Json], op: Op) -> dict[str, Step]:
    """Give what somebody wrote who gave or took a right with these leaves."""
    return {leaf: (None, value) if op is Op.CREATE else (value, None) for leaf, value in values.items()}


def never_given(what: str, *, by_hand: str) -> Objections:
    """Object to giving a right; `by_hand` is the command for a person."""
    because = f"it would give {what}, which the responder never does"
    return {WHOLE: Objection(guard="never-given", because=because, can_pass=False, by_hand=by_hand)}


def loses(before: Leaves, after: Leaves) -> frozenset[str]:
    """Give who loses a right that is taken."""
    return frozenset({str(before[HOLDER])}) if HOLDER in before and not after else frozenset()


def gains(before: Leaves, after: Leaves) -> frozenset[str]:
    """Give who gets a right that is given."""
    return loses(after, before)
