"""Passkeys: whether what a browser gave is of an operator's passkey, for one request or for one entry of the journal.

What a passkey signs names the challenge, which is the SHA-256 of what is to be signed, and the page's origin. An entry
keeps it as three parts in base64url with dots between: what the browser says (`clientDataJSON`), what the
authenticator says (`authenticatorData`), and the signature over both.

Library `webauthn` is imported when a passkey is checked for the first time.
"""

import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from shared.authority.operator_keys import KeyKind, PublicKey, bytes_of, problem_with_key, text_of
from shared.model.setting_values import is_loopback

_LONGEST: Final = 8192
_PARTS: Final = 3
_COUNTER: Final = slice(33, 37)
"""Where in what an authenticator says its counter stands."""

_LOCAL: Final = "localhost"
_LOCAL_ORIGIN: Final = re.compile(r"http://localhost(:[0-9]{1,5})?")


class _Credential(Struct, frozen=True):
    id: str


class _ClientData(Struct, frozen=True):
    origin: str


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
    return _is_right(key, credential, content, origin_of(key, host=host))


def is_signed_by_passkey(key: PublicKey, content: bytes, signature: str) -> bool:
    """Whether a passkey signed the content at a page of its own host, and the person proved who they are to it."""
    parts = signature.split(".")
    client = bytes_of(parts[0])
    if len(signature) > _LONGEST or len(parts) != _PARTS or not client or not all(map(bytes_of, parts)):
        return False
    names = ("clientDataJSON", "authenticatorData", "signature")
    said = dict(zip(names, parts, strict=True))
    answer = {"id": key.credential, "rawId": key.credential, "type": "public-key", "response": said}
    return _is_right(key, msgspec.json.encode(answer), content, _origin_at(key, client))


def made_passkey(*, credential: str, client: str, attestation: str, challenge: bytes, origin: str) -> PublicKey | None:
    """Read what a browser's `navigator.credentials.create` gave, all in base64url: the public half of a new passkey.

    None where it isn't of this challenge and this page, or the person didn't prove who they are. Who made the
    authenticator isn't asked: operators compare the fingerprint before they sign whose it is.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415 - imported on first use

    host = urlsplit(origin).hostname or ""
    said = {"clientDataJSON": client, "attestationObject": attestation}
    answer = {"id": credential, "rawId": credential, "type": "public-key", "response": said}
    if sum(map(len, (credential, client, attestation))) > _LONGEST:
        return None
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - as below
        return None
    key = PublicKey(
        kind=KeyKind.PASSKEY,
        public=text_of(made.credential_public_key),
        credential=text_of(made.credential_id),
        host=host,
    )
    return None if problem_with_key(key) else key


def counter_of(signature: str) -> int:
    """Read how often an authenticator says that it has signed; 0 where it doesn't count, or isn't a passkey's."""
    parts = signature.split(".")
    data = bytes_of(parts[1]) if len(parts) == _PARTS else None
    return int.from_bytes((data or b"")[_COUNTER])


def _is_right(key: PublicKey, credential: bytes, content: bytes, origin: str) -> bool:
    from webauthn import verify_authentication_response  # noqa: PLC0415 - imported on first use

    public = bytes_of(key.public)
    if key.kind is not KeyKind.PASSKEY or public is None or not origin:
        return False
    try:
        verify_authentication_response(
            credential=credential.decode(),
            expected_challenge=challenge_of(content),
            expected_rp_id=key.host,
            expected_origin=origin,
            credential_public_key=public,
            # Each may be checked again and in any order, so a counter that is used twice is found by comparing all.
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
    is_local = key.host == _LOCAL and is_loopback(f"http://{name}")
    return f"http://localhost:{port}" if is_local else ""


def _origin_at(key: PublicKey, client: bytes) -> str:
    """Give the origin at which a passkey signs: its host's; on the local stack, which has any port, as it says."""
    if key.host != _LOCAL:
        return f"https://{key.host}"
    try:
        origin = msgspec.json.decode(client, type=_ClientData).origin
    except (msgspec.DecodeError, UnicodeError):
        return ""
    return origin if _LOCAL_ORIGIN.fullmatch(origin) else ""
