"""Step 1 of the break-glass runbook: page everybody who has to know, until somebody acknowledges."""

import logging
from datetime import timedelta
from typing import Final

import msgspec

from shared.authority.owners import TableOwners
from shared.emergency.entries import Answer, Finding, StepState
from shared.emergency.reports import LISTS, notice_of, notify
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd, Words
from shared.model.errors import EdgeError
from shared.model.notices import SystemNotice

_log = logging.getLogger("responder.emergency")
AGAIN: Final = timedelta(minutes=1)
"""How often it is asked whether somebody has acknowledged. The page itself climbs in its own time."""


def _run(step_context: StepContext) -> StepEnd:
    by = _acknowledged_by(step_context)
    if by:
        said = Finding(answer=Answer.FINE, about="Acknowledged", text=f"By {by}")
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
    notice = notice_of(
        emergency,
        "page",
        title="Emergency: nobody has acknowledged yet",
        text=f"{emergency.declared_name} declared at {emergency.declared_at:%Y-%m-%d %H:%M} UTC: {emergency.reason}",
        what_to_do=f"Acknowledge emergency {emergency.id} (in PagerDuty, responder emergency acknowledge, or its page),"
        " and telephone the others. This page comes again, to further owners, until somebody does.",
    )
    return msgspec.structs.replace(notice, until_acknowledged=True)


def _page(step_context: StepContext) -> Finding:
    """Send the page, once; without storage, which would have it climb, each time."""
    notice = _notice(step_context)
    if notify(step_context.runtime, notice):
        return Finding(
            answer=Answer.UNKNOWN,
            about="Nobody has acknowledged yet",
            text="The page was handed to every channel. That a channel took it doesn't say that somebody saw it.",
            what_to_do=NOTIFICATION.failed.en,
        )
    return Finding(
        answer=Answer.WRONG,
        about="The page could not be sent",
        text="No channel took it, and it could not be stored to be sent later.",
        what_to_do=NOTIFICATION.failed.en,
    )


def _owners(step_context: StepContext) -> Finding:
    """Say who is paged, by name."""
    about = "Who is paged"
    owners = TableOwners(step_context.runtime.storage, clock=step_context.runtime.clock)
    try:
        named = next((found for scope in LISTS if (found := owners.history(scope).present)), ())
    except EdgeError as error:
        return Finding(
            answer=Answer.UNKNOWN,
            about=about,
            text=f"The owners can't be read, so the page mentions nobody: {error}",
            what_to_do="Telephone those on the printed runbook.",
        )
    if not named:
        return Finding(
            answer=Answer.WRONG,
            about=about,
            text="Nobody is named for emergencies, so the page mentions nobody.",
            what_to_do="Telephone the security owners now. Later: responder owner emergency --name NAME --upn UPN.",
        )
    text = ", ".join(f"{owner.name} ({owner.upn})" if owner.upn else owner.name for owner in named)
    return Finding(answer=Answer.NOTED, about=about, text=text)


def _channels(step_context: StepContext) -> tuple[Finding, ...]:
    """Say which channel is missing: one has to work without the tenant."""
    if step_context.runtime.settings.pagerduty_routing_key:
        return ()
    missing = Finding(
        answer=Answer.WRONG,
        about="No channel works without the tenant",
        text="PAGERDUTY_ROUTING_KEY isn't set, so nobody is paged while Teams or its sign-in fails.",
        what_to_do="Telephone the others.",
    )
    return (missing,)


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
    failed=Words(
        en="Telephone everybody on the printed runbook, one after another, until somebody answers.",
        ko="인쇄된 런북의 모든 사람에게 누군가 받을 때까지 차례로 전화하세요.",
    ),
    needs=(),
    run=_run,
)
