"""Hypothesis strategies for records: any JSON, and real-shaped records with one thing wrong or odd."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from hypothesis import strategies as st

from responders.detections.samples import (
    APP_CLAIMS,
    CA_POLICY,
    TENANT,
    activity_log_record,
    audit_record,
    ca_policy_record,
    cloud_event_record,
    custom_policy_record,
    diagnostic_record,
    event_grid_record,
    exported_activity_record,
)
from responders.detections.sign_in_samples import diagnostic_sign_in, sign_in_record
from shared.normalize import EVERY_RECORD, Interest

type Json = dict[str, Any]

ROLE_WRITE = "Microsoft.Authorization/roleAssignments/write"


everything = EVERY_RECORD
"""Takes an interest in every record, so that all of it is decoded."""

nothing = Interest(
    at_a_glance=lambda _log, _name, _tenant_id: False, in_record=lambda _log, _name, _raw, _tenant_id: False
)
"""Takes no interest in any record."""


def audit_row(record: Json) -> Json:
    """Flatten a Graph record as Log Analytics has it: Pascal case, nested columns as JSON, another TenantId."""
    nested = {"initiatedBy", "targetResources", "additionalDetails"}
    row = {name[0].upper() + name[1:]: json.dumps(value) if name in nested else value for name, value in record.items()}
    return row | {
        "TenantId": "77777777-0000-4000-8000-000000000000",
        "AADTenantId": TENANT,
        "TimeGenerated": record["activityDateTime"],
        "OperationName": record["activityDisplayName"],
        "Type": "AuditLogs",
    }


def sign_in_row(record: Json) -> Json:
    """Flatten a sign-in as table SigninLogs has it: nested columns are JSON, some dynamic and some strings."""
    left_out = {"location", "ipAddress", "status"}
    row = {
        name[0].upper() + name[1:]: json.dumps(value) if isinstance(value, dict | list) else value
        for name, value in record.items()
        if name not in left_out
    }
    if "RiskEventTypes_v2" in row:
        row["RiskEventTypes_V2"] = row.pop("RiskEventTypes_v2")
    return row | {
        "TenantId": "77777777-0000-4000-8000-000000000000",
        "AADTenantId": TENANT,
        "TimeGenerated": record["createdDateTime"],
        "OperationName": "Sign-in activity",
        "Category": "SignInLogs",
        "IPAddress": record["ipAddress"],
        "ResultType": str(record["status"]["errorCode"]),
        "ResultDescription": record["status"]["failureReason"],
        "Status": json.dumps(record["status"]),
        "Location": (record["location"] or {}).get("countryOrRegion"),
        "LocationDetails": json.dumps(record["location"]),
        "Type": "SigninLogs",
    }


def activity_row(record: Json) -> Json:
    """Flatten an Activity Log record as table AzureActivity has it."""
    return {
        "TenantId": "77777777-0000-4000-8000-000000000000",
        "TimeGenerated": record["eventTimestamp"],
        "OperationNameValue": record["operationName"]["value"].upper(),
        "ActivityStatusValue": "Success" if record["status"]["value"] == "Succeeded" else "Start",
        "CorrelationId": record["correlationId"],
        "EventDataId": record["eventDataId"],
        "Caller": record["caller"],
        "CallerIpAddress": record["httpRequest"]["clientIpAddress"],
        "Authorization": json.dumps(record["authorization"]),
        "Claims": json.dumps(record["claims"]),
        "Properties": json.dumps(record["properties"]),
        "_ResourceId": record["resourceId"].lower(),
        "SubscriptionId": record["subscriptionId"],
        "Type": "AzureActivity",
    }


def python_sdk_record(record: Json) -> Json:
    """Spell an Activity Log record as the Azure SDK for Python dumps it."""
    snake = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in record.items()}
    request = record["httpRequest"]
    return snake | {"http_request": {"client_ip_address": request["clientIpAddress"], "method": request["method"]}}


SAMPLES: Mapping[str, Json] = {
    "graph audit": audit_record("Add user"),
    "graph conditional access": ca_policy_record(
        "Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"}
    ),
    "graph b2c": custom_policy_record("Delete custom policy"),
    "diagnostic audit": diagnostic_record(ca_policy_record("Add conditional access policy", new=CA_POLICY)),
    "audit row": audit_row(ca_policy_record("Delete conditional access policy", old=CA_POLICY)),
    "graph sign-in": sign_in_record(),
    "diagnostic sign-in": diagnostic_sign_in(sign_in_record()),
    "sign-in row": sign_in_row(sign_in_record()),
    "event grid": event_grid_record(ROLE_WRITE),
    "cloud event": cloud_event_record(ROLE_WRITE, claims=dict(APP_CLAIMS)),
    "activity log": activity_log_record(ROLE_WRITE),
    "activity row": activity_row(activity_log_record(ROLE_WRITE)),
    "activity of the python sdk": python_sdk_record(activity_log_record(ROLE_WRITE)),
    "diagnostic activity": exported_activity_record(ROLE_WRITE),
}
"""One record of each shape that is read."""

UNUSUAL: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "null",
    '"null"',
    "\0",
    "\ud800",
    "\udc00\ud800",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.9999999Z",
    "2026-03-17T09:24:51",
    "2026-03-17T09:24:51.0384152+09:00",
    "2026-02-30T00:00:00Z",
    "00000000-0000-0000-0000-000000000000",
    "[[[[",
    '{"a":',
    '"\\ud800"',
    "\\" * 33,
    [],
    [None],
    [[], {}, "", 1],
    {},
    {"": None},
    {"user": {}, "app": {}},
    {"value": None},
    {"errorCode": "50126"},
)
"""Values that stand where they don't belong."""


def nested_string(depth: int) -> str:
    """Wrap a JSON string in a JSON string, `depth` times; capped, since each level doubles the backslashes."""
    text = "x"
    for _ in range(depth):
        text = json.dumps(text)
        if len(text) > 10_000:
            break
    return text


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the path of everything in a JSON value, but the value itself."""
    if isinstance(value, dict):
        members = list(cast("Json", value).items())
    else:
        members = list(enumerate(cast("list[object]", value) if isinstance(value, list) else ()))
    for name, member in members:
        yield (*path, name)
        yield from places(member, (*path, name))


def replaced(record: Json, path: tuple[str | int, ...], value: object) -> Json:
    """Give a copy of `record` with another value at `path`."""
    changed: Any = copy.deepcopy(record)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return changed


def removed(record: Json, path: tuple[str | int, ...]) -> Json:
    """Give a copy of `record` without what is at `path`."""
    changed: Any = copy.deepcopy(record)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return changed


any_text = st.text(st.characters(codec=None), max_size=20)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)

_KEYS = sorted({str(path[-1]) for sample in SAMPLES.values() for path in places(sample)})

lookalikes = st.dictionaries(st.sampled_from(_KEYS), any_json | st.sampled_from(UNUSUAL), max_size=8)
"""Objects with the keys of records and anything for values."""


@st.composite
def broken_records(draw: st.DrawFn) -> Json:
    """A real-shaped record with up to three things replaced, put into a string, or left out."""
    record = draw(st.sampled_from(list(SAMPLES.values())))
    for _ in range(draw(st.integers(1, 3))):
        paths = list(places(record))
        if not paths:
            break
        path = draw(st.sampled_from(paths))
        match draw(st.sampled_from(("replace", "quote", "nest", "remove"))):
            case "replace":
                record = replaced(record, path, draw(st.sampled_from(UNUSUAL) | any_json))
            case "quote":
                record = replaced(record, path, json.dumps(draw(st.sampled_from(UNUSUAL))))
            case "nest":
                record = replaced(record, path, nested_string(draw(st.integers(1, 50))))
            case _:
                record = removed(record, path)
    return record


def written(value: object) -> bytes:
    """Write JSON as some services do: everything that isn't ASCII escaped, lone surrogates too."""
    return json.dumps(value).encode()
