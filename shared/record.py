"""Stage 6, and the ledger that every stage writes to: cases and their evidence.

The order in which a case is opened is the promise that none is lost: evidence first, then the row, then the queue
message. A row is inserted only if absent, so duplicate and twin records make no second case. Each later move is an
ETag-guarded update by whoever holds the lease; a lease that ran out lets somebody else take over.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.cases import Case, case_id, twin_ids
from shared.clients.storage import Conflict, Container, Row, Storage, Table
from shared.errors import LeaseLost, Rejected
from shared.events import Event, Target

_LONGEST_TEXT: Final = 2_000
_FIRST_LEASE: Final = timedelta(seconds=30)
_SEARCHED: Final = timedelta(days=30)

type Clock = Callable[[], datetime]


class Held(Struct, frozen=True, kw_only=True):
    """A case that this run holds the lease of, and the row as it was last written."""

    case: Case
    row: Row


class Ledger:
    """Table `Cases`, container `evidence` and queue `cases`."""

    def __init__(self, storage: Storage, evidence: Storage, *, clock: Clock, lease: timedelta) -> None:
        self._storage = storage
        self._evidence = evidence
        self._clock = clock
        self._lease = lease

    def open(self, detection: str, event: Event, record: bytes) -> Case | None:
        """Open a case for an event that met a detection; None when there is one already.

        Raises EdgeError when any of the three writes fails: the caller must not count the record as done then.
        """
        case = self._new_case(detection, event, record)
        self._evidence.keep(Container.EVIDENCE, case.record, record)
        if any(self._find(case.tenant_id, twin) for twin in twin_ids(case.tenant_id, detection, event)):
            return None
        if not self._storage.insert(Table.CASES, _partition(case.tenant_id, case.id), case.id, _columns(case)):
            return None
        self.enqueue(case)
        return case

    def _new_case(self, detection: str, event: Event, record: bytes) -> Case:
        now = self._clock()
        name = case_id(event.tenant_id, detection, event)
        digest = hashlib.sha256(record).hexdigest()[:12]
        return Case(
            id=name,
            tenant_id=event.tenant_id,
            detection=detection,
            correlation_id=event.correlation_id,
            event_id=event.id,
            at=event.at,
            opened_at=now,
            actor=event.actor,
            target=event.target,
            record=f"{event.tenant_id}/{name}/record-{digest}.json",
            lease_until=now + _FIRST_LEASE,
        )

    def enqueue(self, case: Case, *, delay: timedelta = timedelta()) -> None:
        """Ask for the case to be answered, after `delay`."""
        message = msgspec.json.encode({"tenant_id": case.tenant_id, "case_id": case.id})
        self._storage.enqueue(message.decode(), delay=delay)

    def claim(self, tenant_id: str, name: str) -> Held | None:
        """Take the lease of a case; None when it is closed, unknown, or held by somebody whose lease hasn't run out.

        A case that nobody has claimed yet is free, whatever lease its opening gave it (that one only tells the resume
        timer how long to leave it to the queue).
        """
        row = self._find(tenant_id, name)
        if row is None:
            return None
        case = case_from(row)
        now = self._clock()
        taken = case.attempts > 0 and case.lease_until is not None and case.lease_until > now
        if not case.is_open or taken:
            return None
        mine = msgspec.structs.replace(case, attempts=case.attempts + 1, lease_until=now + self._lease)
        try:
            return Held(case=mine, row=self._storage.replace(Table.CASES, row, _columns(mine)))
        except Conflict:
            return None

    def move(self, held: Held, **changes: Any) -> Held:  # noqa: ANN401 - the fields of Case
        """Write changes of a case, renewing its lease.

        Raises:
            LeaseLost: somebody else has written the row since, so this run must not go on.
        """
        changes.setdefault("lease_until", self._clock() + self._lease)
        case = msgspec.structs.replace(held.case, **changes)
        try:
            row = self._storage.replace(Table.CASES, held.row, _columns(case))
        except Conflict as conflict:
            raise LeaseLost(f"case {case.id} was taken over by another run") from conflict
        return Held(case=case, row=row)

    def acknowledge(self, case: Case, *, by: str) -> Case:
        """Note who has read the page of a case, whoever holds its lease; the first one stays.

        Raises:
            LeaseLost: the row was being written at the same time.
        """
        row = self._find(case.tenant_id, case.id)
        if row is None:
            raise Rejected(f"case {case.id} is gone")
        stored = case_from(row)
        if stored.acknowledged_at is not None:
            return stored
        acknowledged = msgspec.structs.replace(stored, acknowledged_by=_cut(by, 200), acknowledged_at=self._clock())
        try:
            self._storage.replace(Table.CASES, row, _columns(acknowledged))
        except Conflict as conflict:
            raise LeaseLost(f"case {case.id} was being written") from conflict
        return acknowledged

    def keep_image(self, case: Case, what: str, image: object) -> str:
        """Store an image of an object ("before", "after") as evidence; gives the blob's name."""
        content = msgspec.json.encode(image)
        name = f"{case.tenant_id}/{case.id}/{what}-{hashlib.sha256(content).hexdigest()[:12]}.json"
        self._evidence.keep(Container.EVIDENCE, name, content)
        return name

    def record_of(self, case: Case) -> bytes:
        """Read the raw record that opened the case."""
        record = self._evidence.blob(Container.EVIDENCE, case.record)
        if record is None:
            raise Rejected(f"the evidence of case {case.id} is gone: {case.record}")
        return record

    def case(self, tenant_id: str, name: str) -> Case | None:
        """Read one case."""
        row = self._find(tenant_id, name)
        return case_from(row) if row else None

    def unfinished(self, tenant_id: str) -> list[Case]:
        """Read the open cases of a tenant whose lease has run out."""
        now = self._clock()
        return [
            case
            for case in self.cases(tenant_id, only_open=True)
            if case.lease_until is None or case.lease_until <= now
        ]

    def cases(
        self, tenant_id: str, *, only_open: bool = False, target_id: str = "", since: datetime | None = None
    ) -> list[Case]:
        """Read the cases of a tenant whose event happened since an instant (default: 30 days ago), newest first."""
        start = since or self._clock() - _SEARCHED
        terms = ["PartitionKey ge @first", "PartitionKey lt @last"]
        terms += ["open eq true"] if only_open else []
        terms += ["target_id eq @target"] if target_id else []
        rows = self._storage.rows(
            Table.CASES,
            " and ".join(terms),
            first=f"{tenant_id}|{start:%Y%m%d}",
            last=f"{tenant_id}|99999999",
            target=_cut(target_id, _LONGEST_TEXT),
        )
        return sorted((case_from(row) for row in rows), key=lambda case: case.at, reverse=True)

    def _find(self, tenant_id: str, name: str) -> Row | None:
        return self._storage.row(Table.CASES, _partition(tenant_id, name), name)


def _partition(tenant_id: str, name: str) -> str:
    return f"{tenant_id}|{name.partition('-')[0]}"


def _columns(case: Case) -> dict[str, Any]:
    """Give a row's columns: the case as JSON without what evidence holds in full, and what queries filter on."""
    target = Target(id=case.target.id, name=_cut(case.target.name, _LONGEST_TEXT), kind=_cut(case.target.kind, 200))
    actor = msgspec.structs.replace(case.actor, name=_cut(case.actor.name, _LONGEST_TEXT))
    stored = msgspec.structs.replace(case, target=target, actor=actor, because=_cut(case.because, _LONGEST_TEXT))
    return {
        "case": msgspec.json.encode(stored).decode(),
        "open": case.is_open,
        "state": case.state.value,
        "target_id": _cut(case.target.id, _LONGEST_TEXT),
        "detection": case.detection,
        "actor_id": _cut(case.actor.id, 200),
        "decision": case.decision.value,
        "outcome": case.outcome.value,
        "at": case.at.astimezone(UTC).isoformat(),
    }


def case_from(row: Row) -> Case:
    """Read a row back."""
    return msgspec.json.decode(row.columns["case"], type=Case)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
