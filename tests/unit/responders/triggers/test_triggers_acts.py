"""What a person does about a case over HTTP: GET shows a plan and does nothing, POST does what it showed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import azure.functions as func
import pytest
from pyotp.totp import TOTP

from infra.local.world import CAROL
from responders.account_acts import ACCOUNT_ACTS
from responders.triggers import acts, requests
from shared.authority.journal import history
from shared.emergency.signed_requests import CODE, KEY, OPERATOR
from shared.model.kinds import Mode, ObjectKind
from shared.model.objects import ObjectId, key_of
from shared.respond.persons import subject_of
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import KEY as EMERGENCY_KEY
from tests.fakes.operators import SECRET, door
from tests.fakes.runtime import TENANT, Bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.shared.authority.test_signed_in import headers, principal

_CAROL: Final = headers(ID=CAROL.id, NAME="carol@contoso.example", **{"": principal(oid=CAROL.id, tid=TENANT)})
_BY: Final = f"carol@contoso.example ({CAROL.id})"
_ID: Final = ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(LAMP))
_WRITES: Final = ("insert", "replace", "upsert", "keep", "enqueue")
_OBJECT: Final = {"tenant": TENANT, "kind": ObjectKind.CA_POLICY.value, "key": key_of(LAMP)}


class _Client:
    """Calls the functions of an app whose lamp was switched off while people only watched."""

    def __init__(self, ready: Bench, storage: SpoiltStorage) -> None:
        self.ready, self.storage = ready, storage
        self.case = ready.only_case().id

    def call(
        self,
        name: str,
        method: str = "GET",
        *,
        act: str = "deny",
        case: str = "",
        body: object = None,
        route: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        who: Mapping[str, str] = _CAROL,
    ) -> func.HttpResponse:
        request = func.HttpRequest(
            method=method,
            url=f"https://responder.example/api/cases/{self.case}/acts/{act}",
            headers=dict(who),
            params=dict(params or {}),
            route_params=dict(route or {"case": case or self.case, "act": act}),
            body=b"" if body is None else json.dumps(body).encode(),
        )
        builder: Any = getattr(acts, name)
        self.storage.faults.log.clear()
        response: func.HttpResponse = builder._function.get_user_function()(request)  # noqa: SLF001 - no public way
        return response

    def plan(self, act: str = "deny") -> Any:  # noqa: ANN401 - JSON
        response = self.call("show_act", act=act)
        assert response.status_code == 200, response.get_body()
        return json.loads(response.get_body())

    def writes(self) -> list[str]:
        return [entry for entry in self.storage.faults.log if entry.startswith(_WRITES)]

    def go_on(self) -> None:
        self.ready.clock.move(timedelta(minutes=1))
        resume(self.ready.runtime)


@pytest.fixture
def client(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> _Client:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage, mode=Mode.PAGE, account_acts=ACCOUNT_ACTS)
    ready.take_in(lamp_record())
    ready.answer_queue()
    made = door(environment={"WEBSITE_AUTH_ENABLED": "True"})
    for module in (requests, acts):
        monkeypatch.setattr(module, "runtime", lambda: ready.runtime)
    monkeypatch.setattr(requests, "front_door", lambda: made)
    return _Client(ready, storage)


def _problem(response: func.HttpResponse, status: int) -> str:
    assert response.status_code == status, response.get_body()
    assert response.mimetype == "application/problem+json"
    detail: str = json.loads(response.get_body())["detail"]
    return detail


def test_a_get_shows_the_plan_and_writes_nothing(client: _Client) -> None:
    plan = client.plan()
    assert client.writes() == []
    assert plan["leaves"] == [{"leaf": "state", "stands": "off", "will_be": "on", "note": ""}]
    assert (plan["act"], plan["writes"], plan["done"], len(plan["plan"])) == ("deny", "update", False, 64)


@pytest.mark.parametrize(("act", "state"), [("deny", "on"), ("accept", "off"), ("leave", "off")])
def test_what_was_shown_is_done_by_who_calls(client: _Client, act: str, state: str) -> None:
    body = {"plan": client.plan(act)["plan"], "reason": "CHG-7"}
    for result in ("done", "done already"):
        answered = client.call("do_act", "POST", act=act, body=body)
        assert (answered.status_code, json.loads(answered.get_body())["result"]) == (200, result)
        client.go_on()
        assert client.ready.lamps.state[LAMP] == state
    last = history(client.storage, subject_of(_ID)).entries[-1].act
    assert (last.who, last.what, last.why) == (_BY, act, "CHG-7")


def test_what_people_only_watched_is_put_back_once(client: _Client) -> None:
    body = {"plan": client.plan("put-back")["plan"], "reason": "CHG-7"}
    for result in ("done", "done already"):
        answered = client.call("do_act", "POST", act="put-back", body=body)
        assert (answered.status_code, json.loads(answered.get_body())["result"]) == (200, result)
    client.go_on()
    assert client.ready.lamps.state[LAMP] == "on"
    last = history(client.storage, subject_of(_ID)).entries[-1].act
    assert (last.who, last.what, last.why) == (_BY, "settle", "CHG-7")
    client.ready.lamps.state[LAMP] = "off"
    client.go_on()
    assert client.ready.lamps.state[LAMP] == "off", "nothing is held for later"
    assert "waits to be put back" in client.plan("put-back")["nothing"]


def test_an_undo_is_done(client: _Client) -> None:
    client.call("do_act", "POST", body={"plan": client.plan()["plan"], "reason": "CHG-7"})
    client.go_on()
    client.case = next(one.id for one in client.ready.cases() if one.detection == "person-deny")
    answered = client.call("do_act", "POST", act="undo", body={"plan": client.plan("undo")["plan"], "reason": "no"})
    assert answered.status_code == 200
    client.go_on()
    assert client.ready.lamps.state[LAMP] == "off"


def test_a_plan_that_is_out_of_date_does_nothing(client: _Client) -> None:
    plan = client.plan()
    client.ready.lamps.state[LAMP] = "red"
    answered = client.call("do_act", "POST", body={"plan": plan["plan"], "reason": "CHG-7"})
    assert "read otherwise since it was shown" in _problem(answered, 409)
    client.go_on()
    assert client.ready.lamps.writes == []


@pytest.mark.parametrize(
    "body",
    [None, {}, {"plan": "0" * 64}, {"plan": "0" * 65, "reason": ""}, {"plan": "", "reason": "x", "by": "Mallory"}],
)
def test_a_body_that_says_something_else_is_refused(client: _Client, body: object) -> None:
    _problem(client.call("do_act", "POST", body=body), 400)
    assert client.writes() == []


def test_it_needs_a_reason(client: _Client) -> None:
    answered = client.call("do_act", "POST", body={"plan": client.plan()["plan"], "reason": " "})
    assert "reason" in _problem(answered, 400)


def test_a_function_key_alone_decides_nothing(client: _Client) -> None:
    for act in ("deny", "accept", "leave"):
        body = {"plan": client.plan(act)["plan"], "reason": "CHG-7"}
        assert "nobody is known to call" in _problem(client.call("do_act", "POST", act=act, body=body, who={}), 403)
        assert client.writes() == []


def test_a_one_time_code_is_not_enough(client: _Client) -> None:
    code = {KEY: EMERGENCY_KEY, OPERATOR: "olga", CODE: TOTP(SECRET).at(NOW)}
    body = {"plan": client.plan()["plan"], "reason": "CHG-7"}
    assert client.call("do_act", "POST", body=body, who=code).status_code in {401, 403}
    client.go_on()
    assert client.ready.lamps.writes == []


@pytest.mark.parametrize(
    ("case", "act", "status"),
    [("20260302-unknown", "deny", 404), ("../cases", "deny", 404), ("", "burn", 404), ("", "undo", 409)],
)
def test_what_there_is_not_says_so(client: _Client, case: str, act: str, status: int) -> None:
    assert _problem(client.call("show_act", case=case, act=act), status)
    body = {"plan": "0" * 64, "reason": "CHG-7"}
    assert _problem(client.call("do_act", "POST", case=case, act=act, body=body), status)


def test_an_object_is_restored_to_an_instant(client: _Client) -> None:
    to = {"to": f"{client.ready.clock() - timedelta(minutes=7):%Y-%m-%dT%H:%M:%SZ}"}
    shown = json.loads(client.call("show_restore", route=_OBJECT, params=to).get_body())
    assert shown["leaves"][0]["will_be"] == "on"
    body = {"plan": shown["plan"], "reason": "CHG-7"}
    assert client.call("do_restore", "POST", route=_OBJECT, params=to, body=body).status_code == 200
    client.go_on()
    assert client.ready.lamps.state[LAMP] == "on"


@pytest.mark.parametrize(
    ("route", "to", "status"),
    [
        ({"key": "0" * 32}, "2026-03-02", 404),
        ({"kind": "lamp"}, "2026-03-02", 404),
        ({"tenant": "0"}, "2026-03-02", 404),
        ({"key": "..|x"}, "2026-03-02", 404),
        ({}, "yesterday", 400),
        ({}, "", 400),
        ({}, "2020-01-01", 409),
    ],
)
def test_an_object_or_a_time_that_there_is_not_says_so(
    client: _Client, route: Mapping[str, str], to: str, status: int
) -> None:
    assert _problem(client.call("show_restore", route={**_OBJECT, **route}, params={"to": to}), status)


# An account, and what people say.


def test_a_containment_is_shown_and_of_whom_it_cannot_be_it_is_said_why(client: _Client) -> None:
    shown = client.call("show_containment")
    assert shown.status_code == 200, shown.get_body()
    plan = json.loads(shown.get_body())
    assert (len(plan["objects"]), plan["objects"][0]["writes"]) == (1, "update")
    assert [step["does"] for step in plan["steps"]][:2] == ["disable", "revoke the sessions of"]
    assert client.writes() == []
    body = {"plan": plan["plan"], "reason": "stolen"}
    assert "nobody is known" in _problem(client.call("contain_case", "POST", body=body, who={}), 403)
    assert "GET shows what" in _problem(client.call("contain_case", "POST", body=body | {"plan": "0" * 64}), 409)
    assert "reason" in _problem(client.call("contain_case", "POST", body={"plan": plan["plan"]}), 400)
    done = client.call("contain_case", "POST", body=body)
    assert json.loads(done.get_body()) == {"result": "done"}
    client.go_on()
    assert client.ready.lamps.state[LAMP] == "on"
    given = client.call("release_case", "POST", body={"reason": "hers again"})
    assert json.loads(given.get_body()) == {"result": "done"}
    assert json.loads(client.call("release_case", "POST", body={"reason": "x"}).get_body())["result"] == "done already"
    assert "no case has that id" in _problem(client.call("show_containment", case="20260302-00"), 404)


def test_nothing_is_given_back_where_nothing_was_taken(client: _Client) -> None:
    assert "nothing was taken" in _problem(client.call("release_case", "POST", body={"reason": "x"}), 409)


@pytest.mark.parametrize(
    ("name", "method", "body", "kind", "text"),
    [
        ("note_case", "POST", {"text": "Asked her boss"}, "note", "Asked her boss"),
        ("classify_case", "PUT", {"was": "expected", "text": "CHG-7"}, "expected", "CHG-7"),
    ],
)
def test_what_is_said_of_a_case_is_by_who_calls(  # noqa: PLR0917 - a row of the table
    client: _Client, name: str, method: str, body: dict[str, str], kind: str, text: str
) -> None:
    assert "nobody is known" in _problem(client.call(name, method, body=body, who={}), 403)
    assert _problem(client.call(name, method, body={**body, "by": "Alice"}), 400)
    assert client.writes() == []
    case = json.loads(client.call(name, method, body=body).get_body())
    assert [(one["kind"], one["by"], one["text"]) for one in case["remarks"]] == [(kind, _BY, text)]
    assert client.call("take_case_back", "POST").status_code == 200
    assert client.ready.only_case().acknowledged_at is None
