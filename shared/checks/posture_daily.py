"""The daily look at the posture: it is read, judged, kept, and people hear of what passed before and fails now."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
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
from shared.checks.posture_texts import BEFORE, WEEKLY, WORSE, Korean
from shared.checks.snapshot import Part, read_snapshot
from shared.model.bilingual import NO_WORDS, filled
from shared.model.kinds import TenantKind
from shared.model.notices import SystemNotice
from shared.model.settings import Tenant
from shared.respond.components import Runtime

_log = logging.getLogger("responder.posture")
_MOST_LINES: Final = 10
_MONDAY: Final = 0


class Declared(Struct, frozen=True, kw_only=True):
    """All that is declared about posture: what is read, in this order, what judges it, and what people confirm.

    `korean` has titles and what to do in Korean, by the ids of checks and items.
    """

    parts: Sequence[Part[Any]]
    checks: Sequence[PostureCheck]
    items: Sequence[ManualItem]
    korean: Mapping[str, Korean] = {}

    def of_kind(self, kind: TenantKind) -> "Declared":
        """Give what there is for a kind of tenant; people confirm items for the installation as a whole."""
        return Declared(
            parts=[each for each in self.parts if kind in each.kinds],
            checks=[each for each in self.checks if kind in each.kinds],
            items=self.items if kind is TenantKind.WORKFORCE else (),
            korean=self.korean,
        )


def look(
    declared: Declared,
    runtime: Runtime,
    tenant: Tenant,
    *,
    progress: Callable[[int, Part[Any]], None] = lambda _number, _part: None,
) -> Posture:
    """Read a tenant's posture, judge it and keep it. Raises EdgeError where storage fails."""
    store = PostureStore(runtime.storage, tenant.id)
    declared = declared.of_kind(tenant.kind)
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
    notice = WORSE.notice(f"posture {tenant.id} {at:%Y-%m-%d}", tenant=tenant.name, count=len(worse))
    return msgspec.structs.replace(notice, lines=tuple(map(_in_words, worse[:_MOST_LINES])))


def _weekly(posture: Posture, before: Posture | None) -> SystemNotice:
    counts = posture.counts
    notice = WEEKLY.notice(
        f"posture weekly {posture.tenant} {posture.at:%G-%V}",
        tenant=posture.tenant,
        passing=counts[Status.OK],
        before=filled(BEFORE, count=before.counts[Status.OK]) if before else NO_WORDS,
        failing=counts[Status.FAILED],
        unknown=counts[Status.UNKNOWN],
    )
    return msgspec.structs.replace(notice, lines=tuple(map(_in_words, first_to_do(posture, _MOST_LINES))))


def _in_words(line: PostureLine) -> str:
    return f"{line.title}: {line.found[0] if line.found else line.status}"
