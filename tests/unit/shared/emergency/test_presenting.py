"""The page and the report, as whoever asks for an emergency or closes it gets them."""

from collections.abc import Sequence

from shared.clients.storage_names import Container
from shared.emergency.engine import Engine
from shared.emergency.manifest import StoredFiles, verify
from shared.emergency.presenting import page_of, report_writer
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from tests.fakes.emergency_pages import ALL_STEPS, closing, finished_drill, full
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import bench


def _storage() -> MemoryStorage:
    made = MemoryStorage()
    made.create_all()
    return made


def test_the_page_is_in_the_language_of_the_browser() -> None:
    made = bench(_storage())
    store = Emergencies(made.storage, clock=made.clock, is_signed=lambda _entry: True)
    page = page_of(Engine(runtime=made.runtime, store=store, steps=ALL_STEPS))
    assert '<html lang="ko">' in page(full(), "ko-KR,ko;q=0.9,en;q=0.8")
    assert '<html lang="en">' in page(full(), "")


def test_the_report_is_kept_and_former_drills_are_asked_for_in_a_drill_alone() -> None:
    storage = _storage()
    asked: list[int] = []

    def former() -> Sequence[Emergency]:
        asked.append(1)
        return [finished_drill(90)]

    write = report_writer(bench(storage).runtime, ALL_STEPS, former=former)
    kept = write(closing(full()))
    assert not asked
    assert {one.blob for one in kept} <= set(storage.containers[Container.EVIDENCE])
    drill = finished_drill(0)
    write(drill)
    assert asked
    assert verify(StoredFiles(storage, drill.id)).problems == ()
