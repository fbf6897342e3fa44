"""The Activity Log of a subscription: Azure's own word for who did something to a resource.

It can't be written by whoever can put messages into a queue. Management groups have no such log.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.model.calls import Call, Permission, Service, checked_id
from shared.model.clock import utc_now
from shared.model.errors import BadIdentifier, EdgeError, UnreadableRecord
from shared.model.events import ResourceEvent
from shared.model.kinds import TenantKind
from shared.model.object_kinds import Confirmation
from shared.model.objects import ObjectChange, Op
from shared.model.read_probes import ReadProbe, each_subscription
from shared.model.tenant_api import TenantApi
from shared.objects.folding import COPIES_WITHIN

LIST_ACTIVITY: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
    needs=(Permission.ACTIVITY_LOG_READ,),
)

CALLS: Final = (LIST_ACTIVITY,)
_VERSION: Final = {"api-version": "2015-04-01"}
_SUBSCRIPTION: Final = "/subscriptions/"


APART: Final = timedelta(minutes=5)
"""How far apart the log and an event, or what a resource says of itself, may be."""


def events_about(
    api: TenantApi, resource_id: str, *, shape: str, at: datetime, within: timedelta = APART
) -> tuple[ResourceEvent, ...]:
    """Give what succeeded on a resource around an instant; nothing for what is in no subscription.

    `shape` names what its id has to look like (`ID_SHAPES`).

    Raises:
        EdgeError: the log can't be read.
        BadIdentifier: the id isn't one.
    """
    found = records_about(api, resource_id, shape=shape, since=at - within, until=at + within)
    return tuple(event for _, event in found)


def records_about(
    api: TenantApi, resource_id: str, *, shape: str, since: datetime, until: datetime
) -> tuple[tuple[bytes, ResourceEvent], ...]:
    """Give each record of what succeeded on a resource between two instants, with the event in it.

    Nothing for what is in no subscription. `shape` and what is raised are as in `events_about`.
    """
    checked = checked_id(shape, resource_id)
    if not checked.lower().startswith(_SUBSCRIPTION):
        return ()
    asked = (
        f"eventTimestamp ge '{_stamp(since)}' and eventTimestamp le '{_stamp(until)}' "
        f"and resourceUri eq '{checked.replace("'", "''")}'"
    )
    listed = api.list(LIST_ACTIVITY, query={"$filter": asked, **_VERSION}, subscription=checked.split("/")[2])
    events = ((msgspec.json.encode(each), _event(each, tenant_id=api.tenant.id)) for each in listed)
    return tuple((raw, event) for raw, event in events if event is not None and _is_about(event, checked))


def confirmation(change: ObjectChange, events: Iterable[ResourceEvent], operations: Mapping[str, Op]) -> Confirmation:
    """Say whether a change was made, by what the log has about its resource.

    `operations` says what each operation, in lower case, does. None while the log doesn't have it.
    """
    wanted = Op.DELETE if change.op is Op.DELETE else Op.UPDATE
    found = [event for event in events if operations.get(event.operation.lower()) is wanted]
    if change.actor.id.lower() in {event.actor.id.lower() for event in found}:
        return Confirmation(is_true=True, because="Azure's own log names this actor")
    # What another did minutes before or after is another change, and this one's record may still come.
    who = {event.actor.id.lower() for event in found if abs(event.at - change.at) <= COPIES_WITHIN}
    if who:
        because = f"Azure's own log says that {', '.join(sorted(who))} did it"
        return Confirmation(is_true=False, because=because, others=frozenset(who))
    return Confirmation(is_true=None, because="Azure's own log doesn't have it yet")


def confirmed(api: TenantApi, change: ObjectChange, operations: Mapping[str, Op], *, shape: str) -> Confirmation:
    """Ask the log whether a change was made; `shape` is as in `events_about`."""
    try:
        events = events_about(api, change.object_id, shape=shape, at=change.at)
    except (EdgeError, BadIdentifier) as error:
        return unread(error)
    return confirmation(change, events, operations)


def is_first_write(
    api: TenantApi, change: ObjectChange, since: datetime, operations: Mapping[str, Op], *, shape: str
) -> bool | None:
    """Say whether the log has no earlier write of a resource since an instant; `shape` is as in `events_about`.

    None where the log doesn't have the write itself. Raises EdgeError or BadIdentifier.
    """
    middle = since + (change.at - since) / 2
    events = events_about(api, change.object_id, shape=shape, at=middle, within=change.at - middle + APART)
    writes = [event for event in events if operations.get(event.operation.lower()) is Op.UPDATE]
    own = [event.at for event in writes if event.actor.id.lower() == change.actor.id.lower()]
    mine = min(own, key=lambda at: abs(at - change.at), default=None)
    return None if mine is None else not any(since <= event.at < mine for event in writes)


def unread(error: Exception) -> Confirmation:
    """Say that the log could not be read."""
    return Confirmation(is_true=None, because=f"Azure's own log could not be read: {error}")


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
