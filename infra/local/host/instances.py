"""Instances: on Flex Consumption each function has its own, all HTTP functions share theirs, and both scale to zero.

What sleeps doesn't listen. A scale controller looks into its queue or waits for its timer, and then an instance has to
start before anything runs. Without `Scaling` every function always listens.
"""

import asyncio
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from infra.local.host.functions import Function

HTTP: Final = "http"
_HTTP_TRIGGER: Final = "httpTrigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How instances come and go. `always_ready` names those that never go as the plan does: `http`, `function:NAME`."""

    idle: timedelta
    """After how long without a run the last instance goes."""
    cold_start: timedelta
    """How long it takes until a function runs once there is something for it to do."""
    always_ready: frozenset[str] = frozenset()


class InstanceSet:
    """The instances that some functions share. Without `scaling` they are always there."""

    def __init__(self, name: str, scaling: Scaling | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._scaling = None if scaling and name in scaling.always_ready else scaling
        self._clock = clock
        self._running = 0
        self._up_until = float("-inf")
        self._starting: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether an instance is there now."""
        return self._scaling is None or bool(self._running) or self._clock() < self._up_until

    async def come_up(self) -> None:
        """Return once an instance is there; who comes while one starts waits for the same."""
        if self.is_up or self._scaling is None:
            return
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(self._scaling))
        await asyncio.shield(self._starting)

    async def _start(self, scaling: Scaling) -> None:
        await asyncio.sleep(scaling.cold_start.total_seconds())
        self._stay_up()
        self._starting = None

    @contextmanager
    def running(self) -> Generator[None]:
        """Keep the instances there while a function runs, and as long after that as they stay idle."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._stay_up()

    def _stay_up(self) -> None:
        if self._scaling:
            self._up_until = self._clock() + self._scaling.idle.total_seconds()


class InstanceSets:
    """The sets of an app, each made when it is first asked for."""

    def __init__(self, scaling: Scaling | None) -> None:
        self._scaling = scaling
        self._sets: dict[str, InstanceSet] = {}

    def of(self, function: Function) -> InstanceSet:
        """Give the set that a function runs in."""
        name = HTTP if function.trigger.type == _HTTP_TRIGGER else f"function:{function.name}"
        if name not in self._sets:
            self._sets[name] = InstanceSet(name, self._scaling)
        return self._sets[name]

    def unknown(self, functions: Iterable[Function]) -> list[str]:
        """Give the names that are always ready and belong to no function: Azure wouldn't say so."""
        known = {HTTP, *(f"function:{function.name}" for function in functions)}
        return sorted(self._scaling.always_ready - known) if self._scaling else []
