"""What a timer does about unfinished cases and pages: queue again, send, escalate."""

import logging
from collections.abc import Iterable

from shared.model.cases import Case
from shared.model.do_all import do_all
from shared.notify.outbox import Page
from shared.respond.case_run import detection_of
from shared.respond.components import Runtime
from shared.respond.object_history import with_changes_if_readable

_log = logging.getLogger("responder.pipeline")


def resume(runtime: Runtime) -> int:
    """Queue cases whose lease ended, send waiting pages, and escalate pages that weren't acknowledged in time.

    Gives the number of cases queued. A failure doesn't stop the rest; the first one is raised at the end.
    """
    try:
        return _queue_again(runtime)
    finally:
        # Sending comes first: escalating changes the same rows, and it must see which pages were sent.
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
    """Send pages. A failure doesn't stop the others; the first one is raised at the end."""
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
        runtime.notifier.send(page, with_changes_if_readable(runtime, case), detection_of(runtime, case))


def _case_of(runtime: Runtime, page: Page) -> Case | None:
    return runtime.ledger.case(page.tenant_id, page.case_id)
