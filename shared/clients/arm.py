"""Azure Resource Manager over httpx, with azure-identity's token."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from shared.clients.api import Answer
from shared.model.errors import Refused, Unreachable

if TYPE_CHECKING:
    import httpx
    from azure.core.credentials import TokenCredential

_API_VERSION: Final = "2022-04-01"
_TIMEOUT_SECONDS: Final = 60


class ArmTransport:
    """Sends to ARM at `url`, as `credential`, always with the same version of Microsoft.Authorization's API."""

    def __init__(self, *, url: str, credential: "TokenCredential", audience: str = "") -> None:
        self._url = url
        self._scope = f"{audience or url}/.default"
        self._credential = credential
        self._client: httpx.Client | None = None
        self._starting = threading.Lock()

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Send one request. A `url` with a host must be a link that this ARM gave (a nextLink)."""
        import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature
        from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415

        if not url.startswith("/") and not url.startswith(f"{self._url}/"):
            raise Refused(f"a link to another host than {self._url} was not followed: {url[:200]}", status=0)
        own = url.startswith("/")
        with self._starting:
            client = self._client = self._client or httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False)
        try:
            token = self._credential.get_token(self._scope).token
            response = client.request(
                method,
                f"{self._url}{url}" if own else url,
                params={"api-version": _API_VERSION, **query} if own else None,
                content=body,
                headers={"Authorization": f"Bearer {token}", "Content-Type": content_type},
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"Azure Resource Manager gave no answer: {error!r}") from error
        except ClientAuthenticationError as error:
            raise Refused(f"no token for Azure Resource Manager: {error.message}", status=401) from error
        except AzureError as error:
            raise Unreachable(f"no token for Azure Resource Manager: {error.message}") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=response.content)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._starting:
            client, self._client = self._client, None
        if client is not None:
            client.close()
