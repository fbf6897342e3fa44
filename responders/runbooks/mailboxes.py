"""Step 7 of the break-glass runbook: the mail of privileged accounts."""

from collections.abc import Iterable
from typing import Final

from responders.kinds.app_role_assignments import LIST_ROLE_HOLDERS
from responders.kinds.grant_scopes import LIST_GRANTS
from responders.kinds.principals import GET_SERVICE_PRINCIPAL, GET_USER, LIST_SERVICE_PRINCIPALS
from responders.rosters import LIST_DIRECTORY_ROLE_ASSIGNMENTS
from responders.runbooks.privileged_sign_ins import PRINCIPALS
from shared.emergency.mail_apps import MailAppCalls
from shared.emergency.mailboxes import MailboxCalls, watch_mailboxes
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.model.bilingual import Words
from shared.model.calls import Call, Permission, Service
from shared.model.kinds import TenantKind
from shared.model.read_probes import Ids, ReadProbe, first_of
from shared.model.tenant_api import TenantApi

LIST_INBOX_RULES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/users/{id}/mailFolders/{mail_folder}/messageRules",
    needs=(Permission.MAILBOX_SETTINGS_READ,),
)
GET_MAILBOX_SETTINGS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/users/{id}/mailboxSettings",
    needs=(Permission.MAILBOX_SETTINGS_READ,),
)

CALLS: Final[tuple[Call, ...]] = (
    GET_USER,
    GET_SERVICE_PRINCIPAL,
    LIST_INBOX_RULES,
    GET_MAILBOX_SETTINGS,
    LIST_GRANTS,
    LIST_SERVICE_PRINCIPALS,
    LIST_ROLE_HOLDERS,
)

_CALLS: Final = MailboxCalls(
    principals=PRINCIPALS,
    rules=LIST_INBOX_RULES,
    settings=GET_MAILBOX_SETTINGS,
    grants=LIST_GRANTS,
    apps=MailAppCalls(service_principals=LIST_SERVICE_PRINCIPALS, role_holders=LIST_ROLE_HOLDERS),
)


def _run(context: StepContext) -> StepEnd:
    return watch_mailboxes(context, _CALLS)


MAILBOXES: Final = RunbookStep(
    number=7,
    id="watch-privileged-mailboxes",
    title=Words(en="Watch the mail of privileged accounts", ko="권한 있는 계정의 메일 감시"),
    person=Words(
        en="Judge each rule, automatic reply, consent and app: ask the person over another way than mail. Look by hand"
        " at what can't be watched from here.",
        ko="규칙, 자동 회신, 동의, 앱마다 판단하세요. 메일이 아닌 다른 경로로 당사자에게 확인하세요."
        " 여기서 감시할 수 없는 것은 직접 확인하세요.",
    ),
    system=Words(
        en="Lists inbox rules that forward, redirect, delete or hide mail, automatic replies, consents by which apps"
        " read mail, and apps that reach every mailbox, every 15 minutes until the emergency is closed. Pages whenever"
        " one is new or changed.",
        ko="메일을 전달하거나 리디렉션하거나 삭제하거나 숨기는 받은 편지함 규칙, 자동 회신, 앱이 메일을 읽게 하는 동의,"
        " 모든 사서함에 접근하는 앱을 비상 상황이 끝날 때까지 15분마다 확인합니다."
        " 새로 생기거나 바뀌면 호출합니다.",
    ),
    check=Words(
        en="Each privileged account is listed with its mailbox, or as having none, and none as not read.",
        ko="권한 있는 계정마다 사서함이 나와 있거나 없다고 나와 있고, 읽지 못한 계정이 없습니다.",
    ),
    failed=Words(
        en="In Exchange Online PowerShell, for each privileged account: Get-InboxRule -Mailbox NAME -IncludeHidden;"
        " Get-Mailbox NAME | Format-List Forwarding*; Get-MailboxAutoReplyConfiguration NAME. In the portal: Entra ID >"
        " Enterprise applications > Permissions.",
        ko="Exchange Online PowerShell에서 권한 있는 계정마다 실행하세요: Get-InboxRule -Mailbox NAME -IncludeHidden;"
        " Get-Mailbox NAME | Format-List Forwarding*; Get-MailboxAutoReplyConfiguration NAME."
        " 포털에서는 Entra ID > 엔터프라이즈 애플리케이션 > 권한을 확인하세요.",
    ),
    needs=CALLS,
    run=_run,
)

_FEW: Final = 10
_NO_MAILBOX: Final = "MailboxNotEnabledForRESTAPI"


def _a_person(api: TenantApi) -> Iterable[Ids]:
    """Give the first holder of a directory role who is a user; nobody where the first few are none."""
    for held in api.first_page(LIST_DIRECTORY_ROLE_ASSIGNMENTS)[:_FEW]:
        if api.get(GET_USER, id=str(held["principalId"])) is not None:
            return [{"id": str(held["principalId"]), "mail_folder": "inbox"}]
    return []


def _of_a_person(api: TenantApi) -> Iterable[Ids]:
    return [{"id": ids["id"]} for ids in _a_person(api)]


READ_PROBES: Final[tuple[ReadProbe, ...]] = (
    ReadProbe(call=LIST_INBOX_RULES, kind=TenantKind.WORKFORCE, ids=_a_person, no_licence=_NO_MAILBOX),
    ReadProbe(
        call=GET_MAILBOX_SETTINGS,
        kind=TenantKind.WORKFORCE,
        ids=_of_a_person,
        is_listing=False,
        no_licence=_NO_MAILBOX,
    ),
    ReadProbe(call=LIST_GRANTS, kind=TenantKind.WORKFORCE),
    ReadProbe(call=LIST_SERVICE_PRINCIPALS, kind=TenantKind.WORKFORCE),
    ReadProbe(call=LIST_ROLE_HOLDERS, kind=TenantKind.WORKFORCE, ids=first_of(LIST_SERVICE_PRINCIPALS, "id")),
)
