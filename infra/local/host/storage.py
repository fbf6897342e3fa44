"""Azure Storage from the host's side: queues and blobs by connection, and services that go away for a while."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from infra.local.host.connections import Connection, Service, Setting, authority, connection_from, managed_identity
from infra.local.host.errors import AppError
from infra.local.host.stopping import pause

_log = logging.getLogger("host.storage")

# The host retries by itself, so that one outage is one line; a service that doesn't answer counts as away soon.
CLIENT_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 20}
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0
_FOR_EVER = -1


class ServiceAwayError(Exception):
    """The service didn't do what was asked; why is in the log."""


class Outage:
    """One service, and whether it is away: says once that it went and once that it is back."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._is_away = False
        self._back_since = 0.0

    async def attempt[Answer](
        self, operation: Callable[[], Awaitable[Answer]], *, expected: Collection[int] = ()
    ) -> Answer:
        """Do it once. Statuses in `expected` are raised as they are: they are answers, not failures.

        Raises:
            ServiceAwayError: it failed.
        """
        started = time.monotonic()
        try:
            answer = await operation()
        except AzureError as error:
            # The identity endpoint has statuses of its own, which answer nothing about the service.
            if (
                isinstance(error, HttpResponseError)
                and not isinstance(error, ClientAuthenticationError)
                and error.status_code in expected
            ):
                self._is_back()
                raise
            self._failed(error, started)
            raise ServiceAwayError(self._service) from error
        self._is_back()
        return answer

    async def until_done[Answer](
        self, operation: Callable[[], Awaitable[Answer]], stopping: asyncio.Event, *, expected: Collection[int] = ()
    ) -> Answer:
        """Do it, again and again until it works; when the host is stopping, once.

        Raises:
            ServiceAwayError: the host is stopping and it failed.
        """
        wait = _FIRST_PAUSE
        while True:
            try:
                return await self.attempt(operation, expected=expected)
            except ServiceAwayError:
                if stopping.is_set():
                    raise
            await pause(stopping, wait)
            wait = min(wait * 2, _LONGEST_PAUSE)

    def _failed(self, error: AzureError, started: float) -> None:
        # What was asked before the service came back says nothing about it now.
        if not self._is_away and started >= self._back_since:
            self._is_away = True
            _log.warning("%s: away, trying on: %s", self._service, str(error.message).partition("\n")[0])

    def _is_back(self) -> None:
        if self._is_away:
            self._is_away = False
            self._back_since = time.monotonic()
            _log.warning("%s: back", self._service)


class StorageQueues:
    """The queues of one storage account, named by the app setting that says how to reach it."""

    def __init__(self, service: QueueServiceClient, *, setting: str) -> None:
        self._service = service
        self._pokes: dict[str, list[asyncio.Event]] = {}
        self.outage = Outage(f"queues of {setting}")

    def client(self, queue: str) -> QueueClient:
        """Give a client of one queue; texts go in and come out as they stand in storage."""
        return self._service.get_queue_client(queue)

    def poke_at(self, queue: str) -> asyncio.Event:
        """Give an event that is set when this host adds a message to the queue, so that its poller needn't wait."""
        poke = asyncio.Event()
        self._pokes.setdefault(queue, []).append(poke)
        return poke

    async def create(self, queue: str) -> None:
        """Make the queue unless it is there."""
        with suppress(ResourceExistsError):
            await self.client(queue).create_queue()

    async def add(self, queue: str, text: str) -> None:
        """Add a message that never expires, as Azure's host does; a missing queue is made."""
        try:
            await self.client(queue).send_message(text, time_to_live=_FOR_EVER)
        except ResourceNotFoundError:
            await self.create(queue)
            await self.client(queue).send_message(text, time_to_live=_FOR_EVER)
        for poke in self._pokes.get(queue, ()):
            poke.set()

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()


class Accounts:
    """The storage accounts the app's bindings name, each opened once."""

    def __init__(self, resolve: Setting) -> None:
        self._resolve = resolve
        self._queues: dict[str, StorageQueues] = {}
        self._blobs: dict[str, BlobServiceClient] = {}
        self._identities: dict[str, Any] = {}

    def queues(self, setting: str) -> StorageQueues:
        """Give the queues of the account a setting names.

        Raises:
            AppError: the settings don't say how to reach it.
        """
        if setting not in self._queues:
            self._queues[setting] = StorageQueues(self._client(QueueServiceClient, "queue", setting), setting=setting)
        return self._queues[setting]

    def blobs(self, setting: str) -> BlobServiceClient:
        """Give the blobs of the account a setting names.

        Raises:
            AppError: the settings don't say how to reach it.
        """
        if setting not in self._blobs:
            self._blobs[setting] = self._client(BlobServiceClient, "blob", setting)
        return self._blobs[setting]

    def _client[Client: (QueueServiceClient, BlobServiceClient)](
        self, kind: type[Client], service: Service, setting: str
    ) -> Client:
        connection = connection_from(setting, self._resolve)
        options: dict[str, Any] = {**CLIENT_OPTIONS, "connection_verify": authority()}
        if not connection.connection_string:
            return kind(connection.address(service), credential=self._identity(connection), **options)
        try:
            return kind.from_connection_string(connection.connection_string, **options)
        except ValueError as error:
            raise AppError(f"App setting {setting} isn't a storage connection string: {error}") from None

    def _identity(self, connection: Connection) -> Any:  # noqa: ANN401 - the SDK's credential, imported lazily
        if connection.client_id not in self._identities:
            self._identities[connection.client_id] = managed_identity(connection.client_id)
        return self._identities[connection.client_id]

    async def close(self) -> None:
        """Close what was opened."""
        for opened in (*self._queues.values(), *self._blobs.values(), *self._identities.values()):
            await opened.close()
