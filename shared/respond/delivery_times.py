"""When the last event of each Azure subscription was delivered, for the doctor and the coverage."""

from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Storage
from shared.clients.storage_names import Table

_PARTITION: Final = "event-grid"
_NOTED_EACH: Final = timedelta(minutes=1)


class DeliveryTimes:
    """The rows of table `Cursors` with these times. Each method raises EdgeError."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._noted: dict[str, datetime] = {}

    def note(self, subscription_id: str, *, now: datetime) -> None:
        """Store that an event arrived; in this process once a minute, since events may come by the thousand."""
        noted = self._noted.get(subscription_id)
        if noted is not None and noted <= now < noted + _NOTED_EACH:
            return
        store_delivery_time(self._storage, subscription_id, now=now)
        self._noted[subscription_id] = now


def store_delivery_time(storage: Storage, subscription_id: str, *, now: datetime) -> None:
    """Store that an event of this subscription arrived. Raises EdgeError."""
    storage.upsert(Table.CURSORS, _PARTITION, subscription_id, {"last_at": now.isoformat()})


def last_delivery(storage: Storage, subscription_id: str) -> datetime | None:
    """Give when an event of this subscription arrived last, to the minute; None where none ever did."""
    row = storage.row(Table.CURSORS, _PARTITION, subscription_id)
    return row.instant("last_at") if row else None
