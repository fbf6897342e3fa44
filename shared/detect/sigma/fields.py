"""The fields that rules name, by log, in each spelling that public rules have, and how our records answer for them.

Names are compared without case, dots, braces and the envelope's `properties.`: see `answer_for`.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from shared.detect.fields import Audit, Resource, SignIn
from shared.detect.sigma.patterns import Answer, Inexpressible, Listed, Plain, Several, Worded, spelt
from shared.model.conditions import Is, Not
from shared.model.events import Log
from shared.normalize.resources import OUTCOMES

_NOT_KEPT: Final = "records have it, but it isn't kept"
_UNIFIED: Final = "it is of the Office 365 unified audit log, which isn't read: its events are in service auditlogs too"

type Entry = Answer | str
"""How a field answers, or why it can't."""


def _undotted(text: str) -> frozenset[str]:
    """Give an activity also without the full stop that the unified audit log ends its names with."""
    return frozenset({text, text.removesuffix(".")})


def _is_operation(text: str) -> bool:
    return "/" in text


def _is_flag(text: str) -> bool:
    return text in {"true", "false"}


def _is_code(text: str) -> bool:
    return text.isascii() and text.isdigit()


_AUDIT_OUTCOMES: Final = frozenset({"success", "failure", "timeout", "unknownfuturevalue"})
_AUDIT_OUTCOME: Final = Plain(
    field=Audit.outcome,
    spellings=spelt({"succeeded": ("success",), "failed": ("failure",)}),
    is_right=_AUDIT_OUTCOMES.__contains__,
    right="success, failure or timeout",
)
_ACTIVITY: Final = Plain(field=Audit.activity, spellings=_undotted)
_BY_USER: Final = Audit.actor_kind.is_("user")
_BY_APP: Final = Audit.actor_kind.is_("servicePrincipal")
_USER: Final = (Plain(field=Audit.actor_label, only=_BY_USER), Plain(field=Audit.actor, only=_BY_USER))
_APP: Final = (Plain(field=Audit.actor_label, only=_BY_APP), Plain(field=Audit.actor, only=_BY_APP))
_ADDRESS: Final = Plain(field=Audit.address)
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
_DETAILS: Final = Several(parts=(Listed(field=Audit.details),), only_parts=True)

_AUDIT: Final[Mapping[tuple[str, ...], Entry]] = {
    ("activityDisplayName", "operationName", "activityType", "activity", "message"): _ACTIVITY,
    ("category",): Plain(field=Audit.category),
    ("loggedByService", "service"): Plain(field=Audit.service),
    ("result", "status"): _AUDIT_OUTCOME,
    ("resultReason", "resultDescription", "statusReason"): Plain(field=Audit.reason),
    ("initiatedBy", "actor"): Several(
        parts=(Plain(field=Audit.actor_label), Plain(field=Audit.actor), _ADDRESS),
    ),
    ("initiatedBy.user",): Several(parts=_USER),
    ("initiatedBy.user.userPrincipalName",): _USER[0],
    ("initiatedBy.user.id",): _USER[1],
    ("initiatedBy.user.ipAddress", "ipAddress", "callerIpAddress"): _ADDRESS,
    ("initiatedBy.app",): Several(parts=_APP),
    ("initiatedBy.app.displayName",): _APP[0],
    ("initiatedBy.app.servicePrincipalId",): _APP[1],
    ("targetResources",): Several(
        parts=(*_TARGETS, Listed(field=Audit.target_kinds), *_CHANGES),
        only_parts=True,
    ),
    ("target", "targets", "targetUserName"): Several(parts=_TARGETS),
    ("targetResources.id",): Listed(field=Audit.target_ids),
    ("targetResources.displayName",): Listed(field=Audit.target_names),
    ("targetResources.userPrincipalName", "targetUserPrincipalName"): Listed(field=Audit.target_upns),
    ("targetResources.type",): Listed(field=Audit.target_kinds),
    ("targetResources.modifiedProperties", "modifiedProperties"): Several(parts=_CHANGES, only_parts=True),
    ("targetResources.modifiedProperties.displayName", "modifiedProperties.displayName"): _CHANGES[0],
    ("targetResources.modifiedProperties.oldValue", "modifiedProperties.oldValue"): _CHANGES[1],
    ("targetResources.modifiedProperties.newValue", "modifiedProperties.newValue"): _CHANGES[2],
    ("consentContext.isAdminConsent",): Listed(field=Audit.set_properties, key="consentcontext.isadminconsent"),
    ("consentContext.isAppOnly",): Listed(field=Audit.set_properties, key="consentcontext.isapponly"),
    ("consentContext.onBehalfOfAll",): Listed(field=Audit.set_properties, key="consentcontext.onbehalfofall"),
    ("additionalDetails", "additionalDetails.value"): _DETAILS,
    ("additionalDetails.userAgent", "userAgent"): Listed(field=Audit.details, key="user-agent"),
    ("additionalDetails.additionalInfo",): Listed(field=Audit.details, key="additionalinfo"),
    (
        *("aadOperationType", "operationType", "identity", "correlationId", "id", "resultType", "resultSignature"),
        *("initiatedBy.user.displayName", "initiatedBy.app.appId", "initiatedBy.app.servicePrincipalName"),
        *("targetResources.groupType", "additionalDetails.key", "activityDateTime", "timeGenerated", "tenantId"),
    ): _NOT_KEPT,
    ("eventSource", "eventName", "workload", "operation", "recordType"): _UNIFIED,
}

_PROTOCOL: Final = {
    "device code": ("devicecode",),
    "authentication transfer": ("authenticationtransfer",),
    "ropc": ("ropc",),
}
_STATUS: Final = Worded(
    words={
        "success": Is(SignIn.error_code, "0"),
        "failure": Not(SignIn.error_code.one_of("0", "")),
        "mfa denied": SignIn.mfa_answer.one_of("denied", "fraud"),
    },
    parts=Several(parts=(Plain(field=SignIn.failure_reason), Plain(field=SignIn.error_code))),
)

_DEVICE: Final = (
    Plain(field=SignIn.device),
    Plain(field=SignIn.device_name),
    Plain(field=SignIn.device_trust),
    Plain(field=SignIn.browser),
    Plain(field=SignIn.operating_system),
)

_SIGN_IN: Final[Mapping[tuple[str, ...], Entry]] = {
    ("resultType", "errorCode", "status.errorCode"): Plain(
        field=SignIn.error_code,
        spellings=spelt({"success": ("0",)}),
        is_right=_is_code,
        right="an error code, like 50126, or 0 for success",
    ),
    ("status",): _STATUS,
    ("resultDescription", "failureReason", "status.failureReason"): Plain(field=SignIn.failure_reason),
    ("userPrincipalName", "username", "user", "upn"): Plain(field=SignIn.account_label),
    ("userId",): Plain(field=SignIn.account),
    ("ipAddress", "callerIpAddress"): Plain(field=SignIn.address),
    ("location", "location.countryOrRegion", "locationDetails.countryOrRegion", "country"): Plain(field=SignIn.country),
    ("authenticationProtocol",): Plain(field=SignIn.protocol, spellings=spelt(_PROTOCOL)),
    ("message",): Plain(
        field=SignIn.protocol,
        spellings=spelt(_PROTOCOL),
        is_right=frozenset(word for words in _PROTOCOL.values() for word in words).__contains__,
        right="the protocol: Device Code, ROPC or Authentication transfer",
    ),
    ("appId", "applicationId"): Plain(field=SignIn.app_id),
    ("appDisplayName", "applicationName", "application"): Plain(field=SignIn.app_name),
    ("resourceDisplayName",): Plain(field=SignIn.resource_name),
    ("clientAppUsed", "clientApp"): Plain(
        field=SignIn.client_app,
        spellings=spelt(
            {
                "other client": ("other client", "other clients"),
                "imap": ("imap", "imap4"),
                "pop": ("pop", "pop3"),
                "smtp": ("smtp", "authenticated smtp"),
                "mapi": ("mapi", "mapi over http"),
            }
        ),
    ),
    ("conditionalAccessStatus",): Plain(field=SignIn.conditional_access),
    ("authenticationRequirement",): Plain(field=SignIn.requirement),
    ("userAgent",): Plain(field=SignIn.user_agent),
    ("deviceDetail", "deviceInfo"): Several(parts=_DEVICE, only_parts=True),
    ("deviceDetail.deviceId", "deviceId"): Plain(field=SignIn.device),
    ("deviceDetail.displayName",): Plain(field=SignIn.device_name),
    ("deviceDetail.trustType", "trustType"): Plain(field=SignIn.device_trust),
    ("deviceDetail.browser", "browser"): Plain(field=SignIn.browser),
    ("deviceDetail.operatingSystem", "operatingSystem"): Plain(field=SignIn.operating_system),
    ("deviceDetail.isCompliant", "isCompliant"): Plain(
        field=SignIn.device_compliant, is_right=_is_flag, right="true or false"
    ),
    ("deviceDetail.isManaged", "isManaged"): Plain(
        field=SignIn.device_managed, is_right=_is_flag, right="true or false"
    ),
    ("riskState",): Plain(field=SignIn.risk_state),
    ("riskLevelDuringSignIn", "riskLevel"): Plain(field=SignIn.risk_level),
    ("crossTenantAccessType",): Plain(field=SignIn.crossing),
    ("homeTenantId",): Plain(field=SignIn.home_tenant),
    ("resourceTenantId",): Plain(field=SignIn.resource_tenant),
    (
        *(
            "networkLocationDetails",
            "autonomousSystemNumber",
            "isInteractive",
            "authenticationMethodsUsed",
            "mfaDetail",
        ),
        *("riskEventTypes", "riskDetail", "riskLevelAggregated", "location.city", "location.state", "identity"),
        *("correlationId", "id", "timeGenerated", "createdDateTime", "userType", "tokenIssuerType", "category"),
        *("resourceId", "servicePrincipalId", "servicePrincipalName", "operationName"),
    ): _NOT_KEPT,
}

_RESOURCE: Final[Mapping[tuple[str, ...], Entry]] = {
    (
        *("operationName", "operationNameValue", "operationName.value", "authorization.action"),
        *("message", "operation"),
    ): Plain(
        field=Resource.operation,
        is_right=_is_operation,
        right=(
            "an operation of Azure, like Microsoft.Compute/virtualMachines/write;"
            " what happens in the directory is in service auditlogs"
        ),
    ),
    ("activityStatusValue", "activityStatus", "status", "status.value", "resultType", "result"): Plain(
        field=Resource.outcome, spellings=spelt({word: (outcome,) for word, outcome in OUTCOMES.items()})
    ),
    ("resourceProviderValue", "resourceProvider", "resourceProviderName", "resourceProviderName.value"): Plain(
        field=Resource.provider
    ),
    ("resourceId", "resourceUri"): Plain(field=Resource.resource),
    ("subscriptionId",): Plain(field=Resource.subscription),
    ("caller",): Plain(field=Resource.caller),
    ("callerIpAddress", "ipAddress", "httpRequest.clientIpAddress"): Plain(field=Resource.address),
    (
        *("categoryValue", "category", "level", "activitySubstatusValue", "correlationId", "resourceGroup", "claims"),
        *("authorization", "authorization.scope", "eventDataId", "hierarchy", "timeGenerated", "httpRequest"),
    ): _NOT_KEPT,
    ("eventSource", "eventName", "workload", "recordType", "modifiedProperties.newValue"): _UNIFIED,
}

_BY_LOG: Final[Mapping[Log, Mapping[tuple[str, ...], Entry]]] = {
    Log.AUDIT: _AUDIT,
    Log.SIGN_IN: _SIGN_IN,
    Log.RESOURCE: _RESOURCE,
}

_PUNCTUATION: Final = re.compile(r"[^0-9a-z]")


def _key(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower().removeprefix("properties."))


def spellings() -> Iterator[tuple[Log, str, Entry]]:
    """Give every field of the tables in each of its spellings."""
    for log, table in _BY_LOG.items():
        for names, entry in table.items():
            for name in names:
                yield log, name, entry


_ENTRIES: Final[Mapping[tuple[Log, str], tuple[str, Entry]]] = {
    (log, _key(name)): (name, entry) for log, name, entry in spellings()
}


def answer_for(log: Log, name: str) -> Answer:
    """Say how the records of a log answer for a field of this name.

    Raises:
        Inexpressible: they have no such field, or it isn't kept.
    """
    found = _ENTRIES.get((log, _key(name)))
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
