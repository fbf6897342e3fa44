"""What a kind reads in the audit log of a simulated tenant."""

from responders.sources import DIRECTORY_AUDITS
from shared.clients.api import TenantEdges
from shared.model.object_kinds import Kind
from shared.model.objects import Recorded
from shared.normalize import read_batch
from tests.fakes.record_strategies import everything


def recorded_of(kind: Kind, edges: TenantEdges, object_id: str) -> list[Recorded]:
    """Give what the log says of an object, oldest first, as the poll would read it."""
    pages = edges.pages(DIRECTORY_AUDITS, query={"$orderby": "activityDateTime asc", "$top": "100"})
    readings = [
        reading for page in pages for reading in read_batch(page, tenant_id=edges.tenant.id, interest=everything)
    ]
    recorded = [each for reading in readings if reading.event is not None for each in kind.recorded(reading.event)]
    return [each for each in recorded if each.object_id.lower() == object_id.lower()]
