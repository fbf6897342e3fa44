"""Every roster: who holds or can take up a privileged directory role, and the groups that roles can be given to.

And the groups that conditional access policies leave out: whoever becomes a member of one is asked for nothing more.

A role counts whatever its scope, an administrative unit or a single application included. So does every custom role:
v1.0 of Graph doesn't say which of them are privileged, and its built-in roles alone go by their template's id.

A role that a group holds is held by its members, by its owners, who can add themselves, and by whom Privileged Identity
Management (PIM) lets become either. A tenant without its licence (Entra ID P2 or ID Governance) has nobody who is only
eligible, which is known and not unknown; B2C tenants have no PIM at all, so that it isn't asked there.

Whoever administers a watched subscription is on a roster of its own: who holds one of `AZURE_ADMINISTRATOR_ROLES` at
the subscription or above, directly or by a group. Who is only eligible for one, or holds a custom role, isn't on it.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from shared.detect.rosters import Roster, RosterKind
from shared.model.calls import ID_SHAPES, Call, Lane, Permission, Service
from shared.model.errors import Refused, Rejected
from shared.model.kinds import Image, TenantKind
from shared.model.privileges import AZURE_ADMINISTRATOR_ROLES, PRIVILEGED_ROLES
from shared.model.read_probes import ReadProbe, first_of
from shared.model.tenant_api import TenantApi, list_by_ids

LIST_DIRECTORY_ROLE_ASSIGNMENTS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/roleManagement/directory/roleAssignments",
    needs=(Permission.ROLE_MANAGEMENT_READ,),
)
LIST_DIRECTORY_ROLE_ELIGIBILITIES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/roleManagement/directory/roleEligibilityScheduleInstances",
    needs=(Permission.ROLE_MANAGEMENT_READ,),
)
LIST_DIRECTORY_ROLES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/roleManagement/directory/roleDefinitions",
    needs=(Permission.ROLE_MANAGEMENT_READ,),
)
LIST_GROUPS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/groups",
    needs=(Permission.GROUP_MEMBER_READ,),
)
LIST_GROUP_MEMBERS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/groups/{id}/transitiveMembers",
    needs=(Permission.GROUP_MEMBER_READ,),
)
"""Of members of a kind that the identity may not read, Graph gives the id alone, which is all that is needed."""

LIST_GROUP_OWNERS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/groups/{id}/owners",
    needs=(Permission.GROUP_MEMBER_READ,),
)
LIST_GROUP_ELIGIBILITIES: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
    needs=(Permission.GROUP_ELIGIBILITY_READ,),
)
"""Only with a filter by group or principal."""

LIST_ROLE_ASSIGNMENTS: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments",
    needs=(Permission.ROLE_ASSIGNMENT_READ,),
)
"""Those at the subscription, above it and below it."""

GET_ROLE_DEFINITION: Final = Call(
    method="GET",
    service=Service.ARM,
    path="/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{id}",
    needs=(Permission.ROLE_DEFINITION_READ,),
)
"""What an Azure role allows."""

CA_POLICIES_IN_BETA: Final = "v1.0 leaves parts of policies out, and refuses policies that have such parts"
LIST_CA_POLICIES_WHOLE: Final = Call(
    method="GET",
    service=Service.GRAPH_BETA,
    path="/identity/conditionalAccess/policies",
    needs=(Permission.POLICY_READ,),
    lane=Lane.CONDITIONAL_ACCESS,
    why_beta=CA_POLICIES_IN_BETA,
)

NO_LICENCE: Final = "AadPremiumLicenseRequired"
"""What a refusal of PIM says in a tenant without its licence: as its code, or within its message."""

CUSTOM_ROLES: Final[Mapping[str, str]] = {"$filter": "isBuiltIn eq false"}
ROLE_ASSIGNABLE: Final[Mapping[str, str]] = {"$filter": "isAssignableToRole eq true", "$select": "id,visibility"}
ELIGIBLE_IN_GROUP: Final[Mapping[str, str]] = {"$filter": "groupId eq '{id}'", "$select": "principalId"}
"""With the group's id in the place of `{id}`."""

_HELD: Final[Mapping[str, str]] = {"$select": "principalId,roleDefinitionId"}
_ID: Final[Mapping[str, str]] = {"$select": "id"}


def _ids(listed: Iterable[Image], name: str) -> frozenset[str]:
    """Take an id out of each object.

    Raises:
        Rejected: one hasn't any, so that the listing isn't whole.
    """
    found = [str(each.get(name)).lower() for each in listed]
    if strange := [each for each in found if not ID_SHAPES["id"].fullmatch(each)]:
        raise Rejected(f"Graph listed an object whose {name} is no id: {strange[0][:80]!r}")
    return frozenset(found)


def _where_licensed(edges: TenantApi, call: Call, query: Mapping[str, str]) -> list[Image]:
    """Read a listing of PIM, which is empty in a tenant without the licence."""
    try:
        return edges.list(call, query=query)
    except (Refused, Rejected) as error:
        if NO_LICENCE not in str(error):
            raise
        return []


def _holders(edges: TenantApi, held: Iterable[Image]) -> frozenset[str]:
    """Give who is named in `held`, assignments of any role, for a privileged one."""
    roles = PRIVILEGED_ROLES | _ids(edges.list(LIST_DIRECTORY_ROLES, query=CUSTOM_ROLES), "id")
    return _ids((each for each in held if _ids([each], "roleDefinitionId") <= roles), "principalId")


def _groups_among(edges: TenantApi, holders: frozenset[str]) -> list[str]:
    """Give the groups that hold a role: those that can are listed, whatever they hold.

    Raises:
        Rejected: one of them keeps its members hidden, so that it would look empty.
    """
    listed = edges.list(LIST_GROUPS, query=ROLE_ASSIGNABLE)
    return _with_members_shown(listed, holders)


def _with_members_shown(listed: Iterable[Image], holders: frozenset[str]) -> list[str]:
    groups = list(listed)
    hidden = _ids((each for each in groups if each.get("visibility") == "HiddenMembership"), "id") & holders
    if hidden:
        raise Rejected(f"group {min(hidden)} holds a privileged role and hides its members: they can't be listed")
    return sorted(_ids(groups, "id") & holders)


def _people_of(edges: TenantApi, group: str) -> frozenset[str]:
    members = edges.list(LIST_GROUP_MEMBERS, query=_ID, id=group)
    owners = edges.list(LIST_GROUP_OWNERS, query=_ID, id=group)
    return _ids([*members, *owners], "id")


def _eligible_in(edges: TenantApi, group: str) -> frozenset[str]:
    query = {name: text.format(id=group) for name, text in ELIGIBLE_IN_GROUP.items()}
    return _ids(_where_licensed(edges, LIST_GROUP_ELIGIBILITIES, query), "principalId")


def _read_privileged(edges: TenantApi) -> frozenset[str]:
    holders = _holders(edges, edges.list(LIST_DIRECTORY_ROLE_ASSIGNMENTS, query=_HELD))
    return holders.union(*(_people_of(edges, group) for group in _groups_among(edges, holders)))


def _read_privileged_with_pim(edges: TenantApi) -> frozenset[str]:
    assigned = edges.list(LIST_DIRECTORY_ROLE_ASSIGNMENTS, query=_HELD)
    eligible = _where_licensed(edges, LIST_DIRECTORY_ROLE_ELIGIBILITIES, _HELD)
    holders = _holders(edges, [*assigned, *eligible])
    groups = _groups_among(edges, holders)
    return holders.union(*(_people_of(edges, group) | _eligible_in(edges, group) for group in groups))


def _read_role_assignable(edges: TenantApi) -> frozenset[str]:
    return _ids(edges.list(LIST_GROUPS, query=ROLE_ASSIGNABLE), "id")


def _read_azure_administrators(edges: TenantApi) -> frozenset[str]:
    """Give who can give anybody a role in a watched subscription, as a whole.

    A group of another tenant, as partners have them, is listed without its members: those have no account here.

    Raises:
        Rejected: an assignment isn't as Azure writes it, or a group hides its members.
    """
    held = [
        each["properties"]
        for subscription in sorted(edges.tenant.subscriptions)
        for each in edges.list(LIST_ROLE_ASSIGNMENTS, subscription=subscription)
        if _administers(each, subscription)
    ]
    holders = _ids(held, "principalId")
    by_group = _ids((each for each in held if each.get("principalType") == "Group"), "principalId")
    groups = _with_members_shown(list_by_ids(edges, LIST_GROUPS, by_group, "id,visibility"), by_group)
    return holders.union(*(_people_of(edges, group) for group in groups))


def _administers(assignment: Image, subscription: str) -> bool:
    """Whether an assignment is of such a role, at the subscription or above it."""
    try:
        properties = assignment["properties"]
        role, scope = properties["roleDefinitionId"].lower(), properties["scope"].lower()
    except (KeyError, AttributeError, TypeError) as error:
        raise Rejected(f"an assignment isn't as Azure writes it: {error!r}") from error
    is_below = scope.startswith("/subscriptions/") and scope.rstrip("/") != f"/subscriptions/{subscription.lower()}"
    return role.rpartition("/")[2] in AZURE_ADMINISTRATOR_ROLES and not is_below


def _read_left_out(edges: TenantApi) -> frozenset[str]:
    """Give the groups that a policy which isn't switched off leaves out.

    Raises:
        Rejected: a policy isn't as Graph writes it, so that it may leave out others.
    """
    policies = [one for one in edges.list(LIST_CA_POLICIES_WHOLE) if one.get("state") != "disabled"]
    return frozenset[str]().union(*map(_left_out_by, policies))


def _left_out_by(policy: Image) -> frozenset[str]:
    try:
        left_out = cast("list[str]", (policy["conditions"].get("users") or {}).get("excludeGroups") or [])
        return _ids(({"id": each} for each in left_out), "id")
    except (KeyError, AttributeError, TypeError) as error:
        raise Rejected(f"policy {str(policy.get('id'))[:80]!r} isn't as Graph writes it: {error!r}") from error


_WITHOUT_PIM: Final = (
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
    LIST_DIRECTORY_ROLES,
    LIST_GROUPS,
    LIST_GROUP_MEMBERS,
    LIST_GROUP_OWNERS,
)
_PIM: Final = (LIST_DIRECTORY_ROLE_ELIGIBILITIES, LIST_GROUP_ELIGIBILITIES)

PRIVILEGED_ACCOUNTS: Final = Roster(
    kind=RosterKind.PRIVILEGED_ACCOUNTS,
    tenant_kinds=(TenantKind.WORKFORCE,),
    calls=(*_WITHOUT_PIM, *_PIM),
    read=_read_privileged_with_pim,
)
PRIVILEGED_ACCOUNTS_OF_B2C: Final = Roster(
    kind=RosterKind.PRIVILEGED_ACCOUNTS,
    tenant_kinds=(TenantKind.B2C,),
    calls=_WITHOUT_PIM,
    read=_read_privileged,
)
ROLE_ASSIGNABLE_GROUPS: Final = Roster(
    kind=RosterKind.ROLE_ASSIGNABLE_GROUPS,
    tenant_kinds=(TenantKind.WORKFORCE, TenantKind.B2C),
    calls=(LIST_GROUPS,),
    read=_read_role_assignable,
)
AZURE_ADMINISTRATORS: Final = Roster(
    kind=RosterKind.AZURE_ADMINISTRATORS,
    tenant_kinds=(TenantKind.WORKFORCE,),
    calls=(LIST_ROLE_ASSIGNMENTS, LIST_GROUPS, LIST_GROUP_MEMBERS, LIST_GROUP_OWNERS),
    read=_read_azure_administrators,
)

POLICY_GROUPS: Final = Roster(
    kind=RosterKind.POLICY_GROUPS,
    tenant_kinds=(TenantKind.WORKFORCE,),
    calls=(LIST_CA_POLICIES_WHOLE,),
    read=_read_left_out,
)

ROSTERS: Final[tuple[Roster, ...]] = (
    PRIVILEGED_ACCOUNTS,
    PRIVILEGED_ACCOUNTS_OF_B2C,
    ROLE_ASSIGNABLE_GROUPS,
    AZURE_ADMINISTRATORS,
    POLICY_GROUPS,
)

_A_GROUP: Final = first_of(LIST_GROUPS, "id")
READ_PROBES: Final[tuple[ReadProbe, ...]] = (
    *(ReadProbe(call=LIST_DIRECTORY_ROLE_ASSIGNMENTS, kind=kind) for kind in TenantKind),
    *(ReadProbe(call=LIST_DIRECTORY_ROLES, kind=kind, query=CUSTOM_ROLES) for kind in TenantKind),
    *(ReadProbe(call=LIST_GROUPS, kind=kind, query=ROLE_ASSIGNABLE) for kind in TenantKind),
    *(ReadProbe(call=LIST_GROUP_MEMBERS, kind=kind, ids=_A_GROUP) for kind in TenantKind),
    *(ReadProbe(call=LIST_GROUP_OWNERS, kind=kind, ids=_A_GROUP) for kind in TenantKind),
    ReadProbe(call=LIST_DIRECTORY_ROLE_ELIGIBILITIES, kind=TenantKind.WORKFORCE, no_licence=NO_LICENCE),
    ReadProbe(
        call=LIST_GROUP_ELIGIBILITIES,
        kind=TenantKind.WORKFORCE,
        query=ELIGIBLE_IN_GROUP,
        ids=_A_GROUP,
        no_licence=NO_LICENCE,
    ),
)
