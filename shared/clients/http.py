"""The way to every service that is asked over HTTP: Graph, ARM, Log Analytics, Teams, PagerDuty. One set of rules.

- A request is sent once. Whether it is repeated is decided by who knows what it does: `api.py`, the outbox.
- It ends: its answer is whole within a fixed time and of a bounded size, or there is none (`bounded.py`).
- Its token is asked for beside the event loop, and a claims challenge is met once, with a new token (`tokens.py`).
- It goes to the service that it is meant for: links to other places and redirects are refused.
- No answer, 408 and 5xx mean that nobody knows whether it was carried out; 429, that it wasn't (`answers.py`).
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
"""What the last resort leaves to the limits that should have held before it."""


def whole_url(root: str, url: str) -> str:
    """Give the address that a request goes to: a path below `root`, or a whole link that the service gave.

    Raises:
        Refused: the link leads to another host, another port, another scheme, or out of what lies below `root`.
    """
    import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature

    if url.startswith("/"):
        return f"{root}{url}"
    try:
        # Read as it will be read when it is sent: another reader might see another host in it.
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
    """Give what comes back.

    What httpx raises may quote an address or a header, so of that only the kind is told, and no cause is left behind.

    Raises:
        Unreachable: no whole answer came.
        Rejected: there was nowhere to send it, since the address isn't one.
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
    """Send one request without a token, over a connection of its own. Raises as `answer_to` does."""
    from shared.clients.bounded import BoundedClient  # noqa: PLC0415 - imported on first use, start-up is a feature

    async def sent() -> Answer:
        async with BoundedClient(limits, is_http2=False) as client:
            return await answer_to(service, client.request(method, url, content=body, headers=headers))

    return run(sent(), service=service, within=limits.total + _A_MOMENT)


class Endpoint:
    """A service at `url`, asked as `credential` with tokens for `audience`, over connections that stay open."""

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
        """Send one request to a path, or to a whole link that this service gave, which has its query in it.

        Raises:
            Refused: there is no token for this identity, or the link leads elsewhere.
            Unreachable: no whole answer came, from the service or from who gives the token.
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
    """How long an exchange can take by its own limits: twice, where a challenge is met, and a little more."""
    return 2 * (TOKEN_WITHIN + limits.total) + _A_MOMENT
