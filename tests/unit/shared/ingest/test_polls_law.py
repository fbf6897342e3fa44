"""Whatever the log and the host do, every planted change becomes exactly one case, and nothing is stuck."""

import random
from collections.abc import Callable
from copy import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from infra.local.world import MALLORY
from responders.sources import AUDIT_LOG, SIGN_IN_LOG
from shared.clients.api import TenantEdges
from shared.detect.fields import Audit, SignIn
from shared.ingest.catch_up import catch_up
from shared.ingest.poll import poll, polled_until
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
        self.log = SimulatedLog(
            source,
            _records(source, self.chance),
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

    def run(self, what: Callable[..., object], **how: Any) -> bool:  # noqa: ANN401 - what the poll takes
        """Run a timer's work as the host does: what fails or is killed comes again with the next tick."""
        self.storage.faults.log.clear()
        try:
            what(self.runtime, self.tenant, self.source, **how)
        except (EdgeError, Killed):
            return False
        return True

    def play(self) -> None:
        """Let the timers tick until the last late record was shown for long."""
        tick = NOW
        while tick < NOW + _PLAYED_FOR:
            self.run(poll, overlap=_HOUR)
            self.run(catch_up)
            tick = max(tick + _INTERVAL, self.clock())
            self.clock.move(tick - self.clock())

    def calm_down(self) -> None:
        """Let the timers tick a last time without anything that goes wrong by chance."""
        self.storage.faults.heal()
        self.log.calm_down()
        for _ in range(2):
            self.clock.move(2 * _HOUR)
            assert self.run(poll, overlap=_HOUR)
            assert self.run(catch_up)

    def cases(self) -> list[str]:
        return [case.id for case in self.made.runtime.ledger.cases(self.tenant.id, most=0)]


@pytest.mark.parametrize(("source", "seed"), [(AUDIT_LOG, 1), (SIGN_IN_LOG, 2)], ids=("audits", "sign-ins"))
def test_every_planted_change_is_exactly_one_case(source: Source, seed: int) -> None:
    story = _Story(source, seed)
    story.play()
    story.calm_down()
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
