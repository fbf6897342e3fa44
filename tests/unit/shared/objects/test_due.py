"""What is due: notes that are there before what they point to, and that can be made again."""

from datetime import timedelta
from typing import Final

import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import Rejected
from shared.model.objects import ObjectId
from shared.objects.due import SHARDS, Due, Look
from shared.objects.object_store import ObjectStore
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.guarded_objects import KIND, TENANT, a_state, an_id
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_SECOND: Final = timedelta(seconds=1)


def _ids(looks: list[Look]) -> list[ObjectId]:
    return [look.id for look in looks]


def test_what_is_due_is_given_once_and_the_longest_due_first(storage: Storage) -> None:
    due = Due(storage)
    for number in range(40):
        due.note(an_id(f"o{number}"), NOW - number * _SECOND)
    due.note(an_id("o3"), NOW)
    due.note(an_id("later"), NOW + _SECOND)
    assert all(look.at == NOW - 3 * _SECOND for look in due.ready(NOW, 100) if look.id == an_id("o3"))
    assert _ids(due.ready(NOW, 100)) == [an_id(f"o{number}") for number in reversed(range(40))]
    assert _ids(due.ready(NOW, 5)) == [an_id(f"o{number}") for number in (39, 38, 37, 36, 35)]
    assert len(due.ready(NOW + _SECOND, 100)) == 41
    assert due.ready(NOW - timedelta(hours=1), 100) == []


def test_a_note_is_removed_after_what_it_is_about(storage: Storage) -> None:
    due = Due(storage)
    due.note(an_id(), NOW)
    (look,) = due.ready(NOW, 9)
    due.remove(look)
    due.remove(look)
    assert due.ready(NOW, 9) == []


def test_a_note_that_was_made_again_since_stays(storage: Storage) -> None:
    """A record comes while its object is looked at: that look may not have seen its change."""
    due = Due(storage)
    due.note(an_id(), NOW)
    (look,) = due.ready(NOW, 9)
    due.note(an_id(), NOW)
    due.remove(look)
    assert _ids(due.ready(NOW, 9)) == [an_id()]


def test_the_new_note_is_there_before_the_old_one_goes(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    due = Due(storage)
    look = due.note(an_id(), NOW)
    storage.faults.log.clear()
    moved = due.move(look, NOW + _SECOND)
    assert storage.faults.log == ["upsert Due", "delete Due"]
    assert due.ready(NOW, 9) == []
    assert due.ready(NOW + _SECOND, 9) == [moved]
    storage.faults.log.clear()
    due.move(moved, moved.at)
    assert storage.faults.log == ["upsert Due"], "there is no other note to remove"
    assert _ids(due.ready(NOW + _SECOND, 9)) == [an_id()]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("number", range(4))
def test_wherever_a_run_dies_the_object_stays_due(memory: MemoryStorage, number: int, how: str) -> None:
    """The whole life of a look: noted, written to the object, looked at, moved."""
    storage = SpoiltStorage(memory)
    storage.faults.failure = SystemExit
    storage.faults.spoil = lambda _operation: how if len(storage.faults.log) > number else ""
    due, store = Due(storage), ObjectStore(storage, clock=FakeClock())

    def live() -> None:
        look = due.note(an_id(), NOW)
        store.insert(a_state(next_look=NOW))
        due.move(look, NOW + _SECOND)

    with pytest.raises(SystemExit):
        live()
    storage.faults.heal()
    is_known = store.read(an_id()) is not None
    assert bool(due.ready(NOW + _SECOND, 9)) or not is_known


def test_a_note_that_was_lost_is_made_again_of_the_object(storage: Storage) -> None:
    due, store = Due(storage), ObjectStore(storage, clock=FakeClock())
    for number in range(3):
        store.insert(a_state(f"o{number}", next_look=NOW - number * _SECOND if number else None))
    assert due.remake(store.seen(TENANT, KIND)) == 2
    assert due.remake(store.seen(TENANT, KIND)) == 2
    assert _ids(due.ready(NOW, 9)) == [an_id("o2"), an_id("o1")]


def test_rows_that_say_nothing_hold_up_no_other(storage: Storage) -> None:
    due = Due(storage)
    shard = due.note(an_id(), NOW).row.partition
    stamps = ("00010101T000000000000", "20250101T000000000000")
    for key in (
        f"{stamps[0]}|{TENANT}",
        f"{stamps[1]}|{TENANT}|another kind|0a",
        "0|1|2|3",
        "0",
        f"x|{TENANT}|{KIND}|a",
    ):
        storage.insert(Table.DUE, shard, key, {})
    due.note(an_id(), NOW)
    assert _ids(due.ready(NOW, 1)) == [an_id()]


def test_what_is_not_due_costs_nothing(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    due = Due(storage)
    for number in range(5_000):
        due.note(an_id(f"o{number}"), NOW + timedelta(hours=1))
    due.note(an_id(), NOW)
    storage.faults.log.clear()
    assert len(due.ready(NOW, 50)) == 1
    assert len(storage.faults.log) == len(SHARDS) + 1, "one for each shard, one for the end of a page"


def test_a_table_that_is_gone_is_an_error_and_never_an_empty_one(storage: Storage) -> None:
    storage.delete_table(Table.DUE)
    with pytest.raises(Rejected):
        Due(storage).ready(NOW, 9)
    with pytest.raises(Rejected):
        Due(storage).note(an_id(), NOW)


def test_all_notes_of_an_object_are_done_with_at_once(storage: Storage) -> None:
    """Each object that moves may note the others as due, and one look answers all of it."""
    due = Due(storage)
    for seconds in range(5):
        due.note(an_id(), NOW - seconds * _SECOND)
    due.note(an_id(), NOW + _SECOND)
    (look,) = due.ready(NOW, 9)
    assert (look.at, len(look.others)) == (NOW - 4 * _SECOND, 4)
    due.remove(look)
    assert due.ready(NOW, 9) == []
    assert len(due.ready(NOW + _SECOND, 9)) == 1
