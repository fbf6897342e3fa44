"""Reads batches of records, each on its own, so that one that can't be read doesn't stop the others."""

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode

from shared.model.errors import UnreadableRecord
from shared.model.events import Event, Log
from shared.normalize.decoding import NotJson, NotJudged, TooDeep, decode, instant
from shared.normalize.pieces import pieces
from shared.normalize.shapes import Head, shape_of

type Interest = Callable[[Log, str, Raw, str], bool]
"""Says whether a detection could match a record, given its log, its name (activity, operation or error code), its text,
and the tenant to use where the record names none.
"""

_NESTED_LISTS = 2


class Reading(Struct, frozen=True):
    """The result for one record; `index` is its position in the batch, from 0.

    `event` is None where no detection could match, or where the record can't be read; `unreadable` then says why.
    `not_judged` is the category of a record that no detection judges. `is_json` is False where the text isn't a JSON
    object.
    """

    index: int
    text: Raw
    event: Event | None = None
    unreadable: str = ""
    not_judged: str = ""
    is_json: bool = True

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
        self._index = count()

    def read_all(self, records: Iterable[Raw], nested: int = 0) -> Iterator[Reading]:
        """Read each of `records`, and the records inside one that is a list or an envelope."""
        for raw in records:
            reading = self._read(raw)
            if reading is not None:
                yield reading
            elif nested < _NESTED_LISTS:
                whole = bytes(raw)
                yield from self.read_all(_listed(whole) or map(Raw, pieces([whole])), nested + 1)
            else:
                yield Reading(next(self._index), raw, None, "it is a list in a list in a list")

    def _read(self, raw: Raw) -> Reading | None:
        """Read one record; None where it is a list or an envelope."""
        try:
            head = decode(_HEAD, raw)
            if head.is_list:
                return None
            shape = shape_of(head, raw)
            at = instant(shape.at(head))
            wanted = self._interest(shape.log, shape.name(head), raw, self._tenant_id)
            event = shape.event(raw, at, self._tenant_id) if wanted else None
        except NotJudged as category:
            return Reading(next(self._index), raw, not_judged=str(category))
        except UnreadableRecord as unreadable:
            if bytes(raw).startswith(b"[") and not isinstance(unreadable, TooDeep):
                return None
            is_json = bytes(raw).startswith(b"{") and not isinstance(unreadable, NotJson)
            return Reading(next(self._index), raw, unreadable=str(unreadable), is_json=is_json)
        return Reading(next(self._index), raw, event)
