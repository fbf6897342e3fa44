"""Who may do what in Azure: from the role assignments themselves, so taking a role away takes effect."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus

from infra.local import world
from infra.local.tenant.api_error import ApiError
from infra.local.tenant.role_assignments import RoleAssignments, is_within
from infra.local.tenant.settings import Settings
from infra.local.tenant.tokens import Caller
from infra.local.world import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RbacRole:
    """What a built-in role allows; `*` stands for anything, and case doesn't matter."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Say whether the role carries `action`."""
        return _matches(action, self.actions) and not _matches(action, self.not_actions)


_OF_THE_RESPONDER = (
    "Microsoft.Insights/diagnosticSettings/*",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions/*",
)
"""What the responder's own role has besides, which stands for it here."""

ROLES = {
    world.OWNER: RbacRole(actions=("*",)),
    world.CONTRIBUTOR: RbacRole(
        actions=("*",),
        not_actions=("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"),
    ),
    world.READER: RbacRole(actions=("*/read",)),
    world.USER_ACCESS_ADMINISTRATOR: RbacRole(
        actions=("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*", *_OF_THE_RESPONDER)
    ),
}


def _matches(action: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


@dataclass(slots=True, kw_only=True)
class AzureAccess:
    """`granted` and `revoked` are (principal id, action) pairs that `/control/grants` set over the roles."""

    assignments: RoleAssignments
    settings: Settings
    granted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    revoked: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def evidence(self, caller: Caller, action: str, scope: str) -> Json:
        """Tell which of the caller's own roles allows `action`, as an event carries it; raises ApiError 403.

        The ids are written without dashes. They describe the caller, never what was assigned.
        """
        principal = caller.principal
        pair = (principal.id, action.lower())
        if pair not in self.revoked:
            for assignment in self.assignments.all():
                held = assignment["properties"]
                definition = str(held["roleDefinitionId"]).rsplit("/", 1)[-1].lower()
                covers = held["principalId"] == principal.id and is_within(scope, held["scope"])
                if covers and ROLES[definition].allows(action):
                    return _evidence(caller, definition, held["scope"], assignment["name"])
            attacks = self.settings.attackers_may_assign_roles and principal.id in world.ATTACKERS
            # The real service holds User Access Administrator by an assignment, which isn't among those seeded here.
            if pair in self.granted or attacks or principal.id == world.MS_PIM.id:
                return _evidence(caller, world.USER_ACCESS_ADMINISTRATOR, world.SUBSCRIPTION_SCOPE, principal.id)
        name = principal.upn or caller.app_id
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "AuthorizationFailed",
            f"The client '{name}' with object id '{principal.id}' does not have authorization to perform action "
            f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh "
            "your credentials.",
        )


def _evidence(caller: Caller, definition: str, scope: str, assignment: str) -> Json:
    return {
        "role": world.RBAC_ROLE_NAMES[definition],
        "roleAssignmentScope": scope,
        "roleAssignmentId": assignment.replace("-", ""),
        "roleDefinitionId": definition.replace("-", ""),
        "principalId": caller.principal.id.replace("-", ""),
        "principalType": "User" if caller.principal.kind == "user" else "ServicePrincipal",
    }
