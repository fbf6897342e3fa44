"""Fields."""

from shared.detect.fields import other_fields
from shared.model.conditions import Text, by_profile
from shared.model.events import ResourceEvent, fold, fold_whole


class Resource:
    """The fields of a `ResourceEvent` that a condition may read."""

    operation: Text[ResourceEvent] = Text("operation", lambda event: fold(event.operation))
    outcome: Text[ResourceEvent] = Text("outcome", lambda event: event.outcome)
    provider: Text[ResourceEvent] = Text("provider", lambda event: fold(event.operation).partition("/")[0])
    resource: Text[ResourceEvent] = Text("resource", lambda event: fold_whole(event.resource_id))
    subscription: Text[ResourceEvent] = Text("subscription", lambda event: event.subscription_id)
    caller: Text[ResourceEvent] = Text("caller", lambda event: fold(event.actor.name))
    address: Text[ResourceEvent] = Text("address", lambda event: fold(event.actor.address))
    site: Text[ResourceEvent] = by_profile("site", other_fields.site, "own_site")
