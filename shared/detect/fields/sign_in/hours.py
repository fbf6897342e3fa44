"""Whether somebody signed in within their working hours."""

from datetime import timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from shared.detect.fields.kusto_terms import quoted
from shared.detect.fields.sign_in.account import ACCOUNT_KUSTO
from shared.detect.prefilter import of_settings
from shared.model.conditions import Text, by_profile
from shared.model.events import SignInEvent
from shared.model.profile import Hours, TenantProfile

_DAY: Final = timedelta(days=1)
_AT_KUSTO: Final = "coalesce(CreatedDateTime, TimeGenerated)"


def _hours(event: SignInEvent, profile: TenantProfile) -> str:
    by_account = profile.working_hours
    set_for_it = by_account.get(event.actor.id) or by_account.get("*")
    if set_for_it is None:
        return "unknown"
    zone, begin, length = _read(set_for_it)
    since = event.at.astimezone(zone).replace(tzinfo=None) - begin
    clock = since - since.replace(hour=0, minute=0, second=0, microsecond=0)
    return "inside" if since.isoweekday() in set_for_it.days and clock < length else "outside"


@lru_cache(maxsize=256)
def _read(hours: Hours) -> tuple[ZoneInfo, timedelta, timedelta]:
    """Give the zone, when a working day begins after midnight, and how long it is.

    With its length, a night's work is of the day on which it begins, like any other.
    """
    begin, end = map(_since_midnight, (hours.begin, hours.end))
    return ZoneInfo(hours.zone), begin, end - begin if end > begin else end - begin + _DAY


def _since_midnight(time: str) -> timedelta:
    hour, minute = time.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))


def _hours_kusto(profile: TenantProfile) -> str:
    """Write each account's own hours first, then those of every other."""
    own = {account: hours for account, hours in profile.working_hours.items() if account != "*"}
    cases = [f"{ACCOUNT_KUSTO} == {quoted(account)}, {_in_hours(hours)}" for account, hours in sorted(own.items())]
    of_all = profile.working_hours.get("*")
    rest = _in_hours(of_all) if of_all else '"unknown"'
    return f"case({', '.join([*cases, rest])})" if cases else rest


def _in_hours(hours: Hours) -> str:
    """Write whether it is within these hours; Kusto's week begins with Sunday, day 0."""
    _, begin, length = _read(hours)
    since = f"(datetime_utc_to_local({_AT_KUSTO}, {quoted(hours.zone)}) - {_minutes(begin)})"
    days = ", ".join(f"{day % 7}d" for day in sorted(hours.days))
    is_inside = f"dayofweek({since}) in ({days}) and {since} - startofday({since}) < {_minutes(length)}"
    return f'iff({is_inside}, "inside", "outside")'


def _minutes(time: timedelta) -> str:
    return f"{time // timedelta(minutes=1)}m"


class HoursFields:
    """Fields about when somebody signed in.

    - `hours`: "inside" or "outside" of the account's working hours; "unknown" where it has none.
    """

    hours: Text[SignInEvent] = by_profile(
        "hours",
        _hours,
        "working_hours",
        prefilter=of_settings(lambda profile: profile.working_hours, "inside", "outside"),
        kusto=_hours_kusto,
    )
