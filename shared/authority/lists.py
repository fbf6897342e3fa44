"""A nightly copy of what people have entered: approvals, owners, modes. A new installation can be filled from it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.approvals import problems_with
from shared.authority.standing import Approval, approval_from
from shared.clients.storage import Storage
from shared.clients.storage_names import Table

_ENTERED_TABLES: Final = {
    Table.APPROVED_ACTORS: "PartitionKey ge ''",
    Table.OWNERS: "PartitionKey ge ''",
    Table.CONTROLS: "PartitionKey eq 'mode'",
}
"""The tables with rows that people enter, and the query for those rows."""


_VERSION: Final = 1
_ACTOR_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SCOPE: Final = re.compile(r"\*|[a-z0-9]+(-[a-z0-9]+)*")
_ORDER: Final = re.compile(r"\d{3}")


class Entry(Struct, frozen=True, kw_only=True):
    """One row of a table, as it was copied."""

    table: Table
    partition: str
    key: str
    columns: dict[str, str | int | float | bool | None]

    def __str__(self) -> str:
        """Name the row by its table, its keys, and its name or mode."""
        named = self.columns.get("name") or self.columns.get("mode") or ""
        return f"{self.table} {self.partition} {self.key} {named}".rstrip()


class Lists(Struct, frozen=True, kw_only=True):
    """All rows, copied at time `taken`. `version` is the version of this format."""

    taken: datetime
    entries: tuple[Entry, ...]
    version: int = _VERSION


class Restored(Struct, frozen=True, kw_only=True):
    """The result for each row. `refused` come with the reason; `by_hand` are modes, which a person has to set again."""

    added: tuple[Entry, ...]
    present: tuple[Entry, ...]
    refused: tuple[tuple[Entry, str], ...]
    by_hand: tuple[Entry, ...]


def read_lists(storage: Storage, *, now: datetime) -> Lists:
    """Read every row that people have entered. Raises EdgeError."""
    return Lists(
        taken=now,
        entries=tuple(
            Entry(table=table, partition=row.partition, key=row.key, columns=_json_columns(row.columns))
            for table, query in _ENTERED_TABLES.items()
            for row in storage.rows(table, query)
        ),
    )


def _json_columns(columns: Mapping[str, object]) -> dict[str, str | int | float | bool | None]:
    """Give columns as JSON types; a time becomes its ISO text."""
    return msgspec.to_builtins(dict(columns))


def lists_json(lists: Lists) -> bytes:
    """Write the lists as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(lists), indent=1) + b"\n"


def lists_from(content: bytes) -> Lists:
    """Read JSON that `lists_json` wrote.

    Raises:
        ValueError: it isn't that, or of another version.
    """
    found = msgspec.json.decode(content, type=Lists)
    if found.version != _VERSION:
        raise ValueError(f"it is of version {found.version}, and this program reads version {_VERSION}")
    return found


def keep_lists(storage: Storage, keep: Callable[[str, bytes], object], *, now: datetime) -> str:
    """Copy the lists, once a day, with `keep`, which writes a blob; gives the blob's name.

    They are kept in the account for evidence, which stays when the installation is removed.
    """
    name = f"lists/{now:%Y-%m-%d}.json"
    keep(name, lists_json(read_lists(storage, now=now)))
    return name


def restore(storage: Storage, lists: Lists, *, by: str, clock: Callable[[], datetime], dry: bool = False) -> Restored:
    """Add the approvals and owners that don't exist yet. Rows that exist stay unchanged, and modes are never set.

    With `dry`, nothing is written, and the result says what would be done.

    Raises EdgeError; rows added by then stay, and a repeated call adds the rest.
    """
    added: list[Entry] = []
    present: list[Entry] = []
    refused: list[tuple[Entry, str]] = []
    for entry in lists.entries:
        if entry.table is Table.CONTROLS:
            continue
        if problem := _problem(entry, clock()):
            refused.append((entry, problem))
            continue
        columns = {**entry.columns, "restored_by": by, "restored_at": clock().isoformat()}
        if dry:
            was_absent = storage.row(entry.table, entry.partition, entry.key) is None
        else:
            was_absent = storage.insert(entry.table, entry.partition, entry.key, columns)
        (added if was_absent else present).append(entry)
    return Restored(
        added=tuple(added),
        present=tuple(present),
        refused=tuple(refused),
        by_hand=tuple(entry for entry in lists.entries if entry.table is Table.CONTROLS),
    )


def _problem(entry: Entry, now: datetime) -> str:
    """Say why a row can't be added, "" when it can."""
    if entry.table not in _ENTERED_TABLES:
        return "it is of a table in which people enter nothing"
    if entry.table is Table.OWNERS:
        return _problem_with_owner(entry)
    if _ACTOR_ID.fullmatch(entry.key) is None:
        return "its key should be an object id in lower case"
    found = approval_from({**entry.columns, "approval_list": entry.partition, "actor_id": entry.key})
    if not isinstance(found, Approval):
        return found.because
    return "; ".join(problems_with(found, now=now))


def _problem_with_owner(entry: Entry) -> str:
    if _SCOPE.fullmatch(entry.partition) is None or _ORDER.fullmatch(entry.key) is None:
        return "its scope should be *, an approval list or a detection, and its order three digits"
    missing = [name for name in ("name", "upn") if not str(entry.columns.get(name) or "").strip()]
    return f"it has no {' and no '.join(missing)}" if missing else ""
