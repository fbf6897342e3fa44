"""The real compiler, once for all tests, and copies of the infrastructure to break."""

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from infra.checks.compiler import REPOSITORY, Compiler, locate


@pytest.fixture(scope="session")
def compiler_path() -> Path:
    path = locate()
    if path is None:
        pytest.skip("there is no Bicep compiler here: `az bicep install` gives one")
    return path


@pytest.fixture(scope="session")
def compiler(compiler_path: Path) -> Generator[Compiler]:
    with Compiler(compiler_path) as running:
        yield running


@pytest.fixture
def copied(tmp_path: Path) -> Callable[..., Path]:
    """Copy what is compiled, with a text of one file replaced, and give the folder."""

    def copy(file: str = "", old: str = "", new: str = "") -> Path:
        return copied_to(tmp_path, *([(file, old, new)] if file else []))

    return copy


def copied_to(root: Path, *replaced: tuple[str, str, str]) -> Path:
    """Copy what is compiled to a folder, with texts replaced: each is a file, what it has, and what is put there."""
    for folder in ("infra", "tests/unit/infra/bicep"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("local", "*.py", "__*"))
    for file, old, new in replaced:
        path = root / file
        text = path.read_text("utf-8") if path.exists() else ""
        assert old in text, f"{file} has no {old!r} to break any more"
        path.write_text(text.replace(old, new, 1), "utf-8")
    return root
