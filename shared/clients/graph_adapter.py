"""The SDK's client for Graph, with this product's connections, tokens and answer to a claims challenge.

Imported when Graph is asked for the first time, since the SDK takes a while to import.
"""

from base64 import b64encode
from typing import Any, Final, cast, override

import httpx
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_http.middleware.options import RedirectHandlerOption, RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory
from msgraph_core.middleware.async_graph_transport import AsyncGraphTransport

from shared.clients.answers import Limits
from shared.clients.bounded import BoundedClient
from shared.clients.tokens import Tokens, claims_asked

_STRAIGHT: Final = {
    RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
    RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
}


class GraphAdapter(GraphRequestAdapter):
    """Sends to Graph at `root`, a URL with its version."""

    def __init__(self, root: str, tokens: Tokens, *, scope: str, limits: Limits) -> None:
        bounded = BoundedClient(limits, is_http2=True)
        self._bounded = GraphClientFactory.create_with_default_middleware(
            client=bounded, options={**options, **_STRAIGHT}
        )
        # The SDK takes asynchronous credentials too, and calls nothing but `get_token`.
        credential = cast("Any", tokens)
        super().__init__(AzureIdentityAuthenticationProvider(credential, scopes=[scope]), self._bounded)
        GraphServiceClient(request_adapter=self)
        self.base_url = root

    @override
    async def retry_cae_response_if_required(
        self, resp: httpx.Response, request_info: RequestInformation, claims: str
    ) -> httpx.Response:
        """Meet a claims challenge once, as all clients do; the SDK fails where one isn't padded, or isn't base64."""
        asked = "" if claims else claims_asked(resp.status_code, resp.headers.get("www-authenticate", ""))
        if not asked:
            return resp
        span = self.start_tracing_span(request_info, "claims_challenge")
        try:
            return await self.get_http_response_message(request_info, span, b64encode(asked.encode()).decode())
        finally:
            span.end()

    async def close(self) -> None:
        """Close the connections."""
        await self._bounded.aclose()
        # Closing stops at the SDK's wrapper: it doesn't hand it on to the connections.
        wrappers = (self._bounded._transport, *self._bounded._mounts.values())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        for wrapper in wrappers:
            if isinstance(wrapper, AsyncGraphTransport):
                await wrapper.transport.aclose()
