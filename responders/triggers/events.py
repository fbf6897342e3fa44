"""Event Grid: changes of Azure resources in the watched subscriptions, in either schema."""

from typing import Any

import azure.functions as func
import msgspec

from responders.app import machine, settings
from shared.catalog import TenantKind
from shared.pipeline import take_in

events = func.Blueprint()


@events.function_name("subscription_events")
@events.event_grid_trigger(arg_name="event")
def subscription_events(event: func.EventGridEvent) -> None:
    """Open cases for one event. An error lets Event Grid deliver it again."""
    workforce = next(tenant for tenant in settings().tenants if tenant.kind is TenantKind.WORKFORCE)
    take_in(machine(), msgspec.json.encode(record_from(event)), tenant_id=workforce.id)


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
