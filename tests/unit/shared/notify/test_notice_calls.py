"""The messages of system notices that are addressed to owners: what Teams and PagerDuty take, and what they say."""

from typing import Any, Final

import msgspec
import pytest

from infra.local.inbox.cards import refusal_of
from infra.local.inbox.pagerduty import errors_in
from shared.model.notices import Owner, SystemNotice
from shared.notify.messages import NoticeCall, NoticeDigest
from shared.notify.system_notices import (
    notice_call_alert,
    notice_call_card,
    notice_digest_alert,
    notice_digest_card,
    system_notice_alert,
    system_notice_card,
)

_KEY: Final = "0" * 32
_EVIL: Final = "<at>everybody</at> [click](https://evil.example) \u202e" + "long " * 5_000
_OWNERS: Final = tuple(
    Owner(scope="emergency", order=number, name=name, upn=f"{number}@contoso.example")
    for number, name in enumerate(("Alice", "Bob", "<at>Mallory</at>", "Dora", "Erin", "Frank", "Grace"))
)
_NOTICE: Final = SystemNotice(
    key="emergency 1",
    title="An emergency was declared",
    text="Somebody declared it.",
    what_to_do="Acknowledge it.",
    never_waits=True,
    until_acknowledged=True,
)


def _call(notice: SystemNotice, *, place: int = 0) -> NoticeCall:
    return NoticeCall(key="a page 1", system_notice=notice, owners=_OWNERS, place=place)


def _alert(alert: dict[str, Any]) -> dict[str, Any]:
    return {**alert, "routing_key": _KEY}


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize(
    "notice",
    [
        _NOTICE,
        msgspec.structs.replace(_NOTICE, title=_EVIL, text=_EVIL, what_to_do=_EVIL),
        msgspec.structs.replace(_NOTICE, link="https://responder.example/api/reach/1", link_title="Open"),
        msgspec.structs.replace(_NOTICE, link="javascript:alert(1)"),
    ],
    ids=["plain", "evil", "link", "no link"],
)
def test_both_channels_take_it(notice: SystemNotice, place: int) -> None:
    call = _call(notice, place=place)
    card = notice_call_card(call)
    assert refusal_of(msgspec.json.encode(card)) is None
    assert errors_in(_alert(notice_call_alert(call)), routing_key=_KEY) == ()
    opens = [one["url"] for one in card["attachments"][0]["content"]["actions"]]
    assert opens == ([notice.link] if notice.link.startswith("https") else [])


def test_it_says_whom_it_asks_and_that_others_were_asked_before() -> None:
    first, later = (msgspec.json.encode(notice_call_card(_call(_NOTICE, place=place))).decode() for place in (0, 2))
    assert "<at>Alice</at>" in first
    assert "Nobody has acknowledged the earlier pages" in later
    assert "Nobody has acknowledged" not in first
    details = notice_call_alert(_call(_NOTICE, place=2))["payload"]["custom_details"]
    assert "Alice" in details["Paged"]
    assert details["Before"].startswith("2 earlier messages")


@pytest.mark.parametrize("drill", [True, False])
def test_every_message_of_a_drill_says_so_before_anything_else(*, drill: bool) -> None:
    notice = msgspec.structs.replace(_NOTICE, drill=drill)
    digest = NoticeDigest(key="digest", system_notices=(notice, _NOTICE))
    cards = (system_notice_card(notice), notice_call_card(_call(notice)), notice_digest_card(digest))
    alerts = (system_notice_alert(notice), notice_call_alert(_call(notice)))
    for message in cards:
        assert ("DRILL: An emergency" in msgspec.json.encode(message).decode()) is drill
    for alert in alerts:
        assert alert["payload"]["summary"].startswith("DRILL: ") is drill
    assert any("DRILL" in name for name in notice_digest_alert(digest)["payload"]["custom_details"]) is drill


@pytest.mark.parametrize(
    ("is_silent", "never_waits", "severity"),
    [(True, True, "info"), (True, False, "info"), (False, True, "critical"), (False, False, "error")],
)
def test_what_is_silent_wakes_nobody(*, is_silent: bool, never_waits: bool, severity: str) -> None:
    notice = msgspec.structs.replace(_NOTICE, is_silent=is_silent, never_waits=never_waits)
    assert notice_call_alert(_call(notice))["payload"]["severity"] == severity
