"""What a run over an object reads in a round, while other runs write."""

from unittest.mock import patch

from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectChange, ObjectId, key_of
from shared.objects.object_store import ObjectStore
from shared.respond.object_run import ObjectRun
from tests.fakes.lamps import LAMP, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, ready_bench


def test_what_another_run_added_and_settled_between_two_reads_is_not_missing(memory: MemoryStorage) -> None:
    """The changes may be read before another run adds one and settles it, and the state after it."""
    ready = ready_bench(memory, STATE_KEYS="5a" * 32)
    ready.take_in(lamp_record())
    ready.answer_queue()
    runtime, one = ready.runtime, ObjectId(tenant_id=TENANT, kind=ObjectKind.CA_POLICY, key=key_of(LAMP))
    tenant, kind = runtime.settings.tenant(TENANT), runtime.kinds[ObjectKind.CA_POLICY]
    assert tenant is not None
    really, early = ObjectStore.changes, [list[ObjectChange]()]

    def changes(store: ObjectStore, object_id: ObjectId) -> list[ObjectChange]:
        return early.pop() if early else really(store, object_id)

    with patch.object(ObjectStore, "changes", changes):
        reading = ObjectRun(runtime, kind, tenant, one).start_reading(LAMP)()
    assert reading.missing == ()
    assert reading.kept is not None
    assert {change.id for change in reading.changes} >= set(reading.kept.state.settled) != set()
    assert not [notice for notice in ready.teams.notices if "tampered" in notice.title]
