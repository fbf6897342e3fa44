"""The audit stream: whatever form a batch has and whatever fails, each record is taken in once or kept."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, permutations
from random import Random
from typing import Final

import pytest

from infra.local.world import B2C_TENANT, MALLORY
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE, Container, Table
from shared.detect.fields import SignIn
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.stream import TRIES, Arrival, Arrivals, arrivals, take_in_stream
from shared.model.detections import Burst
from shared.model.errors import EdgeError, Rejected, Unreachable
from shared.model.kinds import Image
from shared.respond.object_intake import NOTED_FOR
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import Lamps, bell_record, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, ready_bench
from tests.fakes.sign_ins import ACCOUNTS, failures, sign_in
from tests.fakes.spoilt_storage import SpoiltStorage

BURST: Final = failures(counted=Burst(at_least=3, within=timedelta(minutes=10), by=SignIn.account))


def _wrapped(record: Image, tenant_id: str = TENANT, **differences: object) -> Image:
    """Wrap a record of Graph's as diagnostic settings stream it: their own time, another spelling of UTC."""
    is_audit = "activityDisplayName" in record
    time = "activityDateTime" if is_audit else "createdDateTime"
    return {
        "time": NOW.isoformat(),
        "resourceId": f"/tenants/{tenant_id}/providers/Microsoft.aadiam",
        "operationName": record.get("activityDisplayName", "Sign-in activity"),
        "category": "AuditLogs" if is_audit else "NonInteractiveUserSignInLogs",
        "tenantId": tenant_id,
        "correlationId": record["correlationId"],
        "properties": record | {time: record[time].replace("Z", "+00:00")},
    } | differences


def _batch(*records: object) -> bytes:
    return json.dumps({"records": records}).encode()


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


_FORMS: Final[dict[str, Callable[[list[Image]], list[bytes]]]] = {
    "an envelope": lambda records: [_batch(*records)],
    "an envelope each": lambda records: [_batch(record) for record in records],
    "a list": lambda records: [json.dumps(records).encode()],
    "one each": lambda records: [json.dumps(record).encode() for record in records],
    "lines": lambda records: [b"\n".join(json.dumps(record).encode() for record in records)],
    "one after another": lambda records: [b"".join(json.dumps(record).encode() for record in records)],
    "an envelope that is cut short": lambda records: [_batch(*records)[:-2]],
}


@pytest.mark.parametrize("form", _FORMS)
def test_each_record_of_every_form_is_taken_in(streamed: Streamed, form: str) -> None:
    records = [_wrapped(bell_record(at=NOW - number * A_MINUTE)) for number in range(3)]
    streamed.take_in(*_FORMS[form](records))
    assert len(streamed.cases) == 3


def test_records_of_two_tenants_in_a_batch_are_each_their_tenants(streamed: Streamed) -> None:
    mixed = [_wrapped(bell_record(at=NOW - number * A_MINUTE), (TENANT, B2C_TENANT)[number % 2]) for number in range(4)]
    for record in mixed[2:]:
        del record["tenantId"]  # then its resource's id says it
    streamed.take_in(_batch(*mixed))
    assert [len(streamed.bench.cases(tenant)) for tenant in (TENANT, B2C_TENANT)] == [2, 2]


def test_a_record_that_can_not_be_read_is_kept_and_the_others_are_taken_in(streamed: Streamed) -> None:
    streamed.take_in(_batch(_wrapped(bell_record()), {"what": "is this"}), b"\xff not JSON", b"")
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
                streamed.take_in(_batch(_wrapped(record), _wrapped(record)))
            case _:
                streamed.bench.storage.enqueue(json.dumps(_wrapped(record)).encode(), queue=RESOURCE_EVENTS_QUEUE)
                streamed.deliver()
        assert len(streamed.cases) == 1


@pytest.mark.parametrize("ways", [*permutations(("poll", "stream"))], ids=" ".join)
def test_copies_of_a_record_count_once(memory: MemoryStorage, ways: Iterable[str]) -> None:
    ready = ready_bench(memory, detections=(BURST,))
    streamed = Streamed(bench=ready, arrived=Arrivals(memory))
    records = [sign_in(number, at=NOW - number * A_MINUTE, account=ACCOUNTS[0]) for number in range(3)]
    for way in ways:
        for record in records[:2]:
            _ = ready.take_in(record) if way == "poll" else streamed.take_in(_batch(_wrapped(record)))
    assert not ready.cases()
    streamed.take_in(_batch(_wrapped(records[2])))
    assert len(ready.cases()) == 1


_AWAY: Final = ("insert Cases", "keep evidence", "enqueue", "insert Changes")


@pytest.mark.parametrize("operation", _AWAY)
@pytest.mark.parametrize("how", ["before", "after"])
def test_while_storage_is_away_the_checkpoint_stays_and_nothing_is_kept_twice(
    streamed: Streamed, operation: str, how: str
) -> None:
    batch = _batch(_wrapped(bell_record()), _wrapped(lamp_record(MALLORY)))
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
            streamed.take_in(_batch(_wrapped(bell_record())), tries=tries)


@pytest.mark.parametrize("failure", [Rejected, KeyError], ids=["an answer", "a mistake of ours"])
@pytest.mark.parametrize("place", range(3))
def test_a_record_that_fails_every_time_is_tried_later_and_holds_up_nothing(
    streamed: Streamed, failure: type[Exception], place: int
) -> None:
    records = [_wrapped(bell_record(at=NOW - number * A_MINUTE)) for number in range(3)]
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
    streamed.take_in_at_last(_batch(*records))
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
    record = _wrapped(bell_record(), **differences)
    if "padding" not in differences:
        record["resourceId"] = None
    streamed.take_in_at_last(_batch(record))
    assert streamed.bench.storage.queue_length(RESOURCE_EVENTS_QUEUE) == 0
    assert streamed.quarantined == 1


def _forms_of(chance: Random, records: list[Image]) -> Iterator[bytes]:
    """Put records into events of any size and form, as they come."""
    forms = [*_FORMS.values()]
    while records:
        size = chance.randint(1, 40)
        yield from chance.choice(forms)(records[:size])
        records = records[size:]


@pytest.mark.parametrize("ways", [("stream",), ("stream", "poll")], ids=" and ".join)
@pytest.mark.parametrize("seed", range(3))
def test_every_planted_change_is_one_case_whatever_happens_on_the_way(
    memory: MemoryStorage, ways: tuple[str, ...], seed: int
) -> None:
    """Of 1,000 records some come twice, out of order and late; storage fails, and the host is killed in between."""
    chance = Random(seed)  # noqa: S311 - a story, not a secret
    lamps = Lamps()
    ready = ready_bench(SpoiltStorage(memory), lamps=lamps, detections=(lamps.bell(),))
    streamed = Streamed(bench=ready, arrived=Arrivals(memory))
    planted = [bell_record(at=NOW - number * timedelta(seconds=37)) for number in range(25)]
    others = [
        bell_record(activityDisplayName=f"Activity {number % 7}", at=NOW - number * timedelta(seconds=1))
        for number in range(975)
    ]
    come = [*planted, *others]
    come += chance.sample(come, 50)
    chance.shuffle(come)
    storage = ready.storage
    assert isinstance(storage, SpoiltStorage)
    storage.faults.spoil = lambda _operation: chance.choice(["before", "after"]) if chance.random() < 0.02 else ""
    bodies = [*_forms_of(chance, [_wrapped(record) for record in come])]
    while bodies:
        batch, bodies = bodies[:4], bodies[4:]
        for tries in count():
            try:
                streamed.take_in(*batch, tries=tries)
            except EdgeError:
                continue
            break
        if chance.random() < 0.2:
            bodies = [*batch, *bodies]  # it was killed before its checkpoint
    storage.faults.heal()
    if "poll" in ways:
        ready.take_in(*come)
    streamed.deliver()
    streamed.deliver()
    assert len(streamed.cases) == len(planted)
    assert len({case.at for case in ready.cases()}) == len(planted)


def test_arrivals_are_noted_by_tenant_and_category_once_a_minute(streamed: Streamed) -> None:
    storage, clock = streamed.bench.storage, streamed.bench.clock
    late = _wrapped(bell_record(), time=(NOW - timedelta(minutes=3)).isoformat())
    later = _wrapped(bell_record(), time=(NOW - timedelta(minutes=7)).isoformat())
    unreadable = {"tenantId": B2C_TENANT, "category": "A/B#C", "time": "soon"}
    streamed.take_in(_batch(late, later, unreadable))
    found = {(one.tenant_id, one.category): one for one in arrivals(storage)}
    assert found == {
        (TENANT, "AuditLogs"): Arrival(
            tenant_id=TENANT, category="AuditLogs", at=clock(), late=clock() - NOW + timedelta(minutes=3)
        ),
        (B2C_TENANT, "ABC"): Arrival(tenant_id=B2C_TENANT, category="ABC", at=clock()),
    }
    first = clock()
    clock.move(timedelta(seconds=59))
    streamed.take_in(_batch(late))
    assert {one.at for one in arrivals(storage)} == {first}
    clock.move(timedelta(seconds=2))
    streamed.take_in(_batch(late))
    assert {one.at for one in arrivals(storage) if one.tenant_id == TENANT} == {clock()}


def test_that_arrivals_can_not_be_noted_stops_nothing(memory: MemoryStorage, streamed: Streamed) -> None:
    spoilt = SpoiltStorage(memory)
    spoilt.faults.fail("upsert Cursors")
    take_in_stream(streamed.bench.runtime, [_batch(_wrapped(bell_record()))], Arrivals(spoilt), tries=0)
    assert len(streamed.cases) == 1
    assert not memory.rows(Table.CURSORS, "PartitionKey eq 'stream'")
