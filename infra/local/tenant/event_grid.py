"""Event Grid: subscriptions, and delivery to storage queues at least once, unordered, with retries."""

import asyncio
import base64
import json
import ssl
import uuid
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal
from xml.sax.saxutils import escape

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from yarl import URL

from infra.local.tenant.api_error import bad_request, not_found
from infra.local.tenant.instants import instant
from infra.local.tenant.resource_events import as_cloud_event
from infra.local.tenant.settings import Settings
from infra.local.world import Json

type Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]

_NEVER_RETRIED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
_KEPT_ATTEMPTS = 5_000
_STORAGE_VERSION = "2023-11-03"
_FOR_EVER = "-1"


@dataclass(slots=True, kw_only=True)
class Subscription:
    """Where events go: a queue, by its address without a query.

    What opens it is either in `query`, as a shared access signature, or a bearer `token` of the topic's identity.
    """

    id: str
    queue: str
    schema: Schema
    query: str = field(repr=False)
    token: str = field(repr=False)

    def shown(self) -> Json:
        """Print it without its secrets."""
        return {"id": self.id, "queue": self.queue, "schema": self.schema, "provisioningState": "Succeeded"}


@dataclass(slots=True, kw_only=True)
class Plan:
    """What happens to the next event; with `reorder`, to the next so many: they go out together, last one first."""

    copies: int = 1
    delay: float = 0.0
    reorder: int = 0


class EventGrid:
    """Deliveries run as tasks of this process; whoever publishes never waits for them."""

    def __init__(self, settings: Settings, *, trust: ssl.SSLContext) -> None:
        """`trust` is what queues reached by https are checked against."""
        self._settings = settings
        self._trust = trust
        self._subscriptions: dict[str, Subscription] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: ClientSession | None = None
        self._plan = Plan()
        self._held: list[Json] = []
        self.dead_letters: list[Json] = []
        self.attempts: deque[Json] = deque(maxlen=_KEPT_ATTEMPTS)

    @property
    def subscriptions(self) -> list[Json]:
        """All subscriptions, printed."""
        return [subscription.shown() for subscription in self._subscriptions.values()]

    def plan_next(self, plan: Plan) -> None:
        """Set what happens to the next event or events."""
        self._plan = plan

    def reset(self) -> None:
        """Drop subscriptions, deliveries under way, and everything kept."""
        for task in self._tasks:
            task.cancel()
        self._subscriptions.clear()
        self._held.clear()
        self.dead_letters.clear()
        self.attempts.clear()
        self._plan = Plan()

    async def close(self) -> None:
        """Stop delivering."""
        tasks = list(self._tasks)
        self.reset()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- subscriptions --

    def subscribe(self, queue: str, schema: Schema, *, token: str) -> Json:
        """Make a subscription that delivers to a queue.

        Raises:
            ApiError: 400 when the address is none, or nothing would open the queue.
        """
        url = URL(queue, encoded=True)
        if url.scheme not in {"http", "https"} or not url.host or not (url.query_string or token):
            raise bad_request(
                "queue must be the address of a storage queue, with a shared access signature in it or a token beside"
            )
        subscription = Subscription(
            id=str(uuid.uuid4()),
            queue=str(url.with_query(None)),
            schema=schema,
            query=url.raw_query_string,
            token=token,
        )
        self._subscriptions[subscription.id] = subscription
        return subscription.shown()

    def unsubscribe(self, subscription_id: str) -> None:
        """Delete a subscription; raises ApiError 404."""
        if self._subscriptions.pop(subscription_id, None) is None:
            raise not_found(f"no event subscription {subscription_id}")

    # -- delivery --

    def publish(self, event: Json) -> None:
        """Send `event`, in the Event Grid schema, to every subscription."""
        if self._plan.reorder > 0:
            self._held.append(event)
            if len(self._held) < self._plan.reorder:
                return
            events, self._held, self._plan = self._held[::-1], [], Plan()
            self._start(self._in_turn(events, delay=self._settings.event_delay))
            return
        plan, self._plan = self._plan, Plan()
        for _ in range(plan.copies):
            self._start(self._in_turn([event], delay=self._settings.event_delay + plan.delay))

    async def _in_turn(self, events: Sequence[Json], *, delay: float) -> None:
        await asyncio.sleep(delay)
        for event in events:
            ready = list(self._subscriptions.values())
            await asyncio.gather(*(self._deliver(subscription, event) for subscription in ready))

    async def _deliver(self, subscription: Subscription, event: Json) -> None:
        delays, status = self._settings.event_retry_delays, 0
        for attempt in range(1, self._settings.event_attempts + 1):
            status = await self._put(subscription, event, attempt)
            if HTTPStatus.OK <= status <= HTTPStatus.NO_CONTENT:
                return
            if status in _NEVER_RETRIED:
                break
            await asyncio.sleep(delays[min(attempt, len(delays)) - 1])
        self.dead_letters.append({"subscription": subscription.id, "event": event, "lastStatus": status})

    async def _put(self, subscription: Subscription, event: Json, attempt: int) -> int:
        """Put the event into the queue once; 0 when no answer came."""
        sent = as_cloud_event(event) if subscription.schema == "CloudEventSchemaV1_0" else event
        text = base64.b64encode(json.dumps(sent).encode()).decode()
        query = f"messagettl={_FOR_EVER}&{subscription.query}".rstrip("&")
        address = URL(f"{subscription.queue}/messages?{query}", encoded=True)
        headers = {"x-ms-version": _STORAGE_VERSION, "Content-Type": "application/xml"}
        if subscription.token:
            headers["Authorization"] = f"Bearer {subscription.token}"
        try:
            async with self._http().post(
                address,
                data=f"<QueueMessage><MessageText>{escape(text)}</MessageText></QueueMessage>".encode(),
                headers=headers,
                timeout=self._timeout(),
            ) as answer:
                status = answer.status
        except (ClientError, TimeoutError):
            status = 0
        self.attempts.append(
            {
                "time": instant(),
                "subscription": subscription.id,
                "event": event["id"],
                "attempt": attempt,
                "status": status,
            }
        )
        return status

    def _start(self, delivery: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _http(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(connector=TCPConnector(ssl=self._trust))
        return self._session

    def _timeout(self) -> ClientTimeout:
        return ClientTimeout(total=self._settings.event_timeout)
