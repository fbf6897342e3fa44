"""What a kind reads in the logs of a simulated tenant: the audit log, or the Activity Log of its subscriptions."""

from collections.abc import Iterable

from responders.kinds.activity_log import LIST_ACTIVITY
from responders.sources import DIRECTORY_AUDITS
from shared.clients.api import TenantEdges
from shared.model.events import Log
from shared.model.object_kinds import Kind
from shared.model.objects import Recorded
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything


def _audits(edges: TenantEdges) -> Iterable[bytes]:
    return edges.pages(DIRECTORY_AUDITS, query={"$orderby": "activityDateTime asc", "$top": "100"})


def _activity(edges: TenantEdges) -> Iterable[bytes]:
    asked = {"$filter": "eventTimestamp ge '2020-01-01T00:00:00Z'", "api-version": "2015-04-01"}
    for subscription in sorted(edges.tenant.subscriptions):
        yield from edges.pages(LIST_ACTIVITY, query=asked, subscription=subscription)


def recorded_of(kind: Kind, edges: TenantEdges, object_id: str, *, name: str = "") -> list[Recorded]:
    """Give what the log says of an object, oldest first, as the poll would read it; `name` is what else it goes by."""
    pages = _activity(edges) if kind.log is Log.RESOURCE else _audits(edges)
    readings = [
        reading for page in pages for reading in read_batch(page, tenant_id=edges.tenant.id, interest=everything)
    ]
    recorded = [each for reading in readings if reading.event is not None for each in kind.recorded(reading.event)]
    return [each for each in recorded if each.object_id.lower() in {object_id.lower(), name.lower()}]
