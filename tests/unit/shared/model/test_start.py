"""Work that runs beside other work: its result, or what it raised, comes to who asks for it."""

import threading

import pytest

from shared.model.start import SideBySide, Start, one_after_another

_LONG: float = 10


@pytest.fixture(params=["side by side", "one after another"])
def start(request: pytest.FixtureRequest) -> Start:
    return SideBySide(4) if request.param == "side by side" else one_after_another


def test_each_result_comes_to_who_asks_for_it_as_often_as_it_is_asked_for(start: Start) -> None:
    waits = [start(lambda number=number: number * number) for number in range(20)]
    for _ in range(2):
        assert [wait() for wait in waits] == [number * number for number in range(20)]


def test_a_failure_is_raised_where_the_result_is_asked_for_and_nowhere_else(start: Start) -> None:
    def fail() -> int:
        raise ZeroDivisionError

    failing, sound = start(fail), start(lambda: 7)
    assert sound() == 7
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            failing()


def test_side_by_side_runs_tasks_at_the_same_time() -> None:
    """Each waits until the other has begun."""
    start, barrier = SideBySide(2), threading.Barrier(2)
    first, second = (start(lambda: barrier.wait(_LONG)) for _ in range(2))
    assert {first(), second()} == {0, 1}


def test_side_by_side_starts_no_thread_before_the_first_task() -> None:
    before = threading.active_count()
    start = SideBySide(4)
    assert threading.active_count() == before
    name = start(lambda: threading.current_thread().name)()
    assert name.startswith("round")


def test_one_after_another_runs_in_the_order_of_starting_on_the_same_thread() -> None:
    ran: list[int] = []

    def task(number: int) -> int:
        ran.append(number)
        return threading.get_ident()

    waits = [one_after_another(lambda number=number: task(number)) for number in range(3)]
    assert ran == [0, 1, 2], "before anybody asked for a result"
    assert {wait() for wait in waits} == {threading.get_ident()}
    assert ran == [0, 1, 2]
