"""The Azure CLI's own parser, as one process that answers for a whole run of tests (infra/scripts/az/parse.py)."""

import contextlib
import fcntl
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

REPOSITORY: Final = Path(__file__).parents[4]
_PYTHON: Final = REPOSITORY / ".venv-az" / "bin" / "python"
_PROGRAM: Final = REPOSITORY / "infra" / "scripts" / "az" / "parse.py"
_SETUP: Final = REPOSITORY / "infra" / "scripts" / "az" / "setup.sh"


class NoAzureCli(Exception):
    """The Azure CLI isn't in its environment and can't be put there."""


def ensure_installed() -> None:
    """Have the Azure CLI installed where it isn't, by one process at a time.

    `make test` has that begun beside the first tests, since it takes a minute and nothing needs it before.

    Raises:
        NoAzureCli: it can't be installed.
    """
    with _SETUP.open(encoding="utf-8") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        done = subprocess.run([_SETUP], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoAzureCli(f"the Azure CLI can't be installed into .venv-az: {done.stderr.strip()[-300:]}")


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What the parser made of a command line: its exit status, and the command with its options or the refusal."""

    status: int
    command: str = ""
    options: Mapping[str, Sequence[str]] = {}
    error: str = ""


class AzParser:
    """The running parser. Each command line is asked once."""

    def __init__(self) -> None:
        ensure_installed()
        self._process = subprocess.Popen(
            [_PYTHON, _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._read: dict[tuple[str, ...], Read] = {}
        self._one_at_a_time = threading.Lock()

    def read(self, argv: Sequence[str]) -> Read:
        """Have a command line parsed."""
        key = tuple(argv)
        with self._one_at_a_time:
            if key not in self._read:
                self._read[key] = self._ask(argv)
        return self._read[key]

    def _ask(self, argv: Sequence[str]) -> Read:
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None
        assert answers is not None
        to.write(msgspec.json.encode(argv) + b"\n")
        to.flush()
        return msgspec.json.decode(answers.readline(), type=Read)

    @property
    def commands(self) -> frozenset[str]:
        """The commands that were asked for and exist."""
        return frozenset(read.command for read in self._read.values() if read.command)

    def close(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    with contextlib.suppress(NoAzureCli):  # a test that needs it says why it isn't there
        ensure_installed()
