"""From an event to the detections it meets, by an index: its cost doesn't grow with what can't apply to it.

Before an event is built, the record's name and a look at its text say whether any detection could be about it.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Raw, Struct

from shared.detect.conditions import (
    All,
    Audit,
    Condition,
    Is,
    OneOf,
    Resource,
    SignIn,
    Text,
    needed,
    predicate,
    required,
)
from shared.model.declarations import AnyDetection
from shared.model.events import Event, Log, fold
from shared.model.profile import DEFAULT, TenantProfile

INDEXED_BY: Final[Mapping[Log, Text[Any]]] = {
    Log.AUDIT: Audit.activity,
    Log.SIGN_IN: SignIn.error_code,
    Log.RESOURCE: Resource.operation,
}
"""The field of each log that tells most records apart; it is what `normalize` calls a record's name."""

type _Listed = dict[str | None, tuple[AnyDetection, ...]]
"""Detections by the name of a record; under None those that any other name is tried against."""

_ID: Final = re.compile(r"[0-9a-f]{8}((?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ENDS_OF_IDS: Final = re.compile(rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""All of an id but its first eight digits: what begins with a dash is found ten times as fast."""


class _Traces(Struct, frozen=True):
    """Texts of which a record must hold one: `ends` of ids, and other `words`."""

    ends: frozenset[bytes] = frozenset()
    words: tuple[bytes, ...] = ()

    def are_in(self, text: bytes, ends: frozenset[bytes]) -> bool:
        """Say whether one is in a text with these ends of ids."""
        return not self.ends.isdisjoint(ends) or any(word in text for word in self.words)


class _Clues(Struct, frozen=True):
    """What a record must hold for one of several detections: one of `either`, or all of one of `together`."""

    either: _Traces
    together: tuple[tuple[_Traces, ...], ...]

    def are_in(self, text: bytes, tenant_id: str) -> bool:
        """Say whether a record holds it; one in which escapes may hide it is said to."""
        if not text.isascii() or (b"\\" in text and b"\\u" in text):
            return True
        seen = text.lower() + tenant_id.lower().encode()
        ends = frozenset(_ENDS_OF_IDS.findall(seen))
        if self.either.are_in(seen, ends):
            return True
        return any(all(traces.are_in(seen, ends) for traces in each) for each in self.together)


_MOST_WORDS: Final = 32
"""Looking for more than this would take as long as building the event. Ids are found at once, however many."""


class Matcher:
    """Detections, indexed by log and name, with the vocabulary of one installation."""

    def __init__(self, detections: Iterable[AnyDetection], profile: TenantProfile = DEFAULT) -> None:
        ordered = tuple(detections)
        self._followed = {one.id: one for one in ordered if one.after}
        firsts = tuple(map(_of_first, self._followed.values()))
        self._firsts = Matcher(firsts, profile) if firsts else None
        self._meets: dict[str, Callable[[Any], bool]] = {
            one.id: predicate(_beyond_name(one), profile) for one in ordered
        }
        self._name_of: Mapping[Log, Callable[[Any], str]] = {log: field.read for log, field in INDEXED_BY.items()}
        self._listed = {log: _by_name(log, ordered) for log in Log}
        self._clues = {log: _clues_by_name(log, (*ordered, *firsts), profile) for log in Log}

    def interested(self, log: Log, name: str, raw: Raw, tenant_id: str) -> bool:
        """Say whether a record of this name, in whatever spelling, could match; asked before an event is built.

        `raw` is the record, and `tenant_id` whose it is where it doesn't say.
        """
        by_name = self._clues[log]
        clues = by_name.get(fold(name), by_name[None])
        return clues if isinstance(clues, bool) else clues.are_in(bytes(raw), tenant_id)

    def matches(self, event: Event) -> tuple[AnyDetection, ...]:
        """Give the detections whose conditions `event` meets, in the catalogue's order."""
        by_name = self._listed[event.log]
        candidates = by_name.get(self._name_of[event.log](event), by_name[None])
        return tuple(detection for detection in candidates if self._meets[detection.id](event))

    def firsts(self, event: Event) -> tuple[AnyDetection, ...]:
        """Give the detections that speak only of what comes after a record like `event`."""
        if self._firsts is None:
            return ()
        return tuple(self._followed[one.id] for one in self._firsts.matches(event))


def _by_name(log: Log, detections: Iterable[AnyDetection]) -> _Listed:
    """List under each name, in the catalogue's order, every detection that could hold for it."""
    of_log = [(one, required(one.when, INDEXED_BY[log])) for one in detections if one.log is log]
    named = frozenset[str]().union(*(names for _, names in of_log if names is not None))
    listed: _Listed = {None: tuple(one for one, names in of_log if names is None)}
    for name in named:
        listed[name] = tuple(one for one, names in of_log if names is None or name in names)
    return listed


def _clues_by_name(
    log: Log, detections: Iterable[AnyDetection], profile: TenantProfile
) -> dict[str | None, _Clues | bool]:
    return {name: _clues_of(listed, profile) for name, listed in _by_name(log, detections).items()}


def _clues_of(detections: Iterable[AnyDetection], profile: TenantProfile) -> _Clues | bool:
    """Give what a record must hold for one of these detections; whether any could be one, where it needn't look."""
    needs = [tuple(map(_traces_from, needed(one.when, profile))) for one in detections]
    possible = [each for each in needs if _Traces() not in each]
    worthwhile = [tuple(traces for traces in each if len(traces.words) <= _MOST_WORDS) for each in possible]
    if not worthwhile or () in worthwhile:
        return bool(worthwhile)
    alone = [each[0] for each in worthwhile if len(each) == 1]
    either = _Traces(
        frozenset[bytes]().union(*(traces.ends for traces in alone)),
        tuple({word for traces in alone for word in traces.words}),
    )
    return _Clues(either, tuple(each for each in worthwhile if len(each) > 1))


def _traces_from(texts: frozenset[str]) -> _Traces:
    ends = {text: found[1] for text in texts if (found := _ID.fullmatch(text))}
    return _Traces(frozenset(map(str.encode, ends.values())), tuple(map(str.encode, texts - ends.keys())))


def _of_first(detection: AnyDetection) -> AnyDetection:
    """Give a detection of what another one only follows."""
    return dataclasses.replace(detection, when=detection.after.first if detection.after else detection.when, after=None)


def _beyond_name(detection: AnyDetection) -> Condition[Any]:
    """Leave out what the index has asked already: a detection is tried only for names that these terms hold for."""
    name = INDEXED_BY[detection.log]
    match detection.when:
        case All(terms):
            return All(tuple(term for term in terms if not (isinstance(term, Is | OneOf) and term.field == name)))
        case condition:
            return condition
