"""The permissions that the product's identity needs, as they follow from the registered calls."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

from responders import account_acts, left_out
from responders.catalogue import CATALOGUE
from responders.content import KINDS
from responders.kinds.principals import GET_SERVICE_PRINCIPAL, GET_USER, LIST_SERVICE_PRINCIPALS
from responders.posture.declared import CALLS as POSTURE_CALLS
from responders.registrations import LIST_REGISTRATIONS
from responders.rosters import GET_ROLE_DEFINITION, ROSTERS
from responders.runbooks.break_glass import BREAK_GLASS
from responders.runbooks.federation_reading import WRITES
from responders.sources import DIRECTORY_AUDITS, SOURCES
from shared.model.calls import Call
from shared.model.detections import AnyDetection
from shared.model.kinds import TenantKind
from shared.model.permissions import Grant, Need, grants_from

_KIND_OF_TENANT: Final = {kind.kind: kind.tenant_kind for kind in KINDS}


def _need_of(detection: AnyDetection) -> Need | None:
    """Give what a detection needs in mode enforce: to put its changes back, and to restrain an account."""
    remediation = detection.remediation
    calls = (*(remediation.calls if remediation else ()), *(account_acts.CALLS if detection.contains else ()))
    kind = _KIND_OF_TENANT[remediation.kind] if remediation else TenantKind.WORKFORCE
    return Need(by=detection.id, kind=kind, calls=calls) if calls else None


NEEDS: Final[tuple[Need, ...]] = (
    *(Need(by=f"poll of the {each.name}", kind=kind, calls=(each.call,)) for each in SOURCES for kind in TenantKind),
    *(Need(by=f"sweep ({each.kind})", kind=each.tenant_kind, calls=each.inventory.calls) for each in KINDS),
    *(Need(by=f"roster ({each.kind})", kind=kind, calls=each.calls) for each in ROSTERS for kind in each.tenant_kinds),
    *(need for detection in CATALOGUE if (need := _need_of(detection)) is not None),
    *(Need(by=f"reconciler ({each.kind})", kind=each.tenant_kind, calls=each.calls) for each in KINDS),
    Need(by="reconciler (makers of changes)", kind=TenantKind.WORKFORCE, calls=(GET_SERVICE_PRINCIPAL,)),
    *(Need(by="redirect addresses", kind=kind, calls=(LIST_REGISTRATIONS,)) for kind in TenantKind),
    *(Need(by="restraints of accounts", kind=kind, calls=account_acts.CALLS) for kind in TenantKind),
    Need(by="members of groups that policies leave out", kind=TenantKind.WORKFORCE, calls=left_out.CALLS),
    Need(by="applications known by name", kind=TenantKind.B2C, calls=(LIST_SERVICE_PRINCIPALS, DIRECTORY_AUDITS)),
    *(
        Need(by=f"break-glass runbook, step {step.number}", kind=TenantKind.WORKFORCE, calls=step.needs)
        for step in BREAK_GLASS
        if step.needs
    ),
    *(Need(by="posture", kind=kind, calls=calls) for kind, calls in POSTURE_CALLS.items()),
    Need(by="doctor", kind=TenantKind.WORKFORCE, calls=(GET_USER, GET_ROLE_DEFINITION)),
)
"""Every declaration that makes calls, with the kind of tenant that it makes them in.

Detections are named with what puts their changes back or restrains accounts: the doctor asks what mode enforce needs.
"""

GRANTS: Final[tuple[Grant, ...]] = grants_from(NEEDS)
"""Each permission that a declaration needs, with the tier that has it."""

CALLS: Final[tuple[Call, ...]] = tuple(dict.fromkeys(call for need in NEEDS for call in need.calls))
"""Every request that the product makes of Microsoft Graph and Azure Resource Manager."""

BY_HAND: Final[tuple[Call, ...]] = tuple(
    dict.fromkeys((*WRITES, *(call for each in KINDS for call in each.by_hand), *account_acts.BY_HAND))
)
"""Requests whose permission the identity isn't given, since it is as much as the whole tenant.

They are tried, and refused unless somebody has granted it by hand; a person then does what they are for.
"""

DIRECTORY_ROLES: Final[tuple[str, ...]] = ()
"""Entra directory roles that the identity needs besides: none so far."""


class _AppRoles(Struct, frozen=True):
    source: str
    resource_app_id: str
    app_roles: dict[str, str]


@cache
def app_role_ids() -> Mapping[str, str]:
    """Give the id of each Graph application permission that is used, by its name: the same in every tenant."""
    raw = files("responders").joinpath("graph_app_roles.json").read_bytes()
    return MappingProxyType(msgspec.json.decode(raw, type=_AppRoles).app_roles)
