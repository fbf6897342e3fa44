import copy
import json
import uuid

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting
from tests.integration.infra.local.tenant.polling import eventually

_ROOT = "/v1.0/identity/conditionalAccess"
_LOCATIONS = f"{_ROOT}/namedLocations"
_DELETED = f"{_ROOT}/deletedItems/namedLocations"
_OFFICE = f"{_LOCATIONS}/{world.OFFICE}"
_COUNTRIES = f"{_LOCATIONS}/{world.HOME_COUNTRIES}"
_IP = "#microsoft.graph.ipNamedLocation"
_COUNTRY = "#microsoft.graph.countryNamedLocation"


def _range(address: str, version: int = 4) -> Json:
    return {"@odata.type": f"#microsoft.graph.iPv{version}CidrRange", "cidrAddress": address}


def _body(**changes: object) -> Json:
    return {"@odata.type": _IP, "displayName": "Branch", "ipRanges": [_range("198.51.100.0/24")]} | changes


def _refusal(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    return answer.json()["error"]["message"]


def _policy_at(*, included: list[str], excluded: list[str]) -> Json:
    body = copy.deepcopy(world.BLOCK_LEGACY.body)
    body["conditions"]["locations"] = {"includeLocations": included, "excludeLocations": excluded}
    return body


def _records(client: httpx.Client, activity: str, count: int = 1) -> list[Json]:
    def read() -> list[Json]:
        records = client.get("/v1.0/auditLogs/directoryAudits", params={"$orderby": "activityDateTime"}).json()["value"]
        return [record for record in records if record["activityDisplayName"] == activity]

    return eventually(read, lambda records: len(records) >= count)


def test_reads_both_kinds(alice: httpx.Client, carol: httpx.Client) -> None:
    listed = alice.get(_LOCATIONS).json()["value"]
    assert [(each["@odata.type"], each["id"]) for each in listed] == [
        (_IP, world.OFFICE),
        (_COUNTRY, world.HOME_COUNTRIES),
    ]
    office = alice.get(_OFFICE).json()
    assert (office["isTrusted"], office["ipRanges"]) == (True, [_range("203.0.113.0/24")])
    assert carol.get(_LOCATIONS).json()["value"] == []


def test_create_update_delete_restore(control: TenantControl, alice: httpx.Client) -> None:
    created = alice.post(_LOCATIONS, json=_body())
    assert (created.status_code, created.json()["isTrusted"]) == (201, False)
    path, in_bin = f"{_LOCATIONS}/{created.json()['id']}", f"{_DELETED}/{created.json()['id']}"
    changed = {"@odata.type": _IP, "isTrusted": True, "ipRanges": [_range("2001:db8::/32", 6)]}
    assert alice.patch(path, json=changed).status_code == 204
    standing = alice.get(path).json()
    assert (standing["isTrusted"], standing["displayName"]) == (True, "Branch")
    assert standing["modifiedDateTime"] > standing["createdDateTime"]
    assert "trusted" in _refusal(alice.delete(path))
    alice.patch(path, json={"@odata.type": _IP, "isTrusted": False}).raise_for_status()
    assert [alice.delete(path).status_code for _ in range(2)] == [204, 404]
    assert alice.get(path).status_code == 404
    assert alice.get(in_bin).json()["deletedDateTime"]
    restored = alice.post(f"{in_bin}/restore")
    assert (restored.status_code, restored.json()["displayName"]) == (200, "Branch")
    assert alice.get(path).json()["ipRanges"] == [_range("2001:db8::/32", 6)]
    alice.delete(path).raise_for_status()
    assert alice.delete(in_bin).status_code == 204
    assert control.state()[world.WORKFORCE_TENANT]["deletedNamedLocations"] == {}


@pytest.mark.parametrize("side", ["included", "excluded"])
def test_a_location_that_a_policy_uses_cannot_be_deleted(alice: httpx.Client, side: str) -> None:
    places = {"included": ["All"], "excluded": []} | {side: [world.HOME_COUNTRIES]}
    body = _policy_at(included=places["included"], excluded=places["excluded"])
    policy = alice.post(f"{_ROOT}/policies", json=body).json()["id"]
    assert policy in _refusal(alice.delete(_COUNTRIES))
    alice.delete(f"{_ROOT}/policies/{policy}").raise_for_status()
    assert alice.delete(_COUNTRIES).status_code == 204


def test_a_policy_cannot_name_a_location_that_is_not_there(control: TenantControl, alice: httpx.Client) -> None:
    nowhere = str(uuid.uuid4())
    for body in (_policy_at(included=[nowhere], excluded=[]), _policy_at(included=["All"], excluded=[nowhere])):
        assert _refusal(alice.post(f"{_ROOT}/policies", json=body)).startswith(f"1040: NamedLocation with id {nowhere}")
        answer = alice.patch(f"{_ROOT}/policies/{world.BLOCK_LEGACY.id}", json={"conditions": body["conditions"]})
        assert _refusal(answer).startswith("1040")
    words = ["AllTrusted", "00000000-0000-0000-0000-000000000000"]
    assert alice.post(f"{_ROOT}/policies", json=_policy_at(included=["All"], excluded=words)).status_code == 201
    control.settings(consistency_lag=0.4, writes_meet_replicas=True)
    fresh = alice.post(_LOCATIONS, json=_body()).json()["id"]
    body = _policy_at(included=["All"], excluded=[fresh])
    assert _refusal(alice.post(f"{_ROOT}/policies", json=body)).startswith("1040")
    eventually(lambda: alice.post(f"{_ROOT}/policies", json=body).status_code, lambda status: status == 201)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"displayName": "x", "ipRanges": [_range("10.0.0.0/8")]}, "@odata.type"),
        (_body(ipRanges=[]), "at least one IP range"),
        (_body(ipRanges=[_range("10.0.0.0/33")]), "10.0.0.0/33"),
        (_body(ipRanges=[_range("10.0.0.0/8", 6)]), "type of the range"),
        (_body(displayName=""), "display name"),
        (_body(colour="red"), "'colour'"),
        (_body(id="x"), "'id' is a readonly field"),
        ({"@odata.type": _IP, "displayName": "x"}, "'ipRanges'"),
        ({"@odata.type": _COUNTRY, "displayName": "x", "countriesAndRegions": []}, "at least one country"),
        (
            {"@odata.type": _COUNTRY, "displayName": "x", "countriesAndRegions": ["IE"], "countryLookupMethod": ""},
            "lookup method",
        ),
        ({"@odata.type": _COUNTRY, "displayName": "x", "countriesAndRegions": ["IE"], "isTrusted": True}, "isTrusted"),
    ],
)
def test_refuses_what_is_no_location(alice: httpx.Client, body: Json, said: str) -> None:
    assert said in _refusal(alice.post(_LOCATIONS, json=body))


def test_the_type_must_be_sent_and_cannot_change(alice: httpx.Client) -> None:
    assert "@odata.type" in _refusal(alice.patch(_OFFICE, json={"isTrusted": False}))
    changed = {"@odata.type": _COUNTRY, "countriesAndRegions": ["IE"]}
    assert "can't become" in _refusal(alice.patch(_OFFICE, json=changed))


def test_a_change_is_logged_with_both_values_and_a_twin(alice: httpx.Client) -> None:
    attacker = [_range("198.51.100.66/32"), _range("203.0.113.0/24")]
    alice.patch(_OFFICE, json={"@odata.type": _IP, "ipRanges": attacker}).raise_for_status()
    (record,) = _records(alice, "Update named location")
    assert (record["loggedByService"], record["category"]) == ("Conditional Access", "Policy")
    target = record["targetResources"][0]
    assert (target["id"], target["displayName"], target["type"]) == (world.OFFICE, "Head office", "Policy")
    (change,) = target["modifiedProperties"]
    old, new = json.loads(change["oldValue"]), json.loads(change["newValue"])
    assert ([each["cidrAddress"] for each in old["ipRanges"]], old["isTrusted"]) == (["203.0.113.0/24"], True)
    assert [each["cidrAddress"] for each in new["ipRanges"]] == ["198.51.100.66/32", "203.0.113.0/24"]
    (twin,) = _records(alice, "Update policy")
    assert twin["correlationId"] == record["correlationId"]


def test_creation_deletion_and_refusal_are_logged(acting: Acting, alice: httpx.Client) -> None:
    created = alice.post(_LOCATIONS, json=_body()).json()["id"]
    alice.delete(f"{_LOCATIONS}/{created}").raise_for_status()
    assert acting(world.RESPONDER_B2C).delete(_OFFICE).status_code == 403
    assert alice.delete(_OFFICE).status_code == 400
    (added,) = _records(alice, "Add named location")
    deleted, refused = _records(alice, "Delete named location", 2)
    assert added["targetResources"][0]["modifiedProperties"][0]["oldValue"] is None
    assert deleted["targetResources"][0]["modifiedProperties"][0]["newValue"] is None
    assert (refused["result"], refused["targetResources"][0]["id"]) == ("failure", world.OFFICE)


def test_locations_share_the_limit_of_conditional_access(control: TenantControl, acting: Acting) -> None:
    responder = acting(world.RESPONDER, unthrottled=False)
    answers = [responder.get(path).status_code for path in (f"{_ROOT}/policies", _LOCATIONS)]
    assert answers == [200, 429]
    control.settings(ca_requests_per_second=0)
    assert responder.get(_LOCATIONS).status_code == 200


def test_an_application_restores_only_where_that_is_allowed(
    control: TenantControl, alice: httpx.Client, responder: httpx.Client
) -> None:
    alice.delete(_COUNTRIES).raise_for_status()
    restore = f"{_DELETED}/{world.HOME_COUNTRIES}/restore"
    assert responder.post(restore).status_code == 403
    control.settings(restore_app_only=True)
    assert responder.post(restore).status_code == 200
