"""What the Bicep becomes: the compiled template, and what a deployment with given parameters would make."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

from infra.checks.declared import Declared

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

MAIN: Final = "infra/main.bicep"
LOGS: Final = "Microsoft.Insights/diagnosticSettings"
SITE: Final = "Microsoft.Web/sites"
APP_SETTINGS: Final = (f"{SITE}/config", "appsettings")
_PROVIDERS: Final = "/providers/"
_INSIDE: Final = re.compile(r"'(/[^']+)'")
_KEY: Final = re.compile(r'"(\w+)":')
_DECLARED: Final = re.compile(r"^resource \w+ '([\w./]+)@[^']+' = (.*?)(?=^\}|^\]|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong, and what would be right. `file` is relative to the repository."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Write it as editors read it: file:line: what."""
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that a deployment would make; its id and name are expressions where the compiler can't know them."""

    id: str
    type: str
    name: str
    body: Mapping[str, Json]

    def at(self, path: str) -> Json:
        """Give what stands at a path like `properties.sku`; None where there is nothing."""
        found: Json = dict(self.body)
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def text(self, path: str) -> str:
        """Give the text at a path, "" where there is none."""
        found = self.at(path)
        return found if isinstance(found, str) else ""

    def objects(self, path: str) -> tuple[dict[str, Json], ...]:
        """Give the objects in the list at a path."""
        found = self.at(path)
        return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()

    def texts(self, path: str) -> tuple[str, ...]:
        """Give the texts in the list at a path."""
        found = self.at(path)
        return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()

    @property
    def last_name(self) -> str:
        """The name without those of the resources that it is in."""
        return self.name.rpartition("/")[2]

    @property
    def subscription(self) -> str:
        """Id of the subscription that it is in, in lower case."""
        return subscription_of(self.id)

    @property
    def scope(self) -> str:
        """Id of what an extension resource (an assignment, a lock, a diagnostic setting) is on."""
        return referred(self.id) if self.id.startswith("[") else self.id.rpartition(f"{_PROVIDERS}{self.type}/")[0]


def subscription_of(resource_id: str) -> str:
    """Give the id of the subscription that a resource id names, in lower case."""
    found = re.search(r"/subscriptions/([0-9a-fA-F-]{36})", resource_id)
    return found[1].lower() if found else ""


def type_of(resource_id: str) -> str:
    """Give the type of the resource that an id names; "" for a subscription or a resource group."""
    _, provider, path = resource_id.rpartition(_PROVIDERS)
    namespace, *parts = path.split("/")
    return "/".join([namespace, *parts[::2]]) if provider else ""


def referred(expression: Json) -> str:
    """Give the id of the resource that an expression like `[reference('/subscriptions/…').x]` reads; "" for none."""
    found = _INSIDE.search(expression) if isinstance(expression, str) else None
    return found[1] if found else ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a deployment with the parameters of one file would make."""

    name: str
    resources: tuple[Resource, ...]

    def of(self, kind: str) -> tuple[Resource, ...]:
        """Give the resources of a type."""
        return tuple(one for one in self.resources if one.type == kind)

    def named(self, kind: str, last_name: str) -> Resource | None:
        """Give the resource of a type with a name of its own."""
        return next((one for one in self.of(kind) if one.last_name == last_name), None)

    @property
    def settings(self) -> dict[str, str]:
        """The app settings; an expression where only a deployment knows the value."""
        found = self.named(*APP_SETTINGS)
        values = found.at("properties") if found else None
        return {name: str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def snapshot_from(name: str, content: Mapping[str, Any]) -> Snapshot:
    """Read a snapshot's JSON."""
    found = cast("list[dict[str, Any]]", content["predictedResources"])
    ones = (Resource(id=one["id"], type=one["type"], name=one["name"], body=one) for one in found)
    return Snapshot(name=name, resources=tuple(ones))


@dataclass(frozen=True, kw_only=True)
class Infrastructure:
    """Everything that the rules read. `texts` are the sources by path, relative to the repository."""

    template: Mapping[str, Any]
    snapshots: Mapping[str, Snapshot]
    texts: Mapping[str, str]
    declared: Declared

    def problem(self, of: Resource, text: str) -> Problem:
        """Tell of a problem where the Bicep declares the resource."""
        file, line = self._place(of)
        return Problem(file=file, line=line, text=text)

    def each(self, kind: str) -> Iterator[tuple[Snapshot, Resource]]:
        """Give the resources of a type in every snapshot."""
        for snapshot in self.snapshots.values():
            for resource in snapshot.of(kind):
                yield snapshot, resource

    def _place(self, of: Resource) -> tuple[str, int]:
        """Give the declaration that is most like the resource: the compiler leaves no trace of where it came from."""
        there = self._declarations.get(of.type, ())
        wanted = {f"'{of.last_name}'", *_KEY.findall(json.dumps(of.body))}
        most = max(there, key=lambda one: (sum(word in one[2] for word in wanted), -len(one[2])), default=(MAIN, 1, ""))
        return most[0], most[1]

    @cached_property
    def _declarations(self) -> dict[str, list[tuple[str, int, str]]]:
        found: dict[str, list[tuple[str, int, str]]] = {}
        for path, text in self.texts.items():
            for one in _DECLARED.finditer(text if path.endswith(".bicep") else ""):
                if not one[2].startswith("existing"):
                    line = text.count("\n", 0, one.start()) + 1
                    found.setdefault(one[1], []).append((path, line, one[2]))
        return found


def nowhere(text: str) -> Problem:
    """Tell of something that is missing altogether."""
    return Problem(file=MAIN, line=1, text=text)


def read(root: Path, template: str, snapshots: Mapping[str, Mapping[str, Any]], says: Declared) -> Infrastructure:
    """Put a template and snapshots together with the sources below a folder and with what the code declares."""
    found = (path for path in (root / "infra").rglob("*") if path.suffix in {".bicep", ".bicepparam", ".kql", ".sh"})
    return Infrastructure(
        template=json.loads(template),
        snapshots={name: snapshot_from(name, content) for name, content in snapshots.items()},
        texts={path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(found)},
        declared=says,
    )
