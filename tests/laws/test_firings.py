"""Every guard has a reason to object in random stories, or is named with the test that has one."""

import re
from pathlib import Path
from typing import Final

import pytest

from shared.objects.guards import GUARDS
from tests.laws.firings import ELSEWHERE, IN_STORIES

_ROOT: Final = Path(__file__).parents[2]
_ID: Final = re.compile(r'(?:guard=|_by_hand\(|_objection\(|GUARD: Final = |_REFUSED: Final = )"([a-z-]+)"')
_PLACES: Final = ("shared/respond", "responders/kinds")


def _guards() -> set[str]:
    modules = (each for place in _PLACES for each in (_ROOT / place).glob("*.py"))
    return {guard.id for guard in GUARDS} | {one for module in modules for one in _ID.findall(module.read_text())}


def test_every_guard_is_in_stories_or_has_its_reason_in_a_test() -> None:
    assert not IN_STORIES & ELSEWHERE.keys()
    assert _guards() == IN_STORIES | ELSEWHERE.keys()


@pytest.mark.parametrize("guard", sorted(ELSEWHERE))
def test_the_test_that_is_named_is_there(guard: str) -> None:
    path, _, name = ELSEWHERE[guard][1].partition("::")
    assert f"def {name}(" in (_ROOT / path).read_text()
