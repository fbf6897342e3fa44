import json
from pathlib import Path

import pytest

from responders.catalogue import BY_ID, CATALOGUE
from responders.cli import main
from shared.detect.kusto.compile import document, why_no_query

IDS = [detection.id for detection in CATALOGUE if not why_no_query(detection)]


def test_a_query_is_printed_under_its_header(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kql", "ca-policy-created"]) == 0
    text = capfd.readouterr().out
    assert text.startswith(
        "// Conditional access policy created by an unapproved actor\n// ca-policy-created (risk: high"
    )
    assert text.endswith("| sort by TimeGenerated desc\n")
    assert text == document(BY_ID["ca-policy-created"])


def test_without_an_id_all_are_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kql"]) == 0
    text = capfd.readouterr().out
    assert [name for name in IDS if f'detection = "{name}"' in text] == IDS


def test_queries_are_a_list_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kql", "ca-policy-updated"]) == 0
    text = capfd.readouterr().out
    assert main(["kql", "ca-policy-updated", "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out) == [{"detection": "ca-policy-updated", "query": text}]
    assert main(["kql", "-o", "json", "--out", str(tmp_path)]) == 2


def test_each_is_written_to_a_file_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    assert main(["kql", "--out", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.kql" for name in IDS)
    assert (folder / f"{IDS[0]}.kql").read_text(encoding="utf-8") == document(CATALOGUE[0])
    assert capfd.readouterr().out == f"queries written to {folder}: {len(IDS)}\n"


def test_the_words_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    account = "0a4de1f7-93b6-4c28-85da-61e0f7b2c300"
    monkeypatch.setenv("EMERGENCY_ACCOUNT_IDS", account.upper())
    assert main(["kql", "break-glass-changed"]) == 0
    text = capfd.readouterr().out
    assert f'in ("{account}")' in text
    assert "emergency_accounts" in text.partition("let ")[0]


def test_a_wrong_id_is_answered_with_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["kql", "ca-policy-create"]) == 3
    assert "no detection is called 'ca-policy-create'; did you mean ca-policy-created" in capfd.readouterr().err
    assert main(["kql", "zzz"]) == 3
    assert "`responder catalogue` lists" in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["kql", "--out", str(file)]) == 2
    assert f"the queries can't be written to {file}: File exists" in capfd.readouterr().err
