"""Queue: changes of Azure resources in the watched subscriptions, put there by Event Grid, in either schema."""

import azure.functions as func

from responders.app import runtime
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE

events = func.Blueprint()


@events.function_name("subscription_events")
@events.queue_trigger(
    arg_name="message",
    queue_name=RESOURCE_EVENTS_QUEUE,
    connection="AzureWebJobsStorage",
    # As bytes: as text, the host would refuse what isn't UTF-8, and such a message could hide something.
    data_type=func.DataType.BINARY,
)
def subscription_events(message: func.QueueMessage) -> None:
    """Open cases for one event. An error leaves the message where it is, so that the host tries it again."""
    from shared.ingest.deliveries import take_in_delivery  # noqa: PLC0415 - start-up is a feature

    take_in_delivery(runtime(), message.get_body())
