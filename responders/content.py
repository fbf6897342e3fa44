"""The product's content, registered in one place.

A new kind of guarded object is a module of `remediations` and a line in `GUARDED`; a new log is a literal in `sources`.
Snapshots, permissions, the doctor's reads, the documentation and the checks of the infrastructure follow from here.
"""

from typing import Final

from responders import rosters, sources
from responders.catalogue import CATALOGUE
from responders.remediations import ca_policies, custom_policies, role_assignments
from shared.model.calls import Call, Permission, Service
from shared.model.kinds import TenantKind
from shared.model.permissions import Grant, Need, grants_from
from shared.model.read_probes import ReadProbe
from shared.model.remediations import Guarded, Inventory
from shared.respond.components import Content

GUARDED: Final[tuple[Guarded, ...]] = (ca_policies.GUARDED, custom_policies.GUARDED, role_assignments.GUARDED)
"""The kinds of object of which snapshots are taken and which can be put back."""

INVENTORIES: Final[tuple[Inventory, ...]] = tuple(each.inventory for each in GUARDED)

CONTENT: Final = Content(detections=CATALOGUE, inventories=INVENTORIES, rosters=rosters.ROSTERS)
"""What the app is built of, without the rules that an operator adds."""

GET_USER: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/users/{id}",
    needs=(Permission.USER_READ,),
)
"""The doctor asks whether the emergency accounts exist and are enabled."""

GET_ROLE_DEFINITION: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{id}",
    needs=(Permission.ROLE_DEFINITION_READ,),
)
"""The doctor asks what the roles of the responder's own identity allow."""

READ_PROBES: Final[tuple[ReadProbe, ...]] = (
    *sources.READ_PROBES,
    *(probe for each in GUARDED for probe in each.read_probes),
    *rosters.READ_PROBES,
)
"""Every read that the product makes, as the doctor tries it: a page of one where there may be many."""

_KIND_OF_TENANT: Final = {inventory.kind: inventory.tenant_kind for inventory in INVENTORIES}

NEEDS: Final[tuple[Need, ...]] = (
    *(
        Need(by=f"poll of the {each.name}", kind=kind, calls=(each.call,))
        for each in sources.SOURCES
        for kind in TenantKind
    ),
    *(Need(by=f"snapshots ({each.kind})", kind=each.tenant_kind, calls=each.calls) for each in INVENTORIES),
    *(
        Need(by=f"roster ({each.kind})", kind=kind, calls=each.calls)
        for each in rosters.ROSTERS
        for kind in each.tenant_kinds
    ),
    *(
        Need(by=detection.id, kind=_KIND_OF_TENANT[detection.remediation.kind], calls=detection.remediation.calls)
        for detection in CATALOGUE
        if detection.remediation
    ),
    Need(by="doctor", kind=TenantKind.WORKFORCE, calls=(GET_USER, GET_ROLE_DEFINITION)),
)
"""Every declaration that makes calls, with the kind of tenant that it makes them in."""

GRANTS: Final[tuple[Grant, ...]] = grants_from(NEEDS)
"""Each permission that a declaration needs, with the tier that has it."""

CALLS: Final[tuple[Call, ...]] = tuple(dict.fromkeys(call for need in NEEDS for call in need.calls))
"""Every request that the product makes of Microsoft Graph and Azure Resource Manager."""
