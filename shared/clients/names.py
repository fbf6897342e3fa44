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
_GONE: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""What the resolver answers where a name has no address; any other failure says nothing about the name."""


class Existence(StrEnum):
    """Whether a name has an address."""

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
        return Existence.NONE if error.errno in _GONE else Existence.UNKNOWN
    except (OSError, UnicodeError) as error:
        _log.info("whether %r exists isn't known: %s", host, error)
        return Existence.UNKNOWN
    return Existence.FOUND
