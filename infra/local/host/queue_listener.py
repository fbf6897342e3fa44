"""A queue trigger: polls, hides messages while their function runs, retries, and moves the hopeless aside.

Numbers and order of steps are those of Microsoft.Azure.WebJobs.Extensions.Storage.Queues; but a missing queue is made.
"""

import asyncio
import base64
import json
import logging
import math
import random
from dataclasses import dataclass
from datetime import timedelta

from azure.core.exceptions import HttpResponseError
from azure.storage.queue import QueueMessage

from infra.local.host.functions import Function
from infra.local.host.host_json import MessageEncoding, QueueSettings
from infra.local.host.instances import InstanceSet
from infra.local.host.invocations import Invocations, Outcome
from infra.local.host.messages import TypedData
from infra.local.host.outputs import queue_name_of
from infra.local.host.stopping import pause
from infra.local.host.storage import ServiceAwayError, StorageQueues

_log = logging.getLogger("host.queues")

_LOOK_EVERY = 1.0
_SHORTEST_POLL = 0.1
_JITTER = 0.2
_NOT_FOUND = 404
# The message is gone, or its receipt is no longer ours: someone else has taken it over.
_NO_LONGER_OURS = (400, 404)


class Backoff:
    """How long to wait before the next poll: 0.1 s after a message, then growing by random doubling to the longest."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest.total_seconds()
        self._current = 0.0
        self._exponent = 0

    def next_delay(self, *, found: bool) -> float:
        """Give the seconds to wait after an empty poll; `found`: there was a message since the last wait."""
        if found:
            self._current, self._exponent = _SHORTEST_POLL, 1
        elif self._current != self._longest:
            # A spread of polls, not a secret.
            spread = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
            growth = spread * 2 ** (self._exponent - 1) * _SHORTEST_POLL if self._exponent else 0.0
            self._current = min(_SHORTEST_POLL + growth, self._longest)
            self._exponent += 1
        return self._current


@dataclass(slots=True, kw_only=True)
class _Taken:
    """A message we hold; the receipt changes whenever it is hidden anew."""

    message: QueueMessage
    receipt: str
    is_lost: bool = False

    @property
    def tries(self) -> int:
        return self.message.dequeue_count or 1


class QueueListener:
    """Plays one queue trigger."""

    def __init__(
        self,
        *,
        function: Function,
        queues: StorageQueues,
        settings: QueueSettings,
        invocations: Invocations,
        instances: InstanceSet,
        stopping: asyncio.Event,
    ) -> None:
        self._function = function
        self._queue = queue_name_of(function.trigger)
        self._queues = queues
        self._client = queues.client(self._queue)
        self._settings = settings
        self._invocations = invocations
        self._instances = instances
        self._stopping = stopping
        self._hidden_for = settings.hidden_for
        self._poke = queues.poke_at(self._queue)
        self._processing: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Take messages until the host stops, then finish those that run."""
        try:
            await self._queues.outage.until_done(lambda: self._queues.create(self._queue), self._stopping)
        except ServiceAwayError:
            return
        backoff = Backoff(self._settings.max_polling_interval)
        found = False
        while not self._stopping.is_set():
            if not self._instances.is_up:
                await self._sleep()
                continue
            self._poke.clear()
            messages = await self._receive()
            if not messages:
                await pause(self._stopping, backoff.next_delay(found=found), self._poke)
                found = False
                continue
            found = True
            for message in messages:
                task = asyncio.create_task(self._handle(_Taken(message=message, receipt=message.pop_receipt or "")))
                self._processing.add(task)
                task.add_done_callback(self._processing.discard)
            while len(self._processing) > self._settings.new_batch_threshold and not self._stopping.is_set():
                await asyncio.wait(self._processing, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*self._processing)

    async def run_once(self, text: str) -> Outcome:
        """Run the function on a text that never was in the queue."""
        return await self._invocations.run(
            self._function, TypedData(string=text), detail=f"queue={self._queue} by hand", metadata={}
        )

    async def _sleep(self) -> None:
        """Look into the queue as the scale controller does, which takes nothing, until there is something to do."""

        async def has_messages() -> bool:
            return bool(await self._client.peek_messages(1))

        try:
            is_wanted = await self._queues.outage.attempt(has_messages, expected=(_NOT_FOUND,))
        except (ServiceAwayError, HttpResponseError):
            is_wanted = False
        if not is_wanted:
            await pause(self._stopping, _LOOK_EVERY)
            return
        _log.info("queue %s: an instance of %s starts", self._queue, self._instances.name)
        await self._instances.come_up()

    async def _receive(self) -> list[QueueMessage]:
        async def receive() -> list[QueueMessage]:
            size = self._settings.batch_size
            pages = self._client.receive_messages(
                messages_per_page=size, max_messages=size, visibility_timeout=_seconds(self._hidden_for)
            )
            return [message async for message in pages]

        try:
            return await self._queues.outage.attempt(receive, expected=(_NOT_FOUND,))
        except ServiceAwayError:
            return []
        except HttpResponseError:
            _log.warning("queue %s is gone; making it again", self._queue)
            try:
                await self._queues.outage.attempt(lambda: self._queues.create(self._queue))
            except ServiceAwayError:
                return []
            return []

    async def _handle(self, taken: _Taken) -> None:
        try:
            if self._stopping.is_set():
                await self._hide(taken, timedelta(0))
            elif taken.tries > self._settings.max_dequeue_count:
                await self._set_aside(taken, f"it was tried {self._settings.max_dequeue_count} times")
            else:
                await self._process(taken)
        except ServiceAwayError:
            _log.warning("queue %s: message %s couldn't be settled; it will come again", self._queue, taken.message.id)

    async def _process(self, taken: _Taken) -> None:
        try:
            data = _data_from(str(taken.message.content), self._settings.message_encoding)
        except ValueError:
            await self._set_aside(taken, "it isn't base64, which messageEncoding asks for")
            return
        outcome = await self._run(taken, data)
        if taken.is_lost:
            return
        if outcome.is_ok:
            await self._delete(taken)
        elif taken.tries >= self._settings.max_dequeue_count:
            await self._set_aside(taken, f"it was tried {taken.tries} times")
        else:
            await self._hide(taken, self._settings.visibility_timeout)

    async def _run(self, taken: _Taken, data: TypedData) -> Outcome:
        done = asyncio.Event()
        keeping = asyncio.create_task(self._keep_hidden(taken, done))
        try:
            return await self._invocations.run(
                self._function,
                data,
                detail=f"queue={self._queue} try={taken.tries} id={taken.message.id}",
                metadata=_metadata_of(taken.message, data),
            )
        finally:
            # Let a renewal under way end, or the receipt it brings would be lost.
            done.set()
            await keeping

    async def _keep_hidden(self, taken: _Taken, done: asyncio.Event) -> None:
        """Hide the message anew at half time, for as long as its function runs."""
        usual = self._hidden_for.total_seconds() / 2
        wait = usual
        while not done.is_set() and not taken.is_lost:
            await pause(done, wait)
            if done.is_set():
                return
            try:
                await self._hide(taken, self._hidden_for)
                wait = usual
            except ServiceAwayError:
                wait = max(wait / 2, 1.0)

    async def _hide(self, taken: _Taken, how_long: timedelta) -> None:
        async def hide() -> None:
            updated = await self._client.update_message(
                taken.message.id, taken.receipt, visibility_timeout=_seconds(how_long)
            )
            taken.receipt = updated.pop_receipt or taken.receipt

        try:
            await self._queues.outage.attempt(hide, expected=_NO_LONGER_OURS)
        except HttpResponseError:
            taken.is_lost = True

    async def _delete(self, taken: _Taken) -> None:
        async def delete() -> None:
            await self._client.delete_message(taken.message.id, taken.receipt)

        try:
            await self._queues.outage.until_done(delete, self._stopping, expected=_NO_LONGER_OURS)
        except HttpResponseError:
            _log.warning("queue %s: message %s was taken over before it was done", self._queue, taken.message.id)

    async def _set_aside(self, taken: _Taken, reason: str) -> None:
        poison = f"{self._queue}-poison"
        _log.warning("queue %s: message %s goes to %s: %s", self._queue, taken.message.id, poison, reason)
        await self._queues.outage.until_done(
            lambda: self._queues.add(poison, str(taken.message.content)), self._stopping
        )
        await self._delete(taken)


def _data_from(text: str, encoding: MessageEncoding) -> TypedData:
    if encoding is MessageEncoding.NONE:
        return TypedData(string=text)
    body = base64.b64decode(text, validate=True)
    try:
        return TypedData(string=body.decode())
    except UnicodeDecodeError:
        return TypedData(bytes=body)


def _metadata_of(message: QueueMessage, data: TypedData) -> dict[str, TypedData]:
    instants = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "QueueTrigger": data,
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt or ""),
        "DequeueCount": TypedData(json=json.dumps(message.dequeue_count)),
    } | {name: TypedData(json=json.dumps(instant.isoformat())) for name, instant in instants.items() if instant}


def _seconds(duration: timedelta) -> int:
    return math.ceil(duration.total_seconds())
