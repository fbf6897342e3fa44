"""A request as an operator signs it: the headers of the proof, and the very text that is signed.

The command line signs it with an Ed25519 key; a passkey signs its SHA-256 as the challenge. The text names everything
that a stolen signature could be used for otherwise: method, path with query, body, time, the app's host, and the key.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

KEY: Final = "X-Emergency-Key"
"""The emergency key itself. It stands in our own header: a wrong `x-functions-key` or `?code=` empties the host's cache
of keys, and that would have to be read from storage again."""

SIGNED_BY: Final = "X-Emergency-Signed-By"
"""The id of the Ed25519 key that signed."""

SIGNATURE: Final = "X-Emergency-Signature"
"""The Ed25519 signature, in base64url without padding."""

PASSKEY: Final = "X-Emergency-Passkey"
"""What the browser's `navigator.credentials.get` gave, as JSON in base64url without padding."""

TIME: Final = "X-Emergency-Time"
"""When the request was signed, as 2026-01-31T12:00:00Z."""

NONCE: Final = "X-Emergency-Nonce"
"""32 hexadecimal digits that no other request has."""

OPERATOR: Final = "X-Emergency-Operator"
"""The id of the operator whose one-time code it is."""

CODE: Final = "X-Emergency-Code"
"""The one-time code: six digits."""

OF_A_SIGNATURE: Final = (SIGNED_BY, SIGNATURE, PASSKEY, TIME, NONCE)
HEADERS: Final = (KEY, *OF_A_SIGNATURE, OPERATOR, CODE)

MOST_BYTES: Final = 1024 * 1024
"""The largest body. The host refuses larger ones before they get here (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT)."""

_TAG: Final = "entra-responder emergency request, version 1"
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_PATH: Final = re.compile(r"(/[A-Za-z0-9_~*-][A-Za-z0-9._~*-]*)+")
_QUERY: Final = re.compile(r"[A-Za-z0-9._~=&:+*-]*")
_LONGEST_TARGET: Final = 1000


class Request(Struct, frozen=True, kw_only=True):
    """A request as it came. `url` is the whole address (`req.url`) or the path with its query; `body` the raw bytes."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def target(self) -> str:
        """The path with its query, as it is signed; "" where the address can be spelled in another way."""
        return target_of(self.url)

    def values(self, name: str) -> list[str]:
        """Give what the headers of a name say, whatever their case."""
        return [value for other, value in self.headers.items() if other.lower() == name.lower()]

    def header(self, name: str) -> str:
        """Give what a header says; "" where there is none. Several are joined, as the host does."""
        return ",".join(self.values(name)).strip()


def target_of(url: str) -> str:
    """Give the path with its query of an address; "" where it could be spelled otherwise: escapes, dots, two slashes.

    Nothing that is signed needs such an address, and what stands in front of the app may read it as another one.
    """
    target = f"/{url.split('://', 1)[1].partition('/')[2]}" if "://" in url else url
    path, mark, query = target.partition("?")
    is_plain = _PATH.fullmatch(path) is not None and _QUERY.fullmatch(query) is not None and bool(query) == bool(mark)
    return target if is_plain and len(target) <= _LONGEST_TARGET else ""


def content_to_sign(*, method: str, target: str, body: bytes, time: str, nonce: str, host: str, key: str) -> bytes:
    """Give the bytes that are signed, as a text of lines. `host` is the app's own name, `key` the id of the key."""
    lines = (
        _TAG,
        f"app: {host.lower()}",
        f"request: {method.upper()} {target}",
        f"body-sha256: {hashlib.sha256(body).hexdigest()}",
        f"time: {time}",
        f"nonce: {nonce}",
        f"key: {key}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def time_text(at: datetime) -> str:
    """Write an instant as it is signed."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def time_in(text: str) -> datetime | None:
    """Read an instant as it is signed; None for any other spelling."""
    if not text.isascii() or _TIME.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
