"""What failed every time comes back, is told, and is kept in the end; a run that is killed loses nothing."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import SUBSCRIPTION
from responders.catalogue import CATALOGUE
from responders.detections.samples import event_grid_record
from shared.clients.storage import Storage
from shared.clients.storage_names import CASES_QUEUE, QUEUES, RESOURCE_EVENTS_QUEUE, Container, Table, poison_queue
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.poison import GAPS, Replayed, description_of, play_again
from shared.model.errors import EdgeError, Rejected
from shared.respond.pipeline import answer
from tests.fakes.lamps import Lamps, bell_record, lamp_record
from tests.fakes.memory_storage import MemoryStorage, Queued
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_EACH_QUEUE: Final = pytest.mark.parametrize("queue", QUEUES)
_BODIES: Final = {
    CASES_QUEUE: b'{"tenant_id":"t","case_id":"20260302-c0ffee"}',
    RESOURCE_EVENTS_QUEUE: b'{"id":"7","subject":"/subscriptions/s/x","data":{}}',
}


_OBJECT: Final = b'{"about":"object","id":{"tenant_id":"t","kind":"ca-policy","key":"c0ffee"},"tenants_id":"1a3b"}'


def _poison(memory: MemoryStorage, queue: str, body: bytes) -> None:
    memory.enqueue(body, queue=poison_queue(queue))


def _host_gives_up(memory: MemoryStorage, queue: str) -> None:
    """Play the host: take what is in a queue and move it aside, as it does after so many tries."""
    memory.reveal()
    for message in memory.take_messages(queue, most=99, hidden_for=A_MINUTE):
        _poison(memory, queue, message.body)
        memory.delete_message(message)


def _waiting(memory: MemoryStorage, queue: str) -> list[tuple[bytes, timedelta]]:
    return [(one.body, one.delay) for one in memory.queues[queue]]


@_EACH_QUEUE
def test_a_message_is_put_back_and_told_of(memory: MemoryStorage, queue: str) -> None:
    made = bench(memory)
    _poison(memory, queue, _BODIES[queue])
    assert play_again(made.runtime) == Replayed(again=1)
    assert _waiting(memory, queue) == [(_BODIES[queue], GAPS[0])]
    assert memory.queue_length(poison_queue(queue)) == 0
    (system_notice,) = made.teams.system_notices
    assert description_of(queue, _BODIES[queue]) in system_notice.text
    assert made.pagerduty.system_notices == [system_notice]


@pytest.mark.parametrize("broken", [{"last_at": "yesterday"}, {"times": "often"}])
def test_a_message_whose_count_is_broken_is_put_back_and_counted_anew(
    memory: MemoryStorage, broken: dict[str, str]
) -> None:
    made = bench(memory)
    _poison(memory, CASES_QUEUE, _BODIES[CASES_QUEUE])
    play_again(made.runtime)
    (row,) = memory.rows(Table.CURSORS, "PartitionKey eq 'played-again'")
    memory.upsert(Table.CURSORS, row.partition, row.key, row.columns | broken)
    _host_gives_up(memory, CASES_QUEUE)
    assert play_again(made.runtime) == Replayed(again=1)
    (row,) = memory.rows(Table.CURSORS, "PartitionKey eq 'played-again'")
    assert (row.columns["times"], row.instant("last_at")) == (1, made.clock())


def test_empty_poison_queues_are_no_news(memory: MemoryStorage) -> None:
    made = bench(memory)
    assert play_again(made.runtime) == Replayed()
    assert made.teams.system_notices == []


def test_each_queue_is_told_of_once_an_hour(memory: MemoryStorage) -> None:
    made = bench(memory)
    for _ in range(3):
        for queue in QUEUES:
            _poison(memory, queue, _BODIES[queue])
        play_again(made.runtime)
        made.clock.move(timedelta(minutes=9))
    assert len(made.teams.system_notices) == len({one.title for one in made.teams.system_notices}) == len(QUEUES)
    made.clock.move(timedelta(hours=1))
    _poison(memory, CASES_QUEUE, b"another")
    play_again(made.runtime)
    assert len(made.teams.system_notices) == len(QUEUES) + 1


@_EACH_QUEUE
def test_it_waits_longer_each_time_and_is_kept_after_the_last(memory: MemoryStorage, queue: str) -> None:
    made = bench(memory)
    _poison(memory, queue, _BODIES[queue])
    for gap in GAPS:
        assert play_again(made.runtime) == Replayed(again=1)
        assert _waiting(memory, queue) == [(_BODIES[queue], gap)]
        made.clock.move(gap)
        _host_gives_up(memory, queue)
    assert sorted(GAPS) == list(GAPS)
    assert timedelta(hours=12) < sum(GAPS, timedelta()) < timedelta(days=1), "a page says: the last time within a day"
    assert play_again(made.runtime) == Replayed(given_up=1)
    assert _waiting(memory, queue) == _waiting(memory, poison_queue(queue)) == []
    (name,) = memory.blob_names(Container.QUARANTINE, "")
    assert memory.blob(Container.QUARANTINE, name) == _BODIES[queue]
    last = made.teams.system_notices[-1]
    assert name in last.text
    assert "are not tried again" in last.title


def test_other_messages_have_tries_of_their_own(memory: MemoryStorage) -> None:
    made = bench(memory)
    _poison(memory, CASES_QUEUE, b"1")
    play_again(made.runtime)
    _host_gives_up(memory, CASES_QUEUE)
    _poison(memory, CASES_QUEUE, b"2")
    _poison(memory, RESOURCE_EVENTS_QUEUE, b"1")
    play_again(made.runtime)
    assert _waiting(memory, CASES_QUEUE) == [(b"1", GAPS[1]), (b"2", GAPS[0])]
    assert _waiting(memory, RESOURCE_EVENTS_QUEUE) == [(b"1", GAPS[0])]


def test_what_failed_long_ago_begins_anew_and_leaves_no_row(memory: MemoryStorage) -> None:
    made = bench(memory)
    _poison(memory, CASES_QUEUE, b"1")
    play_again(made.runtime)
    made.clock.move(timedelta(days=4))
    _host_gives_up(memory, CASES_QUEUE)
    play_again(made.runtime)
    assert _waiting(memory, CASES_QUEUE) == [(b"1", GAPS[0])]
    made.clock.move(timedelta(days=4))
    _poison(memory, CASES_QUEUE, b"2")
    play_again(made.runtime)
    assert len(memory.rows(Table.CURSORS, "PartitionKey eq 'played-again'")) == 1


def test_a_message_that_is_no_base64_is_put_back_at_once_as_one(memory: MemoryStorage) -> None:
    """The host moves it aside without trying it, so its way through the poison queue is its ordinary way."""
    made = bench(memory)
    for _ in range(2 * len(GAPS)):
        memory.queues[poison_queue(RESOURCE_EVENTS_QUEUE)].append(Queued(body=b'{"id":"7"}', is_encoded=False))
        assert play_again(made.runtime) == Replayed(again=1)
        made.clock.move(A_MINUTE)
    assert _waiting(memory, RESOURCE_EVENTS_QUEUE) == [(b'{"id":"7"}', timedelta())] * (2 * len(GAPS))
    assert [one.title for one in made.teams.system_notices] == [
        f"Messages of queue {RESOURCE_EVENTS_QUEUE} are processed a minute late"
    ]


def test_a_flood_is_taken_up_in_parts(memory: MemoryStorage) -> None:
    made = bench(memory)
    for number in range(300):
        _poison(memory, CASES_QUEUE, str(number).encode())
    first = play_again(made.runtime)
    assert 0 < first.again < 300
    assert play_again(made.runtime).again == 300 - first.again
    assert len(made.teams.system_notices) == 1


def test_one_queue_that_fails_does_not_keep_the_other_back(memory: MemoryStorage) -> None:
    made = bench(memory)
    del memory.queues[poison_queue(CASES_QUEUE)]
    _poison(memory, RESOURCE_EVENTS_QUEUE, b"1")
    with pytest.raises(Rejected, match="404"):
        play_again(made.runtime)
    assert _waiting(memory, RESOURCE_EVENTS_QUEUE) == [(b"1", GAPS[0])]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_BODIES[CASES_QUEUE], "case 20260302-c0ffee"),
        (_BODIES[RESOURCE_EVENTS_QUEUE], "event 7 about /subscriptions/s/x"),
        (_OBJECT, "the ca-policy object c0ffee, 1a3b of the tenant"),
        (
            b'{"about":"object","id":{"kind":5,"key":"c0ffee"},"tenants_id":"1a3b"}',
            "a message of queue cases that names nothing",
        ),
        (b'{"case_id":"a\\nb"}', "case a\\nb"),
        (b'{"case_id":5}', "a message of queue cases that names nothing"),
        (b"{}", "a message of queue cases that names nothing"),
        (b"", "a message of queue cases that can't be read"),
        (b"\xff", "a message of queue cases that can't be read"),
        (b"[" * 100_000, "a message of queue cases that can't be read"),
    ],
)
def test_a_message_is_named_by_what_it_is_about(body: bytes, words: str) -> None:
    assert description_of(CASES_QUEUE, body) == words


# A run that is killed, or storage that fails, at each operation.


def _failed_once(memory: MemoryStorage, made: Bench, storage: SpoiltStorage) -> None:
    """Empty the queues once more after a failure, when nothing is hidden any more."""
    storage.faults.heal()
    for queue in memory.queues:
        if queue.endswith("-poison"):
            for one in memory.queues[queue]:
                one.is_hidden = False
    play_again(made.runtime)


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("times", [0, len(GAPS)], ids=["put back", "given up"])
@_EACH_QUEUE
def test_nothing_is_lost_wherever_it_stops(queue: str, times: int, how: str) -> None:
    operations = _operations(queue, times)
    assert len(operations) > 4
    for number in range(len(operations)):
        memory, storage, made = _ready(queue, times)
        began = len(storage.faults.log)

        def spoil(_operation: str, storage: SpoiltStorage = storage, at: int = began + number) -> str:
            return how if len(storage.faults.log) - 1 == at else ""

        storage.faults.spoil = spoil
        with suppress(EdgeError):
            play_again(made.runtime)
        kept = memory.blob_names(Container.QUARANTINE, "")
        there = memory.queue_length(queue) + memory.queue_length(poison_queue(queue)) + len(kept)
        assert there >= 1, operations[number]
        _failed_once(memory, made, storage)
        assert memory.queue_length(poison_queue(queue)) == 0, operations[number]
        put_back, kept = _waiting(memory, queue), memory.blob_names(Container.QUARANTINE, "")
        assert put_back or kept, operations[number]
        assert len(put_back) <= 2, operations[number]
        # What was written into the outbox is sent by the same timer.
        assert memory.rows(Table.OUTBOX, "tenant_id eq ''"), operations[number]


def _ready(queue: str, times: int) -> tuple[MemoryStorage, SpoiltStorage, Bench]:
    """Give a machine with a message in the poison queue that was played again so often before."""
    memory = MemoryStorage()
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = bench(storage)
    _poison(memory, queue, _BODIES[queue])
    for _ in range(times):
        play_again(made.runtime)
        _host_gives_up(memory, queue)
    return memory, storage, made


def _operations(queue: str, times: int) -> list[str]:
    _, storage, made = _ready(queue, times)
    began = len(storage.faults.log)
    play_again(made.runtime)
    return storage.faults.log[began:]


@pytest.mark.parametrize("copies", [1, 3])
def test_a_case_that_is_played_again_is_answered_once(memory: MemoryStorage, copies: int) -> None:
    ready = ready_bench(memory, detections=(Lamps().bell(),))
    ready.take_in(bell_record())
    case = ready.only_case()
    for _ in range(copies):
        _poison(memory, CASES_QUEUE, json.dumps({"tenant_id": TENANT, "case_id": case.id}).encode())
    play_again(ready.runtime)
    for _ in range(memory.queue_length()):
        answer(ready.runtime, TENANT, case.id)
    assert len(ready.teams.sent) == 1


@pytest.mark.parametrize("copies", [1, 3])
def test_an_object_that_is_played_again_is_put_back_once(memory: MemoryStorage, copies: int) -> None:
    ready = ready_bench(memory)
    ready.take_in(lamp_record())
    (message,) = memory.take_messages(CASES_QUEUE, most=9, hidden_for=A_MINUTE)
    memory.delete_message(message)
    for _ in range(copies):
        _poison(memory, CASES_QUEUE, message.body)
    play_again(ready.runtime)
    assert memory.queue_length() == copies
    memory.reveal()
    ready.answer_queue()
    assert ready.lamps.writes == ["set on"]
    assert len(ready.cases()) == 1


@pytest.mark.parametrize("copies", [1, 3])
def test_an_event_that_is_played_again_is_one_case(memory: MemoryStorage, copies: int) -> None:
    made = bench(memory, detections=CATALOGUE)
    body = _event()
    for _ in range(copies):
        _poison(memory, RESOURCE_EVENTS_QUEUE, body)
    play_again(made.runtime)
    for one, _ in _waiting(memory, RESOURCE_EVENTS_QUEUE):
        take_in_delivery(made.runtime, one)
    assert len(memory.rows(Table.CASES, "open eq true")) == 1


@pytest.mark.parametrize("is_too_long", [False, True])
def test_an_event_that_would_be_too_long_in_base64_is_taken_in_at_once(
    memory: MemoryStorage,
    is_too_long: bool,  # noqa: FBT001 - one case, and the other
) -> None:
    made = bench(memory, detections=CATALOGUE)
    body = _event().ljust(48 * 1024 + is_too_long)
    memory.queues[poison_queue(RESOURCE_EVENTS_QUEUE)].append(Queued(body=body, is_encoded=False))
    assert play_again(made.runtime) == Replayed(again=1)
    assert len(_waiting(memory, RESOURCE_EVENTS_QUEUE)) == (0 if is_too_long else 1)
    assert len(memory.rows(Table.CASES, "open eq true")) == (1 if is_too_long else 0)
    assert memory.queue_length(poison_queue(RESOURCE_EVENTS_QUEUE)) == 0


def test_a_queue_takes_no_more_than_that(storage: Storage) -> None:
    storage.enqueue(b" " * 48 * 1024)
    with pytest.raises(Rejected):
        storage.enqueue(b" " * (48 * 1024 + 1))


def _event() -> bytes:
    record = event_grid_record("Microsoft.Authorization/roleAssignments/write")
    text = json.dumps(record)
    ids: dict[str, str] = {record["data"]["tenantId"]: TENANT, record["data"]["subscriptionId"]: SUBSCRIPTION}
    for old, new in ids.items():
        text = text.replace(old, new)
    return text.encode()


def test_what_is_played_again_leaves_the_poison_queue(storage: Storage) -> None:
    made = bench(storage)
    storage.enqueue(b"1", queue=poison_queue(CASES_QUEUE))
    assert play_again(made.runtime) == Replayed(again=1)
    assert (storage.queue_length(), storage.queue_length(poison_queue(CASES_QUEUE))) == (1, 0)
    assert play_again(made.runtime) == Replayed()
