"""Storage in memory, for tests that need very much of it. `test_storage` holds it to what Azurite does."""

import copy
import operator
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, override

from shared.clients.storage import Conflict, Container, Row, Storage, Table
from shared.errors import Rejected

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "lt": operator.lt,
}
_TERM: Final = re.compile(r"(\w+) (eq|ne|ge|lt) (@\w+|'[^']*'|true|false)")
_LARGEST: Final = 64 * 1024


class MemoryStorage(Storage):
    """One account. Rows have ETags, blobs are never overwritten, and nothing is made by reading."""

    def __init__(self) -> None:
        super().__init__({})
        self._own = threading.RLock()
        self._tags = count()
        self._rows: dict[str, dict[tuple[str, str], Row]] = {}
        self.containers: dict[str, dict[str, bytes]] = {}
        self.messages: list[str] | None = None

    @override
    def create_all(self) -> None:
        with self._own:
            for table in Table:
                self._rows.setdefault(table, {})
            for container in Container:
                self.containers.setdefault(container, {})
            self.messages = self.messages or []

    @override
    def delete_table(self, table: Table) -> None:
        with self._own:
            del self._rows[table]

    def _table_of(self, table: Table) -> dict[tuple[str, str], Row]:
        if table not in self._rows:
            raise Rejected(f"{table}: storage answered 404 TableNotFound", status=404, code="TableNotFound")
        return self._rows[table]

    @override
    def row(self, table: Table, partition: str, key: str) -> Row | None:
        with self._own:
            return copy.deepcopy(self._table_of(table).get((partition, key)))

    @override
    def rows(self, table: Table, query: str, *, most: int = 0, **values: Any) -> list[Row]:
        terms = [_terms(term) for term in query.split(" and ")]
        with self._own:
            found = [
                row
                for _, row in sorted(self._table_of(table).items())
                if all(_holds(row, term, values) for term in terms)
            ]
            return copy.deepcopy(found[:most] if most else found)

    @override
    def insert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> bool:
        with self._own:
            if (partition, key) in self._table_of(table):
                return False
            self._put(table, partition, key, columns)
            return True

    @override
    def replace(self, table: Table, row: Row, columns: Mapping[str, Any]) -> Row:
        with self._own:
            standing = self._table_of(table).get((row.partition, row.key))
            if standing is None or standing.etag != row.etag:
                raise Conflict(f"writing {table}: storage answered 412", status=412)
            return self._put(table, row.partition, row.key, columns)

    @override
    def upsert(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> None:
        with self._own:
            self._table_of(table)
            self._put(table, partition, key, columns)

    @override
    def purge(self, table: Table, query: str, *, most: int, **values: Any) -> int:
        with self._own:
            found = self.rows(table, query, most=most, **values)
            for row in found:
                del self._rows[table][row.partition, row.key]
            return len(found)

    def _put(self, table: Table, partition: str, key: str, columns: Mapping[str, Any]) -> Row:
        wrong = set(partition + key) & set("/\\#?")
        large = any(isinstance(value, str) and len(value.encode("utf-16-le")) > _LARGEST for value in columns.values())
        if wrong or large:
            raise Rejected(f"writing {table}: storage answered 400", status=400)
        row = Row(partition=partition, key=key, columns=copy.deepcopy(dict(columns)), etag=str(next(self._tags)))
        self._rows[table][partition, key] = row
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
            return is_new

    @override
    def blob(self, container: Container, name: str) -> bytes | None:
        with self._own:
            return self._container(container).get(name)

    @override
    def blob_names(self, container: Container, prefix: str) -> list[str]:
        with self._own:
            return sorted(name for name in self._container(container) if name.startswith(prefix))

    @override
    def enqueue(self, text: str, *, delay: timedelta = timedelta()) -> None:
        with self._own:
            self._queued().append(text)

    @override
    def queue_length(self) -> int:
        return len(self._queued())

    def _queued(self) -> list[str]:
        if self.messages is None:
            raise Rejected("the cases queue: storage answered 404 QueueNotFound", status=404)
        return self.messages


def _terms(text: str) -> tuple[str, str, str]:
    """Read a term: a column's name, a sign, and a value or the name of one."""
    found = _TERM.fullmatch(text)
    assert found, text
    return found[1], found[2], found[3]


def _holds(row: Row, term: tuple[str, str, str], values: Mapping[str, Any]) -> bool:
    """Say whether a term of a query holds; a column that isn't there meets none."""
    name, sign, told = term
    keys: dict[str, Any] = {"PartitionKey": row.partition, "RowKey": row.key}
    columns: dict[str, Any] = {**row.columns, **keys}
    literals: dict[str, Any] = {"true": True, "false": False}
    wanted: Any = values[told[1:]] if told.startswith("@") else literals.get(told, told.strip("'"))
    return name in columns and _OPERATORS[sign](_comparable(columns[name]), _comparable(wanted))


def _comparable(value: Any) -> Any:  # noqa: ANN401 - a column's value
    return value.astimezone(UTC) if isinstance(value, datetime) else value
