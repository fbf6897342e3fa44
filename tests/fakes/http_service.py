"""A real HTTP service on loopback that answers as it is told and remembers what it was asked."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`cut` closes the connection in place of an answer; `claimed` is a Content-Length other than the body's.

    `drips` says of what ("body", "headers") there is one byte at a time, with no end. `keeps` says for how many seconds
    the connection may be used again; it isn't closed then.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: bool = False
    claimed: int | None = None
    drips: str = ""
    keeps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class HttpService:
    """`replies` are given in order, the last one for ever; `respond`, where it is there, makes them instead."""

    url: str
    replies: list[Reply]
    respond: Callable[[Asked], Reply] | None = None
    asked: list[Asked] = field(default_factory=list[Asked])
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)

    def reply(self, asked: Asked) -> Reply:
        """Note what was asked, and give the answer to it."""
        self.asked.append(asked)
        if self.respond is not None:
            return self.respond(asked)
        return self.replies[min(len(self.asked), len(self.replies)) - 1]


@contextmanager
def http_service(*replies: Reply, respond: Callable[[Asked], Reply] | None = None) -> Generator[HttpService]:
    server = _Server(("127.0.0.1", 0), _Handler)
    service = server.service = HttpService(
        url=f"http://127.0.0.1:{server.server_port}", replies=list(replies) or [Reply()], respond=respond
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: HttpService


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @override
    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.server.service.connections += 1

    def _answer(self) -> None:
        assert isinstance(self.server, _Server)
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = service.reply(Asked(method=self.command, path=self.path, headers=headers, body=body))
        self.close_connection = not reply.keeps
        if reply.cut:
            return
        if reply.drips:
            self._drip(reply, service.closing)
            return
        self.send_response(reply.status)
        length = len(reply.body) if reply.claimed is None else reply.claimed
        kept = {"Keep-Alive": f"timeout={reply.keeps}"} if reply.keeps else {"Connection": "close"}
        for name, value in (reply.headers | {"Content-Length": str(length)} | kept).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _drip(self, reply: Reply, closing: threading.Event) -> None:
        head = f"HTTP/1.1 {reply.status} OK\r\nContent-Type: application/json\r\n"
        head += "Content-Length: 1000000\r\n\r\n" if reply.drips == "body" else "X-Long: "
        with suppress(OSError):
            self.wfile.write(head.encode())
            while not closing.wait(0.02):
                self.wfile.write(b"x")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the standard library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the same
        """Say nothing on stderr."""
