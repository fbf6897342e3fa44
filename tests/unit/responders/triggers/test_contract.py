"""The HTTP API keeps to its OpenAPI document: each path is called with what it allows and with anything else."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import azure.functions as func
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import responders.doctor
from infra import openapi
from infra.checks.declared import blueprints
from responders.account_acts import ACCOUNT_ACTS
from responders.http_api import OPERATIONS
from responders.triggers import acts, callers, console, health, pagerduty, pages, requests
from responders.triggers.emergency import emergency_blueprint
from shared.checks.check import Report
from shared.emergency.signed_requests import target_of
from shared.emergency.signing import OperatorKey, sign_request_for
from shared.model.clock import Clock
from shared.notify.pagerduty_webhook import SIGNATURE, signature_of
from shared.respond.act_plans import plan_act
from shared.respond.asking import Verb, asking_of
from tests.fakes.console import FORM, IN_FRONT, ORIGIN, signed_in
from tests.fakes.console import desk as policy_desk
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.operators import HOST, KEY, door, private
from tests.fakes.pagerduty_events import SECRET, webhook_event
from tests.fakes.runbooks import desk as runbook_desk
from tests.fakes.schema_strategies import JSON_VALUES, often, values_of

type Function = Callable[[func.HttpRequest], func.HttpResponse]

_EXAMPLES: Final = int(os.environ.get("CONTRACT_EXAMPLES", "10"))
"""How many requests are made to each path and method."""

_VERBS: Final = (Verb.UNDO, Verb.ACCEPT, Verb.DENY)
_SIGNED: Final = "sign"
"""Stands for the headers of an operator's signature, which is of the request."""


@cache
def _document() -> dict[str, Any]:
    return openapi.document()


@cache
def _operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Give each operation by its id: path, method and what the document says."""
    return {
        each["operationId"]: (path, method.upper(), each)
        for path, methods in _document()["paths"].items()
        for method, each in methods.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The functions of an app with one case, and values that mean something to it, by the name of what they are."""

    functions: Mapping[str, Function]
    known: Mapping[str, tuple[Any, ...]]
    clock: Clock


def _examined(*_environment: object, **_options: object) -> Report:
    """Stand in for the doctor, which would call out."""
    return Report(healthy=True, lines=())


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    """Give an app over memory; what examples do to it stays."""
    storage, of_runbook = MemoryStorage(), MemoryStorage()
    for one in (storage, of_runbook):
        one.create_all()
    made, runbook = (
        policy_desk(storage, PAGERDUTY_WEBHOOK_SECRETS=SECRET, account_acts=ACCOUNT_ACTS),
        runbook_desk(of_runbook),
    )
    runtime, way_in = made.bench.runtime, door(environment=IN_FRONT)
    with pytest.MonkeyPatch.context() as patch:
        for module in (requests, acts, health, pagerduty, pages):
            patch.setattr(module, "runtime", lambda: runtime)
        for module in (requests, callers):
            patch.setattr(module, "front_door", lambda: way_in)
        patch.setattr(console, "_console", lambda: made.console)
        patch.setattr(responders.doctor, "report_of", _examined)
        patch.setenv("WEBSITE_AUTH_ENABLED", "true")
        emergencies = emergency_blueprint(
            lambda: runbook.engine, lambda req, first: callers.identified(req, first, now=runtime.clock())
        )
        registered = func.FunctionApp()
        for blueprint in (*blueprints(), emergencies):
            registered.register_functions(blueprint)
        functions = {str(one.get_function_name()): one.get_user_function() for one in registered.get_functions()}
        kept, case, declared = made.bench.only_object(), made.bench.only_case(), runbook.declare()
        event = json.loads(webhook_event("20260302T100000-0123456789abcdef0000"))
        yield App(
            functions=functions,
            clock=runtime.clock,
            known={
                "case": (made.case_id,),
                "tenant": (kept.id.tenant_id,),
                "kind": (kept.id.kind.value,),
                "key": (kept.id.key,),
                "detection": (*list(runtime.detections)[:2], "*"),
                "to": ("2026-03-02T09:55:00Z",),
                "since": ("2026-03-02T10:00:00Z",),
                "open": ("1",),
                "verb": ("undo", "acknowledge"),
                "emergency": (declared.id,),
                "step": ("2", "6", "9"),
                "plan": tuple(plan_act(runtime, asking_of(case, verb)).plan.digest for verb in _VERBS),
                "reason": ("CHG-1", ""),
                "body of hear_pagerduty": (event,),
            },
        )


def test_the_document_is_an_openapi_document() -> None:
    validate(_document())
    assert _document()["openapi"].startswith("3.1")


def test_every_function_that_is_called_over_http_is_in_it() -> None:
    assert {each["x-function"] for _, _, each in _operations().values()} == set(OPERATIONS)


def test_what_is_committed_is_current() -> None:
    assert openapi.PAGE.read_text(encoding="utf-8") == openapi.page()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("list_cases", {"method": "POST"}, "list_cases is registered for"),
        ("list_cases", {"path": "elsewhere"}, "list_cases is registered for cases, not for elsewhere"),
        ("list_cases", {"callers": ()}, "declared with the key of a function, or without"),
    ],
)
def test_a_declaration_that_is_not_what_is_registered_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Mapping[str, Any], said: str
) -> None:
    wrong = {**OPERATIONS, name: tuple(msgspec.structs.replace(one, **change) for one in OPERATIONS[name])}
    monkeypatch.setattr(openapi, "OPERATIONS", wrong)
    with pytest.raises(ValueError, match=re.escape(said)):
        list(openapi.declared_operations())


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request: its path as it is sent, the values in it, and the rest."""

    path: str
    route: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@st.composite
def _calls(draw: st.DrawFn, operation: str, app: App) -> Call:
    path, method, said = _operations()[operation]
    route: dict[str, str] = {}
    query: dict[str, str] = {}
    for each in said["parameters"]:
        name = each["name"]
        allowed = values_of(each["schema"], {}).map(str)
        other = allowed | st.text(min_size=1, max_size=30)
        value = str(draw(often(app.known[name], other) if name in app.known else other))
        if each["in"] == "path":
            route[name] = value.replace("/", "-")
        elif draw(st.booleans()):
            query[name] = value
    sent = re.sub(r"\{(\w+)\}", lambda found: route[found[1]], path)
    body = draw(_bodies(operation, app)) if method != "GET" else b""
    right = ({_SIGNED: "alice-1"},) if {"emergencyKey": []} in said["security"] else (signed_in(), {_SIGNED: "alice-1"})
    who = draw(often(right, st.sampled_from(({}, signed_in(), {_SIGNED: "mallory"}))))
    headers = {"Accept": draw(st.sampled_from(("", "application/json", "text/html"))), **who}
    if said["security"] == [{"signIn": []}] and method == "POST":
        headers |= draw(st.sampled_from(({"Origin": ORIGIN, "Content-Type": FORM}, {})))
    if said["security"] == [{"pagerDuty": []}] and draw(st.booleans()):
        headers[SIGNATURE.lower()] = signature_of(body, SECRET)
    return Call(path=sent, route=route, query=query, headers=headers, body=body)


def _bodies(operation: str, app: App) -> st.SearchStrategy[bytes]:
    """Give bodies that the document allows, with values that are known, and any others."""
    _, _, said = _operations()[operation]
    wanted = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    wrong = st.binary(max_size=20) | JSON_VALUES.map(lambda value: json.dumps(value).encode())
    if wanted is None:
        return wrong
    known = app.known.get(f"body of {said['x-function']}", ())
    right = values_of(wanted, _document()["components"]["schemas"], app.known)
    sent = (often(known, right) if known else right).map(lambda value: json.dumps(value).encode())
    return st.one_of(sent, sent, wrong)


def _answer(app: App, operation: str, call: Call) -> func.HttpResponse:
    _, method, said = _operations()[operation]
    headers = {name: value for name, value in call.headers.items() if name != _SIGNED and value}
    target = f"/api{call.path}"
    if (seed := call.headers.get(_SIGNED)) and target_of(target):
        key = OperatorKey(private(seed))
        headers |= sign_request_for(HOST, key, method, target, call.body, emergency_key=KEY, now=app.clock())
    request = func.HttpRequest(
        method=method,
        url=f"{ORIGIN}{target}",
        headers=headers,
        params=dict(call.query),
        route_params=dict(call.route),
        body=call.body,
    )
    return app.functions[said["x-function"]](request)


@cache
def _validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(reference), "components": _document()["components"]})


def _assert_as_documented(operation: str, response: func.HttpResponse) -> None:
    """Whether the status is documented, with a body of a documented type that is as its schema says."""
    _, _, said = _operations()[operation]
    status, body = response.status_code, response.get_body()
    assert str(status) in said["responses"], (status, body[:500])
    documented = said["responses"][str(status)]
    if "Location" in documented.get("headers", {}):
        assert response.headers["Location"]
        return
    kind = str(response.mimetype).partition(";")[0]
    assert kind in documented["content"], (status, kind)
    if kind == "text/html":
        assert body.startswith(b"<!doctype html>")
        return
    said_back = json.loads(body)
    problems = [*_validator(json.dumps(documented["content"][kind]["schema"])).iter_errors(said_back)]
    assert not problems, problems[0]
    assert kind != "application/problem+json" or said_back["status"] == status


@pytest.mark.parametrize("operation", sorted(_operations()))
def test_whatever_is_sent_is_answered_as_documented(app: App, operation: str) -> None:
    """No answer has a status of its own, and none says that the app failed."""

    @settings(
        max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
    )
    @given(_calls(operation, app))
    def sent(call: Call) -> None:
        response = _answer(app, operation, call)
        assert response.status_code < 500 or operation == "get_health", response.get_body()
        _assert_as_documented(operation, response)

    sent()
