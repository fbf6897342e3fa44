"""The stages from a case on, in order, on one page: authorize → decide → act → record → notify.

`answer` takes one case to its end; `resume` finds what was left behind. Each may be killed at any point and run again:
what was done is found by its evidence, its row or by reading the tenant, never by memory. How records become cases
stands in `intake`.
"""

import dataclasses
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Final, assert_never

import msgspec

from shared.authority.standing import Authorization
from shared.clients.api import TenantEdges
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.conditions import any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.do_all import do_all
from shared.model.errors import BadIdentifier, EdgeError, LeaseLost, ResponderError, Throttled, Unreachable
from shared.model.events import Event, Log, ResourceEvent
from shared.model.kinds import Image, Mode, Risk
from shared.model.notices import SystemNotice
from shared.model.remediations import Already, Doubt, Look, Plan, Put, Remediation, Situation
from shared.notify.outbox import Page
from shared.objects.act import plan_until_done, put_back
from shared.objects.decide import Decided, Facts, decide
from shared.objects.history import earlier_case
from shared.respond.components import Runtime
from shared.respond.ledger import Held
from shared.respond.object_history import ObjectHistory, as_far_as_known, authorization_of, event_of, object_history_of

_log = logging.getLogger("responder.pipeline")

MOST_ATTEMPTS: Final = 6
LOCK_PAUSE: Final = timedelta(minutes=5)
"""How long a case that a management lock holds up is left alone before it is tried again."""

_BACKOFF: Final = timedelta(seconds=10)
_ATTEMPTS_AT_READING: Final = 3
"""How often a case is put off because the tenant can't be read, before the owners are paged instead."""


def answer(runtime: Runtime, tenant_id: str, case_id: str) -> Case | None:
    """Take a case to its end; gives it as it was left, None when there was nothing to do for this run.

    A service that fails puts the case off; after too many attempts it is paged instead. Storage that fails while that
    is written down is raised, for the host to retry.
    """
    held = runtime.ledger.claim(tenant_id, case_id)
    if held is None:
        return None
    run = _Run(runtime, held)
    try:
        run.go_or_put_off()
    except LeaseLost as lost:
        _log.warning("%s", lost)
    return run.held.case


def resume(runtime: Runtime) -> int:
    """Queue again what nobody holds any more, send the pages that wait, escalate those that nobody acknowledged.

    Gives how many cases were queued again. One that can't be read or queued keeps nothing else back, nor does a page.
    """
    try:
        return _queue_again(runtime)
    finally:
        # One after the other: to escalate changes rows that were waiting, and what is sent must be noted in them first.
        try:
            _send_all(runtime, runtime.notifier.due())
        finally:
            _escalate(runtime)


def _queue_again(runtime: Runtime) -> int:
    queued = do_all(
        runtime.settings.tenants,
        lambda tenant: do_all(
            runtime.ledger.unfinished(tenant.id),
            runtime.ledger.enqueue,
            failed=lambda case: f"case {case.id} could not be queued again",
            log=_log,
        ),
        failed=lambda tenant: f"not every unfinished case of {tenant.name} could be queued again",
        log=_log,
    )
    return sum(map(len, queued))


def _escalate(runtime: Runtime) -> None:
    written: list[Page] = []
    try:
        do_all(
            runtime.notifier.unacknowledged(),
            lambda page: written.extend(runtime.notifier.escalate(page, _case_of(runtime, page))),
            failed=lambda page: f"page {page.row.key} could not be escalated",
            log=_log,
        )
    finally:
        _send_all(runtime, written)


def _send_all(runtime: Runtime, pages: Iterable[Page]) -> None:
    """Send pages; one that can't even be made is told last, so that it never keeps the others back."""
    do_all(
        pages,
        lambda page: _send(runtime, page),
        failed=lambda page: f"page {page.row.key} could not be sent",
        log=_log,
    )


def _send(runtime: Runtime, page: Page) -> None:
    if page.system_notice:
        runtime.notifier.send_system_notice(page)
        return
    case = _case_of(runtime, page)
    if case is not None:
        runtime.notifier.send(page, as_far_as_known(runtime, case), detection_of(runtime, case))


def _case_of(runtime: Runtime, page: Page) -> Case | None:
    return runtime.ledger.case(page.tenant_id, page.case_id)


def detection_of(runtime: Runtime, case: Case) -> AnyDetection:
    """Give the declaration that a case was opened for; one that is gone leaves its cases to be paged."""
    return runtime.detections.get(case.detection) or Detection(
        id=case.detection,
        seed_row="",
        title=f"Something that was looked for as {case.detection}",
        why="It is no longer looked for, but this change was found while it was.",
        risk=Risk.HIGH,
        log=Log.AUDIT,
        when=any_of(),
        unless_actor_in=None,
        answer=Answer.PAGE,
    )


class _Run:
    """One run over one case, under its lease. Each step takes the case one state further."""

    def __init__(self, runtime: Runtime, held: Held) -> None:
        self.runtime = runtime
        self.held = held

    def go_or_put_off(self) -> None:
        try:
            self.go()
        except LeaseLost:
            raise
        except (EdgeError, BadIdentifier) as error:
            self.put_off(error)
        except Exception as mistake:  # noqa: BLE001 - told to the owners, after a few attempts
            # A fault of ours. Left to the host, it would hold the case until its lease ran out, each time.
            _log.exception("case %s, attempt %s", self.held.case.id, self.held.case.attempts)
            self.put_off(mistake)

    def go(self) -> None:
        case = self.held.case
        detection = self.runtime.detections.get(case.detection)
        if detection is None:
            self.give_up("its detection is no longer in the catalogue")
            return
        if case.attempts > MOST_ATTEMPTS and case.outcome is not Outcome.LOCKED:
            self.give_up("every attempt was broken off")
            return
        event = event_of(self.runtime, case)
        if event is None:
            self.give_up("its evidence can no longer be read")
            return
        self.held = msgspec.structs.replace(
            self.held, case=msgspec.structs.replace(case, target=event.target, actor=event.actor)
        )
        answering = _Answering(self, detection, event)
        if self.held.case.state is State.DECIDED:
            answering.settle()
        if self.held.case.state is State.OPENED:
            answering.decide()
        if self.held.case.state is State.DECIDED:
            answering.act()
        if self.held.case.state is State.ACTED:
            self.tell(detection)

    def move(self, **changes: object) -> None:
        self.held = self.runtime.ledger.move(self.held, **changes)

    def keep_lease(self) -> None:
        """Renew the lease when a third of it has passed.

        Raises:
            LeaseLost: another run has taken the case over.
        """
        lease = self.runtime.settings.lease
        until = self.held.case.lease_until
        if until is None or until - self.runtime.clock() < lease * 2 / 3:
            self.move()

    def hold_up(self, detection: AnyDetection, proof: str, by_hand: str) -> None:
        """Page a case that a lock keeps from being put back, once, and leave it open to be tried again.

        It isn't counted as an attempt: the lock may stand for days. Nothing was changed, so what an approval, a mode
        or the kill switch says by then holds.
        """
        now = self.runtime.clock()
        self.move(
            outcome=Outcome.LOCKED,
            proof=proof,
            by_hand=by_hand,
            locked_at=self.held.case.locked_at or now,
            attempts=1,
            lease_until=now + LOCK_PAUSE,
        )
        case = self.held.case
        _log.warning("case %s is held up by a lock: %s", case.id, proof)
        for page in self.runtime.notifier.post(case, detection):
            self.runtime.notifier.send(page, case, detection)

    def _tell_of_unlocked(self) -> None:
        """Tell that a case was put back after all: its own pages, which said that it wasn't, are sent once."""
        case = self.held.case
        if case.locked_at is None or case.outcome not in {Outcome.DONE, Outcome.ALREADY}:
            return
        self.runtime.notifier.publish(
            SystemNotice(
                key=f"unlocked {case.id}",
                title="The lock is gone, and the change was put back",
                text=f"Case {case.id}: {case.proof}",
                what_to_do="Set the lock again.",
            )
        )

    def tell(self, detection: AnyDetection) -> None:
        """Write the pages, close the case, send the pages: from the outbox on they can't be lost."""
        self._tell_of_unlocked()
        pages = self.runtime.notifier.post(self.held.case, detection)
        self.close()
        for page in pages:
            self.runtime.notifier.send(page, self.held.case, detection)

    def close(self, **changes: object) -> None:
        now = self.runtime.clock()
        self.move(state=State.CLOSED, closed_at=now, lease_until=None, **changes)
        case = self.held.case
        _log.info("case %s closed: %s, %s", case.id, case.decision, case.outcome)

    def put_off(self, error: Exception) -> None:
        """Leave the case to a later attempt, and page it when there were too many."""
        case = self.held.case
        _log.warning("case %s, attempt %s: %s", case.id, case.attempts, error)
        if not case.is_open:
            # Only a page is left to be sent, and that waits in the outbox.
            return
        if case.attempts >= MOST_ATTEMPTS and case.outcome is Outcome.LOCKED:
            # People know of it. It isn't given up before the lock is gone.
            self.move(attempts=1, lease_until=self.runtime.clock() + LOCK_PAUSE)
            return
        if case.attempts >= MOST_ATTEMPTS:
            self.give_up(str(error) or type(error).__name__)
            return
        pause = _BACKOFF * case.attempts
        self.move(lease_until=self.runtime.clock() + pause)
        self.runtime.ledger.enqueue(case, delay=pause + timedelta(seconds=1))

    def give_up(self, because: str) -> None:
        """Page the case as one that the machine couldn't answer; what it did before that stays told."""
        case = self.held.case
        if case.state is not State.ACTED:
            begun = case.decision is Decision.REMEDIATE
            self.move(
                state=State.ACTED,
                decision=case.decision if begun else Decision.PAGE,
                outcome=Outcome.UNVERIFIED if begun else Outcome.FAILED,
                because=f"it could not be answered in {case.attempts} attempts: {because}",
                acted_at=self.runtime.clock(),
            )
        self.tell(detection_of(self.runtime, case))


class _Answering:
    """The stages from authorize to act, for one case whose event is at hand."""

    def __init__(self, run: _Run, detection: AnyDetection, event: Event) -> None:
        self.run = run
        self.runtime = run.runtime
        self.detection = detection
        self.event = event
        self.tenant = self.runtime.settings.tenant(run.held.case.tenant_id)
        self._object_history: ObjectHistory | None = None
        self._put: Plan | None = None

    @property
    def case(self) -> Case:
        return self.run.held.case

    def decide(self) -> None:
        """Authorize, look, plan, decide; write down what was decided before anything is done."""
        authorization = authorization_of(self.runtime, self.case)
        if authorization.standing is Standing.APPROVED and not self._is_begun():
            self._record(authorization)
            return
        positions = self.runtime.controls.positions()
        facts = Facts(
            standing=authorization.standing,
            mode=positions.mode(self.detection.id),
            stopped=positions.stopped,
            configured=self._is_configured(),
            actor_is_emergency_account=self.case.actor.id in self.runtime.settings.emergency_accounts,
            limit=self.runtime.settings.remediations_per_hour,
        )
        look, facts = self._plan_or_error(facts)
        decided = decide(self.detection, facts)
        if decided.decision is Decision.REMEDIATE and isinstance(facts.plan, Put):
            decided = decide(self.detection, self._spent(facts))
        if self._is_begun() and decided.decision is not Decision.REMEDIATE:
            self._stop_halfway(decided)
            return
        self._write_down(authorization, facts, decided, look)

    def _is_begun(self) -> bool:
        """Whether an earlier run had decided to put it back, and may have begun to."""
        return self.case.decision is Decision.REMEDIATE and not self._is_locked()

    def _is_locked(self) -> bool:
        """Whether the last run was refused for a lock, so that nothing of it was carried out."""
        return self.case.outcome is Outcome.LOCKED

    def _stop_halfway(self, decided: Decided) -> None:
        """Leave a case to people that must no longer be put back, when that may have been done in part."""
        proof = f"an earlier attempt was interrupted, and it can't be gone on with: {decided.because}"
        self._acted(Outcome.UNVERIFIED, proof)

    def _record(self, authorization: Authorization) -> None:
        self.run.close(
            standing=authorization.standing,
            standing_because=authorization.because,
            decision=Decision.RECORD,
            because="the actor is approved",
            outcome=Outcome.NONE,
            decided_at=self.runtime.clock(),
        )

    def _is_configured(self) -> bool:
        if self.tenant is None:
            return False
        return not isinstance(self.event, ResourceEvent) or self.event.subscription_id in self.tenant.subscriptions

    def _plan_or_error(self, facts: Facts) -> tuple[Look | None, Facts]:
        """Read what a remediation would need and plan it; what can't be read becomes a fact, not an error."""
        remediation = self.detection.remediation
        if remediation is None or not facts.configured:
            return None, facts
        may_act = facts.standing is Standing.UNAPPROVED and facts.mode is Mode.ENFORCE and facts.stopped is False
        try:
            look, plan = self._plan_when_visible(remediation) if may_act else self._plan(remediation)
        except (EdgeError, BadIdentifier) as error:
            may_pass = isinstance(error, (Throttled, Unreachable))
            if may_act and may_pass and (self.case.attempts < _ATTEMPTS_AT_READING or self._is_locked()):
                raise
            return None, msgspec.structs.replace(facts, unread=str(error))
        loses = look.touches | (plan.touches if isinstance(plan, Put) else frozenset[str]())
        untouchable = self.runtime.settings.untouchable
        return look, msgspec.structs.replace(
            facts, plan=plan, protected=frozenset(map(str.lower, loses)) & untouchable, last_holder=look.last_holder
        )

    def _plan_when_visible(self, remediation: Remediation) -> tuple[Look, Plan]:
        """Look and plan; soon after the change, go on until there is something to put back.

        Graph and ARM are eventually consistent: a read may still show the object as it stood before the change, which
        looks as if there were nothing to do.
        """
        shown_by = min(self.case.at, self.runtime.clock()) + self.runtime.settings.read_back
        pause = 0.25
        while True:
            look, plan = self._plan(remediation)
            if isinstance(plan, Put) or self.runtime.clock() >= shown_by:
                return look, plan
            self.runtime.wait(pause)
            pause = min(pause * 2, 5.0)

    def _plan(self, remediation: Remediation) -> tuple[Look, Plan]:
        look = remediation.look(self._edges(), self.case.target)
        object_history = self._object_history = self._object_history or object_history_of(
            self.runtime, self.case, remediation
        )
        situation = Situation(
            at=self.case.at,
            actor=self.case.actor,
            target=self.case.target,
            current=look.current,
            baseline=object_history.baseline,
            unapproved_changes=tuple(map(earlier_case, object_history.unapproved_changes)),
            approved_later=tuple(map(earlier_case, object_history.later_changes_by_others)),
            touches=look.touches,
            last_holder=look.last_holder,
        )
        return look, remediation.plan(situation)

    def _edges(self) -> TenantEdges:
        return self.runtime.edges[self.case.tenant_id]

    def _edges_under_lease(self) -> TenantEdges:
        """Give edges that write nothing once another run has the case: pacing and retries can outlast the lease."""
        return dataclasses.replace(self._edges(), before_write=self.run.keep_lease)

    def _spent(self, facts: Facts) -> Facts:
        """Count one more remediation of this kind, or give facts by which it is too many."""
        remediation = self.detection.remediation
        if remediation is None or self._is_locked():
            # What a lock holds up was counted when it was first decided.
            return facts
        try:
            room = self.runtime.controls.spend(remediation.kind, limit=facts.limit)
        except EdgeError:
            return msgspec.structs.replace(facts, spent=None)
        return facts if room else msgspec.structs.replace(facts, spent=facts.limit)

    def _write_down(self, authorization: Authorization, facts: Facts, decided: Decided, look: Look | None) -> None:
        plan = facts.plan
        now = self.runtime.clock()
        changes: dict[str, object] = {
            "standing": authorization.standing,
            "standing_because": authorization.because,
            "mode": facts.mode,
            "decision": decided.decision,
            "because": decided.because,
            "would": decided.would,
            "outcome": Outcome.NONE,
            "by_hand": plan.by_hand if isinstance(plan, Doubt) else "",
            "decided_at": now,
        }
        planned = isinstance(plan, Put)
        changes |= {"summary": plan.summary if planned else "", "put_back": plan.changes if planned else ()}
        match decided.decision:
            case Decision.RECORD:
                self.run.close(**changes)
            case Decision.PAGE:
                self.run.move(state=State.ACTED, acted_at=now, **changes)
            case Decision.REMEDIATE:
                before: Image | None = look.current if look else None
                name = self.runtime.ledger.keep_image(self.case, "before", before)
                self._put = plan
                self.run.move(state=State.DECIDED, before=name, **changes)
            case _:
                assert_never(decided.decision)

    def settle(self) -> None:
        """Go on after a crash: what an earlier run may have done is looked for before anything is decided again."""
        remediation = self.detection.remediation
        if remediation is None or self._is_locked():
            self.run.move(state=State.OPENED)
            return
        plan = plan_until_done(
            look_again=lambda: self._plan(remediation)[1],
            clock=self.runtime.clock,
            wait=self.runtime.wait,
            within=self.runtime.settings.read_back,
        )
        if isinstance(plan, EdgeError):
            raise plan
        if isinstance(plan, Already):
            # Without a summary there had been nothing to do in the first place.
            outcome = Outcome.DONE if self.case.summary else Outcome.ALREADY
            self._acted(outcome, f"{plan.because} (found by the run that went on after an interruption)")
            return
        self.run.move(state=State.OPENED)

    def act(self) -> None:
        """Put it back as planned in this run, and prove it."""
        remediation, plan = self.detection.remediation, self._put
        if isinstance(plan, Already):
            self._acted(Outcome.ALREADY, plan.because)
            return
        if remediation is None or not isinstance(plan, Put):
            raise ResponderError(f"case {self.case.id} was decided to be put back without a plan")
        acted = put_back(
            put=plan,
            apply=lambda put: remediation.apply(self._edges_under_lease(), self.case.target, put),
            look_again=lambda: self._plan(remediation)[1],
            clock=self.runtime.clock,
            wait=self.runtime.wait,
            within=self.runtime.settings.read_back,
        )
        if acted.outcome is Outcome.LOCKED:
            self.run.hold_up(self.detection, acted.proof, acted.by_hand)
            return
        self._acted(acted.outcome, acted.proof)

    def _acted(self, outcome: Outcome, proof: str) -> None:
        self.run.move(state=State.ACTED, outcome=outcome, proof=proof, acted_at=self.runtime.clock())
