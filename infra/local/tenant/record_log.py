"""A log of one tenant, of audit records or of sign-ins: records show up late, out of order, and now and then twice."""

import json
import random
import re
import time
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from infra.local.tenant.instants import now_ticks, parse_instant, ticks
from infra.local.tenant.record_query import LogShape, RecordQuery
from infra.local.tenant.settings import Settings
from infra.local.world import Json

type Values = Literal["whole", "cut short", "without values", "without properties"]

_KEPT = 20_000
_ROOM_FOR_VALUES = 64
"""How many characters of a value `cut short` leaves: enough to begin an object, too few to end it."""


@dataclass(slots=True, kw_only=True)
class RecordPlan:
    """What happens to `times` records, after the next `skip`, of those that `match` finds something in.

    `match` is a regular expression for a record's JSON text. `late` is in seconds, over the log's own lag. `copies` 0
    means that the record never comes. `values` says what is left of the old and new values: `cut short` is text that
    no longer is JSON, `without values` has nulls, and `without properties` has an empty `modifiedProperties`.
    """

    match: str = ""
    times: int = 1
    skip: int = 0
    late: float = 0.0
    copies: int = 1
    values: Values = "whole"


_AS_EVER = RecordPlan()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """`text` is the record's JSON: ten times smaller than the objects, and always the same answer."""

    at: int
    place: int
    visible_at: float
    id: str
    types: frozenset[str]
    text: bytes


def _order(entry: _Entry) -> tuple[int, int]:
    return entry.at, entry.place


class RecordLog:
    """Append-only; when there are too many, the oldest record goes. A page sees only what is no longer late."""

    def __init__(self, shape: LogShape, settings: Settings, *, kept: int = _KEPT) -> None:
        self.shape = shape
        self._kept = kept
        self._settings = settings
        self._entries: list[_Entry] = []
        """By instant, then in the order in which they were added."""
        self._count = 0
        self._random = random.Random(20260112)  # noqa: S311 - spreads arrivals, keeps no secret
        self._twice = 0
        self._plans: list[RecordPlan] = []

    def double_next(self, count: int) -> None:
        """Make the next `count` records appear twice, under the same id."""
        self._twice += count

    def plan(self, plan: RecordPlan) -> None:
        """Set what happens to the next records that match."""
        self._plans.append(plan)

    def add(self, record: Json) -> None:
        """Append a record that tells its own time, in the property that the shape names."""
        plan = self._take_plan(record)
        shown = _with_values(_limited(record, self._settings.record_value_limit), plan.values)
        copies = plan.copies
        if self._twice > 0 and copies > 0:
            self._twice -= 1
            copies += 1
        for _ in range(copies):
            self._append(shown, late=plan.late)

    def _take_plan(self, record: Json) -> RecordPlan:
        if not self._plans:
            return _AS_EVER
        text = json.dumps(record)
        for plan in self._plans:
            if not re.search(plan.match, text):
                continue
            if plan.skip > 0:
                plan.skip -= 1
                continue
            plan.times -= 1
            if plan.times <= 0:
                self._plans.remove(plan)
            return plan
        return _AS_EVER

    def _append(self, record: Json, *, late: float) -> None:
        at = parse_instant(record[self.shape.time])
        # A twin is dated some milliseconds ahead: it mustn't be seen before its time.
        ahead = max(0, at - now_ticks()) / ticks(1)
        lag = self._settings.audit_lag + self._random.uniform(0, self._settings.audit_jitter)
        entry = _Entry(
            at=at,
            place=self._count,
            visible_at=time.monotonic() + ahead + lag + late,
            id=record["id"],
            types=frozenset(record.get("signInEventTypes", ("interactiveUser",))),
            text=msgspec.json.encode(record),
        )
        self._count += 1
        insort(self._entries, entry, key=_order)
        if len(self._entries) > self._kept:
            del self._entries[0]

    def page(self, query: RecordQuery) -> tuple[list[msgspec.Raw], str | None]:
        """Answer one page and the skip token of the next one, if there is one."""
        now = time.monotonic()
        earliest, latest = query.span()
        first = bisect_left(self._entries, (earliest, -1), key=_order)
        last = bisect_left(self._entries, (latest + 1, -1), key=_order)
        among = self._entries[first:last] if query.ascending else self._entries[first:last][::-1]
        page: list[_Entry] = []
        for entry in among:
            if entry.visible_at > now or not query.keeps(entry.at, entry.types) or not query.comes_next(_order(entry)):
                continue
            if not query.is_about(entry.text):
                continue
            if len(page) == query.top:
                return [msgspec.Raw(each.text) for each in page], query.skiptoken(_order(page[-1]))
            page.append(entry)
        return [msgspec.Raw(each.text) for each in page], None

    def find(self, record_id: str) -> Json | None:
        """Read one visible record by id."""
        now = time.monotonic()
        found = next((e.text for e in self._entries if e.id == record_id and e.visible_at <= now), None)
        return None if found is None else msgspec.json.decode(found)


def _limited(record: Json, limit: int) -> Json:
    """Cut values that are longer than the log's limit (characters); 0 is no limit."""
    if limit == 0:
        return record
    return _with_each_value(record, lambda text: text if text is None else text[:limit])


def _with_values(record: Json, values: Values) -> Json:
    match values:
        case "whole":
            return record
        case "cut short":
            return _with_each_value(record, lambda text: text if text is None else text[:_ROOM_FOR_VALUES])
        case "without values":
            return _with_each_value(record, lambda _text: None)
        case "without properties":
            targets = record.get("targetResources", [])
            return record | {"targetResources": [target | {"modifiedProperties": []} for target in targets]}


def _with_each_value(record: Json, change: Callable[[str | None], str | None]) -> Json:
    def changed(modified: Json) -> Json:
        both: dict[str, Any] = {name: change(modified.get(name)) for name in ("oldValue", "newValue")}
        return modified | both

    targets = [
        target | {"modifiedProperties": [changed(each) for each in target.get("modifiedProperties", [])]}
        for target in record.get("targetResources", [])
    ]
    return record | {"targetResources": targets}
