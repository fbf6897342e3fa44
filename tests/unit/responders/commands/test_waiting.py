"""What is drawn for people who wait, and that nothing of it reaches a file."""

import argparse
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import override

import pytest

from responders.commands.connection import CommandError
from responders.commands.waiting import add_watch_option, waiting_for, watched
from shared.model.errors import Refused, Throttled, Unreachable
from tests.fakes.clock import NOW, FakeClock


class _Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


@dataclass
class _Ended:
    """Ends after so many waits, without waiting."""

    after: int
    waits: list[float] = field(default_factory=list[float])

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        return len(self.waits) > self.after

    def set(self) -> None:
        """End it, which the count does here."""


@pytest.mark.parametrize(
    ("after", "seen"),
    [(0, ""), (1, "\r\x1b[Kreading, 2 s\r\x1b[K"), (2, "\r\x1b[Kreading, 2 s\r\x1b[Kreading, 3 s\r\x1b[K")],
)
def test_after_two_seconds_it_is_said_what_is_done_and_taken_away_at_the_end(after: int, seen: str) -> None:
    stream, ended = _Terminal(), _Ended(after)
    with waiting_for("reading", stream=stream, ended=ended):
        pass
    assert stream.getvalue() == seen
    assert ended.waits[:1] == [2.0]


def test_it_is_taken_away_where_something_fails() -> None:
    stream = _Terminal()
    with pytest.raises(Refused), waiting_for("reading", stream=stream, ended=_Ended(1)):
        raise Refused("x")
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_file_has_none_of_it() -> None:
    stream, ended = io.StringIO(), _Ended(5)
    with waiting_for("reading", stream=stream, ended=ended):
        pass
    assert (stream.getvalue(), ended.waits) == ("", [])


# ---- --watch ---------------------------------------------------------------------------------------------------------


def _arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", dest="output", default="table")
    parser.add_argument("--json", action="store_true")
    add_watch_option(parser)
    return parser.parse_args(words)


def _watch(*words: str, reads: Callable[[], str], times: int) -> tuple[int, list[float]]:
    """Watch until Ctrl-C, which comes in the last of so many waits."""
    clock = FakeClock(NOW)

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        if len(clock.waits) == times:
            raise KeyboardInterrupt

    status = watched(_arguments(*words), reads, print, wait=wait, clock=clock)
    return status, clock.waits


def test_without_it_a_list_is_shown_once_without_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    assert _watch(reads=lambda: "a", times=1) == (0, [])
    assert capsys.readouterr().out == "a\n"


def test_it_is_shown_again_until_ctrl_c_which_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    each: Iterator[str] = iter("ab")
    assert _watch("--watch", reads=lambda: next(each), times=2) == (0, [5.0, 5.0])
    said = f"as of {NOW:%H:%M:%S} UTC, again every 5 s; Ctrl-C ends it\na\n"
    later = NOW + timedelta(seconds=5)
    assert capsys.readouterr().out == f"{said}as of {later:%H:%M:%S} UTC, again every 5 s; Ctrl-C ends it\nb\n"


def test_only_a_terminal_is_cleared(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _watch("--watch", "2.5", reads=lambda: "a", times=1)
    assert "\x1b" not in capsys.readouterr().out
    terminal = _Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    assert _watch("--watch", "2.5", reads=lambda: "a", times=1) == (0, [2.5])
    assert terminal.getvalue().startswith("\x1b[H\x1b[2J\x1b[3Jas of ")
    assert terminal.getvalue().endswith("a\n\n")


@pytest.mark.parametrize("error", [Unreachable("no answer"), Throttled("wait")])
def test_what_can_not_be_read_now_is_tried_again_and_what_was_seen_stays(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    each = iter([error, "a"])

    def read() -> str:
        found = next(each)
        if isinstance(found, Exception):
            raise found
        return found

    assert _watch("--watch", reads=read, times=2)[0] == 0
    said = capsys.readouterr()
    assert f"{error}; tried again in 5 s" in said.err
    assert said.out.endswith("a\n")


def test_what_is_refused_ends_it() -> None:
    def read() -> str:
        raise Refused("403")

    with pytest.raises(Refused):
        _watch("--watch", reads=read, times=1)


@pytest.mark.parametrize("words", [("-o", "json"), ("-o", "tsv"), ("--json",)])
def test_it_is_for_people(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="shows a table to people"):
        _watch("--watch", *words, reads=lambda: "a", times=1)


@pytest.mark.parametrize("text", ["0", "0.5", "-1", "nan", "inf", "soon"])
def test_an_interval_is_a_second_at_least(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _arguments("--watch", text)
    assert "should be a number of seconds, 1 at least" in capsys.readouterr().err
