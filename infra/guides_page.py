"""Writes docs/guides.md: every passage of the two guides, and what answers it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from responders.catalogue import CATALOGUE
from responders.passages import PASSAGES, Guide, Passage
from responders.posture.declared import DECLARED

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "guides.md"

_HEAD: Final = """\
# The guides, passage by passage

`make docs` writes this page from `responders/passages.py`, and from the checks, manual items and detections, each of
which names the passages that it answers. Two guides of Microsoft's say what the product does; their passages stand here
in our words, in their order. A test fails where a passage has no answer.
"""

_LINKS: Final = {"check": "posture.md", "item": "posture.md", "detection": "detections.md", "step": "emergency.md"}
_WORDS: Final = {"check": "check", "item": "confirmed by people:", "detection": "detection", "step": "runbook, step"}


def answers_of(passage: Passage) -> list[str]:
    """Give what answers a passage, a kind and a name each, as `Passage.answers` does."""
    return list(dict.fromkeys((*_named(passage), *passage.answers)))


def _named(passage: Passage) -> Iterator[str]:
    if passage.guide is Guide.PRIVILEGED_ACCESS:
        yield from (f"check {one.id}" for one in DECLARED.checks if passage.number in one.passages)
        yield from (f"item {one.id}" for one in DECLARED.items if passage.number in one.passages)
    elif passage.row:
        yield from (f"detection {one.id}" for one in CATALOGUE if _is_of(passage.row, (one.seed_row, *one.also)))


def _is_of(row: str, rows: tuple[str, ...]) -> bool:
    return any(each == row or each.startswith(f"{row}/") for each in rows)


def page() -> str:
    """Write the page."""
    return "\n".join([_HEAD, *(line for guide in Guide for line in _guide(guide))])


def _guide(guide: Guide) -> Iterator[str]:
    yield f"## {guide}"
    yield ""
    yield "| # | where | what it asks for | answered by |"
    yield "|---|---|---|---|"
    for passage in PASSAGES:
        if passage.guide is guide:
            shown = ", ".join(_shown(answer) for answer in answers_of(passage))
            yield f"| {passage.number} | {passage.where} | {passage.text} | {shown} |"
    yield ""


def _shown(answer: str) -> str:
    kind, _, name = answer.partition(" ")
    if kind == "command":
        return f"`responder {name}`"
    if kind == "page":
        return f"[{name}]({name.removeprefix('docs/')})"
    return f"{_WORDS[kind]} [{name}]({_LINKS[kind]})"
