"""What waits for others is looked at again when one of them moves."""

from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import MALLORY
from shared.clients.storage_names import Table
from shared.model.cases import State
from shared.model.errors import Unreachable
from shared.model.kinds import ObjectKind
from shared.model.objects import EXISTS, WHOLE, ObjectId, Objection, ObjectState, Provenance, Version, key_of
from shared.respond.resume import resume
from shared.respond.waking import announce, wake_all, wake_announced, wake_pending
from tests.fakes.clock import NOW
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_PASSING: Final = Objection(guard="last-holder", because="nobody else holds the role", can_pass=True)
_LATER: Final = Objection(guard="hourly-limit", because="the limit is reached", can_pass=True)
_LASTING: Final = Objection(guard="provenance", because="nobody accepted it", can_pass=False)


@pytest.fixture
def made(memory: MemoryStorage) -> Bench:
    return bench(memory)


def _id(name: str, *, tenant_id: str = TENANT, kind: ObjectKind = ObjectKind.CA_POLICY) -> ObjectId:
    return ObjectId(tenant_id=tenant_id, kind=kind, key=key_of(name))


def _keep(made: Bench, object_id: ObjectId, **pending: Objection) -> ObjectId:
    """Store an object that waits for an hour yet."""
    state = ObjectState(
        id=object_id,
        ids=(object_id.key,),
        name="A lamp",
        origin=Version(at=NOW - _MINUTE, leaves={EXISTS: True}),
        provenance=Provenance.FIRST_SEEN,
        pending=pending,
        next_look=NOW + 60 * _MINUTE,
    )
    assert made.runtime.objects.insert(state) is not None
    return object_id


def _woken(made: Bench) -> set[ObjectId]:
    return {look.id for look in made.runtime.due.ready(made.clock(), 1000)}


def test_only_what_waits_for_what_can_pass_is_woken(made: Bench) -> None:
    limited = _keep(made, _id("limited"), state=_PASSING)
    both = _keep(made, _id("both"), state=_LASTING, colour=_PASSING)
    _keep(made, _id("lasting"), state=_LASTING)
    _keep(made, _id("settled"))
    assert wake_all(made.runtime) == 2
    assert _woken(made) == {limited, both}


def test_what_passes_with_time_is_not_woken_by_others_but_by_people(made: Bench) -> None:
    """Else each put-back under the limit would have all those looked at again that wait for their turn."""
    limited = _keep(made, _id("limited"), state=_LATER)
    leaning = _keep(made, _id("leaning"), state=_PASSING)
    until = _keep(made, _id("until"), state=msgspec.structs.replace(_PASSING, until=NOW + _MINUTE))
    assert wake_pending(made.runtime, _id("moved")) == 1
    assert _woken(made) == {leaning}
    assert wake_all(made.runtime) == 3
    assert _woken(made) == {limited, leaning, until}


def test_only_kinds_of_which_something_waits_for_others_are_asked(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    made = bench(spoilt)
    moved = _keep(made, _id("moved"), state=_LASTING)
    spoilt.faults.log.clear()
    assert wake_pending(made.runtime, moved) == 0
    assert spoilt.faults.log == ["rows Switches"]
    _keep(made, _id("waits"), state=_PASSING)
    spoilt.faults.log.clear()
    assert wake_pending(made.runtime, moved) == 1
    assert spoilt.faults.log == ["rows Switches", "rows Objects", "upsert Due"]


def test_where_the_kinds_cannot_be_read_all_are_asked(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    made = bench(spoilt)
    waits = _keep(made, _id("waits"), state=_PASSING)
    spoilt.faults.fail("rows Switches")
    assert wake_pending(made.runtime, _id("moved")) == 1
    assert _woken(made) == {waits}


def test_what_moved_does_not_wake_itself(made: Bench) -> None:
    one, other = (_keep(made, _id(name), **{WHOLE: _PASSING}) for name in ("one", "other"))
    assert wake_pending(made.runtime, one) == 1
    assert _woken(made) == {other}


def test_only_objects_of_its_own_tenant_are_woken_by_one(made: Bench) -> None:
    here = _keep(made, _id("here"), state=_PASSING)
    elsewhere = made.runtime.settings.tenants[1].id
    there = _keep(made, _id("there", tenant_id=elsewhere), state=_PASSING)
    assert wake_pending(made.runtime, _id("moved")) == 1
    assert _woken(made) == {here}
    assert wake_all(made.runtime) == 2, "an approval or the kill switch may be about all of them"
    assert _woken(made) == {here, there}


def test_nothing_is_woken_of_a_tenant_that_is_not_configured(made: Bench) -> None:
    stranger = "99999999-7a18-4f93-9c25-e81f60a7b3d2"
    _keep(made, _id("lamp", tenant_id=stranger), state=_PASSING)
    assert wake_pending(made.runtime, _id("moved", tenant_id=stranger)) == 0
    assert _woken(made) == set()


def test_however_many_wait_all_are_woken(made: Bench) -> None:
    objects = {_keep(made, _id(f"{number}"), state=_PASSING) for number in range(201)}
    assert wake_all(made.runtime) == len(objects)
    assert _woken(made) == objects


def test_one_tenant_that_cannot_be_read_keeps_no_other_asleep(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    made = bench(storage)
    elsewhere = made.runtime.settings.tenants[1].id
    _keep(made, _id("here"), state=_PASSING)
    there = _keep(made, _id("there", tenant_id=elsewhere), state=_PASSING)
    storage.faults.fail_once(f"rows {Table.OBJECTS}")
    with pytest.raises(Unreachable):
        wake_all(made.runtime)
    assert _woken(made) == {there}


def test_an_object_that_was_put_back_wakes_those_that_wait(memory: MemoryStorage) -> None:
    """An objection of another object may have leaned on how this one stood."""
    lamps = Lamps({LAMP: "on", "second": "on"})
    ready = ready_bench(memory, lamps=lamps)
    lamps.state["second"] = "off"
    lamps.objection = Objection(guard="dark", because="somebody may stumble", can_pass=True)
    ready.take_in(lamp_record())
    ready.answer_queue()
    assert ready.lamps.writes == []
    lamps.objection = None
    ready.take_in(lamp_record(lamp="second"))
    ready.answer_queue()
    assert ready.lamps.writes == ["set on"]
    ready.clock.move(timedelta(seconds=1))
    resume(ready.runtime)
    assert lamps.state == {LAMP: "on", "second": "on"}


def test_what_is_announced_is_done_a_little_later_and_once(made: Bench) -> None:
    waiting = _keep(made, _id("limited"), state=_PASSING)
    _keep(made, _id("settled"))
    announce(made.storage, at=NOW)
    assert wake_announced(made.runtime) == 0, "the act may still be on its way"
    made.clock.move(timedelta(seconds=30))
    assert wake_announced(made.runtime) == 1
    assert _woken(made) == {waiting}
    assert wake_announced(made.runtime) == 0


def test_what_counts_since_an_instant_wakes_what_changed_since(made: Bench) -> None:
    changed = _keep(made, _id("changed"))
    _keep(made, _id("changed on another day"))
    other = made.runtime.objects.read(_id("changed on another day"))
    assert other is not None
    made.runtime.objects.forget(other)
    old = msgspec.structs.replace(
        other.state, origin=msgspec.structs.replace(other.state.origin, at=NOW - timedelta(days=1))
    )
    assert made.runtime.objects.insert(old) is not None
    announce(made.storage, at=NOW - _MINUTE, since=NOW - 2 * _MINUTE)
    assert wake_announced(made.runtime) == 1
    assert _woken(made) == {changed}


def test_an_announcement_that_can_not_be_read_wakes_all(made: Bench) -> None:
    objects = {_keep(made, _id(name)) for name in ("one", "other")}
    made.storage.insert(Table.CONTROLS, "wake", "broken", {"at": "yesterday", "since": 7})
    assert wake_announced(made.runtime) == 2
    assert _woken(made) == objects
    assert made.storage.row(Table.CONTROLS, "wake", "broken") is None


def test_an_announcement_stays_where_waking_failed(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    made = bench(storage)
    waiting = _keep(made, _id("limited"), state=_PASSING)
    announce(made.storage, at=NOW - _MINUTE)
    storage.faults.fail_once(f"rows {Table.OBJECTS}")
    with pytest.raises(Unreachable):
        wake_announced(made.runtime)
    assert wake_announced(made.runtime) == 1
    assert _woken(made) == {waiting}


def test_an_approval_of_what_was_done_ends_what_waits_without_anything_else_happening(memory: MemoryStorage) -> None:
    """Mallory's change can't be put back; she is approved since yesterday; the timer ends it."""
    lamps = Lamps({LAMP: "on"})
    ready = ready_bench(memory, lamps=lamps)
    lamps.state[LAMP] = "off"
    lamps.objection = Objection(guard="dark", because="somebody may stumble", can_pass=True)
    ready.take_in(lamp_record(MALLORY))
    ready.answer_queue()
    assert ready.only_object().pending
    announce(ready.storage, at=ready.clock(), since=ready.clock() - timedelta(days=1))
    ready.runtime.approvals.approve(approval(MALLORY), reason="it was hers", since=ready.clock() - timedelta(days=1))
    lamps.objection = None
    ready.clock.move(timedelta(seconds=31))
    resume(ready.runtime)
    assert (ready.lamps.writes, ready.only_object().pending) == ([], {})
    assert ready.only_case().state is State.CLOSED
