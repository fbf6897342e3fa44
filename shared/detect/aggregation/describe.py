"""In words: when a detection speaks, where one record that meets its condition isn't enough, or is one of many."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from shared.detect.aggregation.thresholds import several, threshold
from shared.model.conditions import Text
from shared.model.declarations import After, AnyDetection, Burst, Rise
from shared.model.profile import DEFAULT, TenantProfile


def speaks_when(detection: AnyDetection, profile: TenantProfile = DEFAULT) -> str:
    """Say how often, after what and how it is grouped; "" where each record that meets the condition is a case."""
    return "; ".join(_parts(detection, profile))


def _parts(detection: AnyDetection, profile: TenantProfile) -> Iterator[str]:
    match detection.counted:
        case Burst() as burst:
            yield _burst(burst, threshold(detection, profile))
        case Rise() as rise:
            yield _rise(rise, threshold(detection, profile))
        case None:
            pass
    if detection.after:
        yield _after(detection.after)
    if detection.one_case_by:
        yield f"the records of an hour with the same {_names(*detection.one_case_by)} are one case"


def _burst(burst: Burst, at_least: int) -> str:
    counted = f"different {several(burst.distinct)}" if burst.distinct else "records"
    by = f"with the same {_names(burst.by)}" if burst.by else "in the tenant"
    return f"from {at_least} {counted} in {lasting(burst.within)} {by}"


def _rise(rise: Rise, floor: int) -> str:
    return (
        f"from {floor} records in an hour, when they are over {rise.percent} % more than on average in the same hour of"
        f" the {rise.weeks} weeks before (at least {rise.least_weeks} of them known)"
    )


def _after(after: After[Any]) -> str:
    return f"only within {lasting(after.window)} after another record with the same {_names(after.by)}"


def _names(*fields: Text[Any]) -> str:
    return " and ".join(field.name.replace("_", " ") for field in fields)


def lasting(time: timedelta) -> str:
    """Say how long a time is, in the largest unit that it is a whole number of: "10 minutes", "1 year" of 365 days."""
    seconds = int(time.total_seconds())
    for unit, size in (("year", 31_536_000), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"
