"""Who made unapproved changes lately is known for a day; what can't be read is unknown."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from infra.local.world import MALLORY, TRUDY, WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import Unreachable
from shared.objects.named_actors import NAMED_FOR, NamedActors
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant_states import read_tenant_state

_TENANT: Final = WORKFORCE_TENANT
_A_SECOND: Final = timedelta(seconds=1)


@pytest.fixture
def named(storage: Storage) -> NamedActors:
    return NamedActors(storage)


def _named(storage: Storage, now: datetime = NOW) -> frozenset[str] | None:
    return read_tenant_state(storage, _TENANT, now).named


def test_nobody_is_named_at_first(storage: Storage) -> None:
    assert _named(storage) == frozenset()


def test_who_is_named_is_known_in_its_tenant_in_lower_case(named: NamedActors, storage: Storage) -> None:
    named.name(_TENANT, MALLORY.id.upper(), at=NOW)
    named.name("99999999-7a18-4f93-9c25-e81f60a7b3d2", TRUDY.id, at=NOW)
    assert _named(storage) == frozenset({MALLORY.id})


def test_a_name_counts_for_a_day_after_it_was_last_given(named: NamedActors, storage: Storage) -> None:
    named.name(_TENANT, MALLORY.id, at=NOW)
    assert _named(storage, NOW + NAMED_FOR - _A_SECOND) == frozenset({MALLORY.id})
    assert _named(storage, NOW + NAMED_FOR) == frozenset()
    named.name(_TENANT, MALLORY.id, at=NOW + NAMED_FOR / 2)
    assert _named(storage, NOW + NAMED_FOR) == frozenset({MALLORY.id})


def test_what_cannot_be_read_is_unknown(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.fail(f"rows {Table.CONTROLS}")
    assert _named(storage) is None


@pytest.mark.parametrize("broken", [{}, {"at": "lately"}, {"at": 5}, {"at": "2026-03-02"}])
def test_who_has_a_broken_row_stays_named_and_stops_nothing(
    named: NamedActors, storage: Storage, broken: dict[str, object]
) -> None:
    """Whoever can write to the table must not be able to stop every put-back, nor to get somebody off the list."""
    storage.upsert(Table.CONTROLS, f"named {_TENANT}", MALLORY.id, broken)
    named.name(_TENANT, TRUDY.id, at=NOW - NAMED_FOR)
    assert _named(storage) == frozenset({MALLORY.id})


def test_what_cannot_be_noted_is_an_error(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.fail(f"upsert {Table.CONTROLS}")
    with pytest.raises(Unreachable):
        NamedActors(storage).name(_TENANT, MALLORY.id, at=NOW)
