"""Where a sign-in comes from: named locations, and the condition that lists them (Conditional Access: Network)."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Final, cast

from msgspec import Struct

from shared.conditional_access.sections import Unread, folded
from shared.conditional_access.truth import NO, YES, Answer, Truth, answer, by_lists, some, unknown

MFA_TRUSTED_IPS: Final = "00000000-0000-0000-0000-000000000000"
"""The id under which policies list the trusted IPs of per-user MFA, as exporters of policies found."""

_ALL: Final = "all"
_ALL_TRUSTED: Final = "alltrusted"
_COUNTRY: Final = re.compile(r"[a-z]{2}")

type Range = tuple[int, int, int]
"""Version of IP, first and last address."""


class NamedLocation(Struct, frozen=True, kw_only=True):
    """A named location: address ranges, countries, or the tenant's compliant network."""

    id: str
    trusted: Truth = Truth.NO
    ranges: tuple[Range, ...] = ()
    countries: frozenset[str] = frozenset()
    unknown_country: bool = False
    by_gps: bool = False
    is_network: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no address can be in it."""
        return not (self.ranges or self.countries or self.unknown_country or self.is_network)


class Network(Struct, frozen=True, kw_only=True):
    """What Entra sees of where a sign-in comes from; None and UNKNOWN where it isn't known."""

    address: str | None = None
    country: str | None = None
    """By the address, two letters in lower case; "" for an address without a country."""
    gps_country: str | None = ""
    """By the Authenticator app; "" for an account that can't prove it, such as one with a FIDO2 key only."""
    compliant: Truth = Truth.NO
    in_mfa_trusted_ips: Truth = Truth.NO


class Place(Struct, frozen=True, kw_only=True):
    """In which named locations a network is, surely and possibly, by id; a location in neither isn't known."""

    inside: frozenset[str]
    outside: frozenset[str]
    trusted: Answer


class Locations(Struct, frozen=True, rename="camel"):
    """Named locations by id beside words."""

    include_locations: frozenset[str] = frozenset()
    exclude_locations: frozenset[str] = frozenset()


type NamedLocations = Mapping[str, NamedLocation | Unread]
"""By id in lower case."""


def read_location(image: Mapping[str, Any]) -> NamedLocation | Unread:
    """Read a named location as Graph gives it. What isn't understood makes it unread, never empty."""
    kind = str(image.get("@odata.type", "")).rpartition(".")[2].lower()
    values = folded(image)
    name = f"named location {values.get('displayName') or values.get('id')}"
    identity = str(values.get("id", ""))
    try:
        match kind:
            case "ipnamedlocation":
                ranges = tuple(_range(str(each["cidrAddress"])) for each in values.get("ipRanges", ()))
                return NamedLocation(id=identity, trusted=_truth(values.get("isTrusted", False)), ranges=ranges)
            case "countrynamedlocation":
                return _countries(identity, values)
            case "compliantnetworknamedlocation":
                trusted = _truth(values["isTrusted"]) if "isTrusted" in values else Truth.UNKNOWN
                return NamedLocation(id=identity, trusted=trusted, is_network=True)
            case _:
                return Unread(f"{name} is of a kind that isn't known: {kind or 'none'}")
    except (KeyError, TypeError, ValueError, AttributeError) as failure:
        return Unread(f"{name} can't be read: {type(failure).__name__}")


def _countries(identity: str, values: Mapping[str, Any]) -> NamedLocation:
    countries = frozenset(cast("list[str]", values.get("countriesAndRegions", [])))
    method = values.get("countryLookupMethod", "clientipaddress")
    if not all(_COUNTRY.fullmatch(each) for each in countries) or method not in {
        "clientipaddress",
        "authenticatorappgps",
    }:
        raise ValueError(method)
    return NamedLocation(
        id=identity,
        countries=countries,
        unknown_country=_truth(values.get("includeUnknownCountriesAndRegions", False)) is Truth.YES,
        by_gps=method == "authenticatorappgps",
    )


def _truth(value: object) -> Truth:
    if not isinstance(value, bool):
        raise TypeError("a flag that is no boolean")
    return Truth.YES if value else Truth.NO


def _range(cidr: str) -> Range:
    network = ip_network(cidr, strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


def place_of(network: Network, locations: NamedLocations) -> Place:
    """Find out in which named locations a network is."""
    inside, outside, trusted = set[str](), set[str](), [_mfa_trusted(network)]
    for key, location in locations.items():
        if isinstance(location, Unread):
            trusted.append(unknown(location.because))
            continue
        is_in = _is_in(location, network)
        if is_in is Truth.YES:
            inside.add(key)
        elif is_in is Truth.NO:
            outside.add(key)
        if location.trusted is not Truth.NO:
            trusted.append(answer(min(is_in, location.trusted), f"whether location {key} is trusted and applies"))
    known = {Truth.YES: inside, Truth.NO: outside}.get(network.in_mfa_trusted_ips)
    if known is not None:
        known.add(MFA_TRUSTED_IPS)
    return Place(inside=frozenset(inside), outside=frozenset(outside), trusted=some(trusted))


def _mfa_trusted(network: Network) -> Answer:
    return answer(network.in_mfa_trusted_ips, "the trusted IPs of per-user MFA")


def _is_in(location: NamedLocation, network: Network) -> Truth:
    if location.is_network:
        return network.compliant
    if location.ranges:
        return _in_ranges(location.ranges, network.address)
    if not (location.countries or location.unknown_country):
        return Truth.NO
    country = network.gps_country if location.by_gps else network.country
    if country is None:
        return Truth.UNKNOWN
    return Truth.YES if (country in location.countries if country else location.unknown_country) else Truth.NO


def _in_ranges(ranges: tuple[Range, ...], address: str | None) -> Truth:
    if address is None:
        return Truth.UNKNOWN
    parsed = ip_address(address)
    number = int(parsed)
    holds = any(version == parsed.version and first <= number <= last for version, first, last in ranges)
    return Truth.YES if holds else Truth.NO


def located(locations: Locations | Unread | None, place: Place) -> Answer:
    """Answer whether the condition on locations applies at a place; without a condition it does everywhere."""
    if locations is None:
        return YES
    if isinstance(locations, Unread):
        return unknown(locations.because)
    return by_lists(
        locations.include_locations,
        locations.exclude_locations,
        lambda listed, whole: _listed(listed, place, whole=whole),
        what="locations",
        everything="All",
    )


def _listed(listed: frozenset[str], place: Place, *, whole: Answer) -> Answer:
    ids = listed - {_ALL, _ALL_TRUSTED}
    if not ids.isdisjoint(place.inside):
        return YES
    unsure = ids - place.outside
    return some(
        (
            whole if _ALL in listed else NO,
            place.trusted if _ALL_TRUSTED in listed else NO,
            unknown(f"whether the network is in location {', '.join(sorted(unsure))}") if unsure else NO,
        )
    )
