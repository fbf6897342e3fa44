"""The store of guarded objects: tables `Objects` and `Changes`, and their versions as blobs in `snapshots`.

One point read gives all there is to decide by, one range read the object's changes. Beside an object's row, in the same
partition, lie small rows that lists are read from and the aliases of its other ids; they are written in one transaction
with it, so that a list takes the requests and rows of what it shows, however many objects there are.

| table | partition | row | holds |
|---|---|---|---|
| `Objects` | `TENANT|KIND` | key | the state; or `alias_of`, where the object is known by another key |
| | | `pending|KEY`, `unaccepted|KEY`, `making|KEY` | what a list shows of it |
| `Changes` | `TENANT|KIND|KEY` | `INSTANT|ID` | one change |

Blobs are named `TENANT/KIND/KEY/DIGEST.json.gz`. Every method raises EdgeError where storage fails.
"""

import gzip
import hashlib
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.clients.columns import packed, unpacked
from shared.clients.storage import Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Container, Table
from shared.model.clock import Clock
from shared.model.errors import BadIdentifier, BrokenRow, LeaseLost, NewerSchema, Rejected, ResponderError
from shared.model.kinds import Image, ObjectKind, Risk
from shared.model.objects import (
    EXISTS,
    SCHEMA,
    IntentState,
    ObjectChange,
    ObjectId,
    Objection,
    ObjectState,
    Op,
    Provenance,
    Version,
    is_asked_id,
    key_of,
)
from shared.objects.leaning import Leaning
from shared.objects.version_chain import Chain, extended, problems_of
from shared.objects.vouching import (
    CONTENT,
    GENERATION,
    SIGNED,
    UNVOUCHED,
    WRITTEN,
    Copy,
    Vouching,
    digest_of,
    generation_of,
    is_whole_change,
)

_TRIES: Final = 10
_CACHED_BYTES: Final = 16 * 1024 * 1024
_REASONS_SHOWN: Final = 10
_LONGEST_SHOWN: Final = 200
_LONGEST_LIST: Final = 100
_MAY_HAVE_MADE: Final = frozenset({IntentState.OPEN, IntentState.CLOSED})
"""What is known of a creation that may have been carried out: nothing, or that it couldn't be seen so far."""

_KEY_CHARACTERS: Final = frozenset("0123456789abcdef")
_FIRST_KEY, _AFTER_KEYS = "0", "g"
"""Keys are hexadecimal digits, so they lie between these, and the rows of lists after them."""

_INDEX: Final = (
    "schema",
    "alias_of",
    "name",
    "digest",
    "next_look",
    "origin_at",
    "seen_at",
    "lists",
    "stands",
    "settled",
)

CHANGE_BLOB: Final = "change-"
"""How the names of blobs begin that a row of `Changes` names; the change's instant comes after."""


class ObjectList(StrEnum):
    """The lists of objects that can be asked for. No value begins with a hexadecimal digit, as keys do."""

    PENDING = "pending"
    """Something waits, or people were paged about it."""
    UNACCEPTED = "unaccepted"
    """Nobody has accepted how it stood when it was first seen, or only a part of it."""
    MAKING = "making"
    """The responder was to make it again, it isn't known whether it did, and it isn't there under an id of its own."""


class Kept(Struct, frozen=True, kw_only=True):
    """An object's state as it is stored, with the row that guards the next write, and the chain of its versions."""

    state: ObjectState
    row: Row
    chain: Chain = Chain()

    @property
    def id(self) -> ObjectId:
        """The object's own id, also where it was asked for by another one."""
        return self.state.id


class Listed(Struct, frozen=True, kw_only=True):
    """What a list shows of an object. `why` has at most ten leaves of `waiting`; long texts are cut."""

    id: ObjectId
    name: str
    digest: str = ""
    next_look: datetime | None = None
    waiting: int = 0
    why: dict[str, Objection] = {}


class Seen(Struct, frozen=True, kw_only=True):
    """What can be read of all objects at once: the digest of the version seen last, and when each is due.

    `schema` above `SCHEMA` says that newer code wrote it. Only changes from `origin_at` on are still needed. `stands`
    is whether it was there when it was seen last, at `seen_at`; None where that isn't known. `is_settled` says that
    nothing waits and nothing is due.
    """

    id: ObjectId
    name: str
    digest: str
    next_look: datetime | None
    origin_at: datetime | None
    seen_at: datetime | None
    stands: bool | None
    is_settled: bool
    lists: frozenset[ObjectList]
    schema: int


class OtherObject(ResponderError):
    """An id that should become an alias is known as another object, `other`; `absorb` makes the two one."""

    def __init__(self, message: str, *, other: ObjectId) -> None:
        self.other = other
        super().__init__(message)


class _Stored(Struct, frozen=True, kw_only=True):
    """What an object's row has as JSON."""

    state: ObjectState
    chain: Chain


class ObjectStore:
    """Objects, their changes and versions. Safe to share between threads; no method holds anything between calls.

    `vouching` says which rows are believed. One that isn't is told of, and its object's newest copy put in its place;
    where there is none, the object counts as new: nothing of it is written back.
    """

    def __init__(self, storage: Storage, *, clock: Clock, vouching: Vouching = UNVOUCHED) -> None:
        self._storage = storage
        self._vouching = vouching
        self._clock = clock
        self._lock = threading.Lock()
        self._blobs: OrderedDict[str, bytes] = OrderedDict()
        self.leaning = Leaning(storage, clock=clock)

    # ---- objects -----------------------------------------------------------------------------------------------------

    def read(self, object_id: ObjectId) -> Kept | None:
        """Read an object by its id or by one that is an alias of it; None when there is none.

        Raises:
            NewerSchema: newer code wrote it; nothing may be done about it.
            BrokenRow: it can't be read.
        """
        row = self._believed(object_id)
        if row is None:
            return None
        alias_of = row.columns.get("alias_of")
        if alias_of is None:
            return self._kept(object_id, row)
        own = msgspec.structs.replace(object_id, key=str(alias_of))
        row = self._believed(own)
        if row is None or "alias_of" in row.columns:
            raise BrokenRow(f"{_place(object_id)} is an alias of {own.key}, which is no object")
        return self._kept(own, row)

    def _believed(self, object_id: ObjectId) -> Row | None:
        """Read an object's row as the app wrote it last; None where it wrote none. Raises LeaseLost, EdgeError."""
        row = self._storage.row(Table.OBJECTS, partition_of(object_id), object_id.key)
        if not self._vouching.problem(object_id, row):
            return row
        # Another run may have written and copied it since it was read.
        row = self._storage.row(Table.OBJECTS, partition_of(object_id), object_id.key)
        problem = self._vouching.problem(object_id, row)
        if not problem:
            return row
        self._vouching.report(object_id, problem)
        return self._restored(object_id, row)

    def _restored(self, object_id: ObjectId, row: Row | None) -> Row | None:
        """Put the newest copy of an object in the place of a row that isn't believed; without one the row is deleted.

        Raises LeaseLost where another run has written it since.
        """
        copy = self._vouching.newest(object_id)
        columns = self._columns_of_copy(object_id, copy) if copy is not None else None
        try:
            if columns is not None:
                op = RowOp.REPLACE if row is not None else RowOp.INSERT
                write = RowWrite(op=op, key=object_id.key, columns=columns, etag=row.etag if row is not None else "")
                etag = self._storage.write_together(Table.OBJECTS, partition_of(object_id), [write])[0]
                return _written(object_id, columns, etag)
            if row is not None:
                self._storage.delete(Table.OBJECTS, row)
        except Conflict as conflict:
            raise LeaseLost(f"{_place(object_id)} was written by another run") from conflict
        return None

    def _columns_of_copy(self, object_id: ObjectId, copy: Copy) -> dict[str, Any] | None:
        """Give the columns of the row that a copy is of; None where it says that the object was forgotten."""
        if copy.alias_of:
            return self._alias(object_id, copy.alias_of, copy.generation)
        return self._columns(_stored_in(object_id, copy.content), copy.generation) if copy.content else None

    def find(self, tenant_id: str, kind: ObjectKind, object_id: str) -> Kept | None:
        """Read an object by one of the tenant's ids of it, as `read` does."""
        return self.read(ObjectId(tenant_id=tenant_id, kind=kind, key=key_of(object_id)))

    def insert(self, state: ObjectState) -> Kept | None:
        """Store an object for the first time, with its aliases; None when its key is known already.

        Raises:
            OtherObject: another of its ids is known as another object.
        """
        if not set(state.id.key) <= _KEY_CHARACTERS:
            raise BadIdentifier(f"{state.id.key!r} isn't the key of an object, which `key_of` makes")
        self.leaning.name(state)
        chain = extended(Chain(), state)
        stored = _Stored(state=state, chain=chain)
        generation = self._vouching.next_generation(state.id, 0, None, state)
        columns = self._columns(stored, generation)
        writes = [
            RowWrite(op=RowOp.INSERT, key=state.id.key, columns=columns),
            *self._alias_writes(state, known=frozenset()),
            *_list_writes(state, before={}),
        ]
        try:
            etag = self._storage.write_together(Table.OBJECTS, partition_of(state.id), writes)[0]
        except Conflict:
            if self._storage.row(Table.OBJECTS, partition_of(state.id), state.id.key) is not None:
                return None
            self._check_aliases(state)
            raise
        self._copy(stored, generation)
        return Kept(state=state, row=_written(state.id, columns, etag), chain=chain)

    def replace(self, kept: Kept, state: ObjectState) -> Kept:
        """Write an object's next state, if nobody has written it since it was read.

        Raises:
            LeaseLost: another run has written it since, so this one must stop.
            OtherObject: a new id of it is known as another object.
        """
        return self._replace(kept, state, absorbed=())

    def absorb(self, kept: Kept, state: ObjectState, other: Kept) -> Kept:
        """Write an object's next state and make another one an alias of it, with the changes that were known of that.

        The two are the same object of the tenant, seen under two ids before anybody knew. `state` has the ids of both.
        What was written to the other one, and what was said of its changes, is known of the one from then on. May be
        repeated after it was interrupted. Raises as `replace` does.
        """
        self.adopt_changes(other.id, kept.id)
        result = self._replace(kept, _with_deeds_of(state, other.state), absorbed=(other,))
        self.adopt_changes(other.id, kept.id)
        return result

    def forget(self, kept: Kept) -> None:
        """Delete an object's row with its aliases and its rows of lists, if nobody has written it since it was read.

        Its changes and versions are purged by their age. Raises LeaseLost where it was written.
        """
        own = RowWrite(op=RowOp.DELETE, key=kept.id.key, etag=kept.row.etag)
        names = [f"{which}|{kept.id.key}" for which in ObjectList]
        rows = (
            self._storage.row(Table.OBJECTS, partition_of(kept.id), key) for key in (*_alias_keys(kept.state), *names)
        )
        others = [RowWrite(op=RowOp.DELETE, key=row.key, etag=row.etag) for row in rows if row is not None]
        self._vouching.note_forgotten(kept.id, generation_of(kept.row))
        try:
            self._storage.write_together(Table.OBJECTS, partition_of(kept.id), [own, *others])
        except Conflict as conflict:
            raise LeaseLost(f"{_place(kept.id)} was written by another run") from conflict

    def adopt_changes(self, other: ObjectId, own: ObjectId) -> int:
        """Add the changes that are known of one id to those of another; gives how many are new."""
        return sum(self.add_change(own, change) for change in self.changes(other))

    def _replace(self, kept: Kept, state: ObjectState, *, absorbed: Sequence[Kept]) -> Kept:
        if self._vouching is UNVOUCHED and kept.row.columns.get(SIGNED):
            raise Rejected(
                "what the app stores about objects is signed by its own key, which isn't set here: set STATE_KEYS to"
                " the secret state-keys of the vault"
            )
        if state.id != kept.id:
            raise BrokenRow(f"{_place(kept.id)} can't become {_place(state.id)}")
        self.leaning.name(state)
        chain = extended(kept.chain, state)
        stored = _Stored(state=state, chain=chain)
        generation = self._vouching.next_generation(state.id, generation_of(kept.row), kept.state, state)
        columns = self._columns(stored, generation)
        own = RowWrite(op=RowOp.REPLACE, key=state.id.key, columns=columns, etag=kept.row.etag)
        aliases = {other.id: self._alias(other.id, state.id.key, generation_of(other.row) + 1) for other in absorbed}
        taken = [
            RowWrite(op=RowOp.REPLACE, key=other.id.key, columns=aliases[other.id], etag=other.row.etag)
            for other in absorbed
        ]
        gone = [
            RowWrite(op=RowOp.DELETE, key=f"{name}|{other.id.key}")
            for other in absorbed
            for name in _lists(other.state)
        ]
        known = frozenset({*_alias_keys(kept.state), *(other.id.key for other in absorbed)})
        lists = _list_writes(state, before=_lists(kept.state))
        for _ in range(_TRIES):
            writes = [own, *taken, *gone, *self._alias_writes(state, known=known), *lists]
            try:
                etag = self._storage.write_together(Table.OBJECTS, partition_of(state.id), writes)[0]
            except Conflict as conflict:
                if self._has_moved(kept, *absorbed):
                    raise LeaseLost(f"{_place(kept.id)} was written by another run") from conflict
                # What a list lost, or an alias that is there, must not keep the object from being written.
                known |= self._check_aliases(state)
                keys = {row.key for row in self._list_rows(state.id)}
                lists, gone = (
                    [one for one in some if one.op is not RowOp.DELETE or one.key in keys] for some in (lists, gone)
                )
            else:
                self._copy(stored, generation)
                for other in absorbed:
                    copy = Copy(generation=generation_of(other.row) + 1, alias_of=state.id.key)
                    self._vouching.copy(other.id, copy)
                return Kept(state=state, row=_written(state.id, columns, etag), chain=chain)
        raise LeaseLost(f"{_place(kept.id)} is being written by others")

    def _copy(self, stored: _Stored, generation: int) -> None:
        content = msgspec.json.encode(stored).decode() if self._vouching is not UNVOUCHED else ""
        self._vouching.copy(stored.state.id, Copy(generation=generation, content=content))

    def _has_moved(self, *each: Kept) -> bool:
        for kept in each:
            row = self._storage.row(Table.OBJECTS, kept.row.partition, kept.row.key)
            if row is None or row.etag != kept.row.etag:
                return True
        return False

    def _check_aliases(self, state: ObjectState) -> frozenset[str]:
        """Give the keys that are aliases of an object already.

        Raises:
            OtherObject: one of them is another object.
        """
        found: set[str] = set()
        for key in _alias_keys(state):
            row = self._storage.row(Table.OBJECTS, partition_of(state.id), key)
            if row is None:
                continue
            owner = row.columns.get("alias_of", key)
            if owner != state.id.key:
                other = msgspec.structs.replace(state.id, key=owner)
                raise OtherObject(f"{_place(state.id)} has an id that is known as {owner}", other=other)
            found.add(key)
        return frozenset(found)

    def _columns(self, stored: _Stored, generation: int) -> dict[str, Any]:
        """Give the columns of an object's row; writes a blob first where the state is too large for a row."""
        state = stored.state
        last = _last_version(state)
        columns = {
            **self._content(state.id, "state", msgspec.json.encode(stored), blob="state"),
            **({GENERATION: generation} if generation else {}),
            "schema": state.schema,
            "name": shown(state.name),
            "pending": len(state.pending),
            "settled": _is_settled(state),
            "lists": ",".join(sorted(_lists(state))),
            "digest": last.digest,
            "stands": _stands(state),
            "origin_at": stamp(state.origin.at),
            "seen_at": stamp(last.at),
            **({"next_look": state.next_look.astimezone(UTC).isoformat()} if state.next_look else {}),
        }
        return self._vouching.signed(Table.OBJECTS, partition_of(state.id), state.id.key, columns)

    def _alias(self, object_id: ObjectId, key: str, generation: int = 0) -> dict[str, Any]:
        """Give the columns of an id's row that leads to an object by its key."""
        columns = {"alias_of": key, "schema": SCHEMA, **({GENERATION: generation} if generation else {})}
        return self._vouching.signed(Table.OBJECTS, partition_of(object_id), object_id.key, columns)

    def _alias_writes(self, state: ObjectState, *, known: frozenset[str]) -> list[RowWrite]:
        new = [replace(state.id, key=key) for key in _alias_keys(state) if key not in known]
        return [RowWrite(op=RowOp.INSERT, key=one.key, columns=self._alias(one, state.id.key)) for one in new]

    def _kept(self, object_id: ObjectId, row: Row) -> Kept:
        stored = self._decoded(object_id, row, "state", _Stored)
        if stored.state.id != object_id:
            raise BrokenRow(f"{_place(object_id)} has the state of {_place(stored.state.id)}")
        return Kept(state=stored.state, row=row, chain=stored.chain)

    # ---- lists -------------------------------------------------------------------------------------------------------

    def seen(self, tenant_id: str, kind: ObjectKind) -> Iterator[Seen]:
        """Read the index of all objects of a kind page by page, in the order of their keys, without their states."""
        pages = self._storage.pages(
            Table.OBJECTS,
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last",
            select=_INDEX if self._vouching is UNVOUCHED else (*_INDEX, CONTENT, GENERATION, SIGNED),
            partition=f"{tenant_id}|{kind}",
            first=_FIRST_KEY,
            last=_AFTER_KEYS,
        )
        for row in (row for page in pages for row in page if "alias_of" not in row.columns):
            object_id = ObjectId(tenant_id=tenant_id, kind=kind, key=row.key)
            problem = self._vouching.index_problem(object_id, row)
            if problem == WRITTEN:
                self._vouching.report(object_id, problem)
            # What is no older one after all, since another run has just written it, shows when the object is read.
            yield _seen(object_id, replace(row, columns={"schema": SCHEMA}) if problem else row)

    def pending(
        self, tenant_id: str, *, after: ObjectId | None = None, most: int = 100, kinds: Sequence[ObjectKind] = ()
    ) -> list[Listed]:
        """Give at most `most` objects that wait or that people were paged about, after one that was shown before."""
        return self._listed(ObjectList.PENDING, tenant_id, after, most, kinds)

    def unaccepted(
        self, tenant_id: str, *, after: ObjectId | None = None, most: int = 100, kinds: Sequence[ObjectKind] = ()
    ) -> list[Listed]:
        """Give at most `most` objects whose first seen state wasn't accepted as a whole, after one shown before."""
        return self._listed(ObjectList.UNACCEPTED, tenant_id, after, most, kinds)

    def being_made(self, tenant_id: str, kind: ObjectKind) -> Iterator[ObjectId]:
        """Give the objects that the responder was to make again and of which it isn't known whether it did."""
        after: ObjectId | None = None
        while page := self._listed(ObjectList.MAKING, tenant_id, after, _LONGEST_LIST, (kind,)):
            yield from (one.id for one in page)
            after = page[-1].id

    def _listed(
        self, which: ObjectList, tenant_id: str, after: ObjectId | None, most: int, kinds: Sequence[ObjectKind]
    ) -> list[Listed]:
        found: list[Listed] = []
        for kind in sorted(kinds or ObjectKind):
            if len(found) >= most or (after is not None and kind < after.kind):
                continue
            begin = after.key if after is not None and kind == after.kind else ""
            rows = self._storage.rows(
                Table.OBJECTS,
                "PartitionKey eq @partition and RowKey gt @first and RowKey lt @last",
                most=most - len(found),
                partition=f"{tenant_id}|{kind}",
                first=f"{which}|{begin}",
                last=f"{which}|{_AFTER_KEYS}",
            )
            found.extend(_listed_row(ObjectId(tenant_id=tenant_id, kind=kind, key=_key_in(row)), row) for row in rows)
        return found

    def _list_rows(self, object_id: ObjectId) -> list[Row]:
        """Read the rows of lists that there are of an object."""
        names = [f"{name}|{object_id.key}" for name in ObjectList]
        found = (self._storage.row(Table.OBJECTS, partition_of(object_id), name) for name in names)
        return [row for row in found if row is not None]

    def remake_lists(self, tenant_id: str, kind: ObjectKind) -> int:
        """Bring the rows of lists to agree with the objects, whatever was lost or left; gives how many were written.

        One read of the index and one of each list; only what differs is read and written.
        """
        own = {one.id.key: one.lists for one in self.seen(tenant_id, kind) if one.schema <= SCHEMA}
        written = 0
        for which in ObjectList:
            pages = self._storage.pages(
                Table.OBJECTS,
                "PartitionKey eq @partition and RowKey gt @first and RowKey lt @last",
                select=("name",),
                partition=f"{tenant_id}|{kind}",
                first=f"{which}|",
                last=f"{which}|{_AFTER_KEYS}",
            )
            rows = {_key_in(row): row for page in pages for row in page}
            lost = [key for key, lists in own.items() if which in lists and key not in rows]
            left = [row for key, row in rows.items() if key in own and which not in own[key]]
            for key in lost:
                kept = self.read(ObjectId(tenant_id=tenant_id, kind=kind, key=key))
                if kept is not None:
                    self.replace(kept, kept.state)
            for row in left:
                self._delete_left(row)
            written += len(lost) + len(left)
        return written

    def _delete_left(self, row: Row) -> None:
        """Delete a row of a list, unless it was written since it was read."""
        try:
            self._storage.delete(Table.OBJECTS, row)
        except Conflict:
            return

    # ---- what was stored before the app had keys ---------------------------------------------------------------------

    def sign_all(self, tenant_id: str, kind: ObjectKind) -> int:
        """Sign each row of a kind and of its changes that the newest key hasn't signed, as it stands; gives how many.

        Whoever has that done vouches for them. Raises as `read` where one of them can't be read.
        """
        place = f"{tenant_id}|{kind}"
        query = "PartitionKey eq @place and RowKey ge @first and RowKey lt @last"
        pages = self._storage.pages(Table.OBJECTS, query, place=place, first=_FIRST_KEY, last=_AFTER_KEYS)
        rows = [row for page in pages for row in page if self._is_to_be_signed(Table.OBJECTS, row)]
        for row in rows:
            self._sign(ObjectId(tenant_id=tenant_id, kind=kind, key=row.key), row)
        query = "PartitionKey ge @first and PartitionKey lt @last"
        pages = self._storage.pages(Table.CHANGES, query, first=f"{place}|", last=f"{place}|{_AFTER_KEYS}")
        changes = [row for page in pages for row in page if self._is_to_be_signed(Table.CHANGES, row)]
        for row in changes:
            object_id = ObjectId(tenant_id=tenant_id, kind=kind, key=row.partition.rpartition("|")[2])
            columns = self._change_columns(object_id, self._change(object_id, row))
            self._storage.replace(Table.CHANGES, row, columns)
        return len(rows) + len(changes)

    def _is_to_be_signed(self, table: Table, row: Row) -> bool:
        signed = self._vouching.signed(table, row.partition, row.key, row.columns)
        return signed.get(SIGNED) != row.columns.get(SIGNED)

    def _sign(self, object_id: ObjectId, row: Row) -> None:
        if alias_of := row.columns.get("alias_of"):
            self._storage.replace(Table.OBJECTS, row, self._alias(object_id, str(alias_of)))
            return
        kept = self._kept(object_id, row)
        stored = _Stored(state=kept.state, chain=kept.chain)
        generation = self._vouching.next_generation(object_id, generation_of(row), None, kept.state)
        self._storage.replace(Table.OBJECTS, row, self._columns(stored, generation))
        self._copy(stored, generation)

    # ---- changes -----------------------------------------------------------------------------------------------------

    def changes(self, object_id: ObjectId, *, since: datetime | None = None) -> list[ObjectChange]:
        """Read the changes of an object from an instant on, in their order; `object_id` is its own, no alias.

        Raises:
            NewerSchema, BrokenRow: one of them can't be read, so what happened to the object isn't known.
        """
        rows = self._storage.rows(
            Table.CHANGES,
            "PartitionKey eq @partition and RowKey ge @first",
            partition=changes_of(object_id),
            first=stamp(since) if since else "",
        )
        return [self._change(object_id, row) for row in rows if self._is_our_change(object_id, row)]

    def unknown(self, kept: Kept, changes: Iterable[ObjectChange]) -> tuple[str, ...]:
        """Give the changes that were settled, and aren't among those that were read of an object.

        Where the app has no keys of its own, none.
        """
        if self._vouching is UNVOUCHED:
            return ()
        known = {change.id for change in changes}
        return tuple(one for one in kept.state.settled if one not in known and not is_asked_id(one))

    def missing(self, kept: Kept, changes: Iterable[ObjectChange]) -> tuple[str, ...]:
        """Give the changes that were settled, and aren't among all that are stored of an object; people are notified.

        Without them the baseline would be an older one than was agreed. The changes have to be read after the state:
        another run may have added some, and settled them, since an earlier reading.
        """
        gone = self.unknown(kept, changes)
        if gone:
            self._vouching.report(kept.id, f"{len(gone)} of its changes, which were answered, are gone or were changed")
        return gone

    def add_change(self, object_id: ObjectId, change: ObjectChange) -> bool:
        """Add a change; False where it is known. What this copy of it tells besides is added to the known one.

        Raises:
            Conflict: too many were adding to it at once.
        """
        partition, key = changes_of(object_id), f"{stamp(change.at)}|{change.id}"
        if self._storage.insert(Table.CHANGES, partition, key, self._change_columns(object_id, change)):
            return True
        for _ in range(_TRIES):
            row = self._storage.row(Table.CHANGES, partition, key)
            if row is None:
                return self.add_change(object_id, change)
            known = self._change(object_id, row) if self._is_our_change(object_id, row) else None
            both = merged(known, change) if known is not None else change
            if both == known:
                return False
            try:
                self._storage.replace(Table.CHANGES, row, self._change_columns(object_id, both))
            except Conflict:
                continue
            return known is None
        raise Conflict(f"the change {change.id} of {_place(object_id)} is being written by too many at once")

    def has_change(self, object_id: ObjectId, change: ObjectChange) -> bool:
        """Say whether a change is known; one point read."""
        key = f"{stamp(change.at)}|{change.id}"
        row = self._storage.row(Table.CHANGES, changes_of(object_id), key)
        return row is not None and self._is_our_change(object_id, row)

    def replace_change(self, object_id: ObjectId, change: ObjectChange) -> None:
        """Write what became known of a change; the caller holds the lease of the object's lane."""
        partition, key = changes_of(object_id), f"{stamp(change.at)}|{change.id}"
        self._storage.upsert(Table.CHANGES, partition, key, self._change_columns(object_id, change))

    def _change_columns(self, object_id: ObjectId, change: ObjectChange) -> dict[str, Any]:
        columns = {
            **self._content(object_id, "change", msgspec.json.encode(change), blob=f"{CHANGE_BLOB}{stamp(change.at)}"),
            "schema": SCHEMA,
            "arrived_at": stamp(change.arrived_at),
        }
        key = f"{stamp(change.at)}|{change.id}"
        return self._vouching.signed(Table.CHANGES, changes_of(object_id), key, columns)

    def _is_our_change(self, object_id: ObjectId, row: Row) -> bool:
        """Whether the app stored a change; people are notified of any other, which counts for nothing."""
        if self._vouching is UNVOUCHED:
            return True
        is_ours = self._vouching.is_ours(Table.CHANGES, row) and is_whole_change(row)
        if not is_ours:
            self._vouching.report(object_id, f"its change {shown(row.key)} was written by something else than the app")
        return is_ours

    def _change(self, object_id: ObjectId, row: Row) -> ObjectChange:
        change = self._decoded(object_id, row, "change", ObjectChange)
        if row.key != f"{stamp(change.at)}|{change.id}":
            raise BrokenRow(f"the row {row.key} of {_place(object_id)} has the change {change.id}")
        return change

    # ---- versions ----------------------------------------------------------------------------------------------------

    def keep_version(self, object_id: ObjectId, image: Image) -> str:
        """Keep an object as it was read and give its digest; before a state that names it is written."""
        content = msgspec.json.encode(image, order="deterministic")
        digest = hashlib.sha256(content).hexdigest()
        self._keep(_blob_name(object_id, digest), content)
        return digest

    def version(self, object_id: ObjectId, digest: str) -> Image:
        """Read a kept version of an object. The last ones read are cached.

        Raises:
            BrokenRow: it is gone, or another content lies in its place.
        """
        return msgspec.json.decode(self._blob(_blob_name(object_id, digest), digest), type=dict[str, Any])

    def verify_chain(self, object_id: ObjectId) -> tuple[str, ...]:
        """Give a sentence for each version that was removed or exchanged; empty where all are as they were kept.

        Raises as `read` does: then it isn't known. Reads every version that is still needed.
        """
        kept = self.read(object_id)
        if kept is None:
            return (f"{_place(object_id)} is gone",)
        found = list(problems_of(kept.chain, kept.state))
        for digest in needed_digests(kept.state):
            try:
                self.version(kept.id, digest)
            except BrokenRow as broken:
                found.append(str(broken))
        return tuple(found)

    def _keep(self, name: str, content: bytes) -> None:
        """Write a blob. One that is there is made new, so that a purge that listed it before doesn't delete it."""
        for _ in range(_TRIES):
            if self._storage.keep(Container.SNAPSHOTS, name, gzip.compress(content, mtime=0)):
                return
            if self._storage.touch_blob(Container.SNAPSHOTS, name):
                return
        raise Rejected(f"snapshots/{name} was deleted again and again")

    def _blob(self, name: str, digest: str) -> bytes:
        content = self._cached(name)
        if content is None:
            content = self._storage.blob(Container.SNAPSHOTS, name)
            if content is None:
                raise BrokenRow(f"snapshots/{name} is gone")
        try:
            plain = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise BrokenRow(f"snapshots/{name} can't be read: {error}") from error
        if hashlib.sha256(plain).hexdigest() != digest:
            raise BrokenRow(f"snapshots/{name} has another content than its name says")
        self._cache(name, content)
        return plain

    def _cached(self, name: str) -> bytes | None:
        with self._lock:
            if name in self._blobs:
                self._blobs.move_to_end(name)
            return self._blobs.get(name)

    def _cache(self, name: str, content: bytes) -> None:
        with self._lock:
            self._blobs[name] = content
            while sum(map(len, self._blobs.values())) > _CACHED_BYTES and len(self._blobs) > 1:
                self._blobs.popitem(last=False)

    # ---- content of rows ---------------------------------------------------------------------------------------------

    def _content(self, object_id: ObjectId, name: str, content: bytes, *, blob: str) -> dict[str, Any]:
        """Give the columns of a content; what is too large for a row is written as a blob before."""
        digest = digest_of(content)
        said = {CONTENT: digest} if self._vouching is not UNVOUCHED else {}
        columns = packed(name, content)
        if columns is not None:
            return {**columns, **said}
        named = f"{blob}-{digest}"
        self._keep(_blob_name(object_id, named), content)
        return {f"{name}_blob": named, **said}

    def _decoded[T](self, object_id: ObjectId, row: Row, name: str, kind: type[T]) -> T:
        schema = row.columns.get("schema")
        if not isinstance(schema, int):
            raise BrokenRow(f"the row {row.key} of {_place(object_id)} has no schema")
        if schema > SCHEMA:
            raise NewerSchema(
                f"the row {row.key} of {_place(object_id)} has schema {schema}, and this code knows {SCHEMA}:"
                " nothing is done about it until the newer code is back"
            )
        try:
            content = unpacked(name, row.columns)
            if content is None:
                named = str(row.columns[f"{name}_blob"])
                content = self._blob(_blob_name(object_id, named), named.rpartition("-")[2])
            return msgspec.json.decode(content, type=kind)
        except (msgspec.DecodeError, ValueError, KeyError) as error:
            raise BrokenRow(f"the row {row.key} of {_place(object_id)} can't be read: {error!r}") from error


def _stored_in(object_id: ObjectId, content: str) -> _Stored:
    try:
        return msgspec.json.decode(content, type=_Stored)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BrokenRow(f"the copy of {_place(object_id)} can't be read: {error}") from error


def partition_of(object_id: ObjectId) -> str:
    """Give the partition of an object's row in table `Objects`."""
    return f"{object_id.tenant_id}|{object_id.kind}"


def changes_of(object_id: ObjectId) -> str:
    """Give the partition of an object's changes in table `Changes`."""
    return f"{partition_of(object_id)}|{object_id.key}"


def blobs_of(object_id: ObjectId) -> str:
    """Give the prefix of the blobs of an object in container `snapshots`."""
    return f"{object_id.tenant_id}/{object_id.kind}/{object_id.key}/"


def needed_digests(state: ObjectState) -> frozenset[str]:
    """Give the digests of all versions that a state names."""
    versions = (version.digest for version in (state.origin, *state.versions))
    return frozenset({*versions, *(intent.before for intent in state.intents)} - {""})


def merged(known: ObjectChange, copy: ObjectChange) -> ObjectChange:
    """Give a change with what another copy of it tells besides: detections with their cases, its record, its values."""
    return msgspec.structs.replace(
        known,
        arrived_at=min(known.arrived_at, copy.arrived_at),
        detections=tuple(dict.fromkeys((*known.detections, *copy.detections))),
        cases=tuple(dict.fromkeys((*known.cases, *copy.cases))),
        record=known.record or copy.record,
        wrote={**copy.wrote, **known.wrote},
        is_whole=known.is_whole or copy.is_whole,
        is_confirmed=known.is_confirmed or copy.is_confirmed,
        is_denied=known.is_denied or copy.is_denied,
        is_expiry=known.is_expiry or copy.is_expiry,
        is_own_use=known.is_own_use or copy.is_own_use,
        object_id=known.object_id or copy.object_id,
        risk=max(known.risk, copy.risk, key=tuple(Risk).index),
        intent=known.intent or copy.intent,
        sent={**copy.sent, **known.sent},
        whole_properties=tuple(sorted({*known.whole_properties, *copy.whole_properties})),
        is_microsofts=copy.is_microsofts if known.is_microsofts is None else known.is_microsofts,
        actor=known.actor if known.actor.id else copy.actor,
        named_at=known.named_at if known.actor.id else copy.named_at,
        nameless=known.nameless or copy.nameless,
    )


def shown(text: str) -> str:
    """Cut a text as long as a list shows it."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _blob_name(object_id: ObjectId, digest: str) -> str:
    return f"{blobs_of(object_id)}{digest}.json.gz"


def _place(object_id: ObjectId) -> str:
    return f"Objects {partition_of(object_id)} {object_id.key}"


def stamp(at: datetime) -> str:
    """Give an instant as text that sorts by time; years before 1000 too, which some services send for "never"."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S%f}".zfill(21)


def instant_of(stamp: str) -> datetime:
    """Read an instant from the text that rows are sorted by. Raises ValueError."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


def _written(object_id: ObjectId, columns: dict[str, Any], etag: str) -> Row:
    return Row(partition=partition_of(object_id), key=object_id.key, columns=columns, etag=etag)


def _alias_keys(state: ObjectState) -> tuple[str, ...]:
    """Give the keys of an object's ids, except its own."""
    return tuple(dict.fromkeys(key for key in map(key_of, state.ids) if key != state.id.key))


def _lists(state: ObjectState) -> dict[ObjectList, dict[str, Any]]:
    """Give the lists that an object is on, and what each shows of it."""
    last = _last_version(state)
    listed = Listed(
        id=state.id,
        name=shown(state.name),
        digest=last.digest,
        next_look=state.next_look,
        waiting=len(state.pending),
        why={
            shown(leaf): msgspec.structs.replace(why, because=shown(why.because), by_hand=shown(why.by_hand))
            for leaf, why in list(state.pending.items())[:_REASONS_SHOWN]
        },
    )
    columns = {"listed": msgspec.json.encode(listed).decode(), "name": listed.name, "schema": SCHEMA}
    is_on = {
        ObjectList.PENDING: bool(state.pending),
        ObjectList.UNACCEPTED: _is_unaccepted(state),
        ObjectList.MAKING: _is_being_made(state),
    }
    return {which: columns for which in ObjectList if is_on[which]}


def _with_deeds_of(state: ObjectState, other: ObjectState) -> ObjectState:
    """Give an object with the intents of another one that it is too, and with what was said of that one's changes."""
    intents = {intent.id: intent for intent in (*other.intents, *state.intents)}
    return replace(
        state,
        intents=tuple(sorted(intents.values(), key=lambda intent: intent.at)),
        settled=tuple(dict.fromkeys((*state.settled, *other.settled))),
        answered=tuple(dict.fromkeys((*state.answered, *other.answered))),
        asked=tuple(dict.fromkeys((*state.asked, *other.asked))),
        denied=(*state.denied, *(one for one in other.denied if one not in state.denied)),
    )


def _is_unaccepted(state: ObjectState) -> bool:
    """Whether how it was first seen wasn't accepted as a whole. What was compacted is told leaf by leaf."""
    if whole := [one for one in state.acceptances if not one.only]:
        return bool(whole[-1].uncovered)
    known = [leaf.provenance for leaf in state.accounted.values()] or [state.provenance]
    return Provenance.FIRST_SEEN in known


def _is_being_made(state: ObjectState) -> bool:
    """Whether a creation of ours may have made it under an id that isn't known as its own yet."""
    return (
        not _is_settled(state)
        and not _stands(state)
        and any(intent.op is Op.CREATE and intent.state in _MAY_HAVE_MADE for intent in state.intents)
    )


def _is_settled(state: ObjectState) -> bool:
    return not state.pending and state.next_look is None


def _stands(state: ObjectState) -> bool:
    """Whether it was there when it was read last."""
    return EXISTS in _last_version(state).leaves


def _last_version(state: ObjectState) -> Version:
    return state.versions[-1] if state.versions else state.origin


def _list_writes(state: ObjectState, *, before: Mapping[ObjectList, object]) -> list[RowWrite]:
    """Give the writes that bring the rows of lists from what they were to what they are to be."""
    now = _lists(state)
    return [
        *(RowWrite(op=RowOp.UPSERT, key=f"{which}|{state.id.key}", columns=columns) for which, columns in now.items()),
        *(RowWrite(op=RowOp.DELETE, key=f"{which}|{state.id.key}") for which in before if which not in now),
    ]


def _key_in(row: Row) -> str:
    return row.key.partition("|")[2]


def _listed_row(object_id: ObjectId, row: Row) -> Listed:
    """Read what a list shows. A broken row shows the object without its details, and stops no other."""
    try:
        listed = msgspec.json.decode(row.columns["listed"], type=Listed)
    except (msgspec.DecodeError, KeyError, TypeError):
        return Listed(id=object_id, name=f"(the row {row.key} can't be read)")
    return msgspec.structs.replace(listed, id=object_id)


def _seen(object_id: ObjectId, row: Row) -> Seen:
    """Read an object's columns; what is missing or broken in them is empty, and stops no other."""
    columns = row.columns
    schema = columns.get("schema")
    return Seen(
        id=object_id,
        name=str(columns.get("name", "")),
        digest=str(columns.get("digest", "")),
        next_look=_time_in(columns, "next_look", datetime.fromisoformat),
        origin_at=_time_in(columns, "origin_at", instant_of),
        seen_at=_time_in(columns, "seen_at", instant_of),
        stands=columns["stands"] if isinstance(columns.get("stands"), bool) else None,
        is_settled=columns.get("settled") is True,
        lists=frozenset(which for which in ObjectList if which in str(columns.get("lists", "")).split(",")),
        schema=schema if isinstance(schema, int) else 0,
    )


def _time_in(columns: Mapping[str, Any], name: str, read: Any) -> datetime | None:  # noqa: ANN401 - reads a text
    try:
        return read(columns[name])
    except (KeyError, TypeError, ValueError):
        return None
