"""The stages, in order, on one page: record → event → match → case → authorize → decide → act → record → notify.

`take_in` goes from a record to cases; `answer` takes one case to its end; `resume` finds what was left behind. Each may
be killed at any point and run again: what was done is found by its evidence, its row or by reading the tenant, never by
memory.
"""

import dataclasses
import logging
from datetime import timedelta
from typing import Final, assert_never

import msgspec
from msgspec import Struct

from shared.act import put_back, settled
from shared.authorize import Authorization, authorize
from shared.bulletins import Bulletin
from shared.cases import Case, Decision, Outcome, Standing, State
from shared.catalog import (
    Already,
    AnyDetection,
    Baseline,
    Image,
    Look,
    Mode,
    Plan,
    Put,
    Remediation,
    Situation,
    Unknown,
)
from shared.clients.edges import TenantEdges
from shared.clients.storage import Table
from shared.decide import Decided, Facts, decide
from shared.errors import BadIdentifier, EdgeError, LeaseLost, ResponderError, Throttled, Unreachable
from shared.events import Event, ResourceEvent
from shared.history import earlier_case, run_of, trusted
from shared.machine import Machine
from shared.normalize import read_batch
from shared.notify import Page
from shared.quarantine import quarantine
from shared.record import Held

_log = logging.getLogger("responder.pipeline")

MOST_ATTEMPTS: Final = 6
_BACKOFF: Final = timedelta(seconds=10)
_HISTORY: Final = timedelta(days=7)
_ATTEMPTS_AT_READING: Final = 3
"""How often a case is put off because the tenant can't be read, before the owners are paged instead."""


class Intake(Struct, kw_only=True):
    """What became of a batch."""

    records: int = 0
    matches: int = 0
    opened: int = 0
    unreadable: int = 0


def take_in(machine: Machine, raw: bytes, *, tenant_id: str) -> Intake:
    """Read a batch of records and open a case for each match.

    Raises EdgeError when a case or a quarantined record couldn't be stored: the batch must then be delivered again.
    """
    intake = Intake()
    kept: list[str] = []
    for reading in read_batch(raw, tenant_id=tenant_id, interest=machine.matcher.interested):
        intake.records += 1
        if reading.unreadable:
            intake.unreadable += 1
            now = machine.clock()
            if quarantine(machine.storage, reading.raw, reading.unreadable, tenant_id=tenant_id, now=now):
                kept.append(reading.unreadable)
        elif reading.event is not None:
            _open_cases(machine, reading.event, reading.raw, intake)
    if kept:
        _tell_of_unreadable(machine, kept, tenant_id)
    return intake


def _tell_of_unreadable(machine: Machine, reasons: list[str], tenant_id: str) -> None:
    """Count them, and say so once an hour: a form of record that can't be read could hide anything."""
    now = machine.clock()
    machine.storage.add(Table.CURSORS, "quarantine", f"{tenant_id} {now:%Y%m%d}", len(reasons))
    machine.notifier.publish(
        Bulletin(
            key=f"unreadable {tenant_id} {now:%Y%m%d%H}",
            title="Records came that can't be read",
            text=f"In tenant {tenant_id}, first: {reasons[0]}",
            what_to_do="They are kept whole in container quarantine. Until they can be read, look at the audit log.",
        )
    )


def _open_cases(machine: Machine, event: Event, raw: bytes, intake: Intake) -> None:
    for detection in machine.matcher.matches(event):
        intake.matches += 1
        case = machine.ledger.open(detection.id, event, raw)
        if case:
            intake.opened += 1
            _log.info("case %s opened: %s by %s", case.id, detection.id, event.actor.id or "an unknown actor")


def answer(machine: Machine, tenant_id: str, case_id: str) -> Case | None:
    """Take a case to its end; gives it as it was left, None when there was nothing to do for this run.

    A service that fails puts the case off; after too many attempts it is paged instead. Storage that fails while that
    is written down is raised, for the host to retry.
    """
    held = machine.ledger.claim(tenant_id, case_id)
    if held is None:
        return None
    run = _Run(machine, held)
    try:
        run.go_or_put_off()
    except LeaseLost as lost:
        _log.warning("%s", lost)
    return run.held.case


def resume(machine: Machine) -> int:
    """Queue again what nobody holds any more, send the pages that wait, escalate those that nobody acknowledged.

    Gives how many cases were queued again.
    """
    queued = 0
    for tenant in machine.settings.tenants:
        for case in machine.ledger.unfinished(tenant.id):
            machine.ledger.enqueue(case)
            queued += 1
    pages = machine.notifier.due() + machine.notifier.escalate(lambda page: _case_of(machine, page))
    for page in pages:
        if page.bulletin:
            machine.notifier.send_bulletin(page)
            continue
        case = _case_of(machine, page)
        detection = machine.detections.get(case.detection) if case else None
        if case and detection:
            machine.notifier.send(page, _with_changes(machine, case), detection)
    return queued


def _case_of(machine: Machine, page: Page) -> Case | None:
    return machine.ledger.case(page.tenant_id, page.case_id)


def _with_changes(machine: Machine, case: Case) -> Case:
    """Give the case with its target's changes, from its evidence: the row holds it without them."""
    event = _event_of(machine, case)
    return msgspec.structs.replace(case, target=event.target, actor=event.actor) if event else case


def _event_of(machine: Machine, case: Case) -> Event | None:
    raw = machine.ledger.record_of(case)
    readings = read_batch(raw, tenant_id=case.tenant_id, interest=machine.matcher.interested)
    return next((reading.event for reading in readings if reading.event is not None), None)


class _Run:
    """One run over one case, under its lease. Each step takes the case one state further."""

    def __init__(self, machine: Machine, held: Held) -> None:
        self.machine = machine
        self.held = held

    def go_or_put_off(self) -> None:
        try:
            self.go()
        except (EdgeError, BadIdentifier) as error:
            self.put_off(error)

    def go(self) -> None:
        case = self.held.case
        detection = self.machine.detections.get(case.detection)
        if detection is None or case.attempts > MOST_ATTEMPTS:
            self.give_up(
                "its detection is no longer in the catalogue" if detection is None else "every attempt was broken off"
            )
            return
        event = _event_of(self.machine, case)
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
        self.held = self.machine.ledger.move(self.held, **changes)

    def keep_lease(self) -> None:
        """Renew the lease when a third of it has passed.

        Raises:
            LeaseLost: another run has taken the case over.
        """
        lease = self.machine.settings.lease
        until = self.held.case.lease_until
        if until is None or until - self.machine.clock() < lease * 2 / 3:
            self.move()

    def tell(self, detection: AnyDetection) -> None:
        """Write the pages, close the case, send the pages: from the outbox on they can't be lost."""
        pages = self.machine.notifier.post(self.held.case, detection)
        self.close()
        for page in pages:
            self.machine.notifier.send(page, self.held.case, detection)

    def close(self, **changes: object) -> None:
        now = self.machine.clock()
        self.move(state=State.CLOSED, closed_at=now, lease_until=None, **changes)
        case = self.held.case
        _log.info("case %s closed: %s, %s", case.id, case.decision, case.outcome)

    def put_off(self, error: EdgeError | BadIdentifier) -> None:
        """Leave the case to a later attempt, and page it when there were too many."""
        case = self.held.case
        _log.warning("case %s, attempt %s: %s", case.id, case.attempts, error)
        if case.attempts >= MOST_ATTEMPTS:
            self.give_up(str(error))
            return
        pause = _BACKOFF * case.attempts
        self.move(lease_until=self.machine.clock() + pause)
        self.machine.ledger.enqueue(case, delay=pause + timedelta(seconds=1))

    def give_up(self, because: str) -> None:
        """Page the case as one that the machine couldn't answer."""
        case = self.held.case
        begun = case.decision is Decision.REMEDIATE
        self.move(
            state=State.ACTED,
            decision=case.decision if begun else Decision.PAGE,
            outcome=Outcome.UNVERIFIED if begun else Outcome.FAILED,
            because=f"it could not be answered in {case.attempts} attempts: {because}",
            acted_at=self.machine.clock(),
        )
        detection = self.machine.detections.get(case.detection)
        if detection is not None:
            self.tell(detection)


class _Answering:
    """The stages from authorize to act, for one case whose event is at hand."""

    def __init__(self, run: _Run, detection: AnyDetection, event: Event) -> None:
        self.run = run
        self.machine = run.machine
        self.detection = detection
        self.event = event
        self.tenant = self.machine.settings.tenant(run.held.case.tenant_id)
        self._surroundings: _Surroundings | None = None
        self._put: Plan | None = None

    @property
    def case(self) -> Case:
        return self.run.held.case

    def decide(self) -> None:
        """Authorize, look, plan, decide; write down what was decided before anything is done."""
        authorization = self._authorize(self.case)
        if authorization.standing is Standing.APPROVED:
            self._record(authorization)
            return
        positions = self.machine.switches.positions()
        facts = Facts(
            standing=authorization.standing,
            mode=positions.mode(self.detection.id),
            stopped=positions.stopped,
            configured=self._is_configured(),
            actor_is_emergency_account=self.case.actor.id in self.machine.settings.emergency_accounts,
            limit=self.machine.settings.remediations_per_hour,
        )
        look, facts = self._looked(facts)
        decided = decide(self.detection, facts)
        if decided.decision is Decision.REMEDIATE and isinstance(facts.plan, Put):
            decided = decide(self.detection, self._spent(facts))
        self._write_down(authorization, facts, decided, look)

    def _authorize(self, case: Case) -> Authorization:
        return authorize(
            case.actor,
            self.detection.unless_actor_in,
            target_id=case.target.id,
            at=case.at,
            responder_id=self.tenant.responder_id if self.tenant else "",
            approvals=self.machine.approvals,
        )

    def _record(self, authorization: Authorization) -> None:
        self.run.close(
            standing=authorization.standing,
            standing_because=authorization.because,
            decision=Decision.RECORD,
            because="the actor is approved",
            decided_at=self.machine.clock(),
        )

    def _is_configured(self) -> bool:
        if self.tenant is None:
            return False
        return not isinstance(self.event, ResourceEvent) or self.event.subscription_id in self.tenant.subscriptions

    def _looked(self, facts: Facts) -> tuple[Look | None, Facts]:
        """Read what a remediation would need and plan it; what can't be read becomes a fact, not an error."""
        remediation = self.detection.remediation
        if remediation is None or not facts.configured:
            return None, facts
        may_act = facts.standing is Standing.UNAPPROVED and facts.mode is Mode.ENFORCE and facts.stopped is False
        try:
            look, plan = self._plan_when_visible(remediation) if may_act else self._plan(remediation)
        except (EdgeError, BadIdentifier) as error:
            if may_act and isinstance(error, (Throttled, Unreachable)) and self.case.attempts < _ATTEMPTS_AT_READING:
                raise
            return None, msgspec.structs.replace(facts, unread=str(error))
        loses = look.touches | (plan.touches if isinstance(plan, Put) else frozenset[str]())
        untouchable = self.machine.settings.untouchable
        return look, msgspec.structs.replace(
            facts, plan=plan, protected=loses & untouchable, last_holder=look.last_holder
        )

    def _plan_when_visible(self, remediation: Remediation) -> tuple[Look, Plan]:
        """Look and plan; soon after the change, go on until there is something to put back.

        Graph and ARM are eventually consistent: a read may still show the object as it stood before the change, which
        looks as if there were nothing to do.
        """
        shown_by = min(self.case.at, self.machine.clock()) + self.machine.settings.read_back
        pause = 0.25
        while True:
            look, plan = self._plan(remediation)
            if isinstance(plan, Put) or self.machine.clock() >= shown_by:
                return look, plan
            self.machine.wait(pause)
            pause = min(pause * 2, 5.0)

    def _plan(self, remediation: Remediation) -> tuple[Look, Plan]:
        look = remediation.look(self._edges(), self.case.target)
        surroundings = self._surroundings = self._surroundings or self._read_surroundings(remediation)
        situation = Situation(
            at=self.case.at,
            actor=self.case.actor,
            target=self.case.target,
            current=look.current,
            baseline=surroundings.baseline,
            run=tuple(map(earlier_case, surroundings.run)),
            approved_later=tuple(map(earlier_case, surroundings.others_later)),
            touches=look.touches,
            last_holder=look.last_holder,
        )
        return look, remediation.plan(situation)

    def _edges(self) -> TenantEdges:
        return self.machine.edges[self.case.tenant_id]

    def _edges_under_lease(self) -> TenantEdges:
        """Give edges that write nothing once another run has the case: pacing and retries can outlast the lease."""
        return dataclasses.replace(self._edges(), before_write=self.run.keep_lease)

    def _read_surroundings(self, remediation: Remediation) -> "_Surroundings":
        """Read the object's history and, where the remediation needs it, the object before the unapproved changes."""
        since = self.case.at - _HISTORY
        others = self.machine.ledger.cases(self.case.tenant_id, target_id=self.case.target.id, since=since)
        others = [self._judged(other) for other in others if other.id != self.case.id]
        judged = msgspec.structs.replace(self.case, standing=Standing.UNAPPROVED)
        run, later = run_of(judged, others)
        baseline: Baseline = Unknown(because="no snapshot was looked at")
        if remediation.needs_baseline:
            found, confirmed = self.machine.snapshots.baseline(
                self.case.tenant_id, remediation.kind, self.case.target.id, before=run[0].at
            )
            own = self.tenant.responder_id if self.tenant else ""
            baseline = trusted(found, confirmed, run, others, responder_id=own)
        full = [one if one.id == self.case.id else _with_changes(self.machine, one) for one in run]
        later = [_with_changes(self.machine, one) for one in later]
        return _Surroundings(run=full, others_later=later, baseline=baseline)

    def _judged(self, other: Case) -> Case:
        """Give another case its standing now, where nobody has got to it yet."""
        if other.state is not State.OPENED:
            return other
        return msgspec.structs.replace(other, standing=self._authorize(other).standing)

    def _spent(self, facts: Facts) -> Facts:
        """Count one more remediation of this kind, or give facts by which it is too many."""
        remediation = self.detection.remediation
        if remediation is None:
            return facts
        try:
            room = self.machine.switches.spend(remediation.kind, limit=facts.limit)
        except EdgeError:
            return msgspec.structs.replace(facts, spent=None)
        return facts if room else msgspec.structs.replace(facts, spent=facts.limit)

    def _write_down(self, authorization: Authorization, facts: Facts, decided: Decided, look: Look | None) -> None:
        plan = facts.plan
        now = self.machine.clock()
        changes: dict[str, object] = {
            "standing": authorization.standing,
            "standing_because": authorization.because,
            "mode": facts.mode,
            "decision": decided.decision,
            "because": decided.because,
            "would": decided.would,
            "decided_at": now,
        }
        if isinstance(plan, Put):
            changes |= {"summary": plan.summary, "put_back": plan.changes}
        match decided.decision:
            case Decision.RECORD:
                self.run.close(**changes)
            case Decision.PAGE:
                self.run.move(state=State.ACTED, acted_at=now, **changes)
            case Decision.REMEDIATE:
                before: Image | None = look.current if look else None
                name = self.machine.ledger.keep_image(self.case, "before", before)
                self._put = plan
                self.run.move(state=State.DECIDED, before=name, **changes)
            case _:
                assert_never(decided.decision)

    def settle(self) -> None:
        """Go on after a crash: what an earlier run may have done is looked for before anything is decided again."""
        remediation = self.detection.remediation
        if remediation is None:
            self.run.move(state=State.OPENED)
            return
        plan = settled(
            look_again=lambda: self._plan(remediation)[1],
            clock=self.machine.clock,
            wait=self.machine.wait,
            within=self.machine.settings.read_back,
        )
        if isinstance(plan, EdgeError):
            raise plan
        if isinstance(plan, Already):
            self._acted(Outcome.DONE, f"{plan.because} (found by the run that went on after an interruption)")
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
            clock=self.machine.clock,
            wait=self.machine.wait,
            within=self.machine.settings.read_back,
        )
        self._acted(acted.outcome, acted.proof)

    def _acted(self, outcome: Outcome, proof: str) -> None:
        self.run.move(state=State.ACTED, outcome=outcome, proof=proof, acted_at=self.machine.clock())


class _Surroundings(Struct, frozen=True, kw_only=True):
    run: list[Case]
    others_later: list[Case]
    baseline: Baseline
