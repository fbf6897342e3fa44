"""Kinds are named before an object of them waits for others, and until none does."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from shared.authority.signed_watch import LISTS
from shared.clients.storage import Row
from shared.clients.storage_names import Table
from shared.model.kinds import ObjectKind
from shared.model.objects import EXISTS, ObjectId, Objection, ObjectState, Provenance, Verdict, Version, key_of
from shared.objects.leaning import Leaning, leans_on_others
from shared.objects.object_store import ObjectStore
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_TENANT: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
_HOUR: Final = timedelta(hours=1)


class _Time:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def _objection(guard: str = "last-holder", *, can_pass: bool = True, until: datetime | None = None) -> Objection:
    return Objection(guard=guard, because="so it is", can_pass=can_pass, until=until)


def _state(kind: ObjectKind = ObjectKind.CA_POLICY, **pending: Objection) -> ObjectState:
    return ObjectState(
        id=ObjectId(tenant_id=_TENANT, kind=kind, key=key_of("one")),
        ids=(key_of("one"),),
        name="one",
        origin=Version(at=NOW, leaves={EXISTS: True}),
        provenance=Provenance.FIRST_SEEN,
        pending=pending,
    )


def _rows(leaning: Leaning) -> dict[ObjectKind, Row]:
    return dict(leaning.kinds(_TENANT))


@pytest.mark.parametrize(
    ("objection", "leans"),
    [
        (_objection(), True),
        (_objection("emergency"), True),
        (_objection(can_pass=False), False),
        (_objection(until=NOW), False),
        (_objection("hourly-limit"), False),
        (_objection("kill-switch"), False),
        *((_objection(verdict.name.lower()), False) for verdict in Verdict),
    ],
    ids=lambda value: value.guard if isinstance(value, Objection) else "",
)
def test_what_passes_by_itself_leans_on_nothing(objection: Objection, *, leans: bool) -> None:
    assert leans_on_others({EXISTS: objection}) is leans
    assert leans_on_others({EXISTS: objection, "state": _objection(can_pass=False)}) is leans


def test_a_kind_is_named_before_the_object_is_written(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    store = ObjectStore(storage, clock=_Time())
    kept = store.insert(_state())
    assert kept is not None
    assert _rows(store.leaning) == {}
    storage.faults.log.clear()
    store.replace(kept, _state(state=_objection()))
    assert storage.faults.log == ["upsert Switches", "write Objects"]
    assert set(_rows(store.leaning)) == {ObjectKind.CA_POLICY}
    other = _state(ObjectKind.ROLE_ASSIGNMENT, exists=_objection())
    assert store.insert(other) is not None
    assert set(_rows(store.leaning)) == {ObjectKind.CA_POLICY, ObjectKind.ROLE_ASSIGNMENT}


def test_a_process_names_a_kind_once_an_hour(memory: MemoryStorage) -> None:
    time, storage = _Time(), SpoiltStorage(memory)
    leaning = Leaning(storage, clock=time)
    for later in (timedelta(), _HOUR / 2, _HOUR):
        time.now = NOW + later
        leaning.name(_state(state=_objection()))
    assert storage.faults.log == ["upsert Switches"] * 2


def test_a_row_goes_once_it_is_old_and_nobody_wrote_it_since(memory: MemoryStorage) -> None:
    """A process counts on its row for an hour: one that is younger may be of a write that is under way."""
    time = _Time()
    leaning = Leaning(memory, clock=time)
    leaning.name(_state(state=_objection()))
    (row,) = _rows(leaning).values()
    time.now = NOW + 2 * _HOUR
    leaning.none_found(row)
    assert _rows(leaning)
    time.now = NOW + 3 * _HOUR
    leaning.name(_state(state=_objection()))
    leaning.none_found(row)
    assert _rows(leaning), "it was written anew"
    time.now = NOW + 6 * _HOUR
    leaning.none_found(*_rows(leaning).values())
    assert _rows(leaning) == {}


def test_a_row_that_nobody_understands_names_nothing_and_one_without_its_time_goes(memory: MemoryStorage) -> None:
    leaning = Leaning(memory, clock=_Time())
    memory.insert(Table.CONTROLS, f"waiting-kinds {_TENANT}", "a kind of newer code", {})
    memory.insert(Table.CONTROLS, f"waiting-kinds {_TENANT}", ObjectKind.CA_POLICY, {"at": "some day"})
    (row,) = _rows(leaning).values()
    leaning.none_found(row)
    assert _rows(leaning) == {}


def test_its_rows_are_not_taken_for_modes_that_nobody_signed(memory: MemoryStorage) -> None:
    """Those of `kill` and `mode` are read as one range, and what is in it counts only where an operator signed it."""
    Leaning(memory, clock=lambda: NOW).name(_state(document=_objection()))
    assert memory.rows(Table.CONTROLS, "PartitionKey ge ''")
    query, _subjects = LISTS[Table.CONTROLS]
    assert memory.rows(Table.CONTROLS, query) == []
