"""Audit records of objects that are carried twice as JSON."""

import json
from typing import Any, cast

from shared.model.events import AuditEvent, Change, Target
from shared.model.kinds import Image
from tests.fakes.situations import AT, MALLORY
from tests.fakes.tenant import TENANT_ID


def object_record(
    activity: str,
    *,
    service: str,
    target: str,
    old: Image | str | None = None,
    new: Image | str | None = None,
    **more: Any,  # noqa: ANN401 - fields
) -> AuditEvent:
    """Make the record of a change; an object given as text stands as it is."""
    changed = Change(name=more.pop("named", "Whatever"), old=_text(old), new=_text(new))
    other = Change(name="Included Updated Properties", old=None, new="PolicyDetail")
    fields: dict[str, Any] = {"outcome": "success", "targets": (Target(id=target, changes=(other, changed)),)} | more
    return AuditEvent(
        id="r",
        tenant_id=TENANT_ID,
        at=AT,
        activity=activity,
        category="Policy",
        service=service,
        reason="",
        correlation_id="c",
        actor=MALLORY,
        **fields,
    )


def _text(value: Image | str | None) -> str | None:
    return json.dumps(value) if isinstance(value, dict) else value


def as_dotnet_spells(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Spell names with a capital first, as records of some services do."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return {f"{name[:1].upper()}{name[1:]}": as_dotnet_spells(part) for name, part in parts.items()}
    return [as_dotnet_spells(part) for part in cast("list[Any]", value)] if isinstance(value, list) else value
