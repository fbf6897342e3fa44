"""Counts in table `Counters`: a row for each detection, minute and instance, with all values that are counted apart.

An instance writes rows of its own, all of a batch in one transaction, and remembers the last of them, so it reads none
before it adds to one. What counts is everything that all rows hold, which is read after writing: of two instances that
write at once, at least one finds what both wrote.
"""

import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.clients.storage_rows import RowOp, RowWrite
from shared.detect.aggregation.window_store import (
    HASH_BYTES,
    MOST_PACKED,
    Minute,
    Minutes,
    Place,
    Span,
    days,
    hashed,
    packed,
    unpacked,
)
from shared.model.events import Actor

_MOST_AT_ONCE: Final = 100
_MOST_BYTES_AT_ONCE: Final = 2 * 1024 * 1024
"""Storage takes 4 MiB in a transaction, where bytes are written in base64."""

_MOST_IN_ROW: Final = MOST_PACKED * 15 // 16
_MOST_TOGETHER: Final = _MOST_IN_ROW // HASH_BYTES // 2
"""Members of a minute that one row may have; those of more are in several rows."""

_ROWS_REMEMBERED: Final = 1 << 12
_BYTES_REMEMBERED: Final = 16 * 1024 * 1024
_READ_TOGETHER: Final = timedelta(minutes=30)
"""What is no farther apart is read by one request, and what is between with it."""


class _Window(NamedTuple):
    """Which minute of which detection a row is of, and in which partition it is."""

    partition: str
    at: datetime
    detection: str


class _Entry(Struct, frozen=True, array_like=True):
    """A minute of one value, as a row has it: `value` is its hash, and `members` are one after another."""

    value: bytes
    members: bytes
    first: datetime
    last: datetime
    actor: Actor
    records: tuple[str, ...]


_WRITE: Final = msgspec.msgpack.Encoder()
_READ: Final = msgspec.msgpack.Decoder(list[_Entry])

type _Held = Mapping[bytes, Minute]
"""What a row holds, by the hash of the value."""


class _Draft(Struct, frozen=True, kw_only=True):
    """A row of this instance as it is to be; `etag` is "" for one that doesn't exist yet."""

    window: _Window
    key: str
    held: _Held
    size: int
    etag: str = ""

    def write(self) -> RowWrite:
        op = RowOp.REPLACE if self.etag else RowOp.INSERT
        return RowWrite(op=op, key=self.key, columns=_columns(self.held), etag=self.etag)


class TableWindowStore:
    """The table, as one instance writes it. Safe to share between threads; each method raises EdgeError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._own = _OwnRows()
        self._writer = uuid4().hex[:12]
        self._number = count()

    def add(self, seen: Mapping[Place, Minutes]) -> None:
        """Add to minutes what they don't hold yet."""
        for partition, windows in _windows(seen).items():
            try:
                self._write(partition, [draft for window, new in windows.items() for draft in self._added(window, new)])
            except Conflict:
                # A row that isn't as this instance left it: the answer to an earlier write was lost.
                self._write(partition, [draft for window, new in windows.items() for draft in self._fresh(window, new)])

    def _write(self, partition: str, drafts: Sequence[_Draft]) -> None:
        for some in _transactions(drafts):
            etags = self._storage.write_together(Table.COUNTERS, partition, [draft.write() for draft in some])
            for draft, etag in zip(some, etags, strict=True):
                self._own.give_back(replace(draft, etag=etag))

    def _added(self, window: _Window, new: _Held) -> Iterator[_Draft]:
        """Add to the row that this instance wrote last; what it has no room for is in a row of its own."""
        own = self._own.take(window)
        if own is None:
            yield from self._fresh(window, new)
            return
        both = {**own.held, **{value: _both(own.held.get(value), minute) for value, minute in new.items()}}
        size = sum(map(_size, both.values()))
        if size > _MOST_IN_ROW:
            yield from self._fresh(window, new)
        elif both != own.held:
            yield replace(own, held=both, size=size)
        else:
            self._own.give_back(own)

    def _fresh(self, window: _Window, new: _Held) -> Iterator[_Draft]:
        for held, size in _pieces(new):
            key = f"{_minute_key(window.at)}|{window.detection}|{self._writer}-{next(self._number)}"
            yield _Draft(window=window, key=key, held=held, size=size)

    def minutes(self, spans: Sequence[Span]) -> list[Minutes]:
        """Read the minutes of each span, in their order: those of a tenant that are kept equally long together."""
        found: dict[Place, dict[datetime, Minute]] = {span.place: {} for span in spans}
        wanted = {(place.detection, hashed(place.value), place.tenant_id): place for place in found}
        for tenant_id, kept in dict.fromkeys((span.place.tenant_id, span.place.kept) for span in spans):
            asked = [span for span in spans if (span.place.tenant_id, span.place.kept) == (tenant_id, kept)]
            for row in self._rows(tenant_id, kept, asked):
                minute_key, _, rest = row.key.partition("|")
                at, detection = _instant(minute_key), rest.rpartition("|")[0]
                for value, minute in _held(row):
                    if place := wanted.get((detection, value, tenant_id)):
                        found[place][at] = _both(found[place].get(at), minute)
        return [_within(span, found[span.place]) for span in spans]

    def _rows(self, tenant_id: str, kept: timedelta, spans: Iterable[Span]) -> Iterator[Row]:
        for begin, end in _joined(spans):
            for day in days(begin, end):
                for page in self._storage.pages(
                    Table.COUNTERS,
                    "PartitionKey eq @partition and RowKey ge @begin and RowKey lt @end",
                    partition=_partition(tenant_id, kept, day),
                    begin=_minute_key(begin),
                    end=_minute_key(end),
                ):
                    yield from page

    def since(self, tenant_id: str, name: str, *, now: datetime) -> datetime:
        """Say since when something is counted, which begins now where it never was."""
        key = f"{tenant_id}|{name}|by instance"
        row = self._storage.row(Table.COUNTERS, "since", key)
        if row is not None:
            return datetime.fromisoformat(row.columns["at"])
        if self._storage.insert(Table.COUNTERS, "since", key, {"at": now.isoformat()}):
            return now
        return self.since(tenant_id, name, now=now)


class _OwnRows:
    """The rows that this instance wrote last. Who adds to one takes it, so that nobody else does meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: dict[_Window, _Draft] = {}
        self._size = 0

    def take(self, window: _Window) -> _Draft | None:
        """Give the row of a window, once: one whose write fails is never written again."""
        with self._lock:
            own = self._rows.pop(window, None)
            self._size -= own.size if own else 0
            return own

    def give_back(self, row: _Draft) -> None:
        """Remember a row as it is stored now, in place of another one of its window."""
        with self._lock:
            self.take(row.window)
            self._rows[row.window] = row
            self._size += row.size
            while len(self._rows) > _ROWS_REMEMBERED or self._size > _BYTES_REMEMBERED:
                self.take(next(iter(self._rows)))


def _windows(seen: Mapping[Place, Minutes]) -> dict[str, dict[_Window, dict[bytes, Minute]]]:
    windows: dict[str, dict[_Window, dict[bytes, Minute]]] = {}
    for place, minutes in seen.items():
        for at, minute in minutes.items():
            partition = _partition(place.tenant_id, place.kept, at)
            window = _Window(partition, at, place.detection)
            windows.setdefault(partition, {}).setdefault(window, {})[hashed(place.value)] = minute
    return windows


def _both(known: Minute | None, new: Minute) -> Minute:
    return known.with_(new) if known else new


def _pieces(new: _Held) -> Iterator[tuple[_Held, int]]:
    """Give what each of several rows may hold, with its size; mostly it is one."""
    piece: dict[bytes, Minute] = {}
    size = 0
    parts = ((value, part) for value, minute in new.items() for part in _parts(minute))
    for value, part in parts:
        if piece and (size + _size(part) > _MOST_IN_ROW or value in piece):
            yield piece, size
            piece, size = {}, 0
        piece[value] = part
        size += _size(part)
    if piece:
        yield piece, size


def _parts(minute: Minute) -> Iterator[Minute]:
    members = sorted(minute.members)
    for begin in range(0, len(members), _MOST_TOGETHER):
        yield replace(minute, members=frozenset(members[begin : begin + _MOST_TOGETHER]))


def _size(minute: Minute) -> int:
    """Say how many bytes a minute takes at most in a row."""
    texts = (minute.actor.id, minute.actor.name, *minute.records)
    return HASH_BYTES * (len(minute.members) + 32) + 4 * sum(map(len, texts))


def _transactions(drafts: Sequence[_Draft]) -> Iterator[list[_Draft]]:
    some: list[_Draft] = []
    size = 0
    for draft in drafts:
        if some and (len(some) == _MOST_AT_ONCE or size + draft.size > _MOST_BYTES_AT_ONCE):
            yield some
            some, size = [], 0
        some.append(draft)
        size += draft.size
    if some:
        yield some


def _joined(spans: Iterable[Span]) -> Iterator[tuple[datetime, datetime]]:
    """Give the stretches of time in which spans are."""
    begin = end = None
    for span in sorted(spans, key=lambda span: span.begin):
        if begin is None or end is None:
            begin, end = span.begin, span.end
        elif span.begin > end + _READ_TOGETHER:
            yield begin, end
            begin, end = span.begin, span.end
        else:
            end = max(end, span.end)
    if begin is not None and end is not None:
        yield begin, end


def _within(span: Span, minutes: Minutes) -> Minutes:
    return {at: minutes[at] for at in sorted(minutes) if span.begin <= at < span.end}


def _partition(tenant_id: str, kept: timedelta, at: datetime) -> str:
    """Give the partition of the day of an instant, named for the day after which it may go."""
    return f"{at.astimezone(UTC) + kept:%Y%m%d}|{tenant_id}"


def _minute_key(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M}"


def _instant(minute: str) -> datetime:
    return datetime.strptime(minute, "%Y%m%d%H%M").replace(tzinfo=UTC)


def _columns(held: _Held) -> dict[str, bytes]:
    entries = [
        _Entry(value, b"".join(sorted(each.members)), each.first, each.last, each.actor, each.records)
        for value, each in held.items()
    ]
    return packed(zlib.compress(_WRITE.encode(entries), 1))


def _held(row: Row) -> Iterator[tuple[bytes, Minute]]:
    for entry in _READ.decode(zlib.decompress(unpacked(row))):
        each = (entry.members[place : place + HASH_BYTES] for place in range(0, len(entry.members), HASH_BYTES))
        yield (
            entry.value,
            Minute(
                members=frozenset(each),
                first=entry.first,
                last=entry.last,
                actor=entry.actor,
                records=entry.records,
            ),
        )
