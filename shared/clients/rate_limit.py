"""Pacing of calls that share a limit of the service.

Conditional access allows one request a second in a tenant, the reports five in ten.
The next free instant is a table row that every instance moves on under its ETag, so the pace holds over all of them,
and each caller keeps its place in the queue. Once the queue is two minutes long, further calls are refused for now.
Where the row can't be used, this instance alone keeps the pace: a late answer is worse than a 429, which is retried.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Conflict, Row, Storage, Table
from shared.model.calls import Lane
from shared.model.errors import EdgeError, Throttled

GAPS: Final[Mapping[Lane, timedelta]] = {
    Lane.CONDITIONAL_ACCESS: timedelta(seconds=1.05),
    Lane.REPORTS: timedelta(seconds=2.05),
}
"""The time between two calls of a lane, a little over the published limit."""

_TRIES: Final = 20
_LONGEST_QUEUE: Final = timedelta(minutes=2)
"""Nobody is made to wait longer for a turn: what waits for one holds a case, whose lease goes on running."""

_BROKEN_CLOCK: Final = 2 * _LONGEST_QUEUE
"""A row that is this far ahead was written by a broken clock or by hand: no queue gets so long."""


class TablePacer:
    """Hands out instants from table `Switches`."""

    def __init__(self, storage: Storage, *, clock: Callable[[], datetime], wait: Callable[[float], None]) -> None:
        self._storage = storage
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._own: dict[str, datetime] = {}

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Hold the caller until its turn.

        Raises:
            Throttled: too many are waiting; the call wasn't sent, and has no place in the queue.
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
        """Take the next free instant; None when too many others took one first."""
        for _ in range(_TRIES):
            now = self._clock()
            row = self._storage.row(Table.SWITCHES, "pace", key)
            if row is None:
                if self._storage.insert(Table.SWITCHES, "pace", key, {"next": (now + gap).isoformat()}):
                    return now
                continue
            turn = _in_time(max(now, _free_at(row, now)), now, key)
            try:
                self._storage.replace(Table.SWITCHES, row, {"next": (turn + gap).isoformat()})
            except Conflict:
                continue
            return turn
        return None

    def _own_turn(self, key: str, gap: timedelta, *, shared: datetime | None) -> datetime:
        """Take this instance's next free instant where there is no shared one."""
        with self._lock:
            now = self._clock()
            turn = shared or _in_time(max(now, self._own.get(key, now)), now, key)
            self._own[key] = turn + gap
            return turn


def _in_time(turn: datetime, now: datetime, key: str) -> datetime:
    """Give the turn back, unless it is too far ahead to be waited for."""
    ahead = turn - now
    if ahead < _LONGEST_QUEUE:
        return turn
    raise Throttled(
        f"calls wait for {ahead.total_seconds():.0f} s already in lane {key}", retry_after=ahead - _LONGEST_QUEUE
    )


def _free_at(row: Row, now: datetime) -> datetime:
    """Read the next free instant; one that is far ahead is a broken clock's, and counts for as little as none."""
    try:
        free = datetime.fromisoformat(row.columns["next"])
        return free if free - now < _BROKEN_CLOCK else now
    except (KeyError, TypeError, ValueError):
        return now
