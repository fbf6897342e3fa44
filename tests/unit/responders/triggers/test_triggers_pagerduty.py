"""PagerDuty's webhook as the host calls it: what is refused changes nothing, what is heard is stored and answered."""

import json
from collections.abc import Mapping
from typing import Any, Final

import azure.functions as func
import pytest

from responders.triggers import pagerduty
from shared.clients.storage_names import Table
from shared.notify.pagerduty_webhook import SIGNATURE, signature_of
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.pagerduty_events import OLD_SECRET, SECRET, webhook_event
from tests.fakes.runtime import Bench, bench
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.shared.notify.test_pagerduty_webhook import FORGERIES

_NOTHING: Final[Mapping[str, str]] = {}


def _use(made: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(pagerduty, "runtime", lambda: made.runtime)
    return made


def _post(body: bytes, headers: Mapping[str, str] = _NOTHING) -> func.HttpResponse:
    url = "https://responder.example/api/emergency/pagerduty"
    request = func.HttpRequest(method="POST", url=url, headers=dict(headers), body=body)
    builder: Any = pagerduty.hear_pagerduty
    response: func.HttpResponse = builder._function.get_user_function()(request)  # noqa: SLF001 - there is no public way
    return response


def _signed(body: bytes, secret: str = SECRET) -> func.HttpResponse:
    return _post(body, {SIGNATURE.lower(): signature_of(body, secret)})


def _stored(made: Bench) -> int:
    return len(made.storage.rows(Table.OUTBOX, "PartitionKey ge @first", first=""))


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_a_problem_document_and_nothing_is_stored(
    memory: MemoryStorage,
    monkeypatch: pytest.MonkeyPatch,
    forgery: Any,  # noqa: ANN401 - a row of the table
) -> None:
    made = _use(bench(memory, PAGERDUTY_WEBHOOK_SECRETS=",".join(forgery.secrets)), monkeypatch)
    response = _post(forgery.body, {SIGNATURE: forgery.signatures})
    problem = json.loads(response.get_body())
    assert (response.status_code, response.mimetype) == (forgery.status, "application/problem+json")
    assert problem["status"] == forgery.status
    assert problem["detail"]
    assert _stored(made) == 0


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_either_secret_counts_while_it_is_exchanged_and_an_event_counts_once(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    made = _use(bench(memory, PAGERDUTY_WEBHOOK_SECRETS=f"{SECRET}, {OLD_SECRET}"), monkeypatch)
    body = webhook_event("a key", at=NOW)
    answers = [_signed(body, secret) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [json.loads(answer.get_body())["heard"] for answer in answers] == ["now", "before", "before"]
    assert _stored(made) == 1


def test_while_storage_fails_pagerduty_is_asked_to_send_it_again(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    _use(bench(storage, PAGERDUTY_WEBHOOK_SECRETS=SECRET), monkeypatch)
    storage.faults.fail_once("insert Outbox")
    body = webhook_event("a key")
    assert _signed(body).status_code == 503
    assert json.loads(_signed(body).get_body()) == {"heard": "now"}


def test_storing_is_all_that_an_answer_waits_for(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    made = _use(bench(storage, PAGERDUTY_WEBHOOK_SECRETS=SECRET), monkeypatch)
    storage.faults.log.clear()
    _signed(webhook_event("a key"))
    assert [entry.split()[0] for entry in storage.faults.log] == ["insert"]
    assert (made.teams.tried, made.pagerduty.tried) == (0, 0)


def test_the_timer_acts_on_it(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _use(bench(memory, PAGERDUTY_WEBHOOK_SECRETS=SECRET), monkeypatch)
    _signed(webhook_event("a key"))
    query = "PartitionKey eq '20260302 heard' and done eq false"
    assert len(made.storage.rows(Table.OUTBOX, query)) == 1
    resume(made.runtime)
    assert made.storage.rows(Table.OUTBOX, query) == []
