"""One POST to a service that pages people, and what its answer means. Their addresses and keys are secrets.

A webhook's address is its whole credential, so neither an exception's text nor a log line ever holds it: exceptions are
raised outside the handler, so without a cause, and httpx, which logs the address of every request, is kept from it.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, override
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.escape import told

if TYPE_CHECKING:
    import ssl

_TIMEOUT: Final = timedelta(seconds=15)
_LONGEST_ANSWER: Final = 300
_SHORTEST_SECRET: Final = 6


class Said(Struct, frozen=True, kw_only=True):
    """What a service answered: its status, its words without our secrets, and the wait that it asks for."""

    status: int
    words: str
    retry_after: timedelta | None = None


class _WithoutQuery(logging.Filter):
    """Cuts the query off the addresses that httpx logs: a webhook's signature is in it."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(re.sub(r"\?.*", "?…", str(arg)) if _is_address(arg) else arg for arg in record.args)
        return True


def _is_address(arg: object) -> bool:
    return "://" in str(arg)


_FILTER: Final = _WithoutQuery()


def post_json(url: str, body: Mapping[str, Any], *, secrets: Iterable[str], service: str) -> Said:
    """Send `body` once. `secrets` are cut out of the service's words, should it repeat them.

    Raises:
        Unreachable: no answer came; whether the service got the message isn't known.
        Rejected: the address isn't one.
    """
    import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature

    logging.getLogger("httpx").addFilter(_FILTER)
    failure: EdgeError
    try:
        with httpx.Client(timeout=_TIMEOUT.total_seconds(), follow_redirects=False, verify=_tls()) as client:
            headers = {"Content-Type": "application/json"}
            response = client.post(url, content=msgspec.json.encode(body), headers=headers)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        failure = Rejected(f"the address of {service} is not a web address")
    except httpx.HTTPError as error:
        failure = Unreachable(f"{service} gave no answer ({type(error).__name__})")
    else:
        words = _without(response.text, secrets)
        retry_after = _retry_after(response.headers.get("retry-after", ""))
        return Said(status=response.status_code, words=told(words, _LONGEST_ANSWER), retry_after=retry_after)
    raise failure


@cache
def _tls() -> "ssl.SSLContext":
    """Load the certificate authorities once: that takes longer than a post."""
    import httpx  # noqa: PLC0415 - imported on first use, start-up is a feature

    return httpx.create_ssl_context()


def secrets_in(url: str) -> tuple[str, ...]:
    """Give what of an address must not be told: the values of its query, as written and decoded, and its path."""
    address, _, query = url.partition("?")
    path = address.partition("://")[2].partition("/")[2]
    values = [pair.partition("=")[2] for pair in query.split("&")]
    found = [url, path, query, *values, *map(unquote, values)]
    return tuple(text for text in found if len(text) >= _SHORTEST_SECRET)


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _retry_after(text: str) -> timedelta | None:
    """Seconds are what both services send; a date or nonsense counts as no hint."""
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) <= len("86400") else None


def meaning(said: Said, service: str, advice: Mapping[int, str]) -> EdgeError:
    """Give the error that an answer other than success means; `advice` says for a status what to do."""
    words = f" and said: {said.words}" if said.words else ""
    told_status = f"{service} answered {said.status}{words}"
    text = f"{told_status} ({advice[said.status]})" if said.status in advice else told_status
    match said.status:
        case 429:
            return Throttled(text, status=429, retry_after=said.retry_after)
        case 503 if said.retry_after is not None:
            return Throttled(text, status=503, retry_after=said.retry_after)
        case 401 | 403:
            return Refused(text, status=said.status)
        case status if status >= 500 or status == 408:  # noqa: PLR2004 - HTTP's own numbers
            return Unreachable(text, status=status)
        case status:
            return Rejected(text, status=status)
