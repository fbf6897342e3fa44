"""Accounts, named locations and policies in Graph's JSON, from which tests of conditional access are made."""

from typing import Any, Final

import msgspec

from shared.conditional_access.account import (
    Abilities,
    Kind,
    Memberships,
    Principal,
    RoleAssignment,
    groups_of,
    roles_of,
)
from shared.conditional_access.locations import NamedLocations, Network, read_location
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.targets import (
    Request,
)
from shared.conditional_access.truth import Truth
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR

Y, N, U = Truth.YES, Truth.NO, Truth.UNKNOWN

A, B, G, DELETED = (f"{digit}0000000-1111-4222-8333-444444444444" for digit in "abcd")
UNREAD_GROUP: Final = "e0000000-1111-4222-8333-444444444444"
EM_ID: Final = "1a000000-1111-4222-8333-444444444444"
MO_ID: Final = "2a000000-1111-4222-8333-444444444444"
GUEST_ID: Final = "3a000000-1111-4222-8333-444444444444"
X_TENANT, Y_TENANT = "40000000-1111-4222-8333-444444444444", "50000000-1111-4222-8333-444444444444"
X_APP: Final = "60000000-1111-4222-8333-444444444444"
OFFICE, COUNTRY, COUNTRY_OR_NONE, NETWORK, BY_GPS, US = (
    f"7{digit}000000-1111-4222-8333-444444444444" for digit in "012345"
)
USER_ADMINISTRATOR: Final = "fe930be7-5e62-47db-91af-98c3a49a38b1"

_MEMBERS: Final = {
    A: frozenset({B}),
    B: frozenset({EM_ID.upper()}),
    G: frozenset({GUEST_ID}),
    DELETED: frozenset[str](),
    UNREAD_GROUP: None,
}


def group_memberships(account: str) -> Memberships:
    return groups_of(account, _MEMBERS)


EM: Final = Principal(
    id=EM_ID,
    groups=group_memberships(EM_ID),
    roles=Memberships(held=frozenset({GLOBAL_ADMINISTRATOR})),
    enabled=Y,
    key_allowed=Y,
)
MO: Final = Principal(id=MO_ID, groups=group_memberships(MO_ID), enabled=Y, key_allowed=Y)


def mo_with(*assignments: RoleAssignment) -> Principal:
    groups = Memberships(held=frozenset({G}))
    return msgspec.structs.replace(MO, groups=groups, roles=roles_of(MO_ID, groups, assignments))


def guest(kind: Kind, tenant: str | None = Y_TENANT) -> Principal:
    return msgspec.structs.replace(MO, id=GUEST_ID, kind=kind, home_tenant=tenant, groups=group_memberships(GUEST_ID))


def able(**abilities: Any) -> Principal:  # noqa: ANN401 - fields of Abilities
    return msgspec.structs.replace(EM, abilities=Abilities(**abilities))


def named_locations(*images: Image) -> NamedLocations:
    return {image["id"]: read_location(image) for image in images}


LOCATIONS: Final = named_locations(
    {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "id": OFFICE,
        "displayName": "Office",
        "isTrusted": True,
        "ipRanges": [
            {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"},
            {"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8:1::/48"},
        ],
    },
    {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "id": COUNTRY,
        "countriesAndRegions": ["CH"],
        "includeUnknownCountriesAndRegions": False,
        "countryLookupMethod": "clientIpAddress",
    },
    {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "id": COUNTRY_OR_NONE,
        "countriesAndRegions": ["CH"],
        "includeUnknownCountriesAndRegions": True,
    },
    {"@odata.type": "#microsoft.graph.compliantNetworkNamedLocation", "id": NETWORK, "isTrusted": False},
    {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "id": BY_GPS,
        "countriesAndRegions": ["CH"],
        "countryLookupMethod": "authenticatorAppGps",
    },
    {"@odata.type": "#microsoft.graph.countryNamedLocation", "id": US, "countriesAndRegions": ["US"]},
)
TENANT: Final = Tenant(locations=LOCATIONS, mfa_trusted_ips=frozenset())
UNLISTED: Final = Network(address="198.51.100.7", country="de")


def policy(
    users: Image | None = None,
    targets: Image | None = None,
    grant: Image | str | None = "block",
    *,
    state: str = "enabled",
    session: Image | None = None,
    **conditions: object,
) -> Image:
    """Make a policy; on everybody and everything, that blocks, unless said."""
    controls: Image | None = {"operator": "OR", "builtInControls": [grant]} if isinstance(grant, str) else grant
    return {
        "id": "policy",
        "displayName": "Policy",
        "state": state,
        "conditions": {
            "users": {"includeUsers": ["All"]} if users is None else users,
            "applications": {"includeApplications": ["All"]} if targets is None else targets,
            "clientAppTypes": ["all"],
            **conditions,
        },
        "grantControls": controls,
        "sessionControls": session,
    }


def apps(*include: str, exclude: tuple[str, ...] = ()) -> Image:
    return {"includeApplications": [*include], "excludeApplications": [*exclude]}


def places(*include: str, exclude: tuple[str, ...] = ()) -> Image:
    return {"includeLocations": [*include], "excludeLocations": [*exclude]}


def platforms(*include: str, exclude: tuple[str, ...] = ()) -> Image:
    return {"includePlatforms": [*include], "excludePlatforms": [*exclude]}


def device_rule(mode: str, rule: str) -> Image:
    return {"deviceFilter": {"mode": mode, "rule": rule}}


def strength(identity: str, *methods: str, models: tuple[str, ...] = (), **more: object) -> Image:
    configurations = [{"appliesToCombinations": ["fido2"], "allowedAAGUIDs": [*models]}] if models else []
    embedded = {"id": identity, "allowedCombinations": [*methods], "combinationConfigurations": configurations}
    return {"operator": "AND", "builtInControls": [], "authenticationStrength": embedded, **more}


def controls(operator: str, *names: str, **more: object) -> Image:
    return {"operator": operator, "builtInControls": [*names], **more}


def sign_in(principal: Principal = EM, **facts: Any) -> SignIn:  # noqa: ANN401 - fields of SignIn
    asked = {name: facts.pop(name) for name in Request.__struct_fields__ if name in facts}
    facts.setdefault("network", UNLISTED)
    return SignIn(principal=principal, request=Request(**asked), **facts)
