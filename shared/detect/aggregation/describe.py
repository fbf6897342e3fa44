"""When a detection raises a case, in words, if one matching record isn't enough or several records are one case."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from shared.detect.aggregation.thresholds import threshold
from shared.model.conditions import Text
from shared.model.detections import After, AnyDetection, Burst, Rise
from shared.model.profile import DEFAULT, TenantProfile


def raises_case_when(detection: AnyDetection, profile: TenantProfile = DEFAULT) -> str:
    """Say how many records raise a case, after what, and which are one case; "" if each matching record is a case."""
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
        yield f"records of the same hour with the same {_names(*detection.one_case_by)} are one case"


def _burst(burst: Burst, at_least: int) -> str:
    counted = f"different {burst.distinct.called.many}" if burst.distinct else "records"
    by = f"with the same {_names(burst.by)}" if burst.by else "in the tenant"
    return f"for {at_least} or more {counted} within {lasting(burst.within)} {by}"


def _rise(rise: Rise, floor: int) -> str:
    return (
        f"for {floor} or more records in an hour, if they are over {rise.percent} % more than the mean of the same hour"
        f" in the {rise.weeks} weeks before (at least {rise.least_weeks} of those weeks must be known)"
    )


def _after(after: After[Any]) -> str:
    return f"only within {lasting(after.window)} after another record with the same {_names(after.by)}"


def _names(*fields: Text[Any]) -> str:
    return " and ".join(field.called.one for field in fields)


def lasting(time: timedelta) -> str:
    """Say how long a time is, in the largest unit that it is a whole number of: "10 minutes", "1 year" of 365 days."""
    seconds = int(time.total_seconds())
    for unit, size in (("year", 31_536_000), ("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"
