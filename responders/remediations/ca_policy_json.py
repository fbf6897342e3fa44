"""Conditional access policies as JSON: when two are the same, how they differ, and what may be sent back.

Graph doesn't take back what it gives. Read-only properties are refused even when they are null, an expanded
authentication strength must be reduced to its id, and annotations don't match the schema of a write.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import msgspec

from shared.model.calls import ID_SHAPES
from shared.model.events import Change
from shared.model.kinds import Image, Json

READ_ONLY: Final = frozenset({"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"})
"""Top-level properties that Graph sets and refuses to have written."""

STATES: Final = frozenset({"enabled", "disabled", "enabledForReportingButNotEnforced"})

_STRENGTH: Final = "authenticationStrength"
_FREE_TEXT: Final = frozenset({"displayName", "rule"})
"""Properties in which upper and lower case differ; every other text is an id or a word of an enumeration."""

_EXCLUDED: Final = ("excludeUsers", "excludeGroups")
_INCLUDED: Final = ("includeUsers", "includeGroups")


def properties(policy: Image) -> Image:
    """Give the properties that can be written, without those that are null: Graph gives what is absent as null."""
    return {
        name: value
        for name, value in policy.items()
        if value is not None and name not in READ_ONLY and "@odata." not in name
    }


def are_same(one: Json, other: Json, *, name: str = "") -> bool:
    """Say whether two values of the property `name` mean the same.

    Order in a list doesn't count (they are all sets), nor do annotations, nor what Graph adds to an authentication
    strength. Null and absent are the same; an empty list is neither.
    """
    return _canonical_text(one, name) == _canonical_text(other, name)


def differing(one: Image, other: Image) -> tuple[str, ...]:
    """Name the top-level properties in which two policies differ, sorted."""
    left, right = properties(one), properties(other)
    names = sorted(left.keys() | right.keys())
    return tuple(name for name in names if not are_same(left.get(name), right.get(name), name=name))


def value_to_send(wanted: Json, standing: Json) -> Json:
    """Write a property's value for a PATCH: whole, and null wherever `standing` has something that `wanted` hasn't."""
    if not isinstance(wanted, dict):
        return wanted
    there: Image = standing if isinstance(standing, dict) else {}
    cleared: Image = {name: None for name, value in there.items() if _counts(name, value) and wanted.get(name) is None}
    kept = {name: value for name, value in wanted.items() if _counts(name, value)}
    return cleared | {name: _part_to_send(name, value, there.get(name)) for name, value in kept.items()}


def new_policy(image: Image) -> Image:
    """Write the body that makes a policy like `image` again."""
    return {name: value_to_send(value, None) for name, value in properties(image).items()}


def leaf_changes(standing: Image, wanted: Image) -> tuple[Change, ...]:
    """List what putting `wanted` in the place of `standing` changes, by path, as compact JSON."""
    return tuple(_leaves("", properties(standing), properties(wanted)))


def newly_reached(standing: Image, wanted: Image) -> frozenset[str]:
    """Give the users and groups that `wanted` reaches and `standing` doesn't: named in it, or no longer left out of it.

    Words such as "All" aren't ids and aren't given.
    """
    lost = _named(standing, _EXCLUDED) - _named(wanted, _EXCLUDED)
    return lost | (_named(wanted, _INCLUDED) - _named(standing, _INCLUDED))


def _canonical_text(value: Json, name: str) -> bytes:
    return msgspec.json.encode(_canonical(value, name), order="sorted")


def _canonical(value: Json, name: str) -> Json:
    if isinstance(value, dict):
        kept: Image = {"id": value["id"]} if name == _STRENGTH and "id" in value else value
        return {
            each: _canonical(part, each) for each, part in kept.items() if part is not None and "@odata." not in each
        }
    if isinstance(value, list):
        texts = {_canonical_text(part, name): part for part in value}
        return [_canonical(texts[text], name) for text in sorted(texts)]
    return value.casefold() if isinstance(value, str) and name not in _FREE_TEXT else value


def _counts(name: str, value: Json) -> bool:
    """Say whether a nested property is part of a write; `@odata.type` is: Graph can't tell some types apart without."""
    return value is not None and ("@odata." not in name or name == "@odata.type")


def _part_to_send(name: str, value: Json, standing: Json) -> Json:
    if name == _STRENGTH and isinstance(value, dict):
        return {"id": value["id"]} if "id" in value else value
    return value_to_send(value, standing)


def _leaves(path: str, standing: Json, wanted: Json) -> Iterable[Change]:
    name = path.rpartition(".")[2]
    if are_same(standing, wanted, name=name):
        return
    if isinstance(standing, dict) and isinstance(wanted, dict) and name != _STRENGTH:
        for each in sorted(standing.keys() | wanted.keys()):
            yield from _leaves(f"{path}.{each}".removeprefix("."), standing.get(each), wanted.get(each))
        return
    yield Change(name=path, old=_shown(standing, name), new=_shown(wanted, name))


def _shown(value: Json, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(_part_to_send(name, value, None)).decode()


def _named(policy: Image, lists: tuple[str, ...]) -> frozenset[str]:
    conditions = cast("Mapping[str, Any]", policy.get("conditions") or {})
    users = cast("Mapping[str, Any]", conditions.get("users") or {})
    ids = (str(each).lower() for name in lists for each in users.get(name) or ())
    return frozenset(each for each in ids if ID_SHAPES["id"].fullmatch(each))
