"""Who made unapproved changes lately: nobody of them gets access back unasked, for whoever took it may have had to.

Table `Switches` has a row for each, in a partition of its tenant, with the instant at which an open case last named it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table

NAMED_FOR: Final = timedelta(hours=24)
"""How long an actor counts as named after the last look at an open case that names it."""


class NamedActors:
    """The rows of table `Switches` that name actors of unapproved changes."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def name(self, tenant_id: str, actor_id: str, *, at: datetime) -> None:
        """Note that an open case names an actor. Raises EdgeError."""
        self._storage.upsert(Table.CONTROLS, partition(tenant_id), actor_id.lower(), {"at": at.isoformat()})


def named_among(rows: Sequence[Row], now: datetime) -> frozenset[str]:
    """Give who is named, ids in lower case, of a tenant's rows.

    Who has a row whose instant can't be read is named: nobody gets off the list by that.
    """
    return frozenset(row.key for row in rows if _named_at(row, now) > now - NAMED_FOR)


def _named_at(row: Row, otherwise: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(str(row.columns.get("at")))
    except ValueError:
        return otherwise
    return at if at.tzinfo else otherwise


def partition(tenant_id: str) -> str:
    """Name a tenant's partition of table `Switches` for actors that are named."""
    return f"named {tenant_id}"
