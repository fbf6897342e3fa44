"""What is done once a night: old data is purged, and what was lost of lists and notes is made anew from the objects."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.clients.storage import Storage
from shared.model.clock import Clock
from shared.model.do_all import do_all
from shared.model.kinds import ObjectKind
from shared.model.notices import SystemNotice
from shared.objects.due import Due
from shared.objects.object_store import ObjectStore
from shared.objects.retention import Purge, purge

_log = logging.getLogger("responder.nightly")

type Publish = Callable[[SystemNotice], object]


def purge_and_remake(
    storage: Storage, store: ObjectStore, *, tenants: Sequence[str], kept_for: timedelta, clock: Clock, publish: Publish
) -> None:
    """Purge what is older than it is kept for, then remake. Whatever fails stops nothing else, and is raised last.

    `publish` is given what people have to hear: a table that is gone, a row that can't be read.
    """
    purged = purge(storage, store, kept_for=kept_for, now=clock())
    _log.info("deleted: %s", ", ".join(f"{gone} {what}" for what, gone in purged.gone.items() if gone) or "nothing")
    # Notes of what is due are made anew after old ones were purged.
    parts: dict[str, Callable[[], None]] = {
        "what failed could not be published": lambda: _publish(purged, publish),
        "what was lost could not be made anew": lambda: _remake(store, Due(storage), tenants),
        "not everything that is old could be deleted": purged.check,
    }
    do_all(parts, lambda name: parts[name](), failed=str, log=_log)


def _publish(purged: Purge, publish: Publish) -> None:
    do_all(purged.notices(), publish, failed=lambda notice: f"people could not be notified: {notice.title}", log=_log)


def _remake(store: ObjectStore, due: Due, tenants: Sequence[str]) -> None:
    def remake(place: tuple[str, ObjectKind]) -> None:
        noted = due.remake(store.seen(*place))
        listed = store.remake_lists(*place)
        _log.info("%s of %s: %s are due, %s were missing on a list or left there", place[1], place[0], noted, listed)

    do_all(
        [(tenant, kind) for tenant in tenants for kind in ObjectKind],
        remake,
        failed=lambda place: f"what is due of {place[1]} of {place[0]} could not be made anew",
        log=_log,
    )
