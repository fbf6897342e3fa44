"""Ways to a role that aren't its assignment in the directory: PIM for Azure and groups, definitions, owners, units."""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import (
    MEMBER_ADDED,
    MEMBER_REMOVED,
    OUTSIDE_PIM,
    OWNER_ADDED,
    OWNER_REMOVED,
    PIM_ACTIVATION,
    ROLE_GIVEN,
    succeeded,
)
from responders.detections.directory_samples import (
    APPLICATION,
    COLLEAGUE,
    EMERGENCY_GROUP,
    ROLE_ASSIGNABLE_GROUP,
    change,
    group_owner_record,
    member_record,
    pim_record,
    role_record,
    target,
)
from responders.detections.samples import BY_APP, BY_USER, SUBSCRIPTION, audit_record, diagnostic_record
from responders.remediations import GIVE_BACK_TO_GROUP_BY_HAND, PUT_BACK_RESTRICTED_UNIT, TAKE_OUT_OF_GROUP
from shared.detect.fields import Audit
from shared.model.conditions import All, Not, all_of, any_of
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Image, Risk

_BY_COLLEAGUE: Final[Image] = {"user": BY_USER["user"] | {"id": COLLEAGUE}, "app": None}
_ELIGIBLE: Final = "Add eligible member to role in PIM completed (timebound)"


def _given_in_pim(category: str) -> All[AuditEvent]:
    """Match what PIM logs in this category, but for activations by somebody who is eligible already."""
    return succeeded(
        *ROLE_GIVEN,
        OUTSIDE_PIM,
        also=(
            Audit.service.is_("PIM"),
            Audit.category.is_(category),
            Not(all_of(Audit.activity.is_(PIM_ACTIVATION), Audit.actor_is_target.is_("self"))),
        ),
    )


def _azure(activity: str, kind: str = "User", *, identity: str = COLLEAGUE, **differences: object) -> Image:
    record = pim_record(activity, kind, identity=identity, **{"category": "ResourceManagement"} | differences)
    scope = target(f"/subscriptions/{SUBSCRIPTION}", "Other", name="production")
    return record | {"targetResources": [*record["targetResources"], scope]}


def _group(activity: str, **differences: object) -> Image:
    return pim_record(activity, "User", identity=COLLEAGUE, **{"category": "GroupManagement"} | differences)


AZURE_ROLE_ASSIGNED_IN_PIM: Detection[AuditEvent] = Detection(
    id="azure-role-assigned-in-pim",
    seed_row="privileged-access/azure-role-assigned-in-pim",
    title="Azure role assigned in PIM, or somebody made eligible for one, by an unapproved actor",
    why="Whoever is eligible takes the role up whenever they like, and no role assignment is there until then.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=_given_in_pim("ResourceManagement"),
    unless_actor_in=ApprovalList.RBAC_ROLES,
    answer=Answer.PAGE,
    deviates=(
        "PIM logs Azure roles under the names of directory roles; its category tells them apart. Covers management "
        "groups and subscriptions that aren't watched as well, from which no event comes."
    ),
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.PIM_FOR_AZURE,
    hits=(
        _azure(_ELIGIBLE),
        _azure("Add member to role in PIM completed (permanent)", "ServicePrincipal", identity=APPLICATION),
        _azure(OUTSIDE_PIM, initiatedBy=BY_APP),
        diagnostic_record(_azure("Restore member from role in PIM completed")),
    ),
    misses=(
        _azure(_ELIGIBLE, result="failure"),
        _azure(PIM_ACTIVATION, initiatedBy=_BY_COLLEAGUE),
        pim_record(_ELIGIBLE),
        _group(_ELIGIBLE),
    ),
)

GROUP_MEMBERSHIP_ASSIGNED_IN_PIM: Detection[AuditEvent] = Detection(
    id="group-membership-assigned-in-pim",
    seed_row="privileged-access/group-membership-assigned-in-pim",
    title="Membership or ownership of a group given in PIM by an unapproved actor",
    why="Whoever may become a member or owner of a group can take up what the group holds: roles, or an exclusion.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=_given_in_pim("GroupManagement"),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    deviates="PIM logs memberships of groups under the names of directory roles; its category tells them apart.",
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.PIM_FOR_GROUPS,
    hits=(
        _group(_ELIGIBLE),
        _group("Add member to role in PIM completed (timebound)", initiatedBy=BY_APP),
        diagnostic_record(_group("Restore eligible member from role in PIM completed")),
    ),
    misses=(
        _group(_ELIGIBLE, result="failure"),
        _group(PIM_ACTIVATION, initiatedBy=_BY_COLLEAGUE),
        pim_record(_ELIGIBLE),
        _azure(_ELIGIBLE),
    ),
)


def _definition(activity: str, **differences: object) -> Image:
    role = target("1b9e4c70-5d38-4f2a-86c1-e97a03d5f246", "Role", name="Order clerk")
    return audit_record(activity, **{"category": "RoleManagement", "targetResources": [role]} | differences)


ROLE_DEFINITION_CHANGED: Detection[AuditEvent] = Detection(
    id="role-definition-changed",
    seed_row="privileged-access/role-definition-changed",
    title="Definition of a directory role made, changed or deleted by an unapproved actor",
    why="If a role is widened, everybody who holds it gets more rights, and nobody was assigned anything.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(
        "Add role definition", "Update role definition", "Delete role definition", "Role definition created"
    ),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    techniques=(attack.ADDITIONAL_CLOUD_ROLES,),
    reference=references.DIRECTORY_CUSTOM_ROLES,
    hits=(
        _definition("Update role definition"),
        _definition("Add role definition", initiatedBy=BY_APP),
        diagnostic_record(_definition("Delete role definition")),
    ),
    misses=(
        _definition("Update role definition", result="failure"),
        _definition("Add role from template"),
    ),
)


def _unit(activity: str, *changes: Image, **differences: object) -> Image:
    unit = target("93d5b0a8-6c17-4e42-b8f9-25e0d71a4c36", "AdministrativeUnit", *changes, name="Directors")
    member = target(COLLEAGUE, "User", upn="robin@fabrikam.onmicrosoft.com")
    fields = {"category": "AdministrativeUnit", "targetResources": [member, unit]}
    return audit_record(activity, **fields | differences)


def _restricted(name: str, *, restricted: bool) -> Image:
    return _unit(name, change("IsMemberManagementRestricted", [], [restricted]))


RESTRICTED_UNIT_CHANGED: Detection[AuditEvent] = Detection(
    id="restricted-unit-changed",
    seed_row="privileged-access/restricted-unit-changed",
    title="Restricted management administrative unit or its members changed by an unapproved actor",
    why=(
        "Whoever is in such a unit can't be disabled, reset or removed by administrators of the whole tenant, nor by "
        "this app. Attackers hide their accounts there."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=any_of(
        succeeded(
            "Add member to restricted management administrative unit",
            "Remove member from restricted management administrative unit",
            "Delete administrative unit",
        ),
        succeeded(
            "Add administrative unit",
            "Update administrative unit",
            also=(
                any_of(
                    Audit.set_properties.contains("ismembermanagementrestricted=[true]"),
                    Audit.set_properties.contains("ismembermanagementrestricted=true"),
                ),
            ),
        ),
    ),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    remediation=PUT_BACK_RESTRICTED_UNIT,
    first_step=(
        "If it couldn't be put back: remove the member from the unit, as Privileged Role Administrator or Global "
        "Administrator. Then undo what else was done with the account."
    ),
    deviates=(
        "A role that is given over such a unit is left to role-assigned. A record of a deletion doesn't say which kind "
        "of unit it was, so each is paged."
    ),
    techniques=(attack.ACCOUNT_MANIPULATION,),
    reference=references.RESTRICTED_UNITS,
    hits=(
        _unit("Add member to restricted management administrative unit"),
        _unit("Remove member from restricted management administrative unit", initiatedBy=BY_APP),
        _restricted("Add administrative unit", restricted=True),
        _unit("Delete administrative unit"),
        diagnostic_record(_unit("Add member to restricted management administrative unit")),
    ),
    misses=(
        _unit("Add member to restricted management administrative unit", result="failure"),
        _unit("Add member to administrative unit"),
        _restricted("Add administrative unit", restricted=False),
    ),
)

ROLE_ASSIGNABLE_GROUP_OWNER_ADDED: Detection[AuditEvent] = Detection(
    id="role-assignable-group-owner-added",
    seed_row="privileged-access/role-assignable-group-owner-added",
    title="Owner added to a role-assignable group by an unapproved actor",
    why="An owner can add members, themselves too, and so give away the roles that the group holds.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(*OWNER_ADDED, also=(Audit.group_level.is_("role-assignable"),)),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    remediation=TAKE_OUT_OF_GROUP,
    deviates="As in role-assignable-group-member-added, a group counts only if it is known to be role-assignable.",
    techniques=(attack.ADDITIONAL_CLOUD_ROLES, attack.ACCOUNT_MANIPULATION),
    reference=references.ROLE_ASSIGNABLE_GROUPS,
    hits=(
        group_owner_record(ROLE_ASSIGNABLE_GROUP),
        group_owner_record(ROLE_ASSIGNABLE_GROUP, "ServicePrincipal", identity=APPLICATION, initiatedBy=BY_APP),
        diagnostic_record(group_owner_record(ROLE_ASSIGNABLE_GROUP.upper())),
    ),
    misses=(
        group_owner_record(EMERGENCY_GROUP),
        group_owner_record(ROLE_ASSIGNABLE_GROUP, result="failure"),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP),
        role_record("Add member to role"),
    ),
)

ROLE_ASSIGNABLE_GROUP_REDUCED: Detection[AuditEvent] = Detection(
    id="role-assignable-group-reduced",
    seed_row="privileged-access/role-assignable-group-reduced",
    title="Member or owner taken out of a role-assignable group by an unapproved actor",
    why="Whoever is taken out loses the group's roles, and no record says so. Attackers do that to administrators.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(MEMBER_REMOVED, OWNER_REMOVED, also=(Audit.group_level.is_("role-assignable"),)),
    unless_actor_in=ApprovalList.DIRECTORY_ROLES,
    answer=Answer.PAGE,
    remediation=GIVE_BACK_TO_GROUP_BY_HAND,
    deviates=(
        "As in role-assignable-group-member-added, a group counts only if it is known to be role-assignable, and "
        "MS-PIM, which ends memberships, is approved unless you withdraw it."
    ),
    techniques=(attack.ACCOUNT_ACCESS_REMOVAL,),
    reference=references.ROLE_ASSIGNABLE_GROUPS,
    hits=(
        member_record(MEMBER_REMOVED, ROLE_ASSIGNABLE_GROUP),
        member_record(OWNER_REMOVED, ROLE_ASSIGNABLE_GROUP.upper(), initiatedBy=BY_APP),
        diagnostic_record(member_record("Remove member from Group", ROLE_ASSIGNABLE_GROUP)),
    ),
    misses=(
        member_record(MEMBER_REMOVED, EMERGENCY_GROUP),
        member_record(MEMBER_REMOVED, ROLE_ASSIGNABLE_GROUP, result="failure"),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP),
    ),
)

ROLES_BY_OTHER_WAYS: Final[tuple[AnyDetection, ...]] = (
    AZURE_ROLE_ASSIGNED_IN_PIM,
    GROUP_MEMBERSHIP_ASSIGNED_IN_PIM,
    ROLE_DEFINITION_CHANGED,
    RESTRICTED_UNIT_CHANGED,
    ROLE_ASSIGNABLE_GROUP_OWNER_ADDED,
    ROLE_ASSIGNABLE_GROUP_REDUCED,
)
