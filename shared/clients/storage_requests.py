"""Requests to one service of a storage account: signed, sent over connections that are kept; errors are this product's.

Microsoft's SDKs take 1.7 ms of a processor for a request and 6 for a transaction of a table, where this takes 0.4 and
0.5, and 0.3 s to load. What answers a change sends two dozen of them. All else goes through the SDKs.

Who signs: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from shared.clients.storage_errors import code_in, error_of, storage_errors
from shared.model.errors import Rejected, Unreachable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential
    from urllib3.response import BaseHTTPResponse

    from shared.clients.timed_answers import DirectPool

_CONNECT_WITHIN: Final = 5.0
_READ_WITHIN: Final = 20.0
"""Seconds without a byte."""

_PAUSES: Final = (0.0, 1.6)
"""Seconds before the second and the third try, unless the service says how long to wait."""

_LONGEST_PAUSE: Final = 10.0
_CONNECTIONS: Final = 32
"""As many are kept as ask side by side; each further one would be made anew."""

_TOKEN_LEFT: Final = 300
"""Seconds before its end at which a token isn't used any more."""

_SCOPE: Final = "https://storage.azure.com/.default"
_REPEATED: Final = frozenset({408, 429, 500, 502, 503, 504})
_REPEATED_POST: Final = frozenset({500, 503, 504})
"""After these a POST is sent again too, as Microsoft's SDK does. One whose answer is lost isn't."""

_DEVELOPMENT: Final = {"table": 10002, "blob": 10000}
"""Azurite's ports where the setting says `UseDevelopmentStorage=true`, and its account, which everybody knows:
https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
"""
_DEVELOPMENT_ACCOUNT: Final = "devstoreaccount1"
_DEVELOPMENT_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Request(Struct, frozen=True, kw_only=True):
    """One request: `path` and `query` are quoted, and come after the service's address."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Account(Struct, frozen=True, kw_only=True):
    """A service of an account: its address, and what it is signed in with: a key, an access signature, or neither."""

    name: str
    address: str
    key: bytes = b""
    access_signature: str = ""


def account_in(connection: str, service: str) -> Account:
    """Read a connection string. `service` is "table" or "blob".

    Raises:
        Rejected: the key isn't base64.
    """
    found = dict(pair.split("=", 1) for pair in connection.strip().rstrip(";").split(";"))
    values = {name.lower(): value for name, value in found.items()}
    if values.get("usedevelopmentstorage", "").lower() == "true":
        address = f"http://127.0.0.1:{_DEVELOPMENT[service]}/{_DEVELOPMENT_ACCOUNT}"
        return Account(name=_DEVELOPMENT_ACCOUNT, address=address, key=base64.b64decode(_DEVELOPMENT_KEY))
    name = values.get("accountname", "")
    protocol, suffix = values.get("defaultendpointsprotocol", "https"), values.get("endpointsuffix", "core.windows.net")
    address = values.get(f"{service}endpoint") or f"{protocol}://{name}.{service}.{suffix}"
    try:
        key = base64.b64decode(values.get("accountkey", ""), validate=True)
    except ValueError:
        raise Rejected(
            "the connection string's AccountKey should be base64, as the account's Access keys show it"
        ) from None
    signature = "" if key else values.get("sharedaccesssignature", "").lstrip("?")
    return Account(name=name, address=address.rstrip("/"), key=key, access_signature=signature)


type TextToSign = Callable[[str, Request, Mapping[str, str]], str]
"""Gives what a key signs: of the account's name with the whole path, of a request, and of all its headers."""


class StorageService:
    """One service of an account. Safe to share between threads.

    `text_to_sign` is the service's own, `version` the version of its interface; an answer is whole `within` its time,
    or counts as lost.
    """

    def __init__(
        self,
        account: Account,
        *,
        version: str,
        text_to_sign: TextToSign,
        within: timedelta,
        credential: "TokenCredential | None" = None,
        authorities: str = "",
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = account.address
        self._account = account
        self._version = version
        self._text_to_sign = text_to_sign
        self._credential = credential
        self._token: AccessToken | None = None
        self._wait = wait
        self._root = urlsplit(account.address).path.rstrip("/")
        self._pool = _pool(account.address, authorities, within)

    def send(self, what: str, request: Request) -> "BaseHTTPResponse":
        """Send a request, again where that may help, and give the answer that it was carried out.

        Raises:
            EdgeError: storage gave another answer or none; `what` says what was being done.
        """
        for number in range(len(_PAUSES) + 1):
            is_last = number == len(_PAUSES)
            answer = self._sent(what, request, is_last=is_last)
            if answer is not None and (is_last or answer.status not in _again(request)):
                return _checked(what, answer)
            self._wait(_pause(number, answer))
        raise AssertionError("the last try gives an answer or raises")

    def _sent(self, what: str, request: Request, *, is_last: bool) -> "BaseHTTPResponse | None":
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError  # noqa: PLC0415 - see `_pool`

        headers = self._headers(what, request)
        query = "&".join(part for part in (request.query, self._account.access_signature) if part)
        target = f"{self._root}{request.path}" + (f"?{query}" if query else "")
        body = request.body or (None if request.method in {"GET", "DELETE"} else b"")
        try:
            return self._pool.exchange(request.method, target, body=body, headers=headers)
        except HTTPError as error:
            was_sent = not isinstance(error, ConnectTimeoutError | NewConnectionError)
            if is_last or (was_sent and request.method == "POST"):
                raise Unreachable(f"{what}: storage gave no answer ({type(error).__name__})") from error
            return None

    def _headers(self, what: str, request: Request) -> dict[str, str]:
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": self._version, **request.headers}
        account = self._account
        if account.key:
            text = self._text_to_sign(f"/{account.name}{self._root}{request.path}", request, headers)
            signature = base64.b64encode(hmac.digest(account.key, text.encode(), hashlib.sha256)).decode()
            headers["Authorization"] = f"SharedKey {account.name}:{signature}"
        elif self._credential is not None:
            headers["Authorization"] = f"Bearer {self._token_of(self._credential, what)}"
        return headers

    def _token_of(self, credential: "TokenCredential", what: str) -> str:
        kept = self._token
        if kept is None or kept.expires_on - time.time() < _TOKEN_LEFT:
            with storage_errors(what):
                kept = self._token = credential.get_token(_SCOPE)
        return kept.token


def _pool(address: str, authorities: str, within: timedelta) -> "DirectPool":
    """Give the connections to a service, through a proxy where the environment names one."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - imported on first use

    import certifi  # noqa: PLC0415 - the same
    from urllib3 import PoolManager, ProxyManager, Timeout  # noqa: PLC0415 - the same

    from shared.clients.timed_answers import DirectPool, timed_pools  # noqa: PLC0415 - the same

    parts = urlsplit(address)
    options: dict[str, Any] = {
        "maxsize": _CONNECTIONS,
        "timeout": Timeout(connect=_CONNECT_WITHIN, read=_READ_WITHIN),
        "ca_certs": authorities or certifi.where(),
    }
    proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
    manager = ProxyManager(proxy, **options) if proxy else PoolManager(**options)
    manager.pool_classes_by_scheme = timed_pools(within.total_seconds())
    pool = manager.connection_from_host(parts.hostname or "", parts.port, parts.scheme)
    if not isinstance(pool, DirectPool):
        raise TypeError("the connections aren't of the class that was given")
    return pool


def _again(request: Request) -> frozenset[int]:
    return _REPEATED_POST if request.method == "POST" else _REPEATED


def _pause(number: int, answer: "BaseHTTPResponse | None") -> float:
    named = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(named), _LONGEST_PAUSE) if named.isdecimal() else _PAUSES[number]


def _checked(what: str, answer: "BaseHTTPResponse") -> "BaseHTTPResponse":
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        return answer
    raise error_of(what, answer.status, answer.headers.get("x-ms-error-code") or code_in(answer.data))
