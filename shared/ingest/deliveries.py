"""Takes in the events that Event Grid delivers, and stores when the last one came, for the doctor."""

import logging
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from shared.ingest.intake import Intake, begin_to_take_in, keep_unreadable
from shared.model.errors import BrokenRow, EdgeError, LeaseLost, NewerSchema, UnreadableRecord
from shared.normalize.decoding import decode, decode_inner, plain_text
from shared.respond.components import Runtime
from shared.respond.object_intake import Arrived
from shared.respond.reconcile import reconcile

_log = logging.getLogger("responder.events")


class _Data(Struct, rename="camel"):
    """The part of an event's data that is read here: the subscription."""

    subscription_id: Raw = Raw(b"null")


class _Event(Struct):
    """An event in either schema."""

    data: Raw = Raw(b"null")


_EVENT: Final = Decoder(_Event)
_DATA: Final = Decoder(_Data)


def take_in_delivery(runtime: Runtime, message: bytes) -> Intake:
    """Open a case for each match of a delivered event, reconcile objects at once, store the time of the delivery.

    Raises EdgeError when a case, a change or an unreadable message couldn't be stored; the message must then be tried
    again. An object that can't be reconciled now is noted as due.
    """
    workforce = runtime.settings.workforce
    intake = begin_to_take_in(runtime, message, tenant_id=workforce.id)
    for arrived in intake.arrived:
        _reconcile(runtime, arrived)
        intake.opened += arrived.stored()[1] and bool(arrived.change.detections)
    if not intake.records:
        keep_unreadable(runtime, [(message, "it holds no event")], workforce.id)
    _store_delivery_time(runtime, message, workforce.subscriptions)
    return intake


def _reconcile(runtime: Runtime, arrived: Arrived) -> None:
    try:
        reconcile(runtime, arrived.id, tenants_id=arrived.tenants_id, arrived=(arrived,))
    except (EdgeError, LeaseLost, BrokenRow, NewerSchema):
        arrived.stored()  # raises where the change isn't stored
        _log.exception("the object %s could not be reconciled now; it is due", arrived.id.key)


def _store_delivery_time(runtime: Runtime, message: bytes, watched: frozenset[str]) -> None:
    """Store the time for the doctor. An error is only logged: the cases are open, and a retry would do no good."""
    subscription_id = _subscription_of(message)
    if subscription_id not in watched:
        return
    try:
        runtime.delivery_times.note(subscription_id, now=runtime.clock())
    except EdgeError as error:
        _log.warning("the time of the delivery could not be stored: %s", error)


def _subscription_of(message: bytes) -> str:
    """Give the id of the subscription that an event is about, in lower case; "" where it has none."""
    try:
        data = decode_inner(_DATA, decode(_EVENT, message).data)
        return (plain_text(data.subscription_id) or "").lower() if data else ""
    except UnreadableRecord:
        return ""
