"""Run every test, in two runs side by side: those of a whole stack, which wait most of the time, and all the others.

`python -m tests.run [what pytest takes]`, which is what `make test` calls. The others are printed as they run, those of
the stack when both have ended. Exits with the status of the first that failed. Where the arguments name files or
folders, these alone are run.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

_STACKS: Final = 4
"""Processes for those that wait, each with a stack of its own."""

_PATIENT: Final = 5
"""How much the others give way (nice): what runs on a stack has to answer in time."""

_NOTHING_CHOSEN: Final = 5
"""pytest's status when the arguments leave no test over."""


def main(arguments: Sequence[str]) -> int:
    """Run the tests, print what they say, and give the status."""
    cores = os.cpu_count() or 1
    if any(_is_place(each) for each in arguments):
        return _started(arguments, processes=cores).wait()
    with tempfile.TemporaryFile() as said:
        stack = _started([*arguments, "tests/stack"], processes=_STACKS, said=said)
        others = _started([*arguments, "tests/integration", "tests/laws", "tests/unit"], processes=cores)
        os.setpriority(os.PRIO_PROCESS, others.pid, _PATIENT)
        statuses = [others.wait(), stack.wait()]
        said.seek(0)
        sys.stdout.buffer.write(said.read())
    ran = [status for status in statuses if status != _NOTHING_CHOSEN]
    return next(filter(None, ran), 0) if ran else _NOTHING_CHOSEN


def _is_place(argument: str) -> bool:
    return not argument.startswith("-") and Path(argument.partition("::")[0]).exists()


def _started(arguments: Sequence[str], *, processes: int, said: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    # Tests that share a running program stay in one process (tests/conftest.py), the longest first.
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(processes), "--dist", "loadscope"]
    return subprocess.Popen(
        [*command, "--no-loadscope-reorder", *arguments], stdout=said, stderr=subprocess.STDOUT if said else None
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
