"""How many objects were put back in the last hour, by actor and in all: a limit on what one mistake can do.

Objects count, not attempts: what is put back again and again counts once an hour. Each is a row of table `Switches`,
in the partition of its tenant and hour.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError, Rejected
from shared.model.objects import ObjectId
from shared.objects.guards import Spent

_HOUR: Final = timedelta(hours=1)


class Spending:
    """The rows of table `Switches` that count objects. Each method raises EdgeError where storage fails."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def read(self, tenant_id: str, now: datetime) -> Spent | None:
        """Read what was put back in the hour before `now`, in one query; None where that can't be read."""
        try:
            rows = self._storage.rows(
                Table.CONTROLS,
                "PartitionKey ge @first and PartitionKey lt @last",
                first=_partition(tenant_id, now - _HOUR),
                last=f"{_partition(tenant_id, now)}~",
            )
            spent = [(_text(row, "actor"), _text(row, "object")) for row in rows if _instant(row) > now - _HOUR]
        except (EdgeError, ValueError):
            return None
        actors = {actor for actor, _ in spent}
        return Spent(
            by_actor={actor: frozenset(key for who, key in spent if who == actor) for actor in actors},
            in_all=frozenset(key for _, key in spent),
        )

    def spend(self, object_id: ObjectId, actor: str, *, at: datetime) -> None:
        """Count an object that is put back because of an actor; once an hour, however often it is written."""
        digest = hashlib.sha256(f"{actor} {object_id.key}".encode()).hexdigest()[:32]
        columns = {"actor": actor, "object": object_id.key, "at": at.isoformat()}
        self._storage.insert(Table.CONTROLS, _partition(object_id.tenant_id, at), digest, columns)


def _partition(tenant_id: str, at: datetime) -> str:
    return f"spent {tenant_id} {at:%Y%m%d%H}"


def _text(row: Row, name: str) -> str:
    value = row.columns.get(name)
    if not isinstance(value, str):
        raise Rejected(f"the row {row.key} of {row.partition} has no {name}")
    return value


def _instant(row: Row) -> datetime:
    at = datetime.fromisoformat(_text(row, "at"))
    if at.tzinfo is None:
        raise Rejected(f"the instant in the row {row.key} of {row.partition} names no time zone")
    return at
