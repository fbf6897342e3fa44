"""The contracts of import-linter hold for the code as it is, and each is broken by an import that goes against it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_LINTER: Final = Path(sys.executable).parent / "lint-imports"
_PACKAGES: Final = ("shared", "responders", "infra")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and of the contracts, in which a test may plant an import and takes it out again.

    Tests share it since import-linter reads only those files anew that changed since it last read them.
    """
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(_REPOSITORY / "pyproject.toml", folder)
    for package in _PACKAGES:
        for source in (_REPOSITORY / package).rglob("*.py"):
            target = folder / source.relative_to(_REPOSITORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def _broken_contracts(root: Path) -> set[str]:
    """Give the names of the contracts that are broken."""
    on_one_line = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [_LINTER, "--cache-dir", str(root / "cache")],
        cwd=root,
        env=on_one_line,
        capture_output=True,
        text=True,
        check=False,
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
    with _planted(copy / module, planted):
        assert broken in _broken_contracts(copy)


@contextmanager
def _planted(file: Path, text: str) -> Generator[None]:
    """Put a text at the end of a file while this lasts; one that isn't there is made, with its folder."""
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before or ''}\n\n{text}\n", encoding="utf-8")
    yield
    if before is None:
        shutil.rmtree(file.parent)
    else:
        file.write_text(before, encoding="utf-8")
