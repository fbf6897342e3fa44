"""Runs real inboxes, as the local stack does: one for all tests of a module, or one of a test's own."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest

_REPOSITORY = Path(__file__).resolve().parents[5]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningInbox:
    """A started inbox: what its first line said, its process, and a client for its addresses."""

    url: str
    teams: str
    pagerduty: str
    routing_key: str
    webhook_secret: str
    process: subprocess.Popen[bytes]
    client: httpx.Client

    def post_card(self, body: object) -> httpx.Response:
        return self.client.post(self.teams, json=body)

    def post_event(self, body: object) -> httpx.Response:
        return self.client.post(self.pagerduty, json=body)

    def set(self, **settings: str) -> httpx.Response:
        return self.client.post("/control/settings", json=settings)


class _Ready(msgspec.Struct, forbid_unknown_fields=True):
    """The one line on stdout."""

    ready: bool
    url: str
    teams: str
    pagerduty: str
    routing_key: str
    webhook_secret: str


@contextmanager
def running_inbox(*options: str) -> Generator[RunningInbox]:
    """Start an inbox and stop it again; NODE_PATH names node modules outside the repository, as it does for node."""
    elsewhere = os.environ.get("NODE_PATH")
    modules = ["--node-modules", elsewhere] if elsewhere else []
    command = [sys.executable, "-m", "infra.local.inbox", *modules, *options]
    with subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the inbox didn't start; its stderr says why"
            said = msgspec.json.decode(line, type=_Ready)
            with httpx.Client(base_url=said.url, trust_env=False) as client:
                yield RunningInbox(
                    url=said.url,
                    teams=said.teams,
                    pagerduty=said.pagerduty,
                    routing_key=said.routing_key,
                    webhook_secret=said.webhook_secret,
                    process=process,
                    client=client,
                )
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def module_inbox() -> Iterator[RunningInbox]:
    with running_inbox() as inbox:
        yield inbox


@pytest.fixture
def inbox(module_inbox: RunningInbox) -> RunningInbox:
    """The module's inbox, emptied, with both services on."""
    assert module_inbox.client.delete("/messages").status_code == 204
    assert module_inbox.set(teams="on", pagerduty="on").status_code == 200
    return module_inbox


@pytest.fixture
def own_inbox() -> Iterator[RunningInbox]:
    """An inbox that the test may stop."""
    with running_inbox() as inbox:
        yield inbox


type Listing = Callable[[str], list[dict[str, object]]]


@pytest.fixture
def listing(inbox: RunningInbox) -> Listing:
    """Reads /messages or /alerts."""

    def read(path: str) -> list[dict[str, object]]:
        return msgspec.json.decode(inbox.client.get(path).content, type=list[dict[str, object]])

    return read
