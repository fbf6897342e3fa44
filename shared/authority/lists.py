"""A nightly copy of what people have entered: approvals, owners, modes. A new installation can be filled from it."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.acts import UNSIGNED, Acts, WaitsForSecond
from shared.authority.approvals import problems_with
from shared.authority.controls import NO_MODE
from shared.authority.journal import Act, Effect, What
from shared.authority.standing import Approval, approval_from
from shared.authority.statements import (
    ACT_COLUMNS,
    RowKey,
    columns_of,
    present,
    row_key_from,
    statements_in,
)
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table

_ENTERED_TABLES: Final = {
    Table.APPROVED_ACTORS: "PartitionKey ge ''",
    Table.OWNERS: "PartitionKey ge ''",
    Table.CONTROLS: "PartitionKey eq 'mode'",
}
"""The tables with rows that people enter, and the query for those rows."""

_ADDED: Final = (Table.APPROVED_ACTORS, Table.OWNERS)
"""The tables that an import adds to."""

_VERSION: Final = 1
_ACTOR_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SCOPE: Final = re.compile(r"\*|[a-z0-9]+(-[a-z0-9]+)*")
_ORDER: Final = re.compile(r"\d{3}")


class Entry(Struct, frozen=True, kw_only=True):
    """What stands of one subject, as it was copied: `key` is an actor's object id, an owner's place, or a detection."""

    table: Table
    partition: str
    key: str
    columns: dict[str, str | int | float | bool | None]

    def __str__(self) -> str:
        """Name the row by its table, its keys, and its name or mode."""
        named = self.columns.get("name") or self.columns.get("mode") or ""
        return f"{self.table} {self.partition} {self.key} {named}".rstrip()


class Lists(Struct, frozen=True, kw_only=True):
    """What stood at time `taken`, without its past. `version` is the version of this format."""

    taken: datetime
    entries: tuple[Entry, ...]
    version: int = _VERSION


class Restored(Struct, frozen=True, kw_only=True):
    """The result for each row. `refused` come with the reason; `by_hand` are modes, which a person has to set again.

    `waiting` are for a second operator to sign.
    """

    added: tuple[Entry, ...]
    present: tuple[Entry, ...]
    refused: tuple[tuple[Entry, str], ...]
    by_hand: tuple[Entry, ...]
    waiting: tuple[Entry, ...] = ()


def read_lists(storage: Storage, *, now: datetime) -> Lists:
    """Read what stands of all that people have entered. Raises EdgeError."""
    return Lists(
        taken=now,
        entries=tuple(
            Entry(table=table, partition=partition, key=key, columns=_json_columns(columns))
            for table, query in _ENTERED_TABLES.items()
            for (partition, key), columns in _standing(storage.rows(table, query), now).items()
        ),
    )


def _standing(rows: Iterable[Row], now: datetime) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Give the columns of the last row of each subject, malformed or not, without those that were taken back."""
    found = statements_in(rows, _columns_in, read_at=now)
    standing = {subject: present(statements) for subject, statements in found.items()}
    return {
        subject: columns
        for subject, columns in standing.items()
        if isinstance(columns, Mapping) and not columns.get("removed") and columns.get("mode") != NO_MODE
    }


def _columns_in(_key: RowKey, row: Row) -> Mapping[str, Any]:
    return columns_of(row)


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


def restore(
    storage: Storage,
    lists: Lists,
    *,
    by: str,
    clock: Callable[[], datetime],
    acts: Acts = UNSIGNED,
    dry: bool = False,
) -> Restored:
    """Add the approvals and owners of whom nothing was ever said. Others stay unchanged, and modes are never set.

    An approval counts from now on: what it covered in another installation isn't known here.

    With `dry`, nothing is written, and the result says what would be done.

    Raises ValueError where it isn't said who adds them, and EdgeError; rows added by then stay, and a repeated call
    adds the rest.
    """
    added: list[Entry] = []
    present_already: list[Entry] = []
    refused: list[tuple[Entry, str]] = []
    waiting: list[Entry] = []
    there = {table: _there(storage, table, acts) for table in _ADDED}
    for entry in lists.entries:
        if entry.table is Table.CONTROLS:
            continue
        if problem := _problem(entry, clock()):
            refused.append((entry, problem))
            continue
        if (entry.partition, entry.key) in there[entry.table]:
            present_already.append(entry)
            continue
        if not dry and not _add(storage, entry, lists, acts, by=by, now=clock()):
            waiting.append(entry)
            continue
        there[entry.table].add((entry.partition, entry.key))
        added.append(entry)
    return Restored(
        added=tuple(added),
        present=tuple(present_already),
        refused=tuple(refused),
        waiting=tuple(waiting),
        by_hand=tuple(entry for entry in lists.entries if entry.table is Table.CONTROLS),
    )


def _there(storage: Storage, table: Table, acts: Acts) -> set[tuple[str, str]]:
    about = journal.APPROVAL if table is Table.APPROVED_ACTORS else journal.OWNER
    found = acts.valid(table, storage.rows(table, _ENTERED_TABLES[table]), [f"{about} "])
    return {_subject(row) for row in found.rows} | set(found.unknown)


def _subject(row: Row) -> tuple[str, str]:
    return row.partition, row_key_from(row.key).subject.lower()


def _add(storage: Storage, entry: Entry, lists: Lists, acts: Acts, *, by: str, now: datetime) -> bool:
    """Write an entry into the journal, and then its row. It counts from now on, whatever it says.

    False where it waits for a second operator.
    """
    is_approval = entry.table is Table.APPROVED_ACTORS
    name_subject = journal.approval_subject if is_approval else journal.owner_subject
    columns = {name: value for name, value in entry.columns.items() if name not in ACT_COLUMNS}
    act = Act(
        who=by,
        what=What.IMPORT,
        why=f"import of the lists of {lists.taken:%Y-%m-%d %H:%M} UTC",
        when=now,
        subject=name_subject(entry.partition, entry.key),
        before=None,
        after=columns,
        lowers=is_approval,
    )
    columns |= {"restored_by": by, "restored_at": now.isoformat()}
    effect = Effect(table=entry.table, partition=entry.partition, subject=entry.key, columns=columns)
    try:
        acts.write(storage, act, effect)
    except WaitsForSecond:
        return False
    return True


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
