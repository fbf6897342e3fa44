"""Of the detections that a change meets, which one people hear of."""

from datetime import timedelta
from typing import Final

import pytest

from infra.local.world import ALICE, MALLORY, Principal
from shared.model.cases import Decision, Outcome, Standing, State
from shared.model.detections import Answer
from shared.model.kinds import ApprovalList, Risk
from shared.respond.object_findings import LEFT, WAITS, Finding, Heard, loudest, paged, recorded
from shared.respond.resume import resume
from tests.fakes.lamps import Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, approval, ready_bench

_LAMPS: Final = Lamps()
_PUT_BACK: Final = Finding(decision=Decision.REMEDIATE, outcome=Outcome.DONE, because="", is_final=True, is_paged=True)


def _deciding(finding: Finding) -> Heard:
    return Heard(detection=_LAMPS.detection(risk=Risk.MEDIUM), finding=finding)


def _other(finding: Finding, risk: Risk = Risk.MEDIUM) -> Heard:
    return Heard(detection=_LAMPS.detection(id=f"lamp-{risk}", remediation=None, risk=risk), finding=finding)


@pytest.mark.parametrize("found", [_PUT_BACK, LEFT, WAITS, paged("no"), recorded("approved")])
def test_who_decides_alone_is_heard(found: Finding) -> None:
    assert loudest(_deciding(found), []) == _deciding(found)
    assert loudest(_deciding(found), [_other(recorded("only records"))]) == _deciding(found)


def test_a_page_is_heard_above_a_record_with_what_would_have_been_done() -> None:
    heard = loudest(_deciding(recorded("observed", would="would put it back")), [_other(paged("whoever did it"))])
    assert (heard.detection.id, heard.finding) == ("lamp-medium", paged("whoever did it", would="would put it back"))


def test_what_is_put_back_or_left_by_a_person_is_heard_above_every_page() -> None:
    for found in (_PUT_BACK, LEFT):
        assert loudest(_deciding(found), [_other(paged("whoever did it"), Risk.HIGH)]) == _deciding(found)


@pytest.mark.parametrize(("risk", "heard"), [(Risk.LOW, False), (Risk.MEDIUM, False), (Risk.HIGH, True)])
def test_of_two_pages_the_one_for_more_is_heard(risk: Risk, *, heard: bool) -> None:
    found = loudest(_deciding(paged("unknown")), [_other(paged("whoever did it"), risk)])
    assert (found.finding.because == "whoever did it") is heard


def test_of_several_others_the_riskiest_is_heard() -> None:
    others = [_other(paged(risk), risk) for risk in Risk]
    assert loudest(_deciding(recorded("approved")), others).finding.because == Risk.HIGH


def test_a_page_does_not_wait_for_what_is_not_known_yet() -> None:
    found = loudest(_deciding(WAITS), [_other(paged("whoever did it"))]).finding
    assert (found.decision, found.outcome, found.is_final, found.is_paged) == (
        Decision.PAGE,
        Outcome.PENDING,
        False,
        True,
    )


def test_what_another_would_have_done_is_said_where_nobody_is_paged() -> None:
    found = loudest(_deciding(recorded("approved")), [_other(recorded("observed", would="would page"))]).finding
    assert (found.because, found.would) == ("approved", "would page")


# With lamps.


def _seen_by(storage: MemoryStorage, **differences: object) -> Bench:
    """Give a machine with a second detection of switched lamps, which puts nothing back."""
    seen = _LAMPS.detection(id="lamp-seen", remediation=None, **differences)
    return ready_bench(storage, lamps=(lamps := Lamps()), detections=(lamps.detection(), seen))


def test_a_change_is_judged_by_each_detections_own_list(memory: MemoryStorage) -> None:
    ready = _seen_by(memory, unless_actor_in=ApprovalList.TENANT_SETTINGS)
    ready.runtime.approvals.approve(approval(MALLORY, ApprovalList.TENANT_SETTINGS))
    ready.clock.move(ready.runtime.settings.read_back)
    ready.take_in(lamp_record(ALICE))
    (case,) = ready.answer_all()
    assert (case.detection, case.standing, case.decision) == ("lamp-seen", Standing.APPROVED, Decision.PAGE)


@pytest.mark.parametrize("by", [ALICE, MALLORY])
def test_a_detection_that_only_records_makes_nothing_louder(memory: MemoryStorage, by: Principal) -> None:
    ready = _seen_by(memory, answer=Answer.RECORD, unless_actor_in=None, risk=Risk.HIGH)
    ready.take_in(lamp_record(by))
    (case,) = ready.answer_all()
    assert (case.detection, case.is_open) == ("lamp-switched", False)
    assert case.decision is (Decision.RECORD if by is ALICE else Decision.REMEDIATE)


def test_the_other_is_paged_at_once_while_a_missing_record_is_waited_for(memory: MemoryStorage) -> None:
    ready = _seen_by(memory, unless_actor_in=None)
    ready.take_in(lamp_record(was="dim"))
    for _ in range(2):
        (case,) = ready.answer_all()
        assert (case.state, case.detection, case.decision) == (State.ACTED, "lamp-seen", Decision.PAGE)
        assert len(ready.pagerduty.sent) == 1
        resume(ready.runtime)
    ready.clock.move(timedelta(minutes=61))
    resume(ready.runtime)
    (case,) = ready.cases()
    assert (case.state, case.detection, case.decision) == (State.CLOSED, "lamp-switched", Decision.PAGE)
    assert "never recorded" in case.because
