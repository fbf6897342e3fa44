from typing import Any, cast

import msgspec
import pytest

from shared.model.objects import WHOLE, LeafVerdict, Verdict
from shared.respond.act_guards import objections_to
from tests.fakes.object_stories import Story

_EDITED = Story().change(600, "Mallory", state=("on", "off"))
_NOTHING: Any = cast("Any", None)


@pytest.mark.parametrize(
    ("verdicts", "because"),
    [
        pytest.param(
            {"colour": LeafVerdict(verdict=Verdict.DRIFT), "state": LeafVerdict(verdict=Verdict.WAIT_STALE)},
            "what was read is out of date",
            id="what was read is old",
        ),
        pytest.param(
            {"state": LeafVerdict(verdict=Verdict.DRIFT)},
            "what stands isn't as it was when the plan was made",
            id="somebody wrote it since",
        ),
    ],
)
def test_where_a_plan_waits_for_what_stands_it_says_so(verdicts: dict[str, LeafVerdict], because: str) -> None:
    """None of the leaves that were asked for would be written: no guard is asked, and nothing is read for one."""
    plan = msgspec.structs.replace(_EDITED.plan(700, state="off"), verdicts=verdicts)
    found = objections_to(_NOTHING, plan, (), (), _NOTHING)
    assert (found.keys(), found[WHOLE].guard, found[WHOLE].can_pass) == ({WHOLE}, "waits", True)
    assert found[WHOLE].because == because
