"""Reads every object of a kind, and has those looked at again that aren't as they were last read.

A sweep is what notices a change that no record tells. What it doesn't list isn't gone: that is read by itself. What it
lists for the first time was made since the sweep before, unless that one read less: then it counts as first seen.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.do_all import do_all
from shared.model.kinds import Image, ObjectKind
from shared.model.object_kinds import Kind
from shared.model.objects import ObjectId, key_of
from shared.model.settings import Tenant
from shared.objects.new_leaves import leaves_seen, read_kind_leaves, store_kind_leaves
from shared.objects.object_store import Seen
from shared.respond.components import Runtime
from shared.respond.listing_times import LISTS_WITHIN, PARTITION, listed_at, store_time
from shared.respond.object_run import digest_of, without_context
from shared.respond.reconcile import reconcile

_log = logging.getLogger("responder.sweep")

_OVERDUE: Final = timedelta(minutes=5)
"""How late a look may be before a sweep notes it anew."""


class Swept(Struct, frozen=True, kw_only=True):
    """What a sweep found: how many objects, and how many of them were looked at again."""

    objects: int
    looked_at: int


def sweep(runtime: Runtime, kind: Kind, tenant: Tenant) -> Swept:
    """Read all objects of a kind in a tenant, and reconcile each that is new or differs from what was last read of it.

    Raises EdgeError when they can't all be read; the first failure of a single one is raised after the last.
    """
    begun = runtime.clock()
    images = kind.inventory.read(runtime.edges[tenant.id]).values()
    listed = {key_of(kind.id_of(image)): without_context(image) for image in images}
    known = {seen.id.key: seen for seen in runtime.objects.seen(tenant.id, kind.kind)}
    moved = _moved(listed, known)
    new = listed.keys() - known.keys()
    unlisted_at = listed_at(runtime.storage, kind, tenant) if new else None
    # What is new everywhere is known before the objects that have it are looked at.
    steps: dict[str, Callable[[], object]] = {
        "see what leaves there are": lambda: _note_leaves(runtime, kind, tenant, listed.values()),
        "note what should have been looked at": lambda: _note_overdue(runtime, known.values()),
        "look at what moved": lambda: do_all(
            sorted(moved),
            lambda key: reconcile(
                runtime,
                ObjectId(tenant_id=tenant.id, kind=kind.kind, key=key),
                tenants_id=kind.id_of(listed[key]) if key in listed else "",
                unlisted_at=unlisted_at - LISTS_WITHIN if unlisted_at and key in new else None,
            ),
            failed=lambda key: f"the {kind.kind} object {key} of {tenant.name} could not be reconciled",
            log=_log,
        ),
    }
    do_all(
        steps,
        lambda step: steps[step](),
        failed=lambda step: f"a sweep of {kind.kind} in {tenant.name} failed to {step}",
        log=_log,
    )
    # Whether those that are new could be kept, only the next sweep sees: another run may have held their lane.
    whole_at = unlisted_at if new else begun
    store_time(runtime.storage, kind, tenant, begun, objects=len(listed), listed_at=whole_at)
    return Swept(objects=len(listed), looked_at=len(moved))


def _moved(listed: Mapping[str, Image], known: Mapping[str, Seen]) -> set[str]:
    """Give the keys of objects that are new, that differ, or that aren't listed although they stood when last read."""
    new = {key for key, image in listed.items() if key not in known or known[key].digest != digest_of(image)}
    gone = {key for key, seen in known.items() if key not in listed and seen.digest}
    return new | gone


def _note_overdue(runtime: Runtime, known: Iterable[Seen]) -> None:
    """Note again what should have been looked at: the note of it was lost, or somebody deleted it."""
    before = runtime.clock() - _OVERDUE
    for seen in known:
        if seen.next_look is not None and seen.next_look < before:
            runtime.due.note(seen.id, seen.next_look)


def _note_leaves(runtime: Runtime, kind: Kind, tenant: Tenant, images: Iterable[Image]) -> None:
    """Note which leaves the objects have, and which are new to all of them. Raises EdgeError."""
    before = read_kind_leaves(runtime.storage, tenant.id, kind.kind)
    seen = leaves_seen(before, [kind.leaves(image) for image in images], kind.rules, now=runtime.clock())
    if seen != before:
        store_kind_leaves(runtime.storage, tenant.id, kind.kind, seen)


def may_be_unread(kind: Kind, at: datetime | None) -> bool:
    """Say whether a kind was never read that not every tier may read: it is unknown then, and nobody's mistake.

    Some only tier act may read, some no tier. `at` is when it was swept last. Once it was read, being refused is a
    permission that went.
    """
    return (kind.inventory.is_of_tier_act or kind.inventory.is_by_hand) and at is None


def swept_at(storage: Storage, tenant_id: str, kind: ObjectKind) -> datetime | None:
    """Give the time when the last complete sweep of a kind began; None when there was none. Raises EdgeError."""
    row = storage.row(Table.CURSORS, PARTITION, f"{tenant_id}|{kind}")
    return row.instant("confirmed_at") if row else None
