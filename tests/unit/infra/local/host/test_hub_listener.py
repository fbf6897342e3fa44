"""When the stand-in for Event Hubs writes a checkpoint: as the real extension does, when the retries are over."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from infra.local.host.errors import AppError
from infra.local.host.functions import Binding, Function
from infra.local.host.host_json import HubSettings
from infra.local.host.hub_listener import HubListener
from infra.local.host.hubs import HubEvent, HubPlace, Position, hub_of
from infra.local.host.invocations import Invocations, Outcome
from infra.local.host.messages import RpcRetryOptions, TypedData
from tests.fakes.clock import NOW

_FOR_EVER = RpcRetryOptions(max_retry_count=-1, retry_strategy="fixed_delay", delay_interval=timedelta())


def _function(retry: RpcRetryOptions | None, *, cardinality: str = "MANY") -> Function:
    settings = {"eventHubName": "hub", "connection": "STREAM", "cardinality": cardinality}
    trigger = Binding(function="take_in", name="batch", type="eventHubTrigger", is_output=False, settings=settings)
    return Function(name="take_in", trigger=trigger, inputs=(), outputs=(), retry=retry)


@dataclass(slots=True, kw_only=True)
class Scene:
    """A hub with events in partition 0, the checkpoints, and what the function was given."""

    bodies: Sequence[bytes] = (b"a", b"b", b"c")
    kept: Position | None = None
    written: list[int] = field(default_factory=list[int])
    given: list[object] = field(default_factory=list[object])
    fails: Callable[[int], bool] = lambda _run: False
    runs: int = 0
    stop_after: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, partition: int, position: Position, most: int | None = None) -> Sequence[HubEvent]:
        if partition:
            return []
        chosen = self.bodies[position.sequence :][:most]
        if not chosen and not self.stop_after:
            self.stopping.set()
        return [
            HubEvent(body=body, sequence=number, offset=number * 10, end=number * 10 + 10, enqueued=NOW)
            for number, body in enumerate(chosen, position.sequence)
        ]

    async def end(self, partition: int) -> Position:
        return Position(offset=len(self.bodies) * 10, sequence=len(self.bodies)) if not partition else Position()

    async def run(self, _function: Function, data: TypedData, **_rest: object) -> Outcome:
        self.runs += 1
        self.given.append(data.value.bytes if data.kind == "collection_bytes" else data.value)
        if self.runs == self.stop_after:
            self.stopping.set()
        return Outcome(failure="no luck" if self.fails(self.runs) else None)

    def play(self, function: Function, settings: HubSettings | None = None) -> None:
        scene = self

        class Checkpoints:
            async def read(self, partition: int) -> Position | None:
                return scene.kept if not partition else None

            async def write(self, partition: int, position: Position) -> None:
                assert not partition
                scene.written.append(position.sequence)

        async def listen() -> None:
            listener = HubListener(
                function=function,
                hub=scene,
                checkpoints=Checkpoints(),
                settings=settings or HubSettings(max_event_batch_size=2),
                invocations=cast("Invocations", scene),
                stopping=scene.stopping,
            )
            async with asyncio.timeout(10):
                await listener.listen()

        asyncio.run(listen())


def test_each_batch_has_its_checkpoint() -> None:
    scene = Scene()
    scene.play(_function(_FOR_EVER))
    assert (scene.given, scene.written) == ([[b"a", b"b"], [b"c"]], [2, 3])


def test_without_a_retry_policy_the_checkpoint_moves_past_what_failed() -> None:
    scene = Scene(fails=lambda _run: True)
    scene.play(_function(None))
    assert (scene.runs, scene.written) == (2, [2, 3])


def test_while_there_are_retries_left_it_stays() -> None:
    scene = Scene(fails=lambda run: run < 4)
    scene.play(_function(_FOR_EVER))
    assert scene.given == [[b"a", b"b"]] * 4 + [[b"c"]]
    assert scene.written == [2, 3]


@pytest.mark.parametrize("fails", [True, False])
def test_a_host_that_stops_meanwhile_leaves_it_where_it_was(*, fails: bool) -> None:
    scene = Scene(fails=lambda _run: fails, stop_after=1)
    scene.play(_function(_FOR_EVER))
    assert (scene.runs, scene.written) == (1, [])


@pytest.mark.parametrize(("starts_at_end", "given"), [(False, [[b"a", b"b", b"c"]]), (True, [])])
def test_a_group_without_a_checkpoint_begins_where_host_json_says(*, starts_at_end: bool, given: list[object]) -> None:
    scene = Scene()
    scene.play(_function(_FOR_EVER), HubSettings(starts_at_end=starts_at_end))
    assert scene.given == given


def test_what_has_a_checkpoint_is_not_given_again() -> None:
    scene = Scene(kept=Position(offset=20, sequence=2))
    scene.play(_function(_FOR_EVER))
    assert scene.given == [[b"c"]]


def test_a_function_of_single_events_gets_one_at_a_time() -> None:
    scene = Scene()
    scene.play(_function(None, cardinality="ONE"))
    assert scene.given == [b"a", b"b", b"c"]


def test_a_hub_is_named_by_the_trigger_and_its_connection() -> None:
    trigger = _function(None).trigger
    place = hub_of(trigger, {"STREAM__fullyQualifiedNamespace": "evhns.servicebus.windows.net"}.get)
    assert place == HubPlace(namespace="evhns.servicebus.windows.net", hub="hub", group="$Default")
    with pytest.raises(AppError, match="STREAM__fullyQualifiedNamespace is missing"):
        hub_of(trigger, lambda _name: None)
