"""The case: one match of a detection, answered exactly once. What is stored of it, and how its id is made.

The states of a case are opened → decided → acted → closed. Each change is guarded by the row's ETag and made by the run
that holds the lease.
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
    """What came of a remediation. `NONE` means that nothing was to be done.

    `LOCKED` and `PENDING` are temporary: a resource lock forbids the change, or something else that may go away by
    itself, and it is tried again until then.
    """

    NONE = "none"
    DONE = "done"
    ALREADY = "already"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    LOCKED = "locked"
    PENDING = "pending"


class Case(Struct, frozen=True, kw_only=True):
    """One case. Texts from the tenant are stored unchanged and escaped where they are shown.

    `target` has the changes. `because` is the reason for the decision, `standing_because` the reason for the standing:
    an approval row or its absence. `would` is what mode enforce would have done. `summary` is the plan in words,
    `proof` what was read afterwards, `by_hand` a command for a person to run; `before` and `record` are names of blobs
    in container `evidence`. From `lease_until` on, another run may take the case over. `locked_at` is when a lock first
    blocked the remediation.
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
        """Whether the responder still has something to do."""
        return self.state is not State.CLOSED


def case_key(tenant_id: str, detection: str, correlation_id: str, target_id: str) -> str:
    """Hash the values that are the same for all records of a case: 20 hex digits."""
    parts = json.dumps((tenant_id, detection, correlation_id, target_id))
    return hashlib.sha256(parts.encode()).hexdigest()[:20]


def case_id(
    tenant_id: str, detection: str, event: Event, *, day: datetime | None = None, is_another_action: bool = False
) -> str:
    """Give the id of a case: the day of its event and a hash. The day is part of the row's partition key.

    A record without a correlation id is a case of its own, by its record id. So is one with `is_another_action`: an
    action that has the correlation id of an earlier one.
    """
    own = f"record {event.id or event.at.isoformat()}"
    action = f"{event.correlation_id} {own}" if is_another_action else event.correlation_id or own
    return f"{(day or event.at):%Y%m%d}-{case_key(tenant_id, detection, action, event.target.id)}"


def hour_id(tenant_id: str, detection: str, values: tuple[str, ...], at: datetime) -> str:
    """Give the id of the case for all records of a clock hour (UTC) with these values of `Detection.one_case_by`.

    It doesn't depend on the order in which the records arrive.
    """
    at = at.astimezone(UTC)
    return f"{at:%Y%m%d}-{case_key(tenant_id, detection, f'hour {at:%Y%m%d%H}', json.dumps(values))}"


def ids_across_midnight(tenant_id: str, detection: str, event: Event) -> tuple[str, ...]:
    """Give the ids of the case that another record of the same action would get on the other side of midnight (UTC)."""
    days = {event.at - _MIDNIGHT_MARGIN, event.at + _MIDNIGHT_MARGIN}
    own = case_id(tenant_id, detection, event)
    ids = {case_id(tenant_id, detection, event, day=day) for day in days}
    return tuple(sorted(ids - {own}))
