"""Shortest ways, judged by a search that tries every way there is, over small random graphs."""

from collections.abc import Iterator, Mapping
from random import Random

import pytest

from shared.checks.ways import Step, Way, shortest_ways

_WORLDS = 400


def _every_way(steps: list[Step], begin: str, seen: tuple[str, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Every way from a node on that comes to no node twice."""
    for step in steps:
        if step.begin == begin and step.to not in {*seen, begin}:
            yield (step,)
            yield from ((step, *rest) for rest in _every_way(steps, step.to, (*seen, begin)))


def _oracle(steps: list[Step], begin: str, ends: set[str], unread: Mapping[str, str]) -> tuple[int, bool] | None:
    """How many steps the shortest way has, and whether it is sure; None where there is none."""
    if begin in ends:
        return None
    every = [*_every_way(steps, begin)]
    for nodes, sure in ((ends, True), (set(unread), False)):
        if not sure and begin in unread:
            return None
        if lengths := [len(way) for way in every if way[-1].to in nodes]:
            return min(lengths), sure
    return None


def test_the_search_and_the_oracle_find_ways_of_the_same_length() -> None:
    found_some = unsure = 0
    for seed in range(_WORLDS):
        chance = Random(seed)  # noqa: S311 - keeps no secret
        nodes = [f"n{number}" for number in range(chance.randint(2, 6))]
        steps = [
            Step(begin=begin, to=to, words=f"{begin}-{to}-{chance.randint(0, 2)}")
            for begin in nodes
            for to in nodes
            if begin != to and chance.random() < 0.3
        ]
        chance.shuffle(steps)
        ends = {node for node in nodes if chance.random() < 0.2}
        unread = {node: f"{node} is hidden" for node in nodes if node not in ends and chance.random() < 0.2}
        found = shortest_ways(steps, nodes, ends, unread)
        for node in nodes:
            way, expected = found.get(node), _oracle(steps, node, ends, unread)
            assert (way and (len(way.steps), way.is_sure)) == expected, (seed, node)
            if way is not None:
                _is_a_way(way, steps, node, ends, unread)
                found_some += 1
                unsure += not way.is_sure
    assert found_some > _WORLDS
    assert unsure > _WORLDS // 10


def _is_a_way(way: Way, steps: list[Step], begin: str, ends: set[str], unread: Mapping[str, str]) -> None:
    assert way.steps[0].begin == begin
    assert all(one.to == other.begin for one, other in zip(way.steps, way.steps[1:], strict=False))
    assert set(way.steps) <= set(steps)
    last = way.steps[-1].to
    assert last in ends if way.is_sure else way.because == unread[last]


def test_the_order_of_the_steps_makes_no_difference() -> None:
    steps = [Step(begin="a", to=to, words=f"owns {to}") for to in ("y", "x")]
    steps += [Step(begin=begin, to="end", words="holds it", then="which holds it") for begin in ("x", "y")]
    expected = shortest_ways(steps, ["a"], ["end"], {})
    assert shortest_ways(steps[::-1], ["a"], ["end"], {}) == expected
    assert expected["a"].in_words("Dave") == "Dave owns x, which holds it"


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ({"group": "403"}, "Dave owns group Deploy; beyond that it isn't known: 403"),
        ({}, None),
    ],
)
def test_what_could_not_be_read_is_where_the_way_ends(unread: Mapping[str, str], said: str | None) -> None:
    steps = [Step(begin="dave", to="group", words="owns group Deploy")]
    way = shortest_ways(steps, ["dave"], ["end"], unread).get("dave")
    assert (way and way.in_words("Dave")) == said


def test_a_sure_way_wins_over_a_shorter_one_that_is_not_known() -> None:
    steps = [
        Step(begin="dave", to="hidden", words="owns x"),
        Step(begin="dave", to="group", words="owns y"),
        Step(begin="group", to="end", words="holds it"),
    ]
    assert shortest_ways(steps, ["dave"], ["end"], {"hidden": "403"})["dave"].is_sure
