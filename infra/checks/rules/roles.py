"""Rights: the custom roles hold the very actions that the declarations need; of built-in roles few may be given."""

from collections.abc import Iterator, Mapping
from typing import Final

from infra.checks.declared import Declared
from infra.checks.deployments import Deployment, Infrastructure
from infra.checks.problems import Problem
from infra.checks.syntax import Array, Call, Expression, Member, Name, Object, Resource, Text, When
from infra.checks.values import Evaluator, mentions_parameter, property_at, rounds_of

_DEFINITION: Final = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"

WATCH: Final = "Entra Responder watch"
ACT: Final = "Entra Responder act"
EVIDENCE: Final = "Entra Responder evidence keeper"
"""How the custom roles' names begin."""

_BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
EVIDENCE_ACTIONS: Final = frozenset({f"{_BLOBS}/read", f"{_BLOBS}/write"})
"""What `Storage.keep` and `Storage.blob` do with evidence; deleting isn't among it."""

BUILT_IN: Final[Mapping[str, tuple[str, str]]] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": ("Storage Blob Data Owner", "Microsoft.Storage/storageAccounts"),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": ("Storage Queue Data Contributor", "Microsoft.Storage/storageAccounts"),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": ("Storage Table Data Contributor", "Microsoft.Storage/storageAccounts"),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": (
        "Storage Blob Data Contributor",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
    ),
    "4633458b-17de-408a-b874-0445c86b69e6": ("Key Vault Secrets User", "Microsoft.KeyVault/vaults"),
    "3913510d-42f4-4e42-8a64-420c390055eb": ("Monitoring Metrics Publisher", "Microsoft.Insights/components"),
    "3b03c2da-16b3-4a49-8834-0f8130efdd3b": ("Log Analytics Data Reader", "Microsoft.OperationalInsights/workspaces"),
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": (
        "Azure Event Hubs Data Receiver",
        "Microsoft.EventHub/namespaces/eventhubs",
    ),
}
"""Built-in roles that may be given, by id: what each is called and on what it may be given."""


def check_roles(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the custom roles, who has them, and the built-in roles that are given."""
    wanted = {WATCH: declared.watch_actions, ACT: declared.act_actions, EVIDENCE: frozenset[str]()}
    seen: set[str] = set()
    for deployment, resource in infrastructure.resources(_DEFINITION):
        name = role_name(resource)
        seen.add(name)
        yield from _check_definition(deployment, resource, name, wanted)
    for name in wanted.keys() - seen:
        right = "the identity needs it"
        yield Problem(file="main.bicep", line=1, wrong=f"the role {name!r} isn't made", right=right)
    yield from _check_assignments(infrastructure)


def role_name(resource: Resource) -> str:
    """Give the beginning of a custom role's name, up to what is particular to an installation."""
    named = property_at(resource.object, "properties.roleName")
    first = named.parts[0] if isinstance(named, Text) and named.parts else ""
    return first.rstrip(" (") if isinstance(first, str) else ""


def _check_definition(
    deployment: Deployment, resource: Resource, name: str, wanted: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    path = deployment.template.path
    if name not in wanted:
        yield Problem(file=path, line=resource.line, wrong=f"nothing declares the role {name!r}", right="leave it out")
        return
    permissions = property_at(resource.object, "properties.permissions")
    parts = permissions.items if isinstance(permissions, Array) else ()
    for kind, right in (
        ("actions", wanted[name]),
        ("dataActions", EVIDENCE_ACTIONS if name == EVIDENCE else frozenset[str]()),
    ):
        listed = [text for part in parts if isinstance(part, Object) for text in _texts(part.get(kind))]
        found = {text.literal or "": text.line for text in listed}
        for action in sorted(right - found.keys()):
            wrong = f"{name!r} lacks the action {action}"
            yield Problem(file=path, line=resource.line, wrong=wrong, right="a declaration needs it")
        for action in sorted(found.keys() - right):
            wrong = f"{name!r} has the action {action or 'that only a deployment knows'}"
            yield Problem(file=path, line=found[action], wrong=wrong, right="no declaration needs it: take it out")


def listed_actions(role: Resource) -> tuple[str, ...]:
    """Give the actions and data actions that a custom role lists."""
    permissions = property_at(role.object, "properties.permissions")
    parts = [one for one in permissions.items if isinstance(one, Object)] if isinstance(permissions, Array) else []
    return tuple(
        text.literal or "?" for part in parts for kind in ("actions", "dataActions") for text in _texts(part.get(kind))
    )


def _texts(value: Expression | None) -> tuple[Text, ...]:
    return tuple(item for item in value.items if isinstance(item, Text)) if isinstance(value, Array) else ()


def _check_assignments(infrastructure: Infrastructure) -> Iterator[Problem]:
    given: set[str] = set()
    for deployment, resource in infrastructure.resources(ASSIGNMENT):
        role = custom_role(deployment, resource)
        if role is None:
            yield from _check_built_in(infrastructure, deployment, resource)
            continue
        name = role_name(role)
        given.add(name)
        if name == ACT:
            yield from _check_act(infrastructure, deployment, resource)
    for name in sorted({WATCH, ACT, EVIDENCE} - given):
        wrong = f"the role {name!r} is given to nobody"
        yield Problem(file="main.bicep", line=1, wrong=wrong, right="assign it to the identity")


def custom_role(deployment: Deployment, resource: Resource) -> Resource | None:
    """Give the custom role that an assignment names, by its id or its name, when it names one of the same file."""
    role = property_at(resource.object, "properties.roleDefinitionId")
    if isinstance(role, Call) and role.name == "subscriptionResourceId":
        role = role.arguments[-1]
    if isinstance(role, Member) and role.name in {"id", "name"} and isinstance(role.of, Name):
        found = deployment.template.resources.get(role.of.name)
        return found if found and found.type == _DEFINITION else None
    return None


def _check_act(infrastructure: Infrastructure, deployment: Deployment, resource: Resource) -> Iterator[Problem]:
    path, body = deployment.template.path, resource.body
    evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
    if not isinstance(body, When) or not mentions_parameter(evaluator, body.condition):
        wrong = "the role to write is given whatever the parameters say"
        yield Problem(file=path, line=resource.line, wrong=wrong, right="give it only in the tier act")
    elif evaluator.value(body.condition) is not False:
        wrong = "the role to write is given by default"
        yield Problem(file=path, line=resource.line, wrong=wrong, right="an installation starts in the tier watch")
    if property_at(resource.object, "properties.condition") is None:
        wrong = "the role to write is given without a condition"
        right = "keep it from the identity itself and from protected principals"
        yield Problem(file=path, line=resource.line, wrong=wrong, right=right)


def _check_built_in(infrastructure: Infrastructure, deployment: Deployment, resource: Resource) -> Iterator[Problem]:
    path = deployment.template.path
    evaluator = Evaluator(infrastructure=infrastructure, deployment=deployment)
    scope = resource.object.get("scope")
    on = deployment.template.resources.get(scope.name) if isinstance(scope, Name) else None
    asked = property_at(resource.object, "properties.roleDefinitionId")
    for one in rounds_of(evaluator, resource):
        value = one.value(asked) if asked else ""
        role = str(value).rpartition("/")[2]
        name, kind = BUILT_IN.get(role, ("", ""))
        if not name:
            wrong = f"the built-in role {role} is given"
            yield Problem(file=path, line=resource.line, wrong=wrong, right=f"only {_agreed()} may be")
        elif on is None or on.type != kind:
            wrong = f"{name} is given on {on.type if on else 'everything here'}"
            yield Problem(file=path, line=resource.line, wrong=wrong, right=f"it may be given on {kind}")


def _agreed() -> str:
    return ", ".join(name for name, _ in BUILT_IN.values())
