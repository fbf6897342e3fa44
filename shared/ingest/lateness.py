"""How late records come: from when each was made, by its own time, to when it was first read.

The logs don't say when they got a record, and no ids are kept of what was read. But each stretch is read again and
again, so what a minute or an hour of a log has more than before has come since: that many records are as late as the
stretch is old. Counts are kept in one row for each log and tenant, by minute for the newest hours, by hour for a week.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError
from shared.model.sources import Window

_log = logging.getLogger("responder.lateness")

_PARTITION: Final = "lateness "
_TRIES: Final = 4
_MINUTES_FOR: Final = timedelta(hours=4)
_HOURS_FOR: Final = timedelta(days=8)
_DAYS: Final = 7
_SHOWN_DAYS: Final = 2
_HOUR: Final = len("2026-01-31T12")

BOUNDS: Final = (
    *(timedelta(minutes=minutes) for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 45)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 12, 24, 48, 168)),
)
"""A record counts to the smallest of these that it came within; one that came later still, to the last."""


class Log(Protocol):
    """A log: its name as people are shown it, and the name under which its rows are."""

    @property
    def name(self) -> str:
        """What people are shown."""
        ...

    @property
    def cursors(self) -> str:
        """The name under which its rows are."""
        ...


class Reading(StrEnum):
    """Why a window was read."""

    LIVE = "live"
    """It is among the newest; what is there more than before came since."""
    UNREAD = "unread"
    """It had never been read: all of it is new."""
    AGAIN = "again"
    """Whole hours that were read before."""


class Lateness(Struct, frozen=True, kw_only=True):
    """How late half and 99 of 100 records came at most, of `records` in the last two days. None without any."""

    p50: timedelta | None = None
    p99: timedelta | None = None
    records: int = 0


class _Counts(Struct):
    since: str
    """The minute from which on records are counted: how late those before it came isn't known."""
    minutes: dict[str, int] = {}
    hours: dict[str, int] = {}
    days: dict[str, list[int]] = {}


class Noted(Struct, frozen=True, kw_only=True):
    """A window that was read at an instant, and how many records each minute of it has, as 2026-01-31T12:00."""

    reading: Reading
    window: Window
    minutes: Mapping[str, int]
    at: datetime


def store_lateness(storage: Storage, source: Log, key: str, noted: Iterable[Noted]) -> None:
    """Count what was read. What fails is only logged: nothing else depends on it."""
    ordered = tuple(noted)
    if not ordered:
        return
    try:
        for _ in range(_TRIES):
            row = storage.row(Table.CURSORS, _PARTITION + source.cursors, key)
            counts = _counted(_read(row), ordered)
            if _write(storage, source, key, row, counts):
                return
    except EdgeError as error:
        _log.warning("how late the %s comes could not be stored: %s", source.name, error)


def lateness_of(storage: Storage, source: Log, key: str, *, now: datetime) -> Lateness:
    """Give how late records of the last two days came. Raises EdgeError."""
    return _lateness(storage.row(Table.CURSORS, _PARTITION + source.cursors, key), now)


def lateness_by_key(storage: Storage, source: Log, *, now: datetime) -> dict[str, Lateness]:
    """Give the same for every key that it was stored under, in one read. Raises EdgeError."""
    rows = storage.rows(Table.CURSORS, "PartitionKey eq @one", one=_PARTITION + source.cursors)
    return {row.key: _lateness(row, now) for row in rows}


def _lateness(row: Row | None, now: datetime) -> Lateness:
    counts = _read(row)
    days = {f"{now - timedelta(days=number):%Y%m%d}" for number in range(_SHOWN_DAYS)}
    shown = [of_day for day, of_day in counts.days.items() if day in days] if counts else []
    total = [sum(each) for each in zip(*shown, strict=True)]
    return Lateness(p50=_quantile(total, 50), p99=_quantile(total, 99), records=sum(total))


def _quantile(counts: list[int], percent: int) -> timedelta | None:
    """Give the smallest bound within which so many percent came."""
    reached = accumulate(counts)
    enough = sum(counts) * percent / 100
    return next((bound for bound, count in zip(BOUNDS, reached, strict=False) if count >= enough > 0), None)


def _write(storage: Storage, source: Log, key: str, row: Row | None, counts: _Counts) -> bool:
    """Write the counts, unless somebody else did in the meantime."""
    columns: dict[str, Any] = {"counts": msgspec.json.encode(counts).decode()}
    if row is None:
        return storage.insert(Table.CURSORS, _PARTITION + source.cursors, key, columns)
    try:
        storage.replace(Table.CURSORS, row, columns)
    except Conflict:
        return False
    return True


def _read(row: Row | None) -> _Counts | None:
    try:
        counts = msgspec.json.decode(str(row.columns.get("counts")), type=_Counts) if row else None
    except msgspec.DecodeError:
        return None
    return counts if counts and all(len(each) == len(BOUNDS) for each in counts.days.values()) else None


def _counted(counts: _Counts | None, noted: tuple[Noted, ...]) -> _Counts:
    at = max(each.at for each in noted)
    counts = counts or _Counts(since=_minute(at))
    for each in noted:
        for stretch, new in _new(counts, each).items():
            _count(counts, stretch, new, each.at)
    counts.minutes = {minute: n for minute, n in counts.minutes.items() if minute >= _minute(at - _MINUTES_FOR)}
    counts.hours = {hour: n for hour, n in counts.hours.items() if hour >= _minute(at - _HOURS_FOR)[:_HOUR]}
    counts.days = dict(sorted(counts.days.items())[-_DAYS:])
    return counts


def _new(counts: _Counts, noted: Noted) -> dict[str, int]:
    """Give how many records are new of each minute, or of each hour where it is read again."""
    match noted.reading:
        case Reading.UNREAD:
            new = dict(noted.minutes)
        case Reading.LIVE:
            new = {minute: n - counts.minutes.get(minute, 0) for minute, n in noted.minutes.items()}
            counts.minutes |= {minute: max(n, counts.minutes.get(minute, 0)) for minute, n in noted.minutes.items()}
        case Reading.AGAIN:
            whole = {
                _minute(noted.window.since + timedelta(hours=n))[:_HOUR] for n in range(_whole_hours(noted.window))
            }
            hours = Counter[str]()
            for minute, n in noted.minutes.items():
                hours[minute[:_HOUR]] += n
            new = {f"{hour}:30": n - counts.hours.get(hour, 0) for hour, n in hours.items() if hour in whole}
    return {stretch: n for stretch, n in new.items() if n > 0}


def _whole_hours(window: Window) -> int:
    """How many whole hours a window has that begins at one; none where it doesn't."""
    is_whole = _minute(window.since).endswith(":00") and not window.since.second
    return (window.until - window.since) // timedelta(hours=1) if is_whole else 0


def _count(counts: _Counts, minute: str, new: int, at: datetime) -> None:
    hour = minute[:_HOUR]
    counts.hours[hour] = counts.hours.get(hour, 0) + new
    if minute < counts.since:
        return
    late = at - (datetime.fromisoformat(minute).replace(tzinfo=UTC) + timedelta(seconds=30))
    place = next((number for number, bound in enumerate(BOUNDS) if late <= bound), len(BOUNDS) - 1)
    of_day = counts.days.setdefault(f"{at:%Y%m%d}", [0] * len(BOUNDS))
    of_day[place] += new


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"
