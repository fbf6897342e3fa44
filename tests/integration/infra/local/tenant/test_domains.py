from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import COMPANY_DOMAIN, FEDERATION_SETTINGS, SHOP_DOMAIN, WORKFORCE_DOMAIN, WORKFORCE_TENANT, Json
from tests.integration.infra.local.tenant.conftest import Acting
from tests.integration.infra.local.tenant.polling import eventually

_COMPANY = f"/v1.0/domains/{COMPANY_DOMAIN}"
_FEDERATION = f"{_COMPANY}/federationConfiguration"
_MANAGED = {"authenticationType": "Managed"}
_REFUSED = "Insufficient privileges to complete the operation."


def _stored(control: TenantControl) -> dict[str, Json]:
    domains: dict[str, Json] = control.state()[WORKFORCE_TENANT]["domains"]
    return domains


def _types(client: httpx.Client) -> dict[str, str]:
    listed: list[Json] = client.get("/v1.0/domains").raise_for_status().json()["value"]
    return {each["id"]: each["authenticationType"] for each in listed}


def test_a_tenant_that_is_not_hybrid_has_managed_domains(alice: httpx.Client) -> None:
    assert _types(alice) == {WORKFORCE_DOMAIN: "Managed", COMPANY_DOMAIN: "Managed", SHOP_DOMAIN: "Managed"}
    answer = alice.get(_FEDERATION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "Request_ResourceNotFound")
    assert alice.get("/v1.0/directory/onPremisesSynchronization").json()["value"] == []
    organization = alice.get("/beta/organization").json()["value"][0]
    assert organization["onPremisesSyncEnabled"] is None
    assert organization["onPremisesLastPasswordSyncDateTime"] is None


def test_a_subdomain_follows_its_root(control: TenantControl, alice: httpx.Client) -> None:
    control.make_hybrid()
    assert _types(alice) == {WORKFORCE_DOMAIN: "Managed", COMPANY_DOMAIN: "Federated", SHOP_DOMAIN: "Federated"}
    roots = {each["id"]: each["isRoot"] for each in alice.get("/v1.0/domains").json()["value"]}
    assert roots == {WORKFORCE_DOMAIN: True, COMPANY_DOMAIN: True, SHOP_DOMAIN: False}
    answer = alice.patch(f"/v1.0/domains/{SHOP_DOMAIN}", json=_MANAGED)
    assert answer.status_code == 400
    assert "because it is a subdomain" in answer.json()["error"]["message"]


def test_making_a_domain_managed_destroys_its_settings(control: TenantControl, alice: httpx.Client) -> None:
    control.make_hybrid()
    (before,) = alice.get(_FEDERATION).raise_for_status().json()["value"]
    assert {name: before[name] for name in FEDERATION_SETTINGS} == FEDERATION_SETTINGS
    assert alice.patch(_COMPANY, json=_MANAGED).status_code == 204
    assert alice.get(_COMPANY).json()["authenticationType"] == "Managed"
    assert alice.get(_FEDERATION).status_code == 404
    assert alice.patch(_COMPANY, json=_MANAGED).status_code == 204
    found = eventually(
        lambda: [
            each
            for each in alice.get("/v1.0/auditLogs/directoryAudits").json()["value"]
            if each["activityDisplayName"] == "Set domain authentication"
        ],
        bool,
    )
    assert len(found) == 1
    assert found[0]["targetResources"][0]["displayName"] == COMPANY_DOMAIN


def test_a_managed_domain_is_federated_by_its_settings_alone(control: TenantControl, alice: httpx.Client) -> None:
    answer = alice.patch(_COMPANY, json={"authenticationType": "Federated"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Changing authenticationType from Managed to Federated")
    made = alice.post(_FEDERATION, json=FEDERATION_SETTINGS)
    assert made.status_code == 201
    assert _types(alice)[COMPANY_DOMAIN] == "Federated"
    assert alice.post(_FEDERATION, json=FEDERATION_SETTINGS).status_code == 409
    assert alice.delete(f"{_FEDERATION}/{made.json()['id']}").status_code == 204
    assert _stored(control)[COMPANY_DOMAIN]["authenticationType"] == "Managed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**FEDERATION_SETTINGS, "issuerUri": 7},
        {**FEDERATION_SETTINGS, "id": "x"},
        {name: value for name, value in FEDERATION_SETTINGS.items() if name != "signingCertificate"},
    ],
)
def test_settings_that_are_not_whole_are_refused(alice: httpx.Client, control: TenantControl, body: Json) -> None:
    before = _stored(control)
    assert alice.post(_FEDERATION, json=body).status_code == 400
    assert alice.post(f"/v1.0/domains/{WORKFORCE_DOMAIN}/federationConfiguration", json=body).status_code == 400
    assert _stored(control) == before


def test_the_default_domain_is_never_federated(alice: httpx.Client) -> None:
    path = f"/v1.0/domains/{WORKFORCE_DOMAIN}/federationConfiguration"
    assert alice.post(path, json=FEDERATION_SETTINGS).status_code == 400


_WRITES: tuple[tuple[str, Callable[[httpx.Client, str], httpx.Response]], ...] = (
    ("PATCH", lambda client, _: client.patch(_COMPANY, json=_MANAGED)),
    ("DELETE", lambda client, federation: client.delete(f"{_FEDERATION}/{federation}")),
)


@pytest.mark.parametrize(("name", "write"), _WRITES, ids=[name for name, _ in _WRITES])
def test_an_application_may_not_whatever_it_is_granted(
    control: TenantControl, acting: Acting, name: str, write: Callable[[httpx.Client, str], httpx.Response]
) -> None:
    control.make_hybrid()
    control.grant(world.RESPONDER, "Domain.ReadWrite.All", "Domain-InternalFederation.ReadWrite.All")
    app = acting(world.RESPONDER)
    federation = _stored(control)[COMPANY_DOMAIN]["federationConfiguration"]["id"]
    refused = write(app, federation)
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, _REFUSED), name
    control.settings(federation_app_only=True)
    assert write(app, federation).status_code == 204
    control.reset()
    control.settings(federation_app_only=True)
    control.make_hybrid()
    federation = _stored(control)[COMPANY_DOMAIN]["federationConfiguration"]["id"]
    assert write(acting(world.RESPONDER), federation).status_code == 403, "without the permission"


def test_an_application_reads_domains_with_the_permission_alone(control: TenantControl, acting: Acting) -> None:
    control.make_hybrid()
    assert acting(world.RELEASE_PIPELINE).get("/v1.0/domains").status_code == 403
    assert acting(world.RELEASE_PIPELINE).get(_FEDERATION).status_code == 403
    control.grant(world.RELEASE_PIPELINE, "Domain.Read.All")
    assert acting(world.RELEASE_PIPELINE).get("/v1.0/domains").status_code == 200
    assert acting(world.RELEASE_PIPELINE).get(_FEDERATION).status_code == 200


def test_an_application_may_not_read_the_features_of_synchronization(control: TenantControl, acting: Acting) -> None:
    control.make_hybrid()
    path = "/v1.0/directory/onPremisesSynchronization"
    control.grant(world.RESPONDER, "OnPremDirectorySynchronization.Read.All")
    assert acting(world.RESPONDER).get(path).status_code == 403
    control.settings(synchronization_app_only=True)
    (shown,) = acting(world.RESPONDER).get(path).raise_for_status().json()["value"]
    assert shown["features"]["passwordSyncEnabled"] is True
    control.settings(has_password_hashes=False)
    (shown,) = acting(world.ALICE).get(path).raise_for_status().json()["value"]
    assert shown["features"]["passwordSyncEnabled"] is False


def test_beta_alone_says_when_password_hashes_came(control: TenantControl, alice: httpx.Client) -> None:
    control.make_hybrid()
    control.settings(password_sync_age=3600, directory_sync_age=7200)
    (organization,) = alice.get("/v1.0/organization").json()["value"]
    assert organization["onPremisesSyncEnabled"] is True
    assert "onPremisesLastPasswordSyncDateTime" not in organization
    (organization,) = alice.get("/beta/organization").json()["value"]
    ages = {
        name: (datetime.now(UTC) - datetime.fromisoformat(organization[name])).total_seconds()
        for name in ("onPremisesLastSyncDateTime", "onPremisesLastPasswordSyncDateTime")
    }
    assert 7199 <= ages["onPremisesLastSyncDateTime"] < 7260
    assert 3599 <= ages["onPremisesLastPasswordSyncDateTime"] < 3660
    control.settings(has_password_hashes=False)
    (organization,) = alice.get("/beta/organization").json()["value"]
    assert organization["onPremisesLastPasswordSyncDateTime"] is None


def test_a_write_shows_late_where_reads_lag(control: TenantControl, alice: httpx.Client) -> None:
    control.make_hybrid()
    control.settings(consistency_lag=0.6)
    assert alice.patch(_COMPANY, json=_MANAGED).status_code == 204
    assert alice.get(_COMPANY).json()["authenticationType"] == "Federated"
    eventually(lambda: alice.get(_COMPANY).json()["authenticationType"], "Managed".__eq__)


def test_a_reset_makes_it_managed_again(control: TenantControl, alice: httpx.Client) -> None:
    control.make_hybrid()
    control.reset()
    assert _types(alice)[COMPANY_DOMAIN] == "Managed"
    with pytest.raises(httpx.HTTPStatusError):
        control.make_hybrid("nowhere.example")
