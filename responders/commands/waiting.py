"""What people see who wait: that a command still works, and a list that is drawn again and again.

Both only move the cursor of a terminal; what goes to a file or a program stays plain.
"""

import argparse
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread
from typing import Final, Protocol, TextIO

from responders.commands.connection import CommandError, ExitStatus
from shared.model.clock import utc_now
from shared.model.errors import Throttled, Unreachable

_SILENT_SECONDS: Final = 2.0
_EACH_SECONDS: Final = 1.0
_TAKE_AWAY: Final = "\r\x1b[K"
_CLEAR: Final = "\x1b[H\x1b[2J\x1b[3J"
_WATCH_SECONDS: Final = 5.0
_SHORTEST: Final = 1.0


class Ending(Protocol):
    """What says that something has ended, like `threading.Event`."""

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds at most; whether it has ended."""
        ...

    def set(self) -> None:
        """Say that it has ended."""


@contextmanager
def waiting_for(what: str, *, stream: TextIO | None = None, ended: Ending | None = None) -> Generator[None]:
    """Say on standard error, where that is a terminal, what is done if it takes over two seconds, and for how long.

    Nothing else should be printed meanwhile. The line is gone at the end.
    """
    terminal = stream or sys.stderr
    if not terminal.isatty():
        yield
        return
    ended = ended or Event()
    thread = Thread(target=_count, args=(what, terminal, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _count(what: str, stream: TextIO, ended: Ending) -> None:
    seconds = _SILENT_SECONDS
    if ended.wait(_SILENT_SECONDS):
        return
    while True:
        stream.write(f"{_TAKE_AWAY}{what}, {seconds:.0f} s")
        stream.flush()
        if ended.wait(_EACH_SECONDS):
            break
        seconds += _EACH_SECONDS
    stream.write(_TAKE_AWAY)
    stream.flush()


def add_watch_option(parser: argparse.ArgumentParser) -> None:
    """Add --watch, for a list on which somebody waits for something."""
    parser.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=_WATCH_SECONDS,
        metavar="SECONDS",
        help=f"show it again every so many seconds (default: {_WATCH_SECONDS:.0f}), until Ctrl-C",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} should be a number of seconds, {_SHORTEST:.0f} at least")
    return seconds


def watched[T](
    arguments: argparse.Namespace,
    read: Callable[[], T],
    show: Callable[[T], None],
    *,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = utc_now,
) -> int:
    """Read a list and show it: once, or with --watch again and again until Ctrl-C, which is no failure.

    A list that can't be read at present is tried again, and the terminal keeps what was seen last.
    """
    every: float | None = arguments.watch
    if every is None:
        show(read())
        return ExitStatus.DONE
    if arguments.output != "table" or getattr(arguments, "json", False):
        raise CommandError("--watch shows a table to people: leave -o and --json out, and ask again yourself")
    try:
        while True:
            _show_once(read, show, every=every, clock=clock)
            wait(every)
    except KeyboardInterrupt:
        if sys.stdout.isatty():
            print()
        return ExitStatus.DONE


def _show_once[T](
    read: Callable[[], T], show: Callable[[T], None], *, every: float, clock: Callable[[], datetime]
) -> None:
    try:
        found = read()
    except (Unreachable, Throttled) as error:
        print(f"{clock():%H:%M:%S} UTC: {error}; tried again in {every:g} s", file=sys.stderr)
        return
    if sys.stdout.isatty():
        sys.stdout.write(_CLEAR)
    print(f"as of {clock():%H:%M:%S} UTC, again every {every:g} s; Ctrl-C ends it")
    show(found)
    sys.stdout.flush()
