"""Makes the extract of type data that the checks read, from a copy of the full data.

    python -m infra.checks.extract FOLDER

The full data is that of Azure/bicep-types-az, in files named <provider>/<version>/<set>.types.json. Run it when a
resource type or a version is new in the Bicep.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.checks.parsing import parse
from infra.checks.shapes import FOLDER, Extract, Field, ResourceType, Shape

INFRA: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = "Azure/bicep-types-az, MIT licence, see LICENSE beside this file"
_REQUIRED: Final = 1
_READ_ONLY: Final = 2
_PLAIN: Final[Mapping[str, str]] = {
    "StringType": "text",
    "IntegerType": "number",
    "BooleanType": "flag",
    "AnyType": "any",
}
_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "Microsoft.Web/sites/config": frozenset({"appsettings", "authsettingsV2"}),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": frozenset({"AzureFunction", "StorageBlob", "StringIn"}),
}
"""Variants that are kept of types with many; all of them for every other type."""


def used_types(folder: Path = INFRA) -> frozenset[str]:
    """Give each `type@version` that the Bicep names."""
    templates = [parse(path.name, path.read_text("utf-8")) for path in folder.rglob("*.bicep")]
    return frozenset(f"{one.type}@{one.version}" for template in templates for one in template.resources.values())


def extracts(data: Path, wanted: Iterable[str]) -> dict[str, Extract]:
    """Extract the wanted types from the full data, by the file that they belong in."""
    names = {name.lower() for name in wanted}
    found: dict[str, dict[str, ResourceType]] = {}
    for path in sorted(data.rglob("*.types.json")):
        entries: list[Any] = msgspec.json.decode(path.read_bytes())
        for entry in entries:
            if entry["$type"] == "ResourceType" and entry["name"].lower() in names:
                provider = entry["name"].partition("/")[0].lower()
                found.setdefault(provider, {})[entry["name"]] = _resource_type(entries, entry)
    return {
        provider: Extract(source=SOURCE, types=dict(sorted(types.items()))) for provider, types in sorted(found.items())
    }


def _resource_type(entries: list[Any], entry: Any) -> ResourceType:  # noqa: ANN401 - decoded JSON
    only = _ONLY.get(entry["name"].partition("@")[0], frozenset())
    return ResourceType(scopes=entry["writableScopes"], body=_Shaper(entries, only).shape(entry["body"]))


class _Shaper:
    """Follows references within one file of the full data."""

    def __init__(self, entries: list[Any], only: frozenset[str]) -> None:
        self._entries = entries
        self._only = only
        self._above: list[str] = []

    def shape(self, reference: Mapping[str, str]) -> Shape:
        place = reference["$ref"]
        entry = self._entries[int(place.removeprefix("#/"))]
        if place in self._above:
            return Shape(kind="any")
        self._above.append(place)
        try:
            return self._shape(entry)
        finally:
            self._above.pop()

    def _shape(self, entry: Mapping[str, Any]) -> Shape:
        match entry["$type"]:
            case "StringLiteralType":
                return Shape(kind="text", one_of=(entry["value"],))
            case "UnionType":
                return self._union([self.shape(one) for one in entry["elements"]])
            case "ArrayType":
                return Shape(kind="array", item=self.shape(entry["itemType"]))
            case "ObjectType":
                rest = entry.get("additionalProperties")
                return Shape(
                    kind="object", fields=self._fields(entry["properties"]), rest=self.shape(rest) if rest else None
                )
            case "DiscriminatedObjectType":
                chosen = {name: one for name, one in entry["elements"].items() if not self._only or name in self._only}
                variants = {name: self.shape(one) for name, one in chosen.items()}
                fields = self._fields(entry["baseProperties"])
                return Shape(kind="object", fields=fields, by=entry["discriminator"], variants=variants)
            case plain:
                return _plain(_PLAIN[plain], entry)

    def _union(self, parts: list[Shape]) -> Shape:
        values = tuple(value for part in parts for value in part.one_of)
        return Shape(kind="text", one_of=values, open=any(not part.one_of for part in parts))

    def _fields(self, properties: Mapping[str, Any] | None) -> dict[str, Field]:
        return {
            name: Field(
                is_a=self.shape(one["type"]),
                required=bool(one["flags"] & _REQUIRED),
                read_only=bool(one["flags"] & _READ_ONLY),
            )
            for name, one in (properties or {}).items()
            if name not in {"apiVersion", "systemData"}
        }


def _plain(kind: Any, entry: Mapping[str, Any]) -> Shape:  # noqa: ANN401 - one of Shape's kinds
    return Shape(
        kind=kind,
        shortest=entry.get("minLength", 0),
        longest=entry.get("maxLength", 0),
        pattern=entry.get("pattern", ""),
    )


def main(arguments: list[str]) -> int:
    """Write the extract."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.checks.extract FOLDER_OF_THE_FULL_TYPE_DATA\n")
        return 2
    wanted = used_types()
    made = extracts(Path(arguments[0]), wanted)
    missing = {name.lower() for name in wanted} - {name.lower() for one in made.values() for name in one.types}
    if missing:
        sys.stderr.write(f"the full data has no {', '.join(sorted(missing))}\n")
        return 1
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for provider, extract in made.items():
        FOLDER.joinpath(f"{provider}.json").write_bytes(written(extract))
    return 0


def written(extract: Extract) -> bytes:
    """Write an extract as its file holds it."""
    return msgspec.json.format(msgspec.json.encode(extract), indent=1) + b"\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
