"""Names of activities that several detections share, and conditions that match their success."""

from typing import Final

from shared.detect.fields import Audit
from shared.model.conditions import All, Condition, all_of
from shared.model.events import AuditEvent

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
    PIM_ACTIVATION,
)
"""A directory role assigned, except for `OUTSIDE_PIM`."""

PASSWORD_CHANGED: Final = (
    "Change user password",
    "Reset user password",
    "Reset password (by admin)",
    "Reset password (self-service)",
    "Change password (self-service)",
    "User started password change",
    "Admin started password reset",
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
)
MEMBER_ADDED: Final = "Add member to group"
ACCOUNT_DELETED: Final = ("Delete user", "Hard Delete user")

APP_ROLE_GIVEN: Final = "Add app role assignment to service principal"
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


def done_in(service: str, *activities: str, also: tuple[Condition[AuditEvent], ...] = ()) -> All[AuditEvent]:
    """Match only the record of this service: Core Directory logs each conditional access change a second time."""
    return succeeded(*activities, also=(Audit.service.is_(service), *also))
