"""The contracts of import-linter hold for the code as it is, and each is broken by an import that goes against it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_LINTER: Final = Path(sys.executable).parent / "lint-imports"
_PACKAGES: Final = ("shared", "responders", "infra")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code and of the contracts, in which a test may plant an import."""
    shutil.copy(_REPOSITORY / "pyproject.toml", tmp_path)
    for package in _PACKAGES:
        for source in (_REPOSITORY / package).rglob("*.py"):
            target = tmp_path / source.relative_to(_REPOSITORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return tmp_path


def _broken_contracts(root: Path) -> set[str]:
    """Give the names of the contracts that are broken."""
    on_one_line = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [_LINTER, "--no-cache"], cwd=root, env=on_one_line, capture_output=True, text=True, check=False
    )
    lines = {line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")}
    assert " 0 broken." in done.stdout if done.returncode == 0 else lines, done.stdout + done.stderr
    return lines


def test_every_contract_holds(copy: Path) -> None:
    assert _broken_contracts(copy) == set()


@pytest.mark.parametrize(
    ("module", "planted", "broken"),
    [
        pytest.param(
            "shared/model/clock.py",
            "import shared.runtime",
            "each room imports only those below it",
            id="the lowest room imports the highest",
        ),
        pytest.param(
            "shared/notify/outbox.py",
            "def late() -> None:\n    import shared.respond.pipeline",
            "each room imports only those below it",
            id="a function imports a room above its own",
        ),
        pytest.param(
            "shared/utilities/__init__.py",
            "",
            "each room imports only those below it",
            id="a room that no layer names",
        ),
        pytest.param(
            "shared/runtime.py",
            "import responders.catalogue",
            "responders import shared, infra imports both, never the other way",
            id="shared imports responders",
        ),
        pytest.param(
            "responders/detections/samples.py",
            "import responders.content",
            "commands and triggers import the registration, which imports what it registers",
            id="a detection imports the registration",
        ),
        pytest.param(
            "infra/local/stack.py",
            "import infra.local.demo",
            "the demo imports the stack, the stack its programs",
            id="the stack imports the demo",
        ),
        pytest.param(
            "infra/checks/compiler.py",
            "import infra.checks.building",
            "no two neighbours import each other, directly or through others",
            id="two modules import each other",
        ),
    ],
)
def test_an_import_against_a_contract_breaks_it(copy: Path, module: str, planted: str, broken: str) -> None:
    file = copy / module
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"\n\n{planted}\n")
    assert broken in _broken_contracts(copy)
