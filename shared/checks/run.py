"""Running checks: each by itself, so that one that can't read, or is broken, never hides what the others find."""

import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from shared.checks.check import Check, Finding, Line, Report, Status, Unread, unknown
from shared.model.errors import EdgeError, Unreachable

_log = logging.getLogger("responder.checks")
_UNHEALTHY: Final = frozenset({Status.FAILED, Status.UNKNOWN})
_WELL: Final = frozenset({Status.OK, Status.NOT_APPLICABLE})

_NO_ANSWER: Final = "Nothing is known about this: mend what gave no answer, then look again."
"""A check's own cure would mislead where a service can't be reached: that is mended elsewhere."""

_BROKEN: Final = "This is a bug in the check: report it, with this line."


def run_checks[C](checks: Iterable[Check[C]], context: C) -> Report:
    """Run every check on the context, whatever the others find."""
    lines = tuple(_line(check, finding) for check in checks for finding in _findings(check, context))
    return Report(healthy=not any(line.status in _UNHEALTHY for line in lines), lines=lines)


def look_at_each[T](
    things: Iterable[T], name: Callable[[T], str], look: Callable[[T], Iterable[Finding]]
) -> list[Finding]:
    """Look at several things in one check: one that can't be read doesn't hide what was found in the others.

    `name` says which thing it is that couldn't be read.
    """
    found: list[Finding] = []
    for thing in things:
        try:
            found += look(thing)
        except (Unread, EdgeError) as error:
            found.append(_not_read(f"{name(thing)}: {error}", error))
    return found


def _findings[C](check: Check[C], context: C) -> Sequence[Finding]:
    try:
        for read in check.reads:
            read(context)
        found = check.run(context)
    except (Unread, EdgeError) as error:
        return [_not_read(f"couldn't be checked: {error}", error)]
    except Exception as error:  # noqa: BLE001 - a bug in one check must not hide what the others find
        _log.exception("the check %s is broken", check.id)
        return [unknown(f"couldn't be checked: {_name_of(error)}", cure=_BROKEN)]
    return found or [unknown("couldn't be checked: the check found nothing to say", cure=_BROKEN)]


def _name_of(error: Exception) -> str:
    """Name an error and its place. Its text may quote anything that was read, so it isn't shown."""
    *_, place = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"


def _not_read(text: str, error: Unread | EdgeError) -> Finding:
    if isinstance(error, Unread):
        return unknown(text, cure=error.cure)
    return unknown(text, cure=_NO_ANSWER if isinstance(error, Unreachable) else "")


def _line[C](check: Check[C], finding: Finding) -> Line:
    cure = "" if finding.status in _WELL else finding.cure or check.cure
    return Line(check=check.id, title=check.title, status=finding.status, found=finding.text, cure=cure)
