"""The operator's side: a key in a file that only its owner reads, and requests that are signed with it.

`responder operator key` makes the file; `responder emergency` signs each request to the app. The app knows the public
half and can sign nothing.
"""

import os
import secrets
import stat
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shared.authority.operator_keys import KeyKind, PublicKey, text_of
from shared.authority.operators import SignedStatement
from shared.emergency.signed_requests import (
    KEY,
    NONCE,
    SIGNATURE,
    SIGNED_BY,
    TIME,
    content_to_sign,
    target_of,
    time_text,
)
from shared.model.errors import ResponderError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OWN_ONLY: Final = 0o600
_LARGEST: Final = 10_000


class BadKeyFile(ResponderError):
    """A file isn't an operator's key that can be used; the text says why and what to do, and nothing of the key."""


class OperatorKey:
    """An operator's Ed25519 key. Its private half is in no text that this class gives."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        raw = private.public_key().public_bytes_raw()
        self.public = PublicKey(kind=KeyKind.ED25519, public=text_of(raw))

    def __repr__(self) -> str:
        return f"OperatorKey({self.public.id})"

    def sign(self, content: bytes) -> str:
        """Sign bytes; gives base64url without padding."""
        return text_of(self._private.sign(content))


def make_key(path: Path) -> OperatorKey:
    """Make a key and its file, which only its owner may read. A file that is there is never overwritten.

    Raises:
        BadKeyFile: there is a file, or it can't be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - on first use
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        # Its mode is set as it is made: there is no moment at which others can read it.
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWN_ONLY)
    except FileExistsError:
        raise BadKeyFile(f"{path} is there already, and a key is never overwritten: name another file") from None
    except OSError as error:
        raise BadKeyFile(f"{path} can't be written: {error.strerror}") from None
    with os.fdopen(opened, "wb") as file:
        file.write(content)
    return OperatorKey(private)


def read_key(path: Path) -> OperatorKey:
    """Read the file of a key.

    Raises:
        BadKeyFile: it can't be read, others can read it too, or it is something else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - imported on first use
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    found: object
    try:
        found = load_pem_private_key(_content(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise BadKeyFile(f"{path} isn't a key that `responder operator key` made")
    return OperatorKey(found)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_open_to_others = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            content = file.read(_LARGEST)
    except OSError as error:
        raise BadKeyFile(f"{path} can't be read: {error.strerror}") from None
    if is_open_to_others and os.name == "posix":
        raise BadKeyFile(f"others may read {path}: chmod 600 {path}, and replace the key if they had the time to")
    return content


def sign_statement(signed: SignedStatement, key: OperatorKey) -> SignedStatement:
    """Give a statement with a further signature: over its text, exactly as it is shown."""
    signatures = {**signed.signatures, key.public.id: key.sign(signed.text.encode())}
    return SignedStatement(text=signed.text, signatures=signatures)


def sign_request(
    key: OperatorKey, method: str, url: str, body: bytes = b"", *, emergency_key: str, now: datetime
) -> dict[str, str]:
    """Give the headers that prove who makes a request to the app at `url`. They are for that request, once.

    `url` is the whole address. Where the app is reached by another name than the platform's own, `sign_request_for`
    names the app. Raises ValueError where the address can be spelled in another way.
    """
    host = urlsplit(url).netloc
    return sign_request_for(host, key, method, url, body, emergency_key=emergency_key, now=now)


def sign_request_for(
    host: str, key: OperatorKey, method: str, url: str, body: bytes = b"", *, emergency_key: str, now: datetime
) -> dict[str, str]:
    """As `sign_request`, for the app whose own host name is `host`."""
    target = target_of(url)
    if not target:
        raise ValueError("an address that is signed has no escapes, no dots as parts, and no empty parts")
    time, nonce = time_text(now), secrets.token_hex(16)
    content = content_to_sign(
        method=method, target=target, body=body, time=time, nonce=nonce, host=host, key=key.public.id
    )
    return {
        KEY: emergency_key,
        SIGNED_BY: key.public.id,
        TIME: time,
        NONCE: nonce,
        SIGNATURE: key.sign(content),
    }
