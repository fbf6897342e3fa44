"""When a sweep last listed everything of a kind, and lacked nothing that stood: what it lacked wasn't there then."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.object_kinds import Kind
from shared.model.settings import Tenant

PARTITION: Final = "sweep"

LISTS_WITHIN: Final = timedelta(minutes=15)
"""A listing may lack for so long what was made."""


def store_time(
    storage: Storage, kind: Kind, tenant: Tenant, at: datetime, *, objects: int, listed_at: datetime | None
) -> None:
    """Store when a sweep began, and when the last one did that listed as much and kept all of it. Raises EdgeError."""
    columns: dict[str, object] = {
        "confirmed_at": at.isoformat(),
        "objects": objects,
        "reach": _reach(kind, tenant),
        "listed_at": listed_at.isoformat() if listed_at else "",
    }
    storage.upsert(Table.CURSORS, PARTITION, f"{tenant.id}|{kind.kind}", columns)


def listed_at(storage: Storage, kind: Kind, tenant: Tenant) -> datetime | None:
    """Give when the last sweep began that read as much as one would now, and saw nothing that wasn't kept already."""
    row = storage.row(Table.CURSORS, PARTITION, f"{tenant.id}|{kind.kind}")
    return row.instant("listed_at") if row and row.columns.get("reach") == _reach(kind, tenant) else None


def _reach(kind: Kind, tenant: Tenant) -> str:
    """Name what a sweep reads: the calls of its listing, and the places in which it makes them."""
    calls = (f"{call.service} {call.path}" for call in kind.inventory.calls)
    places = [*calls, *sorted(tenant.subscriptions), *sorted(tenant.logged)]
    return hashlib.sha256("\n".join(places).encode()).hexdigest()[:16]
