"""How many objects were put back in the last hour, by actor and in all: a limit on what one mistake can do.

An hour has so many places for each actor, and so many in all. A put-back takes one of each, all together or none, and
each has a number below the limit; so however many runs there are at once, no more are put back. A place is free again
an hour after it was taken. Objects count, not attempts: what is put back again and again takes one place an hour, and
what the tenant refuses gives its place back, else what can't be put back would keep the place from what can.

Places are rows of table `Switches`, in the partition of their tenant: `HASH|NUMBER` by actor, `all|NUMBER` in all.
What waits for a place has a row there too, `waiting|HASH`, so that what the responder hears by goes first, then
the riskiest.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, RowOp, RowWrite, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.errors import Rejected
from shared.model.kinds import Risk
from shared.model.objects import ObjectId
from shared.objects.guard_facts import HOUR
from shared.objects.guards import Place, Spent, Waiting

_TRIES: Final = 20
_IN_ALL: Final = "all"
_WAITING: Final = "waiting|"

_NOTED_FOR: Final = timedelta(hours=2)
"""What waits is looked at each hour at least, and noted again; what isn't, waits no more."""


class Spending:
    """The places of the present hour. Each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def take(
        self,
        object_id: ObjectId,
        actors: Sequence[str],
        *,
        limits: tuple[int, int] | None,
        at: datetime,
        spent: Spent | None = None,
    ) -> bool:
        """Take a place of each actor and one in all for an object; False, and none, where one of them has none left.

        `limits` are the places of an actor and those in all, None where a person asked: then it counts, unlimited.
        `spent` is what was read before; it is read again only where another run was faster.
        """
        each, in_all = limits or (_UNLIMITED, _UNLIMITED)
        wanted = [*((actor, each) for actor in dict.fromkeys(actors)), ("", in_all)]
        for _ in range(_TRIES):
            spent = spent or self._known(object_id.tenant_id, at)
            missing = [(actor, most) for actor, most in wanted if not spent.has(object_id.key, actor)]
            writes = [_write(object_id, spent, actor, most, at) for actor, most in missing]
            taken = [one for one in writes if one is not None]
            if len(taken) < len(writes):
                return False
            try:
                if taken:
                    self._storage.write_together(Table.CONTROLS, partition(object_id.tenant_id), taken)
            except Conflict:
                spent = None
                continue
            return True
        return False

    def _known(self, tenant_id: str, at: datetime) -> Spent:
        rows = self._storage.rows(Table.CONTROLS, "PartitionKey eq @spent", spent=partition(tenant_id))
        try:
            return _spent(rows, at)
        except ValueError as broken:
            raise Rejected(f"the places of this hour can't be read: {broken}") from broken

    def give_back(self, object_id: ObjectId, *, at: datetime) -> None:
        """Free the places that an object took at an instant: nothing was written, and what can be is to have them."""
        rows = self._storage.rows(Table.CONTROLS, "PartitionKey eq @spent", spent=partition(object_id.tenant_id))
        for row in rows:
            if row.columns.get("object") == object_id.key and row.columns.get("at") == at.isoformat():
                self._delete(row)

    def _delete(self, row: Row) -> None:
        """Delete a row, unless another run has written it since."""
        with suppress(Conflict):
            self._storage.delete(Table.CONTROLS, row)

    def wait(self, object_id: ObjectId, waiting: Sequence[Waiting], *, at: datetime) -> None:
        """Note that an object waits for a place; it is to be noted again at least each hour."""
        for one in waiting:
            columns = {
                "actor": one.actor,
                "object": object_id.key,
                "risk": one.risk.value,
                "ours": one.is_ours,
                "at": one.since.isoformat(),
                "noted_at": at.isoformat(),
            }
            key = f"{_WAITING}{_digest(f'{one.actor} {object_id.key}')}"
            self._storage.upsert(Table.CONTROLS, partition(object_id.tenant_id), key, columns)

    def wait_no_more(self, object_id: ObjectId) -> None:
        """Forget that an object waits."""
        rows = self._storage.rows(
            Table.CONTROLS,
            "PartitionKey eq @spent and RowKey ge @first and RowKey lt @last",
            spent=partition(object_id.tenant_id),
            first=_WAITING,
            last=f"{_WAITING}~",
        )
        for row in rows:
            if row.columns.get("object") == object_id.key:
                self._delete(row)


def spent_among(rows: Sequence[Row], now: datetime) -> Spent | None:
    """Give what was put back in the hour before `now`, of a tenant's rows; None where one can't be read."""
    try:
        return _spent(rows, now)
    except ValueError:
        return None


def _spent(rows: Sequence[Row], now: datetime) -> Spent:
    """Read a tenant's rows. Raises ValueError for one that can't be read."""
    return Spent(
        now=now,
        places=tuple(_place(row) for row in rows if not row.key.startswith(_WAITING)),
        waiting=tuple(
            _waiting(row)
            for row in rows
            if row.key.startswith(_WAITING) and _instant(row, "noted_at") > now - _NOTED_FOR
        ),
    )


_UNLIMITED: Final = 100_000


def _write(object_id: ObjectId, spent: Spent, actor: str, most: int, at: datetime) -> RowWrite | None:
    """Give the write that takes a free place, None where all are taken. Which one it is goes by the object's key."""
    own = {place.number: place for place in spent.places if place.actor == actor}
    taken = {number for number, place in own.items() if place.at > at - HOUR}
    free = most - len({number for number in taken if number < most})
    if free <= 0 or len(taken) >= most:
        return None
    begin = int(_digest(object_id.key), 16) % min(most, len(taken) + _SPREAD)
    number = next(one % most for one in range(begin, begin + most) if one % most not in taken)
    columns = {"actor": actor, "object": object_id.key, "at": at.isoformat()}
    key = f"{_digest(actor) if actor else _IN_ALL}|{number:05}"
    if number in own:
        return RowWrite(op=RowOp.REPLACE, key=key, columns=columns, etag=own[number].etag)
    return RowWrite(op=RowOp.INSERT, key=key, columns=columns)


_SPREAD: Final = 64
"""Runs at once take places apart from each other, so that few meet."""


def partition(tenant_id: str) -> str:
    """Name a tenant's partition of table `Switches` for places of its hours."""
    return f"spent {tenant_id}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _place(row: Row) -> Place:
    return Place(
        actor=_text(row, "actor"),
        number=int(row.key.rpartition("|")[2]),
        decision=_text(row, "object"),
        at=_instant(row, "at"),
        etag=row.etag,
    )


def _waiting(row: Row) -> Waiting:
    return Waiting(
        decision=_text(row, "object"),
        actor=_text(row, "actor"),
        risk=Risk(_text(row, "risk")),
        since=_instant(row, "at"),
        is_ours=row.columns.get("ours") is True,
    )


def _text(row: Row, name: str) -> str:
    value = row.columns.get(name)
    if not isinstance(value, str):
        raise ValueError(f"the row {row.key} has no {name}")  # noqa: TRY004 - of the row, not of the code
    return value


def _instant(row: Row, name: str) -> datetime:
    instant = datetime.fromisoformat(_text(row, name))
    if instant.tzinfo is None:
        raise ValueError(f"the row {row.key} has an instant without a zone")
    return instant
