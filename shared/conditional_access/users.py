"""Whom a policy is about (`conditions.users`, `conditions.clientApplications`), and whether that is a principal.

Sources: Users and groups in Conditional Access policy; Authentication and Conditional Access for External ID;
Conditional Access for workload identities; Conditional Access for Agent ID.
"""

from typing import Final

from msgspec import Struct

from shared.conditional_access.account import AGENTS, GUESTS, USERS, WITHOUT_OBJECT, Kind, Principal
from shared.conditional_access.sections import UNNAMED, Unread, flags
from shared.conditional_access.truth import NO, YES, Answer, included, some, unknown, yes_if

_ALL: Final = "all"
_NOBODY: Final = "none"
_ANY_GUEST: Final = "guestsorexternalusers"
_AGENT_USERS: Final = "allagentidusers"
_OURS: Final = "serviceprincipalsinmytenant"
_GUEST_WORDS: Final = frozenset(GUESTS)


class ExternalTenants(Struct, frozen=True, rename="camel"):
    """The home tenants of the guests that are meant."""

    membership_kind: str | None = None
    members: frozenset[str] = frozenset()


class Guests(Struct, frozen=True, rename="camel"):
    """Kinds of guests; the kinds are flags in one string."""

    guest_or_external_user_types: str = ""
    external_tenants: ExternalTenants | None = None


class Users(Struct, frozen=True, rename="camel"):
    """Users and groups by object id, roles by template id, beside words such as "All"; in lower case."""

    include_users: frozenset[str] = frozenset()
    include_groups: frozenset[str] = frozenset()
    include_roles: frozenset[str] = frozenset()
    include_guests_or_external_users: Guests | None = None
    exclude_users: frozenset[str] = frozenset()
    exclude_groups: frozenset[str] = frozenset()
    exclude_roles: frozenset[str] = frozenset()
    exclude_guests_or_external_users: Guests | None = None


class Workloads(Struct, frozen=True, rename="camel"):
    """Service principals and agents, by object id beside words; filters go by attributes that aren't read here."""

    include_service_principals: frozenset[str] = frozenset()
    exclude_service_principals: frozenset[str] = frozenset()
    service_principal_filter: dict[str, object] | None = None
    include_agent_id_service_principals: frozenset[str] = frozenset()
    exclude_agent_id_service_principals: frozenset[str] = frozenset()
    agent_id_service_principal_filter: dict[str, object] | None = None

    @property
    def of_services(self) -> bool:
        """Whether it names service principals."""
        return bool(self.include_service_principals or self.service_principal_filter)

    @property
    def of_agents(self) -> bool:
        """Whether it names agents."""
        return bool(self.include_agent_id_service_principals or self.agent_id_service_principal_filter)


def meant(users: Users | Unread, workloads: Workloads | Unread | None, principal: Principal) -> Answer:
    """Answer whether a policy is about a principal. A policy judges principals of its own class only."""
    if isinstance(users, Unread):
        return unknown(users.because)
    return unknown(workloads.because) if isinstance(workloads, Unread) else _of_class(users, workloads, principal)


def _of_class(users: Users, workloads: Workloads | None, principal: Principal) -> Answer:
    of_services = workloads is not None and workloads.of_services
    of_agents = _AGENT_USERS in users.include_users or (workloads is not None and workloads.of_agents)
    kind = principal.kind
    if kind is None:
        return unknown("what kind of principal the account is")
    if kind in USERS and (of_services or of_agents):
        named = users.include_users - {_NOBODY, _AGENT_USERS} or users.include_groups or users.include_roles
        return unknown("a policy on workloads that names users too") if named else NO
    if kind in USERS:
        return _users_meant(users, principal)
    if kind in AGENTS:
        return _agents_meant(users, workloads, principal) if of_agents else NO
    return _service_meant(workloads, principal)


def _service_meant(workloads: Workloads | None, principal: Principal) -> Answer:
    """Judge a service principal. Managed identities and applications of other tenants are never judged."""
    if workloads is None or not workloads.of_services or principal.kind is not Kind.SERVICE_PRINCIPAL:
        return NO
    return included(
        some((yes_if(workloads.include_service_principals & {_OURS, principal.id}), _filter(workloads))),
        yes_if(principal.id in workloads.exclude_service_principals),
    )


def _filter(workloads: Workloads) -> Answer:
    return unknown("the attributes of the service principal") if workloads.service_principal_filter else NO


def _agents_meant(users: Users, workloads: Workloads | None, principal: Principal) -> Answer:
    if principal.kind is Kind.AGENT_USER:
        return included(yes_if(_AGENT_USERS in users.include_users), yes_if(principal.id in users.exclude_users))
    if workloads is None:
        return NO
    by_filter = unknown("the attributes of the agent") if workloads.agent_id_service_principal_filter else NO
    return included(
        some((yes_if(workloads.include_agent_id_service_principals & {_ALL, principal.id}), by_filter)),
        yes_if(principal.id in workloads.exclude_agent_id_service_principals),
    )


def _users_meant(users: Users, principal: Principal) -> Answer:
    include = _included(users, principal)
    return include if include is NO else included(include, _excluded(users, principal))


def _included(users: Users, principal: Principal) -> Answer:
    named, guests = users.include_users, users.include_guests_or_external_users
    if not (named or users.include_groups or users.include_roles or guests):
        return unknown("whom a policy means that includes nobody")  # the portal calls it incomplete
    if _ALL in named and principal.kind not in WITHOUT_OBJECT:
        return YES
    whole = unknown("whether All users has guests without an object") if _ALL in named else NO
    return some((whole, *_named(named, users.include_groups, users.include_roles, guests, principal)))


def _excluded(users: Users, principal: Principal) -> Answer:
    named = users.exclude_users
    whole = unknown("what excluding All does") if _ALL in named else NO  # not documented
    guests = users.exclude_guests_or_external_users
    return some((whole, *_named(named, users.exclude_groups, users.exclude_roles, guests, principal)))


def _named(
    named: frozenset[str],
    groups: frozenset[str],
    roles: frozenset[str],
    guests: Guests | None,
    principal: Principal,
) -> tuple[Answer, ...]:
    return (
        yes_if(principal.id in named or (_ANY_GUEST in named and principal.kind in GUESTS)),
        unknown("a word in the users that isn't known") if UNNAMED in named else NO,
        principal.groups.any_of(groups, "group"),
        principal.roles.any_of(roles, "role"),
        _guests_meant(guests, principal) if guests else NO,
    )


def _guests_meant(guests: Guests, principal: Principal) -> Answer:
    kinds = flags(guests.guest_or_external_user_types)
    stranger = unknown("a kind of guest that isn't known") if kinds - _GUEST_WORDS - {_NOBODY} else NO
    if principal.kind not in GUESTS:
        return NO
    if principal.kind not in kinds:
        return stranger
    if principal.kind is Kind.INTERNAL_GUEST:
        return YES
    return _from_a_tenant(guests.external_tenants, principal.home_tenant)


def _from_a_tenant(tenants: ExternalTenants | None, home: str | None) -> Answer:
    if tenants is not None and tenants.membership_kind == _ALL:
        return YES
    if tenants is None or tenants.membership_kind != "enumerated":
        return unknown("guests of which tenants are meant")
    return unknown("the guest's home tenant") if home is None else yes_if(home in tenants.members)
