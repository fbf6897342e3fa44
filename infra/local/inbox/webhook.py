"""PagerDuty's webhook of version 3, as it is sent when somebody acts on an alert: the body and its signature.

Shapes are from PagerDuty's developer documentation ("Webhooks: Overview", "Signatures"). Like PagerDuty, a webhook is
sent again when no 2xx came, with the same event id.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Final

import aiohttp

from infra.local.inbox.pagerduty import Alert
from infra.local.inbox.wire import Json

_log = logging.getLogger("inbox.webhook")
SIGNATURE: Final = "X-PagerDuty-Signature"
EVENTS: Final[Mapping[str, str]] = {"acknowledge": "incident.acknowledged", "resolve": "incident.resolved"}
_WAITS: Final = aiohttp.ClientTimeout(total=5)
_GAPS: Final = (0.2, 0.4, 0.8)
"""Seconds until a webhook that got no 2xx is sent again."""

INTEGRATION: Final[Mapping[str, str]] = {
    "id": "PINTEG1",
    "type": "inbound_integration_reference",
    "summary": "Events API V2",
}
"""Who did it where an event of the Events API did."""

PEOPLE: Final[Mapping[str, str]] = {"PALICE1": "Alice Alvarez", "PMALLR1": "Mallory Marsh"}
"""The users of this PagerDuty, by id. The local stack maps the first to an owner."""


def user(id_: str) -> Mapping[str, str]:
    """Give a user as an event names one. Raises KeyError when there is none with the id."""
    return {"id": id_, "type": "user_reference", "summary": PEOPLE[id_]}


def body_of(alert: Alert, action: str, agent: Mapping[str, str], *, at: datetime) -> bytes:
    """Write the webhook about what an agent did to an alert's incident."""
    return json.dumps({"event": _event(alert, action, agent, at=at)}).encode()


def _event(alert: Alert, action: str, agent: Mapping[str, str], *, at: datetime) -> dict[str, Json]:
    return {
        "id": token_hex(13).upper(),
        "event_type": EVENTS[action],
        "resource_type": "incident",
        "occurred_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent": dict(agent),
        "client": None,
        "data": {
            "id": f"P{alert.id:06}",
            "type": "incident",
            "number": alert.id,
            "status": alert.state.value,
            "incident_key": alert.dedup_key,
            "created_at": alert.opened_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "title": alert.summary,
            "service": {"id": "PSERV01", "type": "service_reference", "summary": "Entra Responder"},
            "assignees": [],
            "urgency": "low" if alert.severity == "info" else "high",
            "resolve_reason": None,
        },
    }


def signature(body: bytes, secret: str) -> str:
    """Sign a body as PagerDuty does."""
    return f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


@dataclass(slots=True, kw_only=True)
class Webhook:
    """The subscription: where events go ("" for nowhere), and the secret that signs them."""

    url: str = ""
    secret: str = field(default_factory=lambda: token_hex(16))
    _sending: set[asyncio.Task[int]] = field(default_factory=set[asyncio.Task[int]])

    def send_later(self, body: bytes) -> None:
        """Send in the background, so that whoever posts an event doesn't wait for the webhook that comes of it."""
        task = asyncio.get_running_loop().create_task(self.send(body))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def send(self, body: bytes) -> int:
        """Send an event, again while no 2xx comes; gives the last status, 0 where there was no answer or no address."""
        status = 0
        if not self.url:
            return status
        for gap in (*_GAPS, 0.0):
            status = await self._post(body)
            if status // 100 in {2, 4}:  # PagerDuty sends what was refused no more
                return status
            await asyncio.sleep(gap)
        return status

    async def send_in_turn(self, body: bytes) -> int:
        """Send an event after those that are still on their way, so that they arrive as they happened."""
        await asyncio.gather(*self._sending, return_exceptions=True)
        return await self.send(body)

    async def _post(self, body: bytes) -> int:
        headers = {SIGNATURE: signature(body, self.secret), "Content-Type": "application/json"}
        try:
            async with (
                aiohttp.ClientSession(timeout=_WAITS) as session,
                session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.warning("the webhook got no answer: %s", type(error).__name__)
            return 0

    async def close(self) -> None:
        """Give up what is still to be sent."""
        for task in tuple(self._sending):
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
