"""What is kept: locks on what matters, logs of who touched it, evidence, telemetry that isn't thinned out."""

from collections.abc import Iterator
from typing import Final

from infra.checks.rules.stores import CONTAINER
from infra.checks.snapshots import LOGS, Infrastructure, Problem, Resource, Snapshot

LOCK: Final = "Microsoft.Authorization/locks"
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_POLICY: Final = "properties.immutableStorageWithVersioning"
_ALL: Final = 100  # per cent
UNLOCKED: Final = "no-locks"
"""The parameter set without locks."""

LOCKED: Final = """
Microsoft.EventGrid/systemTopics Microsoft.EventHub/namespaces Microsoft.Insights/actionGroups
Microsoft.Insights/components Microsoft.KeyVault/vaults Microsoft.ManagedIdentity/userAssignedIdentities
Microsoft.OperationalInsights/workspaces Microsoft.Storage/storageAccounts Microsoft.Web/sites
"""
"""Types whose resources get a CanNotDelete lock."""

LOGGED: Final = frozenset({"Microsoft.EventGrid/systemTopics", "Microsoft.KeyVault/vaults", _STORAGE})
"""Types whose resources, or a service of theirs, send logs to the workspace."""


def check_keeping(made: Infrastructure) -> Iterator[Problem]:
    """Check locks, diagnostic settings, evidence and sampling."""
    for snapshot in made.snapshots.values():
        locked = {one.scope.lower() for one in snapshot.of(LOCK)}
        logged = [one.scope.lower() for one in snapshot.of(LOGS)]
        for one in snapshot.resources:
            if one.type in LOCKED.split() and snapshot.name != UNLOCKED and one.id.lower() not in locked:
                yield made.problem(one, f"a resource {one.type} can be deleted by a slip; lock it against deletion")
            if one.type in LOGGED and not any(scope.startswith(one.id.lower()) for scope in logged):
                yield made.problem(one, f"nobody sees who touched a resource {one.type}; give it a diagnostic setting")
            yield from _check_one(made, snapshot, one)


def _check_one(made: Infrastructure, snapshot: Snapshot, one: Resource) -> Iterator[Problem]:
    if one.type == LOCK and snapshot.name == UNLOCKED:
        yield made.problem(one, "the lock is made though there should be none; let `locks` decide")
    if one.type == LOCK and one.text("properties.level") != "CanNotDelete":
        yield made.problem(one, "the lock doesn't keep from deleting alone; its level should be CanNotDelete")
    if one.type == "Microsoft.Insights/components" and one.at("properties.SamplingPercentage") != _ALL:
        yield made.problem(one, "alerts miss telemetry that is thinned out; SamplingPercentage should be 100")
    if one.type == CONTAINER and one.last_name == "evidence":
        account = next(holder for holder in snapshot.of(_STORAGE) if one.id.startswith(f"{holder.id}/"))
        if account.at(f"{_POLICY}.enabled") is not True or not account.at(f"{_POLICY}.immutabilityPolicy"):
            yield made.problem(account, "evidence can be changed and deleted; set an immutabilityPolicy")
