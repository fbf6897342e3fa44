"""Breaks one file of the Bicep in one way and gives what the checks say then."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from infra.checks.__main__ import problems_of
from infra.checks.declared import Declared, declared
from infra.checks.deployments import Infrastructure
from infra.checks.shapes import resource_types

INFRA: Final = Path(__file__).resolve().parents[3] / "infra"


@cache
def says() -> Declared:
    """What the code declares; the sample settings are judged by tests of their own."""
    found = declared()
    return replace(found, sample=found.settings)


@cache
def intact() -> Infrastructure:
    return Infrastructure.read(INFRA)


def broken(file: str, *changes: tuple[str, str], by: Declared | None = None) -> list[str]:
    """Give the problems after replacing the first occurrence of each text in a file, `infra/` being its folder."""
    text = intact().files[file]
    for old, new in changes:
        assert old in text, f"{file} has no {old!r} to break any more"
        text = text.replace(old, new, 1)
    return problems_in({**intact().files, file: text}, by=by)


def problems_in(files: dict[str, str], *, by: Declared | None = None) -> list[str]:
    """Give the problems that the repository as it is hasn't."""
    found = problems_of(Infrastructure(files=files), by or says(), resource_types())
    return [str(one) for one in found if str(one) not in _known()]


@cache
def _known() -> frozenset[str]:
    return frozenset(map(str, problems_of(intact(), says(), resource_types())))


def only(problems: list[str], file: str, text: str) -> str:
    """Give the one problem that there should be: in this file, with this text."""
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"infra/{file}:"), problems
    assert text in problems[0], problems
    return problems[0]
