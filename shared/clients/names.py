"""Whether names of hosts exist, by the operating system's resolver: many at once, within a time, and never guessed."""

import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from enum import StrEnum
from typing import Final

_log = logging.getLogger("responder.names")

_THREADS: Final = 8
_WITHIN: Final = timedelta(seconds=60)
_WITHOUT_ADDRESS: Final = getattr(socket, "EAI_NODATA", None)
"""What the resolver answers where a name exists and has no address, as one with nothing but mail."""


class Existence(StrEnum):
    """Whether somebody has a name, with an address or without."""

    FOUND = "found"
    NONE = "none"
    UNKNOWN = "unknown"


def _ask(host: str) -> None:
    """Look a name up. Raises OSError where that fails, socket.gaierror among them."""
    socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)


def existence_of(
    hosts: Iterable[str], *, ask: Callable[[str], None] = _ask, within: timedelta = _WITHIN
) -> Mapping[str, Existence]:
    """Say of each name whether it exists. Those that nobody answered for in time are unknown."""
    names = sorted(set(hosts))
    executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="names")
    try:
        asked = {name: executor.submit(_existence, name, ask) for name in names}
        wait(asked.values(), timeout=within.total_seconds())
        return {name: one.result() if one.done() else Existence.UNKNOWN for name, one in asked.items()}
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _existence(host: str, ask: Callable[[str], None]) -> Existence:
    try:
        ask(host)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            return Existence.NONE
        return Existence.FOUND if error.errno == _WITHOUT_ADDRESS else Existence.UNKNOWN
    except (OSError, ValueError) as error:  # ValueError: no name of a host can be so
        _log.info("whether %r exists isn't known: %s", host, error)
        return Existence.UNKNOWN
    return Existence.FOUND
