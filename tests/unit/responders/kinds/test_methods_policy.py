"""The authentication methods policy: its leaves, what is sent, and that no emergency account loses its last method."""

import copy
from typing import Any

import pytest

from infra.local.tenant.simulated.methods_policy import SIMULATED
from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2
from responders.kinds.methods_policy import ID, METHODS_POLICY, leaves
from shared.model.errors import Unreachable
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS
from tests.fakes.kinds import objections, write_of
from tests.fakes.tenant import Answer, FakeTenant, Request
from tests.laws.world import changed

_BOTH = frozenset({BREAK_GLASS_1.id, BREAK_GLASS_2.id})
_KEYS = {each: ["passKeyDeviceBound"] for each in sorted(_BOTH)}
_FIRST: Image = SIMULATED.samples[0].image


def _tenant(registrations: dict[str, list[str]] = _KEYS, **edits: Any) -> FakeTenant:  # noqa: ANN401 - values of leaves
    """Give a tenant in which some leaves were changed; "__" stands for the dot in their names."""
    tenant = FakeTenant(registrations=dict(registrations))
    named = {leaf.replace("__", "."): value for leaf, value in edits.items()}
    tenant.shelves[ObjectKind.METHODS_POLICY][ID] = changed(copy.deepcopy(_FIRST), named)
    return tenant


def _policy(tenant: FakeTenant) -> Image:
    found = METHODS_POLICY.read(tenant.edges(), ID)
    assert found is not None
    return found


_BEFORE = leaves(_policy(_tenant()))


def _put_back(tenant: FakeTenant) -> None:
    METHODS_POLICY.write(tenant.edges(), write_of(METHODS_POLICY, ID, _policy(tenant), _BEFORE))


def _objected(tenant: FakeTenant) -> dict[str, str]:
    found = objections(METHODS_POLICY, tenant.edges(), ID, _policy(tenant), _BEFORE, emergency=_BOTH)
    return {leaf: each.because for leaf, each in found.items()}


def test_each_property_of_each_method_is_a_leaf() -> None:
    assert _BEFORE[EXISTS] is True
    assert (_BEFORE["Fido2.state"], _BEFORE["Sms.state"]) == ("enabled", "disabled")
    assert "Fido2.includeTargets" in _BEFORE
    assert not {"id", "displayName", "policyVersion", "Fido2.id", "Fido2.@odata.type"} & _BEFORE.keys()


def test_a_new_description_or_version_is_no_difference() -> None:
    moved = _policy(_tenant()) | {"policyVersion": "1.6", "description": "x", "lastModifiedDateTime": "2026-03-02"}
    assert leaves(moved) == _BEFORE


def test_one_request_a_method_has_what_differs_and_the_type() -> None:
    tenant = _tenant(Sms__state="enabled", TemporaryAccessPass__isUsableOnce=False)
    _put_back(tenant)
    assert [(each.url.rpartition("/")[2], each.body) for each in tenant.writes] == [
        ("Sms", {"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "state": "disabled"}),
        (
            "TemporaryAccessPass",
            {
                "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
                "isUsableOnce": True,
            },
        ),
    ]
    assert leaves(_policy(tenant)) == _BEFORE


def test_a_request_that_is_lost_keeps_none_of_the_others_back() -> None:
    tenant = _tenant(Sms__state="enabled", TemporaryAccessPass__isUsableOnce=False)

    def cut(_number: int, request: Request) -> Answer | None:
        if request.url.endswith("/Sms"):
            raise Unreachable("the connection was cut")
        return None

    tenant.spoil = cut
    with pytest.raises(Unreachable):
        _put_back(tenant)
    assert {leaf for leaf, value in leaves(_policy(tenant)).items() if value != _BEFORE[leaf]} == {"Sms.state"}


def test_no_method_is_taken_away_where_another_could_not_be_switched_on() -> None:
    """An emergency account may have those two alone."""
    tenant = _tenant(MicrosoftAuthenticator__state="disabled", Sms__state="enabled")

    def cut(_number: int, request: Request) -> Answer | None:
        if request.url.endswith("/MicrosoftAuthenticator"):
            raise Unreachable("the connection was cut")
        return None

    tenant.spoil = cut
    with pytest.raises(Unreachable):
        _put_back(tenant)
    standing = leaves(_policy(tenant))
    assert (standing["MicrosoftAuthenticator.state"], standing["Sms.state"]) == ("disabled", "enabled")


def test_the_campaign_that_asks_people_to_register_is_put_back_by_the_policy_itself() -> None:
    tenant = _tenant(registrationEnforcement={"authenticationMethodsRegistrationCampaign": {"state": "disabled"}})
    _put_back(tenant)
    assert [each.url for each in tenant.writes] == ["/policies/authenticationMethodsPolicy"]
    assert leaves(_policy(tenant)) == _BEFORE


def test_microsofts_migration_of_methods_is_left_to_people() -> None:
    assert list(_objected(_tenant(policyMigrationState="preMigration"))) == ["policyMigrationState"]


@pytest.mark.parametrize(
    "edits", [{"Fido2__state": "disabled"}, {"MicrosoftAuthenticator__state": "disabled"}], ids=["keys", "telephones"]
)
def test_a_method_that_is_switched_on_again_takes_nothing_from_anybody(edits: dict[str, str]) -> None:
    tenant = _tenant({}, **edits)
    tenant.log.clear()
    assert _objected(tenant) == {}
    assert not [each for each in tenant.log if "userRegistrationDetails" in each.url], "there is nothing to ask"


def test_a_method_that_nobody_needs_is_switched_off() -> None:
    assert _objected(_tenant(Sms__state="enabled")) == {}


@pytest.mark.parametrize(
    "methods",
    [["mobilePhone"], [], ["windowsHelloForBusiness"], None],
    ids=["only that one", "none", "one the policy doesn't have", "not reported"],
)
def test_an_emergency_account_that_would_be_left_without_one_keeps_it_on(methods: list[str] | None) -> None:
    kept = {BREAK_GLASS_1.id: _KEYS[BREAK_GLASS_1.id]} | ({} if methods is None else {BREAK_GLASS_2.id: methods})
    found = _objected(_tenant(kept, Sms__state="enabled"))
    assert list(found) == ["Sms.state"]
    assert BREAK_GLASS_2.id in found["Sms.state"]
    assert BREAK_GLASS_1.id not in found["Sms.state"]


def test_a_key_counts_only_while_keys_stay_as_they_are() -> None:
    """Who may use keys would be narrowed again, and whether the account is among them isn't known."""
    found = _objected(_tenant(Fido2__includeTargets=[{"id": "a group", "targetType": "group"}], Sms__state="enabled"))
    assert set(found) == {"Fido2.includeTargets", "Sms.state"}


_GROUP = [{"id": "0c0ffee0-0000-4000-8000-000000000001", "targetType": "group"}]


@pytest.mark.parametrize(
    "targets",
    [{"includeTargets": _GROUP}, {"includeTargets": []}, {"excludeTargets": _GROUP}],
    ids=["a group alone", "nobody", "all but a group"],
)
def test_a_key_counts_only_where_everybody_may_use_keys(targets: Image) -> None:
    """Whether the account is in the group isn't known."""
    tenant = _tenant(Sms__state="enabled")
    policy = tenant.shelves[ObjectKind.METHODS_POLICY][ID]
    policy["Fido2"] = policy["Fido2"] | targets
    before = {leaf: value for leaf, value in _BEFORE.items() if leaf != "Fido2.includeTargets"}
    before |= {leaf: value for leaf, value in leaves(_policy(tenant)).items() if leaf.startswith("Fido2.")}
    found = objections(METHODS_POLICY, tenant.edges(), ID, _policy(tenant), before, emergency=_BOTH)
    assert list(found) == ["Sms.state"]


def test_a_report_that_cannot_be_read_keeps_it_on() -> None:
    tenant = _tenant(Sms__state="enabled")

    def spoil(_number: int, request: Request) -> Answer | None:
        if "userRegistrationDetails" in request.url:
            raise Unreachable("the connection was cut")
        return None

    tenant.spoil = spoil
    assert "can't be read: the connection was cut" in _objected(tenant)["Sms.state"]
