"""A burst: so many Azure roles are taken at once, each at a resource of its own; the tenant keeps no limits.

`python -m tests.benchmarks.burst --changes 2000` plays it and prints one JSON object; `make bench` plays a smaller one.
The hour's limit is raised. What is counted: answers a second, what waits in the queues, and whether each change was put
back once, and none left.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final
from uuid import UUID

from infra.local.desk import Desk, until
from infra.local.stack import Stack
from infra.local.world import (
    MALLORY,
    READER,
    RESOURCE_GROUP_SCOPE,
    RESPONDER,
    TRUDY,
    WORKFORCE_TENANT,
    role_assignment_path,
    role_definition_id,
)
from shared.clients.storage_names import CASES_QUEUE, RESOURCE_EVENTS_QUEUE
from shared.model.cases import Case, Outcome
from tests.benchmarks.processes import children_of, seconds_of
from tests.benchmarks.remedy import Bench, ready, temporary_folder
from tests.fakes.queue_service import QueueService

_CHANGES: Final = 200
_SETTINGS: Final = {
    "LEASE_SECONDS": "120",
    "READ_BACK_SECONDS": "20",
    "REMEDIATIONS_PER_HOUR": "1000",
    "SNAPSHOT_SCHEDULE": "0 0 0 29 2 *",
    "ROSTER_SCHEDULE": "0 0 0 29 2 *",
}
"""The timers that go on with what was left run as when deployed; nothing else changes the objects meanwhile."""

_VERSION: Final = {"api-version": "2022-04-01"}
_SENDERS: Final = 4
_EACH: Final = 1.0
_WITHIN: Final = 900.0


def measure(changes: int = _CHANGES) -> dict[str, float]:
    """Play it. Gives seconds, answers a second, what waited, what was lost or done twice, and the processor's time."""
    with temporary_folder() as folder, Stack(folder, settings=_SETTINGS) as stack, ready(stack) as bench:
        bench.answered()
        paths = _take_roles(stack, changes)
        events = until(lambda: _events(bench.caught, paths), within=_WITHIN, what="not every change was delivered")
        cpu, began = _app_seconds(stack), time.monotonic()
        with ThreadPoolExecutor(_SENDERS) as pool:
            list(pool.map(partial(_deliver, bench.desk), events))
        peak = _wait(bench, paths)
        took = time.monotonic() - began
        until(bench.is_free, within=_WITHIN, what="a lane is held")
        cases = [case for case in bench.desk.cases() if case.target.id.lower() in paths]
        return {
            "changes": changes,
            "seconds": round(took, 1),
            "answers_per_s": round(changes / took, 1),
            "app_cpu_ms_per_change": round((_app_seconds(stack) - cpu) * 1000 / changes, 1),
            **peak,
            "lost": changes - len({case.target.id for case in cases if _is_put_back(case)}),
            "double": _deletions(stack, paths) - changes,
            "cases_too_many": len(cases) - changes,
        }


def _take_roles(stack: Stack, changes: int) -> frozenset[str]:
    """Have roles taken by two actors in turn: an hour has as many places as that for two."""
    body = {"roleDefinitionId": role_definition_id(READER), "principalId": MALLORY.id, "principalType": "User"}
    paths = [role_assignment_path(str(UUID(int=number + 1)), _resource(number)) for number in range(changes)]
    for first, actor in enumerate((MALLORY, TRUDY)):
        with stack.control.as_principal(actor, "arm") as arm:
            for path in paths[first::2]:
                arm.put(path, params=_VERSION, json={"properties": body}).raise_for_status()
    return frozenset(path.lower() for path in paths)


def _resource(number: int) -> str:
    return f"{RESOURCE_GROUP_SCOPE}/providers/Microsoft.Storage/storageAccounts/burst{number:05d}"


def _events(caught: QueueService, paths: frozenset[str]) -> list[Any] | None:
    found = {event["subject"].lower(): event for event in caught.events if event["subject"].lower() in paths}
    return list(found.values()) if len(found) == len(paths) else None


def _deliver(desk: Desk, event: Any) -> None:  # noqa: ANN401 - JSON
    desk.storage.enqueue(json.dumps(event), queue=RESOURCE_EVENTS_QUEUE)


def _wait(bench: Bench, paths: frozenset[str]) -> dict[str, float]:
    """Wait until no role is left and no message either; gives how many messages waited at most."""
    events = own = 0
    end = time.monotonic() + _WITHIN
    while time.monotonic() < end:
        waiting = bench.desk.storage.queue_length(RESOURCE_EVENTS_QUEUE)
        events, own = max(events, waiting), max(own, bench.desk.storage.queue_length(CASES_QUEUE))
        left = len(paths & _standing(bench.stack))
        sys.stderr.write(f"  {left} of {len(paths)} left, {waiting} events wait\n")
        if not left and not waiting:
            break
        time.sleep(_EACH)
    return {"events_waiting_at_most": events, "own_messages_waiting_at_most": own}


def _standing(stack: Stack) -> frozenset[str]:
    return frozenset(one["id"].lower() for one in stack.control.state()[WORKFORCE_TENANT]["roleAssignments"])


def _is_put_back(case: Case) -> bool:
    return not case.is_open and case.outcome is Outcome.DONE


def _deletions(stack: Stack, paths: frozenset[str]) -> int:
    requests = stack.control.requests(principal=RESPONDER)
    return sum(one["method"] == "DELETE" and one["path"].lower() in paths for one in requests)


def _app_seconds(stack: Stack) -> float:
    return sum(map(seconds_of, children_of(stack.host_program.pid)))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.burst", description=__doc__)
    parser.add_argument("--changes", type=int, default=_CHANGES)
    sys.stdout.write(json.dumps(measure(parser.parse_args().changes)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
