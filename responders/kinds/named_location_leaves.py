"""Named locations as leaves: how they are split, compared, and written again as JSON.

Address ranges and countries are sets. What is off or as Graph sets it by itself is not there: reads print it, records
leave it out. Graph tells ranges and locations apart by their types, which records leave out too; both follow from what
they hold.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import msgspec

from responders.kinds.json_leaves import Shape, cleared, joined, member
from shared.model.kinds import Image, Json
from shared.model.objects import EXISTS, Leaves, list_of

TRUSTED: Final = "isTrusted"
NAME: Final = "displayName"

_TYPE: Final = "@odata.type"
_RANGES: Final = "ipRanges"
_COUNTRIES: Final = "countriesAndRegions"
_LOOKUP: Final = "countryLookupMethod"
_UNKNOWN: Final = "includeUnknownCountriesAndRegions"
_BY_ADDRESS: Final = "clientIpAddress"
_FLAGS: Final = frozenset({TRUSTED, _UNKNOWN})

_IP: Final = "#microsoft.graph.ipNamedLocation"
_COUNTRY: Final = "#microsoft.graph.countryNamedLocation"
_RANGE_TYPES: Final = {4: "#microsoft.graph.iPv4CidrRange", 6: "#microsoft.graph.iPv6CidrRange"}

SHAPE: Final = Shape(
    left_out=frozenset({"id", "createdDateTime", "modifiedDateTime", "deletedDateTime", _RANGES}),
    free_texts=frozenset({NAME}),
    words={word.lower(): word for word in (_BY_ADDRESS, "authenticatorAppGps")},
)

KNOWN: Final = frozenset({NAME, TRUSTED, _COUNTRIES, _LOOKUP, _UNKNOWN, *SHAPE.left_out})
"""Names at the top of a location."""


def leaves(location: Image) -> dict[str, Json]:
    """Split a location. A range that isn't understood is a member as it stands."""
    plain = {name: value for name, value in location.items() if value is not False}
    if isinstance(plain.get(_COUNTRIES), list):
        plain[_COUNTRIES] = [str(each).strip().upper() for each in cast("list[Any]", plain[_COUNTRIES])]
    if str(plain.get(_LOOKUP)).lower() == _BY_ADDRESS.lower():
        del plain[_LOOKUP]
    return SHAPE.split(plain) | dict(_ranges(location.get(_RANGES)))


def is_readable(location: Image) -> bool:
    """Say whether a location has what makes it one, with ranges that are all understood."""
    ranges = location.get(_RANGES)
    if isinstance(ranges, list):
        return all(_cidr(each) is not None for each in cast("list[Any]", ranges))
    return ranges is None and isinstance(location.get(_COUNTRIES), list)


def _ranges(ranges: object) -> Iterator[tuple[str, Json]]:
    for each in cast("list[Json]", ranges) if isinstance(ranges, list) else []:
        cidr = _cidr(each)
        text = cidr or msgspec.json.encode(each, order="sorted").decode()
        yield member(_RANGES, text), cidr or each


def _cidr(found: Json) -> str | None:
    """Give a range in the one spelling that its addresses have; None where it isn't understood."""
    text = found.get("cidrAddress") if isinstance(found, dict) else found
    try:
        return str(ipaddress.ip_network(str(text).strip(), strict=False)) if isinstance(text, str) else None
    except ValueError:
        return None


def is_joint(leaf: str) -> bool:
    """Whether a leaf is of existence or trust."""
    return leaf in {EXISTS, TRUSTED}


# Writing.


def type_of(values: Leaves) -> str:
    """Give the type that a location with these leaves has; "" where it follows from none of them."""
    for leaf in values:
        if leaf == TRUSTED or list_of(leaf) == _RANGES:
            return _IP
        if leaf in {_LOOKUP, _UNKNOWN} or list_of(leaf) == _COUNTRIES:
            return _COUNTRY
    return ""


def change_body(names: Iterable[str], target: Leaves, standing: Image) -> Image:
    """Write the body that makes a location's properties `names` as in `target`. Graph asks for the type each time."""
    wanted, there = _joined(target), _joined(leaves(standing))
    body = {name: _value(name, wanted.get(name), there.get(name)) for name in sorted(set(names) - {EXISTS})}
    return {_TYPE: standing.get(_TYPE) or type_of({**leaves(standing), **target})} | body


def new_body(target: Leaves) -> Image:
    """Write the body that makes a location like `target`, but isn't trusted yet."""
    kind = type_of(target)
    wanted = _joined(target)
    if kind == _IP:
        return {_TYPE: kind, **wanted, TRUSTED: False}
    return {_TYPE: kind, **wanted, _LOOKUP: wanted.get(_LOOKUP, _BY_ADDRESS), _UNKNOWN: wanted.get(_UNKNOWN, False)}


def as_image(object_id: str, values: Leaves, standing: Image | None) -> Image:
    """Give a location as Graph will give it, as far as it decides about sign-ins."""
    kind = (standing or {}).get(_TYPE) or type_of(values)
    return {_TYPE: kind, "id": object_id, **_joined(values)}


def _joined(values: Leaves) -> Image:
    image = joined(values)
    if _RANGES in image:
        image[_RANGES] = [_range(each) for each in image[_RANGES]]
    return image


def _range(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    return {_TYPE: _RANGE_TYPES[ipaddress.ip_network(value).version], "cidrAddress": value}


def _value(name: str, wanted: Json, standing: Json) -> Json:
    if wanted is None and name in _FLAGS:
        return False
    if wanted is None and name == _LOOKUP:
        return _BY_ADDRESS
    return cleared(wanted, standing)
