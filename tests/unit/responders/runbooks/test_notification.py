"""Step 1: everybody is paged over both channels, again and again, until somebody acknowledges."""

from datetime import timedelta

import pytest

from responders.runbooks.break_glass import BREAK_GLASS
from shared.authority.owners import NamedOwner, TableOwners
from shared.clients.storage import Storage
from shared.emergency.entries import Answer, StepState
from shared.model.errors import Unreachable
from shared.respond.resume import resume
from tests.fakes.emergencies import CODED, DAVE
from tests.fakes.runbooks import Desk, desk
from tests.fakes.spoilt_storage import SpoiltStorage

PAGE = "Emergency: nobody has acknowledged yet"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(storage: Storage) -> Desk:
    return desk(storage, runbook=BREAK_GLASS)


def pages(app: Desk) -> list[int]:
    both = (app.bench.teams, app.bench.pagerduty)
    return [sum(PAGE in notice.title for notice in channel.notices) for channel in both]


def wait(app: Desk, minutes: int) -> None:
    for _ in range(minutes):
        app.bench.clock.move(MINUTE)
        resume(app.bench.runtime)
        app.tick()


def test_both_channels_are_paged_until_somebody_acknowledges(app: Desk) -> None:
    assert app.declare().step(1).state is StepState.BLOCKED
    assert pages(app) == [1, 1]
    wait(app, 61)
    in_an_hour = pages(app)
    assert min(in_an_hour) >= 4
    emergency = app.ask("acknowledge", CODED, over="PagerDuty")
    assert emergency.step(1).state is StepState.DONE
    assert DAVE.name in emergency.step(1).findings[0].text
    wait(app, 61)
    assert pages(app) == in_an_hour


def test_who_acknowledges_in_pagerduty_has_acknowledged(app: Desk) -> None:
    emergency = app.declare()
    key = f"emergency {emergency.id} page"
    assert app.bench.runtime.notifier.acknowledge_notice(key, by="Dave (PagerDuty P1)")
    wait(app, 2)
    assert app.emergency.step(1).state is StepState.DONE
    assert "Dave (PagerDuty P1)" in app.emergency.step(1).findings[0].text
    before = pages(app)
    wait(app, 61)
    assert pages(app) == before


def test_the_page_climbs_and_is_kept_back_by_no_limit(app: Desk) -> None:
    app.declare()
    sent = [notice for notice in app.bench.pagerduty.notices if notice.title == PAGE]
    assert [(notice.never_waits, notice.until_acknowledged) for notice in sent] == [(True, True)]


def test_that_nobody_is_named_is_said(app: Desk) -> None:
    emergency = app.declare()
    (wrong,) = [one for one in emergency.step(1).findings if one.answer is Answer.WRONG]
    assert "Nobody is named" in wrong.text


@pytest.mark.parametrize(("scopes", "named"), [(["emergency", "*"], "emergency"), (["*"], "*")])
def test_those_of_list_emergency_are_named_and_without_it_those_of_everything(
    app: Desk, scopes: list[str], named: str
) -> None:
    owners = TableOwners(app.bench.storage, clock=app.bench.clock)
    for scope in scopes:
        owners.name(NamedOwner(scope=scope, order="010", name=f"Owner of {scope}", upn="o@contoso.com"), by="a test")
    found = [one.text for one in app.declare().step(1).findings if one.about == "Who is paged"]
    assert found == [f"Owner of {named} (o@contoso.com)"]


def test_without_storage_the_page_goes_out_all_the_same(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty, runbook=BREAK_GLASS)
    faulty.faults.spoil = lambda _operation: "before"
    emergency = app.declare()
    assert pages(app) == [1, 1]
    assert any(one.answer is Answer.UNKNOWN and one.about == "Who is paged" for one in emergency.step(1).findings)


def test_that_no_channel_took_it_is_said(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty, runbook=BREAK_GLASS)
    faulty.faults.spoil = lambda _operation: "before"
    app.bench.teams.failing = app.bench.pagerduty.failing = Unreachable("no answer")
    emergency = app.declare()
    assert emergency.step(1).findings[0].answer is Answer.WRONG
    assert "Telephone" in emergency.step(1).findings[0].what_to_do


def test_a_missing_second_channel_is_said(storage: Storage) -> None:
    app = desk(storage, runbook=BREAK_GLASS, PAGERDUTY_ROUTING_KEY="")
    found = app.declare().step(1).findings
    assert any(one.answer is Answer.WRONG and "without the tenant" in one.about for one in found)


def test_a_drills_pages_say_so(app: Desk) -> None:
    app.declare(drill=True)
    assert app.bench.teams.notices
    assert all(notice.drill for notice in app.bench.teams.notices)
    assert all("This is a drill" in notice.what_to_do for notice in app.bench.teams.notices)
