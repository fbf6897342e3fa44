"""Polls the logs that are read through Graph, in overlapping time windows.

The logs have no ingestion time, and records arrive minutes to hours late. So each poll reads the time of the overlap
again; a record that is read twice makes one case, because of the case's id. Cases are opened page by page.

A poll reads the newest hours only, so that what is new never waits for what is old: what an outage left, and what the
service doesn't give, is stored as still to be read, and `catch_up` reads it. The cursor says until when everything was
read, or is stored so.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.ingest.intake import Intake
from shared.ingest.lateness import Noted, Reading, store_lateness
from shared.ingest.unread import KEPT_BY_SERVICE, keep_unread, read_unread
from shared.ingest.windows import Part, cut, read_in_parts, read_window, without
from shared.model.errors import EdgeError, Refused
from shared.model.notices import SystemNotice
from shared.model.settings import Tenant
from shared.model.sources import Source, Window
from shared.respond.components import Runtime

_log = logging.getLogger("responder.poll")

_LIVE: Final = timedelta(hours=2)
"""How far behind the last poll may be for this one to read all since then. What is older is left to `catch_up`."""

WINDOW: Final = timedelta(hours=2)
"""The time that one query covers where more is to be read."""

_LONGEST: Final = timedelta(minutes=4)
"""How long a poll narrows down what it can't read, so that other tenants don't wait long."""

_PATIENCE: Final = 4
"""Attempts that give nothing before a poll says that the service doesn't answer: the window, what is new of it, and
twice a part of that.
"""

_DONE_UNTIL: Final = "done_until"
_BEGUN_AT: Final = "begun_at"
_UNLICENSED: Final = "unlicensed"
_MOST_TEXT: Final = 500

NO_LICENCE: Final = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
"""Graph's error code for a log that needs Entra ID P1."""


def poll(
    runtime: Runtime, tenant: Tenant, source: Source, *, overlap: timedelta, longest: timedelta = _LONGEST
) -> Intake:
    """Read a tenant's records since the last poll got, less `overlap`.

    Where it can't be read how far the last poll got, the overlap is read, and a notice says so.
    For a tenant without the licence for the log, a notice is published once, and nothing is read.

    Raises EdgeError when nothing could be read or a case not opened: the cursor stays, and the next poll reads all
    after it again.
    """
    this = _Poll(runtime, tenant, source, overlap)
    try:
        this.read(longest)
    except Refused as refused:
        if refused.code != NO_LICENCE:
            this.store_problem(refused)
            raise
        _publish_missing_licence(runtime, tenant, source)
    except EdgeError as error:
        this.store_problem(error)
        raise
    log_intake(source, tenant, this.total)
    return this.total


def log_intake(source: Source, tenant: Tenant, total: Intake) -> None:
    """Log what was read, if anything came of it."""
    if total.opened or total.unreadable:
        _log.info(
            "%s of %s: %s records, %s cases opened, %s unreadable",
            source.name,
            tenant.name,
            total.records,
            total.opened,
            total.unreadable,
        )


class _Poll:
    """One poll of a tenant's log: `reached` is until when it was read before, `begun` since when it is read at all."""

    def __init__(self, runtime: Runtime, tenant: Tenant, source: Source, overlap: timedelta) -> None:
        self.total = Intake()
        self._runtime = runtime
        self._tenant = tenant
        self._source = source
        self._overlap = overlap
        self._started = runtime.clock()
        row = runtime.storage.row(Table.CURSORS, source.cursors, tenant.id)
        self._reached = min(_reached(runtime, tenant, source, row) or self._started, self._started)
        # Earlier releases stored no beginning: those logs are read since long.
        self._begun = row.instant(_BEGUN_AT) if row else self._started - overlap

    def read(self, longest: timedelta) -> None:
        """Read what is new, then note how far, and what an outage left to be read. Raises EdgeError."""
        since, left = self._reached - self._overlap, None
        if self._started - self._reached > _LIVE:
            newest = self._started - self._overlap
            left = Window(since=max(since, self._started - KEPT_BY_SERVICE), until=newest)
            since = self._reached = newest
        self._read_live(Window(since=since, until=self._started, is_open=True), longest)
        if left is not None:
            _log.warning("%s of %s: %s is still to be read", self._source.name, self._tenant.name, left)
            self._keep((Part(window=window, because=None) for window in cut(left, WINDOW)), tries=0)
        self._store(self._started)

    def _read_live(self, window: Window, longest: timedelta) -> None:
        """Read a window, but for what is stored as still to be read; what can't be read of it is stored so too."""
        known = [unread.window for unread in read_unread(self._runtime.storage, self._source, self._tenant.id)]
        noted: list[Noted] = []

        def note(window: Window, minutes: Mapping[str, int]) -> None:
            at = self._runtime.clock()
            noted.append(Noted(reading=Reading.LIVE, window=window, minutes=minutes, at=at))

        outcome = read_in_parts(
            lambda part: read_window(self._runtime, self._tenant, self._source, part, self.total, note=note),
            without(window, known),
            patience=_PATIENCE,
            is_over=lambda: self._runtime.clock() - self._started >= longest,
            cut_at=self._reached,
        )
        store_lateness(self._runtime.storage, self._source, self._tenant.id, noted)
        if outcome.silent is not None:
            raise outcome.silent
        for part in outcome.unread:
            _log.warning(
                "%s of %s: %s can't be read: %s", self._source.name, self._tenant.name, part.window, part.because
            )
        self._keep(outcome.unread, tries=1)

    def _keep(self, parts: Iterable[Part], *, tries: int) -> None:
        keep_unread(self._runtime.storage, self._source, self._tenant.id, parts, now=self._started, tries=tries)

    def _store(self, reached: datetime) -> None:
        begun = {} if self._begun is None else {_BEGUN_AT: self._begun.isoformat()}
        columns = {_DONE_UNTIL: reached.isoformat(), **begun}
        self._runtime.storage.upsert(Table.CURSORS, self._source.cursors, self._tenant.id, columns)

    def store_problem(self, error: EdgeError) -> None:
        """Store why nothing could be read, for the coverage; that it can't be stored is only logged."""
        problem = failure_columns(error, at=self._started)
        begun = {} if self._begun is None else {_BEGUN_AT: self._begun.isoformat()}
        try:
            _add_columns(self._runtime.storage, self._source, self._tenant.id, {**problem, **begun})
        except EdgeError as failure:
            _log.warning("why the %s couldn't be read could not be stored: %s", self._source.name, failure)


def failure_columns(error: EdgeError, *, at: datetime) -> dict[str, str]:
    """Give the columns that say when and why something couldn't be read, and which permissions that needs."""
    needed = ", ".join(error.needed) if isinstance(error, Refused) else ""
    return {"failed_at": at.isoformat(), "because": str(error)[:_MOST_TEXT], "needed": needed}


def _add_columns(storage: Storage, source: Source, tenant_id: str, columns: dict[str, Any]) -> Row:
    row = storage.row(Table.CURSORS, source.cursors, tenant_id)
    return storage.upsert(Table.CURSORS, source.cursors, tenant_id, {**(row.columns if row else {}), **columns})


def _publish_missing_licence(runtime: Runtime, tenant: Tenant, source: Source) -> None:
    """Publish a notice when the missing licence is found, and again only if the log could be read in between."""
    _log.warning("%s of %s: it needs Entra ID P1, which the tenant doesn't have", source.name, tenant.name)
    row = runtime.storage.row(Table.CURSORS, source.cursors, tenant.id)
    if row and _UNLICENSED in row.columns:
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
    _add_columns(runtime.storage, source, tenant.id, {_UNLICENSED: True})


def _reached(runtime: Runtime, tenant: Tenant, source: Source, row: Row | None) -> datetime | None:
    """Give the time until which a tenant's log was read; None when it never was, or when that can't be read."""
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


class Cursor(Struct, frozen=True, kw_only=True):
    """How far a tenant's log was read, None where it never was; whether the tenant lacks the licence; the row."""

    until: datetime | None = None
    is_unlicensed: bool = False
    row: Row | None = None


def cursor_of(storage: Storage, source: Source, tenant_id: str) -> Cursor:
    """Read how far a tenant's log was read. Raises EdgeError."""
    row = storage.row(Table.CURSORS, source.cursors, tenant_id)
    if row is None:
        return Cursor()
    return Cursor(until=row.instant(_DONE_UNTIL), is_unlicensed=_UNLICENSED in row.columns, row=row)


def polled_until(storage: Storage, source: Source, tenant_id: str) -> datetime | None:
    """Give the time until which a tenant's log was read; None when it never was, or when that can't be read."""
    return cursor_of(storage, source, tenant_id).until


def is_unlicensed(storage: Storage, source: Source, tenant_id: str) -> bool:
    """Whether the last poll found that the tenant has no licence for the log."""
    return cursor_of(storage, source, tenant_id).is_unlicensed


def read_since(storage: Storage, source: Source, tenant_id: str) -> datetime | None:
    """Give since when a tenant's log is read; None when that is long ago, or when it isn't yet."""
    row = storage.row(Table.CURSORS, source.cursors, tenant_id)
    return row.instant(_BEGUN_AT) if row else None
