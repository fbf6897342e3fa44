"""Rows by which signed entries take effect: how one is written, and whether one is as it was signed."""

from typing import Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Entry
from shared.authority.signed_entries import SignedEntry, entry_in
from shared.authority.statements import JOURNAL, SIGNED, RowKey, add_row, row_key_from
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table

_BESIDE: Final = frozenset({JOURNAL, SIGNED})
"""The columns with the entry, which aren't what it says."""


def encoded(signed: SignedEntry) -> str:
    """Write a signed entry as rows and blobs have it."""
    return msgspec.json.encode(signed, order="sorted").decode()


class ReadEntry(Struct, frozen=True, kw_only=True):
    """A signed entry that could be read; whether its signatures count is another question."""

    signed: SignedEntry
    entry: Entry


def read_entry(row: Row) -> ReadEntry | None:
    """Read the signed entry that a row has; None where it has none that can be read."""
    signed = signed_in(row)
    entry = entry_in(signed.text) if signed else ""
    return ReadEntry(signed=signed, entry=entry) if signed and isinstance(entry, Entry) else None


def partition_of_signed(subject: str) -> str:
    """Give the partition of a subject's signed entries in table `Journal`."""
    return f"{journal.OF_SIGNED}{journal.partition_of(subject)}"


def signed_in(row: Row) -> SignedEntry | None:
    """Read the signed entry that a row has; None where it has none."""
    try:
        return msgspec.json.decode(str(row.columns.get(SIGNED, "")), type=SignedEntry)
    except (msgspec.DecodeError, UnicodeError):
        return None


def entry_for(table: Table, row: Row, signed: SignedEntry | None) -> Entry | str:
    """Give the entry that a row was written for; a text says why it wasn't written so."""
    if signed is None:
        return "no operator signed it"
    if encoded(signed) != row.columns.get(SIGNED):
        return "it isn't written as signed entries are"
    entry = entry_in(signed.text)
    if isinstance(entry, str):
        return entry
    effect, key = entry.effect, row_key_from(row.key)
    if effect is None or (effect.table, effect.partition) != (table, row.partition):
        return "it was signed for another place"
    if (effect.subject, entry.act.when) != (key.subject, key.said):
        return "it was signed for another row"
    written = {name: value for name, value in row.columns.items() if name not in _BESIDE}
    is_as_signed = msgspec.to_builtins(written) == effect.columns and row.columns.get(JOURNAL) == signed.digest
    return entry if is_as_signed else "it says something else than was signed"


def columns_of_entry(signed: SignedEntry, entry: Entry) -> dict[str, str]:
    """Give the columns of an entry's row in table `Journal`. Raises ValueError: it is too large."""
    return {**journal.columns_with(entry), SIGNED: encoded(signed)}


def key_of(signed: SignedEntry, entry: Entry) -> str:
    """Give the key of an entry's row in table `Journal`."""
    return f"{entry.number:010}-{signed.digest[:32]}"


def row_of(signed: SignedEntry, entry: Entry) -> Row:
    """Give the row that an entry makes."""
    effect = entry.effect
    if effect is None:
        raise ValueError("the entry makes no row")
    key = RowKey(subject=effect.subject, said=entry.act.when)
    columns = {**effect.columns, JOURNAL: signed.digest, SIGNED: encoded(signed)}
    return Row(partition=effect.partition, key=str(key), columns=columns, etag="")


def add_row_of(storage: Storage, signed: SignedEntry, entry: Entry) -> None:
    """Write the row that an entry makes. Raises EdgeError."""
    row = row_of(signed, entry)
    if entry.effect is not None:
        add_row(storage, entry.effect.table, row.partition, entry.effect.subject, row.columns, said=entry.act.when)
