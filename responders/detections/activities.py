"""Names of activities that several detections share, and conditions that match their success."""

from typing import Final

from shared.detect.fields import Audit, Resource
from shared.model.conditions import All, Condition, Not, all_of
from shared.model.events import AuditEvent, ResourceEvent

PIM_ACTIVATION: Final = "Add member to role completed (PIM activation)"
OUTSIDE_PIM: Final = "Add member to role outside of PIM (permanent)"
ROLE_GIVEN: Final = (
    "Add member to role",
    "Add eligible member to role",
    "Add scoped member to role",
    "Add member to role in PIM completed (permanent)",
    "Add member to role in PIM completed (timebound)",
    "Add eligible member to role in PIM completed (permanent)",
    "Add eligible member to role in PIM completed (timebound)",
    "Add role assignment to role definition",
    "Add EligibleRoleAssignment to RoleDefinition",
    "Add member to role scoped over Restricted Management Administrative Unit",
    "Update member in PIM approved by admin (extend/renew)",
    "Approve request - direct role assignment",
    "Restore member from role",
    "Restore member from role in PIM completed",
    "Restore eligible member from role in PIM completed",
    "Restore permanent direct role assignment",
    "Restore permanent eligible role assignment",
    PIM_ACTIVATION,
)
"""A role assigned, made longer or given back, except for `OUTSIDE_PIM`. PIM logs the same of Azure roles and groups."""

OF_DIRECTORY_ROLES: Final = Not(
    all_of(Audit.service.is_("PIM"), Audit.category.one_of("ResourceManagement", "GroupManagement"))
)
"""PIM says by the category whether a role is an Azure role, a membership of a group, or a directory role."""

ROLE_TAKEN: Final = (
    "Remove member from role",
    "Remove eligible member from role",
    "Remove scoped member from role",
    "Remove role assignment from role definition",
    "Remove EligibleRoleAssignment from RoleDefinition",
    "Remove member from role scoped over Restricted Management Administrative Unit",
    "Remove member from role in PIM completed (permanent)",
    "Remove member from role in PIM completed (timebound)",
    "Remove eligible member from role in PIM completed (permanent)",
    "Remove eligible member from role in PIM completed (timebound)",
    "Remove permanent direct role assignment",
    "Remove permanent eligible role assignment",
)

PASSWORD_CHANGED: Final = (
    "Change user password",
    "Reset user password",
    "Reset password",
    "Reset password (by admin)",
    "Reset password (self-service)",
    "Change password (self-service)",
    "User started password change",
    "Admin started password reset",
    "Set force change user password",
)
METHODS_CHANGED: Final = (
    "User registered security info",
    "User registered all required security info",
    "User deleted security info",
    "User updated security info",
    "User changed default security info",
    "Admin registered security info",
    "Admin deleted security info",
    "Admin updated security info",
    "Enable Strong Authentication",
    "Disable Strong Authentication",
    "Add Passkey (device-bound)",
    "Add Passkey (device-bound) security key",
    "Delete Passkey (device-bound)",
    "Add FIDO2 security key",
    "Delete FIDO2 security key(s)",
    "Add Windows Hello for Business credential",
    "Delete Windows Hello for Business credential",
    "Add passwordless phone sign-in credential",
    "Delete passwordless phone sign-in credential",
    "Add platform credential",
    "Delete platform credential",
    "Create application password for user",
    "Delete application password for user",
    "Add users strong authentication phone app detail",
    "Remove users strong authentication phone app detail",
    "Assign Hardware Oath Token",
    "Security info saved for self-service password reset",
)
MEMBER_ADDED: Final = "Add member to group"
OWNER_ADDED: Final = ("Add owner to group", "Set group to be managed by user")
MEMBER_REMOVED: Final = "Remove member from group"
OWNER_REMOVED: Final = "Remove owner from group"
ACCOUNT_DELETED: Final = ("Delete user", "Hard Delete user")

APP_ROLE_GIVEN: Final = "Add app role assignment to service principal"
APP_ROLE_TAKEN: Final = "Remove app role assignment from service principal"
SCOPES_GIVEN: Final = ("Add delegated permission grant", "Remove delegated permission grant")
"""A change of a grant can be logged as its removal, so both match by the scopes that they add."""


def succeeded(*activities: str, also: tuple[Condition[AuditEvent], ...] = ()) -> All[AuditEvent]:
    """Match one of these activities if it succeeded and meets the conditions `also`."""
    return all_of(Audit.activity.one_of(*activities), Audit.outcome.is_("success"), *also)


CA_POLICY_MADE: Final = (
    "Add conditional access policy",
    "Create conditional access policy",
    "Restore conditional access policy",
    "Restore deleted conditional access policy",
)
"""A policy that is taken out of the recycle bin applies at once, like a new one."""


def ended(*operations: str, also: tuple[Condition[ResourceEvent], ...] = ()) -> All[ResourceEvent]:
    """Match the success of one of these Azure operations: the Activity Log has a record of its start too."""
    return all_of(Resource.operation.one_of(*operations), Resource.outcome.is_("success"), *also)


def done_in(service: str, *activities: str, also: tuple[Condition[AuditEvent], ...] = ()) -> All[AuditEvent]:
    """Match only the record of this service: Core Directory logs each conditional access change a second time."""
    return succeeded(*activities, also=(Audit.service.is_(service), *also))
