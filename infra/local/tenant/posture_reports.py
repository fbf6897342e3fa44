"""What posture checks read of Microsoft's reports and settings: none of it can be changed here.

The tenant is as many are: its secure score rises slowly, one application doesn't take two accounts, only Global
Administrators are reviewed, and devices are as Microsoft sets them up at first.
"""

import re
from typing import Final

from aiohttp import web

from infra.local import world
from infra.local.tenant.api_error import bad_request
from infra.local.tenant.bodies import json_answer
from infra.local.tenant.directory_roles import refuse_without_pim
from infra.local.tenant.graph import BETA, Call, Operation
from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.tenant.odata import list_page
from infra.local.tenant.permissions import (
    ACCESS_REVIEWS,
    DEVICE_REGISTRATION,
    PIM_ALERTS,
    PROVISIONING,
    RESOURCE_ACTIONS,
    SECURE_SCORES,
)
from infra.local.world import Json

_A_DAY: Final = 24 * 3600.0
_DAYS_KEPT: Final = 90
_MOST_POINTS: Final = 914.0
_PAGE: Final = 100

_FAILURES_SINCE: Final = re.compile(r"statusInfo/status eq 'failure' and activityDateTime ge (\S+)")
_OF_ROLES: Final = "scopeId eq '/' and scopeType eq 'DirectoryRole'"
_SETTABLE: Final = "isAuthenticationContextSettable eq true"

_ACTIONS: Final = tuple(
    f"microsoft.directory/{each}"
    for each in (
        "conditionalAccessPolicies/basic/update",
        "conditionalAccessPolicies/create",
        "conditionalAccessPolicies/delete",
        "namedLocations/basic/update",
        "namedLocations/create",
        "namedLocations/delete",
        "deletedItems/delete",
    )
)


async def _scores(call: Call) -> web.Response:
    """Answer a score for each day, the newest first."""
    query = call.request.query
    skip, top = int(query.get("$skip", "0")), int(query.get("$top", str(_DAYS_KEPT)))
    shown = [_score(call, day) for day in range(_DAYS_KEPT)][skip : skip + top]
    return json_answer({"@odata.context": call.context("security/secureScores"), "value": shown})


def _score(call: Call, day: int) -> Json:
    at = instant(now_ticks() - ticks(day * _A_DAY))
    points = 430.0 - day / 2
    return {
        "id": f"{call.directory.tenant}_{at[:10]}",
        "createdDateTime": at,
        "currentScore": points,
        "maxScore": _MOST_POINTS,
    }


async def _provisioning(call: Call) -> web.Response:
    """List what was provisioned within a day, or what of it failed; only this filter is played here."""
    text = call.request.query.get("$filter", "")
    if text and not _FAILURES_SINCE.fullmatch(text):
        raise bad_request(f"Invalid filter clause: '{text}'.")
    shown = [each for each in _provisioned() if not text or each["provisioningStatusInfo"]["status"] == "failure"]
    top = int(call.request.query.get("$top", str(_PAGE)))
    return json_answer({"@odata.context": call.context("auditLogs/provisioning"), "value": shown[:top]})


def _provisioned() -> list[Json]:
    said = (("Expenses", "failure"), ("Expenses", "failure"), ("Expenses", "success"), ("Payroll", "success"))
    at = instant(now_ticks() - ticks(_A_DAY / 4))
    return [
        {
            "id": f"9d51c0de-0000-4000-8000-00000000000{number}",
            "activityDateTime": at,
            "provisioningAction": "create",
            "servicePrincipal": {"id": f"5d0c0000-0000-4000-8000-0000000000{len(name):02}", "displayName": name},
            "provisioningStatusInfo": {"status": status},
        }
        for number, (name, status) in enumerate(said)
    ]


async def _reviews(call: Call) -> web.Response:
    refuse_without_pim(call)
    return list_page(call, [_REVIEW], size=_PAGE, context="identityGovernance/accessReviews/definitions")


def _scope(query: str) -> Json:
    return {"@odata.type": "#microsoft.graph.accessReviewQueryScope", "query": query, "queryType": "MicrosoftGraph"}


_REVIEW: Final[Json] = {
    "id": "ac0e5500-7c31-4f8a-b6d2-0e95a1743bc8",
    "displayName": "Global Administrators",
    "status": "InProgress",
    "createdDateTime": world.SEEDED_AT,
    "scope": {
        "@odata.type": "#microsoft.graph.principalResourceMembershipsScope",
        "principalScopes": [_scope("/users"), _scope("/groups")],
        "resourceScopes": [_scope(f"/roleManagement/directory/roleDefinitions/{world.GLOBAL_ADMINISTRATOR}")],
    },
    "settings": {
        "recurrence": {
            "pattern": {"type": "absoluteMonthly", "interval": 3},
            "range": {"type": "noEnd", "startDate": "2026-01-12", "endDate": "9999-12-31"},
        }
    },
}


async def _alerts(call: Call) -> web.Response:
    """List PIM's alerts; only the query that names roles is played here."""
    refuse_without_pim(call)
    if call.request.query.get("$filter") != _OF_ROLES:
        raise bad_request("The filter is invalid.", "InvalidFilter")
    said = {"StaleSignInAlert": 0, "RolesAssignedOutsidePrivilegedIdentityManagementAlert": 2}
    shown = [_alert(f"DirectoryRole_{call.directory.tenant}_{name}", count) for name, count in said.items()]
    return json_answer(
        {"@odata.context": call.context("identityGovernance/roleManagementAlerts/alerts"), "value": shown}
    )


def _alert(definition: str, incidents: int) -> Json:
    return {
        "id": definition,
        "alertDefinitionId": definition,
        "scopeId": "/",
        "scopeType": "DirectoryRole",
        "incidentCount": incidents,
        "isActive": incidents > 0,
    }


async def _actions(call: Call) -> web.Response:
    """List the actions that can be protected; only the query for these is played here."""
    if call.request.query.get("$filter") != _SETTABLE:
        raise bad_request("The filter is invalid.", "InvalidFilter")
    shown: list[Json] = [
        {"name": each, "authenticationContextId": None, "isAuthenticationContextSettable": True} for each in _ACTIONS
    ]
    return json_answer({"@odata.context": call.context("resourceActions"), "value": shown})


async def _device_registration(call: Call) -> web.Response:
    everybody: Json = {"@odata.type": "#microsoft.graph.allDeviceRegistrationMembership"}
    return json_answer(
        {
            "@odata.context": call.context("deviceRegistrationPolicy"),
            "id": "deviceRegistrationPolicy",
            "multiFactorAuthConfiguration": "notRequired",
            "azureADJoin": {
                "isAdminConfigurable": True,
                "allowedToJoin": everybody,
                "localAdmins": {"enableGlobalAdmins": True, "registeringUsers": everybody},
            },
            "localAdminPassword": {"isEnabled": False},
        }
    )


OPERATIONS = (
    Operation(method="GET", path=SECURE_SCORES, handle=_scores),
    Operation(method="GET", path=PROVISIONING, handle=_provisioning, throttle="audit"),
    Operation(method="GET", path=ACCESS_REVIEWS, handle=_reviews),
    Operation(method="GET", path=PIM_ALERTS, handle=_alerts, versions=BETA),
    Operation(method="GET", path=RESOURCE_ACTIONS, handle=_actions, versions=BETA),
    Operation(method="GET", path=DEVICE_REGISTRATION, handle=_device_registration),
)
