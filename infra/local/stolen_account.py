"""The demo's story of an account that somebody else uses: a consent, a secret, a role, a hidden account, an exclusion.

The role is given in mode enforce, so the account is contained unasked; one plan then takes back the rest, and a person
releases it. Last of all the account deletes the setting by which the activity log goes to the workspace, so that nobody
would see what comes next: it is made again as it was.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from infra.local.tenant.app_roles import GRAPH
from infra.local.tenant.control import TenantControl
from infra.local.tenant.simulated.applications import SIMULATED as APPLICATIONS
from infra.local.tenant.simulated.diagnostic_settings import EXPORT
from infra.local.tenant.simulated.restricted_units import SIMULATED as RESTRICTED_UNITS
from infra.local.world import (
    DAVE,
    ERIN,
    HELPDESK_ADMINISTRATOR,
    IMPOSTOR,
    MFA_FOR_ADMINS,
    RESPONDER,
    TRUDY,
    WORKFORCE_TENANT,
)
from responders.kinds.diagnostic_settings import DIAGNOSTIC_SETTING
from responders.kinds.member_references import reference

HOLDER: Final = ERIN
"""Whose account it is: nobody approved her for any of it."""

CONTAINS: Final = "role-assigned"
HIDES: Final = "restricted-unit-changed"
BLINDS: Final = "monitoring-weakened"

SUMMARY: Final = f"""\
Somebody phished {ERIN.name}'s consent: permissions for an application, a secret of another, a role for
{TRUDY.name}, a second account in a restricted unit, an exclusion from CA001; then the export of the activity log
is deleted. Mode enforce contains the account:"""

_GRANTED: Final = (
    "User.EnableDisableAccount.All",
    "IdentityRiskyUser.ReadWrite.All",
    "Application.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
)
_A_SECOND: Final = 1.1
_APPLICATION: Final = APPLICATIONS.samples[0].object_id
_SECRETS: Final = "secrets"
_UNIT: Final = RESTRICTED_UNITS.samples[0].object_id
_EXPORT: Final = EXPORT.object_id
_DELETES: Final = "Microsoft.Insights/diagnosticSettings/delete"


def prepare(tenant: TenantControl) -> None:
    """Grant by hand what no tier has, as whoever wants accounts contained unasked does."""
    tenant.settings(grants_reach_issued_tokens=True, pim_shortest_seconds=0)
    tenant.grant(RESPONDER, *_GRANTED)
    tenant.grant(HOLDER, _DELETES)


def act(tenant: TenantControl) -> None:
    """Use the account, a second between two changes."""
    excluded = [*MFA_FOR_ADMINS.body["conditions"]["users"]["excludeUsers"], TRUDY.id]
    users = MFA_FOR_ADMINS.body["conditions"]["users"] | {"excludeUsers": excluded}
    consent = {
        "clientId": IMPOSTOR.id,
        "consentType": "AllPrincipals",
        "resourceId": GRAPH,
        "scope": "Mail.ReadWrite Directory.ReadWrite.All",
    }
    role = {"principalId": TRUDY.id, "roleDefinitionId": HELPDESK_ADMINISTRATOR, "directoryScopeId": "/"}
    policy = f"/v1.0/identity/conditionalAccess/policies/{MFA_FOR_ADMINS.id}"
    with tenant.as_principal(HOLDER) as graph:
        for method, path, body in (
            ("POST", "/v1.0/oauth2PermissionGrants", consent),
            ("POST", f"/v1.0/applications/{_APPLICATION}/addPassword", {"passwordCredential": {"displayName": "x"}}),
            ("POST", "/v1.0/roleManagement/directory/roleAssignments", role),
            ("POST", f"/v1.0/directory/administrativeUnits/{_UNIT}/members/$ref", reference(DAVE.id)),
            ("PATCH", policy, {"conditions": MFA_FOR_ADMINS.body["conditions"] | {"users": users}}),
        ):
            graph.request(method, path, json=body).raise_for_status()
            time.sleep(_A_SECOND)
    with tenant.as_principal(HOLDER, "arm") as azure:
        azure.delete(_EXPORT, params={"api-version": "2021-05-01-preview"}).raise_for_status()


def is_contained(tenant: TenantControl) -> bool:
    """Whether the account is disabled, its sessions revoked, and Identity Protection told."""
    settings = tenant.settings()
    return (
        ERIN.id in settings["disabled_accounts"]
        and ERIN.id in settings["sessions_valid_from"]
        and settings["risky_users"].get(ERIN.id) == "confirmedCompromised"
    )


def is_released(tenant: TenantControl) -> bool:
    """Whether the account has back what was taken."""
    settings = tenant.settings()
    return ERIN.id not in settings["disabled_accounts"] and settings["risky_users"].get(ERIN.id) == "dismissed"


def is_put_back(tenant: TenantControl, before: Mapping[str, Any]) -> bool:
    """Whether all is as it was but for the secret: one is taken away unasked only where its detection enforces."""
    return standing(tenant) | {_SECRETS: None} == {**before, _SECRETS: None}


def standing(tenant: TenantControl) -> dict[str, Any]:
    """Give what the story is about as it stands."""
    state = tenant.state()[WORKFORCE_TENANT]
    policy = next(each for each in state["caPolicies"].values() if each["id"] == MFA_FOR_ADMINS.id)
    return {
        "who is excluded": sorted(policy["conditions"]["users"]["excludeUsers"]),
        "roles of Trudy": [each for each in state["directoryRoleAssignments"] if each["principalId"] == TRUDY.id],
        _SECRETS: state["application"][_APPLICATION]["passwordCredentials"],
        "grants": sorted(state["delegated-grant"]),
        "who is out of reach": sorted(state["restricted-unit"][_UNIT]["members"]),
        "where the activity log goes": DIAGNOSTIC_SETTING.leaves(state["diagnostic-setting"].get(_EXPORT) or {}),
    }
