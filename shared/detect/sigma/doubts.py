"""Rules that can be said but never match: those that ask for an activity that no service writes, or for two at once."""

import difflib
from collections.abc import Iterator
from typing import Any, Final, assert_never

from shared.detect.conditions import required
from shared.detect.fields import Audit
from shared.detect.sigma.activity_names import known_activities
from shared.model.conditions import (
    All,
    AnyOf,
    Condition,
    Contains,
    EndsWith,
    Is,
    Not,
    OneOf,
    StartsWith,
    Text,
    fields_of,
)
from shared.model.detections import AnyDetection
from shared.model.events import Log

_PLACEHOLDERS: Final = frozenset({"upn", "user principal name", "userprincipalname"})
"""Words that stand in rules for names of the reader's own: no account is called so."""


def doubts_of(detection: AnyDetection, *, also_known: frozenset[str] = frozenset()) -> list[str]:
    """Say why a rule would never match any record; nothing where it may.

    `also_known` are names of activities, folded, beside those that Microsoft lists.
    """
    known = known_activities() | also_known
    steps = [detection.when, *([detection.after.step_a] if detection.after else [])]
    return list(dict.fromkeys(doubt for step in steps for doubt in _doubts(step, detection.log, known)))


def _doubts(condition: Condition[Any], log: Log, known: frozenset[str]) -> Iterator[str]:
    contradicted = sorted(
        field.name
        for field in set(fields_of(condition))
        if not field.is_list and required(condition, field) == frozenset()
    )
    if contradicted:
        yield f"it asks for values of {', '.join(contradicted)} that no record has at once"
        return
    if not _may_hold(condition, None, ""):
        yield "it asks for UserPrincipalName itself: put the names there that are meant"
        return
    asks = Audit.activity in fields_of(condition)
    if log is not Log.AUDIT or not asks or any(_may_hold(condition, Audit.activity, name) for name in known):
        return
    asked = sorted(_texts(condition, Audit.activity))
    yield f"no activity that Microsoft lists is called {' or '.join(map(repr, asked))}{_near(asked, known)}"


def _near(asked: list[str], known: frozenset[str]) -> str:
    near = dict.fromkeys(one for text in asked for one in difflib.get_close_matches(text, known, n=1, cutoff=0.75))
    return f"; is {' or '.join(map(repr, near))} meant?" if near else ""


def _may_hold(condition: Condition[Any], field: Text[Any] | None, value: str) -> bool:
    """Whether a condition can hold where `field` is `value`, whatever the other fields are."""
    can_hold, _ = _possible(condition, field, value)
    return can_hold


def _possible(condition: Condition[Any], field: Text[Any] | None, value: str) -> tuple[bool, bool]:
    """Say whether a condition can hold there, and whether it can fail to."""
    match condition:
        case All(terms):
            each = [_possible(term, field, value) for term in terms]
            return all(can for can, _ in each), any(fails for _, fails in each)
        case AnyOf(terms):
            each = [_possible(term, field, value) for term in terms]
            return any(can for can, _ in each), all(fails for _, fails in each)
        case Not(term):
            can, fails = _possible(term, field, value)
            return fails, can
        case Is() | OneOf() | StartsWith() | EndsWith() | Contains():
            if condition.field is field:
                holds = _holds(condition, value)
                return holds, not holds
            return not _is_placeholder(condition), True
        case _:
            assert_never(condition)


def _is_placeholder(condition: Condition[Any]) -> bool:
    match condition:
        case Is(_, text):
            return text in _PLACEHOLDERS
        case OneOf(_, texts):
            return texts <= _PLACEHOLDERS
        case Contains(_, text) | StartsWith(_, text) | EndsWith(_, text):
            return text.strip() in _PLACEHOLDERS
        case _:
            return False


def _holds(condition: Condition[Any], value: str) -> bool:
    match condition:
        case Is(_, text):
            return value == text
        case OneOf(_, texts):
            return value in texts
        case StartsWith(_, text):
            return value.startswith(text)
        case EndsWith(_, text):
            return value.endswith(text)
        case Contains(_, text):
            return text in value
        case _:
            return True


def _texts(condition: Condition[Any], field: Text[Any]) -> Iterator[str]:
    """Give the texts that a condition asks of a field."""
    match condition:
        case All(terms) | AnyOf(terms):
            for term in terms:
                yield from _texts(term, field)
        case Is(asked, text) | StartsWith(asked, text) | EndsWith(asked, text) | Contains(asked, text):
            yield from (text,) if asked is field else ()
        case OneOf(asked, texts):
            yield from texts if asked is field else ()
        case Not():
            return
        case _:
            assert_never(condition)
