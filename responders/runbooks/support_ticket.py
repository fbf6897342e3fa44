"""Step 4 of the break-glass runbook: a ticket at Microsoft's support, by API where the plan allows it.

The ticket's name follows from the emergency's id, and a name is unique in a subscription: a run that comes again finds
the ticket that an earlier one asked for. Whatever the API refuses, a person gets the text to paste and the telephone.
Facts: https://learn.microsoft.com/rest/api/support/support-tickets/create. A critical ticket needs a telephone number;
creating one is answered 202, and the ticket is there some time later.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from shared.clients.api import TenantEdges
from shared.emergency.entries import Answer, StepState
from shared.emergency.finding_texts import FindingText
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.emergency.state import Emergency
from shared.model.bilingual import Words, filled, quoted, same
from shared.model.calls import Call, Permission, Service
from shared.model.contacts import SupportContact
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable
from shared.model.kinds import Image, Json

_API_VERSION: Final = "2024-04-01"
_TICKETS: Final = "/subscriptions/{subscription}/providers/Microsoft.Support/supportTickets/{support_ticket}"

LIST_SERVICES: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/providers/Microsoft.Support/services",
    needs=(Permission.SUPPORT_SERVICE_READ,),
    api_version=_API_VERSION,
)
LIST_PROBLEMS: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/providers/Microsoft.Support/services/{id}/problemClassifications",
    needs=(Permission.SUPPORT_PROBLEM_READ,),
    api_version=_API_VERSION,
)
GET_TICKET: Final = Call(
    method="GET",
    service=Service.ARM,
    path=_TICKETS,
    needs=(Permission.SUPPORT_TICKET_READ,),
    api_version=_API_VERSION,
)
CREATE_TICKET: Final = Call(
    method="PUT",
    service=Service.ARM,
    path=_TICKETS,
    needs=(Permission.SUPPORT_TICKET_WRITE,),
    api_version=_API_VERSION,
)
READS: Final = (LIST_SERVICES, LIST_PROBLEMS, GET_TICKET)
CALLS: Final = (*READS, CREATE_TICKET)

_SERVICES_LIKED: Final = (("entra", "sign-in"), ("entra", "directory"), ("active directory", "sign-in"), ("entra",))
_PROBLEMS_LIKED: Final = (("locked out",), ("cannot sign in",), ("sign in",), ("sign-in",))
"""Words that the names of services and problems have, best first; their ids change, so they are asked for."""

_TITLE: Final = "Nobody can sign in: emergency access to a Microsoft Entra tenant is needed"
_LONGEST_REASON: Final = 500
_NAME_IS_TAKEN: Final = 409
"""An earlier run asked for it, and it is still being made."""

_PORTAL: Final = "https://portal.azure.com/#view/Microsoft_Azure_Support/NewSupportRequestV3Blade"
_PHONES: Final = "https://support.microsoft.com/topic/global-customer-service-phone-numbers"
_LOOKS_AGAIN: Final = timedelta(minutes=1)
_LOOKS_FOR: Final = timedelta(minutes=15)
"""For so long after its first run the step looks again by itself for a ticket that was asked for."""


_TICKET: Final = Words(en="support ticket", ko="지원 요청")
TICKET: Final = FindingText(
    id="support-ticket-there",
    answer=Answer.FINE,
    about=_TICKET,
    text=Words(
        en="Ticket {number} is there, status {status}, in the subscription {subscription}.",
        ko="지원 요청이 있습니다. 번호 {number}, 상태 {status}, 구독 {subscription}.",
    ),
    what_to_do=Words(
        en="Keep the telephone of the contact free, and say this number when you call: {telephone}",
        ko="연락처의 전화를 비워 두고, 전화할 때 이 번호를 말하세요: {telephone}",
    ),
)
_NO_NUMBER: Final = Words(en="without a number yet", ko="아직 없음")
_NO_STATUS: Final = Words(en="unknown", ko="알 수 없음")
NO_TICKET_IN_A_DRILL: Final = FindingText(
    id="no-support-ticket-in-a-drill",
    answer=Answer.NOTED,
    about=_TICKET,
    text=Words(
        en="A drill makes no ticket. In an emergency this would be asked for:\n{text}",
        ko="훈련에서는 지원 요청을 만들지 않습니다. 실제 비상 상황이라면 다음과 같이 요청합니다:\n{text}",
    ),
)
_BY_HAND: Final = Words(
    en="There is no ticket by API: {because}. The text for Microsoft:\n\n{text}",
    ko="API로 지원 요청을 만들지 못했습니다: {because}. Microsoft에 전할 문구:\n\n{text}",
)
_TELEPHONE_OR_PASTE: Final = Words(
    en=f"Telephone Microsoft: {{telephone}} Or paste the text at {_PORTAL}."
    " Then record the ticket's number in this step.",
    ko=f"Microsoft에 전화하세요: {{telephone}} 또는 {_PORTAL} 페이지에 문구를 붙여 넣으세요."
    " 그다음 이 단계에 지원 요청 번호를 기록하세요.",
)
NO_TICKET: Final = FindingText(
    id="no-support-ticket",
    answer=Answer.WRONG,
    about=_TICKET,
    text=_BY_HAND,
    what_to_do=_TELEPHONE_OR_PASTE,
)
NO_TICKET_FOR_NOW: Final = FindingText(
    id="support-ticket-not-known",
    answer=Answer.UNKNOWN,
    about=_TICKET,
    text=_BY_HAND,
    what_to_do=_TELEPHONE_OR_PASTE,
)
_NO_CONTACT: Final = Words(
    en="no contact is set (SUPPORT_CONTACT), and Azure needs one",
    ko="Azure에 필요한 연락처가 설정되지 않았습니다(SUPPORT_CONTACT)",
)
_NO_TOPIC: Final = Words(
    en="Azure lists no support for signing in to Microsoft Entra ID",
    ko="Azure의 지원 목록에 Microsoft Entra ID 로그인이 없습니다",
)
_NO_SUBSCRIPTION: Final = Words(en="no subscription is configured", ko="구독이 설정되지 않았습니다")
_MAY_HAVE_ARRIVED: Final = Words(
    en="it isn't known whether Azure took the request: {lost}",
    ko="Azure가 요청을 받았는지 알 수 없습니다: {lost}",
)
_TAKEN_AND_UNREAD: Final = Words(
    en="Azure took the request, and the ticket can't be read: {because}",
    ko="Azure가 요청을 받았지만 지원 요청을 읽지 못했습니다: {because}",
)
_TAKEN: Final = Words(
    en="Azure took the request and hasn't made the ticket yet",
    ko="Azure가 요청을 받았고 아직 만드는 중입니다",
)
_PHONES_ARE_AT: Final = Words(
    en=f"the number of your country is at {_PHONES} (SUPPORT_PHONE isn't set).",
    ko=f"국가별 전화번호는 {_PHONES} 페이지에 있습니다(SUPPORT_PHONE이 설정되지 않음).",
)


def ticket_name(emergency: str) -> str:
    """Give the ticket's name: the same for every run in an emergency, of which `emergency` is the id."""
    return f"entra-responder-{emergency}"


class Topic(Struct, frozen=True, kw_only=True):
    """What the ticket is about, as resource ids of the support service and of one of its problems."""

    service: str
    problem: str


def ticket_text(
    emergency: Emergency, *, tenant: str, subscriptions: Iterable[str], contact: SupportContact | None
) -> str:
    """Give what Microsoft needs to know, in English: the same for the API, for pasting and for the telephone."""
    called_back = f"{contact.name}, {contact.phone}, {contact.email}" if contact else "(name, telephone, e-mail)"
    reason = emergency.reason.strip()[:_LONGEST_REASON]
    return "\n".join(
        (
            f"Title: {_TITLE}",
            "Severity: A, critical business impact, 24 hours a day",
            f"Tenant id: {tenant}",
            f"Subscription: {', '.join(sorted(subscriptions))}",
            f"Begun: {emergency.declared_at:%Y-%m-%d %H:%M} UTC",
            f"What happens: {reason}",
            "What is needed: help to get administrative access back, and to keep what an attacker did as evidence.",
            f"Contact: {called_back}",
            f"Our reference: {ticket_name(emergency.id)}",
        )
    )


def _text(context: StepContext) -> str:
    settings = context.runtime.settings
    return ticket_text(
        context.emergency,
        tenant=settings.workforce.id,
        subscriptions=settings.workforce.subscriptions,
        contact=settings.support_contact,
    )


def run(context: StepContext) -> StepEnd:
    """Find the ticket, or ask for it; else give the text."""
    api = context.apis[context.runtime.settings.workforce.id]
    contact = context.runtime.settings.support_contact
    if contact is None:
        return _by_hand(context, _NO_CONTACT)
    try:
        if found := _existing(context, api):
            return found
        topic = _topic(api)
    except EdgeError as error:
        return _by_hand(context, quoted(str(error)), NO_TICKET_FOR_NOW)
    if topic is None:
        return _by_hand(context, _NO_TOPIC)
    return _ask(context, api, topic, contact)


def _existing(context: StepContext, api: TenantEdges) -> StepEnd | None:
    """Find the ticket in any of the subscriptions. Raises EdgeError where one of them can't be read."""
    name = ticket_name(context.emergency.id)
    for subscription in sorted(api.tenant.subscriptions):
        if ticket := api.get(GET_TICKET, subscription=subscription, support_ticket=name):
            return _there(context, ticket, subscription)
    return None


def _topic(api: TenantEdges) -> Topic | None:
    service = _best(api.list(LIST_SERVICES), _SERVICES_LIKED)
    if service is None:
        return None
    problem = _best(api.list(LIST_PROBLEMS, id=str(service["name"])), _PROBLEMS_LIKED)
    return None if problem is None else Topic(service=str(service["id"]), problem=str(problem["id"]))


def _best(listed: Sequence[Image], liked: Iterable[tuple[str, ...]]) -> Image | None:
    """Give the first whose name has all words of the best choice that any has."""
    for words in liked:
        for each in listed:
            properties: Image = each.get("properties") or {}
            name = str(properties.get("displayName", "")).lower()
            if all(word in name for word in words):
                return each
    return None


def _ask(context: StepContext, api: TenantEdges, topic: Topic, contact: SupportContact) -> StepEnd:
    """Ask for the ticket in the first subscription whose plan allows it, and wait a moment for it."""
    name, refusals = ticket_name(context.emergency.id), list[str]()
    for subscription in sorted(api.tenant.subscriptions):
        try:
            written = context.write(
                api, CREATE_TICKET, body=_body(context, topic, contact), subscription=subscription, support_ticket=name
            )
        except (Refused, Rejected) as refused:
            if refused.status == _NAME_IS_TAKEN:
                return _shown_soon(context, api, subscription)
            refusals.append(str(refused))
            continue
        except Unreachable as lost:
            return _waiting(context, filled(_MAY_HAVE_ARRIVED, lost=str(lost)))
        if written.is_dry:
            return _dry(context)
        return _shown_soon(context, api, subscription)
    return _by_hand(context, quoted("; ".join(refusals)[:_LONGEST_REASON]) if refusals else _NO_SUBSCRIPTION)


def _shown_soon(context: StepContext, api: TenantEdges, subscription: str) -> StepEnd:
    runtime, pause = context.runtime, 1.0
    until = runtime.clock() + runtime.settings.read_back
    while True:
        try:
            ticket = api.get(GET_TICKET, subscription=subscription, support_ticket=ticket_name(context.emergency.id))
        except EdgeError as error:
            return _waiting(context, filled(_TAKEN_AND_UNREAD, because=str(error)))
        if ticket:
            return _there(context, ticket, subscription)
        if runtime.clock() >= until:
            return _waiting(context, _TAKEN)
        context.go_on()
        runtime.wait(pause)
        pause = min(2 * pause, 5.0)


def _body(context: StepContext, topic: Topic, contact: SupportContact) -> Json:
    return {
        "properties": {
            "serviceId": topic.service,
            "problemClassificationId": topic.problem,
            "severity": "critical",
            "title": _TITLE,
            "description": _text(context),
            "advancedDiagnosticConsent": "No",
            "problemStartTime": f"{context.emergency.declared_at:%Y-%m-%dT%H:%M:%SZ}",
            "contactDetails": {
                "firstName": contact.first_name,
                "lastName": contact.last_name,
                "primaryEmailAddress": contact.email,
                "phoneNumber": contact.phone,
                "preferredContactMethod": "phone",
                "preferredSupportLanguage": contact.language,
                "preferredTimeZone": contact.time_zone,
                "country": contact.country,
            },
        }
    }


# ---- how it ends -----------------------------------------------------------------------------------------------------


def _there(context: StepContext, ticket: Image, subscription: str) -> StepEnd:
    properties: Image = ticket.get("properties") or {}
    number, status = properties.get("supportTicketId"), properties.get("status")
    finding = TICKET.found(
        number=str(number) if number else _NO_NUMBER,
        status=str(status) if status else _NO_STATUS,
        subscription=subscription,
        telephone=_telephone(context),
        is_new=True,
    )
    return StepEnd(state=StepState.DONE, findings=(finding,))


def _dry(context: StepContext) -> StepEnd:
    return StepEnd(state=StepState.DONE, findings=(NO_TICKET_IN_A_DRILL.found(text=same(_text(context))),))


def _waiting(context: StepContext, because: Words) -> StepEnd:
    """It may come: look again under the same name, for a while, and give the text meanwhile."""
    end = _by_hand(context, because, NO_TICKET_FOR_NOW)
    first = next(iter(context.progress.runs), None)
    began = context.now if first is None else first.started_at
    looks_again = context.now + _LOOKS_AGAIN <= began + _LOOKS_FOR
    return StepEnd(
        state=StepState.BLOCKED,
        findings=end.findings,
        next_at=context.now + _LOOKS_AGAIN if looks_again else None,
    )


def _by_hand(context: StepContext, because: Words, declared: FindingText | None = None) -> StepEnd:
    finding = (declared or NO_TICKET).found(because=because, text=same(_text(context)), telephone=_telephone(context))
    return StepEnd(state=StepState.BLOCKED, findings=(finding,))


def _telephone(context: StepContext) -> Words:
    set_up = context.runtime.settings.support_phone
    return same(f"{set_up}.") if set_up else _PHONES_ARE_AT


SUPPORT_TICKET: Final = RunbookStep(
    number=4,
    id="open-a-support-ticket",
    title=Words(en="Open a support ticket", ko="지원 요청 열기"),
    person=Words(
        en="Call Microsoft, give the ticket's number and the tenant id, and ask for severity A with a call back."
        " Record the number.",
        ko="Microsoft에 전화해 지원 요청 번호와 테넌트 ID를 알려 주고, 심각도 A와 회신 전화를 요청하세요."
        " 번호를 기록하세요.",
    ),
    system=Words(
        en="Makes a critical ticket by API where the support plan allows it, else writes the text that you can paste or"
        " read out.",
        ko="지원 플랜이 허용하면 API로 심각도가 가장 높은 지원 요청을 만들고, 그렇지 않으면 붙여 넣거나 읽어 줄 수 있는"
        " 문구를 작성합니다.",
    ),
    check=Words(
        en="The ticket has a number, and Microsoft has called back.",
        ko="지원 요청 번호가 있고 Microsoft에서 회신 전화가 왔습니다.",
    ),
    failed=Words(
        en="Telephone Microsoft's support yourself, with the tenant id and what happened. The number is on the printed"
        " runbook.",
        ko="테넌트 ID와 상황을 준비해 Microsoft 지원에 직접 전화하세요. 전화번호는 인쇄된 런북에 있습니다.",
    ),
    needs=CALLS,
    run=run,
    writes=True,
)
"""Drills ask for no ticket: `StepContext.write` sends nothing then."""
