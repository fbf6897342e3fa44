"""The diff of a change: of two JSON objects the paths that differ, of two lists the members added and removed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shared.model.events import Change
from shared.model.kinds import Image, Json
from shared.model.privileges import WELL_KNOWN_NAMES

_NOISE: Final = frozenset({"modifiedDateTime", "createdDateTime", "id", "@odata.context", "templateId"})
_CA_POLICY_PROPERTY: Final = "ConditionalAccessPolicy"
_IMPORTANT_FIRST: Final = (
    "state",
    "conditions.users",
    "grantControls",
    "conditions.applications",
    "conditions",
    "sessionControls",
)
_DEEPEST: Final = 10
_CONTEXT: Final = 24
_LONG: Final = 160
_GUID_AT_END: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


class Difference(Struct, frozen=True, kw_only=True):
    """One path that differs: `old` and `new` as text (None: there was no value), or the members added and removed.

    `kept` is the number of unchanged members of the list. Both texts are None and both lists empty when the record
    names a property but gives no values.
    """

    path: str
    old: str | None = None
    new: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: int = 0

    @property
    def is_of_list(self) -> bool:
        """Whether it is a change of a list, given as members added and removed."""
        return bool(self.added or self.removed)


def diff_of(changes: Iterable[Change], names: Mapping[str, str]) -> tuple[Difference, ...]:
    """Give what differs, the most important paths first. `names` maps known ids, in lower case, to their names."""
    found = [difference for change in changes for difference in _of_change(change)]
    distinctive = [difference for difference in found if difference.path.rpartition(".")[2] not in _NOISE] or found
    ordered = sorted(distinctive, key=lambda difference: _rank(difference.path))
    return tuple(_named(difference, names) for difference in ordered)


def _rank(path: str) -> int:
    return next(
        (place for place, first in enumerate(_IMPORTANT_FIRST) if path.startswith(first)), len(_IMPORTANT_FIRST)
    )


def _of_change(change: Change) -> Iterator[Difference]:
    old, new = _read(change.old), _read(change.new)
    if isinstance(old, dict | list) or isinstance(new, dict | list):
        comparison = _Comparison(created_or_deleted=old is None or new is None)
        yield from comparison.between("" if change.name == _CA_POLICY_PROPERTY else change.name, old, new, _DEEPEST)
    elif old is None and new is None:
        yield Difference(path=change.name)
    elif old != new:
        yield _of_texts(change.name, _text(old), _text(new))


def _read(text: str | None) -> Json:
    """Parse JSON objects, lists, strings and null; any other text stays as it is."""
    if text is None or (text != "null" and text.lstrip()[:1] not in ("{", "[", '"')):
        return text
    try:
        return cast("Json", msgspec.json.decode(text.encode()))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text


class _Comparison(Struct, frozen=True, kw_only=True):
    """Compares two states of one object, path by path.

    With `created_or_deleted`, every leaf is a difference. Else a part that was added or removed as a whole is one
    difference.
    """

    created_or_deleted: bool

    def between(self, path: str, old: Json, new: Json, deeper: int) -> Iterator[Difference]:
        """Give the paths that differ. Null, absent and empty are equal: Graph gives any of them for what isn't set."""
        if _none_if_empty(old) == _none_if_empty(new):
            return
        was, now = _as_object(old), _as_object(new)
        whole = path and not self.created_or_deleted and not (was and now)
        if deeper and was is not None and now is not None and (was or now) and not whole:
            for key in dict.fromkeys((*was, *now)):
                yield from self.between(f"{path}.{key}" if path else key, was.get(key), now.get(key), deeper - 1)
            return
        lost, gained = _as_list(old), _as_list(new)
        if lost is not None and gained is not None:
            yield _of_lists(path, lost, gained)
        else:
            yield _of_texts(path, _text(old), _text(new))


def _as_object(value: Json) -> Image | None:
    return value if isinstance(value, dict) else {} if value is None else None


def _as_list(value: Json) -> list[Any] | None:
    return value if isinstance(value, list) else [] if value is None else None


def _none_if_empty(value: Json) -> Json:
    return None if value in ("", [], {}) else value


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Difference:
    was, now = (dict.fromkeys("null" if item is None else _text(item) or "" for item in items) for items in (old, new))
    added = tuple(item for item in now if item not in was)
    removed = tuple(item for item in was if item not in now)
    if not added and not removed:
        return _of_texts(path, _text(old), _text(new))
    return Difference(path=path, added=added, removed=removed, kept=len(was) - len(removed))


def _of_texts(path: str, old: str | None, new: str | None) -> Difference:
    """Give the difference of two texts; of two long ones only the part that differs, with some characters around it."""
    if old is None or new is None or min(len(old), len(new)) <= _LONG:
        return Difference(path=path, old=old, new=new)
    start = _common(old, new, most=min(len(old), len(new)))
    end = _common(old[::-1], new[::-1], most=min(len(old), len(new)) - start)
    begin = max(0, start - _CONTEXT)
    was, now = (text[begin : len(text) - max(0, end - _CONTEXT)] for text in (old, new))
    before, after = "… " if begin else "", " …" if end > _CONTEXT else ""
    return Difference(path=path, old=f"{before}{was}{after}", new=f"{before}{now}{after}")


def _common(one: str, other: str, *, most: int) -> int:
    """Count the characters that two texts share at the start, by binary search: comparing slices is fast."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _text(value: Json) -> str | None:
    """Give a value as text; an object as the list of the properties that are set: `type hours, value 12`."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        leaves = [leaf for leaf in _leaves("", value, _DEEPEST) if leaf]
        return ", ".join(leaves) or None
    return msgspec.json.encode(value).decode()


def _leaves(path: str, value: Json, deeper: int) -> Iterator[str]:
    if isinstance(value, dict) and deeper:
        for key, part in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, part, deeper - 1)
    elif _none_if_empty(value) is not None:
        yield f"{path} {value if isinstance(value, str) else msgspec.json.encode(value).decode()}"


def _named(difference: Difference, names: Mapping[str, str]) -> Difference:
    return Difference(
        path=difference.path,
        old=difference.old if difference.old is None else with_name(difference.old, names),
        new=difference.new if difference.new is None else with_name(difference.new, names),
        added=tuple(with_name(item, names) for item in difference.added),
        removed=tuple(with_name(item, names) for item in difference.removed),
        kept=difference.kept,
    )


def with_name(value: str, names: Mapping[str, str]) -> str:
    """Put the name before a known id, also at the end of a resource id: `Owner (8e3af657-…)`."""
    found = _GUID_AT_END.search(value.lower())
    if found is None or (found.start() and value[found.start() - 1] != "/"):
        return value
    name = names.get(found[0]) or WELL_KNOWN_NAMES.get(found[0])
    return f"{name} ({found[0]})" if name else value
