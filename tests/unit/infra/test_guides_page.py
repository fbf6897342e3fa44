"""Every passage of the guides has an answer, and each answer is there."""

from pathlib import Path

import pytest

from infra import guides_page
from infra.guides_page import answers_of
from responders.catalogue import CATALOGUE
from responders.commands import COMMANDS
from responders.passages import PASSAGES, Guide, Passage
from responders.posture.declared import DECLARED
from responders.runbooks.break_glass import BREAK_GLASS

_ROOT = Path(__file__).resolve().parents[3]
_KNOWN = {
    "check": {check.id for check in DECLARED.checks},
    "item": {item.id for item in DECLARED.items},
    "detection": {detection.id for detection in CATALOGUE},
    "step": {str(step.number) for step in BREAK_GLASS},
    "command": {command for commands in COMMANDS.values() for command in commands},
}
_COUNTS = {Guide.PRIVILEGED_ACCESS: 121, Guide.OPERATIONS: 62}


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda one: f"{one.guide.name.lower()}-{one.number}")
def test_each_passage_is_answered_by_what_there_is(passage: Passage) -> None:
    answers = answers_of(passage)
    assert answers
    for answer in answers:
        kind, _, name = answer.partition(" ")
        assert (_ROOT / name).is_file() if kind == "page" else name in _KNOWN[kind], answer


@pytest.mark.parametrize(("guide", "count"), _COUNTS.items())
def test_none_is_left_out(guide: Guide, count: int) -> None:
    assert [one.number for one in PASSAGES if one.guide is guide] == [*range(1, count + 1)]


def test_checks_and_items_name_passages_that_there_are() -> None:
    named = {passage for one in (*DECLARED.checks, *DECLARED.items) for passage in one.passages}
    assert named <= {*range(1, _COUNTS[Guide.PRIVILEGED_ACCESS] + 1)}


def test_every_row_of_the_tables_that_a_detection_names_is_a_passage() -> None:
    rows = {passage.row for passage in PASSAGES if passage.row}
    named = {"/".join(row.split("/")[:2]) for one in CATALOGUE for row in (one.seed_row, *one.also)}
    of_tables = {row for row in named if row.partition("/")[2].isdigit()}
    assert {row for row in of_tables if not row.startswith("privileged-access/")} <= rows


def test_the_page_has_a_line_for_each() -> None:
    written = guides_page.page()
    assert written.count("\n| ") == len(PASSAGES) + len(Guide)
