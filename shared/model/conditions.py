"""Conditions as data: a small tree of comparisons with named text fields of an event.

Every field is text, and "" where the event has nothing there, so no rules about null are needed. Names are folded on
both sides (`events.fold`), ids are lower case; comparison is then exact. `detect.conditions` evaluates a tree,
`detect.kusto` and `detect.sigma` write and read it in those languages.
"""

from collections.abc import Callable, Mapping
from typing import assert_never

from msgspec import Struct

from shared.model.events import fold
from shared.model.prefilters import Prefilter
from shared.model.profile import DEFAULT, TenantProfile


class KustoJoin(Struct, frozen=True, kw_only=True):
    """The Kusto of a field that takes more than an expression over one row.

    `rows` is a query that gives at most one row for each record's Id; `steps` are columns made of the record's own, in
    the order in which they're needed. `value` is the field, over the record's own columns, these and those of `rows`,
    which are null or "" for a record without such a row.
    """

    value: str
    rows: str = ""
    steps: Mapping[str, str] = {}


type KustoValue = str | KustoJoin
"""An expression over the columns of one row, or one that needs a join."""

type Kusto = KustoValue | Callable[[TenantProfile], KustoValue]
"""The Kusto of a field, or what writes it with a tenant's profile."""


class Label(Struct, frozen=True):
    """What people call a value of a field, and several of them."""

    one: str
    many: str


def as_written(text: str) -> frozenset[str]:
    """Give a whole value as the only spelling of itself."""
    return frozenset({text})


def spelt(words: Mapping[str, tuple[str, ...]]) -> Callable[[str], frozenset[str]]:
    """Give a function from a value as rules spell it to the spellings that records have of it."""
    return lambda text: frozenset(words.get(text, (text,)))


class SigmaNames(Struct, frozen=True, kw_only=True):
    """What Sigma rules call a field, and how they spell its values.

    - `names`: in each spelling that public rules have; case, dots and braces don't count.
    - `spellings`: from a whole value in a rule, folded, to those that records have.
    - `is_right`, `right`: where not every text can occur, which can, and what people are told should be there.
    - `key`: of a field of several values, only the lines that begin with `key=` are meant.
    - `in_quotes`: a value may be a JSON string in the record, whose quotes are gone in the field.
    """

    names: tuple[str, ...]
    spellings: Callable[[str], frozenset[str]] = as_written
    is_right: Callable[[str], bool] | None = None
    right: str = ""
    key: str = ""
    in_quotes: bool = False


def in_sigma(
    *names: str,
    spellings: Callable[[str], frozenset[str]] = as_written,
    is_right: Callable[[str], bool] | None = None,
    right: str = "",
    key: str = "",
    in_quotes: bool = False,
) -> tuple[SigmaNames, ...]:
    """Say what Sigma rules call a field; add two of these where values are spelt otherwise under another name."""
    return (SigmaNames(names=names, spellings=spellings, is_right=is_right, right=right, key=key, in_quotes=in_quotes),)


class Text[E](Struct, frozen=True, eq=False):
    """A text field of an event: everything that is known of it, so that each user of fields reads it here.

    - `read`: gives it, folded, of an event. Where it depends on the tenant's profile, `read` takes the default profile
      and `read_with` the tenant's; `required_keys` are the names of the profile's fields that it needs.
    - `prefilter`: what a record must hold for a value, where that is known (`model.prefilters`).
    - `kusto`: its Kusto equivalent; "" where it can't be asked in Kusto.
    - `label`: what people call its values, where the name with blanks doesn't say it.
    - `is_list`: it holds several values, each on a line of its own.
    - `sigma`: what Sigma rules call it; empty where no rule can name it.
    """

    name: str
    read: Callable[[E], str]
    read_with: Callable[[E, TenantProfile], str] | None = None
    required_keys: tuple[str, ...] = ()
    prefilter: Prefilter | None = None
    kusto: Kusto = ""
    label: Label | None = None
    is_list: bool = False
    sigma: tuple[SigmaNames, ...] = ()

    def reader(self, profile: TenantProfile) -> Callable[[E], str]:
        """Give `read`, with this profile where one is needed."""
        read_with = self.read_with
        return self.read if read_with is None else lambda event: read_with(event, profile)

    def kusto_with(self, profile: TenantProfile) -> KustoValue:
        """Give its Kusto, with this profile where one is needed."""
        return self.kusto(profile) if callable(self.kusto) else self.kusto

    @property
    def called(self) -> Label:
        """What people call its values."""
        name = self.name.replace("_", " ")
        return self.label or Label(name, f"values of {name}")

    def is_(self, value: str) -> "Is[E]":
        """The field equals `value`, both folded."""
        return Is(self, fold(value))

    def one_of(self, *values: str) -> "OneOf[E]":
        """The field equals one of `values`, all folded."""
        return OneOf(self, frozenset(map(fold, values)))

    def starts_with(self, prefix: str) -> "StartsWith[E]":
        """The field starts with `prefix`, both folded."""
        return StartsWith(self, fold(prefix))

    def ends_with(self, suffix: str) -> "EndsWith[E]":
        """The field ends with `suffix`, both folded."""
        return EndsWith(self, fold(suffix))

    def contains(self, part: str) -> "Contains[E]":
        """The field holds `part`, both folded."""
        return Contains(self, fold(part))


def by_profile[E](
    name: str,
    read_with: Callable[[E, TenantProfile], str],
    *required_keys: str,
    prefilter: Prefilter | None = None,
    kusto: Kusto = "",
    label: Label | None = None,
    sigma: tuple[SigmaNames, ...] = (),
) -> Text[E]:
    """Make a field that depends on the tenant's profile, of which it needs `required_keys`."""
    return Text(
        name,
        lambda event: read_with(event, DEFAULT),
        read_with=read_with,
        required_keys=required_keys,
        prefilter=prefilter,
        kusto=kusto,
        label=label,
        sigma=sigma,
    )


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


class EndsWith[E](Struct, frozen=True):
    """A common ending."""

    field: Text[E]
    suffix: str


class Contains[E](Struct, frozen=True):
    """A part, anywhere in it."""

    field: Text[E]
    part: str


class All[E](Struct, frozen=True):
    """Every term holds; true when there is none."""

    terms: tuple["Condition[E]", ...]


class AnyOf[E](Struct, frozen=True):
    """At least one term holds; false when there is none."""

    terms: tuple["Condition[E]", ...]


class Not[E](Struct, frozen=True):
    """The term doesn't hold."""

    term: "Condition[E]"


type Comparison[E] = Is[E] | OneOf[E] | StartsWith[E] | EndsWith[E] | Contains[E]
type Condition[E] = Comparison[E] | All[E] | AnyOf[E] | Not[E]


def all_of[E](*terms: Condition[E]) -> All[E]:
    """Every one of `terms`."""
    return All(terms)


def any_of[E](*terms: Condition[E]) -> AnyOf[E]:
    """At least one of `terms`."""
    return AnyOf(terms)


def fields_of[E](condition: Condition[E]) -> frozenset[Text[E]]:
    """Give every field that the condition reads."""
    match condition:
        case Is(field) | OneOf(field) | StartsWith(field) | EndsWith(field) | Contains(field):
            return frozenset({field})
        case All(terms) | AnyOf(terms):
            return frozenset[Text[E]]().union(*map(fields_of, terms))
        case Not(term):
            return fields_of(term)
        case _:
            assert_never(condition)
