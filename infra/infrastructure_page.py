"""Draws what a deployment makes and lists who may do what, in `docs/infrastructure.md`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.checks.compiler import REPOSITORY
from infra.checks.rules.roles import ASSIGNMENT, actions_of, custom_role, role_name
from infra.checks.rules.stores import CONTAINER, QUEUE, TABLE
from infra.checks.snapshots import Infrastructure, Json, Resource, Snapshot, referred, subscription_of, type_of

PAGE: Final = REPOSITORY / "docs" / "infrastructure.md"
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_TOPIC: Final = "Microsoft.EventGrid/systemTopics"
_GROUP: Final = "Microsoft.Insights/actionGroups"
_RULES: Final = "Microsoft.Insights/scheduledQueryRules"
_CHANGES: Final = "Microsoft.Insights/activityLogAlerts"
CALLED: Final[Mapping[str, str]] = {
    _TOPIC: "Event Grid system topic",
    "Microsoft.EventHub/namespaces": "Event Hub (optional)",
    _GROUP: "action group",
    _CHANGES: "activity log alerts",
    "Microsoft.Insights/components": "Application Insights",
    _RULES: "log alerts",
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
    CONTAINER: "container",
    TABLE: "table",
    QUEUE: "queue",
    "Microsoft.KeyVault/vaults/secrets": "secret",
    "Microsoft.EventHub/namespaces/eventhubs": "hub",
}
"""Resources that are named inside the one that holds them."""

_TOGETHER: Final = frozenset({_RULES, _CHANGES})
"""Types whose resources are drawn as one: those that tell the same action groups."""

_ARROWS: Final[Mapping[str, Mapping[str, str]]] = {
    "Microsoft.Insights/components": {"properties.WorkspaceResourceId": "logs"},
    "Microsoft.Insights/workbooks": {"properties.sourceId": "reads"},
    _RULES: {"properties.scopes": "reads", "properties.actions.actionGroups": "tells"},
    _CHANGES: {"properties.actions.actionGroups": "tells"},
    "Microsoft.Web/sites": {"properties.serverFarmId": "runs on", "properties.keyVaultReferenceIdentity": "works as"},
    f"{_TOPIC}/eventSubscriptions": {
        "properties.deliveryWithResourceIdentity.destination.properties.resourceId": "chosen changes"
    },
}
"""Properties that name other resources, with what the arrow to them says."""

WHEN: Final[Mapping[str, str]] = {
    "default": "",
    "two-watched": "",
    "act": "in the tier act",
    "workspace": "with `signInWorkspaceId`",
    "stream": "with `auditStream`",
}
"""The parameter sets that are drawn together, with when what each adds is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A role that a principal has on a resource (its id; a subscription's for all in it), and when it has it."""

    principal: str
    role: str
    actions: tuple[str, ...]
    on: str
    when: str


def rights(infrastructure: Infrastructure) -> tuple[Right, ...]:
    """Give every right that a deployment may give, in the order of the parameter sets that add them."""
    found: dict[tuple[str, str, str], Right] = {}
    for name, when in WHEN.items():
        snapshot = infrastructure.snapshots[name]
        for one in snapshot.of(ASSIGNMENT):
            principal = referred(one.text("properties.principalId"))
            custom = custom_role(snapshot, one)
            actions = sorted(actions_of(custom, "actions") | actions_of(custom, "dataActions")) if custom else ()
            role = role_name(snapshot, one)
            right = Right(principal=principal, role=role, actions=tuple(actions), on=one.scope, when=when)
            found.setdefault((principal, role, one.scope), right)
    return tuple(found.values())


class _Drawing:
    """The picture, as Mermaid's text."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        drawn: list[Snapshot] = [infrastructure.snapshots[name] for name in WHEN]
        everything = {one.id: one for snapshot in drawn for one in snapshot.resources}
        own, *further = dict.fromkeys(one.subscription for one in everything.values())
        self._subscriptions = {"the subscription deployed to": own, "each further subscription": (further or [own])[0]}
        shown = set(self._subscriptions.values())
        self._resources = [one for one in everything.values() if one.subscription in shown]
        self._rights = [one for one in rights(infrastructure) if subscription_of(one.principal or one.on) in shown]
        self._nodes: dict[str, str] = {}
        self._arrows: dict[tuple[str, str], list[str]] = {}

    def text(self) -> str:
        """Write it."""
        lines = [line for place in range(len(self._subscriptions)) for line in self._drawn(place)]
        self._draw_arrows()
        arrows = (f'  {start} -->|"{"<br/>".join(texts)}"| {end}' for (start, end), texts in self._arrows.items())
        return "\n".join(["flowchart LR", *lines, '  people(["people: e-mail, text, call"])', *self._yours(), *arrows])

    def _yours(self) -> Iterator[str]:
        kinds = sorted({CALLED[type_of(one.on)] for one in self._rights if self._node(one.on) == "yours"})
        if kinds:
            yield f'  yours[("of yours: {", ".join(kinds)}")]'

    def _drawn(self, place: int) -> Iterator[str]:
        title, subscription = list(self._subscriptions.items())[place]
        yield f'  subgraph s{place}["{title}"]'
        yield f'    roles{place}(["role assignments in it"])'
        there = [one for one in self._resources if one.subscription == subscription and one.type in CALLED]
        together: dict[tuple[str, ...], list[Resource]] = {}
        for one in there:
            key = (one.type, *_named(one.at("properties.actions.actionGroups"))) if one.type in _TOGETHER else (one.id,)
            together.setdefault(key, []).append(one)
        for ones in together.values():
            node = f"n{len(set(self._nodes.values()))}"
            self._nodes |= {one.id: node for one in ones}
            yield f'    {node}["{"<br/>".join(self._label(ones))}"]'
        yield "  end"

    def _label(self, ones: list[Resource]) -> Iterator[str]:
        yield f"<b>{CALLED[ones[0].type]}</b>"
        if ones[0].type in _TOGETHER:
            yield "<br/>".join(one.last_name for one in ones)
        inside: dict[str, list[str]] = {}
        for one in self._resources:
            if one.type in _INSIDE and one.id.startswith(f"{ones[0].id}/"):
                inside.setdefault(_INSIDE[one.type], []).append(one.last_name)
        for kind, names in inside.items():
            yield f"{kind}s: {', '.join(names)}" if len(names) > 1 else f"{kind}: {names[0]}"

    def _node(self, resource_id: str) -> str:
        """Give the node of a resource, or of the one that holds it: a storage account for its containers."""
        if not type_of(resource_id):
            subscriptions = list(self._subscriptions.values())
            found = subscription_of(resource_id)
            return f"roles{subscriptions.index(found)}" if found in subscriptions else ""
        holders = [one for one in self._nodes if f"{resource_id}/".startswith(f"{one}/")]
        return self._nodes[max(holders, key=len)] if holders else "yours"

    def _arrow(self, start: str, end: str, text: str) -> None:
        if start and end and start != end and text not in (texts := self._arrows.setdefault((start, end), [])):
            texts.append(text)

    def _draw_arrows(self) -> None:
        for one in self._resources:
            for path, text in _ARROWS.get(one.type, {}).items():
                for named in _named(one.at(path)):
                    self._arrow(self._node(one.id), self._node(named), text)
            if one.type == "Microsoft.Insights/diagnosticSettings" and type_of(one.scope):
                self._arrow(self._node(one.scope), self._node(one.text("properties.workspaceId")), "logs")
            if one.type == _GROUP:
                self._arrow(self._node(one.id), "people", "tells")
        for right in self._rights:
            self._arrow(self._node(right.principal), self._node(right.on), right.role)


def _named(value: Json) -> tuple[str, ...]:
    """Give the resource ids in a value: a text, a list of them, or a list of objects with them."""
    match value:
        case str():
            return (referred(value) or value,)
        case list():
            return tuple(one for each in value for one in _named(each))
        case dict():
            return tuple(one for each in value.values() for one in _named(each))
        case _:
            return ()


def page(infrastructure: Infrastructure) -> str:
    """Write the whole page."""
    ids = {one.id for name in WHEN for one in infrastructure.snapshots[name].resources}
    return _PAGE.format(
        picture=_Drawing(infrastructure).text(),
        rights="\n".join(dict.fromkeys(_right_row(right, ids) for right in rights(infrastructure))),
        parameters="\n".join(_parameter_rows(infrastructure.template["parameters"])),
    )


def _right_row(right: Right, ids: set[str]) -> str:
    kind = type_of(right.on)
    where = "each watched subscription"
    if kind in _INSIDE:
        where = f"{_INSIDE[kind]} `{right.on.rpartition('/')[2]}`"
    elif kind:
        where = CALLED[kind] + ("" if right.on in ids else " of yours")
    actions = "<br>".join(f"`{one}`" for one in right.actions)
    return f"| {CALLED[type_of(right.principal)]} | {right.role} | {actions} | {where} | {right.when} |"


def _parameter_rows(parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, parameter in parameters.items():
        needed = "" if "defaultValue" in parameter or parameter.get("nullable") else "yes"
        text = str(parameter.get("metadata", {}).get("description", "")).replace("|", "\\|")
        yield f"| `{name}` | {needed} | {text} |"


_PAGE: Final = """<!-- Made from the Bicep by `make docs`: change the Bicep and make it anew. -->
# What runs in Azure

Drawn from what `infra/main.bicep` deploys. Locks, diagnostic settings and the services inside a storage account are
left out; an arrow from an identity is a role that it has.

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
