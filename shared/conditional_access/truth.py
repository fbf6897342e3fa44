"""Three-valued answers: yes, no, unknown. What isn't known stays unknown until somebody rounds it for a purpose."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final

from msgspec import Struct


class Truth(IntEnum):
    """Kleene's three values in their order: `and` is the least, `or` the greatest."""

    NO = 0
    UNKNOWN = 1
    YES = 2


class Answer(Struct, frozen=True):
    """A truth, and for an unknown one what it depends on, in words."""

    truth: Truth
    depends_on: tuple[str, ...] = ()


YES: Final = Answer(Truth.YES)
NO: Final = Answer(Truth.NO)


def unknown(what: str) -> Answer:
    """Give the answer that `what` would decide."""
    return Answer(Truth.UNKNOWN, (what,))


def answer(truth: Truth, what: str) -> Answer:
    """Give a truth as an answer; `what` is named where it is unknown."""
    if truth is Truth.UNKNOWN:
        return unknown(what)
    return YES if truth is Truth.YES else NO


def yes_if(holds: object) -> Answer:
    """Give yes for what is true in Python, else no."""
    return YES if holds else NO


def opposite(of: Answer) -> Answer:
    """Negate; unknown stays unknown, for the same reasons."""
    if of.truth is Truth.UNKNOWN:
        return of
    return NO if of.truth is Truth.YES else YES


def every(answers: Iterable[Answer]) -> Answer:
    """Join by `and`; yes for none at all. What is no in any case depends on nothing."""
    return _joined(answers, decisive=NO, otherwise=YES)


def some(answers: Iterable[Answer]) -> Answer:
    """Join by `or`; no for none at all. What is yes in any case depends on nothing."""
    return _joined(answers, decisive=YES, otherwise=NO)


def included(include: Answer, exclude: Answer) -> Answer:
    """Apply the rule of every condition: what is excluded is out, whatever includes it."""
    if include is YES and exclude is NO:
        return YES
    return every((include, opposite(exclude)))


def by_lists(
    include: frozenset[str],
    exclude: frozenset[str],
    named: Callable[[frozenset[str], Answer], Answer],
    *,
    what: str,
    everything: str,
) -> Answer:
    """Answer a condition that has a list to include and one to exclude.

    `named` says whether a list names what signs in, and is given the answer for a list that names everything. What a
    condition means that includes nothing, and what excluding everything does, is documented nowhere.
    """
    if not include:
        return unknown(f"what a condition on {what} means that includes none")
    return included(named(include, YES), named(exclude, unknown(f"what excluding {everything} does")))


def _joined(answers: Iterable[Answer], *, decisive: Answer, otherwise: Answer) -> Answer:
    unsure: list[Answer] = []
    for each in answers:
        if each.truth is decisive.truth:
            return decisive
        if each.truth is Truth.UNKNOWN:
            unsure.append(each)
    if not unsure:
        return otherwise
    return Answer(Truth.UNKNOWN, tuple(dict.fromkeys(reason for each in unsure for reason in each.depends_on)))
