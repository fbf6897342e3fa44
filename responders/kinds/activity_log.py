"""The Activity Log of a subscription: Azure's own word for who did something to a resource.

It can't be written by whoever can put messages into a queue. Management groups have no such log.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.model.calls import Call, Permission, Service, checked_id
from shared.model.clock import utc_now
from shared.model.errors import BadIdentifier, UnreadableRecord
from shared.model.events import ResourceEvent
from shared.model.kinds import TenantKind
from shared.model.read_probes import ReadProbe, each_subscription
from shared.model.tenant_api import TenantApi

LIST_ACTIVITY: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
    needs=(Permission.ACTIVITY_LOG_READ,),
)

CALLS: Final = (LIST_ACTIVITY,)
_VERSION: Final = {"api-version": "2015-04-01"}
_SUBSCRIPTION: Final = "/subscriptions/"


def events_about(api: TenantApi, resource_id: str, *, at: datetime, within: timedelta) -> tuple[ResourceEvent, ...]:
    """Give what succeeded on a role assignment around an instant; nothing for one of a management group.

    Raises:
        EdgeError: the log can't be read.
        BadIdentifier: the id isn't one.
    """
    checked = checked_id("role_assignment", resource_id)
    if not checked.lower().startswith(_SUBSCRIPTION):
        return ()
    asked = (
        f"eventTimestamp ge '{_stamp(at - within)}' and eventTimestamp le '{_stamp(at + within)}' "
        f"and resourceUri eq '{checked.replace("'", "''")}'"
    )
    listed = api.list(LIST_ACTIVITY, query={"$filter": asked, **_VERSION}, subscription=checked.split("/")[2])
    events = (_event(each, tenant_id=api.tenant.id) for each in listed)
    return tuple(each for each in events if each is not None and _is_about(each, checked))


def _is_about(event: ResourceEvent, resource_id: str) -> bool:
    return event.outcome == "success" and event.resource_id.lower() == resource_id.lower()


def _event(image: dict[str, object], *, tenant_id: str) -> ResourceEvent | None:
    from shared.normalize.resources import from_activity_log  # noqa: PLC0415 - only asked when something was deleted

    try:
        at = datetime.fromisoformat(str(image.get("eventTimestamp")))
        return from_activity_log(msgspec.json.encode(image), at, tenant_id)
    except (ValueError, BadIdentifier, UnreadableRecord):
        return None


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _lately(api: TenantApi) -> Iterable[dict[str, str]]:
    """Each watched subscription, and an instant from which on its log is tried: one without a beginning is refused."""
    since = _stamp(utc_now() - timedelta(minutes=5))
    return [{**ids, "since": since} for ids in each_subscription(api)]


READ_PROBES: Final = (
    ReadProbe(
        call=LIST_ACTIVITY,
        kind=TenantKind.WORKFORCE,
        query={"$filter": "eventTimestamp ge '{since}'", **_VERSION},
        ids=_lately,
    ),
)
