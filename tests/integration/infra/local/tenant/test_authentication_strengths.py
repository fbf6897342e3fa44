import json
import uuid

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting
from tests.integration.infra.local.tenant.polling import eventually

_ROOT = "/v1.0/policies/authenticationStrengthPolicies"
_SAME = "/v1.0/identity/conditionalAccess/authenticationStrength/policies"
_KEYS = f"{_ROOT}/{world.STRENGTH_KEYS_ONLY}"
_POLICY = f"/v1.0/identity/conditionalAccess/policies/{world.MFA_FOR_ADMINS.id}"
_CONTEXTS = "/v1.0/identity/conditionalAccess/authenticationContextClassReferences"
_FIDO2 = "#microsoft.graph.fido2CombinationConfiguration"
_YUBIKEY = "cb69481e-8ff7-4039-93ec-0a2729a154a8"


def _message(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["error"]["message"]


def _use(client: httpx.Client, strength: str) -> None:
    controls = {"operator": "OR", "authenticationStrength": {"id": strength}}
    client.patch(_POLICY, json={"grantControls": controls}).raise_for_status()


def _records(client: httpx.Client, activity: str) -> list[Json]:
    def read() -> list[Json]:
        records = client.get("/v1.0/auditLogs/directoryAudits").json()["value"]
        return [record for record in records if record["activityDisplayName"] == activity]

    return eventually(read, bool)


def test_every_tenant_has_the_built_in_ones(alice: httpx.Client, carol: httpx.Client) -> None:
    built_in = [each["id"] for each in world.BUILT_IN_STRENGTHS]
    query = {"$filter": "policyType eq 'builtIn'"}
    for path in (_ROOT, _SAME):
        assert [each["id"] for each in alice.get(path, params=query).json()["value"]] == built_in
    assert [each["id"] for each in carol.get(_ROOT).json()["value"]] == built_in
    assert [each["id"] for each in alice.get(_ROOT).json()["value"]] == [*built_in, world.STRENGTH_KEYS_ONLY]


def test_a_policy_shows_what_its_strength_allows_now(alice: httpx.Client) -> None:
    _use(alice, world.STRENGTH_KEYS_ONLY)

    def shown() -> list[str]:
        return alice.get(_POLICY).json()["grantControls"]["authenticationStrength"]["allowedCombinations"]

    assert shown() == ["fido2"]
    weaker = ["fido2", "password,sms"]
    answer = alice.post(f"{_KEYS}/updateAllowedCombinations", json={"allowedCombinations": weaker})
    assert (answer.status_code, answer.json()["previousCombinations"]) == (200, ["fido2"])
    assert answer.json()["currentCombinations"] == weaker
    assert answer.json()["conditionalAccessReferences"] == [world.MFA_FOR_ADMINS.id]
    assert shown() == weaker


def test_combinations_change_by_the_action_only(alice: httpx.Client) -> None:
    assert "updateAllowedCombinations" in _message(alice.patch(_KEYS, json={"allowedCombinations": ["sms"]}))
    assert alice.patch(_KEYS, json={"displayName": "Keys", "description": "ours"}).status_code == 204
    standing = alice.get(_KEYS).json()
    assert (standing["displayName"], standing["allowedCombinations"]) == ("Keys", ["fido2"])
    for bad in ([], ["telepathy"], None):
        _message(alice.post(f"{_KEYS}/updateAllowedCombinations", json={"allowedCombinations": bad}))


def test_built_in_ones_cannot_be_touched(alice: httpx.Client) -> None:
    path = f"{_ROOT}/{world.STRENGTH_MFA}"
    for answer in (
        alice.patch(path, json={"displayName": "x"}),
        alice.delete(path),
        alice.post(f"{path}/updateAllowedCombinations", json={"allowedCombinations": ["sms"]}),
    ):
        assert "built-in" in _message(answer)


@pytest.mark.parametrize(("combinations", "satisfied"), [(["fido2"], "mfa"), (["fido2", "sms"], "none")])
def test_create_and_delete(alice: httpx.Client, combinations: list[str], satisfied: str) -> None:
    created = alice.post(_ROOT, json={"displayName": "Mine", "allowedCombinations": combinations})
    assert (created.status_code, created.json()["requirementsSatisfied"]) == (201, satisfied)
    assert created.json()["policyType"] == "custom"
    path = f"{_SAME}/{created.json()['id']}"
    assert [alice.delete(path).status_code for _ in range(2)] == [204, 404]
    assert "'id'" in _message(alice.post(_ROOT, json={"id": str(uuid.uuid4()), "displayName": "x"}))


def test_a_strength_that_a_policy_uses_cannot_be_deleted(alice: httpx.Client) -> None:
    _use(alice, world.STRENGTH_KEYS_ONLY)
    assert "used by" in _message(alice.delete(_KEYS))
    _use(alice, world.STRENGTH_MFA)
    assert alice.delete(_KEYS).status_code == 204
    controls = {"operator": "OR", "authenticationStrength": {"id": world.STRENGTH_KEYS_ONLY}}
    assert _message(alice.patch(_POLICY, json={"grantControls": controls})).startswith("1040")


def test_combination_configurations(alice: httpx.Client) -> None:
    body = {"@odata.type": _FIDO2, "appliesToCombinations": ["fido2"], "allowedAAGUIDs": [_YUBIKEY]}
    created = alice.post(f"{_KEYS}/combinationConfigurations", json=body)
    assert created.status_code == 201
    path = f"{_KEYS}/combinationConfigurations/{created.json()['id']}"
    _use(alice, world.STRENGTH_KEYS_ONLY)
    strength = alice.get(_POLICY).json()["grantControls"]["authenticationStrength"]
    assert [each["allowedAAGUIDs"] for each in strength["combinationConfigurations"]] == [[_YUBIKEY]]
    other = str(uuid.uuid4())
    assert alice.patch(path, json={"@odata.type": _FIDO2, "allowedAAGUIDs": [other]}).status_code == 204
    assert alice.get(path).json()["allowedAAGUIDs"] == [other]
    assert [alice.delete(path).status_code for _ in range(2)] == [204, 404]
    assert alice.get(f"{_KEYS}/combinationConfigurations").json()["value"] == []
    for bad in (body | {"allowedAAGUIDs": []}, body | {"appliesToCombinations": ["sms"]}, body | {"@odata.type": "x"}):
        _message(alice.post(f"{_KEYS}/combinationConfigurations", json=bad))
    _records(alice, "Authentication Strength Combination Configuration Update")


def test_a_change_is_logged_with_both_values(alice: httpx.Client) -> None:
    alice.post(f"{_KEYS}/updateAllowedCombinations", json={"allowedCombinations": ["password,sms"]}).raise_for_status()
    (record,) = _records(alice, "Authentication Strength Policy Update")
    assert (record["loggedByService"], record["category"]) == ("Authentication Methods", "ApplicationManagement")
    assert record["operationType"] == "Update"
    (change,) = record["targetResources"][0]["modifiedProperties"]
    assert json.loads(change["oldValue"])["allowedCombinations"] == ["fido2"]
    assert json.loads(change["newValue"])["allowedCombinations"] == ["password,sms"]


@pytest.mark.parametrize("needed", ["Policy.Read.AuthenticationMethod", "Policy.Read.All"])
def test_reading_needs_one_permission_and_writing_another(control: TenantControl, acting: Acting, needed: str) -> None:
    control.revoke(world.RESPONDER, *world.GRAPH_ROLES[world.RESPONDER.id])
    assert acting(world.RESPONDER).get(_KEYS).status_code == 403
    control.grant(world.RESPONDER, needed)
    assert acting(world.RESPONDER).get(_KEYS).status_code == 200
    assert acting(world.RESPONDER).patch(_KEYS, json={"displayName": "x"}).status_code == 403


# Authentication contexts.


def test_contexts_are_made_changed_and_unpublished_before_they_go(alice: httpx.Client) -> None:
    assert [each["id"] for each in alice.get(_CONTEXTS).json()["value"]] == ["c1"]
    path = f"{_CONTEXTS}/c2"
    assert alice.patch(path, json={"displayName": "Payments", "isAvailable": True}).status_code == 204
    assert alice.get(path).json()["displayName"] == "Payments"
    _message(alice.delete(path), 403)
    alice.patch(path, json={"isAvailable": False}).raise_for_status()
    assert [alice.delete(path).status_code for _ in range(2)] == [204, 404]
    assert alice.post(_CONTEXTS, json={"id": "c3", "displayName": "x"}).status_code == 201
    for bad in ("c0", "c100", "x"):
        _message(alice.patch(f"{_CONTEXTS}/{bad}", json={"displayName": "x"}))
    record, refused = _records(alice, "Delete AuthenticationContextClassReference")
    assert (record["result"], refused["result"]) == ("success", "failure")
    assert json.loads(record["targetResources"][0]["modifiedProperties"][0]["oldValue"])["displayName"] == "Payments"


def test_a_context_that_a_policy_uses_cannot_be_deleted(alice: httpx.Client) -> None:
    applications = {"includeApplications": [], "includeAuthenticationContextClassReferences": ["c1"]}
    conditions = world.MFA_FOR_ALL.body["conditions"] | {"applications": applications}
    alice.post(
        "/v1.0/identity/conditionalAccess/policies", json=world.MFA_FOR_ALL.body | {"conditions": conditions}
    ).raise_for_status()
    alice.patch(f"{_CONTEXTS}/c1", json={"isAvailable": False}).raise_for_status()
    assert "used by" in _message(alice.delete(f"{_CONTEXTS}/c1"))
