"""A service on loopback that answers as it is told and remembers what it was sent."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override


@dataclass(slots=True, kw_only=True)
class Service:
    """What it answers next, and what came. Status 0 cuts the connection without an answer."""

    url: str = ""
    status: int = 202
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    paths: list[str] = field(default_factory=list[str])
    bodies: list[Any] = field(default_factory=list[Any])
    raw: list[bytes] = field(default_factory=list[bytes])
    received: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """The headers of each request, by name in lower case."""


@contextmanager
def answering_service() -> Generator[Service]:
    """Run one."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.paths.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.received.append({name.lower(): value for name, value in self.headers.items()})
            service.raw.append(body)
            service.bodies.append(json.loads(body))
            if service.status == 0:
                self.close_connection = True
                return
            answer = service.body.encode()
            self.send_response(service.status)
            for name, value in {**service.headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
