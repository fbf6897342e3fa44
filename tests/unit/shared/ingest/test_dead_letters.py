"""What Event Grid could not deliver opens its cases all the same, once, and is gone from its container after that."""

import json
from typing import Any, Final

import pytest

from infra.local.world import WORKFORCE_TENANT
from responders.detections.own_installation import MONITORING_WEAKENED
from responders.detections.samples import event_grid_record
from shared.clients.storage_names import Container
from shared.ingest.dead_letters import drain_dead_letters
from shared.model.errors import EdgeError, Rejected
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench

_OPERATION: Final = "Microsoft.Insights/diagnosticSettings/delete"


def _letter(number: int = 0, **differences: object) -> dict[str, Any]:
    event = event_grid_record(_OPERATION, tenantId=WORKFORCE_TENANT, correlationId=f"c5d80f72-{number}", **differences)
    return event | {"id": f"e2b64a19-{number}", "deadLetterReason": "MaxDeliveryAttemptsExceeded"}


@pytest.fixture
def ready(memory: MemoryStorage) -> Bench:
    return bench(memory, detections=(MONITORING_WEAKENED,))


def _keep(memory: MemoryStorage, name: str, content: bytes) -> None:
    memory.keep(Container.DEAD_LETTERS, name, content)


def _left(memory: MemoryStorage) -> list[str]:
    return memory.blob_names(Container.DEAD_LETTERS, "")


def test_each_event_opens_its_case_once_and_people_are_told(memory: MemoryStorage, ready: Bench) -> None:
    _keep(memory, "t/2026/1.json", json.dumps([_letter(1), _letter(2)]).encode())
    _keep(memory, "t/2026/2.json", json.dumps([_letter(2)]).encode())
    assert drain_dead_letters(ready.runtime) == 2
    assert _left(memory) == []
    assert memory.queue_length() == 2
    (notice,) = ready.teams.system_notices
    assert notice.title == "Changes of Azure resources were delivered late"


def test_nothing_is_told_where_there_is_none(memory: MemoryStorage, ready: Bench) -> None:
    assert drain_dead_letters(ready.runtime) == 0
    assert ready.teams.system_notices == []
    del memory


def test_what_holds_no_event_is_kept_in_the_quarantine(memory: MemoryStorage, ready: Bench) -> None:
    _keep(memory, "t/1.json", b"[]")
    assert drain_dead_letters(ready.runtime) == 1
    assert _left(memory) == []
    (name,) = memory.blob_names(Container.QUARANTINE, "")
    assert memory.blob(Container.QUARANTINE, name) == b"[]"


class _Refusing(MemoryStorage):
    """Refuses to take in one letter."""

    def blob(self, container: Container, name: str) -> bytes | None:
        if name == "t/1.json":
            raise Rejected("503")
        return super().blob(container, name)


def test_one_that_fails_stays_and_holds_up_no_other() -> None:
    memory = _Refusing()
    memory.create_all()
    ready = bench(memory, detections=(MONITORING_WEAKENED,))
    for number in (1, 2):
        _keep(memory, f"t/{number}.json", json.dumps([_letter(number)]).encode())
    with pytest.raises(EdgeError):
        drain_dead_letters(ready.runtime)
    assert _left(memory) == ["t/1.json"]
    assert memory.queue_length() == 1
