"""Operators' keys: Ed25519 keys of the command line, and passkeys. Only public halves are kept anywhere but with them.

Library `cryptography` is imported when something is checked for the first time, since it takes a while to import.
"""

import base64
import binascii
import hashlib
import re
from enum import StrEnum
from typing import Final

from msgspec import Struct

_ED25519_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_LONGEST: Final = 2048
"""The most characters of a passkey's public key or id."""

_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class KeyKind(StrEnum):
    """What a key is."""

    ED25519 = "ed25519"
    PASSKEY = "passkey"


class PublicKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The public half of an operator's key.

    `public` is in base64url without padding: the 32 bytes of an Ed25519 key, or a passkey's COSE key. A passkey also
    has its id (`credential`, base64url) and the one host that it was made for (`host`, its rpId).
    """

    kind: KeyKind
    public: str
    credential: str = ""
    host: str = ""

    @property
    def id(self) -> str:
        """The fingerprint: 128 bits of the SHA-256 over all of the key, as 32 hexadecimal digits."""
        content = f"entra-responder operator key\n{self.kind}\n{self.public}\n{self.credential}\n{self.host}"
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def fingerprint(key: PublicKey) -> str:
    """Write a key's fingerprint as people compare it: eight groups of four."""
    return " ".join(key.id[place : place + 4] for place in range(0, 32, 4))


def problem_with_key(key: PublicKey) -> str:
    """Say what is wrong with a key, "" where nothing is."""
    public = bytes_of(key.public)
    if not public or len(key.public) > _LONGEST:
        return "its public half isn't base64url without padding"
    match key.kind:
        case KeyKind.ED25519:
            if len(public) != _ED25519_BYTES:
                return f"its public half has {len(public)} bytes; an Ed25519 key has {_ED25519_BYTES}"
            return "an Ed25519 key has no credential and no host" if key.credential or key.host else ""
        case KeyKind.PASSKEY:
            if not bytes_of(key.credential) or len(key.credential) > _LONGEST:
                return "its credential isn't base64url without padding"
            return "" if _HOST.fullmatch(key.host) else "it names no host that it was made for"


def is_signed(key: PublicKey, content: bytes, signature: str) -> bool:
    """Whether an Ed25519 key signed the content; `signature` is in base64url without padding."""
    public, made = bytes_of(key.public), bytes_of(signature)
    if key.kind is not KeyKind.ED25519 or public is None or made is None or len(made) != _SIGNATURE_BYTES:
        return False
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - imported on first use
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(made, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def text_of(content: bytes) -> str:
    """Write bytes in base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes | None:
    """Read base64url without padding; None for anything else, a second spelling of the same bytes included."""
    if not text.isascii():
        return None
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if text_of(content) == text else None
