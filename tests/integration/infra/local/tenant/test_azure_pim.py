import uuid

import httpx
import pytest

from infra.local import world
from infra.local.tenant.control import TenantControl
from infra.local.world import Json, Principal
from tests.fakes.queue_service import QueueService
from tests.integration.infra.local.tenant.conftest import Acting
from tests.integration.infra.local.tenant.polling import eventually

_VERSION = {"api-version": "2020-10-01"}
_BASE = f"{world.SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization"
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def _put(client: httpx.Client, collection: str, **properties: object) -> httpx.Response:
    return client.put(f"{_BASE}/{collection}/{uuid.uuid4()}", params=_VERSION, json={"properties": properties})


def _request(
    client: httpx.Client,
    kind: str,
    *,
    principal: Principal = world.ERIN,
    role: str = world.OWNER,
    duration: str = "PT8H",
) -> httpx.Response:
    return _put(
        client,
        "roleAssignmentScheduleRequests",
        principalId=principal.id,
        roleDefinitionId=world.role_definition_id(role),
        requestType=kind,
        justification="an incident",
        scheduleInfo={"expiration": {"type": "AfterDuration", "duration": duration}},
    )


def _values(client: httpx.Client, collection: str, **query: str) -> list[Json]:
    return client.get(f"{_BASE}/{collection}", params=_VERSION | query).raise_for_status().json()["value"]


def _owned(client: httpx.Client, principal: Principal = world.ERIN) -> list[Json]:
    return _values(client, "roleAssignments", **{"$filter": f"principalId eq '{principal.id}'"})


def _refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def erin(acting: Acting) -> httpx.Client:
    return acting(world.ERIN, "arm")


@pytest.fixture
def arm(acting: Acting) -> httpx.Client:
    return acting(world.ALICE, "arm")


def test_who_may_activate_what(arm: httpx.Client) -> None:
    (eligible,) = _values(arm, "roleEligibilityScheduleInstances")
    assert eligible["properties"]["principalId"] == world.ERIN.id
    assert eligible["properties"]["roleDefinitionId"].endswith(world.OWNER)


def test_an_activation_is_written_by_the_service_and_asked_for_by_somebody(
    erin: httpx.Client, arm: httpx.Client
) -> None:
    asked = _request(erin, "SelfActivate")
    assert asked.status_code == 201
    (assignment,) = _owned(arm)
    held = assignment["properties"]
    assert held["createdBy"] == held["updatedBy"] == world.MS_PIM.id
    instances = _values(arm, "roleAssignmentScheduleInstances", **{"$filter": f"principalId eq '{world.ERIN.id}'"})
    (instance,) = [each["properties"] for each in instances]
    assert instance["originRoleAssignmentId"] == assignment["id"]
    assert (instance["assignmentType"], instance["memberType"]) == ("Activated", "Direct")
    assert instance["linkedRoleEligibilityScheduleId"].endswith(world.ERIN_ELIGIBLE_OWNER.id)
    assert instance["endDateTime"] > instance["startDateTime"]
    name = instance["roleAssignmentScheduleId"].rsplit("/", 1)[-1]
    schedule = arm.get(f"{_BASE}/roleAssignmentSchedules/{name}", params=_VERSION).json()["properties"]
    request = arm.get(schedule["roleAssignmentScheduleRequestId"], params=_VERSION).json()["properties"]
    assert (request["requestorId"], request["requestType"]) == (world.ERIN.id, "SelfActivate")
    assert (request["status"], request["targetRoleAssignmentScheduleId"]) == ("Provisioned", name)


def test_what_was_assigned_without_the_service_is_listed_too(arm: httpx.Client) -> None:
    instances = _values(arm, "roleAssignmentScheduleInstances")
    assert [each["properties"]["assignmentType"] for each in instances] == ["Assigned"] * len(world.ROLE_ASSIGNMENTS)
    assert {each["properties"]["endDateTime"] for each in instances} == {None}


@pytest.mark.parametrize(
    ("actor", "principal", "role", "code"),
    [
        (world.DAVE, world.DAVE, world.OWNER, "RoleAssignmentDoesNotExist"),
        (world.ERIN, world.ERIN, world.READER, "RoleAssignmentDoesNotExist"),
        (world.DAVE, world.ERIN, world.OWNER, "AuthorizationFailed"),
        (world.ALICE, world.ERIN, world.OWNER, "RoleAssignmentDoesNotExist"),
    ],
)
def test_only_the_eligible_activate(
    acting: Acting, actor: Principal, principal: Principal, role: str, code: str
) -> None:
    answer = _request(acting(actor, "arm"), "SelfActivate", principal=principal, role=role)
    assert _refusal(answer)[1] == code
    arm = acting(world.ALICE, "arm")
    assert _owned(arm, principal) == []


def test_an_administrator_assigns_for_a_time(acting: Acting, arm: httpx.Client) -> None:
    assert _refusal(_request(acting(world.DAVE, "arm"), "AdminAssign", principal=world.DAVE))[0] == 403
    assert _request(arm, "AdminAssign", principal=world.DAVE).status_code == 201
    instances = _values(arm, "roleAssignmentScheduleInstances", **{"$filter": f"principalId eq '{world.DAVE.id}'"})
    (instance,) = [each["properties"] for each in instances]
    assert (instance["assignmentType"], instance["linkedRoleEligibilityScheduleId"]) == ("Assigned", None)
    assert instance["endDateTime"] is not None
    assert _refusal(_request(arm, "AdminAssign", principal=world.DAVE)) == (400, "RoleAssignmentExists")


def test_what_is_young_cannot_be_taken_away_by_the_service(
    control: TenantControl, erin: httpx.Client, arm: httpx.Client
) -> None:
    assert _refusal(_request(erin, "SelfDeactivate")) == (400, "RoleAssignmentDoesNotExist")
    _request(erin, "SelfActivate").raise_for_status()
    assert _refusal(_request(erin, "SelfDeactivate")) == (400, "ActiveDurationTooShort")
    control.settings(pim_shortest_seconds=0)
    assert _request(erin, "SelfDeactivate").json()["properties"]["status"] == "Revoked"
    assert _owned(arm) == []


def test_what_was_deleted_directly_can_be_activated_again(erin: httpx.Client, arm: httpx.Client) -> None:
    _request(erin, "SelfActivate").raise_for_status()
    (assignment,) = _owned(arm)
    arm.delete(assignment["id"], params=_VERSION).raise_for_status()
    assert _request(erin, "SelfActivate").status_code == 201


@pytest.mark.parametrize("by_itself", [True, False])
def test_the_service_is_the_actor_of_the_write_and_of_the_expiry(
    control: TenantControl, queue: QueueService, erin: httpx.Client, *, by_itself: bool
) -> None:
    control.subscribe(queue.signed)
    _request(erin, "SelfActivate", duration="PT1S" if by_itself else "P1D").raise_for_status()
    if not by_itself:
        control.expire_activations()
    events = eventually(lambda: list(queue.events), lambda events: len(events) == 2)
    # Event Grid keeps no order.
    written, deleted = sorted(events, key=lambda event: event["eventTime"])
    assert written["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert deleted["eventType"] == "Microsoft.Resources.ResourceDeleteSuccess"
    assert written["subject"] == deleted["subject"]
    for event in (written, deleted):
        claims = event["data"]["claims"]
        assert (claims[_OID], claims["appid"]) == (world.MS_PIM.id, world.MS_PIM.client_id)


@pytest.mark.parametrize("duration", ["8 hours", "P", "PT", "-PT1H"])
def test_a_duration_that_cannot_be_read_is_refused(erin: httpx.Client, duration: str) -> None:
    assert _refusal(_request(erin, "SelfActivate", duration=duration)) == (400, "InvalidScheduleInfo")


def test_eligibilities_are_given_and_taken(acting: Acting, arm: httpx.Client) -> None:
    wanted = {"principalId": world.DAVE.id, "roleDefinitionId": world.role_definition_id(world.READER)}
    dave = acting(world.DAVE, "arm")
    assert _put(dave, "roleEligibilityScheduleRequests", **wanted, requestType="AdminAssign").status_code == 403
    made = _put(arm, "roleEligibilityScheduleRequests", **wanted, requestType="AdminAssign")
    assert made.json()["properties"]["requestorId"] == world.ALICE.id
    assert _request(dave, "SelfActivate", principal=world.DAVE, role=world.READER).status_code == 201
    assert len(_values(arm, "roleEligibilityScheduleInstances")) == 2
    for expected in (201, 400):
        taken = _put(arm, "roleEligibilityScheduleRequests", **wanted, requestType="AdminRemove")
        assert taken.status_code == expected
    assert len(_values(arm, "roleEligibilityScheduleInstances")) == 1
