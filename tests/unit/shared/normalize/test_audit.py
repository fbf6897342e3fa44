import json
from datetime import UTC, datetime

import pytest

from responders.detections.samples import (
    ADMINISTRATOR,
    BY_APP,
    BY_USER,
    CA_POLICY,
    PIPELINE,
    TENANT,
    audit_record,
    ca_policy_record,
    diagnostic_record,
)
from shared.model.events import Actor, ActorKind, AuditEvent, Change
from shared.normalize import read_batch
from tests.fakes.record_strategies import Json, audit_row, everything, nothing, written

ZEROS = "00000000-0000-0000-0000-000000000000"


def read(record: Json, *, tenant_id: str = TENANT) -> AuditEvent:
    (reading,) = read_batch(written(record), tenant_id=tenant_id, interest=everything)
    assert isinstance(reading.event, AuditEvent), reading.unreadable
    return reading.event


def reason(record: Json) -> str:
    (reading,) = read_batch(written(record), tenant_id=TENANT, interest=everything)
    assert reading.event is None
    return reading.unreadable


def test_every_field_of_a_graph_record_is_read() -> None:
    event = read(
        ca_policy_record("Update conditional access policy", old=CA_POLICY, new=CA_POLICY | {"state": "disabled"})
    )
    assert event.id == "IPCGraph_7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23_P4DZN_51760338"
    assert event.tenant_id == TENANT
    assert event.at == datetime(2026, 3, 17, 9, 24, 51, 38415, UTC)
    assert (event.activity, event.category) == ("Update conditional access policy", "Policy")
    assert (event.service, event.outcome) == ("Conditional Access", "success")
    assert event.correlation_id == "7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23"
    assert event.details == {"Category": "Conditional Access"}
    assert (event.target.id, event.target.kind) == (CA_POLICY["id"], "Policy")
    assert event.target.name == "Require multifactor authentication for administrators"


def test_a_policy_in_a_change_stays_json_and_shows_what_vanished() -> None:
    without = {name: value for name, value in CA_POLICY.items() if name != "grantControls"}
    (change,) = read(ca_policy_record("Update conditional access policy", old=CA_POLICY, new=without)).target.changes
    assert change.name == "ConditionalAccessPolicy"
    assert change.old is not None
    assert change.new is not None
    assert json.loads(change.old)["grantControls"]["builtInControls"] == ["mfa"]
    assert "grantControls" not in json.loads(change.new)


@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        (None, None),
        ("null", None),
        (" null ", None),
        ('"Global Administrator"', "Global Administrator"),
        ('"say \\"hi\\""', 'say "hi"'),
        ('""', ""),
        ("", ""),
        ("DirectorySync", "DirectorySync"),
        ('"unfinished', '"unfinished'),
        ("[true]", "[true]"),
        ('[ "a",  "b" ]', '[ "a",  "b" ]'),
        ('{"state":"enabled"}', '{"state":"enabled"}'),
        ("[KeyIdentifier=1,DisplayName=a, b]", "[KeyIdentifier=1,DisplayName=a, b]"),
        ('"\\"twice\\""', '"twice"'),
        ("true", "true"),
    ],
)
def test_a_property_value_is_unwrapped_once(written_as: str | None, read_as: str | None) -> None:
    change = {"displayName": "Property", "oldValue": written_as, "newValue": written_as}
    event = read(audit_record("Update user", targetResources=[{"id": "x", "modifiedProperties": [change]}]))
    assert event.target.changes == (Change(name="Property", old=read_as, new=read_as),)


def test_a_value_that_is_missing_or_no_string_is_taken_as_it_is() -> None:
    changes = [{"displayName": "A", "newValue": {"state": 1}}, {"displayName": "B", "oldValue": 10**30}, None]
    event = read(audit_record("Update user", targetResources=[{"id": "x", "modifiedProperties": changes}]))
    assert event.target.changes == (Change(name="A", new='{"state": 1}'), Change(name="B", old=str(10**30)))


USER = BY_USER["user"]
APP = BY_APP["app"]
AS_USER = Actor(id=ADMINISTRATOR, name=USER["userPrincipalName"], kind=ActorKind.USER, address=USER["ipAddress"])
AS_APP = Actor(id=PIPELINE, name="deployment-pipeline", kind=ActorKind.SERVICE_PRINCIPAL)


@pytest.mark.parametrize(
    ("initiated_by", "actor"),
    [
        ({"user": USER, "app": None}, AS_USER),
        ({"user": USER}, AS_USER),
        ({"user": USER, "app": dict.fromkeys(APP)}, AS_USER),
        ({"user": USER | {"id": ADMINISTRATOR.upper()}}, AS_USER),
        ({"user": USER | {"displayName": "Azure ESTS Service"}}, AS_USER),
        (
            {"user": {"id": ADMINISTRATOR, "userPrincipalName": None, "displayName": "Morgan"}},
            Actor(id=ADMINISTRATOR, name="Morgan", kind=ActorKind.USER),
        ),
        ({"user": {"id": None, "userPrincipalName": "m@x"}}, Actor(name="m@x", kind=ActorKind.USER)),
        ({"user": {"id": ZEROS, "userPrincipalName": "m@x"}}, Actor(name="m@x", kind=ActorKind.USER)),
        ({"user": None, "app": APP}, AS_APP),
        ({"app": APP}, AS_APP),
        (
            {"app": {"appId": PIPELINE, "displayName": None, "servicePrincipalId": None}},
            Actor(name=PIPELINE, kind=ActorKind.SERVICE_PRINCIPAL),
        ),
        (
            {"app": {"servicePrincipalId": PIPELINE, "servicePrincipalName": "spn"}},
            Actor(id=PIPELINE, name="spn", kind=ActorKind.SERVICE_PRINCIPAL),
        ),
        ({"user": None, "app": None}, Actor()),
        ({}, Actor()),
        (None, Actor()),
    ],
)
def test_the_actor_is_known_by_object_id(initiated_by: Json | None, actor: Actor) -> None:
    assert read(audit_record("Update user", initiatedBy=initiated_by)).actor == actor


def test_a_record_that_names_two_actors_has_an_unknown_one() -> None:
    actor = read(audit_record("Update user", initiatedBy={"user": USER, "app": APP})).actor
    assert (actor.id, actor.kind) == ("", ActorKind.UNKNOWN)
    assert actor.name == "morgan@fabrikam.onmicrosoft.com or deployment-pipeline"


def test_the_three_shapes_of_a_record_are_one_event() -> None:
    record = ca_policy_record("Delete conditional access policy", old=CA_POLICY)
    assert (
        read(diagnostic_record(record), tenant_id="other") == read(record) == read(audit_row(record), tenant_id="other")
    )


def test_a_record_in_a_string_is_read_too() -> None:
    record = diagnostic_record(audit_record("Update user"))
    assert read(record | {"properties": json.dumps(record["properties"])}) == read(record)


def test_the_wrapping_gives_what_the_record_leaves_out() -> None:
    inner = audit_record("Update user", initiatedBy={"user": USER | {"ipAddress": None}})
    for name in ("correlationId", "activityDateTime", "activityDisplayName"):
        inner.pop(name)
    wrapped = diagnostic_record(audit_record("Update user")) | {"properties": inner, "callerIpAddress": "192.0.2.9"}
    event = read(wrapped)
    assert (event.activity, event.at.year, event.actor.address) == ("Update user", 2026, "192.0.2.9")
    assert event.correlation_id == "7b1f0c96-3d2a-4e85-9a67-b08c4d5e1f23"


def test_the_workspace_of_a_row_is_not_its_tenant() -> None:
    row = audit_row(audit_record("Update user"))
    assert read(row | {"AADTenantId": TENANT.upper()}, tenant_id="x").tenant_id == TENANT
    assert read(row | {"AADTenantId": ZEROS}, tenant_id="x").tenant_id == "x"
    assert read(row | {"AADTenantId": None}, tenant_id="x").tenant_id == "x"


def test_a_row_is_known_by_its_columns_when_a_query_gave_type_another_meaning() -> None:
    assert read(audit_row(audit_record("Update user")) | {"Type": "Application"}).activity == "Update user"


@pytest.mark.parametrize("missing", [None, "", ZEROS])
def test_a_record_without_a_correlation_id_stands_for_itself(missing: str | None) -> None:
    event = read(audit_record("Update user", correlationId=missing))
    assert event.correlation_id == event.id != ""


def test_an_object_without_an_id_goes_by_its_name() -> None:
    event = read(
        audit_record("Set domain authentication", targetResources=[{"id": None, "displayName": "fabrikam.com"}])
    )
    assert (event.target.id, event.target.name) == ("fabrikam.com", "fabrikam.com")


def test_a_guid_is_lower_cased_and_the_name_of_a_custom_policy_is_not() -> None:
    targets = [{"id": CA_POLICY["id"].upper()}, {"id": "B2C_1A_SignUpOrSignIn"}]
    event = read(audit_record("Update user", targetResources=targets))
    assert [target.id for target in event.targets] == [CA_POLICY["id"], "B2C_1A_SignUpOrSignIn"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-17T09:24:51Z", datetime(2026, 3, 17, 9, 24, 51, tzinfo=UTC)),
        ("2026-03-17T09:24:51.5Z", datetime(2026, 3, 17, 9, 24, 51, 500_000, UTC)),
        ("2026-03-17T09:24:51.0384152Z", datetime(2026, 3, 17, 9, 24, 51, 38_415, UTC)),
        ("2026-03-17T09:24:51.0384152+00:00", datetime(2026, 3, 17, 9, 24, 51, 38_415, UTC)),
        ("2026-03-17T18:24:51+09:00", datetime(2026, 3, 17, 9, 24, 51, tzinfo=UTC)),
        ("2026-03-17T09:24:51", datetime(2026, 3, 17, 9, 24, 51, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text: str, at: datetime) -> None:
    assert read(audit_record("Update user", activityDateTime=text)).at == at


@pytest.mark.parametrize(
    ("text", "because"),
    [
        (None, "it has no time"),
        ("yesterday", "activityDateTime"),
        (1773739491, "activityDateTime"),
        ("0001-01-01T00:00:00Z", "years 2000 to 2099 are read"),
        ("0001-01-01T00:00:00+14:00", "years 2000 to 2099 are read"),
        ("9999-12-31T23:59:59.9999999Z", "activityDateTime"),
        ("2100-01-01T00:00:00Z", "years 2000 to 2099 are read"),
    ],
)
@pytest.mark.parametrize("interesting", [True, False])
def test_a_record_without_a_time_that_can_be_right_is_unreadable(
    text: object, because: str, *, interesting: bool
) -> None:
    record = audit_record("Update user", activityDateTime=text)
    (reading,) = read_batch(written(record), tenant_id="", interest=everything if interesting else nothing)
    assert because in reading.unreadable


@pytest.mark.parametrize(
    ("record", "because"),
    [
        (audit_record("Update user", initiatedBy="Morgan"), "$.initiatedBy"),
        (audit_record("Update user", targetResources=[{"id": 5}]), "$.targetResources[0].id"),
        (audit_row(audit_record("Update user")) | {"TargetResources": "[{"}, "should hold JSON"),
        (audit_record("x", activityDisplayName=5), "$.activityDisplayName"),
        (diagnostic_record(audit_record("x")) | {"category": "SomethingElseLogs"}, "category 'SomethingElseLogs'"),
        ({"Operation": "Add member to role.", "Workload": "AzureActiveDirectory"}, "Office 365 unified audit"),
        ({"hello": 1, "world": 2}, "its keys are: 'hello', 'world'"),
        ({f"key{number}": 0 for number in range(20)}, "'key7', …"),
        ({}, "its keys are: none"),
    ],
)
def test_an_unreadable_record_says_why(record: Json, because: str) -> None:
    assert because in reason(record)


def test_nulls_are_taken_for_nothing() -> None:
    names = (
        "id",
        "category",
        "correlationId",
        "result",
        "resultReason",
        "loggedByService",
        "initiatedBy",
        "targetResources",
        "additionalDetails",
    )
    event = read(audit_record("Update user") | dict.fromkeys(names))
    assert (event.id, event.outcome, event.targets, event.details, event.actor) == ("", "", (), {}, Actor())
    nested = {
        "targetResources": [None, {"modifiedProperties": None}],
        "additionalDetails": [None, {"key": "a", "value": None}],
    }
    event = read(audit_record("Update user") | nested)
    assert (len(event.targets), event.details) == (1, {"a": ""})


def test_the_outcome_is_in_lower_case() -> None:
    assert read(audit_record("Update user", result="Failure ")).outcome == "failure"
