"""Time that passes only when somebody waits."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

NOW: Final = datetime(2026, 3, 2, 10, 5, 0, tzinfo=UTC)
"""When tests begin."""


class FakeClock:
    """A clock to read by calling it; `wait` moves it. Safe to share between threads."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.waits: list[float] = []

    def __call__(self) -> datetime:
        with self._lock:
            return self._now

    def wait(self, seconds: float) -> None:
        assert seconds >= 0, seconds
        with self._lock:
            self.waits.append(seconds)
            self._now += timedelta(seconds=seconds)

    def move(self, by: timedelta) -> None:
        """Let time pass without anybody waiting for it."""
        with self._lock:
            self._now += by
