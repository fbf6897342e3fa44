"""What the responder itself wrote: its own records are matched with its intents, and intents left open with the object.

An own act is approved only by an intent in the ledger. Anything else under the responder's identity means that somebody
has it, and everybody is paged at once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from shared.model.events import Actor, ActorKind, Log
from shared.model.kinds import Json
from shared.model.objects import (
    Intent,
    IntentState,
    ObjectChange,
    ObjectState,
    Op,
    Recorded,
    Step,
    Version,
)
from shared.objects import booking
from shared.objects.object_store import Kept
from shared.respond.object_run import ObjectRun, Reading


class Claimed(Struct, frozen=True, kw_only=True):
    """The object's state and changes with the responder's own writes told apart, and the ids of thefts."""

    state: ObjectState
    changes: tuple[ObjectChange, ...]
    thefts: frozenset[str]


def claim(run: ObjectRun, state: ObjectState, reading: Reading) -> Claimed:
    """Match records under the responder's identity with intents, and settle intents that were left open.

    Raises EdgeError where what was found can't be stored.
    """
    # Two logs may tell of an action in one second, which gives both the same id.
    kept = {(one.id, one.at): one for one in reading.changes}
    thefts: list[str] = []
    for change in [one for one in kept.values() if not one.intent and _may_be_ours(run, one)]:
        history = [one for one in kept.values() if not booking.is_own_record(one)]
        found = explaining(run, state, change)
        if found.intent is None or found.is_theft:
            if _is_under_our_name(run, change):
                thefts.append(change.id)
            continue
        intent = found.intent
        kept[change.id, change.at] = msgspec.structs.replace(change, intent=intent.id)
        run.runtime.objects.replace_change(run.id, kept[change.id, change.at])
        part = booking.proven(intent, change, run.version_read(reading), history, run.kind.rules)
        state, own = booked(run, state, part, at=change.at, is_proven=True, changes=history, found=found)
        kept |= {(one.id, one.at): one for one in own}
    state, opened = _resumed(run, state, [*kept.values()], reading)
    kept |= {(one.id, one.at): one for one in opened}
    changes = booking.without_own_records(kept.values(), state.intents)
    return Claimed(state=state, changes=changes, thefts=frozenset(thefts))


def maker_of(run: ObjectRun, changes: Sequence[ObjectChange], state: ObjectState | None) -> Kept | None:
    """Find the object that the responder made again under this id, where only its own records tell that it did.

    The answer to the creation was lost, or the run died: then nobody knows yet that the two are one object. `state` is
    that of the object under this id, None where it is new. Raises EdgeError.
    """
    ours = [one for one in changes if not one.intent and _is_under_our_name(run, one) and one.op is not Op.DELETE]
    if state is not None:
        ours = [one for one in ours if explaining(run, state, one).is_theft]
    if not ours:
        return None
    objects = run.runtime.objects
    for object_id in objects.being_made(run.tenant.id, run.kind.kind):
        kept = objects.read(object_id) if object_id != run.id else None
        if kept is not None and any(_may_have_made(run, kept.state, one) for one in ours):
            return kept
    return None


def _may_have_made(run: ObjectRun, state: ObjectState, change: ObjectChange) -> bool:
    """Whether a record of ours tells of a creation of an object of which it isn't known yet what became of it."""
    if run.kind.lane(state.id, state.ids[-1], None) != run.kind.lane(run.id, change.object_id, None):
        return False
    found = explaining(run, state, change)
    is_known = found.intent is None or found.intent.state in {IntentState.BOOKED, IntentState.NOT_SENT}
    return not found.is_theft and not is_known and found.intent is not None and found.intent.op is Op.CREATE


def explaining(run: ObjectRun, state: ObjectState, change: ObjectChange) -> booking.OwnRecord:
    """Say which intent explains a record of ours, and what it tells besides."""
    recorded = Recorded(
        object_id=change.object_id, name=state.name, op=change.op, wrote=change.wrote, is_whole=change.is_whole
    )
    # What was read back after the write and nobody sent, the service filled in; our record may name it too.
    read_back = {noticed.leaf: noticed.value for noticed in state.filled}
    found = booking.judge_own_record(
        state.intents,
        recorded,
        change.at,
        run.kind.rules,
        read_back=read_back,
        made_as=_made_as(run, state, change),
    )
    if not found.is_theft or change.op is Op.DELETE:
        return found
    # An event doesn't tell a creation from an update, what is made again is set as it is to be after, and a whole
    # object that is put where somebody has just deleted it is made.
    other = Op.CREATE if change.op is Op.UPDATE else Op.UPDATE
    wrote = [intent for intent in state.intents if intent.op is other]
    found = booking.judge_own_record(
        [_as_other(intent, change) for intent in wrote],
        recorded,
        change.at,
        run.kind.rules,
        read_back=read_back,
    )
    intent = next((one for one in wrote if found.intent is not None and one.id == found.intent.id), None)
    finished = change.wrote if change.op is Op.UPDATE else {}
    return msgspec.structs.replace(found, intent=intent, finished=finished)


def _made_as(run: ObjectRun, state: ObjectState, change: ObjectChange) -> Mapping[str, Json]:
    """Say what the object may have been made as: as its kind makes it first, or whatever came out of the bin.

    Nobody makes an object under an id that it had before, so a creation under such an id tells of the bin. Whoever
    takes an object out of there writes nothing: it has what was deleted, and what Microsoft added meanwhile.
    """
    is_from_bin = run.kind.has_bin and change.object_id in state.ids
    return {leaf: new for leaf, (_, new) in change.wrote.items()} if is_from_bin else run.kind.made_first


def _as_other(intent: Intent, change: ObjectChange) -> Intent:
    """Give an intent as what a record calls it: a creation as the update that finished it, an update as a creation.

    What a creation doesn't name isn't to be there.
    """
    steps = dict(intent.steps)
    if change.op is Op.UPDATE:
        steps |= {leaf: step for leaf, step in change.wrote.items() if step[1] is None and leaf not in steps}
    return msgspec.structs.replace(intent, op=change.op, steps=steps)


def booked(
    run: ObjectRun,
    state: ObjectState,
    intent: Intent,
    *,
    at: datetime,
    is_proven: bool,
    changes: Sequence[ObjectChange],
    found: booking.OwnRecord | None = None,
) -> tuple[ObjectState, list[ObjectChange]]:
    """Note that an intent was carried out at an instant; gives the state, and the own change where it is new or proved.

    The instant is that of its answer or of our own record: between the decision and the write somebody else may have
    made a change. `found` is what our own record tells, where that has come.
    """
    now = run.runtime.clock()
    own = booking.own_change(
        intent,
        actor=Actor(id=run.tenant.responder_id, name="Entra Responder", kind=ActorKind.SERVICE_PRINCIPAL),
        at=at,
        booked_at=now,
        is_proven=is_proven,
    )
    known = next((change for change in changes if change.id == own.id), None)
    if is_proven:
        state = booking.booked(state, intent.id)
    if known is None:
        own = msgspec.structs.replace(own, wrote=_unfinished(own.wrote, found))
        run.runtime.objects.add_change(run.id, own)
        return state, [own]
    # Of a claim it wasn't known yet how far the write came, and each of several requests has a record of its own.
    more = intent.steps if intent.op is Op.UPDATE else {}
    wrote = {**more, **known.wrote} if known.is_whole else _unfinished(known.wrote, found)
    proved = msgspec.structs.replace(known, is_whole=True, wrote=_finished(wrote, intent, found))
    if not is_proven or proved == known:
        return state, []
    run.runtime.objects.replace_change(run.id, proved)
    return state, [proved]


def _unfinished(wrote: Mapping[str, Step], found: booking.OwnRecord | None) -> dict[str, Step]:
    """Give what a write of ours wrote, with the leaves that the object was made with otherwise than intended."""
    made = {**wrote, **(found.unfinished if found else {})}
    return {leaf: step for leaf, step in made.items() if step != (None, None)}


def _finished(wrote: Mapping[str, Step], intent: Intent, found: booking.OwnRecord | None) -> dict[str, Step]:
    """Give what a write of ours wrote, with the leaves as intended that were set after the object was made.

    What was taken away again then isn't among the intended: somebody had written it since the object was made.
    """
    finished = {leaf: intent.steps.get(leaf, step) for leaf, step in found.finished.items()} if found else {}
    return {**wrote, **finished}


def _resumed(
    run: ObjectRun, state: ObjectState, changes: Sequence[ObjectChange], reading: Reading
) -> tuple[ObjectState, list[ObjectChange]]:
    """Say what became of intents that a run that died, or a lost answer, left open."""
    if all(intent.state is not IntentState.OPEN for intent in state.intents):
        return state, []
    seen = run.version_read(reading)
    found = booking.resolve_open(state.intents, seen, run.kind.rules, now=run.runtime.clock())
    opened: list[ObjectChange] = []
    for intent in found.showing:
        is_proven = is_made_by_us(run, intent, reading, seen)
        state, own = booked(run, state, intent, at=intent.at, is_proven=is_proven, changes=changes)
        opened += own
    for intent in found.gone:
        state = booking.closed(state, intent.id, IntentState.CLOSED)
    return state, opened


def is_made_by_us(run: ObjectRun, intent: Intent, reading: Reading, seen: Version) -> bool:
    """Whether the object itself says that the responder wrote it since: that the target stands proves nothing.

    Of several tries it was the last one before the object says that it was written.
    """
    image = reading.standing_image
    if image is None or not seen.leaves:
        return False
    made = run.kind.made(image)
    by, at = (made.by, made.at) if intent.op is Op.CREATE else (made.changed_by, made.changed_at)
    if by != run.tenant.responder_id.lower() or not by or at is None or at < intent.at:
        return False
    tries = reading.kept.state.intents if reading.kept is not None else ()
    return not any(one.op is intent.op and intent.at < one.at <= at for one in tries if _was_sent(one))


def _was_sent(intent: Intent) -> bool:
    return intent.state is not IntentState.NOT_SENT


def _may_be_ours(run: ObjectRun, change: ObjectChange) -> bool:
    return _is_under_our_name(run, change) or _is_by_a_service_for_somebody(run, change)


def _is_by_a_service_for_somebody(run: ObjectRun, change: ObjectChange) -> bool:
    """Whether the tenant's own log names a service that took something away, which may have been for us.

    PIM removes what we ask it to, and the directory's log says that PIM did. No more than that it is gone can come of
    taking such a record for ours.
    """
    is_deletion = change.log is Log.AUDIT and change.op is Op.DELETE
    is_by_service = change.actor.kind is ActorKind.SERVICE_PRINCIPAL
    return (
        is_deletion and is_by_service and not change.is_confirmed and not change.is_denied and run.kind.is_by_a_service
    )


def _is_under_our_name(run: ObjectRun, change: ObjectChange) -> bool:
    return bool(run.tenant.responder_id) and change.actor.id.lower() == run.tenant.responder_id.lower()
