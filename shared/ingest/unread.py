"""Windows of a log that are still to be read: each a row of table `Cursors`, tried again until it could be read.

A window comes here when the app was down for long, or when the service gave everything but this. It is tried again
after 15 minutes, then longer, as long as the service may still have its records.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final

from msgspec import Struct

from shared.clients.storage import Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.ingest.windows import Part
from shared.model.sources import Source, Window

_log = logging.getLogger("responder.unread")

KEPT_BY_SERVICE: Final = timedelta(days=30)
"""The longest that the service keeps records of the logs, in tenants with Entra ID P1. Others have seven days."""

PARTITIONS: Final = "unread "
"""What the partitions of these rows in table `Cursors` begin with."""

_PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 10, 30, 120, 360, 1440))
"""The pause after each attempt; after the last one, each further attempt waits as long."""

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_MOST_TEXT: Final = 500
_AT_ONCE: Final = 100
"""The most rows that a table takes in one transaction."""


class Unread(Struct, frozen=True, kw_only=True):
    """A window that is still to be read, and the row that says so.

    `tries` is how often that failed, `because` why it did last. `is_again`: it was read before, and is looked at again
    only for what came late. `is_lost`: the service doesn't have it any more.
    """

    window: Window
    tries: int
    next_at: datetime
    because: str
    is_again: bool
    is_lost: bool
    row: Row


def read_unread(storage: Storage, source: Source, tenant_id: str) -> list[Unread]:
    """Give a tenant's windows that are still to be read, oldest first. Raises EdgeError."""
    rows = storage.rows(Table.CURSORS, "PartitionKey eq @one", one=_partition(source, tenant_id))
    return sorted((unread for row in rows if (unread := _read(row))), key=lambda unread: unread.window)


def keep_unread(
    storage: Storage,
    source: Source,
    tenant_id: str,
    parts: Iterable[Part],
    *,
    now: datetime,
    tries: int = 0,
    is_again: bool = False,
) -> None:
    """Store that these are still to be read, after `tries` attempts. Raises EdgeError."""
    writes = [
        RowWrite(
            op=RowOp.UPSERT,
            key=_key(part.window),
            columns={
                # The retention goes by `at`.
                "at": _instant(part.window.until),
                "tries": tries,
                "next_at": _instant(now + _PAUSES[min(tries, len(_PAUSES) - 1)]),
                "because": "" if part.because is None else str(part.because)[:_MOST_TEXT],
                "is_again": is_again,
            },
        )
        for part in parts
    ]
    for some in batched(writes, _AT_ONCE, strict=False):
        storage.write_together(Table.CURSORS, _partition(source, tenant_id), some)


def replace_unread(
    storage: Storage, source: Source, tenant_id: str, unread: Unread, parts: Iterable[Part], *, now: datetime
) -> None:
    """Store what is left of a window that was tried again, nothing where it was read whole. Raises EdgeError.

    What is left stands before the window goes: a run that dies in between reads twice, and leaves nothing out.
    """
    keys: set[str] = set()
    for part in parts:
        tries = unread.tries + (part.because is not None)
        keep_unread(storage, source, tenant_id, [part], now=now, tries=tries, is_again=unread.is_again)
        keys.add(_key(part.window))
    if unread.row.key not in keys:
        with suppress(Conflict):  # another run read it too
            storage.delete(Table.CURSORS, unread.row)


def give_up(storage: Storage, unread: Unread) -> None:
    """Store that the service doesn't have a window any more. Raises EdgeError."""
    with suppress(Conflict):
        storage.replace(Table.CURSORS, unread.row, {**unread.row.columns, "is_lost": True})


def _partition(source: Source, tenant_id: str) -> str:
    return f"{PARTITIONS}{source.cursors}|{tenant_id}"


def _key(window: Window) -> str:
    return f"{window.since.astimezone(UTC):{_STAMP}} {window.until.astimezone(UTC):{_STAMP}}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _window(key: str) -> Window | None:
    try:
        since, until = (datetime.strptime(word, _STAMP).replace(tzinfo=UTC) for word in key.split(" "))
    except ValueError:
        return None
    return Window(since=since, until=until)


def _read(row: Row) -> Unread | None:
    """Read a row. What a person may have broken in it makes its window due; its key says which window it is."""
    window = _window(row.key)
    if window is None:
        _log.error("row %r of %r in table Cursors names no window of a log", row.key[:80], row.partition[:80])
        return None
    tries = row.columns.get("tries")
    return Unread(
        window=window,
        tries=tries if isinstance(tries, int) else 0,
        next_at=row.instant("next_at") or window.until,
        because=str(row.columns.get("because", "")),
        is_again=row.columns.get("is_again") is True,
        is_lost=row.columns.get("is_lost") is True,
        row=row,
    )
