"""Instants as the services print them: UTC with seven fraction digits (100 ns ticks)."""

import re
import time
from datetime import UTC, datetime

_TICKS_PER_SECOND = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def now_ticks() -> int:
    """Count the 100 ns ticks since 1970."""
    return time.time_ns() // 100


def ticks(seconds: float) -> int:
    """Write a duration in ticks."""
    return round(seconds * _TICKS_PER_SECOND)


def instant(at: int | None = None, *, zone: str = "Z") -> str:
    """Print ticks as `2026-01-31T08:30:00.1234567Z`; without `at`, the present."""
    seconds, fraction = divmod(now_ticks() if at is None else at, _TICKS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:07d}{zone}"


def parse_instant(text: str) -> int:
    """Read an OData DateTimeOffset literal into ticks; raises ValueError when it isn't one."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not an instant such as 2026-01-31T08:30:00Z (unquoted, with a zone)")
    whole, fraction, zone = found.groups()
    since = datetime.fromisoformat(whole + zone) - _EPOCH
    return (since.days * 86_400 + since.seconds) * _TICKS_PER_SECOND + int((fraction or "0").ljust(7, "0"))
