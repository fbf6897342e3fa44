"""Thresholds and sequences over the records of a backtest, with the app's own rules and its state in memory.

Memory is bounded whatever the input: only the minutes, steps and records that were written last are remembered. Records
of one case stand near each other in an export, whichever way it is sorted. A rise above the weeks before is reported at
the end, when those weeks have been read.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from shared.detect.aggregation.sequences import Sequences, StepASpan
from shared.detect.aggregation.thresholds import (
    WEEK,
    Found,
    ThresholdAggregation,
    count_event,
    hour_of,
    identity,
    is_rise,
    threshold,
)
from shared.detect.aggregation.window_store import MINUTE, RECORDS_NAMED, Minute, Minutes, Place, Span
from shared.model.detections import AnyDetection, Rise
from shared.model.events import AuditEvent, Event, ResourceEvent, SignInEvent
from shared.model.profile import TenantProfile

_AT_ONCE: Final = 1_000
_REMEMBERED: Final = 1 << 16
_STEPS_B_OF_ONE: Final = 100
_ANY_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)

type Add = Callable[[AnyDetection, Event], None]
"""Takes what would have been a case."""


class Recent[K, V](OrderedDict[K, V]):
    """A dict that forgets what was written longest ago when it holds too much."""

    def __setitem__(self, key: K, value: V) -> None:
        """Write an item."""
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > _REMEMBERED:
            self.popitem(last=False)


class _Minutes:
    """A window store in memory."""

    def __init__(self) -> None:
        self._kept: Recent[tuple[Place, datetime], Minute] = Recent()

    def add(self, seen: Mapping[Place, Minutes]) -> None:
        for place, minutes in seen.items():
            for at, new in minutes.items():
                known = self._kept.get((place, at))
                self._kept[place, at] = known.with_(new) if known else new

    def minutes(self, spans: Sequence[Span]) -> list[Minutes]:
        return [self._minutes_of(span) for span in spans]

    def _minutes_of(self, span: Span) -> Minutes:
        each = (span.begin + number * MINUTE for number in range((span.end - span.begin) // MINUTE))
        return {at: self._kept[span.place, at] for at in each if (span.place, at) in self._kept}

    def since(self, tenant_id: str, name: str, *, now: datetime) -> datetime:
        """Say that nothing was counted before; `Aggregation` counts the hours of rises itself."""
        del tenant_id, name
        return now


class _Steps:
    """A sequence store in memory."""

    def __init__(self) -> None:
        self._spans: Recent[tuple[Place, datetime], StepASpan] = Recent()
        self._steps_b: Recent[Place, list[tuple[datetime, bytes]]] = Recent()

    def add_step_a(self, place: Place, end: datetime, span: StepASpan) -> None:
        known = self._spans.get((place, end))
        self._spans[place, end] = known.with_(span) if known else span

    def step_a(self, place: Place, end: datetime) -> StepASpan | None:
        return self._spans.get((place, end))

    def add_step_b(self, place: Place, event: Event, raw: bytes) -> None:
        self._steps_b[place] = [*self._steps_b.get(place, ()), (event.at, raw)][-_STEPS_B_OF_ONE:]

    def steps_b(self, place: Place, begin: datetime, end: datetime) -> list[tuple[datetime, bytes]]:
        """Give all of them, however far the clock of a backtest is from them."""
        del begin, end
        return self._steps_b.get(place, [])


class _Hour(Struct):
    """A clock hour of a tenant."""

    count: int
    first: datetime
    last: datetime
    records: list[str]


class Aggregation:
    """Takes matches and calls `add` for each case: one match, a threshold that is reached, or a sequence."""

    def __init__(self, profile: TenantProfile, add: Add) -> None:
        self._profile = profile
        self._add = add
        self._thresholds = ThresholdAggregation(_Minutes(), profile=profile, clock=lambda: _ANY_DAY)
        self._sequences = Sequences(_Steps(), profile=profile, clock=lambda: _ANY_DAY)
        self._reported: Recent[tuple[str, str], None] = Recent()
        self._counted: list[tuple[AnyDetection, Event]] = []
        self._steps_a: list[tuple[AnyDetection, Event]] = []
        self._steps_b: list[tuple[AnyDetection, Event, bytes]] = []
        self._risen: Recent[tuple[str, str], None] = Recent()
        self._hours: dict[tuple[str, str], tuple[AnyDetection, dict[datetime, _Hour]]] = {}

    def match(self, detection: AnyDetection, event: Event) -> None:
        """Take a record that met the condition of a detection."""
        if isinstance(detection.counted, Rise):
            self._to_hour(detection, event)
        elif detection.counted is not None:
            self._counted.append((detection, event))
        elif detection.after is not None:
            self._steps_b.append((detection, event, msgspec.json.encode(event)))
        else:
            self._add(detection, event)
        self._work_off(_AT_ONCE)

    def match_step_a(self, detection: AnyDetection, event: Event) -> None:
        """Take a record that is step A of a sequence."""
        self._steps_a.append((detection, event))
        self._work_off(_AT_ONCE)

    def finish(self) -> None:
        """Report what is left, once everything was read."""
        self._work_off(1)
        for (tenant_id, _), (detection, hours) in self._hours.items():
            self._report_rises(detection, tenant_id, hours)

    def _work_off(self, least: int) -> None:
        if max(map(len, (self._counted, self._steps_a, self._steps_b))) < least:
            return
        self._thresholds.count(self._counted, self._report)
        self._sequences.follow(self._steps_a, self._steps_b, self._open_step_b)
        self._counted, self._steps_a, self._steps_b = [], [], []

    def _open_step_b(self, detection: AnyDetection, tenant_id: str, raw: bytes) -> bool:
        del tenant_id
        return self._report(detection, msgspec.json.decode(raw, type=AuditEvent | SignInEvent | ResourceEvent))

    def _report(self, detection: AnyDetection, event: Event) -> bool:
        """Give what would have been a case to be added, once."""
        name = (detection.id, identity(event))
        if name in self._reported:
            return False
        self._reported[name] = None
        self._add(detection, event)
        return True

    def _to_hour(self, detection: AnyDetection, event: Event) -> None:
        name, record = (event.tenant_id, detection.id), identity(event)
        if (detection.id, record) in self._risen:
            return
        self._risen[detection.id, record] = None
        _, hours = self._hours.setdefault(name, (detection, {}))
        hour = hours.setdefault(hour_of(event.at), _Hour(0, event.at, event.at, []))
        hour.count += 1
        hour.first, hour.last = min(hour.first, event.at), max(hour.last, event.at)
        hour.records = [*hour.records, record][:RECORDS_NAMED]

    def _report_rises(self, detection: AnyDetection, tenant_id: str, hours: Mapping[datetime, _Hour]) -> None:
        rise, since = detection.counted, min(hour.first for hour in hours.values())
        if not isinstance(rise, Rise):
            return
        for at, hour in sorted(hours.items()):
            before = [at - week * WEEK for week in range(1, rise.weeks + 1)]
            weeks = tuple((hours[each].count if each in hours else 0) if each >= since else None for each in before)
            if hour.count >= threshold(detection, self._profile) and is_rise(rise, hour.count, weeks):
                found = Found(
                    value="",
                    hour=at,
                    count=hour.count,
                    first=hour.first,
                    last=hour.last,
                    records=tuple(hour.records),
                    weeks=weeks,
                )
                self._add(detection, count_event(detection, tenant_id, found, self._profile))
