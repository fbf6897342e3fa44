"""Snapshots: complete listings of the objects that can be put back, stored by time.

A sweep writes a new blob only when something changed. A row of table `Cursors` says when the newest one was last
confirmed. `baseline` gives an object as it was before an instant, or `Unknown` with the reason: an incomplete or
outdated listing never counts as an empty one.
"""

import gzip
import hashlib
import threading
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Container, Table
from shared.model.clock import Clock
from shared.model.errors import Rejected
from shared.model.kinds import Image, ObjectKind
from shared.model.remediations import Baseline, Inventory, Known, Unknown
from shared.model.tenant_api import TenantApi

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_OUTDATED_AFTER: Final = timedelta(hours=24)
_CACHED: Final = 8
"""Listings kept in memory, whatever their size."""


class Listing(Struct, frozen=True, kw_only=True):
    """All objects of a kind, by lower-case id.

    They were read one after the other from `begun_at` to `captured_at`. The listing may contain changes made in that
    time, so it isn't a baseline for them. `held_until` is when the listing before this one was last confirmed.
    """

    begun_at: datetime
    captured_at: datetime
    held_until: datetime | None
    objects: dict[str, Image]


class SnapshotBaseline(Struct, frozen=True, kw_only=True):
    """The baseline of an object before an instant, and the times of the listing that it comes from.

    The listing was read from `begun_at` to `captured_at`. It contains the changes before `confirmed_at`.
    """

    baseline: Baseline
    begun_at: datetime
    captured_at: datetime
    confirmed_at: datetime


class Snapshots:
    """Container `snapshots` and its rows in table `Cursors`."""

    def __init__(self, storage: Storage, *, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[str, Listing] = {}

    def sweep(self, inventory: Inventory, edges: TenantApi) -> int:
        """Read all objects of a kind and store the listing; gives the number of objects.

        Raises EdgeError when they can't all be read; nothing is stored then.
        """
        begun_at = self._clock()
        objects = {object_id.lower(): image for object_id, image in inventory.read(edges).items()}
        captured_at = self._clock()
        digest = hashlib.sha256(msgspec.json.encode(objects, order="deterministic")).hexdigest()
        prefix = _prefix_of(edges.tenant.id, inventory.kind)
        row = self._row(prefix)
        held_until = _confirmed_in(row) if row else None
        if row is None or row.columns["digest"] != digest:
            # The digest is emptied first: if this run is interrupted, the next one must write the listing again.
            self._note(prefix, digest="", confirmed_at=held_until or begun_at, objects=len(objects))
            listing = Listing(begun_at=begun_at, captured_at=captured_at, held_until=held_until, objects=objects)
            name = f"{prefix}/{captured_at.astimezone(UTC).strftime(_STAMP)}.json.gz"
            self._storage.keep(Container.SNAPSHOTS, name, gzip.compress(msgspec.json.encode(listing)))
        self._note(prefix, digest=digest, confirmed_at=begun_at, objects=len(objects))
        return len(objects)

    def _row(self, prefix: str) -> Row | None:
        return self._storage.row(Table.CURSORS, "snapshot", prefix.replace("/", "|"))

    def _note(self, prefix: str, *, digest: str, confirmed_at: datetime, objects: int) -> None:
        columns = {"digest": digest, "confirmed_at": confirmed_at.isoformat(), "objects": objects}
        self._storage.upsert(Table.CURSORS, "snapshot", prefix.replace("/", "|"), columns)

    def confirmed_at(self, tenant_id: str, kind: ObjectKind) -> datetime | None:
        """Give the time when the newest listing of a kind was last confirmed; None when there is no listing."""
        row = self._row(_prefix_of(tenant_id, kind))
        return _confirmed_in(row) if row else None

    def baseline(self, tenant_id: str, kind: ObjectKind, object_id: str, *, before: datetime) -> SnapshotBaseline:
        """Give an object as it was before an instant, from the last listing that was complete by then.

        Raises EdgeError when that listing can't be read.
        """
        prefix = _prefix_of(tenant_id, kind)
        names = self._storage.blob_names(Container.SNAPSHOTS, f"{prefix}/")
        earlier = [name for name in names if _captured_at(name) < before]
        if not earlier:
            unknown = Unknown(because=f"no snapshot of {kind} objects was taken before the change")
            return SnapshotBaseline(baseline=unknown, begun_at=before, captured_at=before, confirmed_at=before)
        listing = self._listing(earlier[-1])
        confirmed = max(listing.begun_at, min(self._confirmed_until(prefix, names, earlier[-1]), before))
        last_snapshot = f"the last snapshot of {kind} objects before the change is from {confirmed:%Y-%m-%d %H:%M}"
        image = listing.objects.get(object_id.lower())
        outdated = before - confirmed > _OUTDATED_AFTER
        return SnapshotBaseline(
            baseline=Unknown(because=last_snapshot) if outdated else Known(image=image, captured_at=confirmed),
            begun_at=listing.begun_at,
            captured_at=listing.captured_at,
            confirmed_at=confirmed,
        )

    def _confirmed_until(self, prefix: str, names: list[str], name: str) -> datetime:
        """Give the time when a listing was last confirmed."""
        after = names.index(name) + 1
        if after < len(names):
            return self._listing(names[after]).held_until or self._listing(name).begun_at
        row = self._row(prefix)
        return _confirmed_in(row) if row else self._listing(name).begun_at

    def _listing(self, name: str) -> Listing:
        """Read a listing. The last few are cached: a blob's content never changes."""
        with self._lock:
            if name in self._read:
                return self._read[name]
        content = self._storage.blob(Container.SNAPSHOTS, name)
        if content is None:
            raise Rejected(f"snapshot {name} is gone")
        try:
            listing = msgspec.json.decode(gzip.decompress(content), type=Listing)
        except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
            raise Rejected(f"snapshot {name} can't be read: {error}") from error
        with self._lock:
            while len(self._read) >= _CACHED:
                self._read.pop(next(iter(self._read)))
            self._read[name] = listing
        return listing


def _confirmed_in(row: Row) -> datetime:
    return datetime.fromisoformat(row.columns["confirmed_at"])


def _prefix_of(tenant_id: str, kind: ObjectKind) -> str:
    return f"{tenant_id}/{kind}"


def _captured_at(name: str) -> datetime:
    stamp = name.rpartition("/")[2].removesuffix(".json.gz")
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
