"""Putting back with proof: what is told is what was read back."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.cases import Outcome
from shared.model.errors import BadIdentifier, EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.remediations import Already, Doubt, Plan, Put
from shared.objects.act import RemediationResult, plan_until_done, put_back
from tests.fakes.clock import FakeClock

_PUT: Final = Put(summary="Switch the lamp on", image={"state": "on"})
_DONE: Final = Already(because="the lamp is on")
_DOUBT: Final = Doubt(because="the lamp is blinking")
_WITHIN: Final = timedelta(seconds=20)


@dataclass(slots=True)
class _Lamp:
    """What a second look gives, in order; the last stays. `failure` is raised by applying."""

    looks: list[Plan | EdgeError]
    failure: Exception | None = None
    applied: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    looked: int = 0

    def apply(self, put: Put) -> None:
        assert put is _PUT
        self.applied += 1
        if self.failure is not None:
            raise self.failure

    def look_again(self) -> Plan:
        found = self.looks[min(self.looked, len(self.looks) - 1)]
        self.looked += 1
        if isinstance(found, EdgeError):
            raise found
        return found

    def put_back(self, within: timedelta = _WITHIN) -> RemediationResult:
        return put_back(
            put=_PUT,
            apply=self.apply,
            look_again=self.look_again,
            clock=self.clock,
            wait=self.clock.wait,
            within=within,
        )


def test_done_is_what_was_read_back() -> None:
    lamp = _Lamp([_DONE])
    assert lamp.put_back() == RemediationResult(outcome=Outcome.DONE, proof="the lamp is on")
    assert (lamp.applied, lamp.clock.waits) == (1, [])


def test_a_change_that_shows_late_is_waited_for() -> None:
    lamp = _Lamp([_PUT, Unreachable("cut"), _DOUBT, _PUT, _DONE])
    assert lamp.put_back().outcome is Outcome.DONE
    assert lamp.clock.waits == [0.25, 0.5, 1.0, 2.0]
    assert lamp.applied == 1


def test_a_change_that_never_shows_is_not_told_as_done() -> None:
    lamp = _Lamp([_PUT])
    acted = lamp.put_back()
    assert acted.outcome is Outcome.UNVERIFIED
    assert "20 s later the object still hadn't changed" in acted.proof
    assert lamp.clock.waits == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 2.25]
    assert lamp.applied == 1


def test_doubt_after_it_was_sent_is_unverified() -> None:
    assert _Lamp([_DOUBT]).put_back() == RemediationResult(outcome=Outcome.UNVERIFIED, proof="the lamp is blinking")


@pytest.mark.parametrize("failure", [Unreachable("cut"), Refused("403"), Throttled("429"), Rejected("400")], ids=repr)
def test_what_could_not_be_read_back_is_unverified(failure: EdgeError) -> None:
    acted = _Lamp([failure]).put_back()
    assert acted.outcome is Outcome.UNVERIFIED
    assert acted.proof == f"the request was sent, but the object could not be read afterwards: {failure}"


@pytest.mark.parametrize("failure", [Refused("the app may not"), Rejected("no such lamp")], ids=repr)
def test_a_no_is_a_failure_with_its_reason(failure: EdgeError) -> None:
    """The service said that it didn't do it, so there is nothing to read back."""
    lamp = _Lamp([_DONE], failure=failure)
    assert lamp.put_back() == RemediationResult(outcome=Outcome.FAILED, proof=str(failure))
    assert lamp.looked == 0


def test_a_lost_answer_to_what_was_carried_out_is_done() -> None:
    lamp = _Lamp([_PUT, _DONE], failure=Unreachable("the connection was cut"))
    assert lamp.put_back().outcome is Outcome.DONE
    assert lamp.applied == 1


def test_a_lost_answer_to_what_was_not_carried_out_is_raised_for_another_attempt() -> None:
    lamp = _Lamp([_PUT], failure=Unreachable("the connection was cut"))
    with pytest.raises(Unreachable, match="the connection was cut"):
        lamp.put_back()
    assert lamp.applied == 1


def test_a_lost_answer_that_cannot_be_followed_up_is_unverified() -> None:
    lamp = _Lamp([Unreachable("still cut")], failure=Unreachable("the connection was cut"))
    acted = lamp.put_back()
    assert acted.outcome is Outcome.UNVERIFIED
    assert "still cut" in acted.proof


@pytest.mark.parametrize("failure", [Throttled("429"), BadIdentifier("no id"), ValueError("a bug")], ids=repr)
def test_what_was_not_carried_out_for_another_reason_is_raised(failure: Exception) -> None:
    lamp = _Lamp([_DONE], failure=failure)
    with pytest.raises(type(failure)):
        lamp.put_back()
    assert lamp.looked == 0


@pytest.mark.parametrize("within", [timedelta(), timedelta(seconds=1), _WITHIN, timedelta(minutes=4)])
def test_looking_back_takes_no_longer_than_it_may(within: timedelta) -> None:
    lamp = _Lamp([_PUT])
    begun = lamp.clock()
    lamp.put_back(within)
    assert lamp.clock() - begun <= within


def test_it_looks_once_more_when_the_time_is_up() -> None:
    """A change that shows at the last moment is seen."""
    lamp = _Lamp([_PUT])
    begun = lamp.clock()

    def look() -> Plan:
        lamp.looked += 1
        return _DONE if lamp.clock() - begun >= _WITHIN else _PUT

    assert plan_until_done(look_again=look, clock=lamp.clock, wait=lamp.clock.wait, within=_WITHIN) == _DONE


_looks = st.lists(
    st.sampled_from([_DONE, _DOUBT, _PUT, Unreachable("cut"), Throttled("429"), Refused("403")]),
    min_size=1,
    max_size=12,
)
_failures = st.sampled_from(
    [None, Unreachable("cut"), Throttled("429"), Refused("403"), Rejected("400"), BadIdentifier("no id")]
)


@given(looks=_looks, failure=_failures, seconds=st.floats(0, 60))
def test_done_is_told_exactly_when_it_was_seen(
    looks: list[Plan | EdgeError], failure: Exception | None, seconds: float
) -> None:
    lamp = _Lamp(looks, failure=failure)
    begun = lamp.clock()
    try:
        acted = lamp.put_back(timedelta(seconds=seconds))
    except (Unreachable, Throttled, BadIdentifier) as raised:
        assert type(raised) is type(failure)  # noqa: PT017 - raising is right for these failures only
    else:
        seen = _last_seen(lamp)
        assert (acted.outcome is Outcome.DONE) is (lamp.looked > 0 and seen == _DONE)
        assert acted.outcome is not Outcome.ALREADY
        assert acted.proof
    assert lamp.applied == 1
    assert lamp.clock() - begun <= timedelta(seconds=seconds)


def _last_seen(lamp: _Lamp) -> Plan | EdgeError:
    return lamp.looks[min(lamp.looked, len(lamp.looks)) - 1]


def test_a_slow_look_is_not_followed_by_another_one() -> None:
    """Time that passes while looking counts."""
    clock = FakeClock()
    looks = iter([_PUT, _PUT])

    def slow() -> Plan:
        clock.move(timedelta(seconds=15))
        return next(looks)

    assert plan_until_done(look_again=slow, clock=clock, wait=clock.wait, within=_WITHIN) == _PUT
