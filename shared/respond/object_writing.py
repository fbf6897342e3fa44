"""The write to the tenant: intent and before-image first, then the look and the write together, then read back.

A write is stored as an intent before it is sent, so that a run that dies leaves word of what it may have done. What is
looked at again right before the write is everything that was decided by: the object, its changes, the approvals, the
controls and what the guards judge by. Success is what was read back.
"""

import copy
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.errors import (
    BadIdentifier,
    DoneAlready,
    EdgeError,
    Locked,
    Refused,
    Rejected,
    ResponderError,
    Throttled,
    Unreachable,
)
from shared.model.kinds import Image
from shared.model.object_kinds import CameBack, GuardFacts, Search, Write
from shared.model.objects import (
    EXISTS,
    Intent,
    IntentState,
    Leaves,
    ObjectChange,
    Objection,
    ObjectState,
    Op,
    Sent,
    Step,
    list_of,
)
from shared.objects import booking
from shared.objects.comparing import differences
from shared.objects.new_leaves import read_kind_leaves
from shared.objects.object_store import Kept
from shared.respond.object_run import ObjectRun, Reading, Unread, versions_with
from shared.respond.own_writes import booked, is_made_by_us

_log = logging.getLogger("responder.objects")

LONGEST_LOOK: Final = timedelta(seconds=5)
"""The age of a look on which nothing is sent any more."""

LONGEST_AROUND: Final = timedelta(seconds=30)
"""How long ago what the kind's guards judge by may have been begun to be read. Conditional access allows one request a
second, so that alone takes seconds, and some more where something of it that doesn't matter can't be read. What moves
fastest is read last."""

LEAST_LEASE: Final = 10.0
"""The seconds of lease that a write needs."""

_REFUSED: Final = "refused"
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0
_NOTED_FOR: Final = timedelta(seconds=90)
"""After this another run takes up what a run that died left behind."""


class LookTooOld(ResponderError):
    """Too much time passed between the look and the write, so the write wasn't sent."""


class Planned(Struct, frozen=True, kw_only=True):
    """What is to be written, because of which changes of whom, and the sentence for people.

    `filled` are leaves that are left to the service. `facts` are what the kind's guards judged by, without what is
    around the object. `moved` says why the write must not be sent by what the look shows, "" where it may. `limits` are
    the places that an hour has for an actor and in all, None where a person asked.
    """

    op: Op
    steps: Mapping[str, Step]
    target: Leaves
    changes: tuple[str, ...]
    actors: tuple[str, ...]
    summary: str
    facts: GuardFacts
    moved: Callable[[Reading, Any], str]
    limits: tuple[int, int] | None
    source: Image | None = None
    filled: Leaves = {}


class Wrote(Struct, frozen=True, kw_only=True):
    """A write that was read back: the object as it is now, the own change, and the proof in words.

    The read that shows it began at `shown_from` and had ended by `shown_at`: somebody may have changed it since.
    """

    kept: Kept
    image: Image | None
    shown_from: datetime
    shown_at: datetime
    change: ObjectChange | None
    at: datetime
    proof: str
    before: str


class NotWritten(Struct, frozen=True, kw_only=True):
    """Nothing was written, or it isn't known. `objection` is None where something moved and it is decided again.

    `look` is what was read right before, and `around` what the kind's guards judge by; None where there was no look.
    """

    kept: Kept
    objection: Objection | None
    because: str
    look: Reading | None = None
    around: Any = None


class _Sent(Struct, frozen=True, kw_only=True):
    """A write that was sent: the tenant's id of the object, and the error where the answer was lost.

    `unfinished` are the leaves that the object came out of the bin with, otherwise than intended, and still has.
    """

    tenants_id: str
    lost: Unreachable | None = None
    unfinished: dict[str, Step] = {}


class _SecondRound(Struct, frozen=True, kw_only=True):
    """What was stored and read right before a write: `has_place` says that the hour's limit has a place for it.

    `around` is what the kind's guards judge by; it was begun to be read at `around_at`.
    """

    kept: Kept
    look: Reading
    around: Any
    around_at: datetime
    before: str
    has_place: bool


def carry_out(run: ObjectRun, reading: Reading, state: ObjectState, planned: Planned) -> Wrote | NotWritten:
    """Write what is planned, if nothing moved meanwhile.

    Raises EdgeError where storage fails before the write is sent, and LeaseLost where another run wrote the state.
    """
    intent = _intent(run, reading, state, planned)
    planned = msgspec.structs.replace(planned, filled=_left_to_service(run, state, planned))
    twin = _standing_twin(run, state, planned, intent) if planned.op is Op.CREATE else None
    second = _second_round(run, reading, state, intent, planned)
    kept, look = second.kept, second.look
    if not second.has_place:
        return _not_sent(run, kept, intent, "others took the last places of this hour")
    because = _what_moved(run, reading, look, planned) or planned.moved(look, second.around)
    if because:
        given_up = _not_sent(run, kept, intent, because)
        return msgspec.structs.replace(given_up, look=look, around=second.around)
    if twin is not None and not twin.is_unfinished:
        given_up = _not_sent(run, kept, intent, twin.because, tenants_id=twin.tenants_id)
        waits = Objection(guard="made-already", because=twin.because, can_pass=True)
        return given_up if twin.tenants_id else msgspec.structs.replace(given_up, objection=waits)
    sent = _send(run, second, planned, intent)
    if isinstance(sent, NotWritten):
        return sent
    return _read_back(run, look, kept, intent, planned=planned, sent=sent, before=second.before)


def _intent(run: ObjectRun, reading: Reading, state: ObjectState, planned: Planned) -> Intent:
    at = run.runtime.clock()
    part_of = run.kind.rules.part_of
    parts = {part_of(leaf) for leaf in planned.steps} - {""} if planned.op is Op.UPDATE else set[str]()
    sent: Sent = {part: {} for part in sorted(parts)}
    for leaf, value in sorted(planned.target.items()):
        if part_of(leaf) in parts:
            sent[part_of(leaf)][leaf.removeprefix(part_of(leaf))] = value
    return Intent(
        id=f"{state.id.key}-{at:%Y%m%dT%H%M%S%f}-{len(state.intents)}",
        at=at,
        op=planned.op,
        steps=dict(planned.steps),
        before=run.version(reading.standing_image, at).digest,
        sent=sent,
        actors=planned.actors,
        changes=planned.changes,
        object_id=state.ids[-1],
    )


def _second_round(
    run: ObjectRun, reading: Reading, state: ObjectState, intent: Intent, planned: Planned
) -> _SecondRound:
    """Store the intent and the image before, and look again, side by side; the write waits for all of it."""
    runtime, image = run.runtime, reading.standing_image
    intended = msgspec.structs.replace(
        state,
        # What stood is gone after the write; by it is known what a change wrote whose record doesn't say so.
        versions=versions_with(state, run.version_read(reading)),
        intents=(*state.intents, intent),
        next_look=intent.at + _NOTED_FOR,
    )
    noted = None
    if run.stands_noted != state.id:
        noted = runtime.start(lambda: runtime.due.note(state.id, intent.at + _NOTED_FOR))
    kept = runtime.start(lambda: run.write_state(reading.kept, intended))
    version = runtime.start(lambda: runtime.objects.keep_version(state.id, image) if image is not None else "")
    before = runtime.start(lambda: runtime.ledger.keep_before(state.id, intent.id, image))
    has_place = runtime.start(
        lambda: runtime.spending.take(
            state.id, intent.actors, limits=planned.limits, at=intent.at, spent=reading.of_tenant.spent
        )
    )
    around_at = runtime.clock()
    around = run.start_around(planned.facts, planned.op)
    look = run.start_reading(state.ids[-1], written=kept)
    written = kept()
    if noted is not None:
        run.noted.append(noted())
    version()
    looked = _with_confirmed(reading, look())
    run.wait_for_writes()
    return _SecondRound(
        kept=written, look=looked, around=around(), around_at=around_at, before=before(), has_place=has_place()
    )


def _with_confirmed(reading: Reading, look: Reading) -> Reading:
    """Give the look with what the tenant said of the changes: that may not be stored yet, or not at all."""
    said = {change.id: change for change in reading.changes if change.is_confirmed}
    changes = (
        said.get(change.id, change)
        if not change.is_confirmed
        else msgspec.structs.replace(change, op=said[change.id].op if change.id in said else change.op)
        for change in look.changes
    )
    return msgspec.structs.replace(look, changes=tuple(changes))


def _what_moved(run: ObjectRun, reading: Reading, look: Reading, planned: Planned) -> str:
    """Say what moved between the decision and the look, "" where nothing did."""
    if isinstance(look.image, Unread):
        return f"the object could not be read again: {look.image.because}"
    if differences(run.kind.rules, run.leaves(reading.standing_image), run.leaves(look.image)):
        return "the object moved"
    known = {change.id for change in reading.changes}
    if any(change.id not in known and not change.intent for change in look.changes):
        return "another change of it came"
    before, now = run.standings(reading), run.standings(look)
    if any(before.get(change) != standing for change, standing in now.items() if change in planned.changes):
        return "approvals, modes or the kill switch moved"
    return "its lease ends too soon" if run.lease_left() < LEAST_LEASE else ""


def _left_to_service(run: ObjectRun, state: ObjectState, planned: Planned) -> Leaves:
    """Give the leaves that a service fills in where an object is made again: nobody sends them, nor takes them away.

    Those that it had filled in before, and those that were added to every object of the kind since.
    """
    if planned.op is not Op.CREATE:
        return {}
    seen = read_kind_leaves(run.runtime.storage, run.tenant.id, run.kind.kind)
    added = seen.added if seen is not None else ()
    return {one.leaf: one.value for one in (*state.filled, *added) if one.leaf not in planned.target}


class _Twin(Struct, frozen=True, kw_only=True):
    """What keeps an object from being made again: it stands as `tenants_id`, or may ("").

    It is unfinished where an earlier write of ours made it, and died before it was set as it is to be.
    """

    because: str
    tenants_id: str = ""
    is_unfinished: bool = False


def _standing_twin(run: ObjectRun, state: ObjectState, planned: Planned, intent: Intent) -> _Twin | None:
    """Search for the object before it is made again: an earlier POST may have been carried out.

    Raises EdgeError where the search fails: nothing is made on doubt.
    """
    since = _tried_since(state, intent)
    found = run.kind.found(
        run.api,
        Search(
            ids=state.ids,
            name=state.name,
            target=planned.target,
            intent=intent.id,
            since=since or intent.at,
            filled=planned.filled,
            was_tried=since is not None,
        ),
    )
    if found is not None:
        tenants_id = run.kind.id_of(found)
        return _Twin(
            because=f"it stands already, as {tenants_id}",
            tenants_id=tenants_id,
            is_unfinished=_is_unfinished(run, state, found, planned),
        )
    if since is not None and run.runtime.clock() - since < booking.LISTING_LAG:
        return _Twin(because="it may have been made already, and the listing lags")
    return None


def _tried_since(state: ObjectState, intent: Intent) -> datetime | None:
    """Give the instant of the first write before this one that may have made the object; None where none may.

    One that is booked is known to have made it: what it made was deleted since.
    """
    known = {IntentState.NOT_SENT, IntentState.BOOKED}
    tries = (one for one in state.intents if one.op is Op.CREATE and one.state not in known and one.id != intent.id)
    return min((one.at for one in tries), default=None)


def _is_unfinished(run: ObjectRun, state: ObjectState, found: Image, planned: Planned) -> bool:
    """Whether an object is as an open write of ours makes it at first, and nothing else about it is otherwise."""
    made_first, rules = run.kind.made_first, run.kind.rules
    is_tried = any(one.op is Op.CREATE and one.state is IntentState.OPEN for one in state.intents)
    stands = run.leaves(found)
    others = [leaf for leaf in differences(rules, stands, planned.target) if leaf in planned.target]
    return (
        is_tried
        and bool(others)
        and all(leaf in made_first and rules.same(leaf, stands.get(leaf), made_first[leaf]) for leaf in others)
    )


def _send(run: ObjectRun, second: _SecondRound, planned: Planned, intent: Intent) -> _Sent | NotWritten:
    """Send the write once. Where one request of it was carried out, or may have been, a later refusal says nothing."""
    runtime, look, kept = run.runtime, second.look, second.kept
    latest = min(look.read_at + LONGEST_LOOK, second.around_at + LONGEST_AROUND)
    tries = refusals = 0

    def before_write() -> None:
        nonlocal tries
        is_late = tries == 0 and runtime.clock() > latest
        if is_late or run.lease_left() < LEAST_LEASE:
            raise LookTooOld("too much time passed since the look")
        tries += 1

    def after_refusal() -> None:
        nonlocal refusals
        refusals += 1

    api = copy.replace(run.api, before_write=before_write, after_refusal=after_refusal, repeats_lost_writes=False)

    write = Write(
        op=planned.op,
        object_id=intent.object_id,
        name=kept.state.name,
        steps=planned.steps,
        stands=look.standing_image,
        target=planned.target,
        source=planned.source,
        intent=intent.id,
        filled=planned.filled,
        tried_since=_tried_since(kept.state, intent),
    )
    try:
        return _as_sent(run, planned, run.kind.write(api, write))
    except Unreachable as lost:
        return _Sent(tenants_id=intent.object_id, lost=lost)
    except DoneAlready as found:
        # An earlier try may have made ours, which then was gone again: its record would be explained by the intent.
        how = IntentState.CLOSED if tries > refusals else IntentState.NOT_SENT
        return _not_sent(run, kept, intent, str(found), tenants_id=found.tenants_id, how=how)
    except (LookTooOld, Throttled, Refused, Rejected, BadIdentifier) as refused:
        if tries > refusals:
            return _Sent(tenants_id=intent.object_id, lost=Unreachable(str(refused)))
        if isinstance(refused, LookTooOld):
            return _not_sent(run, kept, intent, str(refused))
        return _objected(run, kept, intent, _objection_of(refused))


def _as_sent(run: ObjectRun, planned: Planned, written: str | CameBack) -> _Sent:
    if isinstance(written, str):
        return _Sent(tenants_id=written)
    came, differing = written.leaves, differences(run.kind.rules, written.leaves, planned.target)
    return _Sent(
        tenants_id=written.tenants_id,
        unfinished={leaf: (None, came.get(leaf)) for leaf in differing if leaf != EXISTS},
    )


def _objection_of(refused: Throttled | Refused | Rejected | BadIdentifier) -> Objection:
    """Say what a refused write means. All of it may pass but an id that can't be one."""
    match refused:
        case Throttled():
            return Objection(guard="throttled", because=f"the tenant is throttled: {refused}", can_pass=True)
        case Locked():
            return Objection(guard="lock", because=str(refused), can_pass=True, by_hand=refused.by_hand)
        case BadIdentifier():
            return Objection(guard="identifier", because=str(refused), can_pass=False)
        case _:
            because = f"the tenant refused it: {refused}"
            return Objection(guard=_REFUSED, because=because, can_pass=True, by_hand=refused.by_hand)


def _read_back(
    run: ObjectRun, look: Reading, kept: Kept, intent: Intent, *, planned: Planned, sent: _Sent, before: str
) -> Wrote | NotWritten:
    """Read until the write shows, for at most the setting's time; book it where it is known to be ours."""
    runtime = run.runtime
    own: list[ObjectChange] = []
    if sent.lost is None:
        # It is in the history from its answer on, not from its read-back.
        kept, own = _booked(run, kept, intent, sent, look, is_proven=True)
    shown = _read_until_shown(run, intent, sent.tenants_id)
    image = shown.image
    if isinstance(image, Unread):
        because = f"{sent.lost or 'the request was sent, but the object does not show it yet'} {image.because}".strip()
        return NotWritten(
            kept=kept, objection=Objection(guard="unproved", because=because, can_pass=True), because=because
        )
    if sent.lost is not None:
        back = msgspec.structs.replace(look, image=image)
        is_proven = is_made_by_us(run, intent, back, run.version(image, shown.at))
        kept, own = _booked(run, kept, intent, sent, look, is_proven=is_proven)
    after = (runtime.clock() - intent.at).total_seconds()
    return Wrote(
        kept=_with_filled(run, kept, intent, look, image),
        image=image,
        shown_from=shown.at,
        shown_at=shown.read_at,
        change=next(iter(own), None),
        at=runtime.clock(),
        proof=f"{_in_words(planned)}, as read back {after:.0f} s after it was decided",
        before=before,
    )


def _with_filled(run: ObjectRun, kept: Kept, intent: Intent, look: Reading, image: Image | None) -> Kept:
    """Note in the state what the service filled in by itself at the write; it is stored with the state's next write."""
    found = booking.filled_in(
        intent,
        run.leaves(look.standing_image),
        run.leaves(image),
        run.judged(look),
        now=run.runtime.clock(),
    )
    # What it fills in again counts from now on: it went with the object that was deleted.
    again = {(one.leaf, msgspec.json.encode(one.value)) for one in found}
    others = (one for one in kept.state.filled if (one.leaf, msgspec.json.encode(one.value)) not in again)
    state = msgspec.structs.replace(kept.state, filled=(*others, *found))
    return msgspec.structs.replace(kept, state=state)


class _Shown(Struct, frozen=True, kw_only=True):
    """What was read back last: that read began at `at` and had ended by `read_at`."""

    image: Image | Unread | None
    at: datetime
    read_at: datetime


def _read_until_shown(run: ObjectRun, intent: Intent, tenants_id: str) -> _Shown:
    runtime = run.runtime
    until = runtime.clock() + runtime.settings.read_back
    pause = _FIRST_PAUSE
    while True:
        at = runtime.clock()
        image = run.read_image(tenants_id)
        read = _Shown(image=image, at=at, read_at=runtime.clock())
        if not isinstance(image, Unread) and booking.shows(intent, run.version(image, at), run.kind.rules):
            return read
        left = (until - runtime.clock()).total_seconds()
        if left <= 0:
            return read if isinstance(image, Unread) else msgspec.structs.replace(read, image=Unread(because=""))
        runtime.wait(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _booked(
    run: ObjectRun, kept: Kept, intent: Intent, sent: _Sent, look: Reading, *, is_proven: bool
) -> tuple[Kept, list[ObjectChange]]:
    """Note that the write was carried out, in the object's history and state."""
    at = run.runtime.clock()
    found = booking.OwnRecord(intent=intent, unfinished=sent.unfinished)
    state, own = booked(run, kept.state, intent, at=at, is_proven=is_proven, changes=look.changes, found=found)
    state = with_id(state, sent.tenants_id)
    return run.replace(kept, msgspec.structs.replace(state, attempts=0)), own


def with_id(state: ObjectState, tenants_id: str) -> ObjectState:
    """Add an id by which the tenant knows the object now."""
    if not tenants_id or tenants_id.lower() == state.ids[-1].lower():
        return state
    others = tuple(one for one in state.ids if one.lower() != tenants_id.lower())
    return msgspec.structs.replace(state, ids=(*others, tenants_id))


def _not_sent(
    run: ObjectRun,
    kept: Kept,
    intent: Intent,
    because: str,
    *,
    tenants_id: str = "",
    how: IntentState = IntentState.NOT_SENT,
) -> NotWritten:
    """Give the write up; `tenants_id` is another id by which the object was found to stand."""
    _log.info("object %s: the write was given up: %s", kept.id.key, because)
    if how is IntentState.NOT_SENT:
        _give_place_back(run, intent)
    state = with_id(booking.closed(kept.state, intent.id, how), tenants_id)
    return NotWritten(kept=run.replace(kept, state), objection=None, because=because)


def _objected(run: ObjectRun, kept: Kept, intent: Intent, objection: Objection) -> NotWritten:
    # What was refused may have been carried out all the same: a record of ours would be explained by the intent.
    was_refused = objection.guard == _REFUSED
    _give_place_back(run, intent)
    state = booking.closed(kept.state, intent.id, IntentState.CLOSED if was_refused else IntentState.NOT_SENT)
    return NotWritten(kept=run.replace(kept, state), objection=objection, because=objection.because)


def _give_place_back(run: ObjectRun, intent: Intent) -> None:
    """Free the places that a write took which wasn't carried out. Where that fails they are free in an hour."""
    try:
        run.runtime.spending.give_back(run.id, at=intent.at)
    except EdgeError as error:
        _log.warning("places of the hour couldn't be given back: %s", error)


def _in_words(planned: Planned) -> str:
    if planned.op is Op.DELETE:
        return "the object is gone"
    if planned.op is Op.CREATE:
        return "the object exists as it was before"
    names = sorted({list_of(leaf) or leaf for leaf in planned.steps if leaf != EXISTS})
    return f"stands as before: {', '.join(names)}"
