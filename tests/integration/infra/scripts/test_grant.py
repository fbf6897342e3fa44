"""grant.sh: exactly a tier's permissions, in either tenant; and the registrations that it and operators.sh make."""

from collections.abc import Callable

import pytest

from shared.model.kinds import TenantKind
from shared.model.permissions import Tier
from tests.integration.infra.scripts.az_command import B2C, SUBSCRIPTION
from tests.integration.infra.scripts.az_directory import ME
from tests.integration.infra.scripts.conftest import Desk, declared
from tests.integration.infra.scripts.simulated_az import Call

_WORKFORCE = declared(TenantKind.WORKFORCE, Tier.WATCH)
_WATCH = declared(TenantKind.B2C, Tier.WATCH)
_ACT = declared(TenantKind.B2C, Tier.WATCH, Tier.ACT)


@pytest.fixture
def deployed(desk: Desk) -> Desk:
    """A desk from which everything was deployed."""
    desk.deploy_quickly()
    return desk


def test_what_is_too_many_is_told_and_taken_away_when_asked(deployed: Desk) -> None:
    az = deployed.az
    az.entra.grant(az.principal, "Directory.ReadWrite.All")
    said = deployed.runs("grant.sh")
    assert "! Directory.ReadWrite.All is held and not of tier watch: --prune takes it away" in said
    assert az.writes == []
    assert "- Directory.ReadWrite.All" in deployed.runs("grant.sh", "--prune", "--what-if")
    assert az.writes == []
    deployed.runs("grant.sh", "--prune")
    assert "Directory.ReadWrite.All" not in az.entra.permissions_of(az.principal)
    assert az.entra.permissions_of(az.principal) == set(_WORKFORCE)


def test_what_reaches_beyond_its_own_resources_is_taken_away(deployed: Desk) -> None:
    az = deployed.az
    az.entra.grant("somebody-else", "Policy.Read.All")
    said = deployed.runs("grant.sh", "--revoke")
    *graph, azure = said.splitlines()
    assert sorted(graph) == sorted(f"- {name}" for name in _WORKFORCE)
    assert azure.startswith("- Entra Responder watch (responder-prod")
    scopes = {each["scope"].lower() for each in az.assignments(az.principal)}
    assert scopes
    assert f"/subscriptions/{SUBSCRIPTION}" not in scopes
    assert az.entra.permissions_of(az.principal) == set()
    assert az.entra.permissions_of("somebody-else") == {"Policy.Read.All"}
    az.calls.clear()
    assert deployed.runs("grant.sh", "--revoke") == ""
    assert az.writes == []


def test_a_permission_that_was_given_meanwhile(deployed: Desk) -> None:
    az = deployed.az
    deployed.runs("grant.sh", "--revoke")

    def somebody_is_faster(call: Call) -> str:
        if call.writes:
            az.fails = lambda _call: ""
            az.entra.grant(az.principal, "AuditLog.Read.All")
        return ""

    az.fails = somebody_is_faster
    deployed.runs("grant.sh")
    assert len(az.entra.permissions_of(az.principal)) == len(az.entra.assignments) == len(_WORKFORCE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tier", "all"), "the tier is all: it should be watch or act"),
        (("--tier",), "--tier needs a value"),
        (("--renew",), "--renew goes with --b2c"),
    ],
)
def test_what_makes_no_sense(desk: Desk, arguments: tuple[str, ...], message: str) -> None:
    done = desk.run("grant.sh", *arguments)
    assert (done.returncode, desk.az.calls) == (2, [])
    assert message in done.stderr


# The B2C tenant.


def test_a_b2c_tenant_from_nothing_and_the_second_time_nothing(desk: Desk) -> None:
    desk.with_b2c()
    desk.runs("deploy.sh")
    b2c = desk.az.b2c
    (application,) = b2c.applications
    (responder,) = [each for each in b2c.service_principals if each["appId"] == application["appId"]]
    assert b2c.permissions_of(responder["id"]) == set(_WATCH)
    (credential,) = application["keyCredentials"]
    assert credential["displayName"] == f"entra-responder {desk.az.certificates[0]}"
    settings = desk.az.app_settings()
    assert (settings["B2C_TENANT_ID"], settings["B2C_CLIENT_ID"]) == (B2C, application["appId"])
    assert settings["B2C_RESPONDER_ID"] == responder["id"]
    assert all(
        call.in_b2c == (call.argv[:3] == ("ad", "app", "credential"))
        for call in desk.az.writes
        if call.argv[0] != "rest"
    )
    assert desk.az.contacts == ["owners@contoso.com"]
    made = (len(desk.az.certificates), len(b2c.applications), len(b2c.service_principals), len(b2c.assignments))
    said = desk.runs("deploy.sh")
    assert f"B2C: certificate {desk.az.certificates[0]} is in the vault" in said
    assert (len(desk.az.certificates), len(b2c.applications), len(b2c.service_principals), len(b2c.assignments)) == made
    assert desk.az.contacts == ["owners@contoso.com"]


def test_the_b2c_tenants_tier_and_its_end(deployed: Desk) -> None:
    deployed.with_b2c()
    said = deployed.runs("grant.sh", "--b2c", "--tier", "act")
    (application,) = deployed.az.b2c.applications
    responder = deployed.az.b2c.service_principals[-1]["id"]
    assert deployed.az.b2c.permissions_of(responder) == set(_ACT)
    assert f"B2C_CLIENT_ID={application['appId']} B2C_RESPONDER_ID={responder}" in said
    deployed.runs("grant.sh", "--b2c", "--revoke")
    assert deployed.az.b2c.permissions_of(responder) == set()


def test_a_certificate_is_renewed_beside_the_old_one(deployed: Desk) -> None:
    deployed.with_b2c()
    deployed.runs("grant.sh", "--b2c")
    deployed.runs("grant.sh", "--b2c", "--renew")
    (application,) = deployed.az.b2c.applications
    names = [credential["displayName"] for credential in application["keyCredentials"]]
    assert names == [f"entra-responder {thumbprint}" for thumbprint in deployed.az.certificates]
    assert len(names) == 2


def test_what_if_prints_each_command_for_the_b2c_tenant(deployed: Desk) -> None:
    deployed.with_b2c()
    said = deployed.runs("grant.sh", "--b2c", "--what-if")
    assert deployed.az.writes == []
    commands = [line.removeprefix("would run: ") for line in said.splitlines() if line.startswith("would run: ")]
    login = f"AZURE_CONFIG_DIR={deployed.environment['B2C_AZURE_CONFIG_DIR']} az"
    assert [command.split(" --")[0] for command in commands] == [
        "az keyvault certificate contact add",
        "az keyvault certificate create",
        f"{login} rest",
        f"{login} ad app credential reset",
        f"{login} rest",
        *(f"{login} rest" for _ in _WATCH),
    ]


def test_nobody_is_logged_in_to_the_b2c_tenant(desk: Desk) -> None:
    desk.with_b2c(logged_in=False)
    for script, *arguments in (("grant.sh", "--b2c"), ("deploy.sh",)):
        assert f"az login --tenant {B2C} --allow-no-subscriptions" in desk.stops(script, *arguments)


def test_a_b2c_tenant_that_others_look_after(desk: Desk) -> None:
    desk.with_b2c(logged_in=False)
    said = desk.runs("deploy.sh", B2C_CLIENT_ID="client", B2C_RESPONDER_ID="responder")
    assert "B2C: not logged in there, its registration is left as it is" in said
    assert desk.az.app_settings()["B2C_CLIENT_ID"] == "client"


def test_two_registrations_of_one_name(deployed: Desk) -> None:
    deployed.with_b2c()
    for _ in range(2):
        deployed.az.b2c.rest("post", "applications", {}, {"displayName": "Entra Responder"})
    done = deployed.run("deploy.sh")
    assert done.returncode == 1
    assert "several registrations are called Entra Responder" in done.stderr
    assert not [call for call in deployed.az.writes if "AlertsManagement" not in str(call.argv)]


# The operators.


@pytest.mark.parametrize("script", ["grant.sh --b2c", "operators.sh"])
def test_a_read_that_fails_is_not_taken_for_nothing_there(deployed: Desk, script: str) -> None:
    """Else a second registration would be made, or what others set on one would be overwritten."""
    az = deployed.az
    deployed.with_b2c()
    name, *arguments = script.split()
    deployed.runs(name, *arguments)
    az.calls.clear()
    deployed.runs(name, *arguments)
    reads = [at for at, call in enumerate(az.calls) if call.argv[0] == "rest"][:6]

    def fails_at(number: int) -> Callable[[Call], str]:
        return lambda _call: "before" if len(az.calls) == number + 1 else ""

    for at in reads:
        az.calls.clear()
        az.fails = fails_at(at)
        assert deployed.run(name, *arguments).returncode != 0
        assert az.writes == []


def test_the_operators_registration_is_made_once(desk: Desk) -> None:
    desk.az.entra.applications.clear()
    del desk.environment["OPERATORS_CLIENT_ID"]
    assert desk.runs("operators.sh", "--what-if").endswith("export OPERATORS_CLIENT_ID=CLIENT\n")
    assert desk.az.writes == []
    said = desk.runs("operators.sh")
    (application,) = desk.az.entra.applications
    assert said.endswith(f"export OPERATORS_CLIENT_ID={application['appId']}\n")
    assert application["identifierUris"] == [f"api://{application['appId']}"]
    api = application["api"]
    assert api["requestedAccessTokenVersion"] == 2
    (scope,) = api["oauth2PermissionScopes"]
    (azure_cli,) = api["preAuthorizedApplications"]
    assert azure_cli["delegatedPermissionIds"] == [scope["id"]]
    assert desk.az.entra.service_principals[-1]["appRoleAssignmentRequired"] is True
    assert len(desk.az.entra.assignments) == 1
    assert application["web"]["redirectUris"] == [], "there is no app yet"
    desk.az.calls.clear()
    assert desk.runs("operators.sh") == f"export OPERATORS_CLIENT_ID={application['appId']}\n"
    assert desk.az.writes == []


@pytest.mark.parametrize("permission", ["Mail.Read", "user_impersonation"])
def test_what_a_given_registration_has_stays(desk: Desk, permission: str) -> None:
    """Somebody's own registration: its addresses, its permissions and who may ask for them."""
    (application,) = desk.az.entra.applications
    theirs = {"id": "0c0c0c0c-0000-4000-8000-000000000001", "value": permission, "isEnabled": True}
    client = {"appId": "0d0d0d0d-0000-4000-8000-000000000002", "delegatedPermissionIds": [theirs["id"]]}
    application["identifierUris"] = ["https://contoso.com/tool", "api://contoso/tool"]
    application["api"] |= {"oauth2PermissionScopes": [theirs], "preAuthorizedApplications": [client]}
    desk.runs("operators.sh", "--what-if")
    assert desk.az.writes == []
    desk.runs("operators.sh")
    uris = ["https://contoso.com/tool", "api://contoso/tool", f"api://{application['appId']}"]
    assert application["identifierUris"] == uris
    api = application["api"]
    assert api["oauth2PermissionScopes"][0] == theirs
    first, azure_cli = api["preAuthorizedApplications"]
    assert first == client
    (scope,) = [each["id"] for each in api["oauth2PermissionScopes"] if each["value"] == "user_impersonation"]
    assert azure_cli["delegatedPermissionIds"] == [scope]
    desk.az.calls.clear()
    desk.runs("operators.sh")
    assert desk.az.writes == []


def test_operators_are_assigned_each_once(deployed: Desk) -> None:
    alice, team = "a11ce000-5d2f-4c1b-9e7a-0123456789ab", "7ea30000-5d2f-4c1b-9e7a-0123456789ab"
    deployed.runs("operators.sh")
    said = deployed.runs("operators.sh", "--assign", alice, team)
    assert said.splitlines()[:2] == [f"+ {alice} may sign in", f"+ {team} may sign in"]
    holders = [each["principalId"] for each in deployed.az.entra.assignments if each["appRoleId"].startswith("0000")]
    assert sorted(holders) == sorted([alice, team, ME])
    deployed.az.calls.clear()
    deployed.runs("operators.sh", "--assign", alice)
    assert deployed.az.writes == []
    assert deployed.run("operators.sh", "--assign").returncode == 2
    assert deployed.run("operators.sh", alice).returncode == 2


def test_the_browser_may_return_to_the_app_and_other_addresses_stay(deployed: Desk) -> None:
    (app,) = deployed.az.azure.of_type("Microsoft.Web/sites")
    returns = f"https://{app['name']}.azurewebsites.net/.auth/login/aad/callback"
    assert deployed.runs("operators.sh", "--address") == f"+ the browser returns to {returns}\n"
    (application,) = deployed.az.entra.applications
    assert application["web"]["redirectUris"] == [returns, "https://somebody.example/"]
    assert application["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] is True
    deployed.az.calls.clear()
    assert deployed.runs("operators.sh", "--address") == ""
    assert deployed.az.writes == []


def test_a_registration_that_is_not_there(deployed: Desk) -> None:
    other = "00000000-1111-4222-8333-444444444444"
    assert f"there is no registration {other}" in deployed.stops("operators.sh", OPERATORS_CLIENT_ID=other)


def _tenants_while_deploying(desk: Desk) -> set[str]:
    """Deploy, and give each B2C tenant that the app had at any time."""
    seen: set[str] = set()

    def looks(_call: object) -> str:
        seen.add(desk.az.app_settings()["B2C_TENANT_ID"])
        return ""

    desk.az.fails = looks
    desk.runs("deploy.sh")
    return seen


def test_the_app_never_loses_the_b2c_tenant_in_a_deployment_after_one_that_failed(desk: Desk) -> None:
    """A deployment that failed has no outputs, so what is there is asked of Azure itself."""
    desk.with_b2c()
    desk.runs("deploy.sh")
    desk.az.deployments["entra-responder-prod"]["properties"] |= {"outputs": None, "provisioningState": "Failed"}
    assert _tenants_while_deploying(desk) == {B2C}


def test_an_app_whose_vault_is_gone_keeps_the_b2c_tenant_too(desk: Desk) -> None:
    desk.with_b2c()
    desk.runs("deploy.sh")
    (vault,) = desk.az.azure.of_type("Microsoft.KeyVault/vaults")
    desk.az.azure.delete(f"{vault['id']}/providers/Microsoft.Authorization/locks/keep")
    desk.az.azure.delete(vault["id"])
    desk.az.azure.deleted_vaults.clear()
    assert _tenants_while_deploying(desk) == {B2C}
    assert list(desk.az.azure.of_type("Microsoft.KeyVault/vaults"))
