"""The weekly test of each owner: it wakes nobody, asks each once, keeps who answered, and says what it can't tell."""

from datetime import timedelta
from typing import Final

import pytest

from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.model.errors import EdgeError, Unreachable
from shared.notify.outbox import Notifier
from shared.notify.paged import Channel, Signal
from shared.notify.reachability import Reachability, reach_link, request_test, untested, week_of
from shared.notify.reached import Reached, note_reached, reached
from shared.notify.system_notices import notice_call_alert, notice_call_card
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage

_LINK: Final = "https://responder.example/api/console/i/{case}"


class _Office:
    def __init__(self, storage: Storage, *, names: tuple[str, ...] = ("Alice", "Bob"), link: str = _LINK) -> None:
        self.storage = storage
        self.clock = FakeClock()
        self.teams, self.pagerduty = FakeSender(), FakeSender()
        senders = {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty}
        self.notifier = Notifier(storage, senders, clock=self.clock, acknowledge_within=timedelta(minutes=15))
        self.reachability = Reachability(storage, self.notifier, case_link=link, clock=self.clock)
        for number, name in enumerate(names):
            self.own("*", f"{number:03}", name)

    def own(self, scope: str, order: str, name: str, *, pagerduty: str = "") -> None:
        owner = NamedOwner(
            scope=scope, order=order, name=name, upn=f"{name.lower()}@contoso.example", pagerduty=pagerduty
        )
        TableOwners(self.storage, clock=self.clock).name(owner, by="a test")

    def people(self) -> dict[str, Reached]:
        return {one.owner.name: one for one in reached(self.storage, clock=self.clock)}

    def resume(self) -> None:
        self.notifier.resume(_no_case)


def _no_case(_tenant: str, _case: str) -> None:
    return None


@pytest.fixture
def office(memory: MemoryStorage) -> _Office:
    return _Office(memory)


def test_each_owner_is_asked_once_over_each_channel_and_nobody_is_woken(office: _Office) -> None:
    office.own("emergency", "000", "Alice")
    assert office.reachability.ask() == 2
    (card,), (incident,) = office.teams.calls, office.pagerduty.calls
    assert [owner.name for owner in card.owners] == ["Alice", "Bob"]
    assert card.system_notice.link == "https://responder.example/api/reach/2026-W10"
    assert notice_call_alert(incident)["payload"]["severity"] == "info"
    assert notice_call_card(card)["attachments"][0]["content"]["actions"][0]["url"] == card.system_notice.link
    assert {name: one.asked_at for name, one in office.people().items()} == {"Alice": NOW, "Bob": NOW}


def test_it_is_asked_once_a_week_whenever_the_timer_runs(office: _Office) -> None:
    for _ in range(7):
        office.reachability.ask()
        office.clock.move(timedelta(days=1))
    assert (len(office.teams.calls), len(office.pagerduty.calls)) == (1, 1)
    office.reachability.ask()
    assert (len(office.teams.calls), len(office.pagerduty.calls)) == (2, 2)


def test_nobody_is_asked_on_whoever_does_not_answer(office: _Office) -> None:
    office.reachability.ask()
    for _ in range(200):
        office.clock.move(timedelta(minutes=1))
        office.resume()
    assert (len(office.teams.calls), len(office.pagerduty.calls)) == (1, 1)
    assert office.teams.system_notices == office.pagerduty.system_notices == []


def test_as_many_cards_as_it_takes_to_mention_everybody(memory: MemoryStorage) -> None:
    office = _Office(memory, names=tuple(f"Owner{number}" for number in range(12)))
    office.reachability.ask()
    assert [len(call.owners) for call in office.teams.calls] == [5, 5, 2]
    for call in office.teams.calls:
        entities = notice_call_card(call)["attachments"][0]["content"]["msteams"]["entities"]
        assert len(entities) == len(call.owners)


def test_whoever_opens_the_cards_page_is_reached_by_teams_and_nobody_else(office: _Office) -> None:
    office.reachability.ask()
    office.clock.move(timedelta(hours=1))
    owner = office.reachability.answer("ALICE@contoso.example")
    assert owner is not None
    assert owner.name == "Alice"
    assert office.reachability.answer("mallory@contoso.example") is None
    people = office.people()
    assert people["Alice"].over == {Channel.TEAMS: office.clock()}
    assert people["Bob"].over == {}


def test_an_owner_without_a_user_name_is_nobody(office: _Office) -> None:
    office.storage.upsert(Table.OWNERS, "*", "050", {"name": "Nameless"})
    assert office.reachability.answer("") is None


def test_the_last_answer_stays_whatever_order_they_come_in(office: _Office) -> None:
    owner = office.people()["Bob"].owner
    for days in (3, 1, 2):
        note_reached(office.storage, owner, Channel.PAGERDUTY, at=NOW + timedelta(days=days))
    assert office.people()["Bob"].last == NOW + timedelta(days=3)


def test_its_incident_is_resolved_the_day_after(office: _Office) -> None:
    office.reachability.ask()
    office.clock.move(timedelta(hours=3))
    assert not office.reachability.finish()
    office.clock.move(timedelta(days=1))
    assert office.reachability.finish()
    office.resume()
    assert office.pagerduty.signals == [(office.pagerduty.calls[0].key, Signal.RESOLVE)]
    assert not office.reachability.finish()


def test_without_owners_there_is_nobody_to_ask(memory: MemoryStorage) -> None:
    office = _Office(memory, names=())
    assert office.reachability.ask() == 0
    assert office.teams.calls == []


@pytest.mark.parametrize("link", ["", "https://tickets.example/{case}", "https://responder.example/api/cases/{case}"])
def test_a_card_that_opens_nothing_says_so(memory: MemoryStorage, link: str) -> None:
    office = _Office(memory, link=link)
    office.reachability.ask()
    notice = office.teams.calls[0].system_notice
    assert reach_link(link, "2026-W10") == notice.link == ""
    assert "It can't be answered" in notice.what_to_do


def test_who_is_not_known_in_pagerduty_is_named(office: _Office) -> None:
    office.own("emergency", "000", "Carol", pagerduty="PCAROL1")
    office.reachability.ask()
    text = office.pagerduty.calls[0].system_notice.text
    assert "not tested there: Alice, Bob" in text
    assert "on call" in text


@pytest.mark.parametrize("operation", ["insert Outbox", "upsert Cursors", "rows Owners"])
def test_a_test_that_broke_off_is_gone_on_with(memory: MemoryStorage, operation: str) -> None:
    storage = SpoiltStorage(memory)
    office = _Office(storage)
    storage.faults.fail_once(operation)
    with pytest.raises(EdgeError):
        office.reachability.ask()
    assert office.reachability.ask() == 2
    assert {one.asked_at for one in office.people().values()} == {NOW}
    assert (len(office.teams.calls), len(office.pagerduty.calls)) == (1, 1)


_HAS: Final = {"has_teams": True, "has_pagerduty": True, "hears": True}


@pytest.mark.parametrize(
    ("upn", "pagerduty", "has", "said"),
    [
        ("alice@contoso.example", "PALICE1", {}, []),
        ("", "PALICE1", {}, ["Teams can't mention them"]),
        ("alice@contoso.example", "", {}, ["their user in PagerDuty isn't known"]),
        ("alice@contoso.example", "PALICE1", {"hears": False}, ["what they acknowledge in PagerDuty isn't heard"]),
        ("alice@contoso.example", "", {"has_pagerduty": False, "hears": False}, ["there is no PagerDuty channel"]),
        ("", "PALICE1", {"has_teams": False}, ["there is no Teams channel"]),
    ],
)
def test_what_no_test_can_tell_is_said(upn: str, pagerduty: str, has: dict[str, bool], said: list[str]) -> None:
    owner = NamedOwner(scope="*", order="010", name="Alice", upn=upn, pagerduty=pagerduty)
    one = Reached(owner=owner, scopes=("*",), asked_at=None, over={})
    found = untested(one, **_HAS | has)
    assert len(found) == len(said)
    assert all(text.startswith(begin) for text, begin in zip(found, said, strict=True))


def test_a_week_has_its_name_across_the_year() -> None:
    assert week_of(NOW.replace(year=2026, month=1, day=1)) == "2026-W01"
    assert week_of(NOW.replace(year=2027, month=1, day=1)) == "2026-W53"


def test_a_test_that_was_requested_is_sent_once_though_the_week_had_one(office: _Office) -> None:
    assert office.reachability.ask_if_requested() == 0
    office.reachability.ask()
    office.clock.move(timedelta(days=1))
    request_test(office.storage, by="Carol", at=office.clock())
    assert [office.reachability.ask_if_requested() for _ in range(3)] == [2, 0, 0]
    assert len(office.teams.calls) == 2
    assert office.people()["Alice"].asked_at == office.clock()
    assert office.reachability.ask() == 0, "the weekly one has been"


def test_two_requests_on_one_day_ask_once(office: _Office) -> None:
    for _ in range(2):
        request_test(office.storage, by="Carol", at=office.clock())
        assert office.reachability.ask_if_requested() == 2
    assert len(office.teams.calls) == 1


def test_a_request_that_could_not_be_carried_out_is_carried_out_later(memory: MemoryStorage) -> None:
    spoilt = SpoiltStorage(memory)
    office = _Office(spoilt)
    request_test(spoilt, by="Carol", at=office.clock())
    spoilt.faults.spoil = lambda operation: "before" if "Owners" in operation else ""
    with pytest.raises(Unreachable):
        office.reachability.ask_if_requested()
    spoilt.faults.heal()
    assert office.reachability.ask_if_requested() == 2
