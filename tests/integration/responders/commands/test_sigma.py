"""Sigma rules on the command line, in the app and before the doctor."""

import json
import logging
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

import responders.app
from responders.catalogue import CATALOGUE
from responders.cli import main
from responders.detections.samples import audit_record
from responders.doctor import report_of
from shared.checks.check import Status
from shared.model.errors import SettingsError
from shared.model.kinds import Mode
from shared.model.settings import settings_from
from tests.fakes.runtime import SETTINGS
from tests.fakes.sigma_rules import RULE_ID, rule, selection

_ID: Final = f"sigma-{RULE_ID[:8]}"
_KEYWORDS: Final = rule("k: [secret]\ncondition: k", title="Words", rule_id="0d9e1c40-52fb-4e0a-9b6d-1f83a0c2e574")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two rules, one of which can't be said."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "added.yml").write_text(selection("OperationName: Add user\nInitiatedBy|contains: morgan"))
    (rules / "words.yml").write_text(_KEYWORDS)
    return rules


def test_the_tables_say_what_became_of_each_rule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sigma", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["detection", "log", "risk", "answer", "title"]
    assert lines[2].split() == [_ID, "audit", "medium", "page", "Something", "happened"]
    assert "not loaded:" in lines
    assert "words.yml (Words)" in lines
    assert lines[-1] == "loaded: 1, not loaded: 1"


def test_the_same_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sigma", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["loaded"] == [
        {
            "id": _ID,
            "file": "added.yml",
            "title": "Something happened",
            "log": "audit",
            "risk": "medium",
            "answer": "page",
        }
    ]
    assert [(one["file"], one["title"]) for one in report["not_loaded"]] == [("words.yml", "Words")]
    assert "name the field" in report["not_loaded"][0]["because"]


def test_the_queries_are_printed_and_the_problems_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sigma", str(folder), "--kql"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("// Something happened\n")
    assert 'activity == "add user"' in printed.out
    assert printed.err.startswith("responder: not loaded: words.yml (Words): it looks for words")


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        ({"a.yml": selection("Category: x")}, 0),
        ({"a.yml": _KEYWORDS}, 1),
        ({"a.yml": selection("Category: x"), "b.yml": "[broken"}, 1),
        ({}, 1),
    ],
)
def test_the_exit_status_says_whether_rules_can_be_run(tmp_path: Path, texts: dict[str, str], status: int) -> None:
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    assert main(["sigma", str(tmp_path)]) == status


def test_a_path_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sigma", str(tmp_path / "gone")]) == 3
    assert f"there is no file or folder {tmp_path / 'gone'}" in capsys.readouterr().err


def test_rules_match_beside_the_product_s_own_detections(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    records = tmp_path / "records.json"
    records.write_text(json.dumps([audit_record("Add user"), audit_record("Delete user")]))
    monkeypatch.setenv("SIGMA_RULES", str(folder))
    assert main(["match", str(records)]) == 0
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [one["record"] for one in found if one["detection"] == _ID] == [0]


def test_rules_stand_in_the_catalogue_and_have_a_query(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGMA_RULES", str(folder))
    assert main(["catalogue", "--json"]) == 0
    assert [one["id"] for one in json.loads(capfd.readouterr().out)] == [*(one.id for one in CATALOGUE), _ID]
    assert main(["kql", _ID]) == 0
    assert f'detection = "{_ID}"' in capfd.readouterr().out


@pytest.fixture
def settings(environment: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[dict[str, str]]:
    """Settings of an app with these rules, on storage of this test."""
    values = {**SETTINGS, **environment, "SIGMA_RULES": str(folder)}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    _forget()
    yield values
    _forget()


def _forget() -> None:
    responders.app.settings.cache_clear()
    responders.app.runtime.take()


def test_the_app_runs_the_rules_in_observe_until_they_are_switched_on(
    settings: dict[str, str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING, "responder.app"):
        runtime = responders.app.runtime()
    assert list(runtime.detections)[-1] == _ID
    assert [record.message.partition(":")[0] for record in caplog.records] == ["a Sigma rule isn't loaded"]
    runtime.storage.create_all()
    assert runtime.controls.read_state().mode(_ID) is Mode.OBSERVE
    assert main(["mode", _ID, "page"]) == 0
    assert runtime.controls.read_state().mode(_ID) is Mode.PAGE
    assert main(["owner", _ID, "--name", "Alice", "--upn", "alice@contoso.example"]) == 0
    report = report_of(settings, only=("modes-known",))
    assert [line.status for line in report.lines] == [Status.OK]
    capfd.readouterr()


def test_the_doctor_tells_how_many_rules_run_and_which_do_not(settings: dict[str, str], folder: Path) -> None:
    report = report_of(settings, only=("sigma-rules-loaded",))
    assert [line.status for line in report.lines] == [Status.OK, Status.WARNING]
    assert report.lines[0].found == f"rules of {folder} that run as detections: 1"
    assert report.lines[1].found.startswith("words.yml (Words): it looks for words")
    (without,) = report_of(settings | {"SIGMA_RULES": ""}, only=("sigma-rules-loaded",)).lines
    assert (without.status, without.found) == (Status.OK, "SIGMA_RULES isn't set: there are none")
    (folder / "added.yml").unlink()
    assert [line.status for line in report_of(settings, only=("sigma-rules-loaded",)).lines] == [Status.WARNING] * 2


def test_a_folder_that_is_not_there_stops_the_app(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SIGMA_RULES is .* it should be a folder of Sigma rules that is there"):
        settings_from({**SETTINGS, "SIGMA_RULES": str(tmp_path / "gone")})


def test_an_app_without_rules_never_imports_what_reads_them() -> None:
    said = (
        "import sys, responders.app, responders.doctor, responders.commands.sigma as command\n"
        "assert not command.rules_in('').detections\n"
        "print(*{'sigma', 'yaml', 'pyparsing'} & sys.modules.keys(), end='')"
    )
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("members", "service", "more", "found"),
    [
        ("operationName: Microsoft.Authorization/roleAssignments/write", "activitylogs", {}, []),
        (
            "operationName: Microsoft.Compute/disks/delete",
            "activitylogs",
            {},
            [f"{_ID} is about microsoft.compute/disks/delete, which Event Grid doesn't send"],
        ),
        (
            "operationName|endswith: /delete",
            "activitylogs",
            {},
            [f"{_ID} is about whole kinds of operation, which Event Grid doesn't send"],
        ),
        ("ResultType: 50126", "signinlogs", {"SIGN_INS": "poll"}, []),
        ("ResultType: 50126", "signinlogs", {"SIGN_INS": "off"}, [f"{_ID} is about sign-ins, but SIGN_INS is off"]),
    ],
)
def test_the_doctor_names_a_rule_that_is_given_no_records(  # noqa: PLR0917 - a row of the table and two fixtures
    settings: dict[str, str], folder: Path, members: str, service: str, more: dict[str, str], found: list[str]
) -> None:
    (folder / "words.yml").unlink()
    (folder / "added.yml").write_text(selection(members, service=service))
    report = report_of(settings | more, only=("sigma-rules-loaded",))
    assert [line.found for line in report.lines if line.status is Status.WARNING] == found
