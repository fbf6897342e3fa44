"""Urgent pages climb until somebody acknowledges, or it is said everywhere that nobody could be reached."""

import contextlib
import logging
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from infra.local.world import MALLORY, TRUDY, WORKFORCE_TENANT
from shared.authority.owners import EMERGENCY, NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.cases import Case, Decision, Outcome, State
from shared.model.errors import EdgeError, Refused, Unreachable
from shared.model.events import Target
from shared.model.kinds import Risk
from shared.model.notices import Phase, SystemNotice
from shared.notify.messages import ShownCase
from shared.notify.outbox import Notifier
from shared.notify.paged import Channel, PageState, Signal
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.lamps import AT, LAMP, Lamps, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage

_WITHIN: Final = timedelta(minutes=15)
_MINUTE: Final = timedelta(minutes=1)
_LAMPS: Final = Lamps()
_DETECTIONS: Final = {risk: _LAMPS.detection(risk=risk, id=f"lamp-{risk}") for risk in Risk}
_DECLARED: Final = SystemNotice(
    key="emergency 1 declared",
    title="An emergency was declared",
    text="by Carol Chen",
    what_to_do="Acknowledge it.",
    never_waits=True,
    until_acknowledged=True,
)


class _Night:
    """A notifier, its channels and owners, and a timer that runs each minute."""

    def __init__(self, storage: Storage, *channels: Channel, within: timedelta = _WITHIN) -> None:
        self.storage = storage
        self.clock = FakeClock()
        self.teams, self.pagerduty = FakeSender(), FakeSender()
        every = {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty}
        self.senders = {channel: every[channel] for channel in channels or tuple(every)}
        self.notifier = Notifier(storage, self.senders, clock=self.clock, acknowledge_within=within)
        self.case = self.new_case("1")
        self.risk = Risk.HIGH

    def new_case(self, number: str, **differences: Any) -> Case:  # noqa: ANN401 - the fields of a case
        fields: dict[str, Any] = {
            "id": f"20260302-{number}",
            "tenant_id": WORKFORCE_TENANT,
            "detection": "lamp-high",
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

    def own(self, scope: str, *names: str) -> None:
        owners = TableOwners(self.storage, clock=self.clock)
        for number, name in enumerate(names):
            owner = NamedOwner(scope=scope, order=f"{number:03}", name=name, upn=f"{name.lower()}@contoso.example")
            owners.name(owner, by="a test", reason="a test")

    def find(self, _tenant: str, _case: str) -> ShownCase | None:
        return None

    def page(self, case: Case | None = None, *, risk: Risk = Risk.HIGH, phase: Phase = Phase.ENDED) -> None:
        for page in self.notifier.post(case or self.case, _DETECTIONS[risk], phase=phase):
            self.notifier.send(page, self.find)

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.move(_MINUTE)
            self.notifier.resume(self.find)

    def asked(self, sender: FakeSender) -> list[list[str]]:
        return [[owner.name for owner in one.message.owners] for one in sender.sent]

    def incidents(self) -> list[str]:
        return list(dict.fromkeys(one.message.key for one in self.pagerduty.sent))

    def unreached(self, sender: FakeSender) -> list[SystemNotice]:
        return [call.system_notice for call in sender.calls if call.system_notice.key.startswith("unreached")]

    def states(self) -> list[PageState]:
        rows = [row for row in self.storage.rows(Table.OUTBOX, "open ge false") if "page" in row.columns]
        return [msgspec.json.decode(row.columns["page"], type=PageState) for row in rows]


@pytest.fixture
def night(memory: MemoryStorage) -> _Night:
    made = _Night(memory)
    made.own("*", "Alice", "Bob")
    made.own(EMERGENCY, "Dora", "Erin")
    return made


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [one for one in caplog.records if " reached nobody who acknowledged within " in one.getMessage()]
    assert all(one.levelno == logging.ERROR for one in found)
    return [one.getMessage() for one in found]


# Climbing.


def test_an_urgent_page_goes_to_the_next_owner_and_then_to_list_emergency_too(night: _Night) -> None:
    night.page()
    night.wait(61)
    climbed = [["Alice"], ["Bob"], ["Alice", "Dora", "Erin"], ["Bob", "Dora", "Erin"], ["Alice", "Dora", "Erin"]]
    assert night.asked(night.teams) == climbed
    assert night.asked(night.pagerduty) == climbed


@pytest.mark.parametrize("risk", [Risk.LOW, Risk.MEDIUM])
def test_what_is_not_urgent_wakes_nobody_of_list_emergency_and_nothing_is_said(
    night: _Night, risk: Risk, caplog: pytest.LogCaptureFixture
) -> None:
    night.page(risk=risk)
    night.wait(240)
    assert {name for names in night.asked(night.teams) for name in names} == {"Alice", "Bob"}
    assert (night.unreached(night.teams), _lines(caplog)) == ([], [])


def test_whoever_is_on_both_lists_is_mentioned_once(night: _Night) -> None:
    night.own(EMERGENCY, "Alice")
    night.page()
    night.wait(31)
    assert night.asked(night.teams)[2] == ["Alice", "Erin"]


def test_pagerduty_rings_anew_when_list_emergency_is_asked_and_now_and_then_after_it(night: _Night) -> None:
    """A stranger who took the first incident, and isn't an owner, would keep it silent."""
    night.page()
    night.wait(10 * 15)
    (page,) = {one.message.key.split()[0] for one in night.pagerduty.sent}
    assert night.incidents() == [page, f"{page} 0 again 1", f"{page} 0 again 2"]
    assert [one.message.key for one in night.pagerduty.sent].count(page) == 2


def test_the_bound_is_three_times_the_time_to_acknowledge(night: _Night) -> None:
    assert night.notifier.unreached.bound == timedelta(minutes=45)


def test_teams_that_posts_nothing_and_nobody_who_acknowledges_ends_with_it_said_everywhere_and_in_the_log(
    night: _Night, caplog: pytest.LogCaptureFixture
) -> None:
    """Teams answers 202 whatever it does: it is no proof that anybody was reached."""
    night.page()
    night.wait(44)
    assert (night.unreached(night.teams), night.unreached(night.pagerduty), _lines(caplog)) == ([], [], [])
    night.wait(2)
    for sender in (night.teams, night.pagerduty):
        (notice,) = night.unreached(sender)
        assert notice.never_waits
        assert "within 45 minutes" in notice.text
        assert night.case.id in notice.text
    (line,) = _lines(caplog)
    assert line.startswith("page 20260302T100500-")
    night.wait(180)
    assert len(night.unreached(night.teams)) == len(_lines(caplog)) == 1, "it is said once"


@pytest.mark.parametrize("minutes", [1, 20, 60])
def test_the_bound_follows_the_setting(memory: MemoryStorage, minutes: int, caplog: pytest.LogCaptureFixture) -> None:
    night = _Night(memory, within=timedelta(minutes=minutes))
    night.page()
    night.wait(3 * minutes - 1)
    assert _lines(caplog) == []
    night.wait(2)
    assert len(_lines(caplog)) == 1
    night.wait(minutes)
    assert len(night.unreached(night.pagerduty)) == 1


@pytest.mark.parametrize("failing", [Unreachable("cut"), Refused("403")], ids=repr)
@pytest.mark.parametrize("channels", [(Channel.TEAMS,), tuple(Channel)], ids=str)
def test_channels_that_fail_do_not_hold_the_line_in_the_log_up(
    memory: MemoryStorage, channels: tuple[Channel, ...], failing: EdgeError, caplog: pytest.LogCaptureFixture
) -> None:
    night = _Night(memory, *channels)
    night.teams.failing = night.pagerduty.failing = failing
    night.page()
    night.wait(46)
    assert len(_lines(caplog)) == 1
    night.teams.failing = night.pagerduty.failing = None
    night.wait(20)
    for channel in channels:
        assert len(night.unreached(night.senders[channel])) == 1


@pytest.mark.parametrize("after", [1, 20, 44])
def test_whoever_acknowledges_in_time_ends_it(night: _Night, after: int, caplog: pytest.LogCaptureFixture) -> None:
    night.page()
    night.wait(after)
    sent = len(night.teams.sent)
    night.notifier.acknowledge(night.case, by="Bob")
    night.wait(120)
    assert len(night.teams.sent) == sent
    assert (night.unreached(night.teams), _lines(caplog)) == ([], [])


def test_what_was_put_back_meanwhile_reaches_nobody_and_nobody_has_to_know(
    night: _Night, caplog: pytest.LogCaptureFixture
) -> None:
    night.page(night.new_case("1", decision=Decision.REMEDIATE), phase=Phase.PENDING)
    night.wait(10)
    night.page(night.new_case("1", decision=Decision.REMEDIATE, outcome=Outcome.DONE))
    night.wait(120)
    assert (night.unreached(night.teams), _lines(caplog)) == ([], [])


def test_what_was_put_back_while_no_channel_worked_reaches_nobody_and_nobody_has_to_know(
    night: _Night, caplog: pytest.LogCaptureFixture
) -> None:
    """The page still says that somebody is asked: nothing that was sent since shows otherwise."""
    night.page(night.new_case("1", decision=Decision.REMEDIATE), phase=Phase.PENDING)
    night.teams.failing = night.pagerduty.failing = Unreachable("cut")
    night.page(night.new_case("1", decision=Decision.REMEDIATE, outcome=Outcome.DONE))
    night.wait(120)
    assert (night.unreached(night.teams), _lines(caplog)) == ([], [])


def test_an_urgent_change_that_joins_a_page_somebody_has_acknowledged_climbs_from_then_on(
    night: _Night, caplog: pytest.LogCaptureFixture
) -> None:
    night.page(risk=Risk.MEDIUM)
    night.notifier.acknowledge(night.case, by="Bob")
    night.wait(30)
    night.page(night.new_case("2"))
    night.wait(44)
    assert _lines(caplog) == []
    night.wait(2)
    assert len(_lines(caplog)) == 1


def test_many_pages_that_reach_nobody_are_one_message_each_time_and_a_line_each(
    night: _Night, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(40):
        actor = actor_of(MALLORY) if number % 2 else actor_of(TRUDY)
        case = night.new_case(f"{number}", actor=msgspec.structs.replace(actor, id=f"actor-{number}"))
        night.page(case)
        night.wait(1)
    night.wait(75)
    assert len(_lines(caplog)) == 40
    notices = night.unreached(night.pagerduty)
    assert 1 < len(notices) <= 6
    assert sum(int(notice.text.split()[3]) for notice in notices) == 40


@pytest.mark.parametrize("operation", ["replace Outbox", "insert Outbox", "rows Outbox"])
@pytest.mark.parametrize("number", range(4))
def test_a_run_that_dies_while_it_says_so_is_gone_on_with(
    memory: MemoryStorage, operation: str, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    storage = SpoiltStorage(memory)
    night = _Night(storage)
    night.page()
    night.wait(44)
    seen = iter(range(1_000))
    storage.faults.spoil = lambda done: "before" if done == operation and next(seen) == number else ""
    with contextlib.suppress(EdgeError):
        night.wait(1)
    storage.faults.heal()
    night.wait(16)
    assert len(_lines(caplog)) >= 1
    assert len(night.unreached(night.teams)) >= 1


def test_pages_of_an_older_version_are_read_and_climb(night: _Night) -> None:
    """Rows that were written before there was anything of this have none of its fields."""
    night.page()
    (row,) = night.storage.rows(Table.OUTBOX, "open eq true")
    state = msgspec.json.decode(row.columns["page"])
    for name in ("unanswered_since", "unreached_at", "unreached_published", "finished_at"):
        del state[name]
    for delivery in state["deliveries"]:
        for name in ("incidents", "signal_try", "signal_tries"):
            del delivery[name]
    columns = {"page": msgspec.json.encode(state).decode(), "open": True, "tenant_id": WORKFORCE_TENANT}
    night.storage.replace(Table.OUTBOX, row, columns)
    night.wait(31)
    assert night.asked(night.teams) == [["Alice"], ["Bob"], ["Alice", "Dora", "Erin"]]


# Notices that climb.


def test_a_notice_climbs_to_all_of_list_emergency_and_each_time_to_one_more_owner(night: _Night) -> None:
    night.notifier.publish(_DECLARED)
    night.wait(46)
    names = [[owner.name for owner in call.owners] for call in night.teams.calls if call.system_notice == _DECLARED]
    both = ["Dora", "Erin"]
    assert names == [both, [*both, "Alice"], [*both, "Bob"], [*both, "Alice"]]
    assert [call.place for call in night.pagerduty.calls if call.system_notice == _DECLARED] == [0, 1, 2, 3]


def test_a_notice_climbs_without_an_end_until_somebody_acknowledges(night: _Night) -> None:
    night.notifier.publish(_DECLARED)
    night.wait(15 * 30)
    asked = [call for call in night.teams.calls if call.system_notice == _DECLARED]
    assert len(asked) == 31
    assert night.notifier.acknowledge_notice(_DECLARED.key, by="Dora")
    night.wait(60)
    assert len([call for call in night.teams.calls if call.system_notice == _DECLARED]) == 31
    assert night.notifier.who_acknowledged(_DECLARED.key) == "Dora"


def test_that_nobody_answered_a_notice_is_said_as_it_is_of_a_page(
    night: _Night, caplog: pytest.LogCaptureFixture
) -> None:
    night.notifier.publish(_DECLARED)
    night.wait(46)
    (notice,) = night.unreached(night.teams)
    assert "An emergency was declared" in notice.text
    assert len(_lines(caplog)) == 1


def test_the_first_who_acknowledges_a_notice_stays(night: _Night) -> None:
    night.notifier.publish(_DECLARED)
    for by in ("Dora", "Erin"):
        assert night.notifier.acknowledge_notice(_DECLARED.key, by=by)
    assert night.notifier.who_acknowledged(_DECLARED.key) == "Dora"


def test_what_was_never_published_can_not_be_acknowledged(night: _Night) -> None:
    assert not night.notifier.acknowledge_notice(_DECLARED.key, by="Dora")
    assert night.notifier.who_acknowledged(_DECLARED.key) == ""
    night.notifier.publish(msgspec.structs.replace(_DECLARED, until_acknowledged=False))
    assert not night.notifier.acknowledge_notice(_DECLARED.key, by="Dora"), "nobody is asked"


def test_a_notice_that_climbs_is_one_across_midnight(night: _Night) -> None:
    assert night.notifier.publish(_DECLARED)
    for _ in range(3):
        night.clock.move(timedelta(hours=20))
        assert not night.notifier.publish(_DECLARED)
    assert night.notifier.acknowledge_notice(_DECLARED.key, by="Dora")


def test_a_drills_own_pages_say_so_and_no_others(night: _Night) -> None:
    night.page()
    night.notifier.publish(msgspec.structs.replace(_DECLARED, drill=True))
    night.wait(62)
    notices = night.unreached(night.teams)
    assert sorted(notice.drill for notice in notices) == [False, True]
    for notice in notices:
        assert ("An emergency was declared" in notice.text) is notice.drill


@pytest.mark.parametrize("is_open", [True, False])
def test_a_notice_is_sent_over_one_channel_where_it_is_for_one(memory: MemoryStorage, *, is_open: bool) -> None:
    night = _Night(memory, *(tuple(Channel) if is_open else (Channel.PAGERDUTY,)))
    notice = msgspec.structs.replace(_DECLARED, until_acknowledged=False)
    night.notifier.publish(notice, over=[Channel.TEAMS])
    night.wait(5)
    assert night.teams.system_notices == ([notice] if is_open else [])
    assert night.pagerduty.system_notices == []


# What channels are told of their incidents.


def test_an_incident_is_acknowledged_when_its_page_is(night: _Night) -> None:
    night.page()
    night.wait(31)
    assert night.pagerduty.signals == []
    night.notifier.acknowledge(night.case, by="Bob")
    night.wait(30)
    assert night.pagerduty.signals == [(key, Signal.ACKNOWLEDGE) for key in night.incidents()]
    assert night.teams.signals == []


def test_an_incident_is_resolved_when_nothing_of_its_page_needs_anybody_any_more(night: _Night) -> None:
    night.page(night.new_case("1", decision=Decision.REMEDIATE), phase=Phase.PENDING)
    night.wait(2)
    night.page(night.new_case("1", decision=Decision.REMEDIATE, outcome=Outcome.DONE))
    night.wait(20)
    assert night.pagerduty.signals == [(night.incidents()[0], Signal.RESOLVE)]
    assert len(night.pagerduty.sent) == 2, (
        "it is resolved after all was sent, since a later message would begin it anew"
    )


def test_an_incident_is_not_resolved_before_its_last_message_came(night: _Night) -> None:
    """The message would begin it anew, and nobody would resolve it again."""

    def cut(_message: object) -> None:
        raise Unreachable("cut")

    night.page(night.new_case("1", decision=Decision.REMEDIATE), phase=Phase.PENDING)
    night.pagerduty.spoil = cut
    night.page(night.new_case("1", decision=Decision.REMEDIATE, outcome=Outcome.DONE))
    night.wait(10)
    assert (len(night.teams.sent), night.pagerduty.signals) == (2, [])
    night.pagerduty.spoil = lambda _message: None
    night.wait(20)
    assert (len(night.pagerduty.sent), [signal for _, signal in night.pagerduty.signals]) == (2, [Signal.RESOLVE])


def test_an_incident_stays_open_while_one_of_its_changes_needs_somebody(night: _Night) -> None:
    night.page(night.new_case("1", decision=Decision.REMEDIATE), phase=Phase.PENDING)
    night.page(night.new_case("2"))
    night.page(night.new_case("1", decision=Decision.REMEDIATE, outcome=Outcome.DONE))
    night.wait(44)
    assert night.pagerduty.signals == []


def test_a_change_that_joins_a_page_whose_incident_was_resolved_begins_it_anew(night: _Night) -> None:
    night.page(night.new_case("1", decision=Decision.REMEDIATE), phase=Phase.PENDING)
    night.page(night.new_case("1", decision=Decision.REMEDIATE, outcome=Outcome.DONE))
    night.wait(3)
    night.page(night.new_case("2"))
    night.wait(10)
    night.notifier.acknowledge(night.new_case("2"), by="Bob")
    night.wait(3)
    (key,) = night.incidents()
    assert night.pagerduty.signals == [(key, Signal.RESOLVE), (key, Signal.ACKNOWLEDGE)]


def test_a_notices_incidents_are_acknowledged_and_resolved(night: _Night) -> None:
    night.notifier.publish(_DECLARED)
    night.wait(31)
    night.notifier.acknowledge_notice(_DECLARED.key, by="Dora")
    night.wait(2)
    keys = list(dict.fromkeys(call.key for call in night.pagerduty.calls))
    assert night.pagerduty.signals == [(key, Signal.ACKNOWLEDGE) for key in keys]
    night.notifier.finish_notice(_DECLARED.key, by="Dora")
    night.wait(2)
    assert night.pagerduty.signals[2:] == [(key, Signal.RESOLVE) for key in keys]


def test_what_a_channel_could_not_be_told_it_is_told_later(night: _Night) -> None:
    night.page()
    night.notifier.acknowledge(night.case, by="Bob")
    night.pagerduty.failing = Unreachable("cut")
    night.wait(3)
    night.pagerduty.failing = None
    night.wait(10)
    assert night.pagerduty.signals == [(night.incidents()[0], Signal.ACKNOWLEDGE)]


def test_what_a_channel_refuses_it_is_not_told_for_ever(night: _Night) -> None:
    night.page()
    night.notifier.acknowledge(night.case, by="Bob")
    night.pagerduty.failing = Refused("400")
    tried = night.pagerduty.tried
    night.wait(60)
    assert night.pagerduty.tried == tried + 1


def test_a_digests_incident_is_left_to_people(memory: MemoryStorage) -> None:
    """It is about other pages too."""
    night = _Night(memory)
    night.notifier = Notifier(memory, night.senders, clock=night.clock, acknowledge_within=_WITHIN, messages_per_hour=2)
    cases = [night.new_case(f"{n}", actor=msgspec.structs.replace(actor_of(MALLORY), id=f"a{n}")) for n in range(4)]
    for case in cases:
        night.page(case)
    night.wait(2)
    assert night.pagerduty.digests
    for case in cases:
        night.notifier.acknowledge(case, by="Bob")
    night.wait(3)
    assert {key for key, _ in night.pagerduty.signals} == {one.message.key for one in night.pagerduty.sent}


# Noon.


def _noon(night: _Night) -> list[SystemNotice]:
    night.notifier.unreached.report_night()
    return [call.system_notice for call in night.teams.calls if call.system_notice.key.startswith("night")]


def test_a_night_in_which_nobody_could_be_woken_is_told_at_noon_to_owners_and_list_emergency(night: _Night) -> None:
    night.page()
    night.wait(50)
    night.clock.move(timedelta(hours=8))
    (notice,) = _noon(night)
    assert "1 by nobody until now" in notice.text
    call = next(call for call in night.pagerduty.calls if call.system_notice == notice)
    assert [owner.name for owner in call.owners] == ["Alice", "Bob", "Dora", "Erin"]


def test_it_is_told_once_and_the_next_noon_tells_only_of_the_next_night(night: _Night) -> None:
    night.page()
    night.wait(50)
    for _ in range(2):
        assert len(_noon(night)) == 1
    night.clock.move(timedelta(days=1))
    assert len(_noon(night)) == 1


def test_a_page_that_somebody_acknowledged_too_late_is_told_as_that(night: _Night) -> None:
    night.page()
    night.wait(50)
    night.notifier.acknowledge(night.case, by="Bob")
    night.wait(30)
    (notice,) = _noon(night)
    assert "1 of them acknowledged later" in notice.text


def test_a_quiet_night_and_a_drills_night_are_not_told(night: _Night) -> None:
    night.notifier.publish(msgspec.structs.replace(_DECLARED, drill=True))
    night.page(risk=Risk.MEDIUM)
    night.wait(60)
    assert _noon(night) == []


@pytest.mark.parametrize("days", [1, 2])
def test_a_noon_that_was_missed_is_told_with_the_next(night: _Night, days: int) -> None:
    _noon(night)
    night.page()
    night.wait(50)
    night.clock.move(timedelta(days=days))
    assert len(_noon(night)) == 1


def test_a_noon_that_failed_is_told_again(memory: MemoryStorage) -> None:
    storage = SpoiltStorage(memory)
    night = _Night(storage)
    night.page()
    night.wait(50)
    storage.faults.fail_once("insert Outbox")
    with pytest.raises(Unreachable):
        _noon(night)
    assert len(_noon(night)) == 1
