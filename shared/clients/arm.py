"""Azure Resource Manager."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.clients.answers import MEBIBYTE, Answer, Limits
from shared.clients.http import Endpoint

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_API_VERSION: Final = "2022-04-01"
_LIMITS: Final = Limits(total=timedelta(seconds=60), largest=32 * MEBIBYTE)


class ArmTransport:
    """Sends to ARM at `url`, as `credential`, always with the same version of Microsoft.Authorization's API."""

    def __init__(
        self, *, url: str, credential: "TokenCredential", audience: str = "", limits: Limits = _LIMITS
    ) -> None:
        self._endpoint = Endpoint(
            service="Azure Resource Manager", url=url, limits=limits, credential=credential, audience=audience or url
        )

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Send one request. A `url` with a host must be a link that this ARM gave (a nextLink)."""
        versioned = {"api-version": _API_VERSION, **query}
        headers = {"Content-Type": content_type}
        return self._endpoint.exchange(method, url, query=versioned, body=body, headers=headers)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._endpoint.close()
