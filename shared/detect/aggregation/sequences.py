"""Sequences: detections of a record (step B) that matters only after another one (step A).

Both steps are kept in table `Counters`, so that either may be delivered late. Of step A, the earliest and the latest of
those with one value are kept for each span of time as long as the detection's window. That answers for any instant
whether a step A came in time: in the instant's own span, if the earliest was before it; in the span before that, if the
latest was within the window.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, Self

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.detect.aggregation.thresholds import identity
from shared.detect.aggregation.window_store import (
    DAY,
    MINUTE,
    MOST_PACKED,
    Place,
    days,
    hashed,
    packed,
    unpacked,
)
from shared.model.detections import AnyDetection
from shared.model.events import Event
from shared.model.profile import TenantProfile

_STEP_B_KEPT: Final = 8 * DAY
"""How long after a step B its step A may be delivered: no service gives records that are older than seven days."""

_CLOCKS_DIFFER: Final = timedelta(hours=1)
_REMEMBERED: Final = 1 << 16
_TRIES: Final = 10
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


type OpenCase = Callable[[AnyDetection, str, bytes], bool]
"""Opens the case of a record, given the tenant that it is of if the record doesn't say; True where it is a new one."""


class StepASpan(Struct, frozen=True, kw_only=True):
    """The earliest and the latest step A in a span of time."""

    earliest: datetime
    latest: datetime

    def with_(self, other: "StepASpan") -> "StepASpan":
        """Give both as one."""
        return StepASpan(earliest=min(self.earliest, other.earliest), latest=max(self.latest, other.latest))


class SequenceStore(Protocol):
    """Where steps are kept; `TableSequenceStore` is the one that lasts. Each method may raise an EdgeError."""

    def add_step_a(self, place: Place, end: datetime, span: StepASpan) -> None:
        """Keep the steps A of the span that ends with an instant, beside those that are kept."""
        ...

    def step_a(self, place: Place, end: datetime) -> StepASpan | None:
        """Read the steps A of a span; None where there are none."""
        ...

    def add_step_b(self, place: Place, event: Event, raw: bytes) -> None:
        """Keep a step B for as long as its step A may still be delivered."""
        ...

    def steps_b(self, place: Place, begin: datetime, end: datetime) -> list[tuple[datetime, bytes]]:
        """Read the steps B from `begin` on and before `end`: when each was, and its record."""
        ...


class Sequences:
    """Opens a case for each step B that comes after its step A within the window.

    Polls overlap and bring most records several times: the steps that this process has handled are remembered.
    """

    def __init__(self, store: SequenceStore, *, profile: TenantProfile, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._profile = profile
        self._clock = clock
        self._lock = threading.Lock()
        self._done: dict[tuple[Place, str], None] = {}

    def follow(
        self,
        steps_a: Iterable[tuple[AnyDetection, Event]],
        steps_b: Iterable[tuple[AnyDetection, Event, bytes]],
        open_case: OpenCase,
    ) -> int:
        """Keep the steps of a batch and open the cases that they complete; gives how many cases are new.

        Raises EdgeError when anything couldn't be written: the batch must then be delivered again.
        """
        new = [
            (detection, place, event)
            for detection, event in steps_a
            if (place := self._place(detection, event)) and not self._is_done(place, f"a {identity(event)}")
        ]
        self._keep_steps_a(new)
        opened = 0
        for detection, event, raw in steps_b:
            place = self._place(detection, event)
            if place and not self._is_done(place, f"b {identity(event)}"):
                # Kept before its step A is looked for, which may be coming in at this moment.
                self._store.add_step_b(place, event, raw)
                opened += self._is_after_step_a(place, event.at) and open_case(detection, place.tenant_id, raw)
                self._remember(place, f"b {identity(event)}")
        for detection, place, event in new:
            opened += sum(open_case(detection, place.tenant_id, raw) for raw in self._steps_b_after(place, event.at))
            self._remember(place, f"a {identity(event)}")
        return opened

    def _keep_steps_a(self, steps: Iterable[tuple[AnyDetection, Place, Event]]) -> None:
        spans: dict[tuple[Place, datetime], StepASpan] = {}
        for _, place, event in steps:
            of_span = place, _end_of_span(event.at, place.kept)
            span = StepASpan(earliest=event.at, latest=event.at)
            spans[of_span] = spans[of_span].with_(span) if of_span in spans else span
        for (place, end), span in spans.items():
            self._store.add_step_a(place, end, span)

    def _place(self, detection: AnyDetection, event: Event) -> Place | None:
        """Give where a step is kept; None for a record without the value that both steps must share."""
        after = detection.after
        value = after.by.reader(self._profile)(event) if after else ""
        if not after or not value:
            return None
        return Place(tenant_id=event.tenant_id, detection=detection.id, value=value, kept=after.window)

    def _is_after_step_a(self, place: Place, at: datetime) -> bool:
        """Say whether a step A came before an instant, within the window."""
        end = _end_of_span(at, place.kept)
        own = self._store.step_a(place, end)
        if own is not None and own.earliest < at:
            return True
        before = self._store.step_a(place, end - place.kept)
        return before is not None and before.latest >= at - place.kept

    def _steps_b_after(self, place: Place, step_a_at: datetime) -> Iterator[bytes]:
        """Give the records of steps B that were delivered before their step A."""
        now = self._clock()
        last = step_a_at + place.kept
        begin, end = max(step_a_at, now - _STEP_B_KEPT), min(last, max(step_a_at, now) + _CLOCKS_DIFFER)
        for at, raw in self._store.steps_b(place, begin, end + MINUTE):
            if step_a_at < at <= last:
                yield raw

    def _is_done(self, place: Place, step: str) -> bool:
        return (place, step) in self._done

    def _remember(self, place: Place, step: str) -> None:
        with self._lock:
            self._done[place, step] = None
            if len(self._done) > _REMEMBERED:
                del self._done[next(iter(self._done))]


def _end_of_span(at: datetime, window: timedelta) -> datetime:
    """Give the end of the span of time that an instant is in: spans are as long as the window, from 1970 on."""
    return _EPOCH + ((at - _EPOCH) // window + 1) * window


class _Mergeable(Protocol):
    """What a row keeps of several writers: adding to it what it holds changes nothing."""

    def with_(self, new: Self, /) -> Self:
        """Give both together."""
        ...


def _merge[T: _Mergeable](
    storage: Storage,
    place: tuple[str, str],
    new: T,
    *,
    read: Callable[[Row], T],
    columns: Callable[[T], Mapping[str, Any]],
    what: str,
) -> None:
    """Add to a row of table `Counters`, by partition and key, what it doesn't hold yet. Raises EdgeError.

    Raises:
        Conflict: too many were writing it at once; `what` names it.
    """
    partition, key = place
    for _ in range(_TRIES):
        row = storage.row(Table.COUNTERS, partition, key)
        if row is None:
            if storage.insert(Table.COUNTERS, partition, key, columns(new)):
                return
            continue
        known = read(row)
        both = known.with_(new)
        if both is known or both == known:
            return
        try:
            storage.replace(Table.COUNTERS, row, columns(both))
        except Conflict:
            continue
        return
    raise Conflict(f"{what} is being written by too many at once")


class TableSequenceStore:
    """Steps in table `Counters`, whose row keys begin with `first` for a step A and `second` for a step B.

    Each method raises EdgeError.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add_step_a(self, place: Place, end: datetime, span: StepASpan) -> None:
        """Keep the steps A of the span that ends with an instant, beside those that are kept.

        Raises:
            Conflict: too many were writing it at once.
        """
        _merge(
            self._storage,
            (_partition(place, end), _step_a_key(place, end)),
            span,
            read=_span,
            columns=_columns,
            what=f"what {place.detection} follows",
        )

    def step_a(self, place: Place, end: datetime) -> StepASpan | None:
        """Read the steps A of a span; None where there are none."""
        row = self._storage.row(Table.COUNTERS, _partition(place, end), _step_a_key(place, end))
        return _span(row) if row else None

    def add_step_b(self, place: Place, event: Event, raw: bytes) -> None:
        """Keep a step B for some days. One that is too long for a row is found by a poll that reads it again."""
        if len(raw) > MOST_PACKED:
            return
        place = _for_steps_b(place)
        key = f"second|{_key(place, event.at)}|{hashed(identity(event)).hex()}"
        columns = {"at": event.at.isoformat(), **packed(raw)}
        self._storage.insert(Table.COUNTERS, _partition(place, event.at), key, columns)

    def steps_b(self, place: Place, begin: datetime, end: datetime) -> list[tuple[datetime, bytes]]:
        """Read the steps B from the minute of `begin` on and before `end`: when each was, and its record."""
        place = _for_steps_b(place)
        return [
            (datetime.fromisoformat(row.columns["at"]), unpacked(row))
            for day in days(begin, end)
            for row in self._storage.rows(
                Table.COUNTERS,
                "PartitionKey eq @partition and RowKey ge @begin and RowKey lt @end",
                partition=_partition(place, day),
                begin=f"second|{_key(place, begin)}",
                end=f"second|{_key(place, end)}",
            )
        ]


def _partition(place: Place, at: datetime) -> str:
    """Give the partition of the day of an instant, named for the day after which it may go."""
    return f"{at.astimezone(UTC) + place.kept:%Y%m%d}|{place.tenant_id}|{place.detection}"


def _key(place: Place, at: datetime) -> str:
    """Give what the row of an instant's minute is named by; rows of a value are in the order of time."""
    return f"{hashed(place.value).hex()}|{at.astimezone(UTC):%Y%m%d%H%M}"


def _for_steps_b(place: Place) -> Place:
    return msgspec.structs.replace(place, kept=_STEP_B_KEPT)


def _step_a_key(place: Place, end: datetime) -> str:
    return f"first|{hashed(place.value).hex()}|{end:%Y%m%d%H%M%S}"


def _columns(span: StepASpan) -> dict[str, str]:
    return {"earliest": span.earliest.isoformat(), "latest": span.latest.isoformat()}


def _span(row: Row) -> StepASpan:
    return StepASpan(
        earliest=datetime.fromisoformat(row.columns["earliest"]), latest=datetime.fromisoformat(row.columns["latest"])
    )
