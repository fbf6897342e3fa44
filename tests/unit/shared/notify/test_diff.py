import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import BREAK_GLASS_2, GLOBAL_ADMINISTRATOR, MALLORY, OWNER, role_definition_id
from shared.model.events import Change
from shared.notify.diff import Difference, diff_of, with_name
from tests.fakes.card_cases import AFTER, BEFORE, text_of

NAMES = {BREAK_GLASS_2.id: "break-glass account"}


def between(old: object, new: object, *, name: str = "ConditionalAccessPolicy") -> tuple[Difference, ...]:
    change = Change(
        name=name,
        old=None if old is None else json.dumps(old),
        new=None if new is None else json.dumps(new),
    )
    return diff_of((change,), {})


def test_of_a_changed_policy_only_the_paths_that_differ_are_told_the_telling_ones_first() -> None:
    change = Change(name="ConditionalAccessPolicy", old=text_of(BEFORE), new=text_of(AFTER))
    state, users, session = diff_of((change,), NAMES)
    assert state == Difference(path="state", old="enabled", new="enabledForReportingButNotEnforced")
    assert users == Difference(
        path="conditions.users.excludeUsers",
        added=(MALLORY.id,),
        removed=(f"break-glass account ({BREAK_GLASS_2.id})",),
        kept=1,
    )
    assert (session.path, session.new) == ("sessionControls", None)
    assert session.old is not None
    assert session.old.startswith("signInFrequency.value 12, signInFrequency.type hours")


def test_a_new_policy_is_told_leaf_by_leaf_without_what_graph_adds() -> None:
    found = between(None, BEFORE)
    assert [one.path for one in found][:3] == [
        "state",
        "conditions.users.includeUsers",
        "conditions.users.excludeUsers",
    ]
    assert not {"id", "modifiedDateTime"} & {one.path for one in found}
    assert all(one.old is None and not one.removed for one in found)


def test_a_deleted_policy_is_told_leaf_by_leaf() -> None:
    found = between(BEFORE, None)
    assert found[0] == Difference(path="state", old="enabled", new=None)
    assert all(one.new is None and not one.added for one in found)


@pytest.mark.parametrize(("old", "new"), [(None, []), ([], None), ({}, None), ("", None), ([], [])])
def test_null_absent_and_empty_are_the_same(old: Any, new: Any) -> None:  # noqa: ANN401 - JSON
    assert between({"a": old, "b": 1}, {"a": new, "b": 2}) == (Difference(path="b", old="1", new="2"),)
    assert between({"b": 1}, {"a": new, "b": 2}) == (Difference(path="b", old="1", new="2"),)


def test_a_list_in_another_order_is_told_as_text() -> None:
    assert between({"a": ["x", "y"]}, {"a": ["y", "x"]}) == (Difference(path="a", old='["x","y"]', new='["y","x"]'),)


def test_members_of_a_list_that_are_objects_are_compared_whole() -> None:
    found = between({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"x": 2}, {"x": 3}]})
    assert found == (Difference(path="a", added=("x 3",), removed=("x 1",), kept=1),)


def test_only_a_newer_date_is_still_told() -> None:
    found = between({"modifiedDateTime": "a"}, {"modifiedDateTime": "b"})
    assert [one.path for one in found] == ["modifiedDateTime"]


def test_other_properties_keep_their_names() -> None:
    found = between({"a": 1}, {"a": 2}, name="TargetResource")
    assert [one.path for one in found] == ["TargetResource.a"]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (
            Change(name="state", old='"enabled"', new='"disabled"'),
            Difference(path="state", old="enabled", new="disabled"),
        ),
        (Change(name="state", old="enabled", new=None), Difference(path="state", old="enabled", new=None)),
        (Change(name="state", old="null", new="on"), Difference(path="state", old=None, new="on")),
        (Change(name="state"), Difference(path="state")),
        (Change(name="broken", old='{"a":', new='{"a":1'), Difference(path="broken", old='{"a":', new='{"a":1')),
        (Change(name="deep", old="[" * 5_000, new="x"), Difference(path="deep", old="[" * 5_000, new="x")),
        (Change(name="half", old='"\ud800"', new="x"), Difference(path="half", old='"\ud800"', new="x")),
    ],
)
def test_texts_are_unwrapped_where_they_are_json(change: Change, difference: Difference) -> None:
    assert diff_of((change,), {}) == (difference,)


def test_a_property_that_did_not_change_is_not_told() -> None:
    assert diff_of((Change(name="same", old="a", new="a"), Change(name="b", old="1", new="2")), {}) == (
        Difference(path="b", old="1", new="2"),
    )


def test_of_two_long_texts_the_part_that_differs_is_told() -> None:
    old = "<a>" + "x" * 5_000 + "GOOD" + "y" * 5_000
    new = "<a>" + "x" * 5_000 + "EVIL" + "y" * 5_000
    (found,) = diff_of((Change(name="xml", old=old, new=new),), {})
    assert found.old == f"… {'x' * 24}GOOD{'y' * 24} …"
    assert found.new == f"… {'x' * 24}EVIL{'y' * 24} …"


@given(st.text("ab", max_size=400), st.text("ab", max_size=400))
def test_two_texts_that_differ_are_never_told_as_equal(old: str, new: str) -> None:
    for found in diff_of((Change(name="text", old=old, new=new),), {}):
        assert old != new
        assert found.old != found.new


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (GLOBAL_ADMINISTRATOR, f"Global Administrator ({GLOBAL_ADMINISTRATOR})"),
        (GLOBAL_ADMINISTRATOR.upper(), f"Global Administrator ({GLOBAL_ADMINISTRATOR})"),
        (role_definition_id(OWNER), f"Owner ({OWNER})"),
        (BREAK_GLASS_2.id, f"break-glass account ({BREAK_GLASS_2.id})"),
        (MALLORY.id, MALLORY.id),
        (f"x{OWNER}", f"x{OWNER}"),
        ("All", "All"),
    ],
)
def test_ids_that_are_known_are_named(value: str, named: str) -> None:
    assert with_name(value, NAMES) == named


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, JSON)
def test_any_two_images_can_be_compared(old: Any, new: Any) -> None:  # noqa: ANN401 - JSON
    between(old, new)


@given(JSON)
def test_an_image_does_not_differ_from_itself(image: Any) -> None:  # noqa: ANN401 - JSON
    assert all(one.old is None and one.new is None for one in between(image, image))
