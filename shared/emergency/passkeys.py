"""Passkeys: whether what a browser's `navigator.credentials.get` gave is of an operator's passkey, for one request.

Library `webauthn` is imported when a passkey is checked for the first time.
"""

import hashlib
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.operator_keys import PublicKey, bytes_of
from shared.model.setting_values import is_loopback

_LONGEST: Final = 8192


class _Credential(Struct, frozen=True):
    id: str


def credential_in(header: str) -> tuple[str, bytes] | None:
    """Read the header: the id of the passkey, and the JSON that the browser gave. None where it is something else."""
    content = bytes_of(header) if len(header) <= _LONGEST else None
    if not content:
        return None
    try:
        return msgspec.json.decode(content, type=_Credential).id, content
    except (msgspec.DecodeError, UnicodeError):
        return None


def challenge_of(content: bytes) -> bytes:
    """Give the challenge of a request: the SHA-256 of what would be signed."""
    return hashlib.sha256(content).digest()


def is_by_passkey(key: PublicKey, credential: bytes, content: bytes, *, host: str) -> bool:
    """Whether a passkey signed for a request, at the app's own page, and the person proved who they are to it."""
    from webauthn import verify_authentication_response  # noqa: PLC0415 - imported on first use

    public = bytes_of(key.public)
    origin = origin_of(key, host=host)
    if public is None or not origin:
        return False
    try:
        verify_authentication_response(
            credential=credential.decode(),
            expected_challenge=challenge_of(content),
            expected_rp_id=key.host,
            expected_origin=origin,
            credential_public_key=public,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - what anybody may send is refused, whatever the library stumbles over
        return False
    return True


def origin_of(key: PublicKey, *, host: str) -> str:
    """Give the origin of the app's pages for a passkey; "" where the passkey was made for another host."""
    name, _, port = host.lower().partition(":")
    if key.host == name:
        return f"https://{host.lower()}"
    # The local stack answers at 127.0.0.1, for which there are no passkeys; browsers take localhost for secure.
    is_local = key.host == "localhost" and is_loopback(f"http://{name}")
    return f"http://localhost:{port}" if is_local else ""
