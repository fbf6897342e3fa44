"""The client for a Log Analytics workspace: runs a query in Kusto and gives its rows.

https://learn.microsoft.com/azure/azure-monitor/logs/api/overview
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from shared.clients.answers import MEBIBYTE, Answer, Limits, meaning
from shared.clients.http import Endpoint
from shared.model.clock import Clock, utc_now
from shared.model.errors import EdgeError, Unreachable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

WORKSPACE_READ: Final = "Microsoft.OperationalInsights/workspaces/query/read"
"""The Azure permission for queries; the role "Log Analytics Data Reader" on the workspace contains it."""

_SERVICE: Final = "Log Analytics"
_ON_THE_SERVER: Final = timedelta(minutes=3)
"""The time limit that the service is asked to apply to a query."""

_LIMITS: Final = Limits(total=_ON_THE_SERVER + timedelta(seconds=20), largest=110 * MEBIBYTE)
"""The service's largest response has 100 MB."""

_LONGEST_WORDS: Final = 300


class _Column(Struct, frozen=True):
    name: str
    type: str


class _Table(Struct, frozen=True):
    columns: list[_Column]
    rows: list[list[Any]]


class _Error(Struct, frozen=True):
    code: str | None = ""
    message: str | None = ""


class _Answer(Struct, frozen=True):
    tables: list[_Table] = []
    error: _Error | None = None


class Workspace:
    """The workspace with id `workspace_id`, queried at the Log Analytics API `url` with tokens of `credential`."""

    def __init__(
        self,
        *,
        url: str,
        workspace_id: str,
        credential: "TokenCredential",
        audience: str = "",
        clock: Clock = utc_now,
        limits: Limits = _LIMITS,
    ) -> None:
        self._path = f"/v1/workspaces/{workspace_id}/query"
        self._clock = clock
        self._endpoint = Endpoint(
            service=_SERVICE, url=url, limits=limits, credential=credential, audience=audience or url
        )

    def rows(self, query: str, *, over: timedelta) -> list[dict[str, Any]]:
        """Run one query over the last `over`; gives each row by its columns' names, instants as aware datetimes.

        Raises EdgeError, also for a partial result. A query isn't retried: the counting timer runs again in minutes and
        covers the time that it missed.
        """
        asked = {"query": query, "timespan": f"PT{over.total_seconds()}S"}
        headers = {"Content-Type": "application/json", "Prefer": f"wait={_ON_THE_SERVER.total_seconds():.0f}"}
        answer = self._endpoint.exchange("POST", self._path, query={}, body=msgspec.json.encode(asked), headers=headers)
        if not answer.is_success:
            raise self._refusal(answer)
        return _rows(_decoded(answer))

    def close(self) -> None:
        """Close the connections; the next query opens new ones."""
        self._endpoint.close()

    def _refusal(self, answer: Answer) -> EdgeError:
        try:
            error = msgspec.json.decode(answer.body, type=_Answer).error or _Error()
        except (msgspec.DecodeError, UnicodeDecodeError):
            error = _Error()
        said = f"{_SERVICE} answered {answer.status} {error.code or ''}".rstrip()
        needed: tuple[str, ...] = ()
        if answer.status in {401, 403}:
            said, needed = f"{said} (it needs {WORKSPACE_READ})", (WORKSPACE_READ,)
        elif answer.status < 500 and error.message:  # noqa: PLR2004 - HTTP's own number
            said = f"{said}: {error.message[:_LONGEST_WORDS]}"
        return meaning(answer, said, clock=self._clock, code=error.code or "", needed=needed)


def _decoded(answer: Answer) -> _Answer:
    try:
        return msgspec.json.decode(answer.body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(f"{_SERVICE} sent a response that can't be read: {error}") from error


def _rows(answer: _Answer) -> list[dict[str, Any]]:
    if answer.error is not None:
        raise Unreachable(f"{_SERVICE} gave a partial result, so the counts may be too low")
    if not answer.tables:
        raise Unreachable(f"{_SERVICE} answered without a table")
    table = answer.tables[0]
    try:
        return [
            {column.name: _value(column, value) for column, value in zip(table.columns, row, strict=True)}
            for row in table.rows
        ]
    except ValueError as error:
        raise Unreachable(f"{_SERVICE} sent a row that can't be read: {error}") from error


def _value(column: _Column, value: Any) -> Any:  # noqa: ANN401 - any value of JSON
    return datetime.fromisoformat(value) if column.type == "datetime" and isinstance(value, str) else value
