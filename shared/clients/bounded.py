"""httpx's client with a limit on the total time and the size of each response.

Imported when something is sent for the first time, since httpx takes a while to import.
"""

import asyncio
import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final, cast, override

import httpx

from shared.clients.answers import Limits
from shared.model.once import Once

if TYPE_CHECKING:
    from types import ModuleType

_CONNECT_SECONDS: Final = 10
_NOT_OF_THE_BODY: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""Headers about the body as it was transferred, which are wrong for the unpacked body."""

# At each lock that it takes, httpcore tries to import what would say that another library than asyncio runs it. Where
# that isn't installed, Python looks through all its folders each time; so it is told once that it isn't there.
sys.modules.setdefault("sniffio", cast("ModuleType", None))

# Reading the certificate authorities takes longer than a request, so contexts are shared: one for HTTP/1.1 and one for
# HTTP/2, since httpx sets the offered protocols on the context.
_CONTEXTS: Final = {is_http2: Once(httpx.create_ssl_context) for is_http2 in (False, True)}


class LimitPassed(httpx.HTTPError):
    """An answer took too long or is too large; its text says which, and can be shown."""


class BoundedClient(httpx.AsyncClient):
    """Sends requests within `limits`, reads each response to its end, and never follows a redirect.

    A redirect could send the token to another host.
    """

    def __init__(self, limits: Limits, *, is_http2: bool) -> None:
        self._limits = limits
        timeout = httpx.Timeout(limits.total.total_seconds(), connect=_CONNECT_SECONDS)
        super().__init__(timeout=timeout, http2=is_http2, verify=_CONTEXTS[is_http2](), follow_redirects=False)

    @override
    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send it. Raises httpx.HTTPError, LimitPassed among them, when no whole answer came."""
        del stream
        options["follow_redirects"] = False
        seconds = self._limits.total.total_seconds()
        try:
            # httpx's own timeouts are for a single read: a server that sends a byte now and then never reaches them.
            async with asyncio.timeout(seconds):
                response = await super().send(request, stream=True, **options)
                try:
                    body = await self._body(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise LimitPassed(f"not whole after {seconds:g} s") from None
        headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _NOT_OF_THE_BODY]
        return httpx.Response(
            response.status_code, headers=headers, content=body, request=request, extensions=response.extensions
        )

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._limits.largest:
                if self._limits.cut:
                    break
                raise LimitPassed(f"larger than {self._limits.largest:,} bytes")
        return bytes(body[: self._limits.largest])


class _WithoutQuery(logging.Filter):
    """Cuts the query off the addresses that httpx logs with every request: a webhook's signature is in it."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(re.sub(r"\?.*", "?…", str(arg)) if _is_address(arg) else arg for arg in record.args)
        return True


def _is_address(arg: object) -> bool:
    return "://" in str(arg)


logging.getLogger("httpx").addFilter(_WithoutQuery())
