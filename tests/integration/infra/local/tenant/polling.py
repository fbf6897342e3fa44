"""Wait for what takes a moment."""

import time
from collections.abc import Callable


def eventually[T](read: Callable[[], T], holds: Callable[[T], bool], *, within: float = 5.0) -> T:
    """Read until `holds`; fails after `within` seconds, showing what was read last."""
    deadline = time.monotonic() + within
    while not holds(value := read()):
        assert time.monotonic() < deadline, f"still {value!r} after {within} s"
        time.sleep(0.02)
    return value
