"""Names within Azure's limits, whatever a parameter is given."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.lengths import GUID, Length, length_of
from infra.checks.problems import Problem
from infra.checks.syntax import Expression, Module, Resource
from infra.checks.values import Evaluator, rounds_of

_LETTERS: Final = r"[A-Za-z0-9-]"
_WORDS: Final = r"[\w.()-]"
_TEXT: Final = r"[^#<>%&:\\?/{}*+]"
_ANY_GUID: Final = (GUID, GUID, r"[0-9a-f-]")
_FIXED: Final = (1, 64, r"\w")
_STORAGE: Final = "Microsoft.Storage/storageAccounts"

LIMITS: Final[Mapping[str, tuple[int, int, str]]] = {
    "Microsoft.Authorization/locks": (1, 90, _WORDS),
    "Microsoft.Authorization/roleAssignments": _ANY_GUID,
    "Microsoft.Authorization/roleDefinitions": _ANY_GUID,
    "Microsoft.EventGrid/systemTopics": (3, 50, _LETTERS),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": (3, 64, _LETTERS),
    "Microsoft.EventHub/namespaces": (6, 50, _LETTERS),
    "Microsoft.EventHub/namespaces/authorizationRules": (1, 50, r"[\w.-]"),
    "Microsoft.EventHub/namespaces/eventhubs": (1, 256, r"[\w.-]"),
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups": (1, 50, r"[\w.-]"),
    "Microsoft.Insights/actionGroups": (1, 260, _TEXT),
    "Microsoft.Insights/activityLogAlerts": (1, 260, _TEXT),
    "Microsoft.Insights/components": (1, 260, _TEXT),
    "Microsoft.Insights/diagnosticSettings": (1, 260, _TEXT),
    "Microsoft.Insights/scheduledQueryRules": (1, 260, _TEXT),
    "Microsoft.Insights/workbooks": _ANY_GUID,
    "Microsoft.KeyVault/vaults": (3, 24, _LETTERS),
    "Microsoft.KeyVault/vaults/secrets": (1, 127, _LETTERS),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (3, 128, r"[\w-]"),
    "Microsoft.OperationalInsights/workspaces": (4, 63, _LETTERS),
    "Microsoft.Resources/resourceGroups": (1, 90, _WORDS),
    _STORAGE: (3, 24, r"[a-z0-9]"),
    f"{_STORAGE}/blobServices": _FIXED,
    f"{_STORAGE}/blobServices/containers": (3, 63, r"[a-z0-9-]"),
    f"{_STORAGE}/queueServices": _FIXED,
    f"{_STORAGE}/queueServices/queues": (3, 63, r"[a-z0-9-]"),
    f"{_STORAGE}/tableServices": _FIXED,
    f"{_STORAGE}/tableServices/tables": (3, 63, r"[A-Za-z0-9]"),
    "Microsoft.Web/serverfarms": (1, 40, _LETTERS),
    "Microsoft.Web/sites": (2, 32, _LETTERS),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": _FIXED,
    "Microsoft.Web/sites/config": _FIXED,
}
"""Shortest and longest name of each type that is used, and the characters it takes.

A site's would be 60, but the host id is cut from its first 32 characters, and two apps with the same one disturb each
other.
"""

DEPLOYMENT: Final = (1, 64, _WORDS)
"""The same for the name of a module, which becomes a deployment's."""


def check_names_fit(infrastructure: Infrastructure) -> Iterator[Problem]:
    """Check the name of every resource and of every module."""
    for deployment in infrastructure.deployments:
        for resource in deployment.resources:
            limits = LIMITS.get(resource.type)
            if limits is None:
                wrong = f"how long a name of {resource.type} may be isn't known here"
                right = "add it to LIMITS in infra/checks/rules/names.py"
                yield Problem(file=deployment.template.path, line=resource.line, wrong=wrong, right=right)
            else:
                yield from _check(infrastructure, deployment, resource, limits)
        for module in deployment.template.modules.values():
            yield from _check(infrastructure, deployment, module, DEPLOYMENT)


def _check(
    infrastructure: Infrastructure, deployment: Deployment, made: Resource | Module, limits: tuple[int, int, str]
) -> Iterator[Problem]:
    name = made.object.get("name")
    if name is None:
        return
    evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment, defaults=False)
    for one in rounds_of(evaluator, made):
        for wrong, right in _misfits(length_of(one, name), name, limits):
            path = deployment.template.path
            yield Problem(file=path, line=name.line, wrong=f"the name of {made.name} {wrong}", right=right)


def _misfits(found: Length, name: Expression, limits: tuple[int, int, str]) -> Iterator[tuple[str, str]]:
    del name
    shortest, longest, characters = limits
    if found.longest is None:
        yield "can be of any length", "give the parameters in it a @maxLength, or use uniqueString()"
    elif found.longest > longest:
        yield f"can have {found.longest} characters", f"Azure takes {longest}"
    if found.shortest < shortest:
        yield f"can have {found.shortest} characters", f"Azure asks for {shortest}"
    wrong = sorted({one for one in found.written if re.fullmatch(characters, one) is None})
    if wrong:
        yield f"has {' '.join(map(repr, wrong))} in it", f"Azure takes {characters}"
