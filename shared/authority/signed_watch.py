"""Compares the lists with what operators signed: says what was tampered with, and writes again what is missing.

The app does it each minute (`settle`); `responder journal verify` does it on a laptop, with its own code and its own
memory of what it saw before.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.journal import Entry
from shared.authority.operator_keys import KeyKind
from shared.authority.operators import Operators
from shared.authority.passkeys import counter_of
from shared.authority.signed_acts import SignedActs
from shared.authority.signed_entries import heads, name_of
from shared.authority.signed_rows import (
    ReadEntry,
    add_row_of,
    columns_of_entry,
    key_of,
    partition_of_signed,
    read_entry,
    row_of,
)
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table

LISTS: Final = {
    Table.APPROVED_ACTORS: ("PartitionKey ge ''", [f"{journal.APPROVAL} "]),
    Table.OWNERS: ("PartitionKey ge ''", [f"{journal.OWNER} "]),
    Table.CONTROLS: ("PartitionKey ge 'kill' and PartitionKey lt 'modf'", [f"{journal.MODE} ", journal.KILL_SWITCH]),
}
"""The tables whose rows operators sign: the query for the rows, and what the journal's subjects of them begin with."""


class Compared(Struct, frozen=True, kw_only=True):
    """What was found: the entries that count, by subject and digest, and what is wrong with the rest, in words.

    `missing` are those that count and have no row in their list, `uncarried` those that the evidence container lacks,
    `unlisted` those that table `Journal` lacks.
    """

    entries: Mapping[str, Mapping[str, Entry]]
    problems: tuple[str, ...]
    missing: tuple[ReadEntry, ...]
    uncarried: tuple[ReadEntry, ...]
    unlisted: tuple[ReadEntry, ...]

    @property
    def heads(self) -> dict[str, tuple[str, ...]]:
        """The digests of the entries that no other follows, by subject: what a later look has to find again."""
        return {subject: heads(of_subject) for subject, of_subject in sorted(self.entries.items())}


def compare(acts: SignedActs, storage: Storage) -> Compared:
    """Compare all lists with the journal and the evidence container. Raises EdgeError: something can't be read."""
    problems: list[str] = []
    journaled = {one.signed.digest: one for one in _journaled(acts, storage, problems)}
    kept = set(acts.kept([""]))
    entries: dict[str, dict[str, Entry]] = {}
    missing: list[ReadEntry] = []
    found: dict[str, ReadEntry] = {}
    for table, (query, subjects) in LISTS.items():
        rows = (*storage.rows(table, query), *_rows_of(journaled.values(), table))
        counting = acts.valid(table, rows, subjects)
        problems += counting.problems
        problems += [
            f"{place[0]} {place[1]} of table {table}: {doubt.because}" for place, doubt in counting.unknown.items()
        ]
        for row in counting.rows:
            one = read_entry(row)
            if one is None:
                continue
            found[one.signed.digest] = one
            entries.setdefault(one.entry.act.subject, {})[one.signed.digest] = one.entry
            missing += [one] if not row.etag else []
    problems += _copied_passkeys(found.values(), acts.known())
    return Compared(
        entries=entries,
        problems=tuple(dict.fromkeys(problems)),
        missing=tuple(missing),
        uncarried=tuple(one for one in found.values() if name_of(one.entry, one.signed.digest) not in kept),
        unlisted=tuple(one for digest, one in found.items() if digest not in journaled),
    )


def _copied_passkeys(found: Iterable[ReadEntry], operators: Operators) -> Iterator[str]:
    """Name the passkeys whose counter stood alike at two acts: there are two of them. Many don't count, and say 0."""
    seen: dict[tuple[str, int], str] = {}
    for one in found:
        for key_id, signature in one.signed.signatures.items():
            at = (key_id, counter_of(signature))
            known = operators.with_key(key_id)
            if not at[1] or known is None or known[1].kind is not KeyKind.PASSKEY:
                continue
            if seen.setdefault(at, one.signed.digest) != one.signed.digest:
                digests = " and ".join(sorted((seen[at][:12], one.signed.digest[:12])))
                yield (
                    f"a passkey of {known[0].operator.id} has counted {at[1]} twice, for {digests}: somebody has a copy"
                    f" of it; suspend {known[0].operator.id}"
                )


def settle(acts: SignedActs, storage: Storage) -> Compared:
    """Compare, and write again what is missing anywhere. Nothing is deleted. Raises EdgeError."""
    compared = compare(acts, storage)
    for one in compared.uncarried:
        acts.carry(one.signed, one.entry)
    for one in compared.unlisted:
        acts.list_in_journal(storage, one.signed, one.entry)
    for one in compared.missing:
        add_row_of(storage, one.signed, one.entry)
    return compared


def older_than(seen: Mapping[str, Iterable[str]], compared: Compared) -> list[str]:
    """Say of which subjects less is there than was seen before: somebody put an older state back."""
    return [
        f"{subject}: entry {digest[:12]} was there before and is gone"
        for subject, digests in sorted(seen.items())
        for digest in digests
        if digest not in compared.entries.get(subject, {})
    ]


def _journaled(acts: SignedActs, storage: Storage, problems: list[str]) -> Iterator[ReadEntry]:
    operators = acts.known()
    for row in storage.rows(Table.JOURNAL, journal.SIGNED_ROWS):
        if row.partition == journal.WAITING:
            continue
        one = read_entry(row)
        if one and _is_as_written(row, one) and acts.is_ours(one.signed, one.entry, operators):
            yield one
        else:
            problems.append(f"row {row.partition} {row.key} of table {Table.JOURNAL} is no entry")


def _is_as_written(row: Row, one: ReadEntry) -> bool:
    place = partition_of_signed(one.entry.act.subject), key_of(one.signed, one.entry)
    return (row.partition, row.key) == place and row.columns == columns_of_entry(one.signed, one.entry)


def _rows_of(journaled: Iterable[ReadEntry], table: Table) -> Iterator[Row]:
    """Give the rows that the journal's entries make in a table, without an ETag: one that is there counts instead."""
    for one in journaled:
        if one.entry.effect is not None and one.entry.effect.table is table:
            yield row_of(one.signed, one.entry)


def heads_json(heads_of: Mapping[str, Iterable[str]]) -> bytes:
    """Write the heads as indented JSON, to be compared with at a later look."""
    return msgspec.json.format(msgspec.json.encode({name: list(them) for name, them in heads_of.items()}), indent=1)


def heads_from(content: bytes) -> dict[str, list[str]]:
    """Read what `heads_json` wrote. Raises msgspec.ValidationError or DecodeError: it isn't that."""
    return msgspec.json.decode(content, type=dict[str, list[str]])
