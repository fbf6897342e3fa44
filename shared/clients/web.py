"""One harmless question to a web server: is it there, and what does it say to somebody without a key?"""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from shared.clients.answers import Limits
from shared.clients.http import ask
from shared.model.errors import Rejected

_LIMITS: Final = Limits(total=timedelta(seconds=10), largest=1024, cut=True)
"""Nobody reads the body."""


class Heard(Struct, frozen=True, kw_only=True):
    """What a web server answered: its status, and its headers by their names in lower case."""

    status: int
    headers: dict[str, str]


class PlainWeb:
    """HTTP without a key, a token or a body. Redirects aren't followed."""

    def __init__(self, *, limits: Limits = _LIMITS) -> None:
        self._limits = limits

    def ask(self, method: str, url: str) -> Heard:
        """Send one request. Its address must hold no secret: it may be logged.

        Raises:
            Unreachable: no answer came.
            Rejected: the address isn't one.
        """
        try:
            host = urlsplit(url).netloc
        except ValueError as error:
            raise Rejected(f"{url} is not a web address") from error
        answer = ask(method, url, service=host or url, limits=self._limits)
        return Heard(status=answer.status, headers=answer.headers)
