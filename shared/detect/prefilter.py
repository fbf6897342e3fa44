"""What a record must hold, somewhere in its text, for a field to have a value: told without building its event.

Most records that a detection could be about by their name are about nobody and nothing that it looks for. A trace is a
text in lower case, of letters, digits and plain marks; a field's traces for a value are those of which one must stand
in the record, or be the id of the tenant that it came from. None is given for a value that leaves no trace, the empty
set for one that no record can have.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

from shared.model.profile import TenantProfile

type Traces = Callable[[TenantProfile, str], frozenset[str] | None]
"""Gives the traces of one value."""

_PLAIN: Final = re.compile(r"[a-z0-9]+")


def of_ids(value: str, ids: Callable[[TenantProfile], frozenset[str] | None]) -> Traces:
    """The value that is told of these ids; of any id where they are None."""
    return lambda profile, asked: ids(profile) if asked == value else None


def of_properties(*names: str) -> Traces:
    """Any value but "", which is made of modified properties or details with these names, folded and without blanks."""
    every = frozenset(names)
    return lambda _vocabulary, asked: every if asked else None


def of_words(words: Callable[[TenantProfile], Collection[str]], *values: str) -> Traces:
    """These values, which no record has where none of the vocabulary's words are set."""
    return lambda profile, asked: frozenset() if asked in values and not words(profile) else None


def of_itself(_vocabulary: TenantProfile, asked: str) -> frozenset[str] | None:
    """A value that stands in the record but for its case and blanks: the longest part of it without either."""
    plain = max(_PLAIN.findall(asked), key=len, default="")
    return frozenset({plain}) if plain and asked.isascii() else None
