"""Records of sign-ins as Entra ID and B2C write them: each is a complete record with some differences."""

from typing import Final

from responders.detections.directory_samples import CONSUMER, ROLE_HOLDER
from responders.detections.samples import ADMINISTRATOR, TENANT
from shared.model.kinds import Image

AZURE_CLI: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
SUCCESS: Final[Image] = {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None}


def failed(code: int, details: str | None = None) -> Image:
    """Give the status of a sign-in that ended with this code."""
    return {"errorCode": code, "failureReason": "The sign-in failed.", "additionalDetails": details}


def sign_in_record(**differences: object) -> Image:
    """Make a record of Graph's `signIns`: of a privileged account, which conditional access kept out."""
    return {
        "id": "0a4de1f7-93b6-4c28-85da-61e0f7b2c300",
        "createdDateTime": "2026-03-17T09:20:11Z",
        "userDisplayName": "Morgan Moss",
        "userPrincipalName": "morgan@fabrikam.onmicrosoft.com",
        "userId": ADMINISTRATOR,
        "appId": AZURE_CLI,
        "appDisplayName": "Microsoft Azure CLI",
        "ipAddress": "198.51.100.23",
        "isInteractive": True,
        "clientAppUsed": "Mobile Apps and Desktop clients",
        "correlationId": "e81c02b5-6d47-4f3a-9b90-2c75fa1d8e36",
        "conditionalAccessStatus": "failure",
        "resourceDisplayName": "Azure Resource Manager",
        "status": {"errorCode": 53003, "failureReason": "Blocked by Conditional Access.", "additionalDetails": None},
        "deviceDetail": {
            "deviceId": "",
            "displayName": None,
            "operatingSystem": "Windows 10",
            "browser": "Edge 134.0.0",
        },
        "location": {"city": "Utrecht", "state": "Utrecht", "countryOrRegion": "NL"},
    } | differences


def privileged_record(code: int, details: str | None = None, **differences: object) -> Image:
    """Make a sign-in of an account with a privileged role: in working hours and as expected, except for the code."""
    status = failed(code, details) if code else SUCCESS
    return sign_in_record(**{"userId": ROLE_HOLDER, "status": status} | differences)


def consumer_record(code: int, *, account: str = CONSUMER, country: str = "NL", **differences: object) -> Image:
    """Make a sign-in of a customer by the application that B2C's policies sign in with."""
    fields: Image = {
        "userId": account,
        "userDisplayName": "Robin Reyes",
        "userPrincipalName": "robin@fabrikamb2c.onmicrosoft.com",
        "appId": "b5e8d031-7a9c-4f62-8d14-c06e2f9b71a5",
        "appDisplayName": "ProxyIdentityExperienceFramework",
        "resourceDisplayName": "IdentityExperienceFramework",
        "clientAppUsed": "Browser",
        "conditionalAccessStatus": "notApplied",
        "deviceDetail": {"deviceId": "", "displayName": None, "operatingSystem": "Ios 19", "browser": "Mobile Safari"},
        "location": {"city": "", "state": "", "countryOrRegion": country},
        "status": failed(code) if code else SUCCESS,
    }
    return sign_in_record(**fields | differences)


def diagnostic_sign_in(record: Image) -> Image:
    """Wrap a sign-in as diagnostic settings stream it."""
    return {
        "time": record["createdDateTime"],
        "operationName": "Sign-in activity",
        "category": "SignInLogs",
        "tenantId": TENANT,
        "resultType": str(record["status"]["errorCode"]),
        "resultDescription": record["status"]["failureReason"],
        "callerIpAddress": record["ipAddress"],
        "correlationId": record["correlationId"],
        "identity": record["userDisplayName"],
        "location": (record["location"] or {}).get("countryOrRegion"),
        "properties": record,
    }
