"""A Log Analytics workspace in DuckDB, for queries in Kusto that duckdb-kql translates.

Kusto's text columns are never null, so a missing text is stored as "". What duckdb-kql can't translate is told to it:
local time, by DuckDB's own, and addresses, which are read when the tables are filled. It gives null for what isn't
JSON, where Kusto's `parse_json` gives the text itself
(https://learn.microsoft.com/kusto/query/parse-json-function), so it is told that too.
"""

import contextlib
import importlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any, Final

import pytest

from shared.model.events import fold
from tests.fakes.kql_rows import TABLES, Json, table_of

if os.environ.get("CI"):
    import duckdb_kql  # pyright: ignore[reportMissingImports]
else:
    duckdb_kql = pytest.importorskip("duckdb_kql", reason="`make setup` installs it")

kql: Any = duckdb_kql  # it has no stubs that pyright would find without it
_functions: Any = importlib.import_module("duckdb_kql.translate.functions")
_OURS: Final = {
    "parse_json": "coalesce(TRY_CAST({0} AS JSON), to_json({0}))",
    "datetime_utc_to_local": "timezone({1}, timezone('UTC', {0}))",
    "number_of": "coalesce((SELECT number FROM addresses WHERE text = {0}), '')",
    "is_between": "EXISTS (SELECT 1 FROM addresses WHERE text = {0} AND number BETWEEN {1} AND {2})",
}
for _name, _sql in _OURS.items():
    _arity = len(set(re.findall(r"\{\d\}", _sql)))
    _functions.SCALAR_FUNCTIONS[_name] = _functions.FunctionSpec(_name, "template", _sql, (_arity,))

_TYPES: Final = {
    "string": "VARCHAR DEFAULT ''",
    "dynamic": "JSON",
    "datetime": "TIMESTAMP",
    "long": "BIGINT",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
}


_IN_RANGES: Final = re.compile(r"ipv[46]_is_in_any_range\(([^,]+), ([^)]+)\)")


@cache
def to_sql(query: str) -> str:
    """Translate a query, over the columns that the tables have; it takes longer than to run one."""
    columns = {name: list(columns) for name, columns in TABLES.items()}
    known = _IN_RANGES.sub(_in_ranges, query).replace("parse_ipv6(", "number_of(")
    return str(kql.to_sql(known, schema=columns))


def _in_ranges(found: re.Match[str]) -> str:
    ranges = map(ip_network, json.loads(f"[{found[2]}]"))
    between = (f'is_between({found[1]}, "{_number(one[0])}", "{_number(one[-1])}")' for one in ranges)
    return f"({' or '.join(between)})"


def _number(address: IPv4Address | IPv6Address) -> str:
    """Give an address as Kusto compares it: one of version 4 as it is written in version 6."""
    return f"{int(address) + (0xFFFF << 32 if isinstance(address, IPv4Address) else 0):032x}"


def _addresses(rows: Sequence[Json]) -> list[tuple[str, str]]:
    """Read what `rows` have for addresses; Kusto reads networks as well."""
    read: list[tuple[str, str]] = []
    for text in {fold(row.get("IPAddress") or "") for row in rows}:
        with contextlib.suppress(ValueError):
            read.append((text, _number(ip_network(text, strict=False)[0])))
    return read


class Workspace:
    """The tables of a Log Analytics workspace, in DuckDB."""

    def __init__(self) -> None:
        self._connection = kql.connect()
        self._connection.execute("SET threads = 1")  # a few rows each time: more threads only wait for each other
        for name, columns in TABLES.items():
            typed = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in columns.items())
            self._connection.execute(f'CREATE TABLE "{name}" ({typed})')
        self._connection.execute("CREATE TABLE addresses (text VARCHAR, number VARCHAR)")

    def fill(self, rows: Sequence[Json]) -> None:
        """Put `rows` in place of whatever there was; each gets its place among them for an id."""
        self.put([row | {"CorrelationId": str(place), "Id": str(place)} for place, row in enumerate(rows)])

    def put(self, rows: Sequence[Json]) -> None:
        """Put `rows`, which have ids of their own, in place of whatever there was."""
        by_table: dict[str, list[Json]] = {}
        for row in rows:
            by_table.setdefault(table_of(row), []).append(row)
        for table, columns in TABLES.items():
            self._connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - the names are ours
            if table in by_table:
                self._insert(table, columns, by_table[table])
        self._connection.execute("DELETE FROM addresses")
        for read in _addresses(rows):
            self._connection.execute("INSERT INTO addresses VALUES (?, ?)", read)

    def _insert(self, table: str, columns: Mapping[str, str], rows: Sequence[Json]) -> None:
        names = sorted(columns.keys() & set().union(*rows))
        marks = f"({', '.join('?' * len(names))})"
        listed = ", ".join(f'"{name}"' for name in names)
        statement = f'INSERT INTO "{table}" ({listed}) VALUES {", ".join([marks] * len(rows))}'  # noqa: S608 - ours
        cells = [_cell(row.get(name), columns[name]) for row in rows for name in names]
        self._connection.execute(statement, cells)

    def found(self, sql: str) -> set[int]:
        """Run a translated query and give the places of the rows that it finds."""
        return set(self.column(sql, "correlation_id"))

    def column(self, sql: str, name: str) -> dict[int, str]:
        """Run a translated query and give what one of its columns says of each row, by the row's place."""
        return {place: str(answer[name]) for place, answer in self.answers(sql).items()}

    def answers(self, sql: str) -> dict[int, Json]:
        """Run a translated query and give the answer on each row, by the row's place."""
        return {int(row["correlation_id"]): row for row in self.answered(sql)}

    def answered(self, sql: str) -> list[Json]:
        """Run a translated query and give its rows, by the names of their columns."""
        answer = self._connection.execute(sql)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def is_true(self, condition: str, **columns: str) -> bool:
        """Say whether a Kusto expression holds for one row of texts."""
        row = ", ".join(f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in columns.items())
        return bool(kql.kql(self._connection, f"print {row} | where {condition}").fetchall())


def _cell(value: object, kind: str) -> object:
    if kind == "datetime" and value is not None:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    if isinstance(value, dict | list):
        return json.dumps(value)
    if kind == "string":
        return "" if value is None else str(value)
    return value
