import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from msgspec import Raw

from responders.detections.samples import TENANT
from responders.detections.sign_in_samples import failed
from shared.model.events import ActorKind, Log, SignInEvent
from shared.normalize import Interest, read_batch
from tests.fakes.record_strategies import Json, diagnostic_sign_in, everything, sign_in_record, sign_in_row, written

SHAPES: Final[tuple[Callable[[Json], Json], ...]] = (dict, diagnostic_sign_in, sign_in_row)


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
    assert (event.browser, event.operating_system) == ("Edge 134.0.0", "Windows 10")
    assert (event.authentication_protocol, event.mfa_detail) == ("", "")
    assert (event.target.id, event.target.name) == ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI")


def test_the_three_shapes_of_a_record_are_one_event() -> None:
    record = sign_in_record()
    assert read(diagnostic_sign_in(record), tenant_id="x") == read(record) == read(sign_in_row(record), tenant_id="x")


@pytest.mark.parametrize("code", [0, "0"])
def test_success_is_told_by_the_code(code: int | str) -> None:
    record = sign_in_record(status={"errorCode": code, "failureReason": "Other."})
    assert read(record).error_code == read(diagnostic_sign_in(record)).error_code == "0"


_STEPS: Final = [
    {"authenticationMethod": "Password", "succeeded": True, "authenticationStepResultDetail": "Correct password"},
    {"authenticationMethod": "Mobile app notification", "succeeded": False},
    {"authenticationStepResultDetail": "MFA denied; user declined the authentication"},
    {"authenticationStepResultDetail": "MFA denied; fraud code entered"},
]
_DECLINED: Final = "MFA denied; user declined the authentication"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            sign_in_record(status=failed(500121, "MFA denied; Phone App Reported Fraud")),
            "MFA denied; Phone App Reported Fraud",
        ),
        (sign_in_record(status=failed(500121), authenticationDetails=_STEPS), _DECLINED),
        (sign_in_record(status=failed(500121, "MFA required in Azure AD"), authenticationDetails=_STEPS), _DECLINED),
        (
            sign_in_record(status=failed(500121, "MFA\N{NO-BREAK SPACE}Denied"), authenticationDetails=_STEPS),
            "MFA\N{NO-BREAK SPACE}Denied",
        ),
        (sign_in_record(status=failed(500121, "MFA required"), authenticationDetails=_STEPS[:2]), "MFA required"),
        (sign_in_record(status=failed(500121), authenticationDetails=[]), ""),
        (sign_in_record(status=failed(50126), authenticationDetails=_STEPS), ""),
    ],
)
def test_what_the_second_factor_came_to_is_told_by_the_status_or_a_step(
    record: Json, expected: str, shape: Callable[[Json], Json]
) -> None:
    assert read(shape(record)).mfa_detail == expected


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("device", [None, {}, {"operatingSystem": "Windows"}, {"browser": None}])
def test_a_device_that_is_not_told_is_unknown(device: Json | None, shape: Callable[[Json], Json]) -> None:
    event = read(shape(sign_in_record(deviceDetail=device)))
    assert (event.browser, event.operating_system) == ("", (device or {}).get("operatingSystem", ""))


def test_nested_columns_of_a_row_are_strings_or_dynamic() -> None:
    row = sign_in_row(sign_in_record(status=failed(500121), authenticationDetails=_STEPS))
    dynamic = {name: json.loads(row[name]) for name in ("Status", "DeviceDetail", "AuthenticationDetails")}
    event = read(row | dynamic)
    assert event == read(row)
    assert (event.browser, event.mfa_detail) == ("Edge 134.0.0", _DECLINED)


def test_a_row_that_names_no_tenant_is_of_the_one_signed_in_to() -> None:
    row = {name: value for name, value in sign_in_row(sign_in_record()).items() if name != "AADTenantId"}
    assert read(row | {"ResourceTenantId": TENANT.upper()}, tenant_id="x").tenant_id == TENANT
    assert read(row, tenant_id="x").tenant_id == "x"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("given", "expected"), [(True, "true"), (False, "false"), ("False", "false"), (None, "")])
def test_what_a_program_renewed_by_itself_is_told_apart(
    given: object, expected: str, shape: Callable[[Json], Json]
) -> None:
    assert read(shape(sign_in_record(isInteractive=given))).interactive == expected


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
    # The wrapping names the country, and no city.
    assert event == read(sign_in_record(location={"countryOrRegion": "NL"}))


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

    def in_record(log: Log, name: str, raw: Raw, tenant_id: str) -> bool:
        assert (bytes(raw), tenant_id) == (written(record), "")
        asked.append((log, name))
        return False

    interest = Interest(at_a_glance=lambda _log, _name, _tenant_id: True, in_record=in_record)
    (reading,) = read_batch(written(record), tenant_id="", interest=interest)
    assert reading.event is None
    assert not reading.unreadable
    assert asked == [(Log.SIGN_IN, "53003")]
