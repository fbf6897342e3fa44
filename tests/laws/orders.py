"""Law 7: whatever order the records come in, the end is the same."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from shared.model.kinds import Json
from tests.laws.oracle import Truth, is_not_to_exist, is_put_back
from tests.laws.play import Play, Result, Story, play
from tests.laws.seen import Responder
from tests.laws.stories import reordered
from tests.laws.world import EXISTS

type Maker = Callable[[Play], Responder]

ORDERS: Final = 3
"""In how many orders of the records a story is played."""


def order_matters(story: Story, make: Maker, chance: Random) -> str:
    """Name a leaf that ends differently in two orders of the records, and that nobody is asked about."""
    endings = [_ending(play(reordered(story, chance), make)) for _ in range(ORDERS)]
    for leaves, asked in endings:
        for other, also_asked in endings:
            for name, leaf in sorted({*leaves, *other}):
                if leaves.get((name, leaf)) != other.get((name, leaf)) and name not in asked | also_asked:
                    return f"{name} {leaf}"
    return ""


def _ending(result: Result) -> tuple[dict[tuple[str, str], Json], set[str]]:
    """Give the leaves as they end, and the objects that people are asked about.

    Of what isn't to be there it counts only that it was made harmless, or is gone: law 1 asks no more of it either.
    """
    truth = Truth(result)
    things = result.world.things
    asked = {name for name in things if any(truth.seen.pending.get(each.lower()) for each in things[name].ids)}
    return {
        (name, leaf): value
        for name, thing in things.items()
        for leaf, value in _that_count(truth, name, result.world.leaves(thing.image)).items()
    }, asked


def _that_count(truth: Truth, name: str, leaves: Mapping[str, Json]) -> Mapping[str, Json]:
    if leaves and is_not_to_exist(truth, truth.chain(name, EXISTS)):
        return {} if is_put_back(truth, name, EXISTS, None) else {EXISTS: True}
    return leaves
