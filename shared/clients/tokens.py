"""Access tokens: fetched outside the event loop, and fetched again when a service answers with a claims challenge.

azure-identity's credentials block. On the event loop, one tenant's slow sign-in service would stop all requests of the
process.
"""

import asyncio
import binascii
import re
import threading
from base64 import urlsafe_b64decode
from collections.abc import Hashable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from shared.model.errors import Refused, Unreachable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

TOKEN_WITHIN: Final = timedelta(seconds=30)
"""How long a request waits for its token. The credential keeps a token that arrives later for the next request."""

_CLAIMS: Final = re.compile(r'\bclaims="([^"]+)"')
_UNAUTHORIZED: Final = 401


class Tokens:
    """An asynchronous credential over a blocking one. `service` is the name in errors.

    Requests that need the same token at the same moment share one call of the credential. Used on one event loop only.
    """

    def __init__(self, credential: "TokenCredential", *, service: str, within: timedelta = TOKEN_WITHIN) -> None:
        self._credential = credential
        self._service = service
        self._within = within
        self._coming: dict[Hashable, asyncio.Future[AccessToken | Exception]] = {}

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = True,
        **_options: Any,  # noqa: ANN401 - the signature of a credential
    ) -> "AccessToken":
        """Give a token for `scopes`; with `claims`, one that a service has asked for in a challenge.

        Raises:
            Refused: the sign-in service refuses the identity or its certificate.
            Unreachable: the sign-in service didn't answer in time, or something else did.
        """
        from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415 - imported on first use

        del tenant_id
        key = (scopes, claims, enable_cae)
        coming = self._coming.get(key) or self._ask(key, *scopes, claims=claims, enable_cae=enable_cae)
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                got = await asyncio.shield(coming)
        except TimeoutError:
            raise Unreachable(f"no token for {self._service} after {self._within.total_seconds():g} s") from None
        match got:
            case ClientAuthenticationError():
                raise Refused(f"no token for {self._service}: {got.message}", status=_UNAUTHORIZED) from got
            case AzureError():
                raise Unreachable(f"no token for {self._service}: {got.message}") from got
            case Exception():
                raise got
            case token:
                return token

    def _ask(self, key: Hashable, *scopes: str, **options: Any) -> "asyncio.Future[AccessToken | Exception]":  # noqa: ANN401
        """Call the credential on a new thread, which ends when the credential answers, however late."""
        loop = asyncio.get_running_loop()
        coming: asyncio.Future[AccessToken | Exception] = loop.create_future()
        self._coming[key] = coming
        coming.add_done_callback(lambda _: self._coming.pop(key, None))

        def ask() -> None:
            try:
                got = self._credential.get_token(*scopes, **options)
            except Exception as error:  # noqa: BLE001 - raised where the token is waited for
                got = error
            loop.call_soon_threadsafe(coming.set_result, got)

        threading.Thread(target=ask, name="token", daemon=True).start()
        return coming


def claims_asked(status: int, www_authenticate: str) -> str:
    """Give the claims that a response demands of a new token, as JSON; "" where it has no claims challenge.

    This is continuous access evaluation: a service refuses a token that hasn't expired, since a session was revoked or
    a condition changed. See https://learn.microsoft.com/entra/identity-platform/claims-challenge.
    """
    found = _CLAIMS.search(www_authenticate) if status == _UNAUTHORIZED else None
    if found is None:
        return ""
    encoded = found[1].rstrip("=")
    try:
        claims = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        msgspec.json.decode(claims, type=dict[str, Any])
    except (binascii.Error, UnicodeDecodeError, msgspec.DecodeError):
        return ""
    return claims
