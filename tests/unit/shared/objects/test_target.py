"""What an object is to be after a write."""

from collections.abc import Mapping

import pytest

from shared.model.kinds import Json
from shared.model.objects import EXISTS, Leaves, Op, Step
from shared.objects.target import target_leaves
from tests.fakes.object_stories import lamp


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
