"""Prefilters of fields, and what a condition needs: what a record must hold to meet it.

Most records that a detection could be about by their name are about nobody and nothing that it looks for.
"""

import re
from collections.abc import Callable, Collection, Hashable
from typing import Any, Final, assert_never

from shared.model.conditions import All, AnyOf, Condition, Contains, EndsWith, Is, Not, OneOf, StartsWith, Text
from shared.model.events import fold
from shared.model.prefilters import (
    IMPOSSIBLE,
    Asked,
    DetailSeen,
    IdSeen,
    NameSeen,
    Needs,
    PartSeen,
    Prefilter,
    Sight,
    TextSeen,
    ValueSeen,
)
from shared.model.profile import TenantProfile

_PLAIN: Final = re.compile(r"[a-z0-9]+")


def of_ids(
    value: str,
    ids: Callable[[TenantProfile], frozenset[str]],
    *,
    in_property: str = "",
    unknown_outside: Callable[[TenantProfile], frozenset[str]] | None = None,
) -> Prefilter:
    """For `value`: one of these ids of the profile, as a target, who signed in, or the value of property `in_property`.

    `unknown_outside` are the tenants of which it is known who else has an id: there "unknown" is where no id is.
    """

    def prefilter(asked: Asked) -> Needs | None:
        if asked.value == value:
            found = ids(asked.profile)
            named = {ValueSeen(in_property, one) for one in found} if in_property else set[Sight]()
            return Needs(texts=found, sights=frozenset({*map(IdSeen, found), *named}))
        is_known = unknown_outside is not None and asked.tenant_id in unknown_outside(asked.profile)
        return Needs(sights=frozenset({IdSeen("")})) if is_known and asked.value == "unknown" else None

    return prefilter


def of_tenants(value: str, tenants: Callable[[TenantProfile], frozenset[str] | None]) -> Prefilter:
    """For `value`: the record is of one of these tenants; nothing can be said where they are None."""

    def prefilter(asked: Asked) -> Needs | None:
        listed = tenants(asked.profile)
        if listed is None or asked.value != value:
            return None
        if asked.tenant_id is None:
            return Needs(texts=listed)
        return None if asked.tenant_id in listed else IMPOSSIBLE

    return prefilter


def of_properties(*names: str, details: tuple[str, ...] = (), only: str = "") -> Prefilter:
    """For any value but "", or `only` for one: a property with one of these names or a detail with one of these keys.

    All are folded.
    """
    needs = Needs(
        texts=frozenset({*names, *details}), sights=frozenset({*map(NameSeen, names), *map(DetailSeen, details)})
    )
    return lambda asked: needs if asked.value and asked.value == (only or asked.value) else None


def of_parts(parts: Callable[[TenantProfile], Collection[str]]) -> Prefilter:
    """For any value but "": a property whose name, folded, has one of these parts, folded."""

    def prefilter(asked: Asked) -> Needs | None:
        folded = frozenset(map(fold, parts(asked.profile)))
        return Needs(texts=_plain(folded), sights=frozenset(map(PartSeen, folded))) if asked.value else None

    return prefilter


def of_settings(setting: Callable[[TenantProfile], Collection[str]], *values: str) -> Prefilter:
    """For these values: no record can have them where the profile's setting is empty."""
    return lambda asked: IMPOSSIBLE if asked.value in values and not setting(asked.profile) else None


def of_itself(key: str) -> Prefilter:
    """For any value but "": a sign-in has it at this key, as `normalize.glance` names it."""
    return lambda asked: _at_keys((key,), (asked.value,)) if asked.value else None


def of_texts(value: str, texts: Callable[[TenantProfile], Collection[str]], *keys: str) -> Prefilter:
    """For `value`: a sign-in has one of these texts at one of these keys."""
    return lambda asked: _at_keys(keys, texts(asked.profile)) if asked.value == value else None


def _at_keys(keys: Collection[str], texts: Collection[str]) -> Needs:
    folded = frozenset(map(fold, texts))
    return Needs(texts=_plain(folded), sights=frozenset(TextSeen(key, text) for key in keys for text in folded))


def _plain(folded: frozenset[str]) -> frozenset[str] | None:
    """Give of each text the longest part that stands in a record in lower case as it is, whatever its blanks.

    None where one has no such part.
    """
    parts = [max(_PLAIN.findall(text), key=len, default="") if text.isascii() else "" for text in folded]
    return frozenset(parts) if all(parts) else None


type Ask[T] = Callable[[Text[Any], str], frozenset[T] | None]
"""Says of what a record holds one for a field to have a value; None where nothing can be said."""


def needed[E, T: Hashable](condition: Condition[E], ask: Ask[T]) -> tuple[frozenset[T], ...]:
    """Give sets of which a record must hold one each to meet `condition`; it may be too few, never too many."""
    match condition:
        case Is(field, value):
            return _needed_for(field, frozenset({value}), ask)
        case OneOf(field, values):
            return _needed_for(field, values, ask)
        case StartsWith() | EndsWith() | Contains() | Not():
            return ()
        case All(terms):
            return tuple(each for term in terms for each in needed(term, ask))
        case AnyOf(terms):
            possible = [each for term in terms if frozenset() not in (each := needed(term, ask))]
            if len(possible) == 1:
                return possible[0]
            smallest = [min(each, key=len, default=None) for each in possible]
            known = [each for each in smallest if each is not None]
            return (frozenset[T]().union(*known),) if len(known) == len(smallest) else ()
        case _:
            assert_never(condition)


def _needed_for[E, T: Hashable](field: Text[E], values: frozenset[str], ask: Ask[T]) -> tuple[frozenset[T], ...]:
    each = [ask(field, value) for value in values]
    known = [found for found in each if found is not None]
    return (frozenset[T]().union(*known),) if len(known) == len(each) else ()
