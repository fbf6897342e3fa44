"""The functions host is killed (kill -9) in the middle of answering and started again, at every boundary.

No case is lost, nothing is put back twice, and the owners are told.
"""

from dataclasses import dataclass
from typing import Final

import pytest

from infra.local import story
from infra.local.stack import EVIDENCE_ACCOUNT, HOST_ACCOUNT
from infra.local.story import Scene
from shared.model.cases import Case
from shared.model.kinds import Mode
from tests.stack.faults.running_stack import RunningStack

pytestmark = pytest.mark.stack


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    """A change, and the `METHOD path` of the one call by which it is put back."""

    scene: Scene
    act: str


_ASSIGNMENT: Final = _Flow(scene=story.OWNER_TAKEN, act="DELETE /subscriptions/")
_CHANGED: Final = _Flow(scene=story.SELF_EXCLUSION, act="PATCH /v1.0/identity/conditionalAccess/policies/")
_DELETED: Final = _Flow(scene=story.POLICY_DELETED, act="POST /v1.0/identity/conditionalAccess/policies$")
_CUSTOM: Final = _Flow(scene=story.CUSTOM_POLICY_UPLOADED, act="DELETE /beta/trustFramework/policies/")

_EVIDENCE: Final = f"PUT /{EVIDENCE_ACCOUNT}/evidence/.*/record-"
_ROW: Final = f"POST /{HOST_ACCOUNT}/Cases$"
_MESSAGE: Final = f"POST /{HOST_ACCOUNT}/cases/messages$"
_BEFORE_IMAGE: Final = f"PUT /{EVIDENCE_ACCOUNT}/evidence/.*/before-"
_OUTBOX: Final = f"POST /{HOST_ACCOUNT}/Outbox$"
_TEAMS: Final = "POST /workflows/"
_PAGERDUTY: Final = "POST /v2/enqueue$"


@pytest.mark.parametrize("flow", [_ASSIGNMENT, _CHANGED], ids=["by Event Grid", "by polling"])
def test_after_the_evidence_was_written(running: RunningStack, flow: _Flow) -> None:
    _killed(running, flow, _EVIDENCE, after=True)


def test_after_the_row_was_inserted(running: RunningStack) -> None:
    """Both doors in one test: what has a row and no message is left alone for half a minute, then taken up."""
    targets = [_killed_at(running, flow, _ROW, after=True) for flow in (_ASSIGNMENT, _CUSTOM)]
    for flow, target_id in zip((_ASSIGNMENT, _CUSTOM), targets, strict=True):
        _assert_put_back(running, flow, target_id)
    assert len(running.acts()) == len(targets), running.acts()


def test_after_the_message_was_sent(running: RunningStack) -> None:
    _killed(running, _ASSIGNMENT, _MESSAGE, after=True)


def test_after_the_before_image_was_kept(running: RunningStack) -> None:
    _killed(running, _ASSIGNMENT, _BEFORE_IMAGE, after=True)


_EACH: Final = pytest.mark.parametrize(
    "flow",
    [_ASSIGNMENT, _CHANGED, _DELETED, _CUSTOM],
    ids=["role assignment", "policy changed", "policy deleted", "custom policy"],
)


@_EACH
def test_before_the_tenant_got_the_call(running: RunningStack, flow: _Flow) -> None:
    _killed(running, flow, flow.act, after=False)


@_EACH
def test_after_the_tenant_carried_the_call_out(running: RunningStack, flow: _Flow) -> None:
    _killed(running, flow, flow.act, after=True)


def test_after_the_page_was_written_down(running: RunningStack) -> None:
    _killed(running, _ASSIGNMENT, _OUTBOX, after=True)


@pytest.mark.parametrize("flow", [_ASSIGNMENT, _CHANGED], ids=["role assignment", "policy changed"])
def test_before_teams_accepted_the_page(running: RunningStack, flow: _Flow) -> None:
    case = _killed(running, flow, _TEAMS, after=False)
    assert len(running.posts(case, "teams")) == 1


def test_after_pagerduty_took_the_alert(running: RunningStack) -> None:
    """Nobody can know that it was taken, so it is sent again: PagerDuty folds both into one alert."""
    running.desk.controls.set_mode("*", Mode.PAGE, by="the test", reason="to see what follows")
    target_id = _killed_at(running, _ASSIGNMENT, _PAGERDUTY, after=True)
    case = running.closed(_ASSIGNMENT.scene, target_id)
    running.until(lambda: len(running.posts(case, "pagerduty")) > 1, what="the alert wasn't sent again")
    assert len(running.alerts(case)) == 1
    assert running.until(lambda: running.posts(case, "teams"), what="no card came")
    assert running.acts() == []


def _killed(running: RunningStack, flow: _Flow, match: str, *, after: bool) -> Case:
    """Make a change, kill the host at a request that follows from it, start it again, and look at the end of it."""
    target_id = _killed_at(running, flow, match, after=after)
    case = _assert_put_back(running, flow, target_id)
    assert len(running.acts()) == 1, running.acts()
    return case


def _killed_at(running: RunningStack, flow: _Flow, match: str, *, after: bool) -> str:
    restart = running.kill_at(match, after=after)
    target_id = flow.scene.act(running.stack.control)
    restart()
    return target_id


def _assert_put_back(running: RunningStack, flow: _Flow, target_id: str) -> Case:
    scene = flow.scene
    case = running.closed(scene, target_id)
    assert (case.decision, case.outcome) == (scene.decision, scene.outcome), case
    running.until(lambda: running.posts(case, "teams"), what="no card came")
    running.ask_again(case)
    assert scene.check(running.stack.control.state()) == ""
    return case
