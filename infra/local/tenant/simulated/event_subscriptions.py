"""Event subscriptions of the topic by which the responder hears of changes in the subscription.

They only stand here: what really delivers is declared in `infra.local.tenant.event_grid`, whose queue has an address of
this machine. So the responder still hears when one of these goes, as it would by the others of a topic.
"""

from typing import Final

from infra.local import world
from infra.local.tenant.simulated_kind import (
    ARM,
    NOTHING,
    Alternatives,
    Asked,
    Refusal,
    Reply,
    Route,
    Sample,
    SimulatedKind,
)
from infra.local.world import Json
from shared.model.kinds import ObjectKind, TenantKind

TYPE: Final = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
_ALL: Final = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.EventGrid/systemTopics/{topic}/eventSubscriptions"
)
_ONE: Final = f"{_ALL}/{{name}}"
_DEFAULTS: Final[Json] = {
    "labels": None,
    "eventDeliverySchema": "EventGridSchema",
    "retryPolicy": {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440},
}


def _needs(verb: str) -> Alternatives:
    return (frozenset({f"{TYPE}/{verb}"}),)


def _topic(asked: Asked) -> str:
    ids = asked.ids
    return (
        f"/subscriptions/{ids['subscription']}/resourceGroups/{ids['group']}"
        f"/providers/Microsoft.EventGrid/systemTopics/{ids['topic']}"
    ).lower()


def _id(asked: Asked) -> str:
    return f"{_topic(asked)}/eventsubscriptions/{asked.ids['name'].lower()}"


def _insist_on_topic(asked: Asked) -> None:
    if _topic(asked) != world.TOPIC_SCOPE.lower():
        raise Refusal(404, "ParentResourceNotFound", f"The topic '{asked.ids['topic']}' could not be found.")


def _list(asked: Asked) -> Reply:
    _insist_on_topic(asked)
    return Reply(values=[*asked.shelf.listed().values()])


def _get(asked: Asked) -> Reply:
    return Reply(body=asked.shown(_id(asked)))


def _put(asked: Asked) -> Reply:
    _insist_on_topic(asked)
    sent: Json = asked.body.get("properties") or {}
    if not (sent.get("destination") or sent.get("deliveryWithResourceIdentity")):
        raise Refusal(400, "InvalidRequest", "The destination is required.")
    if "provisioningState" in sent or "topic" in sent:
        raise Refusal(400, "InvalidRequest", "A property that is only read was sent.")
    whole = _subscription(asked.ids["name"], sent)
    asked.shelf.put(_id(asked), whole)
    return Reply(status=201, body=whole)


def _delete(asked: Asked) -> Reply:
    if asked.shelf.current(_id(asked)) is not None:
        asked.shelf.put(_id(asked), None)
    return NOTHING


def _subscription(name: str, properties: Json) -> Json:
    asked: Json = properties.get("filter") or {}
    filled: Json = {"subjectBeginsWith": "", "subjectEndsWith": "", "isSubjectCaseSensitive": False, **asked}
    return {
        "id": f"{world.TOPIC_SCOPE}/eventSubscriptions/{name}",
        "name": name,
        "type": TYPE,
        "properties": {
            **_DEFAULTS,
            **properties,
            "filter": filled,
            "provisioningState": "Succeeded",
            "topic": world.SUBSCRIPTION_SCOPE,
        },
    }


def _delivery(queue: str) -> Json:
    return {
        "identity": {"type": "SystemAssigned"},
        "destination": {
            "endpointType": "StorageQueue",
            "properties": {
                "resourceId": world.STORAGE_ACCOUNT_SCOPE,
                "queueName": queue,
                "queueMessageTimeToLiveInSeconds": -1,
            },
        },
    }


_KINDS: Final = ("Microsoft.Resources.ResourceWriteSuccess", "Microsoft.Resources.ResourceDeleteSuccess")
_OF_ROLES: Final[Json] = {
    "deliveryWithResourceIdentity": _delivery("resource-events"),
    "filter": {
        "includedEventTypes": [*_KINDS],
        "advancedFilters": [
            {
                "operatorType": "StringIn",
                "key": "data.operationName",
                "values": ["Microsoft.Authorization/roleAssignments/write"],
            }
        ],
    },
}
_COPY: Final[Json] = {"deliveryWithResourceIdentity": _delivery("copy"), "filter": {"includedEventTypes": [*_KINDS]}}


def _sample(name: str, properties: Json, *, is_there: bool = True) -> Sample:
    whole = _subscription(name, properties)
    return Sample(object_id=str(whole["id"]).lower(), image=whole, is_there=is_there)


SIMULATED: Final = SimulatedKind(
    kind=ObjectKind.EVENT_SUBSCRIPTION,
    tenant_kind=TenantKind.WORKFORCE,
    resource_type=TYPE,
    routes=(
        Route(method="GET", path=_ALL, needs=_needs("read"), answer=_list, versions=ARM),
        Route(method="GET", path=_ONE, needs=_needs("read"), answer=_get, versions=ARM),
        Route(method="PUT", path=_ONE, needs=_needs("write"), answer=_put, versions=ARM),
        Route(method="DELETE", path=_ONE, needs=_needs("delete"), answer=_delete, versions=ARM),
    ),
    samples=(
        _sample("entra-responder-0", _OF_ROLES),
        _sample("copy", _COPY, is_there=False),
    ),
    detected=frozenset({"create", "update", "delete"}),
    is_made_again=True,
    edits=(
        {"properties.filter.subjectBeginsWith": "/subscriptions/none"},
        {f"properties.filter.includedEventTypes[{_KINDS[1]}]": None},
        {"properties.deliveryWithResourceIdentity": _delivery("nobody-reads-it")},
    ),
)
