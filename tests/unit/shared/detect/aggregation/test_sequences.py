"""What follows something else opens the same cases in whatever order, batches and instances its records come."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.world import WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.detect.aggregation.sequences import Sequences, StepASpan, TableSequenceStore
from shared.detect.aggregation.window_store import MOST_PACKED, Place, purge
from shared.detect.fields import SignIn
from shared.model.detections import After, AnyDetection
from shared.model.errors import Unreachable
from shared.model.events import SignInEvent
from shared.model.profile import DEFAULT
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.deliveries import delivered
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.sign_ins import ACCOUNTS, failure, failures
from tests.fakes.spoilt_storage import Interrupting, SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_WITHIN: Final = 10 * _MINUTE
_MIDNIGHT: Final = NOW.replace(hour=0, minute=0)
"""A stretch of ten minutes ends here, and a day."""


def following(within: timedelta) -> AnyDetection:
    after = After(step_a=SignIn.error_code.is_("50126"), by=SignIn.account, window=within)
    return failures(when=SignIn.error_code.is_("0"), after=after)


PAIR: Final = following(_WITHIN)


class Cases:
    """The records whose cases were opened."""

    def __init__(self) -> None:
        self.opened: dict[bytes, str] = {}

    def open(self, _detection: AnyDetection, tenant_id: str, raw: bytes) -> bool:
        is_new = raw not in self.opened
        self.opened[raw] = tenant_id
        return is_new

    @property
    def ids(self) -> set[str]:
        return {json.loads(raw)["id"] for raw in self.opened}


def a_storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


def sequences(storage: Storage, *, now: datetime = NOW) -> Sequences:
    return Sequences(TableSequenceStore(storage), profile=DEFAULT, clock=FakeClock(now))


def follow(one: Sequences, batch: Sequence[SignInEvent], cases: Cases, detection: AnyDetection = PAIR) -> int:
    steps_a = [(detection, event) for event in batch if event.error_code == "50126"]
    steps_b = [(detection, event, raw(event)) for event in batch if event.error_code == "0"]
    return one.follow(steps_a, steps_b, cases.open)


def raw(event: SignInEvent) -> bytes:
    return json.dumps({"id": event.id}).encode()


def event(number: int, seconds: float, *, succeeds: bool = False, account: str = ACCOUNTS[0]) -> SignInEvent:
    made = failure(number, at=_MIDNIGHT + timedelta(seconds=seconds), account=account)
    return msgspec.structs.replace(made, error_code="0") if succeeds else made


def _drawn(number: int, seconds: int, account: str, is_step_b: int) -> SignInEvent:
    return event(number, seconds, succeeds=bool(is_step_b), account=account)


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[SignInEvent]]:
    """Draw records in batches, of which some come again."""
    instants = st.integers(-700, 700) | st.sampled_from((-600, 0, 600))
    one = st.builds(_drawn, st.integers(0, 10**6), instants, st.sampled_from((*ACCOUNTS[:2], "")), st.integers(0, 1))
    drawn = draw(st.lists(one, max_size=16, unique_by=lambda made: made.id))
    return delivered(draw, drawn)


def followed(batches: Sequence[Sequence[SignInEvent]]) -> set[str]:
    """Say by the definition alone which records follow another one."""
    events = [each for batch in batches for each in batch if each.actor.id]
    return {
        second.id
        for second in events
        for first in events
        if (first.error_code, second.error_code, first.actor.id) == ("50126", "0", second.actor.id)
        and first.at < second.at <= first.at + _WITHIN
    }


@settings(max_examples=200)
@given(batches=deliveries())
def test_what_follows_is_found_however_the_records_come(batches: list[list[SignInEvent]]) -> None:
    storage, cases = a_storage(), Cases()
    for batch in batches:
        follow(sequences(storage), batch, cases)
    assert cases.ids == followed(batches)
    same, again = sequences(a_storage()), Cases()
    assert sum(follow(same, batch, again) for batch in batches) == len(again.opened)
    assert again.opened == cases.opened


_EDGES: Final[dict[str, tuple[float, float, bool]]] = {
    "at once": (0, 0, False),
    "a moment after": (0, 0.000001, True),
    "before": (1, 0, False),
    "as late as may be": (0, 600, True),
    "a moment too late": (0, 600.000001, False),
    "in the stretch before, in time": (-1, 599, True),
    "in the stretch before, too late": (-1, 599.5, False),
}


@pytest.mark.parametrize(("first", "second", "follows"), _EDGES.values(), ids=list(_EDGES))
@pytest.mark.parametrize("late", [False, True], ids=["in order", "the first is late"])
def test_what_comes_in_time(first: float, second: float, *, follows: bool, late: bool) -> None:
    storage, cases = a_storage(), Cases()
    batches = [[event(1, first)], [event(2, second, succeeds=True)]]
    for batch in batches[::-1] if late else batches:
        follow(sequences(storage), batch, cases)
    assert bool(cases.opened) is follows


def test_ten_years_are_a_time_as_well(storage: Storage) -> None:
    years = following(timedelta(days=3652))
    cases, one = Cases(), sequences(storage)
    follow(one, [event(1, -3651 * 86_400), event(2, -3653 * 86_400, account=ACCOUNTS[1])], cases, years)
    follow(one, [event(3, 0, succeeds=True), event(4, 0, succeeds=True, account=ACCOUNTS[1])], cases, years)
    assert cases.ids == {"sign-in-3"}


def test_a_first_may_be_days_late_and_its_tenant_is_told() -> None:
    storage, cases = a_storage(), Cases()
    follow(sequences(storage), [event(2, 60, succeeds=True)], cases)
    follow(sequences(storage, now=NOW + timedelta(days=7)), [event(1, 0)], cases)
    assert list(cases.opened.values()) == [WORKFORCE_TENANT]


def test_a_record_too_long_for_a_row_is_found_when_it_is_read_again() -> None:
    storage, cases = a_storage(), Cases()
    second = event(2, 60, succeeds=True)
    long = json.dumps({"id": second.id, "padding": "x" * MOST_PACKED}).encode()
    sequences(storage).follow([], [(PAIR, second, long)], cases.open)
    follow(sequences(storage), [event(1, 0)], cases)
    assert not cases.opened
    sequences(storage).follow([], [(PAIR, second, long)], cases.open)
    assert cases.ids == {second.id}


def test_the_longest_record_that_a_row_takes_comes_back_whole(storage: Storage) -> None:
    cases = Cases()
    second = event(2, 60, succeeds=True)
    text = json.dumps({"id": second.id, "padding": ""})
    long = text.replace('""', f'"{"x" * (MOST_PACKED - len(text))}"').encode()
    assert len(long) == MOST_PACKED
    sequences(storage).follow([], [(PAIR, second, long)], cases.open)
    follow(sequences(storage), [event(1, 0)], cases)
    assert list(cases.opened) == [long]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("operation", ["row Counters", "insert Counters", "replace Counters", "rows Counters"])
def test_a_batch_that_failed_halfway_is_followed_by_its_next_delivery(operation: str, how: str) -> None:
    spoilt = SpoiltStorage(a_storage())
    one, cases = sequences(spoilt), Cases()
    follow(one, [event(1, 100)], cases)
    spoilt.faults.fail_once(operation, how)
    batch = [event(2, 50), event(3, 60, succeeds=True)]
    with pytest.raises(Unreachable):
        follow(one, batch, cases)
    follow(one, batch, cases)
    assert cases.ids == {"sign-in-3"}


def test_nothing_is_asked_again_for_records_that_this_process_has_followed() -> None:
    spoilt = SpoiltStorage(a_storage())
    one, batch = sequences(spoilt), [event(1, 0), event(2, 60, succeeds=True), event(3, 90, account="")]
    follow(one, batch, Cases())
    spoilt.faults.log.clear()
    assert follow(one, batch, Cases()) == 0
    assert spoilt.faults.log == []
    follow(sequences(spoilt), [event(1, 0)], Cases())
    assert not [entry for entry in spoilt.faults.log if entry.startswith(("insert", "replace"))]


def test_a_span_that_everybody_writes_is_delivered_again() -> None:
    storage = SpoiltStorage(a_storage())
    follow(sequences(storage), [event(1, 0)], Cases())
    storage.faults.failure = Conflict
    storage.faults.fail("replace Counters")
    with pytest.raises(Conflict, match="too many at once"):
        follow(sequences(storage), [event(2, 1)], Cases())


def test_whoever_is_first_one_of_two_instances_opens_the_case(storage: Storage) -> None:
    cases = Cases()
    steps_a = [[event(number, number)] for number in range(10)]
    steps_b = [[event(number + 100, number + 1, succeeds=True)] for number in range(10)]

    def work(batch: Sequence[SignInEvent]) -> None:
        follow(sequences(storage), batch, cases)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [batch for both in zip(steps_a, steps_b, strict=True) for batch in both]))
    assert cases.ids == {f"sign-in-{number + 100}" for number in range(10)}


@pytest.mark.parametrize("interrupted", ["the first", "the second"])
def test_a_first_and_a_second_that_come_at_once_find_each_other(interrupted: str) -> None:
    """One instance does all of its work before each step of the other's, in turn."""
    batches = [[event(1, 0)], [event(2, 60, succeeds=True)]]
    slow, quick = batches if interrupted == "the first" else batches[::-1]
    steps = 0
    while True:
        storage, cases = SpoiltStorage(a_storage()), Cases()
        work = partial(follow, sequences(storage.inner), quick, cases)
        storage.faults.spoil = Interrupting(storage, steps, work)
        follow(sequences(storage), slow, cases)
        if len(storage.faults.log) <= steps:
            break
        assert cases.ids == {"sign-in-2"}, f"before step {steps}, {storage.faults.log[steps]}"
        steps += 1
    assert steps >= 3


def test_steps_a_are_purged_after_their_time_and_steps_b_after_a_week() -> None:
    storage = a_storage()
    follow(sequences(storage), [event(1, 0), event(2, 60, succeeds=True)], Cases())
    follow(sequences(storage), [event(3, 0)], Cases(), following(timedelta(days=20)))
    gone = [purge(storage, now=NOW + timedelta(days=days)) for days in (0, 1, 8, 9, 60)]
    assert gone == [0, 1, 0, 1, 1]
    assert storage.rows(Table.COUNTERS, "PartitionKey ge ''") == []


@given(st.lists(st.integers(0, 599), min_size=1, max_size=6))
def test_of_steps_a_are_kept_the_earliest_and_the_latest(seconds: list[int]) -> None:
    storage = a_storage()
    for number, second in enumerate(seconds):
        follow(sequences(storage), [event(number, second)], Cases())
    place = Place(tenant_id=WORKFORCE_TENANT, detection=PAIR.id, value=ACCOUNTS[0], kept=_WITHIN)
    at = [_MIDNIGHT + timedelta(seconds=second) for second in seconds]
    assert TableSequenceStore(storage).step_a(place, _MIDNIGHT + _WITHIN) == StepASpan(earliest=min(at), latest=max(at))
