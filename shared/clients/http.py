"""The transport for every HTTP service: Graph, ARM, Log Analytics, Teams, PagerDuty. One set of rules for all of them.

- A request is sent once. Retrying is the caller's decision: `api.py` for the tenants, the outbox for pages.
- A request ends: the whole answer arrives within a fixed time and a fixed size, or it counts as lost (`bounded.py`).
- Tokens are fetched outside the event loop. A claims challenge is answered once, with a new token (`tokens.py`).
- A token never reaches another host: redirects and links to other hosts are refused.
- After a lost answer, 408 or 5xx the request may have been carried out; after 429 it wasn't (`answers.py`).
"""

from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.clients.answers import Answer, Limits
from shared.clients.event_loop import run
from shared.clients.tokens import TOKEN_WITHIN, Tokens, claims_asked
from shared.model.errors import EdgeError, Refused, Rejected, Unreachable
from shared.model.once import Once

if TYPE_CHECKING:
    import httpx
    from azure.core.credentials import TokenCredential

    from shared.clients.bounded import BoundedClient

_A_MOMENT: Final = timedelta(seconds=10)
"""How much later than the other time limits the outermost one ends a request."""


def whole_url(root: str, url: str) -> str:
    """Give the URL to send a request to, for a path below `root` or for a next link that the service gave.

    Raises:
        Refused: the link has another scheme, host or port than `root`, or a path outside it.
    """
    import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature

    if url.startswith("/"):
        return f"{root}{url}"
    try:
        # httpx parses it here as it does when sending: a second parser could find another host in the same text.
        link, own = httpx.URL(url), httpx.URL(root)
    except httpx.InvalidURL:
        link, own = None, None
    if (
        link is None
        or own is None
        or link.userinfo
        or (link.scheme, link.host, link.port) != (own.scheme, own.host, own.port)
        or not link.raw_path.startswith(own.raw_path.rstrip(b"/") + b"/")
    ):
        raise Refused(f"a link to another host than {root} was not followed: {url[:200]}", status=0)
    return url


async def answer_to(service: str, sending: "Awaitable[httpx.Response]") -> Answer:
    """Wait for the response and give it as an Answer.

    httpx's exceptions may quote an address or a header, which can be secrets. So the errors raised here name only the
    exception's class, and have no cause.

    Raises:
        Unreachable: no whole answer came; the request may have been carried out.
        Rejected: the address isn't a URL of http or https; nothing was sent.
    """
    import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature

    from shared.clients.bounded import LimitPassed  # noqa: PLC0415

    failure: EdgeError
    try:
        response = await sending
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        failure = Rejected(f"the address of {service} is not a web address")
    except LimitPassed as passed:
        failure = Unreachable(f"{service} gave no answer ({passed})")
    except (httpx.HTTPError, UnicodeError) as error:
        failure = Unreachable(f"{service} gave no answer ({type(error).__name__})")
    else:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=response.content)
    raise failure


def ask(
    method: str,
    url: str,
    *,
    service: str,
    limits: Limits,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request without a token, on a new connection. Raises what `answer_to` raises."""
    from shared.clients.bounded import BoundedClient  # noqa: PLC0415 - imported on first use, start-up is a feature

    async def sent() -> Answer:
        async with BoundedClient(limits, is_http2=False) as client:
            return await answer_to(service, client.request(method, url, content=body, headers=headers))

    return run(sent(), service=service, within=limits.total + _A_MOMENT)


class Endpoint:
    """The service at `url`, called with tokens of `credential` for `audience`. Connections are kept open."""

    def __init__(self, *, service: str, url: str, limits: Limits, credential: "TokenCredential", audience: str) -> None:
        self._service = service
        self._url = url
        self._limits = limits
        self._scope = f"{audience}/.default"
        self._tokens = Tokens(credential, service=service)
        self._client = Once(self._connect)

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send one request to a path, or to a next link of this service, to which no query is added.

        Raises:
            Refused: this identity gets no token, or the link leads to another host.
            Unreachable: no token or no whole answer came in time.
        """
        address = whole_url(self._url, url)
        client = self._client()

        async def once(claims: str | None) -> Answer:
            token = await self._tokens.get_token(self._scope, claims=claims)
            sent = {"Authorization": f"Bearer {token.token}", **headers}
            params = query if url.startswith("/") else None
            return await answer_to(
                self._service, client.request(method, address, params=params, content=body, headers=sent)
            )

        async def exchanged() -> Answer:
            answer = await once(None)
            claims = claims_asked(answer.status, answer.headers.get("www-authenticate", ""))
            return await once(claims) if claims else answer

        return run(exchanged(), service=self._service, within=longest(self._limits))

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        client = self._client.take()
        if client is not None:
            run(client.aclose(), service=self._service, within=_A_MOMENT)

    def _connect(self) -> "BoundedClient":
        from shared.clients.bounded import BoundedClient  # noqa: PLC0415 - imported on first use, start-up is a feature

        return BoundedClient(self._limits, is_http2=False)


def longest(limits: Limits) -> timedelta:
    """Give the outermost limit of an exchange: two tokens and two requests, as after a challenge, and seconds more."""
    return 2 * (TOKEN_WITHIN + limits.total) + _A_MOMENT
