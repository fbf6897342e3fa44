"""Emergencies with something in every place of their page and report."""

from datetime import timedelta
from typing import Final

from responders.runbooks.evidence import EVIDENCE
from responders.runbooks.mailboxes import MAILBOXES
from responders.runbooks.privileged_sign_ins import PRIVILEGED_SIGN_INS
from shared.emergency.entries import (
    Acknowledged,
    Answer,
    Declared,
    Entry,
    Evidence,
    Finding,
    Proposal,
    RunKind,
    SignInAnnounced,
    StepEnded,
    StepRecorded,
    StepStarted,
    StepState,
)
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd, Words
from shared.emergency.state import Emergency, fold
from tests.fakes.clock import NOW
from tests.fakes.emergencies import APP_CALLER, CAROL, CLOSING, DAVE, EMERGENCY, agreed, entry

HOSTILE: Final = "<script>alert(1)</script> **bold** [a](http://evil.example) | \u202eevil\u202c \u200bx"
"""A text that a tenant could hold."""


def _nothing(_context: StepContext) -> StepEnd:
    return StepEnd(state=StepState.DONE)


def _step(number: int, name: str, en: str, ko: str) -> RunbookStep:
    return RunbookStep(
        number=number,
        id=name,
        title=Words(en=en, ko=ko),
        person=Words(en="Read it and confirm.", ko="읽고 확인하세요."),
        system=Words(en="The app gathers what is known.", ko="앱이 알려진 내용을 모읍니다."),
        check=Words(en="Somebody has confirmed it.", ko="누군가 확인했습니다."),
        failed=Words(en="Do it by telephone.", ko="전화로 진행하세요."),
        needs=(),
        run=_nothing,
    )


ALL_STEPS: Final = (
    _step(1, "notify", "Notify the owners", "담당자에게 알림"),
    _step(2, "playbook", "Review the playbook", "대응 절차 검토"),
    _step(3, "sign-in", "Use an emergency account", "긴급 계정 사용"),
    _step(4, "support", "Open a support request", "지원 요청 열기"),
    PRIVILEGED_SIGN_INS,
    _step(6, "federation", "Change federation", "페더레이션 변경"),
    MAILBOXES,
    EVIDENCE,
)


def run(
    number: int,
    state: StepState,
    *findings: Finding,
    at: float = 1,
    took: float = 0.5,
    evidence: tuple[Evidence, ...] = (),
    proposals: tuple[Proposal, ...] = (),
    next_in: float = 0,
) -> tuple[Entry, Entry]:
    """Make the entries of one run; times are in minutes."""
    name = f"{number:02d}{int(at * 10):030d}"
    start, end = timedelta(minutes=at), timedelta(minutes=at + took)
    return (
        entry(StepStarted(step=number, run=name, kind=RunKind.STEP), APP_CALLER, at=start),
        entry(
            StepEnded(
                step=number,
                run=name,
                state=state,
                findings=findings,
                evidence=evidence,
                proposals=proposals,
                next_at=NOW + end + timedelta(minutes=next_in) if next_in else None,
            ),
            APP_CALLER,
            at=end,
        ),
    )


def full(*, drill: bool = False) -> Emergency:
    """An emergency in which something is everywhere: each state, each answer, people, evidence, what waits."""
    manifest = Evidence(blob=f"emergencies/{EMERGENCY}/manifest/000014.json", sha256="ab" * 32, size=512)
    file = Evidence(
        blob=f"emergencies/{EMERGENCY}/files/5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90/audit-log/20260302t0600-0f.ndjson.gz",
        sha256="cd" * 32,
        size=1_234_567,
    )
    entries = [
        entry(
            Declared(
                reason=f"Nobody can sign in: {HOSTILE}",
                hybrid=True,
                drill=drill,
                expires_at=NOW + timedelta(hours=8),
            )
        ),
        entry(Acknowledged(over="PagerDuty", note="on my way"), DAVE, at=timedelta(minutes=2)),
        *run(1, StepState.DONE),
        *run(2, StepState.DONE, Finding(answer=Answer.NOTED, about="open cases", text="3 cases of the last day"), at=2),
        entry(StepRecorded(step=2, state=StepState.DONE, note="Account takeover, page 4"), at=timedelta(minutes=4)),
        entry(
            SignInAnnounced(account="b6000001-0a9d-4e37-85c2-f41e7b3d6890", until=NOW + timedelta(hours=1)),
            at=timedelta(minutes=5),
        ),
        *run(
            3,
            StepState.DONE,
            Finding(answer=Answer.FINE, about="emergency-1@contoso.com", text="exists, enabled, cloud-only"),
            Finding(
                answer=Answer.UNKNOWN,
                about="emergency-2@contoso.com",
                text="its methods can't be read",
                what_to_do="Look in the portal.",
            ),
            at=5,
        ),
        *run(4, StepState.FAILED, Finding(answer=Answer.WRONG, about="ticket", text="the plan has no API"), at=6),
        *run(
            5,
            StepState.DONE,
            Finding(
                answer=Answer.NOTED,
                about=f"mallory@contoso.com {HOSTILE}",
                text="12 sign-ins (3 new); failed: 50126 (4); addresses: 198.51.100.66 (9); countries: RU (9)",
                is_new=True,
            ),
            at=7,
            next_in=5,
            evidence=(manifest, file),
        ),
        *run(
            6,
            StepState.BLOCKED,
            at=8,
            proposals=(Proposal(what="federation", text="Change contoso.com from federated to managed"),),
        ),
        *run(
            7,
            StepState.DONE,
            Finding(
                answer=Answer.WRONG,
                about="alice@contoso.com",
                text='the inbox rule ".." forwards to drop@evil.example',
                what_to_do="Ask the person over another way.",
                is_new=True,
            ),
            at=9,
            next_in=15,
        ),
        entry(StepStarted(step=8, run="8" * 32), APP_CALLER, at=timedelta(minutes=10)),
        *agreed(at=timedelta(minutes=11))[:1],
    ]
    found = fold(EMERGENCY, entries)
    assert found is not None
    return found


def finished_drill(days_ago: int, *, minutes: float = 1.0, closes: bool = True) -> Emergency:
    """A drill of some days ago, in which each step took so many minutes, one after the other."""
    ago = timedelta(days=-days_ago)
    key = f"{days_ago:032x}"
    entries = [
        entry(
            Declared(reason="A drill", hybrid=False, drill=True, expires_at=NOW + ago + timedelta(hours=2)),
            at=ago,
            emergency=key,
        )
    ]
    for number in range(1, 9):
        start = ago + timedelta(minutes=minutes * (number - 1))
        name = f"{number:032x}"
        entries += [
            entry(StepStarted(step=number, run=name), APP_CALLER, at=start, emergency=key),
            entry(
                StepEnded(step=number, run=name, state=StepState.DONE),
                APP_CALLER,
                at=start + timedelta(minutes=minutes),
                emergency=key,
            ),
        ]
    found = fold(key, entries if closes else entries[:-1])
    assert found is not None
    return found


def closing(emergency: Emergency) -> Emergency:
    """The same, with two operators who agreed to close it."""
    found = fold(emergency.id, [*emergency.entries, *agreed(CLOSING, at=timedelta(minutes=30))])
    assert found is not None
    return found


PEOPLE: Final = (CAROL, DAVE)
