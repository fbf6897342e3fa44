"""The query options of `directoryAudits` and `signIns`, as far as the real service takes them here."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import ge, gt, le, lt
from typing import cast

from infra.local.tenant.api_error import bad_request
from infra.local.tenant.bodies import as_object
from infra.local.tenant.instants import parse_instant

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {"ge": ge, "gt": gt, "le": le, "lt": lt}
_OPTIONS = frozenset({"$filter", "$top", "$orderby", "$skiptoken"})
_LARGEST_PAGE = 1000
_END_OF_TIME = 2**63

_ABOUT = re.compile(r"([\w/]+) eq '((?:[^']|'')*)'")
_OF_A_TARGET = re.compile(r"targetResources/any\(t: t/id eq '([\w-]+)'\)")
_ANY_TARGET = "targetResources/id"
"""How what `_OF_A_TARGET` asks for is named here."""

_TYPE = r"t eq '(\w+)'"
_TYPES = re.compile(rf"signInEventTypes/any\(t: {_TYPE}(?: or {_TYPE})*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogShape:
    """What differs between the logs.

    `path` is the collection's, `time` the property with a record's instant, `page` the size of a page when none is
    asked for. `types` are of the sign-ins that are shown unasked; none for a log whose records have no types. Whether
    others can be asked for is said by `has_types`.
    """

    path: str
    time: str
    page: int
    types: frozenset[str] = frozenset()
    has_types: bool = False
    about: frozenset[str] = frozenset()
    """The properties that a filter may ask for one value of."""


DIRECTORY_AUDITS = LogShape(
    path="auditLogs/directoryAudits",
    time="activityDateTime",
    page=100,
    about=frozenset(
        {
            "initiatedBy/user/id",
            "initiatedBy/app/appId",
            "initiatedBy/app/displayName",
            "loggedByService",
            "activityDisplayName",
        }
    ),
)
SIGN_INS = LogShape(
    path="auditLogs/signIns",
    time="createdDateTime",
    page=1000,
    types=frozenset({"interactiveUser"}),
    has_types=True,
    about=frozenset({"userId", "servicePrincipalId"}),
)
SIGN_INS_V1 = replace(SIGN_INS, has_types=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """`after` is where the last page ended: (ticks, place in the log) of its last record."""

    bounds: tuple[tuple[str, int], ...]
    types: frozenset[str]
    top: int
    ascending: bool
    after: tuple[int, int] | None
    about: tuple[tuple[str, str], ...] = ()

    def span(self) -> tuple[int, int]:
        """Give the first and the last instant (ticks) that can pass the filter, so that the rest needn't be looked at.

        A page that goes on starts where the last one ended.
        """
        earliest = max((bound for comparison, bound in self.bounds if comparison[0] == "g"), default=0)
        latest = min((bound for comparison, bound in self.bounds if comparison[0] == "l"), default=_END_OF_TIME)
        if self.after is None:
            return earliest, latest
        return (self.after[0], latest) if self.ascending else (earliest, self.after[0])

    def keeps(self, at: int, types: frozenset[str]) -> bool:
        """Say whether a record of this instant and these types of sign-in passes the filter."""
        if self.types and self.types.isdisjoint(types):
            return False
        return all(_COMPARISONS[comparison](at, bound) for comparison, bound in self.bounds)

    def is_about(self, text: bytes) -> bool:
        """Say whether a record, as JSON, has the values that are asked for."""
        return not self.about or all(_has(json.loads(text), name, value) for name, value in self.about)

    def comes_next(self, place: tuple[int, int]) -> bool:
        """Say whether a record at `place` (ticks, place in the log) lies behind where the last page ended."""
        if self.after is None:
            return True
        return place > self.after if self.ascending else place < self.after

    def skiptoken(self, after: tuple[int, int]) -> str:
        """Write the token of the page that starts behind `after`."""
        token = json.dumps([self.bounds, sorted(self.types), self.top, self.ascending, after, self.about])
        return base64.urlsafe_b64encode(token.encode()).decode()


def parse_query(options: Mapping[str, str], shape: LogShape) -> RecordQuery:
    """Read the query; raises ApiError 400 for what can't be read. A `$skiptoken` carries all the other options."""
    if unknown := sorted(options.keys() - _OPTIONS):
        raise bad_request(f"Query option '{unknown[0]}' was not recognized.")
    if "$skiptoken" in options:
        return _from_skiptoken(options["$skiptoken"])
    clauses = re.split(r"\s+and\s+", options["$filter"].strip()) if "$filter" in options else []
    about = {clause: found for clause in clauses if (found := _about(clause, shape))}
    times = [clause for clause in clauses if clause not in about and not _is_about_types(clause, shape)]
    return RecordQuery(
        bounds=_bounds(times, shape),
        about=tuple(about.values()),
        types=_types(clauses, shape),
        top=_top(options.get("$top"), shape),
        ascending=_ascending(options.get("$orderby"), shape),
        after=None,
    )


def _about(clause: str, shape: LogShape) -> tuple[str, str] | None:
    """Read a clause that asks for one value of a property; None for another clause."""
    if shape is DIRECTORY_AUDITS and (of_a_target := _OF_A_TARGET.fullmatch(clause)):
        return _ANY_TARGET, of_a_target[1]
    found = _ABOUT.fullmatch(clause)
    return (found[1], found[2].replace("''", "'")) if found and found[1] in shape.about else None


def _has(record: object, name: str, value: str) -> bool:
    if name == _ANY_TARGET:
        return any(_value(target, "id") == value for target in _targets(record))
    return _value(record, name) == value


def _targets(record: object) -> list[object]:
    found = (as_object(record) or {}).get("targetResources")
    return cast("list[object]", found) if isinstance(found, list) else []


def _value(record: object, name: str) -> object:
    for part in name.split("/"):
        record = (as_object(record) or {}).get(part)
    return record


def _is_about_types(clause: str, shape: LogShape) -> bool:
    return shape.has_types and _TYPES.fullmatch(clause) is not None


def _types(clauses: list[str], shape: LogShape) -> frozenset[str]:
    """Give the types that are asked for; unasked, those that are shown anyway."""
    asked = [re.findall(_TYPE, clause) for clause in clauses if _is_about_types(clause, shape)]
    return frozenset(name for names in asked for name in names) if asked else shape.types


def _bounds(clauses: list[str], shape: LogShape) -> tuple[tuple[str, int], ...]:
    try:
        return tuple(_bound(clause, shape) for clause in clauses)
    except ValueError as error:
        raise bad_request(f"Invalid filter clause: {error}.") from error


def _bound(clause: str, shape: LogShape) -> tuple[str, int]:
    found = re.fullmatch(rf"{shape.time} (ge|gt|le|lt) (\S+)", clause)
    if found is None:
        raise ValueError(f"{clause!r} (only {shape.time} ge, gt, le and lt, joined by and, are played here)")
    return found[1], parse_instant(found[2])


def _top(text: str | None, shape: LogShape) -> int:
    if text is None:
        return shape.page
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {_LARGEST_PAGE} inclusive.")
    return int(text)


def _ascending(text: str | None, shape: LogShape) -> bool:
    match (text or f"{shape.time} desc").split():
        case [shape.time] | [shape.time, "asc"]:
            return True
        case [shape.time, "desc"]:
            return False
        case _:
            raise bad_request(f"Ordering by '{text}' is not supported.")


def _from_skiptoken(token: str) -> RecordQuery:
    try:
        bounds, types, top, ascending, after, about = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise bad_request("Skip token is not valid.") from error
    return RecordQuery(
        bounds=tuple((comparison, at) for comparison, at in bounds),
        types=frozenset(types),
        top=top,
        ascending=ascending,
        after=(after[0], after[1]),
        about=tuple((name, value) for name, value in about),
    )
