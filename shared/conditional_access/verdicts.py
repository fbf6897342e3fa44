"""Whether an account can sign in, whatever the environment and in some environment, and which policies lock it out.

Microsoft's own list of what to avoid: Troubleshooting sign-in problems with Conditional Access.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from shared.conditional_access.account import Abilities, Principal
from shared.conditional_access.controls import controls_of, granted, session_met
from shared.conditional_access.environments import Environments, Region
from shared.conditional_access.judge import about, fixed, setting_of
from shared.conditional_access.locations import Locations, NamedLocation
from shared.conditional_access.policy import REPORT_ONLY, Policy
from shared.conditional_access.sections import Unread
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.targets import (
    AZURE_PORTAL,
    DIRECTORY,
    GRAPH,
    REGISTER_SECURITY_INFO,
    RESOURCE_MANAGER,
    Request,
)
from shared.conditional_access.truth import YES, Answer, Truth, every, unknown
from shared.conditional_access.users import meant

NEEDED: Final = tuple(Request(resource=each) for each in (AZURE_PORTAL, RESOURCE_MANAGER, GRAPH, DIRECTORY))
"""What repairing a tenant takes: portal, Azure, Graph, and the directory, which baseline scopes of Graph ask for."""

REGISTERING: Final = (Request(resource=None, user_action=REGISTER_SECURITY_INFO),)
"""Registering a method, after a key was lost."""


def repairing(contexts: Iterable[str]) -> tuple[Request, ...]:
    """Give what is needed where protected actions or activating a role ask for these authentication contexts."""
    asked = frozenset(map(str.lower, contexts))
    return tuple(Request(resource=each.resource, contexts=asked) for each in NEEDED)


class Lockout(Struct, frozen=True, kw_only=True):
    """A policy that keeps an account out, surely or possibly, in some environment at least."""

    policy: Policy
    sure: Truth
    """YES or UNKNOWN; as if it were enforced, where it isn't."""
    enforced: Truth
    resources: tuple[str, ...]
    """What can't be reached, by application id; a user action by its urn."""
    controls: tuple[str, ...]
    """The controls that can't be met, or of which it isn't known."""
    needs: tuple[str, ...]
    """What has to be so in the environment; nothing for a policy that keeps the account out everywhere."""
    depends_on: tuple[str, ...]
    """What would have to be known to be sure."""
    under_risk_only: bool
    surely_at: int
    possibly_at: int
    """The environments in which it does, as masks of `Environments`."""


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether an account can sign in; what isn't known is never counted as fine."""

    always: Truth
    """Whatever the platform, network and risks are."""
    somewhere: Truth
    """In one environment at least."""
    lockouts: tuple[Lockout, ...]
    """Policies that are enforced, or may be; the sure ones first."""
    waiting: tuple[Lockout, ...]
    """Policies that aren't enforced, and would keep the account out if they were."""


class _Row(Struct, kw_only=True):
    """A policy with what is the same for all accounts."""

    policy: Policy
    enforced: Truth
    asks_for_gps: bool
    """Whether it is report-only and asks for a place by GPS, which may keep out who doesn't share it."""
    region: Region
    common: Answer
    """Whether it reaches anybody: without the users and the target."""
    abouts: tuple[Answer, ...]
    """Whether it is about each of the requests."""


class _Demand(Struct, kw_only=True):
    """What a policy asks of accounts of the same abilities."""

    row: _Row
    met: tuple[Answer, ...]
    """Whether it can be met, for each of the requests."""
    unmet: tuple[str, ...]
    """Names of the controls that can't be met, or of which it isn't known."""


class PolicySet:
    """A set of policies, ready to judge accounts that ask for `requests` from an unmanaged device.

    Sets that are to be compared share `environments`, where each set's tenant is one `version`.
    """

    def __init__(
        self,
        policies: Iterable[Policy],
        tenant: Tenant,
        *,
        requests: Sequence[Request] = NEEDED,
        client_type: str = "browser",
        environments: Environments | None = None,
        version: int = 0,
    ) -> None:
        listed = [*policies]
        self.environments: Final = environments or Environments(listed, [tenant])
        self._tenant = tenant
        self._names = [each.user_action or each.resource or "" for each in requests]
        nobody = Principal(id="")
        self._sign_ins = [SignIn(principal=nobody, request=each, client_type=client_type) for each in requests]
        self._abouts: dict[Hashable, tuple[Answer, ...]] = {}
        self._rows = [row for policy in listed for row in self._row(policy, version)]
        self._demands: dict[Abilities, list[_Demand]] = {}

    def _row(self, policy: Policy, version: int) -> Iterable[_Row]:
        region = self.environments.region(policy, version)
        common = every((fixed(policy, self._sign_ins[0]), region.reach))
        abouts = self._about(policy)
        if min(common.truth, max(each.truth for each in abouts)) is not Truth.NO:
            asks_for_gps = policy.state == REPORT_ONLY and self._asks_for_gps(policy)
            enforced = Truth.UNKNOWN if asks_for_gps else policy.enforced
            yield _Row(
                policy=policy, enforced=enforced, asks_for_gps=asks_for_gps, region=region, common=common, abouts=abouts
            )

    def _asks_for_gps(self, policy: Policy) -> bool:
        if not isinstance(policy.locations, Locations):
            return False
        named = policy.locations.include_locations | policy.locations.exclude_locations
        found = (self._tenant.locations.get(each) for each in named)
        return any(isinstance(each, NamedLocation) and each.by_gps for each in found)

    def _about(self, policy: Policy) -> tuple[Answer, ...]:
        """Answer whether a policy is about each of the requests; once for all that name the same resources."""
        asked = policy.applications
        if isinstance(asked, Unread) or asked.application_filter is not None:
            return tuple(about(policy, sign_in, self._tenant) for sign_in in self._sign_ins)
        key = (
            asked.include_applications,
            asked.exclude_applications,
            asked.include_user_actions,
            asked.include_authentication_context_class_references,
            policy.flows != frozenset(),
        )
        if key not in self._abouts:
            self._abouts[key] = tuple(about(policy, sign_in, self._tenant) for sign_in in self._sign_ins)
        return self._abouts[key]

    def judge(self, account: Principal) -> Verdict:
        """Judge one account. Never exempt, for nothing that is leads to repairing conditional access."""
        if self._tenant.security_defaults:
            able = min(account.enabled, account.key_allowed, account.abilities.mfa)
            return Verdict(always=able, somewhere=able, lockouts=(), waiting=())
        found = [
            lockout
            for demand in self._demands_of(account.abilities)
            if (lockout := self._lockout(demand, account)) is not None
        ]
        found.sort(key=lambda each: -each.sure)
        enforced = tuple(each for each in found if each.enforced is not Truth.NO)
        waiting = tuple(each for each in found if each.enforced is Truth.NO)
        able = min(account.enabled, account.key_allowed)
        kept_out = max((each.sure for each in enforced), default=Truth.NO)
        return Verdict(
            always=min(able, Truth(Truth.YES - kept_out)),
            somewhere=min(able, self._somewhere(enforced)),
            lockouts=enforced,
            waiting=waiting,
        )

    def _somewhere(self, lockouts: tuple[Lockout, ...]) -> Truth:
        surely = possibly = 0
        for each in lockouts:
            surely |= each.surely_at
            possibly |= each.possibly_at
        if possibly != self.environments.all:
            return Truth.YES
        return Truth.UNKNOWN if surely != self.environments.all or not self.environments.complete else Truth.NO

    def _demands_of(self, abilities: Abilities) -> list[_Demand]:
        """List the policies that ask for more than can be met; once for all accounts of the same abilities."""
        if abilities not in self._demands:
            demands = (self._demand(abilities, row) for row in self._rows)
            self._demands[abilities] = [each for each in demands if any(met.truth is not Truth.YES for met in each.met)]
        return self._demands[abilities]

    def _demand(self, abilities: Abilities, row: _Row) -> _Demand:
        settings = [setting_of(sign_in) for sign_in in self._sign_ins]
        controls = controls_of(row.policy.grant, abilities, settings[0], self._tenant.strengths)
        prompt = unknown("whether a report-only policy that asks for GPS keeps out") if row.asks_for_gps else YES
        grant = every((granted(row.policy.grant, controls), prompt))
        met = tuple(every((grant, session_met(row.policy.session, setting))) for setting in settings)
        unmet = tuple(each.name for each in controls if each.met.truth is not Truth.YES)
        rest = "GPS location" if row.asks_for_gps else "session controls"
        return _Demand(row=row, met=met, unmet=unmet or (rest,))

    def _lockout(self, demand: _Demand, account: Principal) -> Lockout | None:
        row, met = demand.row, demand.met
        users = meant(row.policy.users, row.policy.workloads, account)
        if users.truth is Truth.NO:
            return None
        reach = min(users.truth, row.common.truth)
        by_request = [
            min(reach, target.truth, Truth(Truth.YES - each.truth))
            for target, each in zip(row.abouts, met, strict=True)
        ]
        strongest = max(by_request)
        if strongest is Truth.NO:
            return None
        places = [place for place, each in enumerate(by_request) if each is not Truth.NO]
        doubts = (
            *((f"whether state {row.policy.state!r} is enforced",) if row.enforced is Truth.UNKNOWN else ()),
            *users.depends_on,
            *row.common.depends_on,
            *(doubt for place in places for doubt in (*row.abouts[place].depends_on, *met[place].depends_on)),
        )
        sure = min(strongest, Truth.YES if row.enforced is Truth.NO else row.enforced)
        return Lockout(
            policy=row.policy,
            sure=sure,
            enforced=row.enforced,
            resources=tuple(self._names[place] for place in places),
            controls=demand.unmet,
            needs=row.region.needs,
            depends_on=tuple(dict.fromkeys(doubts)),
            under_risk_only=row.region.under_risk_only,
            surely_at=row.region.surely if sure is Truth.YES else 0,
            possibly_at=row.region.possibly,
        )
