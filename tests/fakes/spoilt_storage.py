"""Real storage with faults: what a test names fails, before it is carried out or after."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, BinaryIO, override

from shared.clients.storage import BlobEntry, Message, Row, RowWrite, Storage, TimedRow
from shared.clients.storage_names import CASES_QUEUE, Container, Table
from shared.model.errors import Unreachable


@dataclass(slots=True)
class Faults:
    """`spoil` is asked of each operation, by its name and place ("insert Cases", "keep evidence", "enqueue").

    It gives "" where nothing is to happen, "before" where the operation fails without effect, "after" where it is
    carried out and its answer is lost; `failure` makes what is raised then. `log` has every operation asked for.
    """

    spoil: Callable[[str], str] = lambda _operation: ""
    failure: Callable[[str], BaseException] = Unreachable
    log: list[str] = field(default_factory=list[str])

    def fail(self, *operations: str, how: str = "before") -> None:
        """Spoil these operations each time."""
        self.spoil = lambda operation: how if operation in operations else ""

    def fail_once(self, operation: str, how: str = "before") -> None:
        """Spoil this operation the next time only."""

        def spoil(asked: str) -> str:
            if asked != operation:
                return ""
            self.heal()
            return how

        self.spoil = spoil

    def heal(self) -> None:
        """Spoil nothing any more."""
        self.spoil = lambda _operation: ""

    def over[T](self, operation: str, carry_out: Callable[[], T]) -> T:
        self.log.append(operation)
        how = self.spoil(operation)
        if how == "before":
            raise self.failure(f"{operation} was refused by the test")
        answer = carry_out()
        if how == "after":
            raise self.failure(f"the answer to {operation} was lost by the test")
        return answer


class SpoiltStorage(Storage):
    """Another storage, whose operations go through `faults`."""

    def __init__(self, inner: Storage) -> None:
        super().__init__({})
        self.inner = inner
        self.faults = Faults()

    @override
    def create_all(self) -> None:
        self.inner.create_all()

    @override
    def delete_table(self, table: Table) -> None:
        self.inner.delete_table(table)

    @override
    def row(self, table: Table, partition: str, key: str) -> Row | None:
        return self.faults.over(f"row {table}", lambda: self.inner.row(table, partition, key))

    @override
    def timed_row(self, table: Table, partition: str, key: str) -> TimedRow | None:
        return self.faults.over(f"row {table}", lambda: self.inner.timed_row(table, partition, key))

    @override
    def timed_rows(self, table: Table, query: str, **values: Any) -> list[TimedRow]:
        return self.faults.over(f"rows {table}", lambda: self.inner.timed_rows(table, query, **values))

    @override
    def rows(self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any) -> list[Row]:
        return self.faults.over(
            f"rows {table}", lambda: self.inner.rows(table, query, most=most, select=select, **values)
        )

    @override
    def pages(
        self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any
    ) -> Iterator[list[Row]]:
        pages = self.inner.pages(table, query, most=most, select=select, **values)
        while (page := self.faults.over(f"rows {table}", lambda: next(pages, None))) is not None:
            yield page

    @override
    def inserted(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row | None:
        return self.faults.over(f"insert {table}", lambda: self.inner.inserted(table, partition, key, columns))

    @override
    def replace(self, table: Table, row: Row, columns: Mapping[str, Any]) -> Row:
        return self.faults.over(f"replace {table}", lambda: self.inner.replace(table, row, columns))

    @override
    def upsert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row:
        return self.faults.over(f"upsert {table}", lambda: self.inner.upsert(table, partition, key, columns))

    @override
    def delete(self, table: Table, row: Row) -> None:
        self.faults.over(f"delete {table}", lambda: self.inner.delete(table, row))

    @override
    def write_together(self, table: Table, partition: str, writes: Sequence[RowWrite]) -> list[str]:
        return self.faults.over(f"write {table}", lambda: self.inner.write_together(table, partition, writes))

    @override
    def purge(self, table: Table, query: str, *, most: int, **values: Any) -> int:
        return self.faults.over(f"purge {table}", lambda: self.inner.purge(table, query, most=most, **values))

    @override
    def keep(
        self, container: Container, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None
    ) -> bool:
        return self.faults.over(
            f"keep {container}", lambda: self.inner.keep(container, name, content, metadata=metadata)
        )

    @override
    def keep_stream(self, container: Container, name: str, content: BinaryIO) -> bool:
        return self.faults.over(f"keep {container}", lambda: self.inner.keep_stream(container, name, content))

    @override
    def pieces(self, container: Container, name: str) -> Iterator[bytes]:
        return iter(self.faults.over(f"blob {container}", lambda: list(self.inner.pieces(container, name))))

    @override
    def hold(self, container: Container, name: str) -> bool:
        return self.faults.over(f"hold {container}", lambda: self.inner.hold(container, name))

    @override
    def blob(self, container: Container, name: str) -> bytes | None:
        return self.faults.over(f"blob {container}", lambda: self.inner.blob(container, name))

    @override
    def blob_names(self, container: Container, prefix: str) -> list[str]:
        return self.faults.over(f"blob_names {container}", lambda: self.inner.blob_names(container, prefix))

    @override
    def blobs(self, container: Container, prefix: str = "") -> Iterator[BlobEntry]:
        return iter(self.faults.over(f"blobs {container}", lambda: list(self.inner.blobs(container, prefix))))

    @override
    def touch_blob(self, container: Container, name: str) -> bool:
        return self.faults.over(f"touch {container}", lambda: self.inner.touch_blob(container, name))

    @override
    def delete_blob(self, container: Container, blob: BlobEntry) -> None:
        self.faults.over(f"delete {container}", lambda: self.inner.delete_blob(container, blob))

    @override
    def enqueue(self, content: str | bytes, *, queue: str = CASES_QUEUE, delay: timedelta = timedelta()) -> None:
        name = "enqueue" if queue == CASES_QUEUE else f"enqueue {queue}"
        self.faults.over(name, lambda: self.inner.enqueue(content, queue=queue, delay=delay))

    @override
    def take_messages(self, queue: str, *, most: int, hidden_for: timedelta) -> list[Message]:
        return self.faults.over(
            f"take {queue}", lambda: self.inner.take_messages(queue, most=most, hidden_for=hidden_for)
        )

    @override
    def delete_message(self, message: Message) -> None:
        self.faults.over(f"delete {message.queue}", lambda: self.inner.delete_message(message))

    @override
    def queue_length(self, queue: str = CASES_QUEUE) -> int:
        return self.inner.queue_length(queue)


class Interrupting:
    """Spoils nothing, but lets somebody else do their `work` before the operation with a number, from 0."""

    def __init__(self, storage: SpoiltStorage, number: int, work: Callable[[], object]) -> None:
        self._storage = storage
        self._number = number
        self._work = work

    def __call__(self, _operation: str) -> str:
        if len(self._storage.faults.log) - 1 == self._number:
            self._work()
        return ""


UNREACHABLE_STORAGE = {
    "AzureWebJobsStorage": (
        "DefaultEndpointsProtocol=http;AccountName=gone;AccountKey=dGVzdA==;"
        "BlobEndpoint=http://127.0.0.1:9/gone;QueueEndpoint=http://127.0.0.1:9/gone;"
        "TableEndpoint=http://127.0.0.1:9/gone;"
    )
}
"""An account at which nobody listens."""
