"""What is counted makes the same cases in whatever order, batches and instances its records come."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.world import WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.detect.aggregation.table_windows import TableWindowStore
from shared.detect.aggregation.thresholds import ThresholdAggregation, hour_of, is_rise, minute_of, threshold
from shared.detect.aggregation.window_store import MOST_A_MINUTE, Minute, Place, Span, hashed, purge, seen
from shared.detect.fields import SignIn
from shared.model.conditions import Text
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.errors import Unreachable
from shared.model.events import Actor, CountEvent, SignInEvent
from shared.model.profile import DEFAULT, TenantProfile
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.deliveries import delivered
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.sign_ins import ACCOUNTS, ADDRESSES, failure, failures
from tests.fakes.spoilt_storage import Interrupting, SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_MIDNIGHT: Final = NOW.replace(hour=0, minute=0) + timedelta(days=1)

BY_ACCOUNT: Final = failures(counted=Burst(at_least=3, within=4 * _MINUTE, by=SignIn.account))
SPRAY: Final = failures(
    id="spray", counted=Burst(at_least=2, within=3 * _MINUTE, by=SignIn.address, distinct=SignIn.account)
)
TOGETHER: Final = failures(id="together", counted=Burst(at_least=4, within=5 * _MINUTE))
RISE: Final = failures(id="rise", counted=Rise(percent=50, floor=3, weeks=3, least_weeks=2))


class Cases:
    """Cases as they were opened: the first event of each name."""

    def __init__(self) -> None:
        self.opened: dict[str, CountEvent] = {}

    def open(self, _detection: AnyDetection, event: CountEvent) -> bool:
        is_new = event.id not in self.opened
        self.opened.setdefault(event.id, event)
        return is_new

    @property
    def found(self) -> set[tuple[str, datetime]]:
        return {(event.target.id, hour_of(event.at)) for event in self.opened.values()}


def a_storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


def aggregation(storage: Storage, *, profile: TenantProfile = DEFAULT, now: datetime = NOW) -> ThresholdAggregation:
    return ThresholdAggregation(TableWindowStore(storage), profile=profile, clock=FakeClock(now))


def counted(detection: AnyDetection, batches: Iterable[Sequence[SignInEvent]], storage: Storage | None = None) -> Cases:
    """Count batches, each in a process of its own."""
    cases, storage = Cases(), storage or a_storage()
    for batch in batches:
        aggregation(storage).count([(detection, event) for event in batch], cases.open)
    return cases


# Bursts.


def bursts_expected(detection: AnyDetection, events: Iterable[SignInEvent]) -> set[tuple[str, datetime]]:
    """Say by the definition alone what should be found: by value and clock hour."""
    burst = detection.counted
    assert isinstance(burst, Burst)
    sightings: set[tuple[str, str, datetime]] = set()
    for event in events:
        value = burst.by.read(event) if burst.by else WORKFORCE_TENANT
        member = burst.distinct.read(event) if burst.distinct else event.id
        sightings |= {(value, member, minute_of(event.at))} if value and member else set()
    return {
        (value, hour_of(end))
        for value, _, end in sightings
        if len({member for other, member, at in sightings if other == value and end - burst.within < at <= end})
        >= burst.at_least
    }


def _around_midnight(number: int, minutes: int, seconds: int, account: str, address: str) -> SignInEvent:
    at = _MIDNIGHT + timedelta(minutes=minutes, seconds=seconds)
    return failure(number, at=at, account=account, address=address)


_events: st.SearchStrategy[SignInEvent] = st.builds(
    _around_midnight,
    st.integers(0, 10**6),
    st.integers(-9, 9) | st.integers(55, 65),
    st.integers(0, 59),
    st.sampled_from((*ACCOUNTS, "")),
    st.sampled_from((*ADDRESSES, "")),
)


@st.composite
def deliveries(draw: st.DrawFn, events: st.SearchStrategy[SignInEvent] = _events) -> list[list[SignInEvent]]:
    """Draw records in batches, of which some come again."""
    drawn = draw(st.lists(events, max_size=25, unique_by=lambda event: event.id))
    return delivered(draw, drawn)


@pytest.mark.parametrize("detection", [BY_ACCOUNT, SPRAY, TOGETHER], ids=lambda one: one.id)
def test_bursts_are_those_of_the_definition_however_their_records_come(detection: AnyDetection) -> None:
    @settings(max_examples=120)
    @given(batches=deliveries())
    def agree(batches: list[list[SignInEvent]]) -> None:
        events = [event for batch in batches for event in batch]
        assert counted(detection, batches).found == bursts_expected(detection, events)

    agree()


@settings(max_examples=30)
@given(batches=deliveries())
def test_one_process_makes_the_cases_of_many(batches: list[list[SignInEvent]]) -> None:
    one, cases = aggregation(a_storage()), Cases()
    opened = [one.count([(SPRAY, event) for event in batch], cases.open) for batch in batches]
    assert cases.opened.keys() == counted(SPRAY, batches).opened.keys()
    assert sum(opened) == len(cases.opened)


def _every(minutes: Iterable[int], *, at: datetime = NOW) -> list[SignInEvent]:
    return [failure(number, at=at + minute * _MINUTE) for number, minute in enumerate(minutes)]


_BURSTS: Final[dict[str, tuple[list[int], int]]] = {
    "too few": ([0, 0], 0),
    "in one minute": ([0, 0, 0], 1),
    "in the first and the last minute of a window": ([0, 1, 3], 1),
    "one minute too far apart": ([0, 1, 4], 0),
    "in two hours": ([0, 0, 0, 120, 120, 120], 2),
    "over the turn of the hour": ([53, 54, 55], 1),
    "on both sides of the turn of the hour": ([53, 54, 54, 55], 2),
    "over midnight": ([13 * 60 + 53, 13 * 60 + 54, 13 * 60 + 55], 1),
}


@pytest.mark.parametrize(("minutes", "cases"), _BURSTS.values(), ids=list(_BURSTS))
def test_a_burst_is_a_window_of_whole_minutes_and_each_hour_that_one_ends_in_a_case(
    minutes: list[int], cases: int
) -> None:
    assert len(counted(BY_ACCOUNT, [_every(minutes)]).opened) == cases
    assert len(counted(BY_ACCOUNT, [[event] for event in reversed(_every(minutes))]).opened) == cases


def test_a_record_that_comes_again_never_counts_twice() -> None:
    twice = _every([0, 1])
    assert counted(BY_ACCOUNT, [twice, twice, [*twice, *twice], twice[::-1]]).opened == {}


def test_an_operator_may_set_another_threshold() -> None:
    words = TenantProfile(thresholds={BY_ACCOUNT.id: 2})
    cases = Cases()
    aggregation(a_storage(), profile=words).count([(BY_ACCOUNT, event) for event in _every([0, 1])], cases.open)
    (event,) = cases.opened.values()
    assert event.target.changes[0].old == "at most 1"
    assert threshold(BY_ACCOUNT, words) == 2
    assert (threshold(BY_ACCOUNT, DEFAULT), threshold(RISE, DEFAULT)) == (3, 3)
    with pytest.raises(LookupError, match="many-failures counts nothing"):
        threshold(failures(), DEFAULT)


def test_what_is_found_is_told_with_its_figures() -> None:
    (event,) = counted(BY_ACCOUNT, [_every([0, 1, 3])]).opened.values()
    assert (event.target.id, event.target.kind, event.target.name) == (ACCOUNTS[0], "Account", event.actor.name)
    assert event.actor == Actor(id=ACCOUNTS[0], name=f"{ACCOUNTS[0][:8]}@contoso.example", kind=event.actor.kind)
    assert [(change.name, change.old, change.new) for change in event.target.changes] == [
        ("sign-ins in 4 minutes", "at most 2", "3"),
        ("from the first to the last of them", "2026-03-02 10:05:00 UTC", "2026-03-02 10:08:00 UTC"),
    ]
    assert event.records == ("sign-in-0", "sign-in-1", "sign-in-2")
    assert event.id == event.correlation_id
    assert msgspec.json.decode(msgspec.json.encode(event), type=CountEvent) == event


@pytest.mark.parametrize("backwards", [False, True])
def test_an_account_is_called_what_it_was_called_last(*, backwards: bool) -> None:
    def named(number: int) -> SignInEvent:
        event = failure(number, at=NOW + timedelta(seconds=number))
        return msgspec.structs.replace(event, actor=Actor(id=ACCOUNTS[0], name=f"name {number}"))

    batches = [[named(number)] for number in range(3)]
    (event,) = counted(BY_ACCOUNT, batches[::-1] if backwards else batches).opened.values()
    assert event.target.name == "name 2"


def test_the_fullest_window_of_an_hour_is_told() -> None:
    (event,) = counted(BY_ACCOUNT, [_every([0, 0, 0, 20, 20, 20, 20])]).opened.values()
    assert event.target.changes[0].new == "4"


def test_who_is_counted_together_is_nobody_in_particular() -> None:
    (spray,) = counted(
        SPRAY, [[failure(number, account=account) for number, account in enumerate(ACCOUNTS)]]
    ).opened.values()
    assert (spray.target.id, spray.target.kind, spray.actor) == (ADDRESSES[0], "IP address", Actor())
    assert spray.target.changes[0].name == "different accounts in 3 minutes"
    (tenant,) = counted(TOGETHER, [_every([0, 0, 1, 2])]).opened.values()
    assert (tenant.target.id, tenant.target.kind, tenant.actor) == (WORKFORCE_TENANT, "Tenant", Actor())


_NAMED: Final = {"app_name": ("App name", "values of app name"), "address": ("IP address", "IP addresses")}


@pytest.mark.parametrize("field", [SignIn.app_name, SignIn.address], ids=lambda one: one.name)
def test_what_is_counted_has_a_name(field: Text[Any]) -> None:
    one, several = _NAMED[field.name]
    named = msgspec.structs.replace(failure(1), app_name="portal")
    by = failures(counted=Burst(at_least=1, within=_MINUTE, by=field, distinct=field))
    (event,) = counted(by, [[named]]).opened.values()
    assert event.target.kind == one
    assert event.target.changes[0].name == f"different {several} in 1 minutes"


def test_a_tenant_is_counted_apart_from_another() -> None:
    other = [msgspec.structs.replace(event, tenant_id="another") for event in _every([0, 1])]
    assert counted(BY_ACCOUNT, [[*_every([0, 1]), *other]]).opened == {}
    third = [msgspec.structs.replace(failure(7), tenant_id="another")]
    (event,) = counted(BY_ACCOUNT, [[*_every([0, 1]), *other], third]).opened.values()
    assert event.tenant_id == "another"


@settings(max_examples=30)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), size=st.integers(1, 4))
def test_whatever_an_account_is_called_it_is_counted(text: str, size: int) -> None:
    def renamed(event: SignInEvent) -> SignInEvent:
        actor = Actor(id=text, name=text * size, kind=event.actor.kind)
        return msgspec.structs.replace(event, id=f"{text}{event.id}", actor=actor)

    (event,) = counted(BY_ACCOUNT, [[renamed(event) for event in _every([0, 1, 2])]]).opened.values()
    assert event.target.id == text
    assert len(event.target.name) <= 200
    assert msgspec.json.decode(msgspec.json.encode(event), type=CountEvent) == event


# Rises.


def _hour(week: int, count: int, *, first: int = 0, hours: int = 0) -> list[SignInEvent]:
    """Give so many failures of the hour of `NOW`, of so many weeks before."""
    at = hour_of(NOW) - week * timedelta(weeks=1) + hours * _HOUR
    return [
        failure(number * 100 + week * 10_000 + hours * 1_000_000, at=at + number * _MINUTE)
        for number in range(first, first + count)
    ]


def _since(storage: Storage, weeks: int) -> None:
    """Let counting have begun so many weeks ago."""
    TableWindowStore(storage).since(WORKFORCE_TENANT, "rise 3", now=hour_of(NOW) - timedelta(weeks=weeks))


_RISES: Final[dict[str, tuple[list[int], int, int, bool]]] = {
    "half more than the mean, and one": ([4, 4, 4], 3, 7, True),
    "half more than the mean": ([4, 4, 4], 3, 6, False),
    "a mean that is no whole number": ([4, 4, 3], 3, 6, True),
    "the floor, after nothing": ([0, 0, 0], 3, 3, True),
    "below the floor": ([0, 0, 0], 3, 2, False),
    "two weeks are known": ([2, 2, 0], 2, 4, True),
    "one week is known": ([1, 0, 0], 1, 20, False),
    "counting began in that hour": ([1, 0, 0], 0, 20, False),
    "an hour without records is none, not unknown": ([9, 0, 0], 3, 5, True),
}


@pytest.mark.parametrize(("before", "since", "count", "rises"), _RISES.values(), ids=list(_RISES))
def test_a_rise_is_against_the_weeks_in_which_was_counted(
    before: list[int], since: int, count: int, *, rises: bool
) -> None:
    storage = a_storage()
    _since(storage, since)
    history = [event for week, number in enumerate(before, start=1) for event in _hour(week, number)]
    cases = counted(RISE, [history], storage)
    cases.opened.clear()
    aggregation(storage).count([(RISE, event) for event in _hour(0, count)], cases.open)
    assert bool(cases.opened) is rises


def test_counting_begins_with_the_first_record_and_not_with_the_first_rise() -> None:
    storage = a_storage()
    begin = hour_of(NOW) - timedelta(weeks=2)
    aggregation(storage, now=begin).count([(RISE, event) for event in _hour(2, 1)], Cases().open)
    assert TableWindowStore(storage).since(WORKFORCE_TENANT, "rise 3", now=NOW) == begin


def test_a_rise_is_told_with_what_was_usual() -> None:
    storage = a_storage()
    _since(storage, 2)
    cases = counted(RISE, [[*_hour(1, 1), *_hour(2, 2)], _hour(0, 3)], storage)
    event = list(cases.opened.values())[-1]
    assert (event.target.id, event.target.kind) == (WORKFORCE_TENANT, "Tenant")
    figures = event.target.changes[0]
    assert (figures.name, figures.new) == ("sign-ins in the hour from 10:00 UTC", "3")
    assert figures.old == "2 on average in the weeks before (1, 2, not counted)"


def _in_hour(number: int, hour: int, minute: int) -> SignInEvent:
    return failure(number, at=hour_of(NOW) + hour * _HOUR + minute * _MINUTE)


_hours: st.SearchStrategy[SignInEvent] = st.builds(
    _in_hour, st.integers(0, 10**6), st.integers(0, 2), st.integers(0, 59)
)


@settings(max_examples=60)
@given(before=st.lists(st.integers(0, 4), min_size=9, max_size=9), batches=deliveries(_hours))
def test_rises_are_those_of_the_definition_however_their_records_come(
    before: list[int], batches: list[list[SignInEvent]]
) -> None:
    storage = a_storage()
    _since(storage, 3)
    history = [event for place, number in enumerate(before) for event in _hour(1 + place // 3, number, hours=place % 3)]
    counted(RISE, [history], storage)
    cases = counted(RISE, batches, storage)
    rise = RISE.counted
    assert isinstance(rise, Rise)
    expected: set[tuple[str, datetime]] = set()
    for hour in range(3):
        at = hour_of(NOW) + hour * _HOUR
        count = len({event.id for batch in batches for event in batch if hour_of(event.at) == at})
        expected |= {(WORKFORCE_TENANT, at)} if count >= 3 and is_rise(rise, count, before[hour::3]) else set()
    assert cases.found == expected


# Storage.


def test_a_batch_writes_once_and_reads_once_however_many_accounts_minutes_and_detections_it_is_of() -> None:
    spoilt = SpoiltStorage(a_storage())
    events = [failure(number, at=NOW + number % 40 * _MINUTE, account=f"account {number}") for number in range(200)]
    matches = [(detection, event) for event in events for detection in (BY_ACCOUNT, TOGETHER)]
    aggregation(spoilt).count(matches, Cases().open)
    assert spoilt.faults.log == ["write Counters", "rows Counters", "rows Counters"], (
        "the second is the end of the pages"
    )


def test_an_instance_adds_to_its_own_row_and_asks_nothing_for_records_that_it_knows() -> None:
    spoilt = SpoiltStorage(a_storage())
    one, batch = aggregation(spoilt), [(BY_ACCOUNT, event) for event in _every([0, 0, 1])]
    for place in range(len(batch)):
        one.count(batch[: place + 1], Cases().open)
    assert len(_rows(spoilt)) == 2, "one for each minute"
    spoilt.faults.log.clear()
    one.count(batch, Cases().open)
    assert spoilt.faults.log == []


def _rows(storage: Storage) -> list[str]:
    return [row.key for row in storage.rows(Table.COUNTERS, "PartitionKey ne 'since'")]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("operation", ["write Counters", "rows Counters"])
@pytest.mark.parametrize("others", [0, 3], ids=["its own", "and others'"])
def test_a_batch_that_failed_halfway_is_counted_by_its_next_delivery(operation: str, how: str, others: int) -> None:
    spoilt = SpoiltStorage(a_storage())
    one, cases = aggregation(spoilt), Cases()
    first, second = _every([0, 1, 1])[:2], _every([0, 1, 1])
    one.count([(BY_ACCOUNT, event) for event in first], cases.open)
    spoilt.faults.fail_once(operation, how)
    batch = [(BY_ACCOUNT, event) for event in second] + [(SPRAY, event) for event in second]
    with pytest.raises(Unreachable):
        one.count(batch, cases.open)
    assert cases.opened == {}
    batch += [(BY_ACCOUNT, failure(90 + number, account=f"{number}")) for number in range(others)]
    one.count(batch, cases.open)
    assert len(cases.opened) == 1


def test_a_write_whose_answer_was_lost_is_never_written_over() -> None:
    """What reached storage late would else take away what came after it."""
    spoilt = SpoiltStorage(a_storage())
    one, batch = aggregation(spoilt), [(BY_ACCOUNT, event) for event in _every([0, 0])]
    one.count(batch[:1], Cases().open)
    spoilt.faults.fail_once("write Counters", "after")
    with pytest.raises(Unreachable):
        one.count(batch, Cases().open)
    before = {row.key: row.etag for row in spoilt.rows(Table.COUNTERS, "PartitionKey ge ''")}
    one.count(batch, Cases().open)
    assert before.items() <= {row.key: row.etag for row in spoilt.rows(Table.COUNTERS, "PartitionKey ge ''")}.items()


@settings(max_examples=60)
@given(batches=deliveries(), begin=st.integers(0, 2))
def test_several_detections_at_once_find_what_each_record_by_itself_does(
    batches: list[list[SignInEvent]], begin: int
) -> None:
    detections = (BY_ACCOUNT, SPRAY, TOGETHER)[begin:]
    together, alone = Cases(), Cases()
    at_once, one_by_one = aggregation(a_storage()), aggregation(a_storage())
    for batch in batches:
        at_once.count([(each, event) for event in batch for each in detections], together.open)
    for match in ((each, event) for batch in batches for event in batch for each in detections):
        one_by_one.count([match], alone.open)
    assert together.opened.keys() == alone.opened.keys()


def test_a_case_that_could_not_be_opened_is_opened_by_the_next_delivery() -> None:
    one, cases, tried = aggregation(a_storage()), Cases(), list[str]()

    def fail(_detection: AnyDetection, event: CountEvent) -> bool:
        tried.append(event.id)
        raise Unreachable("cut")

    batch = [(BY_ACCOUNT, event) for event in _every([0, 1, 1])]
    with pytest.raises(Unreachable):
        one.count(batch, fail)
    one.count(batch, cases.open)
    assert list(cases.opened) == tried


def test_instances_that_write_the_same_minute_at_once_lose_nothing(storage: Storage) -> None:
    cases = Cases()

    def work(number: int) -> None:
        batch = [(TOGETHER, failure(number * 10 + each)) for each in range(4)]
        for match in batch:
            aggregation(storage).count([match], cases.open)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    place = Place(tenant_id=WORKFORCE_TENANT, detection="together", value="", kept=timedelta(days=2))
    assert len(_minute_in(storage, place).members) == 12
    assert len(cases.opened) == 1


@pytest.mark.parametrize("detection", [BY_ACCOUNT, RISE], ids=lambda one: one.id)
@pytest.mark.parametrize("minutes", [[0, 1, 2], [0, 0, 0]], ids=["in other minutes", "in the same minute"])
def test_two_instances_that_count_at_once_miss_nothing_between_them(
    detection: AnyDetection, minutes: list[int]
) -> None:
    """One instance does all of its work before each step of the other's, in turn."""
    slow, quick = _every(minutes)[:2], _every(minutes)[2:]
    steps = 0
    while True:
        storage, cases = SpoiltStorage(a_storage()), Cases()
        _since(storage.inner, 3)
        work = partial(aggregation(storage.inner).count, [(detection, event) for event in quick], cases.open)
        storage.faults.spoil = Interrupting(storage, steps, work)
        aggregation(storage).count([(detection, event) for event in slow], cases.open)
        if len(storage.faults.log) <= steps:
            break
        assert len(cases.opened) == 1, f"before step {steps}, {storage.faults.log[steps]}"
        steps += 1
    assert steps >= 3


def test_a_row_that_somebody_else_wrote_is_left_and_a_batch_that_finds_no_place_is_delivered_again() -> None:
    storage = SpoiltStorage(a_storage())
    one, cases = aggregation(storage), Cases()
    one.count([(BY_ACCOUNT, event) for event in _every([0])], cases.open)
    (row,) = storage.rows(Table.COUNTERS, "PartitionKey ge ''")
    storage.replace(Table.COUNTERS, row, row.columns)
    one.count([(BY_ACCOUNT, event) for event in _every([0, 0, 0])], cases.open)
    assert len(cases.opened) == 1
    storage.faults.failure = Conflict
    storage.faults.fail("write Counters")
    with pytest.raises(Conflict):
        counted(BY_ACCOUNT, [_every([0, 0])], storage)


def test_a_full_minute_takes_no_more_and_still_raises_a_case(storage: Storage) -> None:
    place = Place(tenant_id=WORKFORCE_TENANT, detection=TOGETHER.id, value="", kept=timedelta(days=2))
    window_store = TableWindowStore(storage)
    full = Minute(members=frozenset(number.to_bytes(8) for number in range(MOST_A_MINUTE - 1)), first=NOW, last=NOW)
    assert len(full.with_(_minute("one").with_(_minute("another"))).members) == MOST_A_MINUTE
    for each in (full, _minute("one").with_(_minute("another")), _minute("a third")):
        window_store.add({place: {NOW: each}})
    minute = _minute_in(storage, place)
    assert len(minute.members) == MOST_A_MINUTE
    assert len({hashed("one"), hashed("another"), hashed("a third")} & minute.members) == 1
    assert len(counted(TOGETHER, [[failure(1)]], storage).opened) == 1


def test_more_than_a_row_takes_is_in_several_and_a_window_is_read_whole() -> None:
    storage = a_storage()
    places = [Place(tenant_id="t", detection="d", value=f"{number}", kept=timedelta(days=2)) for number in range(600)]
    minute = _minute("one")
    wide = msgspec.structs.replace(minute, records=tuple(f"{number}".rjust(200) for number in range(10)))
    TableWindowStore(storage).add({place: {NOW: wide, NOW + _MINUTE: minute} for place in places})
    assert len(_rows(storage)) > 3
    spans = [Span(place=place, begin=NOW, end=NOW + 2 * _MINUTE) for place in places]
    found = TableWindowStore(storage).minutes(spans)
    assert found == [{NOW: wide, NOW + _MINUTE: minute}] * len(places)


def _minute_in(storage: Storage, place: Place) -> Minute:
    (minutes,) = TableWindowStore(storage).minutes([Span(place=place, begin=NOW, end=NOW + _MINUTE)])
    return minutes[NOW]


def _minute(member: str, at: datetime = NOW) -> Minute:
    return seen(member, at, actor=Actor(), record=member)


@given(st.permutations(range(6)))
def test_minutes_come_to_the_same_in_whatever_order(order: list[int]) -> None:
    minutes = [_minute(f"{number % 4}", NOW + timedelta(seconds=number % 4)) for number in range(6)]
    whole = minutes[order[0]]
    for place in order[1:]:
        whole = whole.with_(minutes[place])
    assert (whole.members, whole.first, whole.last) == (
        {hashed(f"{number}") for number in range(4)},
        NOW,
        NOW + timedelta(seconds=3),
    )
    assert set(whole.records) == {"0", "1", "2", "3"}


def test_minutes_are_purged_when_nobody_needs_them_and_the_beginning_of_counting_stays() -> None:
    storage = a_storage()
    _since(storage, 9)
    counted(BY_ACCOUNT, [_every([0, 1])], storage)
    counted(RISE, [_every([0, 1])], storage)
    gone = [purge(storage, now=NOW + timedelta(days=days)) for days in (0, 1, 2, 3, 22, 23, 24)]
    assert gone == [0, 0, 0, 2, 0, 0, 2]
    assert [row.partition for row in storage.rows(Table.COUNTERS, "PartitionKey ge ''")] == ["since"]
