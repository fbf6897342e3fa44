"""What one tenant's directory holds."""

from collections.abc import Callable
from typing import Any

from infra.local import world
from infra.local.tenant import ca_rules
from infra.local.tenant.record_log import RecordLog
from infra.local.tenant.record_query import DIRECTORY_AUDITS, SIGN_INS
from infra.local.tenant.replicated import Lags, Replicated
from infra.local.tenant.settings import Settings
from infra.local.world import Json


class Directory:
    """Conditional access policies by id (and the deleted ones), custom policies' XML by id, and both logs."""

    def __init__(self, tenant: str, settings: Settings) -> None:
        """Make the directory as `world` seeds it."""
        lag = Lags(reads=lambda: settings.consistency_lag, listings=lambda: settings.listing_lag)

        self.tenant = tenant
        self.domain = world.TENANT_DOMAINS[tenant]
        self.ca_policies: Replicated[Json] = Replicated(lag)
        self.deleted_ca_policies: Replicated[Json] = Replicated(lag)
        self.custom_policies: Replicated[str] = Replicated(lag)
        self.audit = RecordLog(DIRECTORY_AUDITS, settings)
        self.sign_ins = RecordLog(SIGN_INS, settings)
        self._seed()

    @property
    def is_b2c(self) -> bool:
        """Whether custom policies exist here."""
        return self.tenant == world.B2C_TENANT

    def _seed(self) -> None:
        if self.is_b2c:
            for custom_policy in world.CUSTOM_POLICIES:
                self.custom_policies.seed(custom_policy.id, custom_policy.xml)
            return
        for policy in world.CA_POLICIES:
            self.ca_policies.seed(policy.id, seeded_ca_policy(policy))

    def stores(self) -> list[Replicated[Any]]:
        """List every store whose reads can lag."""
        return [self.ca_policies, self.deleted_ca_policies, self.custom_policies]

    def state(self) -> Json:
        """Dump the truth, not what a lagging reader sees."""
        return {
            "caPolicies": _printed(self.ca_policies.all_current(), ca_rules.shown),
            "deletedCaPolicies": _printed(self.deleted_ca_policies.all_current(), ca_rules.shown),
            "customPolicies": self.custom_policies.all_current(),
        }


def _printed(policies: dict[str, Json], show: Callable[[Json], Json]) -> dict[str, Json]:
    return {policy_id: show(policy) for policy_id, policy in policies.items()}


def seeded_ca_policy(policy: world.CaPolicy) -> Json:
    """Store a seeded policy as if its administrator had posted it when the tenant was set up."""
    return new_ca_policy(policy.id, ca_rules.checked(policy.body), created=world.SEEDED_AT) | {
        "templateId": policy.template_id
    }


def new_ca_policy(policy_id: str, checked: Json, *, created: str) -> Json:
    """Put Graph's own properties around the checked body of a new policy."""
    own: Json = {"id": policy_id, "templateId": None, "createdDateTime": created, "modifiedDateTime": None}
    return own | {"sessionControls": None, "grantControls": None} | checked
