"""Whether somebody became owner of an application by registering it: then nobody's application changed hands.

The directory makes whoever registers an application its owner, in an action of its own with a record of its own. The
records of one action share a correlation id. Its maker chooses it, so it proves nothing: the record of the
registration has to be of the same application, by the same actor.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from responders.sources import DIRECTORY_AUDITS
from shared.detect.fields.audit.changes import changes_of
from shared.model.calls import ID_SHAPES
from shared.model.errors import BadIdentifier, EdgeError
from shared.model.events import AuditEvent, Event, fold
from shared.model.kinds import Image
from shared.model.tenant_api import TenantApi

BY_REGISTERING: Final = "whoever registers an application becomes its owner, and the actor registered it just then"

_OWNER_ADDED: Final = frozenset({"add owner to application", "add owner to service principal"})
_REGISTERED: Final = frozenset({"add application", "add service principal"})
_OWNED: Final = ("application.objectid", "serviceprincipal.objectid")


def excuse(api: TenantApi, event: Event) -> str:
    """Say why nobody has to approve an owner that was added; "" where there is no such reason, or none is known."""
    if not isinstance(event, AuditEvent) or fold(event.activity) not in _OWNER_ADDED:
        return ""
    actor, owned = event.actor.id, _owned_in(event)
    if not actor or event.target.id != actor or not owned or not ID_SHAPES["id"].fullmatch(event.correlation_id):
        return ""
    try:
        beside = api.list(DIRECTORY_AUDITS, query={"$filter": f"correlationId eq '{event.correlation_id}'"})
    except (EdgeError, BadIdentifier):
        return ""
    return BY_REGISTERING if any(_registers(record, actor, owned) for record in beside) else ""


def registered(api: TenantApi, activity: str, *, actor: str, owned: str, since: datetime, until: datetime) -> bool:
    """Whether somebody registered an application between two instants, as the audit log says. Raises EdgeError.

    `activity` is the log's name of it ("Add application", "Add service principal"), the ids are in lower case.
    """
    first, last = (f"{each.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for each in (since, until))
    between = f"activityDateTime ge {first} and activityDateTime le {last}"
    records = api.list(DIRECTORY_AUDITS, query={"$filter": f"{between} and activityDisplayName eq '{activity}'"})
    return any(_registers(record, actor, frozenset({owned})) for record in records)


def _owned_in(event: AuditEvent) -> frozenset[str]:
    named = {(change.new or "").strip().lower() for change in changes_of(event, *_OWNED)}
    return frozenset(named | {one.id for one in event.targets[1:]}) - {""}


def _registers(record: Image, actor: str, owned: frozenset[str]) -> bool:
    """Whether a record of Graph's says that this actor registered one of these applications."""
    if fold(str(record.get("activityDisplayName"))) not in _REGISTERED or record.get("result") != "success":
        return False
    initiated = _members(record.get("initiatedBy"))
    user, app = _members(initiated.get("user")), _members(initiated.get("app"))
    by = {str(user.get("id")).lower(), str(app.get("servicePrincipalId")).lower()}
    made = {str(_members(one).get("id")).lower() for one in cast("list[Any]", record.get("targetResources") or [])}
    return actor in by and not made.isdisjoint(owned)


def _members(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
