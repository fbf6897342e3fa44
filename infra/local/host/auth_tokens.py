"""Tokens shown to the app's front door: the authority's, checked by its published keys, and the door's own sessions."""

import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import jwt

from infra.local.host.auth_settings import AuthSettings
from infra.local.host.connections import trusted_authorities

type Claims = Mapping[str, Any]

_SESSION_SECONDS: Final = 8 * 3600
_LEEWAY: Final = 300
_AGAIN_AFTER: Final = 10.0
"""Seconds after which the authority's keys are read again for a token that is signed with an unknown one."""


class BadTokenError(Exception):
    """A token opens nothing; the text says why and nothing of the token."""


class AuthorityUnreachableError(Exception):
    """The authority's keys couldn't be read, so nobody can be let in."""


class Authority:
    """The tenant's authority: where people sign in, and which keys sign its tokens."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._metadata: Mapping[str, str] = {}
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")

    async def sign_in_page(self) -> str:
        """Give the address where people sign in.

        Raises:
            AuthorityUnreachableError: the authority didn't say.
        """
        return (await self._known())["authorization_endpoint"]

    async def claims(self, token: str) -> Claims:
        """Check a token for the app and give what it says.

        Raises:
            BadTokenError: it isn't one, has run out, or is for somebody else.
            AuthorityUnreachableError: the keys couldn't be read.
        """
        metadata = await self._known()
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._settings.audiences,
                issuer=metadata["issuer"],
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise BadTokenError(str(error)) from error

    async def _key(self, key_id: str) -> jwt.PyJWK:
        if key_id not in self._keys and time.monotonic() - self._read_at > _AGAIN_AFTER:
            await self._read()
        if key_id not in self._keys:
            raise jwt.InvalidTokenError("it is signed with a key that the authority doesn't publish")
        return self._keys[key_id]

    async def _known(self) -> Mapping[str, str]:
        if not self._metadata:
            await self._read()
        return self._metadata

    async def _read(self) -> None:
        try:
            async with aiohttp.ClientSession(raise_for_status=True) as web:
                options: Any = {"ssl": trusted_authorities()}
                async with web.get(f"{self._settings.issuer}/.well-known/openid-configuration", **options) as answer:
                    metadata: dict[str, str] = await answer.json()
                async with web.get(metadata["jwks_uri"], **options) as answer:
                    keys: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
            raise AuthorityUnreachableError(f"{self._settings.issuer}: {type(error).__name__}") from error
        self._metadata = metadata
        self._keys = {str(key.key_id): key for key in jwt.PyJWKSet.from_dict(keys).keys}
        self._read_at = time.monotonic()


class Sessions:
    """The cookie that a browser holds once somebody has signed in: what the id token said, under a key of the app's."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def begin(self, claims: Claims) -> str:
        """Write the cookie's value."""
        return jwt.encode({**claims, "session_until": time.time() + _SESSION_SECONDS}, self._key, algorithm="HS256")

    def claims(self, cookie: str) -> Claims | None:
        """Give what the id token said; None when the cookie isn't ours or is over."""
        try:
            claims = jwt.decode(
                cookie, self._key, algorithms=["HS256"], options={"verify_aud": False, "verify_exp": False}
            )
        except jwt.InvalidTokenError:
            return None
        return claims if claims.get("session_until", 0) > time.time() else None
