"""What is around the app fails, comes late or twice: the outcome is the right one, or the owners are told."""

import json
from contextlib import ExitStack
from copy import replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from infra.local import story
from infra.local.browser import Browser
from infra.local.stack import EVIDENCE_ACCOUNT, HOST_ACCOUNT
from infra.local.story import Scene, assign_role
from infra.local.tenant.control import TenantControl
from infra.local.world import (
    ALICE,
    CONTRIBUTOR,
    MALLORY,
    MFA_FOR_ADMINS,
    MFA_FOR_ALL,
    RESPONDER,
    SUBSCRIPTION_SCOPE,
    TRUDY,
    WORKFORCE_TENANT,
)
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE
from shared.model.cases import Case
from shared.model.kinds import Mode
from tests.fakes.queue_service import QueueService
from tests.stack.faults.running_stack import RunningStack, words

pytestmark = pytest.mark.stack

_POLICIES: Final = "/v1.0/identity/conditionalAccess/policies"
_READ_WHOLE: Final = "/beta/identity/conditionalAccess/policies"
_STORAGE: Final = f"/({HOST_ACCOUNT}|{EVIDENCE_ACCOUNT})"
_PAGED: Final = replace(story.OWNER_TAKEN, decision="page", outcome="none")


def _assert_came_of(running: RunningStack, scene: Scene, target_id: str, *outcomes: str) -> Case:
    """Wait for the scene's one case and for its card, and look at the tenant."""
    case = running.closed(scene, target_id)
    assert case.decision == scene.decision, case
    assert case.outcome in (outcomes or (scene.outcome,)), case
    running.until(lambda: running.posts(case, "teams"), what="no card came")
    if scene.decision == "remediate":
        assert scene.check(running.stack.control.state()) == ""
    else:
        assert running.acts() == []
    return case


# The tenant.


def test_429_without_a_hint_from_conditional_access(running: RunningStack) -> None:
    target_id = story.SELF_EXCLUSION.act(running.stack.control)
    running.stack.control.fault(f"PATCH {_POLICIES}/{MFA_FOR_ADMINS.id}", 429, times=2)
    _assert_came_of(running, story.SELF_EXCLUSION, target_id)
    assert len(running.acts()) == 1


def test_429_with_a_hint_from_the_reports(running: RunningStack) -> None:
    """What is asked for is waited for, and what happened meanwhile is found."""
    asked = 4
    running.stack.control.fault("GET /v1.0/auditLogs/directoryAudits", 429, retry_after=asked, times=2)
    _assert_came_of(running, story.SELF_EXCLUSION, story.SELF_EXCLUSION.act(running.stack.control))
    polls = [one for one in running.stack.control.requests() if one["path"].endswith("/directoryAudits")]
    refused = next(poll for poll in polls if poll["status"] == 429)
    later = [poll for poll in polls if poll["principal"] == refused["principal"] and _at(poll) > _at(refused)]
    assert _at(later[0]) - _at(refused) >= timedelta(seconds=asked)


def _at(request: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(request["time"])


@pytest.mark.parametrize("status", [503, 0], ids=["503", "cut"])
def test_reads_that_fail(running: RunningStack, status: int) -> None:
    running.stack.control.fault("GET /subscriptions/.*/roleAssignments/", status, times=2)
    _assert_came_of(running, story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))
    assert len(running.acts()) == 1


@pytest.mark.parametrize(
    ("status", "after"),
    [(500, False), (0, False), (503, True), (0, True)],
    ids=["500", "cut", "503 after it was carried out", "cut after it was carried out"],
)
def test_a_deletion_that_fails(running: RunningStack, status: int, after: bool) -> None:  # noqa: FBT001 - a parameter
    running.stack.control.fault("DELETE /subscriptions/", status, after=after)
    _assert_came_of(running, story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))


@pytest.mark.parametrize("status", [503, 0], ids=["503", "cut"])
def test_a_creation_whose_answer_is_lost(running: RunningStack, status: int) -> None:
    """It isn't sent again blindly: the listing shows that the policy is there, and it is enabled."""
    running.stack.control.fault(f"POST {_POLICIES}$", status, after=True)
    _assert_came_of(running, story.POLICY_DELETED, story.POLICY_DELETED.act(running.stack.control))
    # Only what was answered well counts as an act; the lost creation was carried out all the same.
    assert [act.partition(" ")[0] for act in running.acts()] == ["PATCH"]


def test_a_creation_that_fails(running: RunningStack) -> None:
    """Nobody knows whether it was carried out, until no listing shows it for ten minutes."""
    running.stack.control.fault(f"POST {_POLICIES}$", 503)
    target_id = story.POLICY_DELETED.act(running.stack.control)
    case = running.until(lambda: running.held_up(story.POLICY_DELETED, target_id), what="no case was held up")
    running.until(lambda: running.posts(case, "teams"), what="nobody heard of it")
    assert running.acts() == []
    running.let_listings_catch_up(case)
    _assert_came_of(running, story.POLICY_DELETED, target_id)
    assert [act.partition(" ")[0] for act in running.acts()] == ["POST", "PATCH"]


def test_a_wait_that_outlasts_the_lease(running: RunningStack) -> None:
    """The lane is held for 40 seconds: what waits until it ends must not act after that, and it is decided anew."""
    running.stack.control.fault(f"POST {_POLICIES}$", 429, retry_after=30)
    _assert_came_of(running, story.POLICY_DELETED, story.POLICY_DELETED.act(running.stack.control))
    running.until(lambda: "too much time passed since the look" in running.log(), what="the first run didn't give up")
    assert story.POLICY_DELETED.check(running.stack.control.state()) == ""
    assert [act.partition(" ")[0] for act in running.acts()] == ["POST", "PATCH"]


def test_a_change_while_a_snapshot_is_taken(running: RunningStack) -> None:
    """The snapshot may hold the change, so it isn't what was before it."""
    targets: list[str] = []
    changed = running.proxy.at(
        f"GET {_READ_WHOLE}$",
        lambda: targets.append(story.POLICY_DELETED.act(running.stack.control)),
        after=False,
        cut=False,
    )
    running.run("take_snapshots")
    assert changed.wait(20)
    _assert_came_of(running, story.POLICY_DELETED, targets[0])


@pytest.mark.parametrize("action", ["read", "delete"])
def test_a_permission_that_was_taken_away(running: RunningStack, action: str) -> None:
    permission = f"Microsoft.Authorization/roleAssignments/{action}"
    running.stack.control.revoke(RESPONDER, permission)
    target_id = story.OWNER_TAKEN.act(running.stack.control)
    case = running.until(lambda: running.held_up(story.OWNER_TAKEN, target_id), what="no case was held up")
    for channel in ("teams", "pagerduty"):
        posts = running.until(lambda kind=channel: running.posts(case, kind), what=f"nothing came over {channel}")
        assert permission in words(posts[0])
    assert running.acts() == []


def test_the_token_endpoint_down_for_a_moment(running: RunningStack) -> None:
    running.stack.kill_host()
    running.stack.control.fault("GET /msi/token", 500, times=3)
    running.stack.start_host()
    _assert_came_of(running, story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))


def test_a_lock_that_somebody_removes(running: RunningStack) -> None:
    """The page says which lock it is and what removes it; then the role is taken away without anybody asking."""
    control = running.stack.control
    lock = f"{SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/locks/keep"
    version = {"api-version": "2020-05-01"}
    with control.as_principal(ALICE, "arm") as arm:
        arm.put(lock, params=version, json={"properties": {"level": "CanNotDelete"}}).raise_for_status()
    target_id = story.OWNER_TAKEN.act(control)
    case = running.until(lambda: running.held_up(story.OWNER_TAKEN, target_id), what="no case was held up")
    for channel in ("teams", "pagerduty"):
        posts = running.until(lambda kind=channel: running.posts(case, kind), what=f"nothing came over {channel}")
        assert f"az lock delete --subscription {lock.split('/')[2]} --ids {lock}" in words(posts[0])
    assert running.acts() == []
    with control.as_principal(ALICE, "arm") as arm:
        arm.delete(lock, params=version).raise_for_status()
    running.end_pause(case)
    case = running.closed(story.OWNER_TAKEN, target_id)
    assert case.outcome == "done"
    assert len(running.acts()) == 1


# Records and events.


def test_an_event_that_comes_three_times(running: RunningStack) -> None:
    running.stack.control.plan_next_event(copies=3)
    case = _assert_came_of(running, story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))
    running.until(lambda: len(running.stack.control.delivery_attempts()) >= 3, what="no three deliveries")
    running.ask_again(case)
    assert len(running.acts()) == 1


def test_events_in_the_wrong_order(running: RunningStack) -> None:
    """Mallory takes a role and drops it again; the second event comes first. Nothing is given back to him."""
    control = running.stack.control
    control.plan_next_event(reorder=2)
    target_id = assign_role(control, MALLORY, CONTRIBUTOR, to=MALLORY)
    with control.as_principal(MALLORY, "arm") as arm:
        arm.delete(target_id, params={"api-version": "2022-04-01"}).raise_for_status()
    for detection in ("rbac-role-assigned", "rbac-role-removed"):
        scene = replace(story.THREE_TIMES, detection=detection)
        case = running.closed(scene, target_id)
        assert case.outcome in {"already", "none"}, case
    assert running.acts() == []
    assert story.THREE_TIMES.check(control.state()) == ""


def test_records_late_twice_and_out_of_order(running: RunningStack) -> None:
    """Two policies are changed twice each; both get back to how they were before the first change."""
    control = running.stack.control
    before = _policies(control)
    control.settings(audit_lag=1.0, audit_jitter=4.0)
    control.double_next_records(8, tenant=WORKFORCE_TENANT)
    for actor, policy, body in _FOUR_CHANGES:
        with control.as_principal(actor) as graph:
            graph.patch(f"{_POLICIES}/{policy}", json=body).raise_for_status()
    running.until(lambda: _closed(running, "ca-policy-updated") == len(_FOUR_CHANGES), what="not four closed cases")
    cases = [(case.target.name, case.decision, case.outcome, case.because, case.proof) for case in running.desk.cases()]
    assert _policies(control) == before, cases
    assert len(running.acts()) <= len(_FOUR_CHANGES)


_SESSION: Final = MFA_FOR_ALL.body["sessionControls"]["signInFrequency"]
_FOUR_CHANGES: Final = (
    (MALLORY, MFA_FOR_ADMINS.id, {"state": "enabledForReportingButNotEnforced"}),
    (MALLORY, MFA_FOR_ALL.id, {"sessionControls": {"signInFrequency": {**_SESSION, "value": 60}}}),
    (TRUDY, MFA_FOR_ADMINS.id, {"state": "disabled"}),
    (MALLORY, MFA_FOR_ALL.id, {"sessionControls": {"signInFrequency": {**_SESSION, "value": 90}}}),
)


def _policies(control: TenantControl) -> list[dict[str, Any]]:
    policies: dict[str, dict[str, Any]] = control.state()[WORKFORCE_TENANT]["caPolicies"]
    return [
        {name: value for name, value in policy.items() if name != "modifiedDateTime"} for policy in policies.values()
    ]


def _closed(running: RunningStack, detection: str) -> int:
    cases = [case for case in running.desk.cases() if case.detection == detection and case.actor.id != RESPONDER.id]
    assert len(cases) <= len(_FOUR_CHANGES), cases
    return len([case for case in cases if not case.is_open])


def test_an_event_that_comes_without_base64(running: RunningStack) -> None:
    """The host moves it aside without trying it; from there the app takes it up."""
    control = running.stack.control
    control.unsubscribe(control.subscriptions()[0]["id"])
    with QueueService() as caught:
        control.subscribe(caught.signed)
        target_id = story.OWNER_TAKEN.act(control)
        event = running.until(lambda: next(iter(caught.events), None), what="no event came")
    running.put_raw(RESOURCE_EVENTS_QUEUE, json.dumps(event))
    _assert_came_of(running, story.OWNER_TAKEN, target_id)
    assert len(running.acts()) == 1


# Storage.


def test_storage_away_when_the_event_comes(running: RunningStack) -> None:
    """Event Grid can't put it into the queue, and tries again."""
    control = running.stack.control
    with running.proxy.away(_STORAGE):
        target_id = story.OWNER_TAKEN.act(control)
        running.until(
            lambda: [attempt for attempt in control.delivery_attempts() if attempt["status"] == 0],
            what="no delivery failed",
        )
    _assert_came_of(running, story.OWNER_TAKEN, target_id)
    assert len(running.acts()) == 1


def test_storage_away_as_soon_as_the_event_was_taken(running: RunningStack) -> None:
    """The message stays in its queue until the case is open, so the host tries it again."""
    with ExitStack() as outage:
        gone = running.proxy.at(
            f"PUT {_STORAGE}/evidence/.*/record-",
            lambda: outage.enter_context(running.proxy.away(_STORAGE)),
            after=False,
            cut=True,
        )
        log = len(running.log())
        target_id = story.OWNER_TAKEN.act(running.stack.control)
        assert gone.wait(20)
        running.until(lambda: "subscription_events" in _failed(running.log()[log:]), what="the function didn't fail")
    _assert_came_of(running, story.OWNER_TAKEN, target_id)
    assert len(running.acts()) == 1


def test_storage_away_as_soon_as_the_call_was_carried_out(running: RunningStack) -> None:
    with ExitStack() as outage:
        gone = running.proxy.at(
            "DELETE /subscriptions/", lambda: outage.enter_context(running.proxy.away(_STORAGE)), after=True, cut=False
        )
        target_id = story.OWNER_TAKEN.act(running.stack.control)
        log = len(running.log())
        assert gone.wait(20)
        running.until(lambda: _answer_failed(running.log()[log:]), what="the answer didn't fail")
    _assert_came_of(running, story.OWNER_TAKEN, target_id)
    assert len(running.acts()) == 1


_WHO_ACT: Final = frozenset({"take_snapshots", "resume_cases"})
"""Either may see a change before the event is delivered, and fails where it can't answer it."""


def _answer_failed(log: str) -> bool:
    """Say whether who answered the change told of it; the delivery of the event ends well, since the object is due.

    The outage ends at once then: Event Grid tries the event of our own deletion again after 10, 30 and 60 seconds, and
    after five minutes only.
    """
    return "could not be reconciled now; it is due" in log or bool(_WHO_ACT & _failed(log))


def _failed(log: str) -> set[str]:
    """Give the functions that failed: "host: NAME MESSAGE: failed in 12 ms: ..."."""
    failed = (line.partition(" host: ")[2] for line in log.splitlines() if ": failed in" in line)
    return {line.partition(" ")[0] for line in failed}


def test_the_approvals_are_gone(running: RunningStack) -> None:
    with running.desk.without_approvals():
        target_id = story.OWNER_TAKEN.act(running.stack.control)
        case = running.until(lambda: running.held_up(story.OWNER_TAKEN, target_id), what="no case was held up")
        running.until(lambda: running.posts(case, "pagerduty"), what="nobody was woken")
    assert case.standing == "unknown"
    assert running.acts() == []


# People.


def test_the_kill_switch(running: RunningStack) -> None:
    running.desk.controls.stop(by="the test", reason="to see what follows")
    case = _assert_came_of(running, _PAGED, story.OWNER_TAKEN.act(running.stack.control))
    assert "kill switch" in case.because


@pytest.mark.parametrize("health", ["down", "cut"])
def test_teams_away(running: RunningStack, health: str) -> None:
    """PagerDuty gets the page at once, and Teams when it is back."""
    running.desk.controls.set_mode("*", Mode.PAGE, by="the test", reason="to see what follows")
    running.set_inbox(teams=health)
    case = running.closed(story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))
    running.until(lambda: running.alerts(case), what="no alert came")
    assert running.posts(case, "teams") == []
    running.set_inbox(teams="on")
    running.until(lambda: running.posts(case, "teams"), what="no card came when Teams was back")
    assert len(running.alerts(case)) == 1


def test_a_card_opens_its_case_for_who_is_signed_in(running: RunningStack) -> None:
    running.desk.controls.set_mode("*", Mode.PAGE, by="the test", reason="to see what follows")
    case = running.closed(story.OWNER_TAKEN, story.OWNER_TAKEN.act(running.stack.control))
    link = running.stack.values()["CASE_LINK"].replace("{case}", case.id)
    forged = {"X-MS-CLIENT-PRINCIPAL-ID": ALICE.id, "X-MS-CLIENT-PRINCIPAL-IDP": "aad"}
    for headers in ({}, forged):
        answer = httpx.get(link, headers=headers)
        assert (answer.status_code, "/.auth/login/" in answer.headers["location"]) == (302, True)
    signed_in = {"Authorization": f"Bearer {running.stack.control.token(ALICE, 'operators')}"}
    assert case.id in httpx.get(link, headers=signed_in | forged).raise_for_status().text
    assert httpx.post(f"{link}/acknowledge", headers=signed_in).status_code == 403
    assert running.closed(story.OWNER_TAKEN, case.target.id).acknowledged_at is None
    with Browser(running.stack.host["url"]) as browser:
        answer = browser.press(browser.open(link, ALICE), "acknowledge")
    assert answer.headers["location"].partition("?")[0] == urlsplit(link).path
    assert running.closed(story.OWNER_TAKEN, case.target.id).acknowledged_at is not None
