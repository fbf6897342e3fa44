"""Shortest ways from people to what they shouldn't be able to change, over steps that are read of a tenant.

It is a search in a graph, and knows nothing of what its nodes are. A node of which it couldn't be read where it leads
is *unread*: a way that ends there may go on, which is neither yes nor no.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct


class Step(Struct, frozen=True, kw_only=True):
    """Whoever is, or has, `begin` gets `to`. `words` say it of whom a way begins with, `then` of what came before.

    "Dave" *owns group Deploy*, *whose members hold Owner on rg-responder*.
    """

    begin: str
    to: str
    words: str
    then: str = ""


class Way(Struct, frozen=True, kw_only=True):
    """A shortest way. `because` is why it isn't known where it goes on, "" for one that reaches an end."""

    steps: tuple[Step, ...]
    because: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it reaches an end."""
        return not self.because

    def in_words(self, name: str) -> str:
        """Say it in one sentence of somebody."""
        first, *rest = self.steps
        said = ", ".join((f"{name} {first.words}", *(step.then or step.words for step in rest)))
        return f"{said}; beyond that it isn't known: {self.because}" if self.because else said


def shortest_ways(
    steps: Iterable[Step], begins: Iterable[str], ends: Iterable[str], unread: Mapping[str, str]
) -> Mapping[str, Way]:
    """Give the shortest way of each of `begins` that has one: to an end, else to a node that is unread.

    `unread` says of such nodes why. Of ways that are as short as one another, the first by its words is given. One that
    begins at an end, or at a node that is unread, has no way: there is no step to tell of.
    """
    leading: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        leading[step.to].append(step)
    there = {*ends}
    to_ends, to_unread = _first_steps(leading, there), _first_steps(leading, unread)
    found: dict[str, Way] = {}
    for begin in {*begins} - there:
        if begin in to_ends:
            found[begin] = Way(steps=_followed(begin, to_ends))
        elif begin in to_unread:
            way = _followed(begin, to_unread)
            found[begin] = Way(steps=way, because=unread[way[-1].to])
    return found


def _first_steps(leading: Mapping[str, Sequence[Step]], ends: Iterable[str]) -> Mapping[str, Step]:
    """Give for each node that leads to one of `ends` the first step of a shortest way; `ends` have none."""
    reached = {*ends}
    first: dict[str, Step] = {}
    edge = reached
    while edge:
        candidates = (step for node in edge for step in leading.get(node, ()) if step.begin not in reached)
        layer: dict[str, Step] = {}
        for step in sorted(candidates, key=lambda step: (step.begin, step.words, step.to)):
            layer.setdefault(step.begin, step)
        first |= layer
        edge = {*layer}
        reached |= edge
    return first


def _followed(begin: str, first: Mapping[str, Step]) -> tuple[Step, ...]:
    way: list[Step] = []
    at = begin
    while at in first:
        way.append(first[at])
        at = first[at].to
    return tuple(way)
