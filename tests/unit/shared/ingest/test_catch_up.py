"""What the polls left is read, what came late is found, and what can't be read is put off, told once and given up."""

import itertools
import random
from contextlib import suppress
from copy import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from responders.sources import SIGN_IN_LOG
from shared.clients.api import Answer, TenantEdges
from shared.clients.storage_names import Table
from shared.detect.fields import SignIn
from shared.ingest.catch_up import AGES, catch_up
from shared.ingest.poll import NO_LICENCE, poll, polled_until
from shared.ingest.unread import Unread, keep_unread, read_unread
from shared.ingest.windows import Part
from shared.model.detections import Answer as Response
from shared.model.errors import EdgeError, Refused, Unreachable
from shared.model.events import Log
from shared.model.sources import Window
from tests.fakes.clock import NOW
from tests.fakes.lamps import Lamps
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import bench
from tests.fakes.simulated_log import Chances, SimulatedLog, Stretch
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced
from tests.unit.shared.ingest.test_poll import failed_sign_in, refusal

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_DETECTION: Final = Lamps().detection(
    id="sign-in-failed", log=Log.SIGN_IN, when=SignIn.error_code.is_("50126"), answer=Response.PAGE, remediation=None
)


class _Tenant:
    """A tenant with a log of sign-ins; each of `made` is when one was made, and when it is shown."""

    def __init__(
        self, memory: MemoryStorage, *made: tuple[datetime, datetime], silent: tuple[Stretch, ...] = ()
    ) -> None:
        self.asked = 0
        self.storage = SpoiltStorage(memory)
        self.storage.create_all()
        self.bench = bench(self.storage, detections=(_DETECTION,))
        self.clock = self.bench.clock
        self.tenant = self.bench.runtime.settings.tenants[0]
        records = [(at, shown, failed_sign_in(at)) for at, shown in made]
        self.log = SimulatedLog(SIGN_IN_LOG, records, clock=self.clock, silent=silent, chances=Chances())
        transports = {SIGN_IN_LOG.call.service: self.log}
        edges = TenantEdges(tenant=self.tenant, transports=transports, pacer=Unpaced(), wait=self.clock.wait)
        self.runtime = replace(self.bench.runtime, edges={self.tenant.id: edges})

    def poll(self) -> int:
        return poll(self.runtime, self.tenant, SIGN_IN_LOG, overlap=_HOUR).opened

    def catch_up(self, longest: timedelta = timedelta(minutes=6)) -> int:
        return catch_up(self.runtime, self.tenant, SIGN_IN_LOG, longest=longest).opened

    def pass_by(self, time: timedelta, *, every: timedelta = 30 * _MINUTE) -> int:
        """Let the timers tick for a while; gives the cases that were opened."""
        opened, end = 0, self.clock() + time
        while self.clock() < end:
            self.clock.move(every)
            with suppress(EdgeError):
                opened += self.poll()
            opened += self.catch_up()
        return opened

    def unread(self) -> list[Unread]:
        return read_unread(self.storage, SIGN_IN_LOG, self.tenant.id)

    def keep(self, window: Window, because: str = "504", tries: int = 1) -> None:
        part = Part(window=window, because=Unreachable(because))
        keep_unread(self.storage, SIGN_IN_LOG, self.tenant.id, [part], now=self.clock(), tries=tries)

    def unread_safely(self) -> list[Unread]:
        """Read what is unread behind the faults."""
        return read_unread(self.storage.inner, SIGN_IN_LOG, self.tenant.id)

    def answer(self, answer: Answer) -> None:
        """Have the service give one answer to everything."""

        def exchange(*_: object, **__: object) -> Answer:
            self.asked += 1
            return answer

        self.log.exchange = exchange

    def titles(self) -> list[str]:
        return [notice.title for notice in self.bench.teams.system_notices]


@pytest.mark.parametrize(
    ("hour", "late"),
    [
        *((hour, 20 * _HOUR) for hour in (0, 4, 11, 17, 23)),
        *((4, late) for late in (2 * _HOUR, 7 * _HOUR, 47 * _HOUR, timedelta(days=6))),
    ],
)
def test_a_record_that_comes_late_at_any_time_of_day_is_one_case(
    memory: MemoryStorage, hour: int, late: timedelta
) -> None:
    """Each hour is read again at ages that follow one another, so no time of the day is left out."""
    at = NOW.replace(hour=0, minute=7) + timedelta(days=1, hours=hour)
    tenant = _Tenant(memory, (at, at + late))
    tenant.poll()
    found = 0
    while not found and tenant.clock() < at + timedelta(days=8):
        found = tenant.pass_by(2 * _HOUR, every=2 * _HOUR)
    assert found == 1
    longest = min(age for age in AGES if age >= late)
    assert tenant.clock() - at <= longest + 4 * _HOUR


def test_everything_of_two_days_is_read_again_each_day_and_of_a_week_each_week(memory: MemoryStorage) -> None:
    """An age after which the next one comes later than that would leave a gap."""
    seen = [timedelta(), *AGES, timedelta(days=7)]
    gaps = {age: age - before for before, age in itertools.pairwise(seen)}
    assert all(gap <= timedelta(days=1) for age, gap in gaps.items() if age <= timedelta(days=2))
    assert all(gap <= timedelta(days=7) for gap in gaps.values())
    assert timedelta(days=2) in AGES
    tenant = _Tenant(memory)
    tenant.poll()
    tenant.pass_by(timedelta(days=8), every=2 * _HOUR)
    tenant.log.windows.clear()
    tenant.pass_by(timedelta(days=1), every=_HOUR)
    read = [window for window in tenant.log.windows if not window.is_open]
    assert len(read) == 24 * len(AGES), "five readings of each hour are what it costs"


def test_nothing_before_the_first_poll_is_read_again(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory)
    tenant.poll()
    asked = tenant.log.requests
    tenant.catch_up()
    assert tenant.log.requests == asked
    tenant.pass_by(timedelta(days=2))
    assert min(window.since for window in tenant.log.windows) >= NOW.replace(minute=0) - _HOUR


def test_a_log_that_an_earlier_release_read_is_read_again_from_the_beginning(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory)
    columns = {"done_until": NOW.isoformat()}
    tenant.storage.upsert(Table.CURSORS, SIGN_IN_LOG.cursors, tenant.tenant.id, columns)
    tenant.catch_up()
    assert len(tenant.log.windows) == len(AGES)


def test_what_an_outage_left_is_read_the_newest_first_and_each_record_is_one_case(memory: MemoryStorage) -> None:
    at = [NOW + number * _HOUR + 17 * _MINUTE for number in range(72)]
    tenant = _Tenant(memory, *((each, each) for each in at))
    tenant.poll()
    tenant.clock.move(timedelta(days=3))
    assert tenant.poll() == 1, "of the last hour"
    tenant.log.windows.clear()
    assert tenant.catch_up() == 71
    windows = tenant.log.windows[:36]
    assert [window.since for window in windows] == sorted((window.since for window in windows), reverse=True)
    assert tenant.unread() == []


def test_a_run_that_ends_early_or_dies_goes_on_with_the_next(memory: MemoryStorage) -> None:
    chance = random.Random(4)  # noqa: S311 - keeps no secret
    at = [NOW + number * _HOUR + 17 * _MINUTE for number in range(48)]
    tenant = _Tenant(memory, *((each, each) for each in at))
    tenant.poll()
    tenant.clock.move(timedelta(days=2))
    tenant.poll()
    tenant.storage.faults.spoil = lambda _name: "before" if chance.random() < 0.02 else ""
    runs, failed = 0, 0
    while tenant.unread_safely():
        runs += 1
        try:
            tenant.catch_up()
        except EdgeError:
            failed += 1
        tenant.clock.move(15 * _MINUTE)
    assert failed > 2
    tenant.storage.faults.heal()
    assert len(tenant.bench.cases()) == 48


def test_a_run_ends_when_its_time_is_over(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory)
    tenant.poll()
    tenant.clock.move(timedelta(days=3))
    tenant.poll()
    left = len(tenant.unread())
    for _ in range(3):
        tenant.catch_up(longest=timedelta())
    assert len(tenant.unread()) == left


def test_a_window_that_cannot_be_read_is_narrowed_put_off_and_told_once_and_its_end_is_told_too(
    memory: MemoryStorage,
) -> None:
    bad = Window(since=NOW + 30 * _MINUTE, until=NOW + 31 * _MINUTE)
    at = [NOW + number * 10 * _MINUTE for number in range(60)]
    tenant = _Tenant(
        memory, *((each, each) for each in at), silent=(Stretch(window=bad, until=NOW + timedelta(days=3)),)
    )
    tenant.poll()
    assert tenant.pass_by(timedelta(hours=10), every=10 * _MINUTE) == 58, "all but what nobody can read"
    (unread,) = [one for one in tenant.unread() if not one.is_again]
    assert unread.window.until - unread.window.since <= 4 * _MINUTE
    assert "504" in unread.because
    assert tenant.titles() == [f"A part of the sign-in log of {tenant.tenant.name} can't be read"]
    asked = len([window for window in tenant.log.windows if window.since >= bad.since])
    tenant.pass_by(timedelta(days=2), every=_HOUR)
    assert len(tenant.titles()) == 1
    assert asked
    assert tenant.pass_by(timedelta(days=2), every=_HOUR) == 1
    assert tenant.unread() == []
    assert tenant.titles()[1:] == [f"What couldn't be read of the sign-in log of {tenant.tenant.name} was read now"]


def test_a_window_is_tried_again_ever_less_often(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory, silent=(Stretch(window=Window(since=NOW - 3 * _HOUR, until=NOW - 2 * _HOUR)),))
    tenant.keep(Window(since=NOW - 3 * _HOUR, until=NOW - 2 * _HOUR))
    tenant.poll()
    tries: list[datetime] = []
    for _ in range(5 * 24 * 2):
        tenant.clock.move(30 * _MINUTE)
        before = len(tenant.log.windows)
        tenant.catch_up()
        asked = [window for window in tenant.log.windows[before:] if window.since < NOW - 2 * _HOUR]
        tries += [tenant.clock()] if asked else []
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert pauses[0] < _HOUR
    assert pauses[-1] >= timedelta(days=1)
    assert len(tries) < 12


def test_what_the_service_has_deleted_is_told_as_lost_and_not_tried_any_more(memory: MemoryStorage) -> None:
    window = Window(since=NOW - 2 * _HOUR, until=NOW - 61 * _MINUTE)
    tenant = _Tenant(memory, silent=(Stretch(window=window),))
    tenant.poll()
    tenant.keep(window)
    tenant.clock.move(timedelta(days=31))
    for _ in range(3):
        tenant.catch_up()
        tenant.clock.move(_HOUR)
    assert not [one for one in tenant.log.windows if one.since < NOW - _HOUR]
    assert tenant.titles() == [f"A part of the sign-in log of {tenant.tenant.name} was never read"]
    assert [one.is_lost for one in tenant.unread()] == [True]


@pytest.mark.parametrize("columns", [{}, {"tries": "many", "next_at": "soon", "because": 7}])
def test_a_row_that_somebody_broke_is_due_and_its_key_says_what_it_is_about(
    memory: MemoryStorage, columns: dict[str, object]
) -> None:
    at = NOW - 90 * _MINUTE
    tenant = _Tenant(memory, (at, at))
    tenant.keep(Window(since=NOW - 2 * _HOUR, until=NOW - _HOUR))
    (unread,) = tenant.unread()
    tenant.storage.upsert(Table.CURSORS, unread.row.partition, unread.row.key, columns)
    tenant.storage.upsert(Table.CURSORS, unread.row.partition, "what is this", columns)
    assert tenant.catch_up() == 1
    assert tenant.unread() == []


def test_a_refusal_ends_the_run_and_puts_nothing_off(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory)
    tenant.keep(Window(since=NOW - 2 * _HOUR, until=NOW - _HOUR), tries=0)
    before = tenant.unread()
    tenant.answer(refusal("Authorization_RequestDenied"))
    with pytest.raises(Refused):
        tenant.catch_up()
    assert tenant.unread() == before


def test_a_tenant_without_the_licence_is_left_alone(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory)
    tenant.answer(refusal(NO_LICENCE))
    tenant.poll()
    asked = tenant.asked
    tenant.keep(Window(since=NOW - 2 * _HOUR, until=NOW - _HOUR))
    tenant.clock.move(_HOUR)
    assert tenant.catch_up() == 0
    assert tenant.asked == asked
    assert polled_until(tenant.storage, SIGN_IN_LOG, tenant.tenant.id) is None
