"""Writes of the responder's own: whether one shows, which intent explains a record of ours, and what it wrote besides.

A write that was answered with success is in the history from its answer on. One whose answer isn't known is ours only
by our own record, or where the object itself names us as its maker: that the target stands proves nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from shared.model.events import Actor, Log
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    Intent,
    IntentState,
    JudgedChange,
    Leaves,
    Noticed,
    ObjectChange,
    ObjectState,
    Op,
    Recorded,
    Step,
    Version,
    list_of,
    sent_value,
)
from shared.objects.attribution import OWN_RECORD_WITHIN
from shared.objects.comparing import is_same

LISTING_LAG: Final = timedelta(minutes=10)
"""A listing may not show what was made this long ago: before that, nothing is made a second time."""

WRITTEN_WITHIN: Final = timedelta(minutes=2)
"""A write is sent, carried out and read back within this time of its intent; later nobody sends it any more."""

_CLOCKS_APART: Final = timedelta(seconds=30)
"""How far the log's clock may be behind ours."""

_CLOSED_AFTER: Final = timedelta(minutes=5)
"""An open intent that doesn't show by then wasn't carried out, as far as can be seen."""


class OwnRecord(Struct, frozen=True, kw_only=True):
    """What a record under our own identity tells.

    `intent` is the one that explains it, None where there is none. `covered` are leaves of parts that were sent whole,
    which somebody wrote before nobody had told of it; `filled` are leaves that the service filled in. `unfinished` are
    leaves that an object was made with and that were to be set after, `finished` those that then were set or taken
    away. `unexplained` are leaves that none of this explains.
    """

    intent: Intent | None
    covered: dict[str, Step] = {}
    unfinished: dict[str, Step] = {}
    finished: dict[str, Step] = {}
    filled: tuple[Noticed, ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def is_theft(self) -> bool:
        """Whether somebody has our identity: nothing that we intended explains it."""
        return self.intent is None or bool(self.unexplained)


class Resolved(Struct, frozen=True, kw_only=True):
    """What is seen of intents that a dead process or a lost answer left open.

    `showing` stand as intended: they enter the history, and the ledger only where it is proven that we wrote them.
    `gone` weren't carried out, as far as can be seen; our own record may still say otherwise.
    """

    showing: tuple[Intent, ...]
    gone: tuple[Intent, ...]


def shows(intent: Intent, seen: Version, rules: LeafRules) -> bool:
    """Whether a version shows what an intent was to write."""
    if intent.op is Op.DELETE:
        return not seen.leaves
    return bool(seen.leaves) and all(
        is_same(rules, leaf, seen.leaves.get(leaf), new) for leaf, (_, new) in intent.steps.items()
    )


def resolve_open(intents: Sequence[Intent], seen: Version, rules: LeafRules, *, now: datetime) -> Resolved:
    """Say which of the open intents show, and which are given up.

    A creation isn't given up while listings may lag. One that shows is given up where nothing proved in time that we
    wrote it: somebody else did.
    """
    showing: list[Intent] = []
    gone: list[Intent] = []
    for intent in intents:
        if intent.state is not IntentState.OPEN:
            continue
        patience = LISTING_LAG if intent.op is Op.CREATE else _CLOSED_AFTER
        if shows(intent, seen, rules) and now <= intent.at + OWN_RECORD_WITHIN:
            showing.append(intent)
        elif now > intent.at + patience:
            gone.append(intent)
    return Resolved(showing=tuple(showing), gone=tuple(gone))


def explaining(intents: Sequence[Intent], *, op: Op, at: datetime) -> Intent | None:
    """Give the intent that explains a record of ours: of that object and operation, between it and its read-back.

    An intent that is known not to have been sent explains nothing.
    """
    fitting = [
        intent
        for intent in intents
        if intent.op is op
        and intent.state is not IntentState.NOT_SENT
        and intent.at - _CLOCKS_APART <= at <= intent.at + WRITTEN_WITHIN
    ]
    return max(fitting, key=lambda intent: (intent.at <= at, intent.at), default=None)


def judge_own_record(
    intents: Sequence[Intent],
    recorded: Recorded,
    at: datetime,
    rules: LeafRules,
    *,
    read_back: Leaves | None = None,
    made_as: Leaves | None = None,
) -> OwnRecord:
    """Say what a record under our own identity tells. `read_back` is the object as the write was read back.

    `made_as` is what an object may be made as before it is set as it is to be: switched off, or as the bin gives it.
    """
    intent = explaining(intents, op=recorded.op, at=at)
    if intent is None:
        return OwnRecord(intent=None, unexplained=tuple(sorted(recorded.wrote)))
    covered: dict[str, Step] = {}
    unfinished: dict[str, Step] = {}
    filled: list[Noticed] = []
    unexplained: list[str] = []
    for leaf, (old, new) in sorted(recorded.wrote.items()):
        if _is_intended(intent, leaf, recorded.wrote[leaf], rules):
            continue
        if intent.op is Op.CREATE and made_as and leaf in made_as and is_same(rules, leaf, made_as[leaf], new):
            unfinished[leaf] = (None, new)
            continue
        if _is_swept(intent, leaf, recorded.wrote[leaf], rules):
            covered[leaf] = (old, new)
        elif old is None and read_back is not None and is_same(rules, leaf, read_back.get(leaf), new):
            filled.append(Noticed(leaf=leaf, value=new, since=at))
        else:
            unexplained.append(leaf)
    return OwnRecord(
        intent=intent,
        covered=covered,
        unfinished=unfinished,
        filled=tuple(filled),
        unexplained=tuple(unexplained),
    )


def proven(
    intent: Intent, record: ObjectChange, seen: Version, changes: Collection[ObjectChange], rules: LeafRules
) -> Intent:
    """Give an intent with the leaves only that our own record of it proves.

    A write may take several requests with a record each, and where the answer to one is lost the rest isn't sent. So of
    an update, a leaf that the record doesn't name was written if it shows, or if somebody wrote it afterwards.
    """
    if intent.op is not Op.UPDATE or not record.wrote or not seen.leaves:
        return intent
    later = {leaf for one in changes if not one.is_ours and one.at > intent.at for leaf in one.wrote}
    steps = {
        leaf: step
        for leaf, step in intent.steps.items()
        if leaf in record.wrote or leaf in later or is_same(rules, leaf, seen.leaves.get(leaf), step[1])
    }
    sent = {
        part: values for part, values in intent.sent.items() if any(sent_value({part: {}}, leaf)[0] for leaf in steps)
    }
    return replace(intent, steps=steps, sent=sent)


def own_change(
    intent: Intent, *, actor: Actor, at: datetime, booked_at: datetime, is_proven: bool, record: str = ""
) -> ObjectChange:
    """Give the change that a write of ours is in the object's history.

    `at` is when it was carried out: by our own record, else the instant of its answer. What isn't proven is only a
    claim, until our own record comes or doesn't.
    """
    return ObjectChange(
        id=f"own {intent.id}",
        log=Log.AUDIT,
        actor=actor,
        at=at,
        arrived_at=booked_at,
        op=intent.op,
        wrote=dict(intent.steps),
        is_whole=is_proven,
        object_id=intent.object_id,
        record=record,
        intent=intent.id,
        sent=intent.sent,
    )


def is_own_record(change: ObjectChange) -> bool:
    """Whether it is a record of a write of ours, and not what that write itself is in the history."""
    return change.is_ours and change.id != f"own {change.intent}"


def without_own_records(changes: Collection[ObjectChange], intents: Collection[Intent]) -> tuple[ObjectChange, ...]:
    """Leave out the records of our writes: they only prove what is in the history already, and say when that was.

    A write is booked with the instant of its answer. Somebody may have changed the object after it and before that, so
    it counts from the instant of its record, between the intent and the booking; of a write that took several requests,
    from the last one.
    """
    recorded: dict[str, datetime] = {}
    for change in changes:
        if is_own_record(change):
            recorded[change.intent] = max(change.at, recorded.get(change.intent, change.at))
    began = {intent.id: intent.at for intent in intents}

    def carried_out_at(change: ObjectChange) -> datetime:
        at = recorded.get(change.intent, change.at)
        return min(max(at, began.get(change.intent, at)), change.arrived_at) if change.is_ours else at

    return tuple(replace(change, at=carried_out_at(change)) for change in changes if not is_own_record(change))


def booked(state: ObjectState, intent_id: str) -> ObjectState:
    """Note that a write was carried out and is known to be ours."""
    return closed(state, intent_id, IntentState.BOOKED)


def closed(state: ObjectState, intent_id: str, how: IntentState) -> ObjectState:
    """Note what became of an intent. One that is booked stays booked."""
    return replace(
        state,
        intents=tuple(
            replace(each, state=how) if each.id == intent_id and each.state is not IntentState.BOOKED else each
            for each in state.intents
        ),
    )


def filled_in(
    intent: Intent, before: Leaves, after: Leaves, changes: Collection[JudgedChange], *, now: datetime
) -> tuple[Noticed, ...]:
    """Give the leaves that the service filled in after a write of ours: absent before, not sent, written by nobody.

    The record of a deletion names what went with the object; whoever deleted it didn't write it.
    """
    theirs = {
        leaf
        for each in changes
        if not each.change.is_ours and each.change.at > intent.at - WRITTEN_WITHIN
        for leaf, (_, new) in each.change.wrote.items()
        if new is not None
    }
    return tuple(
        Noticed(leaf=leaf, value=value, since=now)
        for leaf, value in after.items()
        if leaf not in before
        and leaf not in intent.steps
        and leaf != EXISTS
        and not list_of(leaf)
        and leaf not in theirs
        and intent.op is not Op.DELETE
    )


def _is_intended(intent: Intent, leaf: str, step: Step, rules: LeafRules) -> bool:
    if intent.op is Op.DELETE:
        return step[1] is None
    if leaf == EXISTS:
        return intent.op is Op.CREATE and step[1] is True
    return leaf in intent.steps and is_same(rules, leaf, intent.steps[leaf][1], step[1])


def _is_swept(intent: Intent, leaf: str, step: Step, rules: LeafRules) -> bool:
    is_sent, value = sent_value(intent.sent, leaf)
    return is_sent and is_same(rules, leaf, value, step[1])
