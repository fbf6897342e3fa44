"""What holds for every set of policies and every sign-in, in random tenants."""

import copy
from random import Random
from typing import Any, Final, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.conditional_access.account import UNREAD, Abilities
from shared.conditional_access.judge import Outcome, evaluate
from shared.conditional_access.locations import Network
from shared.conditional_access.policy import read_policy
from shared.conditional_access.sections import Unread
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.targets import BaselineRule
from shared.conditional_access.truth import Truth
from shared.conditional_access.verdicts import NEEDED, PolicySet
from shared.model.kinds import Image
from tests.fakes.ca_engine_worlds import sign_in_of, tenant_of
from tests.fakes.ca_samples import EM, TENANT
from tests.fakes.ca_worlds import APPS, GROUPS, ROLES, USERS, World, policy, world

_WORST_FIRST: Final = (Outcome.BLOCKED, Outcome.DENIED, Outcome.UNKNOWN, Outcome.GRANTED)
_LISTS: Final = {
    "users": {"Users": USERS, "Groups": GROUPS, "Roles": ROLES},
    "applications": {"Applications": APPS},
    "platforms": {"Platforms": ("android", "linux", "windows")},
    "locations": {"Locations": ("office", "country", "AllTrusted")},
}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, Random]:
    chance = Random(draw(st.integers(0, 10**9)))  # noqa: S311 - keeps no secret
    return world(chance), chance


def sign_in_to(made: World) -> SignIn:
    return sign_in_of(made, made.facts)


def outcome(policies: list[Image], made: World) -> Outcome:
    return evaluate(map(read_policy, policies), sign_in_to(made), tenant_of(made)).outcome


def truths(policies: list[Image], made: World) -> list[Truth]:
    judged = evaluate(map(read_policy, policies), sign_in_to(made), tenant_of(made))
    return [each.applies.truth for each in judged.judgements]


def rank(of: Outcome) -> int:
    return _WORST_FIRST.index(of)


@given(worlds())
def test_the_order_of_policies_and_duplicates_do_not_matter(drawn: tuple[World, Random]) -> None:
    made, _ = drawn
    expected = outcome(made.policies, made)
    assert outcome(made.policies[::-1], made) is expected
    assert outcome([*made.policies, *made.policies], made) is expected


@given(worlds())
def test_one_more_enforced_policy_never_makes_it_better(drawn: tuple[World, Random]) -> None:
    made, chance = drawn
    more = policy(chance, 9) | {"state": "enabled"}
    assert rank(outcome([*made.policies, more], made)) <= rank(outcome(made.policies, made))


def _lengthened(policies: list[Image], side: str, chance: Random, *, empty_too: bool) -> list[Image]:
    """Add a member to a list of each policy, where there is such a list."""
    longer = copy.deepcopy(policies)
    for each in longer:
        condition = chance.choice([*_LISTS])
        field, names = chance.choice([*_LISTS[condition].items()])
        section: dict[str, Any] | None = each["conditions"].get(condition)
        listed: list[str] = (section or {}).get(f"{side}{field}") or []
        if section is not None and (listed or empty_too):
            section[f"{side}{field}"] = [*listed, chance.choice(names)]
    return longer


@given(worlds())
def test_one_more_exclusion_never_makes_a_policy_apply_more(drawn: tuple[World, Random]) -> None:
    made, chance = drawn
    longer = truths(_lengthened(made.policies, "exclude", chance, empty_too=True), made)
    assert all(now <= then for now, then in zip(longer, truths(made.policies, made), strict=True))


@given(worlds())
def test_one_more_inclusion_never_makes_a_policy_apply_less(drawn: tuple[World, Random]) -> None:
    made, chance = drawn
    longer = truths(_lengthened(made.policies, "include", chance, empty_too=False), made)
    assert all(now >= then for now, then in zip(longer, truths(made.policies, made), strict=True))


@given(worlds())
def test_report_only_is_as_good_as_disabled(drawn: tuple[World, Random]) -> None:
    made, chance = drawn
    at = chance.randrange(len(made.policies))
    states = [
        [each | ({"state": state} if place == at else {}) for place, each in enumerate(made.policies)]
        for state in ("disabled", "enabledForReportingButNotEnforced")
    ]
    assert outcome(states[0], made) is outcome(states[1], made)


@given(worlds())
def test_all_controls_are_no_easier_than_one_of_them(drawn: tuple[World, Random]) -> None:
    made, _ = drawn
    ends = {
        operator: outcome(
            [
                each | {"grantControls": each["grantControls"] and each["grantControls"] | {"operator": operator}}
                for each in made.policies
            ],
            made,
        )
        for operator in ("AND", "OR")
    }
    assert rank(ends["AND"]) <= rank(ends["OR"])


def _shouted(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return value.upper()
    if isinstance(value, list):
        return [_shouted(each) for each in reversed(cast("list[Any]", value))]
    if isinstance(value, dict):
        return {key: _shouted(each) for key, each in reversed(cast("Image", value).items())}
    return value


@given(worlds())
def test_case_and_the_order_of_members_do_not_matter(drawn: tuple[World, Random]) -> None:
    made, _ = drawn
    shouted: list[Image] = [_shouted(each) for each in made.policies]
    assert truths(shouted, made) == truths(made.policies, made)
    assert outcome(shouted, made) is outcome(made.policies, made)


_FACTS: Final[dict[str, tuple[object, ...]]] = {
    "platform": ("android", "linux", "windows", "unknown"),
    "sign_in_risk": ("none", "low", "medium", "high"),
    "user_risk": ("none", "low", "medium", "high"),
    "insider_risk": ("none", "minor", "moderate", "elevated"),
    "client_type": ("browser", "mobileappsanddesktopclients", "exchangeactivesync", "other"),
    "flow": ("none", "devicecodeflow"),
    "network": tuple(
        Network(address=address, country=country, in_mfa_trusted_ips=trusted)
        for address in ("203.0.113.9", "198.51.100.7")
        for country in ("ch", "de", "")
        for trusted in (Truth.YES, Truth.NO)
    ),
}
_UNKNOWN_NETWORK: Final = Network(in_mfa_trusted_ips=Truth.UNKNOWN)


@given(worlds())
@pytest.mark.parametrize("fact", _FACTS)
def test_what_is_not_known_covers_all_that_it_could_be(fact: str, drawn: tuple[World, Random]) -> None:
    made, chance = drawn
    policies = [read_policy(each) for each in made.policies]
    asked = sign_in_to(made)
    able = Abilities(compliant_device=Truth.YES, joined_device=Truth.YES, terms_of_use=Truth.YES)
    principal = msgspec.structs.replace(asked.principal, abilities=chance.choice((Abilities(), able)))
    asked = msgspec.structs.replace(asked, principal=principal)
    unknown = msgspec.structs.replace(asked, **{fact: _UNKNOWN_NETWORK if fact == "network" else None})
    unsure_end = evaluate(policies, unknown, tenant_of(made))
    for value in _FACTS[fact]:
        known = evaluate(policies, msgspec.structs.replace(asked, **{fact: value}), tenant_of(made))
        for sure, unsure in zip(known.judgements, unsure_end.judgements, strict=True):
            assert unsure.applies.truth in {Truth.UNKNOWN, sure.applies.truth}
        if unsure_end.outcome is Outcome.GRANTED:
            assert known.outcome is Outcome.GRANTED


@given(worlds())
def test_groups_roles_and_settings_that_were_not_read_are_never_fine(drawn: tuple[World, Random]) -> None:
    made, _ = drawn
    policies, asked, tenant = [read_policy(each) for each in made.policies], sign_in_to(made), tenant_of(made)
    unread = msgspec.structs.replace(asked.principal, groups=UNREAD, roles=UNREAD)
    unread_locations = dict.fromkeys(tenant.locations, Unread("not read"))
    blind = Tenant(locations=unread_locations, mfa_trusted_ips=None, baseline=BaselineRule.UNREAD)
    unsure = evaluate(policies, msgspec.structs.replace(asked, principal=unread), blind)
    if unsure.outcome is Outcome.GRANTED:
        assert evaluate(policies, asked, tenant).outcome is Outcome.GRANTED


@given(worlds())
def test_always_means_that_no_environment_keeps_the_account_out(drawn: tuple[World, Random]) -> None:
    made, _ = drawn
    policies, asked = [read_policy(each) for each in made.policies], sign_in_to(made)
    account = msgspec.structs.replace(EM, groups=asked.principal.groups, roles=asked.principal.roles, id=USERS[0])
    verdict = PolicySet(policies, tenant_of(made)).judge(account)
    ends = {
        evaluate(
            policies,
            SignIn(
                principal=account,
                request=request,
                platform=asked.platform,
                network=asked.network,
                sign_in_risk=asked.sign_in_risk,
                user_risk=asked.user_risk,
                insider_risk=asked.insider_risk,
            ),
            tenant_of(made),
        ).outcome
        for request in NEEDED
    }
    if verdict.always is Truth.YES:
        assert ends == {Outcome.GRANTED}
    if verdict.somewhere is Truth.NO:
        assert ends != {Outcome.GRANTED}
    assert verdict.always <= verdict.somewhere


def _paths(value: object, so_far: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [so_far]
    members = cast("Image", value)
    return [so_far, *(path for key, each in members.items() for path in _paths(each, (*so_far, key)))]


def _put(value: Image, path: tuple[str, ...], new: object) -> Image:
    return value | {path[0]: new if len(path) == 1 else _put(value[path[0]], path[1:], new)}


_SPOILERS: Final[tuple[object, ...]] = (
    7,
    True,
    "",
    "x",
    "unknownFutureValue",
    [],
    [7],
    [None],
    {},
    {"x": {}},
    [[["x"]]],
)


@given(worlds(), st.sampled_from(_SPOILERS))
def test_a_policy_of_any_shape_is_judged(drawn: tuple[World, Random], spoiler: object) -> None:
    made, chance = drawn
    path = chance.choice([each for each in _paths(made.policies[0]) if each])
    spoilt = _put(made.policies[0], path, spoiler)
    judged = evaluate([read_policy(spoilt)], sign_in_to(made), tenant_of(made))
    PolicySet([read_policy(spoilt)], TENANT).judge(EM)
    assert judged.outcome in Outcome


_WRONG_TYPES: Final[tuple[object, ...]] = (7, True, [7], {"x": {}}, "x")
_CONDITIONS: Final = (
    "users",
    "applications",
    "platforms",
    "locations",
    "clientAppTypes",
    "devices",
    "signInRiskLevels",
    "userRiskLevels",
    "insiderRiskLevels",
    "authenticationFlows",
    "clientApplications",
    "somethingNew",
)


@pytest.mark.parametrize("wrong", _WRONG_TYPES, ids=repr)
@pytest.mark.parametrize("name", [None, *_CONDITIONS])
def test_a_condition_that_cannot_be_read_leaves_it_open_whether_the_policy_applies(
    name: str | None, wrong: object
) -> None:
    conditions = {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}}
    image: Image = {"id": "p", "state": "enabled", "grantControls": {"operator": "OR", "builtInControls": ["block"]}}
    image["conditions"] = wrong if name is None else conditions | {name: wrong}
    verdict = PolicySet([read_policy(image)], TENANT).judge(EM)
    assert (verdict.always, verdict.somewhere) == (Truth.UNKNOWN, Truth.UNKNOWN)
    assert verdict.lockouts[0].depends_on
