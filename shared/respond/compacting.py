"""Compacts the past of guarded objects once a night, so that what is read to decide about one doesn't grow for ever."""

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from shared.model.do_all import do_all
from shared.model.objects import SCHEMA, ObjectId, ObjectState
from shared.objects.booking import without_own_records
from shared.objects.compaction import RECORDS_COME_WITHIN, compacted
from shared.respond.authority_reading import judge, start_reading
from shared.respond.components import Runtime
from shared.respond.sweep import swept_at

_log = logging.getLogger("responder.nightly")

_MOST_A_NIGHT: Final = 5000


def compact(runtime: Runtime) -> int:
    """Compact each object that has versions older than records can still come; gives how many became smaller.

    An object whose lane is held is left for another night. The first failure is raised after the last object.
    """
    done = do_all(
        [*_with_a_past(runtime)][:_MOST_A_NIGHT],
        lambda object_id: _compact(runtime, object_id),
        failed=lambda object_id: f"the past of {object_id.kind} {object_id.key} could not be compacted",
        log=_log,
    )
    return sum(done)


def _with_a_past(runtime: Runtime) -> Iterator[ObjectId]:
    until = runtime.clock() - RECORDS_COME_WITHIN
    for tenant in runtime.settings.tenants:
        for kind in runtime.kinds:
            for seen in runtime.objects.seen(tenant.id, kind):
                is_old = seen.origin_at is not None and seen.origin_at < until
                if is_old and seen.origin_at != seen.seen_at and seen.schema <= SCHEMA:
                    yield seen.id


def _confirmed_at(runtime: Runtime, state: ObjectState) -> datetime | None:
    """Give when the object was last seen to stand as its last version: a sweep looks again at all that don't."""
    swept = swept_at(runtime.storage, state.id.tenant_id, state.id.kind)
    return max((one for one in (swept, state.looked_at) if one is not None), default=None)


def _compact(runtime: Runtime, object_id: ObjectId) -> bool:
    kept = runtime.objects.read(object_id)
    if kept is None:
        return False
    lane = runtime.kinds[object_id.kind].lane(kept.id, kept.state.ids[-1], None)
    lease = runtime.leases.take([lane], f"{uuid.uuid4()}")
    if lease is None:
        return False
    try:
        kept = runtime.objects.read(object_id)
        if kept is None:
            return False
        authority = start_reading(runtime, object_id.kind)()
        if authority.unread:
            return False
        changes = without_own_records(runtime.objects.changes(kept.id, since=kept.state.origin.at), kept.state.intents)
        judged = [judge(runtime, one, authority, kept.state) for one in changes if one.is_confirmed]
        state = compacted(
            kept.state,
            judged,
            runtime.kinds[object_id.kind].rules,
            now=runtime.clock(),
            confirmed_at=_confirmed_at(runtime, kept.state),
        )
        if state == kept.state:
            return False
        runtime.objects.replace(kept, state)
        return True
    finally:
        runtime.leases.release(lease)
