"""A backtest makes of records together the cases that the app makes, in bounded memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.backtest import aggregation
from responders.backtest.aggregation import Aggregation
from responders.backtest.report import Counts, DetectionActor, Report
from responders.commands.backtest_report import suggestion
from shared.detect.aggregation.table_windows import TableWindowStore
from shared.detect.aggregation.thresholds import hour_of
from shared.detect.fields import SignIn
from shared.detect.matcher import Matcher
from shared.model.cases import Decision, Standing
from shared.model.detections import After, AnyDetection, Burst, Rise
from shared.model.events import ActorKind, Event, SignInEvent
from shared.model.profile import DEFAULT, TenantProfile
from tests.fakes.clock import NOW
from tests.fakes.deliveries import delivered
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, ready_bench
from tests.fakes.sign_ins import ACCOUNTS, ADDRESSES, failure, failures

_MINUTE: Final = timedelta(minutes=1)

BURST: Final = failures(counted=Burst(at_least=3, within=4 * _MINUTE, by=SignIn.account))
SPRAY: Final = failures(
    id="spray", counted=Burst(at_least=2, within=3 * _MINUTE, by=SignIn.address, distinct=SignIn.account)
)
RISE: Final = failures(id="rise", counted=Rise(percent=50, floor=2, weeks=2, least_weeks=1))
PAIR: Final = failures(
    id="signed-in-at-last",
    when=SignIn.error_code.is_("0"),
    after=After(step_a=SignIn.error_code.is_("50126"), by=SignIn.account, window=5 * _MINUTE),
)
GROUPED: Final = failures(id="grouped", one_case_by=(SignIn.account,))


def _backtested(
    detection: AnyDetection, events: Sequence[Event], profile: TenantProfile = DEFAULT
) -> list[tuple[str, datetime]]:
    """Give the cases: whom they are of, or the record, and the hour."""
    cases: list[tuple[str, datetime]] = []

    def add(_detection: AnyDetection, event: Event) -> None:
        cases.append((event.correlation_id if detection.after else event.target.id, hour_of(event.at)))

    matcher, judged = Matcher((detection,)), Aggregation(profile, add)
    for event in events:
        for match in matcher.matches(event):
            judged.match(match, event)
        for step_a in matcher.matches_step_a(event):
            judged.match_step_a(step_a, event)
    judged.finish()
    return cases


def _opened(detection: AnyDetection, events: Sequence[SignInEvent]) -> set[tuple[str, datetime]]:
    """Give the cases of the app, which reads the same records in their order."""
    storage = MemoryStorage()
    storage.create_all()
    ready = ready_bench(storage, detections=(detection,))
    since = min((event.at for event in events), default=NOW)
    TableWindowStore(storage).since(TENANT, f"{detection.id} 2", now=since)
    found: list[tuple[str, datetime]] = []

    def open_case(_detection: AnyDetection, event: Event) -> bool:
        found.append((event.target.id, hour_of(event.at)))
        return True

    for event in sorted(events, key=lambda one: one.at):
        ready.runtime.aggregation.count([(detection, event)], open_case)
    return set(found)


def _event(number: int, week: int, minutes: int, account: str, address: str) -> SignInEvent:
    at = hour_of(NOW) - week * timedelta(weeks=1) + minutes * _MINUTE
    return failure(number, at=at, account=account, address=address)


_events: Final = st.lists(
    st.builds(
        _event,
        st.integers(0, 10**6),
        st.sampled_from((0, 0, 1, 2)),
        st.integers(-5, 5) | st.integers(55, 65),
        st.sampled_from(ACCOUNTS),
        st.sampled_from(ADDRESSES),
    ),
    max_size=25,
    unique_by=lambda event: event.id,
)


@st.composite
def _files(draw: st.DrawFn) -> list[SignInEvent]:
    """Draw what a file holds: in any order, and some of it twice."""
    return [event for batch in delivered(draw, draw(_events)) for event in batch]


@pytest.mark.parametrize("at_once", [1, 1_000])
@pytest.mark.parametrize("detection", [BURST, SPRAY, RISE], ids=lambda one: one.id)
def test_a_backtest_tells_the_cases_of_the_app_once_however_a_file_is_sorted(
    monkeypatch: pytest.MonkeyPatch, detection: AnyDetection, at_once: int
) -> None:
    monkeypatch.setattr(aggregation, "_AT_ONCE", at_once)

    @settings(max_examples=40)
    @given(read=_files())
    def agree(read: list[SignInEvent]) -> None:
        cases = _backtested(detection, read)
        assert sorted(set(cases)) == sorted(cases)
        assert set(cases) == _opened(detection, read)

    agree()


@pytest.mark.parametrize("backwards", [False, True])
def test_what_follows_something_else_is_told_from_either_end(*, backwards: bool) -> None:
    second = msgspec.structs.replace(failure(2, at=NOW + _MINUTE), error_code="0")
    alone = msgspec.structs.replace(failure(3, at=NOW + _MINUTE, account=ACCOUNTS[1]), error_code="0")
    events = [failure(1, at=NOW), second, alone]
    cases = _backtested(PAIR, events[::-1] if backwards else events)
    assert [correlation_id for correlation_id, _ in cases] == ["correlation-2"]


def test_an_operators_threshold_counts() -> None:
    events = [failure(number, at=NOW) for number in range(4)]
    assert len(_backtested(BURST, events)) == 1
    assert _backtested(BURST, events, TenantProfile(thresholds={BURST.id: 5})) == []


def test_records_that_are_one_case_an_hour_are_counted_as_one() -> None:
    report = Report(None)
    for number, minutes in enumerate((-10, 0, 5, 20)):
        report.add(GROUPED, failure(number, at=NOW + minutes * _MINUTE))
    assert (report.cases, report.repeats) == (2, 2)


def test_an_address_that_was_counted_is_among_the_noisiest() -> None:
    report = Report(None)
    judged = Aggregation(DEFAULT, report.add)
    for number, account in enumerate(ACCOUNTS):
        judged.match(SPRAY, failure(number, account=account))
    judged.finish()
    ((key, counts),) = report.noisiest(5)
    assert (key.actor, key.has_id, counts.cases) == (ADDRESSES[0], False, 1)


def test_a_count_is_made_rarer_by_its_threshold() -> None:
    key = DetectionActor(detection="consumer-accounts-burst", actor="", kind=ActorKind.UNKNOWN, has_id=False)
    counts = Counts()
    counts.add(Standing.UNKNOWN, Decision.PAGE)
    advice, command = suggestion(key, counts, NOW.date())
    assert "VOCABULARY.thresholds.consumer-accounts-burst" in advice
    assert command == "responder mode consumer-accounts-burst observe"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregation, "_REMEMBERED", 10)
    recent: aggregation.Recent[int, int] = aggregation.Recent()
    for number in (*range(12), 5, 12):
        recent[number] = number
    assert list(recent) == [3, 4, 6, 7, 8, 9, 10, 11, 5, 12]
