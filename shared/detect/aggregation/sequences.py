"""Detections that speak of a record only after another one. Both are kept, so that either may come late.

Firsts are kept in table `Counters` as marks: of all those with one value in a stretch of time as long as `within`, the
earliest and the latest. That tells for any instant whether one came in time: in the instant's own stretch each earlier
one did, in the stretch before it the latest one says so.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage, Table
from shared.detect.aggregation.thresholds import identity
from shared.detect.aggregation.window_store import (
    DAY,
    MINUTE,
    MOST_PACKED,
    Place,
    days,
    hashed,
    merge,
    packed,
    unpacked,
)
from shared.model.detections import AnyDetection
from shared.model.events import Event
from shared.model.profile import TenantProfile

_SECONDS_KEPT: Final = 8 * DAY
"""How long after a second its first may come: no service gives records that are older than seven days."""

_CLOCKS_DIFFER: Final = timedelta(hours=1)
_REMEMBERED: Final = 1 << 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


type OpenCase = Callable[[AnyDetection, str, bytes], bool]
"""Opens the case of a record, given the tenant that it is of if it doesn't say so; says whether it is a new one."""


class Mark(Struct, frozen=True, kw_only=True):
    """The earliest and the latest first of a stretch of time."""

    earliest: datetime
    latest: datetime

    def with_(self, other: "Mark") -> "Mark":
        """Give both together."""
        return Mark(earliest=min(self.earliest, other.earliest), latest=max(self.latest, other.latest))


class SequenceStore(Protocol):
    """Where firsts and seconds are kept; `TableMarks` is the one that lasts. Each method may raise an EdgeError."""

    def mark(self, place: Place, end: datetime, mark: Mark) -> None:
        """Keep firsts of the stretch that ends with an instant."""
        ...

    def marked(self, place: Place, end: datetime) -> Mark | None:
        """Read the firsts of a stretch; None where there are none."""
        ...

    def keep(self, place: Place, event: Event, raw: bytes) -> None:
        """Keep a second until its first can't come any more."""
        ...

    def kept(self, place: Place, begin: datetime, end: datetime) -> list[tuple[datetime, bytes]]:
        """Read the seconds from `begin` on and before `end`: when each was, and its record."""
        ...


class Sequences:
    """Opens the cases of seconds that came after a first.

    What this process has followed to its end is remembered, since polls that overlap bring most records many times.
    """

    def __init__(self, marks: SequenceStore, *, profile: TenantProfile, clock: Callable[[], datetime]) -> None:
        self._marks = marks
        self._vocabulary = profile
        self._clock = clock
        self._lock = threading.Lock()
        self._done: dict[tuple[Place, str], None] = {}

    def follow(
        self,
        firsts: Iterable[tuple[AnyDetection, Event]],
        seconds: Iterable[tuple[AnyDetection, Event, bytes]],
        open_case: OpenCase,
    ) -> int:
        """Mark the firsts of a batch, then open the seconds that come after one; gives how many cases are new.

        Raises EdgeError when anything couldn't be written: the batch must then be delivered again.
        """
        came = [
            (detection, place, event)
            for detection, event in firsts
            if (place := self._place(detection, event)) and not self._is_done(place, f"first {identity(event)}")
        ]
        self._mark(came)
        opened = 0
        for detection, event, raw in seconds:
            place = self._place(detection, event)
            if place and not self._is_done(place, f"second {identity(event)}"):
                # Kept before it is looked for its first, which may be coming in at this moment.
                self._marks.keep(place, event, raw)
                opened += self._is_second(place, event.at) and open_case(detection, place.tenant_id, raw)
                self._remember(place, f"second {identity(event)}")
        for detection, place, event in came:
            opened += sum(open_case(detection, place.tenant_id, raw) for raw in self._seconds_after(place, event.at))
            self._remember(place, f"first {identity(event)}")
        return opened

    def _mark(self, firsts: Iterable[tuple[AnyDetection, Place, Event]]) -> None:
        marks: dict[tuple[Place, datetime], Mark] = {}
        for _, place, event in firsts:
            stretch = place, _end_of_stretch(event.at, place.kept)
            mark = Mark(earliest=event.at, latest=event.at)
            marks[stretch] = marks[stretch].with_(mark) if stretch in marks else mark
        for (place, end), mark in marks.items():
            self._marks.mark(place, end, mark)

    def _place(self, detection: AnyDetection, event: Event) -> Place | None:
        """Give where a record belongs; None where it has no value to be followed by."""
        after = detection.after
        value = after.by.reader(self._vocabulary)(event) if after else ""
        if not after or not value:
            return None
        return Place(tenant_id=event.tenant_id, detection=detection.id, value=value, kept=after.window)

    def _is_second(self, place: Place, at: datetime) -> bool:
        """Say whether a first came before an instant, in time."""
        end = _end_of_stretch(at, place.kept)
        own = self._marks.marked(place, end)
        if own is not None and own.earliest < at:
            return True
        before = self._marks.marked(place, end - place.kept)
        return before is not None and before.latest >= at - place.kept

    def _seconds_after(self, place: Place, first: datetime) -> Iterator[bytes]:
        """Give the records that were there before their first was."""
        now = self._clock()
        last = first + place.kept
        begin, end = max(first, now - _SECONDS_KEPT), min(last, max(first, now) + _CLOCKS_DIFFER)
        for at, raw in self._marks.kept(place, begin, end + MINUTE):
            if first < at <= last:
                yield raw

    def _is_done(self, place: Place, name: str) -> bool:
        return (place, name) in self._done

    def _remember(self, place: Place, name: str) -> None:
        with self._lock:
            self._done[place, name] = None
            if len(self._done) > _REMEMBERED:
                del self._done[next(iter(self._done))]


def _end_of_stretch(at: datetime, within: timedelta) -> datetime:
    """Give the end of the stretch of time that an instant is in."""
    return _EPOCH + ((at - _EPOCH) // within + 1) * within


class TableSequenceStore:
    """Marks in table `Counters`. Each method raises EdgeError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def mark(self, place: Place, end: datetime, mark: Mark) -> None:
        """Keep firsts of the stretch that ends with an instant.

        Raises:
            Conflict: too many were writing it at once.
        """
        merge(
            self._storage,
            (place.partition(end), _first_key(place, end)),
            mark,
            read=_mark,
            columns=_columns,
            what=f"what {place.detection} follows",
        )

    def marked(self, place: Place, end: datetime) -> Mark | None:
        """Read the firsts of a stretch; None where there are none."""
        row = self._storage.row(Table.COUNTERS, place.partition(end), _first_key(place, end))
        return _mark(row) if row else None

    def keep(self, place: Place, event: Event, raw: bytes) -> None:
        """Keep a second for some days; one that is too long for a row is found by a poll that reads it again."""
        if len(raw) > MOST_PACKED:
            return
        place = _for_seconds(place)
        key = f"second|{place.key(event.at)}|{hashed(identity(event)).hex()}"
        columns = {"at": event.at.isoformat(), **packed(raw)}
        self._storage.insert(Table.COUNTERS, place.partition(event.at), key, columns)

    def kept(self, place: Place, begin: datetime, end: datetime) -> list[tuple[datetime, bytes]]:
        """Read the seconds from the minute of `begin` on and before `end`: when each was, and its record."""
        place = _for_seconds(place)
        return [
            (datetime.fromisoformat(row.columns["at"]), unpacked(row))
            for day in days(begin, end)
            for row in self._storage.rows(
                Table.COUNTERS,
                "PartitionKey eq @partition and RowKey ge @begin and RowKey lt @end",
                partition=place.partition(day),
                begin=f"second|{place.key(begin)}",
                end=f"second|{place.key(end)}",
            )
        ]


def _for_seconds(place: Place) -> Place:
    return msgspec.structs.replace(place, kept=_SECONDS_KEPT)


def _first_key(place: Place, end: datetime) -> str:
    return f"first|{hashed(place.value).hex()}|{end:%Y%m%d%H%M%S}"


def _columns(mark: Mark) -> dict[str, str]:
    return {"earliest": mark.earliest.isoformat(), "latest": mark.latest.isoformat()}


def _mark(row: Row) -> Mark:
    return Mark(
        earliest=datetime.fromisoformat(row.columns["earliest"]), latest=datetime.fromisoformat(row.columns["latest"])
    )
