"""What `/control/settings` can change while the tenant runs. Times are in seconds."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import msgspec


def _retry_delays() -> list[float]:
    return [0.5, 1.0, 2.0, 4.0]


@dataclass(slots=True, kw_only=True)
class Settings:
    """One mutable object that every part holds, so a change is seen by the next request."""

    audit_lag: float = 0.5
    """How long after its activity a record shows up in `directoryAudits` or `signIns`; the real ones take minutes."""
    audit_jitter: float = 0.0
    """Up to this much more, drawn for each record: with it, records show up out of order."""
    consistency_lag: float = 0.3
    """How long Graph's reads of what can be changed here still show the state from before a write."""
    listing_lag: float = 0.0
    """How much longer a listing lacks what was created and has what was deleted, though it is read by its id."""
    arm_consistency_lag: float = 0.0
    """The same as `consistency_lag`, for role assignments."""
    writes_meet_replicas: bool = False
    """Whether writes meet what a lagging reader sees: what was just made is then 404 to a PATCH or a DELETE, and 400
    where another object refers to it."""
    record_value_limit: int = 0
    """Old and new values of audit records are cut to so many characters; 0 leaves them whole."""
    ca_requests_per_second: int = 1
    """Per tenant, over every conditional access path; 0 turns the throttle off."""
    arm_is_throttled: bool = False
    """Whether Azure Resource Manager keeps its published limits, per subscription and principal: 250 reads and 25 more
    a second; 200 writes and 200 deletes, and 10 more of each a second; fifteen times that for all principals."""
    audit_requests_per_10_seconds: int = 5
    """Per tenant and application, over both logs; 0 turns the throttle off."""
    unlicensed_tenants: list[str] = field(default_factory=list[str])
    """Ids of the tenants without Entra ID P1, whose sign-ins Graph keeps to itself."""
    ca_page_size: int = 100
    arm_page_size: int = 100
    directory_page_size: int = 100
    """Of groups, their members, and directory roles."""
    has_pim: bool = True
    """Whether the workforce tenant has the licence for Privileged Identity Management; the B2C tenant never has."""
    pim_shortest_seconds: float = 300.0
    """How old an assignment must be before Privileged Identity Management takes it away on request."""
    preview_policies: Literal["hidden", "stripped"] = "hidden"
    """What v1.0 makes of a policy with parts that only beta knows: it doesn't show it at all, or not those parts."""
    ca_fill_ins: dict[str, Any] = field(default_factory=dict[str, Any])
    """Leaves that the service fills into a policy after each write, where it has null or nothing; no record tells."""
    ca_added_properties: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the service has added to every policy, old ones too, such as `{"conditions": {"orbit": []}}`."""
    bin_in_v1: bool = True
    """Whether v1.0 serves `deletedItems`; without it, its paths are 400 there, and beta has them."""
    restore_wraps_in_value: bool = False
    """Whether the answer to a restore holds the policy in `value`, as Microsoft's page shows it."""
    restore_app_only: bool = False
    """Whether an application may restore a deleted policy; Microsoft's page says it is not supported."""
    attackers_may_assign_roles: bool = True
    """Whether `world.ATTACKERS` may write Azure role assignments without holding a role that allows it."""
    grants_reach_issued_tokens: bool = False
    """Whether a changed grant counts for tokens that are already out. In Entra it doesn't, up to 24 hours long."""
    token_lifetime: int = 86_400
    disabled_accounts: list[str] = field(default_factory=list[str])
    """Object ids of users whose `accountEnabled` is false."""
    deleted_accounts: list[str] = field(default_factory=list[str])
    """Object ids of users that no longer exist."""
    sessions_valid_from: dict[str, str] = field(default_factory=dict[str, str])
    """Since when the sessions of users count, by object id, once they were revoked."""
    risky_users: dict[str, str] = field(default_factory=dict[str, str])
    """How Identity Protection rates users, by object id."""
    hidden_groups: list[str] = field(default_factory=list[str])
    """Object ids of groups that hide their members: to who may not see them, they look empty."""
    is_hybrid: bool = False
    """Whether the workforce tenant is synchronized with a directory on the premises; `control.make_hybrid` sets it."""
    has_password_hashes: bool = True
    """Whether synchronization, where there is one, brings password hashes."""
    directory_sync_age: float = 300.0
    password_sync_age: float = 60.0
    """How long ago objects, and password hashes, were synchronized last."""
    federation_app_only: bool = False
    """Whether an application with the permission may change a domain's federation; the real API refuses it, whatever
    its page says."""
    synchronization_app_only: bool = False
    """Whether an application with the permission may read the features of synchronization; the page says both."""
    support_plan: Literal["Basic", "Developer", "Standard", "Professional Direct", "Premier", "Unified"] = "Basic"
    """Support tickets can be made by API with one of the last three."""
    support_plan_refuses: Literal["at once", "later"] = "at once"
    """Whether another plan is refused in the answer, or when the ticket is being made."""
    support_delay: float = 0.0
    """How long after its request was accepted a support ticket is there."""
    event_delay: float = 0.0
    event_timeout: float = 30.0
    event_attempts: int = 20
    event_retry_delays: list[float] = field(default_factory=_retry_delays)
    """Pause before the second attempt, the third, ...; the last one repeats. The real service starts at 10 s."""

    def change(self, changes: dict[str, Any]) -> None:
        """Take over `changes`; raises msgspec.ValidationError for an unknown name or a wrong type."""
        known = {each.name for each in fields(self)}
        if unknown := sorted(changes.keys() - known):
            raise msgspec.ValidationError(
                f"no such setting: {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            )
        checked = msgspec.convert(asdict(self) | changes, Settings)
        for name in changes:
            setattr(self, name, getattr(checked, name))

    def restore_defaults(self) -> None:
        """Go back to the values above, in place."""
        self.change(asdict(Settings()))
