"""Risks that Identity Protection sees of privileged and break-glass accounts. Only the audit stream brings them."""

from typing import Final

from responders.detections import attack, references
from responders.detections.directory_samples import COLLEAGUE, ROLE_HOLDER
from responders.detections.samples import BREAK_GLASS, TENANT
from shared.detect.fields import Audit
from shared.model.conditions import All, Not, all_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import Image, Risk
from shared.normalize.risks import RISK_DETECTED, USER_AT_RISK

_AT_RISK: Final = all_of(
    Audit.activity.one_of(RISK_DETECTED, USER_AT_RISK), Audit.risk_state.one_of("atRisk", "confirmedCompromised")
)
_DEVIATES: Final = (
    "Not in the guide. Only the audit stream brings these records (categories UserRiskEvents and RiskyUsers), so there "
    "is no query: in a workspace they are in tables AADUserRiskEvents and AADRiskyUsers."
)


def risk_record(category: str, user: str, *, level: str = "high", state: str = "atRisk") -> Image:
    """Make a record as diagnostic settings stream it, of category UserRiskEvents or RiskyUsers."""
    is_event = category == "UserRiskEvents"
    at = "2026-03-17T09:41:52.318Z"
    said: Image = {
        "riskLevel": level,
        "riskState": state,
        "riskDetail": "none",
        "userDisplayName": "Morgan Moss",
        "userPrincipalName": "morgan@fabrikam.onmicrosoft.com",
    }
    own: Image = {"id": user, "isDeleted": False, "isProcessing": False, "riskLastUpdatedDateTime": at}
    if is_event:
        own = {
            "id": "7d1c52e08ba34f6fb9c4d2f1a6e0735c7d1c52e08ba34f6fb9c4d2f1a6e0735c",
            "requestId": "c2f4e8a1-6d35-4b90-87ec-1a5d9f03b600",
            "correlationId": "5b70d9c4-1e83-4fa6-b2d7-9c04e6f8a315",
            "riskEventType": "unfamiliarFeatures",
            "detectionTimingType": "realtime",
            "activity": "signin",
            "ipAddress": "198.51.100.77",
            "activityDateTime": at,
            "detectedDateTime": at,
            "lastUpdatedDateTime": at,
            "userId": user,
        }
    return {
        "time": at,
        "resourceId": f"/tenants/{TENANT}/providers/microsoft.aadiam",
        "operationName": "User Risk Detection" if is_event else "Risky user",
        "operationVersion": "1.0",
        "category": category,
        "tenantId": TENANT,
        "resultSignature": "None",
        "durationMs": 0,
        "correlationId": "5b70d9c4-1e83-4fa6-b2d7-9c04e6f8a315",
        "Level": 4,
        "properties": own | said,
    }


def _of_privileged(*levels: str) -> All[AuditEvent]:
    return all_of(
        _AT_RISK,
        Not(Audit.target_account.is_("emergency")),
        Audit.target_level.is_("privileged"),
        Audit.risk_level.one_of(*levels),
    )


BREAK_GLASS_AT_RISK: Detection[AuditEvent] = Detection(
    id="break-glass-at-risk",
    seed_row="privileged-access/break-glass-at-risk",
    title="Break-glass account is at risk, as Identity Protection sees it",
    why="Nobody uses the account but in an emergency. Whoever has its password controls the tenant.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=all_of(_AT_RISK, Audit.target_account.is_("emergency")),
    unless_actor_in=None,
    answer=Answer.PAGE,
    one_case_by=(Audit.target,),
    first_step=(
        "Ask everybody who may use the account. If it was none of them, use the other break-glass account to revoke "
        "its sessions and reset its password. Then check what it did."
    ),
    deviates=_DEVIATES,
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.RISK_DETECTIONS,
    hits=(
        risk_record("UserRiskEvents", BREAK_GLASS, level="low"),
        risk_record("UserRiskEvents", BREAK_GLASS.upper(), state="confirmedCompromised"),
        risk_record("RiskyUsers", BREAK_GLASS, level="hidden"),
    ),
    misses=(
        risk_record("UserRiskEvents", BREAK_GLASS, state="remediated"),
        risk_record("RiskyUsers", BREAK_GLASS, level="none", state="dismissed"),
        risk_record("UserRiskEvents", COLLEAGUE),
    ),
)

PRIVILEGED_ACCOUNT_AT_RISK: Detection[AuditEvent] = Detection(
    id="privileged-account-at-risk",
    seed_row="privileged-access/privileged-account-at-risk",
    title="Privileged account is at medium or high risk, as Identity Protection sees it",
    why="Somebody else probably has the account's password or session, and with it what the account may do.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=_of_privileged("medium", "high", "hidden"),
    unless_actor_in=None,
    answer=Answer.PAGE,
    one_case_by=(Audit.target,),
    first_step="Revoke the account's sessions and reset its password. Then ask its owner, and check what it did.",
    deviates=f"{_DEVIATES} Of a tenant without a licence the level is hidden, which counts.",
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.RISK_DETECTIONS,
    hits=(
        risk_record("UserRiskEvents", ROLE_HOLDER, level="medium"),
        risk_record("RiskyUsers", ROLE_HOLDER, state="confirmedCompromised"),
        risk_record("RiskyUsers", ROLE_HOLDER, level="hidden"),
    ),
    misses=(
        risk_record("UserRiskEvents", ROLE_HOLDER, state="confirmedSafe"),
        risk_record("UserRiskEvents", COLLEAGUE),
        risk_record("RiskyUsers", ROLE_HOLDER, level="none", state="none"),
    ),
)

PRIVILEGED_ACCOUNT_AT_LOW_RISK: Detection[AuditEvent] = Detection(
    id="privileged-account-at-low-risk",
    seed_row="privileged-access/privileged-account-at-low-risk",
    title="Privileged account is at low risk, as Identity Protection sees it",
    why="One sign of a stolen account is often nothing. For an administrator it is worth a question.",
    risk=Risk.LOW,
    log=Log.AUDIT,
    when=_of_privileged("low"),
    unless_actor_in=None,
    answer=Answer.PAGE,
    one_case_by=(Audit.target,),
    first_step="Ask the account's owner whether it was he. If not, revoke the sessions and reset the password.",
    deviates=_DEVIATES,
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.RISK_DETECTIONS,
    hits=(risk_record("UserRiskEvents", ROLE_HOLDER, level="low"), risk_record("RiskyUsers", ROLE_HOLDER, level="low")),
    misses=(
        risk_record("UserRiskEvents", ROLE_HOLDER, level="low", state="remediated"),
        risk_record("UserRiskEvents", COLLEAGUE, level="low"),
    ),
)

ACCOUNT_RISK: Final[tuple[AnyDetection, ...]] = (
    BREAK_GLASS_AT_RISK,
    PRIVILEGED_ACCOUNT_AT_RISK,
    PRIVILEGED_ACCOUNT_AT_LOW_RISK,
)
