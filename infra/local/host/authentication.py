"""App Service authentication in front of the app: nobody gets to a function whom it hasn't let in.

As in Azure it sees a request before the host does, function keys included; it takes the headers away by which an app
knows who calls, whoever sent them, and sets them itself.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlencode

from aiohttp import hdrs, web
from multidict import CIMultiDict

from infra.local.host.auth_settings import AuthSettings, Unauthenticated
from infra.local.host.auth_tokens import Authority, AuthorityUnreachableError, BadTokenError, Claims, Sessions

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger("host.authentication")
_OF_THE_PLATFORM: Final = ("x-ms-client-principal", "x-ms-token-")
_BEARER: Final = "bearer "
_SESSION: Final = "AppServiceAuthSession"
_NONCE: Final = "Nonce"
_ROOT: Final = "/.auth"
_LONG: Final = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
}
"""Claims that the platform renames on the way; the others keep their short names."""

_NAME_TYPE: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_ROLE_TYPE: Final = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


class Authentication:
    """The front door. `secret` is what signs its sessions: the same after a restart, so that people stay signed in."""

    def __init__(self, settings: AuthSettings, *, secret: str) -> None:
        self._settings = settings
        self._authority = Authority(settings)
        self._sessions = Sessions(hmac.digest(secret.encode(), b"sessions", hashlib.sha256))

    async def answer(self, request: web.Request, app: Answer) -> web.StreamResponse:
        """Let a request through to the app, with who calls in its headers, or answer it here."""
        try:
            if request.path == _ROOT or request.path.startswith(f"{_ROOT}/"):
                return await self._own(request)
            claims = await self._caller(request)
        except BadTokenError as bad:
            _log.warning("%s %s: a token that opens nothing: %s", request.method, request.path, bad)
            return _unauthorized()
        except AuthorityUnreachableError as away:
            _log.error("nobody can be let in: %s", away)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        if claims is None and not self._settings.is_excluded(request.path):
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
        return await app(_marked(request, claims))

    async def _caller(self, request: web.Request) -> Claims | None:
        """Say who calls: the holder of a token, else of a session; None for nobody."""
        shown = request.headers.get(hdrs.AUTHORIZATION, "")
        if shown.lower().startswith(_BEARER):
            return await self._authority.claims(shown[len(_BEARER) :].strip())
        return self._sessions.claims(request.cookies.get(_SESSION, ""))

    def _refusal(self, request: web.Request) -> web.Response | None:
        match self._settings.action:
            case Unauthenticated.ALLOW:
                return None
            case Unauthenticated.RETURN_403:
                return web.Response(status=HTTPStatus.FORBIDDEN)
            case Unauthenticated.RETURN_401:
                return _unauthorized()
            case Unauthenticated.REDIRECT:
                if request.headers.get("X-Requested-With") == "XMLHttpRequest":
                    return _unauthorized()
                back = urlencode({"post_login_redirect_url": request.path_qs})
                return _redirect(f"{_ROOT}/login/aad?{back}")

    # -- its own addresses --

    async def _own(self, request: web.Request) -> web.Response:
        match request.method, request.path.removeprefix(_ROOT):
            case "GET", "/login/aad":
                return await self._sign_in(request)
            case "POST", "/login/aad/callback":
                return await self._signed_in(request)
            case "GET", "/me":
                return self._who_am_i(request)
            case "GET", "/logout":
                return _signed_out(request)
            case "GET", "/logout/complete":
                return web.Response(text="You are signed out.")
            case _:
                return web.Response(status=HTTPStatus.NOT_FOUND)

    async def _sign_in(self, request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(24)
        asked = {
            "response_type": "id_token",
            "response_mode": "form_post",
            "scope": "openid profile email",
            "client_id": self._settings.client_id,
            "redirect_uri": f"{request.url.origin()}{_ROOT}/login/aad/callback",
            "nonce": nonce,
            "state": urlencode({"redir": _local(_asked_for(request))}),
        }
        response = _redirect(f"{await self._authority.sign_in_page()}?{urlencode(asked)}")
        # The sign-in page sends the token by a form from another site, so the cookie has to come along from there.
        response.set_cookie(_NONCE, nonce, httponly=True, secure=True, samesite="None", max_age=900)
        return response

    async def _signed_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        claims = await self._authority.claims(str(form.get("id_token", "")))
        nonce = request.cookies.get(_NONCE, "")
        if not nonce or not hmac.compare_digest(nonce.encode(), str(claims.get("nonce", "")).encode()):
            raise BadTokenError("it wasn't asked for by this browser")
        back = parse_qs(str(form.get("state", ""))).get("redir", ["/"])[0]
        response = _redirect(_local(back))
        response.set_cookie(_SESSION, self._sessions.begin(claims), httponly=True, secure=True, samesite="None")
        response.del_cookie(_NONCE)
        return response

    def _who_am_i(self, request: web.Request) -> web.Response:
        claims = self._sessions.claims(request.cookies.get(_SESSION, ""))
        if claims is None:
            return _unauthorized()
        identity = {"provider_name": "aad", "user_id": _name(claims), "user_claims": _principal(claims)["claims"]}
        return web.json_response([identity])


def _marked(request: web.Request, claims: Claims | None) -> web.Request:
    """Give the request as the app sees it."""
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if not name.lower().startswith(_OF_THE_PLATFORM)
    )
    if claims is not None:
        headers["X-MS-CLIENT-PRINCIPAL"] = base64.b64encode(json.dumps(_principal(claims)).encode()).decode()
        headers["X-MS-CLIENT-PRINCIPAL-ID"] = str(claims.get("oid", claims.get("sub", "")))
        headers["X-MS-CLIENT-PRINCIPAL-NAME"] = _name(claims)
        headers["X-MS-CLIENT-PRINCIPAL-IDP"] = "aad"
    return request.clone(headers=headers)


def _principal(claims: Claims) -> Mapping[str, object]:
    typed = [
        {"typ": _LONG.get(name, name), "val": str(value)} for name, value in claims.items() if name != "session_until"
    ]
    return {"auth_typ": "aad", "claims": typed, "name_typ": _NAME_TYPE, "role_typ": _ROLE_TYPE}


def _name(claims: Claims) -> str:
    return str(claims.get("preferred_username") or claims.get("name") or claims.get("oid", ""))


def _unauthorized() -> web.Response:
    return web.Response(status=HTTPStatus.UNAUTHORIZED, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})


def _redirect(address: str) -> web.Response:
    return web.Response(status=HTTPStatus.FOUND, headers={hdrs.LOCATION: address})


def _asked_for(request: web.Request) -> str:
    """Give where the browser is to go after signing in, by either spelling that the platform takes."""
    spellings = ("post_login_redirect_uri", "post_login_redirect_url")
    return next((request.query[one] for one in spellings if one in request.query), "")


def _local(path: str) -> str:
    """Give a path within the app to go to after signing in; anything else would lead people away."""
    is_within = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_within else "/"


def _signed_out(request: web.Request) -> web.Response:
    asked = request.query.get("post_logout_redirect_uri", "")
    response = _redirect(_local(asked) if asked else f"{_ROOT}/logout/complete")
    response.del_cookie(_SESSION)
    return response
