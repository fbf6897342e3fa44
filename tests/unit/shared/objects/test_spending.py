"""The hourly limit counts objects, by actor and in all, and forgets them after an hour."""

from datetime import datetime, timedelta
from typing import Final

import pytest

from infra.local.world import MALLORY, TRUDY, WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import Unreachable
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectId
from shared.objects.guards import Spent
from shared.objects.spending import Spending
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_TENANT: Final = WORKFORCE_TENANT


@pytest.fixture
def spending(storage: Storage) -> Spending:
    return Spending(storage)


def _object(key: str, *, tenant_id: str = _TENANT, kind: ObjectKind = ObjectKind.CA_POLICY) -> ObjectId:
    return ObjectId(tenant_id=tenant_id, kind=kind, key=key)


def test_nothing_is_spent_at_first(spending: Spending) -> None:
    assert spending.read(_TENANT, NOW) == Spent(by_actor={}, in_all=frozenset())


def test_an_object_counts_once_however_often_it_is_written(spending: Spending) -> None:
    for seconds in range(3):
        spending.spend(_object("one"), MALLORY.id, at=NOW + timedelta(seconds=seconds))
    assert spending.read(_TENANT, NOW + _MINUTE) == Spent(
        by_actor={MALLORY.id: frozenset({"one"})}, in_all=frozenset({"one"})
    )


def test_it_is_counted_by_actor_and_in_all(spending: Spending) -> None:
    spending.spend(_object("one"), MALLORY.id, at=NOW)
    spending.spend(_object("two"), MALLORY.id, at=NOW)
    spending.spend(_object("two"), TRUDY.id, at=NOW)
    spent = spending.read(_TENANT, NOW)
    assert spent is not None
    assert spent.by_actor == {MALLORY.id: frozenset({"one", "two"}), TRUDY.id: frozenset({"two"})}
    assert spent.in_all == frozenset({"one", "two"})


def test_other_tenants_count_for_themselves(spending: Spending) -> None:
    spending.spend(_object("one", tenant_id="99999999-7a18-4f93-9c25-e81f60a7b3d2"), MALLORY.id, at=NOW)
    assert spending.read(_TENANT, NOW) == Spent(by_actor={}, in_all=frozenset())


@pytest.mark.parametrize(
    "at", [NOW, NOW.replace(minute=0), NOW.replace(minute=59, second=59), NOW.replace(hour=23, minute=50)]
)
def test_it_counts_for_an_hour_over_the_end_of_the_clock_hour_and_the_day(spending: Spending, at: datetime) -> None:
    spending.spend(_object("one"), MALLORY.id, at=at)
    for minutes in (0, 30, 59):
        spent = spending.read(_TENANT, at + minutes * _MINUTE)
        assert spent is not None
        assert spent.in_all == frozenset({"one"}), minutes
    assert spending.read(_TENANT, at + 60 * _MINUTE) == Spent(by_actor={}, in_all=frozenset())


def test_what_is_written_again_in_the_next_clock_hour_counts_from_then_on(spending: Spending) -> None:
    spending.spend(_object("one"), MALLORY.id, at=NOW)
    later = NOW + 58 * _MINUTE
    spending.spend(_object("one"), MALLORY.id, at=later)
    spent = spending.read(_TENANT, later + 59 * _MINUTE)
    assert spent is not None
    assert spent.in_all == frozenset({"one"})


def test_what_cannot_be_read_is_unknown(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    spending = Spending(storage)
    spending.spend(_object("one"), MALLORY.id, at=NOW)
    storage.faults.fail(f"rows {Table.CONTROLS}")
    assert spending.read(_TENANT, NOW) is None


@pytest.mark.parametrize("broken", [{"actor": 5}, {"object": None}, {"at": "lately"}, {"at": "2026-03-02"}])
def test_a_broken_row_is_unknown_and_not_overlooked(
    spending: Spending, storage: Storage, broken: dict[str, object]
) -> None:
    spending.spend(_object("one"), MALLORY.id, at=NOW)
    (row,) = storage.rows(Table.CONTROLS, "PartitionKey ge 'spent'")
    storage.upsert(Table.CONTROLS, row.partition, row.key, {**row.columns, **broken})
    assert spending.read(_TENANT, NOW) is None


def test_what_cannot_be_counted_is_an_error(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.fail(f"insert {Table.CONTROLS}")
    with pytest.raises(Unreachable):
        Spending(storage).spend(_object("one"), MALLORY.id, at=NOW)
