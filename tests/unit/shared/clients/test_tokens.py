"""Tokens are asked for beside the event loop, once for all who wait for the same one, and given up after a time."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from json import JSONDecodeError
from typing import Any, Final

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.clients.credentials import CheckedCredential
from shared.clients.event_loop import run
from shared.clients.tokens import Tokens
from shared.model.errors import Refused, Unreachable

_MINUTE: Final = timedelta(minutes=1)
_AT_ONCE: Final = timedelta(seconds=0.05)
_SCOPE: Final = "https://graph.microsoft.com/.default"


class _Issuer:
    """Gives numbered tokens, when it may; notes on which thread it was asked."""

    def __init__(self, *failures: Exception) -> None:
        self.may = threading.Event()
        self.may.set()
        self.both_came = threading.Event()
        self.asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.threads: set[str] = set()
        self.failures = list(failures)

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # noqa: ANN401 - whatever a credential takes
        self.asked.append((scopes, options))
        number = len(self.asked)
        self.threads.add(threading.current_thread().name)
        if number == 2:
            self.both_came.set()
        assert self.may.wait(60)
        if self.failures:
            raise self.failures.pop()
        return AccessToken(f"token {number}", int(time.time()) + 3600)


def _tokens(issuer: TokenCredential, within: timedelta = _MINUTE) -> Tokens:
    return Tokens(issuer, service="Microsoft Graph", within=within)


def _got(tokens: Tokens) -> str:
    return run(tokens.get_token(_SCOPE), service="a test", within=_MINUTE).token


def test_a_token_is_asked_for_beside_the_loop_with_continuous_access_evaluation() -> None:
    issuer = _Issuer()
    assert _got(_tokens(issuer)) == "token 1"
    assert issuer.asked == [((_SCOPE,), {"claims": None, "enable_cae": True})]
    assert issuer.threads == {"token"}


def test_who_asks_for_the_same_token_at_the_same_moment_is_given_the_same_one() -> None:
    issuer = _Issuer()
    tokens = _tokens(issuer)

    async def all_at_once() -> list[AccessToken]:
        issuer.may.clear()
        asking = [asyncio.create_task(tokens.get_token(_SCOPE)) for _ in range(5)]
        other = asyncio.create_task(tokens.get_token(_SCOPE, claims="{}"))
        await asyncio.to_thread(issuer.both_came.wait)
        issuer.may.set()
        return [*await asyncio.gather(*asking), await other]

    *same, other = run(all_at_once(), service="a test", within=_MINUTE)
    assert len(issuer.asked) == 2
    assert len({token.token for token in same}) == 1
    assert other.token != same[0].token


def test_the_next_request_asks_again_since_the_credential_keeps_tokens_itself() -> None:
    issuer = _Issuer()
    tokens = _tokens(issuer)
    assert [_got(tokens), _got(tokens)] == ["token 1", "token 2"]


def test_a_token_that_takes_too_long_is_given_up_and_no_second_one_asked_for_meanwhile() -> None:
    issuer = _Issuer()
    issuer.may.clear()
    tokens = _tokens(issuer, within=_AT_ONCE)
    for _ in range(3):
        with pytest.raises(Unreachable, match=r"no token for Microsoft Graph after 0\.05 s"):
            _got(tokens)
    assert len(issuer.asked) == 1
    issuer.may.set()


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (ClientAuthenticationError("AADSTS700027"), Refused, "no token for Microsoft Graph: AADSTS700027"),
        (ServiceRequestError("no route"), Unreachable, "no token for Microsoft Graph: no route"),
        (Refused("B2C_CERTIFICATE can't be used"), Refused, "^B2C_CERTIFICATE can't be used"),
        (KeyError("a fault of ours"), KeyError, "a fault of ours"),
    ],
)
def test_what_the_issuer_says_is_told_and_the_next_request_asks_anew(
    failure: Exception, kind: type[Exception], said: str
) -> None:
    tokens = _tokens(_Issuer(failure))
    with pytest.raises(kind, match=said):
        _got(tokens)
    assert _got(tokens) == "token 2"


def test_a_coroutine_that_outlasts_its_own_limits_is_ended_by_the_last_resort() -> None:
    ended: list[str] = []
    done = threading.Event()

    async def endless(note: Callable[[str], None]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            note("ended")
            done.set()

    with pytest.raises(Unreachable, match=r"a service gave no answer within 0\.05 s"):
        run(endless(ended.append), service="a service", within=_AT_ONCE)
    assert done.wait(30)
    assert ended == ["ended"]


def test_what_answers_in_place_of_the_sign_in_service_gives_no_token() -> None:
    issuer = _Issuer(JSONDecodeError("no JSON", "<html>", 0))
    with pytest.raises(Unreachable, match=r"no token for Microsoft Graph: what answered isn't the sign-in service"):
        _got(_tokens(CheckedCredential(issuer)))
