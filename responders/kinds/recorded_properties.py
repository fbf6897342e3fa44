"""What Core Directory's records say of an object whose properties they list, with old and new values or without."""

from collections.abc import Callable, Mapping
from typing import Final

from responders.kinds.given_rights import tells_of_directory
from responders.kinds.json_leaves import GUID
from shared.model.events import Change, Event, fold
from shared.model.objects import EXISTS, Op, Recorded, Step

type Reader = Callable[[Change], dict[str, Step] | None]
"""Reads what was written to a property; None where that isn't understood."""

_NAMES_ALL: Final = "included updated properties"
"""A record that has this property lists all that were changed."""


def recorded_properties(
    event: Event,
    *,
    kind: str,
    activities: Mapping[str, Op],
    readers: Mapping[str, Reader],
    is_guarded_too: Callable[[str], bool] = lambda _name: False,
) -> tuple[Recorded, ...]:
    """Say which object a record is about, and what was written as far as it tells.

    `kind` is the type of its target, folded, as are the names in `readers`. `is_guarded_too` says of which further
    properties it isn't known what was written. A record that lists none of both, but others, is about no object.
    """
    if not tells_of_directory(event):
        return ()
    op, target = activities.get(fold(event.activity)), event.target
    if op is None or fold(target.kind) != kind or not GUID.fullmatch(target.id):
        return ()
    object_id, name = target.id.lower(), target.name or target.id
    if op is not Op.UPDATE:
        there: dict[str, Step] = {EXISTS: (None, True) if op is Op.CREATE else (True, None)}
        return (Recorded(object_id=object_id, name=name, op=op, wrote=there),)
    changes = {fold(each.name): each for each in target.changes}
    guarded = [each for each in changes if each in readers or is_guarded_too(each)]
    if changes and not guarded:
        return ()
    steps = [readers[each](changes[each]) if each in readers else None for each in guarded]
    wrote = {leaf: step for each in steps if each for leaf, step in each.items()}
    is_whole = _NAMES_ALL in changes and bool(steps) and None not in steps
    return (Recorded(object_id=object_id, name=name, op=op, wrote=wrote, is_whole=is_whole),)
