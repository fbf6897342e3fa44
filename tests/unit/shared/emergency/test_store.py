"""Each entry is kept once, in storage or until it can be; one emergency is open at a time."""

from datetime import timedelta

import msgspec
import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.emergency.entries import Acknowledged, Closed, Declared, Entry, StepRecorded, StepState
from shared.emergency.state import fold
from shared.emergency.store import LONGEST_ENTRY, PARTITION, AlreadyOpen, Emergencies, Held, TooMuch, is_id
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.emergencies import APP_CALLER, CAROL, CLOSING, CODED, EMERGENCY, agreed, declared, entry
from tests.fakes.spoilt_storage import SpoiltStorage

OTHER, DRILL = "f" * 32, "d" * 32
MINUTE = timedelta(minutes=1)


@pytest.fixture
def faulty(storage: Storage) -> SpoiltStorage:
    return SpoiltStorage(storage)


def store_over(storage: Storage, clock: FakeClock | None = None, *, signed: bool = True) -> Emergencies:
    return Emergencies(storage, clock=clock or FakeClock(), is_signed=lambda _entry: signed)


def of(emergency: str, one: Entry) -> Entry:
    return msgspec.structs.replace(one, emergency=emergency)


def declare(store: Emergencies, one: Entry | None = None) -> None:
    def ends(drill: str) -> Entry:
        return of(drill, entry(Closed(summary="ended", ended_by=EMERGENCY), APP_CALLER, at=MINUTE))

    store.declare(Held(entry=one or declared()), ends_drill=ends)


def rows(storage: Storage) -> list[str]:
    return [row.key for row in storage.rows(Table.EMERGENCIES, "PartitionKey eq @it", it=PARTITION)]


def test_what_one_instance_keeps_another_one_reads(faulty: SpoiltStorage) -> None:
    one = store_over(faulty)
    declare(one)
    one.add(Held(entry=entry(Acknowledged(over="phone"), at=MINUTE)))
    found = store_over(faulty).read(EMERGENCY)
    assert found == one.read(EMERGENCY)
    assert found is not None
    assert len(found.acknowledged) == 1
    assert one.waits == 0


def test_a_second_declaration_meets_the_first(faulty: SpoiltStorage) -> None:
    declare(store_over(faulty))
    before = rows(faulty)
    with pytest.raises(AlreadyOpen) as second:
        declare(store_over(faulty), of(OTHER, declared()))
    assert second.value.emergency == EMERGENCY
    with pytest.raises(AlreadyOpen):
        declare(store_over(faulty), of(DRILL, declared(drill=True)))
    assert rows(faulty) == before, "nothing was written"
    assert store_over(faulty).read(OTHER) is None


def test_two_that_declare_at_the_same_time_are_one(faulty: SpoiltStorage) -> None:
    """The second looks, sees none, and is overtaken before it writes."""
    first, second = store_over(faulty), store_over(faulty)

    def overtake(operation: str) -> str:
        if operation == "write Emergencies":
            faulty.faults.heal()
            declare(first)
        return ""

    faulty.faults.spoil = overtake
    with pytest.raises(AlreadyOpen) as met:
        declare(second, of(OTHER, declared()))
    assert met.value.emergency == EMERGENCY
    assert second.read(OTHER) is None
    assert second.waits == 0


def test_an_emergency_ends_the_drill_and_no_drill_ends_it(faulty: SpoiltStorage) -> None:
    store = store_over(faulty)
    declare(store, of(DRILL, declared(drill=True)))
    assert store.open_id(drill=True) == DRILL
    declare(store)
    again = store_over(faulty)
    drill = again.read(DRILL)
    assert drill is not None
    assert drill.closed is not None
    assert isinstance(drill.closed.act, Closed)
    assert drill.closed.act.ended_by == EMERGENCY
    assert (again.open_id(), again.open_id(drill=True)) == (EMERGENCY, "")
    assert again.going() == [EMERGENCY]
    assert {(one.id, one.drill) for one in again.newest()} == {(EMERGENCY, False), (DRILL, True)}


def test_after_closing_the_next_one_can_be_declared(faulty: SpoiltStorage) -> None:
    store = store_over(faulty)
    declare(store)
    store.add(*(Held(entry=one) for one in agreed(CLOSING)))
    assert store.open_id() == EMERGENCY
    store.add(Held(entry=entry(Closed(summary="over"), APP_CALLER, at=9 * MINUTE)))
    assert store.going() == [EMERGENCY], "until everybody knows"
    store.settle(EMERGENCY)
    assert store.open_id() == ""
    assert store.going() == []
    declare(store, of(OTHER, declared()))
    assert [one.id for one in store.newest()] == sorted([EMERGENCY, OTHER])


@pytest.mark.parametrize("how", ["before", "after"])
def test_an_entry_is_kept_once_whatever_becomes_of_the_first_try(faulty: SpoiltStorage, how: str) -> None:
    clock = FakeClock()
    store = store_over(faulty, clock)
    declare(store)
    one = Held(entry=entry(Acknowledged(over="phone"), at=MINUTE))
    faulty.faults.fail_once("insert Emergencies", how)
    store.add(one)
    assert store.waits == 1
    clock.move(MINUTE)
    store.add(one)
    assert store.flush() == 0
    assert rows(faulty).count(one.key) == 1


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_declaration_whose_answer_was_lost_is_the_same_one(faulty: SpoiltStorage, how: str) -> None:
    clock = FakeClock()
    store = store_over(faulty, clock)
    faulty.faults.fail_once("write Emergencies", how)
    declare(store)
    assert store.read(EMERGENCY) is not None
    clock.move(MINUTE)
    assert store.flush() == 0
    assert store_over(faulty).open_id() == EMERGENCY
    declare(store)
    assert len([key for key in rows(faulty) if key.startswith(EMERGENCY)]) == 1


def test_without_storage_all_goes_on_and_is_stored_when_it_answers(faulty: SpoiltStorage) -> None:
    clock = FakeClock()
    store = store_over(faulty, clock)
    faulty.faults.spoil = lambda _operation: "before"
    declare(store)
    store.add(Held(entry=entry(StepRecorded(step=4, state=StepState.DONE, note="ticket 7"), CODED, at=MINUTE)))
    read = store.read(EMERGENCY)
    assert read is not None
    assert read.step(4).state is StepState.DONE
    assert store.open_id() == EMERGENCY
    assert store.going() == [EMERGENCY]
    with pytest.raises(AlreadyOpen):
        declare(store, of(OTHER, declared()))
    assert store.waits == 2
    faulty.faults.heal()
    assert store.flush() == 2, "faulty that failed just now isn't asked"
    clock.move(MINUTE)
    assert store.flush() == 0
    assert store_over(faulty).read(EMERGENCY) == read
    assert store_over(faulty).open_id() == EMERGENCY


def test_storage_that_failed_is_not_waited_for_again(faulty: SpoiltStorage) -> None:
    store = store_over(faulty)
    faulty.faults.spoil = lambda _operation: "before"
    declare(store)
    asked = len(faulty.faults.log)
    for _ in range(5):
        store.read(EMERGENCY)
        store.add(Held(entry=entry(Acknowledged(over="phone"), at=MINUTE)))
    assert len(faulty.faults.log) == asked


def test_two_that_were_declared_apart_are_both_kept_and_both_go_on(faulty: SpoiltStorage) -> None:
    clock = FakeClock()
    cut_off = SpoiltStorage(faulty)
    cut_off.faults.spoil = lambda _operation: "before"
    apart = store_over(cut_off, clock)
    declare(apart, of(OTHER, declared()))
    declare(store_over(faulty))
    cut_off.faults.heal()
    clock.move(MINUTE)
    assert apart.flush() == 0
    again = store_over(faulty)
    assert again.open_id() == EMERGENCY
    assert set(again.going()) == {EMERGENCY, OTHER}


# What can't be believed.


def test_a_signed_entry_in_the_table_is_checked_again_when_it_is_read(faulty: SpoiltStorage) -> None:
    """Who can write the table could write that two operators had agreed."""
    store = store_over(faulty)
    declare(store)
    store.add(*(Held(entry=one) for one in agreed(CLOSING)))
    believed = store_over(faulty).read(EMERGENCY)
    doubted = store_over(faulty, signed=False).read(EMERGENCY)
    assert believed is not None
    assert doubted is not None
    assert believed.is_agreed("close", CLOSING.digest)
    assert not doubted.is_agreed("close", CLOSING.digest)


def test_what_was_carried_counts_once_somebody_could_check_it(faulty: SpoiltStorage) -> None:
    store = store_over(faulty)
    declare(store)
    asked, confirmed = agreed(CLOSING)
    store.add(Held(entry=asked, is_carried=True), Held(entry=confirmed))
    read = store.read(EMERGENCY)
    assert read is not None
    assert not read.agreements
    store.add(Held(entry=asked))
    for each in (store, store_over(faulty)):
        read = each.read(EMERGENCY)
        assert read is not None
        assert read.is_agreed("close", CLOSING.digest)
    store.add(Held(entry=asked, is_carried=True))
    read = store_over(faulty).read(EMERGENCY)
    assert read is not None
    assert read.is_agreed("close", CLOSING.digest), "and stays so"


def test_a_row_that_somebody_wrote_into_is_left_out_and_the_others_count(storage: Storage) -> None:
    store = store_over(storage)
    declare(store)
    store.add(Held(entry=entry(Acknowledged(over="phone"), at=MINUTE)))
    other = msgspec.json.encode(entry(Acknowledged(over="somebody else"), CODED, at=MINUTE))
    for row in storage.rows(Table.EMERGENCIES, "PartitionKey eq @it", it=PARTITION):
        if b"acknowledged" in row.columns.get("entry0", b""):
            storage.replace(Table.EMERGENCIES, row, {**row.columns, "entry0": other})
    storage.insert(Table.EMERGENCIES, PARTITION, f"{EMERGENCY}-{'0' * 32}-{'0' * 16}", {"entry0": b"{"})
    storage.insert(Table.EMERGENCIES, PARTITION, f"{EMERGENCY}-{'1' * 32}-{'0' * 16}", {"note": "by hand"})
    read = store_over(storage).read(EMERGENCY)
    assert read is not None
    assert read.acknowledged == ()


def test_an_entry_that_is_too_large_is_refused_and_a_large_one_comes_back(faulty: SpoiltStorage) -> None:
    store = store_over(faulty)
    declare(store)
    large = entry(StepRecorded(step=4, state=StepState.DONE, note="가" * 200_000), at=MINUTE)
    store.add(Held(entry=large))
    read = store_over(faulty).read(EMERGENCY)
    assert read is not None
    assert large in read.entries
    too_large = entry(StepRecorded(step=4, state=StepState.DONE, note="가" * LONGEST_ENTRY), at=MINUTE)
    with pytest.raises(TooMuch):
        store.add(Held(entry=too_large))
    read = store.read(EMERGENCY)
    assert read is not None
    assert too_large not in read.entries


def test_an_emergency_that_nobody_declared_is_none(faulty: SpoiltStorage) -> None:
    store = store_over(faulty)
    for unknown in (OTHER, "", "'; drop", "E" * 32, f"{'e' * 31}-"):
        assert store.read(unknown) is None
    assert is_id(OTHER)
    declare(store)
    assert store.read(EMERGENCY) == fold(EMERGENCY, [declared()])
    assert isinstance(declared().act, Declared)
    assert declared().at == NOW
    assert declared().by == CAROL.operator
