"""Durations as .NET writes them (`TimeSpan`), the form host.json and timer triggers use."""

import re
from datetime import timedelta

_PATTERN = re.compile(
    r"(?:(?P<days>\d{1,8})\.)?(?P<first>\d{1,8}):(?P<second>\d{1,2})(?::(?P<third>\d{1,2})(?:\.(?P<fraction>\d{1,7}))?)?"
)
_HOURS_IN_A_DAY = 24
_SIXTY = 60
_FORM = "write it as hh:mm:ss or d.hh:mm:ss"


def timespan_from(text: str) -> timedelta:
    """Read `hh:mm:ss`, `hh:mm`, `d.hh:mm:ss`, each with up to seven decimals of a second.

    A first number of 24 or more counts days, as in .NET: `24:00:00` is 24 days and `1.00:00:00` is one.

    Raises:
        ValueError: the text is nothing of the kind.
    """
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} isn't a duration: {_FORM}")
    first, second, third = (int(found[name] or 0) for name in ("first", "second", "third"))
    days = int(found["days"] or 0)
    if found["days"] is None and first >= _HOURS_IN_A_DAY:
        days, first, second, third = first, second, third, 0
    if first >= _HOURS_IN_A_DAY or second >= _SIXTY or third >= _SIXTY:
        raise ValueError(f"{text!r} isn't a duration: hours end at 23, minutes and seconds at 59; {_FORM}")
    microseconds = int((found["fraction"] or "").ljust(6, "0")[:6])
    return timedelta(days=days, hours=first, minutes=second, seconds=third, microseconds=microseconds)
