"""Judges a difference by the general guards and the kind's own, as a whole and leaf by leaf.

A guard objects to single leaves or to the whole difference. What couldn't be read is an objection too, one that can
pass. A difference that is refused as a whole is judged again in parts: what harms nobody is put back, the rest is
pending, each leaf under its own objection.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.model.objects import WHOLE, Objection, Op, Step
from shared.objects.general_guards import GUARDS, HOURLY_LIMIT
from shared.objects.guard_facts import Assessed, Facts, Guard, Place, Reason, Spent, Waiting

__all__ = [
    "GUARDS",
    "HOURLY_LIMIT",
    "Allowed",
    "Assessed",
    "Facts",
    "Guard",
    "Place",
    "Reason",
    "Spent",
    "Waiting",
    "allowed",
    "objections",
]


class Allowed(Struct, frozen=True, kw_only=True):
    """What may be written, and the objection to each leaf that may not. `op` is None where nothing may."""

    op: Op | None
    steps: dict[str, Step]
    objections: dict[str, Objection]


def objections(facts: Facts, guards: Sequence[Guard] = GUARDS) -> dict[str, Objection]:
    """Give what the guards and the kind object to in a difference, by leaf or `WHOLE`."""
    found: dict[str, Objection] = {}
    for guard in guards:
        if facts.is_asked and not guard.binds_people:
            continue
        for leaf, reason in guard.judge(facts).items():
            objection = Objection(guard=guard.id, because=reason.because, can_pass=guard.can_pass, until=reason.until)
            found.setdefault(leaf, objection)
    for leaf, objection in facts.assessed.objections.items():
        found.setdefault(leaf, objection)
    return found


def allowed(
    facts: Facts, assess: Callable[[Op, Mapping[str, Step]], Assessed], guards: Sequence[Guard] = GUARDS
) -> Allowed:
    """Give the part of a difference that may be written, and the objection to each leaf of the rest.

    `assess` asks the kind about a part of the difference; `facts.assessed` isn't read.
    """
    whole_only = {guard.id for guard in guards if not guard.in_parts}
    refused: dict[str, Objection] = {}

    def judge(steps: Mapping[str, Step]) -> dict[str, Objection]:
        return objections(replace(facts, steps=steps, assessed=assess(facts.op, steps)), guards)

    left = dict(facts.steps)
    found = judge(left)
    while WHOLE not in found and found.keys() & left.keys():
        refused |= {leaf: objection for leaf, objection in found.items() if leaf in left}
        left = {leaf: step for leaf, step in left.items() if leaf not in refused}
        found = judge(left) if left else {}
    is_one = facts.op is not Op.UPDATE or facts.takes_away
    if WHOLE in found and (is_one or found[WHOLE].guard in whole_only):
        refused |= dict.fromkeys(left, found[WHOLE])
        left = {}
    elif found:
        left, more = _in_parts(left, judge)
        refused |= more
    if left and is_one and refused:
        refused |= dict.fromkeys(left, next(iter(refused.values())))
        left = {}
    return Allowed(op=facts.op if left else None, steps=left, objections=refused)


def _in_parts(
    steps: Mapping[str, Step], judge: Callable[[Mapping[str, Step]], dict[str, Objection]]
) -> tuple[dict[str, Step], dict[str, Objection]]:
    """Add half after half of a difference to what may be written, down to single leaves, as long as nothing objects."""
    fine: dict[str, Step] = {}
    refused: dict[str, Objection] = {}
    waiting = [sorted(steps)]
    while waiting:
        part = waiting.pop()
        found = judge({**fine, **{leaf: steps[leaf] for leaf in part}})
        if not found:
            fine |= {leaf: steps[leaf] for leaf in part}
        elif len(part) == 1:
            refused[part[0]] = found.get(part[0]) or found.get(WHOLE) or next(iter(found.values()))
        else:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    return fine, refused
