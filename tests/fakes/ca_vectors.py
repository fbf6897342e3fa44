"""How Entra judges sign-ins, as a table: policies, a sign-in, and what Microsoft documents or others measured.

Sign-ins that the specification has in one row share its number.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.conditional_access.account import Abilities, Kind, RoleAssignment
from shared.conditional_access.device_filter import Device
from shared.conditional_access.judge import Outcome
from shared.conditional_access.locations import Network
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.targets import (
    AZURE_PORTAL,
    EXCHANGE,
    GRAPH,
    REGISTER_SECURITY_INFO,
    RESOURCE_MANAGER,
    SHAREPOINT,
    BaselineRule,
)
from shared.conditional_access.truth import Truth
from shared.model.kinds import Image
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from tests.fakes.ca_samples import (
    BY_GPS,
    COUNTRY,
    COUNTRY_OR_NONE,
    DELETED,
    EM_ID,
    MO,
    MO_ID,
    NETWORK,
    TENANT,
    UNREAD_GROUP,
    US,
    USER_ADMINISTRATOR,
    X_APP,
    X_TENANT,
    A,
    B,
    G,
    N,
    U,
    Y,
    able,
    apps,
    controls,
    device_rule,
    guest,
    mo_with,
    places,
    platforms,
    policy,
    sign_in,
    strength,
)

BLOCKED, DENIED, GRANTED, UNSURE = Outcome.BLOCKED, Outcome.DENIED, Outcome.GRANTED, Outcome.UNKNOWN


class Vector(Struct, frozen=True, kw_only=True):
    number: int
    name: str
    policies: tuple[Image, ...]
    sign_in: SignIn
    applies: tuple[Truth, ...]
    outcome: Outcome
    tenant: Tenant = TENANT
    always: Truth | None = None
    """As the specification gives it, for the portal alone."""
    somewhere: Truth | None = None


def v(  # noqa: PLR0917 - a row of a table
    number: int,
    name: str,
    policies: Image | tuple[Image, ...],
    asked: SignIn,
    applies: Truth | tuple[Truth, ...],
    outcome: Outcome,
    **more: Any,  # noqa: ANN401 - fields of Vector
) -> Vector:
    return Vector(
        number=number,
        name=name,
        policies=policies if isinstance(policies, tuple) else (policies,),
        sign_in=asked,
        applies=applies if isinstance(applies, tuple) else (applies,),
        outcome=outcome,
        **more,
    )


def _baseline(rule: BaselineRule) -> Tenant:
    return msgspec.structs.replace(TENANT, baseline=rule)


OLD, NEW = _baseline(BaselineRule.OLD), _baseline(BaselineRule.NEW)
ALL_BUT_X: Final = policy(targets=apps("All", exclude=(X_APP,)), grant="mfa")
UNTRUSTED: Final = policy(locations=places("All", exclude=("AllTrusted",)))
NATIVE: Final = "mobileappsanddesktopclients"


def scoped(*scopes: str, client: str = "", confidential: bool = False) -> SignIn:
    return sign_in(
        MO,
        resource=GRAPH,
        scopes=frozenset(scopes),
        client=client,
        confidential=confidential,
        client_type="browser" if confidential else NATIVE,
    )


def from_address(address: str, country: str | None = "de") -> SignIn:
    return sign_in(network=Network(address=address, country=country))


NO_COUNTRY: Final = from_address("2001:db8:ffff::1", "")
ROLE_GROUP: Final = RoleAssignment(role=GLOBAL_ADMINISTRATOR, principal=G)
ELIGIBLE: Final = RoleAssignment(role=GLOBAL_ADMINISTRATOR, principal=MO_ID, active=False)
IN_ONE_UNIT: Final = RoleAssignment(role=USER_ADMINISTRATOR, principal=MO_ID, scope="/administrativeUnits/1")
GUESTS: Final = policy({"includeUsers": ["GuestsOrExternalUsers"]})


def guests_of(kind: str, *tenants: str) -> Image:
    members = {"membershipKind": "enumerated", "members": [*tenants]} if tenants else {"membershipKind": "all"}
    tenants_type = {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants"}
    return policy(
        {
            "includeGuestsOrExternalUsers": {
                "guestOrExternalUserTypes": kind,
                "externalTenants": tenants_type | members,
            }
        }
    )


CONTEXTS: Final = (
    policy(
        {"includeUsers": ["All"], "excludeUsers": [EM_ID]},
        {"includeAuthenticationContextClassReferences": ["c1"]},
        "mfa",
    ),
    policy(
        {"includeUsers": ["All"], "excludeUsers": [MO_ID]},
        {"includeAuthenticationContextClassReferences": ["c2", "c3"]},
    ),
)
"""EM plays Ariel, Mo plays Jay."""

REGISTERING: Final = {"includeUserActions": [REGISTER_SECURITY_INFO]}
OWN_SERVICES: Final = policy(
    {"includeUsers": ["None"]}, clientApplications={"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}
)
LEGACY_TOOL: Final = policy(targets=apps("Office365"), locations=places(US), signInRiskLevels=["high"])
IN_US: Final = Network(address="198.51.100.7", country="us")
USER_RISK: Final = policy(grant=controls("AND", "mfa", "passwordChange"), userRiskLevels=["high"])


def of_kind(kind: Kind) -> SignIn:
    return sign_in(msgspec.structs.replace(MO, kind=kind))


VECTORS: Final = (
    v(1, "block everybody", policy(), sign_in(), Y, BLOCKED, always=N, somewhere=N),
    v(2, "excluded", policy({"includeUsers": ["All"], "excludeUsers": [EM_ID]}), sign_in(), N, GRANTED, always=Y),
    v(3, "nested group", policy({"includeGroups": [A]}), sign_in(), Y, BLOCKED),
    v(4, "nested exclusion", policy({"includeUsers": ["All"], "excludeGroups": [A]}), sign_in(), N, GRANTED),
    v(5, "exclusion wins", policy({"includeUsers": [EM_ID], "excludeUsers": [EM_ID]}), sign_in(), N, GRANTED),
    v(
        6,
        "excluded by role",
        policy({"includeGroups": [B], "excludeRoles": [GLOBAL_ADMINISTRATOR]}),
        sign_in(),
        N,
        GRANTED,
    ),
    v(7, "active role", policy({"includeRoles": [GLOBAL_ADMINISTRATOR]}), sign_in(), Y, BLOCKED),
    v(8, "eligible", policy({"includeRoles": [GLOBAL_ADMINISTRATOR]}), sign_in(mo_with(ELIGIBLE)), N, GRANTED),
    v(9, "role in one unit", policy({"includeRoles": [USER_ADMINISTRATOR]}), sign_in(mo_with(IN_ONE_UNIT)), N, GRANTED),
    v(10, "role by group", policy({"includeRoles": [GLOBAL_ADMINISTRATOR]}), sign_in(mo_with(ROLE_GROUP)), Y, BLOCKED),
    v(11, "nobody", policy({"includeUsers": ["None"]}), sign_in(), N, GRANTED),
    v(
        12,
        "exclusion unread",
        policy({"includeUsers": ["All"], "excludeGroups": [UNREAD_GROUP]}),
        sign_in(),
        U,
        UNSURE,
        always=U,
        somewhere=U,
    ),
    v(
        13,
        "inclusion unread",
        policy({"includeGroups": [UNREAD_GROUP], "excludeUsers": [EM_ID]}),
        sign_in(),
        N,
        GRANTED,
    ),
    v(
        14,
        "deleted group",
        policy({"includeUsers": ["All"], "excludeGroups": [DELETED]}),
        sign_in(),
        Y,
        BLOCKED,
    ),
    v(15, "not a guest", GUESTS, sign_in(), N, GRANTED),
    v(16, "internal guest", GUESTS, sign_in(guest(Kind.INTERNAL_GUEST)), Y, BLOCKED),
    v(17, "guest as member", guests_of("b2bCollaborationGuest"), sign_in(guest(Kind.B2B_MEMBER)), N, GRANTED),
    v(18, "tenant Y", guests_of("b2bCollaborationMember", X_TENANT), sign_in(guest(Kind.B2B_MEMBER)), N, GRANTED),
    v(
        18,
        "tenant X",
        guests_of("b2bCollaborationMember", X_TENANT),
        sign_in(guest(Kind.B2B_MEMBER, X_TENANT)),
        Y,
        BLOCKED,
    ),
    v(19, "guest in group", policy({"includeGroups": [G]}, grant="mfa"), sign_in(guest(Kind.B2B_GUEST)), Y, GRANTED),
    v(20, "no device trust", policy(grant="compliantDevice"), sign_in(guest(Kind.B2B_GUEST)), Y, DENIED),
    v(21, "portal", policy(targets=apps("All", exclude=(EXCHANGE,))), sign_in(), Y, BLOCKED),
    v(
        21,
        "excluded resource",
        policy(targets=apps("All", exclude=(EXCHANGE,))),
        sign_in(resource=EXCHANGE),
        N,
        GRANTED,
    ),
    v(22, "VS Code, old", ALL_BUT_X, scoped("openid", "profile"), N, GRANTED, tenant=OLD),
    v(22, "VS Code, new", ALL_BUT_X, scoped("openid", "profile"), Y, GRANTED, tenant=NEW),
    v(22, "VS Code, unread", ALL_BUT_X, scoped("openid", "profile"), U, GRANTED),
    v(23, "Azure CLI, old", ALL_BUT_X, scoped("user.read"), N, GRANTED, tenant=OLD),
    v(23, "Azure CLI, new", ALL_BUT_X, scoped("user.read"), Y, GRANTED, tenant=NEW),
    v(
        24,
        "excluded client, old",
        ALL_BUT_X,
        scoped("user.read", "people.read", client=X_APP, confidential=True),
        N,
        GRANTED,
        tenant=OLD,
    ),
    v(
        24,
        "excluded client, new",
        ALL_BUT_X,
        scoped("user.read", "people.read", client=X_APP, confidential=True),
        Y,
        GRANTED,
        tenant=NEW,
    ),
    *(
        v(25, "openid only", ALL_BUT_X, scoped("openid", client=X_APP, confidential=True), N, GRANTED, tenant=tenant)
        for tenant in (OLD, NEW, TENANT)
    ),
    v(26, "files", ALL_BUT_X, scoped("files.read", client=X_APP, confidential=True), Y, GRANTED),
    v(27, "mail", policy(targets=apps("All", exclude=(EXCHANGE,)), grant="mfa"), scoped("mail.read"), N, GRANTED),
    v(28, "no exclusion", policy(), scoped("user.read"), Y, BLOCKED),
    v(29, "in the suite", policy(targets=apps("Office365"), grant="mfa"), sign_in(resource=SHAREPOINT), Y, GRANTED),
    v(29, "beside the suite", policy(targets=apps("Office365"), grant="mfa"), sign_in(), N, GRANTED),
    v(30, "admin portals", policy(targets=apps("MicrosoftAdminPortals")), sign_in(), Y, BLOCKED),
    v(31, "Azure management", policy(targets=apps(RESOURCE_MANAGER), grant="mfa"), sign_in(), Y, GRANTED),
    v(32, "no application", policy(targets=apps("None")), sign_in(), N, GRANTED),
    v(33, "no target", policy(targets={}), sign_in(), U, UNSURE),
    v(
        34,
        "attributes unread",
        policy(targets={"applicationFilter": {"mode": "include", "rule": 'CustomSecurityAttribute.a -eq "b"'}}),
        sign_in(),
        U,
        UNSURE,
    ),
    v(35, "unlisted", UNTRUSTED, sign_in(), Y, BLOCKED, always=N, somewhere=Y),
    v(35, "trusted", UNTRUSTED, from_address("203.0.113.9"), N, GRANTED, always=N, somewhere=Y),
    v(36, "IPv6", UNTRUSTED, from_address("2001:db8:2::1"), Y, BLOCKED),
    v(37, "trusted only", policy(locations=places("AllTrusted")), sign_in(), N, GRANTED, always=N, somewhere=Y),
    v(38, "no country", policy(locations=places(COUNTRY)), NO_COUNTRY, N, GRANTED),
    v(38, "unknown ticked", policy(locations=places(COUNTRY_OR_NONE)), NO_COUNTRY, Y, BLOCKED),
    v(39, "not allowed", policy(locations=places("All", exclude=(COUNTRY,))), NO_COUNTRY, Y, BLOCKED),
    v(40, "no secure access", policy(locations=places("All", exclude=(NETWORK,))), sign_in(), Y, BLOCKED, somewhere=Y),
    v(41, "key only", policy(locations=places("All", exclude=(BY_GPS,))), sign_in(), Y, BLOCKED, somewhere=N),
    v(
        42,
        "Linux",
        policy(platforms=platforms("windows", "macOS")),
        sign_in(platform="linux"),
        N,
        GRANTED,
        always=N,
        somewhere=Y,
    ),
    *(
        v(
            43,
            platform,
            policy(platforms=platforms("all", exclude=("android", "iOS", "windows", "macOS", "linux"))),
            sign_in(platform=platform),
            applies,
            outcome,
        )
        for platform, applies, outcome in (("unknown", Y, BLOCKED), ("linux", N, GRANTED))
    ),
    v(
        44,
        "forged",
        policy(platforms=platforms("linux")),
        sign_in(platform="windows"),
        N,
        GRANTED,
        always=N,
        somewhere=Y,
    ),
    *(
        v(
            45,
            name,
            policy(platforms=platforms(name)),
            sign_in(client_type="other", platform="none"),
            applies,
            outcome,
        )
        for name, applies, outcome in (("windows", N, GRANTED), ("all", Y, BLOCKED))
    ),
    v(46, "legacy only", policy(clientAppTypes=["exchangeActiveSync", "other"]), sign_in(), N, GRANTED, always=Y),
    v(
        47,
        "POP",
        policy(grant="mfa", clientAppTypes=[]),
        sign_in(client_type="other", platform="none"),
        Y,
        DENIED,
    ),
    v(48, "positive", policy(devices=device_rule("include", "device.isCompliant -eq True")), sign_in(), N, GRANTED),
    v(49, "negative", policy(devices=device_rule("include", "device.isCompliant -ne True")), sign_in(), Y, BLOCKED),
    v(
        50,
        "exclude, positive",
        policy(devices=device_rule("exclude", 'device.extensionAttribute1 -eq "PAW"')),
        sign_in(),
        Y,
        BLOCKED,
    ),
    v(
        51,
        "exclude, negative: documented as no, unknown for a guard",
        policy(devices=device_rule("exclude", 'device.extensionAttribute1 -ne "PAW"')),
        sign_in(),
        U,
        UNSURE,
    ),
    v(52, "report-only", policy(state="enabledForReportingButNotEnforced"), sign_in(), Y, GRANTED, always=Y),
    v(53, "disabled", policy(state="disabled"), sign_in(), N, GRANTED, always=Y),
    v(54, "state", policy(state="somethingNew"), sign_in(), Y, UNSURE, always=U, somewhere=U),
    v(55, "block and MFA", (policy(targets=apps(AZURE_PORTAL)), policy(grant="mfa")), sign_in(), (Y, Y), BLOCKED),
    v(56, "policies and", (policy(grant="mfa"), policy(grant="compliantDevice")), sign_in(), (Y, Y), DENIED),
    v(57, "controls or", policy(grant=controls("OR", "mfa", "compliantDevice")), sign_in(), Y, GRANTED, always=Y),
    v(58, "controls and", policy(grant=controls("AND", "mfa", "compliantDevice")), sign_in(), Y, DENIED, always=N),
    v(59, "device", policy(grant=controls("OR", "compliantDevice", "domainJoinedDevice")), sign_in(), Y, DENIED),
    v(60, "block or MFA", policy(grant=controls("OR", "block", "mfa")), sign_in(), Y, BLOCKED),
    v(
        61,
        "phishing-resistant",
        policy(grant=strength("00000000-0000-0000-0000-000000000004", "windowsHelloForBusiness", "fido2")),
        sign_in(),
        Y,
        GRANTED,
        always=Y,
    ),
    v(
        62,
        "without keys",
        policy(grant=strength("own", "windowsHelloForBusiness", "x509CertificateMultiFactor")),
        sign_in(),
        Y,
        DENIED,
    ),
    v(
        63,
        "other keys",
        policy(grant=strength("own", "fido2", models=("AA-1",))),
        sign_in(able(key_model="aa-2")),
        Y,
        DENIED,
    ),
    v(63, "key unread", policy(grant=strength("own", "fido2", models=("AA-1",))), sign_in(), Y, UNSURE),
    v(
        64,
        "two strengths",
        (
            policy(grant=strength("00000000-0000-0000-0000-000000000004", "fido2")),
            policy(grant=strength("own", "temporaryAccessPassOneTime")),
        ),
        sign_in(),
        (Y, Y),
        DENIED,
    ),
    v(65, "unknown control", policy(grant=controls("AND", "unknownFutureValue")), sign_in(), Y, UNSURE),
    v(65, "or MFA", policy(grant=controls("OR", "unknownFutureValue", "mfa")), sign_in(), Y, GRANTED),
    v(
        66,
        "session only",
        policy(grant=None, session={"signInFrequency": {"value": 1, "type": "hours", "isEnabled": True}}),
        sign_in(),
        Y,
        GRANTED,
    ),
    *(
        v(
            67,
            name,
            policy(targets=apps(EXCHANGE), grant=None, session={"secureSignInSession": {"isEnabled": True}}),
            sign_in(resource=resource, client_type=NATIVE),
            applies,
            outcome,
        )
        for name, resource, applies, outcome in (
            ("native", EXCHANGE, Y, DENIED),
            ("portal", AZURE_PORTAL, N, GRANTED),
        )
    ),
    v(68, "at high risk", USER_RISK, sign_in(user_risk="high"), Y, DENIED, always=N, somewhere=Y),
    v(68, "without risk", USER_RISK, sign_in(), N, GRANTED, always=N, somewhere=Y),
    v(69, "high", policy(grant="mfa", signInRiskLevels=["high"]), sign_in(sign_in_risk="high"), Y, GRANTED),
    v(69, "medium", policy(grant="mfa", signInRiskLevels=["high"]), sign_in(sign_in_risk="medium"), N, GRANTED),
    *(
        v(
            70,
            name,
            policy(authenticationFlows={"transferMethods": "deviceCodeFlow"}),
            sign_in(flow=flow, resource=resource),
            applies,
            outcome,
        )
        for name, flow, resource, applies, outcome in (
            ("browser", "none", AZURE_PORTAL, N, GRANTED),
            ("device code", "devicecodeflow", AZURE_PORTAL, Y, BLOCKED),
            ("later in that session", "devicecodeflow", EXCHANGE, Y, BLOCKED),
        )
    ),
    *(
        v(
            71,
            name,
            policy(targets={"includeAuthenticationContextClassReferences": ["c1"]}),
            sign_in(contexts=frozenset(contexts)),
            applies,
            outcome,
            always=Y,
        )
        for name, contexts, applies, outcome in (("plain", (), N, GRANTED), ("asked", ("c1",), Y, BLOCKED))
    ),
    v(72, "Ariel, c1", CONTEXTS, sign_in(contexts=frozenset({"c1"})), (N, N), GRANTED),
    v(72, "Ariel, c2", CONTEXTS, sign_in(contexts=frozenset({"c2"})), (N, Y), BLOCKED),
    v(72, "Ariel", CONTEXTS, sign_in(), (N, N), GRANTED),
    v(
        73,
        "Jay, c1, no MFA",
        CONTEXTS,
        sign_in(msgspec.structs.replace(MO, abilities=Abilities(mfa=N)), contexts=frozenset({"c1"})),
        (Y, N),
        DENIED,
    ),
    v(73, "Jay, c1", CONTEXTS, sign_in(MO, contexts=frozenset({"c1"})), (Y, N), GRANTED),
    v(73, "Jay, c2", CONTEXTS, sign_in(MO, contexts=frozenset({"c2"})), (N, N), GRANTED),
    *(
        v(
            74,
            name,
            policy(targets=REGISTERING, locations=places("All", exclude=("AllTrusted",))),
            sign_in(user_action=action),
            applies,
            outcome,
            always=Y,
        )
        for name, action, applies, outcome in (
            ("plain", None, N, GRANTED),
            ("registers", REGISTER_SECURITY_INFO, Y, BLOCKED),
        )
    ),
    v(
        75,
        "registers",
        (
            policy(grant="mfa"),
            policy(targets=REGISTERING, grant=strength("00000000-0000-0000-0000-000000000004", "fido2")),
        ),
        sign_in(MO, user_action=REGISTER_SECURITY_INFO),
        (Y, Y),
        GRANTED,
    ),
    v(76, "terms", policy(grant=controls("AND", termsOfUse=["t1"])), sign_in(), Y, UNSURE, always=U),
    v(77, "service principal", policy(), of_kind(Kind.SERVICE_PRINCIPAL), N, GRANTED),
    v(77, "managed identity", policy(), of_kind(Kind.MANAGED_IDENTITY), N, GRANTED),
    v(78, "own", OWN_SERVICES, of_kind(Kind.SERVICE_PRINCIPAL), Y, BLOCKED),
    v(78, "managed", OWN_SERVICES, of_kind(Kind.MANAGED_IDENTITY), N, GRANTED),
    v(78, "foreign", OWN_SERVICES, of_kind(Kind.FOREIGN_SERVICE_PRINCIPAL), N, GRANTED),
    v(79, "agent's account", policy(), of_kind(Kind.AGENT_USER), N, GRANTED),
    v(80, "Mo", LEGACY_TOOL, sign_in(MO), N, GRANTED),
    v(80, "SharePoint", LEGACY_TOOL, sign_in(MO, resource=SHAREPOINT), N, GRANTED),
    v(80, "from the US", LEGACY_TOOL, sign_in(MO, resource=SHAREPOINT, network=IN_US), N, GRANTED),
    v(
        80,
        "at high risk",
        LEGACY_TOOL,
        sign_in(MO, resource=SHAREPOINT, network=IN_US, sign_in_risk="high"),
        Y,
        BLOCKED,
    ),
    v(
        81,
        "evaluate, example 1",
        (
            policy(
                targets=apps("Office365"), grant=None, session={"applicationEnforcedRestrictions": {"isEnabled": True}}
            ),
            USER_RISK,
        ),
        sign_in(
            able(compliant_device=Y, password_change=Y),
            resource=SHAREPOINT,
            platform="android",
            network=IN_US,
            user_risk="high",
            flow="devicecodeflow",
            device=Device(registered=Y, attributes={"iscompliant": True}),
        ),
        (Y, Y),
        GRANTED,
    ),
    v(
        82,
        "evaluate, example 2",
        policy(
            targets={"includeAuthenticationContextClassReferences": ["c1", "c37"]},
            grant=strength("00000000-0000-0000-0000-000000000004", "fido2"),
        ),
        sign_in(contexts=frozenset({"c37"})),
        Y,
        GRANTED,
    ),
    v(
        83,
        "evaluate, example 3",
        (
            policy(grant="mfa", userRiskLevels=["high"]),
            policy({"includeRoles": [GLOBAL_ADMINISTRATOR]}, grant="mfa"),
            policy(targets=REGISTERING, grant="mfa"),
        ),
        sign_in(user_action=REGISTER_SECURITY_INFO, user_risk="high"),
        (Y, Y, Y),
        GRANTED,
    ),
    v(
        84,
        "security defaults",
        (policy(), policy(grant="compliantDevice")),
        sign_in(),
        (N, N),
        GRANTED,
        tenant=Tenant(security_defaults=True),
        always=Y,
    ),
    v(
        85,
        "elevated",
        policy(insiderRiskLevels="elevated"),
        sign_in(insider_risk="elevated"),
        Y,
        BLOCKED,
        always=N,
        somewhere=Y,
    ),
    v(85, "none", policy(insiderRiskLevels="elevated"), sign_in(), N, GRANTED, always=N, somewhere=Y),
)
