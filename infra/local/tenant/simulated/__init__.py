"""Kinds of object that the simulated tenants play by their declarations, one module each."""

from typing import Final

from infra.local.tenant.simulated import (
    api_connectors,
    application_owners,
    applications,
    delegated_grants,
    diagnostic_settings,
    directory_role_eligibilities,
    entra_diagnostic_settings,
    event_subscriptions,
    groups,
    identity_providers,
    methods_policy,
    restricted_units,
    security_defaults,
    service_principals,
    user_flows,
)
from infra.local.tenant.simulated_kind import SimulatedKind

SIMULATED: Final[tuple[SimulatedKind, ...]] = (
    user_flows.SIMULATED,
    security_defaults.SIMULATED,
    methods_policy.SIMULATED,
    api_connectors.SIMULATED,
    applications.SIMULATED,
    identity_providers.SIMULATED,
    delegated_grants.SIMULATED,
    delegated_grants.FOR_ONE_USER,
    service_principals.SIMULATED,
    application_owners.SIMULATED,
    groups.SIMULATED,
    restricted_units.SIMULATED,
    directory_role_eligibilities.SIMULATED,
)

IN_AZURE: Final[tuple[SimulatedKind, ...]] = (
    event_subscriptions.SIMULATED,
    entra_diagnostic_settings.SIMULATED,
    diagnostic_settings.SIMULATED,
)
"""Kinds of Azure Resource Manager. The random stories of the laws know those of the directory alone."""

SERVED: Final = tuple(each for each in (*SIMULATED, *IN_AZURE) if not each.has_routes_of_its_own)
"""Those that the tenant over HTTP plays by their declarations too."""
