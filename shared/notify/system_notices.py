"""Builds the cards and alerts of system notices: messages about the responder itself, not about a case."""

from collections.abc import Iterable
from typing import Any, Final

from shared.model.escape import runs, shown, unlinked
from shared.model.notices import SystemNotice
from shared.notify.messages import NoticeDigest

type Json = dict[str, Any]

_LONGEST: Final = 600
_SHORT: Final = 160
_KIND: Final = "application/vnd.microsoft.card.adaptive"
_HEADING: Final[Json] = {"weight": "Bolder", "size": "Large"}
_TITLE: Final[Json] = {"weight": "Bolder"}


def system_notice_card(system_notice: SystemNotice) -> Json:
    """Build the Teams message; its texts are cut, so it is always small enough for Teams."""
    return _card(
        (
            (_HEADING, shown(system_notice.title, _LONGEST)),
            ({}, shown(system_notice.text, _LONGEST)),
            (_TITLE, "What to do"),
            ({}, shown(system_notice.what_to_do, _LONGEST)),
        )
    )


def notice_digest_card(digest: NoticeDigest) -> Json:
    """Build the Teams message for several system notices, at most `messages.MOST_NOTICES`."""
    lines: list[tuple[Json, str]] = [(_HEADING, _headline(digest))]
    for system_notice in digest.system_notices:
        lines += [
            (_TITLE, shown(system_notice.title, _SHORT)),
            ({}, f"{shown(system_notice.text, _SHORT)} {shown(system_notice.what_to_do, _SHORT)}"),
        ]
    return _card(lines)


def _headline(digest: NoticeDigest) -> str:
    return f"{len(digest.system_notices):,} messages about the responder itself"


def _card(lines: Iterable[tuple[Json, str]]) -> Json:
    body = [{"type": "RichTextBlock", "inlines": runs(text, max_runs=20, style=style)} for style, text in lines]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": "en",
        "fallbackText": "Entra Responder sent a notice about itself, but this client can't show it.",
        "msteams": {"width": "Full"},
        "body": body,
    }
    return {"type": "message", "attachments": [{"contentType": _KIND, "contentUrl": None, "content": content}]}


def system_notice_alert(system_notice: SystemNotice) -> Json:
    """Build the PagerDuty event. The client adds the routing key."""
    details = {
        "What": unlinked(shown(system_notice.text, _LONGEST)),
        "What to do": unlinked(system_notice.what_to_do),
    }
    severity = "critical" if system_notice.never_waits else "error"
    return _alert(system_notice.key, unlinked(shown(system_notice.title, _LONGEST)), details, severity=severity)


def notice_digest_alert(digest: NoticeDigest) -> Json:
    """Build the PagerDuty event for several system notices: an alert of its own."""
    details = {
        f"{number}. {unlinked(shown(one.title, _SHORT))}": unlinked(shown(f"{one.text} {one.what_to_do}", _LONGEST))
        for number, one in enumerate(digest.system_notices, start=1)
    }
    return _alert(digest.key, _headline(digest), details, severity="error")


def _alert(key: str, summary: str, details: Json, *, severity: str) -> Json:
    return {
        "event_action": "trigger",
        "dedup_key": key,
        "payload": {
            "summary": summary,
            "source": "Entra Responder",
            "severity": severity,
            "custom_details": details,
        },
        "client": "Entra Responder",
    }
