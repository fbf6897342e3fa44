"""Actors of whom a record has nothing but an application's name: who that was, as far as the tenant leaves no doubt.

A name approves nobody at once. Somebody may have had it for the moment of a change, and the record that tells so comes
late; so what such an answer approves is decided only when the log has had its time, and by what it says then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.model.cases import Standing
from shared.model.events import Actor, ActorKind
from shared.model.objects import ObjectChange, ObjectState
from shared.respond.authority_reading import AuthorityReading, judge
from shared.respond.components import FoundApplication, Runtime
from shared.respond.object_run import ObjectRun

LOG_SHOWS_WITHIN: Final = timedelta(minutes=15)
"""How late records of names that were given or taken away may be."""


def is_known_by_name(actor: Actor) -> bool:
    """Whether of an actor nothing is known but that it is an application of this name."""
    return not actor.id and bool(actor.name) and actor.kind is ActorKind.SERVICE_PRINCIPAL


def ask_for(runtime: Runtime, tenant_id: str, actor: Actor, at: datetime) -> FoundApplication:
    """Ask the tenant who an application is."""
    api = runtime.edges.get(tenant_id)
    if api is None:
        return FoundApplication(because="its tenant is not configured")
    return runtime.find_application(api, actor.name, at)


def with_named_applications(run: ObjectRun, changes: Sequence[ObjectChange]) -> tuple[ObjectChange, ...]:
    """Give the changes with who made them where only a name is known.

    Each is asked for once, if that can be read, and again when the log has had its time.
    """
    return tuple(_named(run, change) for change in changes)


def _is_early(change: ObjectChange) -> bool:
    """Whether the directory said whose a name is while the log may still have lacked that it was somebody else's."""
    return change.named_at is not None and change.named_at < change.at + LOG_SHOWS_WITHIN


def _named(run: ObjectRun, change: ObjectChange) -> ObjectChange:
    now = run.runtime.clock()
    is_due = not change.is_ours and _is_early(change) and now >= change.at + LOG_SHOWS_WITHIN
    if change.nameless or not (is_due or is_known_by_name(change.actor)):
        return change
    found = ask_for(run.runtime, run.tenant.id, change.actor, change.at)
    actor = msgspec.structs.replace(change.actor, id=found.id)
    named_at = now if found.id else None
    known = msgspec.structs.replace(change, actor=actor, named_at=named_at, nameless=found.because)
    if found.is_read:
        run.write_beside(lambda: run.runtime.objects.replace_change(run.id, known))
    return known


def held_back(
    run: ObjectRun, changes: Sequence[ObjectChange], authority: AuthorityReading, state: ObjectState
) -> tuple[tuple[ObjectChange, ...], datetime | None]:
    """Take what only a name approves for not confirmed while the log may still lack whose it was.

    Gives until when the first of them waits, None where none does. What isn't approved waits for nothing.
    """
    young = {
        change.id: change.at + LOG_SHOWS_WITHIN
        for change in changes
        if _is_early(change)
        and not change.is_ours
        and judge(run.runtime, change, authority, state).standing is Standing.APPROVED
    }
    held = tuple(msgspec.structs.replace(one, is_confirmed=False) if one.id in young else one for one in changes)
    return held, min(young.values(), default=None)
