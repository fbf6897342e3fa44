"""Whatever the log and the host do, every planted change becomes exactly one case, and nothing is stuck.

By polls, by the audit stream, and by both.
"""

import random
from collections.abc import Callable, Sequence
from copy import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from infra.local.world import MALLORY
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.clients.api import TenantEdges
from shared.clients.storage_names import RESOURCE_EVENTS_QUEUE, Container
from shared.detect.fields import Audit, SignIn
from shared.ingest.catch_up import catch_up
from shared.ingest.deliveries import take_in_delivery
from shared.ingest.poll import poll, polled_until
from shared.ingest.stream import Arrivals, take_in_stream
from shared.ingest.unread import read_unread
from shared.model.detections import Answer as Response
from shared.model.errors import EdgeError
from shared.model.events import Log
from shared.model.kinds import Image
from shared.model.sources import Source, Window
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench
from tests.fakes.simulated_log import Chances, SimulatedLog, Stretch, late
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.streams import events_of, wrapped
from tests.fakes.tenant import Unpaced

_RECORDS: Final = 20_000
_PLANTED: Final = 150
_HOUR: Final = timedelta(hours=1)
_WRITTEN_FOR: Final = 30 * _HOUR
_PLAYED_FOR: Final = 58 * _HOUR
_INTERVAL: Final = timedelta(minutes=15)
_NEVER: Final = Window(since=NOW + 20 * _HOUR, until=NOW + 20 * _HOUR + timedelta(seconds=40))
_FOR_LONG: Final = Window(since=NOW + 9 * _HOUR, until=NOW + 9 * _HOUR + timedelta(minutes=7))

_DETECTIONS: Final = {
    AUDIT_LOG.name: Lamps().detection(
        id="lampshade-changed", when=Audit.activity.is_("Change lampshade"), answer=Response.PAGE, remediation=None
    ),
    SIGN_IN_LOG.name: Lamps().detection(
        id="sign-in-failed",
        log=Log.SIGN_IN,
        when=SignIn.error_code.is_("50126"),
        answer=Response.PAGE,
        remediation=None,
    ),
}


class Killed(BaseException):
    """The process was killed: nothing in it is done any more."""


def _record(source: Source, number: int, at: datetime, *, is_planted: bool) -> Image:
    times = {source.time_field: at.isoformat().replace("+00:00", "Z")}
    ids = {
        "id": f"{number:08d}-0000-4000-8000-000000000001",
        "correlationId": f"{number:08d}-0000-4000-8000-000000000002",
    }
    if source is AUDIT_LOG:
        activity = "Change lampshade" if is_planted else "Dust lampshade"
        return {**lamp_record(MALLORY, activityDisplayName=activity), **ids, **times}
    return {
        **ids,
        **times,
        "userId": MALLORY.id,
        "userPrincipalName": MALLORY.upn,
        "status": {"errorCode": 50126 if is_planted else 0},
    }


def _records(source: Source, chance: random.Random) -> list[tuple[datetime, datetime, Image]]:
    """Make the records of a time: 5 of 100 twice, 3 of 100 up to 20 hours late, some planted, some in a bad stretch."""
    made: list[tuple[datetime, datetime, Image]] = []
    for number in range(_RECORDS):
        is_planted = number % (_RECORDS // _PLANTED) == 0
        at = NOW + _WRITTEN_FOR * chance.random()
        if number % (10 * (_RECORDS // _PLANTED)) == 0:
            at = _FOR_LONG.since + (_FOR_LONG.until - _FOR_LONG.since) * chance.random()
        if is_planted and _NEVER.since - timedelta(minutes=2) < at < _NEVER.until + timedelta(minutes=2):
            at += timedelta(minutes=10)
        one = (at, late(chance, at), _record(source, number, at, is_planted=is_planted))
        made += [one, one] if chance.random() < 0.05 else [one]
    return made


class _Story:
    """A tenant whose log is bad in every way, and a host that is killed now and then."""

    def __init__(self, source: Source, seed: int) -> None:
        self.source = source
        self.chance = random.Random(seed)  # noqa: S311 - keeps no secret
        memory = MemoryStorage()
        memory.create_all()
        self.storage = SpoiltStorage(memory)
        self.storage.faults.failure = Killed
        self.made: Bench = bench(self.storage, detections=(_DETECTIONS[source.name],), clock=FakeClock())
        self.clock = self.made.clock
        self.tenant = self.made.runtime.settings.tenants[0]
        records = _records(source, self.chance)
        self.stream = _Stream(self, records)
        self.log = SimulatedLog(
            source,
            records,
            clock=self.clock,
            seed=seed,
            chances=Chances(fails=0.02, ends=0.03, loops=0.01),
            silent=(Stretch(window=_NEVER), Stretch(window=_FOR_LONG, until=NOW + 30 * _HOUR)),
            page_size=150,
            before=lambda: self._maybe_die(0.004),
        )
        edges = TenantEdges(
            tenant=self.tenant, transports={source.call.service: self.log}, pacer=Unpaced(), wait=self.clock.wait
        )
        self.runtime = replace(self.made.runtime, edges={self.tenant.id: edges})
        self.storage.faults.spoil = lambda _name: self.chance.choice(["before", "after"]) if self._dies(0.002) else ""

    def _dies(self, chance: float) -> bool:
        return self.chance.random() < chance

    def _maybe_die(self, chance: float) -> None:
        if self._dies(chance):
            raise Killed

    def dies(self, chance: float) -> bool:
        """Say whether the host is killed now."""
        return self._dies(chance)

    def run(self, what: Callable[..., object], **how: Any) -> bool:  # noqa: ANN401 - what the poll takes
        """Run a timer's work as the host does: what fails or is killed comes again with the next tick."""
        self.storage.faults.log.clear()
        try:
            what(self.runtime, self.tenant, self.source, **how)
        except (EdgeError, Killed):
            return False
        return True

    def play(self, *ways: str) -> None:
        """Let the timers tick until the last late record was shown for long."""
        tick = NOW
        while tick < NOW + _PLAYED_FOR:
            if "polls" in ways:
                self.run(poll, overlap=_HOUR)
                self.run(catch_up)
            if "stream" in ways:
                self.stream.give()
            tick = max(tick + _INTERVAL, self.clock())
            self.clock.move(tick - self.clock())

    def calm_down(self, *ways: str) -> None:
        """Let the timers tick a last time without anything that goes wrong by chance."""
        self.storage.faults.heal()
        self.log.calm_down()
        for _ in range(2):
            self.clock.move(2 * _HOUR)
            if "polls" in ways:
                assert self.run(poll, overlap=_HOUR)
                assert self.run(catch_up)
            self.stream.give()
            self.stream.deliver_kept()

    def cases(self) -> list[str]:
        return [case.id for case in self.made.runtime.ledger.cases(self.tenant.id, most=0)]


class _Stream:
    """What diagnostic settings send to an Event Hub: each record when it is shown, in batches with a checkpoint."""

    def __init__(self, story: _Story, records: Sequence[tuple[datetime, datetime, Image]]) -> None:
        self._story = story
        self._arrived = Arrivals(story.storage)
        self._chance = random.Random(len(records))  # noqa: S311 - keeps no secret
        self._left = sorted(((shown, image) for _, shown, image in records), key=lambda one: one[0], reverse=True)
        self._events: list[bytes] = []

    def give(self) -> None:
        """Give the function what has come, a batch at a time, each until it is taken in."""
        come: list[Image] = []
        while self._left and self._left[-1][0] <= self._story.clock():
            come.append(wrapped(self._left.pop()[1]))
        self._events += events_of(self._chance, come)
        tries = 0
        while self._events:
            size = self._chance.randint(1, 8)  # after a death it needn't be as many as before
            try:
                take_in_stream(self._story.runtime, self._events[:size], self._arrived, tries=tries)
            except EdgeError:
                tries += 1
                continue
            except Killed:
                self._arrived = Arrivals(self._story.storage)
                tries = 0
                continue
            tries = 0
            if not self._story.dies(0.02):  # else before its checkpoint
                del self._events[:size]

    def deliver_kept(self) -> None:
        """Take in what was kept for later."""
        storage = self._story.storage
        for message in storage.take_messages(RESOURCE_EVENTS_QUEUE, most=1000, hidden_for=_HOUR):
            take_in_delivery(self._story.runtime, message.body)
            storage.delete_message(message)


_EACH: Final = pytest.mark.parametrize(
    ("source", "seed"), [(AUDIT_LOG, 1), (SIGN_IN_LOG, 2)], ids=("audits", "sign-ins")
)


@_EACH
@pytest.mark.parametrize("ways", [("stream",), ("polls", "stream")], ids=" and ".join)
def test_every_planted_change_is_exactly_one_case_by_the_stream_too(
    source: Source, seed: int, ways: tuple[str, ...]
) -> None:
    story = _Story(source, seed)
    story.play(*ways)
    story.calm_down(*ways)
    assert len(story.cases()) == len(set(story.cases())) == len(range(0, _RECORDS, _RECORDS // _PLANTED))
    kept = [
        story.storage.blob(Container.QUARANTINE, name) for name in story.storage.blob_names(Container.QUARANTINE, "")
    ]
    assert set(kept) <= {b""}, "nothing but the missing end of an event"
    assert not story.storage.queue_length(RESOURCE_EVENTS_QUEUE)


@_EACH
def test_every_planted_change_is_exactly_one_case(source: Source, seed: int) -> None:
    story = _Story(source, seed)
    story.play("polls")
    story.calm_down("polls")
    assert len(story.cases()) == len(set(story.cases())) == len(range(0, _RECORDS, _RECORDS // _PLANTED))
    left = read_unread(story.storage, source, story.tenant.id)
    assert left
    assert all(_around(_NEVER).covers(one.window) for one in left), left
    assert (polled_until(story.storage, source, story.tenant.id) or NOW) >= story.clock() - timedelta(minutes=10)
    titles = [notice.title for notice in story.made.teams.system_notices]
    assert 1 <= len([title for title in titles if "can't be read" in title]) <= 2, titles


def _around(window: Window) -> Window:
    margin = timedelta(minutes=2)
    return Window(since=window.since - margin, until=window.until + margin)
