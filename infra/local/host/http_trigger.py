"""HTTP triggers: which function a request is for, who may call it, and its answer."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import cast

from aiohttp import hdrs, web
from multidict import CIMultiDict, MultiMapping

from infra.local.host.errors import AppError
from infra.local.host.functions import RETURN, Function
from infra.local.host.invocations import Invocations
from infra.local.host.keys import Keys
from infra.local.host.messages import NullableValue, RpcHttp, RpcHttpCookie, TypedData
from infra.local.host.outputs import HTTP
from infra.local.host.routes import Route, route_from

_log = logging.getLogger("host.http")
_SAME_SITE = {1: "Lax", 2: "Strict", 3: "None"}
# aiohttp reckons these itself from the body it is given.
_NOT_PASSED_ON = (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING)


class AuthLevel(StrEnum):
    """Which key a function asks for."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFunction:
    """A function with an HTTP trigger; no methods means any."""

    function: Function
    route: Route
    methods: frozenset[str]
    level: AuthLevel

    def takes(self, method: str) -> bool:
        """Say whether it answers this method."""
        return not self.methods or method in self.methods


def http_function_from(function: Function, route_prefix: str) -> HttpFunction:
    """Read an HTTP trigger.

    Raises:
        AppError: its route, a method or its level can't be.
    """
    settings = function.trigger.settings
    template = str(settings.get("route") or function.name)
    methods = cast("Sequence[object]", settings.get("methods") or ())
    level = str(settings.get("authLevel") or AuthLevel.FUNCTION).lower()
    try:
        return HttpFunction(
            function=function,
            route=route_from(f"{route_prefix}/{template.lstrip('/')}"),
            methods=frozenset(str(method).upper() for method in methods),
            level=AuthLevel(level),
        )
    except ValueError as error:
        raise AppError(f"Function {function.name}: its route {template!r} can't be played: {error}.") from None


def key_in(request: web.Request) -> str:
    """Give the key a caller shows: in the header x-functions-key, else as ?code=; empty when there is none."""
    return request.headers.get("x-functions-key") or request.query.get("code", "")


class HttpTriggers:
    """Plays the app's HTTP triggers."""

    def __init__(self, *, functions: Iterable[HttpFunction], keys: Keys, invocations: Invocations) -> None:
        self._functions = sorted(functions, key=lambda http: (http.route.rank, http.function.name))
        self._keys = keys
        self._invocations = invocations

    async def answer(self, request: web.Request) -> web.Response:
        """Run the function a request is for: 404 without one, 405 for a method it doesn't take, 401 without its key."""
        matches = [
            (http, values)
            for http in self._functions
            if (values := http.route.read(request.rel_url.raw_path)) is not None
        ]
        if not matches:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        taken = next((match for match in matches if match[0].takes(request.method)), None)
        if taken is None:
            allowed = sorted({method for http, _ in matches for method in http.methods})
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: ", ".join(allowed)})
        http, values = taken
        if not self._may_call(http, key_in(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        return await self._run(http.function, request, values)

    def _may_call(self, http: HttpFunction, key: str) -> bool:
        match http.level:
            case AuthLevel.ANONYMOUS:
                return True
            case AuthLevel.FUNCTION:
                return self._keys.opens_function(key)
            case AuthLevel.ADMIN:
                return self._keys.opens_admin(key)

    async def _run(self, function: Function, request: web.Request, values: Mapping[str, str]) -> web.Response:
        asked = RpcHttp(
            method=request.method,
            url=str(request.url),
            headers=_joined(request.headers),
            query=_joined(request.query),
            params=values,
            body=TypedData(bytes=await request.read()),
        )
        outcome = await self._invocations.run(
            function, TypedData(http=asked), detail=f"{request.method} {request.rel_url.raw_path}"
        )
        if not outcome.is_ok:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return _response_from(outcome.returned.get(_answering_output(function)))


def _answering_output(function: Function) -> str:
    return next((binding.name for binding in function.outputs if binding.type == HTTP), RETURN)


def _joined(pairs: MultiMapping[str]) -> dict[str, str]:
    return {name: ",".join(pairs.getall(name)) for name in dict.fromkeys(pairs)}


def _response_from(data: TypedData | None) -> web.Response:
    if data is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if not isinstance(data.value, RpcHttp):
        body, kind = _body_of(data), "application/json" if data.kind == "json" else "text/plain"
        return web.Response(body=body, content_type=kind, charset="utf-8")
    headers = CIMultiDict(data.value.headers)
    for name in _NOT_PASSED_ON:
        headers.popall(name, None)
    response = web.Response(status=int(data.value.status_code), headers=headers, body=_body_of(data.value.body))
    for cookie in data.value.cookies or ():
        _set_cookie(response, cookie)
    return response


def _body_of(data: TypedData) -> bytes:
    return data.value if isinstance(data.value, bytes) else str(data.value or "").encode()


def _set_cookie(response: web.Response, cookie: RpcHttpCookie) -> None:
    expires = _value(cookie.expires)
    age = _value(cookie.max_age)
    response.set_cookie(
        cookie.name,
        cookie.value,
        domain=_value(cookie.domain) or None,
        path=_value(cookie.path) or "/",
        expires=format_datetime(datetime.fromtimestamp(expires.seconds, UTC), usegmt=True) if expires else None,
        max_age=None if age is None else int(age),
        secure=bool(_value(cookie.secure)),
        httponly=bool(_value(cookie.http_only)),
        samesite=_SAME_SITE.get(cookie.same_site),
    )


def _value(nullable: NullableValue | None):  # noqa: ANN202 - each attribute of a cookie has a type of its own
    return nullable.value if nullable else None
