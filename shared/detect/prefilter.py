"""A look at a record's text, before an event is built of it: could it meet any of some detections?

Most records that a detection could be about by their name are about nobody and nothing that it looks for. A field's
prefilter gives, for a value of it, texts in lower case of which one must stand somewhere in the record, or be the id of
the tenant that it came from: None where nothing can be said, the empty set for a value that no record can have.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, assert_never

from msgspec import Struct

from shared.model.conditions import (
    All,
    AnyOf,
    Condition,
    Contains,
    EndsWith,
    Is,
    Not,
    OneOf,
    Prefilter,
    StartsWith,
    Text,
)
from shared.model.profile import TenantProfile

_PLAIN: Final = re.compile(r"[a-z0-9]+")
_ID: Final = re.compile(r"[0-9a-f]{8}((?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ENDS_OF_IDS: Final = re.compile(rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""All of an id but its first eight digits: what begins with a dash is found ten times as fast."""

_MOST_WORDS: Final = 32
"""Looking for more than this would take as long as building the event. Ids are found at once, however many."""


def of_ids(value: str, ids: Callable[[TenantProfile], frozenset[str] | None]) -> Prefilter:
    """For `value`: one of these ids of the profile; nothing can be said where they are None."""
    return lambda profile, asked: ids(profile) if asked == value else None


def of_properties(*names: str) -> Prefilter:
    """For any value but "": one of the modified properties or details with these names, folded and without blanks."""
    every = frozenset(names)
    return lambda _profile, asked: every if asked else None


def of_settings(setting: Callable[[TenantProfile], Collection[str]], *values: str) -> Prefilter:
    """For these values: no record can have them where the profile's setting is empty."""
    return lambda profile, asked: frozenset() if asked in values and not setting(profile) else None


def of_itself(_profile: TenantProfile, asked: str) -> frozenset[str] | None:
    """For a value that stands in the record but for its case and blanks: the longest part of it without either."""
    plain = max(_PLAIN.findall(asked), key=len, default="")
    return frozenset({plain}) if plain and asked.isascii() else None


def needed[E](condition: Condition[E], profile: TenantProfile) -> tuple[frozenset[str], ...]:
    """Give sets of texts: a record that holds none of one of them can't meet `condition`.

    `Matcher` builds no event of such a record, so an answer may be too wide but never too narrow.
    """
    match condition:
        case Is(field, value):
            return _needed_for(field, frozenset({value}), profile)
        case OneOf(field, values):
            return _needed_for(field, values, profile)
        case StartsWith() | EndsWith() | Contains() | Not():
            return ()
        case All(terms):
            return tuple(texts for term in terms for texts in needed(term, profile))
        case AnyOf(terms):
            smallest = [min(needed(term, profile), key=len, default=None) for term in terms]
            known = [texts for texts in smallest if texts is not None]
            return (frozenset[str]().union(*known),) if len(known) == len(smallest) else ()
        case _:
            assert_never(condition)


def _needed_for[E](field: Text[E], values: frozenset[str], profile: TenantProfile) -> tuple[frozenset[str], ...]:
    each = [field.prefilter(profile, value) if field.prefilter else None for value in values]
    known = [texts for texts in each if texts is not None]
    return (frozenset[str]().union(*known),) if len(known) == len(each) else ()


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
        return any(all(one.is_in(seen, ends) for one in each) for each in self.together)


def record_filter(conditions: Iterable[Condition[Any]], profile: TenantProfile) -> RecordFilter | bool:
    """Make the filter for records that could meet one of `conditions`; True or False where it needn't look at any."""
    needs = [tuple(map(_one_of, needed(condition, profile))) for condition in conditions]
    possible = [each for each in needs if _OneOf() not in each]
    worthwhile = [tuple(one for one in each if len(one.words) <= _MOST_WORDS) for each in possible]
    if not worthwhile or () in worthwhile:
        return bool(worthwhile)
    alone = [each[0] for each in worthwhile if len(each) == 1]
    either = _OneOf(
        frozenset[bytes]().union(*(one.ends for one in alone)),
        tuple({word for one in alone for word in one.words}),
    )
    return RecordFilter(either, tuple(each for each in worthwhile if len(each) > 1))


def _one_of(texts: frozenset[str]) -> _OneOf:
    ends = {text: found[1] for text in texts if (found := _ID.fullmatch(text))}
    return _OneOf(frozenset(map(str.encode, ends.values())), tuple(map(str.encode, texts - ends.keys())))
