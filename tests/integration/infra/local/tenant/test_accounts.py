"""The simulated tenant: an account is disabled, its sessions are revoked, its risk is rated, as who may."""

from http import HTTPStatus

from infra.local import world
from infra.local.tenant.control import TenantControl

_FIELDS = {"$select": "accountEnabled,signInSessionsValidFromDateTime"}


def test_it_is_refused_without_the_permission_and_shown_with_it(control: TenantControl) -> None:
    user, risky = f"/v1.0/users/{world.MALLORY.id}", "/v1.0/identityProtection/riskyUsers"
    about = {"userIds": [world.MALLORY.id]}
    with control.as_principal(world.RESPONDER) as graph:
        before = graph.get(user, params=_FIELDS).raise_for_status().json()
        assert graph.patch(user, json={"accountEnabled": False}).status_code == HTTPStatus.FORBIDDEN
        assert graph.post(f"{risky}/confirmCompromised", json=about).status_code == HTTPStatus.FORBIDDEN
        graph.post(f"{user}/revokeSignInSessions").raise_for_status()
        control.grant(world.RESPONDER, "User.EnableDisableAccount.All", "IdentityRiskyUser.ReadWrite.All")
    with control.as_principal(world.RESPONDER) as graph:
        graph.patch(user, json={"accountEnabled": False}).raise_for_status()
        assert graph.get(f"{risky}/{world.MALLORY.id}").status_code == HTTPStatus.NOT_FOUND
        graph.post(f"{risky}/confirmCompromised", json=about).raise_for_status()
        assert graph.get(f"{risky}/{world.MALLORY.id}").json()["riskState"] == "confirmedCompromised"
        graph.post(f"{risky}/dismiss", json=about).raise_for_status()
        after = graph.get(user, params=_FIELDS).raise_for_status().json()
    assert (before["accountEnabled"], after["accountEnabled"]) == (True, False)
    assert after["signInSessionsValidFromDateTime"] > before["signInSessionsValidFromDateTime"]
