"""The case: one match of a detection, answered exactly once. What is stored of it, and how its id is made.

The states of a case are opened → decided → acted → closed. Each change is guarded by the row's ETag and made by the run
that holds the lease.
"""

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from shared.model.events import Actor, Change, CountEvent, Event, SignInEvent, Target
from shared.model.kinds import Mode, ObjectKind, Risk


class State(StrEnum):
    """How far a case has come."""

    OPENED = "opened"
    DECIDED = "decided"
    ACTED = "acted"
    CLOSED = "closed"


class Standing(StrEnum):
    """Whether the actor may do what was done."""

    APPROVED = "approved"
    UNAPPROVED = "unapproved"
    UNKNOWN = "unknown"


class Decision(StrEnum):
    """What is done about a case."""

    RECORD = "record"
    PAGE = "page"
    REMEDIATE = "remediate"


class Outcome(StrEnum):
    """What came of a remediation. `NONE` means that nothing was to be done.

    `PENDING` is temporary: something forbids it that can pass, and it is tried again until it does.
    """

    NONE = "none"
    DONE = "done"
    ALREADY = "already"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    PENDING = "pending"


class RemarkKind(StrEnum):
    """What a person says of a case: something, what it was, or that they don't take care of it any more."""

    NOTE = "note"
    ATTACK = "attack"
    EXPECTED = "expected"
    FALSE_ALARM = "false-alarm"
    TAKE_BACK = "take-back"


WHAT_IT_WAS: Final = (RemarkKind.ATTACK, RemarkKind.EXPECTED, RemarkKind.FALSE_ALARM)
"""What a case can have been."""


class Remark(Struct, frozen=True, kw_only=True):
    """What a person said of a case, who that is, and when."""

    kind: RemarkKind
    by: str
    at: datetime
    text: str = ""


class Case(Struct, frozen=True, kw_only=True):
    """One case. Texts from the tenant are stored unchanged and escaped where they are shown.

    `target` has the changes. `because` is the reason for the decision, `standing_because` the reason for the standing:
    an approval row or its absence. `would` is what mode enforce would have done. `summary` is the plan in words,
    `proof` what was read afterwards, `by_hand` a command for a person to run; `before` and `record` are names of blobs
    in container `evidence`. From `lease_until` on, another run may take the case over.

    A case about a change of a guarded object has that object's kind and key, and the id of the change; `detections` are
    all that match the change. Such a case is answered with its object, and `pending` says why it isn't yet. `at_most`
    is the risk that such a change deserves, None where that of its detection counts. `wrong_password`: a sign-in that
    anybody may have tried who knows the account's name. `remarks` are what people said of it, oldest first.
    """

    id: str
    tenant_id: str
    detection: str
    correlation_id: str
    event_id: str
    at: datetime
    opened_at: datetime
    actor: Actor
    target: Target
    record: str
    state: State = State.OPENED
    mode: Mode = Mode.OBSERVE
    standing: Standing = Standing.UNKNOWN
    standing_because: str = ""
    decision: Decision = Decision.RECORD
    because: str = ""
    would: str = ""
    summary: str = ""
    before: str = ""
    put_back: tuple[Change, ...] = ()
    outcome: Outcome = Outcome.NONE
    proof: str = ""
    by_hand: str = ""
    object_kind: ObjectKind | None = None
    object_key: str = ""
    change: str = ""
    detections: tuple[str, ...] = ()
    pending: str = ""
    at_most: Risk | None = None
    wrong_password: bool = False
    attempts: int = 0
    lease_until: datetime | None = None
    decided_at: datetime | None = None
    acted_at: datetime | None = None
    closed_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def was(self) -> RemarkKind | None:
        """What it was, as a person said last; None while nobody has."""
        return next((one.kind for one in reversed(self.remarks) if one.kind in WHAT_IT_WAS), None)

    @property
    def is_open(self) -> bool:
        """Whether the responder still has something to do."""
        return self.state is not State.CLOSED


def case_key(tenant_id: str, detection: str, identity: str, target_id: str) -> str:
    """Hash the values that name a case: 20 hex digits."""
    parts = json.dumps((tenant_id, detection, identity, target_id))
    return hashlib.sha256(parts.encode()).hexdigest()[:20]


def case_id(tenant_id: str, detection: str, event: Event) -> str:
    """Give the id of a case: the day of its event and a hash. The day is part of the row's partition key.

    An action is named by its content and its second. Whoever makes a request chooses its correlation id, so by that
    alone one change could be hidden behind another.
    """
    return f"{event.at:%Y%m%d}-{case_key(tenant_id, detection, content_of(event), event.target.id)}"


def content_of(event: Event) -> str:
    """Hash what an event says of an action, to the second: 64 hex digits.

    The record's own id doesn't count: Azure AD B2C writes two records of one change, 50 ms apart, in two categories.
    A sign-in and a count have ids that stay the same while the rest is completed.
    """
    if isinstance(event, SignInEvent | CountEvent) and event.id:
        return hashlib.sha256(f"{event.log} {event.id}".encode()).hexdigest()
    said = {**msgspec.to_builtins(event), "id": "", "at": event.at.astimezone(UTC).replace(microsecond=0).isoformat()}
    said.pop("category", None)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def change_case_id(change_id: str, at: datetime) -> str:
    """Give the id of the case of a change of a guarded object."""
    return f"{at.astimezone(UTC):%Y%m%d}-{hashlib.sha256(change_id.encode()).hexdigest()[:20]}"


def hour_id(tenant_id: str, detection: str, values: tuple[str, ...], at: datetime) -> str:
    """Give the id of the case for all records of a clock hour (UTC) with these values of `Detection.one_case_by`.

    It doesn't depend on the order in which the records arrive.
    """
    at = at.astimezone(UTC)
    return f"{at:%Y%m%d}-{case_key(tenant_id, detection, f'hour {at:%Y%m%d%H}', json.dumps(values))}"


LISTS: Final = "lists"
"""What the partition of a tenant's lists of cases ends with; those of the cases themselves end with a day."""

NEWEST: Final = "newest|"
"""What the keys of the list of the newest cases begin with."""

_LAST_SECOND: Final = 999_999_999_999


def newest_before(at: datetime) -> str:
    """Give what the keys of the newest cases begin with for an instant: the later it is, the earlier they sort."""
    return f"{NEWEST}{_LAST_SECOND - int(at.timestamp()):012}"
