"""Sigma rules for tests, written here, and what came of them."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

from shared.detect.sigma.load import load
from shared.detect.sigma.loaded import Loaded
from shared.model.detections import AnyDetection

type Write = Callable[[str], Path]
"""Writes a rule into a file of its own and gives its path."""

RULE_ID: Final = "7d9e1c40-52fb-4e0a-9b6d-1f83a0c2e574"


def rule(
    detection: str,
    *,
    service: str = "auditlogs",
    title: str = "Something happened",
    rule_id: str = RULE_ID,
    more: str = "level: medium",
) -> str:
    """Write a rule of product azure; `detection` is YAML, with its condition."""
    return (
        f"title: {title}\nid: {rule_id}\nlogsource:\n    product: azure\n    service: {service}\n"
        f"detection:\n{textwrap.indent(textwrap.dedent(detection).strip(), '    ')}\n{more}\n"
    )


def selection(members: str, *, service: str = "auditlogs") -> str:
    """Write a rule that asks for these members, all of them."""
    return rule(
        f"selection:\n{textwrap.indent(textwrap.dedent(members).strip(), '    ')}\ncondition: selection",
        service=service,
    )


def loaded(folder: Path, text: str) -> Loaded:
    """Load one file."""
    file = folder / "rule.yml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def detection_from(folder: Path, text: str) -> AnyDetection:
    """Load a rule that has nothing wrong with it."""
    read = loaded(folder, text)
    assert [str(problem) for problem in read.problems] == []
    (detection,) = read.detections
    return detection


def reason_from(folder: Path, text: str) -> str:
    """Load a rule that isn't loaded, and give the reason."""
    read = loaded(folder, text)
    assert read.detections == ()
    (problem,) = read.problems
    return problem.because
