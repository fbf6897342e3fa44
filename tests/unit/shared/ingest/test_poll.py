"""Logs in windows that overlap: late records are found, none is skipped, none is counted twice."""

import json
from collections.abc import Callable, Mapping
from copy import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT
from responders.sources import AUDIT_LOG, SIGN_IN_LOG, SOURCES
from shared.clients.api import Answer, TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.detect.fields import SignIn
from shared.ingest.intake import Intake
from shared.ingest.poll import NO_LICENCE, is_unlicensed, poll, polled_until
from shared.ingest.unread import read_unread
from shared.model.cases import Case
from shared.model.detections import Answer as Response
from shared.model.errors import EdgeError, Refused, Unreachable
from shared.model.events import Log
from shared.model.kinds import Image
from shared.model.sources import Source, Window
from shared.respond.resume import resume
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced

_MINUTE: Final = timedelta(minutes=1)
_OVERLAP: Final = 60 * _MINUTE
_ROOT: Final = "https://graph.example/auditLogs"


class _Log:
    """A log whose records can be seen from an instant on, and that gives them in pages of two, newest first."""

    def __init__(self, clock: FakeClock, source: Source) -> None:
        self.clock = clock
        self.source = source
        self.records: list[tuple[datetime, Image]] = []
        self.queries: list[Mapping[str, str]] = []
        self.spoil: Callable[[int], Answer | None] = lambda _page: None

    def write(self, record: Image, *, late: timedelta = timedelta()) -> None:
        self.records.append((self._at(record) + late, record))

    def _at(self, record: Image) -> datetime:
        return datetime.fromisoformat(str(record[self.source.time_field]))

    def window(self, query: int = -1) -> tuple[datetime, datetime | None]:
        """Read what a query asked for: since when, and until when if it said so."""
        asked = self.queries[query]["$filter"].removesuffix(f" and {self.source.only}")
        first, *second = asked.split(" and ")
        since = first.removeprefix(f"{self.source.time_field} ge ")
        until = [one.removeprefix(f"{self.source.time_field} le ") for one in second]
        return datetime.fromisoformat(since), datetime.fromisoformat(until[0]) if until else None

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        del body, content_type
        assert method == "GET"
        if query:
            self.queries.append(query)
        page = int(url.rpartition("=")[2]) if "?" in url else 0
        spoilt = self.spoil(page)
        return spoilt or self._page(page)

    def _page(self, page: int) -> Answer:
        since, until = self.window()
        shown = [
            record
            for visible, record in self.records
            if visible <= self.clock() and since <= self._at(record) <= (until or self._at(record))
        ]
        shown.sort(key=self._at, reverse=True)
        content: Image = {"value": shown[page * 2 : page * 2 + 2]}
        if len(shown) > page * 2 + 2:
            content["@odata.nextLink"] = f"{_ROOT}?page={page + 1}"
        return Answer(status=200, headers={}, body=json.dumps(content).encode())


class _Tenant:
    def __init__(self, storage: Storage, source: Source) -> None:
        self.source = source
        detections = (Lamps().detection(), Lamps().detection(**_FAILED_SIGN_IN))
        self.bench: Bench = ready_bench(storage, detections=detections)
        self.clock = self.bench.clock
        self.log = _Log(self.clock, source)
        self.tenant = self.bench.runtime.settings.tenants[0]
        edges = TenantEdges(
            tenant=self.tenant, transports={source.call.service: self.log}, pacer=Unpaced(), wait=self.clock.wait
        )
        self.runtime = replace(self.bench.runtime, edges={self.tenant.id: edges})

    def poll(self, overlap: timedelta = _OVERLAP) -> Intake:
        return poll(self.runtime, self.tenant, self.source, overlap=overlap)

    def record(self, *, at: datetime = NOW - 5 * _MINUTE) -> Image:
        """Make a record that a detection is about."""
        return lamp_record(at=at) if self.source is AUDIT_LOG else failed_sign_in(at)

    def write(self, *, at: datetime = NOW - 5 * _MINUTE, late: timedelta = timedelta()) -> None:
        self.log.write(self.record(at=at), late=late)

    def since(self) -> datetime:
        return self.log.window()[0]

    def cases(self) -> list[Case]:
        """Give every case after a while: those of a changed object open when the queue or the timer takes it up."""
        self.clock.move(2 * _MINUTE)
        resume(self.bench.runtime)
        return self.bench.answer_all()

    def unread(self) -> list[Window]:
        found = read_unread(self.runtime.storage, self.source, self.tenant.id)
        return [one.window for one in found]

    def refuse_windows_with(self, at: datetime) -> None:
        """Have the service give no window that has this instant."""

        def spoil(_page: int) -> Answer | None:
            since, until = self.log.window()
            is_in = since <= at <= (until or self.clock())
            return Answer(status=504, headers={}, body=b"{}") if is_in else None

        self.log.spoil = spoil

    def cursor(self) -> datetime | None:
        return polled_until(self.runtime.storage, self.source, self.tenant.id)


_FAILED_SIGN_IN: Final[dict[str, Any]] = {
    "id": "sign-in-failed",
    "log": Log.SIGN_IN,
    "when": SignIn.error_code.is_("50126"),
    "answer": Response.PAGE,
    "remediation": None,
}


def failed_sign_in(at: datetime) -> Image:
    return {
        "id": f"5161b000-0000-4000-8000-{at:%d%H%M%S}0000",
        "createdDateTime": at.isoformat().replace("+00:00", "Z"),
        "correlationId": f"5161bc00-0000-4000-8000-{at:%d%H%M%S}0000",
        "userId": MALLORY.id,
        "userPrincipalName": MALLORY.upn,
        "status": {"errorCode": 50126},
    }


@pytest.fixture(params=SOURCES, ids=lambda source: source.name)
def tenant(memory: MemoryStorage, request: pytest.FixtureRequest) -> _Tenant:
    return _Tenant(memory, request.param)


def refusal(code: str) -> Answer:
    return Answer(status=403, headers={}, body=json.dumps({"error": {"code": code, "message": "no"}}).encode())


def test_the_first_poll_reads_what_the_overlap_covers(tenant: _Tenant) -> None:
    tenant.write(at=NOW - 59 * _MINUTE)
    tenant.write(at=NOW - 61 * _MINUTE)
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


@pytest.mark.parametrize("text", ["yesterday", "2026-03-02T09:55:00", "", 7, True])
def test_a_tenant_whose_cursor_is_broken_is_read_again_and_people_are_notified_once(
    tenant: _Tenant, text: object
) -> None:
    tenant.poll()
    tenant.runtime.storage.upsert(Table.CURSORS, tenant.source.cursors, tenant.tenant.id, {"done_until": text})
    tenant.write(at=NOW - 50 * _MINUTE)
    tenant.log.spoil = lambda _page: Answer(status=400, headers={}, body=b"{}")
    with pytest.raises(EdgeError):
        tenant.poll()
    tenant.log.spoil = lambda _page: None
    tenant.clock.move(2 * _MINUTE)
    assert tenant.poll().opened == 1
    assert (tenant.since(), tenant.cursor()) == (NOW - 58 * _MINUTE, NOW + 2 * _MINUTE)
    tenant.poll()
    (notice,) = tenant.bench.teams.system_notices
    assert str(text)[:80] in notice.text


def test_a_record_that_comes_late_is_found_once(tenant: _Tenant) -> None:
    tenant.write(at=NOW, late=50 * _MINUTE)
    opened: list[int] = []
    for _ in range(30):
        opened.append(tenant.poll().opened)
        tenant.clock.move(2 * _MINUTE)
    assert sum(opened) == 1
    assert len(tenant.cases()) == 1


def test_every_page_is_read(tenant: _Tenant) -> None:
    for minutes in range(7):
        tenant.write(at=NOW - minutes * _MINUTE)
    intake = tenant.poll()
    assert (intake.records, intake.opened) == (7, 7)


def test_only_what_is_of_interest_becomes_a_case(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory, AUDIT_LOG)
    tenant.log.write(lamp_record(ALICE))
    tenant.log.write(lamp_record(MALLORY, activityDisplayName="Change lampshade"))
    intake = tenant.poll()
    assert (intake.records, intake.matches, intake.opened) == (2, 1, 1)


@pytest.mark.parametrize("status", [400, 404, 500, 504])
def test_a_service_that_gives_nothing_leaves_the_cursor_and_the_next_poll_reads_it_all(
    tenant: _Tenant, status: int
) -> None:
    tenant.poll()
    tenant.clock.move(2 * _MINUTE)
    for minutes in range(5):
        tenant.write(at=NOW - minutes * _MINUTE)
    tenant.log.spoil = lambda _page: Answer(status=status, headers={}, body=b"{}")
    asked = len(tenant.log.queries)
    with pytest.raises(EdgeError):
        tenant.poll()
    windows = {tuple(query.items()) for query in tenant.log.queries[asked:]}
    assert 2 <= len(windows) <= 4, "it narrows down, but not for ever"
    assert tenant.cursor() == NOW
    assert tenant.unread() == []
    tenant.log.spoil = lambda _page: None
    tenant.clock.move(10 * _MINUTE)
    tenant.poll()
    assert len(tenant.cases()) == 5
    assert tenant.since() == NOW - _OVERLAP


@pytest.mark.parametrize("page", [1, 2])
def test_a_link_that_is_not_known_any_more_begins_the_window_anew(tenant: _Tenant, page: int) -> None:
    for minutes in range(5):
        tenant.write(at=NOW - minutes * _MINUTE)
    lost = [Answer(status=400, headers={}, body=b"{}")] * 2
    tenant.log.spoil = lambda asked: lost.pop() if asked == page and lost else None
    assert tenant.poll().opened == 5
    assert len(tenant.log.queries) == 3
    assert (tenant.cursor(), tenant.unread()) == (NOW, [])


def test_a_link_that_leads_to_itself_begins_the_window_anew(tenant: _Tenant) -> None:
    for minutes in range(7):
        tenant.write(at=NOW - minutes * _MINUTE)
    loops = [json.dumps({"value": [], "@odata.nextLink": f"{_ROOT}?page=1"}).encode()]
    tenant.log.spoil = lambda page: Answer(status=200, headers={}, body=loops.pop()) if page == 1 and loops else None
    assert tenant.poll().opened == 7
    assert (tenant.cursor(), tenant.unread()) == (NOW, [])


def test_what_is_new_is_read_although_a_part_of_the_overlap_cannot_be(tenant: _Tenant) -> None:
    tenant.poll()
    bad = NOW - 30 * _MINUTE
    tenant.clock.move(2 * _MINUTE)
    tenant.write(at=bad)
    tenant.write(at=NOW + _MINUTE)
    tenant.write(at=NOW - 50 * _MINUTE)
    tenant.refuse_windows_with(bad)
    assert tenant.poll().opened == 2
    assert tenant.cursor() == NOW + 2 * _MINUTE
    (unread,) = tenant.unread()
    assert unread.since <= bad <= unread.until <= unread.since + 2 * _MINUTE
    asked = len(tenant.log.queries)
    tenant.clock.move(2 * _MINUTE)
    tenant.poll()
    assert len(tenant.log.queries) == asked + 2, "what is stored as unread isn't asked for by each poll"


def test_what_is_new_does_not_wait_for_what_an_outage_left(tenant: _Tenant) -> None:
    tenant.poll()
    tenant.clock.move(timedelta(days=40))
    tenant.write(at=tenant.clock() - 10 * _MINUTE)
    asked = len(tenant.log.queries)
    assert tenant.poll().opened == 1
    assert len(tenant.log.queries) == asked + 1
    assert (tenant.since(), tenant.cursor()) == (tenant.clock() - _OVERLAP, tenant.clock())
    left = tenant.unread()
    assert left[0].since == tenant.clock() - timedelta(days=30), "the service keeps no more"
    assert left[-1].until == tenant.clock() - _OVERLAP
    assert [one.until for one in left[:-1]] == [one.since for one in left[1:]]


def test_an_outage_of_the_service_is_stored_once_and_only_when_it_is_over(tenant: _Tenant) -> None:
    tenant.poll()
    tenant.log.spoil = lambda _page: Answer(status=503, headers={}, body=b"{}")
    for _ in range(5):
        tenant.clock.move(timedelta(hours=2))
        with pytest.raises(EdgeError):
            tenant.poll()
        assert tenant.unread() == []
    tenant.log.spoil = lambda _page: None
    tenant.poll()
    assert tenant.unread()[0].since == NOW - _OVERLAP


@pytest.mark.parametrize(
    ("source", "operation"),
    [
        *((AUDIT_LOG, each) for each in ("keep evidence", "upsert Due", "insert Changes", "enqueue", "upsert Cursors")),
        *((SIGN_IN_LOG, each) for each in ("keep evidence", "insert Cases", "enqueue", "upsert Cursors")),
    ],
)
def test_what_could_not_be_stored_leaves_the_cursor(memory: MemoryStorage, source: Source, operation: str) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    tenant = _Tenant(storage, source)
    tenant.write()
    storage.faults.fail_once(operation)
    with pytest.raises(Unreachable):
        tenant.poll()
    assert tenant.cursor() is None
    tenant.poll()
    assert tenant.cursor() == NOW
    assert len(tenant.cases()) == 1


def test_what_a_page_has_is_stored_before_the_next_one_is_asked_for(tenant: _Tenant) -> None:
    for minutes in range(5):
        tenant.write(at=NOW - minutes * _MINUTE)
    tenant.log.spoil = lambda page: refusal("no") if page == 2 else None
    with pytest.raises(EdgeError):
        tenant.poll()
    assert tenant.cursor() is None
    assert len(tenant.cases()) == 4


def test_a_cursor_from_a_clock_that_was_ahead_skips_nothing(memory: MemoryStorage, tenant: _Tenant) -> None:
    ahead = (NOW + timedelta(days=300)).isoformat()
    memory.upsert(Table.CURSORS, tenant.source.cursors, tenant.tenant.id, {"done_until": ahead})
    tenant.write(at=NOW - 30 * _MINUTE)
    assert tenant.poll().opened == 1
    assert tenant.since() == NOW - _OVERLAP
    assert tenant.cursor() == NOW


def test_the_instant_asked_for_is_never_later_than_the_one_meant(tenant: _Tenant) -> None:
    """Graph takes whole seconds here; they are rounded down."""
    tenant.clock.move(timedelta(milliseconds=999))
    tenant.poll()
    assert tenant.since() == NOW - _OVERLAP
    assert tenant.log.queries[-1]["$filter"].startswith(f"{tenant.source.time_field} ge 2026-03-02T09:05:00Z")


def test_unreadable_records_are_counted_and_stop_nothing(tenant: _Tenant) -> None:
    tenant.write()
    tenant.log.records.append((NOW, {tenant.source.time_field: "2026-03-02T10:00:00Z", "unknown": "shape"}))
    intake = tenant.poll()
    assert (intake.unreadable, intake.opened) == (1, 1)
    assert tenant.cursor() == NOW


def test_each_tenant_and_log_has_a_cursor_of_its_own(memory: MemoryStorage, tenant: _Tenant) -> None:
    tenant.poll()
    assert tenant.tenant.id == WORKFORCE_TENANT
    assert polled_until(memory, tenant.source, "another") is None
    (other,) = set(SOURCES) - {tenant.source}
    assert polled_until(memory, other, tenant.tenant.id) is None


def test_the_cursor_of_the_audit_log_is_the_one_of_earlier_releases(memory: MemoryStorage) -> None:
    memory.upsert(Table.CURSORS, "poll", WORKFORCE_TENANT, {"done_until": (NOW - _MINUTE).isoformat()})
    assert polled_until(memory, AUDIT_LOG, WORKFORCE_TENANT) == NOW - _MINUTE


def test_sign_ins_are_asked_for_with_those_that_nobody_saw_a_page_for(memory: MemoryStorage) -> None:
    tenant = _Tenant(memory, SIGN_IN_LOG)
    tenant.poll()
    (query,) = tenant.log.queries
    assert query == {
        "$filter": "createdDateTime ge 2026-03-02T09:05:00Z"
        " and signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')",
        "$top": "1000",
    }


# No licence.


@pytest.fixture
def unlicensed(memory: MemoryStorage) -> _Tenant:
    tenant = _Tenant(memory, SIGN_IN_LOG)
    tenant.log.spoil = lambda _page: refusal(NO_LICENCE)
    return tenant


def test_a_tenant_without_a_licence_is_told_of_once(unlicensed: _Tenant) -> None:
    for _ in range(3):
        assert unlicensed.poll() == Intake()
        unlicensed.clock.move(timedelta(days=1))
    assert len(unlicensed.bench.teams.system_notices) == 1
    assert "Entra ID" in unlicensed.bench.teams.system_notices[0].title
    assert is_unlicensed(unlicensed.runtime.storage, SIGN_IN_LOG, unlicensed.tenant.id)
    assert unlicensed.cursor() is None


def test_a_licence_that_comes_is_noticed_and_one_that_goes_is_told_of_again(unlicensed: _Tenant) -> None:
    unlicensed.poll()
    unlicensed.log.spoil = lambda _page: None
    unlicensed.clock.move(timedelta(days=1))
    unlicensed.write(at=unlicensed.clock() - _MINUTE)
    assert unlicensed.poll().opened == 1
    assert not is_unlicensed(unlicensed.runtime.storage, SIGN_IN_LOG, unlicensed.tenant.id)
    read_until = unlicensed.cursor()
    unlicensed.log.spoil = lambda _page: refusal(NO_LICENCE)
    unlicensed.clock.move(timedelta(days=1))
    unlicensed.poll()
    assert len(unlicensed.bench.teams.system_notices) == 2
    assert unlicensed.cursor() == read_until


def test_it_is_told_again_when_the_note_of_having_told_it_was_lost(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    tenant = _Tenant(storage, SIGN_IN_LOG)
    tenant.log.spoil = lambda _page: refusal(NO_LICENCE)
    storage.faults.fail_once("upsert Cursors")
    with pytest.raises(Unreachable):
        tenant.poll()
    tenant.clock.move(timedelta(days=1))
    tenant.poll()
    assert len(tenant.bench.teams.system_notices) == 2


def test_any_other_refusal_fails_the_poll_at_once(tenant: _Tenant) -> None:
    tenant.log.spoil = lambda _page: refusal("Authorization_RequestDenied")
    with pytest.raises(Refused):
        tenant.poll()
    assert len(tenant.log.queries) == 1
    assert tenant.bench.teams.system_notices == []
