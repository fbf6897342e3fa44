"""Builds the card and the alert of a system notice: a message about the responder itself, not about a case."""

from typing import Any, Final

from shared.model.escape import runs, shown, unlinked
from shared.model.notices import SystemNotice

type Json = dict[str, Any]

_LONGEST: Final = 600
_KIND: Final = "application/vnd.microsoft.card.adaptive"


def system_notice_card(system_notice: SystemNotice) -> Json:
    """Build the Teams message; its texts are cut, so it is always small enough for Teams."""
    lines: tuple[tuple[Json, str], ...] = (
        ({"weight": "Bolder", "size": "Large"}, system_notice.title),
        ({}, system_notice.text),
        ({"weight": "Bolder"}, "What to do"),
        ({}, system_notice.what_to_do),
    )
    body = [
        {"type": "RichTextBlock", "inlines": runs(shown(text, _LONGEST), max_runs=20, style=style)}
        for style, text in lines
    ]
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
    return {
        "event_action": "trigger",
        "dedup_key": system_notice.key,
        "payload": {
            "summary": unlinked(shown(system_notice.title, _LONGEST)),
            "source": "Entra Responder",
            "severity": "error",
            "custom_details": {
                "What": unlinked(shown(system_notice.text, _LONGEST)),
                "What to do": unlinked(system_notice.what_to_do),
            },
        },
        "client": "Entra Responder",
    }
