"""Who is paged: named, replaced, removed, and who was at any instant."""

from datetime import timedelta
from typing import Final

import msgspec
import pytest

from shared.authority.owners import EMERGENCY, NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from tests.fakes.clock import NOW, FakeClock

_HOUR: Final = timedelta(hours=1)


def _owner(name: str, order: str = "010", scope: str = "*") -> NamedOwner:
    return NamedOwner(scope=scope, order=order, name=name, upn=f"{name.lower()}@contoso.com")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def owners(storage: Storage, clock: FakeClock) -> TableOwners:
    return TableOwners(storage, clock=clock)


def test_owners_are_in_order_and_by_scope(owners: TableOwners) -> None:
    for one in (_owner("Dave", "020"), _owner("Alice"), _owner("Carol", scope="rbac-roles")):
        owners.name(one, by="Carol Chen")
    assert owners.history("*").present == (_owner("Alice"), _owner("Dave", "020"))
    assert owners.history("rbac-roles").present == (_owner("Carol", scope="rbac-roles"),)
    assert [owner.name for owner in owners.history().present] == ["Alice", "Dave", "Carol"]
    assert owners.history("no-such").present == ()


def test_who_was_paged_at_an_instant(owners: TableOwners, clock: FakeClock) -> None:
    owners.name(_owner("Alice"), by="Carol Chen")
    clock.move(_HOUR)
    owners.name(_owner("Dave"), by="Carol Chen", reason="Alice left")
    clock.move(_HOUR)
    assert owners.remove("*", "010", by="Carol Chen", reason="Dave left")
    history = owners.history("*")
    found = [history.at(NOW + hours * _HOUR) for hours in (-1, 0, 1, 2)]
    assert found == [(), (_owner("Alice"),), (_owner("Dave"),), ()]
    assert history.present == ()
    owners.name(_owner("Alice"), by="Carol Chen")
    assert owners.history("*").present == (_owner("Alice"),)


def test_who_is_no_longer_paged_needs_a_reason(owners: TableOwners) -> None:
    owners.name(_owner("Alice"), by="Carol Chen")
    owners.name(NamedOwner(scope="*", order="010", name="Alice A.", upn="alice@contoso.com"), by="Carol Chen")
    with pytest.raises(ValueError, match="needs a reason"):
        owners.name(_owner("Mallory"), by="Mallory")
    with pytest.raises(ValueError, match="needs a reason"):
        owners.remove("*", "010", by="Mallory", reason="")
    assert [owner.name for owner in owners.history("*").present] == ["Alice A."]


def test_nobody_to_remove(owners: TableOwners) -> None:
    assert not owners.remove("*", "010", by="Carol Chen", reason="x")


def test_a_row_that_was_written_by_hand_is_paged_until_somebody_is_named(storage: Storage, owners: TableOwners) -> None:
    """Better somebody is paged than nobody."""
    storage.upsert(Table.OWNERS, "*", "010", {"name": "Alice", "upn": "alice@contoso.com"})
    assert owners.history("*").present == owners.history("*").at(NOW - _HOUR) == (_owner("Alice"),)
    owners.name(_owner("Dave"), by="Carol Chen", reason="Alice left")
    assert owners.history("*").present == (_owner("Dave"),)
    owners.remove("*", "010", by="Carol Chen", reason="Dave left")
    assert owners.history("*").present == ()


def test_a_user_of_pagerduty_can_be_added_and_another_needs_a_reason(owners: TableOwners) -> None:
    """Whoever it is may stop the climbing in the owner's name."""
    owners.name(_owner("Alice"), by="Carol Chen")
    mapped = msgspec.structs.replace(_owner("Alice"), pagerduty="PALICE1")
    owners.name(mapped, by="Carol Chen")
    assert owners.history("*").present == (mapped,)
    for other in ("PMALLR1", ""):
        with pytest.raises(ValueError, match="needs a reason"):
            owners.name(msgspec.structs.replace(mapped, pagerduty=other), by="Mallory")
    assert owners.history("*").present == (mapped,)


def test_a_row_from_before_there_were_users_of_pagerduty_is_read(owners: TableOwners, storage: Storage) -> None:
    storage.upsert(Table.OWNERS, EMERGENCY, "010", {"name": "Alice", "upn": "alice@contoso.com"})
    assert owners.history(EMERGENCY).present == (_owner("Alice", scope=EMERGENCY),)
