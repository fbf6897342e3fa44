"""What a guard asks before a write: is any account worse off by the whole set, and by which policy."""

from typing import Any, Final

import msgspec
import pytest

from shared.conditional_access.account import UNREAD, Abilities, Principal
from shared.conditional_access.changes import Change, judge_change
from shared.conditional_access.controls import Strength
from shared.conditional_access.locations import NamedLocations
from shared.conditional_access.policy import read_policy
from shared.conditional_access.sections import Unread
from shared.conditional_access.sign_in import Tenant
from shared.conditional_access.truth import Truth
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.ca_samples import (
    BY_GPS,
    COUNTRY,
    EM,
    EM_ID,
    LOCATIONS,
    OFFICE,
    TENANT,
    UNREAD_GROUP,
    A,
    N,
    U,
    Y,
    apps,
    controls,
    named_locations,
    places,
    platforms,
    policy,
    strength,
)


def change(
    before: list[Image],
    after: list[Image],
    *,
    account: Principal = EM,
    tenants: tuple[Tenant, Tenant] = (TENANT, TENANT),
) -> Change:
    (judged,) = judge_change([account], (map(read_policy, before), tenants[0]), (map(read_policy, after), tenants[1]))
    return judged


def named(identity: str, image: Image) -> Image:
    return image | {"id": identity, "displayName": identity.title()}


EVERYBODY: Final = policy()
NOT_THEM: Final = policy({"includeUsers": ["All"], "excludeUsers": [EM_ID]})
NOT_THEIR_GROUP: Final = policy({"includeUsers": ["All"], "excludeGroups": [A]})
REPORT_ONLY: Final = policy(state="enabledForReportingButNotEnforced")
ELSEWHERE: Final = policy(locations=places("All", exclude=(OFFICE, COUNTRY)))
_REPORTED: Final = "enabledForReportingButNotEnforced"
OTHER_BLOCK: Final = named("other", policy(targets=apps("All")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [EVERYBODY]),
        ([NOT_THEM], [EVERYBODY]),
        ([NOT_THEIR_GROUP], [EVERYBODY]),
        ([REPORT_ONLY], [EVERYBODY]),
        ([policy(state="disabled")], [EVERYBODY]),
        ([policy(grant="mfa")], [EVERYBODY]),
        ([policy(grant="mfa")], [policy(grant="compliantDevice")]),
        (
            [policy(grant=controls("OR", "mfa", "compliantDevice"))],
            [policy(grant=controls("AND", "mfa", "compliantDevice"))],
        ),
        ([], [policy(grant="mfa", state=_REPORTED, locations=places("All", exclude=(BY_GPS,)))]),
        ([policy(platforms=platforms("linux"))], [EVERYBODY]),
        ([policy(platforms=platforms("linux"))], [policy(platforms=platforms("linux", "macOS"))]),
        ([ELSEWHERE], [policy(locations=places("All", exclude=(OFFICE,)))]),
        ([policy(userRiskLevels=["high"])], [policy(userRiskLevels=["high", "medium"])]),
        ([policy(targets=apps("some-app"))], [policy(targets=apps("MicrosoftAdminPortals"))]),
        ([OTHER_BLOCK], [OTHER_BLOCK, EVERYBODY]),
        ([NOT_THEM], [NOT_THEM | {"state": "somethingNew"}, EVERYBODY]),
        ([NOT_THEM], [policy({"includeUsers": ["All"], "excludeGroups": [UNREAD_GROUP]})]),
        ([NOT_THEM], [policy({"includeUsers": []})]),
        ([policy(grant=strength("own", "fido2"))], [policy(grant=strength("own", "temporaryAccessPassOneTime"))]),
        ([policy(grant="mfa")], [policy(grant="unknownFutureValue")]),
        ([policy(grant="mfa")], [policy(grant=controls("AND", "mfa", termsOfUse=["t"]))]),
        ([policy(grant="mfa")], [policy(grant=controls("AND", "mfa", newControls=["x"]))]),
    ],
)
def test_what_keeps_an_account_out_that_did_not_is_worse_and_its_policy_is_named(
    before: list[Image], after: list[Image]
) -> None:
    judged = change(before, after)
    assert not judged.is_safe
    assert [each.policy.name for each in judged.worse] == ["Policy"]
    assert all(each.controls for each in judged.worse)
    assert change(after, after).is_safe


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([EVERYBODY], []),
        ([EVERYBODY], [NOT_THEM]),
        ([EVERYBODY], [EVERYBODY | {"displayName": "renamed", "state": "enabledForReportingButNotEnforced"}]),
        ([EVERYBODY], [policy(platforms=platforms("linux"))]),
        ([NOT_THEM], [NOT_THEIR_GROUP]),
        ([NOT_THEM], [policy({"includeUsers": ["All"], "excludeRoles": [GLOBAL_ADMINISTRATOR]})]),
        ([], [policy(grant="mfa")]),
        ([], [REPORT_ONLY]),
        ([], [policy(state=_REPORTED, locations=places("All", exclude=(COUNTRY,)))]),
        ([], [policy(targets=apps("some-app"))]),
        ([], [policy(clientAppTypes=["exchangeActiveSync", "other"])]),
        ([], [policy(grant=strength("00000000-0000-0000-0000-000000000004", "fido2"))]),
        ([policy(grant="compliantDevice")], [EVERYBODY]),
    ],
)
def test_what_keeps_nobody_out_who_was_not_is_safe(before: list[Image], after: list[Image]) -> None:
    assert change(before, after).is_safe


def test_a_verdict_can_fall_where_each_policy_alone_leaves_a_way() -> None:
    office_only = named("office", policy(locations=places("All", exclude=(OFFICE,))))
    not_there = named("not-there", policy(locations=places(OFFICE)))
    judged = change([office_only], [office_only, not_there])
    assert (judged.before.somewhere, judged.after.somewhere, judged.verdict_fell) == (Y, N, True)


def _located(*ranges: str, trusted: bool = True) -> NamedLocations:
    image = {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "id": OFFICE,
        "isTrusted": trusted,
        "ipRanges": [{"cidrAddress": each} for each in ranges],
    }
    return {**LOCATIONS, **named_locations(image)}


@pytest.mark.parametrize(
    ("locations", "safe"),
    [
        (_located("203.0.113.0/24", "2001:db8:1::/48"), True),
        (_located("203.0.113.0/24", "2001:db8:1::/48", "192.0.2.0/24"), True),
        (_located("203.0.113.0/25", "2001:db8:1::/48"), False),
        (_located("203.0.113.0/25", "203.0.113.128/25", "2001:db8:1::/48"), True),
        (_located(), False),
        (_located("203.0.113.0/24", "2001:db8:1::/48", trusted=False), False),
        ({**LOCATIONS, OFFICE: Unread("refused")}, False),
        ({key: value for key, value in LOCATIONS.items() if key != OFFICE}, False),
    ],
)
def test_a_named_location_that_changes_is_judged_by_the_policies_that_lean_on_it(
    locations: NamedLocations, *, safe: bool
) -> None:
    away = [policy(locations=places("All", exclude=("AllTrusted",)))]
    after = msgspec.structs.replace(TENANT, locations=locations)
    assert change(away, away, tenants=(TENANT, after)).is_safe is safe
    assert change([policy(grant="mfa")], [policy(grant="mfa")], tenants=(TENANT, after)).is_safe


def _with_strength(*combinations: str, **more: Any) -> Tenant:  # noqa: ANN401 - fields of Strength
    methods = frozenset(frozenset({each}) for each in combinations)
    return msgspec.structs.replace(TENANT, strengths={"own": Strength(id="own", combinations=methods, **more)})


@pytest.mark.parametrize(
    ("after", "met"),
    [
        (_with_strength("fido2", "x509certificatemultifactor"), Y),
        (_with_strength("x509certificatemultifactor"), N),
        (_with_strength("fido2", configured=frozenset({"fido2"}), key_models=frozenset({"model-1"})), Y),
        (_with_strength("fido2", configured=frozenset({"fido2"}), key_models=frozenset({"model-2"})), N),
        (_with_strength("fido2", configured=None), U),
        (msgspec.structs.replace(TENANT, strengths={"own": Unread("refused")}), U),
    ],
)
def test_a_strength_that_changes_is_judged_by_the_policies_that_ask_for_it(after: Tenant, met: Truth) -> None:
    account = msgspec.structs.replace(EM, abilities=Abilities(key_model="model-1"))
    asked = [policy(grant=strength("own", "fido2"))]
    judged = change(asked, asked, account=account, tenants=(_with_strength("fido2"), after))
    assert (judged.before.always, judged.after.always, judged.is_safe) == (Y, met, met is Y)


def test_an_account_whose_groups_were_not_read_may_be_kept_out() -> None:
    judged = change([], [NOT_THEIR_GROUP], account=msgspec.structs.replace(EM, groups=UNREAD))
    (lockout,) = judged.worse
    assert (lockout.sure, judged.after.always) == (U, U)
    assert lockout.depends_on == (f"whether the account holds group {A}",)


@pytest.mark.parametrize("fact", ["enabled", "key_allowed"])
@pytest.mark.parametrize("truth", [N, U])
def test_an_account_that_cannot_sign_in_anyway_is_not_counted_as_fine(fact: str, truth: Truth) -> None:
    judged = change([], [], account=msgspec.structs.replace(EM, **{fact: truth}))
    assert (judged.after.always, judged.after.somewhere) == (truth, truth)
