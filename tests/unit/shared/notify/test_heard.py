"""What people acknowledge and resolve in PagerDuty is heard: by owners who are mapped, once, and told in Teams."""

from datetime import timedelta
from typing import Final

import msgspec
import pytest

from shared.authority.owners import EMERGENCY, NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError, LeaseLost, Unreachable
from shared.model.kinds import Risk
from shared.model.notices import SystemNotice
from shared.notify.heard import AcknowledgeCase
from shared.notify.outbox import Notifier
from shared.notify.paged import Channel, PageState, Signal
from shared.notify.pagerduty_webhook import HeardEvent, event_from, signature_of
from shared.notify.reached import reached
from tests.fakes.clock import FakeClock
from tests.fakes.lamps import Lamps, actor_of
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.pagerduty_events import BOB_ID, SECRET, webhook_event
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage
from tests.unit.shared.notify.test_outbox import MALLORY, _case  # pyright: ignore[reportPrivateUsage]

_WITHIN: Final = timedelta(minutes=15)
_MINUTE: Final = timedelta(minutes=1)
_DETECTIONS: Final = {risk: Lamps().detection(risk=risk, id=f"lamp-{risk}") for risk in Risk}
_DECLARED: Final = SystemNotice(
    key="emergency 1", title="Declared", text="", what_to_do="", never_waits=True, until_acknowledged=True
)


class _Room:
    """A notifier with a page in PagerDuty, and Bob, who is an owner with a user there."""

    def __init__(self, storage: Storage, *, per_hour: int = 20) -> None:
        self.storage = storage
        self.clock = FakeClock()
        self.teams, self.pagerduty = FakeSender(), FakeSender()
        senders = {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty}
        self.notifier = Notifier(
            storage, senders, clock=self.clock, acknowledge_within=_WITHIN, messages_per_hour=per_hour
        )
        owners = TableOwners(storage, clock=self.clock)
        for scope, name, user in (("*", "Alice", ""), (EMERGENCY, "Bob", BOB_ID)):
            upn = f"{name.lower()}@contoso.example"
            owners.name(NamedOwner(scope=scope, order="010", name=name, upn=upn, pagerduty=user), by="a test")
        self.acknowledged: list[tuple[str, str]] = []
        self.number = 0

    def page(self, number: int = 1, *, risk: Risk = Risk.HIGH, actor: str = MALLORY.id) -> None:
        by = msgspec.structs.replace(actor_of(MALLORY), id=actor)
        case = _case(id=f"20260302-{number:020}", actor=by)
        for page in self.notifier.post(case, _DETECTIONS[risk]):
            self.notifier.send(page, _no_case)

    @property
    def incident(self) -> str:
        return self.pagerduty.sent[-1].message.key

    def hear(
        self,
        incident: str,
        *,
        kind: str = "incident.acknowledged",
        user: str = BOB_ID,
        agent_type: str = "user_reference",
    ) -> HeardEvent:
        self.number += 1
        body = webhook_event(
            incident, kind=kind, id=f"event-{self.number}", at=self.clock(), user=user, agent_type=agent_type
        )
        event = event_from(body, signature_of(body, SECRET), secrets=(SECRET,), now=self.clock())
        assert self.notifier.heard.keep(event)
        return event

    def act(self, acknowledge: AcknowledgeCase | None = None) -> None:
        def note(_tenant: str, case: str, by: str) -> None:
            self.acknowledged.append((case, by))

        self.notifier.heard.act(acknowledge or note)

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.move(_MINUTE)
            self.act()
            self.notifier.resume(_no_case)

    def page_state(self) -> PageState:
        (row,) = [row for row in self.storage.rows(Table.OUTBOX, "open ge false") if _is_of_cases(row.columns)]
        return msgspec.json.decode(row.columns["page"], type=PageState)

    def titles(self) -> list[str]:
        return [notice.title for notice in self.teams.system_notices]


def _no_case(_tenant: str, _case: str) -> None:
    return None


def _is_of_cases(columns: dict[str, object]) -> bool:
    return "page" in columns and '"system_notice":null' in str(columns["page"]).replace(" ", "")


@pytest.fixture
def room(memory: MemoryStorage) -> _Room:
    made = _Room(memory)
    made.page()
    return made


def test_an_owner_who_acknowledges_in_pagerduty_is_not_asked_on_and_teams_is_told(room: _Room) -> None:
    room.hear(room.incident)
    room.wait(120)
    assert (len(room.teams.sent), len(room.pagerduty.sent)) == (1, 1)
    assert room.page_state().acknowledged_by == f"Bob (PagerDuty {BOB_ID})"
    assert room.titles() == ["Bob takes care of it"]
    assert room.pagerduty.system_notices == [], "PagerDuty knows"
    assert room.acknowledged == [(f"20260302-{1:020}", f"Bob (PagerDuty {BOB_ID})")]


@pytest.mark.parametrize("user", ["PSTRANGER", "", BOB_ID[:-1], f"{BOB_ID}0"])
def test_whoever_is_mapped_to_no_owner_stops_nothing_and_teams_is_told(room: _Room, user: str) -> None:
    room.hear(room.incident, user=user)
    room.wait(16)
    assert room.page_state().acknowledged_at is None
    assert len(room.teams.sent) == 2
    assert room.titles() == ["Bob in PagerDuty has acknowledged it in PagerDuty, and is no owner here"]
    assert room.acknowledged == []


def test_an_owner_without_a_user_is_nobody_in_pagerduty(room: _Room) -> None:
    """Alice's row has no id there: it must not match an agent without one."""
    room.hear(room.incident, user="")
    room.act()
    assert room.page_state().acknowledged_at is None


@pytest.mark.parametrize("user", [BOB_ID, "PSTRANGER"])
def test_resolving_closes_nothing_and_the_pages_climb_on(room: _Room, user: str) -> None:
    room.hear(room.incident, kind="incident.resolved", user=user)
    room.wait(16)
    assert room.page_state().acknowledged_at is None
    assert len(room.pagerduty.sent) == 2
    assert room.titles() == ["Bob in PagerDuty has resolved an incident that nobody has acknowledged"]


def test_an_incident_that_people_resolved_is_not_resolved_by_us_again(room: _Room) -> None:
    room.hear(room.incident)
    room.act()
    room.hear(room.incident, kind="incident.resolved")
    room.wait(5)
    assert room.pagerduty.signals == []
    assert room.titles() == ["Bob takes care of it"]


@pytest.mark.parametrize("kind", ["incident.triggered", "incident.escalated", "incident.annotated", "pagey.ping", ""])
def test_other_events_are_kept_and_nothing_comes_of_them(room: _Room, kind: str) -> None:
    room.hear(room.incident, kind=kind)
    room.act()
    assert room.page_state().acknowledged_at is None
    assert room.titles() == []


def test_what_we_told_pagerduty_comes_back_and_nothing_comes_of_it(room: _Room) -> None:
    room.hear(room.incident, agent_type="inbound_integration_reference")
    room.act()
    assert (room.page_state().acknowledged_at, room.titles()) == (None, [])


def test_an_event_that_comes_again_is_not_kept_again(room: _Room) -> None:
    event = room.hear(room.incident)
    room.act()
    for _ in range(3):
        room.clock.move(20 * _MINUTE)
        assert not room.notifier.heard.keep(event)
        room.act()
    assert room.titles() == ["Bob takes care of it"]


def test_an_event_is_kept_once_across_midnight(room: _Room) -> None:
    room.clock.move(timedelta(hours=13, minutes=54))
    event = room.hear(room.incident)
    room.clock.move(2 * _MINUTE)
    assert room.clock().day == 3
    assert not room.notifier.heard.keep(event)
    room.act()
    assert room.titles() == ["Bob takes care of it"]


@pytest.mark.parametrize(
    "incident",
    ["", "no page", "20260302T100500-0000000000000000ffff", "../../x", "20260302T100500-a/b#?", "a" * 255, "digest 5"],
)
def test_an_incident_that_is_none_of_ours_takes_nothing(room: _Room, incident: str) -> None:
    room.hear(incident)
    room.act()
    assert room.page_state().acknowledged_at is None
    assert room.titles() == []


def test_an_incident_counts_for_what_it_showed_and_for_nothing_riskier(memory: MemoryStorage) -> None:
    """Medium was shown in the first incident; what is high came in another, which nobody has seen."""
    room = _Room(memory)
    room.page(1, risk=Risk.MEDIUM)
    room.wait(16)
    first = room.incident
    room.page(2)
    second = room.incident
    assert second != first
    room.hear(first)
    room.act()
    assert room.page_state().is_urgent
    assert [case for case, _ in room.acknowledged] == [f"20260302-{1:020}"]
    room.hear(second)
    room.act()
    assert not room.page_state().is_urgent
    assert {case for case, _ in room.acknowledged} == {f"20260302-{number:020}" for number in (1, 2)}


def test_an_incident_that_climbed_counts_as_the_first_does(room: _Room) -> None:
    room.wait(31)
    assert room.incident.endswith("again 1")
    room.hear(room.incident)
    room.wait(2)
    assert not room.page_state().is_urgent
    assert {signal for _, signal in room.pagerduty.signals} == {Signal.ACKNOWLEDGE}


def test_a_digests_incident_takes_all_its_pages(memory: MemoryStorage) -> None:
    room = _Room(memory, per_hour=2)
    for number in range(4):
        room.page(number, actor=f"actor-{number}")
    room.wait(2)
    (digest,) = room.pagerduty.digests
    room.hear(digest.key)
    room.act()
    shown = {change.case_id for page in digest.pages for change in page.changes}
    assert {case for case, _ in room.acknowledged} == shown
    assert len(shown) > 1


def test_a_notice_that_climbs_is_taken_in_pagerduty(room: _Room) -> None:
    room.notifier.publish(_DECLARED)
    (call,) = room.pagerduty.calls
    room.hear(call.key)
    room.act()
    assert room.notifier.who_acknowledged(_DECLARED.key) == f"Bob (PagerDuty {BOB_ID})"


def test_a_drills_answer_is_marked_as_one(room: _Room) -> None:
    room.notifier.publish(msgspec.structs.replace(_DECLARED, drill=True))
    room.hear(room.pagerduty.calls[-1].key)
    room.hear(room.incident)
    room.act()
    assert sorted(notice.drill for notice in room.teams.system_notices) == [False, True]


def test_an_acknowledgement_shows_that_pagerduty_reaches_the_owner(room: _Room) -> None:
    room.hear("an incident of somebody else")
    room.act()
    over = {one.owner.name: one.over for one in reached(room.storage, clock=room.clock)}
    assert over == {"Alice": {}, "Bob": {Channel.PAGERDUTY: room.clock()}}


@pytest.mark.parametrize("failing", [LeaseLost("written"), Unreachable("cut")], ids=repr)
def test_a_case_that_can_not_be_written_does_not_keep_the_page_from_being_taken(
    room: _Room, failing: EdgeError | LeaseLost
) -> None:
    def fail(_tenant: str, _case: str, _by: str) -> None:
        raise failing

    room.hear(room.incident)
    room.act(fail)
    assert not room.page_state().is_urgent


@pytest.mark.parametrize("operation", ["rows Owners", "replace Outbox", "insert Outbox", "upsert Cursors"])
def test_what_failed_is_acted_on_the_next_time(memory: MemoryStorage, operation: str) -> None:
    storage = SpoiltStorage(memory)
    room = _Room(storage)
    room.page()
    room.hear(room.incident)
    storage.faults.fail_once(operation)
    with pytest.raises(EdgeError):
        room.act()
    room.act()
    assert not room.page_state().is_urgent
    assert room.titles() == ["Bob takes care of it"]


def test_a_row_that_can_not_be_read_keeps_no_other_back(room: _Room) -> None:
    room.storage.insert(Table.OUTBOX, "20260302 heard", "0", {"event": "{", "done": False})
    room.hear(room.incident)
    room.act()
    assert not room.page_state().is_urgent
    rows = room.storage.rows(Table.OUTBOX, "PartitionKey eq @heard and done eq false", heard="20260302 heard")
    assert rows == []
