"""The state of an emergency is folded from the set of its entries, and from nothing else."""

from datetime import timedelta
from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.emergency.entries import (
    CONFIRM_WITHIN,
    LONGEST,
    LONGEST_DRILL,
    Acknowledged,
    Answer,
    Asked,
    Caller,
    Closed,
    Confirmed,
    Declared,
    Entry,
    Extended,
    Finding,
    Proof,
    Proposal,
    RunKind,
    SignInAnnounced,
    StepEnded,
    StepRecorded,
    StepStarted,
    StepState,
)
from shared.emergency.state import Emergency, fold
from tests.fakes.clock import NOW
from tests.fakes.emergencies import (
    APP_CALLER,
    CAROL,
    CLOSING,
    CODED,
    DAVE,
    EMERGENCY,
    ENTRIES,
    PROPOSAL,
    agreed,
    declared,
    entry,
)

MINUTE = timedelta(minutes=1)
ONE, TWO = "1" * 32, "2" * 32


def state_of(*entries: Entry, carried: frozenset[str] = frozenset()) -> Emergency:
    folded = fold(EMERGENCY, entries, carried)
    assert folded is not None
    return folded


@given(st.lists(ENTRIES, max_size=25), st.randoms(use_true_random=False), st.data())
def test_order_duplicates_and_who_had_which_entry_first_change_nothing(
    entries: list[Entry],
    random: Random,
    data: st.DataObject,
) -> None:
    carried = frozenset(one.digest for one in entries if data.draw(st.booleans()))
    whole = fold(EMERGENCY, entries, carried)
    mixed = [*entries, *data.draw(st.lists(st.sampled_from(entries), max_size=10) if entries else st.just([]))]
    random.shuffle(mixed)
    assert fold(EMERGENCY, mixed, carried) == whole
    here = [one for one in mixed if data.draw(st.booleans())]
    there = [one for one in mixed if one not in here]
    assert fold(EMERGENCY, [*there, *here], carried) == whole
    assert fold(EMERGENCY, [*here, *there, *here], carried) == whole


@given(st.lists(ENTRIES, max_size=20))
def test_what_is_stored_and_read_again_folds_to_the_same(entries: list[Entry]) -> None:
    again = msgspec.json.decode(msgspec.json.encode(entries), type=list[Entry])
    assert fold(EMERGENCY, again) == fold(EMERGENCY, entries)


@given(st.lists(ENTRIES, max_size=25), st.lists(ENTRIES, max_size=15))
def test_carried_entries_never_agree_close_or_prolong(entries: list[Entry], brought: list[Entry]) -> None:
    """Whatever a caller brings that can't be checked: federation, closing and the expiry stay as they were."""
    known = {one.id for one in entries}
    brought = [one for one in brought if one.id not in known]
    before = fold(EMERGENCY, [declared(), *entries])
    after = fold(EMERGENCY, [declared(), *entries, *brought], frozenset(each.digest for each in brought))
    assert before is not None
    assert after is not None
    assert after.agreements == before.agreements
    assert after.closed == before.closed
    assert after.expires_at == before.expires_at
    assert after.step(6) == before.step(6)
    assert (after.drill, after.hybrid) == (before.drill, before.hybrid)


def test_without_a_declaration_there_is_no_emergency() -> None:
    assert fold(EMERGENCY, [entry(Acknowledged(over="here"))]) is None
    assert fold("f" * 32, [declared()]) is None


def test_two_entries_with_one_id_give_the_same_whichever_came_first() -> None:
    first = entry(StepRecorded(step=4, state=StepState.DONE, note="ticket 1"), id=ONE)
    second = entry(StepRecorded(step=4, state=StepState.SKIPPED, note="none"), id=ONE)
    states = {state_of(declared(), *order).step(4).state for order in permutations([first, second])}
    assert len(states) == 1
    checked = state_of(declared(), first, second, carried=frozenset({first.digest}))
    assert checked.step(4).state is StepState.SKIPPED, "the one that could be checked counts"
    checked = state_of(declared(), first, second, carried=frozenset({second.digest}))
    assert checked.step(4).state is StepState.DONE


# What takes two.


def test_two_operators_agree() -> None:
    assert state_of(declared(), *agreed()).is_agreed("federation", PROPOSAL.digest)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"by": CAROL.operator}, "one person is not two"),
        ({"by": CAROL.operator.upper()}, "nor is he by another spelling of his id"),
        ({"proof": Proof.CODE}, "a one-time code confirms nothing"),
        ({"proof": Proof.APP}, "nor does the app"),
        ({"at": NOW + MINUTE + CONFIRM_WITHIN + timedelta(seconds=1)}, "it is too late"),
        ({"at": NOW - 5 * MINUTE}, "it was before he was asked"),
        ({"act": Confirmed(what="federation", digest=CLOSING.digest)}, "that is another text"),
        ({"act": Confirmed(what="federation-back", digest=PROPOSAL.digest)}, "that is another act"),
    ],
)
def test_what_is_no_confirmation(changed: dict[str, object], why: str) -> None:
    asked, confirmed = agreed()
    other = msgspec.structs.replace(confirmed, id=TWO, **changed)
    assert not state_of(declared(), asked, other).is_agreed("federation", PROPOSAL.digest), why
    assert state_of(declared(), asked, confirmed, other).is_agreed("federation", PROPOSAL.digest)


@pytest.mark.parametrize("proof", [Proof.CODE, Proof.APP])
def test_who_can_not_ask(proof: Proof) -> None:
    asked, confirmed = agreed()
    folded = state_of(declared(), msgspec.structs.replace(asked, proof=proof), confirmed)
    assert folded.agreements == ()


def test_one_confirmation_is_of_one_asking() -> None:
    """Else what was confirmed once would be confirmed again for whoever asks again by himself."""
    first, confirmed = agreed()
    again = entry(Asked(what=PROPOSAL.what, digest=PROPOSAL.digest, text=PROPOSAL.text), at=3 * MINUTE)
    assert [one.confirmed_by for one in state_of(declared(), first, confirmed, again).agreements] == [DAVE.operator, ""]
    impatient = entry(Asked(what=PROPOSAL.what, digest=PROPOSAL.digest, text=PROPOSAL.text), at=1.5 * MINUTE)
    folded = state_of(declared(), first, impatient, confirmed)
    assert [one.confirmed_by for one in folded.agreements] == ["", DAVE.operator], "the last one before it"
    assert folded.is_agreed("federation", PROPOSAL.digest)


def test_clocks_of_two_instances_may_differ() -> None:
    asked, confirmed = agreed()
    by_a_slow_clock = msgspec.structs.replace(confirmed, at=asked.at - 5 * MINUTE)
    assert state_of(declared(), asked, by_a_slow_clock).is_agreed("federation", PROPOSAL.digest)


def test_a_confirmation_at_the_last_moment_counts_and_one_waits_until_then() -> None:
    asked, confirmed = agreed()
    waits = state_of(declared(), asked).agreements[0]
    assert waits.waits(asked.at + CONFIRM_WITHIN)
    assert not waits.waits(asked.at + CONFIRM_WITHIN + timedelta(seconds=1))
    last = msgspec.structs.replace(confirmed, at=asked.at + CONFIRM_WITHIN)
    assert state_of(declared(), asked, last).is_agreed("federation", PROPOSAL.digest)


def test_what_was_agreed_long_ago_can_be_asked_for_by_its_age() -> None:
    folded = state_of(declared(), *agreed())
    assert folded.is_agreed("federation", PROPOSAL.digest, since=NOW + 2 * MINUTE)
    assert not folded.is_agreed("federation", PROPOSAL.digest, since=NOW + 3 * MINUTE)


def test_what_was_agreed_is_done_once() -> None:
    """An agreement isn't a licence: once a run has done it, doing it again takes two operators again."""
    run = (
        entry(StepStarted(step=6, run=ONE), at=3 * MINUTE),
        entry(StepEnded(step=6, run=ONE, state=StepState.DONE), APP_CALLER, at=4 * MINUTE),
    )
    assert state_of(declared(), *agreed(), run[0]).is_agreed("federation", PROPOSAL.digest), (
        "it may be killed and go on"
    )
    assert not state_of(declared(), *agreed(), *run).is_agreed("federation", PROPOSAL.digest)
    assert state_of(declared(), *agreed(), *run, *agreed(at=6 * MINUTE)).is_agreed("federation", PROPOSAL.digest)


# Closing and lasting.


def closed(*, by: Caller = APP_CALLER, at: timedelta = 5 * MINUTE) -> Entry:
    return entry(Closed(summary="over"), by, at=at)


def test_only_the_app_closes_and_only_after_two_agreed() -> None:
    assert state_of(declared(), *agreed(CLOSING), closed()).closed == closed()
    assert state_of(declared(), closed()).is_open
    assert state_of(declared(), *agreed(PROPOSAL), closed()).is_open
    assert state_of(declared(), *agreed(CLOSING), closed(at=-4 * MINUTE)).is_open, "it was closed before they agreed"
    assert not state_of(declared(), *agreed(CLOSING), closed(at=timedelta())).is_open, "clocks differ"
    assert state_of(declared(), *agreed(CLOSING), closed(by=CAROL)).is_open
    assert not state_of(declared(drill=True), closed()).is_open, "a drill ends by itself"


def test_it_lasts_as_long_as_declared_or_asked_and_never_longer_than_three_days() -> None:
    assert state_of(declared()).expires_at == NOW + timedelta(hours=8)
    longer = entry(Extended(until=NOW + timedelta(hours=20), reason="not over"))
    assert state_of(declared(), longer).expires_at == NOW + timedelta(hours=20)
    longest = entry(Extended(until=NOW + timedelta(days=9), reason="not over"))
    assert state_of(declared(), longer, longest).expires_at == NOW + LONGEST
    assert state_of(declared(lasts=timedelta(days=9))).expires_at == NOW + LONGEST
    assert state_of(declared(drill=True), longest).expires_at == NOW + LONGEST_DRILL
    assert not state_of(declared()).has_expired(NOW + timedelta(hours=8) - MINUTE)
    assert state_of(declared()).has_expired(NOW + timedelta(hours=8))


# Steps.


def ran(run: str, state: StepState | None, at: timedelta, *, step: int = 5, **fields: object) -> list[Entry]:
    kind, forced = fields.pop("kind", RunKind.STEP), fields.pop("forced", "")
    started = StepStarted(step=step, run=run, kind=RunKind(str(kind)), forced=str(forced))
    if state is None:
        return [entry(started, APP_CALLER, at=at)]
    ended = StepEnded(step=step, run=run, state=state, **fields)  # pyright: ignore[reportArgumentType] - the fields
    return [entry(started, APP_CALLER, at=at), entry(ended, APP_CALLER, at=at + MINUTE)]


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([], StepState.PENDING),
        (ran(ONE, None, MINUTE), StepState.RUNNING),
        (ran(ONE, StepState.FAILED, MINUTE), StepState.FAILED),
        (ran(ONE, StepState.DONE, MINUTE), StepState.DONE),
        ([*ran(ONE, StepState.FAILED, MINUTE), *ran(TWO, None, 3 * MINUTE)], StepState.RUNNING),
        ([*ran(ONE, StepState.BLOCKED, MINUTE), *ran(TWO, StepState.DONE, 3 * MINUTE)], StepState.DONE),
        ([*ran(ONE, StepState.DONE, MINUTE), *ran(TWO, StepState.FAILED, 3 * MINUTE)], StepState.DONE),
        ([*ran(ONE, StepState.DONE, MINUTE), *ran(TWO, None, 3 * MINUTE, kind="repeat")], StepState.DONE),
        ([*ran(ONE, StepState.DONE, MINUTE), *ran(TWO, None, 3 * MINUTE, forced="again")], StepState.RUNNING),
        (
            [*ran(ONE, StepState.DONE, MINUTE), *ran(TWO, StepState.FAILED, 3 * MINUTE, forced="again")],
            StepState.FAILED,
        ),
        ([entry(StepRecorded(step=5, state=StepState.DONE, note="by hand"))], StepState.DONE),
        ([entry(StepRecorded(step=5, state=StepState.SKIPPED, note="not needed"))], StepState.SKIPPED),
        ([entry(StepRecorded(step=5, state=StepState.BLOCKED, note="no state of a record"))], StepState.PENDING),
        ([*ran(ONE, StepState.DONE, MINUTE), *ran(TWO, StepState.DONE, 3 * MINUTE, kind="back")], StepState.DONE),
    ],
)
def test_how_far_a_step_is(entries: list[Entry], state: StepState) -> None:
    folded = state_of(declared(), *entries)
    assert folded.step(5).state is state
    others = {number: folded.step(number).state for number in range(1, 9) if number != 5}
    assert set(others.values()) == {StepState.PENDING}


def test_a_step_that_did_something_is_taken_back_by_a_later_run() -> None:
    did = ran(ONE, StepState.DONE, MINUTE, step=6)
    assert not state_of(declared(), *did).step(6).is_taken_back
    assert state_of(declared(), *did, *ran(TWO, StepState.DONE, 9 * MINUTE, step=6, kind="back")).step(6).is_taken_back
    assert (
        not state_of(declared(), *did, *ran(TWO, StepState.FAILED, 9 * MINUTE, step=6, kind="back"))
        .step(6)
        .is_taken_back
    )


def test_the_next_thing_to_do_is_the_first_step_that_is_not_finished() -> None:
    assert state_of(declared()).next_step == 1
    first = ran(ONE, StepState.DONE, MINUTE, step=1)
    assert state_of(declared(), *first, *ran(TWO, StepState.FAILED, MINUTE, step=2)).next_step == 2
    everything = [entry(StepRecorded(step=number, state=StepState.DONE, note="")) for number in range(1, 9)]
    assert state_of(declared(), *everything).next_step is None


def test_a_step_left_out_looks_no_more() -> None:
    again = ran(ONE, StepState.BLOCKED, MINUTE, next_at=NOW + timedelta(hours=1))
    assert state_of(declared(), *again).step(5).next_at == NOW + timedelta(hours=1)
    out = entry(StepRecorded(step=5, state=StepState.SKIPPED, note="not needed"), at=5 * MINUTE)
    assert state_of(declared(), *again, out).step(5).next_at is None


@pytest.mark.parametrize("number", [0, 9, -1])
def test_there_are_eight_steps(number: int) -> None:
    with pytest.raises(IndexError):
        state_of(declared()).step(number)


# The announced sign-in.


def test_a_sign_in_is_announced_for_its_account_and_time_alone() -> None:
    account = "b4ea0000-0000-4000-8000-000000000001"
    announced = entry(SignInAnnounced(account=account, until=NOW + timedelta(hours=1)), at=10 * MINUTE)
    folded = state_of(declared(), announced)
    assert folded.announcement(account.upper(), NOW + timedelta(minutes=30))
    assert folded.announcement(account, NOW + timedelta(minutes=6)), "clocks differ"
    assert not folded.announcement(account, NOW), "before it was announced"
    assert not folded.announcement(account, NOW + timedelta(hours=2)), "after its time"
    assert not folded.announcement(CAROL.operator, NOW + timedelta(minutes=30)), "another account"
    over = state_of(declared(), announced, *agreed(CLOSING), closed(at=20 * MINUTE))
    assert over.announcement(account, NOW + timedelta(minutes=15)), "its record may come after it was closed"
    assert not over.announcement(account, NOW + timedelta(minutes=30)), "closed"
    assert not state_of(declared(drill=True), announced).announcement(account, NOW + timedelta(minutes=30)), "a drill"


def test_what_a_run_announces_is_announced_by_who_began_it() -> None:
    account = "b4ea0000-0000-4000-8000-000000000001"
    act = SignInAnnounced(account=account, until=NOW + timedelta(hours=1))
    began = entry(StepStarted(step=3, run=ONE), DAVE, at=MINUTE)
    ended = entry(StepEnded(step=3, run=ONE, state=StepState.DONE, announces=(act,)), APP_CALLER, at=2 * MINUTE)
    for order in permutations([declared(), began, ended]):
        found = state_of(*order).announcement(account, NOW + 5 * MINUTE)
        assert found is not None
        assert found.name == DAVE.name


def test_who_acknowledged_is_known() -> None:
    folded = state_of(declared(), entry(Acknowledged(over="PagerDuty"), CODED, at=MINUTE))
    assert [(one.name, one.at) for one in folded.acknowledged] == [(DAVE.name, NOW + MINUTE)]


def test_a_carried_declaration_gives_way_to_one_that_could_be_checked() -> None:
    """Else somebody would turn an emergency into a drill by carrying an older declaration."""
    false = entry(Declared(reason="only a drill", hybrid=False, drill=True, expires_at=NOW), at=-60 * MINUTE, id=ONE)
    folded = state_of(false, declared(), carried=frozenset({false.digest}))
    assert not folded.drill
    assert state_of(false, carried=frozenset({false.digest})).drill, "alone it is all that is known"


# What waits for the second operator.

OTHER = Proposal(what="close", text="Close it, and leave the federation as it is")
ELSE = Proposal(what="federation", text="Change contoso.com and fabrikam.com from federated to managed")


def asks(proposal: Proposal, minutes: float, by: Caller = CAROL) -> Entry:
    return entry(Asked(what=proposal.what, digest=proposal.digest, text=proposal.text), by, at=minutes * MINUTE)


def confirms(proposal: Proposal, minutes: float, by: Caller = DAVE) -> Entry:
    return entry(Confirmed(what=proposal.what, digest=proposal.digest), by, at=minutes * MINUTE)


@pytest.mark.parametrize(
    ("entries", "waits"),
    [
        ([asks(CLOSING, 9)], [(CLOSING, 9)]),
        ([asks(CLOSING, 8), asks(CLOSING, 9)], [(CLOSING, 8), (CLOSING, 9)]),
        ([asks(CLOSING, 8), asks(CLOSING, 9, DAVE)], [(CLOSING, 8), (CLOSING, 9)]),
        ([asks(CLOSING, 8), asks(OTHER, 9)], [(OTHER, 9)]),
        ([asks(CLOSING, 8), asks(OTHER, 9, DAVE)], [(OTHER, 9)]),
        ([asks(CLOSING, 7), asks(OTHER, 8), asks(CLOSING, 9)], [(CLOSING, 7), (CLOSING, 9)]),
        ([asks(CLOSING, 8), asks(PROPOSAL, 9)], [(CLOSING, 8), (PROPOSAL, 9)]),
        ([asks(PROPOSAL, 8), asks(ELSE, 9)], [(ELSE, 9)]),
        ([asks(CLOSING, 8), confirms(CLOSING, 9)], []),
        ([asks(CLOSING, 7), asks(CLOSING, 8, DAVE), confirms(CLOSING, 9)], []),
        ([asks(CLOSING, 7), asks(OTHER, 8), confirms(OTHER, 9)], []),
        ([asks(CLOSING, 7), confirms(CLOSING, 8), asks(CLOSING, 9)], [(CLOSING, 9)]),
        ([asks(CLOSING, -10)], []),
    ],
)
def test_what_waits_is_the_text_that_was_asked_for_last(
    entries: list[Entry], waits: list[tuple[Proposal, float]]
) -> None:
    """Whoever asks again with another text takes back the first, whose digest somebody may still have at hand."""
    found = state_of(declared(), *entries).waiting(NOW + 10 * MINUTE)
    assert [(one.text, one.asked_at) for one in found] == [(one.text, NOW + at * MINUTE) for one, at in waits]


def test_the_last_text_for_closing_that_two_agreed_to_is_the_one() -> None:
    folded = state_of(declared(), *agreed(CLOSING), *agreed(OTHER, at=5 * MINUTE), asks(CLOSING, 9))
    assert folded.closing is not None
    assert folded.closing.text == OTHER.text
    assert state_of(declared(), asks(CLOSING, 9)).closing is None


def test_findings_are_those_of_the_last_run_also_of_one_that_takes_back() -> None:
    """Else nobody would read what the way back found, nor the command that it leaves to a person."""
    found = {run: Finding(answer=Answer.NOTED, about="contoso.com", text=run) for run in (ONE, TWO)}
    did = ran(ONE, StepState.DONE, MINUTE, step=6, findings=(found[ONE],), next_at=NOW + 8 * MINUTE)
    back = ran(TWO, StepState.BLOCKED, 9 * MINUTE, step=6, kind="back", findings=(found[TWO],))
    assert state_of(declared(), *did).step(6).findings == (found[ONE],)
    step = state_of(declared(), *did, *back).step(6)
    assert step.findings == (found[TWO],)
    assert (step.state, step.next_at) == (StepState.DONE, NOW + 8 * MINUTE)
    assert step.last_ended is not None
    assert step.last_ended.id == ONE
    assert step.last_back is not None
    assert step.last_back.id == TWO


def test_what_is_proposed_stays_proposed_while_a_run_looks_again() -> None:
    did = ran(ONE, StepState.DONE, MINUTE, step=6)
    back = ran(TWO, StepState.BLOCKED, 9 * MINUTE, step=6, kind="back", proposals=(PROPOSAL,))
    looks = ran("3" * 32, None, 20 * MINUTE, step=6, kind="back")
    assert state_of(declared(), *did, *back, *looks).step(6).proposals == (PROPOSAL,)
