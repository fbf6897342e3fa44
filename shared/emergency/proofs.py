"""Who calls: the platform's sign-in, or the emergency key and a proof that the app can check and can't make.

`caller_of` is the one way in. What it leaves alone: `?code=` and `x-functions-key`, which are the host's own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.emergency.entries import Caller, SignedRequest

EXCLUDED: Final = "/api/emergency"
"""Below this the platform asks nobody to sign in (`excludedPaths`), so its headers count for nothing there."""


class Request(Struct, frozen=True, kw_only=True):
    """A request as it came. `url` is the whole address (`req.url`) or the path with its query; `body` the raw bytes."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request isn't from an operator: an HTTP status, and what is wrong and would be right, without secrets.

    `knew_key` marks what owners are told of: the emergency key was right, and the proof wasn't. `operator` is who the
    request says it is of, "" where it says nothing that can be shown. `retry_after` is in seconds, 0 for none.
    """

    status: int
    detail: str
    knew_key: bool = False
    operator: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What callers are checked against. Made once for a process by `door_of` (it keeps what was used already)."""

    environment: Mapping[str, str] = field(repr=False)
    tenant_id: str
    key_hashes: tuple[str, ...] = field(repr=False)
    operators: Callable[[datetime], object]


def caller_of(request: Request, door: Door, *, now: datetime) -> Caller | Refusal:
    """Say which operator makes a request, or why it is refused. Nothing is changed but what was used up."""
    raise NotImplementedError


def signed_request_of(request: Request) -> SignedRequest | None:
    """Give what `Entry.signed` keeps of a request with a signature or a passkey: never the key. None for others."""
    raise NotImplementedError


def signer_of(signed: SignedRequest, door: Door, *, at: datetime) -> Caller | Refusal:
    """Check a kept request again (an entry that somebody carries): its signature, and that he was an operator `at`.

    Neither its age nor whether its nonce was used counts here: entries are joined by their ids.
    """
    raise NotImplementedError
