"""Reads records that name the object that somebody changed, and not what was changed: its versions have the rest."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from shared.model.events import AuditEvent, Event, fold
from shared.model.objects import EXISTS, Op, Recorded, Step

_WROTE: Final[Mapping[Op, dict[str, Step]]] = {Op.CREATE: {EXISTS: (None, True)}, Op.DELETE: {EXISTS: (True, None)}}


def recorded_name(
    event: Event, *, service: str, activities: Mapping[str, Op], shape: re.Pattern[str]
) -> tuple[Recorded, ...]:
    """Say which object a record is about, by its target's id or name, whichever has the shape of an id of the kind.

    `service` and the names of `activities` are folded. Empty where the record is about none, or tells of a failure.
    """
    if not isinstance(event, AuditEvent) or fold(event.outcome) != "success" or fold(event.service) != service:
        return ()
    op = activities.get(fold(event.activity))
    object_id = next((each for each in (event.target.id, event.target.name) if shape.fullmatch(each)), "")
    if op is None or not object_id:
        return ()
    return (Recorded(object_id=object_id, name=event.target.name or object_id, op=op, wrote=_WROTE.get(op, {})),)


def recorded_id_or_name(
    event: Event, *, service: str, activities: Mapping[str, Op], is_id: Callable[[str], bool]
) -> tuple[Recorded, ...]:
    """Say which object a record is about, by its id where the target has one, else by its name.

    `service` and the names of `activities` are folded. Empty where the record is about none, or tells of a failure.
    """
    if not isinstance(event, AuditEvent) or fold(event.outcome) != "success" or fold(event.service) != service:
        return ()
    op, said = activities.get(fold(event.activity)), (event.target.id, event.target.name)
    object_id = next((each for each in said if is_id(each)), event.target.name or event.target.id)
    if op is None or not object_id:
        return ()
    return (Recorded(object_id=object_id, name=event.target.name or object_id, op=op, wrote=_WROTE.get(op, {})),)
