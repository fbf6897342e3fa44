"""A storm: one actor changes 200 Azure role assignments and 40 policies 2,000 times; two hosts bring them all back.

`python -m tests.benchmarks.storm` plays it with the hour's limit raised, `--limit 10` with the limit as it is set at
first: then ten objects are put back, the riskiest first, and the rest waits and is named. The tenant keeps Microsoft's
published limits. Prints one JSON object. It takes many minutes, so it isn't a part of `make bench`.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local.desk import Desk, until
from infra.local.programs import Program, free_port, module
from infra.local.stack import REPOSITORY, Stack
from infra.local.world import (
    ALICE,
    DAVE,
    MALLORY,
    READER,
    RESOURCE_GROUP_SCOPE,
    RESPONDER,
    WORKFORCE_TENANT,
    role_assignment_path,
    role_definition_id,
)
from shared.model.cases import Outcome

_POLICIES: Final = "/v1.0/identity/conditionalAccess/policies"
_VERSION: Final = {"api-version": "2022-04-01"}
_SETTINGS: Final = {
    "LEASE_SECONDS": "120",
    "READ_BACK_SECONDS": "20",
    "SNAPSHOT_SCHEDULE": "0 */10 * * * *",
    "ROSTER_SCHEDULE": "0 */15 * * * *",
}
"""As when deployed: sweeps share the tenant's limits with what is put back."""

_PREPARED_WITHIN: Final = 600.0
"""Seconds for people to accept 240 objects before anything is measured, on a machine that does something else too."""

_EACH: Final = 10.0
"""Seconds between two looks at how far it is."""


@dataclass(slots=True, kw_only=True)
class _Storm:
    """The objects as they were accepted: role assignments by path, policies by id."""

    stack: Stack
    desk: Desk
    assignments: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    policies: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def prepare(self, assignments: int, policies: int) -> None:
        """Have an approved actor make the objects, and people accept them."""
        control = self.stack.control
        control.settings(ca_requests_per_second=0)
        with control.as_principal(ALICE, "arm") as arm:
            for number in range(assignments):
                path = role_assignment_path(f"0a570000-0000-4000-8000-{number:012d}", _resource(number))
                properties = {"roleDefinitionId": role_definition_id(READER), "principalId": DAVE.id}
                body = {"properties": properties | {"principalType": "User"}}
                arm.put(path, params=_VERSION, json=body).raise_for_status()
                self.assignments[path.lower()] = body
        with control.as_principal(ALICE) as graph:
            for number in range(policies):
                made = graph.post(_POLICIES, json=_policy(number)).raise_for_status().json()
                self.policies[made["id"]] = _policy(number)
        for sweep in ("take_snapshots", "sweep_rosters"):
            self._run(sweep)
        until(self._is_known, within=300, what="not every object was read")
        self.desk.accept_all(within=_PREPARED_WITHIN)
        control.storm()

    def _is_known(self) -> bool:
        known = len(self.desk.object_ids())
        return known >= len(self.assignments) + len(self.policies) and self.desk.rosters_read()

    def _run(self, function: str) -> None:
        url = f"{self.stack.host['url']}/admin/functions/{function}"
        httpx.post(url, json={}, headers=self.stack.operator_headers(key="master"), timeout=120).raise_for_status()

    def rage(self, changes: int) -> None:
        """Change the objects, each one again and again, as fast as the limits let one actor.

        Azure Resource Manager's count by actor. Policies are changed once a second: what the attacker sends isn't
        counted with the responder's requests there, whose limit the tenant would otherwise have used up.
        """
        chance = random.Random(20261129)  # noqa: S311 - a storm, no secret
        objects = [*self.assignments, *self.policies]
        picked = [objects[n % len(objects)] if n < len(objects) else chance.choice(objects) for n in range(changes)]
        edits = [(each, chance.choice(_EDITS)) for each in picked if each in self.policies]
        with ThreadPoolExecutor(max_workers=2) as pool:
            both = (
                pool.submit(self._swing, [each for each in picked if each in self.assignments]),
                pool.submit(self._edit, edits),
            )
        for each in both:
            each.result()

    def _swing(self, paths: Sequence[str]) -> None:
        """Take roles away and give them again."""
        standing = dict.fromkeys(self.assignments, True)
        with self.stack.control.as_principal(MALLORY, "arm", unthrottled=False) as arm:
            for path in paths:
                body = None if standing[path] else self.assignments[path]
                while (answer := _swung(arm, path, body)).status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    time.sleep(float(answer.headers.get("Retry-After", "1")))
                # The responder may have been faster: what is to go is gone, or what is to come is there.
                if answer.status_code not in {HTTPStatus.NO_CONTENT, HTTPStatus.CONFLICT}:
                    answer.raise_for_status()
                standing[path] = body is not None

    def _edit(self, edits: Sequence[tuple[str, dict[str, Any]]]) -> None:
        with self.stack.control.as_principal(MALLORY) as graph:
            for policy, edit in edits:
                graph.patch(f"{_POLICIES}/{policy}", json=edit).raise_for_status()
                time.sleep(1)

    def away(self) -> list[str]:
        """Name the objects that aren't as they were accepted."""
        state = self.stack.control.state()[WORKFORCE_TENANT]
        stands = {one["id"].lower() for one in state["roleAssignments"]}
        policies = {one["id"]: one for one in state["caPolicies"].values()}
        gone = [path for path in self.assignments if path not in stands]
        return gone + [each for each, wanted in self.policies.items() if not _is_as(wanted, policies.get(each))]

    def figures(self) -> dict[str, Any]:
        requests = self.stack.control.requests(principal=RESPONDER)
        statuses = Counter(f"{one['method']} {one['status']}" for one in requests)
        cases = self.desk.cases()
        return {
            "cases": len(cases),
            "outcomes": dict(Counter(str(case.outcome) for case in cases)),
            "open": sum(case.is_open for case in cases),
            "pending": sum(case.outcome is Outcome.PENDING for case in cases),
            "requests": dict(sorted(statuses.items())),
        }


_EDITS: Final[tuple[dict[str, Any], ...]] = (
    {"state": "disabled"},
    {"state": "enabledForReportingButNotEnforced"},
    {"displayName": "Nothing to see"},
    {"grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]}},
)


def _swung(arm: httpx.Client, path: str, body: dict[str, Any] | None) -> httpx.Response:
    return arm.delete(path, params=_VERSION) if body is None else arm.put(path, params=_VERSION, json=body)


def _policy(number: int) -> dict[str, Any]:
    return {
        "displayName": f"CA{100 + number}: Storm",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": [DAVE.id]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    }


def _resource(number: int) -> str:
    return f"{RESOURCE_GROUP_SCOPE}/providers/Microsoft.Storage/storageAccounts/storm{number:03d}"


def _is_as(wanted: dict[str, Any], stands: dict[str, Any] | None) -> bool:
    if stands is None:
        return False
    controls = stands["grantControls"]["builtInControls"] == wanted["grantControls"]["builtInControls"]
    return controls and all(stands[name] == wanted[name] for name in ("displayName", "state"))


def _second_host(stack: Stack) -> Program:
    """Start another instance of the app over the same settings."""
    folder = stack.folder
    files = {"settings": "settings.json", "keys": "keys.json", "authentication": "authentication.json"}
    named = [part for name, file in files.items() for part in (f"--{name}", str(folder / file))]
    command = module("infra.local.host", "--app", str(REPOSITORY), "--port", str(free_port()), *named)
    program = Program("second host", command, log=folder / "logs" / "second.log", environment=stack.values())
    program.start()
    return program


def _memory_of(pids: Sequence[int]) -> float:
    """Give the megabytes that processes and what they started hold."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    waiting, pages = list(pids), 0
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * 4096 / 1e6


def measure(*, changes: int, assignments: int, policies: int, limit: int, seconds: float) -> dict[str, Any]:
    """Play the storm; gives what came of it."""
    settings = {**_SETTINGS, "REMEDIATIONS_PER_HOUR": str(limit)}
    with tempfile.TemporaryDirectory(prefix="entra-responder-") as folder, ExitStack() as undo:
        stack = undo.enter_context(Stack(Path(folder), settings=settings))
        desk = Desk(stack.operator_values())
        desk.seed()
        storm = _Storm(stack=stack, desk=desk)
        storm.prepare(assignments, policies)
        second = _second_host(stack)
        undo.callback(second.stop)
        hosts = [stack.host_program.pid, second.pid]
        posts = _posts(stack)
        begun = time.monotonic()
        memory = [_memory_of(hosts)]
        storm.rage(changes)
        raged = time.monotonic() - begun
        _say(f"{changes} changes in {raged:.0f} s")
        left: list[str] = storm.away()
        while left and time.monotonic() - begun < seconds:
            time.sleep(_EACH)
            left = storm.away()
            memory.append(_memory_of(hosts))
            sent = _posts(stack) - posts
            _say(f"{time.monotonic() - begun:5.0f} s: {len(left)} away, {memory[-1]:.0f} MB, {sent} messages")
        took = time.monotonic() - begun
        time.sleep(_EACH)
        return {
            "changes": changes,
            "objects": assignments + policies,
            "away": len(left),
            "seconds": round(took),
            "megabytes_at_first": round(memory[0]),
            "megabytes_at_most": round(max(memory)),
            "megabytes_at_last": round(memory[-1]),
            "messages": _posts(stack) - posts,
            **storm.figures(),
        }


def _posts(stack: Stack) -> int:
    found = httpx.get(f"{stack.inbox['url']}/messages", timeout=30).raise_for_status().json()
    return len(found)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.storm", description=__doc__)
    parser.add_argument("--changes", type=int, default=2000)
    parser.add_argument("--assignments", type=int, default=200)
    parser.add_argument("--policies", type=int, default=40)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1800)
    asked = parser.parse_args()
    sys.stdout.write(json.dumps(measure(**vars(asked))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
