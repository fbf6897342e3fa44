"""Fields of the audit log that look into targets and policies, told by the app and by Kusto (which DuckDB executes)."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responders.catalogue import BY_ID
from responders.detections.directory_samples import (
    COLLEAGUE,
    EMERGENCY_GROUP,
    ROLE_ASSIGNABLE_GROUP,
    ROLE_HOLDER,
    SAMPLE_PROFILE,
    change,
    target,
)
from responders.detections.samples import BREAK_GLASS, CA_POLICY, PIPELINE, audit_record, ca_policy_record
from shared.detect.fields import Audit
from shared.detect.kusto.compile import query
from shared.model.conditions import Not, Text, all_of
from shared.model.events import AuditEvent
from shared.model.privileges import GLOBAL_ADMINISTRATOR
from shared.model.profile import DEFAULT, TenantProfile
from shared.normalize import read_batch
from tests.fakes.kql_rows import Json
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.record_strategies import audit_row, everything

FIELDS: Final[tuple[Text[AuditEvent], ...]] = (
    Audit.principal,
    Audit.target_level,
    Audit.group_level,
    Audit.emergency_reach,
)
VOCABULARIES: Final[Mapping[str, TenantProfile]] = {
    "default": DEFAULT,
    "known": SAMPLE_PROFILE,
    "two accounts": TenantProfile(emergency_accounts=frozenset({BREAK_GLASS, ROLE_HOLDER})),
}
_GROUPS: Final = (ROLE_ASSIGNABLE_GROUP, EMERGENCY_GROUP)
_IDS: Final = (*_GROUPS, ROLE_HOLDER.upper(), f" {COLLEAGUE}\N{NO-BREAK SPACE}", "robin@fabrikam.example", "", None)

_properties = st.lists(st.sampled_from(("", *_GROUPS)).map(lambda id_: change("Group.ObjectID", None, id_)), max_size=1)


def _target(id_: str | None, kind: str, changes: list[Json]) -> Json:
    return target(id_, kind, *changes)


_targets = st.builds(
    _target, st.sampled_from(_IDS), st.sampled_from(("User", "group", "ServicePrincipal", "Role", "Other")), _properties
)
_memberships = st.lists(_targets, max_size=3).map(
    lambda each: audit_record("Add member to group", targetResources=each)
)

_members = st.lists(
    st.sampled_from(("All", "None", BREAK_GLASS, ROLE_HOLDER.upper(), PIPELINE, *_GROUPS, GLOBAL_ADMINISTRATOR)),
    max_size=2,
)
_users = st.fixed_dictionaries(
    {},
    optional={
        f"{side}{whom}": st.none() | _members
        for side in ("include", "exclude")
        for whom in ("Users", "Groups", "Roles")
    },
)


def _policy(state: str | None, users: Json | None) -> str:
    return json.dumps(CA_POLICY | {"state": state, "conditions": {"users": users}})


_policies = st.builds(
    _policy,
    st.sampled_from(("enabled", "Enabled", "disabled", "enabledForReportingButNotEnforced", None)),
    st.none() | _users,
)
_texts = st.none() | st.sampled_from(("", "{", "null", '"x"')) | _policies


def _policy_record(old: str | None, new: str | None) -> Json:
    record = ca_policy_record("Update conditional access policy")
    record["targetResources"][0]["modifiedProperties"][0] |= {"oldValue": old, "newValue": new}
    return record


_records = st.lists(_memberships | st.builds(_policy_record, _texts, _texts), min_size=40, max_size=80)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


def told_by_the_app(field: Text[Any], profile: TenantProfile, rows: list[Json]) -> dict[int, str]:
    readings = read_batch(json.dumps(rows).encode(), tenant_id="", interest=everything)
    read = field.reader(profile)
    return {reading.index: read(reading.event) for reading in readings if reading.event is not None}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_both_tell_the_same(workspace: Workspace, name: str) -> None:
    profile = VOCABULARIES[name]
    everything_there_is = all_of(*(Not(field.is_("no such word")) for field in FIELDS))
    sql = to_sql(query(dataclasses.replace(BY_ID["ca-policy-updated"], when=everything_there_is), profile))

    @settings(max_examples=2)
    @given(_records)
    def agree(records: list[Json]) -> None:
        rows = [audit_row(record) for record in records]
        workspace.fill(rows)
        for field in FIELDS:
            assert workspace.column(sql, field.name) == told_by_the_app(field, profile, rows), field.name

    agree()
