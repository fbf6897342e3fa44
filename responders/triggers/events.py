"""Event Grid: changes of Azure resources in the watched subscriptions, in either schema."""

import json
import logging
from typing import Any, cast

import azure.functions as func

from responders.app import machine, settings
from shared.catalog import TenantKind
from shared.deliveries import note_delivery
from shared.errors import EdgeError
from shared.intake import take_in

events = func.Blueprint()
_log = logging.getLogger("responder.events")


@events.function_name("subscription_events")
@events.event_grid_trigger(arg_name="event")
def subscription_events(event: func.EventGridEvent) -> None:
    """Open cases for one event. An error lets Event Grid deliver it again."""
    workforce = next(tenant for tenant in settings().tenants if tenant.kind is TenantKind.WORKFORCE)
    record = record_from(event)
    # In ASCII, which holds even what isn't a character; the event came through the worker's own JSON reader.
    take_in(machine(), json.dumps(record).encode(), tenant_id=workforce.id)
    _note(record, workforce.subscriptions)


def _note(record: dict[str, Any], watched: frozenset[str]) -> None:
    """Keep the time for the doctor. The cases are open by now: failing here would only have them delivered again."""
    data = record["data"]
    named = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    subscription_id = str(named.get("subscriptionId", "")).lower()
    if subscription_id not in watched:
        return
    try:
        note_delivery(machine().storage, subscription_id, now=machine().clock())
    except EdgeError as error:
        _log.warning("the time of the delivery could not be written down: %s", error)


def record_from(event: func.EventGridEvent | func.CloudEvent) -> dict[str, Any]:
    """Give the event as it was delivered, from what the worker made of it.

    The worker hands CloudEvents to a parameter that is declared as an Event Grid event too.
    """
    if isinstance(event, func.CloudEvent):
        return {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": event.time.isoformat() if event.time else None,
            "data": event.get_json(),
        }
    return {
        "id": event.id,
        "topic": event.topic,
        "subject": event.subject,
        "eventType": event.event_type,
        "eventTime": event.event_time.isoformat() if event.event_time else None,
        "data": event.get_json(),
        "dataVersion": event.data_version,
    }
