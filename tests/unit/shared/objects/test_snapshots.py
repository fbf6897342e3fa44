"""Last known good: an incomplete, stale or spoilt listing is never taken for the truth."""

import gzip
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import WORKFORCE_TENANT
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import Container, Table
from shared.model.errors import EdgeError, Rejected, Unreachable
from shared.model.kinds import Image, ObjectKind, TenantKind
from shared.model.remediations import Baseline, Inventory, Known, Unknown
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi
from shared.objects.snapshots import SnapshotBaseline, Snapshots
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced

_KIND: Final = ObjectKind.CA_POLICY
_MINUTE: Final = timedelta(minutes=1)
_ON: Final[Image] = {"state": "on"}
_OFF: Final[Image] = {"state": "off"}
_EDGES: Final = TenantEdges(
    tenant=Tenant(kind=TenantKind.WORKFORCE, id=WORKFORCE_TENANT, responder_id="", client_id=""),
    transports={},
    pacer=Unpaced(),
    wait=lambda _seconds: None,
)


class _Hall:
    """One lamp and its snapshots. A sweep takes `slow` to read, and `meanwhile` happens in the middle of it."""

    def __init__(self, storage: Storage) -> None:
        self.clock = FakeClock()
        self.storage = storage
        self.snapshots = Snapshots(storage, clock=self.clock)
        self.lamps: dict[str, Image] = {"LAMP": dict(_ON)}
        self.slow = timedelta()
        self.failing: Exception | None = None

    def _read(self, _edges: TenantApi) -> Mapping[str, Image]:
        self.clock.move(self.slow)
        if self.failing is not None:
            raise self.failing
        return msgspec.json.decode(msgspec.json.encode(self.lamps))

    def sweep(self) -> int:
        inventory = Inventory(kind=_KIND, tenant_kind=TenantKind.WORKFORCE, calls=(), read=self._read)
        return self.snapshots.sweep(inventory, _EDGES)

    def remembered(self, before: datetime, lamp: str = "lamp", *, anew: bool = True) -> SnapshotBaseline:
        snapshots = Snapshots(self.storage, clock=self.clock) if anew else self.snapshots
        return snapshots.baseline(WORKFORCE_TENANT, _KIND, lamp, before=before)

    def baseline(self, before: datetime, lamp: str = "lamp") -> Baseline:
        return self.remembered(before, lamp).baseline

    def blobs(self) -> list[str]:
        return self.storage.blob_names(Container.SNAPSHOTS, f"{WORKFORCE_TENANT}/{_KIND}/")


@pytest.fixture
def hall(storage: Storage) -> _Hall:
    return _Hall(storage)


def _image(baseline: Baseline) -> Image | None:
    assert isinstance(baseline, Known), baseline
    return baseline.image


def test_an_object_is_given_as_it_stood_before_an_instant(hall: _Hall) -> None:
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    hall.lamps["LAMP"] = _OFF
    hall.sweep()
    assert _image(hall.baseline(NOW + 5 * _MINUTE)) == _ON
    assert _image(hall.baseline(NOW + 15 * _MINUTE)) == _OFF
    assert _image(hall.baseline(NOW + 15 * _MINUTE, "Lamp")) == _OFF


def test_what_no_listing_has_is_known_not_to_have_existed(hall: _Hall) -> None:
    hall.sweep()
    assert _image(hall.baseline(NOW + _MINUTE, "another lamp")) is None


def test_without_a_snapshot_before_the_change_nothing_is_known(hall: _Hall) -> None:
    assert isinstance(hall.baseline(NOW), Unknown)
    hall.sweep()
    assert isinstance(hall.baseline(NOW), Unknown)
    assert isinstance(hall.baseline(NOW - _MINUTE), Unknown)


def test_another_tenants_and_another_kinds_snapshots_tell_nothing(hall: _Hall) -> None:
    hall.sweep()
    for tenant, kind in ((WORKFORCE_TENANT, ObjectKind.ROLE_ASSIGNMENT), ("another tenant", _KIND)):
        found = hall.snapshots.baseline(tenant, kind, "lamp", before=NOW + _MINUTE)
        assert isinstance(found.baseline, Unknown)


def test_sweeps_that_find_nothing_new_keep_nothing_new_and_confirm_what_there_is(hall: _Hall) -> None:
    for _ in range(4):
        assert hall.sweep() == 1
        hall.clock.move(10 * _MINUTE)
    assert len(hall.blobs()) == 1
    assert hall.snapshots.confirmed_at(WORKFORCE_TENANT, _KIND) == NOW + 30 * _MINUTE
    assert hall.remembered(NOW + 35 * _MINUTE).confirmed_at == NOW + 30 * _MINUTE
    assert hall.remembered(NOW + 25 * _MINUTE).confirmed_at == NOW + 25 * _MINUTE


def test_a_listing_is_confirmed_until_the_next_one_differed(hall: _Hall) -> None:
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    hall.lamps["LAMP"] = _OFF
    hall.sweep()
    found = hall.remembered(NOW + 20 * _MINUTE)
    assert (_image(found.baseline), found.confirmed_at) == (_ON, NOW + 10 * _MINUTE)


def test_a_stale_snapshot_tells_nothing(hall: _Hall) -> None:
    hall.sweep()
    assert _image(hall.baseline(NOW + timedelta(hours=24))) == _ON
    found = hall.baseline(NOW + timedelta(hours=24, seconds=1))
    assert isinstance(found, Unknown)
    assert "is from 2026-03-02 10:05" in found.because


def test_a_change_made_while_the_objects_were_read_has_an_earlier_baseline(hall: _Hall) -> None:
    """The slow listing may have it already."""
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    hall.slow = 2 * _MINUTE
    hall.lamps["LAMP"] = _OFF
    hall.sweep()
    assert _image(hall.baseline(NOW + 11 * _MINUTE)) == _ON
    found = hall.remembered(NOW + 13 * _MINUTE)
    assert _image(found.baseline) == _OFF
    assert (found.begun_at, found.captured_at) == (NOW + 10 * _MINUTE, NOW + 12 * _MINUTE)
    assert found.confirmed_at == NOW + 10 * _MINUTE, "a change that came meanwhile need not be in it"


@pytest.mark.parametrize("failing", [Unreachable("cut"), Rejected("400"), KeyError("id")], ids=repr)
def test_a_listing_that_fails_keeps_and_confirms_nothing(hall: _Hall, failing: Exception) -> None:
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    hall.failing = failing
    with pytest.raises(type(failing)):
        hall.sweep()
    assert len(hall.blobs()) == 1
    assert hall.snapshots.confirmed_at(WORKFORCE_TENANT, _KIND) == NOW


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("operation", ["keep snapshots", "upsert Cursors"])
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("then", [_ON, _OFF], ids=["on again", "still off"])
def test_a_sweep_that_was_broken_off_never_vouches_for_another_listing(
    memory: MemoryStorage, operation: str, how: str, nth: int, then: Image
) -> None:
    """The sweep that finds the lamp off is broken off: who asks later must be told what the next one finds."""
    storage = SpoiltStorage(memory)
    storage.create_all()
    hall = _Hall(storage)
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    hall.lamps["LAMP"] = _OFF
    seen: Iterator[int] = iter(range(1, 100))
    storage.faults.spoil = lambda asked: how if asked == operation and next(seen) == nth else ""
    broken = nth == 1 or operation == "upsert Cursors"
    if broken:
        with pytest.raises(Unreachable):
            hall.sweep()
    else:
        hall.sweep()
    storage.faults.heal()
    hall.clock.move(10 * _MINUTE)
    hall.lamps["LAMP"] = then
    hall.sweep()
    hall.clock.move(10 * _MINUTE)
    assert _image(hall.baseline(hall.clock())) == then


def test_a_listing_that_is_spoilt_is_an_error_not_an_empty_one(memory: MemoryStorage, hall: _Hall) -> None:
    hall.sweep()
    (name,) = hall.blobs()
    blobs = memory.containers[Container.SNAPSHOTS]
    for content in (b"", b"not gzip", gzip.compress(b"{}"), gzip.compress(b"[")[:-9], gzip.compress(b"\xff")):
        blobs[name] = content
        with pytest.raises(EdgeError, match="can't be read"):
            hall.remembered(NOW + _MINUTE)


def test_snapshots_that_cannot_be_read_are_an_error(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    hall = _Hall(storage)
    hall.sweep()
    for operation in ("blob snapshots", "row Cursors"):
        storage.faults.fail(operation)
        with pytest.raises(EdgeError):
            hall.remembered(NOW + _MINUTE)


def test_many_may_ask_at_once(hall: _Hall) -> None:
    """More listings than are remembered, from many threads."""
    for number in range(12):
        hall.lamps["LAMP"] = {"state": str(number)}
        hall.sweep()
        hall.clock.move(_MINUTE)

    def ask(number: int) -> bool:
        found = hall.remembered(NOW + number % 12 * _MINUTE + _MINUTE / 2, anew=False)
        return _image(found.baseline) == {"state": str(number % 12)}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(96)))


def test_the_row_counts_what_was_found(hall: _Hall) -> None:
    hall.lamps["other"] = _ON
    assert hall.sweep() == 2
    (row,) = hall.storage.rows(Table.CURSORS, "PartitionKey eq 'snapshot'")
    assert row.columns["objects"] == 2


@given(states=st.lists(st.sampled_from(["on", "off", "dim"]), min_size=1, max_size=6), data=st.data())
def test_the_baseline_is_always_what_the_last_whole_sweep_found(states: list[str], data: st.DataObject) -> None:
    storage = MemoryStorage()
    storage.create_all()
    hall = _Hall(storage)
    taken: list[tuple[datetime, str]] = []
    for state in states:
        hall.lamps["LAMP"] = {"state": state}
        hall.sweep()
        taken.append((hall.clock(), state))
        hall.clock.move(data.draw(st.integers(1, 90)) * _MINUTE)
    before = data.draw(st.sampled_from([at for at, _ in taken])) + _MINUTE / 2
    expected = [state for at, state in taken if at < before][-1]
    assert _image(hall.baseline(before)) == {"state": expected}
