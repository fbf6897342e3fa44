"""The whole way: from a record to its end, whatever fails on the way."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import (
    ALICE,
    BREAK_GLASS_1,
    IMPOSTOR,
    MALLORY,
    RELEASE_PIPELINE,
    RESPONDER,
    RESPONDER_B2C,
    TRUDY,
    Principal,
)
from shared.clients.storage import Storage
from shared.clients.storage_names import Container, Table
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.errors import Unreachable
from shared.model.kinds import ApprovalList, Image, Mode
from shared.model.objects import IntentState, Objection
from shared.respond.persons import settle
from shared.respond.pipeline import answer
from shared.respond.resume import resume
from tests.fakes.clock import NOW
from tests.fakes.lamps import AT, LAMP, Lamps, lamp_record, switching
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, approval, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_MINUTE: Final = timedelta(minutes=1)


@pytest.fixture
def lit(storage: Storage) -> Bench:
    """Give a lamp that was switched off without approval, on the storage that is run on."""
    return ready_bench(storage)


@pytest.fixture
def quick(memory: MemoryStorage) -> Bench:
    """Give one whose storage is always in memory."""
    return ready_bench(memory)


def _answer(ready: Bench, by: Principal | None = MALLORY, **differences: Any) -> Case:  # noqa: ANN401 - as lamp_record takes
    ready.take_in(lamp_record(by, **differences))
    (case,) = ready.answer_all()
    return case


def _ended(case: Case) -> tuple[Standing, Decision, Outcome, State]:
    return case.standing, case.decision, case.outcome, case.state


_PUT_BACK: Final = (Standing.UNAPPROVED, Decision.REMEDIATE, Outcome.DONE, State.CLOSED)
_PAGED: Final = (Standing.UNAPPROVED, Decision.PAGE, Outcome.NONE, State.CLOSED)
_DOUBTED: Final = (Standing.UNKNOWN, Decision.PAGE, Outcome.NONE, State.CLOSED)
_WOULD: Final = 'would put it back: Put state of the lamp "The lamp in the hall" back as before'
_RECORDED: Final = (Standing.APPROVED, Decision.RECORD, Outcome.NONE, State.CLOSED)


def _paged(ready: Bench) -> bool:
    return bool(ready.teams.sent or ready.pagerduty.sent)


# The main job.


def test_an_approved_change_is_only_recorded(lit: Bench) -> None:
    case = _answer(lit, ALICE)
    assert _ended(case) == _RECORDED
    assert "ticket CHG-1042" in case.standing_because
    assert (lit.lamps.writes, _paged(lit)) == ([], False)


def test_an_unapproved_change_is_put_back_and_told(lit: Bench) -> None:
    case = _answer(lit)
    assert _ended(case) == _PUT_BACK
    assert case.summary == 'Put state of the lamp "The lamp in the hall" back as before'
    assert case.proof == "stands as before: state, as read back 0 s after it was decided"
    assert [(one.name, one.old, one.new) for one in case.put_back] == [("state", "off", "on")]
    assert lit.lamps.state[LAMP] == "on"
    assert lit.lamps.writes == ["set on"]
    assert lit.teams.addressed() == [(case.id, "", 0)]
    assert lit.pagerduty.sent == [], "nobody has to do anything"


def test_the_impostor_with_an_approved_name_is_put_back(lit: Bench) -> None:
    lit.runtime.approvals.approve(approval(RELEASE_PIPELINE))
    assert _ended(_answer(lit, IMPOSTOR)) == _PUT_BACK


def test_a_case_that_is_closed_is_never_answered_again(lit: Bench) -> None:
    case = _answer(lit)
    for _ in range(3):
        assert answer(lit.runtime, TENANT, case.id) is None
        lit.sweep()
        lit.clock.move(timedelta(hours=1))
    assert lit.lamps.writes == ["set on"]
    assert len(lit.teams.sent) == 1


def test_the_same_record_delivered_again_changes_nothing(lit: Bench) -> None:
    record = lamp_record()
    lit.take_in(record, record)
    lit.answer_all()
    intake = lit.take_in(record)
    assert (intake.matches, intake.opened) == (1, 0)
    assert len(lit.cases()) == 1
    assert lit.lamps.writes == ["set on"]


def test_what_is_already_as_it_should_be_is_told_as_such(lit: Bench) -> None:
    lit.lamps.state[LAMP] = "on"
    case = _answer(lit)
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.ALREADY)
    assert lit.lamps.writes == []


def test_what_a_record_does_not_say_is_put_back_by_the_versions_around_it(quick: Bench) -> None:
    """The version that stood before the write is kept: after it nothing else shows what the change wrote."""
    target: Image = {"id": LAMP, "displayName": "The lamp in the hall", "type": "Other", "modifiedProperties": []}
    quick.lamps.spoil = lambda _number, _call: quick.clock.move(timedelta(milliseconds=20))
    case = _answer(quick, targetResources=[target])
    assert _ended(case) == _PUT_BACK
    assert quick.lamps.writes == ["set on"]
    assert [one.leaves["state"] for one in quick.only_object().versions] == ["off", "on"]


def test_the_image_before_and_the_intent_are_kept_before_anything_is_written(lit: Bench) -> None:
    """Without them nothing could be undone, and a run that died would leave no word of what it did."""
    kept: list[tuple[bytes | None, list[tuple[object, object]]]] = []

    def look_at_evidence(_number: int, call: str) -> None:
        if call.startswith("set"):
            (name,) = [
                one for one in lit.storage.blob_names(Container.EVIDENCE, f"{TENANT}/objects/") if "before" in one
            ]
            state = lit.only_object()
            kept.append((lit.storage.blob(Container.EVIDENCE, name), [(one.state, one.steps) for one in state.intents]))

    lit.lamps.spoil = look_at_evidence
    case = _answer(lit)
    assert case.before
    ((image, intents),) = kept
    assert json.loads(image or b"") == {"id": LAMP, "state": "off"}
    assert intents == [(IntentState.OPEN, {"state": ("off", "on")})]
    assert [one.state for one in lit.only_object().intents] == [IntentState.BOOKED]


def test_nothing_is_written_while_the_image_before_cannot_be_kept(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    ready.take_in(lamp_record())
    storage.faults.fail("keep evidence")
    with pytest.raises(Unreachable):
        ready.answer_queue()
    assert ready.lamps.writes == []
    storage.faults.heal()
    ready.clock.move(3 * _MINUTE)
    resume(ready.runtime)
    assert ready.lamps.writes == ["set on"]


def test_a_tenant_that_still_shows_the_object_as_it_was_is_looked_at_again(quick: Bench) -> None:
    """Services are eventually consistent: right after the change it may seem that there is nothing to put back."""
    shown = iter(["on", "on"])

    def lag(_number: int, call: str) -> None:
        if call == "look":
            quick.lamps.state[LAMP] = next(shown, "off")

    quick.lamps.spoil = lag
    quick.take_in(lamp_record(at=NOW))
    (case,) = quick.answer_all()
    assert quick.lamps.writes == ["set on"]
    assert case.outcome is not Outcome.ALREADY


# Whatever isn't certain is paged, and nothing is written to the tenant.


def test_observing_says_what_would_be_done_and_does_nothing(memory: MemoryStorage) -> None:
    ready = ready_bench(memory, mode=Mode.OBSERVE)
    case = _answer(ready)
    assert _ended(case) == (Standing.UNAPPROVED, Decision.RECORD, Outcome.NONE, State.CLOSED)
    assert (case.mode, case.would) == (Mode.OBSERVE, _WOULD)
    assert (ready.lamps.writes, _paged(ready)) == ([], False)


def test_mode_page_pages_and_says_what_enforce_would_have_done(memory: MemoryStorage) -> None:
    ready = ready_bench(memory, mode=Mode.PAGE)
    case = _answer(ready)
    assert (_ended(case), case.would) == (_PAGED, _WOULD)
    assert ready.lamps.writes == []
    assert len(ready.teams.sent) == len(ready.pagerduty.sent) == 1


def test_a_detection_without_remediation_pages(memory: MemoryStorage) -> None:
    lamps = Lamps()
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.detection(remediation=None),))
    case = _answer(ready)
    assert _ended(case) == _PAGED
    assert "not put back automatically" in case.because
    assert lamps.writes == []


def _without_approvals(ready: Bench) -> None:
    ready.storage.delete_table(Table.APPROVED_ACTORS)


def _with_an_empty_list(ready: Bench) -> None:
    ready.storage.delete_table(Table.APPROVED_ACTORS)
    ready.storage.create_all()


def _without_controls(ready: Bench) -> None:
    ready.storage.delete_table(Table.CONTROLS)


def _with_the_kill_switch_on(ready: Bench) -> None:
    ready.runtime.controls.stop(by="Carol Chen", reason="a test")


def _with_a_break_glass_account_that_loses(ready: Bench) -> None:
    ready.lamps.touches = frozenset({BREAK_GLASS_1.id})


def _with_the_responders_own_rights(ready: Bench) -> None:
    ready.lamps.touches = frozenset({RESPONDER.id})


def _with_the_kinds_own_guard(ready: Bench) -> None:
    ready.lamps.objection = Objection(guard="dark", because="somebody may stumble", can_pass=False)


def _first_seen(ready: Bench) -> None:
    kept = ready.runtime.objects.read(ready.only_object().id)
    assert kept is not None
    ready.runtime.objects.replace(kept, msgspec.structs.replace(kept.state, acceptances=()))


_DOUBTS: Final[dict[str, tuple[Callable[[Bench], None], str]]] = {
    "the list is empty": (_with_an_empty_list, "not known whether the actor is approved"),
    "the kill switch is on": (_with_the_kill_switch_on, "the kill switch is on"),
    "the kind objects": (_with_the_kinds_own_guard, "somebody may stumble"),
    "nobody has accepted what would be restored": (_first_seen, "accepted by nobody"),
}
_UNREAD: Final[dict[str, Callable[[Bench], None]]] = {
    "the approvals are gone": _without_approvals,
    "the controls are gone": _without_controls,
}
_PASSING: Final[dict[str, tuple[Callable[[Bench], None], str]]] = {
    "a break-glass account would lose": (_with_a_break_glass_account_that_loses, "an emergency account would lose"),
    "the responder would lose": (_with_the_responders_own_rights, "a protected principal would lose"),
}


@pytest.mark.parametrize(("spoil", "because"), _DOUBTS.values(), ids=list(_DOUBTS))
def test_doubt_is_paged_and_nothing_is_written(quick: Bench, spoil: Callable[[Bench], None], because: str) -> None:
    spoil(quick)
    case = _answer(quick)
    assert case.decision is Decision.PAGE
    assert because in case.because
    assert (case.outcome, case.state) == (Outcome.NONE, State.CLOSED)
    assert quick.lamps.writes == []
    assert quick.lamps.state[LAMP] == "off"
    assert quick.teams.addressed() == quick.pagerduty.addressed() == [(case.id, "", 0)]


@pytest.mark.parametrize("spoil", _UNREAD.values(), ids=list(_UNREAD))
def test_what_cannot_be_judged_is_paged_and_judged_again_later(quick: Bench, spoil: Callable[[Bench], None]) -> None:
    spoil(quick)
    case = _answer(quick)
    assert "it is not known who is approved" in case.because
    assert (case.outcome, case.is_open) == (Outcome.PENDING, True)
    assert (quick.lamps.writes, len(quick.teams.sent)) == ([], 1)


@pytest.mark.parametrize(("spoil", "because"), _PASSING.values(), ids=list(_PASSING))
def test_what_can_pass_is_paged_once_and_tried_again(
    quick: Bench, spoil: Callable[[Bench], None], because: str
) -> None:
    spoil(quick)
    case = _answer(quick)
    assert because in case.because
    assert (case.outcome, case.is_open) == (Outcome.PENDING, True)
    assert (quick.lamps.writes, quick.teams.addressed()) == ([], [(case.id, "", 0)])
    for _ in range(3):
        quick.clock.move(3 * _MINUTE)
        resume(quick.runtime)
    assert (quick.lamps.writes, len(quick.teams.sent)) == ([], 1)
    quick.lamps.touches = frozenset()
    quick.clock.move(60 * _MINUTE)
    resume(quick.runtime)
    assert quick.lamps.writes == ["set on"]
    assert _ended(quick.only_case()) == _PUT_BACK


def test_what_a_break_glass_account_did_is_paged_and_left(quick: Bench) -> None:
    case = _answer(quick, BREAK_GLASS_1)
    assert _ended(case) == _DOUBTED
    assert "an emergency account made the change" in case.standing_because
    assert quick.lamps.writes == []


def test_a_record_without_an_actor_is_paged(quick: Bench) -> None:
    case = _answer(quick, None)
    assert (_ended(case), quick.lamps.writes) == (_DOUBTED, [])


def test_a_change_of_long_ago_is_not_waited_for(quick: Bench) -> None:
    """Whatever it did has shown by now."""
    quick.lamps.state[LAMP] = "on"
    _answer(quick, at=AT - 60 * _MINUTE)
    assert quick.clock.waits == []


def test_a_change_under_the_responders_identity_that_it_did_not_make_calls_everybody(quick: Bench) -> None:
    """Somebody has its identity: no list approves it."""
    quick.runtime.approvals.approve(approval(RESPONDER))
    case = _answer(quick, RESPONDER)
    assert (case.decision, case.state) == (Decision.PAGE, State.CLOSED)
    assert "somebody has its identity" in case.because
    assert _paged(quick)


def test_the_record_of_a_put_back_of_the_responders_own_opens_no_case(quick: Bench) -> None:
    _answer(quick)
    quick.clock.move(_MINUTE)
    quick.take_in(lamp_record(RESPONDER, at=quick.clock() - _MINUTE, to="on"))
    assert len(quick.answer_all()) == 1
    assert quick.lamps.writes == ["set on"]


def test_another_tenants_responder_is_nobody(quick: Bench) -> None:
    assert _ended(_answer(quick, RESPONDER_B2C)) == _PUT_BACK


def test_a_tenant_that_is_not_configured_is_paged_and_nothing_of_it_is_read(quick: Bench) -> None:
    other = "99999999-7a18-4f93-9c25-e81f60a7b3d2"
    quick.lamps.calls.clear()
    quick.take_in(lamp_record(), tenant_id=other)
    (case,) = quick.answer_all(other)
    assert (case.decision, case.state) == (Decision.PAGE, State.CLOSED)
    assert "is not configured" in case.because
    assert quick.lamps.calls == []
    assert len(quick.teams.sent) == 1


def test_the_hourly_limit_counts_objects_that_were_put_back_and_the_rest_follows_later(memory: MemoryStorage) -> None:
    lamps = Lamps({LAMP: "on", "second": "on"})
    ready = ready_bench(memory, lamps=lamps, REMEDIATIONS_PER_HOUR="1")
    lamps.state["second"] = "off"
    ready.take_in(lamp_record(ALICE, lamp="third"), lamp_record(None, lamp="third"))
    ready.answer_all()
    ready.take_in(lamp_record(), lamp_record(lamp="second"))
    outcomes = {case.target.id: case.outcome for case in ready.answer_all() if case.actor.id == MALLORY.id}
    assert outcomes == {LAMP: Outcome.DONE, "second": Outcome.PENDING}
    ready.clock.move(61 * _MINUTE)
    resume(ready.runtime)
    assert lamps.state == {LAMP: "on", "second": "on"}


# Whose changes are undone, and what is gone back to.


def _switch(ready: Bench, by: Principal, to: str, *, minutes: float, was: str = "on") -> None:
    """Let somebody switch the lamp so many minutes after the first test's change; its record comes at once."""
    at = AT + timedelta(minutes=minutes)
    if ready.clock() < at:
        ready.clock.move(at - ready.clock() + timedelta(seconds=1))
    ready.lamps.state[LAMP] = to
    ready.take_in(lamp_record(by, at=at, to=to, was=was))


def test_a_run_of_unapproved_changes_is_undone_as_one(quick: Bench) -> None:
    _switch(quick, MALLORY, "off", minutes=0)
    _switch(quick, TRUDY, "dim", minutes=1, was="off")
    _switch(quick, MALLORY, "red", minutes=2, was="dim")
    cases = quick.answer_all()
    assert [(case.decision, case.outcome) for case in cases] == [(Decision.REMEDIATE, Outcome.DONE)] * 3
    assert (quick.lamps.state[LAMP], quick.lamps.writes) == ("on", ["set on"])


def test_an_approved_change_that_came_later_is_not_undone(quick: Bench) -> None:
    _switch(quick, MALLORY, "off", minutes=0)
    _switch(quick, ALICE, "dim", minutes=1, was="off")
    first, second = quick.answer_all()
    assert (first.outcome, second.decision) == (Outcome.ALREADY, Decision.RECORD)
    assert quick.lamps.state[LAMP] == "dim"


def test_an_approved_change_before_is_what_is_gone_back_to(quick: Bench) -> None:
    """Its record says what it wrote, so no new snapshot is needed."""
    _switch(quick, ALICE, "dim", minutes=0)
    _switch(quick, MALLORY, "off", minutes=1, was="dim")
    _, second = quick.answer_all()
    assert (second.decision, second.outcome) == (Decision.REMEDIATE, Outcome.DONE)
    assert quick.lamps.state[LAMP] == "dim"


def test_what_a_break_glass_account_did_before_is_not_undone_with_a_later_change(quick: Bench) -> None:
    """In an emergency somebody else's later change must not bring back what locked everybody out."""
    _switch(quick, BREAK_GLASS_1, "dim", minutes=0)
    _switch(quick, MALLORY, "off", minutes=1, was="dim")
    _, second = quick.answer_all()
    assert second.decision is Decision.PAGE
    assert "nobody has accounted for" in second.because
    assert quick.lamps.writes == []


def test_what_a_break_glass_account_did_later_is_not_undone_with_an_earlier_change(quick: Bench) -> None:
    _switch(quick, MALLORY, "off", minutes=0)
    _switch(quick, BREAK_GLASS_1, "dim", minutes=1, was="off")
    _, second = quick.answer_all()
    assert second.decision is Decision.PAGE
    assert (quick.lamps.state[LAMP], quick.lamps.writes) == ("dim", [])


def test_what_stood_while_people_only_watched_is_listed_for_a_person_when_enforce_comes(memory: MemoryStorage) -> None:
    ready = ready_bench(memory, mode=Mode.PAGE)
    _switch(ready, MALLORY, "off", minutes=0)
    ready.answer_all()
    ready.clock.move(14 * 24 * 60 * _MINUTE)
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    ready.sweep()
    resume(ready.runtime)
    assert ready.lamps.writes == []
    settle(ready.runtime, ready.only_object().id, by="Carol Chen", reason="it was wrong")
    resume(ready.runtime)
    assert ready.lamps.writes == ["set on"]


def test_another_change_is_judged_by_the_list_of_its_own_detection(memory: MemoryStorage) -> None:
    """Alice may break lamps, but not switch them."""
    lamps = Lamps()
    broken = lamps.detection(id="lamp-broken", when=switching("Break lamp"), unless_actor_in=ApprovalList.RBAC_ROLES)
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.detection(), broken))
    ready.runtime.approvals.approve(approval(TRUDY))
    ready.runtime.approvals.revoke(ApprovalList.CONDITIONAL_ACCESS, ALICE.id, by="a test")
    ready.runtime.approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES))
    ready.clock.move(2 * _MINUTE)
    ready.take_in(lamp_record(ALICE, at=NOW + _MINUTE, to="dim", activityDisplayName="Break lamp"))
    ready.take_in(lamp_record(ALICE, at=NOW + 1.5 * _MINUTE, lamp="another"))
    standings = {case.detection: case.standing for case in ready.answer_all()}
    assert standings == {"lamp-broken": Standing.APPROVED, "lamp-switched": Standing.UNAPPROVED}


def test_a_sweep_while_an_unapproved_change_stands_makes_it_no_baseline(quick: Bench) -> None:
    """Else the second attack would be answered by restoring the first."""
    _switch(quick, MALLORY, "red", minutes=0)
    quick.sweep()
    quick.clock.move(_MINUTE)
    quick.answer_all()
    assert quick.lamps.state[LAMP] == "on"
    quick.clock.move(_MINUTE)
    quick.take_in(lamp_record(RESPONDER, at=quick.clock() - _MINUTE, to="on"))
    quick.answer_all()
    _switch(quick, MALLORY, "off", minutes=10)
    case = quick.answer_all()[-1]
    assert quick.lamps.state[LAMP] == "on"
    assert (case.decision, case.outcome) == (Decision.REMEDIATE, Outcome.DONE)


def test_two_changes_are_two_cases_although_their_maker_gave_them_one_correlation_id(quick: Bench) -> None:
    quick.take_in(lamp_record(correlation_id="chosen", at=AT))
    quick.answer_all()
    assert quick.lamps.state[LAMP] == "on"
    quick.clock.move(_MINUTE)
    quick.lamps.state[LAMP] = "off"
    quick.take_in(lamp_record(correlation_id="chosen", at=quick.clock()))
    quick.clock.move(_MINUTE)
    quick.answer_all()
    assert quick.lamps.state[LAMP] == "on"


def _made_again(memory: MemoryStorage, *, approved: str) -> Bench:
    """Approve Trudy for one id of the lamp; Mallory deletes it, and it is made again under another id."""
    lit = ready_bench(memory, lamps=Lamps(new_id="made-again"))
    lit.runtime.approvals.approve(approval(TRUDY, targets=(approved,)))
    lit.clock.move(timedelta(hours=1))
    del lit.lamps.state[LAMP]
    lit.take_in(lamp_record(to="gone", at=lit.clock()))
    lit.answer_queue()
    assert lit.lamps.state == {"made-again": "on"}
    return lit


def test_an_approval_that_names_the_old_id_covers_what_was_made_again(memory: MemoryStorage) -> None:
    lit = _made_again(memory, approved=LAMP)
    lit.clock.move(timedelta(minutes=5))
    lit.lamps.state["made-again"] = "dim"
    lit.take_in(lamp_record(TRUDY, to="dim", was="on", lamp="made-again", at=lit.clock()))
    lit.answer_queue()
    assert lit.lamps.state == {"made-again": "dim"}
    assert [case.standing for case in lit.cases()] == [Standing.UNAPPROVED, Standing.APPROVED]


def test_an_approval_that_names_the_new_id_covers_a_late_record_of_the_old_one(memory: MemoryStorage) -> None:
    lit = _made_again(memory, approved="MADE-AGAIN")
    lit.take_in(lamp_record(TRUDY, to="dim", was="on", at=lit.clock() - timedelta(minutes=5)))
    lit.answer_queue()
    assert [case.standing for case in lit.cases()] == [Standing.APPROVED, Standing.UNAPPROVED]
    (notice,) = lit.teams.system_notices
    assert notice.title == "The responder wrote over a change that it learned of only later"


def test_an_approval_that_names_neither_id_covers_neither(memory: MemoryStorage) -> None:
    lit = _made_again(memory, approved="another-lamp")
    lit.clock.move(timedelta(minutes=5))
    lit.lamps.state["made-again"] = "dim"
    lit.take_in(lamp_record(TRUDY, to="dim", was="on", lamp="made-again", at=lit.clock()))
    lit.answer_queue()
    assert lit.lamps.state == {"made-again": "on"}


def test_a_record_under_a_new_id_that_came_while_the_lane_was_held_is_not_lost(memory: MemoryStorage) -> None:
    """It is stored under the id that it names, and looked at by the timer, which knows the object by its own."""
    lamps = Lamps(new_id="made-again")
    ready = ready_bench(memory, lamps=lamps)
    ready.lamps.state.pop(LAMP)
    ready.take_in(lamp_record(MALLORY, to="gone"))
    ready.answer_queue()
    assert "made-again" in ready.lamps.state
    ready.clock.move(2 * _MINUTE)
    ready.lamps.state.pop("made-again")
    held = ready.runtime.leases.take([f"lamps {TENANT}"], "another run")
    assert held is not None
    ready.take_in(lamp_record(MALLORY, at=ready.clock(), lamp="made-again", to="gone"))
    ready.answer_queue()
    ready.runtime.leases.release(held)
    ready.clock.move(_MINUTE)
    resume(ready.runtime)
    assert len(ready.lamps.state) == 1
    assert [case.state for case in ready.cases()] == [State.CLOSED] * 2
