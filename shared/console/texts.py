"""Fixed texts of the console, in English and Korean. No particle follows a name: a fixed noun stands between."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from shared.model.bilingual import Words
from shared.model.cases import RemarkKind
from shared.model.kinds import Risk

PRODUCT: Final = "Entra Responder"
SKIP: Final = Words(en="Skip to the page", ko="본문으로 이동")
MENU: Final = Words(en="Menu", ko="메뉴")
PAGES: Final = Words(en="Pages", ko="화면")
INCIDENTS: Final = Words(en="Incidents", ko="인시던트")
INCIDENT: Final = Words(en="Incident", ko="인시던트")
NEED_SOMEBODY: Final = Words(en="need somebody", ko="조치 필요")
SIGN_OUT: Final = Words(en="Sign out", ko="로그아웃")
AS_OF: Final = Words(en="As of {at} UTC", ko="{at} UTC 기준")
ALL_TIMES: Final = Words(en="All times are UTC.", ko="모든 시각은 UTC입니다.")
LIGHT: Final = Words(en="Light", ko="밝게")
DARK: Final = Words(en="Dark", ko="어둡게")
OWN_SETTINGS: Final = Words(en="Your settings", ko="내 설정")
POSTURE: Final = Words(en="Posture", ko="보안 상태")
NOTICE: Final = Words(en="The product itself", ko="제품 상태")

# ---- the list --------------------------------------------------------------------------------------------------------

WHICH: Final = Words(en="Which incidents", ko="인시던트 구분")
OPEN: Final = Words(en="Open", ko="열림")
MINE: Final = Words(en="Mine", ko="내 담당")
ALL: Final = Words(en="All", ko="전체")
COUNT_ONE: Final = Words(en="1 incident needs somebody", ko="조치가 필요한 인시던트 1건")
COUNT: Final = Words(en="{count} incidents need somebody", ko="조치가 필요한 인시던트 {count}건")
COUNT_NONE: Final = Words(en="Nothing needs you now", ko="지금 조치할 것이 없습니다")
MANY: Final = Words(
    en="{who} made {count} changes to {objects} objects in {time}",
    ko="{who} {time} 동안 대상 {objects}개를 {count}번 변경했습니다",
)
OF_ACTOR: Final = Words(en="Open incidents of {name}", ko="{name} 님의 열린 인시던트")
PUT_BACK_UNSEEN: Final = Words(en="Put back, nobody has looked", ko="되돌림 완료, 아직 아무도 보지 않음")
NOTHING_OPEN: Final = Words(en="Nothing is open", ko="열린 인시던트가 없습니다")
READ_UP_TO: Final = Words(
    en="Everything is read up to {at}, from all {count} sources.", ko="소스 {count}개를 모두 {at}까지 읽었습니다."
)
NOTHING_OPEN_UNREAD: Final = Words(
    en="Nothing is open in what could be read", ko="읽은 범위에는 열린 인시던트가 없습니다"
)
NOT_SEEN: Final = Words(
    en="Not seen as it should be: {names}. What happened there isn't known.",
    ko="제대로 확인하지 못한 소스: {names}. 그곳에서 일어난 일은 알 수 없습니다.",
)
AND_MORE: Final = Words(en="and {count} more", ko="외 {count}개")
NONE_MINE: Final = Words(
    en="You have none. {count} are open.", ko="맡은 인시던트가 없습니다. 열린 것은 {count}건입니다."
)
NO_INCIDENT: Final = Words(en="No incident yet.", ko="아직 인시던트가 없습니다.")
OLDER: Final = Words(en="Older incidents", ko="이전 인시던트")
OPEN_LOOKS_BACK: Final = Words(
    en="What the responder finished is shown here for {days} days, the newest {most} of a tenant. All has the rest.",
    ko="Responder가 끝낸 인시던트는 {days}일 동안, 테넌트마다 최근 {most}건까지 표시합니다. 나머지는 전체에 있습니다.",
)
FIND: Final = Words(en="Open by id", ko="ID로 열기")
FIND_LABEL: Final = Words(en="Id of an incident", ko="인시던트 ID")
FIND_BUTTON: Final = Words(en="Open", ko="열기")
ROW_UNREAD: Final = Words(
    en="Incidents that couldn't be read, and aren't in this list: {count}.",
    ko="읽지 못해 목록에 없는 인시던트가 {count}건 있습니다.",
)

# ---- who has it ------------------------------------------------------------------------------------------------------

NOBODY_HAS_IT: Final = Words(en="Nobody has it", ko="담당 없음")
YOU_HAVE_IT: Final = Words(en="You have it", ko="내가 접수함")
SOMEBODY_HAS_IT: Final = Words(en="{name} has it", ko="{name} 님이 접수함")
NEXT_IS_PAGED: Final = Words(
    en="Until somebody has, the next owner is paged.", ko="접수할 때까지 다음 담당자를 호출합니다."
)
NOBODY_IS_ASKED: Final = Words(en="Nobody else is asked about it.", ko="이 건으로 더 호출하지 않습니다.")
NO_MORE_PAGES: Final = Words(en="Since {at}. Nobody else is paged.", ko="{at}부터. 더 호출하지 않습니다.")
ACKNOWLEDGE: Final = Words(en="Acknowledge", ko="접수")
ACKNOWLEDGED: Final = Words(en="Acknowledged", ko="접수됨")

TAKE_BACK: Final = Words(en="Take back", ko="접수 취소")
TAKEN_BACK: Final = Words(
    en="You don't have it any more. Where it needs somebody, the next owners are asked again.",
    ko="접수를 취소했습니다. 조치가 필요하면 다음 담당자를 다시 호출합니다.",
)
ADD_REMARK: Final = Words(en="Add a note", ko="메모 추가")
REMARK_HINT: Final = Words(en="It stands here with your name.", ko="내 이름으로 여기에 남습니다.")
SAVE_NOTE: Final = Words(en="Add note", ko="메모 저장")
NOTED: Final = Words(en="Noted in your name.", ko="내 이름으로 기록했습니다.")
NO_TEXT: Final = Words(en="Nothing was noted: enter a text.", ko="저장하지 않았습니다. 내용을 입력하세요.")
WHAT_WAS_IT: Final = Words(en="What was it?", ko="무엇이었나요?")
WAS_UNSAID: Final = Words(
    en="Nobody has said yet. It closes what needs nobody any more.",
    ko="아직 분류하지 않았습니다. 더 조치할 것이 없으면 닫힙니다.",
)
WAS_SAID: Final = Words(en="It was: {was}, says {name}, {at}.", ko="분류: {was}, {name} 님, {at}.")
REMARK_KINDS: Final[Mapping[RemarkKind, Words]] = {
    RemarkKind.ATTACK: Words(en="Attack", ko="공격"),
    RemarkKind.EXPECTED: Words(en="Expected", ko="예정된 작업"),
    RemarkKind.FALSE_ALARM: Words(en="False alarm", ko="오탐"),
}
REMARKED: Final[Mapping[RemarkKind, Words]] = {
    RemarkKind.NOTE: Words(en="{name} noted", ko="{name} 님의 메모"),
    RemarkKind.TAKE_BACK: Words(en="{name} took the acknowledgement back", ko="{name} 님이 접수 취소"),
    RemarkKind.ATTACK: Words(en="{name} says that it was an attack", ko="{name} 님이 공격으로 분류"),
    RemarkKind.EXPECTED: Words(en="{name} says that it was expected", ko="{name} 님이 예정된 작업으로 분류"),
    RemarkKind.FALSE_ALARM: Words(en="{name} says that it was a false alarm", ko="{name} 님이 오탐으로 분류"),
}

# ---- an incident -----------------------------------------------------------------------------------------------------

RISKS: Final[Mapping[Risk, Words]] = {
    Risk.HIGH: Words(en="High risk", ko="위험 높음"),
    Risk.MEDIUM: Words(en="Medium risk", ko="위험 보통"),
    Risk.LOW: Words(en="Low risk", ko="위험 낮음"),
}
NEXT: Final = Words(en="What to do next", ko="다음에 할 일")
CHANGED: Final = Words(en="What changed", ko="바뀐 내용")
HAPPENED: Final = Words(en="What happened", ko="경과")
WHY: Final = Words(en="Why it was decided so", ko="그렇게 결정한 이유")
DETAILS: Final = Words(en="Details", ko="자세한 내용")
WHO_IS_WHO: Final = Words(en="Who is who", ko="관련 대상")
OF_SETTINGS: Final = Words(en="{count} of {total} settings", ko="설정 {total}개 중 {count}개")
ADDED: Final = Words(en="added", ko="추가")
REMOVED: Final = Words(en="removed", ko="제거")
WAS: Final = Words(en="was", ko="이전")
BECAME: Final = Words(en="became", ko="이후")
NO_VALUE: Final = Words(en="not set", ko="없음")
VALUE_UNKNOWN: Final = Words(en="value not told by the record", ko="기록에 값이 없음")
UNCHANGED: Final = Words(en="{count} unchanged", ko="그대로 {count}개")
NOW_AS_BEFORE: Final = Words(en="Now as before", ko="지금은 이전과 같음")
STILL_SO: Final = Words(en="Still so", ko="지금도 그대로임")
NOW_OTHERWISE: Final = Words(en="Now another value", ko="지금은 다른 값")
NOW_UNREAD: Final = Words(en="Not read how it stands", ko="지금 값을 읽지 못함")
MORE_WAS_WRITTEN: Final = Words(en="It wrote more, which no record tells.", ko="기록에 없는 변경이 더 있습니다.")
OBJECT_LINK: Final = Words(en="The object, its history and every version", ko="대상의 이력과 모든 버전 보기")
NO_VALUES: Final = Words(en="The record tells no values.", ko="기록에 값이 없습니다.")
CHANGE_UNREAD: Final = Words(
    en="What changed couldn't be read: {because}.", ko="바뀐 내용을 읽지 못했습니다: {because}."
)
COPY: Final = Words(en="Copy id", ko="ID 복사")
COPIED: Final = Words(en="Copied", ko="복사됨")
NAME_NOT_READ: Final = Words(en="name not read", ko="이름을 읽지 못함")
THIS_INCIDENT: Final = Words(en="This incident", ko="이 인시던트")
FROM_ADDRESS: Final = Words(en="from {address}", ko="{address}에서")
OTHERS_OPEN: Final = Words(
    en="Other open incidents by the same: {count}", ko="같은 사람의 다른 열린 인시던트: {count}건"
)
NO_OTHERS_OPEN: Final = Words(en="No other open incident.", ko="열려 있는 다른 인시던트가 없습니다.")
IN_TENANT: Final = Words(en="in {tenant}", ko="{tenant}")
NOT_APPROVED: Final = Words(en="Not approved", ko="승인되지 않음")
MAYBE_APPROVED: Final = Words(en="May or may not be approved", ko="승인 여부 알 수 없음")
APPROVED: Final = Words(en="Approved", ko="승인됨")
RESPONDER_READ: Final = Words(en="Responder read the record", ko="Responder가 기록을 읽음")
RESPONDER_DECIDED: Final = Words(en="Responder decided: {decision}", ko="Responder의 결정: {decision}")
RESPONDER_WROTE: Final = Words(en="Responder put it back", ko="Responder가 되돌림")
RESPONDER_ENDED: Final = Words(en="Responder was done", ko="Responder의 처리가 끝남")
CHANGE_MADE: Final = Words(en="The change was made", ko="변경이 일어남")
CHANGED_BY: Final = Words(en="{name} made the change", ko="{name} 님이 변경")
DONE_BY_SERVICE: Final = Words(en="“{name}” made the change", ko="‘{name}’ 앱이 변경")
AFTER_THE_CHANGE: Final = Words(en="{time} after the change", ko="변경 {time} 뒤")
BEFORE_KEPT: Final = Words(en="the object as it stood is kept as evidence", ko="고치기 전 상태는 증거로 보관됨")
SOMEBODY_ACKNOWLEDGED: Final = Words(en="{name} acknowledged it", ko="{name} 님이 접수")
DETECTED_BY: Final = Words(
    en="Detection {id} is what found it, in mode {mode}.", ko="{id} 탐지가 찾았습니다. 모드: {mode}"
)
DECISIONS: Final[Mapping[str, Words]] = {
    "record": Words(en="recorded", ko="기록만 함"),
    "page": Words(en="people are paged", ko="담당자 호출"),
    "remediate": Words(en="put back", ko="되돌림"),
}
TO_PUT_BACK_AGAIN: Final = Words(en="Open the case in the command line: {command}", ko="명령줄에서 열기: {command}")

# ---- proof -----------------------------------------------------------------------------------------------------------

IN_FORCE_FOR: Final = Words(en="In force for {time}.", ko="{time} 동안 적용되었습니다.")
READ_BACK: Final = Words(en="Read back at {at}: stands as before.", ko="{at}에 다시 읽어 이전과 같음을 확인했습니다.")
STILL_IN_FORCE: Final = Words(
    en="In force for {time} and still so, as read at {at}.", ko="{time}째 적용 중입니다. {at}에 읽은 값도 그대로입니다."
)
NO_LONGER_IN_FORCE: Final = Words(
    en="No longer so, as read at {at}.", ko="{at}에 읽었을 때는 더 이상 그렇지 않았습니다."
)
NOT_READ_SINCE: Final = Words(
    en="Whether it is still so isn't known: it wasn't read since.",
    ko="지금도 그런지 알 수 없습니다. 그 뒤로 읽지 못했습니다.",
)

# ---- what to do ------------------------------------------------------------------------------------------------------

CALL: Final = Words(en="Call {who}.", ko="{who} 님에게 전화하세요.")
DO_NOT_WRITE: Final = Words(
    en="Don't write: mail and chat may be in other hands.", ko="메일과 채팅은 다른 사람 손에 있을 수 있습니다."
)
ASK_OWNERS: Final = Words(
    en="Ask the owners of the application {who}.", ko="{who} 애플리케이션의 소유자에게 물어보세요."
)
FIND_OUT_WHO: Final = Words(
    en="Find out who did it: look at the sign-in log of that minute.",
    ko="누가 했는지 알아보세요. 그 시각의 로그인 기록을 확인하세요.",
)
NOT_THEM: Final = Words(en="Not them, or no answer?", ko="본인이 아니거나 받지 않으면")
NOT_WANTED: Final = Words(en="It wasn't wanted?", ko="필요한 변경이 아니면")
WANTED: Final = Words(en="It was wanted?", ko="필요한 변경이었다면")
RESTRAIN_BY: Final = Words(en="Not them? Take the account from whoever uses it:", ko="본인이 아니면 계정을 차단하세요:")
IN_THE_WAY: Final = Words(en="What is in the way: {because}.", ko="막고 있는 것: {because}.")
KEEPS_TRYING: Final = Words(en="The responder keeps trying.", ko="Responder가 계속 다시 시도합니다.")
LOOK_YOURSELF: Final = Words(
    en="Open it and look whether the change is gone: reading it back didn't show that.",
    ko="직접 열어 변경이 사라졌는지 확인하세요. 다시 읽었을 때 확인되지 않았습니다.",
)
WAIT: Final = Words(
    en="Nothing yet. Open this page again in a minute.", ko="아직 할 일이 없습니다. 1분 뒤에 다시 여세요."
)
NOTHING_TO_DO: Final = Words(en="Nothing.", ko="할 일이 없습니다.")
BY_HAND: Final = Words(
    en="The responder may not do it. If you may, run:", ko="Responder에게 권한이 없습니다. 권한이 있으면 실행하세요:"
)
OPEN_PORTAL: Final = Words(en="Open in Microsoft's portal", ko="Microsoft 포털에서 열기")
ONLY_READS: Final = Words(
    en="You may read and acknowledge. To act, you have to be an operator.",
    ko="보고 접수할 수 있습니다. 처리하려면 운영자여야 합니다.",
)

# ---- what came of a press --------------------------------------------------------------------------------------------

DONE_WRITES: Final = Words(
    en="Noted, in your name. The responder writes it at its next look, within a minute or two.",
    ko="내 이름으로 기록했습니다. Responder가 1~2분 안에 처리합니다.",
)
DONE_NOTED: Final = Words(en="Done, and noted in your name.", ko="처리하고 내 이름으로 기록했습니다.")
ALREADY: Final = Words(en="Already done. Nothing was done twice.", ko="이미 처리되었습니다. 두 번 하지 않았습니다.")
MOVED: Final = Words(
    en="It changed while you looked. Nothing was done. This is the plan now.",
    ko="보는 사이 바뀌었습니다. 아무것도 하지 않았습니다. 지금 계획은 다음과 같습니다.",
)
BUSY: Final = Words(
    en="It is just being looked at. Nothing was done. Press again.",
    ko="지금 확인하는 중입니다. 아무것도 하지 않았습니다. 다시 누르세요.",
)
NO_REASON: Final = Words(
    en="Nothing was done: press one of the buttons, each is a reason.",
    ko="아무것도 하지 않았습니다. 사유가 적힌 버튼 중 하나를 누르세요.",
)

# ---- a sheet ---------------------------------------------------------------------------------------------------------

WILL_BE_WRITTEN: Final = Words(en="What will be written", ko="쓸 내용")
WILL_COUNT: Final = Words(en="What will count from then on", ko="앞으로 기준이 될 내용")
STAYS_SO: Final = Words(en="What stays as it is", ko="그대로 둘 내용")
READ_AT: Final = Words(en="read {at}", ko="{at}에 읽음")
MIND: Final = Words(en="Mind", ko="알아 둘 것")
NOTHING_AGAINST: Final = Words(en="No guard objects.", ko="막는 안전장치가 없습니다.")
WAITS_PASS: Final = Words(en="It waits until that has passed.", ko="해소될 때까지 기다립니다.")
WAITS_NOT: Final = Words(en="This doesn't pass by itself.", ko="저절로 해소되지 않습니다.")
ADD_NOTE: Final = Words(en="Add a note", ko="메모 추가")
NOTE: Final = Words(en="Note", ko="메모")
NOTE_HINT: Final = Words(en="It goes into the journal with your name.", ko="내 이름으로 기록에 남습니다.")
NOTHING_TO_WRITE: Final = Words(en="Nothing is to be done: {because}.", ko="할 일이 없습니다: {because}.")
NOTHING_WRITTEN: Final = Words(en="Nothing is written.", ko="쓰는 것이 없습니다.")
BACK: Final = Words(en="Do nothing", ko="아무것도 하지 않기")
COUNTS_IN_YOUR_NAME: Final = Words(
    en="It then counts as accepted, in your name.", ko="그 뒤의 상태는 내 이름으로 수용된 것으로 봅니다."
)
STILL_NOT_APPROVED: Final = Words(
    en="Whoever made it still isn't approved.", ko="변경한 사람은 여전히 승인되지 않았습니다."
)
HELD: Final = Words(
    en="It is held: whoever unapproved makes it again, it is put back, in any mode.",
    ko="계속 유지됩니다. 승인되지 않은 사람이 다시 하면 모드와 관계없이 되돌립니다.",
)
ONCE: Final = Words(
    en="It is put back once, and nothing is held for later.", ko="한 번만 되돌리며, 나중을 위해 유지하지 않습니다."
)
LEFT_STAYS: Final = Words(
    en="It stays as it is and is paged no more. It isn't accepted either.",
    ko="그대로 두고 더 호출하지 않습니다. 수용된 것은 아닙니다.",
)

# ---- an account that somebody else uses ------------------------------------------------------------------------------

CONTAIN: Final = Words(en="Contain account…", ko="계정 차단…")
RELEASE: Final = Words(en="Release account…", ko="계정 차단 해제…")
CONTAIN_ASKS: Final = Words(en="Take the account from whoever uses it?", ko="계정을 차단할까요?")
RELEASE_ASKS: Final = Words(en="Give the account back?", ko="계정 차단을 해제할까요?")
CONTAINED: Final = Words(en="Account contained by {name}, {at}.", ko="계정 차단됨: {name} 님, {at}.")
TO_THE_ACCOUNT: Final = Words(en="What is done to the account, in this order", ko="계정에 하는 일 (순서대로)")
TO_ITS_WORK: Final = Words(en="What it did since {at}, and is taken back", ko="{at} 이후 이 계정이 한 일 중 되돌릴 것")
NO_WORK: Final = Words(en="Nothing of what it did is to be taken back.", ko="되돌릴 것이 없습니다.")
ENDS_APPROVALS: Final = Words(en="Its approvals end: {lists}.", ko="승인이 끝나는 목록: {lists}.")
UNDO_IS: Final = Words(en="To take it back: {undo}", ko="되돌리는 방법: {undo}")
CONTAIN_WAITS: Final = Words(en="Nothing is sent at present: {because}.", ko="지금은 보내지 않습니다: {because}.")
ACCOUNTS_MADE: Final = Words(
    en="Accounts that it made are only in a plan of the command line that names them.",
    ko="이 계정이 만든 계정은 명령줄에서 지정해야 계획에 들어갑니다.",
)
NOT_LOOKED_AT: Final = Words(en="Not looked at: {because}.", ko="확인하지 못함: {because}.")
GIVEN_BACK: Final = Words(en="What is given back", ko="돌려줄 것")
STAYS_ENDED: Final = Words(
    en="Sessions that were ended stay ended, and what was put back stays so. Approvals don't come back by themselves.",
    ko="끊은 세션과 되돌린 변경은 그대로이고, 승인은 저절로 돌아오지 않습니다.",
)
NOT_CONTAINED: Final = Words(
    en="Nothing was taken from anybody because of this incident.", ko="이 인시던트로 차단한 계정이 없습니다."
)
RELEASED: Final = Words(en="It was given back by {name}, {at}.", ko="{name} 님이 {at}에 해제했습니다.")
DONE_IN_PART: Final = Words(
    en="The account's part is noted, in your name. Ending its approvals, and what follows, takes an operator's"
    " signature on the command line.",
    ko="계정에 하는 일은 내 이름으로 기록했습니다. 승인을 끝내고 나머지를 하려면 명령줄에서 운영자의 서명이"
    " 필요합니다.",
)
DONE_CONTAINED: Final = Words(
    en="Noted, in your name. The responder does it at its next look, within a minute or two.",
    ko="내 이름으로 기록했습니다. Responder가 1~2분 안에 처리합니다.",
)

# ---- an object -------------------------------------------------------------------------------------------------------

OBJECT: Final = Words(en="Object", ko="대상")
RESTORE_VERSION: Final = Words(en="Restore version {number}…", ko="버전 {number} 복원…")
RESTORES: Final = Words(en="“{name}” as it stood {at}", ko="‘{name}’ 대상을 {at} 상태로")
STANDS_AS_ACCEPTED: Final = Words(en="Stands as accepted", ko="수용된 상태 그대로")
DIFFERS: Final = Words(en="Differs: {count}", ko="다름: {count}개")
NOT_ACCEPTED: Final = Words(en="Not accepted yet", ko="아직 수용되지 않음")
IS_GONE: Final = Words(en="It isn't there", ko="존재하지 않음")
ACCOUNTED: Final = Words(
    en="{total} settings: {accepted} accepted by people, {approved} by approved changes, {back} put back, {first} only"
    " as first seen.",
    ko="설정 {total}개: 사람이 수용 {accepted}, 승인된 변경 {approved}, 되돌림 {back}, 처음 읽은 그대로 {first}.",
)
READ_WHEN: Final = Words(en="read {at}", ko="{at}에 읽음")
FROM_TO: Final = Words(en="From version {one} to version {two}", ko="버전 {one}에서 버전 {two}까지")
DIFFER_COUNT: Final = Words(en="{count} of {total} settings differ", ko="설정 {total}개 중 {count}개가 다름")
SAME_COUNT: Final = Words(en="{count} settings are the same.", ko="설정 {count}개는 같습니다.")
NOTHING_DIFFERS: Final = Words(en="Nothing differs.", ko="다른 것이 없습니다.")
ONLY_ONE: Final = Words(
    en="One version only: there is nothing to compare.", ko="버전이 하나뿐이라 비교할 것이 없습니다."
)
VERSION: Final = Words(en="Version {number}, {at}", ko="버전 {number}, {at}")
VERSIONS: Final = Words(en="Versions to compare", ko="비교할 버전")
COMPARE: Final = Words(en="Compare", ko="비교")
HISTORY: Final = Words(en="History", ko="이력")
OLDER_LEFT: Final = Words(
    en="{count} older entries: `responder history {key}` has them all.",
    ko="이전 기록 {count}건: `responder history {key}`에 모두 있습니다.",
)
IDS: Final = Words(en="Ids", ko="ID")
ID_NOW: Final = Words(en="Now", ko="현재")
ID_BEFORE: Final = Words(en="Before", ko="이전")
KEY_HERE: Final = Words(en="Key here", ko="여기서의 키")
ALL_SETTINGS: Final = Words(en="All {count} settings", ko="설정 {count}개 모두 보기")
CHAIN_BROKEN: Final = Words(
    en="Versions were removed or exchanged in storage: {because}",
    ko="저장소의 버전이 제거되거나 바뀌었습니다: {because}",
)
WAITS_ON: Final = Words(en="What differs", ko="다른 내용")
ACCEPTED_IS: Final = Words(en="as accepted", ko="수용된 값")
STANDS_IS: Final = Words(en="stands", ko="현재 값")
EXISTS_LABEL: Final = Words(en="Whether it is there", ko="존재 여부")
THERE: Final = Words(en="it is there", ko="있음")
NOT_THERE: Final = Words(en="it isn't there", ko="없음")

# ---- the product itself ----------------------------------------------------------------------------------------------

COVERAGE: Final = Words(en="Coverage", ko="확인 범위")
COVERAGE_UNREAD: Final = Words(en="What is seen couldn't be read", ko="무엇을 확인하는지 읽지 못했습니다")
SOURCES_SEEN: Final = Words(
    en="{count} of {total} sources are seen as they should be", ko="소스 {total}개 중 {count}개를 제대로 확인합니다"
)
NOT_AS_IT_SHOULD: Final = Words(en="Not seen as it should be", ko="제대로 확인하지 못하는 것")
NOTHING_UNSEEN: Final = Words(en="Nothing.", ko="없습니다.")
SEEN: Final = Words(en="Seen", ko="확인하는 것")
NEVER_READ: Final = Words(en="Never read.", ko="읽은 적이 없습니다.")
LAST_READ: Final = Words(en="Read up to {at}, {ago}.", ko="{at}까지 읽음 ({ago}).")
NEEDS_PERMISSION: Final = Words(en="It needs the permission {permission}.", ko="필요한 권한: {permission}")
CAN_REACH: Final = Words(en="Can it reach people?", ko="담당자에게 닿나요?")
OWNERS_UNREAD: Final = Words(en="Who is paged couldn't be read.", ko="담당자 목록을 읽지 못했습니다.")
NOBODY_NAMED: Final = Words(
    en="Nobody is named as an owner: pages go out without a mention.",
    ko="담당자가 없어 아무도 지정하지 않고 호출합니다.",
)
ANSWERED_OVER: Final = Words(en="Answered over {channel} {at}.", ko="{channel} 응답: {at}.")
NEVER_ANSWERED: Final = Words(en="Has never answered a test.", ko="시험 호출에 응답한 적이 없습니다.")
HOW_FAR: Final = Words(en="How far may it go?", ko="어디까지 할 수 있나요?")
KILL_SWITCH_OFF: Final = Words(en="The kill switch is off.", ko="중지 스위치가 꺼져 있습니다.")
IN_MODE: Final = Words(en="{count} detections", ko="탐지 {count}개")
CHANGED_BY_COMMAND: Final = Words(en="It is changed on the command line:", ko="명령줄에서 바꿉니다:")

# ---- refusals --------------------------------------------------------------------------------------------------------

NOT_OPERATOR: Final = Words(en="You're signed in, but not as an operator", ko="로그인했지만 운영자가 아닙니다")
NOT_OPERATOR_TEXT: Final = Words(
    en="Nothing was shown and nothing was changed.", ko="아무것도 표시하지 않았고 바꾸지도 않았습니다."
)
UNKNOWN_OPERATOR: Final = Words(
    en="It can't be told now whether you're an operator", ko="지금은 운영자인지 알 수 없습니다"
)
UNKNOWN_OPERATOR_TEXT: Final = Words(
    en="The list of operators couldn't be read. Nothing was shown and nothing was changed.",
    ko="운영자 목록을 읽지 못했습니다. 아무것도 표시하지 않았고 바꾸지도 않았습니다.",
)
SIGNED_IN_AS: Final = Words(en="Signed in as", ko="로그인한 계정")
OTHER_ACCOUNT: Final = Words(en="Sign in with another account", ko="다른 계정으로 로그인")
SHOULD_BE: Final = Words(en="Should you be one?", ko="운영자여야 하나요?")
SHOULD_BE_TEXT: Final = Words(
    en="Ask whoever runs Entra Responder here, and show them the id above. They name you as an owner, who reads and"
    " acknowledges, or have you added as an operator, who acts:",
    ko="Entra Responder를 운영하는 사람에게 위 ID를 보여 주고 요청하세요. 담당자(보기와 접수) 또는 운영자(처리)로"
    " 등록하는 명령은 다음과 같습니다.",
)
NOT_BEHIND_SIGN_IN: Final = Words(en="Nobody can sign in here", ko="여기서는 로그인할 수 없습니다")
NOT_BEHIND_SIGN_IN_TEXT: Final = Words(
    en="App Service authentication isn't in front of this app, so it can't know who you are. Nothing was shown."
    " Use the command line: responder cases.",
    ko="이 앱 앞에 App Service 인증이 없어 누구인지 알 수 없습니다. 아무것도 표시하지 않았습니다."
    " 명령줄을 사용하세요: responder cases",
)
SIGNED_OUT: Final = Words(
    en="You were signed out. Nothing was done.", ko="로그아웃되었습니다. 아무것도 하지 않았습니다."
)
SIGNED_OUT_TEXT: Final = Words(en="Sign in and you come back here.", ko="로그인하면 이 화면으로 돌아옵니다.")
SIGN_IN: Final = Words(en="Sign in", ko="로그인")
TOO_OLD: Final = Words(
    en="This page is too old to act from. Nothing was done.",
    ko="오래된 화면이라 처리할 수 없습니다. 아무것도 하지 않았습니다.",
)
TOO_OLD_TEXT: Final = Words(en="Open it again, and press there.", ko="다시 열고 그 화면에서 누르세요.")
ELSEWHERE: Final = Words(
    en="Another site had your browser send this. Nothing was done.",
    ko="다른 사이트가 브라우저로 보낸 요청입니다. 아무것도 하지 않았습니다.",
)
ELSEWHERE_TEXT: Final = Words(en="Open the incident, and press there.", ko="인시던트를 열고 그 화면에서 누르세요.")
OPEN_AGAIN: Final = Words(en="Open it again", ko="다시 열기")
NO_INCIDENT_FOUND: Final = Words(en="There is no such incident", ko="그런 인시던트가 없습니다")
KEPT_FOR: Final = Words(en="They are kept for {days} days.", ko="인시던트는 {days}일 동안 보관합니다.")
NO_PAGE: Final = Words(en="There is no such page", ko="그런 화면이 없습니다")
NO_OBJECT: Final = Words(en="There is no such object", ko="그런 대상이 없습니다")
CANT: Final = Words(en="Nothing was done", ko="아무것도 하지 않았습니다")
STORAGE_GONE: Final = Words(en="The console can't read its storage", ko="저장소를 읽지 못합니다")
STORAGE_GONE_TEXT: Final = Words(
    en="Nothing was done. Pages still go out by themselves where they can. Try again in a minute.",
    ko="아무것도 하지 않았습니다. 호출은 가능한 대로 계속됩니다. 1분 뒤에 다시 시도하세요.",
)
MAY_BE_DONE: Final = Words(
    en="No answer came, so it may have been done. Open it again and look.",
    ko="응답이 없어 처리되었을 수도 있습니다. 다시 열어 확인하세요.",
)
NEEDS_OPERATOR: Final = Words(
    en="Only operators act. Nothing was done.", ko="운영자만 처리할 수 있습니다. 아무것도 하지 않았습니다."
)
TO_INCIDENTS: Final = Words(en="To the incidents", ko="인시던트 목록으로")
KILL_SWITCH: Final = Words(
    en="The kill switch is on. Nothing is put back, everything is paged.",
    ko="중지 스위치가 켜져 있습니다. 아무것도 되돌리지 않고 모두 호출합니다.",
)
CONTROLS_UNREAD: Final = Words(
    en="Whether the kill switch is on couldn't be read, so nothing is put back.",
    ko="중지 스위치 상태를 읽지 못해 아무것도 되돌리지 않습니다.",
)


def time_passed(passed: timedelta) -> Words:
    """Give a duration in words: "41 s", "5 min", "3 h 4 min", "6 days"."""
    seconds = max(0, int(passed.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 2:  # noqa: PLR2004 - less than two minutes
        return Words(en=f"{seconds} s", ko=f"{seconds}초")
    if hours < 2:  # noqa: PLR2004 - less than two hours
        return Words(en=f"{minutes} min", ko=f"{minutes}분")
    if days < 2:  # noqa: PLR2004 - less than two days
        rest = minutes % 60
        return Words(en=f"{hours} h {rest} min", ko=f"{hours}시간 {rest}분")
    return Words(en=f"{days} days", ko=f"{days}일")


AGO: Final = Words(en="{time} ago", ko="{time} 전")
