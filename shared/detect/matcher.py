"""From an event to the detections that it meets, by an index: its cost doesn't grow with what can't apply to it.

Before an event is built, the record's name and a look at its text say whether any detection could be about it.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Raw

from shared.detect.conditions import predicate, required
from shared.detect.fields import Audit, Resource, SignIn
from shared.detect.prefilter import RecordFilter, record_filter
from shared.model.conditions import All, Condition, Is, OneOf, Text
from shared.model.detections import AnyDetection
from shared.model.events import Event, Log, fold
from shared.model.profile import DEFAULT, TenantProfile

INDEXED_BY: Final[Mapping[Log, Text[Any]]] = {
    Log.AUDIT: Audit.activity,
    Log.SIGN_IN: SignIn.error_code,
    Log.RESOURCE: Resource.operation,
}
"""The field of each log that distinguishes most records; it is what `normalize` calls a record's name."""

type _ByName = dict[str | None, tuple[AnyDetection, ...]]
"""Detections by the name of a record; under None those that any other name is tried against."""


class Matcher:
    """Detections, indexed by log and name, with the profile of one installation."""

    def __init__(self, detections: Iterable[AnyDetection], profile: TenantProfile = DEFAULT) -> None:
        ordered = tuple(detections)
        self._sequences = {one.id: one for one in ordered if one.after}
        steps_a = tuple(map(_of_step_a, self._sequences.values()))
        self._steps_a = Matcher(steps_a, profile) if steps_a else None
        self._meets: dict[str, Callable[[Any], bool]] = {
            one.id: predicate(_beyond_name(one), profile) for one in ordered
        }
        self._name_of: Mapping[Log, Callable[[Any], str]] = {log: field.read for log, field in INDEXED_BY.items()}
        self._by_name = {log: _by_name(log, ordered) for log in Log}
        self._filters = {log: _filters_by_name(log, (*ordered, *steps_a), profile) for log in Log}

    def interested(self, log: Log, name: str, raw: Raw, tenant_id: str) -> bool:
        """Say whether a record of this name, in whatever spelling, could match; asked before an event is built.

        `raw` is the record, and `tenant_id` whose it is where it doesn't say.
        """
        by_name = self._filters[log]
        of_name = by_name.get(fold(name), by_name[None])
        return of_name if isinstance(of_name, bool) else of_name.admits(bytes(raw), tenant_id)

    def matches(self, event: Event) -> tuple[AnyDetection, ...]:
        """Give the detections whose conditions `event` meets, in the catalogue's order."""
        by_name = self._by_name[event.log]
        candidates = by_name.get(self._name_of[event.log](event), by_name[None])
        return tuple(detection for detection in candidates if self._meets[detection.id](event))

    def matches_step_a(self, event: Event) -> tuple[AnyDetection, ...]:
        """Give the detections of sequences whose step A is met by `event`."""
        if self._steps_a is None:
            return ()
        return tuple(self._sequences[one.id] for one in self._steps_a.matches(event))


def _by_name(log: Log, detections: Iterable[AnyDetection]) -> _ByName:
    """List under each name, in the catalogue's order, every detection that could hold for it."""
    of_log = [(one, required(one.when, INDEXED_BY[log])) for one in detections if one.log is log]
    named = frozenset[str]().union(*(names for _, names in of_log if names is not None))
    listed: _ByName = {None: tuple(one for one, names in of_log if names is None)}
    for name in named:
        listed[name] = tuple(one for one, names in of_log if names is None or name in names)
    return listed


def _filters_by_name(
    log: Log, detections: Iterable[AnyDetection], profile: TenantProfile
) -> dict[str | None, RecordFilter | bool]:
    return {
        name: record_filter((one.when for one in listed), profile) for name, listed in _by_name(log, detections).items()
    }


def _of_step_a(detection: AnyDetection) -> AnyDetection:
    """Give a detection of the step A of a sequence."""
    step_a = detection.after.step_a if detection.after else detection.when
    return copy.replace(detection, when=step_a, after=None)


def _beyond_name(detection: AnyDetection) -> Condition[Any]:
    """Leave out what the index has asked already: a detection is tried only for names that these terms hold for."""
    name = INDEXED_BY[detection.log]
    match detection.when:
        case All(terms):
            return All(tuple(term for term in terms if not (isinstance(term, Is | OneOf) and term.field is name)))
        case condition:
            return condition
