"""Records as Azure writes them, for detections' hits and misses: each is a complete record with some differences."""

import json
from collections.abc import Mapping
from typing import Any, Final

from shared.model.kinds import Image

TENANT: Final = "9c7d2b54-6f0e-4a38-b1d9-e52f83c60a17"
SUBSCRIPTION: Final = "3e81f6a0-27bc-4d95-8c43-07d1a9e4b652"
ADMINISTRATOR: Final = "d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3"
PIPELINE: Final = "68f3c9d1-0b4e-4e7a-a526-c98d07e31f4b"
BREAK_GLASS: Final = "86f1d3a9-c27e-4b08-95d4-e0a7b3c6f512"

OWN_GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-responder"
OWN_IDENTITY: Final = "b8a3f1d6-70c4-4e29-95b7-e2d60f84c135"
OPERATORS_APP: Final = "6e17c0b9-d5a2-4f83-8b40-29e7f3a1c6d8"
"""Of the app itself, in the tenant that the records are from: its resource group, its identity, its registration."""

BY_USER: Final[Image] = {
    "user": {
        "id": ADMINISTRATOR,
        "displayName": None,
        "userPrincipalName": "morgan@fabrikam.onmicrosoft.com",
        "ipAddress": "198.51.100.23",
        "userType": None,
        "homeTenantId": None,
        "homeTenantName": None,
    },
    "app": None,
}
BY_APP: Final[Image] = {
    "app": {
        "appId": None,
        "displayName": "deployment-pipeline",
        "servicePrincipalId": PIPELINE,
        "servicePrincipalName": None,
    }
}
"""Core Directory leaves `appId` null and the user out."""

CA_POLICY: Final[Image] = {
    "id": "1f6e0d3b-74a9-4c52-8e1d-90b2c7f5a864",
    "displayName": "Require multifactor authentication for administrators",
    "createdDateTime": "2026-02-03T07:41:09.5120881+00:00",
    "state": "enabled",
    "conditions": {
        "applications": {"includeApplications": ["All"], "excludeApplications": []},
        "users": {
            "includeUsers": [],
            "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"],
            "excludeUsers": [BREAK_GLASS],
        },
        "clientAppTypes": ["all"],
    },
    "grantControls": {
        "operator": "OR",
        "builtInControls": ["mfa"],
        "customAuthenticationFactors": [],
        "termsOfUse": [],
    },
}
NAMED_LOCATION: Final[Image] = {
    "id": "6b0d2e91-c5f8-4a37-92d6-e1f4837ca05b",
    "displayName": "Offices",
    "createdDateTime": "2026-02-03T07:38:22.0914633+00:00",
    "modifiedDateTime": "2026-02-03T07:38:22.0914633+00:00",
    "isTrusted": True,
    "ipRanges": [{"cidrAddress": "192.0.2.0/24"}],
}
AUTHENTICATION_STRENGTH: Final[Image] = {
    "id": "a92f7c04-5e1b-4d68-83c9-0b6d41e7f2a5",
    "displayName": "Security keys",
    "description": "For administrators",
    "createdDateTime": "2026-02-03T07:39:48.7724016+00:00",
    "modifiedDateTime": "2026-02-03T07:39:48.7724016+00:00",
    "policyType": "custom",
    "requirementsSatisfied": "mfa",
    "allowedCombinations": ["fido2"],
    "combinationConfigurations": [],
}
AUTHENTICATION_CONTEXT: Final[Image] = {
    "id": "c7",
    "displayName": "Payroll",
    "description": "Needs a security key",
    "isAvailable": True,
}
CUSTOM_POLICY: Final = "B2C_1A_SignUpOrSignIn"
ROLE_ASSIGNMENT: Final = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/"
    "5a90e7c2-d163-4b8f-87e4-2c60f1b3d975"
)


def audit_record(activity: str, **differences: object) -> Image:
    """Make a record of Graph's `directoryAudits`, of a user's activity; `differences` are its members by name."""
    return {
        "id": "Directory_7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23_K2QWX_83145207",
        "category": "Policy",
        "correlationId": "7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23",
        "result": "success",
        "resultReason": "",
        "activityDisplayName": activity,
        "activityDateTime": "2026-03-17T09:24:51.0384152Z",
        "loggedByService": "Core Directory",
        "operationType": activity.strip().split(" ", maxsplit=1)[0],
        "initiatedBy": BY_USER,
        "targetResources": [],
        "additionalDetails": [{"key": "User-Agent", "value": "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0"}],
    } | differences


def ca_policy_record(
    activity: str, *, old: Image | None = None, new: Image | None = None, **differences: object
) -> Image:
    """Make the record of service Conditional Access: the policy as it was and is, each as JSON in a string."""
    change = {"displayName": "ConditionalAccessPolicy", "oldValue": _json(old), "newValue": _json(new)}
    return _conditional_access_record(activity, CA_POLICY, change, differences)


def _conditional_access_record(activity: str, known: Image, change: Image, differences: dict[str, object]) -> Image:
    return audit_record(
        activity,
        **{
            "id": "IPCGraph_7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23_P4DZN_51760338",
            "loggedByService": "Conditional Access",
            "targetResources": [_target(known["id"], known["displayName"], "Policy", change)],
            "additionalDetails": [{"key": "Category", "value": "Conditional Access"}],
        }
        | differences,
    )


def ca_policy_twin(activity: str) -> Image:
    """Make the record that Core Directory writes of the same change, with the same correlation id."""
    change = {"displayName": "Included Updated Properties", "oldValue": None, "newValue": '"PolicyDetail"'}
    return audit_record(activity, targetResources=[_target(CA_POLICY["id"], None, "Policy", change)])


def named_location_record(
    activity: str, *, old: Image | None = None, new: Image | None = None, **differences: object
) -> Image:
    """Make the record of a named location, as of a policy; in which property the location stands isn't documented."""
    change = {"displayName": "NamedLocation", "oldValue": _json(old), "newValue": _json(new)}
    return _conditional_access_record(activity, NAMED_LOCATION, change, differences)


def authentication_context_record(
    activity: str, *, old: Image | None = None, new: Image | None = None, **differences: object
) -> Image:
    """Make the record of an authentication context, as of a policy."""
    change = {"displayName": "AuthenticationContext", "oldValue": _json(old), "newValue": _json(new)}
    return _conditional_access_record(activity, AUTHENTICATION_CONTEXT, change, differences)


def authentication_strength_record(
    activity: str, *, old: Image | None = None, new: Image | None = None, **differences: object
) -> Image:
    """Make the record of an authentication strength, which its own service writes."""
    change = {"displayName": "AuthenticationStrengthPolicy", "oldValue": _json(old), "newValue": _json(new)}
    target = _target(AUTHENTICATION_STRENGTH["id"], AUTHENTICATION_STRENGTH["displayName"], "Policy", change)
    return audit_record(
        activity,
        **{
            "id": "AuthenticationMethods_7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23_R9HWX_20418873",
            "category": "ApplicationManagement",
            "loggedByService": "Authentication Methods",
            "targetResources": [target],
        }
        | differences,
    )


def custom_policy_record(activity: str, **differences: object) -> Image:
    """Make one of the two records, 50 ms apart, that B2C writes of a change of a custom policy."""
    details = {"TenantId": "fabrikamb2c.onmicrosoft.com", "PolicyId": CUSTOM_POLICY}
    return audit_record(
        activity,
        **{
            "id": "B2C_KJ7PQ_6120944",
            "category": "ResourceManagement",
            "loggedByService": "B2C",
            "targetResources": [_target(CUSTOM_POLICY, CUSTOM_POLICY, "Other")],
            "additionalDetails": [{"key": key, "value": value} for key, value in details.items()],
        }
        | differences,
    )


def diagnostic_record(record: Image) -> Image:
    """Wrap a record as diagnostic settings stream it: another category, another spelling of UTC."""
    return {
        "time": record["activityDateTime"],
        "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam",
        "operationName": record["activityDisplayName"],
        "operationVersion": "1.0",
        "category": "AuditLogs",
        "tenantId": TENANT,
        "resultSignature": "None",
        "durationMs": 0,
        "correlationId": record["correlationId"],
        "Level": 4,
        "properties": record | {"activityDateTime": record["activityDateTime"].replace("Z", "+00:00")},
    }


_IDENTITY_CLAIMS = "http://schemas.microsoft.com/identity/claims/"
_PERSON_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

USER_CLAIMS: Final[Mapping[str, str]] = {
    "aud": "https://management.azure.com/",
    "appid": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
    "http://schemas.microsoft.com/claims/authnmethodsreferences": "pwd,mfa",
    "ipaddr": "198.51.100.23",
    "name": "Morgan Moss",
    f"{_IDENTITY_CLAIMS}objectidentifier": ADMINISTRATOR,
    f"{_IDENTITY_CLAIMS}scope": "user_impersonation",
    f"{_IDENTITY_CLAIMS}tenantid": TENANT,
    f"{_PERSON_CLAIMS}upn": "morgan@fabrikam.onmicrosoft.com",
}
APP_CLAIMS: Final[Mapping[str, str]] = {
    "aud": "https://management.azure.com/",
    "appid": "0d9b5e37-61c8-42fa-b7a4-e3f5c2918d06",
    "appidacr": "2",
    "idtyp": "app",
    f"{_IDENTITY_CLAIMS}objectidentifier": PIPELINE,
    f"{_IDENTITY_CLAIMS}tenantid": TENANT,
}
CALLERS_ROLE: Final[Image] = {
    "role": "Owner",
    "roleAssignmentScope": f"/subscriptions/{SUBSCRIPTION}",
    "roleAssignmentId": "b7e2405f9c314ad88f60d1c3e5a97b24",
    "roleDefinitionId": "8e3af657a8ff443ca75c2fe8c4bcb635",
    "principalId": ADMINISTRATOR.replace("-", ""),
    "principalType": "User",
}
"""The role by which the caller could do it, not the role that was assigned."""


def event_grid_record(operation: str, **differences: object) -> Image:
    """Make a subscription's event about a role assignment, in Event Grid's own schema; `data` has the differences."""
    ending = "Delete" if operation.lower().endswith("delete") else "Write"
    return {
        "id": "e2b64a19-05cf-4d73-92b8-7fd0c3a815e6",
        "topic": f"/subscriptions/{SUBSCRIPTION}",
        "subject": ROLE_ASSIGNMENT,
        "eventType": f"Microsoft.Resources.Resource{ending}Success",
        "eventTime": "2026-03-17T09:24:52.6170943Z",
        "data": {
            "authorization": {"scope": ROLE_ASSIGNMENT, "action": operation, "evidence": CALLERS_ROLE},
            "claims": dict(USER_CLAIMS),
            "correlationId": "c5d80f72-419b-4a6e-b3c7-08e92d61fa5d",
            "httpRequest": {"clientIpAddress": "198.51.100.23", "method": "PUT"},
            "resourceProvider": "Microsoft.Authorization",
            "resourceUri": ROLE_ASSIGNMENT,
            "operationName": operation,
            "status": "Succeeded",
            "subscriptionId": SUBSCRIPTION,
            "tenantId": TENANT,
        }
        | differences,
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def cloud_event_record(operation: str, **differences: object) -> Image:
    """Make the same event in the CloudEvents schema."""
    event = event_grid_record(operation, **differences)
    return {
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "specversion": "1.0",
        "data": event["data"],
    }


def activity_log_record(operation: str, *, status: str = "Succeeded", **differences: object) -> Image:
    """Make an Activity Log record about a role assignment; each operation has one for its start and one for its end."""
    return {
        "authorization": {"action": operation, "scope": ROLE_ASSIGNMENT, "evidence": CALLERS_ROLE},
        "caller": "morgan@fabrikam.onmicrosoft.com",
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "claims": dict(USER_CLAIMS),
        "correlationId": "c5d80f72-419b-4a6e-b3c7-08e92d61fa5d",
        "eventDataId": "94c3e1d8-7ab0-4f56-85d2-b60f2e9c713a",
        "eventTimestamp": "2026-03-17T09:24:52.6170943Z",
        "httpRequest": {"clientIpAddress": "198.51.100.23", "method": "PUT"},
        "operationName": {"value": operation, "localizedValue": "Create role assignment"},
        "properties": {"eventCategory": "Administrative", "entity": ROLE_ASSIGNMENT},
        "resourceId": ROLE_ASSIGNMENT,
        "status": {"value": status, "localizedValue": status},
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    } | differences


def exported_activity_record(operation: str, *, result_type: str = "Success") -> Image:
    """Make the same record as diagnostic settings export it, with operation and resource in capitals."""
    return {
        "time": "2026-03-17T09:24:52.6170943Z",
        "resourceId": ROLE_ASSIGNMENT.upper(),
        "operationName": operation.upper(),
        "category": "Administrative",
        "resultType": result_type,
        "resultSignature": "Succeeded.Created" if result_type == "Success" else f"{result_type}ed.",
        "durationMs": "412",
        "callerIpAddress": "198.51.100.23",
        "correlationId": "c5d80f72-419b-4a6e-b3c7-08e92d61fa5d",
        "identity": {
            "authorization": {"scope": ROLE_ASSIGNMENT, "action": operation, "evidence": CALLERS_ROLE},
            "claims": dict(USER_CLAIMS),
        },
        "level": "Information",
        "properties": {"eventCategory": "Administrative", "entity": ROLE_ASSIGNMENT, "requestbody": "{}"},
        "tenantId": TENANT,
    }


def _target(identity: str, name: str | None, kind: str, *changes: Image) -> Image:
    return {
        "id": identity,
        "displayName": name,
        "type": kind,
        "userPrincipalName": None,
        "groupType": None,
        "modifiedProperties": list(changes),
    }


def _json(value: Any) -> str | None:  # noqa: ANN401 - anything that JSON can say
    return None if value is None else json.dumps(value, separators=(",", ":"))
