"""The pipeline when the tenant fails, storage fails, or the process dies: every case comes to an honest end."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import MALLORY
from shared.clients.storage_names import CASES_QUEUE, Table
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.kinds import Mode
from shared.respond.case_run import MOST_ATTEMPTS
from shared.respond.pipeline import answer
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_FAILURES: Final = (Unreachable("cut"), Throttled("429"), Refused("403"), Rejected("400"))


@pytest.fixture
def lit(memory: MemoryStorage) -> Bench:
    return ready_bench(memory)


def _is_honest(ready: Bench, case: Case) -> None:
    """The lamp is on exactly when that is what was told, and anything else was paged to somebody."""
    if case.outcome is Outcome.DONE:
        assert ready.lamps.state[LAMP] == "on"
        return
    assert (case.decision, case.outcome) != (Decision.REMEDIATE, Outcome.ALREADY)
    assert len(ready.pagerduty.sent) >= 1, case


# The tenant.


@pytest.mark.parametrize("failure", _FAILURES, ids=repr)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_each_call_that_fails_once_leads_to_an_honest_end(
    memory: MemoryStorage, failure: EdgeError, *, after: bool
) -> None:
    lamps = Lamps({f"{nth}": "on" for nth in range(4)} | {LAMP: "on"})
    ready = ready_bench(memory, lamps=lamps)
    for nth in range(4):
        lamps.state[f"{nth}"] = "off"
        lamps.calls.clear()

        def spoil(number: int, _call: str, nth: int = nth) -> None:
            if number == nth:
                raise failure

        lamps.spoil, lamps.spoil_after = ((lambda _n, _c: None), spoil) if after else (spoil, (lambda _n, _c: None))
        ready.take_in(lamp_record(lamp=f"{nth}", correlation_id=f"{nth}"))
        case = _go_on_with(ready, f"{nth}")
        assert case.state is State.CLOSED
        assert (case.outcome is Outcome.DONE) <= (lamps.state[f"{nth}"] == "on")
        _let_the_page_grow(ready)
        assert case.outcome is Outcome.DONE or case.id in ready.pagerduty.case_ids()
        if isinstance(failure, Unreachable):
            assert case.outcome is Outcome.DONE, "one lost call is nothing to wake people for"


def _let_the_page_grow(ready: Bench) -> None:
    """Let the time pass after which a page is sent again with what came since."""
    ready.clock.move(15 * _MINUTE)
    resume(ready.runtime)


def _case_with(ready: Bench, correlation_id: str) -> Case:
    (case,) = [case for case in ready.cases() if case.correlation_id == correlation_id]
    return case


def _go_on_with(ready: Bench, correlation_id: str) -> Case:
    """Answer until the case is closed, letting leases run out in between."""
    for _ in range(MOST_ATTEMPTS + 2):
        case = _case_with(ready, correlation_id)
        if case.state is State.CLOSED:
            break
        answer(ready.runtime, TENANT, case.id)
        ready.clock.move(3 * _MINUTE)
    return _case_with(ready, correlation_id)


@pytest.mark.parametrize("failure", [*_FAILURES, ValueError("a bug"), KeyError("another")], ids=repr)
@pytest.mark.parametrize("call", ["look", "set on"])
def test_a_tenant_that_keeps_failing_ends_in_a_page(lit: Bench, failure: Exception, call: str) -> None:
    def spoil(_number: int, name: str) -> None:
        if name == call:
            raise failure

    lit.lamps.spoil = spoil
    lit.take_in(lamp_record())
    begun = lit.clock()
    case = lit.answer_until_closed()
    assert case.outcome is not Outcome.DONE
    assert case.attempts <= MOST_ATTEMPTS
    assert len(lit.pagerduty.sent) == 1
    assert lit.clock() - begun < timedelta(minutes=40)
    assert str(failure) in f"{case.because} {case.proof}"
    _is_honest(lit, case)


def test_a_write_that_waited_for_its_turn_has_a_fresh_lease(lit: Bench) -> None:
    """Else reading back would outlast it, and another run would begin while this one isn't done."""
    left: list[timedelta] = []
    lit.lamps.while_waiting = lambda: lit.clock.move(timedelta(seconds=100))

    def look_at_lease(_number: int, call: str) -> None:
        until = lit.only_case().lease_until
        if call == "set on" and until:
            left.append(until - lit.clock())

    lit.lamps.spoil = look_at_lease
    lit.take_in(lamp_record())
    lit.answer_all()
    assert left == [timedelta(seconds=120)]


@pytest.mark.parametrize(("call", "seconds"), [("look", (20, 90)), ("set on", (120, 420))])
def test_people_are_told_soon_of_a_tenant_that_keeps_failing(lit: Bench, call: str, seconds: tuple[int, int]) -> None:
    """Each attempt comes when the one before asked for it; between them the tenant has time to come back."""

    def spoil(_number: int, name: str) -> None:
        if name == call:
            raise Unreachable("cut")

    lit.lamps.spoil = spoil
    lit.take_in(lamp_record())
    begun = lit.clock()
    while (case := lit.only_case()).state is not State.CLOSED:
        if case.attempts and case.lease_until:
            lit.clock.move(max(case.lease_until - lit.clock(), timedelta()))
        answer(lit.runtime, TENANT, case.id)
    least, most = seconds
    assert least <= (lit.clock() - begun).total_seconds() <= most
    assert len(lit.pagerduty.sent) == 1


def test_the_next_attempt_comes_when_the_case_is_free_again(memory: MemoryStorage) -> None:
    """A message that came sooner would find the lease held, and be gone."""
    ready = ready_bench(memory)
    ready.take_in(lamp_record())

    def spoil(_number: int, _name: str) -> None:
        raise Unreachable("cut")

    ready.lamps.spoil = spoil
    case = answer(ready.runtime, TENANT, ready.only_case().id)
    assert case is not None
    assert case.lease_until is not None
    free_in = case.lease_until - ready.clock()
    assert timedelta() < free_in < memory.queues[CASES_QUEUE][-1].delay <= free_in + timedelta(seconds=5)


def test_a_mistake_in_a_remediation_is_put_off_at_once_and_ends_in_a_page(lit: Bench) -> None:
    """It isn't left to lie until the lease runs out: the next attempt is in the queue."""

    def mistake(_number: int, _call: str) -> None:
        raise ZeroDivisionError

    lit.lamps.spoil = mistake
    lit.take_in(lamp_record())
    case = answer(lit.runtime, TENANT, lit.only_case().id)
    assert case is not None
    assert case.lease_until == NOW + timedelta(seconds=10)
    assert lit.answer_until_closed().decision is Decision.PAGE
    assert "ZeroDivisionError" in lit.only_case().because


def test_a_change_that_never_shows_is_paged_as_unproved(lit: Bench) -> None:
    def undo(_number: int, call: str) -> None:
        if call == "set on":
            lit.lamps.state[LAMP] = "off"

    lit.lamps.spoil_after = undo
    lit.take_in(lamp_record())
    case = lit.answer_until_closed()
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.UNVERIFIED)
    assert len(lit.pagerduty.sent) == 1


# Storage.


class _Died(BaseException):
    pass


_MOST_OPERATIONS: Final = 40


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_run_that_dies_anywhere_is_gone_on_with_and_acts_once(memory: MemoryStorage, how: str) -> None:
    """Nothing is caught and nothing cleaned up, as when the process is killed."""
    for ready, case, written in _broken_off_at_each_operation(memory, how, failure=_Died):
        found = (case.standing, case.decision, case.outcome, case.state)
        assert found == (Standing.UNAPPROVED, Decision.REMEDIATE, Outcome.DONE, State.CLOSED), case.because
        assert written == ["set on"]
        _let_the_page_grow(ready)
        assert case.id in ready.teams.case_ids(), "nobody was told"


def test_each_storage_operation_that_fails_once_leads_to_a_put_back_or_a_page(memory: MemoryStorage) -> None:
    ended: list[Decision] = []
    for ready, case, written in _broken_off_at_each_operation(memory, "after", failure=Unreachable):
        ended.append(case.decision)
        done = (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE)
        assert done or (case.decision, case.outcome) == (Decision.PAGE, Outcome.NONE)
        assert written == (["set on"] if done else [])
        channel = ready.teams if done else ready.pagerduty
        _let_the_page_grow(ready)
        assert case.id in channel.case_ids(), "nobody was told"
    assert ended.count(Decision.REMEDIATE) > ended.count(Decision.PAGE)


def _broken_off_at_each_operation(
    memory: MemoryStorage, how: str, *, failure: type[BaseException]
) -> Iterator[tuple[Bench, Case, list[str]]]:
    """Break a run off at each of its storage operations in turn, and let the timer and the queue go on.

    Gives each closed case, and what was written to its lamp.
    """
    storage = SpoiltStorage(memory)
    storage.create_all()
    lamps = Lamps({f"{nth}": "on" for nth in range(_MOST_OPERATIONS)})
    ready = ready_bench(storage, lamps=lamps, REMEDIATIONS_PER_HOUR="1000")
    storage.faults.failure = failure
    for nth in range(_MOST_OPERATIONS):
        ready.lamps.state[f"{nth}"] = "off"
        ready.take_in(lamp_record(lamp=f"{nth}", correlation_id=f"{nth}", at=ready.clock()))
        ready.clock.move(timedelta(seconds=25))
        written = len(ready.lamps.writes)
        was_broken = _broken_off(ready, storage, nth, how)
        case = _resumed(ready, f"{nth}")
        assert case.state is State.CLOSED, (nth, case, storage.faults.log[-40:])
        yield ready, case, ready.lamps.writes[written:]
        if not was_broken:
            assert nth > 10, "there was hardly anything to break off"
            return
    pytest.fail("the run has more storage operations than were tried")


def _broken_off(ready: Bench, storage: SpoiltStorage, nth: int, how: str) -> bool:
    """Answer the case, ending at the nth storage operation; False when there are fewer."""
    numbers: Iterator[int] = iter(range(1000))
    hits: list[int] = []

    def spoil(_operation: str) -> str:
        number = next(numbers)
        if number == nth:
            hits.append(number)
            return how
        return ""

    storage.faults.spoil = spoil
    try:
        answer(ready.runtime, TENANT, _case_with(ready, f"{nth}").id)
    except (_Died, EdgeError):
        pass
    finally:
        storage.faults.heal()
    return bool(hits)


def _resumed(ready: Bench, correlation_id: str) -> Case:
    """Let the timer and the queue go on until nothing is left to do."""
    for _ in range(2):
        ready.clock.move(3 * _MINUTE)
        resume(ready.runtime)
        answer(ready.runtime, TENANT, _case_with(ready, correlation_id).id)
    return _case_with(ready, correlation_id)


# What changes between two attempts.


def _dies_while_acting(ready: Bench, *, done: bool) -> None:
    """Answer until the lamp is to be switched, and die before or after it was."""

    def die(_number: int, call: str) -> None:
        if call.startswith("set"):
            raise _Died

    ready.lamps.spoil, ready.lamps.spoil_after = ((lambda _n, _c: None), die) if done else (die, (lambda _n, _c: None))
    ready.take_in(lamp_record())
    with pytest.raises(_Died):
        answer(ready.runtime, TENANT, ready.only_case().id)
    assert ready.only_case().state is State.DECIDED
    ready.lamps.spoil = ready.lamps.spoil_after = lambda _n, _c: None
    ready.clock.move(3 * _MINUTE)


def test_a_run_that_died_before_acting_is_gone_on_with(lit: Bench) -> None:
    _dies_while_acting(lit, done=False)
    case = lit.answer_until_closed()
    assert (case.outcome, lit.lamps.state[LAMP]) == (Outcome.DONE, "on")


def test_a_run_that_died_after_acting_is_told_as_done_without_acting_again(lit: Bench) -> None:
    _dies_while_acting(lit, done=True)
    case = lit.answer_until_closed()
    assert case.outcome is Outcome.DONE
    assert "found after an interrupted attempt" in case.proof
    assert lit.lamps.writes == ["set on"]


_STOPS: Final[dict[str, Callable[[Bench], None]]] = {
    "the kill switch was put on": lambda ready: ready.runtime.controls.stop(by="a test", reason="a test"),
    "the mode was set back": lambda ready: ready.runtime.controls.set_mode(
        "*", Mode.OBSERVE, by="a test", reason="a test"
    ),
    "the actor was approved": lambda ready: ready.runtime.approvals.approve(approval(MALLORY)),
    "the approvals went": lambda ready: ready.storage.delete_table(Table.APPROVED_ACTORS),
}


@pytest.mark.parametrize("stop", _STOPS.values(), ids=list(_STOPS))
def test_a_put_back_that_must_not_go_on_is_paged_and_never_forgotten(lit: Bench, stop: Callable[[Bench], None]) -> None:
    """It may have been done in part: neither "recorded" nor "nothing was touched" would be true."""
    _dies_while_acting(lit, done=False)
    stop(lit)
    case = lit.answer_until_closed()
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.UNVERIFIED)
    assert "an earlier attempt was interrupted" in case.proof
    assert lit.lamps.state[LAMP] == "off"
    assert len(lit.pagerduty.sent) == 1


def test_a_plan_that_had_nothing_to_do_is_not_told_as_done_after_an_interruption(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    ready.lamps.state[LAMP] = "on"
    ready.take_in(lamp_record())
    storage.faults.failure = _Died
    numbers: Iterator[int] = iter(range(100))
    storage.faults.spoil = lambda operation: "before" if operation == "replace Cases" and next(numbers) == 2 else ""
    with pytest.raises(_Died):
        answer(ready.runtime, TENANT, ready.only_case().id)
    storage.faults.heal()
    assert ready.only_case().state is State.DECIDED
    case = ready.answer_until_closed()
    assert case.outcome is Outcome.ALREADY


def test_a_page_that_could_not_be_noted_does_not_reopen_the_case(memory: MemoryStorage) -> None:
    """Even at the last attempt: what was put back and proved stays so."""
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    ready.take_in(lamp_record())
    case = ready.only_case()
    for _ in range(MOST_ATTEMPTS - 1):
        assert ready.runtime.ledger.claim(TENANT, case.id)
        ready.clock.move(3 * _MINUTE)
    storage.faults.fail("replace Outbox")
    answer(ready.runtime, TENANT, case.id)
    storage.faults.heal()
    closed = ready.only_case()
    assert (closed.attempts, closed.state, closed.outcome) == (MOST_ATTEMPTS, State.CLOSED, Outcome.DONE)
    resume(ready.runtime)
    assert {sent.case.outcome for sent in ready.teams.sent} == {Outcome.DONE}


def test_a_page_that_could_not_be_posted_for_long_keeps_what_was_done(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    ready.take_in(lamp_record())
    storage.faults.fail("insert Outbox")
    for _ in range(MOST_ATTEMPTS + 3):
        with suppress(EdgeError):
            answer(ready.runtime, TENANT, ready.only_case().id)
        ready.clock.move(3 * _MINUTE)
    assert ready.teams.sent == []
    storage.faults.heal()
    case = ready.answer_until_closed()
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE)
    assert ready.teams.addressed() == [(case.id, "", 0)]
