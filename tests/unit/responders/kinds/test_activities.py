"""No record that tells of a guarded object is passed over, whether a detection is about it or not."""

from typing import Any, Final

import msgspec
import pytest

from responders.catalogue import CATALOGUE
from responders.content import KINDS
from shared.detect.fields import Audit, Resource
from shared.ingest.intake import interest_of
from shared.model.conditions import All, AnyOf, Condition, Is, OneOf
from shared.model.events import AuditEvent, Event, ResourceEvent, fold
from shared.model.kinds import ObjectKind
from shared.model.object_kinds import Kind
from shared.normalize import read_batch
from tests.fakes.lamps import Lamps
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.record_strategies import everything
from tests.fakes.runtime import Bench, bench
from tests.fakes.tenant import TENANT_ID

_RECORDS = [record for one in CATALOGUE for record in (*one.hits, *one.misses)]


def _name(event: Event) -> str:
    """Give the name of a record, as detections are listed by it."""
    match event:
        case AuditEvent():
            return fold(event.activity)
        case ResourceEvent():
            return fold(event.operation)
        case _:
            return ""


def _events_of(kind: Kind) -> list[Event]:
    readings = read_batch(msgspec.json.encode(_RECORDS), tenant_id=TENANT_ID, interest=everything)
    return [one.event for one in readings if one.event is not None and kind.recorded(one.event)]


def _watching_nothing_else(kind: Kind) -> Bench:
    """Guard a kind of object with a single detection, which is about something else."""
    return bench(MemoryStorage(), lamps=Lamps(), kinds=(kind,))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_kind_names_every_record_that_it_reads(kind: Kind) -> None:
    events = _events_of(kind)
    assert bool(events) == bool(kind.activities), "no sample of the catalogue is about this kind"
    assert {(event.log, _name(event)) for event in events} <= {(kind.log, name) for name in kind.activities}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_a_kind_reads_is_taken_in_without_a_detection(kind: Kind) -> None:
    interest = interest_of(_watching_nothing_else(kind).runtime)
    raw = msgspec.json.encode(_RECORDS)
    readings = [*read_batch(raw, tenant_id=TENANT_ID, interest=interest)]
    taken = [one.event for one in readings if one.event is not None]
    assert [event for event in taken if kind.recorded(event)] == _events_of(kind)
    assert all(_name(event) in kind.activities for event in taken), "what nothing asks for is passed over"


def _looked_for(condition: Condition[Any]) -> set[str]:
    """Give the names of records that a condition asks for."""
    match condition:
        case All(terms) | AnyOf(terms):
            return {name for term in terms for name in _looked_for(term)}
        case Is(field, value) if field in {Audit.activity, Resource.operation}:
            return {fold(value)}
        case OneOf(field, values) if field in {Audit.activity, Resource.operation}:
            return {fold(value) for value in values}
        case _:
            return set()


_DAILY: Final = {
    ObjectKind.APPLICATION: frozenset(
        {"add application", "restore application", "delete application", "hard delete application"}
    ),
    ObjectKind.SERVICE_PRINCIPAL: frozenset(
        {
            "add service principal",
            "restore service principal",
            "remove service principal",
            "hard delete service principal",
            "remove service principal credentials",
        }
    ),
    ObjectKind.APPLICATION_OWNER: frozenset({"remove owner from application", "remove owner from service principal"}),
}
"""Applications and their owners come and go each day, and none is deleted or restored: what is added is what counts."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_whatever_tells_of_a_change_is_looked_for_by_a_detection_that_puts_it_back(kind: Kind) -> None:
    """Else nobody would hear of it, and what comes after it would lie over a change that nobody has accounted for."""
    found = [one for one in CATALOGUE if one.remediation is not None and kind.kind in one.remediation.kinds]
    looked_for = {name for one in found for name in _looked_for(one.when)}
    assert kind.activities - _DAILY.get(kind.kind, frozenset()) <= looked_for
