"""The past of an object is compacted once a night, and it is decided about as before."""

from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, MALLORY
from shared.clients.storage_names import Table
from shared.model.cases import Outcome
from shared.model.errors import Unreachable
from shared.objects.compaction import RECORDS_COME_WITHIN
from shared.respond.compacting import compact
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)


def _switch(made: Bench, who: str, to: str) -> None:
    """Let somebody switch the lamp, and the app hear of it."""
    made.clock.move(_MINUTE)
    made.lamps.state[LAMP] = to
    principal = ALICE if who == "Alice" else MALLORY
    made.take_in(lamp_record(principal, at=made.clock(), to=to))
    made.answer_queue()


def _with_a_past(made: Bench) -> Bench:
    """Have a month of history behind the lamp, all of it settled."""
    for _ in range(3):
        _switch(made, "Alice", "off")
        _switch(made, "Alice", "on")
    _switch(made, "Mallory", "off")
    made.clock.move(_MINUTE)
    made.sweep()
    made.clock.move(RECORDS_COME_WITHIN + 15 * _MINUTE)
    made.sweep()
    return made


@pytest.fixture
def old(memory: MemoryStorage) -> Bench:
    return _with_a_past(ready_bench(memory))


def _read_changes(made: Bench) -> int:
    return len(made.runtime.objects.changes(made.only_object().id, since=made.only_object().origin.at))


def test_what_is_settled_and_older_than_records_can_come_is_compacted_once(old: Bench) -> None:
    before = old.only_object()
    assert _read_changes(old) >= 8
    assert compact(old.runtime) == 1
    after = old.only_object()
    assert after.origin.at > before.origin.at
    assert _read_changes(old) <= 1
    assert compact(old.runtime) == 0


def test_after_that_it_is_decided_as_before(old: Bench) -> None:
    closed = {case.id for case in old.cases()}
    pages = len(old.pagerduty.sent)
    assert compact(old.runtime) == 1
    old.sweep()
    resume(old.runtime)
    assert {case.id for case in old.cases() if case.is_open} == set()
    assert len(old.pagerduty.sent) == pages
    _switch(old, "Mallory", "off")
    assert old.lamps.state == {LAMP: "on"}
    new = [case for case in old.cases() if case.id not in closed]
    assert [case.outcome for case in new] == [Outcome.DONE]


def test_a_record_older_than_records_can_come_is_a_case_and_moves_nothing(old: Bench) -> None:
    assert compact(old.runtime) == 1
    writes = len(old.lamps.writes)
    at = old.only_object().origin.at - 3 * _MINUTE
    old.take_in(lamp_record(MALLORY, at=at, to="broken"))
    old.answer_queue()
    assert len(old.lamps.writes) == writes
    (late,) = [case for case in old.runtime.ledger.cases(old.runtime.settings.workforce.id, since=at) if case.at == at]
    assert not late.is_open


def test_what_is_not_settled_is_left(memory: MemoryStorage) -> None:
    made = ready_bench(memory)
    made.runtime.controls.stop(by="a test", reason="a test")
    _switch(made, "Mallory", "off")
    made.clock.move(_MINUTE)
    made.sweep()
    made.clock.move(RECORDS_COME_WITHIN + _MINUTE)
    made.sweep()
    origin = made.only_object().origin
    compact(made.runtime)
    assert made.only_object().origin == origin


def test_an_object_that_is_looked_at_is_left_for_another_night(old: Bench) -> None:
    kept = old.only_object()
    lane = old.runtime.kinds[kept.id.kind].lane(kept.id, kept.ids[-1], None)
    lease = old.runtime.leases.take([lane], "another run")
    assert lease is not None
    assert compact(old.runtime) == 0
    old.runtime.leases.release(lease)
    assert compact(old.runtime) == 1


def test_nothing_is_compacted_where_it_is_not_known_who_is_approved(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    made = _with_a_past(ready_bench(storage))
    storage.faults.fail_once(f"rows {Table.APPROVED_ACTORS}")
    assert compact(made.runtime) == 0
    assert compact(made.runtime) == 1


def test_one_object_that_fails_is_raised(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    made = _with_a_past(ready_bench(storage))
    storage.faults.fail_once(f"rows {Table.CHANGES}")
    with pytest.raises(Unreachable):
        compact(made.runtime)
