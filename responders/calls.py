"""Every request that the product makes of Microsoft Graph and Azure Resource Manager."""

from typing import Final

from responders import rosters
from responders.remediations import ca_policies, custom_policies, role_assignments
from shared.model.calls import Call, Lane, Permission, Service

DIRECTORY_AUDITS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/auditLogs/directoryAudits",
    needs=(Permission.AUDIT_LOG_READ,),
    lane=Lane.REPORTS,
)
"""What the poll of the audit log reads."""

SIGN_INS: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/auditLogs/signIns",
    needs=(Permission.AUDIT_LOG_READ, Permission.DIRECTORY_READ),
    lane=Lane.REPORTS,
    why_beta="v1.0 gives interactive sign-ins alone, without authenticationProtocol and authenticationDetails",
)
"""What the poll of the sign-in log reads. Microsoft's page asks for both permissions: by the second one Graph looks up
whether the tenant has a licence.
"""

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

CALLS: Final[tuple[Call, ...]] = (
    DIRECTORY_AUDITS,
    SIGN_INS,
    GET_USER,
    GET_ROLE_DEFINITION,
    *ca_policies.CALLS,
    *custom_policies.CALLS,
    *role_assignments.CALLS,
    *rosters.CALLS,
)
