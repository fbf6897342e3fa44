"""The time, which is passed in everywhere so that tests can move it."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Gives the time, aware and UTC."""


def utc_now() -> datetime:
    """The time, aware and UTC."""
    return datetime.now(UTC)
