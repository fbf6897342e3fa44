"""A look at a record's text, before an event is built of it: could it meet any of some detections?"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

_ID: Final = re.compile(r"[0-9a-f]{8}((?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ENDS_OF_IDS: Final = re.compile(rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""All of an id but its first eight digits: what begins with a dash is found ten times as fast."""

_MOST_WORDS: Final = 32
"""Looking for more than this would take as long as building the event. Ids are found at once, however many."""


class _OneOf(Struct, frozen=True):
    """Texts of which a record must hold one: `ends` of ids, and other `words`."""

    ends: frozenset[bytes] = frozenset()
    words: tuple[bytes, ...] = ()

    def is_in(self, text: bytes, ends: frozenset[bytes]) -> bool:
        """Say whether one is in a text with these ends of ids."""
        return not self.ends.isdisjoint(ends) or any(word in text for word in self.words)


class RecordFilter(Struct, frozen=True):
    """What a record must hold to meet one of several detections: one of `either`, or one of each in a `together`."""

    either: _OneOf
    together: tuple[tuple[_OneOf, ...], ...]

    def admits(self, text: bytes, tenant_id: str) -> bool:
        """Say whether a record of a tenant could meet one; a record in which escapes may hide a text is admitted."""
        if not text.isascii() or (b"\\" in text and b"\\u" in text):
            return True
        seen = text.lower() + tenant_id.lower().encode()
        ends = frozenset(_ENDS_OF_IDS.findall(seen))
        if self.either.is_in(seen, ends):
            return True
        return bool(self.together) and any(all(one.is_in(seen, ends) for one in each) for each in self.together)


def record_filter(needs: Iterable[tuple[frozenset[str], ...]]) -> RecordFilter | bool:
    """Make the filter of what each detection needs; True or False where it needn't look at any record."""
    listed = [tuple(map(_one_of, each)) for each in needs]
    possible = [each for each in listed if _OneOf() not in each]
    worthwhile = [tuple(one for one in each if len(one.words) <= _MOST_WORDS) for each in possible]
    if not worthwhile or () in worthwhile:
        return bool(worthwhile)
    alone = [each[0] for each in worthwhile if len(each) == 1]
    either = _OneOf(
        frozenset[bytes]().union(*(one.ends for one in alone)),
        tuple({word for one in alone for word in one.words}),
    )
    return RecordFilter(either, tuple(dict.fromkeys(each for each in worthwhile if len(each) > 1)))


def _one_of(texts: frozenset[str]) -> _OneOf:
    ends = {text: found[1] for text in texts if (found := _ID.fullmatch(text))}
    return _OneOf(frozenset(map(str.encode, ends.values())), tuple(sorted(map(str.encode, texts - ends.keys()))))
