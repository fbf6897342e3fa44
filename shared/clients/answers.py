"""Responses of HTTP services: their limits, and the error that each status means. The same for every service."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from msgspec import Struct

from shared.model.clock import Clock
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable

MEBIBYTE: Final = 1024 * 1024
_LONGEST_HINT: Final = timedelta(days=11)
"""A longer wait than this is taken for nonsense."""


class Limits(Struct, frozen=True, kw_only=True):
    """What one request may take.

    `total` is the time from connecting to the last byte of the response. `largest` is the size of the unpacked body in
    bytes. A larger body is an error; with `cut` it is cut to that size instead.
    """

    total: timedelta
    largest: int
    cut: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """What a service answered: status, headers with lower-case names, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is a success, 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers


def meaning(answer: Answer, said: str, *, clock: Clock, code: str = "", needed: Sequence[str] = ()) -> EdgeError:
    """Give the error that a response other than a success means, with the text `said`.

    `code` is the service's error code, `needed` are the permissions that the call needs.
    """
    match answer.status:
        case 401 | 403 as status:
            return Refused(said, status=status, code=code, needed=needed)
        case 429:
            return Throttled(said, code=code, retry_after=retry_after(answer, clock))
        case status if status == 408 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
            return Unreachable(said, status=status, code=code, retry_after=retry_after(answer, clock))
        case status if 300 <= status < 400:  # noqa: PLR2004
            return Rejected(f"{said} (it redirects elsewhere, which is not followed)", status=status, code=code)
        case status:
            return Rejected(said, status=status, code=code)


def retry_after(answer: Answer, clock: Clock) -> timedelta | None:
    """Give the wait that a response asks for in Retry-After, as seconds or a date; None without a plausible one."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - seldom needed, start-up is a feature

    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= len("999999"):
        wait = timedelta(seconds=int(text))
    else:
        try:
            wait = max(parsedate_to_datetime(text).astimezone(UTC) - clock(), timedelta())
        except (ValueError, TypeError, OverflowError):
            return None
    return wait if wait <= _LONGEST_HINT else None
