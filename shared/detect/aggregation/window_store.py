"""What is counted, kept so that it can't be counted twice; `table_windows` keeps it in table `Counters`.

A minute is a set of short hashes, of record ids or of the values that are counted. Adding to a set what it holds
changes nothing, so records may come late, twice, in any order, and by two instances at once. A partition begins with
the day after which its rows may go, so that they are found by the index; only `since` rows stay.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.events import Actor

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)

HASH_BYTES: Final = 8
_COLUMN_BYTES: Final = 64 * 1024
_COLUMNS: Final = tuple(f"members{place}" for place in range(8))
"""Half of what a row takes; each column takes 64 KiB."""

MOST_A_MINUTE: Final = len(_COLUMNS) * _COLUMN_BYTES // HASH_BYTES
"""A minute that holds so many takes no more: it is known then that there were at least so many."""

MOST_PACKED: Final = len(_COLUMNS) * _COLUMN_BYTES
RECORDS_NAMED: Final = 10
_LONGEST_TEXT: Final = 200
_PURGED_AT_ONCE: Final = 20_000


def hashed(text: str) -> bytes:
    """Give the short hash by which a record's id, or a value, is a member of a minute."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:HASH_BYTES]


class Place(Struct, frozen=True, kw_only=True):
    """What is counted together: a detection's records of a tenant, with one value of the field it counts by.

    `kept` is how long after an instant it is needed; where minutes are kept, that is whole days.
    """

    tenant_id: str
    detection: str
    value: str
    kept: timedelta


class Minute(Struct, frozen=True, kw_only=True):
    """What was seen in a minute: its members, the instants of the first and last record, whose, and some records' ids.

    `actor` is as the last record has it; an empty one where it isn't by the actor that is counted.
    """

    members: frozenset[bytes]
    first: datetime
    last: datetime
    actor: Actor = Actor()
    records: tuple[str, ...] = ()

    def with_(self, new: "Minute") -> "Minute":
        """Give both together; `self`, where it holds all of the other or is full."""
        missing = new.members - self.members
        room = MOST_A_MINUTE - len(self.members)
        if not missing or not room:
            return self
        return Minute(
            members=self.members.union(sorted(missing)[:room]),
            first=min(self.first, new.first),
            last=max(self.last, new.last),
            actor=new.actor if new.last > self.last else self.actor,
            records=tuple(dict.fromkeys((*self.records, *new.records)))[:RECORDS_NAMED],
        )


def seen(member: str, at: datetime, *, actor: Actor, record: str) -> Minute:
    """Give the minute of one record. Of its texts so much is kept as a row takes, whatever they are."""
    short = Actor(id=_short(actor.id), name=_short(actor.name), kind=actor.kind)
    return Minute(members=frozenset({hashed(member)}), first=at, last=at, actor=short, records=(_short(record),))


def _short(text: str) -> str:
    return text[:_LONGEST_TEXT].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Span(Struct, frozen=True, kw_only=True):
    """What of a place is asked for: its minutes from `begin` on and before `end`."""

    place: Place
    begin: datetime
    end: datetime


type Minutes = Mapping[datetime, Minute]
"""Minutes of one place by when they begin."""


def purge(storage: Storage, *, now: datetime) -> int:
    """Delete rows that nobody needs any more, as many as one run has the time for; gives how many. Raises EdgeError."""
    today = f"{now.astimezone(UTC):%Y%m%d}"
    return storage.purge(Table.COUNTERS, "PartitionKey lt @today", most=_PURGED_AT_ONCE, today=today)


def days(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Give an instant of each day (UTC) from `begin` on and before `end`."""
    day = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end:
        yield day
        day += DAY


def packed(content: bytes) -> dict[str, bytes]:
    """Give columns that hold `content`, which is `MOST_PACKED` bytes at most."""
    pieces = (content[begin : begin + _COLUMN_BYTES] for begin in range(0, len(content), _COLUMN_BYTES))
    return dict(zip(_COLUMNS, pieces, strict=False))


def unpacked(row: Row) -> bytes:
    """Read back what was packed in a row."""
    return b"".join(row.columns.get(name, b"") for name in _COLUMNS)


def union(minutes: Iterable[Minute]) -> frozenset[bytes]:
    """Give the members of several minutes: what is in two of them is one."""
    return frozenset[bytes]().union(*(minute.members for minute in minutes))
