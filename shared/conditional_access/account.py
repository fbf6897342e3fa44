"""Who signs in: the kind of principal, its groups and roles with what wasn't read, and what it is able to prove."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from shared.conditional_access.truth import NO, YES, Answer, Truth, unknown


class Kind(StrEnum):
    """What a principal is; Microsoft's words (Authentication and Conditional Access for External ID)."""

    MEMBER = "member"
    INTERNAL_GUEST = "internalguest"
    B2B_GUEST = "b2bcollaborationguest"
    B2B_MEMBER = "b2bcollaborationmember"
    DIRECT_CONNECT = "b2bdirectconnectuser"
    OTHER_EXTERNAL = "otherexternaluser"
    SERVICE_PROVIDER = "serviceprovider"
    SERVICE_PRINCIPAL = "serviceprincipal"
    """Of a single-tenant application that is registered here."""
    FOREIGN_SERVICE_PRINCIPAL = "foreignserviceprincipal"
    """Of a multi-tenant application, or registered elsewhere."""
    MANAGED_IDENTITY = "managedidentity"
    AGENT_IDENTITY = "agentidentity"
    AGENT_USER = "agentuser"


GUESTS: Final = frozenset(
    {
        Kind.INTERNAL_GUEST,
        Kind.B2B_GUEST,
        Kind.B2B_MEMBER,
        Kind.DIRECT_CONNECT,
        Kind.OTHER_EXTERNAL,
        Kind.SERVICE_PROVIDER,
    }
)
WITHOUT_OBJECT: Final = frozenset({Kind.DIRECT_CONNECT, Kind.SERVICE_PROVIDER})
"""Kinds of guests that have no object in this tenant."""

USERS: Final = GUESTS | {Kind.MEMBER}
AGENTS: Final = frozenset({Kind.AGENT_IDENTITY, Kind.AGENT_USER})


class Memberships(Struct, frozen=True, kw_only=True):
    """Groups or roles by id in lower case: those that a principal holds, and those that it is known not to hold."""

    held: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    """Of which it isn't known, where `outside` is None."""
    outside: frozenset[str] | None = None
    """Which aren't held; None for all that are in neither of the others."""

    def any_of(self, ids: frozenset[str], what: str) -> Answer:
        """Answer whether one of `ids` is held; `what` is the word for one of them."""
        if not ids:
            return NO
        if not self.held.isdisjoint(ids):
            return YES
        unsure = ids & self.unread if self.outside is None else ids - self.outside
        return unknown(f"whether the account holds {what} {', '.join(sorted(unsure))}") if unsure else NO


UNREAD: Final = Memberships(outside=frozenset())
"""Where nothing could be read."""


class Abilities(Struct, frozen=True, kw_only=True):
    """What a principal can prove when asked, not what it has proved.

    The defaults are an emergency account: cloud-only, a FIDO2 key, a device that nobody manages.
    """

    mfa: Truth = Truth.YES
    methods: frozenset[str] = frozenset({"fido2"})
    """Single methods, in the words of authentication strengths."""
    key_model: str | None = None
    """AAGUID of the FIDO2 key; None where it isn't known."""
    compliant_device: Truth = Truth.NO
    joined_device: Truth = Truth.NO
    approved_app: Truth = Truth.NO
    protected_app: Truth = Truth.NO
    password_change: Truth = Truth.NO
    """Users without a password stay blocked (Conditional Access: Grant)."""
    risk_remediation: Truth = Truth.UNKNOWN
    terms_of_use: Truth = Truth.UNKNOWN
    """Accepted interactively, once for each version; what was accepted isn't read."""
    custom_factor: Truth = Truth.NO


class Principal(Struct, frozen=True, kw_only=True):
    """A principal; `groups` are transitive, `roles` are template ids of built-in roles, active and tenant-wide."""

    id: str
    kind: Kind | None = Kind.MEMBER
    home_tenant: str | None = None
    """Of a guest; None where it isn't known."""
    groups: Memberships = Memberships()
    roles: Memberships = Memberships()
    abilities: Abilities = Abilities()
    enabled: Truth = Truth.UNKNOWN
    key_allowed: Truth = Truth.UNKNOWN
    """Whether the tenant's authentication methods policy lets the account use its key."""


class RoleAssignment(Struct, frozen=True, kw_only=True):
    """An assignment of a directory role to an account or to a group that roles can be given to."""

    role: str
    """Template id."""
    principal: str
    scope: str = "/"
    active: bool = True
    """False for one that is eligible and isn't activated."""
    built_in: bool = True


def groups_of(account: str, members: Mapping[str, frozenset[str] | None]) -> Memberships:
    """Find an account's groups through nested ones, from the direct members of each; None where they weren't read.

    A group that isn't in `members` wasn't read either. One that was deleted is there, empty. Nested and dynamic groups
    count in both lists of a policy (Users and groups in Conditional Access policy).
    """
    direct = {group.lower(): listed and frozenset(map(str.lower, listed)) for group, listed in members.items()}
    held = _reachable(frozenset({account.lower()}), direct)
    unread = frozenset(group for group, listed in direct.items() if listed is None)
    possible = unread | _reachable(unread, direct)
    return Memberships(held=held, outside=frozenset(direct) - held - possible)


def _reachable(begin: frozenset[str], direct: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
    """Give the groups of which one of `begin` is a member, directly or through others."""
    found = frozenset[str]()
    while True:
        inside = begin | found
        more = frozenset(group for group, listed in direct.items() if listed and not listed.isdisjoint(inside))
        if more <= found:
            return found
        found |= more


def roles_of(account: str, groups: Memberships, assignments: Iterable[RoleAssignment]) -> Memberships:
    """Find the built-in roles that an account holds actively and tenant-wide, by itself or through a group.

    Conditional access doesn't count eligible roles, those of an administrative unit or object, and custom ones.
    """
    held, unread = set[str](), set[str]()
    for each in assignments:
        if not (each.active and each.built_in and each.scope == "/"):
            continue
        principal = each.principal.lower()
        through_group = groups.any_of(frozenset({principal}), "group").truth
        if principal == account.lower() or through_group is Truth.YES:
            held.add(each.role.lower())
        elif through_group is Truth.UNKNOWN:
            unread.add(each.role.lower())
    return Memberships(held=frozenset(held), unread=frozenset(unread - held))
