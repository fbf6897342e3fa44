"""A Log Analytics service on loopback, over HTTP: it executes what it is asked, over rows that a test gives it."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.http_service import Asked, Reply, http_service
from tests.fakes.kql_rows import Json
from tests.fakes.kql_workspace import Workspace, to_sql


@dataclass(slots=True, kw_only=True)
class LogAnalytics:
    """`rows` are those of all tables; as many of the next questions are `refused`. `asked` are the queries."""

    now: datetime
    url: str = ""
    rows: list[Json] = field(default_factory=list[Json])
    refused: int = 0
    asked: list[str] = field(default_factory=list[str])
    workspace: Workspace = field(default_factory=Workspace)

    def reply(self, asked: Asked) -> Reply:
        """Answer a request, or refuse it."""
        if self.refused > 0:
            self.refused -= 1
            return _json({"error": {"code": "InsufficientAccessError", "message": "not yours"}}, status=403)
        question = json.loads(asked.body)
        return _json(self.answer(question["query"], question["timespan"]))

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


def _json(body: Json, *, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


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
    with http_service(respond=service.reply) as served:
        service.url = served.url
        yield service
