"""Fixed texts of the emergency's page and report, in English and Korean, and how times and sizes are written."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.emergency.entries import (
    Acknowledged,
    Act,
    Answer,
    Asked,
    Closed,
    Confirmed,
    Declared,
    Extended,
    Proof,
    RunKind,
    SignInAnnounced,
    StepEnded,
    StepRecorded,
    StepStarted,
    StepState,
)
from shared.model.bilingual import ENGLISH, KOREAN, Words


def language_of(accept_language: str) -> str:
    """Give the language of a browser's Accept-Language: "ko" where it prefers Korean to English, else "en"."""
    best, preferred = 0.0, ENGLISH
    for part in accept_language[:500].split(","):
        name, _, quality = part.strip().partition(";q=")
        language = name.strip().lower().partition("-")[0]
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if language in {ENGLISH, KOREAN} and weight > best:
            best, preferred = weight, language
    return preferred


STATES: Final[Mapping[StepState, Words]] = {
    StepState.PENDING: Words(en="not begun", ko="시작 전"),
    StepState.RUNNING: Words(en="running", ko="진행 중"),
    StepState.DONE: Words(en="done", ko="완료"),
    StepState.SKIPPED: Words(en="left out", ko="건너뜀"),
    StepState.BLOCKED: Words(en="blocked", ko="막힘"),
    StepState.FAILED: Words(en="failed", ko="실패"),
}
ANSWERS: Final[Mapping[Answer, Words]] = {
    Answer.FINE: Words(en="fine", ko="정상"),
    Answer.WRONG: Words(en="wrong", ko="이상"),
    Answer.UNKNOWN: Words(en="unknown", ko="알 수 없음"),
    Answer.NOTED: Words(en="noted", ko="참고"),
}
PROOFS: Final[Mapping[Proof, Words]] = {
    Proof.SIGN_IN: Words(en="sign-in", ko="로그인"),
    Proof.SIGNATURE: Words(en="signature", ko="서명"),
    Proof.PASSKEY: Words(en="passkey", ko="패스키"),
    Proof.CODE: Words(en="one-time code", ko="일회용 코드"),
    Proof.APP: Words(en="the app", ko="앱"),
}

EMERGENCY: Final = Words(en="Emergency", ko="비상 상황")
DRILL: Final = Words(en="DRILL", ko="훈련")
OPEN: Final = Words(en="open", ko="진행 중")
CLOSED: Final = Words(en="closed", ko="종료됨")
EXPIRED: Final = Words(
    en="Its time is over and it isn't closed: everybody is paged each hour.",
    ko="시간이 지났지만 종료되지 않았습니다. 매시간 모두가 호출됩니다.",
)
REASON: Final = Words(en="Reason", ko="사유")
DECLARED_BY: Final = Words(en="Declared by", ko="선언한 사람")
DECLARED_AT: Final = Words(en="Declared at", ko="선언 시각")
EXPIRES_AT: Final = Words(en="Lasts until", ko="만료 시각")
CLOSED_AT: Final = Words(en="Closed at", ko="종료 시각")
CLOSED_BY: Final = Words(en="Closed by", ko="종료한 사람")
LASTED: Final = Words(en="Lasted", ko="지속 시간")
SUMMARY: Final = Words(en="Summary", ko="요약")
HYBRID: Final = Words(en="Federation", ko="페더레이션")
IS_HYBRID: Final = Words(en="hybrid: the tenant may be federated", ko="하이브리드: 페더레이션일 수 있음")
IS_CLOUD: Final = Words(en="cloud only", ko="클라우드 전용")
ACKNOWLEDGED: Final = Words(en="Acknowledged by", ko="응답한 사람")
NOBODY_YET: Final = Words(en="nobody yet: the pages go on", ko="아직 없음: 호출이 계속됩니다")
NOBODY: Final = Words(en="nobody", ko="없음")
NEXT: Final = Words(en="Next", ko="다음 할 일")
ALL_FINISHED: Final = Words(
    en="Every step is finished. Two operators close the emergency.",
    ko="모든 단계가 끝났습니다. 운영자 두 명이 비상 상황을 종료하세요.",
)
STEPS: Final = Words(en="Steps", ko="단계")
STEP: Final = Words(en="Step", ko="단계")
STATE: Final = Words(en="State", ko="상태")
PERSON: Final = Words(en="You", ko="사람이 할 일")
SYSTEM: Final = Words(en="The app", ko="앱이 하는 일")
CHECK: Final = Words(en="Done when", ko="완료 확인")
IF_IT_FAILS: Final = Words(en="If it fails", ko="실패하면")
INSTEAD: Final = Words(en="Do this instead", ko="대신 할 일")
COMMAND: Final = Words(en="Command", ko="명령")
CONFIRM_WITH: Final = Words(en="Confirm with", ko="확인 명령")
ASK_WITH: Final = Words(en="Ask for it with", ko="요청 명령")
MORE_FINDINGS: Final = Words(en="and {count:,} more", ko="그 밖에 {count:,}건")
LONG: Final = Words(en="{minutes} min", ko="{minutes}분")
FINDINGS: Final = Words(en="Found", ko="확인 결과")
NEW: Final = Words(en="new", ko="새로움")
WHAT_TO_DO: Final = Words(en="What to do", ko="할 일")
LOOKS_AGAIN: Final = Words(en="Looks again at", ko="다시 확인하는 시각")
RECORDED: Final = Words(en="Recorded by people", ko="사람이 기록한 내용")
WAITS: Final = Words(
    en="Waits for a second operator, until",
    ko="두 번째 운영자의 확인을 기다립니다. 기한",
)
ASKED_BY: Final = Words(en="Asked by", ko="요청한 사람")
SUM: Final = Words(en="SHA-256", ko="해시 값(SHA-256)")
WOULD_DO: Final = Words(en="Two operators decide", ko="운영자 두 명이 결정할 내용")
PEOPLE: Final = Words(en="People", ko="참여한 사람")
NAME: Final = Words(en="Name", ko="이름")
PROOF: Final = Words(en="Proven by", ko="확인 방법")
ACTS: Final = Words(en="Acts", ko="행동 수")
FIRST: Final = Words(en="First", ko="처음")
LAST: Final = Words(en="Last", ko="마지막")
TIMELINE: Final = Words(en="Timeline", ko="시간순 기록")
TIME: Final = Words(en="Time (UTC)", ko="시각 (UTC)")
WHO: Final = Words(en="Who", ko="누가")
WHAT: Final = Words(en="What", ko="무엇을")
UNCHECKED: Final = Words(
    en="brought by the caller, couldn't be checked",
    ko="호출자가 가져온 기록이며 검증할 수 없었음",
)
BLOCKED: Final = Words(en="What was blocked or isn't known", ko="막혔거나 알 수 없는 것")
NOTHING: Final = Words(en="nothing", ko="없음")
EVIDENCE: Final = Words(en="Evidence", ko="증거")
FILE: Final = Words(en="File", ko="파일")
SIZE: Final = Words(en="Bytes", ko="바이트")
HEAD: Final = Words(
    en="The last of these manifest entries is the head: it stands for all of them.",
    ko="매니페스트 항목 중 마지막 것이 전체를 대표합니다.",
)
FOLLOW_UPS: Final = Words(en="Follow-ups", ko="후속 조치")
MINUTES: Final = Words(en="Minutes", ko="분")
TREND: Final = Words(en="Minutes per step, and in former drills", ko="단계별 소요 시간(분)과 이전 훈련")
DATE: Final = Words(en="Drill of", ko="훈련 날짜")
TOTAL: Final = Words(en="All", ko="전체")
FASTER: Final = Words(en="faster than the drill before by", ko="이전 훈련보다 빨라진 시간(분):")
SLOWER: Final = Words(en="slower than the drill before by", ko="이전 훈련보다 느려진 시간(분):")
NO_FORMER: Final = Words(en="There is no former drill to compare with.", ko="비교할 이전 훈련이 없습니다.")
NOT_FINISHED: Final = Words(en="Finish by hand what this step is for", ko="이 단계에서 하려던 일을 직접 마치세요")
ROTATE: Final = Words(
    en="Rotate the credential of each emergency account whose sign-in was announced, and seal the new one.",
    ko="로그인이 예고된 비상 계정마다 자격 증명을 교체하고 새 자격 증명을 봉인하세요.",
)
RECHECK: Final = Words(
    en="Check again that no policy keeps an emergency account out.",
    ko="비상 계정을 막는 정책이 없는지 다시 확인하세요.",
)
FEDERATION_BACK: Final = Words(
    en="Federation was changed and isn't back as it was: take it back.",
    ko="페더레이션이 변경된 채로 있습니다. 원래대로 되돌리세요.",
)
CUSTODY: Final = Words(
    en="Say who keeps the evidence from now on, and keep the manifest's last sum outside of the tenant.",
    ko="지금부터 누가 증거를 보관하는지 정하고, 매니페스트의 마지막 해시 값을 테넌트 밖에 보관하세요.",
)
FINDINGS_IN_ENGLISH: Final = Words(
    en="Some findings are in English, as the app recorded them.",
    ko="일부 확인 결과는 앱이 기록한 영어 문장 그대로입니다.",
)
NOTHING_HERE_ACTS: Final = Words(
    en="This page shows; nothing on it acts. Use the command line: responder emergency.",
    ko="이 페이지는 보여 주기만 합니다. 실행은 명령줄을 사용하세요: responder emergency.",
)
REPORT: Final = Words(en="Report of the emergency", ko="비상 상황 보고서")
DRILL_REPORT: Final = Words(en="Report of the drill", ko="훈련 보고서")


def when(at: datetime) -> str:
    """Write an instant, the same in both languages."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def minutes(span: timedelta | None) -> str:
    """Write a time in minutes with one decimal, a dash where it isn't known."""
    return "–" if span is None else f"{span.total_seconds() / 60:.1f}"  # noqa: RUF001 - a dash


_RUNS: Final[Mapping[RunKind, Words]] = {
    RunKind.STEP: Words(en="Step {step} began", ko="{step}단계 시작"),
    RunKind.REPEAT: Words(en="Step {step} looked again", ko="{step}단계 다시 확인"),
    RunKind.BACK: Words(en="Step {step} was taken back", ko="{step}단계 되돌리기 시작"),
}


def said_of(act: Act, language: str) -> str:
    """Say in one sentence what an entry says."""
    made = _said_of_step(act) if isinstance(act, StepStarted | StepEnded | StepRecorded) else _said(act)
    return made.in_language(language)


def _said_of_step(act: StepStarted | StepEnded | StepRecorded) -> Words:
    match act:
        case StepStarted(step=step, kind=kind, forced=forced):
            more = f" ({forced})" if forced else ""
            return Words(en=_RUNS[kind].en.format(step=step) + more, ko=_RUNS[kind].ko.format(step=step) + more)
        case StepEnded(step=step, state=state):
            return Words(en=f"Step {step}: {STATES[state].en}", ko=f"{step}단계: {STATES[state].ko}")
        case StepRecorded(step=step, state=state, note=note):
            return Words(
                en=f"Recorded step {step} as {STATES[state].en}: {note}",
                ko=f"{step}단계 기록: {STATES[state].ko}: {note}",
            )


def _said(act: Declared | Asked | Confirmed | Acknowledged | SignInAnnounced | Extended | Closed) -> Words:
    match act:
        case Declared(reason=reason, drill=drill):
            kind = Words(en="a drill", ko="훈련") if drill else Words(en="the emergency", ko="비상 상황")
            return Words(en=f"Declared {kind.en}: {reason}", ko=f"{kind.ko} 선언: {reason}")
        case Asked() | Confirmed():
            return _said_of_agreement(act)
        case Acknowledged(over=over, note=note):
            more = f": {note}" if note else ""
            return Words(en=f"Acknowledged over {over}{more}", ko=f"응답({over}){more}")
        case SignInAnnounced(account=account, until=until):
            return Words(
                en=f"Announced the sign-in of {account} until {when(until)}",
                ko=f"{account} 로그인 예고, 기한 {when(until)}",
            )
        case Extended(until=until, reason=reason):
            return Words(en=f"Extended until {when(until)}: {reason}", ko=f"{when(until)}까지 연장: {reason}")
        case Closed(summary=summary):
            return Words(en=f"Closed: {summary}", ko=f"종료: {summary}")


def _said_of_agreement(act: Asked | Confirmed) -> Words:
    if isinstance(act, Asked):
        return Words(en=f"Asked for: {act.text}", ko=f"요청: {act.text}")
    return Words(en=f"Confirmed {act.what}, {act.digest[:16]}", ko=f"확인: {act.what}, {act.digest[:16]}")
