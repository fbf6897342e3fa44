"""Break-glass accounts: what may not happen to them, whoever does it."""

from typing import Final

from responders.detections.activities import OUTSIDE_PIM, ROLE_GIVEN, succeeded
from responders.detections.directory_samples import BREAK_GLASS, account_record, change
from responders.detections.samples import BY_APP, diagnostic_record
from shared.catalog import Answer, Detection, Risk
from shared.conditions import Audit
from shared.events import AuditEvent, Log

_PASSWORDS: Final = (
    "Change user password",
    "Reset user password",
    "Reset password (by admin)",
    "Reset password (self-service)",
    "Change password (self-service)",
)
_METHODS: Final = (
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
_ROLES: Final = (
    *ROLE_GIVEN,
    OUTSIDE_PIM,
    "Remove member from role",
    "Remove eligible member from role",
    "Remove member from role in PIM completed (permanent)",
    "Remove member from role in PIM completed (timebound)",
    "Remove eligible member from role in PIM completed (permanent)",
    "Remove eligible member from role in PIM completed (timebound)",
)
_STATE: Final = (
    "Update user",
    "Enable account",
    "Disable account",
    "Delete user",
    "Hard Delete user",
    "Restore user",
    "Add member to group",
    "Remove member from group",
)
"""Policies leave break-glass accounts out by a group, so the group's members count too."""

BREAK_GLASS_CHANGED: Detection[AuditEvent] = Detection(
    id="break-glass-changed",
    seed_row="privileged-access/break-glass-changed",
    title="Break-glass account changed",
    why="It is the way back in when everything else is locked, so it is also what an attacker closes first.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*_PASSWORDS, *_METHODS, *_ROLES, *_STATE, also=(Audit.target_account.is_("emergency"),)),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask all who may use the account. If nobody did this: take it back by the other break-glass account.",
    hits=(
        account_record("Reset password (by admin)", identity=BREAK_GLASS),
        account_record("User deleted security info", identity=BREAK_GLASS, loggedByService="Authentication Methods"),
        account_record("Remove member from role", change("Role.DisplayName", "x"), identity=BREAK_GLASS),
        account_record("Remove member from group", identity=BREAK_GLASS, category="GroupManagement"),
        diagnostic_record(account_record("Enable account", identity=BREAK_GLASS, initiatedBy=BY_APP)),
    ),
    misses=(
        account_record("Reset password (by admin)"),
        account_record("Reset password (by admin)", identity=BREAK_GLASS, result="failure"),
        account_record("Update StsRefreshTokenValidFrom Timestamp", identity=BREAK_GLASS),
    ),
)
