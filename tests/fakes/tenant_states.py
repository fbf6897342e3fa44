"""What guards judge by of a whole tenant, read one query after another."""

from datetime import datetime

from shared.clients.storage import Storage
from shared.model.start import one_after_another
from shared.objects.tenant_state import TenantState, start_tenant_state


def read_tenant_state(storage: Storage, tenant_id: str, now: datetime) -> TenantState:
    """Read it, as `start_tenant_state` does."""
    return start_tenant_state(storage, tenant_id, now, start=one_after_another)()
