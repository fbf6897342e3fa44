"""Names, addresses and lists of values, told by the app and by Kusto (which DuckDB executes)."""

import dataclasses
import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.detect.fields.listed_fields import listed

from responders.catalogue import BY_ID
from responders.detections.directory_samples import target
from responders.detections.samples import ADMINISTRATOR, PIPELINE, audit_record
from shared.detect.fields import Audit
from shared.detect.kusto.compile import query
from shared.model.conditions import Not, Text
from shared.model.events import AuditEvent, fold_whole
from shared.normalize import read_batch
from tests.fakes.kql_rows import Json
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.record_strategies import audit_row, everything

_PLAIN: Final[tuple[Text[AuditEvent], ...]] = (Audit.reason, Audit.actor, Audit.actor_label, Audit.address)
_LISTED: Final[tuple[Text[AuditEvent], ...]] = (
    Audit.target_ids,
    Audit.target_names,
    Audit.target_upns,
    Audit.target_kinds,
    Audit.changed_properties,
    Audit.old_values,
    Audit.new_values,
    Audit.set_properties,
    Audit.details,
)
_LONG: Final = f"{'Mail.Read ' * 80}the end"
_SPACED: Final = "A \N{EM DASH}\N{NO-BREAK SPACE}B\n\nC"
_names = st.sampled_from(("Sam", "sam ", _SPACED, '"quoted"', "a=b", "100%_x", "", None))
_values = st.none() | st.sampled_from(
    ("null", "", '"Member"', '["Guest"]', "plain", '" "', json.dumps(_LONG), '{"a": "b\\n"}')
)
_changes = st.fixed_dictionaries({"displayName": _names, "oldValue": _values, "newValue": _values})


def _target(id_: str | None, kind: str, changes: list[Json], name: str | None, upn: str | None) -> Json:
    return target(id_, kind, *changes, name=name, upn=upn)


_targets = st.builds(
    _target,
    st.sampled_from(("0A000000-0000-4000-8000-000000000001", "b2c_1a", "", None)),
    st.sampled_from(("User", "ServicePrincipal", "Other")),
    st.lists(_changes, max_size=3),
    _names,
    _names,
)
_users = st.fixed_dictionaries(
    {
        "id": st.sampled_from((ADMINISTRATOR, "", None)),
        "userPrincipalName": _names,
        "displayName": _names,
        "ipAddress": _names,
    }
)
_apps = st.fixed_dictionaries(
    {"servicePrincipalId": st.sampled_from((PIPELINE, None)), "displayName": _names, "appId": st.none() | st.just("7")}
)
_details = st.dictionaries(st.sampled_from(("User-Agent", "Key \N{EN DASH} two")), _names, max_size=2).map(
    lambda each: [{"key": key, "value": value} for key, value in each.items()]
)


def _record(members: Json) -> Json:
    return audit_record("Update user", **members)


_records = st.fixed_dictionaries(
    {
        "targetResources": st.lists(_targets, max_size=3),
        "initiatedBy": st.fixed_dictionaries({"user": st.none() | _users, "app": st.none() | _apps}),
        "additionalDetails": _details,
        "resultReason": _names,
    }
).map(_record)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


def _told_by_the_app(field: Text[Any], rows: list[Json]) -> dict[int, str]:
    readings = read_batch(json.dumps(rows).encode(), tenant_id="", interest=everything)
    return {reading.index: field.read(reading.event) for reading in readings if reading.event is not None}


def _lines(told: dict[int, str]) -> dict[int, tuple[str, str, list[str]]]:
    """Compare lists in whatever order, with their first and last character."""
    return {place: (text[:1], text[-1:], sorted(text.split("\n"))) for place, text in told.items()}


@pytest.mark.parametrize("field", [*_PLAIN, *_LISTED], ids=lambda field: field.name)
def test_both_tell_the_same(workspace: Workspace, field: Text[AuditEvent]) -> None:
    sql = to_sql(query(dataclasses.replace(BY_ID["ca-policy-updated"], when=Not(field.is_("no such word")))))

    @settings(max_examples=2)
    @given(st.lists(_records, min_size=30, max_size=40))
    def agree(records: list[Json]) -> None:
        rows = [audit_row(record) for record in records]
        workspace.fill(rows)
        told = workspace.column(sql, field.name)
        assert _lines(told) == _lines(_told_by_the_app(field, rows))

    agree()


_any_text = st.text(st.characters(codec="utf-8"), max_size=6)


@given(st.lists(_any_text), _any_text)
def test_a_value_is_a_line_and_nothing_else_is_one(values: list[str], other: str) -> None:
    text, folded = listed(values), {fold_whole(value) for value in values}
    assert all(f"\n{value}\n" in text for value in folded if value)
    assert (f"\n{fold_whole(other)}\n" in text) is (bool(fold_whole(other)) and fold_whole(other) in folded)
    assert bool(text) is any(folded)
