"""What a workspace counts becomes the cases that counting in the app makes."""

import json
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from shared.clients.log_analytics import Workspace
from shared.detect.fields import SignIn
from shared.ingest.intake import take_in
from shared.ingest.workspace_counts import count_in_workspace
from shared.model.cases import Case
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.errors import Refused, Rejected
from tests.fakes.clock import NOW
from tests.fakes.kql_rows import Json
from tests.fakes.log_analytics import LogAnalytics, log_analytics
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.record_strategies import sign_in_row
from tests.fakes.runtime import TENANT, Bench, bench
from tests.fakes.sign_ins import ACCOUNTS, failures, sign_in
from tests.unit.shared.clients.test_transports import Holder

_WORKSPACE: Final = "5f0d9b1c-7e34-4a68-92cb-d1ef03a7864b"
_MINUTE: Final = timedelta(minutes=1)
_WEEK: Final = timedelta(weeks=1)

BURST: Final = failures(counted=Burst(at_least=3, within=4 * _MINUTE, by=SignIn.account))
RISE: Final = failures(id="rise", counted=Rise(percent=50, floor=2, weeks=2, least_weeks=2))


@pytest.fixture(scope="module")
def started() -> Generator[LogAnalytics]:
    with log_analytics(now=NOW) as service:
        yield service


@pytest.fixture
def service(started: LogAnalytics) -> LogAnalytics:
    started.rows, started.refused, started.asked = [], 0, []
    return started


def _bench(*detections: AnyDetection, workspace: str = _WORKSPACE) -> Bench:
    storage = MemoryStorage()
    storage.create_all()
    return bench(storage, detections=detections, LOG_WORKSPACE_ID=workspace)


def _workspace(url: str) -> Workspace:
    return Workspace(url=url, workspace_id=_WORKSPACE, credential=Holder())


def _row(number: int, at: datetime, **differences: Any) -> Json:  # noqa: ANN401 - the members of a row
    record = sign_in(number, at=at, account=ACCOUNTS[0])
    return sign_in_row(record) | {"AADTenantId": TENANT} | differences


def _cases(made: Bench) -> list[Case]:
    return made.runtime.ledger.cases(TENANT, since=NOW - timedelta(days=60))


def _evidence(made: Bench, case: Case) -> Json:
    return json.loads(made.runtime.ledger.record_of(case))


def _ask(made: Bench, service: LogAnalytics) -> int:
    return count_in_workspace(made.runtime, _workspace(service.url))


def test_a_burst_is_one_case_however_often_it_is_asked_for(service: LogAnalytics) -> None:
    service.rows = [_row(number, NOW - (10 - number) * _MINUTE) for number in range(4)]
    made = _bench(BURST)
    assert (_ask(made, service), _ask(made, service)) == (1, 0)
    (case,) = _cases(made)
    assert (case.actor.id, case.target.id, case.target.kind) == (ACCOUNTS[0], ACCOUNTS[0], "Account")
    assert case.at == NOW - 7 * _MINUTE
    assert _evidence(made, case)["type"] == "count"


def test_a_rise_is_told_with_the_weeks_before(service: LogAnalytics) -> None:
    weeks = [_row(100 * week, NOW - week * _WEEK) for week in (1, 2)]
    service.rows = [*weeks, _row(1, NOW), _row(2, NOW), _row(300, NOW - 2 * _WEEK - timedelta(hours=1), ResultType="0")]
    made = _bench(RISE)
    assert _ask(made, service) == 1
    (case,) = _cases(made)
    figures = _evidence(made, case)["target"]["changes"][0]
    assert "1 on average" in figures["old"]
    assert "1, 1" in figures["old"]
    assert figures["new"] == "2"


def test_both_ways_of_counting_make_the_same_case(service: LogAnalytics) -> None:
    rows = service.rows = [_row(number, NOW - (10 - number) * _MINUTE) for number in range(4)]
    there, here = _bench(BURST), _bench(BURST, workspace="")
    _ask(there, service)
    take_in(here.runtime, json.dumps(rows).encode(), tenant_id=TENANT)
    (asked,), (counted,) = _cases(there), _cases(here)
    assert asked.id == counted.id
    assert _evidence(there, asked) == _evidence(here, counted)


def test_where_a_workspace_counts_the_app_does_not() -> None:
    made = _bench(BURST)
    rows = [_row(number, NOW - number * _MINUTE) for number in range(4)]
    assert take_in(made.runtime, json.dumps(rows).encode(), tenant_id=TENANT).opened == 0


@pytest.mark.parametrize(("began", "opened"), [("07:00", 1), ("06:56", 0), ("06:00", 0)])
def test_whole_hours_of_the_last_three_are_asked_for_again(service: LogAnalytics, began: str, opened: int) -> None:
    """Records come hours late. Of the hour before that, only the end would be seen, which would be another count."""
    hour, minute = map(int, began.split(":"))
    at = NOW.replace(hour=hour, minute=minute)
    service.rows = [_row(number, at + number * _MINUTE) for number in range(4)]
    assert _ask(_bench(BURST), service) == opened


def test_a_tenant_that_is_not_configured_is_left_out(service: LogAnalytics) -> None:
    other = "0d9f7c11-52ab-4c3e-8f60-7be2a4d91c05"
    service.rows = [_row(number, NOW - number * _MINUTE, AADTenantId=other) for number in range(4)]
    assert _ask(_bench(BURST), service) == 0


def test_one_that_can_not_be_asked_keeps_no_other_back(service: LogAnalytics) -> None:
    service.rows = [_row(number, NOW - number * _MINUTE) for number in range(3)]
    service.refused = 1
    made = _bench(RISE, BURST)
    with pytest.raises(Refused):
        _ask(made, service)
    assert [case.detection for case in _cases(made)] == [BURST.id]


def test_a_row_that_is_not_one_of_ours_is_told(service: LogAnalytics, monkeypatch: pytest.MonkeyPatch) -> None:
    def another_query(*_: object) -> str:
        return "SigninLogs | project hour = 1"

    monkeypatch.setattr("shared.ingest.workspace_counts.query", another_query)
    service.rows = [_row(1, NOW)]
    with pytest.raises(Rejected, match="can't be read"):
        _ask(_bench(BURST), service)
