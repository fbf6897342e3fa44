"""The page of a case: shown to who is signed in, escaped, with one button that only this page can press."""

import html
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import azure.functions as func
import msgspec
import pytest

from infra.local.world import ALICE, MALLORY, WORKFORCE_TENANT
from responders.triggers import pages, requests
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage_errors import Conflict
from shared.notify.case_page import page_of
from shared.notify.reached import reached
from shared.notify.wording import PageContext
from tests.fakes.card_cases import AT, BY_ENDING, CA_POLICY_UPDATED, EVIL_TEXTS, LOCKED, REFERENCE, detection, evil
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.shared.authority.test_signed_in import headers, principal

_NOTHING: Final[Mapping[str, str | None]] = {}
_ORIGIN: Final = "https://responder.example"
_EVIL: Final = "<script>alert(1)</script>"


@pytest.fixture
def ready(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Give a machine with one paged case, behind authentication."""
    return _use(ready_bench(memory), monkeypatch)


def _use(made: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for module in (pages, requests):
        monkeypatch.setattr(module, "runtime", lambda: made.runtime)
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "true")
    monkeypatch.setenv("WEBSITE_HOSTNAME", "func-responder.example")
    made.take_in(lamp_record())
    made.answer_all()
    return made


_FROM_ALICE: Final = headers(ID=ALICE.id) | {"X-MS-CLIENT-PRINCIPAL": principal(oid=ALICE.id, tid=WORKFORCE_TENANT)}


def _open(
    ready: Bench, case: str = "", *, method: str = "GET", sent: Mapping[str, str | None] = _NOTHING
) -> func.HttpResponse:
    every: dict[str, Any] = {**_FROM_ALICE, "Origin": _ORIGIN if method == "POST" else None}
    every |= {name.replace("_", "-"): value for name, value in sent.items()}
    request = func.HttpRequest(
        method=method,
        url=f"{_ORIGIN}/api/open/x",
        headers={name: value for name, value in every.items() if value is not None},
        route_params={"case": case or ready.only_case().id},
        body=b"",
    )
    return _user_function(pages.open_case)(request)


def _user_function(builder: Any) -> Callable[..., Any]:  # noqa: ANN401 - what a blueprint makes of a function
    function: Callable[..., Any] = builder._function.get_user_function()  # noqa: SLF001 - there is no public way
    return function


def _text(response: func.HttpResponse) -> str:
    return response.get_body().decode()


def test_who_is_signed_in_sees_the_case_and_nothing_changes(ready: Bench) -> None:
    before = ready.only_case()
    response = _open(ready)
    page = _text(response)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert LAMP in page
    assert "Signed in as alice@contoso.example" in page
    assert '<form method="post">' in page
    assert ready.only_case() == before


@pytest.mark.parametrize("enabled", ["", "false"])
def test_without_authentication_in_front_nothing_is_shown_whatever_is_sent(
    ready: Bench, monkeypatch: pytest.MonkeyPatch, enabled: str
) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", enabled)
    for method in ("GET", "POST"):
        response = _open(ready, method=method)
        assert response.status_code == 403
        assert "authentication is not enabled" in _text(response)
        assert LAMP not in _text(response)
    assert ready.only_case().acknowledged_at is None


@pytest.mark.parametrize(
    "forged",
    [
        {"X_MS_CLIENT_PRINCIPAL_ID": None},
        {"X_MS_CLIENT_PRINCIPAL": None},
        {"X_MS_CLIENT_PRINCIPAL_IDP": None},
        {"X_MS_CLIENT_PRINCIPAL": principal(oid=MALLORY.id, tid=WORKFORCE_TENANT)},
        {"X_MS_CLIENT_PRINCIPAL": principal(oid=ALICE.id, tid="b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2")},
    ],
)
def test_who_is_not_known_sees_nothing_and_notes_nothing(ready: Bench, forged: dict[str, str | None]) -> None:
    for method in ("GET", "POST"):
        response = _open(ready, method=method, sent=forged)
        assert response.status_code == 403
        assert LAMP not in _text(response)
    assert ready.only_case().acknowledged_at is None


def test_the_button_notes_who_read_it_and_leads_back_to_the_page(ready: Bench) -> None:
    case = ready.only_case()
    response = _open(ready, method="POST")
    assert (response.status_code, response.headers["Location"]) == (303, case.id)
    assert ready.only_case().acknowledged_by == f"alice@contoso.example ({ALICE.id})"
    page = _text(_open(ready))
    assert "Read by alice@contoso.example" in page
    assert "<form" not in page
    assert _open(ready, method="POST").status_code == 303
    ready.clock.move(timedelta(hours=1))
    assert [*ready.runtime.notifier.unacknowledged()] == []


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://responder.example.evil.example"},
        {"Origin": "http://responder.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_site_can_not_press_it(ready: Bench, sent: dict[str, str | None]) -> None:
    response = _open(ready, method="POST", sent=sent)
    assert response.status_code == 403
    assert "press the button on its page" in _text(response)
    assert ready.only_case().acknowledged_at is None


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://func-responder.example"},
        {"Origin": "HTTPS://RESPONDER.EXAMPLE"},
        {"Sec_Fetch_Site": "same-origin"},
    ],
)
def test_its_own_page_can_press_it(ready: Bench, sent: dict[str, str | None]) -> None:
    assert _open(ready, method="POST", sent=sent).status_code == 303


@pytest.mark.parametrize("case", ["20260302-ffffffffffffffffffff", "../x", "a/b", "<script>", "%2e%2e"])
def test_a_case_that_is_none(ready: Bench, case: str) -> None:
    response = _open(ready, case)
    assert response.status_code == 404
    assert case not in _text(response)


def test_a_case_that_is_being_written_is_said_to_be(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = _use(ready_bench(storage), monkeypatch)
    storage.faults.spoil = lambda operation: "before" if operation == "replace Cases" else ""
    storage.faults.failure = Conflict
    assert _open(ready, method="POST").status_code == 409


def test_evidence_that_can_not_be_read_does_not_keep_the_page_back(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = _use(ready_bench(storage), monkeypatch)
    storage.faults.fail("blob evidence")
    assert _open(ready).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("case", ["", "20260302-ffffffffffffffffffff"])
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_nothing_is_kept_framed_or_run(
    ready: Bench, monkeypatch: pytest.MonkeyPatch, method: str, case: str, enabled: str
) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", enabled)
    sent = _open(ready, case, method=method).headers
    assert sent["Cache-Control"] == "no-store"
    assert sent["X-Content-Type-Options"] == "nosniff"
    assert sent["Referrer-Policy"] == "same-origin"
    policy = dict(part.strip().split(" ", 1) for part in sent["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "unsafe" not in sent["Content-Security-Policy"]


# What stands on it.

_TAG: Final = re.compile(r"<[^>]*>")
_HARMLESS: Final = {
    name: getattr(evil("harmless"), name)
    for name in ("actor", "target", "standing_because", "because", "would", "summary", "proof", "put_back")
}


@pytest.mark.parametrize("name", BY_ENDING)
def test_every_ending_has_a_page_that_is_well_formed(name: str) -> None:
    page = page_of(*BY_ENDING[name], PageContext(), reader="Alice")
    for tag in ("main", "h1", "ol", "dl", "table", "tbody", "form"):
        assert page.count(f"<{tag}>") + page.count(f"<{tag} ") == page.count(f"</{tag}>"), tag
    assert 'name="viewport"' in page


@pytest.mark.parametrize("text", [*EVIL_TEXTS, _EVIL, "\"' onmouseover=x", "</dd></main>"])
def test_texts_from_the_tenant_stay_text(text: str) -> None:
    page_context = PageContext(tenant_name=text, names={text: text})
    for about in (
        evil(text),
        msgspec.structs.replace(evil(text), by_hand=text, acknowledged_by=text, acknowledged_at=AT),
    ):
        page = page_of(about, CA_POLICY_UPDATED, page_context, reader=text)
        harmless = page_of(msgspec.structs.replace(about, **_HARMLESS), CA_POLICY_UPDATED, PageContext(), reader="x")
        assert set(_TAG.findall(page)) <= set(_TAG.findall(harmless))


def test_the_page_links_to_what_documents_the_activity() -> None:
    page = page_of(*BY_ENDING["locked"], PageContext(), reader="Alice")
    address = html.escape(REFERENCE)
    assert f'<dt>Reference</dt><dd><a href="{address}" rel="noreferrer">{address}</a></dd>' in page
    assert "<a " not in page_of(BY_ENDING["locked"][0], detection(reference=""), PageContext(), reader="Alice")


def test_the_command_that_removes_a_lock_is_whole() -> None:
    assert LOCKED.by_hand in page_of(*BY_ENDING["locked"], PageContext(), reader="Alice")


# The page of the weekly test.


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
