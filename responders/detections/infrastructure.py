"""Rows 1 to 6 of the guide's table "Infrastructure": the policies that decide how people sign in."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import CA_POLICY_MADE, done_in
from responders.detections.policy_dependencies import (
    AUTHENTICATION_CONTEXT_CREATED,
    AUTHENTICATION_CONTEXT_DELETED,
    AUTHENTICATION_CONTEXT_UPDATED,
    AUTHENTICATION_STRENGTH_CREATED,
    AUTHENTICATION_STRENGTH_DELETED,
    AUTHENTICATION_STRENGTH_UPDATED,
    NAMED_LOCATION_CREATED,
    NAMED_LOCATION_DELETED,
    NAMED_LOCATION_UPDATED,
    POLICY_GROUP_CHANGED,
    POLICY_GROUP_REDUCED,
)
from responders.detections.samples import (
    BY_APP,
    CA_POLICY,
    audit_record,
    ca_policy_record,
    ca_policy_twin,
    custom_policy_record,
    diagnostic_record,
)
from responders.remediations import (
    DELETE_CUSTOM_POLICY,
    DISABLE_CA_POLICY,
    PUT_BACK_CA_POLICY,
    PUT_BACK_CUSTOM_POLICY,
    RESTORE_CA_POLICY,
    RESTORE_CUSTOM_POLICY,
)
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Risk

_WITHOUT_MFA: Final = {name: value for name, value in CA_POLICY.items() if name != "grantControls"}

CA_POLICY_CREATED: Detection[AuditEvent] = Detection(
    id="ca-policy-created",
    seed_row="infrastructure/1",
    title="Conditional access policy created by an unapproved actor",
    why=(
        "A new policy, or one that is taken out of the recycle bin, can lock every administrator out or keep sessions "
        "alive for ever. It applies within minutes."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in("Conditional Access", *CA_POLICY_MADE),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=DISABLE_CA_POLICY,
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.CA_AUDIT_LOG,
    hits=(
        ca_policy_record("Add conditional access policy", new=CA_POLICY),
        ca_policy_record("Add conditional access policy", new=CA_POLICY, initiatedBy=BY_APP),
        diagnostic_record(ca_policy_record("Add\N{NO-BREAK SPACE}Conditional Access  policy ", new=CA_POLICY)),
        ca_policy_record("Restore conditional access policy", new=CA_POLICY),
        ca_policy_record("Restore deleted conditional access policy", new=CA_POLICY),
    ),
    misses=(
        ca_policy_record("Add conditional access policy", result="failure", resultReason="Insufficient privileges"),
        ca_policy_twin("Add policy"),
        ca_policy_record("Add conditional access policy", loggedByService="Core Directory"),
        ca_policy_record("Add named location"),
    ),
)

CA_POLICY_DELETED: Detection[AuditEvent] = Detection(
    id="ca-policy-deleted",
    seed_row="infrastructure/2",
    title="Conditional access policy deleted by an unapproved actor",
    why="What the policy required, such as multifactor authentication, is no longer required of anybody.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=done_in("Conditional Access", "Delete conditional access policy", "Soft delete conditional access policy"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=RESTORE_CA_POLICY,
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.CA_AUDIT_LOG,
    hits=(
        ca_policy_record("Delete conditional access policy", old=CA_POLICY),
        ca_policy_record("DELETE CONDITIONAL ACCESS POLICY", old=CA_POLICY),
    ),
    misses=(
        ca_policy_record("Delete conditional access policy", result="failure"),
        ca_policy_twin("Delete policy"),
        audit_record("Delete policy", id="IPCGraph_7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23_T0VBE_51760911"),
    ),
)

CA_POLICY_UPDATED: Detection[AuditEvent] = Detection(
    id="ca-policy-updated",
    seed_row="infrastructure/3",
    title="Conditional access policy changed by an unapproved actor",
    why="A new exclusion or a removed control can free the attacker's account from multifactor authentication.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in("Conditional Access", "Update conditional access policy"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_CA_POLICY,
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.CA_AUDIT_LOG,
    hits=(
        ca_policy_record("Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"}),
        ca_policy_record("Update Conditional Access Policy", old=CA_POLICY, new=_WITHOUT_MFA),
    ),
    misses=(
        ca_policy_record("Update conditional access policy", old=CA_POLICY, result="failure"),
        ca_policy_twin("Update policy"),
        ca_policy_record("Update continuous access evaluation"),
    ),
)

B2C_CUSTOM_POLICY_CREATED: Detection[AuditEvent] = Detection(
    id="b2c-custom-policy-created",
    seed_row="infrastructure/4",
    title="B2C custom policy created by an unapproved actor",
    why="A custom policy decides which tokens are issued. A new one can sign anybody in as any customer.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in("B2C", "Create custom policy"),
    unless_actor_in=ApprovalList.B2C_CUSTOM_POLICIES,
    answer=Answer.PAGE,
    remediation=DELETE_CUSTOM_POLICY,
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.B2C_CUSTOM_POLICIES,
    hits=(
        custom_policy_record("Create custom policy"),
        custom_policy_record("Create custom policy", category="Authorization"),
    ),
    misses=(
        custom_policy_record("Create custom policy", result="failure"),
        custom_policy_record("Create custom policy", loggedByService="Core Directory"),
        custom_policy_record("Create user flow"),
    ),
)

B2C_CUSTOM_POLICY_UPDATED: Detection[AuditEvent] = Detection(
    id="b2c-custom-policy-updated",
    seed_row="infrastructure/5",
    title="B2C custom policy changed by an unapproved actor",
    why="A changed step can send passwords and claims elsewhere or skip a check, for everybody who signs in.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in("B2C", "Update custom policy"),
    unless_actor_in=ApprovalList.B2C_CUSTOM_POLICIES,
    answer=Answer.PAGE,
    remediation=PUT_BACK_CUSTOM_POLICY,
    deviates=(
        "The guide prints the activity Get custom policies, which is logged whenever somebody opens the page in the "
        "portal. The guide means Update custom policy."
    ),
    techniques=(attack.MODIFY_AUTHENTICATION_PROCESS,),
    reference=references.B2C_CUSTOM_POLICIES,
    hits=(
        custom_policy_record("Update custom policy"),
        custom_policy_record("update custom policy\N{NO-BREAK SPACE}", category="Authorization"),
    ),
    misses=(
        custom_policy_record("Get custom policies"),
        custom_policy_record("Update custom policy", result="failure"),
        custom_policy_record("Update user flow"),
    ),
)

B2C_CUSTOM_POLICY_DELETED: Detection[AuditEvent] = Detection(
    id="b2c-custom-policy-deleted",
    seed_row="infrastructure/6",
    title="B2C custom policy deleted by an unapproved actor",
    why="Customers can't sign in with this policy or with any policy that is based on it.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=done_in("B2C", "Delete custom policy"),
    unless_actor_in=ApprovalList.B2C_CUSTOM_POLICIES,
    answer=Answer.PAGE,
    remediation=RESTORE_CUSTOM_POLICY,
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL,),
    reference=references.B2C_CUSTOM_POLICIES,
    hits=(
        custom_policy_record("Delete custom policy"),
        custom_policy_record("Delete custom policy", initiatedBy=BY_APP),
    ),
    misses=(
        custom_policy_record("Delete custom policy", result="failure"),
        custom_policy_record("Delete policy key"),
    ),
)

POLICIES: Final[tuple[AnyDetection, ...]] = (
    CA_POLICY_CREATED,
    NAMED_LOCATION_CREATED,
    AUTHENTICATION_STRENGTH_CREATED,
    AUTHENTICATION_CONTEXT_CREATED,
    CA_POLICY_DELETED,
    NAMED_LOCATION_DELETED,
    AUTHENTICATION_STRENGTH_DELETED,
    AUTHENTICATION_CONTEXT_DELETED,
    CA_POLICY_UPDATED,
    NAMED_LOCATION_UPDATED,
    AUTHENTICATION_STRENGTH_UPDATED,
    AUTHENTICATION_CONTEXT_UPDATED,
    POLICY_GROUP_CHANGED,
    POLICY_GROUP_REDUCED,
    B2C_CUSTOM_POLICY_CREATED,
    B2C_CUSTOM_POLICY_UPDATED,
    B2C_CUSTOM_POLICY_DELETED,
)
