"""The same streams counted in the app and in Kusto: both must make the same cases, however the records come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.detections.directory_samples import BY_CPIM, COLLEAGUE, account_record, new_account_record
from shared.clients.storage import Storage
from shared.detect.aggregation.table_windows import TableWindowStore
from shared.detect.aggregation.thresholds import hour_of
from shared.detect.fields import Audit, SignIn
from shared.detect.kusto.compile import document, matching_query, query
from shared.model.detections import After, AnyDetection, Burst, Rise
from shared.model.events import Log
from shared.model.profile import TenantProfile
from tests.fakes.clock import NOW
from tests.fakes.deliveries import delivered
from tests.fakes.kql_rows import Json
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.record_strategies import audit_row, sign_in_row
from tests.fakes.runtime import TENANT, ready_bench
from tests.fakes.sign_ins import ACCOUNTS, ADDRESSES, failures, sign_in

_MINUTE: Final = timedelta(minutes=1)
_MIDNIGHT: Final = NOW.replace(hour=0, minute=0) + timedelta(days=1)
_MONTH_AGO: Final = NOW - timedelta(days=31)

BURST: Final = failures(counted=Burst(at_least=3, within=4 * _MINUTE, by=SignIn.account))
SPRAY: Final = failures(
    id="spray", counted=Burst(at_least=2, within=3 * _MINUTE, by=SignIn.address, distinct=SignIn.account)
)
TOGETHER: Final = failures(id="together", counted=Burst(at_least=4, within=5 * _MINUTE))
RISE: Final = failures(id="rise", counted=Rise(percent=50, floor=2, weeks=2, least_weeks=1))
PAIR: Final = failures(
    id="signed-in-at-last",
    when=SignIn.error_code.is_("0"),
    after=After(step_a=SignIn.error_code.is_("50126"), by=SignIn.account, window=5 * _MINUTE),
)
_COUNTED: Final = (BURST, SPRAY, TOGETHER, RISE)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


def _record(number: int, at: datetime, account: str, address: str, code: int) -> Json:
    return sign_in(number, at=at, account=account, address=address, code=code)


@st.composite
def streams(draw: st.DrawFn, instants: st.SearchStrategy[datetime]) -> list[list[Json]]:
    """Draw sign-ins in batches, of which some come again."""
    record = st.builds(
        _record,
        st.integers(0, 10**6),
        instants,
        st.sampled_from((*ACCOUNTS, "")),
        st.sampled_from((*ADDRESSES, "")),
        st.sampled_from((50126, 50126, 0)),
    )
    drawn = draw(st.lists(record, min_size=1, max_size=30, unique_by=lambda one: str(one["id"])))
    return delivered(draw, drawn)


def _near_midnight(seconds: int) -> datetime:
    return _MIDNIGHT + timedelta(seconds=seconds)


def _in_weeks(week: int, minutes: int) -> datetime:
    return hour_of(NOW) - week * timedelta(weeks=1) + minutes * _MINUTE


_days: Final = st.builds(_near_midnight, st.integers(-400, 400) | st.integers(3300, 3900))
_weeks: Final = st.builds(_in_weeks, st.sampled_from((0, 0, 1, 2)), st.integers(0, 119))


def _in_process(
    detection: AnyDetection, batches: Sequence[Sequence[Json]], storage: Storage, *, since: datetime = _MONTH_AGO
) -> set[tuple[str, Any]]:
    """Give the cases that the app opens, by value and hour, or by record where it follows another."""
    ready = ready_bench(storage, detections=(detection,))
    TableWindowStore(storage).since(TENANT, f"{detection.id} 2", now=since)
    ready.clock.move(timedelta(days=2))
    for batch in batches:
        ready.take_in(*batch)
    cases = ready.runtime.ledger.cases(TENANT, since=_MONTH_AGO)
    if detection.after:
        return {(case.correlation_id, None) for case in cases}
    return {(case.target.id, hour_of(case.at)) for case in cases}


def _in_kusto(
    sql: str, batches: Sequence[Sequence[Json]], workspace: Workspace, *, since: datetime = _MONTH_AGO
) -> set[tuple[str, Any]]:
    """Give the answers on the same records, in a log that begins at an instant."""
    first = _record(0, since, ACCOUNTS[0], ADDRESSES[0], 50076)
    records = [first, *(record for batch in batches for record in batch)]
    workspace.put([sign_in_row(record) | {"AADTenantId": TENANT} for record in records])
    found = workspace.answered(sql)
    if found and "hour" not in found[0]:
        return {(row["correlation_id"], None) for row in found}
    return {(row["value"] or row["tenant_id"], row["hour"].replace(tzinfo=UTC)) for row in found}


def _memory() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


@pytest.mark.parametrize("detection", [BURST, SPRAY, TOGETHER, PAIR], ids=lambda one: one.id)
def test_kusto_finds_the_cases_that_the_app_opens(workspace: Workspace, detection: AnyDetection) -> None:
    sql = to_sql(query(detection))

    @settings(max_examples=12)
    @given(batches=streams(_days))
    def agree(batches: list[list[Json]]) -> None:
        assert _in_process(detection, batches, _memory()) == _in_kusto(sql, batches, workspace)

    agree()


@pytest.mark.parametrize("days", [31, 10], ids=["all weeks are known", "one week is known"])
def test_kusto_finds_the_rises_that_the_app_finds(workspace: Workspace, days: int) -> None:
    sql = to_sql(query(RISE))
    since = NOW - timedelta(days=days)

    @settings(max_examples=12)
    @given(batches=streams(_weeks))
    def agree(batches: list[list[Json]]) -> None:
        known = [[record for record in batch if _at(record) >= since] for batch in batches]
        before = [record for batch in known for record in batch if _at(record) < NOW - timedelta(days=6)]
        now = [[record for record in batch if _at(record) >= NOW - timedelta(days=6)] for batch in known]
        opened = _in_process(RISE, [before, *now], _memory(), since=since)
        assert opened == _in_kusto(sql, known, workspace, since=since)

    agree()


def _at(record: Json) -> datetime:
    return datetime.fromisoformat(record["createdDateTime"])


_MINUTES: Final = (0, 1, 2, 2, 3, 30, 31, 57, 58, 59, 60, 61, 62, 90, 91)
_STREAM: Final = [
    _record(
        number, _MIDNIGHT + minute * _MINUTE, ACCOUNTS[number // 5 % 2], ADDRESSES[0], 0 if number % 5 == 4 else 50126
    )
    for number, minute in enumerate(_MINUTES)
]


@pytest.mark.parametrize("detection", [BURST, SPRAY, TOGETHER, PAIR], ids=lambda one: one.id)
def test_a_long_stream_gives_the_same_cases(workspace: Workspace, storage: Storage, detection: AnyDetection) -> None:
    batches = [_STREAM[1::2], _STREAM[:8], _STREAM[::-1]]
    opened = _in_process(detection, batches, storage)
    assert opened == _in_kusto(to_sql(query(detection)), batches, workspace)
    assert opened


def test_an_answer_has_what_a_case_tells(workspace: Workspace) -> None:
    workspace.put([sign_in_row(record) | {"AADTenantId": TENANT} for record in _STREAM])
    row, *_ = workspace.answered(to_sql(query(BURST)))
    columns = {"hour", "detection", "tenant_id", "value", "found", "began", "ended", "name", "records"}
    assert set(row) == columns | {"TimeGenerated"}
    assert row["TimeGenerated"] == row["ended"]
    assert (row["detection"], row["tenant_id"], row["value"]) == (BURST.id, TENANT, ACCOUNTS[0])
    assert row["name"] == "0@contoso.example"
    assert row["began"] < row["ended"]
    assert len(row["records"]) >= row["found"]


def test_a_pair_of_audit_records_is_found(workspace: Workspace) -> None:
    made, gone = new_account_record(initiatedBy=BY_CPIM), account_record("Delete user")
    pair = failures(
        log=Log.AUDIT,
        when=Audit.activity.is_("Delete user"),
        after=After(step_a=Audit.activity.is_("Add user"), by=Audit.principal, window=timedelta(days=1)),
    )
    same = {"targetResources": made["targetResources"]}
    other = account_record("Delete user", identity=COLLEAGUE)
    late, early = "2026-03-17T12:00:00Z", "2026-03-17T11:00:00Z"
    rows = [
        audit_row(made | {"id": "made", "activityDateTime": early}),
        audit_row(gone | same | {"id": "gone", "correlationId": "gone", "activityDateTime": late}),
        audit_row(other | {"id": "other", "correlationId": "other", "activityDateTime": late}),
    ]
    workspace.put(rows)
    assert [row["correlation_id"] for row in workspace.answered(to_sql(query(pair)))] == ["gone"]


def test_the_plain_query_of_a_counted_detection_finds_its_records(workspace: Workspace) -> None:
    workspace.put([sign_in_row(record) for record in _STREAM])
    failed = [record for record in _STREAM if record["status"]["errorCode"] == 50126]
    for detection in _COUNTED:
        assert len(workspace.answered(to_sql(matching_query(detection)))) == len(failed)


def test_an_operators_threshold_is_in_the_query() -> None:
    assert "found >= 3\n" in query(BURST)
    assert "found >= 70\n" in query(BURST, TenantProfile(thresholds={BURST.id: 70}))
    assert "found >= 70\n" in query(RISE, TenantProfile(thresholds={RISE.id: 70}))


def test_the_header_says_how_far_back_to_ask() -> None:
    assert "looks back 14 days before each match" in document(RISE)
    assert "looks back 1 days before each match" in document(PAIR)
    assert "days before" not in document(BURST)
