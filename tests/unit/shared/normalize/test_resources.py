import json
from collections.abc import Callable

import msgspec
import pytest

from responders.detections.samples import (
    ADMINISTRATOR,
    APP_CLAIMS,
    CALLERS_ROLE,
    PIPELINE,
    ROLE_ASSIGNMENT,
    SUBSCRIPTION,
    TENANT,
    USER_CLAIMS,
    activity_log_record,
    cloud_event_record,
    event_grid_record,
    exported_activity_record,
)
from shared.model.events import ActorKind, ResourceEvent
from shared.normalize import read_batch
from tests.fakes.record_strategies import (
    ROLE_WRITE,
    Json,
    activity_row,
    everything,
    nothing,
    python_sdk_record,
    written,
)

OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


def read(record: Json) -> ResourceEvent:
    (reading,) = read_batch(written(record), tenant_id="default", interest=everything)
    assert isinstance(reading.event, ResourceEvent), reading.unreadable
    return reading.event


def without(claims: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in claims.items() if name not in names}


EVERY_SHAPE: dict[str, Json] = {
    "event grid": event_grid_record(ROLE_WRITE),
    "cloud event": cloud_event_record(ROLE_WRITE),
    "activity log": activity_log_record(ROLE_WRITE),
    "activity row": activity_row(activity_log_record(ROLE_WRITE)),
    "python sdk": python_sdk_record(activity_log_record(ROLE_WRITE)),
    "diagnostic settings": exported_activity_record(ROLE_WRITE),
}


@pytest.mark.parametrize("record", EVERY_SHAPE.values(), ids=EVERY_SHAPE)
def test_every_shape_tells_the_same(record: Json) -> None:
    event = read(record)
    assert event.operation.lower() == ROLE_WRITE.lower()
    assert event.outcome == "success"
    assert event.target.id == ROLE_ASSIGNMENT.lower()
    assert event.target.kind.lower() == "microsoft.authorization/roleassignments"
    assert (event.subscription_id, event.tenant_id) == (SUBSCRIPTION, TENANT)
    assert event.correlation_id == "c5d80f72-419b-4a6e-b3c7-08e92d61fa5d"
    assert (event.actor.id, event.actor.kind) == (ADMINISTRATOR, ActorKind.USER)
    assert (event.actor.name, event.actor.address) == ("morgan@fabrikam.onmicrosoft.com", "198.51.100.23")
    assert event.at.isoformat() == "2026-03-17T09:24:52.617094+00:00"
    assert event.id


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("Succeeded", "success"),
        ("Success", "success"),
        ("Failed", "failure"),
        ("Failure", "failure"),
        ("Started", "started"),
        ("Start", "started"),
        ("Accepted", "started"),
        ("Accept", "started"),
        ("Canceled", "canceled"),
        ("Resolved", "resolved"),
        ("", ""),
    ],
)
def test_the_outcome_is_in_our_own_words(status: str, outcome: str) -> None:
    assert read(activity_log_record(ROLE_WRITE, status=status)).outcome == outcome
    assert read(exported_activity_record(ROLE_WRITE, result_type=status)).outcome == outcome


@pytest.mark.parametrize(
    ("event_type", "outcome"),
    [("ResourceWriteSuccess", "success"), ("ResourceDeleteFailure", "failure"), ("ResourceActionCancel", "canceled")],
)
def test_an_event_without_a_status_ends_as_its_type_says(event_type: str, outcome: str) -> None:
    record = event_grid_record(ROLE_WRITE, status=None) | {"eventType": f"Microsoft.Resources.{event_type}"}
    assert read(record).outcome == outcome


USERS = dict(USER_CLAIMS)
APPS = dict(APP_CLAIMS)
BY_GROUP = CALLERS_ROLE | {"principalId": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "principalType": "Group"}
BY_PIPELINE = CALLERS_ROLE | {"principalId": PIPELINE.replace("-", ""), "principalType": "ServicePrincipal"}


@pytest.mark.parametrize(
    ("claims", "evidence", "identity", "kind"),
    [
        (USERS, CALLERS_ROLE, ADMINISTRATOR, ActorKind.USER),
        (USERS, BY_GROUP, ADMINISTRATOR, ActorKind.USER),
        (USERS | {"idtyp": "user"}, None, ADMINISTRATOR, ActorKind.USER),
        (without(USERS, UPN), BY_GROUP, ADMINISTRATOR, ActorKind.USER),
        (APPS, None, PIPELINE, ActorKind.SERVICE_PRINCIPAL),
        (without(APPS, "idtyp"), BY_GROUP, PIPELINE, ActorKind.SERVICE_PRINCIPAL),
        (without(APPS, "idtyp", "appid"), None, PIPELINE, ActorKind.UNKNOWN),
        (without(APPS, "idtyp", "appid"), BY_PIPELINE, PIPELINE, ActorKind.SERVICE_PRINCIPAL),
        (without(APPS, OBJECT_ID), BY_PIPELINE, PIPELINE, ActorKind.SERVICE_PRINCIPAL),
        (without(USERS, OBJECT_ID), CALLERS_ROLE, ADMINISTRATOR, ActorKind.USER),
        (without(USERS, OBJECT_ID), BY_GROUP, "", ActorKind.UNKNOWN),
        (without(USERS, OBJECT_ID), None, "", ActorKind.UNKNOWN),
        ({}, BY_PIPELINE, PIPELINE, ActorKind.SERVICE_PRINCIPAL),
        (None, None, "", ActorKind.UNKNOWN),
        ({OBJECT_ID: 5, "idtyp": ["app"]}, None, "", ActorKind.UNKNOWN),
    ],
)
def test_the_caller_is_known_by_object_id(
    claims: Json | None, evidence: Json | None, identity: str, kind: ActorKind
) -> None:
    authorization = {"scope": ROLE_ASSIGNMENT, "action": ROLE_WRITE, "evidence": evidence}
    actor = read(event_grid_record(ROLE_WRITE, claims=claims, authorization=authorization)).actor
    assert (actor.id, actor.kind) == (identity, kind)


def test_the_role_of_the_caller_is_not_taken_for_the_one_who_got_a_role() -> None:
    record = event_grid_record(ROLE_WRITE, authorization={"evidence": BY_PIPELINE})
    assert read(record).actor.id == ADMINISTRATOR


def test_an_address_may_be_in_the_claims_alone() -> None:
    assert read(event_grid_record(ROLE_WRITE, httpRequest=None)).actor.address == "198.51.100.23"


def test_early_events_have_json_in_strings() -> None:
    data = event_grid_record(ROLE_WRITE)["data"]
    quoted = {name: json.dumps(data[name]) for name in ("authorization", "claims", "httpRequest")}
    assert read(event_grid_record(ROLE_WRITE, **quoted)) == read(event_grid_record(ROLE_WRITE))
    assert read(event_grid_record(ROLE_WRITE, httpRequest="")).actor.id == ADMINISTRATOR


def test_what_was_written_is_kept_where_the_record_has_it() -> None:
    body = json.dumps({"Properties": {"PrincipalId": PIPELINE}})
    properties = {"requestbody": body, "eventCategory": "Administrative"}
    for record in (
        activity_log_record(ROLE_WRITE, properties=properties),
        python_sdk_record(activity_log_record(ROLE_WRITE, properties=properties)),
        activity_row(activity_log_record(ROLE_WRITE, properties=properties)),
        exported_activity_record(ROLE_WRITE) | {"properties": properties},
        exported_activity_record(ROLE_WRITE) | {"properties": json.dumps(properties)},
    ):
        assert read(record).request_body == body
    assert read(event_grid_record(ROLE_WRITE)).request_body == ""


def test_an_event_tells_whether_it_was_delivered_or_read_from_the_log() -> None:
    assert read(event_grid_record(ROLE_WRITE)).is_delivered
    for record in (
        activity_log_record(ROLE_WRITE),
        activity_row(activity_log_record(ROLE_WRITE)),
        exported_activity_record(ROLE_WRITE),
    ):
        assert not read(record).is_delivered


def test_a_tenant_that_no_claim_names_is_the_batch_s_own() -> None:
    record = event_grid_record(ROLE_WRITE, tenantId=None)
    assert read(record).tenant_id == TENANT
    record["data"]["claims"] = {}
    assert read(record).tenant_id == "default"


@pytest.mark.parametrize(
    "kind",
    [
        "Microsoft.Graph.UserUpdated",
        "Microsoft.EventGrid.SubscriptionValidationEvent",
        "Microsoft.Storage.BlobCreated",
        "",
    ],
)
@pytest.mark.parametrize("make", [event_grid_record, cloud_event_record])
def test_events_of_other_topics_are_unreadable_and_say_so(make: Callable[[str], Json], kind: str) -> None:
    record = make(ROLE_WRITE)
    record["eventType" if "eventType" in record else "type"] = kind
    (reading,) = read_batch(written(record), tenant_id="", interest=everything)
    assert f"an Event Grid event of type {kind!r}" in reading.unreadable


def test_a_row_of_old_lacks_the_columns_that_end_in_value() -> None:
    row = EVERY_SHAPE["activity row"]
    old = {name: value for name, value in row.items() if not name.endswith("Value")}
    old |= {"OperationName": ROLE_WRITE, "ActivityStatus": "Succeeded"}
    assert read(old) == msgspec.structs.replace(read(row), operation=ROLE_WRITE)


def test_an_activity_log_record_may_have_plain_words() -> None:
    record = activity_log_record(ROLE_WRITE)
    plain = record | {name: record[name]["value"] for name in ("category", "operationName", "status")}
    assert read(plain) == read(record)


def test_a_record_of_no_interest_is_readable() -> None:
    record = activity_log_record("Microsoft.Compute/disks/delete")
    (reading,) = read_batch(written(record), tenant_id="", interest=nothing)
    assert (reading.event, reading.unreadable) == (None, "")


@pytest.mark.parametrize(
    ("resource", "subscription"),
    [
        (f" /SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/resourceGroups/x ", SUBSCRIPTION),
        (f"/subscriptions/{SUBSCRIPTION}", SUBSCRIPTION),
        (f"x/subscriptions/{SUBSCRIPTION}/resourceGroups/x", ""),
        (f"subscriptions/{SUBSCRIPTION}", ""),
        ("/subscriptions", ""),
        ("", ""),
    ],
)
def test_a_subscription_is_read_from_a_resource_only_where_it_begins_with_it(resource: str, subscription: str) -> None:
    row = EVERY_SHAPE["activity row"] | {"SubscriptionId": "", "ResourceId": resource, "_ResourceId": ""}
    assert read(row).subscription_id == subscription
