"""Gaps in conditional access, told as the smallest sign-in that gets through one, in words."""

from collections.abc import Mapping
from itertools import product
from typing import Final

from responders.kinds.json_leaves import GUID
from shared.conditional_access.account import Principal
from shared.conditional_access.environments import INSIDER_RISK, NETWORK, PLATFORM, SIGN_IN_RISK, USER_RISK
from shared.conditional_access.gaps import Asked, Gap
from shared.conditional_access.locations import NamedLocation, place_of
from shared.conditional_access.policy import Policy
from shared.conditional_access.sections import Unread
from shared.conditional_access.sign_in import SignIn, Tenant
from shared.conditional_access.targets import (
    AZURE_PORTAL,
    DIRECTORY,
    EXCHANGE,
    GRAPH,
    RESOURCE_MANAGER,
    SHAREPOINT,
    TEAMS,
    Request,
)
from shared.conditional_access.truth import Truth
from shared.model.escape import shown
from shared.model.kinds import Image

_WHAT: Final = "what"
_BY: Final = "client"

_APPLICATIONS: Final[Mapping[str, str]] = {
    AZURE_PORTAL: "the Azure portal",
    RESOURCE_MANAGER: "Azure",
    GRAPH: "Microsoft Graph",
    DIRECTORY: "the directory",
    EXCHANGE: "Exchange",
    SHAREPOINT: "SharePoint",
    TEAMS: "Teams",
    "0b6d8c5e-7f31-4a92-9e04-c2d5a1f86b73": "an application that no policy names",
}
"""What is asked for in every tenant, the usual first; the last id is made up."""

_CLIENTS: Final[Mapping[str, str]] = {
    "browser": "in a browser",
    "mobileappsanddesktopclients": "by a mobile or desktop app",
    "exchangeactivesync": "by Exchange ActiveSync",
    "other": "by a legacy client",
}
_PLATFORMS: Final[Mapping[str, str]] = {
    "android": "Android",
    "ios": "iOS",
    "windows": "Windows",
    "windowsphone": "Windows Phone",
    "macos": "macOS",
    "linux": "Linux",
    "unknown": "a system that conditional access doesn't know",
}


def asked_of(principal: Principal, policies: list[Policy]) -> list[Asked]:
    """Give every sign-in of somebody without its environment: to what is usual, and to what policies leave out.

    Whatever policies only include is asked for more than what none names, and so is a device code, which no policy
    leaves out. Of applications that the same policies leave out, one is enough.
    """
    resources = (*_APPLICATIONS, *_left_out(policies))
    return [
        Asked(
            sign_in=SignIn(principal=principal, request=Request(resource=resource), client_type=client),
            changed=_changed({_WHAT: resource != AZURE_PORTAL, _BY: client != "browser"}),
        )
        for resource, client in product(resources, _CLIENTS)
    ]


def _changed(facts: Mapping[str, bool]) -> frozenset[str]:
    return frozenset(fact for fact, is_changed in facts.items() if is_changed)


def _left_out(policies: list[Policy]) -> list[str]:
    """Give the applications that policies leave out by id, one of those that the same ones do."""
    by: dict[str, set[int]] = {}
    for number, policy in enumerate(policies):
        if not isinstance(policy.applications, Unread):
            for each in policy.applications.exclude_applications - _APPLICATIONS.keys():
                by.setdefault(each, set()).add(number)
    ids = (each for each in sorted(by, reverse=True) if GUID.fullmatch(each))
    return sorted({frozenset(by[each]): each for each in ids}.values())


def in_words(gap: Gap, people: Mapping[str, Principal], tenant: Tenant, locations: Mapping[str, Image]) -> str:
    """Say a gap in one sentence without its end: who signs in, and only what isn't as usual of the rest."""
    sign_in = gap.sign_in
    who = next(name for name, each in people.items() if each == sign_in.principal)
    said = {
        _WHAT: f"to {_application(sign_in.request.resource or '')}",
        _BY: _CLIENTS[str(sign_in.client_type)],
        PLATFORM: f"on {_PLATFORMS[str(sign_in.platform)]}",
        NETWORK: f"from {_place(sign_in, tenant, locations)}",
        SIGN_IN_RISK: f"at {sign_in.sign_in_risk} sign-in risk",
        USER_RISK: f"at {sign_in.user_risk} user risk",
        INSIDER_RISK: f"at {sign_in.insider_risk} insider risk",
    }
    return " ".join([who, "signs in with a password", *(words for fact, words in said.items() if fact in gap.changed)])


def _application(resource: str) -> str:
    return _APPLICATIONS.get(resource, f"application {resource}")


def _place(sign_in: SignIn, tenant: Tenant, locations: Mapping[str, Image]) -> str:
    place = place_of(sign_in.network, tenant.locations)
    inside = [each for each in sorted(place.inside) if each in locations]
    if not inside:
        return "outside of all named locations"
    names = [shown(str(locations[each].get("displayName") or each), 80) for each in inside]
    trusted = [_is_trusted(tenant.locations.get(each)) for each in inside]
    return f"{'trusted location' if any(trusted) else 'location'} {' and '.join(names)}"


def _is_trusted(location: object) -> bool:
    return isinstance(location, NamedLocation) and location.trusted is Truth.YES
