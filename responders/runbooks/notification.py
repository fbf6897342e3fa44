"""Step 1 of the break-glass runbook: page everybody who has to know, until somebody acknowledges."""

import logging
from datetime import timedelta
from typing import Final

from shared.authority.owners import TableOwners
from shared.emergency.entries import Answer, Finding, StepState
from shared.emergency.finding_texts import FindingText
from shared.emergency.reports import LISTS, notice_of, notify
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.model.bilingual import Words, same
from shared.model.errors import EdgeError
from shared.model.notices import NoticeText, SystemNotice

_log = logging.getLogger("responder.emergency")
AGAIN: Final = timedelta(minutes=1)
"""How often it is asked whether somebody has acknowledged. The page itself climbs in its own time."""


_TELEPHONE: Final = Words(
    en="Telephone everybody on the printed runbook, one after another, until somebody answers.",
    ko="인쇄된 런북의 모든 사람에게 누군가 받을 때까지 차례로 전화하세요.",
)
ACKNOWLEDGED: Final = FindingText(
    id="page-acknowledged",
    answer=Answer.FINE,
    about=Words(en="Acknowledged", ko="호출 확인"),
    text=Words(en="By {by}", ko="확인한 사람: {by}"),
)
NOBODY_YET: Final = FindingText(
    id="page-not-acknowledged",
    answer=Answer.UNKNOWN,
    about=Words(en="Nobody has acknowledged yet", ko="아직 확인한 사람이 없음"),
    text=Words(
        en="The page was handed to every channel. That a channel took it doesn't say that somebody saw it.",
        ko="모든 채널에 호출을 보냈습니다. 채널이 받았다고 해서 누군가 본 것은 아닙니다.",
    ),
    what_to_do=_TELEPHONE,
)
NOT_PAGED: Final = FindingText(
    id="page-not-sent",
    answer=Answer.WRONG,
    about=Words(en="The page could not be sent", ko="호출을 보내지 못함"),
    text=Words(
        en="No channel took it, and it could not be stored to be sent later.",
        ko="어느 채널도 받지 않았고, 나중에 보내도록 저장하지도 못했습니다.",
    ),
    what_to_do=_TELEPHONE,
)
_WHO_IS_PAGED: Final = Words(en="Who is paged", ko="호출 대상")
OWNERS_UNREAD: Final = FindingText(
    id="emergency-owners-unread",
    answer=Answer.UNKNOWN,
    about=_WHO_IS_PAGED,
    text=Words(
        en="The owners can't be read, so the page mentions nobody: {because}",
        ko="담당자 목록을 읽지 못해 호출에 아무도 지정되지 않았습니다: {because}",
    ),
    what_to_do=Words(
        en="Telephone those on the printed runbook.",
        ko="인쇄된 런북에 있는 사람들에게 전화하세요.",
    ),
)
NOBODY_NAMED: Final = FindingText(
    id="no-emergency-owner-named",
    answer=Answer.WRONG,
    about=_WHO_IS_PAGED,
    text=Words(
        en="Nobody is named for emergencies, so the page mentions nobody.",
        ko="비상 상황 담당자가 지정되지 않아 호출에 아무도 지정되지 않았습니다.",
    ),
    what_to_do=Words(
        en="Telephone the security owners now. Later: responder owner emergency --name NAME --upn UPN.",
        ko="지금 보안 담당자에게 전화하세요. 나중에 실행하세요: responder owner emergency --name NAME --upn UPN",
    ),
)
PAGED: Final = FindingText(id="emergency-owners-paged", answer=Answer.NOTED, about=_WHO_IS_PAGED, text=same("{names}"))
PAGE: Final = NoticeText(
    id="emergency-page",
    title=Words(en="Emergency: nobody has acknowledged yet", ko="비상 상황: 아직 아무도 확인하지 않았습니다"),
    text=Words(en="{by} declared at {at}: {reason}", ko="선언한 사람: {by}, {at}. 사유: {reason}"),
    what_to_do=Words(
        en="Acknowledge emergency {id} (in PagerDuty, or by responder emergency acknowledge), and telephone the"
        " others. This page comes again, to further owners, until somebody does.",
        ko="비상 상황 {id}: 확인했다고 알리고(PagerDuty 또는 responder emergency acknowledge) 다른 사람들에게"
        " 전화하세요. 누군가 확인할 때까지 이 호출은 더 많은 담당자에게 다시 갑니다.",
    ),
    until_acknowledged=True,
)
NO_OTHER_CHANNEL: Final = FindingText(
    id="no-channel-without-the-tenant",
    answer=Answer.WRONG,
    about=Words(en="No channel works without the tenant", ko="테넌트 없이 쓸 수 있는 채널 없음"),
    text=Words(
        en="PAGERDUTY_ROUTING_KEY isn't set, so nobody is paged while Teams or its sign-in fails.",
        ko="PAGERDUTY_ROUTING_KEY가 설정되지 않아 Teams나 Teams 로그인에 문제가 있으면 아무도 호출되지 않습니다.",
    ),
    what_to_do=Words(en="Telephone the others.", ko="다른 사람들에게 전화하세요."),
)


def _run(step_context: StepContext) -> StepEnd:
    by = _acknowledged_by(step_context)
    if by:
        said = ACKNOWLEDGED.found(by=by)
        return StepEnd(state=StepState.DONE, findings=(said, _owners(step_context)))
    return StepEnd(
        state=StepState.BLOCKED,
        findings=(_page(step_context), _owners(step_context), *_channels(step_context)),
        next_at=step_context.now + AGAIN,
    )


def _acknowledged_by(step_context: StepContext) -> str:
    """Say who has acknowledged, to the app or in PagerDuty, and ask nobody any more; "" while nobody has.

    Where that can't be read, nobody has, as far as is known.
    """
    notifier, key = step_context.runtime.notifier, _notice(step_context).key
    first = next(iter(step_context.emergency.acknowledged), None)
    by = f"{first.name} at {first.at:%Y-%m-%d %H:%M:%S} UTC" if first else ""
    try:
        by = by or notifier.who_acknowledged(key)
        if by:
            notifier.finish_notice(key, by=by)
    except EdgeError as error:
        _log.warning("whether the page of an emergency was acknowledged could not be read or noted: %s", error)
    return by


def _notice(step_context: StepContext) -> SystemNotice:
    """Give the page: one for the emergency, which climbs until somebody acknowledges."""
    emergency = step_context.emergency
    at = f"{emergency.declared_at:%Y-%m-%d %H:%M} UTC"
    return notice_of(
        emergency, "page", PAGE, by=emergency.declared_name, at=at, reason=emergency.reason, id=emergency.id
    )


def _page(step_context: StepContext) -> Finding:
    """Send the page, once; without storage, which would have it climb, each time."""
    notice = _notice(step_context)
    if notify(step_context.runtime, notice):
        return NOBODY_YET.found()
    return NOT_PAGED.found()


def _owners(step_context: StepContext) -> Finding:
    """Say who is paged, by name."""
    runtime = step_context.runtime
    owners = TableOwners(runtime.storage, clock=runtime.clock, acts=runtime.acts)
    try:
        named = next((found for scope in LISTS if (found := owners.history(scope).present)), ())
    except EdgeError as error:
        return OWNERS_UNREAD.found(because=str(error))
    if not named:
        return NOBODY_NAMED.found()
    return PAGED.found(names=", ".join(f"{owner.name} ({owner.upn})" if owner.upn else owner.name for owner in named))


def _channels(step_context: StepContext) -> tuple[Finding, ...]:
    """Say which channel is missing: one has to work without the tenant."""
    if step_context.runtime.settings.pagerduty_routing_key:
        return ()
    return (NO_OTHER_CHANNEL.found(),)


NOTIFICATION: Final = RunbookStep(
    number=1,
    id="notify-everybody",
    title=Words(en="Notify the key administrators and security owners", ko="주요 관리자와 보안 담당자에게 알림"),
    person=Words(
        en="Acknowledge the page. Telephone whoever doesn't answer.",
        ko="호출을 확인하세요. 응답하지 않는 사람에게는 전화하세요.",
    ),
    system=Words(
        en="Pages list `emergency` over both channels, one owner after another, until somebody acknowledges, and notes"
        " who did.",
        ko="`emergency` 목록의 담당자를 두 채널로 차례로, 누군가 확인할 때까지 호출하고, 누가 확인했는지 기록합니다.",
    ),
    check=Words(
        en="Somebody has acknowledged, and you have spoken to the owner of identity.",
        ko="누군가 확인했고, ID 책임자와 직접 통화했습니다.",
    ),
    failed=_TELEPHONE,
    needs=(),
    run=_run,
)
