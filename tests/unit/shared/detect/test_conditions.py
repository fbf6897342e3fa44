from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.detect.conditions import holds, required
from shared.detect.prefilter import needed
from shared.model.conditions import All, AnyOf, Condition, Is, Not, OneOf, StartsWith, Text, all_of, any_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    colour: str = ""
    size: str = ""


COLOUR = Text[Thing]("colour", lambda thing: thing.colour)
SIZE = Text[Thing]("size", lambda thing: thing.size)

EVERYTHING: Condition[Thing] = all_of()
NOTHING: Condition[Thing] = any_of()

_words = st.sampled_from(("", "red", "green", "redder", "small", "large"))


def _leaf(field: Text[Thing], kind: str, one: str, other: str) -> Condition[Thing]:
    if kind == "is":
        return field.is_(one)
    return field.one_of(one, other) if kind == "one of" else field.starts_with(one)


_leaves = st.builds(
    _leaf, st.sampled_from((COLOUR, SIZE)), st.sampled_from(("is", "one of", "starts with")), _words, _words
)
_conditions: st.SearchStrategy[Condition[Thing]] = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda terms: all_of(*terms)),
        st.lists(inner, max_size=3).map(lambda terms: any_of(*terms)),
        inner.map(Not),
    ),
    max_leaves=8,
)
_things = st.builds(Thing, colour=_words, size=_words)


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (COLOUR.is_("Red"), True),
        (COLOUR.is_("green"), False),
        (COLOUR.one_of("green", "RED "), True),
        (COLOUR.one_of(), False),
        (COLOUR.starts_with("re"), True),
        (SIZE.is_(""), True),
        (EVERYTHING, True),
        (NOTHING, False),
        (all_of(COLOUR.is_("red"), Not(SIZE.is_("large"))), True),
        (all_of(COLOUR.is_("red"), SIZE.is_("large")), False),
        (any_of(SIZE.is_("large"), COLOUR.is_("red")), True),
    ],
)
def test_a_condition_holds_or_not(condition: Condition[Thing], *, answer: bool) -> None:
    assert holds(condition, Thing(colour="red")) is answer


@given(_conditions, _things)
def test_nothing_outside_the_required_values_meets_a_condition(condition: Condition[Thing], thing: Thing) -> None:
    values = required(condition, COLOUR)
    if values is not None and thing.colour not in values:
        assert not holds(condition, thing)


@given(_conditions, _things)
def test_not_is_the_opposite(condition: Condition[Thing], thing: Thing) -> None:
    assert holds(Not(condition), thing) is not holds(condition, thing)


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (COLOUR.is_("Red"), {"red"}),
        (SIZE.is_("large"), None),
        (COLOUR.starts_with("re"), None),
        (Not(COLOUR.is_("red")), None),
        (all_of(SIZE.is_("large"), COLOUR.one_of("red", "green")), {"red", "green"}),
        (all_of(COLOUR.is_("red"), COLOUR.is_("green")), set[str]()),
        (any_of(COLOUR.is_("red"), all_of(COLOUR.is_("green"), SIZE.is_("large"))), {"red", "green"}),
        (any_of(COLOUR.is_("red"), SIZE.is_("large")), None),
    ],
)
def test_the_required_values_are_found_in_the_tree(condition: Condition[Thing], values: set[str] | None) -> None:
    assert required(condition, COLOUR) == values


def of_size(field: Text[Thing], value: str) -> frozenset[str] | None:
    """Say that a thing holds its size; of its colour nothing is known."""
    return frozenset({value}) if field is SIZE and value else None


def of_red_things(field: Text[Thing], value: str) -> frozenset[str] | None:
    """Say the same of things that are known to be red, which can't have another colour."""
    if field is COLOUR:
        return None if value == "red" else frozenset()
    return of_size(field, value)


@given(_conditions, _things)
def test_nothing_that_lacks_what_is_needed_meets_a_condition(condition: Condition[Thing], thing: Thing) -> None:
    if any(thing.size not in required for required in needed(condition, of_size)):
        assert not holds(condition, thing)
    red = Thing(colour="red", size=thing.size)
    if any(red.size not in required for required in needed(condition, of_red_things)):
        assert not holds(condition, red)


@pytest.mark.parametrize(
    ("condition", "required"),
    [
        (SIZE.is_("Large"), [{"large"}]),
        (SIZE.is_(""), []),
        (SIZE.one_of("large", "small"), [{"large", "small"}]),
        (SIZE.one_of("large", ""), []),
        (SIZE.one_of(), [set[str]()]),
        (COLOUR.is_("red"), []),
        (SIZE.starts_with("l"), []),
        (Not(SIZE.is_("large")), []),
        (all_of(COLOUR.is_("red"), SIZE.is_("large"), SIZE.one_of("large", "small")), [{"large"}, {"large", "small"}]),
        (any_of(SIZE.is_("large"), all_of(COLOUR.is_("red"), SIZE.is_("small"))), [{"large", "small"}]),
        (any_of(SIZE.is_("large"), COLOUR.is_("red")), []),
        (NOTHING, [set[str]()]),
        (EVERYTHING, []),
    ],
)
def test_what_is_needed_is_found_in_the_tree(condition: Condition[Thing], required: list[set[str]]) -> None:
    assert list(needed(condition, of_size)) == required


@pytest.mark.parametrize(
    ("condition", "required"),
    [
        (all_of(COLOUR.is_("red"), SIZE.is_("large")), [{"large"}]),
        (all_of(COLOUR.is_("green"), SIZE.is_("large")), [set[str](), {"large"}]),
        (any_of(COLOUR.is_("green"), all_of(SIZE.is_("large"), SIZE.is_("small"))), [{"large"}, {"small"}]),
        (any_of(COLOUR.is_("green"), all_of(COLOUR.one_of("green", "redder"), SIZE.is_("small"))), [set[str]()]),
        (any_of(COLOUR.is_("red"), SIZE.is_("large")), []),
    ],
)
def test_what_can_not_be_asks_for_nothing(condition: Condition[Thing], required: list[set[str]]) -> None:
    assert list(needed(condition, of_red_things)) == required


def test_every_node_can_be_compared_and_kept_in_a_set() -> None:
    nodes: tuple[Condition[Thing], ...] = (
        Is(COLOUR, "red"),
        OneOf(COLOUR, frozenset({"red"})),
        StartsWith(COLOUR, "re"),
        All(()),
        AnyOf(()),
        Not(Is(COLOUR, "red")),
    )
    assert len(set(nodes)) == len(nodes)
    assert Is(COLOUR, "red") == COLOUR.is_("RED")
