"""Reads batches of records, each on its own, so that one that can't be read doesn't stop the others.

Of a page of Graph's all records are glanced at first, and those that nothing is about are passed over.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode

from shared.model.errors import UnreadableRecord
from shared.model.events import Event, Log
from shared.normalize.cuts import Cuts
from shared.normalize.decoding import YEARS, NotJson, NotJudged, TooDeep, decode, instant
from shared.normalize.glance import Glance, glance, glances
from shared.normalize.ids import first_id
from shared.normalize.pieces import pieces
from shared.normalize.shapes import GRAPH, NOTHING, Head, shape_of


class Interest(Struct, frozen=True, kw_only=True):
    """Says whether a detection could match a record, by its log and its name (activity, operation or error code).

    - `at_a_glance`: of the records of Graph's with this name, in whatever spelling, and of this tenant: all, none, or
      those of which a glance shows something.
    - `in_record`: of a record with this text; of the given tenant where it doesn't name its own.
    """

    at_a_glance: Callable[[Log, str, str], Callable[[Glance], bool] | bool]
    in_record: Callable[[Log, str, Raw, str], bool]


EVERY_RECORD = Interest(
    at_a_glance=lambda _log, _name, _tenant_id: True, in_record=lambda _log, _name, _raw, _tenant_id: True
)

_NESTED_LISTS = 2


class Reading(Struct, frozen=True, gc=False):
    """The result for one record; `index` is its position in the batch, from 0.

    `event` is None where no detection could match, or where the record can't be read; `unreadable` then says why. Of a
    record that was passed over `text` is empty; `records` is how many were, one after another.
    `not_judged` is the category of a record that no detection judges. `is_json` is False where the text isn't a JSON
    object.
    """

    index: int
    text: Raw
    event: Event | None = None
    unreadable: str = ""
    not_judged: str = ""
    is_json: bool = True
    records: int = 1

    @property
    def raw(self) -> bytes:
        """The record's bytes, unchanged; of a table of a query's answer, the row with its columns' names."""
        return bytes(self.text)


class _Column(Struct):
    name: str


class _Table(Struct):
    columns: list[_Column]
    rows: list[list[Raw]]


class _Envelope(Struct):
    """The envelopes of a list of records; `tables` is what the query API of Log Analytics answers."""

    value: list[Raw] | None = None
    records: list[Raw] | None = None
    tables: list[_Table] | None = None


_HEAD = Decoder(Head)
_LIST = Decoder(list[Raw])
_ENVELOPE = Decoder(_Envelope)


def read_batch(raw: bytes, *, tenant_id: str, interest: Interest) -> Iterator[Reading]:
    """Read every record of one JSON text; `tenant_id` is for records that don't name their tenant.

    A text without any JSON is given as one unreadable record.
    """
    reader = _Reader(tenant_id, interest)
    seen = glances(raw)
    if seen is not None:
        yield from reader.read_page(raw, seen)
        return
    records = _listed(raw)
    if records is not None:
        yield from reader.read_all(records)
        return
    readings = list(reader.read_all(map(Raw, pieces([raw]))))
    if len(readings) > 1 and not any(reading.is_json for reading in readings):
        readings = [Reading(0, Raw(raw), None, readings[0].unreadable, is_json=False)]
    yield from readings


def read_stream(chunks: Iterable[bytes], *, tenant_id: str, interest: Interest) -> Iterator[Reading]:
    """Read every record of a text that is too large for memory, in chunks of any size."""
    return _Reader(tenant_id, interest).read_all(map(Raw, pieces(chunks)))


def _listed(raw: bytes) -> list[Raw] | None:
    """Give the records of a list or an envelope, or the single record; None for other text and broken JSON."""
    try:
        match raw[:64].lstrip()[:1]:
            case b"[":
                return _LIST.decode(raw)
            case b"{":
                envelope = _ENVELOPE.decode(raw)
                if envelope.tables is not None:
                    return [row for table in envelope.tables for row in _rows_of(table)]
                found = envelope.records if envelope.value is None else envelope.value
                return [Raw(raw.strip())] if found is None else found
            case _:
                return None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _rows_of(table: _Table) -> Iterator[Raw]:
    """Give each row as Log Analytics exports it: an object by the names of the columns."""
    names = [column.name for column in table.columns]
    for row in table.rows:
        yield Raw(encode(dict(zip(names, row, strict=False))))


class _Reader:
    """Reads and counts records with the same tenant and interest."""

    def __init__(self, tenant_id: str, interest: Interest) -> None:
        self._tenant_id = tenant_id
        self._interest = interest
        self._index = 0
        self._of_tenant = first_id(tenant_id)
        self._sought: dict[str | int, Callable[[Glance], bool] | bool] = {}

    def read_page(self, raw: bytes, seen: Sequence[Glance]) -> Iterator[Reading]:
        """Read the records of a page of which a glance shows what is sought, and pass over the others."""
        wanted = self._wanted(seen)
        cuts = Cuts(raw, seen, wanted, _listed)
        first = 0
        for place in wanted:
            yield from self._pass_over(place - first)
            yield from self._read_one(cuts.record(place), seen[place])
            first = place + 1
        yield from self._pass_over(len(seen) - first)

    def _pass_over(self, records: int) -> Iterator[Reading]:
        if records:
            yield Reading(self._index, NOTHING, records=records)
            self._index += records

    def _wanted(self, seen: Iterable[Glance]) -> list[int]:
        """Give the places of records that show what is sought, or of which a glance can't tell that they're read."""
        sought = self._sought
        wanted: list[int] = []
        for place, one in enumerate(seen):
            name, at = one.identity()
            if name is None or at is None or at.year not in YEARS:
                wanted.append(place)
                continue
            shown = sought.get(name)
            if shown is None:
                shown = self._learn(name)
            if shown is True or (shown is not False and shown(one)):
                wanted.append(place)
        return wanted

    def _learn(self, name: str | int) -> Callable[[Glance], bool] | bool:
        """Ask what is sought of records of one name."""
        log = _log_of(name)
        shown = self._sought[name] = self._interest.at_a_glance(log, str(name), self._of_tenant)
        return shown

    def read_all(self, records: Iterable[Raw]) -> Iterator[Reading]:
        """Read each of `records`, and the records inside one that is a list or an envelope."""
        for raw in records:
            yield from self._read_one(raw)

    def _read_one(self, raw: Raw, seen: Glance | None = None, nested: int = 0) -> Iterator[Reading]:
        reading = self._read(raw, seen)
        if reading is not None:
            yield reading
        elif nested < _NESTED_LISTS:
            whole = bytes(raw)
            for inner in _listed(whole) or map(Raw, pieces([whole])):
                yield from self._read_one(inner, nested=nested + 1)
        else:
            yield Reading(self._next(), raw, None, "it is a list in a list in a list")

    def _next(self) -> int:
        self._index += 1
        return self._index - 1

    def _read(self, raw: Raw, seen: Glance | None) -> Reading | None:
        """Read one record; None where it is a list or an envelope. `seen` is what a glance has shown of it."""
        try:
            head = None if seen is not None else _head(raw)
            if seen is None and (head is None or head.may_be_of_graph):
                seen = glance(raw)
            name, at = seen.identity() if seen is not None else (None, None)
            if seen is not None and name is not None:
                event = self._event_of_graph(raw, seen, name, instant(at))
            else:
                head = head or decode(_HEAD, raw)
                if head.is_list:
                    return None
                event = self._event(raw, head)
        except NotJudged as category:
            return Reading(self._next(), raw, not_judged=str(category))
        except UnreadableRecord as unreadable:
            if bytes(raw).startswith(b"[") and not isinstance(unreadable, TooDeep):
                return None
            is_json = bytes(raw).startswith(b"{") and not isinstance(unreadable, NotJson)
            return Reading(self._next(), raw, unreadable=str(unreadable), is_json=is_json)
        return Reading(self._next(), raw, event)

    def _event_of_graph(self, raw: Raw, seen: Glance, name: str | int, at: datetime) -> Event | None:
        if not self._wanted((seen,)):
            return None
        log = _log_of(name)
        is_wanted = self._interest.in_record(log, str(name), raw, self._tenant_id)
        return GRAPH[log](raw, at, self._tenant_id) if is_wanted else None

    def _event(self, raw: Raw, head: Head) -> Event | None:
        shape = shape_of(head, raw)
        at = instant(shape.at(head))
        is_wanted = self._interest.in_record(shape.log, shape.name(head), raw, self._tenant_id)
        return shape.event(raw, at, self._tenant_id) if is_wanted else None


def _head(raw: Raw) -> Head | None:
    """Give the head of a record that can be decoded as it is; None for any other."""
    try:
        return _HEAD.decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _log_of(name: str | int) -> Log:
    """Tell the log of a record of Graph's: activities are text, error codes numbers."""
    return Log.AUDIT if isinstance(name, str) else Log.SIGN_IN
