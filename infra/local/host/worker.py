"""The worker as the host sees it: a process that loads the app and runs its functions, started anew when it ends."""

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final, cast

import infra
from infra.local.host.errors import AppError
from infra.local.host.messages import Invocation, InvocationRequest, InvocationResponse, RpcFunctionMetadata
from infra.local.host.wire import Request, frame, next_answer

_log = logging.getLogger("host.worker")
_ROOT: Final = Path(infra.__file__).parents[1]
_MOMENT: Final = 2.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_CORES: Final = "1"
"""Of an instance with 2 GB. The worker's threads are five then, unless PYTHON_THREADPOOL_THREAD_COUNT says more."""


class WorkerEndedError(Exception):
    """The worker's process ended while the function ran; the text says why."""


class _Process:
    """One process of the worker, from its start to its end."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[object]] = {}
        self._reason = ""
        self.ended = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, *, is_quiet: bool) -> "_Process":
        ours, theirs = socket.socketpair()
        with theirs:
            command = ("-m", "infra.local.host.worker_process", "--socket", str(theirs.fileno()))
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(*command, "--quiet") if is_quiet else command,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={"PYTHON_CPU_COUNT": _CORES} | os.environ | {"PYTHONPATH": _python_path()},
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return cls(process, reader, writer)

    async def ask(self, body: Path | Invocation) -> object:
        """Give the answer.

        Raises:
            AppError: the app is refused.
            WorkerEndedError: the process ends before it answers.
        """
        if self.ended.done():
            raise WorkerEndedError(self._reason)
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            with suppress(ConnectionError):
                self._writer.write(frame(Request(number=number, body=body)))
                await self._writer.drain()
            return await self._waiting[number]
        finally:
            del self._waiting[number]

    async def _listen(self) -> None:
        while answer := await next_answer(self._reader):
            future = self._waiting.get(answer.number)
            if future is None or future.done():
                continue
            if isinstance(answer.value, Exception):
                future.set_exception(answer.value)
            else:
                future.set_result(answer.value)
        self._writer.close()
        code = await self._process.wait()
        self._reason = self._reason or f"the worker's process ended by itself ({code})"
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(WorkerEndedError(self._reason))

    def kill(self, reason: str) -> None:
        """End it at once; whatever runs in it fails for that reason."""
        self._reason = self._reason or reason
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Let it end, and end it when it doesn't."""
        self._writer.close()
        try:
            async with asyncio.timeout(_MOMENT):
                await asyncio.shield(self.ended)
        except TimeoutError:
            self.kill("the host stops")
            await self.ended


def _python_path() -> str:
    """Let the process find this program wherever it was started, and keep what was there."""
    return os.pathsep.join(path for path in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if path)


class Worker:
    """Runs the app's functions in a process of its own, and starts another when that one ends."""

    def __init__(self, app: Path, *, start_limit: timedelta, is_quiet: bool) -> None:
        self._app = app
        self._start_limit = start_limit
        self._is_quiet = is_quiet
        self._process: _Process | None = None
        self._is_ready = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def load(self) -> Sequence[RpcFunctionMetadata]:
        """Start the process and give the app's functions.

        Raises:
            AppError: the app is refused, or takes too long.
        """
        process, functions = await self._started()
        self._watching = asyncio.create_task(self._keep_running(process))
        return functions

    async def invoke(
        self, function: str, request: InvocationRequest, *, longest: timedelta | None
    ) -> InvocationResponse:
        """Run one function once; what it raises is in the answer. While the process is started anew, this waits.

        Raises:
            TimeoutError: it ran longer than `longest`; the process was ended, and with it everything that ran there.
            WorkerEndedError: the process ended.
        """
        await self._is_ready.wait()
        process = cast("_Process", self._process)
        try:
            async with asyncio.timeout(longest.total_seconds() if longest else None):
                return cast("InvocationResponse", await process.ask(Invocation(function=function, request=request)))
        except TimeoutError:
            if process is self._process:
                self._is_ready.clear()
            process.kill(f"{function} ran longer than functionTimeout, {longest}, which ends the whole worker")
            raise

    async def close(self) -> None:
        """End the process."""
        if self._watching:
            self._watching.cancel()
        if self._process:
            await self._process.close()

    async def _started(self) -> tuple[_Process, Sequence[RpcFunctionMetadata]]:
        limit = self._start_limit.total_seconds()
        process = await _Process.start(is_quiet=self._is_quiet)
        try:
            async with asyncio.timeout(limit):
                functions = await process.ask(self._app)
        except TimeoutError:
            process.kill("it took too long to start")
            raise AppError(
                f"It took longer than {limit:g} s to initialise, so Azure would give up on it and run none of its"
                " functions: import less at module level."
            ) from None
        except WorkerEndedError as ended:
            raise AppError(f"While it was imported, {ended}.") from None
        except BaseException:
            process.kill("the app is refused")
            raise
        self._process = process
        self._is_ready.set()
        return process, cast("Sequence[RpcFunctionMetadata]", functions)

    async def _keep_running(self, process: _Process) -> None:
        while True:
            await asyncio.shield(process.ended)
            self._is_ready.clear()
            _log.error("the worker has ended and is started anew")
            began = time.monotonic()
            process = await self._started_anew()
            _log.warning("the worker is back after %.1f s", time.monotonic() - began)

    async def _started_anew(self) -> _Process:
        wait = _FIRST_PAUSE
        while True:
            try:
                process, _ = await self._started()
            except AppError as refused:
                _log.error("the worker can't be started: %s", refused)
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_PAUSE)
            else:
                return process
