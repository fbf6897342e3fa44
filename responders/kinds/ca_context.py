"""What conditional access is judged by: policies, what they lean on, and what the emergency accounts are and hold.

Whatever can't be read is unknown here, never an error: a guard decides what that means. Emergency accounts are asked
for the groups that they are in, which is one listing each, whatever the size of the groups that policies name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from msgspec import Struct
from msgspec.structs import replace

from responders.kinds.authentication_strength_leaves import CONFIGURATIONS
from responders.kinds.json_leaves import GUID
from responders.kinds.principals import GET_USER
from responders.rosters import LIST_CA_POLICIES_WHOLE, LIST_DIRECTORY_ROLE_ASSIGNMENTS, LIST_GROUPS
from shared.conditional_access.account import UNREAD, Kind, Memberships, Principal, RoleAssignment, roles_of
from shared.conditional_access.controls import BUILT_IN_STRENGTHS, Strengths, read_strength
from shared.conditional_access.locations import MFA_TRUSTED_IPS, NamedLocations, read_location
from shared.conditional_access.policy import Policy, read_policy
from shared.conditional_access.sign_in import Tenant
from shared.conditional_access.truth import Truth
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.errors import BadIdentifier, EdgeError, Refused, Rejected
from shared.model.kinds import Image, TenantKind
from shared.model.object_kinds import GuardFacts, Objections
from shared.model.objects import WHOLE, Objection, Op, list_of, property_of
from shared.model.read_probes import ReadProbe
from shared.model.tenant_api import TenantApi, list_by_ids

READ: Final = (Permission.POLICY_READ,)

LIST_NAMED_LOCATIONS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/identity/conditionalAccess/namedLocations",
    needs=READ,
    lane=Lane.CONDITIONAL_ACCESS,
)
LIST_STRENGTHS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/policies/authenticationStrengthPolicies",
    needs=READ,
)
LIST_CONFIGURATIONS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/policies/authenticationStrengthPolicies/{id}/combinationConfigurations",
    needs=READ,
)
LIST_MEMBERSHIPS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/users/{id}/transitiveMemberOf",
    needs=(Permission.USER_READ,),
)
"""The groups that a user is in, directly and through others."""

CALLS: Final = (
    LIST_CA_POLICIES_WHOLE,
    LIST_NAMED_LOCATIONS,
    LIST_STRENGTHS,
    LIST_CONFIGURATIONS,
    GET_USER,
    LIST_MEMBERSHIPS,
    LIST_GROUPS,
    LIST_DIRECTORY_ROLE_ASSIGNMENTS,
)

_ID: Final = {"$select": "id"}
_ACCOUNT: Final = {"$select": "id,userType"}
_MOST_USERS: Final = 20
"""Of users that are to be named in a policy anew, so many are looked for."""
_LISTS_OF_GROUPS: Final = ("includeGroups", "excludeGroups")
_WORDS_FOR_PLACES: Final = frozenset({"all", "alltrusted", MFA_TRUSTED_IPS})


class CaContext(Struct, frozen=True, kw_only=True):
    """What was read; None where it could not be, with the reason in `unread`.

    `policies`, `locations` and `strengths` are by id in lower case. `groups` are those of the groups that policies
    name which exist; `missing_users` are users that the steps name and that don't exist.
    """

    policies: Mapping[str, Image] | None = None
    locations: Mapping[str, Image] | None = None
    strengths: Mapping[str, Image] | None = None
    groups: frozenset[str] | None = None
    missing_users: frozenset[str] = frozenset()
    accounts: tuple[Principal, ...] = ()
    unread: Mapping[str, str] = {}

    def with_policy(self, policy_id: str, image: Image | None) -> "CaContext":
        """Give the same with a policy as it would be; None for one that is gone."""
        if self.policies is None:
            return self
        rest = {key: each for key, each in self.policies.items() if key != policy_id.lower()}
        return replace(self, policies=rest if image is None else {**rest, policy_id.lower(): image})

    def with_location(self, location_id: str, image: Image | None) -> "CaContext":
        """Give the same with a named location as it would be."""
        return replace(self, locations=_with(self.locations, location_id, image))

    def with_strength(self, strength_id: str, image: Image | None) -> "CaContext":
        """Give the same with an authentication strength as it would be."""
        return replace(self, strengths=_with(self.strengths, strength_id, image))

    @property
    def set_of_policies(self) -> list[Policy]:
        """The policies, read for judging."""
        return [read_policy(each) for each in (self.policies or {}).values()]

    @property
    def tenant(self) -> Tenant:
        """What the policies lean on; what wasn't read is missing there, which counts as unknown."""
        locations: NamedLocations = {key: read_location(each) for key, each in (self.locations or {}).items()}
        strengths: Strengths = {key: read_strength(each) for key, each in (self.strengths or {}).items()}
        return Tenant(locations=locations, strengths=strengths)

    def named_by(self, what: str, identity: str) -> tuple[str, ...] | None:
        """Name the policies that refer to a location, strength or context by its id; None where that isn't known."""
        if self.policies is None:
            return None
        policies = self.policies.values()
        found = [
            str(each.get("displayName") or each.get("id"))
            for each in policies
            if identity.lower() in _refers(each, what)
        ]
        return tuple(sorted(found))


def _with(images: Mapping[str, Image] | None, identity: str, image: Image | None) -> Mapping[str, Image] | None:
    if images is None:
        return None
    rest = {key: each for key, each in images.items() if key != identity.lower()}
    return rest if image is None else {**rest, identity.lower(): image}


def _refers(policy: Image, what: str) -> frozenset[str]:
    conditions = _part(policy, "conditions")
    match what:
        case "location":
            places = _part(conditions, "locations")
            return _lowered(places.get(f"{side}Locations") for side in ("include", "exclude"))
        case "context":
            return _lowered([_part(conditions, "applications").get("includeAuthenticationContextClassReferences")])
        case _:
            return _lowered([[_part(_part(policy, "grantControls"), "authenticationStrength").get("id")]])


def _part(image: Image, name: str) -> Image:
    value = image.get(name)
    return cast("Image", value) if isinstance(value, dict) else {}


def _lowered(lists: Iterable[object]) -> frozenset[str]:
    members = (each for listed in lists if isinstance(listed, list) for each in cast("list[object]", listed))
    return frozenset(str(each).lower() for each in members)


# Reading.


def look_around(api: TenantApi, facts: GuardFacts, *, decides_sign_ins: bool) -> CaContext:
    """Read what a difference is judged by. What can't be read is unknown.

    Of a difference that decides about no sign-in, only what it refers to is read.
    """
    unread: dict[str, str] = {}

    def read[T](what: str, how: Callable[[], T]) -> T | None:
        try:
            return how()
        except (EdgeError, BadIdentifier) as error:
            unread[what] = str(error)
            return None

    leaves = [leaf for leaf, (_, new) in facts.steps.items() if new is not None]
    policies = read("policies", lambda: _by_id(api, LIST_CA_POLICIES_WHOLE)) if decides_sign_ins else None
    named = _groups_in((policies or {}).values()) | _members(facts.target, _LISTS_OF_GROUPS)
    leans = decides_sign_ins or any("conditions" in leaf or "authenticationStrength" in leaf for leaf in leaves)
    # Calls that have to wait for a turn come first, and who is in which group last: that moves faster than policies.
    locations = read("named locations", lambda: _by_id(api, LIST_NAMED_LOCATIONS)) if leans else None
    strengths = read("authentication strengths", lambda: _strengths(api, policies, facts)) if leans else None
    groups = read("groups", lambda: _groups(api, named)) if leans else _Groups()
    found = groups or _Groups()
    users = _members(dict.fromkeys(leaves, True), ("includeUsers", "excludeUsers"))
    missing_users = _missing(api, users, read)
    accounts = _accounts(api, facts.emergency, policies, found, read) if decides_sign_ins else ()
    return CaContext(
        policies=policies,
        locations=locations,
        strengths=strengths,
        groups=None if groups is None else groups.existing,
        missing_users=missing_users,
        accounts=accounts,
        unread=unread,
    )


def _by_id(api: TenantApi, call: Call) -> dict[str, Image]:
    return {str(each["id"]).lower(): each for each in api.list(call)}


def _strengths(api: TenantApi, policies: Mapping[str, Image] | None, facts: GuardFacts) -> dict[str, Image]:
    """List strengths; those that policies name with their configurations, which Graph may leave out of a listing."""
    listed = _by_id(api, LIST_STRENGTHS)
    named = {each for policy in (policies or {}).values() for each in _refers(policy, "strength")}
    named.add(str(facts.target.get("grantControls.authenticationStrength") or "").lower())
    for identity in sorted(named & listed.keys() - BUILT_IN_STRENGTHS):
        listed[identity] = with_configurations(api, listed[identity])
    return listed


def with_configurations(api: TenantApi, strength: Image) -> Image:
    """Add the configurations where Graph left them out: they are a relationship, which it needn't print."""
    if isinstance(strength.get(CONFIGURATIONS), list):
        return strength
    return {**strength, CONFIGURATIONS: api.list(LIST_CONFIGURATIONS, id=str(strength["id"]).lower())}


class _Groups(Struct, frozen=True, kw_only=True):
    """Groups that exist, those of them that hide their members, and those that were asked for."""

    existing: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


def _groups(api: TenantApi, ids: frozenset[str]) -> _Groups:
    listed = list_by_ids(api, LIST_GROUPS, ids, "id,visibility")
    hidden = (each for each in listed if each.get("visibility") == "HiddenMembership")
    return _Groups(
        existing=frozenset(str(each["id"]).lower() for each in listed),
        hidden=frozenset(str(each["id"]).lower() for each in hidden),
        asked=ids,
    )


def _groups_in(policies: Iterable[Image]) -> frozenset[str]:
    users = (_part(_part(policy, "conditions"), "users") for policy in policies)
    ids = _lowered(each.get(name) for each in users for name in _LISTS_OF_GROUPS)
    return frozenset(each for each in ids if GUID.fullmatch(each))


def _members(leaves: Mapping[str, object], lists: tuple[str, ...]) -> frozenset[str]:
    wanted = {f"conditions.users.{name}" for name in lists}
    members = (leaf.partition("[")[2].removesuffix("]") for leaf in leaves if list_of(leaf) in wanted)
    return frozenset(each for each in members if GUID.fullmatch(each))


type _Reader = Callable[[str, Callable[[], Any]], Any]


def _missing(api: TenantApi, users: frozenset[str], read: _Reader) -> frozenset[str]:
    def is_there(user: str) -> bool:
        return api.get(GET_USER, query=_ID, id=user) is not None

    few = sorted(users)[:_MOST_USERS]
    return frozenset(each for each in few if read(f"user {each}", lambda each=each: is_there(each)) is False)


def _accounts(
    api: TenantApi, emergency: frozenset[str], policies: Mapping[str, Image] | None, groups: _Groups, read: _Reader
) -> tuple[Principal, ...]:
    if policies is None or not emergency:
        return ()
    assigned = cast("list[Image] | None", read("directory roles", lambda: api.list(LIST_DIRECTORY_ROLE_ASSIGNMENTS)))
    roles = None if assigned is None else tuple(_roles(assigned))
    return tuple(_account(api, each, groups, roles, read) for each in sorted(emergency))


def _account(
    api: TenantApi, identity: str, groups: _Groups, assigned: tuple[RoleAssignment, ...] | None, read: _Reader
) -> Principal:
    """Build an emergency account as it could sign in: able to use its key, so that every fall shows.

    A group that hides its members hides them here too, so that it isn't known whether the account is in it.
    """
    user = cast(
        "Image | None", read(f"emergency account {identity}", lambda: api.get(GET_USER, query=_ACCOUNT, id=identity))
    )
    held = cast(
        "list[Image] | None", read(f"groups of {identity}", lambda: api.list(LIST_MEMBERSHIPS, query=_ID, id=identity))
    )
    memberships = UNREAD if held is None else _memberships(held, groups)
    return Principal(
        id=identity,
        kind=_kind(user),
        groups=memberships,
        roles=UNREAD if assigned is None else roles_of(identity, memberships, assigned),
        enabled=Truth.YES,
        key_allowed=Truth.YES,
    )


def _memberships(held: list[Image], groups: _Groups) -> Memberships:
    inside = frozenset(str(each["id"]).lower() for each in held)
    return Memberships(held=inside, unread=groups.hidden - inside)


def _kind(user: Image | None) -> Kind | None:
    """Take a guest for one from outside: what kind of guest it is can't be told, and no emergency account should be."""
    if user is None:
        return None
    return Kind.B2B_GUEST if str(user.get("userType") or "").lower() == "guest" else Kind.MEMBER


def _roles(assigned: Iterable[Image]) -> Iterator[RoleAssignment]:
    for each in assigned:
        yield RoleAssignment(
            role=str(each.get("roleDefinitionId", "")),
            principal=str(each.get("principalId", "")),
            scope=str(each.get("directoryScopeId") or each.get("appScopeId") or "/"),
        )


# References.


def gone(facts: GuardFacts, around: CaContext) -> Objections:
    """Object to each leaf whose property would name something that no longer exists: Graph refuses the whole of it.

    A reference that stands counts too, for a property is sent whole. It passes when what is gone comes back.
    """
    found = {leaf: because for leaf in facts.target if (because := _gone(leaf, facts, around))}
    if not found:
        return {}
    tops = {property_of(leaf): because for leaf, because in found.items()}
    touched = {leaf: tops[property_of(leaf)] for leaf in facts.steps if property_of(leaf) in tops}
    if touched and facts.op is not Op.UPDATE:
        touched = {WHOLE: next(iter(found.values()))}
    return {
        leaf: Objection(guard="reference-gone", because=because, can_pass=True) for leaf, because in touched.items()
    }


def _gone(leaf: str, facts: GuardFacts, around: CaContext) -> str:
    listed = list_of(leaf).rpartition(".")[2]
    identity = leaf.partition("[")[2].removesuffix("]")
    match listed:
        case "includeGroups" | "excludeGroups" if around.groups is not None and GUID.fullmatch(identity):
            return "" if identity in around.groups else f"the policy names group {identity}, which no longer exists"
        case "includeUsers" | "excludeUsers" if identity in around.missing_users:
            return f"the policy would name user {identity}, who no longer exists"
        case "includeLocations" | "excludeLocations" if around.locations is not None:
            is_there = identity in around.locations or identity in _WORDS_FOR_PLACES
            return "" if is_there else f"the policy names location {identity}, which no longer exists"
        case "" if leaf == "grantControls.authenticationStrength" and around.strengths is not None:
            strength = str(facts.target[leaf]).lower()
            there = strength in around.strengths
            return "" if there else f"the policy names authentication strength {strength}, which no longer exists"
        case _:
            return ""


def _an_account(api: TenantApi) -> Iterable[dict[str, str]]:
    """A user who holds a directory role: there is one in every tenant. Each of these reads has a probe of its own."""
    try:
        for each in api.first_page(LIST_DIRECTORY_ROLE_ASSIGNMENTS):
            user = str(each.get("principalId", ""))
            if GUID.fullmatch(user) and api.get(GET_USER, query=_ID, id=user) is not None:
                return [{"id": user}]
    except (Refused, Rejected):
        return []
    return []


READ_PROBES: Final = (
    ReadProbe(call=LIST_NAMED_LOCATIONS, kind=TenantKind.WORKFORCE),
    ReadProbe(call=LIST_STRENGTHS, kind=TenantKind.WORKFORCE),
    ReadProbe(call=LIST_MEMBERSHIPS, kind=TenantKind.WORKFORCE, query=_ID, ids=_an_account),
)
