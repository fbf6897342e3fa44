"""What conditional access asks of whoever signs in: judged by what all enabled policies do together, after exclusions.

A policy that only reports protects nobody. What isn't known counts as *can't tell*, never as protected.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from msgspec.structs import replace

from responders.kinds import ca_context
from responders.kinds.ca_context import CaContext, look_around
from responders.kinds.security_defaults import GET_SECURITY_DEFAULTS
from responders.posture.accounts import PEOPLE, administrators
from responders.posture.gaps import asked_of, in_words
from responders.posture.names import of_all, some_of
from responders.posture.roles import HOLDERS
from responders.rosters import LIST_GROUPS
from shared.checks.check import Finding, Unread, failed, not_applicable, ok, unknown
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import Part, Reading, Snapshot
from shared.conditional_access.account import Abilities, Kind, Principal
from shared.conditional_access.gaps import Gap, GapSearch
from shared.conditional_access.judge import judge as judge_policy
from shared.conditional_access.policy import Policy
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import PolicySet, Verdict
from shared.model.kinds import Image
from shared.model.object_kinds import GuardFacts
from shared.model.objects import Op
from shared.model.tenant_api import list_by_ids

_PASSWORD: Final = Abilities(mfa=Truth.NO, methods=frozenset({"password"}))
"""Whoever knows a password and nothing else."""

_LEGACY: Final = {"exchangeactivesync": "Exchange ActiveSync", "other": "other legacy clients"}

_MEMBER: Final = Principal(id="00000000-0000-0000-0000-000000000001", enabled=Truth.YES, key_allowed=Truth.YES)
_GUEST: Final = replace(_MEMBER, kind=Kind.B2B_GUEST)
_ANYBODY: Final = {
    name: replace(one, abilities=_PASSWORD)
    for name, one in (("a member in no group", _MEMBER), ("a guest in no group", _GUEST))
}
"""Whoever is in no group that a policy names: those in one that it leaves out aren't judged by these."""


def _read_policies(reading: Reading) -> CaContext:
    """Read the policies with what they lean on, and in which groups and roles each administrator is."""
    nothing: Mapping[str, Any] = {}
    accounts = frozenset(reading.of(PEOPLE)) | reading.runtime.settings.emergency_accounts
    facts = GuardFacts(
        tenant=reading.api.tenant,
        object_id="",
        op=Op.UPDATE,
        steps={},
        stands=nothing,
        target=nothing,
        stands_image=None,
        around=None,
        baseline={},
        emergency=accounts,
    )
    found = look_around(reading.api, facts, decides_sign_ins=True)
    if found.policies is None:
        raise Unread(found.unread.get("policies", "the policies could not be read"))
    return found


POLICIES: Final = Part(
    id="sign-in-policies",
    title="the conditional access policies and whom they reach",
    read=_read_policies,
    calls=ca_context.CALLS,
)


def _read_defaults(reading: Reading) -> bool:
    policy = reading.api.get(GET_SECURITY_DEFAULTS)
    if policy is None or not isinstance(policy.get("isEnabled"), bool):
        raise Unread("Graph didn't say whether security defaults are on")
    return policy["isEnabled"] is True


DEFAULTS: Final = Part(
    id="security-defaults", title="security defaults", read=_read_defaults, calls=(GET_SECURITY_DEFAULTS,)
)


def _read_left_out(reading: Reading) -> Mapping[str, bool]:
    """Read of each group that an enabled policy leaves out whether only who may give roles changes its members."""
    policies = reading.of(POLICIES).policies or {}
    wanted = {
        str(group).lower()
        for policy in policies.values()
        if policy.get("state") == "enabled"
        for group in cast("list[object]", _users_of(policy).get("excludeGroups") or [])
    }
    listed = list_by_ids(reading.api, LIST_GROUPS, wanted, "id,displayName,isAssignableToRole")
    return {str(each.get("displayName") or each["id"]): each.get("isAssignableToRole") is True for each in listed}


def _users_of(policy: Image) -> Image:
    conditions = cast("Image", policy.get("conditions") or {})
    return cast("Image", conditions.get("users") or {})


LEFT_OUT: Final = Part(
    id="left-out-groups",
    title="the groups that policies leave out",
    read=_read_left_out,
    calls=(LIST_GROUPS,),
)

PARTS: Final = (POLICIES, DEFAULTS, LEFT_OUT)


def policy_set(snapshot: Snapshot, *, client_type: str = "browser") -> PolicySet:
    """Give the tenant's policies, ready to judge accounts."""
    return PolicySet(snapshot.of(POLICIES).set_of_policies, _tenant(snapshot), client_type=client_type)


def _tenant(snapshot: Snapshot) -> Tenant:
    """Give what the policies lean on, and whether security defaults stand in their place."""
    return replace(snapshot.of(POLICIES).tenant, security_defaults=snapshot.of(DEFAULTS))


def _by_password(verdict: Verdict) -> Truth:
    """Whether whoever has the password alone gets in, in some place and on some device."""
    return verdict.somewhere


def _administrators_asked(snapshot: Snapshot) -> list[Finding]:
    policies, judge = snapshot.of(POLICIES), policy_set(snapshot)
    names = {person.id: person.name for person in administrators(snapshot) if person.is_enabled}
    active = {each.id for each in snapshot.of(HOLDERS).values() if each.active}
    let_in: dict[Truth, list[str]] = {truth: [] for truth in Truth}
    for principal in policies.accounts:
        if principal.id in names and principal.id in active:
            asked = judge.judge(replace(principal, abilities=_PASSWORD))
            let_in[_by_password(asked)].append(names[principal.id])
    every = [name for some in let_in.values() for name in some]
    found: list[Finding] = []
    if let_in[Truth.YES]:
        who = f"{of_all(let_in[Truth.YES], every)} who hold privileged roles"
        found.append(failed(f"{who} get in by a password alone: {some_of(let_in[Truth.YES])}"))
        found += _example(snapshot, min(let_in[Truth.YES]), names)
    if let_in[Truth.UNKNOWN]:
        found.append(unknown(f"whether a password is enough can't be told of {some_of(let_in[Truth.UNKNOWN])}"))
    if not every:
        return [not_applicable("nobody but the emergency accounts holds a privileged role at present")]
    return found or [ok(f"each of {len(every):,} who hold privileged roles is asked for more than a password")]


def _example(snapshot: Snapshot, name: str, names: Mapping[str, str]) -> list[Finding]:
    """Give the smallest sign-in by which one of them gets in."""
    policies, tenant = snapshot.of(POLICIES), _tenant(snapshot)
    listed = policies.set_of_policies
    person = next(each for each in policies.accounts if names.get(each.id) == name)
    person = replace(person, abilities=_PASSWORD)
    gap = GapSearch(listed, tenant).smallest(asked_of(person, listed))
    if gap is None or gap.sure is not Truth.YES:
        return []
    return [failed(f"for example {in_words(gap, {name: person}, tenant, policies.locations or {})}")]


def _everybody_asked(snapshot: Snapshot) -> list[Finding]:
    policies, tenant = snapshot.of(POLICIES), _tenant(snapshot)
    listed = policies.set_of_policies
    search = GapSearch(listed, tenant)
    found = [search.smallest(asked_of(one, listed)) for one in _ANYBODY.values()]
    gaps = [gap for gap in found if gap is not None]
    said = {truth: [_said(gap, policies, tenant) for gap in gaps if gap.sure is truth] for truth in Truth}
    if said[Truth.YES]:
        return [failed(text) for text in said[Truth.YES]]
    if said[Truth.UNKNOWN]:
        return [unknown(f"it can't be told whether {text}") for text in said[Truth.UNKNOWN]]
    return [ok("whoever is in no group is asked for more than a password, wherever they are and whatever they ask for")]


def _said(gap: Gap, policies: CaContext, tenant: Tenant) -> str:
    return in_words(gap, _ANYBODY, tenant, policies.locations or {})


def _legacy_blocked(snapshot: Snapshot) -> list[Finding]:
    if snapshot.of(DEFAULTS):
        return [ok("security defaults keep legacy clients out")]
    asked = {
        name: policy_set(snapshot, client_type=client).judge(replace(_MEMBER, abilities=_PASSWORD)).somewhere
        for client, name in _LEGACY.items()
    }
    if let_in := [name for name, truth in asked.items() if truth is Truth.YES]:
        return [failed(f"whoever has a password gets in by {' and '.join(let_in)}")]
    if unsure := [name for name, truth in asked.items() if truth is Truth.UNKNOWN]:
        return [unknown(f"whether they are kept out can't be told of {' and '.join(unsure)}")]
    return [ok("clients that can't be asked for MFA are kept out")]


def _risk_answered(snapshot: Snapshot) -> list[Finding]:
    if snapshot.of(DEFAULTS):
        return [failed("security defaults ask for MFA, and don't answer the risk of a user or a sign-in by policy")]
    policies = snapshot.of(POLICIES)
    listed, tenant = policies.set_of_policies, policies.tenant
    sign_ins = {
        "the risk of a sign-in": (SignIn(principal=_MEMBER, sign_in_risk="high"), "sign_in_risks"),
        "the risk of a user": (SignIn(principal=_MEMBER, user_risk="high"), "user_risks"),
    }
    answered = {
        what: max(
            (min(judge_policy(one, sign_in, tenant).applies.truth, one.enforced) for one in _on(listed, name)),
            default=Truth.NO,
        )
        for what, (sign_in, name) in sign_ins.items()
    }
    if ignored := [what for what, truth in answered.items() if truth is Truth.NO]:
        return [failed(f"no enabled policy answers {' and '.join(ignored)} where it is high, for everybody")]
    if unsure := [what for what, truth in answered.items() if truth is Truth.UNKNOWN]:
        return [unknown(f"whether a policy answers {' and '.join(unsure)} can't be told")]
    return [ok("enabled policies answer the risk of users and of sign-ins")]


def _guarded(snapshot: Snapshot) -> list[Finding]:
    groups = snapshot.of(LEFT_OUT)
    if not groups:
        return [not_applicable("no enabled policy leaves a group out")]
    open_ones = [name for name, is_guarded in groups.items() if not is_guarded]
    if open_ones:
        said = f"{of_all(open_ones, groups)} groups that policies leave out can be changed by their owners"
        return [failed(f"{said} and by every groups administrator: {some_of(open_ones)}")]
    return [ok(f"only who may give roles changes {some_of(groups)}")]


def _on(policies: list[Policy], condition: str) -> list[Policy]:
    """Give the policies that ask about a risk at all."""
    return [each for each in policies if getattr(each, condition)]


CHECKS: Final = (
    PostureCheck(
        id="privileged-roles-require-mfa",
        stage=Stage.WEEKS,
        title="Whoever holds a privileged role is asked for more than a password",
        why="A password that was guessed, sprayed or phished is then not enough for the tenant.",
        passages=(20, 42, 56),
        parts=(POLICIES, DEFAULTS, HOLDERS, PEOPLE),
        cure="Enable a policy for the privileged roles that asks for phishing-resistant MFA, on all applications.",
        run=_administrators_asked,
    ),
    PostureCheck(
        id="all-users-require-mfa",
        stage=Stage.WEEKS,
        title="Everybody is asked for more than a password",
        why="An attacker begins with whoever is asked for nothing, and goes on from there.",
        passages=(40, 41, 63, 112),
        parts=(POLICIES, DEFAULTS),
        always_applies="Every tenant has users who sign in.",
        cure="Enable a policy for all users, guests among them, and all applications that asks for MFA.",
        run=_everybody_asked,
    ),
    PostureCheck(
        id="identity-protection-on",
        stage=Stage.WEEKS,
        title="Risky users and risky sign-ins are answered by policy",
        why="Microsoft sees a stolen password in use before anybody else; without a policy it only writes that down.",
        passages=(9, 42),
        parts=(POLICIES, DEFAULTS),
        always_applies="Every tenant has users who sign in.",
        cure=(
            "Enable two policies for all users: high sign-in risk asks for MFA each time, high user risk for a new"
            " password. Both need Entra ID P2."
        ),
        run=_risk_answered,
    ),
    PostureCheck(
        id="left-out-groups-guarded",
        stage=Stage.WEEKS,
        title="Groups that policies leave out can be changed only by who may give roles",
        why="Whoever can add a member to such a group lets anybody past the policy.",
        passages=(56, 89),
        parts=(POLICIES, LEFT_OUT),
        cure="Make a new group that roles can be assigned to, move the members there, and leave that one out instead.",
        run=_guarded,
    ),
    PostureCheck(
        id="legacy-authentication-blocked",
        stage=Stage.MONTHS,
        title="Clients that can't be asked for MFA are kept out",
        why="Password sprays go to IMAP, POP and old Exchange clients, where no policy for MFA counts.",
        passages=(74, 75),
        parts=(POLICIES, DEFAULTS),
        always_applies="Every tenant takes such sign-ins unless it is kept from that.",
        cure="Enable a policy for all users that blocks the client apps Exchange ActiveSync and Other clients.",
        run=_legacy_blocked,
    ),
)
