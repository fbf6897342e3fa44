"""What conditions mean for an event: `predicate` evaluates one, `required` says what can be indexed of it."""

from collections.abc import Callable
from typing import assert_never

from shared.model.conditions import (
    All,
    AnyOf,
    Comparison,
    Condition,
    Contains,
    EndsWith,
    Is,
    Not,
    OneOf,
    StartsWith,
    Text,
)
from shared.model.profile import DEFAULT, TenantProfile


def predicate[E](condition: Condition[E], profile: TenantProfile = DEFAULT) -> Callable[[E], bool]:
    """Give a function that says whether an event meets `condition`, with `profile` in each field that needs one.

    The tree is walked once, here: most records of a tenant are tried against two or three conditions.
    """
    match condition:
        case All(terms):
            return _every(tuple(predicate(term, profile) for term in terms))
        case AnyOf(terms):
            return _some(tuple(predicate(term, profile) for term in terms))
        case Not(term):
            holding = predicate(term, profile)
            return lambda event: not holding(event)
        case comparison:
            return _compared(comparison, comparison.field.reader(profile))


def _compared[E](comparison: Comparison[E], read: Callable[[E], str]) -> Callable[[E], bool]:
    match comparison:
        case Is(_, value):
            return lambda event: read(event) == value
        case OneOf(_, values):
            return lambda event: read(event) in values
        case StartsWith(_, prefix):
            return lambda event: read(event).startswith(prefix)
        case EndsWith(_, suffix):
            return lambda event: read(event).endswith(suffix)
        case Contains(_, part):
            return lambda event: part in read(event)
        case _:
            assert_never(comparison)


def _every[E](terms: tuple[Callable[[E], bool], ...]) -> Callable[[E], bool]:
    def every(event: E) -> bool:
        for term in terms:  # noqa: SIM110 - a generator would cost as much as the terms
            if not term(event):
                return False
        return True

    return every


def _some[E](terms: tuple[Callable[[E], bool], ...]) -> Callable[[E], bool]:
    def some(event: E) -> bool:
        for term in terms:  # noqa: SIM110 - as above
            if term(event):
                return True
        return False

    return some


def holds[E](condition: Condition[E], event: E, profile: TenantProfile = DEFAULT) -> bool:
    """Say whether `event` meets `condition`; for one that is asked again, `predicate` is faster."""
    return predicate(condition, profile)(event)


def required[E](condition: Condition[E], field: Text[E]) -> frozenset[str] | None:
    """Give the values of `field` outside which `condition` can't hold; None where it could hold for any.

    The index of `match` is built from this, so an answer may be too wide but never too narrow.
    """
    match condition:
        case Is(read, value):
            return frozenset({value}) if read is field else None
        case OneOf(read, values):
            return values if read is field else None
        case StartsWith() | EndsWith() | Contains() | Not():
            return None
        case All(terms):
            known = [values for term in terms if (values := required(term, field)) is not None]
            return frozenset[str].intersection(*known) if known else None
        case AnyOf(terms):
            each = [required(term, field) for term in terms]
            known = [values for values in each if values is not None]
            return frozenset[str]().union(*known) if len(known) == len(each) else None
        case _:
            assert_never(condition)
