"""What guards judge by of a whole tenant: the places of the hour, who is named, whose accounts are restrained.

All three are in table `Switches`, each in a partition of its own, and are read by one query each, side by side: a
query that names several partitions has the service go through the whole table, page by page.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError
from shared.model.start import Start
from shared.objects import named_actors, restraints, spending
from shared.objects.guards import Spent


class TenantState(Struct, frozen=True, kw_only=True):
    """What was put back in the last hour, and ids in lower case; None for what can't be read."""

    spent: Spent | None = None
    named: frozenset[str] | None = None
    restrained: frozenset[str] | None = None


def start_tenant_state(storage: Storage, tenant_id: str, now: datetime, *, start: Start) -> Callable[[], TenantState]:
    """Begin to read it, a query for each part, and give what waits for it. Nothing is raised: see `TenantState`."""

    def begin(partition: str) -> Callable[[], list[Row] | None]:
        return start(lambda: _rows(storage, partition))

    spent, named, restrained = (begin(each.partition(tenant_id)) for each in (spending, named_actors, restraints))

    def wait() -> TenantState:
        places, names, taken = spent(), named(), restrained()
        return TenantState(
            spent=None if places is None else spending.spent_among(places, now),
            named=None if names is None else named_actors.named_among(names, now),
            restrained=None if taken is None else restraints.restrained_among(taken),
        )

    return wait


def _rows(storage: Storage, partition: str) -> list[Row] | None:
    """Read a partition; None where it can't be read."""
    try:
        return storage.rows(Table.CONTROLS, "PartitionKey eq @one", one=partition)
    except EdgeError:
        return None
