"""From the delivery of an event to the remediating call at the tenant, against a bare client that knows what to do.

A role that an unapproved actor took: from the event's message in its queue until the DELETE arrives, with approvals,
switches and accepted objects in place and every cache warm. The bare client makes the same two calls (read the
assignment, delete it) over a connection that is kept. Both take turns. The tenant shows every write at once, and no
timer of the app is due.
"""

import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local.desk import Desk, until
from infra.local.stack import EVIDENCE_ACCOUNT, HOST_ACCOUNT, Stack
from infra.local.story import assign_role
from infra.local.world import CONTRIBUTOR, MALLORY, RESPONDER
from shared.clients.storage_names import QUEUES, RESOURCE_EVENTS_QUEUE, Table
from shared.model.app_settings import SCHEDULES
from tests.benchmarks.processes import children_of, seconds_of
from tests.fakes.queue_service import QueueService
from tests.stack.faults.proxy import Proxy, Seen
from tests.stack.faults.running_stack import StackBehindProxy

RUNS: Final = 40
_WARM_UPS: Final = 5
_COUNTED_TRIPS: Final = 5
_IDLE: Final = (1.0, 1.5)
"""Seconds between two runs: while nothing comes, the queue is looked at as seldom as host.json lets it, as before most
attacks."""

_WITHIN: Final = 30.0
_API_VERSION: Final = {"api-version": "2022-04-01"}
_NEVER: Final = "0 0 0 29 2 *"
_SETTINGS: Final = {
    "LEASE_SECONDS": "120",
    "READ_BACK_SECONDS": "20",
    "REMEDIATIONS_PER_HOUR": "1000",
    **dict.fromkeys(SCHEDULES, _NEVER),
}
_TENANT: Final = re.compile(r"\w+ /subscriptions/")
_EVIDENCE: Final = re.compile(rf"PUT /{EVIDENCE_ACCOUNT}/evidence/.*/record-")
_RUN: Final = re.compile(r"(\S+) INFO +host: subscription_events .*: ok in (\d+) ms")
_ACTED: Final = re.compile(r"DELETE /subscriptions/")
_DELAY: Final = 0.2
"""Seconds for which each request is held back while rounds are counted, so that what is asked side by side overlaps."""

_STORAGE: Final = re.compile(rf" /({HOST_ACCOUNT}|{EVIDENCE_ACCOUNT})/")
_OF_THE_HOST: Final = re.compile(rf" /{HOST_ACCOUNT}/({'|'.join(QUEUES)})/messages")
"""The host's own: it looks for messages, and keeps the one that is being answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """Milliseconds from the delivery, and from the begin of the function, until the call.

    And the app's own processor time, of the whole run: also of what follows the call.
    """

    ms: float
    in_function_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A stack that is ready to answer, and what delivers the events that it would have got from Event Grid."""

    stack: Stack
    caught: QueueService
    desk: Desk

    def answered(self) -> "_Answered":
        """Have a role taken and its event delivered; gives how long it took until the remediating call arrived."""
        path = self._take_role()
        event = until(lambda: self._event_of(path), within=_WITHIN, what="no event")
        runs, began, cpu = len(self._runs()), datetime.now(UTC), self._app_seconds()
        self.desk.storage.enqueue(json.dumps(event), queue=RESOURCE_EVENTS_QUEUE)
        arrived = until(lambda: self._deleted_at(path), within=_WITHIN, what="no remediating call")
        until(lambda: self._is_closed(path), within=_WITHIN, what="no closed case")
        # What comes while the lane is held waits for the timer, which never runs here.
        until(self.is_free, within=_WITHIN, what="the lane is still held")
        started = until(lambda: self._runs()[runs:], within=_WITHIN, what="no end of the run")[0]
        return _Answered(
            ms=(arrived - began).total_seconds() * 1000,
            in_function_ms=(arrived - started).total_seconds() * 1000,
            cpu_ms=(self._app_seconds() - cpu) * 1000,
        )

    def _runs(self) -> list[datetime]:
        """Give when each run of the function began, as the host's log says."""
        log = (self.stack.folder / "logs" / "host.log").read_text(encoding="utf-8")
        return [datetime.fromisoformat(at) - timedelta(milliseconds=int(took)) for at, took in _RUN.findall(log)]

    def _app_seconds(self) -> float:
        """Give the processor's seconds that the worker has taken, without the host in place of Azure's."""
        return sum(map(seconds_of, children_of(self.stack.host_program.pid)))

    def bare(self, client: httpx.Client) -> float:
        """Have a role taken and take it away; gives the milliseconds until the call arrived."""
        path = self._take_role()
        began = datetime.now(UTC)
        client.get(path, params=_API_VERSION).raise_for_status()
        client.delete(path, params=_API_VERSION).raise_for_status()
        arrived = until(lambda: self._deleted_at(path), within=_WITHIN, what="no call")
        return (arrived - began).total_seconds() * 1000

    def _take_role(self) -> str:
        return assign_role(self.stack.control, MALLORY, CONTRIBUTOR, to=MALLORY)

    def _event_of(self, path: str) -> dict[str, Any] | None:
        return next((each for each in self.caught.events if each["subject"].lower() == path), None)

    def _deleted_at(self, path: str) -> datetime | None:
        for request in reversed(self.stack.control.requests(principal=RESPONDER)):
            if request["method"] == "DELETE" and request["path"].lower() == path:
                return datetime.fromisoformat(request["time"])
        return None

    def is_free(self) -> bool:
        """Whether no lane is held."""
        return not self.desk.storage.rows(Table.LEASES, "PartitionKey ge ''")

    def _is_closed(self, path: str) -> bool:
        return any(case.target.id.lower() == path and not case.is_open for case in self.desk.cases())


def measure() -> dict[str, float]:
    """Give milliseconds, their ratio, the round trips to the tenant, and the rounds of storage before the DELETE."""
    return _times() | _trips()


def _times() -> dict[str, float]:
    with (
        temporary_folder() as folder,
        Stack(folder, settings=_SETTINGS) as stack,
        ready(stack) as bench,
        stack.control.as_principal(RESPONDER, "arm") as client,
    ):
        answered, bare = _in_turns(bench, client)
    whole = [each.ms for each in answered]
    in_function = [each.in_function_ms for each in answered]
    p50, bare_p50 = statistics.median(whole), statistics.median(bare)
    return {
        "p50_ms": round(p50, 1),
        "p99_ms": round(_p99(whole), 1),
        "in_function_p50_ms": round(statistics.median(in_function), 1),
        "in_function_p99_ms": round(_p99(in_function), 1),
        "cpu_ms": round(statistics.mean(each.cpu_ms for each in answered), 1),
        "bare_p50_ms": round(bare_p50, 1),
        "bare_p99_ms": round(_p99(bare), 1),
        "ratio": round(p50 / bare_p50, 1),
    }


def _in_turns(bench: Bench, client: httpx.Client) -> tuple[list[_Answered], list[float]]:
    chance = random.Random(20260317)  # noqa: S311 - spreads the runs over the queue's polls
    answered: list[_Answered] = []
    bare: list[float] = []
    for run in range(-_WARM_UPS, RUNS):
        time.sleep(chance.uniform(*_IDLE) if run >= 0 else 0)
        both = bench.answered(), bench.bare(client)
        if run >= 0:
            answered.append(both[0])
            bare.append(both[1])
        if run >= 0 and run % 10 == 9:
            sys.stderr.write(f"  {run + 1} of {RUNS}: {both[0].ms:.0f} ms, bare {both[1]:.1f} ms\n")
    return answered, bare


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _trips() -> dict[str, float]:
    """Count the round trips behind the proxy, and how many of storage's have to wait for one another."""
    with (
        temporary_folder() as folder,
        Proxy() as proxy,
        StackBehindProxy(folder, proxy, settings=_SETTINGS) as stack,
        ready(stack) as bench,
    ):
        for _ in range(_WARM_UPS):
            bench.answered()
        proxy.delay = _DELAY
        runs: list[dict[str, float]] = []
        for _ in range(_COUNTED_TRIPS):
            time.sleep(_IDLE[0])
            proxy.seen.clear()
            bench.answered()
            runs.append(_counted(sorted(proxy.seen, key=lambda seen: seen.began)))
    return {name: round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}


def _counted(seen: Sequence[Seen]) -> dict[str, float]:
    """Count what went to the tenant until the case was closed, and what to storage until the DELETE was sent."""
    # What came long before is the end of the run before.
    record = next(each for each in seen if _EVIDENCE.match(each.request))
    own = [each for each in seen if each.began > record.began - _DELAY / 2 and not _OF_THE_HOST.search(each.request)]
    acted = next(each for each in own if _ACTED.match(each.request))
    before = [each for each in own if _STORAGE.search(each.request) and each.began < acted.began]
    for each in own:
        sys.stderr.write(f"    {each.began - own[0].began:6.2f} s  {each.request}\n")
    return {
        "tenant_round_trips": len([each for each in own if _TENANT.match(each.request)]),
        "storage_round_trips_before": len(before),
        "storage_rounds_before": _rounds(before),
    }


def _rounds(requests: Sequence[Seen]) -> int:
    """Give the length of the longest chain of requests of which each begins when the one before it has ended."""
    rounds, ended = 0, 0.0
    for each in sorted(requests, key=lambda request: request.ended):
        if each.began >= ended:
            rounds, ended = rounds + 1, each.ended
    return rounds


@contextmanager
def temporary_folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="entra-responder-") as folder:
        yield Path(folder)


@contextmanager
def ready(stack: Stack) -> Generator[Bench]:
    """Seed a stack whose tenant delivers its events to a queue of ours instead of to the host's."""
    with QueueService() as caught:
        stack.control.unsubscribe(stack.control.subscriptions()[0]["id"])
        stack.control.subscribe(caught.signed)
        stack.control.settings(consistency_lag=0, audit_lag=0)
        desk = Desk(stack.operator_values())
        desk.seed()
        for sweep in ("take_snapshots", "sweep_rosters"):
            url = f"{stack.host['url']}/admin/functions/{sweep}"
            httpx.post(url, json={}, headers=stack.operator_headers(key="master")).raise_for_status()
        until(lambda: desk.objects_read() and desk.rosters_read(), within=_WITHIN, what="no sweep")
        desk.accept_all()
        yield Bench(stack=stack, caught=caught, desk=desk)
