"""Records of sign-ins as Entra ID and B2C write them, made by saying only what differs from one of each kind."""

from typing import Final

from responders.detections.samples import ADMINISTRATOR, TENANT
from shared.catalog import Image

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
