"""What people have entered (approvals, owners, modes), copied each night: an installation can be made anew from it."""

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

_PEOPLES: Final = {
    Table.APPROVED_ACTORS: "PartitionKey ge ''",
    Table.OWNERS: "PartitionKey ge ''",
    Table.CONTROLS: "PartitionKey eq 'mode'",
}
"""The tables that people fill, and which of their rows."""


_VERSION: Final = 1
_ACTOR_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SCOPE: Final = re.compile(r"\*|[a-z0-9]+(-[a-z0-9]+)*")
_ORDER: Final = re.compile(r"\d{3}")


class Entry(Struct, frozen=True, kw_only=True):
    """One row, as it stood."""

    table: Table
    partition: str
    key: str
    columns: dict[str, str | int | float | bool | None]

    def __str__(self) -> str:
        """Name it as a person would look for it."""
        named = self.columns.get("name") or self.columns.get("mode") or ""
        return f"{self.table} {self.partition} {self.key} {named}".rstrip()


class Lists(Struct, frozen=True, kw_only=True):
    """All of them at one time. `version` is that of the form."""

    taken: datetime
    entries: tuple[Entry, ...]
    version: int = _VERSION


class Restored(Struct, frozen=True, kw_only=True):
    """What became of each row. `refused` have the reason; `by_hand` are modes, which a person sets again."""

    added: tuple[Entry, ...]
    present: tuple[Entry, ...]
    refused: tuple[tuple[Entry, str], ...]
    by_hand: tuple[Entry, ...]


def read_lists(storage: Storage, *, now: datetime) -> Lists:
    """Read every row that people have entered. Raises EdgeError."""
    return Lists(
        taken=now,
        entries=tuple(
            Entry(table=table, partition=row.partition, key=row.key, columns=_plain(row.columns))
            for table, query in _PEOPLES.items()
            for row in storage.rows(table, query)
        ),
    )


def _plain(columns: Mapping[str, object]) -> dict[str, str | int | float | bool | None]:
    """Give columns as JSON holds them: a time that somebody entered by hand as its ISO text."""
    return msgspec.to_builtins(dict(columns))


def written(lists: Lists) -> bytes:
    """Write them as people and programs read them: JSON, a row's columns under each other."""
    return msgspec.json.format(msgspec.json.encode(lists), indent=1) + b"\n"


def lists_from(content: bytes) -> Lists:
    """Read what `written` wrote.

    Raises:
        ValueError: it isn't that.
    """
    found = msgspec.json.decode(content, type=Lists)
    if found.version != _VERSION:
        raise ValueError(f"it is of version {found.version}, and this program reads version {_VERSION}")
    return found


def keep_lists(storage: Storage, keep: Callable[[str, bytes], object], *, now: datetime) -> str:
    """Copy them, once a day, to where `keep` writes: the evidence account outlives the installation.

    Gives the blob's name.
    """
    name = f"lists/{now:%Y-%m-%d}.json"
    keep(name, written(read_lists(storage, now=now)))
    return name


def restore(storage: Storage, lists: Lists, *, by: str, clock: Callable[[], datetime], dry: bool = False) -> Restored:
    """Enter approvals and owners that aren't there. What is there stays; modes are never raised by this.

    `dry` says what would become of each row, and enters nothing.

    Raises EdgeError; what was entered by then stays, and doing it again goes on.
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
    """Say why a row can't be entered, "" when it can."""
    if entry.table not in _PEOPLES:
        return "its table isn't one that people fill"
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
