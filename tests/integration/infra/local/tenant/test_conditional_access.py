import copy
import time
import uuid

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting, Ready
from tests.integration.infra.local.tenant.polling import eventually

_POLICIES = "/v1.0/identity/conditionalAccess/policies"
_DELETED = "/v1.0/identity/conditionalAccess/deletedItems/policies"
_STRONG = f"{_POLICIES}/{world.MFA_FOR_ADMINS.id}"
_ALL = f"{_POLICIES}/{world.MFA_FOR_ALL.id}"


def _refusal(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "BadRequest")
    return error["message"]


def _body(**changes: object) -> Json:
    return copy.deepcopy(world.MFA_FOR_ALL.body) | changes


def test_lists_in_pages_of_the_set_size(control: TenantControl, tenant: Ready, alice: httpx.Client) -> None:
    assert "@odata.nextLink" not in alice.get(_POLICIES).json()
    control.settings(ca_page_size=2)
    first = alice.get(_POLICIES).json()
    assert first["@odata.nextLink"].startswith(f"{tenant.graph}{_POLICIES}?")
    second = alice.get(first["@odata.nextLink"]).json()
    assert "@odata.nextLink" not in second
    shown = [policy["id"] for policy in first["value"] + second["value"]]
    assert shown == [policy.id for policy in world.CA_POLICIES]


def test_query_options(alice: httpx.Client) -> None:
    chosen = alice.get(_POLICIES, params={"$select": "id,state", "$top": 1}).json()["value"]
    assert chosen == [{"id": world.MFA_FOR_ADMINS.id, "state": "enabled"}]
    for params in ({"$filter": "state eq 'enabled'"}, {"$top": "many"}, {"$skiptoken": "x"}):
        _refusal(alice.get(_POLICIES, params=params))


def test_both_break_glass_accounts_are_excluded_everywhere(alice: httpx.Client) -> None:
    for policy in alice.get(_POLICIES).json()["value"]:
        excluded = set(policy["conditions"]["users"]["excludeUsers"])
        assert excluded == {world.BREAK_GLASS_1.id, world.BREAK_GLASS_2.id}


def test_get_expands_the_authentication_strength(alice: httpx.Client) -> None:
    policy = alice.get(_STRONG).json()
    strength = policy["grantControls"]["authenticationStrength"]
    assert strength["id"] == world.STRENGTH_PHISHING_RESISTANT
    assert strength["displayName"] == "Phishing-resistant MFA"
    assert "authenticationStrength@odata.context" in policy["grantControls"]
    assert policy["templateId"] == world.MFA_FOR_ADMINS.template_id
    assert policy["sessionControls"] is None


def test_unknown_and_malformed_ids(alice: httpx.Client) -> None:
    for method in ("GET", "DELETE"):
        answer = alice.request(method, f"{_POLICIES}/{uuid.uuid4()}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
        _refusal(alice.request(method, f"{_POLICIES}/not-an-id"))
    assert alice.patch(f"{_POLICIES}/{uuid.uuid4()}", json={"state": "disabled"}).status_code == 404


def test_create_update_delete(alice: httpx.Client) -> None:
    created = alice.post(_POLICIES, json=_body(displayName="New"))
    assert created.status_code == 201
    policy = created.json()
    assert policy["modifiedDateTime"] is None
    path = f"{_POLICIES}/{policy['id']}"
    updated = alice.patch(path, json={"state": "disabled"})
    assert (updated.status_code, updated.content) == (204, b"")
    now = alice.get(path).json()
    assert (now["state"], now["displayName"]) == ("disabled", "New")
    assert now["modifiedDateTime"] > now["createdDateTime"]
    assert alice.delete(path).status_code == 204
    assert alice.delete(path).status_code == 404
    assert alice.get(path).status_code == 404


@pytest.mark.parametrize("value", [None, "x"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("templateId", "1118: TemplateId is a read-only field and cannot be updated."),
        ("id", "1001: 'id' is a readonly field and cannot be updated."),
        ("createdDateTime", "1001: 'createdDateTime' is a readonly field and cannot be updated."),
        ("modifiedDateTime", "1001: 'modifiedDateTime' is a readonly field and cannot be updated."),
        ("deletedDateTime", "1001: 'deletedDateTime' is a readonly field and cannot be updated."),
    ],
)
def test_read_only_properties_are_refused_even_when_null(
    alice: httpx.Client, name: str, message: str, value: str | None
) -> None:
    assert _refusal(alice.patch(_ALL, json={name: value})).startswith(message)
    assert _refusal(alice.post(_POLICIES, json=_body(**{name: value}))).startswith(message)


def test_what_get_returned_cannot_be_sent_back(alice: httpx.Client) -> None:
    snapshot = alice.get(_STRONG).json()
    assert _refusal(alice.patch(_STRONG, json=snapshot)).startswith("1118")
    names = ("displayName", "state", "conditions", "grantControls")
    writable = copy.deepcopy({name: snapshot[name] for name in names})
    assert _refusal(alice.patch(_STRONG, json=writable)).startswith("1007")
    del writable["grantControls"]["authenticationStrength@odata.context"]
    assert _refusal(alice.patch(_STRONG, json=writable)).startswith("1007")
    writable["grantControls"] = {
        "operator": writable["grantControls"]["operator"],
        "authenticationStrength": {"id": writable["grantControls"]["authenticationStrength"]["id"]},
    }
    assert alice.patch(_STRONG, json=writable).status_code == 204
    assert {**alice.get(_STRONG).json(), "modifiedDateTime": None} == snapshot


@pytest.mark.parametrize(
    "binding", [f"https://graph.microsoft.com/v1.0/policies/x/{world.STRENGTH_MFA}", world.STRENGTH_MFA]
)
def test_a_strength_can_be_bound(alice: httpx.Client, binding: str) -> None:
    controls = {"operator": "OR", "authenticationStrength@odata.bind": binding}
    alice.patch(_STRONG, json={"grantControls": controls}).raise_for_status()
    assert alice.get(_STRONG).json()["grantControls"]["authenticationStrength"]["id"] == world.STRENGTH_MFA


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "The property 'colour' does not exist on type 'microsoft.graph.conditionalAccessPolicy'."),
        ({"@odata.context": "x"}, "1007"),
        ({"state": "on"}, "1007"),
        ({"conditions": {"moonPhase": "full"}}, "1007"),
        ({"conditions": {"users": {"includeEverybody": True}}}, "1007"),
        ({"grantControls": {"operator": "XOR", "builtInControls": ["mfa"]}}, "1007"),
        ({"grantControls": {"operator": "OR", "builtInControls": ["magic"]}}, "1007"),
        ({"grantControls": {"operator": "OR", "builtInControls": ["block", "mfa"]}}, "1032"),
        ({"grantControls": {"operator": "OR", "authenticationStrength": {"id": str(uuid.UUID(int=9))}}}, "1040"),
        ({"sessionControls": {"curfew": True}}, "1007"),
        ({}, "1007"),
    ],
)
def test_bodies_that_graph_would_not_take(alice: httpx.Client, changes: Json, message: str) -> None:
    assert _refusal(alice.patch(_ALL, json=changes)).startswith(message)


@pytest.mark.parametrize("missing", ["displayName", "state", "conditions"])
def test_a_new_policy_must_be_complete(alice: httpx.Client, missing: str) -> None:
    body = _body()
    del body[missing]
    assert _refusal(alice.post(_POLICIES, json=body)).startswith("1007")


def test_a_new_policy_needs_a_control(alice: httpx.Client) -> None:
    assert _refusal(alice.post(_POLICIES, json=_body(grantControls=None, sessionControls=None))).startswith("1007")


def test_a_body_that_is_no_json_is_refused(alice: httpx.Client) -> None:
    _refusal(alice.post(_POLICIES, content="{", headers={"Content-Type": "application/json"}))
    assert _refusal(alice.post(_POLICIES, json=["x"])).startswith("1007")


def test_session_controls_are_refused_beside_authentication_flows(alice: httpx.Client) -> None:
    conditions = alice.get(_ALL).json()["conditions"] | {"authenticationFlows": {"transferMethods": "deviceCodeFlow"}}
    block = {"operator": "OR", "builtInControls": ["block"]}
    assert _refusal(alice.patch(_ALL, json={"conditions": conditions, "grantControls": block})).startswith("1235")
    body = {"conditions": conditions, "grantControls": block, "sessionControls": None}
    assert alice.patch(_ALL, json=body).status_code == 204


def test_patch_replaces_nested_objects_whole(alice: httpx.Client) -> None:
    before = alice.get(_ALL).json()["conditions"]
    alice.patch(_ALL, json={"conditions": {"users": {"includeUsers": ["All"]}}}).raise_for_status()
    after = alice.get(_ALL).json()["conditions"]
    assert before["users"]["excludeUsers"]
    assert after["users"]["excludeUsers"] == []
    assert after["applications"] is None


def test_a_deleted_policy_is_restored_with_its_id(alice: httpx.Client) -> None:
    before = alice.get(_STRONG).json()
    alice.delete(_STRONG).raise_for_status()
    listed = alice.get(_DELETED).json()["value"]
    assert [policy["id"] for policy in listed] == [world.MFA_FOR_ADMINS.id]
    assert alice.get(f"{_DELETED}/{world.MFA_FOR_ADMINS.id}").json()["deletedDateTime"] > before["createdDateTime"]
    restored = alice.post(f"{_DELETED}/{world.MFA_FOR_ADMINS.id}/restore")
    assert (restored.status_code, restored.json()) == (200, before)
    assert alice.get(_STRONG).json() == before
    assert alice.get(_DELETED).json()["value"] == []
    assert alice.post(f"{_DELETED}/{world.MFA_FOR_ADMINS.id}/restore").status_code == 404


def test_a_policy_deleted_for_good_cannot_be_restored(alice: httpx.Client) -> None:
    alice.delete(_STRONG).raise_for_status()
    assert alice.delete(f"{_DELETED}/{world.MFA_FOR_ADMINS.id}").status_code == 204
    assert alice.post(f"{_DELETED}/{world.MFA_FOR_ADMINS.id}/restore").status_code == 404


def test_an_application_may_restore_only_where_the_setting_allows_it(
    control: TenantControl, alice: httpx.Client, responder: httpx.Client
) -> None:
    alice.delete(_STRONG).raise_for_status()
    restore = f"{_DELETED}/{world.MFA_FOR_ADMINS.id}/restore"
    refused = responder.post(restore)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    control.settings(restore_app_only=True)
    assert responder.post(restore).status_code == 200


def test_beta_answers_as_well(alice: httpx.Client) -> None:
    alice.delete(_STRONG).raise_for_status()
    assert len(alice.get(_DELETED.replace("v1.0", "beta")).json()["value"]) == 1


def test_more_than_one_request_a_second_is_throttled_without_retry_after(acting: Acting) -> None:
    one, other = acting(world.RESPONDER, unthrottled=False), acting(world.RELEASE_PIPELINE, unthrottled=False)
    began = time.monotonic()
    assert one.get(_POLICIES).status_code == 200
    refused = other.get(_DELETED)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TooManyRequests")
    assert "Retry-After" not in refused.headers
    assert acting(world.ALICE).get(_POLICIES).status_code == 200
    assert acting(world.CAROL, unthrottled=False).get(_POLICIES).status_code == 200
    eventually(lambda: one.get(_POLICIES).status_code, lambda status: status == 200)
    assert time.monotonic() - began >= 0.95


def test_the_throttle_can_be_switched_off(control: TenantControl, acting: Acting) -> None:
    control.settings(ca_requests_per_second=0)
    responder = acting(world.RESPONDER, unthrottled=False)
    assert [responder.get(_POLICIES).status_code for _ in range(5)] == [200] * 5


def test_reads_lag_behind_writes(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(consistency_lag=0.3)
    created = alice.post(_POLICIES, json=_body()).json()["id"]
    alice.patch(_ALL, json={"state": "disabled"}).raise_for_status()
    alice.delete(_STRONG).raise_for_status()
    assert alice.get(f"{_POLICIES}/{created}").status_code == 404
    assert alice.get(_ALL).json()["state"] == "enabled"
    assert alice.get(_STRONG).status_code == 200
    assert alice.get(_DELETED).json()["value"] == []
    assert created not in [policy["id"] for policy in alice.get(_POLICIES).json()["value"]]
    eventually(lambda: alice.get(_ALL).json()["state"], lambda state: state == "disabled")
    eventually(lambda: alice.get(_STRONG).status_code, lambda status: status == 404)
    assert alice.get(f"{_POLICIES}/{created}").status_code == 200


def test_writes_do_not_lag_behind_each_other(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(consistency_lag=60)
    alice.delete(_STRONG).raise_for_status()
    assert alice.delete(_STRONG).status_code == 404
    assert world.MFA_FOR_ADMINS.id in control.state()[world.WORKFORCE_TENANT]["deletedCaPolicies"]
