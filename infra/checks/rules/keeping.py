"""What is kept: locks on what matters, logs of who touched it, evidence, telemetry that isn't thinned out."""

from collections.abc import Iterator
from typing import Final

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.rules.stores import CONTAINER
from infra.checks.snapshots import Infrastructure, Resource, Snapshot

LOCK: Final = "Microsoft.Authorization/locks"
_LOGS: Final = "Microsoft.Insights/diagnosticSettings"
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
UNLOCKED: Final = "no-locks"
"""The parameter set without locks."""

_LOCKED: Final = """
Microsoft.EventGrid/systemTopics Microsoft.EventHub/namespaces Microsoft.Insights/actionGroups
Microsoft.Insights/components Microsoft.KeyVault/vaults Microsoft.ManagedIdentity/userAssignedIdentities
Microsoft.OperationalInsights/workspaces Microsoft.Storage/storageAccounts Microsoft.Web/sites
"""
LOCKED: Final = frozenset(_LOCKED.split())
"""Types whose resources get a CanNotDelete lock."""

LOGGED: Final = frozenset({"Microsoft.EventGrid/systemTopics", "Microsoft.KeyVault/vaults", _STORAGE})
"""Types whose resources, or a service of theirs, send logs to the workspace."""


def check_keeping(infrastructure: Infrastructure, _: Declared) -> Iterator[Problem]:
    """Check locks, diagnostic settings, evidence and sampling."""
    for snapshot in infrastructure.snapshots.values():
        locked, logged = _scopes(snapshot, LOCK), _scopes(snapshot, _LOGS)
        for one in snapshot.resources:
            if one.type in LOCKED and snapshot.name != UNLOCKED and one.id.lower() not in locked:
                wrong = f"a resource {one.type} can be deleted by a slip"
                yield infrastructure.problem(one, wrong, "lock it against deletion")
            if one.type in LOGGED and not any(scope.startswith(one.id.lower()) for scope in logged):
                wrong = f"nobody sees who touched a resource {one.type}"
                yield infrastructure.problem(one, wrong, "give it a diagnostic setting")
            yield from _check_one(infrastructure, snapshot, one)


def _scopes(snapshot: Snapshot, kind: str) -> frozenset[str]:
    return frozenset(one.scope.lower() for one in snapshot.of(kind))


def _check_one(infrastructure: Infrastructure, snapshot: Snapshot, one: Resource) -> Iterator[Problem]:
    if one.type == LOCK and snapshot.name == UNLOCKED:
        yield infrastructure.problem(one, "the lock is made though there should be none", "let `locks` decide")
    if one.type == LOCK and one.text("properties.level") != "CanNotDelete":
        wrong = "the lock doesn't keep from deleting, or keeps from working"
        yield infrastructure.problem(one, wrong, "its level should be CanNotDelete")
    if one.type == "Microsoft.Insights/components" and one.at("properties.SamplingPercentage") != 100:  # noqa: PLR2004 - per cent
        wrong = "telemetry is thinned out on arrival, so an alert may miss what it waits for"
        yield infrastructure.problem(one, wrong, "SamplingPercentage should be 100")
    if one.type == CONTAINER and one.last_name == "evidence":
        account = next(holder for holder in snapshot.of(_STORAGE) if one.id.startswith(f"{holder.id}/"))
        policy = "properties.immutableStorageWithVersioning"
        if account.at(f"{policy}.enabled") is not True or not account.at(f"{policy}.immutabilityPolicy"):
            right = "set immutableStorageWithVersioning with an immutabilityPolicy"
            yield infrastructure.problem(account, "evidence can be changed and deleted", right)
