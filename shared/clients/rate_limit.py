"""Paces calls that share a rate limit of the service.

Conditional access allows one request a second in a tenant, the reports five in ten seconds. A table row holds the next
free instant. Every instance of the app reserves it by an update guarded by the ETag, so they share one pace. When too
many calls are waiting, new ones are rejected as Throttled. If the row can't be used, each instance paces only its own
calls: that may cause a 429, which is retried, but answering a case late would be worse.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.calls import Lane
from shared.model.errors import EdgeError, Throttled

_MARGIN: Final = timedelta(seconds=0.05)
"""By how much a call goes later than it may."""


def gaps_for(*, reports_per_ten_seconds: int) -> Mapping[Lane, timedelta]:
    """Give the time between two calls of each lane, a little over the limit."""
    return {
        Lane.CONDITIONAL_ACCESS: timedelta(seconds=1) + _MARGIN,
        Lane.REPORTS: timedelta(seconds=10) / reports_per_ten_seconds + _MARGIN,
    }


GAPS: Final[Mapping[Lane, timedelta]] = gaps_for(reports_per_ten_seconds=5)
"""Those of the published limits."""


_TRIES: Final = 20
_LONGEST_QUEUE: Final = timedelta(minutes=2)
"""The longest wait for a turn. The caller usually holds the lease of a case, which ends in the meantime."""

_BROKEN_CLOCK: Final = 2 * _LONGEST_QUEUE
"""A row that is this far ahead was written by a broken clock or by hand, since no queue gets so long."""


class TablePacer:
    """Reserves instants in table `Switches`."""

    def __init__(
        self,
        storage: Storage,
        *,
        clock: Callable[[], datetime],
        wait: Callable[[float], None],
        gaps: Mapping[Lane, timedelta] = GAPS,
    ) -> None:
        self._storage = storage
        self._gaps = gaps
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._own: dict[str, datetime] = {}

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Wait until it is the caller's turn.

        Raises:
            Throttled: too many calls are waiting; no turn was reserved.
        """
        self.wait_until(self._turn(tenant_id, lane, calls=1))

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "ReservedTurns":
        """Give a pacer with turns of its own that follow one another, for calls that nothing must come between.

        Raises Throttled as `wait_for`.
        """
        first = self._turn(tenant_id, lane, calls=calls)
        return ReservedTurns(self, tenant_id, lane, [first + number * self._gaps[lane] for number in range(calls)])

    def wait_until(self, turn: datetime) -> None:
        """Wait until an instant has come."""
        pause = (turn - self._clock()).total_seconds()
        if pause > 0:
            self._wait(pause)

    def is_over(self, turn: datetime, lane: Lane) -> bool:
        """Whether a turn was let go by: the service would count the call beside the next one."""
        return turn < self._clock() - self._gaps[lane]

    def _turn(self, tenant_id: str, lane: Lane, *, calls: int) -> datetime:
        key = f"{tenant_id} {lane}"
        try:
            turn = self._shared_turn(key, self._gaps[lane], calls)
        except Throttled:
            raise
        except EdgeError:
            turn = None
        return self._own_turn(key, self._gaps[lane], calls, shared=turn)

    def _shared_turn(self, key: str, gap: timedelta, calls: int) -> datetime | None:
        """Reserve the next free instant; None after too many conflicts with other instances."""
        for _ in range(_TRIES):
            now = self._clock()
            row = self._storage.row(Table.CONTROLS, "pace", key)
            if row is None:
                if self._storage.insert(Table.CONTROLS, "pace", key, {"next": (now + calls * gap).isoformat()}):
                    return now
                continue
            turn = _in_time(max(now, _free_at(row, now)), now, key)
            try:
                self._storage.replace(Table.CONTROLS, row, {"next": (turn + calls * gap).isoformat()})
            except Conflict:
                continue
            return turn
        return None

    def _own_turn(self, key: str, gap: timedelta, calls: int, *, shared: datetime | None) -> datetime:
        """Give the shared instant, or reserve this instance's own where there is none."""
        with self._lock:
            now = self._clock()
            turn = shared or _in_time(max(now, self._own.get(key, now)), now, key)
            self._own[key] = turn + calls * gap
            return turn


class ReservedTurns:
    """A pacer with some turns in a row; when they are used up, or over, a call takes its place behind all others."""

    def __init__(self, pacer: TablePacer, tenant_id: str, lane: Lane, turns: Sequence[datetime]) -> None:
        self._pacer = pacer
        self._place = (tenant_id, lane)
        self._turns = deque(turns)

    def wait_for(self, tenant_id: str, lane: Lane) -> None:
        """Wait until it is the caller's turn. Raises Throttled as `TablePacer.wait_for`."""
        while (tenant_id, lane) == self._place and self._turns:
            try:
                turn = self._turns.popleft()
            except IndexError:  # another thread took the last one
                break
            if not self._pacer.is_over(turn, lane):
                self._pacer.wait_until(turn)
                return
        self._pacer.wait_for(tenant_id, lane)

    def reserved(self, tenant_id: str, lane: Lane, calls: int) -> "ReservedTurns":
        """Give one with further turns."""
        return self._pacer.reserved(tenant_id, lane, calls)


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
