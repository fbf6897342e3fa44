"""`python -m infra.local.host.worker_process`: the process of a worker, with Microsoft's worker library over one app.

The host starts it and talks to it over a socket; it ends with the host. What the app does to its process (a coroutine
that blocks, a thread that never ends, memory) it does to this one alone, as in Azure.
"""

import argparse
import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Final, Protocol, cast

from infra.local.host import messages
from infra.local.host.console import WORKER_LOGGER, log_to_stderr
from infra.local.host.errors import AppError, app_frames
from infra.local.host.wire import Answer, Request, frame, next_request

SCRIPT: Final = "function_app.py"
_STREAMING: Final = "HttpUri"


class _Library(Protocol):
    """What is used of `azure_functions_runtime`; each request is answered with the message of the same name."""

    async def worker_init_request(self, request: SimpleNamespace) -> messages.WorkerInitResponse: ...
    async def functions_metadata_request(self, request: SimpleNamespace) -> messages.FunctionMetadataResponse: ...
    async def function_load_request(self, request: SimpleNamespace) -> messages.FunctionLoadResponse: ...
    async def invocation_request(self, request: SimpleNamespace) -> messages.InvocationResponse: ...
    def start_threadpool_executor(self) -> None: ...


class _TriedToExitError(Exception):
    """The app called sys.exit()."""


class LoadedApp:
    """Loads one function app and runs its functions. One per process: the library keeps it in module variables."""

    def __init__(self) -> None:
        self._library = cast("_Library", importlib.import_module("azure_functions_runtime"))
        self._ids: dict[str, str] = {}

    async def load(self, app: Path) -> Sequence[messages.RpcFunctionMetadata]:
        """Import the app and give its functions. What fails is told once, by the error, not by the library's log too.

        Raises:
            AppError: there is no script, it can't be imported, or the library refuses a function.
        """
        if not (app / SCRIPT).is_file():
            raise AppError(f"There is no {SCRIPT} in {app}.")
        os.chdir(app)
        sys.path.insert(0, str(app))
        logger = logging.getLogger(WORKER_LOGGER)
        level = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        try:
            found = await self._functions(app)
        finally:
            logger.setLevel(level)
        self._ids = {function.name: function.function_id for function in found}
        return found

    async def _functions(self, app: Path) -> Sequence[messages.RpcFunctionMetadata]:
        # As many threads as PYTHON_THREADPOOL_THREAD_COUNT says, else by the number of cores.
        self._library.start_threadpool_executor()
        body = SimpleNamespace(capabilities={}, function_app_directory=str(app))
        try:
            started = await _kept_from_exiting(self._library.worker_init_request(_request("worker_init_request", body)))
        except _TriedToExitError as tried:
            raise AppError(f"While it was imported, the app {tried}.") from None
        _insist(started.result)
        if _STREAMING in started.capabilities:
            raise AppError(
                "The app streams HTTP (azurefunctions-extensions-http-fastapi); this host doesn't play that."
            )
        indexed = await self._library.functions_metadata_request(
            _request("functions_metadata_request", SimpleNamespace())
        )
        _insist(indexed.result)
        found = indexed.function_metadata_results
        if not found:
            raise AppError(f"{SCRIPT} declares no function: decorate one, or register the blueprint that does.")
        for function in found:
            body = SimpleNamespace(function_id=function.function_id, metadata=function)
            loaded = await self._library.function_load_request(_request("function_load_request", body))
            _insist(loaded.result)
        return found

    async def invoke(self, invocation: messages.Invocation) -> messages.InvocationResponse:
        """Run one function once; what it raises is in the answer."""
        request = replace(invocation.request, function_id=self._ids[invocation.function])
        try:
            return await _kept_from_exiting(self._library.invocation_request(_request("invocation_request", request)))
        except _TriedToExitError as tried:
            raised = messages.RpcException(message=f"SystemExit: the function {tried}")
            failure = messages.StatusResult(status=messages.StatusResult.Failure, exception=raised)
            return messages.InvocationResponse(invocation_id=request.invocation_id, result=failure)


async def _kept_from_exiting[Result](question: Coroutine[object, object, Result]) -> Result:
    """Stop the app's SystemExit before it reaches the loop, which it would end."""
    try:
        return await question
    except SystemExit as left:
        raise _TriedToExitError(f"tried to end the process ({left.code})") from None


def _request(kind: str, body: object) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**{kind: body}), properties={"host": "127.0.0.1", "protos": messages}
    )


def _insist(result: messages.StatusResult) -> None:
    """Raise the library's refusal and where in the app it arose.

    Its message for a missing module trails the whole sys.path, which says nothing.
    """
    if result.status == messages.StatusResult.Success:
        return
    raised = result.exception or messages.RpcException(message="the worker gave no reason")
    message, _, _ = raised.message.partition(" Current sys.path:")
    raise AppError("\n".join((message, *(f"  at {file}:{line}" for file, line in app_frames(raised.stack_trace)))))


class _Conversation:
    """Answers the host's requests, any number at the same time."""

    def __init__(self, host: socket.socket) -> None:
        self._host = host
        self._app = LoadedApp()
        self._loop = asyncio.get_running_loop()
        self._answering: set[asyncio.Task[None]] = set()
        self._sending = threading.Lock()

    def listen(self) -> None:
        """Take requests until the host is gone, and end the process then, whatever still runs in it.

        For a thread of its own: the app may hold the loop.
        """
        with self._host.makefile("rb") as stream:
            while request := next_request(stream):
                self._loop.call_soon_threadsafe(self._begin, request)
        logging.shutdown()
        sys.stderr.flush()
        os._exit(0)

    def _begin(self, request: Request) -> None:
        task = self._loop.create_task(self._answer(request))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, request: Request) -> None:
        try:
            value = await self._value(request)
        except AppError as refused:
            value = refused
        # In a thread: a large answer may have to wait until the host takes it.
        await asyncio.to_thread(self._send, Answer(number=request.number, value=value))

    async def _value(self, request: Request) -> object:
        match request.body:
            case Path() as app:
                return await self._app.load(app)
            case messages.Invocation() as invocation:
                return await self._app.invoke(invocation)

    def _send(self, answer: Answer) -> None:
        with self._sending:
            self._host.sendall(frame(answer))


async def _converse(host: socket.socket) -> None:
    threading.Thread(target=_Conversation(host).listen, name="requests", daemon=True).start()
    await asyncio.get_running_loop().create_future()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.local.host.worker_process", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the socket to the host")
    parser.add_argument("--quiet", action="store_true", help="say nothing but warnings and failures")
    given = parser.parse_args()
    # Ctrl-C reaches every process of the terminal; when to end is for the host to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Everything from INFO on, as Azure's worker passes it on: what is too much is for the app to hush.
    log_to_stderr(quiet=given.quiet, hushed=())
    asyncio.run(_converse(socket.socket(fileno=given.socket)))


if __name__ == "__main__":
    _main()
