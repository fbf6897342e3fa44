"""A Log Analytics workspace, through Microsoft's SDK: questions in Kusto, answers as rows."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.exceptions import HttpResponseError
    from azure.monitor.query import LogsQueryClient

WORKSPACE_READ: Final = "Microsoft.OperationalInsights/workspaces/query/read"
"""What asking needs, of Azure; "Log Analytics Data Reader" on the workspace gives it."""

_TIMEOUT_SECONDS: Final = 180
_POLICY: Final[Mapping[str, Any]] = {
    # What counts comes again in minutes, and then asks of all that it has missed.
    "retry_total": 0,
    "connection_timeout": 5,
    "read_timeout": _TIMEOUT_SECONDS + 20,
    "permit_redirects": False,
}


class Workspace:
    """One workspace, by its id, at the Log Analytics API `url`, asked as `credential`."""

    def __init__(self, *, url: str, workspace_id: str, credential: "TokenCredential", audience: str = "") -> None:
        self._url = url
        self._workspace_id = workspace_id
        self._credential = credential
        self._audience = audience or url
        self._client: LogsQueryClient | None = None
        self._starting = threading.Lock()

    def rows(self, query: str, *, over: timedelta) -> list[dict[str, Any]]:
        """Ask one question of the last `over`; gives each row by its columns' names, instants as aware datetimes.

        Raises EdgeError; an answer that the service gave in part is none.
        """
        from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - the SDK is imported on first use
        from azure.monitor.query import LogsQueryPartialResult  # noqa: PLC0415

        try:
            result = self._connected().query_workspace(
                self._workspace_id,
                query,
                timespan=over,
                server_timeout=_TIMEOUT_SECONDS,
                enforce_https=self._url.startswith("https:"),
            )
        except HttpResponseError as error:
            raise _meaning(error) from error
        except AzureError as error:
            raise Unreachable(f"Log Analytics gave no answer ({type(error).__name__})") from error
        if isinstance(result, LogsQueryPartialResult):
            raise Unreachable("Log Analytics answered in part only, which can't be told from too few records")
        if not result.tables:
            raise Unreachable("Log Analytics answered without a table")
        table = result.tables[0]
        return [dict(zip(table.columns, row, strict=True)) for row in table.rows]

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        with self._starting:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> "LogsQueryClient":
        from azure.monitor.query import LogsQueryClient  # noqa: PLC0415 - the SDK is imported on first use

        with self._starting:
            client = self._client = self._client or LogsQueryClient(
                self._credential, endpoint=self._url, audience=self._audience, **_POLICY
            )
        return client


def _meaning(error: "HttpResponseError") -> EdgeError:
    if error.response is None:
        # The SDK makes one error of all, and leaves the credential's own behind it.
        return Refused(f"no token for Log Analytics: {error.message}", status=401)
    status, code = int(error.status_code or 0), _code(error)
    said = f"Log Analytics answered {status} {code}".rstrip()
    match status:
        case 401 | 403:
            return Refused(f"{said} (it needs {WORKSPACE_READ})", status=status, code=code, needed=(WORKSPACE_READ,))
        case 429:
            return Throttled(said, code=code)
        case status if 400 <= status < 500:  # noqa: PLR2004 - HTTP's own numbers
            return Rejected(f"{said}: {error.message[:300]}", status=status, code=code)
        case _:
            return Unreachable(said, status=status, code=code)


def _code(error: "HttpResponseError") -> str:
    found = error.error
    return str(found.code or "") if found is not None else ""
