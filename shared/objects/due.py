"""When each object is to be looked at again: table `Due`, so that no timer ever reads all objects.

A row says by its keys alone which object is due when; there may be several of one object, and one too many does no
harm. It is written before what it points to, and removed after it. What it points to decides: who finds a row reads the
object. Each night the rows are made anew from the objects (`remake`), should one have been lost.

The partition is one of four shards, by the object's key; the row is `INSTANT|TENANT|KIND|KEY`.
"""

import heapq
import zlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.kinds import ObjectKind
from shared.model.objects import SCHEMA, ObjectId
from shared.objects.object_store import Seen, instant_of, stamp

SHARDS: Final = ("00", "01", "02", "03")
"""Enough for 8,000 rows a second, which is more than an app writes, and few enough to ask all each minute."""

_PARTS: Final = 4


class Look(Struct, frozen=True, kw_only=True):
    """An object that is to be looked at from an instant on, the row that says so, and others that say the same."""

    id: ObjectId
    at: datetime
    row: Row
    others: tuple[Row, ...] = ()


class Due:
    """Table `Due`. Each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def note(self, object_id: ObjectId, at: datetime) -> Look:
        """Note that an object is to be looked at from an instant on; before what that is about is written."""
        row = self._storage.upsert(Table.DUE, _shard(object_id), _key(object_id, at), {"schema": SCHEMA})
        return Look(id=object_id, at=at, row=row)

    def remove(self, look: Look) -> None:
        """Remove a note after what it was about is done. It stays where somebody has noted the same since."""
        for row in (look.row, *look.others):
            with suppress(Conflict):
                self._storage.delete(Table.DUE, row)

    def move(self, look: Look, at: datetime) -> Look:
        """Note another instant in place of one: the new note is there before the old one goes."""
        moved = self.note(look.id, at)
        if moved.row.key != look.row.key:
            self.remove(look)
        return moved

    def ready(self, now: datetime, most: int) -> list[Look]:
        """Give at most `most` looks whose instant has come, those that are due longest first, each object once.

        One request for each shard, which reads no row that isn't due. A row with broken keys, or with a kind that only
        newer code knows, is passed over. Who takes a look and fails moves it on, or it keeps coming first.
        """
        end = f"{stamp(now)}}}"
        shards = [self._ready_in(shard, end, most) for shard in SHARDS]
        once: dict[ObjectId, list[Look]] = {}
        for look in heapq.merge(*shards, key=lambda look: look.at):
            once.setdefault(look.id, []).append(look)
        return [
            msgspec.structs.replace(first, others=tuple(one.row for one in more))
            for first, *more in islice(once.values(), most)
        ]

    def _ready_in(self, shard: str, end: str, most: int) -> list[Look]:
        pages = self._storage.pages(
            Table.DUE,
            "PartitionKey eq @shard and RowKey lt @end",
            most=most,
            shard=shard,
            end=end,
        )
        looks = (look for page in pages for row in page if (look := _look(row)) is not None)
        return list(islice(looks, most))

    def remake(self, objects: Iterable[Seen]) -> int:
        """Note each object that is to be looked at again, whether a note of it was lost or not; gives how many."""
        noted = 0
        for seen in objects:
            if seen.next_look is not None:
                self.note(seen.id, seen.next_look)
                noted += 1
        return noted


def _shard(object_id: ObjectId) -> str:
    return SHARDS[zlib.crc32(object_id.key.encode()) % len(SHARDS)]


def _key(object_id: ObjectId, at: datetime) -> str:
    return f"{stamp(at)}|{object_id.tenant_id}|{object_id.kind}|{object_id.key}"


def _look(row: Row) -> Look | None:
    parts = row.key.split("|")
    if len(parts) != _PARTS:
        return None
    at, tenant_id, kind, key = parts
    try:
        instant = instant_of(at)
        known = ObjectKind(kind)
    except ValueError:
        return None
    return Look(id=ObjectId(tenant_id=tenant_id, kind=known, key=key), at=instant.astimezone(UTC), row=row)
