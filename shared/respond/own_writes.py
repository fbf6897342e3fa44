"""What the responder itself wrote: its own records are matched with its intents, and intents left open with the object.

An own act is approved only by an intent in the ledger. Anything else under the responder's identity means that somebody
has it, and everybody is paged at once.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from shared.model.events import Actor, ActorKind
from shared.model.objects import Intent, IntentState, ObjectChange, ObjectState, Op, Recorded, Version
from shared.objects import booking
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
    # What a write of ours is in the history goes before the record of it, which only proves it.
    kept = {one.id: one for one in reading.changes if not one.intent or one.id == f"own {one.intent}"}
    thefts: list[str] = []
    for change in [one for one in kept.values() if _is_under_our_name(run, one) and not one.intent]:
        intent = explaining(run, state, change)
        if intent is None:
            thefts.append(change.id)
            continue
        run.runtime.objects.replace_change(run.id, msgspec.structs.replace(change, intent=intent.id))
        state, own = booked(run, state, intent, at=change.at, is_proven=True, changes=[*kept.values()])
        del kept[change.id]
        kept |= {one.id: one for one in own}
    state, opened = _resumed(run, state, [*kept.values()], reading)
    kept |= {one.id: one for one in opened}
    return Claimed(state=state, changes=tuple(kept.values()), thefts=frozenset(thefts))


def explaining(run: ObjectRun, state: ObjectState, change: ObjectChange) -> Intent | None:
    """Give the intent that explains a record of ours, None where none does or it wrote what nobody intended."""
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
        made_first=run.kind.made_first,
    )
    if not found.is_theft:
        return found.intent
    if change.op is Op.DELETE:
        return None
    # An event doesn't tell a creation from an update, what is made again is made disabled and enabled after, and a
    # whole object that is put where somebody has just deleted it is made.
    other = Op.CREATE if change.op is Op.UPDATE else Op.UPDATE
    wrote = [intent for intent in state.intents if intent.op is other]
    found = booking.judge_own_record(
        [msgspec.structs.replace(intent, op=change.op) for intent in wrote],
        recorded,
        change.at,
        run.kind.rules,
        read_back=read_back,
    )
    return None if found.is_theft else next((one for one in wrote if found.intent and one.id == found.intent.id), None)


def booked(
    run: ObjectRun,
    state: ObjectState,
    intent: Intent,
    *,
    at: datetime,
    is_proven: bool,
    changes: Sequence[ObjectChange],
) -> tuple[ObjectState, list[ObjectChange]]:
    """Note that an intent was carried out at an instant; gives the state, and the own change where it is new or proved.

    The instant is that of its answer or of our own record: between the decision and the write somebody else may have
    made a change.
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
    if known is not None and (known.is_whole or not is_proven):
        return state, []
    if known is None:
        run.runtime.objects.add_change(run.id, own)
        return state, [own]
    proved = msgspec.structs.replace(known, is_whole=True)
    run.runtime.objects.replace_change(run.id, proved)
    return state, [proved]


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
    """Whether the object itself says that the responder wrote it since: that the target stands proves nothing."""
    image = reading.standing_image
    if image is None or not seen.leaves:
        return False
    made = run.kind.made(image)
    by, at = (made.by, made.at) if intent.op is Op.CREATE else (made.changed_by, made.changed_at)
    return bool(by) and by == run.tenant.responder_id.lower() and at is not None and at >= intent.at


def _is_under_our_name(run: ObjectRun, change: ObjectChange) -> bool:
    return bool(run.tenant.responder_id) and change.actor.id.lower() == run.tenant.responder_id.lower()
