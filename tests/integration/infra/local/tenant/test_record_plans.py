"""Records that come late, twice, out of order, cut short, without their values, or never."""

import json
from typing import Any

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.polling import eventually

_AUDITS = "/v1.0/auditLogs/directoryAudits"
_CA = "/v1.0/identity/conditionalAccess/policies"
_UPDATE = "Update conditional access policy"


def _updates(client: httpx.Client) -> list[Json]:
    shown = client.get(_AUDITS, params={"$orderby": "activityDateTime"}).raise_for_status().json()["value"]
    return [record for record in shown if record["activityDisplayName"] == _UPDATE]


def _disable(client: httpx.Client, *policies: world.CaPolicy) -> None:
    for policy in policies:
        client.patch(f"{_CA}/{policy.id}", json={"state": "disabled"}).raise_for_status()


def _about(records: list[Json]) -> list[str]:
    return [record["targetResources"][0]["id"] for record in records]


def test_a_record_can_come_late_and_so_out_of_order(control: TenantControl, alice: httpx.Client) -> None:
    control.plan_records(f'"{_UPDATE}".*{world.MFA_FOR_ALL.id}', tenant=world.WORKFORCE_TENANT, late=0.5)
    _disable(alice, world.MFA_FOR_ALL, world.BLOCK_LEGACY)
    first = eventually(lambda: _updates(alice), bool)
    assert _about(first) == [world.BLOCK_LEGACY.id]
    both = eventually(lambda: _updates(alice), lambda records: len(records) == 2)
    assert _about(both) == [world.MFA_FOR_ALL.id, world.BLOCK_LEGACY.id]


@pytest.mark.parametrize("copies", [0, 1, 3])
def test_a_record_can_come_several_times_or_never(control: TenantControl, alice: httpx.Client, copies: int) -> None:
    control.plan_records(_UPDATE, tenant=world.WORKFORCE_TENANT, copies=copies)
    _disable(alice, world.MFA_FOR_ALL, world.BLOCK_LEGACY)
    records = eventually(lambda: _updates(alice), lambda records: world.BLOCK_LEGACY.id in _about(records))
    assert _about(records) == [world.MFA_FOR_ALL.id] * copies + [world.BLOCK_LEGACY.id]
    assert len({record["id"] for record in records}) == 1 + min(copies, 1)


@pytest.mark.parametrize("plan", [{"skip": 1}, {"skip": 1, "times": 2}])
def test_a_plan_counts_the_records_it_is_for(control: TenantControl, alice: httpx.Client, plan: dict[str, int]) -> None:
    control.plan_records(_UPDATE, tenant=world.WORKFORCE_TENANT, copies=0, **plan)
    _disable(alice, world.MFA_FOR_ALL, world.BLOCK_LEGACY, world.MFA_FOR_ADMINS)
    expected = [world.MFA_FOR_ALL.id] if "times" in plan else [world.MFA_FOR_ALL.id, world.MFA_FOR_ADMINS.id]
    assert _about(eventually(lambda: _updates(alice), lambda records: len(records) >= len(expected))) == expected


def _changed(client: httpx.Client) -> list[dict[str, Any]]:
    _disable(client, world.MFA_FOR_ALL)
    (record,) = eventually(lambda: _updates(client), bool)
    return record["targetResources"][0]["modifiedProperties"]


def test_a_record_can_lose_its_values(control: TenantControl, alice: httpx.Client) -> None:
    control.plan_records(_UPDATE, tenant=world.WORKFORCE_TENANT, values="without values")
    (change,) = _changed(alice)
    assert (change["oldValue"], change["newValue"]) == (None, None)


def test_a_record_can_lose_its_properties(control: TenantControl, alice: httpx.Client) -> None:
    control.plan_records(_UPDATE, tenant=world.WORKFORCE_TENANT, values="without properties")
    assert _changed(alice) == []


def test_a_record_can_be_cut_short(control: TenantControl, alice: httpx.Client) -> None:
    control.plan_records(_UPDATE, tenant=world.WORKFORCE_TENANT, values="cut short")
    (change,) = _changed(alice)
    assert change["newValue"].startswith('{"id":"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(change["newValue"])


def test_the_log_can_have_a_limit_that_a_long_name_runs_into(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(record_value_limit=2_000)
    (change,) = _changed(alice)
    assert json.loads(change["newValue"])["state"] == "disabled"
    alice.patch(f"{_CA}/{world.BLOCK_LEGACY.id}", json={"displayName": "x" * 3_000}).raise_for_status()
    records = eventually(lambda: _updates(alice), lambda records: len(records) == 2)
    (padded,) = records[1]["targetResources"][0]["modifiedProperties"]
    assert len(padded["newValue"]) == 2_000
    assert json.loads(padded["oldValue"])["displayName"] == world.BLOCK_LEGACY.name
