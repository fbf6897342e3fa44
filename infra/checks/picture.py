"""Draws what the Bicep makes and lists who may do what, in `docs/infrastructure.md`.

`python -m infra.checks.picture` makes the page anew; a test fails while it is out of date.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.origins import Made, origin_of
from infra.checks.rights import Right, rights
from infra.checks.syntax import Array, Expression, Loop, Resource, Text
from infra.checks.values import Evaluator, property_at, rounds_of

INFRA: Final = Path(__file__).resolve().parents[1]
PAGE: Final = INFRA.parent / "docs" / "infrastructure.md"

_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_TOPIC: Final = "Microsoft.EventGrid/systemTopics"
_GROUP: Final = "Microsoft.Insights/actionGroups"
CALLED: Final[Mapping[str, str]] = {
    _TOPIC: "Event Grid system topic",
    "Microsoft.EventHub/namespaces": "Event Hub (optional)",
    _GROUP: "action group",
    "Microsoft.Insights/activityLogAlerts": "activity log alert",
    "Microsoft.Insights/components": "Application Insights",
    "Microsoft.Insights/scheduledQueryRules": "log alerts",
    "Microsoft.Insights/workbooks": "workbook",
    "Microsoft.KeyVault/vaults": "Key Vault",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "managed identity",
    "Microsoft.OperationalInsights/workspaces": "Log Analytics",
    _STORAGE: "storage account",
    "Microsoft.Web/serverfarms": "Flex Consumption plan",
    "Microsoft.Web/sites": "function app",
}
"""Resources that are drawn, by what people call them."""

_INSIDE: Final[Mapping[str, str]] = {
    f"{_STORAGE}/blobServices/containers": "container",
    f"{_STORAGE}/tableServices/tables": "table",
    f"{_STORAGE}/queueServices/queues": "queue",
    "Microsoft.KeyVault/vaults/secrets": "secret",
    "Microsoft.EventHub/namespaces/eventhubs": "hub",
}
"""Resources that are named inside the one that holds them."""

_ALERTS: Final = frozenset({"Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/activityLogAlerts"})
_ARROWS: Final[Mapping[str, Mapping[str, str]]] = {
    "Microsoft.Insights/components": {"properties.WorkspaceResourceId": "logs"},
    "Microsoft.Insights/workbooks": {"properties.sourceId": "reads"},
    "Microsoft.Insights/scheduledQueryRules": {"properties.scopes": "reads"},
    "Microsoft.Web/sites": {"properties.serverFarmId": "runs on", "properties.keyVaultReferenceIdentity": "works as"},
}
"""Properties that name another resource, with what the arrow to it says."""


class _Drawing:
    """The picture, as Mermaid's text."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        self._infrastructure = infrastructure
        self._nodes: dict[tuple[int, str], str] = {}
        self._groups: dict[str, list[Deployment]] = {}
        self._arrows: dict[tuple[str, str], list[str]] = {}

    def text(self) -> str:
        main = next(root for root in self._infrastructure.roots if root.template.path == "main.bicep")
        watched = [child for child in main.children.values() if child.template.path == "modules/watch.bicep"]
        below = {id(one) for top in watched for one in top.walk()}
        self._groups["the subscription deployed to"] = [one for one in main.walk() if id(one) not in below]
        self._groups["each further subscription"] = [one for top in watched for one in top.walk()]
        lines = [line for title, deployments in self._groups.items() for line in self._drawn(title, deployments)]
        self._draw_arrows()
        arrows = (f'  {start} -->|"{"<br/>".join(texts)}"| {end}' for (start, end), texts in self._arrows.items())
        return "\n".join(["flowchart LR", *lines, '  people(["people: e-mail, text, call"])', *self._yours(), *arrows])

    def _yours(self) -> Iterator[str]:
        kinds = {right.elsewhere for right in rights(self._infrastructure) if right.elsewhere}
        if kinds:
            yield f'  yours[("of yours: {", ".join(CALLED[kind] for kind in sorted(kinds))}")]'

    def _drawn(self, title: str, deployments: list[Deployment]) -> Iterator[str]:
        place = list(self._groups).index(title)
        yield f'  subgraph s{place}["{title}"]'
        yield f'    roles{place}(["role assignments in it"])'
        for deployment in deployments:
            for resource in deployment.resources:
                if resource.type in CALLED:
                    node = self._nodes[id(deployment), resource.name] = f"n{len(self._nodes)}"
                    yield f'    {node}["{"<br/>".join(self._label(deployment, resource))}"]'
        yield "  end"

    def _label(self, deployment: Deployment, resource: Resource) -> Iterator[str]:
        yield f"<b>{CALLED[resource.type]}</b>"
        evaluator = Evaluator(infrastructure=self._infrastructure, deployment=deployment)
        if isinstance(resource.body, Loop):
            yield "<br/>".join(_name(one, resource) for one in rounds_of(evaluator, resource))
        inside: dict[str, list[str]] = {}
        for one in deployment.resources:
            if one.type in _INSIDE and one.type.startswith(f"{resource.type}/"):
                names = (_name(each, one) for each in rounds_of(evaluator, one))
                inside.setdefault(_INSIDE[one.type], []).extend(names)
        for kind, names in inside.items():
            yield f"{kind}s: {', '.join(names)}" if len(names) > 1 else f"{kind}: {names[0]}"

    def _arrow(self, start: str, end: str, text: str) -> None:
        texts = self._arrows.setdefault((start, end), [])
        if start and end and text not in texts:
            texts.append(text)
        if not texts:
            del self._arrows[start, end]

    def _node(self, made: Made | None) -> str:
        """Give the node of a resource, or of the one that holds it: a storage account for its containers."""
        if made is None:
            return ""
        deployment, resource = made
        if found := self._nodes.get((id(deployment), resource.name)):
            return found
        holders = (one for one in deployment.resources if resource.type.startswith(f"{one.type}/"))
        return next((node for one in holders if (node := self._nodes.get((id(deployment), one.name)))), "")

    def _draw_arrows(self) -> None:
        for deployment, resource in self._infrastructure.resources():
            made = (deployment, resource)
            for path, text in _ARROWS.get(resource.type, {}).items():
                self._arrow(self._node(made), self._node(_behind(made, path)), text)
            if resource.type == "Microsoft.Insights/diagnosticSettings" and resource.object.get("scope"):
                workspace = self._node(_behind(made, "properties.workspaceId"))
                self._arrow(self._node(_behind(made, "scope")), workspace, "logs")
            if resource.type in _ALERTS:
                for group in (one for one in deployment.resources if one.type == _GROUP):
                    self._arrow(self._node(made), self._node((deployment, group)), "tells")
            if resource.type == _GROUP:
                self._arrow(self._node(made), "people", "tells")
            if resource.type == _TOPIC:
                for site in self._infrastructure.resources("Microsoft.Web/sites"):
                    self._arrow(self._node(made), self._node(site), "chosen changes")
        for right in rights(self._infrastructure):
            self._draw_right(right)

    def _draw_right(self, right: Right) -> None:
        start = self._node(right.principal)
        if right.on:
            self._arrow(start, self._node(right.on), right.role)
            return
        if right.elsewhere:
            self._arrow(start, "yours", right.role)
            return
        for place, deployments in enumerate(self._groups.values()):
            if any(one is right.deployment for one in deployments):
                self._arrow(start, f"roles{place}", right.role)


def _name(evaluator: Evaluator, resource: Resource) -> str:
    named = resource.object.get("name")
    value = evaluator.value(named) if named else ""
    return value if isinstance(value, str) else resource.name


def _behind(made: Made, path: str) -> Made | None:
    deployment, resource = made
    found: Expression | None = property_at(resource.object, path)
    if isinstance(found, Array):
        found = found.items[0] if found.items else None
    return origin_of(deployment, found) if found else None


def page(infrastructure: Infrastructure) -> str:
    """Write the whole page."""
    return _PAGE.format(
        picture=_Drawing(infrastructure).text(),
        rights="\n".join(dict.fromkeys(map(_right_row, rights(infrastructure)))),
        parameters="\n".join(_parameter_rows(infrastructure)),
    )


def _right_row(right: Right) -> str:
    who = CALLED[right.principal[1].type] if right.principal else "?"
    where = f"{CALLED[right.elsewhere]} of yours" if right.elsewhere else "each watched subscription"
    if right.on:
        kind = CALLED.get(right.on[1].type) or _INSIDE[right.on[1].type]
        where = f"{kind} of `{right.on[0].template.path}`" + (
            f", container `{right.container}`" if right.container else ""
        )
    actions = "<br>".join(f"`{one}`" for one in right.actions)
    return f"| {who} | {right.role} | {actions} | {where} | {right.when} |"


def _parameter_rows(infrastructure: Infrastructure) -> Iterator[str]:
    for parameter in infrastructure.templates["main.bicep"].parameters.values():
        described = parameter.decorators.get("description", ())
        text = described[0].literal if described and isinstance(described[0], Text) else ""
        needed = "yes" if parameter.default is None else ""
        yield f"| `{parameter.name}` | {needed} | {(text or '').replace('|', chr(92) + '|')} |"


_PAGE: Final = """<!-- Made from the Bicep by `python -m infra.checks.picture`: change the Bicep and make it anew. -->
# What runs in Azure

Drawn from `infra/main.bicep`, `infra/modules/events.bicep` and the modules that they use. Locks, diagnostic settings
and the services inside a storage account are left out; an arrow from an identity is a role that it has.

```mermaid
{picture}
```

## Who may do what

Every role assignment that the Bicep makes. Permissions in Microsoft Graph are granted by a script and listed by
`responder permissions`.

| who | role | actions of custom roles | on | when |
|---|---|---|---|---|
{rights}

## Parameters of `infra/main.bicep`

| parameter | needed | what it is |
|---|---|---|
{parameters}
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(Infrastructure.read(INFRA)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
