"""What checks are and what they find."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from shared.model.errors import EdgeError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.doctor.context import DoctorContext


class Status(StrEnum):
    """What a check found. `unknown`: it couldn't be told."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing found, in words. `cure` is "" where the check's own fits."""

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
    """It couldn't be told."""
    return Finding(status=Status.UNKNOWN, text=text, cure=cure)


def unanswered(text: str, error: EdgeError) -> Finding:
    """It couldn't be read. What gave no answer is mended elsewhere: a check's own cure would mislead."""
    return unknown(text, cure=_UNREACHED if isinstance(error, Unreachable) else "")


_UNREACHED: Final = "Nothing is known about this: mend what gave no answer, then ask the doctor again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What to look at. `run` gives what it found, at least one finding; `cure` is what to do about a bad one."""

    id: str
    title: str
    cure: str
    run: "Callable[[DoctorContext], Sequence[Finding]]"


class Line(Struct, frozen=True, kw_only=True):
    """One line of a report; `cure` is "" where all is well."""

    check: str
    title: str
    status: Status
    found: str
    cure: str


class Report(Struct, frozen=True, kw_only=True):
    """Every line, in the order of the checks. `healthy` says that nothing failed and everything could be told."""

    healthy: bool
    lines: tuple[Line, ...]
