"""Rows of tables, and what is written to them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """A table row: its columns without the two keys, and the ETag that guards an update."""

    partition: str
    key: str
    columns: dict[str, Any]
    etag: str

    def instant(self, name: str) -> datetime | None:
        """Give the instant in a column; None where it has none, or one without a zone. A person may have written it."""
        try:
            found = datetime.fromisoformat(str(self.columns.get(name)))
        except ValueError:
            return None
        return found if found.tzinfo else None


class TimedRow(Struct, frozen=True, kw_only=True):
    """A row, when it was last written, and when it was read: both by storage's clock, never by the host's.

    `read_at` is cut to whole seconds, so a row is at least as old as `read_at - written_at`.
    """

    row: Row
    written_at: datetime
    read_at: datetime


class RowOp(StrEnum):
    """What one write of `write_together` does."""

    INSERT = "insert"
    """There must be no such row."""
    REPLACE = "replace"
    """The row must still have the ETag."""
    UPSERT = "upsert"
    """Whether there is a row or not."""
    DELETE = "delete"
    """The row must be there; with an ETag, it must still have that one."""


class RowWrite(Struct, frozen=True, kw_only=True):
    """One write of `write_together`."""

    op: RowOp
    key: str
    columns: Mapping[str, Any] = {}
    etag: str = ""
