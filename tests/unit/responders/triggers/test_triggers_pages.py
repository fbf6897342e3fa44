"""The page of the weekly test: shown to who is signed in, with one button that only this page can press."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import azure.functions as func
import pytest

from infra.local.world import ALICE, WORKFORCE_TENANT
from responders.triggers import pages
from shared.authority.owners import NamedOwner, TableOwners
from shared.notify.reached import reached
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench
from tests.unit.shared.authority.test_signed_in import headers, principal

_NOTHING: Final[Mapping[str, str | None]] = {}
_ORIGIN: Final = "https://responder.example"


@pytest.fixture
def ready(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Give an app behind authentication."""
    made = ready_bench(memory)
    monkeypatch.setattr(pages, "runtime", lambda: made.runtime)
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "true")
    monkeypatch.setenv("WEBSITE_HOSTNAME", "func-responder.example")
    return made


_FROM_ALICE: Final = headers(ID=ALICE.id) | {"X-MS-CLIENT-PRINCIPAL": principal(oid=ALICE.id, tid=WORKFORCE_TENANT)}


def _user_function(builder: Any) -> Callable[..., Any]:  # noqa: ANN401 - what a blueprint makes of a function
    function: Callable[..., Any] = builder._function.get_user_function()  # noqa: SLF001 - there is no public way
    return function


def _text(response: func.HttpResponse) -> str:
    return response.get_body().decode()


def _reach(*, method: str = "GET", sent: Mapping[str, str | None] = _NOTHING) -> func.HttpResponse:
    every: dict[str, Any] = {**_FROM_ALICE, "Origin": _ORIGIN if method == "POST" else None}
    every |= {name.replace("_", "-"): value for name, value in sent.items()}
    request = func.HttpRequest(
        method=method,
        url=f"{_ORIGIN}/api/reach/2026-W10",
        headers={name: value for name, value in every.items() if value is not None},
        route_params={"test": "2026-W10"},
        body=b"",
    )
    return _user_function(pages.show_reach)(request)


def _answers(ready: Bench) -> dict[str, int]:
    return {one.owner.name: len(one.over) for one in reached(ready.storage, clock=ready.clock)}


def _name_alice(ready: Bench) -> None:
    owner = NamedOwner(scope="*", order="010", name="Alice", upn="alice@contoso.example")
    TableOwners(ready.storage, clock=ready.clock).name(owner, by="a test")


def test_an_owner_who_presses_the_button_of_the_weekly_test_was_reached(ready: Bench) -> None:
    _name_alice(ready)
    response = _reach()
    assert (response.status_code, '<form method="post">' in _text(response)) == (200, True)
    assert _answers(ready) == {"Alice": 0}, "nothing acts on GET"
    assert _reach(method="POST").status_code == 200
    assert _answers(ready) == {"Alice": 1}


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": None},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"X_MS_CLIENT_PRINCIPAL": None},
        {"X_MS_CLIENT_PRINCIPAL_NAME": "mallory@contoso.example"},
    ],
    ids=str,
)
def test_nobody_else_can_say_so_for_an_owner(ready: Bench, sent: Mapping[str, str | None]) -> None:
    _name_alice(ready)
    assert _reach(method="POST", sent=sent).status_code == 403
    assert _answers(ready) == {"Alice": 0}


def test_without_authentication_in_front_nobody_can_say_so(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _name_alice(ready)
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "false")
    assert _reach(method="POST").status_code == 403
    assert _answers(ready) == {"Alice": 0}
