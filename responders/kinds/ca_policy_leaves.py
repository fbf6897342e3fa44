"""Conditional access policies as leaves: how they are split, compared, and written again as JSON.

Graph doesn't take back what it gives: read-only properties are refused even when they are null, an expanded
authentication strength must be reduced to its id, annotations don't match the schema of a write, and an object that can
be of several types needs its type, which the log leaves out.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from responders.kinds.json_leaves import GUID, Shape, cleared, joined
from shared.model.kinds import Image, Json
from shared.model.objects import EXISTS, Leaves, list_of, property_of

STATE: Final = "state"
DISABLED: Final = "disabled"
ENABLED: Final = "enabled"
STATES: Final = frozenset({ENABLED, DISABLED, "enabledForReportingButNotEnforced"})

_STRENGTH: Final = "authenticationStrength"
_GRANT: Final = "grantControls"
OPERATOR: Final = f"{_GRANT}.operator"
_SESSION: Final = "sessionControls"
_CONDITIONS: Final = "conditions"
_CLIENTS: Final = "clientAppTypes"
_ANY_CLIENT: Final = "all"
_CONTROLS: Final = ("builtInControls", "customAuthenticationFactors", "termsOfUse")
_LISTED_FLAGS: Final = frozenset({"insiderRiskLevels", "agentIdRiskLevels"})
_LOWER: Final = (
    *(_CLIENTS, "includePlatforms", "excludePlatforms", "signInRiskLevels", "userRiskLevels"),
    *("servicePrincipalRiskLevels", "insiderRiskLevels", "agentIdRiskLevels"),
)
"""Properties in which "all" and "none" are written in lower case."""

_WORDS: Final = (
    *("All", "None", "GuestsOrExternalUsers", "AllAgentIdUsers", "AllAgentIdResources", "ServicePrincipalsInMyTenant"),
    *("Office365", "MicrosoftAdminPortals", "AllTrusted", *STATES, "AND", "OR"),
    *("block", "mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication"),
    *("passwordChange", "riskRemediation"),
    *("browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other"),
    *("android", "iOS", "windows", "windowsPhone", "macOS", "linux"),
    *("low", "medium", "high", "hidden", "minor", "moderate", "elevated"),
    *("urn:user:registersecurityinfo", "urn:user:registerdevice"),
)

SHAPE: Final = Shape(
    containers=frozenset(
        {
            *(_CONDITIONS, "conditions.users", "conditions.applications", "conditions.platforms"),
            *("conditions.locations", "conditions.clientApplications", "conditions.devices", _GRANT, _SESSION),
        }
    ),
    left_out=frozenset({"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "templateId"}),
    free_texts=frozenset({"displayName", "description", "rule"}),
    flags=frozenset({*_LISTED_FLAGS, "guestOrExternalUserTypes", "transferMethods"}),
    words={word.lower(): word for word in _WORDS}
    | {f"{name}|{word}": word for name in _LOWER for word in (_ANY_CLIENT, "none")},
)

KNOWN: Final = frozenset({"displayName", "description", STATE, _CONDITIONS, _GRANT, _SESSION, *SHAPE.left_out})
"""Names at the top of a policy."""

_IN_V1: Final = frozenset(
    {
        *("displayName", "description", STATE),
        *(f"conditions.users.{side}{what}" for side in ("include", "exclude") for what in ("Users", "Groups", "Roles")),
        *(f"conditions.users.{side}GuestsOrExternalUsers" for side in ("include", "exclude")),
        *(f"conditions.applications.{side}Applications" for side in ("include", "exclude")),
        *("conditions.applications.includeUserActions", "conditions.applications.applicationFilter"),
        "conditions.applications.includeAuthenticationContextClassReferences",
        *(f"conditions.platforms.{side}Platforms" for side in ("include", "exclude")),
        *(f"conditions.locations.{side}Locations" for side in ("include", "exclude")),
        *(f"conditions.clientApplications.{side}ServicePrincipals" for side in ("include", "exclude")),
        *("conditions.clientApplications.servicePrincipalFilter", "conditions.devices.deviceFilter"),
        *(f"conditions.{name}RiskLevels" for name in ("signIn", "user", "servicePrincipal", "insider")),
        *("conditions.clientAppTypes", "conditions.authenticationFlows"),
        *(f"grantControls.{name}" for name in ("operator", _STRENGTH, *_CONTROLS)),
        *(f"sessionControls.{name}" for name in ("applicationEnforcedRestrictions", "cloudAppSecurity")),
        *(f"sessionControls.{name}" for name in ("persistentBrowser", "signInFrequency", "secureSignInSession")),
        "sessionControls.disableResilienceDefaults",
    }
)
"""What v1.0 has, from its metadata; whatever else a policy has is lost in a write by v1.0."""

_TENANTS: Final = "externalTenants"
_ALL_TENANTS: Final = "#microsoft.graph.conditionalAccessAllExternalTenants"
_SOME_TENANTS: Final = "#microsoft.graph.conditionalAccessEnumeratedExternalTenants"
_TYPE: Final = "@odata.type"


def leaves(policy: Image) -> dict[str, Json]:
    """Split a policy. An operator without controls, and all kinds of clients, configure nothing."""
    return SHAPE.split(_meaning(policy))


def _meaning(policy: Image) -> Image:
    plain = dict(policy)
    if isinstance(policy.get(_CONDITIONS), dict):
        plain[_CONDITIONS] = _conditions(cast("Image", policy[_CONDITIONS]))
    if isinstance(policy.get(_GRANT), dict):
        plain[_GRANT] = _grant(cast("Image", policy[_GRANT]))
    if isinstance(policy.get(_SESSION), dict):
        session = cast("Image", policy[_SESSION])
        plain[_SESSION] = {name: value for name, value in session.items() if value is not False}
    return plain


def _conditions(conditions: Image) -> Image:
    plain = {name: _one_text(value) if name in _LISTED_FLAGS else value for name, value in conditions.items()}
    if isinstance(plain.get("users"), dict):
        plain["users"] = {name: _typed(value) for name, value in cast("Image", plain["users"]).items()}
    clients = plain.get(_CLIENTS)
    if isinstance(clients, list) and {str(each).lower() for each in cast("list[Any]", clients)} == {_ANY_CLIENT}:
        del plain[_CLIENTS]
    return plain


def _typed(value: Json) -> Json:
    """Say of which type the tenants of guests are: Graph refuses them without it, and the log leaves it out."""
    if not isinstance(value, dict) or not isinstance(value.get(_TENANTS), dict):
        return value
    tenants = cast("Image", value[_TENANTS])
    if _TYPE in tenants:
        return value
    kind = _SOME_TENANTS if tenants.get("members") else _ALL_TENANTS
    return {**value, _TENANTS: {_TYPE: kind, **tenants}}


def _one_text(value: Json) -> Json:
    return ",".join(str(each) for each in value) if isinstance(value, list) else value


def _grant(grant: Image) -> Image | None:
    """Reduce a strength to its id; None where nothing is asked for."""
    strength = cast("Json", grant.get(_STRENGTH))
    identity = strength.get("id") if isinstance(strength, dict) else strength
    plain = {**grant, _STRENGTH: identity}
    asks = any(value for name, value in plain.items() if name != "operator" and "@odata." not in name)
    return plain if asks else None


def is_readable(policy: Image) -> bool:
    """Say whether a policy is in words that Graph takes."""
    state = policy.get(STATE)
    return isinstance(state, str) and SHAPE.spelled(STATE, state) in STATES


def is_joint(leaf: str) -> bool:
    """Whether a leaf is of existence, state or grant controls."""
    return leaf in {EXISTS, STATE} or is_grant(leaf)


def is_grant(leaf: str) -> bool:
    """Whether a leaf is of the grant controls, or says how they are joined."""
    return leaf.startswith(f"{_GRANT}.")


def parts_beyond_v1(values: Iterable[str]) -> tuple[str, ...]:
    """Give those of some leaves that v1.0 doesn't have."""
    return tuple(sorted(each for each in values if each != EXISTS and (list_of(each) or each) not in _IN_V1))


# Writing.


def part_of(leaf: str) -> str:
    """Give the property that a change of a leaf sends whole; "" for one that has no parts."""
    return "" if property_of(leaf) == leaf else property_of(leaf)


def change_body(names: Iterable[str], target: Leaves, standing: Leaves) -> Image:
    """Write the body that makes a policy's properties `names` as in `target`; null wherever something has to go.

    Graph isn't documented to leave what is inside a property and isn't sent, nor to take it away: both come out right.
    """
    wanted, there = joined(target), joined(standing)
    return {name: _section(name, wanted.get(name), there.get(name)) for name in sorted(set(names))}


def new_body(target: Leaves) -> Image:
    """Write the body that makes a policy like `target`, switched off."""
    wanted = joined(target)
    body = {name: _section(name, value, None) for name, value in wanted.items()}
    return {_CONDITIONS: _section(_CONDITIONS, None, None)} | body | {STATE: DISABLED}


def _section(name: str, wanted: Json, standing: Json) -> Json:
    match name:
        case "conditions":
            return _conditions_body(cast("Image", wanted or {}), standing)
        case "grantControls":
            return _grant_body(cast("Image | None", wanted), standing)
        case _:
            return cleared(wanted, standing)


def _conditions_body(wanted: Image, standing: Json) -> Image:
    needed: Image = {"users": {}, "applications": {}, _CLIENTS: [_ANY_CLIENT]}
    filled: Image = {**needed, **wanted}
    return cast("Image", cleared(filled, standing))


def _grant_body(wanted: Image | None, standing: Json) -> Image | None:
    if wanted is None:
        return None
    lists: Mapping[str, Json] = {name: wanted.get(name) or [] for name in _CONTROLS}
    filled: Image = {"operator": "OR", **wanted, **lists}
    body = cast("Image", cleared(filled, standing))
    if body.get(_STRENGTH) is not None:
        body[_STRENGTH] = {"id": body[_STRENGTH]}
    return body


# Whom it is about.


def _ids(values: Leaves, side: str) -> frozenset[str]:
    lists = {f"conditions.users.{side}{what}" for what in ("Users", "Groups")}
    members = (leaf.partition("[")[2].removesuffix("]") for leaf in values if list_of(leaf) in lists)
    return frozenset(each for each in members if GUID.fullmatch(each))


def reached_anew(before: Leaves, after: Leaves) -> frozenset[str]:
    """Give users and groups, by id, that a policy reaches and didn't reach before, or no longer leaves out.

    Words such as "All" aren't ids; what they mean is judged on the set of policies.
    """
    if not after:
        return frozenset()
    lost = _ids(before, "exclude") - _ids(after, "exclude")
    included = _ids(after, "include")
    is_on, was_on = (values.get(STATE) == ENABLED for values in (after, before))
    return lost | (included if is_on and not was_on else included - _ids(before, "include"))


def let_out(before: Leaves, after: Leaves) -> frozenset[str]:
    """Give users and groups, by id, that a policy leaves out or no longer reaches, and did before.

    Switching a policy off gives nobody access of his own; nor does one that is made again with its exclusions.
    """
    if not (before and after):
        return frozenset()
    spared = _ids(after, "exclude") - _ids(before, "exclude")
    return spared | (_ids(before, "include") - _ids(after, "include"))
