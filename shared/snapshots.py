"""Last known good: whole listings of the objects that can be put back, kept by time.

A sweep writes a new blob only when something changed; the cursor row says when the newest one was last confirmed.
`baseline` gives an object as it stood before an instant, or `Unknown` with the reason: an incomplete or stale listing
is never taken for an empty one.
"""

import gzip
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.catalog import Baseline, Image, Inventory, Known, ObjectKind, Unknown
from shared.clients.edges import TenantEdges
from shared.clients.storage import Container, Storage, Table
from shared.errors import Rejected
from shared.record import Clock

_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_STALE: Final = timedelta(hours=24)


class Listing(Struct, frozen=True, kw_only=True):
    """Every object of a kind, by lower-case id.

    `captured_at` is when the last of them had been read: a change that came while they were read may be in it, so it is
    no baseline for that change. `held_until` is when the listing before it was last confirmed.
    """

    captured_at: datetime
    held_until: datetime | None
    objects: dict[str, Image]


class Snapshots:
    """Container `snapshots` and its rows in table `Cursors`."""

    def __init__(self, storage: Storage, *, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._read: dict[str, Listing] = {}

    def sweep(self, inventory: Inventory, edges: TenantEdges) -> int:
        """Read every object of a kind and keep the listing; gives how many there are.

        Raises EdgeError, keeping nothing.
        """
        started = self._clock()
        objects = {object_id.lower(): image for object_id, image in inventory.read(edges).items()}
        captured_at = self._clock()
        digest = hashlib.sha256(msgspec.json.encode(objects, order="deterministic")).hexdigest()
        place = _place(edges.tenant.id, inventory.kind)
        row = self._storage.row(Table.CURSORS, "snapshot", place.replace("/", "|"))
        held_until = datetime.fromisoformat(row.columns["confirmed_at"]) if row else None
        if row is None or row.columns["digest"] != digest:
            listing = Listing(captured_at=captured_at, held_until=held_until, objects=objects)
            name = f"{place}/{captured_at.astimezone(UTC).strftime(_STAMP)}.json.gz"
            self._storage.keep(Container.SNAPSHOTS, name, gzip.compress(msgspec.json.encode(listing)))
        # For the same reason it is confirmed up to the beginning of the reading only.
        columns = {"digest": digest, "confirmed_at": started.isoformat(), "objects": len(objects)}
        self._storage.upsert(Table.CURSORS, "snapshot", place.replace("/", "|"), columns)
        return len(objects)

    def confirmed_at(self, tenant_id: str, kind: ObjectKind) -> datetime | None:
        """Until when the newest listing of a kind is confirmed; None when none was ever kept."""
        row = self._storage.row(Table.CURSORS, "snapshot", _place(tenant_id, kind).replace("/", "|"))
        return datetime.fromisoformat(row.columns["confirmed_at"]) if row else None

    def baseline(
        self, tenant_id: str, kind: ObjectKind, object_id: str, *, before: datetime
    ) -> tuple[Baseline, datetime]:
        """Give an object as it stood before an instant, and until when that is confirmed."""
        place = _place(tenant_id, kind)
        names = self._storage.blob_names(Container.SNAPSHOTS, f"{place}/")
        earlier = [name for name in names if _captured_at(name) < before]
        if not earlier:
            return Unknown(because=f"no snapshot of {kind} objects was taken before the change"), before
        newest = earlier[-1]
        confirmed = self._confirmed_until(place, names, newest, before)
        if before - confirmed > _STALE:
            return Unknown(
                because=f"the last snapshot of {kind} objects before the change is from {confirmed:%Y-%m-%d %H:%M}"
            ), confirmed
        image = self._listing(newest).objects.get(object_id.lower())
        return Known(image=image, captured_at=confirmed), confirmed

    def _confirmed_until(self, place: str, names: list[str], newest: str, before: datetime) -> datetime:
        """Until when the listing `newest` was seen to hold, no later than `before`."""
        after = names.index(newest) + 1
        if after < len(names):
            held_until = self._listing(names[after]).held_until
            return min(held_until or _captured_at(newest), before)
        row = self._storage.row(Table.CURSORS, "snapshot", place.replace("/", "|"))
        return min(datetime.fromisoformat(row.columns["confirmed_at"]), before) if row else _captured_at(newest)

    def _listing(self, name: str) -> Listing:
        """Read a listing; the last few are remembered, since a blob of that name never changes."""
        if name not in self._read:
            content = self._storage.blob(Container.SNAPSHOTS, name)
            if content is None:
                raise Rejected(f"snapshot {name} is gone")
            while len(self._read) >= 8:  # noqa: PLR2004 - a few listings, whatever their size
                self._read.pop(next(iter(self._read)))
            self._read[name] = msgspec.json.decode(gzip.decompress(content), type=Listing)
        return self._read[name]


def _place(tenant_id: str, kind: ObjectKind) -> str:
    return f"{tenant_id}/{kind}"


def _captured_at(name: str) -> datetime:
    stamp = name.rpartition("/")[2].removesuffix(".json.gz")
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
