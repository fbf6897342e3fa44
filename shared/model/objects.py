"""Objects of a tenant as they are reconciled: leaves, versions, changes, and what is decided about each leaf.

A record says who did something and when; the object says what there is. An object is compared with its baseline again
and again until both agree. What is judged and put back by itself is a *leaf*: a scalar ("state"), one member of a list
that is a set ("conditions.users.excludeUsers[<id>]"), a part that has a meaning only as a whole, or the object's
existence. A leaf that is null, empty or absent is simply not there, so no leaf's value is None.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.model.cases import Standing
from shared.model.events import Actor, Log
from shared.model.kinds import Json, ObjectKind, Risk

SCHEMA: Final = 2
"""The version of what is stored about objects. A host that meets a newer one doesn't act."""

EXISTS: Final = "exists"
"""The leaf that says that the object is there; its value is True."""

WHOLE: Final = "*"
"""In place of a leaf's name: the whole object, or every leaf that has no entry of its own."""

type Leaves = Mapping[str, Json]
"""The values of an object's leaves by name, with `exists`; empty where the object doesn't exist."""

type Step = tuple[Json, Json]
"""An old and a new value of a leaf; None where it wasn't there."""


def list_of(leaf: str) -> str:
    """Give the list whose member a leaf is ("conditions.users.excludeUsers"), "" for one that is no member."""
    return leaf.partition("[")[0] if leaf.endswith("]") else ""


def property_of(leaf: str) -> str:
    """Give the property at the top of an object that a leaf is in ("conditions")."""
    return leaf.partition("[")[0].partition(".")[0]


type Sent = dict[str, dict[str, Json]]
"""The parts of an object that were sent whole, lists or properties: each with its leaves by the rest of their name.

{"conditions.users": {".includeUsers[all]": "All"}}: whatever else stood in that part went with the write.
"""


def sent_value(sent: Sent, leaf: str) -> tuple[bool, Json]:
    """Say whether a leaf lies in a part that was sent whole, and with which value; None where it was left out."""
    for part, values in sent.items():
        rest = leaf.removeprefix(part)
        if rest != leaf and (not rest or rest[0] in ".["):
            return True, values.get(rest)
    return False, None


class Op(StrEnum):
    """What a change did to the object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Provenance(StrEnum):
    """Why a value counts as the baseline's."""

    FIRST_SEEN = "first seen"
    """It stood when the object was first read. It may be an attacker's, so it is never written back."""
    ACCEPTED = "accepted"
    """A person accepted it."""
    APPROVED = "approved"
    """An approved actor wrote it, and a record says so."""
    BRACKETED = "bracketed"
    """Only the versions around an approved change say that it wrote this; not written back until a person accepts."""
    PUT_BACK = "put back"
    """The responder put it back."""


WRITABLE: Final = frozenset({Provenance.ACCEPTED, Provenance.APPROVED, Provenance.PUT_BACK})
"""Only values of these are ever written."""


class ObjectId(Struct, frozen=True, kw_only=True, order=True):
    """An object by our own key. The tenant's ids are aliases of it: an object that is made again gets another one."""

    tenant_id: str
    kind: ObjectKind
    key: str


def key_of(object_id: str) -> str:
    """Give the key of an object by the tenant's id of it as it was first known (of custom policies, the name)."""
    return hashlib.sha256(object_id.lower().encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Version(Struct, frozen=True, kw_only=True):
    """The object as it was read; empty `leaves` where it didn't exist.

    The read began at `at` and had ended by `until` (None: the same instant); it may show what was written in between.
    `digest` names the blob with the whole object, "" where it didn't exist. `source` says by which path it was read
    ("read", "sweep", "beta").
    """

    at: datetime
    leaves: dict[str, Json]
    digest: str = ""
    source: str = "read"
    until: datetime | None = None


class Recorded(Struct, frozen=True, kw_only=True):
    """What a record says of a change: which object, and as far as it tells, which leaves it wrote.

    `is_whole` says that `wrote` is all that the change wrote; else `whole_properties` are the properties of which the
    record tells all. `object_id` is the tenant's id of the object.
    """

    object_id: str
    name: str
    op: Op
    wrote: dict[str, Step] = {}
    is_whole: bool = False
    whole_properties: tuple[str, ...] = ()


class ObjectChange(Struct, frozen=True, kw_only=True):
    """One action of one actor on one object.

    `id` names it by its content and second. `arrived_at` is when its first record was taken in. `detections` and
    `cases` are those that it opened, in the same order. Of the responder's own writes, `intent` is the intent's id, and
    `sent` has what was sent whole. A change that only a delivery told isn't confirmed
    until the tenant itself says so, and is denied where the tenant says that it wasn't made. `is_expiry` says that it
    is the end of something bound in time, or of what it belonged to, `is_own_use` that its actor took up what he is
    eligible for, or gave it up: neither is a change that anybody answers. `source` names the log where two tell of the
    same actions; "" is as `log`.
    `whole_properties` are properties of which the record tells all, where it doesn't tell all of the object.
    `is_microsofts` says whether one of Microsoft's own services made it, None where the tenant wasn't asked.
    Where the record had only the actor's name, `named_at` is when the tenant's directory last said whose it is, and
    `nameless` why that can't be said, where it can't.
    """

    id: str
    log: Log
    actor: Actor
    at: datetime
    arrived_at: datetime
    op: Op
    wrote: dict[str, Step] = {}
    is_whole: bool = False
    object_id: str = ""
    record: str = ""
    detections: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    risk: Risk = Risk.LOW
    is_confirmed: bool = True
    is_denied: bool = False
    is_expiry: bool = False
    is_own_use: bool = False
    intent: str = ""
    sent: Sent = {}
    source: str = ""
    whole_properties: tuple[str, ...] = ()
    is_microsofts: bool | None = None
    named_at: datetime | None = None
    nameless: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether an intent of the responder's explains it."""
        return bool(self.intent)

    @property
    def is_rightful(self) -> bool:
        """Whether nobody needs an approval for it: it ended by itself, or its actor used what is his."""
        return self.is_expiry or self.is_own_use


class JudgedChange(Struct, frozen=True, kw_only=True):
    """A change with its actor's standing by what the lists said at its instant.

    `is_live` says that from its instant until now its detection was in mode enforce, the kill switch off and the actor
    unapproved: only such a change is put back unasked.
    """

    change: ObjectChange
    standing: Standing
    because: str = ""
    is_live: bool = False


class Asked(StrEnum):
    """What a person asked for, by which values are written that don't stand."""

    UNDO = "undo"
    """A put-back of the responder's is taken back."""
    DENY = "deny"
    """A change is taken back, and whenever it is made again by somebody unapproved."""
    RESTORE = "restore"
    """The object is to stand as it stood at an instant."""
    REVOKE = "revoke"
    """What an actor did since an instant is taken back: the account was stolen."""

    @property
    def takes_from_others(self) -> bool:
        """Whether what stood is nobody's right: an approved change that brings it back is asked about."""
        return self in {Asked.DENY, Asked.REVOKE}


class Wish(Struct, frozen=True, kw_only=True):
    """What a person asked to be written: each leaf that still stands as it did in `stood` gets the accepted value."""

    act: Asked
    stood: dict[str, Json]


class Acceptance(Struct, frozen=True, kw_only=True):
    """A person accepted the object as it was shown, except `uncovered` leaves; with `only`, nothing but those.

    With a `wish`, `leaves` aren't what stood but what is to stand. `id` is the digest of the plan that was shown, ""
    where there was none, and `about` are the changes, or the cases of drift, that the person was asked about.
    """

    at: datetime
    by: str
    leaves: dict[str, Json]
    uncovered: tuple[str, ...] = ()
    reason: str = ""
    only: tuple[str, ...] = ()
    wish: Wish | None = None
    id: str = ""
    about: tuple[str, ...] = ()

    def covers(self, leaf: str) -> bool:
        """Whether it says anything of a leaf."""
        return leaf not in self.uncovered and (not self.only or leaf in self.only)

    def stood(self, leaf: str) -> Json:
        """Give the value that a leaf had when the person decided."""
        return (self.wish.stood if self.wish else self.leaves).get(leaf)


_ASKED: Final = "asked "


def asked_id(acceptance_id: str) -> str:
    """Give the id that stands in the place of a change's where a person asked for what is written."""
    return _ASKED + acceptance_id


def is_asked_id(change_id: str) -> bool:
    """Whether an id stands for what a person asked, and for no change."""
    return change_id.startswith(_ASKED)


class Noticed(Struct, frozen=True, kw_only=True):
    """A leaf that had this value first at this instant."""

    leaf: str
    value: Json
    since: datetime


class Drift(Struct, frozen=True, kw_only=True):
    """Leaves that stand otherwise than agreed, with their values, and the case about that."""

    case: str
    leaves: dict[str, Json]
    since: datetime


class IntentState(StrEnum):
    """What is known of a write that was intended."""

    OPEN = "open"
    """It isn't known whether it was carried out."""
    BOOKED = "booked"
    """It was carried out, and is known to be ours."""
    NOT_SENT = "not sent"
    CLOSED = "closed"
    """It wasn't carried out, as far as can be seen."""


class Intent(Struct, frozen=True, kw_only=True):
    """A write that the responder decided on, stored before it is sent.

    `steps` are the leaves with the value that stands and the one to write. `sent` is what is written whole.
    `before` is the digest of the version that stood, `actors` are those whose changes are put back, `changes` the ids
    of those changes.
    """

    id: str
    at: datetime
    op: Op
    steps: dict[str, Step]
    before: str = ""
    sent: Sent = {}
    actors: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    state: IntentState = IntentState.OPEN
    object_id: str = ""


class Objection(Struct, frozen=True, kw_only=True):
    """Why a leaf isn't put back. `can_pass` says that it may go away by itself, so that it is looked at again.

    `until` is when it goes away at the soonest, where that is known.
    """

    guard: str
    because: str
    can_pass: bool
    by_hand: str = ""
    until: datetime | None = None


class Verdict(StrEnum):
    """What a leaf that isn't as in the baseline is, or why it isn't put back."""

    PUT_BACK = "put back"
    OFFER = "offered back"
    """The responder wrote it, over a change that is known only now."""
    LEFT = "left"
    """A person said to leave it."""
    LISTED = "listed"
    """An unapproved change that wasn't live all the time: a person decides (`responder settle`)."""
    WAIT_UNEXPLAINED = "no record yet"
    WAIT_MISSING = "a record before it is missing"
    WAIT_UNTOLD = "it isn't known yet what a change wrote"
    WAIT_STALE = "what was read is out of date"
    WAIT_CLAIM = "whether the responder wrote it isn't known yet"
    DRIFT = "nobody is known to have changed it"
    UNKNOWN = "the actor is unknown"
    MISSING = "a record before it never came"
    MIXED = "changes of approved and unapproved actors meet"
    BENEATH = "it lies over a change that isn't accounted for"
    UNTOLD = "what a change wrote stays unknown"
    BRACKETED = "an approved change whose values no record tells"

    @property
    def waits(self) -> bool:
        """Whether it goes away or becomes another one with time."""
        return self in _WAITING

    @property
    def needs_people(self) -> bool:
        """Whether people are paged."""
        return self not in _WAITING and self not in {Verdict.PUT_BACK, Verdict.LEFT}


_WAITING: Final = frozenset(
    {
        Verdict.WAIT_UNEXPLAINED,
        Verdict.WAIT_MISSING,
        Verdict.WAIT_UNTOLD,
        Verdict.WAIT_STALE,
        Verdict.WAIT_CLAIM,
    }
)


class LeafVerdict(Struct, frozen=True, kw_only=True):
    """The verdict on a leaf (or on `WHOLE`), the change that it is about, and when it is to be looked at again."""

    verdict: Verdict
    change: str = ""
    until: datetime | None = None


class BaselineLeaf(Struct, frozen=True, kw_only=True):
    """A leaf of the baseline. `value` is None where it isn't to be there."""

    value: Json
    provenance: Provenance
    since: datetime


class Offer(Struct, frozen=True, kw_only=True):
    """An approved or unknown change that a write of ours covered: people are offered to have it back."""

    change: str
    leaf: str
    covered: Json
    stands: Json


class ObjectState(Struct, frozen=True, kw_only=True):
    """All that is stored about an object, but its changes.

    `ids` are the tenant's ids of it, the present one last. `origin` is the first version, which counts as accounted for
    by `provenance`. Where earlier changes were compacted, `origin` has the baseline's leaves of then, `accounted` is
    that baseline (by leaf and `WHOLE`) and goes before `provenance`, and only changes after `origin.at` are read.
    `versions` are those that are still needed, oldest first. `filled` are leaves that a service filled in or added
    everywhere. `left` are leaves that a person said to leave at that value. `differing` are leaves seen to differ,
    `drifts` those that nobody explains, with their cases. `pending` are leaves that wait, or that people were paged
    about, with the reason. `settled` are ids of changes that need no answer any more, `answered` of those whose case is
    closed, `asked` of those that a person asked to put back though they weren't live all the time.
    `denied` are leaves at a value that a person denied for good: whoever unapproved writes it again, it is put back.
    """

    id: ObjectId
    ids: tuple[str, ...]
    name: str
    origin: Version
    provenance: Provenance
    accounted: dict[str, BaselineLeaf] = {}
    versions: tuple[Version, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    filled: tuple[Noticed, ...] = ()
    left: tuple[Noticed, ...] = ()
    denied: tuple[Noticed, ...] = ()
    differing: tuple[Noticed, ...] = ()
    drifts: tuple[Drift, ...] = ()
    pending: dict[str, Objection] = {}
    intents: tuple[Intent, ...] = ()
    settled: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    attempts: int = 0
    next_look: datetime | None = None
    looked_at: datetime | None = None
    schema: int = SCHEMA


class Duel(Struct, frozen=True, kw_only=True):
    """A leaf that is swung: `rivals` are the actors by id, `times` counts how often the responder swung it back."""

    leaf: str
    rivals: tuple[str, ...]
    times: int


class ObjectPlan(Struct, frozen=True, kw_only=True):
    """What is decided about an object: what to write, and of each leaf that isn't written, why.

    `op` is None where nothing is to be written. `steps` are the leaves to write: what stands, and the target.
    `state` is the object's state with what was noticed while planning. `shows_at` is when to look whether a change that
    doesn't show has come, None where all show: a replica may be behind.
    """

    state: ObjectState
    baseline: dict[str, BaselineLeaf]
    verdicts: dict[str, LeafVerdict]
    op: Op | None = None
    steps: dict[str, Step] = {}
    offers: tuple[Offer, ...] = ()
    duels: tuple[Duel, ...] = ()
    new_to_kind: tuple[Noticed, ...] = ()
    shows_at: datetime | None = None
