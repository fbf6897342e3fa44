"""Both transports over real HTTP: what they send, and what they make of what comes back."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.clients.api import Answer
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.model.errors import Refused, Unreachable
from tests.fakes.credentials import Holder
from tests.fakes.http_service import HttpService, Reply, http_service

type Transport = GraphTransport | ArmTransport
type Opening = Callable[..., AbstractContextManager[tuple[Transport, HttpService]]]

_QUERY = {"$filter": "activityDateTime ge 2026-03-02T10:00:00Z and a eq 'b&c'", "$top": "500"}


@contextmanager
def graph(*replies: Reply, holder: Holder | None = None) -> Generator[tuple[Transport, HttpService]]:
    with http_service(*replies) as service:
        transport = GraphTransport(url=service.url, version="v1.0", credential=holder or Holder())
        try:
            yield transport, service
        finally:
            transport.close()


@contextmanager
def arm(*replies: Reply, holder: Holder | None = None) -> Generator[tuple[Transport, HttpService]]:
    with http_service(*replies) as service:
        transport = ArmTransport(url=service.url, credential=holder or Holder())
        try:
            yield transport, service
        finally:
            transport.close()


both = pytest.mark.parametrize("opened", [graph, arm])


def exchange(
    transport: Transport,
    method: str = "GET",
    url: str = "/things",
    *,
    query: dict[str, str] | None = None,
    body: bytes | None = None,
    content_type: str = "application/json",
) -> Answer:
    return transport.exchange(method, url, query=query or {}, body=body, content_type=content_type)


@both
def test_an_answer_is_given_as_it_came(opened: Opening) -> None:
    reply = Reply(status=418, body=b"\xff<x>", headers={"Retry-After": "7", "Content-Type": "application/json"})
    with opened(reply) as (transport, _service):
        answer = exchange(transport)
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (418, b"\xff<x>", "7")


@both
@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_every_status_is_given_after_one_request(opened: Opening, status: int) -> None:
    """Retrying is decided in one place, and that isn't here."""
    with opened(Reply(status=status, body=b"")) as (transport, service):
        assert exchange(transport, "PATCH", body=b"{}").status == status
    assert len(service.asked) == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("link", [False, True])
def test_graph_is_always_asked_for_the_words_themselves(method: str, *, link: bool) -> None:
    """Else it prints the same word for all that are newer than an enumeration, and refuses to be sent that."""
    with graph() as (transport, service):
        exchange(transport, method, f"{service.url}/v1.0/things?$skiptoken=1" if link else "/things")
    headers = {name.lower(): value for name, value in service.asked[0].headers.items()}
    assert headers["prefer"] == "include-unknown-enum-members"


@both
def test_a_redirect_is_not_followed(opened: Opening) -> None:
    with http_service() as elsewhere:
        moved = Reply(status=302, headers={"Location": f"{elsewhere.url}/things"})
        with opened(moved) as (transport, service):
            assert exchange(transport).status == 302
    assert len(service.asked) == 1
    assert elsewhere.asked == []


@both
def test_a_body_is_sent_byte_for_byte(opened: Opening) -> None:
    with opened() as (transport, service):
        exchange(transport, "PUT", body="<ä/>".encode(), content_type="application/xml")
    asked = service.asked[0]
    assert (asked.method, asked.body) == ("PUT", "<ä/>".encode())
    assert asked.headers["content-type"] == "application/xml"
    assert asked.headers["authorization"] == "Bearer token"


@both
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_without_a_body_none_is_sent(opened: Opening, method: str) -> None:
    with opened() as (transport, service):
        exchange(transport, method)
    assert (service.asked[0].method, service.asked[0].body) == (method, b"")


@both
def test_a_query_is_quoted_once(opened: Opening) -> None:
    with opened() as (transport, service):
        exchange(transport, query=_QUERY)
    path, _, query = service.asked[0].path.partition("?")
    assert path.endswith("/things")
    named = dict(part.split("=", 1) for part in query.replace("%24", "$").split("&"))
    quoted = named["$filter"].replace("+", "%20").replace("%3a", "%3A")
    assert quoted.replace(":", "%3A") == (
        "activityDateTime%20ge%202026-03-02T10%3A00%3A00Z%20and%20a%20eq%20%27b%26c%27"
    )
    assert named["$top"] == "500"


@both
def test_a_quoted_path_is_not_quoted_again(opened: Opening) -> None:
    with opened() as (transport, service):
        exchange(transport, url="/things/l%C3%A4den/$value")
    assert service.asked[0].path.partition("?")[0].endswith("/things/l%C3%A4den/$value")


@both
def test_a_link_of_the_service_is_followed_as_it_is(opened: Opening) -> None:
    with opened() as (transport, service):
        link = "/v1.0/things?$skiptoken=a%2Fb&api-version=9"
        exchange(transport, url=f"{service.url}{link}")
    assert service.asked[0].path.replace("%24", "$") == link


@both
@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/things",
        "{root}.evil.example/v1.0/things",
        "{root}@evil.example/v1.0/things",
        "HTTP://127.0.0.1/v1.0/things",
        "ftp://x",
        "things",
        "",
    ],
)
def test_a_link_to_anywhere_else_is_refused_and_the_token_kept(opened: Opening, link: str) -> None:
    holder = Holder()
    with opened(holder=holder) as (transport, service), pytest.raises(Refused, match="was not followed"):
        exchange(transport, url=link.replace("{root}", service.url))
    assert holder.scopes == []


@both
@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(body=b"{", claimed=100)])
def test_a_cut_connection_is_no_answer(opened: Opening, reply: Reply) -> None:
    with opened(reply) as (transport, service), pytest.raises(Unreachable, match="gave no answer"):
        exchange(transport, "POST", body=b"{}")
    assert len(service.asked) == 1


@both
def test_a_service_that_is_not_there(opened: Opening) -> None:
    with opened() as (transport, _service):
        pass
    with pytest.raises(Unreachable, match="gave no answer"):
        exchange(transport)
    transport.close()


@both
def test_no_token_is_a_refusal_where_the_identity_is_wrong(opened: Opening) -> None:
    holder = Holder(ClientAuthenticationError("AADSTS7000215: Invalid client secret"))
    with opened(holder=holder) as (transport, service), pytest.raises(Refused, match="AADSTS7000215") as refused:
        exchange(transport)
    assert refused.value.status == 401
    assert service.asked == []


@both
def test_no_token_is_no_answer_where_the_issuer_cannot_be_reached(opened: Opening) -> None:
    holder = Holder(ServiceRequestError("timed out"))
    with opened(holder=holder) as (transport, service), pytest.raises(Unreachable, match="timed out"):
        exchange(transport)
    assert service.asked == []


def test_the_token_is_for_the_service_that_is_asked() -> None:
    holder = Holder()
    for opened in (graph, arm):
        with opened(holder=holder) as (transport, service):
            exchange(transport)
        assert holder.scopes.pop() == (f"{service.url}/.default",)


def test_arm_is_asked_with_one_api_version() -> None:
    with arm() as (transport, service):
        exchange(transport, url="/subscriptions/x")
    assert service.asked[0].path == "/subscriptions/x?api-version=2022-04-01"


def test_graph_is_asked_in_one_version() -> None:
    with graph() as (transport, service):
        exchange(transport)
        with pytest.raises(Refused):
            exchange(transport, url=f"{service.url}/beta/things")
    assert [asked.path for asked in service.asked] == ["/v1.0/things"]


@both
def test_a_closed_transport_opens_again(opened: Opening) -> None:
    with opened() as (transport, service):
        exchange(transport)
        transport.close()
        exchange(transport)
    assert len(service.asked) == 2
