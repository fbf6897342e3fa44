"""Names as a deployment would make them: short enough, of the right letters, and no resource twice."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from infra.checks.snapshots import Infrastructure, Problem

_PATTERNS: Final[Mapping[str, str]] = {
    "Microsoft.EventGrid/systemTopics": r"[a-zA-Z0-9-]{3,50}",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": r"[a-zA-Z0-9-]{3,64}",
    "Microsoft.EventHub/namespaces": r"[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]",
    "Microsoft.Insights/actionGroups": r"[^:<>+/&%\\?|]{0,259}[^:<>+/&%\\?| .]",
    "Microsoft.Insights/components": r"[^%&\\?/]{0,259}[^%&\\?/ .]",
    "Microsoft.KeyVault/vaults": r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}",
    "Microsoft.OperationalInsights/workspaces": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
    "Microsoft.Resources/resourceGroups": r"[\w().-]{0,89}[\w()-]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"[a-z0-9](?!.*--)[a-z0-9-]{2,62}",
    "Microsoft.Storage/storageAccounts/queueServices/queues": r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]",
    "Microsoft.Storage/storageAccounts/tableServices/tables": r"[A-Za-z][A-Za-z0-9]{2,62}",
    "Microsoft.Web/serverfarms": r"[a-zA-Z0-9-]{1,60}",
    "Microsoft.Web/sites": r"(?!-)[a-zA-Z0-9-]{2,32}(?<!-)",
}
"""What Azure takes (learn.microsoft.com, "Naming rules and restrictions for Azure resources"). A function app gets 32
characters instead of 60: the host id, by which it tells apps on one storage account apart, is cut there."""


def check_names(made: Infrastructure) -> Iterator[Problem]:
    """Check every name that is known before a deployment, and every id."""
    for snapshot in made.snapshots.values():
        count = Counter(one.id.lower() for one in snapshot.resources)
        for one in snapshot.resources:
            name, times, pattern = one.last_name, count[one.id.lower()], _PATTERNS.get(one.type)
            if pattern and not name.startswith("[") and not re.fullmatch(pattern, name):
                yield made.problem(one, f"{one.type} is called {name} ({len(name)} characters); Azure takes {pattern}")
            if times > 1:
                yield made.problem(
                    one, f"{one.type} is deployed {times} times by the set {snapshot.name}; make it once"
                )
