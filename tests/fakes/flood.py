"""A flood of forgeries: requests that are built once, sent over a few connections that are kept.

What sends them runs beside what it floods, so it has to cost little: about a twentieth of what refusing one costs.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from infra.local.operators import LocalOperators
from shared.emergency.signing import sign_request

CONNECTIONS: Final = 16
"""How many forgeries are sent at once."""

_BODY: Final = b'{"reason":"forged","hybrid":false}'
_LENGTH: Final = b"\r\ncontent-length:"


def forgeries(url: str, operators: LocalOperators, *, now: datetime) -> tuple[Mapping[str, str], ...]:
    """Give the headers of each kind: without a key, with wrong ones, and with the right one and a wrong proof."""
    key = operators.emergency_key
    of_another_body = sign_request(operators.key("alice"), "POST", url, b"other", emergency_key=key, now=now)
    return (
        {},
        {"x-functions-key": "guessed"},
        {"X-Emergency-Key": "guessed"},
        {**of_another_body, "X-Emergency-Key": "guessed"},
        of_another_body,
        {"X-Emergency-Key": key, "X-Emergency-Operator": "carol", "X-Emergency-Code": "000000"},
    )


class Flood:
    """Posts forgeries of all kinds, in turns, while it is open. `answers` counts their statuses so far."""

    def __init__(self, url: str, kinds: tuple[Mapping[str, str], ...]) -> None:
        """`kinds` are the headers of each kind."""
        self._address = urlsplit(url)
        self._requests = itertools.cycle([self._request(headers) for headers in kinds])
        self._wanted: list[tuple[int, asyncio.Event]] = []
        self.answers: Counter[int] = Counter()

    def _request(self, headers: Mapping[str, str]) -> bytes:
        named = {
            "Host": self._address.netloc,
            "Content-Type": "application/json",
            "Content-Length": str(len(_BODY)),
            **headers,
        }
        lines = [f"POST {self._address.path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        return "\r\n".join(lines).encode() + _BODY

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Send until the end of the block."""
        async with asyncio.TaskGroup() as tasks:
            senders = [tasks.create_task(self._send()) for _ in range(CONNECTIONS)]
            try:
                yield
            finally:
                for sender in senders:
                    sender.cancel()

    async def until(self, answers: int) -> None:
        """Wait until so many were answered."""
        came = asyncio.Event()
        self._wanted.append((answers, came))
        await came.wait()

    async def _send(self) -> None:
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        try:
            while True:
                writer.write(next(self._requests))
                self.answers[await _status(reader)] += 1
                for answers, came in self._wanted:
                    if self.answers.total() >= answers:
                        came.set()
        finally:
            writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    """Read an answer, which has to say how long it is; gives its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, found, rest = head.partition(_LENGTH)
    assert found, head
    await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    return int(head[9:12])
