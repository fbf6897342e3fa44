"""Conditions as data: a small tree over named text fields, read here by `holds` and indexed by `required`.

Every field is text and absent means "", so no null rules are needed. Names are folded on both sides (`events.fold`),
ids are lower-cased; comparison is then exact.
"""

from collections.abc import Callable
from typing import assert_never

from msgspec import Struct

from shared.events import AuditEvent, ResourceEvent, SignInEvent, fold


class Text[E](Struct, frozen=True):
    """A text field of an event. `read` gives it folded."""

    name: str
    read: Callable[[E], str]

    def is_(self, value: str) -> "Is[E]":
        """The field equals `value`, both folded."""
        return Is(self, fold(value))

    def one_of(self, *values: str) -> "OneOf[E]":
        """The field equals one of `values`, all folded."""
        return OneOf(self, frozenset(map(fold, values)))

    def starts_with(self, prefix: str) -> "StartsWith[E]":
        """The field starts with `prefix`, both folded."""
        return StartsWith(self, fold(prefix))


class Is[E](Struct, frozen=True):
    """Equality with one value."""

    field: Text[E]
    value: str


class OneOf[E](Struct, frozen=True):
    """Equality with one of several values."""

    field: Text[E]
    values: frozenset[str]


class StartsWith[E](Struct, frozen=True):
    """A common beginning."""

    field: Text[E]
    prefix: str


class All[E](Struct, frozen=True):
    """Every term holds; true when there is none."""

    terms: tuple["Condition[E]", ...]


class AnyOf[E](Struct, frozen=True):
    """At least one term holds; false when there is none."""

    terms: tuple["Condition[E]", ...]


class Not[E](Struct, frozen=True):
    """The term doesn't hold."""

    term: "Condition[E]"


type Condition[E] = Is[E] | OneOf[E] | StartsWith[E] | All[E] | AnyOf[E] | Not[E]


def all_of[E](*terms: Condition[E]) -> All[E]:
    """Every one of `terms`."""
    return All(terms)


def any_of[E](*terms: Condition[E]) -> AnyOf[E]:
    """At least one of `terms`."""
    return AnyOf(terms)


def holds[E](condition: Condition[E], event: E) -> bool:
    """Say whether `event` meets `condition`."""
    match condition:
        case Is(field, value):
            return field.read(event) == value
        case OneOf(field, values):
            return field.read(event) in values
        case StartsWith(field, prefix):
            return field.read(event).startswith(prefix)
        case All(terms):
            return all(holds(term, event) for term in terms)
        case AnyOf(terms):
            return any(holds(term, event) for term in terms)
        case Not(term):
            return not holds(term, event)
        case _:
            assert_never(condition)


def required[E](condition: Condition[E], field: Text[E]) -> frozenset[str] | None:
    """Give the values of `field` outside which `condition` can't hold; None where it could hold for any.

    The index of `match` is built from this, so an answer may be too wide but never too narrow.
    """
    match condition:
        case Is(read, value):
            return frozenset({value}) if read == field else None
        case OneOf(read, values):
            return values if read == field else None
        case StartsWith() | Not():
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


class Audit:
    """The fields of an `AuditEvent` that a condition may read."""

    activity: Text[AuditEvent] = Text("activity", lambda event: fold(event.activity))
    category: Text[AuditEvent] = Text("category", lambda event: fold(event.category))
    service: Text[AuditEvent] = Text("service", lambda event: fold(event.service))
    outcome: Text[AuditEvent] = Text("outcome", lambda event: event.outcome)
    target_kind: Text[AuditEvent] = Text("target_kind", lambda event: fold(event.target.kind))


class SignIn:
    """The fields of a `SignInEvent` that a condition may read."""

    error_code: Text[SignInEvent] = Text("error_code", lambda event: event.error_code)
    app_name: Text[SignInEvent] = Text("app_name", lambda event: fold(event.app_name))


class Resource:
    """The fields of a `ResourceEvent` that a condition may read."""

    operation: Text[ResourceEvent] = Text("operation", lambda event: fold(event.operation))
    outcome: Text[ResourceEvent] = Text("outcome", lambda event: event.outcome)
