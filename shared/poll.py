"""A source: the directory audit log, read through Graph in windows that overlap.

There is no ingestion time in the log, and records come minutes to hours late, so each poll reads again what the overlap
covers; the ids of cases make that harmless. The cursor moves only when every page was read and every match has its
case.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.clients.calls import Call
from shared.clients.storage import Storage, Table
from shared.intake import Intake, take_in
from shared.machine import Machine
from shared.settings import Tenant

_log = logging.getLogger("responder.poll")
_PAGE: Final = "500"
_KEPT: Final = timedelta(days=7)


def poll(machine: Machine, tenant: Tenant, call: Call, *, overlap: timedelta) -> Intake:
    """Read a tenant's audit records since the last complete poll, less `overlap`.

    Raises EdgeError when a page couldn't be read or a case not opened: the cursor stays, and the next poll reads all of
    it again.
    """
    started = machine.clock()
    since = _since(machine, tenant, started, overlap)
    total = Intake()
    query = {"$filter": f"activityDateTime ge {_instant(since)}", "$orderby": "activityDateTime asc", "$top": _PAGE}
    for page in machine.edges[tenant.id].pages(call, query=query):
        intake = take_in(machine, page, tenant_id=tenant.id)
        total.records += intake.records
        total.matches += intake.matches
        total.opened += intake.opened
        total.unreadable += intake.unreadable
    machine.storage.upsert(Table.CURSORS, "poll", tenant.id, {"done_until": started.isoformat()})
    if total.opened or total.unreadable:
        _log.info(
            "poll of %s: %s records, %s cases opened, %s unreadable",
            tenant.name,
            total.records,
            total.opened,
            total.unreadable,
        )
    return total


def _since(machine: Machine, tenant: Tenant, now: datetime, overlap: timedelta) -> datetime:
    """Begin where the last complete poll began, less the overlap; never before what the service keeps."""
    done = polled_until(machine.storage, tenant.id) or now
    return max(min(done, now) - overlap, now - _KEPT)


def polled_until(storage: Storage, tenant_id: str) -> datetime | None:
    """When the last complete poll of a tenant began; None when there was none."""
    row = storage.row(Table.CURSORS, "poll", tenant_id)
    return datetime.fromisoformat(row.columns["done_until"]) if row else None


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
