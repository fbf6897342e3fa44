from datetime import UTC, datetime
from typing import Any

import pytest

from responders.detections.samples import TENANT
from shared.events import ActorKind, Log, SignInEvent
from shared.normalize import read_batch
from tests.shared.record_strategies import Json, diagnostic_sign_in, everything, sign_in_record, sign_in_row, written


def read(record: Json, *, tenant_id: str = TENANT) -> SignInEvent:
    (reading,) = read_batch(written(record), tenant_id=tenant_id, interest=everything)
    assert isinstance(reading.event, SignInEvent), reading.unreadable
    return reading.event


def test_every_field_of_a_graph_record_is_read() -> None:
    event = read(sign_in_record())
    assert event.at == datetime(2026, 3, 17, 9, 20, 11, tzinfo=UTC)
    assert (event.error_code, event.failure_reason) == ("53003", "Blocked by Conditional Access.")
    assert (event.actor.id, event.actor.kind) == ("d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3", ActorKind.USER)
    assert (event.actor.name, event.actor.address) == ("morgan@fabrikam.onmicrosoft.com", "198.51.100.23")
    assert (event.country, event.resource_name) == ("NL", "Azure Resource Manager")
    assert (event.client_app, event.conditional_access) == ("Mobile Apps and Desktop clients", "failure")
    assert event.authentication_protocol == ""
    assert (event.target.id, event.target.name) == ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI")


def test_the_three_shapes_of_a_record_are_one_event() -> None:
    record = sign_in_record()
    assert read(diagnostic_sign_in(record), tenant_id="x") == read(record) == read(sign_in_row(record), tenant_id="x")


@pytest.mark.parametrize("code", [0, "0"])
def test_success_is_told_by_the_code(code: int | str) -> None:
    record = sign_in_record(status={"errorCode": code, "failureReason": "Other."})
    assert read(record).error_code == read(diagnostic_sign_in(record)).error_code == "0"


def test_an_application_may_sign_in_by_itself() -> None:
    record = sign_in_record(
        userId="", servicePrincipalId="68F3C9D1-0B4E-4E7A-A526-C98D07E31F4B", servicePrincipalName="job"
    )
    actor = read(record).actor
    assert (actor.id, actor.kind, actor.name) == (
        "68f3c9d1-0b4e-4e7a-a526-c98d07e31f4b",
        ActorKind.SERVICE_PRINCIPAL,
        "job",
    )


@pytest.mark.parametrize("location", [None, {}, {"countryOrRegion": None}, {"city": "Utrecht"}])
def test_a_country_that_is_not_told_is_unknown(location: Json | None) -> None:
    assert read(sign_in_record(location=location)).country == ""


def test_the_wrapping_gives_what_the_record_leaves_out() -> None:
    wrapped = diagnostic_sign_in(sign_in_record())
    inner: dict[str, Any] = wrapped["properties"] | dict.fromkeys(("status", "location", "ipAddress", "correlationId"))
    event = read(wrapped | {"properties": inner})
    assert event == read(sign_in_record())


@pytest.mark.parametrize(
    "record",
    [
        sign_in_record(),
        diagnostic_sign_in(sign_in_record()),
        diagnostic_sign_in(sign_in_record()) | {"category": "NonInteractiveUserSignInLogs"},
        sign_in_row(sign_in_record()),
        sign_in_row(sign_in_record()) | {"Type": "AADNonInteractiveUserSignInLogs"},
        sign_in_row(sign_in_record()) | {"Type": None},
    ],
)
def test_interest_is_asked_by_error_code(record: Json) -> None:
    asked: list[tuple[Log, str]] = []

    def interest(log: Log, name: str) -> bool:
        asked.append((log, name))
        return False

    (reading,) = read_batch(written(record), tenant_id="", interest=interest)
    assert reading.event is None
    assert not reading.unreadable
    assert asked == [(Log.SIGN_IN, "53003")]
