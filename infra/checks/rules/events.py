"""Events: what the detections look for is delivered from every watched subscription, as a message, or else kept."""

from collections.abc import Iterator
from typing import Final

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.rules.roles import ASSIGNMENT, BUILT_IN, TOPIC, WATCH, role_id, role_name
from infra.checks.rules.stores import CONTAINER, QUEUE
from infra.checks.snapshots import Infrastructure, Json, Resource, Snapshot, nowhere, referred, subscription_of

SUBSCRIPTION: Final = f"{TOPIC}/eventSubscriptions"
OPERATION_KEY: Final = "data.operationName"
MOST_VALUES: Final = 25
"""How many values all filters of an event subscription may have together."""

_TO: Final = "properties.deliveryWithResourceIdentity.destination"
_DEAD: Final = "properties.deadLetterWithResourceIdentity.deadLetterDestination.properties"


def check_events(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the event subscriptions, the rights of their topics, and that watched subscriptions are treated alike."""
    for detection in declared.unbounded:
        wrong = f"the detection {detection} names no operation, so no filter can be made for it"
        yield nowhere(wrong, "let its condition name operations")
    for snapshot in infrastructure.snapshots.values():
        topics: dict[str, list[Resource]] = {}
        for one in snapshot.of(SUBSCRIPTION):
            topics.setdefault(one.id.rpartition("/eventSubscriptions/")[0], []).append(one)
            yield from _check_delivery(infrastructure, snapshot, one)
        for topic, subscriptions in topics.items():
            yield from _check_operations(infrastructure, subscriptions, declared)
            yield from _check_rights(infrastructure, snapshot, topic, subscriptions[0])
        yield from _check_watched(snapshot, {subscription_of(topic) for topic in topics})


def _check_operations(
    infrastructure: Infrastructure, subscriptions: list[Resource], declared: Declared
) -> Iterator[Problem]:
    listed = [_filtered(one) for one in subscriptions]
    if not all(listed):
        wrong = f"the events aren't filtered by {OPERATION_KEY}"
        yield infrastructure.problem(subscriptions[0], wrong, "add an advanced filter StringIn")
        return
    if any(len(part) > MOST_VALUES for part in listed):
        right = f"Event Grid takes {MOST_VALUES}: make more event subscriptions"
        yield infrastructure.problem(subscriptions[0], "a filter has too many values", right)
    names = [name.lower() for part in listed for name in part]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield infrastructure.problem(subscriptions[0], f"{name} is delivered twice", "name it in one filter")
    for name in sorted(declared.operations - set(names)):
        yield infrastructure.problem(subscriptions[0], f"{name} isn't delivered", "a detection looks for it")
    for name in sorted(set(names) - declared.operations):
        yield infrastructure.problem(subscriptions[0], f"{name} is delivered", "no detection looks for it: take it out")


def _filtered(subscription: Resource) -> tuple[str, ...]:
    """Give the values of the advanced filter on the operation."""
    for one in subscription.objects("properties.filter.advancedFilters"):
        values: Json = one.get("values")
        if one.get("key") == OPERATION_KEY and one.get("operatorType") == "StringIn" and isinstance(values, list):
            return tuple(map(str, values))
    return ()


def _check_delivery(infrastructure: Infrastructure, snapshot: Snapshot, subscription: Resource) -> Iterator[Problem]:
    queue, container = subscription.text(f"{_TO}.properties.queueName"), subscription.text(f"{_DEAD}.blobContainerName")
    if subscription.text(f"{_TO}.endpointType") != "StorageQueue":
        wrong = "events aren't put into a queue with the topic's identity"
        yield infrastructure.problem(subscription, wrong, "set deliveryWithResourceIdentity to a StorageQueue")
    elif snapshot.named(QUEUE, queue) is None:
        made = ", ".join(one.last_name for one in snapshot.of(QUEUE))
        yield infrastructure.problem(
            subscription, f"events go to the queue {queue}, which isn't made", f"there is {made}"
        )
    if not container:
        wrong = "events that can't be delivered are dropped"
        yield infrastructure.problem(subscription, wrong, "set deadLetterWithResourceIdentity")
    elif snapshot.named(CONTAINER, container) is None:
        made = ", ".join(one.last_name for one in snapshot.of(CONTAINER))
        wrong = f"dead letters go to {container}, which isn't made"
        yield infrastructure.problem(subscription, wrong, f"there is {made}")
    if subscription.at("properties.retryPolicy") is None:
        yield infrastructure.problem(subscription, "retryPolicy isn't set", "say how long to try")


def _check_rights(
    infrastructure: Infrastructure, snapshot: Snapshot, topic: str, subscription: Resource
) -> Iterator[Problem]:
    """Check that the topic may send messages and keep dead letters."""
    has = {
        role_id(one)
        for one in snapshot.of(ASSIGNMENT)
        if referred(one.text("properties.principalId")).lower() == topic.lower()
    }
    for role, allowed in BUILT_IN.items():
        if allowed.to == TOPIC and role not in has:
            wrong = f"a topic isn't given {allowed.name}, so nothing would arrive"
            yield infrastructure.problem(subscription, wrong, f"assign it on {allowed.on}")


def _check_watched(snapshot: Snapshot, sending: set[str]) -> Iterator[Problem]:
    """Check that each subscription that the app is told to guard has the right, the events and the exported log."""
    settings = snapshot.named("Microsoft.Web/sites/config", "appsettings")
    watched = settings.text("properties.SUBSCRIPTION_IDS").split(",") if settings else []
    read = {one.subscription for one in snapshot.of(ASSIGNMENT) if role_name(snapshot, one) == WATCH}
    exported = {
        one.subscription
        for one in snapshot.of("Microsoft.Insights/diagnosticSettings")
        if "/resourceGroups/" not in one.id
    }
    for have, what in (
        (read, f"the role {WATCH!r}"),
        (sending, "an event subscription"),
        (exported, "its log exported"),
    ):
        if {one.lower() for one in watched} - have:
            yield nowhere(f"a watched subscription doesn't get {what}", "deploy it there too")
        if have - {one.lower() for one in watched}:
            yield nowhere(f"a subscription that isn't watched gets {what}", "SUBSCRIPTION_IDS should name it")
