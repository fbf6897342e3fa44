from typing import Any, Final

import pytest

from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import EXISTS, Op, Step
from shared.objects.comparing import carry_out, differences, is_same, member_of, unit_of
from tests.fakes.object_stories import LAMP, RULES, Story

_MEMBER: Final = "guests[Ann]"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("on", "on", True),
        ("on", "ON", True),
        (None, "", True),
        ("on", "off", False),
        ("on", None, False),
        (1, 1.0, True),
        (True, False, False),
    ],
)
def test_equal_values_are_the_same_and_of_others_the_kind_decides(one: Json, other: Json, *, same: bool) -> None:
    assert is_same(RULES, "state", one, other) is same
    assert is_same(RULES, "state", other, one) is same


def test_what_is_equal_is_the_same_whatever_the_kind_says() -> None:
    never = LeafRules(same=lambda _leaf, _one, _other: False, is_joint=lambda _leaf: False)
    assert is_same(never, "body", ["Ann"], ["Ann"])
    assert not is_same(never, "body", ["Ann"], ["Bea"])


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({}, {}, {}),
        ({"state": "on"}, {"state": "ON"}, {}),
        ({"state": "on"}, {"state": "off"}, {"state": ("on", "off")}),
        ({"state": "on"}, {}, {"state": ("on", None)}),
        ({}, {"state": "on"}, {"state": (None, "on")}),
        ({"state": ""}, {}, {}),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": (1, None), "b": (2, 3), "c": (None, 4)}),
    ],
)
def test_leaves_differ_of_either_version(
    before: dict[str, Json], after: dict[str, Json], found: dict[str, Step]
) -> None:
    assert differences(RULES, before, after) == found


@pytest.mark.parametrize(("leaf", "unit", "member"), [("state", "state", ""), (_MEMBER, "guests", "Ann")])
def test_a_member_is_written_with_its_whole_list(leaf: str, unit: str, member: str) -> None:
    assert (unit_of(leaf), member_of(leaf)) == (unit, member)


@pytest.mark.parametrize(
    ("op", "wrote", "stands"),
    [
        (Op.UPDATE, {"state": ("on", "off")}, LAMP | {"state": "off"}),
        (Op.UPDATE, {}, LAMP),
        (Op.CREATE, {"state": (None, "off")}, {EXISTS: True, "state": "off"}),
        (Op.CREATE, {}, {EXISTS: True}),
        (Op.DELETE, {"state": ("on", None)}, {}),
        (Op.DELETE, {"state": (None, "off")}, {}),
    ],
)
def test_a_change_is_carried_out_as_far_as_its_record_tells(
    op: Op, wrote: dict[str, Any], stands: dict[str, Json]
) -> None:
    (judged,) = Story().change(600, "Mallory", op, **wrote).changes
    leaves = dict(LAMP)
    carry_out(judged.change, leaves)
    assert leaves == stands


@pytest.mark.parametrize("op", [Op.UPDATE, Op.DELETE])
def test_only_what_made_an_object_says_that_it_is_there(op: Op) -> None:
    (judged,) = Story().change(600, "Mallory", op).changes
    leaves: dict[str, Json] = {}
    carry_out(judged.change, leaves)
    assert leaves == {}
