"""Break-glass accounts: their use, and changes that could lock them out. These apply whoever did it."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import (
    ACCOUNT_DELETED,
    CA_POLICY_MADE,
    MEMBER_ADDED,
    METHODS_CHANGED,
    OUTSIDE_PIM,
    PASSWORD_CHANGED,
    ROLE_GIVEN,
    ROLE_TAKEN,
    done_in,
)
from responders.detections.directory_samples import EMERGENCY_GROUP, account_record, change
from responders.detections.samples import (
    BREAK_GLASS,
    BY_APP,
    CA_POLICY,
    ca_policy_record,
    ca_policy_twin,
    diagnostic_record,
)
from responders.detections.sign_in_samples import consumer_record, diagnostic_sign_in, privileged_record
from shared.detect.fields import Audit, SignIn
from shared.model.conditions import all_of, any_of
from shared.model.detections import Answer, Detection
from shared.model.events import AuditEvent, Log, SignInEvent
from shared.model.kinds import Image, Risk
from shared.model.privileges import GLOBAL_ADMINISTRATOR

_ROLES: Final = (*ROLE_GIVEN, OUTSIDE_PIM, *ROLE_TAKEN)
_STATE: Final = (
    "Update user",
    "Enable account",
    "Disable account",
    *ACCOUNT_DELETED,
    "Restore user",
    MEMBER_ADDED,
    "Remove member from group",
)
"""Policies may exclude break-glass accounts by a group, so changes of its members count too."""

BREAK_GLASS_USED: Detection[SignInEvent] = Detection(
    id="break-glass-used",
    seed_row="privileged-access/break-glass-used",
    title="Break-glass account signed in or tried to",
    why="The account is for emergencies, and no policy applies to it. Whoever has its password controls the tenant.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=SignIn.account_kind.is_("emergency"),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask everybody who may use the account. If it was none of them, use the other break-glass account to revoke "
        "its sessions and reset its password. Then check what it did."
    ),
    deviates=(
        "Failed attempts count too, because few people should know the account's name. The guide leaves out declared "
        "emergencies. Here a sign-in that was announced in one is paged as well, and the page says who announced it."
    ),
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.BREAK_GLASS,
    hits=(
        privileged_record(0, userId=BREAK_GLASS),
        privileged_record(50126, userId=BREAK_GLASS),
        privileged_record(53003, userId=BREAK_GLASS, createdDateTime="2026-03-17T23:20:11Z"),
        diagnostic_sign_in(privileged_record(50140, userId=BREAK_GLASS.upper())),
        consumer_record(50057, account=BREAK_GLASS, country="US"),
    ),
    misses=(privileged_record(0), privileged_record(53003)),
)

BREAK_GLASS_CHANGED: Detection[AuditEvent] = Detection(
    id="break-glass-changed",
    seed_row="privileged-access/break-glass-changed",
    title="Change or attempted change of a break-glass account",
    why="The account is the way back in when all others are locked out, so an attacker changes it first.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=all_of(
        Audit.activity.one_of(*PASSWORD_CHANGED, *METHODS_CHANGED, *_ROLES, *_STATE),
        Audit.target_account.is_("emergency"),
        any_of(Audit.outcome.is_("success"), Audit.activity.one_of(*PASSWORD_CHANGED, *METHODS_CHANGED)),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask everybody who may use the account. If it was none of them, undo the change with the other break-glass "
        "account."
    ),
    deviates="Failed changes of its password or its sign-in methods count too, because nobody tries them by mistake.",
    techniques=(attack.ACCOUNT_MANIPULATION, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.BREAK_GLASS,
    hits=(
        account_record("Reset password (by admin)", identity=BREAK_GLASS),
        account_record("Admin started password reset", identity=BREAK_GLASS, result="failure"),
        account_record("User deleted security info", identity=BREAK_GLASS, loggedByService="Authentication Methods"),
        account_record("Reset password", identity=BREAK_GLASS),
        account_record("Add FIDO2 security key", identity=BREAK_GLASS, loggedByService="Device Registration Service"),
        account_record("Create application password for user", identity=BREAK_GLASS),
        account_record("Remove role assignment from role definition", identity=BREAK_GLASS),
        account_record("Remove member from role", change("Role.DisplayName", "x"), identity=BREAK_GLASS),
        account_record("Remove member from group", identity=BREAK_GLASS, category="GroupManagement"),
        diagnostic_record(account_record("Enable account", identity=BREAK_GLASS, initiatedBy=BY_APP)),
    ),
    misses=(
        account_record("Reset password (by admin)"),
        account_record("Enable account", identity=BREAK_GLASS, result="failure"),
        account_record("Update StsRefreshTokenValidFrom Timestamp", identity=BREAK_GLASS),
    ),
)


def _policy(users: Image, *, state: str = "enabled") -> Image:
    """Make a policy for these users."""
    return CA_POLICY | {"state": state, "conditions": CA_POLICY["conditions"] | {"users": users}}


_ADDED: Final = "Add conditional access policy"
_UPDATED: Final = "Update conditional access policy"
_ADMINISTRATORS: Final[Image] = {"includeRoles": [GLOBAL_ADMINISTRATOR]}
_HELPDESK: Final[Image] = {"includeRoles": ["729827e3-9c14-49f7-bb1b-9608f156bbb8"]}
_EVERYBODY: Final[Image] = {"includeUsers": ["All"]}
_NOT_THEM: Final[Image] = {"excludeUsers": [BREAK_GLASS]}

BREAK_GLASS_UNPROTECTED: Detection[AuditEvent] = Detection(
    id="break-glass-unprotected",
    seed_row="privileged-access/break-glass-unprotected",
    title="Conditional access policy applies to a break-glass account",
    why=(
        "The policy may require something that isn't available in an emergency. Then nobody can get back into the "
        "tenant."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(
        "Conditional Access",
        *CA_POLICY_MADE,
        _UPDATED,
        also=(Audit.emergency_reach.one_of("reached", "exclusion-lost"),),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Exclude the break-glass accounts from the policy again, or sign in with one of them and check that the policy "
        "still lets it in."
    ),
    deviates=(
        "Applies whoever did it, approved or not, so nothing is put back because of it. If the actor isn't approved, "
        "infrastructure/1 or 3 puts the change back in the same case. The break-glass accounts are taken to be Global "
        "Administrators and members of the configured groups. If another role or group decides whether the policy "
        "applies, that can't be known: then only the loss of an exclusion by name counts. A policy that applied before "
        "and still does raises no case."
    ),
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.BREAK_GLASS,
    hits=(
        ca_policy_record(_UPDATED, old=_policy(_ADMINISTRATORS | _NOT_THEM), new=_policy(_ADMINISTRATORS)),
        ca_policy_record(_UPDATED, old=_policy(_HELPDESK | _NOT_THEM), new=_policy(_HELPDESK)),
        ca_policy_record(
            _UPDATED, old=_policy(_EVERYBODY, state="disabled"), new=_policy(_EVERYBODY), initiatedBy=BY_APP
        ),
        diagnostic_record(ca_policy_record(_ADDED, new=_policy(_EVERYBODY))),
        ca_policy_record("Restore conditional access policy", new=_policy(_EVERYBODY)),
    ),
    misses=(
        ca_policy_record(_ADDED, new=_policy(_EVERYBODY | _NOT_THEM)),
        ca_policy_record(_ADDED, new=_policy(_EVERYBODY | {"excludeGroups": [EMERGENCY_GROUP]})),
        ca_policy_record(_ADDED, new=_policy(_EVERYBODY, state="enabledForReportingButNotEnforced")),
        ca_policy_record(_ADDED, new=_policy(_HELPDESK)),
        ca_policy_record(_ADDED, new=_policy(_EVERYBODY), result="failure"),
        ca_policy_record(_UPDATED, old=_policy(_EVERYBODY), new=_policy(_ADMINISTRATORS)),
        ca_policy_twin("Update policy"),
    ),
)
