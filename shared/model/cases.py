"""The case: one match, answered exactly once. What is stored of it, and how its id is made.

A case moves one way: opened → decided → acted → closed. Each move is an ETag-guarded update by whoever holds the lease.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.model.events import Actor, Change, Event, Target
from shared.model.kinds import Mode

_MIDNIGHT_MARGIN: Final = timedelta(minutes=10)


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
    """What came of it. `NONE` is the outcome of a case for which nothing was to be done.

    `LOCKED` is for now: a management lock forbids it, and it is tried again until the lock is gone.
    """

    NONE = "none"
    DONE = "done"
    ALREADY = "already"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    LOCKED = "locked"


class Case(Struct, frozen=True, kw_only=True):
    """One case. Texts from the tenant stand as they came and are escaped where they are shown.

    `target` carries the changes. `because` says why it was decided so, `standing_because` which approval row (or its
    absence) says so; `would` is what a stricter mode would have done. `summary` is the plan in words, `proof`
    what was read back, `by_hand` the command by which a person does what the responder doesn't, `before` and `record`
    are blob names in `evidence`. `lease_until` is when somebody else may take the case over; `locked_at` is when a lock
    first kept it from being put back.
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
    locked_at: datetime | None = None
    attempts: int = 0
    lease_until: datetime | None = None
    decided_at: datetime | None = None
    acted_at: datetime | None = None
    closed_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done by the machine."""
        return self.state is not State.CLOSED


def case_key(tenant_id: str, detection: str, correlation_id: str, target_id: str) -> str:
    """Hash what makes two records the same case: 20 hex digits."""
    parts = json.dumps((tenant_id, detection, correlation_id, target_id))
    return hashlib.sha256(parts.encode()).hexdigest()[:20]


def case_id(tenant_id: str, detection: str, event: Event, *, day: datetime | None = None, another: bool = False) -> str:
    """Name a case: the day of its event and the hash, so that its table partition can be told from the id alone.

    A record without a correlation id is a case of its own, by its record id. So is `another` action that has the
    correlation id of an earlier one.
    """
    own = f"record {event.id or event.at.isoformat()}"
    action = f"{event.correlation_id} {own}" if another else event.correlation_id or own
    return f"{(day or event.at):%Y%m%d}-{case_key(tenant_id, detection, action, event.target.id)}"


def hour_id(tenant_id: str, detection: str, values: tuple[str, ...], at: datetime) -> str:
    """Name the one case of all records of a clock hour (UTC) that have these values of a detection's `one_case_by`.

    Whatever order they come in, however late, the name is the same.
    """
    at = at.astimezone(UTC)
    return f"{at:%Y%m%d}-{case_key(tenant_id, detection, f'hour {at:%Y%m%d%H}', json.dumps(values))}"


def twin_ids(tenant_id: str, detection: str, event: Event) -> tuple[str, ...]:
    """Give the ids that a twin record of the same action could have got on the other side of midnight (UTC)."""
    days = {event.at - _MIDNIGHT_MARGIN, event.at + _MIDNIGHT_MARGIN}
    own = case_id(tenant_id, detection, event)
    ids = {case_id(tenant_id, detection, event, day=day) for day in days}
    return tuple(sorted(ids - {own}))
