"""`responder evidence verify` says what was changed, by its name, and ends with 1."""

import json
from pathlib import Path
from typing import Final

import pytest

from responders.cli import main
from shared.clients.storage_names import Container
from shared.emergency.evidence import EvidenceBox, Part
from shared.emergency.manifest import StoredFiles, verify
from tests.fakes.clock import FakeClock
from tests.fakes.memory_storage import MemoryStorage

EMERGENCY: Final = "e" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the evidence of one emergency, as it is downloaded from the container."""
    storage = MemoryStorage()
    storage.create_all()
    box = EvidenceBox(storage, EMERGENCY, clock=FakeClock())
    box.keep(Part(source="audit log", part="one"), [b'{"id":1}', b'{"id":2}'])
    box.note_gap(Part(source="sign-ins"), "refused: \u202eevil")
    assert verify(StoredFiles(storage, EMERGENCY)).problems == ()
    for name, content in storage.containers[Container.EVIDENCE].items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_what_is_as_it_was_kept_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "verify", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "2 manifest entries, 1 files, 2 records" in printed
    assert "only with --head" in printed
    assert "not read" in printed
    assert "\u202e" not in printed
    head = printed.split("head: ")[1].split()[0]
    assert main(["evidence", "verify", str(folder / "emergencies" / EMERGENCY), "--head", head]) == 0
    assert "The evidence is as it was kept." in capsys.readouterr().out


def test_what_was_changed_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = folder.rglob("*.gz")
    file.unlink()
    assert main(["evidence", "verify", str(folder), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert file.name in found["problems"][0]
    assert main(["evidence", "verify", str(folder)]) == 1
    assert f"{file.name} is missing" in capsys.readouterr().out


def test_a_head_that_no_entry_has_ends_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "verify", str(folder), "--head", "0" * 64]) == 1
    assert "no manifest entry has the digest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/where"], "neither a folder nor the id"),
        ([EMERGENCY], "no storage account is set"),
        (["FOLDER", "--head", "abc"], "64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_checked_is_said(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.delenv("AzureWebJobsStorage", raising=False)
    assert main(["evidence", "verify", *(str(folder) if each == "FOLDER" else each for each in arguments)]) == 2
    assert said in capsys.readouterr().err


def test_several_emergencies_in_one_folder_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other" / "manifest").mkdir(parents=True)
    assert main(["evidence", "verify", str(folder)]) == 2
    assert "several" in capsys.readouterr().err


def test_an_empty_folder_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evidence", "verify", str(tmp_path)]) == 1
    assert "there is no manifest" in capsys.readouterr().out
