"""What a timer does about what is left: look at objects that are due, queue cases again, send pages, escalate."""

import logging
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row
from shared.clients.storage_names import Table
from shared.model.do_all import do_all
from shared.model.notices import SystemNotice
from shared.notify.messages import ShownCase
from shared.objects.due import Look
from shared.respond.case_run import shown_case
from shared.respond.components import Runtime
from shared.respond.reconcile import reconcile
from shared.respond.waking import wake_announced

_log = logging.getLogger("responder.pipeline")

_MOST_DUE: Final = 500
_LONGEST: Final = timedelta(minutes=4)
_HELD_TOO_LONG: Final = timedelta(minutes=10)
_AFTER_FAILURE: Final = timedelta(minutes=2)
"""How soon an object is looked at again where looking at it failed, so that it doesn't keep coming first."""


def resume(runtime: Runtime) -> int:
    """Look at objects that are due, queue cases whose lease ended, send waiting pages, escalate those not acknowledged.

    Gives the number of objects looked at and cases queued. A failure doesn't stop the rest; the first one is raised at
    the end.
    """

    def find_case(tenant_id: str, case_id: str) -> ShownCase | None:
        return shown_case(runtime, tenant_id, case_id)

    try:
        return _look_at_due(runtime) + _queue_again(runtime)
    finally:
        _publish_stuck(runtime)
        # What people acknowledged comes before anybody else is asked.
        try:
            _hear(runtime)
        finally:
            runtime.notifier.resume(find_case)


def _hear(runtime: Runtime) -> None:
    """Act on what people acknowledged and resolved in PagerDuty."""

    def acknowledge_case(tenant_id: str, case_id: str, by: str) -> None:
        case = runtime.ledger.case(tenant_id, case_id)
        if case is not None:
            runtime.ledger.acknowledge(case, by=by)

    runtime.notifier.heard.act(acknowledge_case)


def _look_at_due(runtime: Runtime) -> int:
    """Reconcile objects that are due, those that are due longest first, for about as long as the timer's pause."""
    begun = runtime.clock()
    wake_announced(runtime)
    done = do_all(
        runtime.due.ready(begun, _MOST_DUE),
        lambda look: _look_at(runtime, look, begun),
        failed=lambda look: f"the object {look.id.key} could not be looked at",
        log=_log,
    )
    return sum(done)


def _publish_stuck(runtime: Runtime) -> None:
    """Publish lanes that one run holds for too long: what waits for them isn't put back meanwhile."""
    for held in runtime.leases.stuck(_HELD_TOO_LONG):
        if held.left > timedelta():
            minutes = held.held_for.total_seconds() / 60
            runtime.notifier.publish(
                SystemNotice(
                    key=f"stuck {held.name} {held.holder}",
                    title="Objects wait for one that isn't done with",
                    text=f"The lane {held.name} has been held for {minutes:.0f} minutes; until it is given up, nothing"
                    " else in it is put back.",
                    what_to_do="See the log of the function app for what that run waits for. Restarting the app ends"
                    " it; what it began is gone on with.",
                )
            )


def _look_at(runtime: Runtime, look: Look, begun: datetime) -> bool:
    """Reconcile an object; moves the note on where that fails."""
    if runtime.clock() - begun > _LONGEST:
        return False
    try:
        reconcile(runtime, look.id, looks=(look,))
    except Exception:
        runtime.due.move(look, runtime.clock() + _AFTER_FAILURE)
        raise
    return True


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
