"""The app is killed at each effect in turn, and a new process goes on: nothing is lost, and nothing is done twice."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, override

import pytest

from shared.clients.storage import Storage
from shared.emergency.entries import Caller, StepEnded, StepStarted, StepState
from shared.emergency.runbook import StepContext, StepEnd
from shared.emergency.state import Emergency
from shared.notify.messages import NoticeCall
from shared.notify.paged import Channel
from tests.fakes.clock import FakeClock
from tests.fakes.emergencies import CAROL, DAVE, EMERGENCY
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runbooks import PROPOSED, PROPOSED_BACK, Desk, Steps, desk
from tests.fakes.senders import FakeSender
from tests.fakes.spoilt_storage import SpoiltStorage


class Killed(BaseException):
    """The process is gone: nothing catches this, and nothing that it would have done next is done."""


_READS = ("row", "blob", "take")


@dataclass(slots=True)
class Fate:
    """Counts effects, and kills the process before or after the one with the number `at`. Once only.

    `last` are the numbers of those that were the last of their request.
    """

    at: int
    after: bool
    count: int = 0
    is_over: bool = False
    last: list[int] = field(default_factory=list[int])

    def reached(self) -> str:
        """Say what becomes of the next effect: "before", "after" or "" (nothing)."""
        number, self.count = self.count, self.count + 1
        if self.is_over or number != self.at:
            return ""
        self.is_over = True
        return "after" if self.after else "before"


@dataclass(slots=True)
class MortalSender(FakeSender):
    """A channel through which the process may be killed before or after a message has gone."""

    fate: Fate = field(default_factory=lambda: Fate(at=-1, after=False))

    @override
    def send_call(self, call: NoticeCall) -> None:
        how = self.fate.reached()
        if how == "before":
            raise Killed
        FakeSender.send_call(self, call)
        if how == "after":
            raise Killed


@dataclass(slots=True, kw_only=True)
class Life:
    """Processes, one after another, over one storage, one tenant and two channels."""

    fate: Fate
    inner: Storage
    clock: FakeClock = field(default_factory=FakeClock)
    steps: Steps = field(default_factory=Steps)
    teams: MortalSender = field(default_factory=MortalSender)
    pagerduty: MortalSender = field(default_factory=MortalSender)

    def process(self) -> Desk:
        """Start the app anew: it knows nothing but what is stored."""
        spoilt = SpoiltStorage(self.inner)
        spoilt.faults.failure = lambda _text: Killed()
        # Killed before or after a read is killed after or before the writes around it.
        spoilt.faults.spoil = lambda operation: "" if operation.startswith(_READS) else self.fate.reached()
        self.teams.fate = self.pagerduty.fate = self.fate
        self.steps.world.around = self._around
        senders = {Channel.TEAMS: self.teams, Channel.PAGERDUTY: self.pagerduty}
        return desk(spoilt, steps=self.steps, clock=self.clock, senders=senders)

    def _around(self, when: str) -> None:
        if when == "before" and self.fate.reached():
            self.fate.is_over = True
            raise Killed


def _requests() -> list[tuple[str, Caller, dict[str, Any]]]:
    """The requests of a whole emergency; a client sends each again until it is answered, under the same id."""
    runs: list[tuple[str, Caller, dict[str, Any]]] = [
        (f"steps/{number}", CAROL, {"action": "run"}) for number in (2, 3, 4, 5, 6)
    ]
    return [
        ("", CAROL, {"reason": "Nobody can sign in", "hybrid": True, "emergency": EMERGENCY}),
        *runs,
        ("ask", CAROL, {"what": "federation", "digest": PROPOSED.digest}),
        ("confirm", DAVE, {"what": "federation", "digest": PROPOSED.digest}),
        ("steps/7", DAVE, {"action": "run"}),
        ("steps/8", DAVE, {"action": "done", "note": "handed over"}),
        ("close", CAROL, {"summary": "over"}),
        ("confirm", DAVE, {"what": "close"}),
        ("ask", CAROL, {"what": "federation-back", "digest": PROPOSED_BACK.digest}),
        ("confirm", DAVE, {"what": "federation-back", "digest": PROPOSED_BACK.digest}),
    ]


def _play(fate: Fate) -> tuple[Life, Emergency]:
    memory = MemoryStorage()
    memory.create_all()
    life = Life(fate=fate, inner=memory)
    app = life.process()
    digest = ""
    for number, (path, caller, body) in enumerate(_requests(), start=1):
        asked = body | {"entry": f"{number:032x}"} | ({"digest": digest} if body.get("what") == "close" else {})
        app, answer = _until_answered(life, app, lambda app, at=(path, caller, asked): app.ask(at[0], at[1], **at[2]))
        digest = answer.agreements[-1].digest if path == "close" else digest
    app, _ = _until_answered(life, app, _ticked)
    fate.is_over = True
    life.clock.move(timedelta(minutes=10))
    _tick(app)
    return life, app.emergency


def _tick(app: Desk) -> None:
    app.tick()
    app.bench.runtime.notifier.resume(lambda _tenant, _case: None)


def _ticked(app: Desk) -> Emergency:
    _tick(app)
    return app.emergency


def _until_answered(life: Life, app: Desk, ask: Callable[[Desk], Emergency]) -> tuple[Desk, Emergency]:
    """Ask, and where the process is killed, start another one; its timer comes once the lease of the dead is over."""
    try:
        answer = ask(app)
    except Killed:
        life.clock.move(timedelta(minutes=2))
        again = life.process()
        _tick(again)
        return again, ask(again)
    life.fate.last.append(life.fate.count - 1)
    return app, answer


def test_killed_at_each_effect_in_turn() -> None:
    """Killed after an effect is killed before the next one, but for the last of a request, whose answer is lost."""
    calm, calm_end = _play(Fate(at=-1, after=False))
    titles = Counter(notice.title for notice in calm.pagerduty.notices)
    assert calm_end.closed is not None
    assert calm.fate.count > 80
    assert len(set(calm.fate.last)) > len(_requests()) // 2
    # Steps 3, 4 and 5 are carried out as 2 and 6 are.
    alike = range(calm.fate.last[1] + 1, calm.fate.last[4] + 1)
    before = [Fate(at=number, after=False) for number in range(calm.fate.count) if number not in alike]
    for fate in (*before, *(Fate(at=number, after=True) for number in calm.fate.last if number not in alike)):
        at = (fate.at, fate.after)
        life, end = _play(fate)
        assert end.closed is not None, at
        assert life.steps.world.changes == 2, at
        assert life.steps.world.is_federated, at
        assert [step.state for step in end.steps] == [step.state for step in calm_end.steps], at
        assert len({entry.id for entry in end.entries}) == len(end.entries) == len(calm_end.entries), at
        ends = Counter(entry.act.run for entry in end.entries if isinstance(entry.act, StepEnded))
        starts = {entry.act.run for entry in end.entries if isinstance(entry.act, StepStarted)}
        assert set(ends) == starts, at
        sent = Counter(notice.title for notice in life.pagerduty.notices)
        assert set(sent) == set(titles), f"a message was lost: {at}"
        assert sum((sent - titles).values()) <= 1, f"at most the one that was being sent comes again: {at}"
        assert _unmarked(life.teams.calls) == [], f"what came before says so: {at}"


def _unmarked(calls: list[NoticeCall]) -> list[str]:
    """Give the messages that came before, and don't say that they may have."""
    came: set[tuple[str, int]] = set()
    found: list[str] = []
    for call in calls:
        key = (call.key, call.place)
        found += [call.system_notice.title] if key in came and not call.is_again else []
        came.add(key)
    return found


def test_a_run_that_is_killed_within_the_step_begins_again_from_its_beginning() -> None:
    memory = MemoryStorage()
    memory.create_all()
    life = Life(fate=Fate(at=-1, after=False), inner=memory)
    app = life.process()
    app.declare()
    done: list[str] = []

    def dies_once(step_context: StepContext) -> StepEnd:
        done.append(step_context.run)
        if len(done) == 1:
            raise Killed
        return StepEnd(state=StepState.DONE)

    life.steps.ends[2] = dies_once
    with pytest.raises(Killed):
        app.run_steps(2)
    life.clock.move(timedelta(minutes=2))
    again = life.process()
    again.tick()
    assert again.emergency.step(2).state is StepState.DONE
    assert len(set(done)) == 1, "it is the same run"
    again.tick()
    assert len(done) == 2
