"""Which unapproved changes led to the present state, and which snapshots are safe baselines."""

from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import ALICE, MALLORY, RESPONDER, TRUDY, WORKFORCE_TENANT
from shared.model.cases import Case, Outcome, Standing
from shared.model.events import Change, Target
from shared.model.remediations import Known, Unknown
from shared.objects.history import earlier_case, in_force_during_snapshot, split_history, trusted_baseline
from tests.fakes.lamps import AT, LAMP, actor_of

_MINUTE: Final = timedelta(minutes=1)
_BASELINE: Final = Known(image={"state": "on"}, captured_at=AT - 10 * _MINUTE)
_ACTORS: Final = {"m": MALLORY, "t": TRUDY, "a": ALICE, "r": RESPONDER}


def _case(minute: float, standing: Standing = Standing.UNAPPROVED, **differences: Any) -> Case:  # noqa: ANN401 - fields
    """Make the case of a change so many minutes after the first."""
    at = AT + minute * _MINUTE
    fields: dict[str, Any] = {
        "id": f"20260302-{minute:08.3f}",
        "tenant_id": WORKFORCE_TENANT,
        "detection": "lamp-switched",
        "correlation_id": "",
        "event_id": "",
        "at": at,
        "opened_at": at + _MINUTE,
        "actor": actor_of(ALICE if standing is Standing.APPROVED else MALLORY),
        "target": Target(id=LAMP),
        "record": "",
        "standing": standing,
    }
    return Case(**fields | differences)


def _put_back(minute: float, *, acted: float) -> Case:
    return _case(minute, outcome=Outcome.DONE, acted_at=AT + acted * _MINUTE)


APPROVED, UNKNOWN = Standing.APPROVED, Standing.UNKNOWN


def _ids(cases: list[Case]) -> list[float]:
    return [float(case.id.partition("-")[2]) for case in cases]


def test_a_change_alone_is_its_own_run() -> None:
    case = _case(0)
    assert split_history(case, []) == ([case], [])
    assert split_history(case, [case]) == ([case], [])


def test_unapproved_changes_before_and_after_belong_to_the_run() -> None:
    case = _case(2)
    run, kept = split_history(case, [_case(3), _case(0), _case(1), case])
    assert (_ids(run), kept) == ([0, 1, 2, 3], [])


def test_the_run_begins_after_the_last_change_by_somebody_else() -> None:
    for standing in (APPROVED, UNKNOWN):
        run, kept = split_history(_case(3), [_case(0), _case(1, standing), _case(2)])
        assert (_ids(run), kept) == ([2, 3], [])


def test_later_changes_by_others_are_kept_apart() -> None:
    run, kept = split_history(_case(0), [_case(1, APPROVED), _case(2, UNKNOWN), _case(3)])
    assert (_ids(run), _ids(kept)) == ([0, 3], [1, 2])


def test_what_was_put_back_before_is_not_undone_again() -> None:
    run, _ = split_history(_case(3), [_case(0), _put_back(1, acted=2.5), _case(2.7)])
    assert _ids(run) == [2.7, 3]


def test_changes_of_one_instant_are_one_run_in_one_order() -> None:
    one, other = _case(1), _case(1, id="20260302-0001.001")
    assert split_history(one, [other]) == split_history(other, [one]) == ([one, other], [])


def test_what_was_put_back_at_the_very_instant_still_stood_then() -> None:
    run, _ = split_history(_case(3), [_put_back(1, acted=3)])
    assert _ids(run) == [1, 3]


def test_what_was_put_back_only_afterwards_still_stood_then() -> None:
    run, _ = split_history(_case(3), [_put_back(1, acted=3.5)])
    assert _ids(run) == [1, 3]


def test_what_could_not_be_put_back_for_sure_stays_in_the_run() -> None:
    for outcome in (Outcome.UNVERIFIED, Outcome.FAILED, Outcome.NONE):
        run, _ = split_history(_case(3), [_case(1, outcome=outcome, acted_at=AT + 2 * _MINUTE)])
        assert _ids(run) == [1, 3]
    run, _ = split_history(_case(3), [_case(1, outcome=Outcome.DONE)])
    assert _ids(run) == [1, 3]


# A snapshot is trusted when nobody changed the object between it and the run.


def _trusted(others: list[Case], *, confirmed: float = -5, responder_id: str = RESPONDER.id) -> Known | Unknown:
    case = _case(0)
    run, _ = split_history(case, others)
    return trusted_baseline(_BASELINE, AT + confirmed * _MINUTE, run, others, responder_id=responder_id)


def test_a_snapshot_is_trusted_when_nobody_changed_the_object_since() -> None:
    assert _trusted([]) == _BASELINE
    assert _trusted([_case(-6, APPROVED), _case(-5, APPROVED), _case(1, APPROVED)]) == _BASELINE


def test_a_change_by_others_between_snapshot_and_run_makes_it_unknown() -> None:
    for standing in (APPROVED, UNKNOWN):
        found = _trusted([_case(-1, standing)])
        assert isinstance(found, Unknown)
        assert "2026-03-02 09:59:00 UTC, after the last snapshot" in found.because


def test_the_runs_own_changes_are_what_is_undone() -> None:
    assert _trusted([_case(-1), _case(-2)]) == _BASELINE


def test_the_responders_own_put_back_leaves_it_as_the_snapshot_has_it() -> None:
    others = [_put_back(-3, acted=-2), _case(-2, APPROVED, actor=actor_of(RESPONDER))]
    assert _trusted(others) == _BASELINE


def test_only_the_tenants_own_responder_leaves_it_as_it_was() -> None:
    others = [_case(-2, APPROVED, actor=actor_of(RESPONDER))]
    assert isinstance(_trusted(others, responder_id="somebody else"), Unknown)
    assert isinstance(_trusted([_case(-2, UNKNOWN, actor=actor_of(RESPONDER))], responder_id=""), Unknown)


def test_a_put_back_that_is_not_proved_leaves_doubt() -> None:
    """The run begins after the change by others, so the unproved one before it isn't in the run."""
    unproved = _case(-3, outcome=Outcome.UNVERIFIED, acted_at=AT - 2 * _MINUTE)
    assert isinstance(_trusted([unproved, _case(-2, APPROVED, actor=actor_of(RESPONDER))]), Unknown)


# A snapshot that was read while an unapproved change stood has the object as its actor left it.


def _standing_then(*others: Case, begun: float = -5, captured: float = -4) -> list[float]:
    start = AT
    return _ids(in_force_during_snapshot(start + begun * _MINUTE, start + captured * _MINUTE, others, before=start))


def test_changes_that_stood_while_a_snapshot_was_read() -> None:
    stood = (_put_back(-9, acted=-4.5), _put_back(-9, acted=-1), _put_back(-4.5, acted=-3), _put_back(-4, acted=-3))
    for case in stood:
        assert _standing_then(case) == _ids([case])


def test_changes_that_were_put_back_before_or_made_after_a_snapshot_was_read() -> None:
    assert _standing_then(_put_back(-9, acted=-5.1), _put_back(-3.9, acted=-3)) == []


def test_changes_that_were_not_put_back_or_not_unapproved_are_no_reason_against_a_snapshot() -> None:
    """What still stands belongs to the run, whose snapshot is older; what others did is theirs."""
    failed = _case(-9, outcome=Outcome.FAILED, acted_at=AT - 3 * _MINUTE)
    by_others = [_case(-9, standing, outcome=Outcome.DONE, acted_at=AT) for standing in (APPROVED, UNKNOWN)]
    assert _standing_then(failed, _case(-9), _put_back(-9, acted=1), *by_others) == []


# Laws over arbitrary histories.

_outcomes = st.sampled_from([(Outcome.NONE, None), (Outcome.DONE, 0.5), (Outcome.ALREADY, 2.5), (Outcome.FAILED, 0.5)])


@st.composite
def _histories(draw: st.DrawFn) -> tuple[Case, list[Case]]:
    minutes = draw(st.lists(st.integers(-8, 8), max_size=8, unique=True))
    others: list[Case] = []
    for minute in minutes:
        outcome, after = draw(_outcomes)
        standing = draw(st.sampled_from(Standing))
        others.append(
            _case(
                minute,
                standing,
                outcome=outcome,
                acted_at=None if after is None else AT + (minute + after) * _MINUTE,
                actor=actor_of(_ACTORS[draw(st.sampled_from("mtar"))]),
            )
        )
    case = _case(draw(st.integers(-8, 8).filter(lambda minute: minute not in minutes)))
    return case, draw(st.permutations([*others, case]))


def _was_put_back_before(other: Case, at: datetime) -> bool:
    done = other.outcome in {Outcome.DONE, Outcome.ALREADY}
    return done and other.acted_at is not None and other.acted_at < at


@given(history=_histories())
def test_the_run_has_the_case_and_only_unapproved_changes_oldest_first(history: tuple[Case, list[Case]]) -> None:
    case, others = history
    run, _ = split_history(case, others)
    assert run.count(case) == 1
    assert {one.standing for one in run} == {Standing.UNAPPROVED}
    assert run == sorted(run, key=lambda one: one.at)
    assert len({one.id for one in run}) == len(run)


@given(history=_histories())
def test_nothing_by_others_lies_within_the_part_of_the_run_before_the_case(history: tuple[Case, list[Case]]) -> None:
    case, others = history
    run, _ = split_history(case, others)
    within = [one for one in others if run[0].at <= one.at <= case.at]
    assert [one.id for one in sorted(within, key=lambda one: one.at)] == [one.id for one in run if one.at <= case.at]
    assert not any(_was_put_back_before(one, case.at) for one in run if one.at < case.at)


@given(history=_histories())
def test_the_run_is_as_long_as_it_can_be(history: tuple[Case, list[Case]]) -> None:
    """Whatever comes right before it is by others or was put back."""
    case, others = history
    run, _ = split_history(case, others)
    before = sorted((one for one in others if one.at < run[0].at), key=lambda one: one.at)
    if before:
        assert before[-1].standing is not Standing.UNAPPROVED or _was_put_back_before(before[-1], case.at)


@given(history=_histories())
def test_every_later_change_is_either_in_the_run_or_kept(history: tuple[Case, list[Case]]) -> None:
    case, others = history
    run, kept = split_history(case, others)
    later = [one for one in others if one.at > case.at]
    assert sorted(one.id for one in [*run, *kept] if one.at > case.at) == sorted(one.id for one in later)
    assert all(one.standing is not Standing.UNAPPROVED for one in kept)
    assert all(one.at > case.at for one in kept)


@given(history=_histories(), confirmed=st.integers(-10, 8))
def test_a_trusted_snapshot_has_no_foreign_change_after_it(history: tuple[Case, list[Case]], confirmed: int) -> None:
    case, others = history
    run, _ = split_history(case, others)
    instant = AT + confirmed * _MINUTE
    if trusted_baseline(_BASELINE, instant, run, others, responder_id=RESPONDER.id) != _BASELINE:
        return
    for other in others:
        if instant < other.at < run[0].at:
            own = other.actor.id == RESPONDER.id
            assert own or (other.standing is Standing.UNAPPROVED and _was_put_back_before(other, run[0].at))


@given(history=_histories())
def test_an_unknown_baseline_stays_unknown(history: tuple[Case, list[Case]]) -> None:
    case, others = history
    run, _ = split_history(case, others)
    unknown = Unknown(because="no snapshot was taken")
    assert isinstance(trusted_baseline(unknown, AT, run, others, responder_id=RESPONDER.id), Unknown)


def test_what_a_remediation_is_told_of_a_case() -> None:
    changes = (Change(name="state", old="on", new="off"),)
    earlier = earlier_case(_case(1, target=Target(id=LAMP, changes=changes)))
    assert (earlier.approved, earlier.changes, earlier.actor.id) == (False, changes, MALLORY.id)
    for standing in (APPROVED, UNKNOWN):
        assert earlier_case(_case(1, standing)).approved
