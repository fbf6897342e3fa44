"""What counts as PagerDuty's: a table of forgeries, none of which passes, and what does."""

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from shared.notify.pagerduty_webhook import LONGEST_BODY, NotHeard, event_from, is_signed, signature_of
from tests.fakes.clock import NOW
from tests.fakes.pagerduty_events import BOB_ID, OLD_SECRET, SECRET, webhook_event

_HOUR: Final = timedelta(hours=1)
_SECOND: Final = timedelta(seconds=1)
_GOOD: Final = webhook_event("a key")
_RIGHT: Final = signature_of(_GOOD, SECRET)
_DIGITS: Final = _RIGHT.removeprefix("v1=")


class _Sent(Struct, frozen=True, kw_only=True):
    body: bytes = _GOOD
    signatures: str = _RIGHT
    secrets: tuple[str, ...] = (SECRET,)
    status: HTTPStatus = HTTPStatus.UNAUTHORIZED


def _signed(body: bytes, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> _Sent:
    return _Sent(body=body, signatures=signature_of(body, SECRET), status=status)


def _without(name: str) -> bytes:
    event = json.loads(_GOOD)
    del event["event"][name]
    return json.dumps(event).encode()


FORGERIES: Final = {
    "no signature": _Sent(signatures=""),
    "a signature with another secret": _Sent(signatures=signature_of(_GOOD, "another-secret-that-somebody-guessed")),
    "a secret that isn't in force any more": _Sent(signatures=signature_of(_GOOD, OLD_SECRET)),
    "another body under a right signature": _Sent(body=webhook_event("another key")),
    "the body with one byte more": _Sent(body=_GOOD + b" "),
    "the same event written otherwise": _Sent(body=json.dumps(json.loads(_GOOD), indent=1).encode()),
    "the digits without the version": _Sent(signatures=_DIGITS),
    "another version": _Sent(signatures=f"v0={_DIGITS}"),
    "the version in capitals": _Sent(signatures=f"V1={_DIGITS}"),
    "the digits in capitals": _Sent(signatures=f"v1={_DIGITS.upper()}"),
    "the digits but the last": _Sent(signatures=f"v1={_DIGITS[:-1]}"),
    "the digits and one more": _Sent(signatures=f"v1={_DIGITS}0"),
    "an empty signature": _Sent(signatures="v1="),
    "the signature of nothing": _Sent(signatures=signature_of(b"", SECRET)),
    "SHA-1 in place of SHA-256": _Sent(signatures=f"v1={hmac.new(SECRET.encode(), _GOOD, hashlib.sha1).hexdigest()}"),
    "a sum without a secret": _Sent(signatures=f"v1={hashlib.sha256(_GOOD).hexdigest()}"),
    "an empty secret": _Sent(signatures=signature_of(_GOOD, "")),
    "two signatures that are both wrong": _Sent(signatures=f"v1={'0' * 64},v1={'f' * 64}"),
    "letters beyond ASCII": _Sent(signatures="v1=é"),
    "a header that is longer than any": _Sent(signatures=",".join([*(["v1=0"] * 1_000), _RIGHT])),
    "no secret is in force": _Sent(secrets=(), status=HTTPStatus.NOT_FOUND),
    "no secret is in force, and none was used": _Sent(
        secrets=(), signatures=signature_of(_GOOD, ""), status=HTTPStatus.NOT_FOUND
    ),
    "more than is read": _signed(b'{"event":"' + b"a" * LONGEST_BODY + b'"}', HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "more than is read, unsigned": _Sent(
        body=b"a" * (LONGEST_BODY + 1), signatures="", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    ),
    "an event of an hour ago": _signed(webhook_event("a key", at=NOW - _HOUR - _SECOND)),
    "an event of last year": _signed(webhook_event("a key", at=NOW - timedelta(days=365))),
    "an event of the future": _signed(webhook_event("a key", at=NOW + _HOUR + _SECOND)),
    "a time without a zone": _signed(webhook_event("a key", occurred_at="2026-03-02T10:05:00")),
    "no time": _signed(_without("occurred_at")),
    "no id": _signed(_without("id")),
    "an empty id": _signed(webhook_event("a key", id="")),
    "an id without an end": _signed(webhook_event("a key", id="1" * 300)),
    "no JSON": _signed(b"incident.acknowledged"),
    "not UTF-8": _signed(b'{"event":"\xff"}'),
    "nothing": _signed(b""),
    "a list": _signed(b"[]"),
    "nested without an end": _signed(b'{"event":' * 10_000 + b"1" + b"}" * 10_000),
    "an agent that is a text": _signed(webhook_event("a key", agent="Bob")),
}


@pytest.mark.parametrize("sent", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_refused_with_what_would_be_right(sent: _Sent) -> None:
    with pytest.raises(NotHeard) as refused:
        event_from(sent.body, sent.signatures, secrets=sent.secrets, now=NOW)
    assert refused.value.status is sent.status
    assert refused.value.detail
    assert not any(secret in refused.value.detail for secret in (SECRET, OLD_SECRET, _DIGITS))


PASS: Final = {
    "as it is": _Sent(),
    "two signatures of which the first is right": _Sent(signatures=f"{_RIGHT},v1={'0' * 64}"),
    "two signatures of which the second is right": _Sent(signatures=f"v1={'0' * 64}, {_RIGHT}"),
    "among signatures of another version": _Sent(signatures=f"v2={'0' * 64},{_RIGHT}"),
    "the old secret, while it is exchanged": _Sent(
        signatures=signature_of(_GOOD, OLD_SECRET), secrets=(SECRET, OLD_SECRET)
    ),
    "the new secret, while it is exchanged": _Sent(secrets=(OLD_SECRET, SECRET)),
    "an event of nearly an hour ago": _signed(webhook_event("a key", at=NOW - _HOUR)),
    "a clock that is ahead": _signed(webhook_event("a key", at=NOW + timedelta(minutes=5))),
    "fields that nobody knows": _signed(webhook_event("a key", new_field={"a": [1]})),
}


@pytest.mark.parametrize("sent", PASS.values(), ids=PASS.keys())
def test_what_pagerduty_sends_passes(sent: _Sent) -> None:
    event = event_from(sent.body, sent.signatures, secrets=sent.secrets, now=NOW)
    assert (event.type, event.incident) == ("incident.acknowledged", "a key")
    assert event.agent is not None
    assert (event.agent.id, event.agent.name, event.agent.is_user) == (BOB_ID, "Bob in PagerDuty", True)


@pytest.mark.parametrize(
    ("body", "has_agent"),
    [
        (webhook_event("a key", agent=None), False),
        (webhook_event("a key", data=None), True),
        (webhook_event("a key", data={"message": "Hello from your friend Pagey!", "type": "ping"}), True),
        (webhook_event("a key", data={"incident_key": None}), True),
        (webhook_event("a key", data={"incident_key": 5}), True),
    ],
)
def test_an_event_without_agent_or_incident_is_an_event(body: bytes, *, has_agent: bool) -> None:
    event = event_from(body, signature_of(body, SECRET), secrets=(SECRET,), now=NOW)
    assert (event.agent is not None) is has_agent
    assert event.incident == ("" if has_agent else "a key")


def test_an_integration_is_no_user() -> None:
    body = webhook_event("a key", agent_type="inbound_integration_reference")
    event = event_from(body, signature_of(body, SECRET), secrets=(SECRET,), now=NOW)
    assert event.agent is not None
    assert not event.agent.is_user


@given(body=st.binary(max_size=200), signatures=st.text(max_size=200), other=st.text(max_size=40))
def test_no_text_is_a_signature_unless_it_has_the_right_one(body: bytes, signatures: str, other: str) -> None:
    assert not is_signed(body, signatures, secrets=(SECRET,))
    assert is_signed(body, f"{other.replace(',', '')},{signature_of(body, SECRET)}", secrets=(OLD_SECRET, SECRET))


@given(body=st.binary(max_size=400), at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)))  # noqa: DTZ001 - hypothesis takes no zone here
def test_any_signed_body_is_an_event_or_refused(body: bytes, at: datetime) -> None:
    now = at.replace(tzinfo=NOW.tzinfo)
    with pytest.raises(NotHeard):
        event_from(body, signature_of(body, SECRET), secrets=(SECRET,), now=now)
