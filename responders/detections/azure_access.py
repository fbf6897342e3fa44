"""What gives or takes access to Azure and isn't an assignment or a definition of a role."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import ended
from responders.detections.samples import (
    APP_CLAIMS,
    SUBSCRIPTION,
    activity_log_record,
    cloud_event_record,
    event_grid_record,
    exported_activity_record,
)
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import Log, ResourceEvent
from shared.model.kinds import ApprovalList, Image, Risk

_PROVIDER: Final = "Microsoft.Authorization"
_ELIGIBLE: Final = f"{_PROVIDER}/roleEligibilityScheduleRequests/write"
_ACTIVE: Final = f"{_PROVIDER}/roleAssignmentScheduleRequests/write"
_PIM_POLICY: Final = f"{_PROVIDER}/roleManagementPolicies/write"
_DENY: Final = f"{_PROVIDER}/denyAssignments/delete"
_CLASSIC: Final = f"{_PROVIDER}/classicAdministrators/write"
_MOVE: Final = "Microsoft.Management/managementGroups/subscriptions/write"


def _at(kind: str, name: str = "5a90e7c2-d163-4b8f-87e4-2c60f1b3d975") -> str:
    return f"/subscriptions/{SUBSCRIPTION}/providers/{_PROVIDER}/{kind}/{name}"


def _event(operation: str, **differences: object) -> Image:
    kind = operation.split("/")[1]
    return event_grid_record(operation, **{"resourceUri": _at(kind)} | differences)


RBAC_ROLE_MADE_ELIGIBLE: Detection[ResourceEvent] = Detection(
    id="rbac-role-made-eligible",
    seed_row="privileged-access/rbac-role-made-eligible",
    title="Somebody made eligible for an Azure role by an unapproved actor",
    why="Whoever is eligible takes the role up whenever they like, and no role assignment is there until then.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_ELIGIBLE),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    deviates="The event doesn't say whether somebody was made eligible or no longer is, so every request counts.",
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.PIM_FOR_AZURE,
    hits=(
        _event(_ELIGIBLE),
        cloud_event_record(_ELIGIBLE, resourceUri=_at("roleEligibilityScheduleRequests"), claims=dict(APP_CLAIMS)),
        activity_log_record(_ELIGIBLE),
        exported_activity_record(_ELIGIBLE),
    ),
    misses=(_event(_ELIGIBLE, status="Failed"), activity_log_record(_ELIGIBLE, status="Started")),
)

RBAC_ROLE_REQUESTED: Detection[ResourceEvent] = Detection(
    id="rbac-role-requested",
    seed_row="privileged-access/rbac-role-requested",
    title="Azure role requested in PIM, or taken up, by an unapproved actor",
    why="A request can begin later: it shows who asked for a role before the role is assigned.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_ACTIVE),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.RECORD,
    deviates=(
        "The event doesn't tell who takes up a role that they are eligible for from who gives one to somebody, so it "
        "is only recorded. The assignment that PIM then makes is judged by who asked for it: see rbac-role-assigned."
    ),
    techniques=(attack.TEMPORARY_ELEVATED_CLOUD_ACCESS,),
    reference=references.PIM_FOR_AZURE,
    hits=(_event(_ACTIVE), activity_log_record(_ACTIVE), exported_activity_record(_ACTIVE)),
    misses=(_event(_ACTIVE, status="Failed"), activity_log_record(_ACTIVE, status="Started")),
)

AZURE_PIM_SETTINGS_CHANGED: Detection[ResourceEvent] = Detection(
    id="azure-pim-settings-changed",
    seed_row="privileged-access/azure-pim-settings-changed",
    title="PIM setting of an Azure role changed by an unapproved actor",
    why=(
        "Without approval, second factor or time limit, anybody who is eligible for the role can use it at any time, "
        "and nobody is told."
    ),
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_PIM_POLICY, f"{_PROVIDER}/roleManagementPolicyAssignments/write"),
    unless_actor_in=ApprovalList.PIM_SETTINGS,
    answer=Answer.PAGE,
    techniques=(attack.TEMPORARY_ELEVATED_CLOUD_ACCESS,),
    reference=references.PIM_SETTINGS,
    hits=(_event(_PIM_POLICY), activity_log_record(_PIM_POLICY), exported_activity_record(_PIM_POLICY)),
    misses=(_event(_PIM_POLICY, status="Failed"), activity_log_record(_PIM_POLICY, status="Started")),
)

DENY_ASSIGNMENT_CHANGED: Detection[ResourceEvent] = Detection(
    id="deny-assignment-changed",
    seed_row="privileged-access/deny-assignment-changed",
    title="Deny assignment or blueprint removed, or a deny assignment made, by an unapproved actor",
    why="A deny assignment holds whatever roles somebody has. Removed, it protects nothing; made, it locks owners out.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_DENY, f"{_PROVIDER}/denyAssignments/write", "Microsoft.Blueprint/blueprintAssignments/delete"),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL, attack.DISABLE_TOOLS),
    reference=references.DENY_ASSIGNMENTS,
    hits=(
        _event(_DENY),
        activity_log_record("Microsoft.Blueprint/blueprintAssignments/delete"),
        exported_activity_record(_DENY),
    ),
    misses=(_event(_DENY, status="Failed"), activity_log_record(_DENY, status="Started")),
)

CLASSIC_ADMINISTRATOR_CHANGED: Detection[ResourceEvent] = Detection(
    id="classic-administrator-changed",
    seed_row="privileged-access/classic-administrator-changed",
    title="Classic administrator of a subscription added or removed by an unapproved actor",
    why="A co-administrator has the rights of an Owner, and is in no listing of role assignments.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(_CLASSIC, f"{_PROVIDER}/classicAdministrators/delete"),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.CLASSIC_ADMINISTRATORS,
    hits=(_event(_CLASSIC), activity_log_record(_CLASSIC), exported_activity_record(_CLASSIC)),
    misses=(_event(_CLASSIC, status="Failed"), activity_log_record(_CLASSIC, status="Started")),
)

SUBSCRIPTION_MOVED: Detection[ResourceEvent] = Detection(
    id="subscription-moved",
    seed_row="privileged-access/subscription-moved",
    title="Subscription moved to another management group, or canceled, by an unapproved actor",
    why="In another management group other people hold roles and other policies apply, and no assignment was changed.",
    risk=Risk.HIGH,
    log=Log.RESOURCE,
    when=ended(
        _MOVE, "Microsoft.Management/managementGroups/subscriptions/delete", "Microsoft.Subscription/cancel/action"
    ),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    deviates=(
        "Azure logs a move at the management group. Whether Event Grid delivers it to the subscription as well isn't "
        "documented: the listing of role assignments shows what follows."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.MANAGEMENT_GROUPS,
    hits=(
        event_grid_record(_MOVE),
        activity_log_record(_MOVE),
        exported_activity_record("Microsoft.Subscription/cancel/action"),
    ),
    misses=(event_grid_record(_MOVE, status="Failed"), activity_log_record(_MOVE, status="Started")),
)

AZURE_ACCESS: Final[tuple[AnyDetection, ...]] = (
    RBAC_ROLE_MADE_ELIGIBLE,
    RBAC_ROLE_REQUESTED,
    AZURE_PIM_SETTINGS_CHANGED,
    DENY_ASSIGNMENT_CHANGED,
    CLASSIC_ADMINISTRATOR_CHANGED,
    SUBSCRIPTION_MOVED,
)
