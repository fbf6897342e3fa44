"""Policies, custom policies and role assignments as the tenant gives them, and who changes them."""

import copy
import json
from datetime import UTC, datetime
from typing import Any, Final, cast

from shared.model.events import Actor, ActorKind
from shared.model.kinds import Image
from tests.fakes.tenant import SUBSCRIPTION

MALLORY: Final = Actor(id="ba110700-1d4c-4e6a-a0b8-5c9f2e7d3164", name="mallory@contoso.example", kind=ActorKind.USER)
TRUDY: Final = Actor(id="72d00000-8f3b-4a5c-b7e1-2d6c9a0f4e83", name="trudy@contoso.example", kind=ActorKind.USER)
ALICE: Final = Actor(id="a11ce000-3b5d-4c8e-9f21-7d60b4e8a115", name="alice@contoso.example", kind=ActorKind.USER)
EMERGENCY_ACCOUNT: Final = "b6000001-0a9d-4e37-85c2-f41e7b3d6890"
AT: Final = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)
"""When the first change of a run was made."""

POLICY_ID: Final = "ca000003-1f7c-4d9b-85e6-a2d0c4b93e57"
CUSTOM_POLICY: Final = "B2C_1A_signup_signin"
OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
SCOPE: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shop"
ASSIGNMENT_ID: Final = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/0a551600-0001-4e1f-8c3a-5d7b9f204e61"


def ca_policy(**changes: Any) -> Image:  # noqa: ANN401 - properties are JSON
    """Give a policy as Graph does; `changes` are top-level properties."""
    policy: Image = {
        "id": POLICY_ID,
        "templateId": None,
        "displayName": "CA003: Require MFA for all users",
        "createdDateTime": "2026-01-12T08:30:00Z",
        "modifiedDateTime": None,
        "state": "enabled",
        "sessionControls": None,
        "conditions": {
            "clientAppTypes": ["all"],
            "platforms": None,
            "applications": {"includeApplications": ["All"], "excludeApplications": [], "applicationFilter": None},
            "users": {
                "includeUsers": ["All"],
                "excludeUsers": [EMERGENCY_ACCOUNT],
                "includeGroups": [],
                "excludeGroups": [],
            },
        },
        "grantControls": {
            "operator": "OR",
            "builtInControls": [],
            "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"},
        },
    }
    return copy.deepcopy(policy | changes)


def with_users(policy: Image, **lists: list[str]) -> Image:
    changed = copy.deepcopy(policy)
    changed["conditions"]["users"] |= lists
    return changed


def as_logged(policy: Image | None) -> str | None:
    """Write a policy as an audit record does: nulls and annotations left out."""
    if policy is None:
        return None
    return json.dumps(_without_nulls(policy), separators=(",", ":"))


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        named = cast("Image", value)
        return {
            name: _without_nulls(part) for name, part in named.items() if part is not None and "@odata." not in name
        }
    return value


def custom_policy_xml(policy_id: str = CUSTOM_POLICY, *, base: str = "", content: str = "") -> str:
    inherits = f"<BasePolicy><TenantId>t</TenantId><PolicyId>{base}</PolicyId></BasePolicy>" if base else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<TrustFrameworkPolicy xmlns="http://schemas.microsoft.com/online/cpim/schemas/2013/06"\n'
        f'  PolicyId="{policy_id}" TenantId="t">\n  {inherits}{content}\n</TrustFrameworkPolicy>\n'
    )


def role_assignment(
    *,
    assignment_id: str = ASSIGNMENT_ID,
    role: str = CONTRIBUTOR,
    holder: str = MALLORY.id,
    by: str = MALLORY.id,
    updated_by: str = "",
    created_at: datetime = AT,
    **properties: Any,  # noqa: ANN401 - properties are JSON
) -> Image:
    """Give an assignment as ARM does."""
    scope = assignment_id.rpartition("/providers/Microsoft.Authorization/")[0]
    return {
        "id": assignment_id,
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment_id.rpartition("/")[2],
        "properties": {
            "roleDefinitionId": f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "principalId": holder,
            "principalType": "User",
            "scope": scope,
            "condition": None,
            "conditionVersion": None,
            "description": None,
            "createdOn": created_at.isoformat(),
            "updatedOn": created_at.isoformat(),
            "createdBy": by,
            "updatedBy": updated_by or by,
        }
        | properties,
    }


PRIVILEGED_ROLE_ADMINISTRATOR: Final = "e8611ab8-c189-46e8-94e1-60213ab1f814"


def directory_role(
    *,
    role: str = PRIVILEGED_ROLE_ADMINISTRATOR,
    holder: str = TRUDY.id,
    scope: str = "/",
    name: str = "lAPpYvVpN0KRkAEh-1",
) -> Image:
    """Give an assignment of a directory role as Graph does; `name` is its id with Graph."""
    return {"id": name, "principalId": holder, "roleDefinitionId": role, "directoryScopeId": scope}


GRAPH_API: Final = "5e000003-7a41-4d0c-9b36-e2f81c5d7a90"
MAIL_READ: Final = "810c84a8-4a9e-49e6-bf7d-12d183f40d01"
APPLICATION: Final = "4d8a17f2-e6c3-4f0b-9b25-c7013e8fd946"


def app_role(*, api: str = GRAPH_API, holder: str = APPLICATION, role: str = MAIL_READ, name: str = "8hfKT-1") -> Image:
    """Give an app role that an application was given, as Graph does; `name` is its id with Graph."""
    return {
        "id": name,
        "resourceId": api,
        "principalId": holder,
        "appRoleId": role,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": "Microsoft Graph",
        "principalDisplayName": "Order portal",
        "createdDateTime": "2026-03-02T09:59:00Z",
    }
