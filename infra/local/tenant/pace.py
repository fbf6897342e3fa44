"""Throttles: so many requests in a sliding window, counted by key."""

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable


class Pace:
    """Counts the requests that were let through; refused ones don't count."""

    def __init__(self) -> None:
        self._passed: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait_for(self, key: str, *, limit: int, window: float) -> int:
        """Let the request through and answer 0, or answer after how many whole seconds there is room again.

        A `limit` of 0 lets everything through.
        """
        if limit == 0:
            return 0
        now = time.monotonic()
        passed = self._passed[key]
        while passed and passed[0] <= now - window:
            passed.popleft()
        if len(passed) >= limit:
            return max(1, math.ceil(passed[0] + window - now))
        passed.append(now)
        return 0

    def clear(self) -> None:
        """Forget every request."""
        self._passed.clear()


class Buckets:
    """Token buckets by key: each holds so many tokens at most, and gets so many a second back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}
        """Tokens, and the instant at which there were so many."""

    def room(self, key: str, *, size: int, refill: float) -> float:
        """Tell how many tokens there are now."""
        now = self._clock()
        level, at = self._levels.get(key, (float(size), now))
        return min(float(size), level + (now - at) * refill)

    def take(self, key: str, *, size: int, refill: float) -> None:
        """Spend a token; the caller has seen that there is one."""
        self._levels[key] = (self.room(key, size=size, refill=refill) - 1, self._clock())

    def clear(self) -> None:
        """Fill every bucket."""
        self._levels.clear()
