"""From an event to the detections that it meets, by an index: its cost doesn't grow with what can't apply to it.

Before an event is built, the record's name and a look at its text say whether any detection could be about it.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Raw, Struct

from shared.detect.conditions import predicate, required
from shared.detect.fields import Audit, Resource, SignIn
from shared.detect.glance_filter import glance_filter
from shared.detect.prefilter import needed
from shared.detect.record_filter import RecordFilter, record_filter
from shared.model.conditions import All, Condition, Is, OneOf, Text
from shared.model.detections import AnyDetection
from shared.model.events import Event, Log, fold
from shared.model.prefilters import IMPOSSIBLE, Asked, Needs, Sight
from shared.model.profile import DEFAULT, TenantProfile
from shared.normalize import Interest
from shared.normalize.glance import Glance

INDEXED_BY: Final[Mapping[Log, Text[Any]]] = {
    Log.AUDIT: Audit.activity,
    Log.SIGN_IN: SignIn.error_code,
    Log.RESOURCE: Resource.operation,
}
"""The field of each log that distinguishes most records; it is what `normalize` calls a record's name."""

type _ByName = dict[str | None, tuple[AnyDetection, ...]]
"""Detections by the name of a record; under None those that any other name is tried against."""

type _ConditionsByName = dict[str | None, tuple[Condition[Any], ...]]


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
        self._profile = profile
        self._sought = {log: _conditions_by_name(log, (*ordered, *steps_a)) for log in Log}
        self._in_records = {log: _filters_by_name(log, self._sought[log], profile) for log in Log}
        self._at_glances: dict[tuple[Log, str | None, str], Callable[[Glance], bool] | bool] = {}

    @property
    def interest(self) -> Interest:
        """What it takes an interest in, asked before an event is built."""
        return Interest(at_a_glance=self._at_a_glance, in_record=self._in_record)

    def _at_a_glance(self, log: Log, name: str, tenant_id: str) -> Callable[[Glance], bool] | bool:
        """Give what a glance must show of a record of this name and tenant."""
        by_name = self._sought[log]
        known = folded if (folded := fold(name)) in by_name else None
        key = (log, known, tenant_id)
        if key not in self._at_glances:
            asked = _Asking(self._profile, INDEXED_BY[log], known, tenant_id)
            found = glance_filter(needed(condition, asked.sights) for condition in by_name[known])
            self._at_glances[key] = found if isinstance(found, bool) else found.admits
        return self._at_glances[key]

    def _in_record(self, log: Log, name: str, raw: Raw, tenant_id: str) -> bool:
        """Say whether a record of this name and text could match; `tenant_id` is whose it is where it doesn't say."""
        by_name = self._in_records[log]
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


def _conditions_by_name(log: Log, detections: Iterable[AnyDetection]) -> _ConditionsByName:
    return {name: tuple(one.when for one in listed) for name, listed in _by_name(log, detections).items()}


def _filters_by_name(
    log: Log, by_name: _ConditionsByName, profile: TenantProfile
) -> dict[str | None, RecordFilter | bool]:
    return {
        name: record_filter(needed(one, _Asking(profile, INDEXED_BY[log], name).texts) for one in conditions)
        for name, conditions in by_name.items()
    }


class _Asking(Struct, frozen=True):
    """Asks fields what they need in records of one name, and of one tenant where that is known."""

    profile: TenantProfile
    name_field: Text[Any]
    name: str | None
    tenant_id: str | None = None

    def texts(self, field: Text[Any], value: str) -> frozenset[str] | None:
        """Give texts of which a record holds one where the field has this value."""
        return self._needs(field, value).texts

    def sights(self, field: Text[Any], value: str) -> frozenset[Sight] | None:
        """Give what a glance shows of such a record."""
        return self._needs(field, value).sights

    def _needs(self, field: Text[Any], value: str) -> Needs:
        if field is self.name_field and self.name is not None:
            return Needs() if value == self.name else IMPOSSIBLE
        asked = Asked(value=value, profile=self.profile, tenant_id=self.tenant_id)
        return (field.prefilter and field.prefilter(asked)) or Needs()


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
