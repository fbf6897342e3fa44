"""Storage in memory, for tests that need very much of it. `test_storage` holds it to what Azurite does."""

import base64
import copy
import operator
import re
import threading
import uuid
from collections import UserDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import batched, count
from typing import Any, BinaryIO, Final, override

from shared.clients.storage import BlobEntry, Message, Row, RowOp, RowWrite, Storage, TimedRow
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import CASES_QUEUE, QUEUES, Container, Table, poison_queue
from shared.model.clock import Clock, utc_now
from shared.model.errors import Rejected

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "lt": operator.lt,
    "le": operator.le,
}
_TERM: Final = re.compile(r"(\w+) (eq|ne|ge|gt|lt|le) (@\w+|'[^']*'|true|false)")
_LITERALS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_LARGEST: Final = 64 * 1024
_LARGEST_ROW: Final = 1024 * 1024
_PAGE: Final = 1000
_MOST_AT_ONCE: Final = 100
_NOT_IN_KEYS: Final = frozenset("/\\#?")


class MemoryStorage(Storage):
    """One account. Rows have ETags, blobs are never overwritten, and nothing is made by reading.

    `clock` is storage's own: rows are dated by it, whatever the clocks of those who write them say.
    """

    def __init__(self, *, clock: Clock = utc_now) -> None:
        super().__init__({})
        self.clock = clock
        self._written: dict[tuple[str, str, str], datetime] = {}
        self._blobs_written: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._own = threading.RLock()
        self._tags = count()
        self._rows: dict[str, _TableRows] = {}
        self.containers: dict[str, dict[str, bytes]] = {}
        self.held: set[tuple[str, str]] = set()
        self.queues: dict[str, list[Queued]] = {}

    def copied(self) -> "MemoryStorage":
        """Give an account of its own that holds the same; rows and the values of columns are never changed in place."""
        made = MemoryStorage(clock=self.clock)
        with self._own:
            made._written, made._blobs_written = {**self._written}, {**self._blobs_written}
            made._tags = count(next(self._tags))
            made._rows = {table: rows.copied() for table, rows in self._rows.items()}
            made.containers = {container: {**blobs} for container, blobs in self.containers.items()}
            made.held = {*self.held}
            made.queues = {name: [copy.replace(each) for each in queue] for name, queue in self.queues.items()}
        return made

    def roll_back(self, older: "MemoryStorage") -> None:
        """Put everything back to what another account holds, as whoever may do everything to it could."""
        self._rows, self.containers = older._rows, older.containers  # noqa: SLF001 - of the same class

    @override
    def create_all(self) -> None:
        with self._own:
            for table in Table:
                self._rows.setdefault(table, _TableRows())
            for container in Container:
                self.containers.setdefault(container, {})
            for queue in QUEUES:
                for name in (queue, poison_queue(queue)):
                    self.queues.setdefault(name, [])

    @override
    def delete_table(self, table: Table) -> None:
        with self._own:
            del self._rows[table]

    def _table_of(self, table: Table, doing: str = "reading") -> "_TableRows":
        if table not in self._rows:
            raise Rejected(f"{doing} {table}: storage answered 404 TableNotFound", status=404, code="TableNotFound")
        return self._rows[table]

    @override
    def row(self, table: Table, partition: str, key: str) -> Row | None:
        with self._own:
            found = self._table_of(table).get((partition, key))
            return _copied(found) if found else None

    @override
    def timed_row(self, table: Table, partition: str, key: str) -> TimedRow | None:
        with self._own:
            row = self.row(table, partition, key)
            return self._timed(table, row) if row else None

    @override
    def timed_rows(self, table: Table, query: str, **values: Any) -> list[TimedRow]:
        with self._own:
            return [self._timed(table, row) for row in self.rows(table, query, **values)]

    def _timed(self, table: Table, row: Row) -> TimedRow:
        written_at = self._written[table, row.partition, row.key]
        return TimedRow(row=row, written_at=written_at, read_at=self.clock().replace(microsecond=0))

    @override
    def rows(self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any) -> list[Row]:
        if " or " in query:
            each = (self.rows(table, one, select=select, **values) for one in query.split(" or "))
            found = sorted((row for rows in each for row in rows), key=lambda row: (row.partition, row.key))
            return found[:most] if most else found
        partition, terms = _query_of(query)
        with self._own:
            among = self._table_of(table).among
            rows = among(None if partition is None else _value_of(partition, values))
            if not rows:
                return []
            found = sorted(
                (row for row in rows if all(_holds(row, term, values) for term in terms)),
                key=lambda row: (row.partition, row.key),
            )
            return [_selected(_copied(row), select) for row in (found[:most] if most else found)]

    @override
    def pages(
        self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any
    ) -> Iterator[list[Row]]:
        if not (found := self.rows(table, query, select=select, **values)):
            return
        yield from (list(page) for page in batched(found, min(most or _PAGE, _PAGE), strict=False))

    @override
    def inserted(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row | None:
        with self._own:
            if (partition, key) in self._table_of(table, "writing"):
                return None
            return self._put(table, partition, key, columns)

    @override
    def replace(self, table: Table, row: Row, columns: Mapping[str, Any]) -> Row:
        with self._own:
            standing = self._table_of(table, "writing").get((row.partition, row.key))
            if standing is None or standing.etag != row.etag:
                raise Conflict(f"writing {table}: storage answered 412", status=412)
            return self._put(table, row.partition, row.key, columns)

    @override
    def upsert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row:
        with self._own:
            self._table_of(table, "writing")
            return self._put(table, partition, key, columns)

    @override
    def delete(self, table: Table, row: Row) -> None:
        with self._own:
            if table in self._rows and (row.partition, row.key) in self._rows[table]:
                self._delete(table, row.partition, row.key, row.etag)

    def _delete(self, table: Table, partition: str, key: str, etag: str) -> None:
        standing = self._table_of(table, "deleting from").get((partition, key))
        if standing is None or (etag and standing.etag != etag):
            raise Conflict(f"deleting from {table}: storage answered 412", status=412)
        del self._rows[table][partition, key]

    @override
    def write_together(self, table: Table, partition: str, writes: Sequence[RowWrite]) -> list[str]:
        with self._own:
            rows = self._table_of(table, "writing")
            if not 0 < len(writes) <= _MOST_AT_ONCE or len({one.key for one in writes}) < len(writes):
                raise Rejected(f"writing {table}: storage answered 400", status=400)
            before = {(partition, one.key): rows.get((partition, one.key)) for one in writes}
            try:
                return [self._write(table, partition, one) for one in writes]
            except Exception:
                for place, row in before.items():
                    rows.pop(place, None)
                    rows.update({place: row} if row else {})
                raise

    def _write(self, table: Table, partition: str, write: RowWrite) -> str:
        standing = self._rows[table].get((partition, write.key))
        if write.op is RowOp.DELETE:
            self._delete(table, partition, write.key, write.etag)
            return ""
        is_wrong = {
            RowOp.INSERT: standing is not None,
            RowOp.REPLACE: standing is None or standing.etag != write.etag,
            RowOp.UPSERT: False,
        }
        if is_wrong[write.op]:
            raise Conflict(f"writing {table}: storage answered 412", status=412)
        return self._put(table, partition, write.key, write.columns).etag

    @override
    def purge(self, table: Table, query: str, *, most: int, **values: Any) -> int:
        with self._own:
            found = self.rows(table, query, most=most, **values)
            for row in found:
                del self._rows[table][row.partition, row.key]
            return len(found)

    def _put(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row:
        wrong = not (_NOT_IN_KEYS.isdisjoint(partition) and _NOT_IN_KEYS.isdisjoint(key))
        sizes = [_size(value) for value in columns.values()]
        if wrong or max(sizes, default=0) > _LARGEST or sum(sizes) > _LARGEST_ROW:
            raise Rejected(f"writing {table}: storage answered 400", status=400)
        row = Row(partition=partition, key=key, columns=dict(columns), etag=str(next(self._tags)))
        self._rows[table][partition, key] = row
        self._written[table, partition, key] = self.clock()
        return row

    def _container(self, container: Container) -> dict[str, bytes]:
        if container not in self.containers:
            raise Rejected(f"{container}: storage answered 404 ContainerNotFound", status=404)
        return self.containers[container]

    @override
    def keep(
        self, container: Container, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None
    ) -> bool:
        assert all(value.isascii() and value.isprintable() for value in (metadata or {}).values()), metadata
        with self._own:
            blobs = self._container(container)
            is_new = name not in blobs
            blobs.setdefault(name, content)
            self._blobs_written.setdefault((container, name), (self.clock(), str(next(self._tags))))
            return is_new

    @override
    def keep_stream(self, container: Container, name: str, content: BinaryIO) -> bool:
        return self.keep(container, name, content.read())

    @override
    def pieces(self, container: Container, name: str) -> Iterator[bytes]:
        content = self.blob(container, name)
        if content is None:
            raise Rejected(f"reading {container}: storage answered 404 BlobNotFound", status=404, code="BlobNotFound")
        yield content

    @override
    def hold(self, container: Container, name: str) -> bool:
        self.held.add((container, name))
        return True

    @override
    def blob(self, container: Container, name: str) -> bytes | None:
        with self._own:
            return self._container(container).get(name)

    @override
    def blob_names(self, container: Container, prefix: str) -> list[str]:
        with self._own:
            return sorted(name for name in self._container(container) if name.startswith(prefix))

    @override
    def blobs(self, container: Container, prefix: str = "") -> Iterator[BlobEntry]:
        with self._own:
            self._container(container)
            return iter([self._entry(container, name) for name in self.blob_names(container, prefix)])

    def _entry(self, container: Container, name: str) -> BlobEntry:
        written_at, etag = self._blobs_written.setdefault((container, name), (self.clock(), "0"))
        return BlobEntry(name=name, written_at=written_at, etag=etag)

    @override
    def touch_blob(self, container: Container, name: str) -> bool:
        with self._own:
            if name not in self._container(container):
                return False
            self._blobs_written[container, name] = (self.clock(), str(next(self._tags)))
            return True

    @override
    def delete_blob(self, container: Container, blob: BlobEntry) -> None:
        if container is Container.EVIDENCE:
            raise Rejected("evidence is never deleted by the app")
        with self._own:
            is_there = blob.name in self._container(container)
            if not is_there or self._entry(container, blob.name).etag != blob.etag:
                raise Conflict(f"deleting from {container}: storage answered 412", status=412)
            del self.containers[container][blob.name]
            self._blobs_written.pop((container, blob.name), None)

    @override
    def enqueue(self, content: str | bytes, *, queue: str = CASES_QUEUE, delay: timedelta = timedelta()) -> None:
        with self._own:
            body = content.encode() if isinstance(content, str) else content
            if len(base64.b64encode(body)) > _LARGEST:
                raise Rejected(f"writing the queue {queue}: storage answered 400", status=400)
            self._queue_of(queue).append(Queued(body=body, delay=delay))

    @override
    def take_messages(self, queue: str, *, most: int, hidden_for: timedelta) -> list[Message]:
        """Take visible messages; what is hidden comes back with `reveal` alone."""
        with self._own:
            taken: list[Message] = []
            for queued in self._queue_of(queue):
                if queued.is_hidden or queued.delay or len(taken) == most:
                    continue
                queued.is_hidden, queued.receipt = True, str(next(self._tags))
                taken.append(
                    Message(
                        queue=queue,
                        id=queued.id,
                        receipt=queued.receipt,
                        body=queued.body,
                        is_encoded=queued.is_encoded,
                    )
                )
            return taken

    @override
    def delete_message(self, message: Message) -> None:
        with self._own:
            queue = self._queue_of(message.queue)
            queue[:] = [one for one in queue if (one.id, one.receipt) != (message.id, message.receipt)]

    def reveal(self) -> None:
        """Let the time pass for which messages are hidden or delayed."""
        for queued in (one for queue in self.queues.values() for one in queue):
            queued.is_hidden, queued.delay = False, timedelta()

    @override
    def queue_length(self, queue: str = CASES_QUEUE) -> int:
        return len(self._queue_of(queue))

    def _queue_of(self, queue: str) -> "list[Queued]":
        if queue not in self.queues:
            raise Rejected(f"the queue {queue}: storage answered 404", status=404, code="QueueNotFound")
        return self.queues[queue]


class _TableRows(UserDict[tuple[str, str], Row]):
    """The rows of a table, by partition too, so that reading one partition doesn't take longer because of others."""

    def __init__(self) -> None:
        self._partitions: dict[str, dict[str, Row]] = {}
        super().__init__()

    @override
    def __setitem__(self, place: tuple[str, str], row: Row) -> None:
        super().__setitem__(place, row)
        self._partitions.setdefault(place[0], {})[place[1]] = row

    @override
    def __delitem__(self, place: tuple[str, str]) -> None:
        super().__delitem__(place)
        del self._partitions[place[0]][place[1]]

    def copied(self) -> "_TableRows":
        made = _TableRows()
        made.data = {**self.data}
        made._partitions = {partition: {**rows} for partition, rows in self._partitions.items()}
        return made

    def among(self, partition: str | None) -> Collection[Row]:
        """Give the rows of a partition, or all (None)."""
        return self.data.values() if partition is None else self._partitions.get(partition, {}).values()


@dataclass(slots=True, kw_only=True)
class Queued:
    """A message in a queue, and how long it was to be hidden when it was put there."""

    body: bytes
    delay: timedelta = timedelta()
    is_encoded: bool = True
    is_hidden: bool = False
    receipt: str = ""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


def _size(value: object) -> int:
    """Give the bytes that a column's value takes."""
    if isinstance(value, str):
        return 2 * len(value) if value.isascii() else len(value.encode("utf-16-le"))
    return len(value) if isinstance(value, bytes) else 8


def _selected(row: Row, select: Sequence[str]) -> Row:
    if not select:
        return row
    columns = {name: row.columns[name] for name in select if name in row.columns}
    return Row(partition=row.partition, key=row.key, columns=columns, etag=row.etag)


@cache
def _query_of(query: str) -> tuple[str | None, tuple[tuple[str, str, str], ...]]:
    """Read a query: the partition that it is about (None where it is about several), and its other terms.

    A term is a column's name, a sign, and a value or the name of one.
    """
    terms = [_TERM.fullmatch(text) for text in query.split(" and ")]
    assert all(terms), query
    read = [(found[1], found[2], found[3]) for found in terms if found]
    of = next((term for term in read if term[:2] == ("PartitionKey", "eq")), None)
    return of and of[2], tuple(term for term in read if term is not of)


def _value_of(value: str, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a column's value
    return values[value[1:]] if value.startswith("@") else _LITERALS.get(value, value.strip("'"))


def _holds(row: Row, term: tuple[str, str, str], values: Mapping[str, Any]) -> bool:
    """Say whether a term of a query holds; a column that isn't there meets none."""
    name, sign, value = term
    wanted = _value_of(value, values)
    if name == "RowKey":
        return _OPERATORS[sign](row.key, wanted)
    if name == "PartitionKey":
        return _OPERATORS[sign](row.partition, wanted)
    return name in row.columns and _OPERATORS[sign](_comparable(row.columns[name]), _comparable(wanted))


def _comparable(value: Any) -> Any:  # noqa: ANN401 - a column's value
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _copied(row: Row) -> Row:
    """Give a row of its own; the values of columns are never changed in place."""
    return Row(partition=row.partition, key=row.key, columns=dict(row.columns), etag=row.etag)
