"""The audit stream: a function of a hub has its consumer group, is pointed at the hub and may receive from it."""

from collections.abc import Iterator
from typing import Final

from infra.checks.rules.roles import ASSIGNMENT, role_id
from infra.checks.snapshots import Infrastructure, Problem, Snapshot, nowhere

HUB: Final = "Microsoft.EventHub/namespaces/eventhubs"
GROUP: Final = f"{HUB}/consumergroups"
RECEIVER: Final = "a638d3c7-ab3a-418d-83e6-5f17a39d4fde"
_NAMED: Final = "AUDIT_STREAM_HUB"
_NAMESPACE: Final = "AUDIT_STREAM__fullyQualifiedNamespace"


def check_streams(made: Infrastructure) -> Iterator[Problem]:
    """Check each installation: one with a hub, and one without."""
    for snapshot in made.snapshots.values():
        yield from _check_hubs(made, snapshot)


def _check_hubs(made: Infrastructure, snapshot: Snapshot) -> Iterator[Problem]:
    hubs = snapshot.of(HUB)
    named = str(snapshot.settings.get(_NAMED, ""))
    if named and named not in {hub.last_name for hub in hubs}:
        yield nowhere(f"{_NAMED} names the hub {named}, and none of that name is made")
    for hub in hubs:
        if hub.last_name != named:
            yield made.problem(hub, f"nobody reads the hub; {_NAMED} should name it")
        if not snapshot.settings.get(_NAMESPACE):
            yield made.problem(hub, f"the app doesn't know where the hub is; set {_NAMESPACE}")
        groups = {one.last_name for one in snapshot.of(GROUP) if one.id.startswith(f"{hub.id}/")}
        for missing in sorted(made.declared.consumer_groups - groups):
            yield made.problem(hub, f"the hub has no consumer group {missing}, as whose member a function reads it")
        if not any(role_id(one) == RECEIVER and one.scope.lower() == hub.id.lower() for one in snapshot.of(ASSIGNMENT)):
            yield made.problem(hub, "the identity may not receive from the hub; give it Azure Event Hubs Data Receiver")
