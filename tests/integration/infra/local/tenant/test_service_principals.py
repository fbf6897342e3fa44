"""Service principals and owners over HTTP: what an attacker adds, what the log says of it, and who may take it away."""

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.tenant.simulated.service_principals import SIMULATED
from infra.local.world import Json
from tests.integration.infra.local.tenant.conftest import Acting

_STANDS = SIMULATED.samples[0].image
_ONE = f"/v1.0/servicePrincipals/{_STANDS['id']}"
_OWNERS = f"{_ONE}/owners"
_MALLORY: Json = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{world.MALLORY.id}"}
_LOG = "/v1.0/auditLogs/directoryAudits"


@pytest.fixture
def mallory(acting: Acting) -> httpx.Client:
    return acting(world.MALLORY)


@pytest.fixture
def responder(acting: Acting) -> httpx.Client:
    return acting(world.RESPONDER)


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _activities(client: httpx.Client) -> set[str]:
    return {record["activityDisplayName"] for record in client.get(_LOG).json()["value"]}


def test_a_secret_is_shown_once_and_logged(mallory: httpx.Client) -> None:
    added = mallory.post(f"{_ONE}/addPassword", json={"passwordCredential": {"displayName": "x"}}).json()
    assert added["secretText"]
    shown = mallory.get(_ONE).json()["passwordCredentials"]
    assert [each["keyId"] for each in shown] == [_STANDS["passwordCredentials"][0]["keyId"], added["keyId"]]
    assert "secretText" not in shown[-1]
    gone = mallory.post(f"{_ONE}/removePassword", json={"keyId": added["keyId"]})
    assert gone.status_code == 204
    assert {"Add service principal credentials", "Remove service principal credentials"} <= _activities(mallory)
    assert _refusal(mallory.post(f"{_ONE}/removePassword", json={"keyId": added["keyId"]}))[0] == 400


def test_certificates_are_shown_of_one_alone_and_sent_with_their_public_parts(mallory: httpx.Client) -> None:
    listed = mallory.get("/v1.0/servicePrincipals", params={"$select": "id,keyCredentials"}).json()["value"]
    assert [each["key"] for one in listed for each in one["keyCredentials"]] == [None]
    (whole,) = mallory.get(_ONE, params={"$select": "keyCredentials"}).json()["keyCredentials"]
    assert mallory.patch(_ONE, json={"keyCredentials": [whole | {"key": None}]}).status_code == 400
    assert mallory.patch(_ONE, json={"keyCredentials": [whole]}).status_code == 204
    assert mallory.patch(_ONE, json={"accountEnabled": False}).status_code == 204
    assert mallory.get(_ONE, params={"$select": "accountEnabled"}).json()["accountEnabled"] is False
    assert "Update service principal" in _activities(mallory)
    assert _refusal(mallory.patch(_ONE, json={"appId": "x"})) == (400, "Request_BadRequest")


def test_owners_are_listed_with_what_they_own(mallory: httpx.Client) -> None:
    assert mallory.post(f"{_OWNERS}/$ref", json=_MALLORY).status_code == 204
    assert _refusal(mallory.post(f"{_OWNERS}/$ref", json=_MALLORY)) == (400, "Request_BadRequest")
    query = {"$select": "id", "$expand": "owners($select=id)"}
    listed = mallory.get("/v1.0/servicePrincipals", params=query).json()["value"]
    owners = {one["id"]: [each["id"] for each in one["owners"]] for one in listed}
    assert owners[_STANDS["id"]] == [world.ALICE.id, world.MALLORY.id]
    assert [each["id"] for each in mallory.get(_OWNERS).json()["value"]] == owners[_STANDS["id"]]
    assert mallory.delete(f"{_OWNERS}/{world.MALLORY.id}/$ref").status_code == 204
    assert _refusal(mallory.delete(f"{_OWNERS}/{world.MALLORY.id}/$ref")) == (404, "Request_ResourceNotFound")
    assert {"Add owner to service principal", "Remove owner from service principal"} <= _activities(mallory)


def test_what_is_not_there_has_no_owners(mallory: httpx.Client) -> None:
    path = f"/v1.0/applications/{world.MALLORY.id}/owners"
    assert _refusal(mallory.get(path)) == (404, "Request_ResourceNotFound")
    assert _refusal(mallory.post(f"{path}/$ref", json=_MALLORY)) == (404, "Request_ResourceNotFound")


def test_the_responder_reads_and_may_write_nothing(responder: httpx.Client) -> None:
    assert responder.get(_ONE).status_code == responder.get(_OWNERS).status_code == 200
    denied = (403, "Authorization_RequestDenied")
    assert _refusal(responder.patch(_ONE, json={"accountEnabled": False})) == denied
    assert _refusal(responder.post(f"{_ONE}/removePassword", json={"keyId": "x"})) == denied
    assert _refusal(responder.delete(f"{_OWNERS}/{world.ALICE.id}/$ref")) == denied


def test_one_that_was_deleted_is_not_there(control: TenantControl, mallory: httpx.Client) -> None:
    control.settings(deleted_accounts=[_STANDS["id"]])
    assert _refusal(mallory.get(_ONE)) == (404, "Request_ResourceNotFound")
    listed = mallory.get("/v1.0/servicePrincipals", params={"$select": "id"}).json()["value"]
    assert _STANDS["id"] not in {each["id"] for each in listed}
