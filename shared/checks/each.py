"""The same look at several things: one that can't be read doesn't hide what was found in the others."""

from collections.abc import Callable, Iterable

from shared.checks.findings import Finding, unanswered, unknown
from shared.checks.unread import Unread
from shared.model.errors import EdgeError


def look_at_each[T](
    things: Iterable[T], name: Callable[[T], str], look: Callable[[T], Iterable[Finding]]
) -> list[Finding]:
    """Look at each of `things`; `name` says which one it is that couldn't be told of."""
    found: list[Finding] = []
    for thing in things:
        try:
            found += look(thing)
        except Unread as unread:
            found.append(unknown(f"{name(thing)}: {unread}", cure=unread.cure))
        except EdgeError as error:
            found.append(unanswered(f"{name(thing)}: {error}", error))
    return found
