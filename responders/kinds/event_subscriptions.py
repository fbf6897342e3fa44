"""Event subscriptions of the topics by which the responder hears of changes in Azure.

Without them the responder is deaf to changes of Azure roles until the next sweep, and whoever adds one reads along. So
a deleted one is made again under its name, and one that was changed gets its filter and its destination back. Guarded
are those of the topics that the settings name. A topic that is gone isn't made again: a new one has another identity,
which has to be allowed to write to the queue first; deploying does all of that.

Where events go to by a webhook can't be read whole, as its address may have a key in it: such a subscription is paged.

An event can't tell of its own way being taken away, so mostly the sweep finds that, and asks the subscription's log who
did it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from responders.kinds import activity_log, azure_locks, azure_stamps
from responders.kinds.az_rest import az_rest
from responders.kinds.json_leaves import Shape, joined
from shared.model.calls import ID_SHAPES, Call, Permission, Service
from shared.model.errors import Locked, Refused, Rejected
from shared.model.events import Event, Log, ResourceEvent
from shared.model.kinds import Image, Json, ObjectKind, TenantKind
from shared.model.object_kinds import Confirmation, GuardFacts, Kind, LeafRules, Objections, Write
from shared.model.objects import EXISTS, WHOLE, Leaves, ObjectChange, Objection, Op, Recorded, Step
from shared.model.read_probes import Ids, ReadProbe
from shared.model.remediations import Inventory
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi, delete

_VERSION: Final = "2025-02-15"
_TOPICS: Final = "/providers/microsoft.eventgrid/systemtopics/"
_SUBSCRIPTIONS: Final = "/eventSubscriptions"


def _call(method: str, path: str, needs: Permission) -> Call:
    return Call(method=method, service=Service.ARM, path=path, needs=(needs,), api_version=_VERSION)


LIST_EVENT_SUBSCRIPTIONS: Final = _call("GET", f"{{system_topic}}{_SUBSCRIPTIONS}", Permission.EVENT_SUBSCRIPTION_READ)
GET_EVENT_SUBSCRIPTION: Final = _call("GET", "{event_subscription}", Permission.EVENT_SUBSCRIPTION_READ)
WRITE_EVENT_SUBSCRIPTION: Final = _call("PUT", "{event_subscription}", Permission.EVENT_SUBSCRIPTION_WRITE)
DELETE_EVENT_SUBSCRIPTION: Final = _call("DELETE", "{event_subscription}", Permission.EVENT_SUBSCRIPTION_DELETE)

_OPERATIONS: Final[Mapping[str, Op]] = {
    "microsoft.eventgrid/systemtopics/eventsubscriptions/write": Op.UPDATE,
    "microsoft.eventgrid/systemtopics/eventsubscriptions/delete": Op.DELETE,
}
"""A write is told as an update: the event doesn't say whether the subscription was there before."""

_STATE: Final = "provisioningState"
_STANDS: Final = "succeeded"
_SHAPE: Final = Shape(
    containers=frozenset({"filter", "retryPolicy"}),
    left_out=frozenset({"topic", _STATE}),
    free_texts=frozenset({"subjectBeginsWith", "subjectEndsWith"}),
)
_WEBHOOK: Final = "webhook"


def id_of(subscription: Image) -> str:
    """Give the id of an event subscription, in lower case."""
    return str(subscription["id"]).lower()


def topic_of(subscription_id: str) -> str:
    """Cut the id of the topic off that of an event subscription."""
    return subscription_id[: subscription_id.lower().rindex(_SUBSCRIPTIONS.lower())]


def _name_of(subscription: Image) -> str:
    return str(subscription.get("name") or id_of(subscription).rpartition("/")[2])


def _properties(subscription: Image) -> Image:
    return cast("Image", subscription.get("properties") or {})


def leaves(subscription: Image) -> dict[str, Json]:
    """Split a subscription: its filter and its tries by property, where it delivers and what for as a whole each.

    That Azure hasn't finished with it, or failed to, is a leaf too: it delivers nothing then.
    """
    found = _SHAPE.split(_properties(subscription))
    state = str(_properties(subscription).get(_STATE) or _STANDS)
    return found if state.lower() == _STANDS else found | {_STATE: state}


def _recorded(event: Event) -> tuple[Recorded, ...]:
    if not isinstance(event, ResourceEvent) or event.outcome != "success":
        return ()
    op = _OPERATIONS.get(event.operation.lower())
    if op is None or ID_SHAPES["event_subscription"].fullmatch(event.target.id) is None:
        return ()
    wrote: dict[str, Step] = {EXISTS: (True, None)} if op is Op.DELETE else {}
    return (Recorded(object_id=event.target.id, name=event.target.name, op=op, wrote=wrote),)


def is_configured(tenant: Tenant, subscription_id: str) -> bool:
    """Whether an event subscription is of a topic that the settings name."""
    is_one = ID_SHAPES["event_subscription"].fullmatch(subscription_id) is not None
    return is_one and topic_of(subscription_id).lower() in tenant.logged


# Reading.


def _read(api: TenantApi, subscription_id: str) -> Image | None:
    return api.get(GET_EVENT_SUBSCRIPTION, event_subscription=subscription_id)


def _topics(tenant: Tenant) -> list[str]:
    return sorted(each for each in tenant.logged if _TOPICS in each)


def _read_all(api: TenantApi) -> Mapping[str, Image]:
    return {id_of(each): each for topic in _topics(api.tenant) for each in _list(api, topic)}


_NOT_FOUND: Final = 404


def _list(api: TenantApi, topic: str) -> list[Image]:
    """List the subscriptions of a topic; none of one that is gone."""
    try:
        return api.list(LIST_EVENT_SUBSCRIPTIONS, system_topic=topic)
    except Rejected as rejected:
        if rejected.status != _NOT_FOUND:
            raise
        return []


def _each_topic(api: TenantApi) -> list[Ids]:
    return [{"system_topic": each} for each in _topics(api.tenant)]


def _first_subscription(api: TenantApi) -> Iterator[Ids]:
    for topic in _topics(api.tenant):
        for each in api.first_page(LIST_EVENT_SUBSCRIPTIONS, system_topic=topic)[:1]:
            yield {"event_subscription": id_of(each)}


# Guards.


def _objections(facts: GuardFacts) -> Objections:
    if not facts.target or not _is_by_webhook(facts.target):
        return {}
    because = "it delivers to a webhook, whose address can't be read whole: it would come back without its key"
    return {WHOLE: Objection(guard="not-whole", because=because, can_pass=False)}


def _is_by_webhook(target: Leaves) -> bool:
    by_identity = target.get("deliveryWithResourceIdentity")
    ends = (target.get("destination"), by_identity.get("destination") if isinstance(by_identity, dict) else None)
    return any(_type_of(end) == _WEBHOOK for end in ends)


def _type_of(end: Json) -> str:
    return str(end.get("endpointType")).lower() if isinstance(end, dict) else ""


# Writing.


def body(target: Leaves) -> Image:
    """Give the whole subscription as it is to be: the service replaces it."""
    return {"properties": joined({leaf: value for leaf, value in target.items() if leaf != _STATE})}


def by_hand(subscription_id: str, target: Leaves) -> str:
    """Give the command that makes a subscription again or writes it, or with an empty target deletes it."""
    url = f"https://management.azure.com{subscription_id}?api-version={_VERSION}"
    return az_rest("PUT", url, body(target)) if target else az_rest("DELETE", url)


def _write(api: TenantApi, write: Write) -> str:
    """Make a subscription again, write it as it is to be, or delete it.

    Raises:
        Locked: a management lock forbids it; `by_hand` lifts the lock.
        Refused: the identity may not write it, or may not use the destination; `by_hand` has the command.
        Rejected: the topic or the destination is gone, or the service wants it otherwise; likewise.
        DoneAlready: somebody was faster and deleted it.
    """
    subscription = write.object_id
    try:
        if write.op is Op.DELETE:
            delete(api, DELETE_EVENT_SUBSCRIPTION, subscription, event_subscription=subscription)
        else:
            api.send(WRITE_EVENT_SUBSCRIPTION, body=body(write.target), event_subscription=subscription)
    except Locked as locked:
        raise azure_locks.named(api, locked) from locked
    except (Refused, Rejected) as refused:
        refused.by_hand = by_hand(subscription, write.target)
        raise
    return subscription


def _confirm(api: TenantApi, change: ObjectChange, _image: Image | None) -> Confirmation:
    """Ask the subscription's own log: neither the event nor the object proves who wrote it."""
    return activity_log.confirmed(api, change, _OPERATIONS, shape="event_subscription")


def _events_of(
    api: TenantApi, object_id: str, since: datetime, until: datetime
) -> Sequence[tuple[bytes, ResourceEvent]]:
    return activity_log.records_about(api, object_id, shape="event_subscription", since=since, until=until)


def _is_first_write(api: TenantApi, change: ObjectChange, since: datetime) -> bool | None:
    return activity_log.is_first_write(api, change, since, _OPERATIONS, shape="event_subscription")


EVENT_SUBSCRIPTION: Final = Kind(
    kind=ObjectKind.EVENT_SUBSCRIPTION,
    title="event subscription",
    tenant_kind=TenantKind.WORKFORCE,
    rules=LeafRules(same=_SHAPE.same, is_joint=lambda leaf: leaf == EXISTS, tells_creations=False),
    calls=(
        LIST_EVENT_SUBSCRIPTIONS,
        GET_EVENT_SUBSCRIPTION,
        WRITE_EVENT_SUBSCRIPTION,
        DELETE_EVENT_SUBSCRIPTION,
        *azure_locks.CALLS,
        *activity_log.CALLS,
    ),
    inventory=Inventory(
        kind=ObjectKind.EVENT_SUBSCRIPTION,
        tenant_kind=TenantKind.WORKFORCE,
        calls=(LIST_EVENT_SUBSCRIPTIONS,),
        read=_read_all,
    ),
    id_of=id_of,
    name_of=_name_of,
    leaves=leaves,
    log=Log.RESOURCE,
    activities=frozenset(_OPERATIONS),
    recorded=_recorded,
    read=_read,
    objections=_objections,
    write=_write,
    made=azure_stamps.made,
    confirm=_confirm,
    events_of=_events_of,
    is_first_write=_is_first_write,
    is_configured=is_configured,
    skips_others=True,
    is_ours=is_configured,
    limits=(
        "Guarded are those of the topics by which the app hears. A topic that is gone isn't made again, nor what "
        "delivered by it: deploy (infra/scripts/deploy.sh). One that delivers to a webhook is paged, since its address "
        "can't be read whole. A new one is deleted only where Azure says when it was made, else it is paged."
    ),
    undo=(
        "Write the event subscription again from the version before, which the evidence container holds; delete one "
        "that was made again."
    ),
    read_probes=(
        ReadProbe(call=LIST_EVENT_SUBSCRIPTIONS, kind=TenantKind.WORKFORCE, ids=_each_topic),
        ReadProbe(call=GET_EVENT_SUBSCRIPTION, kind=TenantKind.WORKFORCE, ids=_first_subscription, is_listing=False),
    ),
)
