"""Reads one section of Graph's JSON into a struct; what can't be read makes that section unknown and no other."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

UNNAMED: Final = "unknownfuturevalue"
"""What Graph writes for a member of an enumeration that the version asked for doesn't have."""


class Unread(Struct, frozen=True):
    """A section that couldn't be read, and why."""

    because: str


def folded(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Give JSON with its strings in lower case, without nulls and without OData's annotations.

    Ids and words are compared whatever their case; keys keep theirs.
    """
    match value:
        case str():
            return value.strip().lower()
        case Mapping():
            members = cast("Mapping[Any, object]", value)
            return {
                str(key): folded(member)
                for key, member in members.items()
                if member is not None and "@odata." not in str(key)
            }
        case list() | tuple():
            return [folded(member) for member in cast("list[object]", value)]
        case _:
            return value


def section[T: Struct](kind: type[T], value: object, name: str) -> T | Unread | None:
    """Read a section of folded JSON; None where there is none.

    A property that isn't known could change what the section means, so it makes the section unread. An empty list
    configures nothing.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        return Unread(f"{name} isn't an object")
    members = cast("dict[str, object]", value)
    known = kind.__struct_encode_fields__
    if strangers := sorted(key for key, member in members.items() if key not in known and member != []):
        return Unread(f"{name} has a property that isn't known: {', '.join(strangers)}")
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as failure:
        return Unread(f"{name} can't be read: {failure}")


def words(value: object, name: str) -> frozenset[str] | Unread:
    """Read a list of words, or Graph's flags in one string with commas; empty where there is none."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(flags(value))
    try:
        return msgspec.convert(value, frozenset[str])
    except msgspec.ValidationError as failure:
        return Unread(f"{name} can't be read: {failure}")


def flags(value: str) -> frozenset[str]:
    """Split flags in one string, as Graph writes them: "minor,moderate"."""
    return frozenset(word.strip() for word in value.split(",") if word.strip())
