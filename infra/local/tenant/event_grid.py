"""Event Grid: subscriptions with their handshake, and delivery at least once, unordered, with retries."""

import asyncio
import secrets
import uuid
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from infra.local import world
from infra.local.tenant.api_error import ApiError, not_found
from infra.local.tenant.bodies import as_object
from infra.local.tenant.instants import instant
from infra.local.tenant.resource_events import as_cloud_event
from infra.local.tenant.settings import Settings
from infra.local.world import Json

type Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]
type State = Literal["AwaitingManualAction", "Succeeded"]

_ORIGIN = "eventgrid.azure.net"
_NEVER_RETRIED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
_KEPT_ATTEMPTS = 5_000


@dataclass(slots=True, kw_only=True)
class Subscription:
    """Where events go. `code` is the secret that proves the endpoint's consent."""

    id: str
    endpoint: str
    schema: Schema
    code: str
    state: State = "AwaitingManualAction"

    def shown(self) -> Json:
        """Print it without the code."""
        return {"id": self.id, "endpoint": self.endpoint, "schema": self.schema, "provisioningState": self.state}


@dataclass(slots=True, kw_only=True)
class Plan:
    """What happens to the next event; with `reorder`, to the next so many: they go out together, last one first."""

    copies: int = 1
    delay: float = 0.0
    reorder: int = 0


class EventGrid:
    """Deliveries run as tasks of this process; whoever publishes never waits for them."""

    def __init__(self, settings: Settings) -> None:
        """`root`, this server's own address, is set by the server once it listens."""
        self._settings = settings
        self._subscriptions: dict[str, Subscription] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: ClientSession | None = None
        self._plan = Plan()
        self._held: list[Json] = []
        self.root = ""
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

    async def subscribe(self, endpoint: str, schema: Schema) -> Json:
        """Make a subscription once the endpoint has agreed; raises ApiError 400 when it refuses."""
        subscription = Subscription(
            id=str(uuid.uuid4()), endpoint=endpoint, schema=schema, code=secrets.token_hex(16).upper()
        )
        self._subscriptions[subscription.id] = subscription
        try:
            agreed = await (
                self._ask_event_grid(subscription)
                if schema == "EventGridSchema"
                else self._ask_cloud_events(subscription)
            )
        except (ClientError, TimeoutError) as error:
            agreed = f"{type(error).__name__}: {error}"
        if isinstance(agreed, str):
            del self._subscriptions[subscription.id]
            message = f"Webhook validation handshake failed for {endpoint}. {agreed}"
            raise ApiError(HTTPStatus.BAD_REQUEST, "Endpoint validation", message)
        if agreed:
            subscription.state = "Succeeded"
        return subscription.shown()

    def unsubscribe(self, subscription_id: str) -> None:
        """Delete a subscription; raises ApiError 404."""
        if self._subscriptions.pop(subscription_id, None) is None:
            raise not_found(f"no event subscription {subscription_id}")

    def agree(self, subscription_id: str, code: str) -> None:
        """Take the manual consent: somebody opened the validation address. Raises ApiError 404."""
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None or not secrets.compare_digest(subscription.code, code):
            raise not_found("The validation code is not known.")
        subscription.state = "Succeeded"

    def _validation_url(self, subscription: Subscription) -> str:
        return f"{self.root}/eventgrid/validate?id={subscription.id}&code={subscription.code}"

    async def _ask_event_grid(self, subscription: Subscription) -> bool | str:
        """Post the code and look for it in the answer. True: agreed, False: not yet, text: why not."""
        data = {"validationCode": subscription.code, "validationUrl": self._validation_url(subscription)}
        event: Json = {
            "id": str(uuid.uuid4()),
            "topic": world.SUBSCRIPTION_SCOPE,
            "subject": "",
            "data": data,
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": instant(),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        headers = {"aeg-event-type": "SubscriptionValidation", "aeg-subscription-name": subscription.id.upper()}
        async with self._http().post(
            URL(subscription.endpoint, encoded=True), json=[event], headers=headers, timeout=self._timeout()
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return f"Http POST request returned {answer.status}."
            try:
                body = as_object(await answer.json(content_type=None)) or {}
            except ValueError:
                body = {}
        told = body.get("validationResponse")
        if told is None:
            return False
        return True if told == subscription.code else "The validation code in the answer is wrong."

    async def _ask_cloud_events(self, subscription: Subscription) -> bool | str:
        """Send the preflight of CloudEvents' webhook specification."""
        headers = {
            "WebHook-Request-Origin": _ORIGIN,
            "WebHook-Request-Callback": self._validation_url(subscription),
            "WebHook-Request-Rate": "120",
        }
        async with self._http().options(
            URL(subscription.endpoint, encoded=True), headers=headers, timeout=self._timeout()
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return f"Http OPTIONS request returned {answer.status}."
            allowed = answer.headers.get("WebHook-Allowed-Origin")
        if allowed is None:
            return False
        return True if allowed in {"*", _ORIGIN} else f"The origin {allowed} is allowed, not {_ORIGIN}."

    # -- delivery --

    def publish(self, event: Json) -> None:
        """Send `event`, in the Event Grid schema, to every subscription that agreed."""
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
            ready = [each for each in self._subscriptions.values() if each.state == "Succeeded"]
            await asyncio.gather(*(self._deliver(subscription, event) for subscription in ready))

    async def _deliver(self, subscription: Subscription, event: Json) -> None:
        delays, status = self._settings.event_retry_delays, 0
        for attempt in range(1, self._settings.event_attempts + 1):
            status = await self._post(subscription, event, attempt)
            if HTTPStatus.OK <= status <= HTTPStatus.NO_CONTENT:
                return
            if status in _NEVER_RETRIED:
                break
            await asyncio.sleep(delays[min(attempt, len(delays)) - 1])
        self.dead_letters.append({"subscription": subscription.id, "event": event, "lastStatus": status})

    async def _post(self, subscription: Subscription, event: Json, attempt: int) -> int:
        """Post once; 0 when no answer came."""
        cloud = subscription.schema == "CloudEventSchemaV1_0"
        headers = {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.id.upper(),
            "aeg-delivery-count": str(attempt - 1),
            "Content-Type": f"application/{'cloudevents+json' if cloud else 'json'}; charset=utf-8",
        }
        try:
            async with self._http().post(
                URL(subscription.endpoint, encoded=True),
                json=as_cloud_event(event) if cloud else [event],
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
            self._session = ClientSession()
        return self._session

    def _timeout(self) -> ClientTimeout:
        return ClientTimeout(total=self._settings.event_timeout)
