"""Security defaults: what records say, and that switching them on keeps no emergency account out."""

import pytest

from infra.local.world import BREAK_GLASS_1, BREAK_GLASS_2
from responders.detections.directory_samples import tenant_record
from responders.kinds.security_defaults import ENABLED, ID, SECURITY_DEFAULTS, leaves
from shared.model.errors import Unreachable
from shared.model.events import Event
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS, Op
from shared.normalize import read_batch
from tests.fakes.kinds import objections, write_of
from tests.fakes.lamps import raw
from tests.fakes.record_strategies import everything
from tests.fakes.tenant import Answer, FakeTenant, Request

_ON: Image = {"id": ID, "displayName": "Security Defaults", "isEnabled": True}
_OFF: Image = _ON | {"isEnabled": False}
_BOTH = frozenset({BREAK_GLASS_1.id, BREAK_GLASS_2.id})
_KEYS = {each: ["passKeyDeviceBound"] for each in sorted(_BOTH)}


def _event(activity: str, **differences: object) -> Event:
    record = tenant_record(activity, "Policy", **differences)
    (reading,) = read_batch(raw(record), tenant_id="t", interest=everything)
    assert reading.event is not None
    return reading.event


def _tenant(standing: Image, registrations: dict[str, list[str]] = _KEYS) -> FakeTenant:
    tenant = FakeTenant(registrations=dict(registrations))
    tenant.shelves[ObjectKind.SECURITY_DEFAULTS][ID] = standing
    return tenant


@pytest.mark.parametrize("service", ["Conditional Access", "Core Directory"])
def test_a_record_says_that_they_were_switched_and_not_how(service: str) -> None:
    event = _event("Update security defaults", loggedByService=service)
    (recorded,) = SECURITY_DEFAULTS.recorded(event)
    assert (recorded.object_id, recorded.op, recorded.wrote, recorded.is_whole) == (ID, Op.UPDATE, {}, False)


@pytest.mark.parametrize(
    ("activity", "result"),
    [("Update security defaults", "failure"), ("Update continuous access evaluation", "success")],
)
def test_other_records_are_about_something_else(activity: str, result: str) -> None:
    event = _event(activity, loggedByService="Conditional Access", result=result)
    assert SECURITY_DEFAULTS.recorded(event) == ()


def test_nothing_but_the_switch_counts() -> None:
    assert leaves(_ON | {"description": "Microsoft's words"}) == {EXISTS: True, ENABLED: True}
    assert leaves(_OFF) == {EXISTS: True, ENABLED: False}


@pytest.mark.parametrize(("standing", "wanted"), [(_ON, _OFF), (_OFF, _ON)], ids=["off", "on"])
def test_it_is_switched_both_ways(standing: Image, wanted: Image) -> None:
    tenant = _tenant(standing)
    SECURITY_DEFAULTS.write(tenant.edges(), write_of(SECURITY_DEFAULTS, ID, standing, leaves(wanted)))
    assert SECURITY_DEFAULTS.read(tenant.edges(), ID) == wanted
    assert [each.body for each in tenant.writes] == [{"isEnabled": wanted["isEnabled"]}]


def test_switched_on_they_keep_nobody_out_who_has_a_key() -> None:
    edges = _tenant(_OFF).edges()
    assert objections(SECURITY_DEFAULTS, edges, ID, _OFF, leaves(_ON), emergency=_BOTH) == {}


@pytest.mark.parametrize(
    "methods",
    [[], ["password"], ["email", "securityQuestion"], ["temporaryAccessPass"], ["unknownFutureValue"], None],
    ids=["none", "password", "weak", "one that ends", "one that nobody knows", "not reported"],
)
def test_an_emergency_account_that_cannot_answer_keeps_them_off(methods: list[str] | None) -> None:
    """What isn't known counts as no."""
    kept = {BREAK_GLASS_1.id: _KEYS[BREAK_GLASS_1.id]} | ({} if methods is None else {BREAK_GLASS_2.id: methods})
    found = objections(SECURITY_DEFAULTS, _tenant(_OFF, kept).edges(), ID, _OFF, leaves(_ON), emergency=_BOTH)
    assert found[ENABLED].can_pass
    assert BREAK_GLASS_2.id in found[ENABLED].because
    assert BREAK_GLASS_1.id not in found[ENABLED].because


def test_a_report_that_cannot_be_read_keeps_them_off() -> None:
    tenant = _tenant(_OFF)

    def spoil(_number: int, request: Request) -> Answer | None:
        if "userRegistrationDetails" in request.url:
            raise Unreachable("the connection was cut")
        return None

    tenant.spoil = spoil
    found = objections(SECURITY_DEFAULTS, tenant.edges(), ID, _OFF, leaves(_ON), emergency=_BOTH)
    assert "can't be read: the connection was cut" in found[ENABLED].because


def test_switching_them_off_asks_nobody() -> None:
    tenant = _tenant(_ON, {})
    assert objections(SECURITY_DEFAULTS, tenant.edges(), ID, _ON, leaves(_OFF), emergency=_BOTH) == {}
    assert tenant.log == []
