"""The pace of calls that share a limit, kept over instances by a row."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from shared.clients.rate_limit import GAPS, TablePacer, gaps_for
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.calls import Lane
from shared.model.errors import Throttled
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.spoilt_storage import SpoiltStorage

_LANE: Final = Lane.CONDITIONAL_ACCESS
_GAP: Final = GAPS[_LANE]
_TENANT: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
_KEY: Final = f"{_TENANT} {_LANE}"


class _Instance:
    """One process of the app: a clock of its own, and the instants at which its calls went."""

    def __init__(self, storage: Storage, now: datetime = NOW) -> None:
        self.clock = FakeClock(now)
        self.pacer = TablePacer(storage, clock=self.clock, wait=self.clock.wait)
        self.went: list[datetime] = []

    def call(self, lane: Lane = _LANE, tenant: str = _TENANT) -> datetime:
        self.pacer.wait_for(tenant, lane)
        self.went.append(self.clock())
        return self.went[-1]


@pytest.fixture
def instance(storage: Storage) -> _Instance:
    return _Instance(storage)


def _gaps(instants: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(sorted(instants))]


def test_the_published_limits_are_kept() -> None:
    """Conditional access: one request a second. Reports: five in ten seconds."""
    assert GAPS[Lane.CONDITIONAL_ACCESS] > timedelta(seconds=1)
    assert 5 * GAPS[Lane.REPORTS] > timedelta(seconds=10)
    assert GAPS.keys() == set(Lane)


@pytest.mark.parametrize("limit", [1, 5, 7, 100])
def test_never_more_reports_than_the_limit_are_asked_for_in_ten_seconds(storage: Storage, limit: int) -> None:
    clock = FakeClock(NOW)
    pacer = TablePacer(storage, clock=clock, wait=clock.wait, gaps=gaps_for(reports_per_ten_seconds=limit))
    went: list[datetime] = []
    for _ in range(2 * limit + 1):
        pacer.wait_for(_TENANT, Lane.REPORTS)
        went.append(clock())
    for first in went:
        assert sum(first <= each < first + timedelta(seconds=10) for each in went) <= limit
    assert went[limit] - went[0] < timedelta(seconds=10 + 0.06 * limit)


def test_the_first_call_goes_at_once_and_each_other_after_its_gap(instance: _Instance) -> None:
    for _ in range(4):
        instance.call()
    assert instance.went[0] == NOW
    assert _gaps(instance.went) == [_GAP] * 3


def test_a_call_after_a_pause_goes_at_once(instance: _Instance) -> None:
    instance.call()
    instance.clock.move(timedelta(minutes=5))
    assert instance.call() == NOW + timedelta(minutes=5)
    assert instance.clock.waits == []


def test_two_instances_share_one_pace(storage: Storage) -> None:
    one, other = _Instance(storage), _Instance(storage)
    for _ in range(3):
        one.call()
        other.call()
    assert all(gap >= _GAP for gap in _gaps(one.went + other.went))


def test_many_threads_of_two_instances_share_one_pace(storage: Storage) -> None:
    """Each instance's time stands still while its threads ask, so every turn is told apart by its wait."""
    turns: list[float] = []
    lock = threading.Lock()

    def note(seconds: float) -> None:
        with lock:
            turns.append(seconds)

    pacers = [TablePacer(storage, clock=lambda: NOW, wait=note) for _ in range(2)]
    pacers[0].wait_for(_TENANT, _LANE)
    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(pacer.wait_for, _TENANT, _LANE) for pacer in pacers for _ in range(3)]:
            future.result()
    taken = sorted(turns)
    assert taken == [pytest.approx(_GAP.total_seconds() * (number + 1)) for number in range(len(taken))]
    assert len(taken) == 6


def test_lanes_and_tenants_do_not_hold_each_other_up(instance: _Instance) -> None:
    instance.call()
    assert instance.call(Lane.REPORTS) == NOW
    assert instance.call(tenant="another") == NOW


@pytest.mark.parametrize(
    "columns",
    [
        {"next": "2099-01-01T00:00:00+00:00"},
        {"next": (NOW + timedelta(minutes=4)).isoformat()},
        {"next": "0001-01-01T00:00:00+00:00"},
        {"next": "2026-03-02T10:05:00"},
        {"next": "soon"},
        {"next": 5},
        {"next": NOW},
        {},
    ],
    ids=str,
)
def test_a_row_that_a_broken_clock_or_a_hand_wrote_is_set_right(
    storage: Storage, instance: _Instance, columns: dict[str, Any]
) -> None:
    storage.upsert(Table.CONTROLS, "pace", _KEY, columns)
    assert instance.call() == NOW
    assert instance.call() == NOW + _GAP
    row = storage.row(Table.CONTROLS, "pace", _KEY)
    assert row is not None
    assert row.columns["next"] == (NOW + 2 * _GAP).isoformat()


def test_a_queue_that_is_long_but_possible_is_waited_for(storage: Storage, instance: _Instance) -> None:
    ahead = NOW + timedelta(seconds=119)
    storage.upsert(Table.CONTROLS, "pace", _KEY, {"next": ahead.isoformat()})
    assert instance.call() == ahead


def test_a_queue_that_is_too_long_is_closed_and_not_forgotten(storage: Storage) -> None:
    """300 calls ask at once, as after a change of a hundred policies; no clock moves on."""
    turns: list[float] = []
    refused: list[timedelta | None] = []
    for _ in range(300):
        pacer = TablePacer(storage, clock=lambda: NOW, wait=turns.append)
        try:
            pacer.wait_for(_TENANT, _LANE)
        except Throttled as throttled:
            refused.append(throttled.retry_after)
    gap = _GAP.total_seconds()
    assert turns == [pytest.approx(gap * (number + 1)) for number in range(len(turns))]
    assert 120 - gap <= turns[-1] < 120
    assert len(turns) + len(refused) == 300 - 1, "the first one had not to wait"
    assert {wait is not None and timedelta() <= wait <= _GAP for wait in refused} == {True}


def test_a_queue_is_open_again_when_it_has_got_shorter(storage: Storage, instance: _Instance) -> None:
    ahead = NOW + timedelta(minutes=2)
    storage.upsert(Table.CONTROLS, "pace", _KEY, {"next": ahead.isoformat()})
    with pytest.raises(Throttled):
        instance.call()
    instance.clock.move(timedelta(seconds=1))
    assert instance.call() == ahead


def test_without_the_row_the_queue_of_an_instance_is_closed_too(storage: Storage) -> None:
    storage.delete_table(Table.CONTROLS)
    turns: list[float] = []
    pacer = TablePacer(storage, clock=lambda: NOW, wait=turns.append)
    for _ in range(115):
        pacer.wait_for(_TENANT, _LANE)
    with pytest.raises(Throttled):
        pacer.wait_for(_TENANT, _LANE)
    assert 118 < turns[-1] < 120


def test_an_instance_whose_clock_is_behind_still_keeps_the_pace(storage: Storage) -> None:
    ahead, behind = _Instance(storage, NOW + timedelta(seconds=30)), _Instance(storage)
    ahead.call()
    assert behind.call() == NOW + timedelta(seconds=30) + _GAP


@pytest.mark.parametrize("operation", ["row Switches", "insert Switches", "replace Switches"])
def test_without_the_row_an_instance_keeps_its_own_pace(storage: Storage, operation: str) -> None:
    spoilt = SpoiltStorage(storage)
    if operation == "replace Switches":
        storage.upsert(Table.CONTROLS, "pace", _KEY, {"next": NOW.isoformat()})
    spoilt.faults.fail(operation)
    instance = _Instance(spoilt)
    for _ in range(3):
        instance.call()
    assert instance.went[0] == NOW
    assert _gaps(instance.went) == [_GAP] * 2
    assert instance.call(Lane.REPORTS) == instance.went[-1]


def test_without_the_table_an_instance_keeps_its_own_pace(storage: Storage, instance: _Instance) -> None:
    storage.delete_table(Table.CONTROLS)
    for _ in range(3):
        instance.call()
    assert _gaps(instance.went) == [_GAP] * 2


def test_calls_that_were_paced_by_the_row_count_when_the_row_goes(storage: Storage, instance: _Instance) -> None:
    instance.call()
    storage.delete_table(Table.CONTROLS)
    instance.call()
    assert _gaps(instance.went) == [_GAP]


def test_turns_in_a_row_have_nobody_elses_call_in_between(storage: Storage) -> None:
    """Of any instance: the look isn't old by the time of the write."""
    one, other = _Instance(storage), _Instance(storage)
    one.call()
    reserved = one.pacer.reserved(_TENANT, _LANE, 2)
    other.call()
    went: list[datetime] = []
    for _ in range(3):
        reserved.wait_for(_TENANT, _LANE)
        went.append(one.clock())
    assert went == [NOW + _GAP, NOW + 2 * _GAP, NOW + 4 * _GAP]
    assert other.went == [NOW + 3 * _GAP], "behind what was reserved, and before what wasn't"


def test_a_turn_that_was_let_go_by_is_not_used_beside_the_next_one(instance: _Instance) -> None:
    reserved = instance.pacer.reserved(_TENANT, _LANE, 2)
    instance.clock.move(timedelta(minutes=1))
    instance.call()
    reserved.wait_for(_TENANT, _LANE)
    assert instance.clock() - instance.went[-1] >= _GAP


def test_turns_of_one_lane_are_not_another_ones(instance: _Instance) -> None:
    reserved = instance.pacer.reserved(_TENANT, _LANE, 2)
    reserved.wait_for(_TENANT, Lane.REPORTS)
    reserved.wait_for("another tenant", _LANE)
    assert instance.clock() == NOW
    reserved.reserved(_TENANT, _LANE, 1).wait_for(_TENANT, _LANE)
    assert instance.clock() == NOW + 2 * _GAP
