from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.local.host.schedules import FIELDS, FieldKind, Interval, NCrontab, is_frequent, schedule_from

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)  # a Wednesday
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


def cron(text: str) -> NCrontab:
    schedule = schedule_from(text, now=NOON)
    assert isinstance(schedule, NCrontab)
    return schedule


def places(instant: datetime) -> tuple[int, ...]:
    """Give the six values of an instant in the order of the fields; a week begins on Sunday, 0."""
    weekday = instant.isoweekday() % 7
    return (instant.second, instant.minute, instant.hour, instant.day, instant.month, weekday)


def matches(schedule: NCrontab, instant: datetime) -> bool:
    return all(place in values for place, values in zip(places(instant), schedule.fields, strict=True))


def item_texts(kind: FieldKind) -> st.SearchStrategy[str]:
    values = st.integers(kind.least, kind.most).map(str)
    spans = st.one_of(st.just("*"), values, st.tuples(values, values).map("-".join))
    return st.one_of(spans, st.tuples(spans, st.integers(1, 70).map(str)).map("/".join))


def field_texts(kind: FieldKind) -> st.SearchStrategy[str]:
    return st.lists(item_texts(kind), min_size=1, max_size=3).map(",".join)


# Rare dates are years away and take long to find.
unhurried = settings(deadline=None, max_examples=60)
SCHEDULE_TEXTS = st.tuples(*map(field_texts, FIELDS)).map(" ".join)


def schedule_of(text: str) -> NCrontab:
    try:
        return cron(text)
    except ValueError:
        assume(False)  # such as 30 February
        raise


@unhurried
@given(SCHEDULE_TEXTS, INSTANTS)
def test_next_is_strictly_later_on_a_whole_second_and_matches_every_field(text: str, instant: datetime) -> None:
    schedule = schedule_of(text)
    following = schedule.next_after(instant)
    assert following > instant
    assert following.microsecond == 0
    assert following.tzinfo is UTC
    assert matches(schedule, following)


@unhurried
@given(SCHEDULE_TEXTS, INSTANTS)
def test_nothing_between_now_and_next_matches(text: str, instant: datetime) -> None:
    schedule = schedule_of(text)
    following = schedule.next_after(instant)
    second = instant.replace(microsecond=0) + timedelta(seconds=1)
    # The seconds right after now and right before next, and in between every day that would match.
    for offset in range(400):
        for candidate in (second + timedelta(seconds=offset), following - timedelta(seconds=offset + 1)):
            assert not (instant < candidate < following and matches(schedule, candidate))
    days = [instant.date() + timedelta(days=day) for day in range(1, min((following - instant).days, 400))]
    dates = [places(datetime(day.year, day.month, day.day, tzinfo=UTC)) for day in days]
    assert not [date for date in dates if all(date[place] in schedule.fields[place] for place in (3, 4, 5))]


@unhurried
@given(SCHEDULE_TEXTS, INSTANTS)
def test_a_later_start_never_gives_an_earlier_next(text: str, instant: datetime) -> None:
    schedule = schedule_of(text)
    first = schedule.next_after(instant)
    assert schedule.next_after(first - timedelta(microseconds=1)) == first
    assert schedule.next_after(first) > first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */5 * * * *", "2026-03-04T12:05:00"),
        ("30 * * * * *", "2026-03-04T12:00:30"),
        ("0 30 9 * * 1-5", "2026-03-05T09:30:00"),
        ("0 30 9 * * Mon", "2026-03-09T09:30:00"),
        ("0 0 0 1 Jan *", "2027-01-01T00:00:00"),
        ("0 0 0 1 sept *", "2026-09-01T00:00:00"),
        ("5/20 0 12 * * *", "2026-03-04T12:00:05"),
        ("0 0 17-9 * * *", "2026-03-04T13:00:00"),  # turned round, so 9 to 17
        ("0 0 0 13 * 5", "2026-03-13T00:00:00"),  # both day fields must match
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 * * 0", "2026-03-08T00:00:00"),
        ("*/5 * * * *", "2026-03-04T12:05:00"),  # five fields: second 0
        ("01:30:00", "2026-03-04T13:30:00"),
    ],
)
def test_next_after_noon(text: str, expected: str) -> None:
    assert schedule_from(text, now=NOON).next_after(NOON) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 0 0 1 1 1 2026", "7 fields"),
        ("60 * * * * *", "'60' isn't a second: use 0 to 59"),
        ("0 0 24 * * *", "'24' isn't a hour"),
        ("0 0 0 0 * *", "'0' isn't a day of month: use 1 to 31"),
        ("0 0 0 * 13 *", "'13' isn't a month"),
        ("0 0 0 * * 7", "'7' isn't a day of week"),
        ("0 0 0 * * Fryday", "'Fryday' isn't a day of week: use 0 to 6 or a name"),
        ("0 0 0 L * *", "'L' isn't a day of month"),
        ("0 */0 * * * *", "at least 1"),
        ("0 */x * * * *", "at least 1"),
        ("0 1, * * * *", "'' isn't a minute"),
        ("0 -5 * * * *", "'' isn't a minute"),
        ("@daily", "1 fields"),
        ("0 0 0 30 2 *", "no date matches"),
        ("00:00:00", "longer than zero"),
        ("00:00:99", "isn't a duration"),
    ],
)
def test_refuses_what_azure_refuses_and_says_why(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("*", r"\*")):
        schedule_from(text, now=NOON)


@pytest.mark.parametrize(
    ("text", "frequent"),
    [
        ("*/30 * * * * *", True),
        ("0 * * * * *", False),
        ("0 */5 * * * *", False),
        ("00:00:59", True),
        ("00:01:00", False),
    ],
)
def test_frequent_is_more_than_once_in_the_next_minute(text: str, *, frequent: bool) -> None:
    assert is_frequent(schedule_from(text, now=NOON), now=NOON) is frequent


def test_an_interval_counts_from_the_last_run() -> None:
    assert Interval(every=timedelta(seconds=90)).next_after(NOON) == NOON + timedelta(seconds=90)
