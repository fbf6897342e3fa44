"""Writes the parts of docs/emergency.md that follow from declarations: steps and playbooks, in both languages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.playbooks import PLAYBOOKS
from shared.emergency.runbook import RunbookStep
from shared.model.bilingual import Words

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "emergency.md"
_BLOCK: Final = re.compile(r"<!-- (steps|playbooks) -->.*?(?=\n## |\Z)", re.DOTALL)


def current(page: str) -> str:
    """Give the page as it should be.

    Raises:
        ValueError: it has no place for the steps or for the playbooks.
    """
    found = [block[1] for block in _BLOCK.finditer(page)]
    if found != ["steps", "playbooks"]:
        raise ValueError(f"docs/emergency.md should have <!-- steps --> and <!-- playbooks -->, and has {found}")
    made = {"steps": "\n".join(_steps()), "playbooks": "\n".join(_playbooks())}
    return _BLOCK.sub(lambda block: f"<!-- {block[1]} -->\n\n{made[block[1]]}", page)


def _steps() -> Iterator[str]:
    for step in BREAK_GLASS:
        yield f"### {step.number}. {step.title.en}\n"
        yield f"{step.title.ko}\n"
        yield from (f"- **{what}**: {said.en}<br>{said.ko}" for what, said in _parts(step))
        yield ""


def _parts(step: RunbookStep) -> tuple[tuple[str, Words], ...]:
    return (
        ("You", step.person),
        ("The app", step.system),
        ("Done when", step.check),
        ("If the app can't", step.failed),
    )


def _playbooks() -> Iterator[str]:
    for playbook in PLAYBOOKS:
        yield f"### {playbook.title.en}\n"
        yield f"{playbook.title.ko}\n"
        yield f"{playbook.text.en}\n"
        yield f"{playbook.text.ko}\n"
