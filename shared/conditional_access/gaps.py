"""The smallest sign-in that gets in: the one with the fewest facts that aren't as usual, of all that there can be.

What policies don't tell apart is looked at once, so that all of a sign-in's facts are gone through: whose it is, what
it asks for, by which client and flow (those that are given), and platform, network and risks (`environments`).
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from shared.conditional_access.account import Kind
from shared.conditional_access.controls import SessionControls, controls_of, granted, session_met
from shared.conditional_access.environments import INSIDER_RISK, Environments
from shared.conditional_access.judge import about, fixed, setting_of
from shared.conditional_access.policy import Policy
from shared.conditional_access.sign_in import SignIn, Tenant, is_never_judged, is_spared_device
from shared.conditional_access.truth import Truth, every
from shared.conditional_access.users import meant

if TYPE_CHECKING:
    from shared.conditional_access.targets import Request

_RISKS_OF_MEMBERS_ONLY: Final = frozenset({INSIDER_RISK})


class Asked(Struct, frozen=True, kw_only=True):
    """A sign-in without its environment, and which of its facts aren't as usual, by name."""

    sign_in: SignIn
    changed: frozenset[str] = frozenset()


class Gap(Struct, frozen=True, kw_only=True):
    """A sign-in that gets in, surely, or possibly where `sure` is UNKNOWN; `changed` are its facts of interest."""

    sign_in: SignIn
    changed: frozenset[str]
    sure: Truth


class GapSearch:
    """A set of policies, ready to be searched for gaps; what was judged of each is kept for the next search.

    What Microsoft never judges isn't looked at. With security defaults no policy counts, and there is no gap here.
    """

    def __init__(self, policies: Iterable[Policy], tenant: Tenant) -> None:
        self._tenant = tenant
        self._policies = [each for each in policies if each.enforced is not Truth.NO]
        self._environments = Environments(self._policies, [tenant])
        self._regions = [self._environments.region(each, 0) for each in self._policies]
        self._asks_about_resource = any(_asks_about_resource(each) for each in self._policies)
        self._places: dict[Hashable, list[int]] = {}
        self._abouts: dict[Request, list[Truth]] = {}

    def smallest(self, asked: Iterable[Asked]) -> Gap | None:
        """Find the smallest sign-in that surely gets in; where none does, the smallest that may; None for neither."""
        if self._tenant.security_defaults:
            return None
        ordered = sorted(asked, key=lambda each: len(each.changed))
        return self._smallest(ordered, Truth.YES) or self._smallest(ordered, Truth.UNKNOWN)

    def _smallest(self, asked: Sequence[Asked], sure: Truth) -> Gap | None:
        best: Gap | None = None
        for each in asked:
            if best is not None and len(each.changed) >= len(best.changed):
                break
            gap = self._gap(each, sure)
            if gap is not None and (best is None or len(gap.changed) < len(best.changed)):
                best = gap
        return best

    def _gap(self, asked: Asked, sure: Truth) -> Gap | None:
        sign_in = asked.sign_in
        if is_never_judged(sign_in.request):
            return None
        is_member = sign_in.principal.kind in {Kind.MEMBER, None}
        as_usual = frozenset[str]() if is_member else _RISKS_OF_MEMBERS_ONLY
        around = self._environments.nearest(~self._kept_out(sign_in, sure), as_usual=as_usual)
        if around is None:
            return None
        whole = replace(
            sign_in,
            platform=around.platform,
            network=around.network,
            sign_in_risk=around.sign_in_risk,
            user_risk=around.user_risk,
            insider_risk=around.insider_risk,
        )
        return Gap(sign_in=whole, changed=asked.changed | around.changed, sure=sure)

    def _kept_out(self, sign_in: SignIn, sure: Truth) -> int:
        """Give the environments in which a policy refuses: possibly, where whoever gets in has to do so surely."""
        least = Truth.UNKNOWN if sure is Truth.YES else Truth.YES
        requests = self._by_request(sign_in)
        found = 0
        for number in self._refusing(sign_in, least):
            if requests[number] >= least:
                region = self._regions[number]
                found |= region.possibly if sure is Truth.YES else region.surely
        return found

    def _refusing(self, sign_in: SignIn, least: Truth) -> list[int]:
        """Give the places of the policies that refuse the account with the client, whatever it asks for."""
        key = (least, sign_in.principal, sign_in.client_type, sign_in.flow, self._resource(sign_in))
        if key not in self._places:
            both = zip(self._by_account(sign_in), self._by_client(sign_in), strict=True)
            self._places[key] = [number for number, truths in enumerate(both) if min(truths) >= least]
        return self._places[key]

    def _resource(self, sign_in: SignIn) -> str | None:
        """Give what is asked for as far as it decides whether controls can be met."""
        if self._asks_about_resource or is_spared_device(sign_in.request):
            return sign_in.request.resource
        return ""

    def _by_account(self, sign_in: SignIn) -> list[Truth]:
        """Judge whether each policy is enforced and about the account."""
        return [
            min(each.enforced, meant(each.users, each.workloads, sign_in.principal).truth) for each in self._policies
        ]

    def _by_client(self, sign_in: SignIn) -> list[Truth]:
        """Judge whether each policy is about the client, and asks for what can't be met."""
        return [min(fixed(each, sign_in).truth, Truth(Truth.YES - self._met(each, sign_in))) for each in self._policies]

    def _by_request(self, sign_in: SignIn) -> list[Truth]:
        key = sign_in.request
        if key not in self._abouts:
            self._abouts[key] = [about(each, sign_in, self._tenant).truth for each in self._policies]
        return self._abouts[key]

    def _met(self, policy: Policy, sign_in: SignIn) -> Truth:
        setting = setting_of(sign_in)
        controls = controls_of(policy.grant, sign_in.principal.abilities, setting, self._tenant.strengths)
        return every((granted(policy.grant, controls), session_met(policy.session, setting))).truth


def _asks_about_resource(policy: Policy) -> bool:
    """Whether it depends on what is asked for if a policy's controls can be met."""
    session = policy.session
    return session is not None and (
        not isinstance(session, SessionControls) or session.secure_sign_in_session is not None
    )
