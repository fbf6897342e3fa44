"""urllib3's connections with a limit on the total time of each answer.

Its own limit is for a single read: a service that sends a byte now and then never reaches it.

Imported when something is sent for the first time, since urllib3 takes a while to import.
"""

import io
import math
import re
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from socket import socket
from typing import TYPE_CHECKING, Any, Final, override

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ProtocolError
from urllib3.response import BaseHTTPResponse

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


_TIMEOUT: Final = re.compile(r"timeout=([0-9]{1,6})")
_BEFORE: Final = 1.0
"""Seconds before its end at which a kept connection isn't used any more."""


class DirectPool(HTTPConnectionPool):
    """Connections over which a request is sent as it is: its target is quoted, and isn't looked through again."""

    def exchange(self, method: str, target: str, *, body: bytes | None, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """Send a request and read the answer to its end. Nothing is sent again, and no redirect followed.

        A connection is left a second before the service says that it will close it: a request that meets the closing
        may have been carried out or not, and who sent it has to find out.
        `urlopen` looks at each character of a target in turn, twice, which takes as long as all the rest of a request.
        Raises urllib3's HTTPError.
        """
        if self.proxy is not None:
            return self.urlopen(method, target, body=body, headers=headers, retries=False, redirect=False)
        connection: Any = self._get_conn()
        if time.monotonic() >= connection.kept_until:
            connection.close()
        try:
            answer = self._make_request(connection, method, target, body=body, headers=headers, timeout=self.timeout)
            connection.kept_until = time.monotonic() + _seconds_kept(answer.headers)
            return answer  # noqa: TRY300 - what fails here is the exchange
        except (HTTPException, OSError) as error:
            connection.close()
            raise ProtocolError("the connection broke", error) from error
        except BaseException:
            connection.close()
            raise
        finally:
            self._put_conn(connection)


class _Kept(HTTPConnection):
    """A connection that may be used again until an instant of the monotonic clock."""

    kept_until: float = math.inf


def _seconds_kept(headers: Mapping[str, str]) -> float:
    """Give how long a connection may be used again: https://www.rfc-editor.org/rfc/rfc2068#section-19.7.1.1."""
    said = _TIMEOUT.search(headers.get("Keep-Alive", ""))
    return int(said[1]) - _BEFORE if said else math.inf


def timed_pools(within: float) -> dict[str, type[HTTPConnectionPool] | type[HTTPSConnectionPool]]:
    """Give the classes of pools whose answers are whole `within` so many seconds, or are lost, by scheme."""

    def answer(connection: socket, **options: Any) -> HTTPResponse:  # noqa: ANN401 - as the standard library has them
        return HTTPResponse(_Connection(connection, until=time.monotonic() + within), **options)

    class Plain(_Kept):
        response_class: Any = staticmethod(answer)

    class Secured(_Kept, HTTPSConnection):
        response_class: Any = staticmethod(answer)

    class PlainPool(DirectPool):
        ConnectionCls: Any = Plain

    class SecuredPool(DirectPool, HTTPSConnectionPool):
        ConnectionCls: Any = Secured

    return {"http": PlainPool, "https": SecuredPool}


class _Connection(socket):
    """What an answer is read from, in place of its connection."""

    __slots__ = ("_connection", "_until")

    def __init__(self, connection: socket, *, until: float) -> None:
        self._connection = connection
        self._until = until

    @override
    def makefile(self, *_mode: Any, **_options: Any) -> Any:
        return io.BufferedReader(_Reads(self._connection, until=self._until))


class _Reads(io.RawIOBase):
    """Reads from a connection until an instant of the monotonic clock, then raises TimeoutError."""

    def __init__(self, connection: socket, *, until: float) -> None:
        self._connection = connection
        self._unbuffered = connection.makefile("rb", buffering=0)
        self._each = connection.gettimeout()
        self._until = until

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer isn't whole in time")
        self._connection.settimeout(left if self._each is None else min(left, self._each))
        return self._unbuffered.readinto(buffer)

    @override
    def close(self) -> None:
        self._unbuffered.close()
        super().close()
