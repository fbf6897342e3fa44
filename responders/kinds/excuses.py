"""Changes that nobody has to approve, each for a reason that the tenant's own directory or log confirms."""

from typing import Final

from responders.kinds import registrars
from responders.kinds.principals import is_microsofts
from shared.detect.fields import Audit
from shared.model.events import ActorKind, AuditEvent, Event, fold
from shared.model.tenant_api import TenantApi

BY_THE_DIRECTORY: Final = (
    "the directory itself keeps a service principal of Microsoft's up to date: its record names no identity, and the "
    "service principal is Microsoft's"
)


def excuse(api: TenantApi, event: Event) -> str:
    """Say why a change needs nobody's approval; "" where it does, or where that can't be read."""
    return registrars.excuse(api, event) or _by_the_directory(api, event)


def _by_the_directory(api: TenantApi, event: Event) -> str:
    """Excuse what the directory's own services do, which act without a service principal in the tenant.

    Whoever else acts has one, and Core Directory names it. A new credential is never excused.
    """
    if not isinstance(event, AuditEvent) or event.actor.id or event.actor.kind is not ActorKind.SERVICE_PRINCIPAL:
        return ""
    is_upkeep = fold(event.service) == "core directory" and fold(event.activity) == "update service principal"
    if not is_upkeep or Audit.added_credential.read(event) or not event.target.id:
        return ""
    return BY_THE_DIRECTORY if is_microsofts(api, event.target.id) else ""
