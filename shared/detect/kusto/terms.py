"""What fields in Kusto are written with: literals, lists, and the two kinds of a field's telling."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Final

from msgspec import Struct

from shared.model.profile import TenantProfile

SPACES: Final = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"
"""Python's idea of a space, spelt out: regular expressions differ in theirs."""

TENANT: Final = "tolower(AADTenantId)"


class Looked(Struct, frozen=True, kw_only=True):
    """A field that takes more than an expression over one row.

    `rows` is a query that gives at most one row for each record's Id; `steps` are columns made of the record's own, in
    the order in which they're needed. `value` is the field, over the record's own columns, these and those of `rows`,
    which are null or "" for a record that it has nothing of.
    """

    value: str
    rows: str = ""
    steps: Mapping[str, str] = {}


type Expression = str | Looked
type Field = Callable[[TenantProfile], Expression]


def quoted(text: str) -> str:
    """Write a text as a Kusto literal, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def among(column: str, words: Collection[str]) -> str:
    """Ask whether a column is one of several texts."""
    return f"{column} in ({', '.join(map(quoted, sorted(words)))})" if words else "false"


def same(expression: Expression) -> Field:
    """Give a field that asks nothing of the vocabulary."""
    return lambda _: expression


def tenant(profile: TenantProfile) -> str:
    """Write whether the tenant may hold consumer accounts."""
    tenants = profile.consumer_tenants
    return '"consumer"' if tenants is None else f'iff({among(TENANT, tenants)}, "consumer", "other")'
