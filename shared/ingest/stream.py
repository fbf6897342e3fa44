"""Takes in what diagnostic settings stream to an Event Hub: batches of events, each with one record or many.

The Functions host moves the checkpoint past a batch when its function has ended, however it ended, once its retries are
over. So a batch that couldn't be stored has to raise for as long as that is so; and a record that fails every time
mustn't hold up the others behind it: after some tries it is kept for later, in the queue of Event Grid's events, whose
function takes in records of every shape, tries them for a day and stores them in the quarantine at last.

What kills the process itself leaves no error. So each batch is noted before it is worked on: one over which the process
died before is taken in record by record, each noted too, and the record over which it dies again is stored in the
quarantine unread.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE, Table
from shared.ingest.deaths import begun, deaths_over, forget_old
from shared.ingest.intake import Intake, keep_unreadable, take_in
from shared.ingest.lateness import Lateness, Noted, Reading, lateness_by_key, store_lateness
from shared.model.calls import ID_SHAPES
from shared.model.errors import EdgeError, Throttled, Unreachable, UnreadableRecord
from shared.model.sources import Window
from shared.normalize.decoding import envelope_instant, instant
from shared.normalize.ids import tenant_in
from shared.normalize.pieces import pieces
from shared.respond.components import Runtime

_log = logging.getLogger("responder.stream")

TRIES: Final = 5
"""How often a batch is tried as a whole before its records are taken in one by one."""

DEATHS: Final = 2
"""How often the process may die over a batch before its records are taken in one by one."""

DEATHS_OF_ONE: Final = 3
"""How often it may die over an event or a record before that is set aside: it may have been killed for another reason.
"""

_LONGEST_MESSAGE: Final = 48 * 1024
"""Bytes; a queue takes 64 KiB of text, which is this much in base64."""

_PARTITION: Final = "stream"
_NOTED_EVERY: Final = timedelta(minutes=1)
_LONGEST_CATEGORY: Final = 64
_MOST_PLACES: Final = 200
"""Tenants times categories of which arrivals are noted; Entra has about 20 categories."""


class _Head(Struct, rename="camel"):
    """What is read of a record here; each may be anything."""

    tenant_id: Raw = Raw(b"null")
    resource_id: Raw = Raw(b"null")
    category: Raw = Raw(b"null")
    time: Raw = Raw(b"null")


class _Envelope(Struct):
    records: list[Raw] | None = None


_HEAD: Final = Decoder(_Head)
_LIST: Final = Decoder(list[Raw])
_ENVELOPE: Final = Decoder(_Envelope)
_TEXT: Final = Decoder(str)


class _Stream(Struct, frozen=True):
    """The stream, as its lateness is kept: by tenant and category."""

    name: str = "audit stream"
    cursors: str = _PARTITION


_STREAM: Final = _Stream()


class Arrival(Struct, frozen=True, kw_only=True):
    """When records of a category of a tenant last came by the stream, and how old the youngest of them was then."""

    tenant_id: str
    category: str
    at: datetime
    late: timedelta | None = None


class Arrivals:
    """Notes what arrives by the stream and how late it is, each tenant's category once a minute at most."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._noted: dict[tuple[str, str], datetime] = {}
        self._minutes: dict[tuple[str, str], Counter[str]] = {}
        """How many records of each minute came since a category was noted last."""

    def note(self, arrived: Iterable[tuple[str, str, datetime | None]], *, now: datetime) -> None:
        """Note arrivals: tenant, category, the record's time. An error is only logged: the records are stored."""
        latest: dict[tuple[str, str], datetime | None] = {}
        for tenant_id, category, at in arrived:
            place = (tenant_id, category)
            known = latest.setdefault(place, at)
            latest[place] = max(at, known) if at and known else at or known
            if at is not None and (place in self._minutes or len(self._minutes) < _MOST_PLACES):
                self._minutes.setdefault(place, Counter())[f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"] += 1
        for place, at in latest.items():
            self._note(place, at, now)

    def _note(self, place: tuple[str, str], at: datetime | None, now: datetime) -> None:
        noted = self._noted.get(place)
        if noted is not None and now - noted < _NOTED_EVERY:
            return
        if noted is None and len(self._noted) >= _MOST_PLACES:
            return
        columns: dict[str, object] = {"last_at": now.isoformat()}
        if at is not None:
            columns["late_seconds"] = max(0, int((now - at).total_seconds()))
        try:
            self._storage.upsert(Table.CURSORS, _PARTITION, " ".join(place), columns)
        except EdgeError as error:
            _log.warning("the time of the stream's last records could not be stored: %s", error)
            return
        self._noted[place] = now
        self._note_lateness(place, now)

    def _note_lateness(self, place: tuple[str, str], now: datetime) -> None:
        if minutes := self._minutes.pop(place, None):
            window = Window(since=now, until=now)  # nothing is read again here
            noted = Noted(reading=Reading.UNREAD, window=window, minutes=minutes, at=now)
            store_lateness(self._storage, _STREAM, " ".join(place), (noted,))


def arrivals(storage: Storage) -> list[Arrival]:
    """Give what came by the stream, for each tenant and category. Raises EdgeError."""
    rows = storage.rows(Table.CURSORS, "PartitionKey eq @partition", partition=_PARTITION)
    return [found for row in rows if (found := _arrival(row)) is not None]


def stream_lateness(storage: Storage, *, now: datetime) -> dict[tuple[str, str], Lateness]:
    """Give how late records came in the last two days, by tenant and category. Raises EdgeError."""
    found = lateness_by_key(storage, _STREAM, now=now)
    return {(key.partition(" ")[0], key.partition(" ")[2]): late for key, late in found.items()}


def _arrival(row: Row) -> Arrival | None:
    at = row.instant("last_at")
    tenant_id, _, category = row.key.partition(" ")
    if at is None:
        return None
    late = row.columns.get("late_seconds")
    return Arrival(
        tenant_id=tenant_id,
        category=category,
        at=at,
        late=timedelta(seconds=late) if isinstance(late, int) else None,
    )


class _Part(Struct, frozen=True, kw_only=True):
    """Records of one tenant that came in one event; `tenant_id` is "" where they don't say."""

    tenant_id: str
    raw: bytes
    heads: Sequence[tuple[str, datetime | None]] = ()


def take_in_stream(runtime: Runtime, bodies: Sequence[bytes], arrived: Arrivals, *, tries: int) -> Intake:
    """Take in a batch of events; `tries` is how often it failed before.

    Raises an error when something of it couldn't be stored: the checkpoint mustn't move then, and the batch has to be
    given again. What was taken in of it is not taken in twice. One event that fails doesn't stop those behind it,
    unless storage is away. From the fifth try on, only a record that can't be kept for later either raises.
    """
    total = Intake()
    # After a death the host gives the same first event again, with as many behind it as there are by then.
    first = bodies[0] if bodies else b""
    with begun(runtime.storage, "batch", first, clock=runtime.clock) as deaths:
        if tries < TRIES and deaths < DEATHS:
            parts = [part for body in bodies for part in _parts(body)]
            _each(parts, lambda part: _take_in(runtime, part, total))
        else:
            parts = _take_in_one_by_one(runtime, bodies, total)
            forget_old(runtime.storage, now=runtime.clock())
    arrived.note(
        ((part.tenant_id, category, at) for part in parts if part.tenant_id for category, at in part.heads),
        now=runtime.clock(),
    )
    return total


def _take_in_one_by_one(runtime: Runtime, bodies: Sequence[bytes], total: Intake) -> list[_Part]:
    """Take in each record by itself; what fails is kept for later, what kills the process is set aside unread."""
    parts: list[_Part] = []

    def take_in_event(body: bytes) -> None:
        if _kills(runtime, "event", body, ""):
            return
        with begun(runtime.storage, "event", body, clock=runtime.clock):
            found = [*_parts(body)]
            records = [_Part(tenant_id=part.tenant_id, raw=raw) for part in found for raw in pieces([part.raw])]
        parts.extend(found)
        _each(records, take_in_record)

    def take_in_record(record: _Part) -> None:
        if _kills(runtime, "record", record.raw, record.tenant_id):
            return
        with begun(runtime.storage, "record", record.raw, clock=runtime.clock):
            _take_in_or_keep(runtime, record, total)

    _each(bodies, take_in_event)
    return parts


def _kills(runtime: Runtime, what: str, raw: bytes, tenant_id: str) -> bool:
    """Say whether the process died over it so often that it is to blame; then it is in the quarantine, and told.

    The notes of its deaths stay: with it in the same batch may be another one that kills. Raises EdgeError.
    """
    deaths = deaths_over(runtime.storage, what, raw, now=runtime.clock())
    if deaths < DEATHS_OF_ONE:
        return False
    keep_unreadable(runtime, [(raw, f"the app died {deaths} times while it worked on it")], tenant_id)
    return True


def _each[T](some: Iterable[T], do: Callable[[T], None]) -> None:
    """Do it with each; raises the first error at the end, that storage is away at once."""
    first: Exception | None = None
    for one in some:
        try:
            do(one)
        except (Unreachable, Throttled):
            raise
        except Exception as failure:  # noqa: BLE001 - raised below, when the others are done
            _log.exception("a part of the audit stream could not be taken in")
            first = first or failure
    if first is not None:
        raise first


def _take_in(runtime: Runtime, part: _Part, total: Intake) -> None:
    intake = take_in(runtime, part.raw, tenant_id=part.tenant_id)
    total.records += intake.records
    total.matches += intake.matches
    total.opened += intake.opened
    total.unreadable += intake.unreadable


def _take_in_or_keep(runtime: Runtime, record: _Part, total: Intake) -> None:
    """Take in one record, or keep it for later; an error says that neither could be done."""
    try:
        _take_in(runtime, record, total)
    except Exception as error:  # noqa: BLE001 - kept with the record, whatever it is
        # Whatever it is: without this the partition would stand still, and what is behind it be lost after some days.
        _log.exception("a record of the audit stream fails every time; it is kept for later")
        _keep_for_later(runtime, record, error)


def _keep_for_later(runtime: Runtime, record: _Part, error: Exception) -> None:
    """Put a record where it is tried again, or into the quarantine: it is too long, or its tenant isn't known there."""
    if _tenant_of(_head(record.raw)) and len(record.raw) <= _LONGEST_MESSAGE:
        runtime.storage.enqueue(record.raw, queue=RESOURCE_EVENTS_QUEUE)
        return
    reason = f"it could not be taken in: {type(error).__name__}"
    keep_unreadable(runtime, [(record.raw, reason)], record.tenant_id)


def _parts(body: bytes) -> Iterator[_Part]:
    """Cut an event's body by tenant. What isn't whole JSON stays as it is: reading it says what is wrong."""
    listed = _listed(body)
    if listed is None:
        tenants = {_tenant_of(_head(raw)) for raw in pieces([body])}
        yield _Part(tenant_id=tenants.pop() if len(tenants) == 1 else "", raw=body)
        return
    heads = [(raw, _head(raw)) for raw in listed]
    for tenant_id, group in groupby(heads, key=lambda one: _tenant_of(one[1])):
        same = list(group)
        raw = body if len(same) == len(heads) else b"[" + b",".join(bytes(raw) for raw, _ in same) + b"]"
        yield _Part(tenant_id=tenant_id, raw=raw, heads=[_noted(head) for _, head in same])


def _listed(body: bytes) -> list[Raw] | None:
    """Give the records of an envelope or a list, or the single record; None for lines and for broken JSON."""
    try:
        if body.lstrip()[:1] == b"[":
            return _LIST.decode(body)
        records = _ENVELOPE.decode(body).records
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return [Raw(body)] if records is None else records


def _head(raw: Raw | bytes) -> _Head:
    try:
        return _HEAD.decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return _Head()


def _tenant_of(head: _Head) -> str:
    """Give the id of the tenant that a record names, by itself or in its resource's id; "" where it names none."""
    named = _plain(head.tenant_id).lower()
    if ID_SHAPES["id"].fullmatch(named):
        return named
    return tenant_in(_plain(head.resource_id))


def _noted(head: _Head) -> tuple[str, datetime | None]:
    category = "".join(one for one in _plain(head.category) if one.isascii() and one.isalnum())[:_LONGEST_CATEGORY]
    try:
        return category, instant(envelope_instant(_plain(head.time)))
    except UnreadableRecord:
        return category, None


def _plain(value: Raw) -> str:
    try:
        return _TEXT.decode(value)
    except (DecodeError, UnicodeDecodeError):
        return ""
