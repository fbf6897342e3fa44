"""Microsoft Graph, through Microsoft's SDK.

The SDK's client gives authentication, connection handling and its middleware; bodies are sent and received as bytes and
decoded with msgspec, since the SDK's own models take seconds to import and are 600 times slower. Its retries are
switched off, since `edges.py` decides about them, and so are redirects, which Graph has no use for.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from shared.clients.api import Answer
from shared.model.errors import Refused, Unreachable

if TYPE_CHECKING:
    import httpx
    from azure.core.credentials import TokenCredential
    from kiota_abstractions.request_information import RequestInformation
    from kiota_abstractions.request_option import RequestOption
    from msgraph.graph_request_adapter import GraphRequestAdapter

_TIMEOUT_SECONDS: Final = 60


class _Loop:
    """One event loop on a thread of its own, for the SDK, which is asynchronous only."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="graph", daemon=True).start()

    def run[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(_TIMEOUT_SECONDS * 2)
        except TimeoutError as error:
            future.cancel()
            raise Unreachable(f"Microsoft Graph gave no answer in {_TIMEOUT_SECONDS * 2} s") from error


class _Raw:
    """Hands the HTTP response over untouched, instead of having it parsed into the SDK's models."""

    async def handle_response_async(self, response: "httpx.Response", _error_map: object) -> "httpx.Response":
        await response.aread()
        return response


class GraphTransport:
    """Sends to one version ("v1.0" or "beta") of Graph at `url`, with a token of `credential` for `audience`."""

    _loop: _Loop | None = None
    _starting = threading.Lock()

    def __init__(self, *, url: str, version: str, credential: "TokenCredential", audience: str = "") -> None:
        self._root = f"{url}/{version}"
        self._scopes = [f"{audience or url}/.default"]
        self._credential = credential
        self._adapter: GraphRequestAdapter | None = None
        self._client: httpx.AsyncClient | None = None

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Send one request. A `url` with a host must be a link that this Graph gave (a nextLink)."""
        if not url.startswith("/") and not url.startswith(f"{self._root}/"):
            raise Refused(f"a link to another host than {self._root} was not followed: {url[:200]}", status=0)
        with GraphTransport._starting:
            GraphTransport._loop = GraphTransport._loop or _Loop()
            adapter = self._adapter = self._adapter or self._make_adapter()
        request = self._request(method, url, query)
        if body is not None:
            request.set_stream_content(body, content_type)
        return GraphTransport._loop.run(_send(adapter, request))

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with GraphTransport._starting:
            client, self._client, self._adapter = self._client, None, None
        if client is not None and GraphTransport._loop is not None:
            GraphTransport._loop.run(_close(client))

    def _request(self, method: str, url: str, query: Mapping[str, str]) -> "RequestInformation":
        from kiota_abstractions.method import Method  # noqa: PLC0415 - the SDK is imported on first use
        from kiota_abstractions.request_information import RequestInformation  # noqa: PLC0415

        names = ",".join(f"%24{name.removeprefix('$')}" for name in query)
        template = "{+baseurl}" + url + (f"{{?{names}}}" if names else "")
        request = RequestInformation(Method(method), template, {"baseurl": self._root})
        if not url.startswith("/"):
            request.url = url
        for name, value in query.items():
            request.query_parameters[f"%24{name.removeprefix('$')}"] = value
        request.headers.try_add("Accept", "application/json, application/xml")
        return request

    def _make_adapter(self) -> "GraphRequestAdapter":
        import httpx  # noqa: PLC0415 - the SDK is imported on first use
        from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: PLC0415
            AzureIdentityAuthenticationProvider,
        )
        from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption  # noqa: PLC0415
        from msgraph.graph_request_adapter import GraphRequestAdapter, options  # noqa: PLC0415
        from msgraph.graph_service_client import GraphServiceClient  # noqa: PLC0415
        from msgraph_core import GraphClientFactory  # noqa: PLC0415

        straight = {
            RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
            RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
        }
        client = self._client = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, http2=True), options={**options, **straight}
        )
        provider = AzureIdentityAuthenticationProvider(self._credential, scopes=self._scopes)
        adapter = GraphRequestAdapter(provider, client)
        adapter.base_url = self._root
        GraphServiceClient(request_adapter=adapter)
        adapter.base_url = self._root
        return adapter


async def _send(adapter: "GraphRequestAdapter", request: "RequestInformation") -> Answer:
    import httpx  # noqa: PLC0415 - the SDK is imported on first use
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415
    from kiota_http.middleware.options import ResponseHandlerOption  # noqa: PLC0415

    # It has the abstract handler's one method; inheriting from that would import the SDK with this module.
    handler: Any = _Raw()
    options: list[RequestOption] = [ResponseHandlerOption(handler)]
    request.add_request_options(options)
    try:
        response: httpx.Response | None = await adapter.send_primitive_async(request, "bytes", {})
    except httpx.HTTPError as error:
        raise Unreachable(f"Microsoft Graph gave no answer: {error!r}") from error
    except ClientAuthenticationError as error:
        raise Refused(f"no token for Microsoft Graph: {error.message}", status=401) from error
    except AzureError as error:
        raise Unreachable(f"no token for Microsoft Graph: {error.message}") from error
    if response is None:
        raise Unreachable("Microsoft Graph gave no answer")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=response.content)


async def _close(client: "httpx.AsyncClient") -> None:
    from msgraph_core.middleware.async_graph_transport import AsyncGraphTransport  # noqa: PLC0415 - imported by now

    await client.aclose()
    # Closing stops at the SDK's wrapper: it doesn't hand it on to the connections.
    wrappers = (client._transport, *client._mounts.values())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    for wrapper in wrappers:
        if isinstance(wrapper, AsyncGraphTransport):
            await wrapper.transport.aclose()
