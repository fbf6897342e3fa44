"""Judges what says that it comes from PagerDuty: a webhook of version 3. Pure functions.

PagerDuty signs the body's bytes with HMAC-SHA256 and sends one `v1=` for each secret that is in force, so that secrets
can be exchanged. The signature has no time in it. So an event counts once, by its id, and only while it is young.
(PagerDuty's developer documentation, "Webhooks: Signatures" and "Overview".)
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

SIGNATURE: Final = "X-PagerDuty-Signature"
LONGEST_BODY: Final = 128 * 1024
"""Bytes. An incident's event has a few thousand."""

LONGEST_AGE: Final = timedelta(hours=1)
ACKNOWLEDGED: Final = "incident.acknowledged"
RESOLVED: Final = "incident.resolved"
_LONGEST_HEADER: Final = 2_048
_VERSION: Final = "v1="
_LONGEST_ID: Final = 200
_LONGEST_TEXT: Final = 255
_USER: Final = "user_reference"


class NotHeard(Exception):
    """A request that isn't taken as PagerDuty's: the answer's status, and what is wrong and what would be right."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


class Agent(Struct, frozen=True, kw_only=True):
    """Who did it: a user, or one of PagerDuty's integrations, such as ours. The name is what PagerDuty shows."""

    id: str
    name: str
    is_user: bool


class HeardEvent(Struct, frozen=True, kw_only=True):
    """An event as PagerDuty tells of it: what happened when to which incident, and who did it (None for nobody).

    `incident` is the key that we began it with; "" where it isn't an incident, or has none.
    """

    id: str
    type: str
    at: datetime
    incident: str
    agent: Agent | None


class _Agent(Struct, frozen=True, kw_only=True):
    id: str = ""
    type: str = ""
    summary: str | None = None


class _Event(Struct, frozen=True, kw_only=True):
    id: str
    event_type: str
    occurred_at: datetime
    agent: _Agent | None = None
    data: dict[str, Any] | None = None


class _Payload(Struct, frozen=True, kw_only=True):
    event: _Event


def event_from(body: bytes, signatures: str, *, secrets: tuple[str, ...], now: datetime) -> HeardEvent:
    """Give the event that a request tells of. `signatures` is the header, `secrets` those in force.

    Raises:
        NotHeard: it is too large, not signed with one of the secrets, not an event, or too old.
    """
    if len(body) > LONGEST_BODY:
        detail = f"the body has {len(body)} bytes; at most {LONGEST_BODY} are read"
        raise NotHeard(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    if not secrets:
        detail = "nothing is heard from PagerDuty here: PAGERDUTY_WEBHOOK_SECRETS isn't set"
        raise NotHeard(HTTPStatus.NOT_FOUND, detail)
    if not is_signed(body, signatures, secrets=secrets):
        detail = f"{SIGNATURE} should have a v1= signature of this body with a secret of the webhook subscription"
        raise NotHeard(HTTPStatus.UNAUTHORIZED, detail)
    event = _read(body)
    age = now - event.at
    if abs(age) > LONGEST_AGE:
        detail = f"the event is of {event.at.isoformat()}; one that is more than an hour from now isn't taken"
        raise NotHeard(HTTPStatus.BAD_REQUEST, detail)
    return event


def is_signed(body: bytes, signatures: str, *, secrets: tuple[str, ...]) -> bool:
    """Whether any signature of the header is one of the body with any of the secrets. Takes the same for each."""
    if len(signatures) > _LONGEST_HEADER:
        return False
    found = [part.strip() for part in signatures.split(",")]
    given = [part.removeprefix(_VERSION).encode(errors="replace") for part in found if part.startswith(_VERSION)]
    is_right = False
    for secret in secrets:
        right = signature_of(body, secret).removeprefix(_VERSION).encode()
        for one in given:
            is_right |= hmac.compare_digest(one, right)
    return is_right


def signature_of(body: bytes, secret: str) -> str:
    """Give the signature of a body as PagerDuty sends it."""
    return f"{_VERSION}{hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _read(body: bytes) -> HeardEvent:
    try:
        event = msgspec.json.decode(body, type=_Payload).event
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotHeard(HTTPStatus.BAD_REQUEST, f"the body isn't an event of a v3 webhook: {error}") from error
    if not 0 < len(event.id) <= _LONGEST_ID or event.occurred_at.tzinfo is None:
        detail = "the event should have an id, and a time with its time zone"
        raise NotHeard(HTTPStatus.BAD_REQUEST, detail)
    key = (event.data or {}).get("incident_key")
    agent = event.agent
    return HeardEvent(
        id=event.id,
        type=event.event_type[:_LONGEST_TEXT],
        at=event.occurred_at,
        incident=key[:_LONGEST_TEXT] if isinstance(key, str) else "",
        agent=Agent(
            id=agent.id[:_LONGEST_ID], name=(agent.summary or agent.id)[:_LONGEST_TEXT], is_user=agent.type == _USER
        )
        if agent
        else None,
    )
