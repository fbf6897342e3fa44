"""Fixed texts of the posture's page and messages, in English and Korean."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from shared.checks.check import Status
from shared.model.bilingual import Words
from shared.model.notices import NoticeText


class Korean(Struct, frozen=True, kw_only=True):
    """What a check or an item is called in Korean, and what to do about it."""

    title: str
    todo: str


TITLE: Final = Words(en="Posture of {tenant}", ko="보안 상태: {tenant}")
SUMMARY: Final = Words(
    en=(
        "{passing} checks pass, {failing} fail, {unknown} can't be told; {waiting} items wait for somebody to confirm"
        " them."
    ),
    ko="통과 {passing}개, 실패 {failing}개, 알 수 없음 {unknown}개. 사람이 확인할 항목 {waiting}개.",
)
AS_OF: Final = Words(en="As of {at} UTC.", ko="{at} UTC 기준.")
TREND: Final = Words(
    en="Since {day}: {better} began to pass, {worse} no longer do.",
    ko="{day} 이후: 새로 통과 {better}개, 통과하지 못함 {worse}개.",
)
FIRST: Final = Words(en="What to do first", ko="먼저 할 일")
STAGE: Final = Words(en="Stage {stage}: within {days} days", ko="{stage}단계: {days}일 안에")
FOUND: Final = Words(en="What was found", ko="확인한 내용")
TODO: Final = Words(en="What to do", ko="할 일")
ACCEPTED: Final = Words(en="Accepted", ko="위험 수용")
UNREAD: Final = Words(
    en="Nothing is known about it: `responder doctor` says what the app may not read. Then look again.",
    ko="알 수 없습니다. 앱이 무엇을 읽지 못하는지 `responder doctor`로 보고, 다시 확인하세요.",
)
TO_CONFIRM: Final = Words(en="Once it is so", ko="그렇게 되면")
TO_ACCEPT: Final = Words(en="To take the risk", ko="위험을 수용하려면")
PASSING: Final = Words(en="Passing", ko="통과")
NOT_APPLICABLE: Final = Words(en="Doesn't apply", ko="해당 없음")
TO_BE_CONFIRMED: Final = Words(en="For somebody to confirm", ko="사람이 확인할 항목")
CHECK: Final = Words(en="Check", ko="점검")
WAITS: Final = Words(en="to confirm", ko="확인 필요")
STATUSES: Final[Mapping[Status, Words]] = {
    Status.OK: Words(en="passes", ko="통과"),
    Status.WARNING: Words(en="look at it", ko="살펴볼 것"),
    Status.FAILED: Words(en="FAILS", ko="실패"),
    Status.UNKNOWN: Words(en="can't tell", ko="알 수 없음"),
    Status.NOT_APPLICABLE: Words(en="doesn't apply", ko="해당 없음"),
}

# ---- the console's page ----

WHICH_TENANT: Final = Words(en="Which tenant", ko="테넌트 구분")
FAILS: Final = Words(en="Fails", ko="실패")
SOME_FAIL: Final = Words(en="{count} of {total} checks fail", ko="점검 {total}개 중 {count}개 실패")
AND_UNKNOWN: Final = Words(en="; {count} aren't known", ko=", {count}개는 알 수 없음")
NOT_KNOWN: Final = Words(en="Not known", ko="알 수 없음")
SOME_UNKNOWN: Final = Words(
    en="Nothing fails in what could be read; {count} of {total} checks aren't known",
    ko="읽은 범위에서는 실패가 없습니다. 점검 {total}개 중 {count}개는 알 수 없음",
)
NONE_FAILS: Final = Words(en="None of {total} checks fails", ko="점검 {total}개 중 실패 없음")
COUNT_PASSING: Final = Words(en="{count} pass", ko="통과 {count}개")
COUNT_FAILING: Final = Words(en="{count} fail", ko="실패 {count}개")
COUNT_UNKNOWN: Final = Words(en="{count} not known", ko="알 수 없음 {count}개")
COUNT_LOOK: Final = Words(en="{count} to look at", ko="살펴볼 것 {count}개")
COUNT_ACCEPTED: Final = Words(en="{count} accepted", ko="위험 수용 {count}개")
COUNT_NOT_APPLICABLE: Final = Words(en="{count} don't apply", ko="해당 없음 {count}개")
COUNT_WAITING: Final = Words(en="{count} items wait for a person", ko="사람이 확인할 항목 {count}개")
OLD: Final = Words(
    en="This result is old ({ago}): the daily look hasn't ended since.",
    ko="오래된 결과입니다({ago}). 그 뒤로 매일 점검이 끝나지 않았습니다.",
)
NEVER_LOOKED: Final = Words(en="Nobody has looked yet", ko="아직 점검하지 않았습니다")
NEVER_LOOKED_TEXT: Final = Words(
    en="The app looks each morning at 05:40 UTC. Until then nothing is known of the tenant's posture.",
    ko="앱은 매일 05:40 UTC에 점검합니다. 그때까지 보안 상태는 알 수 없습니다.",
)
GAPS: Final = Words(en="Where sign-in policies let somebody past", ko="로그인 정책의 빈틈")
UNDOING: Final = Words(en="Who could undo the responder", ko="Responder를 무력화할 수 있는 대상")
SEE_ABOVE: Final = Words(en="see above", ko="위 내용 보기")
TREND_TITLE: Final = Words(en="Checks that pass, day by day", ko="날짜별 통과한 점검")
EXCEPTIONS: Final = Words(en="Accepted risks", ko="수용한 위험")
ABOUT: Final = Words(en="How to change it", ko="바꾸는 방법")
LOOKED_DAILY: Final = Words(
    en="The tenant is read each morning at 05:40 UTC; opening this page reads nothing. On the command line:",
    ko="테넌트는 매일 05:40 UTC에 읽습니다. 이 화면을 열어도 읽지 않습니다. 명령줄에서:",
)

WORSE: Final = NoticeText(
    id="posture-worse",
    title=Words(
        en="A check of the tenant's posture passed and fails now", ko="통과하던 보안 상태 점검이 이제 실패합니다"
    ),
    text=Words(
        en="{tenant}: {count} of the checks of the roadmap were as they should be at the last look.",
        ko="{tenant}: 지난번에 통과한 점검 {count}개가 실패합니다.",
    ),
    what_to_do=Words(
        en="`responder posture` shows each with what to do. Find out who changed it: `responder cases`.",
        ko="`responder posture`에 할 일이 나옵니다. 누가 바꿨는지 `responder cases`로 찾으세요.",
    ),
)
WEEKLY: Final = NoticeText(
    id="posture-weekly",
    title=Words(en="The tenant's posture this week", ko="이번 주 보안 상태"),
    text=Words(
        en="{tenant}: {passing} checks pass{before}, {failing} fail, {unknown} couldn't be read. What to do first:",
        ko="{tenant}: 통과 {passing}개{before}, 실패 {failing}개, 읽지 못함 {unknown}개. 먼저 할 일:",
    ),
    what_to_do=Words(
        en="`responder posture` shows all of it, and how each is mended.",
        ko="`responder posture`에 전체와 고치는 방법이 나옵니다.",
    ),
    is_silent=True,
)
BEFORE: Final = Words(en=" (last time {count})", ko="(지난번 {count}개)")
