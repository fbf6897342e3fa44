"""What callers may do when, what follows from it, and what they are answered where they may not."""

import copy
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from typing import Any, override

import msgspec
import pytest

from infra.local.world import BREAK_GLASS_1, MALLORY
from shared.clients.storage import Storage
from shared.clients.storage_names import Table
from shared.emergency.answering import take
from shared.emergency.asking import Problem
from shared.emergency.entries import Caller, Closed, Entry, StepRecorded, StepState
from shared.emergency.runbook import StepContext, StepEnd
from shared.emergency.state import Emergency
from shared.emergency.store import PARTITION, Emergencies, Held
from shared.model.errors import Refused
from tests.fakes.clock import NOW
from tests.fakes.emergencies import APP_CALLER, CAROL, CODED, DAVE, EMERGENCY, agreed, entry
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runbooks import PROPOSED, PROPOSED_BACK, Desk, desk, wanted

MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(storage: Storage) -> Desk:
    return desk(storage)


def problem_of(ask: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as raised:
        ask()
    return raised.value


def rows(app: Desk) -> list[str]:
    found = app.bench.storage.rows(Table.EMERGENCIES, "PartitionKey eq @it", it=PARTITION)
    return sorted(row.key for row in found)


def confirm(app: Desk, what: str, digest: str) -> None:
    app.ask("confirm", DAVE, what=what, digest=digest)


def test_a_declaration_pages_everybody_and_runs_the_first_step(app: Desk) -> None:
    emergency = app.declare()
    assert emergency.step(1).state is StepState.DONE
    assert app.steps.runs == [(1, "step")]
    assert app.titles == ["An emergency was declared"]
    assert [notice.never_waits for notice in app.bench.teams.notices] == [True]
    assert CAROL.name in app.bench.teams.notices[0].text
    assert emergency.declared_by == CAROL.operator


def test_a_declaration_that_comes_again_is_the_same_one(app: Desk) -> None:
    first = app.declare(entry="1" * 32)
    assert app.declare(entry="1" * 32) == first
    assert app.steps.runs == [(1, "step")]
    assert len(app.titles) == 1


def test_a_second_declaration_is_answered_with_the_first(app: Desk) -> None:
    app.declare()
    before = rows(app)
    met = problem_of(lambda: app.declare(emergency="f" * 32))
    assert (met.status, met.emergency) == (HTTPStatus.CONFLICT, EMERGENCY)
    met = problem_of(lambda: app.declare(reason="another one"))
    assert (met.status, met.emergency) == (HTTPStatus.CONFLICT, EMERGENCY)
    assert rows(app) == before


def test_what_is_over_keeps_nobody_from_declaring_the_next_one(app: Desk) -> None:
    """The process that closed it was killed before it took away the rows that say that it is open."""
    app.declare(drill=True)
    over = app.engine.entry(EMERGENCY, Closed(summary="tried"), "closed")
    app.engine.store.add(Held(entry=over))
    assert app.engine.store.open_id(drill=True) == EMERGENCY
    assert app.declare(drill=True, emergency="f" * 32).is_open
    assert app.engine.store.open_id(drill=True) == "f" * 32


def test_a_whole_emergency(app: Desk) -> None:
    app.declare()
    app.run_steps(2, 3, 4, 5)
    assert app.run_steps(6).step(6).state is StepState.BLOCKED
    app.ask("ask", what="federation", digest=PROPOSED.digest)
    assert app.steps.world.is_federated
    confirm(app, "federation", PROPOSED.digest)
    assert not app.steps.world.is_federated
    assert app.emergency.step(6).state is StepState.DONE
    assert app.run_steps(7, 8).next_step is None

    closing = app.ask("close", summary="The identity provider is back").agreements[-1]
    confirm(app, "close", closing.digest)
    assert app.emergency.is_open, "federation isn't taken back yet"
    app.ask("ask", what="federation-back", digest=PROPOSED_BACK.digest)
    confirm(app, "federation-back", PROPOSED_BACK.digest)
    assert app.steps.world.is_federated
    assert app.steps.world.changes == 2
    assert app.emergency.closed is not None
    assert app.engine.store.open_id() == ""
    assert app.titles[-1] == "The emergency is closed"


def test_without_federation_two_operators_close_it(app: Desk) -> None:
    app.declare(hybrid=False)
    app.run_steps(2, 3, 4, 5, 6)
    assert app.emergency.step(6).state is StepState.SKIPPED
    closing = app.ask("close", summary="over").agreements[-1]
    assert app.emergency.is_open
    confirm(app, "close", closing.digest)
    assert not app.emergency.is_open
    assert app.steps.world.changes == 0


def test_a_way_back_that_failed_is_tried_again_until_it_is_closed(app: Desk) -> None:
    """Whatever it failed of has passed a minute later, and nobody can close it as long as nothing is taken back."""
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    app.ask("ask", what="federation", digest=PROPOSED.digest)
    confirm(app, "federation", PROPOSED.digest)

    def fails(_context: StepContext) -> StepEnd:
        raise KeyError("a mistake")

    app.steps.backs[6] = fails
    confirm(app, "close", app.ask("close", summary="over").agreements[-1].digest)
    tried = app.steps.runs.count((6, "back"))
    app.tick()
    assert app.steps.runs.count((6, "back")) == tried, "not at once"
    app.steps.backs[6] = lambda _context: StepEnd(state=StepState.DONE)
    app.bench.clock.move(timedelta(minutes=1))
    app.tick()
    assert app.emergency.closed is not None


def test_two_operators_may_leave_a_change_and_say_why(app: Desk) -> None:
    app.steps.world.is_federated = False
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    closing = app.ask("close", summary="over", left="The federation server is gone for good").agreements[-1]
    assert "The federation server is gone for good" in closing.text
    confirm(app, "close", closing.digest)
    assert not app.emergency.is_open
    assert not app.steps.world.is_federated


def test_an_acknowledgement_ends_the_paging(app: Desk) -> None:
    app.steps.ends[1] = lambda step_context: StepEnd(
        state=StepState.DONE if step_context.emergency.acknowledged else StepState.BLOCKED
    )
    assert app.declare().step(1).state is StepState.BLOCKED
    assert app.ask("acknowledge", DAVE, over="phone").step(1).state is StepState.DONE
    assert [(one.name, one.proof) for one in app.emergency.acknowledged] == [(DAVE.name, DAVE.proof)]


def test_a_drill_needs_no_second_operator_and_changes_nothing(app: Desk) -> None:
    app.declare(drill=True)
    app.run_steps(2, 3, 4, 5, 6, 7, 8)
    assert app.emergency.step(6).state is StepState.DONE
    assert [one.text for one in app.emergency.step(6).findings] == ["PATCH the domain"]
    assert not app.ask("close", summary="tried").is_open
    assert app.steps.world.changes == 0
    assert all(title.startswith("DRILL: ") for title in app.titles)


def test_a_real_emergency_ends_the_drill_and_is_no_drill(app: Desk) -> None:
    app.declare(drill=True, emergency="d" * 32)
    emergency = app.declare()
    assert emergency.is_open
    assert not emergency.drill
    drill = app.engine.store.read("d" * 32)
    assert drill is not None
    assert not drill.is_open
    assert app.titles[-1] == "An emergency was declared"


# What isn't allowed. In each case nothing is changed.


def _done_to_five(app: Desk) -> None:
    app.declare()
    app.run_steps(2, 3, 4, 5)


def _proposed(app: Desk) -> None:
    _done_to_five(app)
    app.run_steps(6)


def _asked(app: Desk) -> None:
    _proposed(app)
    app.ask("ask", what="federation", digest=PROPOSED.digest)


def _asked_long_ago(app: Desk) -> None:
    _asked(app)
    app.bench.clock.move(16 * MINUTE)


def _expired(app: Desk) -> None:
    _proposed(app)
    app.bench.clock.move(timedelta(hours=9))


def _switched(app: Desk) -> None:
    _asked(app)
    confirm(app, "federation", PROPOSED.digest)


def _being_closed(app: Desk) -> None:
    """Two operators agreed to close it, and the federation isn't taken back yet."""
    _switched(app)
    app.run_steps(7, 8)
    confirm(app, "close", app.ask("close", summary="over").agreements[-1].digest)
    assert app.emergency.is_open


def _closed(app: Desk) -> None:
    app.declare(drill=True)
    app.ask("close", summary="over")


def _drill(app: Desk) -> None:
    app.declare(drill=True)


def _declared(app: Desk) -> None:
    app.declare()


FEDERATION = {"what": "federation", "digest": PROPOSED.digest}


@pytest.mark.parametrize(
    ("before", "path", "caller", "body", "status"),
    [
        (_declared, "steps/9", CAROL, {"action": "run"}, 404),
        (_declared, "steps/0", CAROL, {"action": "run"}, 404),
        (_declared, "steps/3", CAROL, {"action": "run"}, 409),
        (_declared, "steps/3", CAROL, {"action": "done"}, 409),
        (_declared, "steps/3", CAROL, {"action": "skip", "note": "not needed"}, 409),
        (_declared, "steps/1", CAROL, {"action": "run"}, 409),
        (_declared, "steps/1", CAROL, {"action": "run", "force": True}, 400),
        (_declared, "steps/1", CAROL, {"action": "run", "force": True, "reason": "  "}, 400),
        (_declared, "steps/2", CAROL, {"action": "done", "force": True, "reason": "so"}, 400),
        (_declared, "steps/2", CAROL, {"action": "skip"}, 400),
        (_declared, "steps/1", CAROL, {"action": "skip", "note": "not needed"}, 409),
        (_declared, "announce", CAROL, {"account": MALLORY.id}, 400),
        (_declared, "ask", CAROL, FEDERATION, 409),
        (_declared, "confirm", DAVE, FEDERATION, 409),
        (_proposed, "confirm", DAVE, FEDERATION, 409),
        (_proposed, "ask", CAROL, FEDERATION | {"digest": "0" * 64}, 409),
        (_proposed, "ask", CODED, FEDERATION, 403),
        (_asked, "confirm", CAROL, FEDERATION, 403),
        (_asked, "confirm", CODED, FEDERATION, 403),
        (_asked, "confirm", APP_CALLER, FEDERATION, 403),
        (_asked_long_ago, "confirm", DAVE, FEDERATION, 409),
        (_switched, "confirm", DAVE, FEDERATION, 409),
        (_being_closed, "steps/6", CAROL, {"action": "run"}, 409),
        (_being_closed, "steps/6", CAROL, {"action": "run", "force": True, "reason": "to see"}, 409),
        (_done_to_five, "steps/6", CODED, {"action": "run"}, 403),
        (_done_to_five, "steps/6", CODED, {"action": "done", "note": "did it"}, 403),
        (_declared, "close", CODED, {"summary": "over"}, 403),
        (_declared, "extend", CODED, {"until": "2026-03-03T10:00:00Z", "reason": "so"}, 403),
        (_declared, "extend", CAROL, {"until": "2026-03-02T11:00:00Z", "reason": "so"}, 400),
        (_declared, "extend", CAROL, {"until": "2026-03-05T10:06:00Z", "reason": "so"}, 400),
        (_drill, "extend", CAROL, {"until": "2026-03-02T11:30:00Z", "reason": "so"}, 409),
        (_expired, "steps/7", CAROL, {"action": "run"}, 409),
        (_expired, "ask", CAROL, FEDERATION, 409),
        (_expired, "announce", CAROL, {"account": BREAK_GLASS_1.id}, 409),
        (_closed, "steps/2", CAROL, {"action": "run"}, 409),
        (_closed, "acknowledge", CAROL, {}, 409),
        (_closed, "close", CAROL, {"summary": "over"}, 409),
        (_closed, "confirm", DAVE, FEDERATION, 409),
    ],
)
def test_what_is_not_allowed_changes_nothing(
    app: Desk, *, before: Callable[[Desk], None], path: str, caller: Caller, body: dict[str, Any], status: int
) -> None:
    before(app)
    stands, ran, sent = app.emergency, list(app.steps.runs), list(app.titles)
    stored = rows(app)
    met = problem_of(lambda: app.ask(path, caller, **body))
    assert met.status == status, met.detail
    assert met.detail
    assert (app.emergency, app.steps.runs, app.titles, rows(app)) == (stands, ran, sent, stored)


def _closing(summary: str) -> Callable[[Desk, Caller], str]:
    def asked(app: Desk, caller: Caller) -> str:
        return app.ask("close", caller, summary=summary).agreements[-1].digest

    return asked


_FIRST, _SECOND = _closing("over"), _closing("over, and the server is gone")


@pytest.mark.parametrize(
    ("asks", "confirms", "said"),
    [
        ([(_FIRST, CAROL)], (0, DAVE), ""),
        ([(_FIRST, CAROL), (_FIRST, DAVE)], (0, DAVE), ""),
        ([(_FIRST, CAROL), (_FIRST, DAVE)], (1, CAROL), ""),
        ([(_FIRST, CAROL), (_FIRST, CAROL)], (0, DAVE), ""),
        ([(_FIRST, CAROL), (_FIRST, CAROL)], (0, CAROL), "You asked for it yourself"),
        ([(_FIRST, CAROL), (_SECOND, CAROL)], (0, DAVE), "takes back what was asked before. What waits: close {1}"),
        ([(_FIRST, CAROL), (_SECOND, CAROL)], (1, DAVE), ""),
        ([(_FIRST, CAROL), (_SECOND, DAVE)], (0, DAVE), "takes back what was asked before. What waits: close {1}"),
        ([(_FIRST, CAROL), (_SECOND, DAVE)], (1, CAROL), ""),
        ([(_FIRST, CAROL), (_SECOND, CAROL), (_FIRST, CAROL)], (0, DAVE), ""),
    ],
)
def test_the_second_operator_confirms_what_was_asked_for_last(
    app: Desk,
    asks: list[tuple[Callable[[Desk, Caller], str], Caller]],
    confirms: tuple[int, Caller],
    said: str,
) -> None:
    """Two who both ask for the same have each the other's to confirm; a text that was replaced is confirmed by none."""
    app.declare(hybrid=False)
    app.run_steps(2, 3, 4, 5, 6, 7, 8)
    digests = [ask(app, caller) for ask, caller in asks]
    place, caller = confirms
    if not said:
        assert app.ask("confirm", caller, what="close", digest=digests[place]).closed is not None
        return
    met = problem_of(lambda: app.ask("confirm", caller, what="close", digest=digests[place]))
    assert said.format(*digests) in met.detail
    assert app.emergency.is_open


def test_a_mistyped_digest_is_answered_with_what_waits(app: Desk) -> None:
    _asked(app)
    met = problem_of(lambda: app.ask("confirm", DAVE, what="federation", digest="0" * 64))
    assert f"federation {PROPOSED.digest}, which {CAROL.name} asked for" in met.detail


def test_what_is_being_taken_back_is_not_done_again(app: Desk) -> None:
    """Who runs the step to have it looked at must not be offered the switch anew."""
    _being_closed(app)
    met = problem_of(lambda: app.ask("steps/6", action="run", force=True, reason="to see whether it is back"))
    assert "is being taken back" in met.detail
    assert [one.what for one in app.emergency.step(6).proposals] == ["federation-back"]
    assert app.ask("steps/6", action="done", note="by hand").is_open, "what a person did is recorded all the same"


def test_an_emergency_that_nobody_knows_is_not_found(app: Desk) -> None:
    met = problem_of(lambda: app.ask("steps/1", action="run"))
    assert met.status == HTTPStatus.NOT_FOUND
    assert rows(app) == []


def test_what_expired_can_still_be_recorded_extended_and_closed(app: Desk) -> None:
    _expired(app)
    app.ask("steps/7", action="done", note="looked at by hand")
    app.ask("acknowledge")
    until = app.emergency.declared_at + timedelta(hours=12)
    assert not app.ask("extend", until=until.isoformat(), reason="not over").has_expired(app.bench.clock())
    assert app.run_steps(8).step(8).state is StepState.DONE


def test_a_finished_step_runs_again_only_for_a_reason(app: Desk) -> None:
    app.declare()
    app.ask("steps/1", action="run", force=True, reason="The pages were for somebody else")
    assert app.steps.runs == [(1, "step"), (1, "step")]
    assert app.emergency.step(1).runs[-1].forced == "The pages were for somebody else"


def test_a_request_that_comes_again_does_nothing_twice(app: Desk) -> None:
    app.declare()
    for _ in range(2):
        app.ask("steps/2", action="run", entry="2" * 32)
    assert app.steps.runs.count((2, "step")) == 1
    met = problem_of(lambda: app.ask("steps/2", DAVE, action="run", entry="2" * 32))
    assert met.status == HTTPStatus.CONFLICT, "somebody else's entry"
    met = problem_of(lambda: app.ask("steps/3", action="run", entry="2" * 32))
    assert met.status == HTTPStatus.CONFLICT, "another step's"


def test_one_failing_step_stops_no_other_and_says_what_a_person_does(app: Desk) -> None:
    def refused(_context: StepContext) -> StepEnd:
        raise Refused("403 (the call needs AuditLog.Read.All)")

    def broken(_context: StepContext) -> StepEnd:
        raise ZeroDivisionError

    app.steps.ends |= {2: refused, 3: broken}
    app.declare()
    app.run_steps(2, 3, 4)
    assert [app.emergency.step(number).state for number in (2, 3, 4)] == ["failed", "failed", "done"]
    for number in (2, 3):
        (found,) = app.emergency.step(number).findings
        assert found.what_to_do == f"Do step {number} by hand"
    assert "AuditLog.Read.All" in app.emergency.step(2).findings[0].text
    del app.steps.ends[2]
    assert app.run_steps(2).step(2).state is StepState.DONE, "and it can be tried again"


def test_an_announced_sign_in_is_known_and_everybody_hears_of_it(app: Desk) -> None:
    app.declare()
    emergency = app.ask("announce", account=BREAK_GLASS_1.id.upper(), minutes=30)
    now = app.bench.clock()
    assert emergency.announcement(BREAK_GLASS_1.id, now + 29 * MINUTE)
    assert not emergency.announcement(BREAK_GLASS_1.id, now + 31 * MINUTE)
    assert app.titles[-1] == "The sign-in of an emergency account is announced"


# What is carried.


def brought(app: Desk, *entries: Entry) -> None:
    take(app.engine, wanted(f"/api/emergency/{EMERGENCY}/journal", {}), CAROL, carried=entries)


def test_an_instance_that_knows_nothing_goes_on_from_what_is_carried(storage: Storage) -> None:
    elsewhere = desk(storage)
    elsewhere.declare()
    elsewhere.ask("steps/2", action="done", note="read")
    here = desk(another())
    brought(here, *elsewhere.emergency.entries)
    assert here.emergency.step(2).state is StepState.DONE
    assert here.emergency.declared_name == CAROL.name
    brought(here, *elsewhere.emergency.entries)
    assert len(here.emergency.entries) == len(elsewhere.emergency.entries)


def another() -> Storage:
    made = MemoryStorage()
    made.create_all()
    return made


@pytest.mark.parametrize(("signed", "counts"), [(True, True), (False, False)])
def test_what_is_carried_agrees_only_where_its_signature_is_right(
    storage: Storage, *, signed: bool, counts: bool
) -> None:
    app = desk(storage, signed=signed)
    app.declare()
    app.run_steps(2, 3, 4, 5, 6)
    asked, confirmed = agreed(PROPOSED)
    brought(app, asked, confirmed)
    assert app.emergency.is_agreed("federation", PROPOSED.digest) is counts
    app.tick()
    assert app.steps.world.changes == counts


def test_nothing_that_the_app_is_said_to_have_done_counts_for_federation(app: Desk) -> None:
    _proposed(app)
    brought(app, entry(StepRecorded(step=6, state=StepState.DONE, note="so"), APP_CALLER, at=MINUTE))
    brought(app, entry(StepRecorded(step=6, state=StepState.DONE, note="so"), CODED, at=MINUTE))
    assert app.emergency.step(6).state is StepState.BLOCKED


class _SlowToRead(Emergencies):
    """Has the first who reads wait until a second one reads too, or surely doesn't."""

    def meet(self) -> None:
        self._second = threading.Event()
        self._callers: list[int] = []

    @override
    def read(self, emergency: str) -> Emergency | None:
        found = super().read(emergency)
        me = threading.get_ident()
        if me not in self._callers:
            self._callers.append(me)
            if len(self._callers) == 1:
                self._second.wait(0.2)
            else:
                self._second.set()
        return found


@pytest.mark.parametrize("what", ["the app's own", "a request that is sent again"])
def test_what_comes_twice_at_once_is_one_entry(storage: Storage, what: str) -> None:
    app = desk(storage)
    app.declare()
    store = _SlowToRead(storage, clock=app.bench.clock, is_signed=lambda _entry: True)
    seconds = itertools.count(1)
    runtime = copy.replace(app.bench.runtime, clock=lambda: NOW + timedelta(seconds=next(seconds)))
    engine = msgspec.structs.replace(app.engine, store=store, runtime=runtime)
    store.meet()
    note = wanted(f"/api/emergency/{EMERGENCY}/steps/2", {"action": "done", "note": "seen", "entry": "2" * 32})

    def comes() -> None:
        if what == "the app's own":
            engine.add(EMERGENCY, Closed(summary="over"), "over")
        else:
            take(engine, note, CAROL)

    with ThreadPoolExecutor(2) as both:
        for one in [both.submit(comes), both.submit(comes)]:
            one.result()
    ids = [key.split("-")[1] for key in rows(app) if key.startswith(f"{EMERGENCY}-")]
    assert len(ids) == len(set(ids))
    assert len(ids) > 1
