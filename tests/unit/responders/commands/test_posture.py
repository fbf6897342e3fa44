"""`responder posture`: what fails first, how it is mended, and what people confirm or accept."""

import json
from collections.abc import Callable, Mapping

import httpx
import msgspec
import pytest

from infra.local.world import ALICE, B2C_TENANT, WORKFORCE_TENANT
from responders.cli import main
from responders.commands import posture as command
from responders.posture import directory, roles
from responders.posture.declared import DECLARED
from shared.checks.check import Unread
from shared.checks.posture import Posture, judged
from shared.checks.posture_store import PostureStore
from shared.model.kinds import TenantKind
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.postures import snapshot
from tests.fakes.runtime import SETTINGS

type Run = Callable[..., tuple[int, str, str]]


def _posture() -> Posture:
    """Give a tenant that lacks PIM's guards, and whose organization couldn't be read."""
    seen = snapshot({roles.ACTIVATIONS: None, roles.ELIGIBILITIES: None, directory.ORGANIZATION: Unread("403")})
    return judged(DECLARED.checks, DECLARED.items, seen, confirmed={}, accepted={})


@pytest.fixture
def run(memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def storage_from(_: object) -> MemoryStorage:
        return memory

    def environment_from(_: object) -> Mapping[str, str]:
        return SETTINGS

    monkeypatch.setattr(command, "storage_from", storage_from)
    monkeypatch.setattr(command, "environment_from", environment_from)
    monkeypatch.setattr(command, "utc_now", lambda: NOW)

    def ran(*arguments: str) -> tuple[int, str, str]:
        code = main(["posture", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ran


@pytest.fixture
def store(memory: MemoryStorage) -> PostureStore:
    found = PostureStore(memory, WORKFORCE_TENANT)
    found.keep(_posture())
    return found


def test_before_the_first_look_it_says_how_to_have_one(run: Run) -> None:
    code, _, error = run()
    assert code == 3
    assert "--app" in error


@pytest.mark.usefixtures("store")
def test_what_fails_is_shown_by_stage_with_what_to_do(run: Run) -> None:
    code, out, _ = run()
    assert code == 1
    lines = out.splitlines()
    assert lines[2] == "What to do first"
    assert lines[3] == "  1. Privileged Identity Management is there (pim-enabled)"
    assert "Stage 1: first 48 hours" in lines
    assert "    FAIL     Privileged Identity Management is there (pim-enabled)" in lines
    assert any(line.strip().startswith("-> Buy Entra ID P2") for line in lines)
    assert any("can't tell" in line and "admin-contact-known" in line for line in lines)
    assert not any("few-global-administrators" in line for line in lines), "what passes isn't shown unasked"
    assert max(map(len, lines)) <= 105
    assert "\x1b" not in out, "no colours where it isn't a terminal"


@pytest.mark.usefixtures("store")
def test_all_of_one_stage(run: Run) -> None:
    _, out, _ = run("all", "--stage", "4")
    assert "few-global-administrators" in out
    assert "Stage 1" not in out


@pytest.mark.usefixtures("store")
def test_as_json(run: Run) -> None:
    code, out, _ = run("--json", "--stage", "1")
    found = json.loads(out)
    assert code == 1
    assert {line["stage"] for line in found["lines"]} == {1}
    assert msgspec.convert(found, Posture).lines[0].id


@pytest.mark.usefixtures("store")
def test_as_a_page(run: Run) -> None:
    _, out, _ = run("--html")
    assert out.startswith("<!doctype html>")
    assert "What to do first" in out
    assert "responder posture accept pim-enabled --reason TEXT" in out
    assert "<script" not in out


def test_the_list_has_everything(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    of_workforce = DECLARED.of_kind(TenantKind.WORKFORCE)
    assert all(one.id in out for one in (*of_workforce.checks, *of_workforce.items))
    assert "no-consumers-in-roles" not in out


def test_a_b2c_tenant_has_checks_of_its_own(run: Run, memory: MemoryStorage) -> None:
    _, out, _ = run("list", "--tenant", "b2c")
    assert "no-consumers-in-roles" in out
    assert "pim-enabled" not in out
    assert run("--tenant", "b2c")[0] == 3, "nobody has looked at it yet"
    PostureStore(memory, B2C_TENANT).keep(_posture())
    assert run("--tenant", "b2c")[0] == 1


@pytest.mark.usefixtures("store")
def test_a_page_is_a_format_and_has_the_language_of_messages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("-o", "html") == run("--html")
    korean = {**SETTINGS, "NOTICE_LANGUAGE": "ko"}

    def environment_from(_: object) -> Mapping[str, str]:
        return korean

    monkeypatch.setattr(command, "environment_from", environment_from)
    assert '<html lang="ko">' in run("-o", "html")[1]


def test_a_person_confirms_an_item_and_accepts_a_risk(run: Run, store: PostureStore) -> None:
    assert run("confirm", "risk-assessed", "--reason", "Done on Monday", "--by", "Ann")[0] == 0
    assert run("accept", "pim-enabled", "--reason", "Bought in May", "--until", "2026-05-31", "--by", "Bea")[0] == 0
    found = store.decisions()
    assert (found.confirmed["risk-assessed"].by, found.confirmed["risk-assessed"].reason) == ("Ann", "Done on Monday")
    assert found.accepted["pim-enabled"].until.date().isoformat() in {"2026-05-31", "2026-06-01"}


def test_a_person_sorts_an_account(run: Run, store: PostureStore) -> None:
    assert run("sort", ALICE.id.upper(), "shared", "--reason", "The service desk uses it", "--by", "Ann")[0] == 0
    assert store.decisions().sorted[ALICE.id].category == "shared"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("confirm", "pim-enabled", "--reason", "it is"), "read by the app"),
        (("confirm", "risk-asessed", "--reason", "it is"), "risk-assessed"),
        (("confirm", "--reason", "it is"), "responder posture list"),
        (("confirm", "risk-assessed"), "--reason"),
        (("accept", "pim-enabled", "--reason", "later", "--until", "2026-01-01"), "should end"),
        (("accept", "pim-enabled", "--reason", "later", "--until", "soon"), "soon"),
        (("sort", "alice@contoso.com", "shared", "--reason", "it is"), "alice@contoso.com"),
        (("sort", ALICE.id, "shard", "--reason", "it is"), "shared"),
        (("sort", ALICE.id, "shared"), "--reason"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_decided(
    run: Run, store: PostureStore, arguments: tuple[str, ...], said: str
) -> None:
    code, _, error = run(*arguments)
    assert code == (3 if said in {"risk-assessed", "responder posture list", "shared"} else 2)
    assert said in error
    assert (store.decisions().confirmed, store.decisions().accepted) == ({}, {})


def test_the_app_looks_now(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def post(url: str, **_options: object) -> httpx.Response:
        asked.append(url)
        return httpx.Response(200, content=msgspec.json.encode(_posture()))

    monkeypatch.setattr(httpx, "post", post)
    code, out, _ = run("--app", "https://responder.example/")
    assert (code, asked) == (1, ["https://responder.example/api/posture"])
    assert "pim-enabled" in out


@pytest.mark.parametrize("answer", [httpx.Response(401), httpx.ConnectError("refused")])
def test_an_app_that_gives_nothing_is_said_so(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | httpx.ConnectError
) -> None:
    def post(_url: str, **_options: object) -> httpx.Response:
        if isinstance(answer, httpx.ConnectError):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "post", post)
    code, _, error = run("--app", "https://responder.example")
    assert code == (5 if isinstance(answer, httpx.ConnectError) else 2)
    assert "responder.example gave no" in error
