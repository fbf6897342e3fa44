"""Every request that the product makes of Microsoft Graph and Azure Resource Manager."""

from typing import Final

from responders.remediations import ca_policies, custom_policies, role_assignments
from shared.clients.calls import Call, Lane, Permission, Service

DIRECTORY_AUDITS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/auditLogs/directoryAudits",
    needs=(Permission.AUDIT_LOG_READ,),
    lane=Lane.REPORTS,
)
"""What the poll reads."""

CALLS: Final[tuple[Call, ...]] = (
    DIRECTORY_AUDITS,
    *ca_policies.CALLS,
    *custom_policies.CALLS,
    *role_assignments.CALLS,
)
