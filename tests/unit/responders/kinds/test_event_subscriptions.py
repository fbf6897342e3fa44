"""Event subscriptions of the topics by which the responder hears: their leaves, what tells of them, what is written."""

import copy
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from infra.local.tenant.simulated.event_subscriptions import SIMULATED
from infra.local.world import SUBSCRIPTION_SCOPE, TOPIC_SCOPE, VAULT_SCOPE
from responders.detections.samples import event_grid_record
from responders.kinds.event_subscriptions import EVENT_SUBSCRIPTION, body, leaves
from shared.clients.api import Answer
from shared.model.errors import BadIdentifier, DoneAlready, Refused, Rejected
from shared.model.kinds import Image, ObjectKind
from shared.model.objects import EXISTS, WHOLE, Op, Recorded
from shared.normalize.resources import from_event_grid
from tests.fakes.kinds import objections, write_of
from tests.fakes.situations import AT
from tests.fakes.tenant import FakeTenant, Request, answer_of

KIND: Final = EVENT_SUBSCRIPTION
STANDS: Final = SIMULATED.samples[0].image
_ID: Final = SIMULATED.samples[0].object_id
_TYPE: Final = "Microsoft.EventGrid/systemTopics/eventSubscriptions"


def _tenant(*images: Image, **more: Any) -> FakeTenant:  # noqa: ANN401 - the tenant's fields
    tenant = FakeTenant(**more)
    for each in images:
        tenant.shelves[ObjectKind.EVENT_SUBSCRIPTION][KIND.id_of(each)] = copy.deepcopy(each)
    return tenant


def _answering(answer: Answer, *, to: str) -> Callable[[int, Request], Answer | None]:
    """Answer requests of a method so, and let the tenant answer the others."""

    def spoil(_number: int, request: Request) -> Answer | None:
        return answer if request.method == to else None

    return spoil


def _with(**properties: Any) -> Image:  # noqa: ANN401 - properties of any type
    return copy.deepcopy(STANDS) | {"properties": copy.deepcopy(STANDS["properties"]) | properties}


# Leaves.


def test_what_is_delivered_where_and_how_often_are_leaves() -> None:
    found = leaves(STANDS)
    assert found.keys() == {
        EXISTS,
        "eventDeliverySchema",
        "deliveryWithResourceIdentity",
        "filter.includedEventTypes[microsoft.resources.resourcewritesuccess]",
        "filter.includedEventTypes[microsoft.resources.resourcedeletesuccess]",
        "filter.advancedFilters",
        "filter.isSubjectCaseSensitive",
        "retryPolicy.maxDeliveryAttempts",
        "retryPolicy.eventTimeToLiveInMinutes",
    }
    assert leaves(_with(provisioningState="succeeded")) == found
    assert leaves(_with(provisioningState="Failed")) == found | {"provisioningState": "Failed"}


def test_a_body_has_what_was_read_and_nothing_that_only_the_service_writes() -> None:
    sent = body(leaves(_with(provisioningState="Failed")))["properties"]
    assert not sent.keys() & {"provisioningState", "topic"}
    assert leaves({"properties": sent}) == leaves(STANDS)


# What records say, and which are guarded.


def _recorded(operation: str, resource: str, **more: object) -> tuple[Recorded, ...]:
    record = event_grid_record(operation, resourceUri=resource, **more)
    raw = msgspec.Raw(msgspec.json.encode(record))
    return KIND.recorded(from_event_grid(raw, AT, "00000000-0000-4000-8000-000000000000"))


def test_a_record_names_the_event_subscription() -> None:
    (wrote,) = _recorded(f"{_TYPE}/write", _ID.upper())
    (deleted,) = _recorded(f"{_TYPE.upper()}/DELETE", STANDS["id"])
    assert (wrote.object_id, wrote.op, wrote.wrote) == (_ID, Op.UPDATE, {})
    assert (deleted.object_id, deleted.op, deleted.wrote) == (_ID, Op.DELETE, {EXISTS: (True, None)})


@pytest.mark.parametrize(
    ("operation", "resource", "more"),
    [
        (f"{_TYPE}/write", _ID, {"status": "Failed"}),
        ("Microsoft.EventGrid/systemTopics/delete", TOPIC_SCOPE, {}),
        ("Microsoft.EventGrid/eventSubscriptions/delete", f"{VAULT_SCOPE}/providers/{_TYPE}/x", {}),
        (f"{_TYPE}/delete", TOPIC_SCOPE, {}),
    ],
)
def test_other_records_say_nothing(operation: str, resource: str, more: dict[str, object]) -> None:
    assert _recorded(operation, resource, **more) == ()


@pytest.mark.parametrize(
    ("subscription", "is_guarded"),
    [
        (_ID.upper(), True),
        (_ID.replace("evgt-responder", "evgt-shop"), False),
        (f"{VAULT_SCOPE}/eventSubscriptions/x", False),
        (SUBSCRIPTION_SCOPE, False),
    ],
)
def test_those_of_the_topics_that_the_settings_name_are_guarded_and_ours(
    subscription: str,
    is_guarded: bool,  # noqa: FBT001 - a table
) -> None:
    tenant = FakeTenant().edges().tenant
    assert KIND.is_configured(tenant, subscription) is is_guarded
    assert KIND.is_ours(tenant, subscription) is is_guarded


# Reading.


def test_they_are_listed_by_topic_and_a_topic_that_is_gone_has_none() -> None:
    tenant = _tenant(STANDS)
    assert KIND.inventory.read(tenant.edges()) == {_ID: STANDS}
    assert KIND.read(tenant.edges(), _ID) == STANDS
    tenant.spoil = lambda _n, _request: answer_of({"error": {"code": "ResourceNotFound", "message": ""}}, 404)
    assert KIND.inventory.read(tenant.edges()) == {}
    assert KIND.read(tenant.edges(), _ID) is None
    tenant.spoil = lambda _n, _request: answer_of({"error": {"code": "AuthorizationFailed", "message": ""}}, 403)
    with pytest.raises(Refused):
        KIND.inventory.read(tenant.edges())


def test_a_text_that_is_no_event_subscription_reaches_no_url() -> None:
    tenant = FakeTenant()
    with pytest.raises(BadIdentifier):
        KIND.read(tenant.edges(), f"{TOPIC_SCOPE}/eventSubscriptions/../x")
    assert tenant.log == []


# Guards and writing.


@pytest.mark.parametrize(
    ("destination", "is_whole"),
    [
        ({"destination": {"endpointType": "WebHook", "properties": {"endpointBaseUrl": "https://x"}}}, False),
        ({"deliveryWithResourceIdentity": {"destination": {"endpointType": "webhook"}}}, False),
        ({"destination": {"endpointType": "EventHub", "properties": {"resourceId": "/x"}}}, True),
        ({}, True),
    ],
)
def test_what_delivers_to_a_webhook_comes_back_without_its_key_and_is_paged(
    destination: dict[str, Any],
    is_whole: bool,  # noqa: FBT001 - a table
) -> None:
    target = leaves(_with(**destination))
    found = objections(KIND, FakeTenant().edges(), _ID, None, target)
    assert (found == {}) is is_whole
    if not is_whole:
        assert not found[WHOLE].can_pass
    # Taking one away needs nothing of it.
    assert objections(KIND, FakeTenant().edges(), _ID, _with(**destination), {}) == {}


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [("ParentResourceNotFound", 404, Rejected), ("LinkedAuthorizationFailed", 403, Refused)],
)
def test_where_azure_refuses_people_get_the_command(code: str, status: int, error: type[Refused | Rejected]) -> None:
    answer = answer_of({"error": {"code": code, "message": "no"}}, status)
    tenant = _tenant(spoil=_answering(answer, to="PUT"))
    with pytest.raises(error) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, None, leaves(STANDS)))
    url = f"https://management.azure.com{_ID}?api-version=2025-02-15"
    assert refused.value.by_hand.startswith(f"az rest --method PUT --url '{url}' --body ")
    tenant.granted.clear()
    with pytest.raises(Refused) as refused:
        KIND.write(tenant.edges(), write_of(KIND, _ID, STANDS, {}))
    assert refused.value.by_hand == f"az rest --method DELETE --url '{url}'"


def test_who_was_faster_with_a_deletion_is_left_to_it() -> None:
    answer = answer_of({"error": {"code": "ResourceNotFound", "message": ""}}, 404)
    tenant = _tenant(spoil=_answering(answer, to="DELETE"))
    with pytest.raises(DoneAlready):
        KIND.write(tenant.edges(), write_of(KIND, _ID, STANDS, {}))
