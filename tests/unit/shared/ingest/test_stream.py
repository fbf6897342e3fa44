"""The audit stream: whatever form a batch has and whatever fails, each record is taken in once or kept."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Final

import pytest

from infra.local.world import B2C_TENANT, MALLORY
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE, Container, Table
from shared.detect.fields import SignIn
from shared.ingest.deaths import forget_old
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.intake import Intake, take_in
from shared.ingest.stream import (
    DEATHS,
    DEATHS_OF_ONE,
    TRIES,
    Arrival,
    Arrivals,
    arrivals,
    stream_lateness,
    take_in_stream,
)
from shared.model.detections import Burst
from shared.model.errors import EdgeError, Rejected, Unreachable
from shared.model.kinds import Image
from shared.respond.components import Runtime
from shared.respond.object_intake import NOTED_FOR
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import Lamps, bell_record, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, ready_bench
from tests.fakes.sign_ins import ACCOUNTS, failures, sign_in
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.streams import FORMS, batch_of, wrapped

BURST: Final = failures(counted=Burst(at_least=3, within=timedelta(minutes=10), by=SignIn.account))


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A machine, and the notes of what arrives at it."""

    bench: Bench
    arrived: Arrivals

    def take_in(self, *bodies: bytes, tries: int = 0) -> None:
        take_in_stream(self.bench.runtime, bodies, self.arrived, tries=tries)

    def take_in_at_last(self, *bodies: bytes) -> None:
        """Do as the host does: give the batch until it is taken in, with the last of the tries."""
        for tries in range(TRIES):
            with pytest.raises((EdgeError, KeyError)):
                self.take_in(*bodies, tries=tries)
        self.take_in(*bodies, tries=TRIES)

    def deliver(self) -> None:
        """Take in what was kept in the queue of events."""
        storage = self.bench.storage
        for message in storage.take_messages(RESOURCE_EVENTS_QUEUE, most=100, hidden_for=A_MINUTE):
            take_in_delivery(self.bench.runtime, message.body)
            storage.delete_message(message)

    @property
    def cases(self) -> list[str]:
        self.bench.answer_all()
        return sorted(case.detection for case in self.bench.cases())

    @property
    def quarantined(self) -> int:
        return len(self.bench.storage.blob_names(Container.QUARANTINE, ""))


@pytest.fixture
def streamed(memory: MemoryStorage) -> Streamed:
    lamps = Lamps()
    ready = ready_bench(SpoiltStorage(memory), lamps=lamps, detections=(lamps.detection(), lamps.bell()))
    return Streamed(bench=ready, arrived=Arrivals(memory))


@pytest.mark.parametrize("form", FORMS)
def test_each_record_of_every_form_is_taken_in(streamed: Streamed, form: str) -> None:
    records = [wrapped(bell_record(at=NOW - number * A_MINUTE)) for number in range(3)]
    streamed.take_in(*FORMS[form](records))
    assert len(streamed.cases) == 3


def test_records_of_two_tenants_in_a_batch_are_each_their_tenants(streamed: Streamed) -> None:
    mixed = [wrapped(bell_record(at=NOW - number * A_MINUTE), (TENANT, B2C_TENANT)[number % 2]) for number in range(4)]
    for record in mixed[2:]:
        del record["tenantId"]  # then its resource's id says it
    streamed.take_in(batch_of(*mixed))
    assert [len(streamed.bench.cases(tenant)) for tenant in (TENANT, B2C_TENANT)] == [2, 2]


def test_a_record_that_can_not_be_read_is_kept_and_the_others_are_taken_in(streamed: Streamed) -> None:
    streamed.take_in(batch_of(wrapped(bell_record()), {"what": "is this"}), b"\xff not JSON", b"")
    assert len(streamed.cases) == 1
    assert streamed.quarantined == 2


_WAYS: Final = ("poll", "stream", "queue")


@pytest.mark.parametrize("record", [lamp_record(MALLORY), bell_record(MALLORY)], ids=["of an object", "of a case"])
@pytest.mark.parametrize("ways", [*permutations(_WAYS), *permutations(_WAYS, 2), ("stream", "stream")], ids=" ".join)
def test_copies_of_a_record_are_one_change_by_whichever_ways(
    streamed: Streamed, record: Image, ways: Iterable[str]
) -> None:
    for way in ways:
        match way:
            case "poll":
                streamed.bench.take_in(record)
            case "stream":
                streamed.take_in(batch_of(wrapped(record), wrapped(record)))
            case _:
                streamed.bench.storage.enqueue(json.dumps(wrapped(record)).encode(), queue=RESOURCE_EVENTS_QUEUE)
                streamed.deliver()
        assert len(streamed.cases) == 1


@pytest.mark.parametrize("ways", [*permutations(("poll", "stream"))], ids=" ".join)
def test_copies_of_a_record_count_once(memory: MemoryStorage, ways: Iterable[str]) -> None:
    ready = ready_bench(memory, detections=(BURST,))
    streamed = Streamed(bench=ready, arrived=Arrivals(memory))
    records = [sign_in(number, at=NOW - number * A_MINUTE, account=ACCOUNTS[0]) for number in range(3)]
    for way in ways:
        for record in records[:2]:
            _ = ready.take_in(record) if way == "poll" else streamed.take_in(batch_of(wrapped(record)))
    assert not ready.cases()
    streamed.take_in(batch_of(wrapped(records[2])))
    assert len(ready.cases()) == 1


_AWAY: Final = ("insert Cases", "keep evidence", "enqueue", "insert Changes")


@pytest.mark.parametrize("operation", _AWAY)
@pytest.mark.parametrize("how", ["before", "after"])
def test_while_storage_is_away_the_checkpoint_stays_and_nothing_is_kept_twice(
    streamed: Streamed, operation: str, how: str
) -> None:
    batch = batch_of(wrapped(bell_record()), wrapped(lamp_record(MALLORY)))
    storage = streamed.bench.storage
    assert isinstance(storage, SpoiltStorage)
    storage.faults.fail(operation, how=how)
    for tries in range(TRIES):
        try:
            streamed.take_in(batch, tries=tries)
        except EdgeError:
            continue
    storage.faults.heal()
    streamed.take_in(batch, tries=TRIES)
    streamed.bench.clock.move(NOTED_FOR)
    resume(streamed.bench.runtime)  # as the timer does: of an object's change it may only be noted that it is due
    assert len(streamed.cases) == 2
    assert not streamed.quarantined


def test_without_any_storage_the_checkpoint_never_moves(streamed: Streamed) -> None:
    storage = streamed.bench.storage
    assert isinstance(storage, SpoiltStorage)
    storage.faults.spoil = lambda _operation: "before"
    for tries in (0, TRIES, 100):
        with pytest.raises(Unreachable):
            streamed.take_in(batch_of(wrapped(bell_record())), tries=tries)


@pytest.mark.parametrize("failure", [Rejected, KeyError], ids=["an answer", "a mistake of ours"])
@pytest.mark.parametrize("place", range(3))
def test_a_record_that_fails_every_time_is_tried_later_and_holds_up_nothing(
    streamed: Streamed, failure: type[Exception], place: int
) -> None:
    records = [wrapped(bell_record(at=NOW - number * A_MINUTE)) for number in range(3)]
    bad = str(records[place]["properties"]["id"])
    storage = streamed.bench.storage
    assert isinstance(storage, SpoiltStorage)
    kept = storage.inner.keep
    spoilt: set[str] = set()

    def keep(container: Container, name: str, content: bytes, **rest: dict[str, str]) -> bool:
        if bad.encode() in content and "healed" not in spoilt:
            raise failure("it is refused")
        return kept(container, name, content, **rest)

    storage.inner.keep = keep  # pyright: ignore[reportAttributeAccessIssue] - one record's evidence is refused
    streamed.take_in_at_last(batch_of(*records))
    assert len(streamed.cases) == 2
    assert storage.queue_length(RESOURCE_EVENTS_QUEUE) == 1
    spoilt.add("healed")
    streamed.deliver()
    assert len(streamed.cases) == 3
    assert not streamed.quarantined


@pytest.mark.parametrize(
    "differences",
    [{"tenantId": None, "resourceId": None}, {"tenantId": "contoso"}, {"padding": "x" * 60_000}],
    ids=["of no tenant", "of something else", "too long for a queue"],
)
def test_what_can_not_be_tried_from_the_queue_is_in_the_quarantine(
    streamed: Streamed, monkeypatch: pytest.MonkeyPatch, differences: Image
) -> None:
    """The queue's function takes a record without a tenant for one of the workforce tenant."""

    def refuse(*_rest: object, **_named: object) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("shared.ingest.stream.take_in", refuse)
    record = wrapped(bell_record(), **differences)
    if "padding" not in differences:
        record["resourceId"] = None
    streamed.take_in_at_last(batch_of(record))
    assert streamed.bench.storage.queue_length(RESOURCE_EVENTS_QUEUE) == 0
    assert streamed.quarantined == 1


class Killed(BaseException):
    """The process died: nothing in it is done any more."""


@pytest.mark.parametrize("bad", [{2}, {0, 4}, {0, 1, 2, 3, 4}], ids=["one", "two", "all"])
@pytest.mark.parametrize("is_each_an_event", [True, False], ids=["each an event", "one event"])
def test_what_kills_the_process_is_set_aside_with_its_bytes_and_holds_up_nothing(
    streamed: Streamed, monkeypatch: pytest.MonkeyPatch, bad: set[int], *, is_each_an_event: bool
) -> None:
    """Each time the host knows nothing of the times before: it died too, or the batch went to another one."""
    records = [wrapped(bell_record(at=NOW - number * A_MINUTE)) for number in range(5)]
    killers = [str(records[number]["properties"]["id"]).encode() for number in bad]

    def die(runtime: Runtime, raw: bytes, *, tenant_id: str) -> Intake:
        if any(killer in raw for killer in killers):
            raise Killed
        return take_in(runtime, raw, tenant_id=tenant_id)

    monkeypatch.setattr("shared.ingest.stream.take_in", die)
    batch = [batch_of(record) for record in records] if is_each_an_event else [batch_of(*records)]
    for _ in range(DEATHS + DEATHS_OF_ONE * len(bad) + 1):
        with suppress(Killed):
            streamed.take_in(*batch)
            break
    else:
        raise AssertionError("it goes on for ever")
    assert (len(streamed.cases), streamed.quarantined) == (len(records) - len(bad), len(bad))
    (notice,) = streamed.bench.teams.system_notices
    assert "the app died" in notice.text
    notes = [*streamed.bench.storage.rows(Table.CURSORS, "PartitionKey eq 'begun'")]
    assert len(notes) == len(bad)
    forget_old(streamed.bench.storage, now=NOW + timedelta(days=4))
    assert not [*streamed.bench.storage.rows(Table.CURSORS, "PartitionKey eq 'begun'")]


def test_an_event_whose_very_cutting_kills_is_set_aside_whole(
    streamed: Streamed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_body: bytes) -> None:
        raise Killed

    monkeypatch.setattr("shared.ingest.stream._parts", die)
    deaths = 0
    while True:
        try:
            streamed.take_in(batch_of(wrapped(bell_record())))
        except Killed:
            deaths += 1
            continue
        break
    assert deaths == DEATHS + DEATHS_OF_ONE
    assert streamed.quarantined == 1


def test_whoever_dies_for_another_reason_has_nothing_set_aside(
    streamed: Streamed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deployments end processes in the middle of batches: the first deaths only make it look more carefully."""
    alive = Random(1)  # noqa: S311 - a story, not a secret

    def die(runtime: Runtime, raw: bytes, *, tenant_id: str) -> Intake:
        if alive.random() < 0.15:
            raise Killed
        return take_in(runtime, raw, tenant_id=tenant_id)

    monkeypatch.setattr("shared.ingest.stream.take_in", die)
    for number in range(20):
        batch = [batch_of(wrapped(bell_record(at=NOW - (5 * number + each) * A_MINUTE))) for each in range(5)]
        while True:
            with suppress(Killed):
                streamed.take_in(*batch)
                break
    assert len(streamed.cases) == 100
    assert not streamed.quarantined


def test_arrivals_are_noted_by_tenant_and_category_once_a_minute(streamed: Streamed) -> None:
    storage, clock = streamed.bench.storage, streamed.bench.clock
    late = wrapped(bell_record(), time=(NOW - timedelta(minutes=3)).isoformat())
    later = wrapped(bell_record(), time=(NOW - timedelta(minutes=7)).isoformat())
    unreadable = {"tenantId": B2C_TENANT, "category": "A/B#C", "time": "soon"}
    streamed.take_in(batch_of(late, later, unreadable))
    found = {(one.tenant_id, one.category): one for one in arrivals(storage)}
    assert found == {
        (TENANT, "AuditLogs"): Arrival(
            tenant_id=TENANT, category="AuditLogs", at=clock(), late=clock() - NOW + timedelta(minutes=3)
        ),
        (B2C_TENANT, "ABC"): Arrival(tenant_id=B2C_TENANT, category="ABC", at=clock()),
    }
    first = clock()
    clock.move(timedelta(seconds=59))
    streamed.take_in(batch_of(late))
    assert {one.at for one in arrivals(storage)} == {first}
    clock.move(timedelta(seconds=2))
    streamed.take_in(batch_of(late))
    assert {one.at for one in arrivals(storage) if one.tenant_id == TENANT} == {clock()}


@pytest.mark.parametrize(
    "time", ["0999-01-01T00:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "", None, 7, ["soon"]]
)
def test_a_record_whose_envelope_has_an_odd_time_holds_up_nothing(streamed: Streamed, time: object) -> None:
    streamed.take_in(batch_of(wrapped(bell_record(), time=time), wrapped(bell_record(at=NOW - A_MINUTE))))
    assert len(streamed.cases) + streamed.quarantined == 2
    assert [one.category for one in arrivals(streamed.bench.storage)] == ["AuditLogs"]


def test_how_late_the_stream_is_is_counted_from_its_first_minute_on(streamed: Streamed) -> None:
    clock, storage = streamed.bench.clock, streamed.bench.storage
    for minutes in (0, 10, 4):
        clock.move(20 * A_MINUTE)
        time = (clock() - minutes * A_MINUTE).isoformat()
        streamed.take_in(batch_of(*[wrapped(bell_record(at=clock()), time=time)] * 3))
    lateness = stream_lateness(storage, now=clock())[TENANT, "AuditLogs"]
    assert (lateness.p50, lateness.p99, lateness.records) == (5 * A_MINUTE, 10 * A_MINUTE, 9)


def test_that_arrivals_can_not_be_noted_stops_nothing(memory: MemoryStorage, streamed: Streamed) -> None:
    spoilt = SpoiltStorage(memory)
    spoilt.faults.fail("upsert Cursors")
    take_in_stream(streamed.bench.runtime, [batch_of(wrapped(bell_record()))], Arrivals(spoilt), tries=0)
    assert len(streamed.cases) == 1
    assert not memory.rows(Table.CURSORS, "PartitionKey eq 'stream'")
