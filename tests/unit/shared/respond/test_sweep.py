"""A sweep notices what no record tells, and looks at nothing that is as it was last read."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import MALLORY
from shared.clients.storage_names import Table
from shared.model.cases import Decision, Standing, State
from shared.model.errors import EdgeError, Unreachable
from shared.model.events import Change
from shared.model.kinds import Image, Json, Mode, ObjectKind
from shared.model.object_kinds import Made
from shared.model.objects import EXISTS, ObjectId, Provenance, Verdict, key_of
from shared.model.tenant_api import TenantApi
from shared.respond.case_evidence import with_changes_if_readable
from shared.respond.persons import show
from shared.respond.resume import resume
from shared.respond.sweep import Swept, sweep, swept_at
from shared.respond.unexplained import UNEXPLAINED
from tests.fakes.clock import NOW
from tests.fakes.guarded_objects import a_change
from tests.fakes.lamps import LAMP, Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_LAMPS: Final = ("first", "second", "third")


@pytest.fixture
def lamps() -> Lamps:
    return Lamps(dict.fromkeys(_LAMPS, "on"))


@pytest.fixture
def made(memory: MemoryStorage, lamps: Lamps) -> Bench:
    return bench(memory, lamps=lamps)


def _sweep(made: Bench) -> Swept:
    (kind,) = made.runtime.kinds.values()
    return sweep(made.runtime, kind, made.runtime.settings.workforce)


def _id(lamp: str) -> ObjectId:
    return ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(lamp))


def _swept_at(made: Bench) -> object:
    return swept_at(made.storage, TENANT, ObjectKind.CA_POLICY)


def test_what_is_new_is_looked_at_and_counts_as_first_seen(made: Bench) -> None:
    assert _sweep(made) == Swept(objects=3, looked_at=3)
    for lamp in _LAMPS:
        kept = made.runtime.objects.read(_id(lamp))
        assert kept is not None
        assert (kept.state.ids, kept.state.provenance) == ((lamp,), Provenance.FIRST_SEEN)
        assert kept.state.origin.leaves == {EXISTS: True, "state": "on"}
        assert made.runtime.objects.version(kept.id, kept.state.origin.digest) == {"id": lamp, "state": "on"}
    assert made.lamps.writes == []


def test_what_is_as_it_was_last_read_is_not_looked_at(made: Bench) -> None:
    _sweep(made)
    made.lamps.calls.clear()
    assert _sweep(made) == Swept(objects=3, looked_at=0)
    assert made.lamps.calls == []


def test_what_moved_is_looked_at_once(made: Bench) -> None:
    _sweep(made)
    made.clock.move(_MINUTE)
    made.lamps.state["second"] = "dim"
    assert _sweep(made) == Swept(objects=3, looked_at=1)
    assert show(made.runtime, _id("second")).seen.leaves["state"] == "dim"
    assert _sweep(made).looked_at == 0


def test_what_moved_and_moved_back_is_looked_at_each_time(made: Bench) -> None:
    for state in ("on", "dim", "on", "dim"):
        made.clock.move(_MINUTE)
        made.lamps.state["second"] = state
        _sweep(made)
        assert show(made.runtime, _id("second")).seen.leaves["state"] == state


def _sweep_listing(made: Bench, *listed: str) -> Swept:
    """Sweep with a listing that leaves out all lamps but these, whether they are there or not."""
    kind, states = made.runtime.kinds[ObjectKind.CA_POLICY], made.lamps.state

    def read(_edges: TenantApi) -> dict[str, Image]:
        return {lamp: {"id": lamp, "state": states[lamp]} for lamp in listed}

    inventory = msgspec.structs.replace(kind.inventory, read=read)
    return sweep(made.runtime, msgspec.structs.replace(kind, inventory=inventory), made.runtime.settings.workforce)


def test_what_is_not_listed_is_read_by_itself_and_not_believed_gone(made: Bench) -> None:
    """A listing may lack one for a while, and its silence is no deletion."""
    _sweep(made)
    made.clock.move(_MINUTE)
    made.lamps.calls.clear()
    assert _sweep_listing(made, "first", "third") == Swept(objects=2, looked_at=1)
    assert made.lamps.calls == ["look"]
    assert show(made.runtime, _id("second")).seen.leaves == {EXISTS: True, "state": "on"}
    assert show(made.runtime, _id("second")).plan.verdicts == {}


def test_what_is_gone_is_read_as_gone_and_looked_at_no_more(made: Bench) -> None:
    _sweep(made)
    made.clock.move(_MINUTE)
    del made.lamps.state["second"]
    assert _sweep(made) == Swept(objects=2, looked_at=1)
    shown = show(made.runtime, _id("second"))
    assert (shown.seen.leaves, shown.seen.digest) == ({}, "")
    assert {one.verdict for one in shown.plan.verdicts.values()} == {Verdict.WAIT_UNEXPLAINED}
    assert _sweep(made) == Swept(objects=2, looked_at=0)


def test_what_was_made_since_the_last_sweep_is_somebodys_change(made: Bench) -> None:
    _sweep_for(made, 20)
    made.lamps.state["fourth"] = "on"
    _sweep_for(made, 50)
    assert made.teams.sent == []
    assert {one.verdict for one in show(made.runtime, _id("fourth")).plan.verdicts.values()} == {
        Verdict.WAIT_UNEXPLAINED
    }
    _sweep_for(made, 30)
    assert [(case.detection, case.target.id) for case in made.cases()] == [(UNEXPLAINED.id, "fourth")]
    assert made.lamps.writes == []


def test_what_another_run_held_when_it_was_listed_first_is_found_all_the_same(made: Bench) -> None:
    _sweep_for(made, 20)
    made.lamps.state["fourth"] = "on"
    made.clock.move(10 * _MINUTE)
    held = made.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    _sweep(made)
    assert made.runtime.objects.read(_id("fourth")) is None
    made.runtime.leases.release(held)
    _sweep_for(made, 80)
    assert [case.target.id for case in made.cases()] == ["fourth"]


def _made_a_day_ago(_image: Image) -> Made:
    return Made(by="mallory", at=NOW - timedelta(days=1))


@pytest.mark.parametrize("older", ["by what it says of itself", "by a record", "by the listing's reach"])
def test_what_is_older_than_its_first_listing_counts_as_first_seen(made: Bench, older: str) -> None:
    """A listing lacked it, or didn't read that far: nobody made it since."""
    _sweep_for(made, 20)
    made.lamps.state["fourth"] = "on"
    (kind,) = made.runtime.kinds.values()
    if older == "by what it says of itself":
        kind = msgspec.structs.replace(kind, made=_made_a_day_ago)
    if older == "by a record":
        change = a_change("old", days=-1)
        made.runtime.objects.add_change(_id("fourth"), change)
    if older == "by the listing's reach":
        (row,) = made.storage.rows(Table.CURSORS, "PartitionKey eq 'sweep'")
        made.storage.upsert(Table.CURSORS, row.partition, row.key, {**row.columns, "reach": "one subscription less"})
    runtime = msgspec.structs.replace(made.runtime, kinds={kind.kind: kind})
    sweep(runtime, kind, runtime.settings.workforce)
    kept = made.runtime.objects.read(_id("fourth"))
    assert kept is not None
    assert kept.state.origin.leaves == {EXISTS: True, "state": "on"}


def test_what_comes_back_is_looked_at(made: Bench) -> None:
    _sweep(made)
    for lamps in ({"first": "on"}, {"first": "on", "second": "on"}):
        made.clock.move(_MINUTE)
        made.lamps.state.clear()
        made.lamps.state.update(lamps)
        _sweep(made)
    assert show(made.runtime, _id("second")).seen.leaves == {EXISTS: True, "state": "on"}
    assert show(made.runtime, _id("third")).seen.leaves == {}


def test_what_no_record_tells_is_told_to_people_after_its_grace_and_never_put_back(memory: MemoryStorage) -> None:
    ready = ready_bench(memory)
    ready.sweep()
    assert ready.teams.system_notices == []
    for _ in range(13):
        ready.clock.move(5 * _MINUTE)
        resume(ready.runtime)
    ready.sweep()
    case = ready.only_case()
    assert (case.detection, case.state) == (UNEXPLAINED.id, State.CLOSED)
    assert (case.decision, case.mode) == (Decision.PAGE, Mode.PAGE), "whatever the mode of detections"
    assert (case.target.id, case.actor.id, case.standing) == (LAMP, "", Standing.UNKNOWN)
    assert ready.teams.case_ids() == {case.id} == ready.pagerduty.case_ids()
    shown = with_changes_if_readable(ready.runtime, case)
    assert shown.target.changes == (Change(name="state", old="on", new="off"),)
    assert ready.lamps.writes == []


def test_what_drifts_has_one_case_until_it_stands_otherwise(memory: MemoryStorage) -> None:
    ready = ready_bench(memory)
    _sweep_for(ready, 180)
    assert len(ready.cases()) == 1
    ready.lamps.state[LAMP] = "dim"
    _sweep_for(ready, 180)
    assert len(ready.cases()) == 2
    ready.lamps.state[LAMP] = "on"
    _sweep_for(ready, 180)
    assert (len(ready.cases()), ready.only_object().drifts) == (2, ())


@pytest.mark.parametrize(
    "operation", ["keep evidence", "insert Cases", "replace Cases", "insert Outbox", "write Objects"]
)
@pytest.mark.parametrize("how", ["before", "after"])
def test_a_drift_is_one_case_whatever_storage_does(memory: MemoryStorage, operation: str, how: str) -> None:
    spoilt = SpoiltStorage(memory)
    ready = ready_bench(spoilt)
    ready.sweep()
    ready.clock.move(61 * _MINUTE)
    spoilt.faults.fail_once(operation, how)
    with suppress(EdgeError):
        resume(ready.runtime)
    _sweep_for(ready, 30)
    assert len(ready.cases()) == 1
    assert ready.only_case().state is State.CLOSED
    assert ready.teams.case_ids() == {ready.only_case().id}


def test_a_record_that_comes_after_the_case_joins_it(memory: MemoryStorage) -> None:
    ready = ready_bench(memory)
    changed_at = ready.clock()
    _sweep_for(ready, 120)
    (drift,) = ready.cases()
    ready.take_in(lamp_record(MALLORY, at=changed_at))
    ready.answer_queue()
    by_id = {case.id: case for case in ready.cases()}
    (own,) = by_id.keys() - {drift.id}
    assert (by_id[drift.id].actor.id, by_id[drift.id].standing) == (MALLORY.id, Standing.UNAPPROVED)
    assert own in by_id[drift.id].because
    assert (by_id[own].detection, ready.lamps.writes) == ("lamp-switched", ["set on"])


def test_a_record_that_comes_after_the_sweep_explains_what_it_saw(memory: MemoryStorage) -> None:
    ready = ready_bench(memory)
    ready.sweep()
    assert ready.lamps.writes == []
    ready.take_in(lamp_record())
    ready.answer_queue()
    assert ready.lamps.writes == ["set on"]
    assert ready.teams.system_notices == []


def test_one_that_fails_keeps_no_other_from_being_looked_at(made: Bench) -> None:
    def fail_at_the_first(_number: int, _call: str) -> None:
        made.lamps.spoil = lambda _number, _call: None
        raise ZeroDivisionError

    made.lamps.spoil = fail_at_the_first
    with pytest.raises(ZeroDivisionError):
        _sweep(made)
    assert len([*made.runtime.objects.seen(TENANT, ObjectKind.CA_POLICY)]) == 2
    assert _swept_at(made) is None, "it wasn't a complete one"
    assert _sweep(made).looked_at == 1


def test_one_that_cannot_be_read_is_due_again(made: Bench) -> None:
    def cut(_number: int, _call: str) -> None:
        made.lamps.spoil = lambda _number, _call: None
        raise Unreachable("cut")

    made.lamps.spoil = cut
    _sweep(made)
    assert len(made.runtime.due.ready(made.clock() + _MINUTE, 10)) == 1


def test_a_listing_that_fails_is_an_error_and_nothing_is_believed_gone(made: Bench) -> None:
    _sweep(made)
    kind = made.runtime.kinds[ObjectKind.CA_POLICY]

    def cut(_edges: TenantApi) -> dict[str, Image]:
        raise Unreachable("cut")

    spoilt = msgspec.structs.replace(kind, inventory=msgspec.structs.replace(kind.inventory, read=cut))
    made.clock.move(_MINUTE)
    made.lamps.calls.clear()
    with pytest.raises(EdgeError):
        sweep(made.runtime, spoilt, made.runtime.settings.workforce)
    assert made.lamps.calls == []
    assert _swept_at(made) == NOW


def test_the_time_of_a_sweep_is_that_of_its_beginning(made: Bench) -> None:
    assert _swept_at(made) is None
    made.lamps.spoil = lambda _number, _call: made.clock.move(_MINUTE)
    _sweep(made)
    assert made.clock() == NOW + 3 * _MINUTE
    assert _swept_at(made) == NOW
    (row,) = made.storage.rows(Table.CURSORS, "PartitionKey eq 'sweep'")
    assert row.columns["objects"] == 3


def test_an_object_that_is_held_is_looked_at_later(made: Bench) -> None:
    held = made.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    _sweep(made)
    assert [*made.runtime.objects.seen(TENANT, ObjectKind.CA_POLICY)] == []
    made.runtime.leases.release(held)
    made.clock.move(_MINUTE)
    _sweep(made)
    assert len([*made.runtime.objects.seen(TENANT, ObjectKind.CA_POLICY)]) == 3


def _shining(lamps: Lamps, glows: dict[str, str]) -> Bench:
    """Give lamps of which some glow."""

    def shine(lamp: Image | None) -> Image | None:
        return lamp and lamp | ({"glow": glows[str(lamp["id"])]} if lamp["id"] in glows else {})

    def read(api: TenantApi, lamp: str) -> Image | None:
        return shine(lamps.read(api, lamp))

    def read_all(api: TenantApi) -> dict[str, Image]:
        return {lamp: shine(image) or {} for lamp, image in lamps.read_all(api).items()}

    def leaves(lamp: Image) -> dict[str, Json]:
        return {EXISTS: True, **{name: lamp[name] for name in ("state", "glow") if name in lamp}}

    plain = lamps.kind()
    kind = msgspec.structs.replace(
        plain,
        read=read,
        inventory=msgspec.structs.replace(plain.inventory, read=read_all),
        leaves=leaves,
    )
    storage = MemoryStorage()
    storage.create_all()
    lamps.state[LAMP] = "on"
    ready = ready_bench(storage, lamps=lamps, kinds=(kind,))
    lamps.state[LAMP] = "on"
    return ready


def _sweep_for(ready: Bench, minutes: int) -> None:
    for _ in range(minutes // 10):
        ready.clock.move(10 * _MINUTE)
        ready.sweep()
        resume(ready.runtime)


def test_a_property_that_a_service_adds_to_every_object_is_told_once_for_all(lamps: Lamps) -> None:
    glows: dict[str, str] = {}
    ready = _shining(lamps, glows)
    ready.sweep()
    glows |= dict.fromkeys(lamps.state, "soft")
    _sweep_for(ready, 120)
    (notice,) = ready.teams.system_notices
    assert notice.title == "A property is new to every lamp"
    assert all(show(ready.runtime, _id(lamp)).plan.verdicts == {} for lamp in _LAMPS)
    assert lamps.writes == []


def test_one_that_only_some_have_is_told_of_each(lamps: Lamps) -> None:
    glows: dict[str, str] = {}
    ready = _shining(lamps, glows)
    ready.sweep()
    glows |= {"first": "soft", "second": "soft"}
    _sweep_for(ready, 120)
    assert ready.teams.system_notices == []
    assert [case.detection for case in ready.cases()] == [UNEXPLAINED.id] * 2


def test_what_a_sweep_saw_everywhere_is_asked_for_in_one_read_and_only_where_something_is_unexplained(
    lamps: Lamps,
) -> None:
    spoilt = SpoiltStorage(MemoryStorage())
    spoilt.create_all()
    ready = ready_bench(spoilt, lamps=lamps)
    ready.sweep()
    spoilt.faults.log.clear()
    ready.take_in(lamp_record(lamp="first"))
    lamps.state["first"] = "off"
    ready.answer_queue()
    assert lamps.writes == ["set on"]
    assert not [one for one in spoilt.faults.log if "Cursors" in one]


def test_what_should_have_been_looked_at_is_noted_anew(made: Bench) -> None:
    """Somebody deleted the note, or it was lost: what waits would stand until the night."""
    _sweep(made)
    kept = made.runtime.objects.read(_id("first"))
    assert kept is not None
    made.runtime.objects.replace(kept, msgspec.structs.replace(kept.state, next_look=NOW))
    made.storage.purge(Table.DUE, "PartitionKey ge ''", most=9)
    made.clock.move(4 * _MINUTE)
    _sweep(made)
    assert made.storage.rows(Table.DUE, "PartitionKey ge ''") == [], "a timer is on the way to it"
    made.clock.move(2 * _MINUTE)
    _sweep(made)
    assert [look.id for look in made.runtime.due.ready(made.clock(), 9)] == [_id("first")]
