"""The judge is judged: a responder that knows the truth breaks no law, and each fault breaks its own."""

import json
from random import Random
from typing import Any

import pytest

from tests.laws import stand_ins
from tests.laws.hand import HAND, Ending, HandStory, change, edit, story
from tests.laws.oracle import judge, must_write
from tests.laws.orders import order_matters
from tests.laws.play import Play, Result, Story, play
from tests.laws.seen import Responder
from tests.laws.stories import random_story, shrink

STORIES = 60

SHOWN_BY: dict[str, Story] = {
    "writes what was only first seen": story("P2", edit(600, "mal", "P2", {"state": "disabled"}), first_seen=["P2"]),
    "forgets the emergency accounts": story(
        "P1 G",
        edit(600, "mal", "P1", {"state": "disabled"}),
        edit(601, "alice", "G", {"members[em2]": None}),
    ),
    "gives access to anybody": story(
        "A1", {"t": 590, "do": "disable", "who": "svc"}, change(600, "mal", "A1", "delete")
    ),
    "undoes what unknown actors do": story("D0 D1", change(600, "nobody", "D0", xml="v1")),
}
"""Stories for faults that few random ones show."""


def _laws(result: Result) -> set[str]:
    return {each.law for each in judge(result)}


@pytest.mark.parametrize("seed", range(STORIES))
def test_a_responder_that_knows_the_truth_breaks_no_law(seed: int) -> None:
    result = play(random_story(seed), stand_ins.perfect)
    assert judge(result) == []
    assert not must_write(result) or any(deed.actor == "us" for deed in result.world.history)


@pytest.mark.parametrize("hand", HAND, ids=lambda hand: hand.name)
def test_a_responder_that_knows_the_truth_breaks_no_law_in_stories_by_hand(hand: HandStory) -> None:
    assert judge(play(hand.story, stand_ins.perfect)) == []


@pytest.mark.parametrize("fault", stand_ins.FAULTS)
def test_each_fault_is_found_to_break_its_law(fault: str) -> None:
    law = stand_ins.FAULTS[fault]
    stories = [SHOWN_BY[fault]] if fault in SHOWN_BY else [random_story(seed) for seed in range(STORIES)]
    assert any(law in _laws(play(each, stand_ins.with_fault(fault))) for each in stories)


def test_a_responder_that_only_pages_is_found_not_to_write() -> None:
    results = [play(random_story(seed), stand_ins.with_fault("writes nothing")) for seed in range(STORIES)]
    assert sum(bool(must_write(each)) for each in results) > STORIES // 10


def test_few_stories_by_hand_end_right_where_nothing_is_done() -> None:
    make = stand_ins.with_fault("writes nothing")
    right = [hand.name for hand in HAND if hand.is_right(Ending(play(hand.story, make)))]
    assert len(right) < len(HAND) // 3, right


def test_an_order_that_matters_is_found() -> None:
    said = story("P2", edit(600, "alice", "P2", {"displayName": "A"}), edit(700, "bob", "P2", {"displayName": "B"}))
    said["events"].append(edit(800, "mal", "P2", {"displayName": "M"}))
    chance = Random(3)  # noqa: S311 - a story, no secret
    assert not order_matters(said, stand_ins.perfect, chance)
    assert any(order_matters(said, stand_ins.by_arrival, chance) for _ in range(4))


@pytest.mark.parametrize("seed", range(0, STORIES, 10))
@pytest.mark.parametrize("make", [stand_ins.perfect])
def test_a_seed_plays_the_same_story_again(seed: int, make: Any) -> None:  # noqa: ANN401 - a maker of responders
    one, other = (play(random_story(seed), make) for _ in range(2))
    assert _described(one) == _described(other)


def _described(result: Result) -> list[str]:
    return [f"{deed.at} {deed.actor} {deed.name} {deed.diff}" for deed in result.world.history]


def test_a_story_can_be_printed_and_played_again() -> None:
    plain = random_story(3)
    assert json.loads(json.dumps(plain)) == plain


def test_the_shrinker_keeps_what_breaks_the_law_and_drops_the_rest() -> None:
    def lazy(play_: Play) -> Responder:
        return stand_ins.StandIn(play_, "pages nobody")

    def is_broken(each: Story) -> bool:
        return "1" in _laws(play(each, lazy))

    seed = next(seed for seed in range(200) if len(random_story(seed)["events"]) > 6 and is_broken(random_story(seed)))
    small = shrink(random_story(seed), is_broken)
    assert is_broken(small)
    assert len(small["events"]) <= 4
    assert len(small["events"]) < len(random_story(seed)["events"])
