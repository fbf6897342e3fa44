"""Emergencies with something in every place of their page and report."""

from datetime import timedelta
from typing import Final

from responders.runbooks import emergency_account_findings as account_findings
from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.playbook_review import ACTOR
from responders.runbooks.support_ticket import NO_TICKET
from shared.emergency import mailbox_findings
from shared.emergency.entries import (
    Acknowledged,
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
from shared.emergency.privileged_sign_ins import OF_ACCOUNT
from shared.emergency.state import Emergency, fold
from shared.model.bilingual import Words, filled, same
from tests.fakes.clock import NOW
from tests.fakes.emergencies import APP_CALLER, CAROL, CLOSING, DAVE, EMERGENCY, agreed, entry

HOSTILE: Final = "<script>alert(1)</script> **bold** [a](http://evil.example) | \u202eevil\u202c \u200bx"
"""A text that a tenant could hold."""


ALL_STEPS: Final = BREAK_GLASS


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
        *run(
            2,
            StepState.DONE,
            ACTOR.found(
                actor="Mallory Vance (ba110700-1d4c-4e6a-a0b8-5c9f2e7d3164)",
                did="Conditional access policy changed by an unapproved actor (2); Azure role assigned",
                touched="CA001: Require phishing-resistant MFA for administrators",
                waits="",
            ),
            at=2,
        ),
        entry(StepRecorded(step=2, state=StepState.DONE, note="Account takeover, page 4"), at=timedelta(minutes=4)),
        entry(
            SignInAnnounced(account="b6000001-0a9d-4e37-85c2-f41e7b3d6890", until=NOW + timedelta(hours=1)),
            at=timedelta(minutes=5),
        ),
        *run(
            3,
            StepState.DONE,
            account_findings.READY.found(accounts="b6000001-0a9d-4e37-85c2-f41e7b3d6890"),
            account_findings.ENABLED.found(account="emergency-1@contoso.onmicrosoft.com"),
            account_findings.KEPT_OUT.found(
                account="b6000002-7c51-4d8f-9e0a-3b6f2a9c4d17",
                policy="CA003: Require MFA for all users",
                where="",
                controls="multi-factor authentication",
                doubts="",
            ),
            account_findings.METHODS_UNREAD.found(
                account="emergency-2@contoso.onmicrosoft.com", because="Graph refuses it (403)"
            ),
            at=5,
        ),
        *run(
            4,
            StepState.FAILED,
            NO_TICKET.found(
                because="the subscription's support plan has no API",
                text=same(
                    "Title: Nobody can sign in: emergency access to a Microsoft Entra tenant is needed\nSeverity: A"
                ),
                telephone="+1 425 555 0100.",
            ),
            at=6,
        ),
        *run(
            5,
            StepState.DONE,
            OF_ACCOUNT.found(
                account=f"mallory@contoso.com {HOSTILE}",
                source=Words(en="holds a privileged role", ko="권한 있는 역할 보유"),
                parts=Words(
                    en="12 sign-ins (3 new); failed: 50126 (4); addresses: 198.51.100.66 (9); countries: RU (9)",
                    ko="로그인 12건(새 기록 3건); 실패: 50126 (4); 주소: 198.51.100.66 (9); 국가: RU (9)",
                ),
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
            mailbox_findings.RISKY_RULE.found(
                who="alice@contoso.com",
                rule=filled(
                    mailbox_findings.RULE, name="..", does=filled(mailbox_findings.FORWARDS, to="drop@evil.example")
                ),
                is_new=True,
            ),
            mailbox_findings.UNSEEN.found(),
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
