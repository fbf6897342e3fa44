"""Builds the cards and alerts of system notices: messages about the responder itself, not about a case.

A message is in one language, English unless the setting `NOTICE_LANGUAGE` asks for Korean. A notice that has no Korean
text is in English there too.
"""

from collections.abc import Iterable
from typing import Any, Final

from shared.model.bilingual import ENGLISH, Words, filled
from shared.model.escape import runs, shown, unlinked
from shared.model.notices import SystemNotice
from shared.notify.cards import AGAIN, envelope, is_link, paged_line
from shared.notify.messages import NoticeCall, NoticeDigest

type Json = dict[str, Any]

_LONGEST: Final = 600
_SHORT: Final = 160
_LINE: Final = 300
_HEADING: Final[Json] = {"weight": "Bolder", "size": "Large"}
_TITLE: Final[Json] = {"weight": "Bolder"}

_DRILL: Final = Words(en="DRILL: ", ko="훈련: ")
_WHAT_TO_DO: Final = Words(en="What to do", ko="할 일")
_OPEN: Final = Words(en="Open", ko="열기")
_SEVERAL: Final = Words(
    en="{count:,} messages about the responder itself", ko="Entra Responder 자체에 대한 알림 {count:,}건"
)
_WHAT: Final = Words(en="What", ko="내용")
_PAGED: Final = Words(en="Paged", ko="호출 대상")
_BEFORE: Final = Words(en="Before", ko="이전")
_EARLIER: Final = Words(
    en="{place} earlier messages, which nobody acknowledged", ko="아무도 확인하지 않은 앞선 알림 {place}건"
)


def system_notice_card(system_notice: SystemNotice, *, language: str = ENGLISH) -> Json:
    """Build the Teams message; its texts are cut, so it is always small enough for Teams."""
    return envelope(_blocks(_lines(system_notice, language)), (), language=language)


def notice_call_card(call: NoticeCall, *, language: str = ENGLISH) -> Json:
    """Build the Teams message of a system notice that mentions owners, and opens what it links to."""
    notice = call.system_notice
    paged = paged_line(call.owners, call.place, is_again=call.is_again, language=language)
    body = [*paged, *_blocks(_lines(notice, language))]
    return envelope(body, _actions(notice, language), owners=call.owners, language=language)


def _actions(notice: SystemNotice, language: str) -> list[Json]:
    if not is_link(notice.link):
        return []
    title = notice.texts(language).link_title or _OPEN.in_language(language)
    return [{"type": "Action.OpenUrl", "title": title, "url": notice.link}]


def _lines(notice: SystemNotice, language: str) -> tuple[tuple[Json, str], ...]:
    said = notice.texts(language)
    return (
        (_HEADING, _titled(notice, language, _LONGEST)),
        ({}, shown(said.text, _LONGEST)),
        *(({}, shown(line, _LINE)) for line in notice.lines),
        (_TITLE, _WHAT_TO_DO.in_language(language)),
        ({}, shown(said.what_to_do, _LONGEST)),
    )


def _titled(notice: SystemNotice, language: str, longest: int) -> str:
    """Give the title; a drill's own message says so before anything else."""
    drill = _DRILL.in_language(language) if notice.drill else ""
    return f"{drill}{shown(notice.texts(language).title, longest)}"


def notice_digest_card(digest: NoticeDigest, *, language: str = ENGLISH) -> Json:
    """Build the Teams message for several system notices, at most `messages.MOST_NOTICES`."""
    lines: list[tuple[Json, str]] = [(_HEADING, _headline(digest, language))]
    for system_notice in digest.system_notices:
        said = system_notice.texts(language)
        lines += [
            (_TITLE, _titled(system_notice, language, _SHORT)),
            ({}, f"{shown(said.text, _SHORT)} {shown(said.what_to_do, _SHORT)}"),
        ]
    again = paged_line((), 0, is_again=digest.is_again, language=language)
    return envelope([*again, *_blocks(lines)], (), language=language)


def _headline(digest: NoticeDigest, language: str) -> str:
    return filled(_SEVERAL, count=len(digest.system_notices)).in_language(language)


def _blocks(lines: Iterable[tuple[Json, str]]) -> list[Json]:
    return [{"type": "RichTextBlock", "inlines": runs(text, max_runs=20, style=style)} for style, text in lines]


def system_notice_alert(system_notice: SystemNotice, *, language: str = ENGLISH) -> Json:
    """Build the PagerDuty event. The client adds the routing key."""
    return _notice_alert(system_notice.key, system_notice, {}, language)


def notice_call_alert(call: NoticeCall, *, language: str = ENGLISH) -> Json:
    """Build the PagerDuty event of a system notice that is addressed to owners. The client adds the routing key."""
    names = ", ".join(unlinked(shown(owner.name, _SHORT)) for owner in call.owners)
    more = {_PAGED.in_language(language): names} if names else {}
    if call.place:
        more[_BEFORE.in_language(language)] = filled(_EARLIER, place=call.place).in_language(language)
    alert = _notice_alert(call.key, call.system_notice, more, language)
    link = call.system_notice.link
    if not is_link(link):
        return alert
    return {**alert, "links": [{"href": link, "text": call.system_notice.texts(language).link_title or link}]}


def _notice_alert(key: str, notice: SystemNotice, more: Json, language: str) -> Json:
    said = notice.texts(language)
    listed = {f"{number}.": unlinked(shown(line, _LINE)) for number, line in enumerate(notice.lines, start=1)}
    details = {
        _WHAT.in_language(language): unlinked(shown(said.text, _LONGEST)),
        **listed,
        _WHAT_TO_DO.in_language(language): unlinked(said.what_to_do),
        **more,
    }
    severity = "info" if notice.is_silent else "critical" if notice.never_waits else "error"
    return _alert(key, unlinked(_titled(notice, language, _LONGEST)), details, severity=severity)


def notice_digest_alert(digest: NoticeDigest, *, language: str = ENGLISH) -> Json:
    """Build the PagerDuty event for several system notices: an alert of its own."""
    details: Json = {}
    for number, one in enumerate(digest.system_notices, start=1):
        said = one.texts(language)
        title = unlinked(_titled(one, language, _SHORT))
        details[f"{number}. {title}"] = unlinked(shown(f"{said.text} {said.what_to_do}", _LONGEST))
    again = f"{AGAIN.in_language(language)} " if digest.is_again else ""
    return _alert(digest.key, f"{again}{_headline(digest, language)}", details, severity="error")


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
