"""What a check is and what it finds.

A check is a literal: an id that names the healthy state, what it reads, and a function that looks at a context `C` and
says what it found. What couldn't be read is `unknown`, never `ok`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct


class Unread(Exception):
    """Something couldn't be read; the text says why. `cure` says what to do, "" where the check knows better."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        self.cure = cure
        super().__init__(message)


class Status(StrEnum):
    """What a check found. `unknown`: what it needed couldn't be read. `not applicable`: there is nothing to judge."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a check found, as a sentence. `cure` is "" where the check's own fits."""

    status: Status
    text: str
    cure: str = ""


def ok(text: str) -> Finding:
    """It is as it should be."""
    return Finding(status=Status.OK, text=text)


def warning(text: str, *, cure: str = "") -> Finding:
    """It works, and somebody should look at it."""
    return Finding(status=Status.WARNING, text=text, cure=cure)


def failed(text: str, *, cure: str = "") -> Finding:
    """It isn't as it should be."""
    return Finding(status=Status.FAILED, text=text, cure=cure)


def unknown(text: str, *, cure: str = "") -> Finding:
    """What the check needed couldn't be read."""
    return Finding(status=Status.UNKNOWN, text=text, cure=cure)


def not_applicable(text: str) -> Finding:
    """There is nothing that could be otherwise."""
    return Finding(status=Status.NOT_APPLICABLE, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check[C]:
    """What to look at in a context.

    `id` names the healthy state and `title` says it in words. `reads` are the parts of the context that the check can't
    begin without: each raises Unread or EdgeError where it can't be read, and `run` isn't called then. `run` gives what
    it found, at least one finding; it may raise the same two. `cure` is what to do about a bad finding.
    """

    id: str
    title: str
    cure: str
    run: Callable[[C], Sequence[Finding]]
    reads: tuple[Callable[[C], object], ...] = ()


class Line(Struct, frozen=True, kw_only=True):
    """One line of a report; `cure` is "" where all is well."""

    check: str
    title: str
    status: Status
    found: str
    cure: str


class Report(Struct, frozen=True, kw_only=True):
    """Every line, in the order of the checks. `healthy`: nothing failed and everything could be read."""

    healthy: bool
    lines: tuple[Line, ...]
