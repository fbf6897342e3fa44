"""When a page that grew is sent again: in order, never too often, and always in the end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.notify.pace import HOUR, MOST_OF_A_PAGE, asked_until, next_step, of_last_hour, with_room
from tests.fakes.clock import NOW

_MINUTE: Final = timedelta(minutes=1)
_MINUTES: Final = st.integers(0, 240).map(lambda minute: NOW + minute * _MINUTE)


def _most_in_an_hour(instants: Sequence[datetime]) -> int:
    return max((sum(one <= other < one + HOUR for other in instants) for one in instants), default=0)


def test_a_page_that_grows_all_the_time_is_sent_at_steps_that_grow_apart() -> None:
    sent = [NOW]
    while len(sent) < 8:
        sent.append(next_step(NOW, sent[-1]))
    assert [(at - NOW) // _MINUTE for at in sent] == [0, 1, 5, 15, 45, 75, 105, 135]
    assert _most_in_an_hour(sent) == MOST_OF_A_PAGE


@given(st.lists(_MINUTES, max_size=40))
def test_whenever_changes_come_each_is_sent_within_half_an_hour_and_no_hour_has_too_many(came: list[datetime]) -> None:
    """Each message shows all that came by then, so order is kept by itself, and none is lost where the last is sent."""
    came = sorted((NOW, *came))
    sent: list[datetime] = [NOW]
    shown = sum(at <= NOW for at in came)
    while shown < len(came):
        step = max(next_step(NOW, sent[-1]), came[shown])
        sent.append(with_room(step, sent=of_last_hour(sent[:-1], now=sent[-1]), asked=()))
        shown = sum(at <= sent[-1] for at in came)
    assert all(before < after for before, after in pairwise(sent))
    assert _most_in_an_hour(sent) <= MOST_OF_A_PAGE
    assert all(any(at <= one <= at + HOUR / 2 for one in sent) for at in came)


@given(_MINUTES, st.lists(_MINUTES, max_size=MOST_OF_A_PAGE), st.lists(_MINUTES, max_size=MOST_OF_A_PAGE))
def test_what_waits_never_takes_the_room_of_what_cannot_wait(
    earliest: datetime, sent: list[datetime], asked: list[datetime]
) -> None:
    at = with_room(earliest, sent=sent, asked=asked)
    fixed = [*sent, *asked]
    with_it = [*fixed, at]
    assert at >= earliest
    assert at <= max([earliest, *(one + HOUR for one in fixed)]), "it comes in the end"
    for first in with_it:
        hour = [one for one in with_it if first <= one < first + HOUR]
        assert len(hour) <= MOST_OF_A_PAGE or not first <= at < first + HOUR
    sooner = [earliest, *(one + HOUR for one in fixed if earliest < one + HOUR < at)]
    assert at == earliest or _most_in_an_hour([*fixed, min(sooner)]) > MOST_OF_A_PAGE


@pytest.mark.parametrize(("most", "asked"), [(9, [15, 30, 45]), (2, [15, 30]), (0, [])])
def test_who_is_asked_in_the_next_hour(most: int, asked: list[int]) -> None:
    found = asked_until(NOW, NOW + HOUR, within=15 * _MINUTE, most=most)
    assert [(at - NOW) // _MINUTE for at in found] == asked


def test_what_was_sent_an_hour_ago_counts_no_more() -> None:
    assert of_last_hour((NOW, NOW + _MINUTE), now=NOW + HOUR) == (NOW + _MINUTE, NOW + HOUR)
