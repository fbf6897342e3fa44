"""The hub's stand-in through Microsoft's own worker: batches as bytes, retries, and what a killed host left."""

from pathlib import Path
from typing import Any

import pytest

from infra.local.host.hubs import HubSender
from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.running import Azurite, RunningHost, until, write_app
from tests.integration.infra.local.host.sample_apps import STREAMING

pytestmark = pytest.mark.stack

_HUB = "Directory_Logs"


def _batches(host: RunningHost) -> list[list[Any]]:
    return host.seen("batches")


def test_a_batch_is_given_until_it_is_taken_in_and_again_after_a_kill(
    tmp_path: Path, azurite: Azurite, launch: Launch
) -> None:
    app = write_app(tmp_path / "streaming", STREAMING, {"extensions": {"eventHubs": {"maxEventBatchSize": 3}}})
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "STREAM__fullyQualifiedNamespace": "evhns.servicebus.windows.net",
        "HUB": _HUB,
    }
    hub = HubSender(azurite.connection_string, _HUB)
    for body in (b"one", b"bad", b"\xfe\x00", b"four", b"wait", b"six"):
        hub.send(body)

    host = launch(app, settings, environment={"PATIENCE": "600"}).wait_until_ready()
    host.until_logged("WARNING sample: waiting")
    first = ["one", "bad", "\xfe\x00"]
    second = ["four", "wait", "six"]
    assert _batches(host) == [
        *([first, [0, 1, 2], tries] for tries in range(3)),
        [second, [3, 4, 5], 0],
    ]
    host.process.kill()
    hub.send(b"seven")
    hub.send(b"elsewhere", partition=1)

    host = launch(app, settings, environment={"PATIENCE": ""}).wait_until_ready()
    until(lambda: len(_batches(host)) == 3, why="what was not checkpointed, and what came since")
    assert sorted(_batches(host)) == [[["elsewhere"], [0], 0], [second, [3, 4, 5], 0], [["seven"], [6], 0]]
    host.interrupt()
    host.wait_for_end()

    host = launch(app, settings, environment={"PATIENCE": ""}).wait_until_ready()
    hub.send(b"eight")
    until(lambda: _batches(host), why="nothing of before, and what is new")
    assert _batches(host) == [[["eight"], [7], 0]]
    hub.close()
