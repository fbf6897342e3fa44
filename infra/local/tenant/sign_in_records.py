"""Sign-in records as Graph returns them, with what v1.0 leaves out."""

import uuid

from infra.local.tenant.instants import instant
from infra.local.world import Json, Principal

V1_PROPERTIES = frozenset(
    {
        "id",
        "appDisplayName",
        "appId",
        "appliedConditionalAccessPolicies",
        "authenticationAppDeviceDetails",
        "clientAppUsed",
        "conditionalAccessStatus",
        "correlationId",
        "createdDateTime",
        "deviceDetail",
        "homeTenantId",
        "ipAddress",
        "isInteractive",
        "location",
        "resourceDisplayName",
        "resourceId",
        "resourceTenantId",
        "riskDetail",
        "riskEventTypes",
        "riskEventTypes_v2",
        "riskLevelAggregated",
        "riskLevelDuringSignIn",
        "riskState",
        "servicePrincipalId",
        "servicePrincipalName",
        "status",
        "userAgent",
        "userDisplayName",
        "userId",
        "userPrincipalName",
    }
)
"""What v1.0 has of a sign-in, by Microsoft's SDK."""

_PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
_AZURE = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
_REASONS = {
    0: "Other.",
    50074: "Strong Authentication is required.",
    50126: "Error validating credentials due to invalid username or password.",
}


def in_v1(record: Json) -> Json:
    """Give the part of a record that v1.0 shows."""
    return {name: value for name, value in record.items() if name in V1_PROPERTIES}


def sign_in_record(principal: Principal, *, error_code: int = 0, at: int | None = None, **differences: object) -> Json:
    """Make a user's interactive sign-in to the Azure portal, at `at` (ticks) or now; `differences` are its members."""
    created = instant(at)
    step: Json = {
        "authenticationStepDateTime": created,
        "authenticationMethod": "Password",
        "authenticationMethodDetail": "Password in the cloud",
        "succeeded": error_code == 0,
        "authenticationStepResultDetail": None,
        "authenticationStepRequirement": "Primary authentication",
    }
    record: Json = {
        "id": str(uuid.uuid4()),
        "createdDateTime": created,
        "userDisplayName": principal.name,
        "userPrincipalName": principal.upn,
        "userId": principal.id,
        "appId": _PORTAL,
        "appDisplayName": "Azure Portal",
        "ipAddress": principal.ip,
        "clientAppUsed": "Browser",
        "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        "correlationId": str(uuid.uuid4()),
        "conditionalAccessStatus": "notApplied",
        "isInteractive": True,
        "signInEventTypes": ["interactiveUser"],
        "authenticationProtocol": "none",
        "authenticationRequirement": "singleFactorAuthentication",
        "authenticationDetails": [step],
        "incomingTokenType": "none",
        "crossTenantAccessType": "none",
        "homeTenantId": principal.tenant,
        "resourceTenantId": principal.tenant,
        "resourceDisplayName": "Windows Azure Service Management API",
        "resourceId": _AZURE,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes_v2": [],
        "servicePrincipalId": "",
        "servicePrincipalName": None,
        "userType": "member",
        "status": {
            "errorCode": error_code,
            "failureReason": _REASONS.get(error_code, "Other."),
            "additionalDetails": None,
        },
        "deviceDetail": {
            "deviceId": "",
            "displayName": "",
            "operatingSystem": "Windows10",
            "browser": "Edge 131.0.0",
            "isCompliant": False,
            "isManaged": False,
            "trustType": "",
        },
        "location": {
            "city": "Dublin",
            "state": "Dublin",
            "countryOrRegion": "IE",
            "geoCoordinates": {"altitude": None, "latitude": 53.35, "longitude": -6.24},
        },
        "appliedConditionalAccessPolicies": [],
    }
    return record | differences
