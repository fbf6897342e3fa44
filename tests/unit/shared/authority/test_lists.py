"""Approvals, owners and modes: to a file and back; entered where they are missing, never over what is there."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import ALICE, MALLORY
from shared.authority.approvals import TableApprovals
from shared.authority.controls import Controls
from shared.authority.lists import Entry, Lists, keep_lists, lists_from, lists_json, read_lists, restore
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.clients.storage_names import Container, Table
from shared.model.cases import Standing
from shared.model.kinds import ApprovalList, Mode
from shared.respond.ledger import Ledger
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import approval

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_OWNER: Final = {"name": "Alice Alvarez", "upn": "alice@contoso.com"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _owner(order: str) -> NamedOwner:
    return NamedOwner(scope="*", order=order, **_OWNER)


def _filled(storage: Storage, clock: FakeClock) -> Lists:
    approvals = TableApprovals(storage, clock=clock)
    approvals.approve(approval(ALICE, targets=("b2c_1a_*",)))
    approvals.approve(approval(MALLORY))
    approvals.revoke(_LIST, MALLORY.id, by="carol")
    TableOwners(storage, clock=clock).name(_owner("010"), by="carol")
    controls = Controls(storage, clock=clock)
    controls.set_mode("ca-policy-updated", Mode.ENFORCE, by="carol")
    controls.stop(by="carol", reason="migration")
    return lists_from(lists_json(read_lists(storage, now=NOW)))


def _other() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


def test_an_installation_is_made_anew(storage: Storage, clock: FakeClock) -> None:
    lists = _filled(storage, clock)
    other = _other()
    restored = restore(other, lists, by="dave", clock=clock)
    assert [str(entry.table) for entry in restored.added] == ["ApprovedActors", "ApprovedActors", "Owners"]
    assert (restored.present, restored.refused) == ((), ())
    before = TableApprovals(storage, clock=clock).all()
    assert TableApprovals(other, clock=clock).all() == before
    assert TableOwners(other, clock=clock).history("*").present == (_owner("010"),)
    (row,) = other.rows(Table.OWNERS, "PartitionKey eq '*'")
    assert (row.columns["restored_by"], row.columns["restored_at"]) == ("dave", clock().isoformat())


def test_modes_are_told_and_not_raised_and_the_kill_switch_is_no_list(memory: MemoryStorage, clock: FakeClock) -> None:
    lists = _filled(memory, clock)
    other = _other()
    restored = restore(other, lists, by="dave", clock=clock)
    assert [(entry.key, entry.columns["mode"]) for entry in restored.by_hand] == [("ca-policy-updated", "enforce")]
    assert other.rows(Table.CONTROLS, "PartitionKey ge ''") == []


def test_what_is_there_stays_and_a_second_time_changes_nothing(memory: MemoryStorage, clock: FakeClock) -> None:
    lists = _filled(memory, clock)
    other = _other()
    kept = approval(ALICE, ticket="CHG-2000")
    TableApprovals(other, clock=clock).approve(kept)
    first = restore(other, lists, by="dave", clock=clock)
    assert [entry.key for entry in first.present] == [ALICE.id]
    assert TableApprovals(other, clock=clock).find(_LIST, ALICE.id) == kept
    rows = other.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")
    clock.move(timedelta(hours=1))
    again = restore(other, lists, by="dave", clock=clock)
    assert (again.added, len(again.present)) == ((), 3)
    assert other.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''") == rows


def test_what_was_taken_back_is_not_copied_and_stays_removed(memory: MemoryStorage, clock: FakeClock) -> None:
    lists = _filled(memory, clock)
    Controls(memory, clock=clock).set_mode("ca-policy-updated", None, by="carol", reason="a test")
    TableOwners(memory, clock=clock).remove("*", "010", by="carol", reason="she left")
    assert {entry.table for entry in read_lists(memory, now=NOW).entries} == {Table.APPROVED_ACTORS}
    assert restore(memory, lists, by="dave", clock=clock).added == ()
    assert TableOwners(memory, clock=clock).history("*").present == ()


def test_an_imported_approval_counts_from_the_import_on(memory: MemoryStorage, clock: FakeClock) -> None:
    """Whatever the file says: what it covered elsewhere isn't known here."""
    entry = _entry(Table.APPROVED_ACTORS, _LIST, ALICE.id, since="2026-01-01T00:00:00Z", journal="0")
    assert restore(memory, Lists(taken=NOW, entries=(entry,)), by="dave", clock=clock).added == (entry,)
    history = TableApprovals(memory, clock=clock).history(_LIST, emergency_accounts=())
    hour = timedelta(hours=1)
    found = [history.standing(actor_of(ALICE), "x", at).standing for at in (NOW - hour, NOW)]
    assert found == [Standing.UNKNOWN, Standing.APPROVED]


def test_trying_it_enters_nothing_and_says_the_same(memory: MemoryStorage, clock: FakeClock) -> None:
    lists = _filled(memory, clock)
    other = _other()
    tried = restore(other, lists, by="dave", clock=clock, dry=True)
    assert other.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''") == []
    assert restore(other, lists, by="dave", clock=clock) == tried


def _entry(table: Table, partition: str, key: str, **changes: object) -> Entry:
    sound: dict[str, Any] = _OWNER
    if table is Table.APPROVED_ACTORS:
        sound = msgspec.to_builtins(approval(ALICE))
        sound = {name: value for name, value in sound.items() if name not in {"approval_list", "actor_id", "targets"}}
    columns: dict[str, Any] = {name: value for name, value in {**sound, **changes}.items() if value is not None}
    return Entry(table=table, partition=partition, key=key, columns=columns)


@pytest.mark.parametrize(
    ("entry", "because"),
    [
        (_entry(Table.APPROVED_ACTORS, _LIST, ALICE.id, valid_until="2026-02-01T00:00:00Z"), "already ended"),
        (_entry(Table.APPROVED_ACTORS, _LIST, ALICE.id, valid_until="2036-02-01T00:00:00Z"), "longer than a year"),
        (_entry(Table.APPROVED_ACTORS, _LIST, ALICE.id, ticket=" "), "needs a ticket"),
        (_entry(Table.APPROVED_ACTORS, _LIST, ALICE.id, kind="robot"), "kind"),
        (_entry(Table.APPROVED_ACTORS, _LIST, ALICE.id, name=" "), "the actor's name"),
        (_entry(Table.APPROVED_ACTORS, "everything", ALICE.id), "approval_list"),
        (_entry(Table.APPROVED_ACTORS, _LIST, ALICE.id.upper()), "object id in lower case"),
        (_entry(Table.APPROVED_ACTORS, _LIST, "alice"), "object id in lower case"),
        (_entry(Table.OWNERS, "*", "010", upn=None), "no upn"),
        (_entry(Table.OWNERS, "*", "010", name=" "), "no name"),
        (_entry(Table.OWNERS, "a/b", "010"), "its scope"),
        (_entry(Table.OWNERS, "*", "10"), "its scope"),
        (_entry(Table.CASES, "x", "y"), "a table in which people enter nothing"),
        (_entry(Table.ROSTERS, "x", "y"), "a table in which people enter nothing"),
    ],
)
def test_what_could_not_be_entered_by_hand_is_not_entered_by_file(
    memory: MemoryStorage, clock: FakeClock, entry: Entry, because: str
) -> None:
    good = _entry(Table.OWNERS, "*", "020")
    restored = restore(memory, Lists(taken=NOW, entries=(entry, good)), by="dave", clock=clock)
    ((refused, reason),) = restored.refused
    assert refused == entry
    assert because in reason
    assert restored.added == (good,)
    assert memory.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''") == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"taken": "2026-01-01T00:00:00Z"}',
        b'{"taken": "2026-01-01T00:00:00Z", "entries": [], "version": 2}',
    ],
)
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"truncated|JSON|object|required|version"):
        lists_from(content)


def test_the_copy_is_made_once_a_day(memory: MemoryStorage, clock: FakeClock) -> None:
    ledger = Ledger(MemoryStorage(), memory, clock=clock, lease=timedelta(seconds=60))
    storage = _other()
    owners = TableOwners(storage, clock=clock)
    owners.name(_owner("010"), by="carol")
    name = keep_lists(storage, ledger.keep_copy, now=NOW)
    owners.name(_owner("020"), by="carol")
    assert keep_lists(storage, ledger.keep_copy, now=NOW + timedelta(minutes=1)) == name
    kept = memory.blob(Container.EVIDENCE, name)
    assert kept is not None
    assert len(lists_from(kept).entries) == 1
    assert keep_lists(storage, ledger.keep_copy, now=NOW + timedelta(days=1)) != name
