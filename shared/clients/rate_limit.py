"""Paces calls that share a rate limit of the service.

Conditional access allows one request a second in a tenant, the reports five in ten seconds. A table row holds the next
free instant. Every instance of the app reserves it by an update guarded by the ETag, so they share one pace. When too
many calls are waiting, new ones are rejected as Throttled. If the row can't be used, each instance paces only its own
calls: that may cause a 429, which is retried, but answering a case late would be worse.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.calls import Lane
from shared.model.errors import EdgeError, Throttled

GAPS: Final[Mapping[Lane, timedelta]] = {
    Lane.CONDITIONAL_ACCESS: timedelta(seconds=1.05),
    Lane.REPORTS: timedelta(seconds=2.05),
}
"""The time between two calls of a lane, a little over the published limit."""

_TRIES: Final = 20
_LONGEST_QUEUE: Final = timedelta(minutes=2)
"""The longest wait for a turn. The caller usually holds the lease of a case, which ends in the meantime."""

_BROKEN_CLOCK: Final = 2 * _LONGEST_QUEUE
"""A row that is this far ahead was written by a broken clock or by hand, since no queue gets so long."""


class TablePacer:
    """Reserves instants in table `Switches`."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime], wait: Callable[[float], None]) -> None:
        self._storage = storage
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._own: dict[str, datetime] = {}

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Wait until it is the caller's turn.

        Raises:
            Throttled: too many calls are waiting; no turn was reserved.
        """
        key = f"{tenant_id} {lane}"
        try:
            turn = self._shared_turn(key, GAPS[lane])
        except Throttled:
            raise
        except EdgeError:
            turn = None
        turn = self._own_turn(key, GAPS[lane], shared=turn)
        pause = (turn - self._clock()).total_seconds()
        if pause > 0:
            self._wait(pause)

    def _shared_turn(self, key: str, gap: timedelta) -> datetime | None:
        """Reserve the next free instant; None after too many conflicts with other instances."""
        for _ in range(_TRIES):
            now = self._clock()
            row = self._storage.row(Table.CONTROLS, "pace", key)
            if row is None:
                if self._storage.insert(Table.CONTROLS, "pace", key, {"next": (now + gap).isoformat()}):
                    return now
                continue
            turn = _in_time(max(now, _free_at(row, now)), now, key)
            try:
                self._storage.replace(Table.CONTROLS, row, {"next": (turn + gap).isoformat()})
            except Conflict:
                continue
            return turn
        return None

    def _own_turn(self, key: str, gap: timedelta, *, shared: datetime | None) -> datetime:
        """Give the shared instant, or reserve this instance's own where there is none."""
        with self._lock:
            now = self._clock()
            turn = shared or _in_time(max(now, self._own.get(key, now)), now, key)
            self._own[key] = turn + gap
            return turn


def _in_time(turn: datetime, now: datetime, key: str) -> datetime:
    """Give the turn back; raises Throttled if it is too far ahead."""
    ahead = turn - now
    if ahead < _LONGEST_QUEUE:
        return turn
    raise Throttled(
        f"the calls waiting in lane {key} take another {ahead.total_seconds():.0f} s",
        retry_after=ahead - _LONGEST_QUEUE,
    )


def _free_at(row: Row, now: datetime) -> datetime:
    """Read the next free instant of a row; an unreadable one, or one too far ahead, counts as now."""
    try:
        free = datetime.fromisoformat(row.columns["next"])
        return free if free - now < _BROKEN_CLOCK else now
    except (KeyError, TypeError, ValueError):
        return now
