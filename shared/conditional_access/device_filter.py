"""The filter for devices: reads its rule and judges a device by it (Conditional Access: Filter for devices)."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from shared.conditional_access.sections import Unread
from shared.conditional_access.truth import YES, Answer, Truth, every, opposite, some, unknown, yes_if

type Value = str | bool | tuple[str, ...] | None

_TOKEN: Final = re.compile(r'\s*(?:([()\[\],])|-([a-z]+)|device\.([a-z0-9]+)|"([^"]*)"|(true|false|null)\b)')
_NEGATIVE: Final = {
    "ne": "eq",
    "notstartswith": "startswith",
    "notendswith": "endswith",
    "notcontains": "contains",
    "notin": "in",
}
_POSITIVE: Final = frozenset(_NEGATIVE.values())
_LONGEST: Final = 3072
_DEEPEST: Final = 50


class DeviceFilter(Struct, frozen=True):
    """A rule, and whether devices that meet it are included or excluded."""

    mode: str = ""
    rule: str = ""


class Devices(Struct, frozen=True, rename="camel"):
    """The condition on devices."""

    device_filter: DeviceFilter | None = None
    include_devices: frozenset[str] = frozenset()
    exclude_devices: frozenset[str] = frozenset()


class Device(Struct, frozen=True, kw_only=True):
    """A device; one that isn't registered has no attribute. Names and values are in lower case."""

    registered: Truth = Truth.NO
    attributes: Mapping[str, Value] = {}
    """Those that were read; None for one that is known to be empty."""


class _Unparsable(ValueError):
    """The rule isn't one that is understood."""


def filtered(devices: Devices | Unread | None, device: Device) -> Answer:
    """Answer whether the condition on devices lets the policy apply; without one it does."""
    if devices is None:
        return YES
    if isinstance(devices, Unread):
        return unknown(devices.because)
    if devices.include_devices or devices.exclude_devices:
        return unknown("what a list of kinds of devices means, which a filter replaces")
    return YES if devices.device_filter is None else _let_through(devices.device_filter, device)


def _let_through(device_filter: DeviceFilter, device: Device) -> Answer:
    met = _judge(device_filter.rule, device)
    if device_filter.mode == "include":
        return met
    if device_filter.mode != "exclude":
        return unknown("the mode of the device filter")
    if met.truth is Truth.YES and device.registered is Truth.NO:
        return unknown("whether excluding devices excludes one that isn't registered")  # was measured otherwise
    return opposite(met)


def _judge(rule: str, device: Device) -> Answer:
    try:
        rest = list(_tokens(rule.lower()))
        judged = _alternatives(rest, device, 0)
    except (_Unparsable, IndexError):
        return unknown("a device filter that can't be understood")
    return unknown("a device filter that can't be understood") if rest else judged


def _tokens(rule: str) -> Iterator[tuple[str, str]]:
    if len(rule) > _LONGEST:
        raise _Unparsable
    at, rule = 0, rule.rstrip()
    while at < len(rule):
        found = _TOKEN.match(rule, at)
        if found is None or found.lastindex is None:
            raise _Unparsable
        yield ("", "sign", "word", "attribute", "text", "constant")[found.lastindex], found[found.lastindex]
        at = found.end()


def _alternatives(rest: list[tuple[str, str]], device: Device, depth: int) -> Answer:
    return _chain(rest, device, depth, word="or", one=_conjunction, join=some)


def _conjunction(rest: list[tuple[str, str]], device: Device, depth: int) -> Answer:
    return _chain(rest, device, depth, word="and", one=_term, join=every)


def _chain(
    rest: list[tuple[str, str]],
    device: Device,
    depth: int,
    *,
    word: str,
    one: Callable[[list[tuple[str, str]], Device, int], Answer],
    join: Callable[[list[Answer]], Answer],
) -> Answer:
    judged = [one(rest, device, depth)]
    while rest and rest[0] == ("word", word):
        rest.pop(0)
        judged.append(one(rest, device, depth))
    return join(judged)


def _term(rest: list[tuple[str, str]], device: Device, depth: int) -> Answer:
    if depth > _DEEPEST:
        raise _Unparsable
    kind, text = rest.pop(0)
    if (kind, text) == ("word", "not"):
        judged = _term(rest, device, depth + 1)
        if device.registered is not Truth.YES:
            return unknown("what -not gives for a device without attributes")
        return opposite(judged)
    if (kind, text) == ("sign", "("):
        judged = _alternatives(rest, device, depth + 1)
        if rest.pop(0) != ("sign", ")"):
            raise _Unparsable
        return judged
    if kind != "attribute":
        raise _Unparsable
    return _comparison(text, rest, device)


def _comparison(name: str, rest: list[tuple[str, str]], device: Device) -> Answer:
    kind, operator = rest.pop(0)
    values = _values(rest)
    positive = _NEGATIVE.get(operator, operator)
    if kind != "word" or positive not in _POSITIVE:
        raise _Unparsable
    if "null" in values:
        return unknown("what comparing with null gives")
    held = _held(name, device)
    if held is None:
        return unknown(f"the device's {name}")
    if positive == "contains" and isinstance(device.attributes.get(name), tuple):
        positive = "in"  # of a collection, whole texts are compared
    met = any(_compare(positive, each, values) for each in held)
    return yes_if(met == (operator in _POSITIVE))


def _held(name: str, device: Device) -> tuple[str, ...] | None:
    """Give the values of an attribute, none where it is empty; None where it isn't known."""
    if device.registered is Truth.NO:
        return ()
    if device.registered is Truth.UNKNOWN or name not in device.attributes:
        return None
    value = device.attributes[name]
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value).lower(),)


def _values(rest: list[tuple[str, str]]) -> tuple[str, ...]:
    kind, text = rest.pop(0)
    if kind in {"text", "constant"}:
        return (text,)
    if (kind, text) != ("sign", "["):
        raise _Unparsable
    values: list[str] = []
    while True:
        kind, text = rest.pop(0)
        if kind == "text":
            values.append(text)
        elif (kind, text) == ("sign", "]"):
            return tuple(values)
        elif (kind, text) != ("sign", ","):
            raise _Unparsable


def _compare(operator: str, held: str, values: tuple[str, ...]) -> bool:
    match operator:
        case "startswith":
            return held.startswith(values[0])
        case "endswith":
            return held.endswith(values[0])
        case "contains":
            return values[0] in held
        case _:
            return held in values
