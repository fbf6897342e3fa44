"""The chain of an object's versions: whatever is done to it behind the store's back shows."""

from collections.abc import Callable, Sequence
from typing import Final

import pytest
from msgspec.structs import replace

from shared.model.objects import ObjectState
from shared.objects.version_chain import Chain, Link, extended, problems_of
from tests.fakes.guarded_objects import a_state, a_version

_STATE: Final = a_state(origin=a_version(0, "d0"), versions=tuple(a_version(n, f"d{n}") for n in range(1, 5)))
_CHAIN: Final = extended(Chain(), _STATE)
_OTHER: Final = extended(Chain(), a_state(origin=a_version(0, "x0"), versions=(a_version(1, "x1"),)))

type Links = Sequence[Link]


def test_each_version_has_a_link_to_the_one_before() -> None:
    assert [(link.number, link.digest) for link in _CHAIN.links] == [(n + 1, f"d{n}") for n in range(5)]
    assert [link.previous for link in _CHAIN.links] == ["", *(link.hash for link in _CHAIN.links[:-1])]
    assert extended(_CHAIN, _STATE) == _CHAIN
    assert list(problems_of(_CHAIN, _STATE)) == []


_TAMPERINGS: Final[dict[str, tuple[Callable[[Links], Links], str]]] = {
    "a digest is exchanged": (lambda links: [links[0], replace(links[1], digest="d9"), *links[2:]], "isn't the one"),
    "an instant is changed": (lambda links: [links[0], replace(links[1], at=links[0].at), *links[2:]], "isn't the one"),
    "one is left out": (lambda links: [*links[:2], *links[3:]], "versions 3 to 3 were removed"),
    "the first are left out": (lambda links: links[2:], "versions 1 to 2 were removed"),
    "one of another object is put in": (lambda links: [links[0], _OTHER.links[1], *links[2:]], "doesn't follow"),
    "two change places": (lambda links: [links[1], links[0], *links[2:]], "removed"),
    "the last is left out": (lambda links: links[:-1], "was never kept"),
}


@pytest.mark.parametrize(("change", "problem"), _TAMPERINGS.values(), ids=_TAMPERINGS)
def test_what_was_done_to_it_shows(change: Callable[[Links], Links], problem: str) -> None:
    tampered = replace(_CHAIN, links=tuple(change(_CHAIN.links)))
    assert any(problem in found for found in problems_of(tampered, _STATE))


def _without(state: ObjectState, *numbers: int) -> ObjectState:
    return replace(state, versions=tuple(one for n, one in enumerate(state.versions, 1) if n not in numbers))


def test_what_was_compacted_is_no_problem_but_what_goes_besides_is() -> None:
    state = _without(_STATE, 1, 3)
    chain = extended(_CHAIN, state)
    assert (chain.compacted, [link.number for link in chain.links]) == (((2, 2), (4, 4)), [1, 3, 5])
    assert list(problems_of(chain, state)) == []
    fewer = _without(state, 1)
    again = extended(chain, fewer)
    assert again.compacted == ((2, 4),)
    assert list(problems_of(again, fewer)) == []
    cut = replace(chain, links=(chain.links[0], chain.links[2]))
    assert any("versions 2 to 4 were removed" in found for found in problems_of(cut, fewer))


def test_the_last_link_stays_for_the_next_to_follow_it() -> None:
    short = extended(_CHAIN, _without(_STATE, 4))
    assert short.links[-1].digest == "d4"
    longer = replace(_without(_STATE, 4), versions=(*_STATE.versions[:3], a_version(9, "d9")))
    chain = extended(short, longer)
    assert (chain.links[-1].number, chain.links[-1].digest, chain.compacted) == (6, "d9", ((5, 5),))
    assert list(problems_of(chain, longer)) == []
