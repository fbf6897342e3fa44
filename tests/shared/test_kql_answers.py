"""The same rows, asked in Kusto (which DuckDB executes) and read by the app: both must find the same ones.

One thing is put otherwise for DuckDB: Kusto's text columns are never null, so a missing text is stored as "".
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_VOCABULARY
from responders.detections.samples import audit_record
from shared.catalog import AnyDetection
from shared.conditions import Audit, Condition, Not, Text, all_of, any_of, holds
from shared.events import fold
from shared.kql import query, to_kql
from shared.match import Matcher
from shared.normalize import read_batch
from tests.shared.kql_rows import TABLES, Json, row_of, rows, table_of
from tests.shared.record_strategies import audit_row, everything

if os.environ.get("CI"):
    import duckdb_kql  # pyright: ignore[reportMissingImports]
else:
    duckdb_kql = pytest.importorskip("duckdb_kql", reason="`make setup` installs it")

kql: Any = duckdb_kql  # it has no stubs that pyright would find without it

_TYPES: Final = {
    "string": "VARCHAR DEFAULT ''",
    "dynamic": "JSON",
    "datetime": "TIMESTAMP",
    "long": "BIGINT",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
}


class Workspace:
    """The tables of a Log Analytics workspace, in DuckDB."""

    def __init__(self) -> None:
        self._connection = kql.connect()
        for name, columns in TABLES.items():
            typed = ", ".join(f'"{column}" {_TYPES[kind]}' for column, kind in columns.items())
            self._connection.execute(f'CREATE TABLE "{name}" ({typed})')

    def fill(self, rows: Sequence[Json]) -> None:
        """Put `rows` in place of whatever there was; each gets its place among them for an id."""
        by_table: dict[str, list[Json]] = {}
        for place, row in enumerate(rows):
            by_table.setdefault(table_of(row), []).append(row | {"CorrelationId": str(place), "Id": str(place)})
        for table, columns in TABLES.items():
            self._connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - the names are ours
            if table in by_table:
                self._insert(table, columns, by_table[table])

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
        answer = self._connection.execute(sql)
        names = [column[0] for column in answer.description]
        return {int(row[names.index("correlation_id")]): str(row[names.index(name)]) for row in answer.fetchall()}

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


def matched_in_process(detection: AnyDetection, rows: Sequence[Json]) -> set[int]:
    readings = list(read_batch(json.dumps(rows).encode(), tenant_id="", interest=everything))
    assert [reading.unreadable for reading in readings] == [""] * len(rows)
    matcher = Matcher([detection], SAMPLE_VOCABULARY)
    events = [(reading.index, reading.event) for reading in readings if reading.event is not None]
    return {place for place, event in events if matcher.matches(event)}


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


def sql_of(detection: AnyDetection) -> str:
    columns = {name: list(columns) for name, columns in TABLES.items()}
    return str(kql.to_sql(query(detection, SAMPLE_VOCABULARY), schema=columns))


@pytest.mark.parametrize("detection", CATALOGUE, ids=lambda one: one.id)
def test_a_query_finds_the_hits_and_not_the_misses(workspace: Workspace, detection: AnyDetection) -> None:
    workspace.fill([row_of(record) for record in (*detection.hits, *detection.misses)])
    assert workspace.found(sql_of(detection)) == set(range(len(detection.hits)))


@pytest.mark.parametrize("detection", CATALOGUE, ids=lambda one: one.id)
def test_a_query_finds_what_the_app_finds(workspace: Workspace, detection: AnyDetection) -> None:
    sql = sql_of(detection)

    @settings(max_examples=3)
    @given(st.lists(rows(detection), min_size=20, max_size=40))
    def agree(drawn: list[Json]) -> None:
        workspace.fill(drawn)
        assert workspace.found(sql) == matched_in_process(detection, drawn)

    agree()


_SPACES: Final = [chr(code) for code in range(0x110000) if chr(code).isspace()]
_DASHES: Final = list("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
_NAMES: Final = [
    *(f"{one}Reset {one}{one} password {one}" for one in _SPACES),
    *(f"Update application {one} Certificates" for one in _DASHES),
    "x" * 499 + " yz",
    "x " * 400,
    "",
]


def test_names_are_folded_alike(workspace: Workspace) -> None:
    workspace.fill([audit_row(audit_record(name)) for name in _NAMES])
    detection = dataclasses.replace(CATALOGUE[0], when=Not(Audit.activity.is_("no such activity")))
    assert workspace.column(sql_of(detection), "activity") == dict(enumerate(map(fold, _NAMES)))


COLOUR: Final[Text[Json]] = Text("colour", lambda thing: thing["colour"])
SIZE: Final[Text[Json]] = Text("size", lambda thing: thing["size"])

_words = st.sampled_from(
    ("", "red", "redder", "dark-red", 'a "b"', "back\\slash", "it's", "*", "%", "r_d", "straße", "🜁")
)


_KINDS: Final = ("is", "one of", "starts with", "ends with", "contains")


def _leaf(field: Text[Json], kind: str, one: str, other: str) -> Condition[Json]:
    if kind == "is":
        return field.is_(one)
    if kind == "one of":
        return field.one_of(one, other)
    if kind == "ends with":
        return field.ends_with(one)
    return field.contains(one) if kind == "contains" else field.starts_with(one)


_conditions: st.SearchStrategy[Condition[Json]] = st.recursive(
    st.builds(_leaf, st.sampled_from((COLOUR, SIZE)), st.sampled_from(_KINDS), _words, _words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda terms: all_of(*terms)),
        st.lists(inner, max_size=3).map(lambda terms: any_of(*terms)),
        inner.map(Not),
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(condition=_conditions, colour=_words, size=_words)
def test_any_tree_holds_in_both(workspace: Workspace, condition: Condition[Json], colour: str, size: str) -> None:
    thing = {"colour": colour, "size": size}
    assert workspace.is_true(to_kql(condition), **thing) is holds(condition, thing)
