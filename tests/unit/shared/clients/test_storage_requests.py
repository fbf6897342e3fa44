"""Requests to storage: which are sent again and when, what they are signed in with, and where an account is."""

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.clients import table_requests
from shared.clients.storage import Storage
from shared.clients.storage_requests import Account, Request, StorageService, account_in
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from tests.fakes.http_service import Reply, http_service

_GET: Final = Request(method="GET", path="/Cases()")
_PUT: Final = Request(method="PUT", path="/Cases(PartitionKey='p',RowKey='k')", body=b"{}")
_POST: Final = Request(method="POST", path="/Cases", body=b"{}")
_DELETE: Final = Request(method="DELETE", path="/Cases(PartitionKey='p',RowKey='k')")
_CUT: Final = Reply(cut=True)
_FINE: Final = Reply(body=b"fine")


@dataclass(slots=True)
class _Waits:
    seconds: list[float] = field(default_factory=list[float])

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def _service(
    url: str,
    *,
    credential: "_Credential | None" = None,
    access_signature: str = "",
    within: timedelta = timedelta(minutes=1),
) -> StorageService:
    key = b"" if credential or access_signature else b"k"
    account = Account(name="a", address=f"{url}/a", key=key, access_signature=access_signature)
    return StorageService(
        account,
        version=table_requests.VERSION,
        text_to_sign=table_requests.text_to_sign,
        credential=credential,
        within=within,
        wait=_Waits(),
    )


def _waited(service: StorageService) -> list[float]:
    waits = service._wait  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - what the test gave it
    assert isinstance(waits, _Waits)
    return waits.seconds


@pytest.mark.parametrize("request_", [_GET, _PUT, _DELETE], ids=lambda each: each.method)
@pytest.mark.parametrize("first", [_CUT, *(Reply(status=status) for status in (408, 429, 500, 502, 503, 504))])
def test_what_may_be_done_twice_is_sent_again_at_once(request_: Request, first: Reply) -> None:
    with http_service(first, _FINE) as there:
        service = _service(there.url)
        assert service.send("reading Cases", request_).data == b"fine"
        assert (len(there.asked), _waited(service)) == (2, [0.0])


@pytest.mark.parametrize("status", [500, 503, 504])
def test_an_insert_is_sent_again_where_the_service_says_that_it_failed(status: int) -> None:
    with http_service(Reply(status=status), _FINE) as there:
        assert _service(there.url).send("writing Cases", _POST).data == b"fine"


@pytest.mark.parametrize("first", [_CUT, Reply(status=408), Reply(status=429), Reply(status=502)])
def test_an_insert_that_may_have_been_carried_out_is_sent_once(first: Reply) -> None:
    """Sent again, the second would find the row of the first, and nobody would know whose it is."""
    with http_service(first, _FINE) as there, pytest.raises(EdgeError):
        _service(there.url).send("writing Cases", _POST)
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("headers", "waited"),
    [({}, [0.0, 1.6]), ({"Retry-After": "3"}, [3.0, 3.0]), ({"Retry-After": "9000"}, [10.0, 10.0])],
)
def test_the_service_says_how_long_to_wait_within_reason(headers: dict[str, str], waited: list[float]) -> None:
    with http_service(Reply(status=503, headers=headers)) as there:
        service = _service(there.url)
        with pytest.raises(Throttled):
            service.send("reading Cases", _GET)
    assert (len(there.asked), _waited(service)) == (3, waited)


@pytest.mark.parametrize("request_", [_GET, _POST], ids=lambda each: each.method)
def test_where_nobody_listens_anything_is_tried_again(request_: Request) -> None:
    with http_service() as there:
        url = there.url
    service = _service(url)
    with pytest.raises(Unreachable, match="storage gave no answer"):
        service.send("writing Cases", request_)
    assert _waited(service) == [0.0, 1.6]


@pytest.mark.parametrize(("keeps", "connections"), [(60, 1), (2, 1), (1, 3)])
def test_a_connection_is_left_before_the_service_closes_it(keeps: int, connections: int) -> None:
    """An insert that meets the closing may have been carried out or not."""
    with http_service(Reply(body=b"fine", keeps=keeps)) as there:
        service = _service(there.url)
        for _ in range(3):
            service.send("asking", _POST)
        assert (len(there.asked), there.connections) == (3, connections)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_is_given_up(part: str) -> None:
    with http_service(Reply(drips=part)) as there:
        service = _service(there.url, within=timedelta(milliseconds=100))
        with pytest.raises(Unreachable, match="ReadTimeoutError"):
            service.send("writing Cases", _POST)


def test_what_comes_through_the_sdks_is_given_up_when_it_drips() -> None:
    with http_service(Reply(drips="body")) as there:
        named = {"AzureWebJobsStorage": f"AccountName=a;AccountKey=aw==;TableEndpoint={there.url}/a"}
        with pytest.raises(Unreachable):
            Storage(named, within=timedelta(milliseconds=100)).create_all()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_led_elsewhere(status: int) -> None:
    with http_service() as elsewhere, http_service(Reply(status=status, headers={"Location": elsewhere.url})) as there:
        with pytest.raises(EdgeError):
            _service(there.url).send("reading Cases", _GET)
        assert elsewhere.asked == []


class _Credential:
    """Gives tokens that end so many seconds from now, or raises."""

    def __init__(self, *lasting: float, now: float) -> None:
        self._ends = [now + seconds for seconds in lasting]
        self.given: list[str] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        if not self._ends:
            raise ClientAuthenticationError("no identity here")
        self.given.append(f"token {len(self.given)}")
        return AccessToken(self.given[-1], int(self._ends.pop(0)))


def test_a_token_is_kept_until_shortly_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("shared.clients.storage_requests.time.time", lambda: now[0])
    credential = _Credential(3600, 7200, now=now[0])
    with http_service(_FINE) as there:
        service = _service(there.url, credential=credential)
        for later in (0, 3000, 301):
            now[0] += later
            service.send("reading Cases", _GET)
    assert [each.headers["authorization"] for each in there.asked] == [
        "Bearer token 0",
        "Bearer token 0",
        "Bearer token 1",
    ]


def test_without_a_token_nothing_is_asked() -> None:
    with http_service() as there, pytest.raises(Refused, match="reading Cases"):
        _service(there.url, credential=_Credential(now=0)).send("reading Cases", _GET)
    assert there.asked == []


def test_an_access_signature_is_sent_with_the_query_and_no_key_is() -> None:
    request = Request(method="GET", path="/Cases()", query="$top=1")
    with http_service(_FINE) as there:
        _service(there.url, access_signature="sv=1&sig=x").send("reading Cases", request)
    (asked,) = there.asked
    assert asked.path == "/a/Cases()?$top=1&sv=1&sig=x"
    assert "authorization" not in asked.headers


_KEY: Final = base64.b64encode(b"key").decode()


@pytest.mark.parametrize(
    ("connection", "service", "account"),
    [
        (
            f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={_KEY};EndpointSuffix=core.windows.net",
            "table",
            Account(name="a", address="https://a.table.core.windows.net", key=b"key"),
        ),
        (
            f"AccountName=a;AccountKey={_KEY};EndpointSuffix=core.chinacloudapi.cn;",
            "blob",
            Account(name="a", address="https://a.blob.core.chinacloudapi.cn", key=b"key"),
        ),
        (
            f"accountname=a;ACCOUNTKEY={_KEY};TableEndpoint=http://127.0.0.1:1/a/",
            "table",
            Account(name="a", address="http://127.0.0.1:1/a", key=b"key"),
        ),
        (
            "BlobEndpoint=https://a.example;SharedAccessSignature=?sv=1&sig=a%3D",
            "blob",
            Account(name="", address="https://a.example", access_signature="sv=1&sig=a%3D"),
        ),
    ],
)
def test_where_a_service_is_and_how_it_is_signed_in(connection: str, service: str, account: Account) -> None:
    assert account_in(connection, service) == account


@pytest.mark.parametrize(("service", "port"), [("table", 10002), ("blob", 10000)])
def test_azurite_has_ports_and_an_account_that_everybody_knows(service: str, port: int) -> None:
    found = account_in("UseDevelopmentStorage=true", service)
    assert (urlsplit(found.address).port, found.name) == (port, "devstoreaccount1")
    assert len(found.key) == 64


def test_a_key_that_is_none_is_not_shown() -> None:
    with pytest.raises(Rejected, match="should be base64") as raised:
        account_in("AccountName=a;AccountKey=secret!!", "table")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("bypassed", "is_direct"), [("", False), ("a.example", True), ("*", True)])
def test_a_proxy_that_the_environment_names_is_gone_through(
    monkeypatch: pytest.MonkeyPatch, bypassed: str, *, is_direct: bool
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", bypassed)
    service = _service("https://a.example")
    pool = service._pool  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - nothing outside shows it
    assert (pool.proxy is None) is is_direct
