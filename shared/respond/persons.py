"""What a person decides about a guarded object: to accept how it stands, to leave what waits, to have it put back.

Each is an act in the journal before it takes effect. What a person accepts is what was shown, by its digest: an object
that was read otherwise since stays as it was. Nothing here asks the tenant: what was last read of the object counts.
"""

import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Act, What
from shared.model.errors import Rejected
from shared.model.kinds import Image
from shared.model.notices import SystemNotice
from shared.model.objects import (
    EXISTS,
    WHOLE,
    Acceptance,
    JudgedChange,
    Noticed,
    ObjectId,
    ObjectPlan,
    ObjectState,
    Verdict,
    Version,
)
from shared.objects.booking import without_own_records
from shared.objects.history import Entry, entries
from shared.objects.object_store import Kept
from shared.objects.planning import plan_object
from shared.objects.versions import is_past
from shared.objects.wishes import still_denied
from shared.respond.authority_reading import judge, start_reading
from shared.respond.components import Runtime


class Result(StrEnum):
    """What came of a person's act on an object."""

    DONE = "done"
    IN_PART = "done but for leaves of changes that wait for an answer"
    MOVED = "not done: it was read otherwise since it was shown"
    BUSY = "not done: it is being looked at; try again"
    NOTHING = "not done: nothing waits"
    ALREADY = "done already"
    NOT_ALL = "done in part: the rest is shown anew"


class Answered(Struct, frozen=True, kw_only=True):
    """What came of a person's act on an object, and the leaves that it doesn't cover."""

    id: ObjectId
    result: Result
    uncovered: tuple[str, ...] = ()


class Shown(Struct, frozen=True, kw_only=True):
    """An object as a person sees it: its state, how it was last read, and what is decided about it."""

    state: ObjectState
    seen: Version
    plan: ObjectPlan


def show(runtime: Runtime, object_id: ObjectId) -> Shown:
    """Give an object as it was last read, with its baseline and what waits.

    Raises Rejected where there is no such object, and EdgeError.
    """
    kept = _kept(runtime, object_id)
    return _shown(runtime, kept)


class History(Struct, frozen=True, kw_only=True):
    """What happened to an object, oldest first. `broken` says where the chain of its versions isn't as it was made."""

    state: ObjectState
    entries: tuple[Entry, ...]
    broken: tuple[str, ...]


def history(runtime: Runtime, object_id: ObjectId) -> History:
    """Give all that is stored of what happened to an object. Raises as `show`."""
    kept = _kept(runtime, object_id)
    rules = runtime.kinds[kept.id.kind].rules
    return History(
        state=kept.state,
        entries=entries(kept.state, _judged(runtime, kept.state), rules),
        broken=runtime.objects.verify_chain(kept.id),
    )


def accept(runtime: Runtime, object_id: ObjectId, *, digest: str, by: str, reason: str) -> Answered:
    """Accept an object as it was shown: from now on its values may be written back.

    `digest` is that of the version that was shown, "" where the object didn't exist. Leaves of changes that aren't
    settled are never covered. Raises EdgeError, Rejected as `show`, and ValueError where `by` or `reason` is missing.
    """
    with held(runtime, object_id) as kept:
        if kept is None:
            return Answered(id=object_id, result=Result.BUSY)
        shown = _shown(runtime, kept)
        if shown.seen.digest != digest:
            return Answered(id=object_id, result=Result.MOVED)
        uncovered = _uncovered(shown)
        note(
            runtime,
            shown.state,
            What.ACCEPT_BASELINE,
            by=by,
            reason=reason,
            after={"digest": digest, "uncovered": list(uncovered)},
        )
        acceptance = Acceptance(
            at=shown.seen.at, by=by, leaves=dict(shown.seen.leaves), uncovered=uncovered, reason=reason
        )
        state = msgspec.structs.replace(
            kept.state,
            acceptances=(*kept.state.acceptances, acceptance),
            settled=kept.state.settled if uncovered else _still_known(runtime, kept),
            denied=still_denied(kept.state, acceptance),
        )
        write(runtime, kept, state)
        return Answered(id=kept.id, result=Result.IN_PART if uncovered else Result.DONE, uncovered=uncovered)


def reject(runtime: Runtime, object_id: ObjectId, *, by: str, reason: str) -> Answered:
    """Say that an object must not be accepted as it stands: what was accepted of it before is withdrawn.

    It counts as first seen again, so nothing of it is written back, and everybody is paged. Raises as `accept`.
    """
    with held(runtime, object_id) as kept:
        if kept is None:
            return Answered(id=object_id, result=Result.BUSY)
        state = kept.state
        note(runtime, state, What.WITHDRAW_BASELINE, by=by, reason=reason, after={"accepted": len(state.acceptances)})
        runtime.notifier.publish(
            SystemNotice(
                key=f"rejected {state.id.key} {runtime.clock():%Y%m%dT%H%M%S}",
                title="An object isn't accepted as it stands",
                text=f"{by} rejected {state.id.kind} {state.name} ({state.ids[-1]}): {reason}",
                what_to_do="Bring the object to how it should be, by hand. Then accept it: responder baseline accept.",
            )
        )
        write(runtime, kept, msgspec.structs.replace(state, acceptances=()))
        return Answered(id=kept.id, result=Result.DONE)


def leave(runtime: Runtime, object_id: ObjectId, *, leaves: Sequence[str], by: str, reason: str) -> Answered:
    """Leave what waits on an object: those leaves, at the values that they have, stay out of every target.

    Without `leaves`, all that waits. Raises as `accept`, and Rejected where one of the leaves doesn't wait.
    """
    with held(runtime, object_id) as kept:
        if kept is None:
            return Answered(id=object_id, result=Result.BUSY)
        shown = _shown(runtime, kept)
        waiting = set(shown.plan.verdicts) - {WHOLE}
        if unknown := sorted(set(leaves) - waiting):
            raise Rejected(
                f"nothing waits on {', '.join(unknown)}; there waits: {', '.join(sorted(waiting)) or 'nothing'}"
            )
        wanted = tuple(sorted(set(leaves) or waiting))
        if not wanted:
            return Answered(id=kept.id, result=Result.NOTHING)
        note(runtime, shown.state, What.LEAVE, by=by, reason=reason, after={"leaves": list(wanted)})
        now = runtime.clock()
        left = [Noticed(leaf=leaf, value=shown.seen.leaves.get(leaf), since=now) for leaf in wanted]
        others = [one for one in kept.state.left if one.leaf not in wanted]
        write(runtime, kept, msgspec.structs.replace(kept.state, left=(*others, *left)))
        return Answered(id=kept.id, result=Result.DONE)


def settle(runtime: Runtime, object_id: ObjectId, *, by: str, reason: str) -> Answered:
    """Have what stood while nothing was to be put back put back now, because a person says so.

    The changes count as live from now on; every guard that binds people still holds. Raises as `accept`.
    """
    with held(runtime, object_id) as kept:
        if kept is None:
            return Answered(id=object_id, result=Result.BUSY)
        shown = _shown(runtime, kept)
        changes = sorted(
            {one.change for one in shown.plan.verdicts.values() if one.verdict is Verdict.LISTED and one.change}
        )
        if not changes:
            return Answered(id=kept.id, result=Result.NOTHING)
        note(runtime, shown.state, What.SETTLE, by=by, reason=reason, after={"changes": changes})
        asked = tuple(dict.fromkeys((*kept.state.asked, *changes)))
        write(runtime, kept, msgspec.structs.replace(kept.state, asked=asked))
        return Answered(id=kept.id, result=Result.DONE)


def subject_of(object_id: ObjectId) -> str:
    """Name an object in the journal."""
    return f"object {object_id.kind} {object_id.tenant_id} {object_id.key}"


def note(runtime: Runtime, state: ObjectState, what: What, *, by: str, reason: str, after: Image) -> None:
    """Write an act on an object into the journal, before it takes effect."""
    act = Act(
        who=by, what=what, why=reason, when=runtime.clock(), subject=subject_of(state.id), before=None, after=after
    )
    journal.append(runtime.storage, act)


def write(runtime: Runtime, kept: Kept, state: ObjectState) -> None:
    """Store the state, and note the object as due before that."""
    now = runtime.clock()
    runtime.due.note(kept.id, now)
    runtime.objects.replace(kept, msgspec.structs.replace(state, next_look=now))


def _shown(runtime: Runtime, kept: Kept) -> Shown:
    state = kept.state
    seen = state.versions[-1] if state.versions else state.origin
    kind = runtime.kinds[state.id.kind]
    plan = plan_object(
        state,
        _judged(runtime, state),
        seen,
        kind.rules,
        now=runtime.clock(),
        removal=kind.removal,
    )
    return Shown(state=state, seen=seen, plan=plan)


def _judged(runtime: Runtime, state: ObjectState) -> list[JudgedChange]:
    """Give the object's changes that are confirmed and not compacted, each with its actor's standing."""
    authority = start_reading(runtime, state.id.kind)()
    changes = without_own_records(runtime.objects.changes(state.id), state.intents)
    known = [one for one in changes if one.is_confirmed and not is_past(state, one)]
    return [judge(runtime, change, authority, state) for change in known]


def _still_known(runtime: Runtime, kept: Kept) -> tuple[str, ...]:
    """Give the settled changes without those that are gone: what a person accepts as a whole needs them no more."""
    gone = runtime.objects.missing(kept, runtime.objects.changes(kept.id))
    return tuple(one for one in kept.state.settled if one not in gone)


def _uncovered(shown: Shown) -> tuple[str, ...]:
    """Give the leaves that belong to changes that aren't settled: accepting a listing must not bless them.

    One that no record explains yet may belong to such a change too, until its grace is over. Of an object that such a
    change may have deleted every leaf does.
    """
    plan = shown.plan
    covered = {Verdict.BRACKETED, Verdict.OFFER, Verdict.LEFT}
    unsettled = {
        leaf for leaf, one in plan.verdicts.items() if one.verdict.waits or (one.change and one.verdict not in covered)
    }
    if EXISTS in unsettled and not shown.seen.leaves:
        unsettled |= plan.baseline.keys()
    return tuple(sorted(unsettled - {WHOLE}))


def _kept(runtime: Runtime, object_id: ObjectId) -> Kept:
    kept = runtime.objects.read(object_id)
    if kept is None or object_id.kind not in runtime.kinds:
        raise Rejected(f"no {object_id.kind} object has the key {object_id.key}")
    return kept


@contextmanager
def held(runtime: Runtime, object_id: ObjectId) -> Generator[Kept | None]:
    """Hold the lease of an object's lane for one act; None where another run holds it."""
    kept = _kept(runtime, object_id)
    lane = runtime.kinds[kept.id.kind].lane(kept.id, kept.state.ids[-1], None)
    lease = runtime.leases.take([lane], f"{uuid.uuid4()}")
    if lease is None:
        yield None
        return
    try:
        yield _kept(runtime, kept.id)
    finally:
        runtime.leases.release(lease)
