"""The bindings: what the Functions worker hands over reaches the app whole, and failures reach the host."""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import azure.functions as func
import msgspec
import pytest
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter

from infra.local.world import ALICE, B2C_TENANT, MALLORY, SUBSCRIPTION, WORKFORCE_TENANT
from responders.catalogue import CATALOGUE
from responders.detections.samples import cloud_event_record, event_grid_record
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from responders.triggers import cases, events, schedules
from shared.authority.operator_store import setting_of
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.log_analytics import Workspace
from shared.clients.storage_names import CASES_QUEUE, RESOURCE_EVENTS_QUEUE, Container, Table, poison_queue
from shared.detect.fields import SignIn
from shared.detect.rosters import Roster, RosterKind
from shared.emergency.engine import Engine
from shared.emergency.store import Emergencies
from shared.model.calls import Call, Permission, Service
from shared.model.cases import State
from shared.model.detections import Burst
from shared.model.errors import Refused, Rejected, Unreachable
from shared.model.kinds import ApprovalList, Image, ObjectKind, TenantKind
from shared.model.object_kinds import Kind
from shared.model.remediations import Inventory
from shared.model.tenant_api import TenantApi
from shared.notify.paged import Signal
from shared.respond.delivery_times import last_delivery
from shared.respond.messages import CaseMessage
from shared.respond.sweep import swept_at
from tests.fakes.lamps import LAMP, Lamps, bell_record, lamp_record
from tests.fakes.log_analytics import log_analytics
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import GENESIS
from tests.fakes.record_strategies import sign_in_row
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, bench, ready_bench
from tests.fakes.sign_ins import ACCOUNTS, failures, sign_in
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.shared.clients.test_transports import Holder

_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
_TIMER: Final[Any] = None
"""The functions take a timer and don't look at it."""


def _user_function(builder: Any) -> Callable[..., Any]:  # noqa: ANN401 - what a blueprint makes of a function
    """Give the function itself, without what its decorators made of it."""
    function: Callable[..., Any] = builder._function.get_user_function()  # noqa: SLF001 - there is no public way
    return function


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bench], Bench]:
    """Put a machine in the place of the process's own."""

    def put(made: Bench) -> Bench:
        for module in (cases, events, schedules):
            monkeypatch.setattr(module, "runtime", lambda: made.runtime)
        store = Emergencies(made.runtime.storage, clock=made.clock, is_signed=lambda _entry: False)
        engine = Engine(runtime=made.runtime, store=store, steps=())
        monkeypatch.setattr(schedules, "emergencies", lambda: engine)
        return made

    return put


@pytest.fixture
def on_roles(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> Bench:
    return use(bench(memory, detections=CATALOGUE))


# Events, from their queue.


def _message(body: bytes) -> func.QueueMessage:
    """Make what the worker makes of a message."""
    made: func.QueueMessage = QueueMessageInConverter.decode(Datum(body, "bytes"), trigger_metadata={})
    return made


def _of_the_world(record: Image) -> Image:
    """Move a sample into the tenant and subscription of these tests."""
    text = json.dumps(record)
    ids: Mapping[str, str] = {
        record["data"]["tenantId"]: WORKFORCE_TENANT,
        record["data"]["subscriptionId"]: SUBSCRIPTION,
    }
    for old, new in ids.items():
        text = text.replace(old, new)
    moved: Image = json.loads(text)
    return moved


@pytest.mark.parametrize("make", [event_grid_record, cloud_event_record])
@pytest.mark.parametrize("listed", [False, True], ids=["alone", "in a list"])
def test_an_event_opens_its_case(on_roles: Bench, make: Callable[[str], Image], *, listed: bool) -> None:
    event = _of_the_world(make(_WRITE))
    for _ in range(3):
        _delivered(event if not listed else [event])
    rows = on_roles.storage.rows(Table.CASES, "detection eq 'rbac-role-assigned'")
    assert len(rows) == 1
    assert rows[0].partition.startswith(WORKFORCE_TENANT)


def _delivered(event: object) -> None:
    _subscription_events(json.dumps(event).encode())


def _subscription_events(body: bytes) -> None:
    _user_function(events.subscription_events)(_message(body))


@pytest.mark.parametrize("quoted", [False, True], ids=["as an object", "as JSON in a text"])
def test_the_time_of_a_delivery_is_kept_for_its_subscription(on_roles: Bench, *, quoted: bool) -> None:
    event = _of_the_world(event_grid_record(_WRITE))
    event["data"]["subscriptionId"] = SUBSCRIPTION.upper()
    _delivered(event | {"data": json.dumps(event["data"])} if quoted else event)
    assert last_delivery(on_roles.storage, SUBSCRIPTION) == on_roles.clock()


def test_a_delivery_of_a_subscription_that_is_not_watched_is_not_noted(on_roles: Bench) -> None:
    event = _of_the_world(event_grid_record(_WRITE))
    other = "0badc0de-0000-4000-8000-000000000001"
    event["data"]["subscriptionId"] = other
    _delivered(event)
    assert last_delivery(on_roles.storage, other) is None


@pytest.mark.parametrize("name", [b"\\ud800", b"\xff\xfe"], ids=["half a character", "not UTF-8"])
def test_an_event_whose_text_is_broken_opens_its_case_all_the_same(on_roles: Bench, name: bytes) -> None:
    event = _of_the_world(event_grid_record(_WRITE))
    event["data"]["claims"]["name"] = "BROKEN"
    _subscription_events(json.dumps(event).encode().replace(b"BROKEN", name))
    assert len(on_roles.storage.rows(Table.CASES, "open eq true")) == 1
    assert last_delivery(on_roles.storage, SUBSCRIPTION) == on_roles.clock()


@pytest.mark.parametrize(
    "record",
    [
        {"id": "1", "data": None, "eventTime": "2026-03-17T09:24:52Z", "eventType": "x", "subject": "", "topic": ""},
        {"id": "1", "data": [], "eventTime": "2026-03-17T09:24:52Z", "eventType": "x", "subject": "", "topic": ""},
        {"id": "1", "specversion": "1.0", "type": "x", "source": "x"},
        {"id": "1", "data": {"subscriptionId": 5, "tenantId": "a/b"}, "eventTime": None},
    ],
)
def test_an_event_of_another_form_is_kept_or_passed_over_and_not_asked_for_again(
    on_roles: Bench, record: Image
) -> None:
    _delivered(record)
    assert on_roles.storage.rows(Table.CASES, "open eq true") == []


@pytest.mark.parametrize("body", [b"", b" \n", b"{", b"\xff", b"null", b"[]", b"plain words"])
def test_a_message_that_can_not_be_read_is_kept_whole_and_told_of_once(on_roles: Bench, body: bytes) -> None:
    for _ in range(2):
        _subscription_events(body)
    (name,) = on_roles.storage.blob_names(Container.QUARANTINE, "")
    assert on_roles.storage.blob(Container.QUARANTINE, name) == body
    assert [one.title for one in on_roles.teams.system_notices] == ["Some records can't be read"]


@pytest.mark.parametrize("operation", ["keep evidence", "insert Cases", "enqueue"])
def test_an_event_whose_case_could_not_be_opened_stays_in_its_queue(
    memory: MemoryStorage, use: Callable[[Bench], Bench], operation: str
) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = use(bench(storage, detections=CATALOGUE))
    storage.faults.fail(operation)
    event = _of_the_world(event_grid_record(_WRITE))
    with pytest.raises(Unreachable):
        _delivered(event)
    assert last_delivery(storage, SUBSCRIPTION) is None
    storage.faults.heal()
    _delivered(event)
    assert len(storage.rows(Table.CASES, "open eq true")) == 1
    if not memory.queue_length():
        # The row was there, so the second delivery had nothing to do: the timer asks for its answer.
        made.clock.move(made.runtime.settings.lease)
        _user_function(schedules.resume_cases)(_TIMER)
    assert memory.queue_length() == 1


def test_a_message_that_could_not_be_kept_in_quarantine_stays_in_its_queue(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    use(bench(storage, detections=CATALOGUE))
    storage.faults.fail("keep quarantine")
    with pytest.raises(Unreachable):
        _subscription_events(b"")


def test_a_delivery_whose_time_could_not_be_noted_is_done_all_the_same(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    use(bench(storage, detections=CATALOGUE))
    storage.faults.fail("upsert Cursors")
    _delivered(_of_the_world(event_grid_record(_WRITE)))
    assert len(storage.rows(Table.CASES, "open eq true")) == 1


# The queue.


def _queued(memory: MemoryStorage) -> func.QueueMessage:
    """Take the only message of the queue."""
    (message,) = memory.take_messages(CASES_QUEUE, most=9, hidden_for=A_MINUTE)
    memory.delete_message(message)
    return _message(message.body)


def test_a_message_has_its_case_answered(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(ready_bench(memory, detections=(Lamps().bell(),)))
    ready.take_in(bell_record())
    message, answer_case = _queued(memory), _user_function(cases.answer_case)
    answer_case(message)
    assert ready.only_case().state is State.CLOSED
    answer_case(message)
    assert len(ready.teams.sent) == 1


def test_a_message_has_its_object_reconciled(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(ready_bench(memory))
    ready.take_in(lamp_record())
    message, answer_case = _queued(memory), _user_function(cases.answer_case)
    for _ in range(2):
        answer_case(message)
        assert ready.only_case().state is State.CLOSED
        assert ready.lamps.writes == ["set on"]


def test_an_object_that_cannot_be_reconciled_fails_its_message(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    """The host tries it again then."""
    storage = SpoiltStorage(memory)
    ready = use(ready_bench(storage))
    ready.take_in(lamp_record())
    storage.faults.fail(f"rows {Table.CHANGES}")
    with pytest.raises(Unreachable):
        _user_function(cases.answer_case)(_queued(memory))
    assert ready.lamps.writes == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b'{"about": "case", "tenant_id": 5, "case_id": "x"}',
        b'{"about": "object", "id": {"tenant_id": "t", "kind": "lamp", "key": "1"}, "tenants_id": "1"}',
        b'{"about": "something else"}',
        b"\xff",
    ],
)
def test_a_message_that_is_none_goes_to_the_poison_queue(
    memory: MemoryStorage, use: Callable[[Bench], Bench], body: bytes
) -> None:
    use(ready_bench(memory))
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        _user_function(cases.answer_case)(_message(body))


def test_a_message_about_a_case_that_is_unknown_is_done(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    use(ready_bench(memory))
    body = msgspec.json.encode(CaseMessage(tenant_id="nobody", case_id="20260302-ffffffffffffffffffff"))
    _user_function(cases.answer_case)(_message(body))


# Timers.


def test_every_tenant_is_polled_although_one_fails(
    memory: MemoryStorage, use: Callable[[Bench], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(bench(memory))
    polled: list[str] = []

    def poll(_runtime: object, tenant: Any, source: object, **how: timedelta) -> None:  # noqa: ANN401 - a tenant
        assert how == ({} if name.startswith("backfill") else {"overlap": timedelta(hours=1)})
        assert source is (SIGN_IN_LOG if name.endswith("sign_ins") else AUDIT_LOG)
        polled.append(tenant.id)
        if tenant.id == WORKFORCE_TENANT:
            raise Unreachable("cut")

    monkeypatch.setattr("shared.ingest.poll.poll", poll)
    monkeypatch.setattr("shared.ingest.catch_up.catch_up", poll)
    for name in ("poll_directory_audits", "backfill_directory_audits", "poll_sign_ins", "backfill_sign_ins"):
        polled.clear()
        with pytest.raises(Unreachable):
            _user_function(getattr(schedules, name))(_TIMER)
        assert polled == [WORKFORCE_TENANT, B2C_TENANT]


def test_sign_ins_are_left_alone_when_they_are_switched_off(
    memory: MemoryStorage, use: Callable[[Bench], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def poll(*_: object, **__: object) -> None:
        raise AssertionError("it was polled")

    use(bench(memory, SIGN_INS="off"))
    monkeypatch.setattr("shared.ingest.poll.poll", poll)
    monkeypatch.setattr("shared.ingest.catch_up.catch_up", poll)
    _user_function(schedules.poll_sign_ins)(_TIMER)
    _user_function(schedules.backfill_sign_ins)(_TIMER)


def _kind(kind: ObjectKind, tenant_kind: TenantKind, seen: list[str], failing: Exception | None = None) -> Kind:
    """Make a kind of which each tenant has one object."""

    def read(edges: TenantApi) -> Mapping[str, Image]:
        seen.append(f"{kind} {edges.tenant.id}")
        if failing is not None:
            raise failing
        return {LAMP: {"id": LAMP, "state": "on"}}

    inventory = Inventory(kind=kind, tenant_kind=tenant_kind, calls=(), read=read)
    return msgspec.structs.replace(Lamps().kind(), kind=kind, tenant_kind=tenant_kind, inventory=inventory)


def test_every_kind_is_swept_in_its_own_tenant_although_one_fails(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    seen: list[str] = []
    kinds = (
        _kind(ObjectKind.CA_POLICY, TenantKind.WORKFORCE, seen, Rejected("400")),
        _kind(ObjectKind.CUSTOM_POLICY, TenantKind.B2C, seen),
        _kind(ObjectKind.ROLE_ASSIGNMENT, TenantKind.WORKFORCE, seen),
    )
    ready = use(bench(memory, kinds=kinds))
    with pytest.raises(Rejected):
        _user_function(schedules.take_snapshots)(_TIMER)
    assert seen == [
        f"ca-policy {WORKFORCE_TENANT}",
        f"custom-policy {B2C_TENANT}",
        f"role-assignment {WORKFORCE_TENANT}",
    ]
    assert swept_at(memory, WORKFORCE_TENANT, ObjectKind.CA_POLICY) is None
    assert swept_at(memory, WORKFORCE_TENANT, ObjectKind.ROLE_ASSIGNMENT) == ready.clock()
    assert swept_at(memory, B2C_TENANT, ObjectKind.CUSTOM_POLICY) == ready.clock()
    assert len([*ready.runtime.objects.seen(B2C_TENANT, ObjectKind.CUSTOM_POLICY)]) == 1
    assert [*ready.runtime.objects.seen(WORKFORCE_TENANT, ObjectKind.CUSTOM_POLICY)] == []


def test_what_only_tier_act_can_read_fails_no_sweep_until_it_was_read_once(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    call = Call(method="GET", service=Service.GRAPH, path="/x", needs=(Permission.API_CONNECTOR_WRITE,))
    refused = _kind(ObjectKind.API_CONNECTOR, TenantKind.B2C, [], Refused("403"))
    kind = msgspec.structs.replace(refused, inventory=msgspec.structs.replace(refused.inventory, calls=(call,)))
    use(bench(memory, kinds=(kind,)))
    _user_function(schedules.take_snapshots)(_TIMER)
    assert swept_at(memory, B2C_TENANT, ObjectKind.API_CONNECTOR) is None
    columns = {"confirmed_at": "2026-03-02T10:00:00+00:00"}
    memory.upsert(Table.CURSORS, "sweep", f"{B2C_TENANT}|{ObjectKind.API_CONNECTOR}", columns)
    with pytest.raises(Refused):
        _user_function(schedules.take_snapshots)(_TIMER)


def _roster(kind: RosterKind, seen: list[str], failing: Exception | None = None) -> Roster:
    def read(edges: TenantApi) -> list[str]:
        seen.append(f"{kind} {edges.tenant.id}")
        if failing is not None and edges.tenant.id == WORKFORCE_TENANT:
            raise failing
        return [MALLORY.id]

    return Roster(kind=kind, tenant_kinds=tuple(TenantKind), calls=(), read=read)


def test_every_roster_is_swept_in_each_tenant_although_one_fails_and_that_is_told_once_an_hour(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    seen: list[str] = []
    rosters = (
        _roster(RosterKind.PRIVILEGED_ACCOUNTS, seen, Rejected("400")),
        _roster(RosterKind.ROLE_ASSIGNABLE_GROUPS, seen),
    )
    ready = use(bench(memory, rosters=rosters))
    sweep = _user_function(schedules.sweep_rosters)
    for _ in range(2):
        with pytest.raises(Rejected):
            sweep(_TIMER)
    tenants = (WORKFORCE_TENANT, B2C_TENANT)
    assert seen == [f"{roster.kind} {tenant}" for roster in rosters for tenant in tenants] * 2
    assert [one.title for one in ready.teams.system_notices] == ["It isn't known who is privileged in Entra ID"]
    kept = ready.runtime.rosters
    assert kept.listed(RosterKind.PRIVILEGED_ACCOUNTS, WORKFORCE_TENANT).read_at is None
    assert kept.listed(RosterKind.ROLE_ASSIGNABLE_GROUPS, B2C_TENANT).ids == {MALLORY.id}


def test_rosters_that_are_swept_tell_nobody_anything(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(bench(memory, rosters=(_roster(RosterKind.PRIVILEGED_ACCOUNTS, []),)))
    _user_function(schedules.sweep_rosters)(_TIMER)
    assert ready.teams.system_notices == []


def test_a_workspace_is_asked_for_counts(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    detection = failures(counted=Burst(at_least=2, within=timedelta(minutes=5), by=SignIn.account))
    made = bench(memory, detections=(detection,), LOG_WORKSPACE_ID=TENANT)
    with log_analytics(now=made.clock()) as service:
        workspace = Workspace(url=service.url, workspace_id=TENANT, credential=Holder())
        ready = use(copy.replace(made, runtime=copy.replace(made.runtime, workspace=workspace)))
        rows = [sign_in(number, at=ready.clock(), account=ACCOUNTS[0]) for number in (1, 2)]
        service.rows = [sign_in_row(row) | {"AADTenantId": TENANT} for row in rows]
        _user_function(schedules.count_in_log_analytics)(_TIMER)
    assert [case.detection for case in ready.cases()] == [detection.id]


def test_without_a_workspace_none_is_asked(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(bench(memory))
    _user_function(schedules.count_in_log_analytics)(_TIMER)
    assert ready.cases() == []


def test_counts_are_purged_when_nobody_needs_them(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    detection = failures(counted=Burst(at_least=9, within=timedelta(minutes=5), by=SignIn.account))
    ready = use(bench(memory, detections=(detection,)))
    ready.take_in(sign_in(1, at=ready.clock(), account=ACCOUNTS[0]))
    purge = _user_function(schedules.purge_old_data)
    purge(_TIMER)
    assert len(memory.rows(Table.COUNTERS, "PartitionKey ge ''")) == 1
    ready.clock.move(timedelta(days=3))
    purge(_TIMER)
    assert memory.rows(Table.COUNTERS, "PartitionKey ge ''") == []


def test_old_data_is_purged_by_the_setting_and_a_table_that_is_gone_is_paged(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    ready = use(bench(memory, RETENTION_DAYS="90"))
    for days in (89, 91):
        day = ready.clock() - timedelta(days=days)
        memory.insert(Table.CASES, f"{TENANT}|{day:%Y%m%d}", f"{days}", {"open": False})
    purge = _user_function(schedules.purge_old_data)
    purge(_TIMER)
    assert [row.key for row in memory.rows(Table.CASES, "PartitionKey ge ''")] == ["89"]
    memory.delete_table(Table.CHANGES)
    with pytest.raises(Rejected):
        purge(_TIMER)
    assert [one.title for one in ready.teams.system_notices] == ["Old changes can't be deleted"]


def test_what_people_entered_is_copied_each_night(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(bench(memory))
    memory.upsert(Table.OWNERS, "*", "010", {"name": "Alice Alvarez", "upn": "alice@contoso.com"})
    _user_function(schedules.keep_lists)(_TIMER)
    content = memory.blob(Container.EVIDENCE, f"lists/{ready.clock():%Y-%m-%d}.json")
    assert content is not None
    assert "alice@contoso.com" in content.decode()


def test_the_resume_timer_queues_what_was_left_behind(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(ready_bench(memory, detections=(Lamps().bell(),)))
    ready.take_in(bell_record(MALLORY))
    before = memory.queue_length()
    case = ready.only_case()
    assert ready.runtime.ledger.claim(case.tenant_id, case.id) is not None
    ready.clock.move(ready.runtime.settings.lease)
    _user_function(schedules.resume_cases)(_TIMER)
    assert memory.queue_length() == before + 1


def test_the_resume_timer_looks_at_objects_that_are_due(memory: MemoryStorage, use: Callable[[Bench], Bench]) -> None:
    ready = use(ready_bench(memory))
    ready.take_in(lamp_record(MALLORY))
    ready.clock.move(ready.runtime.settings.lease)
    _user_function(schedules.resume_cases)(_TIMER)
    assert ready.lamps.writes == ["set on"]


def test_the_resume_timer_plays_again_what_failed_every_time(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    use(bench(memory))
    memory.enqueue("x", queue=poison_queue(RESOURCE_EVENTS_QUEUE))
    _user_function(schedules.resume_cases)(_TIMER)
    assert memory.queue_length(RESOURCE_EVENTS_QUEUE) == 1


def test_the_resume_timer_tells_of_a_change_of_operators_once(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    made = use(ready_bench(memory, EMERGENCY_OPERATORS=setting_of([GENESIS])))
    for _ in range(2):
        _user_function(schedules.resume_cases)(_TIMER)
    titles = [one.title for one in made.teams.system_notices]
    assert titles.count("Who may act in an emergency has changed") == 1


def test_the_resume_timer_writes_again_what_somebody_deleted_and_pages_what_he_wrote(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    made = use(ready_bench(memory, EMERGENCY_OPERATORS=setting_of([GENESIS])))
    _user_function(schedules.resume_cases)(_TIMER)
    title = "Lists that operators sign were tampered with"
    assert title not in [one.title for one in made.teams.system_notices]
    (row,) = memory.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")
    memory.delete(Table.APPROVED_ACTORS, row)
    forged = row.key.replace(ALICE.id, MALLORY.id)
    memory.insert(Table.APPROVED_ACTORS, row.partition, forged, row.columns)
    for _ in range(2):
        _user_function(schedules.resume_cases)(_TIMER)
    found = {one.key for one in memory.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")}
    assert found == {row.key, forged}
    notices = [one for one in made.teams.system_notices if one.title == title]
    assert len(notices) == 2  # the second look finds what was written, and nothing missing any more
    assert MALLORY.id in notices[0].text
    standing = made.runtime.approvals.find(ApprovalList(row.partition), MALLORY.id)
    assert standing is None


def test_the_resume_timer_looks_at_what_is_seen_once_a_minute_however_often_it_ticks(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    storage = SpoiltStorage(memory)
    made = use(bench(storage))

    def looks(*pauses: float) -> int:
        storage.faults.log.clear()
        for seconds in pauses:
            made.clock.move(timedelta(seconds=seconds))
            _user_function(schedules.resume_cases)(_TIMER)
        return storage.faults.log.count("row Rosters")

    once = looks(0)
    assert once > 0
    assert looks(3, 3) == 0
    assert looks(60, 60) == 2 * once


def test_poison_queues_are_emptied_although_resuming_fails(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    storage = SpoiltStorage(memory)
    use(bench(storage))
    storage.faults.fail("rows Cases")
    memory.enqueue("x", queue=poison_queue(RESOURCE_EVENTS_QUEUE))
    with pytest.raises(Unreachable):
        _user_function(schedules.resume_cases)(_TIMER)
    assert memory.queue_length(RESOURCE_EVENTS_QUEUE) == 1


# The owners.


def test_owners_are_tried_once_a_week_and_the_incident_is_resolved_at_the_noon_after(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    made = use(bench(memory, CASE_LINK="https://responder.example/api/open/{case}"))
    owner = NamedOwner(scope="*", order="010", name="Alice", upn="alice@contoso.example")
    TableOwners(memory, clock=made.clock).name(owner, by="a test")
    for _ in range(2):
        _user_function(schedules.try_owners)(_TIMER)
    (incident,) = made.pagerduty.calls
    assert made.teams.calls[0].system_notice.link == "https://responder.example/api/reach/2026-W10"
    made.clock.move(timedelta(hours=26))
    _user_function(schedules.report_night)(_TIMER)
    _user_function(schedules.resume_cases)(_TIMER)
    assert made.pagerduty.signals == [(incident.key, Signal.RESOLVE)]


def test_a_night_that_can_not_be_read_does_not_keep_the_owners_test_open(
    memory: MemoryStorage, use: Callable[[Bench], Bench]
) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = use(bench(storage))
    owner = NamedOwner(scope="*", order="010", name="Alice", upn="alice@contoso.example")
    TableOwners(memory, clock=made.clock).name(owner, by="a test")
    _user_function(schedules.try_owners)(_TIMER)
    made.clock.move(timedelta(hours=26))
    storage.faults.fail_once("rows Outbox")
    with pytest.raises(Unreachable):
        _user_function(schedules.report_night)(_TIMER)
    _user_function(schedules.resume_cases)(_TIMER)
    assert [signal for _, signal in made.pagerduty.signals] == [Signal.RESOLVE]
