"""A Log Analytics service on loopback, over HTTP: it executes what it is asked, over rows that a test gives it."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

from tests.shared.kql_rows import Json
from tests.shared.kql_workspace import Workspace, to_sql


@dataclass(slots=True, kw_only=True)
class LogAnalytics:
    """`rows` are those of all tables; as many of the next questions are `refused`. `asked` are the queries."""

    now: datetime
    url: str = ""
    rows: list[Json] = field(default_factory=list[Json])
    refused: int = 0
    asked: list[str] = field(default_factory=list[str])
    workspace: Workspace = field(default_factory=Workspace)

    def answer(self, query: str, timespan: str) -> Json:
        """Execute a query over the rows of a time (PT…S) that ends now, and answer as the service does."""
        self.asked.append(query)
        since = self.now - timedelta(seconds=float(timespan.removeprefix("PT").removesuffix("S")))
        self.workspace.put([row for row in self.rows if datetime.fromisoformat(row["TimeGenerated"]) >= since])
        found = self.workspace.answered(to_sql(query))
        names = list(found[0]) if found else ["hour"]
        columns = [{"name": name, "type": _kind([row[name] for row in found])} for name in names]
        rows = [[_cell(row[name]) for name in names] for row in found]
        return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]}


def _kind(values: list[Any]) -> str:
    return "datetime" if any(isinstance(value, datetime) for value in values) else "string"


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat()}Z"
    return json.dumps(value) if isinstance(value, list | dict) else value


@contextmanager
def log_analytics(*, now: datetime) -> Generator[LogAnalytics]:
    """Run one whose clock stands at `now`."""
    service = LogAnalytics(now=now)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if service.refused > 0:
                service.refused -= 1
                self._give(403, {"error": {"code": "InsufficientAccessError", "message": "not yours"}})
                return
            self._give(200, service.answer(asked["query"], asked["timespan"]))

        def _give(self, status: int, body: Json) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

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
