"""What a person does about a case is shown first, done once, only as it was shown, and with every guard."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from infra.local.world import ALICE, BREAK_GLASS_1, MALLORY, TRUDY, Principal
from shared.authority import journal
from shared.authority.journal import What
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import EdgeError, LeaseLost, Rejected, Unreachable
from shared.model.kinds import Mode, ObjectKind
from shared.model.objects import EXISTS, ObjectId, Op, Provenance, Verdict, key_of
from shared.respond.act_plans import plan_act
from shared.respond.acts import Acted, act
from shared.respond.asking import ActPlan, Asking, Row, Verb, asking_of
from shared.respond.persons import Result, settle, show, subject_of
from shared.respond.resume import resume
from tests.fakes.lamps import LAMP, lamp_event, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)
_ID: Final = ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(LAMP))
_WHO: Final = "Carol Chen"
_WHY: Final = "CHG-7"
_OFF: Final = Row(leaf="state", stands="on", will_be="off")
_ON: Final = Row(leaf="state", stands="off", will_be="on")


@pytest.fixture
def lit(memory: MemoryStorage) -> Bench:
    """Give a lamp that was accepted as on, and that Mallory has switched off."""
    return ready_bench(memory)


@pytest.fixture
def back(lit: Bench) -> Bench:
    """Give the lamp after Mallory's change was put back."""
    lit.take_in(lamp_record())
    lit.answer_queue()
    assert lit.lamps.writes == ["set on"]
    return lit


@pytest.fixture
def watched(memory: MemoryStorage) -> Bench:
    """Give the lamp with Mallory's change on it, of which people were only paged."""
    ready = ready_bench(memory, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    return ready


def _asking(ready: Bench, verb: Verb, case: Case | None = None) -> Asking:
    if verb is Verb.RESTORE:
        return Asking(verb=verb, id=_ID, to=ready.clock() - 2 * _MINUTE)
    return asking_of(case or ready.cases()[0], verb)


def _plan(ready: Bench, verb: Verb, case: Case | None = None) -> ActPlan:
    return plan_act(ready.runtime, _asking(ready, verb, case)).plan


def _act(ready: Bench, verb: Verb, digest: str = "", case: Case | None = None) -> Acted:
    asking = _asking(ready, verb, case)
    digest = digest or plan_act(ready.runtime, asking).plan.digest or "0" * 64
    return act(ready.runtime, asking, digest=digest, by=_WHO, reason=_WHY)


def _go_on(ready: Bench, *, times: int = 2) -> None:
    for _ in range(times):
        ready.clock.move(_MINUTE)
        resume(ready.runtime)
        ready.answer_queue()
    ready.clock.move(_MINUTE)
    ready.sweep()


def _switch(ready: Bench, to: str, *, was: str, by: Principal = MALLORY) -> None:
    ready.clock.move(_MINUTE)
    ready.lamps.state[LAMP] = to
    ready.take_in(lamp_record(by, at=ready.clock(), to=to, was=was))
    ready.clock.move(_MINUTE)
    ready.answer_queue()


def _acts(ready: Bench) -> list[tuple[str, What, str]]:
    chain = journal.history(ready.storage, subject_of(_ID))
    assert chain.problems == ()
    return [(entry.act.who, entry.act.what, entry.act.why) for entry in chain.entries]


def _verdicts(ready: Bench) -> dict[str, Verdict]:
    return {leaf: one.verdict for leaf, one in show(ready.runtime, _ID).plan.verdicts.items()}


def _provenance(ready: Bench) -> tuple[object, Provenance]:
    agreed = show(ready.runtime, _ID).plan.baseline["state"]
    return agreed.value, agreed.provenance


# Undo.


def test_a_put_back_is_undone_and_not_swung_back(back: Bench) -> None:
    """Undoing it is accepting what Mallory wrote, in the person's name."""
    assert _plan(back, Verb.UNDO).rows == (_OFF,)
    assert _act(back, Verb.UNDO).result is Result.DONE
    assert _acts(back)[-1] == (_WHO, What.UNDO, _WHY)
    _go_on(back, times=4)
    assert back.lamps.writes == ["set on", "set off"]
    assert _provenance(back) == ("off", Provenance.PUT_BACK)
    assert _verdicts(back) == {}


def test_an_undo_is_a_case_itself_and_can_be_undone(back: Bench) -> None:
    _act(back, Verb.UNDO)
    _go_on(back)
    (mine,) = [one for one in back.cases() if one.detection == "person-undo"]
    assert (mine.decision, mine.outcome, mine.state) == (Decision.REMEDIATE, Outcome.DONE, State.CLOSED)
    assert (mine.actor.name, mine.put_back[0].new) == (_WHO, "off")
    assert _WHY in mine.standing_because
    assert back.runtime.ledger.before(mine.before) == {"id": LAMP, "state": "on"}
    assert _plan(back, Verb.UNDO, mine).rows == (_ON,)
    assert _act(back, Verb.UNDO, case=mine).result is Result.DONE
    _go_on(back)
    assert back.lamps.writes == ["set on", "set off", "set on"]


def test_somebody_unapproved_who_changes_it_after_the_undo_is_put_back_to_what_the_person_wanted(back: Bench) -> None:
    _act(back, Verb.UNDO)
    _go_on(back)
    _switch(back, "red", was="off")
    assert back.lamps.writes[-1] == "set off"


def test_an_approved_actor_may_have_the_value_that_an_undo_took(back: Bench) -> None:
    """It was the baseline's: nobody took it from an attacker."""
    _act(back, Verb.UNDO)
    _go_on(back)
    _switch(back, "on", was="off", by=ALICE)
    assert (_provenance(back), _verdicts(back)) == (("on", Provenance.APPROVED), {})


def test_a_creation_that_was_taken_away_is_made_again(lit: Bench) -> None:
    lamp = "1a3b0000-0000-4000-8000-000000000002"
    lit.lamps.state[LAMP] = "on"
    lit.lamps.state[lamp] = "dim"
    lit.take_in(lamp_record(lamp=lamp, to="dim", was="gone", at=lit.clock()))
    lit.answer_queue()
    assert lamp not in lit.lamps.state
    plan = _plan(lit, Verb.UNDO)
    assert [(row.leaf, row.stands, row.will_be) for row in plan.rows] == [(EXISTS, None, True), ("state", None, "dim")]
    assert (plan.op, len(plan.cannot)) == (Op.CREATE, 1), "said beforehand: its id"
    assert _act(lit, Verb.UNDO).result is Result.DONE
    _go_on(lit)
    assert lit.lamps.state[lamp] == "dim"


def test_a_deletion_that_was_put_back_is_done_again(lit: Bench) -> None:
    del lit.lamps.state[LAMP]
    lit.take_in(lamp_record(to="gone", was="on"))
    lit.answer_queue()
    assert lit.lamps.state == {LAMP: "on"}
    assert {(row.leaf, row.will_be) for row in _plan(lit, Verb.UNDO).rows} == {(EXISTS, None), ("state", None)}
    assert _act(lit, Verb.UNDO).result is Result.DONE
    _go_on(lit, times=3)
    assert lit.lamps.state == {}
    assert _verdicts(lit) == {}


def test_where_nothing_was_put_back_nothing_can_be_undone(watched: Bench) -> None:
    with pytest.raises(Rejected, match="nothing can be undone"):
        _plan(watched, Verb.UNDO)


def test_what_the_same_write_put_back_for_another_change_stays_put_back(back: Bench) -> None:
    """It has a case of its own, and may be an attacker's."""
    kept = back.runtime.objects.read(_ID)
    assert kept is not None
    (intent,) = kept.state.intents
    shared = replace(intent, steps={**intent.steps, "guest": (True, None)}, changes=(*intent.changes, "another"))
    back.runtime.objects.replace(kept, replace(kept.state, intents=(shared,)))
    assert _plan(back, Verb.UNDO).rows == (_OFF,)


def test_what_was_written_since_by_somebody_is_said_before(back: Bench) -> None:
    back.runtime.approvals.approve(approval(TRUDY))
    _switch(back, "dim", was="on", by=TRUDY)
    case = next(one for one in back.cases() if one.actor.id == MALLORY.id)
    (row,) = _plan(back, Verb.UNDO, case).rows
    assert (row.stands, row.will_be) == ("dim", "off")
    assert "changed since by" in row.note


# Accept.


def test_an_accepted_change_is_the_baseline(watched: Bench) -> None:
    (row,) = _plan(watched, Verb.ACCEPT).rows
    assert (row.stands, row.will_be) == ("off", "off")
    assert _act(watched, Verb.ACCEPT).result is Result.DONE
    assert _acts(watched)[-1] == (_WHO, What.ACCEPT, _WHY)
    watched.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    _go_on(watched)
    assert (watched.lamps.writes, _verdicts(watched)) == ([], {})
    assert _provenance(watched) == ("off", Provenance.ACCEPTED)


def test_an_accepted_change_whose_case_is_open_ends_without_a_put_back(lit: Bench) -> None:
    lit.lamps.touches = frozenset({BREAK_GLASS_1.id})
    lit.take_in(lamp_record())
    (case,) = lit.answer_all()
    assert case.is_open
    _act(lit, Verb.ACCEPT)
    lit.lamps.touches = frozenset()
    _go_on(lit)
    closed = lit.only_case()
    assert (closed.decision, closed.state, lit.lamps.writes) == (Decision.RECORD, State.CLOSED, [])
    assert closed.because == f"{_WHO} accepted it as it stands"
    assert closed.acknowledged_by == _WHO


def test_what_is_accepted_covers_only_what_the_case_is_about(memory: MemoryStorage) -> None:
    """Another change of the same object waits for its own answer."""
    ready = ready_bench(memory, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    (case,) = ready.cases()
    digest = _plan(ready, Verb.ACCEPT, case).digest
    _switch(ready, "red", was="off", by=TRUDY)
    assert _act(ready, Verb.ACCEPT, digest, case).result is Result.MOVED
    assert _verdicts(ready) == {"state": Verdict.LISTED}


# Deny.


def test_a_denied_change_is_put_back_though_people_only_watch(watched: Bench) -> None:
    assert _plan(watched, Verb.DENY).rows == (_ON,)
    assert _act(watched, Verb.DENY).result is Result.DONE
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]
    assert [one.detection for one in watched.cases()] == ["lamp-switched", "person-deny"]


def test_what_is_denied_is_put_back_whenever_it_is_made_again(watched: Bench) -> None:
    _act(watched, Verb.DENY)
    _go_on(watched)
    _switch(watched, "off", was="on", by=TRUDY)
    assert watched.lamps.writes == ["set on", "set on"]
    case = next(one for one in watched.cases() if one.actor.id == TRUDY.id)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE)
    _switch(watched, "red", was="on", by=TRUDY)
    assert watched.lamps.state[LAMP] == "red", "another value is judged by the mode"


def test_a_denied_value_that_nobody_is_known_to_have_written_waits_for_its_record_first(watched: Bench) -> None:
    _act(watched, Verb.DENY)
    _go_on(watched)
    watched.lamps.state[LAMP] = "off"
    watched.clock.move(_MINUTE)
    watched.sweep()
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]
    for _ in range(14):
        watched.clock.move(5 * _MINUTE)
        watched.sweep()
        resume(watched.runtime)
    assert watched.lamps.writes == ["set on", "set on"]


def test_what_is_denied_and_accepted_later_is_held_no_more(watched: Bench) -> None:
    _act(watched, Verb.DENY)
    _go_on(watched)
    _switch(watched, "off", was="on", by=BREAK_GLASS_1)
    assert watched.lamps.writes == ["set on"], "an emergency account is fought by nobody"
    case = next(one for one in watched.cases() if one.actor.id == BREAK_GLASS_1.id)
    assert _act(watched, Verb.ACCEPT, case=case).result is Result.DONE
    assert watched.only_object().denied == ()


def test_a_denied_value_in_a_baseline_that_was_accepted_later_is_held_no_more(watched: Bench) -> None:
    _act(watched, Verb.DENY)
    _go_on(watched)
    _switch(watched, "off", was="on", by=ALICE)
    case = next(one for one in watched.cases() if one.actor.id == ALICE.id)
    assert _act(watched, Verb.LEAVE, case=case).result is Result.DONE
    assert [one.value for one in watched.only_object().denied] == ["off"]
    watched.accept()
    assert _provenance(watched) == ("off", Provenance.ACCEPTED)
    assert watched.only_object().denied == ()


def test_a_change_that_was_denied_when_it_stood_no_more_is_not_said_to_be_accepted(lit: Bench) -> None:
    lit.lamps.touches = frozenset({BREAK_GLASS_1.id})
    lit.take_in(lamp_record())
    lit.answer_all()
    lit.lamps.state[LAMP] = "on"
    assert _act(lit, Verb.DENY).result is Result.DONE
    _go_on(lit)
    closed = lit.only_case()
    assert (closed.state, closed.outcome) == (State.CLOSED, Outcome.ALREADY)
    assert "accepted" not in closed.because


def test_an_approved_change_can_be_denied(lit: Bench) -> None:
    lit.take_in(lamp_record(ALICE))
    lit.answer_queue()
    assert _provenance(lit) == ("off", Provenance.APPROVED)
    assert _plan(lit, Verb.DENY).rows == (_ON,)
    assert _act(lit, Verb.DENY).result is Result.DONE
    _go_on(lit)
    assert (lit.lamps.writes, _verdicts(lit)) == (["set on"], {})


def test_denying_what_is_put_back_already_only_holds_it(back: Bench) -> None:
    assert _act(back, Verb.DENY).result is Result.DONE
    _go_on(back)
    assert back.lamps.writes == ["set on"]
    back.runtime.controls.set_mode("*", Mode.OBSERVE, by="a test", reason="a test")
    _switch(back, "off", was="on", by=TRUDY)
    assert back.lamps.writes == ["set on", "set on"]
    case = next(one for one in back.cases() if one.actor.id == TRUDY.id)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE), "it says what was done, in any mode"


# Leave.


def test_what_a_case_waits_for_is_left_without_being_accepted(watched: Bench) -> None:
    assert _act(watched, Verb.LEAVE).result is Result.DONE
    _go_on(watched)
    assert _verdicts(watched) == {"state": Verdict.LEFT}
    assert _provenance(watched) == ("on", Provenance.ACCEPTED)
    assert _act(watched, Verb.LEAVE).result is Result.ALREADY


def test_who_left_something_may_still_deny_it(watched: Bench) -> None:
    _act(watched, Verb.LEAVE)
    assert _act(watched, Verb.DENY).result is Result.DONE
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]


# Restore.


def _restoring(to: datetime) -> Asking:
    return Asking(verb=Verb.RESTORE, id=_ID, to=to)


def test_an_object_is_restored_to_how_it_stood(lit: Bench) -> None:
    then = lit.clock() - _MINUTE
    lit.take_in(lamp_record(ALICE, at=lit.clock()))
    lit.answer_queue()
    asking = _restoring(then)
    plan = plan_act(lit.runtime, asking).plan
    (row,) = plan.rows
    assert (row.stands, row.will_be, row.note) == ("off", "on", f"approved since: {ALICE.upn}")
    assert act(lit.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY).result is Result.DONE
    _go_on(lit)
    assert (lit.lamps.writes, _verdicts(lit)) == (["set on"], {})
    _switch(lit, "off", was="on", by=ALICE)
    assert _provenance(lit) == ("off", Provenance.APPROVED), "she may decide otherwise again"


def test_an_object_that_is_gone_is_restored(lit: Bench) -> None:
    then = lit.clock() - _MINUTE
    del lit.lamps.state[LAMP]
    lit.take_in(lamp_record(ALICE, to="gone", was="on", at=lit.clock()))
    lit.answer_queue()
    asking = _restoring(then)
    plan = plan_act(lit.runtime, asking).plan
    assert plan.op is Op.CREATE
    act(lit.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY)
    _go_on(lit)
    assert lit.lamps.state == {LAMP: "on"}


def test_a_time_of_which_no_version_is_kept_says_so(back: Bench) -> None:
    with pytest.raises(Rejected, match="isn't kept"):
        plan_act(back.runtime, _restoring(back.clock() - timedelta(days=400)))


# All of them.

_READY: Final[Mapping[Verb, str]] = {
    Verb.UNDO: "back",
    Verb.ACCEPT: "watched",
    Verb.DENY: "watched",
    Verb.LEAVE: "watched",
    Verb.RESTORE: "watched",
}


@pytest.fixture(params=_READY)
def asked(request: pytest.FixtureRequest) -> tuple[Bench, Verb]:
    verb: Verb = request.param
    ready: Bench = request.getfixturevalue(_READY[verb])
    ready.clock.move(-_MINUTE)
    ready.clock.move(_MINUTE)
    return ready, verb


def _fixed(ready: Bench, verb: Verb) -> Asking:
    if verb is Verb.RESTORE:
        return Asking(verb=verb, id=_ID, to=ready.clock() - 7 * _MINUTE)
    return asking_of(ready.cases()[0], verb)


def test_done_again_it_is_done_already(asked: tuple[Bench, Verb]) -> None:
    ready, verb = asked
    asking = _fixed(ready, verb)
    plan = plan_act(ready.runtime, asking).plan
    results = [act(ready.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY).result for _ in range(2)]
    assert results == [Result.DONE, Result.ALREADY]
    _go_on(ready)
    writes = list(ready.lamps.writes)
    assert act(ready.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY).result is Result.ALREADY
    _go_on(ready)
    assert ready.lamps.writes == writes
    assert len([one for one in _acts(ready) if one[0] == _WHO and one[2] == _WHY]) == 1


def test_a_plan_that_is_out_of_date_does_nothing(asked: tuple[Bench, Verb]) -> None:
    ready, verb = asked
    asking = _fixed(ready, verb)
    plan = plan_act(ready.runtime, asking).plan
    ready.lamps.state[LAMP] = "red"
    before, acts = ready.only_object(), _acts(ready)
    acted = act(ready.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY)
    assert acted.result in {Result.MOVED, Result.NOTHING}
    assert acted.plan is not None
    assert acted.plan.digest != plan.digest
    assert (ready.only_object(), _acts(ready)) == (before, acts)


@pytest.mark.parametrize("digest", ["", "0" * 64, "0123"])
def test_only_the_plan_that_was_shown_is_done(asked: tuple[Bench, Verb], digest: str) -> None:
    ready, verb = asked
    before = ready.only_object()
    assert act(ready.runtime, _fixed(ready, verb), digest=digest, by=_WHO, reason=_WHY).result is Result.MOVED
    assert ready.only_object() == before


def test_of_two_operators_at_once_the_second_is_shown_a_new_plan(watched: Bench) -> None:
    deny, accept = _plan(watched, Verb.DENY), _plan(watched, Verb.ACCEPT)
    assert act(watched.runtime, deny.asking, digest=deny.digest, by=_WHO, reason=_WHY).result is Result.DONE
    other = act(watched.runtime, accept.asking, digest=accept.digest, by="Dan", reason=_WHY)
    assert other.result is Result.MOVED
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]


def test_who_left_it_meanwhile_is_not_gone_over(watched: Bench) -> None:
    deny = _plan(watched, Verb.DENY)
    assert _act(watched, Verb.LEAVE).result is Result.DONE
    acted = act(watched.runtime, deny.asking, digest=deny.digest, by="Dan", reason=_WHY)
    assert acted.result is Result.MOVED
    assert _verdicts(watched) == {"state": Verdict.LEFT}


def test_while_the_object_is_held_nothing_is_done(asked: tuple[Bench, Verb]) -> None:
    ready, verb = asked
    asking = _fixed(ready, verb)
    plan = plan_act(ready.runtime, asking).plan
    held = ready.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    acts = _acts(ready)
    assert act(ready.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY).result is Result.BUSY
    assert _acts(ready) == acts
    ready.runtime.leases.release(held)
    assert act(ready.runtime, asking, digest=plan.digest, by=_WHO, reason=_WHY).result is Result.DONE
    assert ready.runtime.leases.held() == []


@pytest.mark.parametrize(("by", "reason"), [("", _WHY), (_WHO, ""), (_WHO, " ")])
def test_who_and_why_are_asked_for(asked: tuple[Bench, Verb], by: str, reason: str) -> None:
    ready, verb = asked
    asking = _fixed(ready, verb)
    plan = plan_act(ready.runtime, asking).plan
    before = ready.only_object()
    with pytest.raises(ValueError, match=r".+"):
        act(ready.runtime, asking, digest=plan.digest, by=by, reason=reason)
    assert ready.only_object() == before


def test_an_act_that_cannot_be_journalled_takes_no_effect(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    ready = ready_bench(storage, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    plan = _plan(ready, Verb.DENY)
    before = ready.only_object()
    storage.faults.fail(f"insert {Table.JOURNAL}")
    with pytest.raises(Unreachable):
        act(ready.runtime, plan.asking, digest=plan.digest, by=_WHO, reason=_WHY)
    assert ready.only_object() == before
    storage.faults.heal()
    assert act(ready.runtime, plan.asking, digest=plan.digest, by=_WHO, reason=_WHY).result is Result.DONE


def test_a_case_about_nothing_that_is_guarded_is_refused(lit: Bench) -> None:
    made = lit.runtime.ledger.open("lamp-switched", lamp_event(), b"{}")
    assert made is not None
    with pytest.raises(Rejected, match="about nothing that the app puts back"):
        asking_of(made, Verb.UNDO)


def test_an_object_that_is_gone_from_the_store_is_refused(watched: Bench) -> None:
    asking = _asking(watched, Verb.DENY)
    other = Asking(
        verb=Verb.DENY, id=ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key="0" * 32), case=asking.case
    )
    with pytest.raises(Rejected, match="0000"):
        plan_act(watched.runtime, other)


_GUARDS: Final[Mapping[str, Callable[[Bench], None]]] = {
    "an emergency account would lose": lambda ready: setattr(ready.lamps, "touches", frozenset({BREAK_GLASS_1.id})),
    "the kill switch is on": lambda ready: ready.runtime.controls.stop(by="a test", reason="a migration"),
}


@pytest.mark.parametrize(("because", "spoil"), _GUARDS.items(), ids=_GUARDS)
def test_guards_that_bind_people_are_shown_hold_and_are_waited_for(
    watched: Bench, because: str, spoil: Callable[[Bench], None]
) -> None:
    spoil(watched)
    plan = _plan(watched, Verb.DENY)
    assert any(because in one.because for one in plan.objections.values())
    assert _act(watched, Verb.DENY).result is Result.DONE
    _go_on(watched)
    assert watched.lamps.writes == []
    mine = next(one for one in watched.cases() if one.detection == "person-deny")
    assert (mine.outcome, mine.is_open) == (Outcome.PENDING, True)
    assert because in mine.pending
    watched.lamps.touches = frozenset()
    watched.runtime.controls.start(by="a test", reason="it is over")
    watched.clock.move(timedelta(hours=1))
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]
    mine = next(one for one in watched.cases() if one.detection == "person-deny")
    assert (mine.outcome, mine.is_open) == (Outcome.DONE, False)


def test_what_somebody_writes_before_it_is_written_is_not_gone_over(watched: Bench) -> None:
    watched.runtime.approvals.approve(approval(TRUDY))
    _act(watched, Verb.DENY)
    watched.clock.move(_MINUTE)
    watched.lamps.state[LAMP] = "dim"
    watched.take_in(lamp_record(TRUDY, at=watched.clock(), to="dim", was="off"))
    _go_on(watched, times=3)
    assert (watched.lamps.writes, watched.lamps.state[LAMP]) == ([], "dim")
    mine = next(one for one in watched.cases() if one.detection == "person-deny")
    assert (mine.outcome, mine.is_open) == (Outcome.ALREADY, False)


def test_a_settled_change_and_one_that_is_asked_for_are_written_all_the_same(watched: Bench) -> None:
    settle(watched.runtime, _ID, by=_WHO, reason=_WHY)
    assert _act(watched, Verb.DENY).result is Result.DONE
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("verb", [Verb.DENY, Verb.ACCEPT, Verb.LEAVE])
def test_an_act_that_storage_breaks_off_anywhere_is_done_again(memory: MemoryStorage, verb: Verb, how: str) -> None:
    """Each operation of the act fails once, or its answer is lost; the person does it again by the same plan."""
    storage = SpoiltStorage(memory)
    ready = ready_bench(storage, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    plan = _plan(ready, verb)
    number = 0
    while True:
        broken = _break_at(storage, number, how)
        try:
            result = act(ready.runtime, plan.asking, digest=plan.digest, by=_WHO, reason=_WHY).result
        except (EdgeError, LeaseLost):
            result = None
        is_broken = broken()
        storage.faults.heal()
        ready.clock.move(3 * _MINUTE)  # a lease that couldn't be let go ends
        if result is Result.DONE or not is_broken:
            break
        number += 1
    again = act(ready.runtime, plan.asking, digest=plan.digest, by=_WHO, reason=_WHY).result
    assert again is Result.ALREADY
    _go_on(ready)
    assert ready.lamps.writes == (["set on"] if verb is Verb.DENY else [])
    assert len([one for one in ready.only_object().acceptances if one.id]) == (0 if verb is Verb.LEAVE else 1)


def _break_at(storage: SpoiltStorage, number: int, how: str) -> Callable[[], bool]:
    """Break one write, by its number from 0; what it gives says whether it came to that."""
    left, hit = number, False

    def spoil(operation: str) -> str:
        nonlocal left, hit
        if hit or operation.startswith(("row", "blob", "pages")):
            return ""
        if left:
            left -= 1
            return ""
        hit = True
        return how

    storage.faults.spoil = spoil
    return lambda: hit


def _cut(_number: int, call: str) -> None:
    if call == "look":
        raise Unreachable("no identity here")


def test_where_the_tenant_cannot_be_read_from_the_plan_is_of_what_was_last_read_and_says_so(watched: Bench) -> None:
    """A person's laptop may reach the tables alone; the app reads again before it writes."""
    watched.lamps.spoil = _cut
    plan = _plan(watched, Verb.DENY)
    assert plan.rows == (_ON,)
    assert "asked only by the app: no identity here" in plan.objections["*"].because
    assert _act(watched, Verb.DENY, plan.digest).result is Result.DONE
    watched.lamps.spoil = lambda _number, _call: None
    _go_on(watched)
    assert watched.lamps.writes == ["set on"]


def test_while_it_is_not_known_who_is_approved_nothing_is_planned(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    ready = ready_bench(storage, mode=Mode.PAGE)
    ready.take_in(lamp_record())
    ready.answer_queue()
    storage.faults.fail(f"rows {Table.APPROVED_ACTORS}")
    with pytest.raises(Rejected, match="not known who is approved"):
        _plan(ready, Verb.DENY)


def test_a_case_waits_while_it_is_not_known_what_stands(watched: Bench) -> None:
    """Somebody unknown writes it in between: for an hour nobody can say whether the wish was met or gone over."""
    _act(watched, Verb.DENY)
    watched.lamps.state[LAMP] = "red"
    _go_on(watched)
    mine = next(one for one in watched.cases() if one.detection == "person-deny")
    assert (mine.is_open, watched.lamps.writes) == (True, [])
    for _ in range(14):
        watched.clock.move(5 * _MINUTE)
        watched.sweep()
        resume(watched.runtime)
    mine = next(one for one in watched.cases() if one.detection == "person-deny")
    assert (mine.outcome, mine.is_open) == (Outcome.ALREADY, False)


def test_what_an_undo_wrote_over_was_not_put_back(back: Bench) -> None:
    """Trudy's change waits under a guard; a person has the older put-back undone, and so hers is gone."""
    back.lamps.touches = frozenset({BREAK_GLASS_1.id})
    _switch(back, "red", was="on", by=TRUDY)
    first = next(one for one in back.cases() if one.actor.id == MALLORY.id)
    assert _act(back, Verb.UNDO, case=first).result is Result.DONE
    back.lamps.touches = frozenset()
    _go_on(back)
    assert back.lamps.state[LAMP] == "off"
    hers = next(one for one in back.cases() if one.actor.id == TRUDY.id)
    assert (hers.outcome, hers.is_open, hers.put_back) == (Outcome.ALREADY, False, ())
