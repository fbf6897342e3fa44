"""What is kept: locks on what matters, logs of who touched it, telemetry that isn't thinned out."""

from collections.abc import Iterator
from typing import Final

from infra.checks.deployments import Infrastructure
from infra.checks.problems import Problem
from infra.checks.syntax import Expression, Name, Resource, Template, Text
from infra.checks.values import Evaluator, property_at

_LOCK: Final = "Microsoft.Authorization/locks"
_LOGS: Final = "Microsoft.Insights/diagnosticSettings"
_STORAGE: Final = "Microsoft.Storage/storageAccounts"

LOCKED: Final = frozenset(
    {
        _STORAGE,
        "Microsoft.EventGrid/systemTopics",
        "Microsoft.EventHub/namespaces",
        "Microsoft.Insights/actionGroups",
        "Microsoft.KeyVault/vaults",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Web/sites",
    }
)
"""Types whose resources get a CanNotDelete lock."""

LOGGED: Final = frozenset({"Microsoft.EventGrid/systemTopics", "Microsoft.KeyVault/vaults"})
"""Types whose resources send logs to the workspace; a storage account does by one of its services."""


def check_keeping(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check locks, diagnostic settings and sampling."""
    for deployment, resource in infrastructure.resources():
        template = deployment.template
        if resource.type in LOCKED and not _has(template, resource, _LOCK):
            wrong = f"{resource.name} can be deleted by a slip"
            yield Problem(file=template.path, line=resource.line, wrong=wrong, right="lock it against deletion")
        if resource.type in LOGGED | {_STORAGE} and not _has(template, resource, _LOGS):
            wrong = f"nobody sees who touched {resource.name}"
            yield Problem(file=template.path, line=resource.line, wrong=wrong, right="give it a diagnostic setting")
        if resource.type == _LOCK:
            yield from _check_level(template, resource)
        if resource.type == "Microsoft.Insights/components":
            yield from _check_sampling(Evaluator(infrastructure=infrastructure, deployment=deployment), resource)


def _has(template: Template, resource: Resource, kind: str) -> bool:
    """Whether a resource of `kind` is put on this one, or on a service of it."""
    scopes = [one.object.get("scope") for one in template.resources.values() if one.type == kind]
    return any(_is_of(template, scope, resource.name) for scope in scopes)


def _is_of(template: Template, scope: Expression | None, name: str) -> bool:
    while isinstance(scope, Name):
        if scope.name == name:
            return True
        found = template.resources.get(scope.name)
        scope = found.object.get("parent") if found else None
    return False


def _check_level(template: Template, resource: Resource) -> Iterator[Problem]:
    level = property_at(resource.object, "properties.level")
    if not (isinstance(level, Text) and level.literal == "CanNotDelete"):
        wrong = "the lock doesn't keep from deleting, or keeps from working"
        yield Problem(file=template.path, line=resource.line, wrong=wrong, right="its level should be CanNotDelete")


def _check_sampling(evaluator: Evaluator, resource: Resource) -> Iterator[Problem]:
    share = property_at(resource.object, "properties.SamplingPercentage")
    if share is None or evaluator.value(share) != 100:  # noqa: PLR2004 - per cent
        wrong = "telemetry is thinned out on arrival, so an alert may miss what it waits for"
        path = evaluator.deployment.template.path
        yield Problem(file=path, line=resource.line, wrong=wrong, right="SamplingPercentage should be 100")
