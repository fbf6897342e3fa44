"""Which object a record is about that names it otherwise than by the tenant's id of it.

Names aren't unique, so one counts only where the objects that are known and those that the tenant lists leave no doubt.
Where they do, the record is nobody's object: people are paged about it by its case. What stands now wasn't deleted, and
what stood before wasn't made: else whoever makes a twin and deletes it would have the first one taken for it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.model.errors import EdgeError
from shared.model.events import fold
from shared.model.kinds import Image
from shared.model.object_kinds import Kind
from shared.model.objects import ObjectState, Op, Recorded, Version, key_of
from shared.model.settings import Tenant
from shared.objects.object_store import Seen
from shared.respond.components import Runtime

_CLOCKS: Final = timedelta(minutes=1)
"""How far the tenant's clock and ours may be apart."""

_log = logging.getLogger("responder.objects")


def identified(runtime: Runtime, kind: Kind, tenant: Tenant, recorded: Recorded, at: datetime) -> Recorded | None:
    """Give what a record says of an object by the tenant's id of it; None where it isn't known which object is meant.

    `at` is when that was done. An id that nobody knows may be of something else than the object, so the name is asked
    for it too. Raises EdgeError where storage fails; what the tenant doesn't list now is unknown.
    """
    if kind.is_id is None:
        return recorded
    known = [*runtime.objects.seen(tenant.id, kind.kind)]
    is_id = kind.is_id(recorded.object_id)
    # A name may be chosen that is another object's id: only beside another name it is surely an id.
    is_sure = is_id and fold(recorded.object_id) != fold(recorded.name)
    if is_sure and key_of(recorded.object_id) in {seen.id.key for seen in known}:
        return recorded
    try:
        listed: Mapping[str, Image] | None = kind.inventory.read(runtime.edges[tenant.id])
    except EdgeError as error:
        _log.warning("which %s a record means could not be asked: %s", kind.title, error)
        return recorded if is_id else None
    if is_sure and recorded.object_id.lower() in {kind.id_of(image).lower() for image in listed.values()}:
        return recorded
    named = [
        (seen, kept.state)
        for seen in known
        if (fold(seen.name) == fold(recorded.name) or seen.id.key == key_of(recorded.object_id))
        and (kept := runtime.objects.read(seen.id)) is not None
    ]
    meant = _meant(kind, named, listed.values(), recorded, at)
    if len(meant) == 1:
        return msgspec.structs.replace(recorded, object_id=meant.pop())
    return recorded if is_sure and not meant else None


def _meant(
    kind: Kind, known: Sequence[tuple[Seen, ObjectState]], listed: Iterable[Image], recorded: Recorded, at: datetime
) -> set[str]:
    """Give the ids of objects that a record may be about; `known` are those of its name, `listed` all that stand."""
    names = {kind.id_of(image): fold(kind.name_of(image)) for image in listed}
    listed_so = {each for each, name in names.items() if fold(recorded.name) in {name, fold(each)}}
    match recorded.op:
        case Op.DELETE:
            known = [(seen, state) for seen, state in known if state.ids[-1] not in names]
            listed_so = set[str]()
        case Op.CREATE:
            listed_so -= {state.ids[-1] for _, state in known if _stood_till(state, at)}
            known = [(seen, state) for seen, state in known if not _stood_before(state, at)]
        case Op.UPDATE:
            pass
    # Those that stood when they were seen last; else those that don't any more.
    standing = [(seen, state) for seen, state in known if seen.stands is not False]
    return listed_so | {state.ids[-1] for _, state in standing or known}


def _stood_before(state: ObjectState, at: datetime) -> bool:
    return any(bool(one.leaves) for one in _versions_before(state, at))


def _stood_till(state: ObjectState, at: datetime) -> bool:
    """Whether an object stood when it was last seen before an instant: else it may have been made again then."""
    last = max(_versions_before(state, at), key=lambda one: one.at, default=None)
    return last is not None and bool(last.leaves)


def _versions_before(state: ObjectState, at: datetime) -> list[Version]:
    return [one for one in (state.origin, *state.versions) if one.at < at - _CLOCKS]
