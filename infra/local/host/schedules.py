"""When a timer is due: NCRONTAB texts as the NCrontab library reads them, and plain intervals. All in UTC.

NCRONTAB isn't Vixie cron: it has six fields (five mean second 0), both day fields must match, a week runs from Sunday 0
to 6, names may be cut short, a range given backwards is turned round, `5/10` runs from 5 to the end, and there is no L,
W, # or @daily.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from croniter import CroniterBadDateError, croniter

from infra.local.host.timespans import timespan_from

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_HALF = ("january", "february", "march", "april", "may", "june")
_MONTHS = (*_FIRST_HALF, "july", "august", "september", "october", "november", "december")
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_FIVE_FIELDS = 5
_SIX_FIELDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldKind:
    """One of the six places of an NCRONTAB text and the values it takes."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


FIELDS = (
    FieldKind(name="second", least=0, most=59),
    FieldKind(name="minute", least=0, most=59),
    FieldKind(name="hour", least=0, most=23),
    FieldKind(name="day of month", least=1, most=31),
    FieldKind(name="month", least=1, most=12, names=_MONTHS),
    FieldKind(name="day of week", least=0, most=6, names=_WEEKDAYS),
)


class Schedule(Protocol):
    """Anything that says when it is due next."""

    def next_after(self, instant: datetime) -> datetime:
        """Give the first due instant that is strictly later than `instant` (aware UTC)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Due every so long, counted from the last run."""

    every: timedelta

    def next_after(self, instant: datetime) -> datetime:
        """Give the instant one interval later."""
        return instant + self.every


@dataclass(frozen=True, slots=True, kw_only=True)
class NCrontab:
    """The values each of the six fields takes, in the order of `FIELDS`."""

    fields: tuple[frozenset[int], ...]

    def next_after(self, instant: datetime) -> datetime:
        """Give the first later instant, on a whole second, at which all six fields match.

        Raises:
            ValueError: no such date is found within 50 years (`0 0 0 30 2 *`).
        """
        text = " ".join(",".join(map(str, sorted(values))) for values in self.fields)
        search = croniter(text, instant, ret_type=datetime, day_or=False, second_at_beginning=True)
        following: Callable[[], datetime] = search.get_next
        try:
            return following()
        except CroniterBadDateError:
            raise ValueError("no date matches both its day of month, its month and its day of week") from None


def schedule_from(text: str, *, now: datetime) -> Schedule:
    """Read the schedule of a timer trigger: six (or five) NCRONTAB fields, or an interval `hh:mm:ss`.

    Raises:
        ValueError: it is neither, or it never comes due after `now`.
    """
    if ":" in text:
        every = timespan_from(text)
        if not every:
            raise ValueError(f"{text!r} is no interval: it must be longer than zero")
        return Interval(every=every)
    cron = NCrontab(fields=_fields_from(text))
    cron.next_after(now)
    return cron


def is_frequent(schedule: Schedule, *, now: datetime) -> bool:
    """Say whether it is due more than once within the minute after `now`: such timers are never monitored."""
    if isinstance(schedule, Interval):
        return schedule.every < timedelta(minutes=1)
    return schedule.next_after(schedule.next_after(now)) <= now + timedelta(minutes=1)


def _fields_from(text: str) -> tuple[frozenset[int], ...]:
    parts = text.split()
    if len(parts) == _FIVE_FIELDS:
        parts = ["0", *parts]
    if len(parts) != _SIX_FIELDS:
        raise ValueError(
            f"{text!r} has {len(parts)} fields and not six: second, minute, hour, day of month, month, day of week"
        )
    return tuple(_values_from(part, kind) for part, kind in zip(parts, FIELDS, strict=True))


def _values_from(text: str, kind: FieldKind) -> frozenset[int]:
    return frozenset(value for item in text.split(",") for value in _range_from(item, kind))


def _range_from(item: str, kind: FieldKind) -> range:
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step)):
        raise ValueError(f"{item!r} isn't a {kind.name}: after / stands a whole number of at least 1")
    every = int(step) if slash else 1
    if span == "*":
        return range(kind.least, kind.most + 1, every)
    first, dash, last = span.partition("-")
    start = _value_from(first, kind)
    if dash:
        start, end = sorted((start, _value_from(last, kind)))
    else:
        end = kind.most if slash else start
    return range(start, end + 1, every)


def _value_from(text: str, kind: FieldKind) -> int:
    if text.isascii() and text.isdigit() and kind.least <= int(text) <= kind.most:
        return int(text)
    if text.isalpha():
        for value, name in enumerate(kind.names, start=kind.least):
            if name.startswith(text.lower()):
                return value
    names = f" or a name ({', '.join(kind.names)})" if kind.names else ""
    raise ValueError(f"{text!r} isn't a {kind.name}: use {kind.least} to {kind.most}{names}")
