"""The networks that conditions on locations can distinguish: one for each set of named locations that hold together."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import product
from typing import Final

from msgspec import Struct

from shared.conditional_access.locations import MFA_TRUSTED_IPS, NamedLocation, Network, Range
from shared.conditional_access.sign_in import Tenant
from shared.conditional_access.truth import Truth

_VERSIONS: Final = {4: (IPv4Address, 2**32), 6: (IPv6Address, 2**128)}
_UNLISTED_COUNTRY: Final = "zz"
_MOST: Final = 4096

type _Holders = frozenset[tuple[int, str]]
"""The locations that hold an address or country: the tenant's place in the list, and the location's id."""


class Networks(Struct, frozen=True, kw_only=True):
    """For each tenant the same networks in the same order; not `complete` where there were too many to list."""

    by_tenant: tuple[tuple[Network, ...], ...]
    complete: bool


def networks_of(tenants: Sequence[Tenant]) -> Networks:
    """List the networks, for all tenants given (a tenant before and after a change, say).

    A country doesn't follow from an address, so any address may be in any country. No country is proved by GPS.
    """
    addresses, countries = _addresses(tenants), _countries(tenants)
    places = [*product(addresses, countries)]
    complete = len(places) <= _MOST
    if not complete:
        elsewhere = [each for each in addresses if not addresses[each]][:1]
        places = [*product(elsewhere, countries), *product(addresses, countries[:2])][:_MOST]
    listed = [location for tenant in tenants for location in tenant.locations.values()]
    has_network = any(isinstance(each, NamedLocation) and each.is_network for each in listed)
    compliant = (Truth.NO, Truth.YES) if has_network else (Truth.NO,)
    return Networks(
        by_tenant=tuple(
            tuple(
                Network(address=address, country=country, compliant=each, in_mfa_trusted_ips=trusted)
                for (address, country), each in product(places, compliant)
                for trusted in _trusted(tenant, address, is_elsewhere=not addresses[address])
            )
            for tenant in tenants
        ),
        complete=complete,
    )


def _trusted(tenant: Tenant, address: str, *, is_elsewhere: bool) -> tuple[Truth, Truth]:
    """Say whether an address is one of MFA's trusted IPs; where they aren't known, some unlisted address isn't."""
    if tenant.mfa_trusted_ips is None:
        return (Truth.NO if is_elsewhere else Truth.UNKNOWN, Truth.UNKNOWN)
    parsed = ip_address(address)
    is_trusted = any(parsed in ip_network(each, strict=False) for each in tenant.mfa_trusted_ips)
    return (Truth.YES, Truth.YES) if is_trusted else (Truth.NO, Truth.NO)


def _addresses(tenants: Sequence[Tenant]) -> Mapping[str, _Holders]:
    """Give an address for each set of locations that some address is in."""
    found: dict[_Holders, str] = {}
    listed = [*_ranges(tenants)]
    for version, (make, size) in _VERSIONS.items():
        changes: dict[int, list[tuple[tuple[int, str], int]]] = {0: []}
        for holder, (of, first, last) in listed:
            if of == version:
                changes.setdefault(first, []).append((holder, 1))
                changes.setdefault(last + 1, []).append((holder, -1))
        holding = Counter[tuple[int, str]]()
        for at in sorted(changes):
            for holder, step in changes[at]:
                holding[holder] += step
            if at < size:
                found.setdefault(frozenset(+holding), str(make(at)))
    return {address: holders for holders, address in found.items()}


def _ranges(tenants: Sequence[Tenant]) -> Iterator[tuple[tuple[int, str], Range]]:
    for place, tenant in enumerate(tenants):
        for key, location in tenant.locations.items():
            if isinstance(location, NamedLocation):
                yield from (((place, key), each) for each in location.ranges)
        for cidr in tenant.mfa_trusted_ips or ():
            network = ip_network(cidr, strict=False)
            ends = int(network.network_address), int(network.broadcast_address)
            yield (place, MFA_TRUSTED_IPS), (network.version, *ends)


def _countries(tenants: Sequence[Tenant]) -> list[str]:
    """Give a country for each set of locations that some country is in, "" for an address without one."""
    holders: dict[str, set[tuple[int, str]]] = {_UNLISTED_COUNTRY: set(), "": set()}
    for place, tenant in enumerate(tenants):
        for key, location in tenant.locations.items():
            if isinstance(location, NamedLocation) and not location.by_gps:
                for country in location.countries:
                    holders.setdefault(country, set()).add((place, key))
                if location.unknown_country:
                    holders[""].add((place, key))
    return [*{frozenset(holding): country for country, holding in holders.items()}.values()]
