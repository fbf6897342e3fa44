"""Pages: none is lost, none is sent twice, and somebody is asked until somebody answers."""

import re
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import IMPOSTOR, MALLORY, TRUDY, WORKFORCE_TENANT
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.detections import AnyDetection
from shared.model.errors import Refused, Rejected, Throttled, Unreachable
from shared.model.events import Target
from shared.model.kinds import Risk
from shared.model.notices import SystemNotice
from shared.notify.messages import ShownCase
from shared.notify.outbox import Notifier, Page
from shared.notify.paged import Channel, PageState, needs_somebody
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import AT, LAMP, Lamps, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage

_TURN = timedelta(seconds=30)
_WITHIN: Final = timedelta(minutes=15)
_LAMPS: Final = Lamps()
_HIGH: Final = _LAMPS.detection()
_MEDIUM: Final = _LAMPS.detection(risk=Risk.MEDIUM)


def _case(**differences: Any) -> Case:  # noqa: ANN401 - the fields of a case
    fields: dict[str, Any] = {
        "id": "20260302-00000000000000000001",
        "tenant_id": WORKFORCE_TENANT,
        "detection": "lamp-switched",
        "correlation_id": "",
        "event_id": "",
        "at": AT,
        "opened_at": NOW,
        "actor": actor_of(MALLORY),
        "target": Target(id=LAMP),
        "record": "",
        "state": State.ACTED,
        "decision": Decision.PAGE,
    }
    return Case(**fields | differences)


class _Desk:
    """A notifier with its channels, and one case that somebody may acknowledge."""

    def __init__(self, storage: Storage, *channels: Channel) -> None:
        self.storage = storage
        self.clock = FakeClock()
        self.teams, self.pagerduty = FakeSender(), FakeSender()
        every = {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty}
        senders = {channel: every[channel] for channel in channels or every}
        self.notifier = Notifier(storage, senders, clock=self.clock, acknowledge_within=_WITHIN)
        self.case = _case()
        self.detection = _HIGH

    def find(self, _tenant_id: str, case_id: str) -> ShownCase | None:
        return ShownCase(case=self.case, detection=self.detection) if case_id == self.case.id else None

    def own(self, scope: str, *names: str) -> None:
        for number, name in enumerate(names):
            columns = {"name": name, "upn": f"{name.lower()}@contoso.example"}
            self.storage.upsert(Table.OWNERS, scope, f"{number * 10:03}", columns)

    def page(self, detection: AnyDetection = _HIGH) -> None:
        for page in self.post(detection):
            self.notifier.send(page, self.find)

    def post(self, detection: AnyDetection = _HIGH) -> list[Page]:
        self.detection = detection
        return self.notifier.post(self.case, detection)

    def resume(self) -> None:
        self.notifier.resume(self.find)

    def escalate(self) -> list[Page]:
        return [new for page in self.notifier.unacknowledged() for new in self.notifier.escalate(page)]

    def pass_time(self, by: timedelta) -> None:
        self.clock.move(by)
        self.resume()


@pytest.fixture
def desk(memory: MemoryStorage) -> _Desk:
    return _Desk(memory)


def _stored(desk: _Desk) -> PageState:
    """Read the only page."""
    (row,) = desk.storage.rows(Table.OUTBOX, "open eq true")
    return msgspec.json.decode(row.columns["page"], type=PageState)


def _sent(sender: FakeSender) -> list[tuple[str, int]]:
    return [(one.owner, one.place) for one in sender.sent]


# Who needs somebody.


@pytest.mark.parametrize(
    ("decision", "outcome", "needs"),
    [
        (Decision.RECORD, Outcome.NONE, False),
        (Decision.PAGE, Outcome.NONE, True),
        (Decision.PAGE, Outcome.FAILED, True),
        (Decision.REMEDIATE, Outcome.DONE, False),
        (Decision.REMEDIATE, Outcome.ALREADY, False),
        (Decision.REMEDIATE, Outcome.UNVERIFIED, True),
        (Decision.REMEDIATE, Outcome.FAILED, True),
        (Decision.REMEDIATE, Outcome.NONE, True),
    ],
)
def test_whether_a_person_has_to_do_something(decision: Decision, outcome: Outcome, needs: bool) -> None:  # noqa: FBT001
    assert needs_somebody(_case(decision=decision, outcome=outcome)) is needs


# Posting.


def test_what_is_only_recorded_is_not_paged(desk: _Desk) -> None:
    desk.case = _case(decision=Decision.RECORD)
    assert desk.post() == []
    desk.pass_time(_WITHIN * 2)
    assert (desk.teams.tried, desk.pagerduty.tried) == (0, 0)


def test_high_risk_that_needs_somebody_goes_to_both_channels_at_once(desk: _Desk) -> None:
    desk.page()
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0)], [("", 0)])


def test_what_was_put_back_is_only_told_in_teams(desk: _Desk) -> None:
    desk.case = _case(decision=Decision.REMEDIATE, outcome=Outcome.DONE)
    desk.page()
    desk.pass_time(_WITHIN * 3)
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0)], [])


def test_a_medium_risk_goes_to_teams_first(desk: _Desk) -> None:
    desk.page(_MEDIUM)
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0)], [])


@pytest.mark.parametrize("detection", [_HIGH, _MEDIUM], ids=["high", "medium"])
def test_one_channel_alone_gets_everything(memory: MemoryStorage, detection: AnyDetection) -> None:
    for channel, actor in zip(Channel, (MALLORY, TRUDY), strict=True):
        desk = _Desk(memory, channel)
        desk.case = _case(id=f"20260302-{channel}", actor=actor_of(actor))
        desk.page(detection)
        sender = {Channel.TEAMS: desk.teams, Channel.PAGERDUTY: desk.pagerduty}[channel]
        assert _sent(sender) == [("", 0)]


def test_a_page_is_written_down_before_it_is_sent(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    desk = _Desk(storage)
    storage.faults.fail("insert Outbox")
    with pytest.raises(Unreachable):
        desk.page()
    assert desk.teams.tried == 0


def test_posting_and_resuming_twice_sends_nothing_twice(desk: _Desk) -> None:
    for _ in range(2):
        desk.page()
        desk.resume()
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0)], [("", 0)])


@pytest.mark.parametrize("error", [Throttled, Unreachable])
@pytest.mark.parametrize(("asked", "waits"), [(90, 90), (1, 5), (3600, 900)])
def test_a_channel_that_asks_for_a_wait_is_given_it_within_reason(
    desk: _Desk, error: type[Throttled | Unreachable], asked: int, waits: int
) -> None:
    desk.teams.failing = error("later", retry_after=timedelta(seconds=asked))
    desk.page()
    desk.teams.failing = None
    desk.pass_time(timedelta(seconds=waits - 1))
    assert _sent(desk.teams) == []
    desk.pass_time(timedelta(seconds=1))
    assert ("", 0) in _sent(desk.teams)


def test_pages_that_were_posted_and_never_sent_are_due(desk: _Desk) -> None:
    """The run died between the two."""
    assert len(desk.post()) == 2
    desk.resume()
    assert desk.teams.tried == 0, "its writer may be about to send it"
    desk.pass_time(_TURN)
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0)], [("", 0)])


def test_a_post_that_is_slow_is_not_made_twice(desk: _Desk) -> None:
    (page, _) = desk.post()
    desk.clock.move(_TURN - timedelta(seconds=1))
    assert desk.notifier.due() == []
    assert desk.notifier.send(page, desk.find)


def test_what_one_run_is_sending_another_leaves_alone(desk: _Desk) -> None:
    desk.post()
    desk.clock.move(_TURN)
    desk.teams.spoil = desk.pagerduty.spoil = lambda _message: desk.resume()
    desk.resume()
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0)], [("", 0)])


def test_a_page_whose_sending_could_not_be_noted_is_sent_again(memory: MemoryStorage) -> None:
    """At least once: twice is the lesser harm."""
    storage = SpoiltStorage(memory)
    storage.create_all()
    desk = _Desk(storage, Channel.TEAMS)
    (page,) = desk.post()
    writes = iter(range(100))
    storage.faults.spoil = lambda operation: "before" if operation == "replace Outbox" and next(writes) == 0 else ""
    with pytest.raises(Unreachable):
        desk.notifier.send(page, desk.find)
    storage.faults.heal()
    desk.pass_time(_TURN)
    desk.pass_time(_TURN)
    assert len(desk.teams.sent) == 2


def test_an_old_event_that_was_found_late_is_paged_like_any_other(desk: _Desk) -> None:
    """Its case is named for a day longer ago than pages are looked for."""
    desk.case = _case(id="20260221-00000000000000000001", at=NOW - timedelta(days=9))
    desk.teams.failing = Unreachable("cut")
    desk.page(_MEDIUM)
    desk.teams.failing = None
    desk.pass_time(timedelta(seconds=5))
    assert _sent(desk.teams) == [("", 0)]
    desk.pass_time(_WITHIN)
    assert _sent(desk.pagerduty) == [("", 0)]


@pytest.mark.parametrize(("days", "is_sent"), [(2.9, True), (5, False)])
def test_a_page_waits_three_days_for_its_channel_and_then_no_longer(desk: _Desk, days: float, *, is_sent: bool) -> None:
    """A channel may be down over a weekend; after that the page would be about a tenant as it no longer is."""
    desk.teams.failing = Unreachable("cut")
    desk.page(_MEDIUM)
    desk.teams.failing = None
    desk.clock.move(timedelta(days=days))
    due = [page.channel for page in desk.notifier.due()]
    assert due == ([Channel.TEAMS] if is_sent else [])
    assert bool([*desk.notifier.unacknowledged()]) is is_sent


# Trying again.


def test_a_failing_channel_is_tried_again_less_and_less_often(memory: MemoryStorage) -> None:
    desk = _Desk(memory, Channel.TEAMS)
    desk.case = _case(decision=Decision.REMEDIATE, outcome=Outcome.DONE)
    desk.teams.failing = Unreachable("cut")
    desk.page()
    tried: list[int] = []
    for gap in (5, 15, 60, 300, 900, 900):
        desk.pass_time(timedelta(seconds=gap - 1))
        tried.append(desk.teams.tried)
        desk.pass_time(timedelta(seconds=1))
    assert tried == [1, 2, 3, 4, 5, 6]
    desk.teams.failing = None
    desk.pass_time(timedelta(seconds=900))
    desk.pass_time(timedelta(days=1))
    assert _sent(desk.teams) == [("", 0)]


@pytest.mark.parametrize("failing", [Unreachable("cut"), Refused("403"), Rejected("404"), Throttled("429")], ids=repr)
def test_every_kind_of_no_is_tried_again_and_written_down(desk: _Desk, failing: Exception) -> None:
    desk.teams.failing = failing
    desk.page()
    delivery = _stored(desk).over(Channel.TEAMS)
    assert delivery is not None
    assert (delivery.tries, delivery.error) == (1, str(failing))
    assert _sent(desk.pagerduty) == [("", 0)]


def test_a_channel_that_stays_broken_leads_to_the_other_one(desk: _Desk) -> None:
    """The webhook was deleted: what only Teams was to be told of must reach somebody all the same."""
    desk.teams.failing = Rejected("the flow was deleted")
    desk.page(_MEDIUM)
    desk.pass_time(_WITHIN - timedelta(seconds=1))
    assert desk.pagerduty.tried == 0
    desk.pass_time(timedelta(seconds=1))
    assert _sent(desk.pagerduty) == [("", 0)]


def test_an_owner_whom_a_channel_did_not_reach_is_still_the_one_to_ask_there(desk: _Desk) -> None:
    desk.own("*", "Alice", "Carol")
    desk.teams.failing = Rejected("the flow was deleted")
    desk.page(_MEDIUM)
    for _ in range(3):
        desk.pass_time(_WITHIN)
    desk.teams.failing = None
    desk.pass_time(_WITHIN)
    assert _sent(desk.teams)[0] == ("Alice", 0)
    assert _sent(desk.pagerduty)[:2] == [("Alice", 0), ("Carol", 1)]


def test_a_channel_that_is_no_longer_configured_is_replaced_by_one_that_is(memory: MemoryStorage) -> None:
    before = _Desk(memory)
    before.post(_MEDIUM)
    after = _Desk(memory, Channel.PAGERDUTY)
    after.detection = _MEDIUM
    after.pass_time(_TURN)
    after.pass_time(_TURN)
    assert _sent(after.pagerduty) == [("", 0)]


# Escalating.


def test_a_page_that_nobody_acknowledges_goes_to_the_second_channel_and_the_next_owner_once(desk: _Desk) -> None:
    desk.own("*", "Alice", "Carol")
    desk.page(_MEDIUM)
    desk.pass_time(_WITHIN - timedelta(seconds=1))
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("Alice", 0)], [])
    desk.pass_time(timedelta(seconds=1))
    for _ in range(3):
        desk.resume()
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("Alice", 0), ("Carol", 1)], [("Alice", 0)])


def test_time_to_acknowledge_runs_from_when_the_page_got_through(desk: _Desk) -> None:
    desk.teams.failing = Unreachable("cut")
    desk.page(_MEDIUM)
    desk.teams.failing = None
    desk.pass_time(_WITHIN - timedelta(seconds=1))
    assert _sent(desk.teams) == [("", 0)]
    desk.pass_time(_WITHIN - timedelta(seconds=1))
    assert desk.pagerduty.sent == []
    desk.pass_time(timedelta(seconds=1))
    assert _sent(desk.pagerduty) == [("", 0)]


def test_escalation_goes_on_and_comes_to_an_end(desk: _Desk) -> None:
    desk.own("*", "Alice", "Carol")
    desk.page()
    for _ in range(30):
        desk.pass_time(_WITHIN)
    owners = [("Alice" if place % 2 == 0 else "Carol", place) for place in range(10)]
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == (owners, owners)


def test_an_acknowledged_page_is_not_escalated(desk: _Desk) -> None:
    desk.page()
    desk.notifier.acknowledge(desk.case, by="Carol")
    desk.clock.move(_WITHIN)
    assert [*desk.notifier.unacknowledged()] == []
    for _ in range(3):
        desk.pass_time(_WITHIN)
    assert (len(desk.teams.sent), len(desk.pagerduty.sent)) == (1, 1)


def test_escalation_that_was_interrupted_is_completed(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    storage.create_all()
    desk = _Desk(storage)
    desk.page(_MEDIUM)
    desk.clock.move(_WITHIN)
    storage.faults.fail_once("replace Outbox")
    with pytest.raises(Unreachable):
        desk.escalate()
    assert desk.pagerduty.tried == 0
    desk.resume()
    desk.resume()
    assert (_sent(desk.teams), _sent(desk.pagerduty)) == ([("", 0), ("", 1)], [("", 0)])


def test_a_page_that_waits_in_the_second_channel_is_not_sent_twice_by_escalating_the_first(desk: _Desk) -> None:
    desk.pagerduty.failing = Unreachable("cut")
    desk.page()
    desk.pagerduty.failing = None
    desk.pass_time(_WITHIN)
    assert [place for _, place in _sent(desk.pagerduty)].count(0) == 1


def test_escalating_does_not_hurry_a_page_that_waits_for_its_next_try(desk: _Desk) -> None:
    desk.pagerduty.failing = Unreachable("cut")
    desk.page()
    for gap in (5, 15, 60, 300):
        desk.pass_time(timedelta(seconds=gap))
    tried = desk.pagerduty.tried
    desk.clock.move(timedelta(seconds=600))
    for page in desk.escalate():
        desk.notifier.send(page, desk.find)
    assert [place for _, place in _sent(desk.teams)] == [0, 1]
    assert desk.pagerduty.tried == tried


def test_a_page_is_escalated_once_and_nothing_is_written_for_it_afterwards(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    desk = _Desk(storage)
    desk.page(_MEDIUM)
    desk.pass_time(_WITHIN)
    storage.faults.log.clear()
    desk.resume()
    assert {entry.split()[0] for entry in storage.faults.log} == {"rows"}


# Whom to mention.


def test_the_detections_own_owners_come_first_then_the_lists_then_everybodys(desk: _Desk) -> None:
    asked: list[str] = []
    actors = (MALLORY, TRUDY, IMPOSTOR)
    scopes = (("*", "Alice"), ("conditional-access", "Carol"), ("lamp-switched", "Dora"))
    for actor, (scope, name) in zip(actors, scopes, strict=True):
        desk.own(scope, name)
        desk.case = _case(id=f"20260302-{name}", actor=actor_of(actor))
        desk.page()
        asked.append(desk.teams.sent[-1].owner)
    assert asked == ["Alice", "Carol", "Dora"]


def test_owners_are_asked_in_their_order_and_then_from_the_first_again(desk: _Desk) -> None:
    desk.own("*", "Alice", "Carol", "Dora")
    desk.page()
    for _ in range(3):
        desk.pass_time(_WITHIN)
    assert _sent(desk.teams) == [("Alice", 0), ("Carol", 1), ("Dora", 2), ("Alice", 3)]


def test_owners_that_cannot_be_read_do_not_keep_a_page_back(memory: MemoryStorage) -> None:
    memory.delete_table(Table.OWNERS)
    desk = _Desk(memory)
    desk.page()
    assert _sent(desk.teams) == [("", 0)]


def test_an_owners_row_written_by_hand_is_taken_as_far_as_it_goes(desk: _Desk) -> None:
    desk.storage.upsert(Table.OWNERS, "*", "first", {"upn": 5})
    desk.page()
    assert _sent(desk.teams) == [("", 0)]


# System notices.

_NOTICE: Final = SystemNotice(key="unreadable 1", title="Records came", text="that can't be read", what_to_do="Look.")


def test_a_system_notice_goes_to_every_channel_once_for_its_key(desk: _Desk) -> None:
    for _ in range(2):
        desk.notifier.publish(_NOTICE)
    assert desk.teams.system_notices == desk.pagerduty.system_notices == [_NOTICE]


def test_a_system_notice_that_could_not_be_sent_is_tried_again_and_never_escalated(desk: _Desk) -> None:
    desk.teams.failing = Unreachable("cut")
    desk.notifier.publish(_NOTICE)
    desk.teams.failing = None
    desk.pass_time(timedelta(seconds=5))
    assert (desk.teams.notices, desk.notifier.due()) == ([_NOTICE], [])
    desk.clock.move(_WITHIN * 4)
    assert [*desk.notifier.unacknowledged()] == []


# Without any channel.


def test_pages_wait_in_the_outbox_until_there_is_a_channel_again(memory: MemoryStorage) -> None:
    none = Notifier(memory, {}, clock=FakeClock(), acknowledge_within=_WITHIN)
    back = _Desk(memory, Channel.PAGERDUTY)
    for page in none.post(back.case, _HIGH):
        assert not none.send(page, back.find)
    none.publish(_NOTICE)
    for waiting in memory.rows(Table.OUTBOX, "open eq true"):
        assert "no channel" in waiting.columns["page"]
    back.pass_time(timedelta(minutes=1))
    assert [one.case for one in back.pagerduty.sent] == [back.case]
    assert back.pagerduty.system_notices == [_NOTICE]
    assert back.notifier.due() == []


# What the alert counts.


def test_a_page_that_three_tries_did_not_deliver_is_one_line_in_the_log(
    memory: MemoryStorage, caplog: pytest.LogCaptureFixture
) -> None:
    desk = _Desk(memory, Channel.TEAMS)
    desk.teams.failing = Unreachable("cut")

    def lines() -> list[str]:
        found = [one.getMessage() for one in caplog.records if " not delivered after " in one.getMessage()]
        return [line for line in found if page in line]

    desk.page()
    page = _stored(desk).id
    desk.pass_time(timedelta(seconds=6))
    assert lines() == []
    for _ in range(5):
        desk.pass_time(timedelta(minutes=20))
    (line,) = lines()
    assert re.fullmatch(r"page \S+ teams 0 over teams not delivered after 3 tries", line)
