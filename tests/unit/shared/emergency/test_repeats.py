"""What the timer does: repeats, the hourly page of what has expired, ends of drills, and what a kill left out."""

from datetime import timedelta

import pytest

from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.emergency.entries import Declared, StepStarted, StepState
from shared.emergency.repeats import ask_for_drill
from shared.emergency.runbook import StepContext, StepEnd
from shared.emergency.store import Held
from tests.fakes.emergencies import DAVE, EMERGENCY, agreed, declared, entry
from tests.fakes.runbooks import PROPOSED, PROPOSED_BACK, Desk, desk
from tests.fakes.spoilt_storage import SpoiltStorage

MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(storage: Storage) -> Desk:
    return desk(storage)


def looks_again(step_context: StepContext) -> StepEnd:
    return StepEnd(state=StepState.DONE, next_at=step_context.now + 15 * MINUTE)


def test_a_step_looks_again_when_it_said_and_not_before(app: Desk) -> None:
    app.steps.ends[5] = looks_again
    app.declare()
    app.run_steps(2, 3, 4, 5)
    ran = [(5, "step")]
    for minutes, more in ((1, 0), (13, 0), (1, 1), (1, 0), (14, 1), (60, 1)):
        app.bench.clock.move(minutes * MINUTE)
        app.tick()
        ran += [(5, "repeat")] * more
        assert [run for run in app.steps.runs if run[0] == 5] == ran, minutes
    assert app.emergency.step(5).state is StepState.DONE


def test_nothing_looks_again_once_it_is_closed(app: Desk) -> None:
    app.steps.ends[5] = looks_again
    app.declare(drill=True)
    app.run_steps(2, 3, 4, 5)
    app.ask("close", summary="over")
    ran = list(app.steps.runs)
    app.bench.clock.move(30 * MINUTE)
    app.tick()
    assert app.steps.runs == ran


def test_a_repeat_that_fails_is_tried_no_more_often_and_stops_no_other(app: Desk) -> None:
    app.steps.ends |= {5: looks_again, 7: looks_again}
    app.declare()
    app.run_steps(2, 3, 4, 5)
    app.ask("steps/6", action="skip", note="not federated")
    app.run_steps(7)

    def broken(_context: StepContext) -> StepEnd:
        raise ZeroDivisionError

    app.steps.ends[5] = broken
    for _ in range(3):
        app.bench.clock.move(16 * MINUTE)
        app.tick()
    assert app.steps.runs.count((5, "repeat")) == 1
    assert app.steps.runs.count((7, "repeat")) == 3
    assert app.emergency.step(5).state is StepState.DONE
    assert app.emergency.step(5).findings[0].what_to_do == "Do step 5 by hand"


def test_what_a_person_takes_back_by_hand_is_seen_and_closes_it(app: Desk) -> None:
    """The app is refused the way back, a person runs the command: nobody has to think of the app any more."""
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    app.ask("ask", what="federation", digest=PROPOSED.digest)
    app.ask("confirm", DAVE, what="federation", digest=PROPOSED.digest)

    def refused(step_context: StepContext) -> StepEnd:
        if app.steps.world.is_federated:
            return StepEnd(state=StepState.DONE)
        return StepEnd(state=StepState.BLOCKED, next_at=step_context.now + MINUTE)

    app.steps.backs[6] = refused
    closing = app.ask("close", summary="over").agreements[-1]
    app.ask("confirm", DAVE, what="close", digest=closing.digest)
    looks = [(6, "back")]
    for seconds, more in ((10, 0), (60, 1), (10, 0), (60, 1)):
        app.bench.clock.move(timedelta(seconds=seconds))
        app.tick()
        looks += [(6, "back")] * more
        assert [run for run in app.steps.runs if run[1] == "back"] == looks, seconds
    app.steps.world.is_federated = True
    app.bench.clock.move(MINUTE)
    app.tick()
    assert app.emergency.closed is not None
    assert app.steps.world.changes == 1


def test_what_could_not_be_taken_back_without_storage_is_once_storage_answers(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty)
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    app.ask("ask", what="federation", digest=PROPOSED.digest)
    app.ask("confirm", DAVE, what="federation", digest=PROPOSED.digest)
    faulty.faults.spoil = lambda _operation: "before"
    closing = app.ask("close", summary="over").agreements[-1]
    emergency = app.ask("confirm", DAVE, what="close", digest=closing.digest)
    assert emergency.is_open
    assert "so it does nothing" in emergency.step(6).findings[0].text
    assert not app.steps.world.is_federated
    faulty.faults.heal()
    for _ in range(2):
        app.bench.clock.move(MINUTE)
        app.tick()
    assert app.emergency.step(6).proposals == (PROPOSED_BACK,)
    app.ask("ask", what="federation-back", digest=PROPOSED_BACK.digest)
    assert app.ask("confirm", DAVE, what="federation-back", digest=PROPOSED_BACK.digest).closed is not None
    assert app.steps.world.changes == 2


def test_what_has_expired_is_paged_each_hour_until_it_is_closed(app: Desk) -> None:
    app.declare(hybrid=False)
    pages = "An emergency has expired and isn't closed"
    app.bench.clock.move(timedelta(hours=8) - MINUTE)
    app.tick()
    assert app.titles.count(pages) == 0
    for _ in range(3 * 60):
        app.bench.clock.move(MINUTE)
        app.tick()
    assert app.titles.count(pages) in {3, 4}
    assert app.emergency.is_open
    closing = app.ask("close", summary="over").agreements[-1]
    app.ask("confirm", DAVE, what="close", digest=closing.digest)
    before = app.titles.count(pages)
    for _ in range(2 * 60):
        app.bench.clock.move(MINUTE)
        app.tick()
    assert app.titles.count(pages) == before


def test_a_drill_ends_by_itself_after_two_hours(app: Desk) -> None:
    app.declare(drill=True)
    app.bench.clock.move(timedelta(hours=2) - MINUTE)
    app.tick()
    assert app.emergency.is_open
    app.bench.clock.move(MINUTE)
    app.tick()
    assert not app.emergency.is_open
    app.tick()
    assert app.titles.count("DRILL: The drill is over") == 1
    assert app.engine.store.open_id(drill=True) == ""


def test_a_declaration_that_was_killed_before_the_first_step_is_gone_on_with(app: Desk) -> None:
    app.engine.store.declare(Held(entry=declared()), ends_drill=lambda _drill: declared())
    app.tick()
    assert app.steps.runs == [(1, "step")]
    assert app.titles == ["An emergency was declared"]
    app.tick()
    assert app.steps.runs == [(1, "step")]


def test_a_run_that_was_killed_is_begun_again_once_its_lease_is_over(app: Desk) -> None:
    app.declare()
    run = entry(StepStarted(step=2, run="2" * 32), at=app.bench.clock())
    app.engine.store.add(Held(entry=run))
    lease = app.bench.runtime.leases.take([f"emergency {EMERGENCY} step 2"], "somebody who was killed")
    assert lease is not None
    app.tick()
    assert (2, "step") not in app.steps.runs
    app.bench.clock.move(3 * MINUTE)
    app.tick()
    app.tick()
    assert app.steps.runs.count((2, "step")) == 1
    assert app.emergency.step(2).state is StepState.DONE


def test_what_two_agreed_to_is_done_where_the_confirmation_was_killed(app: Desk) -> None:
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    app.engine.store.add(*(Held(entry=one) for one in agreed(PROPOSED)))
    app.tick()
    app.tick()
    assert app.steps.world.changes == 1
    assert app.emergency.step(6).state is StepState.DONE


def test_one_emergency_that_can_not_be_gone_on_with_stops_no_other(storage: Storage) -> None:
    app = desk(storage)
    app.declare()
    storage.insert(Table.EMERGENCIES, "emergencies", f"going-{'0' * 32}", {"emergency": "0" * 32, "drill": False})
    app.steps.ends[5] = looks_again
    app.run_steps(2, 3, 4, 5)
    app.bench.clock.move(15 * MINUTE)
    app.tick()
    assert (5, "repeat") in app.steps.runs


# Storage that can't be reached.


def test_without_storage_an_emergency_pages_runs_and_records_and_is_stored_later(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty)
    faulty.faults.spoil = lambda _operation: "before"
    app.declare()
    assert app.titles == ["An emergency was declared"]
    assert app.emergency.step(1).state is StepState.DONE
    app.run_steps(2, 3)
    app.ask("steps/4", action="done", note="ticket 7")
    app.run_steps(5)
    app.tick()
    stands = app.emergency
    assert [step.state for step in stands.steps[:5]] == ["done"] * 5

    faulty.faults.heal()
    app.bench.clock.move(MINUTE)
    app.tick()
    assert app.engine.store.waits == 0
    assert desk(storage).emergency == stands
    again = [row.key for row in storage.rows(Table.EMERGENCIES, "PartitionKey eq 'emergencies'")]
    app.tick()
    assert [row.key for row in storage.rows(Table.EMERGENCIES, "PartitionKey eq 'emergencies'")] == again


def test_without_a_lease_nothing_is_written_to_the_tenant(storage: Storage) -> None:
    faulty = SpoiltStorage(storage)
    app = desk(faulty)
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    faulty.faults.spoil = lambda _operation: "before"
    app.engine.store.add(*(Held(entry=one) for one in agreed(PROPOSED)))
    app.tick()
    assert app.steps.world.is_federated
    progress = app.emergency.step(6)
    assert progress.state is StepState.BLOCKED
    assert progress.findings[0].what_to_do == "Do step 6 by hand"


def test_a_drill_can_not_write_by_any_other_way(app: Desk) -> None:
    """A step that goes around `write` is refused before anything is sent."""
    sent: list[str] = []

    def goes_around(step_context: StepContext) -> StepEnd:
        for api in step_context.apis.values():
            api.before_write()
            sent.append(api.tenant.id)
        return StepEnd(state=StepState.DONE)

    app.steps.ends[2] = goes_around
    app.declare(drill=True)
    assert app.run_steps(2).step(2).state is StepState.FAILED
    assert sent == []
    assert isinstance(app.emergency.entries[0].act, Declared)


def test_a_drill_is_asked_for_each_week_when_the_last_is_too_old(app: Desk) -> None:
    title = "Try the break-glass runbook"

    def asked_in(days: int) -> int:
        before = app.titles.count(title)
        for _ in range(days):
            app.bench.clock.move(timedelta(days=1))
            ask_for_drill(app.engine)
            ask_for_drill(app.engine)
        return app.titles.count(title) - before

    assert asked_in(21) == 3, "there was none yet"
    app.declare(drill=True)
    app.ask("close", summary="tried")
    assert asked_in(90) == 0
    assert asked_in(14) == 2
    app.declare(emergency="f" * 32)
    assert asked_in(7) == 1, "an emergency is no drill"
