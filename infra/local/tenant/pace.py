"""Throttles: so many requests in a sliding window, counted by key."""

import math
import time
from collections import defaultdict, deque


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
