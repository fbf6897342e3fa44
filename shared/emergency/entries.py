"""What an emergency is made of: entries, each written once and never changed.

The state of an emergency is folded from its entries, whatever their order and however often one comes. So two
instances of the app that know nothing of each other, a caller who carries the entries between them, and a laptop
without the app can all go on with the same emergency: what they have is joined by the entries' ids.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

type Instant = Annotated[datetime, Meta(tz=True)]
"""A time with its zone; one without can't be compared, and is refused where JSON is read."""

APP: Final = "app"
"""`Entry.by` for what the app did itself."""

LASTS: Final = timedelta(hours=8)
"""How long an emergency lasts where the declaration doesn't say otherwise."""

LONGEST: Final = timedelta(hours=72)
"""When an emergency expires at the latest, however often it is extended."""

LONGEST_DRILL: Final = timedelta(hours=2)
CONFIRM_WITHIN: Final = timedelta(minutes=15)
"""How long what one operator asked for waits for the second one."""

STEPS: Final = range(1, 9)
"""The numbers of the runbook's steps, in the guide's order."""


class Proof(StrEnum):
    """How it was proven who made a request."""

    SIGN_IN = "sign-in"
    """The platform's sign-in in front of the app, and the person is an operator."""
    SIGNATURE = "signature"
    """The emergency key, and a signature by an operator's Ed25519 key."""
    PASSKEY = "passkey"
    """The emergency key, and an operator's passkey."""
    CODE = "code"
    """The emergency key, and an operator's one-time code: it declares, shows and records, and nothing else."""
    APP = "app"
    """No caller: the app did it itself."""


class Caller(Struct, frozen=True, kw_only=True):
    """The operator who makes a request. `key` is the id of the key that signed it, "" where none did."""

    operator: str
    name: str
    proof: Proof
    key: str = ""

    @property
    def may_decide(self) -> bool:
        """Whether he may change federation, close or undo: not by a one-time code."""
        return self.proof in {Proof.SIGN_IN, Proof.SIGNATURE, Proof.PASSKEY}


class StepState(StrEnum):
    """How far a step is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    """It can't be done until something else is: a precondition, a second operator, a printed command."""
    FAILED = "failed"


class Answer(StrEnum):
    """What a look at one thing found. What couldn't be read is unknown, never fine."""

    FINE = "fine"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    NOTED = "noted"
    """Nothing to judge: a fact, a number, a text for people."""


class FoundTexts(Struct, frozen=True, kw_only=True):
    """The texts of a finding in one language: what was looked at, what it is, what a person does ("" for nothing)."""

    about: str
    text: str
    what_to_do: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a step found: what was looked at, what it is, and what a person does about it ("" for nothing).

    Texts may quote the tenant; whoever shows them escapes them. `is_new` marks what an earlier run hadn't found. `id`
    is that of its declaration (`shared.emergency.finding_texts`). The texts are kept in both languages, and not just
    the parameters: what was found is to read as it did then, whichever version of the app shows it.
    """

    answer: Answer
    about: str
    text: str
    what_to_do: str = ""
    is_new: bool = False
    id: str = ""
    korean: FoundTexts | None = None

    def texts(self, language: str) -> FoundTexts:
        """Give the texts in a language: "ko", where it has them, else English."""
        if language == "ko" and self.korean is not None:
            return self.korean
        return FoundTexts(about=self.about, text=self.text, what_to_do=self.what_to_do)


class Evidence(Struct, frozen=True, kw_only=True):
    """A file that is kept: its name in the evidence container, SHA-256 in hexadecimal, size in bytes."""

    blob: str
    sha256: str
    size: int


class Declared(Struct, frozen=True, kw_only=True, tag="declared"):
    """The first entry. `privileged_accounts` are object ids to collect sign-ins of besides those the app knows."""

    reason: str
    hybrid: bool
    drill: bool
    expires_at: Instant
    privileged_accounts: tuple[str, ...] = ()


class RunKind(StrEnum):
    """Why a run of a step was started."""

    STEP = "step"
    """The step itself."""
    REPEAT = "repeat"
    """It looks again, because an earlier run asked for that by `next_at`."""
    BACK = "back"
    """It takes back what the step did, before the emergency is closed."""


class StepStarted(Struct, frozen=True, kw_only=True, tag="step-started"):
    """A run of a step began. `forced` says why a step that was finished runs again, "" otherwise."""

    step: int
    run: str
    forced: str = ""
    kind: RunKind = RunKind.STEP


class Proposal(Struct, frozen=True, kw_only=True):
    """What a run proposes and two operators have to agree to: `text` is exactly what both are shown.

    `what` is as in `Asked`.
    """

    what: str
    text: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, in hexadecimal: what is asked for and confirmed."""
        return sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


class SignInAnnounced(Struct, frozen=True, kw_only=True, tag="sign-in-announced"):
    """An emergency account's sign-in is expected. It is paged all the same, as announced."""

    account: str
    until: Instant


class StepEnded(Struct, frozen=True, kw_only=True, tag="step-ended"):
    """A run of a step ended. `next_at` is when it is to look again, None where it isn't.

    `proposals` are what it would do once two operators have agreed, `announces` the sign-ins that it announced.
    """

    step: int
    run: str
    state: StepState
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    next_at: Instant | None = None
    proposals: tuple[Proposal, ...] = ()
    announces: tuple[SignInAnnounced, ...] = ()


class StepRecorded(Struct, frozen=True, kw_only=True, tag="step-recorded"):
    """A person did (DONE) or left out (SKIPPED) what a step asks of people."""

    step: int
    state: StepState
    note: str


class Asked(Struct, frozen=True, kw_only=True, tag="asked"):
    """An operator asked for what takes two: `digest` is the SHA-256 of exactly what he was shown.

    `what` is "federation", "federation-back" or "close".
    """

    what: str
    digest: str
    text: str


class Confirmed(Struct, frozen=True, kw_only=True, tag="confirmed"):
    """A second operator, another person, confirmed what was asked for, by its digest."""

    what: str
    digest: str


class Acknowledged(Struct, frozen=True, kw_only=True, tag="acknowledged"):
    """Somebody who was paged answered. `over` names the channel or the way he answered."""

    over: str
    note: str = ""


class Extended(Struct, frozen=True, kw_only=True, tag="extended"):
    """The emergency lasts longer, never longer than LONGEST in all."""

    until: Instant
    reason: str


class Closed(Struct, frozen=True, kw_only=True, tag="closed"):
    """The last entry. `ended_by` is the id of the real emergency that ended a drill, "" otherwise."""

    summary: str
    report: tuple[Evidence, ...] = ()
    ended_by: str = ""


type Act = (
    Declared
    | StepStarted
    | StepEnded
    | StepRecorded
    | Asked
    | Confirmed
    | Acknowledged
    | SignInAnnounced
    | Extended
    | Closed
)


class SignedRequest(Struct, frozen=True, kw_only=True):
    """The request that an operator signed, so that whoever gets the entry can check it again.

    `body` is the request's body in base64; `headers` are those of the proof.
    """

    method: str
    path: str
    body: str
    headers: dict[str, str]


class Entry(Struct, frozen=True, kw_only=True, dict=True):
    """One entry. `id` is 32 hexadecimal digits, chosen by who makes it; `at` is by the clock of who makes it.

    `emergency` is the id of the emergency. `signed` is there where `proof` is a signature or a passkey.
    """

    id: str
    emergency: str
    at: Instant
    by: str
    name: str
    proof: Proof
    act: Act
    signed: SignedRequest | None = None

    @property
    def content(self) -> bytes:
        """The entry as JSON, the same bytes for the same entry."""
        return msgspec.json.encode(self, order="sorted")

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of its content, in hexadecimal: what is kept once, whoever brings it."""
        return sha256(self.content).hexdigest()
