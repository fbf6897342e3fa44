"""Rights in Azure given and taken, from the guide "Securing privileged access" and the table of privileged access."""

from typing import Final

from responders.detections.samples import (
    APP_CLAIMS,
    activity_log_record,
    cloud_event_record,
    event_grid_record,
    exported_activity_record,
)
from responders.remediations.role_assignments import RECREATE_ROLE_ASSIGNMENT, REMOVE_ROLE_ASSIGNMENT
from shared.catalog import Answer, AnyDetection, ApprovalList, Detection, Risk
from shared.conditions import All, Resource, all_of
from shared.events import Log, ResourceEvent

_WRITE: Final = "Microsoft.Authorization/roleAssignments/write"
_DELETE: Final = "Microsoft.Authorization/roleAssignments/delete"
_EVERY_ROLE: Final = (
    "The table grades by role, high for those that can give roles and medium for others. Neither Event Grid nor the "
    "Activity Log's record of a delete names the role, so every one is high."
)


def _succeeded(operation: str) -> All[ResourceEvent]:
    """Ask for the end of the operation: the Activity Log has a record of its start too."""
    return all_of(Resource.operation.is_(operation), Resource.outcome.is_("success"))


RBAC_ROLE_ASSIGNED: Detection[ResourceEvent] = Detection(
    id="rbac-role-assigned",
    seed_row="privileged-access/rbac-role-assigned",
    title="Azure role assigned by an unapproved actor",
    why="Whoever holds the role keeps its rights over the scope after the way in has been closed.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=_succeeded(_WRITE),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.REMEDIATE,
    remediation=REMOVE_ROLE_ASSIGNMENT,
    deviates=_EVERY_ROLE,
    hits=(
        event_grid_record(_WRITE),
        cloud_event_record(_WRITE, claims=dict(APP_CLAIMS)),
        activity_log_record(_WRITE),
        exported_activity_record(_WRITE),
    ),
    misses=(
        event_grid_record(_WRITE, status="Failed"),
        activity_log_record(_WRITE, status="Started"),
        activity_log_record(_WRITE, status="Accepted"),
        exported_activity_record(_WRITE, result_type="Start"),
        event_grid_record("Microsoft.Authorization/roleDefinitions/write"),
        event_grid_record("Microsoft.Storage/storageAccounts/write"),
    ),
)

RBAC_ROLE_REMOVED: Detection[ResourceEvent] = Detection(
    id="rbac-role-removed",
    seed_row="privileged-access/rbac-role-removed",
    title="Azure role assignment removed by an unapproved actor",
    why="Taking the owners' or the responders' rights away comes before what they should not be able to stop.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=_succeeded(_DELETE),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.REMEDIATE,
    remediation=RECREATE_ROLE_ASSIGNMENT,
    deviates=_EVERY_ROLE,
    hits=(
        event_grid_record(_DELETE),
        cloud_event_record(_DELETE),
        activity_log_record(_DELETE),
        exported_activity_record(_DELETE),
    ),
    misses=(
        event_grid_record(_DELETE, status="Failed"),
        activity_log_record(_DELETE, status="Started"),
        exported_activity_record(_DELETE, result_type="Start"),
        activity_log_record("Microsoft.Compute/disks/delete"),
    ),
)

PRIVILEGED_ACCESS: Final[tuple[AnyDetection, ...]] = (RBAC_ROLE_ASSIGNED, RBAC_ROLE_REMOVED)
