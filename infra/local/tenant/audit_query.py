"""The query options of `directoryAudits`, as far as the real service takes them here."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt

from infra.local.tenant.api_error import bad_request
from infra.local.tenant.instants import parse_instant

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {"ge": ge, "gt": gt, "le": le, "lt": lt}
_CLAUSE = re.compile(r"activityDateTime (ge|gt|le|lt) (\S+)")
_OPTIONS = frozenset({"$filter", "$top", "$orderby", "$skiptoken"})
_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """`after` is where the last page ended: (ticks, place in the log) of its last record."""

    bounds: tuple[tuple[str, int], ...]
    top: int
    ascending: bool
    after: tuple[int, int] | None

    def keeps(self, at: int) -> bool:
        """Say whether a record of this instant passes the filter."""
        return all(_COMPARISONS[comparison](at, bound) for comparison, bound in self.bounds)

    def skiptoken(self, after: tuple[int, int]) -> str:
        """Write the token of the page that starts behind `after`."""
        token = json.dumps([self.bounds, self.top, self.ascending, after])
        return base64.urlsafe_b64encode(token.encode()).decode()


def parse_audit_query(options: Mapping[str, str]) -> AuditQuery:
    """Read the query; raises ApiError 400 for what can't be read. A `$skiptoken` carries all the other options."""
    if unknown := sorted(options.keys() - _OPTIONS):
        raise bad_request(f"Query option '{unknown[0]}' was not recognized.")
    if "$skiptoken" in options:
        return _from_skiptoken(options["$skiptoken"])
    return AuditQuery(
        bounds=_bounds(options.get("$filter")),
        top=_top(options.get("$top")),
        ascending=_ascending(options.get("$orderby")),
        after=None,
    )


def _bounds(text: str | None) -> tuple[tuple[str, int], ...]:
    if text is None:
        return ()
    try:
        return tuple(_bound(clause) for clause in re.split(r"\s+and\s+", text.strip()))
    except ValueError as error:
        raise bad_request(f"Invalid filter clause: {error}.") from error


def _bound(clause: str) -> tuple[str, int]:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        raise ValueError(f"{clause!r} (only activityDateTime ge, gt, le and lt, joined by and, are played here)")
    return found[1], parse_instant(found[2])


def _top(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not text.isdecimal() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {_LARGEST_PAGE} inclusive.")
    return int(text)


def _ascending(text: str | None) -> bool:
    match (text or "activityDateTime desc").split():
        case ["activityDateTime"] | ["activityDateTime", "asc"]:
            return True
        case ["activityDateTime", "desc"]:
            return False
        case _:
            raise bad_request(f"Ordering by '{text}' is not supported.")


def _from_skiptoken(token: str) -> AuditQuery:
    try:
        bounds, top, ascending, after = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise bad_request("Skip token is not valid.") from error
    return AuditQuery(
        bounds=tuple((comparison, at) for comparison, at in bounds),
        top=top,
        ascending=ascending,
        after=(after[0], after[1]),
    )
