"""`responder status`: a terminal shows at once whether the product sees."""

import json
from collections.abc import Callable, Mapping

import httpx
import msgspec
import pytest

from infra.local.world import WORKFORCE_TENANT
from responders.cli import main
from responders.commands import status
from responders.sources import AUDIT_LOG
from shared.clients.storage_names import Table
from shared.ingest.coverage import Coverage
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import SETTINGS
from tests.unit.responders.test_coverage import all_seen


@pytest.fixture
def run(
    memory: MemoryStorage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def storage_from(_: object) -> MemoryStorage:
        return memory

    def environment_from(_: object) -> Mapping[str, str]:
        return SETTINGS

    monkeypatch.setattr(status, "storage_from", storage_from)
    monkeypatch.setattr(status, "environment_from", environment_from)
    monkeypatch.setattr(status, "utc_now", lambda: NOW)
    all_seen(memory)

    def ran(*arguments: str) -> tuple[int, str]:
        code = main(["status", *arguments])
        return code, capsys.readouterr().out

    return ran


def test_what_is_all_seen_ends_with_0(run: Callable[..., tuple[int, str]]) -> None:
    code, out = run()
    assert code == 0
    assert out.startswith(" IT SEES EVERYTHING")
    assert "\x1b" not in out, "no colours where it isn't a terminal"


def test_what_is_not_ends_with_1_and_comes_first(memory: MemoryStorage, run: Callable[..., tuple[int, str]]) -> None:
    memory.upsert(Table.CURSORS, AUDIT_LOG.cursors, WORKFORCE_TENANT, {"done_until": "2026-03-01T00:00:00+00:00"})
    code, out = run()
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith(" IT DOES NOT SEE EVERYTHING: 1 late or in part")
    assert lines[3].startswith(" LATE")
    assert all(len(line) <= 120 for line in lines)


@pytest.mark.parametrize("words", [("--json",), ("-o", "json")])
def test_it_is_one_json_object_too(run: Callable[..., tuple[int, str]], words: tuple[str, ...]) -> None:
    _, out = run(*words)
    assert msgspec.convert(json.loads(out), Coverage, strict=False).bad == ()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
def test_an_app_that_gives_no_coverage_is_named(
    body: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def get(*_: object, **__: object) -> httpx.Response:
        return httpx.Response(401, content=body)

    monkeypatch.setattr(httpx, "get", get)
    assert main(["status", "--app", "https://responder.example"]) == 2
    assert "gave no coverage" in capsys.readouterr().err


def test_the_app_is_asked_where_that_is_wanted(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out = run("--json")
    asked: list[str] = []

    def get(url: str, **_: object) -> httpx.Response:
        asked.append(url)
        return httpx.Response(503, content=out.encode())

    monkeypatch.setattr(httpx, "get", get)
    assert run("--app", "https://responder.example/")[0] == 0
    assert asked == ["https://responder.example/api/health"]


def test_on_a_terminal_it_is_as_wide_as_that(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, text = run()
    assert max(map(len, text.splitlines()[1:])) <= 80
    assert "\n seen      1 min ago               " in text
