"""Paging on the stack as it is deployed: what an owner acknowledges in PagerDuty comes through the platform's door."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from infra.local import story
from infra.local.desk import Desk, until
from infra.local.stack import Stack
from shared.model.cases import Case
from shared.notify.pagerduty_webhook import SIGNATURE, signature_of
from tests.fakes.pagerduty_events import webhook_event
from tests.stack.faults.running_stack import SELDOM

pytestmark = pytest.mark.stack

_SETTINGS: Final = {**SELDOM, "SIGN_IN_POLL_SCHEDULE": "*/10 * * * * *"}


def _alerts(stack: Stack) -> list[dict[str, Any]]:
    return [alert for alert in httpx.get(f"{stack.inbox['url']}/alerts").json() if alert["severity"] == "critical"]


def _acknowledged(desk: Desk) -> list[Case]:
    return [case for case in desk.cases() if case.acknowledged_by]


def test_an_acknowledgement_in_pagerduty_arrives_and_a_forged_one_does_not(tmp_path: Path) -> None:
    with Stack(tmp_path, settings=_SETTINGS) as stack:
        desk = Desk(stack.operator_values())
        desk.seed()
        story.BREAK_GLASS_USED.act(stack.control)
        alert = until(lambda: _alerts(stack), within=60, what="no alert of the break-glass account's sign-in")[0]

        address = f"{stack.host['url']}/api/emergency/pagerduty"
        body = webhook_event(alert["dedup_key"], user="PALICE1")
        for headers in ({}, {SIGNATURE: signature_of(body, "a-secret-that-somebody-guessed")}):
            refused = httpx.post(address, content=body, headers=headers, timeout=60)
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
        old = httpx.post(
            address,
            content=body,
            headers={SIGNATURE: signature_of(body, stack.inbox["webhook_secret"])},
            timeout=30,
        )
        assert old.status_code == 400, "the event is of another year"
        assert httpx.get(address, timeout=60).status_code == 401, (
            "it is one of the emergency's addresses, and nobody has said who asks"
        )
        assert _acknowledged(desk) == []

        pressed = httpx.post(
            f"{stack.inbox['url']}/control/alerts/{alert['id']}",
            json={"action": "acknowledge", "user": "PALICE1"},
            timeout=30,
        )
        assert pressed.json()["webhook"] == 200
        case = until(lambda: _acknowledged(desk), within=30, what="the acknowledgement isn't on the case")[0]
        assert "PALICE1" in case.acknowledged_by
        notices = until(
            lambda: [post for post in _teams(stack) if "takes care of it" in str(post["payload"])],
            within=30,
            what="Teams isn't told",
        )
        assert notices[0]["accepted"]


def _teams(stack: Stack) -> list[dict[str, Any]]:
    return [post for post in httpx.get(f"{stack.inbox['url']}/messages").json() if post["kind"] == "teams"]
