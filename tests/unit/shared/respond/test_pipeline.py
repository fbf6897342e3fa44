"""The whole way: from a record to its end, whatever fails on the way."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

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
from shared.model.kinds import ApprovalList, Mode
from shared.respond.pipeline import answer
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
_RECORDED: Final = (Standing.APPROVED, Decision.RECORD, Outcome.NONE, State.CLOSED)


def _paged(ready: Bench) -> bool:
    return bool(ready.teams.sent or ready.pagerduty.sent)


# The main job.


def test_an_approved_change_is_only_recorded(lit: Bench) -> None:
    case = _answer(lit, ALICE)
    assert _ended(case) == _RECORDED
    assert "ticket CHG-1042" in case.standing_because
    assert (lit.lamps.calls, _paged(lit)) == ([], False)


def test_an_unapproved_change_is_put_back_and_told(lit: Bench) -> None:
    case = _answer(lit)
    assert _ended(case) == _PUT_BACK
    assert (case.summary, case.proof) == ("Switch the lamp on", "the lamp is on")
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


def test_the_image_before_is_kept_before_anything_is_written(lit: Bench) -> None:
    """Without it nothing could be undone."""
    kept: list[bytes | None] = []

    def look_at_evidence(_number: int, call: str) -> None:
        if call.startswith("set"):
            kept.append(lit.storage.blob(Container.EVIDENCE, lit.only_case().before))

    lit.lamps.spoil = look_at_evidence
    case = _answer(lit)
    assert case.before
    assert [json.loads(image or b"") for image in kept] == [{"id": LAMP, "state": "off"}]


def test_nothing_is_written_when_the_image_before_cannot_be_kept(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    ready = ready_bench(storage)
    ready.take_in(lamp_record())
    storage.faults.fail("keep evidence")
    case = ready.answer_until_closed()
    assert ready.lamps.writes == []
    assert (case.decision, case.outcome) == (Decision.PAGE, Outcome.FAILED)


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
    assert (case.mode, case.would) == (Mode.OBSERVE, "would put it back: the actor is not approved")
    assert case.summary == "Switch the lamp on"
    assert (ready.lamps.writes, _paged(ready)) == ([], False)


def test_mode_page_pages_and_says_what_enforce_would_have_done(memory: MemoryStorage) -> None:
    ready = ready_bench(memory, mode=Mode.PAGE)
    case = _answer(ready)
    assert (_ended(case), case.would) == (_PAGED, "would put it back: the actor is not approved")
    assert ready.lamps.writes == []
    assert len(ready.teams.sent) == len(ready.pagerduty.sent) == 1


def test_a_detection_without_remediation_pages(memory: MemoryStorage) -> None:
    lamps = Lamps()
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.detection(remediation=None),))
    case = _answer(ready)
    assert _ended(case) == _PAGED
    assert "not put back automatically" in case.because
    assert lamps.calls == []


def _without_approvals(ready: Bench) -> None:
    ready.storage.delete_table(Table.APPROVED_ACTORS)


def _with_an_empty_list(ready: Bench) -> None:
    ready.storage.delete_table(Table.APPROVED_ACTORS)
    ready.storage.create_all()


def _without_controls(ready: Bench) -> None:
    ready.storage.delete_table(Table.CONTROLS)


def _with_the_kill_switch_on(ready: Bench) -> None:
    ready.runtime.controls.stop(by="Carol Chen", reason="a test")


def _with_the_limit_spent(ready: Bench) -> None:
    while ready.runtime.controls.count_remediation(ready.lamps.remediation().kind, limit=10):
        pass


def _with_an_unreadable_count(ready: Bench) -> None:
    kind = ready.lamps.remediation().kind
    ready.storage.upsert(Table.CONTROLS, f"spent {kind}", f"{NOW:%Y%m%d%H}", {"count": "many"})


def _with_a_protected_principal(ready: Bench) -> None:
    ready.lamps.touches = frozenset({BREAK_GLASS_1.id.upper()})


def _with_a_protected_principal_in_the_plan(ready: Bench) -> None:
    ready.lamps.plan_touches = frozenset({BREAK_GLASS_1.id.upper()})


def _with_the_responders_own_rights(ready: Bench) -> None:
    ready.lamps.touches = frozenset({RESPONDER.id})


def _with_the_last_holder(ready: Bench) -> None:
    ready.lamps.last_holder = True


def _with_unknown_holders(ready: Bench) -> None:
    ready.lamps.last_holder = None


def _without_snapshots(ready: Bench) -> None:
    storage = ready.storage
    assert isinstance(storage, MemoryStorage)
    storage.containers[Container.SNAPSHOTS].clear()


_DOUBTS: Final[dict[str, tuple[Callable[[Bench], None], str]]] = {
    "the approvals are gone": (_without_approvals, "not known whether the actor is approved"),
    "the list is empty": (_with_an_empty_list, "not known whether the actor is approved"),
    "the controls are gone": (_without_controls, "the kill switch could not be read"),
    "the kill switch is on": (_with_the_kill_switch_on, "the kill switch is on"),
    "the limit is spent": (_with_the_limit_spent, "remediations of this kind (10)"),
    "the count is unreadable": (_with_an_unreadable_count, "could not be read"),
    "a break-glass account would lose": (_with_a_protected_principal, "protected principal"),
    "a break-glass account would lose by what is planned": (
        _with_a_protected_principal_in_the_plan,
        "protected principal",
    ),
    "the responder would lose": (_with_the_responders_own_rights, "protected principal"),
    "the last holder would lose": (_with_the_last_holder, "its last holder"),
    "who holds it is unknown": (_with_unknown_holders, "not known whether anybody else"),
    "there is no snapshot": (_without_snapshots, "no snapshot"),
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


def test_what_a_break_glass_account_did_is_paged_and_left(quick: Bench) -> None:
    case = _answer(quick, BREAK_GLASS_1)
    assert _ended(case) == _PAGED
    assert "break-glass account" in case.because
    assert quick.lamps.writes == []


def test_a_record_without_an_actor_is_paged(quick: Bench) -> None:
    case = _answer(quick, None)
    assert (_ended(case), quick.lamps.writes) == (_DOUBTED, [])


def test_a_change_of_long_ago_is_not_waited_for(quick: Bench) -> None:
    """Whatever it did has shown by now."""
    case = _answer(quick, at=AT - 60 * _MINUTE)
    assert case.decision is Decision.PAGE
    assert quick.clock.waits == []


def test_with_the_kill_switch_on_nobody_waits_for_a_tenant_that_fails(quick: Bench) -> None:
    """Nothing would be put back, so people are told at the first attempt."""
    _with_the_kill_switch_on(quick)

    def fail(_number: int, _call: str) -> None:
        raise Unreachable("cut")

    quick.lamps.spoil = fail
    case = _answer(quick)
    assert (case.attempts, case.decision, case.state) == (1, Decision.PAGE, State.CLOSED)


def test_the_responders_own_put_back_is_recorded(quick: Bench) -> None:
    assert _ended(_answer(quick, RESPONDER)) == _RECORDED


def test_another_tenants_responder_is_nobody(quick: Bench) -> None:
    assert _ended(_answer(quick, RESPONDER_B2C)) == _PUT_BACK


def test_a_tenant_that_is_not_configured_is_paged_and_nothing_of_it_is_read(quick: Bench) -> None:
    other = "99999999-7a18-4f93-9c25-e81f60a7b3d2"
    quick.take_in(lamp_record(), tenant_id=other)
    (case,) = quick.answer_all(other)
    assert (case.decision, case.state) == (Decision.PAGE, State.CLOSED)
    assert "is not configured" in case.because
    assert quick.lamps.calls == []
    assert len(quick.teams.sent) == 1


def test_the_hourly_limit_counts_put_backs_only(memory: MemoryStorage) -> None:
    lamps = Lamps({LAMP: "on", "second": "on"})
    ready = ready_bench(memory, lamps=lamps, REMEDIATIONS_PER_HOUR="1")
    lamps.state["second"] = "off"
    ready.take_in(lamp_record(ALICE, lamp="third"), lamp_record(None, lamp="third", correlation_id="2"))
    ready.answer_all()
    ready.take_in(lamp_record(correlation_id="3"), lamp_record(correlation_id="4", lamp="second"))
    decided = [case.decision for case in ready.answer_all() if case.actor.id == MALLORY.id]
    assert sorted(decided) == [Decision.PAGE, Decision.REMEDIATE]
    assert lamps.writes == ["set on"]


# Whose changes are undone, and what is gone back to.


def _switch(ready: Bench, by: Principal, to: str, *, minutes: float) -> None:
    """Let somebody switch the lamp so many minutes after the first test's change; its record comes at once."""
    at = AT + timedelta(minutes=minutes)
    if ready.clock() < at:
        ready.clock.move(at - ready.clock() + timedelta(seconds=1))
    ready.lamps.state[LAMP] = to
    ready.take_in(lamp_record(by, at=at, to=to))


def test_a_run_of_unapproved_changes_is_undone_as_one(quick: Bench) -> None:
    _switch(quick, MALLORY, "off", minutes=0)
    _switch(quick, TRUDY, "dim", minutes=1)
    _switch(quick, MALLORY, "red", minutes=2)
    cases = quick.answer_all()
    assert [(case.decision, case.outcome) for case in cases] == [
        (Decision.REMEDIATE, Outcome.DONE),
        (Decision.REMEDIATE, Outcome.ALREADY),
        (Decision.REMEDIATE, Outcome.ALREADY),
    ]
    assert (quick.lamps.state[LAMP], quick.lamps.writes) == ("on", ["set on"])


def test_an_approved_change_that_came_later_is_not_undone(quick: Bench) -> None:
    _switch(quick, MALLORY, "off", minutes=0)
    _switch(quick, ALICE, "dim", minutes=1)
    first, second = quick.answer_all()
    assert (first.decision, second.decision) == (Decision.PAGE, Decision.RECORD)
    assert "an approved change came after it" in first.because
    assert quick.lamps.state[LAMP] == "dim"


def test_an_approved_change_since_the_snapshot_is_not_undone(quick: Bench) -> None:
    _switch(quick, ALICE, "dim", minutes=0)
    _switch(quick, MALLORY, "off", minutes=1)
    _, second = quick.answer_all()
    assert second.decision is Decision.PAGE
    assert "after the last snapshot" in second.because
    assert quick.lamps.state[LAMP] == "off"


def test_what_a_break_glass_account_did_before_is_not_undone_with_a_later_change(quick: Bench) -> None:
    """In an emergency somebody else's later change must not bring back what locked everybody out."""
    _switch(quick, BREAK_GLASS_1, "dim", minutes=0)
    _switch(quick, MALLORY, "off", minutes=1)
    _, second = quick.answer_all()
    assert second.decision is Decision.PAGE
    assert quick.lamps.writes == []


def test_what_a_break_glass_account_did_later_is_not_undone_with_an_earlier_change(quick: Bench) -> None:
    _switch(quick, MALLORY, "off", minutes=0)
    _switch(quick, BREAK_GLASS_1, "dim", minutes=1)
    first, _ = quick.answer_all()
    assert first.decision is Decision.PAGE
    assert (quick.lamps.state[LAMP], quick.lamps.writes) == ("dim", [])


@pytest.mark.parametrize(("days", "restored"), [(6, "on"), (9, "off")])
def test_a_week_of_unapproved_changes_is_undone_together(memory: MemoryStorage, days: int, restored: str) -> None:
    """What was left standing for longer, while its page was there to be read, is how the object is now."""
    ready = ready_bench(memory, mode=Mode.PAGE)
    _switch(ready, MALLORY, "off", minutes=0)
    ready.answer_all()
    for _ in range(days * 24):
        ready.clock.move(60 * _MINUTE)
        ready.sweep()
    ready.runtime.controls.set_mode("*", Mode.ENFORCE, by="a test")
    _switch(ready, TRUDY, "dim", minutes=days * 24 * 60 + 30)
    answer(ready.runtime, TENANT, ready.cases()[-1].id)
    assert ready.lamps.state[LAMP] == restored
    assert len(ready.lamps.situations[-1].unapproved_changes) == (2 if restored == "on" else 1)


def test_another_change_is_judged_by_the_list_of_its_own_detection(memory: MemoryStorage) -> None:
    """Alice may move lamps but not switch them: that she moved one is no unapproved change."""
    lamps = Lamps()
    moved = lamps.detection(id="lamp-moved", when=switching("Move lamp"), unless_actor_in=ApprovalList.RBAC_ROLES)
    ready = ready_bench(memory, lamps=lamps, detections=(lamps.detection(), moved))
    ready.runtime.approvals.approve(approval(TRUDY))
    ready.runtime.approvals.revoke(ApprovalList.CONDITIONAL_ACCESS, ALICE.id, by="a test")
    ready.runtime.approvals.approve(approval(ALICE, ApprovalList.RBAC_ROLES))
    ready.clock.move(_MINUTE)
    ready.take_in(lamp_record(ALICE, at=NOW + _MINUTE / 2, activityDisplayName="Move lamp"))
    ready.take_in(lamp_record(MALLORY, at=NOW + _MINUTE))
    case = answer(ready.runtime, TENANT, ready.cases()[-1].id)
    assert case is not None
    assert case.decision is Decision.PAGE
    assert lamps.writes == []


def test_a_snapshot_taken_while_an_unapproved_change_stood_is_not_gone_back_to(quick: Bench) -> None:
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
