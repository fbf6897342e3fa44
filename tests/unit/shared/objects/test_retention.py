"""What grows is purged by its age, what is still needed stays, and nothing that fails stops anything else."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import Container, Table
from shared.model.cases import newest_before
from shared.model.errors import Rejected, Unreachable
from shared.model.kinds import ObjectKind
from shared.model.notices import SystemNotice
from shared.model.objects import EXISTS, Intent, ObjectState, Op, Provenance, Version, key_of
from shared.objects.due import Due
from shared.objects.leases import Leases
from shared.objects.nightly import purge_and_remake
from shared.objects.object_store import Kept, ObjectStore, changes_of, partition_of
from shared.objects.retention import KEPT, MOST_WALKED, RETAINED, Purge, purge
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.guarded_objects import DAY, KIND, TENANT, WAITS, a_change, a_state, a_version, an_id
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_POLICY: Final = 100 * DAY
_NOISE: Final = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(1_500_000))
"""Text that no row can hold."""


@pytest.fixture
def dated(clock: FakeClock) -> MemoryStorage:
    """Give storage whose own clock can be moved."""
    made = MemoryStorage(clock=clock)
    made.create_all()
    return made


@pytest.fixture
def clock() -> FakeClock:
    """Give the time as it is."""
    return FakeClock(NOW - 400 * DAY)


def _purge(storage: Storage, *, now: float = 0, most: int = 1000) -> Purge:
    """Purge so many days after the tests' beginning."""
    return purge(storage, _store(storage), kept_for=_POLICY, now=NOW + now * DAY, most=most)


def _day(days: float) -> str:
    return f"{NOW + days * DAY:%Y%m%d}"


def _keys(storage: Storage, table: Table) -> list[str]:
    return [f"{row.partition}/{row.key}" for row in storage.rows(table, "PartitionKey ge ''")]


def test_everything_there_is_has_a_retention_or_a_reason_to_stay() -> None:
    purged = {one.place for one in RETAINED}
    assert purged.isdisjoint(KEPT)
    assert purged | KEPT.keys() == {*Table, *Container}
    assert Container.EVIDENCE in KEPT
    assert len({one.what for one in RETAINED}) == len(RETAINED)


_ANOTHER: Final = "another-tenant"

_ROWS: Final[dict[str, tuple[Table, list[tuple[str, str, dict[str, Any]]], list[str]]]] = {
    "cases": (
        Table.CASES,
        [
            (f"{tenant}|{_day(days)}", f"{_day(days)}-{state}", {"open": state == "open"})
            for tenant in ("a", "b")
            for days, state in ((-101, "closed"), (-101, "open"), (-100, "closed"), (0, "closed"))
        ],
        ["open", "closed", "closed"] * 2,
    ),
    "pages": (
        Table.OUTBOX,
        [(_day(-101), "old", {}), (f"{_day(-101)} pages", "old", {}), (_day(-100), "new", {}), ("limits", "stays", {})],
        ["new", "stays"],
    ),
    "places of cases among the newest": (
        Table.CASES,
        [
            (f"{TENANT}|lists", f"{newest_before(NOW - timedelta(days=101))}|old", {}),
            (f"{TENANT}|lists", f"{newest_before(NOW - timedelta(days=99))}|new", {}),
            (f"{TENANT}|lists", "open|20200101-old", {"object": False}),
            (f"{_ANOTHER}|lists", f"{newest_before(NOW - timedelta(days=101))}|old", {}),
        ],
        ["old", f"{newest_before(NOW - timedelta(days=99))}|new"],
    ),
    "counts of unreadable records": (
        Table.CURSORS,
        [
            ("quarantine", f"{TENANT} {_day(-101)}", {"count": 1}),
            ("quarantine", f"{TENANT} {_day(-100)}", {"count": 1}),
            ("quarantine", "nonsense", {"count": 1}),
            ("audit", "20200101", {}),
        ],
        ["20200101", "nonsense", f"{TENANT} {_day(-100)}"],
    ),
    "windows of logs that were given up": (
        Table.CURSORS,
        [
            ("unread poll|t", "given up for long", {"at": (NOW - timedelta(days=38)).isoformat()}),
            ("unread poll|t", "still tried", {"at": (NOW - timedelta(days=29)).isoformat()}),
            ("poll", "a tenant", {"done_until": (NOW - timedelta(days=38)).isoformat()}),
        ],
        ["a tenant", "still tried"],
    ),
    "counts and first steps of sequences": (
        Table.COUNTERS,
        [(f"{_day(-1)}|t|d", "old", {}), (f"{_day(0)}|t|d", "new", {}), ("since", "stays", {})],
        ["new", "stays"],
    ),
    "counts of what was put back": (
        Table.CONTROLS,
        [
            (f"spent {TENANT}", "all|00000", {"at": (NOW - timedelta(days=3)).isoformat()}),
            (f"spent {TENANT}", "all|00001", {"at": (NOW - timedelta(hours=3)).isoformat()}),
            (f"spent {_ANOTHER}", "all|00002", {"at": (NOW - timedelta(days=3)).isoformat()}),
            ("mode", "a", {"at": (NOW - timedelta(days=3)).isoformat()}),
        ],
        ["a", "all|00001"],
    ),
    "who made changes of open cases": (
        Table.CONTROLS,
        [
            (f"named {TENANT}", "a day ago", {"at": (NOW - timedelta(days=1)).isoformat()}),
            (f"named {TENANT}", "three days ago", {"at": (NOW - timedelta(days=3)).isoformat()}),
            (f"named {TENANT}", "nobody knows when", {"at": "soon"}),
            ("mode", "a", {"at": (NOW - timedelta(days=3)).isoformat()}),
        ],
        ["a", "a day ago", "nobody knows when"],
    ),
    "looks that nobody took": (
        Table.DUE,
        [
            ("00", f"{_day(-8)}T000000000000|t|k|key", {}),
            ("0f", f"{_day(-6)}T000000000000|t|k|key", {}),
            ("0f", f"{_day(9)}T000000000000|t|k|key", {}),
        ],
        [f"{_day(-6)}T000000000000|t|k|key", f"{_day(9)}T000000000000|t|k|key"],
    ),
}


@pytest.mark.parametrize("what", _ROWS)
def test_rows_go_by_their_age(storage: Storage, what: str) -> None:
    table, rows, left = _ROWS[what]
    for partition, key, columns in rows:
        storage.insert(table, partition, key, columns)
    purged = _purge(storage)
    assert purged.failed == {}
    found = [row for row in storage.rows(table, "PartitionKey ge ''") if row.partition != "purge"]
    names = [row.key.rpartition("-")[2] if table is Table.CASES else row.key for row in found]
    assert sorted(names) == sorted(left)
    assert purged.gone == {one.what: len(rows) - len(left) if one.what == what else 0 for one in RETAINED}


def test_what_one_run_leaves_the_next_one_takes(storage: Storage) -> None:
    for tenant in ("a", "b"):
        for number in range(3):
            storage.insert(Table.CASES, f"{tenant}|{_day(-200)}", f"{number}", {"open": False})
            storage.keep(Container.QUARANTINE, f"{tenant}/{_day(-200)}/{number}.bin", b"")
    left: list[tuple[int, int]] = []
    for _ in range(4):
        _purge(storage, most=2)
        left.append((len(_keys(storage, Table.CASES)), len(storage.blob_names(Container.QUARANTINE, ""))))
    assert left == [(4, 4), (2, 2), (0, 0), (0, 0)]


def test_what_was_unreadable_goes_by_the_day_of_its_folder(storage: Storage) -> None:
    for name in (f"t/{_day(-101)}/1.bin", f"t/{_day(-100)}/2.bin", "t/x/3.bin", "4.bin"):
        storage.keep(Container.QUARANTINE, name, b"")
    assert _purge(storage).gone["unreadable records"] == 1
    assert storage.blob_names(Container.QUARANTINE, "") == ["4.bin", f"t/{_day(-100)}/2.bin", "t/x/3.bin"]


def test_of_old_listings_the_newest_stays(storage: Storage) -> None:
    """It says what stood when the one after it came."""
    for kind in ("ca-policy", "custom-policy"):
        for days in (-300, -200, -150, -50):
            name = f"{TENANT}/{kind}/{NOW + days * DAY:%Y%m%dT%H%M%S.%fZ}.json.gz"
            storage.keep(Container.SNAPSHOTS, name, b"")
    assert _purge(storage).gone["listings"] == 4
    left = storage.blob_names(Container.SNAPSHOTS, f"{TENANT}/ca-policy")
    assert [name.rpartition("/")[2][:8] for name in left] == [_day(-150), _day(-50)]


def test_leases_go_by_storages_clock(dated: MemoryStorage, clock: FakeClock) -> None:
    leases = Leases(dated, lasting=timedelta(seconds=60))
    leases.take(["dead"], "a")
    clock.move(2 * DAY)
    leases.take(["alive"], "b")
    assert _purge(dated).gone["leases of runs that died"] == 1
    assert [held.name for held in leases.held()] == ["alive"]


# ---- objects ---------------------------------------------------------------------------------------------------------


def _store(storage: Storage) -> ObjectStore:
    return ObjectStore(storage, clock=FakeClock())


def _inserted(store: ObjectStore, state: ObjectState) -> Kept:
    kept = store.insert(state)
    assert kept is not None
    return kept


def test_changes_go_by_their_age_unless_their_object_still_needs_them(storage: Storage) -> None:
    store = _store(storage)
    store.insert(a_state("compacted", origin=a_version(-50)))
    store.insert(a_state("unsettled for long", origin=a_version(-250)))
    absorbed = _inserted(store, a_state("owner", origin=a_version(-250)))
    for name in ("compacted", "unsettled for long", "alias", "nobody's"):
        for days in (-300, -200, -20):
            store.add_change(an_id(name), a_change(f"c{days}", days=days))
    store.replace(absorbed, msgspec.structs.replace(absorbed.state, ids=("owner", "alias")))
    assert _purge(storage).gone["changes"] == 7
    left = {name: [change.id for change in store.changes(an_id(name))] for name in ("compacted", "alias", "nobody's")}
    assert left == {"compacted": ["c-20"], "alias": ["c-20"], "nobody's": ["c-20"]}
    assert [change.id for change in store.changes(an_id("unsettled for long"))] == ["c-200", "c-20"]


def test_changes_of_many_objects_are_walked_in_turns(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.objects.retention.MOST_WALKED", 2)
    assert MOST_WALKED > 1000
    store = _store(storage)
    for number in range(5):
        store.add_change(an_id(f"o{number}"), a_change(days=-300))
    assert [_purge(storage).gone["changes"] for _ in range(4)] == [2, 2, 1, 0]
    store.add_change(an_id("o0"), a_change(days=-300))
    assert _purge(storage).gone["changes"] == 1, "it begins anew after the last one"


def _blobs(storage: Storage, name: str = "policy-1") -> set[str]:
    prefix = f"{TENANT}/{KIND}/{key_of(name)}/"
    return {
        found.removeprefix(prefix).removesuffix(".json.gz") for found in storage.blob_names(Container.SNAPSHOTS, prefix)
    }


def test_versions_that_the_object_needs_stay(dated: MemoryStorage, clock: FakeClock) -> None:
    store = _store(dated)
    first, second, before, unneeded = (store.keep_version(an_id(), {"n": number}) for number in range(4))
    other = store.keep_version(an_id("nobody's"), {"n": 1})
    state = a_state(
        origin=a_version(0, first, document=_NOISE),
        versions=(a_version(1, second),),
        intents=(Intent(id="i", at=NOW, op=Op.UPDATE, steps={}, before=before),),
    )
    kept = _inserted(store, state)
    named = kept.row.columns["state_blob"]
    store.replace(kept, msgspec.structs.replace(state, origin=a_version(0, first, document=_NOISE[1:])))
    assert len(_blobs(dated)) == 6
    assert _purge(dated, now=-310).gone["versions"] == 0, "they aren't old enough yet"
    clock.move(400 * DAY)
    late = store.keep_version(an_id(), {"n": 9})
    assert _purge(dated, now=0).gone["versions"] == 3
    assert {first, second, before, late} <= _blobs(dated)
    assert not {unneeded, named} & _blobs(dated)
    assert other not in _blobs(dated, "nobody's")
    assert store.verify_chain(an_id()) == ()
    assert store.read(an_id()) is not None


def test_a_large_change_keeps_its_blob_as_long_as_it_is_needed(dated: MemoryStorage, clock: FakeClock) -> None:
    store = _store(dated)
    store.insert(a_state(origin=a_version(-250)))
    for days in (-300, -200):
        store.add_change(an_id(), a_change(f"c{days}", days=days, wrote={"document": (None, _NOISE)}))
    clock.move(400 * DAY)
    purged = _purge(dated)
    assert (purged.gone["changes"], purged.gone["versions"]) == (1, 1)
    (found,) = store.changes(an_id())
    assert found.id == "c-200"


def _gone(days: float) -> Version:
    return Version(at=NOW + days * DAY, leaves={})


@pytest.mark.parametrize(
    ("fields", "stays"),
    [
        ({"versions": (_gone(-101),)}, False),
        ({"versions": (_gone(-99),)}, True),
        ({"versions": (_gone(-101),), "pending": {EXISTS: WAITS}}, True),
        ({"versions": (_gone(-101),), "next_look": NOW}, True),
        ({"versions": (a_version(-101),)}, True),
        ({"versions": (_gone(-150), a_version(-101))}, True),
    ],
)
def test_only_objects_that_are_gone_for_long_are_forgotten(
    storage: Storage, fields: dict[str, Any], *, stays: bool
) -> None:
    store = _store(storage)
    store.insert(a_state(ids=("policy-1", "another id"), origin=a_version(-200), **fields))
    store.insert(a_state("policy-2"))
    purged = _purge(storage)
    assert purged.failed == {}
    assert purged.gone["objects that are gone"] == (not stays)
    assert (store.read(an_id()) is not None) is stays
    assert (store.find(TENANT, KIND, "another id") is not None) is stays
    assert {one.id for one in store.unaccepted(TENANT)} == {an_id("policy-2")} | ({an_id()} if stays else set())


def test_an_object_that_came_back_meanwhile_is_not_forgotten(memory: MemoryStorage) -> None:
    store = _store(memory)
    kept = _inserted(store, a_state(origin=a_version(-200), versions=(_gone(-150),)))
    storage = SpoiltStorage(memory)

    def come_back(operation: str) -> str:
        if operation == "row Objects":
            storage.faults.heal()
            store.replace(kept, msgspec.structs.replace(kept.state, versions=(*kept.state.versions, a_version(-1))))
        return ""

    storage.faults.spoil = come_back
    assert _purge(storage).gone["objects that are gone"] == 0
    assert store.read(an_id()) is not None


# ---- what fails ------------------------------------------------------------------------------------------------------


def _all_that_is_old(storage: Storage) -> None:
    for table, rows, _ in _ROWS.values():
        for partition, key, columns in rows:
            storage.insert(table, partition, key, columns)
    store = _store(storage)
    store.insert(a_state("gone", origin=a_version(-200), versions=(_gone(-150),)))
    store.add_change(an_id("policy-1"), a_change(days=-300))
    storage.keep(Container.QUARANTINE, f"t/{_day(-101)}/1.bin", b"")


@pytest.mark.parametrize("table", [one for one in Table if one not in KEPT])
def test_a_table_that_is_gone_stops_nothing_else_is_paged_and_never_made(storage: Storage, table: Table) -> None:
    _all_that_is_old(storage)
    storage.delete_table(table)
    purged = _purge(storage)
    mine = {one.what for one in RETAINED if one.place is table}
    others = {one.what for one in RETAINED if one.place is not table}
    assert mine <= purged.failed.keys()
    with pytest.raises(Rejected):
        purged.check()
    named = {notice.key.removeprefix("retention ") for notice in purged.notices()}
    assert mine <= named
    expected = {"cases", "pages", "unreadable records", "counts of what was put back", "looks that nobody took"}
    assert all(purged.gone[what] for what in expected & others)
    with pytest.raises(Rejected, match=r"404|TableNotFound"):
        storage.rows(table, "PartitionKey ge ''")


def test_an_object_that_cannot_be_read_keeps_its_own_and_stops_no_other(dated: MemoryStorage, clock: FakeClock) -> None:
    store = _store(dated)
    for name in ("policy-1", "policy-2"):
        store.insert(a_state(name, origin=a_version(-50)))
        store.add_change(an_id(name), a_change(days=-300))
        store.keep_version(an_id(name), {"n": 1})
    row = dated.row(Table.OBJECTS, partition_of(an_id()), an_id().key)
    assert row is not None
    dated.replace(Table.OBJECTS, row, {**row.columns, "schema": 99})
    dated.insert(Table.CHANGES, "nonsense", f"{_day(-300)}T000000000000|x", {})
    clock.move(400 * DAY)
    purged = _purge(dated)
    assert (purged.gone["changes"], purged.gone["versions"]) == (1, 1)
    assert purged.failed.keys() == {"changes", "versions"}
    assert {notice.title for notice in purged.notices()} == {
        "Old changes can't be deleted",
        "Old versions can't be deleted",
    }
    assert len(dated.rows(Table.CHANGES, "PartitionKey eq @one", one=changes_of(an_id()))) == 1
    assert len(_blobs(dated)) == 1
    assert not _blobs(dated, "policy-2")


def test_storage_that_is_away_is_no_page(memory: MemoryStorage) -> None:
    """The function fails, which is an alert of its own when it goes on."""
    storage = SpoiltStorage(memory)
    storage.faults.fail("purge Outbox")
    purged = _purge(storage)
    assert purged.failed.keys() == {"pages"}
    assert list(purged.notices()) == []
    with pytest.raises(Unreachable):
        purged.check()


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(0, 60, 3))
def test_a_run_that_dies_anywhere_leaves_the_rest_to_the_next(
    dated: MemoryStorage, clock: FakeClock, number: int, how: str
) -> None:
    _all_that_is_old(dated)
    kept = _inserted(_store(dated), a_state("kept", origin=a_version(-10)))
    clock.move(400 * DAY)
    storage = SpoiltStorage(dated)
    storage.faults.failure = SystemExit
    storage.faults.spoil = lambda _operation: how if len(storage.faults.log) > number else ""
    try:
        _purge(storage)
    except SystemExit:
        storage.faults.heal()
        _purge(storage)
        _purge(storage)
    assert sum(_purge(dated).gone.values()) == 0
    found = _store(dated).read(kept.id)
    assert found is not None
    assert found.state == kept.state


# ---- the night's work ------------------------------------------------------------------------------------------------


def _night(storage: Storage, published: list[SystemNotice]) -> None:
    purge_and_remake(
        storage, _store(storage), tenants=[TENANT], kept_for=_POLICY, clock=FakeClock(), publish=published.append
    )


def test_the_night_makes_anew_what_was_lost(storage: Storage) -> None:
    published: list[SystemNotice] = []
    store = _store(storage)
    store.insert(a_state(next_look=NOW - 30 * DAY, pending={"state": WAITS}))
    store.insert(a_state("role", kind=ObjectKind.ROLE_ASSIGNMENT, next_look=NOW))
    storage.purge(Table.OBJECTS, "RowKey ge 'pending|' and RowKey lt 'pending}'", most=9)
    _night(storage, published)
    assert {look.id for look in Due(storage).ready(NOW, 9)} == {an_id(), an_id("role", kind=ObjectKind.ROLE_ASSIGNMENT)}
    assert len(store.pending(TENANT)) == 1
    assert published == []


def test_the_night_goes_on_whatever_fails_and_people_hear_of_it(memory: MemoryStorage) -> None:
    published: list[SystemNotice] = []
    _store(memory).insert(a_state(next_look=NOW, provenance=Provenance.APPROVED))
    memory.delete_table(Table.CASES)
    with pytest.raises(Rejected):
        _night(memory, published)
    assert len(Due(memory).ready(NOW, 9)) == 1
    assert [notice.key for notice in published] == ["retention cases", "retention places of cases among the newest"]


def test_a_channel_that_fails_does_not_stop_the_night(memory: MemoryStorage) -> None:
    _store(memory).insert(a_state(next_look=NOW))
    memory.delete_table(Table.CASES)

    def fail(_notice: SystemNotice) -> None:
        raise Unreachable("no channel")

    with pytest.raises(Unreachable):
        purge_and_remake(memory, _store(memory), tenants=[TENANT], kept_for=_POLICY, clock=FakeClock(), publish=fail)
    assert len(Due(memory).ready(NOW, 9)) == 1
