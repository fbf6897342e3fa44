"""Modes, the kill switch and the hourly limit."""

from datetime import datetime
from typing import Final

import pytest

from shared.authority.controls import Controls, ControlState
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.kinds import Mode, ObjectKind
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.spoilt_storage import SpoiltStorage

_KIND: Final = ObjectKind.CA_POLICY
_HOUR_OF_NOW: Final = f"{NOW:%Y%m%d%H}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.fromisoformat("2026-03-02T10:59:00Z"))


@pytest.fixture
def controls(storage: Storage, clock: FakeClock) -> Controls:
    return Controls(storage, clock=clock)


def test_everything_is_only_observed_until_somebody_says_more(controls: Controls) -> None:
    control_state = controls.read_state()
    assert control_state == ControlState(stopped=False, modes={})
    assert control_state.mode("lamp-switched") is Mode.OBSERVE


def test_a_mode_of_its_own_counts_before_the_one_for_all(controls: Controls) -> None:
    controls.set_mode("*", Mode.ENFORCE, by="Carol Chen")
    controls.set_mode("lamp-switched", Mode.PAGE, by="Carol Chen", reason="too noisy")
    control_state = controls.read_state()
    assert control_state.mode("lamp-switched") is Mode.PAGE
    assert control_state.mode("lamp-stolen") is Mode.ENFORCE


def test_a_mode_can_be_set_back(controls: Controls) -> None:
    controls.set_mode("lamp-switched", Mode.ENFORCE, by="Carol Chen")
    controls.set_mode("lamp-switched", Mode.OBSERVE, by="Carol Chen", reason="too noisy")
    assert controls.read_state().mode("lamp-switched") is Mode.OBSERVE


def test_a_mode_that_cannot_be_understood_pages_and_never_enforces(storage: Storage, controls: Controls) -> None:
    """Somebody wanted more than observing, or less than enforcing: people decide."""
    controls.set_mode("*", Mode.ENFORCE, by="Carol Chen")
    wrong = {"a": {"mode": "Enforce"}, "b": {"mode": ""}, "c": {}, "d": {"mode": 1}, "e": {"mode": b"enforce"}}
    for detection, columns in wrong.items():
        storage.upsert(Table.CONTROLS, "mode", f"{detection}|2026-03-02T09:00:00.000000Z", columns)
        storage.upsert(Table.CONTROLS, "mode", f"{detection}2", {"mode": "enforce"})
    control_state = controls.read_state()
    assert {detection: control_state.mode(detection) for detection in wrong} == dict.fromkeys(wrong, Mode.PAGE)
    assert {control_state.mode(f"{detection}2") for detection in wrong} == {Mode.PAGE}, "their keys name no instant"
    assert control_state.mode("lamp-switched") is Mode.ENFORCE


def test_a_mode_for_all_that_cannot_be_understood_pages(storage: Storage, controls: Controls) -> None:
    storage.upsert(Table.CONTROLS, "mode", "*", {"mode": "on"})
    assert controls.read_state().mode("lamp-switched") is Mode.PAGE


def test_the_kill_switch_is_put_on_and_off(storage: Storage, controls: Controls) -> None:
    controls.stop(by="Carol Chen", reason="a change window")
    assert controls.read_state().stopped is True
    (row,) = storage.rows(Table.CONTROLS, "PartitionKey eq 'kill'")
    assert (row.columns["by"], row.columns["reason"]) == ("Carol Chen", "a change window")
    controls.start(by="Carol Chen")
    assert controls.read_state().stopped is False


@pytest.mark.parametrize("key", ["all", "ALL", "off", "all|2026-03-02T09:00:00.000000Z", "all|2026"])
@pytest.mark.parametrize("columns", [{}, {"stopped": "yes"}, {"stopped": "false"}, {"stopped": 1}])
def test_a_kill_switch_that_somebody_set_by_hand_is_on(
    storage: Storage, controls: Controls, key: str, columns: dict[str, object]
) -> None:
    storage.upsert(Table.CONTROLS, "kill", key, columns)
    assert controls.read_state().stopped is True
    assert controls.history().stopped(NOW) is None


def test_what_was_set_by_hand_without_an_instant_stays_until_it_is_deleted(
    storage: Storage, controls: Controls
) -> None:
    """When it was said isn't known, so nothing is known to have been said after it."""
    storage.upsert(Table.CONTROLS, "kill", "all", {"stopped": False})
    controls.start(by="Carol Chen")
    assert controls.read_state().stopped is True
    storage.purge(Table.CONTROLS, "PartitionKey eq 'kill' and RowKey eq 'all'", most=1)
    assert controls.read_state().stopped is False


def test_switches_that_cannot_be_read_stop_putting_back_and_page_at_most(storage: Storage, controls: Controls) -> None:
    controls.set_mode("*", Mode.ENFORCE, by="Carol Chen")
    storage.delete_table(Table.CONTROLS)
    control_state = controls.read_state()
    assert control_state.stopped is None
    assert control_state.mode("lamp-switched") is Mode.PAGE
    assert "TableNotFound" in control_state.unread


def test_controls_that_are_not_read_whole_are_none(storage: Storage) -> None:
    """A stop that couldn't be read beside modes that could must not be taken for a start: both are one query."""
    spoilt = SpoiltStorage(storage)
    controls = Controls(spoilt, clock=FakeClock())
    controls.set_mode("*", Mode.ENFORCE, by="Carol Chen")
    spoilt.faults.fail("rows Switches")
    control_state = controls.read_state()
    assert (control_state.stopped, control_state.modes) == (None, {})
    assert control_state.mode("lamp-switched") is Mode.PAGE
