"""Refused requests fill no log: some of a minute are logged, and the others are counted."""

from datetime import timedelta

import pytest

from shared.emergency.refusals import MOST, RefusalLog
from tests.fakes.clock import FakeClock


def test_a_minutes_first_refusals_are_logged_and_the_rest_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock, log = FakeClock(), RefusalLog()
    for number in range(MOST + 500):
        log.note(f"POST {number} was refused", knew_key=False, now=clock())
    assert [one.getMessage() for one in caplog.records] == [f"POST {number} was refused" for number in range(MOST)]
    caplog.clear()
    log.note("GET with the key was refused", knew_key=True, now=clock())
    clock.move(timedelta(minutes=3))
    log.note("another one was refused", knew_key=False, now=clock())
    log.note("and one with the key", knew_key=True, now=clock())
    assert [one.getMessage() for one in caplog.records] == [
        "GET with the key was refused",
        "500 more requests were refused in the minute from 10:05 UTC",
        "another one was refused",
        "and one with the key",
    ]
