"""When two policies are the same, and what may be sent to Graph."""

from typing import Any

import pytest

from responders.remediations.ca_policy_json import (
    are_same,
    differing,
    leaf_changes,
    new_policy,
    newly_reached,
    value_to_send,
)
from shared.model.events import Change
from tests.fakes.situations import EMERGENCY_ACCOUNT, MALLORY, ca_policy, with_users


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": None}, {}),
        (["b", "a"], ["a", "b"]),
        (["a", "a"], ["a"]),
        ({"ids": ["A1"]}, {"ids": ["a1"]}),
        ({"x@odata.context": "y"}, {}),
        ([{"a": 1, "b": None}], [{"a": 1}]),
    ],
)
def test_values_that_mean_the_same(one: Any, other: Any) -> None:  # noqa: ANN401 - JSON
    assert are_same(one, other)
    assert are_same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"excludeUsers": []}, {"excludeUsers": None}),
        ({"excludeUsers": []}, {}),
        ({"a": 1}, {"a": True}),
        ("12", 12),
        (["a"], ["a", "b"]),
        ({"displayName": "CA1"}, {"displayName": "ca1"}),
        ({"a": {}}, {"a": None}),
    ],
)
def test_values_that_differ(one: Any, other: Any) -> None:  # noqa: ANN401 - JSON
    assert not are_same(one, other)
    assert not are_same(other, one)


def test_what_graph_sets_is_no_difference() -> None:
    later = ca_policy(id="x", templateId="t", modifiedDateTime="2026-03-02T10:00:00Z", createdDateTime=None)
    assert differing(ca_policy(), later | {"@odata.context": "c"}) == ()


def test_an_expanded_strength_is_the_same_as_its_id() -> None:
    controls = ca_policy()["grantControls"]
    expanded = {**controls["authenticationStrength"], "displayName": "x", "allowedCombinations": ["fido2"]}
    assert differing(ca_policy(), ca_policy(grantControls={**controls, "authenticationStrength": expanded})) == ()


def test_a_vanished_property_is_a_difference() -> None:
    without = ca_policy()
    del without["grantControls"]
    assert differing(ca_policy(), without) == ("grantControls",)


def test_a_new_policy_has_nothing_that_graph_refuses() -> None:
    expanded = ca_policy()
    expanded["grantControls"]["authenticationStrength"]["displayName"] = "Phishing-resistant MFA"
    expanded["grantControls"]["authenticationStrength@odata.context"] = "https://graph.microsoft.com/…"
    body = new_policy(expanded)
    assert body.keys() == {"displayName", "state", "conditions", "grantControls"}
    assert body["grantControls"]["authenticationStrength"] == {"id": "00000000-0000-0000-0000-000000000004"}
    assert "@odata" not in str(body)
    assert "platforms" not in body["conditions"]
    assert body["conditions"]["applications"]["excludeApplications"] == []


def test_a_nested_property_is_cleared_only_where_something_stands() -> None:
    standing = {"signInFrequency": {"value": 1}, "persistentBrowser": {"mode": "always"}, "cloudAppSecurity": None}
    wanted = {"signInFrequency": {"value": 12, "type": None}, "persistentBrowser": None}
    assert value_to_send(wanted, standing) == {"signInFrequency": {"value": 12}, "persistentBrowser": None}


def test_types_stay_where_graph_needs_them() -> None:
    guests = {"externalTenants": {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants"}}
    assert value_to_send(guests, None) == guests


def test_changes_are_told_by_path() -> None:
    standing = with_users(ca_policy(state="disabled"), excludeUsers=[MALLORY.id])
    assert leaf_changes(standing, ca_policy()) == (
        Change(name="conditions.users.excludeUsers", old=f'["{MALLORY.id}"]', new=f'["{EMERGENCY_ACCOUNT}"]'),
        Change(name="state", old="disabled", new="enabled"),
    )


def test_who_is_reached_again() -> None:
    standing = with_users(ca_policy(), excludeUsers=[EMERGENCY_ACCOUNT, MALLORY.id.upper()], includeUsers=["None"])
    assert newly_reached(standing, ca_policy()) == {MALLORY.id}
    assert newly_reached(ca_policy(), standing) == frozenset()
    assert newly_reached(ca_policy(conditions={}), ca_policy(conditions=None)) == frozenset()
