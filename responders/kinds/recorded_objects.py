"""Reads from audit records what they say of an object that they carry twice as JSON: as it was, and as it is.

A record may have been cut short, may spell names as .NET does, and may have words that Graph doesn't take. Then it
tells less than the whole change, and says so.
"""

from collections.abc import Callable, Mapping
from typing import Final, cast

from msgspec import Struct

from responders.kinds.json_leaves import decoded, has_unnamed, with_graph_names
from shared.model.events import AuditEvent, Change, Event, fold
from shared.model.kinds import Image, Json
from shared.model.objects import EXISTS, Op, Recorded, Step, property_of

_SUCCESS: Final = "success"


class RecordFormat(Struct, frozen=True, kw_only=True):
    """How records tell of a kind of object.

    `services` and `activities` are folded. `properties` are names of the modified property that has the object, folded;
    where there are none, any that has an object in it. `known` are the names at the top of an object in Graph's words:
    a record with others, once .NET's spelling is undone, isn't understood whole. `is_readable` says whether an object
    is in words that Graph takes.
    """

    services: frozenset[str]
    activities: Mapping[str, Op]
    properties: frozenset[str]
    known: frozenset[str]
    leaves: Callable[[Image], dict[str, Json]]
    same: Callable[[str, Json, Json], bool]
    is_readable: Callable[[Image], bool] = lambda _image: True


class _RecordedImage(Struct, frozen=True, kw_only=True):
    """An object in a record. `names` are its properties that are known, whole or not at all."""

    leaves: dict[str, Json]
    name: str
    is_whole: bool
    names: frozenset[str] = frozenset()


def recorded_object(event: Event, record_format: RecordFormat) -> tuple[Recorded, ...]:
    """Say what an event says of an object of this kind; empty where it is about none."""
    if not isinstance(event, AuditEvent) or fold(event.outcome) != _SUCCESS:
        return ()
    op = record_format.activities.get(fold(event.activity))
    if op is None or fold(event.service) not in record_format.services or not event.target.id:
        return ()
    change = _change_of(event, record_format)
    old, new = _image_in(change.old, record_format), _image_in(change.new, record_format)
    wrote, is_whole = _wrote(op, old, new, record_format)
    nothing = _RecordedImage(leaves={}, name="", is_whole=False)
    name = event.target.name or (new or old or nothing).name
    whole = () if is_whole else _whole_properties(old or nothing, new or nothing)
    object_id = event.target.id.lower()
    return (Recorded(object_id=object_id, name=name, op=op, wrote=wrote, is_whole=is_whole, whole_properties=whole),)


def _change_of(event: AuditEvent, record_format: RecordFormat) -> Change:
    named = [
        each
        for each in event.target.changes
        if not record_format.properties or fold(each.name) in record_format.properties
    ]
    carrying = (each for each in named if _looks_like_an_object(each.old) or _looks_like_an_object(each.new))
    return next(carrying, Change(name=""))


def _looks_like_an_object(text: str | None) -> bool:
    return (text or "").lstrip().startswith("{")


def _image_in(text: str | None, record_format: RecordFormat) -> _RecordedImage | None:
    """Read the object as a record has it; None where it doesn't, or not to its end."""
    as_said = decoded(text)
    if as_said is None:
        return None
    named = cast("Image", with_graph_names(as_said))
    is_known = named == as_said or {name for name in named if "@odata." not in name} <= record_format.known
    return _RecordedImage(
        leaves=record_format.leaves(named),
        name=str(named.get("displayName") or ""),
        is_whole=is_known and record_format.is_readable(named),
        names=frozenset(named) & record_format.known if record_format.leaves(named) else frozenset(),
    )


def _whole_properties(old: _RecordedImage, new: _RecordedImage) -> tuple[str, ...]:
    """Name the properties that a record has before and after, so that it tells what was changed in them."""
    unnamed = {property_of(leaf) for each in (old, new) for leaf, value in each.leaves.items() if has_unnamed(value)}
    return tuple(sorted((old.names & new.names) - unnamed))


def _wrote(
    op: Op, old: _RecordedImage | None, new: _RecordedImage | None, record_format: RecordFormat
) -> tuple[dict[str, Step], bool]:
    """Give what a change wrote, as far as the record tells, and whether that is all."""
    if op is Op.CREATE:
        there: dict[str, Step] = {EXISTS: (None, True)}
        if new is None:
            return there, False
        return _understood(there | {leaf: (None, value) for leaf, value in new.leaves.items()}, is_whole=new.is_whole)
    if op is Op.DELETE:
        gone: dict[str, Step] = {EXISTS: (True, None)}
        if old is None:
            return gone, False
        return _understood(gone | {leaf: (value, None) for leaf, value in old.leaves.items()}, is_whole=old.is_whole)
    if old is None or new is None:
        return {}, False
    leaves = sorted({*old.leaves, *new.leaves})
    steps = {leaf: (old.leaves.get(leaf), new.leaves.get(leaf)) for leaf in leaves}
    differing = {leaf: step for leaf, step in steps.items() if not record_format.same(leaf, *step)}
    return _understood(differing, is_whole=old.is_whole and new.is_whole)


def _understood(steps: dict[str, Step], *, is_whole: bool) -> tuple[dict[str, Step], bool]:
    """Leave out leaves with a word that the log doesn't name: what was written there isn't known."""
    kept = {leaf: step for leaf, step in steps.items() if not (has_unnamed(step[0]) or has_unnamed(step[1]))}
    return kept, is_whole and len(kept) == len(steps)
