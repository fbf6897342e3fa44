"""Windows of time of a log: how one is read, and how one that can't be read is narrowed down to what can't."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct, structs

from shared.ingest.intake import Intake, take_in
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.settings import Tenant
from shared.model.sources import Source, Window
from shared.respond.components import Runtime

SMALLEST: Final = timedelta(minutes=1)
"""What isn't halved any more: the filter of the logs takes seconds, and a minute that is lost says enough."""

_LONGEST_READING: Final = timedelta(minutes=5)
"""How long one window may be read: 146 pages at the pace of the reports. What takes longer is halved, like links that
have no end.
"""

_READINGS: Final = 3
"""How often a window is begun when a link to one of its pages repeats itself or isn't known any more."""

type Read = Callable[[Window], EdgeError | None]

type Note = Callable[[Window, Mapping[str, int]], None]
"""Told of a window that was read, and how many records each minute of it has, as 2026-01-31T12:00."""

_MINUTE: Final = len("2026-01-31T12:00")


class _Timed(Struct, rename={"activity": "activityDateTime", "created": "createdDateTime"}):
    activity: msgspec.Raw = msgspec.Raw(b"")
    created: msgspec.Raw = msgspec.Raw(b"")


class _TimedPage(Struct):
    value: list[_Timed] = []


def _minutes_of(page: bytes) -> Iterator[str]:
    """Give the minute of each record that says its time in UTC; what is wrong with a record is said elsewhere."""
    try:
        records = msgspec.json.decode(page, type=_TimedPage).value
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for record in records:
        text = bytes(record.activity or record.created).decode("utf-8", "replace").strip('"')
        if text.endswith("Z"):
            yield text[:_MINUTE]


class Part(Struct, frozen=True, kw_only=True):
    """A part of a window that wasn't read. `because` says why; None where there was no time to try."""

    window: Window
    because: EdgeError | None


def read_window(
    runtime: Runtime,
    tenant: Tenant,
    source: Source,
    window: Window,
    total: Intake,
    *,
    note: Note = lambda _window, _minutes: None,
) -> EdgeError | None:
    """Take a window in, page by page; gives why it can't be read, None when it was read to its end.

    Each page is taken in before the next one is asked for. When the window was read whole, `note` is told of it, and
    how many records each minute of it has.

    Raises EdgeError for what isn't a fault of this window: a permission that is missing, too many requests, storage.
    """
    failure: EdgeError | None = None
    for _ in range(_READINGS):
        reading = _Reading(runtime, tenant, source, window)
        failure = reading.take_in(total)
        if failure is None:
            note(window, reading.minutes)
            return None
        if not (reading.followed and isinstance(failure, Rejected)):
            break
    return failure


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of reading windows: what wasn't read, oldest first; `silent` is why, where nothing could be read."""

    unread: tuple[Part, ...] = ()
    silent: EdgeError | None = None


class _Reading:
    """One reading of a window, from its first page on. `followed` is how many links to further pages it followed."""

    def __init__(self, runtime: Runtime, tenant: Tenant, source: Source, window: Window) -> None:
        self._runtime = runtime
        self._tenant = tenant
        self._source = source
        self._window = window
        self.followed = 0
        self.minutes = Counter[str]()

    def take_in(self, total: Intake) -> EdgeError | None:
        begun = self._runtime.clock()
        pages = self._runtime.edges[self._tenant.id].pages(self._source.call, query=self._source.query(self._window))
        while True:
            try:
                page = next(pages, None)
            except (Refused, Throttled):
                raise
            except (Rejected, Unreachable) as failure:
                return failure
            if page is None:
                return None
            self._take_in_page(page, total)
            if self._runtime.clock() - begun > _LONGEST_READING:
                return Unreachable(f"{self._window} has more pages than can be read in {_LONGEST_READING}")

    def _take_in_page(self, page: bytes, total: Intake) -> None:
        intake = take_in(self._runtime, page, tenant_id=self._tenant.id)
        self.followed += 1
        self.minutes.update(_minutes_of(page))
        total.records += intake.records
        total.matches += intake.matches
        total.opened += intake.opened
        total.unreadable += intake.unreadable


def read_in_parts(
    read: Read,
    windows: Sequence[Window],
    *,
    patience: int,
    is_over: Callable[[], bool],
    cut_at: datetime | None = None,
) -> Outcome:
    """Read windows, the newest first, and halve each that can't be read.

    The first cut is at `cut_at`, where a window reaches over it. What is left when `is_over` says so isn't tried. When
    the first `patience` attempts gave nothing, it is the service that is silent: all windows count as unread.
    """
    left = sorted(windows)
    unread: list[Part] = []
    failures, has_read = 0, False
    while left:
        window = left.pop()
        if has_read and is_over():
            unread.append(Part(window=window, because=None))
            continue
        failure = read(window)
        if failure is None:
            has_read = True
            continue
        failures += 1
        if not has_read and (failures >= patience or is_over()):
            return Outcome(unread=tuple(Part(window=each, because=failure) for each in windows), silent=failure)
        if window.until - window.since <= SMALLEST:
            unread.append(Part(window=window, because=failure))
        else:
            left += halves(window, cut_at)
    return Outcome(unread=tuple(_joined(unread)), silent=None if has_read or not unread else unread[0].because)


def halves(window: Window, cut_at: datetime | None = None) -> tuple[Window, Window]:
    """Cut a window in two that share the instant of the cut, the older one first."""
    middle = window.since + (window.until - window.since) / 2
    if cut_at is not None and window.since < cut_at < window.until:
        middle = cut_at
    older = Window(since=window.since, until=middle)
    return older, structs.replace(window, since=middle)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Join parts that touch, if both were tried or neither was; oldest first."""
    found: list[Part] = []
    for part in sorted(parts, key=lambda each: each.window):
        last = found[-1] if found else None
        if last and last.window.until == part.window.since and (last.because is None) is (part.because is None):
            window = Window(since=last.window.since, until=part.window.until)
            found[-1] = Part(window=window, because=part.because)
        else:
            found.append(part)
    return found


def without(window: Window, others: Iterable[Window]) -> list[Window]:
    """Give what is left of a window when others are taken out of it, oldest first."""
    left: list[Window] = []
    since = window.since
    for other in sorted(others):
        if other.until <= since or other.since >= window.until:
            continue
        if other.since > since:
            left.append(Window(since=since, until=other.since))
        since = other.until
    if since < window.until:
        left.append(structs.replace(window, since=since))
    return left


def cut(window: Window, longest: timedelta) -> Iterator[Window]:
    """Cut a window into windows of at most `longest`, the oldest first; each begins where the last one ended."""
    for number in itertools.count():
        since = window.since + number * longest
        if since >= window.until:
            return
        yield Window(since=since, until=min(since + longest, window.until))
