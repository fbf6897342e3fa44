"""What conditional access policies lean on: named locations, authentication strengths and authentication contexts.

Rows 1 to 3 of the guide's table "Infrastructure" print the activities of the policies alone. A policy says what its
locations, strengths and contexts say, so a change of one of those is graded as the same change of a policy.
"""

from typing import Final

from responders.detections import attack, references
from responders.detections.activities import (
    MEMBER_ADDED,
    MEMBER_REMOVED,
    OWNER_ADDED,
    OWNER_REMOVED,
    done_in,
    succeeded,
)
from responders.detections.directory_samples import (
    EMERGENCY_GROUP,
    ROLE_ASSIGNABLE_GROUP,
    change,
    group_owner_record,
    member_record,
    target,
)
from responders.detections.samples import (
    AUTHENTICATION_CONTEXT,
    AUTHENTICATION_STRENGTH,
    BY_APP,
    NAMED_LOCATION,
    audit_record,
    authentication_context_record,
    authentication_strength_record,
    ca_policy_record,
    ca_policy_twin,
    diagnostic_record,
    named_location_record,
)
from responders.remediations import (
    DELETE_AUTHENTICATION_STRENGTH,
    DISTRUST_NAMED_LOCATION,
    GIVE_BACK_TO_GROUP,
    PUT_BACK_AUTHENTICATION_CONTEXT,
    PUT_BACK_AUTHENTICATION_STRENGTH,
    PUT_BACK_NAMED_LOCATION,
    RESTORE_AUTHENTICATION_CONTEXT,
    RESTORE_AUTHENTICATION_STRENGTH,
    RESTORE_NAMED_LOCATION,
    TAKE_OUT_OF_GROUP,
    UNPUBLISH_AUTHENTICATION_CONTEXT,
)
from shared.detect.fields import Audit
from shared.model.conditions import any_of
from shared.model.detections import Answer, Detection
from shared.model.events import AuditEvent, Log
from shared.model.kinds import ApprovalList, Image, Risk

_CONDITIONAL_ACCESS: Final = "Conditional Access"
_METHODS: Final = "Authentication Methods"

_WIDER: Final[Image] = NAMED_LOCATION | {"ipRanges": [{"cidrAddress": "0.0.0.0/1"}]}
_WEAKER: Final[Image] = AUTHENTICATION_STRENGTH | {"allowedCombinations": ["fido2", "password"]}
_CONFIGURATION: Final = "Authentication Strength Combination Configuration"

NAMED_LOCATION_CREATED: Detection[AuditEvent] = Detection(
    id="named-location-created",
    seed_row="infrastructure/1/named-location",
    title="Named location created by an unapproved actor",
    why="Whoever comes from a new trusted location is spared by every policy that leaves all trusted locations out.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(
        _CONDITIONAL_ACCESS,
        "Add named location",
        "Create named location",
        "Restore named location",
        "Restore deleted named location",
    ),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=DISTRUST_NAMED_LOCATION,
    deviates="The guide prints the activity of policies alone. Policies lean on named locations.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.NAMED_LOCATIONS,
    hits=(
        named_location_record("Add named location", new=NAMED_LOCATION),
        named_location_record("Add named location", new=NAMED_LOCATION, initiatedBy=BY_APP),
        diagnostic_record(named_location_record("Add\N{NO-BREAK SPACE}Named location ", new=NAMED_LOCATION)),
    ),
    misses=(
        named_location_record("Add named location", result="failure", resultReason="Insufficient privileges"),
        named_location_record("Add named location", loggedByService="Core Directory"),
        ca_policy_record("Add conditional access policy"),
        ca_policy_twin("Add policy"),
    ),
)

NAMED_LOCATION_DELETED: Detection[AuditEvent] = Detection(
    id="named-location-deleted",
    seed_row="infrastructure/2/named-location",
    title="Named location deleted by an unapproved actor",
    why="No policy can name the network or the countries any more. Those that did were changed before.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=done_in(_CONDITIONAL_ACCESS, "Delete named location", "Soft delete named location"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=RESTORE_NAMED_LOCATION,
    deviates="The guide prints the activity of policies alone. Policies lean on named locations.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.NAMED_LOCATIONS,
    hits=(
        named_location_record("Delete named location", old=NAMED_LOCATION),
        named_location_record("DELETE NAMED LOCATION", old=NAMED_LOCATION),
    ),
    misses=(
        named_location_record("Delete named location", result="failure"),
        ca_policy_record("Delete conditional access policy"),
        ca_policy_twin("Delete policy"),
    ),
)

NAMED_LOCATION_UPDATED: Detection[AuditEvent] = Detection(
    id="named-location-updated",
    seed_row="infrastructure/3/named-location",
    title="Named location changed by an unapproved actor",
    why=(
        "An address added to a location frees whoever comes from it from all that policies ask for elsewhere, though "
        "no policy was changed."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(_CONDITIONAL_ACCESS, "Update named location"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_NAMED_LOCATION,
    deviates="The guide prints the activity of policies alone. Policies lean on named locations.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.NAMED_LOCATIONS,
    hits=(
        named_location_record("Update named location", old=NAMED_LOCATION, new=_WIDER),
        named_location_record("Update Named Location", old=NAMED_LOCATION | {"isTrusted": False}, new=NAMED_LOCATION),
    ),
    misses=(
        named_location_record("Update named location", old=NAMED_LOCATION, result="failure"),
        ca_policy_record("Update conditional access policy"),
        ca_policy_twin("Update policy"),
    ),
)

AUTHENTICATION_STRENGTH_CREATED: Detection[AuditEvent] = Detection(
    id="authentication-strength-created",
    seed_row="infrastructure/1/authentication-strength",
    title="Authentication strength created by an unapproved actor",
    why="A strength with a trustworthy name can hold weak methods. A policy that is led to it asks for no more.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(_METHODS, "Authentication Strength Policy Create"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=DELETE_AUTHENTICATION_STRENGTH,
    deviates="The guide prints the activity of policies alone. Policies lean on authentication strengths.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES, attack.MODIFY_MULTI_FACTOR_AUTHENTICATION),
    reference=references.AUTHENTICATION_STRENGTHS,
    hits=(
        authentication_strength_record("Authentication Strength Policy Create", new=_WEAKER),
        authentication_strength_record("authentication strength policy create ", new=_WEAKER, initiatedBy=BY_APP),
    ),
    misses=(
        authentication_strength_record("Authentication Strength Policy Create", result="failure"),
        authentication_strength_record(f"{_CONFIGURATION} Create"),
    ),
)

AUTHENTICATION_STRENGTH_DELETED: Detection[AuditEvent] = Detection(
    id="authentication-strength-deleted",
    seed_row="infrastructure/2/authentication-strength",
    title="Authentication strength deleted by an unapproved actor",
    why="No policy can ask for the strength any more. Those that did were changed before.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=done_in(_METHODS, "Authentication Strength Policy Delete"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=RESTORE_AUTHENTICATION_STRENGTH,
    deviates="The guide prints the activity of policies alone. Policies lean on authentication strengths.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES, attack.MODIFY_MULTI_FACTOR_AUTHENTICATION),
    reference=references.AUTHENTICATION_STRENGTHS,
    hits=(
        authentication_strength_record("Authentication Strength Policy Delete", old=AUTHENTICATION_STRENGTH),
        diagnostic_record(authentication_strength_record("Authentication Strength Policy Delete")),
    ),
    misses=(
        authentication_strength_record("Authentication Strength Policy Delete", result="failure"),
        authentication_strength_record(f"{_CONFIGURATION} Delete"),
    ),
)

AUTHENTICATION_STRENGTH_UPDATED: Detection[AuditEvent] = Detection(
    id="authentication-strength-updated",
    seed_row="infrastructure/3/authentication-strength",
    title="Authentication strength changed by an unapproved actor",
    why=(
        "A weak method, or any model of security key, then satisfies each policy that asks for the strength, though no "
        "policy was changed."
    ),
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(
        _METHODS,
        "Authentication Strength Policy Update",
        f"{_CONFIGURATION} Create",
        f"{_CONFIGURATION} Update",
        f"{_CONFIGURATION} Delete",
    ),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_AUTHENTICATION_STRENGTH,
    deviates="The guide prints the activity of policies alone. Policies lean on authentication strengths.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES, attack.MODIFY_MULTI_FACTOR_AUTHENTICATION),
    reference=references.AUTHENTICATION_STRENGTHS,
    hits=(
        authentication_strength_record(
            "Authentication Strength Policy Update", old=AUTHENTICATION_STRENGTH, new=_WEAKER
        ),
        authentication_strength_record(f"{_CONFIGURATION} Delete", old=AUTHENTICATION_STRENGTH),
        authentication_strength_record(f"{_CONFIGURATION} Create", initiatedBy=BY_APP),
        authentication_strength_record(f"{_CONFIGURATION} Update".upper()),
    ),
    misses=(
        authentication_strength_record("Authentication Strength Policy Update", result="failure"),
        authentication_strength_record("Authentication Methods Policy Update"),
    ),
)

AUTHENTICATION_CONTEXT_CREATED: Detection[AuditEvent] = Detection(
    id="authentication-context-created",
    seed_row="infrastructure/1/authentication-context",
    title="Authentication context created by an unapproved actor",
    why="An application or a role that is led to a context which no policy answers is protected by nothing.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(
        _CONDITIONAL_ACCESS, "Add AuthenticationContextClassReference", "Create AuthenticationContextClassReference"
    ),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=UNPUBLISH_AUTHENTICATION_CONTEXT,
    deviates="The guide prints the activity of policies alone. Policies answer authentication contexts.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.AUTHENTICATION_CONTEXTS,
    hits=(
        authentication_context_record("Add AuthenticationContextClassReference", new=AUTHENTICATION_CONTEXT),
        authentication_context_record("add authenticationcontextclassreference", initiatedBy=BY_APP),
    ),
    misses=(
        authentication_context_record("Add AuthenticationContextClassReference", result="failure"),
        authentication_context_record("Add AuthenticationContextClassReference", loggedByService="Core Directory"),
    ),
)

AUTHENTICATION_CONTEXT_DELETED: Detection[AuditEvent] = Detection(
    id="authentication-context-deleted",
    seed_row="infrastructure/2/authentication-context",
    title="Authentication context deleted by an unapproved actor",
    why="What asks for the context, such as a protected action, is no longer answered by any policy.",
    risk=Risk.MEDIUM,
    log=Log.AUDIT,
    when=done_in(_CONDITIONAL_ACCESS, "Delete AuthenticationContextClassReference"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=RESTORE_AUTHENTICATION_CONTEXT,
    deviates="The guide prints the activity of policies alone. Policies answer authentication contexts.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.AUTHENTICATION_CONTEXTS,
    hits=(
        authentication_context_record("Delete AuthenticationContextClassReference", old=AUTHENTICATION_CONTEXT),
        diagnostic_record(authentication_context_record("Delete AuthenticationContextClassReference")),
    ),
    misses=(
        authentication_context_record("Delete AuthenticationContextClassReference", result="failure"),
        authentication_context_record("Update continuous access evaluation"),
    ),
)

AUTHENTICATION_CONTEXT_UPDATED: Detection[AuditEvent] = Detection(
    id="authentication-context-updated",
    seed_row="infrastructure/3/authentication-context",
    title="Authentication context changed by an unapproved actor",
    why="Unpublished or renamed, the context isn't chosen any more for data and roles that it should protect.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=done_in(_CONDITIONAL_ACCESS, "Update AuthenticationContextClassReference"),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=PUT_BACK_AUTHENTICATION_CONTEXT,
    deviates="The guide prints the activity of policies alone. Policies answer authentication contexts.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.AUTHENTICATION_CONTEXTS,
    hits=(
        authentication_context_record(
            "Update AuthenticationContextClassReference",
            old=AUTHENTICATION_CONTEXT,
            new=AUTHENTICATION_CONTEXT | {"isAvailable": False},
        ),
        authentication_context_record("UPDATE AUTHENTICATIONCONTEXTCLASSREFERENCE", initiatedBy=BY_APP),
    ),
    misses=(
        authentication_context_record("Update AuthenticationContextClassReference", result="failure"),
        ca_policy_twin("Update policy"),
    ),
)


def _rule_record(group: str, *changes: Image, **differences: object) -> Image:
    changed = target(group, "Group", *changes, name="Directory operators")
    return audit_record("Update group", **{"category": "GroupManagement", "targetResources": [changed]} | differences)


_RULE: Final = change("MembershipRule", ['user.department -eq "IT"'], ['user.department -ne "x"'])

POLICY_GROUP_CHANGED: Detection[AuditEvent] = Detection(
    id="policy-group-changed",
    seed_row="infrastructure/3/left-out-group",
    title="Group that conditional access policies leave out extended by an unapproved actor",
    why="Whoever is a member is asked for nothing that the policy asks of others, though no policy was changed.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=any_of(
        succeeded(MEMBER_ADDED, *OWNER_ADDED, also=(Audit.policy_group.is_("left-out"),)),
        succeeded(
            "Update group",
            also=(Audit.policy_group.is_("left-out"), Audit.changed_properties.contains("membershiprule")),
        ),
    ),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=TAKE_OUT_OF_GROUP,
    first_step="Remove the member or owner from the group, and see what the account did since.",
    deviates=(
        "The guide prints the activity of policies alone. The groups are read from the policies that aren't switched "
        "off; while they can't be read a notice says so. A group within such a group isn't looked into."
    ),
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES,),
    reference=references.CA_USERS,
    hits=(
        member_record(MEMBER_ADDED, EMERGENCY_GROUP),
        member_record(MEMBER_ADDED, EMERGENCY_GROUP.upper(), "ServicePrincipal", initiatedBy=BY_APP),
        group_owner_record(EMERGENCY_GROUP),
        _rule_record(EMERGENCY_GROUP, _RULE),
        diagnostic_record(member_record("Add Member to group ", EMERGENCY_GROUP)),
    ),
    misses=(
        member_record(MEMBER_ADDED, EMERGENCY_GROUP, result="failure"),
        member_record(MEMBER_ADDED, ROLE_ASSIGNABLE_GROUP),
        member_record("Remove member from group", EMERGENCY_GROUP),
        _rule_record(EMERGENCY_GROUP, change("Description", ["x"], ["y"])),
        _rule_record(ROLE_ASSIGNABLE_GROUP, _RULE),
    ),
)

POLICY_GROUP_REDUCED: Detection[AuditEvent] = Detection(
    id="policy-group-reduced",
    seed_row="infrastructure/3/left-out-group-reduced",
    title="Member or owner taken out of a group that conditional access policies leave out by an unapproved actor",
    why="Emergency accounts may be left out of policies by such a group: who is taken out of it can be locked out.",
    risk=Risk.HIGH,
    log=Log.AUDIT,
    when=succeeded(MEMBER_REMOVED, OWNER_REMOVED, also=(Audit.policy_group.is_("left-out"),)),
    unless_actor_in=ApprovalList.CONDITIONAL_ACCESS,
    answer=Answer.PAGE,
    remediation=GIVE_BACK_TO_GROUP,
    first_step="See who was taken out, and whether the emergency accounts can still sign in.",
    deviates="The guide prints the activity of policies alone. The groups are those of policy-group-changed.",
    techniques=(attack.CONDITIONAL_ACCESS_POLICIES, attack.ACCOUNT_ACCESS_REMOVAL),
    reference=references.CA_USERS,
    hits=(
        member_record(MEMBER_REMOVED, EMERGENCY_GROUP),
        member_record(OWNER_REMOVED, EMERGENCY_GROUP.upper(), initiatedBy=BY_APP),
        diagnostic_record(member_record("Remove Member from group ", EMERGENCY_GROUP)),
    ),
    misses=(
        member_record(MEMBER_REMOVED, EMERGENCY_GROUP, result="failure"),
        member_record(MEMBER_REMOVED, ROLE_ASSIGNABLE_GROUP),
        member_record(MEMBER_ADDED, EMERGENCY_GROUP),
    ),
)
