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
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

_HEAD_END: Final = b"\r\n\r\n"
_HOST: Final = "127.0.0.1"
_CLOSE_WITHIN: Final = 10.0
_FRESH_FOR: Final = 2.0
"""Seconds after which a connection to a service isn't used again: one that is left alone the service may close."""

_WITHOUT_BODY: Final = (204, 304)
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

    Each request is passed on after `delay` seconds. `writes` counts those so far that may have changed something.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.writes = 0
        self.delay = 0.0
        self._rules: list[_Rule] = []
        self._away: list[re.Pattern[str]] = []
        self._refused: list[re.Pattern[str]] = []
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
        with _among(self._away, match):
            yield

    @contextmanager
    def refused(self, match: str) -> Generator[None]:
        """Answer every request whose `METHOD path` matches with 403, for as long as the context is open."""
        with _among(self._refused, match):
            yield

    def clear(self) -> None:
        """Forget the rules and what was seen."""
        self._rules.clear()
        self.seen.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: _Service) -> None:
        """Pass on what comes over one connection of a client, one request after the other, until either end closes."""
        behind = _Behind(service)
        try:
            while (answer := await self._answered(await _read_request(reader), behind)) is not None:
                writer.write(answer.content)
                await writer.drain()
                if answer.is_last:
                    writer.close()
                    await writer.wait_closed()
                    return
        finally:
            behind.cut()

    async def _answered(self, request: _Request, behind: "_Behind") -> "_Answer | None":
        began = time.monotonic()
        await asyncio.sleep(self.delay)
        rule = next((rule for rule in self._rules if rule.match.search(request.name)), None)
        if rule is not None:
            self._rules.remove(rule)
        if any(pattern.search(request.name) for pattern in self._refused):
            answer: _Answer | None = _REFUSED
        elif any(pattern.search(request.name) for pattern in self._away):
            answer = None
        else:
            answer = await self._answer(request, rule, behind)
        status = answer.status if answer else 0
        self.seen.append(Seen(request=request.name, status=status, began=began, ended=time.monotonic()))
        self.writes += not request.name.startswith("GET ")
        return answer

    async def _answer(self, request: _Request, rule: _Rule | None, behind: "_Behind") -> "_Answer | None":
        """Give what is to be answered; None means that the connection is to be cut."""
        if rule is None:
            return await behind.ask(request)
        answer = await behind.ask(request) if rule.after else None
        await self._loop.run_in_executor(None, rule.do)
        rule.done.set()
        if rule.cut:
            return None
        return answer if rule.after else await behind.ask(request)


@contextmanager
def _among(patterns: list[re.Pattern[str]], match: str) -> Generator[None]:
    pattern = re.compile(match)
    patterns.append(pattern)
    try:
        yield
    finally:
        patterns.remove(pattern)


def _shown(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate)
    return context


class _Head(NamedTuple):
    """The first line of a request or of an answer, its headers by their names in small letters, and all as it came."""

    line: str
    fields: dict[str, str]
    content: bytes

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.fields.get("transfer-encoding", "").lower()

    @property
    def closes(self) -> bool:
        return self.fields.get("connection", "").lower() == "close"


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    content = await reader.readuntil(_HEAD_END)
    line, *headers = content.removesuffix(_HEAD_END).decode("latin-1").split("\r\n")
    named = (header.partition(":") for header in headers)
    return _Head(line, {name.lower(): value.strip() for name, _, value in named}, content)


async def _read_request(reader: asyncio.StreamReader) -> _Request:
    head = await _read_head(reader)
    assert not head.is_chunked, "this proxy passes on bodies of known length only"
    body = await reader.readexactly(int(head.fields.get("content-length", "0")))
    return _Request(line=head.line, content=head.content + body)


class _Answer(NamedTuple):
    """A whole answer as it came; `is_last` when the service closes the connection after it."""

    status: int
    content: bytes
    is_last: bool


_REFUSED: Final = _Answer(403, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", is_last=False)


async def _read_answer(reader: asyncio.StreamReader, to: _Request) -> _Answer:
    head = await _read_head(reader)
    status = int(head.line.split(" ", 2)[1])
    if to.line.startswith("HEAD ") or status in _WITHOUT_BODY:
        return _Answer(status, head.content, head.closes)
    if head.is_chunked:
        return _Answer(status, head.content + await _read_chunks(reader), head.closes)
    if "content-length" in head.fields:
        body = await reader.readexactly(int(head.fields["content-length"]))
        return _Answer(status, head.content + body, head.closes)
    return _Answer(status, head.content + await reader.read(), is_last=True)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = bytearray()
    while True:
        size = await reader.readuntil(b"\r\n")
        chunks += size
        if not (length := int(size.partition(b";")[0], 16)):
            end = await reader.readuntil(b"\r\n")
            assert end == b"\r\n", "this proxy passes on no trailers"
            return bytes(chunks + end)
        chunks += await reader.readexactly(length + 2)


class _Behind:
    """The connection to a service that belongs to one connection of a client.

    It is kept from one request to the next, since most of a short request is the handshake before it.
    """

    def __init__(self, service: _Service) -> None:
        self._service = service
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_at = 0.0

    async def ask(self, request: _Request) -> _Answer | None:
        """Give the service's answer; None when the service cut the connection."""
        if time.monotonic() - self._used_at > _FRESH_FOR:
            self.cut()
        try:
            reader, writer = self._open = self._open or await self._opened()
            writer.write(request.content)
            answer = await _read_answer(reader, request)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            self.cut()
            return None
        self._used_at = time.monotonic()
        if answer.is_last:
            self.cut()
        return answer

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._service.host, self._service.port, ssl=self._service.tls)

    def cut(self) -> None:
        """Close it, at once."""
        if self._open is not None:
            self._open[1].transport.abort()
            self._open = None
