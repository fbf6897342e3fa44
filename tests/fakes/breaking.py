"""Breaks what is committed of the compiler's output in one way, and gives what the rules say then."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import replace
from functools import cache
from typing import Any, Final

from infra.checks.building import SETS, kept
from infra.checks.compiler import REPOSITORY
from infra.checks.declared import Declared, declared
from infra.checks.snapshots import Infrastructure, Problem, read, snapshot_from

type Rule = Callable[[Infrastructure], Iterator[Problem]]
type Change = Callable[[list[dict[str, Any]]], object]

USED: Final = ("default", "act", "no-locks", "first", "stream", "workspace")
"""Enough parameter sets for every rule; the whole repository is judged by a test of its own."""


@cache
def intact() -> Infrastructure:
    """What is committed, of the parameter sets that are enough."""
    committed = kept(REPOSITORY)
    return read(REPOSITORY, committed.template, {name: committed.snapshots[name] for name in USED}, declared())


@cache
def _text(name: str) -> str:
    return (REPOSITORY / SETS / f"{name}.snapshot.json").read_text("utf-8")


def says() -> Declared:
    """What the code declares."""
    return intact().declared


def changed(change: Change, *, of: str) -> Infrastructure:
    """Change what is made with one parameter set, and leave the others out; there has to be something to change."""
    content = json.loads(_text(of))
    change(content["predictedResources"])
    assert content != json.loads(_text(of)), f"nothing to change in {of}"
    return replace(intact(), snapshots={of: snapshot_from(of, content)})


def put(kind: str, path: str, value: object, name: str = "") -> Change:
    """Set a property of each resource of a type (with a name); None takes it out."""

    def change(resources: list[dict[str, Any]]) -> None:
        for one in _found(resources, kind, name):
            holder: dict[str, Any] = one
            *before, last = path.split(".")
            for part in before:
                holder = holder.setdefault(part, {})
            if value is None:
                del holder[last]
            else:
                holder[last] = value

    return change


def swap(old: str, new: str) -> Change:
    """Replace a text wherever it stands."""

    def change(resources: list[dict[str, Any]]) -> None:
        resources[:] = json.loads(json.dumps(resources).replace(old, new))

    return change


def without(kind: str, name: str = "") -> Change:
    """Take out each resource of a type (with a name)."""

    def change(resources: list[dict[str, Any]]) -> None:
        for one in _found(resources, kind, name):
            resources.remove(one)

    return change


def twice(kind: str, spelled: Callable[[str], str] = str) -> Change:
    """Make the first resource of a type a second time, its id in another spelling."""

    def change(resources: list[dict[str, Any]]) -> None:
        first = _found(resources, kind, "")[0]
        resources.append({**first, "id": spelled(first["id"])})

    return change


def _found(resources: list[dict[str, Any]], kind: str, name: str) -> list[dict[str, Any]]:
    return [one for one in resources if one["type"] == kind and name in {"", one["name"].rpartition("/")[2]}]


def texts(made: Infrastructure, path: str, old: str, new: str) -> Infrastructure:
    """Replace a text in a source."""
    assert old in made.texts[path], f"{path} has no {old!r} to break any more"
    return replace(made, texts={**made.texts, path: made.texts[path].replace(old, new, 1)})


def found_by(rule: Rule, made: Infrastructure) -> list[str]:
    """Give what a rule says, each thing once."""
    return sorted({str(problem) for problem in rule(made)})


def by(**declared: Mapping[str, str] | frozenset[str] | tuple[str, ...]) -> Infrastructure:
    """Let the code declare something else."""
    return replace(intact(), declared=replace(says(), **declared))  # pyright: ignore[reportArgumentType] - by name
