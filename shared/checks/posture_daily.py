"""The daily look at the posture: it is read, judged, kept, and people hear of what passed before and fails now."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from shared.checks.check import Status
from shared.checks.posture import (
    ManualItem,
    Posture,
    PostureCheck,
    PostureLine,
    became_worse,
    first_to_do,
    judged,
)
from shared.checks.posture_store import PostureStore
from shared.checks.snapshot import Part, read_snapshot
from shared.model.notices import SystemNotice
from shared.model.settings import Tenant
from shared.respond.components import Runtime

_log = logging.getLogger("responder.posture")
_MOST_LINES: Final = 10
_MONDAY: Final = 0


class Declared(Struct, frozen=True, kw_only=True):
    """All that is declared about posture: what is read, in this order, what judges it, and what people confirm."""

    parts: Sequence[Part[Any]]
    checks: Sequence[PostureCheck]
    items: Sequence[ManualItem]


def look(
    declared: Declared,
    runtime: Runtime,
    tenant: Tenant,
    *,
    progress: Callable[[int, Part[Any]], None] = lambda _number, _part: None,
) -> Posture:
    """Read a tenant's posture, judge it and keep it. Raises EdgeError where storage fails."""
    store = PostureStore(runtime.storage, tenant.id)
    decisions = store.decisions()
    snapshot = read_snapshot(declared.parts, runtime, tenant, progress=progress)
    posture = judged(
        declared.checks, declared.items, snapshot, confirmed=decisions.confirmed, accepted=decisions.accepted
    )
    store.keep(posture)
    return posture


def look_daily(declared: Declared, runtime: Runtime, tenant: Tenant) -> Posture:
    """Do the same, and notify people of what became worse since the last result; on Mondays of how all of it stands."""
    before = PostureStore(runtime.storage, tenant.id).latest()
    posture = look(declared, runtime, tenant)
    worse = became_worse(before, posture)
    if worse:
        runtime.notifier.publish(_about_worse(tenant, worse, posture.at))
    if posture.at.weekday() == _MONDAY:
        runtime.notifier.publish(_weekly(posture, before))
    _log.info("the posture of %s: %s", tenant.name, dict(posture.counts))
    return posture


def _about_worse(tenant: Tenant, worse: Sequence[PostureLine], at: datetime) -> SystemNotice:
    return SystemNotice(
        key=f"posture {tenant.id} {at:%Y-%m-%d}",
        title="A check of the tenant's posture passed and fails now",
        text=f"{tenant.name}: {len(worse)} of the checks of the roadmap were as they should be at the last look.",
        what_to_do="`responder posture` shows each with what to do. Find out who changed it: `responder cases`.",
        lines=tuple(_in_words(line) for line in worse[:_MOST_LINES]),
    )


def _weekly(posture: Posture, before: Posture | None) -> SystemNotice:
    counts = posture.counts
    was = f" (last time {before.counts[Status.OK]})" if before else ""
    waiting = first_to_do(posture, _MOST_LINES)
    return SystemNotice(
        key=f"posture weekly {posture.tenant} {posture.at:%G-%V}",
        title="The tenant's posture this week",
        text=(
            f"{posture.tenant}: {counts[Status.OK]} checks pass{was}, {counts[Status.FAILED]} fail,"
            f" {counts[Status.UNKNOWN]} couldn't be read. What to do first:"
        ),
        what_to_do="`responder posture` shows all of it, and how each is mended.",
        is_silent=True,
        lines=tuple(_in_words(line) for line in waiting),
    )


def _in_words(line: PostureLine) -> str:
    return f"{line.title}: {line.found[0] if line.found else line.status}"
