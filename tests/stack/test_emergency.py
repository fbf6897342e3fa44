"""An emergency and a drill on the whole stack: by the command line and in a browser, through host and worker."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest

from infra.local.operators import LocalOperators, local_operators
from infra.local.programs import module
from infra.local.stack import REPOSITORY, Stack
from shared.emergency.signing import sign_request

pytestmark = pytest.mark.stack

_ALL: Final = range(1, 9)


class _There:
    """A stack with operators, and what they do."""

    def __init__(self, stack: Stack, operators: LocalOperators) -> None:
        self.stack = stack
        self.operators = operators
        self.url = f"{stack.host['url']}/api/emergency"

    def run(self, operator: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `responder emergency` as an operator."""
        key = str(self.operators.key_files[operator][0])
        return subprocess.run(
            [*module("responders", "emergency"), *arguments, "--app", self.stack.host["url"], "--key", key],
            env={**os.environ, "RESPONDER_EMERGENCY_KEY": self.operators.emergency_key},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    def read(self, path: str = "", **headers: str) -> httpx.Response:
        url = f"{self.url}{path}"
        now = datetime.now(UTC)
        signed = sign_request(
            self.operators.key("alice"), "GET", url, b"", emergency_key=self.operators.emergency_key, now=now
        )
        return httpx.get(url, headers={**signed, **headers}, timeout=60)

    def newest(self) -> Mapping[str, Any]:
        listed: Mapping[str, Any] = self.read().raise_for_status().json()
        found: Mapping[str, Any] = self.read(f"/{listed['newest'][0]['id']}").raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_There]:
    folder = tmp_path_factory.mktemp("emergency")
    operators = local_operators(folder / "operators")
    with Stack(folder, settings=operators.settings) as stack:
        yield _There(stack, operators)


def test_a_drill_tries_every_step_and_leaves_the_tenant_as_it_was(there: _There) -> None:
    before = there.stack.control.state()
    done = there.run("alice", "drill")
    assert done.returncode == 0, done.stdout + done.stderr
    assert there.stack.control.state() == before
    drill = there.newest()
    assert drill["drill"]
    assert drill["closed_at"]
    assert [one["number"] for one in drill["steps"]] == [*_ALL]
    assert {one["state"] for one in drill["steps"]} <= {"done", "blocked", "skipped"}, drill["steps"]
    (closing,) = [one["act"] for one in drill["entries"] if one["act"]["type"] == "closed"]
    assert len(closing["report"]) >= 4, "its report is kept with the evidence, in two languages and forms"


def test_an_emergency_from_its_declaration_to_its_end(there: _There) -> None:
    declared = there.run("alice", "declare", "Nobody can sign in")
    assert declared.returncode == 0, declared.stdout + declared.stderr
    again = there.run("carol", "declare", "Nobody can sign in")
    assert (again.returncode, "409" in again.stderr) == (2, True), again.stderr
    assert there.run("dave", "acknowledge").returncode == 0
    for step in (2, 3):
        done = there.run("alice", "step", str(step))
        assert done.returncode == 0, done.stdout + done.stderr
    page = there.read(f"/{there.newest()['id']}", Accept="text/html", **{"Accept-Language": "ko"})
    assert page.headers["content-type"].startswith("text/html")
    assert "비상" in page.text
    asked = there.run("alice", "close", "--summary", "It was a wrong policy")
    assert "Another operator" in asked.stdout, asked.stdout + asked.stderr
    digest = there.newest()["agreements"][-1]["digest"]
    assert there.run("alice", "confirm", "close", digest).returncode == 2, "nobody is his own second operator"
    confirmed = there.run("carol", "confirm", "close", digest)
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
    assert there.newest()["closed_at"]


def test_without_key_and_proof_nothing_is_shown(there: _There) -> None:
    for headers in ({}, {"x-functions-key": there.stack.keys["function"]}, there.stack.operator_headers()):
        answer = httpx.post(there.url, json={"reason": "to see"}, headers=headers, timeout=60)
        assert answer.status_code == 401, answer.text
