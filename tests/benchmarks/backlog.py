"""Three days' backlog at the service's pace, while the polls go on: 200,000 sign-ins and 20,000 audit records.

Time is the simulated clock's, which only waiting moves: what is measured is how many requests it takes, and who waits
for whom. The polls run in between the requests of catching up, as they do in instances of their own.
"""

import json
import logging
from collections.abc import Mapping
from copy import replace
from datetime import datetime, timedelta
from pathlib import Path
from resource import getpagesize
from typing import Final

from infra.local.tenant.instants import parse_instant
from infra.local.tenant.sign_in_records import sign_in_record
from infra.local.world import ALICE, MALLORY
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.clients.api import Answer, TenantEdges
from shared.clients.rate_limit import TablePacer
from shared.detect.fields import SignIn
from shared.ingest.catch_up import catch_up
from shared.ingest.poll import poll
from shared.ingest.unread import read_unread
from shared.model.detections import Answer as Response
from shared.model.events import Log
from shared.model.sources import Source
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import bench

_DAYS: Final = timedelta(days=3)
_RECORDS: Final[Mapping[str, int]] = {AUDIT_LOG.name: 20_000, SIGN_IN_LOG.name: 200_000}
_INTERVAL: Final = timedelta(minutes=2)
_CAUGHT_UP_EACH: Final = timedelta(minutes=15)
_OVERLAP: Final = timedelta(minutes=60)
_PLANTED_EACH: Final = timedelta(minutes=15)
_ANSWER_SECONDS: Final = 0.4
"""How long the service takes for a page, as a guess; the pace, of 2.05 seconds, is what counts."""

_PLACE: Final = "1234567"
_AT: Final = "2026-01-31T12:00:00Z"


class _EndlessLog:
    """A log with a record each so many seconds, for ever, made when it is asked for; some are planted."""

    def __init__(self, source: Source, day: "_Day") -> None:
        self._source = source
        self._day = day
        self._step = _DAYS / _RECORDS[source.name]
        self._plain = json.dumps(_record(source, is_planted=False)).encode()
        self._planted = json.dumps(_record(source, is_planted=True)).encode()
        self._links: dict[str, tuple[datetime, datetime, int]] = {}

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        del method, body, content_type
        self._day.requests += 1
        self._day.clock.wait(_ANSWER_SECONDS)
        since, until, first = self._asked(query) if query else self._links[url]
        size = self._source.page_size
        last = int((until - NOW) / self._step)
        records = b",".join(self._made(number) for number in range(first, min(first + size, last + 1)))
        more = b""
        if first + size <= last:
            link = f"https://graph.example/{self._source.time_field}?$skiptoken={len(self._links)}"
            self._links[link] = (since, until, first + size)
            more = b',"@odata.nextLink":' + json.dumps(link).encode()
        self._day.go_on()
        return Answer(status=200, headers={}, body=b'{"value":[' + records + b"]" + more + b"}")

    def _asked(self, query: Mapping[str, str]) -> tuple[datetime, datetime, int]:
        words = query["$filter"].split(" ")
        since = datetime.fromisoformat(words[2])
        until = datetime.fromisoformat(words[6]) if words[5:6] == ["le"] else self._day.clock()
        return since, until, -int((NOW - since) // self._step)

    def _made(self, number: int) -> bytes:
        at = NOW + number * self._step
        is_planted = (at - self._step - NOW) // _PLANTED_EACH != (at - NOW) // _PLANTED_EACH
        text = self._planted if is_planted else self._plain
        made = at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return text.replace(_PLACE.encode(), f"{number % 10_000_000:07d}".encode()).replace(_AT.encode(), made)


def _record(source: Source, *, is_planted: bool) -> dict[str, object]:
    ids = {"id": f"0{_PLACE}-0000-4000-8000-000000000001", "correlationId": f"0{_PLACE}-0000-4000-8000-000000000002"}
    if source is AUDIT_LOG:
        return {**lamp_record(MALLORY, activityDisplayName="Dust lampshade"), **ids, source.time_field: _AT}
    record = sign_in_record(
        MALLORY if is_planted else ALICE, error_code=50126 if is_planted else 0, at=parse_instant(_AT)
    )
    return {**record, **ids, source.time_field: _AT}


class _Day:
    """The host: its timers tick while requests are waited for. `longest_poll` is from its tick to its end."""

    def __init__(self) -> None:
        memory = MemoryStorage()
        memory.create_all()
        self.clock = FakeClock()
        detection = Lamps().detection(
            id="sign-in-failed",
            log=Log.SIGN_IN,
            when=SignIn.error_code.is_("50126"),
            answer=Response.PAGE,
            remediation=None,
        )
        made = bench(memory, detections=(detection,), clock=self.clock)
        self.storage = memory
        self.tenant = made.runtime.settings.tenants[0]
        edges = TenantEdges(
            tenant=self.tenant,
            transports={source.call.service: _EndlessLog(source, self) for source in (AUDIT_LOG, SIGN_IN_LOG)},
            pacer=TablePacer(memory, clock=self.clock, wait=self.clock.wait),
            wait=self.clock.wait,
        )
        self.runtime = replace(made.runtime, edges={self.tenant.id: edges})
        self.requests = 0
        self.longest_poll = timedelta()
        self.memory: list[int] = []
        self.next_poll = NOW
        self.last_polled = NOW
        self._is_polling = False

    def go_on(self) -> None:
        """Run the polls that are due, beside whatever runs now."""
        self.memory.append(_resident())
        if self._is_polling or self.clock() < self.next_poll:
            return
        self._is_polling = True
        self.last_polled = self.clock()
        due, self.next_poll = self.next_poll, max(self.next_poll + _INTERVAL, self.clock())
        for source in (AUDIT_LOG, SIGN_IN_LOG):
            poll(self.runtime, self.tenant, source, overlap=_OVERLAP)
        self.longest_poll = max(self.longest_poll, self.clock() - due)
        self._is_polling = False

    def left(self) -> int:
        """How many windows are still to be read."""
        return sum(len(read_unread(self.storage, source, self.tenant.id)) for source in (AUDIT_LOG, SIGN_IN_LOG))


def _resident() -> int:
    """Give the bytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * getpagesize()


def measure() -> dict[str, float]:
    """Give minutes until it was read, requests, the longest wait of a live record in intervals, how memory grew."""
    logging.disable(logging.WARNING)
    day = _Day()
    day.go_on()
    day.clock.move(_DAYS)
    began = day.clock()
    day.longest_poll, day.requests = timedelta(), 0
    day.next_poll = began
    day.go_on()
    while day.left():
        tick = day.clock()
        for source in (AUDIT_LOG, SIGN_IN_LOG):
            catch_up(day.runtime, day.tenant, source)
        rest = tick + _CAUGHT_UP_EACH - day.clock() if day.left() else timedelta()
        while rest > timedelta():
            day.clock.move(min(rest, _INTERVAL))
            day.go_on()
            rest -= _INTERVAL
    logging.disable(logging.NOTSET)
    tenth = len(day.memory) // 10
    planted = (day.last_polled - NOW + _OVERLAP) // _PLANTED_EACH + 1
    return {
        "records": sum(_RECORDS.values()),
        "minutes": round((day.clock() - began) / timedelta(minutes=1), 1),
        "requests": day.requests,
        # A record that was made right after a poll began waits for the next one to come and to end.
        "live_intervals": round((_INTERVAL + day.longest_poll) / _INTERVAL, 2),
        "missed": planted - len(day.runtime.ledger.cases(day.tenant.id, most=0)),
        "memory_mb_grown": round((max(day.memory) - max(day.memory[:tenth])) / 1e6, 1),
    }
