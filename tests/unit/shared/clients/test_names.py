"""Whether names exist, without asking anybody."""

import socket
import threading
from datetime import timedelta

import pytest

from shared.clients.names import Existence, existence_of


def _raising(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "existence"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), Existence.NONE),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), Existence.UNKNOWN),
        (socket.gaierror(socket.EAI_FAIL, "failed"), Existence.UNKNOWN),
        (TimeoutError("too late"), Existence.UNKNOWN),
        (UnicodeError("label too long"), Existence.UNKNOWN),
        (ValueError("embedded null byte"), Existence.UNKNOWN),
        (socket.gaierror(socket.EAI_NODATA, "no address"), Existence.FOUND),
    ],
    ids=repr,
)
def test_only_the_answer_that_there_is_no_such_name_means_that(error: Exception, existence: Existence) -> None:
    found = existence_of(["a.example", "b.example"], ask=lambda host: _raising(error) if host == "a.example" else None)
    assert found == {"a.example": existence, "b.example": Existence.FOUND}


def test_each_name_is_asked_for_once() -> None:
    asked: list[str] = []
    existence_of(["a.example", "b.example", "a.example"], ask=asked.append)
    assert sorted(asked) == ["a.example", "b.example"]


def test_what_nobody_answers_in_time_is_unknown() -> None:
    until = threading.Event()

    def never(_host: str) -> None:
        until.wait()

    try:
        found = existence_of(["a.example"], ask=never, within=timedelta(milliseconds=20))
    finally:
        until.set()
    assert found == {"a.example": Existence.UNKNOWN}
