"""Runs a step of the runbook as the engine does, over a tenant with logs, and keeps the entries of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from infra.local.world import B2C_TENANT
from shared.clients.api import TenantEdges
from shared.clients.storage import Storage
from shared.emergency.entries import Declared, Entry, RunKind, StepEnded, StepStarted
from shared.emergency.runbook import RunbookStep, StepContext, StepEnd
from shared.emergency.state import Emergency, fold
from shared.model.kinds import TenantKind
from tests.fakes.clock import NOW, FakeClock
from tests.fakes.emergencies import APP_CALLER, EMERGENCY, entry
from tests.fakes.log_tenant import LogTenant
from tests.fakes.runtime import Bench, bench

HOUR: Final = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Drive:
    """An emergency, the tenants that its steps look at, and what was done."""

    bench: Bench
    workforce: LogTenant
    b2c: LogTenant
    entries: list[Entry] = field(default_factory=list[Entry])
    would: list[str] = field(default_factory=list[str])
    renewals: int = 0

    @property
    def clock(self) -> FakeClock:
        return self.bench.clock

    @property
    def emergency(self) -> Emergency:
        found = fold(EMERGENCY, self.entries)
        assert found is not None
        return found

    def run(self, step: RunbookStep, kind: RunKind = RunKind.STEP) -> StepEnd:
        """Run a step once and write what came of it."""
        name = f"{len(self.entries):032x}"
        context = StepContext(
            emergency=self.emergency,
            step=step,
            run=name,
            kind=kind,
            runtime=self.bench.runtime,
            now=self.clock(),
            go_on=self._renew,
            would_write=self.would.append,
        )
        self._add(StepStarted(step=step.number, run=name, kind=kind))
        end = step.run(context)
        self._add(
            StepEnded(
                step=step.number,
                run=name,
                state=end.state,
                findings=end.findings,
                evidence=end.evidence,
                next_at=end.next_at,
            )
        )
        return end

    def _add(self, act: StepStarted | StepEnded) -> None:
        self.entries.append(entry(act, APP_CALLER, at=self.clock()))

    def _renew(self) -> None:
        self.renewals += 1


def drive(
    storage: Storage,
    *,
    drill: bool = False,
    hybrid: bool = False,
    accounts: tuple[str, ...] = (),
    edges: Mapping[str, TenantEdges] | None = None,
    now: datetime = NOW,
) -> Drive:
    """Declare an emergency of a workforce tenant and a B2C tenant; `edges` are other tenants instead, by id."""
    workforce = LogTenant()
    b2c = LogTenant(kind=TenantKind.B2C, id=B2C_TENANT)
    made = bench(storage, edges=workforce.edges(), clock=FakeClock(now))
    reached = edges or {**made.runtime.edges, B2C_TENANT: b2c.edges()}
    made = Bench(
        runtime=msgspec.structs.replace(made.runtime, edges=reached),
        storage=made.storage,
        clock=made.clock,
        teams=made.teams,
        pagerduty=made.pagerduty,
        lamps=made.lamps,
    )
    declared = Declared(
        reason="Nobody can sign in",
        hybrid=hybrid,
        drill=drill,
        expires_at=now + 8 * HOUR,
        privileged_accounts=accounts,
    )
    return Drive(bench=made, workforce=workforce, b2c=b2c, entries=[entry(declared, at=now)])
