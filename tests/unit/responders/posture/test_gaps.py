"""Gaps in words: the smallest sign-in that gets by with a password, for tenants that have one gap each."""

from typing import Any, Final

import pytest

from responders.posture import sign_in_policies
from responders.posture.declared import DECLARED
from shared.checks.check import Status
from shared.checks.posture import judged
from shared.conditional_access.targets import EXCHANGE, TEAMS
from shared.model.kinds import Image
from tests.fakes.postures import LEGACY, MFA, policies, policy, snapshot

_CHECK: Final = next(check for check in DECLARED.checks if check.id == "all-users-require-mfa")
_APP: Final = "c11f0000-7f2a-4d96-b3e8-05c4d1a9e627"
_OFFICE: Final = {
    "id": "0ff1ce00-7f2a-4d96-b3e8-05c4d1a9e627",
    "displayName": "Head office",
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    "isTrusted": True,
    "ipRanges": [{"cidrAddress": "203.0.113.0/24"}],
}
_PARIS: Final = _OFFICE | {"displayName": "Paris", "isTrusted": False}
_GUESTS: Final = {"users": {"excludeUsers": ["GuestsOrExternalUsers"]}}
_TEAMS: Final = {"applications": {"includeApplications": ["All"], "excludeApplications": [TEAMS]}}
_LINUX: Final = {"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["linux"]}}
_AT_OFFICE: Final = {"locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}


def _found(*images: Image, location: Image | None = None) -> tuple[Status, tuple[str, ...]]:
    seen = policies(*images)
    places: dict[str, Image] = {str(location["id"]): location} if location else {}
    context = type(seen)(policies=seen.policies, locations=places, strengths={}, groups=frozenset())
    made = snapshot({sign_in_policies.POLICIES: context})
    (line,) = judged([_CHECK], [], made, confirmed={}, accepted={}).lines
    return line.status, line.found


def _but(**conditions: Any) -> Image:  # noqa: ANN401 - parts of a policy
    """Give a policy that asks everybody for MFA everywhere, but for some sign-ins."""
    return policy("but", conditions=conditions)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (_but(**_TEAMS), "signs in with a password to Teams"),
        (_but(**_LINUX), "signs in with a password on Linux"),
        (_but(**_TEAMS, **_LINUX), "signs in with a password on Linux"),
        (
            _but(applications={"includeApplications": ["All"], "excludeApplications": [_APP]}),
            f"signs in with a password to application {_APP}",
        ),
        (
            _but(applications={"includeApplications": ["797f4846-ba00-4fd7-ba43-dac1f8f63013", "None"]}),
            "signs in with a password to Microsoft Graph",
        ),
        (_but(signInRiskLevels=["low", "medium", "high"]), "signs in with a password"),
        (_but(signInRiskLevels=["none", "low", "medium"]), "signs in with a password at high sign-in risk"),
        (_but(userRiskLevels=["none", "low", "high"]), "signs in with a password at medium user risk"),
    ],
)
def test_a_gap_is_the_smallest_sign_in_that_gets_through_it(image: Image, words: str) -> None:
    status, found = _found(image, LEGACY)
    assert status is Status.FAILED
    assert f"a member in no group {words}" in found


def test_a_guest_alone_is_named_alone() -> None:
    assert _found(policy("all", **_GUESTS), LEGACY) == (
        Status.FAILED,
        ("a guest in no group signs in with a password",),
    )


@pytest.mark.parametrize(
    ("location", "condition", "words"),
    [
        (_OFFICE, _AT_OFFICE, "from trusted location Head office"),
        (
            _PARIS,
            {"locations": {"includeLocations": ["All"], "excludeLocations": [_PARIS["id"]]}},
            "from location Paris",
        ),
    ],
)
def test_where_from_is_told_by_the_locations_name(location: Image, condition: Image, words: str) -> None:
    _, found = _found(_but(**condition), LEGACY, location=location)
    assert f"a member in no group signs in with a password {words}" in found


def test_what_takes_several_facts_names_each() -> None:
    members = policy("members", users={"excludeUsers": ["GuestsOrExternalUsers"]})
    holes = [policy(f"hole {number}", conditions=each) for number, each in enumerate((_TEAMS, _LINUX, _AT_OFFICE))]
    status, found = _found(members, *holes, LEGACY, location=_OFFICE)
    words = "to Teams on Linux from trusted location Head office"
    assert (status, found) == (Status.FAILED, (f"a guest in no group signs in with a password {words}",))


def test_a_client_that_only_has_a_password_is_named() -> None:
    image = policy("modern", clients=["browser", "mobileAppsAndDesktopClients", "exchangeActiveSync"])
    _, found = _found(image)
    assert "a member in no group signs in with a password by a legacy client" in found


def test_what_can_not_be_told_is_unknown_with_the_sign_in() -> None:
    image = _but(locations={"includeLocations": ["All"], "excludeLocations": ["0ff1ce00-0000-4d96-b3e8-05c4d1a9e627"]})
    status, found = _found(image, LEGACY)
    assert status is Status.UNKNOWN
    assert found[0] == "it can't be told whether a member in no group signs in with a password"


def test_an_insider_risk_is_no_guests() -> None:
    image = _but(insiderRiskLevels="none,minor")
    assert _found(image, LEGACY)[1] == ("a member in no group signs in with a password at moderate insider risk",), (
        "guests have none"
    )


def test_a_smaller_gap_elsewhere_is_found_after_a_larger_one() -> None:
    """In the portal it takes Linux and two risks, in Exchange one risk."""
    others = {"applications": {"includeApplications": ["All"], "excludeApplications": [EXCHANGE]}}
    asked = (
        policy("calm", conditions={"signInRiskLevels": ["none"]}),
        policy("calm people", conditions={"userRiskLevels": ["none"]} | others),
        policy("but Linux", conditions=_LINUX | others),
    )
    _, found = _found(*asked, LEGACY)
    assert "a member in no group signs in with a password to Exchange at low sign-in risk" in found


def test_mfa_for_all_leaves_no_gap() -> None:
    assert _found(MFA, LEGACY)[0] is Status.OK
