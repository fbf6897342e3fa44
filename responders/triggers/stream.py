"""Event Hub: what diagnostic settings of the tenants stream, in batches. Registered where a hub is set."""

from typing import TYPE_CHECKING, List  # noqa: UP035 - the worker takes this spelling of List alone

import azure.functions as func

from responders.app import runtime
from shared.model.once import Once

if TYPE_CHECKING:
    from shared.ingest.stream import Arrivals

stream = func.Blueprint()


@Once
def _arrivals() -> "Arrivals":
    from shared.ingest.stream import Arrivals  # noqa: PLC0415 - start-up is a feature

    return Arrivals(runtime().storage)


@stream.function_name("audit_stream")
@stream.event_hub_message_trigger(
    arg_name="batch",
    connection="AUDIT_STREAM",
    event_hub_name="%AUDIT_STREAM_HUB%",
    consumer_group="responder",
    cardinality=func.Cardinality.MANY,
    # As bytes: as text, the host would put other characters in the place of what isn't UTF-8.
    data_type=func.DataType.BINARY,
)
# For ever: the host moves the checkpoint past a batch as soon as its retries are over, whatever became of it.
@stream.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
def audit_stream(batch: List[func.EventHubEvent], context: func.Context) -> None:  # noqa: UP006
    """Open cases for a batch. An error keeps the checkpoint where it is, so that the host tries the batch again."""
    from shared.ingest.stream import take_in_stream  # noqa: PLC0415 - start-up is a feature

    bodies = [event.get_body() for event in batch]
    take_in_stream(runtime(), bodies, _arrivals(), tries=context.retry_context.retry_count)
