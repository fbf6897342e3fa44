"""Instants as Graph prints them: when an object was made and changed. It doesn't say by whom."""

from datetime import datetime

from shared.model.kinds import Image
from shared.model.object_kinds import Made


def made(image: Image) -> Made:
    """Give the instants of an object that has `createdDateTime` and `modifiedDateTime`; None for one it hasn't."""
    return Made(at=instant_of(image.get("createdDateTime")), changed_at=instant_of(image.get("modifiedDateTime")))


def is_since(image: Image, since: datetime | None) -> bool:
    """Say whether an object can have been made at an instant or later; any can where the instant isn't known."""
    at = made(image).at
    return since is None or (at is not None and at >= since)


def instant_of(text: object) -> datetime | None:
    """Read an instant as Graph prints it; None where it isn't one, or has no time zone."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
