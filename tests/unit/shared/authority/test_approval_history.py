"""Who was approved when: by tables of acts, and against a calendar that is filled in hour by hour."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.world import ALICE, BREAK_GLASS_1, CAROL, MALLORY, RESPONDER, Principal
from shared.authority.approval_history import ApprovalHistory, standing_of
from shared.authority.approvals import TableApprovals
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Standing
from shared.model.events import Actor, ActorKind
from shared.model.kinds import ApprovalList
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import LAMP, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import approval

_LIST: Final = ApprovalList.CONDITIONAL_ACCESS
_HOUR: Final = timedelta(hours=1)
_A, _U, _X = Standing.APPROVED, Standing.UNAPPROVED, Standing.UNKNOWN
_OTHER: Final = "another-lamp"


@dataclass(slots=True)
class _Desk:
    """An approval list and its clock. Hours count from NOW."""

    storage: Storage
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def approvals(self) -> TableApprovals:
        return TableApprovals(self.storage, clock=self.clock)

    def until_hour(self, hour: int) -> None:
        self.clock.move(NOW + hour * _HOUR - self.clock())

    def approve(self, who: Principal, *, since: int | None = None, until: int = 1000, **changes: object) -> None:
        valid: dict[str, object] = {"valid_from": self.clock(), "valid_until": NOW + until * _HOUR}
        earlier = None if since is None else NOW + since * _HOUR
        self.approvals.approve(approval(who, _LIST, **(valid | changes)), since=earlier)

    def revoke(self, who: Principal, *, since: int | None = None) -> None:
        earlier = None if since is None else NOW + since * _HOUR
        assert self.approvals.revoke(_LIST, who.id, by="Carol Chen", reason="she left", since=earlier)

    def history(self, *emergency_accounts: str) -> ApprovalHistory:
        return self.approvals.history(_LIST, emergency_accounts=emergency_accounts)

    def standings(self, who: Principal, hours: Sequence[int], target_id: str = LAMP) -> list[Standing]:
        history = self.history()
        return [history.standing(actor_of(who), target_id, NOW + hour * _HOUR).standing for hour in hours]


@pytest.fixture
def desk(storage: Storage) -> _Desk:
    return _Desk(storage)


type _Act = Callable[[_Desk], None]


_HOURS: Final = (-1, 0, 9, 10, 19, 20, 29, 30)


_STORIES: Final[tuple[tuple[str, dict[int, _Act], tuple[Standing, ...]], ...]] = (
    ("nobody was ever approved", {}, (_X,) * 8),
    ("approved", {0: lambda desk: desk.approve(ALICE)}, (_X, _A, _A, _A, _A, _A, _A, _A)),
    (
        "backdated: it counts from when it was said",
        {0: lambda desk: desk.approve(ALICE, valid_from=NOW - 99 * _HOUR)},
        (_X, _A, _A, _A, _A, _A, _A, _A),
    ),
    (
        "approved after others were",
        {0: lambda desk: desk.approve(CAROL), 10: lambda desk: desk.approve(ALICE)},
        (_X, _U, _U, _A, _A, _A, _A, _A),
    ),
    (
        "what was done since is accepted",
        {0: lambda desk: desk.approve(CAROL), 20: lambda desk: desk.approve(ALICE, since=10)},
        (_X, _U, _U, _A, _A, _A, _A, _A),
    ),
    (
        "revoked",
        {0: lambda desk: desk.approve(ALICE), 10: lambda desk: desk.revoke(ALICE)},
        (_X, _A, _A, _U, _U, _U, _U, _U),
    ),
    (
        "revoked since an earlier instant",
        {0: lambda desk: desk.approve(ALICE), 20: lambda desk: desk.revoke(ALICE, since=10)},
        (_X, _A, _A, _U, _U, _U, _U, _U),
    ),
    (
        "approved again: what was between stays",
        {
            0: lambda desk: desk.approve(ALICE),
            10: lambda desk: desk.revoke(ALICE),
            20: lambda desk: desk.approve(ALICE),
        },
        (_X, _A, _A, _U, _U, _A, _A, _A),
    ),
    (
        "what was said last of an instant counts",
        {
            0: lambda desk: desk.approve(ALICE),
            20: lambda desk: desk.revoke(ALICE, since=10),
            30: lambda desk: desk.approve(ALICE, since=20),
        },
        (_X, _A, _A, _U, _U, _A, _A, _A),
    ),
    (
        "renewed too late: the gap stays",
        {0: lambda desk: desk.approve(ALICE, until=20), 30: lambda desk: desk.approve(ALICE)},
        (_X, _A, _A, _A, _A, _X, _X, _A),
    ),
    (
        "the end was brought forward",
        {0: lambda desk: desk.approve(ALICE), 10: lambda desk: desk.approve(ALICE, until=20)},
        (_X, _A, _A, _A, _A, _X, _X, _X),
    ),
    (
        "narrowed to another target",
        {0: lambda desk: desk.approve(ALICE), 10: lambda desk: desk.approve(ALICE, targets=(_OTHER,))},
        (_X, _A, _A, _U, _U, _U, _U, _U),
    ),
    (
        "an approval of another kind of actor",
        {10: lambda desk: desk.approve(ALICE, kind=ActorKind.SERVICE_PRINCIPAL)},
        (_X,) * 8,
    ),
)


@pytest.mark.parametrize(
    ("acts", "expected"), [pytest.param(acts, expected, id=story) for story, acts, expected in _STORIES]
)
def test_each_instant_has_the_answer_that_the_list_gave_then(
    desk: _Desk, acts: dict[int, _Act], expected: tuple[Standing, ...]
) -> None:
    for hour, act in acts.items():
        desk.until_hour(hour)
        act(desk)
    assert desk.standings(ALICE, _HOURS) == list(expected)


def test_acts_in_one_instant_count_in_the_order_in_which_they_were_said(desk: _Desk) -> None:
    for _ in range(12):
        desk.approve(ALICE)
        desk.revoke(ALICE)
    assert desk.standings(ALICE, [0]) == [_U]
    desk.approve(ALICE)
    assert desk.standings(ALICE, [0]) == [_A]
    assert len(desk.storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")) == 25


def test_an_act_by_a_clock_that_is_behind_comes_after_what_it_follows(desk: _Desk) -> None:
    desk.until_hour(10)
    desk.approve(ALICE)
    desk.until_hour(5)
    desk.revoke(ALICE)
    desk.until_hour(20)
    assert desk.standings(ALICE, [5, 10, 20]) == [_X, _U, _U]


def test_an_act_by_a_clock_that_is_ahead_counts_at_once_and_leaves_the_past_unknown(desk: _Desk) -> None:
    desk.approve(ALICE)
    desk.until_hour(10)
    desk.revoke(ALICE)
    desk.until_hour(8)
    assert desk.standings(ALICE, [1, 7, 8, 9]) == [_X, _X, _U, _U]
    assert desk.history().unapproved_throughout(actor_of(ALICE), LAMP, NOW + 7 * _HOUR, NOW + 8 * _HOUR) is None
    desk.until_hour(10)
    assert desk.standings(ALICE, [1, 9, 10]) == [_A, _A, _U]


def test_an_act_by_a_clock_that_is_ahead_reaches_back_as_it_says(desk: _Desk) -> None:
    """What it says counts from the earlier instant on; what was before that stays unknown."""
    desk.approve(ALICE)
    desk.until_hour(10)
    desk.revoke(ALICE, since=5)
    desk.until_hour(8)
    assert desk.standings(ALICE, [1, 4, 5, 8]) == [_X, _X, _U, _U]


def test_the_list_was_empty_until_somebody_was_approved(desk: _Desk) -> None:
    desk.until_hour(10)
    desk.approve(ALICE, since=5)
    history = desk.history()
    assert [history.was_empty(NOW + hour * _HOUR) for hour in (5, 9, 10)] == [True, True, False]
    found = [history.standing(actor_of(MALLORY), LAMP, NOW + hour * _HOUR) for hour in (9, 10)]
    assert [one.standing for one in found] == [_X, _U]
    assert found[0].because == "approval list conditional-access was empty, so nobody counts as unapproved"
    assert found[1].because == f"no row for {MALLORY.id} in approval list conditional-access"


def test_nothing_reaches_into_the_future(desk: _Desk) -> None:
    desk.approve(ALICE)
    with pytest.raises(ValueError, match="still to come"):
        desk.approve(ALICE, since=1)
    with pytest.raises(ValueError, match="still to come"):
        desk.revoke(ALICE, since=1)
    with pytest.raises(ValueError, match="no time zone"):
        desk.approvals.revoke(_LIST, ALICE.id, by="Carol Chen", reason="x", since=datetime(2026, 1, 1))  # noqa: DTZ001 - refused
    with pytest.raises(ValueError, match="needs a reason"):
        desk.approvals.revoke(_LIST, ALICE.id, by="Carol Chen", since=NOW)
    assert len(desk.storage.rows(Table.APPROVED_ACTORS, "PartitionKey ge ''")) == 1


def test_the_reason_says_that_a_row_came_later(desk: _Desk) -> None:
    desk.approve(CAROL)
    desk.until_hour(10)
    desk.approve(ALICE)
    because = desk.history().standing(actor_of(ALICE), LAMP, NOW).because
    assert because.endswith("in approval list conditional-access at that time; the first is of 2026-03-02 20:05 UTC")


_GOOD: Final[dict[str, object]] = {
    "kind": "user",
    "name": "Alice Alvarez",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2026-12-31T00:00:00Z",
    "ticket": "CHG-1042",
    "approved_by": "Head of identity",
}
_AT_10: Final = f"{ALICE.id}|2026-03-02T20:05:00.000000Z"


@pytest.mark.parametrize(
    ("key", "changes", "expected"),
    [
        pytest.param(_AT_10, {}, (_A, _A, _A), id="a sound row"),
        pytest.param(_AT_10, {"valid_until": "soon"}, (_A, _X, _X), id="unknown from then on"),
        pytest.param(_AT_10, {"since": "soon"}, (_X, _X, _X), id="it may count from any instant"),
        pytest.param(_AT_10, {"since": "2026-03-02T11:05:00"}, (_X, _X, _X), id="an instant without a zone"),
        pytest.param(_AT_10, {"since": True}, (_X, _X, _X), id="an instant that is none"),
        pytest.param(_AT_10, {"since": "2027-01-01T00:00:00Z"}, (_X, _X, _X), id="later than it was said"),
        pytest.param(ALICE.id, {}, (_X, _X, _X), id="a key without an instant"),
        pytest.param(f"{ALICE.id}|2026-13-02T20:05:00.000000Z", {}, (_A, _A, _A), id="about somebody else"),
        pytest.param(_AT_10.replace(ALICE.id, ALICE.id.upper()), {}, (_A, _X, _X), id="a key in capitals"),
    ],
)
def test_a_malformed_row_makes_its_actor_unknown_and_nobody_else(
    desk: _Desk, key: str, changes: dict[str, object], expected: tuple[Standing, ...]
) -> None:
    desk.approve(ALICE)
    desk.approve(CAROL)
    desk.storage.upsert(Table.APPROVED_ACTORS, _LIST, key, {**_GOOD, **changes})
    desk.until_hour(20)
    assert desk.standings(ALICE, [5, 10, 15]) == list(expected)
    assert desk.standings(CAROL, [5, 10, 15]) == [_A, _A, _A]
    assert desk.standings(MALLORY, [5, 10, 15]) == [_U, _U, _U]


def test_what_is_said_after_a_malformed_row_counts(desk: _Desk) -> None:
    desk.storage.upsert(Table.APPROVED_ACTORS, _LIST, _AT_10, {"kind": "user"})
    desk.until_hour(20)
    desk.approve(ALICE)
    assert desk.standings(ALICE, [9, 10, 20]) == [_X, _X, _A]


def test_rows_that_name_no_instant_leave_it_unknown_whether_the_list_was_empty(desk: _Desk) -> None:
    desk.storage.upsert(Table.APPROVED_ACTORS, _LIST, ALICE.id, _GOOD)
    assert desk.history().was_empty(NOW) is None
    assert desk.standings(MALLORY, [0]) == [_X]
    desk.approve(CAROL)
    assert desk.history().was_empty(NOW) is False
    assert desk.standings(MALLORY, [0]) == [_U]


def test_a_list_that_cannot_be_read_leaves_everybody_unknown(desk: _Desk) -> None:
    desk.approve(ALICE)
    desk.storage.delete_table(Table.APPROVED_ACTORS)
    history = desk.history()
    for who in (ALICE, MALLORY):
        found = history.standing(actor_of(who), LAMP, NOW)
        assert found.standing is _X
        assert "TableNotFound" in found.because
        assert history.unapproved_throughout(actor_of(who), LAMP, NOW, NOW) is None
    assert history.was_empty(NOW) is None


@pytest.mark.parametrize("actor_id", ["", "a/b", "a#b", "a\nb", "x" * 513])
def test_an_actor_id_that_cannot_be_a_key_is_unknown(desk: _Desk, actor_id: str) -> None:
    desk.approve(ALICE)
    assert desk.history().standing(Actor(id=actor_id, kind=ActorKind.USER), LAMP, NOW).standing is _X


def test_an_emergency_account_is_unknown_whatever_the_list_says(desk: _Desk) -> None:
    desk.approve(BREAK_GLASS_1)
    actor = actor_of(BREAK_GLASS_1)
    assert desk.history().standing(actor, LAMP, NOW).standing is _A
    history = desk.history(BREAK_GLASS_1.id.upper())
    assert standing_of(actor, history, target_id=LAMP, at=NOW).standing is _X
    desk.revoke(BREAK_GLASS_1)
    history = desk.history(BREAK_GLASS_1.id)
    assert history.standing(actor, LAMP, NOW).standing is _X
    assert history.unapproved_throughout(actor, LAMP, NOW, NOW) is None


def test_only_an_intent_approves_the_responder(desk: _Desk) -> None:
    """Somebody may have stolen its identity."""
    desk.approve(ALICE)
    history = desk.history()
    assert standing_of(actor_of(RESPONDER), history, target_id=LAMP, at=NOW).standing is _U
    own = standing_of(actor_of(RESPONDER), history, target_id=LAMP, at=NOW, own_intent="20260302-abc")
    assert own.standing is _A
    assert "20260302-abc" in own.because


def test_a_detection_without_a_list_leaves_it_unknown() -> None:
    assert standing_of(actor_of(ALICE), None, target_id=LAMP, at=NOW).standing is _X


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (11, 19, True),
        (10, 19, True),
        (9, 19, False),
        (11, 20, False),
        (20, 11, False),
        (19, 11, True),
        (-2, -1, None),
        (-2, 0, False),
        (-2, 12, False),
        (31, 40, None),
        (12, 40, False),
        (10, 10, True),
    ],
)
def test_unapproved_from_one_instant_to_another(desk: _Desk, since: int, until: int, expected: bool | None) -> None:  # noqa: FBT001 - the answer
    desk.approve(ALICE)
    desk.until_hour(10)
    desk.revoke(ALICE)
    desk.until_hour(20)
    desk.approve(ALICE, until=30)
    desk.until_hour(50)
    found = desk.history().unapproved_throughout(actor_of(ALICE), LAMP, NOW + since * _HOUR, NOW + until * _HOUR)
    assert found is expected


def test_an_approval_that_is_revoked_since_earlier_was_one_until_then(desk: _Desk) -> None:
    """So what a stolen administrator did is unapproved, and isn't put back before a person says so."""
    desk.approve(ALICE)
    desk.until_hour(20)
    desk.revoke(ALICE, since=10)
    history = desk.history()
    for hour, standing, throughout in ((5, _A, False), (15, _U, False), (19, _U, False), (20, _U, True)):
        at = NOW + hour * _HOUR
        assert history.standing(actor_of(ALICE), LAMP, at).standing is standing
        assert history.unapproved_throughout(actor_of(ALICE), LAMP, at, NOW + 30 * _HOUR) is throughout


def test_that_the_list_was_empty_meanwhile_leaves_it_unknown(desk: _Desk) -> None:
    desk.until_hour(10)
    desk.approve(ALICE)
    history = desk.history()
    assert history.unapproved_throughout(actor_of(MALLORY), LAMP, NOW, NOW + 20 * _HOUR) is None
    assert history.unapproved_throughout(actor_of(MALLORY), LAMP, NOW + 10 * _HOUR, NOW + 20 * _HOUR) is True


# Against a calendar: for each actor, what counts at each hour. An act writes into the hours that it is about.

_PEOPLE: Final = (ALICE, CAROL, MALLORY)
_LAST: Final = 30


@dataclass(frozen=True, slots=True)
class _Said:
    """An act: after `gap` hours, about the person of number `who`."""

    gap: int
    who: int
    what: str
    back: int
    length: int
    target: bool


_acts = st.lists(
    st.builds(
        _Said,
        gap=st.integers(0, 3),
        who=st.integers(0, 1),
        what=st.sampled_from(["approve", "approve", "accept", "revoke", "revoke since"]),
        back=st.integers(0, 8),
        length=st.integers(1, 12),
        target=st.booleans(),
    ),
    max_size=8,
)


@dataclass(slots=True)
class _Calendar:
    """The oracle. `days` has for each person and hour a function of the target, or None where nothing was said."""

    days: list[list[Callable[[str], Standing] | None]]
    first: int = 99
    revoked: dict[int, int] = field(default_factory=dict[int, int])

    def note(self, act: _Said, hour: int) -> None:
        start = hour - act.back if act.what in {"accept", "revoke since"} else hour
        if act.what in {"approve", "accept"}:
            end, wanted = hour + act.length, _OTHER if act.target else ""
            self._fill(act.who, start, lambda at: _approved(at < end, wanted))
            self.revoked.pop(act.who, None)
        else:
            if self.revoked.get(act.who, 99) <= start:
                return
            self._fill(act.who, start, lambda _: lambda _target: _U)
            self.revoked[act.who] = start
        self.first = min(self.first, hour)

    def _fill(self, who: int, start: int, value: Callable[[int], Callable[[str], Standing]]) -> None:
        for at in range(start, _LAST):
            self.days[who][at + _LAST] = value(at)

    def standing(self, who: int, at: int, target: str) -> Standing:
        said = self.days[who][at + _LAST]
        if said is not None:
            return said(target)
        return _U if at >= self.first else _X


def _approved(stands: bool, wanted: str) -> Callable[[str], Standing]:  # noqa: FBT001 - whether it stands
    return lambda target: _X if not stands else _A if wanted in {"", target} else _U


def _play(acts: list[_Said]) -> tuple[_Desk, _Calendar]:
    storage = MemoryStorage()
    storage.create_all()
    desk = _Desk(storage)
    calendar = _Calendar([[None] * (2 * _LAST) for _ in _PEOPLE])
    hour, known = 0, set[int]()
    for act in acts:
        hour += act.gap
        desk.until_hour(hour)
        person = _PEOPLE[act.who]
        since = hour - act.back
        targets = (_OTHER,) if act.target else ()
        if act.what in {"approve", "accept"}:
            given = since if act.what == "accept" else None
            desk.approve(person, since=given, until=hour + act.length, targets=targets)
            known.add(act.who)
        elif act.who in known:
            desk.revoke(person, since=since if act.what == "revoke since" else None)
        else:
            assert not desk.approvals.revoke(_LIST, person.id, by="Carol Chen")
            continue
        calendar.note(act, hour)
    desk.until_hour(_LAST)
    return desk, calendar


def _is_unapproved(standing: Standing) -> bool | None:
    return None if standing is _X else standing is _U


@given(acts=_acts)
def test_any_acts_have_the_answers_of_a_calendar(acts: list[_Said]) -> None:
    desk, calendar = _play(acts)
    history = desk.history()
    for who, person in enumerate(_PEOPLE):
        for target in (LAMP, _OTHER):
            for at in range(-10, _LAST):
                found = history.standing(actor_of(person), target, NOW + at * _HOUR)
                assert found.standing is calendar.standing(who, at, target), (person.name, at, target)
                assert found.because


@given(acts=_acts, since=st.integers(-10, _LAST - 1), length=st.integers(0, 20), who=st.integers(0, 2))
def test_throughout_is_every_hour_of_what_was_said_by_then(
    acts: list[_Said], since: int, length: int, who: int
) -> None:
    desk, _ = _play(acts)
    until = min(since + length, _LAST - 1)
    said_at = list(accumulate(act.gap for act in acts))
    said_by = {at: bisect_right(said_at, at) for at in range(since, until + 1)}
    calendars = {acts_said: _play(acts[:acts_said])[1] for acts_said in set(said_by.values())}
    hours = {_is_unapproved(calendars[acts_said].standing(who, at, LAMP)) for at, acts_said in said_by.items()}
    expected = False if False in hours else None if None in hours else True
    found = desk.history().unapproved_throughout(actor_of(_PEOPLE[who]), LAMP, NOW + since * _HOUR, NOW + until * _HOUR)
    assert found is expected


@given(acts=_acts, kept=st.integers(0, 8))
def test_what_is_said_later_changes_nothing_that_was_unless_it_says_so(acts: list[_Said], kept: int) -> None:
    before, _ = _play(acts[:kept])
    after, _ = _play(acts)
    reach = sum(act.gap for act in acts[:kept])
    hour = reach
    for act in acts[kept:]:
        hour += act.gap
        reach = min(reach, hour - act.back if act.what in {"accept", "revoke since"} else hour)
    hours = range(-10, reach)
    for person in _PEOPLE:
        assert before.standings(person, hours) == after.standings(person, hours)


@given(at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 - the zone is that of NOW
def test_instants_between_the_hours_are_those_of_the_hour(at: datetime) -> None:
    storage = MemoryStorage()
    storage.create_all()
    desk = _Desk(storage)
    desk.approve(ALICE)
    desk.until_hour(10)
    desk.revoke(ALICE)
    moment = at.replace(tzinfo=NOW.tzinfo)
    found = desk.history().standing(actor_of(ALICE), LAMP, moment).standing
    assert found is (_X if moment < NOW else _A if moment < NOW + 10 * _HOUR else _U)
