"""The lists of cases, in table `Cases`: which are open, and which are the newest, without reading all there are.

Beside the days of a tenant, partition `TENANT|lists` has two rows for each case: `open|ID` until it is closed, and
`newest|SECONDS|ID`, by which the newest come first. They are written before the case's own row, and the open one goes
after it was closed. So a list may name a case that isn't there or is closed, which whoever reads it finds out, and
never lacks one.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from shared.clients.storage import Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.cases import LISTS, NEWEST, Case, newest_before

_OPEN: Final = "open|"
_QUEUED_AT: Final = "queued_at"
_ATTEMPTS: Final = "attempts"
_AFTER: Final = "~"

_LOST_AFTER: Final = timedelta(minutes=15)
"""A message that led to nothing for so long may have been lost."""


class Listed(Struct, frozen=True, kw_only=True):
    """A case on a list of open ones, since when. `is_of_object` says that it is answered with a guarded object.

    `queued_at` is when it was last put into the queue, after so many `attempts`; None where that isn't known.
    """

    id: str
    is_of_object: bool
    since: datetime | None
    row: Row
    queued_at: datetime | None = None
    attempts: int = 0

    def is_queued(self, case: Case, now: datetime) -> bool:
        """Whether a message of the case still waits: none has led to an attempt since it was queued."""
        if self.queued_at is None or now >= self.queued_at + _LOST_AFTER:
            return False
        return case.attempts <= self.attempts


class CaseLists:
    """The rows of lists. Each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def note(self, case: Case) -> None:
        """Put a case that is about to be opened on both lists, in one transaction."""
        writes = [
            RowWrite(op=RowOp.UPSERT, key=f"{_OPEN}{case.id}", columns=_columns_of(case)),
            RowWrite(op=RowOp.UPSERT, key=f"{newest_before(case.at)}|{case.id}"),
        ]
        self._storage.write_together(Table.CASES, _partition(case.tenant_id), writes)

    def note_queued(self, case: Case, at: datetime) -> None:
        """Note that an open case was put into the queue, so that it isn't while that message waits."""
        columns = {**_columns_of(case), _QUEUED_AT: at.isoformat(), _ATTEMPTS: case.attempts}
        self._storage.upsert(Table.CASES, _partition(case.tenant_id), f"{_OPEN}{case.id}", columns)

    def close(self, case: Case) -> None:
        """Take a case that was closed off the list of open ones."""
        with suppress(Conflict):
            write = RowWrite(op=RowOp.DELETE, key=f"{_OPEN}{case.id}")
            self._storage.write_together(Table.CASES, _partition(case.tenant_id), [write])

    def remove(self, listed: Listed) -> None:
        """Take a case off the list of open ones that was found to be closed, or never to have been opened."""
        with suppress(Conflict):
            self._storage.delete(Table.CASES, listed.row)

    def open(self, tenant_id: str) -> Iterator[Listed]:
        """Give the open cases of a tenant, page by page, in the order of their days."""
        pages = self._storage.pages(
            Table.CASES,
            "PartitionKey eq @lists and RowKey ge @first and RowKey lt @last",
            lists=_partition(tenant_id),
            first=_OPEN,
            last=f"{_OPEN}{_AFTER}",
        )
        for row in (row for page in pages for row in page):
            yield Listed(
                id=row.key.removeprefix(_OPEN),
                is_of_object=row.columns.get("object") is True,
                since=row.instant("since"),
                row=row,
                queued_at=row.instant(_QUEUED_AT),
                attempts=int(attempts) if isinstance(attempts := row.columns.get(_ATTEMPTS), int) else 0,
            )

    def last_opened(self, tenant_id: str) -> list[Listed]:
        """Give the open cases of a tenant, those that were opened last in front."""
        never = datetime.min.replace(tzinfo=UTC)
        return sorted(self.open(tenant_id), key=lambda listed: listed.since or never, reverse=True)

    def newest(
        self, tenant_id: str, *, most: int, since: datetime | None = None, after: Case | None = None
    ) -> list[str]:
        """Give the ids of at most `most` cases of a tenant, the newest events first; 0 is for all.

        They are of the seconds from `since` on, and come after the case `after` in this order, where these are given.
        """
        rows = self._storage.rows(
            Table.CASES,
            "PartitionKey eq @lists and RowKey ge @first and RowKey lt @last",
            most=most,
            lists=_partition(tenant_id),
            first=f"{newest_before(after.at)}|{after.id} " if after else NEWEST,
            last=f"{newest_before(since)}|{_AFTER}" if since else f"{NEWEST}{_AFTER}",
        )
        return [row.key.rpartition("|")[2] for row in rows]


def _columns_of(case: Case) -> dict[str, Any]:
    return {"object": bool(case.object_key), "since": case.opened_at.isoformat()}


def _partition(tenant_id: str) -> str:
    return f"{tenant_id}|{LISTS}"
