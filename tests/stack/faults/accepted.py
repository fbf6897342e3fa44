"""What was read and accepted in one stack, handed on to the others of a run: each would take 20 seconds of a processor.

The tenants of all of them are seeded alike, so whatever is stored of the one holds for another.
"""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Container, Table

_KEPT: Final = (
    *(Table.APPROVED_ACTORS, Table.CONTROLS, Table.JOURNAL, Table.OBJECTS, Table.OPERATORS, Table.OWNERS),
    Table.ROSTERS,
)
"""The others are emptied before each test."""

_EVERY: Final = "PartitionKey ge ''"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The rows by table, each with partition, key and columns, and the versions of objects by their blobs' names."""

    rows: dict[Table, list[tuple[str, str, dict[str, Any]]]]
    versions: dict[str, bytes]


def accepted_in(storage: Storage) -> Accepted:
    """Read what is to be handed on."""
    names = storage.blob_names(Container.SNAPSHOTS, "")
    return Accepted(
        rows={
            table: [(row.partition, row.key, dict(row.columns)) for row in storage.rows(table, _EVERY)]
            for table in _KEPT
        },
        versions={name: storage.blob(Container.SNAPSHOTS, name) or b"" for name in names},
    )


def take_over(storage: Storage, accepted: Accepted) -> list[Row]:
    """Write it to another stack's storage; gives the rows of the objects."""
    for name, content in accepted.versions.items():
        storage.keep(Container.SNAPSHOTS, name, content)
    for table, rows in accepted.rows.items():
        for partition, key, columns in rows:
            storage.upsert(table, partition, key, columns)
    return storage.rows(Table.OBJECTS, _EVERY)


class Shared:
    """The file by which the processes of a run hand it on, and whose turn it is to make it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "accepted"

    @contextmanager
    def turn(self) -> Generator[None]:
        """Wait while another process makes it, before a stack is started that would sweep meanwhile."""
        with self._file.with_suffix(".lock").open("w") as lock:
            if not self._file.exists():
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> Accepted | None:
        """Give what another process made; None where none has."""
        if not self._file.exists():
            return None
        return msgspec.msgpack.decode(self._file.read_bytes(), type=Accepted)

    def write(self, accepted: Accepted) -> None:
        """Hand it on."""
        new = self._file.with_suffix(".new")
        new.write_bytes(msgspec.msgpack.encode(accepted))
        new.rename(self._file)
