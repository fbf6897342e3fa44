"""How late records come is counted from what a stretch has more than before; each record counts once."""

import random
from collections import Counter
from copy import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.clients.api import TenantEdges
from shared.clients.storage_names import Table
from shared.ingest.catch_up import catch_up
from shared.ingest.lateness import BOUNDS, Lateness, Noted, Reading, lateness_of, store_lateness
from shared.ingest.poll import poll
from shared.model.sources import Window
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, bench
from tests.fakes.simulated_log import SimulatedLog
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced
from tests.unit.shared.ingest.test_poll import failed_sign_in

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_NOTHING: Final = Noted(reading=Reading.LIVE, window=Window(since=NOW - _HOUR, until=NOW), minutes={}, at=NOW)


def _played(storage: MemoryStorage, lateness: list[timedelta], hours: int = 30) -> Lateness:
    """Read a log whose records come so late, in turn, as the timers do."""
    made = bench(storage)
    clock, tenant = made.clock, made.runtime.settings.tenants[0]
    at = [NOW + _MINUTE + number * timedelta(seconds=47) for number in range(len(lateness))]
    records = [(one, one + late, failed_sign_in(one)) for one, late in zip(at, lateness, strict=True)]
    log = SimulatedLog(SIGN_IN_LOG, records, clock=clock)
    edges = TenantEdges(tenant=tenant, transports={SIGN_IN_LOG.call.service: log}, pacer=Unpaced(), wait=clock.wait)
    runtime = replace(made.runtime, edges={tenant.id: edges})
    ends = NOW + hours * _HOUR
    while clock() < ends:
        poll(runtime, tenant, SIGN_IN_LOG, overlap=_HOUR)
        catch_up(runtime, tenant, SIGN_IN_LOG)
        clock.move(5 * _MINUTE if clock() < at[-1] + 2 * _HOUR else _HOUR)
    return lateness_of(storage, SIGN_IN_LOG, tenant.id, now=clock())


def test_each_record_counts_once_however_often_it_is_read(memory: MemoryStorage) -> None:
    late = _played(memory, [7 * _MINUTE] * 200, hours=6)
    assert late == Lateness(p50=10 * _MINUTE, p99=15 * _MINUTE, records=200)


def test_the_few_that_come_very_late_are_the_hundredth(memory: MemoryStorage) -> None:
    chance = random.Random(1)  # noqa: S311 - keeps no secret
    lateness = [19 * _HOUR if number % 33 == 0 else chance.random() * 4 * _MINUTE for number in range(300)]
    late = _played(memory, lateness)
    assert late.records == 300
    assert late.p50 is not None
    assert late.p50 <= 10 * _MINUTE
    assert late.p99 is not None
    assert 19 * _HOUR <= late.p99 <= 48 * _HOUR


def test_nothing_is_said_of_what_was_there_before_the_first_poll(memory: MemoryStorage) -> None:
    minutes = {f"{NOW - 5 * _MINUTE:%Y-%m-%dT%H:%M}": 100}
    store_lateness(memory, AUDIT_LOG, TENANT, [replace(_NOTHING, minutes=minutes)])
    assert lateness_of(memory, AUDIT_LOG, TENANT, now=NOW) == Lateness()


def test_without_a_row_nothing_is_known(memory: MemoryStorage) -> None:
    assert lateness_of(memory, AUDIT_LOG, TENANT, now=NOW) == Lateness()


@pytest.mark.parametrize("text", ["", "{}", "[]", "x", '{"since": "x", "days": {"20260302": [1]}}'])
def test_a_row_that_somebody_broke_is_begun_anew(memory: MemoryStorage, text: str) -> None:
    memory.upsert(Table.CURSORS, f"lateness {AUDIT_LOG.cursors}", TENANT, {"counts": text})
    store_lateness(memory, AUDIT_LOG, TENANT, [_NOTHING])
    assert lateness_of(memory, AUDIT_LOG, TENANT, now=NOW) == Lateness()
    _live(memory, NOW + _MINUTE, 3, at=NOW + 3 * _MINUTE)
    assert lateness_of(memory, AUDIT_LOG, TENANT, now=NOW).records == 3


def _live(memory: MemoryStorage | SpoiltStorage, made: datetime, number: int, *, at: datetime) -> None:
    noted = Noted(
        reading=Reading.LIVE,
        window=Window(since=at - _HOUR, until=at),
        minutes=Counter({f"{made:%Y-%m-%dT%H:%M}": number}),
        at=at,
    )
    store_lateness(memory, AUDIT_LOG, TENANT, [noted])


def test_what_cannot_be_stored_is_only_logged(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.fail("row Cursors", "insert Cursors")
    _live(storage, NOW, 1, at=NOW)


def test_two_who_write_at_once_both_count(memory: MemoryStorage) -> None:
    _live(memory, NOW - _HOUR, 1, at=NOW)
    storage = SpoiltStorage(memory)

    def meanwhile(operation: str) -> str:
        if operation == "replace Cursors":
            storage.faults.heal()
            _live(memory, NOW + _MINUTE, 5, at=NOW + 2 * _MINUTE)
        return ""

    storage.faults.spoil = meanwhile
    _live(storage, NOW + 2 * _MINUTE, 7, at=NOW + 4 * _MINUTE)
    assert lateness_of(memory, AUDIT_LOG, TENANT, now=NOW).records == 12


def test_the_row_stays_small(memory: MemoryStorage) -> None:
    for number in range(24 * 12):
        at = NOW + number * _HOUR
        minutes = {f"{at - n * _MINUTE:%Y-%m-%dT%H:%M}": 100_000 for n in range(60)}
        store_lateness(memory, AUDIT_LOG, TENANT, [replace(_NOTHING, minutes=minutes, at=at)])
    (row,) = memory.rows(Table.CURSORS, "PartitionKey eq @one", one=f"lateness {AUDIT_LOG.cursors}")
    assert len(str(row.columns["counts"])) < 20_000, "a column takes 32 Ki characters"


def test_the_bounds_are_in_order() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
