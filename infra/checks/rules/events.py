"""Events: what the detections look for is delivered from every watched subscription, as a message, or else kept."""

from collections.abc import Iterator
from typing import Final

from infra.checks.rules.roles import ASSIGNMENT, BUILT_IN, TOPIC, WATCH, role_id, role_name
from infra.checks.rules.stores import CONTAINER, QUEUE
from infra.checks.snapshots import LOGS, Infrastructure, Problem, Resource, Snapshot, nowhere, referred, subscription_of

SUBSCRIPTION: Final = f"{TOPIC}/eventSubscriptions"
OPERATION_KEY: Final = "data.operationName"
MOST_VALUES: Final = 25
"""How many values all filters of an event subscription may have together."""

_SUBJECT: Final = "properties.filter.subjectBeginsWith"
_TO: Final = "properties.deliveryWithResourceIdentity.destination"
_DEAD: Final = "properties.deadLetterWithResourceIdentity.deadLetterDestination.properties"


def check_events(made: Infrastructure) -> Iterator[Problem]:
    """Check the event subscriptions, the rights of their topics, and that watched subscriptions are treated alike.

    And that the app guards where they deliver to, and where logs go.
    """
    for detection in made.declared.unbounded:
        yield nowhere(f"the detection {detection} names no operation; without one no filter can be made for it")
    for snapshot in made.snapshots.values():
        topics: dict[str, list[Resource]] = {}
        for one in snapshot.of(SUBSCRIPTION):
            topics.setdefault(one.id.rpartition("/eventSubscriptions/")[0], []).append(one)
            yield from _check_delivery(made, snapshot, one)
        for topic, subscriptions in topics.items():
            by_operation = [one for one in subscriptions if not one.text(_SUBJECT)]
            yield from _check_operations(made, by_operation or subscriptions)
            yield from _check_own_group(made, snapshot, topic, subscriptions)
            yield from _check_rights(made, snapshot, topic, subscriptions[0])
        yield from _check_watched(snapshot, {subscription_of(topic) for topic in topics})
        yield from _check_logged(snapshot)


def _check_operations(made: Infrastructure, subscriptions: list[Resource]) -> Iterator[Problem]:
    first, listed = subscriptions[0], [_filtered(one) for one in subscriptions]
    if not all(listed):
        yield made.problem(first, f"the events aren't filtered by {OPERATION_KEY}; add an advanced filter StringIn")
        return
    if any(len(part) > MOST_VALUES for part in listed):
        yield made.problem(first, f"a filter has too many values; Event Grid takes {MOST_VALUES}: make another")
    names = [name.lower() for part in listed for name in part]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield made.problem(first, f"{name} is delivered twice; name it in one filter")
    for name in sorted(made.declared.operations - set(names)):
        yield made.problem(first, f"{name} isn't delivered; a detection looks for it")
    for name in sorted(set(names) - made.declared.operations):
        yield made.problem(first, f"{name} is delivered; no detection looks for it: take it out")


def _check_own_group(
    made: Infrastructure, snapshot: Snapshot, topic: str, subscriptions: list[Resource]
) -> Iterator[Problem]:
    """Check that each change in the app's own resource group is delivered, whatever the operation."""
    own = snapshot.settings.get("OWN_RESOURCE_GROUPS", "").lower().split(",")
    within = [group for group in own if subscription_of(group) == subscription_of(topic)]
    begin = {one.text(_SUBJECT).lower(): one for one in subscriptions if one.text(_SUBJECT)}
    if not within:
        yield nowhere("OWN_RESOURCE_GROUPS names no group of a watched subscription; its changes would be nobody's")
    for detection in made.declared.of_own_groups:
        for group in within:
            if group not in begin:
                yield made.problem(
                    subscriptions[0], f"changes in {group} aren't delivered; {detection} looks at each of them"
                )
    for subject, one in begin.items():
        if subject not in within:
            yield made.problem(one, f"changes below {subject} are delivered; OWN_RESOURCE_GROUPS doesn't name it")
        elif one.objects("properties.filter.advancedFilters"):
            yield made.problem(one, "not every change in the app's own group is delivered; take the filter out")


def _check_logged(snapshot: Snapshot) -> Iterator[Problem]:
    """Check that the app guards each diagnostic setting of a resource, and each topic that delivers to it."""
    named = {one.lower() for one in snapshot.settings.get("LOGGED_RESOURCES", "").split(",") if one}
    topics = {one.id.lower().rpartition("/eventsubscriptions/")[0] for one in snapshot.of(SUBSCRIPTION)}
    made_here = {one.scope.lower() for one in snapshot.of(LOGS) if "/resourceGroups/" in one.id} | topics
    for one in sorted(made_here - named):
        yield nowhere(f"LOGGED_RESOURCES doesn't name {one}; nobody would guard where its logs or events go")
    for one in sorted(named - made_here):
        yield nowhere(f"LOGGED_RESOURCES names {one}, of which no log or event is sent; take it out")


def _filtered(subscription: Resource) -> tuple[str, ...]:
    """Give the values of the advanced filter on the operation."""
    for one in subscription.objects("properties.filter.advancedFilters"):
        values = one.get("values")
        if one.get("key") == OPERATION_KEY and one.get("operatorType") == "StringIn" and isinstance(values, list):
            return tuple(map(str, values))
    return ()


def _check_delivery(made: Infrastructure, snapshot: Snapshot, subscription: Resource) -> Iterator[Problem]:
    queue, container = subscription.text(f"{_TO}.properties.queueName"), subscription.text(f"{_DEAD}.blobContainerName")
    if subscription.text(f"{_TO}.endpointType") != "StorageQueue":
        yield made.problem(subscription, "events aren't put into a queue with the topic's identity; do that")
    elif snapshot.named(QUEUE, queue) is None:
        yield made.problem(subscription, f"events go to the queue {queue}, which isn't made")
    if not container:
        yield made.problem(subscription, "events that can't be delivered are dropped; set where they are kept")
    elif snapshot.named(CONTAINER, container) is None:
        yield made.problem(subscription, f"dead letters go to {container}, which isn't made")
    if subscription.at("properties.retryPolicy") is None:
        yield made.problem(subscription, "retryPolicy isn't set; say how long to try")


def _check_rights(made: Infrastructure, snapshot: Snapshot, topic: str, of: Resource) -> Iterator[Problem]:
    """Check that the topic may send messages and keep dead letters."""
    holder = {one.id: referred(one.text("properties.principalId")).lower() for one in snapshot.of(ASSIGNMENT)}
    given = {role_id(one) for one in snapshot.of(ASSIGNMENT) if holder[one.id] == topic.lower()}
    for role, allowed in BUILT_IN.items():
        if allowed.to == TOPIC and role not in given:
            yield made.problem(of, f"a topic isn't given {allowed.name}; assign it on {allowed.on}")


def _check_watched(snapshot: Snapshot, sending: set[str]) -> Iterator[Problem]:
    """Check that each subscription that the app is told to guard has the right, the events and the exported log."""
    watched = set(snapshot.settings.get("SUBSCRIPTION_IDS", "").lower().split(","))
    read = {one.subscription for one in snapshot.of(ASSIGNMENT) if role_name(snapshot, one) == WATCH}
    exported = {one.subscription for one in snapshot.of(LOGS) if "/resourceGroups/" not in one.id}
    for have, what in (
        (read, f"the role {WATCH!r}"),
        (sending, "an event subscription"),
        (exported, "its log exported"),
    ):
        if watched - have:
            yield nowhere(f"a watched subscription doesn't get {what}; deploy it there too")
        if have - watched:
            yield nowhere(f"a subscription that isn't watched gets {what}; SUBSCRIPTION_IDS should name it")
