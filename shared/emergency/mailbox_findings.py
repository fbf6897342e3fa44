"""What step 7 may find, and what a person does about it, in English and Korean."""

from typing import Final

from shared.emergency.entries import Answer
from shared.emergency.finding_texts import FindingText
from shared.model.bilingual import Words, same

_WHO: Final = same("{who}")
_MAILBOXES: Final = Words(en="{count:,} mailboxes", ko="사서함 {count:,}개")
_ASK: Final = Words(
    en="Ask the person over another way. If it isn't his: note it, then remove the rule.",
    ko="다른 경로로 당사자에게 확인하세요. 본인이 만든 것이 아니면 기록한 뒤 규칙을 제거하세요.",
)
THE_APP_MAY_NOT: Final = Words(en="the app may not read it: {because}", ko="앱에 읽을 권한이 없습니다: {because}")

# ---- mailboxes -------------------------------------------------------------------------------------------------------

MAILBOX_UNREAD: Final = FindingText(
    id="mailbox-unread",
    answer=Answer.UNKNOWN,
    about=_WHO,
    text=Words(en="the mailbox couldn't be read: {because}", ko="사서함을 읽지 못했습니다: {because}"),
    what_to_do=Words(
        en="In Exchange Online PowerShell: Get-InboxRule -Mailbox {account} -IncludeHidden",
        ko="Exchange Online PowerShell에서 실행하세요: Get-InboxRule -Mailbox {account} -IncludeHidden",
    ),
)
NO_SETTINGS: Final = Words(
    en="it has inbox rules, and its settings aren't found",
    ko="받은 편지함 규칙은 있는데 사서함 설정이 없습니다",
)
NO_MAILBOX_ONLINE: Final = FindingText(
    id="no-mailbox-online",
    answer=Answer.UNKNOWN,
    about=_WHO,
    text=Words(
        en="no mailbox in Exchange Online; one on-premises can't be seen from here",
        ko="Exchange Online에 사서함이 없습니다. 온-프레미스 사서함은 여기서 볼 수 없습니다",
    ),
    what_to_do=Words(
        en="Look at the mailbox on-premises: its rules and its forwarding address.",
        ko="온-프레미스 사서함의 규칙과 전달 주소를 확인하세요.",
    ),
)
RISKY_RULE: Final = FindingText(
    id="inbox-rule-sends-deletes-or-hides",
    answer=Answer.WRONG,
    about=_WHO,
    text=same("{rule}"),
    what_to_do=_ASK,
)
RULE: Final = Words(en='the inbox rule "{name}" {does}', ko="받은 편지함 규칙 “{name}”: {does}")
FORWARDS: Final = Words(en="forwards to {to}", ko="전달 대상 {to}")
FORWARDS_ATTACHED: Final = Words(en="forwards as an attachment to {to}", ko="첨부 파일로 전달하는 대상 {to}")
REDIRECTS: Final = Words(en="redirects to {to}", ko="리디렉션 대상 {to}")
AND_MORE: Final = Words(en="{names} and {more} more", ko="{names} 외 {more}개")
DELETES_FOR_GOOD: Final = Words(en="deletes mail for good", ko="메일을 영구 삭제함")
DELETES: Final = Words(en="deletes mail", ko="메일을 삭제함")
HIDES: Final = Words(
    en="moves mail to another folder and marks it as read",
    ko="메일을 다른 폴더로 옮기고 읽음으로 표시함",
)
REPLIES_ON: Final = FindingText(
    id="automatic-replies-on",
    answer=Answer.NOTED,
    about=_WHO,
    text=Words(en="automatic replies are on ({status}): {reply}", ko="자동 회신이 켜져 있습니다({status}): {reply}"),
)
REPLIES_OFF: Final = FindingText(
    id="automatic-replies-switched-off",
    answer=Answer.NOTED,
    about=_WHO,
    text=Words(en="automatic replies were switched off", ko="자동 회신이 꺼졌습니다"),
)
RULES_GONE: Final = FindingText(
    id="inbox-rules-gone",
    answer=Answer.NOTED,
    about=_WHO,
    text=Words(
        en="{count} rules that send, delete or hide mail are gone since the look before; both states are in the"
        " evidence",
        ko="지난 확인 이후 메일을 보내거나 삭제하거나 숨기는 규칙 {count}개가 없어졌습니다. 두 상태가 모두 증거에"
        " 있습니다",
    ),
)
MAILBOX_CHANGED: Final = FindingText(
    id="mailbox-changed",
    answer=Answer.NOTED,
    about=_WHO,
    text=Words(
        en="its rules or settings changed since the look before; both states are in the evidence",
        ko="지난 확인 이후 규칙이나 설정이 바뀌었습니다. 두 상태가 모두 증거에 있습니다",
    ),
)
NO_MAILBOX: Final = FindingText(
    id="accounts-without-mailbox",
    answer=Answer.NOTED,
    about=Words(en="no mailbox", ko="사서함 없음"),
    text=same("{names}"),
)
MAILBOXES_FINE: Final = FindingText(
    id="mailboxes-fine",
    answer=Answer.FINE,
    about=_MAILBOXES,
    text=Words(
        en="{names}: no inbox rule sends, deletes or hides mail",
        ko="{names}: 메일을 보내거나 삭제하거나 숨기는 받은 편지함 규칙이 없습니다",
    ),
)
MAILBOXES_LEFT: Final = FindingText(
    id="mailboxes-left",
    answer=Answer.UNKNOWN,
    about=_MAILBOXES,
    text=Words(
        en="not looked at yet, for want of time: {names}",
        ko="시간이 부족해 아직 확인하지 못했습니다: {names}",
    ),
)
UNSEEN: Final = FindingText(
    id="mail-unseen",
    answer=Answer.UNKNOWN,
    about=Words(en="what can't be watched", ko="감시할 수 없는 것"),
    text=Words(
        en="the forwarding address that an administrator sets on a mailbox, hidden rules, rules of Outlook on a"
        " computer, delegates, transport rules, connectors and what apps were given in Exchange itself: Microsoft"
        " Graph doesn't have them",
        ko="관리자가 사서함에 설정한 전달 주소, 숨은 규칙, 컴퓨터의 Outlook 규칙, 대리인, 전송 규칙, 커넥터,"
        " Exchange에서 앱에 직접 부여한 역할은 Microsoft Graph에 없습니다",
    ),
    what_to_do=Words(
        en="In Exchange Online PowerShell: Get-Mailbox -ResultSize Unlimited | Where-Object"
        " {{$_.ForwardingSmtpAddress -or $_.ForwardingAddress}} | Format-Table UserPrincipalName,"
        " ForwardingSmtpAddress, ForwardingAddress; then Get-TransportRule, Get-ManagementRoleAssignment |"
        " Where-Object {{$_.Role -like 'Application *'}}, and Get-InboxRule -IncludeHidden for each privileged"
        " account.",
        ko="Exchange Online PowerShell에서 실행하세요: Get-Mailbox -ResultSize Unlimited | Where-Object"
        " {{$_.ForwardingSmtpAddress -or $_.ForwardingAddress}} | Format-Table UserPrincipalName,"
        " ForwardingSmtpAddress, ForwardingAddress; 그다음 Get-TransportRule, Get-ManagementRoleAssignment |"
        " Where-Object {{$_.Role -like 'Application *'}}, 그리고 권한 있는 계정마다 Get-InboxRule -IncludeHidden",
    ),
)

# ---- consents and permissions ----------------------------------------------------------------------------------------

_CONSENTS: Final = Words(en="consents to read mail in {tenant}", ko="{tenant} 테넌트의 메일 읽기 동의")
_APPS: Final = Words(en="apps that reach every mailbox of {tenant}", ko="{tenant} 테넌트의 모든 사서함에 접근하는 앱")
CONSENTS_UNREAD: Final = FindingText(
    id="mail-consents-unread",
    answer=Answer.UNKNOWN,
    about=_CONSENTS,
    text=Words(en="they couldn't be read: {because}", ko="읽지 못했습니다: {because}"),
    what_to_do=Words(
        en="Look in the portal: Entra ID > Enterprise applications > Permissions of each.",
        ko="포털의 Entra ID > 엔터프라이즈 애플리케이션에서 앱마다 권한을 확인하세요.",
    ),
)
_CONSENT: Final = Words(en="app {app} may, for {whom}: {scopes}", ko="앱 {app}, 대상 {whom}: {scopes}")
CONSENT: Final = FindingText(id="mail-consent", answer=Answer.NOTED, about=_CONSENTS, text=_CONSENT)
CONSENT_NEW: Final = FindingText(
    id="mail-consent-new",
    answer=Answer.WRONG,
    about=_CONSENTS,
    text=_CONSENT,
    what_to_do=Words(
        en="Find out who consented, and revoke it if nobody can name the app.",
        ko="누가 동의했는지 확인하고, 앱을 아는 사람이 없으면 동의를 철회하세요.",
    ),
)
EVERYBODY: Final = Words(en="everybody", ko="모든 사용자")
USER: Final = Words(en="user {id}", ko="사용자 {id}")
APPS_UNREAD: Final = FindingText(
    id="mail-apps-unread",
    answer=Answer.UNKNOWN,
    about=_APPS,
    text=Words(en="they couldn't be read: {because}", ko="읽지 못했습니다: {because}"),
    what_to_do=Words(
        en="Look in the portal: Entra ID > Enterprise applications > Permissions of each, Type Application.",
        ko="포털의 Entra ID > 엔터프라이즈 애플리케이션에서 앱마다 권한(유형: 애플리케이션)을 확인하세요.",
    ),
)
_APP: Final = Words(
    en="app {app} may, with nobody signed in: {permission} ({resource}), granted at {at}",
    ko="앱 {app}, 로그인한 사용자 없이 쓰는 권한: {permission}({resource}), 부여 시각 {at}",
)
_WHO_GRANTED: Final = Words(
    en="Find out who granted it. If nobody can name the app: disable it, then take the permission away.",
    ko="누가 부여했는지 확인하세요. 앱을 아는 사람이 없으면 앱을 사용 중지한 뒤 권한을 제거하세요.",
)
APP: Final = FindingText(id="mail-app", answer=Answer.NOTED, about=_APPS, text=_APP)
APP_NEW: Final = FindingText(
    id="mail-app-new",
    answer=Answer.WRONG,
    about=_APPS,
    text=Words(
        en=f"{_APP.en}: since the emergency began, or since the look before",
        ko=f"{_APP.ko}. 비상 상황이 시작된 뒤 또는 지난 확인 이후에 부여되었습니다",
    ),
    what_to_do=_WHO_GRANTED,
)
APP_NOT_NAMED: Final = FindingText(
    id="mail-app-not-named",
    answer=Answer.UNKNOWN,
    about=_APPS,
    text=Words(
        en="app {app} has a permission that isn't named: {permission} ({resource}), granted at {at}",
        ko="앱 {app}, 이름을 알 수 없는 권한: {permission}({resource}), 부여 시각 {at}",
    ),
    what_to_do=_WHO_GRANTED,
)
NO_APP: Final = FindingText(
    id="no-mail-app",
    answer=Answer.FINE,
    about=_APPS,
    text=Words(
        en="no app was given a permission to mail by Microsoft Graph or Exchange Online",
        ko="Microsoft Graph나 Exchange Online의 메일 권한을 받은 앱이 없습니다",
    ),
)
NO_GRAPH: Final = Words(
    en="Microsoft Graph isn't among the service principals",
    ko="서비스 주체 목록에 Microsoft Graph가 없습니다",
)
UNKNOWN_TIME: Final = Words(en="a time that isn't said", ko="알 수 없음")
