"""The HTTP functions, called as the host calls them: nothing acts on GET, nothing from the tenant is markup."""

import json
from collections.abc import Mapping
from typing import Any, Final

import azure.functions as func
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp.totp import TOTP

from infra.local.world import B2C_TENANT, CAROL, MALLORY, TRUDY
from responders.triggers import requests
from responders.triggers.callers import WITH_A_KEY
from shared.authority.controls import ControlState
from shared.authority.journal import history
from shared.clients.storage_names import Table
from shared.emergency.signed_requests import CODE, KEY, OPERATOR
from shared.emergency.signing import OperatorKey, sign_request
from shared.model.cases import Case
from shared.model.errors import Unreachable
from shared.model.kinds import Mode
from tests.fakes.clock import NOW
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import KEY as EMERGENCY_KEY
from tests.fakes.operators import SECRET, door, private
from tests.fakes.runtime import TENANT, Bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.shared.authority.test_signed_in import headers, principal

_CAROL: Final = headers(ID=CAROL.id, NAME="carol@contoso.example", **{"": principal(oid=CAROL.id, tid=TENANT)})
"""What the platform says of Carol, who is signed in."""

_BY: Final = f"carol@contoso.example ({CAROL.id})"
_WRITES: Final = ("insert", "replace", "upsert", "keep", "enqueue")


class _Client:
    """Calls the functions of a machine on storage that remembers what was done to it."""

    def __init__(self, ready: Bench, storage: SpoiltStorage) -> None:
        self.ready = ready
        self.storage = storage

    def call(
        self,
        name: str,
        method: str = "GET",
        *,
        body: object = None,
        raw: bytes | None = None,
        accept: str = "",
        params: dict[str, str] | None = None,
        route: dict[str, str] | None = None,
        who: Mapping[str, str] = _CAROL,
        url: str = "https://responder.example/api/kill-switch",
    ) -> func.HttpResponse:
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        request = func.HttpRequest(
            method=method,
            url=url,
            headers={"Accept": accept, **who},
            params=params or {},
            route_params=route or {},
            body=content,
        )
        builder: Any = getattr(requests, name)
        function = builder._function.get_user_function()  # noqa: SLF001 - there is no public way
        self.storage.faults.log.clear()
        response: func.HttpResponse = function(request)
        return response

    def writes(self) -> list[str]:
        return [entry for entry in self.storage.faults.log if entry.startswith(_WRITES)]

    def modes(self) -> ControlState:
        return self.ready.runtime.controls.read_state()


@pytest.fixture
def client(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> _Client:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    monkeypatch.setattr(requests, "runtime", lambda: ready.runtime)
    made = door(environment={"WEBSITE_AUTH_ENABLED": "True"})
    monkeypatch.setattr(requests, "front_door", lambda: made)
    return _Client(ready, storage)


def _json(response: func.HttpResponse) -> Any:  # noqa: ANN401 - JSON
    return json.loads(response.get_body())


def _problem(response: func.HttpResponse, status: int) -> str:
    assert response.status_code == status, response.get_body()
    assert response.mimetype == "application/problem+json"
    problem = _json(response)
    assert problem["status"] == status
    detail: str = problem["detail"]
    return detail


# Reading.


def test_nothing_is_written_by_reading(client: _Client) -> None:
    client.ready.take_in(lamp_record())
    (case,) = client.ready.answer_all()
    case_id = case.id
    for response in (
        lambda: client.call("list_cases"),
        lambda: client.call("list_cases", params={"open": "1"}),
        lambda: client.call("read_case", route={"case": case_id}),
        lambda: client.call("read_case", route={"case": case_id}, accept="text/html"),
        lambda: client.call("read_case", route={"case": "20260302-unknown"}),
        lambda: client.call("read_modes"),
    ):
        response()
        assert client.writes() == []


def test_cases_of_every_tenant_are_listed_newest_first(client: _Client) -> None:
    client.ready.take_in(lamp_record())
    client.ready.answer_all()
    client.ready.take_in(lamp_record(at=client.ready.clock()), tenant_id=B2C_TENANT)
    listed = _json(client.call("list_cases"))
    assert [case["tenant_id"] for case in listed["cases"]] == [B2C_TENANT, TENANT]
    assert listed["more"] is False
    (still_open,) = _json(client.call("list_cases", params={"open": "1"}))["cases"]
    assert still_open["tenant_id"] == B2C_TENANT


def test_a_long_list_says_that_there_are_more(client: _Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_MOST", 1)
    client.ready.take_in(lamp_record(), lamp_record(TRUDY))
    client.ready.answer_all()
    listed = _json(client.call("list_cases"))
    assert (len(listed["cases"]), listed["more"]) == (1, True)


def test_a_case_is_given_whole(client: _Client) -> None:
    client.ready.take_in(lamp_record())
    (case,) = client.ready.answer_all()
    response = client.call("read_case", route={"case": case.id})
    assert response.mimetype == "application/json"
    stored = client.ready.runtime.ledger.case(TENANT, case.id)
    assert _json(response) == json.loads(msgspec.json.encode(stored))
    assert response.headers["Cache-Control"] == "no-store"


_NO_CASES: Final = ("", "20260302-ffffffffffffffffffff", "..", "a/b", "' or 1 eq 1", "\0", "x" * 500, "é", "²", "*")


def test_what_is_no_case_is_not_found(client: _Client) -> None:
    for case in _NO_CASES:
        assert "GET cases lists" in _problem(client.call("read_case", route={"case": case}), 404)
        response = client.call("acknowledge_case", "POST", route={"case": case})
        assert "GET cases lists" in _problem(response, 404)
        assert client.writes() == []


# The page.


def _page_of(client: _Client, name: str) -> str:
    target: dict[str, Any] = {"id": LAMP, "displayName": name, "type": name, "modifiedProperties": []}
    actor = {"user": {"id": MALLORY.id, "userPrincipalName": name, "ipAddress": name}}
    client.ready.take_in(lamp_record(targetResources=[target], initiatedBy=actor), tenant_id=B2C_TENANT)
    case = client.ready.only_case(B2C_TENANT)
    response = client.call("read_case", route={"case": case.id}, accept="text/html,*/*;q=0.8")
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    headers = response.headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert headers["Cache-Control"] == "no-store"
    return response.get_body().decode()


def test_nothing_from_the_tenant_is_markup_on_the_page(client: _Client) -> None:
    page = _page_of(client, "<script>alert(1)</script>\"'&<img src=x onerror=y>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for markup in ("<script", "<img", "onerror=y>", "<a ", "<form", "<button", "http-equiv"):
        assert markup not in page


def test_the_page_says_what_the_case_is(client: _Client) -> None:
    page = _page_of(client, "The lamp in the hall")
    assert "The lamp in the hall" in page
    assert client.ready.only_case(B2C_TENANT).id in page
    assert page.startswith("<!doctype html>")


# Acknowledging.


def test_a_case_is_acknowledged_by_whoever_is_first(client: _Client) -> None:
    client.ready.take_in(lamp_record())
    (case,) = client.ready.answer_all()
    case_id = case.id
    first = _json(client.call("acknowledge_case", "POST", route={"case": case_id}))
    second = _json(client.call("acknowledge_case", "POST", body={}, route={"case": case_id}, who={}))
    assert first["acknowledged_by"] == second["acknowledged_by"] == _BY
    assert client.ready.only_case().acknowledged_at is not None


def test_an_acknowledgement_that_meets_a_run_is_to_be_sent_again(
    client: _Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.ready.take_in(lamp_record(), tenant_id=B2C_TENANT)
    ledger, case = client.ready.runtime.ledger, client.ready.only_case(B2C_TENANT)
    find = ledger._find  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the run comes between reading and writing

    def overtaken(tenant_id: str, name: str) -> Any:  # noqa: ANN401 - a row
        row = find(tenant_id, name)
        monkeypatch.setattr(ledger, "_find", find)
        assert ledger.claim(tenant_id, name)
        return row

    def found(_case: str) -> Case:
        return case

    monkeypatch.setattr(requests, "find_case", found)
    monkeypatch.setattr(ledger, "_find", overtaken)
    response = client.call("acknowledge_case", "POST", route={"case": case.id})
    assert "send it again" in _problem(response, 409)


# Modes and the kill switch.


def test_modes_are_read_and_set(client: _Client) -> None:
    assert _json(client.call("read_modes")) == {
        "stopped": False,
        "unread": "",
        "modes": {"lamp-switched": "enforce"},
    }
    without = client.call("set_mode", "PUT", body={"mode": "page"}, route={"detection": "lamp-switched"})
    assert "it needs a reason" in _problem(without, 400)
    less = {"mode": "page", "reason": "too noisy"}
    response = client.call("set_mode", "PUT", body=less, route={"detection": "lamp-switched"})
    assert _json(response) == {"detection": "lamp-switched", "mode": "page"}
    assert client.modes().mode("lamp-switched") is Mode.PAGE
    client.call("set_mode", "PUT", body={**less, "mode": "observe"}, route={"detection": "*"})
    assert client.modes().mode("another") is Mode.OBSERVE
    (row,) = client.storage.rows(Table.CONTROLS, "PartitionKey eq 'mode' and RowKey ge 'lamp-switched'")
    assert row.columns["by"] == _BY
    (entry,) = history(client.storage, "mode lamp-switched").entries
    assert (entry.act.who, entry.act.why, entry.act.after) == (_BY, "too noisy", {"mode": "page"})


def test_a_detection_that_does_not_exist_has_no_mode(client: _Client) -> None:
    for detection, nearest in (
        ("no-such", ""),
        ("lamp-switched/..", "did you mean lamp-switched? "),
        ("lamp-swiched", "did you mean lamp-switched? "),
        ("", ""),
        ("LAMP-SWITCHED", ""),
    ):
        response = client.call("set_mode", "PUT", body={"mode": "enforce"}, route={"detection": detection})
        expected = f"no detection is called that; {nearest}GET modes lists those there are"
        assert expected in _problem(response, 404)
        assert client.writes() == []


def test_the_kill_switch_is_put_on_and_off(client: _Client) -> None:
    for stopped in (True, False):
        response = client.call("set_kill_switch", "PUT", body={"stopped": stopped, "reason": "a drill"})
        assert _json(response) == {"stopped": stopped}
        assert client.modes().stopped is stopped


def test_the_kill_switch_is_not_put_on_without_a_reason(client: _Client) -> None:
    response = client.call("set_kill_switch", "PUT", body={"stopped": True})
    assert "it needs a reason" in _problem(response, 400)
    assert client.writes() == []


def test_modes_that_cannot_be_read_are_told_as_such(client: _Client) -> None:
    client.storage.delete_table(Table.CONTROLS)
    read = _json(client.call("read_modes"))
    assert read["stopped"] is None
    assert "TableNotFound" in read["unread"]
    assert read["modes"] == {"lamp-switched": "page"}


def test_storage_that_fails_fails_the_request(client: _Client) -> None:
    """The host answers 500: a switch that wasn't set must not look as if it were."""
    client.storage.faults.fail("insert Switches")
    with pytest.raises(Unreachable):
        client.call("set_kill_switch", "PUT", body={"stopped": True, "reason": "a drill"})


# Who did it.


def _stopped_by(client: _Client, **call: Any) -> str | int:  # noqa: ANN401 - what `call` takes
    """Put the kill switch on; gives who did it by the journal, or the status of a refusal."""
    response = client.call("set_kill_switch", "PUT", body={"stopped": True, "reason": "a drill"}, **call)
    if response.status_code != 200:
        assert client.writes() == []
        return response.status_code
    return history(client.storage, "kill-switch").entries[-1].act.who


def _signed(seed: str, *, url: str = "https://responder.example/api/kill-switch") -> dict[str, str]:
    body = json.dumps({"stopped": True, "reason": "a drill"}).encode()
    return sign_request(OperatorKey(private(seed)), "PUT", url, body, emergency_key=EMERGENCY_KEY, now=NOW)


_CODE: Final = {KEY: EMERGENCY_KEY, OPERATOR: "alice", CODE: TOTP(SECRET).at(NOW)}


def test_who_did_it_is_who_is_signed_in_or_who_signed_or_whoever_has_the_key(client: _Client) -> None:
    assert _stopped_by(client) == _BY
    assert _stopped_by(client, who={}) == "somebody with a function key"
    assert _stopped_by(client, who=_signed("alice-1")) == "Alice (operator alice)"
    assert _stopped_by(client, who={**_CAROL, **_signed("alice-1")}) == "Alice (operator alice)"


def test_who_claims_to_be_an_operator_has_to_prove_it(client: _Client) -> None:
    again = _signed("alice-1")
    assert _stopped_by(client, who=again) == "Alice (operator alice)"
    assert _stopped_by(client, who=again) == 409
    assert _stopped_by(client, who={**_CAROL, **_signed("mallory-1")}) == 403
    assert _stopped_by(client, who={**_CAROL, KEY: "wrong"}) == 401
    assert _stopped_by(client, who=_signed("alice-1", url="https://responder.example/api/modes/*")) == 403
    assert _stopped_by(client, who=_CODE) == 403


def test_forged_headers_name_nobody(client: _Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _stopped_by(client, url="https://responder.example/api/emergency/../kill-switch") == WITH_A_KEY
    open_door = door()
    monkeypatch.setattr(requests, "front_door", lambda: open_door)
    assert _stopped_by(client) == WITH_A_KEY


def test_each_act_is_by_who_calls(client: _Client) -> None:
    client.ready.take_in(lamp_record())
    (case,) = client.ready.answer_all()
    wrong = {KEY: "wrong"}
    for name, route, body in (
        ("acknowledge_case", {"case": case.id}, {}),
        ("set_mode", {"detection": "*"}, {"mode": "page", "reason": "x"}),
    ):
        method = "POST" if name == "acknowledge_case" else "PUT"
        assert client.call(name, method, body=body, route=route, who=wrong).status_code == 401
        assert client.writes() == []


# Bodies that are none.

_ACTIONS: Final[dict[str, tuple[str, dict[str, str], dict[str, object]]]] = {
    "acknowledge_case": ("POST", {"case": "20260302-unknown"}, {}),
    "set_mode": ("PUT", {"detection": "lamp-switched"}, {"mode": "page"}),
    "set_kill_switch": ("PUT", {}, {"stopped": True, "reason": "a drill"}),
}


@pytest.mark.parametrize("name", _ACTIONS)
def test_a_body_that_is_wrong_is_refused_with_what_would_be_right(client: _Client, name: str) -> None:
    method, route, good = _ACTIONS[name]
    wrong: list[object] = [None, [], "text", 5, {**good, "by": "Carol Chen"}, {**good, "by": 5}, {**good, "unknown": 1}]
    wrong += [{"mode": "on", "stopped": "yes"}, {**good, "reason": 5}]
    wrong += [{}] if good else []
    bodies = [json.dumps(body).encode() for body in wrong] + [b"{", b"\xff", b'{"reason": "\xff"}']
    bodies += [b""] if good else []
    for raw in bodies:
        detail = _problem(client.call(name, method, raw=raw, route=route), 400)
        assert "by" in detail, raw
        assert client.writes() == []


@pytest.mark.parametrize("name", _ACTIONS)
def test_a_body_that_is_too_large_is_not_read(client: _Client, name: str) -> None:
    method, route, good = _ACTIONS[name]
    raw = json.dumps({**good, "reason": "x" * 20_000}).encode()
    assert "at most 16384" in _problem(client.call(name, method, raw=raw, route=route), 400)
    assert client.writes() == []


@given(raw=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_a_body_or_are_refused(client: _Client, raw: bytes) -> None:
    response = client.call("set_kill_switch", "PUT", raw=raw)
    assert response.status_code == 400
