"""The host's addresses on loopback: the app's HTTP triggers, and running a function by hand."""

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import hdrs, web

from infra.local.host.authentication import Authentication
from infra.local.host.errors import SettingsError
from infra.local.host.http_trigger import HttpTriggers, key_in
from infra.local.host.invocations import Outcome
from infra.local.host.keys import Keys

HOST = "127.0.0.1"
_ADMIN = "/admin/functions/"
_LARGEST_BODY = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_LARGEST_BODY_OTHERWISE = 100 * 1024 * 1024

type RunByHand = Callable[[str], Coroutine[object, object, Outcome]]
"""Makes ready to run one function on the text of its input; a ValueError says what is wrong with the text."""


def bind(port: int) -> socket.socket:
    """Take a port on loopback before the app is loaded, so that the app can be told its own address.

    Raises:
        SettingsError: the port is taken.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise SettingsError(f"Port {port} can't be used: {error.strerror}. Port 0 takes any free one.") from None


def largest_body(setting: Callable[[str], str | None]) -> int:
    """Give the most bytes of a request's body, by the app's settings; larger ones are answered with 413.

    Raises:
        SettingsError: it isn't a number.
    """
    text = (setting(_LARGEST_BODY) or "").strip()
    if text and not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{_LARGEST_BODY} is {text!r}: it should be a number of bytes.")
    return int(text) if text else _LARGEST_BODY_OTHERWISE


class Server:
    """Answers on the socket it is given."""

    def __init__(
        self,
        *,
        http: HttpTriggers,
        by_hand: Mapping[str, RunByHand],
        authentication: Authentication | None,
        keys: Keys,
        stopping: asyncio.Event,
        largest_body: int = _LARGEST_BODY_OTHERWISE,
    ) -> None:
        self._largest_body = largest_body
        self._http = http
        self._by_hand = by_hand
        self._authentication = authentication
        self._keys = keys
        self._stopping = stopping
        self._by_hand_running: set[asyncio.Task[Outcome]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, listening: socket.socket) -> None:
        """Begin to answer."""
        application = web.Application(client_max_size=self._largest_body)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def stop(self) -> None:
        """Take no more requests; those under way go on."""
        if self._runner:
            for site in list(self._runner.sites):
                await site.stop()

    async def close(self) -> None:
        """Close the connections."""
        if self._runner:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self._stopping.is_set():
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={hdrs.CONNECTION: "close"})
        if self._authentication:
            return await self._authentication.answer(request, self._answer_of_host)
        return await self._answer_of_host(request)

    async def _answer_of_host(self, request: web.Request) -> web.StreamResponse:
        path = request.path.lower()
        if path.startswith(_ADMIN):
            return await self._run_by_hand(request)
        return await self._http.answer(request)

    async def _run_by_hand(self, request: web.Request) -> web.Response:
        """Start a function that isn't called by HTTP: POST `{"input": text}` with the master key gives 202 at once."""
        if not self._keys.opens_admin(key_in(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        prepare = self._by_hand.get(request.path[len(_ADMIN) :])
        if prepare is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if request.method != hdrs.METH_POST:
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: hdrs.METH_POST})
        try:
            run = asyncio.create_task(prepare(_input_in(await request.read())))
        except ValueError as error:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=str(error))
        self._by_hand_running.add(run)
        run.add_done_callback(self._by_hand_running.discard)
        return web.Response(status=HTTPStatus.ACCEPTED)


def _input_in(body: bytes) -> str:
    """Give the text a function is to be run on by hand; no body is an empty text."""
    if not body.strip():
        return ""
    content: object = json.loads(body)
    given = cast("dict[str, object]", content).get("input", "") if isinstance(content, dict) else None
    if not isinstance(given, str):
        raise ValueError('the body must be {"input": text}')  # noqa: TRY004 - the body is wrong, not a type
    return given
