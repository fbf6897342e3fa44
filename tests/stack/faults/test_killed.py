"""The functions host is killed (kill -9) in the middle of answering and started again, at every boundary.

No case is lost, nothing is put back twice, and the owners are told.
"""

from collections import Counter
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

_ROLE_GIVEN: Final = {
    "evidence": f"PUT /{EVIDENCE_ACCOUNT}/evidence/.*/record-",
    "due": f"PUT /{HOST_ACCOUNT}/Due",
    "change": f"POST /{HOST_ACCOUNT}/Changes$",
    "lease": f"POST /{HOST_ACCOUNT}/.batch Leases$",
    "intent": f"POST /{HOST_ACCOUNT}/.batch Objects$",
    "version": f"PUT /{HOST_ACCOUNT}/snapshots/",
    "before-image": f"PUT /{EVIDENCE_ACCOUNT}/evidence/.*/before-",
    "spent": f"POST /{HOST_ACCOUNT}/.batch Switches$",
}
"""What is written before the tenant is, in this order; parts of a round side by side."""

_WRITTEN: Final = {
    "own change": f"POST /{HOST_ACCOUNT}/Changes$",
    "booked": f"POST /{HOST_ACCOUNT}/.batch Objects$",
    "case": f"POST /{HOST_ACCOUNT}/Cases$",
    "case moved": rf"PUT /{HOST_ACCOUNT}/Cases\(",
    "page": f"POST /{HOST_ACCOUNT}/Outbox$",
}
"""What is written after the tenant was, in this order."""

_PAGE: Final = f"POST /{HOST_ACCOUNT}/Outbox$"
_SETTLED: Final = {
    "state": f"POST /{HOST_ACCOUNT}/.batch Objects$",
    "lease released": rf"DELETE /{HOST_ACCOUNT}/Leases\(",
    "due removed": rf"DELETE /{HOST_ACCOUNT}/Due\(",
}
"""What is written after the page was, in this order."""

_MESSAGE: Final = f"POST /{HOST_ACCOUNT}/cases/messages$"
_TEAMS: Final = "POST /workflows/"
_PAGERDUTY: Final = "POST /v2/enqueue$"

_counts: Final = Counter[str]()
"""Kills so far, and the cases and writes that there were in all: one each for every kill. Shown by `pytest -s`."""


@pytest.mark.parametrize("boundary", _ROLE_GIVEN)
def test_before_the_tenant_is_written(running: RunningStack, boundary: str) -> None:
    _killed(running, _ASSIGNMENT, _ROLE_GIVEN[boundary], after=True)


@pytest.mark.parametrize("boundary", _WRITTEN)
def test_once_the_tenant_is_written(running: RunningStack, boundary: str) -> None:
    _killed(running, _ASSIGNMENT, _WRITTEN[boundary], after=True, following=_ASSIGNMENT.act)


@pytest.mark.parametrize("boundary", _SETTLED)
def test_once_people_are_told(running: RunningStack, boundary: str) -> None:
    _killed(running, _ASSIGNMENT, _SETTLED[boundary], after=True, following=_PAGE)


@pytest.mark.parametrize("boundary", ["evidence", "due", "change"])
def test_while_a_log_is_read(running: RunningStack, boundary: str) -> None:
    _killed(running, _CHANGED, _ROLE_GIVEN[boundary], after=True)


def test_after_the_message_was_sent(running: RunningStack) -> None:
    _killed(running, _CHANGED, _MESSAGE, after=True)


_EACH: Final = pytest.mark.parametrize(
    "flow",
    [_ASSIGNMENT, _CHANGED, _DELETED, _CUSTOM],
    ids=["role assignment", "policy changed", "policy deleted", "custom policy"],
)


@pytest.mark.parametrize(
    "flow", [_ASSIGNMENT, _CHANGED, _CUSTOM], ids=["role assignment", "policy changed", "custom policy"]
)
def test_before_the_tenant_got_the_call(running: RunningStack, flow: _Flow) -> None:
    _killed(running, flow, flow.act, after=False)


def test_before_the_tenant_got_the_call_that_makes_a_policy_again(running: RunningStack) -> None:
    """A listing may not show for ten minutes what was made: until then people know, and no second one is made."""
    target_id = _killed_at(running, _DELETED, _DELETED.act, after=False)
    case = running.until(lambda: running.held_up(_DELETED.scene, target_id), what="no case was held up")
    assert "may have been made already" in case.because
    running.until(lambda: running.posts(case, "teams"), what="no card came")
    assert running.acts() == []


@_EACH
def test_after_the_tenant_carried_the_call_out(running: RunningStack, flow: _Flow) -> None:
    _killed(running, flow, flow.act, after=True)


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


def _killed(running: RunningStack, flow: _Flow, match: str, *, after: bool, following: str = "") -> Case:
    """Make a change, kill the host at a request that follows from it, start it again, and look at the end of it."""
    target_id = _killed_at(running, flow, match, after=after, following=following)
    case = _assert_put_back(running, flow, target_id)
    writes = len(running.acts())
    _counts.update(kills=1, cases=len(running.cases(flow.scene, target_id)), writes=writes)
    print(f"so far {dict(_counts)}")  # noqa: T201 - pytest shows it on request
    # A policy is made again disabled, and enabled after.
    assert writes == (2 if flow is _DELETED else 1), running.acts()
    return case


def _killed_at(running: RunningStack, flow: _Flow, match: str, *, after: bool, following: str = "") -> str:
    restart = running.kill_at(match, after=after, following=following)
    target_id = flow.scene.act(running.stack.control)
    restart()
    return target_id


def _assert_put_back(running: RunningStack, flow: _Flow, target_id: str) -> Case:
    scene = flow.scene
    case = running.closed(scene, target_id)
    # Of a policy whose write was carried out and never answered, nobody can tell at first who wrote it.
    outcomes = {scene.outcome} if flow is _ASSIGNMENT else {scene.outcome, "already"}
    assert case.decision == scene.decision, case
    assert case.outcome in outcomes, case
    running.until(lambda: running.posts(case, "teams"), what="no card came")
    running.ask_again(case)
    assert scene.check(running.stack.control.state()) == ""
    return case
