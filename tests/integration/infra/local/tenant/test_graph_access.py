import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.tenant.permissions import NEEDS
from tests.integration.infra.local.tenant.conftest import Acting, Ready

_POLICIES = "/v1.0/identity/conditionalAccess/policies"
_DELETED = "/v1.0/identity/conditionalAccess/deletedItems/policies"
_POLICY = f"{_POLICIES}/{world.MFA_FOR_ALL.id}"


def _error(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()["error"]
    assert body["innerError"]["request-id"] == answer.headers["request-id"]
    return answer.status_code, body["code"]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer rubbish"}, {"Authorization": "Basic YTpi"}])
def test_without_a_good_token_everything_is_refused(
    tenant: Ready, anonymous: httpx.Client, header: dict[str, str]
) -> None:
    answer = anonymous.get(f"{tenant.graph}{_POLICIES}", headers=header)
    assert _error(answer) == (401, "InvalidAuthenticationToken")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_ran_out_is_refused(tenant: Ready, anonymous: httpx.Client, control: TenantControl) -> None:
    token = control.token(world.ALICE, lifetime=-60)
    answer = anonymous.get(f"{tenant.graph}{_POLICIES}", headers={"Authorization": f"Bearer {token}"})
    assert _error(answer) == (401, "InvalidAuthenticationToken")
    assert "expired" in answer.json()["error"]["message"]
    assert control.requests()[-1]["principal"] == world.ALICE.id


def test_a_token_for_azure_is_refused(acting: Acting) -> None:
    answer = acting(world.ALICE, "arm").get(_POLICIES)
    assert _error(answer) == (401, "InvalidAuthenticationToken")
    assert "audience" in answer.json()["error"]["message"]


def test_the_token_chooses_the_directory(alice: httpx.Client, carol: httpx.Client) -> None:
    assert len(alice.get(_POLICIES).json()["value"]) == len(world.CA_POLICIES)
    assert carol.get(_POLICIES).json()["value"] == []


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", _POLICIES, {"Policy.Read.All"}),
        ("GET", _DELETED, {"Policy.Read.All"}),
        (
            "POST",
            _POLICIES,
            {"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"},
        ),
        (
            "PATCH",
            _POLICY,
            {"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"},
        ),
        ("DELETE", _POLICY, {"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"}),
        ("GET", "/v1.0/auditLogs/directoryAudits", {"AuditLog.Read.All"}),
        ("GET", "/beta/auditLogs/signIns", {"AuditLog.Read.All", "Directory.Read.All"}),
        ("GET", "/beta/trustFramework/policies", {"Policy.ReadWrite.TrustFramework"}),
        ("GET", "/beta/trustFramework/policies", {"Policy.Read.All"}),
        ("DELETE", "/beta/trustFramework/policies/B2C_1A_none", {"Policy.ReadWrite.TrustFramework"}),
        ("GET", f"/v1.0/users/{world.ALICE.id}", {"User.Read.All"}),
        ("GET", f"/v1.0/users/{world.ALICE.id}", {"Directory.Read.All"}),
        ("GET", f"/v1.0/servicePrincipals/{world.RESPONDER.id}", {"Application.Read.All"}),
        ("GET", f"/v1.0/servicePrincipals/{world.RESPONDER.id}", {"Directory.Read.All"}),
    ],
)
def test_an_application_needs_every_permission_of_the_call(
    control: TenantControl, acting: Acting, method: str, path: str, needed: set[str]
) -> None:
    application = world.RESPONDER_B2C if "trustFramework" in path else world.RESPONDER
    every_permission = {name for alternatives in NEEDS.values() for needs in alternatives for name in needs}
    control.revoke(application, *every_permission)
    for missing in sorted(needed):
        control.grant(application, *(needed - {missing}))
        control.revoke(application, missing)
        assert _error(acting(application).request(method, path)) == (403, "Authorization_RequestDenied")
    control.grant(application, *needed)
    assert acting(application).request(method, path).status_code != 403


def test_the_refusal_does_not_name_the_permission(control: TenantControl, acting: Acting) -> None:
    control.revoke(world.RESPONDER, "Policy.Read.All")
    message = acting(world.RESPONDER).get(_POLICIES).json()["error"]["message"]
    assert message == "Insufficient privileges to complete the operation."


def test_a_grant_reaches_new_tokens_only_unless_the_setting_says_so(
    control: TenantControl, responder: httpx.Client, acting: Acting
) -> None:
    control.revoke(world.RESPONDER, "Policy.Read.All")
    assert responder.get(_POLICIES).status_code == 200
    assert acting(world.RESPONDER).get(_POLICIES).status_code == 403
    control.settings(grants_reach_issued_tokens=True)
    assert responder.get(_POLICIES).status_code == 403


def test_paths_that_do_not_exist_are_refused(alice: httpx.Client, carol: httpx.Client) -> None:
    assert _error(alice.get("/v1.0/nothing")) == (400, "BadRequest")
    answer = carol.get("/v1.0/trustFramework/policies")
    assert answer.json()["error"]["message"] == "Resource not found for the segment 'trustFramework'."


def test_other_methods_are_not_allowed(alice: httpx.Client) -> None:
    assert _error(alice.put(_POLICY, json={})) == (405, "Request_BadRequest")
    assert _error(alice.patch("/v1.0/organization", json={})) == (405, "Request_BadRequest")


def test_reads_a_user_by_id_and_by_name(alice: httpx.Client) -> None:
    by_id = alice.get(f"/v1.0/users/{world.MALLORY.id}").json()
    assert (by_id["displayName"], by_id["userPrincipalName"]) == (world.MALLORY.name, world.MALLORY.upn)
    assert "accountEnabled" not in by_id
    chosen = alice.get(f"/v1.0/users/{world.MALLORY.upn}", params={"$select": "id,accountEnabled"}).json()
    del chosen["@odata.context"]
    assert chosen == {"id": world.MALLORY.id, "accountEnabled": True}


def test_accounts_can_be_disabled_and_deleted(control: TenantControl, alice: httpx.Client) -> None:
    control.settings(disabled_accounts=[world.MALLORY.id], deleted_accounts=[world.TRUDY.id])
    mallory = alice.get(f"/v1.0/users/{world.MALLORY.id}", params={"$select": "accountEnabled"}).json()
    assert mallory["accountEnabled"] is False
    assert _error(alice.get(f"/v1.0/users/{world.TRUDY.id}")) == (404, "Request_ResourceNotFound")


def test_reads_service_principals_of_the_same_name(alice: httpx.Client) -> None:
    twins = [
        alice.get(f"/v1.0/servicePrincipals/{principal.id}").json()
        for principal in (world.RELEASE_PIPELINE, world.IMPOSTOR)
    ]
    assert twins[0]["displayName"] == twins[1]["displayName"] == "Release pipeline"
    assert twins[0]["appId"] != twins[1]["appId"]
    identity = alice.get(f"/v1.0/servicePrincipals/{world.RESPONDER.id}").json()
    assert identity["servicePrincipalType"] == "ManagedIdentity"


def test_objects_of_the_other_tenant_or_kind_are_not_found(alice: httpx.Client) -> None:
    for path in (f"users/{world.BOB_B2C.id}", f"users/{world.RESPONDER.id}", f"servicePrincipals/{world.ALICE.id}"):
        assert _error(alice.get(f"/v1.0/{path}")) == (404, "Request_ResourceNotFound")


def test_an_unknown_property_cannot_be_selected(alice: httpx.Client) -> None:
    answer = alice.get(f"/v1.0/users/{world.ALICE.id}", params={"$select": "shoeSize"})
    assert _error(answer) == (400, "Request_BadRequest")
