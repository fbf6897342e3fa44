"""When each timer last ran and is due next, kept in blobs as Azure's host does: a restart sees what was missed."""

import asyncio
import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, cast

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobServiceClient

from infra.local.host.schedules import Schedule
from infra.local.host.storage import Outage, ServiceAwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTAINER = "azure-webjobs-hosts"
_HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"
_LONGEST_HOST_ID = 32
_NOT_FOUND = 404
NEVER = datetime.min.replace(tzinfo=UTC)
"""What .NET writes for no instant at all: 1 January of the year 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerStatus:
    """`last` is NEVER until the first run; `updated` is the instant `next` was reckoned from."""

    last: datetime
    next: datetime
    updated: datetime

    @classmethod
    def reckoned_from(cls, schedule: Schedule, *, last: datetime, now: datetime) -> Self:
        """Work out what is due next after `now`."""
        return cls(last=last, next=schedule.next_after(now), updated=now)

    def to_json(self) -> dict[str, str]:
        """Give the form Azure's host stores and shows to functions."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.updated.isoformat(),
        }

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read the stored form.

        Raises:
            ValueError: it is something else.
        """
        content: object = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("a timer's status must be a JSON object")  # noqa: TRY004 - one error for every wrong text
        given = cast("Mapping[str, object]", content)
        last, following, updated = (_instant_from(given.get(name)) for name in ("Last", "Next", "LastUpdated"))
        return cls(last=last, next=following, updated=updated)


def status_at_start(stored: TimerStatus | None, schedule: Schedule, now: datetime) -> TimerStatus:
    """Say what is due, given what the last host stored: in the past when a run was missed.

    A schedule that was changed meanwhile has missed nothing.
    """
    if stored is None:
        return TimerStatus.reckoned_from(schedule, last=NEVER, now=now)
    since = stored.last if stored.last > NEVER else stored.updated
    expected = schedule.next_after(since if since > NEVER else now)
    if stored.next == expected:
        return stored
    if expected < now:
        since, expected = now, schedule.next_after(now)
    return TimerStatus(last=NEVER, next=expected, updated=since)


def host_id(app: Path) -> str:
    """Name this app's corner of the storage account; the setting AzureFunctionsWebHost__hostid overrides it."""
    named = os.environ.get(_HOST_ID_SETTING)
    if named:
        return named.lower()
    digest = hashlib.sha256(str(app).encode()).hexdigest()[:8]
    word = re.sub(r"[^a-z0-9]", "", app.name.lower())[: _LONGEST_HOST_ID - len(digest) - 1]
    return f"{word or 'app'}-{digest}"


class TimerMonitor(Protocol):
    """Keeps the status of timers."""

    async def read(self, function: str, stopping: asyncio.Event) -> TimerStatus | None:
        """Give what was kept, None when nothing was."""
        ...

    async def write(self, function: str, status: TimerStatus) -> None:
        """Keep it if possible."""
        ...


class BlobTimerMonitor:
    """Keeps the status of timers in `azure-webjobs-hosts/timers/<host id>/Host.Functions.<function>/status`."""

    def __init__(self, service: BlobServiceClient, *, host: str) -> None:
        self._service = service
        self._host = host
        self._outage = Outage("timers' last runs in AzureWebJobsStorage")

    async def read(self, function: str, stopping: asyncio.Event) -> TimerStatus | None:
        """Give what was kept; waits for storage, for a timer that might have missed a run mustn't start blind.

        Raises:
            ServiceAwayError: the host is stopping.
        """

        async def download() -> bytes:
            stream = await self._blob(function).download_blob()
            return await stream.readall()

        try:
            stored = await self._outage.until_done(download, stopping, expected=(_NOT_FOUND,))
        except HttpResponseError:
            return None
        try:
            return TimerStatus.from_json(stored)
        except ValueError:
            return None

    async def write(self, function: str, status: TimerStatus) -> None:
        """Keep it; if storage is away it isn't kept, and the next start runs once too often rather than never."""
        text = json.dumps(status.to_json()).encode()

        async def upload() -> None:
            try:
                await self._blob(function).upload_blob(text, overwrite=True)
            except ResourceNotFoundError:
                await self._create_container()
                await self._blob(function).upload_blob(text, overwrite=True)

        try:
            await self._outage.attempt(upload)
        except ServiceAwayError:
            return

    def _blob(self, function: str) -> BlobClient:
        return self._service.get_blob_client(_CONTAINER, f"timers/{self._host}/Host.Functions.{function}/status")

    async def _create_container(self) -> None:
        with suppress(ResourceExistsError):
            await self._service.get_container_client(_CONTAINER).create_container()


def _instant_from(value: object) -> datetime:
    """Read an instant; without an offset it is UTC, and anything in the year 1 is NEVER."""
    if not isinstance(value, str):
        raise ValueError("an instant must be a text")  # noqa: TRY004 - one error for every wrong text
    instant = datetime.fromisoformat(value)
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
    return NEVER if instant.year == NEVER.year else instant.astimezone(UTC)
