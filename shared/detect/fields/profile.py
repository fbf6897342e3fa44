"""What fields that depend on the tenant's profile share."""

from functools import lru_cache
from typing import Any

from shared.detect.fields.kusto_terms import TENANT, among
from shared.detect.prefilter import of_tenants
from shared.model.conditions import Text, by_profile
from shared.model.events import AuditEvent, SignInEvent, fold
from shared.model.profile import TenantProfile


@lru_cache(maxsize=64)
def folded(names: frozenset[str]) -> frozenset[str]:
    """Fold names of the profile as they are compared; kept, since they are asked for at every record."""
    return frozenset(map(fold, names))


def _tenant(event: AuditEvent | SignInEvent, profile: TenantProfile) -> str:
    tenants = profile.consumer_tenants
    return "consumer" if tenants is None or event.tenant_id in tenants else "other"


def _tenant_kusto(profile: TenantProfile) -> str:
    tenants = profile.consumer_tenants
    return '"consumer"' if tenants is None else f'iff({among(TENANT, tenants)}, "consumer", "other")'


def consumer_tenant() -> Text[Any]:
    """Declare field `tenant`: "consumer" where the tenant may hold consumer accounts, else "other"."""
    return by_profile(
        "tenant",
        _tenant,
        "consumer_tenants",
        prefilter=of_tenants("consumer", lambda profile: profile.consumer_tenants),
        kusto=_tenant_kusto,
    )
