"""The queries of the alerts and the workbook, answered by DuckDB as Log Analytics answers them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.fakes.kql_workspace import kql

QUERIES: Final = Path(__file__).resolve().parents[4] / "infra" / "modules" / "queries"
TABLES: Final[dict[str, dict[str, str]]] = {
    "AppRequests": {"TimeGenerated": "datetime", "Name": "string", "Success": "bool", "DurationMs": "real"},
    "AppTraces": {
        "TimeGenerated": "datetime",
        "Message": "string",
        "SeverityLevel": "int",
        "OperationName": "string",
    },
    "AzureMetrics": {
        "TimeGenerated": "datetime",
        "ResourceProvider": "string",
        "ResourceId": "string",
        "MetricName": "string",
        "Total": "real",
    },
    "AegDeliveryFailureLogs": {
        "TimeGenerated": "datetime",
        "OperationName": "string",
        "EventSubscriptionName": "string",
        "Message": "string",
    },
    # Azure Resource Graph, which the workbook asks for what is covered.
    "resources": {
        "subscriptionId": "string",
        "name": "string",
        "type": "string",
        "tags": "dynamic",
        "properties": "dynamic",
    },
    "resourcecontainers": {"subscriptionId": "string", "name": "string", "type": "string"},
}
"""The columns that are used, as Microsoft's reference of the tables has them."""

_WHILE_EMPTY: Final = (
    "heartbeat",
    "dead-letters",
    "deliveries-failing",
    "nobody-reached",
    "pages-not-delivered",
    "poison-messages",
)
"""Alerts on tables that Azure makes with their first row. A query that fails for a week is switched off."""

_SQL_TYPES: Final = {
    "datetime": "TIMESTAMP",
    "string": "VARCHAR",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "int": "INTEGER",
}


def query_text(name: str, *, silence: str = "10m") -> str:
    text = (QUERIES / f"{name}.kql").read_text("utf-8")
    return text.replace("{function}", "resume_cases").replace("{silence}", silence)


@pytest.mark.parametrize("name", _WHILE_EMPTY)
def test_an_alert_stands_while_its_table_is_not_there(name: str) -> None:
    """Its query begins with a union that takes missing tables and brings their columns itself."""
    text = query_text(name)
    found = re.fullmatch(r"union isfuzzy=true \(datatable\((.*)\)\[\]\), (\w+)", text.splitlines()[0])
    assert found is not None
    brought, table = dict(each.split(": ") for each in found[1].split(", ")), found[2]
    assert brought.items() <= TABLES[table].items()
    assert len(re.findall(rf"\b{table}\b", text)) == 1


def _answers(query: str, table: str, rows: Sequence[dict[str, Any]]) -> int:
    """Give how many rows the query gives."""
    connection = kql.connect()
    columns = ", ".join(f'"{name}" {_SQL_TYPES[kind]}' for name, kind in TABLES[table].items())
    connection.execute(f'CREATE TABLE "{table}" ({columns})')
    for row in rows:
        marks = ", ".join("?" * len(TABLES[table]))
        connection.execute(f'INSERT INTO "{table}" VALUES ({marks})', [row.get(name) for name in TABLES[table]])  # noqa: S608 - ours
    sql = kql.to_sql(query, schema={table: list(TABLES[table])})
    return len(connection.execute(sql).fetchall())


def _ago(minutes: float) -> datetime:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("began", "minutes", "success", "counts"),
    [
        (1, 0.1, True, True),
        (25, 24, True, True),
        (25, 1, True, False),
        (1, 0.1, False, False),
        (11, 0.1, True, False),
    ],
    ids=["just now", "long, ended just now", "ended long ago", "failed", "before the silence"],
)
def test_a_run_counts_by_its_end(began: float, minutes: float, success: bool, counts: bool) -> None:  # noqa: FBT001 - a row
    run = {
        "TimeGenerated": _ago(began),
        "Name": "resume_cases",
        "Success": success,
        "DurationMs": minutes * 60_000,
    }
    other = {**run, "Name": "take_snapshots", "TimeGenerated": _ago(0), "Success": True}
    assert _answers(query_text("heartbeat"), "AppRequests", [run, other]) == int(counts)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("case 7b1c failed every time; it is played again in 60 s, time 1 of 6", True),
        ("event 1 about /subscriptions/x is given up and kept in quarantine/unknown/20260101/y.bin", True),
        ("case 7b1c opened: ca-policy-updated by Mallory", False),
    ],
)
def test_a_poison_message_is_told(message: str, expected: bool) -> None:  # noqa: FBT001 - a row
    row = {"TimeGenerated": _ago(1), "Message": message}
    assert _answers(query_text("poison-messages"), "AppTraces", [row]) == int(expected)


def test_the_workbook_shows_the_last_that_is_known_of_each_source() -> None:
    line = "coverage of {}: {} is {}; behind 1 min; p50 5 min; p99 240 min; -"
    rows = [
        {"TimeGenerated": _ago(minutes), "Message": line.format(tenant, source, sight)}
        for minutes in (1, 16)
        for tenant in ("Entra ID", "Azure AD B2C")
        for source, sight in (("audit log", "seen"), ("every named location", "blind"))
    ]
    other = {"TimeGenerated": _ago(1), "Message": "case 7b1c opened: ca-policy-updated by Mallory"}
    assert _answers(query_text("seen"), "AppTraces", [*rows, other]) == 4


@pytest.mark.parametrize(("failures", "expected"), [(1, 0), (2, 0), (3, 1), (9, 1)])
def test_deliveries_that_go_on_failing_are_told(failures: int, expected: int) -> None:
    at = datetime(2026, 1, 1, 12, 1, tzinfo=UTC).replace(tzinfo=None)
    rows = [{"TimeGenerated": at, "EventSubscriptionName": "entra-responder-x-0", "Message": "401"}] * failures
    assert _answers(query_text("deliveries-failing"), "AegDeliveryFailureLogs", rows) == expected


def test_the_table_of_columns_is_used() -> None:
    text = "".join(path.read_text("utf-8") for path in QUERIES.glob("*.kql"))
    assert [table for table in TABLES if not re.search(rf"\b{table}\b", text)] == []
