"""What one reads isn't always what stands."""

import uuid

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting, Ready
from tests.integration.infra.local.tenant.polling import eventually

_POLICIES = "/v1.0/identity/conditionalAccess/policies"
_ALL = f"{_POLICIES}/{world.MFA_FOR_ALL.id}"
_LEGACY = f"{_POLICIES}/{world.BLOCK_LEGACY.id}"
_VERSION = {"api-version": "2022-04-01"}
_OWNER = world.role_assignment_path(world.ALICE_OWNER.id)
_ASSIGNMENTS = f"{world.SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/roleAssignments"


def _listed(client: httpx.Client) -> dict[str, Json]:
    return {policy["id"]: policy for policy in client.get(_POLICIES).raise_for_status().json()["value"]}


def test_one_object_is_stale_while_others_are_not(control: TenantControl, alice: httpx.Client) -> None:
    control.stale(world.MFA_FOR_ALL.id, seconds=0.4)
    for policy in (_ALL, _LEGACY):
        alice.patch(policy, json={"state": "disabled"}).raise_for_status()
    assert alice.get(_ALL).json()["state"] == "enabled"
    assert _listed(alice)[world.MFA_FOR_ALL.id]["state"] == "enabled"
    assert alice.get(_LEGACY).json()["state"] == "disabled"
    eventually(lambda: alice.get(_ALL).json()["state"], lambda state: state == "disabled")


def test_a_stale_replica_shows_what_was_deleted(control: TenantControl, alice: httpx.Client) -> None:
    control.stale(world.MFA_FOR_ALL.id, seconds=0.4)
    alice.delete(_ALL).raise_for_status()
    assert alice.get(_ALL).status_code == 200
    assert world.MFA_FOR_ALL.id in _listed(alice)
    eventually(lambda: alice.get(_ALL).status_code, lambda status: status == 404)
    assert world.MFA_FOR_ALL.id not in _listed(alice)


def test_an_assignment_can_be_stale_by_its_path(control: TenantControl, acting: Acting) -> None:
    arm = acting(world.RESPONDER, "arm")
    control.stale(_OWNER.replace("roleAssignments", "RoleAssignments"), seconds=60)
    assert arm.delete(_OWNER, params=_VERSION).status_code == 200
    assert arm.get(_OWNER, params=_VERSION).status_code == 200


def test_what_is_not_there_cannot_be_stale(tenant: Ready, anonymous: httpx.Client) -> None:
    answer = anonymous.post(f"{tenant.control}/stale", json={"id": "nothing", "seconds": 1})
    assert answer.status_code == 404


def test_a_listing_lags_behind_what_is_read_by_id(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(listing_lag=0.5)
    created = alice.post(_POLICIES, json=world.MFA_FOR_ALL.body).json()["id"]
    alice.delete(_LEGACY).raise_for_status()
    alice.patch(_ALL, json={"state": "disabled"}).raise_for_status()
    listed = _listed(alice)
    assert (created in listed, world.BLOCK_LEGACY.id in listed) == (False, True)
    assert listed[world.MFA_FOR_ALL.id]["state"] == "disabled"
    assert [alice.get(f"{_POLICIES}/{created}").status_code, alice.get(_LEGACY).status_code] == [200, 404]
    eventually(
        lambda: _listed(alice), lambda listed: created in listed and world.BLOCK_LEGACY.id not in listed, within=10
    )


def test_writes_can_meet_a_replica_that_knows_nothing_yet(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(consistency_lag=0.4, writes_meet_replicas=True)
    created = f"{_POLICIES}/{alice.post(_POLICIES, json=world.MFA_FOR_ALL.body).json()['id']}"
    assert alice.patch(created, json={"state": "disabled"}).status_code == 404
    eventually(lambda: alice.patch(created, json={"state": "disabled"}).status_code, lambda status: status == 204)


def test_azure_can_lag_too(control: TenantControl, acting: Acting) -> None:
    control.settings(arm_consistency_lag=60, writes_meet_replicas=True)
    arm = acting(world.RESPONDER, "arm")
    path = world.role_assignment_path(str(uuid.uuid4()))
    reader = {"principalId": world.MALLORY.id, "roleDefinitionId": world.role_definition_id(world.READER)}
    assert arm.put(path, params=_VERSION, json={"properties": reader}).status_code == 201
    assert arm.get(path, params=_VERSION).status_code == 404
    assert arm.delete(path, params=_VERSION).status_code == 204
    assert path.rsplit("/", 1)[-1] in str(control.state()[world.WORKFORCE_TENANT]["roleAssignments"])
    assert arm.delete(_OWNER, params=_VERSION).status_code == 200
    listed = arm.get(_ASSIGNMENTS, params=_VERSION).json()["value"]
    assert [each["name"] for each in listed] == [each.id for each in world.ROLE_ASSIGNMENTS]


@pytest.mark.parametrize(("status", "code"), [(401, "Unauthorized"), (423, "Locked"), (425, "TooEarly")])
def test_any_status_can_be_ordered(control: TenantControl, alice: httpx.Client, status: int, code: str) -> None:
    control.fault("PATCH", status)
    answer = alice.patch(_ALL, json={"state": "disabled"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_fault_can_have_its_own_words_and_headers(control: TenantControl, alice: httpx.Client) -> None:
    challenge = {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="e30="'}
    control.fault("GET", 401, code="InvalidAuthenticationToken", message="Continuous access.", headers=challenge)
    answer = alice.get(_ALL)
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.json()["error"]["message"] == "Continuous access."
    assert answer.headers["WWW-Authenticate"] == challenge["WWW-Authenticate"]


def test_a_fault_can_be_for_one_principal_and_wait_its_turn(
    control: TenantControl, alice: httpx.Client, responder: httpx.Client
) -> None:
    control.fault("GET", 500, principal=world.RESPONDER.id, skip=1)
    assert [alice.get(_ALL).status_code for _ in range(3)] == [200] * 3
    assert [responder.get(_ALL).status_code for _ in range(3)] == [200, 500, 200]


def test_one_object_can_be_unreadable_until_that_is_cleared(control: TenantControl, alice: httpx.Client) -> None:
    control.unreadable(world.MFA_FOR_ALL.id)
    assert [alice.get(_ALL).status_code for _ in range(3)] == [403] * 3
    assert alice.get(_LEGACY).status_code == 200
    assert world.MFA_FOR_ALL.id in _listed(alice)
    assert alice.patch(_ALL, json={"state": "disabled"}).status_code == 204
    control.clear_faults()
    assert alice.get(_ALL).status_code == 200
