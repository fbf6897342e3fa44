"""Instances that come when they are needed and go when they aren't, and those that are always ready."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.host.functions import Binding, Function
from infra.local.host.instances import InstanceSet, InstanceSets, Scaling
from tests.integration.infra.local.host.conftest import Launch
from tests.integration.infra.local.host.running import Azurite, until, write_app
from tests.integration.infra.local.host.sample_apps import SEEN
from tests.integration.infra.local.host.storage import put, queues_in

_SCALING = Scaling(
    idle=timedelta(seconds=30), cold_start=timedelta(0), always_ready=frozenset({"http", "function:warm"})
)


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _function(name: str, trigger: str) -> Function:
    binding = Binding(function=name, name="it", type=trigger, is_output=False, settings={})
    return Function(name=name, trigger=binding, inputs=(), outputs=(), retry=None)


def test_an_instance_goes_when_nothing_ran_for_half_a_minute() -> None:
    clock = _Clock()

    async def scene() -> None:
        instances = InstanceSet("function:work", _SCALING, clock=clock)
        assert not instances.is_up
        await instances.come_up()
        assert instances.is_up
        with instances.running():
            clock.now += 3600
            assert instances.is_up, "it doesn't go while something runs"
        clock.now += 29.9
        assert instances.is_up
        clock.now += 0.2
        assert not instances.is_up

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("function", "name", "is_up"),
    [
        (_function("warm", "queueTrigger"), "function:warm", True),
        (_function("cold", "queueTrigger"), "function:cold", False),
        (_function("page", "httpTrigger"), "http", True),
    ],
)
def test_what_is_always_ready_is_there_from_the_start(function: Function, name: str, *, is_up: bool) -> None:
    instances = InstanceSets(_SCALING).of(function)
    assert (instances.name, instances.is_up) == (name, is_up)
    assert InstanceSets(None).of(function).is_up, "without scaling everything is"


def test_functions_have_instances_of_their_own_and_pages_share_theirs() -> None:
    sets = InstanceSets(_SCALING)
    one, other = _function("one", "httpTrigger"), _function("other", "httpTrigger")
    assert sets.of(one) is sets.of(other)
    assert sets.of(_function("a", "queueTrigger")) is not sets.of(_function("b", "queueTrigger"))
    assert sets.unknown([one]) == ["function:warm"]


APP = (
    SEEN
    + """
    @app.queue_trigger(arg_name="text", queue_name="scaled-warm", connection="AzureWebJobsStorage")
    def warm(text: str) -> None:
        seen["warm"].append(time.time())

    @app.queue_trigger(arg_name="text", queue_name="scaled-cold", connection="AzureWebJobsStorage")
    def cold(text: str) -> None:
        seen["cold"].append(time.time())
"""
)
_QUICK = {"extensions": {"queues": {"maxPollingInterval": "00:00:00.1"}}}
_COLD_START = 3.0


@pytest.mark.stack
def test_what_is_always_ready_runs_at_once_and_the_rest_waits_for_an_instance(
    tmp_path: Path, azurite: Azurite, launch: Launch
) -> None:
    options = ("--cold-start", str(_COLD_START), "--idle", "6", "--always-ready", "http", "function:warm", "function:x")
    app = write_app(tmp_path / "app", APP, _QUICK)
    host = launch(app, {"AzureWebJobsStorage": azurite.connection_string}, *options).wait_until_ready()
    assert "WARNING host: function:x is to be always ready, but there is no such function" in host.log
    until(lambda: {"scaled-warm", "scaled-cold"} <= set(queues_in(azurite)))

    def waited(name: str) -> float:
        """Give the seconds from putting a message into the function's queue to its run."""
        before, began = len(host.seen(name)), time.time()
        put(azurite, f"scaled-{name}", "a message")
        runs = until(lambda: seen if len(seen := host.seen(name)) > before else None, why=f"{name} in\n{host.log}")
        return float(runs[-1]) - began

    assert waited("warm") < _COLD_START
    assert waited("cold") >= _COLD_START, "no instance was there"
    assert waited("cold") < _COLD_START, "one was there still"
    time.sleep(6.5)
    assert waited("cold") >= _COLD_START, "it had gone"
    assert waited("warm") < _COLD_START
    assert host.log.count("an instance of function:cold starts") == 2
    assert "an instance of function:warm" not in host.log
