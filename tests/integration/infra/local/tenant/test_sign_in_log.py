import re
import time
from importlib.resources import files

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.tenant.instants import parse_instant
from infra.local.tenant.sign_in_records import V1_PROPERTIES, sign_in_record
from infra.local.world import Json
from shared.model.events import SignInEvent
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything
from tests.integration.infra.local.tenant.conftest import Acting, Ready
from tests.integration.infra.local.tenant.polling import eventually

_SIGN_INS = "/beta/auditLogs/signIns"
_V1 = "/v1.0/auditLogs/signIns"
_AUDITS = "/v1.0/auditLogs/directoryAudits"
_BOTH = "signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')"


def _given(client: httpx.Client, path: str = _SIGN_INS, **params: str | int) -> list[Json]:
    return client.get(path, params=params).raise_for_status().json()["value"]


def _ids(records: list[Json]) -> list[str]:
    return [record["id"] for record in records]


def _sign_in(number: int, *types: str) -> Json:
    at = parse_instant(f"2026-02-01T10:00:0{number}Z")
    return sign_in_record(world.MALLORY, at=at, id=f"s{number}", signInEventTypes=types or ["interactiveUser"])


@pytest.fixture
def five(control: TenantControl) -> list[str]:
    """Five sign-ins, a second apart, that arrive in no order, the fourth without a page; their ids by time."""
    for number in (3, 1, 5, 2, 4):
        kind = "nonInteractiveUser" if number == 4 else "interactiveUser"
        control.add_sign_in(_sign_in(number, kind), tenant=world.WORKFORCE_TENANT)
    return ["s1", "s2", "s3", "s4", "s5"]


def test_newest_first_and_only_those_that_saw_a_page_unless_asked_otherwise(
    five: list[str], alice: httpx.Client
) -> None:
    assert _ids(_given(alice)) == ["s5", "s3", "s2", "s1"]
    assert _ids(_given(alice, **{"$filter": _BOTH})) == five[::-1]
    assert _ids(_given(alice, **{"$filter": "signInEventTypes/any(t: t eq 'nonInteractiveUser')"})) == ["s4"]
    assert _ids(_given(alice, **{"$filter": _BOTH, "$orderby": "createdDateTime asc"})) == five


def test_filters_by_time(five: list[str], alice: httpx.Client) -> None:
    window = "createdDateTime ge 2026-02-01T10:00:02Z and createdDateTime le 2026-02-01T10:00:04Z"
    assert _ids(_given(alice, **{"$filter": window})) == ["s3", "s2"]
    assert _ids(_given(alice, **{"$filter": f"{window} and {_BOTH}"})) == five[3:0:-1]


def test_pages_keep_the_filter(five: list[str], tenant: Ready, alice: httpx.Client) -> None:
    params = {"$top": 2, "$filter": f"createdDateTime ge 2026-02-01T10:00:02Z and {_BOTH}"}
    pages = [alice.get(_SIGN_INS, params=params).json()]
    while link := pages[-1].get("@odata.nextLink"):
        assert link.startswith(f"{tenant.graph}{_SIGN_INS}?")
        pages.append(alice.get(link).json())
    assert [_ids(page["value"]) for page in pages] == [["s5", "s4"], ["s3", "s2"]]
    assert five


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (_SIGN_INS, {"$filter": "activityDateTime ge 2026-02-01T10:00:00Z"}),
        (_SIGN_INS, {"$filter": "userPrincipalName eq 'mallory'"}),
        (_SIGN_INS, {"$top": 1001}),
        (_SIGN_INS, {"$orderby": "activityDateTime"}),
        (_V1, {"$filter": _BOTH}),
        (_AUDITS, {"$filter": _BOTH}),
    ],
)
def test_refuses_what_it_cannot_read(alice: httpx.Client, path: str, params: dict[str, str | int]) -> None:
    answer = alice.get(path, params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_version_1_shows_less_and_no_others(five: list[str], alice: httpx.Client) -> None:
    (newest, *_), (same, *_) = _given(alice), _given(alice, _V1)
    assert _ids(_given(alice, _V1)) == ["s5", "s3", "s2", "s1"]
    assert same == {name: value for name, value in newest.items() if name in V1_PROPERTIES}
    assert newest.keys() - same.keys() >= {"authenticationProtocol", "authenticationDetails", "signInEventTypes"}
    one = alice.get(f"{_V1}/{five[0]}").raise_for_status().json()
    assert one.keys() == same.keys() | {"@odata.context"}


def test_what_version_1_shows_is_what_the_sdk_knows() -> None:
    model = files("msgraph").joinpath("generated", "models", "sign_in.py").read_text()
    assert {"id", *re.findall(r'"(\w+)": lambda n :', model)} == V1_PROPERTIES


def test_a_sign_in_is_read_by_its_id(five: list[str], alice: httpx.Client) -> None:
    assert alice.get(f"{_SIGN_INS}/{five[3]}").raise_for_status().json()["id"] == "s4"
    assert alice.get(f"{_SIGN_INS}/none").status_code == 404


def test_a_sign_in_is_one_that_the_product_reads(control: TenantControl, alice: httpx.Client) -> None:
    control.add_sign_in(sign_in_record(world.MALLORY, error_code=50126), tenant=world.WORKFORCE_TENANT)
    page = eventually(lambda: alice.get(_SIGN_INS), lambda answer: bool(answer.json()["value"])).content
    (reading,) = read_batch(page, tenant_id=world.WORKFORCE_TENANT, interest=everything)
    assert isinstance(reading.event, SignInEvent)
    assert (reading.event.error_code, reading.event.actor.id) == ("50126", world.MALLORY.id)


def test_each_tenant_has_its_own(five: list[str], alice: httpx.Client, carol: httpx.Client) -> None:
    assert len(_given(alice)) == len(five) - 1
    assert _given(carol) == []


def test_a_sign_in_shows_up_after_its_lag(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(audit_lag=0.3)
    began = time.monotonic()
    control.add_sign_in(_sign_in(1), tenant=world.WORKFORCE_TENANT)
    assert _given(alice) == []
    eventually(lambda: _given(alice), bool)
    assert time.monotonic() - began >= 0.3


def test_both_logs_are_throttled_together(acting: Acting) -> None:
    responder = acting(world.RESPONDER, unthrottled=False)
    paths = [_AUDITS, _SIGN_INS, _AUDITS, _SIGN_INS, _AUDITS]
    assert [responder.get(path).status_code for path in paths] == [200] * 5
    assert {responder.get(path).status_code for path in (_AUDITS, _SIGN_INS)} == {429}


@pytest.mark.parametrize("path", [_SIGN_INS, _V1, f"{_SIGN_INS}/s1"])
def test_a_tenant_without_a_licence_is_refused(
    five: list[str], control: TenantControl, alice: httpx.Client, carol: httpx.Client, path: str
) -> None:
    assert five
    control.settings(unlicensed_tenants=[world.WORKFORCE_TENANT])
    answer = alice.get(path)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert alice.get(_AUDITS).status_code == 200
    assert carol.get(_SIGN_INS).status_code == 200
