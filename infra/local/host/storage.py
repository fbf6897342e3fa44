"""Azure Storage from the host's side: queues by connection, and services that go away for a while."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

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
            if isinstance(error, HttpResponseError) and error.status_code in expected:
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
    """The queues of one storage account, named by the app setting that holds its connection string."""

    def __init__(self, *, setting: str, connection_string: str) -> None:
        self._service = QueueServiceClient.from_connection_string(connection_string, **CLIENT_OPTIONS)
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

    def __init__(self, resolve: Callable[[str], str | None]) -> None:
        self._resolve = resolve
        self._opened: dict[str, StorageQueues] = {}

    def connection_string(self, setting: str) -> str:
        """Give the connection string a binding names.

        Raises:
            AppError: there is no such setting; identity-based settings (`NAME__queueServiceUri`) aren't played.
        """
        value = self._resolve(setting)
        if not value:
            raise AppError(
                f"App setting {setting} is missing: this host needs it to hold a storage connection string,"
                " such as UseDevelopmentStorage=true."
            )
        return value

    def queues(self, setting: str) -> StorageQueues:
        """Give the queues of the account a setting names."""
        if setting not in self._opened:
            connection_string = self.connection_string(setting)
            try:
                self._opened[setting] = StorageQueues(setting=setting, connection_string=connection_string)
            except ValueError as error:
                raise AppError(f"App setting {setting} isn't a storage connection string: {error}") from None
        return self._opened[setting]

    async def close(self) -> None:
        """Close what was opened."""
        for queues in self._opened.values():
            await queues.close()
