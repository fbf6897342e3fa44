"""The guide's table "Privileged accounts", as far as the audit log alone tells.

Rows 12 and 13, identity providers, are rows 14 and 15 of "Infrastructure": one event each, with the higher risk.
"""

from typing import Final

from responders.detections.directory_samples import COLLEAGUE, account_record
from responders.detections.samples import BY_USER, diagnostic_record
from shared.catalog import Answer, AnyDetection, Detection, Image, Risk
from shared.conditions import Audit
from shared.events import AuditEvent, Log


def _report(activity: str, **differences: object) -> Image:
    """Make the record of a report, which the account's owner makes in the prompt itself."""
    by_colleague = {"user": BY_USER["user"] | {"id": COLLEAGUE}, "app": None}
    fields = {"loggedByService": "Azure MFA", "initiatedBy": by_colleague}
    return account_record(activity, identity=COLLEAGUE, **fields | differences)


MFA_FRAUD_REPORTED: Detection[AuditEvent] = Detection(
    id="mfa-fraud-reported",
    seed_row="privileged-accounts/7",
    title="Somebody reported a multifactor prompt that they hadn't asked for",
    why="Whoever caused the prompt has the password already, and goes on until somebody gives in.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=Audit.activity.one_of(
        "Fraud reported - user is blocked for MFA", "Fraud reported - no action taken", "Suspicious activity reported"
    ),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Revoke the account's sessions and reset its password: somebody else has it. Then ask its owner.",
    deviates=(
        "The guide names the sign-in log; these are activities of the audit log. Its row is about privileged accounts; "
        "a report by anybody counts, since the log of that minute doesn't tell who is privileged. It names the one who "
        "reported, not the attacker, so nothing is done without a person."
    ),
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

PRIVILEGED_ACCOUNTS: Final[tuple[AnyDetection, ...]] = (MFA_FRAUD_REPORTED,)
