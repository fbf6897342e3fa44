"""What is seen, for whatever watches from outside and for who looks at it in a browser."""

from typing import Any

import azure.functions as func
import msgspec
import pytest

from infra.local.world import B2C_TENANT, WORKFORCE_TENANT
from responders.sources import AUDIT_LOG
from responders.triggers import health
from shared.checks.check import Status
from shared.checks.posture import Posture
from shared.checks.posture_store import PostureStore
from shared.clients.storage_names import Table
from shared.emergency.blocks import HEADERS
from shared.ingest.coverage import Coverage
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import bench
from tests.unit.responders.test_coverage import all_seen


def _answer(accept: str) -> func.HttpResponse:
    request = func.HttpRequest(
        method="GET", url="https://responder.example/api/health", headers={"Accept": accept}, body=b""
    )
    builder: Any = health.show_health
    response: func.HttpResponse = builder._function.get_user_function()(request)  # noqa: SLF001 - no public way
    return response


@pytest.fixture
def seen(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> MemoryStorage:
    made = bench(memory)
    monkeypatch.setattr(health, "runtime", lambda: made.runtime)
    all_seen(memory)
    return memory


@pytest.mark.usefixtures("seen")
def test_what_is_all_seen_is_200_with_everything_in_it() -> None:
    answer = _answer("*/*")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    coverage = msgspec.json.decode(answer.get_body(), type=Coverage)
    assert coverage.bad == ()
    assert coverage.entries
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_not_all_seen_is_503(seen: MemoryStorage) -> None:
    seen.upsert(Table.CURSORS, AUDIT_LOG.cursors, WORKFORCE_TENANT, {"done_until": "2026-03-01T00:00:00+00:00"})
    answer = _answer("application/json")
    assert answer.status_code == 503
    assert [one.about for one in msgspec.json.decode(answer.get_body(), type=Coverage).bad] == [AUDIT_LOG.name]


def test_a_browser_gets_a_page_that_loads_and_runs_nothing(seen: MemoryStorage) -> None:
    seen.upsert(Table.CURSORS, AUDIT_LOG.cursors, WORKFORCE_TENANT, {"done_until": "2026-03-01T00:00:00+00:00"})
    answer = _answer("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert HEADERS.items() <= dict(answer.headers).items()
    page = answer.get_body().decode()
    assert "LATE: audit log (Entra ID)" in page
    assert "<script" not in page


def _posture(method: str, *, accept: str = "*/*", language: str = "", tenant: str = "") -> func.HttpResponse:
    url = "https://responder.example/api/posture"
    headers = {"Accept": accept} | ({"Accept-Language": language} if language else {})
    params = {"tenant": tenant} if tenant else {}
    request = func.HttpRequest(method=method, url=url, headers=headers, params=params, body=b"")
    builder: Any = health.show_posture
    response: func.HttpResponse = builder._function.get_user_function()(request)  # noqa: SLF001 - no public way
    return response


def test_the_posture_is_there_once_somebody_has_looked(seen: MemoryStorage) -> None:
    answer = _posture("GET")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    looked = msgspec.json.decode(_posture("POST").get_body(), type=Posture)
    passing = [line.id for line in looked.lines if line.status is Status.OK]
    assert passing == ["approvals-fresh"], "the tenant can't be read here, storage can"
    assert PostureStore(seen, WORKFORCE_TENANT).latest() == looked
    page = _posture("GET", accept="text/html,*/*;q=0.8")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert HEADERS.items() <= dict(page.headers).items()
    assert dict(page.headers)["Vary"] == "Accept, Accept-Language"
    assert '<html lang="en">' in page.get_body().decode()
    korean = _posture("GET", accept="text/html", language="ko-KR,ko;q=0.9,en;q=0.8").get_body().decode()
    assert '<html lang="ko">' in korean
    assert "먼저 할 일" in korean
    again = _posture("GET")
    assert (again.status_code, again.headers["Cache-Control"]) == (200, "no-store")
    assert msgspec.json.decode(again.get_body(), type=Posture) == looked


def test_each_tenant_has_a_posture_of_its_own(seen: MemoryStorage) -> None:
    looked = msgspec.json.decode(_posture("POST", tenant="b2c").get_body(), type=Posture)
    assert "no-consumers-in-roles" in {line.id for line in looked.lines}
    assert PostureStore(seen, B2C_TENANT).latest() == looked
    assert _posture("GET").status_code == 404, "nobody has looked at the other one"
    wrong = _posture("GET", tenant="contoso")
    assert (wrong.status_code, wrong.mimetype) == (404, "application/problem+json")
