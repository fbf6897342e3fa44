"""Records as Azure streams and exports them: envelope times, tables of queries, sibling categories, tenants."""

import json
from datetime import UTC, datetime

import pytest

from responders.detections.directory_samples import role_record
from responders.detections.samples import TENANT, diagnostic_record, exported_activity_record
from responders.detections.sign_in_samples import diagnostic_sign_in, privileged_record
from shared.normalize import Reading, read_batch, read_stream
from shared.normalize.shapes import NOT_JUDGED
from tests.fakes.record_strategies import Json, audit_row, everything, sign_in_row, written

OTHER: str = "5f0c1a27-94e8-4b36-a1d7-28c3e9f0b465"
AT = datetime(2025, 12, 12, 15, 3, 58, tzinfo=UTC)


def read(record: Json, tenant_id: str = "t") -> Reading:
    (reading,) = read_batch(written(record), tenant_id=tenant_id, interest=everything)
    return reading


def without(record: Json, *names: str) -> Json:
    return {name: value for name, value in record.items() if name not in names}


def bare(record: Json, *times: str) -> Json:
    """Take the time out of the record inside, so that only the envelope says it."""
    return record | {"properties": without(record["properties"], *times)}


@pytest.mark.parametrize("text", ["12/12/2025 3:03:58 PM", " 12/12/2025 03:03:58 pm", "2025-12-12T15:03:58Z"])
@pytest.mark.parametrize(
    "record",
    [
        bare(diagnostic_record(role_record("Add member to role")), "activityDateTime"),
        bare(diagnostic_sign_in(privileged_record(0)), "createdDateTime"),
        exported_activity_record("Microsoft.Authorization/roleAssignments/write"),
    ],
)
def test_the_time_of_an_envelope_is_read_as_azure_writes_it(record: Json, text: str) -> None:
    reading = read(record | {"time": text})
    assert reading.event is not None, reading.unreadable
    assert reading.event.at == AT


def test_a_time_in_the_record_itself_goes_before_its_envelopes() -> None:
    reading = read(diagnostic_sign_in(privileged_record(0)) | {"time": "13/13/2025 25:00:00"})
    assert reading.event is not None


@pytest.mark.parametrize("text", ["13/12/2025 3:03:58 PM", "yesterday", "12/12/2025"])
def test_a_time_that_azure_does_not_write_is_said(text: str) -> None:
    record = bare(diagnostic_sign_in(privileged_record(0)), "createdDateTime") | {"time": text}
    assert "is none that Azure writes" in read(record).unreadable


def tables(*rows: Json) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [{"name": name, "type": "dynamic"} for name in names]
    found = {"name": "PrimaryResult", "columns": columns, "rows": [[row.get(name) for name in names] for row in rows]}
    return json.dumps({"tables": [found], "render": None}).encode()


def test_what_a_query_answers_is_read_row_by_row() -> None:
    rows = [audit_row(role_record("Add member to role")), sign_in_row(privileged_record(50126))]
    one_by_one = [read(row).event for row in rows]
    assert [one.event for one in read_batch(tables(*rows), tenant_id="t", interest=everything)] == one_by_one
    indented = json.dumps(json.loads(tables(*rows)), indent=2).encode()
    streamed = read_stream([indented[:700], indented[700:]], tenant_id="t", interest=everything)
    assert [one.event for one in streamed] == one_by_one


@pytest.mark.parametrize("category", ["MicrosoftServicePrincipalSignInLogs", "ADFSSignInLogs"])
def test_siblings_of_the_sign_in_log_are_sign_ins(category: str) -> None:
    assert read(diagnostic_sign_in(privileged_record(0)) | {"category": category}).event is not None
    assert read(sign_in_row(privileged_record(0)) | {"Type": category}).event is not None


@pytest.mark.parametrize(
    "record", [diagnostic_record(role_record("Add member to role")), diagnostic_sign_in(privileged_record(0))]
)
def test_a_record_without_a_tenant_is_of_its_resources_tenant(record: Json) -> None:
    lone = without(record, "tenantId") | {"resourceId": f"/TENANTS/{OTHER.upper()}/providers/Microsoft.aadiam"}
    for given, tenant in (
        (lone, OTHER),
        (lone | {"tenantId": TENANT}, TENANT),
        (lone | {"resourceId": "/tenants/x/providers/Microsoft.aadiam"}, "t"),
        (lone | {"resourceId": f"/subscriptions/{OTHER}/x"}, "t"),
        (without(lone, "resourceId"), "t"),
    ):
        event = read(given).event
        assert event is not None
        assert event.tenant_id == tenant


def test_categories_that_nothing_judges_are_neither_read_nor_unreadable() -> None:
    for category in ("RiskyAgents", "MicrosoftGraphActivityLogs", "ServicePrincipalRiskEvents", "ProvisioningLogs"):
        assert category.lower() in NOT_JUDGED
        reading = read({"time": "x", "category": category, "properties": {}})
        assert (reading.event, reading.unreadable, reading.not_judged, reading.is_json) == (None, "", category, True)
    assert read({"Type": "AADRiskyUsers", "TimeGenerated": "2026-03-17T09:24:51Z"}).not_judged == "AADRiskyUsers"
    assert "is read" in read({"category": "NotACategory", "time": "x"}).unreadable.replace("are read", "is read")
