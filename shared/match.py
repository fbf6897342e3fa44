"""From an event to the detections it meets, by an index: its cost doesn't grow with what can't apply to it."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from shared.catalog import AnyDetection
from shared.conditions import All, Audit, Condition, Is, OneOf, Resource, SignIn, Text, predicate, required
from shared.events import Event, Log, fold
from shared.vocabulary import DEFAULT, Vocabulary

INDEXED_BY: Final[Mapping[Log, Text[Any]]] = {
    Log.AUDIT: Audit.activity,
    Log.SIGN_IN: SignIn.error_code,
    Log.RESOURCE: Resource.operation,
}
"""The field of each log that tells most records apart; it is what `normalize` calls a record's name."""


class Matcher:
    """Detections, indexed by log and name, with the vocabulary of one installation."""

    def __init__(self, detections: Iterable[AnyDetection], vocabulary: Vocabulary = DEFAULT) -> None:
        self._by_name: dict[Log, dict[str, tuple[AnyDetection, ...]]] = {log: {} for log in Log}
        self._by_any_name: dict[Log, tuple[AnyDetection, ...]] = dict.fromkeys(Log, ())
        ordered = tuple(detections)
        self._meets: dict[str, Callable[[Any], bool]] = {
            one.id: predicate(_beyond_name(one), vocabulary) for one in ordered
        }
        for log in Log:
            self._index(log, [detection for detection in ordered if detection.log is log])
        self._followed = {one.id: one for one in ordered if one.after}
        self._firsts = Matcher(map(_of_first, self._followed.values()), vocabulary) if self._followed else None

    def _index(self, log: Log, detections: list[AnyDetection]) -> None:
        """List under each name, in the catalogue's order, every detection that could hold for it."""
        named = {detection.id: required(detection.when, INDEXED_BY[log]) for detection in detections}
        every_name = frozenset[str]().union(*(names for names in named.values() if names is not None))
        for name in every_name:
            self._by_name[log][name] = tuple(
                detection for detection in detections if (names := named[detection.id]) is None or name in names
            )
        self._by_any_name[log] = tuple(detection for detection in detections if named[detection.id] is None)

    def interested(self, log: Log, name: str) -> bool:
        """Say whether a record of this name, in whatever spelling, could match; asked before an event is built."""
        own = fold(name) in self._by_name[log] or bool(self._by_any_name[log])
        return own or (self._firsts is not None and self._firsts.interested(log, name))

    def matches(self, event: Event) -> tuple[AnyDetection, ...]:
        """Give the detections whose conditions `event` meets, in the catalogue's order."""
        name = INDEXED_BY[event.log].read(event)
        candidates = self._by_name[event.log].get(name, self._by_any_name[event.log])
        return tuple(detection for detection in candidates if self._meets[detection.id](event))

    def firsts(self, event: Event) -> tuple[AnyDetection, ...]:
        """Give the detections that speak only of what comes after a record like `event`."""
        if self._firsts is None:
            return ()
        return tuple(self._followed[one.id] for one in self._firsts.matches(event))


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
