"""One run of one function: inputs in, time limit, outputs out, one line in the log."""

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from infra.local.host.errors import app_frames
from infra.local.host.functions import RETURN, Function
from infra.local.host.instances import InstanceSets
from infra.local.host.messages import (
    InvocationRequest,
    InvocationResponse,
    ParameterBinding,
    RetryContext,
    RpcException,
    StatusResult,
    TypedData,
)
from infra.local.host.outputs import OutputError, Outputs
from infra.local.host.worker import Worker, WorkerEndedError

_log = logging.getLogger("host")
_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: `failure` is None or the short reason; `returned` is by output name, `$return` among them."""

    failure: str | None = None
    returned: Mapping[str, TypedData] = field(default_factory=dict[str, TypedData])

    @property
    def is_ok(self) -> bool:
        """Say whether it succeeded."""
        return self.failure is None


class Invocations:
    """Runs functions, and knows how many are running."""

    def __init__(self, *, worker: Worker, outputs: Outputs, timeout: timedelta | None, instances: InstanceSets) -> None:
        self._worker = worker
        self._instances = instances
        self._outputs = outputs
        self._timeout = timeout
        self._running: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> tuple[str, ...]:
        """Name the functions that run now."""
        return tuple(+self._running)

    async def wait_until_idle(self) -> None:
        """Return as soon as no function runs."""
        await self._idle.wait()

    async def run(
        self,
        function: Function,
        data: TypedData,
        *,
        detail: str,
        metadata: Mapping[str, TypedData] | None = None,
        retry: RetryContext | None = None,
    ) -> Outcome:
        """Run the function on its trigger's data; whatever goes wrong is in the outcome. `detail` is for the log."""
        request = InvocationRequest(
            invocation_id=str(uuid.uuid4()),
            input_data=[ParameterBinding(name=function.trigger.name, data=data)],
            trigger_metadata=metadata or {},
            retry_context=retry or RetryContext(),
        )
        self._running[function.name] += 1
        self._idle.clear()
        instances = self._instances.of(function)
        try:
            await instances.come_up()
            started = time.perf_counter()
            with instances.running():
                outcome = await self._outcome(function, request)
        finally:
            self._running[function.name] -= 1
            if not self.running:
                self._idle.set()
        milliseconds = (time.perf_counter() - started) * 1000
        if outcome.failure is None:
            _log.info("%s %s: ok in %.0f ms", function.name, detail, milliseconds)
        else:
            _log.error("%s %s: failed in %.0f ms: %s", function.name, detail, milliseconds, outcome.failure)
        return outcome

    async def _outcome(self, function: Function, request: InvocationRequest) -> Outcome:
        if function.inputs:
            kinds = ", ".join(f"{binding.type} {binding.name}" for binding in function.inputs)
            return Outcome(failure=f"this host doesn't play its input bindings: {kinds}")
        try:
            response = await self._worker.invoke(function.name, request, longest=self._timeout)
        except TimeoutError:
            return Outcome(failure=f"it ran longer than functionTimeout, {self._timeout}")
        except WorkerEndedError as ended:
            return Outcome(failure=f"{ended}")
        if response.result.status != StatusResult.Success:
            return Outcome(failure=short(response.result.exception or RpcException(message="no reason given")))
        returned = _returned(function, response)
        try:
            await self._outputs.write(function, returned)
        except OutputError as error:
            return Outcome(failure=str(error))
        return Outcome(returned=returned)


def short(exception: RpcException) -> str:
    """Put an exception on one line: what it says, and where in the app it was raised."""
    message = " ".join(exception.message.split())
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    frames = app_frames(exception.stack_trace)
    if not frames:
        return message
    file, line = frames[-1]
    return f"{message} ({file.rpartition('/')[2]}:{line})"


def _returned(function: Function, response: InvocationResponse) -> dict[str, TypedData]:
    """Give the outputs that were set. A function may return the value of an output that isn't named `$return`."""
    returned = {output.name: output.data for output in response.output_data if output.data is not None}
    if response.return_value is not None:
        named = function.output(RETURN) or next(iter(function.outputs), None)
        returned[named.name if named else RETURN] = response.return_value
    return returned
