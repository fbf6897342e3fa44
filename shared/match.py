"""From an event to the detections it meets, by an index: its cost doesn't grow with what can't apply to it.

Before an event is built, the record's name and a look at its text say whether any detection could be about it.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Raw

from shared.catalog import AnyDetection
from shared.conditions import All, Audit, Condition, Is, OneOf, Resource, SignIn, Text, needed, predicate, required
from shared.events import Event, Log, fold
from shared.vocabulary import DEFAULT, Vocabulary

INDEXED_BY: Final[Mapping[Log, Text[Any]]] = {
    Log.AUDIT: Audit.activity,
    Log.SIGN_IN: SignIn.error_code,
    Log.RESOURCE: Resource.operation,
}
"""The field of each log that tells most records apart; it is what `normalize` calls a record's name."""

type _Listed = dict[str | None, tuple[AnyDetection, ...]]
"""Detections by the name of a record; under None those that any other name is tried against."""

type _Clues = tuple[tuple[tuple[bytes, ...], ...], ...]
"""For each detection, sets of texts of which a record must hold one each; ((),) where any record will do."""

_MOST_TRACES: Final = 32
"""Looking for more texts than this would take as long as building the event."""


class Matcher:
    """Detections, indexed by log and name, with the vocabulary of one installation."""

    def __init__(self, detections: Iterable[AnyDetection], vocabulary: Vocabulary = DEFAULT) -> None:
        ordered = tuple(detections)
        self._followed = {one.id: one for one in ordered if one.after}
        firsts = tuple(map(_of_first, self._followed.values()))
        self._firsts = Matcher(firsts, vocabulary) if firsts else None
        self._meets: dict[str, Callable[[Any], bool]] = {
            one.id: predicate(_beyond_name(one), vocabulary) for one in ordered
        }
        self._name_of: Mapping[Log, Callable[[Any], str]] = {log: field.read for log, field in INDEXED_BY.items()}
        self._listed = {log: _by_name(log, ordered) for log in Log}
        self._clues = {log: _clues_by_name(log, (*ordered, *firsts), vocabulary) for log in Log}

    def interested(self, log: Log, name: str, raw: Raw, tenant_id: str) -> bool:
        """Say whether a record of this name, in whatever spelling, could match; asked before an event is built.

        `raw` is the record, and `tenant_id` whose it is where it doesn't say.
        """
        by_name = self._clues[log]
        clues = by_name.get(fold(name), by_name[None])
        return bool(clues) and (clues[0] == () or _holds_any(clues, bytes(raw), tenant_id))

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


def _clues_by_name(log: Log, detections: Iterable[AnyDetection], vocabulary: Vocabulary) -> dict[str | None, _Clues]:
    return {name: _clues_of(listed, vocabulary) for name, listed in _by_name(log, detections).items()}


def _clues_of(detections: Iterable[AnyDetection], vocabulary: Vocabulary) -> _Clues:
    """Give what a record must hold for one of these detections; those that no record can meet are left out."""
    needs = [
        tuple(tuple(map(str.encode, traces)) for traces in needed(one.when, vocabulary) if len(traces) <= _MOST_TRACES)
        for one in detections
    ]
    return ((),) if () in needs else tuple(each for each in needs if () not in each)


def _holds_any(clues: _Clues, text: bytes, tenant_id: str) -> bool:
    """Say whether a record holds what one of the detections needs; one in which escapes may hide it is said to."""
    if not text.isascii() or b"\\u" in text:
        return True
    seen = text.lower() + tenant_id.lower().encode()
    # Generators would cost as much as the search.
    for needs in clues:
        for traces in needs:
            for trace in traces:
                if trace in seen:
                    break
            else:
                break
        else:
            return True
    return False


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
