"""What is logged of refused requests: those of a minute up to a number, and how many more there were.

Whoever reaches the app can have it refuse as many as it answers, and each line costs more than the refusal.
"""

import logging
import threading
from datetime import datetime
from typing import Final

_log = logging.getLogger("responder.emergency")

MOST: Final = 20
"""How many refusals are logged in a minute, of those who knew the emergency key and of the others each."""


class RefusalLog:
    """Counts refusals, for a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: dict[bool, tuple[datetime, int]] = {}

    def note(self, said: str, *, knew_key: bool, now: datetime) -> None:
        """Log a refusal, or count it; the first one of a later minute says how many were only counted."""
        minute = now.replace(second=0, microsecond=0)
        with self._lock:
            before, count = self._minutes.get(knew_key, (minute, 0))
            number = count + 1 if before == minute else 1
            self._minutes[knew_key] = (minute, number)
        if before != minute and count > MOST:
            _log.warning("%s more requests were refused in the minute from %s UTC", count - MOST, f"{before:%H:%M}")
        if number <= MOST:
            _log.warning("%s", said)
