"""Several processes share the tests, and each test is run by one of them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests import sharing
from tests.sharing import ended_in, places_in

_TESTS: Final = Path(sharing.__file__).parent
_FILES: Final = sorted(_TESTS.rglob("test_*.py"))
_SMALL: Final = ("tests/unit/shared/model/test_once.py", "tests/unit/shared/model/test_patterns.py")


def test_each_file_is_in_one_place() -> None:
    placed = [file for files in places_in(_FILES).values() for file in files]
    assert sorted(placed) == _FILES


def test_what_takes_longest_is_begun_first() -> None:
    kinds = [place.partition("/")[0] for place in places_in(_FILES)]
    assert list(dict.fromkeys(kinds)) == ["stack", "integration", "laws", "unit"]


@pytest.mark.parametrize("named", sorted(sharing.APART | sharing.LONGEST | sharing.TOGETHER))
def test_each_place_that_is_named_is_there(named: str) -> None:
    assert (_TESTS / named).exists()


def test_what_another_process_has_taken_is_left_to_it_and_all_else_is_run(tmp_path: Path) -> None:
    (tmp_path / "unit shared model test_once.py").touch()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.sharing", "--share", str(tmp_path)]
    done = subprocess.run([*command, *_SMALL], cwd=_TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "test_once" not in done.stdout
    assert ended_in(tmp_path).counts["passed"] > 0
    assert sorted(note.name for note in tmp_path.iterdir() if note.suffix == ".py") == [
        "unit shared model test_once.py",
        "unit shared model test_patterns.py",
    ]


_BREAKING: Final = """import sys

def pytest_sessionstart():
    sys.modules["shared.model.once"] = None
"""


def test_a_file_that_cannot_be_loaded_fails_the_run(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (tmp_path / "breaking.py").write_text(_BREAKING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "breaking", "-p", "tests.sharing", "--share", str(notes)]
    path = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*command, *_SMALL], cwd=_TESTS.parent, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "ERROR tests/unit/shared/model/test_once.py" in done.stdout
    assert ended_in(notes).counts["passed"] > 0, "the others are run all the same"
