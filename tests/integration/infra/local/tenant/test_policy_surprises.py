"""What the service makes of a conditional access policy by itself, and what its two versions show of one."""

import copy
import json

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.polling import eventually

_PATH = "/identity/conditionalAccess/policies"
_ALL = f"/v1.0{_PATH}/{world.MFA_FOR_ALL.id}"
_AGENTS = {"agentIdRiskLevels": "high"}


def _with(**conditions: object) -> Json:
    body = copy.deepcopy(world.MFA_FOR_ALL.body)
    body["conditions"] |= conditions
    return body


@pytest.fixture
def preview(alice: httpx.Client) -> str:
    """The id of a policy with a part that only beta knows."""
    created = alice.post(f"/beta{_PATH}", json=_with(**_AGENTS))
    assert created.status_code == 201
    return created.json()["id"]


def test_only_beta_takes_its_own_parts(alice: httpx.Client) -> None:
    answer = alice.post(f"/v1.0{_PATH}", json=_with(**_AGENTS))
    assert answer.json()["error"]["message"].startswith("1007")
    controls = {"globalSecureAccessFilteringProfile": {"isEnabled": True}}
    assert alice.patch(_ALL.replace("v1.0", "beta"), json={"sessionControls": controls}).status_code == 204


def test_v1_hides_a_policy_with_preview_parts(alice: httpx.Client, preview: str) -> None:
    listed = {version: alice.get(f"/{version}{_PATH}").json()["value"] for version in ("v1.0", "beta")}
    assert preview not in [policy["id"] for policy in listed["v1.0"]]
    assert preview in [policy["id"] for policy in listed["beta"]]
    hidden = f"/v1.0{_PATH}/{preview}"
    for answer in (alice.get(hidden), alice.patch(hidden, json={"state": "disabled"}), alice.delete(hidden)):
        assert (answer.status_code, answer.json()["error"]["message"][:5]) == (400, "1037:")
    assert alice.get(f"/beta{_PATH}/{preview}").json()["conditions"]["agentIdRiskLevels"] == "high"


def test_by_setting_v1_shows_the_rest_of_it_and_a_patch_there_loses_the_part(
    control: TenantControl, alice: httpx.Client, preview: str
) -> None:
    control.settings(preview_policies="stripped")
    conditions = alice.get(f"/v1.0{_PATH}/{preview}").json()["conditions"]
    assert "agentIdRiskLevels" not in conditions
    assert conditions["users"]["includeUsers"] == ["All"]
    alice.patch(f"/v1.0{_PATH}/{preview}", json={"state": "disabled"}).raise_for_status()
    assert "agentIdRiskLevels" in alice.get(f"/beta{_PATH}/{preview}").json()["conditions"]
    alice.patch(f"/v1.0{_PATH}/{preview}", json={"conditions": conditions}).raise_for_status()
    assert "agentIdRiskLevels" not in alice.get(f"/beta{_PATH}/{preview}").json()["conditions"]


def test_the_service_fills_in_after_a_write_and_no_record_tells(control: TenantControl, alice: httpx.Client) -> None:
    filled = {"conditions": {"insiderRiskLevels": "minor", "clientAppTypes": ["browser"]}}
    control.settings(ca_fill_ins=filled)
    assert alice.get(_ALL).json()["conditions"]["insiderRiskLevels"] is None
    alice.patch(_ALL, json={"state": "disabled"}).raise_for_status()
    conditions = alice.get(_ALL).json()["conditions"]
    assert (conditions["insiderRiskLevels"], conditions["clientAppTypes"]) == ("minor", ["all"])

    def updates() -> list[Json]:
        records = alice.get("/v1.0/auditLogs/directoryAudits").json()["value"]
        return [each for each in records if each["activityDisplayName"] == "Update conditional access policy"]

    (record,) = eventually(updates, bool)
    new = json.loads(record["targetResources"][0]["modifiedProperties"][0]["newValue"])
    assert "insiderRiskLevels" not in new["conditions"]


def test_the_service_adds_a_property_to_every_policy(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(ca_added_properties={"orbit": "low", "conditions": {"moonPhases": []}})
    for policy in alice.get(f"/v1.0{_PATH}").json()["value"]:
        assert (policy["orbit"], policy["conditions"]["moonPhases"]) == ("low", [])
    body = alice.get(_ALL).json()
    body["conditions"]["moonPhases"] = ["full"]
    alice.patch(_ALL, json={"conditions": body["conditions"], "orbit": "high"}).raise_for_status()
    changed = alice.get(_ALL).json()
    assert (changed["orbit"], changed["conditions"]["moonPhases"]) == ("high", ["full"])
    control.settings(ca_added_properties={})
    assert alice.patch(_ALL, json={"orbit": "low"}).status_code == 400


def test_a_description_is_kept(alice: httpx.Client) -> None:
    assert "description" not in alice.get(_ALL).json()
    alice.patch(_ALL, json={"description": "for everybody"}).raise_for_status()
    assert alice.get(_ALL).json()["description"] == "for everybody"


def test_v1_may_lack_the_bin(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(bin_in_v1=False)
    alice.delete(_ALL).raise_for_status()
    restore = f"/identity/conditionalAccess/deletedItems/policies/{world.MFA_FOR_ALL.id}/restore"
    answer = alice.post(f"/v1.0{restore}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Resource not found for the segment 'deletedItems'."
    assert alice.post(f"/beta{restore}").status_code == 200


def test_a_restore_may_answer_as_microsofts_page_shows_it(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(restore_wraps_in_value=True)
    alice.delete(_ALL).raise_for_status()
    restored = alice.post(f"/v1.0/identity/conditionalAccess/deletedItems/policies/{world.MFA_FOR_ALL.id}/restore")
    assert restored.json()["value"]["id"] == world.MFA_FOR_ALL.id
