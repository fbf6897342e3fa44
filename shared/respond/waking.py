"""Looks at objects again whose answer leans on what has just moved: other objects, approvals, modes, the kill switch.

Who changes an approval, a mode or the switch announces it first, in partition `wake` of table `Switches`, and does it
then. A timer takes the announcement up a little later, so the act is never without it, whatever dies in between.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.clients.storage import Row, Storage
from shared.clients.storage_errors import Conflict
from shared.clients.storage_names import Table
from shared.model.do_all import do_all
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectId, Objection, Verdict
from shared.model.settings import Tenant
from shared.respond.components import Runtime

_log = logging.getLogger("responder.objects")

_PAGE: Final = 100
_BY_ITSELF: Final = frozenset(
    {
        *(verdict.name.lower() for verdict in Verdict),
        *("authority", "hourly-limit", "kill-switch", "lock", "made-already", "mode", "refused", "throttled"),
        *("unproved", "unreadable"),
    }
)
"""What passes with time, by people's acts or with the service, whatever becomes of other objects."""

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
    return _wake(runtime, [tenant] if tenant else [], _leans_on_others, but=moved)


def wake_all(runtime: Runtime) -> int:
    """Note every object that waits as due now, since an approval, a mode or the kill switch moved."""
    return _wake(runtime, runtime.settings.tenants, lambda objection: objection.can_pass)


def _wake(
    runtime: Runtime,
    tenants: Sequence[Tenant],
    is_met: Callable[[Objection], bool],
    *,
    but: ObjectId | None = None,
) -> int:
    """Note each object that waits with an objection that meets a condition."""
    woken = do_all(
        tenants,
        lambda tenant: sum(
            _note_all(runtime, _waiting(runtime, tenant, kind, but=but, is_met=is_met)) for kind in runtime.kinds
        ),
        failed=lambda tenant: f"not every object of {tenant.name} that waits could be noted as due",
        log=_log,
    )
    return sum(woken)


def _wake_changed(runtime: Runtime, since: datetime | None) -> int:
    """Note every object that was another one since an instant; where that isn't known, all of them."""
    woken = do_all(
        runtime.settings.tenants,
        lambda tenant: sum(_note_all(runtime, _changed(runtime, tenant, kind, since)) for kind in runtime.kinds),
        failed=lambda tenant: f"not every object of {tenant.name} that changed could be noted as due",
        log=_log,
    )
    return sum(woken)


def _note_all(runtime: Runtime, objects: Iterator[ObjectId]) -> int:
    now, noted = runtime.clock(), 0
    for each in objects:
        runtime.due.note(each, now)
        noted += 1
    return noted


def _leans_on_others(objection: Objection) -> bool:
    """Whether an objection may go away when another object moves; others pass with time, or with the service."""
    return objection.can_pass and objection.until is None and objection.guard not in _BY_ITSELF


def _waiting(
    runtime: Runtime,
    tenant: Tenant,
    kind: ObjectKind,
    *,
    but: ObjectId | None,
    is_met: Callable[[Objection], bool],
) -> Iterator[ObjectId]:
    after = None
    while True:
        page = runtime.objects.pending(tenant.id, kinds=(kind,), after=after, most=_PAGE)
        for listed in page:
            if listed.id != but and any(is_met(objection) for objection in listed.why.values()):
                yield listed.id
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
