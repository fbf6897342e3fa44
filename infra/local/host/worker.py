"""Microsoft's worker library, on an event loop and thread of its own, as in Azure it has a process of its own.

So a coroutine of the app that blocks its loop stops neither the host's timers nor its web server. One app per process:
the library keeps the app in module variables.
"""

import asyncio
import importlib
import sys
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol, cast

from infra.local.host import messages
from infra.local.host.errors import AppError
from infra.local.host.stack_traces import app_frames

SCRIPT = "function_app.py"
_STREAMING = "HttpUri"
_MOMENT = 1.0


class _Library(Protocol):
    """What is used of `azure_functions_runtime`; each request is answered with the message of the same name."""

    async def worker_init_request(self, request: SimpleNamespace) -> messages.WorkerInitResponse: ...
    async def functions_metadata_request(self, request: SimpleNamespace) -> messages.FunctionMetadataResponse: ...
    async def function_load_request(self, request: SimpleNamespace) -> messages.FunctionLoadResponse: ...
    async def invocation_request(self, request: SimpleNamespace) -> messages.InvocationResponse: ...
    def start_threadpool_executor(self) -> None: ...
    def stop_threadpool_executor(self) -> None: ...


class TriedToExitError(Exception):
    """The app called sys.exit()."""


class Worker:
    """Loads one function app and runs its functions."""

    def __init__(self) -> None:
        self._library = cast("_Library", importlib.import_module("azure_functions_runtime"))
        self._loop = asyncio.new_event_loop()
        # A daemon: an app that hangs must not keep the process from ending.
        threading.Thread(target=self._loop.run_forever, name="functions-worker", daemon=True).start()

    async def load(self, app: Path) -> Sequence[messages.RpcFunctionMetadata]:
        """Import the app and give its functions.

        Raises:
            AppError: there is no script, it can't be imported, or the worker refuses a function.
        """
        if not (app / SCRIPT).is_file():
            raise AppError(f"There is no {SCRIPT} in {app}.")
        sys.path.insert(0, str(app))
        self._library.start_threadpool_executor()
        body = SimpleNamespace(capabilities={}, function_app_directory=str(app))
        try:
            started = await self._ask(self._library.worker_init_request(_request("worker_init_request", body)))
        except TriedToExitError as tried:
            raise AppError(f"While it was imported, the app {tried}.") from None
        _insist(started.result)
        if _STREAMING in started.capabilities:
            raise AppError(
                "The app streams HTTP (azurefunctions-extensions-http-fastapi); this host doesn't play that."
            )
        return await self._functions()

    async def _functions(self) -> Sequence[messages.RpcFunctionMetadata]:
        indexed = await self._ask(
            self._library.functions_metadata_request(_request("functions_metadata_request", SimpleNamespace()))
        )
        _insist(indexed.result)
        found = indexed.function_metadata_results
        if not found:
            raise AppError(f"{SCRIPT} declares no function: decorate one, or register the blueprint that does.")
        for function in found:
            body = SimpleNamespace(function_id=function.function_id, metadata=function)
            loaded = await self._ask(self._library.function_load_request(_request("function_load_request", body)))
            _insist(loaded.result)
        return found

    async def invoke(self, invocation: messages.InvocationRequest) -> messages.InvocationResponse:
        """Run one function once; what it raises is in the answer.

        Cancelling this cancels a coroutine function. The thread of a synchronous one can't be stopped and runs on.
        """
        try:
            return await self._ask(self._library.invocation_request(_request("invocation_request", invocation)))
        except TriedToExitError as tried:
            raised = messages.RpcException(message=f"SystemExit: the function {tried}")
            failure = messages.StatusResult(status=messages.StatusResult.Failure, exception=raised)
            return messages.InvocationResponse(invocation_id=invocation.invocation_id, result=failure)

    def close(self) -> None:
        """Let go of the threads; one whose function never ends is left behind after a moment."""
        closing = threading.Thread(target=self._library.stop_threadpool_executor, daemon=True)
        closing.start()
        closing.join(_MOMENT)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _ask[Answer](self, question: Coroutine[object, object, Answer]) -> Answer:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_kept_from_exiting(question), self._loop))


async def _kept_from_exiting[Answer](question: Coroutine[object, object, Answer]) -> Answer:
    """Stop the app's SystemExit before it reaches the loop, which it would end."""
    try:
        return await question
    except SystemExit as left:
        raise TriedToExitError(f"tried to end the process ({left.code})") from None


def _request(kind: str, body: object) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**{kind: body}), properties={"host": "127.0.0.1", "protos": messages}
    )


def _insist(result: messages.StatusResult) -> None:
    """Raise the worker's refusal and where in the app it arose.

    Its message for a missing module trails the whole sys.path, which says nothing.
    """
    if result.status == messages.StatusResult.Success:
        return
    raised = result.exception or messages.RpcException(message="the worker gave no reason")
    message, _, _ = raised.message.partition(" Current sys.path:")
    raise AppError("\n".join((message, *(f"  at {file}:{line}" for file, line in app_frames(raised.stack_trace)))))
