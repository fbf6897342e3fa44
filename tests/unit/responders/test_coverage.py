"""What isn't seen is named, with the permission that it takes; people are paged once, and told of its end once."""

import re
from collections.abc import Callable, Mapping
from copy import replace
from datetime import timedelta
from html import unescape
from typing import Any, Final, override

import msgspec
import pytest

from infra.local.world import B2C_TENANT, SUBSCRIPTION, WORKFORCE_TENANT
from responders.commands.status import lines_of
from responders.content import CONTENT, KINDS, coverage_of
from responders.doctor import CONTENT as DOCTORS
from responders.doctor import lost_in
from responders.kinds.api_connectors import API_CONNECTOR
from responders.kinds.entra_diagnostic_settings import ENTRA_DIAGNOSTIC_SETTING
from responders.permissions import BY_HAND, GRANTS
from responders.sources import AUDIT_LOG, SIGN_IN_LOG, SOURCES
from shared.clients.api import Answer, TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.doctor.context import DoctorContext
from shared.ingest.coverage import (
    Coverage,
    Entry,
    LostPermission,
    Sight,
    about_kind,
    about_roster,
    note_failure,
    note_permissions,
    noting,
)
from shared.ingest.coverage_page import coverage_page
from shared.ingest.coverage_watch import watch_coverage
from shared.ingest.poll import poll
from shared.ingest.stream import Arrivals
from shared.ingest.unread import keep_unread
from shared.ingest.windows import Part
from shared.model.calls import Permission, Service
from shared.model.errors import EdgeError, Refused, Unreachable
from shared.model.kinds import Mode, TenantKind
from shared.model.permissions import Grant
from shared.model.sources import Window
from shared.respond.delivery_times import store_delivery_time
from shared.respond.sweep import sweep
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench, settings_with
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced, answer_of

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_SETTINGS: Final = settings_with()


def all_seen(storage: Storage) -> None:
    """Store what polls, sweeps and deliveries store while all is well."""
    for source in SOURCES:
        for tenant in _SETTINGS.tenants:
            storage.upsert(Table.CURSORS, source.cursors, tenant.id, {"done_until": (NOW - _MINUTE).isoformat()})
    for kind in KINDS:
        for tenant in _SETTINGS.tenants:
            if tenant.kind is kind.tenant_kind:
                columns = {"confirmed_at": (NOW - 5 * _MINUTE).isoformat()}
                storage.upsert(Table.CURSORS, "sweep", f"{tenant.id}|{kind.kind}", columns)
    for roster in CONTENT.rosters:
        for tenant in _SETTINGS.tenants:
            columns = {"read_at": (NOW - 5 * _MINUTE).isoformat(), "count": 0}
            storage.upsert(Table.ROSTERS, roster.kind, tenant.id, columns)
    left_out = f"{WORKFORCE_TENANT}|left-out-members"
    storage.upsert(Table.CURSORS, "sweep", left_out, {"confirmed_at": (NOW - 5 * _MINUTE).isoformat()})
    store_delivery_time(storage, SUBSCRIPTION, now=NOW - _HOUR)
    note_permissions(storage, [], "", now=NOW - 10 * _MINUTE)


def _coverage(storage: Storage, after: timedelta = timedelta()) -> Coverage:
    return coverage_of(storage, _SETTINGS, now=NOW + after)


def _entry(coverage: Coverage, about: str, tenant_id: str = WORKFORCE_TENANT) -> Entry:
    (found,) = [one for one in coverage.entries if (one.about, one.tenant_id) == (about, tenant_id)]
    return found


def test_what_is_all_seen_is_said_to_be(memory: MemoryStorage) -> None:
    all_seen(memory)
    coverage = _coverage(memory)
    assert coverage.bad == ()
    assert coverage.verdict == f"IT SEES EVERYTHING: all {len(coverage.entries)} sources"
    places = sum(tenant.kind is kind.tenant_kind for kind in KINDS for tenant in _SETTINGS.tenants)
    rosters = sum(len(roster.tenant_kinds) for roster in CONTENT.rosters)
    assert len(coverage.entries) == len(SOURCES) * 2 + places + rosters + 3


def test_of_what_was_never_read_nothing_counts_as_seen(memory: MemoryStorage) -> None:
    coverage = _coverage(memory)
    assert {one.sight for one in coverage.entries} == {Sight.BLIND, Sight.UNKNOWN}
    assert len(coverage.bad) == len(coverage.entries)


def test_while_storage_does_not_answer_nothing_is_known(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    all_seen(storage)
    storage.faults.fail("row Cursors", "rows Cursors")
    storage.faults.log.clear()
    coverage = _coverage(storage)
    (entry,) = coverage.entries
    assert entry.sight is Sight.UNKNOWN
    assert coverage.verdict.startswith("IT MAY NOT SEE EVERYTHING")
    assert len(storage.faults.log) == 1, "nobody waits for each of them to fail"


def test_the_coverage_costs_few_reads(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    all_seen(storage)
    storage.faults.log.clear()
    _coverage(storage)
    assert len(storage.faults.log) <= 23 + len(KINDS), "it is read each minute"


def test_a_row_that_cannot_be_read_makes_its_own_entry_unknown_alone(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    all_seen(storage)
    storage.faults.fail("row Rosters")
    unknown = [one.about for one in _coverage(storage).bad]
    assert set(unknown) == {about_roster(roster) for roster in CONTENT.rosters}


def _streamed(storage: Storage, *, minutes: float, tenant_id: str = WORKFORCE_TENANT) -> None:
    """Let records come by the stream, each so many minutes late."""
    clock, arrived = FakeClock(NOW - _HOUR), Arrivals(storage)
    for _ in range(2):
        clock.move(30 * _MINUTE)
        arrived.note([(tenant_id, "AuditLogs", clock() - minutes * _MINUTE)] * 4, now=clock())


def test_the_stream_is_among_what_is_seen_with_its_last_event_and_how_late_it_is(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    all_seen(storage)
    _streamed(storage, minutes=4)
    storage.faults.log.clear()
    entry = _entry(_coverage(storage), "stream of AuditLogs")
    assert (entry.sight, entry.read_at, entry.late.p99) == (Sight.SEES, NOW, 5 * _MINUTE)
    assert len(storage.faults.log) <= 24 + len(KINDS), "it is read each minute"
    assert "less than a minute ago" in (shown := unescape(coverage_page(_coverage(storage))))
    assert "5 min (99 %)" in shown


def test_a_stream_that_is_late_or_quiet_is_not_seen_whole(memory: MemoryStorage) -> None:
    all_seen(memory)
    _streamed(memory, minutes=10)
    quiet = _entry(_coverage(memory, timedelta(days=1, minutes=1)), "stream of AuditLogs")
    assert (quiet.sight, quiet.because) == (Sight.UNKNOWN, "nothing came for a day")
    clock = FakeClock(NOW)
    arrived = Arrivals(memory)
    for _ in range(9):
        clock.move(_HOUR)
        arrived.note([(WORKFORCE_TENANT, "AuditLogs", clock() - 70 * _MINUTE)] * 4, now=clock())
    late = _entry(_coverage(memory, 9 * _HOUR), "stream of AuditLogs")
    assert (late.sight, late.because) == (Sight.LATE, "half of its records come more than an hour late")


def test_a_stream_of_which_nothing_ever_came_is_named_where_a_hub_is_set(memory: MemoryStorage) -> None:
    all_seen(memory)
    settings = settings_with(AUDIT_STREAM_HUB="audit", AUDIT_STREAM="Endpoint=sb://hub.example")
    _streamed(memory, minutes=1)
    coverage = coverage_of(memory, settings, now=NOW)
    assert _entry(coverage, "stream of AuditLogs").sight is Sight.SEES
    b2c = _entry(coverage, "stream of AuditLogs", B2C_TENANT)
    assert (b2c.sight, b2c.because) == (Sight.UNKNOWN, "nothing came so far")


_AUDITS: Final = AUDIT_LOG.cursors
_DONE: Final = {"done_until": (NOW - _MINUTE).isoformat()}

_LOGS: Final[Mapping[str, tuple[Callable[[Storage], object], Sight, str]]] = {
    "the poll stopped": (
        lambda storage: storage.upsert(Table.CURSORS, _AUDITS, WORKFORCE_TENANT, _behind(16 * _MINUTE)),
        Sight.LATE,
        "nothing has read it since",
    ),
    "the poll is not late yet": (
        lambda storage: storage.upsert(Table.CURSORS, _AUDITS, WORKFORCE_TENANT, _behind(14 * _MINUTE)),
        Sight.SEES,
        "",
    ),
    "the poll fails": (
        lambda storage: storage.upsert(
            Table.CURSORS, _AUDITS, WORKFORCE_TENANT, {**_behind(20 * _MINUTE), **_FAILED, "because": "503 again"}
        ),
        Sight.LATE,
        "503 again",
    ),
    "it failed before it was read": (
        lambda storage: storage.upsert(
            Table.CURSORS, _AUDITS, WORKFORCE_TENANT, {**_DONE, **_FAILED, "failed_at": (NOW - _HOUR).isoformat()}
        ),
        Sight.SEES,
        "",
    ),
    "it is refused": (
        lambda storage: storage.upsert(Table.CURSORS, _AUDITS, WORKFORCE_TENANT, {**_behind(3 * _MINUTE), **_REFUSED}),
        Sight.BLIND,
        "refused",
    ),
    "a window can't be read": (lambda storage: _keep(storage, tries=2), Sight.PARTLY, "can't be read: 504"),
    "a window is still to be read": (lambda storage: _keep(storage, tries=0), Sight.LATE, "still to be read"),
    "a window is only to be read again": (lambda storage: _keep(storage, tries=3, again=True), Sight.SEES, ""),
    "there is no licence": (
        lambda storage: storage.upsert(Table.CURSORS, _AUDITS, WORKFORCE_TENANT, {**_DONE, "unlicensed": True}),
        Sight.BLIND,
        "Entra ID P1",
    ),
    "most records come hours late": (
        lambda storage: storage.upsert(
            Table.CURSORS, f"lateness {_AUDITS}", WORKFORCE_TENANT, {"counts": _counts([0] * 12 + [9] + [0] * 4)}
        ),
        Sight.LATE,
        "more than an hour late",
    ),
}
_FAILED: Final = {"failed_at": NOW.isoformat(), "because": "", "needed": ""}
_REFUSED: Final = {**_FAILED, "because": "refused", "needed": "AuditLog.Read.All"}


def _counts(day: list[int]) -> str:
    counts = {"since": "2026-01-01T00:00", "days": {f"{NOW:%Y%m%d}": day}}
    return msgspec.json.encode(counts).decode()


def _behind(time: timedelta) -> dict[str, str]:
    return {"done_until": (NOW - time).isoformat()}


def _keep(storage: Storage, *, tries: int, again: bool = False) -> None:
    window = Window(since=NOW - 3 * _HOUR, until=NOW - 2 * _HOUR)
    part = Part(window=window, because=Unreachable("504") if tries else None)
    tenant = _SETTINGS.workforce.id
    keep_unread(storage, AUDIT_LOG, tenant, [part], now=NOW, tries=tries, is_again=again)


@pytest.mark.parametrize("what", _LOGS)
def test_what_is_wrong_with_a_log_is_said(memory: MemoryStorage, what: str) -> None:
    spoil, sight, because = _LOGS[what]
    all_seen(memory)
    spoil(memory)
    entry = _entry(_coverage(memory), AUDIT_LOG.name)
    assert (entry.sight, because in entry.because) == (sight, True), entry
    assert bool(entry.cure) is not entry.sight.is_fine
    others = [one for one in _coverage(memory).bad if one != entry]
    assert others == []


def test_a_log_that_is_switched_off_is_not_missed(memory: MemoryStorage) -> None:
    all_seen(memory)
    coverage = coverage_of(memory, settings_with(SIGN_INS="off"), now=NOW)
    assert _entry(coverage, SIGN_IN_LOG.name).sight is Sight.OFF
    assert coverage.bad == ()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_sweep_that_is_refused_names_the_permission_until_it_is_read_again(memory: MemoryStorage, kind: Any) -> None:  # noqa: ANN401 - a kind
    all_seen(memory)
    made = bench(memory, kinds=KINDS)
    (tenant,) = [one for one in _SETTINGS.tenants if one.kind is kind.tenant_kind]
    refused = _everything_refused(made, tenant.id)
    with pytest.raises(Refused):
        noting(memory, about_kind(kind), tenant.id, lambda: sweep(refused.runtime, kind, tenant), clock=lambda: NOW)
    entry = _entry(_coverage(memory), about_kind(kind), tenant.id)
    assert entry.sight is Sight.BLIND
    assert entry.needed
    columns = {"confirmed_at": (NOW + _MINUTE).isoformat()}
    memory.upsert(Table.CURSORS, "sweep", f"{tenant.id}|{kind.kind}", columns)
    assert _coverage(memory, 2 * _MINUTE).bad == ()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_poll_that_is_refused_names_the_permission(memory: MemoryStorage, source: Any) -> None:  # noqa: ANN401 - a source
    all_seen(memory)
    made = _everything_refused(bench(memory), WORKFORCE_TENANT)
    with pytest.raises(Refused):
        poll(made.runtime, _SETTINGS.workforce, source, overlap=_HOUR)
    entry = _entry(_coverage(memory), source.name)
    assert (entry.sight, entry.needed) == (Sight.BLIND, ", ".join(source.call.needs))


def _everything_refused(made: Bench, tenant_id: str) -> Bench:
    denied = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}}

    class _Refusing:
        def exchange(self, *_: object, **__: object) -> Answer:
            return answer_of(denied, 403)

    edges = replace(made.runtime.edges[tenant_id], transports=dict.fromkeys(Service, _Refusing()))
    return replace(made, runtime=replace(made.runtime, edges={**made.runtime.edges, tenant_id: edges}))


# ---- permissions -----------------------------------------------------------------------------------------------------


class _Looking(DoctorContext):
    """The doctor over storage in memory: an identity that has every permission but one."""

    def __init__(self, memory: MemoryStorage, without: Grant | None) -> None:
        self._memory = memory
        self._without = without
        made = bench(memory)
        made.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
        edges = {
            tenant.id: TenantEdges(
                tenant=tenant, transports=dict.fromkeys(Service, self), pacer=Unpaced(), wait=FakeClock().wait
            )
            for tenant in _SETTINGS.tenants
        }
        super().__init__(
            environment={},
            content=DOCTORS,
            connect=lambda _settings: replace(made.runtime, edges=edges),
            claims_of=lambda _settings, tenant: {"roles": self._held(tenant.kind, is_azure=False)},
            web=None,  # pyright: ignore[reportArgumentType] - nothing is asked of the web
            clock=lambda: NOW,
        )

    def _held(self, kind: TenantKind, *, is_azure: bool) -> list[str]:
        return [
            str(grant.permission)
            for grant in GRANTS
            if grant.kind is kind and grant.is_azure_action is is_azure and grant != self._without
        ]

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Answer as Azure does, of the identity's roles."""
        del method, query, body, content_type
        if "roleAssignments" in url:
            scope = f"/subscriptions/{SUBSCRIPTION}"
            role = {"roleDefinitionId": f"{scope}/providers/x/{SUBSCRIPTION}", "scope": scope}
            return answer_of({"value": [{"properties": role}]})
        actions = {"actions": self._held(TenantKind.WORKFORCE, is_azure=True)}
        return answer_of({"properties": {"permissions": [actions]}})

    @property
    @override
    def settings(self) -> Any:
        return _SETTINGS

    @property
    @override
    def storage(self) -> Storage:
        return self._memory

    @override
    def _reach_storage(self) -> Storage:
        return self._memory


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: f"{grant.kind}-{grant.permission}")
def test_each_permission_that_is_withdrawn_is_named_with_what_is_lost(memory: MemoryStorage, grant: Grant) -> None:
    all_seen(memory)
    lost, because = lost_in(_Looking(memory, grant))
    assert because == ""
    note_permissions(memory, lost, because, now=NOW)
    (entry,) = _coverage(memory).bad
    assert (entry.sight, entry.needed) == (Sight.BLIND, grant.permission)
    assert grant.needed_by
    assert all(by in entry.because for by in grant.needed_by)
    shown = unescape(coverage_page(_coverage(memory)))
    assert grant.permission in "\n".join(lines_of(_coverage(memory), colours=False))
    assert grant.permission in shown


def test_every_permission_that_is_declared_is_among_the_grants() -> None:
    """Those granted by hand are as much as the whole tenant; for an emergency, two operators grant one for an hour."""
    by_hand = {permission for call in BY_HAND for permission in call.needs}
    assert {grant.permission for grant in GRANTS} == set(Permission) - by_hand


def test_with_all_permissions_nothing_is_lost(memory: MemoryStorage) -> None:
    assert lost_in(_Looking(memory, None)) == ([], "")


@pytest.mark.parametrize(
    ("lost", "because", "after", "sights"),
    [
        ([], "no token for Graph", timedelta(), {Sight.UNKNOWN}),
        ([], "", 4 * _HOUR, {Sight.UNKNOWN}),
        (
            [LostPermission(where="Entra ID", permission="X", needed_by=("a",))],
            "ARM",
            timedelta(),
            {Sight.BLIND, Sight.UNKNOWN},
        ),
    ],
)
def test_what_cannot_be_said_of_permissions_is_unknown(
    memory: MemoryStorage, lost: list[LostPermission], because: str, after: timedelta, sights: set[Sight]
) -> None:
    all_seen(memory)
    note_permissions(memory, lost, because, now=NOW)
    found = [one for one in _coverage(memory, after).bad if "permission" in one.about]
    assert {one.sight for one in found} == sights


# ---- paging ----------------------------------------------------------------------------------------------------------


class _Watch:
    """Watches the coverage each minute."""

    def __init__(self, memory: MemoryStorage) -> None:
        self.made = bench(memory)
        self.storage = memory
        all_seen(memory)

    def watch(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            self.made.clock.move(_MINUTE)
            self.keep_seen()
            coverage = coverage_of(self.storage, _SETTINGS, now=self.made.clock())
            watch_coverage(self.storage, self.made.runtime.notifier, coverage)

    def keep_seen(self) -> None:
        """Read everything but the audit log again."""
        now = (self.made.clock() - _MINUTE).isoformat()
        for row in self.storage.rows(Table.CURSORS, "PartitionKey eq @one", one="sweep"):
            self.storage.upsert(Table.CURSORS, row.partition, row.key, {"confirmed_at": now})
        for tenant in _SETTINGS.tenants:
            self.storage.upsert(Table.CURSORS, SIGN_IN_LOG.cursors, tenant.id, {"done_until": now})
        self.storage.upsert(Table.CURSORS, AUDIT_LOG.cursors, B2C_TENANT, {"done_until": now})

    def titles(self) -> list[str]:
        return [notice.title for notice in self.made.teams.system_notices]


def test_a_source_that_is_late_is_paged_once_and_said_to_be_back_once(memory: MemoryStorage) -> None:
    watch = _Watch(memory)
    watch.watch(15)
    assert watch.titles() == []
    watch.watch(35)
    assert watch.titles() == ["Audit log of Entra ID isn't seen"]
    now = watch.made.clock() + _MINUTE
    watch.storage.upsert(Table.CURSORS, AUDIT_LOG.cursors, WORKFORCE_TENANT, {"done_until": now.isoformat()})
    watch.watch(10)
    assert watch.titles() == ["Audit log of Entra ID isn't seen", "Seen again: audit log"]
    assert watch.made.teams.system_notices[1].is_silent
    watch.watch(40)
    assert watch.titles()[2:] == ["Audit log of Entra ID isn't seen"], "a second time it is news again"


def test_a_source_that_is_late_for_minutes_only_is_not_paged(memory: MemoryStorage) -> None:
    watch = _Watch(memory)
    watch.watch(20)
    now = watch.made.clock()
    watch.storage.upsert(Table.CURSORS, AUDIT_LOG.cursors, WORKFORCE_TENANT, {"done_until": now.isoformat()})
    watch.watch(10)
    assert watch.titles() == []


def test_what_is_lost_at_once_is_one_page(memory: MemoryStorage) -> None:
    watch = _Watch(memory)
    lost = [LostPermission(where="Entra ID", permission=f"P{number}", needed_by=("a",)) for number in range(8)]
    note_permissions(memory, lost, "", now=watch.made.clock())
    watch.watch(12)
    (notice,) = watch.made.teams.system_notices
    assert notice.title == "8 sources aren't seen"
    note_permissions(memory, [], "", now=watch.made.clock())
    watch.watch(1)
    assert watch.titles()[1].startswith("Seen again: ")


def test_nothing_is_said_to_be_seen_again_while_that_is_not_known(memory: MemoryStorage) -> None:
    watch = _Watch(memory)
    lost = [LostPermission(where="Entra ID", permission="P", needed_by=("a",))]
    note_permissions(memory, lost, "", now=watch.made.clock())
    watch.watch(12)
    note_permissions(memory, [], "no token for Graph", now=watch.made.clock())
    watch.watch(1)
    storage = SpoiltStorage(memory)
    storage.faults.fail("rows Cursors")
    silent = coverage_of(storage, _SETTINGS, now=watch.made.clock())
    watch_coverage(memory, watch.made.runtime.notifier, silent)
    assert watch.titles() == ["Permission P of Entra ID isn't seen"]
    note_permissions(memory, [], "", now=watch.made.clock())
    watch.watch(1)
    assert watch.titles()[1:] == ["Seen again: permission P"]


def test_a_page_whose_note_was_lost_comes_again_rather_than_never(memory: MemoryStorage) -> None:
    watch = _Watch(memory)
    watch.watch(26)
    spoilt = SpoiltStorage(memory)
    spoilt.faults.fail("upsert Cursors")
    coverage = coverage_of(memory, _SETTINGS, now=watch.made.clock())
    before = len(watch.titles())
    with pytest.raises(EdgeError):
        watch_coverage(spoilt, watch.made.runtime.notifier, replace(coverage, at=coverage.at + _HOUR))
    assert len(watch.titles()) >= before


def test_the_workbooks_lines_are_logged_now_and_then(memory: MemoryStorage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="responder.coverage")
    watch = _Watch(memory)
    watch.watch(14)
    lines = [record.getMessage() for record in caplog.records if record.name == "responder.coverage"]
    assert len(lines) == len(_coverage(memory).entries)
    pattern = r"coverage of (Entra ID|Azure AD B2C): .+ is seen; behind \d+ min; p50 - min; p99 - min; -"
    assert all(re.fullmatch(pattern, line) for line in lines), lines


# ---- what people see -------------------------------------------------------------------------------------------------


def test_what_is_not_seen_comes_first_in_the_terminal_and_on_the_page(memory: MemoryStorage) -> None:
    all_seen(memory)
    memory.upsert(Table.CURSORS, _AUDITS, WORKFORCE_TENANT, {**_behind(3 * _MINUTE), **_REFUSED})
    coverage = _coverage(memory)
    first, _, _, worst, missing, *_ = lines_of(coverage, colours=False)
    assert first.strip() == f"IT DOES NOT SEE EVERYTHING: 1 blind, of {len(coverage.entries)} sources"
    assert worst.startswith(" BLIND")
    assert "AuditLog.Read.All" in missing
    page = coverage_page(coverage)
    assert page.index("IT DOES NOT SEE") < page.index("BLIND: audit log (Entra ID)") < page.index("<table")


def test_what_the_service_said_is_made_harmless(memory: MemoryStorage) -> None:
    all_seen(memory)
    evil = {**_REFUSED, "because": "<script>alert(1)</script>\x1b[31m\u202e"}
    memory.upsert(Table.CURSORS, _AUDITS, WORKFORCE_TENANT, {**_behind(3 * _MINUTE), **evil})
    coverage = _coverage(memory)
    assert "<script" not in coverage_page(coverage)
    assert "\x1b" not in "".join(lines_of(coverage, colours=False))
    assert "\u202e" not in "".join(lines_of(coverage, colours=False))


@pytest.mark.parametrize(
    ("failure", "was_read", "expected"),
    [
        (Refused("no", needed=["Microsoft.AADIAM/diagnosticSettings/read"]), False, (Sight.OFF, False)),
        (Refused("no", needed=["Microsoft.AADIAM/diagnosticSettings/read"]), True, (Sight.BLIND, True)),
        (Unreachable("down"), False, (Sight.BLIND, True)),
    ],
)
def test_what_no_tier_reads_is_off_until_somebody_allowed_it(
    memory: MemoryStorage,
    failure: EdgeError,
    was_read: bool,  # noqa: FBT001 - a table
    expected: tuple[Sight, bool],
) -> None:
    all_seen(memory)
    about, row = about_kind(ENTRA_DIAGNOSTIC_SETTING), f"{WORKFORCE_TENANT}|{ENTRA_DIAGNOSTIC_SETTING.kind}"
    swept = memory.row(Table.CURSORS, "sweep", row)
    assert swept is not None
    if not was_read:
        memory.delete(Table.CURSORS, swept)
    note_failure(memory, about, WORKFORCE_TENANT, failure, now=NOW)
    entry = _entry(_coverage(memory), about, WORKFORCE_TENANT)
    assert (entry.sight, entry.is_paged) == expected


def test_what_only_tier_act_can_read_is_unknown_in_tier_watch_and_pages_nobody(memory: MemoryStorage) -> None:
    all_seen(memory)
    about = about_kind(API_CONNECTOR)
    row = f"{B2C_TENANT}|{API_CONNECTOR.kind}"
    swept = memory.row(Table.CURSORS, "sweep", row)
    assert swept is not None
    memory.delete(Table.CURSORS, swept)
    refused = Refused("no", needed=["APIConnectors.ReadWrite.All"])
    note_failure(memory, about, B2C_TENANT, refused, now=NOW)
    entry = _entry(_coverage(memory), about, B2C_TENANT)
    assert (entry.sight, entry.is_paged) == (Sight.UNKNOWN, False)
    memory.upsert(Table.CURSORS, "sweep", row, {"confirmed_at": (NOW - 5 * _MINUTE).isoformat()})
    entry = _entry(_coverage(memory), about, B2C_TENANT)
    assert (entry.sight, entry.is_paged) == (Sight.BLIND, True), "it was read before: a permission went"
