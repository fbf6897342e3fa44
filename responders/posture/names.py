"""How checks name what they found: some by name, the rest by number."""

from collections.abc import Collection, Iterable
from typing import Final

_MOST: Final = 10


def some_of(names: Iterable[str]) -> str:
    """Name at most ten, in order, and say how many more there are."""
    listed = sorted(set(names), key=str.lower)
    more = f" and {len(listed) - _MOST:,} more" if len(listed) > _MOST else ""
    return ", ".join(listed[:_MOST]) + more


def of_all(found: Collection[object], every: Collection[object]) -> str:
    """Say how many of how many: "2 of 14"."""
    return f"{len(found):,} of {len(every):,}"
