"""Rows of objects and changes that the app didn't write as they are count for nothing, and people hear of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import pytest

from shared.authority.app_keys import AppKeys
from shared.clients.storage import Row
from shared.clients.storage_names import Container, Table
from shared.model.errors import LeaseLost, Rejected
from shared.model.objects import Acceptance, ObjectId, ObjectState, Provenance, key_of
from shared.model.start import one_after_another
from shared.objects.object_store import Kept, ObjectStore, changes_of, partition_of
from shared.objects.tampering import TamperedObjects
from shared.objects.vouching import DELETED, FOLDER, OLDER, WRITTEN, AppVouching
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.guarded_objects import DAY, KIND, TENANT, a_change, a_state, an_id
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_KEY, _OTHER_KEY = b"k" * 32, b"o" * 32
_ACCEPTED: Final = Acceptance(at=NOW, by="Carol", leaves={"state": "enabled"})
_FORGED: Final = Acceptance(at=NOW, by="Carol", leaves={"state": "disabled"})


@dataclass(slots=True)
class _Desk:
    """An installation whose app has a key, its two accounts, and what people heard of."""

    tables: MemoryStorage = field(default_factory=MemoryStorage)
    evidence: MemoryStorage = field(default_factory=MemoryStorage)
    heard: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        self.tables.create_all()
        self.evidence.create_all()

    def store(self, *keys: bytes, evidence: Any = None) -> ObjectStore:  # noqa: ANN401 - a storage, spoilt or not
        """Give the store of a process that just started."""
        vouching = AppVouching(
            evidence or self.evidence,
            keys=AppKeys(keys=keys or (_KEY,)),
            start=one_after_another,
            report=lambda one, what: self.heard.append((one.key, what)),
        )
        return ObjectStore(self.tables, clock=FakeClock(), vouching=vouching)

    def row(self, name: str = "policy-1") -> Row:
        row = self.tables.row(Table.OBJECTS, partition_of(an_id(name)), key_of(name))
        assert row is not None
        return row

    def put(self, row: Row, name: str = "policy-1") -> None:
        self.tables.upsert(Table.OBJECTS, partition_of(an_id(name)), key_of(name), row.columns)


@pytest.fixture
def desk() -> _Desk:
    """Give an installation that accepted an object."""
    made = _Desk()
    kept = made.store().insert(a_state())
    assert kept is not None
    made.store().replace(kept, _with(kept.state, acceptances=(_ACCEPTED,)))
    return made


def _with(state: ObjectState, **fields: Any) -> ObjectState:  # noqa: ANN401 - the state's fields
    return msgspec.structs.replace(state, **fields)


def _read(store: ObjectStore, name: str = "policy-1") -> Kept:
    kept = store.read(an_id(name))
    assert kept is not None
    return kept


# ---- what somebody writes into storage -------------------------------------------------------------------------------


def _forge(desk: _Desk) -> None:
    """Write the row as the app would without a key: with what somebody wants to be accepted."""
    elsewhere = MemoryStorage()
    elsewhere.create_all()
    forged = a_state(acceptances=(_FORGED,), provenance=Provenance.APPROVED)
    kept = ObjectStore(elsewhere, clock=FakeClock()).insert(forged)
    assert kept is not None
    desk.put(kept.row)


def _sign_by_another_key(desk: _Desk) -> None:
    other = _Desk(tables=desk.tables, evidence=MemoryStorage())
    kept = Kept(state=a_state(acceptances=(_FORGED,)), row=desk.row())
    other.store(_OTHER_KEY).replace(kept, kept.state)


def _change(name: str, value: object) -> Callable[[_Desk], None]:
    def change(desk: _Desk) -> None:
        desk.put(msgspec.structs.replace(desk.row(), columns={**desk.row().columns, name: value}))

    return change


def _exchange_content(desk: _Desk) -> None:
    text = str(desk.row().columns["state"]).replace("enabled", "hijacked")
    _change("state", text)(desk)


def _name_a_blob(desk: _Desk) -> None:
    _change("state", None)(desk)
    _change("state_blob", "state-0")(desk)


def _put_anothers_in_its_place(desk: _Desk) -> None:
    desk.store().insert(a_state("policy-2", acceptances=(_FORGED,)))
    desk.put(desk.row("policy-2"))


def _lead_to_another(desk: _Desk) -> None:
    desk.store().insert(a_state("policy-2", acceptances=(_FORGED,)))
    desk.put(msgspec.structs.replace(desk.row(), columns={"alias_of": key_of("policy-2"), "schema": 2}))


def _delete(desk: _Desk) -> None:
    desk.tables.delete(Table.OBJECTS, desk.row())


def _roll_back(desk: _Desk) -> None:
    """Put the row in place that the app wrote, and signed, when nobody had accepted the object yet."""
    older = _Desk()
    older.store().insert(a_state())
    desk.put(older.row())


_TAMPERED: Final[dict[str, tuple[Callable[[_Desk], None], str]]] = {
    "a row without a signature": (_change("vouched", None), WRITTEN),
    "a row as the app would write it without its key": (_forge, WRITTEN),
    "a row signed by another key": (_sign_by_another_key, WRITTEN),
    "another content": (_exchange_content, WRITTEN),
    "content that can't be read": (_change("state", "{"), WRITTEN),
    "content in a blob": (_name_a_blob, WRITTEN),
    "when it is looked at": (_change("next_look", "2099-01-01T00:00:00+00:00"), WRITTEN),
    "the schema": (_change("schema", 99), WRITTEN),
    "the number": (_change("generation", 99), WRITTEN),
    "another object's row": (_put_anothers_in_its_place, WRITTEN),
    "another object in its place": (_lead_to_another, WRITTEN),
    "no row": (_delete, DELETED),
    "an older row": (_roll_back, OLDER),
}


@pytest.mark.parametrize(("tamper", "what"), _TAMPERED.values(), ids=_TAMPERED)
def test_what_somebody_wrote_is_never_a_baseline(desk: _Desk, tamper: Callable[[_Desk], None], what: str) -> None:
    before = _read(desk.store()).state
    tamper(desk)
    assert _read(desk.store()).state == before, "what the app stored last counts, also for a process that just started"
    assert desk.heard == [(key_of("policy-1"), what)]
    assert _read(desk.store()).state == before
    assert len(desk.heard) == 1, "it was put right"


def test_without_a_copy_an_object_counts_as_new(desk: _Desk) -> None:
    """So nothing of it is written back, and it is accepted anew by a person."""
    desk.evidence.containers[Container.EVIDENCE].clear()
    _forge(desk)
    store = desk.store()
    assert store.read(an_id()) is None
    assert desk.heard == [(key_of("policy-1"), WRITTEN)]
    assert store.insert(a_state()) is not None
    assert _read(desk.store()).state == a_state()


@pytest.mark.parametrize(
    "column", ["digest", "next_look", "seen_at", "stands", "settled", "lists", "origin_at", "name"]
)
def test_what_an_index_says_is_believed_only_as_the_app_wrote_it(desk: _Desk, column: str) -> None:
    """A sweep that believed a digest would pass over what was changed."""
    _change(column, "x")(desk)
    (seen,) = desk.store().seen(TENANT, KIND)
    assert (seen.digest, seen.stands, seen.is_settled) == ("", None, False)
    assert desk.heard == [(key_of("policy-1"), WRITTEN)]


def test_a_row_that_another_host_wrote_meanwhile_is_no_older_one(desk: _Desk) -> None:
    store, other = desk.store(), desk.store()
    kept = _read(store)
    for number in range(3):
        kept = other.replace(kept, _with(kept.state, settled=(f"c{number}",)))
    assert _read(store).state == kept.state
    assert desk.heard == []


def test_what_decides_nothing_is_not_copied(desk: _Desk) -> None:
    """An object is looked at each hour; that alone writes no evidence."""
    store = desk.store()
    before = len(desk.evidence.containers[Container.EVIDENCE])
    kept = store.replace(_read(store), _with(_read(store).state, attempts=1, next_look=NOW + DAY))
    kept = store.replace(kept, _with(kept.state, attempts=2))
    assert len(desk.evidence.containers[Container.EVIDENCE]) == before
    store.replace(kept, _with(kept.state, answered=("c1",)))
    assert len(desk.evidence.containers[Container.EVIDENCE]) == before + 1


def test_a_copy_that_could_not_be_made_is_made_later(desk: _Desk) -> None:
    spoilt = SpoiltStorage(desk.evidence)
    store = desk.store(evidence=spoilt)
    kept = _read(store)
    older = desk.row()
    spoilt.faults.fail("keep evidence")
    kept = store.replace(kept, _with(kept.state, acceptances=()))
    spoilt.faults.heal()
    desk.store().replace(kept, _with(kept.state, attempts=1))
    desk.put(older)
    assert _read(desk.store()).state.acceptances == ()


def test_a_forged_copy_is_passed_over(desk: _Desk) -> None:
    folder = f"{FOLDER}{TENANT}/{KIND}/{key_of('policy-1')}/"
    for number in ("0000000003", "9999999999", "x"):
        desk.evidence.keep(Container.EVIDENCE, f"{folder}{number}-{'0' * 32}.json.gz", b"{}")
    _delete(desk)
    assert _read(desk.store()).state.acceptances == (_ACCEPTED,)


def test_an_object_that_was_forgotten_may_come_again(desk: _Desk) -> None:
    store = desk.store()
    store.forget(_read(store))
    assert desk.store().read(an_id()) is None
    later = desk.store()
    assert later.read(an_id()) is None
    assert later.insert(a_state()) is not None
    assert _read(desk.store()).state == a_state()
    assert desk.heard == []


def test_an_object_that_became_one_with_another_stays_so(desk: _Desk) -> None:
    store = desk.store()
    other = store.insert(a_state("policy-2"))
    assert other is not None
    kept = _read(store)
    store.absorb(kept, _with(kept.state, ids=("policy-1", "policy-2")), other)
    assert _read(desk.store(), "policy-2").id == an_id()
    desk.put(other.row, "policy-2")
    assert _read(desk.store(), "policy-2").id == an_id()
    assert desk.heard == [(key_of("policy-2"), OLDER)]


def test_what_another_run_writes_while_a_row_is_put_right_stays(desk: _Desk) -> None:
    _forge(desk)
    storage = SpoiltStorage(desk.tables)
    vouching = AppVouching(
        desk.evidence,
        keys=AppKeys(keys=(_KEY,)),
        start=one_after_another,
        report=lambda _one, _what: _change("name", "y")(desk),
    )
    with pytest.raises(LeaseLost):
        ObjectStore(storage, clock=FakeClock(), vouching=vouching).read(an_id())


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_a_change_that_somebody_wrote_counts_for_nothing(desk: _Desk) -> None:
    """It would make what he wants the work of an approved actor."""
    store, own = desk.store(), ObjectStore(desk.tables, clock=FakeClock())
    own.add_change(an_id(), a_change("forged"))
    store.add_change(an_id(), a_change("true", days=1))
    assert [one.id for one in store.changes(an_id())] == ["true"]
    assert [key for key, _ in desk.heard] == [key_of("policy-1")]
    assert not store.has_change(an_id(), a_change("forged"))


def test_a_forged_change_does_not_take_the_place_of_the_true_one(desk: _Desk) -> None:
    ObjectStore(desk.tables, clock=FakeClock()).add_change(an_id(), a_change("c1", wrote={}))
    store = desk.store()
    assert store.add_change(an_id(), a_change("c1"))
    assert store.changes(an_id()) == [a_change("c1")]
    assert not store.add_change(an_id(), a_change("c1"))


def test_a_change_with_another_content_counts_for_nothing(desk: _Desk) -> None:
    store = desk.store()
    store.add_change(an_id(), a_change("c1"))
    (row,) = desk.tables.rows(Table.CHANGES, "PartitionKey ge ''")
    text = str(row.columns["change"]).replace("mallory", "alice")
    desk.tables.upsert(Table.CHANGES, row.partition, row.key, {**row.columns, "change": text})
    assert (store.changes(an_id()), store.has_change(an_id(), a_change("c1"))) == ([], False)


def test_a_change_moved_to_another_object_counts_for_nothing(desk: _Desk) -> None:
    store = desk.store()
    store.add_change(an_id("policy-2"), a_change("c1"))
    (row,) = desk.tables.rows(Table.CHANGES, "PartitionKey ge ''")
    desk.tables.upsert(Table.CHANGES, changes_of(an_id()), row.key, row.columns)
    assert store.changes(an_id()) == []


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_exchanged_without_a_gap(desk: _Desk) -> None:
    """Both are believed, the first signs; so once all was written anew the old one may go."""
    both = desk.store(_OTHER_KEY, _KEY)
    kept = _read(both)
    both.replace(kept, _with(kept.state, settled=("c1",)))
    assert _read(desk.store(_OTHER_KEY)).state.settled == ("c1",)
    assert desk.heard == []


def test_what_the_old_key_signed_is_signed_by_the_new_one_before_that_goes(desk: _Desk) -> None:
    older = desk.row()
    kept = _read(desk.store())
    desk.store().replace(kept, _with(kept.state, settled=("c1",)))
    both = desk.store(_OTHER_KEY, _KEY)
    desk.put(older)
    assert _read(both).state.settled == ("c1",), "an older row of the old key shows too"
    assert desk.heard.pop() == (key_of("policy-1"), OLDER)
    desk.store().add_change(an_id(), a_change())
    both.sign_all(TENANT, KIND)
    new = desk.store(_OTHER_KEY)
    assert (_read(new).state.settled, new.changes(an_id())) == (("c1",), [a_change()])
    assert desk.heard == []


def test_without_its_key_the_app_decides_nothing(desk: _Desk) -> None:
    """A key that the vault didn't give is no reason to believe everything."""
    vouching = AppVouching(
        desk.evidence,
        keys=AppKeys(missing="the vault is away"),
        start=one_after_another,
        report=lambda _one, _what: None,
    )
    store = ObjectStore(desk.tables, clock=FakeClock(), vouching=vouching)
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.read(an_id()),
        lambda: store.insert(a_state("policy-2")),
        lambda: store.add_change(an_id(), a_change()),
        lambda: list(store.seen(TENANT, KIND)),
    )
    for call in calls:
        with pytest.raises(Rejected, match="the vault is away"):
            call()


def test_who_lacks_the_key_writes_nothing_that_the_app_would_not_believe(desk: _Desk) -> None:
    """Neither a command on a laptop, nor an app whose setting somebody took away."""
    own = ObjectStore(desk.tables, clock=FakeClock())
    with pytest.raises(Rejected, match="STATE_KEYS"):
        own.replace(_read(own), _with(_read(own).state, acceptances=()))


def test_what_was_stored_before_there_was_a_key_is_signed_when_somebody_says_so() -> None:
    desk = _Desk()
    own = ObjectStore(desk.tables, clock=FakeClock())
    kept = own.insert(a_state())
    assert kept is not None
    own.replace(kept, _with(kept.state, ids=("policy-1", "policy-2"), acceptances=(_ACCEPTED,)))
    own.add_change(an_id(), a_change())
    store = desk.store()
    assert (store.sign_all(TENANT, KIND), store.sign_all(TENANT, KIND)) == (3, 0)
    assert _read(desk.store(), "policy-2").state.acceptances == (_ACCEPTED,)
    assert desk.store().changes(an_id()) == [a_change()]
    assert desk.heard == []


# ---- people ----------------------------------------------------------------------------------------------------------


def test_people_hear_of_each_object_and_of_many_only_that_there_are_many() -> None:
    clock = FakeClock()
    published: list[Any] = []
    report = TamperedObjects(published.append, clock=clock)
    for number in range(7):
        report(ObjectId(tenant_id=TENANT, kind=KIND, key=f"{number}"), OLDER)
    assert all(one.never_waits for one in published)
    assert len({one.key for one in published}) == 6
    assert OLDER in published[0].text
    clock.move(DAY)
    report(ObjectId(tenant_id=TENANT, kind=KIND, key="8"), OLDER)
    assert "8" in published[-1].text
