"""One request to a web server without credentials, to see whether it is there and how it answers."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from shared.clients.answers import Limits
from shared.clients.http import ask
from shared.model.errors import Rejected

_LIMITS: Final = Limits(total=timedelta(seconds=10), largest=1024, cut=True)
"""The body isn't used, so it is cut."""


class WebResponse(Struct, frozen=True, kw_only=True):
    """The response of a web server: status, and headers by their lower-case names."""

    status: int
    headers: dict[str, str]


class PlainWeb:
    """Sends HTTP requests without a key, a token or a body. Redirects aren't followed."""

    def __init__(self, *, limits: Limits = _LIMITS) -> None:
        self._limits = limits

    def ask(self, method: str, url: str) -> WebResponse:
        """Send one request. The address must contain no secret, because it may be logged.

        Raises:
            Unreachable: no answer came.
            Rejected: the address isn't one.
        """
        try:
            host = urlsplit(url).netloc
        except ValueError as error:
            raise Rejected(f"{url} is not a web address") from error
        answer = ask(method, url, service=host or url, limits=self._limits)
        return WebResponse(status=answer.status, headers=answer.headers)
