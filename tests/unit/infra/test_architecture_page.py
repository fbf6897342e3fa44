"""docs/architecture.md names things of the code: each of them has to be there, and nothing may be missing."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from infra.checks.compiler import REPOSITORY
from shared.clients.storage_names import QUEUES, Container, Table, poison_queue

_PAGE: Final = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
_CODE_SPAN: Final = re.compile(r"`([^`\n]+)`")
_PATH: Final = re.compile(r"(?:shared|responders|infra)/[\w/.-]+")
_TEST: Final = re.compile(r"test_\w+")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def section(title: str) -> str:
    """Give the text under a heading of the page, without the sections after it."""
    found = _PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, f"there is no section {title}"
    return found


def cells(title: str) -> Iterator[list[str]]:
    """Give the code spans of each cell of a section's tables, in their order."""
    for line in section(title).splitlines():
        if line.startswith("|"):
            yield from (_CODE_SPAN.findall(cell) for cell in line.strip("|").split("|"))


def first_column(title: str) -> list[str]:
    """Give the code spans in the first column of a section's tables."""
    rows = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [name for row in rows for name in _CODE_SPAN.findall(row.split("|")[1])]


def named_in_code() -> list[tuple[str, str]]:
    """Give each name that follows a file in a cell of the tables, with that file."""
    found: list[tuple[str, str]] = []
    for spans in (*cells("The way of a change"), *cells("Promises")):
        file = ""
        for span in spans:
            if _PATH.fullmatch(span):
                file = span
            elif file and _NAME.fullmatch(span):
                found.append((file, span))
    return found


@cache
def names_of_tests() -> frozenset[str]:
    """Give the name of each test function there is."""
    files = (REPOSITORY / "tests").rglob("test_*.py")
    return frozenset(name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text("utf-8")))


def test_every_folder_of_shared_is_described_and_nothing_else() -> None:
    rooms = re.findall(r"^- \*\*`([\w.]+)`\*\*:", section("The code"), re.MULTILINE)
    there = [path.parent.name for path in (REPOSITORY / "shared").glob("*/__init__.py")]
    there += [path.name for path in (REPOSITORY / "shared").glob("*.py") if path.name != "__init__.py"]
    assert sorted(rooms) == sorted(there)


def test_the_folders_stand_in_the_order_that_the_imports_keep() -> None:
    rooms = re.findall(r"^- \*\*`([\w.]+)`\*\*:", section("The code"), re.MULTILINE)
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (each["layers"] for each in contracts["contracts"] if each.get("containers") == ["shared"])
    assert [room.removesuffix(".py") for room in rooms] == layers[::-1]


def test_shared_can_be_taken_in_at_a_glance() -> None:
    assert len(re.findall(r"^- \*\*`", section("The code"), re.MULTILINE)) <= 15


def test_every_store_is_described_and_nothing_else() -> None:
    queues = [*QUEUES, *map(poison_queue, QUEUES)]
    assert sorted(first_column("Where state lives")) == sorted([*Table, *Container, *queues])


def test_every_file_that_writes_state_is_there() -> None:
    shared = REPOSITORY / "shared"
    spans = [span for each in cells("Where state lives") for span in each if "/" in span]
    writers = [span for span in spans if (shared / span.partition("/")[0]).is_dir()]
    assert len(writers) > len(Table)
    assert [writer for writer in writers if not (shared / writer).exists()] == []


@pytest.mark.parametrize(("file", "name"), named_in_code())
def test_every_name_is_defined_in_the_file_that_it_follows(file: str, name: str) -> None:
    text = Path(REPOSITORY / file).read_text(encoding="utf-8")
    assert re.search(rf"^\s*(?:def|class) {name}\b|^{name}\b.* = ", text, re.MULTILINE), f"{file} defines no {name}"


def test_every_test_that_proves_a_promise_is_there() -> None:
    tests = {span for span in _CODE_SPAN.findall(section("Promises")) if _TEST.fullmatch(span)}
    assert tests
    assert tests - names_of_tests() == set()


def test_every_test_that_shows_who_can_do_what_is_there() -> None:
    page = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    tests = {span for span in _CODE_SPAN.findall(page) if _TEST.fullmatch(span)}
    assert tests
    assert tests - names_of_tests() == set()


def test_every_promise_names_code_and_a_test() -> None:
    rows = [line for line in section("Promises").splitlines() if line.startswith("| ")][1:]
    for row in rows:
        _, code, proof = row.strip("|").split("|")
        assert any(_PATH.fullmatch(span) for span in _CODE_SPAN.findall(code)), row
        assert any(_TEST.fullmatch(span) for span in _CODE_SPAN.findall(proof)), row
