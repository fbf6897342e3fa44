"""Polls the logs that are read through Graph, in overlapping time windows.

The logs have no ingestion time, and records arrive minutes to hours late. So each poll reads the time of the overlap
again; a record that is read twice makes one case, because of the case's id. Cases are opened page by page. The cursor
moves to the end of a window when all its pages were read and every match has its case. So a poll that catches up over a
long time can be interrupted, and the next one continues it.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.ingest.intake import Intake, take_in
from shared.model.calls import Call
from shared.model.errors import Refused
from shared.model.notices import SystemNotice
from shared.model.settings import Tenant
from shared.respond.components import Runtime

_log = logging.getLogger("responder.poll")

_KEPT: Final = timedelta(days=7)
"""The shortest retention of the logs: seven days, without a licence and in Azure AD B2C."""

_WINDOW: Final = timedelta(hours=2)
"""The time that one query covers: longer than the overlap, so that an ordinary poll is one query."""

_LONGEST: Final = timedelta(minutes=4)
"""How long a poll reads before it leaves the rest to the next one, so that other tenants don't wait long."""

_DONE_UNTIL: Final = "done_until"

NO_LICENCE: Final = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
"""Graph's error code for a log that needs Entra ID P1."""


class Source(Struct, frozen=True, kw_only=True):
    """A log, and how it is queried.

    `name` is shown to people. `cursors` is the partition of table `Cursors` with the time until which each tenant's log
    was read. `time_field` is the property that the windows filter on, `page_size` at most what the service allows,
    `only` a further condition of the filter.
    """

    name: str
    cursors: str
    call: Call
    time_field: str
    page_size: int
    only: str = ""

    def query(self, since: datetime, until: datetime | None) -> dict[str, str]:
        """Give the query for the records of a window, both ends included; without `until`, for all since then.

        Instants are rounded down to seconds, so there is no gap between windows.
        """
        terms = [f"{self.time_field} ge {_instant(since)}"]
        if until:
            terms.append(f"{self.time_field} le {_instant(until)}")
        if self.only:
            terms.append(self.only)
        return {"$filter": " and ".join(terms), "$top": str(self.page_size)}


def poll(
    runtime: Runtime, tenant: Tenant, source: Source, *, overlap: timedelta, longest: timedelta = _LONGEST
) -> Intake:
    """Read a tenant's records since the last poll got, less `overlap`, for about as long as `longest`.

    Where it can't be read how far the last poll got, the overlap is read, and a notice says so.
    For a tenant without the licence for the log, a notice is published once, and nothing is read.

    Raises EdgeError when a page couldn't be read or a case not opened: the cursor stays at the end of the last complete
    window, and the next poll reads all after it again.
    """
    started = runtime.clock()
    reached = min(_reached(runtime, tenant, source) or started, started)
    total = Intake()
    for since, until in _windows(max(reached - overlap, started - _KEPT), started):
        try:
            _read(runtime, tenant, source.call, source.query(since, until if until < started else None), total)
        except Refused as refused:
            if refused.code != NO_LICENCE:
                raise
            _publish_missing_licence(runtime, tenant, source)
            return total
        if until >= reached:
            columns = {_DONE_UNTIL: until.isoformat()}
            runtime.storage.upsert(Table.CURSORS, source.cursors, tenant.id, columns)
        if until < started and runtime.clock() - started >= longest:
            _log.warning("%s of %s: read up to %s, the next poll continues", source.name, tenant.name, until)
            break
    if total.opened or total.unreadable:
        _log.info(
            "%s of %s: %s records, %s cases opened, %s unreadable",
            source.name,
            tenant.name,
            total.records,
            total.opened,
            total.unreadable,
        )
    return total


def _windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch of time into windows, oldest first; each begins where the last one ended."""
    while until - since > _WINDOW:
        yield since, since + _WINDOW
        since += _WINDOW
    yield since, until


def _read(runtime: Runtime, tenant: Tenant, call: Call, query: dict[str, str], total: Intake) -> None:
    """Take in a window, page by page."""
    for page in runtime.edges[tenant.id].pages(call, query=query):
        intake = take_in(runtime, page, tenant_id=tenant.id)
        total.records += intake.records
        total.matches += intake.matches
        total.opened += intake.opened
        total.unreadable += intake.unreadable


def _publish_missing_licence(runtime: Runtime, tenant: Tenant, source: Source) -> None:
    """Publish a notice when the missing licence is found, and again only if the log could be read in between."""
    _log.warning("%s of %s: it needs Entra ID P1, which the tenant doesn't have", source.name, tenant.name)
    row = runtime.storage.row(Table.CURSORS, source.cursors, tenant.id)
    if row and "unlicensed" in row.columns:
        return
    runtime.notifier.publish(
        SystemNotice(
            key=f"{source.cursors} unlicensed {tenant.id}",
            title=f"The {source.name} of {tenant.name} can't be read",
            text=f"Microsoft gives this log only to tenants with Entra ID P1 or P2. {tenant.name} ({tenant.id}) has"
            " neither, so detections of sign-ins find nothing there.",
            what_to_do="Buy a licence for the tenant, or set SIGN_INS to off. Then run responder doctor to check it.",
        )
    )
    columns = {**(row.columns if row else {}), "unlicensed": True}
    runtime.storage.upsert(Table.CURSORS, source.cursors, tenant.id, columns)


def _reached(runtime: Runtime, tenant: Tenant, source: Source) -> datetime | None:
    """Give the time until which a tenant's log was read; None when it never was, or when that can't be read."""
    row = runtime.storage.row(Table.CURSORS, source.cursors, tenant.id)
    reached = row.instant(_DONE_UNTIL) if row else None
    if row and reached is None and _DONE_UNTIL in row.columns:
        _publish_lost_cursor(runtime, tenant, source, str(row.columns[_DONE_UNTIL]))
    return reached


def _publish_lost_cursor(runtime: Runtime, tenant: Tenant, source: Source, text: str) -> None:
    """Publish a notice; the poll goes on, and writes the row anew."""
    _log.warning("%s of %s: how far it was read is %r, which is no instant", source.name, tenant.name, text[:80])
    runtime.notifier.publish(
        SystemNotice(
            key=f"{source.cursors} lost {tenant.id}",
            title=f"How far the {source.name} of {tenant.name} was read isn't known",
            text=f"The row of tenant {tenant.id} in table Cursors says {text[:80]!r}, which is no instant with a time"
            " zone. The responder reads the last hours again and writes the row anew.",
            what_to_do="Find out who wrote that row. If the responder was stopped before, look at the tenant's log of"
            " that time yourself: the responder reads no more than the last day again.",
        )
    )


def polled_until(storage: Storage, source: Source, tenant_id: str) -> datetime | None:
    """Give the time until which a tenant's log was read; None when it never was, or when that can't be read."""
    row = storage.row(Table.CURSORS, source.cursors, tenant_id)
    return row.instant(_DONE_UNTIL) if row else None


def is_unlicensed(storage: Storage, source: Source, tenant_id: str) -> bool:
    """Whether the last poll found that the tenant has no licence for the log."""
    row = storage.row(Table.CURSORS, source.cursors, tenant_id)
    return row is not None and "unlicensed" in row.columns


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
