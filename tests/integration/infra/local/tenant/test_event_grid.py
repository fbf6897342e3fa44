import asyncio
import ssl
import time
from itertools import pairwise

import httpx
import pytest
import trustme

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.tenant.event_grid import EventGrid
from infra.local.tenant.settings import Settings
from infra.local.world import Json
from tests.fakes.queue_service import QueueService
from tests.integration.infra.local.tenant.conftest import Acting, Ready
from tests.integration.infra.local.tenant.polling import eventually

_VERSION = {"api-version": "2022-04-01"}
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


def _path(number: int = 1) -> str:
    return world.role_assignment_path(f"0badc0de-0000-4000-8000-{number:012}", world.RESOURCE_GROUP_SCOPE)


def _assign(client: httpx.Client, number: int = 1, **more: str) -> None:
    roles = list(world.RBAC_ROLE_NAMES)
    role = {"roleDefinitionId": world.role_definition_id(roles[number % 4]), "principalId": world.MALLORY.id}
    client.put(_path(number), params=_VERSION, json={"properties": role | more}).raise_for_status()


@pytest.fixture
def alice_in_azure(acting: Acting) -> httpx.Client:
    return acting(world.ALICE, "arm")


@pytest.fixture
def subscribed(control: TenantControl, queue: QueueService) -> QueueService:
    control.settings(event_retry_delays=[0.05, 0.1])
    control.subscribe(queue.signed)
    return queue


def _delivered(queue: QueueService, count: int) -> list[Json]:
    eventually(lambda: len(queue.events), lambda seen: seen >= count)
    return queue.events


def test_a_subscription_is_told_without_what_opens_its_queue(control: TenantControl, queue: QueueService) -> None:
    subscription = control.subscribe(queue.signed)
    assert subscription["queue"] == queue.address
    assert subscription["provisioningState"] == "Succeeded"
    control.subscribe(queue.address, token="a-secret-token")
    assert control.subscriptions()[0] == subscription
    assert "sig" not in str(control.subscriptions())
    assert "a-secret-token" not in str(control.subscriptions())


@pytest.mark.parametrize("address", ["", "queue", "ftp://127.0.0.1/a/q?sig=x", "http://127.0.0.1/account/queue"])
def test_an_address_that_is_none_or_that_nothing_opens_makes_no_subscription(
    control: TenantControl, address: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        control.subscribe(address)
    assert "address of a storage queue" in refused.value.response.json()["error"]["message"]
    assert control.subscriptions() == []


def test_a_message_never_expires_and_comes_with_the_signature(
    subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    _assign(alice_in_azure)
    _delivered(subscribed, 1)
    assert subscribed.paths == ["/account/resource-events/messages"]
    assert subscribed.queries == [{"messagettl": ["-1"], "sp": ["a"], "sig": ["a/b=="]}]
    assert subscribed.authorizations == [""]


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_message_comes_with_the_token_over_https_to_a_queue_that_is_trusted(*, is_trusted: bool) -> None:
    authority = trustme.CA()
    server, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    (authority if is_trusted else trustme.CA()).configure_trust(trust)

    async def deliver(queue: QueueService) -> int:
        events = EventGrid(Settings(), trust=trust)
        events.subscribe(queue.address, "EventGridSchema", token="t0ken")
        events.publish({"id": "1"})
        await asyncio.to_thread(eventually, lambda: len(events.attempts), bool)
        status = int(events.attempts[0]["status"])
        await events.close()
        return status

    with QueueService(server=server) as queue:
        status = asyncio.run(deliver(queue))
    assert (status, queue.authorizations) == ((201, ["Bearer t0ken"]) if is_trusted else (0, []))


def test_a_new_assignment_is_told_without_saying_which_role_or_to_whom(
    subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    _assign(alice_in_azure)
    (event,) = _delivered(subscribed, 1)
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert (event["topic"], event["subject"]) == (world.SUBSCRIPTION_SCOPE, _path())
    assert (event["dataVersion"], event["metadataVersion"]) == ("2", "1")
    data = event["data"]
    assert data["operationName"] == "Microsoft.Authorization/roleAssignments/write"
    assert (data["resourceUri"], data["status"]) == (_path(), "Succeeded")
    assert (data["tenantId"], data["subscriptionId"]) == (world.WORKFORCE_TENANT, world.SUBSCRIPTION)
    assert "httpRequest" not in data
    assert world.MALLORY.id not in str(event)
    assert world.READER not in str(event)


def test_updates_and_deletes_carry_the_request(subscribed: QueueService, alice_in_azure: httpx.Client) -> None:
    _assign(alice_in_azure)
    _assign(alice_in_azure, description="changed")
    alice_in_azure.delete(_path(), params=_VERSION).raise_for_status()
    events = _delivered(subscribed, 3)
    methods = {event["data"].get("httpRequest", {}).get("method"): event for event in events}
    assert methods.keys() == {None, "PUT", "DELETE"}
    deleted = methods["DELETE"]
    assert deleted["eventType"] == "Microsoft.Resources.ResourceDeleteSuccess"
    assert deleted["data"]["operationName"] == "Microsoft.Authorization/roleAssignments/delete"
    assert deleted["data"]["httpRequest"]["clientIpAddress"] == world.ALICE.ip


def test_what_changed_nothing_is_not_told(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client, acting: Acting
) -> None:
    assert alice_in_azure.delete(_path(), params=_VERSION).status_code == 204
    assert acting(world.RELEASE_PIPELINE, "arm").delete(_path(), params=_VERSION).status_code == 403
    _assign(alice_in_azure)
    _delivered(subscribed, 1)
    assert len(control.delivery_attempts()) == 1


def test_the_correlation_id_of_the_request_is_kept(subscribed: QueueService, alice_in_azure: httpx.Client) -> None:
    alice_in_azure.headers["x-ms-correlation-request-id"] = "c0ffee00-0000-4000-8000-000000000000"
    _assign(alice_in_azure)
    (event,) = _delivered(subscribed, 1)
    assert event["data"]["correlationId"] == "c0ffee00-0000-4000-8000-000000000000"


def test_a_users_claims(subscribed: QueueService, alice_in_azure: httpx.Client) -> None:
    _assign(alice_in_azure)
    data = _delivered(subscribed, 1)[0]["data"]
    claims = data["claims"]
    assert (claims[_OID], claims[_UPN], claims["name"]) == (world.ALICE.id, world.ALICE.upn, world.ALICE.name)
    assert claims["ipaddr"] == world.ALICE.ip
    assert all(isinstance(value, str) for value in claims.values())
    assert data["authorization"]["evidence"]["role"] == "Owner"


def test_a_service_principals_claims_name_nobody_and_the_evidence_is_about_the_caller(
    subscribed: QueueService, acting: Acting
) -> None:
    _assign(acting(world.RESPONDER, "arm"))
    data = _delivered(subscribed, 1)[0]["data"]
    claims = data["claims"]
    assert (claims[_OID], claims["appid"]) == (world.RESPONDER.id, world.RESPONDER.client_id)
    assert not {_UPN, "name", "ipaddr"} & claims.keys()
    evidence = data["authorization"]["evidence"]
    assert evidence["principalType"] == "ServicePrincipal"
    assert evidence["principalId"] == world.RESPONDER.id.replace("-", "")
    assert evidence["role"] == "User Access Administrator"
    assert evidence["roleDefinitionId"] == world.USER_ACCESS_ADMINISTRATOR.replace("-", "")


def test_cloud_events(control: TenantControl, queue: QueueService, alice_in_azure: httpx.Client) -> None:
    control.subscribe(queue.signed, "CloudEventSchemaV1_0")
    _assign(alice_in_azure)
    event = eventually(lambda: queue.events, bool)[0]
    assert event.keys() == {"id", "source", "subject", "type", "time", "specversion", "data"}
    assert (event["specversion"], event["source"], event["subject"]) == ("1.0", world.SUBSCRIPTION_SCOPE, _path())
    assert event["type"] == "Microsoft.Resources.ResourceWriteSuccess"


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_200_to_204_count_as_success(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client, status: int
) -> None:
    subscribed.statuses = [status]
    _assign(alice_in_azure)
    (attempt,) = eventually(control.delivery_attempts, bool)
    assert attempt["status"] == status
    control.plan_next_event(delay=0.15)  # later than a second attempt at the first event would be
    _assign(alice_in_azure, 2)
    _delivered(subscribed, 2)
    assert subscribed.subjects == [_path(1), _path(2)]


def test_anything_else_is_delivered_again_with_growing_pauses(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    subscribed.statuses = [500, 404, 403]
    _assign(alice_in_azure)
    events = _delivered(subscribed, 4)
    assert len({event["id"] for event in events}) == 1
    attempts = eventually(control.delivery_attempts, lambda seen: len(seen) == 4)
    assert [attempt["status"] for attempt in attempts] == [500, 404, 403, 201]
    assert [attempt["attempt"] for attempt in attempts] == [1, 2, 3, 4]
    times = [attempt["time"] for attempt in attempts]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_an_event_that_never_arrives_is_dead_lettered(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    control.settings(event_attempts=3)
    subscribed.statuses = [503] * 3
    _assign(alice_in_azure)
    (letter,) = eventually(control.dead_letters, bool)
    assert (letter["event"]["subject"], letter["lastStatus"]) == (_path(), 503)
    assert len(control.delivery_attempts()) == 3


@pytest.mark.parametrize("status", [400, 413])
def test_a_refusal_of_the_event_itself_is_dead_lettered_at_once(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client, status: int
) -> None:
    subscribed.statuses = [status]
    _assign(alice_in_azure)
    eventually(control.dead_letters, bool)
    assert len(control.delivery_attempts()) == 1


def test_an_event_can_be_delivered_several_times(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    control.plan_next_event(copies=3)
    _assign(alice_in_azure, 1)
    events = _delivered(subscribed, 3)
    assert len({event["id"] for event in events}) == 1
    _assign(alice_in_azure, 2)
    eventually(control.delivery_attempts, lambda seen: len(seen) == 4)


def test_an_event_can_be_delayed(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    control.plan_next_event(delay=0.3)
    began = time.monotonic()
    _assign(alice_in_azure, 1)
    _assign(alice_in_azure, 2)
    _delivered(subscribed, 2)
    assert time.monotonic() - began >= 0.3
    assert subscribed.subjects == [_path(2), _path(1)]


def test_events_can_be_delivered_in_reverse(
    control: TenantControl, subscribed: QueueService, alice_in_azure: httpx.Client
) -> None:
    control.plan_next_event(reorder=3)
    for number in (1, 2, 3):
        _assign(alice_in_azure, number)
    _delivered(subscribed, 3)
    assert subscribed.subjects == [_path(3), _path(2), _path(1)]


def test_a_deleted_subscription_gets_nothing_more(
    control: TenantControl,
    subscribed: QueueService,
    tenant: Ready,
    alice_in_azure: httpx.Client,
    anonymous: httpx.Client,
) -> None:
    control.unsubscribe(control.subscriptions()[0]["id"])
    control.subscribe(f"{subscribed.signed}&second=1")
    _assign(alice_in_azure)
    _delivered(subscribed, 1)
    assert len(control.delivery_attempts()) == 1
    assert anonymous.delete(f"{tenant.control}/eventgrid/subscriptions/none").status_code == 404
