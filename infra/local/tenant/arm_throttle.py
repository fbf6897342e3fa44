"""The published limits of Azure Resource Manager: token buckets per subscription, principal and kind of request.

Source: Microsoft Learn, "Understand how Azure Resource Manager throttles requests": reads 250 tokens and 25 a second,
deletes and writes 200 and 10, and fifteen times as much for all principals of a subscription together.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from infra.local.tenant.api_error import ApiError
from infra.local.tenant.pace import Buckets
from infra.local.tenant.tokens import Caller

type Kind = Literal["reads", "writes", "deletes"]

_ALL_PRINCIPALS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """`refill` is in tokens a second."""

    size: int
    refill: float


_LIMITS: Final[dict[Kind, _Limit]] = {
    "reads": _Limit(size=250, refill=25),
    "writes": _Limit(size=200, refill=10),
    "deletes": _Limit(size=200, refill=10),
}
_IN_MESSAGES: Final[dict[Kind, str]] = {"reads": "read", "writes": "write", "deletes": "delete"}


def kind_of(method: str) -> Kind:
    """Sort a request into the bucket it is counted in."""
    match method:
        case "GET" | "HEAD":
            return "reads"
        case "DELETE":
            return "deletes"
        case _:
            return "writes"


class ArmThrottle:
    """Refused requests cost nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._buckets = Buckets(clock)

    def clear(self) -> None:
        """Forget every request."""
        self._buckets.clear()

    def count(self, caller: Caller, method: str, *, subscription: str) -> dict[str, str]:
        """Let a request through and give the headers that tell what is left; raises ApiError 429 with Retry-After.

        Requests that name no subscription have buckets of their own, per tenant.
        """
        kind = kind_of(method)
        limit = _LIMITS[kind]
        place = f"subscription {subscription}" if subscription else f"tenant {caller.principal.tenant}"
        own, shared = f"{place} {kind} {caller.principal.id}", f"{place} {kind}"
        wide = _Limit(size=limit.size * _ALL_PRINCIPALS, refill=limit.refill * _ALL_PRINCIPALS)
        for key, each in ((own, limit), (shared, wide)):
            room = self._buckets.room(key, size=each.size, refill=each.refill)
            if room < 1:
                raise _refused(caller, kind, subscription, wait=math.ceil((1 - room) / each.refill))
        for key, each in ((own, limit), (shared, wide)):
            self._buckets.take(key, size=each.size, refill=each.refill)
        headers = {_header(subscription, "", kind): self._left(own, limit)}
        if subscription:
            headers[_header(subscription, "global-", kind)] = self._left(shared, wide)
        return headers

    def _left(self, key: str, limit: _Limit) -> str:
        return str(int(self._buckets.room(key, size=limit.size, refill=limit.refill)))


def _header(subscription: str, which: str, kind: Kind) -> str:
    return f"x-ms-ratelimit-remaining-{'subscription' if subscription else 'tenant'}-{which}{kind}"


def _refused(caller: Caller, kind: Kind, subscription: str, *, wait: int) -> ApiError:
    whose = f"subscription '{subscription}'" if subscription else f"tenant '{caller.principal.tenant}'"
    code = "SubscriptionRequestsThrottled" if subscription else "TenantRequestsThrottled"
    message = (
        f"Number of '{_IN_MESSAGES[kind]}' requests for {whose} actor '{caller.principal.id}' exceeded. "
        f"Please try again after '{wait}' seconds."
    )
    headers = {"Retry-After": str(wait), _header(subscription, "", kind): "0"}
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, code, message, headers=headers)
