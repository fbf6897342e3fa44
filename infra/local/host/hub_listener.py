"""An Event Hub trigger: a batch of each partition at a time, and a checkpoint behind each batch whose run has ended.

As Microsoft.Azure.WebJobs.Extensions.EventHubs does it: the checkpoint is written however the run ended, once its retry
policy is done with it, and isn't while the host stops. What was read and not checkpointed is given again.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from infra.local.host.functions import Function
from infra.local.host.host_json import HubSettings
from infra.local.host.hubs import PARTITIONS, Feed, HubEvent, Position
from infra.local.host.invocations import Invocations, Outcome
from infra.local.host.messages import CollectionBytes, RetryContext, TypedData
from infra.local.host.retries import run_with_retries
from infra.local.host.stopping import pause
from infra.local.host.storage import Outage, ServiceAwayError

_log = logging.getLogger("host.hubs")
_LOOK_EVERY: Final = 0.2
_ONE: Final = "one"


class Kept(Protocol):
    """What keeps checkpoints."""

    async def read(self, partition: int) -> Position | None:
        """Give how far a partition was read; None when it never was."""
        ...

    async def write(self, partition: int, position: Position) -> None:
        """Keep how far a partition was read."""
        ...


class HubListener:
    """Plays one Event Hub trigger, every partition for itself."""

    def __init__(
        self,
        *,
        function: Function,
        hub: Feed,
        checkpoints: Kept,
        settings: HubSettings,
        invocations: Invocations,
        stopping: asyncio.Event,
    ) -> None:
        self._function = function
        self._hub = hub
        self._checkpoints = checkpoints
        self._settings = settings
        self._invocations = invocations
        self._stopping = stopping
        self._is_single = str(function.trigger.settings.get("cardinality") or _ONE).lower() == _ONE
        self._outage = Outage("event hubs in AzureWebJobsStorage")

    async def listen(self) -> None:
        """Give batches to the function until the host stops."""
        await asyncio.gather(*(self._play(partition) for partition in range(PARTITIONS)))

    async def _play(self, partition: int) -> None:
        try:
            position = await self._lasting(lambda: self._start(partition))
            batches = 0
            most = 1 if self._is_single else self._settings.max_event_batch_size
            while not self._stopping.is_set():
                at = position
                events = await self._lasting(lambda at=at: self._hub.read(partition, at, most))
                if not events:
                    await pause(self._stopping, _LOOK_EVERY)
                    continue
                await self._run(partition, events)
                if self._stopping.is_set():
                    # The run may have been cut short: whoever comes next gets the batch again.
                    return
                position = Position(offset=events[-1].end, sequence=events[-1].sequence + 1)
                batches += 1
                if batches % self._settings.batch_checkpoint_frequency == 0:
                    at = position
                    await self._lasting(lambda at=at: self._checkpoints.write(partition, at))
        except ServiceAwayError:
            return

    async def _start(self, partition: int) -> Position:
        kept = await self._checkpoints.read(partition)
        if kept is not None:
            return kept
        return await self._hub.end(partition) if self._settings.starts_at_end else Position()

    async def _lasting[Answer](self, operation: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do it until it works; storage that is away is waited for.

        Raises:
            ServiceAwayError: the host is stopping.
        """
        return await self._outage.until_done(operation, self._stopping)

    async def _run(self, partition: int, events: Sequence[HubEvent]) -> None:
        data, metadata = self._one(events[0]) if self._is_single else self._many(events)
        metadata["PartitionContext"] = TypedData(json=json.dumps({"PartitionId": str(partition)}))
        detail = f"partition={partition} from={events[0].sequence} events={len(events)}"

        def run(retry: RetryContext | None) -> Awaitable[Outcome]:
            said = f"{detail} retry={retry.retry_count}" if retry else detail
            return self._invocations.run(self._function, data, detail=said, metadata=metadata, retry=retry)

        outcome = await run_with_retries(self._function.retry, run, self._stopping)
        if not outcome.is_ok and not self._stopping.is_set():
            _log.warning("%s %s: given up, the checkpoint moves on", self._function.name, detail)

    @staticmethod
    def _one(event: HubEvent) -> tuple[TypedData, dict[str, TypedData]]:
        said = _properties_of(event)
        metadata = {name: TypedData(json=json.dumps(value)) for name, value in said.items()}
        return TypedData(bytes=event.body), metadata | {"SystemProperties": TypedData(json=json.dumps(said))}

    @staticmethod
    def _many(events: Sequence[HubEvent]) -> tuple[TypedData, dict[str, TypedData]]:
        said = [_properties_of(event) for event in events]
        data = TypedData(collection_bytes=CollectionBytes(bytes=[event.body for event in events]))
        return data, {"SystemPropertiesArray": TypedData(json=json.dumps(said))}


def _properties_of(event: HubEvent) -> dict[str, object]:
    return {
        "SequenceNumber": event.sequence,
        "Offset": str(event.offset),
        "EnqueuedTimeUtc": event.enqueued.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "PartitionKey": None,
    }
