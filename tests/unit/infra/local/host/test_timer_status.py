from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.host.schedules import schedule_from
from infra.local.host.timer_status import NEVER, TimerStatus, host_id, status_at_start

NOW = datetime(2026, 3, 4, 12, 20, tzinfo=UTC)
HOURLY = schedule_from("0 0 * * * *", now=NOW)


def at(hour: int, minute: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute)


def test_a_new_timer_waits_for_its_next_run() -> None:
    assert status_at_start(None, HOURLY, NOW) == TimerStatus(last=NEVER, next=at(13), updated=NOW)


def test_a_run_that_was_missed_is_past_due() -> None:
    stored = TimerStatus(last=at(9), next=at(10), updated=at(9))
    assert status_at_start(stored, HOURLY, NOW).next == at(10)


def test_a_first_run_that_was_missed_is_past_due() -> None:
    stored = TimerStatus(last=NEVER, next=at(10), updated=at(9, 30))
    assert status_at_start(stored, HOURLY, NOW).next == at(10)


def test_a_changed_schedule_has_missed_nothing() -> None:
    stored = TimerStatus(last=at(9), next=at(9, 5), updated=at(9))
    assert status_at_start(stored, HOURLY, NOW) == TimerStatus(last=NEVER, next=at(13), updated=NOW)


def test_a_changed_schedule_that_is_due_later_keeps_what_it_was_reckoned_from() -> None:
    stored = TimerStatus(last=at(12), next=at(12, 5), updated=at(12))
    assert status_at_start(stored, HOURLY, NOW) == TimerStatus(last=NEVER, next=at(13), updated=at(12))


def test_reads_back_what_it_stores_and_what_dotnet_stores() -> None:
    status = TimerStatus(last=NEVER, next=at(13), updated=NOW + timedelta(microseconds=5))
    assert TimerStatus.from_json(__import__("json").dumps(status.to_json()).encode()) == status
    stored = b'{"Last":"0001-01-01T00:00:00","Next":"2026-03-04T14:00:00+01:00","LastUpdated":"2026-03-04T12:20:00Z"}'
    assert TimerStatus.from_json(stored) == TimerStatus(last=NEVER, next=at(13), updated=NOW)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"Last": 1}', b'{"Last": "yesterday"}'])
def test_refuses_a_status_that_is_none(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        TimerStatus.from_json(text)


def test_each_app_folder_has_a_host_id_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = host_id(Path("/somewhere/An App")), host_id(Path("/elsewhere/An App"))
    assert first != second
    assert first.startswith("anapp-")
    assert max(len(first), len(second), len(host_id(Path("/" + "x" * 99)))) <= 32
    monkeypatch.setenv("AzureFunctionsWebHost__hostid", "Named")
    assert host_id(Path("/somewhere/An App")) == "named"
