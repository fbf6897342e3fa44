"""The directory audit log in windows that overlap: late records are found, none is skipped, none is counted twice."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT
from responders.calls import DIRECTORY_AUDITS
from shared.catalog import Image
from shared.clients.calls import Service
from shared.clients.edges import Answer, TenantEdges
from shared.clients.storage import Storage, Table
from shared.errors import EdgeError, Unreachable
from shared.intake import Intake
from shared.poll import poll, polled_until
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import lamp_record
from tests.fakes.machines import Bench, ready_bench
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced

_MINUTE: Final = timedelta(minutes=1)
_OVERLAP: Final = 60 * _MINUTE
_ROOT: Final = "https://graph.example/auditLogs/directoryAudits"


class _Log:
    """An audit log whose records can be seen from an instant on, and that gives them in pages of two."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.records: list[tuple[datetime, Image]] = []
        self.queries: list[Mapping[str, str]] = []
        self.spoil: Callable[[int], Answer | None] = lambda _page: None

    def write(self, record: Image, *, late: timedelta = timedelta()) -> None:
        at = datetime.fromisoformat(str(record["activityDateTime"]))
        self.records.append((at + late, record))

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        del body, content_type
        assert method == "GET"
        if query:
            self.queries.append(query)
        page = int(url.rpartition("=")[2]) if "?" in url else 0
        spoilt = self.spoil(page)
        return spoilt or self._page(page, self.queries[-1]["$filter"])

    def _page(self, page: int, filtered: str) -> Answer:
        since = datetime.fromisoformat(filtered.removeprefix("activityDateTime ge "))
        shown = [
            record
            for visible, record in self.records
            if visible <= self.clock() and datetime.fromisoformat(str(record["activityDateTime"])) >= since
        ]
        content: Image = {"value": shown[page * 2 : page * 2 + 2]}
        if len(shown) > page * 2 + 2:
            content["@odata.nextLink"] = f"{_ROOT}?page={page + 1}"
        return Answer(status=200, headers={}, body=json.dumps(content).encode())


class _Tenant:
    def __init__(self, storage: Storage) -> None:
        self.bench: Bench = ready_bench(storage)
        self.clock = self.bench.clock
        self.log = _Log(self.clock)
        self.tenant = self.bench.machine.settings.tenants[0]
        edges = TenantEdges(
            tenant=self.tenant, transports={Service.GRAPH: self.log}, pacer=Unpaced(), wait=self.clock.wait
        )
        self.machine = replace(self.bench.machine, edges={self.tenant.id: edges})

    def poll(self, overlap: timedelta = _OVERLAP) -> Intake:
        return poll(self.machine, self.tenant, DIRECTORY_AUDITS, overlap=overlap)

    def since(self) -> datetime:
        return datetime.fromisoformat(self.log.queries[-1]["$filter"].removeprefix("activityDateTime ge "))

    def cursor(self) -> datetime | None:
        return polled_until(self.machine.storage, self.tenant.id)


@pytest.fixture
def tenant(memory: MemoryStorage) -> _Tenant:
    return _Tenant(memory)


def test_the_first_poll_reads_what_the_overlap_covers(tenant: _Tenant) -> None:
    tenant.log.write(lamp_record(at=NOW - 59 * _MINUTE))
    tenant.log.write(lamp_record(at=NOW - 61 * _MINUTE))
    intake = tenant.poll()
    assert (intake.records, intake.opened) == (1, 1)
    assert tenant.since() == NOW - _OVERLAP
    assert tenant.cursor() == NOW


def test_each_poll_goes_on_where_the_last_one_began_less_the_overlap(tenant: _Tenant) -> None:
    tenant.poll()
    tenant.clock.move(2 * _MINUTE)
    tenant.poll()
    assert tenant.since() == NOW - _OVERLAP
    assert tenant.cursor() == NOW + 2 * _MINUTE


def test_a_record_that_comes_late_is_found_once(tenant: _Tenant) -> None:
    tenant.log.write(lamp_record(at=NOW), late=50 * _MINUTE)
    opened: list[int] = []
    for _ in range(30):
        opened.append(tenant.poll().opened)
        tenant.clock.move(2 * _MINUTE)
    assert sum(opened) == 1
    assert len(tenant.bench.cases()) == 1


def test_every_page_is_read(tenant: _Tenant) -> None:
    for minutes in range(7):
        tenant.log.write(lamp_record(at=NOW - minutes * _MINUTE))
    intake = tenant.poll()
    assert (intake.records, intake.opened) == (7, 7)


def test_only_what_is_of_interest_becomes_a_case(tenant: _Tenant) -> None:
    tenant.log.write(lamp_record(ALICE))
    tenant.log.write(lamp_record(MALLORY, activityDisplayName="Change lampshade"))
    intake = tenant.poll()
    assert (intake.records, intake.matches, intake.opened) == (2, 1, 1)


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_page_that_fails_leaves_the_cursor_and_the_next_poll_reads_it_all(tenant: _Tenant, page: int) -> None:
    tenant.poll()
    tenant.clock.move(2 * _MINUTE)
    for minutes in range(5):
        tenant.log.write(lamp_record(at=NOW - minutes * _MINUTE))
    tenant.log.spoil = lambda asked: Answer(status=400, headers={}, body=b"{}") if asked == page else None
    with pytest.raises(EdgeError):
        tenant.poll()
    assert tenant.cursor() == NOW
    tenant.log.spoil = lambda _page: None
    tenant.clock.move(10 * _MINUTE)
    tenant.poll()
    assert len(tenant.bench.cases()) == 5
    assert tenant.since() == NOW - _OVERLAP


@pytest.mark.parametrize("operation", ["keep evidence", "insert Cases", "enqueue", "upsert Cursors"])
def test_a_case_that_could_not_be_opened_leaves_the_cursor(memory: MemoryStorage, operation: str) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    tenant = _Tenant(storage)
    tenant.log.write(lamp_record())
    storage.faults.fail_once(operation)
    with pytest.raises(Unreachable):
        tenant.poll()
    assert tenant.cursor() is None
    tenant.poll()
    assert len(tenant.bench.cases()) == 1
    assert tenant.cursor() == NOW


def test_a_long_outage_is_caught_up_with_as_far_as_the_service_keeps_records(tenant: _Tenant) -> None:
    tenant.poll()
    tenant.clock.move(timedelta(days=3))
    tenant.poll()
    assert tenant.since() == NOW - _OVERLAP
    tenant.clock.move(timedelta(days=30))
    tenant.poll()
    assert tenant.since() == tenant.clock() - timedelta(days=7)


def test_a_cursor_from_a_clock_that_was_ahead_skips_nothing(memory: MemoryStorage, tenant: _Tenant) -> None:
    ahead = (NOW + timedelta(days=300)).isoformat()
    memory.upsert(Table.CURSORS, "poll", tenant.tenant.id, {"done_until": ahead})
    tenant.log.write(lamp_record(at=NOW - 30 * _MINUTE))
    assert tenant.poll().opened == 1
    assert tenant.since() == NOW - _OVERLAP
    assert tenant.cursor() == NOW


def test_the_backfill_reads_further_back_and_opens_nothing_twice(tenant: _Tenant) -> None:
    tenant.log.write(lamp_record(at=NOW - 10 * _MINUTE))
    tenant.log.write(lamp_record(at=NOW - timedelta(hours=20)), late=timedelta(hours=19))
    assert tenant.poll().opened == 1
    assert tenant.poll(timedelta(hours=24)).opened == 1
    assert tenant.since() == NOW - timedelta(hours=24)


def test_the_instant_asked_for_is_never_later_than_the_one_meant(tenant: _Tenant) -> None:
    """Graph takes whole seconds here; they are rounded down."""
    tenant.clock.move(timedelta(milliseconds=999))
    tenant.poll()
    assert tenant.since() == NOW - _OVERLAP
    assert tenant.log.queries[-1]["$filter"] == "activityDateTime ge 2026-03-02T09:05:00Z"


def test_unreadable_records_are_counted_and_stop_nothing(tenant: _Tenant) -> None:
    tenant.log.write(lamp_record())
    tenant.log.records.append((NOW, {"activityDateTime": "2026-03-02T10:00:00Z", "unknown": "shape"}))
    intake = tenant.poll()
    assert (intake.unreadable, intake.opened) == (1, 1)
    assert tenant.cursor() == NOW


def test_each_tenant_has_a_cursor_of_its_own(memory: MemoryStorage, tenant: _Tenant) -> None:
    tenant.poll()
    assert tenant.tenant.id == WORKFORCE_TENANT
    assert polled_until(memory, "another") is None
