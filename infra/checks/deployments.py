"""The files together: which deploys which, and with what parameters."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from infra.checks.parsing import parse
from infra.checks.problems import Problem, UnparsedError
from infra.checks.syntax import Expression, Loop, Module, Object, Resource, Template

ROOTS: Final = ("main.bicep", "modules/events.bicep")
"""Files that are deployed by themselves: the first step and the second."""

_READ: Final = ("*.bicep", "*.bicepparam", "*.kql")


@dataclass(slots=True, kw_only=True, eq=False)
class Deployment:
    """One use of a template. `loop` is the loop that its module stands in, whose variable its arguments may name."""

    template: Template
    parent: "Deployment | None" = None
    module: Module | None = None
    children: "dict[str, Deployment]" = field(default_factory=dict[str, "Deployment"])

    @property
    def arguments(self) -> Mapping[str, Expression]:
        """What the module passes, in the parent's terms."""
        given = self.module.object.get("params") if self.module else None
        return {one.name: one.value for one in given.properties} if isinstance(given, Object) else {}

    @property
    def loop(self) -> Loop | None:
        """The loop around its module."""
        return self.module.body if self.module and isinstance(self.module.body, Loop) else None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The resources that it makes, without those that it only refers to."""
        return tuple(one for one in self.template.resources.values() if not one.existing)

    def walk(self) -> "Iterator[Deployment]":
        """Give itself and what it deploys, at any depth."""
        yield self
        for child in self.children.values():
            yield from child.walk()


@dataclass(frozen=True, kw_only=True)
class Infrastructure:
    """Every file below `infra/` that matters here, by its path, as text and read."""

    files: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path, *, changes: Mapping[str, str] | None = None) -> Self:
        """Read the files; `changes` replaces the text of some, and adds others."""
        paths = sorted(path for pattern in _READ for path in folder.rglob(pattern))
        files = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}
        return cls(files=files | dict(changes or {}))

    @cached_property
    def templates(self) -> Mapping[str, Template]:
        """The Bicep files.

        Raises:
            UnparsedError: some can't be read; it has the problems of all of them.
        """
        found: dict[str, Template] = {}
        problems: list[Problem] = []
        for path, source in self.files.items():
            if not path.endswith(".kql"):
                try:
                    found[path] = parse(path, source)
                except UnparsedError as error:
                    problems += error.problems
        if problems:
            raise UnparsedError(tuple(problems))
        return found

    @cached_property
    def roots(self) -> tuple[Deployment, ...]:
        """The deployments that people start."""
        return tuple(self._deployment(path, None, None) for path in ROOTS if path in self.templates)

    @cached_property
    def deployments(self) -> tuple[Deployment, ...]:
        """All deployments, those of modules included."""
        return tuple(one for root in self.roots for one in root.walk())

    def resources(self, *types: str) -> Iterator[tuple[Deployment, Resource]]:
        """Give the resources of some types (of all when none is named) with the deployment that makes them."""
        for deployment in self.deployments:
            for resource in deployment.resources:
                if not types or resource.type in types:
                    yield deployment, resource

    def _deployment(self, path: str, parent: Deployment | None, module: Module | None) -> Deployment:
        made = Deployment(template=self.templates[path], parent=parent, module=module)
        above = {one.template.path for one in _line(made)}
        for one in made.template.modules.values():
            target = relative(path, one.path)
            if target in self.templates and target not in above:
                made.children[one.name] = self._deployment(target, made, one)
        return made


def _line(deployment: Deployment) -> Iterator[Deployment]:
    yield deployment
    if deployment.parent:
        yield from _line(deployment.parent)


def relative(path: str, named: str) -> str:
    """Give the path that a file at `path` means by `named`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
