"""Fixed texts about approvals and passkeys, in English and Korean."""

from collections.abc import Mapping
from typing import Final

from shared.model.bilingual import Words
from shared.model.kinds import ApprovalList

APPROVALS: Final = Words(en="Approvals", ko="승인")
PASSKEY: Final = Words(en="Your passkey", ko="내 패스키")
COPY_COMMAND: Final = Words(en="Copy command", ko="명령 복사")
COPY_PASSKEY: Final = Words(en="Copy public half", ko="공개 정보 복사")
BY_COMMAND: Final = Words(en="On the command line instead", ko="명령줄에서 하려면")

MAY_CHANGE: Final[Mapping[ApprovalList, Words]] = {
    ApprovalList.CONDITIONAL_ACCESS: Words(en="Conditional access", ko="조건부 액세스"),
    ApprovalList.B2C_CUSTOM_POLICIES: Words(en="B2C custom policies", ko="B2C 사용자 지정 정책"),
    ApprovalList.RBAC_ROLES: Words(en="Azure roles", ko="Azure 역할"),
    ApprovalList.CONSUMER_ACCOUNTS: Words(en="Consumer accounts", ko="소비자 계정"),
    ApprovalList.APP_REGISTRATIONS: Words(en="Applications", ko="애플리케이션"),
    ApprovalList.APP_PERMISSIONS: Words(en="Permissions of applications", ko="애플리케이션 권한"),
    ApprovalList.DIRECTORY_ROLES: Words(en="Roles of the directory", ko="디렉터리 역할"),
    ApprovalList.B2C_USER_FLOWS: Words(en="B2C user flows", ko="B2C 사용자 흐름"),
    ApprovalList.B2C_API_CONNECTORS: Words(en="B2C API connectors", ko="B2C API 커넥터"),
    ApprovalList.B2C_POLICY_KEYS: Words(en="B2C policy keys", ko="B2C 정책 키"),
    ApprovalList.IDENTITY_PROVIDERS: Words(en="Identity providers", ko="ID 공급자"),
    ApprovalList.TENANT_SETTINGS: Words(en="Settings of the tenant", ko="테넌트 설정"),
    ApprovalList.PIM_SETTINGS: Words(en="Settings of PIM", ko="PIM 설정"),
    ApprovalList.MONITORING: Words(en="Where logs go", ko="로그 전송"),
}
"""What those on a list may change."""

# ---- to approve somebody ---------------------------------------------------------------------------------------------

APPROVE: Final = Words(en="Approve…", ko="승인…")
APPROVE_ASKS: Final = Words(en="Approve {name}?", ko="{name} 님을 승인할까요?")
APPROVE_APP_ASKS: Final = Words(en="Approve the application {name}?", ko="{name} 애플리케이션을 승인할까요?")
WHAT: Final = Words(en="What will be approved", ko="승인할 내용")
MAY: Final = Words(en="May change", ko="변경할 수 있는 것")
WHO: Final = Words(en="Who", ko="대상")
NOW: Final = Words(en="At present", ko="현재")
NOTHING_SAID: Final = Words(en="not on the list", ko="목록에 없음")
TO_DAY: Final = Words(en="approved until {until}, ticket {ticket}", ko="{until}까지 승인됨, 티켓 {ticket}")
ENDED: Final = Words(en="the approval ended {until}", ko="{until}에 승인이 끝남")
WAS_REVOKED: Final = Words(en="the approval was taken back {at}", ko="{at}에 승인이 취소됨")
NOT_KNOWN: Final = Words(en="not known: {because}", ko="알 수 없음: {because}")

RECORDED_ONLY: Final = Words(
    en="Until the day below, what they change there is recorded, and never put back.",
    ko="아래 날짜까지 이 대상이 변경한 것은 기록만 하고 되돌리지 않습니다.",
)
FIRST_OF_LIST: Final = Words(
    en="Nobody is on this list yet. From then on whoever isn't on it is unapproved, and no longer only unknown.",
    ko="이 목록은 비어 있습니다. 승인하면 목록에 없는 사람은 승인 여부를 알 수 없는 것이 아니라 승인되지 않은 것으로"
    " 봅니다.",
)
TAKES_TWO: Final = Words(
    en="It may give roles, so it counts only once a second operator has signed it too, on the command line, within"
    " 4 hours.",
    ko="역할을 줄 수 있는 목록이므로 4시간 안에 두 번째 운영자가 명령줄에서 서명해야 적용됩니다.",
)
PASSKEY_SIGNS: Final = Words(
    en="Your passkey signs it: the device asks who you are.", ko="패스키로 서명합니다. 기기에서 본인 확인을 합니다."
)
UNTIL: Final = Words(en="Until the end of", ko="마지막 날")
TICKET: Final = Words(en="Ticket", ko="티켓")
TICKET_HINT: Final = Words(en="Who asked for it, like CHG-1234.", ko="요청 근거입니다. 예: CHG-1234")
SIGN: Final = Words(en="Approve and sign", ko="승인하고 서명")
SIGN_SINCE: Final = Words(en="Approve and sign, this change too", ko="이 변경도 포함해 승인하고 서명")
DO: Final = Words(en="Approve", ko="승인")
DO_SINCE: Final = Words(en="Approve, this change too", ko="이 변경도 포함해 승인")
NEEDS_SCRIPT: Final = Words(
    en="Without script a passkey can't sign here. On your own computer, with your operator's key:",
    ko="스크립트가 꺼져 있어 패스키로 서명할 수 없습니다. 본인 컴퓨터에서 운영자 키로 실행하세요:",
)
NO_PASSKEY: Final = Words(
    en="You have no passkey for this console, so it can't be signed here. On your own computer, with your operator's"
    " key:",
    ko="이 콘솔에서 쓸 패스키가 없어 여기서는 서명할 수 없습니다. 본인 컴퓨터에서 운영자 키로 실행하세요:",
)
MAKE_PASSKEY: Final = Words(en="Make a passkey…", ko="패스키 만들기…")
SIGNED_ON: Final = Words(
    en="Where operators are founded, an approval takes the signature of one.",
    ko="운영자가 등록된 곳에서는 승인에 운영자의 서명이 필요합니다.",
)

NO_TICKET: Final = Words(
    en="Nothing was approved yet. Enter the ticket that says who asked for it.",
    ko="아직 승인되지 않았습니다. 요청 근거가 되는 티켓을 입력하세요.",
)
NO_DAY: Final = Words(
    en="Nothing was approved yet. Choose a day from today on, at most 365 days away.",
    ko="아직 승인되지 않았습니다. 오늘 이후, 365일 이내의 날짜를 고르세요.",
)
NOT_SIGNED: Final = Words(
    en="Nothing was approved: no passkey signed it.", ko="승인되지 않았습니다. 패스키로 서명하지 않았습니다."
)
SIGNED_LATE: Final = Words(
    en="Nothing was approved: it was signed too late. Press again.",
    ko="승인되지 않았습니다. 서명이 너무 늦었습니다. 다시 누르세요.",
)
WRONGLY_SIGNED: Final = Words(
    en="Nothing was approved: the signature isn't of this approval by a passkey of yours.",
    ko="승인되지 않았습니다. 내 패스키로 이 승인에 한 서명이 아닙니다.",
)
NO_LIST: Final = Words(en="its detection has no approval list", ko="이 탐지에는 승인 목록이 없음")
NOBODY_KNOWN: Final = Words(en="the record doesn't say who it was", ko="기록에 누구인지 나오지 않음")
NEVER_APPROVED: Final = Words(
    en="the responder itself and emergency accounts are on no list", ko="Responder와 비상 계정은 승인하지 않음"
)

DONE_APPROVED: Final = Words(en="Approved, in your name.", ko="내 이름으로 승인했습니다.")
DONE_WAITS: Final = Words(
    en="Signed, in your name. It counts once a second operator has signed it too: see below.",
    ko="내 이름으로 서명했습니다. 두 번째 운영자가 서명하면 적용됩니다. 아래를 보세요.",
)

# ---- who is approved -------------------------------------------------------------------------------------------------

WHO_MAY: Final = Words(en="Who may change what", ko="누가 무엇을 변경할 수 있나요?")
COUNT_ON: Final = Words(en="{count} approved", ko="{count}명 승인됨")
VALID: Final = Words(en="Approved", ko="승인됨")
NOT_YET: Final = Words(en="Not yet", ko="시작 전")
PAST: Final = Words(en="Ended", ko="끝남")
TAKEN_BACK: Final = Words(en="Taken back", ko="취소됨")
UNKNOWN: Final = Words(en="Not known", ko="알 수 없음")
UNTIL_BY: Final = Words(
    en="Until {until}, ticket {ticket}, by {by}.", ko="{until}까지, 티켓 {ticket}, 승인한 사람: {by}."
)
ENDED_BY: Final = Words(
    en="Ended {until}, ticket {ticket}, by {by}.", ko="{until}에 끝남, 티켓 {ticket}, 승인한 사람: {by}."
)
BACK_AT: Final = Words(
    en="Taken back {at}. It was approved with ticket {ticket} by {by}.",
    ko="{at}에 취소됨. 티켓 {ticket}, 승인한 사람: {by}.",
)
ONLY_FOR: Final = Words(en="Only for {targets}.", ko="{targets}만.")
ONLY_AT: Final = Words(en="Only at {hours}.", ko="{hours}에만.")
NO_MORE: Final = Words(en="No longer approved: {count}", ko="더 이상 승인되지 않음: {count}")
EMPTY_LISTS: Final = Words(en="Lists with nobody on them", ko="비어 있는 목록")
EMPTY_LIST: Final = Words(
    en="Nobody is on these lists, so such changes are paged, never put back.",
    ko="목록이 비어 있어 이런 변경은 호출만 하고 되돌리지 않습니다.",
)
LISTS_UNREAD: Final = Words(
    en="Who is approved couldn't be read: {because}. While it can't, everybody's standing is unknown.",
    ko="승인 목록을 읽지 못했습니다: {because}. 그동안 모든 사람의 승인 여부를 알 수 없습니다.",
)
WAITING: Final = Words(en="Waits for a second operator", ko="두 번째 운영자의 서명을 기다리는 것")
WAITING_UNREAD: Final = Words(
    en="What waits for a second operator couldn't be read: {because}.",
    ko="두 번째 운영자의 서명을 기다리는 것을 읽지 못했습니다: {because}.",
)
NOTHING_WAITS: Final = Words(en="Nothing.", ko="없습니다.")
SIGNED_BY: Final = Words(
    en="{name} signed it {at}. Another operator reads and signs it by {until}, on their own computer:",
    ko="{name} 님이 {at}에 서명했습니다. 다른 운영자가 {until}까지 본인 컴퓨터에서 읽고 서명합니다:",
)
NOT_FOUNDED: Final = Words(
    en="No operators are founded here: whoever may write to the storage account can approve anybody.",
    ko="운영자가 등록되지 않아, 저장소 계정에 쓸 수 있는 사람은 누구든 승인할 수 있습니다.",
)
CHANGED_BY: Final = Words(
    en="From an incident's page its actor is approved. Everything else is changed on the command line:",
    ko="인시던트 화면에서 그 사람을 승인합니다. 나머지는 명령줄에서 바꿉니다:",
)

# ---- a passkey -------------------------------------------------------------------------------------------------------

PASSKEY_ASKS: Final = Words(en="Make a passkey for this console", ko="이 콘솔에서 쓸 패스키 만들기")
PASSKEY_WHY: Final = Words(
    en="With it you sign approvals here. It counts once you and two other operators have signed that it is yours.",
    ko="여기서 승인에 서명할 때 씁니다. 본인과 다른 운영자 두 명이 서명하면 유효해집니다.",
)
YOUR_PASSKEYS: Final = Words(en="Your passkeys here", ko="여기서 쓰는 내 패스키")
NO_PASSKEYS: Final = Words(en="You have none yet.", ko="아직 없습니다.")
NO_OPERATOR: Final = Words(
    en="No operators are founded here, so nothing has to be signed yet. The public half can go on your card when they"
    " are: responder operator key … --passkey FILE.",
    ko="운영자가 등록되지 않아 아직 서명할 것이 없습니다. 등록할 때 공개 정보를 카드에 넣을 수 있습니다:"
    " responder operator key … --passkey FILE",
)
MAKE: Final = Words(en="Make the passkey", ko="패스키 만들기")
PASSKEY_NEEDS_SCRIPT: Final = Words(
    en="A browser makes a passkey by script, which is switched off or missing here.",
    ko="패스키는 스크립트로 만듭니다. 스크립트가 꺼져 있거나 없습니다.",
)
NOT_AT_ADDRESS: Final = Words(
    en="There are no passkeys for an address of figures. Open this page at {host}.",
    ko="숫자로 된 주소에서는 패스키를 쓸 수 없습니다. {host}에서 여세요.",
)
NOT_MADE: Final = Words(
    en="No passkey was made: the device refused, or nobody answered it.",
    ko="패스키를 만들지 못했습니다. 기기가 거부했거나 응답이 없었습니다.",
)
NOT_DONE_BY_PASSKEY: Final = Words(
    en="Nothing was approved: the device refused, or nobody answered it.",
    ko="승인되지 않았습니다. 기기가 거부했거나 응답이 없었습니다.",
)
MADE: Final = Words(en="The passkey is made", ko="패스키를 만들었습니다")
MADE_NEXT: Final = Words(
    en="It signs nothing yet. Keep its public half in a file on your own computer, passkey.json:",
    ko="아직 서명에 쓸 수 없습니다. 공개 정보를 본인 컴퓨터의 passkey.json 파일에 저장하세요:",
)
FINGERPRINT: Final = Words(en="Fingerprint: {print}", ko="지문: {print}")
THEN_SIGN: Final = Words(
    en="Then have it added. You and two others sign, who compare the fingerprint with what you read out:",
    ko="그다음 등록합니다. 본인과 다른 두 명이 서명하고, 본인이 읽어 주는 지문과 대조합니다:",
)
