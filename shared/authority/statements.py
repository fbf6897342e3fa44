"""Rows that are only ever added: what was said of a subject at any instant can be asked for ever.

Each act of a person is a row of its own. Its key is `SUBJECT|INSTANT`, where the instant is when it was said, to the
microsecond in UTC; further acts on the same subject in the same instant have `|001`, `|002`… after it. So the rows of a
subject are in the order in which they were said. Nothing is overwritten. A row that somebody deletes in storage by hand
is gone, with all that it said: nothing can be known of it, and answers are given as if it had never been.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import Rejected

_KEY: Final = re.compile(
    r"(?P<subject>.+?)\|(?P<said>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)(\|(?P<nth>\d{3}))?", re.DOTALL
)
_MOST_IN_ONE_INSTANT: Final = 1000
SINCE: Final = "since"
"""The column of an act that counts from an earlier instant than the one at which it was said."""

JOURNAL: Final = "journal"
"""The column with the digest of the journal's entry for the act."""

SIGNED: Final = "signed"
"""The column with the journal's entry itself and what operators signed it with, where operators are founded."""

ACT_COLUMNS: Final = frozenset({SINCE, JOURNAL, SIGNED})
"""The columns that only an act has; what people entered doesn't."""


class Malformed(Struct, frozen=True, kw_only=True):
    """A row that exists but is malformed, and why."""

    because: str


class Statement[T](Struct, frozen=True, kw_only=True):
    """What a row says of its subject.

    `said` is when it was said, None where that isn't known. It counts from `since` on; None means at every instant.
    `named` is the instant that the row's key names, which may be of a clock that is ahead.
    """

    value: T | Malformed
    said: datetime | None
    since: datetime | None
    named: datetime | None


class RowKey(Struct, frozen=True, kw_only=True):
    """A row's key, taken apart. `said` is None where the key names no instant; `subject` is then the whole key."""

    subject: str
    said: datetime | None
    nth: int = 0

    def __str__(self) -> str:
        """Give the key as it is written."""
        if self.said is None:
            return self.subject
        said = f"{self.said.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        return f"{self.subject}|{said}" + (f"|{self.nth:03}" if self.nth else "")


def row_key_from(text: str) -> RowKey:
    """Take a row's key apart."""
    found = _KEY.fullmatch(text)
    if found is None:
        return RowKey(subject=text, said=None)
    try:
        said = datetime.fromisoformat(found["said"])
    except ValueError:
        return RowKey(subject=text, said=None)
    return RowKey(subject=found["subject"], said=said, nth=int(found["nth"] or 0))


type ReadValue[T] = Callable[[RowKey, Row], T | Malformed]
"""Reads what a row says. Where it gives a value for a key without an instant, that counts as said first of all."""


def statements_in[T](
    rows: Iterable[Row],
    read_value: ReadValue[T],
    *,
    read_at: datetime,
    fold: Callable[[str], str] = str,
) -> dict[tuple[str, str], tuple[Statement[T], ...]]:
    """Give the statements by partition and subject, in the order in which they count: the last one that does, counts.

    `fold` gives the subject that a row with another spelling is about. `read_at` is when the rows had been read: a row
    that names a later instant was written by a clock that is ahead. What it says counts when it is read, and all that
    was before is unknown.
    """
    found: dict[tuple[str, str], list[tuple[tuple[int, datetime, int], list[Statement[T]]]]] = {}
    for row in rows:
        key = row_key_from(row.key)
        statements = _statements(key, row, read_value, read_at)
        place = _place(key, statements[-1])
        found.setdefault((row.partition, fold(key.subject)), []).append((place, statements))
    return {
        subject: tuple(one for _, several in sorted(placed, key=lambda each: each[0]) for one in several)
        for subject, placed in found.items()
    }


_FIRST, _IN_ORDER, _LAST = range(3)


def _place(key: RowKey, statement: Statement[Any]) -> tuple[int, datetime, int]:
    """Give the place in the order. A malformed row without an instant comes last: nothing that is said replaces it."""
    if key.said is None:
        rank = _LAST if isinstance(statement.value, Malformed) else _FIRST
        return rank, datetime.min.replace(tzinfo=UTC), 0
    return _IN_ORDER, key.said, key.nth


def _statements[T](key: RowKey, row: Row, read_value: ReadValue[T], read_at: datetime) -> list[Statement[T]]:
    since = _since(row.columns.get(SINCE), key.said)
    if isinstance(since, Malformed):
        return [Statement(value=since, said=key.said, since=None, named=key.said)]
    value = read_value(key, row)
    if key.said is None or key.said <= read_at:
        return [Statement(value=value, said=key.said, since=since, named=key.said)]
    ahead = Malformed(because=f"its key names {key.said:%Y-%m-%d %H:%M:%S} UTC, which was still to come")
    return [
        Statement(value=ahead, said=None, since=None, named=key.said),
        Statement(value=value, said=read_at, since=read_at if since is None else min(since, read_at), named=key.said),
    ]


def _since(column: object, said: datetime | None) -> datetime | Malformed | None:
    """Read from when on a row counts: when it was said, or earlier where the column says so."""
    if column is None or said is None:
        return said
    try:
        since = datetime.fromisoformat(column) if isinstance(column, str) else column
    except ValueError:
        since = None
    if not isinstance(since, datetime) or since.tzinfo is None:
        return Malformed(because=f"its column {SINCE} should be an instant with a time zone")
    return since if since <= said else Malformed(because=f"its column {SINCE} is later than its key")


def in_force[T](statements: Sequence[Statement[T]], at: datetime) -> Statement[T] | None:
    """Give what counted at an instant, by what was said last; None where nothing did."""
    return next((one for one in reversed(statements) if one.since is None or one.since <= at), None)


def present[T](statements: Sequence[Statement[T]]) -> T | Malformed | None:
    """Give what was said last, whatever its instant; None where nothing was."""
    return statements[-1].value if statements else None


def instants(points: Iterable[datetime | None], since: datetime, until: datetime) -> list[datetime]:
    """Give `since` and every point up to `until`: what turns only at points is known by asking at each of these.

    The two may come in either order: clocks differ, so a change may seem later than its answer.
    """
    first, last = min(since, until), max(since, until)
    return [first, *sorted({point for point in points if point is not None and first < point <= last})]


def throughout(answers: Iterable[bool | None]) -> bool | None:
    """Say whether every answer is yes: False where one is no, None where one isn't known."""
    given = set(answers)
    if False in given:
        return False
    return None if None in given else True


def add_row(
    storage: Storage, table: Table, partition: str, subject: str, columns: Mapping[str, Any], *, said: datetime
) -> None:
    """Add the row of an act. Nothing is overwritten: an act of the same instant gets the next place in it.

    Raises EdgeError; an answer that was lost may leave the row twice, which says the same.
    """
    for nth in range(_MOST_IN_ONE_INSTANT):
        if storage.insert(table, partition, str(RowKey(subject=subject, said=said, nth=nth)), columns):
            return
    raise Rejected(f"writing {table}: {_MOST_IN_ONE_INSTANT} acts on {subject} have the same instant")


def instant_after(statements: Sequence[Statement[Any]], now: datetime) -> datetime:
    """Give the instant for a further act: the present, or the last act's where that is later by another clock."""
    return max([now, *(one.named for one in statements if one.named is not None)])


def columns_of(row: Row) -> dict[str, Any]:
    """Give the columns that people entered, without those that only an act has."""
    return {name: value for name, value in row.columns.items() if name not in ACT_COLUMNS}
