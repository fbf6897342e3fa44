"""What the daily look at the posture costs in a large tenant, and in four that differ from it in one number each.

The snapshot is read by its own parts from a tenant in memory, which answers in pages as Graph does: so the requests
are counted. What is measured is the processor's time, of reading without the requests, and of judging.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

import msgspec

from responders.kinds import ca_context, security_defaults
from responders.kinds.app_role_assignments import LIST_ROLE_HOLDERS
from responders.kinds.diagnostic_settings import LIST_DIAGNOSTIC_SETTINGS
from responders.kinds.principals import LIST_SERVICE_PRINCIPALS
from responders.kinds.registered_methods import GET_REGISTRATION
from responders.kinds.restricted_units import LIST_UNITS
from responders.posture import accounts, devices, directory, governance, reports, roles
from responders.posture.declared import DECLARED
from responders.rosters import (
    GET_ROLE_DEFINITION,
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_DIRECTORY_ROLE_ELIGIBILITIES,
    LIST_DIRECTORY_ROLES,
    LIST_GROUP_MEMBERS,
    LIST_GROUPS,
    LIST_ROLE_ASSIGNMENTS,
)
from shared.checks.check import Status
from shared.checks.posture import judged
from shared.checks.snapshot import Reading, Snapshot
from shared.model.calls import Call, Lane
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.respond.components import Runtime
from tests.fakes.declared_runs import fresh
from tests.fakes.runtime import bench
from tests.fakes.scripted_api import ScriptedApi

_RUNS: Final = 5
_PAGE: Final = 100
_AT: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
_YESTERDAY: Final = (_AT - timedelta(days=1)).isoformat()
_DEPTH: Final = 5
_INNER: Final = 8
"""Groups that stand in one another: a member of one is a member of the five above it."""


class _Size(msgspec.Struct, frozen=True, kw_only=True):
    users: int = 50_000
    policies: int = 300
    groups: int = 2_000
    holders: int = 400


_LARGE: Final = _Size()
_SMALLER: Final = {
    "users": _Size(users=5_000),
    "policies": _Size(policies=30),
    "groups": _Size(groups=200),
    "holders": _Size(holders=40),
}


def _id(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


@dataclass(slots=True)
class _LargeTenant(ScriptedApi):
    """Answers from its size; counts requests, by the lane in which the app waits for a turn."""

    size: _Size = field(default_factory=_Size)
    requests: Counter[Lane | None] = field(default_factory=Counter["Lane | None"])

    def _count(self, call: Call, pages: int) -> None:
        self.requests[call.lane] += pages

    def get(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> Image | None:
        self._count(call, 1)
        if call == GET_REGISTRATION:
            return _registration(ids["id"])
        if call.path.startswith("/users/"):
            return {"id": ids["id"], "userType": "Member", "accountEnabled": True}
        return ScriptedApi.get(self, call, query=query, **ids)

    def list(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":
        found = list(self._listed(call, dict(query or {}), ids))
        self._count(call, max(1, ceil(len(found) / _PAGE)))
        return found

    def _listed(self, call: Call, query: Mapping[str, str], ids: Mapping[str, str]) -> Iterable[Image]:
        wanted, size = _wanted(query.get("$filter", "")), self.size
        listings: Mapping[Call, Callable[[], Iterable[Image]]] = {
            accounts.LIST_USERS: lambda: map(_user, wanted),
            accounts.LIST_REGISTRATIONS: lambda: (
                _registration(_id(1, each)) for each in range(size.holders if query else size.users)
            ),
            LIST_DIRECTORY_ROLE_ASSIGNMENTS: lambda: (_held(_id(1, each)) for each in range(size.holders)),
            LIST_ROLE_ASSIGNMENTS: lambda: (_held_in_azure(_id(1, each)) for each in range(size.holders)),
            LIST_GROUPS: lambda: ({"id": each, "displayName": each, "visibility": None} for each in wanted),
            ca_context.LIST_MEMBERSHIPS: lambda: ({"id": each} for each in self._groups_of(int(ids["id"][-12:], 16))),
            ca_context.LIST_CA_POLICIES_WHOLE: lambda: map(self._policy, range(size.policies)),
        }
        return listings[call]() if call in listings else ScriptedApi.list(self, call, query=query, **ids)

    def _groups_of(self, person: int) -> Iterable[str]:
        """Whoever is in a group is in those that it stands in, as Graph answers it."""
        for tree in range(_INNER):
            lowest = (person * _INNER + tree) * _DEPTH % self.size.groups
            yield from (_id(2, (lowest + depth) % self.size.groups) for depth in range(_DEPTH))

    def _policy(self, number: int) -> Image:
        groups = [_id(2, (number * 7 + each) % self.size.groups) for each in range(4)]
        everybody = {"includeUsers": ["All"], "excludeGroups": groups}
        some = {"includeGroups": groups, "excludeUsers": [_id(1, number % self.size.holders)]}
        conditions = {
            "clientAppTypes": ["all"] if number % 3 else ["exchangeActiveSync", "other"],
            "applications": {"includeApplications": ["All"] if number % 2 else [_id(3, number)]},
            "users": everybody if number % 4 else some,
        }
        return {
            "id": _id(4, number),
            "displayName": f"Policy {number}",
            "state": "enabled" if number % 5 else "enabledForReportingButNotEnforced",
            "conditions": conditions,
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"] if number % 3 else ["block"]},
        }


def _wanted(text: str) -> list[str]:
    return text.partition("(")[2].replace("'", "").rstrip(")").split(",") if " in (" in text else []


def _user(identity: str) -> Image:
    return {
        "id": identity,
        "userPrincipalName": f"{identity[-12:]}@contoso.onmicrosoft.com",
        "accountEnabled": True,
        "userType": "Member",
        "identities": [],
        "assignedPlans": [{"service": "exchange", "capabilityStatus": "Enabled"}] * 40,
        "lastPasswordChangeDateTime": _YESTERDAY,
        "createdDateTime": _YESTERDAY,
        "signInActivity": {"lastSuccessfulSignInDateTime": _YESTERDAY},
    }


def _registration(identity: str) -> Image:
    return {"id": identity, "methodsRegistered": ["microsoftAuthenticatorPush"]}


def _held(principal: str) -> Image:
    return {"principalId": principal, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}


def _held_in_azure(principal: str) -> Image:
    held = {"principalId": principal, "principalType": "User", "scope": "/", "roleDefinitionId": f"/x/{_id(5, 0)}"}
    return {"properties": held}


_REST: Final[Mapping[Call, Any]] = {
    LIST_DIRECTORY_ROLES: [{"id": GLOBAL_ADMINISTRATOR, "displayName": "Global Administrator"}],
    LIST_DIRECTORY_ROLE_ELIGIBILITIES: [],
    LIST_GROUP_MEMBERS: [],
    GET_ROLE_DEFINITION: {"properties": {"roleName": "Owner", "permissions": [{"actions": ["*"]}]}},
    LIST_SERVICE_PRINCIPALS: [],
    LIST_DIAGNOSTIC_SETTINGS: [],
    roles.LIST_ROLE_INSTANCES: [],
    roles.LIST_PIM_SETTINGS: [
        {"roleDefinitionId": GLOBAL_ADMINISTRATOR, "policy": {"rules": [{"id": "Approval_EndUser_Assignment"}]}}
    ],
    ca_context.LIST_NAMED_LOCATIONS: [],
    ca_context.LIST_STRENGTHS: [],
    security_defaults.GET_SECURITY_DEFAULTS: {"isEnabled": False},
    LIST_ROLE_HOLDERS: [],
    LIST_UNITS: [],
    governance.LIST_REVIEWS: [],
    governance.LIST_PIM_ALERTS: [],
    governance.LIST_PROTECTED_ACTIONS: [{"name": "microsoft.directory/namedLocations/delete"}],
    reports.LIST_SECURE_SCORES: [],
    reports.LIST_PROVISIONING: [],
    devices.GET_DEVICE_REGISTRATION: {
        "azureADJoin": {
            "allowedToJoin": {"@odata.type": "#microsoft.graph.noDeviceRegistrationMembership"},
            "localAdmins": {
                "enableGlobalAdmins": False,
                "registeringUsers": {"@odata.type": "#microsoft.graph.noDeviceRegistrationMembership"},
            },
        },
        "localAdminPassword": {"isEnabled": True},
    },
    directory.GET_ORGANIZATION: [{"id": "contoso", "technicalNotificationMails": ["it@contoso.com"]}],
}


def measure() -> dict[str, float]:
    """Give the large tenant's requests and seconds, and how many times those of each smaller tenant they are."""
    logging.disable(logging.WARNING)
    runtime = bench(fresh()).runtime
    large = _least(_LARGE, runtime)
    figures = dict(large)
    for name, size in _SMALLER.items():
        smaller = _least(size, runtime)
        for figure in ("read_seconds", "judge_seconds"):
            figures[f"{figure}_for_ten_times_the_{name}"] = round(large[figure] / smaller[figure], 2)
    return figures


def _least(size: _Size, runtime: Runtime) -> dict[str, float]:
    """Look some times; give the least of each figure, as what else the computer does only adds."""
    looks = [_look(size, runtime) for _ in range(_RUNS)]
    return {figure: min(look[figure] for look in looks) for figure in looks[0]}


def _look(size: _Size, runtime: Runtime) -> dict[str, float]:
    settings = runtime.settings
    api = _LargeTenant(answers=_REST, size=size)
    parts: dict[str, Any] = {}
    snapshot = Snapshot(tenant=settings.workforce, settings=settings, at=_AT, parts=parts)
    reading = Reading(api=api, runtime=runtime, before=snapshot)
    began = time.process_time()
    for part in DECLARED.parts:
        parts[part.id] = part.read(reading)
    read = time.process_time()
    posture = judged(DECLARED.checks, DECLARED.items, snapshot, confirmed={}, accepted={})
    ended = time.process_time()
    unknown = [line.id for line in posture.lines if line.status is Status.UNKNOWN]
    if unknown:
        raise AssertionError(f"{unknown} weren't judged, so that the rest costs too little")
    return {
        "requests": api.requests.total(),
        "of_reports": api.requests[Lane.REPORTS],
        "of_conditional_access": api.requests[Lane.CONDITIONAL_ACCESS],
        "read_seconds": round(read - began, 4),
        "judge_seconds": round(ended - read, 4),
    }
