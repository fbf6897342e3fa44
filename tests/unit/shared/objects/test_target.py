"""What an object is to be after a write."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.model.kinds import Json
from shared.model.objects import EXISTS, Leaves, Op, Step
from shared.objects.target import target_leaves
from tests.fakes.object_stories import LAMP, Story, lamp


@pytest.mark.parametrize(
    ("stands", "op", "steps", "target"),
    [
        pytest.param(
            lamp(),
            Op.UPDATE,
            {"state": ("on", "off"), "colour": ("red", None)},
            lamp(state="off", colour=None),
            id="set",
        ),
        pytest.param(lamp(), Op.UPDATE, {"session": (None, "x")}, lamp(session="x"), id="added"),
        pytest.param(
            {}, Op.CREATE, {EXISTS: (None, True), "state": (None, "on")}, {EXISTS: True, "state": "on"}, id="made"
        ),
        pytest.param(lamp(), Op.DELETE, {EXISTS: (True, None)}, {}, id="deleted: nothing is left"),
    ],
)
def test_the_target_is_what_stands_with_the_steps(
    stands: Leaves, op: Op, steps: Mapping[str, Step], target: dict[str, Json]
) -> None:
    assert target_leaves(stands, op, steps) == target


@pytest.mark.parametrize(
    ("story", "stands", "steps"),
    [
        pytest.param(
            Story().seen(100, state="ON").change(600, "Mallory", state=("on", "off")),
            {"state": "off"},
            {"state": ("off", "ON")},
            id="in the spelling of the service",
        ),
        pytest.param(
            Story().seen(100, session="").change(600, "Mallory", session=(None, "x")),
            {"session": "x"},
            {"session": ("x", None)},
            id="what isn't to be there is taken away, however a version spelled that it was empty",
        ),
        pytest.param(
            Story().filled(100, "session", "x").change(600, "Mallory", Op.DELETE),
            {"gone": True},
            {leaf: (None, value) for leaf, value in LAMP.items()},
            id="made again without what the service filled in",
        ),
        pytest.param(
            Story().filled(100, "session", "x").accepted(200, session="x").change(600, "Mallory", Op.DELETE),
            {"gone": True},
            {leaf: (None, value) for leaf, value in (LAMP | {"session": "x"}).items()},
            id="... unless somebody has accepted that",
        ),
    ],
)
def test_what_is_written_is_the_baselines(story: Story, stands: dict[str, Any], steps: dict[str, Step]) -> None:
    assert story.plan(5000, **stands).steps == steps
