"""The demo's story of a stolen session: twelve changes by somebody approved, over six kinds of object, all put back.

None of them is remarkable by itself: an approved administrator made it. What gives it away is that somebody says so.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx

from infra.local.story import assign_role
from infra.local.tenant.control import TenantControl
from infra.local.world import (
    CONTRIBUTOR,
    GINA,
    MFA_FOR_ADMINS,
    MFA_FOR_ALL,
    NAMED_LOCATIONS,
    OFFICE,
    READER,
    STRENGTH_KEYS_ONLY,
    TRUDY,
    WORKFORCE_TENANT,
)

HOLDER: Final = GINA
"""Whose session is stolen: she is approved on every list."""

SUMMARY: Final = f"""\
{GINA.name}'s session is stolen; she is approved. Twelve changes follow: of two policies, an office's addresses,
a strength, a context, the methods that people may register, and Azure roles. Nothing is put back, since she may:"""

CHANGES: Final = 12
_CA: Final = "/v1.0/identity/conditionalAccess"
_METHODS: Final = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations"
_A_SECOND: Final = 1.1
"""Changes are told apart by their second."""

_KINDS: Final = ("caPolicies", "namedLocations", "authenticationStrengths", "authenticationContexts")
_STAMPS: Final = frozenset({"createdDateTime", "modifiedDateTime"})


def act(tenant: TenantControl) -> None:
    """Make the changes, a second apart."""
    with tenant.as_principal(HOLDER) as graph:
        for request in _requests(graph):
            request.raise_for_status()
            time.sleep(_A_SECOND)
    tenant.grant(HOLDER, "Microsoft.Authorization/roleAssignments/write")
    assign_role(tenant, HOLDER, CONTRIBUTOR, to=TRUDY)
    assign_role(tenant, HOLDER, READER, to=TRUDY)


def _requests(graph: httpx.Client) -> Iterator[httpx.Response]:
    """Send one after the other, each as soon as it is asked for."""
    for policy in (MFA_FOR_ADMINS, MFA_FOR_ALL):
        excluded = [*policy.body["conditions"]["users"]["excludeUsers"], TRUDY.id]
        users = policy.body["conditions"]["users"] | {"excludeUsers": excluded}
        path = f"{_CA}/policies/{policy.id}"
        yield graph.patch(path, json={"conditions": policy.body["conditions"] | {"users": users}})
        yield graph.patch(path, json={"state": "enabledForReportingButNotEnforced"})
    yield graph.patch(f"{_CA}/policies/{MFA_FOR_ALL.id}", json={"displayName": "CA003: temporarily off"})
    office = next(each for each in NAMED_LOCATIONS if each["id"] == OFFICE)
    hers = {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24"}
    ranges = {"@odata.type": office["@odata.type"], "ipRanges": [*office["ipRanges"], hers]}
    yield graph.patch(f"{_CA}/namedLocations/{OFFICE}", json=ranges)
    strength = f"/v1.0/policies/authenticationStrengthPolicies/{STRENGTH_KEYS_ONLY}"
    weak = {"allowedCombinations": ["fido2", "password,sms"]}
    yield graph.post(f"{strength}/updateAllowedCombinations", json=weak)
    yield graph.patch(f"{_CA}/authenticationContextClassReferences/c1", json={"description": "Anything goes"})
    sms = {"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "state": "enabled"}
    yield graph.patch(f"{_METHODS}/Sms", json=sms)
    authenticator = {"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethodConfiguration"}
    yield graph.patch(f"{_METHODS}/MicrosoftAuthenticator", json=authenticator | {"state": "disabled"})


def standing(tenant: TenantControl) -> Mapping[str, Any]:
    """Give what the changes are about as it stands, without the instants of its writes."""
    state = tenant.state()[WORKFORCE_TENANT]
    objects = {kind: {key: _without_stamps(image) for key, image in state[kind].items()} for kind in _KINDS}
    roles = [each["id"] for each in state["roleAssignments"] if each["properties"]["principalId"] == TRUDY.id]
    return {**objects, "methods": state["authentication-methods-policy"], "roles of Trudy": roles}


def _without_stamps(image: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in image.items() if name not in _STAMPS}
