"""Last known good: whole listings of the objects that can be put back, kept by time.

A sweep writes a new blob only when something changed; the cursor row says when the newest one was last confirmed.
`baseline` gives an object as it stood before an instant, or `Unknown` with the reason: an incomplete or stale listing
is never taken for an empty one.
"""

import gzip
import hashlib
import threading
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Container, Row, Storage, Table
from shared.model.clock import Clock
from shared.model.errors import Rejected
from shared.model.kinds import Image, ObjectKind
from shared.model.remediations import Baseline, Inventory, Known, Unknown
from shared.model.tenant_api import TenantApi

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_STALE: Final = timedelta(hours=24)
_REMEMBERED: Final = 8
"""Listings, whatever their size."""


class Listing(Struct, frozen=True, kw_only=True):
    """Every object of a kind, by lower-case id.

    They were read one after the other from `begun_at` to `captured_at`: a change that came meanwhile may be in it, so
    it is no baseline for that change. `held_until` is when the listing before it was last confirmed.
    """

    begun_at: datetime
    captured_at: datetime
    held_until: datetime | None
    objects: dict[str, Image]


class Remembered(Struct, frozen=True, kw_only=True):
    """What the snapshots tell of an object before an instant.

    Its listing was read from `begun_at` to `captured_at`; changes before `confirmed_at` are in it, later ones aren't.
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
        """Read every object of a kind and keep the listing; gives how many there are.

        Raises EdgeError, keeping nothing.
        """
        begun_at = self._clock()
        objects = {object_id.lower(): image for object_id, image in inventory.read(edges).items()}
        captured_at = self._clock()
        digest = hashlib.sha256(msgspec.json.encode(objects, order="deterministic")).hexdigest()
        place = _place(edges.tenant.id, inventory.kind)
        row = self._row(place)
        held_until = _confirmed_in(row) if row else None
        if row is None or row.columns["digest"] != digest:
            # Without a digest, an interrupted run can't leave this listing to be confirmed by an older digest.
            self._note(place, digest="", confirmed_at=held_until or begun_at, objects=len(objects))
            listing = Listing(begun_at=begun_at, captured_at=captured_at, held_until=held_until, objects=objects)
            name = f"{place}/{captured_at.astimezone(UTC).strftime(_STAMP)}.json.gz"
            self._storage.keep(Container.SNAPSHOTS, name, gzip.compress(msgspec.json.encode(listing)))
        self._note(place, digest=digest, confirmed_at=begun_at, objects=len(objects))
        return len(objects)

    def _row(self, place: str) -> Row | None:
        return self._storage.row(Table.CURSORS, "snapshot", place.replace("/", "|"))

    def _note(self, place: str, *, digest: str, confirmed_at: datetime, objects: int) -> None:
        columns = {"digest": digest, "confirmed_at": confirmed_at.isoformat(), "objects": objects}
        self._storage.upsert(Table.CURSORS, "snapshot", place.replace("/", "|"), columns)

    def confirmed_at(self, tenant_id: str, kind: ObjectKind) -> datetime | None:
        """Until when the newest listing of a kind is confirmed; None when none was ever kept."""
        row = self._row(_place(tenant_id, kind))
        return _confirmed_in(row) if row else None

    def baseline(self, tenant_id: str, kind: ObjectKind, object_id: str, *, before: datetime) -> Remembered:
        """Give an object as it stood before an instant, by the last listing that was whole by then.

        Raises EdgeError when a listing that should be there can't be read.
        """
        place = _place(tenant_id, kind)
        names = self._storage.blob_names(Container.SNAPSHOTS, f"{place}/")
        earlier = [name for name in names if _captured_at(name) < before]
        if not earlier:
            unknown = Unknown(because=f"no snapshot of {kind} objects was taken before the change")
            return Remembered(baseline=unknown, begun_at=before, captured_at=before, confirmed_at=before)
        listing = self._listing(earlier[-1])
        confirmed = max(listing.begun_at, min(self._confirmed_until(place, names, earlier[-1]), before))
        told = f"the last snapshot of {kind} objects before the change is from {confirmed:%Y-%m-%d %H:%M}"
        image = listing.objects.get(object_id.lower())
        stale = before - confirmed > _STALE
        return Remembered(
            baseline=Unknown(because=told) if stale else Known(image=image, captured_at=confirmed),
            begun_at=listing.begun_at,
            captured_at=listing.captured_at,
            confirmed_at=confirmed,
        )

    def _confirmed_until(self, place: str, names: list[str], name: str) -> datetime:
        """Until when a listing was seen to hold."""
        after = names.index(name) + 1
        if after < len(names):
            return self._listing(names[after]).held_until or self._listing(name).begun_at
        row = self._row(place)
        return _confirmed_in(row) if row else self._listing(name).begun_at

    def _listing(self, name: str) -> Listing:
        """Read a listing; the last few are remembered, since a blob of that name never changes."""
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
            while len(self._read) >= _REMEMBERED:
                self._read.pop(next(iter(self._read)))
            self._read[name] = listing
        return listing


def _confirmed_in(row: Row) -> datetime:
    return datetime.fromisoformat(row.columns["confirmed_at"])


def _place(tenant_id: str, kind: ObjectKind) -> str:
    return f"{tenant_id}/{kind}"


def _captured_at(name: str) -> datetime:
    stamp = name.rpartition("/")[2].removesuffix(".json.gz")
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
