"""Runs of one step of the runbook, one after another, as the engine makes them: each begins and ends with an entry."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from shared.emergency.entries import (
    APP,
    Act,
    Asked,
    Caller,
    Confirmed,
    Declared,
    Entry,
    Proof,
    Proposal,
    RunKind,
    StepEnded,
    StepStarted,
)
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.emergency.state import Emergency, fold
from tests.fakes.clock import FakeClock
from tests.fakes.hybrid_tenant import HybridTenant, Killed
from tests.fakes.memory_storage import MemoryStorage
from tests.fakes.runtime import Bench, bench

EMERGENCY: Final = "e" * 32
CAROL: Final = Caller(operator="ca401000-0000-4000-8000-000000000001", name="Carol Chen", proof=Proof.SIGNATURE)
DAVE: Final = Caller(operator="da4e0000-0000-4000-8000-000000000002", name="Dave Diaz", proof=Proof.PASSKEY)
_APP: Final = Caller(operator=APP, name="Entra Responder", proof=Proof.APP)
_A_MINUTE: Final = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class Runs:
    """An emergency in which one step is run. `dry` are the writes that a drill left out."""

    step: RunbookStep
    tenant: HybridTenant
    bench: Bench
    entries: list[Entry]
    dry: list[str] = field(default_factory=list[str])

    @property
    def emergency(self) -> Emergency:
        """How it stands."""
        folded = fold(EMERGENCY, self.entries)
        assert folded is not None
        return folded

    def add(self, act: Act, caller: Caller = _APP) -> None:
        """Add an entry, made now."""
        entry = Entry(
            id=f"{len(self.entries):032x}",
            emergency=EMERGENCY,
            at=self.bench.clock(),
            by=caller.operator,
            name=caller.name,
            proof=caller.proof,
            act=act,
        )
        self.entries.append(entry)

    def run(self, kind: RunKind = RunKind.STEP, *, resume: bool = False) -> StepEnd:
        """Begin a run, or go on with the one that was killed, and end it. Raises Killed where the tenant says so."""
        number = self.step.number
        begun = self.emergency.step(number).open_run if resume else None
        run = begun.id if begun else f"{len(self.entries):032x}"
        if begun is None:
            self.add(StepStarted(step=number, run=run, kind=kind))
        step_context = StepContext(
            emergency=self.emergency,
            step=self.step,
            run=run,
            kind=kind,
            runtime=self.bench.runtime,
            now=self.bench.clock(),
            go_on=lambda: None,
            would_write=self.dry.append,
        )
        do = self.step.way_back if kind is RunKind.BACK else self.step.run
        assert do is not None
        end = do(step_context)
        self.bench.clock.move(timedelta(seconds=1))
        ended = StepEnded(
            step=number,
            run=run,
            state=end.state,
            findings=end.findings,
            evidence=end.evidence,
            next_at=end.next_at,
            proposals=end.proposals,
        )
        self.add(ended)
        return end

    def killed(self, kind: RunKind = RunKind.STEP) -> None:
        """Begin a run that is killed."""
        try:
            self.run(kind)
        except Killed:
            self.tenant.kill_before = self.tenant.kill_after = frozenset()
            self.bench.clock.move(2 * _A_MINUTE)
            return
        raise AssertionError("nothing ended the run")

    def agree(
        self,
        proposal: Proposal,
        *,
        asks: Caller = CAROL,
        confirms: Caller = DAVE,
        after: timedelta = _A_MINUTE,
    ) -> None:
        """Have one operator ask for it, and another one confirm it some time later."""
        self.add(Asked(what=proposal.what, digest=proposal.digest, text=proposal.text), asks)
        self.bench.clock.move(after)
        self.add(Confirmed(what=proposal.what, digest=proposal.digest), confirms)
        self.bench.clock.move(timedelta(seconds=5))


def runs_of(
    step: RunbookStep,
    tenant: HybridTenant | None = None,
    *,
    drill: bool = False,
    hybrid: bool = True,
    storage: MemoryStorage | None = None,
    **settings: Any,  # noqa: ANN401 - as `bench` takes
) -> Runs:
    """Declare an emergency in a hybrid tenant, and be about to run one step of it."""
    tenant = tenant or HybridTenant()
    storage = storage or MemoryStorage()
    storage.create_all()
    clock = FakeClock()
    made = bench(storage, clock=clock, edges=tenant.edges(wait=clock.wait), **settings)
    return declared_in(made, step, tenant, drill=drill, hybrid=hybrid)


def declared_in(made: Bench, step: RunbookStep, tenant: HybridTenant, *, drill: bool, hybrid: bool = True) -> Runs:
    """Declare an emergency in what a test has put together. `tenant` may be one that nothing reaches."""
    runs = Runs(step=step, tenant=tenant, bench=made, entries=[])
    expires_at = made.clock() + timedelta(hours=8)
    runs.add(Declared(reason="Nobody can sign in", hybrid=hybrid, drill=drill, expires_at=expires_at), CAROL)
    return runs
