"""What resource types look like: an extract of Microsoft's own type data, kept in `types/` beside this file.

`python -m infra.checks.extract` makes it from the full data; only the types and versions that the Bicep uses are in it.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

FOLDER: Final = Path(__file__).with_name("types")

SCOPES: Final[Mapping[str, int]] = {"tenant": 1, "managementGroup": 2, "subscription": 4, "resourceGroup": 8}
"""Bits of the scopes that a resource type can be deployed at; 16 is another resource."""


class Field(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A property of an object."""

    is_a: "Shape"
    required: bool = False
    read_only: bool = False


class Shape(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The shape of a value.

    `one_of` are the values of a text; with `open` others are taken too, which new versions of a service use. `item` is
    the shape of an array's items, `rest` of properties that aren't named. `variants` are objects told apart by property
    `by`, each with the fields of its own beside `fields`.
    """

    kind: Literal["text", "number", "flag", "any", "array", "object"]
    one_of: tuple[str, ...] = ()
    open: bool = False
    shortest: int = 0
    longest: int = 0
    pattern: str = ""
    item: "Shape | None" = None
    fields: dict[str, Field] = {}
    rest: "Shape | None" = None
    by: str = ""
    variants: dict[str, "Shape"] = {}


class ResourceType(Struct, frozen=True, kw_only=True):
    """A resource type in one version. `scopes` are bits of `SCOPES`."""

    scopes: int
    body: Shape


class Extract(Struct, frozen=True, kw_only=True):
    """One file: the types of one provider by `type@version`."""

    source: str
    types: dict[str, ResourceType]


@cache
def resource_types() -> Mapping[str, ResourceType]:
    """Read the extract: every type by `type@version`."""
    found: dict[str, ResourceType] = {}
    for path in sorted(FOLDER.glob("*.json")):
        found |= msgspec.json.decode(path.read_bytes(), type=Extract).types
    return found
