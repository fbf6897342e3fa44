"""Counts how often the process died while it worked on the same bytes, so that what kills it is set aside.

An exception can be answered where it is raised. What ends the process (a crash of a library, memory that runs out)
can't, and what it was given comes again: it is noted before it is worked on, and the note goes when that has ended.
"""

import hashlib
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError

_log = logging.getLogger("responder.deaths")

_PARTITION: Final = "begun"
_FORGOTTEN_AFTER: Final = timedelta(days=3)
"""The time since something was last begun after which its count starts anew."""

_MOST_FORGOTTEN: Final = 100


def deaths_over(storage: Storage, what: str, raw: bytes, *, now: datetime) -> int:
    """Give how often the process died while it worked on these bytes lately. Raises EdgeError.

    `what` tells apart what has the same bytes: a batch, an event, a record.
    """
    return _deaths(storage.row(Table.CURSORS, _PARTITION, _key(what, raw)), now)


@contextmanager
def begun(storage: Storage, what: str, raw: bytes, *, clock: Callable[[], datetime]) -> Generator[int]:
    """Note that these bytes are worked on; gives how often the process died over them before.

    The note goes when the work is done, and is as before where it failed; it stays as it is where the process dies.
    Raises EdgeError where it can't be noted, before anything is done.
    """
    now = clock()
    deaths = deaths_over(storage, what, raw, now=now)
    columns = {"times": deaths + 1, "last_at": now.isoformat()}
    noted = storage.upsert(Table.CURSORS, _PARTITION, _key(what, raw), columns)
    try:
        yield deaths
    except Exception:
        _take_back(storage, noted, deaths)
        raise
    _take_back(storage, noted, 0)


def forget_old(storage: Storage, *, now: datetime) -> None:
    """Delete notes of what never came again. Raises EdgeError."""
    before = (now - _FORGOTTEN_AFTER).isoformat()
    term = f"PartitionKey eq '{_PARTITION}' and last_at lt @before"
    storage.purge(Table.CURSORS, term, most=_MOST_FORGOTTEN, before=before)


def _key(what: str, raw: bytes) -> str:
    return hashlib.sha256(what.encode() + b"\0" + raw).hexdigest()


def _deaths(row: Row | None, now: datetime) -> int:
    last_at = row.instant("last_at") if row else None
    times: object = row.columns.get("times") if row else None
    if last_at is None or now - last_at > _FORGOTTEN_AFTER:
        return 0
    return times if isinstance(times, int) else 0


def _take_back(storage: Storage, noted: Row, deaths: int) -> None:
    """Take a note back. One that stays has the same looked at more carefully the next time, which does no harm."""
    try:
        if deaths:
            storage.upsert(Table.CURSORS, noted.partition, noted.key, {**noted.columns, "times": deaths})
        else:
            storage.delete(Table.CURSORS, noted)
    except EdgeError as error:
        _log.warning("that something is done could not be noted: %s", error)
