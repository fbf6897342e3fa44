"""Retention: how long each thing that grows is kept, and the nightly purge of what is older.

`RETAINED` declares everything that grows, `KEPT` what is never purged. Each run takes a slice of each, and what it
leaves the next one takes. A table that fails, a row that can't be read, stops nothing else. Nothing is created here: a
table that is gone is an error that people are paged about. Evidence isn't the app's to delete; its account's policy is.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby, islice
from typing import Final

from msgspec import Struct

from shared.clients.storage import BlobEntry, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Container, Table
from shared.detect.aggregation.window_store import purge as purge_counters
from shared.model.cases import LISTS, NEWEST, newest_before
from shared.model.do_all import do_all
from shared.model.errors import BrokenRow, LeaseLost, NewerSchema, Rejected
from shared.model.kinds import ObjectKind
from shared.model.notices import SystemNotice
from shared.model.objects import SCHEMA, ObjectId
from shared.objects.leases import Leases
from shared.objects.named_actors import NAMED_FOR
from shared.objects.object_store import CHANGE_BLOB, Kept, ObjectStore, Seen, needed_digests, stamp

_log = logging.getLogger("responder.retention")

MOST_ROWS: Final = 20_000
"""Rows or blobs of one kind that a run deletes."""

MOST_WALKED: Final = 2_000
"""Objects whose changes or versions a run looks at."""

_CURSOR: Final = "purge"
_NOT_FOUND: Final = 404
_LISTING_PARTS, _VERSION_PARTS, _QUARANTINE_PARTS, _OWNER_PARTS = 3, 4, 3, 3
_AFTER_SEPARATOR: Final = "}"
"""Sorts right after "|", which separates the parts of keys."""


class Age(StrEnum):
    """How the age of a row or blob is read."""

    DAY = "the partition begins with its day"
    LAST_DAY = "the partition begins with the day after which it may go"
    TENANT_DAY = "the partition is the tenant and its day; open ones stay"
    AT = "the row says when it was"
    AMONG_NEWEST = "the row says how long ago it was"
    ROW_LAST_WORD = "the row's last word is its day"
    ROW_INSTANT = "the row begins with its instant"
    WRITTEN = "when the row was written, by storage's clock"
    SETTLED_OBJECT = "when the object was last seen; only one that is gone, and of which nothing waits"
    CHANGE = "the row begins with its instant; what its object still needs stays"
    VERSION = "when the blob was written; what its object still needs stays"
    LISTING = "the blob is named by its instant; the newest stays"
    FOLDER_DAY = "the folder is named by its day"


class Retained(Struct, frozen=True, kw_only=True):
    """One thing that grows: where it is kept, how its age is read, and for how many days it is kept, and why.

    `days` None is what `RETENTION_DAYS` says. `partitions` is what the partitions of a table begin with that is shared.
    """

    what: str
    place: Table | Container
    age: Age
    why: str
    days: int | None = None
    partitions: str = ""


RETAINED: Final[tuple[Retained, ...]] = (
    Retained(what="cases", place=Table.CASES, age=Age.TENANT_DAY, why="reports, and who asks later why"),
    Retained(
        what="places of cases among the newest",
        place=Table.CASES,
        partitions=LISTS,
        age=Age.AMONG_NEWEST,
        why="as long as the cases",
    ),
    Retained(what="pages", place=Table.OUTBOX, age=Age.DAY, why="who was paged when"),
    Retained(what="changes", place=Table.CHANGES, age=Age.CHANGE, why="reports, and what is decided needs them"),
    Retained(what="objects that are gone", place=Table.OBJECTS, age=Age.SETTLED_OBJECT, why="they may come back"),
    Retained(what="versions", place=Container.SNAPSHOTS, age=Age.VERSION, why="what stood when, for reports"),
    Retained(what="listings", place=Container.SNAPSHOTS, age=Age.LISTING, why="what stood when, for reports"),
    Retained(what="unreadable records", place=Container.QUARANTINE, age=Age.FOLDER_DAY, why="until they can be read"),
    Retained(
        what="counts of unreadable records",
        place=Table.CURSORS,
        partitions="quarantine",
        age=Age.ROW_LAST_WORD,
        why="as long as the records",
    ),
    Retained(
        what="windows of logs that were given up",
        place=Table.CURSORS,
        partitions="unread ",
        age=Age.AT,
        days=37,
        why="they are tried for 30 days; a week longer they are named as lost",
    ),
    Retained(
        what="counts and first steps of sequences",
        place=Table.COUNTERS,
        age=Age.LAST_DAY,
        days=0,
        why="each says itself until when it is needed",
    ),
    Retained(
        what="counts of what was put back",
        place=Table.CONTROLS,
        partitions="spent ",
        age=Age.AT,
        days=2,
        why="the limit is by the hour",
    ),
    Retained(
        what="who made changes of open cases",
        place=Table.CONTROLS,
        partitions="named ",
        age=Age.AT,
        days=NAMED_FOR.days + 1,
        why="who is named gets no access back for a day",
    ),
    Retained(
        what="numbers of reminders",
        place=Table.CONTROLS,
        partitions="reminded ",
        age=Age.AT,
        why="each is written anew every hour until a person decides",
    ),
    Retained(
        what="looks that nobody took",
        place=Table.DUE,
        age=Age.ROW_INSTANT,
        days=7,
        why="they are made anew from the objects each night, if they are still due",
    ),
    Retained(
        what="leases of runs that died", place=Table.LEASES, age=Age.WRITTEN, days=1, why="they ended within the hour"
    ),
)
"""Everything that grows. Messages that are played again are forgotten by `shared.ingest.poison`, after a week."""

KEPT: Final[Mapping[Table | Container, str]] = {
    Table.APPROVED_ACTORS: "what people entered; who was approved when is asked for ever",
    Table.OWNERS: "what people entered",
    Table.OPERATORS: "who was an operator, and who signed for them, is asked for ever",
    Table.JOURNAL: "who lowered which guard when is asked for ever",
    Table.EMERGENCIES: "a few hundred rows of each; who did what in one, and when a drill was, is asked for ever",
    Table.ROSTERS: "one row for each kind and tenant",
    Container.DEAD_LETTERS: "each is taken in and then deleted",
    Container.EVIDENCE: "the app can't delete it; the account's own policy does",
}
"""What is never purged by the app, and why."""


class Purge(Struct, frozen=True, kw_only=True):
    """What a run deleted, by `what`, and what failed."""

    gone: dict[str, int]
    failed: dict[str, Exception]

    def check(self) -> None:
        """Raise the first failure, if there is one."""
        for failure in self.failed.values():
            raise failure

    def notices(self) -> Iterator[SystemNotice]:
        """Give what people have to be paged about: a table or container that is gone, a row that can't be read."""
        for what, failure in self.failed.items():
            is_missing = isinstance(failure, Rejected) and failure.status == _NOT_FOUND
            if is_missing or isinstance(failure, BrokenRow | NewerSchema):
                yield SystemNotice(
                    key=f"retention {what}",
                    title=f"Old {what} can't be deleted",
                    text=str(failure),
                    what_to_do="See whether a table was deleted or a row was changed by hand, and by whom. Nothing is"
                    " made anew by itself: `python -m responders doctor` says what is missing.",
                )


def purge(storage: Storage, store: ObjectStore, *, kept_for: timedelta, now: datetime, most: int = MOST_ROWS) -> Purge:
    """Delete what is older than it is kept for; `kept_for` is the policy, and each thing is tried whatever fails."""
    gone: dict[str, int] = {}
    failed: dict[str, Exception] = {}
    for one in RETAINED:
        days = kept_for if one.days is None else timedelta(days=one.days)
        part = _Slice(storage, store, one, before=now - days, most=most)
        try:
            _WAYS[one.age](part)
        except Exception as failure:  # noqa: BLE001 - one thing that fails stops no other; the caller raises it
            _log.exception("old %s could not be deleted", one.what)
            failed[one.what] = failure
        gone[one.what] = part.gone
    return Purge(gone=gone, failed=failed)


class _Slice:
    """What one run may still delete of one thing: what is from before an instant, and `left` of it at most."""

    def __init__(
        self, storage: Storage, store: ObjectStore, retained: Retained, *, before: datetime, most: int
    ) -> None:
        self.storage = storage
        self.store = store
        self.retained = retained
        self.before = before
        self.day = f"{before.astimezone(UTC):%Y%m%d}"
        self.left = most
        self.gone = 0

    @property
    def table(self) -> Table:
        return Table(self.retained.place)

    @property
    def container(self) -> Container:
        return Container(self.retained.place)

    def delete(self, query: str, **values: str) -> None:
        if self.left > 0:
            self.count(self.storage.purge(self.table, query, most=self.left, **values))

    def delete_blob(self, entry: BlobEntry) -> None:
        """Delete a blob; one that was written anew since it was listed stays."""
        if self.left > 0:
            with suppress(Conflict):
                self.storage.delete_blob(self.container, entry)
                self.count(1)

    def count(self, gone: int) -> None:
        self.gone += gone
        self.left -= gone

    def where(self) -> str:
        """Read where the last run ended."""
        row = self.storage.row(Table.CURSORS, _CURSOR, self.retained.what)
        return str(row.columns.get("after", "")) if row else ""

    def walk[T](self, places: Iterable[T], do: Callable[[T], None], *, name: Callable[[T], str]) -> None:
        """Do something at each of so many places as one run takes; the next one goes on after the last of them.

        A place that fails stops no other; the first failure is raised at the end.
        """
        some = self._some(places, name)
        do_all(some, do, failed=lambda place: f"{name(place)} could not be purged", log=_log)

    def _some[T](self, places: Iterable[T], name: Callable[[T], str]) -> Iterator[T]:
        for number, place in enumerate(places, 1):
            yield place
            if number >= MOST_WALKED or self.left <= 0:
                self._note_where(name(place))
                return
        self._note_where("")

    def _note_where(self, after: str) -> None:
        self.storage.upsert(Table.CURSORS, _CURSOR, self.retained.what, {"after": after})


# ---- tables ----------------------------------------------------------------------------------------------------------


def _by_day(of: _Slice) -> None:
    of.delete("PartitionKey lt @day", day=of.day)


def _by_last_day(of: _Slice) -> None:
    of.count(purge_counters(of.storage, now=of.before))


def _by_tenant_and_day(of: _Slice) -> None:
    """Delete closed cases, tenant by tenant; an open one stays however old it is."""
    for partition in _first_of_each(of, lambda partition: partition.partition("|")[0] + _AFTER_SEPARATOR):
        tenant = partition.partition("|")[0]
        of.delete(
            "PartitionKey ge @begin and PartitionKey lt @end and open eq false",
            begin=f"{tenant}|",
            end=f"{tenant}|{of.day}",
        )


def _by_place(of: _Slice) -> None:
    """Delete what lies behind the newest, tenant by tenant: the later an event was, the earlier its row sorts."""
    for partition in _first_of_each(of, lambda partition: partition.partition("|")[0] + _AFTER_SEPARATOR):
        of.delete(
            "PartitionKey eq @lists and RowKey gt @oldest and RowKey lt @last",
            lists=f"{partition.partition('|')[0]}|{of.retained.partitions}",
            oldest=newest_before(of.before),
            last=f"{NEWEST}~",
        )


def _by_what_it_says(of: _Slice) -> None:
    begin = of.retained.partitions
    of.delete(
        "PartitionKey ge @begin and PartitionKey lt @end and at lt @before",
        begin=begin,
        end=begin[:-1] + chr(ord(begin[-1]) + 1),
        before=of.before.astimezone(UTC).isoformat(),
    )


def _by_last_word(of: _Slice) -> None:
    for row in of.storage.rows(of.table, "PartitionKey eq @one", select=("count",), one=of.retained.partitions):
        day = row.key.rpartition(" ")[2]
        if day.isdigit() and day < of.day:
            of.delete("PartitionKey eq @one and RowKey eq @key", one=row.partition, key=row.key)


def _by_instant(of: _Slice) -> None:
    of.delete("PartitionKey ge '' and RowKey lt @end", end=stamp(of.before))


def _by_write(of: _Slice) -> None:
    """Delete leases that ended; `Leases` reads their time by storage's clock alone."""
    of.count(Leases(of.storage, lasting=timedelta(minutes=1)).remove_ended(timedelta(days=of.retained.days or 1)))


def _first_of_each(of: _Slice, end: Callable[[str], str] = str, after: str = "") -> Iterator[str]:
    """Give the first partition after a name, then the first after its `end`, and so on, with one request each."""
    while first := of.storage.rows(of.table, "PartitionKey gt @after", most=1, select=("schema",), after=after):
        yield first[0].partition
        after = end(first[0].partition)


# ---- objects ---------------------------------------------------------------------------------------------------------


def _gone_objects(of: _Slice) -> None:
    """Forget objects that have been gone for long, of which nothing waits and nothing is due."""
    old = islice(_long_gone(of), of.left)
    do_all(old, lambda seen: _forget(of, seen), failed=lambda seen: f"{seen.id} could not be forgotten", log=_log)


def _long_gone(of: _Slice) -> Iterator[Seen]:
    for partition in _first_of_each(of):
        tenant, _, kind = partition.partition("|")
        if kind in set(ObjectKind):
            yield from (seen for seen in of.store.seen(tenant, ObjectKind(kind)) if _is_gone(seen, of.before))


def _is_gone(seen: Seen, before: datetime) -> bool:
    is_known = seen.schema <= SCHEMA and seen.stands is False
    return is_known and seen.is_settled and seen.seen_at is not None and seen.seen_at < before


def _forget(of: _Slice, seen: Seen) -> None:
    kept = of.store.read(seen.id)
    if kept is None or kept.state.next_look is not None or kept.state.pending or kept.row.columns["stands"]:
        return
    with suppress(LeaseLost):
        of.store.forget(kept)
        of.count(1)


def _old_changes(of: _Slice) -> None:
    """Delete old changes, object by object from where the last run ended; those since the object's baseline stay.

    Changes of an object that is gone, or is an alias by now, are needed by nobody.
    """
    of.walk(_first_of_each(of, after=of.where()), lambda partition: _old_changes_of(of, partition), name=str)


def _old_changes_of(of: _Slice, partition: str) -> None:
    end = stamp(of.before)
    first = of.storage.rows(of.table, "PartitionKey eq @one", most=1, select=("schema",), one=partition)
    if not first or first[0].key >= end:
        return
    kept = _owner(of, partition.split("|"))
    if kept is not None:
        end = min(end, stamp(kept.state.origin.at))
    of.delete("PartitionKey eq @one and RowKey lt @end", one=partition, end=end)


def _owner(of: _Slice, parts: list[str]) -> Kept | None:
    """Read the object that something is of, by tenant, kind and key; None where it isn't one any more."""
    if len(parts) != _OWNER_PARTS or parts[1] not in set(ObjectKind):
        raise BrokenRow(f"{'|'.join(parts)} is no object that this code knows")
    object_id = ObjectId(tenant_id=parts[0], kind=ObjectKind(parts[1]), key=parts[2])
    kept = of.store.read(object_id)
    return kept if kept is not None and kept.id == object_id else None


# ---- blobs -----------------------------------------------------------------------------------------------------------


def _old_versions(of: _Slice) -> None:
    """Delete versions that their objects don't need any more, object by object from where the last run ended."""
    after = of.where()
    blobs = (
        one
        for one in of.storage.blobs(of.container)
        if _parts(one) == _VERSION_PARTS and _folder(one) > after and one.written_at < of.before
    )
    folders = ((folder, list(entries)) for folder, entries in groupby(blobs, key=_folder))
    of.walk(folders, lambda one: _old_versions_in(of, *one), name=lambda one: one[0])


def _old_versions_in(of: _Slice, folder: str, entries: list[BlobEntry]) -> None:
    kept = _owner(of, folder.split("/"))
    for entry in entries:
        if not _is_needed(entry, kept, of.before):
            of.delete_blob(entry)


def _is_needed(entry: BlobEntry, kept: Kept | None, before: datetime) -> bool:
    """Whether an object's row names a blob, or a change that is still needed."""
    name = entry.name.rpartition("/")[2].removesuffix(".json.gz")
    if name.startswith(CHANGE_BLOB):
        end = before if kept is None else min(before, kept.state.origin.at)
        return name.removeprefix(CHANGE_BLOB) >= stamp(end)
    if kept is None:
        return False
    return name == kept.row.columns.get("state_blob") or name in needed_digests(kept.state)


def _old_listings(of: _Slice) -> None:
    """Delete listings of all objects of a kind, but the newest that is old: it says what stood when the next came."""
    listings = (one for one in of.storage.blobs(of.container) if _parts(one) == _LISTING_PARTS)
    for _, entries in groupby(listings, key=_folder):
        old = [one for one in entries if one.name.rpartition("/")[2] < f"{of.before.astimezone(UTC):%Y%m%dT%H%M%S}"]
        for entry in old[:-1]:
            of.delete_blob(entry)


def _by_folder(of: _Slice) -> None:
    for entry in of.storage.blobs(of.container):
        day = _folder(entry).rpartition("/")[2]
        if _parts(entry) == _QUARANTINE_PARTS and day.isdigit() and day < of.day:
            of.delete_blob(entry)


def _parts(entry: BlobEntry) -> int:
    return entry.name.count("/") + 1


def _folder(entry: BlobEntry) -> str:
    return entry.name.rpartition("/")[0]


_WAYS: Final[Mapping[Age, Callable[[_Slice], None]]] = {
    Age.DAY: _by_day,
    Age.LAST_DAY: _by_last_day,
    Age.TENANT_DAY: _by_tenant_and_day,
    Age.AT: _by_what_it_says,
    Age.AMONG_NEWEST: _by_place,
    Age.ROW_LAST_WORD: _by_last_word,
    Age.ROW_INSTANT: _by_instant,
    Age.WRITTEN: _by_write,
    Age.SETTLED_OBJECT: _gone_objects,
    Age.CHANGE: _old_changes,
    Age.VERSION: _old_versions,
    Age.LISTING: _old_listings,
    Age.FOLDER_DAY: _by_folder,
}
