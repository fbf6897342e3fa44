"""What host and worker say to each other over their socket: numbered requests and answers, a frame each.

Both ends are this program's own, so what comes in is trusted as its own objects are.
"""

import asyncio
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from infra.local.host.messages import Invocation

_LENGTH: Final = struct.Struct("!I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Asks the worker for something: a Path is an app to load, an Invocation a function to run."""

    number: int
    body: Path | Invocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to the request of that number; an exception is raised where it was asked."""

    number: int
    value: object


def frame(message: Request | Answer) -> bytes:
    """Write a message."""
    body = pickle.dumps(message)
    return _LENGTH.pack(len(body)) + body


async def next_answer(stream: asyncio.StreamReader) -> Answer | None:
    """Read the worker's next answer; None when it has ended."""
    try:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        return pickle.loads(await stream.readexactly(length))  # noqa: S301 - written by our own worker process
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def next_request(stream: BinaryIO) -> Request | None:
    """Read the host's next request; None when it has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return pickle.loads(body) if len(body) == length else None  # noqa: S301 - written by the host that started us
