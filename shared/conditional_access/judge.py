"""Judges one sign-in by a whole set of policies, and says of each policy whether and why it applies."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.conditional_access.account import AGENTS, USERS, Kind, Principal
from shared.conditional_access.conditions import client_meant, flow_meant, platform_meant, risk_meant
from shared.conditional_access.controls import (
    Control,
    GrantControls,
    SessionControls,
    Setting,
    controls_of,
    granted,
    session_met,
)
from shared.conditional_access.device_filter import filtered
from shared.conditional_access.locations import Place, located, place_of
from shared.conditional_access.policy import Policy
from shared.conditional_access.sign_in import DEVICE_CODE, SignIn, Tenant, is_never_judged, is_spared_device
from shared.conditional_access.targets import targeted
from shared.conditional_access.truth import NO, YES, Answer, Truth, every, unknown
from shared.conditional_access.users import meant

_MFA: Final = GrantControls(built_in_controls=frozenset({"mfa"}))


class Outcome(StrEnum):
    """How a sign-in ends."""

    BLOCKED = "blocked"
    DENIED = "denied"
    """A control is asked for that the account or device can't meet."""
    UNKNOWN = "unknown"
    GRANTED = "granted"


class Judgement(Struct, frozen=True, kw_only=True):
    """What one policy says to a sign-in. A report-only one applies and isn't enforced."""

    policy: Policy
    applies: Answer
    controls: tuple[Control, ...]
    met: Answer
    """Whether its controls can be met, grant and session."""

    @property
    def refuses(self) -> Truth:
        """Whether it is what keeps the sign-in out."""
        return min(self.would_refuse, self.policy.enforced)

    @property
    def would_refuse(self) -> Truth:
        """Whether it would keep the sign-in out if it were enforced."""
        return min(self.applies.truth, Truth(Truth.YES - self.met.truth))

    @property
    def unmet(self) -> tuple[str, ...]:
        """Names of the controls that can't be met, or of which it isn't known."""
        names = tuple(control.name for control in self.controls if control.met.truth is not Truth.YES)
        return names or (("session controls",) if self.met.truth is not Truth.YES else ())

    @property
    def depends_on(self) -> tuple[str, ...]:
        """What would have to be known to be sure."""
        enforced = (f"whether state {self.policy.state!r} is enforced",)
        unsure = enforced if self.policy.enforced is Truth.UNKNOWN else ()
        return tuple(dict.fromkeys((*unsure, *self.applies.depends_on, *self.met.depends_on)))


class Evaluation(Struct, frozen=True, kw_only=True):
    """The outcome of a sign-in, what each policy said, and what is asked of the account."""

    outcome: Outcome
    judgements: tuple[Judgement, ...]

    @property
    def refusals(self) -> tuple[Judgement, ...]:
        """Those that keep the sign-in out, the sure ones first."""
        kept = (each for each in self.judgements if each.refuses is not Truth.NO)
        return tuple(sorted(kept, key=lambda each: -each.refuses))

    @property
    def prompts(self) -> frozenset[str]:
        """Controls of every enforced policy that applies or may."""
        return frozenset(control.name for each in self._enforced() for control in each.controls)

    @property
    def sessions(self) -> tuple[SessionControls, ...]:
        """Session controls of every enforced policy that applies or may."""
        return tuple(
            each.policy.session for each in self._enforced() if isinstance(each.policy.session, SessionControls)
        )

    def _enforced(self) -> Iterable[Judgement]:
        return (each for each in self.judgements if min(each.applies.truth, each.policy.enforced) is not Truth.NO)


def evaluate(policies: Iterable[Policy], sign_in: SignIn, tenant: Tenant) -> Evaluation:
    """Judge a sign-in. All policies that apply must be satisfied; their order never counts."""
    judgements = tuple(judge(policy, sign_in, tenant) for policy in policies)
    if tenant.security_defaults or is_never_judged(sign_in.request):
        left_out = tuple(
            Judgement(policy=each.policy, applies=NO, controls=each.controls, met=each.met) for each in judgements
        )
        return Evaluation(outcome=_beside_policies(sign_in, tenant), judgements=left_out)
    outcome = _outcome(judgements)
    if sign_in.request.resource is None and sign_in.request.user_action is None and outcome is not Outcome.GRANTED:
        outcome = Outcome.UNKNOWN  # it may be a resource that is never judged
    return Evaluation(outcome=outcome, judgements=judgements)


def _beside_policies(sign_in: SignIn, tenant: Tenant) -> Outcome:
    """Say how a sign-in ends that no policy judges. Security defaults ask administrators for MFA."""
    if not tenant.security_defaults or sign_in.principal.kind not in USERS:
        return Outcome.GRANTED
    asked = controls_of(_MFA, sign_in.principal.abilities, setting_of(sign_in), {})
    return {Truth.YES: Outcome.GRANTED, Truth.NO: Outcome.DENIED}.get(granted(_MFA, asked).truth, Outcome.UNKNOWN)


def _outcome(judgements: tuple[Judgement, ...]) -> Outcome:
    refusing = [each for each in judgements if each.refuses is Truth.YES]
    if any(each.policy.blocks for each in refusing):
        return Outcome.BLOCKED
    if refusing:
        return Outcome.DENIED
    return Outcome.GRANTED if all(each.refuses is Truth.NO for each in judgements) else Outcome.UNKNOWN


def judge(policy: Policy, sign_in: SignIn, tenant: Tenant) -> Judgement:
    """Judge a sign-in by one policy, as if it were enforced; one that is off never applies."""
    controls = controls_of(policy.grant, sign_in.principal.abilities, setting_of(sign_in), tenant.strengths)
    met = every((granted(policy.grant, controls), session_met(policy.session, setting_of(sign_in))))
    return Judgement(policy=policy, applies=applies(policy, sign_in, tenant), controls=controls, met=met)


def applies(policy: Policy, sign_in: SignIn, tenant: Tenant) -> Answer:
    """Answer whether a policy applies to a sign-in: all its conditions at once."""
    if policy.is_off:
        return NO
    place = place_of(sign_in.network, tenant.locations)
    return every(
        (
            meant(policy.users, policy.workloads, sign_in.principal),
            about(policy, sign_in, tenant),
            fixed(policy, sign_in),
            surrounding(policy, sign_in, place),
        )
    )


def about(policy: Policy, sign_in: SignIn, tenant: Tenant) -> Answer:
    """Answer whether a policy is about what the sign-in asks for."""
    return targeted(
        policy.applications, sign_in.request, baseline=tenant.baseline, has_flows=policy.flows != frozenset()
    )


def fixed(policy: Policy, sign_in: SignIn) -> Answer:
    """Judge the conditions on the client and device, and what isn't understood in the policy."""
    return every(
        (
            unknown(", ".join(policy.strangers)) if policy.strangers else YES,
            client_meant(policy.clients, sign_in.client_type),
            filtered(policy.devices, sign_in.device),
            flow_meant(policy.flows, sign_in.flow),
        )
    )


def surrounding(policy: Policy, sign_in: SignIn, place: Place) -> Answer:
    """Judge the conditions on what an account doesn't choose: platform, place and risks."""
    return every(
        (
            platform_meant(policy.platforms, sign_in.platform),
            located(policy.locations, place),
            *_risks(policy, sign_in, sign_in.principal),
        )
    )


def _risks(policy: Policy, sign_in: SignIn, principal: Principal) -> tuple[Answer, ...]:
    """Judge the risks of the principal's class."""
    if principal.kind is Kind.SERVICE_PRINCIPAL:
        level = sign_in.service_principal_risk
        return (risk_meant(policy.service_principal_risks, level, "the risk of the service principal"),)
    if principal.kind in AGENTS:
        return (risk_meant(policy.agent_risks, sign_in.agent_risk, "the risk of the agent"),)
    insider = "none" if principal.kind not in {Kind.MEMBER, None} else sign_in.insider_risk  # guests have none
    return (
        risk_meant(policy.sign_in_risks, sign_in.sign_in_risk, "the sign-in risk"),
        risk_meant(policy.user_risks, sign_in.user_risk, "the user risk"),
        risk_meant(policy.insider_risks, insider, "the insider risk"),
    )


def setting_of(sign_in: SignIn) -> Setting:
    """Give what of a sign-in decides whether controls can be met."""
    action = sign_in.request.user_action is not None
    return Setting(
        client_type=sign_in.client_type,
        resource="" if action else sign_in.request.resource,
        registered=sign_in.device.registered,
        device_code=_is_device_code(sign_in.flow),
        spared_device=is_spared_device(sign_in.request),
    )


def _is_device_code(flow: str | None) -> Truth:
    if flow is None:
        return Truth.UNKNOWN
    return Truth.YES if flow == DEVICE_CODE else Truth.NO
