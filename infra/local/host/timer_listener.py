"""A timer trigger: one run at a time, what was missed meanwhile made up for by one run, as Azure's host does it."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Protocol

from infra.local.host.errors import AppError
from infra.local.host.functions import Function
from infra.local.host.invocations import Outcome
from infra.local.host.messages import RetryContext, TypedData
from infra.local.host.retries import run_with_retries
from infra.local.host.schedules import Schedule, is_frequent, schedule_from
from infra.local.host.stopping import pause
from infra.local.host.storage import ServiceAwayError
from infra.local.host.timer_status import TimerMonitor, TimerStatus, status_at_start

_log = logging.getLogger("host.timers")

# The clock is looked at this often while waiting: a laptop that slept, or whose clock was set, is noticed.
_LONGEST_WAIT = 30.0


class Runs(Protocol):
    """What a timer needs of the invocations."""

    async def run(
        self, function: Function, data: TypedData, *, detail: str, retry: RetryContext | None = None
    ) -> Outcome:
        """Run the function once."""
        ...


def timer_schedule_of(function: Function, now: datetime) -> Schedule:
    """Read the schedule of a timer trigger.

    Raises:
        AppError: it isn't one.
    """
    text = function.trigger.text("schedule")
    try:
        return schedule_from(text, now=now)
    except ValueError as error:
        raise AppError(f"Function {function.name}: its schedule {text!r} can't be read: {error}.") from None


class TimerListener:
    """Plays one timer trigger. Without a monitor the last run isn't kept and none is ever past due."""

    def __init__(
        self,
        *,
        function: Function,
        schedule: Schedule,
        invocations: Runs,
        monitor: TimerMonitor | None,
        stopping: asyncio.Event,
    ) -> None:
        self._function = function
        self._schedule = schedule
        self._invocations = invocations
        self._monitor = monitor
        self._stopping = stopping
        self._runs_at_start = function.trigger.flag("runOnStartup", otherwise=False)
        self._one_at_a_time = asyncio.Lock()

    async def listen(self) -> None:
        """Run the function whenever it is due, until the host stops."""
        try:
            status = await self._start()
        except ServiceAwayError:
            return
        while not self._stopping.is_set():
            wait = (status.next - _now()).total_seconds()
            if wait > 0:
                await pause(self._stopping, min(wait, _LONGEST_WAIT))
                continue
            status = await self._tick(status, why="due")

    async def run_once(self) -> Outcome:
        """Run the function now, after the run under way if there is one; the schedule isn't changed."""
        async with self._one_at_a_time:
            return await self._invoke(None, is_past_due=False, why="by hand")

    async def _start(self) -> TimerStatus:
        """Run at once what was missed, or what wants to run at start."""
        now = _now()
        stored = await self._monitor.read(self._function.name, self._stopping) if self._monitor else None
        status = status_at_start(stored, self._schedule, now)
        if self._monitor and status != stored:
            await self._monitor.write(self._function.name, status)
        if self._stopping.is_set():
            return status
        if self._monitor and now > status.next:
            return await self._tick(status, why="past due")
        if self._runs_at_start:
            return await self._tick(status, why="at start")
        return status

    async def _tick(self, status: TimerStatus, *, why: str) -> TimerStatus:
        """Run once and work out the next run from when this one began: if that is over by then, it is due at once."""
        began = _now()
        async with self._one_at_a_time:
            await self._invoke(status if self._monitor else None, is_past_due=why == "past due", why=why)
        if why == "due":
            # A clock set back a moment must not make the same instant due twice.
            began = max(began, status.next)
        status = TimerStatus.reckoned_from(self._schedule, last=began, now=began)
        if self._monitor:
            await self._monitor.write(self._function.name, status)
        return status

    async def _invoke(self, status: TimerStatus | None, *, is_past_due: bool, why: str) -> Outcome:
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.to_json() if status else None,
            "IsPastDue": is_past_due,
        }
        data = TypedData(json=json.dumps(info))
        detail = f"timer {why}"

        def run(retry: RetryContext | None) -> Awaitable[Outcome]:
            said = f"{detail} retry={retry.retry_count}" if retry else detail
            return self._invocations.run(self._function, data, detail=said, retry=retry)

        return await run_with_retries(self._function.retry, run, self._stopping)


def is_monitored(function: Function, schedule: Schedule, now: datetime) -> bool:
    """Say whether the timer's last run is to be kept: unless told not to, or it is due more than once a minute."""
    return function.trigger.flag("useMonitor", otherwise=True) and not is_frequent(schedule, now=now)


def _now() -> datetime:
    return datetime.now(UTC)
