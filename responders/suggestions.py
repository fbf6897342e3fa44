"""A profile of a tenant worked out of its own records: where from, with what and when people sign in, and how often.

What was seen once says nothing: an attacker was perhaps there too. So a value counts that was seen on several days, and
for consumers with several accounts; what Identity Protection doubts counts not at all. What was left out is listed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.detect.aggregation.thresholds import identity, threshold
from shared.model.detections import AnyDetection, Burst
from shared.model.events import AuditEvent, Event, SignInEvent, fold
from shared.model.profile import TenantProfile

LOOKED_BACK: Final = timedelta(days=30)

_DAYS: Final = 5
"""On how many days something has to be seen of administrators."""

_CONSUMERS: Final = 3
"""How many accounts of consumers have to be seen, so that a country isn't one traveller's."""

_DAYS_OF_HOURS: Final = 10
_LONGEST_DAY: Final = 14
"""Whoever works for more hours than these has none that would say anything."""

_DOUBTED: Final = frozenset({"low", "medium", "high"})
_MOST_PLACES: Final = 1 << 18
_LEFT_OUT: Final = 10
_PREFIX: Final = {4: 24, 6: 48}


class Suggestion(Struct, frozen=True, kw_only=True):
    """A field of the profile: what it should be, of what that was worked out, and what was seen and left out."""

    field: str
    value: Any
    because: str
    left_out: tuple[str, ...] = ()


class _Seen:
    """On which days, and of which accounts, each value of something was seen."""

    def __init__(self) -> None:
        self.days: dict[str, set[date]] = defaultdict(set)
        self.accounts: dict[str, set[str]] = defaultdict(set)

    def add(self, value: str, event: SignInEvent) -> None:
        if not value:
            return
        self.days[value].add(event.at.date())
        if len(self.accounts[value]) < _CONSUMERS:
            self.accounts[value].add(event.actor.id)


class Suggestions:
    """Takes the events of a tenant's records, in any order, and suggests what the profile should have.

    `profile` says who is privileged and where consumers are; `zone` is where people work.
    """

    def __init__(self, profile: TenantProfile, *, zone: ZoneInfo, since: datetime) -> None:
        self._profile = profile
        self._zone = zone
        self._since = since
        self._consumer_countries = _Seen()
        self._privileged = {name: _Seen() for name in ("countries", "networks", "browsers", "operating_systems")}
        self._hours: dict[str, Counter[tuple[date, int]]] = defaultdict(Counter)
        self._counts = _Counts(profile)
        self._first: datetime | None = None
        self._last: datetime | None = None

    @property
    def days(self) -> int:
        """How many days the records are about."""
        return 0 if self._first is None or self._last is None else (self._last.date() - self._first.date()).days + 1

    def add(self, event: Event, matched: Iterable[AnyDetection] = ()) -> None:
        """Take an event, and the detections that count it; one from before `since` is left out."""
        if event.at < self._since:
            return
        self._first = min(self._first or event.at, event.at)
        self._last = max(self._last or event.at, event.at)
        for detection in matched:
            self._counts.add(detection, event)
        if isinstance(event, SignInEvent) and _is_trusted(event):
            self._add_sign_in(event)
        if _is_work(event) and self._is_privileged(event.actor.id):
            local = event.at.astimezone(self._zone)
            self._hours[event.actor.id][local.date(), local.hour] += 1

    def _is_privileged(self, account: str) -> bool:
        return account in self._profile.privileged_accounts and account not in self._profile.emergency_accounts

    def _add_sign_in(self, event: SignInEvent) -> None:
        if event.tenant_id in (self._profile.consumer_tenants or ()):
            self._consumer_countries.add(event.country.upper(), event)
        if self._is_privileged(event.actor.id):
            seen = self._privileged
            seen["countries"].add(event.country.upper(), event)
            seen["networks"].add(_network(event.actor.address), event)
            seen["browsers"].add(_without_version(event.browser), event)
            seen["operating_systems"].add(_without_version(event.operating_system), event)

    def found(self) -> list[Suggestion]:
        """Give what the records suggest, a field each; fields of which they say nothing are left out."""
        return [*self._of_countries(), *self._of_privileged(), *self._of_hours(), *self._counts.found(self.days)]

    def _of_countries(self) -> Iterator[Suggestion]:
        seen = self._consumer_countries
        usual = sorted(each for each, accounts in seen.accounts.items() if len(accounts) >= _CONSUMERS)
        others = {each: f"{len(seen.accounts[each])} accounts" for each in seen.days.keys() - {*usual}}
        if usual:
            yield Suggestion(
                field="allowed_countries",
                value=usual,
                because=f"at least {_CONSUMERS} consumers signed in from each",
                left_out=_left_out(others),
            )

    def _of_privileged(self) -> Iterator[Suggestion]:
        for name, seen in self._privileged.items():
            usual = sorted(each for each, days in seen.days.items() if len(days) >= _DAYS)
            if usual:
                yield Suggestion(
                    field=f"privileged_{name}",
                    value=usual,
                    because=f"privileged accounts signed in so on at least {_DAYS} days",
                    left_out=_left_out({each: f"{len(seen.days[each])} days" for each in seen.days.keys() - {*usual}}),
                )

    def _of_hours(self) -> Iterator[Suggestion]:
        hours = {account: _working_hours(seen) for account, seen in sorted(self._hours.items())}
        found = {account: each for account, each in hours.items() if isinstance(each, dict)}
        if found:
            yield Suggestion(
                field="working_hours",
                value={account: each | {"zone": str(self._zone)} for account, each in found.items()},
                because=f"nearly all of what they did on at least {_DAYS_OF_HOURS} days",
                left_out=_left_out({account: each for account, each in hours.items() if isinstance(each, str)}),
            )


def _left_out(seen: Mapping[str, str]) -> tuple[str, ...]:
    listed = [f"{value} ({why})" for value, why in sorted(seen.items())]
    more = len(listed) - _LEFT_OUT
    return (*listed[:_LEFT_OUT], *([f"{more:,} more"] if more > 0 else []))


def _is_trusted(event: SignInEvent) -> bool:
    """Whether somebody got in, and Identity Protection has no doubt about it."""
    return event.error_code == "0" and fold(event.risk_level) not in _DOUBTED and not event.risk_events


def _is_work(event: Event) -> bool:
    """Whether a person did it at that hour, not a program that renewed a sign-in."""
    if isinstance(event, SignInEvent):
        return _is_trusted(event) and event.interactive != "false"
    return isinstance(event, AuditEvent) and fold(event.outcome) == "success"


def _network(address: str) -> str:
    """Give the network of an address: a /24, or a /48 of IPv6; "" for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((parsed, _PREFIX[parsed.version]), strict=False))


def _without_version(name: str) -> str:
    """Give a name without its version: Edge 120.0 is Edge, and Windows 10 is Windows."""
    return " ".join(part for part in name.split() if not part[:1].isdigit())


def _working_hours(seen: Counter[tuple[date, int]]) -> dict[str, Any] | str:
    """Give when somebody works, or why that can't be said: each hour of a day counts once."""
    days = {day for day, _ in seen}
    if len(days) < _DAYS_OF_HOURS:
        return f"{len(days)} days only"
    by_weekday = Counter(day.isoweekday() for day in days)
    weekdays = sorted(number for number, times in by_weekday.items() if times > 1)
    hours = sorted(hour for day, hour in seen if day.isoweekday() in weekdays)
    spare = len(hours) // 50
    begin, end = hours[spare], hours[len(hours) - 1 - spare] + 1
    if not weekdays or end - begin > _LONGEST_DAY:
        return "at all hours"
    return {"begin": f"{begin:02}:00", "end": f"{end % 24:02}:00", "days": weekdays}


class _Counts:
    """How many records of detections that count stood together, by what they are counted by.

    A detection counts in any span of its length; here spans begin at fixed times, and two that meet count as one. So
    what is found is no less than what the detection would.
    """

    def __init__(self, profile: TenantProfile) -> None:
        self._profile = profile
        self._detections: dict[str, AnyDetection] = {}
        self._records: dict[tuple[str, str, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, detection: AnyDetection, event: Event) -> None:
        burst = detection.counted
        if not isinstance(burst, Burst):
            return
        value = burst.by.reader(self._profile)(event) if burst.by else ""
        member = burst.distinct.reader(self._profile)(event) if burst.distinct else identity(event)
        place = (detection.id, event.tenant_id, value)
        if (burst.by and not value) or not member or (place not in self._records and len(self._records) > _MOST_PLACES):
            return
        self._detections[detection.id] = detection
        self._records[place][int(event.at.timestamp() // burst.within.total_seconds())].add(member)

    def found(self, days: int) -> Iterator[Suggestion]:
        """Suggest a threshold for each detection that would have raised more than a case a week by itself."""
        peaks: dict[str, list[int]] = defaultdict(list)
        for (detection, _, _), spans in self._records.items():
            peaks[detection] += [len(members | spans.get(span + 1, set())) for span, members in [*spans.items()]]
        raised: dict[str, int] = {}
        said: list[str] = []
        for name, counts in sorted(peaks.items()):
            now, most = threshold(self._detections[name], self._profile), max(1, days // 7)
            above = sorted((each for each in counts if each >= now), reverse=True)
            if len(above) > most:
                raised[name] = above[most] + 1
                said.append(f"{name} had {len(above):,} of {now} or more")
        if raised:
            yield Suggestion(
                field="thresholds",
                value=raised,
                because=f"each would have been reached more than once a week: {'; '.join(said)}",
            )


def merged(present: Mapping[str, Any], found: Sequence[Suggestion]) -> dict[str, Any]:
    """Give the profile with what is suggested for fields that it doesn't have; those that it has stay."""
    return {**{each.field: each.value for each in found}, **present}
