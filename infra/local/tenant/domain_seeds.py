"""Domains as they are stored: with their federation settings, which Graph shows under a path of their own."""

import uuid
from collections.abc import Mapping
from typing import Final

from infra.local import world
from infra.local.world import Json

FEDERATION: Final = "federationConfiguration"
MANAGED: Final = "Managed"
FEDERATED: Final = "Federated"


def seeded_domains(tenant: str) -> Mapping[str, Json]:
    """Give the domains of a tenant as they are before anybody federates one; the initial one comes first."""
    names = (world.TENANT_DOMAINS[tenant], *world.CUSTOM_DOMAINS.get(tenant, ()))
    return {
        name: {
            "id": name,
            "authenticationType": MANAGED,
            "availabilityStatus": None,
            "isAdminManaged": True,
            "isDefault": name == names[0],
            "isInitial": name == names[0],
            "isRoot": not any(name.endswith(f".{other}") for other in names),
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "passwordValidityPeriodInDays": None,
            "passwordNotificationWindowInDays": None,
            FEDERATION: None,
        }
        for name in names
    }


def federated(domain: Json, settings: Json) -> Json:
    """Give a domain whose people sign in elsewhere; the settings are those that an administrator posts."""
    federation = {"@odata.type": "#microsoft.graph.internalDomainFederation", "id": str(uuid.uuid4())} | settings
    return domain | {"authenticationType": FEDERATED, FEDERATION: federation}


def root_of(domain: Json, domains: Mapping[str, Json]) -> Json:
    """Give the domain from which this one has its way of signing in: itself, or the root that it lies under."""
    name = str(domain["id"])
    return next((other for key, other in domains.items() if name.endswith(f".{key}")), domain)
