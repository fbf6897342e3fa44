"""One run over one case: writing the case's row under its lease, sending its pages, putting it off, giving up."""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.model.cases import Case, Decision, Outcome, State
from shared.model.conditions import any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import Log
from shared.model.kinds import Risk
from shared.notify.messages import ShownCase
from shared.respond.asked_detections import ASKED_BY_ID
from shared.respond.case_evidence import with_changes_if_readable
from shared.respond.components import Runtime
from shared.respond.ledger import LeasedCase
from shared.respond.unexplained import UNEXPLAINED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.notify.outbox import Page

_log = logging.getLogger("responder.pipeline")

MOST_ATTEMPTS: Final = 6
_BACKOFF: Final = timedelta(seconds=10)
"""Times the number of attempts so far: the pause before the next attempt."""


def detection_of(runtime: Runtime, case: Case) -> AnyDetection:
    """Give the detection that a case was opened for, or a stand-in that pages when it was removed since."""
    if case.detection == UNEXPLAINED.id:
        return UNEXPLAINED
    if case.detection in ASKED_BY_ID:
        return ASKED_BY_ID[case.detection]
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

    def page_and_close(self, detection: AnyDetection) -> None:
        """Write the pages to the outbox, close the case, then send the pages: once written they can't be lost."""
        pages = self.runtime.notifier.post(self.leased.case, detection)
        self.close()
        self._send(pages)

    def _send(self, pages: "Iterable[Page]") -> None:
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
        if case.attempts >= MOST_ATTEMPTS:
            self.give_up(str(error) or type(error).__name__)
            return
        pause = _BACKOFF * case.attempts
        self.move(lease_until=self.runtime.clock() + pause)
        self.runtime.ledger.enqueue(case, delay=pause + timedelta(seconds=1))

    def wait_until(self, at: datetime) -> None:
        """Leave the case to a run at an instant."""
        pause = max(at - self.runtime.clock(), timedelta()) + timedelta(seconds=1)
        self.move(lease_until=self.runtime.clock() + pause)
        self.runtime.ledger.enqueue(self.leased.case, delay=pause + timedelta(seconds=1))

    def give_up(self, because: str) -> None:
        """Page the case as one that the responder couldn't answer; an outcome that is stored already stays."""
        case = self.leased.case
        if case.state is not State.ACTED:
            self.move(
                state=State.ACTED,
                decision=Decision.PAGE,
                outcome=Outcome.FAILED,
                because=f"the responder could not answer this case in {case.attempts} attempts: {because}",
                acted_at=self.runtime.clock(),
            )
        self.page_and_close(detection_of(self.runtime, case))
