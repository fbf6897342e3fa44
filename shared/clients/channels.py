"""Posts to the services that page people, and the meaning of their responses.

A webhook's address is its whole credential, so no error text and no log line contains it.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from shared.clients.answers import Limits, meaning
from shared.clients.http import ask
from shared.model.clock import Clock, utc_now
from shared.model.escape import shown

LIMITS: Final = Limits(total=timedelta(seconds=15), largest=64 * 1024, cut=True)
"""Only the beginning of a response is used, in error texts, so a longer one is cut."""

_LONGEST_ANSWER: Final = 300
_SHORTEST_SECRET: Final = 6


def post_json(
    url: str,
    body: Mapping[str, Any],
    *,
    secrets: Iterable[str],
    service: str,
    advice: Mapping[int, str],
    clock: Clock = utc_now,
    limits: Limits = LIMITS,
) -> None:
    """Send `body` once. Returning means that the service accepted it.

    `secrets` are removed from the response's text before it is shown. `advice` says for each status what to do.

    Raises:
        Refused, Rejected: the service won't take it; the text has its words and the advice.
        Throttled, Unreachable: worth another try; whether the service got the message isn't known of the second.
    """
    headers = {"Content-Type": "application/json"}
    answer = ask("POST", url, service=service, limits=limits, body=msgspec.json.encode(body), headers=headers)
    if answer.is_success:
        return
    words = shown(_without(answer.body.decode(errors="replace"), secrets), _LONGEST_ANSWER)
    said = f"{service} answered {answer.status}{f' and said: {words}' if words else ''}"
    text = f"{said} ({advice[answer.status]})" if answer.status in advice else said
    raise meaning(answer, text, clock=clock)


def secrets_in(url: str) -> tuple[str, ...]:
    """Give the secret parts of an address: the values of its query, as written and decoded, and its path."""
    address, _, query = url.partition("?")
    path = address.partition("://")[2].partition("/")[2]
    values = [pair.partition("=")[2] for pair in query.split("&")]
    found = [url, path, query, *values, *map(unquote, values)]
    return tuple(text for text in found if len(text) >= _SHORTEST_SECRET)


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text
