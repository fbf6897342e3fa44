import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.host.errors import AppError
from infra.local.host.functions import Binding, Function
from infra.local.host.invocations import Outcome
from infra.local.host.messages import RetryContext, RpcRetryOptions, TypedData
from infra.local.host.retries import delay_before
from infra.local.host.schedules import Interval, Schedule, schedule_from
from infra.local.host.timer_listener import TimerListener, is_monitored, timer_schedule_of
from infra.local.host.timer_status import NEVER, TimerStatus

HOURLY = schedule_from("0 0 * * * *", now=datetime.now(UTC))
OFTEN = Interval(every=timedelta(milliseconds=60))
LESS_OFTEN = Interval(every=timedelta(milliseconds=300))


def timer(*, retry: RpcRetryOptions | None = None, **settings: object) -> Function:
    trigger = Binding(
        function="sweep", name="timer", type="timerTrigger", is_output=False, settings={"schedule": "-"} | settings
    )
    return Function(name="sweep", trigger=trigger, inputs=(), outputs=(), retry=retry)


@dataclass(slots=True, kw_only=True)
class FakeRuns:
    """Notes when each run began and ended and what it was given; each lasts as long as `lasts` says."""

    lasts: Callable[[int], timedelta] = lambda _count: timedelta(0)
    fails: Callable[[int], bool] = lambda _count: False
    began: list[datetime] = field(default_factory=list[datetime])
    ended: list[datetime] = field(default_factory=list[datetime])
    given: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    retries: list[int] = field(default_factory=list[int])
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(
        self, function: Function, data: TypedData, *, detail: str, retry: RetryContext | None = None
    ) -> Outcome:
        assert function.name == "sweep"
        assert detail.startswith("timer ")
        count = len(self.began)
        self.began.append(datetime.now(UTC))
        self.given.append(json.loads(data.value))
        self.retries.append(retry.retry_count if retry else 0)
        await asyncio.sleep(self.lasts(count).total_seconds())
        self.ended.append(datetime.now(UTC))
        self.news.set()
        return Outcome(failure="no luck" if self.fails(count) else None)

    async def until_ended(self, count: int) -> None:
        while len(self.ended) < count:
            self.news.clear()
            await self.news.wait()


@dataclass(slots=True, kw_only=True)
class FakeMonitor:
    kept: TimerStatus | None = None

    async def read(self, function: str, stopping: asyncio.Event) -> TimerStatus | None:
        assert function == "sweep"
        assert not stopping.is_set()
        return self.kept

    async def write(self, function: str, status: TimerStatus) -> None:
        assert function == "sweep"
        self.kept = status


def play(
    runs: FakeRuns,
    *,
    count: int,
    schedule: Schedule = OFTEN,
    function: Function | None = None,
    monitor: FakeMonitor | None = None,
) -> None:
    """Listen until so many runs have ended."""

    async def listen() -> None:
        stopping = asyncio.Event()
        listener = TimerListener(
            function=function or timer(), schedule=schedule, invocations=runs, monitor=monitor, stopping=stopping
        )
        listening = asyncio.create_task(listener.listen())
        async with asyncio.timeout(30):
            await runs.until_ended(count)
            stopping.set()
            await listening

    asyncio.run(listen())


def test_runs_never_overlap_and_ticks_missed_meanwhile_become_one() -> None:
    runs = FakeRuns(lasts=lambda count: timedelta(milliseconds=800 if count == 0 else 0))
    play(runs, count=3, schedule=LESS_OFTEN)
    first, second, third = runs.began[:3]
    assert all(later >= ended for later, ended in zip(runs.began[1:], runs.ended, strict=False))
    assert second - first >= timedelta(milliseconds=800)
    assert second - runs.ended[0] < LESS_OFTEN.every, "what was missed is made up for at once"
    assert third - second >= LESS_OFTEN.every * 0.9, "but only once"


def test_a_scheduled_run_is_not_past_due_and_an_unmonitored_one_has_no_status() -> None:
    runs = FakeRuns()
    play(runs, count=1)
    assert runs.given[0] == {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}


def test_a_missed_run_is_made_up_for_once_and_at_once() -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    monitor = FakeMonitor(
        kept=TimerStatus(last=hour - timedelta(hours=5), next=hour - timedelta(hours=4), updated=hour)
    )
    runs = FakeRuns()
    began = datetime.now(UTC)
    play(runs, count=1, schedule=HOURLY, monitor=monitor)
    assert runs.given[0]["IsPastDue"] is True
    assert datetime.fromisoformat(runs.given[0]["ScheduleStatus"]["Next"]) == hour - timedelta(hours=4)
    assert monitor.kept
    assert monitor.kept.last >= began
    assert monitor.kept.next == HOURLY.next_after(monitor.kept.last)
    assert len(runs.began) == 1


def test_a_new_monitored_timer_is_noted_before_it_ever_runs() -> None:
    monitor, runs = FakeMonitor(), FakeRuns()

    async def listen() -> None:
        stopping = asyncio.Event()
        listener = TimerListener(
            function=timer(), schedule=HOURLY, invocations=runs, monitor=monitor, stopping=stopping
        )
        listening = asyncio.create_task(listener.listen())
        await listener.run_once()
        stopping.set()
        await listening

    asyncio.run(listen())
    assert monitor.kept
    assert monitor.kept.last == NEVER, "a run by hand changes nothing of the schedule"
    assert len(runs.began) == 1


def test_run_on_startup_runs_at_once() -> None:
    runs = FakeRuns()
    play(runs, count=1, schedule=HOURLY, function=timer(runOnStartup=True))
    assert runs.given[0]["IsPastDue"] is False


def test_a_failed_run_is_tried_again_as_its_policy_says() -> None:
    policy = RpcRetryOptions(max_retry_count=2, retry_strategy="fixed_delay", delay_interval=timedelta(0))
    runs = FakeRuns(fails=lambda count: count < 5)
    play(runs, count=4, function=timer(retry=policy))
    assert runs.retries[:4] == [0, 1, 2, 0]


def test_delays_are_fixed_or_double_between_their_bounds() -> None:
    fixed = RpcRetryOptions(max_retry_count=3, retry_strategy="fixed_delay", delay_interval=timedelta(seconds=4))
    assert [delay_before(fixed, count).total_seconds() for count in range(3)] == [4, 4, 4]
    growing = RpcRetryOptions(
        max_retry_count=-1,
        retry_strategy="exponential_backoff",
        minimum_interval=timedelta(seconds=2),
        maximum_interval=timedelta(seconds=7),
    )
    assert [delay_before(growing, count).total_seconds() for count in (0, 1, 2, 99)] == [2, 4, 7, 7]


def test_frequent_timers_and_those_told_not_to_are_not_monitored() -> None:
    now = datetime.now(UTC)
    assert is_monitored(timer(), HOURLY, now)
    assert not is_monitored(timer(), OFTEN, now)
    assert not is_monitored(timer(useMonitor=False), HOURLY, now)


def test_a_schedule_that_cannot_be_read_is_refused_with_the_functions_name() -> None:
    with pytest.raises(AppError, match=r"Function sweep: its schedule 'at noon' can't be read: .*2 fields"):
        timer_schedule_of(timer(schedule="at noon"), datetime.now(UTC))
