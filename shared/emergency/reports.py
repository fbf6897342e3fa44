"""What people are sent about an emergency: what somebody did that all have to know, as it follows from the entries."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import msgspec

from shared.emergency.entries import (
    CONFIRM_WITHIN,
    Act,
    Asked,
    Closed,
    Confirmed,
    Declared,
    Entry,
    Extended,
    SignInAnnounced,
)
from shared.emergency.state import Emergency
from shared.model.bilingual import NO_WORDS, Value, Words, filled
from shared.model.errors import EdgeError
from shared.model.notices import NoticeText, SystemNotice
from shared.respond.components import Runtime

_log = logging.getLogger("responder.emergency")
LISTS: Final = ("emergency", "*")
"""Whose owners are paged: those of the first of these lists in table `Owners` that has any."""

_NEW: Final = timedelta(minutes=15)
"""For how long an entry is reported where that was left out, because the app was killed."""


class Reporter(Protocol):
    """Notifies people of something about an emergency, once for each key."""

    @property
    def now(self) -> datetime:
        """The time of what happens now."""
        ...

    def report(self, emergency: Emergency, key: str, said: NoticeText, /, **values: Value) -> bool:
        """Notify them."""
        ...


def notice_of(emergency: Emergency, key: str, said: NoticeText, /, **values: Value) -> SystemNotice:
    """Make a message about an emergency. `key` says which of its messages it is; a drill's are marked as such.

    No limit of messages an hour keeps it back. It mentions those whom emergencies name first.
    """
    if emergency.drill:
        what_to_do = Words(en=f"This is a drill. {said.what_to_do.en}", ko=f"이것은 훈련입니다. {said.what_to_do.ko}")
        said = msgspec.structs.replace(said, what_to_do=what_to_do)
    said = msgspec.structs.replace(said, never_waits=True, scopes=LISTS)
    notice = said.notice(f"emergency {emergency.id} {key}", **values)
    return msgspec.structs.replace(notice, drill=emergency.drill)


def notify(runtime: Runtime, notice: SystemNotice, *, cut_off: bool = False) -> bool:
    """Send a message over every channel; whether it was sent, or waits to be. Nothing is raised.

    Where it can't be stored first, it is sent all the same: then a channel that fails isn't asked again. `cut_off`:
    storage failed just now, so nobody waits for it again.
    """
    if not cut_off and _is_stored(runtime, notice):
        return True
    sent = runtime.notifier.send_unstored(notice)
    if not sent:
        _log.error("nobody could be notified of an emergency: %s", notice.title)
    return bool(sent)


def _is_stored(runtime: Runtime, notice: SystemNotice) -> bool:
    """Write a message to the outbox, and send it; False where storage fails."""
    try:
        runtime.notifier.publish(notice)
    except EdgeError as error:
        _log.warning("a message about an emergency is sent without being stored first: %s", error)
        return False
    return True


def report_new(reporter: Reporter, emergency: Emergency) -> None:
    """Notify people of what somebody did in the last minutes and all have to know, each once."""
    for entry in emergency.entries:
        said = _said(emergency, entry, entry.act)
        if said is not None and reporter.now - entry.at <= _NEW:
            text, values = said
            reporter.report(emergency, f"entry {entry.id}", text, **values)


type _Said = tuple[NoticeText, dict[str, Value]]


def _said(emergency: Emergency, entry: Entry, act: Act) -> _Said | None:  # noqa: PLR0911 - one for each act
    """Give what is said of an entry that all have to know of, with its values; None for any other."""
    by: dict[str, Value] = {"by": entry.name}
    match act:
        case Declared():
            text = DRILL_BEGAN if emergency.drill else DECLARED
            return text, {**by, "at": _time(entry.at), "reason": act.reason, "id": entry.emergency}
        case SignInAnnounced():
            return SIGN_IN_ANNOUNCED, {**by, "account": act.account, "until": _time(act.until)}
        case Extended():
            return EXTENDED, {**by, "until": _time(act.until), "reason": act.reason}
        case Asked():
            minutes = int(CONFIRM_WITHIN.total_seconds() / 60)
            return ASKED, {**by, "asked": act.text, "minutes": minutes, "what": act.what, "digest": act.digest}
        case Confirmed():
            return AGREED, {**by, "what": act.what}
        case Closed() if entry == emergency.closed:
            text = DRILL_OVER if emergency.drill else CLOSED
            report = _REPORT if act.report else _NO_REPORT
            return text, {
                "summary": act.summary,
                "report": filled(report, id=emergency.id),
                "rotate": _rotate(emergency.announced_accounts),
            }
        case _:
            return None


def _rotate(accounts: Iterable[str]) -> Words:
    named = ", ".join(accounts)
    return filled(_ROTATE, accounts=named) if named else NO_WORDS


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# ---- what they say ---------------------------------------------------------------------------------------------------

_NOTHING: Final = Words(
    en="Nothing, if you expected that. Else telephone who did it, and treat it as an attack.",
    ko="예상한 일이면 할 일이 없습니다. 아니면 그 사람에게 전화하고 공격으로 간주하세요.",
)
_ACKNOWLEDGE: Final = Words(
    en="Acknowledge it: responder emergency acknowledge --id {id}. Then see what is next: responder emergency show"
    " --id {id}. Whoever didn't expect this telephones who declared it.",
    ko="확인했다고 알리세요: responder emergency acknowledge --id {id}. 그런 다음 할 일을 보세요: responder emergency"
    " show --id {id}. 예상하지 못한 사람은 선언한 사람에게 전화하세요.",
)
_BY_AT_REASON: Final = Words(en="By {by} at {at}: {reason}", ko="선언한 사람: {by}, {at}. 사유: {reason}")
DECLARED: Final = NoticeText(
    id="emergency-declared",
    title=Words(en="An emergency was declared", ko="비상 상황이 선언되었습니다"),
    text=_BY_AT_REASON,
    what_to_do=_ACKNOWLEDGE,
)
DRILL_BEGAN: Final = NoticeText(
    id="drill-began",
    title=Words(en="A drill of an emergency began", ko="비상 상황 훈련이 시작되었습니다"),
    text=_BY_AT_REASON,
    what_to_do=_ACKNOWLEDGE,
)
SIGN_IN_ANNOUNCED: Final = NoticeText(
    id="sign-in-announced",
    title=Words(en="The sign-in of an emergency account is announced", ko="비상 계정 로그인이 예고되었습니다"),
    text=Words(
        en="{by} announced that account {account} signs in until {until}. It is paged all the same, as announced.",
        ko="예고한 사람: {by}. 계정: {account}. 기한: {until}. 로그인하면 예고된 것이라고 표시되어 그대로 호출됩니다.",
    ),
    what_to_do=_NOTHING,
)
EXTENDED: Final = NoticeText(
    id="emergency-extended",
    title=Words(en="The emergency lasts longer", ko="비상 상황이 연장되었습니다"),
    text=Words(en="{by}, until {until}: {reason}", ko="연장한 사람: {by}. 기한: {until}. 사유: {reason}"),
    what_to_do=_NOTHING,
)
ASKED: Final = NoticeText(
    id="second-operator-needed",
    title=Words(en="A second operator is needed", ko="두 번째 운영자가 필요합니다"),
    text=Words(en="{by} asks: {asked}", ko="요청한 사람: {by}. 요청: {asked}"),
    what_to_do=Words(
        en="Another operator reads all of it and confirms within {minutes} minutes, if it is right: responder"
        " emergency confirm {what} {digest}",
        ko="다른 운영자가 전체를 읽고, 맞으면 {minutes}분 안에 확인하세요: responder emergency confirm {what} {digest}",
    ),
)
AGREED: Final = NoticeText(
    id="two-operators-agreed",
    title=Words(en="Two operators agreed", ko="운영자 두 명이 합의했습니다"),
    text=Words(en="{by} confirmed: {what}.", ko="확인한 사람: {by}. 확인한 것: {what}."),
    what_to_do=_NOTHING,
)
_SUMMARY: Final = Words(en="{summary}", ko="{summary}")
_REPORT_AND_ROTATE: Final = Words(en="{report}{rotate}", ko="{report}{rotate}")
CLOSED: Final = NoticeText(
    id="emergency-closed",
    title=Words(en="The emergency is closed", ko="비상 상황이 종료되었습니다"),
    text=_SUMMARY,
    what_to_do=_REPORT_AND_ROTATE,
)
DRILL_OVER: Final = NoticeText(
    id="drill-over",
    title=Words(en="The drill is over", ko="훈련이 끝났습니다"),
    text=_SUMMARY,
    what_to_do=_REPORT_AND_ROTATE,
)
_REPORT: Final = Words(
    en="Read the report: emergencies/{id}/files/report in the evidence container.",
    ko="보고서를 읽으세요: 증거 컨테이너의 emergencies/{id}/files/report.",
)
_NO_REPORT: Final = Words(
    en="There is no report: the app's log says why.", ko="보고서가 없습니다. 이유는 앱의 로그에 있습니다."
)
_ROTATE: Final = Words(
    en=" Change the credentials of the emergency accounts that signed in: {accounts}.",
    ko=" 로그인한 비상 계정의 자격 증명을 바꾸세요: {accounts}.",
)
