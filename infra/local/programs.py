"""The processes of the local stack: start one, wait until it says that it is ready, stop it, kill it."""

import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_PORTS: Final = (20_000, 32_000)
_TRIES: Final = 20
_READY_WITHIN: Final = 180.0
_STOP_WITHIN: Final = 30.0


class ProgramError(Exception):
    """A program of the stack didn't start; the text has the end of its log."""


class Program:
    """One child process. Its stderr goes to a log file; its stdout says when it is ready."""

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._command = tuple(command)
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running program."""
        if self._process is None:
            raise ProgramError(f"{self.name} isn't running")
        return self._process.pid

    def start(self) -> dict[str, Any]:
        """Start it and give what its first JSON line says."""
        lines = self.start_and_read(lambda line: line.startswith("{"))
        return json.loads(lines[-1])

    def start_and_read(self, is_last: Callable[[str], bool]) -> list[str]:
        """Start it and give the lines of its stdout up to the one for which `is_last` is true.

        Raises:
            ProgramError: it ended or said nothing of the kind in a minute.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        stdout = self._process.stdout
        if stdout is None:
            raise ProgramError(f"{self.name} has no stdout")
        lines: list[str] = []
        for line in _lines_within(stdout.fileno(), _READY_WITHIN):
            lines.append(line)
            if is_last(line):
                return lines
        self.kill()
        raise ProgramError(f"{self.name} didn't start: {' '.join(self._command)}\n{self._end_of_log()}")

    def _end_of_log(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])

    def stop(self, within: float = _STOP_WITHIN) -> int:
        """Ask it to end and wait that many seconds; kill it when it doesn't. Gives its exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.terminate()
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            return self.kill()
        self._close()
        return code

    def kill(self) -> int:
        """End it at once (kill -9), as a machine that loses power would."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait(_STOP_WITHIN)
        self._close()
        return code

    def wait(self, seconds: float) -> int | None:
        """Wait for it to end by itself; None when it hasn't."""
        if self._process is None:
            return None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def is_running(self) -> bool:
        """Whether it is."""
        return self._process is not None and self._process.poll() is None

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()


def _lines_within(descriptor: int, seconds: float) -> Iterator[str]:
    """Give the lines that come in time, until the stream ends.

    Read without a buffer: `select` doesn't see lines that one would already hold.
    """
    deadline = time.monotonic() + seconds
    rest = b""
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([descriptor], [], [], left)
        chunk = os.read(descriptor, 65_536) if ready else b""
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in lines)


def free_port(wanted: int = 0) -> int:
    """Find a free port on loopback: the wanted one if it is, else any.

    It is one below those that a system gives to outgoing connections, since seconds may pass until it is listened on.
    """
    chance = random.SystemRandom()
    tries = [wanted] if wanted else []
    for port in (*tries, *(chance.randrange(*_PORTS) for _ in range(_TRIES)), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ProgramError("no port is free on loopback")


def module(name: str, *arguments: str) -> list[str]:
    """Give the command that runs a Python module of this repository."""
    return [sys.executable, "-m", name, *arguments]
