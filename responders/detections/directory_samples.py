"""Records of Core Directory, PIM and B2C about accounts, roles and applications, for detections' hits and misses."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from responders.detections.samples import (
    ADMINISTRATOR,
    BREAK_GLASS,
    BY_USER,
    OPERATORS_APP,
    OWN_GROUP,
    OWN_IDENTITY,
    TENANT,
    audit_record,
)
from shared.model.kinds import Image
from shared.model.profile import Hours, TenantProfile

CPIM: Final = "5b0e71c4-9f2d-4a63-8e57-d1c03fa2b698"
MANAGED_IDENTITIES: Final = "e7d2406a-15b8-4c93-a0f4-63b98c5e12d7"
IMPOSTOR: Final = "2c96f8b3-7e04-4d51-bb6a-90d1e34f7a85"
ROLE_HOLDER: Final = "0e5b72c8-d4f1-4a96-8b3e-69c7f0a21d58"
EMERGENCY_GROUP: Final = "a41d6e93-58b0-4c7f-92e6-3d0f8b5c7a14"
ROLE_ASSIGNABLE_GROUP: Final = "71c0f8e5-2b6d-4953-a8f4-c51e9d07b362"
VIP: Final = "3c7d5f90-e14b-4a82-96d7-b8f205c1e46a"
CONSUMER: Final = "b3f0a1d8-4c7e-4296-8a5b-17e9d60c2f34"
COLLEAGUE: Final = "f95c2e07-83ab-4d16-b7e0-4a1d98c6353b"
APPLICATION: Final = "4d8a17f2-e6c3-4f0b-9b25-c7013e8fd946"
PARTNER: Final = "c4e90b17-3f6a-4d82-a5c1-7e28f0d9b643"
STRANGER: Final = "17a5d3c8-e0b4-4f96-8b2d-9c60f71e4a35"
"""Tenants of other organisations: of one that we work with, and of one that we don't."""

TESTS: Final = "90d3b6f1-5e2c-47a8-b9d4-0c71f8e63a25"
"""The app id of an application that tests itself."""

OWN_SITE: Final = "func-responder-fabrikam"

SAMPLE_PROFILE: Final = TenantProfile(
    cpim_ids=frozenset({CPIM}),
    managed_identity_ids=frozenset({MANAGED_IDENTITIES}),
    owned_domains=frozenset({"fabrikam.example", "fabrikam.azurewebsites.net"}),
    account_attributes={"UserPrincipalName": r".+@fabrikamb2c\.onmicrosoft\.com", "CustomerNumber": r"C-\d{5}"},
    emergency_accounts=frozenset({BREAK_GLASS}),
    emergency_groups=frozenset({EMERGENCY_GROUP}),
    privileged_accounts=frozenset({ROLE_HOLDER, BREAK_GLASS}),
    privileged_known_in=frozenset({TENANT}),
    role_assignable_groups=frozenset({ROLE_ASSIGNABLE_GROUP}),
    groups_known_in=frozenset({TENANT}),
    allowed_countries=frozenset({"NL", "BE"}),
    allowed_cities=frozenset({"Utrecht", "Antwerp"}),
    credential_types=frozenset({"password", "certificate"}),
    automated_tests={TESTS: date(2026, 3, 31)},
    partner_organisations=frozenset({"partner.example", PARTNER}),
    privileged_countries=frozenset({"NL"}),
    privileged_networks=frozenset({"198.51.100.0/24", "2001:db8:4::/48"}),
    privileged_browsers=frozenset({"Edge"}),
    privileged_operating_systems=frozenset({"Windows"}),
    working_hours={"*": Hours(zone="Europe/Amsterdam", begin="08:00", end="18:00")},
    vip_accounts=frozenset({VIP}),
    policy_groups=frozenset({EMERGENCY_GROUP}),
    policy_groups_known_in=frozenset({TENANT}),
    own_site=OWN_SITE,
    own_groups=frozenset({OWN_GROUP.lower()}),
    own_identities=frozenset({OWN_IDENTITY}),
    operators_app=OPERATORS_APP,
)
"""The profile of the tenant that the samples are from."""


def by_service(identity: str, name: str) -> Image:
    """Name a service principal as the actor, as Core Directory does: without its app id."""
    app = {"appId": None, "displayName": name, "servicePrincipalId": identity, "servicePrincipalName": None}
    return {"user": None, "app": app}


BY_CPIM: Final = by_service(CPIM, "CPIM Service")
BY_IMPOSTOR: Final = by_service(IMPOSTOR, "CPIM Service")
"""Anybody can create an application with this display name."""
BY_CONSUMER: Final[Image] = {"user": BY_USER["user"] | {"id": CONSUMER}, "app": None}


def change(name: str, old: object = None, new: object = None) -> Image:
    """Make a modified property: its values are JSON in strings, and null where there was nothing."""
    return {"displayName": name, "oldValue": _json(old), "newValue": _json(new)}


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))


def target(identity: str | None, kind: str, *changes: Image, name: str | None = None, upn: str | None = None) -> Image:
    """Make one of the targets."""
    return {
        "id": identity,
        "displayName": name,
        "type": kind,
        "userPrincipalName": upn,
        "groupType": None,
        "modifiedProperties": list(changes),
    }


def account_record(activity: str, *changes: Image, identity: str = CONSUMER, **differences: object) -> Image:
    """Make the record of a change of an account, by an administrator."""
    return _account(activity, changes, identity, differences)


def _account(activity: str, changes: Iterable[Image], identity: str, differences: dict[str, object]) -> Image:
    account = target(identity, "User", *changes, upn=f"{identity}@fabrikamb2c.onmicrosoft.com")
    return audit_record(activity, **{"category": "UserManagement", "targetResources": [account]} | differences)


def new_account_record(*, customer_number: str = "C-10482", **differences: object) -> Image:
    """Make the record of a new consumer account."""
    changes = [
        change("AccountEnabled", [], [True]),
        change("DisplayName", [], ["Robin Reyes"]),
        change("UserPrincipalName", [], [f"{CONSUMER}@fabrikamb2c.onmicrosoft.com"]),
        change("CustomerNumber", [], [customer_number])
        if customer_number
        else change("Included Updated Properties", None, "UserType"),
    ]
    return _account("Add user", changes, CONSUMER, differences)


def application_record(activity: str, *changes: Image, kind: str = "Application", **differences: object) -> Image:
    """Make the record of a change of an application's registration, or of its service principal."""
    names = ", ".join(one["displayName"] for one in changes)
    included = change("Included Updated Properties", None, names)
    changed = target(APPLICATION, kind, *changes, included, name="Order portal")
    return audit_record(activity, **{"category": "ApplicationManagement", "targetResources": [changed]} | differences)


def key(number: int, name: str = "deploy, 2026", *, kind: str = "Password", usage: str = "Verify") -> str:
    """Describe a secret or certificate; its display name may hold commas, and even what looks like another key."""
    identity = f"{number:08x}-5a1c-4e37-b9d0-82f64c7e0b15"
    return f"[KeyIdentifier={identity},KeyType={kind},KeyUsage={usage},DisplayName={name}]"


def addresses(*found: str) -> list[Image]:
    """Give redirect addresses as `AppAddress` has them."""
    return [{"AddressType": 0, "Address": one, "ReplyAddressClientType": 1, "ReplyAddressIndex": None} for one in found]


GRAPH_NAMES: Final = (
    "00000003-0000-0000-c000-000000000000/ags.windows.net;00000003-0000-0000-c000-000000000000;"
    "https://canary.graph.microsoft.com;https://graph.microsoft.com;https://ags.windows.net"
)
OWN_API_NAMES: Final = "api://orders.fabrikam.example;7a40c5d9-2e81-4b6f-93d7-f58e0c1a64b2"


def app_role_record(value: str, *, names: str = GRAPH_NAMES, **differences: object) -> Image:
    """Make the record of an app role granted to a service principal: the API first, then the receiver."""
    granting = target(
        "ce7199b4-8f52-46f3-b54b-4fd81de961e2",
        "ServicePrincipal",
        change("AppRole.Id", None, "dc890d15-9560-4a4c-9b7f-a736ec74ec40"),
        change("AppRole.Value", None, value),
        change("ServicePrincipal.ObjectID", None, APPLICATION),
        change("TargetId.ServicePrincipalNames", None, names),
        name="Microsoft Graph",
    )
    activity = "Add app role assignment to service principal"
    return _grant_record(activity, granting, differences)


def delegated_record(
    scope: str,
    *,
    before: str | None = None,
    names: str = GRAPH_NAMES,
    consent: str = "Principal",
    **differences: object,
) -> Image:
    """Make the record of delegated scopes granted: the whole list before and after, often with a leading space."""
    activity = str(differences.pop("activity", "Add delegated permission grant"))
    granting = target(
        "ce7199b4-8f52-46f3-b54b-4fd81de961e2",
        "ServicePrincipal",
        change("DelegatedPermissionGrant.Scope", before, scope),
        change("DelegatedPermissionGrant.ConsentType", consent if before else None, consent),
        change("ServicePrincipal.ObjectID", None, APPLICATION),
        change("TargetId.ServicePrincipalNames", None, names),
        name="Microsoft Graph",
    )
    return _grant_record(activity, granting, differences)


def _grant_record(activity: str, granting: Image, differences: dict[str, Any]) -> Image:
    receiver = target(APPLICATION, "ServicePrincipal", name="Order portal")
    fields = {"category": "ApplicationManagement", "targetResources": [granting, receiver]}
    return audit_record(activity, **fields | differences)


def role_record(activity: str, kind: str = "User", *, identity: str = COLLEAGUE, **differences: object) -> Image:
    """Make Core Directory's record of a directory role assigned: the principal first, the role in its properties."""
    holder = target(
        identity,
        kind,
        change("Role.ObjectID", None, "38bf5baf-7ec7-4bc2-8920-6d4044da12c2"),
        change("Role.DisplayName", None, "Privileged Role Administrator"),
        change("Role.TemplateId", None, "e8611ab8-c189-46e8-94e1-60213ab1f814"),
        name=None if kind == "User" else "Order portal",
    )
    role = target("38bf5baf-7ec7-4bc2-8920-6d4044da12c2", "Role", name="Privileged Role Administrator")
    return audit_record(activity, **{"category": "RoleManagement", "targetResources": [holder, role]} | differences)


def pim_record(activity: str, kind: str = "User", *, identity: str = COLLEAGUE, **differences: object) -> Image:
    """Make PIM's record of the same: the role first, then the request, then the principal."""
    targets = [
        target("e8611ab8-c189-46e8-94e1-60213ab1f814", "Role", name="Privileged Role Administrator"),
        target("5d03c1f7-a298-4e6b-8d40-b7f3e9126c0a", "Request"),
        target(identity, kind, name="Order portal" if kind == "ServicePrincipal" else None),
    ]
    details = {"RoleDefinitionOriginId": "e8611ab8-c189-46e8-94e1-60213ab1f814", "Justification": "weekly report"}
    fields = {
        "category": "RoleManagement",
        "loggedByService": "PIM",
        "targetResources": targets,
        "additionalDetails": [{"key": name, "value": value} for name, value in details.items()],
    }
    return audit_record(activity, **fields | differences)


def member_record(
    activity: str, group: str, kind: str = "User", *, identity: str = COLLEAGUE, **differences: object
) -> Image:
    """Make the record of a group's member added or removed: the member first, the group in its properties."""
    member = target(
        identity,
        kind,
        change("Group.ObjectID", None, group),
        change("Group.DisplayName", None, "Directory operators"),
        change("Group.WellKnownObjectName", None, None),
        upn="robin@fabrikam.onmicrosoft.com" if kind == "User" else None,
    )
    fields = {"category": "GroupManagement", "targetResources": [member, target(group, "Group")]}
    return audit_record(activity, **fields | differences)


def group_owner_record(group: str, kind: str = "User", *, identity: str = COLLEAGUE, **differences: object) -> Image:
    """Make the record of a group's owner added: like a member's."""
    return member_record("Add owner to group", group, kind, identity=identity, **differences)


def owner_record(activity: str, **differences: object) -> Image:
    """Make the record of an owner added: the owner comes first, then what they own."""
    owner = target(
        ADMINISTRATOR, "User", change("Application.ObjectID", None, APPLICATION), upn="morgan@fabrikam.example"
    )
    owned = target(APPLICATION, "Application", name="Order portal")
    fields = {"category": "ApplicationManagement", "targetResources": [owner, owned]}
    return audit_record(activity, **fields | differences)


def b2c_record(activity: str, name: str, **differences: object) -> Image:
    """Make one of the two records, in two categories, that B2C writes of a change of one of its resources."""
    fields = {
        "id": "B2C_KJ7PQ_6120950",
        "category": "ResourceManagement",
        "loggedByService": "B2C",
        "targetResources": [target(name, "Other", name=name)],
        "additionalDetails": [{"key": "TenantId", "value": "fabrikamb2c.onmicrosoft.com"}],
    }
    return audit_record(activity, **fields | differences)


def invitation_record(email: str, **differences: object) -> Image:
    """Make the record of an invitation, with the address of whoever was invited."""
    guest = target(COLLEAGUE, "User", upn=f"{email.replace('@', '_')}#EXT#@fabrikam.onmicrosoft.com")
    fields = {
        "category": "UserManagement",
        "loggedByService": "Invited Users",
        "targetResources": [guest],
        "additionalDetails": [{"key": "invitedUserEmailAddress", "value": email}],
    }
    return audit_record("Invite external user", **fields | differences)


def partner_record(activity: str, tenant_id: str, **differences: object) -> Image:
    """Make the record of a cross-tenant access setting for another organisation's tenant."""
    setting = target(None, "Policy", change("tenantId", None, tenant_id))
    fields = {"category": "CrossTenantAccessSettings", "targetResources": [setting]}
    return audit_record(activity, **fields | differences)


def tenant_record(activity: str, kind: str, *changes: Image, **differences: object) -> Image:
    """Make the record of a change of the whole tenant; a domain goes by its name, without an id."""
    changed = target(None if kind == "Other" else TENANT, kind, *changes, name="fabrikam.example")
    return audit_record(activity, **{"targetResources": [changed]} | differences)
