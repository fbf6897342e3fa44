"""Brings one object to agree with its baseline, and goes on until it does.

Called by whatever may matter: a record, a sweep that saw another version, an approval, a mode, the kill switch, an
objection that may have passed, a person. Never by memory: everything is read, under the lease of the object's lane.
"""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.model.errors import LeaseLost
from shared.model.objects import ObjectId, key_of
from shared.objects.due import Look
from shared.respond.components import Runtime
from shared.respond.object_intake import Arrived
from shared.respond.object_reconciliation import Reconciliation
from shared.respond.object_run import ObjectRun

_log = logging.getLogger("responder.objects")

BUSY: Final = timedelta(seconds=15)
"""How soon an object is looked at again whose lane another run holds."""


def reconcile(
    runtime: Runtime,
    object_id: ObjectId,
    *,
    tenants_id: str = "",
    arrived: Sequence[Arrived] = (),
    looks: Sequence[Look] = (),
    unlisted_at: datetime | None = None,
) -> None:
    """Reconcile one object: read, decide, write what may be written, and settle or note when to look again.

    `tenants_id` is the tenant's id of it where the caller knows it. `arrived` are changes that are being stored: they
    are waited for before anything is decided. `looks` are notes that are done with when this returns. `unlisted_at` is
    when a listing surely lacked an object that nobody has seen yet: what was made since is somebody's change.

    Raises EdgeError where storage fails. Notes that the object is due stand then, so it is looked at again.
    """
    kind, tenant = runtime.kinds.get(object_id.kind), runtime.settings.tenant(object_id.tenant_id)
    if kind is None or tenant is None:
        _drop(runtime, [*looks, *_stored(arrived)])
        return
    # A message is a hint, which may be forged: an id that the key isn't made of counts only where the store has it.
    if not tenants_id or key_of(tenants_id) != object_id.key:
        tenants_id = _known_id(runtime, object_id)
    if not tenants_id:
        _drop(runtime, looks)
        return
    run = ObjectRun(runtime, kind, tenant, object_id)
    lane = kind.lane(object_id, tenants_id, None)
    taking = runtime.start(lambda: runtime.leases.take([lane], f"{uuid.uuid4()}"))
    # Where a service allows one call a second, none is spent before the lane is held.
    reading = None if kind.is_paced else run.start_reading(tenants_id)
    notes = [*looks, *_stored(arrived)]
    run.stands_noted = object_id if arrived else None
    run.lease = taking()
    if run.lease is None:
        runtime.due.note(object_id, runtime.clock() + BUSY)
        _drop(runtime, notes)
        return
    try:
        Reconciliation(run, tenants_id, arrived, unlisted_at).go((reading or run.start_reading(tenants_id))())
    except LeaseLost as lost:
        _log.warning("%s", lost)
        runtime.due.note(object_id, runtime.clock() + BUSY)
    else:
        notes += run.noted
    finally:
        runtime.leases.release(run.lease)
    _drop(runtime, notes)


def _stored(arrived: Sequence[Arrived]) -> list[Look]:
    return [one.stored()[0] for one in arrived]


def _known_id(runtime: Runtime, object_id: ObjectId) -> str:
    """Give the tenant's present id of an object, from the store or from its changes; "" where neither knows it."""
    kept = runtime.objects.read(object_id)
    if kept is not None:
        return kept.state.ids[-1]
    changes = runtime.objects.changes(object_id)
    return changes[-1].object_id if changes else ""


def _drop(runtime: Runtime, looks: Sequence[Look]) -> None:
    for look in looks:
        runtime.due.remove(look)
