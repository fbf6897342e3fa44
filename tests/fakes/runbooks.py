"""An engine over any storage, with eight steps that remember what they did, and people who ask for things."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import msgspec

from shared.clients.storage import Storage
from shared.emergency.answering import take
from shared.emergency.asking import Wanted, wanted_in
from shared.emergency.engine import Engine
from shared.emergency.entries import Caller, Proposal, StepState
from shared.emergency.repeats import go_on
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.emergency.state import Emergency
from shared.emergency.store import Emergencies
from shared.model.bilingual import Words
from tests.fakes.emergencies import CAROL, EMERGENCY
from tests.fakes.runtime import Bench, bench

PROPOSED: Final = Proposal(what="federation", text="Change contoso.com from federated to managed")
PROPOSED_BACK: Final = Proposal(what="federation-back", text="Change contoso.com from managed to federated")


A_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class World:
    """What the steps of tests do something to: whether the domain is federated.

    `changes` counts them, so that one done twice is seen.
    """

    is_federated: bool = True
    changes: int = 0
    around: Callable[[str], None] = lambda _when: None
    """Called right before and right after each change; it may raise."""


type Ends = Callable[[StepContext], StepEnd]


@dataclass(slots=True, kw_only=True)
class Steps:
    """Eight steps. `ends` gives what a run of a step gives back, or raises; each step is done where none is said.

    `backs` is the same for runs that take a step back.
    """

    world: World = field(default_factory=World)
    ends: dict[int, Ends] = field(default_factory=dict[int, Ends])
    backs: dict[int, Ends] = field(default_factory=dict[int, Ends])
    runs: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Each time that a step was run: its number, and what kind of run it was."""

    def declared(self) -> tuple[RunbookStep, ...]:
        return tuple(self._step(number) for number in range(1, 9))

    def _step(self, number: int) -> RunbookStep:
        said = Words(en=f"Step {number}", ko=f"{number}단계")

        def run(step_context: StepContext) -> StepEnd:
            self.runs.append((number, str(step_context.kind)))
            if number in self.ends:
                return self.ends[number](step_context)
            return self._federation(step_context) if number == 6 else StepEnd(state=StepState.DONE)

        def back(step_context: StepContext) -> StepEnd:
            self.runs.append((number, str(step_context.kind)))
            return self.backs.get(number, self._federation_back)(step_context)

        return RunbookStep(
            number=number,
            id=f"step-{number}",
            title=said,
            person=said,
            system=said,
            check=said,
            failed=Words(en=f"Do step {number} by hand", ko="직접 하세요"),
            needs=(),
            run=run,
            way_back=back if number == 6 else None,
            writes=number == 6,
        )

    def _federation(self, step_context: StepContext) -> StepEnd:
        if not step_context.emergency.hybrid:
            return StepEnd(state=StepState.SKIPPED)
        if not self.world.is_federated:
            return StepEnd(state=StepState.DONE)
        if not step_context.agreed(PROPOSED):
            return StepEnd(state=StepState.BLOCKED, proposals=(PROPOSED,))
        self._switch(step_context, to=False)
        return StepEnd(state=StepState.DONE)

    def _federation_back(self, step_context: StepContext) -> StepEnd:
        if self.world.is_federated:
            return StepEnd(state=StepState.DONE)
        if not step_context.agreed(PROPOSED_BACK):
            return StepEnd(state=StepState.BLOCKED, proposals=(PROPOSED_BACK,))
        self._switch(step_context, to=True)
        return StepEnd(state=StepState.DONE)

    def _switch(self, step_context: StepContext, *, to: bool) -> None:
        if step_context.emergency.drill:
            step_context.would_write("PATCH the domain")
            return
        step_context.go_on()
        self.world.around("before")
        self.world.is_federated = to
        self.world.changes += 1
        self.world.around("after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An app with its engine, and what callers send to it."""

    bench: Bench
    engine: Engine
    steps: Steps

    def ask(self, path: str, caller: Caller = CAROL, **body: Any) -> Emergency:  # noqa: ANN401 - the fields of a request
        """Send a request to a path below the emergency's."""
        self.bench.clock.move(A_SECOND)
        where = f"/api/emergency/{EMERGENCY}/{path}" if path else "/api/emergency"
        return take(self.engine, wanted(where, body), caller)

    def declare(self, caller: Caller = CAROL, **body: Any) -> Emergency:  # noqa: ANN401 - the fields of a request
        fields = {"reason": "Nobody can sign in", "hybrid": True, "emergency": EMERGENCY}
        return self.ask("", caller, **fields | body)

    def run_steps(self, *numbers: int, caller: Caller = CAROL) -> Emergency:
        return [self.ask(f"steps/{number}", caller, action="run") for number in numbers][-1]

    def tick(self) -> None:
        """Let the timer come."""
        self.bench.clock.move(A_SECOND)
        go_on(self.engine)

    @property
    def emergency(self) -> Emergency:
        found = self.engine.store.read(EMERGENCY)
        assert found is not None
        return found

    @property
    def titles(self) -> list[str]:
        """The titles of all that was sent to PagerDuty, a drill's with its mark."""
        return [f"{'DRILL: ' if notice.drill else ''}{notice.title}" for notice in self.bench.pagerduty.notices]


_IDS: Final = itertools.count(1)


def wanted(path: str, body: dict[str, Any]) -> Wanted:
    return wanted_in(path, msgspec.json.encode(body), otherwise=lambda: f"{next(_IDS):032x}")


def desk(
    storage: Storage,
    *,
    steps: Steps | None = None,
    runbook: tuple[RunbookStep, ...] = (),
    signed: bool = True,
    **options: Any,  # noqa: ANN401 - as `bench` takes
) -> Desk:
    """Put an app together, with the steps of tests or a runbook.

    `signed` says whether signatures of entries that are read or brought are right.
    """
    made = bench(storage, **options)
    steps = steps or Steps()
    store = Emergencies(storage, clock=made.clock, is_signed=lambda _entry: signed)
    engine = Engine(runtime=made.runtime, store=store, steps=runbook or steps.declared())
    return Desk(bench=made, engine=engine, steps=steps)
