"""Judges the worlds of `ca_worlds` by brute force: from the JSON, in numbers (0 no, 0.5 unknown, 1 yes), one by one.

Written from the specification and apart from the engine, of which it uses nothing. It is slow, and long-winded where
the engine is clever: it walks through every environment.
"""

from itertools import product
from typing import Any, Final

from tests.fakes.ca_worlds import (
    COUNTRY,
    COUNTRY_OR_NONE,
    ELSEWHERE,
    INSIDER_RISKS,
    OFFICE,
    OFFICE_ADDRESS,
    PLATFORMS,
    PORTAL,
    RISKS,
    SHAREPOINT,
    USERS,
    World,
)

GRAPH: Final = "00000003-0000-0000-c000-000000000000"
_ENFORCED: Final = {"enabled": 1.0, "enabledforreportingbutnotenforced": 0.0, "disabled": 0.0}
_CAN: Final = {"mfa": 1.0, "riskremediation": 0.5, "unknownfuturevalue": 0.5}
"""What an account with a key on an unmanaged device can meet; the rest is 0."""

USUAL_PLACE: Final = {"address": ELSEWHERE, "country": "de", "trusted": 0.0}
"""Outside of every named location."""

type Facts = dict[str, Any]


def _low(values: list[str] | None) -> set[str]:
    return {value.lower() for value in values or []}


def _memberships(world: World) -> dict[str, float]:
    """Walk down from each group: is the first user in it?"""

    def inside(group: str, seen: frozenset[str]) -> float:
        members = world.members[group]
        if members is None:
            return 0.5
        if USERS[0] in members:
            return 1.0
        nested = [inside(each, seen | {group}) for each in members if each in world.members and each not in seen]
        return max(nested, default=0.0)

    return {group: inside(group, frozenset()) for group in world.members}


def _guest_match(guests: dict[str, Any] | None, kind: str) -> float:
    if not guests or kind == "member":
        return 0.0
    if kind.lower() not in guests["guestOrExternalUserTypes"].lower().split(","):
        return 0.0
    if kind == "internalGuest":
        return 1.0
    tenants = guests["externalTenants"]
    if tenants is None:
        return 0.5
    return 1.0 if tenants["membershipKind"] == "all" or "HOME" in tenants["members"] else 0.0


def users(policy: Facts, world: World, kind: str) -> float:
    """Whether the policy is about the first user."""
    who, groups = policy["conditions"]["users"], _memberships(world)
    side: dict[str, float] = {}
    for name in ("include", "exclude"):
        listed = _low(who.get(f"{name}Users"))
        found = 0.0
        if "all" in listed:
            found = 1.0 if name == "include" else 0.5
        if USERS[0] in listed or ("guestsorexternalusers" in listed and kind != "member"):
            found = 1.0
        for group in _low(who.get(f"{name}Groups")):
            found = max(found, groups[group])
        if _low(who.get(f"{name}Roles")) & world.roles:
            found = 1.0
        side[name] = max(found, _guest_match(who.get(f"{name}GuestsOrExternalUsers"), kind))
    if not any(who.get(f"include{name}") for name in ("Users", "Groups", "Roles", "GuestsOrExternalUsers")):
        side["include"] = 0.5
    return min(side["include"], 1 - side["exclude"])


def _suite(resource: str) -> float:
    return {PORTAL: 0.0, SHAREPOINT: 1.0}.get(resource, 0.5)


def target(policy: Facts, world: World, facts: Facts) -> float:
    """Whether the policy is about what is asked for."""
    asked = policy["conditions"]["applications"]
    include, exclude = _low(asked.get("includeApplications")), _low(asked.get("excludeApplications"))
    actions, contexts = (
        _low(asked.get("includeUserActions")),
        _low(asked.get("includeAuthenticationContextClassReferences")),
    )
    if actions or contexts:
        include -= {"none"}
    if [bool(include), bool(actions), bool(contexts)].count(True) != 1:
        return 0.5
    if actions:
        return float(facts["action"] in actions)
    if contexts:
        return float(bool(contexts & set(facts["contexts"])))
    if facts["action"]:
        return float("all" in include)
    if "all" in include and exclude and facts["scopes"] == ("user.read",):
        return {"old": 0.0, "new": 1.0, "unread": 0.5}[world.baseline]
    resource = facts["resource"]
    if resource == GRAPH and facts["scopes"] == ("files.read",):
        resource = SHAREPOINT
    sides = [
        1.0 if resource in listed or "all" in listed else (_suite(resource) if "office365" in listed else 0.0)
        for listed in (include, exclude)
    ]
    return min(sides[0], 1 - sides[1])


def platform(policy: Facts, facts: Facts) -> float:
    """Whether the condition on platforms holds."""
    condition = policy["conditions"].get("platforms")
    if condition is None:
        return 1.0
    include, exclude = _low(condition["includePlatforms"]), _low(condition.get("excludePlatforms"))
    if not include:
        return 0.5
    now = facts["platform"]
    sides: list[float] = []
    for listed, all_of_them in ((include, 1.0), (exclude, 0.5)):
        found = all_of_them if "all" in listed else 0.0
        if "newos" in listed:
            found = max(found, 0.5)
        named = listed - {"all", "newos"}
        if now is None and named:
            found = max(found, 0.5)
        elif now is not None and now.lower() in named:
            found = 1.0
        sides.append(found)
    return min(sides[0], 1 - sides[1])


def place(policy: Facts, world: World, facts: Facts) -> float:
    """Whether the condition on locations holds."""
    condition = policy["conditions"].get("locations")
    if condition is None:
        return 1.0
    include, exclude = _low(condition["includeLocations"]), _low(condition.get("excludeLocations"))
    if not include:
        return 0.5
    address, country = facts["address"], facts["country"]
    office = 0.5 if address is None else float(address == OFFICE_ADDRESS)
    at = {
        OFFICE: office,
        COUNTRY: 0.5 if country is None else float(country == "ch"),
        COUNTRY_OR_NONE: 0.5 if country is None else float(country in {"ch", ""}),
        "missing": 0.5,
        "alltrusted": max(facts["trusted"], office if world.locations[0]["isTrusted"] else 0.0),
    }
    sides = [
        max((all_of_them if name == "all" else at[name] for name in listed), default=0.0)
        for listed, all_of_them in ((include, 1.0), (exclude, 0.5))
    ]
    return min(sides[0], 1 - sides[1])


def _list(values: list[str] | str | None, now: str | None) -> float:
    listed = _low(values.split(",") if isinstance(values, str) else values)
    if not listed or "all" in listed:
        return 1.0
    return 0.5 if now is None else float(now.lower() in listed)


def device(policy: Facts, facts: Facts) -> float:
    """Whether the device filter holds."""
    condition = policy["conditions"].get("devices")
    if condition is None:
        return 1.0
    mode, rule = condition["deviceFilter"]["mode"], condition["deviceFilter"]["rule"]
    if not rule.endswith("True"):
        return 0.5
    compliant = facts["registered"] and facts["compliant"]
    met = compliant if "-eq" in rule else not compliant
    if mode == "include":
        return float(met)
    if met:
        return 0.0 if facts["registered"] else 0.5
    return 1.0


def rest(policy: Facts, facts: Facts) -> float:
    """Whether the conditions hold that don't depend on the environment."""
    conditions: dict[str, Any] = policy["conditions"]
    flow_condition: dict[str, str] = conditions.get("authenticationFlows") or {}
    flows = flow_condition.get("transferMethods", "none")
    return min(
        _list(conditions["clientAppTypes"], facts["client"]),
        device(policy, facts),
        1.0 if flows == "none" else float(facts["flow"] == "deviceCodeFlow"),
        0.5 if conditions.get("times") else 1.0,
    )


def risk(policy: Facts, facts: Facts) -> float:
    """Whether the conditions on risks hold; guests have no insider risk."""
    conditions = policy["conditions"]
    return min(
        _list(conditions.get("signInRiskLevels"), facts["sign_in_risk"]),
        _list(conditions.get("userRiskLevels"), facts["user_risk"]),
        _list(conditions.get("insiderRiskLevels"), facts["insider_risk"] if facts["kind"] == "member" else "none"),
    )


def applies(policy: Facts, world: World, facts: Facts) -> float:
    """Whether the policy applies."""
    if policy["state"] == "disabled":
        return 0.0
    return min(
        users(policy, world, facts["kind"]),
        target(policy, world, facts),
        rest(policy, facts),
        platform(policy, facts),
        place(policy, world, facts),
        risk(policy, facts),
    )


def meets(policy: Facts, facts: Facts) -> float:
    """Whether the account can meet the policy's controls."""
    grant = policy["grantControls"]
    if grant is None:
        return 1.0
    names = [name.lower() for name in grant["builtInControls"]]
    if "block" in names:
        return 0.0
    legacy = facts["client"] in {"exchangeActiveSync", "other"}
    met = [0.5 if name == "unknownfuturevalue" else (0.0 if legacy else _CAN.get(name, 0.0)) for name in names]
    if strength := grant.get("authenticationStrength"):
        has_key = "fido2" in strength["allowedCombinations"]
        read = "combinationConfigurations" in strength
        met.append(0.0 if legacy or not has_key else (1.0 if read else 0.5))
    met += [0.0 if legacy else 0.5 for _ in grant.get("termsOfUse", ())]
    if not met:
        return 1.0
    return max(met) if str(grant["operator"]).lower() == "or" else min(met)


def enforced(policy: Facts) -> float:
    """Whether the policy is enforced."""
    return _ENFORCED.get(policy["state"].lower(), 0.5)


def outcome(world: World, facts: Facts) -> str:
    """How the sign-in ends."""
    judged = [(policy, min(applies(policy, world, facts), enforced(policy))) for policy in world.policies]
    if any(
        reach == 1 and "block" in (p["grantControls"] or {"builtInControls": []})["builtInControls"]
        for p, reach in judged
    ):
        return "blocked"
    if any(reach == 1 and meets(policy, facts) == 0 for policy, reach in judged):
        return "denied"
    ok = min((max(meets(policy, facts), 1 - reach) for policy, reach in judged), default=1.0)
    return "granted" if ok == 1 else "unknown"


def networks(world: World) -> list[Facts]:
    """List every place that a sign-in can come from."""
    trust = (0.0, 0.5) if world.trusted_ips_unread else (0.0,)
    return [
        {"address": address, "country": country, "trusted": trusted}
        for address, country, trusted in product((OFFICE_ADDRESS, ELSEWHERE), ("ch", "de", ""), trust)
        if address == ELSEWHERE or trusted == trust[-1]
    ]


_FIXED: Final = {
    "kind": "member",
    "resource": PORTAL,
    "scopes": (),
    "action": None,
    "contexts": (),
    "client": "browser",
    "flow": "none",
    "registered": False,
    "compliant": False,
}


def refusals(world: World) -> dict[str, list[float]]:
    """Give for each policy, by id, how surely it refuses the first user at the portal, in each environment."""
    places = networks(world)
    risks = [
        {"kind": "member", "sign_in_risk": sign_in, "user_risk": user, "insider_risk": insider}
        for sign_in, user, insider in product(RISKS, RISKS, INSIDER_RISKS)
    ]
    found: dict[str, list[float]] = {}
    for policy in world.policies:
        bare = min(
            0.0 if policy["state"] == "disabled" else enforced(policy),
            1 - meets(policy, _FIXED),
            users(policy, world, "member"),
            target(policy, world, _FIXED),
            rest(policy, _FIXED),
        )
        by_platform = [platform(policy, {"platform": name}) for name in PLATFORMS]
        by_place = [place(policy, world, facts) for facts in places]
        by_risk = [risk(policy, facts) for facts in risks]
        found[policy["id"]] = [min(bare, *three) for three in product(by_platform, by_place, by_risk)]
    return found


def verdict(found: dict[str, list[float]]) -> tuple[float, float]:
    """Give whether the user gets in always, and somewhere."""
    if not found:
        return 1.0, 1.0
    passes = [1 - max(row) for row in zip(*found.values(), strict=True)]
    return min(passes), max(passes)


def worse(before: dict[str, list[float]], after: dict[str, list[float]]) -> set[str]:
    """Give the policies that refuse more than they did: more surely, or where they didn't."""
    return {
        name
        for name, row in after.items()
        if any(now > then for now, then in zip(row, before.get(name) or [0.0] * len(row), strict=True))
    }


def smallest(world: World, asked: list[tuple[Facts, int]]) -> tuple[int, float] | None:
    """Give how few facts aren't as usual in a sign-in that gets in, and how surely it does; None where none may.

    `asked` are sign-ins without their environment, each with how many of its facts aren't as usual. Usual are Windows,
    `USUAL_PLACE`, and no risk.
    """
    found: dict[float, int] = {}
    for bare, changed in asked:
        for distance, passes in _passing(world, bare):
            if passes:
                found[passes] = min(found.get(passes, changed + distance), changed + distance)
    return next(((found[passes], passes) for passes in (1.0, 0.5) if passes in found), None)


def _by_environment(policy: Facts, world: World, bare: Facts, alone: float) -> list[float]:
    """Say how surely a policy refuses in each environment, in the order of `_passing`."""
    insider = INSIDER_RISKS if bare["kind"] == "member" else ("none",)
    names = ("sign_in_risk", "user_risk", "insider_risk")
    by_risk = [risk(policy, bare | dict(zip(names, three, strict=True))) for three in product(RISKS, RISKS, insider)]
    by_place = [place(policy, world, facts) for facts in networks(world)]
    by_platform = [platform(policy, {"platform": name}) for name in PLATFORMS]
    return [min(alone, *three) for three in product(by_platform, by_place, by_risk)]


def _passing(world: World, bare: Facts) -> list[tuple[int, float]]:
    """Say of each environment how many of its facts aren't as usual, and how surely the sign-in gets in there."""
    insider = INSIDER_RISKS if bare["kind"] == "member" else ("none",)
    distances = [
        (name != "windows") + (where != USUAL_PLACE) + sum(each != "none" for each in three)
        for name, where, three in product(PLATFORMS, networks(world), product(RISKS, RISKS, insider))
    ]
    refusing: list[list[float]] = []
    for policy in world.policies:
        alone = min(
            0.0 if policy["state"] == "disabled" else enforced(policy),
            1 - meets(policy, bare),
            users(policy, world, bare["kind"]),
            target(policy, world, bare),
            rest(policy, bare),
        )
        if alone:
            refusing.append(_by_environment(policy, world, bare, alone))
    if not refusing:
        return [(distance, 1.0) for distance in distances]
    return [(distance, 1 - max(row)) for distance, row in zip(distances, zip(*refusing, strict=True), strict=True)]
