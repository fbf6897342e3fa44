"""What threshold aggregation takes: a page of 1,000 sign-ins of customers in ten minutes, of which 65 fail.

Each failure is of another account, and is counted by it, by its address and in all. What is counted here are requests
to storage, and the processor's time of matching and counting a page, with storage in memory.
"""

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from responders.catalogue import CATALOGUE
from responders.detections.directory_samples import SAMPLE_PROFILE
from responders.detections.samples import TENANT
from responders.detections.sign_in_samples import consumer_record
from shared.detect.aggregation.table_windows import TableWindowStore
from shared.detect.aggregation.thresholds import ThresholdAggregation
from shared.detect.matcher import Matcher
from shared.model.detections import AnyDetection
from shared.model.events import Event
from shared.model.kinds import Image
from shared.normalize import read_batch
from tests.benchmarks.match_rate import pages_of
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage

_RECORDS: Final = 1_000
_OVER: Final = timedelta(minutes=10)
_FAILS_EACH: Final = 15.4
_CODES: Final = (50126, 50126, 50053)
_PAGES: Final = 10


def measure() -> dict[str, float]:
    """Give requests to storage for a page, those that write, and milliseconds of the processor.

    They are the median of pages that follow one another, as a poll reads them.
    """
    memory = MemoryStorage()
    memory.create_all()
    storage = SpoiltStorage(memory)
    matcher, aggregation = Matcher(CATALOGUE, SAMPLE_PROFILE), _aggregation(storage)
    runs: list[tuple[int, int, float]] = []
    for page in pages_of(_records(), "auditLogs/signIns"):
        storage.faults.log.clear()
        began = time.thread_time()
        matches = list(_counted(matcher, page))
        aggregation.count(matches, lambda _detection, _event: True)
        took = time.thread_time() - began
        asked = Counter(operation.partition(" ")[0] for operation in storage.faults.log)
        # What a listing asks for at its end has no request of its own.
        runs.append((asked.total() - asked["rows"] // 2, asked["write"] + asked["insert"], took))
    trips, writes, seconds = (sorted(each)[len(runs) // 2] for each in zip(*runs, strict=True))
    return {"requests": trips, "writes": writes, "cpu_ms": round(seconds * 1000, 1)}


def _aggregation(storage: SpoiltStorage) -> ThresholdAggregation:
    return ThresholdAggregation(TableWindowStore(storage), profile=SAMPLE_PROFILE, clock=FakeClock(NOW))


def _counted(matcher: Matcher, page: bytes) -> Iterator[tuple[AnyDetection, Event]]:
    for reading in read_batch(page, tenant_id=TENANT, interest=matcher.interest):
        if reading.event is not None:
            event = reading.event
            yield from ((detection, event) for detection in matcher.matches(event) if detection.counted)


def _records() -> Iterator[Image]:
    for place in range(_RECORDS * _PAGES):
        failure = int(place / _FAILS_EACH)
        fails = failure != int((place - 1) / _FAILS_EACH)
        yield consumer_record(
            _CODES[failure % len(_CODES)] if fails else 0,
            account=str(uuid.UUID(int=(place + 1) << 64)),
            id=str(uuid.UUID(int=place + 1)),
            createdDateTime=f"{NOW + _OVER * (place / _RECORDS):%Y-%m-%dT%H:%M:%SZ}",
            ipAddress=f"198.51.{place // 250 % 250}.{place % 250}",
        )
