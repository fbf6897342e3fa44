"""Brings ids to the form that every stage compares: GUIDs in lower case with dashes; the all-zero GUID means no id."""

import re

_DASHED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BARE = re.compile(r"([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})")
NOBODY = "00000000-0000-0000-0000-000000000000"
_LENGTH = len(NOBODY)


def principal_id(text: str | None) -> str:
    """Give a principal's object id, "" where there is none."""
    if not text:
        return ""
    lowered = text.strip().lower()
    return "" if lowered == NOBODY else lowered


def claimed_id(text: str | None) -> str:
    """Give a principal's object id from the Activity Log, which writes some ids without dashes."""
    lowered = (text or "").strip().lower()
    bare = _BARE.fullmatch(lowered)
    return principal_id("-".join(bare.groups()) if bare else lowered)


def first_id(*texts: str | None) -> str:
    """Give the first text that is an id: a GUID in lower case, any other id (a custom policy's) unchanged."""
    for text in texts:
        if not text:
            continue
        trimmed = text.strip()
        lowered = trimmed.lower()
        if trimmed and lowered != NOBODY:
            return lowered if len(lowered) == _LENGTH and _DASHED.fullmatch(lowered) else trimmed
    return ""


def tenant_in(resource_id: str | None) -> str:
    """Give the tenant of the resource that a diagnostic setting is of, `/tenants/ID/providers/…`, or ""."""
    parts = (resource_id or "").lower().split("/", maxsplit=3)
    named = parts[2] if len(parts) > 2 and parts[1] == "tenants" else ""  # noqa: PLR2004 - "", word, id
    return named if _DASHED.fullmatch(named) else ""


def is_object_id(text: str) -> bool:
    """Say whether a text from `first_id` is a directory object's id, rather than a name used as one."""
    return _DASHED.fullmatch(text) is not None
