"""The cached matcher: its rosters are read again each minute, and it is rebuilt only when they changed."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from infra.local.world import ALICE, DAVE, MALLORY, WORKFORCE_TENANT
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.detect.cached_matcher import CachedMatcher
from shared.detect.fields import Audit
from shared.detect.rosters import STALE, Roster, RosterKind, Rosters
from shared.model.detections import Answer, AnyDetection, Detection
from shared.model.errors import Unreachable
from shared.model.events import AuditEvent, Log, Target
from shared.model.kinds import Risk, TenantKind
from shared.model.profile import DEFAULT, TenantProfile
from shared.model.settings import Tenant
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import lamp_event
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced

_MINUTE: Final = timedelta(minutes=1)
_TENANT: Final = Tenant(kind=TenantKind.WORKFORCE, id=WORKFORCE_TENANT, responder_id="", client_id="")
_EDGES: Final = TenantEdges(tenant=_TENANT, transports={}, pacer=Unpaced(), wait=lambda _seconds: None)
_LEVELS: Final = ("privileged", "other", "unknown")


def _detection(level: str) -> AnyDetection:
    return Detection(
        id=level,
        seed_row="",
        title=level,
        why="",
        risk=Risk.LOW,
        log=Log.AUDIT,
        when=Audit.target_level.is_(level),
        unless_actor_in=None,
        answer=Answer.RECORD,
    )


def _about(account: str) -> AuditEvent:
    return msgspec.structs.replace(
        lamp_event(), tenant_id=WORKFORCE_TENANT, targets=(Target(id=account, kind="User", name=""),)
    )


class _Hall:
    """Detections that name the level of an account, over storage that a test spoils."""

    def __init__(self, storage: Storage, profile: TenantProfile = DEFAULT) -> None:
        self.clock = FakeClock()
        self.storage = SpoiltStorage(storage)
        self.members = [ALICE.id]
        self.roster = Roster(
            kind=RosterKind.PRIVILEGED_ACCOUNTS,
            tenant_kinds=(TenantKind.WORKFORCE,),
            calls=(),
            read=lambda _edges: self.members,
        )
        self.rosters = Rosters(self.storage, (self.roster,), clock=self.clock)
        self.matching = CachedMatcher(
            tuple(map(_detection, _LEVELS)), profile, self.rosters, tenants=(_TENANT,), clock=self.clock
        )

    def sweep(self, *members: str) -> None:
        self.members = list(members)
        self.rosters.sweep(self.roster, _EDGES)

    def level(self, account: str) -> str:
        (detection,) = self.matching.matcher.matches(_about(account))
        return detection.id

    @property
    def reads(self) -> int:
        return self.storage.faults.log.count("row Rosters")


@pytest.fixture
def hall(memory: MemoryStorage) -> _Hall:
    return _Hall(memory)


def test_a_sweep_shows_a_minute_later(storage: Storage) -> None:
    hall = _Hall(storage)
    assert hall.level(ALICE.id) == "unknown"
    hall.sweep(ALICE.id)
    hall.clock.move(_MINUTE)
    assert (hall.level(ALICE.id), hall.level(DAVE.id)) == ("privileged", "other")
    hall.sweep(DAVE.id)
    hall.clock.move(_MINUTE)
    assert (hall.level(ALICE.id), hall.level(DAVE.id)) == ("other", "privileged")


def test_the_table_is_read_when_it_is_first_needed_and_then_once_a_minute(hall: _Hall) -> None:
    hall.sweep(ALICE.id)
    assert hall.reads == 0
    for _ in range(5):
        hall.level(ALICE.id)
        hall.clock.move(_MINUTE / 10)
    assert hall.reads == 1
    hall.clock.move(_MINUTE)
    hall.level(ALICE.id)
    assert hall.reads == 2


def test_while_one_is_missing_it_is_looked_for_more_often(hall: _Hall) -> None:
    """Right after a deployment nobody is known to be privileged."""
    assert hall.level(ALICE.id) == "unknown"
    hall.sweep(ALICE.id)
    hall.clock.move(timedelta(seconds=4))
    assert hall.level(ALICE.id) == "unknown"
    hall.clock.move(timedelta(seconds=1))
    assert (hall.level(ALICE.id), hall.reads) == ("privileged", 2)


def test_the_matcher_is_made_anew_only_when_the_rosters_tell_something_else(hall: _Hall) -> None:
    hall.sweep(ALICE.id)
    first = hall.matching.matcher
    for _ in range(5):
        hall.clock.move(2 * _MINUTE)
        hall.sweep(ALICE.id)
        assert hall.matching.matcher is first
    hall.sweep(ALICE.id, MALLORY.id)
    hall.clock.move(_MINUTE)
    assert hall.matching.matcher is not first


def test_a_roster_that_is_not_renewed_becomes_unknown_for_those_that_are_not_on_it(hall: _Hall) -> None:
    hall.sweep(ALICE.id)
    assert hall.level(DAVE.id) == "other"
    hall.clock.move(STALE + _MINUTE)
    assert (hall.level(ALICE.id), hall.level(DAVE.id)) == ("privileged", "unknown")


def test_what_cannot_be_read_stays_as_it_was_until_it_is_stale(hall: _Hall, caplog: pytest.LogCaptureFixture) -> None:
    hall.sweep(ALICE.id)
    assert hall.level(DAVE.id) == "other"
    hall.storage.faults.fail("row Rosters")
    hall.clock.move(STALE)
    with caplog.at_level(logging.WARNING, "responder.matching"):
        assert (hall.level(ALICE.id), hall.level(DAVE.id)) == ("privileged", "other")
    assert "the rosters couldn't be read" in caplog.text
    hall.clock.move(_MINUTE)
    assert (hall.level(ALICE.id), hall.level(DAVE.id)) == ("privileged", "unknown")
    hall.storage.faults.heal()
    hall.sweep(DAVE.id)
    hall.clock.move(_MINUTE)
    assert (hall.level(ALICE.id), hall.level(DAVE.id)) == ("other", "privileged")


def test_a_table_that_cannot_be_read_at_first_leaves_what_the_operator_named(memory: MemoryStorage) -> None:
    hall = _Hall(memory, TenantProfile(privileged_accounts=frozenset({MALLORY.id})))
    memory.delete_table(Table.ROSTERS)
    assert (hall.level(MALLORY.id), hall.level(ALICE.id)) == ("privileged", "unknown")


def test_a_mistake_in_reading_is_no_reason_to_read_at_each_record(hall: _Hall) -> None:
    hall.storage.faults.fail("row Rosters")
    for _ in range(5):
        hall.level(ALICE.id)
    assert hall.reads == 1


def test_a_fault_of_ours_is_not_hidden_and_is_tried_again(hall: _Hall) -> None:
    hall.sweep(ALICE.id)
    hall.storage.faults.failure = RuntimeError
    hall.storage.faults.fail_once("row Rosters")
    with pytest.raises(RuntimeError):
        hall.level(ALICE.id)
    assert hall.level(ALICE.id) == "privileged"


def test_a_clock_that_was_set_back_is_looked_at_again(hall: _Hall) -> None:
    hall.level(ALICE.id)
    hall.sweep(ALICE.id)
    hall.clock.move(-timedelta(minutes=30))
    assert hall.level(ALICE.id) == "privileged"


def test_many_may_ask_at_once_and_one_of_them_reads(hall: _Hall) -> None:
    hall.sweep(ALICE.id)
    with ThreadPoolExecutor(8) as pool:
        levels = set(pool.map(hall.level, [ALICE.id] * 200))
    assert levels == {"privileged"}
    assert hall.reads == 1


def test_without_rosters_storage_is_never_asked(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.faults.failure = Unreachable
    matching = CachedMatcher(
        (_detection("unknown"),), DEFAULT, Rosters(storage, clock=FakeClock()), tenants=(_TENANT,), clock=FakeClock()
    )
    assert matching.matcher.matches(_about(ALICE.id))
    assert storage.faults.log == []
