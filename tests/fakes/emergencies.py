"""Entries of an emergency, as tests write them, and strategies that make many."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from shared.emergency.entries import (
    APP,
    Acknowledged,
    Act,
    Asked,
    Caller,
    Closed,
    Confirmed,
    Declared,
    Entry,
    Extended,
    Finding,
    Proof,
    Proposal,
    RunKind,
    SignInAnnounced,
    StepEnded,
    StepRecorded,
    StepStarted,
    StepState,
)
from shared.emergency.entries import Answer as Found
from tests.fakes.clock import NOW

EMERGENCY: Final = "e" * 32
CAROL: Final = Caller(operator="ca401000-0000-4000-8000-000000000001", name="Carol Chen", proof=Proof.SIGNATURE)
DAVE: Final = Caller(operator="da4e0000-0000-4000-8000-000000000002", name="Dave Diaz", proof=Proof.PASSKEY)
CODED: Final = Caller(operator=DAVE.operator, name=DAVE.name, proof=Proof.CODE)
APP_CALLER: Final = Caller(operator=APP, name="Entra Responder", proof=Proof.APP)
CONTACT: Final = {
    "first_name": "Alice",
    "last_name": "Alvarez",
    "email": "alice@contoso.com",
    "phone": "+353 1 555 0100",
    "country": "IRL",
}
"""Whom Microsoft's support asks, as setting SUPPORT_CONTACT has it."""

PROPOSAL: Final = Proposal(what="federation", text="Change contoso.com from federated to managed")
CLOSING: Final = Proposal(what="close", text="Close it")


def entry(
    act: Act,
    caller: Caller = CAROL,
    *,
    at: datetime | timedelta = NOW,
    id: str = "",  # noqa: A002 - the field's name
    emergency: str = EMERGENCY,
) -> Entry:
    """Make an entry, `at` an instant or a time after the tests begin. Without an id, that follows from what it says."""
    instant = at if isinstance(at, datetime) else NOW + at
    made = hashlib.md5(repr((act, caller, instant)).encode(), usedforsecurity=False).hexdigest()
    return Entry(
        id=id or made,
        emergency=emergency,
        at=instant,
        by=caller.operator,
        name=caller.name,
        proof=caller.proof,
        act=act,
    )


def declared(*, drill: bool = False, hybrid: bool = True, lasts: timedelta = timedelta(hours=8)) -> Entry:
    """Make the first entry."""
    return entry(Declared(reason="Nobody can sign in", hybrid=hybrid, drill=drill, expires_at=NOW + lasts))


def agreed(proposal: Proposal = PROPOSAL, *, at: timedelta = timedelta(minutes=1)) -> tuple[Entry, Entry]:
    """Let Carol ask for something and Dave confirm it a minute later."""
    return (
        entry(Asked(what=proposal.what, digest=proposal.digest, text=proposal.text), at=at),
        entry(Confirmed(what=proposal.what, digest=proposal.digest), DAVE, at=at + timedelta(minutes=1)),
    )


_MINUTES: Final = st.integers(min_value=-5, max_value=240).map(lambda minutes: timedelta(minutes=minutes))
_STEPS: Final = st.integers(min_value=1, max_value=9)
_RUNS: Final = st.sampled_from(["a" * 32, "b" * 32, "c" * 32])
_STATES: Final = st.sampled_from(StepState)
_TEXTS: Final = st.sampled_from(["", "so it was", "하나"])
_FINDINGS: Final = st.lists(
    st.builds(Finding, answer=st.sampled_from(Found), about=_TEXTS, text=_TEXTS), max_size=2
).map(tuple)
_WHATS: Final = st.sampled_from(["federation", "federation-back", "close"])
_DIGESTS: Final = st.sampled_from([PROPOSAL.digest, CLOSING.digest])
_INSTANTS: Final = _MINUTES.map(lambda after: NOW + after)

ACTS: Final = st.one_of(
    st.builds(Declared, reason=_TEXTS, hybrid=st.booleans(), drill=st.booleans(), expires_at=_INSTANTS),
    st.builds(StepStarted, step=_STEPS, run=_RUNS, forced=_TEXTS, kind=st.sampled_from(RunKind)),
    st.builds(
        StepEnded,
        step=_STEPS,
        run=_RUNS,
        state=_STATES,
        findings=_FINDINGS,
        next_at=st.none() | _INSTANTS,
    ),
    st.builds(StepRecorded, step=_STEPS, state=_STATES, note=_TEXTS),
    st.builds(Asked, what=_WHATS, digest=_DIGESTS, text=_TEXTS),
    st.builds(Confirmed, what=_WHATS, digest=_DIGESTS),
    st.builds(Acknowledged, over=_TEXTS),
    st.builds(SignInAnnounced, account=_TEXTS, until=_INSTANTS),
    st.builds(Extended, until=_INSTANTS, reason=_TEXTS),
    st.builds(Closed, summary=_TEXTS),
)
CALLERS: Final = st.sampled_from([CAROL, DAVE, CODED, APP_CALLER])
IDS: Final = st.integers(min_value=0, max_value=12).map(lambda number: f"{number:032x}")
"""So few that some entries have one id."""


def _entry(act: Act, caller: Caller, at: timedelta, name: str) -> Entry:
    return entry(act, caller, at=at, id=name)


ENTRIES: Final = st.builds(_entry, ACTS, CALLERS, _MINUTES, IDS)
