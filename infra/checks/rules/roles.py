"""Rights: custom roles hold the very actions that the declarations need; built-in ones are given where they belong."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from infra.checks.snapshots import Infrastructure, Problem, Resource, Snapshot, nowhere, referred, type_of

DEFINITION: Final = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENT: Final = "Microsoft.Authorization/roleAssignments"
WATCH: Final = "Entra Responder watch"
ACT: Final = "Entra Responder act"
EVIDENCE: Final = "Entra Responder evidence keeper"
SENDER: Final = "Entra Responder log sender"
"""How the custom roles' names begin."""

IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
TOPIC: Final = "Microsoft.EventGrid/systemTopics"
_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_CONTAINER: Final = f"{_STORAGE}/blobServices/containers"
_QUEUE: Final = f"{_STORAGE}/queueServices/queues"
_WORKSPACE: Final = "Microsoft.OperationalInsights/workspaces"
_HUB: Final = "Microsoft.EventHub/namespaces/eventhubs"
EVIDENCE_ACTIONS: Final = frozenset({f"{_CONTAINER}/blobs/read", f"{_CONTAINER}/blobs/write"})
"""What `Storage.keep` and `Storage.blob` do with evidence; deleting isn't among it."""

SENDER_ACTIONS: Final = frozenset({f"{_WORKSPACE}/read", f"{_WORKSPACE}/sharedKeys/action"})
"""What Azure asks of who names a workspace as a destination of logs: given on the installation's own alone."""

_OF_ONE_RESOURCE: Final[Mapping[str, frozenset[str]]] = {EVIDENCE: EVIDENCE_ACTIONS, SENDER: SENDER_ACTIONS}
"""Actions of the custom roles that are given on one resource, which no declared call names."""


class BuiltIn(NamedTuple):
    """A built-in role that may be given: what it is called, to what kind of principal, on what kind of resource."""

    name: str
    to: str
    on: str


BUILT_IN: Final[Mapping[str, BuiltIn]] = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": BuiltIn("Storage Blob Data Owner", IDENTITY, _STORAGE),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": BuiltIn("Storage Queue Data Contributor", IDENTITY, _STORAGE),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": BuiltIn("Storage Table Data Contributor", IDENTITY, _STORAGE),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": BuiltIn("Storage Blob Data Contributor", TOPIC, _CONTAINER),
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": BuiltIn("Storage Queue Data Message Sender", TOPIC, _QUEUE),
    "4633458b-17de-408a-b874-0445c86b69e6": BuiltIn("Key Vault Secrets User", IDENTITY, "Microsoft.KeyVault/vaults"),
    "3913510d-42f4-4e42-8a64-420c390055eb": BuiltIn(
        "Monitoring Metrics Publisher", IDENTITY, "Microsoft.Insights/components"
    ),
    "3b03c2da-16b3-4a49-8834-0f8130efdd3b": BuiltIn("Log Analytics Data Reader", IDENTITY, _WORKSPACE),
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": BuiltIn("Azure Event Hubs Data Receiver", IDENTITY, _HUB),
}
"""By the id of the role."""

NEVER_GRANTED: Final[Mapping[str, str]] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
"""Roles whose holder can give himself any other: the identity may take them away and never give them."""

_ROLE_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\W*$)")
_NOT_THESE_ROLES: Final = "roleAssignments:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals"
_NOT_THESE_PRINCIPALS: Final = "roleAssignments:PrincipalId] ForAnyOfAllValues:GuidNotEquals"


def check_roles(made: Infrastructure) -> Iterator[Problem]:
    """Check the custom roles, who has them, and the built-in roles that are given."""
    wanted = {WATCH: made.declared.watch_actions, ACT: made.declared.act_actions, **_OF_ONE_RESOURCE}
    for _, definition in made.each(DEFINITION):
        yield from _check_definition(made, definition, wanted)
    given = set[str]()
    for snapshot, assignment in made.each(ASSIGNMENT):
        given.add(role_name(snapshot, assignment))
        if custom := custom_role(snapshot, assignment):
            yield from _check_act(made, snapshot, assignment) if beginning(custom) == ACT else ()
        else:
            yield from _check_built_in(made, assignment)
    for name in sorted(wanted.keys() - given):
        yield nowhere(f"the role {name!r} is given to nobody; make it and assign it to the identity")


def role_id(assignment: Resource) -> str:
    """Give the id of the role that an assignment gives, without its scope."""
    found = _ROLE_ID.search(assignment.text("properties.roleDefinitionId"))
    return found[0] if found else ""


def custom_role(snapshot: Snapshot, assignment: Resource) -> Resource | None:
    """Give the custom role of the snapshot that an assignment gives."""
    return snapshot.named(DEFINITION, role_id(assignment))


def role_name(snapshot: Snapshot, assignment: Resource) -> str:
    """Give the name of the role that an assignment gives: a custom one's without what is particular to it."""
    custom, role = custom_role(snapshot, assignment), role_id(assignment)
    return beginning(custom) if custom else BUILT_IN[role].name if role in BUILT_IN else role


def beginning(definition: Resource) -> str:
    """Give the beginning of a custom role's name."""
    return definition.text("properties.roleName").partition(" (")[0]


def actions_of(definition: Resource, kind: str) -> frozenset[str]:
    """Give the `actions` or `dataActions` of a custom role."""
    listed = (one.get(kind) for one in definition.objects("properties.permissions"))
    return frozenset(str(text) for part in listed if isinstance(part, list) for text in part)


def _check_definition(made: Infrastructure, role: Resource, wanted: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    name = beginning(role)
    if name not in wanted:
        yield made.problem(role, f"nothing declares the role {name!r}; leave it out")
        return
    right = wanted[name]
    found = actions_of(role, "actions") | actions_of(role, "dataActions")
    for action in sorted(right - found):
        yield made.problem(role, f"{name!r} lacks the action {action}; a declaration needs it")
    for action in sorted(found - right):
        yield made.problem(role, f"{name!r} has the action {action}; no declaration needs it: take it out")


def _check_built_in(made: Infrastructure, assignment: Resource) -> Iterator[Problem]:
    role, on = role_id(assignment), type_of(assignment.scope)
    to = type_of(referred(assignment.text("properties.principalId")))
    allowed = BUILT_IN.get(role)
    if allowed is None:
        agreed = ", ".join(one.name for one in BUILT_IN.values())
        yield made.problem(assignment, f"the built-in role {role} is given; only {agreed} may be")
    elif on != allowed.on:
        where = f"{on or 'a subscription'}; it may be given on {allowed.on}"
        yield made.problem(assignment, f"{allowed.name} is given on {where}")
    elif to != allowed.to:
        yield made.problem(assignment, f"{allowed.name} is given to {to or '?'}; only {allowed.to} needs it")


def _check_act(made: Infrastructure, snapshot: Snapshot, assignment: Resource) -> Iterator[Problem]:
    """Check that the right to write is asked for, and kept from what must never be written or deleted."""
    if snapshot.name == "default":
        yield made.problem(assignment, "the role to write is given by default; only the tier act has it")
    on_write, _, on_delete = assignment.text("properties.condition").partition("roleAssignments/delete'")
    own = referred(assignment.text("properties.principalId"))
    if not own or not all(own in part and _NOT_THESE_PRINCIPALS in part for part in (on_write, on_delete)):
        yield made.problem(assignment, "the identity may write or delete its own roles; exclude it on both")
    for role, name in NEVER_GRANTED.items():
        if _NOT_THESE_ROLES not in on_write or role not in on_write:
            yield made.problem(
                assignment, f"the identity may give the role {name}; exclude it from what may be written"
            )
    settings = snapshot.settings
    untouchable = [
        *settings.get("EMERGENCY_ACCOUNT_IDS", "").split(","),
        *settings.get("PROTECTED_PRINCIPAL_IDS", "").split(","),
    ]
    if not all(one in on_delete for one in untouchable):
        yield made.problem(assignment, "the identity may delete roles of break-glass accounts; exclude the protected")
