"""What people say of a case stands with it, whoever else writes the case meanwhile."""

import msgspec
import pytest

from shared.clients.storage_errors import Conflict
from shared.model.cases import WHAT_IT_WAS, Case, Decision, RemarkKind, State
from shared.model.errors import LeaseLost, Rejected
from shared.respond.remarks import LONGEST_REMARK, MOST_REMARKS, acknowledge, classify, note, take_back
from tests.fakes.lamps import lamp_event
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench
from tests.fakes.spoilt_storage import SpoiltStorage


@pytest.fixture
def made(memory: MemoryStorage) -> Bench:
    made = bench(memory)
    made.runtime.ledger.open("lamp-switched", lamp_event(), b"{}")
    return made


def _said(case: Case) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.by, one.text) for one in case.remarks]


def test_what_is_said_stands_in_its_order_and_the_same_twice_is_said_once(made: Bench) -> None:
    case = made.only_case()
    for _ in range(2):
        note(made.runtime, case, by="Ann", text="  Asked her boss \ud800 ")
    classify(made.runtime, case, RemarkKind.ATTACK, by="Ann")
    classify(made.runtime, case, RemarkKind.EXPECTED, by="Bob", text="CHG-7")
    assert _said(made.only_case()) == [
        ("note", "Ann", "Asked her boss \ufffd"),
        ("attack", "Ann", ""),
        ("expected", "Bob", "CHG-7"),
    ]
    assert made.only_case().was is RemarkKind.EXPECTED
    assert made.only_case().acknowledged_by == "Ann", "who says what it was has it"


def test_an_acknowledgement_is_taken_back_once(made: Bench) -> None:
    case = made.only_case()
    assert take_back(made.runtime, case, by="Ann").remarks == (), "nobody had it"
    acknowledge(made.runtime, case, by="Ann")
    for _ in range(2):
        taken = take_back(made.runtime, case, by="Bob")
        assert (taken.acknowledged_by, taken.acknowledged_at) == ("", None)
    assert _said(made.only_case()) == [("take-back", "Bob", "")]
    assert acknowledge(made.runtime, case, by="Carol").acknowledged_by == "Carol"


def test_it_stays_where_the_app_writes_the_case_meanwhile(made: Bench) -> None:
    case, ledger = made.only_case(), made.runtime.ledger
    leased = ledger.claim(case.tenant_id, case.id)
    assert leased is not None
    note(made.runtime, case, by="Ann", text="look")
    acknowledge(made.runtime, case, by="Ann")
    moved = ledger.move(leased, state=State.DECIDED, decision=Decision.PAGE).case
    assert _said(moved) == [("note", "Ann", "look")]
    assert (made.only_case().acknowledged_by, made.only_case().decision) == ("Ann", Decision.PAGE)
    other = msgspec.structs.replace(leased.case, because="of another run")
    made.runtime.ledger.say(case, lambda _stored: other)
    with pytest.raises(LeaseLost):
        ledger.move(leased, state=State.ACTED)


def test_a_case_that_is_written_at_the_same_time_is_to_be_tried_again(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = bench(storage)
    made.runtime.ledger.open("lamp-switched", lamp_event(), b"{}")
    storage.faults.failure = Conflict
    storage.faults.spoil = lambda operation: "before" if operation == "replace Cases" else ""
    with pytest.raises(LeaseLost):
        note(made.runtime, made.only_case(), by="Ann", text="look")


def test_a_case_takes_no_more_than_so_many_and_is_given_back_all_the_same(made: Bench) -> None:
    case = made.only_case()
    acknowledge(made.runtime, case, by="Ann")
    for number in range(MOST_REMARKS):
        note(made.runtime, case, by="Ann", text=f"{number} {'x' * 900}")
    with pytest.raises(Rejected, match="takes no more"):
        note(made.runtime, case, by="Ann", text="one more")
    assert take_back(made.runtime, case, by="Ann").acknowledged_at is None
    kept = made.only_case().remarks
    assert [one.text.split()[0] for one in kept] == [str(number) for number in range(MOST_REMARKS)]
    assert len(kept[0].text) > 900


@pytest.mark.parametrize("text", ["", "  \n", "x" * (LONGEST_REMARK + 1)])
def test_a_note_without_text_or_with_too_much_is_refused(made: Bench, text: str) -> None:
    with pytest.raises(ValueError, match="a note"):
        note(made.runtime, made.only_case(), by="Ann", text=text)
    assert made.only_case().remarks == ()


@pytest.mark.parametrize("kind", [one for one in RemarkKind if one not in WHAT_IT_WAS])
def test_a_case_was_one_of_three_things(made: Bench, kind: RemarkKind) -> None:
    with pytest.raises(ValueError, match="a case was one of"):
        classify(made.runtime, made.only_case(), kind, by="Ann")
    assert made.only_case().acknowledged_at is None


def test_who_says_it_has_to_be_known(made: Bench) -> None:
    with pytest.raises(ValueError, match="known"):
        note(made.runtime, made.only_case(), by=" ", text="x")
    with pytest.raises(ValueError, match="known"):
        take_back(made.runtime, made.only_case(), by="")
