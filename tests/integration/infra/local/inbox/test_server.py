import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from infra.local.inbox.__main__ import find_script
from infra.local.inbox.app import STATIC
from tests.fakes.posts import card, event, message, text_block
from tests.integration.infra.local.inbox.conftest import Listing, RunningInbox

GOOD = message(card(text_block("Conditional access policy created")))
TOO_LARGE = message(card(text_block("x" * 30_000)))


def test_the_first_line_says_where_everything_is(inbox: RunningInbox) -> None:
    assert inbox.url.startswith("http://127.0.0.1:")
    assert inbox.teams == f"{inbox.url}/workflows/demo/triggers/manual/paths/invoke?sig=demo"
    assert inbox.pagerduty == f"{inbox.url}/v2/enqueue"
    assert len(inbox.routing_key) == 32
    assert int(inbox.routing_key, 16) >= 0


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (GOOD, ""),
        (card(), "envelope"),
        (TOO_LARGE, "too-large"),
        (message(card(version="1.6")), "version"),
        (message(card(actions=[{"type": "Action.Submit"}])), "action"),
    ],
    ids=["good", "bare", "too-large", "version", "action"],
)
def test_teams_says_202_with_nothing_in_it_whatever_it_gets(
    inbox: RunningInbox, listing: Listing, body: object, rule: str
) -> None:
    answer = inbox.post_card(body)
    assert (answer.status_code, answer.content) == (202, b"")
    (post,) = listing("/messages")
    assert (post["kind"], post["accepted"], post["rule"], post["status"]) == ("teams", not rule, rule, 202)
    assert bool(post["reason"]) == bool(rule)
    assert post["payload"] == body


def test_teams_says_202_to_what_is_not_json(inbox: RunningInbox, listing: Listing) -> None:
    assert inbox.client.post(inbox.teams, content=b"hello \xff").status_code == 202
    (post,) = listing("/messages")
    assert (post["rule"], post["payload"]) == ("not-json", "hello \ufffd")


@pytest.mark.parametrize("nested", [100, 127, 128, 9_998, 9_999, 14_000])
def test_no_nesting_can_spoil_the_list(inbox: RunningInbox, listing: Listing, nested: int) -> None:
    assert inbox.client.post(inbox.teams, content=b"[" * nested + b"]" * nested).status_code == 202
    assert len(listing("/messages")) == 1


def test_a_large_body_is_kept_only_in_part(inbox: RunningInbox, listing: Listing) -> None:
    inbox.post_card(message(card(text_block("x" * 5_000_000))))
    (post,) = listing("/messages")
    assert isinstance(post["payload"], str)
    assert isinstance(post["size"], int)
    assert len(post["payload"]) < 100_000
    assert post["size"] > 5_000_000


def test_a_switched_off_flow_takes_cards_and_posts_none(inbox: RunningInbox, listing: Listing) -> None:
    inbox.set(teams="off")
    assert inbox.post_card(GOOD).status_code == 202
    inbox.set(teams="on")
    inbox.post_card(GOOD)
    assert [(post["accepted"], post["rule"]) for post in listing("/messages")] == [(True, ""), (False, "flow-off")]


@pytest.mark.parametrize(("query", "code"), [("", "DirectApiAuthorizationRequired"), ("?sig=x", "AuthorizationFailed")])
def test_teams_wants_its_signature(inbox: RunningInbox, listing: Listing, query: str, code: str) -> None:
    answer = inbox.client.post(inbox.teams.partition("?")[0] + query, json=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    (post,) = listing("/messages")
    assert (post["accepted"], post["status"]) == (False, 401)


def test_a_deleted_flow_is_not_found(inbox: RunningInbox) -> None:
    answer = inbox.client.post(inbox.teams.replace("/demo/", "/gone/"), json=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "WorkflowNotFound")


def test_pagerduty_takes_an_event(inbox: RunningInbox, listing: Listing) -> None:
    answer = inbox.post_event(event(inbox.routing_key))
    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "case-1"}
    (post,) = listing("/messages")
    assert (post["kind"], post["accepted"], post["dedup_key"]) == ("pagerduty", True, "case-1")


def test_pagerduty_names_what_is_wrong(inbox: RunningInbox, listing: Listing) -> None:
    answer = inbox.post_event(event("f" * 31, severity="high", source=None))
    assert answer.status_code == 400
    assert answer.json()["status"] == "invalid event"
    assert answer.json()["message"] == "Event object is invalid"
    assert len(answer.json()["errors"]) == 3
    (post,) = listing("/messages")
    assert (post["accepted"], post["status"]) == (False, 400)
    assert str(post["reason"]).startswith("Length of 'routing_key' is incorrect")
    assert listing("/alerts") == []


@pytest.mark.parametrize("body", [b"hello", b"[]", b"", b'"trigger"'])
def test_pagerduty_wants_a_json_object(inbox: RunningInbox, body: bytes) -> None:
    answer = inbox.client.post(inbox.pagerduty, content=body)
    assert (answer.status_code, answer.json()["status"]) == (400, "Unrecognized object")


def test_pagerduty_takes_at_most_512_kb(inbox: RunningInbox) -> None:
    assert inbox.post_event(event(inbox.routing_key, component="x" * 600_000)).status_code == 413


def test_one_dedup_key_is_one_alert(inbox: RunningInbox, listing: Listing) -> None:
    for action in ("trigger", "trigger", "acknowledge", "trigger"):
        assert inbox.post_event(event(inbox.routing_key, action=action)).status_code == 202
    (alert,) = listing("/alerts")
    assert (alert["count"], alert["state"], alert["severity"]) == (3, "acknowledged", "critical")
    assert len(listing("/messages")) == 4


@pytest.mark.parametrize("service", ["teams", "pagerduty"])
def test_a_service_that_is_down(inbox: RunningInbox, listing: Listing, service: str) -> None:
    inbox.set(**{service: "down"})
    status = {"teams": inbox.post_card(GOOD), "pagerduty": inbox.post_event(event(inbox.routing_key))}
    assert {name: answer.status_code for name, answer in status.items()} == {"teams": 202, "pagerduty": 202} | {
        service: 503
    }
    reached = {post["kind"]: post["accepted"] for post in listing("/messages")}
    assert reached == {"teams": service != "teams", "pagerduty": service != "pagerduty"}


@pytest.mark.parametrize("service", ["teams", "pagerduty"])
def test_a_service_that_hangs_up(inbox: RunningInbox, listing: Listing, service: str) -> None:
    inbox.set(**{service: "cut"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        inbox.client.post(inbox.teams if service == "teams" else inbox.pagerduty, json=GOOD)
    (post,) = listing("/messages")
    assert (post["accepted"], post["status"], post["rule"]) == (False, 0, "cut")


def test_messages_are_newest_first_with_their_time(inbox: RunningInbox, listing: Listing) -> None:
    inbox.post_card(message(card(text_block("first"))))
    inbox.post_event(event(inbox.routing_key))
    inbox.post_card(message(card(text_block("third"))))
    posts = listing("/messages")
    assert [post["kind"] for post in posts] == ["teams", "pagerduty", "teams"]
    assert posts[0]["payload"] == message(card(text_block("third")))
    received = [datetime.fromisoformat(str(post["received_at"])) for post in posts]
    assert received == sorted(received, reverse=True)
    assert datetime.now(UTC) - received[0] < timedelta(minutes=1)


def test_clearing_forgets_posts_and_alerts_and_keeps_settings(inbox: RunningInbox, listing: Listing) -> None:
    inbox.post_event(event(inbox.routing_key))
    inbox.set(teams="off")
    assert inbox.client.delete("/messages").status_code == 204
    assert (listing("/messages"), listing("/alerts")) == ([], [])
    assert inbox.client.get("/control/settings").json() == {"teams": "off", "pagerduty": "on"}


def test_settings_change_one_at_a_time(inbox: RunningInbox) -> None:
    assert inbox.set(teams="down").json() == {"teams": "down", "pagerduty": "on"}
    assert inbox.set(pagerduty="cut").json() == {"teams": "down", "pagerduty": "cut"}


@pytest.mark.parametrize("settings", [{"teams": "asleep"}, {"pagerduty": "off"}, {"slack": "on"}, {"teams": 1}, []])
def test_a_wrong_setting_is_told_the_right_ones(inbox: RunningInbox, settings: object) -> None:
    answer = inbox.client.post("/control/settings", json=settings)
    assert answer.status_code == 400
    assert "teams" in answer.text
    assert inbox.client.get("/control/settings").json() == {"teams": "on", "pagerduty": "on"}


def test_no_foreign_page_can_change_settings(inbox: RunningInbox) -> None:
    answer = inbox.client.post("/control/settings", content=b'{"teams":"off"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("[::1]:1", 200), ("evil.example", 421)])
def test_only_loopback_names_are_answered(inbox: RunningInbox, host: str, status: int) -> None:
    assert inbox.client.get("/messages", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("path", ["/", "/static/inbox.js", "/vendor/adaptivecards.js", "/messages", "/nowhere"])
def test_everything_carries_the_content_security_policy(inbox: RunningInbox, path: str) -> None:
    policy = inbox.client.get(path).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_names_no_outside_address() -> None:
    for asset in STATIC.iterdir():
        text = asset.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, asset.name


def test_the_stream_tells_each_change(inbox: RunningInbox) -> None:
    with inbox.client.stream("GET", "/stream") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        first = int(next(lines).removeprefix("data: "))
        inbox.post_card(GOOD)
        assert int(next(lines).removeprefix("data: ")) > first


def test_sigterm_stops_it_cleanly_with_a_page_open(own_inbox: RunningInbox) -> None:
    with own_inbox.client.stream("GET", "/stream") as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("data: ")
        own_inbox.process.send_signal(signal.SIGTERM)
        assert own_inbox.process.wait(timeout=60) == 0
        list(lines)  # ends properly: a connection torn off in the middle raises here


def test_a_missing_library_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"npm ci.*--node-modules"):
        find_script(Path("adaptivecards/dist/adaptivecards.min.js"), (tmp_path,))


def test_the_first_folder_that_has_a_library_wins(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    for folder in ("b", "c"):
        (tmp_path / folder / "x.js").touch()
    folders = tuple(tmp_path / folder for folder in ("a", "b", "c"))
    assert find_script(Path("x.js"), folders) == tmp_path / "b" / "x.js"
