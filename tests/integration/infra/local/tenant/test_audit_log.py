import json
import re
import time
from itertools import pairwise

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.tenant.instants import instant, now_ticks, ticks
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting, Ready
from tests.integration.infra.local.tenant.polling import eventually

_AUDITS = "/v1.0/auditLogs/directoryAudits"
_CA = "/v1.0/identity/conditionalAccess/policies"
_CUSTOM = "/beta/trustFramework/policies"


def _records(client: httpx.Client, **params: str | int) -> list[Json]:
    answer = client.get(_AUDITS, params=params).raise_for_status()
    return answer.json()["value"]


def _written(client: httpx.Client, count: int) -> list[Json]:
    """Wait until so many records are there (a twin is dated some milliseconds ahead), oldest first."""
    return eventually(
        lambda: _records(client, **{"$orderby": "activityDateTime"}), lambda records: len(records) >= count
    )


def _record(at: str, record_id: str) -> Json:
    return {"id": record_id, "activityDateTime": at, "activityDisplayName": "Update user"}


@pytest.fixture
def five(control: TenantControl) -> list[str]:
    """Five records, a second apart, that arrive in no order; their ids by time."""
    for number in (3, 1, 5, 2, 4):
        control.add_record(_record(f"2026-02-01T10:00:0{number}Z", f"r{number}"), tenant=world.WORKFORCE_TENANT)
    return ["r1", "r2", "r3", "r4", "r5"]


def test_newest_first_unless_ordered_otherwise(five: list[str], alice: httpx.Client) -> None:
    assert [record["id"] for record in _records(alice)] == five[::-1]
    for order in ("activityDateTime", "activityDateTime asc"):
        assert [record["id"] for record in _records(alice, **{"$orderby": order})] == five
    assert [record["id"] for record in _records(alice, **{"$orderby": "activityDateTime desc"})] == five[::-1]


@pytest.mark.parametrize(
    ("clauses", "kept"),
    [
        ("activityDateTime ge 2026-02-01T10:00:02Z and activityDateTime lt 2026-02-01T10:00:04Z", ["r2", "r3"]),
        ("activityDateTime gt 2026-02-01T10:00:02.0000000Z", ["r3", "r4", "r5"]),
        ("activityDateTime le 2026-02-01T11:00:02+01:00", ["r1", "r2"]),
        ("activityDateTime ge 2026-02-01T10:00:05.0000001Z", []),
    ],
)
def test_filters_by_time(five: list[str], alice: httpx.Client, clauses: str, kept: list[str]) -> None:
    shown = _records(alice, **{"$filter": clauses, "$orderby": "activityDateTime"})
    assert [record["id"] for record in shown] == kept
    assert set(kept) <= set(five)


@pytest.mark.parametrize(
    "params",
    [
        {"$filter": "activityDateTime ge '2026-02-01T10:00:00Z'"},
        {"$filter": "createdDateTime ge 2026-02-01T10:00:00Z"},
        {"$filter": "activityDateTime ge 2026-02-01T10:00:00Z or activityDateTime lt 2026-02-01T10:00:00Z"},
        {"$filter": "category eq 'UserManagement'"},
        {"$top": 1001},
        {"$top": 0},
        {"$orderby": "id"},
        {"$skiptoken": "rubbish"},
        {"$expand": "targetResources"},
    ],
)
def test_refuses_what_it_cannot_read(alice: httpx.Client, params: dict[str, str | int]) -> None:
    answer = alice.get(_AUDITS, params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "clause",
    [
        "activityDisplayName eq 'Add owner''s key'",
        "targetResources/any(t: t/id eq '3f6a0c82-7d15-4be9-a240-c1d8e57b9f63')",
    ],
)
def test_a_filter_may_ask_for_an_activity_and_a_target(
    control: TenantControl, alice: httpx.Client, five: list[str], clause: str
) -> None:
    other = _record("2026-02-01T10:00:09Z", "r9") | {
        "activityDisplayName": "Add owner's key",
        "targetResources": [{"id": "an other one"}, {"id": "3f6a0c82-7d15-4be9-a240-c1d8e57b9f63"}],
    }
    control.add_record(other, tenant=world.WORKFORCE_TENANT)
    assert [record["id"] for record in _records(alice)] == ["r9", *five[::-1]]
    assert [record["id"] for record in _records(alice, **{"$filter": clause})] == ["r9"]
    since = f"activityDateTime ge 2026-02-01T10:00:10Z and {clause}"
    assert _records(alice, **{"$filter": since}) == []


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_through_absolute_next_links(five: list[str], tenant: Ready, alice: httpx.Client, order: str) -> None:
    params = {"$top": 2, "$orderby": f"activityDateTime {order}", "$filter": "activityDateTime ge 2026-02-01T10:00:02Z"}
    pages = [alice.get(_AUDITS, params=params).json()]
    while link := pages[-1].get("@odata.nextLink"):
        assert link.startswith(f"{tenant.graph}{_AUDITS}?")
        pages.append(alice.get(link).json())
    assert [len(page["value"]) for page in pages] == [2, 2]
    shown = [record["id"] for page in pages for record in page["value"]]
    assert shown == (five[1:] if order == "asc" else five[:0:-1])


def test_a_late_record_does_not_shift_the_next_page(
    five: list[str], control: TenantControl, alice: httpx.Client
) -> None:
    first = alice.get(_AUDITS, params={"$top": 2}).json()
    control.add_record(_record("2026-02-01T10:00:09Z", "late"), tenant=world.WORKFORCE_TENANT)
    second = alice.get(first["@odata.nextLink"]).json()
    assert [record["id"] for record in second["value"]] == [five[2], five[1]]


def test_a_page_holds_100_records_by_default(control: TenantControl, alice: httpx.Client) -> None:
    control.make_noise(101, tenant=world.WORKFORCE_TENANT)
    assert len(_records(alice)) == 100
    assert len(_records(alice, **{"$top": 1000})) == 101


def test_the_sixth_request_in_ten_seconds_is_throttled_for_this_application(
    control: TenantControl, acting: Acting
) -> None:
    responder = acting(world.RESPONDER, unthrottled=False)
    assert [responder.get(_AUDITS).status_code for _ in range(5)] == [200] * 5
    refused = responder.get(_AUDITS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TooManyRequests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert acting(world.RESPONDER_B2C, unthrottled=False).get(_AUDITS).status_code == 200
    assert acting(world.ALICE).get(_AUDITS).status_code == 200
    control.settings(audit_requests_per_10_seconds=0)
    assert responder.get(_AUDITS).status_code == 200


def test_a_record_shows_up_after_its_lag(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(audit_lag=0.3)
    began = time.monotonic()
    control.make_noise(1, tenant=world.WORKFORCE_TENANT)
    assert _records(alice) == []
    eventually(lambda: _records(alice), bool)
    assert time.monotonic() - began >= 0.3


def test_with_jitter_records_show_up_out_of_order(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(audit_jitter=0.4)
    made = [f"r{number:02}" for number in range(40)]
    for number, record_id in enumerate(made):
        at = instant(now_ticks() - ticks(60 - number))
        control.add_record(_record(at, record_id), tenant=world.WORKFORCE_TENANT)

    def in_time_order() -> list[str]:
        return [record["id"] for record in _records(alice, **{"$orderby": "activityDateTime"})]

    some = eventually(in_time_order, lambda shown: 0 < len(shown) < len(made))
    assert some != made[: len(some)]
    eventually(in_time_order, lambda shown: shown == made)


def test_records_can_be_doubled_across_pages(control: TenantControl, alice: httpx.Client) -> None:
    control.double_next_records(1, tenant=world.WORKFORCE_TENANT)
    control.make_noise(2, tenant=world.WORKFORCE_TENANT)
    first = alice.get(_AUDITS, params={"$top": 1, "$orderby": "activityDateTime"}).json()
    second = alice.get(first["@odata.nextLink"]).json()
    assert first["value"] == second["value"]
    assert len(_records(alice)) == 3


def test_noise_is_ordinary(control: TenantControl, alice: httpx.Client, carol: httpx.Client) -> None:
    for client, tenant in ((alice, world.WORKFORCE_TENANT), (carol, world.B2C_TENANT)):
        control.make_noise(12, tenant=tenant)
        records = _records(client)
        assert len({record["id"] for record in records}) == 12
        activities = {record["activityDisplayName"] for record in records}
        assert len(activities) > 1
        assert not any("onditional access" in activity for activity in activities)
        assert not any(re.match("(Create|Update|Delete) custom", activity) for activity in activities)


def test_a_conditional_access_change_is_logged_twice(alice: httpx.Client) -> None:
    alice.patch(f"{_CA}/{world.BLOCK_LEGACY.id}", json={"state": "disabled"}).raise_for_status()
    first, twin = _written(alice, 2)
    assert first["id"].startswith("IPCGraph_")
    assert (first["loggedByService"], first["category"]) == ("Conditional Access", "Policy")
    assert (first["activityDisplayName"], first["operationType"]) == ("Update conditional access policy", "Update")
    assert (first["result"], first["resultReason"]) == ("success", None)
    assert (twin["loggedByService"], twin["activityDisplayName"]) == ("Core Directory", "Update policy")
    assert first["correlationId"] == twin["correlationId"]
    assert first["id"] != twin["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", first["activityDateTime"])


def test_the_callers_request_id_becomes_the_correlation_id_when_it_is_a_guid(alice: httpx.Client) -> None:
    wanted = "c0ffee00-0000-4000-8000-000000000000"
    for given in (wanted, "rubbish"):
        body, headers = {"state": "disabled"}, {"client-request-id": given}
        alice.patch(f"{_CA}/{world.BLOCK_LEGACY.id}", json=body, headers=headers).raise_for_status()
    correlations = [record["correlationId"] for record in _written(alice, 4)]
    assert correlations.count(wanted) == 2
    assert "rubbish" not in correlations


def test_the_record_holds_the_policy_as_json_text(alice: httpx.Client) -> None:
    alice.patch(f"{_CA}/{world.BLOCK_LEGACY.id}", json={"state": "disabled", "grantControls": None}).raise_for_status()
    target = _written(alice, 2)[0]["targetResources"][0]
    assert (target["id"], target["displayName"]) == (world.BLOCK_LEGACY.id, world.BLOCK_LEGACY.name)
    change = target["modifiedProperties"][0]
    assert change["displayName"] == "ConditionalAccessPolicy"
    old, new = json.loads(change["oldValue"]), json.loads(change["newValue"])
    assert (old["state"], new["state"]) == ("enabled", "disabled")
    assert old["grantControls"]["builtInControls"] == ["block"]
    assert "grantControls" not in new
    assert new["modifiedDateTime"].endswith("+00:00")


def test_creation_has_no_old_value_and_deletion_no_new_one(alice: httpx.Client) -> None:
    created = alice.post(_CA, json=world.MFA_FOR_ALL.body).json()
    alice.delete(f"{_CA}/{created['id']}").raise_for_status()
    records = _written(alice, 4)
    by_activity = {record["activityDisplayName"]: record["targetResources"][0] for record in records}
    added = by_activity["Add conditional access policy"]["modifiedProperties"][0]
    deleted = by_activity["Delete conditional access policy"]["modifiedProperties"][0]
    assert added["oldValue"] is None
    assert deleted["newValue"] is None
    assert json.loads(added["newValue"])["id"] == json.loads(deleted["oldValue"])["id"] == created["id"]
    assert {"Add policy", "Delete policy"} <= by_activity.keys()


def test_the_actor_is_a_user_or_an_application_never_both(alice: httpx.Client, acting: Acting) -> None:
    for client in (alice, acting(world.IMPOSTOR)):
        client.patch(f"{_CA}/{world.BLOCK_LEGACY.id}", json={"state": "disabled"}).raise_for_status()
    records = _written(alice, 4)
    by_user, by_application = [record for record in records if record["id"].startswith("IPCGraph_")]
    assert by_user["initiatedBy"]["app"] is None
    user = by_user["initiatedBy"]["user"]
    assert (user["id"], user["userPrincipalName"], user["ipAddress"]) == (
        world.ALICE.id,
        world.ALICE.upn,
        world.ALICE.ip,
    )
    assert by_application["initiatedBy"]["user"] is None
    application = by_application["initiatedBy"]["app"]
    assert (application["appId"], application["servicePrincipalId"]) == (None, world.IMPOSTOR.id)
    assert application["displayName"] == world.RELEASE_PIPELINE.name


def test_a_refused_write_is_logged_as_a_failure(control: TenantControl, acting: Acting, alice: httpx.Client) -> None:
    assert alice.patch(f"{_CA}/{world.BLOCK_LEGACY.id}", json={"id": "x"}).status_code == 400
    control.revoke(world.RESPONDER, "Policy.ReadWrite.ConditionalAccess")
    assert acting(world.RESPONDER).delete(f"{_CA}/{world.BLOCK_LEGACY.id}").status_code == 403
    records = [record for record in _written(alice, 4) if record["id"].startswith("IPCGraph_")]
    assert [record["result"] for record in records] == ["failure", "failure"]
    assert "readonly" in records[0]["resultReason"]
    assert [record["targetResources"][0]["id"] for record in records] == [world.BLOCK_LEGACY.id] * 2
    assert all(record["targetResources"][0]["modifiedProperties"] == [] for record in records)


def test_a_custom_policy_change_is_logged_in_two_categories(carol: httpx.Client) -> None:
    policy = world.SIGNUP_SIGNIN
    headers = {"Content-Type": "application/xml"}
    carol.put(f"{_CUSTOM}/{policy.id}/$value", content=policy.xml, headers=headers).raise_for_status()
    carol.delete(f"{_CUSTOM}/{policy.id}").raise_for_status()
    carol.put(f"{_CUSTOM}/{policy.id}/$value", content=policy.xml, headers=headers).raise_for_status()
    records = _written(carol, 6)
    for verb in ("Update", "Delete", "Create"):
        same = [record for record in records if record["activityDisplayName"] == f"{verb} custom policy"]
        assert [record["category"] for record in same] == ["Authorization", "ResourceManagement"]
        assert len({record["correlationId"] for record in same}) == 1
        assert len({record["id"] for record in same}) == 2
        assert all(earlier["activityDateTime"] < later["activityDateTime"] for earlier, later in pairwise(same))
        target = same[0]["targetResources"][0]
        assert (target["id"], target["displayName"]) == (policy.id, policy.id)
        assert same[0]["loggedByService"] == "B2C"


def test_a_refused_upload_is_logged_as_a_failure(carol: httpx.Client) -> None:
    headers = {"Content-Type": "application/xml"}
    carol.put(f"{_CUSTOM}/B2C_1A_new/$value", content="<broken", headers=headers)
    records = _written(carol, 2)
    assert {record["activityDisplayName"] for record in records} == {"Create custom policy"}
    assert {record["result"] for record in records} == {"failure"}


def test_reads_one_record_by_id(five: list[str], alice: httpx.Client) -> None:
    assert alice.get(f"{_AUDITS}/{five[0]}").json()["activityDateTime"] == "2026-02-01T10:00:01Z"
    assert alice.get(f"{_AUDITS}/none").status_code == 404
