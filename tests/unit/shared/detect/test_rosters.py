"""Rosters: kept whole or not at all, and unknown for everybody else once they are stale."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import ALICE, B2C_TENANT, DAVE, MALLORY, WORKFORCE_TENANT
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.detect.fields import Audit
from shared.detect.rosters import MOST, STALE, Listed, Roster, RosterKind, Rosters, packed, unpacked, with_rosters
from shared.model.errors import EdgeError, Rejected, Unreachable
from shared.model.events import Target
from shared.model.kinds import TenantKind
from shared.model.profile import DEFAULT, TenantProfile
from shared.model.settings import Tenant
from shared.model.tenant_api import TenantApi
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import lamp_event
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.fakes.tenant import Unpaced

_KIND: Final = RosterKind.PRIVILEGED_ACCOUNTS
_MINUTE: Final = timedelta(minutes=1)
_WORKFORCE: Final = Tenant(kind=TenantKind.WORKFORCE, id=WORKFORCE_TENANT, responder_id="", client_id="")
_B2C: Final = Tenant(kind=TenantKind.B2C, id=B2C_TENANT, responder_id="", client_id="")
_EDGES: Final = TenantEdges(tenant=_WORKFORCE, transports={}, pacer=Unpaced(), wait=lambda _seconds: None)

_ids = st.frozensets(st.uuids().map(str), max_size=30)


class _Guild:
    """A roster of members, read from `members`; a sweep takes `slow`."""

    def __init__(self, storage: Storage) -> None:
        self.clock = FakeClock()
        self.members: Iterable[str] = [ALICE.id]
        self.slow = timedelta()
        self.failing: Exception | None = None
        self.roster = Roster(kind=_KIND, tenant_kinds=(TenantKind.WORKFORCE,), calls=(), read=self._read)
        self.rosters = Rosters(storage, (self.roster,), clock=self.clock)

    def _read(self, _edges: TenantApi) -> Iterable[str]:
        self.clock.move(self.slow)
        if self.failing is not None:
            raise self.failing
        return self.members

    def sweep(self) -> int:
        return self.rosters.sweep(self.roster, _EDGES)

    def listed(self) -> Listed:
        (listed,) = self.rosters.all((_WORKFORCE, _B2C))
        return listed


@pytest.fixture
def guild(storage: Storage) -> _Guild:
    return _Guild(storage)


def _many(count: int) -> list[str]:
    return [str(UUID(int=number)) for number in range(count)]


# What is kept.


def test_the_newest_listing_takes_the_place_of_the_one_before(guild: _Guild) -> None:
    assert guild.listed() == Listed(kind=_KIND, tenant_id=WORKFORCE_TENANT)
    guild.members = [ALICE.id.upper(), MALLORY.id, MALLORY.id]
    guild.slow = 2 * _MINUTE
    assert guild.sweep() == 2
    kept = guild.listed()
    assert (kept.ids, kept.read_at) == ({ALICE.id, MALLORY.id}, NOW)
    guild.members = []
    assert guild.sweep() == 0
    kept = guild.listed()
    assert (kept.ids, kept.read_at) == (frozenset(), NOW + 2 * _MINUTE)


def test_as_many_as_a_row_takes_are_kept_and_read_again(guild: _Guild) -> None:
    guild.members = _many(MOST)
    assert guild.sweep() == MOST
    assert guild.listed().ids == frozenset(guild.members)
    guild.members = _many(3)
    guild.sweep()
    assert guild.listed().ids == frozenset(guild.members), "no column of the larger one is left"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (_many(MOST + 1), f"has {MOST + 1} ids, more than the {MOST} that a row"),
        ([ALICE.id, "alice@contoso.example"], "'alice@contoso.example', which is not an object id"),
        ([""], "'', which is not an object id"),
    ],
    ids=["too many", "a name", "nothing"],
)
def test_what_a_row_cannot_hold_is_told_and_the_roster_stays(guild: _Guild, members: list[str], expected: str) -> None:
    guild.sweep()
    before = guild.listed()
    guild.members = members
    with pytest.raises(Rejected, match=expected):
        guild.sweep()
    assert guild.listed() == before


@pytest.mark.parametrize("failing", [Unreachable("cut"), Rejected("400"), KeyError("id")], ids=repr)
def test_a_listing_that_fails_leaves_the_roster_as_it_was(guild: _Guild, failing: Exception) -> None:
    guild.sweep()
    before = guild.listed()
    guild.clock.move(15 * _MINUTE)
    guild.failing = failing
    with pytest.raises(type(failing)):
        guild.sweep()
    assert guild.listed() == before


def test_a_write_whose_answer_is_lost_is_whole_all_the_same(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    guild = _Guild(storage)
    guild.members = _many(2000)
    for how, expected in (("before", 0), ("after", 2000)):
        storage.faults.fail_once("upsert Rosters", how)
        with pytest.raises(Unreachable):
            guild.sweep()
        assert len(guild.listed().ids) == expected


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"read_at": NOW.isoformat(), "count": 3, "ids_00": f"{ALICE.id},{MALLORY.id}"},
        {"read_at": "yesterday", "count": 1, "ids_00": ALICE.id},
        {"read_at": "2026-03-02T10:05:00", "count": 1, "ids_00": ALICE.id},
        {"read_at": 5, "count": 1, "ids_00": ALICE.id},
        {"count": 1, "ids_00": ALICE.id},
        {"read_at": NOW.isoformat(), "ids_00": ALICE.id},
    ],
)
def test_a_row_that_is_spoilt_is_an_error_not_an_empty_roster(
    memory: MemoryStorage, guild: _Guild, columns: dict[str, Any]
) -> None:
    memory.upsert(Table.ROSTERS, _KIND, WORKFORCE_TENANT, columns)
    with pytest.raises(Rejected, match=f"row {_KIND} {WORKFORCE_TENANT} of table Rosters"):
        guild.listed()


def test_a_table_that_is_gone_is_an_error_not_an_empty_roster(memory: MemoryStorage, guild: _Guild) -> None:
    guild.sweep()
    memory.delete_table(Table.ROSTERS)
    with pytest.raises(EdgeError):
        guild.listed()


@given(_ids)
def test_what_is_packed_is_unpacked(ids: frozenset[str]) -> None:
    columns = packed(ids)
    assert unpacked({"read_at": "x", "count": len(ids), **columns}) == ids
    assert packed(unpacked(columns)) == columns


@pytest.mark.parametrize("count", [0, 1, 799, 800, 801, 1600, MOST])
def test_no_id_is_lost_where_a_column_ends(count: int) -> None:
    columns = packed(_many(count))
    assert unpacked(columns) == frozenset(_many(count))
    assert sorted(columns) == list(columns) == [f"ids_{place:02}" for place in range(-(-count // 800))]


def test_a_column_holds_what_storage_takes() -> None:
    columns = packed(_many(MOST))
    sizes = [len(text.encode("utf-16-le")) for text in columns.values()]
    assert max(sizes) <= 64 * 1024
    assert sum(sizes) <= 1024 * 1024 - 4096, "the row has other columns too"
    assert len(columns) < 250


def test_a_roster_is_read_in_the_tenants_of_its_kinds_alone(guild: _Guild) -> None:
    assert list(guild.rosters.places((_B2C, _WORKFORCE))) == [(guild.roster, _WORKFORCE)]


# What it tells.


def _listed(ids: Iterable[str], *, at: datetime = NOW, kind: RosterKind = _KIND) -> Listed:
    return Listed(kind=kind, tenant_id=WORKFORCE_TENANT, ids=frozenset(ids), read_at=at)


def _level_of(account: str, profile: TenantProfile, tenant: str = WORKFORCE_TENANT) -> str:
    event = msgspec.structs.replace(lamp_event(), tenant_id=tenant, targets=(Target(id=account, kind="User", name=""),))
    return Audit.target_level.reader(profile)(event)


def test_a_fresh_roster_tells_of_everybody_in_its_tenant_and_of_nobody_elsewhere() -> None:
    known = with_rosters(DEFAULT, [_listed([ALICE.id])], now=NOW)
    assert _level_of(ALICE.id, known) == "privileged"
    assert _level_of(DAVE.id, known) == "other"
    assert _level_of(DAVE.id, known, B2C_TENANT) == "unknown"


@pytest.mark.parametrize(
    ("age", "level"),
    [
        (timedelta(), "other"),
        (timedelta(minutes=100), "other"),
        (timedelta(minutes=140), "unknown"),
        (STALE, "other"),
        (-_MINUTE, "other"),
        (STALE + timedelta(microseconds=1), "unknown"),
        (-STALE - _MINUTE, "unknown"),
    ],
    ids=str,
)
def test_a_stale_roster_still_tells_who_is_on_it_and_nothing_of_others(age: timedelta, level: str) -> None:
    aged = with_rosters(DEFAULT, [_listed([ALICE.id], at=NOW - age)], now=NOW)
    assert _level_of(ALICE.id, aged) == "privileged"
    assert _level_of(DAVE.id, aged) == level


def test_a_roster_that_was_never_read_tells_nothing() -> None:
    assert with_rosters(DEFAULT, [Listed(kind=_KIND, tenant_id=WORKFORCE_TENANT)], now=NOW) == DEFAULT
    assert with_rosters(DEFAULT, [], now=NOW) == DEFAULT


def test_accounts_that_the_operator_names_count_beside_those_that_are_read() -> None:
    configured = TenantProfile(privileged_accounts=frozenset({MALLORY.id}), own_site="func")
    known = with_rosters(configured, [_listed([ALICE.id])], now=NOW)
    assert known.privileged_accounts == {ALICE.id, MALLORY.id}
    assert known.own_site == "func"


def test_each_kind_fills_its_own_words() -> None:
    groups = _listed([ALICE.id], kind=RosterKind.ROLE_ASSIGNABLE_GROUPS)
    known = with_rosters(DEFAULT, [groups], now=NOW)
    assert (known.role_assignable_groups, known.groups_known_in) == ({ALICE.id}, {WORKFORCE_TENANT})
    assert (known.privileged_accounts, known.privileged_known_in) == (frozenset(), frozenset())


def test_while_it_is_not_known_who_administers_subscriptions_nobody_else_is_ordinary() -> None:
    directory = _listed([ALICE.id])
    azure = _listed([MALLORY.id], kind=RosterKind.AZURE_ADMINISTRATORS)
    known = with_rosters(DEFAULT, [directory, azure], now=NOW)
    assert {_level_of(one.id, known) for one in (ALICE, MALLORY)} == {"privileged"}
    assert _level_of(DAVE.id, known) == "other"
    stale = msgspec.structs.replace(azure, read_at=NOW - STALE - _MINUTE)
    aged = with_rosters(DEFAULT, [directory, stale], now=NOW)
    assert {_level_of(one.id, aged) for one in (ALICE, MALLORY)} == {"privileged"}
    assert _level_of(DAVE.id, aged) == "unknown"


@given(ids=_ids, asked=st.uuids().map(str), age=st.timedeltas(timedelta(), timedelta(days=3)), data=st.data())
def test_staleness_makes_nobody_ordinary(ids: frozenset[str], asked: str, age: timedelta, data: st.DataObject) -> None:
    account = data.draw(st.sampled_from(sorted({*ids, asked})))
    listed = _listed(ids)
    now = _level_of(account, with_rosters(DEFAULT, [listed], now=NOW))
    later = _level_of(account, with_rosters(DEFAULT, [listed], now=NOW + age))
    assert (now == "privileged") == (later == "privileged") == (account in ids)
    if age > STALE:
        assert later != "other"


# What is told of one that is stale.


def test_a_stale_roster_is_told_once_an_hour(guild: _Guild) -> None:
    tenants = (_WORKFORCE, _B2C)
    (never,) = guild.rosters.system_notices(tenants)
    assert "It isn't known who is privileged in Entra ID" in never.title
    assert "never read yet" in never.text
    guild.sweep()
    assert [*guild.rosters.system_notices(tenants)] == []
    guild.clock.move(STALE + _MINUTE)
    (stale,) = guild.rosters.system_notices(tenants)
    assert "can't be judged for accounts that aren't listed" in stale.text
    assert "last read at 2026-03-02 10:05 UTC" in stale.text
    guild.clock.move(_MINUTE)
    assert [one.key for one in guild.rosters.system_notices(tenants)] == [stale.key]
    guild.clock.move(timedelta(hours=1))
    (later,) = guild.rosters.system_notices(tenants)
    assert later.key != stale.key


def test_a_roster_that_cannot_be_read_keeps_no_other_from_being_told_of(memory: MemoryStorage) -> None:
    declared = tuple(
        Roster(kind=kind, tenant_kinds=(TenantKind.B2C,), calls=(), read=lambda _edges: ()) for kind in RosterKind
    )
    memory.upsert(Table.ROSTERS, declared[0].kind, _B2C.id, {"read_at": "soon"})
    notices = Rosters(memory, declared, clock=FakeClock()).system_notices((_B2C,))
    found = [next(notices) for _ in declared[1:]]
    assert [declared[0].kind in one.key for one in found] == [False] * len(found)
    with pytest.raises(Rejected, match=f"row {declared[0].kind} {_B2C.id} of table Rosters"):
        next(notices)


@pytest.mark.parametrize("kind", RosterKind)
def test_every_kind_has_words_for_it(memory: MemoryStorage, kind: RosterKind) -> None:
    roster = Roster(kind=kind, tenant_kinds=(TenantKind.B2C,), calls=(), read=lambda _edges: ())
    (system_notice,) = Rosters(memory, (roster,), clock=FakeClock()).system_notices((_B2C,))
    assert "Azure AD B2C" in system_notice.title
    assert not set(system_notice.key) & set("/\\#?"), "it becomes a row's key"
