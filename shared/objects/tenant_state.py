"""What guards judge by of a whole tenant: the places of the hour, who is named, whose accounts are restrained.

All three are in table `Switches`, each in a partition of its own, and are read by one query: for it the service looks
through the table, which is small.
"""

from datetime import datetime

from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError
from shared.objects import named_actors, restraints, spending
from shared.objects.guards import Spent


class TenantState(Struct, frozen=True, kw_only=True):
    """What was put back in the last hour, and ids in lower case; None for what can't be read."""

    spent: Spent | None = None
    named: frozenset[str] | None = None
    restrained: frozenset[str] | None = None


def read_tenant_state(storage: Storage, tenant_id: str, now: datetime) -> TenantState:
    """Read it in one query. Nothing is raised: what can't be read is None."""
    try:
        rows = storage.rows(
            Table.CONTROLS,
            "PartitionKey eq @spent or PartitionKey eq @named or PartitionKey eq @restrained",
            spent=spending.partition(tenant_id),
            named=named_actors.partition(tenant_id),
            restrained=restraints.partition(tenant_id),
        )
    except EdgeError:
        return TenantState()
    return TenantState(
        spent=spending.spent_among(rows, tenant_id, now),
        named=named_actors.named_among(rows, tenant_id, now),
        restrained=restraints.restrained_among(rows, tenant_id),
    )
