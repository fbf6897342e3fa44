"""Objects, their changes and versions as they are kept. `tests/integration` runs the same on storage as it is."""

import base64
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, override

import msgspec
import pytest

from shared.clients import columns
from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Container, Table
from shared.model.errors import BadIdentifier, BrokenRow, LeaseLost, NewerSchema, Rejected
from shared.model.kinds import ObjectKind, Risk
from shared.model.objects import (
    SCHEMA,
    Acceptance,
    BaselineLeaf,
    Intent,
    IntentState,
    ObjectChange,
    ObjectId,
    ObjectState,
    Op,
    Provenance,
    Version,
    key_of,
)
from shared.objects.object_store import Kept, ObjectStore, OtherObject, changes_of, partition_of
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.guarded_objects import DAY, KIND, TENANT, WAITS, a_change, a_state, a_version, an_id
from tests.fakes.spoilt_storage import SpoiltStorage

_IMAGE: Final = {"id": "policy-1", "displayName": "é\U0001f4a1", "state": "enabled"}


def _store(storage: Storage) -> ObjectStore:
    return ObjectStore(storage, clock=FakeClock())


def _inserted(store: ObjectStore, state: ObjectState) -> Kept:
    kept = store.insert(state)
    assert kept is not None
    return kept


def _with(state: ObjectState, **fields: Any) -> ObjectState:  # noqa: ANN401 - the state's fields
    return msgspec.structs.replace(state, **fields)


def _row(storage: Storage, name: str = "policy-1") -> Row:
    row = storage.row(Table.OBJECTS, partition_of(an_id(name)), key_of(name))
    assert row is not None
    return row


# ---- objects ---------------------------------------------------------------------------------------------------------


def test_an_object_is_read_as_it_was_stored(storage: Storage) -> None:
    store = _store(storage)
    assert store.read(an_id()) is None
    state = a_state(pending={"state": WAITS}, next_look=NOW, versions=(a_version(1, state="disabled"),))
    kept = _inserted(store, state)
    assert store.read(an_id()) == store.find(TENANT, KIND, "POLICY-1")
    found = store.read(an_id())
    assert found is not None
    assert (found.state, found.row.etag, found.chain) == (state, kept.row.etag, kept.chain)
    assert store.insert(_with(state, name="another")) is None
    assert store.read(an_id()) == found


def test_an_object_is_written_only_as_it_was_read(storage: Storage) -> None:
    store = _store(storage)
    first = _inserted(store, a_state())
    second = store.replace(first, _with(first.state, attempts=1))
    with pytest.raises(LeaseLost):
        store.replace(first, _with(first.state, attempts=7))
    third = store.replace(second, _with(second.state, attempts=2))
    found = store.read(an_id())
    assert found is not None
    assert (found.state.attempts, found.row.etag) == (2, third.row.etag)


def test_of_two_runs_that_write_at_the_same_time_one_is_told_that_it_lost(storage: Storage) -> None:
    store = _store(storage)
    kept = _inserted(store, a_state())

    def write(number: int) -> bool:
        try:
            store.replace(kept, _with(kept.state, attempts=number, pending={"state": WAITS} if number % 2 else {}))
        except LeaseLost:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(write, range(1, 9)))
    assert done.count(True) == 1
    found = store.read(an_id())
    assert found is not None
    assert done[found.state.attempts - 1]
    assert len(store.pending(TENANT)) == found.state.attempts % 2


def _noise(size: int) -> str:
    """Give text that can't be compressed much."""
    return base64.b64encode(random.Random(size).randbytes(size * 3 // 4)).decode()  # noqa: S311 - any noise will do


@pytest.mark.parametrize(("size", "column"), [(10, "state"), (70_000, "state0"), (1_400_000, "state_blob")])
def test_an_object_of_any_size_is_kept(storage: Storage, size: int, column: str) -> None:
    store = _store(storage)
    state = a_state(origin=a_version(document=_noise(size)))
    kept = _inserted(store, state)
    assert column in _row(storage).columns
    found = store.read(an_id())
    assert found is not None
    assert found.state == state
    small = store.replace(kept, a_state())
    found = store.read(an_id())
    assert found is not None
    assert (found.state, found.row.etag) == (a_state(), small.row.etag)


def test_a_blob_of_a_state_is_there_before_the_row_that_names_it(memory: Storage) -> None:
    storage = SpoiltStorage(memory)
    _store(storage).insert(a_state(origin=a_version(document=_noise(1_400_000))))
    assert storage.faults.log == ["keep snapshots", "write Objects"]


def test_another_id_leads_to_the_object(storage: Storage) -> None:
    store = _store(storage)
    kept = _inserted(store, a_state())
    made_again = store.replace(kept, _with(kept.state, ids=("policy-1", "policy-2")))
    for name in ("policy-1", "policy-2"):
        found = store.find(TENANT, KIND, name)
        assert found is not None
        assert (found.id, found.row.etag) == (an_id(), made_again.row.etag)
    store.replace(made_again, _with(made_again.state, ids=("policy-1", "policy-2", "policy-3")))
    assert store.find(TENANT, KIND, "policy-3") is not None
    assert [one.id for one in store.seen(TENANT, KIND)] == [an_id()], "an alias is no object"


def test_an_id_that_is_known_as_another_object_is_told_and_both_can_become_one(storage: Storage) -> None:
    store = _store(storage)
    kept = _inserted(store, a_state("policy-1"))
    other = _inserted(store, a_state("policy-2", pending={"state": WAITS}))
    store.add_change(other.id, a_change("c2"))
    both = _with(kept.state, ids=("policy-1", "policy-2"))
    with pytest.raises(OtherObject) as raised:
        store.replace(kept, both)
    assert raised.value.other == an_id("policy-2")
    with pytest.raises(OtherObject):
        store.insert(a_state("policy-0", ids=("policy-0", "policy-2")))
    store.absorb(kept, both, other)
    found = store.find(TENANT, KIND, "policy-2")
    assert found is not None
    assert found.state == both
    assert store.changes(an_id()) == [a_change("c2")]
    assert store.pending(TENANT) == []
    with pytest.raises(LeaseLost):
        store.replace(other, _with(other.state, attempts=3))


def test_an_object_that_was_written_meanwhile_is_not_absorbed(storage: Storage) -> None:
    store = _store(storage)
    kept, other = (_inserted(store, a_state(name)) for name in ("policy-1", "policy-2"))
    store.replace(other, _with(other.state, attempts=1))
    with pytest.raises(LeaseLost, match="was written by another run"):
        store.absorb(kept, _with(kept.state, ids=("policy-1", "policy-2")), other)
    found = store.find(TENANT, KIND, "policy-2")
    assert found is not None
    assert found.state.attempts == 1


def test_an_alias_of_nothing_is_an_error(storage: Storage) -> None:
    storage.insert(Table.OBJECTS, partition_of(an_id()), key_of("policy-1"), {"alias_of": "00", "schema": 1})
    with pytest.raises(BrokenRow, match="alias"):
        _store(storage).read(an_id())


_BREAKS: Final[dict[str, tuple[dict[str, Any], type[Exception]]]] = {
    "newer": ({"schema": SCHEMA + 1}, NewerSchema),
    "newer in a form of its own": ({"schema": SCHEMA + 1, "state": "<new>"}, NewerSchema),
    "cut short": ({"state": '{"state"'}, BrokenRow),
    "of another shape": ({"state": "[]"}, BrokenRow),
    "without a schema": ({"schema": "1"}, BrokenRow),
    "not compressed": ({"state": 5, "state0": b"x"}, BrokenRow),
    "a blob that is gone": ({"state": 5, "state_blob": "00"}, BrokenRow),
    "nothing": ({"state": 5}, BrokenRow),
}


@pytest.mark.parametrize(("columns", "error"), _BREAKS.values(), ids=_BREAKS)
def test_a_row_that_cannot_be_read_is_named_and_stops_no_other(
    storage: Storage, columns: dict[str, Any], error: type[Exception]
) -> None:
    store = _store(storage)
    for name in ("policy-1", "policy-2"):
        store.insert(a_state(name, pending={"state": WAITS}))
    row = _row(storage)
    storage.replace(Table.OBJECTS, row, {**row.columns, **columns})
    with pytest.raises(error, match=key_of("policy-1")):
        store.read(an_id())
    assert store.find(TENANT, KIND, "policy-2") is not None
    assert len(store.pending(TENANT)) == 2
    assert {one.id for one in store.seen(TENANT, KIND)} == {an_id("policy-1"), an_id("policy-2")}


def test_a_state_in_the_row_of_another_object_is_not_believed(storage: Storage) -> None:
    store = _store(storage)
    for name in ("policy-1", "policy-2"):
        store.insert(a_state(name))
    storage.replace(Table.OBJECTS, _row(storage), _row(storage, "policy-2").columns)
    with pytest.raises(BrokenRow, match="has the state of"):
        store.read(an_id())


def test_a_table_that_is_gone_is_an_error_and_never_an_empty_one(storage: Storage) -> None:
    store = _store(storage)
    kept = _inserted(store, a_state())
    storage.delete_table(Table.OBJECTS)
    storage.delete_table(Table.CHANGES)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: store.read(an_id()),
        lambda: store.insert(a_state()),
        lambda: store.replace(kept, kept.state),
        lambda: store.pending(TENANT),
        lambda: list(store.seen(TENANT, KIND)),
        lambda: store.changes(an_id()),
        lambda: store.add_change(an_id(), a_change()),
    )
    for attempt in attempts:
        with pytest.raises(Rejected):
            attempt()


def test_a_key_that_was_made_otherwise_is_refused(storage: Storage) -> None:
    with pytest.raises(BadIdentifier):
        _store(storage).insert(a_state(id=ObjectId(tenant_id=TENANT, kind=KIND, key="pending|0")))


def test_what_was_done_to_an_object_under_its_other_id_stays_known(storage: Storage) -> None:
    store = _store(storage)
    first, second = (Intent(id=name, at=NOW + number * DAY, op=Op.DELETE, steps={}) for number, name in enumerate("ab"))
    kept = _inserted(store, a_state(intents=(second,), answered=("k1",), settled=("c1",), asked=("c3",)))
    other = _inserted(store, a_state("policy-2", intents=(first,), answered=("k2",), settled=("c2",), asked=("c4",)))
    store.absorb(kept, _with(kept.state, ids=("policy-1", "policy-2")), other)
    found = store.find(TENANT, KIND, "policy-2")
    assert found is not None
    assert found.state.intents == (first, second)
    assert (found.state.answered, found.state.settled) == (("k1", "k2"), ("c1", "c2"))
    assert found.state.asked == ("c3", "c4")


def _absorbing(store: ObjectStore) -> None:
    """Two objects, changed and then known to be one, which is forgotten at last."""
    kept = store.read(an_id()) or _inserted(store, a_state(pending={"state": WAITS}, origin=_LARGE))
    other = store.find(TENANT, KIND, "policy-2") or _inserted(store, a_state("policy-2", pending={"state": WAITS}))
    store.add_change(an_id("policy-2"), a_change("c2"))
    store.add_change(an_id("policy-2"), a_change("c2", detections=("d",), cases=("k",)))
    if other.id != kept.id:
        kept = store.absorb(kept, _with(kept.state, ids=("policy-1", "policy-2"), pending={}), other)
    store.replace(kept, _with(kept.state, attempts=5, pending={}))


_LARGE: Final = a_version(document=_noise(100_000))
_REQUESTS: Final = 19


@pytest.fixture
def narrow_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a row hold a column only, so that a blob is needed for 100 KB: to compress a megabyte takes long."""
    monkeypatch.setattr(columns, "_MOST_COLUMNS", 1)


@pytest.mark.usefixtures("narrow_rows")
def test_so_many_requests_are_all_that_there_are(memory: Storage) -> None:
    storage = SpoiltStorage(memory)
    _absorbing(_store(storage))
    assert len(storage.faults.log) == _REQUESTS


@pytest.mark.usefixtures("narrow_rows")
@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(_REQUESTS))
def test_a_run_that_dies_anywhere_is_gone_on_with(memory: Storage, number: int, how: str) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.failure = SystemExit
    storage.faults.spoil = lambda _operation: how if len(storage.faults.log) > number else ""
    with pytest.raises(SystemExit):
        _absorbing(_store(storage))
    store = _store(memory)
    on_list = {one.id for one in store.pending(TENANT)}
    assert on_list == {one.id for one in store.seen(TENANT, KIND) if "pending" in one.lists}, "never out of step"
    _absorbing(store)
    for name in ("policy-1", "policy-2"):
        found = store.find(TENANT, KIND, name)
        assert found is not None
        assert (found.id, found.state.attempts, found.state.ids) == (an_id(), 5, ("policy-1", "policy-2"))
    assert store.pending(TENANT) == []
    (change,) = {one.id: one for one in (*store.changes(an_id()), *store.changes(an_id("policy-2")))}.values()
    assert (change.detections, change.cases) == (("d",), ("k",))
    assert store.verify_chain(an_id()) == ()


# ---- lists -----------------------------------------------------------------------------------------------------------


def _accepted(*uncovered: str) -> Acceptance:
    return Acceptance(at=NOW, by="ann", leaves={}, uncovered=uncovered)


_IN_PART: Final = msgspec.structs.replace(_accepted(), only=("state",))
"""A person accepted one leaf, by a case."""


_FIRST_SEEN: Final = BaselineLeaf(value=True, provenance=Provenance.FIRST_SEEN, since=NOW)
_APPROVED: Final = BaselineLeaf(value=True, provenance=Provenance.APPROVED, since=NOW)


def _making(state: IntentState = IntentState.OPEN, *, op: Op = Op.CREATE) -> dict[str, Any]:
    """Give the fields of an object that is gone and that the responder was to write."""
    return {
        "origin": Version(at=NOW, leaves={}),
        "next_look": NOW,
        "intents": (Intent(id="i1", at=NOW, op=op, steps={"exists": (None, True)}, state=state),),
    }


@pytest.mark.parametrize(
    ("fields", "lists"),
    [
        ({}, "u"),
        ({"pending": {"state": WAITS}}, "pu"),
        ({"provenance": Provenance.APPROVED}, ""),
        ({"provenance": Provenance.APPROVED, "pending": {"state": WAITS}}, "p"),
        ({"acceptances": (_accepted(),)}, ""),
        ({"acceptances": (_accepted("state"),)}, "u"),
        ({"acceptances": (_accepted("state"), _accepted())}, ""),
        ({"acceptances": (_accepted("state"), _IN_PART)}, "u"),
        ({"acceptances": (_accepted(), _IN_PART)}, ""),
        ({"acceptances": (_IN_PART,)}, "u"),
        ({"accounted": {"exists": _APPROVED}}, ""),
        ({"accounted": {"exists": _APPROVED, "state": _FIRST_SEEN}}, "u"),
        (_making(), "mu"),
        (_making(IntentState.CLOSED), "mu"),
        (_making(IntentState.BOOKED), "u"),
        (_making(IntentState.NOT_SENT), "u"),
        (_making(op=Op.UPDATE), "u"),
        (_making() | {"next_look": None}, "u"),
        (_making() | {"origin": a_version()}, "u"),
    ],
)
def test_an_object_is_on_the_lists_that_its_state_says(storage: Storage, fields: dict[str, Any], lists: str) -> None:
    store = _store(storage)
    for state in (a_state(**fields), a_state(), a_state(pending={"state": WAITS}), a_state(**fields)):
        kept = store.read(an_id())
        assert store.replace(kept, state) if kept else store.insert(state)
    assert len(store.pending(TENANT)) == lists.count("p")
    assert len(store.unaccepted(TENANT)) == lists.count("u")
    assert len([*store.being_made(TENANT, KIND)]) == lists.count("m")
    (seen,) = store.seen(TENANT, KIND)
    assert "".join(sorted(one[0] for one in seen.lists)) == lists
    assert store.remake_lists(TENANT, KIND) == 0


def test_a_list_is_shown_page_by_page_over_all_kinds(storage: Storage) -> None:
    store = _store(storage)
    for kind in (ObjectKind.ROLE_ASSIGNMENT, ObjectKind.CA_POLICY):
        for number in range(3):
            store.insert(a_state(f"o{number}", kind=kind, pending={"state": WAITS}, next_look=NOW))
    shown = store.pending(TENANT, most=2)
    while True:
        more = store.pending(TENANT, after=shown[-1].id, most=2)
        if not more:
            break
        assert len(more) <= 2
        shown += more
    ids = [one.id for one in shown]
    assert len(set(ids)) == 6
    assert ids == sorted(ids, key=lambda one: (one.kind, one.key))
    assert (shown[0].why, shown[0].waiting, shown[0].next_look) == ({"state": WAITS}, 1, NOW)
    assert len(store.pending(TENANT, kinds=[ObjectKind.ROLE_ASSIGNMENT])) == 3
    assert store.pending("another tenant") == []


def test_what_a_list_shows_is_small_whatever_the_tenant_says(storage: Storage) -> None:
    long = "x" * 50_000
    why = msgspec.structs.replace(WAITS, because=long, by_hand=long)
    _store(storage).insert(a_state(name=long, pending={f"{long}{n}": why for n in range(40)}))
    (listed,) = _store(storage).pending(TENANT)
    assert listed.waiting == 40
    assert len(msgspec.json.encode(listed)) < 20_000


def test_what_a_list_lost_or_kept_is_made_good(storage: Storage) -> None:
    store = _store(storage)
    partition = partition_of(an_id())
    _inserted(store, a_state("policy-1", pending={"state": WAITS}))
    _inserted(store, a_state("policy-2", provenance=Provenance.APPROVED))
    storage.purge(Table.OBJECTS, "RowKey ge 'pending|' and RowKey lt 'pending}'", most=9)
    storage.insert(Table.OBJECTS, partition, f"pending|{key_of('policy-2')}", {})
    assert store.remake_lists(TENANT, KIND) == 2
    assert [one.id for one in store.pending(TENANT)] == [an_id("policy-1")]
    assert store.remake_lists(TENANT, KIND) == 0


def test_a_list_that_lost_its_row_does_not_keep_the_object_from_being_written(storage: Storage) -> None:
    store = _store(storage)
    kept = _inserted(store, a_state(pending={"state": WAITS}))
    storage.purge(Table.OBJECTS, "RowKey ge 'pending|' and RowKey lt 'pending}'", most=9)
    store.replace(kept, a_state(attempts=4))
    found = store.read(an_id())
    assert found is not None
    assert found.state.attempts == 4
    assert store.pending(TENANT) == []


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_changes_are_read_in_the_order_of_their_instants(storage: Storage) -> None:
    store = _store(storage)
    never = a_change("never", at=datetime(1, 1, 1, tzinfo=UTC))
    changes = [a_change(f"c{days}", days=days) for days in (3, 1, 2)]
    assert all(store.add_change(an_id(), change) for change in [*changes, never])
    store.add_change(an_id("policy-2"), a_change("other"))
    assert [change.id for change in store.changes(an_id())] == ["never", "c1", "c2", "c3"]
    assert [change.id for change in store.changes(an_id(), since=NOW + 2 * DAY)] == ["c2", "c3"]
    assert store.changes(an_id(), since=NOW + 2 * DAY) == [changes[2], changes[0]]


def test_a_second_copy_adds_what_it_tells_besides(storage: Storage) -> None:
    store = _store(storage)
    first = a_change(detections=("d1",), cases=("k1",), wrote={})
    second = a_change(
        detections=("d2", "d1"), cases=("k2", "k9"), record="r", risk=Risk.HIGH, arrived_at=NOW, intent="i"
    )
    assert store.add_change(an_id(), first)
    assert not store.add_change(an_id(), second)
    assert not store.add_change(an_id(), first)
    (found,) = store.changes(an_id())
    expected = a_change(
        detections=("d1", "d2"), cases=("k1", "k2", "k9"), record="r", risk=Risk.HIGH, arrived_at=NOW, intent="i"
    )
    assert found == expected


def test_what_is_known_already_is_not_written_again(memory: Storage) -> None:
    storage = SpoiltStorage(memory)
    store = _store(storage)
    for _ in range(2):
        store.add_change(an_id(), a_change())
    assert storage.faults.log == ["insert Changes", "insert Changes", "row Changes"]


def test_copies_that_come_at_the_same_time_are_one_change_with_all_that_they_tell(storage: Storage) -> None:
    store = _store(storage)
    copies = [a_change(detections=(f"d{n}",), cases=(f"k{n}",)) for n in range(6)]

    def add(change: ObjectChange) -> bool:
        return store.add_change(an_id(), change)

    with ThreadPoolExecutor(6) as pool:
        new = list(pool.map(add, copies))
    assert new.count(True) == 1
    (found,) = store.changes(an_id())
    assert sorted(zip(found.detections, found.cases, strict=True)) == [(f"d{n}", f"k{n}") for n in range(6)]


@pytest.mark.parametrize("size", [70_000, 1_400_000])
def test_a_change_of_any_size_is_kept(storage: Storage, size: int) -> None:
    change = a_change(wrote={"document": (None, _noise(size))})
    assert _store(storage).add_change(an_id(), change)
    assert _store(storage).changes(an_id()) == [change]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"schema": SCHEMA + 1}, NewerSchema),
        ({"change": "{}"}, BrokenRow),
        ({"change": msgspec.json.encode(a_change("another")).decode()}, BrokenRow),
    ],
)
def test_a_change_that_cannot_be_read_makes_the_history_unknown_of_that_object_alone(
    storage: Storage, columns: dict[str, Any], error: type[Exception]
) -> None:
    store = _store(storage)
    for name in ("policy-1", "policy-2"):
        store.add_change(an_id(name), a_change())
    (row,) = storage.rows(Table.CHANGES, "PartitionKey eq @one", one=changes_of(an_id()))
    storage.replace(Table.CHANGES, row, {**row.columns, **columns})
    with pytest.raises(error, match=key_of("policy-1")):
        store.changes(an_id())
    assert store.changes(an_id("policy-2")) == [a_change()]


# ---- versions --------------------------------------------------------------------------------------------------------


def test_a_version_is_named_by_its_content(storage: Storage) -> None:
    store = _store(storage)
    digest = store.keep_version(an_id(), _IMAGE)
    assert store.keep_version(an_id(), dict(reversed(_IMAGE.items()))) == digest
    assert store.keep_version(an_id(), {**_IMAGE, "state": "disabled"}) != digest
    assert _store(storage).version(an_id(), digest) == _IMAGE
    store.version(an_id(), digest)["state"] = "changed by the reader"
    assert store.version(an_id(), digest) == _IMAGE


def _two_versions(store: ObjectStore) -> tuple[Kept, str, str]:
    first, second = (store.keep_version(an_id(), {"n": number}) for number in (1, 2))
    kept = _inserted(store, a_state(origin=a_version(0, first)))
    versions = (a_version(1, second), a_version(2, first))
    return store.replace(kept, _with(kept.state, versions=versions)), first, second


def test_a_chain_that_nobody_touched_has_no_problem(storage: Storage) -> None:
    store = _store(storage)
    kept, _, _ = _two_versions(store)
    assert [link.number for link in kept.chain.links] == [1, 2, 3]
    assert store.verify_chain(an_id()) == ()
    kept = store.replace(kept, _with(kept.state, versions=kept.state.versions[1:]))
    assert store.verify_chain(an_id()) == (), "a version that is no longer needed may go"
    store.replace(kept, _with(kept.state, versions=(*kept.state.versions, a_version(3))))
    assert store.verify_chain(an_id()) == ()


def test_a_version_that_was_removed_or_exchanged_is_seen(storage: Storage) -> None:
    store = _store(storage)
    _, first, second = _two_versions(store)
    for entry in storage.blobs(Container.SNAPSHOTS, TENANT):
        storage.delete_blob(Container.SNAPSHOTS, entry)
    other = ObjectStore(storage, clock=FakeClock())
    assert len(other.verify_chain(an_id())) == 2
    name = f"{TENANT}/{KIND}/{an_id().key}/"
    storage.keep(Container.SNAPSHOTS, f"{name}{first}.json.gz", b"nonsense")
    other.keep_version(an_id("policy-2"), {"n": 9})
    (entry,) = storage.blobs(Container.SNAPSHOTS, f"{TENANT}/{KIND}/{an_id('policy-2').key}/")
    content = storage.blob(Container.SNAPSHOTS, entry.name)
    assert content is not None
    storage.keep(Container.SNAPSHOTS, f"{name}{second}.json.gz", content)
    said = " ".join(sorted(other.verify_chain(an_id())))
    assert "can't be read" in said
    assert "another content" in said
    assert other.verify_chain(an_id("policy-3")) != ()


def test_a_version_kept_again_is_not_deleted_by_who_listed_it_before(storage: Storage) -> None:
    """A purge lists, looks at the object's row, and deletes; meanwhile a sweep may keep the same content again."""
    store = _store(storage)
    digest = store.keep_version(an_id(), _IMAGE)
    listed = list(storage.blobs(Container.SNAPSHOTS, TENANT))
    store.keep_version(an_id(), _IMAGE)
    for entry in listed:
        with pytest.raises(Conflict):
            storage.delete_blob(Container.SNAPSHOTS, entry)
    assert _store(storage).version(an_id(), digest) == _IMAGE


# ---- how much is read ------------------------------------------------------------------------------------------------


class _Measuring(SpoiltStorage):
    """Counts the rows that are read, beside the requests in `faults.log`."""

    rows_read = 0

    @override
    def rows(self, table: Table, query: str, *, most: int = 0, select: Sequence[str] = (), **values: Any) -> list[Row]:
        found = super().rows(table, query, most=most, select=select, **values)
        self.rows_read += len(found)
        return found


def _cost(memory: Storage, objects: int) -> dict[str, tuple[int, int]]:
    """Give the requests and rows of each question, with so many objects of which 40 are pending."""
    store = _store(memory)
    have = sum(1 for _ in store.seen(TENANT, KIND))
    for number in range(have, objects):
        pending = {"state": WAITS} if number < 40 else {}
        state = a_state(f"o{number}", provenance=Provenance.APPROVED, pending=pending)
        store.insert(state)
        store.add_change(state.id, a_change())
    measuring = _Measuring(memory)
    asked = ObjectStore(measuring, clock=FakeClock())
    costs: dict[str, tuple[int, int]] = {}
    questions: dict[str, Callable[[], object]] = {
        "read": lambda: asked.read(an_id("o7")),
        "changes": lambda: asked.changes(an_id("o7")),
        "add_change": lambda: asked.add_change(an_id("o8"), a_change("new", days=objects)),
        "pending": lambda: asked.pending(TENANT, most=20),
        "unaccepted": lambda: asked.unaccepted(TENANT, most=20),
    }
    for name, ask in questions.items():
        measuring.faults.log.clear()
        measuring.rows_read = 0
        ask()
        costs[name] = (len(measuring.faults.log), measuring.rows_read)
    return costs


def test_questions_take_the_same_with_20_000_objects_as_with_100(memory: Storage) -> None:
    small = _cost(memory, 100)
    assert small == {
        "read": (1, 0),
        "changes": (1, 1),
        "add_change": (1, 0),
        "pending": (sorted(ObjectKind).index(KIND) + 1, 20),
        "unaccepted": (len(ObjectKind), 0),
    }
    assert _cost(memory, 20_000) == small


def test_everything_that_is_being_made_is_given_however_many_there_are(storage: Storage) -> None:
    store = _store(storage)
    for number in range(205):
        store.insert(a_state(f"o{number}", **_making()))
    assert len({*store.being_made(TENANT, KIND)}) == 205
