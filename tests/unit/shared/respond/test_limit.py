"""Many objects under the hourly limit: the riskiest first, the rest pending and named, all of them in the end."""

from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import MALLORY
from shared.detect.fields import Audit
from shared.model.cases import Outcome
from shared.model.conditions import all_of
from shared.model.kinds import Risk
from shared.respond.resume import resume
from tests.fakes.lamps import Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench

_MINUTE: Final = timedelta(minutes=1)


def _switched_off(memory: MemoryStorage, *, limit: int, low: int, high: int) -> Bench:
    """Let Mallory switch lamps off, those of little risk first, and the app answer what it hears at once."""
    lamps = Lamps({f"lamp-{number:02}": "on" for number in range(low + high)})
    broken, switched = Audit.reason.is_("broken"), Audit.activity.is_("Switch lamp")
    risky = lamps.detection(id="lamp-broken", title="Lamp broken", when=all_of(switched, broken), risk=Risk.HIGH)
    dull = lamps.detection(when=all_of(switched, Audit.reason.is_("off")), risk=Risk.LOW)
    made = ready_bench(memory, lamps=lamps, detections=(dull, risky), REMEDIATIONS_PER_HOUR=f"{limit}")
    for number in range(low + high):
        to = "off" if number < low else "broken"
        made.clock.move(timedelta(seconds=1))
        lamps.state[f"lamp-{number:02}"] = to
        made.take_in(lamp_record(MALLORY, lamp=f"lamp-{number:02}", to=to, at=made.clock(), resultReason=to))
        made.answer_queue()
    return made


def _go_on(made: Bench, *, minutes: int) -> None:
    for _ in range(minutes):
        made.clock.move(_MINUTE)
        resume(made.runtime)


def _lit(made: Bench) -> set[int]:
    return {int(lamp[-2:]) for lamp, state in made.lamps.state.items() if state == "on"}


@pytest.fixture
def storm(memory: MemoryStorage) -> Bench:
    """Let eight decoys come before the four that matter."""
    return _switched_off(memory, limit=4, low=8, high=4)


def test_decoys_that_come_first_leave_places_for_what_is_risky(storm: Bench) -> None:
    assert _lit(storm) == {0, 1, 8, 9}
    pending = [case for case in storm.cases() if case.is_open]
    assert {case.outcome for case in pending} == {Outcome.PENDING}
    assert len(pending) == 8
    assert all("4 objects" in case.because for case in pending), "each says what it waits for"


def test_then_the_riskiest_and_the_oldest_go_first_until_all_are_put_back(storm: Bench) -> None:
    _go_on(storm, minutes=59)
    assert len(_lit(storm)) == 4
    _go_on(storm, minutes=10)
    assert _lit(storm) == {0, 1, 8, 9, 10, 11, 2, 3}
    _go_on(storm, minutes=70)
    assert _lit(storm) == set(range(12))
    assert {case.outcome for case in storm.cases()} == {Outcome.DONE}
    assert storm.runtime.objects.pending(storm.runtime.settings.workforce.id) == []


def test_places_that_nothing_riskier_took_in_five_minutes_are_for_all(memory: MemoryStorage) -> None:
    made = _switched_off(memory, limit=4, low=6, high=0)
    assert _lit(made) == {0, 1}
    _go_on(made, minutes=7)
    assert _lit(made) == {0, 1, 2, 3}


def test_no_more_messages_are_sent_than_may_be(storm: Bench) -> None:
    _go_on(storm, minutes=180)
    assert len(storm.teams.sent) <= 20
