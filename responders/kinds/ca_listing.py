"""The listing of conditional access policies, which the guards and the roster of their groups read."""

from typing import Final

from shared.model.calls import Call, Lane, Permission, Service

READ: Final = (Permission.POLICY_READ,)
WHY_BETA: Final = "v1.0 leaves parts of policies out, and refuses policies that have such parts"

LIST_CA_POLICIES_WHOLE: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/identity/conditionalAccess/policies",
    needs=READ,
    lane=Lane.CONDITIONAL_ACCESS,
    why_beta=WHY_BETA,
)
