"""The ledger: no case is lost, none is answered twice, whatever fails and whoever else runs."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT
from shared.authority.approvals import TableApprovals
from shared.authority.standing import Malformed
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import CASES_QUEUE, Container, Table
from shared.model.cases import Case, Decision, Outcome, State, case_id
from shared.model.errors import LeaseLost, Rejected, Unreachable
from shared.model.events import Actor, AuditEvent, Change, Target
from shared.model.kinds import ApprovalList, ObjectKind
from shared.model.objects import ObjectId
from shared.respond.ledger import Ledger
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import AT, LAMP, actor_of, lamp_event
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_DETECTION: Final = "lamp-switched"
_RECORD: Final = b'{"activityDisplayName":"Switch lamp"}'
_LEASE: Final = timedelta(seconds=120)
_TENANT: Final = WORKFORCE_TENANT


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(storage: Storage, clock: FakeClock) -> Ledger:
    return Ledger(storage, storage, clock=clock, lease=_LEASE)


def _messages(storage: Storage) -> list[dict[str, str]]:
    """Take what the queue holds and may be seen now."""
    taken = storage.take_messages(CASES_QUEUE, most=32, hidden_for=_LEASE)
    return [msgspec.json.decode(message.body) for message in taken]


def _opened(ledger: Ledger, event: AuditEvent | None = None) -> Case:
    case = ledger.open(_DETECTION, event or lamp_event(), _RECORD)
    assert case is not None
    return case


# Opening.


def test_a_case_has_its_evidence_its_row_and_its_message(storage: Storage, ledger: Ledger) -> None:
    case = _opened(ledger)
    assert ledger.record_of(case) == _RECORD
    assert ledger.case(_TENANT, case.id) == msgspec.structs.replace(
        case, target=Target(id=LAMP, name=case.target.name, kind="Other")
    )
    assert _messages(storage) == [{"about": "case", "tenant_id": _TENANT, "case_id": case.id}]
    assert storage.blob_names(Container.EVIDENCE, f"{_TENANT}/{case.id}/") == [case.record]


def test_evidence_comes_before_the_row_and_the_row_before_the_message(storage: Storage) -> None:
    spoilt = SpoiltStorage(storage)
    _opened(Ledger(spoilt, spoilt, clock=FakeClock(), lease=_LEASE))
    writes = [entry for entry in spoilt.faults.log if not entry.startswith("row")]
    assert writes == ["keep evidence", "write Cases", "insert Cases", "enqueue", "upsert Cases"]


def _never(row: Row) -> None:
    raise AssertionError(row)


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("operation", ["keep evidence", "write Cases", "insert Cases", "enqueue"])
def test_a_case_whose_opening_failed_is_completed_by_the_next_delivery_or_resumed(
    storage: Storage, operation: str, how: str
) -> None:
    spoilt, clock = SpoiltStorage(storage), FakeClock()
    ledger = Ledger(spoilt, spoilt, clock=clock, lease=_LEASE)
    spoilt.faults.fail_once(operation, how)
    with pytest.raises(Unreachable):
        ledger.open(_DETECTION, lamp_event(), _RECORD)
    again = ledger.open(_DETECTION, lamp_event(), _RECORD)
    clock.move(timedelta(seconds=31))
    waiting = [*ledger.unfinished(_TENANT, unreadable=_never)]
    name = case_id(_TENANT, _DETECTION, lamp_event())
    assert [case.id for case in waiting] == ([name] if again is None else []), "a message waits, or the timer sends one"
    if again is not None:
        assert len(_messages(storage)) == 1
    (case,) = ledger.cases(_TENANT)
    assert ledger.record_of(case) == _RECORD


def test_the_same_record_opens_one_case(storage: Storage, ledger: Ledger) -> None:
    case = _opened(ledger)
    assert [ledger.open(_DETECTION, lamp_event(), _RECORD) for _ in range(3)] == [None] * 3
    assert [one.id for one in ledger.cases(_TENANT)] == [case.id]
    assert len(_messages(storage)) == 1


def test_the_same_record_opens_one_case_in_many_threads_at_once(storage: Storage, ledger: Ledger) -> None:
    _opened(ledger, lamp_event(id="warm", correlation_id="warm"))
    with ThreadPoolExecutor(20) as pool:
        opened = list(pool.map(ledger.open, [_DETECTION] * 20, [lamp_event()] * 20, [_RECORD] * 20))
    assert len([case for case in opened if case]) == 1
    assert len(_messages(storage)) == 2


def test_another_detection_or_target_of_the_same_record_is_another_case(ledger: Ledger) -> None:
    first = _opened(ledger)
    other_target = ledger.open(_DETECTION, lamp_event(targets=(Target(id="another lamp"),)), _RECORD)
    other_detection = ledger.open("lamp-stolen", lamp_event(), _RECORD)
    assert other_target is not None
    assert other_detection is not None
    assert len({first.id, other_target.id, other_detection.id}) == 3


def test_a_twin_record_of_the_same_action_is_the_same_case_and_kept_as_evidence(
    storage: Storage, ledger: Ledger
) -> None:
    """Azure AD B2C writes two records of one change, 50 ms apart, with ids and categories of their own."""
    case = _opened(ledger)
    twin = lamp_event(id="Lamps_2", category="Authorization", at=AT + timedelta(milliseconds=50))
    assert ledger.open(_DETECTION, twin, b"{}") is None
    assert len(storage.blob_names(Container.EVIDENCE, f"{_TENANT}/{case.id}/")) == 2


@given(at=st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_a_case_is_named_for_its_day(at: datetime) -> None:
    assert case_id(_TENANT, _DETECTION, lamp_event(at=at)).startswith(f"{at:%Y%m%d}-")


# Whoever makes a request chooses its correlation id, so nothing is hidden behind another by it.


def _answered(ledger: Ledger, case: Case, clock: FakeClock) -> None:
    leased = ledger.claim(case.tenant_id, case.id)
    assert leased is not None
    ledger.move(leased, state=State.CLOSED, decided_at=clock(), closed_at=clock(), lease_until=None)


_OTHERS: Final[dict[str, dict[str, Any]]] = {
    "a second later": {"at": AT + timedelta(seconds=1)},
    "by another actor": {"actor": actor_of(ALICE)},
    "with another value": {
        "targets": (Target(id=LAMP, kind="Other", changes=(Change(name="state", old="on", new="red"),)),)
    },
    "another activity": {"activity": "Break lamp"},
    "with a second target": {"targets": (Target(id=LAMP, kind="Other"), Target(id="another lamp"))},
    "that failed": {"outcome": "failure"},
}


@pytest.mark.parametrize("difference", _OTHERS.values(), ids=_OTHERS)
def test_another_action_with_the_correlation_id_of_a_case_is_another_case(
    ledger: Ledger, difference: dict[str, Any]
) -> None:
    first = _opened(ledger)
    other = _opened(ledger, lamp_event(id="Lamps_2", **difference))
    assert other.id != first.id


def test_a_record_that_comes_again_hours_after_its_case_was_closed_opens_none(ledger: Ledger, clock: FakeClock) -> None:
    _answered(ledger, _opened(ledger), clock)
    clock.move(timedelta(hours=5))
    assert ledger.open(_DETECTION, lamp_event(id="from the archive"), b"{}") is None


# Records of an hour that are one case.


def _at(minute: int, **differences: Any) -> AuditEvent:  # noqa: ANN401 - the fields of an event
    """Give the event of a minute of the first hour of a day, with ids of its own."""
    at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minute)
    return lamp_event(id=f"Lamps_{minute}", correlation_id=f"c{minute}", at=at, **differences)


@settings(max_examples=25)
@given(minutes=st.lists(st.integers(-60, 119), min_size=1, max_size=12), values=st.sampled_from([("a",), ("a", "")]))
def test_records_of_an_hour_with_the_same_values_are_one_case_in_whatever_order(
    minutes: list[int], values: tuple[str, ...]
) -> None:
    storage = MemoryStorage()
    storage.create_all()
    ledger = Ledger(storage, storage, clock=FakeClock(), lease=_LEASE)
    opened = [ledger.open(_DETECTION, _at(minute), str(minute).encode(), one_by=values) for minute in minutes]
    first_of_each = {minute // 60: f"Lamps_{minute}" for minute in reversed(minutes)}
    cases = ledger.cases(_TENANT, since=AT - timedelta(days=2))
    assert {case.event_id for case in cases} == set(first_of_each.values())
    assert len([case for case in opened if case]) == len(cases) == storage.queue_length()
    assert len(storage.blob_names(Container.EVIDENCE, "")) == len(cases)
    assert all(case.id.startswith(f"{case.at:%Y%m%d}-") for case in cases)


def test_other_values_or_another_detection_of_an_hour_are_other_cases(ledger: Ledger) -> None:
    ways = [(_DETECTION, ("a", "b")), (_DETECTION, ("ab", "")), (_DETECTION, ("a",)), ("lamp-stolen", ("a", "b"))]
    cases = [ledger.open(detection, _at(5), _RECORD, one_by=values) for detection, values in ways]
    assert len({case.id for case in cases if case}) == len(ways)
    assert [ledger.open(detection, _at(9), _RECORD, one_by=values) for detection, values in ways] == [None] * 4


def test_a_case_of_an_hour_takes_records_of_anybody_and_after_it_was_decided(ledger: Ledger, clock: FakeClock) -> None:
    case = ledger.open(_DETECTION, _at(5, actor=actor_of(ALICE)), _RECORD, one_by=("a",))
    assert case is not None
    _answered(ledger, case, clock)
    assert ledger.open(_DETECTION, _at(55), _RECORD, one_by=("a",)) is None
    assert len(ledger.cases(_TENANT)) == 1


def test_many_threads_open_the_case_of_an_hour_once(storage: Storage, ledger: Ledger) -> None:
    _opened(ledger, lamp_event(id="warm", correlation_id="warm"))

    def opening(minute: int) -> Case | None:
        return ledger.open(_DETECTION, _at(minute), _RECORD, one_by=("a",))

    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(opening, range(20)))
    assert len([case for case in opened if case]) == 1
    assert len(_messages(storage)) == 2


# Claiming and moving.


def test_one_of_many_gets_the_lease(ledger: Ledger) -> None:
    case = _opened(ledger)
    with ThreadPoolExecutor(20) as pool:
        claims = list(pool.map(ledger.claim, [_TENANT] * 20, [case.id] * 20))
    assert Counter(leased is not None for leased in claims) == {True: 1, False: 19}


def test_a_lease_that_ran_out_is_handed_over_and_the_former_holder_stops(ledger: Ledger, clock: FakeClock) -> None:
    case = _opened(ledger)
    first = ledger.claim(_TENANT, case.id)
    assert first is not None
    clock.move(_LEASE - timedelta(seconds=1))
    assert ledger.claim(_TENANT, case.id) is None
    clock.move(timedelta(seconds=1))
    second = ledger.claim(_TENANT, case.id)
    assert second is not None
    assert second.case.attempts == 2
    with pytest.raises(LeaseLost, match=case.id):
        ledger.move(first, state=State.DECIDED)
    moved = ledger.move(second, state=State.DECIDED, because="the second run")
    assert ledger.case(_TENANT, case.id) == moved.case


def test_each_move_renews_the_lease(ledger: Ledger, clock: FakeClock) -> None:
    leased = ledger.claim(_TENANT, _opened(ledger).id)
    assert leased is not None
    clock.move(_LEASE - timedelta(seconds=1))
    leased = ledger.move(leased, state=State.DECIDED)
    clock.move(_LEASE - timedelta(seconds=1))
    assert ledger.claim(_TENANT, leased.case.id) is None


def test_a_new_case_is_free_at_once_and_a_closed_or_unknown_one_is_not(ledger: Ledger, clock: FakeClock) -> None:
    case = _opened(ledger)
    assert ledger.claim(_TENANT, "20260302-ffffffffffffffffffff") is None
    assert ledger.claim("another tenant", case.id) is None
    _answered(ledger, case, clock)
    clock.move(timedelta(hours=1))
    assert ledger.claim(_TENANT, case.id) is None


def test_a_row_that_is_gone_stops_its_holder(storage: Storage, ledger: Ledger) -> None:
    leased = ledger.claim(_TENANT, _opened(ledger).id)
    assert leased is not None
    storage.delete_table(Table.CASES)
    storage.create_all()
    with pytest.raises(LeaseLost):
        ledger.move(leased, state=State.DECIDED)


def test_unfinished_are_open_cases_that_nobody_holds(ledger: Ledger, clock: FakeClock) -> None:
    new = _opened(ledger, lamp_event(id="1", correlation_id="1"))
    claimed = _opened(ledger, lamp_event(id="2", correlation_id="2"))
    done = _opened(ledger, lamp_event(id="3", correlation_id="3"))
    ledger.claim(_TENANT, claimed.id)
    _answered(ledger, done, clock)
    assert [*ledger.unfinished(_TENANT, unreadable=_never)] == []
    clock.move(_LEASE)
    assert [case.id for case in ledger.unfinished(_TENANT, unreadable=_never)] == [claimed.id], "a message of it waits"
    clock.move(timedelta(minutes=15))
    assert {case.id for case in ledger.unfinished(_TENANT, unreadable=_never)} == {new.id, claimed.id}
    assert [*ledger.unfinished("another tenant", unreadable=_never)] == []


def test_a_case_of_a_guarded_object_is_neither_claimed_nor_unfinished(ledger: Ledger, clock: FakeClock) -> None:
    """It stays open while its object waits; whoever took it for one without an object would close it."""
    change = msgspec.structs.replace(_opened(ledger), id="20260302-00000000000000000001", object_key="0" * 32)
    leased = ledger.open_change(change)
    ledger.move(leased, state=State.ACTED, outcome=Outcome.PENDING, lease_until=None)
    clock.move(timedelta(hours=1))
    assert ledger.claim(_TENANT, change.id) is None
    assert change.id not in {case.id for case in ledger.unfinished(_TENANT, unreadable=_never)}
    assert ledger.open_change(change).case.outcome is Outcome.PENDING, "it is there, and as it was left"


# Acknowledging.


def test_the_first_who_acknowledges_stays(ledger: Ledger, clock: FakeClock) -> None:
    case = _opened(ledger)
    first = ledger.acknowledge(case, by="Carol Chen")
    clock.move(timedelta(minutes=1))
    second = ledger.acknowledge(case, by="Somebody else")
    assert (first.acknowledged_by, first.acknowledged_at) == ("Carol Chen", NOW)
    assert second == first
    assert ledger.case(_TENANT, case.id) == first


def test_acknowledging_keeps_what_the_run_wrote(ledger: Ledger) -> None:
    case = _opened(ledger)
    leased = ledger.claim(_TENANT, case.id)
    assert leased is not None
    ledger.move(leased, state=State.ACTED, decision=Decision.REMEDIATE, outcome=Outcome.DONE)
    acknowledged = ledger.acknowledge(case, by="x" * 1000)
    assert (acknowledged.outcome, len(acknowledged.acknowledged_by)) == (Outcome.DONE, 200)


def test_a_run_goes_on_when_somebody_acknowledges_its_case_meanwhile(ledger: Ledger) -> None:
    """What it has done must not be forgotten because a person was quick."""
    case = _opened(ledger)
    leased = ledger.claim(_TENANT, case.id)
    assert leased is not None
    ledger.acknowledge(case, by="Carol Chen")
    moved = ledger.move(leased, state=State.ACTED, outcome=Outcome.DONE)
    assert (moved.case.outcome, moved.case.acknowledged_by) == (Outcome.DONE, "Carol Chen")
    assert ledger.case(_TENANT, case.id) == moved.case


def test_a_case_that_is_gone_cannot_be_acknowledged(ledger: Ledger) -> None:
    case = _opened(ledger)
    with pytest.raises(Rejected, match="is gone"):
        ledger.acknowledge(msgspec.structs.replace(case, id="20260302-ffffffffffffffffffff"), by="Carol Chen")


# Evidence.


def test_evidence_is_never_overwritten(ledger: Ledger) -> None:
    of = ObjectId(tenant_id=_TENANT, kind=ObjectKind.CA_POLICY, key="a1")
    name = ledger.keep_before(of, "an intent", {"state": "on"})
    assert ledger.keep_before(of, "an intent", {"state": "off"}) == name
    assert ledger.keep_before(of, "another intent", None) != name
    assert name.startswith(f"{_TENANT}/objects/ca-policy/a1/before-")


def test_evidence_that_is_gone_is_an_error(ledger: Ledger) -> None:
    case = _opened(ledger)
    with pytest.raises(Rejected, match="the evidence of case"):
        ledger.record_of(msgspec.structs.replace(case, record="nowhere"))


# What tenants can write.

_CHARACTERS: Final = st.characters() | st.sampled_from(["\0", "\ud800", "\udfff", "\U0001f4a1", "\x1b", "'", '"', "\\"])
_texts = st.text(_CHARACTERS, max_size=20) | st.tuples(
    st.text(_CHARACTERS, min_size=1, max_size=3), st.sampled_from([600, 3_000, 35_000])
).map(lambda parts: parts[0] * parts[1])


def _every(text: str) -> dict[str, Any]:
    """Give every text of a case that the tenant may have a say in."""
    words = ("standing_because", "because", "would", "summary", "proof")
    change = Change(name=text, old=text, new=text)
    return {**dict.fromkeys(words, text), "put_back": (change,) * 50, "state": State.DECIDED}


_NASTY: Final[dict[str, Callable[[], str]]] = {
    "100 KB": lambda: "x" * 100_000,
    "many bytes": lambda: "\U0001f4a1" * 30_000,
    "half characters": lambda: "\ud800" * 3_000,
    "control characters": lambda: "\0\x01\x1b" * 20_000,
    "quotes": lambda: "'\"\\" * 20_000,
}


@pytest.mark.parametrize("text", _NASTY.values(), ids=list(_NASTY))
def test_no_text_is_too_much_for_the_row(ledger: Ledger, text: Callable[[], str]) -> None:
    nasty = text()
    event = lamp_event(
        id=nasty,
        correlation_id=nasty,
        actor=Actor(id=nasty, name=nasty, address=nasty),
        targets=(Target(id=nasty, name=nasty, kind=nasty, changes=(Change(name=nasty, old=nasty, new=nasty),)),),
    )
    case = _opened(ledger, event)
    leased = ledger.claim(_TENANT, case.id)
    assert leased is not None
    moved = ledger.move(leased, **_every(nasty))
    read = ledger.case(_TENANT, case.id)
    assert read is not None
    assert read.state is State.DECIDED
    assert moved.case.because == nasty, "the run itself goes on with the whole text"
    assert [one.id for one in ledger.cases(_TENANT)] == [case.id]
    assert ledger.open(_DETECTION, event, _RECORD) is None


@settings(max_examples=25)
@given(text=_texts)
def test_any_text_can_be_written_and_found(ledger: Ledger, text: str) -> None:
    event = lamp_event(id=text, correlation_id=text, targets=(Target(id=text, name=text),))
    ledger.open(_DETECTION, event, _RECORD)
    name = case_id(_TENANT, _DETECTION, event)
    assert name in [case.id for case in ledger.cases(_TENANT)]


def test_an_actor_id_that_no_row_can_hold_is_never_looked_up_as_another(storage: Storage, ledger: Ledger) -> None:
    """A shortened id would have no approval, and that would make the actor positively unapproved."""
    for number, actor_id in enumerate(("x" * 5_000, "a\0b", "\ud800", "y" * 601)):
        case = _opened(ledger, lamp_event(id=str(number), correlation_id=str(number), actor=Actor(id=actor_id)))
        read = ledger.case(_TENANT, case.id)
        assert read is not None
        found = TableApprovals(storage, clock=FakeClock()).find(ApprovalList.CONDITIONAL_ACCESS, read.actor.id)
        assert isinstance(found, Malformed)


@pytest.mark.parametrize(("length", "is_kept"), [(600, True), (601, False)])
def test_an_id_longer_than_any_of_azures_is_kept_as_its_hash(ledger: Ledger, length: int, *, is_kept: bool) -> None:
    case = _opened(ledger, lamp_event(targets=(Target(id="/" * length),)))
    read = ledger.case(_TENANT, case.id)
    assert read is not None
    assert (read.target.id == "/" * length) is is_kept
    assert read.target.id.startswith("/" if is_kept else "#")


def test_cases_are_listed_newest_first_from_an_instant_on(ledger: Ledger) -> None:
    for days in (0, 5, 29, 32):
        at = AT - timedelta(days=days)
        _opened(ledger, lamp_event(id=str(days), correlation_id=str(days), at=at))
    assert [case.event_id for case in ledger.cases(_TENANT)] == ["0", "5", "29", "32"]
    assert [case.event_id for case in ledger.cases(_TENANT, most=2)] == ["0", "5"]
    assert [case.event_id for case in ledger.cases(_TENANT, since=AT - timedelta(days=1))] == ["0"]
    assert [case.event_id for case in ledger.cases(_TENANT, since=AT - timedelta(days=30))] == ["0", "5", "29"]
    assert ledger.cases(ALICE.id) == []


def test_the_newest_go_on_behind_one(ledger: Ledger) -> None:
    cases = [ledger.open(_DETECTION, _at(minutes), _RECORD) for minutes in (3, 2, 2, 1)]
    names = ledger.newest(_TENANT, most=0)
    assert set(names) == {case.id for case in cases if case}
    for place, name in enumerate(names):
        after = ledger.case(_TENANT, name)
        assert ledger.newest(_TENANT, most=0, after=after) == names[place + 1 :]
        assert ledger.newest(_TENANT, most=1, after=after) == names[place + 1 : place + 2]


def test_open_cases_are_listed_until_they_are_closed(ledger: Ledger) -> None:
    first, second = (_opened(ledger, lamp_event(id=each, correlation_id=each, reason=each)) for each in "ab")
    leased = ledger.claim(_TENANT, first.id)
    assert leased is not None
    assert {case.id for case in ledger.cases(_TENANT, only_open=True)} == {first.id, second.id}
    ledger.move(leased, state=State.CLOSED)
    assert [case.id for case in ledger.cases(_TENANT, only_open=True)] == [second.id]
    assert {case.id for case in ledger.cases(_TENANT)} == {first.id, second.id}
    assert ledger.open(_DETECTION, lamp_event(id="a", correlation_id="a", reason="a"), _RECORD) is None
    assert [case.id for case in ledger.cases(_TENANT, only_open=True)] == [second.id], "its record came again"


def test_a_list_that_names_what_is_closed_or_was_never_opened_is_set_right(storage: Storage) -> None:
    spoilt, clock = SpoiltStorage(storage), FakeClock()
    ledger = Ledger(spoilt, spoilt, clock=clock, lease=_LEASE)
    leased = ledger.claim(_TENANT, _opened(ledger).id)
    assert leased is not None
    spoilt.faults.fail_once("write Cases", "before")
    with pytest.raises(Unreachable):
        ledger.move(leased, state=State.CLOSED)
    spoilt.faults.fail_once("insert Cases", "before")
    with pytest.raises(Unreachable):
        ledger.open(_DETECTION, lamp_event(reason="another"), _RECORD)

    def listed() -> int:
        return len([row for row in storage.rows(Table.CASES, "PartitionKey ge ''") if row.key.startswith("open|")])

    assert listed() == 2
    assert ledger.cases(_TENANT, only_open=True) == []
    assert listed() == 1, "the second may be on its way"
    clock.move(timedelta(hours=1, seconds=1))
    assert [*ledger.unfinished(_TENANT, unreadable=_never)] == []
    assert listed() == 0


@pytest.mark.parametrize("many", [1, 300])
def test_however_many_cases_there_are_only_those_are_read_that_are_shown_or_open(
    memory: MemoryStorage, many: int
) -> None:
    spoilt, clock = SpoiltStorage(memory), FakeClock()
    ledger = Ledger(spoilt, spoilt, clock=clock, lease=_LEASE)
    for number in range(many):
        case = _opened(ledger, lamp_event(reason=str(number), at=AT - timedelta(hours=number)))
        if number:
            leased = ledger.claim(_TENANT, case.id)
            assert leased is not None
            ledger.move(leased, state=State.CLOSED)
    spoilt.faults.log.clear()
    assert len(ledger.cases(_TENANT, most=1)) == len(ledger.cases(_TENANT, only_open=True)) == 1
    clock.move(timedelta(minutes=15))
    assert len([*ledger.unfinished(_TENANT, unreadable=_never)]) == 1
    assert Counter(entry.split(" ")[0] for entry in spoilt.faults.log) == {"rows": 5, "row": 3}


def test_a_case_is_stored_without_its_changes_which_its_evidence_has(ledger: Ledger) -> None:
    event = lamp_event(targets=(Target(id=LAMP, changes=(Change(name="state", old="on", new="off"),)),))
    case = _opened(ledger, event)
    read = ledger.case(_TENANT, case.id)
    assert read is not None
    assert case.target.changes
    assert read.target.changes == ()
    assert read.actor == actor_of(MALLORY)
