"""Laws of planning, over random stories, against an oracle that knows the truth and is written apart."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    WHOLE,
    WRITABLE,
    JudgedChange,
    Leaves,
    ObjectPlan,
    Op,
    Provenance,
    Verdict,
    Version,
)
from shared.objects.comparing import carry_out
from shared.objects.planning import plan_object
from tests.fakes.object_oracle import must_write
from tests.fakes.object_stories import HOUR, LAMP, Story, at

RULES = LeafRules(same=lambda _leaf, one, other: one == other, is_joint=lambda leaf: leaf == "state")
VALUES: dict[str, tuple[Json, ...]] = {
    "state": ("on", "off", "dim"),
    "colour": ("red", "blue", None),
    "guests[Ann]": (True, None),
    "guests[Max]": (True, None),
}
ACTORS = ("Mallory", "Mallory", "Mallory", "Mark", "Alice", "Alice", "Bob", "Oscar", "Mallory, unwatched")
LATER = 1_000_000.0


class PlayedStory:
    """What truly happened, how it is stored, and what stands in the end."""

    def __init__(self, story: Story, truth: tuple[JudgedChange, ...], stands: Leaves) -> None:
        self.story = story
        self.truth = truth
        self.stands = stands

    def __repr__(self) -> str:
        lines = [
            f"{each.change.id} {each.change.op} {each.change.wrote} of which a record says {kept.change.wrote}"
            for each, kept in zip(self.truth, self.story.changes, strict=True)
        ]
        return "\n".join((f"{self.story.state.origin.leaves}", *lines, f"in the end {self.stands}"))

    def plan(self, changes: tuple[JudgedChange, ...] | None = None, second: float = LATER) -> ObjectPlan:
        look = Version(at=at(second), leaves=dict(self.stands))
        changes = self.story.changes if changes is None else changes
        return plan_object(self.story.state, changes, look, RULES, now=at(second))


class World:
    """The lamp, while a story goes on: what stands, what truly happened, and what is stored of it."""

    def __init__(self, *, is_there: bool) -> None:
        self.story = Story() if is_there else Story().absent()
        self.stands: dict[str, Json] = dict(LAMP) if is_there else {}
        self.truth: list[JudgedChange] = []

    def played(self) -> PlayedStory:
        return PlayedStory(self.story, tuple(self.truth), dict(self.stands))

    def change(self, second: float, who: str, op: Op, wrote: dict[str, Any], details: dict[str, Any]) -> None:
        """Let somebody change it. The record of a change that isn't whole tells no values."""
        story = self.story.change(second, who, op, **details)
        self._happen(story, wrote, wrote if details["is_whole"] else {})

    def answer(self, second: float) -> None:
        """Write what is decided by what is known so far, if all of it may be written."""
        look = Version(at=at(second), leaves=dict(self.stands))
        known = [judged for judged in self.story.changes if judged.change.arrived_at <= look.at]
        plan = plan_object(self.story.state, known, look, RULES, now=look.at)
        agreed = [plan.baseline.get(leaf, plan.baseline[WHOLE]) for leaf in plan.steps]
        if plan.op is not None and all(each.provenance in WRITABLE for each in agreed):
            self._happen(self.story.ours(second, plan.op), plan.steps, plan.steps)

    def see(self, second: float) -> None:
        """Let a sweep keep a version of it."""
        version = Version(at=at(second), leaves=dict(self.stands))
        self.story = self.story.with_state(versions=(*self.story.state.versions, version))

    def _happen(self, story: Story, wrote: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
        last = story.changes[-1]
        truth, kept = (
            msgspec.structs.replace(last, change=msgspec.structs.replace(last.change, wrote=dict(each)))
            for each in (wrote, recorded)
        )
        self.truth.append(truth)
        self.story = replace(story, changes=(*story.changes[:-1], kept))
        carry_out(truth.change, self.stands)
        self.stands = {leaf: value for leaf, value in self.stands.items() if value is not None}


@st.composite
def stories(draw: st.DrawFn, *, we_answer: bool = True, whole: bool = True, late: bool = False) -> PlayedStory:
    """Somebody does something every few seconds; we may answer at once. Every old value in a record is true."""
    world, second = World(is_there=draw(st.booleans())), 600.0
    for _ in range(draw(st.integers(1, 9))):
        second += draw(st.sampled_from((2, 3, 40, 900)))
        who, _, unwatched = draw(st.sampled_from(ACTORS)).partition(",")
        op, wrote = draw(actions(world.stands))
        details = {
            "is_live": not unwatched,
            "late": draw(st.sampled_from((0, 60, 2 * HOUR))) if late else 0,
            "is_whole": whole or draw(st.booleans()),
        }
        if wrote:
            world.change(second, who, op, wrote, details)
        if not details["is_whole"] or draw(st.booleans()):
            world.see(second + 0.5)
        if we_answer and draw(st.booleans()):
            world.answer(second + 1)
    assume(world.truth)
    return world.played()


@st.composite
def actions(draw: st.DrawFn, stands: Leaves) -> tuple[Op, dict[str, Any]]:
    """An action on the lamp as it stands, and what it writes; an update may write nothing."""
    if stands and draw(st.integers(0, 5)) == 0:
        return Op.DELETE, {EXISTS: (True, None)}
    names = st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=2, unique=True)
    chosen = draw(names) if stands else list(VALUES)
    wrote = {name: (stands.get(name), draw(st.sampled_from(VALUES[name]))) for name in chosen}
    wrote = {name: (old, new) for name, (old, new) in wrote.items() if old != new}
    return (Op.UPDATE, wrote) if stands else (Op.CREATE, {EXISTS: (None, True), **wrote})


MANY = settings(max_examples=100, deadline=None)


@MANY
@given(stories(we_answer=False) | stories())
def test_exactly_what_the_oracle_says_is_written(played: PlayedStory) -> None:
    origin = dict(played.story.state.origin.leaves)
    plan = played.plan()
    assert (plan.op, plan.steps) == must_write(origin, list(played.truth), "state")


@MANY
@given(stories(whole=False, late=True), st.randoms(use_true_random=False))
def test_the_order_in_which_records_came_does_not_change_the_end(played: PlayedStory, dice: random.Random) -> None:
    plan = played.plan()
    shuffled = list(played.story.changes)
    dice.shuffle(shuffled)
    assert played.plan(tuple(shuffled)) == plan
    at_once = tuple(
        msgspec.structs.replace(each, change=msgspec.structs.replace(each.change, arrived_at=each.change.at))
        for each in shuffled
    )
    again = played.plan(at_once)
    assert (again.op, again.steps, again.baseline) == (plan.op, plan.steps, plan.baseline)
    assert again.verdicts.keys() == plan.verdicts.keys()


@MANY
@given(stories(whole=False, late=True))
def test_it_writes_what_the_baseline_says_and_only_over_what_is_to_be_put_back(played: PlayedStory) -> None:
    plan = played.plan()
    by_leaf = {leaf for leaf, each in plan.verdicts.items() if each.verdict is Verdict.PUT_BACK}
    assert bool(plan.steps) is bool(plan.op) is bool(by_leaf)
    for leaf, (old, new) in plan.steps.items():
        assert old == played.stands.get(leaf)
        assert new == plan.baseline.get(leaf, plan.baseline[WHOLE]).value
        assert leaf in by_leaf or EXISTS in by_leaf


@MANY
@given(stories(whole=False, late=True))
def test_what_an_approved_actor_wrote_last_is_not_touched(played: PlayedStory) -> None:
    plan = played.plan()
    for leaf in plan.steps if plan.op is Op.UPDATE else ():
        writers = [each for each in played.truth if leaf in each.change.wrote or each.change.op is Op.DELETE]
        assert writers[-1].standing is Standing.UNAPPROVED


@MANY
@given(stories(we_answer=False), st.data())
def test_where_a_record_never_comes_nothing_older_than_it_is_written(played: PlayedStory, data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(played.truth))
    plan = played.plan(tuple(each for each in played.truth if each is not lost))
    later = played.truth[played.truth.index(lost) + 1 :]
    if lost.standing is Standing.UNAPPROVED or any(each.change.op is not Op.UPDATE for each in (lost, *later)):
        return
    for leaf in lost.change.wrote.keys() & plan.steps.keys():
        over = [each for each in later if leaf in each.change.wrote]
        assert any(each.standing is Standing.APPROVED for each in over)


@MANY
@given(stories(late=True))
def test_an_approved_value_that_we_covered_is_offered_back_or_people_are_asked(played: PlayedStory) -> None:
    plan = played.plan()
    offered = {offer.leaf for offer in plan.offers}
    asked = {leaf for leaf, each in plan.verdicts.items() if each.verdict.needs_people}
    for leaf in VALUES if played.stands else ():
        writers = [each for each in played.truth if leaf in each.change.wrote or (each.change.op is not Op.UPDATE)]
        theirs = [each for each in writers if not each.change.is_ours]
        if not theirs or theirs[-1].standing is not Standing.APPROVED or theirs[-1].change.op is not Op.UPDATE:
            continue
        if played.stands.get(leaf) != theirs[-1].change.wrote[leaf][1]:
            assert {leaf, EXISTS, WHOLE} & (offered | asked)


@MANY
@given(stories(whole=False, late=True))
def test_only_first_seen_values_come_of_a_first_seen_object_that_nobody_approved(played: PlayedStory) -> None:
    story = played.story.with_state(provenance=Provenance.FIRST_SEEN)
    unapproved = tuple(each for each in played.story.changes if each.standing is not Standing.APPROVED)
    look = Version(at=at(LATER), leaves=dict(played.stands))
    plan = plan_object(story.state, unapproved, look, RULES, now=at(LATER))
    assert {each.provenance for each in plan.baseline.values()} == {Provenance.FIRST_SEEN}


@MANY
@given(stories(whole=False, late=True))
def test_planning_twice_decides_the_same(played: PlayedStory) -> None:
    first = played.plan()
    again = plan_object(
        first.state,
        played.story.changes,
        Version(at=at(LATER), leaves=dict(played.stands)),
        RULES,
        now=at(LATER),
    )
    assert msgspec.structs.replace(again, state=first.state) == first
    assert set(first.state.settled) <= set(again.state.settled)


@MANY
@given(stories(we_answer=False))
def test_after_our_write_nothing_is_left_to_write(played: PlayedStory) -> None:
    world = World(is_there=bool(played.story.state.origin.leaves))
    world.story, world.truth, world.stands = played.story, list(played.truth), dict(played.stands)
    world.answer(LATER)
    after = world.played().plan(second=LATER + 10)
    assert (after.op, after.steps) == (None, {})
    assert after.offers == ()
