"""What happened to one object, oldest first: who changed what, what people accepted, what nobody's record tells.

Read from what is stored; nothing here decides anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from msgspec import Struct

from shared.model.cases import change_case_id
from shared.model.object_kinds import LeafRules
from shared.model.objects import Acceptance, JudgedChange, ObjectChange, ObjectState, Op, Step, Version
from shared.objects.comparing import differences, is_same
from shared.objects.versions import REPLICA_LAG, WrittenChange, all_versions, first_version, written_changes


class Happening(StrEnum):
    """What happened."""

    FIRST_READ = "first read"
    COMPACTED = "compacted: what was before it isn't kept"
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    PUT_BACK = "put back by the responder"
    FOUND = "found so, and no record says by whom"
    ACCEPTED = "accepted"
    ASKED = "asked for by a person"


_OF_OP: Final[Mapping[Op, Happening]] = {
    Op.CREATE: Happening.CREATED,
    Op.UPDATE: Happening.CHANGED,
    Op.DELETE: Happening.DELETED,
}


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened. `who` is a name for people, `who_id` the directory's object id, "" where it isn't known.

    `steps` are leaves with their old and new value; `is_all` says that nothing else was written. `standing` says
    whether who did it may, `because` why, or the reason that a person gave. `case` is the case that it opened.
    """

    at: datetime
    what: Happening
    who: str = ""
    who_id: str = ""
    standing: str = ""
    because: str = ""
    steps: dict[str, Step] = {}
    is_all: bool = True
    case: str = ""


def entries(state: ObjectState, history: Sequence[JudgedChange], rules: LeafRules) -> tuple[Entry, ...]:
    """Give all that is known to have happened to an object. `history` is in order."""
    versions = all_versions(state, first_version(state, history))
    written = written_changes(history, versions, rules)
    found = [
        _beginning(state),
        *map(_change, written),
        *_found(sorted((state.origin, *state.versions), key=lambda one: one.at), written, rules),
        *(_acceptance(one) for one in state.acceptances),
    ]
    return tuple(sorted(found, key=lambda entry: entry.at))


def version_at(state: ObjectState, at: datetime) -> Version | None:
    """Give the object as it was last read by an instant; None where no version is kept from before it."""
    read = [one for one in (state.origin, *state.versions) if (one.until or one.at) <= at]
    return max(read, key=lambda one: one.at, default=None)


def _beginning(state: ObjectState) -> Entry:
    return Entry(at=state.origin.at, what=Happening.COMPACTED if state.accounted else Happening.FIRST_READ)


def _acceptance(one: Acceptance) -> Entry:
    if one.wish is None:
        return Entry(at=one.at, what=Happening.ACCEPTED, who=one.by, because=one.reason, is_all=not one.uncovered)
    steps = {leaf: (one.stood(leaf), one.leaves.get(leaf)) for leaf in one.only or {**one.wish.stood, **one.leaves}}
    return Entry(at=one.at, what=Happening.ASKED, who=one.by, because=f"{one.wish.act}: {one.reason}", steps=steps)


def _change(written: WrittenChange) -> Entry:
    change, judged = written.change, written.judged
    return Entry(
        at=change.at,
        what=Happening.PUT_BACK if change.is_ours else _OF_OP[change.op],
        who=change.actor.name,
        who_id=change.actor.id,
        standing="" if change.is_ours else judged.standing,
        because="" if change.is_ours else judged.because,
        steps=written.wrote,
        is_all=written.is_all,
        case=_case(change),
    )


def _case(change: ObjectChange) -> str:
    if not change.detections or change.is_ours:
        return ""
    return change.cases[0] if change.cases else change_case_id(change.id, change.at)


def _found(versions: Sequence[Version], written: Sequence[WrittenChange], rules: LeafRules) -> Iterator[Entry]:
    """Say where an object was read otherwise than before, though no change that is known wrote what stands then."""
    for before, after in pairwise(versions):
        until = after.until or after.at
        between = [one for one in written if before.at - REPLICA_LAG <= one.change.at <= until]
        is_gone = any(one.change.op is not Op.UPDATE for one in between)
        steps = {
            leaf: (old, new)
            for leaf, (old, new) in differences(rules, before.leaves, after.leaves).items()
            if not any(leaf in one.wrote and is_same(rules, leaf, one.wrote[leaf][1], new) for one in between)
        }
        if steps and not is_gone:
            yield Entry(at=after.at, what=Happening.FOUND, steps=steps)
