"""Modes and the kill switch at any instant: by tables of acts, and against a calendar filled in hour by hour."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.authority.control_history import ControlHistory
from shared.authority.controls import Controls
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.kinds import Mode
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage

_HOUR: Final = timedelta(hours=1)
_O, _P, _E = Mode.OBSERVE, Mode.PAGE, Mode.ENFORCE
_HOURS: Final = (-1, 0, 9, 10, 19, 20)
_LAMP: Final = "lamp-switched"


@dataclass(slots=True)
class _Desk:
    storage: Storage
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def controls(self) -> Controls:
        return Controls(self.storage, clock=self.clock)

    def until_hour(self, hour: int) -> None:
        self.clock.move(NOW + hour * _HOUR - self.clock())

    def set_mode(self, detection: str, mode: Mode | None) -> None:
        self.controls.set_mode(detection, mode, by="Carol Chen", reason="a test")

    def stop(self) -> None:
        self.controls.stop(by="Carol Chen", reason="a test")

    def start(self) -> None:
        self.controls.start(by="Carol Chen")

    def history(self) -> ControlHistory:
        return self.controls.history()


@pytest.fixture
def desk(storage: Storage) -> _Desk:
    return _Desk(storage)


type _Act = Callable[[_Desk], None]


_STORIES: Final[tuple[tuple[str, dict[int, _Act], tuple[Mode, ...]], ...]] = (
    ("nothing was ever said", {}, (_O,) * 6),
    ("its own", {0: lambda desk: desk.set_mode(_LAMP, _E)}, (_O, _E, _E, _E, _E, _E)),
    ("that for all", {0: lambda desk: desk.set_mode("*", _P)}, (_O, _P, _P, _P, _P, _P)),
    ("that of another", {0: lambda desk: desk.set_mode("lamp", _P)}, (_O,) * 6),
    (
        "its own counts before that for all",
        {0: lambda desk: desk.set_mode(_LAMP, _E), 10: lambda desk: desk.set_mode("*", _P)},
        (_O, _E, _E, _E, _E, _E),
    ),
    (
        "taken back",
        {
            0: lambda desk: desk.set_mode("*", _P),
            10: lambda desk: desk.set_mode(_LAMP, _E),
            20: lambda desk: desk.set_mode(_LAMP, None),
        },
        (_O, _P, _P, _E, _E, _P),
    ),
    (
        "lowered",
        {0: lambda desk: desk.set_mode(_LAMP, _E), 10: lambda desk: desk.set_mode(_LAMP, _O)},
        (_O, _E, _E, _O, _O, _O),
    ),
)


@pytest.mark.parametrize(
    ("acts", "expected"), [pytest.param(acts, expected, id=story) for story, acts, expected in _STORIES]
)
def test_each_instant_has_the_mode_that_was_set_then(
    desk: _Desk, acts: dict[int, _Act], expected: tuple[Mode, ...]
) -> None:
    for hour, act in acts.items():
        desk.until_hour(hour)
        act(desk)
    history = desk.history()
    assert [history.mode(_LAMP, NOW + hour * _HOUR) for hour in _HOURS] == list(expected)
    assert history.present.mode(_LAMP) is expected[-1]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(0, 9, True), (0, 10, False), (-1, 9, False), (11, 19, False), (20, 25, True), (9, 0, True), (19, 20, False)],
)
def test_enforced_from_one_instant_to_another(desk: _Desk, since: int, until: int, expected: bool) -> None:  # noqa: FBT001 - the answer
    desk.set_mode(_LAMP, _E)
    desk.until_hour(10)
    desk.set_mode(_LAMP, _P)
    desk.until_hour(15)
    desk.set_mode("*", _E)
    desk.until_hour(20)
    desk.set_mode(_LAMP, None)
    assert desk.history().enforced_throughout(_LAMP, NOW + since * _HOUR, NOW + until * _HOUR) is expected


def test_that_the_mode_for_all_was_lowered_meanwhile_counts(desk: _Desk) -> None:
    for hour, mode in ((0, _E), (10, _P), (12, _E)):
        desk.until_hour(hour)
        desk.set_mode("*", mode)
    history = desk.history()
    assert history.enforced_throughout(_LAMP, NOW, NOW + 9 * _HOUR) is True
    assert history.enforced_throughout(_LAMP, NOW, NOW + 20 * _HOUR) is False


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(-5, -1, True), (0, 9, True), (0, 10, False), (11, 12, False), (12, 20, False), (20, 25, True), (20, 10, False)],
)
def test_stopped_from_one_instant_to_another(desk: _Desk, since: int, until: int, expected: bool) -> None:  # noqa: FBT001 - the answer
    desk.until_hour(10)
    desk.stop()
    desk.until_hour(20)
    desk.start()
    history = desk.history()
    assert [history.stopped(NOW + hour * _HOUR) for hour in _HOURS] == [False, False, False, True, True, False]
    assert history.never_stopped(NOW + since * _HOUR, NOW + until * _HOUR) is expected


def test_a_stop_and_a_start_in_one_instant_count_in_their_order(desk: _Desk) -> None:
    desk.stop()
    desk.start()
    assert desk.history().stopped(NOW) is False
    desk.stop()
    assert desk.history().stopped(NOW) is True


def test_a_stop_by_a_clock_that_is_ahead_counts_at_once(desk: _Desk) -> None:
    desk.until_hour(1)
    desk.stop()
    desk.until_hour(0)
    assert desk.controls.read_state().stopped is True
    assert desk.history().stopped(NOW) is True
    assert desk.history().stopped(NOW - _HOUR) is None
    desk.start()
    assert desk.controls.read_state().stopped is False


_AT_10: Final = "2026-03-02T20:05:00.000000Z"


def test_a_malformed_mode_is_page_and_unknown_and_spoils_no_other(desk: _Desk) -> None:
    desk.set_mode("*", _E)
    desk.storage.upsert(Table.CONTROLS, "mode", f"{_LAMP}|{_AT_10}", {"mode": "Enforce"})
    desk.until_hour(20)
    history = desk.history()
    assert [history.mode(_LAMP, NOW + hour * _HOUR) for hour in (9, 10, 20)] == [_E, _P, _P]
    assert history.enforced_throughout(_LAMP, NOW, NOW + 9 * _HOUR) is True
    assert history.enforced_throughout(_LAMP, NOW, NOW + 10 * _HOUR) is None
    assert history.enforced_throughout(_LAMP, NOW - _HOUR, NOW + 10 * _HOUR) is False
    assert history.enforced_throughout("lamp-stolen", NOW, NOW + 20 * _HOUR) is True
    desk.set_mode(_LAMP, _E)
    assert desk.history().enforced_throughout(_LAMP, NOW + 20 * _HOUR, NOW + 21 * _HOUR) is True


def test_a_malformed_kill_switch_is_unknown_from_then_on(desk: _Desk) -> None:
    desk.storage.upsert(Table.CONTROLS, "kill", f"all|{_AT_10}", {"stopped": "no"})
    desk.until_hour(20)
    history = desk.history()
    assert [history.stopped(NOW + hour * _HOUR) for hour in (9, 10)] == [False, None]
    assert history.never_stopped(NOW, NOW + 9 * _HOUR) is True
    assert history.never_stopped(NOW, NOW + 10 * _HOUR) is None
    assert history.present.stopped is True
    desk.start()
    assert desk.history().stopped(NOW + 20 * _HOUR) is False


def test_controls_that_cannot_be_read_are_unknown(desk: _Desk) -> None:
    desk.set_mode("*", _E)
    desk.storage.delete_table(Table.CONTROLS)
    history = desk.history()
    assert history.mode(_LAMP, NOW) is _P
    assert history.stopped(NOW) is None
    assert history.enforced_throughout(_LAMP, NOW, NOW) is None
    assert history.never_stopped(NOW, NOW) is None
    assert "TableNotFound" in history.unread


@pytest.mark.parametrize(
    ("first", "then", "needed"),
    [
        ({}, ("lamp-switched", _E), False),
        ({}, ("lamp-switched", _O), False),
        ({_LAMP: _E}, (_LAMP, _E), False),
        ({_LAMP: _E}, (_LAMP, _P), True),
        ({_LAMP: _P}, (_LAMP, _O), True),
        ({"*": _E}, ("*", _P), True),
        ({"*": _E}, (_LAMP, _P), True),
        ({"*": _P}, (_LAMP, _E), False),
        ({"*": _P, _LAMP: _E}, (_LAMP, None), True),
        ({"*": _E, _LAMP: _P}, (_LAMP, None), False),
        ({_LAMP: _E}, (_LAMP, None), True),
    ],
)
def test_what_does_less_needs_a_reason(
    desk: _Desk,
    first: dict[str, Mode],
    then: tuple[str, Mode | None],
    needed: bool,  # noqa: FBT001 - the answer
) -> None:
    for detection, mode in first.items():
        desk.set_mode(detection, mode)
    before = desk.controls.read_state()
    if needed:
        with pytest.raises(ValueError, match="needs a reason"):
            desk.controls.set_mode(*then, by="Carol Chen")
        assert desk.controls.read_state() == before
    else:
        desk.controls.set_mode(*then, by="Carol Chen")


def test_nobody_stops_without_a_reason_or_a_name(desk: _Desk) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        desk.controls.stop(by="Carol Chen", reason=" ")
    with pytest.raises(ValueError, match="who does it"):
        desk.controls.start(by=" ")
    assert desk.storage.rows(Table.CONTROLS, "PartitionKey ge ''") == []


# Against a calendar: what counts at each hour. An act writes into all hours from its own on.

_LAST: Final = 24
_DETECTIONS: Final = ("*", _LAMP, "lamp-stolen")
_acts = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["stop", "start"])
        | st.tuples(st.sampled_from(_DETECTIONS), st.none() | st.sampled_from(list(Mode))),
    ),
    max_size=8,
)
type Acts = list[tuple[int, str | tuple[str, Mode | None]]]


def _play(acts: Acts) -> tuple[ControlHistory, list[bool], dict[str, list[Mode | None]]]:
    storage = MemoryStorage()
    storage.create_all()
    desk = _Desk(storage)
    stopped = [False] * _LAST
    modes: dict[str, list[Mode | None]] = {detection: [None] * _LAST for detection in _DETECTIONS}
    hour = 0
    for gap, act in acts:
        hour += gap
        desk.until_hour(hour)
        if isinstance(act, str):
            (desk.stop if act == "stop" else desk.start)()
            stopped[hour:] = [act == "stop"] * (_LAST - hour)
        else:
            detection, mode = act
            desk.set_mode(detection, mode)
            modes[detection][hour:] = [mode] * (_LAST - hour)
    desk.until_hour(_LAST)
    return desk.history(), stopped, modes


@given(acts=_acts, since=st.integers(0, _LAST - 1), until=st.integers(0, _LAST - 1))
def test_any_acts_have_the_answers_of_a_calendar(acts: Acts, since: int, until: int) -> None:
    history, stopped, own = _play(acts)
    modes = {
        detection: [mine or every or _O for mine, every in zip(hours, own["*"], strict=True)]
        for detection, hours in own.items()
    }
    instants = [NOW + hour * _HOUR for hour in range(_LAST)]
    assert [history.stopped(at) for at in instants] == stopped
    for detection, hours in modes.items():
        assert [history.mode(detection, at) for at in instants] == hours
    first, last = sorted((since, until))
    between = slice(first, last + 1)
    assert history.never_stopped(instants[since], instants[until]) is not any(stopped[between])
    for detection, hours in modes.items():
        enforced = history.enforced_throughout(detection, instants[since], instants[until])
        assert enforced is all(mode is _E for mode in hours[between])
