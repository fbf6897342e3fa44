"""Run the tests in several processes: those of a whole stack, which wait most of the time, beside all the others.

`python -m tests.run [folders, files, what pytest takes]`, which is what `make test` calls. One process prints as it
runs, the others when all have ended, and at last stands how many tests ended how. Where folders or files are named,
these alone are run. Exits with the status of the first process that failed.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.sharing import OUTCOMES, ended_in

_STACKS: Final = 4
"""Processes for those that wait, each with a stack of its own."""

_PATIENT: Final = 5
"""How much the others give way (nice): what runs on a stack has to answer in time."""

_SHOWN: Final = 12
"""How many of the places that took longest are named at the end."""

_NOTHING_LEFT: Final = 5
"""pytest's status where the other processes had taken all the tests, or the arguments leave none over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Processes that share the tests in some folders."""

    places: Sequence[str]
    processes: int
    niceness: int = 0


def main(arguments: Sequence[str]) -> int:
    """Run the tests, print what the processes say, and give the status."""
    began, cores = time.monotonic(), os.cpu_count() or 1
    named = [each for each in arguments if not each.startswith("-") and Path(each).exists()]
    rest = [each for each in arguments if each not in named]
    groups = [_Group(places=named, processes=cores)]
    if not named:
        others = ("tests/integration", "tests/laws", "tests/unit")
        groups = [
            _Group(places=others, processes=cores, niceness=_PATIENT),
            _Group(places=("tests/stack",), processes=_STACKS),
        ]
    with tempfile.TemporaryDirectory() as notes:
        statuses = _run(groups, rest, Path(notes))
        ended = ended_in(Path(notes))
    longest = sorted(ended.seconds.items(), key=lambda one: -one[1])[:_SHOWN]
    sys.stdout.write("".join(f"{seconds:6.0f} s {place}\n" for place, seconds in longest))
    counted = ", ".join(f"{ended.counts[how]} {how}" for how in OUTCOMES if ended.counts.get(how)) or "no tests ran"
    sys.stdout.write(f"{counted} in {time.monotonic() - began:.2f}s\n")
    ran = [status for status in statuses if status != _NOTHING_LEFT]
    return next(filter(None, ran), 0) if ran else _NOTHING_LEFT


def _run(groups: Sequence[_Group], options: Sequence[str], notes: Path) -> list[int]:
    """Run all processes to their end, and give their statuses."""
    seed = f"--randomly-seed={time.time_ns() % 2**32}"
    # None of them knows how many tests there are, so none says how far it is.
    quiet = ("-q", "-o", "console_output_style=classic")
    command = [sys.executable, "-m", "pytest", *quiet, "-p", "tests.sharing", "--share", str(notes), seed, *options]
    shares = [group for group in groups for _ in range(group.processes)]
    with ExitStack() as until:
        said = [until.enter_context(tempfile.TemporaryFile()) for _ in shares[1:]]
        started = [
            _started([*command, *each.places], each, file) for each, file in zip(shares, [None, *said], strict=True)
        ]
        statuses = [each.wait() for each in started]
        for file in said:
            file.seek(0)
            sys.stdout.buffer.write(file.read())
    sys.stdout.flush()
    return statuses


def _started(command: Sequence[str], group: _Group, said: IO[bytes] | None) -> subprocess.Popen[bytes]:
    made = subprocess.Popen(command, stdout=said, stderr=said)
    os.setpriority(os.PRIO_PROCESS, made.pid, group.niceness)
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
