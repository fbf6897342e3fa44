"""Small random tenants: policies in Graph's JSON, a directory, named locations, and a sign-in."""

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from shared.model.kinds import Image

USERS: Final = ("user-1", "user-2", "user-3")
GROUPS: Final = ("group-1", "group-2", "group-3")
ROLES: Final = ("role-1", "role-2")
PORTAL: Final = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
SHAREPOINT: Final = "00000003-0000-0ff1-ce00-000000000000"
OWN_APP: Final = "own-app"
APPS: Final = (PORTAL, SHAREPOINT, OWN_APP)
PLATFORMS: Final = ("android", "iOS", "windows", "windowsPhone", "macOS", "linux", "unknown")
CLIENTS: Final = ("browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other")
RISKS: Final = ("none", "low", "medium", "high")
INSIDER_RISKS: Final = ("none", "minor", "moderate", "elevated")
KINDS: Final = ("member", "member", "internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember")
FLOWS: Final = ("none", "none", "deviceCodeFlow")
STATES: Final = ("enabled", "enabled", "enabled", "enabledForReportingButNotEnforced", "disabled", "somethingNew")
GRANTS: Final = (
    ("block",),
    ("mfa",),
    ("compliantDevice",),
    ("mfa", "compliantDevice"),
    ("passwordChange", "mfa"),
    ("unknownFutureValue",),
    ("mfa", "unknownFutureValue"),
    ("riskRemediation", "domainJoinedDevice"),
)
FILTERS: Final = (
    ("include", "device.isCompliant -eq True"),
    ("include", "device.isCompliant -ne True"),
    ("exclude", "device.isCompliant -eq True"),
    ("exclude", "device.isCompliant -ne True"),
    ("include", "device.isCompliant"),
)
OFFICE, COUNTRY, COUNTRY_OR_NONE, MISSING = ("office", "country", "country-or-none", "missing")
OFFICE_ADDRESS, ELSEWHERE = "203.0.113.9", "198.51.100.7"
LOCATIONS: Final = (OFFICE, COUNTRY, COUNTRY_OR_NONE)
STRENGTHS: Final = (("fido2",), ("windowsHelloForBusiness", "password,sms"), ("fido2", "x509CertificateMultiFactor"))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A tenant and a sign-in, in the words of Graph."""

    policies: list[Image]
    members: dict[str, set[str] | None]
    roles: set[str]
    locations: list[Image]
    trusted_ips_unread: bool
    baseline: str
    facts: dict[str, Any]


def world(chance: Random) -> World:
    """Make a world; the same chance makes the same."""
    return World(
        policies=[policy(chance, number) for number in range(chance.randint(1, 4))],
        members={
            GROUPS[0]: chance.choice(({GROUPS[1]}, {GROUPS[1]}, {USERS[0]}, None)),
            GROUPS[1]: chance.choice((set[str](), {USERS[0]}, {USERS[1], USERS[0]}, None)),
            GROUPS[2]: chance.choice((set[str](), {USERS[0]}, {USERS[2]}, None)),
        },
        roles={role for role in ROLES if chance.random() < 0.5},
        locations=_locations(chance),
        trusted_ips_unread=chance.random() < 0.3,
        baseline=chance.choice(("old", "new", "unread")),
        facts={
            "kind": chance.choice(KINDS),
            "resource": chance.choice((*APPS, "00000003-0000-0000-c000-000000000000")),
            "scopes": chance.choice(((), (), ("user.read",), ("files.read",))),
            "action": chance.choice((None, None, None, "urn:user:registersecurityinfo")),
            "contexts": chance.choice(((), (), ("c1",), ("c2",))),
            "client": chance.choice(CLIENTS),
            "platform": chance.choice((*PLATFORMS, None)),
            "address": chance.choice((OFFICE_ADDRESS, ELSEWHERE, None)),
            "country": chance.choice(("ch", "de", "", None)),
            "sign_in_risk": chance.choice((*RISKS, None)),
            "user_risk": chance.choice((*RISKS, None)),
            "insider_risk": chance.choice((*INSIDER_RISKS, None)),
            "flow": chance.choice(FLOWS),
            "registered": chance.random() < 0.3,
            "compliant": chance.random() < 0.5,
        },
    )


def changed(before: World, chance: Random) -> list[Image]:
    """Change one policy of a world in one place, or add or take one."""
    policies = [*before.policies]
    at = chance.randrange(len(policies))
    other = policy(chance, at)
    match chance.randrange(4):
        case 0:
            policies[at] = policies[at] | {"state": other["state"], "grantControls": other["grantControls"]}
        case 1:
            name = chance.choice(("users", "applications", "platforms", "locations", "userRiskLevels"))
            conditions = policies[at]["conditions"] | {name: other["conditions"].get(name)}
            policies[at] = policies[at] | {"conditions": conditions}
        case 2:
            policies.append(policy(chance, len(policies)))
        case _:
            del policies[at]
    return policies


def policy(chance: Random, number: int) -> Image:
    """Make a policy; each condition is there or isn't, and lists can be absent, null or empty.

    Half of them are on all users and resources with few conditions, or hardly any would apply.
    """
    wide = chance.random() < 0.5
    likely = 0.1 if wide else 0.25
    users: Image = {"includeUsers": ["All"], "excludeUsers": chance.choice(([], None, [USERS[1]]))}
    return {
        "id": f"policy-{number}",
        "displayName": f"Policy {number}",
        "state": chance.choice(STATES),
        "conditions": {
            "users": users if wide else _users(chance),
            "applications": {"includeApplications": ["All"]} if wide else _applications(chance),
            "clientAppTypes": chance.choice(([], ["all"], None, ["all"] if wide else _some(chance, CLIENTS))),
            **_maybe(chance, likely, "platforms", _listed(chance, "Platforms", (*PLATFORMS[:6], "newOS"), ("all",))),
            **_maybe(
                chance, likely, "locations", _listed(chance, "Locations", (*LOCATIONS, MISSING), ("All", "AllTrusted"))
            ),
            **_maybe(
                chance,
                likely,
                "devices",
                {"deviceFilter": dict(zip(("mode", "rule"), chance.choice(FILTERS), strict=True))},
            ),
            **_maybe(chance, likely, "signInRiskLevels", _some(chance, RISKS)),
            **_maybe(chance, likely, "userRiskLevels", _some(chance, RISKS)),
            **_maybe(chance, likely, "insiderRiskLevels", ",".join(_some(chance, INSIDER_RISKS[1:]))),
            **_maybe(
                chance, 0.1, "authenticationFlows", {"transferMethods": chance.choice(("deviceCodeFlow", "none"))}
            ),
            **_maybe(chance, 0.03, "times", {"some": "thing"}),
        },
        "grantControls": _grant(chance),
        "sessionControls": None,
    }


def _maybe(chance: Random, likely: float, name: str, value: object) -> Image:
    return {name: value} if chance.random() < likely else chance.choice(({}, {name: None}))


def _some(chance: Random, names: tuple[str, ...], most: int = 3) -> list[str]:
    return [_cased(chance, name) for name in chance.sample(names, chance.randint(1, min(most, len(names))))]


def _cased(chance: Random, name: str) -> str:
    return chance.choice((name, name, name.upper()))


def _listed(chance: Random, what: str, names: tuple[str, ...], words: tuple[str, ...]) -> Image:
    include = chance.choice(([words[0]], _some(chance, names), [chance.choice(words)], []))
    exclude = chance.choice(([], [], _some(chance, names), [chance.choice(words)], None))
    return {f"include{what}": include, f"exclude{what}": exclude}


def _users(chance: Random) -> Image:
    return {
        "includeUsers": chance.choice(
            (["All"], ["All"], [], ["None"], ["GuestsOrExternalUsers"], _some(chance, USERS))
        ),
        "includeGroups": chance.choice(([], None, [], _some(chance, GROUPS, 2))),
        "includeRoles": chance.choice(([], [], _some(chance, ROLES, 1))),
        "excludeUsers": chance.choice(([], [], [], _some(chance, USERS), ["GuestsOrExternalUsers"], ["All"])),
        "excludeGroups": chance.choice(([], [], _some(chance, GROUPS, 2))),
        "excludeRoles": chance.choice(([], [], None, _some(chance, ROLES, 1))),
        **(
            {"includeGuestsOrExternalUsers": _guests(chance)}
            if chance.random() < 0.15
            else {"excludeGuestsOrExternalUsers": chance.choice((None, None, _guests(chance)))}
        ),
    }


def _guests(chance: Random) -> Image:
    kinds = chance.sample(("internalGuest", "b2bCollaborationGuest", "b2bCollaborationMember"), 2)
    tenants = chance.choice(
        (
            {"membershipKind": "all"},
            {"membershipKind": "enumerated", "members": ["HOME"]},
            {"membershipKind": "enumerated", "members": ["other"]},
            None,
        )
    )
    return {"guestOrExternalUserTypes": ",".join(kinds), "externalTenants": tenants}


def _applications(chance: Random) -> Image:
    draw = chance.random()
    if draw < 0.1:
        return {"includeUserActions": ["urn:user:registersecurityinfo"]}
    if draw < 0.2:
        return {"includeAuthenticationContextClassReferences": _some(chance, ("c1", "c2", "c3"))}
    include = chance.choice((["All"], ["All"], ["All"], ["None"], ["Office365"], [], _some(chance, APPS)))
    exclude = chance.choice(([], [], None, _some(chance, APPS), ["Office365"]))
    more = {"includeUserActions": ["urn:user:registersecurityinfo"]} if chance.random() < 0.05 else {}
    return {"includeApplications": include, "excludeApplications": exclude, **more}


def _grant(chance: Random) -> Image | None:
    if chance.random() < 0.05:
        return None
    grant: Image = {"operator": chance.choice(("AND", "OR", "Or", None)), "builtInControls": [*chance.choice(GRANTS)]}
    if chance.random() < 0.15:
        grant["builtInControls"] = []
        grant["authenticationStrength"] = {
            "id": "own",
            "allowedCombinations": [*chance.choice(STRENGTHS)],
        }
        if chance.random() < 0.5:
            grant["authenticationStrength"]["combinationConfigurations"] = []
    if chance.random() < 0.1:
        grant["termsOfUse"] = ["terms"]
    return grant


def _locations(chance: Random) -> list[Image]:
    kind = "#microsoft.graph.countryNamedLocation"
    return [
        {
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "id": OFFICE,
            "isTrusted": chance.random() < 0.6,
            "ipRanges": [{"cidrAddress": "203.0.113.0/24"}],
        },
        {"@odata.type": kind, "id": COUNTRY, "countriesAndRegions": ["CH"]},
        {
            "@odata.type": kind,
            "id": COUNTRY_OR_NONE,
            "countriesAndRegions": ["CH"],
            "includeUnknownCountriesAndRegions": True,
        },
    ]
