"""Reconciling when the tenant fails, storage fails, or the process dies: every change comes to an honest end."""

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import ALICE, MALLORY, RESPONDER
from shared.clients.api import TenantEdges
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import CASES_QUEUE, Table
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.errors import (
    BadIdentifier,
    DoneAlready,
    EdgeError,
    LeaseLost,
    Locked,
    Refused,
    Rejected,
    ResponderError,
    Throttled,
    Unreachable,
)
from shared.model.kinds import Mode
from shared.model.object_kinds import Write
from shared.model.objects import Intent, IntentState, Objection, Op
from shared.model.tenant_api import TenantApi
from shared.respond.messages import ObjectMessage
from shared.respond.object_reconciliation import BACKOFF
from shared.respond.reconcile import reconcile
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_FAILURES: Final = (
    Unreachable("cut"),
    Throttled("429"),
    Refused("401", status=401),
    Refused("403"),
    *(Rejected(f"{status}", status=status) for status in (400, 404, 409, 412, 423, 425)),
    Locked("a lock", scopes=(), by_hand="az lock delete"),
)


@pytest.fixture
def lit(memory: MemoryStorage) -> Bench:
    return ready_bench(memory)


def _answer(ready: Bench) -> Case | None:
    ready.take_in(lamp_record())
    with suppress(EdgeError):
        ready.answer_queue()
    return next(iter(ready.cases()), None)


def _go_on(ready: Bench, *, minutes: int) -> None:
    """Let the timer run for a while, each minute; what fails in it comes again."""
    for _ in range(minutes):
        ready.clock.move(_MINUTE)
        with suppress(ResponderError):
            resume(ready.runtime)


# The tenant.


@pytest.mark.parametrize("failure", _FAILURES, ids=repr)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", range(4))
def test_a_call_that_fails_once_is_nothing_that_lasts(lit: Bench, failure: EdgeError, nth: int, *, after: bool) -> None:
    """Failures that can pass go on being tried: none ends an answer for ever, and none is told as done."""
    lit.lamps.calls.clear()

    def spoil(number: int, _call: str) -> None:
        if number == nth:
            raise failure

    if after:
        lit.lamps.spoil_after = spoil
    else:
        lit.lamps.spoil = spoil
    _answer(lit)
    _go_on(lit, minutes=20)
    case = lit.only_case()
    ended = {Outcome.DONE, Outcome.ALREADY} if after and not isinstance(failure, Unreachable) else {Outcome.DONE}
    assert case.state is State.CLOSED
    assert case.outcome in ended, case.because
    assert lit.lamps.state[LAMP] == "on"


@pytest.mark.parametrize("failure", _FAILURES, ids=repr)
@pytest.mark.parametrize("call", ["look", "set on"])
def test_a_tenant_that_keeps_failing_is_paged_once_and_the_change_put_back_when_it_ends(
    lit: Bench, failure: EdgeError, call: str
) -> None:
    def spoil(_number: int, name: str) -> None:
        if name == call:
            raise failure

    lit.lamps.spoil = spoil
    case = _answer(lit)
    assert case is not None
    assert (case.outcome, case.is_open) == (Outcome.PENDING, True)
    assert str(failure) in case.because
    _go_on(lit, minutes=10)
    assert len(lit.pagerduty.sent) == 1
    assert lit.lamps.state[LAMP] == "off"
    lit.lamps.spoil = lambda _number, _call: None
    _go_on(lit, minutes=61)
    assert (lit.only_case().outcome, lit.only_case().state) == (Outcome.DONE, State.CLOSED)
    assert lit.lamps.state[LAMP] == "on"


def test_an_id_that_cannot_be_one_is_paged_once(lit: Bench) -> None:
    def spoil(_number: int, call: str) -> None:
        if call == "set on":
            raise BadIdentifier("'../lamp' can't be an id")

    lit.lamps.spoil = spoil
    case = _answer(lit)
    assert case is not None
    assert "can't be an id" in case.because
    assert len(lit.pagerduty.sent) == 1
    _go_on(lit, minutes=10)
    assert len(lit.pagerduty.sent) == 1
    assert lit.lamps.state[LAMP] == "off"


def test_a_change_that_never_shows_is_paged_and_tried_again(lit: Bench) -> None:
    def undo(_number: int, call: str) -> None:
        if call == "set on":
            lit.lamps.state[LAMP] = "off"

    lit.lamps.spoil_after = undo
    case = _answer(lit)
    assert case is not None
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.PENDING)
    assert len(lit.pagerduty.sent) == 1


def test_nothing_is_sent_on_a_look_that_is_older_than_five_seconds(lit: Bench) -> None:
    """A write that waited for its turn is given up, and decided again."""
    waits = iter([6, 6])
    lit.lamps.while_waiting = lambda: lit.clock.move(timedelta(seconds=next(waits, 0)))
    _answer(lit)
    assert lit.lamps.writes == ["set on"]
    assert [one.state for one in lit.only_object().intents] == [
        IntentState.NOT_SENT,
        IntentState.NOT_SENT,
        IntentState.BOOKED,
    ]


def test_a_mistake_in_our_code_leaves_the_object_due(lit: Bench) -> None:
    def mistake(_number: int, _call: str) -> None:
        raise ZeroDivisionError

    lit.lamps.spoil = mistake
    lit.take_in(lamp_record())
    with pytest.raises(ZeroDivisionError):
        lit.answer_queue()
    lit.lamps.spoil = lambda _number, _call: None
    _go_on(lit, minutes=3)
    assert lit.lamps.state[LAMP] == "on"


# Storage, and processes that die.


class _Died(BaseException):
    pass


_MOST_OPERATIONS: Final = 80


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("failure", [_Died, Unreachable])
def test_a_run_that_breaks_off_anywhere_is_gone_on_with_and_acts_once(
    memory: MemoryStorage, how: str, failure: type[BaseException]
) -> None:
    """Of one that died nothing is caught and nothing cleaned up, as when the process is killed."""
    storage = SpoiltStorage(memory)
    storage.create_all()
    lamps = Lamps({f"{nth}": "on" for nth in range(_MOST_OPERATIONS)})
    ready = ready_bench(storage, lamps=lamps, REMEDIATIONS_PER_HOUR="1000")
    storage.faults.failure = failure
    answered: set[str] = set()
    for nth in range(_MOST_OPERATIONS):
        lamp = f"{nth}"
        lamps.state[lamp] = "off"
        written = len(lamps.writes)
        was_broken = _broken_off(ready, storage, lamp, nth, how)
        _go_on(ready, minutes=20)
        if was_broken and not _is_taken_in(ready, lamp):
            ready.take_in(lamp_record(lamp=lamp, at=ready.clock() - 20 * _MINUTE))
            ready.answer_queue()
        (case,) = [case for case in ready.cases() if case.target.id == lamp]
        assert (case.standing, case.decision, case.state) == (
            Standing.UNAPPROVED,
            Decision.REMEDIATE,
            State.CLOSED,
        ), (nth, case.because, case.pending, storage.faults.log[-60:])
        # That the target stands proves nothing, so of a run that died after its write nobody says that it did it.
        assert case.outcome in {Outcome.DONE, Outcome.ALREADY}
        assert lamps.state[lamp] == "on"
        assert lamps.writes[written:] == ["set on"], nth
        answered.add(case.id)
        if not was_broken:
            assert nth > 20, "there was hardly anything to break off"
            _go_on(ready, minutes=20)
            assert answered == ready.teams.case_ids(), "everybody is told of each, on the pages as they grow"
            return
    pytest.fail("the run has more storage operations than were tried")


@pytest.mark.parametrize("how", ["before", "after"])
def test_wherever_a_run_dies_people_hear_of_what_the_tenant_refuses(memory: MemoryStorage, how: str) -> None:
    """A case that says that it waits is paged only once, so it must not say so before the page is kept."""
    storage = SpoiltStorage(memory)
    storage.create_all()
    lamps = Lamps({f"{nth}": "on" for nth in range(_MOST_OPERATIONS)})
    lamps.spoil = _refuse
    ready = ready_bench(storage, lamps=lamps, REMEDIATIONS_PER_HOUR="1000")
    storage.faults.failure = _Died
    waiting: set[str] = set()
    for nth in range(_MOST_OPERATIONS):
        lamp = f"{nth}"
        lamps.state[lamp] = "off"
        was_broken = _broken_off(ready, storage, lamp, nth, how)
        _go_on(ready, minutes=20)
        if was_broken and not _is_taken_in(ready, lamp):
            ready.take_in(lamp_record(lamp=lamp, at=ready.clock() - 20 * _MINUTE))
            ready.answer_queue()
        (case,) = [case for case in ready.cases() if case.target.id == lamp]
        assert (case.state, case.outcome) == (State.ACTED, Outcome.PENDING), nth
        waiting.add(case.id)
        if not was_broken:
            assert nth > 20, "there was hardly anything to break off"
            _go_on(ready, minutes=20)
            assert waiting == ready.teams.case_ids()
            return
    pytest.fail("the run has more storage operations than were tried")


def test_a_write_of_a_row_that_was_carried_out_and_says_conflict_loses_nothing(memory: MemoryStorage) -> None:
    """The SDK repeats a write whose answer got lost, and storage refuses the second: the row has another ETag."""
    storage = SpoiltStorage(memory)
    storage.create_all()
    lamps = Lamps({f"{nth}": "on" for nth in range(_MOST_OPERATIONS)})
    ready = ready_bench(storage, lamps=lamps, REMEDIATIONS_PER_HOUR="1000")
    storage.faults.failure = Conflict
    tried: set[str] = set()
    for nth in range(_MOST_OPERATIONS):
        lamp = f"{nth}"
        lamps.state[lamp] = "off"
        written = len(lamps.writes)
        writes = (number for number in range(_MOST_OPERATIONS))
        hits: list[str] = []

        def spoil(operation: str, writes: Iterator[int] = writes, nth: int = nth, hits: list[str] = hits) -> str:
            if not operation.startswith(_GUARDED_WRITES) or next(writes) != nth:
                return ""
            hits.append(operation)
            return "after"

        storage.faults.spoil = spoil
        with suppress(EdgeError, LeaseLost):
            ready.take_in(lamp_record(lamp=lamp, at=ready.clock()))
            ready.answer_queue()
        storage.faults.heal()
        _go_on(ready, minutes=20)
        (case,) = [case for case in ready.cases() if case.target.id == lamp]
        assert (case.decision, case.state) == (Decision.REMEDIATE, State.CLOSED), (nth, hits, case.because)
        assert lamps.writes[written:] == ["set on"], (nth, hits)
        tried.update(hits)
        if not hits:
            assert {"write Objects", "replace Cases"} <= tried
            return
    pytest.fail("the run has more writes than were tried")


_GUARDED_WRITES: Final = ("replace ", "write ", "delete ")
"""Operations that say which version of a row they are about."""


def _broken_off(ready: Bench, storage: SpoiltStorage, lamp: str, nth: int, how: str) -> bool:
    """Take a record in and answer it, ending at the nth storage operation; False when there are fewer."""
    numbers: Iterator[int] = iter(range(1000))
    hits: list[int] = []

    def spoil(_operation: str) -> str:
        number = next(numbers)
        if number == nth:
            hits.append(number)
            return how
        # Who is dead does nothing more.
        return "before" if number > nth and storage.faults.failure is _Died else ""

    storage.faults.spoil = spoil
    try:
        ready.take_in(lamp_record(lamp=lamp, at=ready.clock()))
        ready.answer_queue()
    except (_Died, EdgeError, LeaseLost):
        pass
    finally:
        storage.faults.heal()
    return bool(hits)


def _is_taken_in(ready: Bench, lamp: str) -> bool:
    return any(case.target.id == lamp for case in ready.cases())


# What changes between two runs.


def _dies_while_acting(ready: Bench, *, done: bool) -> None:
    """Answer until the lamp is to be switched, and die before or after it was."""

    def die(_number: int, call: str) -> None:
        if call.startswith("set"):
            raise _Died

    ready.lamps.spoil, ready.lamps.spoil_after = ((lambda _n, _c: None), die) if done else (die, (lambda _n, _c: None))
    ready.take_in(lamp_record())
    with pytest.raises(_Died):
        ready.answer_queue()
    assert [one.state for one in ready.only_object().intents] == [IntentState.OPEN]
    ready.lamps.spoil = ready.lamps.spoil_after = lambda _n, _c: None
    ready.clock.move(3 * _MINUTE)


def test_a_run_that_died_before_acting_is_gone_on_with(lit: Bench) -> None:
    _dies_while_acting(lit, done=False)
    _go_on(lit, minutes=5)
    assert (lit.only_case().outcome, lit.lamps.state[LAMP]) == (Outcome.DONE, "on")


def test_a_run_that_died_after_acting_does_not_act_again(lit: Bench) -> None:
    _dies_while_acting(lit, done=True)
    _go_on(lit, minutes=5)
    assert lit.only_case().state is State.CLOSED
    assert lit.lamps.writes == ["set on"]


_STOPS: Final[dict[str, Callable[[Bench], None]]] = {
    "the kill switch was put on": lambda ready: ready.runtime.controls.stop(by="a test", reason="a test"),
    "the mode was set back": lambda ready: ready.runtime.controls.set_mode(
        "*", Mode.OBSERVE, by="a test", reason="a test"
    ),
    "the actor was approved": lambda ready: ready.runtime.approvals.approve(approval(MALLORY)),
    "the approvals went": lambda ready: ready.storage.delete_table(Table.APPROVED_ACTORS),
    "the controls went": lambda ready: ready.storage.delete_table(Table.CONTROLS),
}


@pytest.mark.parametrize("stop", _STOPS.values(), ids=list(_STOPS))
def test_a_put_back_that_must_not_go_on_does_not(lit: Bench, stop: Callable[[Bench], None]) -> None:
    _dies_while_acting(lit, done=False)
    stop(lit)
    _go_on(lit, minutes=70)
    assert lit.lamps.state[LAMP] == "off"
    assert lit.lamps.writes == ["set on"], "the one that died"


@pytest.mark.parametrize("stop", _STOPS.values(), ids=list(_STOPS))
def test_what_moves_between_the_decision_and_the_look_gives_the_write_up(
    lit: Bench, stop: Callable[[Bench], None]
) -> None:
    """The lamp is read once to decide by, when all else was read, and once more beside the intent."""
    looks: list[int] = []

    def stop_after_the_first(_number: int, call: str) -> None:
        if call == "look" and not looks:
            looks.append(1)
            stop(lit)

    lit.take_in(lamp_record())
    lit.lamps.spoil_after = stop_after_the_first
    with suppress(EdgeError):
        lit.answer_queue()
    assert lit.lamps.writes == []


def _after_the_first_look(lit: Bench, do: Callable[[], object]) -> None:
    """Do something once the lamp was read to decide by, before the look right before the write reads it again."""
    looks: list[int] = []

    def spoil(_number: int, call: str) -> None:
        if call == "look":
            looks.append(1)
        if len(looks) == 2:
            looks.append(1)
            do()

    lit.lamps.spoil = spoil


def test_an_object_that_moves_between_the_decision_and_the_look_is_not_written(lit: Bench) -> None:
    """An approved admin sets it otherwise in that moment, and the record of it comes three minutes later."""
    lit.take_in(lamp_record())
    _after_the_first_look(lit, lambda: lit.lamps.state.update({LAMP: "dim"}))
    lit.answer_queue()
    assert lit.lamps.writes == []
    assert [one.state for one in lit.only_object().intents] == [IntentState.NOT_SENT]
    made = lit.clock()
    lit.clock.move(3 * _MINUTE)
    lit.take_in(lamp_record(ALICE, to="dim", was="off", at=made))
    lit.answer_queue()
    _go_on(lit, minutes=61)
    assert (lit.lamps.writes, lit.lamps.state[LAMP]) == ([], "dim")
    assert [case.standing for case in lit.cases()] == [Standing.UNAPPROVED, Standing.APPROVED]


def test_a_record_that_comes_between_the_decision_and_the_look_gives_the_write_up(lit: Bench) -> None:
    """An approved admin made the same change again: nothing moved that a look could see."""
    lit.take_in(lamp_record())
    again = lamp_record(ALICE, was="on", at=lit.clock())
    looks: list[int] = []

    def take_in_after_the_first_look(_number: int, call: str) -> None:
        if call == "look" and not looks:
            looks.append(1)
            lit.take_in(again)

    lit.lamps.spoil_after = take_in_after_the_first_look
    lit.answer_queue()
    _go_on(lit, minutes=61)
    assert (lit.lamps.writes, lit.lamps.state[LAMP]) == ([], "off")
    assert [one.state for one in lit.only_object().intents] == [IntentState.NOT_SENT]


def test_an_object_that_moved_by_nobody_known_is_decided_by_anew(lit: Bench) -> None:
    """Mallory goes on in that moment: what he made of it is put back, once, when his record says so."""
    lit.take_in(lamp_record())
    _after_the_first_look(lit, lambda: lit.lamps.state.update({LAMP: "dim"}))
    lit.answer_queue()
    assert lit.lamps.writes == []
    lit.take_in(lamp_record(MALLORY, to="dim", was="off", at=lit.clock()))
    lit.answer_queue()
    assert (lit.lamps.writes, lit.lamps.state[LAMP]) == (["set on"], "on")


def test_a_page_that_could_not_be_written_keeps_the_case_open_and_what_was_done(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    storage.faults.fail("insert Outbox")
    _answer(ready)
    _go_on(ready, minutes=10)
    assert (ready.lamps.writes, ready.teams.sent) == (["set on"], [])
    storage.faults.heal()
    _go_on(ready, minutes=61)
    case = ready.only_case()
    assert (case.outcome, case.state) == (Outcome.DONE, State.CLOSED)
    assert [sent.case.id for sent in ready.teams.sent] == [case.id]
    assert ready.lamps.writes == ["set on"]


def test_who_swings_a_leaf_again_and_again_is_put_back_each_time_and_named(memory: MemoryStorage) -> None:
    """A rival must not win by writing often; people hear of it at the second time, then each time that it doubled."""
    lit = ready_bench(memory, lamps=Lamps())
    for time in range(1, 9):
        lit.clock.move(_MINUTE)
        lit.lamps.state[LAMP] = "off"
        lit.take_in(lamp_record(MALLORY, at=lit.clock()))
        lit.answer_queue()
        assert lit.lamps.writes == ["set on"] * time
        assert len(lit.teams.system_notices) == time.bit_length() - 1
    assert {notice.title for notice in lit.teams.system_notices} == {"Something is changed again and again"}
    assert "8 times within a day" in lit.teams.system_notices[-1].text
    assert MALLORY.id in lit.teams.system_notices[-1].text


def test_a_lane_that_is_held_for_long_is_paged_once_and_one_of_a_dead_run_is_not(lit: Bench) -> None:
    lease = lit.runtime.leases.take(["a lane"], "a run that waits for ever")
    assert lease is not None
    _go_on(lit, minutes=3)
    assert lit.teams.system_notices == [], "its run died: whoever needs the lane takes it"
    lease = lit.runtime.leases.take(["a lane"], "a run that waits for ever")
    assert lease is not None
    for _ in range(60):
        lit.clock.move(timedelta(seconds=20))
        lit.runtime.leases.renew(lease)
    _go_on(lit, minutes=0)
    resume(lit.runtime)
    resume(lit.runtime)
    (notice,) = lit.teams.system_notices
    assert "a lane has been held for 20 minutes" in notice.text


# Objects that are made again.


def _made_again(memory: MemoryStorage, *, made_first: str = "", cut: str, is_seen: bool = True) -> Bench:
    """Let Mallory delete the lamp; the answer to one call of making it again is lost, and a sweep comes in between.

    `is_seen` is whether it does.
    """
    lamps = Lamps(new_id="made-again", made_first=made_first)
    lit = ready_bench(memory, lamps=lamps)
    del lamps.state[LAMP]

    def spoil(_number: int, call: str) -> None:
        if call == cut and lamps.calls.count(cut) == 1:
            raise Unreachable("cut")

    lamps.spoil_after = spoil
    lit.take_in(lamp_record(MALLORY, to="gone"))
    with suppress(EdgeError):
        lit.answer_queue()
    lit.clock.move(timedelta(seconds=5))
    if is_seen:
        lit.sweep()
    return lit


def test_a_new_id_that_a_sweep_saw_first_is_one_with_the_object_that_was_made_again(memory: MemoryStorage) -> None:
    """It is found under its new id before anybody knows it for what was made."""
    lit = _made_again(memory, cut="make")
    assert lit.lamps.state == {"made-again": "on"}
    _go_on(lit, minutes=10)
    assert lit.lamps.state == {"made-again": "on"}
    assert lit.lamps.calls.count("make") == 1
    assert lit.only_object().ids[-1] == "made-again"
    assert (lit.only_case().outcome, lit.only_case().state) == (Outcome.ALREADY, State.CLOSED), "nothing proves it ours"
    lit.lamps.state["made-again"] = "off"
    lit.take_in(lamp_record(MALLORY, lamp="made-again", at=lit.clock()))
    lit.answer_queue()
    assert lit.lamps.state == {"made-again": "on"}


@pytest.mark.parametrize("cut", ["make", "set on"])
def test_what_was_made_and_not_finished_is_finished(memory: MemoryStorage, cut: str) -> None:
    """A policy is made disabled and enabled after; nobody must find it disabled for good."""
    lit = _made_again(memory, made_first="dim", cut=cut)
    _go_on(lit, minutes=10)
    assert lit.lamps.state == {"made-again": "on"}
    assert lit.lamps.calls.count("make") == 1
    case = lit.only_case()
    assert (case.outcome, case.state) == (Outcome.DONE if cut == "make" else Outcome.ALREADY, State.CLOSED)


def _making(lit: Bench) -> Intent:
    """Give the intent of the creation."""
    (kind,) = lit.runtime.kinds
    kept = lit.runtime.objects.find(TENANT, kind, LAMP)
    assert kept is not None
    return kept.state.intents[-1]


@pytest.mark.parametrize("is_seen", [True, False], ids=["a sweep saw it", "nobody saw it yet"])
def test_our_record_of_an_id_that_nobody_knows_yet_is_no_theft(memory: MemoryStorage, *, is_seen: bool) -> None:
    """The answer to the creation was lost; our own record, under the new id, comes before it is looked for again."""
    lit = _made_again(memory, made_first="dim", cut="make", is_seen=is_seen)
    made_at = _making(lit).at + timedelta(seconds=1)
    for was, to in (("gone", "dim"), ("dim", "on")):
        lit.take_in(lamp_record(RESPONDER, lamp="made-again", was=was, to=to, at=made_at))
        lit.answer_queue()
        lit.lamps.state["made-again"] = to
    _go_on(lit, minutes=10)
    assert lit.lamps.state == {"made-again": "on"}
    assert (lit.lamps.calls.count("make"), lit.only_object().ids) == (1, (LAMP, "made-again"))
    case = lit.only_case()
    assert (case.outcome, case.state, case.actor.id) == (Outcome.DONE, State.CLOSED, MALLORY.id)


@pytest.mark.parametrize("to", ["off", "red"])
def test_a_record_under_our_identity_of_what_we_never_meant_to_make_is_a_theft(memory: MemoryStorage, to: str) -> None:
    lit = _made_again(memory, made_first="dim", cut="make")
    lit.lamps.state["other"] = to
    lit.take_in(lamp_record(RESPONDER, lamp="other", was="gone", to=to, at=lit.clock()))
    lit.answer_queue()
    assert [case.target.id for case in lit.cases() if "somebody has its identity" in case.because] == ["other"]


def test_what_we_made_and_could_not_set_is_set_when_our_record_shows_that_it_is_ours(memory: MemoryStorage) -> None:
    """Whoever takes a policy out of a bin gets what an attacker made of it; the PATCH after it may be refused."""
    lit = _made_again(memory, made_first="dim", cut="make")
    made_at = _making(lit).at + timedelta(seconds=1)
    lit.lamps.new_id = ""
    lit.take_in(lamp_record(RESPONDER, lamp="made-again", was="gone", to="dim", at=made_at))
    lit.answer_queue()
    assert lit.lamps.state == {"made-again": "on"}
    assert lit.lamps.calls.count("make") == 1


def test_somebody_elses_lamp_is_not_finished(memory: MemoryStorage) -> None:
    """It stands as ours would at first, but for one thing."""
    lit = _made_again(memory, made_first="dim", cut="make")
    lit.lamps.state["made-again"] = "off"
    _go_on(lit, minutes=3)
    assert lit.lamps.state == {"made-again": "off"}


def _looks_of_an_hour(lit: Bench) -> list[str]:
    lit.lamps.calls.clear()
    _go_on(lit, minutes=60)
    return [call for call in lit.lamps.calls if call == "look"]


def test_what_the_kind_objects_to_is_asked_before_an_intent_from_the_second_look_on(lit: Bench) -> None:
    """Else each look would store an intent, give it up, and be noted again: it would never rest."""
    lit.lamps.objection = Objection(guard="sign-in", because="nobody could sign in", can_pass=True)
    _answer(lit)
    assert len(lit.only_object().intents) == 1, "the first time it shows in the look right before the write"
    looks = _looks_of_an_hour(lit)
    assert len(lit.only_object().intents) == 1
    assert 1 <= len(looks) <= len(BACKOFF)
    lit.lamps.objection = None
    _go_on(lit, minutes=61)
    assert lit.lamps.writes == ["set on"]


def test_a_write_that_was_refused_is_tried_again_with_back_off(lit: Bench) -> None:
    lit.lamps.spoil = _refuse
    _answer(lit)
    assert len(_looks_of_an_hour(lit)) <= 3 * len(BACKOFF)


def _refuse(_number: int, call: str) -> None:
    if call.startswith("set"):
        raise Refused("403", status=403)


def test_a_write_leaves_no_note_once_it_is_done(lit: Bench) -> None:
    case = _answer(lit)
    assert case is not None
    assert case.outcome is Outcome.DONE
    assert lit.storage.rows(Table.DUE, "PartitionKey ge ''") == []


def test_a_change_that_came_while_another_run_was_under_way_is_answered(lit: Bench) -> None:
    """The other run had read the changes before, and nothing was left to do by what it read."""
    lit.take_in(lamp_record())
    (message,) = lit.storage.take_messages(CASES_QUEUE, most=10, hidden_for=_MINUTE)
    asked = msgspec.json.decode(message.body, type=ObjectMessage)
    kind = next(iter(lit.runtime.kinds.values()))
    lane = kind.lane(asked.id, asked.tenants_id, None)
    lease = lit.runtime.leases.take([lane], "another run")
    assert lease is not None
    kept = lit.runtime.objects.read(asked.id)
    assert kept is not None
    reconcile(lit.runtime, asked.id, tenants_id=asked.tenants_id, looks=asked.looks)
    lit.runtime.objects.replace(
        kept, msgspec.structs.replace(kept.state, next_look=None, looked_at=lit.runtime.clock())
    )
    lit.runtime.leases.release(lease)
    _go_on(lit, minutes=2)
    assert lit.lamps.writes == ["set on"]


def test_what_somebody_made_faster_is_not_ours(memory: MemoryStorage) -> None:
    ready = ready_bench(memory)
    ready.lamps.spoil = lambda _number, call: _stands_already(ready, call)
    _answer(ready)
    _go_on(ready, minutes=2)
    assert [one.state for one in ready.only_object().intents if one.op is Op.UPDATE][:1] == [IntentState.NOT_SENT]


def _stands_already(ready: Bench, call: str) -> None:
    if call.startswith("set") and ready.lamps.state[LAMP] != "on":
        ready.lamps.state[LAMP] = "on"
        raise DoneAlready(LAMP)


@pytest.mark.parametrize(("is_first_refused", "outcome"), [(True, IntentState.NOT_SENT), (False, IntentState.OPEN)])
def test_a_refusal_says_nothing_only_where_an_earlier_call_may_have_been_carried_out(
    memory: MemoryStorage, *, is_first_refused: bool, outcome: IntentState
) -> None:
    """A policy is asked back from the bin first, which is often refused; then it is made."""
    lit = ready_bench(memory)

    def write(api: TenantApi, _write: Write) -> str:
        assert isinstance(api, TenantEdges)
        api.before_write()
        if is_first_refused:
            api.after_refusal()
        api.before_write()
        api.after_refusal()
        raise Throttled("429")

    kinds = {kind: msgspec.structs.replace(one, write=write) for kind, one in lit.runtime.kinds.items()}
    lit = copy.replace(lit, runtime=copy.replace(lit.runtime, kinds=kinds))
    _answer(lit)
    assert lit.only_object().intents[0].state is outcome
