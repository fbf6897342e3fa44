"""Conditional access policies of the simulated tenant, over HTTP, with the records that it writes itself."""

from typing import Any

import pytest

from infra.local import world
from responders.kinds.ca_policies import CA_POLICY
from responders.kinds.ca_policy_leaves import leaves
from shared.model.kinds import Image
from shared.model.objects import EXISTS, WHOLE, Op
from tests.fakes.kinds import difference, objections, write_of, written
from tests.fakes.recorded import recorded_of
from tests.integration.responders.conftest import SimulatedTenant

_CA = "/v1.0/identity/conditionalAccess/policies"
_POLICY = world.CA_POLICIES[0].id


def _read(simulated: SimulatedTenant, policy_id: str = _POLICY) -> Image:
    found = CA_POLICY.read(simulated.workforce, policy_id)
    assert found is not None
    return found


_CHANGES: list[dict[str, Any]] = [
    {"state": "disabled"},
    {"displayName": "Renamed", "description": "By Mallory"},
    {"grantControls": {"operator": "OR", "builtInControls": ["mfa"]}},
    {"sessionControls": {"signInFrequency": {"value": 4, "type": "hours", "isEnabled": True}}},
]


@pytest.mark.parametrize("body", _CHANGES, ids=str)
def test_a_change_is_told_whole_and_put_back_to_exactly_what_was(simulated: SimulatedTenant, *, body: Image) -> None:
    before = _read(simulated)
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.patch(f"{_CA}/{_POLICY}", json=body).raise_for_status()
    after = _read(simulated)
    (recorded,) = recorded_of(CA_POLICY, simulated.workforce, _POLICY)
    assert (recorded.op, recorded.is_whole) == (Op.UPDATE, True)
    assert recorded.wrote == difference(leaves(before), leaves(after), CA_POLICY)
    CA_POLICY.write(simulated.workforce, write_of(CA_POLICY, _POLICY, after, leaves(before)))
    assert leaves(_read(simulated)) == leaves(before)


def test_members_and_parts_of_conditions_are_told_and_put_back(simulated: SimulatedTenant) -> None:
    before = _read(simulated)
    users = before["conditions"]["users"]
    conditions = {
        "applications": before["conditions"]["applications"],
        "clientAppTypes": ["browser"],
        "users": users | {"excludeUsers": [*users["excludeUsers"], world.MALLORY.id.upper()]},
        "devices": {"deviceFilter": {"mode": "exclude", "rule": 'device.displayName -eq "Mine"'}},
        "platforms": {"includePlatforms": ["all"], "excludePlatforms": ["iOS"]},
    }
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.patch(f"{_CA}/{_POLICY}", json={"conditions": conditions}).raise_for_status()
    after = _read(simulated)
    (recorded,) = recorded_of(CA_POLICY, simulated.workforce, _POLICY)
    assert recorded.is_whole
    assert recorded.wrote == difference(leaves(before), leaves(after), CA_POLICY)
    assert (None, world.MALLORY.id) in recorded.wrote.values()
    CA_POLICY.write(simulated.workforce, write_of(CA_POLICY, _POLICY, after, leaves(before)))
    assert leaves(_read(simulated)) == leaves(before)


@pytest.mark.parametrize(
    "settings", [{}, {"restore_app_only": True}, {"restore_app_only": True, "restore_wraps_in_value": True}]
)
def test_a_deleted_policy_is_brought_back(simulated: SimulatedTenant, *, settings: dict[str, Any]) -> None:
    simulated.control.settings(**settings)
    before = _read(simulated)
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        mallory.delete(f"{_CA}/{_POLICY}").raise_for_status()
    assert CA_POLICY.read(simulated.workforce, _POLICY) is None
    (recorded,) = recorded_of(CA_POLICY, simulated.workforce, _POLICY)
    assert (recorded.op, recorded.is_whole) == (Op.DELETE, True)
    assert recorded.wrote == difference(leaves(before), {}, CA_POLICY)
    write = write_of(CA_POLICY, _POLICY, None, leaves(before), name=before["displayName"])
    back = written(CA_POLICY, simulated.workforce, write)
    assert (back == _POLICY) == bool(settings)
    assert leaves(_read(simulated, back)) == leaves(before)
    own = recorded_of(CA_POLICY, simulated.workforce, back)[-1]
    assert own.op is Op.CREATE if settings else own.op is Op.UPDATE


def test_an_unwanted_policy_is_told_whole_and_switched_off(simulated: SimulatedTenant) -> None:
    body = {
        "displayName": "Everybody out",
        "state": "enabled",
        "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }
    with simulated.control.as_principal(world.MALLORY, "graph") as mallory:
        made = mallory.post(_CA, json=body).raise_for_status().json()["id"]
    image = _read(simulated, made)
    (recorded,) = recorded_of(CA_POLICY, simulated.workforce, made)
    assert (recorded.op, recorded.is_whole) == (Op.CREATE, True)
    assert recorded.wrote == difference({}, leaves(image), CA_POLICY)
    assert CA_POLICY.removal is not None
    steps = CA_POLICY.removal(leaves(image))
    target = leaves(image) | {leaf: new for leaf, (_, new) in steps.items()}
    assert objections(CA_POLICY, simulated.workforce, made, image, target) == {}
    CA_POLICY.write(simulated.workforce, write_of(CA_POLICY, made, image, target))
    assert leaves(_read(simulated, made)) == target
    assert CA_POLICY.removal(leaves(_read(simulated, made))) == {}


def test_the_guard_reads_the_whole_tenant(simulated: SimulatedTenant) -> None:
    stands = _read(simulated)
    target = leaves(stands) | {"grantControls.operator": "OR", "grantControls.builtInControls[block]": "block"}
    target = {leaf: value for leaf, value in target.items() if not leaf.startswith("conditions.users.exclude")}
    target = {leaf: value for leaf, value in target.items() if "authenticationStrength" not in leaf}
    target |= {"conditions.users.includeUsers[all]": "All", EXISTS: True, "state": "enabled"}
    account = world.BREAK_GLASS_1.id
    found = objections(CA_POLICY, simulated.workforce, _POLICY, stands, target, emergency=frozenset({account}))
    assert f"emergency account {account}" in found[WHOLE].because
    assert "not known" not in found[WHOLE].because


def test_preview_policies_that_v1_refuses_are_read_and_written(simulated: SimulatedTenant) -> None:
    simulated.control.settings(preview_policies="hidden")
    with simulated.control.as_principal(world.ALICE, "graph") as alice:
        conditions = _read(simulated)["conditions"] | {"agentIdRiskLevels": "high"}
        kept = {name: value for name, value in conditions.items() if value is not None}
        url = f"/beta/identity/conditionalAccess/policies/{_POLICY}"
        alice.patch(url, json={"conditions": kept}).raise_for_status()
    before = _read(simulated)
    assert leaves(before)["conditions.agentIdRiskLevels"] == "high"
    assert _POLICY in CA_POLICY.inventory.read(simulated.workforce)
    target = leaves(before) | {"state": "disabled", f"conditions.users.excludeUsers[{world.ALICE.id}]": world.ALICE.id}
    CA_POLICY.write(simulated.workforce, write_of(CA_POLICY, _POLICY, before, target))
    assert leaves(_read(simulated)) == target
