"""Reads who is signed in from the headers that App Service authentication sets.

The platform removes these headers from every request and sets them itself, so they can be trusted. Without App Service
authentication in front of the app, anybody could send them. The app's environment says whether it is in front.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from shared.model.errors import ResponderError

_IS_ON: Final = "WEBSITE_AUTH_ENABLED"
_PRINCIPAL: Final = "X-MS-CLIENT-PRINCIPAL"
_LONGEST: Final = 200
_OBJECT_ID: Final = frozenset({"oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"})
_TENANT_ID: Final = frozenset({"tid", "http://schemas.microsoft.com/identity/claims/tenantid"})
"""The names of the two claims; the platform maps them to the longer names or leaves them."""


class Person(Struct, frozen=True, kw_only=True):
    """The person who is signed in: object id in lower case, and user name."""

    id: str
    name: str


class Session(Struct, frozen=True, kw_only=True):
    """What somebody signed in for: an id that is another one after each sign-in, and when the id token ends.

    `until` is None where the token doesn't say it.
    """

    id: str
    until: datetime | None


class NotSignedIn(ResponderError):
    """It isn't known who is signed in; the text says why and what to do."""


class _Claim(Struct):
    typ: str
    val: str


class _Principal(Struct):
    claims: list[_Claim]


def is_guarded(environment: Mapping[str, str]) -> bool:
    """Whether App Service authentication is in front of the app, according to the app's environment."""
    return environment.get(_IS_ON, "").strip().lower() == "true"


def person_from(headers: Mapping[str, str], environment: Mapping[str, str], *, tenant_id: str) -> Person:
    """Read who is signed in from a request's headers. The person must be of the tenant `tenant_id`.

    Raises:
        NotSignedIn: App Service authentication isn't in front, or the headers don't identify a person of the tenant.
    """
    if not is_guarded(environment):
        raise NotSignedIn(
            "App Service authentication is not enabled for this app, so it can't know who you are. Deploy"
            " infra/main.bicep again. Until then, read cases with a function key (GET /api/cases) or with the command"
            " responder cases."
        )
    person_id = headers.get(f"{_PRINCIPAL}-ID", "").lower()
    claims = _claims(headers.get(_PRINCIPAL, ""))
    if not person_id or headers.get(f"{_PRINCIPAL}-IDP", "") != "aad":
        raise NotSignedIn("Nobody is signed in. Open this address in a browser, and sign in there.")
    if _values(claims, _OBJECT_ID) != {person_id} or _values(claims, _TENANT_ID) != {tenant_id.lower()}:
        raise NotSignedIn("You are signed in with an account of another tenant, or your account could not be read.")
    return Person(id=person_id, name=headers.get(f"{_PRINCIPAL}-NAME", "")[:_LONGEST] or person_id)


_OF_A_SESSION: Final = frozenset({"iat", "auth_time", "nonce", "sid", "uti"})
"""Claims of an id token that are others after each sign-in."""
_END: Final = frozenset({"exp"})
_MOST_DIGITS: Final = 11


def session_from(headers: Mapping[str, str]) -> Session:
    """Read of which sign-in a request is, from what the platform says of the id token."""
    claims = _claims(headers.get(_PRINCIPAL, ""))
    named = sorted((claim.typ, claim.val) for claim in claims if claim.typ in _OF_A_SESSION)
    ends = [end for end in _values(claims, _END) if end.isascii() and end.isdigit() and len(end) <= _MOST_DIGITS]
    until = datetime.fromtimestamp(min(map(int, ends)), UTC) if ends else None
    return Session(id=hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:32], until=until)


def _claims(header: str) -> list[_Claim]:
    try:
        return msgspec.json.decode(base64.b64decode(header, validate=True), type=_Principal).claims
    except (binascii.Error, ValueError, RecursionError):
        return []


def _values(claims: list[_Claim], names: frozenset[str]) -> set[str]:
    return {claim.val.lower() for claim in claims if claim.typ in names}
