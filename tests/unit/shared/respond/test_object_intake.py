"""What an event says of guarded objects, as changes of them."""

import msgspec

from responders.detections.samples import activity_log_record, event_grid_record
from responders.kinds.role_assignments import ROLE_ASSIGNMENT
from shared.model.objects import ObjectChange
from shared.normalize import read_batch
from shared.respond.object_intake import recorded_changes
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.record_strategies import ROLE_WRITE, Json, everything, written
from tests.fakes.runtime import TENANT, bench


def _change(storage: MemoryStorage, record: Json) -> ObjectChange:
    (reading,) = read_batch(written(record), tenant_id=TENANT, interest=everything)
    assert reading.event is not None
    event = msgspec.structs.replace(reading.event, tenant_id=TENANT)
    (recorded,) = recorded_changes(bench(storage, kinds=(ROLE_ASSIGNMENT,)).runtime, event, ())
    return recorded.change


def test_what_event_grid_delivers_is_from_another_log_than_what_the_activity_log_tells(memory: MemoryStorage) -> None:
    """Else both would be copies of one log, which never fold: one action would count as two."""
    delivered = _change(memory, event_grid_record(ROLE_WRITE))
    logged = _change(memory, activity_log_record(ROLE_WRITE))
    assert delivered.log == logged.log
    assert delivered.source != logged.source
