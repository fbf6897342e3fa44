"""Looks at objects again whose objections lean on what has just moved: other objects, approvals, modes, the switch."""

import logging
from collections.abc import Sequence
from typing import Final

from shared.model.do_all import do_all
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectId
from shared.model.settings import Tenant
from shared.respond.components import Runtime

_log = logging.getLogger("responder.objects")

_PAGE: Final = 100


def wake_pending(runtime: Runtime, moved: ObjectId) -> int:
    """Note every other object of the tenant that waits as due now, since one moved; gives how many there are."""
    tenant = runtime.settings.tenant(moved.tenant_id)
    return _wake(runtime, [tenant] if tenant else [], but=moved)


def wake_all(runtime: Runtime) -> int:
    """Note every object that waits as due now, since an approval, a mode or the kill switch moved."""
    return _wake(runtime, runtime.settings.tenants, but=None)


def _wake(runtime: Runtime, tenants: Sequence[Tenant], *, but: ObjectId | None) -> int:
    woken = do_all(
        tenants,
        lambda tenant: sum(_wake_kind(runtime, tenant, kind.kind, but) for kind in runtime.kinds.values()),
        failed=lambda tenant: f"not every object of {tenant.name} that waits could be noted as due",
        log=_log,
    )
    return sum(woken)


def _wake_kind(runtime: Runtime, tenant: Tenant, kind: ObjectKind, but: ObjectId | None) -> int:
    now, woken, after = runtime.clock(), 0, None
    while True:
        page = runtime.objects.pending(tenant.id, kinds=(kind,), after=after, most=_PAGE)
        for listed in page:
            if listed.id != but and any(objection.can_pass for objection in listed.why.values()):
                runtime.due.note(listed.id, now)
                woken += 1
        if len(page) < _PAGE:
            return woken
        after = page[-1].id
