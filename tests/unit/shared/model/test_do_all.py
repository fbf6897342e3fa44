"""One that fails never keeps the others from being done."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.do_all import do_all, each
from shared.model.errors import Unreachable

_LOG: Final = logging.getLogger("responder.test")


class _Work:
    """Doubles numbers; those in `broken` fail, each with its number."""

    def __init__(self, *broken: int, error: Callable[[str], Exception] = Unreachable) -> None:
        self.broken = broken
        self.done: list[int] = []
        self._error = error

    def __call__(self, number: int) -> int:
        self.done.append(number)
        if number in self.broken:
            raise self._error(f"number {number}")
        return 2 * number

    def on(self, items: Iterable[int]) -> list[int]:
        return do_all(items, self, failed=lambda number: f"{number} could not be doubled", log=_LOG)


def test_every_item_gives_what_came_of_it_in_order() -> None:
    assert _Work().on((3, 1, 2)) == [6, 2, 4]
    assert _Work().on(()) == []


@given(items=st.lists(st.integers(0, 9)), broken=st.sets(st.integers(0, 9)))
def test_every_item_has_its_turn_once_and_the_first_failure_is_raised(items: list[int], broken: set[int]) -> None:
    work = _Work(*broken)
    failing = [item for item in items if item in broken]
    if failing:
        with pytest.raises(Unreachable, match=f"^number {failing[0]}$"):
            work.on(items)
    else:
        work.on(items)
    assert work.done == items


def test_each_failure_is_logged_with_its_item_and_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unreachable):
        _Work(1, 3).on((1, 2, 3))
    assert [record.getMessage() for record in caplog.records] == ["1 could not be doubled", "3 could not be doubled"]
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == ["number 1", "number 3"]


def test_a_fault_of_our_own_keeps_the_others_back_as_little_as_a_service_does() -> None:
    work = _Work(1, error=KeyError)
    with pytest.raises(KeyError):
        work.on((1, 2))
    assert work.done == [1, 2]


def test_a_process_that_is_told_to_end_does_not_go_on() -> None:
    def stopped(number: int) -> None:
        raise KeyboardInterrupt(number)

    with pytest.raises(KeyboardInterrupt, match="1"):
        do_all((1, 2), stopped, failed=str, log=_LOG)


def _listing(*items: int) -> Iterator[int]:
    yield from items
    raise Unreachable("the listing broke off")


@pytest.mark.parametrize(("broken", "raised"), [((), "the listing broke off"), ((2,), "number 2")])
def test_a_listing_that_breaks_off_ends_the_work_and_is_told_with_the_rest(
    broken: tuple[int, ...], raised: str, caplog: pytest.LogCaptureFixture
) -> None:
    work = _Work(*broken)
    with pytest.raises(Unreachable, match=raised):
        work.on(_listing(1, 2))
    assert work.done == [1, 2]
    assert ("the listing broke off" in caplog.text) is bool(broken)


def test_what_came_of_one_is_given_before_the_next_is_begun() -> None:
    work = _Work(2)
    given_out = each((1, 2, 3), work, failed=str, log=_LOG)
    assert (next(given_out), work.done) == (2, [1])
    assert (next(given_out), work.done) == (6, [1, 2, 3])
    with pytest.raises(Unreachable, match="number 2"):
        next(given_out)
