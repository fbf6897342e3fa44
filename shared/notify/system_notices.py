"""Builds the cards and alerts of system notices: messages about the responder itself, not about a case."""

from collections.abc import Iterable
from typing import Any, Final

from shared.model.escape import runs, shown, unlinked
from shared.model.notices import SystemNotice
from shared.notify.cards import envelope, is_link, paged_line
from shared.notify.messages import NoticeCall, NoticeDigest

type Json = dict[str, Any]

_LONGEST: Final = 600
_SHORT: Final = 160
_LINE: Final = 300
_KIND: Final = "application/vnd.microsoft.card.adaptive"
_HEADING: Final[Json] = {"weight": "Bolder", "size": "Large"}
_DRILL: Final = "DRILL: "
_TITLE: Final[Json] = {"weight": "Bolder"}


def system_notice_card(system_notice: SystemNotice) -> Json:
    """Build the Teams message; its texts are cut, so it is always small enough for Teams."""
    return _card(_lines(system_notice))


def notice_call_card(call: NoticeCall) -> Json:
    """Build the Teams message of a system notice that mentions owners, and opens what it links to."""
    notice = call.system_notice
    body = [*paged_line(call.owners, call.place), *_blocks(_lines(notice))]
    return envelope(body, _actions(notice), owners=call.owners)


def _actions(notice: SystemNotice) -> list[Json]:
    if not is_link(notice.link):
        return []
    return [{"type": "Action.OpenUrl", "title": notice.link_title or "Open", "url": notice.link}]


def _lines(notice: SystemNotice) -> tuple[tuple[Json, str], ...]:
    return (
        (_HEADING, _titled(notice, _LONGEST)),
        ({}, shown(notice.text, _LONGEST)),
        *(({}, shown(line, _LINE)) for line in notice.lines),
        (_TITLE, "What to do"),
        ({}, shown(notice.what_to_do, _LONGEST)),
    )


def _titled(notice: SystemNotice, longest: int) -> str:
    """Give the title; a drill's own message says so before anything else."""
    return f"{_DRILL if notice.drill else ''}{shown(notice.title, longest)}"


def notice_digest_card(digest: NoticeDigest) -> Json:
    """Build the Teams message for several system notices, at most `messages.MOST_NOTICES`."""
    lines: list[tuple[Json, str]] = [(_HEADING, _headline(digest))]
    for system_notice in digest.system_notices:
        lines += [
            (_TITLE, _titled(system_notice, _SHORT)),
            ({}, f"{shown(system_notice.text, _SHORT)} {shown(system_notice.what_to_do, _SHORT)}"),
        ]
    return _card(lines)


def _headline(digest: NoticeDigest) -> str:
    return f"{len(digest.system_notices):,} messages about the responder itself"


def _card(lines: Iterable[tuple[Json, str]]) -> Json:
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": "en",
        "fallbackText": "Entra Responder sent a notice about itself, but this client can't show it.",
        "msteams": {"width": "Full"},
        "body": _blocks(lines),
    }
    return {"type": "message", "attachments": [{"contentType": _KIND, "contentUrl": None, "content": content}]}


def _blocks(lines: Iterable[tuple[Json, str]]) -> list[Json]:
    return [{"type": "RichTextBlock", "inlines": runs(text, max_runs=20, style=style)} for style, text in lines]


def system_notice_alert(system_notice: SystemNotice) -> Json:
    """Build the PagerDuty event. The client adds the routing key."""
    return _notice_alert(system_notice.key, system_notice, {})


def notice_call_alert(call: NoticeCall) -> Json:
    """Build the PagerDuty event of a system notice that is addressed to owners. The client adds the routing key."""
    names = ", ".join(unlinked(shown(owner.name, _SHORT)) for owner in call.owners)
    again = {"Before": f"{call.place} earlier messages, which nobody acknowledged"} if call.place else {}
    alert = _notice_alert(call.key, call.system_notice, {**({"Paged": names} if names else {}), **again})
    link = call.system_notice.link
    return (
        {**alert, "links": [{"href": link, "text": call.system_notice.link_title or link}]} if is_link(link) else alert
    )


def _notice_alert(key: str, notice: SystemNotice, more: Json) -> Json:
    listed = {f"{number}.": unlinked(shown(line, _LINE)) for number, line in enumerate(notice.lines, start=1)}
    details = {"What": unlinked(shown(notice.text, _LONGEST)), **listed, "What to do": unlinked(notice.what_to_do)}
    severity = "info" if notice.is_silent else "critical" if notice.never_waits else "error"
    return _alert(key, unlinked(_titled(notice, _LONGEST)), {**details, **more}, severity=severity)


def notice_digest_alert(digest: NoticeDigest) -> Json:
    """Build the PagerDuty event for several system notices: an alert of its own."""
    details = {
        f"{number}. {unlinked(_titled(one, _SHORT))}": unlinked(shown(f"{one.text} {one.what_to_do}", _LONGEST))
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
