"""Looks at objects again whose answer leans on what has just moved: other objects, approvals, modes, the kill switch.

Who changes an approval, a mode or the switch announces it first, in partition `wake` of table `Switches`, and does it
then. A timer takes the announcement up a little later, so the act is never without it, whatever dies in between.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.do_all import do_all
from shared.model.errors import EdgeError
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectId, Objection
from shared.model.settings import Tenant
from shared.objects.leaning import leans_on_others
from shared.respond.components import Runtime

_log = logging.getLogger("responder.objects")

_PAGE: Final = 100
_ANNOUNCED: Final = "wake"
_ACT_WITHIN: Final = timedelta(seconds=30)
"""For so long after its announcement an act may still be on its way to storage."""


def announce(storage: Storage, *, at: datetime, since: datetime | None = None) -> None:
    """Say, before the act, that an approval, a mode or the kill switch is about to move. Raises EdgeError.

    `since` is the instant from which on it counts, where that is past: objects that changed since then are looked at
    again, settled or not.
    """
    columns = {"at": at.isoformat(), **({"since": since.isoformat()} if since else {})}
    storage.insert(Table.CONTROLS, _ANNOUNCED, f"{at:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}", columns)


def wake_announced(runtime: Runtime) -> int:
    """Note as due what leans on what was announced a while ago; gives how many objects."""
    rows = runtime.storage.rows(Table.CONTROLS, "PartitionKey eq @partition", partition=_ANNOUNCED)
    old = [row for row in rows if (at := row.instant("at")) is None or at + _ACT_WITHIN <= runtime.clock()]
    if not old:
        return 0
    since = [row.instant("since") for row in old if "since" in row.columns]
    woken = wake_all(runtime)
    if since:
        woken += _wake_changed(runtime, min((one for one in since if one), default=None))
    for row in old:
        _remove(runtime, row)
    return woken


def wake_pending(runtime: Runtime, moved: ObjectId) -> int:
    """Note as due now what waits for others in the tenant, since one moved; gives how many objects."""
    tenant = runtime.settings.tenant(moved.tenant_id)
    return _wake(
        [tenant] if tenant else [],
        lambda tenant: sum(
            _wake_kind(runtime, tenant, kind, row, but=moved)
            for kind, row in _named(runtime, tenant)
            if kind in runtime.kinds
        ),
    )


def _named(runtime: Runtime, tenant: Tenant) -> list[tuple[ObjectKind, Row | None]]:
    """Give the kinds to ask for those that wait for others: all of them where which ones they are can't be read."""
    try:
        return [*runtime.objects.leaning.kinds(tenant.id)]
    except EdgeError as error:
        _log.warning("every kind of %s is asked for what waits: %s", tenant.name, error)
        return [(kind, None) for kind in runtime.kinds]


def _wake_kind(runtime: Runtime, tenant: Tenant, kind: ObjectKind, row: Row | None, *, but: ObjectId) -> int:
    leaning = list(_waiting(runtime, tenant, kind, leans_on_others))
    if not leaning and row is not None:
        runtime.objects.leaning.none_found(row)
    return _note_all(runtime, (each for each in leaning if each != but))


def wake_all(runtime: Runtime) -> int:
    """Note every object that waits as due now, since an approval, a mode or the kill switch moved."""
    return _wake(
        runtime.settings.tenants,
        lambda tenant: sum(_note_all(runtime, _waiting(runtime, tenant, kind, _can_pass)) for kind in runtime.kinds),
    )


def _wake(tenants: Sequence[Tenant], wake: Callable[[Tenant], int], which: str = "waits") -> int:
    """Wake objects of each tenant; gives how many. The first error is raised once all were tried."""
    woken = do_all(
        tenants,
        wake,
        failed=lambda tenant: f"not every object of {tenant.name} that {which} could be noted as due",
        log=_log,
    )
    return sum(woken)


def _wake_changed(runtime: Runtime, since: datetime | None) -> int:
    """Note every object that was another one since an instant; where that isn't known, all of them."""
    return _wake(
        runtime.settings.tenants,
        lambda tenant: sum(_note_all(runtime, _changed(runtime, tenant, kind, since)) for kind in runtime.kinds),
        which="changed",
    )


def _note_all(runtime: Runtime, objects: Iterator[ObjectId]) -> int:
    now, noted = runtime.clock(), 0
    for each in objects:
        runtime.due.note(each, now)
        noted += 1
    return noted


def _can_pass(objections: Mapping[str, Objection]) -> bool:
    return any(each.can_pass for each in objections.values())


def _waiting(
    runtime: Runtime, tenant: Tenant, kind: ObjectKind, is_met: Callable[[Mapping[str, Objection]], bool]
) -> Iterator[ObjectId]:
    """Give the objects of a kind that wait with objections that meet a condition."""
    after = None
    while True:
        page = runtime.objects.pending(tenant.id, kinds=(kind,), after=after, most=_PAGE)
        yield from (listed.id for listed in page if is_met(listed.why))
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _changed(runtime: Runtime, tenant: Tenant, kind: ObjectKind, since: datetime | None) -> Iterator[ObjectId]:
    for seen in runtime.objects.seen(tenant.id, kind):
        if since is None or seen.seen_at is None or seen.seen_at >= since:
            yield seen.id


def _remove(runtime: Runtime, row: Row) -> None:
    try:
        runtime.storage.delete(Table.CONTROLS, row)
    except Conflict:
        return
