"""When Event Grid last delivered something of a subscription: silence may be peace, or its end."""

from datetime import datetime
from typing import Final

from shared.clients.storage import Storage, Table

_PARTITION: Final = "event-grid"


def note_delivery(storage: Storage, subscription_id: str, *, now: datetime) -> None:
    """Write down that an event of this subscription came in. Raises EdgeError."""
    storage.upsert(Table.CURSORS, _PARTITION, subscription_id, {"last_at": now.isoformat()})


def last_delivery(storage: Storage, subscription_id: str) -> datetime | None:
    """When the last one came in; None when none ever did. Raises EdgeError."""
    row = storage.row(Table.CURSORS, _PARTITION, subscription_id)
    return datetime.fromisoformat(row.columns["last_at"]) if row else None
