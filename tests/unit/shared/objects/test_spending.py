"""The hourly limit counts objects, by actor and in all, and forgets them after an hour, however many run at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import pytest

from infra.local.world import MALLORY, TRUDY, WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError, Unreachable
from shared.model.kinds import ObjectKind, Risk
from shared.model.objects import ObjectId
from shared.objects.guards import Spent, Waiting
from shared.objects.spending import Spending
from tests.fakes.clock import NOW
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant_states import read_tenant_state

_MINUTE: Final = timedelta(minutes=1)
_TENANT: Final = WORKFORCE_TENANT
_ANOTHER: Final = "99999999-7a18-4f93-9c25-e81f60a7b3d2"


@pytest.fixture
def spending(storage: Storage) -> Spending:
    return Spending(storage)


def _object(key: str, *, tenant_id: str = _TENANT, kind: ObjectKind = ObjectKind.CA_POLICY) -> ObjectId:
    return ObjectId(tenant_id=tenant_id, kind=kind, key=key)


def _take(
    spending: Spending,
    key: str,
    *actors: str,
    limits: tuple[int, int] | None = (10, 20),
    at: datetime = NOW,
    tenant_id: str = _TENANT,
    spent: Spent | None = None,
) -> bool:
    of = _object(key, tenant_id=tenant_id)
    return spending.take(of, actors or (MALLORY.id,), limits=limits, at=at, spent=spent)


def _read(spending: Spending, tenant_id: str, at: datetime) -> Spent | None:
    storage = spending._storage  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - what the test gave it
    return read_tenant_state(storage, tenant_id, at).spent


def _counted(spending: Spending, actor: str = "", *, at: datetime = NOW) -> set[str]:
    spent = _read(spending, _TENANT, at)
    assert spent is not None
    return {place.decision for place in spent.taken(actor)}


def test_nothing_is_spent_at_first(spending: Spending) -> None:
    assert _read(spending, _TENANT, NOW) == Spent(now=NOW)


def test_an_object_counts_once_however_often_it_is_written(spending: Spending) -> None:
    for seconds in range(3):
        assert _take(spending, "one", at=NOW + timedelta(seconds=seconds), limits=(1, 1))
    assert _counted(spending) == _counted(spending, MALLORY.id) == {"one"}
    assert not _take(spending, "two", limits=(1, 1))


def test_what_was_not_written_gives_back_what_it_took_then(spending: Spending) -> None:
    """What the object had taken before, and what others took at the same instant, stays."""
    later = NOW + _MINUTE
    assert _take(spending, "one", MALLORY.id)
    assert _take(spending, "two", MALLORY.id, at=later)
    assert _take(spending, "one", MALLORY.id, TRUDY.id, at=later)
    spending.give_back(_object("one"), at=later)
    spending.give_back(_object("one", tenant_id=_ANOTHER), at=NOW)
    assert _counted(spending, TRUDY.id, at=later) == set()
    assert _counted(spending, MALLORY.id, at=later) == _counted(spending, at=later) == {"one", "two"}
    assert _take(spending, "three", TRUDY.id, limits=(1, 3), at=later)


def test_it_is_counted_by_actor_and_in_all(spending: Spending) -> None:
    assert _take(spending, "one")
    assert _take(spending, "two", MALLORY.id, TRUDY.id)
    assert _counted(spending, MALLORY.id) == {"one", "two"}
    assert _counted(spending, TRUDY.id) == {"two"}
    assert _counted(spending) == {"one", "two"}


def test_an_object_that_is_put_back_for_another_actor_too_counts_for_both(spending: Spending) -> None:
    assert _take(spending, "one", limits=(1, 1))
    assert _take(spending, "one", TRUDY.id, limits=(1, 1))
    assert _counted(spending, TRUDY.id) == {"one"}


@pytest.mark.parametrize("limits", [(3, 20), (10, 3)], ids=["by actor", "in all"])
def test_there_are_no_more_than_there_are_places(spending: Spending, limits: tuple[int, int]) -> None:
    assert [_take(spending, f"{number}", limits=limits) for number in range(6)] == [True] * 3 + [False] * 3
    assert _counted(spending) == {"0", "1", "2"}


def test_where_one_place_is_missing_none_is_taken(spending: Spending) -> None:
    assert _take(spending, "one", TRUDY.id, limits=(1, 20))
    assert not _take(spending, "two", MALLORY.id, TRUDY.id, limits=(1, 20))
    assert _counted(spending) == {"one"}
    assert _counted(spending, MALLORY.id) == set()


def test_a_limit_of_none_is_never_spent(spending: Spending) -> None:
    assert not _take(spending, "one", limits=(0, 0))


def test_what_a_person_asked_for_is_never_short_of_a_place_and_counts(spending: Spending) -> None:
    for number in range(4):
        assert _take(spending, f"{number}", limits=None)
    assert len(_counted(spending)) == 4
    assert not _take(spending, "unasked", limits=(4, 20))


def test_a_limit_that_was_lowered_counts_what_was_spent(spending: Spending) -> None:
    for number in range(5):
        assert _take(spending, f"{number}", limits=(64, 64))
    assert not _take(spending, "another", limits=(5, 20))
    assert _take(spending, "another", limits=(6, 20))


def test_other_tenants_count_for_themselves(spending: Spending) -> None:
    assert _take(spending, "one", tenant_id=_ANOTHER, limits=(1, 1))
    assert _counted(spending) == set()
    assert _take(spending, "one", limits=(1, 1))


@pytest.mark.parametrize("is_known", [True, False], ids=["as all read it before", "as each reads it"])
def test_many_at_once_never_take_more_than_there_is(spending: Spending, *, is_known: bool) -> None:
    """All of them read at the same instant that every place is free."""
    free = _read(spending, _TENANT, NOW) if is_known else None

    def take(number: int) -> bool:
        return _take(spending, f"{number}", limits=(7, 20), spent=free)

    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(take, range(30)))
    assert sum(taken) == len(_counted(spending)) == len(_counted(spending, MALLORY.id)) == 7


@pytest.mark.parametrize(
    "at", [NOW, NOW.replace(minute=0), NOW.replace(minute=59, second=59), NOW.replace(hour=23, minute=50)]
)
def test_a_place_is_free_again_after_an_hour(spending: Spending, storage: Storage, at: datetime) -> None:
    assert _take(spending, "one", at=at, limits=(1, 1))
    for minutes in (0, 30, 59):
        assert _counted(spending, at=at + minutes * _MINUTE) == {"one"}
        assert not _take(spending, "two", at=at + minutes * _MINUTE, limits=(1, 1))
    assert _counted(spending, at=at + 60 * _MINUTE) == set()
    assert _take(spending, "two", at=at + 60 * _MINUTE, limits=(1, 1))
    rows = storage.rows(Table.CONTROLS, "PartitionKey ge 'spent'")
    assert len(rows) == 2, "places are taken again, and don't become more"


def test_what_cannot_be_read_is_unknown(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    spending = Spending(storage)
    assert _take(spending, "one")
    storage.faults.fail(f"rows {Table.CONTROLS}")
    assert _read(spending, _TENANT, NOW) is None
    with pytest.raises(Unreachable):
        _take(spending, "two")


@pytest.mark.parametrize("broken", [{"actor": 5}, {"object": None}, {"at": "lately"}, {"at": "2026-03-02"}])
def test_a_broken_row_is_unknown_and_not_overlooked(
    spending: Spending, storage: Storage, broken: dict[str, object]
) -> None:
    assert _take(spending, "one")
    row = storage.rows(Table.CONTROLS, "PartitionKey ge 'spent'")[0]
    storage.upsert(Table.CONTROLS, row.partition, row.key, {**row.columns, **broken})
    assert _read(spending, _TENANT, NOW) is None
    with pytest.raises(EdgeError):
        _take(spending, "two")


def test_what_cannot_be_counted_is_an_error(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.fail(f"write {Table.CONTROLS}")
    with pytest.raises(Unreachable):
        _take(Spending(storage), "one")


# What waits for a place.


def _waiting(
    decision: str, *, minutes: int = 0, risk: Risk = Risk.HIGH, actor: str = MALLORY.id, is_ours: bool = False
) -> Waiting:
    return Waiting(decision=decision, actor=actor, risk=risk, since=NOW + minutes * _MINUTE, is_ours=is_ours)


def test_what_waits_is_known_until_it_waits_no_more(spending: Spending) -> None:
    one, other = _waiting("one", is_ours=True), _waiting("other", risk=Risk.LOW)
    for each in (one, other, one):
        spending.wait(_object(each.decision), [each], at=NOW)
    spent = _read(spending, _TENANT, NOW)
    assert spent is not None
    assert sorted(spent.waiting, key=lambda each: each.decision) == [one, other]
    spending.wait_no_more(_object("one"))
    spending.wait_no_more(_object("one"))
    spent = _read(spending, _TENANT, NOW)
    assert spent is not None
    assert spent.waiting == (other,)
    assert spent.taken("") == ()


def test_what_was_not_noted_again_waits_no_more(spending: Spending) -> None:
    spending.wait(_object("one"), [_waiting("one")], at=NOW)
    for minutes, waits in ((119, 1), (120, 0)):
        spent = _read(spending, _TENANT, NOW + minutes * _MINUTE)
        assert spent is not None
        assert len(spent.waiting) == waits


def test_what_the_responder_hears_by_goes_first_then_the_riskiest_then_the_oldest() -> None:
    order = [
        _waiting("ours", minutes=5, risk=Risk.LOW, is_ours=True),
        _waiting("old and high"),
        _waiting("high", minutes=1),
        _waiting("medium", risk=Risk.MEDIUM),
        _waiting("old and low", minutes=-60, risk=Risk.LOW),
        _waiting("low", risk=Risk.LOW),
    ]
    others = (_waiting("of another", minutes=-90, actor=TRUDY.id),)
    spent = Spent(now=NOW, waiting=(*reversed(order), *others))
    assert [spent.ahead_of(one) for one in order] == [0, 1, 2, 3, 4, 5]
