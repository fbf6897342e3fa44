"""Threshold aggregation: how many records are too many, and the one case an hour that they raise.

A burst is found in windows of whole minutes. A window ends with a minute in which something was seen; every clock hour
(UTC) in which a window ends that reaches the threshold is one case. So the cases follow from the set of records alone:
neither their order nor their batches matter. A rise is found by comparing a clock hour so far with the same hour of the
weeks before.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from msgspec import Struct

from shared.detect.aggregation.window_store import MINUTE, RECORDS_NAMED, Minute, Minutes, Place, Span, seen, union
from shared.model.cases import case_key
from shared.model.conditions import Text
from shared.model.detections import AnyDetection, Burst, Rise
from shared.model.events import Actor, Change, CountEvent, Event, Log, Target
from shared.model.profile import TenantProfile

HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(weeks=1)

_BURST_KEPT: Final = timedelta(days=2)
_MEMBERS_REMEMBERED: Final = 1 << 17
_HOURS_REMEMBERED: Final = 1 << 10
_LONGEST_SHOWN: Final = 80
_NOUNS: Final[Mapping[Log, str]] = {Log.AUDIT: "changes", Log.SIGN_IN: "sign-ins", Log.RESOURCE: "operations"}

type OpenCase = Callable[[AnyDetection, CountEvent], bool]
"""Opens a case and says whether it is a new one."""

type _Counted = dict[Place, tuple[AnyDetection, dict[datetime, Minute]]]
"""What a batch has of each place: by which detection, and its minutes."""


class WindowStore(Protocol):
    """Where counts are kept; `TableWindowStore` is the one that lasts. Each method may raise an EdgeError."""

    def add(self, seen: Mapping[Place, Minutes]) -> None:
        """Add to minutes what they don't hold yet."""
        ...

    def minutes(self, spans: Sequence[Span]) -> list[Minutes]:
        """Read the minutes of each span, in their order."""
        ...

    def since(self, tenant_id: str, name: str, *, now: datetime) -> datetime:
        """Say since when something is counted, which begins now where it never was."""
        ...


class Found(Struct, frozen=True, kw_only=True):
    """Too many: by which value, in which clock hour, how many, from when to when, whose, and some records' ids.

    `weeks` are the same hour's counts of the weeks before, the latest first; None where nothing was counted yet.
    """

    value: str
    hour: datetime
    count: int
    first: datetime
    last: datetime
    actor: Actor = Actor()
    records: tuple[str, ...] = ()
    weeks: tuple[int | None, ...] = ()


def threshold(detection: AnyDetection, profile: TenantProfile) -> int:
    """Say how many it takes at least: the operator's number, or the declaration's.

    Raises:
        LookupError: it doesn't count.
    """
    own = profile.thresholds.get(detection.id)
    match detection.counted:
        case Burst(at_least=most) | Rise(floor=most):
            return most if own is None else own
        case None:
            raise LookupError(f"{detection.id} counts nothing")


def threshold_problems(profile: TenantProfile, detections: Iterable[AnyDetection]) -> list[str]:
    """Say of each threshold in the profile that is set for no detection that counts what would be right.

    A wrong id would change nothing without a word, and can only be seen where the detections are known.
    """
    counted = sorted(detection.id for detection in detections if detection.counted)
    return [
        f"VOCABULARY.thresholds has {name[:_LONGEST_SHOWN]!r}: it should be a detection that counts, one of "
        f"{', '.join(counted)}"
        for name in sorted(profile.thresholds.keys() - set(counted))
    ]


class ThresholdAggregation:
    """Counts the matches of detections that are counted, and opens a case where there are too many.

    What this process has counted to its end is remembered, since polls that overlap bring most records many times.
    """

    def __init__(self, window_store: WindowStore, *, profile: TenantProfile, clock: Callable[[], datetime]) -> None:
        self._store = window_store
        self._profile = profile
        self._clock = clock
        self._done = _Done()
        self._sinces: dict[Place, datetime] = {}
        self._usual: dict[Span, tuple[int | None, ...]] = {}

    def count(self, matches: Iterable[tuple[AnyDetection, Event]], open_case: OpenCase) -> int:
        """Count the matches of a batch and open what they make too many; gives how many cases are new.

        Raises EdgeError when anything couldn't be written: the batch must then be delivered again.
        """
        new = self._not_done(self._sorted_out(matches))
        if not new:
            return 0
        self._store.add({place: minutes for place, (_, minutes) in new.items()})
        opened = 0
        for place, found in self._found(new):
            detection, minutes = new[place]
            for one in found:
                opened += open_case(detection, count_event(detection, place.tenant_id, one, self._profile))
            self._done.add(place, minutes)
        return opened

    def _not_done(self, sorted_out: _Counted) -> _Counted:
        new = {
            place: (detection, {at: minute for at, minute in minutes.items() if not self._done.has(place, at, minute)})
            for place, (detection, minutes) in sorted_out.items()
        }
        return {place: (detection, minutes) for place, (detection, minutes) in new.items() if minutes}

    def _sorted_out(self, matches: Iterable[tuple[AnyDetection, Event]]) -> _Counted:
        """Gather what belongs in the same minute."""
        sorted_out: _Counted = {}
        for detection, event in matches:
            by, distinct = _fields(detection)
            value = by.reader(self._profile)(event) if by else ""
            member = distinct.reader(self._profile)(event) if distinct else identity(event)
            if (by and not value) or not member:
                continue
            place = _place(detection, event.tenant_id, value)
            actor = event.actor if value and value == event.actor.id else Actor()
            record = seen(member, event.at, actor=actor, record=identity(event))
            minutes = sorted_out.setdefault(place, (detection, {}))[1]
            at = minute_of(event.at)
            minutes[at] = minutes[at].with_(record) if at in minutes else record
        return sorted_out

    def _found(self, new: _Counted) -> Iterator[tuple[Place, list[Found]]]:
        """Judge what a batch touched, of each place: what it needs of all of them is read at once."""
        spans = {
            place: list(_spans_of(detection, place, sorted(minutes))) for place, (detection, minutes) in new.items()
        }
        read = iter(self._store.minutes([span for each in spans.values() for span in each]))
        for place, each in spans.items():
            windows = [(span, next(read)) for span in each]
            yield place, self._judged(new[place][0], place, windows)

    def _judged(self, detection: AnyDetection, place: Place, windows: list[tuple[Span, Minutes]]) -> list[Found]:
        match detection.counted:
            case Burst(within=within):
                at_least = threshold(detection, self._profile)
                found = [one for _, minutes in windows for one in bursts(place.value, minutes, within, at_least)]
                return sorted(found, key=lambda one: -one.count)
            case Rise() as rise:
                since = self._since(rise, place)
                risen = [self._risen(detection, rise, span, minutes, since) for span, minutes in windows]
                return [one for one in risen if one is not None]
            case None:
                return []

    def _since(self, rise: Rise, place: Place) -> datetime:
        """Say since when a place is counted with minutes that are kept for as long as now."""
        if place not in self._sinces:
            name = f"{place.detection} {rise.weeks}"
            self._sinces[place] = self._store.since(place.tenant_id, name, now=self._clock())
        return self._sinces[place]

    def _risen(
        self, detection: AnyDetection, rise: Rise, hour: Span, minutes: Minutes, since: datetime
    ) -> Found | None:
        count = _number_in(minutes)
        if count < threshold(detection, self._profile):
            return None
        weeks = self._weeks_before(rise, hour, since)
        if not is_rise(rise, count, weeks):
            return None
        return _found(hour.place.value, hour.begin, count, list(minutes.values()), weeks=weeks)

    def _weeks_before(self, rise: Rise, hour: Span, since: datetime) -> tuple[int | None, ...]:
        """Count the same hour of the weeks before, once per process: nothing that old comes any more."""
        if hour not in self._usual:
            if len(self._usual) >= _HOURS_REMEMBERED:
                self._usual.clear()
            hours = [_hour(hour.place, hour.begin - week * WEEK) for week in range(1, rise.weeks + 1)]
            known = [each for each in hours if each.begin >= since]
            counts = dict(zip(known, map(_number_in, self._store.minutes(known)), strict=True))
            self._usual[hour] = tuple(counts.get(each) for each in hours)
        return self._usual[hour]


def _number_in(minutes: Minutes) -> int:
    return len(union(minutes.values()))


class _Done:
    """Which members of which minutes were counted and judged in this process; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: dict[tuple[Place, datetime], frozenset[bytes]] = {}
        self._count = 0

    def has(self, place: Place, at: datetime, minute: Minute) -> bool:
        """Say whether nothing in a minute is new."""
        return minute.members <= self._members.get((place, at), frozenset())

    def add(self, place: Place, minutes: Minutes) -> None:
        """Remember minutes of a place."""
        with self._lock:
            for at, minute in minutes.items():
                known = self._members.pop((place, at), frozenset[bytes]())
                self._members[place, at] = known | minute.members
                self._count += len(minute.members - known)
            while self._count > _MEMBERS_REMEMBERED:
                self._count -= len(self._members.pop(next(iter(self._members))))


def bursts(value: str, minutes: Minutes, within: timedelta, at_least: int) -> Iterator[Found]:
    """Find the fullest window of each clock hour, among those that end with one of `minutes` and reach `at_least`.

    `minutes` are in their order.
    """
    fullest: dict[datetime, tuple[int, list[Minute]]] = {}
    window: dict[datetime, Minute] = {}
    for end, minute in minutes.items():
        window = {at: each for at, each in window.items() if at > end - within} | {end: minute}
        count = len(union(window.values()))
        if count >= at_least and count > fullest.get(hour_of(end), (0,))[0]:
            fullest[hour_of(end)] = (count, list(window.values()))
    for hour, (count, found) in fullest.items():
        yield _found(value, hour, count, found)


def is_rise(rise: Rise, count: int, weeks: Iterable[int | None]) -> bool:
    """Say whether an hour's count is more than usual; False where too few weeks are known."""
    known = [each for each in weeks if each is not None]
    return len(known) >= max(1, rise.least_weeks) and count * 100 * len(known) > sum(known) * (100 + rise.percent)


def _found(value: str, hour: datetime, count: int, minutes: list[Minute], weeks: tuple[int | None, ...] = ()) -> Found:
    latest = max(minutes, key=lambda minute: minute.last)
    records = dict.fromkeys(record for minute in minutes for record in minute.records)
    return Found(
        value=value,
        hour=hour,
        count=count,
        first=min(minute.first for minute in minutes),
        last=latest.last,
        actor=latest.actor,
        records=tuple(records)[:RECORDS_NAMED],
        weeks=weeks,
    )


def count_event(detection: AnyDetection, tenant_id: str, found: Found, profile: TenantProfile) -> CountEvent:
    """Make an event of what was found; however it was counted, and how often, its id is the same."""
    name = f"{found.hour:%Y%m%d%H}-{case_key(tenant_id, detection.id, found.value, f'{found.hour:%Y%m%d%H}')}"
    by, _ = _fields(detection)
    return CountEvent(
        id=name,
        log=detection.log,
        tenant_id=tenant_id,
        at=found.last,
        correlation_id=name,
        target=Target(
            id=found.value or tenant_id,
            name=found.actor.name,
            kind=_capitalized(by.called.one) if by else "Tenant",
            changes=tuple(_figures(detection, found, profile)),
        ),
        actor=found.actor,
        records=found.records,
    )


def _figures(detection: AnyDetection, found: Found, profile: TenantProfile) -> Iterator[Change]:
    """Give what is usual, or allowed, as the old value, and what was found as the new one."""
    _, distinct = _fields(detection)
    noun = f"different {distinct.called.many}" if distinct else _NOUNS[detection.log]
    match detection.counted:
        case Burst(within=within):
            most = threshold(detection, profile) - 1
            yield Change(name=f"{noun} in {within // MINUTE} minutes", old=f"at most {most:,}", new=f"{found.count:,}")
        case Rise():
            known = [week for week in found.weeks if week is not None]
            each = ", ".join("not counted" if week is None else f"{week:,}" for week in found.weeks)
            usual = f"{sum(known) / max(1, len(known)):,.0f} on average in the weeks before ({each})"
            yield Change(name=f"{noun} in the hour from {found.hour:%H:%M} UTC", old=usual, new=f"{found.count:,}")
        case None:
            return
    yield Change(name="from the first to the last of them", old=_instant(found.first), new=_instant(found.last))


def _capitalized(text: str) -> str:
    """Begin with a capital, and leave the rest as it is: "IP address"."""
    return text[:1].upper() + text[1:]


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def minute_of(instant: datetime) -> datetime:
    """Give the beginning of an instant's minute (UTC)."""
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def hour_of(instant: datetime) -> datetime:
    """Give the beginning of an instant's clock hour (UTC)."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def identity(event: Event) -> str:
    """Give what identifies a record: its id, or all that is known where it has none."""
    return event.id or f"{event.at.isoformat()} {event.correlation_id} {event.actor.id} {event.target.id}"


def _fields(detection: AnyDetection) -> tuple[Text[Any] | None, Text[Any] | None]:
    """Give the field that is counted by and the one whose values are counted; None where there is none."""
    burst = detection.counted
    return (burst.by, burst.distinct) if isinstance(burst, Burst) else (None, None)


def _place(detection: AnyDetection, tenant_id: str, value: str) -> Place:
    rise = detection.counted
    kept = _BURST_KEPT + rise.weeks * WEEK if isinstance(rise, Rise) else _BURST_KEPT
    return Place(tenant_id=tenant_id, detection=detection.id, value=value, kept=kept)


def _spans_of(detection: AnyDetection, place: Place, touched: list[datetime]) -> Iterator[Span]:
    """Give the stretches of time by which a place is judged whose minutes were touched; these are in their order."""
    match detection.counted:
        case Burst(within=within):
            yield from (Span(place=place, begin=begin, end=end) for begin, end in _spans(touched, within))
        case Rise():
            yield from (_hour(place, hour) for hour in dict.fromkeys(map(hour_of, touched)))
        case None:
            return


def _hour(place: Place, begin: datetime) -> Span:
    return Span(place=place, begin=begin, end=begin + HOUR)


def _spans(touched: Iterable[datetime], within: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Give the stretches of time that hold every window with a touched minute in it; `touched` are in their order."""
    begin = end = None
    for at in touched:
        if end is not None and begin is not None and at + MINUTE - within > end:
            yield begin, end
            begin = None
        begin = begin or at + MINUTE - within
        end = at + within
    if begin is not None and end is not None:
        yield begin, end
