"""The lists of cases, in table `Cases`: which are open, and which are the newest, without reading all there are.

Beside the days of a tenant, partition `TENANT|lists` has two rows for each case: `open|ID` until it is closed, and
`newest|SECONDS|ID`, by which the newest come first. They are written before the case's own row, and the open one goes
after it was closed. So a list may name a case that isn't there or is closed, which whoever reads it finds out, and
never lacks one.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from shared.clients.storage import Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.cases import LISTS, NEWEST, Case, newest_before

_OPEN: Final = "open|"
_AFTER: Final = "~"


class Listed(Struct, frozen=True, kw_only=True):
    """A case on a list of open ones, since when. `is_of_object` says that it is answered with a guarded object."""

    id: str
    is_of_object: bool
    since: datetime | None
    row: Row


class CaseLists:
    """The rows of lists. Each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def note(self, case: Case) -> None:
        """Put a case that is about to be opened on both lists, in one transaction."""
        columns = {"object": bool(case.object_key), "since": case.opened_at.isoformat()}
        writes = [
            RowWrite(op=RowOp.UPSERT, key=f"{_OPEN}{case.id}", columns=columns),
            RowWrite(op=RowOp.UPSERT, key=f"{newest_before(case.at)}|{case.id}"),
        ]
        self._storage.write_together(Table.CASES, _partition(case.tenant_id), writes)

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
            )

    def last_opened(self, tenant_id: str) -> list[Listed]:
        """Give the open cases of a tenant, those that were opened last in front."""
        never = datetime.min.replace(tzinfo=UTC)
        return sorted(self.open(tenant_id), key=lambda listed: listed.since or never, reverse=True)

    def newest(self, tenant_id: str, *, most: int, since: datetime | None = None) -> list[str]:
        """Give the ids of at most `most` cases of a tenant, the newest events first; 0 is for all."""
        rows = self._storage.rows(
            Table.CASES,
            "PartitionKey eq @lists and RowKey ge @first and RowKey lt @last",
            most=most,
            lists=_partition(tenant_id),
            first=NEWEST,
            last=f"{newest_before(since)}|{_AFTER}" if since else f"{NEWEST}{_AFTER}",
        )
        return [row.key.rpartition("|")[2] for row in rows]


def _partition(tenant_id: str) -> str:
    return f"{tenant_id}|{LISTS}"
