"""The guide's table "Privileged accounts": the rows that read the audit log.

Rows 12 and 13, identity providers, are the same events as rows 14 and 15 of "Infrastructure" and declared there, with
the higher of both risks.
"""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import METHODS_CHANGED, PASSWORD_CHANGED, succeeded
from responders.detections.directory_samples import BY_CPIM, COLLEAGUE, ROLE_HOLDER, account_record, change
from responders.detections.privileged_sign_ins import FAILURES, UNUSUAL
from responders.detections.samples import BREAK_GLASS, BY_APP, BY_USER, diagnostic_record
from shared.detect.fields import Audit
from shared.model.conditions import All, Condition, Not, all_of, any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import Image, Risk


def _report(activity: str, **differences: object) -> Image:
    """Make the record of a report, which the account's owner makes in the prompt itself."""
    by_colleague = {"user": BY_USER["user"] | {"id": COLLEAGUE}, "app": None}
    fields = {"loggedByService": "Azure MFA", "initiatedBy": by_colleague}
    return account_record(activity, identity=COLLEAGUE, **fields | differences)


MFA_FRAUD_REPORTED: Detection[AuditEvent] = Detection(
    id="mfa-fraud-reported",
    seed_row="privileged-accounts/7",
    title="Somebody reported a multifactor prompt that they hadn't caused",
    why="Whoever caused the prompt already has the password and may go on until somebody accepts a prompt.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=Audit.activity.one_of(
        "Fraud reported - user is blocked for MFA", "Fraud reported - no action taken", "Suspicious activity reported"
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Revoke the account's sessions and reset its password, because somebody else has it. Then ask its owner."
    ),
    deviates=(
        "The guide names the sign-in log, but these activities are in the audit log. The guide's row is about "
        "privileged accounts. A report by anybody counts here, because the record doesn't say who is privileged. The "
        "record names the person who reported the prompt, not the attacker, so nothing is put back."
    ),
    techniques=(attack.MFA_REQUEST_GENERATION,),
    reference=references.MFA_REPORTS,
    hits=(
        _report("Fraud reported - user is blocked for MFA"),
        _report("Fraud reported \N{EN DASH} no action taken"),
        diagnostic_record(_report("Suspicious activity reported")),
        _report("Suspicious activity reported", result="failure"),
    ),
    misses=(
        _report("User registered security info"),
        _report("Fraud report settings changed"),
    ),
)


def _on_privileged(*activities: str) -> All[AuditEvent]:
    """Match an account that is or may be privileged. Break-glass accounts have a detection of their own."""
    may_be: Condition[AuditEvent] = all_of(Audit.target_level.is_("unknown"), Not(Audit.actor_service.is_("cpim")))
    return all_of(
        Audit.activity.one_of(*activities),
        Not(Audit.target_account.is_("emergency")),
        any_of(Audit.target_level.is_("privileged"), may_be),
    )


_WHILE_UNKNOWN: Final = (
    "While it isn't known who is privileged, every account counts, except for what CPIM Service (recognised by its "
    "object id) does to customers' accounts all day. Break-glass accounts are left to break-glass-changed."
)

PRIVILEGED_PASSWORD_CHANGED: Detection[AuditEvent] = Detection(
    id="privileged-password-changed",
    seed_row="privileged-accounts/10",
    title="Password change or attempted change on an account that is or may be privileged",
    why="Whoever sets an administrator's password can sign in as that administrator and locks them out.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=_on_privileged(*PASSWORD_CHANGED),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask the account's owner by phone. If it wasn't them, revoke the account's sessions and block its sign-in."
    ),
    deviates=f"The guide asks for both outcomes and names no activities. {_WHILE_UNKNOWN}",
    techniques=(attack.ACCOUNT_MANIPULATION, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.AUDIT_ACTIVITIES,
    hits=(
        account_record("Reset password (by admin)", identity=ROLE_HOLDER),
        account_record("Change password (self-service)", identity=ROLE_HOLDER, result="failure"),
        account_record("Reset user password", identity=ROLE_HOLDER, initiatedBy=BY_CPIM),
        diagnostic_record(account_record("Admin started password reset ", identity=ROLE_HOLDER, initiatedBy=BY_APP)),
    ),
    misses=(
        account_record("Reset password (by admin)", identity=COLLEAGUE),
        account_record("Reset password (by admin)", identity=BREAK_GLASS),
        account_record("Update PasswordProfile", identity=ROLE_HOLDER),
    ),
)

_REQUIRED: Final[Image] = {"RelyingParty": "*", "State": 1, "RememberDevicesNotIssuedBefore": "2026-02-03T07:41:09Z"}
_PHONE: Final[Image] = {
    "DeviceName": "Pixel 9",
    "DeviceTag": "SoftwareTokenActivated",
    "Id": "5f0b1d97-3c6e-4a28-9d41-e0b7c8f2a365",
    "AuthenticationType": 3,
    "LastAuthenticatedTimestamp": "2026-03-16T08:02:11.1Z",
}
_PHONE_LATER: Final[Image] = _PHONE | {"LastAuthenticatedTimestamp": "2026-03-17T08:01:43.7Z"}
_OTHER_PHONE: Final[Image] = _PHONE | {"Id": "c2d94e70-81b5-4f36-a7e9-06d3f5b1c824", "DeviceName": "iPhone"}


def _phone_apps(*phones: Image, before: tuple[Image, ...]) -> Image:
    return change("StrongAuthenticationPhoneAppDetail", list(before), list(phones))


PRIVILEGED_METHODS_CHANGED: Detection[AuditEvent] = Detection(
    id="privileged-methods-changed",
    seed_row="privileged-accounts/11",
    title="Change or attempted change of sign-in methods on an account that is or may be privileged",
    why=(
        "Whoever adds a sign-in method of their own passes multifactor authentication, even after the password is "
        "reset."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=any_of(
        _on_privileged(*METHODS_CHANGED),
        succeeded(
            "Update user",
            also=(
                Audit.strong_authentication.is_("changed"),
                Audit.target_level.is_("privileged"),
                Not(Audit.target_account.is_("emergency")),
            ),
        ),
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask the account's owner by phone. If it wasn't them, delete the method and revoke the account's sessions."
    ),
    deviates=(
        'The guide prints "Create identity provider", which is infrastructure/13; its own source has the service '
        "Authentication Methods in this row. Failures by privileged accounts are kept. Passkeys, Windows Hello, app "
        "passwords and what a record of the account itself says of its second factors count too, but not the time of "
        f"the last sign-in that an authenticator app writes there. {_WHILE_UNKNOWN}"
    ),
    techniques=(attack.DEVICE_REGISTRATION, attack.MODIFY_MULTI_FACTOR_AUTHENTICATION),
    reference=references.AUDIT_ACTIVITIES,
    hits=(
        account_record("User registered security info", identity=ROLE_HOLDER, loggedByService="Authentication Methods"),
        account_record("Admin deleted security info", identity=ROLE_HOLDER, loggedByService="Authentication Methods"),
        account_record("Disable Strong Authentication", identity=ROLE_HOLDER),
        account_record(
            "Add Passkey (device-bound)", identity=ROLE_HOLDER, loggedByService="Device Registration Service"
        ),
        account_record("Create application password for user", identity=ROLE_HOLDER),
        account_record("Update user", change("StrongAuthenticationRequirement", [_REQUIRED], []), identity=ROLE_HOLDER),
        account_record("Update user", _phone_apps(_PHONE, _OTHER_PHONE, before=(_PHONE,)), identity=ROLE_HOLDER),
        diagnostic_record(account_record("User updated security info", identity=ROLE_HOLDER, result="failure")),
    ),
    misses=(
        account_record("User registered security info", identity=COLLEAGUE),
        account_record("User deleted security info", identity=BREAK_GLASS),
        account_record("User started security info registration", identity=ROLE_HOLDER),
        account_record("Update user", _phone_apps(_PHONE_LATER, before=(_PHONE,)), identity=ROLE_HOLDER),
        account_record("Update user", change("JobTitle", ["Clerk"], ["Head clerk"]), identity=ROLE_HOLDER),
    ),
)

PRIVILEGED_ACCOUNTS: Final[tuple[AnyDetection, ...]] = (
    *FAILURES,
    MFA_FRAUD_REPORTED,
    *UNUSUAL,
    PRIVILEGED_PASSWORD_CHANGED,
    PRIVILEGED_METHODS_CHANGED,
)
