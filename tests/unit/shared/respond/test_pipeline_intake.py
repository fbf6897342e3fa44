"""From records to cases, and what the timer takes up again."""

import json
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import ALICE, B2C_TENANT, MALLORY, TRUDY
from shared.clients.storage import Storage
from shared.clients.storage_names import CASES_QUEUE, Container, Table
from shared.detect.fields import Audit
from shared.ingest.intake import take_in
from shared.model.cases import Decision, Outcome, State
from shared.model.conditions import all_of
from shared.model.errors import EdgeError, Unreachable
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import ObjectId, Objection
from shared.notify.messages import PageMessage
from shared.respond.pipeline import answer
from shared.respond.reconcile import BUSY
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import LAMP, Lamps, bell_record, lamp_record, raw
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)


@pytest.fixture
def lit(memory: MemoryStorage) -> Bench:
    return ready_bench(memory)


@pytest.fixture
def belled(memory: MemoryStorage) -> Bench:
    """Give one that also has a detection of what changes no guarded object."""
    return _belled(memory)


def _belled(storage: Storage) -> Bench:
    lamps = Lamps()
    return ready_bench(storage, lamps=lamps, detections=(lamps.detection(), lamps.bell()))


@pytest.fixture
def spoilt(memory: MemoryStorage) -> SpoiltStorage:
    return SpoiltStorage(memory)


def _kept(ready: Bench) -> list[bytes | None]:
    names = ready.storage.blob_names(Container.QUARANTINE, "")
    return [ready.storage.blob(Container.QUARANTINE, name) for name in names]


# Records.


def test_a_batch_is_counted(lit: Bench) -> None:
    other = lamp_record(activityDisplayName="Change lampshade")
    failed = lamp_record(result="failure")
    intake = take_in(lit.runtime, raw(lamp_record(), lamp_record(TRUDY), other, failed), tenant_id=TENANT)
    assert (intake.records, intake.matches, intake.opened, intake.unreadable) == (4, 2, 2, 0)
    assert {case.actor.id for case in lit.answer_all()} == {MALLORY.id, TRUDY.id}


def test_a_record_that_meets_two_detections_is_two_cases(memory: MemoryStorage) -> None:
    lamps = Lamps()
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.bell(), lamps.bell(id="bell-heard")))
    assert ready.take_in(bell_record()).opened == 2
    assert {case.detection for case in ready.answer_all()} == {"bell-rung", "bell-heard"}


def test_a_change_of_a_guarded_object_that_meets_two_detections_is_one_case_that_names_both(
    memory: MemoryStorage,
) -> None:
    lamps = Lamps()
    seen = lamps.detection(id="lamp-seen", remediation=None)
    ready = ready_bench(memory, lamps=lamps, detections=(seen, lamps.detection()))
    assert ready.take_in(lamp_record()).opened == 1
    (case,) = ready.answer_all()
    assert (case.detection, set(case.detections)) == ("lamp-switched", {"lamp-switched", "lamp-seen"})
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE)


def test_a_change_that_no_detection_matches_is_known_and_opens_no_case(memory: MemoryStorage) -> None:
    """What Alice changed counts as hers, or what stands would be nobody's."""
    lamps = Lamps()
    when = all_of(Audit.activity.is_("Switch lamp"), Audit.outcome.is_("success"), Audit.target.is_("another lamp"))
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.detection(when=when),))
    ready.take_in(lamp_record(ALICE))
    assert ready.answer_all() == []
    (change,) = ready.runtime.objects.changes(ready.only_object().id)
    assert (change.actor.id, change.detections) == (ALICE.id, ())


def test_records_that_are_one_case_by_a_field_page_once_an_hour(memory: MemoryStorage) -> None:
    lamps = Lamps()
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.detection(one_case_by=(Audit.target,)),))
    minutes = [0, 3, 20, 66]
    ready.take_in(*(lamp_record(at=NOW - minute * _MINUTE) for minute in minutes))
    ready.take_in(*(lamp_record(TRUDY, at=NOW - minute * _MINUTE) for minute in minutes))
    ready.take_in(lamp_record(lamp="another lamp"))
    assert len(ready.cases()) == 4, "of three hours, and of the other lamp"
    assert [case.target.id for case in ready.cases()].count(LAMP) == 3


_UNREADABLE: Final = (
    b"not json at all",
    b"\xff\xfe\x00",
    b'{"activityDisplayName": "Switch lamp", "activityDateTime": "yesterday"}',
    b'{"some": "other record"}',
)


@pytest.mark.parametrize("record", _UNREADABLE)
def test_an_unreadable_record_is_kept_byte_for_byte_told_once_an_hour_and_stops_nothing(
    lit: Bench, record: bytes
) -> None:
    batch = b"[" + record + b"," + json.dumps(lamp_record()).encode() + b"]"
    for _ in range(3):
        intake = take_in(lit.runtime, batch, tenant_id=TENANT)
        assert intake.unreadable >= 1
    assert len(lit.answer_all()) == 1
    assert record in b" ".join(kept for kept in _kept(lit) if kept)
    assert len(lit.teams.system_notices) == len(lit.pagerduty.system_notices) == 1
    lit.clock.move(10 * _MINUTE)
    take_in(lit.runtime, b"another broken one", tenant_id=TENANT)
    assert len(lit.teams.system_notices) == 1
    lit.clock.move(60 * _MINUTE)
    take_in(lit.runtime, b"a third broken one", tenant_id=TENANT)
    assert len(lit.teams.system_notices) == 2
    counts = [row.columns["count"] for row in lit.storage.rows(Table.CURSORS, "PartitionKey eq 'quarantine'")]
    assert sum(counts) == len(_kept(lit))


@pytest.mark.parametrize("operation", ["insert Outbox", "keep quarantine"])
def test_an_unreadable_record_is_told_of_although_storage_fails_first(spoilt: SpoiltStorage, operation: str) -> None:
    ready = ready_bench(spoilt)
    spoilt.faults.fail_once(operation)
    with pytest.raises(Unreachable):
        take_in(ready.runtime, b"not json at all", tenant_id=TENANT)
    take_in(ready.runtime, b"not json at all", tenant_id=TENANT)
    assert len(ready.teams.system_notices) == 1
    assert _kept(ready) == [b"not json at all"]


def test_a_record_of_a_tenant_that_is_no_id_is_kept_apart_and_stops_nothing(lit: Bench) -> None:
    """Its name would be part of a key that storage refuses, time and again."""
    tenants = ("a/b", "a\\b", "what?", "a#b", "\0", "x" * 2_000, "contoso.example")
    records = [_as_streamed(lamp_record(), tenant) for tenant in tenants]
    intake = lit.take_in(*records, lamp_record(TRUDY))
    assert (intake.unreadable, intake.opened) == (len(tenants), 1)
    assert len(_kept(lit)) == len(tenants)


def _as_streamed(record: Image, tenant: str) -> Image:
    return {
        "time": record["activityDateTime"],
        "operationName": record["activityDisplayName"],
        "category": "AuditLogs",
        "tenantId": tenant,
        "correlationId": record["correlationId"],
        "properties": record,
    }


_NAMES: Final = {
    "control characters": "\0\x1b[2J\r\n",
    "half a character": "\ud800",
    "long": "x" * 100_000,
    "many bytes": "\U0001f4a1" * 3_000,
    "a query": "' or '1' eq '1",
    "turns the line round": "\u202e",
    "places to fill": "{case}%s{0}",
}


@pytest.mark.parametrize("name", _NAMES.values(), ids=list(_NAMES))
def test_whatever_a_lamp_is_called_its_case_comes_to_its_end(storage: Storage, name: str) -> None:
    lit = ready_bench(storage)
    switched: Image = {"displayName": "state", "oldValue": '"on"', "newValue": '"off"'}
    properties: list[Image] = [switched, {"displayName": name, "oldValue": name, "newValue": name}]
    target: Image = {"id": LAMP, "displayName": name, "type": name, "modifiedProperties": properties}
    actor: Image = {"user": {"id": MALLORY.id, "userPrincipalName": name, "ipAddress": name}}
    record = lamp_record(targetResources=[target], initiatedBy=actor)
    lit.take_in(record)
    (case,) = lit.answer_all()
    assert (case.decision, case.outcome, case.state) == (Decision.REMEDIATE, Outcome.DONE, State.CLOSED)
    lit.take_in(record)
    assert len(lit.cases()) == 1


_VALUES: Final = {
    "control characters": "\0\x1b[2J\r\n",
    "many bytes": "\U0001f4a1" * 3_000,
    "long": "x" * 100_000,
    "a query": "' or '1' eq '1",
}


@pytest.mark.parametrize("value", _VALUES.values(), ids=list(_VALUES))
def test_whatever_a_lamp_was_switched_to_it_is_put_back(storage: Storage, value: str) -> None:
    lit = ready_bench(storage)
    lit.lamps.state[LAMP] = value
    switched: Image = {"displayName": "state", "oldValue": '"on"', "newValue": json.dumps(value)}
    lit.take_in(lamp_record(targetResources=[{"id": LAMP, "type": "Other", "modifiedProperties": [switched]}]))
    (case,) = lit.answer_all()
    assert (case.decision, case.outcome, case.state) == (Decision.REMEDIATE, Outcome.DONE, State.CLOSED)
    assert lit.lamps.state[LAMP] == "on"


@pytest.mark.parametrize("operation", ["keep evidence", "insert Cases", "enqueue"])
def test_a_batch_whose_case_could_not_be_opened_is_to_be_delivered_again(spoilt: SpoiltStorage, operation: str) -> None:
    ready = _belled(spoilt)
    spoilt.faults.fail_once(operation)
    with pytest.raises(EdgeError):
        ready.take_in(bell_record(), bell_record(TRUDY))
    ready.take_in(bell_record(), bell_record(TRUDY))
    assert {case.actor.id for case in ready.cases()} == {MALLORY.id, TRUDY.id}


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("operation", ["keep evidence", "upsert Due", "insert Changes", "enqueue"])
def test_a_batch_whose_change_could_not_be_stored_is_to_be_delivered_again(
    spoilt: SpoiltStorage, operation: str, how: str
) -> None:
    ready = ready_bench(spoilt)
    spoilt.faults.fail_once(operation, how)
    with pytest.raises(EdgeError):
        ready.take_in(lamp_record(), lamp_record(TRUDY))
    ready.take_in(lamp_record(), lamp_record(TRUDY))
    ready.clock.move(2 * _MINUTE)
    resume(ready.runtime)
    assert {case.actor.id for case in ready.answer_all()} == {MALLORY.id, TRUDY.id}
    records = [ready.runtime.ledger.record_of(case) for case in ready.cases()]
    assert all(MALLORY.id.encode() in one or TRUDY.id.encode() in one for one in records)


def test_a_change_is_noted_as_due_before_it_is_stored_where_a_log_is_read_again(spoilt: SpoiltStorage) -> None:
    """A known change is passed over then, so nothing but the note would bring its object up."""
    ready = ready_bench(spoilt)
    spoilt.faults.log.clear()
    ready.take_in(lamp_record())
    writes = [one for one in spoilt.faults.log if one in {"keep evidence", "upsert Due", "insert Changes", "enqueue"}]
    assert writes == ["keep evidence", "upsert Due", "insert Changes", "enqueue"]


# What the timer takes up.


def _messages(storage: Storage) -> list[dict[str, str]]:
    taken = storage.take_messages(CASES_QUEUE, most=32, hidden_for=_MINUTE)
    return [msgspec.json.decode(message.body) for message in taken]


def test_cases_that_nobody_holds_are_queued_again_in_every_tenant(storage: Storage) -> None:
    ready = _belled(storage)
    ready.take_in(bell_record())
    ready.take_in(bell_record(), tenant_id=B2C_TENANT)
    assert resume(ready.runtime) == 0, "the queue is given time first"
    assert len(_messages(storage)) == 2
    ready.clock.move(_MINUTE)
    assert resume(ready.runtime) == 0, "their messages wait in the queue"
    ready.clock.move(15 * _MINUTE)
    assert resume(ready.runtime) == 2


def test_an_object_whose_message_was_lost_is_looked_at_by_the_timer(storage: Storage) -> None:
    ready = ready_bench(storage)
    ready.take_in(lamp_record())
    assert [message["about"] for message in _messages(storage)] == ["object"]
    ready.clock.move(_MINUTE)
    assert resume(ready.runtime) == 0, "the queue is given time first"
    assert ready.lamps.writes == []
    ready.clock.move(_MINUTE)
    assert resume(ready.runtime) == 1
    assert ready.lamps.writes == ["set on"]
    assert resume(ready.runtime) == 0, "it is done with"


def test_an_object_that_waits_is_looked_at_and_its_case_is_not_queued(lit: Bench) -> None:
    """Whoever answered such a case by itself would close it, and nobody would put the lamp back."""
    lit.lamps.objection = Objection(guard="dark", because="somebody may stumble", can_pass=True)
    lit.take_in(lamp_record())
    (case,) = lit.answer_all()
    assert (case.outcome, case.is_open) == (Outcome.PENDING, True)
    lit.clock.move(60 * _MINUTE)
    queued = lit.runtime.storage.queue_length()
    assert resume(lit.runtime) == 1, "the object"
    assert lit.runtime.storage.queue_length() == queued
    assert answer(lit.runtime, TENANT, case.id) is None
    assert lit.only_case().is_open


def test_a_case_that_was_put_off_is_in_the_queue_again(storage: Storage) -> None:
    spoilt = SpoiltStorage(storage)
    ready = _belled(spoilt)
    ready.take_in(bell_record())
    assert len(_messages(storage)) == 1
    spoilt.faults.fail("blob evidence")
    case = answer(ready.runtime, TENANT, ready.only_case().id)
    assert case is not None
    assert case.is_open
    assert storage.queue_length() == 2


def test_nothing_to_do_for_a_case_that_is_unknown_or_held(belled: Bench) -> None:
    belled.take_in(bell_record())
    case = belled.only_case()
    assert answer(belled.runtime, TENANT, "20260302-ffffffffffffffffffff") is None
    assert belled.runtime.ledger.claim(TENANT, case.id) is not None
    assert answer(belled.runtime, TENANT, case.id) is None
    assert belled.teams.tried == 0


def test_nothing_to_do_for_an_object_that_is_held_but_to_look_again_soon(lit: Bench) -> None:
    lit.take_in(lamp_record())
    looked = len(lit.lamps.calls)
    held = lit.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    lit.answer_queue()
    assert lit.lamps.writes == []
    assert lit.cases() == []
    lit.runtime.leases.release(held)
    lit.clock.move(BUSY)
    assert resume(lit.runtime) == 1
    assert lit.lamps.writes == ["set on"]
    assert len(lit.lamps.calls) > looked


@pytest.mark.parametrize("about", ["another object", "another tenant"])
def test_nothing_to_do_for_an_object_that_nobody_knows(lit: Bench, about: str) -> None:
    tenant_id = TENANT if about == "another object" else "99999999-7a18-4f93-9c25-e81f60a7b3d2"
    unknown = ObjectId(tenant_id=tenant_id, kind=ObjectKind.CA_POLICY, key="f" * 32)
    lit.runtime.due.note(unknown, lit.clock())
    calls = len(lit.lamps.calls)
    resume(lit.runtime)
    assert lit.runtime.due.ready(lit.clock(), 10) == [], "its note is done with"
    assert len(lit.lamps.calls) == calls


def test_a_run_that_lost_its_lease_stops_before_it_writes_anything_more(memory: MemoryStorage) -> None:
    """Another run took the case over while this one waited for its turn."""
    spoilt = SpoiltStorage(memory)
    ready = _belled(spoilt)
    ready.take_in(bell_record())
    case = ready.only_case()

    def overtaken(operation: str) -> str:
        if operation == "blob evidence":
            spoilt.faults.heal()
            ready.clock.move(3 * _MINUTE)
            answer(ready.runtime, TENANT, case.id)
        return ""

    spoilt.faults.spoil = overtaken
    answer(ready.runtime, TENANT, case.id)
    closed = ready.only_case()
    assert (closed.attempts, closed.decision, closed.state) == (2, Decision.PAGE, State.CLOSED)
    assert len(ready.teams.sent) == 1


def test_a_run_over_an_object_that_was_overtaken_stops_before_it_writes_anything_more(lit: Bench) -> None:
    lit.take_in(lamp_record())

    def overtaken(_number: int, call: str) -> None:
        if call == "look":
            lit.lamps.spoil = lambda _n, _c: None
            lit.clock.move(3 * _MINUTE)
            resume(lit.runtime)

    lit.lamps.spoil = overtaken
    lit.answer_queue()
    assert lit.lamps.writes == ["set on"]
    assert lit.only_case().outcome is Outcome.DONE
    assert len(lit.teams.sent) == 1


def test_a_run_whose_write_waited_longer_than_its_lease_does_not_send_it(lit: Bench) -> None:
    lit.take_in(lamp_record())

    def overtaken() -> None:
        lit.lamps.while_waiting = lambda: None
        lit.clock.move(3 * _MINUTE)
        resume(lit.runtime)

    lit.lamps.while_waiting = overtaken
    lit.answer_queue()
    assert lit.lamps.writes == ["set on"]
    assert lit.only_case().outcome is Outcome.DONE
    assert len(lit.teams.sent) == 1


def test_a_case_whose_detection_is_gone_is_paged_and_closed(memory: MemoryStorage) -> None:
    before = _belled(memory)
    before.take_in(bell_record())
    after = ready_bench(memory)
    case = after.answer_until_closed()
    assert (case.decision, case.outcome) == (Decision.PAGE, Outcome.FAILED)
    assert "no longer in the catalogue" in case.because
    assert [sent.detection for sent in after.pagerduty.sent] == ["bell-rung"]


def test_a_change_whose_detection_is_gone_is_paged_and_left(memory: MemoryStorage) -> None:
    before = ready_bench(memory)
    before.take_in(lamp_record())
    after = bench(memory, lamps=before.lamps, detections=(before.lamps.bell(),), clock=before.clock)
    (case,) = after.answer_all()
    assert (case.decision, case.state) == (Decision.PAGE, State.CLOSED)
    assert "no longer in the catalogue" in case.because
    assert [sent.detection for sent in after.pagerduty.sent] == ["lamp-switched"]
    assert after.lamps.writes == []


def _lose_evidence(ready: Bench) -> None:
    storage = ready.storage
    assert isinstance(storage, MemoryStorage)
    storage.containers[Container.EVIDENCE].clear()


def test_a_case_whose_evidence_is_gone_is_paged(belled: Bench) -> None:
    belled.take_in(bell_record())
    _lose_evidence(belled)
    case = belled.answer_until_closed()
    assert (case.decision, case.outcome) == (Decision.PAGE, Outcome.FAILED)
    assert "the evidence of case" in case.because
    assert len(belled.pagerduty.sent) == 1


def test_a_page_that_waits_is_sent_with_the_changes_of_its_case(lit: Bench) -> None:
    lit.teams.failing = Unreachable("cut")
    lit.take_in(lamp_record())
    lit.answer_all()
    lit.teams.failing = None
    lit.clock.move(_MINUTE)
    resume(lit.runtime)
    (sent,) = lit.teams.sent
    assert [(change.old, change.new) for change in sent.case.target.changes] == [("on", "off")]


def test_a_page_of_a_case_whose_evidence_is_gone_is_sent_without_them(lit: Bench) -> None:
    lit.teams.failing = Unreachable("cut")
    lit.take_in(lamp_record())
    lit.answer_all()
    _lose_evidence(lit)
    lit.teams.failing = None
    lit.clock.move(_MINUTE)
    resume(lit.runtime)
    assert len(lit.teams.sent) == 1


def test_a_page_that_cannot_be_made_keeps_no_other_back(belled: Bench) -> None:
    belled.teams.failing = Unreachable("cut")
    belled.take_in(bell_record(MALLORY), bell_record(TRUDY))
    first, second = belled.answer_all()

    def spoil(message: PageMessage) -> None:
        if message.changes[0].case_id == first.id:
            raise ZeroDivisionError

    belled.teams.failing, belled.teams.spoil = None, spoil
    belled.clock.move(_MINUTE)
    with pytest.raises(ZeroDivisionError):
        resume(belled.runtime)
    assert belled.teams.addressed() == [(second.id, "", 0)]


def test_a_page_that_nobody_acknowledges_is_escalated_by_the_timer_until_somebody_does(lit: Bench) -> None:
    lit.runtime.controls.stop(by="a test", reason="a test")
    lit.take_in(lamp_record())
    (case,) = lit.answer_all()
    assert (lit.teams.addressed(), lit.pagerduty.addressed()) == ([(case.id, "", 0)], [(case.id, "", 0)])
    lit.clock.move(15 * _MINUTE)
    resume(lit.runtime)
    resume(lit.runtime)
    assert [place for *_, place in lit.teams.addressed()] == [0, 1]
    lit.runtime.notifier.acknowledge(lit.only_case(), by="Carol Chen")
    lit.clock.move(15 * _MINUTE)
    resume(lit.runtime)
    assert [place for *_, place in lit.teams.addressed()] == [0, 1]


_OF_A_LATER_VERSION: Final = ('"state":"closed"', '"state":"a state of a later version"')


def test_what_cannot_be_read_or_reached_keeps_nothing_else_from_being_resumed(memory: MemoryStorage) -> None:
    """After a roll-back a row may have a word that this version doesn't know."""
    ready = _belled(SpoiltStorage(memory))
    ready.take_in(bell_record(MALLORY), bell_record(TRUDY))
    first, second = ready.answer_all()
    ready.take_in(bell_record(activityDateTime="2026-03-02T11:00:00Z", correlationId="another"))
    for row in memory.rows(Table.CASES, "PartitionKey ge @first", first=TENANT):
        if row.key == first.id:
            changed = {**row.columns, "open": True, "case": row.columns["case"].replace(*_OF_A_LATER_VERSION)}
            memory.upsert(Table.CASES, row.partition, row.key, changed)
    memory.upsert(Table.CASES, f"{TENANT}|lists", f"open|{first.id}", {"object": False})
    sent, queued = len(ready.teams.sent), memory.queue_length(CASES_QUEUE)
    ready.clock.move(15 * _MINUTE)
    for _ in range(2):
        resume(ready.runtime)
    assert memory.queue_length(CASES_QUEUE) == queued + 1
    assert sorted(one.case_ids[0] for one in ready.teams.sent[sent:]) == sorted([first.id, second.id])
    (system_notice,) = ready.teams.system_notices
    assert first.id in system_notice.text


def test_a_row_of_the_outbox_that_cannot_be_read_keeps_no_page_back(belled: Bench) -> None:
    belled.teams.failing = Unreachable("cut")
    belled.take_in(bell_record(MALLORY), bell_record(TRUDY))
    _, second = belled.answer_all()
    (broken, _) = belled.storage.rows(Table.OUTBOX, "open eq true")
    later = broken.columns["page"].replace('"teams"', '"a channel of a later version"')
    belled.storage.upsert(Table.OUTBOX, broken.partition, broken.key, {**broken.columns, "page": later})
    belled.teams.failing = None
    for _ in range(3):
        belled.clock.move(_MINUTE)
        resume(belled.runtime)
    (sent,) = belled.teams.addressed()
    assert (broken.key in belled.teams.system_notices[0].text, len(belled.teams.system_notices)) == (True, 1)
    belled.storage.upsert(Table.OUTBOX, broken.partition, broken.key, broken.columns)
    resume(belled.runtime)
    assert len(belled.teams.sent) == 2, "a person put it right"
    assert second.id in {sent[0], belled.teams.sent[-1].case_ids[0]}


def test_cases_that_nobody_answers_have_one_message_each(memory: MemoryStorage) -> None:
    ready = _belled(memory)
    ready.take_in(*(bell_record(at=NOW - number * timedelta(seconds=1)) for number in range(50)))
    assert len(ready.cases()) == 50
    for _ in range(10):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    assert memory.queue_length(CASES_QUEUE) == 50


def test_a_case_whose_run_died_is_queued_again_once(memory: MemoryStorage) -> None:
    ready = _belled(memory)
    ready.take_in(bell_record())
    case = ready.only_case()
    memory.queues[CASES_QUEUE].clear()
    assert ready.runtime.ledger.claim(case.tenant_id, case.id) is not None
    for _ in range(15):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    assert memory.queue_length(CASES_QUEUE) == 1


def test_a_case_whose_message_was_lost_is_queued_again_after_a_while(memory: MemoryStorage) -> None:
    ready = _belled(memory)
    ready.take_in(bell_record())
    memory.queues[CASES_QUEUE].clear()
    for _ in range(16):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    assert memory.queue_length(CASES_QUEUE) == 1


def test_that_a_case_is_queued_could_not_be_noted_and_it_is_queued_once_more(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    ready = _belled(spoilt)
    spoilt.faults.fail_once("upsert Cases")
    assert ready.take_in(bell_record()).opened == 1
    for _ in range(10):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
    assert memory.queue_length(CASES_QUEUE) == 2
