"""Leases: who holds a lane of objects, so that two hosts don't judge and write it at the same time.

Table `Leases` has a row of a lane only while it is held. A lease is timed by storage's clock: when its row was last
written, against the date of the answer in which it is read. The hosts' clocks play no part, so they may be wrong. The
holder itself measures from before it sent the request, and so never believes that it holds a lease longer than others.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, RowOp, RowWrite, Storage, TimedRow
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.errors import LeaseLost
from shared.model.objects import SCHEMA

_TRIES: Final = 3
_LATELY: Final = 300.0
"""Seconds after which nobody seems to want a lane any more that this process couldn't take."""

_KEY: Final = "lease"
_LONGEST: Final = timedelta(hours=1)
"""A row that says more, or says nothing, was written by something else."""

MARGIN: Final = timedelta(seconds=2)
"""How much longer than its time a lease is left alone: several machines of storage write rows and dates."""


class Held(Struct, frozen=True, kw_only=True):
    """A lease that is held: which lane, by whom, for how long in all, and what is left; below 0 it has ended."""

    name: str
    holder: str
    held_for: timedelta
    left: timedelta


type Elapsed = Callable[[], float]
"""Gives the seconds since any instant, as `time.monotonic` does."""


class Lease(Struct, kw_only=True):
    """The lanes that a run holds; only `Leases` makes and changes one. It belongs to one thread at a time.

    `rows` are those of the lanes as this run wrote them last, by name. `taken_at` and `renewed_at` are by `elapsed`,
    from before the request was sent. `seconds` is how long it lasts from then.
    """

    holder: str
    rows: dict[str, Row]
    taken_at: float
    renewed_at: float
    seconds: float
    elapsed: Elapsed

    def left(self) -> float:
        """Give for how many seconds it is surely held; 0 or less when it may have ended, or was released."""
        return self.seconds - (self.elapsed() - self.renewed_at) if self.rows else 0.0


class Leases:
    """Table `Leases`. Each method raises EdgeError where storage fails; what was taken until then ends by itself."""

    def __init__(self, storage: Storage, *, lasting: timedelta, elapsed: Elapsed = time.monotonic) -> None:
        """Let leases last for a time after they were taken or renewed, an hour at most."""
        if not timedelta() < lasting <= _LONGEST:
            raise ValueError(f"a lease lasts up to an hour, not {lasting}")
        self._storage = storage
        self._lasting = lasting
        self._elapsed = elapsed
        self._refused: dict[str, tuple[float, float]] = {}
        """Of each lane that this process couldn't take: since when without a break, and when it last tried."""

    def take(self, names: Sequence[str], holder: str) -> Lease | None:
        """Take the leases of all lanes, or of none: None when somebody else holds one of them.

        `holder` is another one each time ("HOST RUN"): by it a run knows its own row after an answer was lost. Lanes
        are taken in the order of their keys, and nobody waits, so that two runs can't keep each other from going on.
        """
        begun = self._elapsed()
        lease = Lease(
            holder=holder,
            rows={},
            taken_at=begun,
            renewed_at=begun,
            seconds=self._lasting.total_seconds(),
            elapsed=self._elapsed,
        )
        for name in sorted(set(names), key=_partition):
            row = self._take_one(name, holder)
            if row is None:
                since, _ = self._refused.get(name, (begun, begun))
                self._refused[name] = (since, begun)
                self.release(lease)
                return None
            self._refused.pop(name, None)
            lease.rows[name] = row
        return lease

    def _take_one(self, name: str, holder: str) -> Row | None:
        """Give the row of a lane that is this run's now; None while another one holds it."""
        columns = self._columns(name, holder, held_for=0.0)
        for _ in range(_TRIES):
            row = self._inserted(_partition(name), columns)
            if row is not None:
                return row
            found = self._storage.timed_row(Table.LEASES, _partition(name), _KEY)
            if found is None:
                continue
            if found.row.columns.get("holder") == holder:
                # An insert whose answer was lost, and which was sent again, says that there is a row already.
                return found.row
            if _left(found) > -MARGIN:
                return None
            try:
                return self._storage.replace(Table.LEASES, found.row, columns)
            except Conflict:
                continue
        return None

    def _inserted(self, partition: str, columns: dict[str, Any]) -> Row | None:
        """Give the new row with its ETag; None where there is one already."""
        write = RowWrite(op=RowOp.INSERT, key=_KEY, columns=columns)
        try:
            (etag,) = self._storage.write_together(Table.LEASES, partition, [write])
        except Conflict:
            return None
        return Row(partition=partition, key=_KEY, columns=columns, etag=etag)

    def renew(self, lease: Lease) -> None:
        """Let a lease last from now on as long as a new one.

        Raises:
            LeaseLost: another run holds one of the lanes, or it was released.
        """
        begun = self._elapsed()
        if not lease.rows:
            raise LeaseLost("the lease was released")
        for name, row in lease.rows.items():
            columns = self._columns(name, lease.holder, held_for=begun - lease.taken_at)
            lease.rows[name] = self._renewed(name, row, columns)
        lease.renewed_at = begun

    def _renewed(self, name: str, row: Row, columns: dict[str, Any]) -> Row:
        try:
            return self._storage.replace(Table.LEASES, row, columns)
        except Conflict as conflict:
            # A renewal whose answer was lost, and which was sent again, meets its own row.
            found = self._storage.row(Table.LEASES, _partition(name), _KEY)
            if found is None or found.columns.get("holder") != columns["holder"]:
                raise LeaseLost(f"the lease of {name} was taken by another run") from conflict
            return self._storage.replace(Table.LEASES, found, columns)

    def release(self, lease: Lease) -> None:
        """Give the lanes up; those that another run took meanwhile stay theirs. May be called again."""
        for name, row in list(lease.rows.items()):
            del lease.rows[name]
            try:
                self._storage.delete(Table.LEASES, row)
            except Conflict:
                continue

    def held(self) -> list[Held]:
        """Give all leases that there are, longest held first; one with `left` below 0 was left by a dead run."""
        found = [_held(one) for one in self._storage.timed_rows(Table.LEASES, "PartitionKey ge ''")]
        return sorted(found, key=lambda held: held.held_for, reverse=True)

    def stuck(self, longer_than: timedelta) -> list[Held]:
        """Give the leases that are held for longer than a time, again and again renewed or just left behind.

        So is one that this process could never take for so long, whoever says that he took it only just now.
        """
        return [
            msgspec.structs.replace(held, held_for=max(held.held_for, self._refused_for(held.name)))
            for held in self.held()
            if max(held.held_for, self._refused_for(held.name)) > longer_than
        ]

    def _refused_for(self, name: str) -> timedelta:
        """Give for how long this process couldn't take a lane, as far as it tried lately."""
        now = self._elapsed()
        since, last = self._refused.get(name, (now, now))
        return timedelta(seconds=last - since) if now - last < _LATELY else timedelta()

    def remove_ended(self, since: timedelta) -> int:
        """Delete the leases that ended so long ago, left by runs that died; gives how many."""
        gone = 0
        for one in self._storage.timed_rows(Table.LEASES, "PartitionKey ge ''"):
            if _left(one) > -(since + MARGIN):
                continue
            try:
                self._storage.delete(Table.LEASES, one.row)
            except Conflict:
                continue
            gone += 1
        return gone

    def _columns(self, name: str, holder: str, *, held_for: float) -> dict[str, Any]:
        return {
            "name": name,
            "holder": holder,
            "seconds": int(self._lasting.total_seconds()),
            "held_for": int(held_for),
            "schema": SCHEMA,
        }


def _partition(name: str) -> str:
    """Give the key of a lane, whose name may have what a table's key can't."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _lasting_in(row: Row) -> timedelta:
    seconds = row.columns.get("seconds")
    return min(timedelta(seconds=seconds), _LONGEST) if isinstance(seconds, int) else _LONGEST


def _left(found: TimedRow) -> timedelta:
    """Give what is left of a lease by storage's clock; below 0, it has ended."""
    return _lasting_in(found.row) - (found.read_at - found.written_at)


def _held(found: TimedRow) -> Held:
    columns = found.row.columns
    before = columns.get("held_for")
    since = timedelta(seconds=before if isinstance(before, int) else 0)
    return Held(
        name=str(columns.get("name", found.row.partition)),
        holder=str(columns.get("holder", "")),
        held_for=since + (found.read_at - found.written_at),
        left=_left(found),
    )
