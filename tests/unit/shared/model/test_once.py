"""A thing is made once, however many threads ask for it at the same moment."""

import threading

import pytest

from shared.model.errors import Unreachable
from shared.model.once import Once


def test_threads_that_ask_while_it_is_made_wait_for_it() -> None:
    got: list[object] = []
    made: list[object] = []
    others = [threading.Thread(target=lambda: got.append(thing())) for _ in range(5)]

    def make() -> object:
        made.append(object())
        if len(made) == 1:
            for other in others:
                other.start()
            # None of them can come back before this one is made; one that made its own would.
            others[0].join(timeout=0.1)
        return made[-1]

    thing = Once(make)
    got.append(thing())
    for other in others:
        other.join()
    assert len(made) == 1
    assert got == made * 6


def test_it_is_not_made_before_it_is_asked_for() -> None:
    made: list[str] = []
    Once(lambda: made.append("made"))
    assert made == []


def test_nothing_is_a_thing_too() -> None:
    made: list[None] = []
    thing = Once(lambda: made.append(None))
    assert (thing(), thing(), len(made)) == (None, None, 1)


def test_making_that_failed_is_tried_again() -> None:
    answers = iter([Unreachable("storage gave no answer"), "made"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    thing = Once(make)
    with pytest.raises(Unreachable):
        thing()
    assert [thing(), thing()] == ["made", "made"]


def test_what_is_taken_out_is_made_anew() -> None:
    numbers = iter(range(9))
    thing = Once(lambda: next(numbers))
    assert thing.take() is None
    assert (thing(), thing.take(), thing.take(), thing()) == (0, 0, None, 1)
