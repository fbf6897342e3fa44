import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from tests.integration.infra.local.tenant.conftest import Acting, Ready

_POLICIES = "/v1.0/identity/conditionalAccess/policies"
_ALL = f"{_POLICIES}/{world.MFA_FOR_ALL.id}"


def _state(control: TenantControl) -> str:
    policy = control.state()[world.WORKFORCE_TENANT]["caPolicies"][world.MFA_FOR_ALL.id]
    return policy["state"]


def test_a_fault_answers_instead_of_the_service(control: TenantControl, alice: httpx.Client) -> None:
    control.fault(f"PATCH {_POLICIES}", 503, retry_after=7)
    answer = alice.patch(_ALL, json={"state": "disabled"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["error"]["code"] == "ServiceUnavailable"
    assert _state(control) == "enabled"
    assert alice.patch(_ALL, json={"state": "disabled"}).status_code == 204


def test_a_fault_matches_method_and_path_and_wears_out(control: TenantControl, alice: httpx.Client) -> None:
    control.fault("^GET .*policies$", 500, times=2)
    assert alice.get(_ALL).status_code == 200
    assert [alice.get(_POLICIES).status_code for _ in range(3)] == [500, 500, 200]


def test_faults_can_be_cleared(control: TenantControl, alice: httpx.Client) -> None:
    control.fault("GET", 429, times=9)
    answer = alice.get(_POLICIES)
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)
    control.clear_faults()
    assert alice.get(_POLICIES).status_code == 200


@pytest.mark.parametrize("state", ["enabled", "disabled"])
@pytest.mark.parametrize("status", [0, 500])
def test_an_answer_can_be_lost_before_or_after_the_write(
    control: TenantControl, alice: httpx.Client, status: int, state: str
) -> None:
    control.fault("PATCH", status, after=state == "disabled")
    if status:
        assert alice.patch(_ALL, json={"state": "disabled"}).status_code == status
    else:
        with pytest.raises(httpx.TransportError):
            alice.patch(_ALL, json={"state": "disabled"})
    assert _state(control) == state
    assert control.requests()[-1]["status"] == status


def test_a_fault_can_just_delay(control: TenantControl, alice: httpx.Client) -> None:
    control.fault("GET", delay=0.2)
    began = time.monotonic()
    assert alice.get(_ALL).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_faults_reach_azure_and_the_token_endpoints_too(
    control: TenantControl, tenant: Ready, anonymous: httpx.Client, acting: Acting
) -> None:
    control.fault("DELETE .*roleAssignments", 429, retry_after=3)
    path = world.role_assignment_path(world.ALICE_OWNER.id)
    answer = acting(world.ALICE, "arm").delete(path, params={"api-version": "2022-04-01"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    control.fault("GET /msi/token", 500)
    assert anonymous.get(tenant.identity_endpoint).status_code == 500


def test_the_log_tells_every_request(control: TenantControl, alice: httpx.Client, responder: httpx.Client) -> None:
    alice.get(_POLICIES, params={"$top": 1})
    responder.get(f"{_POLICIES}/x")
    first, second = control.requests()
    assert (first["method"], first["path"], first["status"]) == ("GET", _POLICIES, 200)
    assert (first["principal"], first["query"]) == (world.ALICE.id, "$top=1")
    assert (second["principal"], second["status"]) == (world.RESPONDER.id, 400)
    assert first["time"] < second["time"]
    assert control.requests(principal=world.RESPONDER) == [second]
    assert control.requests(since=first["number"]) == [second]
    assert control.requests(since=second["number"]) == []


def test_the_state_is_the_truth_of_both_tenants(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(consistency_lag=60)
    alice.delete(_ALL).raise_for_status()
    state = control.state()
    workforce, b2c = state[world.WORKFORCE_TENANT], state[world.B2C_TENANT]
    assert world.MFA_FOR_ALL.id not in workforce["caPolicies"]
    assert world.MFA_FOR_ALL.id in workforce["deletedCaPolicies"]
    assert [each["name"] for each in workforce["roleAssignments"]] == [each.id for each in world.ROLE_ASSIGNMENTS]
    assert b2c["customPolicies"] == {policy.id: policy.xml for policy in world.CUSTOM_POLICIES}


def test_reset_goes_back_to_the_seed(control: TenantControl, alice: httpx.Client) -> None:
    control.reset()
    seed, settings = control.state(), control.settings()
    alice.delete(_ALL).raise_for_status()
    control.settings(audit_lag=9, event_retry_delays=[1])
    control.fault("GET", 500)
    control.grant(world.TRUDY, "Policy.Read.All")
    assert control.state() != seed
    control.reset()
    assert (control.state(), control.settings(), control.requests()) == (seed, settings, [])
    assert alice.get(_ALL).status_code == 200


def test_changing_the_dump_of_one_run_does_not_change_the_seed(control: TenantControl, alice: httpx.Client) -> None:
    alice.patch(_ALL, json={"conditions": {"users": {"includeUsers": ["None"]}}}).raise_for_status()
    control.reset()
    users = control.state()[world.WORKFORCE_TENANT]["caPolicies"][world.MFA_FOR_ALL.id]["conditions"]["users"]
    assert users["includeUsers"] == ["All"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("token", {"principal": "nobody"}, 404),
        ("token", {}, 400),
        ("token", {"principal": world.ALICE.id, "resource": "vault"}, 400),
        ("settings", {"audit_lagg": 1}, 400),
        ("settings", {"audit_lag": "soon"}, 400),
        ("settings", [], 400),
        ("grants", {"principal": world.ALICE.id, "add": "Policy.Read.All"}, 400),
        ("faults", {"match": "("}, 400),
        ("eventgrid/subscriptions", {"queue": "http://127.0.0.1:1/a/q?sig=x", "schema": "Custom"}, 400),
    ],
)
def test_a_bad_call_says_what_is_wrong(
    tenant: Ready, anonymous: httpx.Client, path: str, body: object, status: int
) -> None:
    answer = anonymous.post(f"{tenant.control}/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_bad_since_says_what_is_wrong(tenant: Ready, anonymous: httpx.Client) -> None:
    answer = anonymous.get(f"{tenant.control}/log", params={"since": "yesterday"})
    assert answer.status_code == 400
    assert "yesterday" in answer.json()["error"]["message"]


def test_verbose_writes_a_line_for_each_request(tmp_path: Path, anonymous: httpx.Client) -> None:
    command = [sys.executable, "-m", "infra.local.tenant", "--state", str(tmp_path), "--verbose"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        root = httpx.URL(process.stdout.readline().split('"graph": "')[1].split('"')[0])
        anonymous.get(f"{root}/v1.0/organization")
        process.terminate()
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
    assert line.endswith("401 GET /v1.0/organization")
