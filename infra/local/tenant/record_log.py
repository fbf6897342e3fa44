"""A log of one tenant, of audit records or of sign-ins: records show up late, out of order, and now and then twice."""

import random
import time
from dataclasses import dataclass

from infra.local.tenant.instants import now_ticks, parse_instant, ticks
from infra.local.tenant.record_query import LogShape, RecordQuery
from infra.local.tenant.settings import Settings
from infra.local.world import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    at: int
    place: int
    visible_at: float
    record: Json


class RecordLog:
    """Append-only. A page sees only the records whose lag has passed."""

    def __init__(self, shape: LogShape, settings: Settings) -> None:
        self.shape = shape
        self._settings = settings
        self._entries: list[_Entry] = []
        self._random = random.Random(20260112)  # noqa: S311 - spreads arrivals, keeps no secret
        self._twice = 0

    def double_next(self, count: int) -> None:
        """Make the next `count` records appear twice, under the same id."""
        self._twice += count

    def add(self, record: Json) -> None:
        """Append a record that tells its own time, in the property that the shape names."""
        self._append(record)
        if self._twice > 0:
            self._twice -= 1
            self._append(record)

    def _append(self, record: Json) -> None:
        at = parse_instant(record[self.shape.time])
        # A twin is dated some milliseconds ahead: it mustn't be seen before its time.
        ahead = max(0, at - now_ticks()) / ticks(1)
        late = self._settings.audit_lag + self._random.uniform(0, self._settings.audit_jitter)
        self._entries.append(
            _Entry(
                at=at,
                place=len(self._entries),
                visible_at=time.monotonic() + ahead + late,
                record=record,
            )
        )

    def page(self, query: RecordQuery) -> tuple[list[Json], str | None]:
        """Answer one page and the skip token of the next one, if there is one."""
        now = time.monotonic()
        shown = [entry for entry in self._entries if entry.visible_at <= now and query.keeps(entry.at, entry.record)]
        shown.sort(key=lambda entry: (entry.at, entry.place), reverse=not query.ascending)
        if query.after is not None:
            after = query.after
            shown = [entry for entry in shown if ((entry.at, entry.place) > after) == query.ascending]
            shown = [entry for entry in shown if (entry.at, entry.place) != after]
        page, rest = shown[: query.top], shown[query.top :]
        token = query.skiptoken((page[-1].at, page[-1].place)) if rest else None
        return [entry.record for entry in page], token

    def find(self, record_id: str) -> Json | None:
        """Read one visible record by id."""
        now = time.monotonic()
        return next((e.record for e in self._entries if e.record["id"] == record_id and e.visible_at <= now), None)
