"""An Event Hub without AMQP: its partitions are append blobs in the host's own storage, which any process can fill.

What a function and its host can tell apart is as with the real service: events stay in their partition's order, each
has a sequence number and an offset, nothing is taken out by reading, and a consumer group goes on at its checkpoint.
Not played: retention, throughput units, ownership of partitions by several hosts, and who may connect.
"""

import base64
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient as SendingClient
from azure.storage.blob.aio import BlobServiceClient

from infra.local.host.errors import AppError
from infra.local.host.functions import Binding

PARTITIONS: Final = 2
_DEFAULT_GROUP: Final = "$Default"
_CHECKPOINTS: Final = "azure-webjobs-eventhub"
_MOST_READ: Final = 1 << 20
_PAST_THE_END: Final = 416


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPlace:
    """Which hub a trigger names, and as whom it is read: `namespace` is its host name."""

    namespace: str
    hub: str
    group: str


def hub_of(trigger: Binding, resolve: Callable[[str], str | None]) -> HubPlace:
    """Read what a trigger and its connection's settings name.

    Raises:
        AppError: nothing says how the hub is reached, as Azure's host would find.
    """
    setting = trigger.text("connection")
    namespace = resolve(f"{setting}__fullyQualifiedNamespace") or ""
    if not namespace and not resolve(setting):
        raise AppError(
            f"App setting {setting}__fullyQualifiedNamespace is missing: it names the namespace of the hub that"
            f" {trigger.function} reads, which is reached by identity; or set {setting} to a connection string."
        )
    group = trigger.settings.get("consumerGroup")
    return HubPlace(
        namespace=namespace or setting,
        hub=trigger.text("eventHubName"),
        group=str(group or _DEFAULT_GROUP),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HubEvent:
    """One event. `offset` is where it begins in its partition, `end` where the next one does."""

    body: bytes
    sequence: int
    offset: int
    end: int
    enqueued: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a partition was read: the offset to go on at, and the sequence number of the event there."""

    offset: int = 0
    sequence: int = 0


class Feed(Protocol):
    """A hub as its listener sees it."""

    async def read(self, partition: int, position: Position, most: int) -> Sequence[HubEvent]:
        """Give up to `most` events from a position on, none where there are none yet."""
        ...

    async def end(self, partition: int) -> Position:
        """Give the position behind the last event."""
        ...


def container_of(hub: str) -> str:
    """Name the container that holds a hub's events."""
    return f"event-hub-{hub.lower().replace('_', '-').replace('.', '-')}"


class LocalHub:
    """Reads a hub's partitions."""

    def __init__(self, service: BlobServiceClient, hub: str) -> None:
        self._service = service
        self._container = container_of(hub)

    async def read(self, partition: int, position: Position, most: int) -> Sequence[HubEvent]:
        """Give up to `most` events from a position on, none where there are none yet."""
        text = await self._text(partition, position.offset)
        events: list[HubEvent] = []
        offset, sequence = position.offset, position.sequence
        for line in text.split(b"\n")[:-1][:most]:
            enqueued, _, body = line.partition(b" ")
            end = offset + len(line) + 1
            events.append(
                HubEvent(
                    body=base64.b64decode(body),
                    sequence=sequence,
                    offset=offset,
                    end=end,
                    enqueued=datetime.fromtimestamp(float(enqueued), UTC),
                )
            )
            offset, sequence = end, sequence + 1
        return events

    async def end(self, partition: int) -> Position:
        """Give the position behind the last event."""
        position = Position()
        while events := await self.read(partition, position, 1000):
            position = Position(offset=events[-1].end, sequence=events[-1].sequence + 1)
        return position

    async def _text(self, partition: int, offset: int) -> bytes:
        """Give what is there from an offset on; at least one whole line where there is one."""
        blob = self._service.get_blob_client(self._container, str(partition))
        length = _MOST_READ
        while True:
            try:
                stream = await blob.download_blob(offset=offset, length=length)
            except ResourceNotFoundError:
                return b""
            except HttpResponseError as error:
                if error.status_code == _PAST_THE_END:
                    return b""
                raise
            text = await stream.readall()
            if b"\n" in text or len(text) < length:
                return text
            length *= 4


class HubSender:
    """Puts events into a hub, from any process: what stands in for diagnostic settings."""

    def __init__(self, connection: str, hub: str, *, authority: str | None = None) -> None:
        """Send to a hub in the storage of this connection string; `authority` vouches for its certificate."""
        options: dict[str, Any] = {"connection_verify": authority} if authority else {}
        self._service = SendingClient.from_connection_string(connection, **options)
        self._container = container_of(hub)

    def send(self, body: bytes, *, partition: int = 0) -> None:
        """Append an event to a partition; the hub is made when it isn't there."""
        line = f"{datetime.now(UTC).timestamp()} ".encode() + base64.b64encode(body) + b"\n"
        blob = self._service.get_blob_client(self._container, str(partition))
        try:
            blob.append_block(line)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                self._service.create_container(self._container)
            with suppress(ResourceExistsError):
                blob.create_append_blob(if_none_match="*")
            blob.append_block(line)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()


class Checkpoints:
    """How far each partition was read, in the blobs in which the real host keeps it: metadata of empty blobs."""

    def __init__(self, service: BlobServiceClient, place: HubPlace) -> None:
        self._service = service
        self._prefix = f"{place.namespace}/{place.hub}/{place.group}".lower() + "/checkpoint/"

    async def read(self, partition: int) -> Position | None:
        """Give how far a partition was read; None when it never was."""
        blob = self._service.get_blob_client(_CHECKPOINTS, f"{self._prefix}{partition}")
        try:
            kept = (await blob.get_blob_properties()).metadata
        except ResourceNotFoundError:
            return None
        return Position(offset=int(kept["offset"]), sequence=int(kept["sequencenumber"]))

    async def write(self, partition: int, position: Position) -> None:
        """Keep how far a partition was read."""
        blob = self._service.get_blob_client(_CHECKPOINTS, f"{self._prefix}{partition}")
        metadata = {"offset": str(position.offset), "sequencenumber": str(position.sequence)}
        try:
            await blob.upload_blob(b"", overwrite=True, metadata=metadata)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                await self._service.create_container(_CHECKPOINTS)
            await blob.upload_blob(b"", overwrite=True, metadata=metadata)
