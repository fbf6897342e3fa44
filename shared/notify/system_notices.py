"""What the responder has to say about itself rather than about a case: a card and an alert without one."""

from typing import Any, Final

from shared.model.escape import plain, runs, told
from shared.model.notices import SystemNotice

type Json = dict[str, Any]

_LONGEST: Final = 600
_KIND: Final = "application/vnd.microsoft.card.adaptive"


def system_notice_card(system_notice: SystemNotice) -> Json:
    """Give the message that makes Teams show it; always small."""
    lines: tuple[tuple[Json, str], ...] = (
        ({"weight": "Bolder", "size": "Large"}, system_notice.title),
        ({}, system_notice.text),
        ({"weight": "Bolder"}, "What to do"),
        ({}, system_notice.what_to_do),
    )
    body = [
        {"type": "RichTextBlock", "inlines": runs(told(text, _LONGEST), most_pieces=20, style=style)}
        for style, text in lines
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": "en",
        "fallbackText": "Entra Responder has news about itself, but this client can't show it.",
        "msteams": {"width": "Full"},
        "body": body,
    }
    return {"type": "message", "attachments": [{"contentType": _KIND, "contentUrl": None, "content": content}]}


def system_notice_alert(system_notice: SystemNotice) -> Json:
    """Give the PagerDuty event for it. The client adds the routing key."""
    return {
        "event_action": "trigger",
        "dedup_key": system_notice.key,
        "payload": {
            "summary": plain(told(system_notice.title, _LONGEST)),
            "source": "Entra Responder",
            "severity": "error",
            "custom_details": {
                "What": plain(told(system_notice.text, _LONGEST)),
                "What to do": plain(system_notice.what_to_do),
            },
        },
        "client": "Entra Responder",
    }
