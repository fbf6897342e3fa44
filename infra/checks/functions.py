"""Bicep's functions and operators, those that the checks can work out themselves."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final


class Unknown:
    """What only a deployment knows."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()
UNKNOWN_PLACE: Final = Unknown()
"""The number of a loop's round, when it can't be told how many there are."""


type Value = Any
"""A text, number, flag, None, list or dict, or UNKNOWN; lists and dicts may hold UNKNOWN."""

_ENVIRONMENT: Final[Mapping[str, Value]] = {
    "resourceManager": "https://management.azure.com/",
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
}
"""What environment() gives in the public cloud."""


def _both(left: Value, right: Value) -> Value:
    return left and right


def _one(left: Value, right: Value) -> Value:
    return left or right


def _quotient(left: int, right: int) -> int:
    return left // right


OPERATORS: Final[Mapping[str, Callable[..., Value]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "&&": _both,
    "||": _one,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "!": operator.not_,
}


def _concat(first: Value, *others: Value) -> Value:
    for one in others:
        first = first + one
    return first


def _empty(value: Value) -> bool:
    return not value


def _environment() -> Value:
    return dict(_ENVIRONMENT)


def _items(value: dict[str, Value]) -> Value:
    return [{"key": key, "value": one} for key, one in value.items()]


def _join(parts: list[Value], separator: str) -> Value:
    return UNKNOWN if any(isinstance(part, Unknown) for part in parts) else separator.join(parts)


def _union(first: Value, *others: Value) -> Value:
    made: Value = type(first)(first)
    for one in others:
        if isinstance(one, dict):
            made |= one
        else:
            made += [item for item in one if item not in made]
    return made


def _range(start: int, count: int) -> Value:
    return list(range(start, start + count))


def _skip(value: Value, count: int) -> Value:
    return value[count:]


def _take(value: Value, count: int) -> Value:
    return value[:count]


def _role_id(kind: str, name: str) -> str:
    return f"{kind}/{name}"


FUNCTIONS: Final[Mapping[str, Callable[..., Value]]] = {
    "concat": _concat,
    "empty": _empty,
    "environment": _environment,
    "items": _items,
    "join": _join,
    "length": len,
    "range": _range,
    "replace": str.replace,
    "skip": _skip,
    "split": str.split,
    "string": str,
    "subscriptionResourceId": _role_id,
    "take": _take,
    "toLower": str.lower,
    "union": _union,
}
