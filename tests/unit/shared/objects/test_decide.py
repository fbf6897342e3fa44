from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.cases import Decision, Standing
from shared.model.detections import Answer, AnyDetection
from shared.model.kinds import Mode
from shared.model.remediations import Already, Doubt, Plan, Put
from shared.objects.decide import GUARDS, Decided, Facts, decide, strongest_decision
from tests.fakes.lamps import Lamps

_PUT: Final = Put(summary="Switch the lamp on", image={"state": "on"})
_ALREADY: Final = Already(because="the lamp is on")
_DOUBT: Final = Doubt(because="the lamp is blinking")
_STRICTER: Final = {Decision.RECORD: 0, Decision.PAGE: 1, Decision.REMEDIATE: 2}
_MODES: Final = (Mode.OBSERVE, Mode.PAGE, Mode.ENFORCE)
_LAMPS: Final = Lamps()
_PUT_BACK: Final = _LAMPS.detection()
_NOT_PUT_BACK: Final = {answer: _LAMPS.detection(answer=answer, remediation=None) for answer in Answer}
_WHOEVER_DID_IT: Final = {
    answer: _LAMPS.detection(answer=answer, remediation=None, unless_actor_in=None) for answer in Answer
}

ALL_WELL: Final = Facts(
    standing=Standing.UNAPPROVED,
    mode=Mode.ENFORCE,
    stopped=False,
    configured=True,
    actor_is_emergency_account=False,
    plan=_PUT,
)
"""Nothing stands in the way of putting it back."""


def changed(**differences: Any) -> Facts:  # noqa: ANN401 - the fields of Facts
    return msgspec.structs.replace(ALL_WELL, **differences)


plans: st.SearchStrategy[Plan | None] = st.sampled_from([_PUT, _ALREADY, _DOUBT, None])
detections = st.sampled_from([_PUT_BACK, *_NOT_PUT_BACK.values(), *_WHOEVER_DID_IT.values()])
facts_of_any_kind = st.builds(
    Facts,
    standing=st.sampled_from(Standing),
    mode=st.sampled_from(Mode),
    stopped=st.none() | st.booleans(),
    configured=st.booleans(),
    actor_is_emergency_account=st.booleans(),
    plan=plans,
    unread=st.just("") | st.text(min_size=1, max_size=5),
    protected=st.frozensets(st.text(max_size=3), max_size=2),
    last_holder=st.none() | st.booleans(),
    remediations_this_hour=st.none() | st.integers(0, 5),
    limit=st.integers(0, 5),
)
near_the_edge = st.fixed_dictionaries(
    {},
    optional={
        "standing": st.sampled_from(Standing),
        "mode": st.sampled_from(Mode),
        "stopped": st.none() | st.booleans(),
        "configured": st.booleans(),
        "plan": plans,
        "protected": st.just(frozenset({"somebody"})),
        "last_holder": st.none() | st.booleans(),
        "remediations_this_hour": st.none() | st.integers(0, 2),
    },
).map(lambda differences: changed(**differences))
facts = facts_of_any_kind | near_the_edge
"""Arbitrary facts seldom let anything pass; those near the edge often do."""


def test_it_is_put_back_when_nothing_stands_in_the_way() -> None:
    decided = decide(_PUT_BACK, ALL_WELL)
    assert decided == Decided(decision=Decision.REMEDIATE, because="the actor is not approved")


def test_what_is_already_as_it_should_be_is_no_reason_to_page() -> None:
    """Nothing is taken from anybody then, so these three guards have nothing to say."""
    found = changed(plan=_ALREADY, protected=frozenset({"somebody"}), last_holder=True, remediations_this_hour=9)
    assert decide(_PUT_BACK, found).decision is Decision.REMEDIATE


@pytest.mark.parametrize(
    ("guard", "differences", "expected"),
    [
        ("kill-switch", {"stopped": True}, "the kill switch is on"),
        ("kill-switch", {"stopped": None}, "the kill switch could not be read"),
        ("tenant-configured", {"configured": False}, "is not configured"),
        ("emergency-actor", {"actor_is_emergency_account": True}, "a break-glass account made the change"),
        ("planned", {"plan": None}, "there is no plan for putting it back"),
        ("planned", {"plan": None, "unread": "GET /lamps gave 500"}, "could not be read: GET /lamps gave 500"),
        ("planned", {"unread": "GET /lamps gave 500"}, "could not be read: GET /lamps gave 500"),
        ("certain", {"plan": _DOUBT}, "the lamp is blinking"),
        ("protected-principal", {"protected": frozenset({"b", "a"})}, "affect a protected principal (a, b)"),
        ("last-holder", {"last_holder": True}, "from its last holder"),
        ("last-holder", {"last_holder": None}, "not known whether anybody else still holds"),
        ("hourly-limit", {"remediations_this_hour": 1, "limit": 1}, "remediations of this kind (1)"),
        ("hourly-limit", {"remediations_this_hour": 3, "limit": 2}, "the hourly limit"),
        ("hourly-limit", {"limit": 0}, "the hourly limit"),
        ("hourly-limit", {"remediations_this_hour": None}, "in this hour could not be read"),
    ],
)
def test_every_guard_alone_keeps_it_from_being_put_back(guard: str, differences: dict[str, Any], expected: str) -> None:
    found = changed(**differences)
    objecting = [one.id for one in GUARDS if one.objection(found)]
    assert objecting == [guard]
    decided = decide(_PUT_BACK, found)
    assert decided.decision is Decision.PAGE
    assert expected in decided.because
    assert "the actor is not approved" in decided.because


def test_there_is_an_example_for_every_guard() -> None:
    (mark,) = [
        mark
        for mark in test_every_guard_alone_keeps_it_from_being_put_back.pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    ]
    assert {example[0] for example in mark.args[1]} == {guard.id for guard in GUARDS}


@given(detection=detections, found=facts)
def test_only_the_unapproved_in_enforce_with_every_guard_content_is_put_back(
    detection: AnyDetection, found: Facts
) -> None:
    decided = decide(detection, found)
    may = (
        found.standing is Standing.UNAPPROVED
        and found.mode is Mode.ENFORCE
        and detection.remediation is not None
        and detection.unless_actor_in is not None
        and not any(guard.objection(found) for guard in GUARDS)
    )
    assert (decided.decision is Decision.REMEDIATE) is may


@given(found=facts)
def test_nothing_is_put_back_without_a_plan_that_was_read_and_is_certain(found: Facts) -> None:
    if decide(_PUT_BACK, found).decision is Decision.REMEDIATE:
        assert isinstance(found.plan, Put | Already)
        assert found.stopped is False
        assert found.configured
        assert not found.actor_is_emergency_account
        if isinstance(found.plan, Put):
            assert not found.protected
            assert found.last_holder is False
            assert found.remediations_this_hour is not None
            assert found.remediations_this_hour < found.limit


@given(detection=detections, found=facts)
def test_a_more_restrictive_mode_never_does_more(detection: AnyDetection, found: Facts) -> None:
    done = [_STRICTER[decide(detection, msgspec.structs.replace(found, mode=mode)).decision] for mode in _MODES]
    assert done == sorted(done)


@given(detection=detections, found=facts, mode=st.sampled_from(Mode))
def test_whoever_cannot_be_told_apart_is_never_put_back(detection: AnyDetection, found: Facts, mode: Mode) -> None:
    unknown = msgspec.structs.replace(found, standing=Standing.UNKNOWN, mode=mode)
    assert decide(detection, unknown).decision is not Decision.REMEDIATE


@given(detection=detections, found=facts)
def test_the_approved_are_always_only_recorded(detection: AnyDetection, found: Facts) -> None:
    approved = msgspec.structs.replace(found, standing=Standing.APPROVED)
    assert decide(detection, approved) == Decided(decision=Decision.RECORD, because="the actor is approved")


@given(detection=detections, found=facts)
def test_a_stopped_machine_never_puts_back_and_never_stops_paging(detection: AnyDetection, found: Facts) -> None:
    running, stopped = (msgspec.structs.replace(found, stopped=stopped) for stopped in (False, True))
    before, after = decide(detection, running).decision, decide(detection, stopped).decision
    assert after is (Decision.PAGE if before is Decision.REMEDIATE else before)


@given(detection=detections, found=facts)
def test_doubt_never_makes_it_do_more(detection: AnyDetection, found: Facts) -> None:
    """Each fact that couldn't be read leads to the same or less."""
    known = _STRICTER[decide(detection, found).decision]
    for doubt in (
        {"stopped": None},
        {"last_holder": None},
        {"remediations_this_hour": None},
        {"unread": "500"},
        {"plan": None},
    ):
        assert _STRICTER[decide(detection, msgspec.structs.replace(found, **doubt)).decision] <= known


@given(detection=detections, found=facts)
def test_every_decision_says_why_and_what_a_stricter_mode_would_have_done(
    detection: AnyDetection, found: Facts
) -> None:
    decided = decide(detection, found)
    assert decided.because
    strictest = decide(detection, msgspec.structs.replace(found, mode=Mode.ENFORCE))
    if found.standing is not Standing.APPROVED and found.mode is Mode.OBSERVE:
        assert strictest.because in decided.would
    if decided.would:
        assert found.mode is not Mode.ENFORCE
    if strictest.decision is Decision.REMEDIATE and found.mode is not Mode.ENFORCE:
        assert decided.would == "would put it back: the actor is not approved"


@pytest.mark.parametrize(
    ("mode", "decision", "would"),
    [
        (Mode.OBSERVE, Decision.RECORD, "would put it back: the actor is not approved"),
        (Mode.PAGE, Decision.PAGE, "would put it back: the actor is not approved"),
        (Mode.ENFORCE, Decision.REMEDIATE, ""),
    ],
)
def test_what_each_mode_does_about_an_unapproved_change(mode: Mode, decision: Decision, would: str) -> None:
    decided = decide(_PUT_BACK, changed(mode=mode))
    assert (decided.decision, decided.would) == (decision, would)


@pytest.mark.parametrize(
    ("detection", "standing", "decision"),
    [
        (_NOT_PUT_BACK[Answer.RECORD], Standing.UNAPPROVED, Decision.RECORD),
        (_NOT_PUT_BACK[Answer.RECORD], Standing.UNKNOWN, Decision.RECORD),
        (_NOT_PUT_BACK[Answer.PAGE], Standing.UNAPPROVED, Decision.PAGE),
        (_NOT_PUT_BACK[Answer.PAGE], Standing.UNKNOWN, Decision.PAGE),
        (_PUT_BACK, Standing.UNAPPROVED, Decision.REMEDIATE),
        (_PUT_BACK, Standing.UNKNOWN, Decision.PAGE),
    ],
)
def test_what_each_detection_comes_to_in_enforce(
    detection: AnyDetection, standing: Standing, decision: Decision
) -> None:
    assert decide(detection, changed(standing=standing)).decision is decision


@pytest.mark.parametrize("detection", [_PUT_BACK, *_NOT_PUT_BACK.values(), *_WHOEVER_DID_IT.values()])
def test_documents_say_what_is_done_about_an_unapproved_change_when_nothing_stands_in_the_way(
    detection: AnyDetection,
) -> None:
    assert strongest_decision(detection) is decide(detection, ALL_WELL).decision


@pytest.mark.parametrize(
    ("differences", "missing"),
    [({"unless_actor_in": None}, "unless_actor_in"), ({"answer": Answer.RECORD}, "its answer is page")],
)
def test_a_remediation_needs_an_approval_list_and_a_page_for_doubt(differences: dict[str, Any], missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        _LAMPS.detection(**differences)


def test_observe_tells_of_a_page_too() -> None:
    decided = decide(_PUT_BACK, changed(mode=Mode.OBSERVE, standing=Standing.UNKNOWN))
    assert decided.decision is Decision.RECORD
    assert decided.would == "would page the owners: it is not known whether the actor is approved"


@given(st.sampled_from(Answer), facts, st.sampled_from((Standing.UNKNOWN, Standing.UNAPPROVED)))
def test_what_applies_whoever_did_it_is_never_put_back(answer: Answer, known: Facts, standing: Standing) -> None:
    decided = decide(_WHOEVER_DID_IT[answer], msgspec.structs.replace(known, standing=standing, mode=Mode.ENFORCE))
    assert decided.decision is (Decision.RECORD if answer is Answer.RECORD else Decision.PAGE)


def test_a_page_that_applies_whoever_did_it_says_so() -> None:
    decided = decide(_WHOEVER_DID_IT[Answer.PAGE], changed(standing=Standing.UNKNOWN))
    assert decided == Decided(decision=Decision.PAGE, because="the detection applies whoever did it")
