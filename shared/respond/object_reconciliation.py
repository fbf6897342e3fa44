"""The decisions of one run over one object, until it is settled, waits, or is left to people."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.model.cases import Standing
from shared.model.errors import EdgeError
from shared.model.kinds import Image
from shared.model.objects import (
    WHOLE,
    JudgedChange,
    LeafVerdict,
    Noticed,
    ObjectChange,
    Objection,
    ObjectPlan,
    ObjectState,
    Op,
    Verdict,
    Version,
)
from shared.objects.folding import fold_copies
from shared.objects.guards import GUARDS, HOURLY_LIMIT
from shared.objects.new_leaves import may_have_new_leaves, read_kind_leaves
from shared.objects.planning import plan_object
from shared.respond.asked_cases import Looked, write_asked_cases
from shared.respond.drift_cases import write_drift_cases
from shared.respond.listing_times import LISTS_WITHIN, listed_at
from shared.respond.log_answers import ASKED_EACH, LOOKS_BACK, take_answers, waits_for_records
from shared.respond.named_applications import held_back, with_named_applications
from shared.respond.object_cases import PutBack, Ruling, unproven, write_cases
from shared.respond.object_confirming import ask_whose, confirm_changes, with_creation
from shared.respond.object_deciding import Around, Decided, decide, summary_of
from shared.respond.object_ends import end_of
from shared.respond.object_intake import Arrived
from shared.respond.object_notices import publish_asked, publish_notices, publish_shut_out
from shared.respond.object_run import ObjectRun, Reading, Unread, first_state, risk_of, versions_with
from shared.respond.object_writing import NotWritten, Planned, Wrote, carry_out, with_id
from shared.respond.own_writes import claim, maker_of
from shared.respond.waking import wake_pending

_log = logging.getLogger("responder.objects")

BACKOFF: Final = tuple(timedelta(seconds=each) for each in (15, 60, 300, 900, 3600))
"""The pauses before an object is looked at again while something forbids what would be done."""

_SOON: Final = timedelta(seconds=15)
_MOST_DECISIONS: Final = 4
"""How often a run decides again because something moved, before a later run does."""

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0

_JUDGED_WITHOUT_LOOK: Final = frozenset(guard.id for guard in GUARDS) | {one.name.lower() for one in Verdict}
"""What an object may wait for that is judged without what is around it."""


class Reconciliation:
    """One run's way through an object, under the lease of its lane."""

    def __init__(
        self, run: ObjectRun, tenants_id: str, arrived: Sequence[Arrived], unlisted_at: datetime | None
    ) -> None:
        self._run = run
        self._runtime = run.runtime
        self._tenants_id = tenants_id
        self._unlisted_at = unlisted_at
        self._arrived = tuple(one.change for one in arrived)
        self._name = next((one.name for one in arrived), "")
        self._put_back: list[PutBack] = []
        self._thefts: frozenset[str] = frozenset()
        self._is_waiting = False
        self._held_until: datetime | None = None
        self._has_asked_log = False
        self._around: Around | None = None

    def go(self, reading: Reading) -> None:
        """Decide and write, again where something moved, and leave the object settled or noted."""
        reading = self._with_own_id(reading)
        for _ in range(_MOST_DECISIONS):
            self._run.keep_lease()
            reading, state, plan = self._visible(reading)
            judged = self._run.judged(reading)
            if isinstance(reading.image, Unread):
                self._leave(reading, state, plan, judged, {WHOLE: _unreadable(reading.image)})
                return
            if unread := reading.authority.unread:
                self._leave(reading, state, plan, judged, {WHOLE: _unjudged(unread)})
                return
            if reading.missing:
                self._leave(reading, state, plan, judged, {WHOLE: _incomplete(state)})
                return
            decided = decide(self._run, plan, judged, reading, self._around)
            if decided.planned is not None and self._around is None and _was_objected_to(state):
                # It would most likely be planned, noted and given up again, at each look.
                self._around = Around(read=self._run.around(decided.planned.facts))
                decided = decide(self._run, plan, judged, reading, self._around)
            if decided.planned is None:
                self._note_waiting(decided, state)
                self._leave(reading, state, plan, judged, decided.objections)
                return
            result = carry_out(self._run, reading, plan.state, decided.planned)
            if isinstance(result, Wrote):
                reading = self._after(decided.planned, reading, result)
            elif result.objection is None:
                reading = self._looked_at(result)
            else:
                reading = msgspec.structs.replace(reading, kept=result.kept)
                plan = msgspec.structs.replace(plan, state=result.kept.state)
                self._leave(reading, state, plan, judged, {**decided.objections, WHOLE: result.objection})
                return
        self._leave_moving(reading)

    def _leave_moving(self, reading: Reading) -> None:
        """Leave what something moved under at each try: people hear of it, and it is tried again soon, however often.

        Who moves something again and again must not win by it.
        """
        _log.warning("object %s kept moving", self._run.id.key)
        reading, state, plan = self._visible(reading)
        because = "it, or what it leans on, moved at each try, or the look took too long"
        soon = self._runtime.clock() + _SOON
        moving = Objection(guard="moving", because=because, can_pass=True, until=soon)
        objections = {WHOLE: moving} if plan.op is not None else {}
        self._leave(reading, state, plan, self._run.judged(reading), objections)

    # What is read.

    def _looked_at(self, result: NotWritten) -> Reading:
        """Decide again by what the look read, or by a new one where there was none."""
        if result.look is None:
            self._around = None
            return self._with_changes(self._run.start_reading(result.kept.state.ids[-1])())
        self._around = Around(read=result.around)
        return self._with_changes(msgspec.structs.replace(result.look, kept=result.kept))

    def _with_own_id(self, reading: Reading) -> Reading:
        """Take the object by its own key and the tenant's present id, where the record named another one."""
        reading = self._as_the_maker_knows_it(reading)
        if reading.kept is None:
            return self._with_changes(reading)
        state = reading.kept.state
        if state.id != self._run.id:
            # Records name it by another id of it, and are stored under that.
            for change in self._arrived:
                self._runtime.objects.add_change(state.id, change)
            self._runtime.objects.adopt_changes(self._run.id, state.id)
            self._run.id, self._tenants_id = state.id, state.ids[-1]
            return self._with_changes(self._run.start_reading(self._tenants_id)())
        if state.ids[-1].lower() != self._tenants_id.lower():
            self._tenants_id = state.ids[-1]
            reading = msgspec.structs.replace(reading, image=self._run.read_image(self._tenants_id))
        return self._with_changes(reading)

    def _as_the_maker_knows_it(self, reading: Reading) -> Reading:
        """Take what the responder made again under another id for the object that it is, whose id nobody knew yet."""
        known = {change.id for change in reading.changes}
        changes = (*reading.changes, *(one for one in self._arrived if one.id not in known))
        other = maker_of(self._run, changes, reading.kept.state if reading.kept is not None else None)
        if other is None:
            return reading
        state = with_id(other.state, self._tenants_id)
        if reading.kept is None:
            self._runtime.objects.replace(other, state)
        else:
            self._runtime.objects.absorb(other, state, reading.kept)
        return self._run.start_reading(self._tenants_id)()

    def _with_changes(self, reading: Reading) -> Reading:
        """Add the changes that were being stored meanwhile, tell our own apart, ask of those only a delivery told."""
        known = {change.id for change in reading.changes}
        changes = (*reading.changes, *(one for one in self._arrived if one.id not in known))
        changes = with_named_applications(self._run, changes)
        reading = msgspec.structs.replace(reading, changes=changes)
        claimed = claim(self._run, self._state(reading), reading)
        self._thefts |= claimed.thefts
        found, self._is_waiting = confirm_changes(self._run, claimed.changes, reading.image, claimed.state)
        kept = reading.kept
        if kept is not None and claimed.state != kept.state:
            kept = self._run.replace(kept, claimed.state)
        found, authority = ask_whose(self._run, found, reading.authority, claimed.state)
        found = with_creation(self._run, found, reading.image)
        found, self._held_until = held_back(self._run, found, authority, claimed.state)
        found = self._with_risks(found, reading.standing_image, claimed.state)
        return msgspec.structs.replace(reading, kept=kept, changes=found, authority=authority)

    def _with_risks(
        self, changes: Sequence[ObjectChange], image: Image | None, state: ObjectState
    ) -> tuple[ObjectChange, ...]:
        """Give the changes with the risk that they deserve by what the object is or was; that isn't stored."""
        at_most = risk_of(self._run, self._run.leaves(image), state)
        return tuple(msgspec.structs.replace(one, risk=one.risk.at_most(at_most)) for one in changes)

    def _visible(self, reading: Reading) -> tuple[Reading, ObjectState, ObjectPlan]:
        """Plan; soon after a change read again while the tenant doesn't show it: its services agree only in the end."""
        pause = _FIRST_PAUSE
        while True:
            state = self._state(reading)
            plan = self._plan(state, self._run.judged(reading), reading)
            if (end := end_of(self._run, reading, plan)) is not None:
                self._runtime.objects.add_change(self._run.id, end)
                reading = msgspec.structs.replace(reading, changes=(*reading.changes, end))
                continue
            if self._is_answered_by_log(state, plan):
                reading = self._with_changes(self._run.start_reading(self._tenants_id)())
                continue
            newest = max((one.at for one in reading.changes if one.id not in state.settled), default=None)
            now = self._runtime.clock()
            if newest is None or now >= min(newest, now) + self._runtime.settings.read_back:
                return reading, state, plan
            if not self._is_behind(reading, plan):
                return reading, state, plan
            self._runtime.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            reading = self._with_changes(self._run.start_reading(self._tenants_id)())

    def _is_answered_by_log(self, state: ObjectState, plan: ObjectPlan) -> bool:
        """Whether the tenant's own log says what nobody explained so far; it is asked once a run. Raises EdgeError."""
        if self._has_asked_log or not waits_for_records(self._run, plan):
            return False
        self._has_asked_log = True
        seen_at = min((one.since for one in plan.state.differing), default=self._runtime.clock())
        return take_answers(self._run, state, seen_at - LOOKS_BACK)

    def _is_behind(self, reading: Reading, plan: ObjectPlan) -> bool:
        if isinstance(reading.image, Unread):
            return reading.image.can_pass
        untold = {Verdict.WAIT_UNTOLD, Verdict.WAIT_STALE}
        return (
            self._is_waiting
            or any(one.verdict in untold for one in plan.verdicts.values())
            or self._hides_the_newest(reading)
        )

    def _hides_the_newest(self, reading: Reading) -> bool:
        """Whether what the newest change wrote isn't there: what was read may be from before it."""
        theirs = [one for one in reading.changes if not one.is_ours and one.is_confirmed]
        newest = max(theirs, key=lambda one: one.at, default=None)
        if newest is None or any(one.is_ours and one.at >= newest.at for one in reading.changes):
            return False
        stands = self._run.leaves(reading.standing_image)
        if newest.op is not Op.UPDATE:
            return bool(stands) is (newest.op is Op.DELETE)
        same = self._run.kind.rules.same
        return any(not same(leaf, stands.get(leaf), new) for leaf, (_, new) in newest.wrote.items())

    def _state(self, reading: Reading) -> ObjectState:
        if reading.kept is not None:
            return reading.kept.state
        if self._unlisted_at is None and self._run.kind.is_first_write is not None:
            self._unlisted_at = self._unlisted_before()
        return first_state(self._run, reading, self._tenants_id, self._name, unlisted_at=self._unlisted_at)

    def _unlisted_before(self) -> datetime | None:
        """Give when a whole listing lacked an object of which the first record is here. Raises EdgeError."""
        at = listed_at(self._runtime.storage, self._run.kind, self._run.tenant)
        return at - LISTS_WITHIN if at else None

    def _plan(self, state: ObjectState, judged: Sequence[JudgedChange], reading: Reading) -> ObjectPlan:
        if isinstance(reading.image, Unread):
            return ObjectPlan(state=state, baseline={}, verdicts={})
        plan = self._planned(state, judged, reading)
        if not may_have_new_leaves(plan):
            return plan
        added = self._added()
        return self._planned(state, judged, reading, added) if added else plan

    def _planned(
        self, state: ObjectState, judged: Sequence[JudgedChange], reading: Reading, added: Sequence[Noticed] = ()
    ) -> ObjectPlan:
        return plan_object(
            state,
            judged,
            self._run.version_read(reading),
            self._run.kind.rules,
            now=self._runtime.clock(),
            added=added,
            removal=self._run.kind.removal,
        )

    def _added(self) -> Sequence[Noticed]:
        """Read which leaves were added to every object of the kind. Raises EdgeError."""
        seen = read_kind_leaves(self._runtime.storage, self._run.tenant.id, self._run.kind.kind)
        return seen.added if seen is not None else ()

    # What was written.

    def _after(self, planned: Planned, reading: Reading, wrote: Wrote) -> Reading:
        """Go on with what was read back; the write is part of the history now."""
        done = PutBack(
            changes=planned.changes,
            steps=planned.steps,
            summary=planned.summary,
            proof=wrote.proof,
            before=wrote.before,
            at=wrote.at,
        )
        self._put_back.append(done)
        self._around = None
        publish_shut_out(self._run, planned)
        self._tenants_id = wrote.kept.state.ids[-1]
        own = (wrote.change,) if wrote.change is not None else ()
        return msgspec.structs.replace(
            reading,
            kept=wrote.kept,
            changes=(*reading.changes, *own),
            image=wrote.image,
            at=wrote.shown_from,
            read_at=wrote.shown_at,
        )

    # What is left behind.

    def _note_waiting(self, decided: Decided, state: ObjectState) -> None:
        """Note that the object waits for a place among those of the hour, or that it does no more."""
        if decided.waiting:
            self._runtime.spending.wait(state.id, decided.waiting, at=self._runtime.clock())
        elif any(one.guard == HOURLY_LIMIT for one in state.pending.values()):
            self._runtime.spending.wait_no_more(state.id)

    def _leave(
        self,
        reading: Reading,
        before: ObjectState,
        plan: ObjectPlan,
        judged: Sequence[JudgedChange],
        objections: Mapping[str, Objection],
    ) -> None:
        """Write the cases and the state, and note when the object is to be looked at again."""
        self._run.wait_for_writes()
        now = self._runtime.clock()
        is_unproven = bool(unproven(plan.state, now))
        can_pass = any(one.can_pass and one.until is None for one in objections.values())
        # A replica catches up in its own time, long before what it lacks isn't waited for any more.
        is_stale = any(one.verdict is Verdict.WAIT_STALE for one in plan.verdicts.values())
        can_pass = can_pass or self._is_waiting or is_unproven or is_stale
        attempts = plan.state.attempts + 1 if can_pass else 0
        asks_at = now + ASKED_EACH if waits_for_records(self._run, plan) else None
        looks = (
            _next_look(plan.verdicts, objections, now, attempts=attempts),
            self._held_until,
            plan.shows_at,
            asks_at,
        )
        next_look = min((each for each in looks if each is not None), default=None)
        if next_look is not None:
            self._runtime.due.note(self._run.id, next_look)
        ruling = Ruling(
            state=plan.state,
            verdicts=plan.verdicts,
            objections=objections,
            put_back=self._put_back,
            would=self._would(reading, plan, judged),
            authority=reading.authority,
            now=now,
            thefts=self._thefts,
            unread=_what_is_unread(reading),
            at_most=risk_of(self._run, self._run.leaves(reading.standing_image), plan.state),
        )
        self._name_actors([*judged, *self._run.hinted(reading)], plan)
        # What two logs say of one action is one case.
        once = fold_copies([*judged, *_unconfirmed(reading.changes)], self._run.kind.rules)
        answered = write_cases(self._runtime, once, ruling)
        answered += write_asked_cases(
            self._run,
            Looked(state=plan.state, verdicts=plan.verdicts, objections=objections, put_back=self._put_back),
        )
        publish_notices(self._run, plan)
        publish_asked(self._run, plan.state, plan.verdicts, objections)
        image = reading.standing_image
        is_read = not isinstance(reading.image, Unread)
        drifts = write_drift_cases(self._run, plan, judged, image) if is_read else plan.state.drifts
        if reading.kept is None and image is not None:
            self._runtime.objects.keep_version(self._run.id, image)
        state = msgspec.structs.replace(
            plan.state,
            pending={**_waiting(plan.verdicts), **objections},
            answered=answered,
            attempts=attempts,
            next_look=next_look,
            drifts=drifts,
            looked_at=reading.at,
            versions=self._versions(plan.state, reading),
            name=self._run.kind.name_of(image) if image is not None else plan.state.name,
        )
        self._run.write_state(reading.kept, state)
        if self._put_back or state.versions != before.versions:
            wake_pending(self._runtime, self._run.id)

    def _name_actors(self, judged: Sequence[JudgedChange], plan: ObjectPlan) -> None:
        """Note who made changes that are open: nobody of them gets access back unasked."""
        now = self._runtime.clock()
        actors = {
            each.change.actor.id
            for each in judged
            if each.standing is Standing.UNAPPROVED and each.change.id not in plan.state.answered
        }
        for actor in sorted(actors - {""}):
            try:
                self._runtime.named_actors.name(self._run.tenant.id, actor, at=now)
            except EdgeError as error:
                # The same table is read before access is given back, and what can't be read forbids that.
                _log.warning("actor %s of an open case could not be noted: %s", actor, error)

    def _versions(self, state: ObjectState, reading: Reading) -> tuple[Version, ...]:
        """Add what was read, where it isn't as the version before, and keep it whole; the first one is kept as well."""
        if isinstance(reading.image, Unread):
            return state.versions
        versions = versions_with(state, self._run.version_read(reading))
        if reading.image is not None and (versions != state.versions or reading.kept is None):
            self._runtime.objects.keep_version(self._run.id, reading.image)
        return versions

    def _would(self, reading: Reading, plan: ObjectPlan, judged: Sequence[JudgedChange]) -> dict[str, str]:
        """Say of each change that mode enforce would put back what would be done."""
        if not any(verdict.verdict is Verdict.LISTED for verdict in plan.verdicts.values()):
            return {}
        live = [msgspec.structs.replace(each, is_live=each.standing is Standing.UNAPPROVED) for each in judged]
        supposed = self._plan(self._state(reading), live, reading)
        if supposed.op is None:
            return {}
        summary = summary_of(self._run.kind, plan.state, supposed.op, supposed.steps)
        return {
            verdict.change: summary for verdict in supposed.verdicts.values() if verdict.verdict is Verdict.PUT_BACK
        }


def _was_objected_to(state: ObjectState) -> bool:
    """Whether the kind's own guards or the tenant objected when the object was looked at last."""
    return any(one.guard not in _JUDGED_WITHOUT_LOOK for one in state.pending.values())


def _what_is_unread(reading: Reading) -> Objection | None:
    """Say what keeps anything from being said of the object's changes for good."""
    if isinstance(reading.image, Unread):
        return _unreadable(reading.image)
    return _unjudged(reading.authority.unread) if reading.authority.unread else None


def _incomplete(state: ObjectState) -> Objection:
    """Say that changes of an object are gone that were settled: what it is to be can't be told any more."""
    return Objection(
        guard="incomplete",
        because="changes of it that were answered are gone from storage, so what it is to be isn't known",
        can_pass=True,
        by_hand=f"bring it to how it is to be, and accept it: responder baseline show {state.id.key}",
    )


def _unjudged(because: str) -> Objection:
    because = f"it is not known who is approved and what is to be put back: {because}"
    return Objection(guard="authority", because=because, can_pass=True)


def _unreadable(unread: Unread) -> Objection:
    return Objection(guard="unreadable", because=f"it can't be read: {unread.because}", can_pass=unread.can_pass)


def _unconfirmed(changes: Sequence[ObjectChange]) -> list[JudgedChange]:
    return [
        JudgedChange(change=each, standing=Standing.UNKNOWN, because="the tenant hasn't confirmed that it was made")
        for each in changes
        if not each.is_confirmed
    ]


def _waiting(verdicts: Mapping[str, LeafVerdict]) -> dict[str, Objection]:
    """Give what waits or is for people by leaf, as the object's row and the lists show it."""
    return {
        leaf: Objection(guard=one.verdict.name.lower(), because=one.verdict.value, can_pass=one.verdict.waits)
        for leaf, one in verdicts.items()
        if one.verdict not in {Verdict.PUT_BACK, Verdict.LEFT}
    }


def _next_look(
    verdicts: Mapping[str, LeafVerdict], objections: Mapping[str, Objection], now: datetime, *, attempts: int
) -> datetime | None:
    """Say when to look again: when the first verdict or objection turns, or after the pause of what can pass."""
    until = [one.until for one in (*verdicts.values(), *objections.values()) if one.until is not None]
    turns = [min(max(one, now + BACKOFF[0]), now + BACKOFF[-1]) for one in until]
    if attempts or any(one.verdict.waits and one.until is None for one in verdicts.values()):
        turns.append(now + BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1])
    return min(turns, default=None)
