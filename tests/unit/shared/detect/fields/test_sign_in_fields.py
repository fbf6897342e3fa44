"""Computed fields of a sign-in, over events built directly; that Kusto tells the same is tested beside its fields."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.detect.fields import SignIn
from shared.detect.fields.by_log import FIELDS
from shared.model.conditions import Text
from shared.model.events import Actor, Log, SignInEvent
from shared.model.profile import DEFAULT, Hours, TenantProfile

EVERY: Final = list(FIELDS[Log.SIGN_IN].values())
MORGAN: Final = "d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3"
ROBIN: Final = "f95c2e07-83ab-4d16-b7e0-4a1d98c6353b"


def event(**differences: Any) -> SignInEvent:  # noqa: ANN401 - the fields of SignInEvent
    known: dict[str, Any] = {
        "id": "1",
        "tenant_id": "t",
        "at": datetime(2026, 3, 17, 9, 20, tzinfo=UTC),
        "correlation_id": "1",
        "actor": Actor(id=MORGAN, name="morgan@contoso.com", address="198.51.100.23"),
        "app_id": "a",
        "app_name": "Order portal",
        "resource_name": "",
        "error_code": "0",
        "failure_reason": "",
        "country": "NL",
        "client_app": "",
        "authentication_protocol": "",
        "conditional_access": "",
        "browser": "Edge 134.0.0",
        "operating_system": "Windows 10",
    }
    return SignInEvent(**known | differences)


NOTHING: Final = event(
    actor=Actor(), app_id="", app_name="", error_code="", country="", browser="", operating_system=""
)


@pytest.mark.parametrize("field", EVERY, ids=lambda one: one.name)
def test_nothing_gives_an_empty_text_or_a_plain_answer(field: Text[SignInEvent]) -> None:
    assert field.read(NOTHING) in {"", "unknown", "consumer"}


CONTROLS: Final = TenantProfile(
    privileged_countries=frozenset({"NL"}),
    privileged_networks=frozenset({"198.51.100.0/24", "2001:db8:4::/48"}),
    privileged_browsers=frozenset({"Edge", "Mobile Safari"}),
    privileged_operating_systems=frozenset({"Windows"}),
)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ({}, ""),
        ({"country": "nl "}, ""),
        ({"country": "BE"}, "country"),
        ({"country": ""}, "unknown"),
        ({"country": "", "browser": "Chrome 141.0.0"}, "browser"),
        ({"country": "BE", "browser": ""}, "country"),
        ({"actor": Actor(address="198.51.101.1")}, "network"),
        ({"actor": Actor(address="2001:db8:4::7")}, ""),
        ({"actor": Actor(address="2001:DB8:5::7")}, "network"),
        ({"actor": Actor(address="198.51.100")}, "unknown"),
        ({"actor": Actor(address="198.51.100.0/24")}, "unknown"),
        ({"actor": Actor(address="")}, "unknown"),
        ({"browser": "mobile safari 18.5"}, ""),
        ({"browser": "My Edge"}, "browser"),
        ({"operating_system": "Linux"}, "operating-system"),
        ({"operating_system": ""}, "unknown"),
    ],
)
def test_the_first_control_that_fails_is_told_and_what_is_not_told_is_unknown(
    differences: dict[str, Any], expected: str
) -> None:
    assert SignIn.beyond_controls.reader(CONTROLS)(event(**differences)) == expected
    assert SignIn.beyond_controls.reader(DEFAULT)(event(**differences)) == ""


DAY: Final = Hours(zone="Europe/Amsterdam", begin="08:00", end="18:00")
NIGHT: Final = Hours(zone="America/New_York", begin="22:00", end="06:00", days=frozenset({5}))
ALL_DAY: Final = Hours(zone="UTC", begin="00:00", end="00:00", days=frozenset({7}))


@pytest.mark.parametrize(
    ("of_it", "at", "expected"),
    [
        (DAY, "2026-03-17T07:00:00Z", "inside"),
        (DAY, "2026-03-17T06:59:59Z", "outside"),
        (DAY, "2026-03-17T16:59:59Z", "inside"),
        (DAY, "2026-03-17T17:00:00Z", "outside"),
        (DAY, "2026-03-30T06:00:00Z", "inside"),  # summer time began the day before
        (DAY, "2026-03-30T16:00:00Z", "outside"),
        (DAY, "2026-03-21T11:00:00Z", "outside"),  # a Saturday
        (NIGHT, "2026-01-03T02:59:59Z", "outside"),  # in New York still Friday, 21:59
        (NIGHT, "2026-01-03T03:00:00Z", "inside"),
        (NIGHT, "2026-01-03T10:59:59Z", "inside"),  # Saturday's morning is of Friday's night
        (NIGHT, "2026-01-03T11:00:00Z", "outside"),
        (NIGHT, "2026-01-02T10:00:00Z", "outside"),  # Friday's morning is of Thursday's night
        (ALL_DAY, "2026-03-22T00:00:00Z", "inside"),
        (ALL_DAY, "2026-03-22T23:59:59Z", "inside"),
        (ALL_DAY, "2026-03-23T00:00:00Z", "outside"),
    ],
)
def test_hours_are_those_of_the_zone_and_a_night_is_of_the_day_it_begins_on(
    of_it: Hours, at: str, expected: str
) -> None:
    read = SignIn.hours.reader(TenantProfile(working_hours={"*": of_it}))
    assert read(event(at=datetime.fromisoformat(at))) == expected


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 - hypothesis draws naive ones
def test_every_hour_is_inside_where_all_are(at: datetime) -> None:
    always = Hours(zone="Pacific/Chatham", begin="07:30", end="07:30", days=frozenset(range(1, 8)))
    assert SignIn.hours.reader(TenantProfile(working_hours={"*": always}))(event(at=at.replace(tzinfo=UTC))) == "inside"


def test_an_accounts_own_hours_go_before_those_of_all() -> None:
    read = SignIn.hours.reader(TenantProfile(working_hours={MORGAN: DAY, "*": NIGHT}))
    assert (read(event()), read(event(actor=Actor(id=ROBIN)))) == ("inside", "outside")
    assert SignIn.hours.reader(TenantProfile(working_hours={ROBIN: DAY}))(event()) == "unknown"


ROSTER: Final = TenantProfile(
    privileged_accounts=frozenset({MORGAN}),
    privileged_known_in=frozenset({"t"}),
    emergency_accounts=frozenset({ROBIN}),
    vip_accounts=frozenset({ROBIN}),
)


@pytest.mark.parametrize(
    ("account", "tenant_id", "level", "kind", "vip"),
    [
        (MORGAN, "t", "privileged", "", ""),
        (MORGAN, "another", "privileged", "", ""),
        (ROBIN, "t", "other", "emergency", "vip"),
        (ROBIN, "another", "unknown", "emergency", "vip"),
        ("", "t", "unknown", "", ""),
    ],
)
def test_who_an_account_is_goes_by_id(account: str, tenant_id: str, level: str, kind: str, vip: str) -> None:
    of_it = event(actor=Actor(id=account), tenant_id=tenant_id)
    fields = (SignIn.account_level, SignIn.account_kind, SignIn.account_set)
    assert [field.reader(ROSTER)(of_it) for field in fields] == [level, kind, vip]


@pytest.mark.parametrize(
    ("code", "expected"), [("0", "success"), ("50126", "failure"), ("50140", "interrupt"), ("", ""), ("00", "failure")]
)
def test_how_it_ended_goes_by_the_code(code: str, expected: str) -> None:
    assert SignIn.result.read(event(error_code=code)) == expected


def test_what_an_interrupt_is_can_be_set() -> None:
    read = SignIn.result.reader(TenantProfile(interrupts=frozenset({"50126"})))
    assert [read(event(error_code=code)) for code in ("50126", "50140")] == ["interrupt", "failure"]


@pytest.mark.parametrize(("country", "expected"), [("be", "home"), (" NL", "home"), ("US", "foreign"), ("", "unknown")])
def test_a_country_that_is_not_told_is_not_foreign(country: str, expected: str) -> None:
    assert (
        SignIn.abroad.reader(TenantProfile(allowed_countries=frozenset({"NL", "BE"})))(event(country=country))
        == expected
    )
    assert SignIn.abroad.read(event(country=country)) == "unknown"


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("MFA denied; user declined the authentication", "denied"),
        ("MFA Denied;  fraud code entered", "fraud"),
        ("mfa\N{NO-BREAK SPACE}denied; Phone App Reported Fraud", "fraud"),
        ("MFA required in Azure AD", ""),
        ("Reported fraud: MFA denied", ""),
        ("", ""),
    ],
)
def test_what_the_prompt_came_to(detail: str, expected: str) -> None:
    assert SignIn.mfa_answer.read(event(mfa_detail=detail)) == expected


@pytest.mark.parametrize(
    ("actor", "expected"),
    [(Actor(id=MORGAN, name="morgan"), MORGAN), (Actor(name=" Robin@Contoso.com"), "robin@contoso.com"), (Actor(), "")],
)
def test_without_an_account_the_typed_name_tells_people_apart(actor: Actor, expected: str) -> None:
    assert SignIn.identity.read(event(actor=actor)) == expected


@pytest.mark.parametrize(
    ("app_name", "app_id", "expected"),
    [
        ("cpim powershell\N{NO-BREAK SPACE}client", "", "consumer"),
        ("anything", "b5e8d031-7a9c-4f62-8d14-c06e2f9b71a5", "consumer"),
        ("CPIM", "", ""),
        ("", "", ""),
    ],
)
def test_consumer_apps_are_known_by_name_or_id(app_name: str, app_id: str, expected: str) -> None:
    apps = frozenset({"CPIM PowerShell Client", "B5E8D031-7a9c-4f62-8d14-c06e2f9b71a5"})
    read = SignIn.app_set.reader(TenantProfile(consumer_apps=apps))
    assert read(event(app_name=app_name, app_id=app_id)) == expected
