"""What is ours is proved by an intent; anything else under our name means that somebody has our identity."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, MALLORY, RESPONDER
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import Unreachable
from shared.model.events import AuditEvent, Event
from shared.model.kinds import Image
from shared.model.object_kinds import Made, Write
from shared.model.objects import EXISTS, IntentState, ObjectChange, Op, Recorded, Step
from shared.model.tenant_api import TenantApi
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench

_MINUTE: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _Lamps(Lamps):
    """Lamps that say who wrote them last, and that have a colour, which the service may fill in at a write."""

    made: Made = field(default_factory=Made)
    colours: dict[str, str] = field(default_factory=dict[str, str])
    fills_in: str = ""

    def look(self, api: TenantApi, lamp: str) -> Image | None:
        found = Lamps.read(self, api, lamp)
        return None if found is None else found | {"colour": self.colours.get(lamp)}

    def put(self, api: TenantApi, write: Write) -> str:
        lamp = Lamps.write(self, api, write)
        if self.fills_in:
            self.colours[lamp] = self.fills_in
        return lamp


@pytest.fixture
def lamps() -> _Lamps:
    return _Lamps()


@pytest.fixture
def lit(memory: MemoryStorage, lamps: _Lamps) -> Bench:
    """Give a lamp that was switched off, and that moves the clock a little at each call, as a service would."""

    def made(_image: Image) -> Made:
        return lamps.made

    def leaves(lamp: Image) -> dict[str, Any]:
        return {EXISTS: True, **{name: lamp[name] for name in ("state", "colour") if lamp.get(name)}}

    kind = msgspec.structs.replace(
        lamps.kind(), read=lamps.look, write=lamps.put, made=made, leaves=leaves, recorded=_recorded
    )
    ready = ready_bench(memory, lamps=lamps, kinds=(kind,))
    lamps.spoil = lambda _number, _call: ready.clock.move(timedelta(milliseconds=20))
    return ready


def _recorded(event: Event) -> tuple[Recorded, ...]:
    """Say what a record tells, of whatever properties."""
    if not isinstance(event, AuditEvent):
        return ()
    wrote: dict[str, Step] = {one.name: (one.old or None, one.new or None) for one in event.target.changes}
    return (Recorded(object_id=event.target.id, name="", op=Op.UPDATE, wrote=wrote, is_whole=True),)


def _put_back(ready: Bench) -> None:
    ready.take_in(lamp_record(MALLORY))
    ready.answer_queue()
    assert ready.lamps.writes == ["set on"]
    ready.clock.move(_MINUTE)


def _own_record(ready: Bench, *, at: datetime | None = None, **wrote: Step) -> Image:
    """Make Graph's record of a write under the responder's identity, at the only intent unless it is said."""
    (intent,) = ready.only_object().intents
    steps = {"state": ("off", "on"), **wrote}
    properties = [
        {"displayName": name, "oldValue": f'"{old}"' if old else None, "newValue": f'"{new}"' if new else None}
        for name, (old, new) in steps.items()
    ]
    target: Image = {"id": LAMP, "displayName": "", "type": "Other", "modifiedProperties": properties}
    return lamp_record(RESPONDER, at=at or intent.at, targetResources=[target])


def _take(ready: Bench, record: Image) -> list[Case]:
    ready.take_in(record)
    return ready.answer_all()


def _stolen(ready: Bench) -> list[Case]:
    return [case for case in ready.cases() if "somebody has its identity" in case.because]


def _states(ready: Bench) -> list[IntentState]:
    return [one.state for one in ready.only_object().intents]


def _ours(ready: Bench) -> list[ObjectChange]:
    return [one for one in ready.runtime.objects.changes(ready.only_object().id) if one.is_ours]


# Our own records.


def test_a_record_of_what_was_intended_is_ours_and_opens_nothing(lit: Bench) -> None:
    _put_back(lit)
    assert len(_take(lit, _own_record(lit))) == 1
    assert (_stolen(lit), _states(lit), lit.lamps.writes) == ([], [IntentState.BOOKED], ["set on"])
    assert {one.intent for one in _ours(lit)} == {lit.only_object().intents[0].id}, "its record names the intent too"


def test_it_is_ours_whenever_its_record_comes_and_however_often(lit: Bench) -> None:
    _put_back(lit)
    record = _own_record(lit)
    lit.clock.move(timedelta(hours=2))
    for _ in range(2):
        _take(lit, record)
    assert (_stolen(lit), len(lit.cases()), lit.lamps.writes) == ([], 1, ["set on"])


_THEFTS: Final[dict[str, dict[str, Any]]] = {
    "another value": {"state": ("off", "red")},
    "a property more": {"colour": (None, "green")},
    "a property changed": {"colour": ("blue", "green")},
}


@pytest.mark.parametrize("wrote", _THEFTS.values(), ids=_THEFTS)
def test_a_record_of_more_than_was_intended_calls_everybody(lit: Bench, wrote: dict[str, Any]) -> None:
    _put_back(lit)
    _take(lit, _own_record(lit, **wrote))
    (case,) = _stolen(lit)
    assert (case.decision, case.state) == (Decision.PAGE, State.CLOSED)
    assert case.id in lit.pagerduty.case_ids()


@pytest.mark.parametrize("after", [timedelta(hours=-1), timedelta(hours=1)], ids=["before", "long after"])
def test_a_record_of_another_time_than_the_write_calls_everybody(lit: Bench, after: timedelta) -> None:
    _put_back(lit)
    lit.clock.move(timedelta(hours=2))
    (intent,) = lit.only_object().intents
    _take(lit, _own_record(lit, at=intent.at + after))
    assert len(_stolen(lit)) == 1


def test_a_record_without_any_intent_calls_everybody(lit: Bench) -> None:
    (case,) = _take(lit, lamp_record(RESPONDER))
    assert _stolen(lit) == [case]
    assert case.id in lit.pagerduty.case_ids()


def test_what_was_not_sent_explains_nothing(lit: Bench) -> None:
    """A write that was given up: a record that looks like it is somebody else's."""
    lit.lamps.while_waiting = lambda: lit.clock.move(timedelta(seconds=6))
    lit.take_in(lamp_record(MALLORY))
    lit.answer_queue()
    assert set(_states(lit)) == {IntentState.NOT_SENT}
    first = lit.only_object().intents[0]
    lit.clock.move(_MINUTE)
    steps: Image = {"displayName": "state", "oldValue": '"off"', "newValue": '"on"'}
    target: Image = {"id": LAMP, "type": "Other", "modifiedProperties": [steps]}
    _take(lit, lamp_record(RESPONDER, at=first.at, targetResources=[target]))
    assert len(_stolen(lit)) == 1


def test_what_the_service_filled_in_is_ours_and_no_theft(lit: Bench, lamps: _Lamps) -> None:
    """Our write comes back with a default that we didn't send, in the object and in our record."""
    lamps.fills_in = "white"
    _put_back(lit)
    _take(lit, _own_record(lit, colour=(None, "white")))
    assert _stolen(lit) == []
    assert lamps.colours == {LAMP: "white"}


def test_what_the_service_filled_in_is_no_change_that_nobody_explains(lit: Bench, lamps: _Lamps) -> None:
    lamps.fills_in = "white"
    _put_back(lit)
    for _ in range(14):
        lit.clock.move(5 * _MINUTE)
        lit.sweep()
        resume(lit.runtime)
    assert lit.teams.system_notices == []
    assert lit.only_object().pending == {}


def test_another_value_than_the_service_filled_in_calls_everybody(lit: Bench, lamps: _Lamps) -> None:
    lamps.fills_in = "white"
    _put_back(lit)
    _take(lit, _own_record(lit, colour=(None, "green")))
    assert len(_stolen(lit)) == 1


# Intents that were left open.


def _lose_the_answer(ready: Bench) -> None:
    def cut(_number: int, call: str) -> None:
        ready.clock.move(timedelta(milliseconds=20))
        if call == "set on":
            raise Unreachable("cut")

    ready.lamps.spoil_after = cut
    ready.take_in(lamp_record(MALLORY))
    ready.answer_queue()
    ready.lamps.spoil_after = lambda _number, _call: None


def test_a_lost_answer_is_a_claim_until_our_own_record_comes(lit: Bench) -> None:
    """That the target stands proves nothing: another may have written the same."""
    _lose_the_answer(lit)
    assert _states(lit) == [IntentState.OPEN]
    assert [one.is_whole for one in _ours(lit)] == [False]
    lit.clock.move(_MINUTE)
    _take(lit, _own_record(lit))
    assert _states(lit) == [IntentState.BOOKED]
    assert all(one.is_whole for one in _ours(lit))
    assert (_stolen(lit), lit.lamps.writes) == ([], ["set on"])
    assert lit.only_case().outcome in {Outcome.DONE, Outcome.ALREADY}


def test_a_lost_answer_is_proved_where_the_object_says_that_we_wrote_it(lit: Bench, lamps: _Lamps) -> None:
    lamps.made = Made(changed_by=RESPONDER.id.lower(), changed_at=lit.clock() + _MINUTE)
    _lose_the_answer(lit)
    assert _states(lit) == [IntentState.BOOKED]
    assert [one.is_whole for one in _ours(lit)] == [True]


_NO_PROOF: Final[dict[str, Callable[[Bench], Made]]] = {
    "another wrote it": lambda ready: Made(changed_by=ALICE.id, changed_at=ready.clock() + _MINUTE),
    "we wrote it before": lambda ready: Made(changed_by=RESPONDER.id, changed_at=ready.clock() - _MINUTE),
    "it doesn't say when": lambda _ready: Made(changed_by=RESPONDER.id),
    "we made it, and it was an update": lambda ready: Made(by=RESPONDER.id, at=ready.clock() + _MINUTE),
}


@pytest.mark.parametrize("made", _NO_PROOF.values(), ids=_NO_PROOF)
def test_anything_else_that_the_object_says_proves_nothing(
    lit: Bench, lamps: _Lamps, made: Callable[[Bench], Made]
) -> None:
    lamps.made = made(lit)
    _lose_the_answer(lit)
    assert _states(lit) == [IntentState.OPEN]


def test_an_intent_that_never_shows_is_given_up_and_the_change_put_back_anew(lit: Bench) -> None:
    """The run died before the request went out."""

    class Died(BaseException):
        pass

    def die(_number: int, call: str) -> None:
        lit.clock.move(timedelta(milliseconds=20))
        if call == "set on":
            raise Died

    lit.lamps.spoil = die
    lit.take_in(lamp_record(MALLORY))
    with pytest.raises(Died):
        lit.answer_queue()
    assert _states(lit) == [IntentState.OPEN]
    lit.lamps.spoil = lambda _number, _call: lit.clock.move(timedelta(milliseconds=20))
    for _ in range(12):
        lit.clock.move(2 * _MINUTE)
        resume(lit.runtime)
    assert _states(lit)[-1] is IntentState.BOOKED
    assert (lit.lamps.state[LAMP], _stolen(lit)) == ("on", [])
