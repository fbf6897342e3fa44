"""Stage 6, and the ledger that every stage writes to: cases and their evidence.

The order in which a case is opened is the promise that none is lost: evidence first, then the row, then the queue
message. A row is inserted only if absent, so duplicate and twin records make no second case. Each later move is an
ETag-guarded update by whoever holds the lease; a lease that ran out lets somebody else take over.
"""

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Conflict, Container, Row, Storage, Table
from shared.model.cases import Case, case_id, hour_id, twin_ids
from shared.model.clock import Clock
from shared.model.do_all import each
from shared.model.errors import LeaseLost, Rejected
from shared.model.events import Actor, Change, Event, Target

_log = logging.getLogger("responder.ledger")

_ROOMS: Final = ((2_000, 20), (400, 20), (60, 10))
"""Characters of a text, and changes, that are kept in a row; tried in this order until the row is small enough."""

_LARGEST_COLUMN: Final = 60_000
"""Bytes in UTF-16; a table takes 64 KiB."""

_LONGEST_ID: Final = 600
"""Characters; the longest ids are those of Azure resources."""

_ONE_ACTION: Final = timedelta(minutes=1)
"""How far apart the records of one action are at most; real ones are milliseconds apart."""

_FIRST_LEASE: Final = timedelta(seconds=30)
_SEARCHED: Final = timedelta(days=30)


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

    def open(self, detection: str, event: Event, record: bytes, *, one_by: tuple[str, ...] = ()) -> Case | None:
        """Open a case for an event that met a detection; None when there is one already.

        With `one_by`, values of fields of the event, all events of its clock hour with the same ones are one case, and
        the first that comes is its evidence.
        Raises EdgeError when any of the three writes fails: the caller must not count the record as done then.
        """
        if one_by:
            return self._open_for_hour(detection, event, record, one_by)
        namesake = self._namesake(detection, event)
        if namesake is not None and event.id and _id(event.id) == namesake.event_id:
            return None
        another = namesake is not None and not _is_one_action(namesake, event)
        name = case_id(event.tenant_id, detection, event, another=another)
        case = self._new_case(name, detection, event, record)
        self._evidence.keep(Container.EVIDENCE, case.record, record)
        if namesake is not None and not another:
            return None
        if not self._enter(case):
            # Another run was faster, maybe with another record of that name.
            return None if another or namesake is not None else self.open(detection, event, record)
        return case

    def _enter(self, case: Case) -> bool:
        """Write the row and the queue message of a new case; False when there is a row already."""
        if not self._storage.insert(Table.CASES, _partition(case.tenant_id, case.id), case.id, _columns(case)):
            return False
        self.enqueue(case)
        return True

    def _open_for_hour(self, detection: str, event: Event, record: bytes, values: tuple[str, ...]) -> Case | None:
        name = hour_id(event.tenant_id, detection, values, event.at)
        if self.case(event.tenant_id, name):
            return None
        case = self._new_case(name, detection, event, record)
        self._evidence.keep(Container.EVIDENCE, case.record, record)
        return case if self._enter(case) else None

    def _namesake(self, detection: str, event: Event) -> Case | None:
        names = (case_id(event.tenant_id, detection, event), *twin_ids(event.tenant_id, detection, event))
        return next((case for name in names if (case := self.case(event.tenant_id, name))), None)

    def _new_case(self, name: str, detection: str, event: Event, record: bytes) -> Case:
        now = self._clock()
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
            acknowledged = self._only_acknowledged(held)
            if acknowledged is None:
                raise LeaseLost(f"case {case.id} was taken over by another run") from conflict
            return self.move(acknowledged, **changes)
        return Held(case=case, row=row)

    def _only_acknowledged(self, held: Held) -> Held | None:
        """Give the case with its acknowledgement, where that is all that somebody else has written; else None."""
        row = self._find(held.case.tenant_id, held.case.id)
        if row is None:
            return None
        theirs, ours = case_from(row), case_from(held.row)
        noted = {"acknowledged_by": theirs.acknowledged_by, "acknowledged_at": theirs.acknowledged_at}
        if theirs != msgspec.structs.replace(ours, **noted):
            return None
        return Held(case=msgspec.structs.replace(held.case, **noted), row=row)

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

    def keep_copy(self, name: str, content: bytes) -> None:
        """Store what belongs to no case as evidence, once under a name."""
        self._evidence.keep(Container.EVIDENCE, name, content)

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

    def unfinished(self, tenant_id: str) -> Iterator[Case]:
        """Give the open cases of a tenant whose lease has run out; one that can't be read is raised last."""
        now = self._clock()
        rows = self._rows(tenant_id, only_open=True)
        cases = each(rows, case_from, failed=lambda row: f"the row of case {row.key} can't be read", log=_log)
        return (case for case in cases if case.lease_until is None or case.lease_until <= now)

    def cases(
        self, tenant_id: str, *, only_open: bool = False, target_id: str = "", since: datetime | None = None
    ) -> list[Case]:
        """Read the cases of a tenant whose event happened since an instant (default: 30 days ago), newest first."""
        rows = self._rows(tenant_id, only_open=only_open, target_id=target_id, since=since)
        return sorted((case_from(row) for row in rows), key=lambda case: case.at, reverse=True)

    def _rows(
        self, tenant_id: str, *, only_open: bool = False, target_id: str = "", since: datetime | None = None
    ) -> list[Row]:
        start = since or self._clock() - _SEARCHED
        terms = ["PartitionKey ge @first", "PartitionKey lt @last"]
        terms += ["open eq true"] if only_open else []
        terms += ["target_id eq @target"] if target_id else []
        return self._storage.rows(
            Table.CASES,
            " and ".join(terms),
            first=f"{tenant_id}|{start:%Y%m%d}",
            last=f"{tenant_id}|99999999",
            target=_id(target_id).lower(),
        )

    def _find(self, tenant_id: str, name: str) -> Row | None:
        return self._storage.row(Table.CASES, _partition(tenant_id, name), name)


def _partition(tenant_id: str, name: str) -> str:
    return f"{tenant_id}|{name.partition('-')[0]}"


def _is_one_action(case: Case, event: Event) -> bool:
    """Say whether a record with the correlation id of a case tells of the same action.

    Whoever makes a request may choose its correlation id, so that alone would let somebody hide a change behind a case
    that has been answered, or behind somebody else's.
    """
    seen_at = case.decided_at or case.closed_at
    by_same = not event.actor.id or not case.actor.id or _id(event.actor.id) == case.actor.id
    return by_same and abs(event.at - case.at) <= _ONE_ACTION and (seen_at is None or event.at <= seen_at)


def _columns(case: Case) -> dict[str, Any]:
    """Give a row's columns: the case as JSON without what evidence holds in full, and what queries filter on."""
    return {
        "case": _json(case),
        "open": case.is_open,
        "state": case.state.value,
        "target_id": _id(case.target.id).lower(),
        "detection": case.detection,
        "actor_id": _id(case.actor.id),
        "decision": case.decision.value,
        "outcome": case.outcome.value,
        "at": case.at.astimezone(UTC).isoformat(),
    }


def _json(case: Case) -> str:
    """Write a case as JSON that a column takes, whatever the tenant's texts are."""
    text = ""
    for longest, changes in _ROOMS:
        text = msgspec.json.encode(_shortened(case, longest, changes)).decode()
        if len(text.encode("utf-16-le")) <= _LARGEST_COLUMN:
            break
    return text


def _shortened(case: Case, longest: int, changes: int) -> Case:
    texts = ("standing_because", "because", "would", "summary", "proof", "by_hand", "acknowledged_by")
    put_back = tuple(
        Change(
            name=_cut(change.name, longest),
            old=None if change.old is None else _cut(change.old, longest),
            new=None if change.new is None else _cut(change.new, longest),
        )
        for change in case.put_back[:changes]
    )
    ids = {name: _id(getattr(case, name)) for name in ("correlation_id", "event_id")}
    actor, target = case.actor, case.target
    return msgspec.structs.replace(
        case,
        **ids,
        **{name: _cut(getattr(case, name), longest) for name in texts},
        put_back=put_back,
        target=Target(id=_id(target.id), name=_cut(target.name, longest), kind=_cut(target.kind, longest)),
        actor=Actor(
            id=_id(actor.id),
            name=_cut(actor.name, longest),
            kind=actor.kind,
            address=_cut(actor.address, longest),
        ),
    )


def _id(text: str) -> str:
    """Give an id as a row holds it: a hash where it can't be anybody's, for its length or its characters.

    The hash begins with "#", which keeps it from being looked up: then it isn't found, and that would mean something.
    """
    if len(text) <= _LONGEST_ID and text.isprintable():
        return text
    return "#" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def case_from(row: Row) -> Case:
    """Read a row back."""
    return msgspec.json.decode(row.columns["case"], type=Case)


def _cut(text: str, most: int) -> str:
    """Shorten a text, and put U+FFFD for each half of a character, which JSON can't hold."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return short.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
