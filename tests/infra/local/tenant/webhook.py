"""An endpoint for Event Grid that answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

type Consent = Literal["given", "withheld", "wrong", "refused"]


class Webhook:
    """Keeps the deliveries; `statuses` are the answers to the next ones, 200 when there are none left."""

    def __init__(self) -> None:
        self.deliveries: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.handshakes: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.consent: Consent = "given"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
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
    def url(self) -> str:
        """With a query as Azure Functions' own endpoint has one."""
        return f"http://127.0.0.1:{self._server.server_port}/runtime/webhooks/EventGrid?functionName=f&code=a%2Fb%3D%3D"

    @property
    def subjects(self) -> list[str]:
        """The resources that the deliveries so far were about."""
        return [
            delivery["subject"] if "subject" in delivery else delivery[0]["subject"] for delivery in self.deliveries
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers["aeg-event-type"] == "SubscriptionValidation":
                    webhook.handshakes.append(body[0]["data"] | {"path": self.path})
                    code = body[0]["data"]["validationCode"] if webhook.consent == "given" else "wrong"
                    answer = {} if webhook.consent == "withheld" else {"validationResponse": code}
                    self._answer(403 if webhook.consent == "refused" else 200, json.dumps(answer).encode())
                    return
                webhook.headers.append(dict(self.headers.items()))
                webhook.deliveries.append(body)
                self._answer(webhook.statuses.pop(0) if webhook.statuses else 200)

            def do_OPTIONS(self) -> None:
                webhook.handshakes.append({"callback": self.headers["WebHook-Request-Callback"]})
                origins = {"given": self.headers["WebHook-Request-Origin"], "wrong": "example.org"}
                self._answer(403 if webhook.consent == "refused" else 200, origin=origins.get(webhook.consent, ""))

            def _answer(self, status: int, body: bytes = b"", *, origin: str = "") -> None:
                self.send_response(status)
                if origin:
                    self.send_header("WebHook-Allowed-Origin", origin)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        return Handler
