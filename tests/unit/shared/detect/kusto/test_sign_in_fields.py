"""Each field of a sign-in, told by the app and by Kusto (which DuckDB executes) of the same rows: the same words."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, cast

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from responders.catalogue import CATALOGUE
from responders.detections.samples import TENANT
from responders.detections.sign_in_samples import failed
from shared.detect.fields import SignIn
from shared.detect.kusto.compile import matching_query
from shared.model.conditions import Not, Text, any_of
from shared.model.events import Log, SignInEvent
from shared.model.profile import DEFAULT, Hours, TenantProfile
from shared.normalize import read_batch
from tests.fakes.kql_rows import Json
from tests.fakes.kql_workspace import Workspace, to_sql
from tests.fakes.record_strategies import everything, sign_in_record, sign_in_row

FIELDS: Final = [cast("Text[SignInEvent]", field) for field in vars(SignIn).values() if isinstance(field, Text)]
MORGAN: Final = "d40a6b7e-8c15-4f29-93e6-1b7f52ac80d3"
ROBIN: Final = "f95c2e07-83ab-4d16-b7e0-4a1d98c6353b"
OFFICE: Final = Hours(zone="Europe/Amsterdam", begin="08:00", end="18:30")
NIGHT: Final = Hours(zone="America/New_York", begin="22:00", end="06:00", days=frozenset({5, 6, 7}))

VOCABULARIES: Final[Mapping[str, TenantProfile]] = {
    "default": DEFAULT,
    "all": TenantProfile(
        consumer_apps=frozenset({"Order  Portal", "04B07795-8ddb-461a-bbee-02f9e1bf7b46"}),
        allowed_countries=frozenset({"NL", "be"}),
        privileged_countries=frozenset({"nl"}),
        privileged_networks=frozenset({"198.51.100.0/24", "203.0.113.7", "2001:db8:4::/48"}),
        privileged_browsers=frozenset({"Edge", "Mobile Safari"}),
        privileged_operating_systems=frozenset({"windows"}),
        working_hours={MORGAN: OFFICE, ROBIN: NIGHT},
        vip_accounts=frozenset({ROBIN}),
        privileged_accounts=frozenset({MORGAN}),
        privileged_known_in=frozenset({TENANT}),
        consumer_tenants=frozenset({TENANT}),
        emergency_accounts=frozenset({ROBIN}),
    ),
    "others": TenantProfile(
        privileged_networks=frozenset({"2001:db8:4::/48"}),
        privileged_browsers=frozenset({"Chrome"}),
        working_hours={"*": NIGHT, MORGAN: OFFICE},
        interrupts=frozenset(),
        consumer_tenants=frozenset(),
    ),
}

_BEGIN: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - hypothesis draws naive ones
_CODES: Final = (0, "0", 50126, 53003, 50074, 500121, "", None)
_DETAILS: Final = (
    None,
    "MFA denied; user declined",
    " mfa\N{NO-BREAK SPACE}DENIED; Phone App Reported Fraud",
    "MFA required",
)
_statuses = st.builds(failed, st.sampled_from(_CODES), st.sampled_from(_DETAILS))  # type: ignore[arg-type]
_steps = st.lists(
    st.sampled_from(_DETAILS).map(lambda detail: {"authenticationStepResultDetail": detail, "succeeded": False}),
    max_size=3,
)
_devices = st.fixed_dictionaries(
    {},
    optional={
        "browser": st.sampled_from(
            (None, "", "Edge 134.0.0", "Chrome 141.0.0", "MOBILE\tSafari 18.5", "Python Requests 2.32")
        ),
        "operatingSystem": st.sampled_from((None, "Windows 10", "Windows10", "Linux", "")),
    },
)
_records = st.builds(
    sign_in_record,
    createdDateTime=st.datetimes(_BEGIN, _BEGIN + timedelta(days=365)).map(lambda at: f"{at.isoformat()}Z"),
    userId=st.sampled_from(
        (MORGAN, ROBIN.upper(), f" {ROBIN}", ROBIN.replace("-", ""), "00000000-0000-0000-0000-000000000000", "", None)
    ),
    userPrincipalName=st.sampled_from(("robin@contoso.com", " Robin\N{EM SPACE}R ", "", None)),
    appId=st.sampled_from(("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "4d8a17f2-e6c3-4f0b-9b25-c7013e8fd946", "")),
    appDisplayName=st.sampled_from(
        ("Order portal", "order\N{NO-BREAK SPACE}portal ", "CPIM PowerShell Client", "", None)
    ),
    ipAddress=st.sampled_from(
        (
            "198.51.100.23",
            "198.51.101.23",
            "203.0.113.7",
            "2001:db8:4::1",
            "2001:DB8:5::1",
            " 198.51.100.23",
            "198.51.100.0/24",
            "198.51.100",
            "x",
            "",
            None,
        )
    ),
    location=st.sampled_from(
        (None, {}, {"countryOrRegion": "NL"}, {"countryOrRegion": " be"}, {"countryOrRegion": "RU"})
    ),
    deviceDetail=_devices | st.none(),
    status=_statuses,
    authenticationDetails=_steps,
    isInteractive=st.sampled_from((True, False, None)),
    authenticationProtocol=st.sampled_from(("ropc", "none", "ROPC", None)),
)


@st.composite
def _rows(draw: st.DrawFn) -> Json:
    row = sign_in_row(draw(_records))
    if draw(st.booleans()):
        row |= {"Location": draw(st.sampled_from(("NL", "US", "")))}
    if draw(st.booleans()):
        return row
    del row["AADTenantId"]
    tenant = draw(st.sampled_from((TENANT, TENANT.upper(), "77777777-0000-4000-8000-000000000000")))
    return row | {"Type": "AADNonInteractiveUserSignInLogs", "ResourceTenantId": tenant}


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace()


def sql_of(profile: TenantProfile) -> str:
    every = any_of(*(Not(field.is_("no such word")) for field in FIELDS))
    detection: Any = dataclasses.replace(CATALOGUE[0], log=Log.SIGN_IN, when=every, counted=None, after=None)
    return to_sql(matching_query(detection, profile))


def told_in_process(profile: TenantProfile, rows: list[Json]) -> dict[int, Json]:
    readings = list(read_batch(json.dumps(rows).encode(), tenant_id="", interest=everything))
    assert [reading.unreadable for reading in readings] == [""] * len(rows)
    readers = {field.name: field.reader(profile) for field in FIELDS}
    events = {reading.index: cast("SignInEvent", reading.event) for reading in readings}
    return {place: {name: read(event) for name, read in readers.items()} for place, event in events.items()}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_both_tell_the_same_of_each_field(workspace: Workspace, name: str) -> None:
    profile = VOCABULARIES[name]
    sql = sql_of(profile)

    @settings(max_examples=4, phases=[Phase.generate])
    @given(st.lists(_rows(), min_size=20, max_size=40))
    def agree(drawn: list[Json]) -> None:
        workspace.fill(drawn)
        answers, expected = workspace.answers(sql), told_in_process(profile, drawn)
        assert answers.keys() == expected.keys()
        for place, fields in expected.items():
            assert {field: answers[place][field] for field in fields} == fields, drawn[place]

    agree()
