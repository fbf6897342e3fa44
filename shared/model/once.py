"""A value that is made on first use, once, even when several threads ask for it at the same moment."""

import threading
from collections.abc import Callable


class Once[T]:
    """Gives the value that `make` returned. When `make` raises, nothing is kept, and the next caller tries again."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: tuple[T] | None = None

    def __call__(self) -> T:
        """Give the value; while one thread makes it, the others wait."""
        with self._lock:
            if self._made is None:
                self._made = (self._make(),)
            return self._made[0]

    def take(self) -> T | None:
        """Give the value and forget it, so that the next caller makes another; None when there is none."""
        with self._lock:
            made, self._made = self._made, None
        return None if made is None else made[0]
