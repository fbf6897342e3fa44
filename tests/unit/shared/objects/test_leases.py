"""Leases: one holder at a time, by storage's clock, whatever the hosts' clocks say and wherever one of them dies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import LeaseLost, Rejected, Unreachable
from shared.objects.leases import MARGIN, Lease, Leases
from tests.fakes.clock import FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import Interrupting, SpoiltStorage

_LASTING: Final = timedelta(seconds=60)
_SECOND: Final = timedelta(seconds=1)
_LANES: Final = ("conditional access|tenant", "holders|/subscriptions/1?#\\", "policy é")


class _Host:
    """A host whose clock shows anything; what it measures passes as the world's time does."""

    def __init__(self, storage: Storage, world: FakeClock, *, shows: timedelta = timedelta()) -> None:
        self.storage = SpoiltStorage(storage)
        self._world = world
        self._shows = shows
        self.leases = Leases(self.storage, lasting=_LASTING, elapsed=self._elapsed)

    def _elapsed(self) -> float:
        return (self._world() + self._shows).timestamp()

    def take(self, *names: str, holder: str) -> Lease:
        lease = self.leases.take(names, holder)
        assert lease is not None
        return lease


@pytest.fixture
def world() -> FakeClock:
    """Give the time as it is, which storage shows."""
    return FakeClock()


@pytest.fixture
def dated(world: FakeClock) -> MemoryStorage:
    """Give storage that shows the world's time."""
    made = MemoryStorage(clock=world)
    made.create_all()
    return made


def _rows(storage: Storage) -> int:
    return len(storage.rows(Table.LEASES, "PartitionKey ge ''"))


def test_a_row_is_there_only_while_a_lease_is_held(storage: Storage) -> None:
    leases = Leases(storage, lasting=_LASTING)
    lease = leases.take(_LANES, "a")
    assert lease is not None
    assert set(lease.rows) == set(_LANES)
    assert _rows(storage) == len(_LANES)
    assert 50 < lease.left() <= 60
    leases.release(lease)
    leases.release(lease)
    assert _rows(storage) == 0
    assert lease.left() == 0
    with pytest.raises(LeaseLost):
        leases.renew(lease)


def test_all_lanes_are_taken_or_none(storage: Storage) -> None:
    leases = Leases(storage, lasting=_LASTING)
    first = leases.take(_LANES[1:2], "a")
    assert first is not None
    assert leases.take(_LANES, "b") is None
    assert _rows(storage) == 1
    assert leases.take(_LANES[:1], "b") is not None
    leases.release(first)
    assert leases.take([*_LANES[1:], *_LANES[1:]], "c") is not None


def test_of_many_at_once_one_gets_each_lane(storage: Storage) -> None:
    leases = Leases(storage, lasting=_LASTING)

    def take(number: int) -> Lease | None:
        return leases.take(_LANES, f"run {number}")

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(take, range(12)))
    assert len([lease for lease in taken if lease]) <= 1
    assert _rows(storage) in {0, len(_LANES)}
    assert any(taken) or leases.take(_LANES, "later") is not None


def test_a_lease_is_taken_with_one_request_a_lane(memory: Storage) -> None:
    storage = SpoiltStorage(memory)
    leases = Leases(storage, lasting=_LASTING)
    lease = leases.take(_LANES, "a")
    assert lease is not None
    assert storage.faults.log == ["write Leases"] * 3
    storage.faults.log.clear()
    leases.renew(lease)
    leases.release(lease)
    assert storage.faults.log == ["replace Leases"] * 3 + ["delete Leases"] * 3


@pytest.mark.parametrize("shows", [timedelta(hours=-1), timedelta(), timedelta(hours=1)])
def test_a_lease_ends_by_storages_clock_whatever_a_host_shows(
    dated: MemoryStorage, world: FakeClock, shows: timedelta
) -> None:
    first, second = _Host(dated, world), _Host(dated, world, shows=shows)
    held = first.take("lane", holder="a")
    world.move(_LASTING + MARGIN - _SECOND)
    assert held.left() < 0, "its holder gave up before"
    assert second.leases.take(["lane"], "b") is None
    world.move(_SECOND)
    taken = second.take("lane", holder="b")
    assert taken.left() == _LASTING.total_seconds()
    with pytest.raises(LeaseLost):
        first.leases.renew(held)
    first.leases.release(held)
    assert first.leases.take(["lane"], "a again") is None


def test_a_lease_that_is_renewed_stays(dated: MemoryStorage, world: FakeClock) -> None:
    first, second = _Host(dated, world), _Host(dated, world)
    held = first.take("lane", holder="a")
    for _ in range(10):
        world.move(50 * _SECOND)
        assert held.left() == 10
        first.leases.renew(held)
        assert held.left() == 60
        assert second.leases.take(["lane"], "b") is None


def test_what_a_request_takes_is_gone_from_the_lease(dated: MemoryStorage, world: FakeClock) -> None:
    host = _Host(dated, world)

    def slow(_operation: str) -> str:
        world.move(7 * _SECOND)
        return ""

    host.storage.faults.spoil = slow
    held = host.take("lane", "other", holder="a")
    assert held.left() == 60 - 14
    host.leases.renew(held)
    assert held.left() == 60 - 14


@pytest.mark.parametrize("do", ["write", "replace"])
def test_a_run_knows_its_own_row_after_an_answer_was_lost(dated: MemoryStorage, world: FakeClock, do: str) -> None:
    """The SDK sends such a request again, and is told of a conflict then, with the row that the first one wrote."""
    host = _Host(dated, world)
    inner = host.storage.inner
    held = host.take("lane", holder="a") if do == "replace" else None

    def twice(operation: str) -> str:
        if operation == f"{do} Leases":
            host.storage.faults.heal()
            again = Leases(inner, lasting=_LASTING)
            if held is None:
                again.take(["lane"], "a")
            else:
                again.renew(msgspec.structs.replace(held, rows={**held.rows}))
        return ""

    host.storage.faults.spoil = twice
    if held is None:
        held = host.take("lane", holder="a")
    else:
        host.leases.renew(held)
    assert held.left() == 60
    host.leases.release(held)
    assert _rows(dated) == 0


def _whole_life(host: _Host) -> None:
    lease = host.leases.take(_LANES, "a")
    if lease is not None:
        host.leases.renew(lease)
        host.leases.release(lease)


_REQUESTS: Final = 9


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(_REQUESTS))
def test_a_run_that_dies_anywhere_gives_way_after_its_time(
    dated: MemoryStorage, world: FakeClock, number: int, how: str
) -> None:
    first, second = _Host(dated, world), _Host(dated, world, shows=timedelta(hours=1))
    first.storage.faults.failure = SystemExit
    first.storage.faults.spoil = lambda _operation: how if len(first.storage.faults.log) > number else ""
    with pytest.raises(SystemExit):
        _whole_life(first)
    world.move(_LASTING + MARGIN + _SECOND)
    lease = second.take(*_LANES, holder="b")
    second.leases.release(lease)
    assert _rows(dated) == 0


def test_nine_requests_are_all_that_there_are(dated: MemoryStorage, world: FakeClock) -> None:
    host = _Host(dated, world)
    _whole_life(host)
    assert len(host.storage.faults.log) == _REQUESTS


@pytest.mark.parametrize("number", range(_REQUESTS))
def test_two_hosts_never_hold_one_lane_whatever_lies_between_the_requests_of_one(
    dated: MemoryStorage, world: FakeClock, number: int
) -> None:
    first, second = _Host(dated, world), _Host(dated, world)
    taken: list[Lease | None] = []

    def meanwhile() -> None:
        world.move(_LASTING + MARGIN + _SECOND)
        taken.append(second.leases.take(_LANES, "b"))

    first.storage.faults.spoil = Interrupting(first.storage, number, meanwhile)
    held = first.leases.take(_LANES, "a")
    if held is not None:
        try:
            first.leases.renew(held)
        except LeaseLost:
            held = None
    (other,) = taken or [None]
    assert not (held is not None and held.left() > 0 and other is not None and other.left() > 0)


def test_a_lease_that_does_not_move_is_told(dated: MemoryStorage, world: FakeClock) -> None:
    host = _Host(dated, world)
    held = host.take("slow", holder="a")
    for _ in range(6):
        world.move(50 * _SECOND)
        host.leases.renew(held)
    world.move(10 * _SECOND)
    host.take("fresh", holder="b")
    (stuck,) = host.leases.stuck(timedelta(minutes=5))
    assert (stuck.name, stuck.holder, stuck.held_for) == ("slow", "a", timedelta(seconds=310))
    assert stuck.left == timedelta(seconds=50)
    assert [one.name for one in host.leases.held()] == ["slow", "fresh"]


def test_a_lane_that_can_never_be_taken_is_stuck_whoever_says_that_he_has_just_taken_it(
    dated: MemoryStorage, world: FakeClock
) -> None:
    """Whoever can write to storage could hold all lanes by new rows, and nothing would be put back."""
    host, other = _Host(dated, world), _Host(dated, world)
    for number in range(8):
        lease = other.leases.take(["lane"], f"run {number}")
        assert lease is not None
        assert host.leases.take(["lane"], "a") is None
        assert host.leases.stuck(timedelta(minutes=5)) == [] or number > 5
        world.move(60 * _SECOND)
        other.leases.release(lease)
    other.take("lane", holder="again")
    (stuck,) = host.leases.stuck(timedelta(minutes=5))
    assert (stuck.name, stuck.held_for) == ("lane", timedelta(minutes=7))
    world.move(timedelta(minutes=5))
    assert host.leases.stuck(timedelta(minutes=5)) == [], "nobody wants it any more"


def test_a_lane_that_was_taken_between_is_not_stuck(dated: MemoryStorage, world: FakeClock) -> None:
    host, other = _Host(dated, world), _Host(dated, world)
    for _ in range(8):
        host.leases.release(host.take("lane", holder="a"))
        lease = other.take("lane", holder="b")
        assert host.leases.take(["lane"], "a") is None
        world.move(50 * _SECOND)
        other.leases.release(lease)
    other.take("lane", holder="c")
    assert host.leases.stuck(timedelta(minutes=5)) == []


def test_what_dead_runs_left_is_removed_and_nothing_else(dated: MemoryStorage, world: FakeClock) -> None:
    host = _Host(dated, world)
    host.take("dead", holder="a")
    world.move(timedelta(hours=2))
    host.take("alive", holder="b")
    assert host.leases.remove_ended(timedelta(hours=1)) == 1
    assert [one.name for one in host.leases.held()] == ["alive"]


@pytest.mark.parametrize("seconds", ["sixty", 10**6, None])
def test_a_row_that_something_else_wrote_ends_after_an_hour(
    dated: MemoryStorage, world: FakeClock, seconds: object
) -> None:
    host = _Host(dated, world)
    (row,) = host.take("lane", holder="a").rows.values()
    dated.replace(Table.LEASES, row, {"holder": "x"} | ({"seconds": seconds} if seconds else {}))
    world.move(timedelta(minutes=59))
    assert host.leases.take(["lane"], "b") is None
    world.move(timedelta(minutes=2))
    assert host.leases.take(["lane"], "b") is not None


def test_storage_that_fails_gives_no_lease(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    leases = Leases(storage, lasting=_LASTING)
    storage.faults.fail("write Leases")
    with pytest.raises(Unreachable):
        leases.take(["lane"], "a")
    storage.faults.heal()
    storage.delete_table(Table.LEASES)
    with pytest.raises(Rejected):
        leases.take(["lane"], "a")


@pytest.mark.parametrize("lasting", [timedelta(), timedelta(hours=2)])
def test_a_lease_lasts_up_to_an_hour(memory: MemoryStorage, lasting: timedelta) -> None:
    with pytest.raises(ValueError, match="up to an hour"):
        Leases(memory, lasting=lasting)
