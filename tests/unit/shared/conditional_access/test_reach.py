"""What a change of a conditional access policy is to a break-glass account, which is one of its groups' members."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responders.detections.directory_samples import EMERGENCY_GROUP
from responders.detections.samples import BREAK_GLASS, CA_POLICY, PIPELINE
from shared.conditional_access.reach import WORST_FIRST, change_of_reach
from shared.model.privileges import GLOBAL_ADMINISTRATOR

type Policy = dict[str, Any] | None

HELPDESK: Final = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
OTHER_GROUP: Final = "5d8e0b17-c3f6-42a9-b74e-10f2a9c6d853"
REPORT_ONLY: Final = "enabledForReportingButNotEnforced"


def policy(state: str | None = "enabled", **users: list[str] | None) -> dict[str, Any]:
    return CA_POLICY | {"state": state, "conditions": {"clientAppTypes": ["all"], "users": users}}


def reach_between(old: Policy, new: Policy) -> str:
    texts = (None if one is None else json.dumps(one) for one in (old, new))
    return change_of_reach(next(texts), next(texts) or "", account=BREAK_GLASS, groups=frozenset({EMERGENCY_GROUP}))


EVERYBODY: Final = policy(includeUsers=["All"])
NOT_THEM: Final = policy(includeUsers=["All"], excludeUsers=[BREAK_GLASS.upper()])
UNREADABLE: Final = {"conditions": {"users": {"includeUsers": ["All"]}}}


@pytest.mark.parametrize(
    ("new", "reach"),
    [
        (EVERYBODY, "reached"),
        (policy("ENABLED", includeUsers=["all"]), "reached"),
        (policy(includeUsers=[BREAK_GLASS]), "reached"),
        (policy(includeGroups=[EMERGENCY_GROUP], excludeGroups=[]), "reached"),
        (policy(includeRoles=[GLOBAL_ADMINISTRATOR]), "reached"),
        (policy(includeUsers=["All"], excludeUsers=[PIPELINE], excludeRoles=None), "reached"),
        (NOT_THEM, "left-out"),
        (policy(includeUsers=["All"], excludeGroups=[OTHER_GROUP, EMERGENCY_GROUP]), "left-out"),
        (policy(includeUsers=["All"], excludeRoles=[GLOBAL_ADMINISTRATOR]), "left-out"),
        (policy(includeUsers=["None"]), "left-out"),
        (policy(includeUsers=["GuestsOrExternalUsers", PIPELINE]), "left-out"),
        (policy(), "left-out"),
        (policy("disabled", includeUsers=["All"]), "left-out"),
        (policy(REPORT_ONLY, includeUsers=["All"]), "left-out"),
        (policy(includeUsers=["All"], excludeGroups=[OTHER_GROUP]), "unknown"),
        (policy(includeUsers=["All"], excludeRoles=[HELPDESK]), "unknown"),
        (policy(includeGroups=[OTHER_GROUP]), "unknown"),
        (policy(includeRoles=[HELPDESK]), "unknown"),
        (policy("paused", includeUsers=["All"]), "unknown"),
        (policy(None, includeUsers=["All"]), "unknown"),
        (UNREADABLE, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_new_policy_is_judged_by_itself(new: Policy, reach: str) -> None:
    assert reach_between(None, new) == reach


@pytest.mark.parametrize(
    ("old", "new", "reach"),
    [
        (NOT_THEM, EVERYBODY, "reached"),
        (policy("disabled", includeUsers=["All"]), EVERYBODY, "reached"),
        (policy(REPORT_ONLY, includeUsers=["All"]), EVERYBODY, "reached"),
        (policy(includeUsers=["All"], excludeGroups=[OTHER_GROUP]), EVERYBODY, "reached"),
        (UNREADABLE, EVERYBODY, "reached"),
        (EVERYBODY, EVERYBODY | {"displayName": "x"}, "as-before"),
        (EVERYBODY, policy(includeUsers=[BREAK_GLASS]), "as-before"),
        (
            policy(includeRoles=[HELPDESK], excludeUsers=[BREAK_GLASS]),
            policy(includeRoles=[HELPDESK]),
            "exclusion-lost",
        ),
        (policy(excludeGroups=[EMERGENCY_GROUP]), policy(includeGroups=[OTHER_GROUP]), "exclusion-lost"),
        (NOT_THEM, policy(includeUsers=["All"], excludeGroups=[OTHER_GROUP]), "exclusion-lost"),
        (policy("disabled", excludeUsers=[BREAK_GLASS]), policy(includeRoles=[HELPDESK]), "exclusion-lost"),
        (policy(includeRoles=[HELPDESK]), policy(includeRoles=[HELPDESK]), "unknown"),
        (NOT_THEM, {}, "unknown"),
        (NOT_THEM, policy(includeUsers=[PIPELINE]), "left-out"),
        (NOT_THEM, policy("disabled", includeUsers=["All"]), "left-out"),
        (EVERYBODY, NOT_THEM, "left-out"),
    ],
)
def test_a_change_is_judged_against_what_was(old: Policy, new: Policy, reach: str) -> None:
    assert reach_between(old, new) == reach


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"enabled"', '{"state":7}', '{"conditions":[]}', "[" * 5000])
def test_what_is_no_policy_is_unknown(text: str) -> None:
    assert change_of_reach(text, text, account=BREAK_GLASS, groups=frozenset()) == "unknown"


_lists = st.lists(
    st.sampled_from(
        ("All", "None", BREAK_GLASS, PIPELINE, EMERGENCY_GROUP, OTHER_GROUP, GLOBAL_ADMINISTRATOR, HELPDESK)
    ),
    max_size=3,
)
_policies = st.builds(
    policy,
    st.sampled_from(("enabled", "disabled", REPORT_ONLY, "other")),
    **{f"{side}{whom}": _lists for side in ("include", "exclude") for whom in ("Users", "Groups", "Roles")},
)


@given(old=_policies | st.none(), new=_policies)
def test_who_is_left_out_by_name_is_never_reached(old: Policy, new: dict[str, Any]) -> None:
    assert reach_between(old, new) in WORST_FIRST
    users = new["conditions"]["users"]
    excluding = new | {"conditions": {"users": users | {"excludeUsers": [*users["excludeUsers"], BREAK_GLASS]}}}
    assert reach_between(old, excluding) == ("unknown" if new["state"] == "other" else "left-out")


@given(same=_policies)
def test_what_is_no_change_is_no_news(same: dict[str, Any]) -> None:
    assert reach_between(same, same) in {"as-before", "left-out", "unknown"}


@given(old=_policies | st.none(), new=_policies)
def test_who_is_included_by_nothing_is_never_reached(old: Policy, new: dict[str, Any]) -> None:
    """Whatever the policy was before: who isn't named now, nor any role or group, is left out."""
    users = new["conditions"]["users"] | {"includeUsers": [PIPELINE], "includeGroups": [], "includeRoles": []}
    assert reach_between(old, new | {"conditions": {"users": users}}) == (
        "unknown" if new["state"] == "other" else "left-out"
    )
