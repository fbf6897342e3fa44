"""Who holds privileged directory roles, how, and how PIM guards them.

A tenant without the licence of Privileged Identity Management (Entra ID P2 or ID Governance) has nobody who is only
eligible; what PIM alone knows is not applicable there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, cast

from msgspec import Struct

from responders.posture.names import of_all, some_of
from responders.rosters import (
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_DIRECTORY_ROLE_ELIGIBILITIES,
    LIST_DIRECTORY_ROLES,
    LIST_GROUP_MEMBERS,
    LIST_GROUPS,
    NO_LICENCE,
    ROLE_ASSIGNABLE,
)
from shared.checks.check import Finding, Unread, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import EVERY_TENANT, Part, Reading, Snapshot
from shared.model.calls import Call, Permission, Service
from shared.model.errors import Refused, Rejected
from shared.model.kinds import Image, TenantKind
from shared.model.privileges import GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLES
from shared.model.tenant_api import TenantApi

LIST_ROLE_INSTANCES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/roleManagement/directory/roleAssignmentScheduleInstances",
    needs=(Permission.ROLE_MANAGEMENT_READ,),
)
LIST_PIM_SETTINGS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/policies/roleManagementPolicyAssignments",
    needs=(Permission.ROLE_MANAGEMENT_READ,),
)

_HELD: Final = {"$select": "principalId,roleDefinitionId,directoryScopeId"}
_INSTANCES: Final = {"$select": "principalId,roleDefinitionId,assignmentType,endDateTime"}
SETTINGS_OF_ROLES: Final = {
    "$filter": "scopeId eq '/' and scopeType eq 'DirectoryRole'",
    "$expand": "policy($expand=rules)",
}
_ID: Final = {"$select": "id"}

PRIVILEGED_ROLE_ADMINISTRATOR: Final = "e8611ab8-c189-46e8-94e1-60213ab1f814"
_TOP_ROLES: Final = (GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR)
_LONGEST_ACTIVATION: Final = timedelta(hours=8)


class Held(Struct, frozen=True, kw_only=True):
    """A role that a principal holds or may activate; ids in lower case. `is_lasting`: it has no end.

    `scope` is "/" for the whole tenant, else the unit or object that it is confined to.
    """

    principal: str
    role: str
    is_lasting: bool = True
    scope: str = "/"


class Holder(Struct, frozen=True, kw_only=True):
    """Whoever holds a privileged role, or may activate one, by itself or by a group."""

    id: str
    active: frozenset[str]
    eligible: frozenset[str]

    @property
    def roles(self) -> frozenset[str]:
        """Every role, active or not."""
        return self.active | self.eligible


class Activation(Struct, frozen=True, kw_only=True):
    """What PIM asks of whoever activates a role. `longest` is None where the duration couldn't be understood."""

    role: str
    asks_for_mfa: bool
    asks_for_reason: bool
    asks_for_approval: bool
    tells_administrators: bool
    longest: timedelta | None


def _held(each: Image) -> Held:
    try:
        return Held(
            principal=str(each["principalId"]).lower(),
            role=str(each["roleDefinitionId"]).lower(),
            is_lasting=each.get("endDateTime") is None,
            scope=str(each.get("directoryScopeId") or "/").lower(),
        )
    except KeyError as error:
        raise Rejected(f"Graph listed an assignment without {error}") from error


def where_licensed(api: TenantApi, call: Call, query: Mapping[str, str]) -> list[Image] | None:
    """Read a listing of PIM; None in a tenant without its licence."""
    try:
        return api.list(call, query=query)
    except (Refused, Rejected) as error:
        if NO_LICENCE not in str(error):
            raise
        return None


def _read_names(reading: Reading) -> Mapping[str, str]:
    listed = reading.api.list(LIST_DIRECTORY_ROLES, query={"$select": "id,displayName,isBuiltIn"})
    return {str(each["id"]).lower(): str(each.get("displayName") or each["id"]) for each in listed}


ROLE_NAMES: Final = Part(
    id="role-names", kinds=EVERY_TENANT, title="the directory's roles", read=_read_names, calls=(LIST_DIRECTORY_ROLES,)
)


def _read_custom(reading: Reading) -> frozenset[str]:
    listed = reading.api.list(LIST_DIRECTORY_ROLES, query={"$filter": "isBuiltIn eq false"})
    return frozenset(str(each["id"]).lower() for each in listed)


CUSTOM_ROLES: Final = Part(
    id="custom-roles", kinds=EVERY_TENANT, title="the custom roles", read=_read_custom, calls=(LIST_DIRECTORY_ROLES,)
)


def _read_assignments(reading: Reading) -> Sequence[Held]:
    return [_held(each) for each in reading.api.list(LIST_DIRECTORY_ROLE_ASSIGNMENTS, query=_HELD)]


ASSIGNMENTS: Final = Part(
    id="role-assignments",
    kinds=EVERY_TENANT,
    title="the assignments of roles",
    read=_read_assignments,
    calls=(LIST_DIRECTORY_ROLE_ASSIGNMENTS,),
)


def _read_eligibilities(reading: Reading) -> Sequence[Held] | None:
    """Read who may activate a role; None without PIM's licence, and in a B2C tenant, which has no PIM to ask."""
    if reading.api.tenant.kind is TenantKind.B2C:
        return None
    listed = where_licensed(reading.api, LIST_DIRECTORY_ROLE_ELIGIBILITIES, _HELD)
    return None if listed is None else [_held(each) for each in listed]


ELIGIBILITIES: Final = Part(
    id="role-eligibilities",
    kinds=EVERY_TENANT,
    title="who is eligible for roles",
    read=_read_eligibilities,
    calls=(LIST_DIRECTORY_ROLE_ELIGIBILITIES,),
)


def _read_lasting(reading: Reading) -> Sequence[Held] | None:
    """Read who holds a role that was assigned, not activated; None without PIM's licence."""
    listed = where_licensed(reading.api, LIST_ROLE_INSTANCES, _INSTANCES)
    if listed is None:
        return None
    return [_held(each) for each in listed if str(each.get("assignmentType")).lower() != "activated"]


ASSIGNED: Final = Part(
    id="role-instances",
    title="which roles were assigned and not activated",
    read=_read_lasting,
    calls=(LIST_ROLE_INSTANCES,),
)


def _read_holders(reading: Reading) -> Mapping[str, Holder]:
    """Work out who holds a privileged role: members of a group hold what the group holds."""
    privileged = PRIVILEGED_ROLES | reading.of(CUSTOM_ROLES)
    active = _by_principal(each for each in reading.of(ASSIGNMENTS) if each.role in privileged)
    eligible = _by_principal(each for each in reading.of(ELIGIBILITIES) or () if each.role in privileged)
    groups = {str(each["id"]).lower() for each in reading.api.list(LIST_GROUPS, query=ROLE_ASSIGNABLE)}
    for group in sorted(groups & {*active, *eligible}):
        members = [str(each["id"]).lower() for each in reading.api.list(LIST_GROUP_MEMBERS, query=_ID, id=group)]
        for member in members:
            active[member] = active.get(member, frozenset()) | active.get(group, frozenset())
            eligible[member] = eligible.get(member, frozenset()) | eligible.get(group, frozenset())
    nothing = frozenset[str]()
    return {
        each: Holder(id=each, active=active.get(each, nothing), eligible=eligible.get(each, nothing))
        for each in sorted({*active, *eligible} - groups)
    }


def _by_principal(held: Iterable[Held]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for each in held:
        found[each.principal] = found.get(each.principal, frozenset()) | {each.role}
    return found


HOLDERS: Final = Part(
    id="role-holders",
    kinds=EVERY_TENANT,
    title="who holds privileged roles",
    read=_read_holders,
    calls=(LIST_GROUPS, LIST_GROUP_MEMBERS),
)


def _read_activations(reading: Reading) -> Sequence[Activation] | None:
    listed = where_licensed(reading.api, LIST_PIM_SETTINGS, SETTINGS_OF_ROLES)
    return None if listed is None else [_activation(each) for each in listed]


def _activation(assignment: Image) -> Activation:
    policy = cast("Image", assignment.get("policy") or {})
    rules = {str(rule.get("id")): rule for rule in cast("list[Image]", policy.get("rules") or [])}
    if not rules:
        raise Unread(f"Graph gave no rules for role {assignment.get('roleDefinitionId')}")
    enabled = cast("list[str]", rules.get("Enablement_EndUser_Assignment", {}).get("enabledRules") or [])
    context = rules.get("AuthenticationContext_EndUser_Assignment", {})
    approval = cast("Image", rules.get("Approval_EndUser_Assignment", {}).get("setting") or {})
    notified = rules.get("Notification_Admin_EndUser_Assignment", {})
    return Activation(
        role=str(assignment.get("roleDefinitionId")).lower(),
        asks_for_mfa="MultiFactorAuthentication" in enabled or context.get("isEnabled") is True,
        asks_for_reason="Justification" in enabled,
        asks_for_approval=approval.get("isApprovalRequired") is True,
        tells_administrators=bool(notified.get("isDefaultRecipientsEnabled") or notified.get("notificationRecipients")),
        longest=_duration(str(rules.get("Expiration_EndUser_Assignment", {}).get("maximumDuration") or "")),
    )


_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")


def _duration(text: str) -> timedelta | None:
    """Read a duration as PIM writes it: PT8H, PT30M, P1D."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


ACTIVATIONS: Final = Part(
    id="pim-settings", title="how PIM guards activations", read=_read_activations, calls=(LIST_PIM_SETTINGS,)
)

PARTS: Final = (ROLE_NAMES, CUSTOM_ROLES, ASSIGNMENTS, ELIGIBILITIES, ASSIGNED, HOLDERS, ACTIVATIONS)


def role_name(snapshot: Snapshot, role: str) -> str:
    """Name a role."""
    return snapshot.of(ROLE_NAMES).get(role, role)


def held_in_words(snapshot: Snapshot, holder: Holder) -> str:
    """Name the roles of a holder, the strongest one first."""
    ordered = sorted(holder.roles, key=lambda role: (role not in _TOP_ROLES, role_name(snapshot, role)))
    return some_of_roles(role_name(snapshot, role) for role in ordered)


def some_of_roles(names: Iterable[str]) -> str:
    """Name at most two roles."""
    first, *rest = [*names] or ["no role"]
    return f"{first} and {len(rest)} more" if len(rest) > 1 else ", ".join([first, *rest])


def _pim(snapshot: Snapshot) -> list[Finding]:
    if snapshot.of(ELIGIBILITIES) is None:
        return [failed("the tenant has no licence for Privileged Identity Management (Entra ID P2 or ID Governance)")]
    return [ok("Privileged Identity Management answers")]


def _guarded(snapshot: Snapshot) -> list[Finding]:
    activations = snapshot.of(ACTIVATIONS)
    if activations is None:
        return [not_applicable("there is no PIM to activate roles with")]
    guarded = [each for each in activations if each.role in PRIVILEGED_ROLES | snapshot.of(CUSTOM_ROLES)]
    if not guarded:
        raise Unread("Graph gave the settings of no privileged role")
    lacking = {role_name(snapshot, each.role): ", ".join(_lacks(each)) for each in guarded}
    lacking = {name: what for name, what in lacking.items() if what}
    if not lacking:
        return [ok(f"activating any of {len(guarded):,} privileged roles asks for all that it should")]
    shown = some_of(f"{name} ({what})" for name, what in lacking.items())
    return [failed(f"{of_all(lacking, guarded)} privileged roles: {shown}")]


def _lacks(activation: Activation) -> Iterator[str]:
    if not activation.asks_for_mfa:
        yield "no MFA"
    if not activation.asks_for_reason:
        yield "no reason"
    if not activation.tells_administrators:
        yield "nobody is told"
    if activation.role in _TOP_ROLES and not activation.asks_for_approval:
        yield "no approval"
    if activation.longest is None:
        yield "its length isn't known"
    elif activation.longest > _LONGEST_ACTIVATION:
        yield f"for {activation.longest.total_seconds() / 3600:g} hours"


CHECKS: Final = (
    PostureCheck(
        id="pim-enabled",
        stage=Stage.FIRST_DAYS,
        title="Privileged Identity Management is there",
        why="Without it whoever steals an administrator's session has the role at once and for good.",
        passages=(3, 7, 10),
        parts=(ELIGIBILITIES,),
        always_applies="A tenant without the licence holds its roles for good, which is what is asked about.",
        cure="Buy Entra ID P2 or ID Governance for whoever administers, and open Identity Governance, PIM once.",
        run=_pim,
    ),
    PostureCheck(
        id="pim-activation-guarded",
        stage=Stage.MONTHS,
        title="Activating a privileged role asks for MFA and a reason, tells people, and ends within eight hours",
        why="Else a stolen session activates the role by itself, and nobody hears of it.",
        passages=(8, 67, 69),
        parts=(ACTIVATIONS, CUSTOM_ROLES, ROLE_NAMES),
        cure=(
            "In PIM, Roles, Settings: ask for MFA and a justification on activation, notify administrators, at most 8"
            " hours; approval for Global and Privileged Role Administrator."
        ),
        run=_guarded,
    ),
)
