"""Route templates of HTTP triggers, as ASP.NET reads them: `orders/{id:int}/{part?}`, `files/{*path}`."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

type _Accepts = Callable[[str], bool]

_PARAMETER = re.compile(
    r"\{(?P<stars>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}:?()]+(?:\([^()]*\))?)*)(?P<optional>\??)\}"
)
_CONSTRAINT = re.compile(r":(?P<name>\w+)(?:\((?P<arguments>[^()]*)\))?")
_INT = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LITERAL, _CONSTRAINED, _FREE, _REST = range(4)


def _is_int(text: str) -> bool:
    return _INT.fullmatch(text) is not None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


_PLAIN: Mapping[str, _Accepts] = {
    "int": _is_int,
    "long": _is_int,
    "decimal": _is_number,
    "double": _is_number,
    "float": _is_number,
    "bool": lambda text: text.lower() in {"true", "false"},
    "alpha": lambda text: text.isascii() and text.isalpha(),
    "guid": lambda text: _GUID.fullmatch(text) is not None,
    "required": bool,
}
_OF_LENGTH = ("minlength", "maxlength", "length")
_OF_VALUE = ("min", "max", "range")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """What stands between two slashes of a template."""

    pattern: re.Pattern[str]
    accepts: Mapping[str, tuple[_Accepts, ...]]
    rank: int
    is_optional: bool = False
    rest_name: str | None = None

    def read(self, text: str) -> dict[str, str] | None:
        """Give the values of the parameters in it, None when it doesn't match."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        values = found.groupdict()
        fits = all(accepts(values[name]) for name, wanted in self.accepts.items() for accepts in wanted)
        return values if fits else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A template, ready to be matched."""

    template: str
    segments: tuple[_Segment, ...]

    @property
    def rank(self) -> tuple[int, ...]:
        """Order routes by this: literal parts come before constrained parameters, then free ones, then a rest."""
        return tuple(segment.rank for segment in self.segments)

    def read(self, path: str) -> dict[str, str] | None:
        """Give the values of the parameters if the (still percent-encoded) path matches, else None."""
        parts = [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []
        values: dict[str, str] = {}
        for place, segment in enumerate(self.segments):
            if segment.rest_name is not None:
                return values | {segment.rest_name: "/".join(parts[place:])}
            if place >= len(parts):
                return values if all(later.is_optional or later.rest_name for later in self.segments[place:]) else None
            read = segment.read(parts[place])
            if read is None:
                return None
            values |= read
        return values if len(parts) <= len(self.segments) else None


def route_from(template: str) -> Route:
    """Read a template.

    Raises:
        ValueError: it isn't one, or has a constraint that isn't played.
    """
    texts = [text for text in template.strip("/").split("/") if text]
    segments = tuple(_segment_from(text) for text in texts)
    for segment, text in zip(segments[:-1], texts, strict=False):
        if segment.is_optional or segment.rest_name is not None:
            raise ValueError(f"{text} must stand last")
    return Route(template=template, segments=segments)


def _segment_from(text: str) -> _Segment:
    parameters = list(_PARAMETER.finditer(text))
    literals = _PARAMETER.split(text)[:: _PARAMETER.groups + 1]
    if any("{" in literal or "}" in literal for literal in literals):
        raise ValueError(f"{text} isn't a part of a route: write {{name}}, {{name:constraint}}, {{name?}} or {{*name}}")
    if not parameters:
        return _Segment(pattern=re.compile(re.escape(text), re.IGNORECASE), accepts={}, rank=_LITERAL)
    first, is_whole = parameters[0], parameters[0][0] == text
    if not is_whole and any(parameter["optional"] or parameter["stars"] for parameter in parameters):
        raise ValueError(f"{text}: an optional parameter or a rest must be a whole part of the route")
    accepts = {parameter["name"]: _constraints_from(parameter["constraints"]) for parameter in parameters}
    if first["stars"]:
        return _Segment(pattern=re.compile(".*"), accepts=accepts, rank=_REST, rest_name=first["name"])
    pattern = re.escape(literals[0])
    for parameter, literal in zip(parameters, literals[1:], strict=True):
        pattern += f"(?P<{parameter['name']}>.+?){re.escape(literal)}"
    return _Segment(
        pattern=re.compile(pattern, re.IGNORECASE),
        accepts=accepts,
        rank=_CONSTRAINED if any(accepts.values()) or not is_whole else _FREE,
        is_optional=bool(first["optional"]),
    )


def _constraints_from(text: str) -> tuple[_Accepts, ...]:
    return tuple(_constraint_from(found["name"], found["arguments"]) for found in _CONSTRAINT.finditer(text))


def _constraint_from(name: str, arguments: str | None) -> _Accepts:
    if arguments is None and name in _PLAIN:
        return _PLAIN[name]
    numbers = [part.strip() for part in (arguments or "").split(",")]
    bounds = _bounds_from(name, [int(number) for number in numbers]) if all(map(_is_int, numbers)) else None
    if bounds is None:
        known = ", ".join((*_PLAIN, *_OF_LENGTH, *_OF_VALUE))
        raise ValueError(f"constraint {name}({arguments or ''}) isn't played; these are: {known}")
    least, most = bounds
    if name in _OF_VALUE:
        return lambda text: _is_int(text) and least <= int(text) <= most
    return lambda text: least <= len(text) <= most


def _bounds_from(name: str, numbers: list[int]) -> tuple[float, float] | None:
    match name, numbers:
        case (("minlength" | "min"), [least]):
            return least, math.inf
        case (("maxlength" | "max"), [most]):
            return -math.inf, most
        case "length", [exact]:
            return exact, exact
        case (("length" | "range"), [least, most]):
            return least, most
        case _:
            return None
