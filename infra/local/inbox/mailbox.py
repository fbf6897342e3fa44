"""What the inbox remembers: every post, the alerts they fold into, and how the two services are set to behave."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from infra.local.inbox.pagerduty import Alerts
from infra.local.inbox.wire import Json, json_from

POSTS_KEPT = 200
BODY_KEPT_BYTES = 64 * 1024


class Service(StrEnum):
    """Who was posted to."""

    TEAMS = "teams"
    PAGERDUTY = "pagerduty"


class Health(StrEnum):
    """How a service behaves. Only a Teams flow can be `off`: it takes posts with 202 and shows nothing."""

    ON = "on"
    OFF = "off"
    DOWN = "down"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the control calls changed: `down` answers 503, `cut` drops the connection without an answer."""

    teams: Health = Health.ON
    pagerduty: Health = Health.ON


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a post. `status` is the HTTP status the sender saw, 0 for a dropped connection.

    `accepted` is what the sender can't see for Teams: whether the owners got it. `rule` and `reason` say why not; an
    accepted PagerDuty event can have a reason too, when it changes nothing.
    """

    status: int
    accepted: bool
    rule: str = ""
    reason: str = ""
    dedup_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One call to either service. `payload` is the posted JSON, or the start of the text when not JSON or too long."""

    id: int
    kind: Service
    received_at: datetime
    status: int
    accepted: bool
    rule: str
    reason: str
    dedup_key: str
    size: int
    payload: Json


class Arrival(NamedTuple):
    """The number and the time a post got when it came in."""

    id: int
    at: datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Mailbox:
    """The inbox's whole state, in memory; `revision` grows with every change, so that a page can tell it is behind."""

    clock: Callable[[], datetime] = _now
    settings: Settings = field(default_factory=Settings)
    alerts: Alerts = field(default_factory=Alerts)
    revision: int = 0
    closed: bool = False
    _posts: deque[Post] = field(default_factory=lambda: deque(maxlen=POSTS_KEPT))
    _last_id: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def arrive(self) -> Arrival:
        """Number and time a post that has come in."""
        self._last_id += 1
        return Arrival(self._last_id, self.clock())

    def keep(self, kind: Service, body: bytes, verdict: Verdict, arrival: Arrival) -> None:
        """Remember a post; the oldest makes room."""
        post = Post(
            id=arrival.id,
            kind=kind,
            received_at=arrival.at,
            status=verdict.status,
            accepted=verdict.accepted,
            rule=verdict.rule,
            reason=verdict.reason,
            dedup_key=verdict.dedup_key,
            size=len(body),
            payload=_readable(body),
        )
        self._posts.appendleft(post)
        self._bump()

    def newest_first(self) -> tuple[Post, ...]:
        """Give the posts of both services, the newest first."""
        return tuple(self._posts)

    def set(self, settings: Settings) -> None:
        """Change how the services behave from now on."""
        self.settings = settings
        self._bump()

    def touch(self) -> None:
        """Say that something changed: an alert, by a person."""
        self._bump()

    def clear(self) -> None:
        """Forget posts and alerts; the settings stay."""
        self._posts.clear()
        self.alerts.clear()
        self._bump()

    def close(self) -> None:
        """Let everybody go who waits for a change."""
        self.closed = True
        self._bump()

    async def wait_past(self, revision: int) -> None:
        """Wait until something changed after `revision`."""
        while self.revision <= revision:
            await self._changed.wait()

    def _bump(self) -> None:
        self.revision += 1
        self._changed.set()
        self._changed = asyncio.Event()


def _readable(body: bytes) -> Json:
    if len(body) <= BODY_KEPT_BYTES:
        try:
            return json_from(body)
        except ValueError:
            return body.decode(errors="replace")
    return body[:BODY_KEPT_BYTES].decode(errors="replace")
