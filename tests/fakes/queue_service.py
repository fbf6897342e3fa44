"""A storage queue for Event Grid that answers as it is told."""

import base64
import json
import ssl
import threading
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class QueueService:
    """Keeps the messages that came; `statuses` are the answers to the next ones, 201 when there are none left."""

    def __init__(self, *, server: ssl.SSLContext | None = None) -> None:
        """`server` has it answer by HTTPS."""
        self.events: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.queries: list[dict[str, list[str]]] = []
        self.authorizations: list[str] = []
        self.statuses: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "https" if server else "http"
        if server is not None:
            self._server.socket = server.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Of the queue, without anything that opens it."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/account/resource-events"

    @property
    def signed(self) -> str:
        """The address with a shared access signature, in characters that must come through as they are."""
        return f"{self.address}?sp=a&sig=a%2Fb%3D%3D"

    @property
    def subjects(self) -> list[str]:
        """The resources that the events so far were about."""
        return [event["subject"] for event in self.events]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                parts = urlsplit(self.path)
                service.paths.append(parts.path)
                service.queries.append(parse_qs(parts.query))
                service.authorizations.append(self.headers.get("Authorization", ""))
                text = ET.fromstring(body).findtext("MessageText") or ""  # noqa: S314 - our own tenant's
                service.events.append(json.loads(base64.b64decode(text, validate=True)))
                self.send_response(service.statuses.pop(0) if service.statuses else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        return Handler
