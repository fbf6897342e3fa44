"""Instants that somebody writes by hand."""

from datetime import UTC, datetime


def instant_from(text: str) -> datetime | None:
    """Read an instant in ISO 8601, in UTC; None where it is none or names no offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)
