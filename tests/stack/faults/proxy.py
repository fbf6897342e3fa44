"""A reverse proxy that a test puts in front of a service, to do something at one chosen request.

Nothing is sent twice: a client library in the middle could repeat a request by itself, so bytes are passed on here.
"""

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_HEAD_END: Final = b"\r\n\r\n"
_HOST: Final = "127.0.0.1"
_CLOSE_WITHIN: Final = 10.0
_OF_A_BATCH: Final = re.compile(rb"\r\n(?:POST|PUT|PATCH|DELETE) \S*?/(\w+)(?:\(| )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that passed. `status` is 0 when no answer was given; times are of the monotonic clock, in seconds."""

    request: str
    status: int
    began: float
    ended: float


@dataclass(slots=True, kw_only=True)
class _Rule:
    """What to do at the first request whose `METHOD path` the pattern finds something in.

    With `after` it is done when the request has been carried out, else before that. With `cut` no answer is given, and
    a request that hasn't been carried out by then never is.
    """

    match: re.Pattern[str]
    do: Callable[[], object]
    after: bool
    cut: bool
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the proxy uses HTTPS on both sides: as whom to the clients, and whom it believes that the service is."""

    certificate: Path
    authority: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Service:
    """Where requests are passed on to; `tls` is None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    line: str
    content: bytes

    @property
    def name(self) -> str:
        """The method and the path, without the query; of a batch of rows, with the table that they are in."""
        method, target, _ = self.line.split(" ", 2)
        name = f"{method} {target.partition('?')[0]}"
        written = _OF_A_BATCH.search(self.content) if name.endswith("/$batch") else None
        return f"{name} {written[1].decode()}" if written else name


class Proxy:
    """Fronts for any number of services, played by one thread while the context is open.

    Each request is passed on after `delay` seconds.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.delay = 0.0
        self._rules: list[_Rule] = []
        self._away: list[re.Pattern[str]] = []
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_CLOSE_WITHIN)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_WITHIN)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def front(self, url: str, *, tls: Tls | None = None) -> str:
        """Listen for a service and give its address with this proxy's host and port in it; HTTPS needs `tls`."""
        parts = urlsplit(url)
        assert parts.hostname, url
        assert parts.port, url
        assert (parts.scheme == "https") is (tls is not None), url
        trusting = ssl.create_default_context(cafile=tls.authority) if tls else None
        service = _Service(host=parts.hostname, port=parts.port, tls=trusting)
        port = asyncio.run_coroutine_threadsafe(self._listen(service, tls), self._loop).result(10)
        return parts._replace(netloc=f"{_HOST}:{port}").geturl()

    async def _listen(self, service: _Service, tls: Tls | None) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A client that was killed takes its end of the connection with it.
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                await self._serve(reader, writer, service)
            writer.transport.abort()

        server = await asyncio.start_server(serve, _HOST, 0, ssl=_shown(tls) if tls else None)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def at(self, match: str, do: Callable[[], object], *, after: bool, cut: bool) -> threading.Event:
        """Do something at the next request whose `METHOD path` matches; gives what tells that it was done.

        It is done after the request was carried out, or else before; with `cut` the connection is cut then.
        """
        rule = _Rule(match=re.compile(match), do=do, after=after, cut=cut)
        self._rules.append(rule)
        return rule.done

    @contextmanager
    def away(self, match: str) -> Generator[None]:
        """Cut off every request whose `METHOD path` matches, for as long as the context is open."""
        pattern = re.compile(match)
        self._away.append(pattern)
        try:
            yield
        finally:
            self._away.remove(pattern)

    def clear(self) -> None:
        """Forget the rules and what was seen."""
        self._rules.clear()
        self.seen.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: _Service) -> None:
        request = await _read_request(reader)
        began = time.monotonic()
        await asyncio.sleep(self.delay)
        rule = next((rule for rule in self._rules if rule.match.search(request.name)), None)
        if rule is not None:
            self._rules.remove(rule)
        away = any(pattern.search(request.name) for pattern in self._away)
        answer = b"" if away else await self._answer(request, rule, service)
        status = int(answer[9:12]) if answer else 0
        self.seen.append(Seen(request=request.name, status=status, began=began, ended=time.monotonic()))
        if answer:
            writer.write(answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _answer(self, request: _Request, rule: _Rule | None, service: _Service) -> bytes:
        """Give what is to be answered; nothing means that the connection is to be cut."""
        if rule is None:
            return await _forwarded(request, service)
        answer = await _forwarded(request, service) if rule.after else b""
        await self._loop.run_in_executor(None, rule.do)
        rule.done.set()
        if rule.cut:
            return b""
        return answer if rule.after else await _forwarded(request, service)


def _shown(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate)
    return context


async def _read_request(reader: asyncio.StreamReader) -> _Request:
    """Read one request, and ask for the connection to be closed after it."""
    head = (await reader.readuntil(_HEAD_END)).removesuffix(_HEAD_END)
    line, *headers = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in headers)}
    assert "transfer-encoding" not in fields, "this proxy passes on bodies of known length only"
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    kept = [header for header in headers if header.partition(":")[0].lower() not in {"connection", "keep-alive"}]
    return _Request(
        line=line, content="\r\n".join([line, *kept, "Connection: close"]).encode("latin-1") + _HEAD_END + body
    )


async def _forwarded(request: _Request, service: _Service) -> bytes:
    """Give the service's answer, empty when the service cut the connection."""
    try:
        reader, writer = await asyncio.open_connection(service.host, service.port, ssl=service.tls)
    except ConnectionError:
        return b""
    try:
        writer.write(request.content)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()
