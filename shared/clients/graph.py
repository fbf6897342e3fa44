"""Microsoft Graph, through Microsoft's SDK.

The SDK's client gives authentication, connection handling and its middleware; bodies are sent and received as bytes and
decoded with msgspec, since the SDK's own models take seconds to import and are 600 times slower. Its retries are
switched off, since `api.py` decides about them, and so are redirects, which Graph has no use for. What holds for every
service holds here too: its connections are of `bounded.py`, its tokens and challenges of `tokens.py`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from shared.clients.answers import MEBIBYTE, Answer, Limits
from shared.clients.event_loop import run
from shared.clients.http import answer_to, longest, whole_url
from shared.clients.tokens import Tokens
from shared.model.once import Once

if TYPE_CHECKING:
    import httpx
    from azure.core.credentials import TokenCredential
    from kiota_abstractions.request_information import RequestInformation
    from kiota_abstractions.request_option import RequestOption

    from shared.clients.graph_adapter import GraphAdapter

_SERVICE: Final = "Microsoft Graph"
_LIMITS: Final = Limits(total=timedelta(seconds=60), largest=64 * MEBIBYTE)
_WHOLE_WORDS: Final = "include-unknown-enum-members"
"""Without it Graph writes "unknownFutureValue" for every word that is newer than an enumeration's first version."""

_CLOSING: Final = timedelta(seconds=10)


class _Raw:
    """Hands the HTTP response over untouched, instead of having it parsed into the SDK's models."""

    async def handle_response_async(self, response: "httpx.Response", _error_map: object) -> "httpx.Response":
        return response


class GraphTransport:
    """Sends to one version ("v1.0" or "beta") of Graph at `url`, with a token of `credential` for `audience`."""

    def __init__(
        self,
        *,
        url: str,
        version: str,
        credential: "TokenCredential",
        audience: str = "",
        limits: Limits = _LIMITS,
    ) -> None:
        self._root = f"{url}/{version}"
        self._scope = f"{audience or url}/.default"
        self._tokens = Tokens(credential, service=_SERVICE)
        self._limits = limits
        self._adapter = Once(self._connect)

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        """Send one request. A `url` with a host must be a link that this Graph gave (a nextLink)."""
        whole_url(self._root, url)
        adapter = self._adapter()
        request = self._request(method, url, query)
        if body is not None:
            request.set_stream_content(body, content_type)

        async def sent() -> "httpx.Response":
            return cast("httpx.Response", await adapter.send_primitive_async(request, "bytes", {}))

        return run(answer_to(_SERVICE, sent()), service=_SERVICE, within=longest(self._limits))

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        adapter = self._adapter.take()
        if adapter is not None:
            run(adapter.close(), service=_SERVICE, within=_CLOSING)

    def _request(self, method: str, url: str, query: Mapping[str, str]) -> "RequestInformation":
        from kiota_abstractions.method import Method  # noqa: PLC0415 - the SDK is imported on first use
        from kiota_abstractions.request_information import RequestInformation  # noqa: PLC0415
        from kiota_http.middleware.options import ResponseHandlerOption  # noqa: PLC0415

        names = ",".join(f"%24{name.removeprefix('$')}" for name in query)
        template = "{+baseurl}" + url + (f"{{?{names}}}" if names else "")
        request = RequestInformation(Method(method), template, {"baseurl": self._root})
        if not url.startswith("/"):
            request.url = url
        for name, value in query.items():
            request.query_parameters[f"%24{name.removeprefix('$')}"] = value
        request.headers.try_add("Accept", "application/json, application/xml")
        request.headers.try_add("Prefer", _WHOLE_WORDS)
        # It has the abstract handler's one method; inheriting from that would import the SDK with this module.
        handler: Any = _Raw()
        options: list[RequestOption] = [ResponseHandlerOption(handler)]
        request.add_request_options(options)
        return request

    def _connect(self) -> "GraphAdapter":
        from shared.clients.graph_adapter import GraphAdapter  # noqa: PLC0415 - the SDK is imported on first use

        return GraphAdapter(self._root, self._tokens, scope=self._scope, limits=self._limits)
