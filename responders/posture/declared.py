"""All that is declared about posture, in one place: what is read, what judges it, what people confirm."""

from collections.abc import Mapping
from typing import Final

from responders.posture import (
    accounts,
    app_permissions,
    azure,
    devices,
    directory,
    emergency,
    governance,
    installation,
    manual_items,
    reports,
    rights,
    roles,
    sign_in_policies,
    undoing,
    units,
)
from responders.posture.korean import KOREAN
from responders.rosters import NO_LICENCE
from shared.checks.posture_daily import Declared
from shared.model.calls import Call
from shared.model.kinds import TenantKind
from shared.model.read_probes import ReadProbe

DECLARED: Final = Declared(
    parts=(
        *roles.PARTS,
        *accounts.PARTS,
        *sign_in_policies.PARTS,
        *azure.PARTS,
        *directory.PARTS,
        *installation.PARTS,
        *governance.PARTS,
        *reports.PARTS,
        *devices.PARTS,
        *units.PARTS,
        *app_permissions.PARTS,
        *rights.PARTS,
    ),
    checks=(
        *emergency.CHECKS,
        *roles.CHECKS,
        *accounts.CHECKS,
        *sign_in_policies.CHECKS,
        *azure.CHECKS,
        *directory.CHECKS,
        *installation.CHECKS,
        *governance.CHECKS,
        *reports.CHECKS,
        *devices.CHECKS,
        *units.CHECKS,
        *app_permissions.CHECKS,
        *undoing.CHECKS,
    ),
    items=manual_items.ITEMS,
    korean=KOREAN,
)
"""Parts stand after those that they ask for."""

CALLS: Final[Mapping[TenantKind, tuple[Call, ...]]] = {
    kind: tuple(dict.fromkeys(call for part in DECLARED.of_kind(kind).parts for call in part.calls))
    for kind in TenantKind
}
"""Every request that the snapshot of a kind of tenant takes."""

READ_PROBES: Final[tuple[ReadProbe, ...]] = (
    ReadProbe(call=accounts.LIST_USERS, kind=TenantKind.WORKFORCE, query={"$select": "id,signInActivity"}),
    ReadProbe(call=accounts.LIST_REGISTRATIONS, kind=TenantKind.WORKFORCE, query=accounts.ADMINISTRATORS),
    ReadProbe(call=roles.LIST_ROLE_INSTANCES, kind=TenantKind.WORKFORCE, no_licence=NO_LICENCE),
    ReadProbe(
        call=roles.LIST_PIM_SETTINGS, kind=TenantKind.WORKFORCE, query=roles.SETTINGS_OF_ROLES, no_licence=NO_LICENCE
    ),
    ReadProbe(call=directory.GET_ORGANIZATION, kind=TenantKind.WORKFORCE),
    ReadProbe(call=governance.LIST_REVIEWS, kind=TenantKind.WORKFORCE, no_licence=NO_LICENCE),
    ReadProbe(
        call=governance.LIST_PIM_ALERTS,
        kind=TenantKind.WORKFORCE,
        query=governance.ALERTS_OF_ROLES,
        no_licence=NO_LICENCE,
    ),
    ReadProbe(call=governance.LIST_PROTECTED_ACTIONS, kind=TenantKind.WORKFORCE, query=governance.PROTECTABLE),
    ReadProbe(call=reports.LIST_SECURE_SCORES, kind=TenantKind.WORKFORCE, query=reports.LATEST_SCORE),
    ReadProbe(call=reports.LIST_PROVISIONING, kind=TenantKind.WORKFORCE, query={"$top": "1"}),
    ReadProbe(call=devices.GET_DEVICE_REGISTRATION, kind=TenantKind.WORKFORCE, is_listing=False),
)
"""What the doctor tries; other reads of the snapshot are tried for what else they are for."""
