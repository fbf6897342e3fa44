"""Splits an object that an API gives as JSON into leaves, and writes leaves as JSON again.

Lists of texts are sets: each member is a leaf of its own. Whatever is null, empty or absent is not there: Graph prints
what isn't set in three ways, and differently in a read, in the log, and in a read after a write.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shared.model.kinds import Image, Json
from shared.model.object_kinds import Search
from shared.model.objects import EXISTS, Leaves, list_of

GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
UNNAMED: Final = "unknownfuturevalue"
"""What Graph writes for a word that the version asked for doesn't have."""

_TYPE: Final = "@odata.type"


def without_filled(values: Leaves, filled: Leaves, target: Leaves) -> dict[str, Json]:
    """Leave out what a service filled in by itself and the target doesn't have: that is no difference to it."""
    return {
        leaf: value for leaf, value in values.items() if leaf in target or leaf not in filled or filled[leaf] != value
    }


def as_made(values: Leaves, search: Search) -> dict[str, Json]:
    """Leave out of what was found what a service filled in.

    That is what is known of it, and where we may have made the object each property that the target lacks: nobody
    has read it yet. No service fills in members of a list.
    """
    values = without_filled(values, search.filled, search.target)
    if not search.was_tried:
        return values
    return {leaf: value for leaf, value in values.items() if leaf in search.target or list_of(leaf)}


class Shape(Struct, frozen=True, kw_only=True):
    """How objects of a kind are split.

    `containers` are the paths of objects that are split further; any other object has a meaning only as a whole.
    `left_out` are properties at the top that nobody writes. `free_texts` are names of properties in which upper and
    lower case differ; every other text is an id or a word. `flags` are names of properties that hold several words in
    one text with commas. `words` is the API's spelling of words by their lower case, or by "property|word" where a
    property has its own.
    """

    containers: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    free_texts: frozenset[str] = frozenset({"displayName", "description"})
    flags: frozenset[str] = frozenset()
    words: Mapping[str, str] = {}

    def split(self, image: Image) -> dict[str, Json]:
        """Split an object into leaves, with `exists`."""
        kept = {name: value for name, value in image.items() if name not in self.left_out}
        return {EXISTS: True} | dict(self._leaves("", kept))

    def spelled(self, name: str, text: str) -> str:
        """Spell a text as the API does: ids in lower case, words as they are listed."""
        if name in self.free_texts:
            return text
        stripped = text.strip()
        if name in self.flags:
            return ",".join(sorted(self._word(name, each.strip()) for each in stripped.split(",") if each.strip()))
        return self._word(name, stripped)

    def same(self, leaf: str, one: Json, other: Json) -> bool:
        """Say whether two values of a leaf mean the same, however they are spelled; None is a leaf that isn't there."""
        if one is None or other is None:
            return one is other
        name = leaf.rpartition(".")[2]
        return bool(list_of(leaf)) or self._canonical(name, one) == self._canonical(name, other)

    def _word(self, name: str, text: str) -> str:
        lower = text.lower()
        if GUID.fullmatch(text):
            return lower
        return self.words.get(f"{name}|{lower}") or self.words.get(lower, text)

    def _leaves(self, path: str, value: Json) -> Iterator[tuple[str, Json]]:
        name = path.rpartition(".")[2]
        if isinstance(value, dict) and (path == "" or path in self.containers):
            for each, part in value.items():
                if "@odata." not in each:
                    yield from self._leaves(f"{path}.{each}" if path else each, part)
        elif is_empty(value):
            return
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            for each in cast("list[str]", value):
                spelled = self.spelled(name, each)
                yield member(path, spelled), spelled
        elif isinstance(value, str):
            yield path, self.spelled(name, value)
        else:
            yield path, without_annotations(value)

    def _canonical(self, name: str, value: Json) -> bytes:
        return msgspec.json.encode(self._folded(name, value), order="sorted")

    def _folded(self, name: str, value: Json) -> Json:
        if isinstance(value, dict):
            return {
                each: self._folded(each, part)
                for each, part in value.items()
                if not is_empty(part) and "@odata." not in each
            }
        if isinstance(value, list):
            texts = {self._canonical(name, part): part for part in value}
            return [self._folded(name, texts[text]) for text in sorted(texts)]
        if isinstance(value, str):
            return value if name in self.free_texts else self.spelled(name, value).casefold()
        return value


def member(path: str, text: str) -> str:
    """Name the leaf of a member of a list."""
    return f"{path}[{text.lower()}]"


def is_empty(value: Json) -> bool:
    """Say whether there is nothing in a value: no text, no member, no property with anything in it."""
    if isinstance(value, dict):
        return all(is_empty(part) or "@odata." in name for name, part in value.items())
    return value is None or value in ("", [])


def without_annotations(value: Json) -> Json:
    """Leave out OData's annotations but for types, and what is null: Graph can't tell some types apart without."""
    if isinstance(value, dict):
        return {
            name: without_annotations(part)
            for name, part in value.items()
            if part is not None and ("@odata." not in name or name == _TYPE)
        }
    return [without_annotations(part) for part in value] if isinstance(value, list) else value


def joined(leaves: Leaves) -> Image:
    """Write leaves as JSON again, without `exists`: lists with their members, nothing for what isn't there."""
    image: Image = {}
    for leaf, value in sorted(leaves.items()):
        if leaf == EXISTS or value is None:
            continue
        path = list_of(leaf) or leaf
        *above, last = path.split(".")
        place = image
        for name in above:
            place = cast("Image", place.setdefault(name, {}))
        if list_of(leaf):
            cast("list[Any]", place.setdefault(last, [])).append(value)
        else:
            place[last] = value
    return image


def cleared(wanted: Json, standing: Json) -> Json:
    """Write null or [] into `wanted` wherever `standing` has something there and `wanted` hasn't.

    A type decides which properties an object has, so an object of another type is written as it is.
    """
    if not isinstance(wanted, dict) or not isinstance(standing, dict):
        return wanted
    if _TYPE in wanted and wanted.get(_TYPE) != standing.get(_TYPE):
        return wanted
    gone: Image = {
        name: [] if isinstance(value, list) else None
        for name, value in standing.items()
        if "@odata." not in name and not is_empty(value) and name not in wanted
    }
    return gone | {name: cleared(value, standing.get(name)) for name, value in wanted.items()}


def decoded(text: str | None) -> Image | None:
    """Read an object from a record's text; None when there is none, or it was cut short."""
    try:
        image = msgspec.json.decode(text or "")
    except msgspec.DecodeError:
        return None
    return cast("Image", image) if isinstance(image, dict) else None


def with_graph_names(value: Json) -> Json:
    """Spell names as Graph does, where a record spells them as .NET does (`DisplayName`)."""
    if isinstance(value, dict):
        return {f"{name[:1].lower()}{name[1:]}": with_graph_names(part) for name, part in value.items()}
    return [with_graph_names(part) for part in value] if isinstance(value, list) else value


def has_unnamed(value: Json) -> bool:
    """Say whether a value has a word in it that the log doesn't name."""
    if isinstance(value, dict):
        return any(has_unnamed(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unnamed(part) for part in value)
    return isinstance(value, str) and value.strip().lower() == UNNAMED
