"""The ledger of cases, and of their evidence. Every stage writes to it.

A case is opened in an order that loses none: evidence first, then the row, then the queue message. A row is inserted
only if it is absent, so duplicate records make no second case. Each later change is an update guarded by the ETag, made
by the run that holds the lease. After the lease has ended, another run may take the case over.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Container, Table
from shared.model.cases import Case, case_id, hour_id
from shared.model.clock import Clock
from shared.model.do_all import each
from shared.model.errors import EdgeError, LeaseLost, Rejected
from shared.model.events import Event, SignInEvent
from shared.model.kinds import Image
from shared.model.objects import ObjectId
from shared.respond.case_lists import CaseLists, Listed
from shared.respond.case_rows import case_from, columns_of, shortened
from shared.respond.messages import CaseMessage

_log = logging.getLogger("responder.ledger")

_FIRST_LEASE: Final = timedelta(seconds=30)
_OPENED_WITHIN: Final = timedelta(hours=1)
"""A case that is on the list and isn't there after this was never opened: its record is taken in again."""


_LATE: Final = timedelta(days=8)
"""How long after its event a case may be opened: the logs are read again for a week."""


LONGEST_BY: Final = 200
"""Characters of who said something."""

_BY_PEOPLE: Final = ("acknowledged_by", "acknowledged_at", "remarks")
"""What people write of a case, whoever holds its lease."""


class LeasedCase(Struct, frozen=True, kw_only=True):
    """A case whose lease this run holds, and its row as last written."""

    case: Case
    row: Row


class Ledger:
    """Table `Cases`, container `evidence` and queue `cases`."""

    def __init__(self, storage: Storage, evidence: Storage, *, clock: Clock, lease: timedelta) -> None:
        self._storage = storage
        self._lists = CaseLists(storage)
        self._evidence = evidence
        self._clock = clock
        self._lease = lease

    def open(self, detection: str, event: Event, record: bytes, *, one_by: tuple[str, ...] = ()) -> Case | None:
        """Open a case for an event that matches a detection; None when there is one already.

        `one_by` are values of the event's fields. With them, all events of a clock hour with the same values are one
        case, and the first one to arrive is its evidence.
        Raises EdgeError when one of the three writes fails; the caller must then process the record again.
        """
        if one_by:
            name = hour_id(event.tenant_id, detection, one_by, event.at)
            if self._find(event.tenant_id, name) is not None:
                return None
        else:
            name = case_id(event.tenant_id, detection, event)
        case = self._new_case(name, detection, event, record)
        self._evidence.keep(Container.EVIDENCE, case.record, record)
        # Most records of a log that is read again are known; a list must not name as open what was closed long ago.
        if not one_by and self._find(event.tenant_id, name) is not None:
            return None
        return case if self._insert_and_enqueue(case) else None

    def _insert_and_enqueue(self, case: Case) -> bool:
        """Write the row and the queue message of a new case; False when the row exists already."""
        self._lists.note(case)
        if not self._storage.insert(Table.CASES, _partition(case.tenant_id, case.id), case.id, columns_of(case)):
            return False
        self.enqueue(case)
        return True

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
            wrong_password=isinstance(event, SignInEvent) and event.is_wrong_password,
            lease_until=now + _FIRST_LEASE,
        )

    def enqueue(self, case: Case, *, delay: timedelta = timedelta()) -> None:
        """Put the case into the queue, to be answered after `delay`, and note that it is there."""
        message = msgspec.json.encode(CaseMessage(tenant_id=case.tenant_id, case_id=case.id))
        self._storage.enqueue(message.decode(), delay=delay)
        try:
            self._lists.note_queued(case, self._clock())
        except EdgeError as error:
            # It costs a second message, which finds nothing to do.
            _log.warning("that case %s is in the queue could not be noted: %s", case.id, error)

    @staticmethod
    def record_name(tenant_id: str, change_id: str, record: bytes) -> str:
        """Name the blob for the record of a change of a guarded object."""
        digest = hashlib.sha256(record).hexdigest()[:12]
        return f"{tenant_id}/changes/{change_id}/record-{digest}.json"

    def keep_before(self, object_id: ObjectId, intent_id: str, image: object) -> str:
        """Store an object as it stood before a write as evidence, None where it didn't exist; gives the blob's name."""
        name = self.before_name(object_id, intent_id)
        self._evidence.keep(Container.EVIDENCE, name, msgspec.json.encode(image))
        return name

    @staticmethod
    def before_name(object_id: ObjectId, intent_id: str) -> str:
        """Name the blob for an object as it stood before a write."""
        return f"{object_id.tenant_id}/objects/{object_id.kind}/{object_id.key}/before-{intent_id}.json"

    def before(self, name: str) -> Image | None:
        """Read an object as it stood before a write, None where it didn't exist. Raises EdgeError, Rejected if gone."""
        content = self._evidence.blob(Container.EVIDENCE, name)
        if content is None:
            raise Rejected(f"the state before is gone from the evidence: {name}")
        return msgspec.json.decode(content, type=Image | None)

    def open_change(self, case: Case) -> LeasedCase:
        """Open the case of a change of a guarded object, or give the one that there is.

        The caller holds the lease of the object's lane, and so needs none of the case.
        """
        row = self._find(case.tenant_id, case.id)
        if row is None:
            self._lists.note(case)
            partition = _partition(case.tenant_id, case.id)
            made = self._storage.inserted(Table.CASES, partition, case.id, columns_of(case))
            row = made or self._find(case.tenant_id, case.id)
        if row is None:
            raise Rejected(f"case {case.id} is gone")
        return LeasedCase(case=case_from(row), row=row)

    def claim(self, tenant_id: str, name: str) -> LeasedCase | None:
        """Take the lease of a case; None when it is closed or unknown, or another run's lease hasn't ended.

        None too for a case of a guarded object: that is answered with its object, under the lease of the object's lane.
        A case that was never claimed can always be claimed. The lease that it is opened with only keeps the resume
        timer from queueing it before whoever opens it has.
        """
        row = self._find(tenant_id, name)
        if row is None:
            return None
        case = case_from(row)
        now = self._clock()
        is_leased = case.attempts > 0 and case.lease_until is not None and case.lease_until > now
        if not case.is_open or is_leased or case.object_key:
            return None
        claimed = msgspec.structs.replace(case, attempts=case.attempts + 1, lease_until=now + self._lease)
        try:
            return LeasedCase(case=claimed, row=self._storage.replace(Table.CASES, row, columns_of(claimed)))
        except Conflict:
            return None

    def move(self, leased: LeasedCase, **changes: Any) -> LeasedCase:  # noqa: ANN401 - the fields of Case
        """Write changes of a case, renewing its lease.

        Raises:
            LeaseLost: another run has written the row since, so this one must stop.
        """
        changes.setdefault("lease_until", self._clock() + self._lease)
        case = msgspec.structs.replace(leased.case, **changes)
        try:
            row = self._storage.replace(Table.CASES, leased.row, columns_of(case))
        except Conflict as conflict:
            fresh = self._only_by_people(leased)
            if fresh is None:
                raise LeaseLost(f"case {case.id} was taken over by another run") from conflict
            return self.move(fresh, **changes)
        if not case.is_open:
            self._lists.close(case)
        return LeasedCase(case=case, row=row)

    def _only_by_people(self, leased: LeasedCase) -> LeasedCase | None:
        """Give the case with what people said of it, if nothing else of the row has changed; else None."""
        row = self._find(leased.case.tenant_id, leased.case.id)
        if row is None:
            return None
        theirs, ours = case_from(row), case_from(leased.row)
        said = {name: getattr(theirs, name) for name in _BY_PEOPLE}
        if theirs != msgspec.structs.replace(ours, **said):
            return None
        return LeasedCase(case=msgspec.structs.replace(leased.case, **said), row=row)

    def acknowledge(self, case: Case, *, by: str) -> Case:
        """Store who acknowledged a case. The first acknowledgement stays. Raises as `say`."""
        at = self._clock()
        return self.say(
            case,
            lambda stored: (
                stored
                if stored.acknowledged_at is not None
                else msgspec.structs.replace(stored, acknowledged_by=shortened(by, LONGEST_BY), acknowledged_at=at)
            ),
        )

    def say(self, case: Case, change: Callable[[Case], Case]) -> Case:
        """Store what a person says of a case, as `change` makes it of what is stored; needs no lease.

        Raises:
            LeaseLost: the row was written at the same time; try again.
            Rejected: there is no such case.
        """
        row = self._find(case.tenant_id, case.id)
        if row is None:
            raise Rejected(f"case {case.id} is gone")
        stored = case_from(row)
        said = change(stored)
        if said == stored:
            return stored
        try:
            self._storage.replace(Table.CASES, row, columns_of(said))
        except Conflict as conflict:
            raise LeaseLost(f"case {case.id} was written at the same time") from conflict
        return said

    def keep_copy(self, name: str, content: bytes) -> None:
        """Store something that belongs to no case beside the evidence; a blob that exists is kept."""
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

    def begin_with(self, tenant_id: str, beginning: str, *, most: int) -> list[Case]:
        """Give at most `most` cases of a tenant whose ids begin so; `beginning` is the day at least."""
        rows = self._storage.rows(
            Table.CASES,
            "PartitionKey eq @day and RowKey ge @first and RowKey lt @last",
            most=most,
            day=_partition(tenant_id, beginning),
            first=beginning,
            last=f"{beginning}~",
        )
        return [case_from(row) for row in rows]

    def unfinished(self, tenant_id: str, *, unreadable: Callable[[Row], None]) -> Iterator[Case]:
        """Give the open cases of a tenant whose lease has ended and of which no message waits in the queue.

        `unreadable` is told of rows that can't be read. Cases of guarded objects aren't among them: their objects are
        noted as due.
        """
        now = self._clock()

        def unqueued(listed: Listed) -> Case | None:
            case = self._open_case(tenant_id, listed, unreadable)
            return case if case and not listed.is_queued(case, now) else None

        cases = each(
            (listed for listed in self._lists.open(tenant_id) if not listed.is_of_object),
            unqueued,
            failed=lambda listed: f"case {listed.id} can't be read, and nobody could be told",
            log=_log,
        )
        return (case for case in cases if case and (case.lease_until is None or case.lease_until <= now))

    def cases(
        self, tenant_id: str, *, only_open: bool = False, most: int = 0, since: datetime | None = None
    ) -> list[Case]:
        """Read at most `most` cases of a tenant (0: all), newest first; of events since an instant, where it is given.

        Of open ones, those that were opened last. However many cases there are, only those are read that are given.
        """
        if only_open:
            found = (self._open_case(tenant_id, listed, _raise) for listed in self._lists.last_opened(tenant_id))
        else:
            names = self._lists.newest(tenant_id, most=most, since=since)
            found = (self.case(tenant_id, name) for name in names)
        cases = (case for case in found if case and (since is None or case.at >= since))
        return sorted(islice(cases, most or None), key=lambda case: case.at, reverse=True)

    def newest(
        self, tenant_id: str, *, most: int, since: datetime | None = None, after: Case | None = None
    ) -> list[str]:
        """Name at most `most` cases of a tenant, the newest events first, as `CaseLists.newest`."""
        return self._lists.newest(tenant_id, most=most, since=since, after=after)

    def last_opened(self, tenant_id: str, *, most: int) -> list[str]:
        """Name at most `most` cases of a tenant that are listed as open, those that were opened last in front."""
        return [listed.id for listed in self._lists.last_opened(tenant_id)[:most]]

    def each_case(self, tenant_id: str, *, since: datetime, unreadable: Callable[[Row], None]) -> Iterator[Case]:
        """Give the cases of a tenant whose events were at `since` or later, the newest first, reading one at a time.

        `unreadable` is called with the rows that can't be read.
        """
        for name in self._lists.newest(tenant_id, most=0, since=since):
            row = self._find(tenant_id, name)
            case = None if row is None else _case_or_report(row, unreadable)
            if case is not None and case.at >= since:
                yield case

    def recorded(
        self, tenant_id: str, *, since: datetime, until: datetime, unreadable: Callable[[Row], None]
    ) -> Iterator[Case]:
        """Give the cases of a tenant that were closed after `since`, up to `until`, and only recorded; in no order.

        Their events may be up to `_LATE` older. `unreadable` is called with the rows that can't be read.
        """
        first = (since - _LATE).date()
        for number in range((until.date() - first).days + 1):
            day = f"{tenant_id}|{first + timedelta(days=number):%Y%m%d}"
            query = "PartitionKey eq @day and decision eq 'record' and open eq false"
            for row in (row for page in self._storage.pages(Table.CASES, query, day=day) for row in page):
                case = _case_or_report(row, unreadable)
                if case is not None and case.closed_at is not None and since < case.closed_at <= until:
                    yield case

    @property
    def evidence(self) -> Storage:
        """The storage account that keeps evidence."""
        return self._evidence

    def _open_case(self, tenant_id: str, listed: Listed, unreadable: Callable[[Row], None]) -> Case | None:
        """Read a case that is listed as open; None, and off the list, where it is closed or never was opened."""
        row = self._find(tenant_id, listed.id)
        case = _case_or_report(row, unreadable) if row is not None else None
        is_done = case is not None and not case.is_open
        is_nothing = row is None and (listed.since is None or self._clock() > listed.since + _OPENED_WITHIN)
        if is_done or is_nothing:
            self._lists.remove(listed)
        return case if case is not None and case.is_open else None

    def _find(self, tenant_id: str, name: str) -> Row | None:
        return self._storage.row(Table.CASES, _partition(tenant_id, name), name)


def _raise(row: Row) -> None:
    raise Rejected(f"the row of case {row.key} can't be read")


def _case_or_report(row: Row, unreadable: Callable[[Row], None]) -> Case | None:
    try:
        return case_from(row)
    except (msgspec.MsgspecError, KeyError) as reason:
        _log.warning("the row of case %s can't be read: %s", row.key, reason)
        unreadable(row)
        return None


def _partition(tenant_id: str, name: str) -> str:
    return f"{tenant_id}|{name.partition('-')[0]}"
