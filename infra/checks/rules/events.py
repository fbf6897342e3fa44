"""Event subscriptions: what the detections look for is delivered, to a function that is there, or else kept."""

from collections.abc import Iterator
from typing import Final, cast

from infra.checks.declared import Declared
from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.problems import Problem
from infra.checks.syntax import Array, Expression, Object, Resource, Text
from infra.checks.values import Evaluator, property_at, rounds_of

_SUBSCRIPTION: Final = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
_TOPIC: Final = "Microsoft.EventGrid/systemTopics"
_CONTAINER: Final = "Microsoft.Storage/storageAccounts/blobServices/containers"
OPERATION_KEY: Final = "data.operationName"
MOST_VALUES: Final = 25
"""How many values all filters of an event subscription may have together."""

SHARED_BY_WATCHED: Final = ("modules/roles.bicep", "modules/topic.bicep", "modules/activity-log.bicep")
"""What every watched subscription gets: the one deployed to from main.bicep, others from modules/watch.bicep."""


def check_events(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the event subscriptions, their topics and that every watched subscription is treated alike."""
    for detection in declared.unbounded:
        wrong = f"the detection {detection} names no operation, so no filter can be made for it"
        yield Problem(file="modules/events.bicep", line=1, wrong=wrong, right="let its condition name operations")
    found = list(infrastructure.resources(_SUBSCRIPTION))
    if not found:
        yield Problem(file="main.bicep", line=1, wrong="there is no event subscription", right="make one")
    for deployment, resource in found:
        yield from _check_operations(infrastructure, deployment, resource, declared)
        yield from _check_function(deployment, resource, declared)
        yield from _check_dead_letters(infrastructure, deployment, resource)
    yield from _check_watched(infrastructure)


def _check_operations(
    infrastructure: Infrastructure, deployment: Deployment, resource: Resource, declared: Declared
) -> Iterator[Problem]:
    path = deployment.template.path
    evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
    values = _filtered(resource)
    parts: list[object] = [one.value(values) if values else None for one in rounds_of(evaluator, resource)]
    if not all(isinstance(part, list) for part in parts):
        wrong = f"the events aren't filtered by {OPERATION_KEY}"
        yield Problem(file=path, line=resource.line, wrong=wrong, right="add an advanced filter StringIn")
        return
    listed = [cast("list[object]", part) for part in parts]
    if any(len(part) > MOST_VALUES for part in listed):
        right = f"Event Grid takes {MOST_VALUES}: make more event subscriptions"
        yield Problem(file=path, line=resource.line, wrong="a filter has too many values", right=right)
    names = {str(one).lower() for part in listed for one in part}
    for name in sorted(declared.operations - names):
        right = "a detection on Azure resources looks for it"
        yield Problem(file=path, line=resource.line, wrong=f"{name} isn't delivered", right=right)
    for name in sorted(names - declared.operations):
        right = "no detection looks for it: take it out of the default of operations"
        yield Problem(file=path, line=resource.line, wrong=f"{name} is delivered", right=right)


def _filtered(resource: Resource) -> Expression | None:
    """Give the values of the advanced filter on the operation."""
    filters = property_at(resource.object, "properties.filter.advancedFilters")
    for one in filters.items if isinstance(filters, Array) else ():
        key = one.get("key") if isinstance(one, Object) else None
        if isinstance(one, Object) and isinstance(key, Text) and key.literal == OPERATION_KEY:
            return one.get("values")
    return None


def _check_function(deployment: Deployment, resource: Resource, declared: Declared) -> Iterator[Problem]:
    target = property_at(resource.object, "properties.destination.properties.resourceId")
    last = target.parts[-1] if isinstance(target, Text) and target.parts else ""
    name = last.rpartition("/")[2] if isinstance(last, str) else ""
    there = declared.functions_of("event_grid_trigger")
    if name not in there:
        line = target.line if target else resource.line
        wrong = f"events go to {name or 'an unknown function'}"
        right = f"the functions with an Event Grid trigger are {', '.join(sorted(there))}"
        yield Problem(file=deployment.template.path, line=line, wrong=wrong, right=right)


def _check_dead_letters(
    infrastructure: Infrastructure, deployment: Deployment, resource: Resource
) -> Iterator[Problem]:
    path = deployment.template.path
    where = "properties.deadLetterWithResourceIdentity.deadLetterDestination.properties.blobContainerName"
    named = property_at(resource.object, where)
    if named is None:
        wrong = "events that can't be delivered are dropped"
        yield Problem(file=path, line=resource.line, wrong=wrong, right="set deadLetterWithResourceIdentity")
        return
    name = Evaluator(infrastructure=infrastructure, deployment=deployment).value(named)
    made = {
        one.value(container)
        for owner, found in infrastructure.resources(_CONTAINER)
        if (container := found.object.get("name"))
        for one in rounds_of(Evaluator(infrastructure=infrastructure, deployment=owner), found)
    }
    if name not in made:
        right = f"there is {', '.join(sorted(map(str, made)))}"
        yield Problem(file=path, line=named.line, wrong=f"dead letters go to {name}, which isn't made", right=right)
    if property_at(resource.object, "properties.retryPolicy") is None:
        yield Problem(file=path, line=resource.line, wrong="retryPolicy isn't set", right="say how long to try")


def _check_watched(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check that a further subscription gets what the first one gets."""
    for root in infrastructure.roots:
        users = [one for one in root.walk() if one.template.path in {"main.bicep", "modules/watch.bicep"}]
        for user in users:
            files = {child.template.path for child in user.children.values()}
            for missing in sorted(set(SHARED_BY_WATCHED) - files):
                wrong = f"a subscription watched by {user.template.path} doesn't get {missing}"
                yield Problem(file=user.template.path, line=1, wrong=wrong, right="deploy it there too")
