"""Event Grid triggers: the webhook Event Grid delivers to, with both its handshakes and both its schemas."""

import asyncio
import json
import logging
from collections.abc import Coroutine, Iterable, Mapping
from http import HTTPStatus
from typing import cast

from aiohttp import hdrs, web

from infra.local.host.functions import Function
from infra.local.host.http_trigger import key_in
from infra.local.host.invocations import Invocations, Outcome
from infra.local.host.keys import Keys
from infra.local.host.messages import TypedData

PATH = "/runtime/webhooks/eventgrid"
_log = logging.getLogger("host.eventgrid")
_EVENT_TYPE = "aeg-event-type"
_VALIDATION = "subscriptionvalidation"
_NOTIFICATION = "notification"
_UNSUBSCRIBE = "unsubscribe"
_CLOUD_EVENT = "application/cloudevents+json"
_CLOUD_EVENTS = "application/cloudevents-batch+json"

type _Event = Mapping[str, object]


class EventGridTriggers:
    """Plays the app's Event Grid triggers at `/runtime/webhooks/EventGrid?functionName=NAME&code=KEY`."""

    def __init__(self, *, functions: Iterable[Function], keys: Keys, invocations: Invocations) -> None:
        self._functions = {function.name: function for function in functions}
        self._keys = keys
        self._invocations = invocations

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a handshake, or run the function once for each event: 202 when all worked, 500 when one failed."""
        if not self._keys.opens_event_grid(key_in(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        name = request.query.get("functionName", "")
        function = self._functions.get(name)
        if function is None:
            return web.Response(status=HTTPStatus.NOT_FOUND, text=f"cannot find function: '{name}'")
        if request.method == hdrs.METH_OPTIONS:
            return _allow_origin(request)
        if request.method != hdrs.METH_POST:
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: "OPTIONS, POST"})
        try:
            return await self._take(function, request)
        except ValueError as error:
            _log.warning("%s: a delivery that can't be read: %s", function.name, error)
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=str(error))

    def run_once(self, function: Function, text: str) -> Coroutine[object, object, Outcome]:
        """Make ready to run the function on an event that was never delivered.

        Raises:
            ValueError: the text isn't one event.
        """
        return self._run(function, _events_in(text.encode(), _CLOUD_EVENT)[0])

    async def _take(self, function: Function, request: web.Request) -> web.Response:
        kind = request.headers.get(_EVENT_TYPE, "").lower()
        body = await request.read()
        if kind == _VALIDATION:
            return _validation_response(function, body)
        if kind == _UNSUBSCRIBE:
            return web.Response(status=HTTPStatus.ACCEPTED)
        if kind == _NOTIFICATION or (not kind and request.content_type in {_CLOUD_EVENT, _CLOUD_EVENTS}):
            return await self._run_each(function, _events_in(body, request.content_type))
        raise ValueError(f"the header {_EVENT_TYPE} must say SubscriptionValidation, Notification or Unsubscribe")

    async def _run_each(self, function: Function, events: list[_Event]) -> web.Response:
        outcomes = await asyncio.gather(*(self._run(function, event) for event in events))
        failure = next((outcome.failure for outcome in outcomes if not outcome.is_ok), None)
        if failure is not None:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text=failure)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _run(self, function: Function, event: _Event) -> Outcome:
        kind = event.get("type") or event.get("eventType")
        detail = f"event={kind} id={event.get('id')}"
        return await self._invocations.run(function, TypedData(json=json.dumps(event)), detail=detail)


def _allow_origin(request: web.Request) -> web.Response:
    """Answer the CloudEvents handshake: any sender that holds the key may deliver, as fast as it wants."""
    origin = request.headers.get("WebHook-Request-Origin")
    if not origin:
        return web.Response(status=HTTPStatus.BAD_REQUEST, text="the header WebHook-Request-Origin is missing")
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})


def _validation_response(function: Function, body: bytes) -> web.Response:
    event = _events_in(body, "")[0]
    data = event.get("data")
    # In a CloudEvent the data of this event is JSON within a text.
    details: object = json.loads(data) if isinstance(data, str) else data
    code = cast("dict[str, object]", details).get("validationCode") if isinstance(details, dict) else None
    if not isinstance(code, str):
        raise ValueError("a validation event must carry data.validationCode")  # noqa: TRY004 - the body is wrong, not a type
    _log.info("%s: handshake with Event Grid", function.name)
    return web.json_response({"validationResponse": code})


def _events_in(body: bytes, content_type: str) -> list[_Event]:
    """Give the events of a delivery: an array, or one alone; what CloudEvents' content types promise must hold.

    Raises:
        ValueError: it isn't JSON, or no event or something else is in it.
    """
    content: object = json.loads(body)
    if content_type == _CLOUD_EVENT and not isinstance(content, dict):
        raise ValueError(f"{_CLOUD_EVENT} must hold one event")
    if content_type == _CLOUD_EVENTS and not isinstance(content, list):
        raise ValueError(f"{_CLOUD_EVENTS} must hold an array of events")
    events = cast("list[object]", content if isinstance(content, list) else [content])
    if not events or not all(isinstance(event, dict) for event in events):
        raise ValueError("a delivery must hold at least one event, each an object")
    return cast("list[_Event]", events)
