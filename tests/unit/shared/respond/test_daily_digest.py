"""The daily digest: each recorded case in one card of its owner, once, over several instances and through crashes."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest

from infra.local.inbox.cards import refusal_of
from infra.local.world import ALICE, MALLORY
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, Standing, State
from shared.model.errors import Unreachable
from shared.model.events import Actor, Target
from shared.model.kinds import Mode
from shared.notify.system_notices import notice_call_alert, notice_call_card
from shared.respond.case_rows import columns_of
from shared.respond.daily_digest import begin_digest, go_on_with_digest
from tests.fakes.clock import NOW
from tests.fakes.lamps import Lamps, lamp_record
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import TENANT, Bench, bench, ready_bench
from tests.fakes.spoilt_storage import SpoiltStorage

_A_DAY: Final = timedelta(days=1)
_AN_HOUR: Final = timedelta(hours=1)


def _own(made: Bench, **owners: str) -> None:
    """Name an owner for each scope."""
    for scope, name in owners.items():
        owner = NamedOwner(
            scope="*" if scope == "all" else scope.replace("_", "-"),
            order="010",
            name=name,
            upn=f"{name.lower()}@contoso.example",
        )
        TableOwners(made.storage, clock=made.clock).name(owner, by="a test")


def _case(number: int, *, closed_at: datetime | None, **changes: object) -> Case:
    fields: dict[str, object] = {
        "id": f"{NOW:%Y%m%d}-{number:020}",
        "tenant_id": TENANT,
        "detection": Lamps().detection().id,
        "correlation_id": "",
        "event_id": "",
        "at": NOW,
        "opened_at": NOW,
        "actor": Actor(id=MALLORY.id, name="Mallory"),
        "target": Target(id="1", name="A lamp"),
        "record": "a",
        "state": State.CLOSED if closed_at else State.OPENED,
        "decision": Decision.RECORD,
        "standing": Standing.UNAPPROVED,
        "closed_at": closed_at,
    }
    return Case(**fields | changes)  # pyright: ignore[reportArgumentType] - the fields of a case


def _keep(made: Bench, *cases: Case) -> None:
    for case in cases:
        partition = f"{case.tenant_id}|{case.id.partition('-')[0]}"
        made.storage.upsert(Table.CASES, partition, case.id, columns_of(case))


def _cards_in_teams(made: Bench) -> list[tuple[str, tuple[str, ...]]]:
    return [(call.owners[0].name if call.owners else "", call.system_notice.lines) for call in made.teams.calls]


@pytest.fixture
def made(memory: MemoryStorage) -> Bench:
    ready = bench(memory)
    _own(ready, all="Alice")
    return ready


def test_an_approved_change_is_told_to_the_owner_of_its_list_and_wakes_nobody(
    memory: MemoryStorage,
) -> None:
    made = ready_bench(memory)
    _own(made, all="Alice", conditional_access="Bob")
    made.take_in(lamp_record(ALICE))
    made.answer_all()
    made.clock.move(_AN_HOUR)
    assert begin_digest(made.runtime) == 1
    ((owner, (line,)),) = _cards_in_teams(made)
    assert owner == "Bob"
    assert line.endswith(f"approved): 1, by {ALICE.upn}")
    assert made.pagerduty.calls == []
    assert notice_call_alert(made.teams.calls[0])["payload"]["severity"] == "info"


def test_each_case_is_in_one_digest_by_the_time_at_which_it_ended(made: Bench) -> None:
    for day in range(4):
        _keep(made, _case(day, closed_at=made.clock() - _AN_HOUR, at=NOW - timedelta(days=2)))
        begin_digest(made.runtime)
        made.clock.move(_A_DAY)
    begin_digest(made.runtime)
    assert [lines[0].partition("): ")[2] for _, lines in _cards_in_teams(made)] == ["1, by Mallory"] * 4


def test_what_was_paged_or_is_open_or_ended_before_is_in_no_card(made: Bench) -> None:
    _keep(
        made,
        _case(1, closed_at=NOW - _AN_HOUR, decision=Decision.PAGE),
        _case(2, closed_at=None),
        _case(3, closed_at=NOW - 2 * _A_DAY),
        _case(4, closed_at=NOW),
    )
    assert begin_digest(made.runtime) == 0
    assert _cards_in_teams(made) == []
    made.clock.move(_A_DAY)
    assert begin_digest(made.runtime) == 1, "what ended in the last minutes before a digest is in the next one"


def test_a_second_timer_of_the_same_noon_sends_nothing(made: Bench) -> None:
    _keep(made, _case(1, closed_at=NOW - _AN_HOUR))
    assert begin_digest(made.runtime) == 1
    made.clock.move(timedelta(seconds=9))
    _keep(made, _case(2, closed_at=made.clock() - timedelta(minutes=10, seconds=5)))
    assert begin_digest(made.runtime) == go_on_with_digest(made.runtime) == 0
    made.clock.move(_A_DAY)
    assert begin_digest(made.runtime) == 1
    assert [lines[0].partition("): ")[2] for _, lines in _cards_in_teams(made)] == ["1, by Mallory"] * 2


def _operations(memory: MemoryStorage) -> list[str]:
    """Give what a digest of two cards asks of storage, in order."""
    storage = SpoiltStorage(memory)
    made = _with_two_owners(storage)
    storage.faults.log.clear()
    assert begin_digest(made.runtime) == 2
    return list(storage.faults.log)


def _with_two_owners(storage: SpoiltStorage) -> Bench:
    storage.create_all()
    made = bench(storage)
    _own(made, all="Alice", conditional_access="Bob")
    _keep(made, _case(1, closed_at=NOW - _AN_HOUR), _case(2, closed_at=NOW - _AN_HOUR, detection="gone"))
    return made


def _notices(made: Bench) -> list[str]:
    """Give the rows of the outbox with a digest's card; the outbox itself repeats what it can't know to be sent."""
    rows = made.storage.rows(Table.OUTBOX, "PartitionKey ge @first", first="")
    return [row.key for row in rows if "only recorded" in str(row.columns)]


@pytest.mark.parametrize("how", ["before", "after"])
def test_wherever_a_run_breaks_off_each_owner_has_the_card_once(how: str) -> None:
    for number, _ in enumerate(_operations(MemoryStorage())):
        storage = SpoiltStorage(MemoryStorage())
        made = _with_two_owners(storage)
        asked = iter(range(10_000))
        storage.faults.spoil = lambda _operation, asked=asked, number=number: how if next(asked) == number else ""
        try:
            begin_digest(made.runtime)
        except Unreachable:
            storage.faults.heal()
            made.clock.move(timedelta(hours=14))  # past midnight
            begin_digest(made.runtime)
        storage.faults.heal()
        made.clock.move(timedelta(minutes=2))
        go_on_with_digest(made.runtime)
        made.runtime.notifier.resume(lambda _tenant, _case: None)
        assert {owner for owner, _ in _cards_in_teams(made)} == {"Alice", "Bob"}, (number, how)
        assert len(_notices(made)) == 2, (number, how)


def test_lines_are_few_what_nobody_approved_comes_first_and_a_name_is_only_text(made: Bench) -> None:
    evil = Actor(id=MALLORY.id, name="<at>all</at>" + "x" * 500)
    _keep(made, _case(99, closed_at=NOW - _AN_HOUR, standing=Standing.APPROVED))
    for number in range(14):
        _keep(made, _case(number, closed_at=NOW - _AN_HOUR, detection=f"gone-{number:02}", actor=evil))
    assert begin_digest(made.runtime) == 1
    (call,) = made.teams.calls
    lines = call.system_notice.lines
    assert (len(lines), lines[-1]) == (11, "And 5 more kinds.")
    assert not any("approved" in line for line in lines)
    assert call.system_notice.title == "15 cases were only recorded"
    card = notice_call_card(call)
    assert refusal_of(msgspec.json.encode(card)) is None


def test_why_each_was_recorded_is_said(made: Bench) -> None:
    _keep(
        made,
        _case(1, closed_at=NOW - _AN_HOUR, mode=Mode.OBSERVE),
        _case(2, closed_at=NOW - _AN_HOUR, mode=Mode.OBSERVE),
        _case(3, closed_at=NOW - _AN_HOUR, standing=Standing.APPROVED),
    )
    begin_digest(made.runtime)
    ((_, (first, second)),) = _cards_in_teams(made)
    assert "mode observe): 2, by Mallory (2)" in first
    assert "approved): 1, by Mallory" in second


def test_without_owners_the_card_mentions_nobody(memory: MemoryStorage) -> None:
    made = bench(memory)
    _keep(made, _case(1, closed_at=NOW - _AN_HOUR))
    assert begin_digest(made.runtime) == 1
    assert [notice.owners for notice in made.teams.notices] == [()]


def test_a_row_that_can_not_be_read_is_told_and_keeps_back_no_other(made: Bench) -> None:
    _keep(made, _case(1, closed_at=NOW - _AN_HOUR))
    spoilt = {**columns_of(_case(2, closed_at=NOW - _AN_HOUR)), "case": "{"}
    made.storage.upsert(Table.CASES, f"{TENANT}|{NOW:%Y%m%d}", "spoilt", spoilt)
    assert begin_digest(made.runtime) == 1
    assert len(_cards_in_teams(made)) == 1
    assert any("can't be read" in notice.title for notice in made.teams.notices)
