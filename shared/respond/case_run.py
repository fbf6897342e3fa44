"""One run over one case: writing the case's row under its lease, sending its pages, putting it off, giving up."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from shared.model.cases import Case, Decision, Outcome, State
from shared.model.conditions import any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import Log
from shared.model.kinds import Risk
from shared.model.notices import Phase
from shared.notify.messages import ShownCase
from shared.notify.outbox import Page
from shared.respond.components import Runtime
from shared.respond.ledger import LeasedCase
from shared.respond.object_history import with_changes_if_readable

_log = logging.getLogger("responder.pipeline")

MOST_ATTEMPTS: Final = 6
LOCK_PAUSE: Final = timedelta(minutes=5)
"""How long a case that a resource lock blocks is left alone before it is tried again."""

_BACKOFF: Final = timedelta(seconds=10)
"""Times the number of attempts so far: the pause before the next attempt."""


def detection_of(runtime: Runtime, case: Case) -> AnyDetection:
    """Give the detection that a case was opened for, or a stand-in that pages when it was removed since."""
    return runtime.detections.get(case.detection) or Detection(
        id=case.detection,
        seed_row="",
        title=f"Activity found by {case.detection}, a detection that was removed since",
        why="The detection was removed, but it found this activity before.",
        risk=Risk.HIGH,
        log=Log.AUDIT,
        when=any_of(),
        unless_actor_in=None,
        answer=Answer.PAGE,
    )


def shown_case(runtime: Runtime, tenant_id: str, case_id: str) -> ShownCase | None:
    """Read a case as pages show it, with the changes of its target where they can be read. Raises EdgeError."""
    case = runtime.ledger.case(tenant_id, case_id)
    if case is None:
        return None
    return ShownCase(case=with_changes_if_readable(runtime, case), detection=detection_of(runtime, case))


class CaseRun:
    """One run over one case, which holds the case's lease."""

    def __init__(self, runtime: Runtime, leased: LeasedCase) -> None:
        self.runtime = runtime
        self.leased = leased

    def move(self, **changes: object) -> None:
        """Write changes of the case's fields, and renew the lease. Raises LeaseLost and EdgeError."""
        self.leased = self.runtime.ledger.move(self.leased, **changes)

    def keep_lease(self) -> None:
        """Renew the lease when a third of it has passed.

        Raises:
            LeaseLost: another run has taken the case over.
        """
        lease = self.runtime.settings.lease
        until = self.leased.case.lease_until
        if until is None or until - self.runtime.clock() < lease * 2 / 3:
            self.move()

    def page_about_lock(self, detection: AnyDetection, proof: str, by_hand: str) -> None:
        """Page a case that a lock blocks, once, and leave it open to be tried again.

        This doesn't count as an attempt, since the lock may stay for days. Nothing was changed, so the next try decides
        again, by the approvals, modes and kill switch of that time.
        """
        now = self.runtime.clock()
        self.move(
            outcome=Outcome.LOCKED,
            proof=proof,
            by_hand=by_hand,
            locked_at=self.leased.case.locked_at or now,
            attempts=1,
            lease_until=now + LOCK_PAUSE,
        )
        case = self.leased.case
        _log.warning("case %s is blocked by a lock: %s", case.id, proof)
        self._send(self.runtime.notifier.post(case, detection, phase=Phase.PENDING))

    def page_and_close(self, detection: AnyDetection) -> None:
        """Write the pages to the outbox, close the case, then send the pages: once written they can't be lost."""
        pages = self.runtime.notifier.post(self.leased.case, detection)
        self.close()
        self._send(pages)

    def _send(self, pages: Iterable[Page]) -> None:
        for page in pages:
            self.runtime.notifier.send(page, self._shown_case)

    def _shown_case(self, tenant_id: str, case_id: str) -> ShownCase | None:
        """Give a case for a page: this run's own as it is, another one of the same page as it is stored."""
        case = self.leased.case
        if (tenant_id, case_id) == (case.tenant_id, case.id):
            return ShownCase(case=case, detection=detection_of(self.runtime, case))
        return shown_case(self.runtime, tenant_id, case_id)

    def close(self, **changes: object) -> None:
        """Close the case with these changes of its fields."""
        now = self.runtime.clock()
        self.move(state=State.CLOSED, closed_at=now, lease_until=None, **changes)
        case = self.leased.case
        _log.info("case %s closed: %s, %s", case.id, case.decision, case.outcome)

    def put_off(self, error: Exception) -> None:
        """Leave the case to a later attempt, or page it after too many attempts."""
        case = self.leased.case
        _log.warning("case %s, attempt %s failed: %s", case.id, case.attempts, error)
        if not case.is_open:
            # Only its pages weren't sent, and the resume timer sends them.
            return
        if case.attempts >= MOST_ATTEMPTS and case.outcome is Outcome.LOCKED:
            # The owners were paged about the lock. The case stays open until the lock is gone.
            self.move(attempts=1, lease_until=self.runtime.clock() + LOCK_PAUSE)
            return
        if case.attempts >= MOST_ATTEMPTS:
            self.give_up(str(error) or type(error).__name__)
            return
        pause = _BACKOFF * case.attempts
        self.move(lease_until=self.runtime.clock() + pause)
        self.runtime.ledger.enqueue(case, delay=pause + timedelta(seconds=1))

    def give_up(self, because: str) -> None:
        """Page the case as one that the responder couldn't answer; an outcome that is stored already stays."""
        case = self.leased.case
        if case.state is not State.ACTED:
            may_have_begun = case.decision is Decision.REMEDIATE
            self.move(
                state=State.ACTED,
                decision=case.decision if may_have_begun else Decision.PAGE,
                outcome=Outcome.UNVERIFIED if may_have_begun else Outcome.FAILED,
                because=f"the responder could not answer this case in {case.attempts} attempts: {because}",
                acted_at=self.runtime.clock(),
            )
        self.page_and_close(detection_of(self.runtime, case))
