"""The stages of one case whose event is known: authorize, plan, decide, act."""

import copy
from typing import Final, assert_never

import msgspec

from shared.authority.standing import Authorization
from shared.clients.api import TenantEdges
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.detections import AnyDetection
from shared.model.errors import BadIdentifier, EdgeError, ResponderError, Throttled, Unreachable
from shared.model.events import Event, ResourceEvent
from shared.model.kinds import Image, Mode
from shared.model.remediations import Already, Doubt, Look, Plan, Put, Remediation, Situation
from shared.objects.act import plan_until_done, put_back
from shared.objects.decide import Decided, Facts, decide
from shared.objects.history import earlier_case
from shared.respond.case_run import CaseRun
from shared.respond.object_history import ObjectHistory, authorization_of, object_history_of

_ATTEMPTS_AT_READING: Final = 3
"""How often a case is put off because the tenant can't be read, before the owners are paged instead."""


class CaseStages:
    """The stages from authorize to act, for one case and its event."""

    def __init__(self, run: CaseRun, detection: AnyDetection, event: Event) -> None:
        self.run = run
        self.runtime = run.runtime
        self.detection = detection
        self.event = event
        self.tenant = self.runtime.settings.tenant(run.leased.case.tenant_id)
        self._object_history: ObjectHistory | None = None
        self._plan_to_apply: Plan | None = None

    @property
    def case(self) -> Case:
        """The case as this run last wrote it."""
        return self.run.leased.case

    def decide(self) -> None:
        """Authorize, look, plan and decide; the decision is stored before anything is done."""
        authorization = authorization_of(self.runtime, self.case)
        if authorization.standing is Standing.APPROVED and not self._may_have_begun():
            self._record(authorization)
            return
        control_state = self.runtime.controls.read_state()
        facts = Facts(
            standing=authorization.standing,
            mode=control_state.mode(self.detection.id),
            stopped=control_state.stopped,
            configured=self._is_configured(),
            actor_is_emergency_account=self.case.actor.id in self.runtime.settings.emergency_accounts,
            limit=self.runtime.settings.remediations_per_hour,
        )
        look, facts = self._facts_with_plan(facts)
        decided = decide(self.detection, facts)
        if decided.decision is Decision.REMEDIATE and isinstance(facts.plan, Put):
            decided = decide(self.detection, self._count_remediation(facts))
        if self._may_have_begun() and decided.decision is not Decision.REMEDIATE:
            self._stop_interrupted(decided)
            return
        self._store_decision(authorization, facts, decided, look)

    def _may_have_begun(self) -> bool:
        """Whether an earlier run decided to put the object back, so it may have begun."""
        return self.case.decision is Decision.REMEDIATE and not self._is_locked()

    def _is_locked(self) -> bool:
        """Whether a lock blocked the last attempt, so nothing of it was carried out."""
        return self.case.outcome is Outcome.LOCKED

    def _stop_interrupted(self, decided: Decided) -> None:
        """Leave a case to people that was perhaps put back in part, and that must not be put back any more."""
        proof = f"an earlier attempt was interrupted and can't be continued: {decided.because}"
        self._mark_acted(Outcome.UNVERIFIED, proof)

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

    def _facts_with_plan(self, facts: Facts) -> tuple[Look | None, Facts]:
        """Look and plan, and add both to the facts. What can't be read becomes a fact, not an error.

        Raises EdgeError only where a later attempt may succeed and would put the object back.
        """
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
        """Look and plan; soon after the change, repeat that until there is something to put back.

        Graph and ARM are eventually consistent: a read may still show the object as it was before the change, as if
        there were nothing to do.
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
        """Give edges that renew the lease before each write, and raise LeaseLost instead of writing without it.

        That is needed because pacing and retries can take longer than the lease.
        """
        return copy.replace(self._edges(), before_write=self.run.keep_lease)

    def _count_remediation(self, facts: Facts) -> Facts:
        """Count one more remediation of this kind, or give facts that say that the hourly limit is reached."""
        remediation = self.detection.remediation
        if remediation is None or self._is_locked():
            # A case that a lock blocks was counted when it was first decided.
            return facts
        try:
            is_within_limit = self.runtime.controls.count_remediation(remediation.kind, limit=facts.limit)
        except EdgeError:
            return msgspec.structs.replace(facts, remediations_this_hour=None)
        return facts if is_within_limit else msgspec.structs.replace(facts, remediations_this_hour=facts.limit)

    def _store_decision(self, authorization: Authorization, facts: Facts, decided: Decided, look: Look | None) -> None:
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
                self._plan_to_apply = plan
                self.run.move(state=State.DECIDED, before=name, **changes)
            case _:
                assert_never(decided.decision)

    def check_interrupted_attempt(self) -> None:
        """Read whether an interrupted attempt has put the object back; else open the case to be decided again."""
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
            # Without a summary there was nothing to put back when it was decided.
            outcome = Outcome.DONE if self.case.summary else Outcome.ALREADY
            self._mark_acted(outcome, f"{plan.because} (found after an interrupted attempt)")
            return
        self.run.move(state=State.OPENED)

    def act(self) -> None:
        """Put the object back by the plan of this run, and store the outcome and its proof."""
        remediation, plan = self.detection.remediation, self._plan_to_apply
        if isinstance(plan, Already):
            self._mark_acted(Outcome.ALREADY, plan.because)
            return
        if remediation is None or not isinstance(plan, Put):
            raise ResponderError(f"case {self.case.id} is to be put back, but there is no plan")
        acted = put_back(
            put=plan,
            apply=lambda put: remediation.apply(self._edges_under_lease(), self.case.target, put),
            look_again=lambda: self._plan(remediation)[1],
            clock=self.runtime.clock,
            wait=self.runtime.wait,
            within=self.runtime.settings.read_back,
        )
        if acted.outcome is Outcome.LOCKED:
            self.run.page_about_lock(self.detection, acted.proof, acted.by_hand)
            return
        self._mark_acted(acted.outcome, acted.proof)

    def _mark_acted(self, outcome: Outcome, proof: str) -> None:
        self.run.move(state=State.ACTED, outcome=outcome, proof=proof, acted_at=self.runtime.clock())
