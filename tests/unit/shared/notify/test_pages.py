"""The changes of one actor are one page that grows, a limit of messages an hour folds pages, and nothing is lost."""

from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import BOB_B2C, BREAK_GLASS_1, BREAK_GLASS_2, MALLORY, TRUDY, WORKFORCE_TENANT
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import Unreachable
from shared.model.events import Actor, Target
from shared.model.kinds import Risk
from shared.model.notices import Phase, SystemNotice
from shared.notify.messages import ShownCase
from shared.notify.outbox import Notifier
from shared.notify.paged import Channel
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import AT, LAMP, Lamps, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_WITHIN: Final = timedelta(minutes=15)
_LAMPS: Final = Lamps()
_DETECTIONS: Final = {risk: _LAMPS.detection(risk=risk, id=f"lamp-{risk}") for risk in Risk}
_NOBODY: Final = Actor(id="", name="")


class _Office:
    """A notifier, the cases it is given, and the two channels; time passes in steps of the timer's minute."""

    def __init__(self, storage: Storage, *, per_hour: int = 20, channels: tuple[Channel, ...] = tuple(Channel)) -> None:
        self.storage = storage
        self.clock = FakeClock()
        self.teams, self.pagerduty = FakeSender(), FakeSender()
        senders = {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty}
        self.notifier = Notifier(
            storage,
            {channel: senders[channel] for channel in channels},
            clock=self.clock,
            acknowledge_within=_WITHIN,
            messages_per_hour=per_hour,
        )
        self.cases: dict[str, ShownCase] = {}

    def find(self, _tenant_id: str, case_id: str) -> ShownCase | None:
        return self.cases.get(case_id)

    def change(
        self,
        name: str,
        risk: Risk = Risk.HIGH,
        *,
        by: Actor | None = None,
        done: bool = False,
        phase: Phase = Phase.ENDED,
        **differences: Any,  # noqa: ANN401 - the fields of a case
    ) -> Case:
        """Post a case, as the run that answered it does, and send what that gives."""
        outcome: dict[str, Any] = (
            {"decision": Decision.REMEDIATE, "outcome": Outcome.DONE} if done else {"decision": Decision.PAGE}
        )
        fields: dict[str, Any] = {
            "id": f"20260302-{name}",
            "tenant_id": WORKFORCE_TENANT,
            "detection": f"lamp-{risk}",
            "correlation_id": "",
            "event_id": "",
            "at": AT,
            "opened_at": self.clock(),
            "actor": by or actor_of(MALLORY),
            "target": Target(id=LAMP, name=name),
            "record": "",
            "state": State.ACTED,
        }
        case = Case(**fields | outcome | differences)
        shown = ShownCase(case=case, detection=_DETECTIONS[risk])
        self.cases[case.id] = shown
        for page in self.notifier.post(case, shown.detection, phase=phase):
            self.notifier.send(page, self.find)
        return case

    def pass_time(self, by: timedelta) -> None:
        """Let time pass, the timer running each minute."""
        while by > timedelta():
            step = min(by, _MINUTE)
            self.clock.move(step)
            self.notifier.resume(self.find)
            by -= step


@pytest.fixture
def office(memory: MemoryStorage) -> _Office:
    """An office with Teams alone, where each message is one step of the page."""
    return _Office(memory, channels=(Channel.TEAMS,))


def _listed(sender: FakeSender) -> list[list[str]]:
    """Give the names of the cases in each page that was sent."""
    return [[name.removeprefix("20260302-") for name in sent.case_ids] for sent in sender.sent]


# One page for an actor.


def test_changes_of_one_actor_are_one_page_that_is_sent_at_once_and_then_as_it_grows(office: _Office) -> None:
    done_at: list[int] = []
    for second in range(60 * 60):
        if second % 30 == 0:
            office.change(f"{second:04}", Risk.LOW, done=True)
        office.clock.move(_SECOND)
        if second % 60 == 59:
            sent = len(office.teams.sent)
            office.notifier.resume(office.find)
            done_at += [(second + 1) // 60] * (len(office.teams.sent) - sent)
    assert done_at == [1, 5, 15, 45]
    office.pass_time(15 * _MINUTE)
    assert [len(sent.case_ids) for sent in office.teams.sent] == [1, 2, 10, 30, 90, 120]
    assert len({sent.message.key for sent in office.teams.sent}) == 1


def test_nothing_is_sent_again_where_nothing_is_new(office: _Office) -> None:
    office.change("one", done=True)
    office.pass_time(timedelta(hours=2))
    assert _listed(office.teams) == [["one"]]


def test_what_comes_after_the_hour_is_another_page(office: _Office) -> None:
    office.change("one", done=True)
    office.pass_time(timedelta(minutes=59))
    office.change("two", done=True)
    office.pass_time(_MINUTE)
    office.change("three", done=True)
    assert _listed(office.teams) == [["one"], ["one", "two"], ["three"]]


@pytest.mark.parametrize(
    ("first", "second", "pages"),
    [
        ({}, {}, 1),
        ({}, {"by": actor_of(TRUDY)}, 2),
        ({}, {"tenant_id": "b2c0d4e6-7a18-4f93-9c25-e81f60a7b3d2"}, 2),
        ({"by": Actor(id=MALLORY.id.upper(), name="M")}, {"by": Actor(id=MALLORY.id.lower(), name="N")}, 1),
        ({"by": _NOBODY}, {"by": _NOBODY}, 1),
        ({"by": _NOBODY}, {"by": _NOBODY, "risk": Risk.MEDIUM}, 2),
        ({"by": _NOBODY}, {}, 2),
    ],
    ids=["same", "actor", "tenant", "spelling", "nobody", "nobody-other-detection", "nobody-and-somebody"],
)
def test_a_page_is_of_one_actor_in_one_tenant_or_of_one_detection(
    office: _Office, first: dict[str, Any], second: dict[str, Any], pages: int
) -> None:
    as_is: dict[str, Any] = {"risk": Risk.LOW, "done": True}
    office.change("one", **as_is | first)
    office.change("two", **as_is | second)
    office.pass_time(_MINUTE)
    assert len({sent.message.key for sent in office.teams.sent}) == pages


def test_the_worst_comes_first_and_what_needs_nobody_after_it_the_oldest_first(office: _Office) -> None:
    office.change("low", Risk.LOW, at=AT)
    office.change("done", Risk.HIGH, done=True, at=AT)
    office.change("later", Risk.HIGH, at=AT + 2 * _SECOND)
    office.change("sooner", Risk.HIGH, at=AT + _SECOND)
    office.change("medium", Risk.MEDIUM, done=True, at=AT)
    office.pass_time(_MINUTE)
    assert _listed(office.teams)[-1] == ["sooner", "later", "done", "medium", "low"]
    worst = office.teams.sent[-1].case
    assert worst.id == "20260302-sooner"


def test_each_phase_of_a_case_is_paged_once_and_the_last_one_counts(office: _Office) -> None:
    for _ in range(2):
        office.change("one", phase=Phase.PENDING, decision=Decision.REMEDIATE, outcome=Outcome.PENDING)
        office.pass_time(_MINUTE)
    assert _listed(office.teams) == [["one"]]
    for _ in range(2):
        office.change("one", done=True)
        office.pass_time(5 * _MINUTE)
    assert _listed(office.teams) == [["one"], ["one"]]
    assert [sent.message.changes[0].needs_somebody for sent in office.teams.sent] == [True, False]


def test_a_case_that_ends_hours_later_is_paged_at_once_and_nobody_is_asked_any_more(office: _Office) -> None:
    office.change("one", phase=Phase.PENDING, decision=Decision.REMEDIATE, outcome=Outcome.PENDING)
    office.notifier.acknowledge(office.cases["20260302-one"].case, by="Carol")
    office.pass_time(timedelta(hours=3))
    office.change("one", done=True)
    assert _listed(office.teams) == [["one"], ["one"]]
    office.pass_time(timedelta(hours=2))
    assert len(office.teams.sent) == 2


def test_a_case_that_ended_well_is_not_escalated_although_its_beginning_needed_somebody(office: _Office) -> None:
    office.change("one", phase=Phase.PENDING, decision=Decision.REMEDIATE, outcome=Outcome.PENDING)
    office.pass_time(_MINUTE)
    office.change("one", done=True)
    office.pass_time(timedelta(hours=2))
    assert [sent.place for sent in office.teams.sent] == [0, 0]


def test_changes_around_midnight_are_one_page(office: _Office) -> None:
    office.clock.move(timedelta(hours=13, minutes=50))
    office.change("before", done=True)
    office.pass_time(20 * _MINUTE)
    office.change("after", done=True)
    office.pass_time(_MINUTE)
    assert _listed(office.teams) == [["before"], ["after", "before"]]


def test_a_change_that_comes_while_the_page_is_being_sent_is_sent_later(office: _Office) -> None:
    def meanwhile(_message: object) -> None:
        office.teams.spoil = lambda _message: None
        office.change("meanwhile", done=True)

    office.teams.spoil = meanwhile
    office.change("one", done=True)
    office.pass_time(_MINUTE)
    assert _listed(office.teams)[-1] == ["meanwhile", "one"]


def test_a_case_that_is_posted_again_begins_no_other_page(office: _Office) -> None:
    office.change("one", done=True)
    (before,) = _of_kind(office.storage, "actors")
    office.clock.move(timedelta(hours=2))
    office.change("one", done=True)
    assert _of_kind(office.storage, "actors") == [before]


# Ringing.


def test_a_higher_risk_rings_at_once_even_where_nobody_has_acknowledged(memory: MemoryStorage) -> None:
    office = _Office(memory)
    office.change("low", Risk.LOW, done=True)
    office.clock.move(_SECOND)
    office.change("high", Risk.HIGH)
    assert _listed(office.teams) == [["low"], ["high", "low"]]
    assert _listed(office.pagerduty) == [["high", "low"]]
    assert len({sent.message.key for sent in office.teams.sent}) == 2, "PagerDuty rings for another key only"
    office.change("another", Risk.HIGH)
    assert len(office.teams.sent) == 2


def test_a_change_that_nobody_put_back_rings_over_one_that_was(office: _Office) -> None:
    office.change("done", done=True)
    office.notifier.acknowledge(office.cases["20260302-done"].case, by="Carol")
    office.change("open")
    assert _listed(office.teams)[-1] == ["open", "done"]


def test_a_trifle_is_acknowledged_then_the_real_change_comes(memory: MemoryStorage) -> None:
    office = _Office(memory)
    office.storage.upsert(Table.OWNERS, "*", "000", {"name": "Alice"})
    office.storage.upsert(Table.OWNERS, "*", "010", {"name": "Carol"})
    trifle = office.change("trifle", Risk.LOW)
    office.pass_time(16 * _MINUTE)
    assert office.teams.sent[-1].owner == "Carol"
    office.notifier.acknowledge(trifle, by="Carol")
    office.change("real", Risk.HIGH)
    assert (office.teams.sent[-1].case_ids[0], office.teams.sent[-1].owner) == ("20260302-real", "Alice")
    assert office.pagerduty.sent[-1].case_ids[0] == "20260302-real"
    sent = len(office.teams.sent)
    office.pass_time(16 * _MINUTE)
    assert office.teams.sent[sent].owner == "Carol", "nobody has acknowledged the real one"


def test_an_acknowledgement_is_for_the_page_up_to_the_highest_risk_that_it_showed(office: _Office) -> None:
    office.change("one", Risk.MEDIUM)
    office.change("two", Risk.MEDIUM)
    office.pass_time(_MINUTE)
    office.notifier.acknowledge(office.cases["20260302-two"].case, by="Carol")
    office.change("three", Risk.MEDIUM)
    office.pass_time(timedelta(hours=2))
    assert _listed(office.teams)[-1] == ["one", "three", "two"]
    assert [sent.place for sent in office.teams.sent] == [0] * len(office.teams.sent)


def test_an_acknowledgement_of_a_trifle_is_for_all_that_its_page_showed(office: _Office) -> None:
    office.change("high", Risk.HIGH)
    trifle = office.change("low", Risk.LOW)
    office.pass_time(_MINUTE)
    office.notifier.acknowledge(trifle, by="Carol")
    office.pass_time(timedelta(hours=1))
    assert [sent.place for sent in office.teams.sent] == [0, 0]


def test_what_is_added_after_it_rang_belongs_to_what_rang(office: _Office) -> None:
    office.change("low", Risk.LOW)
    office.change("high", Risk.HIGH)
    office.change("another", Risk.HIGH)
    office.pass_time(_MINUTE)
    first, rang, grown = (sent.message.key for sent in office.teams.sent)
    assert first != rang
    assert rang == grown


def test_what_passed_before_it_was_sent_does_not_make_later_trifles_ring(office: _Office) -> None:
    office.teams.failing = Unreachable("cut")
    office.change("one", phase=Phase.PENDING, decision=Decision.REMEDIATE, outcome=Outcome.PENDING)
    office.change("one", done=True)
    office.teams.failing = None
    office.pass_time(_MINUTE)
    office.change("low", Risk.LOW, done=True)
    assert _listed(office.teams) == [["one"]]


def test_a_channel_that_was_broken_before_anybody_was_needed_leads_to_the_other_one(memory: MemoryStorage) -> None:
    office = _Office(memory)
    office.teams.failing = Unreachable("cut")
    office.change("done", Risk.MEDIUM, done=True)
    office.change("open", Risk.MEDIUM)
    office.pass_time(15 * _MINUTE)
    assert _listed(office.pagerduty) == [["open", "done"]]


def test_a_page_is_escalated_once_and_not_for_each_of_its_cases(memory: MemoryStorage) -> None:
    office = _Office(memory)
    for number in range(5):
        office.change(f"{number}", Risk.MEDIUM)
    office.pass_time(15 * _MINUTE)
    assert [sent.place for sent in office.pagerduty.sent] == [0]
    assert [sent.place for sent in office.teams.sent].count(1) == 1


def test_who_takes_an_acknowledgement_back_has_the_next_owners_asked_again(memory: MemoryStorage) -> None:
    office = _Office(memory)
    case = office.change("one")
    office.pass_time(_MINUTE)
    office.notifier.acknowledge(case, by="Carol")
    office.pass_time(timedelta(minutes=20))
    sent = len(office.pagerduty.sent)
    for _ in range(2):
        office.notifier.take_back(case)
    office.pass_time(timedelta(minutes=14))
    assert len(office.pagerduty.sent) == sent, "the time to acknowledge begins anew"
    office.pass_time(_MINUTE)
    again = office.pagerduty.sent[-1]
    assert (again.place, again.case_ids) == (1, [case.id])
    assert again.message.key != office.pagerduty.sent[0].message.key, "PagerDuty is silent for what is acknowledged"
    assert office.teams.sent[-1].place == 1


def test_nobody_is_asked_again_about_what_needs_nobody(office: _Office) -> None:
    case = office.change("one", Risk.MEDIUM, done=True)
    office.notifier.acknowledge(case, by="Carol")
    office.notifier.take_back(case)
    office.pass_time(timedelta(hours=1))
    assert len(office.teams.sent) == 1


def test_nobody_is_said_to_be_unreached_about_what_ended_well(office: _Office) -> None:
    case = office.change("one", phase=Phase.PENDING, decision=Decision.REMEDIATE, outcome=Outcome.PENDING)
    office.notifier.acknowledge(case, by="Carol")
    office.change("one", done=True)
    office.pass_time(_MINUTE)
    office.notifier.take_back(case)
    office.pass_time(timedelta(hours=2))
    assert office.teams.system_notices == []
    assert [sent.place for sent in office.teams.sent] == [0] * len(office.teams.sent)


def test_an_acknowledgement_before_the_page_was_sent_counts_for_its_case(office: _Office) -> None:
    office.teams.failing = Unreachable("cut")
    case = office.change("one", Risk.MEDIUM)
    office.notifier.acknowledge(case, by="Carol")
    office.teams.failing = None
    office.pass_time(timedelta(hours=1))
    assert [(sent.place, sent.case_ids) for sent in office.teams.sent] == [(0, [case.id])]


# Never more than a number of messages.


def _somebody(number: int) -> Actor:
    return Actor(id=f"{number:08}-0000-4000-8000-000000000000", name=f"Actor {number}")


def _messages(sender: FakeSender) -> int:
    return len(sender.sent) + len(sender.digests)


def test_many_actors_are_at_most_20_messages_an_hour_over_each_channel_and_nobody_is_left_out(
    memory: MemoryStorage,
) -> None:
    office = _Office(memory)
    for number in range(100):
        office.change(f"{number:03}", by=_somebody(number))
        office.clock.move(_SECOND)
    office.pass_time(timedelta(minutes=58))
    for sender in (office.teams, office.pagerduty):
        assert _messages(sender) <= 20
        assert len(sender.case_ids()) == 100
        assert len(sender.sent) == 10


def _play(
    office: _Office,
    number: int,
    minutes: float,
    *,
    by: tuple[Actor, ...] = (actor_of(MALLORY),),
    acknowledged_after: int = 0,
    **differences: Any,  # noqa: ANN401 - those of `_Office.change`
) -> None:
    """Play an hour but for its last second: that many changes, evenly spread, and the timer each minute."""
    begun = office.clock()
    changes = [(minutes * 60 * one / number, one) for one in range(number)]
    ticks = [(60.0 * minute, number) for minute in range(1, 60)]
    for second, one in sorted([*changes, *ticks]):
        office.clock.move(begun + timedelta(seconds=second) - office.clock())
        if one < number:
            office.change(f"{one:03}", by=by[one % len(by)], at=office.clock(), **differences)
            continue
        if second == acknowledged_after * 60:
            office.notifier.acknowledge(office.cases["20260302-000"].case, by="Carol")
        office.notifier.resume(office.find)


@pytest.mark.parametrize("minutes", [0.1, 3, 20, 58])
@pytest.mark.parametrize("acknowledged_after", [0, 2, 20])
@pytest.mark.parametrize("done", [False, True], ids=["open", "put back"])
def test_forty_changes_of_one_actor_within_an_hour_are_at_most_five_messages_and_none_is_lost(
    memory: MemoryStorage, *, minutes: float, acknowledged_after: int, done: bool
) -> None:
    office = _Office(memory)
    _play(office, 40, minutes, done=done, acknowledged_after=acknowledged_after)
    for sender in (office.teams, office.pagerduty):
        assert _messages(sender) <= 5, [sent.case_ids for sent in sender.sent]
    assert len({sent.message.key.split()[0] for sent in office.teams.sent}) == 1, "one incident"
    assert len({sent.message.key for sent in office.pagerduty.sent}) <= 2, "one more where list emergency is asked"
    office.pass_time(30 * _MINUTE)
    in_order = [f"20260302-{number:03}" for number in range(40)]
    assert office.teams.sent[-1].case_ids == in_order
    assert all(sent.case_ids == in_order[: len(sent.case_ids)] for sent in office.teams.sent)


@pytest.mark.parametrize("minutes", [1, 9, 55])
@pytest.mark.parametrize("acknowledged_after", [0, 2])
def test_a_password_spray_of_400_on_the_break_glass_accounts_is_at_most_five_messages(
    memory: MemoryStorage, *, minutes: float, acknowledged_after: int
) -> None:
    office = _Office(memory)
    accounts = tuple(Actor(id=account.id, name=account.name) for account in (BREAK_GLASS_1, BREAK_GLASS_2))
    _play(office, 400, minutes, by=accounts, wrong_password=True, acknowledged_after=acknowledged_after)
    for sender in (office.teams, office.pagerduty):
        assert _messages(sender) <= 5, [len(sent.case_ids) for sent in sender.sent]
    office.pass_time(30 * _MINUTE)
    assert len(office.teams.case_ids()) == 400
    assert {sent.message.by for sent in office.teams.sent} == {""}


def test_the_sign_in_that_works_after_a_spray_rings_at_once_and_is_not_hidden_in_it(memory: MemoryStorage) -> None:
    office = _Office(memory)
    account = Actor(id=BREAK_GLASS_1.id, name=BREAK_GLASS_1.name)
    for number in range(100):
        office.change(f"{number:03}", by=account, wrong_password=True)
    office.notifier.acknowledge(office.cases["20260302-000"].case, by="Carol")
    office.change("signed in", by=account)
    for sender in (office.teams, office.pagerduty):
        assert sender.sent[-1].case_ids == ["20260302-signed in"]
        assert sender.sent[-1].message.key != sender.sent[0].message.key


def test_what_is_riskier_rings_at_once_however_many_messages_there_were(office: _Office) -> None:
    _play(office, 40, 20, risk=Risk.LOW, done=True)
    sent = len(office.teams.sent)
    office.change("high")
    assert len(office.teams.sent) == sent + 1
    assert office.teams.sent[-1].case_ids[0] == "20260302-high"


def test_a_message_says_how_much_is_new_since_the_last_one(office: _Office) -> None:
    for name in ("one", "two", "three"):
        office.change(name, done=True)
    office.pass_time(_MINUTE)
    first, second = (sent.message for sent in office.teams.sent)
    assert (first.new, first.since) == (0, None)
    assert (second.new, second.since) == (2, office.clock() - _MINUTE)


def test_what_is_kept_back_comes_within_minutes_the_worst_first(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=4, channels=(Channel.TEAMS,))
    for number in range(2):
        office.change(f"first-{number}", Risk.LOW, by=_somebody(number))
    for number in range(2, 5):
        office.clock.move(_SECOND)
        office.change(f"more-{number}", Risk.LOW, by=_somebody(number), done=True)
    office.change("real", by=actor_of(TRUDY))
    assert len(office.teams.sent) == 2
    office.pass_time(_MINUTE)
    (digest,) = office.teams.digests
    assert digest.pages[0].changes[0].case_id == "20260302-real"
    assert [page.by for page in digest.pages][1:] == ["“Actor 2”", "“Actor 3”", "“Actor 4”"]
    office.change("later", by=actor_of(BOB_B2C))
    office.pass_time(29 * _MINUTE)
    assert "20260302-later" not in office.teams.case_ids()
    office.pass_time(_MINUTE)
    assert "20260302-later" in office.teams.case_ids()


def test_one_page_that_is_kept_back_is_sent_as_it_is(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=2, channels=(Channel.TEAMS,))
    office.change("one", done=True)
    office.change("two", by=actor_of(TRUDY), done=True)
    office.pass_time(_MINUTE)
    assert (_listed(office.teams), office.teams.digests) == ([["one"], ["two"]], [])


def test_a_risk_above_what_was_acknowledged_is_outside_the_limit(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=2, channels=(Channel.TEAMS,))
    trifle = office.change("trifle", Risk.LOW)
    office.notifier.acknowledge(trifle, by="Carol")
    for number in range(5):
        office.change(f"decoy-{number}", by=_somebody(number))
    assert len(office.teams.sent) == 1
    office.change("real", Risk.HIGH)
    assert office.teams.sent[-1].case_ids[0] == "20260302-real"
    office.change("another", Risk.HIGH)
    assert len(office.teams.sent) == 2, "only what is above what was shown"


def test_folded_pages_that_nobody_acknowledges_are_escalated_in_digests(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=2, channels=(Channel.TEAMS,))
    cases = [office.change(f"{number}", by=_somebody(number)) for number in range(4)]
    office.pass_time(_MINUTE)
    assert len(office.teams.digests[0].pages) == 3
    office.notifier.acknowledge(cases[3], by="Carol")
    office.pass_time(timedelta(hours=1))
    pages = [page for digest in office.teams.digests for page in digest.pages]
    asked = [page for page in [*pages, *(sent.message for sent in office.teams.sent)] if page.place > 0]
    assert {page.changes[0].case_id for page in asked} == {case.id for case in cases[:3]}
    assert _messages(office.teams) == 4, "two in the first hour, two in the next"


def test_a_message_that_was_not_delivered_does_not_count(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=2, channels=(Channel.TEAMS,))
    office.teams.failing = Unreachable("cut")
    office.change("one", done=True)
    for _ in range(4):
        office.pass_time(5 * _MINUTE)
    office.teams.failing = None
    office.pass_time(15 * _MINUTE)
    office.change("two", by=actor_of(TRUDY), done=True)
    office.pass_time(_MINUTE)
    assert _listed(office.teams) == [["one"], ["two"]]


def _notice(number: int, *, never_waits: bool = False) -> SystemNotice:
    return SystemNotice(
        key=f"notice {number}", title=f"Notice {number}", text="", what_to_do="Look.", never_waits=never_waits
    )


def test_system_notices_are_limited_apart_and_folded_and_none_is_dropped(memory: MemoryStorage) -> None:
    office = _Office(memory)
    for number in range(60):
        office.notifier.publish(_notice(number))
    office.change("one", done=True)
    assert _listed(office.teams) == [["one"]]
    assert len(office.teams.system_notices) == 10
    office.pass_time(timedelta(minutes=59))
    for sender in (office.teams, office.pagerduty):
        assert len(sender.system_notices) + len(sender.notice_digests) <= 20
        folded = [one for digest in sender.notice_digests for one in digest.system_notices]
        assert sorted(one.title for one in [*sender.system_notices, *folded]) == sorted(
            f"Notice {number}" for number in range(60)
        )


def test_a_notice_that_is_being_sent_is_left_alone_by_the_timer(
    office: _Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FakeSender.send_system_notice

    def slowly(sender: FakeSender, system_notice: SystemNotice) -> None:
        office.notifier.resume(office.find)
        original(sender, system_notice)

    monkeypatch.setattr(FakeSender, "send_system_notice", slowly)
    office.notifier.publish(_notice(1))
    assert len(office.teams.system_notices) == 1


def test_the_gravest_notices_never_wait(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=2)
    for number in range(5):
        office.notifier.publish(_notice(number))
    assert len(office.teams.system_notices) == 1
    for number in range(5, 10):
        office.notifier.publish(_notice(number, never_waits=True))
    assert [one.title for one in office.teams.system_notices[1:]] == [f"Notice {number}" for number in range(5, 10)]


# Crashes and broken rows.


def test_a_run_that_dies_anywhere_while_posting_loses_nothing_and_sends_it_on_one_page(memory: MemoryStorage) -> None:
    class Died(BaseException):
        pass

    storage = SpoiltStorage(memory)
    storage.create_all()
    office = _Office(storage, channels=(Channel.TEAMS,))
    storage.faults.failure = Died
    office.change("first", done=True)
    number = 0
    while True:
        began = len(storage.faults.log)
        storage.faults.spoil = lambda _operation, at=began + number: (
            ["before", "after"][at % 2] if len(storage.faults.log) - 1 == at else ""
        )
        try:
            office.change(f"{number}", Risk.HIGH, done=True)
        except Died:
            storage.faults.heal()
            office.change(f"{number}", Risk.HIGH, done=True)
        else:
            break
        number += 1
    storage.faults.heal()
    assert number > 3
    office.pass_time(20 * _MINUTE)
    assert len(office.teams.sent[-1].case_ids) == number + 2
    assert len({sent.message.key.split()[0] for sent in office.teams.sent}) == 1


def test_a_change_whose_run_died_days_ago_is_sent_all_the_same(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    office = _Office(storage, channels=(Channel.TEAMS,))
    inserted = iter(range(100))
    storage.faults.spoil = lambda operation: "before" if operation == "insert Outbox" and next(inserted) == 2 else ""
    with pytest.raises(Unreachable):
        office.change("one", done=True, opened_at=office.clock())
    storage.faults.heal()
    assert [row.key for row in _of_kind(memory, "case")] == ["ended"]
    opened_at = office.clock()
    office.clock.move(timedelta(days=4))
    office.change("one", done=True, opened_at=opened_at)
    office.pass_time(_MINUTE)
    assert _listed(office.teams) == [["one"]]


def _spoil_row(office: _Office, ending: str, column: str) -> Row:
    rows = office.storage.rows(Table.OUTBOX, "PartitionKey ge ''")
    (row,) = [row for row in rows if f" {ending}" in row.partition]
    office.storage.upsert(Table.OUTBOX, row.partition, row.key, {**row.columns, column: "{"})
    return row


@pytest.mark.parametrize(("ending", "column"), [("pages", "page"), ("actors", "page"), ("case", "page")])
def test_a_row_that_cannot_be_read_keeps_no_later_change_from_being_sent(
    office: _Office, ending: str, column: str
) -> None:
    office.change("one", done=True)
    _spoil_row(office, ending, column)
    office.change("two", done=True)
    office.change("one", done=True)
    office.pass_time(15 * _MINUTE)
    assert {"20260302-one", "20260302-two"} <= office.teams.case_ids()


def test_a_page_that_cannot_be_read_is_reported_once_a_day_and_left(office: _Office) -> None:
    office.change("one")
    row = _spoil_row(office, "pages", "page")
    office.pass_time(timedelta(hours=13))
    assert [row.key in one.text for one in office.teams.system_notices] == [True]
    office.pass_time(timedelta(hours=13))
    assert len(office.teams.system_notices) == 2
    found = office.storage.row(Table.OUTBOX, row.partition, row.key)
    assert found is not None
    assert found.columns["page"] == "{"


def test_a_change_that_cannot_be_read_is_shown_by_its_case(office: _Office) -> None:
    office.change("one", done=True)
    _spoil_row(office, "changes", "change")
    office.change("two", Risk.LOW, done=True)
    office.pass_time(_MINUTE)
    assert _listed(office.teams)[-1] == ["one", "two"]
    assert office.teams.sent[-1].message.changes[0].needs_somebody
    assert len(office.teams.system_notices) == 1


def test_a_case_that_cannot_be_read_is_shown_as_its_page_has_it(office: _Office) -> None:
    def broken(_tenant_id: str, _case_id: str) -> ShownCase | None:
        raise msgspec.ValidationError

    for page in office.notifier.post(_case(office), _DETECTIONS[Risk.HIGH]):
        assert office.notifier.send(page, broken)
    assert office.teams.sent[0].message.worst is None
    assert office.teams.sent[0].message.changes[0].what == "Lamp switched"


def _case(office: _Office) -> Case:
    return msgspec.structs.replace(office.change("one", decision=Decision.RECORD), decision=Decision.PAGE)


def test_a_page_that_fails_keeps_no_other_back_in_a_digest_either(memory: MemoryStorage) -> None:
    office = _Office(memory, per_hour=2, channels=(Channel.TEAMS,))
    storage = SpoiltStorage(memory)
    office.change("one", done=True)
    for number in range(3):
        office.change(f"more-{number}", by=_somebody(number), done=True)
    reads = iter(range(100))
    storage.faults.spoil = lambda operation: "before" if operation == "rows Outbox" and next(reads) == 2 * 4 + 1 else ""
    clock = office.clock
    clock.move(_MINUTE)
    other = Notifier(
        storage, {Channel.TEAMS: office.teams}, clock=clock, acknowledge_within=_WITHIN, messages_per_hour=2
    )
    with pytest.raises(Unreachable):
        other.resume(office.find)
    assert len(office.teams.case_ids()) == 3
    storage.faults.heal()
    office.pass_time(timedelta(hours=1))
    assert len(office.teams.case_ids()) == 4


def test_two_hosts_put_the_changes_of_an_actor_on_one_page(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    office, other = _Office(storage, channels=(Channel.TEAMS,)), _Office(memory, channels=(Channel.TEAMS,))
    other.teams = office.teams
    began: list[int] = []

    def meanwhile(operation: str) -> str:
        if operation == "insert Outbox" and not began:
            began.append(1)
            other.change("theirs", done=True)
        return ""

    storage.faults.spoil = meanwhile
    office.change("ours", done=True)
    assert len(memory.rows(Table.OUTBOX, "open eq true")) + len(memory.rows(Table.OUTBOX, "open eq false")) == 1
    assert {row.columns["page"] for row in _of_kind(memory, "case")} == {
        row.columns["page"] for row in _of_kind(memory, "actors")
    }


def _of_kind(storage: Storage, kind: str) -> list[Row]:
    return [row for row in storage.rows(Table.OUTBOX, "PartitionKey ge ''") if row.partition.split()[1:2] == [kind]]


# How urgent it is.


def test_urgency_is_by_risk_and_then_by_whether_a_person_has_to_act(office: _Office) -> None:
    for risk in (Risk.HIGH, Risk.LOW, Risk.MEDIUM):
        for done in (False, True):
            office.change(f"{risk}-{done}", risk, done=done)
    office.pass_time(20 * _MINUTE)
    assert [change.urgency for change in office.teams.sent[-1].message.changes] == [5, 4, 3, 2, 1, 0]
