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
