"""The fields that rules name, by log, and how our records answer for them.

What rules call a single field is in its declaration (`Text.sigma`). Here are the names that stand for several fields at
once, or for a field of some records only, and those that can't be answered. Names are compared without case, dots,
braces and the envelope's `properties.`: see `answer_for`.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.detect.fields import Audit, SignIn
from shared.detect.fields.by_log import FIELDS
from shared.detect.sigma.patterns import Answer, Inexpressible, Listed, Plain, Several, Worded
from shared.model.conditions import Condition, Contains, Is, Not, SigmaNames, Text, all_of, any_of
from shared.model.events import Log

_NOT_KEPT: Final = "records have it, but it isn't kept"
_UNIFIED: Final = "it is of the Office 365 unified audit log, which isn't read: its events are in service auditlogs too"

type Entry = Answer | str
"""How a field answers, or why it can't."""

_BY_USER: Final = Audit.actor_kind.is_("user")
_BY_APP: Final = Audit.actor_kind.is_("servicePrincipal")
_USER: Final = (Plain(field=Audit.actor_label, only=_BY_USER), Plain(field=Audit.actor, only=_BY_USER))
_APP: Final = (Plain(field=Audit.actor_label, only=_BY_APP), Plain(field=Audit.actor, only=_BY_APP))
_TARGETS: Final = (
    Listed(field=Audit.target_ids),
    Listed(field=Audit.target_names),
    Listed(field=Audit.target_upns),
)
_CHANGES: Final = (
    Listed(field=Audit.changed_properties),
    Listed(field=Audit.old_values, in_quotes=True),
    Listed(field=Audit.new_values, in_quotes=True),
)

_AUDIT: Final[Mapping[tuple[str, ...], Entry]] = {
    ("initiatedBy", "actor"): Several(
        parts=(Plain(field=Audit.actor_label), Plain(field=Audit.actor), Plain(field=Audit.address)),
    ),
    ("initiatedBy.user",): Several(parts=_USER),
    ("initiatedBy.user.userPrincipalName",): _USER[0],
    ("initiatedBy.user.id",): _USER[1],
    ("initiatedBy.app",): Several(parts=_APP),
    ("initiatedBy.app.displayName",): _APP[0],
    ("initiatedBy.app.servicePrincipalId",): _APP[1],
    ("targetResources",): Several(
        parts=(*_TARGETS, Listed(field=Audit.target_kinds), *_CHANGES),
        only_parts=True,
    ),
    ("target", "targets", "targetUserName"): Several(parts=_TARGETS),
    ("targetResources.modifiedProperties", "modifiedProperties"): Several(parts=_CHANGES, only_parts=True),
    ("additionalDetails", "additionalDetails.value"): Several(parts=(Listed(field=Audit.details),), only_parts=True),
    (
        *("aadOperationType", "operationType", "identity", "correlationId", "id", "resultType", "resultSignature"),
        *("initiatedBy.user.displayName", "initiatedBy.app.appId", "initiatedBy.app.servicePrincipalName"),
        *("targetResources.groupType", "additionalDetails.key", "activityDateTime", "timeGenerated", "tenantId"),
    ): _NOT_KEPT,
    ("eventSource", "eventName", "workload", "operation", "recordType"): _UNIFIED,
}

_SIGN_IN: Final[Mapping[tuple[str, ...], Entry]] = {
    ("status",): Worded(
        words={
            "success": Is(SignIn.error_code, "0"),
            "failure": Not(SignIn.error_code.one_of("0", "")),
            "mfa denied": SignIn.mfa_answer.one_of("denied", "fraud"),
        },
        parts=Several(parts=(Plain(field=SignIn.failure_reason), Plain(field=SignIn.error_code))),
    ),
    ("deviceDetail", "deviceInfo"): Several(
        parts=(
            Plain(field=SignIn.device),
            Plain(field=SignIn.device_name),
            Plain(field=SignIn.device_trust),
            Plain(field=SignIn.browser),
            Plain(field=SignIn.operating_system),
        ),
        only_parts=True,
    ),
    (
        *("networkLocationDetails", "autonomousSystemNumber", "isInteractive", "authenticationMethodsUsed"),
        *("mfaDetail", "riskDetail", "riskLevelAggregated", "location.state"),
        *("identity", "correlationId", "id", "timeGenerated", "createdDateTime", "userType", "tokenIssuerType"),
        *("category", "resourceId", "servicePrincipalId", "servicePrincipalName", "operationName"),
    ): _NOT_KEPT,
}

_RESOURCE: Final[Mapping[tuple[str, ...], Entry]] = {
    (
        *("categoryValue", "category", "level", "activitySubstatusValue", "correlationId", "resourceGroup", "claims"),
        *("authorization", "authorization.scope", "eventDataId", "hierarchy", "timeGenerated", "httpRequest"),
    ): _NOT_KEPT,
    ("eventSource", "eventName", "workload", "recordType", "modifiedProperties.newValue"): _UNIFIED,
}

_BEYOND_FIELDS: Final[Mapping[Log, Mapping[tuple[str, ...], Entry]]] = {
    Log.AUDIT: _AUDIT,
    Log.SIGN_IN: _SIGN_IN,
    Log.RESOURCE: _RESOURCE,
}


PIM: Final = "pim"
"""The service of rules about alerts of Privileged Identity Management, of which the audit log tells."""

_TRIGGERED: Final = Audit.activity.is_("Triggered PIM alert")
_ALERTS: Final[Mapping[str, tuple[str, ...]]] = {
    "invalidLicense": ("microsoft entra id p2", "premium p2"),
    "noMfaOnRoleActivation": ("authentication for activation",),
    "redundantAssignment": ("using their privileged role", "activating their privileged role"),
    "rolesAssignedOutsidePrivilegedIdentityManagement": (
        "assigned outside of privileged identity management",
        "assigned outside of pim",
    ),
    "sequentialActivationRenewals": ("activated too frequently",),
    "staleSignIn": ("stale accounts in a privileged role",),
    "tooManyGlobalAdminsAssignedToTenant": ("too many global administrators",),
}
"""Graph's names of the alerts, with what their titles hold, in the words of the years:
learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-how-to-configure-security-alerts."""

_ALERT_WORDS: Final[Mapping[str, Condition[Any]]] = {
    f"{name}{ending}".lower(): all_of(_TRIGGERED, any_of(*(Contains(Audit.target_names, title) for title in titles)))
    for name, titles in _ALERTS.items()
    for ending in ("AlertIncident", "AlertConfiguration")
}
RISK_DETECTION: Final = "riskdetection"
"""The service of rules about what Identity Protection detects, as far as the records of sign-ins name it."""

_SIGN_IN_RISKS: Final = """
adminConfirmedUserCompromised anomalousToken anonymizedIPAddress generic investigationsThreatIntelligence
maliciousIPAddress malwareInfectedIPAddress mcasFinSuspiciousFileAccess mcasImpossibleTravel
mcasSuspiciousInboxManipulationRules nationStateIP newCountry passwordSpray riskyIPAddress suspiciousBrowser
suspiciousInboxForwarding suspiciousIPAddress tokenIssuerAnomaly unfamiliarFeatures unlikelyTravel
"""
"""The risk detections that are tied to sign-ins; those of a user, like leakedCredentials, are in no record of one:
learn.microsoft.com/entra/id-protection/concept-identity-protection-risks."""

_OF_SERVICES: Final[Mapping[str, Mapping[str, Entry]]] = {
    PIM: {"riskeventtype": Worded(words=_ALERT_WORDS)},
    RISK_DETECTION: {
        "riskeventtype": Worded(
            words={name.lower(): Contains(SignIn.risk_events, f"\n{name.lower()}\n") for name in _SIGN_IN_RISKS.split()}
        ),
    },
}
"""Fields of services whose records are told by a log that has other fields besides."""


def _answer_of(field: Text[Any], sigma: SigmaNames) -> Answer:
    """Make the answer of a single field under one of its names in Sigma."""
    if field.is_list:
        return Listed(field=field, key=sigma.key, in_quotes=sigma.in_quotes)
    return Plain(field=field, spellings=sigma.spellings, is_right=sigma.is_right, right=sigma.right)


def spellings() -> Iterator[tuple[Log, str, Entry]]:
    """Give every name that is known, in each of its spellings, with its answer."""
    for log, fields in FIELDS.items():
        for field in fields.values():
            for sigma in field.sigma:
                answer = _answer_of(field, sigma)
                for name in sigma.names:
                    yield log, name, answer
        for names, entry in _BEYOND_FIELDS[log].items():
            for name in names:
                yield log, name, entry


_PUNCTUATION: Final = re.compile(r"[^0-9a-z]")


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower().removeprefix("properties."))


_ENTRIES: Final[Mapping[tuple[Log, str], tuple[str, Entry]]] = {
    (log, _key(name)): (name, entry) for log, name, entry in spellings()
}


def answer_for(log: Log, name: str, *, service: str = "") -> Answer:
    """Say how the records of a log answer for a field of this name, or those of one of its services alone.

    Raises:
        Inexpressible: they have no such field, or it isn't kept.
    """
    found = _ENTRIES.get((log, _key(name)))
    if service in _OF_SERVICES:
        of_service = _OF_SERVICES[service]
        if _key(name) not in of_service:
            raise Inexpressible(f"of service {service}, {', '.join(of_service)} can be asked for, and not {name!r}")
        found = (name, of_service[_key(name)])
    if found is None:
        raise Inexpressible(f"no {log} record has a field {name!r}{_near(log, name)}")
    _, entry = found
    if isinstance(entry, str):
        raise Inexpressible(f"field {name!r}: {entry}")
    return entry


def _near(log: Log, name: str) -> str:
    known = {
        key: spelling for (of, key), (spelling, entry) in _ENTRIES.items() if of is log and not isinstance(entry, str)
    }
    near = difflib.get_close_matches(_key(name), known, n=1)
    return f"; is {known[near[0]]} meant?" if near else ""
