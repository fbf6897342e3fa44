"""One harmless question to a web server: is it there, and what does it say to somebody without a key?"""

from urllib.parse import urlsplit

from msgspec import Struct

from shared.model.errors import Rejected, Unreachable

_TIMEOUT_SECONDS = 10


class Heard(Struct, frozen=True, kw_only=True):
    """What a web server answered: its status, and its headers by their names in lower case."""

    status: int
    headers: dict[str, str]


class PlainWeb:
    """HTTP without a key, a token or a body. Redirects aren't followed."""

    def ask(self, method: str, url: str) -> Heard:
        """Send one request. Its address must hold no secret: it may be logged.

        Raises:
            Unreachable: no answer came.
            Rejected: the address isn't one.
        """
        import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature

        try:
            host = urlsplit(url).netloc
        except ValueError as error:
            raise Rejected(f"{url} is not a web address") from error
        try:
            with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
                response = client.request(method, url)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Rejected(f"{url} is not a web address") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{host} gave no answer ({type(error).__name__})") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Heard(status=response.status_code, headers=headers)
