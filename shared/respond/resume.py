"""What a timer does about unfinished cases and pages: queue again, send, escalate."""

import logging

from shared.clients.storage import Row
from shared.clients.storage_names import Table
from shared.model.do_all import do_all
from shared.notify.messages import ShownCase
from shared.respond.case_run import shown_case
from shared.respond.components import Runtime

_log = logging.getLogger("responder.pipeline")


def resume(runtime: Runtime) -> int:
    """Queue cases whose lease ended, send waiting pages, and escalate pages that weren't acknowledged in time.

    Gives the number of cases queued. A failure doesn't stop the rest; the first one is raised at the end.
    """

    def find_case(tenant_id: str, case_id: str) -> ShownCase | None:
        return shown_case(runtime, tenant_id, case_id)

    try:
        return _queue_again(runtime)
    finally:
        runtime.notifier.resume(find_case)


def _queue_again(runtime: Runtime) -> int:
    def report(row: Row) -> None:
        runtime.notifier.report_unreadable_row(Table.CASES, row)

    queued = do_all(
        runtime.settings.tenants,
        lambda tenant: do_all(
            runtime.ledger.unfinished(tenant.id, unreadable=report),
            runtime.ledger.enqueue,
            failed=lambda case: f"case {case.id} could not be queued again",
            log=_log,
        ),
        failed=lambda tenant: f"not every unfinished case of {tenant.name} could be queued again",
        log=_log,
    )
    return sum(map(len, queued))
