"""The rules that hold for every service that is asked, each tried on each client over real HTTP."""

import gzip
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest
from azure.core.credentials import AccessToken

from shared.clients.answers import Answer, Limits, retry_after
from shared.clients.api import TenantEdges
from shared.clients.arm import ArmTransport
from shared.clients.graph import GraphTransport
from shared.clients.http import whole_url
from shared.clients.log_analytics import Workspace
from shared.clients.pagerduty import PagerDuty
from shared.clients.teams import Teams
from shared.model.calls import Call, Permission, Service
from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable
from shared.model.kinds import TenantKind
from shared.model.settings import Tenant
from tests.fakes.clock import FakeClock
from tests.fakes.http_service import HttpService, Reply, http_service
from tests.fakes.tenant import Unpaced

_ROOM: Final = Limits(total=timedelta(seconds=30), largest=1_000)
_FINE: Final = Reply(body=b'{"value": [], "tables": [{"columns": [], "rows": []}]}')
_WEEK: Final = timedelta(days=7)


class _Identity:
    """A credential: a token "good", or another one where claims are asked for; notes what it was asked for."""

    def __init__(self, *, blocked: threading.Event | None = None) -> None:
        self.claims: list[str | None] = []
        self.entered = threading.Event()
        self._blocked = blocked

    def get_token(self, *_scopes: str, claims: str | None = None, **_options: object) -> AccessToken:
        self.claims.append(claims)
        self.entered.set()
        if self._blocked is not None:
            self._blocked.wait()
        return AccessToken("newer" if claims else "good", int(time.time()) + 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """`ask` makes one request, which may be repeated as little as any that isn't known to do no harm twice."""

    ask: Callable[[], object]
    close: Callable[[], None] = lambda: None


type _Connect = Callable[[str, _Identity, Limits], _Client]


def _over(transport: GraphTransport | ArmTransport, service: Service) -> _Client:
    call = Call(method="POST", service=service, path="/things", needs=(Permission.USER_READ,), repeatable=False)
    tenant = Tenant(kind=TenantKind.WORKFORCE, id="t", responder_id="", client_id="")
    clock = FakeClock()
    edges = TenantEdges(
        tenant=tenant, transports={service: transport}, pacer=Unpaced(), wait=clock.wait, clock=FakeClock()
    )
    return _Client(ask=lambda: edges.send(call, body={"a": "b"}), close=transport.close)


def _graph(url: str, identity: _Identity, limits: Limits) -> _Client:
    return _over(GraphTransport(url=url, version="v1.0", credential=identity, limits=limits), Service.GRAPH)


def _arm(url: str, identity: _Identity, limits: Limits) -> _Client:
    return _over(ArmTransport(url=url, credential=identity, limits=limits), Service.ARM)


def _logs(url: str, identity: _Identity, limits: Limits) -> _Client:
    workspace = Workspace(url=url, workspace_id="w", credential=identity, clock=FakeClock(), limits=limits)
    return _Client(ask=lambda: workspace.rows("SigninLogs", over=_WEEK), close=workspace.close)


def _teams(url: str, _identity: _Identity, limits: Limits) -> _Client:
    return _Client(ask=lambda: Teams(url=f"{url}/flow", clock=FakeClock(), limits=limits).post({"a": "b"}))


def _pagerduty(url: str, _identity: _Identity, limits: Limits) -> _Client:
    duty = PagerDuty(url=f"{url}/enqueue", routing_key="a key", clock=FakeClock(), limits=limits)
    return _Client(ask=lambda: duty.trigger({"a": "b"}))


_WITH_TOKENS: Final[Mapping[str, _Connect]] = {"Graph": _graph, "ARM": _arm, "Log Analytics": _logs}
_CHANNELS: Final[Mapping[str, _Connect]] = {"Teams": _teams, "PagerDuty": _pagerduty}
_ALL: Final[Mapping[str, _Connect]] = {**_WITH_TOKENS, **_CHANNELS}

every_client = pytest.mark.parametrize("connect", _ALL.values(), ids=_ALL)
with_tokens = pytest.mark.parametrize("connect", _WITH_TOKENS.values(), ids=_WITH_TOKENS)
channels = pytest.mark.parametrize("connect", _CHANNELS.values(), ids=_CHANNELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    client: _Client
    service: HttpService
    identity: _Identity

    def refused(self) -> EdgeError:
        with pytest.raises(EdgeError) as caught:
            self.client.ask()
        return caught.value


type _Stage = Callable[..., _Scene]


@pytest.fixture
def stage() -> Iterator[_Stage]:
    """Let one client ask a service that gives these replies."""
    ends: list[Callable[[], object]] = []

    def staged(connect: _Connect, *replies: Reply, limits: Limits = _ROOM) -> _Scene:
        serving = http_service(*replies)
        service = serving.__enter__()
        ends.append(lambda: serving.__exit__(None, None, None))
        identity = _Identity()
        client = connect(service.url, identity, limits)
        ends.append(client.close)
        return _Scene(client=client, service=service, identity=identity)

    yield staged
    for end in reversed(ends):
        end()


@every_client
def test_what_is_fine_is_fine(stage: _Stage, connect: _Connect) -> None:
    scene = stage(connect, _FINE)
    scene.client.ask()
    assert len(scene.service.asked) == 1


# What an answer means.


@every_client
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=302), Rejected),
        (Reply(status=400), Rejected),
        (Reply(status=401), Refused),
        (Reply(status=403), Refused),
        (Reply(status=408), Unreachable),
        (Reply(status=409), Rejected),
        (Reply(status=500), Unreachable),
        (Reply(status=502), Unreachable),
        (Reply(status=503), Unreachable),
        (Reply(status=504), Unreachable),
        (Reply(cut=True), Unreachable),
        (Reply(body=b"{", claimed=100), Unreachable),
    ],
    ids=repr,
)
def test_an_answer_means_the_same_whoever_gives_it(
    stage: _Stage, connect: _Connect, reply: Reply, kind: type[EdgeError]
) -> None:
    """Only what is sure not to have been carried out is Refused, Rejected or Throttled."""
    scene = stage(connect, reply)
    assert type(scene.refused()) is kind
    assert len(scene.service.asked) == 1


@every_client
@pytest.mark.parametrize("status", [429, 503, 408, 500])
@pytest.mark.parametrize("sent", ["90", "Mon, 02 Mar 2026 10:06:30 GMT"])
def test_a_wait_is_told_wherever_it_is_asked_for(stage: _Stage, connect: _Connect, status: int, sent: str) -> None:
    error = stage(connect, Reply(status=status, headers={"Retry-After": sent})).refused()
    assert isinstance(error, Throttled | Unreachable)
    assert error.retry_after == timedelta(seconds=90)


@every_client
def test_a_header_that_is_not_ascii_is_no_fault(stage: _Stage, connect: _Connect) -> None:
    error = stage(connect, Reply(status=503, headers={"Retry-After": "\xd9\xa3", "X-Other": "ä"})).refused()
    assert isinstance(error, Unreachable)
    assert (error.status, error.retry_after) == (503, None)


@pytest.mark.parametrize(
    ("sent", "wait"),
    [
        ("90", timedelta(seconds=90)),
        (" 90 ", timedelta(seconds=90)),
        ("0", timedelta()),
        ("Mon, 02 Mar 2026 10:06:30 GMT", timedelta(seconds=90)),
        ("Mon, 02 Mar 2026 11:06:30 +0100", timedelta(seconds=90)),
        ("Mon, 02 Mar 2026 10:04:00 GMT", timedelta()),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 400, None),
        ("999999", None),
        ("Mon, 02 Mar 2099 10:06:30 GMT", None),
        ("Mon, 99 Mar 2026 10:06:30 GMT", None),
        ("Fri, 31 Dec 9999 23:59:00 -2359", None),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_date(sent: str, wait: timedelta | None) -> None:
    assert retry_after(Answer(status=429, headers={"retry-after": sent}, body=b""), FakeClock()) == wait


# An end to everything.


@every_client
@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_answer_that_drips_is_given_up(stage: _Stage, connect: _Connect, part: str) -> None:
    """Each byte comes in good time, and there is no last one."""
    scene = stage(connect, Reply(drips=part), limits=Limits(total=timedelta(seconds=0.3), largest=10**9))
    began = time.monotonic()
    error = scene.refused()
    assert time.monotonic() - began < 10
    assert type(error) is Unreachable
    assert "not whole after 0.3 s" in str(error)


@with_tokens
@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b" " * 1_001),
        Reply(body=gzip.compress(b" " * 100_000), headers={"Content-Encoding": "gzip"}),
        Reply(status=400, body=b" " * 1_001),
    ],
    ids=["large", "large when unpacked", "a refusal"],
)
def test_an_answer_that_is_too_large_is_none(stage: _Stage, connect: _Connect, reply: Reply) -> None:
    error = stage(connect, reply).refused()
    assert type(error) is Unreachable
    assert "larger than 1,000 bytes" in str(error)


@channels
def test_of_the_words_of_a_channel_only_the_beginning_is_read(stage: _Stage, connect: _Connect) -> None:
    limits = Limits(total=timedelta(seconds=30), largest=5, cut=True)
    stage(connect, Reply(status=202, body=b"x" * 1_000_000), limits=limits).client.ask()
    error = stage(connect, Reply(status=400, body=b"x" * 1_000_000), limits=limits).refused()
    assert "said: xxxxx" in str(error)
    assert "x" * 6 not in str(error)


@with_tokens
def test_an_answer_that_came_packed_is_read(stage: _Stage, connect: _Connect) -> None:
    packed = Reply(body=gzip.compress(_FINE.body), headers={"Content-Encoding": "gzip"})
    stage(connect, packed).client.ask()


# To nobody else.


@every_client
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_nothing_sent_there(stage: _Stage, connect: _Connect, status: int) -> None:
    with http_service(_FINE) as elsewhere:
        scene = stage(connect, Reply(status=status, headers={"Location": f"{elsewhere.url}/things"}))
        error = scene.refused()
        assert type(error) is Rejected
        assert "redirects elsewhere, which is not followed" in str(error)
        assert elsewhere.asked == []


_ROOT: Final = "https://graph.microsoft.com/v1.0"


@pytest.mark.parametrize(
    "link",
    [
        f"{_ROOT}/users?$skiptoken=a%2Fb",
        "https://graph.microsoft.com:443/v1.0/users?$skiptoken=x",
        "HTTPS://Graph.Microsoft.com/v1.0/users",
    ],
)
def test_a_link_of_the_service_is_followed_however_it_is_spelt(link: str) -> None:
    assert whole_url(_ROOT, link) == link


@pytest.mark.parametrize(
    "link",
    [
        "http://graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com:8443/v1.0/users",
        "https://graph.microsoft.com.evil.example/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "https://user@graph.microsoft.com/v1.0/users",
        "https://evil.example/v1.0/users#https://graph.microsoft.com/v1.0/",
        "https://graph.microsoft.com\\@evil.example/v1.0/users",
        "https://graph.microsoft.com/beta/users",
        "https://graph.microsoft.com/v1.0",
        "https://graph.microsoft.com/v1.0.evil/users",
        "https://graph.microsoft.com/v1.0/../beta/users",
        "https://[graph/v1.0/users",
        "file:///v1.0/users",
        "users",
        "",
    ],
)
def test_a_link_to_anywhere_else_is_refused(link: str) -> None:
    with pytest.raises(Refused, match="was not followed"):
        whole_url(_ROOT, link)


def test_a_path_that_looks_like_a_host_is_none() -> None:
    assert whole_url(_ROOT, "//evil.example/users") == f"{_ROOT}//evil.example/users"


# Continuous access evaluation.

_CLAIMS: Final = '{"access_token":{"nbf":{"essential":true,"value":"1772445900"},"x":"ÿ??>"}}'
_PADDED: Final = b64encode(_CLAIMS.encode()).decode()


def _challenge(claims: str) -> Reply:
    said = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize",'
        f' error="insufficient_claims", claims="{claims}"'
    )
    return Reply(status=401, headers={"WWW-Authenticate": said})


@with_tokens
@pytest.mark.parametrize(
    "claims",
    [_PADDED, _PADDED.rstrip("="), urlsafe_b64encode(_CLAIMS.encode()).decode(), f'{_PADDED}", PoP nonce="x'],
    ids=["padded", "not padded", "safe in a URL", "beside another challenge"],
)
def test_a_claims_challenge_is_met_once_with_a_new_token(stage: _Stage, connect: _Connect, claims: str) -> None:
    scene = stage(connect, _challenge(claims), _FINE)
    scene.client.ask()
    assert scene.identity.claims == [None, _CLAIMS]
    first, second = scene.service.asked
    assert [one.headers["authorization"] for one in (first, second)] == ["Bearer good", "Bearer newer"]
    assert (first.method, first.path, first.body) == (second.method, second.path, second.body)
    assert second.body


@with_tokens
def test_a_second_challenge_is_a_refusal(stage: _Stage, connect: _Connect) -> None:
    scene = stage(connect, _challenge(_PADDED))
    assert type(scene.refused()) is Refused
    assert len(scene.service.asked) == 2


@with_tokens
@pytest.mark.parametrize("claims", ["%%%", "A", b64encode(b"\xff\xfe").decode(), b64encode(b"no JSON").decode(), ""])
def test_a_challenge_that_cannot_be_read_is_a_refusal(stage: _Stage, connect: _Connect, claims: str) -> None:
    scene = stage(connect, _challenge(claims), _FINE)
    assert type(scene.refused()) is Refused
    assert len(scene.service.asked) == 1


# Tokens.


@with_tokens
@pytest.mark.parametrize("other", _WITH_TOKENS.values(), ids=_WITH_TOKENS)
def test_a_tenant_whose_token_takes_long_holds_up_no_other(connect: _Connect, other: _Connect) -> None:
    come = threading.Event()
    slow, quick = _Identity(blocked=come), _Identity()
    with http_service(_FINE) as service:
        held_up, free = connect(service.url, slow, _ROOM), other(service.url, quick, _ROOM)
        waiting = threading.Thread(target=held_up.ask)
        waiting.start()
        try:
            assert slow.entered.wait(30)
            free.ask()
            assert len(service.asked) == 1
        finally:
            come.set()
            waiting.join()
            free.close()
            held_up.close()
        assert len(service.asked) == 2


@every_client
def test_a_service_that_is_gone(connect: _Connect) -> None:
    with http_service() as service:
        pass
    client = connect(service.url, _Identity(), _ROOM)
    with pytest.raises(Unreachable, match=r"gave no answer \(ConnectError\)"):
        client.ask()
    client.close()
