"""Ids as every stage compares them: GUIDs in lower case with dashes, never the all-zero one, which stands for none."""

import re

_DASHED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BARE = re.compile(r"([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")
_NOBODY = "00000000-0000-0000-0000-000000000000"
_LENGTH = len(_NOBODY)


def principal_id(text: str | None) -> str:
    """Give a principal's object id, "" where there is none."""
    lowered = (text or "").strip().lower()
    return "" if lowered == _NOBODY else lowered


def claimed_id(text: str | None) -> str:
    """Give a principal's object id as the Activity Log has it, which writes some without dashes."""
    lowered = (text or "").strip().lower()
    bare = _BARE.fullmatch(lowered)
    return principal_id("-".join(bare.groups()) if bare else lowered)


def first_id(*texts: str | None) -> str:
    """Give the first that is an id: a GUID in lower case, another (a custom policy's) in its own spelling."""
    for text in texts:
        if not text:
            continue
        trimmed = text.strip()
        lowered = trimmed.lower()
        if trimmed and lowered != _NOBODY:
            return lowered if len(lowered) == _LENGTH and _DASHED.fullmatch(lowered) else trimmed
    return ""


def is_object_id(text: str) -> bool:
    """Say whether a text that `first_id` gave is a directory object's id, and not a name in its place."""
    return _DASHED.fullmatch(text) is not None
