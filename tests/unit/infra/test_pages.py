"""What the pages that people write name has to be there: files, links, make targets, commands."""

import re
from pathlib import Path
from typing import Final

import pytest

from infra.checks.compiler import REPOSITORY
from responders.commands import COMMANDS

_PAGES: Final = (*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md")))
_CODE_SPAN: Final = re.compile(r"`([^`\n]+)`")
_PATH: Final = re.compile(r"(?:shared|responders|infra|tests|docs)/[\w/.-]+")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")

each_page = pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def commands_in(page: Path) -> str:
    """Give what a page shows to be typed: its code spans and its blocks of shell."""
    return "\n".join([*_CODE_SPAN.findall(read(page)), *re.findall(r"```sh\n(.*?)```", read(page), re.DOTALL)])


def test_there_are_pages() -> None:
    names = {page.name for page in _PAGES}
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "architecture.md", "operate.md"} <= names


@each_page
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = {span for span in _CODE_SPAN.findall(read(page)) if _PATH.fullmatch(span)}
    assert {path for path in named if not (REPOSITORY / path).exists()} == set()


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    links = {link.partition("#")[0] for link in _LINK.findall(read(page)) if "://" not in link}
    assert {link for link in links if link and not (page.parent / link).exists()} == set()


@each_page
def test_every_make_target_is_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|\s)make ([a-z]+)", commands_in(page))) <= targets


@each_page
def test_every_command_of_responder_is_one(page: Path) -> None:
    named = set(re.findall(r"(?:^|[\s/])responder ([a-z][a-z-]*)", commands_in(page)))
    assert named <= {command for commands in COMMANDS.values() for command in commands}
