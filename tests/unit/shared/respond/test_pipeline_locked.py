"""A management lock holds a case up: people are paged once with what removes it, and it is tried until it goes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import MALLORY
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import Locked, Unreachable
from shared.model.kinds import Mode
from shared.respond.case_run import LOCK_PAUSE, MOST_ATTEMPTS
from shared.respond.pipeline import answer
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import A_MINUTE, TENANT, Bench, approval, ready_bench

_LOCKED: Final = Locked(
    "a management lock forbids it: /x/locks/keep", scopes=("/x",), by_hand="az lock delete --ids /x"
)


class _Lock:
    """Refuses every write while it stands; `failing` is raised instead, where it is set."""

    def __init__(self) -> None:
        self.stands = True
        self.failing: Exception | None = None

    def __call__(self, _number: int, call: str) -> None:
        if self.failing is not None:
            raise self.failing
        if self.stands and call.startswith("set"):
            raise _LOCKED


@pytest.fixture
def lock() -> _Lock:
    return _Lock()


@pytest.fixture
def held_up(memory: MemoryStorage, lock: _Lock) -> Bench:
    """Give a machine with one case that was tried once and is held up."""
    ready = ready_bench(memory, lamps=Lamps(spoil=lock))
    ready.take_in(lamp_record())
    ready.answer_all()
    return ready


def _try_again(ready: Bench) -> Case:
    """Let the pause pass, and do what the timer and the queue do."""
    ready.clock.move(LOCK_PAUSE)
    queued = resume(ready.runtime)
    assert queued == 1, "the timer didn't take it up"
    answer(ready.runtime, TENANT, ready.only_case().id)
    return ready.only_case()


def test_it_is_paged_at_once_with_the_lock_and_the_command_and_stays_open(held_up: Bench) -> None:
    case = held_up.only_case()
    assert (case.decision, case.outcome, case.state) == (Decision.REMEDIATE, Outcome.LOCKED, State.DECIDED)
    assert case.is_open
    assert "/x/locks/keep" in case.proof
    assert case.by_hand == "az lock delete --ids /x"
    for channel in (held_up.teams, held_up.pagerduty):
        assert [one.case.outcome for one in channel.sent] == [Outcome.LOCKED]


def test_nobody_takes_it_up_before_the_pause_is_over(held_up: Bench) -> None:
    tries = len(held_up.lamps.writes)
    held_up.clock.move(LOCK_PAUSE - A_MINUTE)
    assert resume(held_up.runtime) == 0
    assert answer(held_up.runtime, TENANT, held_up.only_case().id) is None
    assert len(held_up.lamps.writes) == tries


def test_it_is_tried_again_every_five_minutes(held_up: Bench) -> None:
    tries = len(held_up.lamps.writes)
    for minutes, taken_up in ((4, 0), (1, 1)):
        held_up.clock.move(minutes * A_MINUTE)
        assert resume(held_up.runtime) == taken_up
    answer(held_up.runtime, TENANT, held_up.only_case().id)
    assert len(held_up.lamps.writes) == tries + 1


def test_it_is_put_back_when_the_lock_is_gone_and_that_is_told(held_up: Bench, lock: _Lock) -> None:
    lock.stands = False
    case = _try_again(held_up)
    assert (case.outcome, case.state) == (Outcome.DONE, State.CLOSED)
    assert held_up.lamps.state[LAMP] == "on"
    resume(held_up.runtime)
    for channel in (held_up.teams, held_up.pagerduty):
        assert [one.case.outcome for one in channel.sent] == [Outcome.LOCKED, Outcome.DONE]
        assert channel.sent[-1].case_ids == [case.id]


def test_it_is_never_given_up_and_never_paged_again(held_up: Bench, lock: _Lock) -> None:
    for _ in range(4 * MOST_ATTEMPTS):
        case = _try_again(held_up)
        assert (case.outcome, case.state) == (Outcome.LOCKED, State.DECIDED)
    pages = {(one.case.outcome, one.place) for one in held_up.teams.sent}
    assert len(held_up.teams.sent) == len(pages), "it was paged again, and not because nobody answered"
    lock.stands = False
    assert _try_again(held_up).outcome is Outcome.DONE


def test_it_is_counted_once_against_the_limit_of_an_hour(memory: MemoryStorage, lock: _Lock) -> None:
    ready = ready_bench(memory, lamps=Lamps(spoil=lock), REMEDIATIONS_PER_HOUR="1")
    ready.take_in(lamp_record())
    ready.answer_all()
    for _ in range(3):
        assert _try_again(ready).outcome is Outcome.LOCKED
    lock.stands = False
    assert _try_again(ready).outcome is Outcome.DONE


def test_somebody_who_undid_it_by_hand_meanwhile_is_seen(held_up: Bench) -> None:
    held_up.lamps.state[LAMP] = "on"
    case = _try_again(held_up)
    assert (case.outcome, case.state) == (Outcome.ALREADY, State.CLOSED)
    resume(held_up.runtime)
    assert held_up.teams.sent[-1].case.outcome is Outcome.ALREADY


def _approve(ready: Bench) -> None:
    ready.runtime.approvals.approve(approval(MALLORY))
    ready.clock.move(A_MINUTE)


def _stop(ready: Bench) -> None:
    ready.runtime.controls.stop(by="a test", reason="a test")


def _page_only(ready: Bench) -> None:
    ready.runtime.controls.set_mode("*", Mode.PAGE, by="a test", reason="a test")


@pytest.mark.parametrize(
    ("change", "decision"),
    [(_approve, Decision.RECORD), (_stop, Decision.PAGE), (_page_only, Decision.PAGE)],
    ids=["approved", "stopped", "only paged"],
)
def test_what_people_decide_meanwhile_holds_since_nothing_was_done(
    held_up: Bench, lock: _Lock, change: Callable[[Bench], None], decision: Decision
) -> None:
    tries = len(held_up.lamps.writes)
    change(held_up)
    lock.stands = False
    case = _try_again(held_up)
    assert (case.decision, case.outcome, case.state) == (decision, Outcome.NONE, State.CLOSED)
    assert len(held_up.lamps.writes) == tries
    assert held_up.lamps.state[LAMP] == "off"


def test_a_tenant_that_fails_meanwhile_does_not_end_it(held_up: Bench, lock: _Lock) -> None:
    lock.failing = Unreachable("cut")
    for _ in range(4 * MOST_ATTEMPTS):
        held_up.clock.move(LOCK_PAUSE + A_MINUTE)
        answer(held_up.runtime, TENANT, held_up.only_case().id)
        assert held_up.only_case().is_open
    lock.failing, lock.stands = None, False
    held_up.clock.move(timedelta(hours=1))
    answer(held_up.runtime, TENANT, held_up.only_case().id)
    assert held_up.only_case().outcome is Outcome.DONE


def test_a_run_that_is_killed_after_the_lock_went_is_settled_like_any_other(held_up: Bench, lock: _Lock) -> None:
    """From the second decision on something may have been done, so an approval no longer makes it a mere record."""

    def kill(_number: int, call: str) -> None:
        if call.startswith("set"):
            raise KeyboardInterrupt

    lock.stands = False
    held_up.lamps.spoil_after = kill
    held_up.clock.move(LOCK_PAUSE)
    with pytest.raises(KeyboardInterrupt):
        answer(held_up.runtime, TENANT, held_up.only_case().id)
    held_up.lamps.spoil_after = lambda _number, _call: None
    _approve(held_up)
    held_up.clock.move(timedelta(hours=1))
    answer(held_up.runtime, TENANT, held_up.only_case().id)
    case = held_up.only_case()
    assert (case.decision, case.outcome, case.state) == (Decision.REMEDIATE, Outcome.DONE, State.CLOSED)


def test_a_page_that_nobody_reads_goes_on_to_the_next(held_up: Bench) -> None:
    held_up.clock.move(held_up.runtime.settings.acknowledge_within + A_MINUTE)
    resume(held_up.runtime)
    assert max(one.place for one in held_up.teams.sent) == 1
