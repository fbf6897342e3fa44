"""The clock that is passed to whatever needs the time, so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Gives the present time, aware and UTC."""


def utc_now() -> datetime:
    """Give the present time, aware and UTC."""
    return datetime.now(UTC)
