"""Tells people once when something isn't seen any more, and once when it is again; logs all for the workbook."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.ingest.coverage import Coverage, Entry
from shared.model.notices import SystemNotice
from shared.notify.outbox import Notifier

_log = logging.getLogger("responder.coverage")

_PARTITION: Final = "coverage"
_WATCHED: Final = "watched"
_PATIENCE: Final = timedelta(minutes=10)
"""How long something has to be unseen before people are paged: a source is named late after its own bound already."""

_LOGGED_EACH: Final = timedelta(minutes=15)
_MOST: Final = 5
"""Entries that one notice names; responder status lists all."""


def watch_coverage(storage: Storage, notifier: Notifier, coverage: Coverage) -> None:
    """Page once about what isn't seen for some minutes, say once that it is again, and log all. Raises EdgeError."""
    rows = {row.key: row for row in storage.rows(Table.CURSORS, "PartitionKey eq @one", one=_PARTITION)}
    _log_all(storage, rows.get(_WATCHED), coverage)
    bad = {_key(entry): entry for entry in coverage.entries if entry.is_paged}
    for key in bad.keys() - rows.keys():
        storage.upsert(Table.CURSORS, _PARTITION, key, {"since": coverage.at.isoformat(), "about": bad[key].about})
    paged = {key for key, row in rows.items() if "paged_at" in row.columns}
    new = [key for key in bad if key in rows and key not in paged and _is_old(rows[key], coverage.at)]
    if new:
        notifier.publish(_unseen([bad[key] for key in new], coverage.at))
        _store(storage, [rows[key] for key in new], coverage.at)
    seen = {_key(entry): entry for entry in coverage.entries}
    over = [key for key in rows.keys() - bad.keys() - {_WATCHED} if _is_fine(seen.get(key), coverage)]
    if back := sorted(rows[key].columns.get("about", "") for key in over if key in paged):
        notifier.publish(_seen_again(back, coverage.at))
    for key in over:
        storage.delete(Table.CURSORS, rows[key])


def _is_fine(entry: Entry | None, coverage: Coverage) -> bool:
    """Whether something is seen again; a permission that was granted again has no entry of its own any more."""
    return coverage.is_whole if entry is None else entry.sight.is_fine


def _is_old(row: Row, now: datetime) -> bool:
    since = row.instant("since")
    return since is None or now - since >= _PATIENCE


def _store(storage: Storage, rows: Iterable[Row], now: datetime) -> None:
    for row in rows:
        storage.upsert(Table.CURSORS, row.partition, row.key, {**row.columns, "paged_at": now.isoformat()})


def _key(entry: Entry) -> str:
    """Name an entry's row: what it is about may have characters that a key can't have."""
    return hashlib.sha256(entry.key.encode()).hexdigest()[:32]


def _unseen(entries: Sequence[Entry], now: datetime) -> SystemNotice:
    first, many = entries[0], len(entries) > 1
    lines = [f"{entry.about} of {entry.tenant}: {entry.because}" for entry in entries[:_MOST]]
    rest = f" And {len(entries) - _MOST} more." if len(entries) > _MOST else ""
    title = f"{len(entries)} sources aren't seen" if many else f"{first.about} of {first.tenant} isn't seen"
    return SystemNotice(
        key=f"coverage unseen {now:%Y%m%d%H%M} {_key(first)[:8]}",
        title=title[:1].upper() + title[1:],
        text=f"{'. '.join(lines)}.{rest}",
        what_to_do=f"{first.cure} Until the responder says that it sees this again, nothing in it is detected;"
        " responder status shows everything that isn't seen.",
    )


def _seen_again(about: Sequence[str], now: datetime) -> SystemNotice:
    names = ", ".join(about[:_MOST]) + (f" and {len(about) - _MOST} more" if len(about) > _MOST else "")
    return SystemNotice(
        key=f"coverage seen {now:%Y%m%d%H%M}",
        title=f"Seen again: {names}",
        text="It was said before that this isn't seen. It is read again, from where that ended.",
        what_to_do="Nothing. responder status shows whether older parts are still to be read.",
        is_silent=True,
    )


def _log_all(storage: Storage, row: Row | None, coverage: Coverage) -> None:
    """Log each entry now and then, for the workbook."""
    logged_at = row.instant("at") if row else None
    if logged_at is not None and coverage.at - logged_at < _LOGGED_EACH:
        return
    for entry in coverage.entries:
        _log.info(
            "coverage of %s: %s is %s; behind %s min; p50 %s min; p99 %s min; %s",
            entry.tenant,
            entry.about,
            entry.sight,
            _minutes(coverage.at - entry.read_at if entry.read_at else None),
            _minutes(entry.late.p50),
            _minutes(entry.late.p99),
            entry.because or "-",
        )
    storage.upsert(Table.CURSORS, _PARTITION, _WATCHED, {"at": coverage.at.isoformat()})


def _minutes(time: timedelta | None) -> str:
    return "-" if time is None else str(max(0, round(time / timedelta(minutes=1))))
