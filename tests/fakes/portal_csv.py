"""Writes records of Graph as the portal downloads them: a CSV file, with what fits into its columns."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from tests.fakes.kql_rows import Json

AUDIT_HEADINGS: Final = (
    *("Date (UTC)", "CorrelationId", "Service", "Category", "Activity", "Result", "ResultReason", "User Agent"),
    *("ActorType", "ActorDisplayName", "ActorObjectId", "ActorUserPrincipalName", "IPAddress", "ActorHomeTenantId"),
    *("ActorHomeTenantName", "ActorServicePrincipalId", "ActorServicePrincipalName"),
    *(
        f"Target{target}{column}"
        for target in (1, 2, 3)
        for column in (
            *("Type", "DisplayName", "ObjectId", "UserPrincipalName"),
            *(f"ModifiedProperty{place}{part}" for place in range(1, 6) for part in ("Name", "OldValue", "NewValue")),
        )
    ),
    *(f"AdditionalDetail{place}{part}" for place in range(1, 7) for part in ("Key", "Value")),
)
SIGN_IN_HEADINGS: Final = (
    *("Date (UTC)", "Request ID", "User agent", "Correlation ID", "User ID", "User", "Username", "User type"),
    *("Cross tenant access type", "Incoming token type", "Authentication Protocol", "Application", "Application ID "),
    *("Resource", "Resource ID ", "Resource tenant ID", "Home tenant ID", "IP address", "Location", "Status"),
    *("Sign-in error code", "Failure reason", "Client app", "Device ID", "Browser", "Operating System", "Compliant"),
    *("Managed", "Join Type", "Multifactor authentication result", "Authentication requirement"),
    *("IP address (seen by resource)", "Incoming token type", "Conditional Access"),
)
_POLICIES: Final = {"notApplied": "Not Applied", "success": "Success", "failure": "Failure"}


def fits(record: Json) -> bool:
    """Say whether the file has columns for all of an audit record."""
    targets = record["targetResources"]
    return (
        len(targets) <= len((1, 2, 3))
        and all(len(target["modifiedProperties"]) <= len(range(1, 6)) for target in targets)
        and len(record["additionalDetails"]) <= len(range(1, 7))
    )


def audit_csv(records: Iterable[Json]) -> bytes:
    """Write audit records."""
    return _written(AUDIT_HEADINGS, map(_audit_row, records))


def sign_in_csv(records: Iterable[Json]) -> bytes:
    """Write sign-ins."""
    return _written(SIGN_IN_HEADINGS, map(_sign_in_row, records))


def _written(headings: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        assert row.keys() <= set(headings)
        writer.writerow([row.get(heading) or "" for heading in headings])
    return text.getvalue().encode("utf-8-sig")


def _audit_row(record: Json) -> dict[str, Any]:
    user: Json = record["initiatedBy"].get("user") or {}
    app: Json = record["initiatedBy"].get("app") or {}
    row: Json = {
        "Date (UTC)": record["activityDateTime"],
        "CorrelationId": record["correlationId"],
        "Service": record["loggedByService"],
        "Category": record["category"],
        "Activity": record["activityDisplayName"],
        "Result": record["result"],
        "ResultReason": record["resultReason"],
        "ActorType": "Application" if app else "User",
        "ActorDisplayName": user.get("displayName") or app.get("displayName"),
        "ActorObjectId": user.get("id"),
        "ActorUserPrincipalName": user.get("userPrincipalName"),
        "IPAddress": user.get("ipAddress"),
        "ActorServicePrincipalId": app.get("servicePrincipalId"),
        "ActorServicePrincipalName": app.get("servicePrincipalName"),
    }
    for number, target in enumerate(record["targetResources"], start=1):
        row |= {
            f"Target{number}Type": target["type"],
            f"Target{number}DisplayName": target["displayName"],
            f"Target{number}ObjectId": target["id"],
            f"Target{number}UserPrincipalName": target["userPrincipalName"],
        }
        for place, change in enumerate(target["modifiedProperties"], start=1):
            of_it = f"Target{number}ModifiedProperty{place}"
            row |= {
                f"{of_it}Name": change["displayName"],
                f"{of_it}OldValue": change["oldValue"],
                f"{of_it}NewValue": change["newValue"],
            }
    for place, detail in enumerate(record["additionalDetails"], start=1):
        row |= {f"AdditionalDetail{place}Key": detail["key"], f"AdditionalDetail{place}Value": detail["value"]}
    return row


def _sign_in_row(record: Json) -> dict[str, Any]:
    status, device, place = record["status"], record["deviceDetail"], record["location"]
    is_success = str(status["errorCode"]) == "0"
    named = [place["city"], place["state"], place["countryOrRegion"]] if place["city"] else [place["countryOrRegion"]]
    return {
        "Date (UTC)": record["createdDateTime"],
        "Request ID": record["id"],
        "Correlation ID": record["correlationId"],
        "User ID": record["userId"],
        "User": record["userDisplayName"],
        "Username": record["userPrincipalName"],
        "Application": record["appDisplayName"],
        "Application ID ": record["appId"],
        "Resource": record["resourceDisplayName"],
        "IP address": record["ipAddress"],
        "Location": ", ".join(named),
        "Status": "Success" if is_success else "Failure",
        "Sign-in error code": "" if is_success else str(status["errorCode"]),
        "Failure reason": status.get("failureReason"),
        "Client app": record["clientAppUsed"],
        "Browser": device["browser"],
        "Operating System": device["operatingSystem"],
        "Multifactor authentication result": status.get("additionalDetails"),
        "Conditional Access": _POLICIES.get(record["conditionalAccessStatus"], ""),
        "Authentication Protocol": record.get("authenticationProtocol"),
    }
