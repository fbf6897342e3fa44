"""Compaction changes nothing of what is decided: the same look is planned as if all the past were still read."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.model.kinds import Json
from shared.model.objects import (
    EXISTS,
    Intent,
    IntentState,
    ObjectPlan,
    Op,
    Provenance,
    Verdict,
    Version,
)
from shared.objects.compaction import RECORDS_COME_WITHIN, compacted
from shared.objects.planning import plan_object
from tests.fakes.object_stories import HOUR, RULES, Story, at, lamp

_DAY: Final = 24 * HOUR
_NOW: Final = 90 * _DAY
"""When it is compacted, in seconds after the stories' beginning; later parts of stories come after it."""


def _settled(story: Story, seconds: float, **look: Any) -> Story:  # noqa: ANN401 - values of leaves
    """Let the planner say what is settled by a look."""
    return story.with_state(settled=story.plan(seconds, **look).state.settled)


def _compacted(story: Story, *, now: float = _NOW) -> Story:
    state = compacted(story.state, story.changes, RULES, now=at(now))
    since = tuple(judged for judged in story.changes if judged.change.at > state.origin.at)
    return Story(state=state, changes=since)


def _decided(plan: ObjectPlan) -> tuple[object, ...]:
    return plan.op, dict(plan.steps), plan.verdicts, plan.offers, plan.baseline


_PAST: Final = _settled(
    Story().change(10, "Alice", state=("on", "dim")).seen(2000, state="dim").seen(3000, state="dim"), 4000, state="dim"
)


def test_the_past_becomes_one_version_with_its_provenance() -> None:
    story = _compacted(_PAST)
    assert story.changes == ()
    assert story.state.origin == _PAST.state.versions[-1]
    assert (story.state.versions, story.state.settled) == ((), ())
    assert story.state.accounted["state"].provenance is Provenance.APPROVED
    assert story.state.accounted["colour"].provenance is Provenance.ACCEPTED
    plans = [
        each.change(_NOW + 10, "Mallory", state=("dim", "off")).plan(_NOW + 60, state="off") for each in (_PAST, story)
    ]
    assert _decided(plans[0]) == _decided(plans[1])
    assert plans[1].steps == {"state": ("off", "dim")}


def test_first_seen_stays_first_seen() -> None:
    """Only values that somebody answers for are ever written, however long ago they were seen."""
    past = Story().first_seen().change(10, "Alice", state=("on", "dim")).seen(2000, state="dim")
    story = _compacted(_settled(past, 4000, state="dim"))
    assert story.state.accounted["colour"].provenance is Provenance.FIRST_SEEN
    assert story.state.accounted["state"].provenance is Provenance.APPROVED


def _an_intent(state: IntentState) -> Intent:
    return Intent(id="i", at=at(15), op=Op.UPDATE, steps={}, state=state)


_UNSETTLED: Final = Story().change(10, "Mallory", is_live=False, state=("on", "off")).seen(2000, state="off")


_OPEN_PASTS: Final = {
    "a change that isn't settled": _settled(_UNSETTLED, 4000, state="off"),
    "a person left it, so it differs": _settled(_UNSETTLED.left("state", "off"), 4000, state="off"),
    "it isn't known whether a write was carried out": _PAST.with_state(intents=(_an_intent(IntentState.OPEN),)),
    "drift that nobody explains": Story().seen(2000, state="dim"),
    "an unknown actor wrote what stands again": _settled(
        Story().change(10, "Mallory", state=("on", "off")).change(20, "Oscar", state=("off", "on")).seen(2000), 4000
    ),
    "a writer is missing": _settled(
        Story().change(10, "Alice", state=("dim", "off")).seen(2000, state="off"), 4000, state="off"
    ),
    "a replica may have been behind": _settled(
        Story().change(10, "Alice", state=("on", "dim")).seen(20, state="dim"), 4000, state="dim"
    ),
}


@pytest.mark.parametrize("why", _OPEN_PASTS)
def test_what_is_not_over_stays(why: str) -> None:
    story = _OPEN_PASTS[why]
    state = compacted(story.state, story.changes, RULES, now=at(_NOW))
    assert (state.origin, state.settled, state.accounted) == (story.state.origin, story.state.settled, {})


def test_it_waits_as_long_as_records_may_come_and_until_writes_are_known() -> None:
    soon = 2000 + RECORDS_COME_WITHIN.total_seconds()
    assert _compacted(_PAST, now=soon).state.origin == _PAST.state.origin
    assert _compacted(_PAST, now=soon + 1).state.origin == _PAST.state.versions[0]
    closed = _PAST.with_state(intents=(_an_intent(IntentState.BOOKED),))
    assert _compacted(closed).state.intents == ()


def test_a_version_that_was_seen_at_once_counts_from_when_it_was_seen_again() -> None:
    """It is kept when it is first seen, seconds after the change; a replica may have been behind then."""
    story = _OPEN_PASTS["a replica may have been behind"]

    def compacted_when(confirmed_at: float) -> bool:
        state = compacted(story.state, story.changes, RULES, now=at(_NOW), confirmed_at=at(confirmed_at))
        return state.origin != story.state.origin

    lag = 600
    assert not compacted_when(10 + lag)
    assert compacted_when(11 + lag)
    assert compacted_when(_NOW), "as it stood then, as far as records could have come"


def test_a_version_before_what_is_not_over_is_as_far_as_it_goes() -> None:
    story = _settled(
        _PAST.change(5000, "Mallory", is_live=False, state=("dim", "off")).seen(6000, state="off"), 7000, state="off"
    )
    short = _compacted(story)
    assert short.state.origin.at == at(5000) - timedelta(microseconds=1)
    assert [judged.change.id for judged in short.changes] == ["Mallory 5000"]
    assert _decided(short.plan(_NOW, state="off")) == _decided(story.plan(_NOW, state="off"))


def test_versions_that_bracket_nothing_go_and_those_that_bracket_stay() -> None:
    story = Story()
    for seconds in range(1, 60):
        story = story.seen(_NOW + seconds)
    story = (
        story.change(_NOW + 100, "Alice", is_whole=False).seen(_NOW + 110, state="dim").seen(_NOW + 120, state="dim")
    )
    state = compacted(story.state, story.changes, RULES, now=at(_NOW + 200))
    assert [version.at for version in state.versions] == [at(_NOW + 59), at(_NOW + 110), at(_NOW + 120)]
    short = Story(state=state, changes=story.changes)
    assert _decided(short.plan(_NOW + 200, state="dim")) == _decided(story.plan(_NOW + 200, state="dim"))


def test_what_a_service_filled_in_is_still_open_to_a_late_record() -> None:
    past = _settled(_PAST.filled(15, "body", "new").seen(3500, state="dim", body="new"), 4000, state="dim", body="new")
    short = _compacted(past)
    assert short.state.origin.at == at(3500)
    for later in ((), (("Mallory", (None, "new")),)):
        plans: list[ObjectPlan] = []
        for story in (past, short):
            longer = story
            for who, step in later:
                longer = longer.change(_NOW + 10, who, body=step)
            plans.append(longer.plan(_NOW + 60, state="dim", body="new"))
        assert _decided(plans[0]) == _decided(plans[1])


def test_what_the_responder_took_long_ago_is_forgotten() -> None:
    """The one difference: within 30 days a stale form brings it back as unknown, later an approved actor may."""
    taken = Story().change(10, "Mallory", state=("on", "off")).ours(1000, state=("off", "on")).seen(3000)
    story = _settled(taken, 4000)
    plans = [
        each.change(_NOW + 10, "Alice", state=("on", "off")).plan(_NOW + 60, state="off")
        for each in (story, _compacted(story))
    ]
    assert [plan.verdicts.get("state") and plan.verdicts["state"].verdict for plan in plans] == [Verdict.UNKNOWN, None]


_WRITES: Final = st.lists(
    st.tuples(
        st.sampled_from(["Alice", "Bob", "Mallory", "Oscar"]),
        st.sampled_from(["state", "colour", "guests[Ann]", "guests[Zoe]", EXISTS]),
        st.sampled_from(["a", "b", None]),
        st.booleans(),
    ),
    max_size=5,
)


def _happened(
    story: Story, stands: dict[str, Json], writes: list[tuple[str, str, str | None, bool]], begin: float
) -> Story:
    """Let people write one after the other, an hour apart; after some of them a sweep sees it."""
    for number, (who, leaf, value, is_seen) in enumerate(writes):
        seconds = begin + number * HOUR
        story = _written(story, stands, seconds, (who, leaf, value))
        if is_seen:
            version = story.seen(seconds + 1800).state.versions[-1]
            seen = msgspec.structs.replace(version, leaves=dict(stands))
            story = story.with_state(versions=(*story.state.versions, seen))
    return story


def _written(story: Story, stands: dict[str, Json], seconds: float, write: tuple[str, str, str | None]) -> Story:
    who, leaf, value = write
    if leaf == EXISTS:
        op = Op.DELETE if stands else Op.CREATE
        after = {} if stands else lamp()
    else:
        op, after = Op.UPDATE, dict(stands)
        if not stands:
            return story
        after.pop(leaf, None)
        after.update({leaf: True if "[" in leaf else value} if value else {})
    wrote = {
        name: (stands.get(name), after.get(name)) for name in {**stands, **after} if stands.get(name) != after.get(name)
    }
    longer = story.change(seconds, who, op)
    judged = longer.changes[-1]
    change = msgspec.structs.replace(judged.change, wrote=wrote)
    stands.clear()
    stands.update(after)
    return Story(state=story.state, changes=(*story.changes, msgspec.structs.replace(judged, change=change)))


def _planned(story: Story, stands: dict[str, Json], seconds: float) -> ObjectPlan:
    look = Version(at=at(seconds), leaves=dict(stands))
    return plan_object(story.state, story.changes, look, RULES, now=at(seconds))


@settings(max_examples=400)
@given(before=_WRITES, after=_WRITES)
def test_the_same_is_decided_with_the_past_and_without_it(
    before: list[tuple[str, str, str | None, bool]], after: list[tuple[str, str, str | None, bool]]
) -> None:
    stands: dict[str, Json] = dict(lamp())
    story = _happened(Story(), stands, before, HOUR)
    story = story.with_state(settled=_planned(story, stands, 30 * HOUR).state.settled)
    short = _compacted(story)
    event("compacted" if short.state.origin != story.state.origin else "nothing to compact")
    plans: list[tuple[object, ...]] = []
    for each in (story, short):
        now_stands = dict(stands)
        longer = _happened(each, now_stands, after, _NOW + HOUR)
        plans.append(_decided(_planned(longer, now_stands, _NOW + 20 * HOUR)))
    assert plans[0] == plans[1]
