"""The seeded world: who and what exists in the two simulated tenants before anything happens.

Scenarios, tests and the simulated tenant import the same names, so an id is written once. Every id is made up, except
the Azure and Entra built-in ones (role definitions, authentication strengths, templates), which are the real ones.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

type PrincipalKind = Literal["user", "servicePrincipal"]
type Json = dict[str, Any]

WORKFORCE_TENANT: Final = "5f1c7a3e-94d2-4b0e-8a57-3c6d1e2f4a90"
WORKFORCE_DOMAIN: Final = "contoso.onmicrosoft.com"
B2C_TENANT: Final = "b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"
B2C_DOMAIN: Final = "contosob2c.onmicrosoft.com"
TENANT_DOMAINS: Final = {WORKFORCE_TENANT: WORKFORCE_DOMAIN, B2C_TENANT: B2C_DOMAIN}
COMPANY_DOMAIN: Final = "contoso.com"
SHOP_DOMAIN: Final = "shop.contoso.com"
CUSTOM_DOMAINS: Final = {WORKFORCE_TENANT: (COMPANY_DOMAIN, SHOP_DOMAIN)}
"""Verified domains beside the initial one; a subdomain follows its root."""

FEDERATION_SETTINGS: Final[Json] = {
    "displayName": "Contoso AD FS",
    "issuerUri": "http://contoso.com/adfs/services/trust",
    "metadataExchangeUri": "https://sts.contoso.com/adfs/services/trust/mex",
    "signingCertificate": "MIIC3jCCAcagAwIBAgIQFsO0Q2pAHrhKnXkWQ1bAHTANBgkqhkiG9w0BAQsFADArMSkw",
    "passiveSignInUri": "https://sts.contoso.com/adfs/ls/",
    "preferredAuthenticationProtocol": "wsFed",
    "activeSignInUri": "https://sts.contoso.com/adfs/services/trust/2005/usernamemixed",
    "signOutUri": "https://sts.contoso.com/adfs/ls/",
    "promptLoginBehavior": "nativeSupport",
    "isSignedAuthenticationRequestRequired": None,
    "nextSigningCertificate": None,
    "federatedIdpMfaBehavior": "rejectMfaByFederatedIdp",
    "passwordResetUri": None,
}
"""How the company's domain is federated while the tenant is hybrid; the certificate is public, and made up."""

TENANT_NAMES: Final = {WORKFORCE_TENANT: "Contoso", B2C_TENANT: "Contoso customers"}

SUBSCRIPTION: Final = "0c9e2b74-51fd-4a36-b8e0-6d7f93a1c258"
SUBSCRIPTION_NAME: Final = "Contoso production"
SUBSCRIPTION_SCOPE: Final = f"/subscriptions/{SUBSCRIPTION}"
RESOURCE_GROUP: Final = "rg-shop"
RESOURCE_GROUP_SCOPE: Final = f"{SUBSCRIPTION_SCOPE}/resourceGroups/{RESOURCE_GROUP}"
STORAGE_ACCOUNT_SCOPE: Final = f"{RESOURCE_GROUP_SCOPE}/providers/Microsoft.Storage/storageAccounts/stshop"
VAULT_SCOPE: Final = f"{RESOURCE_GROUP_SCOPE}/providers/Microsoft.KeyVault/vaults/kvresponder"
TOPIC_SCOPE: Final = f"{RESOURCE_GROUP_SCOPE}/providers/Microsoft.EventGrid/systemTopics/evgt-responder"
LOGGED_RESOURCES: Final = (VAULT_SCOPE, TOPIC_SCOPE)
"""The responder's own resources whose diagnostic settings and event subscriptions it guards."""

SEEDED_AT: Final = "2026-01-12T08:30:00.0000000Z"
"""When everything below was made, as Graph and Azure Resource Manager print it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who can hold a token. `upn` is for users, `client_id` (the appId) for service principals."""

    id: str
    name: str
    kind: PrincipalKind
    tenant: str
    upn: str | None = None
    client_id: str | None = None
    ip: str | None = None
    is_guest: bool = False


ALICE: Final = Principal(
    id="a11ce000-3b5d-4c8e-9f21-7d60b4e8a115",
    name="Alice Alvarez",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"alice@{WORKFORCE_DOMAIN}",
    ip="203.0.113.10",
)
"""Approved administrator of the workforce tenant."""

CAROL: Final = Principal(
    id="ca201000-6e2f-4d17-8b94-0f5a3c7d9e28",
    name="Carol Chen",
    kind="user",
    tenant=B2C_TENANT,
    upn=f"carol@{B2C_DOMAIN}",
    ip="203.0.113.11",
)
"""Approved administrator of the B2C tenant."""

MALLORY: Final = Principal(
    id="ba110700-1d4c-4e6a-a0b8-5c9f2e7d3164",
    name="Mallory Marsh",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"mallory@{WORKFORCE_DOMAIN}",
    ip="198.51.100.66",
)
"""Unapproved user with an administrator's rights."""

TRUDY: Final = Principal(
    id="72d00000-8f3b-4a5c-b7e1-2d6c9a0f4e83",
    name="Trudy Thorne",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"trudy@{WORKFORCE_DOMAIN}",
    ip="198.51.100.67",
)
"""Another unapproved user with an administrator's rights."""

BOB_B2C: Final = Principal(
    id="b0b00000-4c7e-4f19-93d5-8a1b6e2c0f57",
    name="Bob Brandt",
    kind="user",
    tenant=B2C_TENANT,
    upn=f"bob@{B2C_DOMAIN}",
    ip="198.51.100.68",
)
"""Unapproved user with an administrator's rights in the B2C tenant."""

BREAK_GLASS_1: Final = Principal(
    id="b6000001-0a9d-4e37-85c2-f41e7b3d6890",
    name="Emergency access 1",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"emergency-1@{WORKFORCE_DOMAIN}",
    ip="203.0.113.200",
)

BREAK_GLASS_2: Final = Principal(
    id="b6000002-7c51-4d8f-9e0a-3b6f2a9c4d17",
    name="Emergency access 2",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"emergency-2@{WORKFORCE_DOMAIN}",
    ip="203.0.113.201",
)

RESPONDER: Final = Principal(
    id="4e590000-2f6b-4b1d-8c73-9a0e5d7f1c36",
    name="func-entra-responder",
    kind="servicePrincipal",
    tenant=WORKFORCE_TENANT,
    client_id="4e59c11e-5a8d-4c02-b6f9-1d3e7a9c5b48",
)
"""The responder's managed identity: it exists in the workforce tenant only."""

RESPONDER_B2C: Final = Principal(
    id="4e59b2c0-9d1e-4f75-a3c8-6b0f2e4d7a91",
    name="Entra Responder",
    kind="servicePrincipal",
    tenant=B2C_TENANT,
    client_id="4e59b2cc-3e7f-4a96-8d15-c2b0f9e6a374",
)
"""The responder's app registration in the B2C tenant: it signs in with a certificate."""

EVENT_TOPIC: Final = Principal(
    id="e7e40000-5c2a-4d8f-9b13-7a6e0d4c2f58",
    name="evgt-entra-responder",
    kind="servicePrincipal",
    tenant=WORKFORCE_TENANT,
    client_id="e7e4c11e-8d1b-4f36-a2c7-0b9e5d3a7f14",
)
"""The managed identity of the subscription's event topic: it puts events into the app's queue."""

RELEASE_PIPELINE: Final = Principal(
    id="41be1100-5e9c-4d23-b7f8-0c6a1d3e9f52",
    name="Release pipeline",
    kind="servicePrincipal",
    tenant=WORKFORCE_TENANT,
    client_id="41be11cc-8b2d-4f60-9e37-5a7c4d1f0b86",
)
"""Approved service principal."""

IMPOSTOR: Final = Principal(
    id="1b057000-7d4e-4a8b-95c1-e3f60b2d9a74",
    name="Release pipeline",
    kind="servicePrincipal",
    tenant=WORKFORCE_TENANT,
    client_id="1b0570cc-0f9a-4c5e-b8d2-7e1f3a6c4d95",
)
"""Unapproved service principal that took the approved one's display name."""

ERIN: Final = Principal(
    id="e2140000-5a3d-4b96-8c07-f1d94e6b2a38",
    name="Erin Egger",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"erin@{WORKFORCE_DOMAIN}",
    ip="203.0.113.12",
)
"""Somebody who can activate a directory role, and holds none."""

DAVE: Final = Principal(
    id="da7e0000-9b2c-4f58-a6d1-30e7c5f8b146",
    name="Dave Dorn",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"dave@{WORKFORCE_DOMAIN}",
    ip="203.0.113.13",
)
"""An ordinary user."""

GINA: Final = Principal(
    id="61a00000-2c7d-4e95-b814-a06f3d9c5e72",
    name="Gina Gruber",
    kind="user",
    tenant=WORKFORCE_TENANT,
    upn=f"gina_fabrikam.com#EXT#@{WORKFORCE_DOMAIN}",
    ip="192.0.2.14",
    is_guest=True,
)
"""A guest from another organisation."""

MS_PIM: Final = Principal(
    id="3591d000-6a4c-4f82-b0d7-9e15c3f8a264",
    name="MS-PIM",
    kind="servicePrincipal",
    tenant=WORKFORCE_TENANT,
    client_id="01fc33a7-78ba-4d2f-a4b7-768e336e890e",
)
"""Microsoft's service for Privileged Identity Management (its real application id): it writes what others ask for."""

PRINCIPALS: Final = (
    ALICE,
    CAROL,
    MALLORY,
    TRUDY,
    BOB_B2C,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    RESPONDER,
    RESPONDER_B2C,
    EVENT_TOPIC,
    RELEASE_PIPELINE,
    IMPOSTOR,
    ERIN,
    DAVE,
    GINA,
    MS_PIM,
)
PRINCIPALS_BY_ID: Final = {principal.id: principal for principal in PRINCIPALS}

OPERATORS_CLIENT_ID: Final = "09e4a705-6c3d-4b8e-9f21-5a7d0c8e4b13"
"""The registration that operators sign in to, to reach the responder's app."""

AZURE_CLI: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The application of the Azure command line (its real id), which gets people their tokens."""

OPERATOR_IDS: Final = frozenset({ALICE.id, BREAK_GLASS_1.id})
"""Who is assigned to the operators' registration."""

ATTACKERS: Final = frozenset({MALLORY.id, TRUDY.id, IMPOSTOR.id})
"""Who may write Azure role assignments without holding a role, while the setting `attackers_may_assign_roles` is on."""

_PERMISSIONS: Final = Path(__file__).parents[1] / "scripts" / "permissions.txt"


def _granted(kind: str) -> frozenset[str]:
    """Give what `infra/scripts/grant.sh --tier act` grants the responder in a tenant of this kind."""
    lines = (line.split() for line in _PERMISSIONS.read_text(encoding="utf-8").splitlines())
    return frozenset(permission for of_kind, _tier, permission in lines if of_kind == kind)


GRAPH_ROLES: Final = {
    RESPONDER.id: _granted("workforce"),
    RESPONDER_B2C.id: _granted("b2c"),
    RELEASE_PIPELINE.id: frozenset({"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"}),
    IMPOSTOR.id: frozenset({"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"}),
}
"""Graph application permissions of each service principal; users have an administrator's rights and need none."""

# Azure role definitions (real ids).
OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
USER_ACCESS_ADMINISTRATOR: Final = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
RBAC_ROLE_NAMES: Final = {
    OWNER: "Owner",
    CONTRIBUTOR: "Contributor",
    READER: "Reader",
    USER_ACCESS_ADMINISTRATOR: "User Access Administrator",
}


def role_definition_id(definition: str) -> str:
    """Write a role definition's GUID the way a role assignment carries it: as a resource id in the subscription."""
    return f"{SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{definition}"


def role_assignment_path(assignment: str, scope: str = SUBSCRIPTION_SCOPE) -> str:
    """Write the resource id of the role assignment with this GUID."""
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment:
    """An Azure role held at the subscription from the start; `definition` is a role definition's GUID."""

    id: str
    holder: Principal
    definition: str


ALICE_OWNER: Final = RoleAssignment(id="0a551600-0001-4e1f-8c3a-5d7b9f204e61", holder=ALICE, definition=OWNER)
BREAK_GLASS_OWNER: Final = RoleAssignment(
    id="0a551600-0002-4b7d-9e52-8f1c3a6d0b94", holder=BREAK_GLASS_1, definition=OWNER
)
RELEASE_PIPELINE_CONTRIBUTOR: Final = RoleAssignment(
    id="0a551600-0003-4d9c-a6f8-2b4e7d1c5a30", holder=RELEASE_PIPELINE, definition=CONTRIBUTOR
)
RESPONDER_USER_ACCESS_ADMINISTRATOR: Final = RoleAssignment(
    id="0a551600-0004-4a3e-b1d7-6c9f0e5b8d42", holder=RESPONDER, definition=USER_ACCESS_ADMINISTRATOR
)
ROLE_ASSIGNMENTS: Final = (
    ALICE_OWNER,
    BREAK_GLASS_OWNER,
    RELEASE_PIPELINE_CONTRIBUTOR,
    RESPONDER_USER_ACCESS_ADMINISTRATOR,
)

ERIN_ELIGIBLE_OWNER: Final = RoleAssignment(id="0a551600-00e1-4c6b-9d28-7f0e3a5b1c94", holder=ERIN, definition=OWNER)
AZURE_ROLE_ELIGIBILITIES: Final = (ERIN_ELIGIBLE_OWNER,)
"""Who can activate an Azure role at the subscription; the id is the eligibility schedule's."""

# Authentication strengths that every tenant has (real ids).
STRENGTH_MFA: Final = "00000000-0000-0000-0000-000000000002"
STRENGTH_PASSWORDLESS: Final = "00000000-0000-0000-0000-000000000003"
STRENGTH_PHISHING_RESISTANT: Final = "00000000-0000-0000-0000-000000000004"

_PHISHING_RESISTANT = ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]
_PASSWORDLESS = [*_PHISHING_RESISTANT, "deviceBasedPush"]
_MULTIFACTOR = [
    *_PASSWORDLESS,
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "password,microsoftAuthenticatorPush",
    "password,softwareOath",
    "password,hardwareOath",
    "password,sms",
    "password,voice",
    "federatedMultiFactor",
    "microsoftAuthenticatorPush,federatedSingleFactor",
    "softwareOath,federatedSingleFactor",
    "hardwareOath,federatedSingleFactor",
    "sms,federatedSingleFactor",
    "voice,federatedSingleFactor",
]
_BUILT_IN_AT = "2021-12-01T00:00:00Z"


def _strength(strength_id: str, name: str, combinations: list[str], *, policy_type: str, at: str) -> Json:
    return {
        "id": strength_id,
        "createdDateTime": at,
        "modifiedDateTime": at,
        "displayName": name,
        "description": "",
        "policyType": policy_type,
        "requirementsSatisfied": "mfa",
        "allowedCombinations": combinations,
        "combinationConfigurations": [],
    }


BUILT_IN_STRENGTHS: Final = tuple(
    _strength(strength_id, name, combinations, policy_type="builtIn", at=_BUILT_IN_AT)
    for strength_id, name, combinations in (
        (STRENGTH_MFA, "Multifactor authentication", _MULTIFACTOR),
        (STRENGTH_PASSWORDLESS, "Passwordless MFA", _PASSWORDLESS),
        (STRENGTH_PHISHING_RESISTANT, "Phishing-resistant MFA", _PHISHING_RESISTANT),
    )
)
STRENGTH_KEYS_ONLY: Final = "57e4600a-3c1d-4f7b-8e95-a20d6b9c5f14"
CUSTOM_STRENGTHS: Final = (
    _strength(STRENGTH_KEYS_ONLY, "Security keys only", ["fido2"], policy_type="custom", at=SEEDED_AT),
)
"""Strengths of the workforce tenant's own; no seeded policy uses them."""

OFFICE: Final = "10ca7000-4b8e-4d21-96f3-c57a0e1d8b42"
HOME_COUNTRIES: Final = "10ca7001-8d3f-4a60-b1c9-2e94f7d05a76"
NAMED_LOCATIONS: Final[tuple[Json, ...]] = (
    {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "id": OFFICE,
        "displayName": "Head office",
        "createdDateTime": SEEDED_AT,
        "modifiedDateTime": SEEDED_AT,
        "isTrusted": True,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}],
    },
    {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "id": HOME_COUNTRIES,
        "displayName": "Countries we work in",
        "createdDateTime": SEEDED_AT,
        "modifiedDateTime": SEEDED_AT,
        "countriesAndRegions": ["IE", "DE"],
        "countryLookupMethod": "clientIpAddress",
        "includeUnknownCountriesAndRegions": False,
    },
)
"""Named locations of the workforce tenant, as Graph prints them; no seeded policy uses them."""

AUTHENTICATION_CONTEXTS: Final[tuple[Json, ...]] = (
    {"id": "c1", "displayName": "Sensitive data", "description": "Needs a security key", "isAvailable": True},
)

# Directory roles (real template ids).
GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR: Final = "e8611ab8-c189-46e8-94e1-60213ab1f814"
CONDITIONAL_ACCESS_ADMINISTRATOR: Final = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
HELPDESK_ADMINISTRATOR: Final = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
B2C_IEF_POLICY_ADMINISTRATOR: Final = "3edaf663-341e-4475-9f94-5c398ef6c070"
REPORTS_READER: Final = "4a5d8f65-41da-4de4-8968-e035b65339cf"
DIRECTORY_ROLE_NAMES: Final = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    PRIVILEGED_ROLE_ADMINISTRATOR: "Privileged Role Administrator",
    CONDITIONAL_ACCESS_ADMINISTRATOR: "Conditional Access Administrator",
    HELPDESK_ADMINISTRATOR: "Helpdesk Administrator",
    B2C_IEF_POLICY_ADMINISTRATOR: "B2C IEF Policy Administrator",
    REPORTS_READER: "Reports Reader",
}
CUSTOM_DIRECTORY_ROLE: Final = "c057000a-2e8b-4d61-9f34-7b1c5a0e8d92"
"""A role of the workforce tenant's own: "Credential rotator"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A security group. `nested` are groups in it; `eligible` can become members by Privileged Identity Management."""

    id: str
    name: str
    tenant: str = WORKFORCE_TENANT
    is_role_assignable: bool = False
    members: tuple[Principal, ...] = ()
    nested: tuple["Group", ...] = ()
    owners: tuple[Principal, ...] = ()
    eligible: tuple[Principal, ...] = ()


ROLE_ADMINISTRATORS: Final = Group(
    id="64001000-7c3e-4a92-b5d8-1f0e6b9a2c47",
    name="Role administrators",
    is_role_assignable=True,
    members=(MALLORY,),
    owners=(ALICE,),
    eligible=(TRUDY,),
)
"""Holds a privileged role."""

REPORT_READERS: Final = Group(
    id="64002000-1d8f-4e65-93ba-c24f7d0e5b81",
    name="Report readers",
    is_role_assignable=True,
    members=(IMPOSTOR, DAVE),
)
"""Could hold any role and holds one that isn't privileged."""

EVERYBODY: Final = Group(id="64003000-6f4b-4c17-8e2d-a59d3b7c0f64", name="Everybody", members=(ALICE, MALLORY, DAVE))
CONTRACTORS: Final = Group(id="64004000-3e9a-4b58-a7f1-d40c6e2b8957", name="Contractors", members=(GINA,))
OUTER_CIRCLE: Final = Group(
    id="64005000-9d2c-4f06-83b5-7e1a4c0d6f38", name="Outer circle", members=(ERIN,), nested=(CONTRACTORS,)
)
"""Holds another group: its guest is in it indirectly."""

GROUPS: Final = (ROLE_ADMINISTRATORS, REPORT_READERS, EVERYBODY, CONTRACTORS, OUTER_CIRCLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryRoleAssignment:
    """A directory role that a principal or a group holds, or is eligible for, from the start."""

    holder: Principal | Group
    role: str


DIRECTORY_ROLE_ASSIGNMENTS: Final = (
    DirectoryRoleAssignment(holder=ALICE, role=GLOBAL_ADMINISTRATOR),
    DirectoryRoleAssignment(holder=BREAK_GLASS_1, role=GLOBAL_ADMINISTRATOR),
    DirectoryRoleAssignment(holder=BREAK_GLASS_2, role=GLOBAL_ADMINISTRATOR),
    DirectoryRoleAssignment(holder=ROLE_ADMINISTRATORS, role=PRIVILEGED_ROLE_ADMINISTRATOR),
    DirectoryRoleAssignment(holder=REPORT_READERS, role=REPORTS_READER),
    DirectoryRoleAssignment(holder=RELEASE_PIPELINE, role=CUSTOM_DIRECTORY_ROLE),
    DirectoryRoleAssignment(holder=CAROL, role=GLOBAL_ADMINISTRATOR),
    DirectoryRoleAssignment(holder=BOB_B2C, role=B2C_IEF_POLICY_ADMINISTRATOR),
)
DIRECTORY_ROLE_ELIGIBILITIES: Final = (DirectoryRoleAssignment(holder=ERIN, role=HELPDESK_ADMINISTRATOR),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaPolicy:
    """A conditional access policy of the workforce tenant.

    `body` is what an administrator would POST; the simulated tenant adds what Graph adds (id, times, nulls, the
    expanded strength). Copy it before changing it. `template_id` is read-only in Graph and so is not in the body.
    """

    id: str
    name: str
    body: Json
    template_id: str | None = None


_ALL_APPLICATIONS: Json = {"includeApplications": ["All"], "excludeApplications": []}
_BREAK_GLASS_IDS = [BREAK_GLASS_1.id, BREAK_GLASS_2.id]

MFA_FOR_ADMINS: Final = CaPolicy(
    id="ca000001-5d2e-4c7f-9a81-3e6b0f4d7c29",
    name="CA001: Require phishing-resistant MFA for administrators",
    template_id="c7503427-338e-4c5e-902d-abe252abfb43",
    body={
        "displayName": "CA001: Require phishing-resistant MFA for administrators",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": _ALL_APPLICATIONS,
            "users": {
                "includeRoles": [GLOBAL_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR, CONDITIONAL_ACCESS_ADMINISTRATOR],
                "excludeUsers": _BREAK_GLASS_IDS,
            },
        },
        "grantControls": {"operator": "OR", "authenticationStrength": {"id": STRENGTH_PHISHING_RESISTANT}},
    },
)

BLOCK_LEGACY: Final = CaPolicy(
    id="ca000002-8b4f-4e1a-b6d3-7c0e9f2a5d18",
    name="CA002: Block legacy authentication",
    template_id="0b2282f9-2862-4178-88b5-d79340b36cb8",
    body={
        "displayName": "CA002: Block legacy authentication",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["exchangeActiveSync", "other"],
            "applications": _ALL_APPLICATIONS,
            "users": {"includeUsers": ["All"], "excludeUsers": _BREAK_GLASS_IDS},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    },
)

MFA_FOR_ALL: Final = CaPolicy(
    id="ca000003-1f7c-4d9b-85e6-a2d0c4b93e57",
    name="CA003: Require MFA for all users",
    body={
        "displayName": "CA003: Require MFA for all users",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": _ALL_APPLICATIONS,
            "users": {"includeUsers": ["All"], "excludeUsers": _BREAK_GLASS_IDS},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        "sessionControls": {
            "signInFrequency": {
                "value": 12,
                "type": "hours",
                "authenticationType": "primaryAndSecondaryAuthentication",
                "frequencyInterval": "timeBased",
                "isEnabled": True,
            }
        },
    },
)
CA_POLICIES: Final = (MFA_FOR_ADMINS, BLOCK_LEGACY, MFA_FOR_ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomPolicy:
    """A B2C custom policy; `base` is the id of the policy it inherits from, None for the root."""

    id: str
    base: str | None
    xml: str


def custom_policy_xml(policy_id: str, *, base: str | None, content: str = "", tenant_domain: str = B2C_DOMAIN) -> str:
    """Write a small valid TrustFrameworkPolicy document; `content` is XML put after the base policy."""
    inherits = (
        f"  <BasePolicy>\n    <TenantId>{tenant_domain}</TenantId>\n    <PolicyId>{base}</PolicyId>\n  </BasePolicy>\n"
        if base
        else ""
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<TrustFrameworkPolicy xmlns="http://schemas.microsoft.com/online/cpim/schemas/2013/06"\n'
        f'    PolicySchemaVersion="0.3.0.0" TenantId="{tenant_domain}" PolicyId="{policy_id}" PublicPolicyUri="http://{tenant_domain}/{policy_id}">\n'
        f"{inherits}{content}"
        "</TrustFrameworkPolicy>\n"
    )


def _custom_policy(policy_id: str, *, base: str | None, content: str) -> CustomPolicy:
    return CustomPolicy(id=policy_id, base=base, xml=custom_policy_xml(policy_id, base=base, content=content))


TRUST_FRAMEWORK_BASE: Final = _custom_policy(
    "B2C_1A_TrustFrameworkBase",
    base=None,
    content=(
        "  <BuildingBlocks>\n    <ClaimsSchema>\n"
        '      <ClaimType Id="email"><DisplayName>Email Address</DisplayName><DataType>string</DataType></ClaimType>\n'
        "    </ClaimsSchema>\n  </BuildingBlocks>\n"
    ),
)
TRUST_FRAMEWORK_LOCALIZATION: Final = _custom_policy(
    "B2C_1A_TrustFrameworkLocalization",
    base=TRUST_FRAMEWORK_BASE.id,
    content='  <BuildingBlocks>\n    <Localization Enabled="true" />\n  </BuildingBlocks>\n',
)
TRUST_FRAMEWORK_EXTENSIONS: Final = _custom_policy(
    "B2C_1A_TrustFrameworkExtensions",
    base=TRUST_FRAMEWORK_LOCALIZATION.id,
    content="  <BuildingBlocks />\n  <ClaimsProviders />\n",
)
SIGNUP_SIGNIN: Final = _custom_policy(
    "B2C_1A_signup_signin",
    base=TRUST_FRAMEWORK_EXTENSIONS.id,
    content=(
        '  <RelyingParty>\n    <DefaultUserJourney ReferenceId="SignUpOrSignIn" />\n'
        '    <TechnicalProfile Id="PolicyProfile"><DisplayName>PolicyProfile</DisplayName>'
        '<Protocol Name="OpenIdConnect" /><OutputClaims><OutputClaim ClaimTypeReferenceId="email" /></OutputClaims>'
        "</TechnicalProfile>\n  </RelyingParty>\n"
    ),
)
CUSTOM_POLICIES: Final = (TRUST_FRAMEWORK_BASE, TRUST_FRAMEWORK_LOCALIZATION, TRUST_FRAMEWORK_EXTENSIONS, SIGNUP_SIGNIN)
"""Parents first: the order in which they can be uploaded."""
