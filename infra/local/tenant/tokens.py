"""Access tokens: who holds one, and what it says."""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import jwt

from infra.local import world
from infra.local.tenant.api_error import ApiError
from infra.local.world import Principal

GRAPH = "https://graph.microsoft.com"
ARM = "https://management.azure.com"
STORAGE = "https://storage.azure.com"
_AUDIENCES = {
    GRAPH: GRAPH,
    "00000003-0000-0000-c000-000000000000": GRAPH,
    ARM: ARM,
    "https://management.core.windows.net": ARM,
    STORAGE: STORAGE,
}
_STORAGE_ACCOUNT = re.compile(r"https://[a-z0-9]{3,24}\.(blob|queue|table)\.core\.windows\.net")
_REMEMBERED = 200
_APP_OF_PEOPLE = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
"""People come through the Azure portal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The holder of a valid token. `roles` are Graph application permissions, `claims` the token's own."""

    principal: Principal
    app_id: str
    roles: frozenset[str]
    unthrottled: bool
    claims: Mapping[str, Any]


def audience_of(resource: str) -> str | None:
    """Name the API that a resource, or a scope without `/.default`, stands for; None when it isn't played here.

    A storage account's own address is an audience of its own: a token for it opens no other account.
    """
    name = resource.rstrip("/").lower()
    return name if _STORAGE_ACCOUNT.fullmatch(name) else _AUDIENCES.get(name)


class TokenIssuer:
    """Signs with a random key of this process: a token of another run is refused."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._checked: dict[tuple[str, str], Caller] = {}

    def issue(
        self, principal: Principal, audience: str, *, roles: frozenset[str], lifetime: int, unthrottled: bool = False
    ) -> str:
        """Make a token; a negative `lifetime` makes one that has run out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{principal.tenant}/",
            "iat": now,
            "nbf": now - 300 + min(lifetime, 0),
            "exp": now + lifetime,
            "tid": principal.tenant,
            "oid": principal.id,
            "sub": principal.id,
            "appid": principal.client_id or _APP_OF_PEOPLE,
            "ver": "1.0",
            "unthrottled": unthrottled,
        }
        if principal.kind == "user":
            claims |= {"idtyp": "user", "upn": principal.upn, "name": principal.name, "ipaddr": principal.ip}
            claims |= {"amr": ["pwd", "mfa"], "scp": "user_impersonation"}
        else:
            claims |= {"idtyp": "app", "appidacr": "2", "roles": sorted(roles) if audience == GRAPH else []}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def as_service(self, principal: Principal, audience: str) -> Caller:
        """Make the caller that one of Microsoft's services is when it acts by itself."""
        token = self.issue(principal, audience, roles=frozenset(), lifetime=3600, unthrottled=True)
        return self.read(f"Bearer {token}", audience)

    def read(self, authorization: str | None, audience: str) -> Caller:
        """Check the `Authorization` header; raises ApiError in the words of Graph or of Azure Resource Manager."""
        if not authorization or not authorization.startswith("Bearer "):
            raise _refused(audience, "Access token is empty.", arm_code="AuthenticationFailed")
        token = authorization.removeprefix("Bearer ")
        known = self._checked.get((token, audience))
        if known is not None and known.claims["exp"] > time.time():
            return known
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], audience=audience)
        except jwt.ExpiredSignatureError as error:
            message = "Lifetime validation failed, the token is expired."
            raise _refused(audience, message, arm_code="ExpiredAuthenticationToken") from error
        except jwt.InvalidAudienceError as error:
            message = "Access token validation failure. Invalid audience."
            raise _refused(audience, message, arm_code="InvalidAuthenticationTokenAudience") from error
        except jwt.InvalidTokenError as error:
            message = "IDX14100: JWT is not well formed, or its signature is not valid."
            raise _refused(audience, message, arm_code="InvalidAuthenticationToken") from error
        caller = _caller(claims)
        self._remember(token, audience, caller)
        return caller

    def _remember(self, token: str, audience: str, caller: Caller) -> None:
        """Keep a token that was checked, and drop the oldest of many: checking takes as long as all the rest."""
        if len(self._checked) >= _REMEMBERED:
            self._checked.pop(next(iter(self._checked)))
        self._checked[token, audience] = caller

    def holder(self, authorization: str | None) -> str | None:
        """Tell whose token this is, for the request log; None when there is none or it is not ours."""
        token = (authorization or "").removeprefix("Bearer ")
        for audience in (GRAPH, ARM):
            if (token, audience) in self._checked:
                return self._checked[token, audience].principal.id
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                options={"verify_aud": False, "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims["oid"])


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(
        principal=world.PRINCIPALS_BY_ID[claims["oid"]],
        app_id=claims["appid"],
        roles=frozenset(claims.get("roles", [])),
        unthrottled=claims["unthrottled"],
        claims=claims,
    )


def _refused(audience: str, message: str, *, arm_code: str) -> ApiError:
    code = "InvalidAuthenticationToken" if audience == GRAPH else arm_code
    challenge = {"WWW-Authenticate": f'Bearer realm="", authorization_uri="{audience}", error="invalid_token"'}
    return ApiError(HTTPStatus.UNAUTHORIZED, code, message, headers=challenge)
