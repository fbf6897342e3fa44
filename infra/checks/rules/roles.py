"""Rights: custom roles hold the very actions that the declarations need; built-in ones are given where they belong."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra.checks.declared import Declared
from infra.checks.problems import Problem
from infra.checks.snapshots import Infrastructure, Resource, Snapshot, nowhere, referred, type_of

DEFINITION: Final = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"

WATCH: Final = "Entra Responder watch"
ACT: Final = "Entra Responder act"
EVIDENCE: Final = "Entra Responder evidence keeper"
"""How the custom roles' names begin."""

_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_CONTAINER: Final = f"{_STORAGE}/blobServices/containers"
EVIDENCE_ACTIONS: Final = frozenset({f"{_CONTAINER}/blobs/read", f"{_CONTAINER}/blobs/write"})
"""What `Storage.keep` and `Storage.blob` do with evidence; deleting isn't among it."""

IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
TOPIC: Final = "Microsoft.EventGrid/systemTopics"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltIn:
    """A built-in role that may be given: what it is called, to what kind of principal, on what kind of resource."""

    name: str
    to: str
    on: str


BUILT_IN: Final[Mapping[str, BuiltIn]] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": BuiltIn(name="Storage Blob Data Owner", to=IDENTITY, on=_STORAGE),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": BuiltIn(name="Storage Queue Data Contributor", to=IDENTITY, on=_STORAGE),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": BuiltIn(name="Storage Table Data Contributor", to=IDENTITY, on=_STORAGE),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": BuiltIn(name="Storage Blob Data Contributor", to=TOPIC, on=_CONTAINER),
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": BuiltIn(
        name="Storage Queue Data Message Sender", to=TOPIC, on=f"{_STORAGE}/queueServices/queues"
    ),
    "4633458b-17de-408a-b874-0445c86b69e6": BuiltIn(
        name="Key Vault Secrets User", to=IDENTITY, on="Microsoft.KeyVault/vaults"
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": BuiltIn(
        name="Monitoring Metrics Publisher", to=IDENTITY, on="Microsoft.Insights/components"
    ),
    "3b03c2da-16b3-4a49-8834-0f8130efdd3b": BuiltIn(
        name="Log Analytics Data Reader", to=IDENTITY, on="Microsoft.OperationalInsights/workspaces"
    ),
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": BuiltIn(
        name="Azure Event Hubs Data Receiver", to=IDENTITY, on="Microsoft.EventHub/namespaces/eventhubs"
    ),
}
"""By the id of the role."""

NEVER_GRANTED: Final[Mapping[str, str]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
"""Roles whose holder can give himself any other: the identity may take them away and never give them."""


def check_roles(infrastructure: Infrastructure, declared: Declared) -> Iterator[Problem]:
    """Check the custom roles, who has them, and the built-in roles that are given."""
    wanted = {WATCH: declared.watch_actions, ACT: declared.act_actions, EVIDENCE: frozenset[str]()}
    for _, definition in infrastructure.each(DEFINITION):
        yield from _check_definition(infrastructure, definition, wanted)
    given = {
        role_name(snapshot, one) for snapshot in infrastructure.snapshots.values() for one in snapshot.of(ASSIGNMENT)
    }
    for name in sorted(wanted.keys() - given):
        yield nowhere(f"the role {name!r} is given to nobody", "make it and assign it to the identity")
    for snapshot, assignment in infrastructure.each(ASSIGNMENT):
        yield from _check_assignment(infrastructure, snapshot, assignment)


def custom_role(snapshot: Snapshot, assignment: Resource) -> Resource | None:
    """Give the custom role of the snapshot that an assignment gives."""
    return snapshot.named(DEFINITION, role_id(assignment))


def role_id(assignment: Resource) -> str:
    """Give the id of the role that an assignment gives, without its scope."""
    found = re.search(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\W*$)", assignment.text("properties.roleDefinitionId")
    )
    return found[0] if found else ""


def role_name(snapshot: Snapshot, assignment: Resource) -> str:
    """Give the name of the role that an assignment gives: a custom one's without what is particular to it."""
    if custom := custom_role(snapshot, assignment):
        return beginning(custom)
    role = role_id(assignment)
    return BUILT_IN[role].name if role in BUILT_IN else role


def beginning(definition: Resource) -> str:
    """Give the beginning of a custom role's name."""
    return definition.text("properties.roleName").partition(" (")[0]


def actions_of(definition: Resource, kind: str) -> frozenset[str]:
    """Give the `actions` or `dataActions` of a custom role."""
    listed = (one.get(kind) for one in definition.objects("properties.permissions"))
    return frozenset(str(text) for part in listed if isinstance(part, list) for text in part)


def _check_definition(
    infrastructure: Infrastructure, definition: Resource, wanted: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    name = beginning(definition)
    if name not in wanted:
        yield infrastructure.problem(definition, f"nothing declares the role {name!r}", "leave it out")
        return
    data = EVIDENCE_ACTIONS if name == EVIDENCE else frozenset[str]()
    for right, found in (
        (wanted[name], actions_of(definition, "actions")),
        (data, actions_of(definition, "dataActions")),
    ):
        for action in sorted(right - found):
            yield infrastructure.problem(definition, f"{name!r} lacks the action {action}", "a declaration needs it")
        for action in sorted(found - right):
            wrong = f"{name!r} has the action {action}"
            yield infrastructure.problem(definition, wrong, "no declaration needs it: take it out")


def _check_assignment(infrastructure: Infrastructure, snapshot: Snapshot, assignment: Resource) -> Iterator[Problem]:
    if custom := custom_role(snapshot, assignment):
        if beginning(custom) == ACT:
            yield from _check_act(infrastructure, snapshot, assignment)
        return
    role, on = role_id(assignment), type_of(assignment.scope)
    to = type_of(referred(assignment.text("properties.principalId")))
    allowed = BUILT_IN.get(role)
    if allowed is None:
        agreed = ", ".join(one.name for one in BUILT_IN.values())
        yield infrastructure.problem(assignment, f"the built-in role {role} is given", f"only {agreed} may be")
    elif on != allowed.on:
        wrong = f"{allowed.name} is given on {on or 'a subscription'}"
        yield infrastructure.problem(assignment, wrong, f"it may be given on {allowed.on}")
    elif to != allowed.to:
        yield infrastructure.problem(
            assignment, f"{allowed.name} is given to {to or '?'}", f"only {allowed.to} needs it"
        )


def _check_act(infrastructure: Infrastructure, snapshot: Snapshot, assignment: Resource) -> Iterator[Problem]:
    """Check that the right to write is asked for, and kept from what must never be written or deleted."""
    if snapshot.name == "default":
        wrong = "the role to write is given by default"
        yield infrastructure.problem(assignment, wrong, "an installation starts in the tier watch")
    condition = assignment.text("properties.condition")
    on_write, _, on_delete = condition.partition("roleAssignments/delete'")
    own = referred(assignment.text("properties.principalId"))
    if not own or own not in referred_ids(on_write) or own not in referred_ids(on_delete):
        wrong = "the condition on the role to write doesn't keep the identity from its own roles"
        yield infrastructure.problem(assignment, wrong, "exclude its principal id, on write and on delete")
    for role, name in NEVER_GRANTED.items():
        if "roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals" not in on_write or role not in on_write:
            right = "exclude its id from what may be written"
            yield infrastructure.problem(assignment, f"the identity may give the role {name}", right)
    for untouchable in sorted(untouchables(snapshot)):
        if untouchable not in on_delete:
            wrong = "the identity may delete role assignments of a break-glass account or a protected principal"
            yield infrastructure.problem(assignment, wrong, "exclude their ids from what may be deleted")


def referred_ids(expression: str) -> frozenset[str]:
    """Give every resource id in an expression."""
    return frozenset(re.findall(r"'+(/subscriptions/[^']+)'+", expression))


def untouchables(snapshot: Snapshot) -> frozenset[str]:
    """Give the ids of the principals that the app of a snapshot never takes anything from."""
    settings = snapshot.named("Microsoft.Web/sites/config", "appsettings")
    named = ("EMERGENCY_ACCOUNT_IDS", "PROTECTED_PRINCIPAL_IDS")
    ids = (settings.text(f"properties.{name}").split(",") if settings else [] for name in named)
    return frozenset(one for part in ids for one in part if one)
